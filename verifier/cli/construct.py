"""`robmem construct`: the networks of the papers, with exact weights and checked promises."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from verifier.cli.options import columns, number, sample_numbers, table_options

if TYPE_CHECKING:
    from collections.abc import Mapping
    from fractions import Fraction

    from verifier.data.dataset import Dataset
    from verifier.data.layout import Layout

_NAMED = ("width", "depth", "nonzero", "dense", "bits")


@click.command(
    name="construct",
    epilog="Example: robmem construct l2 --data wine --ratio 9/10 -o wine.net",
    short_help="Build a construction by name; list them; compare them.",
)
@click.argument("name", default="list", metavar="[NAME|list|compare]")
@click.option("--data", "spec", default="digits", show_default=True, metavar="DATA")
@table_options
@click.option("--ratio", metavar="Q", help="budget / (separation / 2).  [default: 99/100]")
@click.option("--budget", metavar="Q", help="The radius of the balls, instead of --ratio.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
@click.option("--samples", metavar="A:B", help="Take the samples A..B-1 alone.")
@click.option(
    "--rank", type=int, metavar="K", help="Coordinates of a projection (narrow-*, *-rho)."
)
@click.option("--kind", metavar="KIND", help="rounded, householder or cayley (with --rank).")
@click.option("--error", metavar="Q", help="Share of each ball that may err (moderate-rho).")
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=10_000_000,
    show_default=True,
    help="Most weights of a network that compare builds.",
)
@click.option("-o", "--output", type=click.Path(dir_okay=False), help="Write the network here.")
@click.option("--stream", is_flag=True, help="Write some rows at a time, for data of any size.")
@click.option(
    "--every-budget", is_flag=True, help="With --stream: the budget is one more input, the last."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(
    name: str,
    spec: str,
    layout: Layout,
    ratio: str | None,
    budget: str | None,
    seed: int,
    samples: str | None,
    rank: int | None,
    kind: str | None,
    error: str | None,
    limit: int,
    output: str | None,
    stream: bool,
    every_budget: bool,
    as_json: bool,
) -> int:
    """Build the construction NAME for DATA, compare its promises with what was built.

    `list` shows all constructions; `compare` builds all that apply and shows their
    sizes, promised and actual, and for the others the reason.  Exit code 1 if a
    promised size is not that of the built network.
    """
    from verifier.question.errors import UserError

    if name == "list":
        return _list(as_json)
    if output is not None and output.endswith((".onnx", ".nnet", ".npz")):
        raise UserError(
            f"--output: {output} would hold robmem's own format; give it another ending, and "
            "robmem export --to onnx (or npz) writes it as such"
        )
    if ratio is not None and budget is not None:
        raise UserError("give either --ratio or --budget, not both")
    if every_budget and (not stream or ratio is not None or budget is not None):
        raise UserError("--every-budget goes with --stream, without --ratio and --budget")
    exact_budget = None if budget is None else number("--budget", budget)
    exact_ratio = None
    if budget is None and not every_budget:
        exact_ratio = number("--ratio", ratio or "99/100")
    exact_error = None if error is None else number("--error", error)
    given = {"rank": rank, "kind": kind, "error": exact_error}
    options = {key: value for key, value in given.items() if value is not None}
    dataset = load_samples(spec, layout, samples)
    if name == "compare":
        if output is not None or options:
            raise UserError("compare builds every construction with its defaults and writes none")
        return _compare(dataset, exact_ratio, exact_budget, seed, limit, as_json)
    if stream:
        return _stream(name, dataset, exact_ratio, exact_budget, output, as_json)
    return _build(name, dataset, exact_ratio, exact_budget, seed, options, output, as_json)


def _list(as_json: bool) -> int:
    """Prints the constructions that there are."""
    from constructions.registry import REGISTRY

    if as_json:
        print(json.dumps([_entry(entry) for entry in REGISTRY.values()]))
    else:
        rows: list[tuple[str, ...]] = [("name", "norm", "what", "source")]
        rows += [(e.name, str(e.norm), e.summary, e.source) for e in REGISTRY.values()]
        print(columns(rows))
    return 0


def _compare(
    dataset: Dataset,
    ratio: Fraction | None,
    budget: Fraction | None,
    seed: int,
    limit: int,
    as_json: bool,
) -> int:
    """Builds every construction that applies, and prints sizes, promised and actual; 1 if a
    promise is broken."""
    from constructions.comparison import compare, described
    from constructions.registry import REGISTRY
    from verifier.cli.progress import counted

    built = []
    with counted(len(REGISTRY), quiet=False, what="building") as show:
        for one in compare(dataset, ratio=ratio, budget=budget, seed=seed, limit=limit):
            built.append(one)
            show(len(built))
    broken = False
    table: list[tuple[str, ...]] = [("construction", "norm", "budget", "robust", *_NAMED)]
    listed, reasons = [], []
    for one in built:
        if one.construction is None:
            listed.append({"construction": one.entry.name, "reason": one.reason})
            reasons.append(f"{one.entry.name}: {one.reason}")
            continue
        facts = described(one.construction)
        broken |= bool(facts["broken_promises"])
        listed.append(facts)
        table.append(_row(facts))
    print(json.dumps(listed) if as_json else "\n".join([columns(table), *reasons]))
    return int(broken)


def _build(
    name: str,
    dataset: Dataset,
    ratio: Fraction | None,
    budget: Fraction | None,
    seed: int,
    options: Mapping[str, Any],
    output: str | None,
    as_json: bool,
) -> int:
    """Builds one construction, writes it if asked, and prints what it is; 1 if a promise is
    broken."""
    from constructions.comparison import described
    from constructions.registry import build
    from verifier.cli.progress import staged
    from verifier.evidence.network_file import save_network
    from verifier.question.printable import printable

    with staged(f"building {printable(name)} for {printable(dataset.name)}"):
        construction = build(name, dataset, ratio=ratio, budget=budget, seed=seed, options=options)
        facts = described(construction)
    if output is not None:
        save_network(construction.network, Path(output))
        facts["file"] = output
    print(json.dumps(facts) if as_json else _shown(facts))
    return int(bool(facts["broken_promises"]))


def _stream(
    name: str,
    dataset: Dataset,
    ratio: Fraction | None,
    budget: Fraction | None,
    output: str | None,
    as_json: bool,
) -> int:
    """Writes a construction without holding it, and prints what it promises; without ratio and
    budget it is that of every budget."""
    from constructions.hypotheses import budget_of_ratio, power_separation
    from constructions.streamed import NAMES, save_cubes
    from verifier.question.errors import UserError
    from verifier.question.rational import format_rational

    if name not in NAMES:
        raise UserError(f"only {' and '.join(NAMES)} are written in a stream, not {name}")
    if output is None:
        raise UserError("--stream needs a file to write to, -o FILE")
    separation = power_separation(dataset, "inf")
    if ratio is not None:
        budget = budget_of_ratio(ratio, separation, "inf")
    promises = save_cubes(output, dataset, name, budget, separation=separation)
    facts: dict[str, Any] = {
        "construction": name,
        "source": promises.source,
        "norm": "inf",
        "budget": "every" if budget is None else format_rational(budget),
        "promises": {size: bound.value for size, bound in promises.sizes().items()},
        "file": output,
    }
    if budget is None:  # the promises are those of one budget
        facts["promises"] = {}
    if as_json:
        print(json.dumps(facts))
    else:
        for size, bound in promises.sizes().items() if budget is not None else ():
            print(f"{size:<12}  {bound}")
        print(f"written to    {output}")
    return 0


def load_samples(spec: str, layout: Layout, samples: str | None) -> Dataset:
    """The data, or the samples of them that were named; raises UserError."""
    from verifier.data.load import load

    dataset = load(spec, layout)
    chosen = sample_numbers(samples, dataset.size)
    return dataset if chosen is None else dataset.select(chosen)


def _entry(entry: Any) -> dict[str, Any]:
    return {
        "construction": entry.name,
        "norm": str(entry.norm),
        "summary": entry.summary,
        "source": entry.source,
        "robust": entry.robust,
        "options": list(entry.options),
    }


def _row(facts: dict[str, Any]) -> tuple[str, ...]:
    cells = []
    for size in _NAMED:
        entry = facts["sizes"][size]
        promised = "" if entry["promised"] is None else f" {entry['relation']} {entry['promised']}"
        cells.append(f"{entry['actual']}{promised}")
    robust = "yes" if facts["robust"] else "no"
    return (facts["construction"], facts["norm"], _short(facts["budget"]), robust, *cells)


def _short(text: str) -> str:
    return text if len(text) <= 24 else f"{text[:10]}..({len(text)} digits)"


def _range(below: str | None) -> str:
    if below == "0":
        return "none above 0: a control, whose budget is what is to be refuted"
    return below or "not a simple bound"


def _shown(facts: dict[str, Any]) -> str:
    lines = [
        ("construction", facts["construction"]),
        ("source", facts["source"]),
        ("norm", facts["norm"]),
        ("budget", facts["budget"]),
        ("budgets below", _range(facts["budget_below"])),
        ("robust", "yes" if facts["robust"] else "not promised; see the notes"),
        ("decoder", facts["decoder"]),
    ]
    if facts["lipschitz"] is not None:
        lines.append(("Lipschitz", f"at most {facts['lipschitz']}"))
    for name, entry in facts["sizes"].items():
        promised = (
            ""
            if entry["promised"] is None
            else f"  promised {entry['relation']} {entry['promised']} = {entry['formula']}"
        )
        lines.append((name, f"{entry['actual']}{promised}"))
    lines += [("note", note) for note in facts["notes"]]
    lines += [("broken", promise) for promise in facts["broken_promises"]]
    lines.append(("network", facts["network"]))
    if "file" in facts:
        lines.append(("written to", facts["file"]))
    width = max(len(name) for name, _ in lines)
    return "\n".join(f"{name:<{width}}  {value}" for name, value in lines)

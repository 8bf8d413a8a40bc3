"""`robmem least`: the least width of a robust memorizer, with evidence on both sides."""

from __future__ import annotations

import json
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

import click

from verifier.cli.options import BASIC_NORM, SECONDS, columns, number, table_options

if TYPE_CHECKING:
    from collections.abc import Sequence
    from fractions import Fraction

    from constructions.least.answer import Least
    from verifier.checker.checked import CheckerName
    from verifier.data.dataset import Dataset
    from verifier.data.layout import Layout
    from verifier.question.network import Network
    from verifier.question.region import Norm


@click.command(
    name="least",
    epilog="Example: robmem least examples/xor.csv --out runs/xor-least",
    short_help="The least width of a robust memorizer of small data, exactly.",
)
@click.argument("spec", metavar="DATA")
@table_options
@click.option("--norm", type=BASIC_NORM, default="inf", show_default=True, help="Of the balls.")
@click.option(
    "--budgets", metavar="Q,..", help="Radii of the balls.  [default: all, as a step function]"
)
@click.option(
    "--budgets-squared", metavar="Q,..", help="Squared radii, for norm 2, instead of --budgets."
)
@click.option(
    "--depth", type=int, default=2, show_default=True, help="2, exactly; 3: what that says."
)
@click.option(
    "--max-width",
    "most",
    type=click.IntRange(min=1),
    default=4,
    show_default=True,
    help="The largest width that is looked at.",
)
@click.option(
    "--count",
    type=click.Choice(["width", "units", "parameters"]),
    default="width",
    show_default=True,
    help="What is least: width, units of the hidden layer, or all weights and biases.",
)
@click.option(
    "--all-labelings",
    is_flag=True,
    help="Of every labeling of the points with two labels, up to symmetry.",
)
@click.option(
    "--family",
    "families",
    type=click.Path(dir_okay=False),
    metavar="NETWORK",
    multiple=True,
    help="One network for each budget, or one for the balls that it reaches, to be checked: see "
    "docs/least.md. May be given again.",
)
@click.option("--scaled", metavar="J,..", help="With --family: inputs that are multiplied.")
@click.option("--samples", metavar="A:B", help="Take the samples A..B-1 alone.")
@click.option(
    "--timeout", type=SECONDS, default=600.0, show_default=True, help="For one width and budget."
)
@click.option("--out", type=click.Path(file_okay=False), help="A folder for claims and proofs.")
@click.option("--quiet", is_flag=True, help="Show no progress.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(
    spec: str,
    layout: Layout,
    norm: Any,
    budgets: str | None,
    budgets_squared: str | None,
    depth: int,
    most: int,
    count: str,
    all_labelings: bool,
    families: tuple[str, ...],
    scaled: str | None,
    samples: str | None,
    timeout: float,
    out: str | None,
    quiet: bool,
    as_json: bool,
) -> int:
    """Find the least width of a network of depth 2 that memorizes DATA robustly.

    The network has one output, read as the nearest label, a tie as none; the labels are
    numbered 0, 1, .. in their order. It has to read the label of every sample on its whole
    closed ball. For each budget the answer has two sides: a network, certified on all balls,
    and a proof that no narrower network exists, by questions whose inputs are the weights of
    all of them. Without --budgets the answer is a step function of the budget; a step is exact
    where a network holds on all smaller balls and a proof at the step itself, or else lies in
    an interval. For norm 2, budgets are shown squared.

    With --out every claim is stored as soon as it is shown, the same command continues, and
    `robmem check FOLDER` makes all questions again from the data and replays all proofs.

    Of depth 3 the answer is what that of depth 2 says: it is exact where that is at most 2
    (of two labels), and an interval where not.

    Of n inputs a network of depth 2 and width w has w units and w (n + 2) + 1 parameters,
    zeros among them; --count says which are shown. --all-labelings asks the same of all ways
    to give the points two labels, up to symmetries of the points and the exchange of the labels.

    Exit code 0 if the least width is known for all that was asked, 3 if not.
    """
    from constructions.least.answer import least
    from verifier.cli.construct import load_samples
    from verifier.cli.progress import staged
    from verifier.question.errors import UserError

    started = monotonic()
    if depth != 2 and (count != "width" or all_labelings):
        raise UserError(
            f"--depth {depth}: of more layers widths alone, of one labeling; leave out --count "
            "and --all-labelings"
        )
    sizes = _sizes(norm, budgets, budgets_squared)
    given = _families(families, scaled)
    dataset = load_samples(spec, layout, samples)
    folder = None if out is None else Path(out)
    if all_labelings:
        if families:
            raise UserError("--family is about one labeling; leave out --all-labelings")
        return _all_labelings(
            dataset, norm, sizes, most, folder, timeout, count, quiet=quiet, as_json=as_json
        )
    with staged("looking for networks", quiet=quiet) as say:
        found = least(
            dataset,
            norm,
            sizes,
            most,
            folder,
            depth=depth,
            families=given[0],
            scaled=given[1],
            seconds=timeout,
            progress=say,
        )
    seconds = monotonic() - started
    return show(found, out, "checker", seconds, as_json=as_json, count=count)


def _families(paths: Sequence[str], scaled: str | None) -> tuple[list[Network], list[int]]:
    """The networks of --family, and the inputs of --scaled."""
    from verifier.formats.load import load_any_network
    from verifier.question.errors import UserError

    if not paths and scaled is not None:
        raise UserError("--scaled says which inputs a --family multiplies; there is none")
    axes = []
    for text in [] if scaled is None else scaled.split(","):
        if not text.strip().isdecimal():
            raise UserError(f"--scaled: {text!r} is no number of an input, counted from 0")
        axes.append(int(text))
    return [load_any_network(path) for path in paths], axes


def _all_labelings(
    dataset: Dataset,
    norm: Norm,
    sizes: list[Fraction] | None,
    most: int,
    folder: Path | None,
    seconds: float,
    count: str,
    *,
    quiet: bool,
    as_json: bool,
) -> int:
    from constructions.least.answer import steps_text
    from constructions.least.labelings import least_of_all
    from verifier.cli.progress import staged

    started = monotonic()
    with staged("looking for networks", quiet=quiet) as say:
        found = least_of_all(dataset, norm, sizes, most, folder, seconds=seconds, progress=say)
    exact = all(answer.exact for _, answer in found)
    took = monotonic() - started
    if as_json:
        rows = [
            {"labels": one.text, "alike": one.alike}
            | _facts(
                answer,
                None if folder is None else str(folder / one.text),
                "checker",
                0.0,
                sum(len(claim.checked) for claim in answer.claims),
                sum(len(text) for claim in answer.claims for text in claim.certificates),
            )
            for one, answer in found
        ]
        for row in rows:
            del row["seconds"]
        print(json.dumps({"labelings": rows, "exact": exact, "seconds": {"all": round(took, 3)}}))
        return 0 if exact else 3
    print(f"{dataset.name}: all labelings, L{norm} balls, networks of depth 2\n")
    table: list[tuple[str, ...]] = [("labels", "alike", "below", f"least {count}")]
    table += [
        (one.text, str(one.alike), f"{answer.unit} {answer.top}", steps_text(answer, count))
        for one, answer in found
    ]
    print(columns(table))
    print(f"\n{sum(one.alike for one, _ in found)} labelings of {len(found)} kinds")
    for one, answer in found:
        for (width, at), why in answer.undecided.items():
            print(f"undecided: {one.text}, width {width} at {answer.unit} = {at}: {why}")
    return 0 if exact else 3


def _sizes(norm: str, budgets: str | None, squared: str | None) -> list[Fraction] | None:
    """The sizes of the balls that are asked about: radii, for norm 2 squares."""
    from verifier.question.errors import UserError

    if squared is not None:
        if norm != "2" or budgets is not None:
            raise UserError("--budgets-squared is for norm 2, and instead of --budgets")
        return [number("--budgets-squared", text) for text in squared.split(",")]
    if budgets is None:
        return None
    given = [number("--budgets", text) for text in budgets.split(",")]
    for budget in given:
        if budget < 0:
            raise UserError(f"--budgets: {budget} is negative")
    return [budget * budget for budget in given] if norm == "2" else given


def show(
    found: Least,
    folder: str | None,
    by: CheckerName,
    seconds: float,
    *,
    as_json: bool,
    count: str = "width",
) -> int:
    """Prints the answer and what it rests on; the exit code."""
    from constructions.least.answer import claim_text, width_text
    from verifier.cli.options import table
    from verifier.question.printable import size_text

    proofs = sum(len(one.checked) for one in found.claims)
    size = sum(len(text) for one in found.claims for text in one.certificates)
    if as_json:
        print(json.dumps(_facts(found, folder, by, seconds, proofs, size)))
        return 0 if found.exact else 3
    rows: list[tuple[str, ...]] = [("budget", f"least {count}")]
    n = found.points.dimension
    rows += [(part.text(found.unit), width_text(part, count, n)) for part in found.segments]
    print(f"{found.name}: L{found.asked.norm} balls, networks of depth {found.asked.depth}\n")
    print(columns(rows))
    print()
    for one in found.claims:
        print(claim_text(one, found.asked.norm))
    for (width, at), why in found.undecided.items():
        print(f"undecided: width {width} at {found.unit} = {at}: {why}")
    print()
    lines: list[tuple[str, object]] = [
        ("proofs checked", f"{proofs}, by the {by}"),
        ("size of the proofs", size_text(size)),
    ]
    lines += [] if folder is None else [("folder", folder)]
    print(table([*lines, ("seconds", round(seconds, 3))]))
    return 0 if found.exact else 3


def check_least(path: Path, by: CheckerName, *, quiet: bool, as_json: bool) -> int:
    """Replays all claims of a folder and prints what they show; as `show`. Raises RefusedError,
    naming the flaw."""
    from constructions.least.answer import read_least
    from verifier.cli.progress import counted_of

    started = monotonic()
    with counted_of(quiet=quiet, what="checking") as progress:
        found = read_least(path, by, progress)
    return show(found, str(path), by, monotonic() - started, as_json=as_json)


def _facts(
    found: Least, folder: str | None, by: CheckerName, seconds: float, proofs: int, size: int
) -> dict[str, Any]:
    from constructions.least.answer import claim_text, counted
    from verifier.question.rational import format_rational

    n = found.points.dimension
    steps = [
        {
            "from": format_rational(part.first),
            "to": format_rational(part.last),
            "with_from": part.with_first,
            "with_to": part.with_last,
            "at_least": part.at_least,
            "at_most": part.at_most,
        }
        for part in found.segments
    ]
    return {
        "claim": found.claim,
        "data": found.name,
        "norm": found.asked.norm,
        "depth": found.asked.depth,
        "max_width": found.asked.most,
        "sizes_are": found.unit,
        "half_separation": format_rational(found.top),
        "least_width": steps,
        "least_parameters": None
        if found.asked.depth != 2
        else [
            {
                "at_least": counted(part.at_least, "parameters", n),
                "at_most": None if part.at_most is None else counted(part.at_most, "parameters", n),
            }
            for part in found.segments
        ],
        "exact": found.exact,
        "claims": [claim_text(one, found.asked.norm) for one in found.claims],
        "undecided": [
            {"width": width, "size": format_rational(at), "reason": why}
            for (width, at), why in found.undecided.items()
        ],
        "checked": proofs,
        "checker": by,
        "proof_bytes": size,
        "folder": folder,
        "seconds": {"all": round(seconds, 3)},
    }

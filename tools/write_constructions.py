"""Writes docs/constructions.md and a page for each construction of the registry: its theorem, a
picture of its layers, the sizes that it promises and has on the moons that ship, the command.

python tools/write_constructions.py
"""

from __future__ import annotations

import inspect
import re
import sys
from fractions import Fraction
from functools import partial
from math import log2
from pathlib import Path
from typing import Any

import robmem
from constructions.construction import Construction, actual_sizes
from constructions.registry import REGISTRY, Entry, build
from reports.colours import SERIES
from verifier.question.rational import format_rational

DOCS = Path(__file__).parents[1] / "docs"
MOONS = Path(__file__).parents[1] / "robmem" / "examples" / "moons.csv"
RATIOS = {"small-rho": Fraction(1, 20), "moderate-rho": Fraction(1, 20)}  # 1/2 for all others
_NORMS = {"inf": "L-inf", "1": "L1", "2": "L2"}
_HEIGHT, _BARS = 90, 420  # of a picture, and all of its bars together
_HEAD = """# Constructions

A page for each construction: what its theorem says and how it is built, a picture of its layers,
and its sizes for the 14 points of two half moons that `robmem example` writes, promised and
counted. `robmem construct list` names all of them; `robmem construct NAME --data DATA` compares
what is promised with what was built, for your data.

| name | norm | what | source |
|---|---|---|---|
"""


def pages() -> dict[str, str]:
    """All pages by their path below docs/, the same for the same constructions."""
    dataset = robmem.load_data(str(MOONS))
    written, rows = {}, []
    for entry in REGISTRY.values():
        ratio = RATIOS.get(entry.name, Fraction(1, 2))
        made = build(entry.name, dataset, ratio=ratio)
        written[f"constructions/{entry.name}.md"] = _page(entry, made, ratio)
        rows.append(
            f"| [`{entry.name}`](constructions/{entry.name}.md) | {_norm(entry)} | "
            f"{entry.summary} | {entry.source} |"
        )
    return {"constructions.md": _HEAD + "\n".join(rows) + "\n", **written}


def _norm(entry: Entry) -> str:
    return _NORMS.get(str(entry.norm), f"L{entry.norm}")


def _page(entry: Entry, made: Construction, ratio: Fraction) -> str:
    builder: Any = entry.builder
    options = builder.keywords if isinstance(builder, partial) else {}
    function = builder.func if isinstance(builder, partial) else builder
    module = sys.modules[function.__module__]
    own = inspect.cleandoc(function.__doc__ or "")
    with_options = "".join(f", {name}={value}" for name, value in options.items())
    promised, counted = made.promises.sizes(), actual_sizes(made.network)
    sizes = "\n".join(
        f"| {name} | {_size(promised[name])} | {counted[name]:,} |"
        if name in promised else f"| {name} | nothing | {counted[name]:,} |"
        for name in counted
    )  # fmt: skip
    below = made.promises.budget_below
    covered = "no simple bound" if below is None else f"below {_number(below)}"
    if below == 0:
        covered = "none: a control, right at the samples alone"
    return (
        f"# {entry.name}\n\n{entry.summary[0].upper()}{entry.summary[1:]}; norm {_norm(entry)}, "
        f"decoder `{made.decoder}`. Source: {entry.source}.\n\n"
        f"{_picture(made)}\n\n"
        "A bar for each layer from the inputs to the outputs, as high as the logarithm of its "
        f"number of units: {_widths(made)}.\n\n"
        "## Sizes\n\n"
        f"For the moons, at {format_rational(ratio)} of half the separation (budget "
        f"{_number(made.budget)}). Budgets that the theorem covers for these data: {covered}.\n\n"
        f"| | promised | counted |\n|---|---|---|\n{sizes}\n\n"
        "## Command\n\n"
        f"    robmem construct {entry.name} --data examples/moons.csv "
        f"--ratio {format_rational(ratio)} -o {entry.name}.net\n\n"
        f"## {'Theorem' if entry.robust else 'Statement'}\n\n"
        f"What `{module.__name__}` says of itself:\n\n```text\n{_plain(module.__doc__)}\n```\n\n"
        f"`{function.__name__}(dataset, budget{with_options})`:\n\n```text\n{own}\n```\n"
    )


def _plain(text: str | None) -> str:
    return re.sub("```", "", inspect.cleandoc(text or ""))


def _size(size: Any) -> str:
    return f"{'exactly' if size.exact else 'at most'} {size.value:,} = {size.formula}".replace(
        "|", "\\|"
    )


def _number(value: Fraction) -> str:
    return f"{format_rational(value)} ({float(value):.6g})"


def _counts(made: Construction) -> list[int]:
    return list(made.network.layers)


def _widths(made: Construction) -> str:
    counts = [made.network.inputs, *_counts(made), made.network.outputs.count]
    if len(counts) <= 12:
        return ", ".join(map(str, counts))
    return ", ".join(map(str, counts[:6])) + f", .. {counts[-2]}, {counts[-1]}"


def _picture(made: Construction) -> str:
    """An SVG of one line: a bar a layer, and neither script nor font of its own."""
    counts = [made.network.inputs, *_counts(made), made.network.outputs.count]
    step = max(2, min(30, _BARS // len(counts)))
    most = max(log2(1 + count) for count in counts)
    bars = []
    for place, count in enumerate(counts):
        height = max(2, round(_HEIGHT * log2(1 + count) / most))
        colour = SERIES[8] if place in (0, len(counts) - 1) else SERIES[6]
        bars.append(
            f'<rect x="{place * step}" y="{_HEIGHT - height}" width="{max(1, step - 1)}" '
            f'height="{height}" fill="{colour}"><title>{count}</title></rect>'
        )
    width = step * len(counts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{_HEIGHT}" '
        f'role="img" aria-label="{len(counts)} layers">{"".join(bars)}</svg>'
    )


if __name__ == "__main__":
    for name, text in pages().items():
        (DOCS / name).parent.mkdir(exist_ok=True)
        (DOCS / name).write_text(text, encoding="utf-8")

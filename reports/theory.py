"""What theory says of a data set, beside what is measured.

Every construction is built for every ratio of budget to half the separation, and its sizes are read
off the network. What its theorem promises in numbers is drawn beside it, and so are lower bounds
that are numbers. Bounds of the papers that are orders of growth are drawn with the constant 1 and
without logarithms, and say so.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import sqrt
from typing import Any

import networkx as nx
import numpy as np

from constructions.construction import Size, actual_sizes, broken_promises
from constructions.hypotheses import budget_of_ratio, power_separation
from constructions.lower_bounds import first_layer_bound, lower_bounds
from constructions.registry import REGISTRY, build
from constructions.rows import at_most_weights
from constructions.separation import conflict_graph, rival_distances, separation
from reports.document import Block, Code, Document, Figure, Items, Section, Table, Text, Tiles
from reports.numbers import (
    Cell,
    Formula,
    Hash,
    Root,
    counted,
    grouped,
    root_float,
    shown,
    with_decimal,
)
from reports.plots import Chords, Curves, Matrix, Series
from reports.run_figures import data_plane
from reports.stored_run import MOST_PAIRS
from verifier.data.bundled import BUNDLED
from verifier.data.dataset import Dataset, check_labelled
from verifier.question.errors import UserError
from verifier.question.rational import format_rational
from verifier.question.region import Norm
from verifier.question.region import power as power_of

RATIOS = tuple(map(Fraction, ("1/1000", "1/100", "1/20", "1/10", "1/4", "1/2", "3/4", "9/10",
                              "99/100")))  # fmt: skip
MOST_WEIGHTS = 400_000
"""A network of more weights is not built; its place in the tables says so."""
_NORMS: dict[str, str] = {"inf": "L-infinity", "1": "L1", "2": "L2"}
_GROWTH = ("linf", "linf-pipelined", "linf-parallel", "l2", "l2-parallel", "l2-serial")
_GROWTH_RATIO = Fraction(9, 10)
_MOST_CLASSES = 12
_CONFLICTS = 24
_SAMPLES = (4, 8, 16, 32, 64, 128, 256)
_MOST_SAMPLES, _MOST_INPUTS = 3000, 1024  # for which lower bounds are computed
_PLANES = ("linf", "l2", "lipschitz-ovr")


@dataclass(frozen=True, slots=True)
class Measured:
    """A construction that was built for a ratio, or the reason why it was not."""

    name: str
    norm: Norm
    ratio: Fraction
    budget: Fraction | None
    reason: str | None
    sizes: dict[str, int]
    promised: dict[str, Size]
    broken: tuple[str, ...]


def measure(
    dataset: Dataset,
    names: Iterable[str],
    ratios: Sequence[Fraction],
    *,
    limit: int = MOST_WEIGHTS,
    seed: int = 0,
) -> list[Measured]:
    """Every named construction for every ratio; the networks themselves are let go."""
    separations: dict[Norm, Fraction] = {}
    found = []
    for name in names:
        norm = REGISTRY[name].norm
        for ratio in ratios:
            budget: Fraction | None = None
            try:
                if norm not in separations:
                    separations[norm] = _separation(dataset, norm)
                budget = budget_of_ratio(ratio, separations[norm], norm)
                with at_most_weights(limit):
                    made = build(
                        name, dataset, budget=budget, seed=seed, separation=separations[norm]
                    )
            except UserError as error:
                found.append(Measured(name, norm, ratio, budget, str(error), {}, {}, ()))
                continue
            found.append(
                Measured(
                    name, norm, ratio, budget, None, actual_sizes(made.network),
                    made.promises.sizes(), broken_promises(made),
                )
            )  # fmt: skip
    return found


def _separation(dataset: Dataset, norm: Norm) -> Fraction:
    """The separation; refused for exponents whose distances are taken one by one, of large data."""
    if power_of(norm) > 2 and dataset.size**2 * dataset.dimension > MOST_PAIRS:
        raise UserError(f"the distances in norm {norm} of so many samples are not computed")
    return power_separation(dataset, norm)


def theory_report(
    dataset: Dataset,
    ratios: Sequence[Fraction] = RATIOS,
    *,
    limit: int = MOST_WEIGHTS,
    seed: int = 0,
    samples: str | None = None,
) -> Document:
    """The report; `samples` is how the data set was cut, for the command that is shown.

    Raises UserError for data that cannot be memorized, and for ratios outside (0, 1).
    """
    check_labelled(dataset)
    if not ratios or any(not 0 < ratio < 1 for ratio in ratios):
        raise UserError("ratios of budget to half the separation lie between 0 and 1")
    ratios = tuple(sorted(set(ratios)))
    measured = measure(dataset, REGISTRY, ratios, limit=limit, seed=seed)
    powers = {norm: power_separation(dataset, norm) for norm in ("inf", "1", "2")}
    distances = {norm: Root(p) if norm == "2" else p for norm, p in powers.items()}
    broken = [line for item in measured for line in item.broken]
    built = [item for item in measured if item.sizes]
    summary = (
        f"{counted(len(REGISTRY), 'construction')} for {dataset.name} "
        f"({grouped(dataset.size)} samples, {counted(dataset.dimension, 'input')}) at "
        f"{counted(len(ratios), 'ratio')} of budget to half the separation: "
        f"{counted(len(built), 'network')} built, "
        + (f"{counted(len(broken), 'promise')} broken." if broken else "every promise kept.")
    )
    tiles = Tiles(
        (
            ("samples", dataset.size, "plain"),
            ("inputs", dataset.dimension, "plain"),
            ("classes", len(np.unique(dataset.labels)), "plain"),
            *((f"{_NORMS[norm]} separation", distances[norm], "plain") for norm in _NORMS),
        )
    )  # fmt: skip
    sections = [
        Section("data", "The data", (tiles,)),
        _parameters(dataset, measured, ratios, broken),
        _bits(measured),
        _growth(dataset, limit, seed),
        _needs(dataset, ratios[-1], powers["2"], powers["inf"]),
        _separations(dataset),
        _conflicts(dataset),
    ]
    if dataset.dimension == 2:
        sections.append(_planes(dataset, ratios, limit, seed))
    spec = dataset.name if dataset.name in BUNDLED else "DATA"
    words = ["robmem report theory --data", spec]
    if ratios != RATIOS:
        words += ["--ratios", ",".join(map(format_rational, ratios))]
    words += ["--samples", samples] if samples else []
    words += ["--limit", str(limit)] if limit != MOST_WEIGHTS else []
    words += ["--seed", str(seed)] if seed else []
    identity = Table(
        "identity", "What was measured.", ("what", "value"),
        (("data", Hash(dataset.digest())), ("seed", str(seed)), ("most weights", limit)),
    )  # fmt: skip
    sections.append(
        Section("reproduce", "How to reproduce", (Code(" ".join(words) + " -o REPORT"), identity))
    )
    return Document(
        f"Theory and measurement: {dataset.name}",
        f"{grouped(dataset.size)} samples, {counted(dataset.dimension, 'input')}, "
        f"{len(np.unique(dataset.labels))} classes",
        summary,
        "bad" if broken else "plain",
        (),
        tuple(section for section in sections if section.blocks),
        {
            "data": dataset.name,
            "digest": dataset.digest(),
            "ratios": [format_rational(ratio) for ratio in ratios],
        },
    )


# ------------------------------------------------------------------ parameters


def _upper(dense: bool, n: int, d: int, rho: float) -> float:
    """The order of Kim, Moon, Yun's upper bound, Theorem 4.2."""
    if rho <= 1 / (5 * n * sqrt(d)):
        return sqrt(n) + d
    if rho <= 1 / (5 * sqrt(d)):
        return float(n * d**0.25 * rho**0.5 + d)
    return float(n * d**2 * rho**4 + d) if dense else float(n * d * rho**2 + d)


def _lower(dense: bool, n: int, d: int, rho: float) -> float:
    """The order of their lower bound, Theorem 3.1; without the first layer for nonzero ones."""
    depth_term = min(1 / sqrt(1 - rho * rho), sqrt(d)) * sqrt(n)
    return (rho * rho * min(n, d) + 1) * d + depth_term if dense else depth_term


def _orders(dataset: Dataset, grid: tuple[float, ...], *, dense: bool) -> list[Series]:
    """Bounds of which only the order of growth is known."""
    n, d = dataset.size, dataset.dimension
    before = float(n * d * d if dense else n * d)
    return [
        Series("order of the upper bound, Kim et al.", grid,
               tuple(_upper(dense, n, d, rho) for rho in grid), "dashed", 7),
        Series("order of the upper bound, Yu et al.", (grid[0], grid[-1]), (before, before),
               "dashdot", 7),
        Series("order of the lower bound, Kim et al.", grid,
               tuple(_lower(dense, n, d, rho) for rho in grid), "line", 7),
    ]  # fmt: skip


def proved_bounds(
    dataset: Dataset,
    measured: Sequence[Measured],
    grid: tuple[float, ...],
    norm: str,
    *,
    dense: bool,
) -> list[Series]:
    """Lower bounds in numbers, from the width w of the first layer.

    Its rows have rank at least w, so that it has w nonzero weights or more; and a first layer of w
    rows or more has w (d + 1) weights and biases.
    """
    d = dataset.dimension
    least = min(dataset.size - 1, d)
    each = d + 1 if dense else 1

    def worst(rho: float) -> int:
        if norm == "inf":
            return least if rho > 0.5 else 1
        return min(least, int(rho * rho * least) + 1)

    found = [
        Series("proved for some data of this size", grid,
               tuple(float(each * worst(rho)) for rho in grid), "step", 3)
    ]  # fmt: skip
    if norm == "2" and dataset.size <= _MOST_SAMPLES and d <= _MOST_INPUTS:
        budgets = {item.ratio: item.budget for item in measured if str(item.norm) == norm}
        own = [
            (float(ratio), float(each * first_layer_bound(dataset, budget)))
            for ratio, budget in sorted(budgets.items())
            if budget is not None
        ]
        if own:
            xs, ys = zip(*own, strict=True)
            found.append(Series("proved for these data", xs, ys, "step", 5))
    return found


def _parameters(
    dataset: Dataset,
    measured: Sequence[Measured],
    ratios: Sequence[Fraction],
    broken: Sequence[str],
) -> Section:
    blocks: list[Block] = [
        Text(
            "Two conventions of counting: nonzero weights and biases, and all entries of the "
            "matrices and biases (dense), as if every layer were full. Points are networks that "
            "were built; the dotted line above some is what their theorem promises at most, in "
            "numbers. Steps are proved lower bounds, in numbers as well: no robust memorizer of "
            "these data, or of the worst data of this size, has fewer parameters. Orders are what "
            "the papers prove up to constants, for the worst data of this size; they are drawn "
            "with constant 1 and without logarithms, so their slopes and places of change can be "
            "compared and their heights cannot."
        )
    ]
    for norm in ("2", "inf"):
        for dense, key in ((False, "nonzero"), (True, "dense")):
            curves = _curves(measured, norm, key)
            if not curves:
                continue
            grid = _grid(dataset, ratios)
            bounds = proved_bounds(dataset, measured, grid, norm, dense=dense)
            if norm == "2":
                bounds = _orders(dataset, grid, dense=dense) + bounds
            promised = _promised_curves(measured, norm, key)
            if promised:
                bounds.append(Series("promised at most", (), (), "dotted", 7))
            how = "all entries of the matrices" if dense else "nonzero parameters"
            blocks.append(
                Figure(
                    f"parameters-{key}-{norm}",
                    f"{_NORMS[norm]}: {how} of the built networks over the robustness ratio"
                    ", with what is promised, and lower bounds.",
                    Curves(
                        (*bounds, *promised, *curves), "budget / (separation / 2)",
                        "dense parameters" if dense else "nonzero parameters", size=(4.7, 4.6),
                    ),
                )
            )  # fmt: skip
    rows = tuple(
        (
            item.name, str(item.norm), item.ratio, item.budget,
            *(item.sizes.get(key) for key in ("width", "depth", "nonzero", "dense", "bits")),
            not item.broken if item.sizes else None, item.reason,
        )
        for item in measured
    )  # fmt: skip
    columns = ("construction", "norm", "ratio", "budget", "width", "depth", "nonzero", "dense",
               "bits", "promises kept", "why not built")  # fmt: skip
    if broken:
        blocks.append(Items(tuple(broken)))
    blocks.append(promises(measured))
    blocks.append(
        Table("measured", "Every construction at every ratio.", columns, rows, most=300,
              sortable=True, tones={"no": "bad"})
    )  # fmt: skip
    return Section("parameters", "Parameters over the robustness ratio", tuple(blocks))


def _curves(measured: Sequence[Measured], norm: str, key: str) -> list[Series]:
    found: list[Series] = []
    for name in dict.fromkeys(item.name for item in measured if str(item.norm) == norm):
        points = [(float(i.ratio), float(i.sizes[key])) for i in measured
                  if i.name == name and i.sizes]  # fmt: skip
        if points:
            label = name if REGISTRY[name].robust else f"{name} (not robust)"
            xs, ys = zip(*points, strict=True)
            found.append(Series(label, xs, ys, colour=len(found)))
    return found


def _grid(dataset: Dataset, ratios: Sequence[Fraction]) -> tuple[float, ...]:
    """Ratios from where the bounds do not change any more."""
    low = min(float(ratios[0]), 0.2 / (dataset.size * sqrt(dataset.dimension)))
    return tuple(np.geomspace(low, float(ratios[-1]), 240).tolist())


def _promised_curves(measured: Sequence[Measured], norm: str, key: str) -> list[Series]:
    """The promised numbers that are upper bounds, in the colours of `_curves`."""
    found: list[Series] = []
    names = dict.fromkeys(item.name for item in measured if str(item.norm) == norm and item.sizes)
    for k, name in enumerate(names):
        own = [(float(item.ratio), item.promised[key]) for item in measured
               if item.name == name and key in item.promised]  # fmt: skip
        points = [(ratio, float(size.value)) for ratio, size in own if not size.exact]
        if points:
            xs, ys = zip(*points, strict=True)
            found.append(Series("", xs, ys, "dotted", k))
    return found


def promises(measured: Sequence[Measured]) -> Table:
    """The theorems in numbers, at the greatest ratio at which each network was built."""
    last = {item.name: item for item in measured if item.sizes}
    rows: list[tuple[Cell, ...]] = []
    for name, item in last.items():
        for key, size in item.promised.items():
            relation = "= " if size.exact else "\N{LESS-THAN OR EQUAL TO} "
            rows.append(
                (name, item.ratio, key, item.sizes[key], relation + grouped(size.value),
                 Formula(size.formula), size.holds(item.sizes[key]))
            )  # fmt: skip
    return Table(
        "promises",
        "What the theorems promise, at the greatest ratio at which the network was built.",
        ("construction", "ratio", "size", "measured", "promised", "formula", "holds"),
        tuple(rows),
        most=200,
        sortable=True,
        tones={"no": "bad"},
    )


def _bits(measured: Sequence[Measured]) -> Section:
    figures = tuple(
        Figure(
            f"bits-{norm}",
            f"{_NORMS[norm]}: most bits of one weight, numerator and denominator together.",
            Curves(tuple(curves), "budget / (separation / 2)", "bits", size=(4.7, 4.4)),
        )
        for norm in ("2", "inf")
        if (curves := _curves(measured, norm, "bits"))
    )
    return Section("bits", "Bits of a weight", figures)


# ---------------------------------------------------------------------- growth


def _growth(dataset: Dataset, limit: int, seed: int) -> Section:
    by_size = []
    for size in _SAMPLES:
        if size <= dataset.size:
            chosen = dataset.select((np.arange(size) * dataset.size) // size)
            if len(np.unique(chosen.labels)) > 1:
                by_size.append((size, chosen))
    by_width = []
    few = by_size[min(3, len(by_size) - 1)][1] if by_size else dataset
    for count in _counts(dataset.dimension):
        part = replace(
            few, numerators=few.numerators[:, :count], pixel_range=None, image_shape=None,
            feature_names=None,
        )  # fmt: skip
        by_width.append((count, part))
    blocks: list[Block] = []
    rows: list[tuple[Cell, ...]] = []
    for what, parts, across in (("N", by_size, "samples N"), ("n", by_width, "inputs n")):
        found: dict[str, list[tuple[int, dict[str, int]]]] = {}
        for value, part in parts:
            for name in _GROWTH:
                try:
                    item = measure(part, [name], [_GROWTH_RATIO], limit=limit, seed=seed)[0]
                except UserError:
                    continue  # one label, or equal inputs with different labels, in this part
                if item.sizes:
                    found.setdefault(name, []).append((value, item.sizes))
                    rows.append((name, part.size, part.dimension, item.sizes["width"],
                                 item.sizes["depth"], item.sizes["nonzero"]))  # fmt: skip
        for key in ("width", "depth"):
            series = tuple(
                Series(name, tuple(float(v) for v, _ in points),
                       tuple(float(sizes[key]) for _, sizes in points))
                for name, points in found.items()
                if len(points) > 1
            )  # fmt: skip
            if series:
                blocks.append(
                    Figure(f"{key}-{what}", f"{key.capitalize()} over the number of {across}.",
                           Curves(series, across, key, size=(4.7, 4.0)))
                )  # fmt: skip
    if not rows:
        return Section("growth", "Width and depth", ())
    text = Text(
        f"At ratio {shown(_GROWTH_RATIO)}: evenly chosen samples of the data, and the leading "
        f"inputs of {few.size} of them."
    )
    table = Table(
        "growth", "Sizes over the number of samples and inputs.",
        ("construction", "samples", "inputs", "width", "depth", "nonzero"), tuple(rows), most=12,
    )  # fmt: skip
    return Section("growth", "Width and depth", (text, *blocks, table))


def _counts(most: int) -> list[int]:
    """Numbers of inputs: all of few, then powers of two."""
    return [k for k in range(1, most + 1) if k <= 4 or k & (k - 1) == 0 or k == most]


def _needs(dataset: Dataset, ratio: Fraction, euclidean: Fraction, uniform: Fraction) -> Section:
    rows: list[tuple[Cell, ...]] = []
    if dataset.size <= _MOST_SAMPLES and dataset.dimension <= _MOST_INPUTS:
        for norm, power in (("2", euclidean), ("inf", uniform)):
            budget = budget_of_ratio(ratio, power, norm)
            for bound in lower_bounds(dataset, norm, budget, power):
                rows.append((_NORMS[norm], bound.quantity, bound.value, bound.scope,
                             bound.statement, bound.source))  # fmt: skip
    if not rows:
        return Section("needs", "What every robust memorizer needs", ())
    table = Table(
        "needs",
        f"Lower bounds at ratio {shown(ratio)}. Those for some data of this size are worst cases; "
        "these data may need less.",
        ("norm", "quantity", "at least", "for", "statement", "source"),
        tuple(rows),
    )
    return Section("needs", "What every robust memorizer needs", (table,))


# ------------------------------------------------------------------- distances


def _separations(dataset: Dataset) -> Section:
    present = [int(label) for label in np.unique(dataset.labels)]
    if dataset.size**2 * dataset.dimension > MOST_PAIRS or len(present) > _MOST_CLASSES:
        return Section("separation", "Separation by class pair", ())
    names = tuple(dataset.label_names[label] for label in present)
    rows: list[tuple[Cell, ...]] = []
    figures: list[Block] = []
    for norm, title in _NORMS.items():
        values: list[list[float | None]] = [[None] * len(present) for _ in present]
        for i, first in enumerate(present):
            for j in range(i):
                where = np.flatnonzero((dataset.labels == first) | (dataset.labels == present[j]))
                closest = separation(dataset.select(where), norm)
                exact = Root(closest.value) if norm == "2" else closest.value
                values[i][j] = values[j][i] = closest.approximately
                rows.append((title, names[j], names[i], exact, int(where[closest.first]),
                             int(where[closest.second])))  # fmt: skip
        figures.append(
            Figure(f"separation-{norm}", f"Least {title} distance between two classes.",
                   Matrix(names, tuple(map(tuple, values)), title))
        )  # fmt: skip
    table = Table(
        "separation", "The closest samples of each two classes, exactly.",
        ("norm", "class", "class", "distance", "sample", "sample"), tuple(rows), most=40,
        sortable=True,
    )  # fmt: skip
    return Section("separation", "Separation by class pair", (*figures, table))


def _conflicts(dataset: Dataset) -> Section:
    if dataset.size**2 * dataset.dimension > MOST_PAIRS:
        return Section("conflicts", "Conflict graph", ())
    blocks: list[Block] = []
    rows: list[tuple[Cell, ...]] = []
    for norm in ("inf", "2"):
        nearest = sorted(rival_distances(dataset, norm))
        bound = nearest[min(_CONFLICTS, len(nearest) - 1)]
        graph = conflict_graph(dataset, norm, bound)
        joined = [node for node in graph if graph.degree(node)]
        if not joined:
            bound = nearest[0] + Fraction(1, dataset.denominator**2)
            graph = conflict_graph(dataset, norm, bound)
            joined = [node for node in graph if graph.degree(node)]
        parts: Any = [part for part in nx.connected_components(graph) if len(part) > 1]
        exact = Root(bound) if norm == "2" else bound
        rows.append(
            (_NORMS[norm], exact, graph.number_of_edges(), len(joined), len(parts),
             max(map(len, parts)), max(graph.degree(node) for node in joined))
        )  # fmt: skip
        order = sorted(joined, key=lambda node: (int(dataset.labels[node]), node))
        place = {node: at for at, node in enumerate(order)}
        labels = [int(dataset.labels[node]) for node in order]
        groups = tuple(
            (dataset.label_names[label], labels.count(label)) for label in dict.fromkeys(labels)
        )
        least, most = (_length(v, norm) for v in (nearest[0], bound))
        weighted: list[tuple[int, int, Fraction]] = list(graph.edges(data="value"))
        edges = tuple(
            (
                place[a], place[b],
                1 - (_length(value, norm) - least) / (most - least) if most > least else 1.0,
            )
            for a, b, value in weighted
        )  # fmt: skip
        blocks.append(
            Figure(
                f"conflicts-{norm}",
                f"{_NORMS[norm]}: samples of different labels that are closer than "
                f"{with_decimal(exact)}; the darker, the closer.",
                Chords(groups, edges),
            )
        )
    table = Table(
        "conflicts",
        "The conflict graph: samples are joined if their labels differ and they are closer than "
        "the bound.",
        ("norm", "closer than", "conflicts", "samples", "components", "largest", "most of one"),
        tuple(rows),
    )
    return Section("conflicts", "Conflict graph", (*blocks, table))


def _length(value: Fraction, norm: str) -> float:
    return root_float(value) if norm == "2" else float(value)


def _planes(dataset: Dataset, ratios: Sequence[Fraction], limit: int, seed: int) -> Section:
    """Decision regions of some constructions at the ratio nearest to 9/10."""
    ratio = min(ratios, key=lambda r: abs(r - _GROWTH_RATIO))
    blocks: list[Block] = []
    for name in _PLANES:
        try:
            with at_most_weights(limit):
                made = build(name, dataset, ratio=ratio, seed=seed)
        except UserError as error:
            blocks.append(Text(f"{name}: {error}."))
            continue
        blocks.append(Text(f"{name} at ratio {shown(ratio)}, {REGISTRY[name].summary}:"))
        blocks += data_plane(
            made.network, dataset, made.norm, made.budget, made.decoder,
            range(dataset.size), {}, f"plane-{name}",
        )  # fmt: skip
    return Section("planes", "Decision regions", tuple(blocks))

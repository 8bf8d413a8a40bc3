"""Robust memorization in about sqrt(N) parameters for small budgets.

Theorem 4.2 (i) (Kim, Moon, Yun, The Cost of Robustness, NeurIPS 2025): for
rho = mu / (lambda / 2) <= 1 / (5 N sqrt(d)) in L2 there is a network with about sqrt(N) parameters
(besides those of the first layer) that equals y_i on every ball.

Stages, with exact rationals where the paper truncates:

1. scale by s with s^2 lambda^2 >= m, after an optional certified projection to m coordinates
   (`projection`), so that different labels have different unit cells (`lattice`);
2. translate so that every ball stays inside its cell: s mu < g_j / 2 for every coordinate j. That
   is the hypothesis enforced here. It depends on the data; g_j >= 1 / N, so for m = d every
   rho < 1 / (N sqrt(d)) qualifies, up to the thousandth by which s is rounded up;
3. floor networks (`floor`) and key = sum_j a_j floor_j. The paper uses a_j = R^(j-1); here (ours)
   small random a_j are drawn until occupied cells of different labels have different keys, which
   makes keys of about 2 log2 N bits. Balls meet occupied cells alone, so that is enough;
4. the integer memorizer of Lemma B.10 (`integer_memorizer`), behind one unit that holds the key,
   so that the selection of the groups does not read all floors.

A fix of the paper: it applies the floor network with gamma = 1 / (4N) to balls that its truncated b
leaves only 1 / (12N) from the walls. With b exact, gamma is the greatest power of 1/2 below
(g_j / 2 - s mu).
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from constructions.construction import Construction, Entries, Promises, Size, entry_bits
from constructions.floor import FLOORS
from constructions.hypotheses import check_budget
from constructions.integer_memorizer import (
    Table,
    add_memorizer,
    memorizer_bits,
    memorizer_dense,
    memorizer_depth,
    memorizer_nonzero,
    memorizer_width,
    table_of,
)
from constructions.lattice import Cells, cell_scale, dyadic_below, scaled_samples, translate
from constructions.projection import Projection, check_kind, find_projection
from verifier.data.dataset import Dataset
from verifier.question.build import Affine, NetworkBuilder
from verifier.question.errors import UserError
from verifier.question.network import Network
from verifier.question.rational import format_rational

SOURCE = "Kim, Moon, Yun, NeurIPS 2025, Theorem 4.2 (i)"


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """The numbers of the stages: see the module. `weights` are the a_j."""

    projection: Projection | None
    scale: Fraction
    cells: Cells
    gammas: tuple[Fraction, ...]
    weights: tuple[int, ...]
    table: Table
    budget_below: Fraction


def plan_of(
    dataset: Dataset,
    budget: Fraction,
    *,
    seed: int = 0,
    separation: Fraction | None = None,
    rank: int | None = None,
    kind: str = "rounded",
    slots: int | None = None,
    flatten: str = "random",
) -> Plan:
    """The plan of `small`; raises as it does."""
    power = check_budget(dataset, "2", budget, separation)
    check_kind(kind, dataset.dimension)
    projection, projected = None, dataset
    if rank is not None:
        projection, projected, power = find_projection(dataset, budget, rank, seed=seed, kind=kind)
    scale = cell_scale(projected.dimension, power)
    samples = scaled_samples(projected, scale)
    radius = scale * budget
    cells = translate(samples, range(len(samples)), radius)
    below = min(cells.margins) / scale
    if budget >= below:
        raise UserError(
            f"budget {format_rational(budget)} is not below {format_rational(below)}, half the "
            "narrowest of the widest gaps of the coordinates over the scale; Theorem 4.2 (i) is "
            "for small ratios, about 1 / (N sqrt(d))"
        )
    occupied = {
        cells.cell(point): int(label) + 1
        for point, label in zip(samples, dataset.labels.tolist(), strict=True)
    }
    weights = _flattening(cells, occupied, seed, flatten)
    labels = {
        sum(a * c for a, c in zip(weights, cell, strict=True)): label
        for cell, label in occupied.items()
    }
    return Plan(
        projection,
        scale,
        cells,
        tuple(dyadic_below(margin - radius) for margin in cells.margins),
        weights,
        table_of(labels, slots),
        below,
    )


def _flattening(
    cells: Cells, occupied: dict[tuple[int, ...], int], seed: int, flatten: str
) -> tuple[int, ...]:
    """Integers a_j >= 0 for which sum_j a_j cell_j tells apart the cells of different labels."""
    if flatten == "base":
        weights, product = [], 1
        for count in cells.counts:
            weights.append(product)
            product *= count
        return tuple(weights)
    if flatten != "random":
        raise UserError(f"no flattening {flatten!r}; there are random, base")
    rng = np.random.default_rng(seed)
    listed = np.array(list(occupied), dtype=np.int64).astype(object)
    values = list(occupied.values())
    bound = 2
    for attempt in range(256):
        draw = rng.integers(0, bound, len(cells.counts))
        weights = [0 if r == 1 else int(a) for a, r in zip(draw, cells.counts, strict=True)]
        seen: dict[int, int] = {}
        keys = (listed * np.array(weights, dtype=object)).sum(axis=1).tolist()
        if all(
            seen.setdefault(key, label) == label for key, label in zip(keys, values, strict=True)
        ):
            return tuple(weights)
        bound = bound * 2 if attempt % 4 == 3 else bound
    raise UserError(
        "no small weights keep the keys of differently labelled cells distinct after 256 tries; "
        "Lemma B.10 needs distinct keys"
    )


def small(
    dataset: Dataset,
    budget: Fraction,
    *,
    seed: int = 0,
    separation: Fraction | None = None,
    rank: int | None = None,
    kind: str = "rounded",
    slots: int | None = None,
    flatten: str = "random",
    floor: str = "doubling",
    reader: str = "threshold",
    serial: bool = False,
) -> Construction:
    """Equals y_i on the L2 ball i, with about sqrt(N) parameters behind the first layer.

    `rank` projects to that many coordinates first; `floor`, `reader` and `serial` choose between
    the variants of `floor`, `bits` and `integer_memorizer`.

    Raises:
        UserError: The budget is negative, not below half the L2 separation, or not in the range of
            the theorem for these data; no projection was found; keys are not distinct.
    """
    plan = plan_of(
        dataset,
        budget,
        seed=seed,
        separation=separation,
        rank=rank,
        kind=kind,
        slots=slots,
        flatten=flatten,
    )
    if floor not in FLOORS:
        raise UserError(f"no floor network {floor!r}; there are {', '.join(FLOORS)}")
    return Construction(
        name="small-rho",
        network=_network(plan, dataset.dimension, floor, reader, serial),
        norm="2",
        budget=budget,
        decoder="value",
        promises=_promises(plan, dataset.dimension, floor, reader, serial),
        seed=seed,
        notes=(f"{len(plan.table.firsts)} groups of {plan.table.slots} keys",),
    )


def _network(plan: Plan, dimension: int, floor: str, reader: str, serial: bool) -> Network:
    """Floors of the coordinates that count, the key in a unit, and what the table says of it."""
    build = NetworkBuilder(dimension)
    values = _coordinates(build, plan)
    used = [j for j, weight in enumerate(plan.weights) if weight]
    floors, _ = FLOORS[floor](
        build,
        [values[j] - plan.cells.shifts[j] for j in used],
        [plan.gammas[j] for j in used],
        plan.cells.bits,
        [],
    )
    key = Affine.sum(plan.weights[j] * value for j, value in zip(used, floors, strict=True))
    (key_unit,) = build.layer([key])
    value, _ = add_memorizer(build, key_unit, plan.table, [], reader=reader, serial=serial)
    return build.network([value - 1])


def _promises(plan: Plan, dimension: int, floor: str, reader: str, serial: bool) -> Promises:
    """The sizes of floors for m coordinates of n bits, and of the memorizer behind them."""
    m, d, n = len(plan.weights), dimension, plan.cells.bits
    units = 5 if floor == "doubling" else 4
    width = memorizer_width(plan.table, reader=reader, serial=serial)
    depth = memorizer_depth(plan.table, reader=reader, serial=serial)
    nonzero = memorizer_nonzero(plan.table, reader=reader, serial=serial)
    dense = memorizer_dense(plan.table, reader=reader, serial=serial)
    return Promises(
        source=SOURCE,
        width=Size(max(units * m, width), "max(5m, 2G + 1, 10 or 12)"),
        depth=Size(n + 1 + depth + 1, "ceil(log2 R) + n(max(r, c) + 3) + 3", exact=True),
        nonzero=Size(
            5 * m * (d + 1) + 20 * m * (n - 1) + 5 * m + 1 + nonzero.value,
            f"5m(d + 1) + 20m(ceil(log2 R) - 1) + 5m + 1 + {nonzero.formula}",
        ),
        dense=Size(
            5 * m * (d + 1) + (n - 1) * (5 * m + 1) * 5 * m + 5 * m + 1 + dense.value,
            f"5m(d + 1) + (ceil(log2 R) - 1)(5m + 1)5m + 5m + 1 + {dense.formula}",
        ),
        bits=_bits(plan, reader),
        budget_below=plan.budget_below,
    )


def _bits(plan: Plan, reader: str) -> Size:
    """The most bits that a weight or bias can need."""
    size, scale = 1 << plan.cells.bits, plan.scale
    common = scale.denominator * (plan.projection.denominator if plan.projection else 1)
    kinds: list[Entries] = [(common * size, scale / size), (common, scale), (1, sum(plan.weights))]
    for shift, gamma, weight in zip(plan.cells.shifts, plan.gammas, plan.weights, strict=True):
        steep = size / gamma
        kinds += [
            (int(steep) * shift.denominator, 2 + abs(shift) / size),
            (gamma.denominator * shift.denominator, abs(shift) + size),
            (1, max(weight, 1) * steep),
        ]
    value = max(entry_bits(*kinds), memorizer_bits(plan.table, reader=reader).value)
    return Size(value, "longest of s, b_j over 2^n / gamma, a_j 2^n / gamma, words of n max(r, c)")


def _coordinates(build: NetworkBuilder, plan: Plan) -> list[Affine]:
    """The scaled, projected coordinates as forms of the inputs."""
    if plan.projection is None:
        return [x * plan.scale for x in build.inputs]
    return [x * plan.scale for x in plan.projection.forms()]

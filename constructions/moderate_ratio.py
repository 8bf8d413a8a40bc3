"""Robust memorization up to a small share of each ball, for moderate budgets.

Theorem 4.2 (ii) (Kim, Moon, Yun, NeurIPS 2025): for 1 / (5N sqrt(d)) < rho <= 1 / (5 sqrt(d)) in L2
there is a network with about N d^(1/4) rho^(1/2) parameters that equals y_i on every ball except
for a share of at most eta of it. Smaller ratios are accepted as well: where they allow one group,
the network is exact.

After an optional certified projection to m coordinates (`projection`; m = d without it), the
samples are cut into groups I so small that each can be translated into its cells
(`lattice`): |I| <= K = floor(1 / (4 s mu)), with s the scale of `small_ratio`. For group after
group the network computes f_I, which is the label on every cell that the group occupies and 0 on
every other cell, and takes the maximum, y <- y + relu(f_I - y), carrying the inputs. It is one
composed network.

f_I floors each coordinate, exactly where its fractional part exceeds gamma. A ball of the group
stays gamma away from all walls: there f_I is exact. A ball of another sample may cross walls. Off
the bands [k, k + gamma] its cells are told apart, and where its label differs no point of it is in
a cell that the group occupies: such a cell lies within sqrt(m)(1 - a) of its sample, with
a = min g_j / 2 > s mu, and the ball keeps sqrt(m) - s mu away. So f_I is 0 or the label off the
bands. A band of coordinate j, a slab of R^d, cuts at most (V_{d-1} / V_d) gamma / (s mu |a_j|) of
a ball (Lemma B.11), with a_j row j of the projection, and V_{d-1} / V_d < (d + 1) / 2.

Fixes of the paper, whose choices fail. The groups have at most floor(N^alpha) samples, tested as
s mu + gamma < g / 2 (Lemma B.13 allows one more, which its truncated margin does not cover, and
says that the distance to the walls stays mu' where it is mu' / 3). The
domains R_j of the floors and of the base of the keys are over *all* samples and the radius, not
over the group: else inactive samples alias, as in (3/2, 3/2), (11/2, 1/2), (1/2, 1/2), (7/2, 7/2)
with labels 2, 1, 1, 1, where a base of 4 gives the first two one key. Step (f) of Lemma B.5 cites
the hypothesis of (i); it is that of (ii) that it needs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import lcm

from constructions.construction import Construction, Entries, Promises, Size, entry_bits
from constructions.floor import doubling
from constructions.hypotheses import check_budget, least_entry
from constructions.integer_memorizer import (
    Table,
    add_memorizer,
    memorizer_bits,
    memorizer_depth,
    memorizer_width,
    table_of,
)
from constructions.lattice import (
    Cells,
    Coordinates,
    cell_scale,
    dyadic_below,
    extent_of,
    scaled_samples,
    translate,
)
from constructions.projection import Projection, check_kind, find_projection
from constructions.rows import check_limit
from constructions.running_max import carry_offset
from verifier.data.dataset import Dataset
from verifier.question.build import Affine, NetworkBuilder
from verifier.question.errors import UserError
from verifier.question.network import Network
from verifier.question.rational import format_rational

SOURCE = "Kim, Moon, Yun, NeurIPS 2025, Theorem 4.2 (ii)"


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """The samples of a group, their translation, and their cells as keys."""

    samples: tuple[int, ...]
    cells: Cells
    table: Table


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """Scale s, radius s mu, band width gamma and the groups.

    `samples` are the scaled samples, behind the projection if there is one. A band cuts at most
    thickness * gamma / (s mu) of a ball.
    """

    projection: Projection | None
    thickness: Fraction
    scale: Fraction
    radius: Fraction
    gamma: Fraction
    groups: tuple[Group, ...]
    samples: Coordinates
    offset: Fraction
    """c of the carried inputs."""

    @property
    def greatest_error(self) -> Fraction:
        """A bound of `error_bound` for all samples: one band a coordinate of every other group.

        2 s mu + gamma < 1, so a ball meets at most one band of each coordinate.
        """
        if self.radius == 0:
            return Fraction(0)
        bands = (len(self.groups) - 1) * len(self.samples[0])
        return min(Fraction(1), bands * self.thickness * self.gamma / self.radius)

    def bands(self, sample: int) -> list[list[tuple[Fraction, Fraction]]]:
        """For each (projected) coordinate the intervals of it that are bands of other groups and
        meet the ball of this sample; the network is right on it wherever no coordinate is inside
        one."""
        found: list[list[tuple[Fraction, Fraction]]] = []
        for j, z in enumerate(self.samples[sample]):
            walls = []
            for group in self.groups:
                if sample in group.samples:
                    continue
                shift = group.cells.shifts[j]
                low, high = z - shift - self.radius, z - shift + self.radius
                for k in range((low - self.gamma).__ceil__(), high.__floor__() + 1):
                    walls.append(((k + shift) / self.scale, (k + self.gamma + shift) / self.scale))
            found.append(sorted(walls))
        return found

    def error_bound(self, sample: int) -> Fraction:
        """A share of the ball of this sample that contains all its points with another output.

        Each band cuts at most thickness * gamma / (s mu) of the ball.
        """
        if self.radius == 0:
            return Fraction(0)
        bands = sum(map(len, self.bands(sample)))
        return min(Fraction(1), bands * self.thickness * self.gamma / self.radius)


def flat_key(cells: Cells, cell: Sequence[int]) -> int:
    """The cell as a number in mixed radix R_1, R_2, ...: injective on all cells of the domain."""
    key, product = 0, 1
    for value, count in zip(cell, cells.counts, strict=True):
        key += product * value
        product *= count
    return key


def plan_of(
    dataset: Dataset,
    budget: Fraction,
    *,
    seed: int = 0,
    separation: Fraction | None = None,
    error: Fraction = Fraction(1, 100),
    rank: int | None = None,
    kind: str = "rounded",
    slots: int | None = None,
) -> Plan:
    """The plan of `moderate`; raises as it does."""
    power = check_budget(dataset, "2", budget, separation)
    check_kind(kind, dataset.dimension)
    if not 0 < error < 1:
        raise UserError(
            f"error share {format_rational(error)} is not between 0 and 1 (Theorem 4.2 (ii))"
        )
    projection, projected, shortest = None, dataset, Fraction(1)
    if rank is not None:
        projection, projected, power = find_projection(dataset, budget, rank, seed=seed, kind=kind)
        shortest = projection.shortest_row()
    dimension = projected.dimension
    thickness = Fraction(dataset.dimension + 1, 2) / shortest
    scale = cell_scale(dimension, power)
    radius = scale * budget
    if 4 * radius >= 1:
        raise UserError(
            f"budget {format_rational(budget)} is not below {format_rational(1 / (4 * scale))}, "
            "a quarter of a unit cell; Theorem 4.2 (ii) is for ratios up to about 1 / (5 sqrt(d))"
        )
    samples = scaled_samples(projected, scale)
    most = dataset.size if radius == 0 else min(dataset.size, (1 / (4 * radius)).__floor__())
    starts, extent = range(0, dataset.size, most), extent_of(samples)
    cells = [
        translate(samples, range(start, min(start + most, dataset.size)), radius, extent)
        for start in starts
    ]
    room = min(margin for group in cells for margin in group.margins) - radius
    bound = room
    if radius and len(cells) > 1:
        bound = min(room, radius * error / (2 * len(cells) * dimension * thickness))
    gamma = dyadic_below(bound)
    groups = []
    for start, group in zip(starts, cells, strict=True):
        members = tuple(range(start, min(start + most, dataset.size)))
        labels = {
            flat_key(group, group.cell(samples[i])): int(dataset.labels[i]) + 1 for i in members
        }
        groups.append(Group(members, group, table_of(labels, slots)))
    offset = carry_offset(least_entry(projected), budget)
    return Plan(projection, thickness, scale, radius, gamma, tuple(groups), samples, offset)


def network_of_plan(plan: Plan, dimension: int, *, only: int | None = None) -> Network:
    """The composed network of all groups, or of group `only` alone; labels shifted by one."""
    build = NetworkBuilder(dimension)
    groups = plan.groups if only is None else (plan.groups[only],)
    carried: list[Affine] = []
    inputs = build.inputs if plan.projection is None else plan.projection.forms()
    best: list[Affine] = []
    for number, group in enumerate(groups):
        last = number == len(groups) - 1
        kept = [] if last else [x + plan.offset for x in inputs]
        values = [
            x * plan.scale - shift for x, shift in zip(inputs, group.cells.shifts, strict=True)
        ]
        floors, carried = doubling(
            build, values, [plan.gamma] * len(values), group.cells.bits, [*best, *kept]
        )
        weights, product = [], 1
        for count in group.cells.counts:
            weights.append(product)
            product *= count
        key = Affine.sum(f * a for f, a in zip(floors, weights, strict=True))
        key, *carried = build.layer([key, *carried])
        value, carried = add_memorizer(build, key, group.table, carried)
        best, kept = carried[: len(best)], carried[len(best) :]
        rise = value - best[0] if best else value
        units = build.layer([rise, *best, *kept])
        best = [Affine.sum(units[: 1 + len(best)])]
        inputs = [p - plan.offset for p in units[len(units) - len(kept) :]]
    return build.network([best[0] - 1])


def moderate(
    dataset: Dataset,
    budget: Fraction,
    *,
    seed: int = 0,
    separation: Fraction | None = None,
    error: Fraction = Fraction(1, 100),
    rank: int | None = None,
    kind: str = "rounded",
    slots: int | None = None,
) -> Construction:
    """Equals y_i on all but a share of at most `error` of the L2 ball i, and at its centre.

    With one group the network is exact. `plan_of` has the groups and the bands, and
    `Plan.error_bound` the exact bound for each ball. `rank` projects to that many coordinates
    first.

    Raises:
        UserError: The budget is negative, not below half the L2 separation, or above the range of
            the theorem for these data; the error share is not in (0, 1); no projection was found.
    """
    plan = plan_of(
        dataset,
        budget,
        seed=seed,
        separation=separation,
        error=error,
        rank=rank,
        kind=kind,
        slots=slots,
    )
    m = len(plan.samples[0])
    check_limit(sum(20 * m * group.cells.bits for group in plan.groups))
    hidden = sum(
        group.cells.bits + memorizer_depth(group.table, reader="threshold", serial=False) + 2
        for group in plan.groups
    )
    width = max(
        5 * m,
        max(memorizer_width(g.table, reader="threshold", serial=False) for g in plan.groups),
    )
    return Construction(
        name="moderate-rho",
        network=network_of_plan(plan, dataset.dimension),
        norm="2",
        budget=budget,
        decoder="value",
        promises=Promises(
            source=SOURCE,
            width=Size(width + m + 1, "max(5m, 2G + 1, 10) + m + 1"),
            depth=Size(
                hidden + 1,
                "sum over groups of (ceil(log2 R) + n(max(r, c) + 3) + 3) + 1",
                exact=True,
            ),
            nonzero=_nonzero(plan, dataset.dimension),
            dense=_dense(plan, dataset.dimension),
            bits=_bits(plan),
            budget_below=1 / (4 * plan.scale),
        ),
        robust=len(plan.groups) == 1,
        seed=seed,
        notes=(
            f"{len(plan.groups)} groups, bands of width {format_rational(plan.gamma)}",
            f"error at most {float(plan.greatest_error):.2g} of a ball",
        ),
    )


def _nonzero(plan: Plan, inputs: int) -> Size:
    """A bound of the weights and biases that are not zero."""
    m = len(plan.samples[0])
    value = (6 * m + 1) * (inputs + 1)
    for group in plan.groups:
        layers = memorizer_depth(group.table, reader="threshold", serial=False)
        value += group.cells.bits * (22 * m + 2) + 16 * len(group.table.firsts)
        value += 31 * layers + (layers + 2) * (m + 1) + 5 * m + 20
    return Size(
        value,
        "(6m + 1)(d + 1) + sum over groups of (22m + 2)ceil(log2 R) + 16G + 31L + (L + 2)(m + 1)"
        " + 5m + 20, L = n(max(r, c) + 3) + 1",
    )


def _dense(plan: Plan, inputs: int) -> Size:
    """A bound of the dense parameters: the selections of groups, and layers of O(m) units."""
    m = len(plan.samples[0])
    value = (6 * m + 1) * (inputs + 1)
    for group in plan.groups:
        layers = memorizer_depth(group.table, reader="threshold", serial=False)
        value += group.cells.bits * (6 * m + 2) * (6 * m + 1) + (6 * m + 2) * (m + 2)
        value += (2 * len(group.table.firsts) + m + 2) * (2 * m + 11)
        value += layers * (m + 12) * (m + 11)
    return Size(
        value,
        "(6m + 1)(d + 1) + sum over groups of (6m + 2)(6m + 1)ceil(log2 R) + (6m + 2)(m + 2)"
        " + (2G + m + 2)(2m + 11) + (m + 12)(m + 11)L, L = n(max(r, c) + 3) + 1",
    )


def _bits(plan: Plan) -> Size:
    """The most bits that a weight or bias can need."""
    scale, offset = plan.scale, plan.offset
    common = scale.denominator * (plan.projection.denominator if plan.projection else 1)
    kinds: list[Entries] = [
        (plan.projection.denominator if plan.projection else 1, 1),
        (offset.denominator, offset),
    ]
    for group in plan.groups:
        size = 1 << group.cells.bits
        steep = size / plan.gamma
        radix = 1
        for shift, count in zip(group.cells.shifts, group.cells.counts, strict=True):
            bias = abs(shift) + scale * offset
            parts = lcm(shift.denominator, (scale * offset).denominator)
            kinds += [
                (common * size, scale / size),
                (common, scale),
                (int(steep) * parts, 2 + bias / size),
                (parts, bias),
                (1, radix * steep),
            ]
            radix *= count
        kinds += [(1, radix), (1, 1 << memorizer_bits(group.table, reader="threshold").value - 2)]
    return Size(entry_bits(*kinds), "longest of s, b_j over 2^n / gamma, R^j 2^n / gamma, words")

"""Two balls that a first layer cannot tell apart: exact certificates.

If W x = W x' for the weight matrix W of the first layer, every network behind it answers x and x'
alike. So if x lies in the ball of one sample and x' in that of a differently labelled one, no
network with that first layer memorizes the data robustly, whatever its later layers.

L2 (`l2_collision`): let z = x_i - x_j and p its orthogonal projection to the row space of W, by
exact Gram-Schmidt. x = x_i - p / 2 and x' = x_j + p / 2 have W x = W x', both at distance
||p|| / 2. So W is defeated at radius mu if ||p||^2 <= 4 mu^2 for some pair, and if not, it is not
by any pair of balls.

L-infinity on the star (`star_collision`; Kim, Moon, Yun, NeurIPS 2025, Proposition C.7): for the
samples e_1, ..., e_t against 0 and a W of fewer than t rows, take z in the kernel of W with
z_j = ||z||_inf = 1 and support in 1..t; then x' = (e_j - z / 2) / 2 and x = e_j - x' have
W x = W x', both at L-infinity distance at most 1/4.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from verifier.data.dataset import Dataset
from verifier.question.errors import UserError
from verifier.question.network import Network

Vector = list[Fraction]


@dataclass(frozen=True, slots=True)
class Collision:
    """W first = W second; `first` is near sample i, `second` near the differently labelled j.

    `size` is the square of the greater distance in L2, the greater distance itself in L-infinity.
    """

    i: int
    j: int
    first: tuple[Fraction, ...]
    second: tuple[Fraction, ...]
    size: Fraction


def first_layer(network: Network) -> list[Vector]:
    """The weight rows of the first hidden layer (of the outputs, if there is none)."""
    rows = network.units if network.layers else network.outputs
    count = network.layers[0] if network.layers else rows.count
    matrix = []
    for i in range(count):
        weights, _ = rows.fractions(i)
        matrix.append([weights.get(k, Fraction(0)) for k in range(network.inputs)])
    return matrix


def first_layer_rank(network: Network) -> int:
    """The dimension of what the first layer sees of the inputs, exactly."""
    return len(orthogonal_basis(_distinct(first_layer(network))))


def _distinct(rows: list[Vector]) -> list[Vector]:
    """The rows up to a factor, each once: the span is the same."""
    seen: dict[tuple[Fraction, ...], Vector] = {}
    for row in rows:
        lead = next((entry for entry in row if entry), None)
        if lead is not None:
            seen.setdefault(tuple(entry / lead for entry in row), row)
    return list(seen.values())


def orthogonal_basis(rows: Sequence[Vector]) -> list[Vector]:
    """Orthogonal vectors with the same span, none of them zero; exact Gram-Schmidt."""
    basis: list[Vector] = []
    for row in rows:
        rest = row
        for base in basis:
            share = _dot(rest, base) / _dot(base, base)
            if share:
                rest = [a - share * b for a, b in zip(rest, base, strict=True)]
        if any(rest):
            scale = next(abs(entry) for entry in rest if entry)
            basis.append([entry / scale for entry in rest])
    return basis


def l2_collision(rows: Sequence[Vector], dataset: Dataset, radius: Fraction) -> Collision | None:
    """A collision of two closed L2 balls of that radius, or None if no pair of balls has one."""
    basis = orthogonal_basis(rows)
    norms = [_dot(base, base) for base in basis]
    images = []
    for i in range(dataset.size):
        point = list(dataset.point(i))
        images.append([_dot(base, point) for base in basis])
    best: tuple[Fraction, int, int] | None = None
    for i in range(dataset.size):
        for j in range(i):
            if dataset.labels[i] != dataset.labels[j]:
                square = sum(
                    (
                        (a - b) ** 2 / norm
                        for a, b, norm in zip(images[i], images[j], norms, strict=True)
                    ),
                    Fraction(0),
                )
                if best is None or square < best[0]:
                    best = (square, i, j)
    if best is None or best[0] > 4 * radius**2:
        return None
    square, i, j = best
    shift = [Fraction(0)] * dataset.dimension
    for base, norm, a, b in zip(basis, norms, images[i], images[j], strict=True):
        shift = [s + (a - b) / norm * e / 2 for s, e in zip(shift, base, strict=True)]
    return Collision(
        i,
        j,
        tuple(x - s for x, s in zip(dataset.point(i), shift, strict=True)),
        tuple(x + s for x, s in zip(dataset.point(j), shift, strict=True)),
        square / 4,
    )


def kernel_vector(rows: Sequence[Vector], columns: int) -> Vector | None:
    """A vector v != 0 of that length with row . v = 0 for the first `columns` entries of each row.

    None if there is none, that is if the rows have rank `columns` there. Exact elimination.
    """
    reduced: list[tuple[int, Vector]] = []
    for row in rows:
        rest = row[:columns]
        for pivot, base in reduced:
            if rest[pivot]:
                factor = rest[pivot]
                rest = [a - factor * b for a, b in zip(rest, base, strict=True)]
        pivot = next((k for k, entry in enumerate(rest) if entry), -1)
        if pivot >= 0:
            base = [entry / rest[pivot] for entry in rest]
            reduced = [
                (k, [a - other[pivot] * b for a, b in zip(other, base, strict=True)])
                for k, other in reduced
            ]
            reduced.append((pivot, base))
    pivots = {pivot for pivot, _ in reduced}
    free = next((k for k in range(columns) if k not in pivots), None)
    if free is None:
        return None
    vector = [Fraction(0)] * columns
    vector[free] = Fraction(1)
    for pivot, base in reduced:
        vector[pivot] = -base[free]
    return vector


def star_collision(rows: Sequence[Vector], leaves: int) -> Collision | None:
    """A collision at L-infinity distance at most 1/4 on `hard_data.star`, or None.

    Sample k < `leaves` of the star is e_k, sample `leaves` is 0. Some collision exists whenever W
    has fewer rows than that.
    """
    if rows and leaves > len(rows[0]):
        raise UserError(f"a star of {leaves} leaves does not fit into {len(rows[0])} dimensions")
    vector = kernel_vector(rows, leaves)
    if vector is None:
        return None
    j = max(range(leaves), key=lambda k: abs(vector[k]))
    dimension = len(rows[0]) if rows else leaves
    z = [entry / vector[j] for entry in vector] + [Fraction(0)] * (dimension - leaves)
    unit = [Fraction(int(k == j)) for k in range(dimension)]
    second = [(e - entry / 2) / 2 for e, entry in zip(unit, z, strict=True)]
    first = [e - s for e, s in zip(unit, second, strict=True)]
    return Collision(j, leaves, tuple(first), tuple(second), max(abs(s) for s in second))


def check_collision(
    rows: Sequence[Vector], dataset: Dataset, collision: Collision, norm: str, radius: Fraction
) -> None:
    """Returns if both points lie in their closed balls, labels differ and W first = W second.

    Raises UserError, naming what fails.
    """
    if dataset.labels[collision.i] == dataset.labels[collision.j]:
        raise UserError(f"collision: samples {collision.i} and {collision.j} have one label")
    for number, point in ((collision.i, collision.first), (collision.j, collision.second)):
        gaps = [abs(a - b) for a, b in zip(dataset.point(number), point, strict=True)]
        far = (
            max(gaps) > radius
            if norm == "inf"
            else sum((gap * gap for gap in gaps), Fraction(0)) > radius**2
        )
        if far:
            raise UserError(f"collision: a point is outside the ball of sample {number}")
    for number, row in enumerate(rows):
        if _dot(row, list(collision.first)) != _dot(row, list(collision.second)):
            raise UserError(f"collision: row {number} of the first layer tells the points apart")


def _dot(left: Sequence[Fraction], right: Sequence[Fraction]) -> Fraction:
    return sum((a * b for a, b in zip(left, right, strict=True)), Fraction(0))

"""Data sets on which every robust memorizer must be large, from the lower-bound proofs."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import atan2, cos, pi, sin, tan

from verifier.data.dataset import Dataset
from verifier.question.errors import UserError


def star(dimension: int, size: int) -> Dataset:
    """Kim, Moon, Yun (NeurIPS 2025), Proposition 3.2: e_1, ..., e_t with one label, 0 with another.

    t = min(size - 1, dimension); further samples are 2 e_1, 3 e_1, ... with the label of the e_j.
    Half the separation is 1/2 in every lp norm. In L2 every first layer of m rows is defeated at
    ratio rho > sqrt(m / t) (`collisions.l2_collision`), in L-infinity every one of fewer than t
    rows at rho > 1/2 (Proposition C.7).
    """
    if size < 2 or dimension < 1:
        raise UserError(f"star: {size} samples in {dimension} dimensions; 2 and 1 are needed")
    leaves = min(size - 1, dimension)
    rows = [[int(k == j) for k in range(dimension)] for j in range(leaves)]
    rows.append([0] * dimension)
    rows += [[k + 2] + [0] * (dimension - 1) for k in range(size - 1 - leaves)]
    labels = [1] * leaves + [0] + [1] * (size - 1 - leaves)
    return Dataset.from_rows(f"star-{dimension}-{size}", rows, labels)


def shattered(
    dimension: int, ratio_squared: Fraction, labels: Sequence[Sequence[int]]
) -> tuple[Dataset, list[list[tuple[int, ...]]]]:
    """Kim, Moon, Yun (NeurIPS 2025), Proposition 3.3: data that force any labelling of k points.

    k = floor(1 / (1 - rho^2)) <= dimension. labels[l][j] = +-1 is the wanted label of the point
    c_l + e_j, c_l = 2 d^2 l e_1; returned are the data set and those points. The samples are
    c_l +- sum_j labels[l][j] e_j. Each wanted point is at distance sqrt(k - 1) <= rho epsilon from
    the sample of its label, where 2 epsilon >= 2 sqrt(k) is the separation. So the networks that
    memorize with ratio rho shatter k * len(labels) points. In L1 the same holds with rho in place
    of rho^2: the distance is k - 1, the separation 2k.

    A deviation: for d = 1 c_l is 4 l e_1. The paper's 2 l e_1 puts samples of two labels on one
    point.
    """
    if not 0 <= ratio_squared < 1:
        raise UserError(f"shattered: squared ratio {ratio_squared} is not in [0, 1)")
    places = (1 / (1 - ratio_squared)).__floor__()
    if places > dimension:
        raise UserError(f"shattered: k = {places} is above the dimension {dimension}")
    rows, marks, points = [], [], []
    for number, pattern in enumerate(labels):
        if len(pattern) != places or any(sign not in (-1, 1) for sign in pattern):
            raise UserError(f"shattered: pattern {number} is not {places} signs")
        base = 2 * max(dimension**2, 2) * number
        for side in (1, -1):
            row = [side * sign for sign in pattern] + [0] * (dimension - places)
            row[0] += base
            rows.append(row)
            marks.append(1 if side > 0 else 0)
        points.append(
            [
                tuple(int(k == j) + (base if k == 0 else 0) for k in range(dimension))
                for j in range(places)
            ]
        )
    return Dataset.from_rows(f"shattered-{dimension}-{len(labels)}", rows, marks), points


def circles() -> tuple[Dataset, Fraction]:
    """Egosi, Yehudai, Shamir (COLT 2025), Theorem 8, for width 1 in the plane: 26 points, sigma.

    15 points of the circle of radius 1/2 with one label, 11 of that of radius 3/2 with another:
    separation 1, sigma = 1/8. Neighbours on a circle are at most sqrt(3) times the covering radius
    apart, 1/8 and 1/2. Every first layer of one row is defeated at radius 1/8 < 1/2.
    """
    rows: list[list[Fraction]] = []
    labels: list[int] = []
    for label, (radius, count) in enumerate(((Fraction(1, 2), 15), (Fraction(3, 2), 11))):
        for k in range(count):
            x, y = _on_the_circle(2 * pi * k / count)
            rows.append([radius * x, radius * y])
            labels.append(label)
    return Dataset.from_rows("circles", rows, labels), Fraction(1, 8)


def _on_the_circle(angle: float) -> tuple[Fraction, Fraction]:
    """A rational point of the unit circle near that angle."""
    half = atan2(sin(angle), cos(angle)) / 2
    t = Fraction(tan(half)).limit_denominator(200) if abs(abs(half) - pi / 2) > 1e-6 else None
    if t is None:
        return Fraction(-1), Fraction(0)
    return (1 - t * t) / (1 + t * t), 2 * t / (1 + t * t)

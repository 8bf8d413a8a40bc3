"""What every robust memorizer needs: for these data, and for some data of the same size.

For the data at hand, in L2 (ours; Proposition 3.2 of Kim, Moon, Yun is the case of the star). Let
z_t = x_i - x_j be differences of differently labelled samples with weights w_t >= 0, sum w_t = 1,
and M = sum w_t z_t z_t^T. For an orthogonal projection P of rank m,
min_t ||P z_t||^2 <= tr(P M) <= the sum of the m largest eigenvalues of M. If that is at most
4 mu^2, every first layer of m rows has a collision (`collisions`), so a robust memorizer has a
first layer of width at least m + 1. The sum is bounded exactly: for any theta >= 0 and D with
M <= theta I + D and D >= 0 it is at most m theta + tr D, and both semidefinite inequalities are
shown by a congruence with a rational matrix that makes them strictly diagonally dominant.

For some data of the same N, d and ratio rho = mu / (lambda / 2): Kim, Moon, Yun (NeurIPS 2025),
Propositions 3.2, 3.3, C.6 and C.7 and Theorem 3.1; Egosi, Yehudai, Shamir (COLT 2025), Theorem 8.
Those with constants are numbers, Theorem 3.1 is an order of growth. They are worst cases: the data
at hand may need less.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import floor

import numpy as np
from numpy.typing import NDArray

from constructions.pairs import pair_differences
from verifier.data.dataset import Dataset
from verifier.evidence.data_file import Points
from verifier.question.rational import sqrt_upper
from verifier.question.region import Norm

_BITS = 40
"""Bits to which eigenvectors are rounded; the certificate is exact for any rounding."""
_UNIT_BITS = 40
"""Bits after the point to which eigenvalues are rounded."""


@dataclass(frozen=True, slots=True)
class Bound:
    """A proved statement: `quantity` is at least `value`, for the data or the worst of their kind.

    `scope` is "these data" or "some data of this size"; `value` is None for an order of growth,
    which `statement` says.
    """

    quantity: str
    value: int | None
    scope: str
    statement: str
    source: str


def first_layer_bound(dataset: Dataset, budget: Fraction) -> int:
    """A width that the first layer of every network that memorizes these L2 balls must have.

    At least 1; certified as the module says. Not the best bound there is.
    """
    return first_layer_bound_squared(dataset, budget**2)


def first_layer_bound_squared(dataset: Dataset | Points, square: Fraction) -> int:
    """The same for balls of the squared radius `square`."""
    differences = pair_differences(dataset)
    target = 4 * square * dataset.denominator**2
    counts = {min(len(differences), 4 << k) for k in range(8)}
    best = 1
    for count in sorted(counts):
        best = max(best, _bound_of(differences[:count], target))
    return best


def _bound_of(differences: NDArray[np.object_], target: Fraction) -> int:
    """m + 1 for the greatest m for which the m largest eigenvalues of M certainly sum to at most
    `target`."""
    count = len(differences)
    gram = (differences.T @ differences) << _UNIT_BITS  # count * M, in units of 2^-_UNIT_BITS
    goal = target * count * (1 << _UNIT_BITS)
    values, vectors = np.linalg.eigh(gram.astype(np.float64))
    order = np.argsort(values)[::-1]
    values, vectors = values[order], vectors[:, order]
    sums = np.cumsum(values)
    guess = int(np.searchsorted(sums, float(goal), side="right"))
    for m in range(guess, 0, -1):
        if m <= guess - 3:
            break
        if certified_sum(gram, values, vectors, m) <= goal:
            return m + 1
    return 1


def certified_sum(
    gram: NDArray[np.object_],
    values: NDArray[np.float64],
    vectors: NDArray[np.float64],
    m: int,
) -> Fraction:
    """An upper bound of the sum of the m largest eigenvalues of the integer matrix `gram`.

    `values` and `vectors` are a floating-point eigendecomposition, the largest first; they set how
    tight the bound is, not whether it is one.
    """
    n = len(gram)
    if m >= n:
        return Fraction(int(np.trace(gram)))
    scale = 1 << _BITS
    q = _integers(np.rint(vectors * scale))
    slack = max(float(values[0]), 1.0) * 2.0**-28
    theta = Fraction(floor(max(float(values[m]), 0.0) + slack) + 1)
    excess = _integers(
        np.array([floor(max(v - float(theta), 0.0) + slack) + 1 for v in values[:m]])
    )
    # D = Q diag(excess) Q^T / scale^2 over the first m columns; D >= 0 by its form.
    columns = q[:, :m]
    lifted = (columns * excess[None, :]) @ columns.T
    trace = Fraction(int(np.trace(lifted)), scale**2)
    # theta I + D - gram > 0: congruent, by q, to a strictly diagonally dominant matrix.
    identity = _integers(np.eye(n))
    inner = (identity * theta.numerator - gram) * scale**2 + lifted
    return m * theta + trace if _dominant(q.T @ inner @ q) else Fraction(int(np.trace(gram)))


def _dominant(matrix: NDArray[np.object_]) -> bool:
    """Whether every diagonal entry exceeds the sum of the absolute values beside it: then > 0."""
    diagonal = matrix.diagonal()
    beside = abs(matrix).sum(axis=1) - abs(diagonal)
    return bool(np.all(diagonal > beside))


def _integers(values: NDArray[np.float64]) -> NDArray[np.object_]:
    result = np.empty(values.shape, dtype=object)
    result[...] = [
        [int(v) for v in row] if isinstance(row, list) else int(row) for row in values.tolist()
    ]
    return result


def lower_bounds(dataset: Dataset, norm: Norm, budget: Fraction, power: Fraction) -> list[Bound]:
    """All lower bounds for this norm and budget; `power` is what `power_separation` says.

    Balls are closed, as everywhere here, which makes the strict inequalities of the papers weak.
    """
    least = min(dataset.size - 1, dataset.dimension)
    if norm == "2":
        return _euclidean_bounds(dataset, budget, power, least)
    # Of the L2 balls inside these balls the radius is mu, of norm 1 mu / sqrt(d).
    part = Fraction(1, dataset.dimension if norm == "1" else 1)
    inner = budget if norm != "1" else budget / sqrt_upper(Fraction(dataset.dimension))
    bounds = [
        Bound(
            "first-layer width",
            first_layer_bound(dataset, inner),
            "these data",
            "a narrower first layer maps two L2 balls inside these onto each other somewhere",
            f"after {_KIM}, Proposition C.6",
        )
    ]
    if norm in ("inf", "1"):
        square = 4 * budget**2 / power**2 * part
        bounds.append(
            Bound(
                "first-layer width",
                min(least, (square * least).__floor__() + 1),
                _WORST,
                "above (rho / gamma)^2 min(N - 1, d), gamma = sqrt d for norm 1, else 1",
                f"{_KIM}, Proposition C.6",
            )
        )
    if norm == "1" and 2 * budget < power:
        places = min((1 / (1 - 2 * budget / power)).__floor__(), dataset.dimension)
        bounds.append(
            Bound(
                "VC dimension",
                places * (dataset.size // 2),
                _WORST,
                "k floor(N / 2), k = floor(1 / (1 - rho)) <= d",
                f"{_KIM}, Proposition 3.3",
            )
        )
    if norm == "inf" and 4 * budget > power:
        statement = "min(N - 1, d), for rho > 1/2 (Yu, Gao, Zhang, ICLR 2024: d, for rho >= 0.8)"
        bounds.append(
            Bound("first-layer width", least, _WORST, statement, f"{_KIM}, Proposition C.7")
        )
    return bounds


_KIM = "Kim, Moon, Yun, NeurIPS 2025"
_WORST = "some data of this size"


def _euclidean_bounds(
    dataset: Dataset, budget: Fraction, power: Fraction, least: int
) -> list[Bound]:
    square = 4 * budget**2 / power
    bounds = [
        Bound(
            "first-layer width",
            first_layer_bound(dataset, budget),
            "these data",
            "a narrower first layer maps two differently labelled balls onto each other somewhere",
            f"after {_KIM}, Proposition 3.2",
        ),
        Bound(
            "first-layer width",
            min(least, (square * least).__floor__() + 1),
            _WORST,
            "above rho^2 min(N - 1, d)",
            f"{_KIM}, Proposition 3.2",
        ),
    ]
    if square < 1:
        places = min((1 / (1 - square)).__floor__(), dataset.dimension)
        shattered = "k floor(N / 2), k = floor(1 / (1 - rho^2)) <= d"
        order = "order of (rho^2 min(N, d) + 1) d + min(1 / sqrt(1 - rho^2), sqrt d) sqrt N"
        bounds += [
            Bound(
                "VC dimension",
                places * (dataset.size // 2),
                _WORST,
                shattered,
                f"{_KIM}, Proposition 3.3",
            ),
            Bound("parameters", None, _WORST, order, f"{_KIM}, Theorem 3.1"),
        ]
    # sigma / delta > 2416 N^(-2/k), to the power 2k; it fails for all k beyond the first failure
    width, square = 1, budget**2 / power
    while width < dataset.dimension and (
        square**width * dataset.size**4 > Fraction(2416) ** (2 * width)
    ):
        width += 1
    bounds.append(
        Bound(
            "width",
            width,
            _WORST,
            "the greatest k < d with sigma / delta > 2416 N^(-2/k), plus one",
            "Egosi, Yehudai, Shamir, COLT 2025, Theorem 8",
        )
    )
    return bounds

"""Points that a network's first layer cannot tell from points of a rival's ball.

If W x = W x' for x in the ball of one sample and x' in that of a rival, one of both is a flip. The
pairs are chosen in floats; what comes of them is evaluated exactly by whoever uses it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from fractions import Fraction
from warnings import catch_warnings, simplefilter

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog

from constructions.collisions import first_layer, l2_collision
from verifier.data.dataset import Dataset
from verifier.question.network import Network
from verifier.question.region import Norm
from verifier.search.bounds.floats import to_float
from verifier.tasks.flips import Hint

Float = NDArray[np.float64]

_PAIRS = 2  # a sample
_PROGRAMS = 64  # linear programs in all
_WEIGHTS = 20_000  # of a first layer, for linear programs
_EXACT = 400  # weights of a first layer, for exact projections
_TABLE = 40_000_000  # entries of a table of distances


def collision_hints(
    network: Network, dataset: Dataset, samples: Sequence[int], norm: Norm, radius: Fraction
) -> dict[int, list[Hint]]:
    """For some of the samples, points of about their ball of that radius that collide with a point
    of a rival's ball; a radius for norm 2 as well, perhaps rounded up."""
    layer = network.layers[0] if network.layers else network.outputs.count
    if (layer + network.inputs + dataset.dimension) * dataset.size > _TABLE:
        return {}
    if network.inputs != dataset.dimension or layer * network.inputs > 1_000_000:
        return {}
    rows = first_layer(network)
    # What a row cannot tell apart does not depend on its length, which floats may not hold.
    scales = [max(map(abs, row)) or Fraction(1) for row in rows]
    weights = np.array(
        [[to_float(w / scale) for w in row] for row, scale in zip(rows, scales, strict=True)]
    ).reshape(-1, network.inputs)
    data = np.array(
        [[int(n) / dataset.denominator for n in row] for row in dataset.numerators]
        if dataset.numerators.dtype == object
        else dataset.numerators / float(dataset.denominator)
    )
    basis = _row_space(weights)
    hints: dict[int, list[Hint]] = defaultdict(list)
    exact = norm == "2" and layer * network.inputs <= _EXACT
    programs = 0
    images = data @ basis.T
    reach = to_float(radius) * (1 + 1e-9)
    for i in samples:
        squares = ((images - images[i]) ** 2).sum(axis=1)
        squares[dataset.labels == dataset.labels[i]] = np.inf
        for j in np.argsort(squares, kind="stable")[:_PAIRS].tolist():
            if squares[j] == np.inf or (norm != "1" and squares[j] > 4 * reach**2 * (
                1 if norm == "2" else network.inputs
            )):  # fmt: skip
                continue
            if exact:
                collision = l2_collision(rows, dataset.select([i, j]), radius)
                if collision is not None:
                    # The pair is (1, 0): the first point is near sample j.
                    hints[i].append((collision.second, "collision"))
                continue
            gap = data[i] - data[j]
            if norm == "2":
                shift = basis.T @ (basis @ gap) / 2
            elif programs < _PROGRAMS and weights.size <= _WEIGHTS:
                programs += 1
                move = _least_move(weights, gap, norm)
                if move is None:
                    continue
                shift = -move / 2
            else:
                continue
            point = tuple(Fraction(float(x)) for x in data[i] - shift)
            hints[i].append((point, "collision"))
    return dict(hints)


def _row_space(weights: Float) -> Float:
    """Orthonormal rows with the same span, about."""
    _, sizes, rows = np.linalg.svd(weights, full_matrices=False)
    kept = sizes > 1e-12 * max(sizes.max(initial=0), 1e-300)
    result: Float = rows[kept]
    return result


def _least_move(weights: Float, gap: Float, norm: Norm) -> Float | None:
    """The shortest u with weights @ (gap + u) = 0, about; None if the solver finds none."""
    count = len(gap)
    unit = np.eye(count)
    if norm == "inf":
        cost, width = np.r_[np.zeros(count), 1.0], np.ones((count, 1))
    else:
        cost, width = np.r_[np.zeros(count), np.ones(count)], unit
    above = np.vstack([np.hstack([unit, -width]), np.hstack([-unit, -width])])
    equal = np.hstack([weights, np.zeros((len(weights), width.shape[1]))])
    with catch_warnings():
        simplefilter("ignore")  # of weights out of all proportion
        solved = linprog(
            cost,
            A_ub=above,
            b_ub=np.zeros(2 * count),
            A_eq=equal,
            b_eq=-weights @ gap,
            bounds=[(None, None)] * count + [(0, None)] * width.shape[1],
            method="highs",
        )
    return None if solved.x is None else np.asarray(solved.x[:count], dtype=np.float64)

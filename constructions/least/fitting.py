"""Networks that are right at some points, by linear programs: the convex-concave procedure.

At a point of label 1 the sum of units of positive weight is to be large, at one of label 0 small.
A sum of units is convex in their weights. So where it is to be large, its linear part at the
present weights lies below it and takes its place; where it is to be small, it stands as it is, with
a variable for each unit. What is left is a linear program, every solution of which is as right as
it says, and its optimum, least in the sum of what is missing at all points, comes next. Where that
ends with points that are wrong, they count more from then on (`WEIGHING`), and it goes on.

Margins are asked to be 1 and weights are bounded, so that the trivial network, all weights 0, is no
optimum as it would be of the least margin. Floats throughout: what comes out is a hint.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_matrix

from constructions.least.candidates import Candidate
from constructions.least.questions import Place, Vector
from verifier.evidence.data_file import Points
from verifier.search.bounds.floats import to_float

Float = NDArray[np.float64]
LARGEST = 500.0  # weight, against margins of 1 and data of size about 1
SLACK = 1e-6  # of a margin that counts as positive
STEPS = 60  # of one start
WEIGHINGS, WEIGHING = 10, 2.0  # how often wrong points are made to count more, and by how much
STALLED = 0.999  # of the loss before: no progress
SHORT = 64  # largest denominator of weights that are rounded, at first
BITS = (12, 24, 44)  # after the point, then


@dataclass
class Fit:
    """The weights of one network, which `step` improves at `places`: forms of the hidden layer
    (width, n + 1), the constant, and the distance of labels; all about moved and scaled data."""

    points: Points
    positive: int
    units: Float
    places: list[Place]
    constant: float = 0.0
    scale: float = 0.0
    weights: Float = field(init=False)
    _weighings: int = WEIGHINGS
    _loss: float = np.inf

    def __post_init__(self) -> None:
        self._middle, self._span = frame(self.points)
        self.weights = np.ones(len(self.places))
        self.add([])

    @staticmethod
    def anywhere(points: Points, width: int, positive: int, places: list[Place],
                 random: np.random.Generator) -> Fit:  # fmt: skip
        """Units whose kinks go through the data, in directions at random."""
        n = points.dimension
        normals = random.standard_normal((width, n))
        normals /= np.abs(normals).sum(axis=1, keepdims=True)
        through = random.uniform(-1.5, 1.5, (width, n))
        units = np.column_stack([normals, -(normals * through).sum(axis=1)])
        return Fit(points, positive, units, places)

    @staticmethod
    def near(points: Points, candidate: Candidate, places: list[Place]) -> Fit:
        """That of this network."""
        middle, span = frame(points)
        rows = np.array([list(map(to_float, unit)) for unit in candidate.units])
        units = np.column_stack([rows[:, :-1] * span, rows[:, :-1] @ middle + rows[:, -1]])
        return Fit(points, candidate.positive, units, places)

    def add(self, places: Sequence[Place]) -> None:
        """These points count as well."""
        self.places = [*self.places, *places]
        self.weights = np.append(self.weights, np.ones(len(self.places) - len(self.weights)))
        self._loss = np.inf
        where = np.array([list(map(to_float, x)) for _, x in self.places])
        moved = (where - self._middle) / self._span
        self._inputs = np.column_stack([moved, np.ones(len(moved))])
        sides = [
            side for k, (sample, _) in enumerate(self.places)
            for side in _sides(k, int(self.points.labels[sample]), self.points.classes)
        ]  # fmt: skip
        self._at = np.array([k for k, _, _ in sides])
        self._sign = np.array([sign for _, sign, _ in sides])
        self._multiple = np.array([multiple for _, _, multiple in sides])

    def step(self) -> bool | None:
        """Whether all labels are right now; None if nothing moves any more."""
        if not self._solve():
            return None
        margins = self._margins()
        if margins.min() > SLACK:
            return True
        loss = float(self.weights[self._at] @ np.maximum(0, 1 - margins))
        if loss <= STALLED * self._loss:
            self._loss = loss
            return False
        if not self._weighings:
            return None
        self._weighings -= 1
        wrong = np.zeros(len(self.places), dtype=bool)
        wrong[self._at[margins <= SLACK]] = True
        self.weights = np.where(wrong, WEIGHING, 1) * self.weights
        self.weights /= self.weights.mean()
        self._loss = np.inf
        return False

    def _signs(self) -> Float:
        return np.where(np.arange(len(self.units)) < self.positive, 1.0, -1.0)

    def _margins(self) -> Float:
        values = np.maximum(self._inputs @ self.units.T, 0) @ self._signs() + self.constant
        found: Float = self._sign * values[self._at] + self._multiple * self.scale
        return found

    def _solve(self) -> bool:
        """The linear program about weights: `small` are the units of a side that bound it from
        above, each with a variable; of the others those that are on now stand as they are."""
        width, columns = self.units.shape
        own, sides = width * columns + 2, len(self._at)
        inputs, on = self._inputs[self._at], (self._inputs @ self.units.T > 0)[self._at]
        small = self._signs()[None, :] * self._sign[:, None] < 0
        side, unit = np.nonzero(small)
        raised = len(side)
        rows = [
            _block(np.arange(raised), unit, inputs[side]),
            (np.arange(raised), own + sides + np.arange(raised), -np.ones(raised)),
        ]
        last = raised + np.arange(sides)
        kept_side, kept_unit = np.nonzero(~small & on)
        rows += [
            (last, np.full(sides, own - 2), -self._sign),
            (last, np.full(sides, own - 1), -self._multiple),
            (raised + side, own + sides + np.arange(raised), np.ones(raised)),
            _block(raised + kept_side, kept_unit, -inputs[kept_side]),
            (last, own + np.arange(sides), -np.ones(sides)),
        ]
        where = np.concatenate([r for r, _, _ in rows]), np.concatenate([c for _, c, _ in rows])
        matrix = csr_matrix(
            (np.concatenate([v for _, _, v in rows]), where),
            shape=(raised + sides, own + sides + raised),
        )
        cost = np.zeros(own + sides + raised)
        cost[own : own + sides] = self.weights[self._at]
        lower = np.zeros_like(cost)
        lower[: own - 1] = -LARGEST
        upper = np.full_like(cost, np.inf)
        upper[:own] = LARGEST
        if self.points.classes == 2:
            upper[own - 1] = 0
        most = np.append(np.zeros(raised), -np.ones(sides))
        found = milp(
            cost, bounds=Bounds(lower, upper), constraints=LinearConstraint(matrix, ub=most)
        )
        if found.x is None:
            return False
        self.units = found.x[: own - 2].reshape(width, columns)
        self.constant, self.scale = float(found.x[own - 2]), float(found.x[own - 1])
        return True

    def candidates(self) -> Iterator[Candidate]:
        """This network, its weights rounded, the shortest numbers first."""
        units = self.units.copy()
        units[:, :-1] /= self._span
        units[:, -1] -= units[:, :-1] @ self._middle
        values = np.array([*units.ravel(), self.constant, self.scale])
        values /= np.abs(values).max()
        yield self._candidate([Fraction(x).limit_denominator(SHORT) for x in values])
        for bits in BITS:
            yield self._candidate([Fraction(round(x * 2**bits), 2**bits) for x in values])

    def _candidate(self, numbers: list[Fraction]) -> Candidate:
        theta: Vector = tuple(numbers if self.points.classes > 2 else numbers[:-1])
        return Candidate.of(theta, self.points.dimension, self.points.classes, self.positive)


def frame(points: Points) -> tuple[Float, float]:
    """The middle of the data, and how far they reach from there."""
    centers = np.array([list(map(to_float, points.point(k))) for k in range(points.size)])
    middle = centers.mean(axis=0)
    return middle, float(np.abs(centers - middle).max()) or 1.0


def _sides(place: int, label: int, classes: int) -> Iterator[tuple[int, float, float]]:
    """sign * o + multiple * scale is to be positive at this place."""
    if classes == 2:
        yield place, 1.0 if label else -1.0, 0.0
        return
    if label > 0:
        yield place, 1.0, 0.5 - label
    if label < classes - 1:
        yield place, -1.0, label + 0.5


def _block(
    rows: NDArray[np.int64], units: NDArray[np.int64], inputs: Float
) -> tuple[NDArray[np.int64], NDArray[np.int64], Float]:
    """The entries of forms of these units at these inputs, a row each."""
    columns = inputs.shape[1]
    places = units[:, None] * columns + np.arange(columns)
    return np.repeat(rows, columns), places.ravel(), inputs.ravel()

"""How far apart differently labelled samples are, exactly.

A robust memorizer of a data set exists for budgets below half the separation,
the least distance between samples of different labels, so this number has to be
right to the last digit.  All values here are exact; in norm "2" they are
squares, because the distance itself is irrational as a rule.

*How it is fast.*  All pairs of 60,000 images are compared in tiles of the pair
matrix.  A tile costs a matrix product, which either is the exact answer or
proves for nearly all of its pairs that they are too far apart to matter; the
few left over are evaluated one by one in integers.  Every matrix product runs
on floats that hold integers, of a size for which each partial sum is an integer
below 2^24 (float32) or 2^53 (float64); it is exact whatever the order of the
sums.  With z the entries as non-negative integers, R their greatest value and
q = floor(z / 2^s), the lower bounds are

* |z - z'| >= 2^s (|q - q'| - 1) in each coordinate if s > 0, and = |q - q'| if
  s = 0; summed, L1(z) >= 2^s (L1(q) - n), L2(z) >= 2^s (L2(q) - sqrt n);
* L1 >= L2 and L1 >= L2^2 / R, since no coordinate differs by more than R;
* L-inf >= T if in some coordinate k one entry is at most c_k and the other at
  least c_k + T: a product of two 0/1 matrices counts these coordinates.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal, Protocol

import networkx as nx
import numpy as np
import numpy.typing as npt
from scipy.spatial.distance import cdist

from verifier.data.dataset import Dataset
from verifier.question.errors import UserError
from verifier.question.region import Norm

Array = npt.NDArray[Any]

TILE = 2048
"""Samples along each side of a tile of the pair matrix."""
DIRECT_WORK = 2**33
"""Up to this many coordinate differences, distances are computed one by one."""
DIRECT_DIMENSION = 32
"""Below this many inputs as well: a matrix product would not pay."""
_CHUNK = 2**23  # entries that one evaluation of single pairs holds at a time


@dataclass(frozen=True, slots=True)
class ClosestPair:
    """No two samples of different labels are closer than `first` and `second`, in this norm.

    `value` is their distance, in norm "2" its square.  Among several closest
    pairs it is the one with the smallest `first`, then the smallest `second`;
    `first` < `second`, both counted from 0.
    """

    norm: Norm
    value: Fraction
    first: int
    second: int

    @property
    def approximately(self) -> float:
        """The distance itself as a float, to be shown and not to be believed."""
        return _as_float(self.value, self.norm)


def separation(dataset: Dataset, norm: Norm) -> ClosestPair:
    """The closest two samples with different labels; a distance of 0 is possible.

    Raises:
        UserError: If all samples have one label.
    """
    points = _Points(dataset, norm)
    goal = _Closest(points)
    _scan(points, goal)
    return ClosestPair(norm, points.fraction(goal.value), goal.first, goal.second)


def rival_distances(dataset: Dataset, norm: Norm) -> tuple[Fraction, ...]:
    """For each sample the distance to the nearest sample of another label; in norm "2" its square.

    Raises:
        UserError: If all samples have one label.
    """
    points = _Points(dataset, norm)
    goal = _Nearest(points)
    _scan(points, goal)
    fractions = {value: points.fraction(value) for value in set(goal.values.tolist())}
    return tuple(fractions[value] for value in goal.values.tolist())


def conflict_graph(dataset: Dataset, norm: Norm, distance: Fraction | int) -> nx.Graph[int]:
    """The samples, joined where their labels differ and they are closer than `distance`.

    Args:
        dataset: Its samples are the nodes 0..size-1, with their label number as
            the attribute `label`.
        norm: "inf", "1" or "2".
        distance: In norm "2" the square of the distance.  A pair exactly this far
            apart is not joined.

    Returns:
        A graph whose edges carry their exact length as `value`, in norm "2" its
        square, and are in lexicographic order.

    Raises:
        UserError: If the distance is negative, or all samples have one label.
    """
    if distance < 0:
        raise UserError(f"distance {distance} is below 0")
    points = _Points(dataset, norm)
    goal = _Below(points, math.ceil(distance / points.unit))
    _scan(points, goal)
    graph: nx.Graph[int] = nx.Graph()
    graph.add_nodes_from(
        (index, {"label": label}) for index, label in enumerate(dataset.labels.tolist())
    )
    for first, second, value in sorted(goal.pairs):
        graph.add_edge(first, second, value=points.fraction(value))
    return graph


def _as_float(value: Fraction, norm: Norm) -> float:
    try:
        if norm != "2" or value == 0:
            return float(value)
        # Scaled by a square first: the square of a distance may leave the range of a float.
        half = (value.numerator.bit_length() - value.denominator.bit_length()) // 2
        return math.ldexp(math.sqrt(value / Fraction(2) ** (2 * half)), half)
    except OverflowError:
        return math.inf


# ------------------------------------------------------------------- points


class _Points:
    """The samples as non-negative integers, in which distances are those of the samples / unit.

    Attributes:
        entries: (size, dimension), each column shifted to begin at 0, as the
            narrowest unsigned type that holds all, or Python ints.
        greatest: The greatest entry, R.
        ceiling: Above every distance between two points.
        dtype: Of distances: int64 if that holds the ceiling, else object.
        unit: A distance of 1 between entries is this distance between samples.
    """

    def __init__(self, dataset: Dataset, norm: Norm) -> None:
        if norm not in ("inf", "1", "2"):
            raise UserError(f"norm {norm!r} is not inf, 1 or 2")
        if dataset.labels.min() == dataset.labels.max():
            raise UserError(
                f"{dataset.name}: all samples have the label "
                f"{dataset.label_names[dataset.labels[0]]!r}; there is no separation"
            )
        self.norm = norm
        self.size, self.dimension = dataset.size, dataset.dimension
        self.labels = dataset.labels.astype(np.int32)
        # int64 entries are below 2^62, so that these differences cannot overflow.
        shifted = dataset.numerators - dataset.numerators.min(axis=0)
        self.greatest = int(shifted.max())
        narrow = np.min_scalar_type(self.greatest) if self.greatest < 2**63 else np.dtype(object)
        self.entries: Array = shifted.astype(narrow)
        largest = {
            "inf": self.greatest,
            "1": self.dimension * self.greatest,
            "2": self.dimension * self.greatest**2,
        }[norm]
        self.ceiling = largest + 1
        self.dtype: np.dtype[Any] = np.dtype(np.int64 if self.ceiling < 2**63 else object)
        self.unit = Fraction(1, dataset.denominator ** (2 if norm == "2" else 1))

    def fraction(self, value: int) -> Fraction:
        """The distance between samples that is `value` between entries."""
        return value * self.unit

    def distances(self, first: Array, second: Array) -> Array:
        """The exact distances of the pairs (first[k], second[k]), between entries."""
        result = np.empty(len(first), dtype=self.dtype)
        step = max(1, _CHUNK // self.dimension)
        for start in range(0, len(first), step):
            part = slice(start, start + step)
            left, right = self.entries[first[part]], self.entries[second[part]]
            difference = np.maximum(left, right)
            difference -= np.minimum(left, right)
            if self.norm == "inf":
                result[part] = difference.max(axis=1)
            elif self.norm == "1":
                result[part] = difference.sum(axis=1, dtype=self.dtype)
            else:
                wide = difference.astype(self.dtype)
                wide *= wide
                result[part] = wide.sum(axis=1)
        return result


# -------------------------------------------------------------------- goals


class _Goal(Protocol):
    """What is looked for among the pairs, and how close a pair must be to matter."""

    seeds: int
    """How many samples are worth a first look, before the scan, for good thresholds."""

    def thresholds(self, rows: Array, columns: Array) -> tuple[Array, Array]:
        """A pair (i, j) whose distance is at least both its thresholds does not matter."""

    def take(self, first: Array, second: Array, values: Array) -> None:
        """Takes note of these pairs of different labels, first[k] != second[k]."""

    def take_tile(self, rows: Array, columns: Array, values: Array) -> None:
        """Takes note of all pairs of a tile; those of one label hold a value above all others."""


class _Closest:
    """The least distance, and the lexicographically first pair that has it."""

    def __init__(self, points: _Points) -> None:
        self.dtype = points.dtype
        self.value, self.first, self.second = points.ceiling, points.size, points.size
        self.seeds = TILE

    def thresholds(self, rows: Array, columns: Array) -> tuple[Array, Array]:
        # Of equally close pairs only one that comes first matters.
        row_thresholds = self.value + (rows <= self.first).astype(self.dtype)
        return row_thresholds, np.zeros(len(columns), dtype=self.dtype)

    def take(self, first: Array, second: Array, values: Array) -> None:
        if len(values) == 0:
            return
        least = values.min()
        if least > self.value:
            return
        where = np.flatnonzero(values == least)
        low = np.minimum(first[where], second[where])
        high = np.maximum(first[where], second[where])
        k = np.lexsort((high, low))[0]
        found = (int(least), int(low[k]), int(high[k]))
        self.value, self.first, self.second = min((self.value, self.first, self.second), found)

    def take_tile(self, rows: Array, columns: Array, values: Array) -> None:
        i, j = divmod(int(values.argmin()), values.shape[1])
        if values[i, j] <= self.value:
            # Rows and columns ascend, so this is the first one of the tile.
            self.take(rows[i : i + 1], columns[j : j + 1], values[i : i + 1, j])


class _Nearest:
    """Each sample's least distance to a sample of another label."""

    def __init__(self, points: _Points) -> None:
        self.values = np.full(points.size, points.ceiling, dtype=points.dtype)
        self.seeds = points.size

    def thresholds(self, rows: Array, columns: Array) -> tuple[Array, Array]:
        return self.values[rows], self.values[columns]

    def take(self, first: Array, second: Array, values: Array) -> None:
        np.minimum.at(self.values, first, values)
        np.minimum.at(self.values, second, values)

    def take_tile(self, rows: Array, columns: Array, values: Array) -> None:
        ceiling = self.values.max()  # pairs of one label may hold what no int64 does
        for samples, axis in ((rows, 1), (columns, 0)):
            least = np.minimum(values.min(axis=axis), ceiling).astype(self.values.dtype)
            self.values[samples] = np.minimum(self.values[samples], least)


class _Below:
    """All pairs closer than a limit."""

    def __init__(self, points: _Points, limit: int) -> None:
        self.limit = min(limit, points.ceiling)
        self.dtype = points.dtype
        self.pairs: set[tuple[int, int, int]] = set()
        self.seeds = 0

    def thresholds(self, rows: Array, columns: Array) -> tuple[Array, Array]:
        return (
            np.full(len(rows), self.limit, dtype=self.dtype),
            np.full(len(columns), self.limit, dtype=self.dtype),
        )

    def take(self, first: Array, second: Array, values: Array) -> None:
        near = values < self.limit
        low = np.minimum(first, second)[near].tolist()
        high = np.maximum(first, second)[near].tolist()
        self.pairs.update(zip(low, high, values[near].tolist(), strict=True))

    def take_tile(self, rows: Array, columns: Array, values: Array) -> None:
        i, j = np.nonzero(values < self.limit)
        self.take(rows[i], columns[j], values[i, j].astype(self.dtype))


# ------------------------------------------------------------------- bounds


class _Distances:
    """Distances between the coarse entries q = floor(z / 2^shift), one by one.

    Exact: `shift` is the least for which all of them are integers below 2^53.
    """

    def __init__(self, points: _Points) -> None:
        self.points = points
        n, power = points.dimension, 2 if points.norm == "2" else 1
        terms = 1 if points.norm == "inf" else n
        self.shift = 0
        while terms * (points.greatest >> self.shift) ** power >= 2**53:
            self.shift += 1
        self.coarse = (points.entries >> self.shift).astype(np.float64)
        self.metric: Literal["chebyshev", "cityblock", "sqeuclidean"] = {  # type: ignore[assignment]
            "inf": "chebyshev", "1": "cityblock", "2": "sqeuclidean",
        }[points.norm]  # fmt: skip
        self.exact = self.shift == 0

    def tile(self, rows: Array, columns: Array) -> Array:
        """The distances between coarse entries, (rows, columns)."""
        return np.asarray(cdist(self.coarse[rows], self.coarse[columns], self.metric))

    def possible(self, rows: Array, columns: Array, low: Array, high: Array) -> Array:
        """False only for pairs proven to be at least `low` (rows) and `high` (columns) apart."""
        tile = self.tile(rows, columns)
        result: Array = tile <= self._limits(low)[:, None]
        result |= tile <= self._limits(high)[None, :]
        return result

    def _limits(self, thresholds: Array) -> Array:
        """The greatest coarse distances that leave a distance below each threshold possible."""
        n = self.points.dimension

        def limit(threshold: int) -> int:
            if self.points.norm == "2":
                # sqrt(coarse) < sqrt(threshold) / 2^shift + sqrt(n), both roots rounded up
                return (math.isqrt(threshold >> 2 * self.shift) + math.isqrt(n) + 2) ** 2
            return ((threshold - 1) >> self.shift) + (1 if self.points.norm == "inf" else n)

        return np.array([min(limit(t), 2**53) for t in thresholds.tolist()], dtype=np.float64)


class _Gram:
    """Squared L2 distances between the coarse entries q = floor(z / 2^shift), by matrix products.

    Exact: with h half the greatest coarse entry, rounded up, centred entries are at
    most h, so every partial sum of a product is an integer of at most n h^2.
    float32 holds them if n h^2 <= 2^24 (and then int32 the distances); float64,
    with the least shift for which n h^2 <= 2^51, holds the distances too.
    """

    def __init__(self, points: _Points) -> None:
        self.points = points
        n = points.dimension
        self.shift = 0
        self.single = n * ((points.greatest + 1) // 2) ** 2 <= 2**24
        while n * (((points.greatest >> self.shift) + 1) // 2) ** 2 > 2**51:
            self.shift += 1
        self.greatest = points.greatest >> self.shift
        self.coarse: npt.NDArray[np.floating[Any]] = np.array(
            points.entries >> self.shift, dtype=np.float32 if self.single else np.float64
        )
        self.coarse -= (self.greatest + 1) // 2
        squares = np.array([row @ row for row in self.coarse.astype(np.float64)])
        self.squares = squares.astype(np.int32 if self.single else np.float64)
        self.exact = self.shift == 0 and points.norm == "2"

    def tile(self, rows: Array, columns: Array) -> Array:
        """The squared L2 distances between coarse entries, (rows, columns)."""
        product = self.coarse[rows] @ self.coarse[columns].T
        result: Array = product.astype(np.int32) if self.single else product
        result *= -2
        result += self.squares[rows][:, None]
        result += self.squares[columns][None, :]
        return result

    def possible(self, rows: Array, columns: Array, low: Array, high: Array) -> Array:
        """False only for pairs proven to be at least `low` (rows) and `high` (columns) apart."""
        tile = self.tile(rows, columns)
        result: Array = tile <= self._limits(low)[:, None]
        result |= tile <= self._limits(high)[None, :]
        return result

    def _limits(self, thresholds: Array) -> Array:
        """The greatest coarse squares that leave a distance below each threshold possible."""
        n = self.points.dimension

        def limit(threshold: int) -> int:
            if self.points.norm == "2":
                # sqrt(coarse) < sqrt(threshold) / 2^shift + sqrt(n), both roots rounded up
                return (math.isqrt(threshold >> 2 * self.shift) + math.isqrt(n) + 2) ** 2
            # L1 <= most, so L2^2 <= most^2 and L2^2 <= most R.
            most = ((threshold - 1) >> self.shift) + (n if self.shift else 0)
            return most * min(most, self.greatest)

        top = 2**31 - 1 if self.single else 2**53
        limits = [min(limit(t), top) for t in thresholds.tolist()]
        return np.array(limits, dtype=self.squares.dtype)


class _Apart:
    """Proofs that pairs are at least T apart in L-inf, from products of 0/1 matrices.

    A pair is that far apart if in a coordinate k one coarse entry is at most c_k
    and the other at least c_k + T.  The cuts c_k are free; those are taken that
    separate most pairs of a few samples.
    """

    exact = False

    def __init__(self, points: _Points) -> None:
        self.points = points
        self.shift = max(0, points.greatest.bit_length() - 31)
        coarse = points.entries >> self.shift
        self.coarse: Array = coarse.astype(np.uint32) if self.shift else points.entries
        self.greatest = points.greatest >> self.shift
        some = np.linspace(0, points.size - 1, min(points.size, 512)).astype(np.int64)
        self.sample = np.sort(self.coarse[some].astype(np.int64), axis=0)
        self._cuts: dict[int, Array] = {}

    def possible(self, rows: Array, columns: Array, low: Array, high: Array) -> Array:
        """False only for pairs proven to be at least `low` (rows) and `high` (columns) apart."""
        threshold = max(int(low.max()), int(high.max()))
        if self.shift:  # 2^shift (T - 1) reaches the threshold
            threshold = -(-threshold >> self.shift) + 1
        if threshold > self.greatest:
            return np.ones((len(rows), len(columns)), dtype=np.bool_)
        cuts = self._cuts_for(threshold)
        steps = cuts + self.coarse.dtype.type(threshold)  # at most R, so no overflow
        left, right = self.coarse[rows], self.coarse[columns]
        count = _indicator(left >= steps) @ _indicator(right <= cuts).T
        count += _indicator(left <= cuts) @ _indicator(right >= steps).T
        # A sum of zeros and ones is 0 only if there is no one, however it is rounded.
        return np.asarray(count == 0)

    def _cuts_for(self, threshold: int) -> Array:
        if threshold not in self._cuts:
            room = self.greatest - threshold
            best = np.zeros(self.points.dimension, dtype=np.int64)
            best_score = np.full(self.points.dimension, -1.0)
            last = len(self.sample) - 1
            for eighth in range(9):
                cuts = np.minimum(self.sample[last * eighth // 8], room)
                below = (self.sample <= cuts).mean(axis=0)
                score = below * (self.sample >= cuts + threshold).mean(axis=0)
                best = np.where(score > best_score, cuts, best)
                best_score = np.maximum(score, best_score)
            self._cuts = {threshold: best.astype(self.coarse.dtype)}  # neighbours share it
        return self._cuts[threshold]


def _indicator(condition: Array) -> Array:
    return condition.astype(np.float32)


# --------------------------------------------------------------------- scan


def _scan(points: _Points, goal: _Goal) -> None:
    """Shows the goal every pair of different labels that matters to it."""
    work = points.size**2 * points.dimension
    seeder: _Distances | _Gram
    bound: _Distances | _Gram | _Apart
    if points.dimension < DIRECT_DIMENSION or work <= DIRECT_WORK:
        seeder = bound = _Distances(points)
    else:
        seeder = bound = _Gram(points)
        if points.norm == "inf":
            bound = _Apart(points)
    order = np.arange(points.size)
    if bound.exact:
        for rows, columns in _tiles(order):
            goal.take_tile(rows, columns, _masked(points, seeder, rows, columns))
        return
    if goal.seeds:
        _seed(points, seeder, goal)
    if isinstance(goal, _Nearest) and isinstance(bound, _Apart):
        # One threshold serves a tile, so samples of like thresholds go together.
        order = np.argsort(goal.values, kind="stable")
    for rows, columns in _tiles(order):
        possible = bound.possible(rows, columns, *goal.thresholds(rows, columns))
        i, j = np.nonzero(possible)
        first, second = rows[i], columns[j]
        differ = points.labels[first] != points.labels[second]
        first, second = first[differ], second[differ]
        goal.take(first, second, points.distances(first, second))


def _tiles(order: Array) -> Iterator[tuple[Array, Array]]:
    """Tiles (rows, columns) that cover all pairs; the first ones are low, to learn from."""
    start, height = 0, 16
    while start < len(order):
        rows = order[start : start + height]
        for left in range(start, len(order), TILE):
            yield rows, order[left : left + TILE]
        start += height
        height = min(4 * height, TILE)


def _masked(points: _Points, source: _Distances | _Gram, rows: Array, columns: Array) -> Array:
    """A tile of distances, with a value above all others for pairs of one label."""
    tile = source.tile(rows, columns)
    above = np.iinfo(np.int32).max if tile.dtype == np.int32 else np.inf
    np.putmask(tile, points.labels[rows][:, None] == points.labels[columns][None, :], above)
    return tile


def _seed(points: _Points, source: _Distances | _Gram, goal: _Goal) -> None:
    """Shows the goal, for some samples, a rival in each column of tiles that is likely near."""
    some = np.unique(np.linspace(0, points.size - 1, min(goal.seeds, points.size)).astype(np.int64))
    everything = np.arange(points.size)
    for start in range(0, len(some), TILE):
        rows = some[start : start + TILE]
        for left in range(0, points.size, TILE):
            columns = everything[left : left + TILE]
            nearest = columns[_masked(points, source, rows, columns).argmin(axis=1)]
            differ = points.labels[rows] != points.labels[nearest]
            first, second = rows[differ], nearest[differ]
            goal.take(first, second, points.distances(first, second))

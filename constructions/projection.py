"""Rational linear maps that do not expand L2 distances, and narrow networks behind one.

Theorem 7 (Egosi, Yehudai, Shamir, COLT 2025): for 7 <= k <= n + 5 and a ratio sigma / delta of
order n^(-1/2) N^(-2/(k - 6)), a network of width k and depth O(Nk log k) memorizes L2 balls
robustly, where delta is the L2 separation. Its projection exists by a union bound over random
orthogonal projections (Theorems 16 and 18).

Here no probability enters what is claimed. A random rational map A with ||A||_op <= 1 is drawn, and
accepted if the exact separation lambda' of {A x_i} is above 2 mu; since A maps a ball of radius mu
into one of radius mu, the network of `serial` for {A x_i} behind A is then right on all balls of
radius mu. Else another is drawn, a stated number of times.

Random orthonormal matrices are irrational. Three rational kinds:

* `rounded`: floats with orthonormal rows, rounded to multiples of 2^-b, divided by a rational
  beta >= sqrt(max_i sum_j |(A A^T)_ij|) >= ||A||_op (Gershgorin, exact).
* `householder`: the first rows of a product of reflections I - 2 v v^T / (v^T v) with small integer
  v; exactly orthonormal.
* `cayley`: the first rows of (I - S)(I + S)^-1 with S skew and rational; exactly orthogonal, but
  dear, for small n.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from math import isqrt

import numpy as np
from numpy.typing import NDArray

from constructions.construction import Construction
from constructions.hypotheses import (
    about,
    check_budget,
    half_separation_lower,
    least_entry,
    power_separation,
)
from constructions.pairs import in_floats, pair_differences
from constructions.running_max import carry_offset, carry_rows, network_of, sequential_layers
from constructions.serial import cube_tests, narrow_promises, square_tests
from verifier.data.dataset import Dataset
from verifier.question.build import Affine
from verifier.question.errors import UserError
from verifier.question.network import Rows, integers
from verifier.question.rational import format_rational, sqrt_lower, sqrt_upper
from verifier.question.region import Norm

SOURCE = "Egosi, Yehudai, Shamir, COLT 2025, Theorems 5 to 7 (certified rational projection)"
TRIES = 32
"""How many maps are drawn for one number of coordinates before it is given up."""

ROUNDING_BITS = 20
MAX_CAYLEY = 40
"""Most inputs for which the inverse of a rational n x n matrix is taken."""


@dataclass(frozen=True, slots=True, eq=False)
class Projection:
    """The map x -> (numerators / denominator) x, with operator norm at most 1.

    numerators has shape (k, n), Python integers (dtype object).
    """

    numerators: NDArray[np.object_]
    denominator: int

    @property
    def rank(self) -> int:
        return int(self.numerators.shape[0])

    def rows(self) -> Rows:
        """The map as rows over the inputs. A zero entry has no weight."""
        blocks = [np.flatnonzero(row) for row in self.numerators]
        starts = np.cumsum([0, *(len(block) for block in blocks)])
        indices = np.concatenate(blocks).astype(np.int64)
        weights = [
            int(row[k]) for row, block in zip(self.numerators, blocks, strict=True) for k in block
        ]
        count = len(blocks)
        return Rows(
            starts.astype(np.int64),
            indices,
            integers(weights),
            integers([0] * count),
            integers([self.denominator] * count),
        )

    def forms(self) -> list[Affine]:
        """The coordinates behind the map, as forms of the inputs."""
        return [
            Affine(
                {k: Fraction(int(entry), self.denominator) for k, entry in enumerate(row) if entry}
            )
            for row in self.numerators
        ]

    def shortest_row(self) -> Fraction:
        """A lower bound of the L2 norms of the rows."""
        square = int((self.numerators * self.numerators).sum(axis=1).min())
        return sqrt_lower(Fraction(square, self.denominator**2), 32)

    def apply(self, dataset: Dataset) -> Dataset:
        """The projected samples, exactly."""
        points = dataset.numerators.astype(object) @ self.numerators.T
        largest = max(abs(int(points.max())), abs(int(points.min())))
        return Dataset(
            dataset.name,
            points.astype(np.int64) if largest < 1 << 62 else points,
            dataset.denominator * self.denominator,
            dataset.labels,
            dataset.label_names,
        )


def certified_norm_at_most_one(projection: Projection) -> bool:
    """Whether max_i sum_j |(A A^T)_ij| <= 1, which implies ||A||_op <= 1."""
    gram = projection.numerators @ projection.numerators.T
    return bool(max(abs(gram).sum(axis=1)) <= projection.denominator**2)


def rounded(dimension: int, rank: int, rng: np.random.Generator) -> Projection:
    """Rows orthonormal up to rounding, scaled so that Gershgorin certifies ||A||_op <= 1."""
    basis, _ = np.linalg.qr(rng.standard_normal((dimension, rank)))
    return _rounded_rows(basis.T)


def _rounded_rows(rows: NDArray[np.float64]) -> Projection:
    scale = 1 << ROUNDING_BITS
    numerators = _objects(np.rint(rows * scale).astype(np.int64))
    gram = numerators @ numerators.T
    bound = int(max(abs(gram).sum(axis=1)))
    root = isqrt(bound)
    return Projection(numerators, root + (root * root < bound))


def span_of(dataset: Dataset, radius: Fraction) -> tuple[Projection, Dataset, Fraction]:
    """A map to at most N - 1 coordinates that keeps the distances of the samples up to rounding,
    the projected samples, and their squared separation > (2 mu)^2.

    The rows are a basis of the span of x_i - x_1, orthonormal up to rounding, and scaled so that
    none is longer: an exact isometry is irrational as a rule. What rounding loses, about 2^-20 of
    a distance, the exact separation shows.

    Raises:
        UserError: That is too much for this radius.
    """
    points = dataset.numerators.astype(np.float64)
    _, values, rows = np.linalg.svd(points[1:] - points[0], full_matrices=False)
    kept = max(1, int((values > values.max(initial=0.0) * 1e-9).sum()))
    projection = _rounded_rows(rows[:kept])
    if not certified_norm_at_most_one(projection):
        raise UserError("the projection expands distances")
    projected = projection.apply(dataset)
    power = Fraction(0) if _collides(projected) else power_separation(projected, "2")
    if (2 * radius) ** 2 >= power:
        raise UserError(
            f"{dataset.name}: rounded to 2^-{ROUNDING_BITS}, the map to the span of the samples "
            f"keeps a squared separation of {format_rational(power)}, not above (2 mu)^2 = "
            f"{format_rational((2 * radius) ** 2)}; Theorem 4.2 (iii), case III, is for ratios "
            "below 1/3"
        )
    return projection, projected, power


def after(second: Projection, first: Projection) -> Projection:
    """x -> second(first(x)), which expands no distance if neither does."""
    return _reduced(second.numerators @ first.numerators, second.denominator * first.denominator)


def householder(dimension: int, rank: int, rng: np.random.Generator) -> Projection:
    """The first `rank` rows of `rank` random reflections with entries of v in -2..2."""
    rows = _objects(np.eye(rank, dimension, dtype=np.int64))
    denominator = 1
    for _ in range(rank):
        v = rng.integers(-2, 3, dimension)
        v[int(rng.integers(dimension))] = 1
        vector = _objects(v)
        square = int((vector * vector).sum())
        rows = rows * square - 2 * np.outer(rows @ vector, vector)
        denominator *= square
    return _reduced(rows, denominator)


def cayley(dimension: int, rank: int, rng: np.random.Generator) -> Projection:
    """The first `rank` rows of (I - S)(I + S)^-1, S skew with entries in {-2, ..., 2} / 2."""
    check_kind("cayley", dimension)
    from flint import fmpq, fmpq_mat

    upper = np.triu(rng.integers(-2, 3, (dimension, dimension)), 1)
    skew = upper - upper.T
    size = range(dimension)
    plus = fmpq_mat(
        dimension, dimension, [fmpq(2 * (i == j) + int(skew[i, j]), 2) for i in size for j in size]
    )
    minus = fmpq_mat(
        dimension, dimension, [fmpq(2 * (i == j) - int(skew[i, j]), 2) for i in size for j in size]
    )
    # (I - S) and (I + S)^-1 commute, so the product solves (I + S) Q = I - S.
    product = plus.solve(minus)
    entries = [[Fraction(int(product[i, j].p), int(product[i, j].q)) for j in size] for i in size]
    common = 1
    for row in entries[:rank]:
        for entry in row:
            common = common * entry.denominator // np.gcd(common, entry.denominator)
    numerators = _objects([[int(entry * common) for entry in row] for row in entries[:rank]])
    return _reduced(numerators, int(common))


KINDS: dict[str, Callable[[int, int, np.random.Generator], Projection]] = {
    "rounded": rounded,
    "householder": householder,
    "cayley": cayley,
}


def _objects(values: NDArray[np.int64] | list[list[int]]) -> NDArray[np.object_]:
    listed = values.tolist() if isinstance(values, np.ndarray) else values
    packed = np.empty(np.shape(listed), dtype=object)
    packed[...] = listed
    return packed


def _reduced(numerators: NDArray[np.object_], denominator: int) -> Projection:
    common = int(np.gcd.reduce(numerators.ravel(), initial=denominator))
    return Projection(numerators // common, denominator // common)


def check_kind(kind: str, dimension: int) -> None:
    """Raises UserError if there is no such kind of projection from that many coordinates."""
    if kind not in KINDS:
        raise UserError(f"no projection {kind!r}; there are {', '.join(KINDS)}")
    if kind == "cayley" and dimension > MAX_CAYLEY:
        raise UserError(
            f"the Cayley map inverts an n x n matrix: n = {dimension} is above {MAX_CAYLEY}"
        )


def find_projection(
    dataset: Dataset,
    radius: Fraction,
    rank: int,
    *,
    seed: int = 0,
    kind: str = "rounded",
    tries: int = TRIES,
) -> tuple[Projection, Dataset, Fraction]:
    """A map to `rank` coordinates, the projected samples, and their squared separation > (2 mu)^2.

    Raises:
        UserError: `rank` is not in 1..n; `kind` is unknown; no map of `tries` keeps differently
            labelled samples more than 2 mu apart.
    """
    if not 1 <= rank <= dataset.dimension:
        raise UserError(
            f"projection to {rank} coordinates: the data have {dataset.dimension}; "
            "Theorem 7 needs 1 <= k <= n"
        )
    check_kind(kind, dataset.dimension)
    rng = np.random.default_rng([seed, rank])
    close, shift = in_floats(pair_differences(dataset))
    unit = Fraction(2**shift, dataset.denominator) ** 2  # of the squares of what is in `close`
    target = float((2 * radius) ** 2 / unit)
    best = Fraction(0)
    for _ in range(tries):
        projection = KINDS[kind](dataset.dimension, rank, rng)
        # A float may turn a map down, never accept one.
        matrix = (projection.numerators / projection.denominator).astype(np.float64)
        hint = float(((close @ matrix.T) ** 2).sum(axis=1).min())
        if hint < target * (1 - 1e-6):
            best = max(best, Fraction(hint) * unit)
            continue
        if not certified_norm_at_most_one(projection):
            raise UserError("the projection expands distances")
        projected = projection.apply(dataset)
        if _collides(projected):
            continue
        power = power_separation(projected, "2")
        if (2 * radius) ** 2 < power:
            return projection, projected, power
        best = max(best, power)
    raise UserError(
        f"{dataset.name}: none of {tries} projections to {rank} coordinates keeps the squared "
        f"L2 separation above (2 mu)^2 = {format_rational((2 * radius) ** 2)} (Theorem 7), for L2 "
        f"balls of radius mu = {format_rational(radius)}; the best is {about(best)}; "
        "take a larger dimension or a smaller budget"
    )


def _collides(dataset: Dataset) -> bool:
    seen: dict[tuple[int, ...], int] = {}
    return any(
        seen.setdefault(tuple(row), label) != label
        for row, label in zip(dataset.numerators.tolist(), dataset.labels.tolist(), strict=True)
    )


def find_rank(
    dataset: Dataset,
    radius: Fraction,
    *,
    rank: int | None = None,
    seed: int = 0,
    kind: str = "rounded",
    tries: int = TRIES,
) -> tuple[Projection, Dataset, Fraction] | None:
    """A map to `rank` coordinates, the data behind it, and their squared separation; without a rank
    to the least of 1, 2, 4, ... < n for which a map is found, None if there is none.

    Raises UserError where there is none to the rank that was given.
    """
    n = dataset.dimension
    ranks = [rank] if rank is not None else [1 << b for b in range(n.bit_length()) if 1 << b < n]
    for candidate in ranks:
        try:
            return find_projection(dataset, radius, candidate, seed=seed, kind=kind, tries=tries)
        except UserError:
            if rank is not None:
                raise
    return None


def narrow(
    dataset: Dataset,
    budget: Fraction,
    *,
    norm: Norm,
    seed: int = 0,
    separation: Fraction | None = None,
    rank: int | None = None,
    kind: str = "rounded",
    tries: int = TRIES,
) -> Construction:
    """Equals y_i on ball i: width k + 4, depth N(k(m + 1) + 2) + 1, behind a map to k coordinates.

    Without `rank` the least k of 1, 2, 4, ... is taken for which a map is found, at last k = n.
    With k = n nothing is projected. For norm "inf" the ball of radius mu lies in the L2 ball of
    radius sqrt(n) mu, rounded up, which the network is built for (Theorem 5 with c_p^+ = sqrt(n),
    and the reason why it covers only budgets below lambda_2 / (2 sqrt(n))); with k = n it is
    `serial` with its L-infinity test, for all budgets below half the separation (Theorem 6).

    Raises:
        UserError: The budget is negative or not below half the separation; `rank` is not in 1..n,
            or no projection to so many coordinates was found; there is no such `kind`.
    """
    power = check_budget(dataset, norm, budget, separation)
    n = dataset.dimension
    radius = budget if norm == "2" else budget * sqrt_upper(Fraction(n), 20)
    check_kind(kind, n)
    found = None
    if rank != n:
        found = find_rank(dataset, radius, rank=rank, seed=seed, kind=kind, tries=tries)
    if found is None:
        tests = (square_tests if norm == "2" else cube_tests)(dataset, budget, power)
        offset = carry_offset(least_entry(dataset), budget if norm == "2" else power / 2)
        layers = sequential_layers(tests, carry_rows(n, offset), offset, overlap=False)
        note = f"k = n = {n}, no projection"
        below = half_separation_lower(power, norm)
    else:
        projection, projected, projected_power = found
        tests = square_tests(projected, radius, projected_power)
        offset = carry_offset(least_entry(projected), radius)
        layers = sequential_layers(
            tests,
            carry_rows(projection.rank, offset),
            offset,
            overlap=False,
            projection=projection.rows(),
        )
        note = f"k = {projection.rank} of {n} coordinates, m = {tests.levels} levels"
        below = half_separation_lower(projected_power, "2")
        below *= 1 if norm == "2" else budget / radius if radius else Fraction(1)
    return Construction(
        name="narrow-l2" if norm == "2" else "narrow-linf",
        network=network_of(layers, n, -1),
        norm=norm,
        budget=budget,
        decoder="value",
        promises=narrow_promises(tests, SOURCE, below, n, offset),
        seed=seed,
        notes=(note,),
    )

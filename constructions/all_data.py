"""Theorem 4.8 for all data at once, small: the data, and mu, as inputs of one network.

Take samples x_1 .. x_N in R^n with labels y, x_i and x_j at a distance >= lambda > 0 (L-infinity)
wherever y_i != y_j, and 0 <= mu <= lambda / 2. The running maximum of Theorem 4.8 (`cubes`) in
normal form (`families`), D F with D = lambda - 2 mu, has no product of two of these numbers: it is
max(0, D y_1 - Y s_1, .., D y_N - Y s_N) with Y = max y, s_i the sum of the exceedances
relu(+-(x_k - x_ik) - mu). So "D F = D y_j on ball j, for all such data" is one question about a
ReLU network whose inputs are x - x_j, the other samples seen from x_j, and mu. It is enough to ask

- with lambda = 1: all is positively homogeneous, and lambda > 0;
- about x_j = 0: only differences count;
- about other samples in [-2, 2]^n: a coordinate beyond is as good as the nearer end. There
  |x_k - x_ik| - mu >= 2 - 1/2 - mu >= D, as |x_k| <= mu <= 1/2, so that D y_i - Y s_i <= 0 and
  sample i adds nothing to the maximum, both before and after x_ik is moved to that end;
- for each rival i (y_i != y_j) about the 2n sides x_ik >= 1 and x_ik <= -1 one by one: of other
  pairs of samples nothing need be known.

At mu = lambda / 2, D is 0 and nothing is said of F.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import product

from verifier.question.build import Affine, NetworkBuilder
from verifier.question.errors import UserError
from verifier.question.query import Atom, Goal, Query
from verifier.question.region import box

ZERO, ONE = Fraction(0), Fraction(1)
HALF, FAR = Fraction(1, 2), Fraction(2)
Side = tuple[int, int]
"""A coordinate, and 1 or -1: where a rival is at a distance of at least lambda."""


def questions(labels: Sequence[int], dimension: int, ball: int) -> Iterator[Query]:
    """One for each choice of a side for each rival: if all are robust, D F = D y on the closed ball
    of sample `ball` for all data in R^dimension with these labels, numbers from 1.

    Inputs: x, the other samples in their order, mu.
    """
    if not 0 <= ball < len(labels) or min(labels) < 1 or dimension < 1:
        raise UserError("all data: labels are positive, and the ball is that of a sample")
    rivals = [i for i, label in enumerate(labels) if label != labels[ball]]
    sides = [(k, sign) for k in range(dimension) for sign in (1, -1)]
    for chosen in product(sides, repeat=len(rivals)):
        yield question(labels, dimension, ball, dict(zip(rivals, chosen, strict=True)))


def question(labels: Sequence[int], dimension: int, ball: int, sides: dict[int, Side]) -> Query:
    """The question about rivals on these sides: is D F above, or below, D y_j at a point?"""
    others = [i for i in range(len(labels)) if i != ball]
    build = NetworkBuilder(dimension * len(labels) + 1)
    *moving, mu = build.inputs
    x = moving[:dimension]
    centers = {i: moving[dimension * (k + 1) : dimension * (k + 2)] for k, i in enumerate(others)}
    centers[ball] = [0 * mu] * dimension
    room, most = 1 - 2 * mu, max(labels)
    exceeding = build.layer(
        [
            sign * (a - b) - mu
            for i in range(len(labels))
            for a, b in zip(x, centers[i], strict=True)
            for sign in (1, -1)
        ]
    )
    count = 2 * dimension
    tests = [
        label * room - most * Affine.sum(exceeding[count * i : count * (i + 1)])
        for i, label in enumerate(labels)
    ]
    (largest,) = build.layer([tests[0]])
    for test in tests[1:]:
        rise, kept = build.layer([test - largest, largest])
        largest = rise + kept
    network = build.network([largest - labels[ball] * room])
    low, high = [-HALF] * dimension, [HALF] * dimension
    for i in others:
        below, above = [-FAR] * dimension, [FAR] * dimension
        if i in sides:
            k, sign = sides[i]
            (below if sign > 0 else above)[k] = sign * ONE
        low, high = low + below, high + above
    inside = tuple(
        Atom(((k, Fraction(sign)), (len(low), ONE)), (), ZERO, strict=False)
        for k in range(dimension)
        for sign in (1, -1)
    )
    goals = tuple(
        Goal((*inside, Atom((), ((0, Fraction(sign)),), ZERO, strict=True)), word)
        for sign, word in ((1, "above"), (-1, "below"))
    )
    return Query(network, box([*low, ZERO], [*high, HALF]), goals)


def patterns(samples: int) -> Iterator[tuple[int, ...]]:
    """All labels of so many samples, numbered from 1 without gaps, of two classes at least."""
    for labels in product(range(1, samples + 1), repeat=samples):
        if 1 < max(labels) == len(set(labels)):
            yield labels

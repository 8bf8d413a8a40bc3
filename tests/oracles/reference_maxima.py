"""Bounds of units whose rows hold maxima, in Fractions, from the definition in `docs/trust.md`.

A pair is (u, w, r): the form holds w (z_u + r), and z_u + r = max(r, r + a_u).
"""

from collections.abc import Callable
from fractions import Fraction
from math import lcm

from tests.oracles.reference_ridge import ReferenceUnivariate
from verifier.question.network import Network

ZERO, ONE = Fraction(0), Fraction(1)
LONGEST = 1 << 10
Form = tuple[dict[int, Fraction], Fraction]
Ends = tuple[Fraction, Fraction]


class ReferenceMaxima:
    """The pairs in the rows of a network, and bounds of forms from bounds of variables."""

    def __init__(self, network: Network, univariate: ReferenceUnivariate) -> None:
        self.inputs, self.count = network.inputs, network.units.count
        self._raw = [network.units.fractions(v) for v in range(self.count)]
        directions = univariate.directions
        self._rises = []
        for weights, _ in self._raw:
            below = {directions[j] for j in weights}
            self._rises.append(len(below) > 1 or below == {None})
        self._source: list[tuple[int, Fraction]] = [(k, ONE) for k in range(self.inputs)]
        scales = [1] * self.inputs
        for v, (weights, constant) in enumerate(self._raw):
            source = (self.inputs + v, ONE)
            if len(weights) == 1 and constant == 0:
                ((j, weight),) = weights.items()
                if j >= self.inputs and weight > 0 and (weight / scales[j]).numerator == 1:
                    origin, factor = self._source[j]
                    source = (origin, factor * weight)
            self._source.append(source)
            shares = [weight / scales[j] for j, weight in weights.items()]
            scales.append(lcm(*(share.denominator for share in (*shares, constant))))

    def is_copy(self, v: int) -> bool:
        return self._source[self.inputs + v][0] != self.inputs + v

    def row(self, v: int) -> Form:
        weights, constant = self._raw[v]
        return self.resolved(weights), constant

    def resolved(self, weights: dict[int, Fraction]) -> dict[int, Fraction]:
        found: dict[int, Fraction] = {}
        for j, weight in weights.items():
            origin, factor = self._source[j]
            found[origin] = found.get(origin, ZERO) + factor * weight
        return {j: found[j] for j in sorted(found) if found[j]}

    def bounds(
        self, form: Form, ends: Callable[[int], Ends], unit_ends: Callable[[int], Ends]
    ) -> Ends:
        """Of a form of variables that are no copies; `ends` are those of x_k and z_v."""
        weights, constant = form
        low, high = _interval(weights, constant, ends)
        left, pairs = self._pairs(weights)
        if not pairs:
            return low, high
        below, above = _interval(left, constant, ends)
        for u, weight, part, raised in pairs:
            first, last = unit_ends(u)
            terms = []
            if first < 0 or last <= 0:
                terms.append((part, ZERO))
            if last > 0:
                terms.append(raised)
            found = [self.bounds(term, ends, unit_ends) for term in terms]
            low_end, high_end = _times(weight, (max(a for a, _ in found), max(b for _, b in found)))
            below, above = below + low_end, above + high_end
        return max(low, below), min(high, above)

    def _pairs(
        self, weights: dict[int, Fraction]
    ) -> tuple[dict[int, Fraction], list[tuple[int, Fraction, dict[int, Fraction], Form]]]:
        left, found = dict(weights), []
        if len(weights) > LONGEST:
            return left, found
        for sign in (1, -1):
            for j in sorted(weights, reverse=True):
                if j < self.inputs or j not in left or sign * left[j] < 0:
                    continue
                part, raised = self._pair(left, j)
                if part:
                    found.append((j - self.inputs, left[j], part, raised))
                    left = {i: w for i, w in left.items() if i != j and i not in part}
                    break
        return left, found

    def _pair(self, left: dict[int, Fraction], j: int) -> tuple[dict[int, Fraction], Form]:
        """r, and r + a_u; r is empty if there is no pair."""
        u, w = j - self.inputs, left[j]
        row, constant = self.row(u)
        if not self._rises[u]:
            return {}, ({}, ZERO)
        shared = [i for i in row if i in left]
        part = [i for i in shared if left[i] == -w * row[i]]
        if not part:
            for b in sorted(left):
                if b >= self.inputs and b != j and left[b] == w:
                    below, more = self.row(b - self.inputs)
                    positive = all(i >= self.inputs and g > 0 for i, g in below.items())
                    opposite = all(row.get(i) == -g for i, g in below.items())
                    if below and more >= 0 and positive and opposite:
                        rest = {i: g for i, g in row.items() if i not in below}
                        return {b: ONE}, (rest, constant + more)
            if len(shared) == len(row) > 1:
                part = shared
        share = {i: left[i] / w for i in part}
        raised = {i: row.get(i, ZERO) + share.get(i, ZERO) for i in sorted({*row, *share})}
        return share, ({i: g for i, g in raised.items() if g}, constant)


def _interval(
    weights: dict[int, Fraction], constant: Fraction, ends: Callable[[int], Ends]
) -> Ends:
    low = high = constant
    for j, weight in weights.items():
        low_end, high_end = _times(weight, ends(j))
        low, high = low + low_end, high + high_end
    return low, high


def _times(weight: Fraction, ends: Ends) -> Ends:
    """By the sign of the weight, where the ends contradict each other as well."""
    low, high = ends
    return (weight * low, weight * high) if weight > 0 else (weight * high, weight * low)

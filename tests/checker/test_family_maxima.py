"""Bounds of maxima at both ends, against what the document says of them, on small random forms."""

from __future__ import annotations

from random import Random
from typing import Any

from verifier.checker.family_maxima import FamilyMaxima
from verifier.checker.maxima import Form, Maximum

Pair = tuple[int, int]


class Forms:
    """Random forms over four variables, with bounds of these and decisions about units."""

    def __init__(self, seed: int) -> None:
        self.rng = Random(seed)
        pairs = [(self.pair(), self.pair()) for _ in range(4)]
        self.bounds = {
            j: ((min(a[0], b[0]), min(a[1], b[1])), (max(a[0], b[0]), max(a[1], b[1])))
            for j, (a, b) in enumerate(pairs)
        }
        self.decided = {u: self.rng.choice((-1, 0, 0, 0, 1)) for u in range(200)}
        self.units = iter(range(200))
        self.maxima = FamilyMaxima(self.bounds.__getitem__, self.decided.__getitem__)

    def pair(self) -> Pair:
        return self.rng.randint(-2, 2), self.rng.randint(-2, 2)

    def form(self, depth: int) -> Form:
        def some() -> Any:
            return tuple((j, self.rng.choice((-2, -1, 1, 1))) for j in range(4)
                         if self.rng.random() < 0.5)  # fmt: skip

        maxima = []
        if depth:
            for _ in range(self.rng.randint(0 if depth < 2 else 1, 2)):
                maxima.append((self.rng.choice((-1, 1, 2)), self.maximum(depth - 1)))
        return Form(some(), self.rng.randint(-2, 2), some(), tuple(maxima))

    def maximum(self, depth: int) -> Maximum:
        return Maximum(next(self.units), None, self.form(depth), self.form(depth))

    # What the document says.

    def interval(self, weights: Any, constant: int) -> tuple[Pair, Pair]:
        def end(upper: int, at: int) -> int:
            sides = [(w, self.bounds[j][upper if w > 0 else 1 - upper][at]) for j, w in weights]
            return constant + sum(w * value for w, value in sides)

        return (end(0, 0), end(0, 1)), (end(1, 0), end(1, 1))

    def by_maxima(self, form: Form) -> tuple[Pair, Pair]:
        found = [list(pair) for pair in self.interval(form.rest, int(form.constant))]
        for weight, maximum in form.maxima:
            bounds = self.of_maximum(maximum)
            for upper in (0, 1):
                for at in (0, 1):
                    found[upper][at] += weight * bounds[upper if weight > 0 else 1 - upper][at]
        return (found[0][0], found[0][1]), (found[1][0], found[1][1])

    def of_form(self, form: Form) -> tuple[Pair, Pair]:
        plain = self.interval(form.weights, int(form.constant))
        if not form.maxima:
            return plain
        low, high = self.by_maxima(form)
        above = plain[0][0] >= low[0] and plain[0][1] >= low[1]
        below = plain[1][0] <= high[0] and plain[1][1] <= high[1]
        return plain[0] if above else low, plain[1] if below else high

    def of_maximum(self, maximum: Maximum) -> tuple[Pair, Pair]:
        low, high = self.of_form(maximum.low), self.of_form(maximum.high)
        decided = self.decided[maximum.unit]
        if decided:
            return high if decided > 0 else low
        rises = high[0][0] >= low[0][0] and high[0][1] >= low[0][1]
        chord = max(low[1][0], high[1][0]), max(low[1][1], high[1][1])
        return high[0] if rises else low[0], chord


def test_bounds_are_those_of_the_document() -> None:
    for seed in range(1500):
        forms = Forms(seed)
        form = forms.form(2 if seed % 3 else 1)
        assert forms.maxima.of_form(form) == forms.of_form(form), seed
        if not form.maxima:
            continue
        plain, other = forms.interval(form.weights, int(form.constant)), forms.by_maxima(form)
        for upper in (False, True):
            better = [a < b if upper else a > b
                      for a, b in zip(other[upper], plain[upper], strict=True)]  # fmt: skip
            assert forms.maxima.better(form, upper=upper) is any(better)
        for _, maximum in form.maxima:
            low, high = forms.of_form(maximum.low)[0], forms.of_form(maximum.high)[0]
            assert forms.maxima.rises(maximum) is (high[0] >= low[0] and high[1] >= low[1])
            parts = {1: (maximum.high,), -1: (maximum.low,), 0: (maximum.low, maximum.high)}
            assert forms.maxima.parts(maximum) == parts[forms.decided[maximum.unit]]

"""Bounds of maxima that hold for a whole family, at both ends of the interval at once.

As in `maxima.py`, with bounds that are affine in m. From above, the largest of the upper bounds of
r and r + a_u at each end: the chord of a convex function. From below one of their lower bounds:
the larger one if it is so at both ends, else that of r. Of two bounds of a form the one by its
maxima is taken unless the other is at least as tight at both ends.
"""

from __future__ import annotations

from collections.abc import Callable

from verifier.checker.maxima import Form, Maximum, Number, Weights

Pair = tuple[Number, Number]
"""Values at the first and at the last parameter."""
Bounds = tuple[Pair, Pair]
"""Of the lower and of the upper bound."""


class FamilyMaxima:
    """Bounds of forms in one branch, which must not change but for units that none has read."""

    def __init__(
        self,
        variables: Callable[[int], Bounds],
        decided: Callable[[int], int],
    ) -> None:
        """`variables` gives the bounds of Z; `decided` 1 for a unit that is on for all m, -1 for
        one that is off, else 0."""
        self._variables, self._decided = variables, decided
        self._known: dict[Maximum, Bounds] = {}

    def of_form(self, form: Form) -> Bounds:
        """Bounds of the form, by its terms or by its maxima."""
        plain = self._interval(form.weights, form.constant)
        if not form.maxima:
            return plain
        low, high = self._by_maxima(form)
        if all(a <= b for a, b in zip(low, plain[0], strict=True)):
            low = plain[0]
        if all(a >= b for a, b in zip(high, plain[1], strict=True)):
            high = plain[1]
        return low, high

    def better(self, form: Form, *, upper: bool) -> bool:
        """Whether the maxima give the bound of the form, as in `of_form`."""
        ends = zip(self._by_maxima(form)[upper], self._interval(form.weights, form.constant)[upper],
                   strict=True)  # fmt: skip
        return any(a < b if upper else a > b for a, b in ends)

    def rises(self, maximum: Maximum) -> bool:
        """Whether its lower bound is that of r + A_u, not of r."""
        low, high = (self.of_form(part)[0] for part in (maximum.low, maximum.high))
        return all(new >= old for new, old in zip(high, low, strict=True))

    def _by_maxima(self, form: Form) -> Bounds:
        (a, b), (c, d) = self._interval(form.rest, form.constant)
        for weight, maximum in form.maxima:
            bounds = self._of_maximum(maximum)
            below, above = bounds if weight > 0 else bounds[::-1]
            a, b = a + weight * below[0], b + weight * below[1]
            c, d = c + weight * above[0], d + weight * above[1]
        return (a, b), (c, d)

    def _of_maximum(self, maximum: Maximum) -> Bounds:
        waiting = [maximum]
        while waiting:
            current = waiting[-1]
            parts = self.parts(current)
            missing = [m for part in parts for _, m in part.maxima if m not in self._known]
            if missing:
                waiting += missing
                continue
            waiting.pop()
            if current not in self._known:
                self._known[current] = _largest([self.of_form(part) for part in parts])
        return self._known[maximum]

    def parts(self, maximum: Maximum) -> tuple[Form, ...]:
        """What the maximum may be, by what is decided about its unit."""
        decided = self._decided(maximum.unit)
        if decided:
            return (maximum.high if decided > 0 else maximum.low,)
        return maximum.low, maximum.high

    def _interval(self, weights: Weights, constant: Number) -> Bounds:
        a = b = c = d = constant
        for j, weight in weights:
            bounds = self._variables(j)
            below, above = bounds if weight > 0 else bounds[::-1]
            a, b = a + weight * below[0], b + weight * below[1]
            c, d = c + weight * above[0], d + weight * above[1]
        return (a, b), (c, d)


def _largest(parts: list[Bounds]) -> Bounds:
    """Bounds of the maximum of forms with these bounds."""
    (low, (c, d)), *others = parts
    for below, above in others:
        if all(new >= old for new, old in zip(below, low, strict=True)):
            low = below
        c, d = max(c, above[0]), max(d, above[1])
    return low, (c, d)

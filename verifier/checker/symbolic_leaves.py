"""A symbolic bound as a leaf: what is rounded there is given away here, no more.

`symbolic.py` rounds every coefficient down, which lowers the form because each variable is at least
0, or an input at least the corner of its box. It may even help: a unit is at most its chord, and
the line a_v below it may be negative. So a leaf with exact coefficients may be weaker. Here the
coefficients are those of `symbolic.py`, to the last digit: where the exact one is c and the rounded
one t <= c, a unit with the slopes s below and s above is replaced thus.

    c z >= t s a                                       for t >= 0: the slope is s t / c
    c z >= c s a + c (1 - s) h >= t s a + t (1 - s) h  for c < 0: (c - t) s (a - l) is given away
    c z >= 0 >= t s a + t (1 - s) h                    for c >= 0 > t: the slope is 0, and
                                                       - t s (a - l) is given away

since (1 - s) h >= - s l: the chord is not too steep. An input's c - t is bounded over the box.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from verifier.checker.symbolic import SLOPE, Branches, Trail
from verifier.evidence.certificate import Leaf
from verifier.question.network import Network

ZERO = Fraction(0)


def leaf_of(
    trail: Trail, branches: Branches, form: dict[int, Fraction], network: Network, leaf: Leaf
) -> Leaf:
    """The leaf with slopes, bounds and a share of the box as on the trail, which is that of the
    form; that is used up."""
    inputs, slopes, bounds = network.inputs, dict[int, Fraction](), dict[int, Fraction]()
    for below, (numerators, shift) in enumerate(trail.units):
        number = len(trail.units) - 1 - below
        layer, size = branches.symbolic.layers[number], Fraction(2) ** shift
        lines, chords = (part[0].tolist() for part in branches.slopes(number))
        rounded = numerators or [0] * len(lines)
        for v, t, line, chord in zip(
            range(layer.first, layer.last), rounded, lines, chords, strict=True
        ):
            c = form.pop(inputs + v, ZERO)
            factor = t * line if t >= 0 else -(-t * chord >> SLOPE)
            if c:
                above = Fraction(factor, t) if c < 0 else ZERO
                slopes[v] = factor / size / c if t >= 0 else above
            if t < 0 and factor and t / size < c:
                bounds[v] = min(-t / size, c - t / size) * Fraction(factor, t)
            if factor:
                _add(form, network, v, factor / size)
    return replace(
        leaf,
        slopes=dict(sorted(slopes.items())),
        bounds=dict(sorted(bounds.items())),
        box=_boxed(trail, form, branches.symbolic.region.norm),
    )


def _add(form: dict[int, Fraction], network: Network, v: int, factor: Fraction) -> None:
    for j, weight in network.units.fractions(v)[0].items():
        form[j] = form.get(j, ZERO) + factor * weight


def _boxed(trail: Trail, form: dict[int, Fraction], norm: str) -> dict[int, Fraction]:
    """The share of the gradient that is bounded over the box."""
    if norm == "inf":
        return {}
    numerators, shift = trail.inputs
    if trail.on_ball:
        for k, t in enumerate(numerators):
            form[k] = form.get(k, ZERO) - t / Fraction(2) ** shift
    return {k: c for k, c in sorted(form.items()) if c}

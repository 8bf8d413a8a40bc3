"""Scaling and translating samples so that balls lie inside unit cells, exactly.

Kim, Moon, Yun (NeurIPS 2025), Lemma B.15: among the N fractional parts of a coordinate some
circular gap has length g >= 1 / N. Translated by minus its midpoint b, no point is closer to an
integer than g / 2. The paper rounds b to ceil(log 6N) bits and so keeps a margin of 1 / (3N) only;
here b is exact, and what is checked is what is needed: s mu < g / 2 for every coordinate, after a
scaling by s. (Subtracting b, not adding it, is what centres the gap at the integers.)

If s^2 times the squared separation is at least the number m of coordinates, differently labelled
samples lie in different half-open unit cells, for points of one cell are less than sqrt(m) apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from constructions.hypotheses import root_lower
from constructions.simplest import simplest_between
from verifier.data.dataset import Dataset

Coordinates = list[list[Fraction]]
"""One list a sample."""


@dataclass(frozen=True, slots=True)
class Gap:
    """The widest circular gap of some fractional parts, and its midpoint in [0, 1)."""

    width: Fraction
    midpoint: Fraction


def widest_gap(values: Sequence[Fraction]) -> Gap:
    """The first widest circular gap between the fractional parts of the values."""
    parts = sorted({value - value.__floor__() for value in values})
    best = Gap(Fraction(0), Fraction(0))
    for low, high in zip(parts, [*parts[1:], parts[0] + 1], strict=True):
        if high - low > best.width:
            best = Gap(high - low, (low + high) / 2 % 1)
    return best


def cell_scale(dimension: int, power: Fraction) -> Fraction:
    """A short rational s with s^2 power >= dimension, at most a thousandth above the least."""
    bits = 16 + power.numerator.bit_length()
    least = root_lower(Fraction(dimension) / power, 2, bits) + Fraction(1, 1 << bits)
    return simplest_between(least, least * Fraction(1001, 1000))


def scaled_samples(dataset: Dataset, scale: Fraction) -> Coordinates:
    """scale * x_i for all samples."""
    factor = scale / dataset.denominator
    return [[factor * entry for entry in row] for row in dataset.numerators.tolist()]


@dataclass(frozen=True, slots=True)
class Cells:
    """A translation z -> z - shift for which `inside` samples avoid all cell walls.

    `margins[j]` is half the gap of coordinate j; `counts[j]` = R_j says that coordinate j of every
    ball of radius `radius` around any sample, translated, lies in (0, R_j).
    """

    shifts: tuple[Fraction, ...]
    margins: tuple[Fraction, ...]
    counts: tuple[int, ...]

    def cell(self, point: Sequence[Fraction]) -> tuple[int, ...]:
        """The floors of the translated point."""
        return tuple((z - b).__floor__() for z, b in zip(point, self.shifts, strict=True))

    @property
    def bits(self) -> int:
        """The least n with R_j <= 2^n for all j."""
        return max((count - 1).bit_length() for count in self.counts)


@dataclass(frozen=True, slots=True)
class Extent:
    """The least and greatest value of each coordinate over all samples."""

    least: tuple[Fraction, ...]
    greatest: tuple[Fraction, ...]


def extent_of(samples: Coordinates) -> Extent:
    """The extent of the samples."""
    columns = list(zip(*samples, strict=True))
    return Extent(tuple(map(min, columns)), tuple(map(max, columns)))


def translate(
    samples: Coordinates,
    inside: Sequence[int],
    radius: Fraction,
    extent: Extent | None = None,
) -> Cells:
    """The translation of Lemma B.15 for the samples `inside`, with domains for *all* samples.

    The domains R_j are over all samples and the radius. Lemma B.13 of the paper takes them over
    the group alone; then inactive samples with larger coordinates alias under base R and leave the
    domain of the floor network. `extent` is that of all samples, if the caller has it.
    """
    extent = extent or extent_of(samples)
    shifts, margins, counts = [], [], []
    for j, (least, greatest) in enumerate(zip(extent.least, extent.greatest, strict=True)):
        gap = widest_gap([samples[i][j] for i in inside])
        bottom = (least - gap.midpoint - radius).__floor__()
        shifts.append(gap.midpoint + bottom)
        margins.append(gap.width / 2)
        counts.append((greatest - gap.midpoint + radius - bottom).__floor__() + 1)
    return Cells(tuple(shifts), tuple(margins), tuple(counts))


def dyadic_below(value: Fraction) -> Fraction:
    """The greatest power of 1/2 below `value` > 0, at most 1/2."""
    gamma = Fraction(1, 2)
    while gamma >= value:
        gamma /= 2
    return gamma

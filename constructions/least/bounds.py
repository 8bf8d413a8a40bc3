"""The lower bounds of the papers beside a least width: where are they met, where do data need more?

Of a network of depth 2 the width is that of its first layer, so that bounds of first layers are
bounds of the least width. There are two kinds. Those of the papers say that *some* data of the same
number of samples and inputs need a width at a ratio rho = mu / (lambda / 2); `worst_case` has them
as a step function of the size of the balls. `lower_bounds.first_layer_bound` is about the data at
hand.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Literal

from constructions.hypotheses import power_separation
from constructions.least.answer import Least
from constructions.least.questions import rational_root
from constructions.least.steps import Segment
from constructions.lower_bounds import first_layer_bound_squared
from constructions.registry import build
from constructions.simplest import simplest_between
from verifier.data.dataset import Dataset
from verifier.evidence.data_file import Points
from verifier.question.rational import sqrt_upper
from verifier.question.region import Norm

State = Literal["met", "more needed", "not reached", "open"]
"""The least width equals a bound; is above it; is below it, which is about some other data of the
size then; or is not known well enough to tell."""
KIM = "Kim, Moon, Yun"
EGOSI = "Egosi, Yehudai, Shamir, Theorem 8"


@dataclass(frozen=True, slots=True)
class Jump:
    """A width that is needed for all sizes above this one, and if `included` for it as well."""

    size: Fraction
    included: bool
    width: int
    source: str


@dataclass(frozen=True, slots=True)
class Compared:
    """From `first` to `last` as in a segment, the least width beside the bound `width`."""

    where: Segment
    width: int

    @property
    def state(self) -> State:
        if self.where.at_least > self.width:
            return "more needed"
        if self.where.at_most is None or not self.where.exact:
            return "open"
        return "met" if self.where.at_most == self.width else "not reached"


def worst_case(samples: int, inputs: int, norm: Norm, top: Fraction) -> list[Jump]:
    """What some data of so many samples and inputs need, whose half separation is `top` (of norm 2
    its square, as all sizes): jumps in the order of sizes, each to a greater width.

    Kim, Moon, Yun, Propositions 3.2 and C.6: above rho^2 t, t = min(N - 1, n), of norm 1 with
    rho^2 / n in place of rho^2, which says 1. C.7, of norm inf: t for rho > 1/2 (Yu, Gao, Zhang,
    as others cite their Proposition 4.6: n for rho >= 0.8 and N > n). Egosi, Yehudai, Shamir,
    Theorem 8, of norm 2, with k = 1, which begins at N^2 > 4832; a larger k does at N > 4832, more
    than `least` takes. Where a jump is at no rational size of norm inf it is rounded up.
    """
    least = min(samples - 1, inputs)
    found: list[Jump] = []
    if norm == "2":
        found = [Jump(top * Fraction(k, least), True, k + 1, f"{KIM}, Proposition 3.2")
                 for k in range(1, least)]  # fmt: skip
        share = 4 * Fraction(2416, samples**2) ** 2  # of size / lambda^2 in the theorem, k = 1
        if inputs > 1:
            found.append(Jump(top * share, False, 2, EGOSI))
    if norm == "inf" and least > 1:
        for k in range(1, least // 4 + 1):
            root = rational_root(Fraction(k, least)) or sqrt_upper(Fraction(k, least))
            found.append(Jump(top * root, True, k + 1, f"{KIM}, Proposition C.6"))
        found.append(Jump(top / 2, False, least, f"{KIM}, Proposition C.7"))
    jumps: list[Jump] = []
    for jump in sorted(found, key=lambda one: (one.size, not one.included, -one.width)):
        if jump.size < top and jump.width > (jumps[-1].width if jumps else 1):
            jumps.append(jump)
    return jumps


def of_these_data(points: Dataset | Points, norm: Norm, size: Fraction) -> int:
    """The width that `lower_bounds.first_layer_bound` shows for balls of this size: of the L2 balls
    inside them."""
    if norm == "2":
        return first_layer_bound_squared(points, size)
    return first_layer_bound_squared(points, size**2 / (points.dimension if norm == "1" else 1))


def compared(found: Least) -> list[Compared]:
    """The least width beside the papers' bound, wherever either changes; pieces that show the same
    are joined."""
    points, norm = found.points, found.asked.norm
    jumps = worst_case(points.size, points.dimension, norm, found.top)
    pieces: list[Compared] = []
    for part in found.segments:
        for piece in _cut(part, [jump.size for jump in jumps]):
            width = max((jump.width for jump in jumps if _counts(jump, piece)), default=1)
            last = pieces[-1] if pieces else None
            one = Compared(piece, width)
            if last is not None and _same(last, one):
                pieces[-1] = Compared(_joined(last.where, piece), width)
            else:
                pieces.append(one)
    return pieces


def states(found: Least) -> list[tuple[State, Segment]]:
    """Where the papers' bound is met by these data, and where not; neighbours that agree joined."""
    merged: list[tuple[State, Segment]] = []
    for piece in compared(found):
        if merged and merged[-1][0] == piece.state and merged[-1][1].last == piece.where.first:
            merged[-1] = piece.state, _joined(merged[-1][1], piece.where)
        else:
            merged.append((piece.state, piece.where))
    return merged


def bounds_text(found: Least) -> str:
    """The papers' bound as a step function, on one line."""
    jumps = worst_case(found.points.size, found.points.dimension, found.asked.norm, found.top)
    return _steps([(jump.width, jump.size, jump.included) for jump in jumps], found.unit)


def own_bound(found: Least) -> int:
    """The bound for these data near the end, at 1023/1024 of half the separation (or its square):
    the end itself is no budget."""
    return of_these_data(found.points, found.asked.norm, found.top * Fraction(1023, 1024))


def states_text(found: Least) -> str:
    """Where the papers' bound is met, and where not, on one line."""
    parts = states(found)
    if len(parts) == 1:
        return parts[0][0]
    return "; ".join(f"{state} for {where.text(found.unit)}" for state, where in parts)


def networks(dataset: Dataset, norm: Norm) -> list[tuple[str, int, int]]:
    """Width and depth of the networks of the theorems for these data, each for every budget below
    half the separation: that of Yu, Gao, Zhang, Theorem 4.8, or its like, and the half-space
    network, built near that end."""
    top = power_separation(dataset, norm) / (4 if norm == "2" else 2)
    high = top if norm != "2" else rational_root(top) or 1 / sqrt_upper(1 / top)
    budget = simplest_between(high * Fraction(7, 8), high * Fraction(15, 16))
    found = []
    for name in (f"l{norm}", f"l{norm}-halfspaces"):
        network = build(name, dataset, budget=budget).network
        found.append((name, max(network.layers), network.depth))
    return found


def _steps(steps: Sequence[tuple[int, Fraction, bool]], unit: str) -> str:
    return "; ".join(
        ["1", *(f"{width} {'from' if included else 'above'} {unit} = {size}"
                for width, size, included in steps)]
    )  # fmt: skip


def _cut(part: Segment, sizes: Sequence[Fraction]) -> list[Segment]:
    """The segment in pieces: the sizes inside it alone, and what lies between."""
    if part.first == part.last:
        return [part]
    inner = sorted({size for size in sizes if part.first < size < part.last})
    pieces = [_single(part, part.first)] if part.with_first else []
    for low, high in pairwise([part.first, *inner, part.last]):
        pieces.append(Segment(low, high, False, False, part.at_least, part.at_most))
        if high != part.last or part.with_last:
            pieces.append(_single(part, high))
    return pieces


def _single(part: Segment, size: Fraction) -> Segment:
    return Segment(size, size, True, True, part.at_least, part.at_most)


def _counts(jump: Jump, piece: Segment) -> bool:
    if piece.first == piece.last:
        return jump.size < piece.first or (jump.included and jump.size == piece.first)
    return jump.size <= piece.first


def _same(one: Compared, other: Compared) -> bool:
    return (
        one.width == other.width
        and one.where.last == other.where.first
        and (one.where.at_least, one.where.at_most)
        == (other.where.at_least, other.where.at_most)
    )  # fmt: skip


def _joined(one: Segment, other: Segment) -> Segment:
    """Both; what is known of the width is that of the first, which counts no more."""
    return Segment(
        one.first, other.last, one.with_first, other.with_last, one.at_least, one.at_most
    )

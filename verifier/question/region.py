"""Where the question is asked: a closed ball around a point, or a box, with exact numbers.

A region is a box lower <= x <= upper, and for the norms 1 and 2 also a ball ||x - center|| <= r
inside or across that box. A ball of the infinity norm is a box. The exact radius asks about the
open ball ||x - center|| < r, of any norm: what holds there holds on every smaller closed ball.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Literal

from verifier.question.errors import UserError
from verifier.question.rational import format_rational, require_exact, sqrt_upper
from verifier.question.shown import Shown

Norm = Literal["inf", "1", "2"]
Vector = tuple[Fraction, ...]


@dataclass(frozen=True, slots=True, repr=False)
class Region(Shown):
    """{x : lower <= x <= upper, and ||x - center||_norm <= radius}; never empty.

    norm "inf": no ball, `center` empty, `size` zero. norm "1": `size` is the radius.
    norm "2": `size` is the square of the radius. `clipped` says that the box may cut the ball; else
    it must hold all of it. Build one with `box` or `ball`.

    open: ||x - center||_norm < radius instead, the box stays closed; then norm "inf" has a center
    and a radius `size` as well.
    """

    norm: Norm
    lower: Vector
    upper: Vector
    center: Vector = ()
    size: Fraction = Fraction(0)
    clipped: bool = False
    open: bool = False

    def __post_init__(self) -> None:
        if not self.lower or len(self.lower) != len(self.upper):
            raise UserError(f"box: {len(self.lower)} lower bounds, {len(self.upper)} upper bounds")
        require_exact("region", (*self.lower, *self.upper, *self.center, self.size))
        for k, (low, high) in enumerate(zip(self.lower, self.upper, strict=True)):
            if low > high:
                raise UserError(
                    f"empty box: lower bound {format_rational(low)} above "
                    f"upper bound {format_rational(high)} at input {k}"
                )
        if self.norm not in ("inf", "1", "2"):
            raise UserError(f"norm {self.norm!r} is not inf, 1 or 2")
        if type(self.open) is not bool:
            raise UserError(f"region: open is {self.open!r}, neither True nor False")
        if self.norm == "inf" and not self.open:
            if self.center or self.size or self.clipped:
                raise UserError("a box has no center, size or clip of its own")
            return
        if len(self.center) != len(self.lower):
            raise UserError(f"center has {len(self.center)} inputs, the box {len(self.lower)}")
        if self.size < 0:
            raise UserError(f"radius is negative: {format_rational(self.size)}")
        # The point of the box nearest to the center, in every norm.
        nearest = tuple(
            min(max(c, low), high)
            for c, low, high in zip(self.center, self.lower, self.upper, strict=True)
        )
        if not self.contains(nearest):
            raise UserError("empty region: the ball does not meet the box")
        if not self.clipped:
            for k, (low, c, high) in enumerate(
                zip(self.lower, self.center, self.upper, strict=True)
            ):
                gap = min(c - low, high - c)
                if gap < 0 or (gap * gap if self.norm == "2" else gap) < self.size:
                    raise UserError(f"the box cuts the ball at input {k}, which is not clipped")

    @property
    def dimension(self) -> int:
        return len(self.lower)

    def contains(self, point: Sequence[Fraction]) -> bool:
        """Whether `point` lies in the closed region."""
        if len(point) != len(self.lower):
            return False
        if not all(
            low <= x <= high for low, x, high in zip(self.lower, point, self.upper, strict=True)
        ):
            return False
        if self.norm == "inf" and not self.open:
            return True
        away = distance(self.norm, self.center, point)
        return away < self.size if self.open else away <= self.size

    def closed(self) -> Region:
        """The region with the sphere of its ball."""
        if not self.open or self.norm != "inf":
            return replace(self, open=False)
        lower, upper = (
            tuple(
                bound(side, c + sign * self.size)
                for side, c in zip(sides, self.center, strict=True)
            )
            for bound, sides, sign in ((max, self.lower, -1), (min, self.upper, 1))
        )
        return Region("inf", lower, upper)

    def recedes(self, k: int, side: Fraction) -> bool:
        """Whether no point of an open ball of norm "inf" has x_k = side, an end of its interval."""
        return self.open and abs(side - self.center[k]) >= self.size


def distance(norm: Norm, a: Sequence[Fraction], b: Sequence[Fraction]) -> Fraction:
    """||a - b||_norm exactly, its square for norm 2."""
    gaps = [abs(x - y) for x, y in zip(a, b, strict=True)]
    if norm == "inf":
        return max(gaps)
    return sum(gaps if norm == "1" else [gap * gap for gap in gaps], Fraction(0))


def box(lower: Sequence[Fraction], upper: Sequence[Fraction]) -> Region:
    """The box lower <= x <= upper."""
    return Region("inf", tuple(map(Fraction, lower)), tuple(map(Fraction, upper)))


def ball(
    norm: Norm,
    center: Sequence[Fraction],
    radius: Fraction | None = None,
    *,
    radius_squared: Fraction | None = None,
    clip: tuple[Fraction, Fraction] | tuple[Sequence[Fraction], Sequence[Fraction]] | None = None,
    open: bool = False,
) -> Region:
    """The closed ball ||x - center||_norm <= radius, intersected with the box `clip` if given.

    With `open` the ball without its sphere. `clip` is (low, high), two numbers for all inputs or
    two sequences. For norm "2" the square of the radius may be given instead. Raises UserError for
    a negative radius and an empty region.
    """
    c = tuple(map(Fraction, center))
    if (radius is None) == (radius_squared is None):
        raise UserError("exactly one of radius and radius_squared must be given")
    if radius_squared is not None and norm != "2":
        raise UserError(f"radius_squared is for norm 2, not for norm {norm}")
    given = radius if radius is not None else radius_squared
    if given is None or given < 0:
        raise UserError(f"radius is negative: {format_rational(given or 0)}")
    reach = root_upper(Fraction(given)) if radius is None else Fraction(radius)
    lower, upper = tuple(x - reach for x in c), tuple(x + reach for x in c)
    clipped = False
    if clip is not None:
        low, high = _clip_vectors(clip, len(c))
        clipped = any(a > b for a, b in zip(low, lower, strict=True)) or any(
            a < b for a, b in zip(high, upper, strict=True)
        )
        lower = tuple(max(a, b) for a, b in zip(lower, low, strict=True))
        upper = tuple(min(a, b) for a, b in zip(upper, high, strict=True))
    if norm == "inf" and not open:
        return Region("inf", lower, upper)
    size = Fraction(radius) ** 2 if radius is not None and norm == "2" else Fraction(given)
    return Region(norm, lower, upper, c, size, clipped, open)


_NORMS: dict[str, Norm] = {
    **dict.fromkeys(("inf", "infinity", "linf", "l_inf", "max"), "inf"),
    **dict.fromkeys(("1", "1.0", "l1", "l_1"), "1"),
    **dict.fromkeys(("2", "2.0", "l2", "l_2"), "2"),
}


def read_norm(norm: object) -> Norm:
    """The norm that is meant by 2, 2.0, "l2", "L2", math.inf, "linf", ..; raises UserError."""
    found = _NORMS.get(str(norm).strip().lower())
    if found is None:
        raise UserError(f"norm {norm!r} is not inf, 1 or 2")
    return found


def linear_minimum_holds(
    region: Region, gradient: Mapping[int, Fraction], constant: Fraction, strict: bool
) -> bool:
    """Whether gradient . x + constant >= 0 (> 0 if strict) on the ball of `region`, its box aside.

    For norm "inf" there is no ball, so the gradient must be empty. For norm 2 the minimum is
    constant + gradient . center - radius ||gradient||_2, compared by squares. On an open ball a
    form with a gradient stays above its minimum on the closed one, so that >= 0 there is enough.
    """
    if region.norm == "inf":
        if any(gradient.values()):
            raise UserError("a box has no ball share")
        return constant > 0 if strict else constant >= 0
    strict = strict and not (region.open and any(gradient.values()))
    value = constant + sum((g * region.center[k] for k, g in gradient.items()), Fraction(0))
    if region.norm == "1":
        value -= region.size * max((abs(g) for g in gradient.values()), default=Fraction(0))
        return value > 0 if strict else value >= 0
    loss = region.size * sum((g * g for g in gradient.values()), Fraction(0))
    if strict:
        return value > 0 and value * value > loss
    return value >= 0 and value * value >= loss


def root_upper(square: Fraction) -> Fraction:
    """An upper bound of the square root with about 24 significant bits; short on purpose, for it
    bounds the box around an L2 ball and enters every interval."""
    if square == 0:
        return Fraction(0)
    exponent = (square.numerator.bit_length() - square.denominator.bit_length()) // 2
    shift = 24 - exponent
    scale = Fraction(2) ** shift
    return sqrt_upper(square * scale * scale, 0) / scale


def _clip_vectors(
    clip: tuple[Fraction, Fraction] | tuple[Sequence[Fraction], Sequence[Fraction]], dimension: int
) -> tuple[Vector, Vector]:
    vectors = []
    for side in clip:
        listed = side if isinstance(side, Sequence) else (side,) * dimension
        vector = tuple(map(Fraction, listed))
        if len(vector) != dimension:
            raise UserError(f"clip box has {len(vector)} inputs, the center {dimension}")
        vectors.append(vector)
    return vectors[0], vectors[1]

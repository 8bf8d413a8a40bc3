"""Where the question is asked: a closed ball around a point, or a box, with exact numbers.

A region is a box lower <= x <= upper, and for the norms 1, 2, 3, .. also a ball ||x - center|| <= r
inside or across that box. A ball of the infinity norm is a box. The exact radius asks about the
open ball ||x - center|| < r, of any norm: what holds there holds on every smaller closed ball.
Of a norm p >= 2 the p-th powers of lengths are compared, which are rational.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import isqrt

from verifier.question.errors import UserError
from verifier.question.rational import format_rational, require_exact
from verifier.question.shown import Shown

Norm = str
"""p as a text: "inf", "1", "2", .. "64"."""
LARGEST_NORM = 64
NORMS = f"inf, or an integer from 1 to {LARGEST_NORM}"
_POWERS: dict[str, int] = {"inf": 1, **{str(p): p for p in range(1, LARGEST_NORM + 1)}}
Vector = tuple[Fraction, ...]
Clip = tuple[Fraction, Fraction] | tuple[Sequence[Fraction], Sequence[Fraction]]
"""The least and the greatest value of all inputs, or of each."""


@dataclass(frozen=True, slots=True, repr=False)
class Region(Shown):
    """{x : lower <= x <= upper, and ||x - center||_norm <= radius}; never empty.

    norm "inf": no ball, `center` empty, `size` zero. Norm p: `size` is the p-th power of the
    radius. `clipped` says that the box may cut the ball; else it must hold all of it. Build one
    with `box` or `ball`.

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
        exponent = power(self.norm)
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
                if gap < 0 or gap**exponent < self.size:
                    raise UserError(f"the box cuts the ball at input {k}, which is not clipped")

    @property
    def dimension(self) -> int:
        return len(self.lower)

    @property
    def power(self) -> int:
        """`size` is the radius to this power."""
        return power(self.norm)

    def loss(self, entries: Iterable[Fraction]) -> Fraction:
        """At least (radius ||g||_q)^p, 1/p + 1/q = 1, for the gradient g of these entries: the p-th
        power of how far g . x falls on the ball below its value at the center. Exact for p <= 2.

        Hoelder's inequality; ||g||_q^p = (sum |g|^q)^(p-1), where |g|^q = |g| |g|^(1/(p-1)) has a
        root, taken by `root_upper`.
        """
        sizes, p = [*map(abs, entries)], self.power
        if p == 1:
            return self.size * max(sizes, default=Fraction(0))
        if p == 2:
            return self.size * sum((g * g for g in sizes), Fraction(0))
        return self.size * sum((g * root_upper(g, p - 1) for g in sizes), Fraction(0)) ** (p - 1)

    def reach(self, entries: Iterable[Fraction]) -> Fraction:
        """At least radius ||g||_q, 1/p + 1/q = 1; exact for p = 1."""
        return root_upper(self.loss(entries), self.power)

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


def power(norm: object) -> int:
    """p of norm p, 1 of "inf": the sizes of its balls are radii to this power. UserError for what
    is no norm."""
    if type(norm) is not str or norm not in _POWERS:
        raise UserError(f"norm {norm!r} is not {NORMS}")
    return _POWERS[norm]


def distance(norm: Norm, a: Sequence[Fraction], b: Sequence[Fraction]) -> Fraction:
    """||a - b||_p^p exactly, ||a - b|| itself for norm "inf"."""
    exponent = power(norm)
    gaps = [abs(x - y) ** exponent for x, y in zip(a, b, strict=True)]
    return max(gaps) if norm == "inf" else sum(gaps, Fraction(0))


def box(lower: Sequence[Fraction], upper: Sequence[Fraction]) -> Region:
    """The box lower <= x <= upper."""
    return Region("inf", tuple(map(Fraction, lower)), tuple(map(Fraction, upper)))


# Of a radius to the power p: more take minutes to raise and to root.
MOST_BITS = 1 << 21


def ball(
    norm: Norm,
    center: Sequence[Fraction],
    radius: Fraction | None = None,
    *,
    radius_squared: Fraction | None = None,
    clip: Clip | None = None,
    open: bool = False,
) -> Region:
    """The closed ball ||x - center||_norm <= radius, intersected with the box `clip` if given.

    With `open` the ball without its sphere. `clip` is (low, high), two numbers for all inputs or
    two sequences. For norm "2" the square of the radius may be given instead. Raises UserError for
    a negative radius, one of too many digits for norms above 2, and an empty region.
    """
    if (radius is None) == (radius_squared is None):
        raise UserError("exactly one of radius and radius_squared must be given")
    if radius_squared is not None and norm != "2":
        raise UserError(f"radius_squared is for norm 2, not for norm {norm}")
    given = radius if radius is not None else radius_squared
    if given is None or given < 0:
        raise UserError(f"radius is negative: {format_rational(given or 0)}")
    if radius is None:
        return ball_of_size(norm, center, given, clip=clip, open=open)
    radius = Fraction(radius)
    bits = power(norm) * max(radius.numerator.bit_length(), radius.denominator.bit_length())
    if power(norm) > 2 and bits > MOST_BITS:
        raise UserError(f"a radius whose power {norm} has {bits} bits; the limit is {MOST_BITS}")
    size = radius ** power(norm)
    return _around(norm, tuple(map(Fraction, center)), radius, size, clip, open)


def ball_of_size(
    norm: Norm,
    center: Sequence[Fraction],
    size: Fraction,
    *,
    clip: Clip | None = None,
    open: bool = False,
) -> Region:
    """The same of the radius whose p-th power is `size`."""
    reach = root_upper(Fraction(size), power(norm))
    return _around(norm, tuple(map(Fraction, center)), reach, Fraction(size), clip, open)


def _around(
    norm: Norm, c: Vector, reach: Fraction, size: Fraction, clip: Clip | None, open: bool
) -> Region:
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
    return Region(norm, lower, upper, c, size, clipped, open)


_NORMS: dict[str, Norm] = {
    **dict.fromkeys(("inf", "infinity", "linf", "l_inf", "max"), "inf"),
    **{text: p for p in _POWERS for text in (f"{p}", f"{p}.0", f"l{p}", f"l_{p}") if p != "inf"},
}


def read_norm(norm: object, most: int = LARGEST_NORM) -> Norm:
    """The norm that is meant by 2, 2.0, "l2", "L2", math.inf, "linf", ..; raises UserError for what
    is none, or an integer above `most`."""
    found = _NORMS.get(str(norm).strip().lower())
    if found is None or _POWERS[found] > most:
        raise UserError(f"norm {norm!r} is not {NORMS if most > 2 else 'inf, 1 or 2'}")
    return found


def root_text(norm: Norm) -> str:
    """What the size of a ball is, in words."""
    p = power(norm)
    return "radius" if p == 1 else "squared radius" if p == 2 else f"{p}-th power of the radius"


def distance_text(norm: Norm) -> str:
    """What `distance` gives, in words."""
    return root_text(norm).replace("radius", "distance")


def linear_minimum_holds(
    region: Region, gradient: Mapping[int, Fraction], constant: Fraction, strict: bool
) -> bool:
    """Whether gradient . x + constant >= 0 (> 0 if strict) on the ball of `region`, its box aside.

    For norm "inf" there is no ball, so the gradient must be empty. For norm p the minimum is
    constant + gradient . center - radius ||gradient||_q, compared by p-th powers (`loss`). On an
    open ball a form with a gradient stays above its minimum on the closed one, so that >= 0 there
    is enough.
    """
    if region.norm == "inf":
        if any(gradient.values()):
            raise UserError("a box has no ball share")
        return constant > 0 if strict else constant >= 0
    strict = strict and not (region.open and any(gradient.values()))
    value = constant + sum((g * region.center[k] for k, g in gradient.items()), Fraction(0))
    loss = region.loss(gradient.values())
    value *= abs(value) ** (region.power - 1)
    return value > loss if strict else value >= loss


def root_upper(value: Fraction, k: int = 2, bits: int = 24) -> Fraction:
    """A number not below the k-th root of `value` >= 0, with about that many significant bits, the
    root itself if they hold it, and `value` for k = 1. Short on purpose, for it bounds the box
    around a ball and enters every interval."""
    if k < 2 or value == 0:
        return value
    exponent = (value.numerator.bit_length() - value.denominator.bit_length()) // k
    top, bottom = value.numerator, value.denominator
    shift = bits - exponent  # the root is that of top / bottom, over 2^shift
    top, bottom = (top << k * shift, bottom) if shift >= 0 else (top, bottom << -k * shift)
    root = integer_root(top // bottom, k)
    root += root**k * bottom < top
    return Fraction(root, 1 << shift) if shift >= 0 else Fraction(root << -shift)


def integer_root(value: int, k: int) -> int:
    """The largest integer whose k-th power is at most `value` >= 0."""
    if k == 2 or not value:
        return isqrt(value)
    root, lower = 0, 1 << -(-value.bit_length() // k)  # Newton's steps from above, until none falls
    while root != lower:
        root, lower = lower, min(lower, ((k - 1) * lower + value // lower ** (k - 1)) // k)
    return root


def _clip_vectors(clip: Clip, dimension: int) -> tuple[Vector, Vector]:
    vectors = []
    for side in clip:
        listed = side if isinstance(side, Sequence) else (side,) * dimension
        vector = tuple(map(Fraction, listed))
        if len(vector) != dimension:
            raise UserError(f"clip box has {len(vector)} inputs, the center {dimension}")
        vectors.append(vector)
    return vectors[0], vectors[1]

"""The least width as a function of the budget: what is shown, and how the rest is looked for.

In the budget everything is monotone: a network for a budget serves all smaller ones, and what is
impossible for a budget is so for all larger ones. If a width is possible for a budget, it is for
slightly larger ones, because the right labels hold with a margin on closed balls, which are
compact. So a width that is possible at all is so on an interval [0, t), never at t, and exactly
that is shown by a network that is right on the *open* balls of radius t and a proof that none is
on the closed ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise

from constructions.least.evidence import Claim, Shown
from constructions.least.find import Finder, UndecidedError
from constructions.least.questions import Below, Impossible, Possible, questions_of
from constructions.simplest import simplest_between
from verifier.question.region import Norm
from verifier.tasks.radius import exact_radius

HALVINGS = 12  # of the interval in which a step lies, before it is left as one
MOST_UNDECIDED = 3  # sizes of one step, which bound it for the search alone


@dataclass(frozen=True, slots=True)
class Segment:
    """For all sizes from `first` to `last`, the ends included as said, the least width is at least
    `at_least`, and at most `at_most` if that is not None. Sizes are squares for norm 2."""

    first: Fraction
    last: Fraction
    with_first: bool
    with_last: bool
    at_least: int
    at_most: int | None

    @property
    def exact(self) -> bool:
        return self.at_least == self.at_most

    def text(self, unit: str) -> str:
        """The sizes in words, `unit` being what is measured."""
        if self.first == self.last:
            return f"{unit} = {self.first}"
        left = "<=" if self.with_first else "<"
        right = "<=" if self.with_last else "<"
        return f"{self.first} {left} {unit} {right} {self.last}"


def bounds_at(claims: Iterable[Shown], size: Fraction) -> tuple[int, int | None]:
    """What is shown of the least width for closed balls of this size."""
    return _bounds(claims, size, size)


def _bounds(claims: Iterable[Shown], low: Fraction, high: Fraction) -> tuple[int, int | None]:
    """The same for all sizes between, or for low = high that one."""
    at_least, at_most = 1, None
    for one in claims:
        claim = one.claim
        if isinstance(claim, Impossible):
            if claim.size <= low:
                at_least = max(at_least, claim.width + 1)
        elif claim.size > high or (claim.size == high and (not claim.open or low < high)):
            at_most = claim.width if at_most is None else min(at_most, claim.width)
    return at_least, at_most


def segments(claims: Sequence[Shown], top: Fraction) -> list[Segment]:
    """What is shown for all sizes from 0 on, below `top`."""
    marks = sorted({Fraction(0), top, *(one.claim.size for one in claims)})
    marks = [mark for mark in marks if 0 <= mark <= top]
    parts: list[Segment] = []
    for low, high in pairwise(marks):
        parts.append(Segment(low, low, True, True, *_bounds(claims, low, low)))
        parts.append(Segment(low, high, False, False, *_bounds(claims, low, high)))
    merged: list[Segment] = []
    for part in parts:
        last = merged[-1] if merged else None
        if last and (last.at_least, last.at_most) == (part.at_least, part.at_most):
            merged[-1] = Segment(
                last.first, part.last, last.with_first, part.with_last, part.at_least, part.at_most
            )
        else:
            merged.append(part)
    return merged


@dataclass
class Search:
    """The search for the steps of one data set; `claims` is what is shown, `save` is called with
    each new claim. `top` is the size at which rival balls touch."""

    finder: Finder
    top: Fraction
    claims: list[Shown]
    save: Callable[[Shown], None] = lambda claim: None
    undecided: dict[tuple[int, Fraction], str] | None = None

    @property
    def norm(self) -> Norm:
        return self.finder.norm

    def take(self, claim: Below | Possible) -> None:
        """Shows a family that is given, or one network on open balls, unless it is among the
        claims; raises UserError if it is wrong, or none."""
        if not any(_alike(one.claim, claim) for one in self.claims):
            self._add(self.finder.show_family(claim))

    def take_network(self, claim: Possible) -> None:
        """The same for the largest open balls on which this one network is right, and no larger
        ones than are claimed; raises UserError where it is wrong at a center, or of no width."""
        questions_of(claim, self.finder.points, self.norm)
        reach = self._reach(claim)
        self.take(replace(claim, size=min(reach, claim.size)) if reach else claim)

    def at_budget(self, size: Fraction, most: int) -> None:
        """Shows the least width for closed balls of this size, up to the width `most`."""
        width, _ = bounds_at(self.claims, size)
        while width <= most:
            _, known = bounds_at(self.claims, size)
            if known is not None and known <= width:
                return
            found = self._decide(width, size)
            if found is None:
                width += 1  # what is larger may still be possible
                continue
            if isinstance(found.claim, Possible):
                return
            width += 1

    def all_budgets(self, most: int) -> None:
        """Shows the steps of all widths up to `most`, until one is possible for all budgets."""
        for width in range(1, most + 1):
            self._step(width)
            last = segments(self.claims, self.top)[-1]
            if last.last == self.top and last.at_most is not None and last.at_most <= width:
                return

    def _step(self, width: int) -> None:
        """Where this width ends to be possible, exactly or within an interval."""
        low, high = self._known(width)
        if low is None and high is None:
            low, high = self._try(width, Fraction(0))
        if high == 0:
            return
        if high is None and low and low < self.top and self._narrower(width, low):
            low, high = self._try(width, low)  # steps of two widths often are one
        if low == self.top or (high is None and self._open(width, self.top)):
            return
        if high is None:  # a budget near the end, so that no family is looked for in vain
            end = self.top
            start = Fraction(0) if low is None else low
            self._try(width, simplest_between(end - (end - start) / 16, end - (end - start) / 64))
            _, high = self._known(width)
            if high is None and self._below(width, end):
                return
        low, high = self._known(width)
        if low is not None and high is not None and 0 < low < high and self._narrower(width, low):
            self._try(width, low)  # where a narrower network ends, this one often does as well
        unclear: list[Fraction] = []
        for number in range(HALVINGS):
            before = low, high = self._known(width)
            end = min([self.top if high is None else high, *unclear])
            if low is None or low >= end:
                return
            margin = (end - low) / (4 if number % 2 == 0 else 1000)
            size = simplest_between(low + margin, end - margin)
            if self._try(width, size) == before:
                unclear.append(size)
                if len(unclear) == MOST_UNDECIDED:
                    return

    def _narrower(self, width: int, size: Fraction) -> bool:
        """Whether all that is shown for this width and size is a narrower network on open balls."""
        return not any(
            (c.claim.width == width and c.claim.size == size) or not c.claim.open
            for c in self.claims
            if not isinstance(c.claim, Impossible)
            and c.claim.width <= width
            and c.claim.size >= size
        )

    def _known(self, width: int) -> tuple[Fraction | None, Fraction | None]:
        """The largest size for which this width is known to be possible (on open balls), and the
        least for which it is known not to be."""
        low = max(
            (c.claim.size for c in self.claims
             if not isinstance(c.claim, Impossible) and c.claim.width <= width), default=None,
        )  # fmt: skip
        high = min(
            (c.claim.size for c in self.claims
             if isinstance(c.claim, Impossible) and c.claim.width >= width), default=None,
        )  # fmt: skip
        return low, high

    def _try(self, width: int, size: Fraction) -> tuple[Fraction | None, Fraction | None]:
        """Decides this size and what follows at once; what is known then."""
        found = self._decide(width, size)
        if found is None:
            return self._known(width)
        if isinstance(found.claim, Impossible):
            low, _ = self._known(width)
            if size > 0 and (low is None or low < size):
                self._open(width, size)
            return self._known(width)
        if not isinstance(found.claim, Possible):  # a family is for all budgets already
            return self._known(width)
        reach = self._reach(found.claim)
        grown = reach is not None and reach > size and self._grown(found.claim, reach)
        if reach is not None and grown and reach < self.top:
            self._decide(width, reach)
        return self._known(width)

    def _decide(self, width: int, size: Fraction) -> Shown | None:
        try:
            found = self.finder.decide(width, size)
        except UndecidedError as why:
            if self.undecided is not None:
                self.undecided[width, size] = str(why)
            return None
        self._add(found)
        return found

    def _open(self, width: int, size: Fraction) -> bool:
        found = self.finder.find_open(width, size)
        if found is not None:
            self._add(found)
        return found is not None

    def _below(self, width: int, size: Fraction) -> bool:
        found = self.finder.find_below(width, size)
        if found is not None:
            self._add(found)
        return found is not None

    def _reach(self, claim: Possible) -> Fraction | None:
        """The size of the largest open balls on which the network is right; None if not known."""
        least: Fraction | None = None
        for sample in range(self.finder.points.size):
            found = exact_radius(
                claim.network, self.finder.points, sample, norm=self.norm, decoder="nearest"
            )
            if not found.exact or found.upper is None:
                return None
            least = found.upper if least is None else min(least, found.upper)
        return None if least is None else min(least, self.top)

    def _grown(self, claim: Possible, size: Fraction) -> bool:
        found = self.finder.shown_open(claim, size)
        if found is not None:
            self._add(found)
        return found is not None

    def _add(self, found: Shown) -> None:
        self.claims.append(found)
        self.save(found)


def _alike(one: Claim, other: Below | Possible) -> bool:
    """Whether both say the same of the same networks."""
    if isinstance(one, Impossible) or type(one) is not type(other):
        return False
    if (one.network.digest, one.size, one.open) != (other.network.digest, other.size, other.open):
        return False
    return not isinstance(one, Below) or not isinstance(other, Below) or one.scaled == other.scaled

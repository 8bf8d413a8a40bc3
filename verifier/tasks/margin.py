"""The least margin as a function of the radius, exactly.

    found = margin_curve(query_of, Fraction(1, 2))
    found.pieces       of [0, 1/2], one after another; each with a lower and an upper line
    found.zero         an interval of the least radius at which the margin is not positive

The least margin m(r) on the closed ball of radius r does not increase, and for norms inf and 1 it
is piecewise linear. On a piece a line is below m by a proof about every ball at once (a family
whose members are all the same network, see `question.family`): no point x of the ball of r, for no
r, has a margin below the line at r. A line is above m by points x(r) that move straight from one
end of the piece to the other and stay in the balls, as those are convex together; the margin at
x(r) is a piecewise linear function of r, evaluated exactly. Where both lines are the same, m is
known.

Ends are guessed from exact least margins at single radii (`worst`): the line of a piece begins at
two radii close by, and two such lines meet in a bend. Where no proof is found, or time ends, the
lower line is the value at the end of the piece and the upper one that at its beginning.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from time import monotonic

from verifier.checker.curves import not_above
from verifier.checker.elaborate import elaborate
from verifier.checker.family import FamilyChecker, family_roots, family_scaled
from verifier.checker.family_replay import replay_family
from verifier.evidence.certificate import Leaf, Node, Robust, Tree
from verifier.evidence.curve import CurvePiece, MarginCurve
from verifier.question.errors import RefusedError, UserError
from verifier.question.family import FamilyQuery, with_parameter
from verifier.question.margin import Line, margin_family
from verifier.question.query import Query
from verifier.question.shown import Shown
from verifier.search.clock import LateError
from verifier.search.deep.family_splits import SplitSearch
from verifier.search.deep.lifting import Lifting, holds
from verifier.search.options import Options
from verifier.tasks.worst import Worst, worst

Vector = tuple[Fraction, ...]
ZERO, ONE = Fraction(0), Fraction(1)
SHORTEST = 0.01  # seconds for one least margin, where time has ended
DEPTH = 12  # of pieces in halves
NEAR = Fraction(1, 64)  # of a piece, where a line is looked for at its ends


@dataclass(frozen=True, slots=True, repr=False)
class Piece(Shown):
    """For every radius r from `first` to `last` the least margin lies between two lines.

    lower: proved by `proof` of `question`, which is about all of these r; or, if they are None, by
        the proof `at_last` about the ball of `last` alone. None: nothing is proved.
    upper: the margin of goal number `goal` at the points that go from `points[0]` to `points[1]` is
        nowhere above it.
    """

    first: Fraction
    last: Fraction
    lower: Line | None
    question: FamilyQuery | None
    proof: Robust | None
    at_last: tuple[Query, Robust] | None
    upper: Line
    points: tuple[Vector, Vector]
    goal: int

    @property
    def exact(self) -> bool:
        return self.lower == self.upper

    @property
    def evidence(self) -> CurvePiece:
        """The same without what can be built again."""
        proof = self.proof if self.at_last is None else self.at_last[1]
        lower = None if proof is None else self.lower
        return CurvePiece(
            self.first, self.last, lower, proof, self.at_last is None, self.upper, self.points,
            self.goal,
        )  # fmt: skip


@dataclass(frozen=True, slots=True, repr=False)
class Curve(Shown):
    """The least margin of one question for all radii from 0 to the last one; checked.

    `reason` says why a piece is not exact, empty if all are. Two radii of `zero`: nowhere below the
    first the margin is 0 or less, and at the second it is; None in place of the second if it is
    positive, as far as the upper lines say, up to the end.
    """

    pieces: tuple[Piece, ...]
    reason: str
    queries: int
    seconds: float

    @property
    def exact(self) -> bool:
        return all(piece.exact for piece in self.pieces)

    @property
    def zero(self) -> tuple[Fraction, Fraction | None]:
        return self._last_positive(), self._first_not_positive()

    def _last_positive(self) -> Fraction:
        for piece in self.pieces:
            if piece.lower is None or piece.lower[0] <= 0:
                return piece.first
            if piece.lower[1] <= 0:
                return _crossing(piece, piece.lower)
        return self.pieces[-1].last

    def _first_not_positive(self) -> Fraction | None:
        for piece in self.pieces:
            if piece.upper[0] <= 0:
                return piece.first
            if piece.upper[1] <= 0:
                return _crossing(piece, piece.upper)
        return None

    @property
    def positive_to_its_end(self) -> bool:
        """Whether the margin is proved positive on the balls of all radii, the last one included:
        a lower bound that is zero there shows no label."""
        last = self.pieces[-1]
        return self.zero[0] == last.last and last.lower is not None and last.lower[1] > 0

    @property
    def evidence(self) -> MarginCurve:
        """What `check_curve` checks: the same without what can be built again."""
        return MarginCurve(tuple(piece.evidence for piece in self.pieces))

    @staticmethod
    def of(evidence: MarginCurve, reason: str, queries: int, seconds: float) -> Curve:
        """The curve that evidence of a run shows, without its proofs."""
        pieces = [
            Piece(p.first, p.last, p.lower, None, None, None, p.upper, p.points, p.goal)
            for p in evidence.pieces
        ]
        return Curve(tuple(pieces), reason, queries, seconds)

    def at(self, radius: Fraction) -> tuple[Fraction | None, Fraction]:
        """The best lower and upper bound of the least margin at this radius; UserError outside."""
        held = [p for p in self.pieces if p.first <= radius <= p.last]
        if not held:
            raise UserError(f"radius {radius} is beyond the curve")
        lowers = [_value(p, p.lower, radius) for p in held if p.lower is not None]
        return max(lowers, default=None), min(_value(p, p.upper, radius) for p in held)


def _crossing(piece: Piece, line: Line) -> Fraction:
    return piece.first + (piece.last - piece.first) * line[0] / (line[0] - line[1])


def _value(piece: Piece, line: Line, radius: Fraction) -> Fraction:
    share = (radius - piece.first) / (piece.last - piece.first)
    return line[0] + share * (line[1] - line[0])


def margin_curve(
    query_of: Callable[[Fraction], Query], last: Fraction, options: Options = Options()
) -> Curve:
    """The least margin for all radii from 0 to `last`; `query_of` gives the question about the ball
    of a radius, around one center, of norm inf or 1.

    options.timeout: seconds for all of it; what is not settled by then is an envelope. Raises
    UserError for a radius that is not positive, norm 2 (there the margin has no pieces), a clip, an
    open ball, and goals of several atoms.
    """
    if last <= 0:
        raise UserError(f"the last radius is not positive: {last}")
    query = query_of(last)
    region = query.region
    if region.power > 1:
        where = "; ask `worst` at a radius" if region.norm == "2" else ""
        raise UserError(f"norm {region.norm}: the least margin is not piecewise linear{where}")
    if region.open or region.clipped:
        raise UserError("margins for all radii are about closed balls that nothing cuts")
    if any(len(goal.atoms) != 1 for goal in query.goals):
        raise UserError("margins for all radii are about goals of one atom each")
    center = query_of(ZERO).region.lower
    low, high = (tuple(c + side for c in center) for side in (-last, last))
    if region.norm == "inf" and (region.lower, region.upper) != (low, high):
        raise UserError("margins for all radii are about closed balls that nothing cuts")
    return _Search(query_of, center, last, options).run()


class _Search:
    def __init__(
        self,
        query_of: Callable[[Fraction], Query],
        center: Vector,
        last: Fraction,
        options: Options,
    ) -> None:
        self._query_of, self._center, self._last = query_of, center, last
        self._options, self._started = options, monotonic()
        self._queries = 0
        self._found: dict[Fraction, Worst] = {}
        self._wide = with_parameter(query_of(last).network)
        self._reason = ""

    def run(self) -> Curve:
        pieces = tuple(self._between(ZERO, self._last, DEPTH))
        seconds = monotonic() - self._started
        return Curve(pieces, self._reason, self._queries, seconds)

    # ------------------------------------------------------------------ single radii

    def _left(self) -> float | None:
        if self._options.timeout is None:
            return None
        return max(self._options.timeout - (monotonic() - self._started), SHORTEST)

    def _at(self, radius: Fraction) -> Worst:
        if radius not in self._found:
            options = replace(self._options, timeout=self._left())
            self._found[radius] = worst(self._query_of(radius), options=options)
            self._queries += 1
        return self._found[radius]

    def _late(self) -> bool:
        return self._left() == SHORTEST

    # ------------------------------------------------------------------ pieces

    def _between(self, first: Fraction, last: Fraction, depth: int) -> Iterator[Piece]:
        """Pieces of this interval, split where two lines meet, else in the middle."""
        start, end = self._at(first), self._at(last)
        if not (start.exact and end.exact):
            self._reason = self._reason or end.reason or start.reason
            yield self._envelope(first, last)
            return
        piece, middle = self._piece(first, last), None
        if piece is None and depth and not self._late():
            middle = self._bend(first, last)
            if middle is None:  # the same line at both ends, whose points are known by now
                piece, middle = self._piece(first, last), (first + last) / 2
        if piece is not None:
            yield piece
        elif middle is not None and not self._late():
            yield from self._between(first, middle, depth - 1)
            yield from self._between(middle, last, depth - 1)
        else:
            self._reason = self._reason or ("timeout" if self._late() else "no proof of a piece")
            yield self._envelope(first, last)

    def _bend(self, first: Fraction, last: Fraction) -> Fraction | None:
        """Where the lines that begin at the two ends meet, or the middle; None if they are one."""
        step = (last - first) * NEAR
        values = [self._at(r).upper for r in (first, first + step, last - step, last)]
        left, right = (values[1] - values[0]) / step, (values[3] - values[2]) / step
        if left == right == (values[3] - values[0]) / (last - first):
            return None
        if left != right:
            # values[0] + left (r - first) = values[3] + right (r - last)
            meet = (values[3] - values[0] + left * first - right * last) / (left - right)
            if first < meet < last:
                return meet
        return (first + last) / 2

    def _piece(self, first: Fraction, last: Fraction) -> Piece | None:
        """The interval as one exact piece."""
        start, end = self._at(first), self._at(last)
        line = start.upper, end.upper
        shown = self._witness(first, last, line)
        if shown is None:
            return None
        proved = self._proof(first, last, line, shown[0])
        if proved is None:
            return None
        return Piece(first, last, line, *proved, None, line, *shown)

    def _envelope(self, first: Fraction, last: Fraction) -> Piece:
        start, end = self._at(first), self._at(last)
        below = None if end.lower is None else (end.lower, end.lower)
        proof = None
        if end.question is not None and end.proof is not None:
            proof = end.question, end.proof
        upper, points = (start.upper, start.upper), (start.point, start.point)
        return Piece(first, last, below, None, None, proof, upper, points, start.goal)

    # ------------------------------------------------------------------ from above

    def _witness(
        self, first: Fraction, last: Fraction, line: Line
    ) -> tuple[tuple[Vector, Vector], int] | None:
        """Points of the balls at both ends, and a goal whose margin between them is not above."""
        start, end = self._at(first), self._at(last)
        tried = [(start.point, end.point)]
        for near, far, at in ((last, first, end), (first, last, start)):
            inner = near + (far - near) * NEAR
            if inner in self._found:  # on from there, where two points are as good at the end
                share = 1 / NEAR
                other = self._found[inner].point
                beyond = tuple(a + (b - a) * share for a, b in zip(at.point, other, strict=True))
                tried.append((beyond, at.point) if near == last else (at.point, beyond))
        for points in tried:
            inside = all(
                self._query_of(radius).region.contains(point)
                for radius, point in zip((first, last), points, strict=True)
            )
            for goal in dict.fromkeys((start.goal, end.goal)) if inside else ():
                atom = self._query_of(last).goals[goal].atoms[0]
                if not_above(self._query_of(last).network, atom, points, line):
                    return points, goal
        return None

    # ------------------------------------------------------------------ from below

    def _proof(
        self, first: Fraction, last: Fraction, line: Line, points: tuple[Vector, Vector]
    ) -> tuple[FamilyQuery, Robust] | None:
        """That no margin is below the line, by the proofs about single balls read for all, or by
        splits; `points` are those that show that it is not above."""
        query = margin_family(self._query_of(last), self._wide, self._center, (first, last), line)
        scaled = family_scaled(self._wide, [query])
        roots = family_roots(scaled, [query])[0]
        for radius in (last, first, (first + last) / 2):
            if self._late():
                return None
            known = self._at(radius)
            if known.proof is None or known.question is None:
                continue
            try:
                proof = lifted(FamilyChecker(query, scaled, roots), known.question, known.proof)
                if proof is not None:
                    replay_family(query, proof, scaled, roots)
                    return query, proof
            except RefusedError:
                continue
        checker = FamilyChecker(query, scaled, roots)
        left = self._left()
        deadline = None if left is None else monotonic() + left
        try:
            trees = [SplitSearch(checker, deadline, points).tree(goal) for goal in query.goals]
        except LateError:
            return None
        if None in trees:
            return None
        proof = Robust((), tuple(tree for tree in trees if tree is not None))
        replay_family(query, proof, scaled, roots)
        return query, proof


def lifted(checker: FamilyChecker, question: Query, proof: Robust) -> Robust | None:
    """A proof about one ball as one about all; None if it does not hold of these."""
    whole = elaborate(question, proof)
    lifting = Lifting(checker)
    steps = lifting.steps(whole.steps)
    trees: list[Tree] = []
    for tree, goal in zip(whole.trees, checker.query.goals, strict=True):
        for tried in ((Node((), Leaf()),), (Node((), Leaf(usual=True)),), lifting.tree(tree, goal)):
            if holds(checker, tried, goal):
                trees.append(tried)
                break
        else:
            return None
    return Robust(steps, tuple(trees))


def data_curve(curves: Sequence[Curve]) -> list[tuple[Fraction, int, int]]:
    """Of all samples: from each radius on, how many have a positive margin for sure, and how many
    at most. The share of samples is the certified accuracy as a function of the radius."""
    changes: dict[Fraction, list[int]] = {ZERO: [0, 0]}
    sure = most = 0
    for curve in curves:
        low, high = curve.zero
        centered = curve.pieces[0]
        if low > 0 or (centered.lower is not None and centered.lower[0] > 0):
            sure += 1
            if not curve.positive_to_its_end:
                changes.setdefault(low, [0, 0])[0] -= 1
        if centered.upper[0] > 0:
            most += 1
            if high is not None:
                changes.setdefault(high, [0, 0])[1] -= 1
    found = []
    for radius, (fewer, less) in sorted(changes.items()):
        sure, most = sure + fewer, most + less
        found.append((radius, sure, most))
    return found

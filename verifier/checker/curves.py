"""Least margins on the balls of all radii up to one, around one center: between two lines a piece.

With m(r) the least margin on the closed ball of radius r, and a piece of radii from r0 to r1:

- *From below.* A proof about the family of all balls of the piece, with a network that does not
  read the radius: for no r a point of the ball of r has a margin below the line at r (a goal whose
  atom is moved by the line, an affine function of r). Or one about the ball of r1 alone, that no
  margin is below a number: the other balls lie in it.
- *From above.* Points x(r) that go straight from x0, in the ball of r0, to x1, in that of r1: the
  share s of r on the piece is that of x(r), so ||x(r) - c|| <= (1 - s) r0 + s r1 = r. Along them
  every unit is piecewise linear in s, and so is the margin of one goal, which is not below m(r).
  Between two of its bends it is affine, so it is nowhere above the line if it is not at the bends.

The pieces follow each other from 0 to the last radius. Goals have one atom each, and nothing cuts
the balls; norm 1 or inf, where m has such pieces.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from verifier.checker.family_replay import replay_family
from verifier.checker.replay import replay
from verifier.evidence.certificate import Flip, Robust
from verifier.evidence.curve import CurvePiece, MarginCurve, Points
from verifier.question.errors import RefusedError, UserError
from verifier.question.family import FamilyQuery, with_parameter
from verifier.question.margin import Line, margin_at_most, margin_below, margin_family
from verifier.question.network import Network
from verifier.question.query import Atom, Query
from verifier.question.rational import is_exact
from verifier.question.region import ball

ZERO, ONE = Fraction(0), Fraction(1)


def replay_part(query: Query | FamilyQuery, verdict: Robust | Flip) -> None:
    """Replays a part of a curve: about one ball, or about all of a piece."""
    if isinstance(query, FamilyQuery):
        replay_family(query, verdict)
    else:
        replay(query, verdict)


def check_curve(
    query: Query,
    claim: object,
    check: Callable[[Query | FamilyQuery, Robust | Flip], object] = replay_part,
) -> MarginCurve:
    """The claim, if its evidence shows both lines of every piece; raises RefusedError, naming the
    flaw. `query` is the question about the ball of the last radius.

    `check` is `replay_part`, or replays a question by a kernel: that sees the proofs and the points
    at the ends of pieces; between these the margin is evaluated here.
    """
    if not isinstance(claim, MarginCurve):
        raise RefusedError("another verdict", "a curve of margins is claimed, this is none")
    balls = Balls(query)
    reached = ZERO
    for number, piece in enumerate(claim.pieces):
        try:
            _require_shape(piece, balls)
            if piece.first != reached:
                raise RefusedError("no interval", f"it begins at {piece.first}, not at {reached}")
            _check_upper(balls, piece, check)
            _check_lower(balls, piece, check)
        except RefusedError as flaw:
            raise RefusedError(flaw.flaw, f"piece {number}: {flaw.detail}") from None
        reached = piece.last
    if reached != balls.last:
        raise RefusedError("no interval", f"the pieces end at {reached}, not at {balls.last}")
    return claim


class Balls:
    """The questions about the balls of all radii up to that of a question, its center and radius;
    a box with equal sides is a ball of norm inf.

    Raises UserError for a ball of norm 2, an open one, one that something cuts, one of radius 0,
    and goals of several atoms.
    """

    def __init__(self, query: Query) -> None:
        region = query.region
        if region.power > 1:
            raise UserError(
                f"norm {region.norm}: the least margin has no linear pieces; ask at single radii"
            )
        if any(len(goal.atoms) != 1 for goal in query.goals):
            raise UserError("margins on balls of all radii are about goals of one atom each")
        self.query = query
        if region.norm == "inf":
            self.last = (region.upper[0] - region.lower[0]) / 2
            self.center = tuple(a + self.last for a in region.lower)
        else:
            self.last, self.center = region.size, tuple(region.center or ())
        if self.last <= 0:
            raise UserError(f"the last radius is not positive: {self.last}")
        if region != self.at(self.last).region:
            raise UserError("margins on balls of all radii are about closed ones that nothing cuts")

    def at(self, radius: Fraction) -> Query:
        """The question about the closed ball of this radius."""
        norm = self.query.region.norm
        return Query(self.query.network, ball(norm, self.center, radius), self.query.goals)

    def between(self, first: Fraction, last: Fraction, line: Line) -> FamilyQuery:
        """Whether a point of the ball of some radius between these has a margin below the line."""
        wide = self.query.network.derived(with_parameter)
        return margin_family(self.query, wide, self.center, (first, last), line)


def _require_shape(piece: CurvePiece, balls: Balls) -> None:
    """Returns if the numbers of the piece are exact and its parts fit; RefusedError if not."""
    numbers = [piece.first, piece.last, *piece.upper, *(piece.lower or ())]
    if not all(map(is_exact, numbers)):
        raise RefusedError("not exact", "the numbers of a piece are no Fractions")
    if piece.first >= piece.last:
        raise RefusedError("no interval", f"from {piece.first} to {piece.last}")
    if (piece.proof is None) != (piece.lower is None) or not isinstance(piece.proof, Robust | None):
        raise RefusedError("no proof", "a lower line and its proof belong together")
    level = piece.lower is None or piece.lower[0] == piece.lower[1]
    if not piece.for_all and not level:
        raise RefusedError("no proof", "a proof about one ball shows a level line alone")
    if type(piece.goal) is not int or not 0 <= piece.goal < len(balls.query.goals):
        raise RefusedError("index out of range", f"goal {piece.goal}")


def _check_upper(
    balls: Balls, piece: CurvePiece, check: Callable[[Query | FamilyQuery, Robust | Flip], object]
) -> None:
    ends = zip((piece.first, piece.last), piece.points, piece.upper, strict=True)
    for radius, point, value in ends:
        check(margin_at_most(balls.at(radius), value), Flip(point, piece.goal))
    (atom,) = balls.query.goals[piece.goal].atoms
    if not not_above(balls.query.network, atom, piece.points, piece.upper):
        raise RefusedError("no flip", "a margin on the way between its points is above the line")


def _check_lower(
    balls: Balls, piece: CurvePiece, check: Callable[[Query | FamilyQuery, Robust | Flip], object]
) -> None:
    if piece.lower is None or piece.proof is None:
        return
    if piece.for_all:
        check(balls.between(piece.first, piece.last, piece.lower), piece.proof)
    else:
        check(margin_below(balls.at(piece.last), piece.lower[0]), piece.proof)


def not_above(network: Network, atom: Atom, points: Points, line: Line) -> bool:
    """Whether minus the atom is at most the line, s from 0 to 1, at the point that is s of the way
    from the first to the second: at all ends of its pieces, found exactly."""
    places, values = along(network, points)
    shares = dict(atom.inputs)
    rows = network.outputs
    outputs = {}
    for j, _ in atom.outputs:
        weights, constant = rows.fractions(j)
        outputs[j] = [
            constant + sum((w * values[i][k] for i, w in weights.items()), ZERO)
            for k in range(len(places))
        ]
    for k, s in enumerate(places):
        total = atom.constant + sum((q * values[j][k] for j, q in shares.items()), ZERO)
        total += sum((q * outputs[j][k] for j, q in atom.outputs), ZERO)
        if -total > line[0] + s * (line[1] - line[0]):
            return False
    return True


def along(network: Network, points: Points) -> tuple[list[Fraction], list[list[Fraction]]]:
    """On the way from one point to the other: places from 0 to 1 between which every unit is
    linear, and the values of all variables there."""
    places = [ZERO, ONE]
    values = [[a, b] for a, b in zip(*points, strict=True)]
    for v in range(network.units.count):
        weights, constant = network.units.fractions(v)
        row = [
            constant + sum((w * values[j][k] for j, w in weights.items()), ZERO)
            for k in range(len(places))
        ]
        for k in range(len(places) - 1, 0, -1):
            if row[k - 1] * row[k] < 0:
                share = row[k - 1] / (row[k - 1] - row[k])
                for column in (places, *values):
                    column.insert(k, column[k - 1] + share * (column[k] - column[k - 1]))
                row.insert(k, ZERO)
        values.append([max(a, ZERO) for a in row])
    return places, values

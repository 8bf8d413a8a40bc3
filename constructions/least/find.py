"""Is there a network of this width for this budget? Counterexamples lead to it, or to a proof.

For each number of units of positive weight: ask for weights that are right at some points (a dual
question), look for points of the balls at which they are wrong, add those, and ask again, until
either no weights are left or the network is right on all balls. Nothing that is found here is
believed: what is returned has been replayed by `evidence.shown`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import permutations, product
from time import monotonic

import numpy as np

from constructions.least.candidates import Candidate, simple_point, wrong_points
from constructions.least.evidence import Shown, shown, text_of
from constructions.least.families import family
from constructions.least.fitting import STEPS, Fit
from constructions.least.questions import (
    Below,
    Collapsed,
    Impossible,
    Place,
    Possible,
    dual_question,
    questions_of,
    rational_root,
)
from verifier.evidence.certificate import Flip, Leaf, Robust, Undecided
from verifier.evidence.data_file import Points
from verifier.question.errors import RefusedError, UserError
from verifier.question.query import Query
from verifier.question.rational import format_rational
from verifier.question.region import Norm, distance
from verifier.search.options import Options
from verifier.search.trees.conjunctions import NODE_LIMIT
from verifier.tasks.verify import verify, verify_batch

CUBE_DIMENSIONS = 3  # up to which all corners of cubes are looked at from the start
MOST_ROUNDS = 400  # of points, after which a question counts as undecided
FIRST_NODES, FIRST_STARTS = 1024, 32  # of a proof, and of networks, before the other is looked for
MORE = 4  # times as many, in the next turn
MOST_FITTED = 512  # points at which a network is made right before it is given up
MOST_OPEN_ROUNDS = 60  # the same of open balls, where ties on spheres leave little to choose


class UndecidedError(Exception):
    """The search ends without an answer; the message says why."""


@dataclass
class Finder:
    """The search about one data set: points found for one budget are tried for the next.

    seconds: for one call of `decide` or `find_open`, None for no limit. `progress` is told what is
    being done.
    """

    points: Points
    norm: Norm
    seconds: float | None = None
    progress: Callable[[str], None] = lambda text: None
    _pool: dict[int, list[tuple[int, tuple[Fraction, ...]]]] = field(default_factory=dict)
    _hopeful: dict[int, int] = field(default_factory=dict)
    _latest: dict[int, Candidate] = field(default_factory=dict)

    def decide(self, width: int, size: Fraction) -> Shown:
        """Either claim about closed balls of this size, shown; raises UndecidedError.

        Proofs and networks are looked for in turns, each time with some times the effort.
        """
        deadline = self._deadline()
        if width < self.points.dimension:
            collapsed = self._collapsed(size)
            if collapsed is not None:
                return collapsed
        order = self._order(width)
        excluded: dict[int, tuple[tuple[Place, ...], bytes]] = {}
        nodes, starts, random = FIRST_NODES, FIRST_STARTS, np.random.default_rng(0)
        while True:
            for positive in [p for p in order if p not in excluded]:
                try:
                    found = self._settle(width, positive, size, deadline, nodes)
                except UndecidedError as why:
                    if str(why) != NODE_LIMIT:
                        raise
                    continue
                if isinstance(found, Shown):
                    self._hopeful[width] = positive
                    return found
                excluded[positive] = found
            if len(excluded) > width:
                break
            left = [p for p in order if p not in excluded]
            fitted = self._fitted(width, left, size, starts, random, deadline)
            if fitted is not None:
                return fitted
            nodes, starts = nodes * MORE, starts * MORE
        places = tuple(excluded[p][0] for p in range(width + 1))
        texts = [excluded[p][1] for p in range(width + 1)]
        return shown(Impossible(width, size, places), self.points, self.norm, texts)

    def _collapsed(self, size: Fraction) -> Shown | None:
        """That as many units as inputs are needed, shown, where two balls next to each other along
        each axis show it."""
        points, n, pairs = self.points, self.points.dimension, list[tuple[int, int, Fraction]]()
        if self.norm != "inf" or n < 2:
            return None
        rivals = [
            (a, b, [y - x for x, y in zip(points.point(a), points.point(b), strict=True)])
            for a, b in permutations(range(points.size), 2)
            if points.labels[a] != points.labels[b]
        ]
        for axis in range(n):
            for a, b, apart in rivals:
                least = apart[axis] - 2 * size  # of t, which is no larger than it has to be
                beside = max(abs(z) for k, z in enumerate(apart) if k != axis)
                if apart[axis] > 0 and abs(least) + beside <= 2 * size:
                    pairs.append((a, b, least))
                    break
            else:
                return None
        claim = Collapsed(n - 1, size, (), tuple(pairs))
        texts = []
        for query in questions_of(claim, points, self.norm):
            verdict = self._ask(query, None)
            if not isinstance(verdict, Robust):
                return None
            texts.append(text_of(query, verdict))
        return shown(claim, points, self.norm, texts)

    def _order(self, width: int) -> list[int]:
        """Numbers of units of positive weight, those next to what did before first."""
        first = self._hopeful.get(width, 1)
        return sorted(range(width + 1), key=lambda p: (abs(p - first), p))

    # -- linear programs -------------------------------------------------------------------------

    def _fitted(
        self,
        width: int,
        signs: Sequence[int],
        size: Fraction,
        starts: int,
        random: np.random.Generator,
        deadline: float | None,
    ) -> Shown | None:
        """A network that linear programs come to, shown; from the one that did for another size,
        and from so many that are anywhere."""
        places = self._start(width, size)
        latest = self._latest.get(width)
        begun = [] if latest is None else [Fit.near(self.points, latest, places)]
        for number in range(starts):
            self.progress(f"width {width}: linear programs, start {number + 1} of {starts}")
            positive = signs[number % len(signs)]
            fresh = Fit.anywhere(self.points, width, positive, places, random)
            for fit in [*begun, fresh]:
                found = self._improved(fit, size, deadline)
                if found is not None:
                    self._hopeful[width] = fit.positive
                    return found
            begun = []
        return None

    def _improved(self, fit: Fit, size: Fraction, deadline: float | None) -> Shown | None:
        """What this network comes to, right on all balls."""
        width, steps = len(fit.units), STEPS
        while steps and len(fit.places) <= MOST_FITTED:
            _left(deadline)
            steps -= 1
            right = fit.step()
            if right is None:
                return None
            if not right:
                continue
            known, wrong = set(fit.places), list[Place]()
            for candidate in fit.candidates():
                wrong = list(wrong_points(candidate, self.points, self.norm, size))
                if not wrong:
                    claim = Possible(width, size, False, candidate.network())
                    answer = self._on_balls(claim, deadline)
                    if isinstance(answer, Shown):
                        self._latest[width] = candidate
                        return answer
                    wrong = self._simple(candidate, answer, size)
            wrong = [place for place in dict.fromkeys(wrong) if place not in known]
            if not wrong:
                return None
            fit.add(wrong)
            steps = max(steps, STEPS // 2)
        return None

    def find_open(self, width: int, size: Fraction) -> Shown | None:
        """A network for all smaller budgets, shown on the open balls of this size; None if none was
        found, which says nothing."""
        around = self._around(width, size)
        if around is not None:
            return around
        deadline = self._deadline()
        for positive in self._order(width):
            try:
                found = self._open(width, positive, size, deadline)
            except UndecidedError:
                continue
            if found is not None:
                self._hopeful[width] = positive
                return found
        return None

    def _around(self, width: int, size: Fraction) -> Shown | None:
        """A network that is right on the cubes around these balls, if there is one: of cubes a few
        points, their corners, say everything."""
        radius = rational_root(size) if self.norm == "2" else size
        if self.norm == "inf" or radius is None:
            return None
        found = Finder(self.points, "inf", self.seconds, self.progress).find_open(width, radius)
        if found is None or not isinstance(found.claim, Possible):
            return None
        return self.shown_open(found.claim, size)

    def shown_open(self, claim: Possible, size: Fraction) -> Shown | None:
        """The same network on the open balls of this size, if it is right there."""
        grown = Possible(claim.width, size, True, claim.network)
        try:
            found = self._on_balls(grown, self._deadline())
        except UndecidedError:
            return None
        return found if isinstance(found, Shown) else None

    def show_family(self, claim: Below | Possible) -> Shown:
        """The family, or the network, shown; raises UserError where it is wrong, none, or
        undecided."""
        try:
            answer = self._answered(claim, self._deadline())
        except (RefusedError, UndecidedError) as why:
            raise UserError(f"the family: {why}") from None
        if isinstance(answer, Shown):
            return answer
        sample, place = answer[0]
        if isinstance(claim, Possible):
            inputs = ", ".join(map(format_rational, place))
            raise UserError(f"the network does not read the label of sample {sample} at ({inputs})")
        place = _simple_where(claim, self.points, self.norm, sample, place)
        inputs = ", ".join(map(format_rational, place))
        raise UserError(
            f"the family does not read the label of sample {sample} at its inputs ({inputs}), the "
            "last of which is what is left of the budget"
        )

    def find_below(self, width: int, size: Fraction) -> Shown | None:
        """A family of networks, one for each smaller budget, shown; None if none was found, which
        says nothing."""
        end = rational_root(size) if self.norm == "2" else size
        if end is None:
            return None
        deadline = self._deadline()
        found: list[Shown] = []

        def answered(claim: Below) -> list[Place]:
            claim = replace(claim, size=size)
            answer = self._answered(claim, deadline)
            if isinstance(answer, Shown):
                found.append(answer)
                return []
            return [(k, _simple_where(claim, self.points, self.norm, k, place))
                    for k, place in answer]  # fmt: skip

        def ask(query: Query, nodes: int) -> Robust | Flip | None:
            try:
                return self._ask(query, deadline, nodes)
            except UndecidedError:
                _left(deadline)
                return None

        try:
            corners = list(_corners("1" if self.norm == "1" else "inf", self.points.dimension))
            signs = self._order(width)
            family(self.points, width, end, signs, corners, ask, answered, self.progress)
        except UndecidedError:
            return None
        return found[0] if found else None

    # -- closed balls ----------------------------------------------------------------------------

    def _settle(
        self,
        width: int,
        positive: int,
        size: Fraction,
        deadline: float | None,
        nodes: int | None = None,
    ) -> Shown | tuple[tuple[Place, ...], bytes]:
        places = self._start(width, size)
        for number in range(MOST_ROUNDS):
            self.progress(
                f"width {width}, {positive} of positive weight: {len(places)} points, "
                f"round {number + 1}"
            )
            query = self._dual(width, positive, places)
            verdict = self._ask(query, deadline, nodes)
            if isinstance(verdict, Robust):
                self._keep(width, size, places)
                return self._fewer(width, positive, places, query, verdict)
            candidate = self._candidate(verdict, positive)
            known = set(places)
            wrong = [p for p in wrong_points(candidate, self.points, self.norm, size)
                     if p not in known]  # fmt: skip
            if not wrong:
                answer = self._on_balls(Possible(width, size, False, candidate.network()), deadline)
                if isinstance(answer, Shown):
                    self._keep(width, size, places)
                    self._latest[width] = candidate
                    return answer
                wrong = [p for p in self._simple(candidate, answer, size) if p not in known]
            if not wrong:
                raise UndecidedError("the same points again")
            places += wrong
        raise UndecidedError(f"{MOST_ROUNDS} rounds of points")

    def _dual(self, width: int, positive: int, places: Sequence[Place]) -> Query:
        labels = [int(self.points.labels[sample]) for sample, _ in places]
        where = [point for _, point in places]
        return dual_question(where, labels, self.points.classes, positive, width - positive)

    def _ask(self, query: Query, deadline: float | None, nodes: int | None = None) -> Robust | Flip:
        outcome = verify(query, Options(timeout=_left(deadline), nodes=nodes))
        if isinstance(outcome.verdict, Undecided):
            raise UndecidedError(outcome.verdict.reason)
        return outcome.verdict

    def _candidate(self, flip: Flip, positive: int) -> Candidate:
        return Candidate.of(flip.point, self.points.dimension, self.points.classes, positive)

    def _on_balls(self, claim: Possible, deadline: float | None) -> Shown | list[Place]:
        """The claim, shown, or points of balls at which the network is wrong."""
        return self._answered(claim, deadline)

    def _answered(self, claim: Possible | Below, deadline: float | None) -> Shown | list[Place]:
        """The claim, shown, or inputs of its network that are wrong, with their samples."""
        queries = questions_of(claim, self.points, self.norm)
        outcomes = verify_batch(claim.network, queries, Options(timeout=_left(deadline)))
        flips = [
            (k, outcome.verdict.point)
            for k, outcome in enumerate(outcomes)
            if isinstance(outcome.verdict, Flip)
        ]
        if flips:
            return flips
        texts = []
        for query, outcome in zip(queries, outcomes, strict=True):
            if not isinstance(outcome.verdict, Robust):
                raise UndecidedError("a ball of the network found is undecided")
            texts.append(text_of(query, outcome.verdict))
        return shown(claim, self.points, self.norm, texts)

    def _simple(self, candidate: Candidate, flips: Iterable[Place], size: Fraction) -> list[Place]:
        """The flips, moved to points with smaller denominators where one is wrong as well."""
        found, classes = [], self.points.classes
        for sample, point in flips:
            label = int(self.points.labels[sample])

            def wrong(x: tuple[Fraction, ...], label: int = label) -> bool:
                return candidate.margin(label, classes, x) <= 0

            moved = simple_point(self.points.point(sample), point, self.norm, size, wrong)
            found.append((sample, moved or point))
        return found

    def _fewer(
        self, width: int, positive: int, places: list[Place], query: Query, verdict: Robust
    ) -> tuple[tuple[Place, ...], bytes]:
        """The points that the proof uses, and a proof about these alone."""
        atoms = query.goals[0].atoms
        used = {
            atoms[number].outputs[0][0]
            for tree in verdict.trees
            for node in tree
            if isinstance(node.body, Leaf)
            for number in node.body.atoms
            if atoms[number].outputs
        }
        kept = [place for k, place in enumerate(places) if k in used] or places
        smaller = self._dual(width, positive, kept)
        again = verify(smaller, Options(timeout=self.seconds)).verdict
        if isinstance(again, Robust):
            return tuple(kept), text_of(smaller, again)
        return tuple(places), text_of(query, verdict)

    # -- open balls ------------------------------------------------------------------------------

    def _open(
        self, width: int, positive: int, size: Fraction, deadline: float | None
    ) -> Shown | None:
        """Points of the spheres may be ties, those inside must be right."""
        places = self._start(width, size)
        inside = [(k, _between(self.points.point(k), point)) for k, point in places]
        places += [place for place in dict.fromkeys(inside) if place not in set(places)]
        for number in range(MOST_OPEN_ROUNDS):
            self.progress(
                f"width {width}, {positive} of positive weight: {len(places)} points, open balls, "
                f"round {number + 1}"
            )
            verdict = self._ask(self._weakened(width, positive, places, size), deadline)
            if isinstance(verdict, Robust):
                return None
            candidate = self._candidate(verdict, positive)
            claim = Possible(width, size, True, candidate.network())
            answer = self._on_balls(claim, deadline)
            if isinstance(answer, Shown):
                return answer
            known = set(places)
            fresh = []
            for sample, point in self._simple(candidate, answer, size):
                center = self.points.point(sample)
                fresh += [(sample, point), (sample, self._outwards(center, point, size))]
            fresh += list(wrong_points(candidate, self.points, self.norm, size))
            fresh = [p for p in dict.fromkeys(fresh) if p not in known]
            if not fresh:
                return None
            places += fresh
        return None

    def _weakened(
        self, width: int, positive: int, places: Sequence[Place], size: Fraction
    ) -> Query:
        """The dual question with ties allowed on the spheres."""
        query = self._dual(width, positive, places)
        weak = {
            k
            for k, (sample, point) in enumerate(places)
            if distance(self.norm, self.points.point(sample), point) >= size
        }
        goal = query.goals[0]
        atoms = tuple(
            replace(atom, strict=False) if atom.outputs and atom.outputs[0][0] in weak else atom
            for atom in goal.atoms
        )
        return Query(query.network, query.region, (replace(goal, atoms=atoms),))

    def _outwards(
        self, center: tuple[Fraction, ...], point: tuple[Fraction, ...], size: Fraction
    ) -> tuple[Fraction, ...]:
        """The point of the sphere beyond this one, where it is rational."""
        away = distance(self.norm, center, point)
        factor = rational_root(size / away) if away and self.norm == "2" else None
        if self.norm != "2" and away:
            factor = size / away
        if factor is None:
            return point
        return tuple(c + factor * (x - c) for c, x in zip(center, point, strict=True))

    # -- points that are kept --------------------------------------------------------------------

    def _start(self, width: int, size: Fraction) -> list[Place]:
        """The centers, and points found before, moved with the radius."""
        centers = [(k, self.points.point(k)) for k in range(self.points.size)]
        unit = rational_root(size) if self.norm == "2" else size
        if not unit:
            return centers
        corners = [
            (sample, direction)
            for sample in range(self.points.size)
            for direction in _corners(self.norm, self.points.dimension)
        ]
        moved = [
            (sample, _moved(self.points.point(sample), unit, direction))
            for sample, direction in [*corners, *self._pool.get(width, [])]
        ]
        return list(dict.fromkeys([*centers, *moved]))

    def _keep(self, width: int, size: Fraction, places: Sequence[Place]) -> None:
        unit = rational_root(size) if self.norm == "2" else size
        if not unit:
            return
        pool = self._pool.setdefault(width, [])
        known = set(pool)
        for sample, point in places:
            center = self.points.point(sample)
            direction = tuple((x - c) / unit for x, c in zip(point, center, strict=True))
            simple = all(d.denominator <= 64 for d in direction)
            if any(direction) and simple and (sample, direction) not in known:
                pool.append((sample, direction))
                known.add((sample, direction))

    def _deadline(self) -> float | None:
        return None if self.seconds is None else monotonic() + self.seconds


def _corners(norm: Norm, dimension: int) -> Iterator[tuple[Fraction, ...]]:
    """Directions to the corners of a unit ball, of norm 2 to where axes meet it; of cubes in many
    dimensions none."""
    one, zero = Fraction(1), Fraction(0)
    if norm == "inf":
        yield from product((-one, one), repeat=dimension) if dimension <= CUBE_DIMENSIONS else ()
        return
    for k in range(dimension):
        for side in (-one, one):
            yield tuple(side if j == k else zero for j in range(dimension))


def _moved(
    center: tuple[Fraction, ...], unit: Fraction, direction: tuple[Fraction, ...]
) -> tuple[Fraction, ...]:
    return tuple(c + unit * d for c, d in zip(center, direction, strict=True))


def _between(center: tuple[Fraction, ...], point: tuple[Fraction, ...]) -> tuple[Fraction, ...]:
    return tuple((c + x) / 2 for c, x in zip(center, point, strict=True))


def _simple_where(
    claim: Below, points: Points, norm: Norm, sample: int, place: tuple[Fraction, ...]
) -> tuple[Fraction, ...]:
    """A point (z, e) with smaller denominators near this one at which the family is wrong, too."""
    query = questions_of(claim, points, norm)[sample]
    for below in (4, 16, 64, 1024, 1 << 20):
        moved = tuple(Fraction(round(q * below), below) for q in place)
        outputs = claim.network(list(moved)).tolist()
        wrong = any(all(a.holds(moved, outputs) for a in goal.atoms) for goal in query.goals)
        if wrong and query.region.contains(moved):
            return moved
    return place


def _left(deadline: float | None) -> float | None:
    if deadline is None:
        return None
    left = deadline - monotonic()
    if left <= 0:
        raise UndecidedError("timeout")
    return left

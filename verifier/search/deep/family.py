"""Proofs about a whole family, lifted from proofs about single members.

At the last parameter, mostly half the separation, all that holds for every smaller one is tight,
and D is zero: a proof about a ball a little smaller names the units that matter, how to split them,
and the slopes. The same trees are then read at both ends of the interval: each lemma gets the two
values that its own leaves reach, and the goals are tried. Lemmas of several members add up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from functools import partial
from time import monotonic

from verifier.checker.family import FamilyChecker, family_roots, family_scaled
from verifier.checker.intervals import (
    FamilyRoots,
    chunks,
    renewed,
)
from verifier.checker.scaled import ScaledNetwork
from verifier.evidence.certificate import InputSplit, Leaf, MaximaStep, Node, Robust, Step, Tree
from verifier.question.errors import RefusedError
from verifier.question.family import FamilyQuery
from verifier.question.network import Network
from verifier.search.clock import LateError, check_time
from verifier.search.deep.ball_rows import deciding_lemmas, rows_of
from verifier.search.deep.fixed_sums import SumSearch
from verifier.search.deep.lifting import Lifting, holds
from verifier.search.deep.propagation import Propagation
from verifier.search.deep.ridge_sums import is_worth_trying
from verifier.search.deep.slices import Slice, slice_at

SHARES = tuple(Fraction(*pair) for pair in ((1023, 1024), (1, 2), (1, 16), (1, 256), (15, 16)))
"""Of the way from the first to the last parameter: the slices that are looked at."""
HALVINGS = 3
"""Of the interval, as often one after another, where no slice shows how to prove all of it."""
ROUNDING = Fraction(1, 1 << 16)
"""Of a bound: sums in fixed point, whose numbers have 29 bits, lose less."""
LEAF: Tree = (Node((), Leaf()),)


def family_proofs(
    queries: Sequence[FamilyQuery], timeout: float | None = None
) -> list[Robust | None]:
    """Of questions about one family a proof each, None where none was found. Nothing of it is
    checked yet."""
    scaled = family_scaled(queries[0].network, queries)
    search, found = FamilySearch(queries[0].network), dict[int, Robust | None]()
    for part in chunks(scaled, len(queries)):
        roots = family_roots(scaled, queries[part])
        for place, proof in search.run(queries[part], scaled, roots, timeout):
            found[part.start + place] = proof
    return [found[k] for k in range(len(queries))]


def without_search(query: FamilyQuery) -> Robust:
    """The proof that bounds are enough, which may be none."""
    return Robust((), (LEAF,) * len(query.goals))


class FamilySearch:
    """Looks for proofs about many balls of one family."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._scaled: dict[int, ScaledNetwork] = {}  # by denominator

    def run(
        self,
        queries: Sequence[FamilyQuery],
        scaled: ScaledNetwork,
        roots: Sequence[FamilyRoots],
        timeout: float | None = None,
        *,
        untried: bool = False,
    ) -> Iterator[tuple[int, Robust | None]]:
        """The number of each query and a proof, or None where none was found. `timeout` is in
        seconds a query. With `untried`, a proof that floats make plain is handed over as it is, for
        trying it here takes as long as replaying it: ask again if it is refused."""
        for k, query in enumerate(queries):
            deadline = None if timeout is None else monotonic() + timeout
            own = renewed(roots[k])
            attempt = _Attempt(query, scaled, own, partial(self._slice, query, own), deadline)
            attempt.untried = untried
            try:
                yield k, attempt.run()
            except (LateError, RefusedError):  # or its arithmetic does not hold the numbers
                yield k, None

    def _slice(self, query: FamilyQuery, roots: FamilyRoots, share: Fraction) -> Slice:
        denominator = roots[0].scaled.denominator * share.denominator
        if denominator not in self._scaled:
            self._scaled[denominator] = ScaledNetwork(self._network, denominator, family=True)
        return slice_at(query, self._scaled[denominator], roots, share)


class _Attempt:
    """The search about one query."""

    def __init__(
        self,
        query: FamilyQuery,
        scaled: ScaledNetwork,
        roots: FamilyRoots,
        slice_of: Callable[[Fraction], Slice],
        deadline: float | None,
    ) -> None:
        self._checker = FamilyChecker(query, scaled, roots)
        self._slice_of, self._deadline = slice_of, deadline
        self._goals = query.goals
        self._steps: list[Step] = []
        self._trees: list[Tree | None] = [None] * len(self._goals)
        self.untried = False  # see `FamilySearch.run`

    def run(self) -> Robust | None:
        if self._is_done():
            return self._proof()
        for number, share in enumerate(SHARES):
            check_time(self._deadline)
            tries = self._slice_of(share)
            if number == 0 and self._closed_forward(tries):
                return self._proof()
            propagation = Propagation(tries, self._deadline, separable=False)
            propagation.run_quickly()
            lifting = Lifting(self._checker)
            if self._closed(lifting, propagation, 0):
                return self._proof()
            if number == 0 and (self._closed_by_exact_sums(tries) or self._closed_by_maxima()):
                return self._proof()
            done = len(propagation.steps)
            propagation.run_thoroughly()
            if self._closed(lifting, propagation, done):
                return self._proof()
            # Other units matter once these lemmas are known.
            propagation = Propagation(tries, self._deadline, separable=False)
            propagation.run()
            if self._closed(lifting, propagation, 0):
                return self._proof()
        for number, tree in enumerate(self._trees):
            if tree is None:
                self._trees[number] = self._by_halves(number, (Fraction(0), Fraction(1)), HALVINGS)
                if self._trees[number] is None:
                    return None
        return self._proof()

    def _by_halves(self, number: int, part: tuple[Fraction, Fraction], depth: int) -> Tree | None:
        """A tree of the goal on this part of the interval, which is that of the current branch,
        split in the middle as often as `depth` says: on less of it chords are nearer to what they
        bound."""
        cone, checker = self._checker.query.cone, self._checker
        middle = (part[0] + part[1]) / 2
        split = InputSplit(checker.inputs - 1, cone.first + middle * (cone.last - cone.first))
        sides: list[Tree] = []
        for high, half in ((False, (part[0], middle)), (True, (middle, part[1]))):
            mark = checker.mark()
            checker.restrict(split, high=high)
            side = self._on_part(number, half)
            if side is None and depth > 1:
                side = self._by_halves(number, half, depth - 1)
            checker.undo(mark)
            if side is None:
                return None
            sides.append(side)
        return (Node((), split), *sides[0], *sides[1])

    def _on_part(self, number: int, part: tuple[Fraction, Fraction]) -> Tree | None:
        """A tree of the goal by the lemmas and trees of slices of this part alone."""
        checker, goal = self._checker, self._goals[number]
        mark = checker.mark()
        if holds(checker, LEAF, goal):
            return LEAF
        found: list[Step] = []
        for share in SHARES[:2]:
            check_time(self._deadline)
            tries = self._slice_of(part[0] + share * (part[1] - part[0]))
            propagation = Propagation(tries, self._deadline, separable=False)
            propagation.run()
            lifting = Lifting(checker)
            found += lifting.steps(propagation.steps)
            tree = propagation.trees[number]
            lifted = [LEAF] if tree is None else [LEAF, lifting.tree(tree, goal)]
            for first, *rest in lifted:
                whole = (Node((*found, *first.steps), first.body), *rest)
                if holds(checker, (first, *rest), goal):
                    checker.undo(mark)
                    return whole
        checker.undo(mark)
        return None

    def _closed(self, lifting: Lifting, propagation: Propagation, done: int) -> bool:
        """Whether the goals are proved with the steps from `done` on and the trees of a slice."""
        self._steps += lifting.steps(propagation.steps[done:])
        for number, (tree, goal) in enumerate(zip(propagation.trees, self._goals, strict=True)):
            if not self._holds(number) and tree is not None:
                lifted = lifting.tree(tree, goal)
                if holds(self._checker, lifted, goal):
                    self._trees[number] = lifted
        return self._is_done()

    def _holds(self, number: int) -> bool:
        """Whether the goal has a tree that holds with all steps so far; of two bounds of a unit
        that cross, the later one is kept, and a tree may have needed the other."""
        tree = self._trees[number]
        if tree is not None and not holds(self._checker, tree, self._goals[number]):
            tree = self._trees[number] = None
        return tree is not None

    def _closed_forward(self, tries: Slice) -> bool:
        """By what a ball of norm 1 or 2 means for units that read inputs alone, which is mostly
        much more than its box does, and what follows for maxima."""
        if tries.region.norm == "inf" or is_worth_trying(tries):
            return False
        if self._closed_by_rows():
            return True
        propagation = Propagation(tries, self._deadline, sums=False)
        propagation.run_forward()
        return self._closed(Lifting(self._checker), propagation, 0) or self._closed_by_maxima()

    def _closed_by_rows(self) -> bool:
        """By as few of these units as decide what reads them: of what matters to a maximum, or of
        all. Nothing is kept if they are not enough."""
        checker = self._checker
        rows = rows_of(checker.scaled)
        if rows is None:
            return False
        mark, count = checker.mark(), len(self._steps)
        for every in (False, True):
            check_time(self._deadline)
            lemmas, plain = deciding_lemmas(checker, rows, every=every)
            self._steps += lemmas
            if self.untried and plain:
                self._steps.append(MaximaStep())
                self._trees = [LEAF] * len(self._goals)
                return True
            for lemma in lemmas:
                checker.assume(lemma)
            if self._closed_by_maxima():
                return True
            checker.undo(mark)
            del self._steps[count:]
        return False

    def _closed_by_exact_sums(self, tries: Slice) -> bool:
        """By sums of ridge functions that are as small as any, and what follows for maxima."""
        if tries.region.norm == "inf" or not is_worth_trying(tries):
            return False
        try:
            lemmas = SumSearch(tries, self._deadline).exact_ones(self._is_tight)
        except RefusedError:  # numbers that the arrays do not hold
            return False
        self._steps += Lifting(self._checker).steps(lemmas)
        return self._closed_by_maxima()

    def _is_tight(self, unit: int) -> bool:
        """Whether the unit is on at the first parameter, and at the last but for rounding."""
        first, last = (end.lower(unit) for end in self._checker.ends)
        return first > 0 > last > -first * ROUNDING

    def _closed_by_maxima(self) -> bool:
        try:
            changes = self._checker.tighten_maxima(lambda: check_time(self._deadline))
        except RefusedError:  # more maxima than a network of that size can need
            return False
        if changes:
            self._steps.append(MaximaStep())
        return self._is_done()

    def _is_done(self) -> bool:
        for number, goal in enumerate(self._goals):
            if not self._holds(number) and holds(self._checker, LEAF, goal):
                self._trees[number] = LEAF
        return all(tree is not None for tree in self._trees)

    def _proof(self) -> Robust:
        return Robust(tuple(self._steps), tuple(tree for tree in self._trees if tree is not None))

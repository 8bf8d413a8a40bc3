"""Trees of splits, lemmas and leaves in one branch after another.

A tree shows that no point of the branch satisfies its goal, or violates its lemma.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from itertools import islice

from verifier.checker.branch import Snapshot
from verifier.checker.intervals import RootBounds
from verifier.checker.leaf import LeafChecker
from verifier.checker.put_off import PutOff
from verifier.checker.scaled import ScaledNetwork
from verifier.evidence.certificate import (
    Conflict,
    InputSplit,
    Lemma,
    MaximaStep,
    PairLemma,
    PlaneSplit,
    SeparableStep,
    Split,
    Step,
    SumsStep,
    SymbolicLeaf,
    SymbolicStep,
    Tree,
    UnitSplit,
)
from verifier.question.errors import RefusedError
from verifier.question.query import Goal, Query

BATCH = 256  # symbolic leaves that are checked together
AHEAD = 64  # boxes that are tightened together
_SPLITS = (UnitSplit, InputSplit, PlaneSplit)


class TreeChecker(LeafChecker):
    """The state of one proof. The replay has its own; the search has another, to try out trees."""

    def __init__(self, query: Query, scaled: ScaledNetwork, root: RootBounds) -> None:
        super().__init__(query, scaled, root)
        self._put_off: list[tuple[Snapshot, Goal, int]] = []
        self._ahead: Iterator[Snapshot] = iter(())  # of the tree that is being checked
        self._leaves: PutOff | None = None
        self._depth = 0  # of trees in trees

    def put_off_leaves(self) -> None:
        """From the root state on, leaves are put off to be checked many at a time, where that is
        possible; `finish` says whether all of them close."""
        if PutOff.supports(self):
            self._leaves = PutOff(self)

    def apply(self, lemma: Step) -> None:
        """Proves the lemma in the current branch, then tightens."""
        if isinstance(lemma, SymbolicStep):
            self._tighten_ahead()
            self.tighten_symbolically()
            return
        if isinstance(lemma, MaximaStep):
            self.tighten_maxima()
            return
        if isinstance(lemma, SumsStep):
            self.tighten_sums(lemma)
            return
        if isinstance(lemma, SeparableStep):
            self.tighten_separably(lemma)
            return
        if isinstance(lemma, PairLemma):
            raise RefusedError("pair outside a family", f"lemma about unit {lemma.unit}")
        self._checked(lemma.unit)
        self.refute(lemma.tree, lemma)
        self.assume(lemma)

    def finish(self) -> None:
        """Checks the leaves that have been put off to be checked many at a time: the symbolic ones,
        and, after `put_off_leaves`, most others."""
        if self._leaves is not None:
            self._leaves.finish()
        by_branch: dict[Hashable, list[tuple[Snapshot, Goal, int]]] = {}
        for leaf in self._put_off:
            by_branch.setdefault(leaf[0].key(), []).append(leaf)
        self._put_off = []
        leaves = [leaf for group in by_branch.values() for leaf in group]
        for begin in range(0, len(leaves), BATCH):
            if not self.closed_symbolically(leaves[begin : begin + BATCH]).all():
                raise RefusedError("bound too weak", "a symbolic leaf does not close")

    def _tighten_ahead(self) -> None:
        """Tightens this branch together with those that the tree comes to next, if they are known:
        what is left for `tighten_symbolically` is to look it up. The bounds of a branch do not
        depend on the others that are computed beside them."""
        here = self.snapshot()
        if self.knows(here):
            return
        coming = list(islice(self._ahead, AHEAD))
        if here.key() in {snapshot.key() for snapshot in coming}:
            branches = self.branches(coming)
            branches.tighten()
            keys = {number: snapshot.key() for number, snapshot in enumerate(coming)}
            self.remember(branches, keys)

    def _symbolic_branches(self, tree: Tree, above: Snapshot) -> Iterator[Snapshot]:
        """The branches, in their order, of the nodes of a tree below `above` that begin with a
        symbolic step and have no step above them in the tree. What is wrong with the tree is found
        out where it is checked."""
        scout = LeafChecker(self.query, self.scaled, self.root)
        scout.copy(above)
        waiting: list[tuple[tuple[int, int], Split, bool]] = []
        changed = False
        for node in tree:
            if node.steps and not changed and isinstance(node.steps[0], SymbolicStep):
                yield scout.snapshot()
            if isinstance(node.body, _SPLITS):
                changed = changed or bool(node.steps)
                waiting.append((scout.mark(), node.body, changed))
                if not _enters(scout, node.body, high=False):
                    return
            elif waiting:
                mark, split, changed = waiting.pop()
                scout.undo(mark)
                if not _enters(scout, split, high=True):
                    return

    def refute(self, tree: Tree, target: Goal | Lemma) -> None:
        """Shows that no point of the current branch satisfies the goal or violates the lemma."""
        before = self.mark()
        if self._leaves is not None and not self._depth:
            self._leaves.settle()
        self._depth += 1
        if isinstance(target, Goal) and len(tree) > 1:
            begins = any(node.steps and isinstance(node.steps[0], SymbolicStep) for node in tree)
            above = self.snapshot() if begins else None  # of large networks it takes long
            self._ahead = iter(()) if above is None else self._symbolic_branches(tree, above)
        waiting: list[tuple[tuple[int, int], Split]] = []
        position, finished = 0, False
        while not finished:
            if position == len(tree):
                raise RefusedError("malformed tree", "a side of a split is not proved")
            node = tree[position]
            position += 1
            for step in node.steps:
                self.apply(step)
            if isinstance(node.body, _SPLITS):
                waiting.append((self.mark(), node.body))
                self.restrict(node.body, high=False)
                continue
            if isinstance(node.body, Conflict):
                v = self._checked(node.body.unit)
                if not self.contradicts(v):
                    raise RefusedError("no conflict", f"the bounds of unit {v} do not contradict")
            elif isinstance(node.body, SymbolicLeaf):
                self._put_off_leaf(node.body, target)
            elif self._leaves is None or not self._leaves.put(node.body, target):
                self.close(node.body, target)
            if waiting:
                mark, split = waiting.pop()
                self.undo(mark)
                self.restrict(split, high=True)
            else:
                finished = True
        if position < len(tree):
            raise RefusedError("malformed tree", "a node belongs to no split")
        self._depth -= 1
        self.undo(before)

    def _put_off_leaf(self, leaf: SymbolicLeaf, target: Goal | Lemma) -> None:
        if isinstance(target, Lemma):
            raise RefusedError("symbolic leaf in a lemma", f"lemma about unit {target.unit}")
        if leaf.atom not in range(len(target.atoms)):
            raise RefusedError("index out of range", f"atom {leaf.atom} of {len(target.atoms)}")
        self.symbolic()
        self._put_off.append((self.snapshot(), target, leaf.atom))


def _enters(scout: LeafChecker, split: Split, *, high: bool) -> bool:
    """Enters a side of the split, if it is one."""
    try:
        scout.restrict(split, high=high)
    except RefusedError:
        return False
    return True

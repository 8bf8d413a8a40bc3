"""Symbolic steps of a tree are computed many at a time, for exactly the branches that have them,
and each gives what it gives alone; symbolic leaves are closed many at a time."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from tests.oracles.maxima_networks import checker_of
from verifier.checker.intervals import interval_bounds
from verifier.checker.replay import replay
from verifier.checker.scaled import ScaledNetwork
from verifier.checker.tree import TreeChecker
from verifier.evidence.certificate import (
    InputSplit,
    Leaf,
    Lemma,
    Node,
    PairLemma,
    Robust,
    SymbolicLeaf,
    SymbolicStep,
    UnitSplit,
)
from verifier.question.build import NetworkBuilder
from verifier.question.errors import RefusedError
from verifier.question.query import Atom, Goal, Query
from verifier.question.region import box

F = Fraction
LEFT = F(-1)
STEP = SymbolicStep()
CLOSED, PLAIN = Node((STEP,), Leaf(usual=True)), Node((), Leaf(usual=True))


def query_of(constant: int) -> Query:
    """(u + v + 1)+ < constant for u = (x - y)+, v = (y - x / 2 + 1)+ on [-1, 1]^2, at most 7/2."""
    build = NetworkBuilder(2)
    x, y = build.inputs
    u, v = build.layer([x - y, y - x * F(1, 2) + 1])
    (w,) = build.layer([u + v + 1])
    goal = Goal((Atom((), ((0, F(1)),), F(-constant), False),), "above")
    return Query(build.network([w]), box([F(-1)] * 2, [F(1)] * 2), (goal,))


def cut(at: Fraction, low: Any, high: Any, *steps: Any) -> tuple[Node, ...]:
    return (Node(steps, InputSplit(0, at)), *low, *high)


def slices(count: int, body: Node, first: Fraction = LEFT) -> tuple[Node, ...]:
    """`count` sides of the cuts of x between `first` and 1, each with this body."""
    if count == 1:
        return (body,)
    width = (1 - first) / count
    return cut(first + width, (body,), slices(count - 1, body, first + width))


def batches(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many branches are bounded together, call by call, from here on."""
    found: list[int] = []
    branches = TreeChecker.branches

    def counted(self: TreeChecker, snapshots: Any) -> Any:
        found.append(len(snapshots))
        return branches(self, snapshots)

    monkeypatch.setattr(TreeChecker, "branches", counted)
    return found


def bounds_at_leaves(tree: tuple[Node, ...], *before: Any) -> list[Any]:
    query, found = query_of(50), []

    class Noted(TreeChecker):
        def close(self, leaf: Any, target: Any) -> None:
            found.append([(F(self.lower(v)), F(self.upper(v))) for v in range(3)])
            super().close(leaf, target)

    scaled = ScaledNetwork(query.network, 1)
    checker = Noted(query, scaled, interval_bounds(scaled, [query.region])[0])
    for step in before:
        checker.apply(step)
    checker.refute(tree, query.goals[0])
    return found


SPLIT_LEMMA = Lemma(0, True, F(2), (Node((), InputSplit(1, F(0))), PLAIN, PLAIN))
LEMMA = Lemma(0, True, F(2), (PLAIN,))
TREES = {
    "a step alone": ((CLOSED,), [1]),
    "two sides": (cut(F(0), (CLOSED,), (CLOSED,)), [2]),
    "a side without": (cut(F(0), (PLAIN,), cut(F(1, 2), (CLOSED,), (CLOSED,))), [2]),
    "as many as are taken together": (slices(64, CLOSED), [64]),
    "and more": (slices(131, CLOSED), [64, 64, 3]),
    "by units": ((Node((), UnitSplit(0)), CLOSED, *cut(F(0), (CLOSED,), (PLAIN,))), [2]),
    "steps above steps": (
        cut(F(0), cut(F(-1, 2), (CLOSED,), (CLOSED,), STEP), (CLOSED,)),
        [2, 1, 1],
    ),
    "a lemma above": (cut(F(0), cut(F(-1, 2), (CLOSED,), (CLOSED,), LEMMA), (CLOSED,)), [1, 1, 1]),
    "a lemma beside": (
        cut(F(0), (Node((SPLIT_LEMMA,), Leaf(usual=True)),), cut(F(1, 2), (CLOSED,), (CLOSED,))),
        [2],
    ),
    "a lemma before": (cut(F(0), (Node((LEMMA, STEP), Leaf()),), (CLOSED,)), [1, 1]),
}


@pytest.mark.parametrize("name", TREES)
def test_branches_are_bounded_together_and_once(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    tree, sizes = TREES[name]
    found = batches(monkeypatch)
    together = bounds_at_leaves(tree)
    assert found == sizes
    monkeypatch.setattr(TreeChecker, "_tighten_ahead", lambda self: None)
    assert bounds_at_leaves(tree) == together


def test_a_step_before_the_tree_is_above_all_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    tree = cut(F(0), (CLOSED,), (CLOSED,))
    found = batches(monkeypatch)
    bounds_at_leaves(tree, STEP)
    assert found == [1, 2]
    found.clear()
    bounds_at_leaves(tree, Lemma(2, True, F(4), (PLAIN,)))  # intervals say 11/2
    assert found == [2]


def test_nothing_is_bounded_beyond_a_split_that_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = (Node((), UnitSplit(3)), CLOSED, CLOSED)
    found = batches(monkeypatch)
    with pytest.raises(RefusedError, match="index out of range"):
        bounds_at_leaves(cut(F(0), (CLOSED,), wrong))
    assert found == [1]


def test_symbolic_leaves_are_closed_many_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    closed = Node((), SymbolicLeaf(0))
    for constant, accepted in ((5, True), (3, False)):
        query, found = query_of(constant), batches(monkeypatch)
        checker = checker_of(query)
        checker.refute(slices(300, closed), query.goals[0])
        if accepted:
            checker.finish()
            assert found == [256, 44]
        else:
            with pytest.raises(RefusedError, match="a symbolic leaf does not close"):
                checker.finish()
            assert found[-1] == 256  # the first side reaches 7/2


def test_a_network_too_large_is_refused_at_its_first_leaf(monkeypatch: pytest.MonkeyPatch) -> None:
    query = query_of(9)
    monkeypatch.setattr("verifier.checker.branch.refusal", lambda network: "too large")
    for node in (Node((), SymbolicLeaf(0)), CLOSED):
        with pytest.raises(RefusedError, match="unsupported: symbolic bounds: too large"):
            checker_of(query).refute((node,), query.goals[0])


def test_a_lemma_about_a_family_is_none_about_a_ball() -> None:
    query = query_of(9)
    step = PairLemma(2, True, (F(9), F(9)), (PLAIN,))
    inside = Node((step,), Leaf(usual=True))
    for verdict in (Robust((step,), ((PLAIN,),)), Robust((), ((inside,),))):
        with pytest.raises(RefusedError, match="pair outside a family"):
            replay(query, verdict)
    replay(query, Robust((), ((PLAIN,),)))


def test_what_is_computed_beforehand_is_both_or_is_computed_again() -> None:
    query, verdict = query_of(9), Robust((), ((PLAIN,),))
    scaled = ScaledNetwork(query.network, 1)
    (root,) = interval_bounds(scaled, [query.region])
    replay(query, verdict, scaled, root)
    replay(query, verdict, scaled=scaled)
    replay(query, verdict, root=root)


def test_a_tree_without_symbolic_steps_looks_at_no_branch_ahead(monkeypatch):
    """Of a large network the bounds of a branch are many; steps behind others look at none."""
    taken = []
    snapshot = TreeChecker.snapshot
    monkeypatch.setattr(TreeChecker, "snapshot", lambda self: taken.append(self) or snapshot(self))
    query = query_of(4)
    for body, due in ((PLAIN, 0), (CLOSED, 1)):
        checker = checker_of(query)
        tree = slices(2, body)
        taken.clear()
        checker.refute(tree, query.goals[0])
        assert bool(taken) == bool(due)


def test_a_tree_does_not_take_the_branches_of_another_for_its_own():
    query = query_of(4)
    checker = checker_of(query)
    checker._ahead = iter([checker.snapshot()])
    checker.refute(slices(2, PLAIN), query.goals[0])
    assert next(checker._ahead, None) is None

"""Conjunctions about all networks: what the search keeps, and that both answers are right."""

import random
from fractions import Fraction

import numpy as np
import pytest

from constructions.least.candidates import Candidate
from constructions.least.questions import dual_question
from verifier.checker.checked import checked
from verifier.evidence.certificate import Flip, Leaf, Robust
from verifier.question.query import Query
from verifier.search.options import Options
from verifier.search.trees.lessons import ROOM, Lessons
from verifier.search.trees.row_stack import SPARE, RowStack
from verifier.search.trees.walkers import Walkers
from verifier.tasks.verify import verify

LEAF = Leaf(atoms={0: Fraction(1)}, bounds={}, slopes={})


def test_a_lesson_closes_where_all_of_it_holds_and_forces_where_one_split_is_missing() -> None:
    lessons = Lessons(4)
    used = frozenset({(0, True), (1, False), (2, True)})
    lessons.add(used, LEAF)
    lessons.hold((0, True))
    assert lessons.closing() is None
    assert lessons.forced() is None
    lessons.hold((1, False))
    assert lessons.forced() == (2, True)
    lessons.hold((2, False))  # the side that was forced
    assert lessons.forced() is None
    assert lessons.closing() is None
    lessons.release((2, False))
    lessons.hold((2, True))
    assert lessons.closing() == (used, LEAF)
    for literal in ((2, True), (1, False)):
        lessons.release(literal)
    assert lessons.closing() is None
    assert lessons.forced() is None


def test_lessons_are_counted_from_where_they_are_learnt_and_beyond_the_first_room() -> None:
    lessons = Lessons(2)
    lessons.hold((0, True))
    for _ in range(ROOM):
        lessons.add(frozenset({(0, False), (1, True)}), LEAF)
    assert lessons.forced() is None  # each holds the other way
    used = frozenset({(0, True), (1, True)})
    lessons.add(used, LEAF)
    assert lessons.forced() == (1, True)
    lessons.hold((1, True))
    assert lessons.closing() == (used, LEAF)


def test_rows_that_were_cut_off_say_nothing_also_once_they_are_deleted() -> None:
    """x <= k / 100 for key k, margin to be had; the least k on the stack decides."""

    def made(key: int) -> tuple[list[Fraction], bool]:
        return [Fraction(-1), Fraction(key, 100)], True

    stack = RowStack[int](np.array([0.0]), np.array([1.0]), made)
    stack.push(90)
    below = stack.height
    for key in range(1, 89):
        stack.push(key)
        assert key in stack
        answer, duals = stack.solve()
        assert answer.columns is not None
        assert answer.columns[-1] == pytest.approx(key / 100)
        assert max(duals, key=lambda k: abs(duals[k])) == min(key, 90)
        stack.cut(below)
    assert stack.height == below
    answer, duals = stack.solve()
    assert answer.columns is not None
    assert answer.columns[-1] == pytest.approx(0.9)
    assert list(duals) == [90]
    assert len(stack._places) < 2 * SPARE


def test_walkers_come_to_a_point_of_a_narrow_cone() -> None:
    """0 < y < x / 20, behind a kink: relu(x) / 20 - y > 0."""
    walkers = Walkers(
        base=np.array([[0.0, -1.0], [0.0, 1.0]]),
        weights=np.array([[0.05], [0.0]]),
        pre=np.array([[1.0, 0.0]]),
        strict=np.array([True, True]),
        tie=1e-9,
    )
    found = walkers.walk(400)
    assert found is not None
    x, y = found
    assert 0 < y < x / 20
    assert x * x + y * y == pytest.approx(1)


def test_walkers_give_up_where_atoms_contradict() -> None:
    walkers = Walkers(
        base=np.array([[1.0], [-1.0]]),
        weights=np.zeros((2, 1)),
        pre=np.array([[1.0]]),
        strict=np.array([True, True]),
        tie=1e-9,
    )
    assert walkers.walk(20) is None


def _random_question(seed: int, points: int) -> tuple[Query, list[tuple[Fraction, ...]], list[int]]:
    rng = random.Random(seed)
    places = [tuple(Fraction(rng.randint(-64, 64), 64) for _ in range(2)) for _ in range(points)]
    labels = [rng.randint(0, 1) for _ in places]
    return dual_question(places, labels, 2, 1, 1), places, labels


def test_random_conjunctions_of_20_atoms_over_40_units_and_7_inputs_are_decided() -> None:
    """Labels at random: networks of two units give some of them and not others."""
    kinds = set()
    for seed in range(6):
        query, places, labels = _random_question(seed, 20)
        assert (query.network.inputs, query.network.units.count) == (7, 40)
        verdict = verify(query, Options(nodes=2000)).verdict
        kinds.add(type(verdict))
        if isinstance(verdict, Robust):
            checked(query, verdict)
            continue
        assert isinstance(verdict, Flip)
        network = Candidate.of(verdict.point, 2, 2, 1)
        assert all(network.margin(k, 2, x) > 0 for x, k in zip(places, labels, strict=True))
    assert kinds == {Flip, Robust}


def test_labels_of_a_network_are_found_by_walking() -> None:
    """A network of four units is behind the labels of 40 points: a tree of 64 nodes suffices."""
    rng = random.Random(5)
    units = [[rng.gauss(0, 1) for _ in range(3)] for _ in range(4)]
    places = [tuple(Fraction(rng.randint(-64, 64), 64) for _ in range(2)) for _ in range(40)]
    labels = []
    for x, y in places:
        h = [max(0.0, a * float(x) + b * float(y) + c) for a, b, c in units]
        labels.append(int(h[0] + h[1] - h[2] - h[3] > 0))
    verdict = verify(dual_question(places, labels, 2, 2, 2), Options(nodes=64)).verdict
    assert isinstance(verdict, Flip)

"""Verdicts about the network as floating point executes it."""

from fractions import Fraction
from itertools import permutations
from random import Random

import numpy as np
import pytest

from tests.oracle import find_flip
from tests.random_queries import points_of, random_query
from verifier.api import Options, verify
from verifier.builder import NetworkBuilder
from verifier.errors import UserError
from verifier.semantics import (
    ExecutedFlip,
    _error,
    execute,
    executed,
    is_number,
    unit_roundoff,
    verify_executed,
)
from verifier.trusted.certificate import Flip, Robust, Undecided
from verifier.trusted.fast import check_fast
from verifier.trusted.query import Atom, Goal, Query
from verifier.trusted.region import ball, box

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")  # of the search, in floats
F = Fraction
FORMATS = ("float32", "float64")


@pytest.mark.parametrize("semantics", FORMATS)
def test_numbers_of_the_format(semantics):
    kind = np.dtype(semantics).type
    info = np.finfo(semantics)
    rng = Random(3)
    for value in (info.max, info.tiny, info.smallest_subnormal, info.eps, kind(0), kind(-1.5)):
        assert is_number(F(float(value)), semantics)
    for _ in range(200):
        value = kind(rng.gauss(0, 1)) * kind(2.0 ** rng.randint(-60, 60))
        exact = F(float(value))
        assert is_number(exact, semantics) and is_number(-exact, semantics)
        assert not is_number(exact * (1 + unit_roundoff(semantics) / 2), semantics) or not exact
    for wrong in (F(1, 3), 2 * F(float(info.max)), F(float(info.smallest_subnormal)) / 2):
        assert not is_number(wrong, semantics)
    assert not is_number(F(2 ** (info.nmant + 2) + 1), semantics)


def test_sums_in_every_order_stay_within_the_error_bound():
    rng = Random(4)
    for _ in range(60):
        size = rng.randint(1, 5)
        scale = 2.0 ** rng.randint(-20, 20)
        w = np.array([rng.gauss(0, scale) for _ in range(size)], dtype=np.float32)
        z = np.array([rng.gauss(0, 1) for _ in range(size)], dtype=np.float32)
        bias = np.float32(-np.dot(w, z) * (1 + rng.gauss(0, 1e-6)))  # cancels
        exact = sum((F(float(a)) * F(float(b)) for a, b in zip(w, z, strict=True)), F(float(bias)))
        magnitude = sum(abs(F(float(a)) * F(float(b))) for a, b in zip(w, z, strict=True))
        bound = _error(size, magnitude + abs(F(float(bias))), "float32")
        terms = [a * b for a, b in zip(w, z, strict=True)] + [bias]
        for order in permutations(terms):
            total = np.float32(0)
            for term in order:
                total = np.float32(total + term)
            assert abs(F(float(total)) - exact) <= bound


def cancelling():
    """In real numbers the output is 1 everywhere; in float32, (x + 2^25 + 1) - 2^25 - x is not."""
    build = NetworkBuilder(1)
    x = build.inputs[0]
    (high,) = build.layer([x + 2**25])
    (sum_,) = build.layer([high + 1])
    return build.network([sum_ - 2**25 - x])


def test_real_and_float_semantics_differ():
    goal = Goal((Atom((), ((0, F(-1)),), F(1, 2), False),), "at most 1/2")
    query = Query(cancelling(), box([F(0)], [F(1)]), (goal,))
    assert isinstance(verify(query).verdict, Robust)
    found = verify_executed(query, "float32").verdict
    assert not isinstance(found, Robust)
    assert execute(query.network, [F(0)], "float32") == (F(0),)
    assert isinstance(verify_executed(query, "float64").verdict, Robust)


def test_a_flip_that_numpy_executes():
    build = NetworkBuilder(1)
    x = build.inputs[0]
    network = build.network(build.layer([x - F(1, 2)]))
    goal = Goal((Atom((), ((0, F(1)),), F(-1, 4), False),), "at least 1/4")
    query = Query(network, box([F(0)], [F(1)]), (goal,))
    found = verify_executed(query, "float32").verdict
    assert isinstance(found, ExecutedFlip)
    assert query.region.contains(found.point) and all(is_number(v, "float32") for v in found.point)
    assert execute(network, found.point, "float32") == found.outputs
    assert found.outputs[0] >= F(1, 4)


def test_the_question_has_room_for_every_execution():
    """At points of the format, what numpy computes is a value of the widened network."""
    for seed in range(60):
        query = random_query(seed, scale="halves", max_units=5)
        rng = Random(seed)
        for semantics in FORMATS:
            question = executed(query, semantics)
            if find_flip(question) is not None:
                continue
            for point in points_of(rng, query.region, 8):
                rounded = [F(float(np.dtype(semantics).type(float(v)))) for v in point]
                if not query.region.contains(rounded):
                    continue
                outputs = execute(query.network, rounded, semantics)
                for goal in query.goals:
                    assert not all(atom.holds(rounded, outputs) for atom in goal.atoms)


def test_robust_as_executed_is_robust_and_certified():
    kinds = set()
    for seed in range(40):
        query = random_query(seed, scale="halves", max_units=4, max_inputs=2)
        found = verify_executed(query, "float32", Options(nodes=100))
        kinds.add(type(found.verdict))
        if isinstance(found.verdict, Robust):
            check_fast(found.question, found.verdict)
            assert found.question.goals == query.goals
            assert find_flip(query) is None
        elif isinstance(found.verdict, ExecutedFlip):
            outputs = execute(query.network, found.verdict.point, "float32")
            atoms = query.goals[found.verdict.goal].atoms
            assert all(atom.holds(found.verdict.point, outputs) for atom in atoms)
    assert kinds >= {Robust, ExecutedFlip} and Flip not in kinds
    assert kinds <= {Robust, ExecutedFlip, Undecided}


def test_what_cannot_be_executed_is_refused():
    build = NetworkBuilder(1)
    x = build.inputs[0]
    goal = Goal((Atom((), ((0, F(1)),), F(0), False),), "0")
    third = Query(build.network([x * F(1, 3)]), box([F(0)], [F(1)]), (goal,))
    with pytest.raises(UserError, match="output 0: a weight is no float32 number"):
        executed(third, "float32")
    tenth = Query(build.network([x * F(0.1)]), box([F(0)], [F(1)]), (goal,))
    with pytest.raises(UserError, match="no float32 number"):
        executed(tenth, "float32")
    executed(tenth, "float64")
    huge = Query(build.network([x * 2**100]), ball("2", [F(0)], F(2) ** 28), (goal,))
    with pytest.raises(UserError, match="overflow"):
        executed(huge, "float32")
    executed(huge, "float64")

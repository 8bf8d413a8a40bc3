"""A slope for a unit that rows pass on is used as it stands, by both checkers."""

from fractions import Fraction

import pytest

from tests.oracles.checkers import both
from verifier.evidence.certificate import Leaf, Node, Robust
from verifier.question.build import NetworkBuilder
from verifier.question.query import Atom, Goal, Query
from verifier.question.region import box

F = Fraction


@pytest.mark.parametrize(
    ("slopes", "flaw"),
    [
        ({}, "accepted"),
        ({0: 1, 2: 1}, "accepted"),
        ({1: 1}, "accepted"),
        ({1: 0}, "bound too weak"),  # the copy is bounded by its box, and x is lost
        ({0: 1, 1: 0, 2: 1}, "bound too weak"),
        ({0: 1, 1: F(1, 2)}, "bound too weak"),
        ({0: 0}, "bound too weak"),
    ],
)
def test_a_slope_of_a_copy(slopes, flaw):
    """Unit 1 is a copy of unit 0, x + 1; the output is that minus x plus 3, which is 4."""
    build = NetworkBuilder(1)
    x = build.inputs[0]
    (unit,) = build.layer([x + 1])
    (copy,) = build.layer([unit])
    network = build.network(build.layer([copy - x + 3]))
    goal = Goal((Atom((), ((0, F(-1)),), F(15, 4), False),), "0")
    query = Query(network, box([F(0)], [F(1)]), (goal,))
    leaf = Leaf(slopes={v: F(slope) for v, slope in slopes.items()})
    assert both(query, Robust((), ((Node((), leaf),),))) == flaw

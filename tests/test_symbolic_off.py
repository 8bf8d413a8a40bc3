"""Symbolic bounds of units that are off: they count as 0, even where a coefficient is as long as
coefficients can be."""

from fractions import Fraction

import pytest

from tests.test_checkers_agree import both
from verifier.builder import NetworkBuilder
from verifier.trusted.certificate import Node, Robust, SymbolicLeaf, SymbolicStep
from verifier.trusted.query import Atom, Goal, Query
from verifier.trusted.region import box

F = Fraction


@pytest.mark.parametrize("weight", [F(1), 1 - F(1, 2**24), F(-1), F(1, 2**24) - 1])
@pytest.mark.parametrize("sign", [-1, 1])
def test_a_unit_that_is_off_is_zero(weight, sign):
    """The output is 0 everywhere, so that it is never above and never below, and at least and at
    most 0 at every point."""
    build = NetworkBuilder(1)
    (off,) = build.layer([build.inputs[0] - 1])
    network = build.network([off * weight])
    for strict, flaw in ((True, "accepted"), (False, "bound too weak")):
        goal = Goal((Atom((), ((0, F(sign)),), F(0), strict),), "0")
        query = Query(network, box([F(-(10**6))], [F(0)]), (goal,))
        for steps in ((), (SymbolicStep(),)):
            assert both(query, Robust(steps, ((Node((), SymbolicLeaf(0)),),))) == flaw

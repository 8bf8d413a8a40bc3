"""What is no claim about a margin is refused as that."""

from fractions import Fraction

import pytest

from verifier.checker.margins import check_margin
from verifier.evidence.certificate import Flip, Robust
from verifier.question.build import NetworkBuilder
from verifier.question.errors import RefusedError
from verifier.question.query import Atom, Goal, Query
from verifier.question.region import box

F = Fraction


@pytest.mark.parametrize("claim", [Robust((), ()), Flip((F(0),), 0), None, (F(0), F(1))])
def test_other_verdicts_are_no_margins(claim):
    build = NetworkBuilder(1)
    goal = Goal((Atom((), ((0, F(1)),), F(0), True),), "r")
    query = Query(build.network([build.inputs[0]]), box([F(0)], [F(1)]), (goal,))
    with pytest.raises(RefusedError, match="^another verdict: a margin is claimed"):
        check_margin(query, claim)

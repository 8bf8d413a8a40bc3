"""The big-M program: eliminated or not, in HiGHS or through PuLP, it has the same optimum."""

from __future__ import annotations

import subprocess
import sys
from random import Random

import pytest

from tests.oracles.oracle import find_flip
from tests.oracles.random_queries import random_query
from verifier.checker.intervals import interval_bounds
from verifier.checker.scaled import ScaledNetwork, common_denominator
from verifier.checker.tree import TreeChecker
from verifier.evidence.certificate import Flip, Robust
from verifier.program.reduced import margin_program
from verifier.question.errors import UserError
from verifier.question.query import Query
from verifier.search.bounds.claims import Claim
from verifier.search.bounds.solver import solve_mip
from verifier.search.options import Options
from verifier.tasks.verify import verify


def checker_of(query: Query) -> TreeChecker:
    region = query.region
    scaled = ScaledNetwork(query.network, common_denominator([region.lower, region.upper]))
    return TreeChecker(query, scaled, interval_bounds(scaled, [region])[0])


@pytest.mark.parametrize("seed", range(40))
def test_all_programs_of_a_goal_agree(seed: int) -> None:
    query = random_query(Random(seed), scale="integers", norm=("inf", "1")[seed % 2])
    checker = checker_of(query)
    for goal in range(len(query.goals)):
        best = []
        for eliminate in (False, True):
            program = margin_program(checker, goal, eliminate=eliminate)
            for solver in ("highs", "cbc") if seed < 6 else ("highs",):
                guess = solve_mip(program, solver)
                assert guess.claim is Claim.OPTIMAL
                assert guess.columns is not None
                best.append(float(guess.columns[-1]))
        assert max(best) - min(best) <= 1e-5 * (1 + abs(best[0]))


@pytest.mark.parametrize("seed", range(30))
@pytest.mark.parametrize("engine", ["milp:highs"])
def test_an_engine_that_asks_a_solver_is_as_right_as_the_oracle(seed: int, engine: str) -> None:
    query = random_query(Random(seed), scale="integers")
    verdict = verify(query, Options(engine=engine, timeout=20)).verdict
    assert isinstance(verdict, Flip if find_flip(query) else Robust)


def test_cbc_finds_a_flip_too() -> None:
    seed = next(s for s in range(50) if find_flip(random_query(Random(s), scale="integers")))
    query = random_query(Random(seed), scale="integers")
    assert isinstance(verify(query, Options(engine="milp:cbc")).verdict, Flip)


@pytest.mark.parametrize("engine", ["milp", "milp:", "milp:none", "exakt", ""])
def test_an_unknown_engine_is_refused(engine: str) -> None:
    with pytest.raises(UserError, match="engine"):
        verify(random_query(Random(1)), Options(engine=engine))


def test_the_solver_says_nothing_on_standard_output() -> None:
    """Commands write JSON there; HiGHS greets in C, which `capsys` would not see."""
    program = (
        "import numpy as np\n"
        "from verifier.search.bounds.solver import vertex\n"
        "assert vertex(np.ones(1), np.array([[-1.0], [1.0]]), np.array([-1.0, 0.0])) == [0]\n"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert run.stdout == b""

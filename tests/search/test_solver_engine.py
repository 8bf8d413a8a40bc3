"""The way by a MILP solver: what it finds is exact afterwards, and a failure is one sentence."""

from __future__ import annotations

import json
from fractions import Fraction
from random import Random
from types import SimpleNamespace

import numpy as np
import pulp
import pytest

from tests.oracles.oracle import find_flip
from tests.oracles.random_queries import random_query
from verifier.cli.main import main
from verifier.data.dataset import Dataset
from verifier.evidence.certificate import Flip, Robust, Undecided
from verifier.question.build import chain_from_floats
from verifier.question.errors import UserError
from verifier.question.query import Query
from verifier.runs.run import points_of
from verifier.search.bounds import solver as solvers
from verifier.search.bounds.claims import Claim, Guess, SolverError
from verifier.search.flips import by_solver
from verifier.search.options import MIP_SOLVERS, PULP_NAMES, Options
from verifier.tasks.radius import exact_radius
from verifier.tasks.verify import verify
from verifier.tasks.worst import worst

HIGHS = Options(engine="milp:highs")


def small_network(seed: int):
    draw = np.random.default_rng(seed)
    shapes = [(5, 3), (4, 5), (2, 4)]
    weights = [np.round(draw.normal(size=shape), 2) for shape in shapes]
    return chain_from_floats(weights, [np.round(draw.normal(size=w.shape[0]), 2) for w in weights])


def small_data(seed: int) -> Dataset:
    draw = np.random.default_rng(seed)
    rows = [[Fraction(int(x), 8) for x in draw.integers(-8, 9, 3)] for _ in range(4)]
    return Dataset.from_rows("small", rows, [0, 1, 0, 1])


@pytest.mark.parametrize("seed", range(25))
def test_the_worst_case_is_the_same_by_every_engine(seed):
    query = random_query(Random(seed), scale="integers", norm=("inf", "1")[seed % 2])
    if query.region.open:
        pytest.skip("the worst case of an open region may be attained nowhere")
    exact, asked = worst(query), worst(query, options=HIGHS)
    assert (exact.exact, exact.upper) == (asked.exact, asked.upper)
    assert asked.solver == "milp:highs names an optimum"
    assert not exact.solver


@pytest.mark.parametrize("norm", ["inf", "1"])
@pytest.mark.parametrize("seed", range(6))
def test_the_radius_is_the_same_by_every_engine(seed, norm):
    network, points = small_network(seed), points_of(small_data(seed))
    for sample in range(points.size):
        exact = exact_radius(network, points, sample, norm=norm)
        asked = exact_radius(network, points, sample, norm=norm, options=HIGHS)
        assert (exact.exact, exact.upper, exact.lower) == (asked.exact, asked.upper, asked.lower)


def test_the_nearest_flip_of_the_solver_is_taken(monkeypatch):
    """Of a network whose flips no other start finds: they are not looked for."""
    from verifier.tasks.around import Around

    monkeypatch.setattr(Around, "nearby", lambda self, goal: None)
    monkeypatch.setattr("verifier.tasks.radius._rivals", lambda around: [])
    tried = (
        exact_radius(small_network(seed), points_of(small_data(seed)), 0, options=HIGHS)
        for seed in range(20)
    )
    found = next(entry for entry in tried if entry.upper)
    assert found.exact and found.flip is not None and found.flip.method == "solver"
    assert found.solver == "milp:highs names a flip as the nearest"


@pytest.mark.parametrize("seed", range(8))
def test_a_ball_of_norm_two_is_cut_out_of_its_box(seed):
    query = random_query(Random(seed), scale="integers", norm="2")
    outcome = verify(query, Options(engine="milp:highs", timeout=20))
    assert isinstance(outcome.verdict, Flip if find_flip(query) else Robust)


def robust_query() -> Query:
    """One that symbolic bounds of the root leave open, and that has no flip."""
    return next(
        query
        for query in (random_query(Random(s), scale="integers", norm="inf") for s in range(200))
        if not query.region.open and find_flip(query) is None and verify(query).nodes > 1
    )


def test_what_the_solver_says_stands_beside_the_proof():
    outcome = verify(robust_query(), HIGHS)
    assert isinstance(outcome.verdict, Robust) and outcome.checked is not None
    assert outcome.solver == (
        "milp:highs says that there is no flip; the exact engine proves that there is none"
    )


def test_a_flip_that_the_solver_denies_is_found_all_the_same(monkeypatch):
    """Nothing that a solver says is believed."""
    monkeypatch.setattr(
        by_solver, "solve_mip", lambda *_, **__: Guess(Claim.INFEASIBLE, None, None)
    )
    for seed in range(40):
        query = random_query(Random(seed), scale="integers")
        verdict = verify(query, HIGHS).verdict
        assert isinstance(verdict, Flip if find_flip(query) else Robust)


def test_a_flip_that_the_solver_invents_is_none(monkeypatch):
    def liar(program, *_, **__):
        return Guess(Claim.OPTIMAL, np.full(len(program.names), 0.5), 1.0)

    monkeypatch.setattr(by_solver, "solve_mip", liar)
    outcome = verify(robust_query(), HIGHS)
    assert isinstance(outcome.verdict, Robust)
    assert "names a point that is no flip in exact arithmetic" in outcome.solver


def test_where_solver_and_engine_fail_one_sentence_says_so(monkeypatch):
    def failing(*_, **__):
        raise SolverError("status Undefined, No Solution Found")

    monkeypatch.setattr(by_solver, "solve_mip", failing)
    verdict = verify(robust_query(), Options(engine="milp:highs", nodes=1)).verdict
    assert isinstance(verdict, Undecided)
    assert verdict.reason == (
        "milp:highs fails: status Undefined, No Solution Found; the exact engine gives no proof: "
        "node limit"
    )


def test_a_worst_case_without_time_says_what_the_solver_said(monkeypatch):
    monkeypatch.setattr(by_solver, "solve_mip", lambda *_, **__: Guess(Claim.STOPPED, None, None))
    found = worst(robust_query(), options=Options(engine="milp:highs", nodes=1))
    assert not found.reached
    assert found.reason.startswith("milp:highs finds no optimum; the exact engine gives no proof: ")


def test_pulp_knows_the_classes_of_all_solvers():
    known = set(pulp.listSolvers())
    assert all(known & set(names) for names in PULP_NAMES.values())
    assert ("highs", *PULP_NAMES) == MIP_SOLVERS


def test_what_either_version_of_pulp_returns_is_read():
    """A number with `sol_status` of the program before PuLP 4, an object since."""

    def after(stopped: str, has_solution: bool) -> Claim:
        status = SimpleNamespace(status=SimpleNamespace(name=stopped), has_solution=has_solution)
        return solvers._claim_of(SimpleNamespace(), status)

    assert after("Optimal", True) is Claim.OPTIMAL
    assert after("GapLimit", True) is Claim.OPTIMAL
    assert after("Infeasible", False) is Claim.INFEASIBLE
    assert after("TimeLimit", True) is after("NotSolved", False) is Claim.STOPPED
    for stopped, has_solution in (("Optimal", False), ("Infeasible", True), ("Undefined", False)):
        with pytest.raises(SolverError, match=f"status {stopped}"):
            after(stopped, has_solution)


@pytest.mark.parametrize("engine", ["milp", "milp:", "milp:none", "exakt", ""])
def test_an_unknown_engine_is_no_option(engine):
    with pytest.raises(UserError, match="is not one of exact, milp:highs, milp:cbc"):
        Options(engine=engine)


def test_a_solver_that_is_missing_is_said_before_anything_is_searched(monkeypatch, capsys):
    monkeypatch.setattr(
        solvers.pulp, "getSolver",
        lambda *_, **__: type("Missing", (), {"available": lambda self: False})(),
    )  # fmt: skip
    for command in (
        ["worst", "x.npz", "--data", "iris", "--radius", "1"],
        ["radius", "x.npz", "--data", "iris"],
        ["search", "x.npz", "--data", "iris", "--radius", "1"],
        ["certify", "--data", "iris", "--construction", "linf"],
        ["verify", "x.npz", "--box", "0:1", "--label", "1"],
    ):
        assert main([*command, "--engine", "milp:scip"]) == 2
        captured = capsys.readouterr()
        assert "MILP solver 'scip' is not installed: PuLP does not find it" in captured.err
        assert not captured.out


def test_a_run_names_the_engine_and_is_checked(tmp_path, capsys):
    folder = str(tmp_path / "run")
    arguments = ["certify", "--data", "iris", "--construction", "linf", "--samples", "0:3"]
    arguments += ["--engine", "milp:highs", "--out", folder, "--jobs", "0", "--quiet", "--json"]
    assert main(arguments) == 0
    assert json.loads(capsys.readouterr().out)["robust"] == 3
    assert main(["check", folder, "--json"]) == 0

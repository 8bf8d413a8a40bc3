"""`robmem worst`: the least margin is that of the oracle, and its evidence is checked as a pair."""

from __future__ import annotations

import dataclasses
import json
from fractions import Fraction
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest

from tests.oracles.oracle import find_flip
from tests.oracles.random_queries import outputs_at, random_query
from tests.oracles.reference import check_reference
from verifier.checker.exact_maximum import check_maximum
from verifier.checker.replay import replay
from verifier.cli.main import main
from verifier.evidence.certificate import Flip, Maximum, Robust
from verifier.evidence.proof_file import parse_proof, proof_bytes
from verifier.question.build import NetworkBuilder
from verifier.question.errors import RefusedError, UserError
from verifier.question.margin import margin_at_most, margin_below
from verifier.question.query import Atom, Goal, Query
from verifier.question.region import ball, box
from verifier.search.margins import proved_margin
from verifier.search.options import Options
from verifier.tasks.verify import check
from verifier.tasks.worst import Worst, worst

F = Fraction


def margin_at(query: Query, point: tuple[Fraction, ...]) -> Fraction:
    outputs = outputs_at(query.network, point)
    return -max(min(atom.value(point, outputs) for atom in goal.atoms) for goal in query.goals)


def check_ends(query: Query, found: Worst) -> None:
    """The upper end is the margin of a point of the region; the lower one is proved."""
    assert query.region.contains(found.point)
    assert margin_at(query, found.point) == found.upper
    check(*found.witness)
    if found.proof is not None and found.question is not None and found.lower is not None:
        below = margin_below(query, found.lower)
        assert (found.question.region, found.question.goals) == (below.region, below.goals)
        replay(found.question, found.proof)
        assert found.lower <= found.upper


def asked(seed: int, norm: str) -> Query:
    query = random_query(Random(f"worst {seed} {norm}"), norm=norm)
    return Query(query.network, query.region.closed(), query.goals)


@pytest.mark.parametrize("norm", ["inf", "1"])
@pytest.mark.parametrize("seed", range(30))
def test_the_least_margin_is_that_of_the_oracle(seed: int, norm: str) -> None:
    """No point has a smaller one, by enumeration of all patterns; and one has it."""
    query = asked(seed, norm)
    found = worst(query)
    check_ends(query, found)
    assert found.exact
    assert found.pair is not None
    assert found.question is not None
    assert find_flip(found.question) is None
    assert find_flip(margin_at_most(query, found.upper)) is not None
    check_maximum(found.question, found.pair, check_reference)
    stored = parse_proof(proof_bytes(found.question, found.pair))
    assert stored.query.goals == found.question.goals
    assert stored.verdict == found.pair
    check(stored.query, stored.verdict)


@pytest.mark.parametrize("norm", ["inf", "1", "2"])
@pytest.mark.parametrize("seed", range(12))
def test_an_interval_is_as_short_as_asked_and_holds_the_least_margin(seed: int, norm: str) -> None:
    query = asked(seed + 100, norm)
    found = worst(query, within=F(1, 50))
    check_ends(query, found)
    assert found.reached
    assert found.lower is not None
    assert found.upper - found.lower <= F(1, 50)
    assert find_flip(margin_below(query, found.lower)) is None


def hat() -> Query:
    """|x| - 1 on [-1, 1/2]: margins from 0 at x = -1 to 1 at x = 0."""
    build = NetworkBuilder(1)
    (x,) = build.inputs
    left, right = build.layer([-x, x])
    goal = Goal((Atom((), ((0, F(1)),), F(0), False),), "0")
    return Query(build.network([left + right - 1]), box([F(-1)], [F(1, 2)]), (goal,))


def test_a_maximum_is_refused_for_its_named_flaw() -> None:
    query = hat()
    found = worst(query)
    assert (found.upper, found.point, found.exact) == (0, (-1,), True)
    pair, question = found.pair, found.question
    assert pair is not None
    assert question is not None
    inside = Maximum(pair.proof, Flip((F(1, 2),), 0))
    weak = margin_at_most(query, F(0))
    away = margin_below(query, F(-1))
    opened = Query(query.network, ball("1", [F(0)], F(1)), question.goals)
    opened = Query(query.network, dataclasses.replace(opened.region, open=True), question.goals)
    for asked_of, evidence, flaw in (
        (question, inside, "no flip"),
        (question, Maximum(Robust((), ()), pair.point), "goal missing"),
        (question, Maximum(pair.point, pair.point), "another verdict"),  # type: ignore[arg-type]
        (weak, pair, "weak atom"),
        (away, pair, "no flip"),
        (opened, pair, "open region"),
    ):
        with pytest.raises(RefusedError) as refused:
            check_maximum(asked_of, evidence)
        assert refused.value.flaw == flaw


def test_what_cannot_be_asked() -> None:
    query = hat()
    with pytest.raises(UserError, match="not positive"):
        worst(query, within=F(0))
    with pytest.raises(UserError, match="irrational"):
        worst(Query(query.network, ball("2", [F(0)], F(1)), query.goals))


def test_without_time_what_is_known_is_an_interval() -> None:
    found = worst(hat(), options=Options(timeout=1e-9))
    assert not found.reached
    assert found.reason == "timeout"
    check_ends(hat(), found)


@pytest.mark.parametrize("seed", range(20))
def test_symbolic_bounds_prove_a_margin(seed: int) -> None:
    from verifier.checker.intervals import interval_bounds
    from verifier.checker.leaf import LeafChecker
    from verifier.checker.scaled import scaled_for

    query = asked(seed + 300, ("inf", "1", "2")[seed % 3])
    scaled = scaled_for(query.network, [query])
    root = interval_bounds(scaled, [query.region])[0]
    bound = proved_margin(query, LeafChecker(query, scaled, root))
    assert bound is not None
    assert find_flip(margin_below(query, bound)) is None


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """net.npz reads a where |x| >= y + 1/2, else b; three samples, all read as labelled."""
    monkeypatch.chdir(tmp_path)
    first = np.array([[1.0, 0], [-1, 0], [0, 1], [0, -1]])
    last = np.array([[1.0, 1, 0, 0], [0, 0, 1, -1]])
    np.savez("net.npz", W0=first, b0=np.zeros(4), W1=last, b1=np.array([0, 0.5]))
    Path("three.csv").write_text("0,0,b\n2,0,a\n3,3,b\n")
    return tmp_path


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, Any]:
    capsys.readouterr()
    code = main([*arguments, "--json"])
    captured = capsys.readouterr()
    assert captured.err == ""
    return code, json.loads(captured.out)


@pytest.mark.parametrize(
    ("radius", "margins", "code"),
    [("1/8", ["1/4", "5/4", "1/4"], 0), ("1/4", ["0", "1", "0"], 1)],
)
def test_command(
    here: Path, capsys: pytest.CaptureFixture[str], radius: str, margins: list[str], code: int
) -> None:
    """The margin of sample 0 is 1/2 + y - |x|, that of sample 1 the negative."""
    found, facts = run(
        capsys, "worst", "net.npz", "--data", "three.csv", "--radius", radius, "--proofs", "p"
    )
    assert found == code
    assert [result["upper"] for result in facts["results"]] == margins
    assert facts["exact"] == 3
    for sample in range(3):
        path = f"p/sample-{sample}-worst.json.gz"
        checked, said = run(capsys, "check", path, "--network", "net.npz")
        assert checked == 0
        assert "exact extreme" in said["claim"]


def test_verify_asks_for_extremes(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ask = ("verify", "net.npz", "--box", "-1:2")
    code, facts = run(capsys, *ask, "--maximise", "Y_0 - 2 Y_1 + X_0", "--proof", "form.json")
    assert code == 0
    assert facts["claim"] == "the largest value of Y_0 - 2 Y_1 + X_0 is 5"
    assert run(capsys, "check", "form.json")[0] == 0
    code, facts = run(capsys, *ask, "--label", "0", "--worst")
    assert (code, facts["upper"], facts["flips"]) == (1, "-5/2", 1)
    code, facts = run(capsys, *ask, "--unsafe", "Y_0 >= 3", "--worst")
    assert (code, facts["lower"], facts["robust"]) == (0, "1", 1)
    for wrong in (["--maximise", "Y_0 >= 1"], ["--maximise", "Y_0", "--label", "0"],
                  ["--label", "0", "--within", "1"]):  # fmt: skip
        assert main([*ask, *wrong]) == 2

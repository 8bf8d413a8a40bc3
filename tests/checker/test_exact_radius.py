"""The exact radius: pairs that show it, and every way in which a pair can be wrong."""

from __future__ import annotations

import dataclasses
from fractions import Fraction
from pathlib import Path
from random import Random

import pytest

from tests.oracles.checkers import both, guess
from tests.oracles.kernel import proof_flaw
from tests.oracles.open_ball_guesses import guessed
from tests.oracles.oracle import find_flip
from tests.oracles.radius_pairs import NORMS, PAIRS, F, at_distance
from tests.oracles.reference import check_reference
from verifier.checker.exact_radius import check_radius
from verifier.checker.replay import replay
from verifier.evidence.certificate import Flip, Leaf, Node, Radius, Robust
from verifier.evidence.proof_file import load_proof, parse_proof, proof_bytes, save_proof
from verifier.question.build import NetworkBuilder
from verifier.question.errors import RefusedError, UserError
from verifier.question.query import Atom, Goal, Query
from verifier.question.region import Norm, Region, ball, box, distance
from verifier.tasks.verify import check


def flaw_of(query: Query, radius: Radius) -> str:
    """The flaw, or "accepted"; the same for all three checkers."""
    flaws = set()
    for check_one in (replay, check_reference):
        try:
            assert check_radius(query, radius, check_one) == query.region.size
            flaws.add("accepted")
        except RefusedError as error:
            flaws.add(error.flaw)
    flaws.add(proof_flaw(proof_bytes(query, radius)))
    (flaw,) = flaws
    return flaw


def test_true_pairs_of_every_norm_are_accepted() -> None:
    counts = dict.fromkeys(NORMS, 0)
    for query, radius in PAIRS:
        assert flaw_of(query, radius) == "accepted"
        again = parse_proof(proof_bytes(query, radius))
        assert (again.query.region, again.verdict) == (query.region, radius)
        counts[query.region.norm] += 1
    assert min(counts.values()) >= 8, counts


def resized(query: Query, factor: Fraction) -> Query:
    return at_distance(query, query.region.size * factor)


@pytest.mark.parametrize("factor", [F(1001, 1000), F(10**30 + 1, 10**30)])
def test_no_proof_holds_on_a_larger_ball_nor_a_flip_on_a_smaller(factor: Fraction) -> None:
    for query, radius in PAIRS:
        larger, smaller = resized(query, factor), resized(query, 1 / factor)
        assert flaw_of(larger, radius) == "inside"
        assert both(larger, radius.proof) != "accepted"
        assert find_flip(larger) is not None
        assert flaw_of(smaller, radius) == "outside"
        assert find_flip(smaller) is None


def test_a_flip_that_is_none_or_lies_inside_is_refused() -> None:
    for query, radius in PAIRS:
        center, goal = query.region.center, radius.flip.goal
        outputs_differ = flaw_of(query, dataclasses.replace(radius, flip=Flip(center, goal)))
        assert outputs_differ == "no flip"
        assert both(query, radius.flip) == "outside"  # of the open ball


def test_a_closed_ball_and_another_kind_are_refused() -> None:
    query, radius = PAIRS[0]
    closed = Query(query.network, query.region.closed(), query.goals)
    with pytest.raises(RefusedError, match="closed region"):
        check_radius(closed, radius)
    inner = Query(query.network, at_distance(query, query.region.size * 2).region, query.goals)
    twice = Radius(radius.flip, radius.flip)  # type: ignore[arg-type]
    with pytest.raises(RefusedError, match="another verdict"):
        check_radius(inner, twice)
    first, second, third, _ = proof_bytes(query, radius).split(b"\n")
    for lines in ([first, third, second], [first, second, second], [first, third, third],
                  [first, second, third, third]):  # fmt: skip
        with pytest.raises(RefusedError) as caught:
            parse_proof(b"\n".join(lines) + b"\n")
        assert caught.value.flaw in ("malformed", "not JSON")
        assert proof_flaw(b"\n".join(lines) + b"\n") != "accepted"


def test_guessed_proofs_on_open_balls_are_never_wrong() -> None:
    flaws = set()
    for query, _ in PAIRS:
        rng = Random(repr(query.goals))
        for factor in (F(1), F(1), F(1), F(11, 10)):
            asked = resized(query, factor)
            flaw = both(asked, guess(rng, asked))
            flaws.add(flaw)
            if flaw == "accepted":
                assert find_flip(asked) is None
    assert flaws >= {"accepted", "bound too weak"}


def accepted_guesses(seeds: range) -> int:
    """How many guessed proofs that close at zero are accepted; each of them is true."""
    tight = 0
    for seed in seeds:
        rng = Random(seed)
        made = guessed(rng, *rng.choice(PAIRS))
        if made is not None and both(*made) == "accepted":
            query = made[0]
            assert find_flip(query) is None, seed
            closed = Query(query.network, query.region.closed(), query.goals)
            tight += find_flip(closed) is not None
    return tight


def test_proofs_guessed_to_close_at_zero_are_never_wrong() -> None:
    assert accepted_guesses(range(3000)) >= 50


@pytest.mark.slow
def test_many_proofs_guessed_to_close_at_zero_are_never_wrong() -> None:
    assert accepted_guesses(range(10_000, 150_000)) >= 3000


def vanishing() -> Query:
    """sigma(1 - x) <= 0 around 0: from distance 1 on, and never below zero."""
    build = NetworkBuilder(1)
    network = build.network(build.layer([1 - build.inputs[0]]))
    goal = Goal((Atom((), ((0, F(-1)),), F(0), False),), "0")
    return Query(network, ball("inf", [F(0)], F(1), open=True), (goal,))


@pytest.mark.parametrize("norm", NORMS)
def test_a_goal_that_is_reached_and_never_passed_has_its_radius_and_no_other(norm: Norm) -> None:
    query = vanishing()
    for slopes in ({0: F(1)}, {}):  # sigma(a) >= a, and at radius 2 sigma(a) >= 0
        proof = Robust((), ((Node((), Leaf(slopes=slopes)),),))
        for radius, flaw in ((F(1), "accepted"), (F(2), "bound too weak")):
            asked = Query(query.network, ball(norm, [F(0)], radius, open=True), query.goals)
            assert flaw_of(asked, Radius(proof, Flip((radius,), 0))) == flaw
            assert (find_flip(asked) is None) == (radius == 1)


def test_open_regions() -> None:
    for norm in NORMS:
        region = ball(norm, [F(0), F(0)], F(2), open=True)
        for point, inside in (((2, 0), False), ((0, -2), False), ((F(199, 100), 0), True)):
            assert region.contains([F(x) for x in point]) == inside
        assert region.closed() == ball(norm, [F(0), F(0)], F(2))
        with pytest.raises(UserError, match="empty region"):
            ball(norm, [F(0)], F(0), open=True)
        with pytest.raises(UserError, match="empty region"):
            ball(norm, [F(0)], F(1), clip=(F(1), F(2)), open=True)
        clipped = ball(norm, [F(0)], F(1), clip=(F(0), F(1, 2)), open=True)
        assert clipped.closed() == ball(norm, [F(0)], F(1), clip=(F(0), F(1, 2)))
        assert distance(norm, [F(0), F(0)], [F(3), F(4)]) == {"inf": 4, "1": 7, "2": 25}[norm]
    with pytest.raises(UserError, match="neither True nor False"):
        Region("1", (F(0),), (F(1),), (F(0),), F(1), False, 1)  # type: ignore[arg-type]
    wide = Region("inf", (F(-9),), (F(9),), (F(0),), F(1), False, True)
    assert not wide.contains([F(1)])
    assert wide.closed() == box([F(-1)], [F(1)])


@pytest.mark.parametrize("value", ["false", "1", '"true"', "null"])
def test_open_is_true_or_absent(value: str) -> None:
    for query, radius in PAIRS[:3]:
        text = proof_bytes(query, radius).replace(b'"open":true', f'"open":{value}'.encode())
        with pytest.raises(RefusedError) as caught:
            parse_proof(text)
        assert caught.value.flaw == "malformed"
        assert proof_flaw(text) != "accepted"


def test_without_open_the_pair_is_refused() -> None:
    for query, radius in PAIRS:
        with pytest.raises(RefusedError):
            proof = parse_proof(proof_bytes(query, radius).replace(b',"open":true', b""))
            check(proof.query, proof.verdict)


def test_a_file_of_a_pair(tmp_path: Path) -> None:
    query, radius = PAIRS[0]
    for name in ("pair.json", "pair.json.gz"):
        save_proof(tmp_path / name, query, radius)
        proof = load_proof(tmp_path / name)
        check(proof.query, proof.verdict)
        assert proof.verdict == radius

"""The exact radius: pairs that show it, and every way in which a pair can be wrong."""

from __future__ import annotations

import dataclasses
import importlib.util
from fractions import Fraction
from pathlib import Path
from random import Random

import pytest

from tests.naive_prover import prove
from tests.open_ball_guesses import guessed
from tests.oracle import distance_squared, find_flip
from tests.random_queries import random_query
from tests.test_checkers_agree import both, guess
from verifier.api import check
from verifier.builder import NetworkBuilder
from verifier.trusted.certificate import Flip, Leaf, Node, Robust
from verifier.trusted.errors import RefusedError, UserError
from verifier.trusted.fast import check_fast
from verifier.trusted.proof_file import load_proof, parse_proof, proof_bytes, save_proof
from verifier.trusted.query import Atom, Goal, Query
from verifier.trusted.radius import Radius, check_radius
from verifier.trusted.reference import check_reference
from verifier.trusted.region import Norm, Region, ball, box, distance

F = Fraction
NORMS: tuple[Norm, ...] = ("inf", "1", "2")
_FILE = Path(__file__).parents[1] / "tools" / "checker_minimal.py"
_SPEC = importlib.util.spec_from_file_location("checker_minimal", _FILE)
assert _SPEC is not None and _SPEC.loader is not None
minimal = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(minimal)


def at_distance(query: Query, size: Fraction) -> Query:
    """The same question on the open ball of that size, around the middle of the region."""
    region = query.region
    center = region.center or tuple(
        (a + b) / 2 for a, b in zip(region.lower, region.upper, strict=True)
    )
    squared = size if region.norm == "2" else None
    radius = None if region.norm == "2" else size
    around = ball(region.norm, center, radius, radius_squared=squared, open=True)
    return Query(query.network, around, query.goals)


def nearest_flip(query: Query) -> Fraction | None:
    """The exact distance (norm 2: its square) of the nearest flip by brute force, None if it is
    not below 40, or no short fraction."""
    region = at_distance(query, F(1)).region
    if region.norm == "2":
        goals = [goal.atoms for goal in query.goals]
        return distance_squared(query.network, goals, region.center)
    low, high = F(0), F(40)
    if find_flip(at_distance(query, high)) is None:
        return None
    while high - low > F(1, 10**8):
        middle = (low + high) / 2
        if find_flip(at_distance(query, middle)) is None:
            low = middle
        else:
            high = middle
    guessed = high.limit_denominator(3000)
    if not guessed or find_flip(at_distance(query, guessed)) is not None:
        return None
    closed = Query(query.network, at_distance(query, guessed).region.closed(), query.goals)
    return guessed if find_flip(closed) is not None else None


def true_pairs(seeds: range) -> list[tuple[Query, Radius]]:
    """Queries on open balls with the naive prover's pair; goals without strict atoms."""
    pairs = []
    for seed in seeds:
        norm = NORMS[seed % 3]
        query = random_query(seed, max_units=4, max_inputs=2, norm=norm, scale="integers")
        if any(atom.strict for goal in query.goals for atom in goal.atoms):
            continue
        size = nearest_flip(query)
        if not size:
            continue
        asked = at_distance(query, size)
        found = find_flip(Query(query.network, asked.region.closed(), query.goals))
        proof = prove(asked, Random(seed) if seed % 2 else None)
        assert found is not None and proof is not None, seed
        pairs.append((asked, Radius(proof, Flip(found[1], found[0]))))
    return pairs


PAIRS = true_pairs(range(120))


def flaw_of(query: Query, radius: Radius) -> str:
    """The flaw, or "accepted"; the same for all three checkers."""
    flaws = set()
    for check_one in (check_fast, check_reference):
        try:
            assert check_radius(query, radius, check_one) == query.region.size
            flaws.add("accepted")
        except RefusedError as error:
            flaws.add(error.flaw)
    try:
        assert minimal.check_proof(proof_bytes(query, radius))[0] == "exact radius"
        third = "accepted"
    except minimal.Refused:
        third = "refused"
    (flaw,) = flaws
    assert (flaw == "accepted") == (third == "accepted")
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
        with pytest.raises(minimal.Refused):
            minimal.check_proof(b"\n".join(lines) + b"\n")


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
        with pytest.raises(minimal.Refused):
            minimal.check_proof(text)


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

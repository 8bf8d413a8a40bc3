"""Distances to the nearest flip: what is accepted is true, what is not shown is refused by name."""

from __future__ import annotations

import itertools
import json
import random
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest

from verifier.ask import load_network
from verifier.checker.checked import Checked
from verifier.checker.manifest import (
    Manifest,
    Question,
    Result,
    asked_of_run,
    check_results,
    manifest_bytes,
    parse_manifest,
    run_checker,
    sample_balls,
)
from verifier.data.dataset import Dataset
from verifier.evidence.certificate import Flip, Robust
from verifier.evidence.distance import Distance, distance_bytes, parse_distance
from verifier.question.distance import DistanceTerms
from verifier.question.errors import RefusedError, UserError
from verifier.runs.run import points_of
from verifier.tasks.verify import verify

# The outputs (x + y, 1 - x - y): label 0 where x + y > 1/2, so that the nearest flip of a sample
# with x + y = s > 1/2 lies at (s - 1/2) / 2 in L-inf, s - 1/2 in L1, (s - 1/2)^2 / 2 in L2 squared.
NETWORK = load_network(([[[1, 1], [-1, -1]]], [[0, 1]]))
CENTER = (Fraction(3, 4), Fraction(1, 2))
DATA = Dataset.from_arrays([["3/4", "1/2"], [0, 0]], [0, 1], name="two")
AWAY = {"inf": Fraction(3, 8), "1": Fraction(3, 4), "2": Fraction(9, 32)}
FOOT = {
    "inf": (Fraction(3, 8), Fraction(1, 8)),
    "1": (Fraction(0), Fraction(1, 2)),
    "2": (Fraction(3, 8), Fraction(1, 8)),
}


def _question(norm: Any, **more: Any) -> Question:
    return Question(norm, "argmax", distance=DistanceTerms(), **more)


def _answer(norm: str, claim: Distance, text: bytes | None = None) -> Checked | RefusedError:
    points, question = points_of(DATA), _question(norm)
    checker = run_checker(NETWORK, points, question)
    balls = sample_balls(checker.network, points, question, 0)
    asked = asked_of_run(points.digest, question, [0])
    ((place, found),) = checker.distances(
        [balls], ["distance"], lambda place: text if text is not None else claim, asked
    )
    assert place == 0
    return found


def _proof(norm: str, size: Fraction, *, open: bool) -> Robust:
    query = sample_balls(NETWORK, points_of(DATA), _question(norm), 0)(size, open)
    verdict = verify(query).verdict
    assert isinstance(verdict, Robust)
    return verdict


@pytest.mark.parametrize("norm", AWAY)
def test_the_exact_distance_is_shown_by_a_proof_on_the_open_ball_and_a_flip(norm):
    away = AWAY[norm]
    claim = Distance(away, away, _proof(norm, away, open=True), Flip(FOOT[norm], 0))
    shown = _answer(norm, claim)
    assert isinstance(shown, Checked) and shown.verdict == "distance"
    assert shown.facts.ends == (away, away) and shown.facts.goal == 0
    text = distance_bytes(claim, NETWORK.digest)
    assert parse_distance(text, NETWORK.digest) == claim
    again = _answer(norm, claim, text)
    assert isinstance(again, Checked) and again.certificate == shown.written()[0].certificate


@pytest.mark.parametrize("norm", AWAY)
def test_whatever_is_accepted_is_true(norm):
    """Ends around the true distance, with every proof and flip that were found for any of them."""
    away = AWAY[norm]
    sizes = [away * Fraction(k, 8) for k in (0, 6, 7, 8, 9)]
    proofs = [_proof(norm, size, open=False) for size in sizes[1:3]]
    proofs.append(_proof(norm, away, open=True))
    outwards = [c + (f - c) * 2 for c, f in zip(CENTER, FOOT[norm], strict=True)]
    flips = [Flip(FOOT[norm], 0), Flip(tuple(outwards), 0), Flip(CENTER, 0)]
    accepted = 0
    for lower, upper in itertools.product(sizes, [*sizes, None]):
        for proof, flip in itertools.product([*proofs, None], [*flips, None]):
            found = _answer(norm, Distance(lower, upper, proof, flip))
            if isinstance(found, Checked):
                accepted += 1
                assert lower <= away and (upper is None or away <= upper)
    assert accepted >= 10


def _flaw(claim: Distance, norm: str = "inf") -> str:
    found = _answer(norm, claim)
    assert isinstance(found, RefusedError)
    return found.flaw


def test_what_is_not_shown_is_refused_by_name():
    away = AWAY["inf"]
    proof, flip = _proof("inf", away, open=True), Flip(FOOT["inf"], 0)
    true = Distance(away, away, proof, flip)
    small = Fraction(1, 100)
    assert _flaw(replace(true, upper=away - small, lower=away - 2 * small)) == "outside"
    assert _flaw(replace(true, lower=away, upper=away + small)) != ""  # the closed ball has a flip
    assert _flaw(replace(true, lower=away + small, upper=away + small)) != ""
    assert _flaw(replace(true, lower=away + small)) == "no interval"
    assert _flaw(replace(true, lower=-away, proof=None)) == "no interval"
    assert _flaw(replace(true, proof=None)) == "no proof"
    assert _flaw(replace(true, lower=Fraction(0))) == "no proof"
    assert _flaw(replace(true, flip=None)) == "no flip"
    assert _flaw(replace(true, upper=None)) == "no flip"
    assert _flaw(Distance(Fraction(0), None, None, None)) == "no evidence"
    assert _flaw(replace(true, flip=Flip(CENTER, 0))) == "no flip"
    floating: Any = float(away)
    assert _flaw(replace(true, lower=floating)) == "not exact"
    assert _flaw(replace(true, upper=floating)) == "not exact"
    swapped: Any = replace(true, proof=flip)
    assert _flaw(swapped) == "no proof"
    swapped = replace(true, flip=proof)
    assert _flaw(swapped) == "no flip"
    other: Any = flip
    assert _flaw(other) == "another verdict"


def test_a_ball_that_misses_the_clip_is_refused():
    points = points_of(DATA)
    question = _question("inf", clip=(Fraction(2), Fraction(3)))
    checker = run_checker(NETWORK, points, question)
    balls = sample_balls(checker.network, points, question, 0)
    claim = Distance(Fraction(1, 8), None, Robust((), ()), None)
    asked = asked_of_run(points.digest, question, [0])
    ((_, found),) = checker.distances([balls], ["distance"], lambda place: claim, asked)
    assert isinstance(found, RefusedError) and found.flaw == "no ball"


def test_another_network_and_another_kind_are_refused():
    points, question = points_of(DATA), _question("inf")
    checker = run_checker(NETWORK, points, question)
    other = load_network(([[[1, 1], [-1, -1]]], [[0, 1]]))
    away = AWAY["inf"]
    claim = Distance(away, away, _proof("inf", away, open=True), Flip(FOOT["inf"], 0))
    asked = asked_of_run(points.digest, question, [0])
    balls = sample_balls(other, points, question, 0)
    ((_, found),) = checker.distances([balls], ["distance"], lambda place: claim, asked)
    assert isinstance(found, RefusedError) and found.flaw == "another network"
    ((_, found),) = checker.distances([balls], ["robust"], lambda place: claim, asked)
    assert isinstance(found, RefusedError) and found.flaw == "another verdict"


def test_only_the_canonical_text_is_read():
    away = AWAY["2"]
    claim = Distance(away, away, _proof("2", away, open=True), Flip(FOOT["2"], 0))
    text = distance_bytes(claim, NETWORK.digest)
    value = json.loads(text)
    edits: dict[str, Any] = {
        "version": {**value, "robmem_distance": 2},
        "another network": {**value, "network": "0" * 64},
        "unknown field": {**value, "more": 1},
        "missing field": {k: v for k, v in value.items() if k != "lower"},
        "another verdict": {**value, "proof": value["flip"]},
        "malformed": {**value, "lower": "18/64"},
    }
    for flaw, edited in edits.items():
        with pytest.raises(RefusedError) as caught:
            parse_distance(json.dumps(edited).encode(), NETWORK.digest)
        assert caught.value.flaw == flaw
    with pytest.raises(RefusedError, match="not canonical"):
        parse_distance(text.replace(b",", b", ", 1), NETWORK.digest)
    with pytest.raises(RefusedError, match="another verdict"):
        parse_distance(b"{}", NETWORK.digest)
    rng = random.Random(0)
    for _ in range(400):
        changed = bytearray(text)
        changed[rng.randrange(len(text))] ^= 1 << rng.randrange(8)
        found = _answer("2", claim, bytes(changed))
        if isinstance(found, Checked):  # another proof of the same distance may hold
            assert found.facts.ends is not None
            lower, upper = found.facts.ends
            assert lower <= away and upper is not None and away <= upper


def test_a_manifest_of_distances_says_what_was_asked_and_is_replayed():
    away = AWAY["inf"]
    claim = Distance(away, away, _proof("inf", away, open=True), Flip(FOOT["inf"], 0))
    shown = _answer("inf", claim)
    assert isinstance(shown, Checked)
    named, text = shown.written()
    points = points_of(DATA)
    question = Question("inf", "argmax", distance=DistanceTerms(Fraction(1, 9), Fraction(5)))
    result = Result(0, "distance", named.certificate)
    manifest = Manifest(NETWORK.digest, points.digest, 2, question, (result,))
    assert parse_manifest(manifest_bytes(manifest)).question == question
    assert "within 1/9, up to 5" in manifest.claim and "1 samples" in manifest.claim
    checker = run_checker(NETWORK, points, question)
    (found,) = check_results(points, question, [result], lambda digest: text, checker)
    assert isinstance(found, Checked)
    wrong = replace(result, kind="robust")
    (found,) = check_results(points, question, [wrong], lambda digest: text, checker)
    assert isinstance(found, RefusedError) and found.flaw == "another verdict"


def test_a_distance_has_no_radius_and_no_format():
    terms = DistanceTerms()
    with pytest.raises(UserError, match="no radius"):
        Question("inf", "argmax", Fraction(1), distance=terms)
    with pytest.raises(UserError, match="exact arithmetic"):
        Question("inf", "argmax", semantics="float32", distance=terms)
    for bad in (Fraction(0), Fraction(-1)):
        with pytest.raises(UserError, match="not positive"):
            DistanceTerms(within=bad)
        with pytest.raises(UserError, match="not positive"):
            DistanceTerms(most=bad)


def test_close_enough_is_decided_exactly():
    """For norm 2 of squares: 2 and 3 differ by sqrt 3 - sqrt 2 = 0.3178.. as radii."""
    two, three = Fraction(2), Fraction(3)
    assert DistanceTerms(Fraction(318, 1000)).is_close("2", two, three)
    assert not DistanceTerms(Fraction(317, 1000)).is_close("2", two, three)
    assert DistanceTerms(Fraction(1)).is_close("2", Fraction(4), Fraction(9))
    assert not DistanceTerms(Fraction(999, 1000)).is_close("2", Fraction(4), Fraction(9))
    assert DistanceTerms(Fraction(1)).is_close("inf", two, three)
    assert not DistanceTerms(Fraction(1)).is_close("1", two, Fraction(31, 10))
    assert not DistanceTerms().is_close("inf", two, three)
    assert DistanceTerms().is_close("inf", two, two)
    assert DistanceTerms().is_reached("inf", two, two, None)
    assert not DistanceTerms().is_reached("inf", three, two, None)

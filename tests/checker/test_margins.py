"""Least margins on balls: what is accepted is true, what is not shown is refused by name."""

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
    replay_margin,
    run_checker,
    sample_query,
)
from verifier.checker.margins import check_margin
from verifier.checker.replay import replay
from verifier.data.dataset import Dataset
from verifier.evidence.certificate import Flip, Robust
from verifier.evidence.margin import Margin, margin_bytes, parse_margin
from verifier.question.errors import RefusedError, UserError
from verifier.question.margin import MarginTerms, margin_below
from verifier.question.query import Query
from verifier.question.region import ball
from verifier.runs.run import points_of
from verifier.tasks.verify import verify

# The outputs (x + y, 1 - x - y): the margin of label 0 at a point is 2 (x + y) - 1, so that on the
# ball of radius 1/4 around (3/4, 1/2) it is least 3/2 - 4/4 = 1/2 in L-inf, 3/2 - 2/4 = 1 in L1.
NETWORK = load_network(([[[1, 1], [-1, -1]]], [[0, 1]]))
CENTER = (Fraction(3, 4), Fraction(1, 2))
DATA = Dataset.from_arrays([["3/4", "1/2"], [0, 0]], [0, 1], name="two")
LEAST = {"inf": Fraction(1, 2), "1": Fraction(1)}
FOOT = {"inf": (Fraction(1, 2), Fraction(1, 4)), "1": (Fraction(1, 2), Fraction(1, 2))}


def _question(norm: Any, within: Fraction | None = None) -> Question:
    return Question(norm, "argmax", Fraction(1, 4), margin=MarginTerms(within))


def _query(norm: str) -> Query:
    return sample_query(NETWORK, points_of(DATA), _question(norm), 0)


def _answer(norm: str, claim: Margin, text: bytes | None = None) -> Checked | RefusedError:
    points, question = points_of(DATA), _question(norm)
    checker = run_checker(NETWORK, points, question)
    query = sample_query(checker.network, points, question, 0)
    asked = asked_of_run(points.digest, question, [0])
    ((place, found),) = checker.margins(
        [query], ["margin"], lambda place: text if text is not None else claim, asked
    )
    assert place == 0
    return found


def _proof(norm: str, margin: Fraction) -> Robust:
    verdict = verify(margin_below(_query(norm), margin)).verdict
    assert isinstance(verdict, Robust)
    return verdict


def _claim(norm: str) -> Margin:
    least = LEAST[norm]
    return Margin(least, least, _proof(norm, least), Flip(FOOT[norm], 0))


@pytest.mark.parametrize("norm", LEAST)
def test_the_least_margin_is_shown_by_a_proof_and_a_point(norm):
    claim = _claim(norm)
    shown = _answer(norm, claim)
    assert isinstance(shown, Checked) and shown.verdict == "margin"
    assert shown.facts.ends == (LEAST[norm], LEAST[norm]) and shown.facts.goal == 0
    text = margin_bytes(claim, NETWORK.digest)
    assert parse_margin(text, NETWORK.digest) == claim
    again = _answer(norm, claim, text)
    assert isinstance(again, Checked) and again.certificate == shown.written()[0].certificate


@pytest.mark.parametrize("norm", LEAST)
def test_whatever_is_accepted_is_true(norm):
    """Ends around the true margin, with every proof and point that were found for any of them."""
    least = LEAST[norm]
    ends = [least + Fraction(k, 8) for k in (-2, -1, 0, 1)]
    proofs = [_proof(norm, end) for end in ends[:3]]
    points = [FOOT[norm], CENTER, (Fraction(0), Fraction(0))]
    accepted = 0
    for lower, upper in itertools.product([*ends, None], ends):
        for proof, point in itertools.product([*proofs, None], points):
            found = _answer(norm, Margin(lower, upper, proof, Flip(point, 0)))
            if isinstance(found, Checked):
                accepted += 1
                assert (lower is None or lower <= least) and least <= upper
    assert accepted >= 8


def _flaw(claim: Margin) -> str:
    found = _answer("inf", claim)
    assert isinstance(found, RefusedError)
    return found.flaw


def test_what_is_not_shown_is_refused_by_name():
    true, small = _claim("inf"), Fraction(1, 100)
    assert _flaw(replace(true, lower=true.upper + small)) == "no interval"
    assert _flaw(replace(true, upper=true.upper - small)) == "no interval"
    assert _flaw(replace(true, lower=None)) == "no proof"
    assert _flaw(replace(true, proof=None)) == "no proof"
    assert _flaw(replace(true, lower=None, proof=None, upper=true.upper - small)) == "no flip"
    raised = true.upper + small
    assert _flaw(replace(true, lower=raised, upper=raised)) != ""  # the foot has a smaller margin
    assert _flaw(replace(true, point=Flip(CENTER, 0))) == "no flip"
    assert _flaw(replace(true, point=Flip((Fraction(0), Fraction(0)), 0))) == "outside"
    floating: Any = float(true.upper)
    assert _flaw(replace(true, upper=floating)) == "not exact"
    assert _flaw(replace(true, lower=floating)) == "not exact"
    whole: Any = 1
    assert _flaw(replace(true, upper=whole)) == "not exact"
    swapped: Any = replace(true, proof=true.point)
    assert _flaw(swapped) == "no proof"
    swapped = replace(true, point=true.proof)
    assert _flaw(swapped) == "no point"
    other: Any = true.point
    assert _flaw(other) == "another verdict"


def test_open_balls_other_networks_and_other_kinds_are_refused():
    true, query = _claim("inf"), _query("inf")
    region = ball("inf", CENTER, Fraction(1, 4), open=True)
    with pytest.raises(RefusedError, match="open region"):
        check_margin(Query(NETWORK, region, query.goals), true)
    points, question = points_of(DATA), _question("inf")
    checker = run_checker(NETWORK, points, question)
    asked = asked_of_run(points.digest, question, [0])
    other = Query(load_network(([[[1, 1], [-1, -1]]], [[0, 1]])), query.region, query.goals)
    ((_, found),) = checker.margins([other], ["margin"], lambda place: true, asked)
    assert isinstance(found, RefusedError) and found.flaw == "another network"
    ((_, found),) = checker.margins([query], ["robust"], lambda place: true, asked)
    assert isinstance(found, RefusedError) and found.flaw == "another verdict"


def test_only_the_canonical_text_is_read():
    claim = _claim("inf")
    text = margin_bytes(claim, NETWORK.digest)
    value = json.loads(text)
    edits: dict[str, Any] = {
        "version": {**value, "robmem_margin": 2},
        "another network": {**value, "network": "0" * 64},
        "unknown field": {**value, "more": 1},
        "missing field": {k: v for k, v in value.items() if k != "lower"},
        "another verdict": {**value, "proof": value["point"]},
        "malformed": {**value, "upper": "2/4"},
    }
    for flaw, edited in edits.items():
        with pytest.raises(RefusedError) as caught:
            parse_margin(json.dumps(edited).encode(), NETWORK.digest)
        assert caught.value.flaw == flaw
    with pytest.raises(RefusedError, match="another verdict"):
        parse_margin(json.dumps({**value, "point": None}).encode(), NETWORK.digest)
    with pytest.raises(RefusedError, match="version"):
        parse_margin(json.dumps({**value, "robmem_margin": True}).encode(), NETWORK.digest)
    with pytest.raises(RefusedError, match="not canonical"):
        parse_margin(text.replace(b",", b", ", 1), NETWORK.digest)
    with pytest.raises(RefusedError, match="another verdict"):
        parse_margin(b"{}", NETWORK.digest)
    rng = random.Random(0)
    for _ in range(300):
        changed = bytearray(text)
        changed[rng.randrange(len(text))] ^= 1 << rng.randrange(8)
        found = _answer("inf", claim, bytes(changed))
        if isinstance(found, Checked):  # another proof or point may hold as well
            assert found.facts.ends is not None
            lower, upper = found.facts.ends
            assert upper is not None and upper >= LEAST["inf"]
            assert lower is None or lower <= LEAST["inf"]


def test_a_manifest_of_margins_says_what_was_asked_and_is_replayed():
    claim = _claim("inf")
    shown = _answer("inf", claim)
    assert isinstance(shown, Checked)
    named, text = shown.written()
    points = points_of(DATA)
    question = _question("inf", Fraction(1, 9))
    result = Result(0, "margin", named.certificate)
    manifest = Manifest(NETWORK.digest, points.digest, 2, question, (result,))
    assert parse_manifest(manifest_bytes(manifest)).question == question
    exact = Manifest(NETWORK.digest, points.digest, 2, _question("inf"), (result,))
    assert parse_manifest(manifest_bytes(exact)).question == _question("inf")
    assert "least margin within 1/9 on Linf balls of radius 1/4" in manifest.claim
    checker = run_checker(NETWORK, points, question)
    (found,) = check_results(points, question, [result], lambda digest: text, checker)
    assert isinstance(found, Checked)
    assert replay_margin(NETWORK, points, question, result, lambda digest: text, replay) == claim
    for kind in ("robust", "flip", "distance"):
        wrong = replace(result, kind=kind)  # type: ignore[arg-type]
        (found,) = check_results(points, question, [wrong], lambda digest: text, checker)
        assert isinstance(found, RefusedError) and found.flaw == "another verdict"
    plain = Question("inf", "argmax", Fraction(1, 4))
    (found,) = check_results(points, plain, [result], lambda digest: text,
                             run_checker(NETWORK, points, plain))  # fmt: skip
    assert isinstance(found, RefusedError)


def test_what_has_no_margin_is_refused():
    terms, radius = MarginTerms(), Fraction(1)
    with pytest.raises(UserError, match="no margin"):
        Question("inf", "value", radius, margin=terms)
    with pytest.raises(UserError, match="irrational"):
        Question("2", "argmax", radius, margin=terms)
    Question("2", "argmax", radius, margin=MarginTerms(Fraction(1, 8)))
    with pytest.raises(UserError, match="exact arithmetic"):
        Question("inf", "argmax", radius, semantics="float32", margin=terms)
    with pytest.raises(UserError, match="radius"):
        Question("inf", "argmax", margin=terms)
    for bad in (Fraction(0), Fraction(-1)):
        with pytest.raises(UserError, match="not positive"):
            MarginTerms(bad)


def test_close_enough_is_decided_exactly():
    half = Fraction(1, 2)
    assert MarginTerms().is_reached(half, half) and not MarginTerms().is_reached(None, half)
    assert not MarginTerms().is_reached(Fraction(0), half)
    assert MarginTerms(half).is_reached(Fraction(0), half)
    assert not MarginTerms(half).is_reached(Fraction(-1, 100), half)

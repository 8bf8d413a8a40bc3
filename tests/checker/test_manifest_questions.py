"""The questions of manifests word by word: what they say, what they refuse, what they become."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from fractions import Fraction
from math import inf, nextafter
from typing import Any

import numpy as np
import pytest

from verifier.checker.manifest import (
    Manifest,
    Question,
    Result,
    claim_text,
    claimed,
    manifest_bytes,
    network_of,
    parse_manifest,
    question_of,
    question_text,
    replay_distance,
    replay_margin,
    require_real,
    run_checker,
    sample_balls,
    sample_family,
    sample_query,
)
from verifier.data.dataset import Dataset
from verifier.evidence.certificate import Flip, Leaf, Node, Robust, certificate_bytes
from verifier.evidence.distance import Distance, distance_bytes
from verifier.evidence.margin import Margin, margin_bytes
from verifier.question.build import NetworkBuilder
from verifier.question.built import Built
from verifier.question.distance import DistanceTerms
from verifier.question.errors import RefusedError, UserError
from verifier.question.executed import denominator_of_errors, executable
from verifier.question.family import FamilyQuery, FamilyTerms, with_parameter
from verifier.question.margin import MarginTerms
from verifier.question.network import Network
from verifier.question.query import Query
from verifier.question.region import ball
from verifier.runs.run import points_of

POINTS = points_of(Dataset.from_rows("three", [(0,), (2,), (4,)], [0, 1, 2]))
HASH = "a" * 64


def F(text: str) -> Fraction:
    return Fraction(text)


def terms(zero: str = "1", slope: str = "0", unit: str = "1", **others: Any) -> FamilyTerms:
    ends = {"first": F("0"), "last": F("1/2"), "open": True} | others
    return FamilyTerms((F(zero), F(slope)), F(unit), **ends)


def family(norm: Any = "inf", decoder: str = "nearest", **numbers: str) -> Question:
    return Question(norm, decoder, family=terms(**numbers))


def line() -> Network:
    """v = relu(x) / 2: 0, 1, 2 at the samples."""
    build = NetworkBuilder(1)
    (unit,) = build.layer([build.inputs[0]])
    return build.network([unit / 2])


WITHIN = MarginTerms(F("1/100"))
SAID = [
    (
        Question("inf", "nearest", F("1/3")),
        "Linf balls of radius 1/3, decoder nearest",
    ),
    (
        Question("2", "argmax", None, F("2")),
        "L2 balls of squared radius 2, decoder argmax",
    ),
    (
        Question("2", "argmax", None, F("0")),
        "L2 balls of squared radius 0, decoder argmax",
    ),
    (
        Question("1", "sign", F("1/2"), clip=(F("-1"), F("3/2"))),
        "L1 balls of radius 1/2, clipped to -1..3/2, decoder sign",
    ),
    (
        Question("inf", "argmax", F("1"), semantics="float32"),
        "Linf balls of radius 1, decoder argmax, as executed in float32",
    ),
    (
        Question("inf", "argmax", F("1"), margin=MarginTerms(None)),
        "the least margin on Linf balls of radius 1, decoder argmax",
    ),
    (
        Question("2", "argmax", F("1"), margin=WITHIN),
        "the least margin within 1/100 on L2 balls of radius 1, decoder argmax",
    ),
    (
        Question("2", "argmax", distance=DistanceTerms(F("1/8"), F("3"))),
        "the L2 distance to the nearest flip within 1/8, up to 3, decoder argmax",
    ),
    (
        Question("1", "argmax", distance=DistanceTerms(None, None), clip=(F("0"), F("1"))),
        "the L1 distance to the nearest flip, clipped to 0..1, decoder argmax",
    ),
    (
        family(),
        "the Linf ball of radius m for every real m in [0, 1/2), read by G(., m), decoder nearest",
    ),
    (
        family(norm="1", zero="2", unit="3"),
        ("the L1 ball of radius 3 m for every real m in [0, 1/2), read by G(., m) / 2, "
        "decoder nearest"),
    ),
    (
        family(norm="2", unit="2", zero="2", slope="-3"),
        ("the L2 ball of radius m sqrt(2) for every real m in [0, 1/2), read by G(., m) / "
        "(2 - 3 m), decoder nearest"),
    ),
    (
        family(norm="3", unit="2"),
        ("the L3 ball of radius m 2^(1/3) for every real m in [0, 1/2), read by G(., m), "
        "decoder nearest"),
    ),
    (
        Question("1", "argmax", F("2"), margin=MarginTerms(curve=True)),
        "the least margin on L1 balls of every radius up to 2, decoder argmax",
    ),
    (
        family(norm="2", zero="1", slope="1/2"),
        ("the L2 ball of radius m for every real m in [0, 1/2), read by G(., m) / "
        "(1 + 1/2 m), decoder nearest"),
    ),
]  # fmt: skip


@pytest.mark.parametrize("question, said", SAID)
def test_a_question_says_what_is_asked(question, said):
    assert str(question) == said


@pytest.mark.parametrize("question, said", SAID)
def test_a_question_is_read_again_as_it_was_written(question, said):
    manifest = Manifest(HASH, HASH, 3, question, (Result(1, "undecided", None),))
    again = parse_manifest(manifest_bytes(manifest))
    assert again.question == question and again.claim == manifest.claim
    assert question_text(again.question) == question_text(question)


REFUSED: list[tuple[dict[str, Any], str]] = [
    (
        {"semantics": "float16"},
        "semantics 'float16' is not one of real, float32, float64",
    ),
    ({"semantics": "x" * 50}, f"semantics {('x' * 40)!r} is not one of"),
    ({"decoder": "maximum"}, "decoder 'maximum' is not one of"),
    ({"norm": "65"}, "norm '65' is not inf, or an integer from 1 to 64"),
    ({"norm": "3", "radius": None, "distance": DistanceTerms()},
     "norm 3: distances and least margins are of inf, 1 and 2"),
    ({"norm": "4", "margin": WITHIN}, "norm 4: distances and least margins are of inf, 1 and 2"),
    ({"clip": (F("2"), F("1"))}, "clip: 2 is above 1"),
    ({"radius": F("-1")}, "-1"),
    ({"radius": None}, "radius"),
    ({"radius": F("-1"), "clip": (F("0"), F("1"))}, "-1"),
    ({"margin": WITHIN, "radius": None, "distance": DistanceTerms()},
     "a question about margins is about one ball"),
    ({"margin": WITHIN, "radius": None, "family": terms()},
     "a question about margins is about one ball"),
    ({"margin": WITHIN, "semantics": "float32"},
     "margins are about exact arithmetic, not float32"),
    ({"margin": WITHIN, "decoder": "value"}, "decoder value: an output that equals its label"),
    ({"margin": MarginTerms(None), "norm": "2"},
     "on an L2 ball the worst margin may be irrational"),
    ({"distance": DistanceTerms()}, "a question about distances has no radius and no family"),
    ({"distance": DistanceTerms(), "radius": None, "radius_squared": F("1"), "norm": "2"},
     "a question about distances has no radius and no family"),
    ({"distance": DistanceTerms(), "radius": None, "family": terms()},
     "a question about distances has no radius and no family"),
    ({"distance": DistanceTerms(), "radius": None, "semantics": "float64"},
     "distances are about exact arithmetic, not float64"),
    ({"family": terms()}, "a family has no radius and no clip"),
    ({"family": terms(), "radius": None, "radius_squared": F("1"), "norm": "2"},
     "a family has no radius and no clip"),
    ({"family": terms(), "radius": None, "clip": (F("0"), F("1"))},
     "a family has no radius and no clip"),
    ({"family": terms(), "radius": None, "semantics": "float32"},
     "a family is about exact arithmetic, not float32"),
]  # fmt: skip


@pytest.mark.parametrize("changed, words", REFUSED)
def test_what_is_no_question_is_refused_in_words(changed, words):
    given: dict[str, Any] = {"norm": "inf", "decoder": "nearest", "radius": F("1")}
    with pytest.raises(UserError) as refusal:
        Question(**given | changed)
    assert words in str(refusal.value)


def test_exact_arithmetic_and_a_clip_of_one_number_are_questions():
    Question("inf", "nearest", family=terms(), semantics="real")
    Question("inf", "nearest", distance=DistanceTerms(), semantics="real")
    Question("inf", "argmax", F("1"), margin=WITHIN, semantics="real")
    Question("2", "argmax", F("1"), margin=WITHIN)
    Question("inf", "argmax", F("1"), margin=MarginTerms(None))
    assert Question("inf", "nearest", F("1"), clip=(F("1"), F("1"))).clip == (1, 1)


def test_only_a_question_about_one_ball_has_a_region():
    with pytest.raises(UserError, match="about every budget has no single ball"):
        family().region((F("0"),))
    with pytest.raises(UserError, match="about distances has no single ball"):
        Question("inf", "nearest", distance=DistanceTerms()).region((F("0"),))
    asked = Question("2", "nearest", None, F("2"), clip=(F("-1"), F("3")))
    wanted = ball("2", (F("0"),), None, radius_squared=F("2"), clip=(F("-1"), F("3")))
    assert asked.region((F("0"),)) == wanted


def test_every_entry_of_a_region_is_a_multiple():
    """Of the fraction with the denominator that a question names, centers apart."""
    cases = [
        (Question("inf", "nearest", F("2/7")), 7),
        (Question("inf", "nearest", F("2/7"), clip=(F("1/3"), F("1/5"))[::-1]), 105),
        (Question("inf", "nearest", F("1"), distance=None), 1),
        (Question("inf", "nearest", distance=DistanceTerms()), 1),
        (family(unit="1/3", norm="inf"), 6),
        (family(), 2),
    ]
    for question, denominator in cases:
        assert question.denominator == denominator, str(question)
    executed = Question("inf", "nearest", F("2/7"), semantics="float32")
    assert executed.denominator == 7 * denominator_of_errors("float32")


def test_a_sample_is_read_as_the_format_holds_it():
    between = (Fraction(1, 3), Fraction(-2))
    assert Question("inf", "nearest", F("1")).center(between) == between
    held = Question("inf", "nearest", F("1"), semantics="float32").center(between)
    assert held == (Fraction(float(np.float32(1 / 3))), Fraction(-2))
    held = Question("inf", "nearest", F("1"), semantics="float64").center(between)
    assert held == (Fraction(1 / 3), Fraction(-2))


def test_the_network_of_a_question_is_the_one_that_is_executed():
    network = line()
    assert network_of(network, Question("inf", "nearest", F("1"))) is network
    question = Question("inf", "nearest", F("1"), semantics="float32")
    other = network_of(network, question)
    assert other.digest == executable(network, "float32").network.digest != network.digest
    assert run_checker(network, POINTS, question).asked_about is network


def test_kernels_know_real_numbers_alone():
    require_real(Question("inf", "nearest", F("1")), "the kernel")
    with pytest.raises(UserError, match="the kernel knows real numbers alone.* in float32"):
        require_real(Question("inf", "nearest", F("1"), semantics="float32"), "the kernel")


def test_the_question_about_a_sample_is_of_the_kind_that_is_asked():
    network = line()
    assert isinstance(question_of(network, POINTS, Question("inf", "nearest", F("1")), 1), Query)
    asked = question_of(with_parameter(network), POINTS, family(), 1)
    assert isinstance(asked, FamilyQuery) and asked.cone.center == (2,)
    with pytest.raises(UserError, match="a question about one budget is no family"):
        sample_family(network, POINTS, Question("inf", "nearest", F("1")), 1)
    with pytest.raises(UserError, match="a question about one ball is none about distances"):
        sample_balls(network, POINTS, Question("inf", "nearest", F("1")), 1)


@pytest.mark.parametrize("norm", ["inf", "1", "2"])
def test_balls_of_distances_are_closed_or_open(norm):
    question = Question(norm, "nearest", distance=DistanceTerms(), clip=(F("0"), F("3")))
    around = sample_balls(line(), POINTS, question, 1)
    for opened in (False, True):
        radius, squared = (None, F("1/4")) if norm == "2" else (F("1/4"), None)
        wanted = ball(
            norm, (F("2"),), radius, radius_squared=squared, clip=(F("0"), F("3")), open=opened
        )
        assert around(F("1/4"), opened).region == wanted


def test_a_sample_that_the_format_moves_out_of_its_ball_is_refused():
    far = Fraction(nextafter(1.0, inf)) + Fraction(1, 2**60)
    points = points_of(Dataset.from_rows("two", [(far,), (Fraction(3),)], [0, 1]))
    question = Question("inf", "nearest", Fraction(1, 2**70), semantics="float64")
    with pytest.raises(UserError, match="sample 0: as float64 holds it, the sample lies outside"):
        sample_query(line(), points, question, 0)
    with pytest.raises(UserError, match="sample 1: sign: .*3 classes|sign: the data have 3"):
        sample_query(line(), POINTS, Question("inf", "sign", F("1")), 1)


DISTANCE = Question("inf", "nearest", distance=DistanceTerms())
MARGIN = Question("inf", "argmax", F("1"), margin=WITHIN)
BALL = Question("inf", "nearest", F("1/3"))
ON = "on Linf balls of radius 1/3, decoder nearest"
FAR = "the Linf distance to the nearest flip, decoder nearest"
LEAST = "the least margin within 1/100 on Linf balls of radius 1, decoder argmax"
CLAIMS: list[tuple[Question, int, dict[Any, int], int, str]] = [
    (BALL, 3, {"robust": 3, "flip": 0, "undecided": 0}, 0,
     f"all 3 samples keep their label {ON}"),
    (BALL, 5, {"robust": 3, "flip": 0, "undecided": 0}, 0,
     f"all 3 samples asked about, of 5, keep their label {ON}"),
    (BALL, 6, {"robust": 3, "flip": 2, "undecided": 1}, 0,
     f"3 of 6 samples keep their label {ON}, 2 do not, 1 undecided"),
    (BALL, 6, {"robust": 3, "flip": 1, "undecided": 0}, 2,
     f"3 of 6 samples keep their label {ON}, 1 do not, 2 recorded, not replayed here"),
    (BALL, 9, {"robust": 0, "flip": 0, "undecided": 0}, 2,
     f"0 of 2 samples asked about, of 9, keep their label {ON}, 2 recorded, not replayed here"),
    (BALL, 3, {"robust": 0, "flip": 0, "undecided": 3}, 0,
     f"0 of 3 samples keep their label {ON}, 3 undecided"),
    (DISTANCE, 3, {"distance": 3, "undecided": 0}, 0,
     f"an interval for {FAR}, is shown for all 3 samples"),
    (DISTANCE, 4, {"distance": 3, "undecided": 1}, 0,
     f"an interval for {FAR}, is shown for 3 of 4 samples, 1 undecided"),
    (DISTANCE, 9, {"distance": 3, "undecided": 1}, 2,
     (f"an interval for {FAR}, is shown for 3 of 6 samples asked about, of 9, 1 undecided, "
     "2 recorded, not replayed here")),
    (DISTANCE, 2, {"undecided": 2}, 0,
     f"an interval for {FAR}, is shown for 0 of 2 samples, 2 undecided"),
    (MARGIN, 2, {"margin": 1, "undecided": 0}, 1,
     f"an interval for {LEAST}, is shown for 1 of 2 samples, 1 recorded, not replayed here"),
]  # fmt: skip


@pytest.mark.parametrize("question, size, counts, recorded, claim", CLAIMS)
def test_a_claim_says_what_its_counts_say(question, size, counts, recorded, claim):
    assert claim_text(question, size, counts, recorded) == claim
    if not recorded:
        assert claim_text(question, size, counts) == claim


def results(*kinds: Any) -> tuple[Result, ...]:
    return tuple(
        Result(place, kind, None if kind == "undecided" else HASH)
        for place, kind in enumerate(kinds)
    )


def test_counts_of_a_manifest():
    asked = Manifest(HASH, HASH, 4, BALL, results("robust", "flip", "undecided", "robust"))
    assert asked.counts == {"robust": 2, "flip": 1, "undecided": 1}
    assert asked.complete and asked.claim.startswith("2 of 4 samples keep their label")
    measured = Manifest(HASH, HASH, 4, DISTANCE, results("distance", "undecided"))
    assert measured.counts == {"distance": 1, "undecided": 1}
    assert not measured.complete
    assert measured.claim.endswith("is shown for 1 of 2 samples asked about, of 4, 1 undecided")


def test_ways_to_a_claim():
    """By theorem, ball by ball, or both; nothing is claimed of no sample otherwise."""
    built = Built("linf-parallel", F("4"), F("1/3"))
    alone = Manifest(HASH, HASH, 3, BALL, (), built)
    assert alone.claim == (
        f"all 3 samples keep their label {ON}, by the theorem about linf-parallel"
    )
    both = Manifest(HASH, HASH, 3, BALL, results("robust", "robust", "robust"), built)
    assert both.claim == (
        f"all 3 samples keep their label {ON}; all do by the theorem about linf-parallel"
    )
    for manifest in (alone, both):
        assert parse_manifest(manifest_bytes(manifest)).claim == manifest.claim
    with pytest.raises(UserError, match="a manifest without results would hold of everything"):
        Manifest(HASH, HASH, 3, BALL, ())


def test_a_replay_that_is_recorded_had_something_to_replay():
    replayed = Manifest(HASH, HASH, 3, BALL, results("robust", "undecided"), proved=True)
    assert parse_manifest(manifest_bytes(replayed)).proved
    for empty in (results("undecided", "undecided"), ()):
        with pytest.raises(UserError, match="without certificates: none of them was replayed"):
            Manifest(HASH, HASH, 3, BALL, empty, Built("linf", F("4"), F("1")), proved=True)


@pytest.mark.parametrize(
    "broken, flaw, words",
    [
        (lambda text: text.replace('"size": 3', '"size": "3"'), "malformed",
         "size is not a number"),
        (lambda text: text.replace('"robmem_manifest": 1', '"robmem_manifest": 2'), "version",
         "manifest version '2', not 1"),
        (lambda text: text.replace('"robmem_manifest": 1', '"robmem_manifest": true'), "version",
         "manifest version 'True'"),
        (lambda text: text.replace('"clip": null', '"clip": [1]'), "malformed",
         "clip is not a pair of numbers"),
        (lambda text: text.replace('"clip": null', '"clip": {}'), "malformed",
         "clip is not a pair of numbers"),
        (lambda text: text.replace('"nearest"', "7"), "malformed", "norm and decoder are texts"),
        (lambda text: text.replace('"inf"', "1"), "malformed", "norm and decoder are texts"),
        (lambda text: text.replace('"nearest"', '"other"'), "malformed", "decoder 'other'"),
        (lambda text: text.replace(HASH, "A" * 64, 1), "malformed", "is not a SHA-256"),
        (lambda text: text.replace(HASH, "a" * 63, 1), "malformed", "is not a SHA-256"),
        (lambda text: text.replace('"robust"', '"sturdy"'), "malformed", "'sturdy' is no verdict"),
        (lambda text: text.replace("[0,", "[true,"), "malformed", "a result is a list of sample"),
        (lambda text: text.replace("[0,", "[1,"), "root", "it says"),
    ],
)  # fmt: skip
def test_an_altered_manifest_is_refused_for_its_flaw(broken, flaw, words):
    text = manifest_bytes(Manifest(HASH, HASH, 3, BALL, results("robust"))).decode()
    assert broken(text) != text
    with pytest.raises(RefusedError) as refusal:
        parse_manifest(broken(text).encode())
    assert refusal.value.flaw == flaw and words in str(refusal.value)


FAMILY = manifest_bytes(
    Manifest(HASH, HASH, 3, family(zero="2", slope="-3"), (Result(0, "robust", HASH),))
).decode()
EXECUTED = manifest_bytes(
    Manifest(HASH, HASH, 3, Question("inf", "argmax", F("1"), semantics="float32"), results("flip"))
).decode()
FARTHEST = manifest_bytes(Manifest(HASH, HASH, 3, DISTANCE, results("distance"))).decode()
LEAST_MARGIN = manifest_bytes(Manifest(HASH, HASH, 3, MARGIN, results("margin"))).decode()
BUILT = manifest_bytes(Manifest(HASH, HASH, 3, BALL, (), Built("linf", F("4"), F("1/3")))).decode()


@pytest.mark.parametrize(
    "text, old, new, flaw, words",
    [
        (FAMILY, '"norm": "inf"', '"norm": 1', "malformed", "norm and decoder are texts"),
        (FAMILY, '"nearest"', "null", "malformed", "norm and decoder are texts"),
        (FAMILY, '"open": true', '"open": 1', "malformed", "open is neither true nor false"),
        (FAMILY, '"open": true', '"open": true, "more": 1', "unknown field", "more"),
        (FAMILY, '"nearest"', '"nearest", "clip": null', "unknown field", "clip"),
        (EXECUTED, '"float32"', '"real"', "semantics", "'real' is neither float32 nor float64"),
        (EXECUTED, '"float32"', '"float16"', "semantics", "'float16' is neither"),
        (FARTHEST, '"norm": "inf"', '"norm": 1', "malformed", "norm and decoder are texts"),
        (FARTHEST, '"nearest"', "null", "malformed", "norm and decoder are texts"),
        (FARTHEST, '"nearest"', '"nearest", "open": true', "unknown field", "open"),
        (FARTHEST, '"max": null', '"max": null, "min": null', "unknown field", "min"),
        (
            LEAST_MARGIN,
            '"within": "1/100"',
            '"within": "1/100", "max": "1"',
            "unknown field",
            "max",
        ),
        (BUILT, '"power": "4"', '"power": "4", "seed": "0"', "unknown field", "seed"),
    ],
)
def test_altered_questions_of_every_kind_are_refused_for_their_flaw(text, old, new, flaw, words):
    assert text.count(old) == 1
    with pytest.raises(RefusedError) as refusal:
        parse_manifest(text.replace(old, new).encode())
    assert refusal.value.flaw == flaw and words in str(refusal.value)


def test_a_certificate_is_of_the_kind_that_is_claimed():
    proof, flip = Robust((), ((Node((), Leaf()),),)), Flip((F("1"),), 0)
    for verdict, kind in ((proof, "robust"), (flip, "flip")):
        text = certificate_bytes(verdict, HASH)
        for said in ("robust", "flip"):
            result = Result(0, said, hashlib.sha256(text).hexdigest())
            if said == kind:
                assert claimed(result, lambda _, text=text: text, HASH) == verdict
            else:
                with pytest.raises(RefusedError) as refusal:
                    claimed(result, lambda _, text=text: text, HASH)
                assert refusal.value.flaw == "another verdict"
                assert str(refusal.value).endswith(f"{said} is claimed, the certificate differs")


def refuse(query: Query, verdict: Any) -> None:
    raise RefusedError("bound too weak", "by the kernel")


@pytest.mark.parametrize("kind", ["distance", "margin"])
def test_intervals_are_replayed_by_the_checker_that_is_asked(kind):
    """Both parts of each; what it refuses is refused with the sample."""
    proof, network = Robust((), ((Node((), Leaf()),),)), line()
    if kind == "distance":
        text = distance_bytes(Distance(F("1/2"), F("1"), proof, Flip((F("1"),), 0)), network.digest)
        question, replay = DISTANCE, replay_distance
    else:
        text = margin_bytes(Margin(F("-1"), F("1"), proof, Flip((F("1"),), 0)), network.digest)
        question = Question("inf", "nearest", F("1"), margin=WITHIN)
        replay = replay_margin
    result = Result(1, kind, hashlib.sha256(text).hexdigest())
    with pytest.raises(RefusedError, match="bound too weak: sample 1: by the kernel"):
        replay(network, POINTS, question, result, lambda _: text, refuse)


def test_a_run_about_every_budget_has_a_checker_of_families():
    """Whose last input is no direction of ridge functions."""
    network = with_parameter(line())
    assert run_checker(network, POINTS, family()).scaled.axes == 1
    assert run_checker(network, POINTS, BALL).scaled.axes == 2


@pytest.mark.parametrize(
    ("question", "measured"),
    [
        (Question("inf", "value", distance=DistanceTerms(None, F("1000"))), "distance"),
        (Question("inf", "argmax", F("1"), margin=MarginTerms()), "margin"),
    ],
)
def test_no_theorem_answers_what_is_measured(question, measured):
    """Not even beside a radius of 0, or none: it would say that every sample keeps its label."""
    built = Built("linf", F("4"), F("1"))
    manifest = Manifest(HASH, HASH, 3, BALL, (), built)
    assert parse_manifest(manifest_bytes(manifest)).theorem == built
    with pytest.raises(UserError, match=f"about labels, not about a {measured}"):
        replace(manifest, question=question)

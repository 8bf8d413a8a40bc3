"""Margins on the balls of all radii: what the checker accepts holds at every radius, and evidence
that is altered anywhere is refused for its flaw, by the kernels too."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from fractions import Fraction
from functools import cache

import pytest

from verifier.checker.checked import Checked, Checker
from verifier.checker.curves import Balls, check_curve, not_above, replay_part
from verifier.checker.elaborate import kernel_check_proof
from verifier.checker.manifest import (
    Manifest,
    Question,
    Result,
    asked_of_run,
    manifest_bytes,
    parse_manifest,
    question_text,
    replay_margin,
)
from verifier.data.dataset import Dataset
from verifier.evidence.certificate import Flip, Leaf, Node, Robust, certificate_bytes
from verifier.evidence.curve import MarginCurve, curve_bytes, parse_curve
from verifier.question.build import NetworkBuilder
from verifier.question.distance import DistanceTerms
from verifier.question.errors import RefusedError, UserError
from verifier.question.family import FamilyTerms
from verifier.question.margin import MarginTerms
from verifier.question.query import Atom, Query, label_goals
from verifier.question.region import ball
from verifier.runs.run import points_of
from verifier.tasks.margin import margin_curve

F = Fraction
LAST = F(5, 2)


def network():
    """Outputs 1 and relu(x - 1) + relu(-x - 3): the margin around 0 is 1, from 1 on 2 - r."""
    build = NetworkBuilder(1)
    (x,) = build.inputs
    right, left = build.layer([x - 1, -x - 3])
    return build.network([0 * x + 1, right + left])


def asked(about=None, norm="inf", radius=LAST, **more):
    goals = label_goals("argmax", 0, range(2), 2)
    return Query(about or network(), ball(norm, [F(0)], radius, **more), goals)


QUERY = asked()


@cache
def exact_curve():
    found = margin_curve(Balls(QUERY).at, LAST)
    assert found.exact
    return found.evidence


def flaw_of(query, curve, check=None):
    try:
        check_curve(query, curve, *([] if check is None else [check]))
    except RefusedError as flaw:
        return flaw.flaw
    return "accepted"


def test_it_is_accepted_by_the_checker_and_by_the_kernel():
    curve = exact_curve()
    for check in (None, kernel_check_proof):
        assert flaw_of(QUERY, curve, check) == "accepted"
    assert (curve.lower, curve.upper, curve.exact) == (F(-1, 2), F(-1, 2), True)


def test_bytes_are_read_back_and_no_others():
    curve = exact_curve()
    digest = QUERY.network.digest
    data = curve_bytes(curve, digest)
    assert parse_curve(data, digest) == curve and curve_bytes(curve, digest) == data
    text = json.loads(data)
    for change, flaw in (
        ({"robmem_curve": 2}, "version"),
        ({"robmem_curve": True}, "version"),
        ({"network": "0" * 64}, "another network"),
        ({"more": 1}, "unknown field"),
        ({"pieces": {}}, "malformed"),
        ({"pieces": [{}]}, "missing field"),
        ({"pieces": [text["pieces"][0] | {"all": 1}]}, "malformed"),
        ({"pieces": [text["pieces"][0] | {"goal": -1}]}, "malformed"),
        ({"pieces": [text["pieces"][0] | {"first": "0/1"}]}, "malformed"),
        ({"pieces": [text["pieces"][0] | {"upper": ["1"]}]}, "malformed"),
        ({"pieces": [text["pieces"][0] | {"points": [["0"]]}]}, "malformed"),
    ):
        changed = json.dumps(text | change, separators=(",", ":"), sort_keys=True).encode() + b"\n"
        with pytest.raises(RefusedError, match=f"^{flaw}"):
            parse_curve(changed, digest)
    for other in (data + b" ", data.replace(b'"all":true', b'"all": true', 1)):
        with pytest.raises(RefusedError, match="not canonical"):
            parse_curve(other, digest)
    with pytest.raises(RefusedError, match="another verdict"):
        parse_curve(b'{"robmem_margin":1}\n', digest)


def edited(curve, number, **change):
    pieces = list(curve.pieces)
    pieces[number] = replace(pieces[number], **change)
    return MarginCurve(tuple(pieces))


SMALL = F(1, 10**9)


@pytest.mark.parametrize(
    ("number", "change", "flaw"),
    [
        (0, {"first": F(1, 2)}, "no interval"),
        (0, {"first": F(-1)}, "no interval"),
        (0, {"last": F(2)}, "bound too weak"),
        (0, {"last": F(3, 4)}, "outside"),  # where its points do not lie
        (0, {"last": F(3, 4), "points": ((F(0),), (F(0),))}, "no interval"),  # then comes a gap
        (1, {"last": F(2)}, "outside"),
        (1, {"last": F(2), "points": ((F(1),), (F(2),))}, "no flip"),  # the line is too steep
        (1, {"last": F(1)}, "no interval"),
        (1, {"lower": (F(1), F(-1, 2) + SMALL)}, "bound too weak"),
        (1, {"lower": (F(1) + SMALL, F(-1, 2))}, "bound too weak"),
        (0, {"lower": None}, "no proof"),
        (0, {"proof": None}, "no proof"),
        (1, {"for_all": False}, "no proof"),  # the line is not level
        (1, {"upper": (F(1), F(-1, 2) - SMALL)}, "no flip"),
        (1, {"upper": (F(1) - SMALL, F(-1, 2))}, "no flip"),
        (1, {"points": ((F(1),), (F(3),))}, "outside"),
        (1, {"points": ((F(2),), (LAST,))}, "outside"),
        (1, {"points": ((F(1),), (LAST, F(0)))}, "dimension"),
        (1, {"goal": 1}, "index out of range"),
        (1, {"goal": -1}, "index out of range"),
        (1, {"upper": (1, F(-1, 2))}, "not exact"),
        (1, {"points": ((1,), (LAST,))}, "not exact"),
        (1, {"points": ((F(1),), (2,))}, "not exact"),
        (1, {"points": ((F(1), F(0)), (LAST,))}, "dimension"),
    ],
)
def test_what_is_altered_is_refused(number, change, flaw):
    curve = exact_curve()
    assert flaw_of(QUERY, edited(curve, number, **change)) == flaw


def test_a_dip_between_good_ends_is_no_line():
    """From 0 on the way to 5/2 the margin is 1 up to 1, above the line through its ends."""
    curve = exact_curve()
    ends = F(1), F(-1, 2)
    piece = replace(
        curve.pieces[1], first=F(0), lower=None, proof=None, points=((F(0),), (LAST,)), upper=ends
    )
    found = flaw_of(QUERY, MarginCurve((piece,)))
    assert found == "no flip"  # at 1 it is 1, and the line is 2/5
    with pytest.raises(RefusedError, match="on the way between its points"):
        check_curve(QUERY, MarginCurve((piece,)))
    assert flaw_of(QUERY, MarginCurve((replace(piece, upper=(F(1), F(1))),))) == "accepted"


def test_one_ball_shows_a_level_line():
    """That of the last radius, which holds the others; the margin there is -1/2."""
    last = margin_curve(Balls(QUERY).at, LAST).pieces[-1]
    leaf = Robust((), ((Node((), Leaf()),),))
    point = ((F(0),), (F(0),))
    for level, found in ((F(-1, 2), "accepted"), (F(-1, 2) + SMALL, "bound too weak")):
        piece = replace(
            last.evidence, first=F(0), lower=(level, level), proof=leaf, for_all=False,
            points=point, upper=(F(1), F(1)),
        )  # fmt: skip
        assert flaw_of(QUERY, MarginCurve((piece,))) == found


@pytest.mark.parametrize(
    ("unfit", "words"),
    [
        (asked(norm="2"), "norm 2"),
        (asked(norm="1", open=True), "closed ones that nothing cuts"),
        (asked(norm="1", clip=(F(-1, 2), F(5))), "closed ones that nothing cuts"),
        (asked(radius=F(0)), "the last radius is not positive"),
    ],
)
def test_what_has_no_curve(unfit, words):
    curve = exact_curve()
    with pytest.raises(UserError, match=words):
        check_curve(unfit, curve)


def test_anything_else_is_no_curve():
    curve = exact_curve()
    assert flaw_of(QUERY, curve.pieces[0].proof) == "another verdict"
    assert flaw_of(QUERY, MarginCurve(())) == "no interval"
    assert flaw_of(QUERY, MarginCurve(curve.pieces[:1])) == "no interval"  # as far as 1


def test_any_positive_radius_is_the_last():
    query = asked(radius=SMALL)
    assert flaw_of(query, margin_curve(Balls(query).at, SMALL).evidence) == "accepted"


def test_goals_of_several_atoms_have_no_curve():
    (goal,) = QUERY.goals
    both = replace(goal, atoms=goal.atoms * 2)
    with pytest.raises(UserError, match="goals of one atom each"):
        Balls(Query(QUERY.network, QUERY.region, (goal, both)))


def test_an_atom_about_inputs_is_followed_along_the_way():
    """From 0 to 2 the second output is 0 up to 1, then s x - 1: minus the atom bends there."""
    atom = Atom(((0, F(-3)),), ((1, F(2)),), F(1, 2), True)
    way = ((F(0),), (F(2),))
    for line, found in (
        ((F(-1, 2), F(7, 2)), False),  # at 1 it is 5/2, and the line 3/2
        ((F(3, 2), F(7, 2)), True),
        ((F(3, 2) - SMALL, F(7, 2)), False),
        ((F(3, 2), F(7, 2) - SMALL), False),
    ):
        assert not_above(QUERY.network, atom, way, line) == found
    assert not_above(QUERY.network, Atom(((0, F(2)),), (), F(0), True), way, (F(0), F(-4)))
    assert not not_above(QUERY.network, Atom(((0, F(2)),), (), F(0), True), way, (-SMALL, F(-4)))


def three_pieces():
    """The question of two equal rivals, and a curve that names the second on its last piece."""
    build = NetworkBuilder(1)
    (x,) = build.inputs
    right, left = build.layer([x - 1, -x - 3])
    twice = build.network([0 * x + 1, right + left, right + left])
    query = Query(twice, ball("inf", [F(0)], LAST), label_goals("argmax", 0, range(3), 3))
    level, steep = margin_curve(Balls(query).at, LAST).evidence.pieces
    assert (steep.first, steep.upper, steep.points) == (1, (1, F(-1, 2)), ((1,), (LAST,)))
    steep = replace(steep, lower=None, proof=None, goal=0)
    middle = replace(steep, last=F(2), upper=(F(1), F(0)), points=((F(1),), (F(2),)))
    last = replace(
        steep, first=F(2), upper=(F(0), F(-1, 2)), points=((F(2),), (LAST,)), goal=1
    )  # fmt: skip
    return query, MarginCurve((level, middle, last))


def test_a_curve_ends_as_its_last_piece():
    query, curve = three_pieces()
    assert (curve.lower, curve.upper, curve.exact) == (None, F(-1, 2), False)
    level = curve.pieces[0]
    assert level.exact and not curve.pieces[1].exact
    assert MarginCurve((curve.pieces[2], curve.pieces[1], level)).lower == F(1)
    about = asked_of_run("0" * 64, Question("inf", "argmax", LAST), [0])
    answers = Checker(query.network, 2).margins(
        [query], ["margin"], lambda k: curve, about, curves=True
    )
    ((_, shown),) = answers
    assert isinstance(shown, Checked)
    assert (shown.facts.ends, shown.facts.goal) == ((None, F(-1, 2)), 1)


def test_the_proof_of_a_piece_is_no_flip():
    curve, digest = exact_curve(), QUERY.network.digest
    text = json.loads(curve_bytes(curve, digest))
    text["pieces"][0]["proof"] = json.loads(certificate_bytes(Flip((F(0),), 0), digest))
    data = json.dumps(text, separators=(",", ":"), sort_keys=True).encode() + b"\n"
    with pytest.raises(RefusedError, match="^another verdict: the proof of a piece"):
        parse_curve(data, digest)


def test_a_run_of_curves_is_replayed():
    curve = exact_curve()
    points = points_of(Dataset.from_rows("two", [(0,), (9,)], [0, 1]))
    question = Question("inf", "argmax", LAST, margin=MarginTerms(curve=True))
    altered = edited(curve, 1, lower=(F(1), F(-1, 2) + SMALL))
    for claim, flaw in ((curve, None), (altered, "bound too weak")):
        text = curve_bytes(claim, QUERY.network.digest)
        result = Result(0, "margin", hashlib.sha256(text).hexdigest())
        asked_there = QUERY.network, points, question, result, lambda _, text=text: text
        if flaw is None:
            assert replay_margin(*asked_there, replay_part) == claim
        else:
            with pytest.raises(RefusedError, match=f"^{flaw}: sample 0"):
                replay_margin(*asked_there, replay_part)


@pytest.mark.parametrize("value", [False, 1, None, "true"])
def test_a_manifest_says_of_a_curve_that_it_is_true(value):
    question = Question("inf", "argmax", LAST, margin=MarginTerms(curve=True))
    manifest = Manifest("a" * 64, "a" * 64, 1, question, (Result(0, "undecided", None),))
    assert parse_manifest(manifest_bytes(manifest)).question == question
    other = manifest_bytes(manifest).replace(
        b'"curve": true', f'"curve": {json.dumps(value)}'.encode()
    )
    head = other.partition(b',\n"root": ')[0]
    root = hashlib.sha256(head).hexdigest()
    with pytest.raises(RefusedError, match="malformed: curve is not true"):
        parse_manifest(head + f',\n"root": "{root}"}}\n'.encode())


def test_a_run_asks_for_it():
    curve = exact_curve()
    question = Question("inf", "argmax", LAST, margin=MarginTerms(curve=True))
    assert question_text(question).endswith('"margin": {"within": null, "curve": true}}')
    checker = Checker(QUERY.network, 2)
    own = asked(QUERY.network)
    about = asked_of_run("0" * 64, question, [0])
    ((_, shown),) = checker.margins([own], ["margin"], lambda k: curve, about, curves=True)
    assert isinstance(shown, Checked) and shown.facts.ends == (F(-1, 2), F(-1, 2))
    no_curve = curve.pieces[0]
    for given, curves in ((curve, False), (no_curve, True)):
        answers = checker.margins([own], ["margin"], [given].__getitem__, about, curves=curves)
        ((_, shown),) = answers
        assert isinstance(shown, RefusedError) and shown.flaw == "another verdict"
    ((_, shown),) = checker.margins([own], ["robust"], lambda k: curve, about, curves=True)
    assert isinstance(shown, RefusedError) and shown.flaw == "another verdict"
    ((_, shown),) = checker.margins([asked()], ["margin"], lambda k: curve, about, curves=True)
    assert isinstance(shown, RefusedError) and shown.flaw == "another network"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"norm": "2"}, "norm 2: the least margin is not piecewise linear"),
        ({"norm": "3"}, "norm 3: distances and least margins are of inf, 1 and 2"),
        ({"clip": (F(0), F(1))}, "do not go with a clip"),
        ({"radius": F(0)}, "the last is not positive"),
        ({"radius": None, "distance": DistanceTerms()}, "about one ball"),
        (
            {"radius": None, "family": FamilyTerms((F(1), F(0)), F(1), F(0), F(1), open=True)},
            "about one ball",
        ),
        ({"decoder": "value"}, "has no margin"),
    ],
)
def test_questions_that_have_no_curves(change, words):
    question = Question("inf", "argmax", LAST, margin=MarginTerms(curve=True))
    with pytest.raises(UserError, match=words):
        replace(question, **change)
    with pytest.raises(UserError, match="do not go with within"):
        MarginTerms(F(1), curve=True)

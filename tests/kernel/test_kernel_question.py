"""The first line of a proof file asks the same question of both readers, or is refused by both."""

from __future__ import annotations

import json
from copy import deepcopy
from fractions import Fraction
from math import isqrt

import pytest

from tests.oracles.kernel import head_of
from verifier.checker.replay import replay
from verifier.evidence.certificate import Flip, certificate_bytes
from verifier.evidence.proof_file import parse_proof
from verifier.kernel.question import Cone, Questions, Region, label_goals, root_upper
from verifier.kernel.runs import check_proof_file
from verifier.kernel.text import Refused
from verifier.question import region as fast
from verifier.question.build import NetworkBuilder
from verifier.question.errors import RefusedError, UserError
from verifier.question.query import Atom, Goal, Query
from verifier.question.region import ball, box

F = Fraction


def network():
    """y = max(x0 + x1, 0) on two inputs."""
    build = NetworkBuilder(2)
    x, y = build.inputs
    (unit,) = build.layer([x + y])
    return build.network([unit + 0 * x])


NETWORK = network()
ATOM = Atom(((0, F(1)),), ((0, F(1)),), F(-1, 2), True)
REGIONS = {
    "box": box([F(0), F(0)], [F(1), F(1)]),
    "1": ball("1", [F(1), F(0)], F(1)),
    "2": ball("2", [F(1), F(0)], F(1), clip=([F(0), F(0)], [F(1), F(1)])),
    "open": ball("inf", [F(1), F(0)], F(1), open=True),
}


def file_of(kind, **changes):
    """A flip at (1, 1/2) in this region; `changes` are to fields of its question."""
    query = Query(NETWORK, REGIONS[kind], (Goal((ATOM,), "rival"),))
    head = json.loads(head_of(query))
    for name, value in changes.items():
        if name in ("goals", "robmem_proof", "network", "content", "more"):
            head[name] = value
        elif value is None:
            del head["region"][name]
        else:
            head["region"][name] = value
    flip = Flip((F(1), F(1, 2)), 0)
    return json.dumps(head).encode() + b"\n" + certificate_bytes(flip, NETWORK.digest)


def accepted(data):
    """Whether the kernel shows the flip; the checker has to agree."""
    try:
        verdict, _ = check_proof_file(data)
    except Refused:
        verdict = None
    try:
        proof = parse_proof(data)
        replay(proof.query, proof.verdict)
        theirs = True
    except (RefusedError, UserError):
        theirs = False
    assert theirs == (verdict is not None)
    return theirs


def test_the_questions_as_they_are():
    for kind in REGIONS:
        assert accepted(file_of(kind))


@pytest.mark.parametrize("kind", REGIONS)
def test_boxes(kind):
    for changes in (
        {"lower": ["1", "0"], "upper": ["0", "1"]},  # a side is empty
        {"lower": ["0", "2"], "upper": ["1", "1"]},
        {"lower": ["0"]},
        {"lower": ["0", "0", "0"]},
        {"lower": ["0", "0", "0"], "upper": ["1", "1", "1"]},
        {"lower": [], "upper": []},
        {"lower": [0, 0]},
        {"lower": None},
        {"upper": {"0": "1"}},
        {"norm": "65"},
        {"norm": "0"},
        {"norm": "02"},
        {"norm": None},
        {"norm": ["inf"]},
        {"norm": 1},
        {"open": False},
        {"open": 1},
        {"more": 1},
        {"size2": "1"},
    ):
        assert not accepted(file_of(kind, **changes)), changes


@pytest.mark.parametrize("kind", ["1", "2", "open"])
def test_balls(kind):
    for changes in (
        {"center": []},
        {"center": ["1"]},
        {"center": ["1", "0", "0"]},
        {"center": None},
        {"size": "-1"},
        {"size": None},
        {"size": 1},
        {"clipped": None},
        {"clipped": 1},
        {"clipped": "true"},
        {"center": ["9", "0"], "clipped": True},  # nothing of the ball is in the box
        {"center": ["9", "0"], "clipped": False},
        {"size": "100", "clipped": False},  # the box cuts the ball, and that is not said
        {"size": "101/100", "clipped": False},
    ):
        assert not accepted(file_of(kind, **changes)), changes
    assert accepted(file_of(kind, size="100", clipped=True))
    assert accepted(file_of(kind, lower=["-1", "-1"], upper=["2", "1"], clipped=False))
    assert not accepted(file_of(kind, lower=["0", "-1"], upper=["2", "99/100"], clipped=False))
    assert not accepted(file_of(kind, lower=["1/100", "-1"], upper=["3", "1"], clipped=False))


def test_a_ball_meets_its_box_in_one_point_or_not():
    """The point (1, 1/2): of radius 1/2 around (1, 1) and in the box above it."""
    for kind in ("1", "2"):
        size = "1/2" if kind == "1" else "1/4"
        given = {"center": ["1", "1"], "clipped": True, "upper": ["1", "1/2"], "lower": ["0", "0"]}
        assert accepted(file_of(kind, **given, size=size))
        assert not accepted(file_of(kind, **given, size="12/49"))
        assert not accepted(file_of(kind, **given, size=size, open=True))


@pytest.mark.parametrize("open_ball", [False, True])
def test_the_sphere_belongs_to_the_closed_ball_alone(open_ball):
    """(1, 1/2) is at distance 1/2 of (1, 0); squared, 1/4."""
    for kind, size in (("1", F(1, 2)), ("2", F(1, 4))):
        for factor, inside in ((F(1), not open_ball), (F(1001, 1000), True), (F(999, 1000), False)):
            given = {"size": str(size * factor), "clipped": True}
            given |= {"open": True} if open_ball else {}
            box_ = {"lower": ["-9", "-9"], "upper": ["9", "9"]}
            assert accepted(file_of(kind, **given, **box_)) == inside


def goal(**changes):
    atom = {"inputs": [[0, "1"]], "outputs": [[0, "1"]], "constant": "-1/2", "strict": True}
    atom = {name: value for name, value in (atom | changes).items() if value is not None}
    return {"rival": "rival", "atoms": [atom]}


def test_goals():
    good = goal()
    assert accepted(file_of("box", goals=[good]))
    two = deepcopy(good)
    two["atoms"] *= 2
    assert accepted(file_of("box", goals=[two, good]))
    for goals in (
        [],
        [{"rival": "rival", "atoms": []}],
        [good, {"rival": "rival", "atoms": []}],
        [{"atoms": good["atoms"]}],
        [{"rival": "rival"}],
        [{**good, "rival": 1}],
        [good, {**good, "rival": 1}],
        [{**good, "more": 1}],
        [goal(inputs=[[2, "1"]])],
        [goal(inputs=[[1, "1"], [0, "1"]])],
        [goal(inputs=[[0, "1"], [0, "1"]])],
        [goal(inputs=[[-1, "1"]])],
        [goal(inputs=[["0", "1"]])],
        [goal(inputs=[[True, "1"]])],
        [goal(inputs=[[0, 1]])],
        [goal(inputs=[[0, "1", "1"]])],
        [goal(outputs=[[1, "1"]])],
        [goal(outputs=None)],
        [goal(constant=0)],
        [goal(constant="0.5")],
        [goal(strict=1)],
        [goal(strict=None)],
        [goal(more=1)],
        good,
        None,
    ):
        assert not accepted(file_of("box", goals=goals)), goals


def test_the_other_fields():
    for changes in (
        {"robmem_proof": 2}, {"robmem_proof": True}, {"robmem_proof": "1"}, {"more": 1},
        {"network": "0" * 64}, {"network": 1}, {"content": "%"}, {"content": 1},
        {"content": ""}, {"content": "AAAA"},
    ):  # fmt: skip
        assert not accepted(file_of("box", **changes)), changes


def test_an_atom_is_strict_or_not():
    """At (1, 1/2) the atom is 1 + 3/2 - constant."""
    for strict, constant, holds in ((True, "-5/2", False), (False, "-5/2", True)):
        assert accepted(file_of("box", goals=[goal(strict=strict, constant=constant)])) or not holds
        try:
            verdict = check_proof_file(
                file_of("box", goals=[goal(strict=strict, constant=constant)])
            )[0]
        except Refused as flaw:
            verdict = flaw.args[0]
        assert verdict == ("flip" if holds else "no flip")


def test_roots_are_rounded_up_to_24_bits():
    for square in (
        [F(k, 7) for k in range(60)] + [F(2) ** k for k in range(-90, 90, 7)] + [F(25, 9)]
    ):
        root = root_upper(square)
        assert root == fast.root_upper(square)
        assert root * root >= square
        step = F(2) ** ((square.numerator.bit_length() - square.denominator.bit_length()) // 2 - 24)
        assert root == 0 or (root - step) ** 2 < square
    assert root_upper(F(0)) == 0 and root_upper(F(9, 4)) == F(3, 2)
    assert isqrt(int(root_upper(F(2)) * 2**24)) == isqrt(isqrt(2 * 4**24) + 1)


@pytest.mark.parametrize(
    "given",
    [
        ("65", [F(0)], F(1), F(0), F(1)),
        ("inf", [], F(1), F(0), F(1)),
        ("inf", [F(0)], F(0), F(0), F(1)),
        ("inf", [F(0)], F(-1), F(0), F(1)),
        ("inf", [F(0)], F(1), F(-1), F(1)),
        ("inf", [F(0)], F(1), F(1), F(1)),
        ("inf", [F(0)], F(1), F(2), F(1)),
    ],
)
def test_cones_are_refused(given):
    norm, center, *terms = given
    with pytest.raises(Refused, match="malformed"):
        Cone(norm, center, [*map(str, terms), False])


@pytest.mark.parametrize("norm", ["inf", "1", "2"])
def test_a_cone_at_its_ends(norm):
    """The ball of m times the unit, norm 2 squared; the last end of an open one is loose."""
    for is_open in (False, True):
        cone = Cone(norm, [F(1), F(2)], ["4", "0", "3", is_open])
        first, last = cone.ends()
        assert (first.loose, last.loose) == (False, is_open)
        assert first.low == first.high == [F(1), F(2), F(0)]
        assert last.center == [F(1), F(2), F(3)] and not last.open
        reach = 6 if norm == "2" else 12
        assert (last.low, last.high) == (
            [F(1) - reach, F(2) - reach, F(3)], [F(1) + reach, F(2) + reach, F(3)]
        )  # fmt: skip
        assert last.size == (36 if norm == "2" else 12)
        assert last.contains([F(1) + reach, F(2), F(3)])
        assert not last.contains([F(1) + reach + F(1, 10**9), F(2), F(3)])
        assert not last.contains([F(1), F(2), F(2)])


def test_no_region_is_empty():
    """Nothing is said about no point, though all of it would be true."""
    for low, high in (([], []), ([F(1)], [F(0)]), ([F(0), F(1)], [F(1), F(0)])):
        with pytest.raises(Refused, match="malformed"):
            Region("inf", low, high)
    assert Region("inf", [F(0)], [F(0)]).contains([F(0)])
    unit = [F(0), F(0)], [F(1), F(1)]
    for norm, size in (("1", 2), ("2", 2), ("inf", 1)):
        meets = Region(norm, *unit, [F(2), F(2)], F(size), True, norm == "inf" and size > 1)
        assert meets.contains([F(1), F(1)])
        for is_open, less in ((True, F(0)), (False, F(1, 10**9))):
            if norm != "inf" or is_open:
                with pytest.raises(Refused, match="malformed"):
                    Region(norm, *unit, [F(2), F(2)], F(size) - less, True, is_open)


def values_flip(decoder, label, labels, outputs):
    """The output values among these at which some goal of the label is satisfied."""
    goals = label_goals(decoder, label, labels, len(outputs[0]))
    found = []
    for y in outputs:
        for atoms in goals:
            held = True
            for inputs, weights, constant, strict in atoms:
                assert inputs == {}
                value = constant + sum(g * y[j] for j, g in weights.items())
                held = held and (value > 0 if strict else value >= 0)
            if held:
                found.append(y)
                break
    return found


def test_goals_of_labels_say_what_decoders_read():
    """Each goal is what it says: by brute force over outputs, a tie is a flip."""
    line = [(F(k, 4),) for k in range(-8, 17)]
    labels = [F(0), F(1), F(3)]
    for label, own in enumerate(labels):
        nearest = [
            y for y in line if min(abs(y[0] - q) for q in labels if q != own) <= abs(y[0] - own)
        ]
        assert values_flip("nearest", label, labels, line) == nearest
        assert values_flip("value", label, labels, line) == [y for y in line if y[0] != own]
    for label, own in enumerate((-1, 1)):
        flips = values_flip("sign", label, (-1, 1), line)
        assert flips == [y for y in line if own * y[0] <= 0]
    plane = [(F(a), F(b), F(c)) for a in range(3) for b in range(3) for c in range(3)]
    for label in range(3):
        flips = values_flip("argmax", label, range(3), plane)
        assert flips == [
            y for y in plane if max(y[j] for j in range(3) if j != label) >= y[label]
        ]  # fmt: skip


@pytest.mark.parametrize(
    ("decoder", "labels", "outputs"),
    [
        ("argmax", range(1), 1), ("argmax", range(3), 2), ("argmax", range(2), 3),
        ("nearest", range(1), 1), ("nearest", range(2), 2), ("sign", (-1, 1), 2),
        ("value", range(2), 0), ("other", range(2), 1), ("", range(2), 1),
    ],
)  # fmt: skip
def test_labels_that_no_decoder_reads(decoder, labels, outputs):
    with pytest.raises(Refused, match="malformed"):
        label_goals(decoder, 0, labels, outputs)


class Points:
    """Two samples with labels 0 and 1, at 1 and at 3."""

    names, labels = ("a", "b"), (0, 1)

    def point(self, sample):
        return [F(1 + 2 * sample)]


def asked(**changes):
    given = {"norm": "inf", "radius": "1/2", "clip": None, "decoder": "nearest"} | changes
    given = {name: value for name, value in given.items() if value != "none"}
    return Questions(one_input(), Points(), given)


def one_input():
    build = NetworkBuilder(1)
    return build.network([build.layer([build.inputs[0]])[0]])


def test_the_question_of_a_sample():
    """Radius 1/2 around 3; of norm 2 by squares, also where the square is given."""
    region = asked().question(1).region
    assert (region.low, region.high, region.has_ball) == ([F(5, 2)], [F(7, 2)], False)
    region = asked(clip=["11/4", "13/4"]).question(1).region
    assert (region.low, region.high) == ([F(11, 4)], [F(13, 4)])
    flat = asked(clip=["3", "3"]).question(1).region
    assert flat.low == flat.high == [F(3)]
    region = asked(norm="2").question(1).region
    assert (region.size, region.low, region.high) == (F(1, 4), [F(5, 2)], [F(7, 2)])
    region = asked(norm="2", radius="none", radius_squared="2").question(1).region
    assert region.size == 2 and 0 < 3 - region.low[0] - F(1414213, 10**6) < F(1, 10**6)
    region = asked(norm="1", clip=["0", "3"]).question(1).region
    assert (region.size, region.low, region.high) == (F(1, 2), [F(5, 2)], [F(3)])
    assert [len(asked().question(sample).goals) for sample in (0, 1)] == [1, 1]
    assert asked(decoder="sign").question(0).goals == [[({}, {0: F(1)}, F(0), False)]]
    assert asked(decoder="sign").question(1).goals == [[({}, {0: F(-1)}, F(0), False)]]


@pytest.mark.parametrize(
    "changes",
    [
        {"norm": "65"}, {"norm": "none"}, {"norm": 1}, {"norm": ["inf"]},
        {"decoder": "other"}, {"decoder": "none"}, {"decoder": None},
        {"radius": "-1"}, {"radius": "none"}, {"radius": 1}, {"radius": "0.5"},
        {"norm": "2", "radius": "none", "radius_squared": "-1"},
        {"radius": "none", "radius_squared": "1"}, {"radius_squared": "1"},
        {"norm": "1", "radius": "none", "radius_squared": "1"},
        {"clip": "none"}, {"clip": ["1", "0"]}, {"clip": ["0"]}, {"clip": ["0", "1", "2"]},
        {"clip": [0, 1]}, {"clip": "01"}, {"more": 1},
    ],
)  # fmt: skip
def test_questions_of_runs_that_are_none(changes):
    with pytest.raises(Refused):
        asked(**changes).question(0)


def test_executions_are_refused_by_name():
    with pytest.raises(Refused) as caught:
        asked(semantics="float32")
    assert caught.value.args[0] == "semantics"


def test_signs_are_those_of_two_labels():
    points = Points()
    points.names = ("a", "b", "c")
    given = {"norm": "inf", "radius": "1/2", "clip": None, "decoder": "sign"}
    with pytest.raises(Refused, match="malformed"):
        Questions(one_input(), points, given)

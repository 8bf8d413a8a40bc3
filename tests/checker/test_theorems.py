"""Networks of proved theorems are recognised, and nothing else; program and twin say the same."""

import stat
import subprocess
import sys
from dataclasses import replace
from fractions import Fraction
from random import Random

import numpy as np
import pytest

from constructions.families import family_of
from tests.oracles.random_data import random_data
from tests.oracles.theorem_networks import (
    NAMES,
    case,
    edited_network,
    moved_sample,
    with_labels,
)
from tests.oracles.theorem_program import theorem_folder
from verifier.checker.checked import Facts
from verifier.checker.manifest import Question
from verifier.checker.scaled import evaluate
from verifier.checker.theorem_program import PROGRAM, quick_mask
from verifier.checker.theorem_task import THEOREMS, task_of, theorem_of, vectors_of
from verifier.checker.theorems import by_theorem_text, recognise
from verifier.data.dataset import Dataset
from verifier.evidence.data_file import data_bytes, parse_data
from verifier.evidence.network_rows import HeldRows
from verifier.evidence.theorem_stream import stream_parts
from verifier.question.built import Built
from verifier.question.distance import DistanceTerms
from verifier.question.errors import RefusedError, UserError
from verifier.question.margin import MarginTerms

F = Fraction
RATIOS = (F(0), F(1, 3), F(99, 100), F(10**20 - 1, 10**20), None)
WAYS = (False, True)


@pytest.fixture
def program(monkeypatch):
    """The program, found by its variable."""
    monkeypatch.setenv(PROGRAM.variable, str(theorem_folder()))


def answer(c, proved=False, jobs=1):
    """ "accepted", or the refusal word by word."""
    try:
        shown = recognise(
            HeldRows(c.network), c.points, c.question, c.built, proved=proved, jobs=jobs
        )
    except RefusedError as error:
        return str(error)
    assert shown.verdict == "theorem" and shown.facts.network == c.network.digest
    assert shown.facts.asked.data == c.points.digest and shown.facts.asked.sample is None
    return "accepted"


def data(seed, size=None, name="linf"):
    random = Random(seed)
    size = size or random.randint(2, 7)
    classes = random.randint(2, min(4, size))
    if THEOREMS[name].tests == "cones":
        classes = 2
    return random_data(seed, size, random.randint(1, 3), classes, 9, random.choice((1, 2, 7, 12)))


@pytest.mark.parametrize("name", NAMES)
def test_what_a_construction_builds_is_recognised(name, program):
    for seed in range(12):
        c = case(data(seed, name=name), name, RATIOS[seed % len(RATIOS)])
        assert answer(c) == answer(c, proved=True, jobs=1 + seed % 3) == "accepted"


@pytest.mark.parametrize("name", NAMES)
def test_what_is_recognised_reads_the_label_on_the_ball(name):
    for seed in range(6):
        dataset = data(100 + seed, name=name)
        for ratio in (F(99, 100), None):
            c = case(dataset, name, ratio)
            assert answer(c) == "accepted"
            assert points_read_right(c, Random(seed))


def points_read_right(c, random):
    """Corners and random points of every ball, by exact evaluation."""
    theorem = THEOREMS[c.built.construction]
    asked, due = [], []
    for i in range(c.points.size):
        center, label = c.points.point(i), int(c.points.labels[i])
        for _ in range(4):
            step = [random.choice((-1, 1, 0, F(1, 2))) for _ in center]
            weight = {"inf": max, "1": sum, "2": sum}[theorem.norm](map(abs, step)) or 1
            if c.question.family is None:
                size, left, tail = c.question.radius, F(1), ()
            else:
                terms = c.question.family
                m = terms.last * F(random.randint(0, 9), 10)
                left, tail = 1 + terms.denominator[1] * m, (m,)
                size = m * (power_root_below(c.built.power) / 2 if theorem.squared else terms.unit)
            asked.append(
                [x + size * s / weight for x, s in zip(center, step, strict=True)] + [*tail]
            )
            due.append(left * label)
    outputs = evaluate(c.network, asked)
    if theorem.decoder == "argmax":
        greatest = [max(values) for values in outputs]
        return all(
            values[int(label)] == most and values.count(most) == 1
            for values, most, label in zip(outputs, greatest, due, strict=True)
        )
    found = [values[0] for values in outputs]
    if theorem.decoder == "sign":
        return all(
            (value > 0) == (label > 0) and value for value, label in zip(found, due, strict=True)
        )
    return found == due


def power_root_below(power):
    root = F(int((power.numerator * 10**12 // power.denominator) ** 0.5), 10**6)
    assert root**2 <= power
    return root


@pytest.mark.parametrize("name", NAMES)
def test_every_edit_is_refused_alike(name, program):
    refused = 0
    for seed in range(25):
        random = Random(f"{name} {seed}")
        c = case(data(seed, name=name), name, random.choice(RATIOS))
        other = edited_network(c, random)
        same = _equal_rows(c.network, other.network)
        said = answer(other)
        assert said == answer(other, proved=True)
        assert said == "accepted" if same else proved_alone(other, said, random)
        if said != "accepted":
            refused += 1
            if THEOREMS[name].tests == "planes" and "rival not covered: " in said:
                continue
            assert "another network: " in said
            if "inputs and" not in said and "rises" not in said and "half-space" not in said:
                assert "due is" in said and "found is" in said
                assert said.split(": ")[1].startswith(("layer", "output"))
    assert refused > 15


def proved_alone(c, said, random):
    """Whether it is refused; or accepted since half-spaces may be others, in another order, and
    samples of the label that is not rarer have no cone: what the theorem says of these data is
    true all the same."""
    if said != "accepted":
        return True
    free = THEOREMS[c.built.construction].tests in ("planes", "cones")
    return free and points_read_right(c, random)


def _equal_rows(a, b):
    """Whether both are the same row by row, as rational numbers."""
    pairs = ((a.units, b.units), (a.outputs, b.outputs))
    return all(
        p.count == q.count and all(p.fractions(i) == q.fractions(i) for i in range(p.count))
        for p, q in pairs
    )


@pytest.mark.parametrize("name", NAMES)
def test_a_swapped_label_is_refused_alike(name, program):
    for seed in range(8):
        c = case(data(seed, size=6, name=name), name, RATIOS[seed % len(RATIOS)])
        labels, random = c.points.labels.tolist(), Random(seed)
        i = random.randrange(6)
        labels[i] = random.choice([y for y in range(c.points.classes) if y != labels[i]])
        if len(set(labels)) < c.points.classes:
            continue  # a data set without a sample of one of its labels
        other = replace(c, points=with_labels(c.points, labels))
        assert answer(other) == answer(other, proved=True) != "accepted"


@pytest.mark.parametrize("name", NAMES)
def test_a_sample_moved_to_its_rival_is_refused_alike(name, program):
    """The network is built for the moved data, and for the separation of the others."""
    for seed in range(6):
        c = case(data(seed, size=5, name=name), name, F(1, 2))
        random = Random(seed)
        moved = moved_sample(
            c.points, random.randrange(5), random.randrange(c.points.dimension), F(1, 3)
        )
        other = replace(c, points=moved)
        said = answer(other)
        assert said == answer(other, proved=True)
        assert proved_alone(other, said, random)


@pytest.mark.parametrize("name", NAMES)
def test_a_sample_moved_to_the_limit_is_refused_alike(name, program):
    """A sample 3 away from its rival is moved to where the balls of radius 5/4 touch, and a hair
    nearer than 3; half-spaces of the network for 3 cover neither."""
    rows = [[F(0), F(0)], [F(9), F(0)], [F(3), F(0)], [F(-4), F(0)]]
    dataset = Dataset.from_rows("four", rows, [0, 0, 1, 1])
    c = case(dataset, name, F(5, 6))
    assert answer(c) == answer(c, proved=True) == "accepted"
    for to in (F(5, 2), 3 - F(1, 10**9)):
        near = replace(c, points=moved_sample(c.points, 2, 0, to - 3))
        said = answer(near)
        assert said == answer(near, proved=True)
        if THEOREMS[name].tests == "planes":
            assert said == "rival not covered: no half-space of sample 0 keeps off sample 2"
        else:
            assert said == (
                "not separated: samples 0 and 2 have different labels and are less than 3 apart"
            )
        if not THEOREMS[name].squared:
            touching = replace(near, built=replace(c.built, power=to, parameter=to / 2))
            with pytest.raises(RefusedError, match="budget at the limit"):
                task_of(near.question, touching.built)


def test_data_that_are_not_separated_name_the_pair(program):
    rows = [[F(0), F(0)], [F(4), F(0)], [F(4), F(3)]]
    dataset = Dataset.from_rows("three", rows, [0, 1, 0])
    c = case(dataset, "linf", F(1, 2))  # the separation is 3
    wide = replace(c, built=replace(c.built, power=F(7, 2)))
    said = answer(wide)
    assert said == answer(wide, proved=True) == answer(wide, proved=True, jobs=3)
    assert said == (
        "not separated: samples 1 and 2 have different labels and are less than 7/2 apart"
    )


def test_a_separation_that_is_too_small_is_another_network(program):
    """True of the data, but not what the network was built for."""
    c = case(data(3), "linf-parallel", F(1, 2))
    narrow = replace(c, built=replace(c.built, power=c.built.power * F(9, 10)))
    assert answer(narrow) == answer(narrow, proved=True)
    assert answer(narrow).startswith("another network: layer 1, unit 0: due is ")


def test_another_budget_is_another_network(program):
    for name in NAMES:
        c = case(data(5, name=name), name, F(1, 2))
        other = replace(c, built=replace(c.built, parameter=c.built.parameter * F(101, 100)))
        assert answer(other) == answer(other, proved=True)
        if THEOREMS[name].flat:  # one network for all of them
            assert answer(other) == "accepted"
        else:
            assert answer(other).startswith("another network: layer ")


def test_another_construction_is_another_network(program):
    dataset = data(7, size=5)
    for name, other in (("linf", "linf-pipelined"), ("linf-halfspaces", "linf-parallel"),
                        ("l1", "l1-parallel"), ("linf-parallel", "linf")):  # fmt: skip
        c = case(dataset, name, F(1, 2))
        claimed = replace(c, built=replace(c.built, construction=other))
        assert answer(claimed) == answer(claimed, proved=True)
        assert answer(claimed).startswith("another network: ")


def test_theorem_4_8_is_a_case_of_half_spaces(program):
    """Those of the axes: one network, recognised by two theorems."""
    for ratio in (F(1, 2), None):
        c = case(data(7, size=5), "linf-parallel", ratio)
        claimed = replace(c, built=replace(c.built, construction="linf-halfspaces"))
        assert answer(claimed) == answer(claimed, proved=True) == "accepted"


@pytest.mark.parametrize("name", NAMES)
def test_budgets_at_the_limit_are_refused(name):
    c = case(data(2, name=name), name, F(1, 2))
    theorem = THEOREMS[name]
    stop = F(1) if theorem.squared else c.built.power / 2
    for parameter in (stop, 2 * stop):
        with pytest.raises(RefusedError, match="budget at the limit: .* is not below"):
            task_of(c.question, replace(c.built, parameter=parameter))


def test_a_ball_above_the_budget_is_another_question():
    c = case(data(2), "linf", F(1, 2))
    wider = replace(c.question, radius=c.question.radius + F(1, 1000))
    with pytest.raises(RefusedError, match="another question: radius .* is above"):
        task_of(wider, c.built)
    task_of(replace(c.question, radius=c.question.radius - F(1, 1000)), c.built)
    c = case(data(2), "l2-halfspaces", F(1, 2))
    largest = c.built.parameter**2 * c.built.power / 4
    task_of(replace(c.question, radius=None, radius_squared=largest), c.built)
    with pytest.raises(RefusedError, match="squared radius .* is above"):
        task_of(replace(c.question, radius=None, radius_squared=largest + F(1, 10**9)), c.built)


def test_what_the_theorem_does_not_say_is_another_question():
    c = case(data(2), "linf", F(1, 2))
    for change, text in (
        ({"norm": "1"}, "balls of norm 1"),
        ({"decoder": "nearest"}, "the decoder nearest"),
        ({"clip": (F(0), F(1))}, "clipped"),
        ({"semantics": "float32"}, "clipped or executed"),
        ({"radius": None, "distance": DistanceTerms(None, F(1000))}, "a distance"),
        ({"radius": None, "distance": DistanceTerms(F(1, 10))}, "a distance"),
        ({"decoder": "argmax", "margin": MarginTerms()}, "the decoder argmax"),
    ):
        with pytest.raises(RefusedError, match=f"another question: {text}"):
            task_of(replace(c.question, **change), c.built)
    with pytest.raises(
        UserError, match="no theorem about 'vardi' is proved in Coq; there are linf"
    ):
        theorem_of("vardi")


def test_families_are_those_of_the_theorem():
    dataset = data(4)
    family = family_of(dataset, "linf")
    c = case(dataset, "linf", None)
    task_of(Question("inf", "value", family=family.terms(family.end / 3)), c.built)  # from there on
    terms = family.terms()
    for change in (
        {"denominator": (F(1), terms.denominator[1] / 2)},
        {"denominator": (F(2), 2 * terms.denominator[1])},
        {"unit": F(2)},
        {"last": terms.last / 2},
        {"last": terms.last / 2, "open": False},
    ):
        with pytest.raises(RefusedError, match="another question: every budget"):
            task_of(replace(c.question, family=replace(terms, **change)), c.built)
    with pytest.raises(RefusedError, match="another question: every budget"):
        task_of(c.question, replace(c.built, parameter=F(1, 100)))


def test_lipschitz_networks_are_about_two_labels(program):
    """Values of a decoder, and data of more labels or of one, are another question."""
    c = case(data(7, size=5, name="lipschitz"), "lipschitz", F(1, 2))
    assert answer(c) == answer(c, proved=True) == "accepted"
    three = replace(c, points=case(data(7, size=5), "linf", F(1, 2)).points)
    assert three.points.classes > 2
    assert answer(three) == answer(three, proved=True)
    assert "labels; theorem 5.2 (Yu, Gao, Zhang; reconstructed) is about two" in answer(three)
    with pytest.raises(RefusedError, match="the decoder value; theorem 5.2 .* is about sign"):
        task_of(replace(c.question, decoder="value"), c.built)
    with pytest.raises(RefusedError, match="another question: a margin; theorem 5.2"):
        task_of(replace(c.question, margin=MarginTerms()), c.built)
    claimed = replace(c, built=replace(c.built, construction="lipschitz-parallel"))
    assert answer(claimed) == answer(claimed, proved=True)
    assert answer(claimed).startswith("another network: layer 0, unit ")


def test_one_against_rest_has_an_output_for_each_label(program):
    """As many as there are labels, which are no more than the samples."""
    rows = [[F(0), F(0)], [F(4), F(0)], [F(4), F(3)], [F(9), F(9)]]
    c = case(Dataset.from_rows("four", rows, [0, 1, 2, 0]), "lipschitz-ovr", F(1, 2))
    assert answer(c) == answer(c, proved=True) == "accepted"
    names = replace(c, points=with_labels(c.points, [0, 1, 1, 0]))
    assert answer(names) == answer(names, proved=True)
    assert answer(names) == "another network: it has 2 inputs and 3 outputs; due: 2 and 2"
    others = replace(c, points=with_labels(c.points, [0, 2, 1, 0]))
    assert answer(others) == answer(others, proved=True)
    assert answer(others).startswith("another network: layer 3, unit 2: due is 1 z26")  # a tree
    gap = case(Dataset.from_rows("gap", rows[:2], [0, 1]), "lipschitz-ovr", F(1, 2))
    wide = replace(gap, points=points_with_names(gap.points, [0, 2], ["a", "b", "c"]))
    assert answer(wide) == answer(wide, proved=True)
    assert answer(wide).startswith("another question: data of 2 samples with the label number 2")


def points_with_names(points, labels, names):
    content = data_bytes(points.numerators, points.denominator, np.array(labels), tuple(names))
    return parse_data(content)


def test_numbers_of_any_length(program):
    """Coordinates, budgets and weights beyond 64 bits."""
    big = 3**60
    rows = [[F(0), F(big)], [F(2 * big, 5), F(-big)], [F(big), F(1, big)], [F(-big), F(0)]]
    for name in NAMES:
        last = 0 if THEOREMS[name].tests == "cones" else 2
        dataset = Dataset.from_rows("big", rows, [0, 1, 0, last])
        for ratio in (F(10**30 - 1, 10**30), None):
            c = case(dataset, name, ratio)
            assert answer(c) == answer(c, proved=True, jobs=2) == "accepted"
            other = edited_network(c, Random(name))
            assert answer(other) == answer(other, proved=True)


def test_the_limits_of_eight_bytes(program):
    """Numbers beside the powers of two at which their form changes."""
    for bits in (61, 62, 63, 64):
        for near in (-1, 0, 1):
            least = 2**bits + near
            rows = [[F(-least)], [F(least)], [F(0)]]
            c = case(Dataset.from_rows("wide", rows, [0, 1, 0]), "linf", F(1, 2))
            assert answer(c) == answer(c, proved=True) == "accepted"


def test_phrases_need_what_was_checked(program):
    c = case(data(1), "linf-parallel", F(1, 2))
    rows = HeldRows(c.network)
    twin = recognise(rows, c.points, c.question, c.built)
    proved = recognise(rows, c.points, c.question, c.built, proved=True)
    source = "by theorem 4.8 (Yu, Gao, Zhang), rearranged"
    assert by_theorem_text(proved, c.built) == (
        f"{source}, proved in Coq; network and separation checked"
    )
    assert by_theorem_text(twin, c.built) == (
        f"{source} (the theorem itself not checked here); network and separation checked"
    )
    assert isinstance(twin.__reduce__()[1][0], Facts)


def test_the_mask_is_a_hint(program):
    """Wide data: the coordinates that are tried first are some of them, and change no answer."""
    rng = np.random.default_rng(5)
    rows = [[F(int(v)) for v in row] for row in rng.integers(0, 30, (12, 60))]
    c = case(Dataset.from_rows("wide", rows, [k % 2 for k in range(12)]), "linf-parallel", F(9, 10))
    assert any(quick_mask(task_of(c.question, c.built), c.points))
    assert answer(c, proved=True) == "accepted"
    near = replace(c, built=replace(c.built, power=c.built.power + F(1, 7)))
    assert answer(near) == answer(near, proved=True)
    assert answer(near).startswith("not separated")


# ---------------------------------------------------------------- the program itself


def say(stream):
    """The last line of what the program says, and its exit code."""
    command = [str(theorem_folder() / "robmem-theorem"), "-"]
    done = subprocess.run(command, input=stream, capture_output=True, timeout=60)
    return done.stdout.decode().splitlines()[-1], done.returncode


def whole_stream(c, **turns):
    task = task_of(c.question, c.built)
    rows = HeldRows(c.network)
    vectors = vectors_of(rows, c.points, task.theorem)
    parts = stream_parts(c.built, task.budget.every, task.ball, c.points, vectors, rows, **turns)
    return b"".join(data for _, data in parts)


@pytest.mark.parametrize("name", ["linf", "l2-halfspaces"])
def test_truncated_streams_are_refused(name):
    stream = whole_stream(case(data(6), name, F(1, 2)))
    assert say(stream)[0].startswith("the network is as it is due: ") and say(stream)[1] == 0
    for end in [*range(0, 200, 7), *range(200, len(stream), 601), len(stream) - 1]:
        said, code = say(stream[:end])
        assert code == 4 and said.startswith("refused: ")
    assert say(stream + b"\0") == ("refused: the stream goes on after its end", 4)


def test_streams_that_are_none_are_refused():
    c = case(data(6), "linf", F(1, 2))
    stream = whole_stream(c)
    for old, new, reason in (
        (b"robmem-theorem 1", b"robmem-theorem 2", "not a stream of version 1"),
        (b"question linf one", b"question park one", "unexpected word: park"),
        (b" one ", b" few ", "unexpected word: few"),
        (b"turns 1 0", b"turns 0 0", "there is no such turn"),
        (b"turns 1 0", b"turns 2 2", "there is no such turn"),
        (b"mask ", b"mask", "no mask"),
        (b"data ", b"data 9999999999999999999", "not a count: 99999999999999999996"),
    ):
        assert old in stream
        assert say(stream.replace(old, new, 1)) == (f"refused: {reason}", 4)
    head, _, tail = stream.partition(b"network ")
    first = head + b"network " + tail.split(b"\n", 1)[0] + b"\n"
    body = stream[len(first) :]
    assert say(first + (-1).to_bytes(8, "little", signed=True) + body[8:]) == (
        "refused: the question is not sound", 4,
    )  # fmt: skip
    long = (-(2**63)).to_bytes(8, "little", signed=True) + (2**40).to_bytes(8, "little")
    assert say(first + long + body) == ("refused: a number is too long", 4)
    size = c.points.size * (c.points.dimension + 1) * 8
    huge = (2**60).to_bytes(8, "little")
    assert say(first + body[:size] + huge + body[size + 8 :]) == (
        "refused: a count is out of range", 4,
    )  # fmt: skip


def test_turns_share_the_pairs():
    """Each row is compared once: a pair that is too near is found in the turn of its first."""
    rows = [[F(10 * k)] for k in range(6)]
    c = case(Dataset.from_rows("line", rows, [k % 2 for k in range(6)]), "linf", F(1, 2))
    points = moved_sample(c.points, 3, 0, F(9))  # too near to sample 4
    near = replace(c, points=points)
    for turns in (1, 2, 4):
        for turn in range(turns):
            task = task_of(near.question, near.built)
            parts = stream_parts(
                near.built, False, task.ball, near.points, [], None, turns=turns, turn=turn
            )
            said, code = say(b"".join(data for _, data in parts))
            if 3 % turns == turn:
                assert (said, code) == ("refused: samples 3 4", 4)
            else:
                assert (said, code) == (f"the samples are apart: turn {turn} of {turns}", 0)


def pretending(tmp_path, monkeypatch, script):
    """A program of the same name that does something else."""
    path = tmp_path / "robmem-theorem"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv(PROGRAM.variable, str(tmp_path))


def test_a_program_that_prints_another_question_back_is_refused(tmp_path, monkeypatch):
    c = case(data(6), "linf", F(1, 2))
    answers = (
        "echo the question is sound;"
        "echo the samples are apart: turn 0 of 1;"
        f"echo the network is as it is due: {c.network.units.count} units"
    )
    pretending(tmp_path, monkeypatch, f"cat >/dev/null; {answers}")
    assert answer(c, proved=True) == "another question: the program prints another one back"
    pretending(tmp_path, monkeypatch, "cat >/dev/null; echo the question is sound; exit 4")
    assert answer(c, proved=True).startswith("refused by the proved theorem: the question is sound")
    pretending(tmp_path, monkeypatch, "exit 1")
    assert answer(c, proved=True) == "refused by the proved theorem: no answer"


def test_a_program_that_reads_another_number_is_caught(tmp_path, monkeypatch):
    """The radius that is asked about becomes 0 on its way: all is right, of another question."""
    c = case(data(6), "linf", F(1, 2))
    real = theorem_folder() / "robmem-theorem"
    script = "import sys; lines = sys.stdin.buffer.read().split(b'\\n', 2); "
    script += "lines[1] = lines[1].rsplit(b' ', 1)[0] + b' 0'; "
    script += "sys.stdout.buffer.write(b'\\n'.join(lines))"
    pretending(tmp_path, monkeypatch, f'{sys.executable} -c "{script}" | {real} - --print "$3"')
    assert answer(c, proved=True) == "another question: the program prints another one back"


def test_a_program_that_is_absent_says_how_to_build_it(tmp_path, monkeypatch):
    c = case(data(6), "linf", F(1, 2))
    monkeypatch.setenv(PROGRAM.variable, str(tmp_path))
    with pytest.raises(UserError, match=r"ROBMEM_THEOREM: there is no program .*make -C constr"):
        answer(c, proved=True)
    monkeypatch.delenv(PROGRAM.variable)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match="robmem-theorem is not on PATH"):
        answer(c, proved=True)
    assert not PROGRAM.is_there()


def test_built_refuses_what_is_no_separation():
    for power, parameter in ((F(0), F(0)), (F(-1), F(0)), (F(1), F(-1))):
        with pytest.raises(UserError, match="a separation that is not positive"):
            Built("linf", power, parameter)

"""The program that is extracted from Coq recognises the Lipschitz networks of Theorem 5.2, and
nothing else: it is asked by its stream, one question at a time."""

import re
import subprocess
from fractions import Fraction
from random import Random

import numpy as np
import pytest

from constructions.families import family_of
from constructions.hypotheses import power_separation
from constructions.registry import build
from tests.oracles.random_data import random_data
from tests.oracles.theorem_networks import Case, edited_network, moved_sample, with_labels
from tests.oracles.theorem_program import theorem_folder
from verifier.checker.manifest import Question
from verifier.data.dataset import Dataset
from verifier.evidence.data_file import data_bytes, parse_data
from verifier.evidence.network_rows import HeldRows
from verifier.evidence.theorem_stream import stream_parts
from verifier.question.built import Built
from verifier.runs.run import points_of

F = Fraction
NAMES = ("lipschitz", "lipschitz-parallel", "lipschitz-ovr")
OTHER = {"lipschitz": "lipschitz-parallel", "lipschitz-parallel": "lipschitz",
         "lipschitz-ovr": "lipschitz-parallel"}  # fmt: skip
DECODERS = {"lipschitz": "sign", "lipschitz-parallel": "sign", "lipschitz-ovr": "argmax"}
RATIOS = (F(0), F(1, 3), F(99, 100), None)


def data(seed, name, size=None):
    random = Random(seed)
    size = size or random.randint(2, 7)
    classes = random.randint(2, size) if name == "lipschitz-ovr" else 2
    return random_data(seed, size, random.randint(1, 9), classes, 9, random.choice((1, 2, 7, 12)))


def case(dataset, name, ratio):
    """The network of the construction; for every budget, which is no ratio, with one input more."""
    power = power_separation(dataset, "inf")
    if ratio is None:
        terms = family_of(dataset, name).terms()
        question, budget = Question("inf", DECODERS[name], family=terms), F(0)
        network = family_of(dataset, name).network
    else:
        made = build(name, dataset, ratio=ratio)
        network, budget = made.network, made.budget
        question = Question("inf", DECODERS[name], budget)
    return Case(network, points_of(dataset), question, Built(name, power, budget))


def say(c, ball=None):
    """The last line of what the program says: all turns are one."""
    every = c.question.family is not None
    ball = F(0) if every else c.question.radius if ball is None else ball
    parts = stream_parts(c.built, every, ball, c.points, [], HeldRows(c.network))
    command = [str(theorem_folder() / "robmem-theorem"), "-"]
    stream = b"".join(piece for _, piece in parts)
    done = subprocess.run(command, input=stream, capture_output=True, timeout=60)
    said = done.stdout.decode().splitlines()[-1]
    assert (done.returncode == 0) == (not said.startswith("refused: "))
    return said


def accepted(c):
    return f"the network is as it is due: {c.network.units.count} units"


def equal_rows(a, b):
    pairs = ((a.units, b.units), (a.outputs, b.outputs))
    return all(
        p.count == q.count and all(p.fractions(i) == q.fractions(i) for i in range(p.count))
        for p, q in pairs
    )


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("ratio", RATIOS)
def test_lipschitz_networks_are_recognised(name, ratio):
    for seed in range(8):
        c = case(data(seed, name), name, ratio)
        assert say(c) == accepted(c)


@pytest.mark.parametrize("name", NAMES)
def test_every_edit_is_refused(name):
    refused = 0
    for seed in range(25):
        random = Random(f"{name} {seed}")
        c = case(data(seed, name), name, random.choice(RATIOS))
        other = edited_network(c, random)
        said = say(other)
        assert (said == accepted(other)) == equal_rows(c.network, other.network)
        if said != accepted(other):
            refused += 1
            both = r"refused: (row \d+; due: .*; found: |\d+ inputs and \d+ outputs; due: )"
            assert re.match(both, said)
    assert refused > 15


@pytest.mark.parametrize("name", NAMES)
def test_what_the_theorem_does_not_speak_of_is_refused(name):
    c = case(data(3, name, size=5), name, F(1, 2))
    unsound = "refused: the question is not sound"
    limit = c.built.power / 2
    for built, ball in (
        (Built(name, c.built.power, limit), None),  # at the limit
        (c.built, limit * F(3, 4)),  # a ball above that of the budget
    ):
        assert say(Case(c.network, c.points, c.question, built), ball) == unsound
    many = [0, 1, 2, 0, 5] if name == "lipschitz-ovr" else [0, 1, 2, 0, 1]
    numbers = c.points.numerators, c.points.denominator
    labelled = parse_data(data_bytes(*numbers, np.array(many), tuple("abcdef")))
    assert say(Case(c.network, labelled, c.question, c.built)) == unsound
    most = int(c.points.labels.max())
    labels = [most - y for y in c.points.labels.tolist()]
    said = say(Case(c.network, with_labels(c.points, labels), c.question, c.built))
    assert said.startswith("refused: row ")  # the signs are the others
    rare = c.points.labels.tolist().index(1)  # two of the five samples
    moved = moved_sample(c.points, rare, 0, F(1, 3))
    assert say(Case(c.network, moved, c.question, c.built)).startswith("refused: ")
    wrong = Built(OTHER[name], c.built.power, c.built.parameter)
    said = say(Case(c.network, c.points, c.question, wrong))
    assert said.startswith("refused: row ") or (name == "lipschitz-ovr" and said == unsound)


def test_samples_that_are_too_near_are_named():
    rows = [[F(0), F(0)], [F(4), F(0)], [F(4), F(3)]]
    c = case(Dataset.from_rows("three", rows, [0, 1, 0]), "lipschitz", F(1, 2))
    wide = Built("lipschitz", F(7, 2), c.built.parameter)
    assert say(Case(c.network, c.points, c.question, wide)) == "refused: samples 1 2"


def test_as_many_samples_of_both_labels():
    """Then the tests are those of label 1; of label 0 where fewer samples have that."""
    for labels in ([0, 1], [1, 0], [1, 0, 1], [0, 1, 0], [1, 1, 0, 0]):
        rows = [[F(5 * k), F(k)] for k in range(len(labels))]
        for name in NAMES:
            c = case(Dataset.from_rows("few", rows, labels), name, F(2, 3))
            assert say(c) == accepted(c)

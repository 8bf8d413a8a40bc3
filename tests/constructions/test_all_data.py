"""Theorem 4.8 for all data of small N and n: proved, and the question is about that theorem."""

from __future__ import annotations

from fractions import Fraction
from random import Random

import pytest

from constructions import cubes
from constructions.all_data import FAR, patterns, question, questions
from verifier.checker.replay import replay
from verifier.checker.scaled import evaluate
from verifier.data.dataset import Dataset
from verifier.evidence.certificate import Flip, Robust
from verifier.question.errors import UserError
from verifier.question.query import Query
from verifier.question.region import box
from verifier.search.options import Options
from verifier.tasks.verify import verify

F = Fraction


def prove(labels, dimension, ball):
    for query in questions(labels, dimension, ball):
        verdict = verify(query, Options(timeout=300)).verdict
        assert isinstance(verdict, Robust), (labels, dimension, ball)
        replay(query, verdict)


def test_labels_of_two_and_three_samples():
    assert list(patterns(2)) == [(1, 2), (2, 1)]
    assert len(list(patterns(3))) == 12 and (1, 3, 3) not in patterns(3)


@pytest.mark.parametrize(("labels", "dimension", "ball"), [((1, 2), 1, 0), ((2, 1, 1), 1, 1)])
def test_a_few_are_proved_for_all_data(labels, dimension, ball):
    prove(labels, dimension, ball)


@pytest.mark.slow
@pytest.mark.parametrize(("samples", "dimension"), [(2, 1), (2, 2), (3, 1)])
def test_all_are_proved_for_all_data(samples, dimension):
    """Every real data set of so many samples, every lambda > 0 and every mu < lambda / 2."""
    for labels in patterns(samples):
        for ball in range(samples):
            prove(labels, dimension, ball)


def test_without_the_separation_it_is_false():
    query = next(questions((1, 2), 1, 0))
    lower = list(query.region.lower)
    lower[1] = F(99, 100)
    verdict = verify(Query(query.network, box(lower, query.region.upper), query.goals)).verdict
    assert isinstance(verdict, Flip)


def test_the_question_is_about_the_network_of_the_theorem():
    """D F - D y at random data, mu and x, inside and outside of the balls."""
    rng, compared = Random(2), 0
    while compared < 40:
        n, labels = rng.randint(1, 3), rng.choice(list(patterns(3)))
        points = [[rng.randint(-9, 9) for _ in range(n)] for _ in labels]
        gaps = [
            max(abs(a - b) for a, b in zip(points[i], points[j], strict=True))
            for i in range(3)
            for j in range(i)
            if labels[i] != labels[j]
        ]
        if not min(gaps):
            continue
        wide, ball = min(gaps), rng.randrange(3)
        dataset = Dataset.from_rows("random", points, [label - 1 for label in labels])
        mu = F(wide * rng.randrange(0, 50), 100)
        network = cubes.parallel(dataset, mu).network
        x = [F(rng.randint(-9, 9), rng.randint(1, 3)) for _ in range(n)]
        sample = points[ball]
        asked = question(labels, n, ball, {}).network
        others = [point for i, point in enumerate(points) if i != ball]
        seen = [F(a - b, wide) for p in others for a, b in zip(p, sample, strict=True)]
        shifted = [(a - s) / wide for a, s in zip(x, sample, strict=True)]
        ((value,),) = evaluate(asked, [(*shifted, *seen, mu / wide)])
        ((output,),) = evaluate(network, [tuple(x)])
        room = 1 - 2 * mu / wide
        # The construction reads labels from 0 on, see `decoder`.
        assert value == room * (output + 1 - labels[ball])
        compared += 1


def test_a_coordinate_beyond_the_box_is_as_good_as_its_end():
    rng = Random(5)
    asked = question((1, 2, 2), 2, 0, {}).network
    for _ in range(60):
        mu = F(rng.randint(0, 50), 100)
        x = [mu * F(rng.randint(-10, 10), 10) for _ in range(2)]
        data = [F(rng.randint(-60, 60), 10) for _ in range(4)]
        clamped = [min(max(q, -FAR), FAR) for q in data]
        assert evaluate(asked, [(*x, *data, mu)]) == evaluate(asked, [(*x, *clamped, mu)])


def test_what_is_no_pattern_is_refused():
    for labels, dimension, ball in (((0, 1), 1, 0), ((1, 2), 0, 0), ((1, 2), 1, 2)):
        with pytest.raises(UserError, match="labels are positive"):
            next(questions(labels, dimension, ball))

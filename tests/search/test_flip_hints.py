"""Points worth a look: on networks that read one direction they are in the ball, and flips."""

from __future__ import annotations

from fractions import Fraction

import pytest

from constructions.registry import build
from verifier.data.dataset import Dataset
from verifier.question.build import NetworkBuilder
from verifier.question.query import Query
from verifier.question.region import Norm, ball, distance
from verifier.runs.run import points_of
from verifier.search.flips.hints import along_one_direction, direction_read, flips_at_hints

ROWS = [[0, 0, 1], [3, 1, 0], [1, 4, 4], [6, 5, 0], [2, 2, 7], [7, 0, 3]]
LABELS = [0, 1, 0, 1, 1, 0]


def data() -> Dataset:
    return Dataset.from_rows("six", ROWS, LABELS)


@pytest.mark.parametrize("norm", ["1", "2", "inf"])
def test_the_network_answers_there_what_it_answers_at_a_rival(norm: Norm) -> None:
    """The first of them has the network's value at a differently labelled sample, and no point of
    the region that has it is nearer to the center."""
    dataset = data()
    network = build("vardi", dataset, ratio=Fraction(1, 2)).network
    direction = direction_read(network)
    points = points_of(dataset)
    for sample in range(dataset.size):
        region = ball(norm, dataset.point(sample), Fraction(20))
        found = along_one_direction(network, points, sample, region)
        assert found
        assert all(region.contains(point) for point in found)
        read = [
            sum(direction.get(k, 0) * x for k, x in enumerate(point))
            for point in (found[0], dataset.point(sample), *map(dataset.point, range(6)))
        ]
        rivals = [read[2 + j] for j in range(6) if LABELS[j] != LABELS[sample]]
        assert read[0] in rivals
        gap = min(abs(key - read[1]) for key in rivals)
        sizes = [abs(d) for d in direction.values()]
        away = distance(norm, dataset.point(sample), found[0])
        dual = {"1": max(sizes), "inf": sum(sizes), "2": sum(d * d for d in sizes)}[norm]
        assert away * dual == (gap * gap if norm == "2" else gap)


@pytest.mark.parametrize("name", ["vardi", "park"])
def test_controls_are_refuted_without_a_search(name: str) -> None:
    dataset = data()
    control = build(name, dataset, ratio=Fraction(99, 100))
    points = points_of(dataset)
    queries = [
        Query(
            control.network,
            ball("2", dataset.point(i), control.budget),
            control.goals(LABELS[i], 2),
        )
        for i in range(dataset.size)
    ]
    hints = [
        along_one_direction(control.network, points, i, query.region)
        for i, query in enumerate(queries)
    ]
    assert len(flips_at_hints(control.network, queries, hints)) == dataset.size


def test_networks_that_read_two_directions_or_none_have_no_such_points() -> None:
    two = NetworkBuilder(3)
    x = two.inputs
    first, second = two.layer([x[0] + x[1], x[0] + 2 * x[1]])
    none = NetworkBuilder(3)
    (unit,) = none.layer([x[0] * 0 + 1])
    mixed = NetworkBuilder(3)
    (inner,) = mixed.layer([2 * x[0] - 4 * x[1]])
    region = ball("2", (Fraction(0), Fraction(0), Fraction(1)), Fraction(9))
    points = points_of(data())
    for network in (two.network([first + second]), none.network([unit])):
        assert direction_read(network) == {}
        assert along_one_direction(network, points, 0, region) == []
    outer = mixed.network([inner - 3 * x[0] + 6 * x[1]])
    assert direction_read(outer) == {0: 2, 1: -4}
    beside = mixed.network([inner + x[2]])
    assert direction_read(beside) == {}

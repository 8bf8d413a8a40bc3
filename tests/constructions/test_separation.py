"""Separations are those of brute force over all pairs, however they are computed."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import constructions.separation as module
from constructions.separation import ClosestPair, conflict_graph, rival_distances, separation
from tests.oracles.shared_data import DATA
from verifier.data.dataset import Dataset
from verifier.data.load import load
from verifier.question.errors import UserError

NORMS = ("inf", "1", "2")


def distance(norm, left, right):
    differences = [abs(a - b) for a, b in zip(left, right, strict=True)]
    if norm == "inf":
        return max(differences)
    return sum(d if norm == "1" else d * d for d in differences)


def brute_force(dataset, norm):
    """All pairs of different labels, as (distance, first, second), in lexicographic order."""
    points = [dataset.point(index) for index in range(dataset.size)]
    labels = dataset.labels.tolist()
    return [
        (distance(norm, points[i], points[j]), i, j)
        for i, j in combinations(range(dataset.size), 2)
        if labels[i] != labels[j]
    ]


def check(dataset, norm):
    pairs = brute_force(dataset, norm)
    assert separation(dataset, norm) == ClosestPair(norm, *min(pairs))
    nearest = rival_distances(dataset, norm)
    assert list(nearest) == [
        min(value for value, i, j in pairs if index in (i, j)) for index in range(dataset.size)
    ]
    middle = sorted(pairs)[len(pairs) // 2][0]
    for limit in (Fraction(0), middle, middle + Fraction(1, 10**40), max(pairs)[0] + 1):
        graph = conflict_graph(dataset, norm, limit)
        assert sorted(graph.nodes) == list(range(dataset.size))
        assert [(data["value"], i, j) for i, j, data in graph.edges(data=True)] == [
            pair for pair in pairs if pair[0] < limit
        ]


STRATEGIES = {
    "one by one": {},
    "products": {"DIRECT_WORK": 0, "DIRECT_DIMENSION": 0},
    "products in small tiles": {"DIRECT_WORK": 0, "DIRECT_DIMENSION": 0, "TILE": 3, "_CHUNK": 4},
}


@pytest.fixture(params=STRATEGIES)
def strategy(request, monkeypatch):
    for name, value in STRATEGIES[request.param].items():
        monkeypatch.setattr(module, name, value)


entries = {
    "bits": st.integers(0, 1),
    "bytes": st.integers(0, 255),
    "near 2^24": st.integers(2**24 - 3, 2**24 + 3) | st.integers(-3, 3),
    "near 2^62": st.integers(-(2**62) - 1, 1 - 2**62) | st.integers(2**62 - 2, 2**62 + 2),
    "huge": st.integers(-(2**200), 2**200),
    "fractions": st.fractions(-3, 3, max_denominator=7),
    "thin": st.builds(lambda a, b: a + Fraction(b, 10**60), st.integers(0, 2), st.integers(0, 2)),
}


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("kind", entries)
@pytest.mark.usefixtures("strategy")
def test_all_answers_are_those_of_brute_force(norm, kind):
    @settings(max_examples=15, deadline=None)
    @given(st.data())
    def holds(data):
        size = data.draw(st.integers(2, 9))
        dimension = data.draw(st.integers(1, 4))
        rows = data.draw(
            st.lists(
                st.lists(entries[kind], min_size=dimension, max_size=dimension),
                min_size=size,
                max_size=size,
            )
        )
        labels = [0, 1, *data.draw(st.lists(st.integers(0, 2), min_size=size - 2, max_size=size))]
        check(Dataset.from_rows("d", rows, labels[:size]), norm)

    holds()


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("scale", [1, 2**20, 2**50, 2**70])
@pytest.mark.usefixtures("strategy")
def test_wide_points_of_every_size(norm, scale):
    generator = np.random.default_rng(7)
    rows = generator.integers(0, 256, (60, 40)).tolist()
    noise = generator.integers(0, 2, (60, 40)).tolist()
    rows = [
        [scale * a + b for a, b in zip(*pair, strict=True)]
        for pair in zip(rows, noise, strict=True)
    ]
    check(Dataset.from_rows("d", rows, generator.integers(0, 3, 60).tolist()), norm)


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.usefixtures("strategy")
def test_sums_that_leave_int64(norm):
    """Differences of 2^63 - 2 fit an int64; their sum and their squares do not."""
    top = 2**62 - 1
    rows = [(top, top, -top), (-top, -top, top), (top, top, 1 - top), (-top, -top, top - 1)]
    dataset = Dataset.from_rows("d", rows, [0, 1, 0, 1])
    assert dataset.numerators.dtype == np.int64
    check(dataset, norm)


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.usefixtures("strategy")
def test_huge_denominators_are_exact(norm):
    big = 10**400 + 7
    rows = [(0, 0), (Fraction(1, big), 0), (1, Fraction(1, big)), (1, Fraction(3, big))]
    dataset = Dataset.from_rows("d", rows, [0, 1, 0, 1])
    expected = Fraction(1, big**2 if norm == "2" else big)
    closest = separation(dataset, norm)
    assert closest == ClosestPair(norm, expected, 0, 1)
    check(dataset, norm)


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.usefixtures("strategy")
def test_ties_go_to_the_first_pair(norm):
    rows = [(5,), (9,), (4,), (6,), (8,), (10,)]
    dataset = Dataset.from_rows("d", rows, [0, 0, 1, 1, 1, 1])
    closest = separation(dataset, norm)
    assert (closest.value, closest.first, closest.second) == (1, 0, 2)


@pytest.mark.usefixtures("strategy")
def test_a_tie_before_the_nearest_in_another_norm():
    far = [(0, 90 + i) for i in range(4)]  # where the first look at some samples goes
    dataset = Dataset.from_rows("d", [(0, 0), (5, 5), (5, 0), *far], [0, 1, 1, 0, 0, 0, 0])
    assert separation(dataset, "inf") == ClosestPair("inf", Fraction(5), 0, 1)


@pytest.mark.parametrize("greatest", [255, 1023, 1024, 1025, 1100, 2047, 2**20, 2**23])
def test_matrix_products_are_exact_on_both_sides_of_the_float32_bound(greatest):
    """With 64 inputs, 2^24 = 64 * 512^2 is where float32 has to end."""
    generator = np.random.default_rng(3)
    rows = greatest - generator.integers(0, 3, (80, 64)) * generator.integers(0, 2, (80, 1))
    rows[::2] = generator.integers(0, 3, (40, 64))
    rows[0] = 0
    rows[1] = greatest
    points = module._Points(Dataset.from_rows("d", rows.tolist(), [0, 1] * 40), "2")
    gram = module._Gram(points)
    everything = np.arange(80)
    exact = ((rows[:, None, :] - rows[None, :, :]) ** 2).sum(axis=2)
    assert gram.single == (greatest <= 1024)
    assert gram.shift == 0
    assert (gram.tile(everything, everything).astype(np.int64) == exact).all()


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.usefixtures("strategy")
def test_identical_inputs_are_at_distance_zero(norm):
    dataset = Dataset.from_rows("d", [(1, 2), (3, 4), (1, 2), (3, 4)], [0, 0, 0, 1])
    assert separation(dataset, norm) == ClosestPair(norm, Fraction(0), 1, 3)
    assert conflict_graph(dataset, norm, Fraction(1, 10**9)).number_of_edges() == 1
    assert conflict_graph(dataset, norm, 0).number_of_edges() == 0
    check(dataset, norm)


def test_a_pair_exactly_at_the_distance_is_not_joined():
    dataset = Dataset.from_rows("d", [(0, 0), (3, 4)], [0, 1])
    for norm, limit in (("inf", 4), ("1", 7), ("2", 25)):
        assert conflict_graph(dataset, norm, limit).number_of_edges() == 0
        graph = conflict_graph(dataset, norm, limit + Fraction(1, 10**50))
        assert list(graph.edges(data="value")) == [(0, 1, limit)]
        assert graph.nodes(data="label")[1] == 1


def test_digits_have_the_separation_of_the_literature():
    digits = load("digits")
    assert separation(digits, "inf").value == 7
    nearest = rival_distances(digits, "inf")
    assert min(nearest) == 7
    assert len(nearest) == digits.size


def test_bundled_products_agree_with_one_by_one(monkeypatch):
    dataset = load("digits").select(slice(0, 600))
    direct = [(separation(dataset, n), rival_distances(dataset, n)) for n in NORMS]
    monkeypatch.setattr(module, "DIRECT_WORK", 0)
    assert [(separation(dataset, n), rival_distances(dataset, n)) for n in NORMS] == direct


@pytest.mark.parametrize("function", [separation, rival_distances])
def test_one_class_has_no_separation(function):
    dataset = Dataset.from_rows("d", [(1,), (2,)], ["a", "a"])
    with pytest.raises(UserError, match="d: all samples have the label 'a'"):
        function(dataset, "inf")


def test_bad_arguments():
    dataset = Dataset.from_rows("d", [(1,), (2,)], ["a", "b"])
    with pytest.raises(UserError, match="distance -1/2 is below 0"):
        conflict_graph(dataset, "inf", Fraction(-1, 2))
    with pytest.raises(UserError, match="norm '3' is not inf, 1 or 2"):
        separation(dataset, "3")


def test_shown_distances_survive_extreme_squares():
    for exponent in (-400, -1, 0, 3, 400):
        value = Fraction(9, 4) * Fraction(10) ** (2 * exponent)
        shown = ClosestPair("2", value, 0, 1).approximately
        expected = 1.5 * 10.0**exponent if abs(exponent) < 300 else (0.0 if exponent < 0 else None)
        if expected is not None:
            assert shown == pytest.approx(expected, rel=1e-12)
        else:
            assert shown == float("inf")


@pytest.mark.slow
@pytest.mark.skipif(not DATA.is_dir(), reason="no folder of measurement data")
@pytest.mark.parametrize(
    ("norm", "value", "first", "second"),
    [("inf", 188, 3532, 33406), ("1", 3723, 12132, 32835), ("2", 374141, 12132, 32835)],
)
def test_mnist(norm, value, first, second):
    assert separation(load(str(DATA / "mnist")), norm) == ClosestPair(
        norm, Fraction(value), first, second
    )

"""Theorem 4.8 of Yu, Gao and Zhang, sampled exactly, and its promised sizes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from constructions import streamed
from constructions.construction import broken_promises, check_promises
from constructions.families import family_of
from constructions.hypotheses import power_separation
from constructions.registry import build, entry_of
from constructions.running_max import sum_of
from constructions.streamed import NAMES, save_cubes
from tests.oracles.random_data import random_data
from verifier.checker.scaled import evaluate
from verifier.data.dataset import Dataset
from verifier.evidence.network_file import load_network, save_network
from verifier.formats.native_stream import save_streamed
from verifier.question.errors import UserError
from verifier.question.network import Rows

ARRANGEMENTS = ("linf", "linf-pipelined", "linf-parallel")
RATIOS = (Fraction(0), Fraction(1, 2), Fraction(99, 100), Fraction(9998, 10000))


@st.composite
def labelled_points(draw: st.DrawFn) -> Dataset:
    """Small data, 2 to 12 classes, distinct points, balls of one label often overlapping."""
    dimension = draw(st.integers(1, 3))
    classes = draw(st.integers(2, 12))
    size = draw(st.integers(classes, 14))
    denominator = draw(st.sampled_from([1, 2, 7, 100]))
    rows = draw(
        st.lists(
            st.tuples(*[st.integers(-20, 20)] * dimension),
            min_size=size,
            max_size=size,
            unique=True,
        )
    )
    labels = [*range(classes), *draw(st.lists(st.integers(0, classes - 1), min_size=size - classes,
                                              max_size=size - classes))]  # fmt: skip
    points = [[Fraction(entry, denominator) for entry in row] for row in rows]
    return Dataset.from_rows("random", points, labels)


def corners(dataset: Dataset, radius: Fraction) -> list[tuple[int, list[Fraction]]]:
    """Every corner of every ball, with the sample it belongs to, and the centres."""
    signs = [*product((-1, 1), repeat=dataset.dimension), (0,) * dataset.dimension]
    return [
        (i, [entry + sign * radius for entry, sign in zip(dataset.point(i), corner, strict=True)])
        for i in range(dataset.size)
        for corner in signs
    ]


@pytest.mark.parametrize("name", ARRANGEMENTS)
@settings(max_examples=25, deadline=None)
@given(dataset=labelled_points(), ratio=st.sampled_from(RATIOS))
def test_the_network_equals_the_label_on_every_corner_of_every_ball(
    name: str, dataset: Dataset, ratio: Fraction
) -> None:
    construction = build(name, dataset, ratio=ratio)
    check_promises(construction)
    assert construction.network.is_chain
    marked = corners(dataset, construction.budget)
    values = evaluate(construction.network, [point for _, point in marked])
    assert [value for (value,) in values] == [int(dataset.labels[i]) for i, _ in marked]


@pytest.mark.parametrize("name", ARRANGEMENTS)
def test_twenty_inputs_ten_samples_have_the_sizes_of_the_table(name: str) -> None:
    rng = np.random.default_rng(0)
    dataset = Dataset.from_rows(
        "table", rng.integers(1, 999, (10, 20)).tolist(), [i % 3 for i in range(10)]
    )
    network = build(name, dataset, ratio=Fraction(99, 100)).network
    expected = {"linf": (61, 21), "linf-pipelined": (62, 12), "linf-parallel": (400, 7)}
    assert (network.width, network.depth) == expected[name]


@pytest.mark.parametrize("name", ARRANGEMENTS)
def test_one_per_cent_beyond_the_budget_the_value_is_wrong(name: str) -> None:
    dataset = Dataset.from_rows("pair", [[0, 0], [4, 1]], [0, 1])
    construction = build(name, dataset, budget=Fraction(19, 10))
    for factor, right in ((Fraction(1), True), (Fraction(101, 100), False)):
        marked = corners(dataset, construction.budget * factor)
        values = evaluate(construction.network, [point for _, point in marked])
        assert (
            all(v == dataset.labels[i] for (v,), (i, _) in zip(values, marked, strict=True))
            is right
        )


@pytest.mark.parametrize("name", ARRANGEMENTS)
def test_a_network_built_without_one_sample_or_with_two_labels_swapped_is_wrong(name: str) -> None:
    rows, labels = [[0, 0], [5, 0], [0, 5], [9, 9]], [2, 1, 0, 1]
    dataset = Dataset.from_rows("four", rows, labels)
    full = build(name, dataset, ratio=Fraction(1, 2))
    points = [list(dataset.point(i)) for i in range(4)]
    assert [v for (v,) in evaluate(full.network, points)] == labels
    swapped = replace(dataset, labels=np.array([1, 2, 0, 1], dtype=np.int64))
    wrong = evaluate(build(name, swapped, ratio=Fraction(1, 2)).network, points)
    assert [v for (v,) in wrong] == [1, 2, 0, 1]
    dropped = build(name, dataset.select([1, 2, 3]), ratio=Fraction(1, 2))
    assert evaluate(dropped.network, points)[0][0] != 2


def test_a_budget_of_half_the_separation_is_refused_with_both_numbers() -> None:
    dataset = Dataset.from_rows("pair", [[0], [7]], ["a", "b"])
    message = re.escape("budget 7/2 (3.5) is not below half the separation, 7/2 (3.5)")
    for name in ARRANGEMENTS:
        with pytest.raises(UserError, match=f"^{message}$"):
            build(name, dataset, ratio=Fraction(1))
        with pytest.raises(UserError, match=r"^budget -1 is negative$"):
            build(name, dataset, budget=Fraction(-1))


def test_bad_requests_are_refused() -> None:
    dataset = Dataset.from_rows("pair", [[0], [7]], ["a", "b"])
    with pytest.raises(UserError, match="no construction 'linff'; there are linf, "):
        entry_of("linff")
    with pytest.raises(UserError, match="either a ratio or a budget"):
        build("linf", dataset)
    with pytest.raises(UserError, match="two classes are needed"):
        build("linf", dataset.select([0]), budget=Fraction(1))
    clash = Dataset.from_rows("clash", [[0], [0]], ["a", "b"])
    with pytest.raises(UserError, match="samples 0 and 1"):
        build("linf", clash, budget=Fraction(0))


def test_a_promise_that_the_network_breaks_is_named() -> None:
    dataset = Dataset.from_rows("pair", [[0], [7], [14]], ["a", "b", "a"])
    construction = build("linf", dataset, ratio=Fraction(1, 2))
    assert broken_promises(construction) == ()
    other = build("linf-parallel", dataset, ratio=Fraction(1, 2))
    broken = broken_promises(replace(construction, network=other.network))
    assert broken and "width is 6, promised = 4 (3n + 1)" in broken[0]
    with pytest.raises(UserError, match="budget 7/2 is not in"):
        check_promises(replace(construction, budget=Fraction(7, 2)))


def test_weights_beyond_64_bits_stay_exact() -> None:
    big = 10**30
    rows = [[Fraction(k * big + 1, 3), Fraction(k, 10**20)] for k in range(5)]
    dataset = Dataset.from_rows("big", rows, [0, 1, 0, 1, 2])
    for name in ARRANGEMENTS:
        construction = build(name, dataset, ratio=Fraction(999999, 1000000))
        check_promises(construction)
        marked = corners(dataset, construction.budget)
        values = evaluate(construction.network, [point for _, point in marked])
        assert [v for (v,) in values] == [int(dataset.labels[i]) for i, _ in marked]


def test_the_separation_is_that_of_all_pairs() -> None:
    rng = np.random.default_rng(1)
    points = rng.integers(-9, 9, (30, 3))
    labels = rng.integers(0, 4, 30)
    dataset = Dataset.from_rows("random", (points * Fraction(1, 5)).tolist(), labels.tolist())
    gaps = abs(points[:, None] - points[None])[labels[:, None] != labels[None]]
    for norm, expected in (
        ("inf", Fraction(int(gaps.max(-1).min()), 5)),
        ("1", Fraction(int(gaps.sum(-1).min()), 5)),
        ("2", Fraction(int((gaps**2).sum(-1).min()), 25)),
        ("3", Fraction(int((gaps**3).sum(-1).min()), 125)),
    ):
        if expected:
            assert power_separation(dataset, norm) == expected


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("size", [2, 3, 9])
@pytest.mark.parametrize("denominator", [1, 10])
def test_the_streamed_file_is_the_saved_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, size: int, denominator: int
) -> None:
    monkeypatch.setattr(streamed, "_SAMPLES", 4)
    rows = [[Fraction(k * k, denominator), Fraction(5 * k)] for k in range(size)]
    dataset = Dataset.from_rows("some", rows, [k % 2 for k in range(size)])
    whole = build(name, dataset, ratio=Fraction(99, 100))
    save_network(whole.network, tmp_path / "whole")
    promises = save_cubes(tmp_path / "streamed", dataset, name, whole.budget)
    assert (tmp_path / "streamed").read_bytes() == (tmp_path / "whole").read_bytes()
    assert promises == whole.promises


@pytest.mark.parametrize("name", NAMES)
def test_the_streamed_family_is_the_family(tmp_path: Path, name: str) -> None:
    for seed in range(6):
        dataset = random_data(seed, 2 + seed, 1 + seed % 3, 2 + seed % 2, 30, 1 + 6 * (seed % 2))
        due = family_of(dataset, name).network
        save_cubes(tmp_path / "streamed", dataset, name, None)
        found = load_network(tmp_path / "streamed")
        assert (found.inputs, found.layers) == (due.inputs, due.layers)
        for own, other in ((found.units, due.units), (found.outputs, due.outputs)):
            assert [own.fractions(i) for i in range(own.count)] == [
                other.fractions(i) for i in range(other.count)
            ]


def test_what_is_not_streamed(tmp_path: Path) -> None:
    dataset = Dataset.from_rows("big", [[0], [10**30]], [0, 1])
    for name in NAMES:
        with pytest.raises(UserError, match="beyond 64 bits"):
            save_cubes(tmp_path / "streamed", dataset, name, Fraction(1))
    with pytest.raises(UserError, match="only linf-pipelined and linf-parallel are written"):
        save_cubes(tmp_path / "streamed", dataset, "linf", Fraction(1))
    assert list(tmp_path.iterdir()) == []


def test_layers_that_change_between_the_passes_are_noticed(tmp_path: Path) -> None:
    calls = []

    def layers() -> Iterator[list[Rows]]:
        calls.append(1)
        return iter([[sum_of(np.arange(1, dtype=np.int64))]] * (3 - len(calls)))

    with pytest.raises(UserError, match="changed between the two passes"):
        save_streamed(tmp_path / "x", 1, layers, sum_of(np.array([1], dtype=np.int64)))
    assert list(tmp_path.iterdir()) == []

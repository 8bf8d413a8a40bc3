"""Certified rational projections, and narrow networks behind them."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from constructions.construction import check_promises
from constructions.projection import (
    KINDS,
    certified_norm_at_most_one,
    find_projection,
    narrow,
)
from constructions.registry import build
from constructions.sampled import sampled_flips
from verifier.data.dataset import Dataset
from verifier.question.errors import UserError


def spread_data(dimension: int = 12, size: int = 8) -> Dataset:
    rng = np.random.default_rng(2)
    rows = rng.integers(-50, 50, (size, dimension)).tolist()
    return Dataset.from_rows("spread", rows, [k % 3 for k in range(size)])


@pytest.mark.parametrize("kind", KINDS)
def test_no_vector_grows_under_a_projection(kind: str) -> None:
    rng = np.random.default_rng(5)
    for rank in (1, 3, 7):
        projection = KINDS[kind](9, rank, rng)
        assert projection.rank == rank and certified_norm_at_most_one(projection)
        x = rng.integers(-9, 9, 9).astype(object)
        image = projection.numerators @ x
        assert sum(image * image) <= sum(x * x) * projection.denominator**2
        gram = projection.numerators @ projection.numerators.T
        if kind != "rounded":
            identity = np.eye(rank, dtype=np.int64).astype(object) * projection.denominator**2
            assert (gram == identity).all()
        else:
            loss = 1 - Fraction(int(gram.diagonal().min()), projection.denominator**2)
            assert 0 <= loss < Fraction(1, 2**15)


@pytest.mark.parametrize("kind", KINDS)
def test_a_narrow_network_behind_a_projection_is_right_on_every_sampled_point(kind: str) -> None:
    dataset = spread_data()
    construction = narrow(dataset, Fraction(5), norm="2", rank=3, kind=kind, seed=1)
    check_promises(construction)
    assert construction.network.width == 3 + 4
    assert construction.network.is_chain
    assert sampled_flips(construction, dataset, count=6) == []


def test_the_cube_lies_in_the_ball_that_the_network_was_built_for() -> None:
    dataset = spread_data()
    construction = narrow(dataset, Fraction(1), norm="inf", rank=4, seed=1)
    check_promises(construction)
    assert construction.network.width == 4 + 4
    assert sampled_flips(construction, dataset, count=6) == []


def test_without_a_rank_the_smallest_that_works_is_taken() -> None:
    dataset = spread_data()
    small = narrow(dataset, Fraction(1, 10), norm="2")
    large = narrow(dataset, Fraction(40), norm="2")
    assert small.network.width < large.network.width <= 12 + 4


def test_failure_names_the_theorem_and_the_tries() -> None:
    dataset = spread_data()
    with pytest.raises(UserError, match="projection to 13 coordinates: the data have 12; Theorem"):
        find_projection(dataset, Fraction(1), 13)
    with pytest.raises(UserError, match=r"none of 3 projections to 1 coordinates .*Theorem 7"):
        find_projection(dataset, Fraction(40), 1, tries=3)
    with pytest.raises(UserError, match="no projection 'qr'; there are rounded"):
        find_projection(dataset, Fraction(1), 2, kind="qr")
    for name in ("narrow-l2", "narrow-linf", "small-rho", "moderate-rho", "large-rho"):
        with pytest.raises(UserError, match="no projection 'qr'; there are rounded"):
            build(name, dataset, budget=Fraction(0), options={"kind": "qr"})
    with pytest.raises(UserError, match="n = 64 is above 40"):
        KINDS["cayley"](64, 2, np.random.default_rng(0))

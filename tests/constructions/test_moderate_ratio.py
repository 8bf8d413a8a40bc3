"""Moderate-rho networks: flips lie in the bands, all else is proved, and the bands are thin.

Of a network with several groups a ball may flip where a coordinate lies in a band of a group that
the sample is not in. The search finds such flips by walking exactly across bands that floats cannot
see. What is left of each ball without its bands is proved, so the share of the ball that flips is
at most the bound of the bands.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from fractions import Fraction
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from constructions.construction import Construction
from constructions.hypotheses import power_separation
from constructions.lattice import cell_scale
from constructions.moderate_ratio import Plan, plan_of
from constructions.registry import build
from verifier.cli.main import main
from verifier.data.dataset import Dataset
from verifier.evidence.certificate import Flip, Robust
from verifier.question.errors import UserError
from verifier.question.query import Query
from verifier.question.region import Region, ball
from verifier.search.options import Options
from verifier.tasks.verify import verify_batch

F = Fraction
ERROR = F(1, 20)


def few_rows(seed: int, size: int, dimension: int = 2, classes: int = 2) -> Dataset:
    """Samples whose later coordinates take few values: a band crossed there meets other cells."""
    rng = np.random.default_rng(seed)
    spreads = [60, *(8 for _ in range(dimension - 1))]
    points = np.stack([rng.integers(0, spread, 4 * size) for spread in spreads], axis=1)
    points = np.unique(points, axis=0)
    points = rng.permutation(points)[:size]
    return Dataset.from_rows("few rows", points.tolist(), [k % classes for k in range(size)])


def made(dataset: Dataset, divisor: int) -> tuple[Plan, Construction]:
    """The network for balls whose radius is 1 / `divisor` of a cell."""
    scale = cell_scale(dataset.dimension, power_separation(dataset, "2"))
    budget = 1 / (divisor * scale)
    plan = plan_of(dataset, budget, error=ERROR)
    return plan, build("moderate-rho", dataset, budget=budget, options={"error": ERROR})


def question(construction: Construction, dataset: Dataset, sample: int, region: Region) -> Query:
    goals = construction.goals(int(dataset.labels[sample]), dataset.classes)
    return Query(construction.network, region, goals)


def without_bands(plan: Plan, dataset: Dataset, sample: int, budget: Fraction) -> Iterator[Region]:
    """What is left of the ball, closed, if the bands are cut out of it."""
    center = dataset.point(sample)
    sides = []
    for x, bands in zip(center, plan.bands(sample), strict=True):
        at, parts = x - budget, []
        for low, high in bands:
            if low >= at:
                parts.append((at, low))
            at = max(at, high)
        if at <= x + budget:
            parts.append((at, x + budget))
        sides.append(parts)
    for part in product(*sides):
        lower, upper = zip(*part, strict=True)
        try:
            yield ball("2", center, budget, clip=(lower, upper))
        except UserError:
            continue  # that corner of the box is outside the ball


@pytest.mark.parametrize(
    ("seed", "divisor", "dimension"),
    [
        (0, 12, 2),
        pytest.param(0, 8, 2, marks=pytest.mark.slow),
        pytest.param(2, 12, 3, marks=pytest.mark.slow),
        pytest.param(7, 8, 2, marks=pytest.mark.slow),
    ],
)
def test_all_of_each_ball_but_the_bands_is_proved(seed: int, divisor: int, dimension: int) -> None:
    """The share of the ball that errs is thus at most the bound of the bands, exactly."""
    dataset = few_rows(seed, 12, dimension)
    plan, construction = made(dataset, divisor)
    assert len(plan.groups) > 1
    crossed = 0
    for sample in range(dataset.size):
        regions = list(without_bands(plan, dataset, sample, construction.budget))
        queries = [question(construction, dataset, sample, region) for region in regions]
        outcomes = verify_batch(construction.network, queries, Options(timeout=60))
        assert all(isinstance(outcome.verdict, Robust) for outcome in outcomes)
        crossed += len(regions) > 1
        widths = [high - low for bands in plan.bands(sample) for low, high in bands]
        share = sum(widths) * F(dimension + 1, 2) / construction.budget
        assert min(F(1), share) == plan.error_bound(sample) <= ERROR
    assert crossed >= 4


@pytest.mark.parametrize(
    ("seed", "divisor", "flipped"),
    [
        (0, 12, [0]),
        pytest.param(4, 12, [0, 8, 10], marks=pytest.mark.slow),
        pytest.param(0, 8, [0, 6], marks=pytest.mark.slow),
        pytest.param(11, 12, [0], marks=pytest.mark.slow),
    ],
)
def test_flips_of_inactive_balls_are_found_inside_the_bands(
    seed: int, divisor: int, flipped: list[int]
) -> None:
    """Floats cannot see them: the bands are a millionth of the data wide and less."""
    dataset = few_rows(seed, 12)
    plan, construction = made(dataset, divisor)
    for sample in flipped:
        region = ball("2", dataset.point(sample), construction.budget)
        query = question(construction, dataset, sample, region)
        (outcome,) = verify_batch(construction.network, [query], Options(timeout=120))
        assert isinstance(outcome.verdict, Flip)
        point = outcome.verdict.point
        inside = [
            (low, high)
            for x, bands in zip(point, plan.bands(sample), strict=True)
            for low, high in bands
            if low <= x <= high
        ]
        assert inside


def test_the_search_command_finds_a_flip_inside_a_band(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dataset = few_rows(0, 12)
    plan, construction = made(dataset, 12)
    table = tmp_path / "rows.csv"
    lines = [
        ",".join(map(str, [*row, label]))
        for row, label in zip(dataset.numerators.tolist(), dataset.labels.tolist(), strict=True)
    ]
    table.write_text("\n".join(["a,b,label", *lines]) + "\n")
    net, budget = tmp_path / "net.robmem", construction.budget
    asked = f"{budget.numerator}/{budget.denominator}"
    arguments = ["--data", str(table), "--error", "1/20", "-o", str(net)]
    assert main(["construct", "moderate-rho", "--budget", asked, *arguments]) == 0
    capsys.readouterr()
    arguments = ["--data", str(table), "--norm", "2", "--radius", asked, "--decoder", "value"]
    code = main(["search", str(net), *arguments, "--samples", "0:2", "--json", "--quiet"])
    found = json.loads(capsys.readouterr().out)
    assert code == 1
    assert [result["verdict"] for result in found["results"]] == ["flip", "robust"]
    point = [F(str(x)) for x in found["results"][0]["flips"][0]["point"]]
    assert any(
        low <= x <= high
        for x, bands in zip(point, plan.bands(0), strict=True)
        for low, high in bands
    )

"""Every ball of iris, wine and breast_cancer, for each construction that proves them in minutes.

`WHOLE` are asked ball by ball. Of `IN_PART` a ball takes seconds, for its squares have hundreds of
thousands of units, so a few spread over the data are asked; likewise of digits. What is left out:
squares one after another on breast_cancer (`l2-serial`, `narrow-l2`, `large-rho`: three million
units, a minute of CPU a ball), and squares on digits (`l2`: a minute before its first ball, whose
functions of one direction are derived once, then ten seconds a ball; `l2-parallel`: no answer for
its first ball after ten minutes of CPU, so the verifier cannot yet prove it at this size).
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from constructions.construction import Construction
from constructions.registry import build
from constructions.small_ratio import plan_of as small_plan
from verifier.data.dataset import Dataset
from verifier.data.load import load
from verifier.evidence.certificate import Robust
from verifier.question.query import Query
from verifier.question.region import ball
from verifier.search.options import Options
from verifier.tasks.verify import verify_batch

EXACT = ("linf-parallel", "linf-serial", "narrow-linf", "small-rho")
BALLS = ("l1-parallel", "l1-serial", "l2-parallel", "l2-shallow", "l2-serial", "large-rho")
WHOLE = [
    *((name, "iris") for name in (*EXACT, *BALLS, "narrow-l2")),
    *((name, "wine") for name in (*EXACT, "l1-parallel", "l1-serial", "l2-parallel", "l2-shallow")),
    ("linf-parallel", "breast_cancer"),
    ("small-rho", "breast_cancer"),
    ("lipschitz", "breast_cancer"),
    ("lipschitz-parallel", "breast_cancer"),
    ("lipschitz-ovr", "breast_cancer"),
]
IN_PART = [
    ("l2-serial", "wine"),
    ("large-rho", "wine"),
    ("narrow-l2", "wine"),
    ("linf-serial", "breast_cancer"),
    ("l1", "breast_cancer"),
    ("l1-parallel", "breast_cancer"),
    ("l1-serial", "breast_cancer"),
    ("l2", "breast_cancer"),
    ("l2-parallel", "breast_cancer"),
    ("l2-shallow", "breast_cancer"),
    ("narrow-linf", "breast_cancer"),
]
OF_DIGITS = ["l1", "l1-parallel", "lipschitz-ovr"]


def made(name: str, dataset: Dataset, ratio: str) -> Construction:
    if name == "small-rho":
        return build(
            name, dataset, budget=small_plan(dataset, Fraction(0)).budget_below * Fraction(ratio)
        )
    return build(name, dataset, ratio=Fraction(ratio))


def not_proved(construction: Construction, dataset: Dataset, samples: list[int]) -> list[int]:
    queries = [
        Query(
            construction.network,
            ball(construction.norm, dataset.point(i), construction.budget),
            construction.goals(int(dataset.labels[i]), dataset.classes),
        )
        for i in samples
    ]
    outcomes = verify_batch(construction.network, queries, Options(timeout=300))
    pairs = zip(samples, outcomes, strict=True)
    return [i for i, outcome in pairs if not isinstance(outcome.verdict, Robust)]


@pytest.mark.slow
@pytest.mark.parametrize("ratio", ["99/100", "999/1000"])
@pytest.mark.parametrize(("name", "data"), WHOLE)
def test_every_ball_is_proved(name: str, data: str, ratio: str) -> None:
    dataset = load(data)
    made_for = made(name, dataset, ratio)
    assert not_proved(made_for, dataset, list(range(dataset.size))) == []


@pytest.mark.slow
@pytest.mark.parametrize(("name", "data"), IN_PART)
def test_balls_spread_over_the_data_are_proved(name: str, data: str) -> None:
    dataset = load(data)
    samples = np.linspace(0, dataset.size - 1, 4).astype(int).tolist()
    assert not_proved(made(name, dataset, "99/100"), dataset, samples) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", OF_DIGITS)
def test_balls_of_digits_are_proved(name: str) -> None:
    """Whole digits: `robmem certify --construction NAME`, in seconds for `linf`; `l1-parallel` and
    `lipschitz-ovr` take a second or two of CPU a ball, `l1` three. Around sample 448 cones of many
    rivals reach into the ball."""
    dataset = load("digits")
    assert not_proved(made(name, dataset, "99/100"), dataset, [0, 448, 900, 1796]) == []

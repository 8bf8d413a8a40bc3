"""The sizes that are proved in Coq (`Sizes.v`) are those that constructions promise and keep."""

import re
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from constructions.families import family_of
from constructions.registry import build
from verifier.data.dataset import Dataset

SIZES = Path(__file__).parents[2] / "constructions" / "coq" / "Sizes.v"
THEOREMS = {"linf": "sequential", "linf-pipelined": "pipelined", "l1": "l1"}


def proved(name, n, size, every):
    """Depth, width and parameters of the theorem; `every` is 1 for every budget, 0 for one."""
    found = re.search(
        rf"Theorem sizes_{name} :.*?depth b = (.*?) /\\ narrow \((.*?)\) \(fst b\)"
        r"\s+/\\ parameters st b <= (.*?)\.\nProof",
        SIZES.read_text(),
        re.DOTALL,
    )
    assert found is not None
    assert all(re.fullmatch(r"[\dnNe +*()-]+", text) for text in found.groups())
    return [eval(text, {}, {"n": n, "N": size, "e": every}) for text in found.groups()]  # noqa: S307


def some_data(size, n):
    rng = np.random.default_rng(size)
    rows = (np.arange(size * n).reshape(size, n) * 3 + rng.integers(0, 2, (size, n))).tolist()
    return Dataset.from_arrays(rows, [i % 3 for i in range(size)])


@pytest.mark.parametrize("construction", THEOREMS)
@pytest.mark.parametrize(("size", "n"), [(1, 1), (2, 1), (3, 2), (4, 1), (7, 3)])
def test_proved_sizes_are_promised_and_kept(construction, size, n):
    dataset = some_data(size, n)
    built = build(construction, dataset, budget=Fraction(1, 3), separation=Fraction(2))
    depth, width, parameters = proved(THEOREMS[construction], n, size, 0)
    promises = built.promises
    assert (promises.depth.value, promises.width.value) == (depth, width)
    assert promises.nonzero.value == parameters
    assert len(built.network.layers) + 1 == depth
    assert max(built.network.layers) <= width
    assert built.network.nonzero_parameters <= parameters


@pytest.mark.parametrize("construction", THEOREMS)
@pytest.mark.parametrize(("size", "n"), [(2, 1), (3, 2), (4, 1), (7, 3)])
def test_sizes_for_every_budget_are_kept(construction, size, n):
    network = family_of(some_data(size, n), construction).network
    depth, width, parameters = proved(THEOREMS[construction], n, size, 1)
    assert network.inputs == n + 1
    assert len(network.layers) + 1 == depth
    assert max(network.layers) <= width
    assert parameters - n * size - 3 * size <= network.nonzero_parameters <= parameters

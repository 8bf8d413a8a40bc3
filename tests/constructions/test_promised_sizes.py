"""The sizes that are proved in Coq (`Sizes.v`) are those that constructions promise and keep."""

import re
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from constructions.registry import build
from verifier.data.dataset import Dataset

SIZES = Path(__file__).parents[2] / "constructions" / "coq" / "Sizes.v"
THEOREMS = {"linf": "sequential", "linf-pipelined": "pipelined", "l1": "l1"}


def proved(name, n, size):
    """Depth, width and parameters of the theorem, for these n and N."""
    found = re.search(
        rf"Theorem sizes_{name} :.*?depth b = (.*?) /\\ narrow \((.*?)\) \(fst b\)"
        r" /\\ parameters st b <= (.*?)\.\nProof",
        SIZES.read_text(),
        re.DOTALL,
    )
    assert found is not None
    assert all(re.fullmatch(r"[\dnN +*-]+", text) for text in found.groups())
    return [eval(text, {}, {"n": n, "N": size}) for text in found.groups()]  # noqa: S307


@pytest.mark.parametrize("construction", THEOREMS)
@pytest.mark.parametrize(("size", "n"), [(1, 1), (2, 1), (3, 2), (4, 1), (7, 3)])
def test_proved_sizes_are_promised_and_kept(construction, size, n):
    rng = np.random.default_rng(size)
    rows = (np.arange(size * n).reshape(size, n) * 3 + rng.integers(0, 2, (size, n))).tolist()
    dataset = Dataset.from_arrays(rows, [i % 3 for i in range(size)])
    built = build(construction, dataset, budget=Fraction(1, 3), separation=Fraction(2))
    depth, width, parameters = proved(THEOREMS[construction], n, size)
    promises = built.promises
    assert (promises.depth.value, promises.width.value) == (depth, width)
    assert promises.nonzero.value == parameters
    assert len(built.network.layers) + 1 == depth
    assert max(built.network.layers) <= width
    assert built.network.nonzero_parameters <= parameters

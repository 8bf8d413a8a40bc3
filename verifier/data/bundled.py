"""The tables that ship with scikit-learn, read as the decimals they print."""

from __future__ import annotations

from fractions import Fraction

from verifier.data.dataset import Dataset
from verifier.data.decimals import decimal_row
from verifier.data.labels import label_table
from verifier.data.storage import RationalTable

BUNDLED = ("digits", "iris", "wine", "breast_cancer")
"""The tables that ship with scikit-learn."""


def load_bundled(name: str) -> Dataset:
    """A table of scikit-learn; a float stands for the decimal that it prints."""
    from sklearn import datasets  # takes a second, and only these tables need it

    bunch = getattr(datasets, f"load_{name}")()
    table = RationalTable(name)
    for index, row in enumerate(bunch.data):
        cells = [repr(float(value)) for value in row]
        table.append(*decimal_row(cells, f"{name}: sample {index}"))
    numerators, denominator = table.settle()
    names = [str(target) for target in bunch.target_names]
    label_names, labels = label_table(name, [names[int(target)] for target in bunch.target])
    return Dataset(
        name, numerators, denominator, labels, label_names,
        pixel_range=(Fraction(0), Fraction(16)) if name == "digits" else None,
        image_shape=(8, 8) if name == "digits" else None,
        feature_names=tuple(str(feature) for feature in bunch.feature_names),
    )  # fmt: skip

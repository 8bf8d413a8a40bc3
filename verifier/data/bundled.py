"""The tables that ship with this package, read as the decimals they print."""

from __future__ import annotations

import gzip
from fractions import Fraction
from pathlib import Path

from verifier.data.dataset import Dataset
from verifier.data.decimals import decimal_row
from verifier.data.labels import label_table
from verifier.data.storage import RationalTable

BUNDLED = ("digits", "iris", "wine", "breast_cancer")
"""The tables that ship; scikit-learn has the same, and tables/SOURCES.md says whose they are."""
_TABLES = Path(__file__).parent / "tables"


def load_bundled(name: str) -> Dataset:
    """A table that ships, with the names of its inputs; digits are images of pixels in 0..16."""
    text = gzip.decompress((_TABLES / f"{name}.csv.gz").read_bytes()).decode()
    head, *lines = [line.split(",") for line in text.splitlines()]
    table = RationalTable(name)
    for index, cells in enumerate(lines):
        table.append(*decimal_row(cells[:-1], f"{name}: sample {index}"))
    numerators, denominator = table.settle()
    label_names, labels = label_table(name, [cells[-1] for cells in lines])
    return Dataset(
        name, numerators, denominator, labels, label_names,
        pixel_range=(Fraction(0), Fraction(16)) if name == "digits" else None,
        image_shape=(8, 8) if name == "digits" else None,
        feature_names=tuple(head[:-1]),
    )  # fmt: skip

"""The labels of a plane at the points of a grid, each evaluated exactly.

For networks with more linear pieces than one wants to wait for. A cell of the grid has the label
that is read at its middle; of its other points nothing is said.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import groupby, pairwise
from math import isqrt

from reports.regions import Piece, Regions, rectangle
from verifier.checker.scaled import evaluate
from verifier.question.network import Network

MOST_WORK = 100_000_000
"""Most products of a weight and a value: about two seconds of 64-bit integers."""
_FINEST, _COARSEST = 128, 24  # cells along the longer side


def cells_along(network: Network, most: int = MOST_WORK) -> int:
    """Cells along the longer side that `most` products allow, between a finest and a coarsest."""
    entries = len(network.units.indices) + len(network.outputs.indices) + 1
    return max(_COARSEST, min(_FINEST, isqrt(most // entries)))


def raster(
    network: Network,
    decoder: str,
    classes: int,
    lower: tuple[Fraction, Fraction],
    upper: tuple[Fraction, Fraction],
    along: int,
    shape: float = 1.0,
) -> tuple[Regions, tuple[int, int]]:
    """Runs of cells with one label, and how many cells there are across and up.

    There are `along` cells on the longer side; `shape` is the height of the drawing over its width.
    """
    across = along if shape <= 1 else max(1, round(along / shape))
    up = along if shape > 1 else max(1, round(along * shape))
    xs, ys = (
        [low + (high - low) * Fraction(k, count) for k in range(count + 1)]
        for low, high, count in zip(lower, upper, (across, up), strict=True)
    )
    middles = [((a + b) / 2, (c + d) / 2) for c, d in pairwise(ys) for a, b in pairwise(xs)]
    labels = [read(decoder, classes, outputs) for outputs in evaluate(network, middles)]
    pieces = []
    for row in range(up):
        begin = 0
        for label, run in groupby(labels[row * across : (row + 1) * across]):
            end = begin + len(list(run))
            cell = rectangle((xs[begin], ys[row]), (xs[end], ys[row + 1]))
            pieces.append(Piece(cell, label, exact=False))
            begin = end
    return Regions(lower, upper, tuple(pieces), 0), (across, up)


def read(decoder: str, classes: int, outputs: Sequence[Fraction]) -> int:
    """The label that the decoder reads, the first of several that tie."""
    if decoder == "argmax":
        return max(range(len(outputs)), key=lambda j: outputs[j])
    if decoder == "sign":
        return int(outputs[0] > 0)
    return min(range(classes), key=lambda k: (abs(outputs[0] - k), k))

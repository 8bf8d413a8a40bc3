"""The .nnet text format: a ReLU chain, its input box, and the normalisation of its training.

    // comments
    layers, inputs, outputs, largest layer,
    inputs, hidden sizes ..., outputs,
    0,                             unused
    minimum of each input,         the input box
    maximum of each input,
    mean of each input, mean of the outputs,
    range of each input, range of the outputs,
    the rows of the first weight matrix, then its biases, one a line; then the next layer

A decimal is that decimal. The file's weights act on (x - mean) / range, and the real output is
y * range + mean of the outputs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

from verifier.formats.affine_rows import check_entries
from verifier.formats.files import naming, read_text
from verifier.question.build import concatenate_rows, dense_rows
from verifier.question.errors import UserError
from verifier.question.network import Network
from verifier.question.rational import parse_rational

Vector = tuple[Fraction, ...]
Matrix = tuple[Vector, ...]


@dataclass(frozen=True, slots=True, eq=False)
class NnetFile:
    """Layer l of the file is weights[l] @ z + biases[l], on normalised inputs and outputs.

    `lower` and `upper` are the box in the inputs' own units; `means` and `ranges` have one entry an
    input and a last one for all outputs.
    """

    weights: tuple[Matrix, ...]
    biases: tuple[Vector, ...]
    lower: Vector
    upper: Vector
    means: Vector
    ranges: Vector

    @property
    def is_normalised(self) -> bool:
        """Whether the normalisation changes anything."""
        return any(self.means) or any(scale != 1 for scale in self.ranges)

    def network(self, *, normalise: bool = False) -> Network:
        """The network of the file's weights; with `normalise`, the same layers on inputs in their
        own units, giving outputs in theirs."""
        weights, biases = list(self.weights), list(self.biases)
        if normalise:
            first = [
                [w / scale for w, scale in zip(row, self.ranges, strict=False)]
                for row in weights[0]
            ]
            biases[0] = tuple(
                bias - sum(w * mean for w, mean in zip(row, self.means, strict=False))
                for row, bias in zip(first, biases[0], strict=True)
            )
            weights[0] = tuple(map(tuple, first))
            scale, shift = self.ranges[-1], self.means[-1]
            weights[-1] = tuple(tuple(w * scale for w in row) for row in weights[-1])
            biases[-1] = tuple(bias * scale + shift for bias in biases[-1])
        offset, blocks = 0, []
        for matrix, bias in zip(weights, biases, strict=True):
            blocks.append(dense_rows(matrix, bias, offset))
            offset += len(matrix[0])
        sizes = tuple(len(matrix) for matrix in weights[:-1])
        return Network(len(weights[0][0]), sizes, concatenate_rows(blocks[:-1]), blocks[-1])


def load_nnet(path: Path | str, *, normalise: bool = False) -> Network:
    """The network of the .nnet file at `path`: its weights as they are, or with the normalisation
    of inputs and outputs folded in if `normalise`. Raises UserError, naming the line."""
    return read_nnet(path).network(normalise=normalise)


def read_nnet(path: Path | str) -> NnetFile:
    """The content of the .nnet file at `path`. Raises UserError, naming the line."""
    text = read_text(path)
    with naming(path):
        return parse_nnet(text)


def parse_nnet(text: str) -> NnetFile:
    """The content of a .nnet file with this text. Raises UserError, naming the line."""
    lines = _lines(text)
    counts = _counts(lines, "the numbers of layers, inputs and outputs", 3)
    layers, inputs, outputs = counts[:3]
    sizes = _counts(lines, "the sizes of the layers", 2)
    if len(sizes) != layers + 1 or sizes[0] != inputs or sizes[-1] != outputs:
        raise UserError(
            f"line 1 says {layers} layers, {inputs} inputs and {outputs} outputs, "
            f"the sizes are {sizes[:10]}"
        )
    check_entries(sum(a * b for a, b in pairwise(sizes)))
    next(lines, None)
    lower, upper = (_numbers(lines, inputs, name) for name in ("minima", "maxima"))
    means, ranges = (_numbers(lines, inputs + 1, name) for name in ("means", "ranges"))
    if not all(ranges):
        raise UserError("a range of the normalisation is zero")
    for k, (low, high) in enumerate(zip(lower, upper, strict=True)):
        if low > high:
            raise UserError(f"empty box: minimum {low} above maximum {high} at input {k}")
    weights, biases = [], []
    for layer, (before, after) in enumerate(pairwise(sizes)):
        weights.append(
            tuple(_numbers(lines, before, f"weights of layer {layer}") for _ in range(after))
        )
        biases.append(
            tuple(_numbers(lines, 1, f"biases of layer {layer}")[0] for _ in range(after))
        )
    for number, line in lines:
        if line.strip(" ,\t"):
            raise UserError(f"line {number}: more lines than the layers ask for")
    return NnetFile(tuple(weights), tuple(biases), lower, upper, means, ranges)


def _lines(text: str) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(text.splitlines(), 1):
        if not line.lstrip().startswith("//"):
            yield number, line


def _entries(line: str) -> list[str]:
    """What stands between the commas, of which one may end the line."""
    entries = [entry.strip() for entry in line.split(",")]
    return entries if entries[-1] else entries[:-1]


def _numbers(lines: Iterator[tuple[int, str]], count: int, what: str) -> Vector:
    number, line = next(lines, (0, ""))
    if not number:
        raise UserError(f"truncated: the {what} are missing")
    entries = _entries(line)
    if len(entries) != count:
        raise UserError(f"line {number}: {len(entries)} {what}, not {count}")
    with naming(f"line {number}"):
        return tuple(parse_rational(entry) for entry in entries)


def _counts(lines: Iterator[tuple[int, str]], what: str, least: int) -> list[int]:
    number, line = next(lines, (0, ""))
    entries = _entries(line)
    natural = all(entry.isascii() and entry.isdecimal() and len(entry) < 10 for entry in entries)
    if not natural or len(entries) < least:
        raise UserError(f"not a .nnet file: line {number} is not {what}")
    counts = [int(entry) for entry in entries]
    if min(counts) < 1:
        raise UserError(f"line {number}: {what} are not all positive")
    return counts

"""A network file as commands take it: which of its outputs, of what shape, and what is said."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

import click

from verifier.cli.options import gathered
from verifier.formats.parts import Parts
from verifier.question.errors import UserError

if TYPE_CHECKING:
    from verifier.data.dataset import Dataset
    from verifier.formats.loaded import Loaded
    from verifier.question.network import Network


def read_parts(outputs: tuple[str, ...], shapes: tuple[str, ...]) -> Parts:
    """What these options say; raises UserError."""
    return Parts(outputs, dict(map(_shape, shapes)))


network_options = gathered(
    "parts",
    read_parts,
    {
        "outputs": click.option(
            "--output",
            "outputs",
            multiple=True,
            metavar="NAME",
            help="Of an .onnx file: ask about this output alone; may be repeated.",
        ),
        "shapes": click.option(
            "--input-shape",
            "shapes",
            multiple=True,
            metavar="[NAME=]N,N,..",
            help="Of an .onnx file: of an input with symbolic axes.",
        ),
    },
)
"""Of commands that take a network file: which parts of it are meant, as the argument `parts`."""


def _shape(text: str) -> tuple[str, tuple[int, ...]]:
    name, _, numbers = text.rpartition("=")
    parts = [part.strip() for part in numbers.replace("x", ",").split(",")]
    if not all(part.isascii() and part.isdigit() and len(part) < 10 for part in parts):
        raise UserError(f"--input-shape: {text[:60]!r} is not [NAME=]N,N,..")
    return name, tuple(map(int, parts))


def loaded_network(path: str, parts: Parts = Parts(), *, merge: bool = True) -> Loaded:
    """What the file holds; raises UserError, naming it."""
    from verifier.formats.load import load_file

    return load_file(path, parts.outputs, parts.shapes, merge=merge)


@dataclass(frozen=True, slots=True)
class Read:
    """The network of a question about labels, its decoder, and what a reader should know of it.

    `names` are the labels that its outputs stand for: those of `--labels`, else of the file, whose
    path `of_file` then is; None where neither says so.
    """

    network: Network
    decoder: str
    notes: tuple[str, ...]
    names: Sequence[str] | None
    of_file: str | None

    def relabelled(self, dataset: Dataset) -> Dataset:
        """The data with the label numbers of the outputs, see `Dataset.for_outputs`."""
        count = self.network.outputs.count
        return dataset.for_outputs(self.decoder, count, self.names, self.of_file)


def read_network(
    path: str,
    parts: Parts,
    decoder: str | None,
    labels: Sequence[Fraction] = (),
    names: Sequence[str] | None = None,
    *,
    merge: bool = True,
) -> Read:
    """The network of a question about labels; what a reader should know is printed to stderr.

    `labels` are those of the data as numbers, `names` those that a user gives to the outputs.
    """
    from verifier.formats.files import naming

    loaded = loaded_network(path, parts, merge=merge)
    with naming(path):
        network, decoder = loaded.reading(decoder, labels)
        found = loaded.labels_for(decoder, names)
    notes = loaded.said(decoder)
    say(notes)
    of_file = path if names is None and found is not None else None
    return Read(network, decoder, notes, found, of_file)


def read_numbers(path: str, parts: Parts, *, merge: bool = True) -> tuple[Network, tuple[str, ...]]:
    """The network of a question about the numbers that the file puts out, and its notes."""
    from verifier.formats.files import naming

    loaded = loaded_network(path, parts, merge=merge)
    with naming(path):
        network = loaded.network_for(None)
    say(loaded.notes)
    return network, loaded.notes


def say(notes: Sequence[str]) -> None:
    """Each note as a line on stderr."""
    for note in notes:
        print(f"note: {note}", file=sys.stderr)


def require_inputs(path: str, network: Network, count: int, what: str) -> None:
    """Raises UserError, saying where to look, where the network has another number of inputs."""
    if network.inputs != count:
        raise UserError(
            f"{what} has {count} inputs, the network {path} {network.inputs}; "
            f"robmem show {path} lists them"
        )

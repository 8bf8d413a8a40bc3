"""What a construction hands over: its network, and what its theorem promises of it.

Conventions of this package. A data set has labels 0, ..., C-1. Theorems that speak of the labels
1, ..., C are built for y + 1 and subtract one in the bias of the output, so every network of one
output (decoders `value` and `nearest`) gives the data set's own label. With the decoder `sign`,
label 0 is answered by a negative and label 1 by a positive value. With `argmax`, output j belongs
to label j. Balls are closed.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from fractions import Fraction
from typing import Literal

from verifier.question.errors import UserError
from verifier.question.network import Network
from verifier.question.query import Goal, label_goals
from verifier.question.rational import format_rational
from verifier.question.region import Norm
from verifier.question.shown import Shown

Decoder = Literal["value", "nearest", "sign", "argmax"]

Entries = tuple[int, Fraction | int]
"""(D, b): weights and biases that are multiples of 1 / D and at most b in size."""


def entry_bits(*kinds: Entries) -> int:
    """The most bits, of numerator and denominator, that an entry of one of these kinds can need."""
    return max(int(largest * d).bit_length() + d.bit_length() for d, largest in kinds)


@dataclass(frozen=True, slots=True)
class Size:
    """A number that a theorem promises: the quantity equals `value`, or is at most `value`.

    `formula` is the same number as the theorem writes it.
    """

    value: int
    formula: str
    exact: bool = False

    def holds(self, actual: int) -> bool:
        return actual == self.value if self.exact else actual <= self.value

    def __str__(self) -> str:
        return f"{'=' if self.exact else '<='} {self.value} ({self.formula})"


@dataclass(frozen=True, slots=True)
class Promises:
    """What the theorem says of the network; None where it says nothing.

    `width`, `depth`, `nonzero`, `dense` and `bits` are the properties of `Network` of those names.
    The budgets that the theorem covers for this data set are those in [0, `budget_below`), in the
    norm of the construction; None if the range has no simple bound, and 0 for the controls, which
    answer the samples alone. `lipschitz` bounds the Lipschitz constant of every output with
    respect to that norm.
    """

    source: str
    width: Size | None = None
    depth: Size | None = None
    nonzero: Size | None = None
    dense: Size | None = None
    bits: Size | None = None
    budget_below: Fraction | None = None
    lipschitz: Fraction | None = None

    def sizes(self) -> dict[str, Size]:
        """The promised sizes by name, in the order of the fields."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in values.items() if isinstance(value, Size)}


@dataclass(frozen=True, slots=True, repr=False)
class Construction(Shown):
    """A network that answers every label of a data set on the whole ball of radius `budget`.

    `robust` says whether the theorem promises that for every ball: true of the robust
    constructions, false of the controls, which answer the samples alone, and of the networks that
    may err on a share of each ball.
    """

    name: str
    network: Network
    norm: Norm
    budget: Fraction
    decoder: Decoder
    promises: Promises
    robust: bool = True
    seed: int | None = None
    notes: tuple[str, ...] = ()

    def goals(self, label: int, classes: int) -> tuple[Goal, ...]:
        """What no point of a ball of this label may satisfy; see `verifier.question.query`."""
        values = (-1, 1) if self.decoder == "sign" else tuple(range(classes))
        return label_goals(self.decoder, label, values, self.network.outputs.count)


_PROPERTIES = {
    "width": "width",
    "depth": "depth",
    "nonzero": "nonzero_parameters",
    "dense": "dense_parameters",
    "bits": "bits",
}


def actual_sizes(network: Network) -> dict[str, int]:
    """The sizes that a theorem may promise, read off the built network."""
    return {name: getattr(network, prop) for name, prop in _PROPERTIES.items()}


def broken_promises(construction: Construction) -> tuple[str, ...]:
    """One sentence for each promised size that the built network does not have; () is success."""
    broken = []
    for name, size in construction.promises.sizes().items():
        actual = getattr(construction.network, _PROPERTIES[name])
        if not size.holds(actual):
            broken.append(f"{construction.name}: {name} is {actual}, promised {size}")
    below = construction.promises.budget_below
    if below and not 0 <= construction.budget < below:
        broken.append(
            f"{construction.name}: budget {format_rational(construction.budget)} is not in "
            f"[0, {format_rational(below)})"
        )
    return tuple(broken)


def check_promises(construction: Construction) -> None:
    """Returns if the built network has every promised size; raises UserError otherwise."""
    broken = broken_promises(construction)
    if broken:
        raise UserError("; ".join(broken))

"""The question: a network, a region, and the conjunctions of atoms that no point may satisfy.

Everything is a refutation. "The margin m is positive" means that the closed atom -m >= 0 holds
nowhere in the region; "v equals y" means that neither y - v > 0 nor v - y > 0 does. A goal is a
conjunction of atoms; the query holds if no point of the region satisfies any goal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Literal

from verifier.question.errors import UserError
from verifier.question.network import Network
from verifier.question.rational import format_rational, require_exact
from verifier.question.region import Region
from verifier.question.shown import Shown

DecoderName = Literal["nearest", "sign", "argmax", "value"]
DECODERS: tuple[DecoderName, ...] = ("nearest", "sign", "argmax", "value")
Terms = tuple[tuple[int, Fraction], ...]


@dataclass(frozen=True, slots=True)
class Atom:
    """inputs . x + outputs . y + constant >= 0, or > 0 if `strict`.

    `inputs` and `outputs` are pairs of index and coefficient with increasing indices.
    """

    inputs: Terms
    outputs: Terms
    constant: Fraction
    strict: bool

    def __post_init__(self) -> None:
        for terms in (self.inputs, self.outputs):
            indices = [index for index, _ in terms]
            if any(a >= b for a, b in pairwise(indices)) or (indices and indices[0] < 0):
                raise UserError(f"atom: indices {indices[:8]} do not increase from 0")
            require_exact("atom", (coefficient for _, coefficient in terms))
        require_exact("atom", (self.constant,))
        if type(self.strict) is not bool:
            raise UserError(f"atom: strict is {self.strict!r}, neither True nor False")

    def holds(self, x: Sequence[Fraction], y: Sequence[Fraction]) -> bool:
        """Whether the atom is true at input x and output y."""
        value = self.value(x, y)
        return value > 0 if self.strict else value >= 0

    def value(self, x: Sequence[Fraction], y: Sequence[Fraction]) -> Fraction:
        """The form at input x and output y."""
        value = self.constant
        value += sum((c * x[k] for k, c in self.inputs), Fraction(0))
        value += sum((c * y[j] for j, c in self.outputs), Fraction(0))
        return value


@dataclass(frozen=True, slots=True)
class Goal:
    """No point of the region satisfies all of `atoms`; `rival` says who wins where one does.

    `rival` is a label, or the number of an unsafe conjunction; a name for people.
    """

    atoms: tuple[Atom, ...]
    rival: str

    def __post_init__(self) -> None:
        if not self.atoms:
            raise UserError("a goal without atoms")


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Query(Shown):
    """Does some point of `region` satisfy one of `goals`? `Robust` proves that none does."""

    network: Network
    region: Region
    goals: tuple[Goal, ...]

    def __post_init__(self) -> None:
        if not self.goals:
            raise UserError("a query without goals would hold of everything")
        if self.region.dimension != self.network.inputs:
            raise UserError(
                f"the region has {self.region.dimension} inputs, the network {self.network.inputs}"
            )
        inputs, outputs = self.network.inputs, self.network.outputs.count
        for goal in self.goals:
            for atom in goal.atoms:
                if atom.inputs and atom.inputs[-1][0] >= inputs:
                    raise UserError(f"X_{atom.inputs[-1][0]}: the network has {inputs} inputs")
                if atom.outputs and atom.outputs[-1][0] >= outputs:
                    raise UserError(f"Y_{atom.outputs[-1][0]}: the network has {outputs} outputs")


def label_goals(
    decoder: str, label: int, labels: Sequence[int | Fraction], outputs: int
) -> tuple[Goal, ...]:
    """The goals whose refutation means that the decoder reads the `label`-th of `labels`.

    `labels` are the label values of the whole data set, increasing. A tie is a flip:
    nearest: the output is strictly nearer to labels[label] than to every other label.
    sign: labels are -1 and +1, the output has the strict sign of the label.
    argmax: output j belongs to the j-th label; output `label` is strictly the largest.
    value: the output equals labels[label].
    Raises UserError for an unknown decoder, a label outside, or outputs that do not fit.
    """
    values = [Fraction(value) for value in labels]
    if any(a >= b for a, b in pairwise(values)):
        raise UserError("labels do not increase")
    if not 0 <= label < len(values):
        raise UserError(f"label {label} is not one of the {len(values)} labels")
    if len(values) < 2:
        raise UserError("one label only: nothing can flip")
    if decoder == "argmax":
        if outputs != len(values):
            raise UserError(f"argmax: {outputs} outputs, {len(values)} labels")
        return tuple(
            Goal((_difference(rival, label),), str(rival))
            for rival in range(outputs)
            if rival != label
        )
    if outputs != 1:
        raise UserError(f"decoder {decoder}: the network has {outputs} outputs, it needs 1")
    own = values[label]
    if decoder == "sign":
        if values != [-1, 1]:
            shown = ", ".join(map(format_rational, values[:5]))
            raise UserError(f"sign: the labels are {shown}; they must be -1, 1")
        return (Goal((_affine(-own, Fraction(0), False),), str(1 - label)),)
    if decoder == "value":
        below = Goal((_affine(Fraction(-1), own, True),), f"below {format_rational(own)}")
        above = Goal((_affine(Fraction(1), -own, True),), f"above {format_rational(own)}")
        return (below, above)
    if decoder != "nearest":
        raise UserError(f"decoder {decoder!r} is not one of {', '.join(DECODERS)}")
    goals = []
    if label > 0:
        goals.append(
            Goal((_affine(Fraction(-1), (values[label - 1] + own) / 2, False),), str(label - 1))
        )
    if label + 1 < len(values):
        goals.append(
            Goal((_affine(Fraction(1), -(values[label + 1] + own) / 2, False),), str(label + 1))
        )
    return tuple(goals)


def _affine(coefficient: Fraction, constant: Fraction, strict: bool) -> Atom:
    return Atom((), ((0, coefficient),), constant, strict)


def _difference(rival: int, label: int) -> Atom:
    """output rival - output label >= 0."""
    terms = sorted([(rival, Fraction(1)), (label, Fraction(-1))])
    return Atom((), tuple(terms), Fraction(0), False)

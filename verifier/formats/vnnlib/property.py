"""What a VNN-LIB text asks: boxes with atoms, and the networks that it declares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import prod
from typing import Literal

from verifier.question.errors import UserError
from verifier.question.network import Network
from verifier.question.query import Atom, Goal, Query
from verifier.question.region import Region, box

Bounds = tuple[Fraction | None, ...]
Vector = tuple[Fraction, ...]
Kind = Literal["input", "hidden", "output"]
REACH = Fraction(1024)
"""How far violations are looked for where an input has no bound."""


@dataclass(frozen=True, slots=True)
class Tensor:
    """A declared tensor of version 2: its entries are variables in C order, from number `first` on.

    Inputs of all networks are numbered in the order of their declaration; hidden values and outputs
    likewise, on their own. `element` is real or an element type of ONNX. An `initialized` input
    has the value that its initializer in the file says.
    """

    name: str
    kind: Kind
    element: str
    shape: tuple[int, ...]
    first: int
    onnx_name: str | None = None
    initialized: bool = False

    @property
    def size(self) -> int:
        return prod(self.shape)

    def entry(self, position: int) -> str:
        """The name of the entry at this position in C order, such as X[0,1]."""
        indices = []
        for extent in reversed(self.shape):
            position, index = divmod(position, extent)
            indices.append(str(index))
        return f"{self.name}[{','.join(reversed(indices))}]" if indices else self.name


@dataclass(frozen=True, slots=True)
class Declared:
    """A declared network of version 2: its tensors in their order, and which other network it is
    declared to be equal or isomorphic to, if to one."""

    name: str
    tensors: tuple[Tensor, ...]
    equal_to: str | None = None
    isomorphic_to: str | None = None

    def of(self, *kinds: Kind) -> list[Tensor]:
        return [tensor for tensor in self.tensors if tensor.kind in kinds]


@dataclass(frozen=True, slots=True)
class Disjunct:
    """{x, y : lower <= x <= upper, and all atoms hold of x and y}; None where nothing bounds x."""

    lower: Bounds
    upper: Bounds
    atoms: tuple[Atom, ...]


@dataclass(frozen=True, slots=True)
class Property:
    """The violations are the union of `disjuncts`; there is at least one.

    `inputs` and `outputs` are the numbers of variables. `networks` are those of version 2, none of
    version 1. Inputs of different networks that all assertions hold equal are one: declared input k
    is input columns[k]; no columns where each is its own. `note` says why no point can violate the
    property, if that is seen on reading; its disjunct is one that no point satisfies.
    """

    inputs: int
    outputs: int
    disjuncts: tuple[Disjunct, ...]
    networks: tuple[Declared, ...] = ()
    columns: tuple[int, ...] = ()
    note: str | None = None

    def declared(self, point: Sequence[Fraction]) -> Vector:
        """The values of all declared inputs at a point of the question."""
        return tuple(point[c] for c in self.columns) if self.columns else tuple(point)

    @property
    def elements(self) -> frozenset[str]:
        """The element types of all tensors; those of version 1 are real."""
        found = frozenset(t.element for network in self.networks for t in network.tensors)
        return found or frozenset({"real"})

    def input_name(self, k: int) -> str:
        """The name of input k as the text has it."""
        number = self.columns.index(k) if self.columns else k
        for network in self.networks:
            for tensor in network.of("input"):
                if 0 <= number - tensor.first < tensor.size:
                    return tensor.entry(number - tensor.first)
        return f"X_{k}"

    def queries(self, network: Network) -> list[Query]:
        """One query for each box; if the property is bounded, it holds of `network` exactly if all
        of them do. Inputs without a bound are asked about between -REACH and REACH.

        Raises UserError if the numbers of inputs or outputs differ.
        """
        if self.inputs != network.inputs or self.outputs != network.outputs.count:
            raise UserError(
                f"the property has {self.inputs} inputs and {self.outputs} outputs, "
                f"the network {network.inputs} and {network.outputs.count}"
            )
        goals: dict[tuple[Bounds, Bounds], list[Goal]] = {}
        always = Atom((), (), Fraction(0), False)  # 0 >= 0: any point of the box will do
        for number, disjunct in enumerate(map(completed, self.disjuncts)):
            goal = Goal(disjunct.atoms or (always,), str(number))
            goals.setdefault((disjunct.lower, disjunct.upper), []).append(goal)
        return [
            Query(network, _reached(lower, upper), tuple(listed))
            for (lower, upper), listed in goals.items()
        ]

    @property
    def unbounded(self) -> str | None:
        """Which input has no bound, in a sentence; None if all of them have two."""
        for disjunct in map(completed, self.disjuncts):
            for side, bounds in (("lower", disjunct.lower), ("upper", disjunct.upper)):
                if None in bounds:
                    return f"{self.input_name(bounds.index(None))} has no {side} bound"
        return None


def _reached(lower: Bounds, upper: Bounds) -> Region:
    """The box, with ends at least REACH away from 0, and from its other end, where it has none."""
    low = [
        -max(REACH, REACH - (top or 0)) if end is None else end
        for end, top in zip(lower, upper, strict=True)
    ]
    high = [
        max(REACH, REACH + (bottom or 0)) if end is None else end
        for end, bottom in zip(upper, lower, strict=True)
    ]
    return box(low, high)


def contains(disjunct: Disjunct, x: Sequence[Fraction], y: Sequence[Fraction]) -> bool:
    """Whether (x, y) lies in the disjunct."""
    sides = zip(disjunct.lower, x, disjunct.upper, strict=True)
    return all(
        (low is None or low <= value) and (high is None or value <= high)
        for low, value, high in sides
    ) and all(atom.holds(x, y) for atom in disjunct.atoms)


def completed(disjunct: Disjunct) -> Disjunct:
    """The same set, with the bounds that its linear atoms imply where an input has none."""
    if None not in disjunct.lower and None not in disjunct.upper:
        return disjunct
    lower, upper = list(disjunct.lower), list(disjunct.upper)
    linear = [atom for atom in disjunct.atoms if not atom.outputs]
    changed = True
    while changed:  # each round gives a bound to one that had none
        changed = False
        for atom in linear:
            for k, weight in atom.inputs:
                side = lower if weight > 0 else upper
                if side[k] is None:
                    side[k] = _implied(atom, k, lower, upper)
                    changed = changed or side[k] is not None
    return Disjunct(tuple(lower), tuple(upper), disjunct.atoms)


def _implied(
    atom: Atom, k: int, lower: Sequence[Fraction | None], upper: Sequence[Fraction | None]
) -> Fraction | None:
    """The bound of input k that follows from the atom and the bounds of the others."""
    reach, own = atom.constant, Fraction(0)
    for j, weight in atom.inputs:
        most = upper[j] if weight > 0 else lower[j]
        if j == k:
            own = weight
        elif most is None:
            return None
        else:
            reach += weight * most
    return -reach / own


def fixed(question: Property, values: Mapping[int, Fraction]) -> Property:
    """The same question with input k at values[k]."""
    kept: list[Disjunct] = []
    for disjunct in question.disjuncts:
        lower, upper = list(disjunct.lower), list(disjunct.upper)
        inside = True
        for k, value in values.items():
            low, high = lower[k], upper[k]
            inside &= (low is None or low <= value) and (high is None or value <= high)
            lower[k] = upper[k] = value
        if inside:
            kept.append(Disjunct(tuple(lower), tuple(upper), disjunct.atoms))
    if kept:
        return replace(question, disjuncts=tuple(kept))
    some = nowhere(question.disjuncts[0].lower, question.disjuncts[0].upper)
    note = "no assertion allows the values of the initializers"
    return replace(question, disjuncts=(some,), note=question.note or note)


def nowhere(lower: Bounds, upper: Bounds) -> Disjunct:
    """A disjunct that no point satisfies, for it asks for 0 > 0; its box, which a question must
    have, is a point."""
    point = []
    for low, high in zip(lower, upper, strict=True):
        point.append(low if low is not None else high if high is not None else Fraction(0))
    return Disjunct(tuple(point), tuple(point), (Atom((), (), Fraction(0), True),))

"""Rows of big-M programs, each written here alone: of a unit, of an L1 ball, of a goal's atoms.

With a_v = w_v . (x, z) + b_v in [lower, upper] and a binary d_v where that leaves v undecided:

    ge_v   z_v >= a_v        off_v   z_v <= upper d_v      on_v   z_v <= a_v - lower (1 - d_v)

A unit that is on has on_v: z_v <= a_v, one that is off has off_v: z_v <= 0. Around an L1 ball stand
right_k: t_k >= x_k - c_k, left_k: t_k >= c_k - x_k, and ball: sum of t_k <= r.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Literal

from verifier.question.network import Network
from verifier.question.query import Atom

Sense = Literal["L", "G", "E"]
Terms = dict[int, Fraction]
ZERO, ONE = Fraction(0), Fraction(1)


@dataclass(frozen=True, slots=True)
class ProgramRow:
    """The sum of terms[j] * variable j is <= (L), >= (G) or = (E) `right`."""

    name: str
    terms: Mapping[int, Fraction]
    sense: Sense
    right: Fraction


@dataclass(slots=True)
class Program:
    """maximise objective subject to rows and bounds; `integers` take integer values.

    A bound of None is absent. Without an objective it is a question of feasibility.
    """

    names: list[str] = field(default_factory=list)
    lower: list[Fraction | None] = field(default_factory=list)
    upper: list[Fraction | None] = field(default_factory=list)
    integers: list[int] = field(default_factory=list)
    rows: list[ProgramRow] = field(default_factory=list)
    objective: dict[int, Fraction] = field(default_factory=dict)
    comments: list[str] = field(default_factory=list)

    def variable(
        self, name: str, lower: Fraction | None, upper: Fraction | None, *, integer: bool = False
    ) -> int:
        """A new variable; its number."""
        number = len(self.names)
        self.names.append(name)
        self.lower.append(lower)
        self.upper.append(upper)
        if integer:
            self.integers.append(number)
        return number

    def row(self, name: str, terms: Mapping[int, Fraction], sense: Sense, right: Fraction) -> int:
        """A new row without its zeros; its number."""
        kept = {j: q for j, q in sorted(terms.items()) if q}
        self.rows.append(ProgramRow(name, kept, sense, right))
        return len(self.rows) - 1


def add_unit(
    program: Program,
    v: int,
    pre: tuple[Terms, Fraction],
    z: int,
    bounds: tuple[Fraction, Fraction],
    *,
    binary: int | None = None,
) -> tuple[int, int | None, int | None]:
    """The rows of unit v, whose pre-activation is the form `pre` of other columns and within
    `bounds`, whose output is column z, and which has the column `binary` if it has one; their
    numbers: ge, off and on, None where there is none."""
    (terms, constant), (lower, upper) = pre, bounds
    rest = {j: -q for j, q in terms.items()} | {z: ONE}  # z - a + constant
    above = program.row(f"ge{v}", rest, "G", constant)
    if binary is not None:
        off = program.row(f"off{v}", {z: ONE, binary: -upper}, "L", ZERO)
        on = program.row(f"on{v}", rest | {binary: -lower}, "L", constant - lower)
        return above, off, on
    if lower >= 0:
        return above, None, program.row(f"on{v}", rest, "L", constant)
    return above, program.row(f"off{v}", {z: ONE}, "L", ZERO), None


def add_l1_ball(
    program: Program,
    inputs: Sequence[int],
    center: Sequence[Fraction],
    radius: Fraction,
) -> None:
    """The ball of norm 1 around `center`; columns t_k are the distances along the axes."""
    distances = {}
    for k, (x, c) in enumerate(zip(inputs, center, strict=True)):
        t = program.variable(f"t{k}", ZERO, radius)
        program.row(f"right{k}", {t: ONE, x: -ONE}, "G", -c)
        program.row(f"left{k}", {t: ONE, x: ONE}, "G", c)
        distances[t] = ONE
    program.row("ball", distances, "L", radius)


def atom_form(network: Network, atom: Atom) -> tuple[Terms, Fraction]:
    """What the atom says of inputs and outputs, as a form of inputs and outputs of units."""
    terms: Terms = {}
    constant = atom.constant
    for k, coefficient in atom.inputs:
        terms[k] = terms.get(k, ZERO) + coefficient
    for j, coefficient in atom.outputs:
        weights, shift = network.outputs.fractions(j)
        constant += coefficient * shift
        for index, weight in weights.items():
            terms[index] = terms.get(index, ZERO) + coefficient * weight
    return terms, constant

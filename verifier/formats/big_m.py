"""The big-M mixed-integer program of one goal of a query, in exact rational numbers.

Variables: inputs x_k in their box, pre-activations a_v, outputs z_v >= 0 of units, and a binary d_v
for every unit whose bounds leave it undecided; for an L1 ball the distances t_k. Rows, with bounds
lower <= a_v <= upper:

    def_v   a_v - w_v . (x, z) = b_v            ge_v    z_v - a_v >= 0
    off_v   z_v - upper d_v <= 0                on_v    z_v - a_v - lower d_v <= -lower
    (decided units: on_v is z_v - a_v <= 0, or off_v is z_v <= 0)
    atom_k  the atoms of the goal

If all atoms are closed, the goal is refuted exactly if the program is infeasible. Strict atoms read
`expression - m >= 0`; m is maximised and the goal is refuted exactly if its maximum is <= 0 or the
program infeasible. With `margin` closed atoms are treated so too (then: maximum < 0), which solvers
like better than bare feasibility.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Literal

from verifier.checker.intervals import interval_bounds
from verifier.checker.scaled import ScaledNetwork, common_denominator
from verifier.question.errors import UserError
from verifier.question.printable import printable
from verifier.question.query import Goal, Query

Sense = Literal["L", "G", "E"]
Bounds = tuple[list[Fraction], list[Fraction]]
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


@dataclass(slots=True)
class BigM:
    """The program of one goal, and where its parts lie: numbers of variables and of rows.

    `define`, `above` (ge_v) and the rows `off`, `on` by unit; a decided unit has one of the two,
    without a binary. `atoms` by atom; `margin` is the variable m, if there is one.
    """

    program: Program
    inputs: list[int]
    pre_activations: list[int]
    outputs: list[int]
    binaries: dict[int, int]
    define: list[int]
    above: list[int]
    off: dict[int, int]
    on: dict[int, int]
    atoms: list[int]
    margin: int | None
    bounds: Bounds


def root_bounds(query: Query, *, tightened: bool = False) -> Bounds:
    """Exact lower and upper bounds of all pre-activations on the region: interval arithmetic, and
    symbolic backward bounds as well if `tightened`."""
    network, region = query.network, query.region
    scaled = ScaledNetwork(network, common_denominator([region.lower, region.upper]))
    root = interval_bounds(scaled, [region])[0]
    scales = scaled.scales[network.inputs :]
    if tightened:
        from verifier.checker.fixed_point import supports
        from verifier.checker.leaf import LeafChecker

        if not supports(network):
            raise UserError("the network is too large for symbolic bounds; use interval bounds")
        checker = LeafChecker(query, scaled, root)
        checker.tighten_symbolically()
        return (
            [Fraction(checker.lower(v)) / scale for v, scale in enumerate(scales)],
            [Fraction(checker.upper(v)) / scale for v, scale in enumerate(scales)],
        )
    return (
        [Fraction(int(value), scale) for value, scale in zip(root.lower, scales, strict=True)],
        [Fraction(int(value), scale) for value, scale in zip(root.upper, scales, strict=True)],
    )


def big_m(
    query: Query,
    goal: Goal,
    bounds: Bounds,
    *,
    margin: bool = True,
    branched: Sequence[int] = (),
    box_of_ball: bool = False,
) -> BigM:
    """The program of `goal`, with binaries for undecided units and for those in `branched`.

    Raises UserError for an L2 ball, which is not linear; with `box_of_ball` the program has the box
    around it, and the caller adds cuts. Raises UserError for an open ball: programs are closed.
    """
    region, network = query.region, query.network
    if region.open:
        raise UserError("an open ball is not closed: no mixed-integer linear program")
    if region.norm == "2" and not box_of_ball:
        raise UserError("an L2 ball is not linear: no mixed-integer linear program")
    program = Program()
    inputs = [
        program.variable(f"x{k}", low, high)
        for k, (low, high) in enumerate(zip(region.lower, region.upper, strict=True))
    ]
    lower, upper = bounds
    extra = set(branched)
    units = network.units.count
    pre = [program.variable(f"a{v}", lower[v], upper[v]) for v in range(units)]
    outputs = [program.variable(f"z{v}", ZERO, max(upper[v], ZERO)) for v in range(units)]
    result = BigM(program, inputs, pre, outputs, {}, [], [], {}, {}, [], None, bounds)
    variables = inputs + outputs
    for v in range(units):
        low, high, a, z = lower[v], upper[v], pre[v], outputs[v]
        weights, constant = network.units.fractions(v)
        terms = {variables[j]: -w for j, w in weights.items()} | {a: ONE}
        result.define.append(program.row(f"def{v}", terms, "E", constant))
        result.above.append(program.row(f"ge{v}", {z: ONE, a: -ONE}, "G", ZERO))
        if low < 0 < high or v in extra:
            d = result.binaries[v] = program.variable(f"d{v}", ZERO, ONE, integer=True)
            result.off[v] = program.row(f"off{v}", {z: ONE, d: -high}, "L", ZERO)
            result.on[v] = program.row(f"on{v}", {z: ONE, a: -ONE, d: -low}, "L", -low)
        elif low >= 0:
            result.on[v] = program.row(f"on{v}", {z: ONE, a: -ONE}, "L", ZERO)
        else:
            result.off[v] = program.row(f"off{v}", {z: ONE}, "L", ZERO)
    if region.norm == "1":
        _add_l1_ball(program, query, inputs)
    _add_atoms(result, query, goal, variables, margin)
    return result


def _add_l1_ball(program: Program, query: Query, inputs: Sequence[int]) -> None:
    region = query.region
    distances = {}
    for k, (x, c) in enumerate(zip(inputs, region.center, strict=True)):
        t = program.variable(f"t{k}", ZERO, region.size)
        program.row(f"right{k}", {t: ONE, x: -ONE}, "G", -c)
        program.row(f"left{k}", {t: ONE, x: ONE}, "G", c)
        distances[t] = ONE
    program.row("ball", distances, "L", region.size)


def _add_atoms(
    result: BigM, query: Query, goal: Goal, variables: Sequence[int], margin: bool
) -> None:
    program = result.program
    strict = any(atom.strict for atom in goal.atoms)
    if strict or margin:
        result.margin = program.variable("m", None, None)
        program.objective = {result.margin: ONE}
    program.comments = [
        f"the goal of rival {printable(goal.rival, 60)}: {len(goal.atoms)} atoms",
        "refuted exactly if this program is infeasible"
        if result.margin is None
        else f"refuted exactly if the maximum of m is {'<= 0' if strict else '< 0'} "
        "or the program infeasible",
    ]
    for number, atom in enumerate(goal.atoms):
        terms: dict[int, Fraction] = {}
        constant = atom.constant
        for k, coefficient in atom.inputs:
            terms[variables[k]] = terms.get(variables[k], ZERO) + coefficient
        for j, coefficient in atom.outputs:
            weights, shift = query.network.outputs.fractions(j)
            constant += coefficient * shift
            for index, weight in weights.items():
                at = variables[index]
                terms[at] = terms.get(at, ZERO) + coefficient * weight
        if result.margin is not None and (atom.strict or not strict):
            terms[result.margin] = -ONE
        result.atoms.append(program.row(f"atom{number}", terms, "G", -constant))

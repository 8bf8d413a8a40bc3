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

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from verifier.checker.intervals import interval_bounds
from verifier.checker.scaled import ScaledNetwork, common_denominator
from verifier.program.rows import ONE, ZERO, Program, add_l1_ball, add_unit, atom_form
from verifier.question.errors import UserError
from verifier.question.printable import printable
from verifier.question.query import Goal, Query

Bounds = tuple[list[Fraction], list[Fraction]]


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

    Raises UserError for a ball of norm 2 or more, which is not linear; with `box_of_ball` the
    program has the box around it, and the caller adds cuts. Raises UserError for an open ball:
    programs are closed.
    """
    region, network = query.region, query.network
    if region.open:
        raise UserError("an open ball is not closed: no mixed-integer linear program")
    if region.power > 1 and not box_of_ball:
        raise UserError(f"an L{region.norm} ball is not linear: no mixed-integer linear program")
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
        if low < 0 < high or v in extra:
            result.binaries[v] = program.variable(f"d{v}", ZERO, ONE, integer=True)
        above, off, on = add_unit(
            program, v, ({a: ONE}, ZERO), z, (low, high), binary=result.binaries.get(v)
        )
        result.above.append(above)
        if off is not None:
            result.off[v] = off
        if on is not None:
            result.on[v] = on
    if region.norm == "1":
        add_l1_ball(program, inputs, region.center, region.size)
    _add_atoms(result, query, goal, variables, margin)
    return result


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
        form, constant = atom_form(query.network, atom)
        terms = {variables[j]: q for j, q in form.items()}
        if result.margin is not None and (atom.strict or not strict):
            terms[result.margin] = -ONE
        result.atoms.append(program.row(f"atom{number}", terms, "G", -constant))

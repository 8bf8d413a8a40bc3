"""True proofs of small queries without the search: split every undecided unit, close by exact LP.

Multipliers come from a phase-one simplex in rationals (Farkas), those of an L2 ball from the
optimality conditions of a projection. With a random generator the proofs also hold lemmas, splits
on inputs and on planes, and fields that change nothing, so that they use every part of the format.

`prove(query)` returns a `Robust`, or None where this method finds no proof: the query does not
hold, or an L2 ball touches the set that a strict atom excludes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from random import Random

from tests.oracles.oracle import (
    ONE,
    ZERO,
    Form,
    Row,
    Vector,
    atom_row,
    dot,
    exact,
    form_of,
    fraction,
    nearest,
    square_distance,
)
from tests.oracles.random_queries import points_of
from verifier.evidence.certificate import (
    Conflict,
    InputSplit,
    Leaf,
    Lemma,
    Node,
    PlaneSplit,
    Robust,
    Tree,
    UnitSplit,
)
from verifier.question.query import Goal, Query

F = Fraction


def combination(columns: Sequence[Vector], target: Vector) -> Vector | None:
    """y >= 0 with sum of y_i columns[i] = target, by the simplex method with Bland's rule."""
    height, width = len(target), len(columns)
    table: list[Vector] = []
    for i in range(height):
        sign = ONE if target[i] >= 0 else -ONE
        artificial = [ONE if j == i else ZERO for j in range(height)]
        table.append([*(sign * column[i] for column in columns), *artificial, sign * target[i]])
    basis = [width + i for i in range(height)]
    while True:
        # Reduced cost of column j: minus the sum of its entries in artificial rows.
        entering = None
        for j in range(width):
            if sum((table[i][j] for i in range(height) if basis[i] >= width), ZERO) > 0:
                entering = j
                break
        if entering is None:
            break
        best, leaving = None, -1
        for i in range(height):
            if table[i][entering] > 0:
                ratio = table[i][-1] / table[i][entering]
                if best is None or ratio < best or (ratio == best and basis[i] < basis[leaving]):
                    best, leaving = ratio, i
        pivot = table[leaving][entering]
        table[leaving] = [entry / pivot for entry in table[leaving]]
        for i in range(height):
            factor = table[i][entering]
            if i != leaving and factor != 0:
                table[i] = [a - factor * b for a, b in zip(table[i], table[leaving], strict=True)]
        basis[leaving] = entering
    result = [ZERO] * width
    for i in range(height):
        if basis[i] < width:
            result[basis[i]] = table[i][-1]
        elif table[i][-1] != 0:
            return None
    return result


def contradiction(rows: Sequence[Row], strict: Sequence[bool]) -> Vector | None:
    """y >= 0 with sum y_i g_i = 0 and sum y_i t_i > 0, or = 0 with weight on a strict row."""
    dimension = len(rows[0][0])
    columns = [[*g, t] for g, t in rows]
    found = combination(columns, [ZERO] * dimension + [ONE])
    if found is None and any(strict):
        columns = [[*g, t, ONE if s else ZERO] for (g, t), s in zip(rows, strict, strict=True)]
        slack = [ZERO] * dimension + [-ONE, ZERO]
        found = combination([*columns, slack], [ZERO] * dimension + [ZERO, ONE])
        if found is not None:
            found.pop()
    return found


@dataclass
class State:
    """The branch: bounds of inputs and units, and cuts (g, t) meaning g . x >= t."""

    box_lower: list[Fraction]
    box_upper: list[Fraction]
    lower: list[Fraction]
    upper: list[Fraction]
    cuts: list[Row] = field(default_factory=list)

    def copy(self) -> State:
        return State(
            list(self.box_lower),
            list(self.box_upper),
            list(self.lower),
            list(self.upper),
            list(self.cuts),
        )


class Prover:
    """Proofs about one query; `rng` None gives the plain ones."""

    def __init__(self, query: Query, rng: Random | None = None, extras: int = 6) -> None:
        self.query, self.rng, self.extras = query, rng, extras
        self.network, self.region = query.network, query.region
        self.inputs = self.network.inputs
        self.rows = [self.network.units.fractions(v) for v in range(self.network.units.count)]
        self.outputs = [
            self.network.outputs.fractions(j) for j in range(self.network.outputs.count)
        ]
        self.samples = points_of(rng, self.region, 6) if rng else []

    def root(self) -> State:
        low, high = list(self.region.lower), list(self.region.upper)
        state = State(low, high, [], [])
        for weights, constant in self.rows:
            ends = []
            for pick, other in ((0, 1), (1, 0)):
                total = constant
                for j, w in weights.items():
                    if j < self.inputs:
                        pair = (low[j], high[j])
                    else:
                        u = j - self.inputs
                        pair = (max(state.lower[u], F(0)), max(state.upper[u], F(0)))
                    total += w * pair[pick if w > 0 else other]
                ends.append(total)
            state.lower.append(ends[0])
            state.upper.append(ends[1])
        return state

    def prove(self) -> Robust | None:
        state, steps = self.root(), []
        lemma = self.lemma(state)
        if lemma is not None:
            steps.append(lemma)
        trees = []
        for goal in self.query.goals:
            tree = self.tree(goal, state.copy())
            if tree is None:
                return None
            trees.append(tree)
        return Robust(tuple(steps), tuple(trees))

    def chance(self, probability: float) -> bool:
        return self.rng is not None and self.extras > 0 and self.rng.random() < probability

    def decided(self, state: State) -> tuple[list[Form], list[Form]]:
        """The forms of all variables up to the first undecided unit, and of their a."""
        forms: list[Form] = [
            ([ONE if j == k else ZERO for j in range(self.inputs)], ZERO)
            for k in range(self.inputs)
        ]
        pre: list[Form] = []
        for v, (weights, constant) in enumerate(self.rows):
            pre.append(form_of(weights, constant, forms))
            if state.lower[v] >= 0:
                forms.append(pre[-1])
            elif state.upper[v] <= 0:
                forms.append(([ZERO] * self.inputs, ZERO))
            else:
                break
        return forms, pre

    def tree(self, target: Goal | Lemma, state: State) -> Tree | None:
        """Nodes in preorder that close the branch for the target; `state` is changed."""
        steps: list[Lemma] = []
        if self.chance(0.15):
            self.extras -= 1
            lemma = self.lemma(state)
            steps += [lemma] if lemma else []
        for v in range(len(self.rows)):
            if state.lower[v] > state.upper[v]:
                return (Node(tuple(steps), Conflict(v)),)
        forms, pre = self.decided(state)
        needed = target.unit + 1 if isinstance(target, Lemma) else len(self.rows)
        complete = (
            len(pre) >= needed
            if isinstance(target, Lemma)
            else len(forms) == (self.inputs + needed)
        )
        split: UnitSplit | InputSplit | PlaneSplit | None = None
        if self.chance(0.15) and self.rng:
            self.extras -= 1
            split = self.random_split(self.rng, state)
        if split is None:
            empty = self.leaf(None, state, forms, pre)
            if empty is not None and not isinstance(target, Lemma):
                return (Node(tuple(steps), empty),)
            if complete:
                leaf = self.leaf(target, state, forms, pre)
                return None if leaf is None else (Node(tuple(steps), leaf),)
            split = UnitSplit(len(pre) - 1)
        sides = []
        for high in (False, True):
            side = state.copy()
            restrict(side, split, high, self.inputs)
            nodes = self.tree(target, side)
            if nodes is None:
                return None
            sides += nodes
        return (Node(tuple(steps), split), *sides)

    def random_split(self, rng: Random, state: State) -> InputSplit | PlaneSplit | UnitSplit:
        k = rng.randrange(self.inputs)
        middle = rng.choice(self.samples)
        # An empty box contradicts nothing by itself in this format, so none is made.
        if rng.random() < 0.5 and state.box_lower[k] <= middle[k] <= state.box_upper[k]:
            return InputSplit(k, middle[k])
        if self.rows and rng.random() < 0.2:
            return UnitSplit(rng.randrange(len(self.rows)))
        normal = tuple((j, F(rng.randint(-2, 2))) for j in range(self.inputs))
        return PlaneSplit(normal, sum((g * middle[j] for j, g in normal), F(0)))

    def lemma(self, state: State) -> Lemma | None:
        """A provable tightening of some unit, applied to `state`."""
        rng = self.rng
        if rng is None or not self.rows or self.extras <= 0:
            return None
        self.extras -= 1
        v, upper = rng.randrange(len(self.rows)), rng.random() < 0.5
        seen = [self.pre_activation(point, v) for point in self.samples]
        spread = max(state.upper[v] - state.lower[v], F(1, 8))
        margin = spread * rng.choice((F(0), F(1, 10), F(1, 2)))
        bound = max(seen) + margin if upper else min(seen) - margin
        lemma = Lemma(v, upper, bound, ())
        tree = self.tree(lemma, state.copy())
        if tree is None:
            return None
        side = state.upper if upper else state.lower
        side[v] = min(side[v], bound) if upper else max(side[v], bound)
        return replace(lemma, tree=tree)

    def pre_activation(self, point: Sequence[Fraction], unit: int) -> Fraction:
        values = list(point)
        for v, (weights, constant) in enumerate(self.rows):
            a = constant + sum((w * values[j] for j, w in weights.items()), F(0))
            if v == unit:
                return a
            values.append(max(a, F(0)))
        raise IndexError(unit)

    def leaf(
        self, target: Goal | Lemma | None, state: State, forms: list[Form], pre: list[Form]
    ) -> Leaf | None:
        """The multipliers that close the branch for the target, None: because it is empty."""
        names: list[tuple[str, int]] = []
        rows: list[Row] = []
        strict: list[bool] = []

        def add(name: str, index: int, row: Row, is_strict: bool = False) -> None:
            names.append((name, index))
            rows.append(row)
            strict.append(is_strict)

        if isinstance(target, Goal):
            outputs = [form_of(*row, forms) for row in self.outputs]
            for number, atom in enumerate(target.atoms):
                add("atom", number, atom_row(atom, outputs), atom.strict)
        elif isinstance(target, Lemma):
            g, c = pre[target.unit]
            bound = exact(target.bound)
            if target.upper:
                add("lemma", 0, (g, bound - c), True)
            else:
                add("lemma", 0, ([-e for e in g], c - bound), True)
        for v, (g, c) in enumerate(pre):
            add("lower", v, (g, exact(state.lower[v]) - c))
            add("upper", v, ([-e for e in g], c - exact(state.upper[v])))
        for number, row in enumerate(state.cuts):
            add("cut", number, row)
        for k in range(self.inputs):
            axis = [ONE if j == k else ZERO for j in range(self.inputs)]
            low, high = state.box_lower[k], state.box_upper[k]
            reach = self.region.size if self.region.open and self.region.norm == "inf" else None
            far = [reach and abs(x - self.region.center[k]) >= reach for x in (low, high)]
            add("low", k, (axis, exact(low)), bool(far[0]))
            add("high", k, ([-e for e in axis], -exact(high)), bool(far[1]))
        weights = self.multipliers(rows, strict)
        if weights is None:
            return None
        if isinstance(target, Lemma):
            if weights[0] == 0:
                return None
            weights = [w / weights[0] for w in weights]
        return self.written(target, names, weights)

    def multipliers(self, rows: list[Row], strict: list[bool]) -> Vector | None:
        """Weights of `rows` that contradict the region; those of the ball itself follow."""
        region = self.region
        if region.norm == "1":
            from tests.oracles.oracle import region_rows

            facets = region_rows(region)[2 * self.inputs :]
            found = contradiction([*rows, *facets], [*strict, *([region.open] * len(facets))])
            return None if found is None else found[: len(rows)]
        found = contradiction(rows, strict)
        if found is not None or region.norm == "inf":
            return found
        center, limit = [exact(c) for c in region.center], exact(region.size)
        point = nearest(center, rows)
        if point is None:
            return None
        distance = square_distance(point, center)
        if distance < limit:
            return None
        active = [i for i, (g, t) in enumerate(rows) if dot(g, point) == t]
        step = [p - c for p, c in zip(point, center, strict=True)]
        on_sphere = distance == limit and not region.open
        for least in (ONE, ONE / 1000, ONE / 10**9) if on_sphere else (ZERO,):
            columns = [[*rows[i][0], ONE if strict[i] else ZERO] for i in active]
            slack = [[ZERO] * self.inputs + [-ONE]]
            found = combination([*columns, *slack], [*step, least])
            if found is not None:
                weights = [ZERO] * len(rows)
                for i, y in zip(active, found, strict=False):
                    weights[i] = y
                return weights
        return None

    def written(
        self, target: Goal | Lemma | None, names: list[tuple[str, int]], weights: Vector
    ) -> Leaf:
        atoms: dict[int, Fraction] = {}
        bounds: dict[int, Fraction] = {}
        cuts: dict[int, Fraction] = {}
        box: dict[int, Fraction] = {}
        for (name, index), weight in zip(names, weights, strict=True):
            y = fraction(weight)
            if not y:
                continue
            if name == "atom":
                atoms[index] = y
            elif name == "cut":
                cuts[index] = y
            elif name == "lower":
                bounds[index] = bounds.get(index, F(0)) + y
            elif name == "upper":
                bounds[index] = bounds.get(index, F(0)) - y
            elif name == "low":
                box[index] = box.get(index, F(0)) + y
            elif name == "high":
                box[index] = box.get(index, F(0)) - y
        if not isinstance(target, Lemma) and not atoms:
            atoms = {0: F(0)}
        return Leaf(
            atoms,
            {},
            {v: y for v, y in bounds.items() if y},
            cuts,
            {k: y for k, y in box.items() if y} if self.region.norm != "inf" else {},
        )


def restrict(
    state: State, split: UnitSplit | InputSplit | PlaneSplit, high: bool, inputs: int
) -> None:
    """Enters one side of a split."""
    if isinstance(split, UnitSplit):
        if high:
            state.lower[split.unit] = max(state.lower[split.unit], F(0))
        else:
            state.upper[split.unit] = min(state.upper[split.unit], F(0))
    elif isinstance(split, InputSplit):
        if high:
            state.box_lower[split.input] = max(state.box_lower[split.input], split.threshold)
        else:
            state.box_upper[split.input] = min(state.box_upper[split.input], split.threshold)
    else:
        sign = 1 if high else -1
        normal = [ZERO] * inputs
        for k, g in split.normal:
            normal[k] = exact(sign * g)
        state.cuts.append((normal, exact(sign * split.threshold)))


def prove(query: Query, rng: Random | None = None, extras: int = 6) -> Robust | None:
    """A proof that the query holds, with random lemmas and splits if `rng` is given."""
    return Prover(query, rng, extras).prove()

"""Goals of many atoms about one hidden layer: splits of single units along a warm linear program.

For a network of one hidden layer on a box an atom g . x + sum of u_v relu(a_v) + c > 0 says that
for every set B of its units with u_v < 0

    g . x + sum over u_v > 0 of u_v relu(a_v) + sum over v in B of u_v a_v + c > 0,

so once its units with u_v > 0 are split, it is linear rows, which are added where the program's
point violates them. Units with u_v < 0 are never split, and atoms that the point satisfies are let
alone: few units are split, whatever the number of atoms. Triangles of relaxed units, of which other
searches live, say nothing where everything is homogeneous, as in questions about all networks
(`constructions.least`): a small multiple of any point satisfies them.

A branch that the program closes comes with rows that cancel, at most as many as there are inputs
and two more. Splits that they do not use are left out of the tree (as in conflict analysis of SAT
solvers), and the rows are tried again wherever the splits that they do use are met. Where all but
one of these are met, that one comes next, for one side of it is closed. Else the unit to split is
the one that such contradictions have used most, the latest counting most, as in those solvers: of a
question about 24 points and four units that left 6,120 nodes where splitting at the atom that is
violated most took 33,253. To begin a tree anew after so many nodes, as those solvers do, made trees
smaller by a third and the search longer by a half.

A tree that meets no point in its first branches may take long to come to one, so points walk
(`walkers`) beside it, for as many steps as there are nodes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from verifier.checker.leaf import LeafChecker
from verifier.evidence.certificate import Flip, Leaf, Node, Tree, Undecided, UnitSplit
from verifier.question.query import Query
from verifier.search.attack import exact_flip
from verifier.search.bounds.claims import SolverError
from verifier.search.bounds.floats import to_float
from verifier.search.clock import tick
from verifier.search.exact.cancelling import cancelling
from verifier.search.exact.simplex import Row
from verifier.search.trees.lessons import Lessons, Literal
from verifier.search.trees.row_stack import RowStack
from verifier.search.trees.walkers import Walkers

Float = NDArray[np.float64]
TINY = 1e-9  # of a value against the size of its row
FEW_BITS, BITS = 6, (12, 24, 52)  # of a point that may be a flip
SHORT = 4096  # denominators of vertices, at most
ROWS = 4  # that are added before the program is solved again
FORGETTING = 1.05  # what a use counts more than one in the leaf before
MOST_USED = 1e100  # beyond which all counts are scaled down
NODE_LIMIT = "node limit"
FIRST_WALK = 16  # steps of walkers before the tree is begun
_RowKey = tuple[int, frozenset[int], frozenset[int]]
"""An atom with its units that count as on, of positive and of negative weight; or -1 and a unit's
sign: on (u, none), off (none, u)."""


class UnclearError(Exception):
    """Rounding keeps the program from deciding a branch, or a limit of nodes is reached."""


class FoundError(Exception):
    """A point satisfies all atoms."""

    def __init__(self, flip: Flip) -> None:
        super().__init__()
        self.flip = flip


@dataclass(frozen=True, slots=True)
class _Closed:
    """A tree that closes a branch, and the splits above it that it uses."""

    nodes: list[Node]
    used: frozenset[Literal]


@dataclass(frozen=True, slots=True)
class _Atom:
    """base . (x, 1) + sum of weights[v] relu(a_v), strict or not."""

    base: Row
    weights: Mapping[int, Fraction]
    strict: bool


class Conjunctions:
    """The search for trees of the goals of one query; see the module."""

    def __init__(self, query: Query, checker: LeafChecker, limit: int | None) -> None:
        self.query, self.limit, self.nodes = query, limit, 0
        network = query.network
        self._n = network.inputs
        self._units = [self._vector(*network.units.fractions(v)) for v in
                       range(network.units.count)]  # fmt: skip
        self._pre = _floats(self._units, self._n)
        scales = checker.scaled.scales[self._n :]
        self._known = {  # units that the region decides
            v: low >= 0
            for v, low, high in (
                (v, checker.lower(v) / scales[v], checker.upper(v) / scales[v])
                for v in range(network.units.count)
            )
            if low >= 0 or high <= 0
        }

    def _vector(self, weights: Mapping[int, Fraction], constant: Fraction) -> Row:
        row = [Fraction(0)] * (self._n + 1)
        for k, weight in weights.items():
            if k < self._n:
                row[k] += weight
        row[self._n] = constant
        return row

    def refute(self, number: int) -> Tree | Flip | Undecided:
        """A tree for this goal, or a flip."""
        self._begin(number)
        try:
            return self._named(self._closed({}).nodes)
        except FoundError as found:
            return found.flip
        except UnclearError as why:
            return Undecided(str(why))
        except SolverError as why:
            return Undecided(f"the solver failed: {why}")

    def _walked(self) -> None:
        """Lets points walk for as many steps as there were nodes, before the first one and whenever
        their number has doubled; raises FoundError if one of them is a flip exactly."""
        if self._made < self._next_walk:
            return
        steps = max(self._made, FIRST_WALK)
        self._next_walk += steps
        point = self._walkers.walk(steps)
        if point is not None:
            point = self._in_box(point)
            self._try_flip(point, self._pre[:, :-1] @ point, self._known)

    def _in_box(self, point: Float) -> Float:
        """A multiple of the point on the border of the box, which is around the origin."""
        region = self.query.region
        low, high = (np.array([*map(to_float, ends)]) for ends in (region.lower, region.upper))
        result: Float = point / np.maximum(point / low, point / high).max()
        return result

    def _begin(self, number: int) -> None:
        self._goal, network = number, self.query.network
        self._atoms: list[_Atom] = []
        for atom in self.query.goals[number].atoms:
            total = dict(atom.inputs)
            constant = atom.constant
            for j, c in atom.outputs:
                weights, offset = network.outputs.fractions(j)
                constant += c * offset
                for k, w in weights.items():
                    total[k] = total.get(k, Fraction(0)) + c * w
            units = {k - self._n: w for k, w in total.items() if k >= self._n and w}
            self._atoms.append(_Atom(self._vector(total, constant), units, atom.strict))
        self._base = _floats([atom.base for atom in self._atoms], self._n)
        self._above = [[v for v, w in atom.weights.items() if w > 0] for atom in self._atoms]
        self._below = [[v for v, w in atom.weights.items() if w < 0] for atom in self._atoms]
        self._weights = np.zeros((len(self._atoms), len(self._units)))
        for p, one in enumerate(self._atoms):
            for v, weight in one.weights.items():
                self._weights[p, v] = to_float(weight)
        self._sizes = np.abs(self._base).sum(axis=1) + np.abs(self._weights) @ np.abs(
            self._pre
        ).sum(axis=1)
        self._sizes[self._sizes == 0] = 1.0
        self._strict = np.array([atom.strict for atom in self._atoms])
        region = self.query.region
        lower, upper = (np.array([*map(to_float, ends)]) for ends in (region.lower, region.upper))
        self._rows = RowStack[_RowKey](lower, upper, self._row)
        self._lessons = Lessons(len(self._units))
        self._walkers = Walkers(
            self._base[:, :-1] / self._sizes[:, None],
            self._weights / self._sizes[:, None],
            self._pre[:, :-1],
            self._strict,
            TINY,
        )
        self._made: int = 0  # programs so far
        self._next_walk: int = 0  # at how many of them walkers go on
        self._zeros: dict[int, frozenset[int]] = {}
        self._uses: dict[int, float] = {}
        self._counts = 1.0

    def _named(self, nodes: list[Node]) -> Tree:
        """The tree of these nodes, where leaves name the slope 0 of units that they do not use and
        that are on in their branch, which is 1 otherwise. With two labels there are none: a unit
        bears on one atom."""
        if not any(self._zeros.values()):
            return tuple(nodes)
        found, above = list[Node](), [frozenset[int]()]
        for node in nodes:
            on = above.pop()
            body = node.body
            if isinstance(body, UnitSplit):
                above += [on | {body.unit}, on]  # the low side comes next
            elif isinstance(body, Leaf):
                zeros = on & self._zeros[id(body)]
                slopes = {**body.slopes, **dict.fromkeys(sorted(zeros), Fraction(0))}
                body = replace(body, slopes=slopes) if zeros else body
            found.append(Node(node.steps, body))
        return tuple(found)

    # -- the tree ------------------------------------------------------------------------------

    def _closed(self, phases: dict[int, bool], newest: Literal | None = None) -> _Closed:
        """A tree that closes the branch with these phases."""
        tick()
        self.nodes += 1
        if self.limit is not None and self.nodes > self.limit:
            raise UnclearError(NODE_LIMIT)
        if newest is None:
            return self._decided(phases)
        self._lessons.hold(newest)
        height = self._rows.height
        try:
            known = self._lessons.closing()
            if known is not None:
                used, leaf = known
                return _Closed([Node((), leaf)], used)
            unit, on = newest
            sides = frozenset({unit}), frozenset[int]()
            self._rows.push((-1, *sides) if on else (-1, sides[1], sides[0]))
            return self._decided(phases)
        finally:
            self._lessons.release(newest)
            self._rows.cut(height)

    def _decided(self, phases: dict[int, bool]) -> _Closed:
        """The same, with the rows of the phases on the stack."""
        forced = self._lessons.forced()
        if forced is not None:
            return self._split(phases, *forced)
        self._walked()
        self._made += 1
        unit_or_leaf = self._next(phases)
        if isinstance(unit_or_leaf, _Closed):
            return unit_or_leaf
        return self._split(phases, *unit_or_leaf)

    def _split(self, phases: dict[int, bool], unit: int, first: bool) -> _Closed:
        found: dict[bool, _Closed] = {}
        for on in (first, not first):
            side = found[on] = self._closed({**phases, unit: on}, (unit, on))
            if (unit, on) not in side.used:
                return side
        used = (found[False].used | found[True].used) - {(unit, False), (unit, True)}
        node = Node((), UnitSplit(unit))
        return _Closed([node, *found[False].nodes, *found[True].nodes], used)

    def _next(self, phases: dict[int, bool]) -> _Closed | tuple[int, bool]:
        """A leaf for the branch, or the unit to split and which side comes first; adds rows."""
        fixed = {**self._known, **phases}
        while True:
            tick()
            answer, duals = self._rows.solve()
            if answer.columns is None or answer.columns[-1] <= TINY:
                return self._leaf(duals, fixed)
            point = answer.columns[: self._n]
            pre = self._pre[:, :-1] @ point + self._pre[:, -1]
            values = (
                self._base[:, :-1] @ point + self._base[:, -1]
                + self._weights @ np.maximum(pre, 0)
            ) / self._sizes  # fmt: skip
            short = np.where(self._strict, values - TINY, values + TINY)
            order = np.argsort(short, kind="stable")
            wrong = [p for p in order.tolist() if short[p] <= 0]
            if not wrong:
                if all((pre[v] > -TINY) if on else (pre[v] < TINY) for v, on in phases.items()):
                    self._try_flip(point, pre, fixed)
                    raise UnclearError("a point satisfies all atoms in floats and not exactly")
                raise UnclearError("the solver's point violates a row")
            waiting = {p: [v for v in self._above[p] if v not in fixed] for p in wrong}
            linear = [p for p in wrong if not waiting[p]]
            if sum(self._added(p, pre, fixed) for p in linear[:ROWS]):
                continue
            units = {v for some in waiting.values() for v in some}
            if not units:
                raise UnclearError("the solver's point violates a row")
            unit = max(units, key=lambda v: (self._uses.get(v, 0.0), pre[v], -v))
            return unit, bool(pre[unit] > 0)

    def _added(self, atom: int, pre: Float, fixed: Mapping[int, bool]) -> bool:
        """Whether the row that the point with these pre-activations violates most is new; it is
        there then."""
        above = frozenset(v for v in self._above[atom] if fixed[v])
        below = frozenset(v for v in self._below[atom] if fixed.get(v, pre[v] > 0))
        key = (atom, above, below)
        if key in self._rows:
            return False
        self._rows.push(key)
        return True

    def _try_flip(self, point: Float, pre: Float, fixed: Mapping[int, bool]) -> None:
        """Raises FoundError if the point, or the best one with its phases, is a flip exactly."""
        best = self._centered(pre, fixed)
        for candidate in [point] if best is None else [best, point]:
            for rounded in _rounded(candidate):
                flip = exact_flip(self.query, self._goal, rounded)
                if flip is not None:
                    raise FoundError(flip)

    def _centered(self, pre: Float, fixed: Mapping[int, bool]) -> Float | None:
        """The point with the phases of this one at which the least atom is greatest."""
        height = self._rows.height
        try:
            signs = {v: fixed.get(v, bool(a > 0)) for v, a in enumerate(pre.tolist())}
            for v, on in signs.items():
                self._rows.push((-1, frozenset({v} if on else ()), frozenset(() if on else {v})))
            for p in range(len(self._atoms)):
                above = frozenset(v for v in self._above[p] if signs[v])
                below = frozenset(v for v in self._below[p] if signs[v])
                self._rows.push((p, above, below))
            answer, _ = self._rows.solve()
        finally:
            self._rows.cut(height)
        return None if answer.columns is None else answer.columns[: self._n]

    # -- rows ----------------------------------------------------------------------------------

    def _row(self, key: _RowKey) -> tuple[Row, bool]:
        """The row, which is >= 0, and whether it must be positive."""
        atom, above, below = key
        if atom < 0:
            if above:
                return list(self._units[next(iter(above))]), False
            return [-q for q in self._units[next(iter(below))]], False
        row = list(self._atoms[atom].base)
        for v in above | below:
            weight = self._atoms[atom].weights[v]
            for k, q in enumerate(self._units[v]):
                if q:
                    row[k] += weight * q
        return row, self._atoms[atom].strict

    # -- leaves --------------------------------------------------------------------------------

    def _leaf(self, duals: Mapping[_RowKey, float], fixed: Mapping[int, bool]) -> _Closed:
        """The leaf of rows that contradict each other, by their duals; the box does not bear on
        what is homogeneous."""
        least = TINY * (max(map(abs, duals.values()), default=0.0) or 1.0)
        support = [key for key, dual in duals.items() if abs(dual) > least]
        found = cancelling([self._rows.exact(key) for key in support])
        if found is None:
            raise UnclearError("rounding keeps a branch from being closed")
        multipliers = {key: q for key, q in zip(support, found, strict=True) if q}
        leaf, used = self._spelled(multipliers, fixed)
        if not any(self._atoms[p].strict for p in leaf.atoms):
            raise UnclearError("rows cancel of which none is strict")
        needed = frozenset(used)
        self._lessons.add(needed, leaf)
        self._count(needed)
        return _Closed([Node((), leaf)], needed)

    def _count(self, used: frozenset[Literal]) -> None:
        self._counts *= FORGETTING
        for unit, _ in used:
            self._uses[unit] = self._uses.get(unit, 0.0) + self._counts
        if self._counts > MOST_USED:
            self._uses = {unit: uses / MOST_USED for unit, uses in self._uses.items()}
            self._counts /= MOST_USED

    def _spelled(
        self, multipliers: Mapping[_RowKey, Fraction], fixed: Mapping[int, bool]
    ) -> tuple[Leaf, set[Literal]]:
        """The leaf with these multipliers of rows, and the splits that it uses."""
        atoms: dict[int, Fraction] = {}
        bounds: dict[int, Fraction] = {}
        slopes: dict[int, Fraction] = {}  # first the share of the unit's atoms that count it as on
        whole: dict[int, Fraction] = {}
        used: set[Literal] = set()
        for (p, above, below), q in multipliers.items():
            if p < 0:
                unit, on = (next(iter(above)), True) if above else (next(iter(below)), False)
                bounds[unit] = q if on else -q
                used.add((unit, on))
                continue
            atoms[p] = atoms.get(p, Fraction(0)) + q
            for v, w in self._atoms[p].weights.items():
                if w > 0:
                    used.add((v, fixed[v]))
                else:
                    whole[v] = whole.get(v, Fraction(0)) - w * q
                    if v in below:
                        slopes[v] = slopes.get(v, Fraction(0)) - w * q
        used = {(v, on) for v, on in used if v not in self._known}
        split = {v for v, _ in used}
        shares = {v: q / whole[v] for v, q in slopes.items() if v not in split}
        for v, on in used:  # rows from above the split may have counted the unit otherwise
            counted = slopes.get(v, Fraction(0))
            other = whole.get(v, Fraction(0)) - counted if on else -counted
            if other:
                bounds[v] = bounds.get(v, Fraction(0)) + other
        leaf = Leaf(atoms=atoms, bounds=bounds, slopes=shares)
        self._zeros[id(leaf)] = frozenset(v for v in whole if v not in split and v not in slopes)
        return leaf, used


def _rounded(point: Float) -> Iterator[list[Fraction]]:
    """Exact points near this one, the shortest first; vertices have short coordinates, which are
    met exactly where ties matter."""
    values = point.tolist()
    yield [Fraction(round(x * 2**FEW_BITS), 2**FEW_BITS) for x in values]
    yield [Fraction(x).limit_denominator(SHORT) for x in values]
    for bits in BITS:
        yield [Fraction(round(x * 2**bits), 2**bits) for x in values]


def _floats(rows: list[Row], n: int) -> Float:
    return np.array([list(map(to_float, row)) for row in rows]).reshape(len(rows), n + 1)

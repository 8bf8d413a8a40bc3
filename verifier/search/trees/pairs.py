"""Networks of nearly equal halves, as `formats/twins.py` writes them: what their units differ by.

There the difference of two units is min(r, z') - min(q, z). The smaller of two values that are
not negative is a unit t = max(r - s, 0) with s = max(r - z, 0). Its pre-activation is r or z, so
never negative, and t lies between 0 and r - s <= r. A leaf that gives t the line 0 from below and
its pre-activation from above bounds the difference as tightly as the difference of pre-activations,
d, allows: by the chord of max(d, 0) from above, of -max(-d, 0) from below. Symbolic steps cannot,
for they take the same line for a unit that is on from both sides.

So: a lemma t >= 0 for each such unit, by a split on s; then, layer by layer, lemmas about the
differences of pre-activations, by such leaves; then such a leaf for each goal. Where goals stay
open, boxes are halved. Lemmas, slopes and splits are rules that every checker knows.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from verifier.checker.leaf import LeafChecker
from verifier.evidence.certificate import (
    InputSplit,
    Leaf,
    Lemma,
    Node,
    Robust,
    Step,
    SymbolicStep,
    Tree,
    UnitSplit,
)
from verifier.question.network import Network
from verifier.question.query import Goal, Query
from verifier.search.bounds.floats import Float, FloatNetwork, to_float
from verifier.search.clock import check_time
from verifier.search.trees.tightening import short

WORTH = 0.02  # of the width of its bounds, by which a lemma has to move one
CLEAR = 1e-9  # of the size of its terms, by which a bound in floats is taken back
DEPTH = 8  # halvings of a box, one after another
NODES = 512  # of all trees together, after which other methods go on


@dataclass(frozen=True, slots=True)
class Least:
    """The units of t = max(r - s, 0) with s = max(r - z, 0)."""

    r: int
    s: int
    z: int


def least_units(network: Network) -> dict[int, Least]:
    """Of each unit t that is the smaller one of two units r and z, what it is made of."""
    rows, inputs = network.units, network.inputs
    single = np.flatnonzero((np.diff(rows.starts) == 2) & (rows.constants == 0))
    if len(single) < 2:
        return {}

    def signed(v: int) -> tuple[int, int] | None:
        """(r, s) of a row r - s of two units."""
        (i, j), (p, q), _, denominator = rows.row(v)
        if p + q or abs(p) != denominator or min(i, j) < inputs:
            return None
        return (i - inputs, j - inputs) if p > 0 else (j - inputs, i - inputs)

    differences = {v: pair for v in single.tolist() if (pair := signed(v)) is not None}
    return {
        t: Least(r, s, differences[s][1])
        for t, (r, s) in differences.items()
        if s in differences and differences[s][0] == r
    }


class PairSearch:
    """One query about such a network, on a box; `run` gives a proof, or None where it ends."""

    def __init__(
        self, query: Query, checker: LeafChecker, network: FloatNetwork, deadline: float | None
    ) -> None:
        self.query, self.checker, self.network, self.deadline = query, checker, network, deadline
        self.nodes = 0
        self._least = query.network.derived(least_units)
        self._apart = sorted({least.r for least in self._least.values()})
        self._low, self._high = np.zeros(0), np.zeros(0)
        self._box = np.zeros(0), np.zeros(0)

    @property
    def applies(self) -> bool:
        """Whether there are such units, and the region is a box."""
        region = self.query.region
        return bool(self._least) and region.norm == "inf" and not region.open

    def run(self, limit: int | None) -> Robust | None:
        """A proof of all goals, of at most `limit` nodes."""
        mark = self.checker.mark()
        steps: list[Step] = [SymbolicStep()]
        self.checker.tighten_symbolically()
        steps += self._never_negative()
        steps += self._differences()
        trees: list[Tree] = []
        for goal in self.query.goals:
            tree = self._refute(goal, 0, limit)
            if tree is None:
                break
            trees.append(tree)
        self.checker.undo(mark)
        return Robust(tuple(steps), tuple(trees)) if len(trees) == len(self.query.goals) else None

    # -------------------------------------------------------------- lemmas

    def _never_negative(self) -> list[Lemma]:
        """t >= 0: where s is off its pre-activation is r, where s is on it is z."""
        found = []
        for t, units in sorted(self._least.items()):
            if self.checker.lower(t) < 0:
                leaf = Node((), Leaf(slopes={v: Fraction(0) for v in sorted((units.r, units.z))}))
                lemma = Lemma(t, False, Fraction(0), (Node((), UnitSplit(units.s)), leaf, leaf))
                self.checker.assume(lemma)
                found.append(lemma)
        return found

    def _differences(self) -> list[Step]:
        """Both bounds of the differences, a layer after another, and what follows for others."""
        steps: list[Step] = []
        for first, last in list(self.query.network.layer_ranges())[1:]:
            units = [v for v in self._apart if first <= v < last]
            units = [v for v in units if self.checker.lower(v) < 0 < self.checker.upper(v)]
            if not units:
                continue
            check_time(self.deadline)
            self._look()
            asked = [Lemma(v, upper, Fraction(0), ()) for v in units for upper in (False, True)]
            targets = [self.network.target(lemma) for lemma in asked]
            forms = -np.vstack([form for form, _ in targets])
            values, slopes = self._lowered(forms, -np.concatenate([c for _, c in targets]))
            moved = False
            for lemma, value, named in zip(asked, values.tolist(), slopes, strict=True):
                low, high = self._low[lemma.unit], self._high[lemma.unit]
                gain = value + high if lemma.upper else value - low
                if not gain > WORTH * (high - low):
                    continue
                bound = Fraction(-value if lemma.upper else value)
                tree = (Node((), Leaf(slopes=named, usual=True)),)
                proved = Lemma(lemma.unit, lemma.upper, short(bound, upper=lemma.upper), tree)
                if self.checker.closes(Leaf(slopes=named, usual=True), proved):
                    self.checker.assume(proved)
                    steps.append(proved)
                    moved = True
            if moved:
                steps.append(SymbolicStep())
                self.checker.tighten_symbolically()
        return steps

    # -------------------------------------------------------------- goals

    def _refute(self, goal: Goal, depth: int, limit: int | None) -> Tree | None:
        """A tree in the branch at hand, in which differences are bounded already."""
        self.nodes += 1
        check_time(self.deadline)
        self._look()
        forms, constants = self.network.target(goal)
        values, slopes = self._lowered(-forms, -constants)
        best = int(values.argmax())
        leaf = Leaf({best: Fraction(1)}, slopes[best], usual=True)
        if values[best] > 0 and self.checker.closes(leaf, goal):
            return (Node((), leaf),)
        if depth == DEPTH or self.nodes >= (NODES if limit is None else min(limit, NODES)):
            return None
        split = self._halved()
        trees: list[Node] = []
        for high in (False, True):
            mark = self.checker.mark()
            self.checker.restrict(split, high=high)
            self.checker.tighten_symbolically()
            steps = [SymbolicStep(), *self._differences()]
            tree = self._refute(goal, depth + 1, limit)
            self.checker.undo(mark)
            if tree is None:
                return None
            trees += [replace(tree[0], steps=(*steps, *tree[0].steps)), *tree[1:]]
        return (Node((), split), *trees)

    def _halved(self) -> InputSplit:
        """The widest side of the box."""
        lower, upper = self.checker.box()
        wide = [high - low for low, high in zip(lower, upper, strict=True)]
        k = wide.index(max(wide))
        return InputSplit(k, (lower[k] + upper[k]) / 2)

    # -------------------------------------------------------------- floats

    def _look(self) -> None:
        """Takes the checker's bounds over into floats."""
        checker, scales = self.checker, self.checker.scaled.scales
        units, inputs = self.query.network.units.count, self.query.network.inputs
        self._low = np.array([to_float(checker.lower(v), scales[inputs + v]) for v in range(units)])
        self._high = np.array(
            [to_float(checker.upper(v), scales[inputs + v]) for v in range(units)]
        )
        lower, upper = checker.box()
        self._box = np.array([to_float(x) for x in lower]), np.array([to_float(x) for x in upper])

    def _lowered(self, forms: Float, constants: Float) -> tuple[Float, list[dict[int, Fraction]]]:
        """Lower bounds of forms of all variables, a row each, and the slopes that a leaf names."""
        forms, values, n = forms.copy(), constants.copy(), self.query.network.inputs
        sizes = np.abs(forms).sum(axis=1) + np.abs(values)
        named: list[dict[int, Fraction]] = [{} for _ in forms]
        for layer in reversed(self.network.layers):
            at = slice(n + layer.first, n + layer.last)
            c = forms[:, at].copy()
            forms[:, at] = 0
            if not c.any():
                continue
            low = self._low[layer.first : layer.last]
            high = self._high[layer.first : layer.last]
            on, off = low >= 0, (low < 0) & (high <= 0)
            rising = np.where(on, 1.0, np.where(off, 0.0, high >= -low))
            chord = np.where(on, 1.0, np.where(off, 0.0, high / np.where(on | off, 1, high - low)))
            least = np.array([v in self._least for v in range(layer.first, layer.last)])
            rising[least] = 0
            slope = np.where(c > 0, rising, chord)
            lift = (1 - slope) * np.where(c > 0, np.maximum(low, 0), np.maximum(high, 0))
            values += (c * lift).sum(axis=1)
            factors = c * slope
            sizes += np.abs(c * lift).sum(axis=1) + np.abs(factors) @ np.abs(layer.bias)
            values += factors @ layer.bias
            forms[:, layer.columns] += factors @ layer.weights
            for i, j in zip(*np.nonzero((c > 0) & least & on), strict=True):
                named[int(i)][layer.first + int(j)] = Fraction(0)
        lower, upper = self._box
        reach = forms[:, :n]
        values += np.minimum(reach * lower, reach * upper).sum(axis=1)
        sizes += (np.abs(reach) * np.maximum(np.abs(lower), np.abs(upper))).sum(axis=1)
        return values - CLEAR * sizes, named

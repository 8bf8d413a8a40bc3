"""Bounds of single units, one layer after another, as lemmas that later ones build on.

What an ascent of all bounds of a layer gives at once (as a linear program a unit would), or, with
rounds, small trees over phases (mixed-integer programs, in effect; `forest.py`). Units that no
output depends on are left alone. It is for goals that need as many branches.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from verifier.checker.leaf import LeafChecker
from verifier.evidence.certificate import Lemma
from verifier.question.query import Query
from verifier.search.bounds.float_leaf import LeafBounds
from verifier.search.bounds.floats import FloatNetwork
from verifier.search.exact.leaves import ExactLeaves
from verifier.search.trees.forest import Forest
from verifier.search.trees.phases import PhaseTree

WORTH = 0.01  # of the width of its bounds, by which a lemma has to move one


def lemmas(
    query: Query,
    checker: LeafChecker,
    network: FloatNetwork,
    deadline: float | None,
    *,
    believing: bool = True,
    rounds: int = 0,
) -> list[Lemma]:
    """Lemmas that tighten or decide units, in an order in which each is proved by those before it;
    `checker`, in its root state, has assumed them then. `believing` as in `PhaseTree`; `rounds`: so
    often the tree of each bound is split."""
    return _Tightening(query, checker, network, deadline, believing).run(rounds)


class _Tightening:
    def __init__(
        self,
        query: Query,
        checker: LeafChecker,
        network: FloatNetwork,
        deadline: float | None,
        believing: bool,
    ) -> None:
        self.query, self.checker, self.network = query, checker, network
        self.deadline, self.believing = deadline, believing
        self.found: list[Lemma] = []

    def run(self, rounds: int) -> list[Lemma]:
        live = self._live()
        for first, last in list(self.query.network.layer_ranges())[1:]:
            units = [v for v in range(first, last) if v in live and self._is_undecided(v)]
            if units:
                self._tighten(units, rounds)
        return self.found

    def _live(self) -> set[int]:
        """The units that an output depends on and that depend on an input."""
        network, inputs = self.query.network, self.query.network.inputs
        reached, live = set[int](), set[int]()
        for v in range(network.units.count):
            read = network.units.row(v)[0]
            if self.checker.upper(v) > 0 and any(j < inputs or j - inputs in reached for j in read):
                reached.add(v)
        waiting = [
            j - inputs for k in range(network.outputs.count) for j in network.outputs.row(k)[0]
        ]
        while waiting:
            v = waiting.pop()
            if v in reached and v not in live:
                live.add(v)
                waiting += [j - inputs for j in network.units.row(v)[0]]
        return live

    def _is_undecided(self, v: int) -> bool:
        return self.checker.lower(v) < 0 < self.checker.upper(v)

    def _tighten(self, units: list[int], rounds: int) -> None:
        """Both bounds of these units of one layer, where that moves them by much or decides."""
        tree = PhaseTree(
            self.query, self.checker, self.network, self.deadline, believing=self.believing
        )
        if not tree.floats_hold:
            return
        asked = [Lemma(v, upper, Fraction(0), ()) for v in units for upper in (False, True)]
        targets = [self.network.target(lemma) for lemma in asked]
        atoms = np.vstack([form for form, _ in targets]), np.concatenate([c for _, c in targets])
        bounds = LeafBounds(self.query, self.network, atoms, tree.lower, tree.upper, tree.box)
        leaves = ExactLeaves(self.query, self.checker, bounds.undecided)
        for found in Forest(bounds, asked, rounds).grow():
            lemma, best = found.asked, found.value
            low, high = tree.lower[lemma.unit], tree.upper[lemma.unit]
            gain = best + high if lemma.upper else best - low
            if not np.isfinite(best) or not gain > (0 if best >= 0 else WORTH * (high - low)):
                continue
            # That a unit is decided is all that matters.
            bound = Fraction(0) if best >= 0 else Fraction(-best if lemma.upper else best)
            bound = short(bound, upper=lemma.upper)
            lemma = Lemma(lemma.unit, lemma.upper, bound, found.tree)
            if self.believing or all(leaves.closes(lemma, p, leaf) for leaf, p in found.leaves):
                self.checker.assume(lemma)
                self.found.append(lemma)


def short(bound: Fraction, *, upper: bool) -> Fraction:
    """A multiple of a power of two with about 24 significant bits, on the weaker side."""
    if not bound:
        return bound
    unit = Fraction(2) ** (bound.numerator.bit_length() - bound.denominator.bit_length() - 24)
    return -(-bound // unit) * unit if upper else bound // unit * unit

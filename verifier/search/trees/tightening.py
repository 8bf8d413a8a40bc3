"""Bounds of single units, one layer after another, as lemmas that later ones build on.

Cheapest first: what an ascent of all bounds of a layer gives at once (as a linear program a unit
would), then, if asked for, small trees over phases (mixed-integer programs, in effect) for units
that are nearly decided, and for those that all of the network goes through. Units that no output
depends on are left alone. Ascents take as long as some hundred branches, trees as some thousand: it
is for goals that need as many.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from verifier.checker.leaf import LeafChecker
from verifier.evidence.certificate import Leaf, Lemma, Node
from verifier.question.query import Query
from verifier.search.bounds.ascent import Ascent
from verifier.search.bounds.float_leaf import CLEAR, LeafBounds
from verifier.search.bounds.floats import FloatNetwork, to_float
from verifier.search.exact.leaves import BITS
from verifier.search.trees.phases import PhaseTree

STEPS = 40  # of the ascent
WORTH = 0.01  # of the width of its bounds, by which a lemma has to move one
NEARLY = 0.25  # of the width: how far beyond zero a bound may be for a tree to be tried
BRANCHES = 64  # of such a tree
OUTPUT = -1


def lemmas(
    query: Query,
    checker: LeafChecker,
    network: FloatNetwork,
    deadline: float | None,
    *,
    believing: bool = True,
    trees: bool = True,
) -> list[Lemma]:
    """Lemmas that tighten or decide units, in an order in which each is proved by those before it;
    `checker`, in its root state, has assumed them then. `believing` as in `PhaseTree`; without
    `trees` by ascents alone."""
    return _Tightening(query, checker, network, deadline, believing).run(trees=trees)


def nearly_decided(query: Query, checker: LeafChecker) -> int:
    """How many undecided units have a bound so near to zero that a small tree is tried."""
    count = 0
    for v, scale in enumerate(checker.scaled.scales[query.network.inputs :]):
        low, high = (to_float(bound, scale) for bound in (checker.lower(v), checker.upper(v)))
        count += low < 0 < high and min(-low, high) <= NEARLY * (high - low)
    return count


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

    def run(self, *, trees: bool) -> list[Lemma]:
        live, through = self._graph()
        for first, last in list(self.query.network.layer_ranges())[1:]:
            units = [v for v in range(first, last) if v in live and self._is_undecided(v)]
            if not units:
                continue
            self._by_ascent(units)
            if trees:
                self._by_trees([v for v in units if self._is_undecided(v)], through)
        return self.found

    def _graph(self) -> tuple[set[int], set[int]]:
        """The units that an output depends on, and those among them without which none would
        depend on any input: they dominate the outputs."""
        import networkx as nx  # takes long to import, and few questions need it

        network = self.query.network
        graph: nx.DiGraph[int] = nx.DiGraph()
        source = network.units.count  # stands for the inputs
        for v in range(network.units.count):
            if self.checker.upper(v) > 0:
                for j in network.units.row(v)[0]:
                    graph.add_edge(source if j < network.inputs else j - network.inputs, v)
        for k in range(network.outputs.count):
            for j in network.outputs.row(k)[0]:
                graph.add_edge(source if j < network.inputs else j - network.inputs, OUTPUT)
        if source not in graph or OUTPUT not in graph:
            return set(), set()
        live = nx.ancestors(graph, OUTPUT)
        through, above = set(), nx.immediate_dominators(graph, source)
        v = above.get(OUTPUT, source)
        while v != source:
            through.add(v)
            v = above[v]
        return live - {source}, through

    def _is_undecided(self, v: int) -> bool:
        return self.checker.lower(v) < 0 < self.checker.upper(v)

    def _tree(self) -> PhaseTree:
        return PhaseTree(
            self.query, self.checker, self.network, self.deadline, believing=self.believing
        )

    def _by_ascent(self, units: list[int]) -> None:
        """Both bounds of these units of one layer, where that moves them by much or decides."""
        tree = self._tree()
        if not tree.floats_hold:
            return
        asked = [Lemma(v, upper, Fraction(0), ()) for v in units for upper in (False, True)]
        targets = [self.network.target(lemma) for lemma in asked]
        atoms = np.vstack([form for form, _ in targets]), np.concatenate([c for _, c in targets])
        bounds = LeafBounds(self.query, self.network, atoms, tree.lower, tree.upper, tree.box)
        ascent, phases = (
            Ascent(bounds),
            np.zeros((len(asked), len(bounds.undecided)), dtype=np.int8),
        )
        found = ascent.improve(ascent.start(np.eye(len(asked))), phases, STEPS, np.inf)
        values, sizes, _ = bounds.values(found.parts, phases)
        leaves = bounds.plain_leaves(found.parts, phases)
        for lemma, value, size, leaf in zip(asked, values, sizes, leaves, strict=True):
            low, high = tree.lower[lemma.unit], tree.upper[lemma.unit]
            best = float(value - CLEAR * size)
            gain = best + high if lemma.upper else best - low
            if not np.isfinite(best) or not gain > (0 if best >= 0 else WORTH * (high - low)):
                continue
            exact = leaf.rounded(bounds.undecided, phases[0], BITS[0])
            self._keep(lemma, Fraction(best), Leaf(slopes=exact.slopes))

    def _keep(self, asked: Lemma, value: Fraction, leaf: Leaf) -> None:
        """The lemma that the leaf gives a value of at least so much, if floats are believed or the
        checker finds so."""
        bound = -value if asked.upper else value
        if value >= 0:  # all that matters is that the unit is decided
            bound = Fraction(0)
        lemma = Lemma(asked.unit, asked.upper, short(bound, upper=asked.upper), (Node((), leaf),))
        if self.believing or self.checker.closes(leaf, lemma):
            self.checker.assume(lemma)
            self.found.append(lemma)

    def _by_trees(self, units: list[int], through: set[int]) -> None:
        """Decides by small trees those of these units of one layer that are nearly decided, or that
        all goes through."""
        tree, scales = self._tree(), self.checker.scaled.scales[self.query.network.inputs :]
        for v in units:  # none of them reads another, so that one tree serves all
            low = to_float(self.checker.lower(v), scales[v])
            high = to_float(self.checker.upper(v), scales[v])
            for on, beyond in ((True, -low), (False, high)):
                if not (v in through or beyond <= NEARLY * (high - low)):
                    continue
                found = tree.decide(v, BRANCHES, on=on)
                if found is not None:
                    lemma = Lemma(v, not on, Fraction(0), found)
                    self.checker.assume(lemma)
                    self.found.append(lemma)
                    break


def short(bound: Fraction, *, upper: bool) -> Fraction:
    """A multiple of a power of two with about 24 significant bits, on the weaker side."""
    if not bound:
        return bound
    unit = Fraction(2) ** (bound.numerator.bit_length() - bound.denominator.bit_length() - 24)
    return -(-bound // unit) * unit if upper else bound // unit * unit

"""Spells a proof out for the kernel: short forms become lemmas and leaves with slopes.

The kernel knows no `symbolic`, `maxima`, `separable` or derived weight. What the checker computes
for these is written down here as lemmas, in the order in which the checker finds them, each closed
by a leaf that was tried before it is handed on; and leaves are made short where a shorter one
closes as well: with the usual slopes, or with slopes of 24 bits. Steps and nodes are handed on one
at a time, so a proof is never held as a whole. `kernel_check` has the kernel replay what comes out;
it believes nothing of what is computed here.

What the checker accepts the kernel accepts. Symbolic bounds may rest on how the checker rounds: a
coefficient of a unit is rounded down, which is safe and may even help; `symbolic_leaves.py` spells
such bounds out with the rounded coefficients. The kernel may accept more: its bounds are exact.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from verifier.checker.checked import _KEY, Checked, Facts, Verdict
from verifier.checker.estimates import Estimates, estimates
from verifier.checker.exact_maximum import check_maximum
from verifier.checker.family import (
    FamilyChecker,
    Mark,
    Target,
    at_end,
    family_roots,
    family_scaled,
)
from verifier.checker.intervals import interval_bounds
from verifier.checker.leaf import Form
from verifier.checker.manifest import (
    Question,
    Result,
    asked_of_run,
    claimed,
    question_of,
    question_text,
    run_checker,
)
from verifier.checker.maxima_trees import spelled_out, spelled_out_family
from verifier.checker.replay import shortened
from verifier.checker.ridge import Crossing, Minima, Sum, short, univariate_of
from verifier.checker.ridge_lemmas import sums_of_family, sums_spelled_out, weighted
from verifier.checker.scaled import ScaledNetwork, common_denominator
from verifier.checker.symbolic import SLOPE, Branches, minus
from verifier.checker.symbolic_leaves import leaf_of
from verifier.checker.tree import TreeChecker
from verifier.evidence.certificate import (
    USUAL_BITS,
    Conflict,
    Flip,
    Leaf,
    Lemma,
    MaximaStep,
    Maximum,
    Node,
    PairLemma,
    Radius,
    Robust,
    SeparableStep,
    Split,
    Step,
    SumsStep,
    SymbolicLeaf,
    SymbolicStep,
    Tree,
    certificate_bytes,
    check_numbers,
    node_out,
    parse_certificate,
    step_out,
)
from verifier.evidence.data_file import Points, data_bytes
from verifier.evidence.network_file import network_bytes
from verifier.evidence.proof_file import Claim, proof_bytes
from verifier.evidence.strict_json import parse_json
from verifier.kernel import question as kernel_question
from verifier.kernel import rules, runs
from verifier.kernel.network import Network as KernelNetwork
from verifier.kernel.text import Refused
from verifier.question.errors import RefusedError
from verifier.question.family import FamilyQuery
from verifier.question.network import Network
from verifier.question.query import Atom, Goal, Query

ONE, ZERO = Fraction(1), Fraction(0)
USUAL = Leaf(usual=True)


class Elaborator(TreeChecker):
    """The state of a proof that is being spelled out; `steps` and `tree` follow it as a replay.

    Raises RefusedError where the proof itself does not hold.
    """

    def __init__(self, query: Query, scaled: ScaledNetwork | None = None) -> None:
        region = query.region
        if scaled is None:
            scaled = ScaledNetwork(query.network, common_denominator([region.lower, region.upper]))
        super().__init__(query, scaled, interval_bounds(scaled, [region])[0])
        self._estimates: Estimates | None = estimates(self)
        # Atoms that leaves with usual slopes refute at this mark, before any split.
        self._refuted: tuple[tuple[int, int], set[Atom]] = (0, 0), set()
        self._shown = Leaf()  # shows the bound that a separable step is finding
        self._found: list[Lemma] = []
        self._bounded: Branches | None = None  # with the symbolic bounds of this branch, if any
        self._lines: dict[int, tuple[Fraction, Fraction]] = {}  # theirs, once a leaf asks for them
        self._chosen: dict[int, Fraction] | None = None  # of these, while they are looked up

    def steps(self, steps: Iterable[Step]) -> Iterator[Lemma]:
        """The lemmas for which these steps stand; they hold from there on."""
        for step in steps:
            if isinstance(step, SymbolicStep):
                yield from self._symbolic_lemmas()
            elif isinstance(step, SeparableStep):
                self._found = []
                self.tighten_separably(step)
                yield from self._found
            elif isinstance(step, MaximaStep):
                yield from spelled_out(self)
            elif isinstance(step, SumsStep):
                before = self.mark()
                lemmas = sums_spelled_out(self, step)
                self.undo(before)
                yield from self.steps(lemmas)
            elif isinstance(step, PairLemma):
                raise RefusedError("pair outside a family", f"lemma about unit {step.unit}")
            else:
                self._checked(step.unit)
                yield replace(step, tree=tuple(self.tree(step.tree, step)))
                self.assume(step)

    def opening(self, proof: Robust) -> Iterator[Lemma]:
        """The lemmas for which the proof's steps stand, and, where the tree of every goal is a
        symbolic leaf of which one does not close by itself, the symbolic bounds: once for all
        goals. (Other trees must not know them: better bounds have other slopes, by which a leaf, or
        a bound of `symbolic.py`, may be worse.)"""
        yield from self.steps(proof.steps)
        asked, alone = {}, True
        for tree, goal in zip(proof.trees, self.query.goals, strict=False):
            body = tree[0].body if tree and not tree[0].steps else None
            if isinstance(body, SymbolicLeaf) and body.atom < len(goal.atoms):
                asked[goal.atoms[body.atom]] = goal, Leaf(atoms={body.atom: ONE})
            else:
                alone = False
        self._note_refuted(list(asked))
        if alone and any(self._linear(leaf, goal) is None for goal, leaf in asked.values()):
            yield from self._symbolic_lemmas(list(asked))
            self._note_refuted(list(asked))

    def _note_refuted(self, atoms: list[Atom]) -> None:
        least, error = self._least(atoms, len(self.scaled.layers))
        sure = (least > error).tolist()
        refuted = {atom for atom, closes in zip(atoms, sure, strict=True) if closes}
        self._refuted = self.mark(), refuted

    def tree(self, tree: Tree, target: Goal | Lemma) -> Iterator[Node]:
        """The nodes of the tree, in their order; then the branch is as before."""
        before, bounded = self.mark(), (self._bounded, self._lines)
        waiting: list[tuple[tuple[int, int], Split]] = []
        for node in tree:
            steps = tuple(self.steps(node.steps))
            if isinstance(node.body, Split):
                yield Node(steps, node.body)
                waiting.append((self.mark(), node.body))
                self.restrict(node.body, high=False)
            else:
                yield self._closing(steps, node.body, target)
                if waiting:
                    mark, split = waiting.pop()
                    self.undo(mark)
                    self.restrict(split, high=True)
            self._bounded, self._lines = None, {}  # they are those of another branch
        self.undo(before)
        self._bounded, self._lines = bounded

    def _closing(self, steps: tuple[Lemma, ...], body: Any, target: Goal | Lemma) -> Node:
        """A node that closes the current branch after these steps."""
        if isinstance(body, Leaf):
            return Node(steps, self._short(body, target))
        if not isinstance(body, SymbolicLeaf):
            return Node(steps, body)
        if isinstance(target, Lemma):
            raise RefusedError("symbolic leaf in a lemma", f"lemma about unit {target.unit}")
        if body.atom >= len(target.atoms):
            raise RefusedError("index out of range", f"atom {body.atom} of {len(target.atoms)}")
        atoms = Leaf(atoms={body.atom: ONE})
        leaf = self._linear(atoms, target)
        if leaf is not None:
            return Node(steps, leaf)
        lemmas = tuple(self._symbolic_lemmas([target.atoms[body.atom]]))
        for lemma in lemmas:
            if self.lower(lemma.unit) > self.upper(lemma.unit):
                return Node((*steps, *lemmas), Conflict(lemma.unit))
        leaf = self._linear(atoms, target)
        if leaf is None:
            raise RefusedError("bound too weak", "a symbolic leaf does not close")
        return Node((*steps, *lemmas), leaf)

    def _symbolic_lemmas(self, asked: Sequence[Atom] = ()) -> Iterator[Lemma]:
        """The bounds of `symbolic.py`, layer by layer, as the step finds them; of the last layer
        that has any, those alone that refuting these atoms needs, as far as that is known."""
        branches = self.branches([self.snapshot()])
        branches.tighten()
        self._bounded, self._lines = branches, {}
        layers = [
            self._tightening(branches, number, both=not asked)
            for number in range(len(branches.grids))
        ]
        last = max((number for number, lemmas in enumerate(layers) if lemmas), default=-1)
        for number, lemmas in enumerate(layers):
            if asked and number == last:
                lemmas = self._needed(number, lemmas, asked)
            least, error = self._least(lemmas, number)
            for lemma, closes in zip(lemmas, (least > error).tolist(), strict=True):
                leaf = Leaf(usual=True) if closes else self._linear(Leaf(), lemma)
                if leaf is None:
                    raise RefusedError("bound too weak", f"symbolic bound of unit {lemma.unit}")
                yield Lemma(lemma.unit, lemma.upper, lemma.bound, (Node((), leaf),))
                self.assume(lemma)

    def _tightening(self, branches: Branches, number: int, *, both: bool) -> list[Lemma]:
        """The bounds of a layer that are better than those known, without their trees; of a unit
        that they decide, the one that does, or both for leaves that may name any slope of it."""
        layer, grid = branches.symbolic.layers[number], branches.grids[number]
        size = 1 << grid if grid >= 0 else Fraction(1, 1 << -grid)
        low, high = branches.lower[number][0].tolist(), branches.upper[number][0].tolist()
        found = []
        for v, below, above in zip(range(layer.first, layer.last), low, high, strict=True):
            if not self.undecided(v):
                continue
            scale, apart = self.scaled.scales[self.inputs + v], both or below > above
            if (apart or above > 0 or below >= 0) and below * scale > self.lower(v) * size:
                found.append(Lemma(v, False, Fraction(below, size), ()))
            if (apart or below < 0) and above * scale < self.upper(v) * size:
                found.append(Lemma(v, True, Fraction(above, size), ()))
        return found

    def _needed(self, number: int, lemmas: list[Lemma], asked: Sequence[Atom]) -> list[Lemma]:
        """Those of the lemmas about a layer without which these atoms are not surely refuted."""
        if self._estimates is None:
            return lemmas
        before, mark = self._estimates.lines(), self.mark()
        for lemma in lemmas:
            self.assume(lemma)
        after = self._estimates.lines()
        self.undo(mark)
        if before is None or after is None:
            return lemmas
        units = self._estimates.needed(asked, before, after, number)
        return lemmas if units is None else [lemma for lemma in lemmas if lemma.unit in units]

    def _least(
        self, targets: Sequence[Atom | Lemma], height: int, leaf: Leaf = USUAL
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """What is left of each by leaves with slopes and bounds of this one that read layers before
        `height` alone, and how far that may be off, see `Estimates.least`; NaN where nothing can be
        said."""
        lines = self._estimates.lines() if self._estimates is not None and targets else None
        if lines is not None and leaf is not USUAL:
            lines = lines.named(leaf.slopes, usual=leaf.usual)
        if self._estimates is None or lines is None:
            return np.full(len(targets), np.nan), np.full(len(targets), np.nan)
        return self._estimates.least(self._estimates.forms(targets, leaf.bounds), lines, height)

    def _tightens(self, lemma: Lemma) -> bool:
        value = lemma.bound * self.scaled.scales[self.inputs + lemma.unit]
        return value < self.upper(lemma.unit) if lemma.upper else value > self.lower(lemma.unit)

    def _linear(self, leaf: Leaf, target: Goal | Lemma) -> Leaf | None:
        """A leaf with usual slopes, or those of `symbolic.py`, that closes; None if none does."""
        usual = replace(leaf, usual=True)
        found = self._closes_somehow(usual, target)
        if found is None and self._bounded is not None:
            self._lines = self._lines or _lines_of(self._bounded)
        if found is None and self._lines:
            named = replace(leaf, slopes=self._symbolic_slopes(usual, target))
            found = self._closes_somehow(named, target)
        if found is None and self._bounded is not None:
            rounded = self._as_bounded(self._bounded, leaf, target)
            found = rounded if self.closes(rounded, target) else None
        return found

    def _as_bounded(self, branches: Branches, leaf: Leaf, target: Goal | Lemma) -> Leaf:
        """The leaf with the coefficients that `symbolic.py` has in these branches."""
        symbolic, network = branches.symbolic, self.network
        if isinstance(target, Goal):
            ((index, _),) = leaf.atoms.items()
            atom, height = target.atoms[index], len(symbolic.layers)
            targets, row = symbolic.atom_targets([atom]), 0
            form = minus(network, atom).fractions()
        else:
            height = self.layer_of(target.unit)
            layer, sign = symbolic.layers[height], -1 if target.upper else 1
            targets, row = symbolic.unit_targets(height), target.unit - layer.first
            row += layer.last - layer.first if target.upper else 0
            form = {j: sign * w for j, w in network.units.fractions(target.unit)[0].items()}
        return leaf_of(branches.trail(targets, row, height), branches, form, network, leaf)

    def _closes_somehow(self, leaf: Leaf, target: Goal | Lemma) -> Leaf | None:
        """The leaf, or the one that bounds what is left over the box, if it closes."""
        if self._closes(leaf, target):
            return leaf
        if self.region.norm == "inf":
            return None
        form = self.form(leaf, target)
        size = self.scaled.denominator
        rest = {k: Fraction(c * size, form.denominator) for k, c in sorted(form.z.items()) if c}
        boxed = replace(leaf, box=rest)
        return boxed if self.closes(boxed, target) else None

    def _closes(self, leaf: Leaf, target: Goal | Lemma) -> bool:
        """Whether the leaf closes: by floats where these are sure, else exactly."""
        sure = self._closes_surely(leaf, target)
        return self.closes(leaf, target) if sure is None else sure

    def _closes_surely(self, leaf: Leaf, target: Goal | Lemma) -> bool | None:
        """Whether the leaf closes, if it has slopes, bounds and one atom alone; None if unknown."""
        if leaf.cuts or leaf.box or leaf.ball is not None or len(leaf.atoms) > 1:
            return None
        slopes, units = leaf.slopes, self.network.units.count
        if any(not 0 <= v < units for table in (slopes, leaf.bounds) for v in table):
            return None
        if slopes and not 0 <= min(slopes.values()) <= max(slopes.values()) <= 1:
            return None
        aim: Atom | Lemma
        if isinstance(target, Goal):
            atoms = leaf.atoms or ({0: ONE} if len(target.atoms) == 1 else {})
            ((index, factor),) = atoms.items() or ((-1, ZERO),)
            if not 0 <= index < len(target.atoms) or factor <= 0:
                return None
            aim = target.atoms[index]
        elif leaf.atoms:
            return None
        else:
            aim = target
        plain = leaf.usual and not slopes and not leaf.bounds
        known = isinstance(aim, Atom) and aim in self._refuted[1]
        if plain and known and self._refuted[0] == self.mark():
            return True
        least, error = self._least([aim], len(self.scaled.layers), USUAL if plain else leaf)
        return True if least > error else False if least < -error else None

    def _symbolic_slopes(self, leaf: Leaf, target: Goal | Lemma) -> dict[int, Fraction]:
        """For each undecided unit that the form reaches the line that its sign asks for."""
        chosen: dict[int, Fraction] = {}
        self._chosen = chosen
        self.form(leaf, target)  # a usual leaf, so that the form has room for such slopes
        self._chosen = None
        return dict(sorted(chosen.items()))

    def _relax(self, form: Form, v: int, coefficient: int, leaf: Leaf) -> int:
        if self._chosen is not None and v in self._lines and self.undecided(v):
            slope = self._chosen[v] = self._lines[v][coefficient < 0]
            leaf = Leaf(slopes={v: slope})
        return super()._relax(form, v, coefficient, leaf)

    def _short(self, leaf: Leaf, target: Goal | Lemma) -> Leaf:
        """The leaf, or a shorter one that closes as well; with the weights that it needs."""
        if leaf.slopes and self._closes(leaf, target):  # a wrong one is not to be mended
            floored = {v: _floored(slope) for v, slope in leaf.slopes.items()}
            for shorter in (
                replace(leaf, slopes={}, usual=True),
                replace(leaf, slopes=floored),
            ):
                if shorter != leaf and self._closes(shorter, target):
                    leaf = shorter
                    break
        return self._with_weights(leaf, target)

    def _with_weights(self, leaf: Leaf, target: Goal | Lemma) -> Leaf:
        if not leaf.ball or leaf.weights:
            return leaf
        return weighted(self.scaled, self.region.norm, self.form(leaf, target), leaf)

    # ---------------------------------------------------------------- separable steps

    def _bound_sum(self, v: int, total: Sum, minima: Minima, multiplier: Fraction) -> None:
        self._shown = Leaf(ball=multiplier)
        super()._bound_sum(v, total, minima, multiplier)

    def _bound_by_intervals(self, unit: Crossing) -> None:
        on = [u for u, _ in unit.others if self.lower(u) >= 0]
        self._shown = Leaf(slopes=dict.fromkeys(sorted(on), ZERO))
        super()._bound_by_intervals(unit)

    def _bound_shortly(self, v: int, bound: Fraction, *, upper: bool) -> None:
        lemma = Lemma(v, upper, short(bound, upper=upper), ())
        if self._tightens(lemma):
            leaf = self._shown
            if not self.closes(leaf, lemma):  # a unit at zero is on here, and was off there
                zero = [u.unit for u in univariate_of(self.scaled).crossing]
                zero = [u for u in zero if self.upper(u) <= 0 <= self.lower(u)]
                leaf = replace(leaf, slopes=dict.fromkeys(zero, ZERO))
            leaf = self._with_weights(leaf, lemma)
            self._found.append(replace(lemma, tree=(Node((), leaf),)))
        super()._bound_shortly(v, bound, upper=upper)


def _lines_of(branches: Branches) -> dict[int, tuple[Fraction, Fraction]]:
    """Of every unit the slopes of the lines below and above it that `symbolic.py` has."""
    found: dict[int, tuple[Fraction, Fraction]] = {}
    for number, layer in enumerate(branches.symbolic.layers):
        below, above = branches.slopes(number)
        for v, line, chord in zip(
            range(layer.first, layer.last), below[0].tolist(), above[0].tolist(), strict=True
        ):
            found[v] = Fraction(line), Fraction(chord, 1 << SLOPE)
    return found


def _floored(slope: Fraction) -> Fraction:
    if slope.denominator <= 1 << USUAL_BITS:
        return slope
    return Fraction((slope.numerator << USUAL_BITS) // slope.denominator, 1 << USUAL_BITS)


class FamilyElaborator(FamilyChecker):
    """The same of a proof about a family."""

    def __init__(self, query: FamilyQuery, scaled: ScaledNetwork | None = None) -> None:
        scaled = family_scaled(query.network, [query]) if scaled is None else scaled
        super().__init__(query, scaled, family_roots(scaled, [query])[0])

    def opening(self, proof: Robust) -> Iterator[PairLemma]:
        """The lemmas for which the proof's steps stand."""
        return self.steps(proof.steps)

    def steps(self, steps: Iterable[Step]) -> Iterator[PairLemma]:
        """The lemmas for which these steps stand; they hold from there on."""
        for step in steps:
            if isinstance(step, MaximaStep):
                yield from spelled_out_family(self)
            elif isinstance(step, SumsStep):
                before = self.mark()
                lemmas = sums_of_family(self, step)
                self.undo(before)
                yield from self.steps(lemmas)
            elif isinstance(step, PairLemma):
                self.ends[0]._checked(step.unit)
                yield replace(step, tree=tuple(self.tree(step.tree, step)))
                self.assume(step)
            else:
                raise RefusedError("unsupported", f"no step of a family: {type(step).__name__}")

    def tree(self, tree: Tree, target: Target) -> Iterator[Node]:
        """The nodes of the tree, in their order; then the branch is as before."""
        before = self.mark()
        waiting: list[tuple[Mark, Split]] = []
        for node in tree:
            steps, body = tuple(self.steps(node.steps)), node.body
            if isinstance(body, Leaf) and body.ball and not body.weights:
                end = self.ends[0]
                body = weighted(
                    self.scaled, end.region.norm, end.form(body, at_end(target, 0)), body
                )
            yield Node(steps, body)
            if isinstance(node.body, Split):
                waiting.append((self.mark(), node.body))
                self.restrict(node.body, high=False)
            elif isinstance(node.body, SymbolicLeaf):
                raise RefusedError("unsupported", "a symbolic leaf in a family")
            elif waiting:
                mark, split = waiting.pop()
                self.undo(mark)
                self.restrict(split, high=True)
        self.undo(before)


def elaborated(
    query: Query | FamilyQuery, proof: Robust, scaled: ScaledNetwork | None = None
) -> tuple[Iterator[Any], Iterator[Iterator[Any]]]:
    """The steps and the trees of the proof as the kernel reads them, JSON values in the order in
    which they must be read: all steps first, then each tree to its end. `scaled`, if given, serves
    the region: what it knows of the network need not be found again for each question.

    Raises RefusedError on the way, where the proof does not hold.
    """
    check_numbers(proof)
    steps, trees = spelled(query, proof, scaled)
    return map(step_out, steps), (map(node_out, tree) for tree in trees)


def spelled(
    query: Query | FamilyQuery, proof: Robust, scaled: ScaledNetwork | None = None
) -> tuple[Iterator[Step], Iterator[Iterator[Node]]]:
    """The same steps and trees as values."""
    short = None if isinstance(query, FamilyQuery) else shortened(query, proof, scaled)
    if short is not None:
        steps, trees = _spelled(Elaborator(short.query, short.scaled), short.proof)
        names = short.contraction.expanded
        return map(names.step, steps), (map(names.node, tree) for tree in trees)
    if scaled is not None and scaled.network is not query.network:
        scaled = None  # it is of the network without its copies
    if isinstance(query, FamilyQuery):
        return _spelled(FamilyElaborator(query, scaled), proof)
    return _spelled(Elaborator(query, scaled), proof)


def _spelled(
    state: Elaborator | FamilyElaborator, proof: Robust
) -> tuple[Iterator[Step], Iterator[Iterator[Node]]]:
    goals = zip(proof.trees, state.query.goals, strict=False)  # the kernel counts them
    return state.opening(proof), (state.tree(tree, goal) for tree, goal in goals)


def elaborate(
    query: Query | FamilyQuery, proof: Robust, scaled: ScaledNetwork | None = None
) -> Robust:
    """The whole proof in kernel form, for those who want it as a file; `scaled` as above. Raises
    RefusedError if it has not a tree for each goal."""
    _check_count(query, proof)
    steps, trees = spelled(query, proof, scaled)
    return Robust(tuple(steps), tuple(map(tuple, trees)))


def _check_count(query: Query | FamilyQuery, proof: Robust) -> None:
    """Returns if there is a tree for each goal."""
    if len(proof.trees) != len(query.goals):
        raise RefusedError("goal missing", f"{len(proof.trees)} of {len(query.goals)}")


# -------------------------------------------------------------------- the kernel


def _in_kernel(
    query: Query | FamilyQuery,
    verdict: Robust | Flip,
    asked: kernel_question.Question,
    scaled: ScaledNetwork | None = None,
) -> None:
    """Has the kernel replay the verdict of the question that it was told itself."""
    try:
        if isinstance(verdict, Flip):
            check_numbers(verdict)
            if verdict.goal >= len(asked.goals):
                raise RefusedError("index out of range", f"goal {verdict.goal}")
            rules.check_flip(asked, verdict.goal, list(verdict.point))
        else:
            _check_count(query, verdict)
            rules.check_proof(asked, *elaborated(query, verdict, scaled))
    except Refused as flaw:
        raise RefusedError(flaw.args[0], f"kernel: {flaw.args[1]}") from None


def kernel_check_proof(query: Query | FamilyQuery, claim: Claim) -> None:
    """Returns if the kernel proves the claim of a proof file, exact radii and maxima included;
    raises RefusedError, naming the flaw. The kernel reads network and question from their own
    bytes."""
    if isinstance(query, FamilyQuery):
        if not isinstance(claim, Robust):
            raise RefusedError("another verdict", "a family is shown by a proof")
    elif isinstance(claim, Maximum):
        check_maximum(query, claim, kernel_check_proof)
        return
    network = query.network.derived(_kernel_network)
    head = parse_json(proof_bytes(query, Robust((), ())).partition(b"\n")[0])
    try:
        asked = kernel_question.stated(head, network)
        if isinstance(claim, Radius):
            rules.check(asked, certificate_bytes(claim.flip, query.network.digest), sphere=True)
    except Refused as flaw:
        raise RefusedError(flaw.args[0], f"kernel: {flaw.args[1]}") from None
    _in_kernel(query, claim.proof if isinstance(claim, Radius) else claim, asked)


def kernel_check(
    network: Network, points: Points, question: Question, sample: int, certificate: bytes
) -> None:
    """Returns if the kernel shows that this certificate, as text, answers the question about sample
    `sample`; raises RefusedError, naming the flaw.

    The kernel reads network and data from their native bytes, once for many calls with the same
    objects, rebuilds the sample's question itself, and replays what `elaborated` spells out. It is
    slow: some 50 microseconds for each entry of the network and again for each unit of a leaf's
    cone, so that one ball of a network of 465,293 units takes some 20 s.
    """
    verdict = parse_certificate(certificate, network.digest)
    _answer(network, points, question, sample, verdict)


def kernel_check_result(
    network: Network,
    points: Points,
    question: Question,
    result: Result,
    fetch: Callable[[str], bytes],
) -> Checked:
    """The same for what a manifest claims of a sample; `fetch` gives the text of a certificate."""
    verdict = claimed(result, fetch, network.digest)
    try:
        _answer(network, points, question, result.sample, verdict)
    except RefusedError as flaw:
        raise RefusedError(flaw.flaw, f"sample {result.sample}: {flaw.detail}") from None
    goal = verdict.goal if isinstance(verdict, Flip) else None
    kind: Verdict = "robust" if goal is None else "flip"
    (asked,) = asked_of_run(points.digest, question, [result.sample])
    facts = Facts(network.digest, asked, kind, goal, result.certificate, checker="kernel")
    return Checked(_KEY, facts, None)


def _answer(
    network: Network, points: Points, question: Question, sample: int, verdict: Robust | Flip
) -> None:
    query = question_of(network, points, question, sample)
    try:
        run = _of_run(network, points, question)
        asked = run.questions.question(sample)
    except Refused as flaw:
        raise RefusedError(flaw.args[0], f"kernel: {flaw.args[1]}") from None
    _in_kernel(query, verdict, asked, run.scaled)


class _OfRun:
    """What all samples of a run share, derived once for calls with the same objects."""

    def __init__(self, network: Network, points: Points, question: Question) -> None:
        self.asked = points, question
        self.scaled = run_checker(network, points, question).scaled
        data = data_bytes(points.numerators, points.denominator, points.labels, points.label_names)
        text = parse_json(question_text(question).encode())
        kernel = network.derived(_kernel_network)
        self.questions = kernel_question.Questions(kernel, runs.Points(data), text)


def _of_run(network: Network, points: Points, question: Question) -> _OfRun:
    kept = network.derived(_runs)
    if not kept or kept[0].asked[0] is not points or kept[0].asked[1] != question:
        kept[:] = [_OfRun(network, points, question)]
    return kept[0]


def _runs(network: Network) -> list[_OfRun]:
    """The one that is known, if one is."""
    return []


def _kernel_network(network: Network) -> KernelNetwork:
    return KernelNetwork(network_bytes(network))

"""Small and trained networks: attack, symbolic root bounds, then branch and bound goal by goal."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from verifier.checker.fixed_point import supports
from verifier.checker.leaf import LeafChecker
from verifier.evidence.certificate import (
    Flip,
    Node,
    Robust,
    Step,
    SymbolicLeaf,
    SymbolicStep,
    Tree,
    Undecided,
    Verdict,
)
from verifier.question.query import Query
from verifier.search.attack import ascend
from verifier.search.bounds.floats import FloatNetwork, float_network
from verifier.search.clock import LateError, check_time, halved, tick
from verifier.search.options import Options
from verifier.search.trees.boxes import InputSplitting
from verifier.search.trees.forest import FIRST_STEPS as LEMMA_STEPS
from verifier.search.trees.pairs import PairSearch
from verifier.search.trees.phases import NODE_LIMIT, STEPS, Patience, PhaseTree
from verifier.search.trees.tightening import lemmas
from verifier.search.used import note

FEW_INPUTS = 16  # up to here boxes are split along inputs
# Ascents of single units cost two a unit, through half of the network on average; a node takes
# STEPS steps and about as much for its leaf. They begin when the nodes have cost as much.
NODES_A_UNIT = LEMMA_STEPS / (2 * STEPS)
# A split of a unit's tree costs two branches on each of its sides, through half of the network.
ROUNDS = (4, 16, 64, 256)
FEW_NODES = 64  # a batch: a first look costs no more
FEW_UNITS = 24  # undecided ones, up to which phases are split at once
CONJUNCTION_INPUTS = 64  # up to here conjunctions are searched by a dense linear program


def branch(
    query: Query,
    checker: LeafChecker,
    options: Options,
    deadline: float | None,
    *,
    believing: bool = True,
    denied: frozenset[int] = frozenset(),
) -> tuple[Verdict, int]:
    """The verdict on all goals and the number of nodes; `checker` is in its root state. If not
    `believing`, no leaf of a phase tree is kept before it was tried exactly. Goals whose flips
    somebody `denied` are not attacked before there is a tree."""
    with np.errstate(all="ignore"):  # overflow only weakens hints; the checker decides
        return _branch(query, checker, options, deadline, believing, denied)


def _branch(
    query: Query,
    checker: LeafChecker,
    options: Options,
    deadline: float | None,
    believing: bool,
    denied: frozenset[int],
) -> tuple[Verdict, int]:
    if is_homogeneous(query):
        found, count = _by_conjunctions(query, checker, options)
        if not isinstance(found, Undecided) or found.reason == NODE_LIMIT:
            return found, count
    symbolic, known = supports(query.network), _Root(0, {})
    note("symbolic bounds" if symbolic else "refused: symbolic bounds, the sums are too long")
    if symbolic:
        known = _at_root(query, checker)
        if len(known.closing) == len(query.goals):
            return Robust((), tuple(known.leaf(number) for number in range(len(query.goals)))), 0
    network = float_network(query.network)
    for goal in range(len(query.goals)):
        if goal in known.closing or goal in denied:
            continue
        note("attack")
        flip = ascend(
            query, network, goal, starts=32, steps=20, seed=options.seed, deadline=deadline
        )
        if flip is not None:
            return flip, 0
    if symbolic:
        proof, nodes = _by_pairs(query, checker, network, options, deadline)
        if proof is not None:
            return proof, nodes
    # An open ball may be touched along a whole face: no number of boxes covers that.
    small = query.region.norm == "inf" and not query.region.open
    small = small and query.network.inputs <= FEW_INPUTS
    if small and known.undecided > FEW_UNITS:
        return _by_inputs(query, checker, network, options, deadline, believing)
    return _by_phases(query, checker, network, options, deadline, believing, symbolic=symbolic)


def is_homogeneous(query: Query) -> bool:
    """Whether all of this is about a network of one hidden layer without constants, on a closed box
    around the origin, and some goal has several atoms."""
    network, region = query.network, query.region
    return (
        len(network.layers) == 1
        and network.inputs <= CONJUNCTION_INPUTS
        and region.norm == "inf"
        and not region.open
        and any(len(goal.atoms) > 1 for goal in query.goals)
        and not network.units.constants.any()
        and not network.outputs.constants.any()
        and all(atom.constant == 0 for goal in query.goals for atom in goal.atoms)
        and all(low < 0 < high for low, high in zip(region.lower, region.upper, strict=True))
    )


def _by_conjunctions(query: Query, checker: LeafChecker, options: Options) -> tuple[Verdict, int]:
    from verifier.search.trees.conjunctions import Conjunctions  # takes long to import

    note("conjunctions")
    search, trees = Conjunctions(query, checker, options.nodes), list[Tree]()
    for number in range(len(query.goals)):
        found = search.refute(number)
        if isinstance(found, Undecided):
            note(f"refused: conjunctions, {found.reason}")
        if isinstance(found, Undecided | Flip):
            return found, search.nodes
        trees.append(found)
    return Robust((), tuple(trees)), search.nodes


def _by_pairs(
    query: Query,
    checker: LeafChecker,
    network: FloatNetwork,
    options: Options,
    deadline: float | None,
) -> tuple[Robust | None, int]:
    """What bounds of differences prove, in half of the time at most."""
    search = PairSearch(query, checker, network, halved(deadline))
    if not search.applies:
        return None, 0
    note("pairs")
    mark = checker.mark()
    try:
        return search.run(options.nodes), search.nodes
    except LateError:
        checker.undo(mark)
        check_time(deadline)
        return None, search.nodes


def _by_inputs(
    query: Query,
    checker: LeafChecker,
    network: FloatNetwork,
    options: Options,
    deadline: float | None,
    believing: bool,
) -> tuple[Verdict, int]:
    note("boxes")
    search = InputSplitting(
        query, checker, network, deadline, options.seed, believing=believing, jobs=options.jobs
    )
    found = search.run(options.nodes)
    if isinstance(found, Undecided | Flip):
        return found, search.nodes
    return Robust((), found), search.nodes


def _by_phases(
    query: Query,
    checker: LeafChecker,
    network: FloatNetwork,
    options: Options,
    deadline: float | None,
    believing: bool,
    *,
    symbolic: bool,
) -> tuple[Verdict, int]:
    steps: list[Step] = []
    if symbolic:
        steps.append(SymbolicStep())
        checker.tighten_symbolically()
    search = PhaseTree(query, checker, network, deadline, believing=believing)
    found: tuple[Tree, ...] | Flip | Undecided = Undecided(NODE_LIMIT)
    # What takes more nodes than tighter bounds of single units do is begun again under these.
    for rounds in (0, *ROUNDS):
        cost = (NODES_A_UNIT + rounds) * search.open_units
        patience = Patience(FEW_NODES + int(cost))
        if options.nodes is not None and options.nodes <= search.nodes + patience.cost:
            break
        found = _refute_all(search, options.nodes, patience, symbolic=symbolic)
        if found != Undecided(NODE_LIMIT):
            break
        note(f"lemmas, {rounds} splits each")
        steps += lemmas(query, checker, network, deadline, believing=believing, rounds=rounds)
        before = search.nodes
        search = PhaseTree(query, checker, network, deadline, believing=believing)
        search.nodes = before
    if found == Undecided(NODE_LIMIT):
        found = _refute_all(search, options.nodes, None, symbolic=symbolic)
    verdict = found if isinstance(found, Flip | Undecided) else Robust(tuple(steps), found)
    return verdict, search.nodes


def _refute_all(
    search: PhaseTree, limit: int | None, patience: Patience | None, *, symbolic: bool
) -> tuple[Tree, ...] | Flip | Undecided:
    """A tree a goal, or a flip of one; where neither is found, why not of the first such goal.
    Where the patience is over, the other goals wait as well."""
    known = _at_root(search.query, search.checker) if symbolic else _Root(0, {})
    trees: list[Tree] = []
    unclear: Undecided | None = None
    begun, done = search.nodes, 0
    for number in range(len(search.query.goals)):
        if number in known.closing:
            trees.append(known.leaf(number))
            continue
        if patience is not None:
            left = sum(k not in known.closing for k in range(number + 1, len(search.query.goals)))
            patience = Patience(patience.cost, search.nodes - begun, done, left)
        found = search.refute(number, limit, patience)
        done += 1
        if isinstance(found, Flip):
            return found
        if isinstance(found, Undecided):
            unclear = unclear or found  # another goal may still have a flip
            if patience is not None and found == Undecided(NODE_LIMIT):
                return unclear
        else:
            trees.append(found)
    return unclear or tuple(trees)


@dataclass(frozen=True, slots=True)
class _Root:
    """What symbolic bounds say of the whole region: how many units they leave undecided, and for
    each goal that they refute the atom."""

    undecided: int
    closing: dict[int, int]

    def leaf(self, goal: int) -> Tree:
        return (Node((), SymbolicLeaf(self.closing[goal])),)


def _at_root(query: Query, checker: LeafChecker) -> _Root:
    """The same, from the checker's current bounds; the step that tightens them costs no more."""
    snapshot = checker.snapshot()
    branches = checker.branches([snapshot])
    branches.between = tick
    branches.tighten()
    checker.remember(branches, {0: snapshot.key()})
    undecided = sum(
        int(((low < 0) & (high > 0)).sum())
        for low, high in zip(branches.lower, branches.upper, strict=True)
    )
    atoms = [
        (k, i, atom) for k, goal in enumerate(query.goals) for i, atom in enumerate(goal.atoms)
    ]
    count = len(atoms)
    values, _, _ = branches.minima(
        branches.symbolic.atom_targets(atom for _, _, atom in atoms),
        np.zeros(count, dtype=np.int64),
        np.arange(count),
    )
    closing: dict[int, int] = {}
    for (goal, number, atom), value in zip(atoms, values.tolist(), strict=True):
        if value > 0 or (atom.strict and value == 0) or branches.empty[0]:
            closing.setdefault(goal, number)
    return _Root(undecided, closing)

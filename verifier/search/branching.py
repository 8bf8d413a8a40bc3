"""Small and trained networks: attack, symbolic root bounds, then branch and bound goal by goal."""

from __future__ import annotations

from verifier.api import Options
from verifier.search.attack import ascend
from verifier.search.floats import FloatNetwork
from verifier.search.input_split import InputSplitting
from verifier.search.tree import PhaseTree
from verifier.trusted.certificate import (
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
from verifier.trusted.fast import FastChecker
from verifier.trusted.query import Query
from verifier.trusted.symbolic import supports

FEW_INPUTS = 8  # up to here boxes are split along inputs


def branch(
    query: Query, checker: FastChecker, options: Options, deadline: float | None
) -> tuple[Verdict, int]:
    """The verdict on all goals and the number of nodes; `checker` is in its root state."""
    network = FloatNetwork(query.network)
    for goal in range(len(query.goals)):
        flip = ascend(query, network, goal, starts=32, steps=20, seed=options.seed)
        if flip is not None:
            return flip, 0
    symbolic = supports(query.network)
    by_inputs = symbolic and query.region.norm == "inf" and query.network.inputs <= FEW_INPUTS
    steps: tuple[Step, ...] = ()
    if symbolic and not by_inputs:
        steps = (SymbolicStep(),)
        checker.tighten_symbolically()
    trees: list[Tree] = []
    nodes = 0
    phases: PhaseTree | None = None
    for number in range(len(query.goals)):
        found: Tree | Flip | Undecided
        if symbolic and not by_inputs:
            closing = _closing_atom(checker, query, number)
            if closing is not None:
                trees.append((Node((), SymbolicLeaf(closing)),))
                continue
        if by_inputs:
            search = InputSplitting(query, checker, network, deadline)
            found = search.refute(number, options.nodes)
            nodes += search.nodes
        else:
            phases = phases or PhaseTree(query, checker, network, deadline)
            found = phases.refute(number, options.nodes)
            nodes += phases.nodes
            phases.nodes = 0
        if isinstance(found, Undecided | Flip):
            return found, nodes
        trees.append(found)
    return Robust(steps, tuple(trees)), nodes


def _closing_atom(checker: FastChecker, query: Query, number: int) -> int | None:
    """The atom of the goal that symbolic bounds refute at the root, if one is."""
    goal = query.goals[number]
    atoms = list(range(len(goal.atoms)))
    closed = checker.closed_symbolically([checker.snapshot()] * len(atoms), goal, atoms)
    return int(closed.argmax()) if closed.any() else None

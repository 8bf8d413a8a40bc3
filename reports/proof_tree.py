"""What a certificate consists of, as numbers and as a picture; it is read, not replayed."""

from __future__ import annotations

from collections import Counter

from reports.document import Block, Figure, Section, Table, Text
from reports.numbers import Cell
from reports.plots import Tree as TreePlot
from verifier.evidence.certificate import (
    Conflict,
    InputSplit,
    Leaf,
    Lemma,
    MaximaStep,
    Node,
    PlaneSplit,
    Robust,
    SeparableStep,
    Split,
    Step,
    SumsStep,
    SymbolicLeaf,
    SymbolicStep,
    Tree,
    UnitSplit,
)

MOST_NODES = 500
MOST_TREES = 4
_KINDS = (
    ("unit", "split on a unit"),
    ("input", "split on an input"),
    ("leaf", "linear bound"),
    ("symbolic", "symbolic bound"),
    ("conflict", "contradiction"),
    ("plane", "split on a hyperplane"),
)


def kind_of(node: Node) -> str:
    """The word that the certificate uses for the body of the node."""
    match node.body:
        case UnitSplit():
            return "unit"
        case InputSplit():
            return "input"
        case PlaneSplit():
            return "plane"
        case Leaf():
            return "leaf"
        case SymbolicLeaf():
            return "symbolic"
        case Conflict():
            return "conflict"


def placed(tree: Tree) -> tuple[tuple[float, int, str, int | None], ...]:
    """Nodes in preorder with a place each: leaves from left to right, splits between their sides.

    (x, depth, kind, number of the parent)
    """
    depths: list[int] = []
    parents: list[int | None] = []
    waiting: list[tuple[int | None, int]] = [(None, 0)]
    for number, node in enumerate(tree):
        parent, depth = waiting.pop()
        parents.append(parent)
        depths.append(depth)
        if isinstance(node.body, Split):
            waiting += [(number, depth + 1), (number, depth + 1)]
    places = [0.0] * len(tree)
    below: dict[int, list[float]] = {}
    leaves = sum(1 for node in tree if not isinstance(node.body, Split))
    for number in reversed(range(len(tree))):
        own = below.pop(number, None)
        if own is None:
            leaves -= 1
            places[number] = float(leaves)
        else:
            places[number] = sum(own) / len(own)
        parent_of = parents[number]
        if parent_of is not None:
            below.setdefault(parent_of, []).append(places[number])
    return tuple((places[k], depths[k], kind_of(node), parents[k]) for k, node in enumerate(tree))


def proof_section(proof: Robust, rivals: list[str]) -> Section:
    """The proof of each goal in numbers, and the larger trees as pictures."""
    rows: list[tuple[Cell, ...]] = []
    blocks: list[Block] = []
    shown = 0
    for goal, tree in enumerate(proof.trees):
        places = placed(tree)
        kinds = Counter(kind for _, _, kind, _ in places)
        steps = sum(len(node.steps) for node in tree)
        rows.append(
            (
                goal, rivals[goal] if goal < len(rivals) else "", len(tree),
                max(depth for _, depth, _, _ in places), kinds["leaf"], kinds["symbolic"],
                kinds["conflict"], steps,
            )
        )  # fmt: skip
        if 1 < len(tree) <= MOST_NODES and shown < MOST_TREES:
            shown += 1
            caption = f"Goal {goal}: how the ball was cut until every part was closed."
            plot = TreePlot(places, _KINDS)
            blocks.append(Figure(f"tree-{goal}", caption, plot, wide=plot.size[0] > 6))
    table = Table(
        "proof",
        f"The proof: {_described(proof.steps)} before the goals, then a tree for each goal.",
        ("goal", "rival", "nodes", "depth", "linear bounds", "symbolic bounds", "contradictions",
         "steps within"),
        tuple(rows),
    )  # fmt: skip
    if not blocks:
        larger = any(len(tree) > MOST_NODES for tree in proof.trees)
        text = "The trees are too large to be drawn." if larger else "No goal needed a split."
        blocks.append(Text(text))
    return Section("proof", "Proof", (table, *blocks))


def _described(steps: tuple[Step, ...]) -> str:
    lemmas = sum(1 for step in steps if isinstance(step, Lemma))
    symbolic = sum(1 for step in steps if isinstance(step, SymbolicStep))
    separable = sum(1 for step in steps if isinstance(step, SeparableStep | SumsStep))
    maxima = sum(1 for step in steps if isinstance(step, MaximaStep))
    parts = [f"{lemmas} {'lemma' if lemmas == 1 else 'lemmas'}"]
    for name, count in (
        ("symbolic bounds", symbolic),
        ("bounds of sums", separable),
        ("bounds of maxima", maxima),
    ):
        if count:
            parts.append(f"{name} {count} {'time' if count == 1 else 'times'}")
    return " and ".join(parts)

"""The nodes of a tree while it grows: which units are split, and what each refutation rests on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from verifier.evidence.certificate import Leaf, Node, Tree, UnitSplit
from verifier.search.bounds.float_leaf import FloatLeaf, Phases


@dataclass(slots=True)
class Branch:
    """`used` are the phases that its refutation rests on, None while it is open."""

    phases: Phases
    parent: int
    column: int = -1  # of the unit that is split
    children: tuple[int, int] = (-1, -1)
    leaf: FloatLeaf | Leaf | None = None
    used: Phases | None = None
    instead: int = -1  # the child whose refutation holds here too


class Nodes:
    """Branches by their numbers; 0 is the root."""

    def __init__(self, undecided: NDArray[np.int64]) -> None:
        self._undecided = undecided
        self._listed = [Branch(np.zeros(len(undecided), dtype=np.int8), -1)]

    def __getitem__(self, index: int) -> Branch:
        return self._listed[index]

    def split(self, index: int, column: int) -> tuple[int, int]:
        """The branches with this unit off and on."""
        node = self._listed[index]
        node.column, node.children = column, (len(self._listed), len(self._listed) + 1)
        for phase in (-1, 1):
            phases = node.phases.copy()
            phases[column] = phase
            self._listed.append(Branch(phases, index))
        return node.children

    def is_closed(self, index: int) -> bool:
        """Whether the branch is refuted, or one that it is a part of."""
        while index >= 0:
            if self._listed[index].used is not None:
                return True
            index = self._listed[index].parent
        return False

    def settle(self, index: int) -> None:
        """Closes what is above a closed node that was no part of a closed one: a branch whose two
        sides are refuted, or one of them without the split, which then is not needed."""
        nodes = self._listed
        while nodes[index].parent >= 0:
            used = nodes[index].used
            parent = nodes[nodes[index].parent]
            low, high = parent.children
            other = nodes[low + high - index]
            if used is None:
                return
            if not used[parent.column]:
                parent.instead, parent.used = index, used
                other.used = used  # to be skipped
            elif other.used is None:
                return
            else:
                parent.used = np.where(used, used, other.used)
                parent.used[parent.column] = 0
            index = nodes[index].parent

    def closed_part(self) -> float:
        """The part of the tree that is refuted, each side of a split being half of what it
        splits."""
        parts = [0.0] * len(self._listed)
        for index in range(len(self._listed) - 1, -1, -1):
            node = self._listed[index]
            if node.used is not None:
                parts[index] = 1.0
            elif node.column >= 0:
                low, high = node.children
                parts[index] = (parts[low] + parts[high]) / 2
        return parts[0]

    def preorder(self, rounded: Callable[[FloatLeaf, Phases], Leaf]) -> Tree:
        """The tree of the certificate; `rounded` makes the exact leaf of a branch."""
        listed: list[Node] = []
        stack: list[tuple[int, Phases]] = [(0, self._listed[0].phases)]
        while stack:
            index, phases = stack.pop()
            node = self._listed[index]
            while node.instead >= 0:
                node = self._listed[node.instead]
            if isinstance(node.leaf, FloatLeaf):
                listed.append(Node((), rounded(node.leaf, phases)))
            elif node.leaf is not None:
                listed.append(Node((), node.leaf))
            else:
                listed.append(Node((), UnitSplit(int(self._undecided[node.column]))))
                for child, phase in zip(reversed(node.children), (1, -1), strict=True):
                    below = phases.copy()
                    below[node.column] = phase
                    stack.append((child, below))
        return tuple(listed)

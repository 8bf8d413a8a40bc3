"""Proofs about a family by splits on units alone, where there are few that matter."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from verifier.checker.family import FamilyChecker
from verifier.evidence.certificate import Leaf, Node, Tree, UnitSplit
from verifier.question.query import Goal
from verifier.search.clock import check_time
from verifier.search.deep.lifting import holds

LEAVES = 128
Number = int | Fraction


class SplitSearch:
    """Trees for the goals of one family, in the branch that the checker is in."""

    def __init__(
        self,
        checker: FamilyChecker,
        deadline: float | None = None,
        points: Sequence[Sequence[Fraction]] = (),
    ) -> None:
        """`points` are those, without m, at which the goals' atoms are likely to be largest."""
        self._checker, self._deadline = checker, deadline
        self._left = LEAVES
        self._active = list(dict.fromkeys(self._active_at(point) for point in points))

    def _active_at(self, point: Sequence[Fraction]) -> frozenset[int]:
        units, values = self._checker.query.network.units, [*point, Fraction(0)]
        for v in range(units.count):
            weights, constant = units.fractions(v)
            total = sum((w * values[j] for j, w in weights.items()), constant)
            values.append(max(total, Fraction(0)))
        first = len(point) + 1
        return frozenset(v for v in range(units.count) if values[first + v] > 0)

    def tree(self, goal: Goal) -> Tree | None:
        """A tree of at most so many leaves that holds of this goal of one atom; None where none is
        found. Raises LateError after the deadline."""
        check_time(self._deadline)
        for leaf in self._leaves(goal):
            tree = (Node((), leaf),)
            if holds(self._checker, tree, goal):
                return tree
        unit = self._widest()
        self._left -= 1
        if unit is None or self._left < 0:
            return None
        sides: list[Node] = []
        for high in (False, True):
            mark = self._checker.mark()
            self._checker.restrict(UnitSplit(unit), high=high)
            side = self.tree(goal)
            self._checker.undo(mark)
            if side is None:
                return None
            sides += side
        return (Node((), UnitSplit(unit)), *sides)

    def _leaves(self, goal: Goal) -> list[Leaf]:
        """The usual slopes; and from above the chord of either end, or the steeper one, which still
        meets the lower end of its unit, from below the line that is tight at one of the points."""
        found = [Leaf(), Leaf(usual=True)]
        first, last = (self._chords(end) for end in (0, 1))
        steepest = {v: max(first[v], last[v]) for v in first}
        for active in self._active:
            for chords in (last, first, steepest):
                slopes = self._slopes(goal, chords, active)
                if slopes and all(leaf.slopes != slopes for leaf in found):
                    found.append(Leaf(slopes=slopes))
        return found

    def _slopes(
        self, goal: Goal, chords: dict[int, Fraction], active: frozenset[int]
    ) -> dict[int, Fraction]:
        """For each undecided unit that minus the goal's atom reads, the slope that its sign asks
        for when it is replaced, last first."""
        network, (atom,) = self._checker.query.network, goal.atoms
        form: dict[int, Fraction] = {}
        for j, g in atom.outputs:
            for i, weight in network.outputs.fractions(j)[0].items():
                form[i] = form.get(i, Fraction(0)) - g * weight
        chosen: dict[int, Fraction] = {}
        first = self._checker.ends[0]
        for v in range(network.units.count - 1, -1, -1):
            c = form.pop(network.inputs + v, None)
            if not c:
                continue
            slope = Fraction(int(first.on(v)))
            if v in chords:
                slope = chosen[v] = Fraction(int(v in active)) if c > 0 else chords[v]
            if slope:
                for i, weight in network.units.fractions(v)[0].items():
                    form[i] = form.get(i, Fraction(0)) + c * slope * weight
        return dict(sorted(chosen.items()))

    def _open(self) -> list[int]:
        count, first = self._checker.query.network.units.count, self._checker.ends[0]
        return [v for v in range(count) if first.undecided(v)]

    def _chords(self, end: int) -> dict[int, Fraction]:
        """The slopes of the chords of undecided units at one end."""
        found: dict[int, Fraction] = {}
        at = self._checker.ends[end]
        for v in self._open():
            low, high = at.lower(v), at.upper(v)
            found[v] = Fraction(high) / (high - low) if low < 0 < high else Fraction(int(high > 0))
        return found

    def _widest(self) -> int | None:
        """The undecided unit whose line is farthest off at the last end, the first of equals."""
        last, best, found = self._checker.ends[1], Fraction(0), None
        scales, inputs = self._checker.scaled.scales, self._checker.inputs
        for v in self._open():
            low, high = last.lower(v), last.upper(v)
            gap = Fraction(min(-low, high)) / scales[inputs + v]
            if gap > best:
                best, found = gap, v
        return found

"""Pieces of the plane with one label as one area, and the kinks inside it; exactly.

Pieces cover a rectangle and overlap in their edges alone, but an edge of one may be several edges
of its neighbours. So every line that carries edges is cut at all ends of edges on it; between two
such ends there is one piece, or none, on either side. Where the sides differ runs the outline of
both, where they do not a kink.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from math import gcd
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Vertex = tuple[int, int, int]
"""X : Y : W for the point (X/W, Y/W), W > 0, without a common factor."""
Line = tuple[int, int, int]
Loop = tuple[Vertex, ...]
Edge = tuple[Vertex, Vertex]


@dataclass(frozen=True, slots=True)
class Merged(Generic[Key]):
    """Outlines by key, each with its area to the left, so that holes run the other way round; and
    the kinks, maximal segments with the same key on both sides."""

    areas: dict[Key, tuple[Loop, ...]]
    kinks: tuple[Edge, ...]


@dataclass(slots=True)
class _Span(Generic[Key]):
    """An edge on its line, from `low` to `high`, and the key of the piece on its left or right."""

    low: tuple[Fraction, Vertex]
    high: tuple[Fraction, Vertex]
    left: bool
    key: Key


def merged(pieces: Iterable[tuple[Key, Sequence[Vertex]]]) -> Merged[Key]:
    """The pieces, each with its key and its vertices counterclockwise, merged by key."""
    lines: dict[Line, list[_Span[Key]]] = defaultdict(list)
    for key, vertices in pieces:
        for here, after in pairwise([*vertices, vertices[0]]):
            if here != after:
                line, span = _placed(here, after, key)
                lines[line].append(span)
    borders: dict[Key, list[Edge]] = defaultdict(list)
    kinks: list[Edge] = []
    for spans in lines.values():
        for first, last, left, right in _stretches(spans):
            if left == right:
                kinks.append((first, last))
                continue
            if left is not None:
                borders[left[0]].append((first, last))
            if right is not None:
                borders[right[0]].append((last, first))
    areas = {key: tuple(_loops(edges)) for key, edges in borders.items()}
    return Merged(areas, tuple(kinks))


def _placed(here: Vertex, after: Vertex, key: Key) -> tuple[Line, _Span[Key]]:
    """The line through both, with the edge on it."""
    x, y, w = here
    u, v, z = after
    a, b, c = y * z - w * v, w * u - x * z, x * v - y * u
    common = gcd(a, b, c) * (-1 if (a, b) < (0, 0) else 1)
    a, b, c = a // common, b // common, c // common
    ends = [(Fraction(b * p - a * q, r), (p, q, r)) for p, q, r in (here, after)]
    left = ends[0][0] < ends[1][0]
    low, high = ends if left else ends[::-1]
    return (a, b, c), _Span(low, high, left, key)


def _stretches(
    spans: list[_Span[Key]],
) -> Iterator[tuple[Vertex, Vertex, tuple[Key] | None, tuple[Key] | None]]:
    """Maximal stretches of a line with the same keys on both sides, which come in brackets."""
    starts: dict[Fraction, list[_Span[Key]]] = defaultdict(list)
    ends: dict[Fraction, list[_Span[Key]]] = defaultdict(list)
    at: dict[Fraction, Vertex] = {}
    for span in spans:
        for (place, vertex), where in ((span.low, starts), (span.high, ends)):
            where[place].append(span)
            at[place] = vertex
    sides: dict[bool, tuple[Key] | None] = {True: None, False: None}
    begun: Vertex | None = None
    for place in sorted(at):
        before = dict(sides)
        for span in ends[place]:
            sides[span.left] = None
        for span in starts[place]:
            sides[span.left] = (span.key,)
        if sides == before:
            continue
        if begun is not None and before != {True: None, False: None}:
            yield begun, at[place], before[True], before[False]
        begun = at[place]


def _loops(edges: list[Edge]) -> Iterator[Loop]:
    """The edges as closed outlines; where several meet, any way on is one."""
    following: dict[Vertex, list[Vertex]] = defaultdict(list)
    for here, after in edges:
        following[here].append(after)
    for start in [here for here, _ in edges]:
        while following[start]:
            loop, at = [], start
            while True:
                loop.append(at)
                at = following[at].pop()
                if at == start:
                    break
            yield tuple(loop)

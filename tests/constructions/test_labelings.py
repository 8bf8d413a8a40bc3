"""Labelings up to symmetry: counted by Burnside's lemma, and asked about one by one."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations, permutations, product
from pathlib import Path

import pytest

from constructions.least.answer import read_least
from constructions.least.labelings import labelings, least_of_all, symmetries
from verifier.data.dataset import Dataset
from verifier.question.errors import UserError
from verifier.question.region import Norm

SQUARE = [[0, 0], [0, 1], [1, 0], [1, 1]]
CUBE = [list(corner) for corner in product((0, 1), repeat=3)]
LINE = [[0], [1], [2], [3]]
GRID = [[x, y] for x in range(3) for y in range(3)]
BOARD = [[x, y] for x in range(2) for y in range(3)]


def points(rows: list[list[int]]) -> Dataset:
    return Dataset.from_rows("points", rows, [k % 2 for k in range(len(rows))])


@pytest.mark.parametrize(("rows", "norm", "group", "kinds"), [
    (SQUARE, "inf", 8, 3),
    (SQUARE, "2", 8, 3),
    (CUBE, "1", 48, 13),  # the 14 classes of Boolean functions of three variables but the constant
    (CUBE, "2", 48, 13),
    (LINE, "inf", 2, 5),
    (BOARD, "inf", 4, 13),
    (GRID, "inf", 8, 50),
    ([[0, 0], [1, 0], [0, 1]], "inf", 2, 2),
    ([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]], "inf", 6, 3),
    ([[1, 0, 0], [0, 1, 0], [0, 0, 1]], "2", 6, 1),
    ([[3, 4], [-4, 3], [-3, -4], [4, -3]], "2", 8, 3),
    ([[3, 4], [-4, 3], [-3, -4], [4, -3]], "1", 4, 3),
])  # fmt: skip
def test_kinds_are_as_many_as_burnside_counts(
    rows: list[list[int]], norm: Norm, group: int, kinds: int
) -> None:
    data = points(rows)
    moves = list(symmetries([data.point(k) for k in range(data.size)], norm))
    assert len(moves) == len(set(moves)) == group
    found = labelings(data, norm)
    assert sum(one.alike for one in found) == 2 ** len(rows) - 2
    fixed = 0  # colourings that a symmetry leaves alone, with and without the exchange
    for move in moves:
        cycles, seen = [], set[int]()
        for start in range(len(rows)):
            length = 0
            while start not in seen:
                seen.add(start)
                start, length = move[start], length + 1
            cycles += [length] if length else []
        fixed += 2 ** len(cycles)
        fixed += 2 ** len(cycles) if all(length % 2 == 0 for length in cycles) else 0
    assert fixed % (2 * group) == 0
    assert len(found) == fixed // (2 * group) - 1 == kinds


@pytest.mark.parametrize("norm", ["inf", "1", "2"])
def test_symmetries_keep_distances_and_are_a_group(norm: Norm) -> None:
    data = points([[0, 0], [0, 2], [2, 0], [2, 2], [1, 1]])
    rows = [data.point(k) for k in range(5)]
    moves = set(symmetries(rows, norm))
    for move in moves:
        for i, j in combinations(range(5), 2):
            kept = [
                abs(rows[i][k] - rows[j][k]) for k in range(2)
            ], [abs(rows[move[i]][k] - rows[move[j]][k]) for k in range(2)]  # fmt: skip
            assert sorted(kept[0]) == sorted(kept[1])
        assert all(tuple(move[k] for k in other) in moves for other in moves)
    by_hand = [
        move for move in permutations(range(5))
        if all(sum((a - b) ** 2 for a, b in zip(rows[i], rows[j], strict=True))
               == sum((a - b) ** 2 for a, b in zip(rows[move[i]], rows[move[j]], strict=True))
               for i, j in combinations(range(5), 2))
    ]  # fmt: skip
    assert moves == set(by_hand)


def test_each_kind_is_asked_about_and_stored(tmp_path: Path) -> None:
    data = points([[0], [1], [3]])
    found = least_of_all(data, "inf", [Fraction(1, 4)], 3, tmp_path / "all")
    assert [(one.text, one.alike) for one, _ in found] == [("001", 2), ("010", 2), ("011", 2)]
    widths = [answer.at(Fraction(1, 4)) for _, answer in found]
    assert widths == [(1, 1), (2, 2), (1, 1)]
    for one, answer in found:
        again = read_least(tmp_path / "all" / one.text)
        assert again.points.digest == answer.points.digest
        assert again.at(Fraction(1, 4)) == answer.at(Fraction(1, 4))
    before = (tmp_path / "all" / "labelings.json").read_bytes()
    least_of_all(data, "inf", [Fraction(1, 4)], 3, tmp_path / "all")
    assert (tmp_path / "all" / "labelings.json").read_bytes() == before


def test_what_cannot_be_listed_is_said() -> None:
    with pytest.raises(UserError, match=r"2\^13 labelings"):
        labelings(points([[k] for k in range(13)]), "inf")
    with pytest.raises(UserError, match="6 inputs"):
        labelings(points([[0] * 6, [1] * 6]), "inf")
    with pytest.raises(UserError, match="equal points"):
        labelings(points([[0], [0]]), "inf")

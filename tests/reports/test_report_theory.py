"""Exact decision regions, proof trees, and theory beside measurement."""

from __future__ import annotations

import json
from fractions import Fraction
from typing import Any

import pytest

from constructions.registry import REGISTRY, build
from reports.numbers import Formula
from reports.proof_tree import placed
from reports.regions import Piece, decision_regions
from reports.theory import measure, promises, proved_bounds, theory_report
from reports.write import files_of
from verifier.checker.scaled import evaluate
from verifier.cli.main import main
from verifier.data.dataset import Dataset
from verifier.evidence.certificate import Leaf, Node, UnitSplit
from verifier.question.errors import UserError

DATA = Dataset.from_rows("five", [(0, 0), (3, 0), (0, 4), (4, 4), (6, 1)], [0, 1, 2, 0, 1])
LOWER, UPPER = (Fraction(-3), Fraction(-3)), (Fraction(9), Fraction(15, 2))


def area(piece: Piece) -> Fraction:
    """Twice the signed area."""
    points = piece.vertices
    return sum(
        (a[0] * b[1] - b[0] * a[1]
         for a, b in zip(points, (*points[1:], points[0]), strict=True)),
        Fraction(0),
    )  # fmt: skip


def between(piece: Piece, *weights: int) -> tuple[Fraction, Fraction]:
    """A point inside the piece."""
    used = [weights[k % len(weights)] for k in range(len(piece.vertices))]
    x, y = (
        sum((w * v[d] for w, v in zip(used, piece.vertices, strict=True)), Fraction(0)) / sum(used)
        for d in (0, 1)
    )
    return x, y


@pytest.mark.parametrize("name", ["linf", "l2", "lipschitz-ovr", "linf-parallel", "vardi"])
def test_the_pieces_tile_the_rectangle_and_the_network_is_affine_on_each(name: str) -> None:
    made = build(name, DATA, ratio=Fraction(3, 4))
    regions = decision_regions(made.network, made.decoder, 3, LOWER, UPPER)
    whole = 2 * (UPPER[0] - LOWER[0]) * (UPPER[1] - LOWER[1])
    assert all(area(piece) > 0 for piece in regions.pieces)
    assert sum(area(piece) for piece in regions.pieces) == whole
    points: list[tuple[Fraction, ...]] = []
    for piece in regions.pieces:
        a, b = between(piece, 1, 2, 5), between(piece, 4, 1, 1)
        points += [a, b, tuple((p + q) / 2 for p, q in zip(a, b, strict=True))]
    values = evaluate(made.network, points)
    for k, piece in enumerate(regions.pieces):
        first, second, middle = values[3 * k : 3 * k + 3]
        assert middle == [(p + q) / 2 for p, q in zip(first, second, strict=True)]
        if made.decoder == "argmax":
            assert middle[piece.label] == max(middle)
        else:
            assert all(abs(middle[0] - piece.label) <= abs(middle[0] - j) for j in range(3))
        if piece.exact:
            assert first == second == [piece.label]


def test_every_ball_of_a_robust_network_lies_in_exact_pieces_of_its_label() -> None:
    made = build("linf", DATA, ratio=Fraction(3, 4))
    regions = decision_regions(made.network, made.decoder, 3, LOWER, UPPER)
    for sample in range(DATA.size):
        x, y = DATA.point(sample)
        for dx in (-1, 0, 1):
            for dy in (-1, 0, 1):
                point = (x + dx * made.budget, y + dy * made.budget)
                holding = [piece for piece in regions.pieces if contains(piece, point)]
                assert any(piece.exact and piece.label == DATA.labels[sample] for piece in holding)


def contains(piece: Piece, point: tuple[Fraction, Fraction]) -> bool:
    points = piece.vertices
    return all(
        (b[0] - a[0]) * (point[1] - a[1]) - (b[1] - a[1]) * (point[0] - a[0]) >= 0
        for a, b in zip(points, (*points[1:], points[0]), strict=True)
    )


def test_regions_are_for_two_inputs() -> None:
    line = Dataset.from_rows("line", [(0,), (3,)], [0, 1])
    with pytest.raises(UserError, match="the network has 1 inputs, not 2"):
        decision_regions(build("linf", line, ratio=Fraction(1, 2)).network, "value", 2, LOWER,
                         UPPER)  # fmt: skip


def test_trees_are_placed_without_crossings() -> None:
    leaf = Node((), Leaf())
    split = Node((), UnitSplit(0))
    places = placed((split, leaf, split, leaf, leaf))
    assert [(depth, parent) for _, depth, _, parent in places] == [
        (0, None), (1, 0), (1, 0), (2, 2), (2, 2),
    ]  # fmt: skip
    assert [x for x, _, kind, _ in places if kind == "leaf"] == [0.0, 1.0, 2.0]
    assert places[0][0] == 0.75


def test_measured_sizes_keep_their_promises() -> None:
    found = measure(DATA, REGISTRY, [Fraction(1, 2)])
    assert [item.name for item in found] == list(REGISTRY)
    assert all(item.broken == () for item in found)
    assert all((item.reason is None) == bool(item.sizes) for item in found)
    small = measure(DATA, ["linf"], [Fraction(1, 2)], limit=10)
    assert small[0].reason is not None


def test_no_robust_network_is_smaller_than_the_proved_bounds() -> None:
    ratios = [Fraction(1, 10), Fraction(1, 2), Fraction(9, 10)]
    found = measure(DATA, REGISTRY, ratios)
    grid = tuple(map(float, ratios))
    for norm in ("2", "inf"):
        for dense, key in ((False, "nonzero"), (True, "dense")):
            *_, own = proved_bounds(DATA, found, grid, norm, dense=dense)
            least = dict(zip(own.xs, own.ys, strict=True))
            for item in found:
                if str(item.norm) == norm and item.sizes and REGISTRY[item.name].robust:
                    assert item.sizes[key] >= least[float(item.ratio)], item.name


def test_what_is_promised_is_listed() -> None:
    found = measure(DATA, ["linf"], [Fraction(1, 2), Fraction(9, 10)])
    rows = promises(found).rows
    assert ("linf", Fraction(9, 10), "width", 7, "= 7", Formula("3n + 1"), True) in rows
    assert all(row[-1] is True for row in rows)


def test_a_theory_report_is_reproducible() -> None:
    ratios = (Fraction(1, 2), Fraction(9, 10))
    first = files_of(theory_report(DATA, ratios))
    assert first == files_of(theory_report(DATA, ratios[::-1]))
    report = json.loads(first["report.json"])
    assert {row[0] for row in report["tables"]["measured"]["rows"]} == set(REGISTRY)
    assert report["tables"]["separation"]["rows"][0][3] == "3"
    assert "figures/plane-l2.svg" in first
    assert len(first["index.html"]) < 3_000_000


@pytest.mark.parametrize("ratios", ["0", "1", "1/2,3/2", "x", ""])
def test_ratios_outside_are_refused(ratios: str, tmp_path: Any, capsys: Any) -> None:
    where = str(tmp_path / "report")
    assert main(["report", "theory", "--data", "iris", "--ratios", ratios, "-o", where]) == 2
    assert "ratio" in capsys.readouterr().err

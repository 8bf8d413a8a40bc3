"""First layers that do not see a direction in which balls of two labels meet."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from constructions.collisions import kernel_vector
from constructions.least.answer import claim_text, least, read_least
from constructions.least.evidence import Shown, shown
from constructions.least.find import Finder
from constructions.least.questions import Collapsed, questions_of
from verifier.data.dataset import Dataset
from verifier.evidence.certificate import Flip
from verifier.question.errors import RefusedError
from verifier.question.region import distance
from verifier.runs.run import points_of
from verifier.search.options import Options
from verifier.tasks.verify import verify

QUARTER = Fraction(1, 4)


def star(n: int) -> Dataset:
    """The origin against the unit vectors."""
    rows = [[0] * n, *([int(k == j) for k in range(n)] for j in range(n))]
    return Dataset.from_rows(f"star{n}", rows, [0] + [1] * n)


def collapsed(n: int, size: Fraction) -> Shown:
    found = Finder(points_of(star(n)), "inf").decide(n - 1, size)
    assert isinstance(found.claim, Collapsed)
    return found


@pytest.mark.parametrize("n", [2, 3, 4, 8])
def test_stars_need_a_unit_for_each_input_from_a_quarter_on(n: int) -> None:
    """At 1/4 exactly and above; below nothing is said."""
    points = points_of(star(n))
    for size in (QUARTER, Fraction(1, 3), Fraction(499, 1000)):
        found = collapsed(n, size)
        assert found.claim.width == n - 1 and len(found.certificates) == n
        assert shown(found.claim, points, "inf", found.certificates, "kernel").claim == found.claim
        assert "of any depth" in claim_text(found, "inf")
    assert Finder(points, "inf")._collapsed(Fraction(249, 1000)) is None
    assert Finder(points, "1")._collapsed(QUARTER) is None


def test_every_first_layer_that_is_too_narrow_has_two_such_points() -> None:
    """For layers at random: the points that the claim promises are in their balls and alike."""
    n, points, random = 4, points_of(star(4)), np.random.default_rng(0)
    claim = collapsed(n, QUARTER).claim
    assert isinstance(claim, Collapsed)
    for _ in range(100):
        rows = [[Fraction(int(w)) for w in row] for row in random.integers(-9, 10, (n - 1, n))]
        blind = kernel_vector(rows, n)
        assert blind is not None
        axis = max(range(n), key=lambda k: abs(blind[k]))
        v = [entry / blind[axis] for entry in blind]
        first, second, step = claim.pairs[axis]
        a, b = points.point(first), points.point(second)
        r = [(step * q - (y - x)) / 2 for q, x, y in zip(v, a, b, strict=True)]
        left = tuple(x - d for x, d in zip(a, r, strict=True))
        right = tuple(y + d for y, d in zip(b, r, strict=True))
        assert distance("inf", a, left) <= claim.size >= distance("inf", b, right)
        for row in rows:
            assert sum(w * (y - x) for w, x, y in zip(row, left, right, strict=True)) == 0


def test_claims_that_are_none_are_refused() -> None:
    points, found = points_of(star(3)), collapsed(3, QUARTER)
    claim = found.claim
    assert isinstance(claim, Collapsed)
    first, *others = claim.pairs
    for other, norm, flaw in (
        (replace(claim, width=1), "inf", "malformed"),
        (replace(claim, width=3), "inf", "malformed"),
        (claim, "2", "malformed"),
        (replace(claim, pairs=(first,)), "inf", "malformed"),
        (replace(claim, points=((),)), "inf", "malformed"),
        (replace(claim, pairs=((0, 9, first[2]), *others)), "inf", "no sample"),
        (replace(claim, pairs=((1, 2, first[2]), *others)), "inf", "one label"),
        (replace(claim, pairs=((*first[:2], QUARTER), *others)), "inf", "pair apart"),
        (replace(claim, size=Fraction(249, 1000)), "inf", "pair apart"),
    ):
        with pytest.raises(RefusedError) as why:
            questions_of(other, points, norm)  # type: ignore[arg-type]
        assert why.value.flaw == flaw
    for wrong in ((*first[:2], Fraction(3, 5)), others[0]):  # other entries lead out of the balls
        longer = replace(claim, pairs=(wrong, *others))
        assert len(questions_of(longer, points, "inf")) == 3
        with pytest.raises(RefusedError):
            shown(longer, points, "inf", found.certificates)
        verdicts = [
            verify(query, Options()).verdict for query in questions_of(longer, points, "inf")
        ]
        assert isinstance(verdicts[0], Flip)


def test_a_first_layer_is_too_narrow_at_any_depth(tmp_path: Path) -> None:
    """So of depth 3 the answer is exact where 2 inputs are needed, and where 3."""
    found = least(star(3), "inf", [Fraction(2, 5)], 3, tmp_path / "f", depth=3)
    (part,) = found.segments
    assert (part.at_least, part.at_most) == (3, 3) == found.at(Fraction(2, 5))
    for by in ("checker", "kernel"):
        again = read_least(tmp_path / "f", by)
        assert again.segments == found.segments
    content = (tmp_path / "f" / "least.json").read_bytes()
    (tmp_path / "f" / "least.json").write_bytes(content.replace(b'"1/5"', b'"1/4"', 1))
    with pytest.raises(RefusedError):
        read_least(tmp_path / "f")

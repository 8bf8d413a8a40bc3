"""The shares of a ball that directions get: accepted only where they fit, at every point."""

from __future__ import annotations

from fractions import Fraction
from random import Random

import pytest

from verifier.checker.ridge import check_weights
from verifier.evidence.certificate import Weight
from verifier.question.errors import RefusedError

F = Fraction
X, Y, DIAGONAL, ANTI = (((0, F(1)),), ((1, F(1)),), ((0, F(1)), (1, F(1))), ((0, F(1)), (1, F(-1))))


def flaw_of(weights: list[Weight], norm: str) -> str:
    try:
        check_weights(weights, norm)
    except RefusedError as error:
        return error.flaw
    return "accepted"


def test_weights_are_those_of_the_norm() -> None:
    """Of norm 2 each has a scale, of norm 1 none; a box has no weights at all."""
    plain, scaled = Weight(X, F(1, 2), None), Weight(Y, F(1, 2), F(1))
    for weights in ([], [plain], [scaled]):
        assert flaw_of(weights, "inf") == "malformed"
    assert [flaw_of(w, "1") for w in ([], [plain], [scaled], [plain, scaled], [scaled, plain])] == [
        "accepted", "accepted", "malformed", "malformed", "malformed",
    ]  # fmt: skip
    assert [flaw_of(w, "2") for w in ([], [plain], [scaled], [plain, scaled], [scaled, plain])] == [
        "accepted", "malformed", "accepted", "malformed", "malformed",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "shares, flaw",
    [
        ((1, 0, 0), "accepted"),
        ((F(1, 2), F(1, 2), F(1, 2)), "accepted"),
        ((F(1, 2), 1, F(1, 2)), "weights too large"),
        ((F(101, 100), 0, 0), "weights too large"),
        ((0, F(1, 2), F(51, 100)), "weights too large"),
        ((0, 1, 0), "accepted"),
    ],
)
def test_columns_of_the_l1_ball(shares: tuple[Fraction, ...], flaw: str) -> None:
    """Of x, y and x - y."""
    weights = [Weight(d, F(s), None) for d, s in zip((X, Y, ANTI), shares, strict=True)]
    assert flaw_of(weights, "1") == flaw


@pytest.mark.parametrize(
    "given, flaw",
    [
        ([(X, 1, 1), (Y, 1, 1)], "accepted"),
        ([(X, 1, 1), (Y, F(101, 100), 1)], "weights too large"),
        ([(DIAGONAL, F(1, 2), 1), (ANTI, F(1, 2), 1)], "accepted"),
        ([(DIAGONAL, F(1, 2), 1), (X, F(1, 2), 1)], "weights too large"),
        ([(DIAGONAL, F(1, 3), 1), (X, F(1, 2), 1)], "accepted"),
        ([(DIAGONAL, F(1, 3), 1), (X, F(51, 100), 1)], "weights too large"),
        ([(DIAGONAL, F(2, 5), 2), (X, F(1, 3), 1)], "accepted"),
        ([(DIAGONAL, F(41, 100), 2), (X, F(1, 3), 1)], "weights too large"),
    ],
)
def test_products_of_the_l2_ball(given, flaw: str) -> None:
    """A share times its row of products, in scales, is at most the scale; negative products count
    by their size."""
    assert flaw_of([Weight(d, F(s), F(scale)) for d, s, scale in given], "2") == flaw
    if flaw == "accepted":
        mirrored = [(tuple((k, -g) for k, g in d), s, scale) for d, s, scale in given[:1]]
        turned = [Weight(d, F(s), F(scale)) for d, s, scale in [*mirrored, *given[1:]]]
        assert flaw_of(turned, "2") == "accepted"


@pytest.mark.parametrize("norm", ["1", "2"])
def test_what_is_accepted_holds_at_points(norm: str) -> None:
    accepted = 0
    for seed in range(600):
        rng = Random(seed)
        weights = []
        for _ in range(rng.randint(1, 3)):
            direction = tuple((k, F(rng.randint(-2, 2))) for k in range(3))
            direction = tuple((k, g) for k, g in direction if g) or X
            scale = F(rng.randint(1, 3)) if norm == "2" else None
            weights.append(Weight(direction, F(rng.randint(0, 6), 12), scale))
        if flaw_of(weights, norm) != "accepted":
            continue
        accepted += 1
        for _ in range(20):
            y = [F(rng.randint(-3, 3)) for _ in range(3)]
            power = int(norm)
            left = sum(
                w.share * abs(sum((g * y[k] for k, g in w.direction), F(0))) ** power
                for w in weights
            )
            assert left <= sum(abs(v) ** power for v in y), seed
    assert accepted > 50

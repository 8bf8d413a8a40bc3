"""Networks that equal the floor of a number, away from the integers.

Lemma B.16 (Kim, Moon, Yun, NeurIPS 2025): for 0 < gamma < 1 there is a network of n hidden layers
of 5 units that equals floor(x) for all x in [0, 2^n) with x - floor(x) > gamma. The display is
reconstructed from its width, weight and exactness set. With gamma_n = gamma / 2^n,

    ramps(z) = relu(z - 1/2 + gamma_n) - relu(z - 1/2) + relu(z - 1 + gamma_n)
    Delta(z) = 2 relu(z) - ramps(z) / gamma_n

doubles modulo 1 on [0, 1/2 - gamma_n] and on [1/2, 1 - gamma_n], and

    Floor_n(x) = x - 1 + Delta^n(1 - x / 2^n).

Proof. With k = floor(x) + 1, 2^n (1 - x / 2^n) lies in (2^n - k, 2^n - k + 1 - gamma). After t
doublings the distance to the next dyadic above is at least 2^t gamma / 2^n >= gamma_n, so no
iterate is on a ramp.

`subtracting` is an alternative of ours with 4 units: bit e, from the highest, is
(relu(x - 2^e + gamma) - relu(x - 2^e)) / gamma and is taken off; exact where the value exceeds its
floor by at most 1 - gamma.
"""

from __future__ import annotations

from fractions import Fraction

from verifier.question.build import Affine, NetworkBuilder


def doubling(
    build: NetworkBuilder,
    values: list[Affine],
    gammas: list[Fraction],
    bits: int,
    carried: list[Affine],
) -> tuple[list[Affine], list[Affine]]:
    """`bits` layers behind which the first forms are the floors of the values in [0, 2^bits).

    Exact where the value exceeds its floor by more than its gamma. Five units a value a layer; the
    carried forms, all at least 0, come out beside them.
    """
    count = len(values)
    waves = [1 - x / (1 << bits) for x in values]
    for _ in range(bits):
        forms: list[Affine] = []
        for z, x, gamma in zip(waves, values, gammas, strict=True):
            small = gamma / (1 << bits)
            half = z - Fraction(1, 2)
            forms += [z, half + small, half, z - (1 - small), x]
        units = build.layer([*forms, *carried])
        carried = units[5 * count :]
        values = [units[5 * k + 4] for k in range(count)]
        waves = [
            units[5 * k] * 2
            - (units[5 * k + 1] - units[5 * k + 2] + units[5 * k + 3]) * ((1 << bits) / gamma)
            for k, gamma in enumerate(gammas)
        ]
    return [x + z - 1 for x, z in zip(values, waves, strict=True)], carried


def subtracting(
    build: NetworkBuilder,
    values: list[Affine],
    gammas: list[Fraction],
    bits: int,
    carried: list[Affine],
) -> tuple[list[Affine], list[Affine]]:
    """As `doubling` with four units a value; exact where frac(value) <= 1 - gamma."""
    count = len(values)
    wholes, rests = values, values
    for bit in reversed(range(bits)):
        forms = [
            form
            for whole, rest, gamma in zip(wholes, rests, gammas, strict=True)
            for form in (rest - ((1 << bit) - gamma), rest - (1 << bit), whole, rest)
        ]
        units = build.layer([*forms, *carried])
        carried = units[4 * count :]
        wholes = [units[4 * k + 2] for k in range(count)]
        rests = [
            units[4 * k + 3] - (units[4 * k] - units[4 * k + 1]) * ((1 << bit) / gamma)
            for k, gamma in enumerate(gammas)
        ]
    return [whole - rest for whole, rest in zip(wholes, rests, strict=True)], carried


FLOORS = {"doubling": doubling, "subtracting": subtracting}

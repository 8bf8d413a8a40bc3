"""The network as floating point executes it, for any order of summation, as an exact question.

A verdict of the rest of this package is about real numbers. A runtime computes each affine form
with rounding, in an order of its own, fused or not. What it computes for unit v is

    a_v = w_v . (x, z) + b_v + e_v,   |e_v| <= E_v,

and E_v follows from exact bounds of the region. So a statement about every execution is one in real
numbers about a network with one more input e_v for each unit and output, in a box: `executed`
builds that question, and its answer carries the usual certificate, checked as any other.

The bound (Higham, Accuracy and Stability of Numerical Algorithms, section 3.1 and theorem 4.2 for
any order; Jeannerod and Rump 2013 for its form): a sum of m products and a bias meets each term
with at most m + 1 roundings, so that with unit roundoff u

    E = (m + 1) u / (1 - (m + 1) u) * (sum |w_j| |z_j| + |b|) + 2 (m + 1) t,

where t, the smallest normal number, is what an operation can lose to underflow even when subnormal
numbers are flushed to zero. Overflow must be impossible, else the question is refused.

What is assumed: IEEE 754 round to nearest in the format for every operation (more accurate
operations, such as fused or wider ones, are covered), weights and inputs that are numbers of the
format, max(a, 0) exact. Reduced-precision modes (TF32, bf16 accumulation) and compiled rewrites
that are no sums of these products are not covered.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from verifier.api import Options, verify
from verifier.builder import Affine, NetworkBuilder
from verifier.errors import UserError
from verifier.trusted.certificate import Flip, Robust, Undecided
from verifier.trusted.network import Network, Rows
from verifier.trusted.query import Query
from verifier.trusted.region import Region, box

Format = Literal["float32", "float64"]
_PRECISION = {"float32": 24, "float64": 53}
_SMALLEST_NORMAL = {"float32": Fraction(1, 2**126), "float64": Fraction(1, 2**1022)}
_LARGEST = {"float32": Fraction(2) ** 127, "float64": Fraction(2) ** 1023}  # half of the true one


@dataclass(frozen=True, slots=True)
class ExecutedFlip:
    """At `point`, numbers of the format, plain execution by numpy reads the goal's rival.

    `outputs` are what numpy computed there; another order of summation may compute others.
    """

    point: tuple[Fraction, ...]
    outputs: tuple[Fraction, ...]
    goal: int


@dataclass(frozen=True, slots=True)
class Executed:
    """The answer for the network as executed; `question` is what a Robust verdict certifies."""

    verdict: Robust | ExecutedFlip | Undecided
    question: Query


def unit_roundoff(semantics: Format) -> Fraction:
    """Half the distance from 1 to the next number of the format."""
    return Fraction(1, 2 ** _PRECISION[semantics])


def is_number(value: Fraction, semantics: Format) -> bool:
    """Whether `value` is a finite number of the format, subnormal ones included."""
    bits, smallest = _PRECISION[semantics], _SMALLEST_NORMAL[semantics]
    top = abs(value.numerator)
    top >>= max((top & -top).bit_length() - 1, 0)
    below = value.denominator
    if below & (below - 1) or below > 2 ** (bits - 1) / smallest:
        return False
    return top.bit_length() <= bits and abs(value) < 2 * _LARGEST[semantics]


def executed(query: Query, semantics: Format) -> Query:
    """The question whose Robust answer holds of every execution in the format on the region.

    Its network has one more input for each unit and each output. A ball of norm 1 or 2 is replaced
    by its bounding box. Raises UserError for a weight that is no number of the format and where
    overflow cannot be excluded.
    """
    network, region = query.network, query.region
    _require_numbers(network, semantics)
    inputs, count = network.inputs, network.units.count
    total = inputs + count + network.outputs.count
    build = NetworkBuilder(total)
    known: list[Affine] = list(build.inputs[:inputs])
    reach = [max(abs(a), abs(b)) for a, b in zip(region.lower, region.upper, strict=True)]
    errors: list[Fraction] = []

    def form(rows: Rows, i: int) -> Affine:
        weights, constant = rows.fractions(i)
        magnitude = sum((abs(w) * reach[j] for j, w in weights.items()), abs(constant))
        errors.append(_error(len(weights), magnitude, semantics))
        whole = magnitude + errors[-1]
        if whole >= _LARGEST[semantics]:
            raise UserError(f"{semantics}: overflow is possible in a sum of {len(weights)} terms")
        if rows is network.units:
            reach.append(whole)
        exact = Affine.sum([known[j] * w for j, w in weights.items()]) + constant
        return exact + build.inputs[inputs + len(errors) - 1]

    for first, last in network.layer_ranges():
        known += build.layer([form(network.units, v) for v in range(first, last)])
    outputs = [form(network.outputs, j) for j in range(network.outputs.count)]
    where = box(
        [*region.lower, *(-e for e in errors)],
        [*region.upper, *errors],
    )
    return Query(build.network(outputs), where, query.goals)


def verify_executed(
    query: Query,
    semantics: Format,
    options: Options = Options(),  # noqa: B008 frozen
) -> Executed:
    """Robust with a certificate of `executed(query)`, a flip that numpy executes, or undecided."""
    question = executed(query, semantics)
    found = verify(question, options).verdict
    if isinstance(found, Robust):
        return Executed(found, question)
    starts = [found.point[: query.network.inputs]] if isinstance(found, Flip) else []
    exact = verify(query, options).verdict
    if isinstance(exact, Flip):
        starts.append(exact.point)
    for start in starts:
        for point in _numbers_near(start, query.region, semantics):
            outputs = execute(query.network, point, semantics)
            for number, goal in enumerate(query.goals):
                if all(atom.holds(point, outputs) for atom in goal.atoms):
                    return Executed(ExecutedFlip(point, outputs, number), question)
    reason = found.reason if isinstance(found, Undecided) else "some rounding might flip it"
    return Executed(Undecided(f"as executed in {semantics}: {reason}"), question)


def execute(network: Network, point: Sequence[Fraction], semantics: Format) -> tuple[Fraction, ...]:
    """What numpy computes at `point` in the format, each affine form as one dot product."""
    kind = np.dtype(semantics).type
    values: NDArray[np.floating] = np.zeros(network.variables, dtype=semantics)
    values[: network.inputs] = [kind(float(x)) for x in point]

    def form(rows: Rows, i: int) -> np.floating:
        weights, constant = rows.fractions(i)
        factors = np.array([float(w) for w in weights.values()], dtype=semantics)
        picked = values[list(weights)] if weights else values[:0]
        result: np.floating = kind(np.dot(factors, picked) + kind(float(constant)))
        return result

    for v in range(network.units.count):
        values[network.inputs + v] = max(form(network.units, v), kind(0))
    return tuple(Fraction(float(form(network.outputs, j))) for j in range(network.outputs.count))


def _error(terms: int, magnitude: Fraction, semantics: Format) -> Fraction:
    """How far a sum of `terms` products and a bias can be from its exact value."""
    roundings = (terms + 1) * unit_roundoff(semantics)
    if roundings >= 1:
        raise UserError(f"{semantics}: no error bound for a sum of {terms} terms")
    bound = roundings / (1 - roundings) * magnitude
    bound += 2 * (terms + 1) * _SMALLEST_NORMAL[semantics]
    return _short(bound)


def _short(value: Fraction) -> Fraction:
    """A number of few bits that is at least `value` > 0: bounds need no more."""
    shift = 20 - (value.numerator.bit_length() - value.denominator.bit_length())
    scaled = value * Fraction(2) ** shift
    return Fraction(-(-scaled.numerator // scaled.denominator)) / Fraction(2) ** shift


def _require_numbers(network: Network, semantics: Format) -> None:
    for name, rows in (("unit", network.units), ("output", network.outputs)):
        for i in range(rows.count):
            weights, constant = rows.fractions(i)
            for value in (*weights.values(), constant):
                if not is_number(value, semantics):
                    raise UserError(f"{name} {i}: a weight is no {semantics} number")


def _numbers_near(
    point: Sequence[Fraction], region: Region, semantics: Format
) -> list[tuple[Fraction, ...]]:
    """Points of the region near `point` whose entries are numbers of the format."""
    kind = np.dtype(semantics).type
    nearest = [kind(float(x)) for x in point]
    infinity = kind(np.inf)
    found = []
    for towards in (None, infinity, -infinity):
        moved = nearest if towards is None else [np.nextafter(x, towards) for x in nearest]
        candidate = tuple(Fraction(float(x)) for x in moved if np.isfinite(x))
        if region.contains(candidate):
            found.append(candidate)
    # Each entry to the side on which the region lies.
    inward = []
    for x, exact, low, high in zip(nearest, point, region.lower, region.upper, strict=True):
        centre = (low + high) / 2
        value = x
        if np.isfinite(x) and abs(Fraction(float(x)) - centre) > abs(exact - centre):
            value = np.nextafter(x, kind(float(centre)))
        inward.append(Fraction(float(value)) if np.isfinite(value) else exact)
    if region.contains(inward) and all(is_number(x, semantics) for x in inward):
        found.append(tuple(inward))
    return found

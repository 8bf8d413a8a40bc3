"""The network as floating point executes it, for any order of summation, as an exact question.

A verdict of the rest of this package is about real numbers. A runtime computes each affine form
with rounding, in an order of its own, fused or not. What it computes for unit v is

    a_v = w_v . (x, z) + b_v + e_v,   |e_v| <= E_v,

and E_v follows from exact bounds of the region. So a statement about every execution is one in real
numbers about a network with one more input e_v for each unit and output, in a box: `executed`
builds that question, and its answer carries the usual certificate, checked as any other.

The bound (Higham, Accuracy and Stability of Numerical Algorithms, section 3.1 and theorem 4.2 for
any order; Jeannerod and Rump 2013 for its form): a sum of m products and a bias meets each term
with at most m + 1 roundings, so that with unit roundoff u, g = (m + 1) u / (1 - (m + 1) u) and t
the smallest normal number

    E = g (sum |w_j| |z_j| + |b|) + (1 + g) t (sum (|w_j| + |z_j|) + 4 (m + 1)),

where the terms with t are what may be lost if subnormal operands and results are flushed to zero.
The |z_j| are bounded by interval arithmetic over all executions. Overflow must be impossible, else
the question is refused.

What is assumed: every affine form of the network is one sum, in any order, of the products and the
bias, each operation rounded to nearest in the format or not at all (fused operations, sums kept in
a wider format and rounded once); weights and inputs are numbers of the format; max(a, 0) is exact;
a label is read off the outputs as they are, compared as numbers. Reduced-precision modes (TF32,
bf16 accumulation) and rewrites that are no sums of these products (Winograd, folded layers) are not
covered. A network whose file computes something else than one sum a unit must not be asked about:
`formats.single_sums` looks at that.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from random import Random
from time import monotonic
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from verifier.evidence.certificate import Flip, Robust, Undecided, Verdict
from verifier.question.build import Affine, NetworkBuilder
from verifier.question.errors import UserError
from verifier.question.network import Network, Rows
from verifier.question.query import Query
from verifier.question.region import Region
from verifier.search.options import Options
from verifier.tasks.verify import CheckedOutcome, check, verify

Format = Literal["float32", "float64"]
Vector = tuple[Fraction, ...]
_PRECISION = {"float32": 24, "float64": 53}
_SMALLEST_NORMAL = {"float32": Fraction(1, 2**126), "float64": Fraction(1, 2**1022)}
_LARGEST = {"float32": Fraction(2) ** 127, "float64": Fraction(2) ** 1023}  # half of the true one
_TRIES = 64  # points at which an execution is looked at


@dataclass(frozen=True, slots=True)
class Execution:
    """What numpy computed at `point`, an input of the format: the outputs satisfy goal `goal`.

    Another order of summation may compute other outputs.
    """

    point: Vector
    outputs: Vector
    goal: int


@dataclass(frozen=True, slots=True)
class Executed:
    """The checked answer for the network as executed.

    The outcome is one of `question`, see `executed`. A flip there is an `execution`, with its
    rounding errors as further inputs.
    """

    question: Query
    outcome: CheckedOutcome
    execution: Execution | None = None

    @property
    def verdict(self) -> Verdict:
        return self.outcome.verdict


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

    Its network has one more input for each unit and each output, its rounding error. A ball is
    replaced by one of the inputs and errors together, larger by the errors alone. Raises UserError
    for a weight that is no number of the format and where overflow cannot be excluded.
    """
    network, region = query.network, query.region
    _require_numbers(network, semantics)
    inputs = network.inputs
    build = NetworkBuilder(inputs + network.units.count + network.outputs.count)
    known: list[Affine] = list(build.inputs[:inputs])
    box = list(zip(region.lower, region.upper, strict=True))  # of inputs and computed z
    if max(max(abs(low), abs(high)) for low, high in box) >= _LARGEST[semantics]:
        raise UserError(f"{semantics}: the region reaches beyond the numbers of the format")
    errors: list[Fraction] = []

    def form(rows: Rows, i: int) -> Affine:
        weights, constant = rows.fractions(i)
        sides = [(w, *box[j]) for j, w in weights.items()]
        largest = [(abs(w), max(abs(low), abs(high))) for w, low, high in sides]
        magnitude = sum((w * z for w, z in largest), abs(constant))
        lost = sum((w + z for w, z in largest), Fraction(0))
        error = _error(len(weights), magnitude, lost, semantics)
        if magnitude + error >= _LARGEST[semantics]:
            raise UserError(f"{semantics}: overflow is possible in a sum of {len(weights)} terms")
        errors.append(error)
        if rows is network.units:
            low = sum((min(w * a, w * b) for w, a, b in sides), constant) - error
            high = sum((max(w * a, w * b) for w, a, b in sides), constant) + error
            box.append((max(low, Fraction(0)), max(high, Fraction(0))))
        exact = Affine.sum([known[j] * w for j, w in weights.items()]) + constant
        return exact + build.inputs[inputs + len(errors) - 1]

    for first, last in network.layer_ranges():
        known += build.layer([form(network.units, v) for v in range(first, last)])
    outputs = [form(network.outputs, j) for j in range(network.outputs.count)]
    return Query(build.network(outputs), _with_errors(region, errors), query.goals)


def _with_errors(region: Region, errors: Sequence[Fraction]) -> Region:
    """A region that holds (x, e) for every x of `region` and every |e_v| <= errors[v]."""
    lower = (*region.lower, *(-e for e in errors))
    upper = (*region.upper, *errors)
    if region.norm == "inf":
        return Region("inf", lower, upper)
    center = (*region.center, *(Fraction(0) for _ in errors))
    more = sum((e if region.norm == "1" else e * e for e in errors), Fraction(0))
    return Region(region.norm, lower, upper, center, region.size + more, clipped=True)


def verify_executed(
    query: Query,
    semantics: Format,
    options: Options = Options(),
    first: Sequence[Vector] = (),
) -> Executed:
    """Robust with a proof of `executed(query)`, a flip that numpy executes, or undecided.

    The points `first`, as far as they are inputs of the format in the region, are executed before
    any search. Later a flip is looked for in as much time again, near what exact search finds and
    at random.
    """
    question = executed(query, semantics)
    for point in first:
        if query.region.contains(point) and all(is_number(x, semantics) for x in point):
            seen = _seen_at(query, point, semantics)
            if seen is not None:
                execution, flip = seen
                shown = CheckedOutcome(flip, checked=check(question, flip))
                return Executed(question, shown, execution)
    outcome = verify(question, options)
    found, started = outcome.verdict, monotonic()
    if isinstance(found, Robust):
        return Executed(question, outcome)
    starts: list[Sequence[Fraction]] = []
    if isinstance(found, Flip):
        starts.append(found.point[: query.network.inputs])
    exact = verify(query, options).verdict
    if isinstance(exact, Flip):
        starts.append(exact.point)
    for tried, point in enumerate(_candidates(query.region, starts, semantics, options.seed)):
        if tried and options.timeout is not None and monotonic() - started > options.timeout:
            break
        values = _run(query.network, point, semantics)
        outputs = values[query.network.variables :]
        for number, goal in enumerate(query.goals):
            if all(atom.holds(point, outputs) for atom in goal.atoms):
                flip = Flip((*point, *_errors(query.network, values)), number)
                shown = replace(outcome, verdict=flip, checked=check(question, flip))
                return Executed(question, shown, Execution(point, outputs, number))
    reason = found.reason if isinstance(found, Undecided) else "some rounding might flip it"
    verdict = Undecided(f"as executed in {semantics}: {reason}")
    return Executed(question, replace(outcome, verdict=verdict, checked=None))


def _seen_at(query: Query, point: Vector, semantics: Format) -> tuple[Execution, Flip] | None:
    """The execution at the point and its flip with rounding errors, if a goal holds there."""
    values = _run(query.network, point, semantics)
    outputs = values[query.network.variables :]
    for number, goal in enumerate(query.goals):
        if all(atom.holds(point, outputs) for atom in goal.atoms):
            flip = Flip((*point, *_errors(query.network, values)), number)
            return Execution(point, outputs, number), flip
    return None


def execute(network: Network, point: Sequence[Fraction], semantics: Format) -> Vector:
    """The outputs that numpy computes at `point`, each affine form as one dot product."""
    return _run(network, point, semantics)[network.variables :]


def _run(network: Network, point: Sequence[Fraction], semantics: Format) -> Vector:
    """What numpy computes in the format: the inputs, all units, the outputs."""
    kind = np.dtype(semantics).type
    values: NDArray[np.floating] = np.zeros(
        network.variables + network.outputs.count, dtype=semantics
    )
    values[: network.inputs] = [kind(float(x)) for x in point]

    def form(rows: Rows, i: int) -> np.floating:
        weights, constant = rows.fractions(i)
        factors = np.array([float(w) for w in weights.values()], dtype=semantics)
        picked = values[list(weights)] if weights else values[:0]
        result: np.floating = kind(np.dot(factors, picked) + kind(float(constant)))
        return result

    for v in range(network.units.count):
        values[network.inputs + v] = max(form(network.units, v), kind(0))
    for j in range(network.outputs.count):
        values[network.variables + j] = form(network.outputs, j)
    return tuple(Fraction(float(value)) for value in values)


def _errors(network: Network, values: Vector) -> Vector:
    """The rounding errors of an execution: what was computed minus the exact form of what it reads.

    Of a unit that is 0 the pre-activation was rounded away; an error that makes it at most 0 and is
    nearest to 0 does as well.
    """
    found = []
    for v in range(network.units.count):
        exact, z = _form(network.units, v, values), values[network.inputs + v]
        found.append(z - exact if z > 0 else min(-exact, Fraction(0)))
    for j in range(network.outputs.count):
        found.append(values[network.variables + j] - _form(network.outputs, j, values))
    return tuple(found)


def _form(rows: Rows, i: int, values: Vector) -> Fraction:
    weights, constant = rows.fractions(i)
    return sum((w * values[j] for j, w in weights.items()), constant)


def _error(terms: int, magnitude: Fraction, lost: Fraction, semantics: Format) -> Fraction:
    """How far a sum of `terms` products and a bias can be from its exact value: `magnitude` is that
    of its terms added up, `lost` that of all factors."""
    roundings = (terms + 1) * unit_roundoff(semantics)
    if roundings >= 1:
        raise UserError(f"{semantics}: no error bound for a sum of {terms} terms")
    relative = roundings / (1 - roundings)
    tiny = _SMALLEST_NORMAL[semantics] * (lost + 4 * (terms + 1))
    return _short(relative * magnitude + (1 + relative) * tiny)


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


def _candidates(
    region: Region, starts: Sequence[Sequence[Fraction]], semantics: Format, seed: int
) -> Iterator[Vector]:
    """Inputs of the format in the region: near `starts`, then at its middle, ends and anywhere."""
    rng = Random(seed)
    sides = list(zip(region.lower, region.upper, strict=True))
    middle = region.center or tuple((low + high) / 2 for low, high in sides)
    for start in (*starts, middle, region.lower, region.upper):
        yield from _numbers_near(start, region, semantics)
    for _ in range(_TRIES):
        ends = [rng.choice((low, high, low + (high - low) * Fraction(rng.random())))
                for low, high in sides]  # fmt: skip
        share = Fraction(rng.random()) if region.norm != "inf" else Fraction(1)
        start = tuple(c + share * (x - c) for c, x in zip(middle, ends, strict=True))
        yield from _numbers_near(start, region, semantics)


def _numbers_near(point: Sequence[Fraction], region: Region, semantics: Format) -> list[Vector]:
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

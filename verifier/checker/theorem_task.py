"""Questions that a proved theorem answers, and the flaws of what is not recognised, by name."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain
from typing import Literal

from verifier.checker.checked import Asked
from verifier.checker.manifest import Question, built_text, question_text
from verifier.checker.theorem_lines import Budget, Entries, Layout, Line
from verifier.evidence.data_file import Points
from verifier.evidence.network_rows import NetworkRows
from verifier.question.built import Built
from verifier.question.errors import RefusedError, UserError
from verifier.question.network import Rows
from verifier.question.rational import format_rational
from verifier.question.region import Norm

Vectors = list[list[list[int]]]
"""Of each sample the vectors of its half-spaces, for norm 2 over the denominator of the data."""


@dataclass(frozen=True, slots=True)
class Theorem:
    """What is proved of the networks of this construction."""

    construction: str
    tests: Literal["cubes", "crosses", "planes", "cones", "classes"]
    layout: Layout
    norm: Norm
    source: str
    decoder: Literal["value", "sign", "argmax"] = "value"

    @property
    def squared(self) -> bool:
        """Whether its power is the square of the separation, and its parameter rho."""
        return self.tests == "planes" and self.norm == "2"

    @property
    def flat(self) -> bool:
        """Whether one network is that of every budget, and nothing is divided."""
        return self.tests in ("cones", "classes")


_YU = "theorem 4.8 (Yu, Gao, Zhang)"
_B2 = "theorem B.2 (Yu, Gao, Zhang; reconstructed)"
_HALF = "the theorem of half-space tests"
_CONES = "theorem 5.2 (Yu, Gao, Zhang; reconstructed)"
_ENTRIES = (
    Theorem("linf", "cubes", "running", "inf", _YU),
    Theorem("linf-pipelined", "cubes", "overlapped", "inf", f"{_YU}, rearranged"),
    Theorem("linf-parallel", "cubes", "beside", "inf", f"{_YU}, rearranged"),
    Theorem("l1", "crosses", "overlapped", "1", _B2),
    Theorem("l1-parallel", "crosses", "beside", "1", f"{_B2}, rearranged"),
    Theorem("linf-halfspaces", "planes", "beside", "inf", _HALF),
    Theorem("l1-halfspaces", "planes", "beside", "1", _HALF),
    Theorem("l2-halfspaces", "planes", "beside", "2", _HALF),
    Theorem("lipschitz", "cones", "running", "inf", _CONES, "sign"),
    Theorem("lipschitz-parallel", "cones", "beside", "inf", f"{_CONES}, rearranged", "sign"),
    Theorem("lipschitz-ovr", "classes", "beside", "inf", f"{_CONES}, one output a label", "argmax"),
)
THEOREMS: dict[str, Theorem] = {entry.construction: entry for entry in _ENTRIES}


def theorem_of(construction: str) -> Theorem:
    """The theorem about that construction; raises UserError that names those there are."""
    if construction not in THEOREMS:
        known = ", ".join(THEOREMS)
        raise UserError(f"no theorem about {construction!r} is proved in Coq; there are {known}")
    return THEOREMS[construction]


@dataclass(frozen=True, slots=True)
class Task:
    """A question that a theorem answers: `ball` is the radius asked about, for norm 2 its square;
    0 for every budget."""

    theorem: Theorem
    built: Built
    budget: Budget
    ball: Fraction
    question: Question

    def asked(self, points: Points) -> Asked:
        """What is shown when the network is recognised."""
        text = f"{question_text(self.question)}\n{built_text(self.built)}\n"
        return Asked(hashlib.sha256(text.encode()).hexdigest(), points.digest)


def task_of(question: Question, built: Built) -> Task:
    """The task, if the theorem says what is asked; raises RefusedError that names both sides."""
    theorem = theorem_of(built.construction)
    if question.norm != theorem.norm:
        raise _other(f"balls of norm {question.norm}; {theorem.source} has those of {theorem.norm}")
    if question.decoder != theorem.decoder:
        raise _other(f"the decoder {question.decoder}; {theorem.source} is about {theorem.decoder}")
    if question.measured is not None:
        raise _other(f"a {question.measured}; {theorem.source} is about labels on balls")
    if question.clip is not None or question.semantics != "real":
        raise _other(f"clipped or executed balls; {theorem.source} is about whole, real ones")
    power, parameter = built.power, built.parameter
    stop = Fraction(1) if theorem.squared else power / 2
    if parameter >= stop:
        what = "rho" if theorem.squared else "budget"
        limit = "1" if theorem.squared else f"half the separation, {format_rational(stop)}"
        raise RefusedError(
            "budget at the limit", f"{what} {format_rational(parameter)} is not below {limit}"
        )
    family, ball = question.family, Fraction(0)
    if family is not None:
        slope = Fraction(0) if theorem.flat else -1 / stop
        due = (slope, power / 4 if theorem.squared else Fraction(1), stop)
        if parameter or family.denominator[0] != 1 or not family.open:
            raise _other("every budget: D(m) = 1 + slope m on an interval open above is proved")
        if (family.denominator[1], family.unit, family.last) != due:
            numbers = ", ".join(map(format_rational, due))
            raise _other(f"every budget: slope, unit and end of {theorem.source} are {numbers}")
    else:
        size = question.radius_squared
        if size is None:
            if question.radius is None:
                raise _other(f"no ball; {theorem.source} is about balls")
            size = question.radius**2 if theorem.norm == "2" else question.radius
        ball, largest = size, parameter**2 * power / 4 if theorem.squared else parameter
        if ball > largest:
            raise _other(
                f"{'squared ' * theorem.squared}radius {format_rational(ball)} is above that of "
                f"the budget, {format_rational(largest)}"
            )
    return Task(theorem, built, Budget(family is not None, power, parameter), ball, question)


def _other(detail: str) -> RefusedError:
    return RefusedError("another question", detail)


def require_labels(task: Task, points: Points) -> None:
    """Returns if the theorem is about so many labels; raises RefusedError."""
    found = len(set(points.labels.tolist()))
    if task.theorem.tests == "cones" and (found, points.classes) != (2, 2):
        raise _other(f"data of {found} labels; {task.theorem.source} is about two")
    if task.theorem.tests == "classes" and points.labels.max() >= points.size:
        raise _other(
            f"data of {points.size} samples with the label number {points.labels.max()}; "
            f"{task.theorem.source} is about data of no more labels than samples"
        )


def lines_of(rows: Rows) -> Iterator[Line]:
    starts, indices = rows.starts.tolist(), rows.indices.tolist()
    numerators = rows.numerators.tolist()
    tails = zip(rows.constants.tolist(), rows.denominators.tolist(), strict=True)
    for first, last, (bias, below) in zip(starts, starts[1:], tails, strict=False):
        entries = list(zip(indices[first:last], numerators[first:last], strict=True))
        yield Line(entries, bias, below)


def another_shape(rows: NetworkRows, inputs: int, outputs: int) -> RefusedError:
    found = f"{rows.inputs} inputs and {rows.outputs.count} outputs"
    return RefusedError("another network", f"it has {found}; due: {inputs} and {outputs}")


def differs(rows: NetworkRows, number: int, due: Line | None, found: Line | None) -> RefusedError:
    """The first row that differs, by layer and unit, counted from 0, with both rows."""
    where, left = f"output {number - rows.units}", number
    if number < rows.units or due is None or found is None:
        where = f"layer {len(rows.layers)}, unit {number - rows.units}"
    for layer, size in enumerate(rows.layers):
        if left < size:
            where = f"layer {layer}, unit {left}"
            break
        left -= size
    place = 0
    if due is not None and found is not None:
        place = _first_difference(due, found)
    both = [_line_text(line, rows.inputs, place) for line in (due, found)]
    return RefusedError("another network", f"{where}: due is {both[0]}; found is {both[1]}")


def _first_difference(due: Line, found: Line) -> int:
    pairs = zip(due.entries, found.entries, strict=False)
    for place, ((j, v), (k, w)) in enumerate(pairs):
        if j != k or v * found.below != w * due.below:
            return place
    return min(len(due.entries), len(found.entries))


_SHOWN = 4  # terms of a row, from one before the first that differs


def _line_text(line: Line | None, inputs: int, place: int) -> str:
    if line is None:
        return "no unit"
    first = max(0, min(place - 1, len(line.entries) - _SHOWN))
    terms: Entries = line.entries[first : first + _SHOWN]
    texts = ["..."] * (first > 0)
    for j, w in terms:
        name = f"x{j}" if j < inputs else f"z{j - inputs}"
        texts.append(f"{_short(Fraction(w, line.below))} {name}")
    texts += ["..."] * (first + _SHOWN < len(line.entries))
    return " + ".join([*texts, _short(Fraction(line.bias, line.below))])


def _short(value: Fraction) -> str:
    text = format_rational(value) if value.denominator.bit_length() < 200 else "a long number"
    return text if len(text) < 60 else "a long number"


def vectors_of(rows: NetworkRows, points: Points, theorem: Theorem) -> Vectors:
    """The vectors of half-spaces as the network has them: those of a sample are the units that its
    rise, in the second layer, reads. None for other tests.

    Raises RefusedError for a network that is none of half-space tests.
    """
    if theorem.tests != "planes":
        return []
    if len(rows.layers) < 2 or rows.layers[1] != points.size or rows.inputs < points.dimension:
        raise RefusedError("another network", f"no layer of {points.size} rises is its second")
    unit = points.denominator if theorem.squared else 1
    lines = chain.from_iterable(map(lines_of, rows.parts()))
    planes_ = [next(lines) for _ in range(rows.layers[0])]
    found: Vectors = []
    for _ in range(points.size):
        own = []
        for j, _ in next(lines).entries:
            if rows.inputs <= j < rows.inputs + len(planes_):
                own.append(_vector(planes_[j - rows.inputs], points.dimension, unit))
        found.append(own)
    return found


def _vector(line: Line, dimension: int, unit: int) -> list[int]:
    vector = [0] * dimension
    for k, w in line.entries:
        if k < dimension:
            entry = Fraction(-w * unit, line.below)
            if entry.denominator != 1:
                raise RefusedError(
                    "another network", f"a half-space with the entry {format_rational(entry)}"
                )
            vector[k] = int(entry)
    return vector


def too_near(task: Task, first: int, second: int) -> RefusedError:
    """Which samples are too near; of half-spaces which rival is not covered, -1 if a vector does
    not fit."""
    power = format_rational(task.built.power)
    if task.theorem.tests == "planes":
        detail = f"no half-space of sample {first} keeps off sample {second}"
        if second < 0:
            detail = f"a half-space of sample {first} has no vector that fits"
        return RefusedError("rival not covered", detail)
    return RefusedError(
        "not separated",
        f"samples {first} and {second} have different labels and are less than {power} apart",
    )

"""Answers about the network as floating point executes it: see `question.executed`.

A proof is about every execution in the format on the region. A flip is an input of the format at
which the plain execution, every sum from first to last, satisfies a goal.
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

from verifier.checker.checked import Asked, Checked, Checker
from verifier.evidence.certificate import Flip, Robust, Undecided, Verdict
from verifier.evidence.proof_file import Claim
from verifier.question.errors import RefusedError
from verifier.question.executed import Format, Vector, executable, executed, is_number
from verifier.question.network import Network, Rows
from verifier.question.query import Query
from verifier.question.region import Region
from verifier.search.options import Options
from verifier.tasks.verify import CheckedOutcome, verify, verify_batch

_TRIES = 64  # points at which an execution is looked at


@dataclass(frozen=True, slots=True)
class Execution:
    """The plain execution at `point`, an input of the format: the outputs satisfy goal `goal`.

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


def verify_executed(
    query: Query,
    semantics: Format,
    options: Options = Options(),
    first: Sequence[Vector] = (),
    *,
    checker: Checker | None = None,
    asked: Asked | None = None,
) -> Executed:
    """Robust with a proof of `executed(query)`, a flip that is an execution, or undecided.

    The points `first`, as far as they are inputs of the format in the region, are executed before
    any search. Later a flip is looked for in as much time again, near what exact search finds and
    at random. `checker` is one of this network and format that serves the region, if the caller
    keeps one; `asked` names the question, where it belongs to a run.
    """
    question = executed(query, semantics)
    own = checker or Checker.of(query.network, [question], semantics)
    names = None if asked is None else [asked]
    search = _Executions(query, question, semantics, own, names)
    for point in first:
        if query.region.contains(point) and all(is_number(x, semantics) for x in point):
            found = search.flip_at(point)
            if found is not None:
                return found
    outcome = verify_batch(own.network, [question], options, checker=own, asked=names)[0]
    if isinstance(outcome.verdict, Robust):
        return Executed(question, outcome)
    started = monotonic()
    starts = [] if outcome.refused is None else [outcome.refused.point[: query.network.inputs]]
    exact = verify(query, options).verdict
    if isinstance(exact, Flip):
        starts.append(exact.point)
    for tried, point in enumerate(_candidates(query.region, starts, semantics, options.seed)):
        if tried and options.timeout is not None and monotonic() - started > options.timeout:
            break
        found = search.flip_at(point)
        if found is not None:
            return replace(found, outcome=replace(found.outcome, seconds=outcome.seconds))
    reason = "some rounding might flip it"
    if outcome.refused is None and isinstance(outcome.verdict, Undecided):
        reason = outcome.verdict.reason
    verdict = Undecided(f"as executed in {semantics}: {reason}")
    return Executed(question, replace(outcome, verdict=verdict, checked=None, refused=None))


def check_executed(query: Query, semantics: Format, verdict: Claim) -> Checked:
    """The verdict about `executed(query, semantics)` shown to be true.

    Raises RefusedError, naming the flaw; a flip whose errors are those of no execution among them.
    """
    if not isinstance(verdict, Robust | Flip):
        raise RefusedError(
            "another verdict", f"exact extremes are of real numbers, not {semantics}"
        )
    question = executed(query, semantics)
    checker = Checker.of(query.network, [question], semantics)
    kind: Literal["robust", "flip"] = "flip" if isinstance(verdict, Flip) else "robust"
    (answer,) = (found for _, found in checker.check([question], [kind], lambda k: verdict))
    if isinstance(answer, RefusedError):
        raise answer
    return answer


@dataclass(frozen=True, slots=True)
class _Executions:
    """Looks for flips of one query among executions."""

    query: Query
    question: Query
    semantics: Format
    checker: Checker
    asked: Sequence[Asked] | None

    def flip_at(self, point: Vector) -> Executed | None:
        """The checked flip at the point, if the plain execution satisfies a goal there; numpy looks
        first."""
        network, goals = self.query.network, self.query.goals
        outputs = execute(network, point, self.semantics)
        for number, goal in enumerate(goals):
            if all(atom.holds(point, outputs) for atom in goal.atoms):
                form = executable(network, self.semantics)
                values = form.run(point)
                flip = Flip(form.point(values), number)
                shown = self.checker.flips([self.question], [flip], self.asked)[0]
                if isinstance(shown, Checked):
                    seen = Execution(point, values[network.variables :], number)
                    return Executed(self.question, CheckedOutcome(flip, checked=shown), seen)
        return None


def execute(network: Network, point: Sequence[Fraction], semantics: Format) -> Vector:
    """The outputs of the plain execution as numpy computes it."""
    kind = np.dtype(semantics).type
    values: NDArray[np.floating] = np.zeros(
        network.variables + network.outputs.count, dtype=semantics
    )
    values[: network.inputs] = [kind(float(x)) for x in point]

    def form(rows: Rows, i: int) -> np.floating:
        weights, constant = rows.fractions(i)
        factors = np.array([float(w) for w in weights.values()], dtype=semantics)
        terms = [*(factors * values[list(weights)] if weights else ()), kind(float(constant))]
        result: np.floating = np.cumsum(np.array(terms, dtype=semantics))[-1]  # from first to last
        return result

    for v in range(network.units.count):
        values[network.inputs + v] = max(form(network.units, v), kind(0))
    for j in range(network.outputs.count):
        values[network.variables + j] = form(network.outputs, j)
    return tuple(Fraction(float(value)) for value in values[network.variables :])


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

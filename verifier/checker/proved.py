"""Replays by `robmem-kernel`, the program that is extracted from the Coq development.

What it was asked is compared with what it says it was asked: its reader need not be believed. What
it accepts becomes a `Checked` value of its own kind, by the "proved kernel".
"""

from __future__ import annotations

import hashlib
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import count as count_from
from pathlib import Path
from threading import Thread

from verifier.checker.checked import _KEY, Asked, Checked, Facts, Verdict, asked_of
from verifier.checker.elaborate import elaborate, spelled
from verifier.checker.exact_maximum import check_maximum
from verifier.checker.family_replay import replay_member_flip
from verifier.checker.manifest import (
    Question,
    Result,
    asked_of_run,
    claimed,
    question_of,
    replay_distance,
    replay_margin,
    require_kinds,
    require_real,
    run_checker,
    sample_family,
    sample_query,
    verdict_of,
)
from verifier.checker.programs import Program
from verifier.checker.scaled import ScaledNetwork
from verifier.evidence.certificate import Flip, Maximum, Radius, Robust, check_numbers
from verifier.evidence.curve import MarginCurve
from verifier.evidence.data_file import Points
from verifier.evidence.kernel_stream import (
    answer_text,
    cone_text,
    growth_text,
    has_balls,
    is_spelled_out,
    network_text,
    number_text,
    question_text,
    streamed_text,
)
from verifier.evidence.proof_file import Claim
from verifier.question.errors import RefusedError, UserError
from verifier.question.family import FamilyQuery
from verifier.question.network import Network
from verifier.question.query import Query
from verifier.question.region import power, root_upper

PROGRAM = Program("robmem-kernel", "ROBMEM_KERNEL", "verifier/kernel/coq")
Part = tuple[bool, str]
"""A piece of a stream, and whether it is part of the question."""
Answer = Robust | Flip | Radius
Ends = tuple[Fraction | None, Fraction | None]
"""Of the interval in which a distance or a least margin lies."""


def find_program() -> Path:
    """The program, from the folder named by ROBMEM_KERNEL or from PATH; UserError if absent."""
    return PROGRAM.find()


def proof_parts(query: Query | FamilyQuery, verdict: Answer) -> Iterator[Part]:
    """The stream of one question with its answer."""
    yield from ((True, text) for text in network_text(query.network))
    yield True, cone_text(query) if isinstance(query, FamilyQuery) else question_text(query)
    yield from ((False, text) for text in _answer(query, verdict))
    yield False, "end\n"


def _answer(query: Query | FamilyQuery, verdict: Answer) -> Iterator[str]:
    """Spelled out node after node where no leaf can have weights, whose tables stand before all."""
    if isinstance(verdict, Robust) and not has_balls(verdict) and not is_spelled_out(verdict):
        yield from streamed_text(*spelled(query, verdict), len(verdict.trees))
    else:
        yield from answer_text(spelled_out(query, verdict))


@dataclass(slots=True)
class Told:
    """What a stream of a run tells while it is made: the answers that are due, in their order, and,
    by sample, the goals of flips and the ends of intervals."""

    due: list[str] = field(default_factory=list)
    goals: dict[int, int] = field(default_factory=dict)
    ends: dict[int, Ends] = field(default_factory=dict)


def run_parts(
    network: Network,
    points: Points,
    question: Question,
    results: Sequence[Result],
    fetch: Callable[[str], bytes],
    told: Told | None = None,
) -> Iterator[Part]:
    """The stream of these results of a run; certificates are read one after another.

    Raises UserError for a run about executions in floats: the theorem is about real numbers; and
    for one about margins on balls of all radii, which is about two networks, see `_curve`.
    """
    require_real(question, "the proved kernel")
    if _has_curves(question):
        raise UserError("margins on balls of all radii are no single stream; check --proved")
    told = Told() if told is None else told
    yield from ((True, text) for text in network_text(network))
    if question.measured is not None:
        for result in results:
            yield from _interval(network, points, question, result, fetch, told)
    else:
        yield from _samples(network, points, question, results, fetch, told)
    yield False, "end\n"


def _samples(
    network: Network,
    points: Points,
    question: Question,
    results: Sequence[Result],
    fetch: Callable[[str], bytes],
    told: Told,
) -> Iterator[Part]:
    """Each sample's label on its ball, or on every ball of a family; of that a flip is one of the
    question about its m alone."""
    scaled: ScaledNetwork | None = None
    yield True, _task(points, question)
    for result in results:
        verdict = claimed(result, fetch, network.digest)
        if isinstance(verdict, Flip):
            told.goals[result.sample] = verdict.goal
            if question.family is not None:
                told.due.append("question flip")
                yield True, question_text(_member(network, points, question, result, verdict))
                yield from ((False, text) for text in answer_text(verdict))
                continue
        if question.family is None:
            sample_query(network, points, question, result.sample)  # or an error: an empty region
        told.due.append(f"sample {result.sample} {result.kind}")
        center = " ".join(map(number_text, points.point(result.sample)))
        yield True, f"sample {result.sample} {int(points.labels[result.sample])} {center}\n"
        if isinstance(verdict, Robust) and not is_spelled_out(verdict):
            if scaled is None:
                scaled = run_checker(network, points, question).scaled
            query = question_of(network, points, question, result.sample)
            try:
                verdict = elaborate(query, verdict, scaled)
            except RefusedError as flaw:
                raise RefusedError(flaw.flaw, f"sample {result.sample}: {flaw.detail}") from None
        yield from ((False, text) for text in answer_text(verdict))


def _member(
    network: Network, points: Points, question: Question, result: Result, flip: Flip
) -> Query:
    """The question about the m of a flip, which must be one of the family's."""
    query = sample_family(network, points, question, result.sample)
    try:
        check_numbers(flip)
        replay_member_flip(query, flip)
    except RefusedError as flaw:
        raise RefusedError(flaw.flaw, f"sample {result.sample}: {flaw.detail}") from None
    return query.at(flip.point[-1])


def _interval(
    network: Network,
    points: Points,
    question: Question,
    result: Result,
    fetch: Callable[[str], bytes],
    told: Told,
) -> Iterator[Part]:
    """The two questions of a sample's distance or least margin: a point, and a proof."""
    parts: list[tuple[Query | FamilyQuery, Robust | Flip]] = []

    def note(query: Query | FamilyQuery, verdict: Robust | Flip) -> None:
        parts.append((query, verdict))

    replay = replay_distance if question.distance is not None else replay_margin
    found = replay(network, points, question, result, fetch, note)
    told.ends[result.sample] = found.lower, found.upper
    for query, verdict in parts:
        if isinstance(verdict, Flip):
            told.goals[result.sample] = verdict.goal
        told.due.append(f"question {'flip' if isinstance(verdict, Flip) else 'robust'}")
        yield True, cone_text(query) if isinstance(query, FamilyQuery) else question_text(query)
        yield from ((False, text) for text in answer_text(spelled_out(query, verdict)))


def _has_curves(question: Question) -> bool:
    return question.margin is not None and question.margin.curve


def _curve(
    network: Network,
    points: Points,
    question: Question,
    result: Result,
    fetch: Callable[[str], bytes],
    told: Told,
) -> None:
    """Lets the program replay the parts of a sample's margins on balls of all radii, each by
    itself: proofs are about the network with the radius as an input, points about the network."""
    found = replay_margin(network, points, question, result, fetch, replay_proof)
    told.ends[result.sample] = found.lower, found.upper
    if isinstance(found, MarginCurve):
        told.goals[result.sample] = found.pieces[-1].goal


def spelled_out(query: Query | FamilyQuery, verdict: Answer) -> Answer:
    """The verdict without short forms; raises RefusedError where they do not hold."""
    match verdict:
        case Robust() if not is_spelled_out(verdict):
            return elaborate(query, verdict)
        case Radius(proof, flip) if not is_spelled_out(proof):
            return Radius(elaborate(query, proof), flip)
    return verdict


def _task(points: Points, question: Question) -> str:
    if question.family is not None:
        terms = question.family
        growth = growth_text(terms.cone(question.norm, points.point(0)))
        numbers = map(number_text, terms.denominator)
        return " ".join(["family", question.decoder, str(points.classes), growth, *numbers]) + "\n"
    size = reach = question.radius or Fraction(0)
    if question.radius_squared is not None:
        size, reach = question.radius_squared, root_upper(question.radius_squared)
    else:
        size **= power(question.norm)
    clip = (
        "whole" if question.clip is None else " ".join(["clip", *map(number_text, question.clip)])
    )
    words = [question.decoder, str(points.classes), question.norm]
    return " ".join(["task", *words, number_text(size), number_text(reach), clip]) + "\n"


def replay_proved(
    parts: Iterable[Part], due: Sequence[str], answered: Callable[[], None] = lambda: None
) -> None:
    """Returns if the program answers with what is due to exactly this question; `answered` is
    called at each answer. What is due may be told while the parts are made.

    Raises RefusedError, naming the first difference.
    """
    program = find_program()
    asked = hashlib.sha256()
    flaws: list[Exception] = []
    with tempfile.TemporaryDirectory() as folder:
        shown = Path(folder) / "question"
        command = [str(program), "-", "--print", str(shown)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            stdin, stdout = process.stdin, process.stdout
            if stdin is None or stdout is None:
                raise RuntimeError("no pipes to the program")

            def feed() -> None:
                try:
                    with stdin:
                        for question, text in parts:
                            data = text.encode()
                            if question:
                                asked.update(data)
                            stdin.write(data)
                except BrokenPipeError:
                    pass  # it refuses, and says why
                except (RefusedError, UserError) as error:
                    flaws.append(error)

            feeder = Thread(target=feed)
            feeder.start()
            answers = []
            for line in stdout:
                answers.append(line.decode(errors="replace").rstrip("\n"))
                answered()
            feeder.join()
        if flaws:
            raise flaws[0]
        for claim, answer in zip(due, answers, strict=False):
            if answer != claim:
                raise RefusedError("refused by the proved kernel", f"{answer[:200]}; due: {claim}")
        if len(answers) != len(due) or process.returncode != 0:
            last = answers[-1][:200] if answers else "no answer"
            raise RefusedError("refused by the proved kernel", f"it ends with: {last}")
        if hashlib.sha256(shown.read_bytes()).digest() != asked.digest():
            raise RefusedError("another question", "the proved kernel prints another one back")


def replay_proof(query: Query | FamilyQuery, verdict: Claim) -> Checked:
    """What the proved kernel has accepted, of a maximum its two parts; raises RefusedError."""
    kind: Verdict = "robust"
    if isinstance(query, FamilyQuery) and not isinstance(verdict, Robust):
        raise RefusedError("another verdict", "a family is shown by a proof")
    if isinstance(query, Query) and isinstance(verdict, Maximum):
        check_maximum(query, verdict, replay_proof)
        kind = "maximum"
    elif not isinstance(verdict, Maximum):
        answers = {Robust: "robust", Flip: "flip", Radius: "exact radius"}
        replay_proved(proof_parts(query, verdict), [f"question {answers[type(verdict)]}"])
        kind = "radius" if isinstance(verdict, Radius) else kind
    goal = verdict.goal if isinstance(verdict, Flip) else None
    kind = kind if goal is None else "flip"
    return _by_program(query.network.digest, asked_of(query), kind, goal)


def _by_program(
    network: str,
    asked: Asked,
    kind: Verdict,
    goal: int | None,
    certificate: str | None = None,
    ends: Ends | None = None,
) -> Checked:
    facts = Facts(network, asked, kind, goal, certificate, "proved kernel", ends=ends)
    return Checked(_KEY, facts, None)


def replay_run(
    network: Network,
    points: Points,
    question: Question,
    results: Sequence[Result],
    fetch: Callable[[str], bytes],
    jobs: int = 1,
    progress: Callable[[int], None] = lambda done: None,
) -> dict[int, Checked]:
    """By sample what the proved kernel has accepted: all of these results that have a certificate,
    else RefusedError. `progress` is called with how many are answered.

    Raises UserError as `run_parts`.
    """
    require_real(question, "the proved kernel")
    require_kinds(question, results)
    find_program()
    decided = [result for result in results if result.certificate is not None]
    count = max(1, -(-len(decided) // max(1, jobs)))
    chunks = [decided[begin : begin + count] for begin in range(0, len(decided), count)]
    notes = [Told() for _ in chunks]
    done = count_from(1)

    def replay(chunk: Sequence[Result], told: Told) -> None:
        if _has_curves(question):
            for result in chunk:
                _curve(network, points, question, result, fetch, told)
                progress(next(done))
            return
        parts = run_parts(network, points, question, chunk, fetch, told)
        replay_proved(parts, told.due, lambda: progress(next(done)))

    with ThreadPoolExecutor(max(1, jobs)) as pool:
        for _ in pool.map(replay, chunks, notes):
            pass
    asked = iter(asked_of_run(points.digest, question, [result.sample for result in decided]))
    return {
        result.sample: _by_program(
            network.digest, next(asked), verdict_of(result), told.goals.get(result.sample),
            result.certificate, told.ends.get(result.sample),
        )
        for chunk, told in zip(chunks, notes, strict=True)
        for result in chunk
    }  # fmt: skip

"""Replays by `robmem-kernel`, the program that is extracted from the Coq development.

What it was asked is compared with what it says it was asked: its reader need not be believed.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path
from threading import Thread

from verifier.checker.elaborate import elaborate
from verifier.checker.exact_maximum import check_maximum
from verifier.checker.manifest import Question, Result, claimed, require_real, sample_query
from verifier.evidence.certificate import Flip, Maximum, Radius, Robust
from verifier.evidence.data_file import Points
from verifier.evidence.kernel_stream import (
    answer_text,
    is_spelled_out,
    network_text,
    number_text,
    question_text,
)
from verifier.evidence.proof_file import Claim
from verifier.question.errors import RefusedError, UserError
from verifier.question.network import Network
from verifier.question.query import Query
from verifier.question.region import root_upper

PROGRAM = "robmem-kernel"
VARIABLE = "ROBMEM_KERNEL"
HOW = f"make -C verifier/kernel/coq program, then {VARIABLE}=verifier/kernel/coq/program"
Part = tuple[bool, str]
"""A piece of a stream, and whether it is part of the question."""
Answer = Robust | Flip | Radius


def find_program() -> Path:
    """The program, from the folder named by ROBMEM_KERNEL or from PATH; UserError if absent."""
    folder = os.environ.get(VARIABLE)
    if folder:
        path = Path(folder) / PROGRAM
        if not os.access(path, os.X_OK):
            raise UserError(f"{VARIABLE}: there is no program {path}; build it: {HOW}")
        return path
    found = shutil.which(PROGRAM)
    if found is None:
        raise UserError(f"{PROGRAM} is not on PATH; build it: {HOW}")
    return Path(found)


def proof_parts(query: Query, verdict: Answer) -> Iterator[Part]:
    """The stream of one question with its answer."""
    yield from ((True, text) for text in network_text(query.network))
    yield True, question_text(query)
    yield from ((False, text) for text in answer_text(spelled_out(query, verdict)))
    yield False, "end\n"


def run_parts(
    network: Network,
    points: Points,
    question: Question,
    results: Sequence[Result],
    fetch: Callable[[str], bytes],
) -> Iterator[Part]:
    """The stream of these results of a run; certificates are read one after another.

    Raises UserError for a run about executions in floats: the theorem is about real numbers.
    """
    require_real(question, "the proved kernel")
    yield from ((True, text) for text in network_text(network))
    yield True, _task(points, question)
    for result in results:
        center = " ".join(map(number_text, points.point(result.sample)))
        yield True, f"sample {result.sample} {int(points.labels[result.sample])} {center}\n"
        verdict = claimed(result, fetch, network.digest)
        if isinstance(verdict, Robust) and not is_spelled_out(verdict):
            verdict = elaborate(sample_query(network, points, question, result.sample), verdict)
        yield from ((False, text) for text in answer_text(verdict))
    yield False, "end\n"


def spelled_out(query: Query, verdict: Answer) -> Answer:
    """The verdict without short forms; raises RefusedError where they do not hold."""
    match verdict:
        case Robust() if not is_spelled_out(verdict):
            return elaborate(query, verdict)
        case Radius(proof, flip) if not is_spelled_out(proof):
            return Radius(elaborate(query, proof), flip)
    return verdict


def _task(points: Points, question: Question) -> str:
    if question.family is not None:
        raise UserError("the proved kernel has no rules for every budget at once yet")
    size = reach = question.radius or Fraction(0)
    if question.radius_squared is not None:
        size, reach = question.radius_squared, root_upper(question.radius_squared)
    elif question.norm == "2":
        size = size**2
    clip = (
        "whole" if question.clip is None else " ".join(["clip", *map(number_text, question.clip)])
    )
    words = [question.decoder, str(points.classes), question.norm]
    return " ".join(["task", *words, number_text(size), number_text(reach), clip]) + "\n"


def replay_proved(parts: Iterable[Part], claims: Sequence[str]) -> None:
    """Returns if the program answers with these claims to exactly this question.

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
            answers = stdout.read().decode(errors="replace").splitlines()
            feeder.join()
        if flaws:
            raise flaws[0]
        for claim, answer in zip(claims, answers, strict=False):
            if answer != claim:
                raise RefusedError("refused by the proved kernel", f"{answer[:200]}; due: {claim}")
        if len(answers) != len(claims) or process.returncode != 0:
            last = answers[-1][:200] if answers else "no answer"
            raise RefusedError("refused by the proved kernel", f"it ends with: {last}")
        if hashlib.sha256(shown.read_bytes()).digest() != asked.digest():
            raise RefusedError("another question", "the proved kernel prints another one back")


def replay_proof(query: Query, verdict: Claim) -> None:
    """Returns if the proved kernel accepts the proof of `query`, of a maximum its two parts; raises
    RefusedError."""
    if isinstance(verdict, Maximum):
        check_maximum(query, verdict, replay_proof)
        return
    kinds = {Robust: "robust", Flip: "flip", Radius: "exact radius"}
    replay_proved(proof_parts(query, verdict), [f"question {kinds[type(verdict)]}"])


def replay_run(
    network: Network,
    points: Points,
    question: Question,
    results: Sequence[Result],
    fetch: Callable[[str], bytes],
    jobs: int = 1,
) -> None:
    """Returns if the proved kernel accepts the certificates of these results; else RefusedError.

    Raises UserError as `run_parts`.
    """
    require_real(question, "the proved kernel")
    find_program()
    decided = [result for result in results if result.certificate is not None]
    count = max(1, -(-len(decided) // max(1, jobs)))
    chunks = [decided[begin : begin + count] for begin in range(0, len(decided), count)]

    def replay(chunk: Sequence[Result]) -> None:
        claims = [f"sample {result.sample} {result.kind}" for result in chunk]
        replay_proved(run_parts(network, points, question, chunk, fetch), claims)

    with ThreadPoolExecutor(max(1, jobs)) as pool:
        for _ in pool.map(replay, chunks):
            pass

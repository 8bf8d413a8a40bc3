"""Recognition by `robmem-theorem`, the program that is extracted from Coq (Recognise.v).

Data and network are handed over as a stream, some rows at a time; what the program says that it was
asked is compared with what it was asked, so that its reader need not be believed.
"""

from __future__ import annotations

import hashlib
import os
import re
import resource
import subprocess
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Thread
from typing import BinaryIO

import numpy as np

from verifier.checker.programs import Program
from verifier.checker.theorem_lines import Line
from verifier.checker.theorem_task import Task, Vectors, another_shape, differs, too_near
from verifier.evidence.data_file import Points
from verifier.evidence.network_rows import NetworkRows
from verifier.evidence.theorem_stream import Part, stream_parts
from verifier.question.errors import RefusedError, UserError

PROGRAM = Program("robmem-theorem", "ROBMEM_THEOREM", "constructions/coq")
_BLOCK = 1 << 20


def require_by_program(
    task: Task, rows: NetworkRows, points: Points, vectors: Vectors, jobs: int
) -> None:
    """Returns if the program answers that all is as it should be; `jobs` of them share the pairs of
    samples, and the first one compares the network.

    Raises RefusedError: the pair that is too near, or the first row that differs, with both rows.
    """
    mask = quick_mask(task, points)
    turns = max(1, min(jobs, points.size))

    def ask(turn: int) -> tuple[int, int] | None:
        own = rows if turn == 0 else None
        parts = stream_parts(
            task.built, task.budget.every, task.ball, points, vectors, own,
            mask=mask, turns=turns, turn=turn,
        )  # fmt: skip
        due = ["the question is sound", f"the samples are apart: turn {turn} of {turns}"]
        if own is not None:
            due.append(f"the network is as it is due: {own.units} units")
        return _require(rows, due, *_converse(parts))

    pairs, flaws = list[tuple[int, int]](), list[UserError]()
    with ThreadPoolExecutor(turns) as pool:
        for future in [pool.submit(ask, turn) for turn in range(turns)]:
            try:
                pair = future.result()
                pairs += [] if pair is None else [pair]
            except UserError as flaw:
                flaws.append(flaw)
    if pairs:
        raise too_near(task, *min(pairs))
    if flaws:
        raise flaws[0]


def _require(
    rows: NetworkRows, due: Sequence[str], answers: Sequence[str], alike: bool
) -> tuple[int, int] | None:
    """None if these are the answers that are due, to the question that was asked; or the pair of
    samples that is too near. Raises RefusedError."""
    refusal = answers[-1].removeprefix("refused: ") if answers else "no answer"
    if list(answers) == list(due):
        if not alike:
            raise RefusedError("another question", "the program prints another one back")
        return None
    if pair := re.fullmatch(r"samples (-?\d+) (-?\d+)", refusal):
        return int(pair[1]), int(pair[2])
    if row := re.fullmatch(r"row (\d+); due: (.*); found: (.*)", refusal):
        raise differs(rows, int(row[1]), _line(row[2]), _line(row[3]))
    if shape := re.fullmatch(r"\d+ inputs and \d+ outputs; due: (\d+) and (\d+)", refusal):
        raise another_shape(rows, int(shape[1]), int(shape[2]))
    raise RefusedError("refused by the proved theorem", refusal[:200])


def _line(text: str) -> Line | None:
    """A row as the program shows it: number of terms, variable and weight of each, bias, below."""
    if text == "no unit":
        return None
    numbers = list(map(int, text.split()))
    if len(numbers) != 2 * numbers[0] + 3:
        raise RefusedError("refused by the proved theorem", f"a row of {len(numbers)} numbers")
    return Line(list(zip(numbers[1:-2:2], numbers[2:-2:2], strict=True)), *numbers[-2:])


def _converse(parts: Iterable[Part]) -> tuple[list[str], bool]:
    """The answers of the program, and whether it prints back what it was asked."""
    program = PROGRAM.find()
    asked, printed = hashlib.sha256(), hashlib.sha256()
    flaws: list[Exception] = []
    back, front = os.pipe()
    try:
        process = subprocess.Popen(
            [str(program), "-", "--print", f"/dev/fd/{front}"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, pass_fds=(front,),
        )  # fmt: skip
    except OSError as error:
        os.close(back)
        raise UserError(f"{program}: {error.strerror or error}") from None
    finally:
        os.close(front)
    _deepen(process.pid)
    with process, open(back, "rb") as echo:
        stdin, stdout = process.stdin, process.stdout
        if stdin is None or stdout is None:
            raise RuntimeError("no pipes to the program")

        def feed() -> None:
            try:
                with stdin:
                    for kept, data in parts:
                        if kept:
                            asked.update(data)
                        stdin.write(data)
            except BrokenPipeError:
                pass  # it refuses, and says why
            except (RefusedError, UserError) as error:
                flaws.append(error)

        threads = [Thread(target=feed), Thread(target=_hash, args=(echo, printed))]
        for thread in threads:
            thread.start()
        answers = [line.decode(errors="replace").rstrip("\n") for line in stdout]
        for thread in threads:
            thread.join()
    if flaws:
        raise flaws[0]
    return answers, process.returncode == 0 and asked.digest() == printed.digest()


def _hash(stream: BinaryIO, state: hashlib._Hash) -> None:
    while block := stream.read(_BLOCK):
        state.update(block)


def _deepen(process: int) -> None:
    """The stack of the program may grow as far as this user's limit: lists are as long as the data
    set, and some functions call themselves once an element."""
    try:
        _, hard = resource.prlimit(process, resource.RLIMIT_STACK)
        resource.prlimit(process, resource.RLIMIT_STACK, (hard, hard))
    except (AttributeError, OSError, ValueError):
        pass  # it says that it is too deep, if it is


_PAIRS, _COORDINATES = 20_000, 48


def quick_mask(task: Task, points: Points) -> list[bool]:
    """The coordinates in which most of some pairs are far enough apart, to be tried first; a hint.
    Only a maximum norm can end at one coordinate."""
    n = points.dimension
    if task.theorem.norm != "inf" or task.theorem.tests != "cubes" or n <= _COORDINATES:
        return []
    least = -(-task.built.power * points.denominator // 1)
    random = np.random.default_rng(0)
    first, second = random.integers(0, points.size, (2, _PAIRS))
    differ = points.labels[first] != points.labels[second]
    far = abs(points.numerators[first[differ]] - points.numerators[second[differ]]) >= least
    mask = [False] * n
    for _ in range(_COORDINATES):
        counts = far.sum(axis=0)
        best = int(counts.argmax())
        if not counts[best]:
            break
        mask[best] = True
        far = far[~far[:, best].astype(bool)]
    return mask

"""Instances of the verification competition: a network, a VNN-LIB property, a time limit.

`answer` settles one, about real arithmetic or as executed in a format; `Table` keeps the answers of
a list in a file that a later run continues.
"""

from __future__ import annotations

import contextlib
import csv
import hashlib
import io
import itertools
import math
import signal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from fractions import Fraction
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnContext, SpawnProcess
from pathlib import Path
from time import monotonic

import numpy as np

from verifier.checker.checked import Checked, Facts, asked_of, of_local_process
from verifier.checker.scaled import evaluate
from verifier.evidence.certificate import Flip, Undecided
from verifier.evidence.files import read_regular, write_bytes
from verifier.evidence.proof_file import Claim, load_proof, proof_bytes, save_proof
from verifier.formats.files import naming, read_text, shown
from verifier.formats.parts import Parts
from verifier.formats.vipr.check import MAX_BYTES
from verifier.formats.vipr.program import check_vipr_of
from verifier.formats.vnnlib.join import Joined, join
from verifier.formats.vnnlib.property import REACH, Property, contains
from verifier.formats.vnnlib.read import read_property
from verifier.question.errors import RefusedError, UserError
from verifier.question.executed import Semantics, executed
from verifier.question.network import Network
from verifier.question.query import Query
from verifier.search.options import Options
from verifier.search.parent import end_with_parent
from verifier.tasks.instance_lists import Instance, Word, read_instances
from verifier.tasks.semantics import check_executed, verify_executed
from verifier.tasks.verify import CheckedOutcome, check, verify

Vector = tuple[Fraction, ...]


@dataclass(frozen=True, slots=True)
class Violation:
    """`outputs` are the exact outputs at `point`, and both satisfy disjunct `disjunct`.

    As executed, they are those of the plain execution.
    """

    point: Vector
    outputs: Vector
    disjunct: int


@dataclass(frozen=True, slots=True)
class FloatPoint:
    """A float32 point next to an exact violation, and what becomes of the property there.

    `exact` says whether it is a violation in real arithmetic; `runtime_outputs` and `runtime` are
    onnxruntime's outputs and whether they violate the property, None without onnxruntime.
    """

    point: tuple[float, ...]
    exact_outputs: Vector
    exact: bool
    runtime_outputs: tuple[float, ...] | None
    runtime: bool | None

    @property
    def differs(self) -> bool:
        """Whether real arithmetic and onnxruntime disagree about this point, or it is none."""
        return not self.exact or self.runtime is False


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """`word` with its evidence: for every box of the property a query and its checked outcome.

    A violated property has the one query that shows it; `violation` is set exactly then. With
    other `semantics` than real the evidence is about the queries as `question.executed` widens
    them.
    """

    word: Word
    queries: tuple[Query, ...]
    outcomes: tuple[CheckedOutcome, ...]
    violation: Violation | None
    seconds: float
    semantics: Semantics = "real"

    @property
    def proof_bytes(self) -> int:
        """The size of the evidence, its network left out."""
        return sum(
            len(proof_bytes(query, outcome.verdict, with_network=False, semantics=self.semantics))
            for query, outcome in zip(self.queries, self.outcomes, strict=True)
            if not isinstance(outcome.verdict, Undecided)
        )

    @property
    def phases(self) -> dict[str, float]:
        """Seconds by phase, over all queries."""
        total: dict[str, float] = {}
        for outcome in self.outcomes:
            for phase, value in outcome.seconds.items():
                total[phase] = total.get(phase, 0.0) + value
        return total


def semantics_of(question: Property, asked: str | None = None) -> Semantics:
    """Of which arithmetic the answer must be: what the tensors are declared as, or what is asked.

    Real leaves the choice to who asks. Raises UserError for a declared format that is not known,
    and where another one is asked for: an answer about reals says nothing about floats.
    """
    declared = sorted(question.elements)
    if declared != ["real"]:
        if declared not in (["float32"], ["float64"]):
            raise UserError(
                f"the property declares {', '.join(declared)}; known are Real, float32 and float64,"
                " one of them for all tensors"
            )
        if asked not in (None, declared[0]):
            raise UserError(
                f"the property declares {declared[0]}, not {asked}; to ask about {asked} "
                "arithmetic, declare Real"
            )
        asked = declared[0]
    if asked in (None, "real"):
        return "real"
    if asked == "float32":
        return "float32"
    if asked == "float64":
        return "float64"
    raise UserError(f"semantics {shown(asked)} is not one of real, float32, float64")


def join_files(
    question: Property, files: Mapping[str, Path], semantics: Semantics, parts: Parts = Parts()
) -> Joined:
    """The networks in the files as one, fit for the semantics; `parts` of the only file.

    Raises UserError, naming the node, where a file as executed computes something else than one sum
    a unit; units with equal rows are merged for real arithmetic alone.
    """
    if semantics != "real":
        for path in files.values():
            if path.name.lower().removesuffix(".gz").endswith(".onnx"):
                from verifier.formats.onnx.single_sums import require_single_sums

                require_single_sums(path, semantics)
    return join(question, files, parts, merge=semantics == "real")


def answer(
    network: Network,
    question: Property,
    options: Options = Options(),
    semantics: Semantics = "real",
) -> Answer:
    """Whether the property holds of `network`, with checked evidence.

    The time limit of `options` is for all boxes of the property together: each gets its share, and
    what is undecided then gets the time that is left. A violation ends the search. Where an input
    has no bound, a violation is looked for in a large box, and if there is none, nothing is known.
    """
    started = monotonic()
    deadline = None if options.timeout is None else started + options.timeout
    queries = tuple(question.queries(network))
    found: dict[int, _Asked] = {}
    waiting = list(range(len(queries)))
    while waiting:
        hurried = []  # those that may have stopped because their share of the time was over
        for place, number in enumerate(waiting):
            limit, begun = options, monotonic()
            if deadline is not None:
                share = (deadline - begun) / (len(waiting) - place)
                limit = replace(options, timeout=max(share, 0.001))
            found[number] = asked = _ask(queries[number], limit, semantics)
            if asked.violation is not None:
                return Answer(
                    Word.VIOLATED,
                    (asked.query,),
                    (asked.outcome,),
                    asked.violation,
                    monotonic() - started,
                    semantics,
                )
            used, verdict = monotonic() - begun, asked.outcome.verdict
            if isinstance(verdict, Undecided) and used >= 0.9 * (limit.timeout or used + 1):
                hurried.append(number)
        if deadline is None or monotonic() >= deadline - 0.01 * (options.timeout or 0):
            break
        waiting = hurried
    word = Word.HOLDS
    if any(isinstance(asked.outcome.verdict, Undecided) for asked in found.values()):
        word = Word.TIMEOUT if deadline is not None and monotonic() >= deadline else Word.UNKNOWN
    listed = [found[n] for n in range(len(queries))]
    outcomes = [asked.outcome for asked in listed]
    missing = question.unbounded
    if missing is not None and word is Word.HOLDS:
        reason = f"{missing}; there is no violation within {REACH} of the bounds and 0"
        word, outcomes = Word.UNKNOWN, [replace(o, verdict=Undecided(reason)) for o in outcomes]
    return Answer(
        word,
        tuple(asked.query for asked in listed),
        tuple(outcomes),
        None,
        monotonic() - started,
        semantics,
    )


@dataclass(frozen=True, slots=True)
class _Asked:
    query: Query
    outcome: CheckedOutcome
    violation: Violation | None


def _ask(query: Query, options: Options, semantics: Semantics) -> _Asked:
    """The outcome about one box, whose evidence is about these semantics of the query."""
    if semantics == "real":
        outcome = verify(query, options)
        flip = outcome.verdict
        return _Asked(query, outcome, _violation(query, flip) if isinstance(flip, Flip) else None)
    answered = verify_executed(query, semantics, options)
    seen, violation = answered.execution, None
    if seen is not None:
        violation = Violation(seen.point, seen.outputs, int(query.goals[seen.goal].rival))
    return _Asked(query, answered.outcome, violation)


def _violation(query: Query, flip: Flip) -> Violation:
    outputs = tuple(evaluate(query.network, [flip.point])[0])
    return Violation(flip.point, outputs, int(query.goals[flip.goal].rival))


# ------------------------------------------------------------------ floats


def float_point(
    network: Network, question: Property, violation: Violation, model: Path | None = None
) -> FloatPoint:
    """The float32 point nearest to the violation, inside its box where the box has one.

    `model` is the ONNX file that onnxruntime, if it is installed, evaluates there.
    """
    box = question.disjuncts[violation.disjunct]
    point = tuple(
        _nearest_float32(x, low, high)
        for x, low, high in zip(violation.point, box.lower, box.upper, strict=True)
    )
    exact_point = tuple(map(Fraction, point))
    outputs = tuple(evaluate(network, [exact_point])[0])
    computed = None if model is None else runtime_outputs(model, point)
    runtime = None
    if computed is not None:
        finite = all(map(math.isfinite, computed)) and len(computed) == question.outputs
        runtime = finite and violates(question, exact_point, tuple(map(Fraction, computed)))
    return FloatPoint(point, outputs, violates(question, exact_point, outputs), computed, runtime)


def violates(question: Property, point: Vector, outputs: Vector) -> bool:
    """Whether input and output satisfy some disjunct of the property."""
    return any(contains(disjunct, point, outputs) for disjunct in question.disjuncts)


def _nearest_float32(x: Fraction, low: Fraction | None, high: Fraction | None) -> float:
    with np.errstate(over="ignore", under="ignore"):
        value = np.float32(float(x))
        if not np.isfinite(value):
            value = np.copysign(np.finfo(np.float32).max, value)
        nearest = value
        if high is not None and Fraction(float(value)) > high:
            value = np.nextafter(value, np.float32(-np.inf))
        elif low is not None and Fraction(float(value)) < low:
            value = np.nextafter(value, np.float32(np.inf))
        inside = (
            np.isfinite(value)
            and (low is None or low <= Fraction(float(value)))
            and (high is None or Fraction(float(value)) <= high)
        )
    return float(value if inside else nearest)


def runtime_outputs(model: Path, point: Sequence[float]) -> tuple[float, ...] | None:
    """What onnxruntime computes at `point`, one thread, all outputs in the file's order; None where
    it is not installed or refuses the file."""
    if Path(model.stem if model.suffix == ".gz" else model.name).suffix != ".onnx":
        return None
    try:
        import onnxruntime as runtime
    except ImportError:
        return None
    from verifier.formats.files import read_bytes

    runtime.set_default_logger_severity(4)
    options = runtime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    try:
        source = str(model) if model.suffix == ".onnx" else read_bytes(model)
        session = runtime.InferenceSession(source, options, providers=["CPUExecutionProvider"])
        feed, first = {}, 0
        kinds = {"tensor(float)": np.float32, "tensor(double)": np.float64}
        for entry in session.get_inputs():
            shape = [n if isinstance(n, int) and n > 0 else 1 for n in entry.shape]
            size = math.prod(shape)
            values = np.array(point[first : first + size], dtype=kinds[entry.type])
            feed[entry.name] = values.reshape(shape)
            first += size
        results = session.run(None, feed)
    except (RuntimeError, ValueError, KeyError, TypeError):  # whatever it says about the model
        return None
    return tuple(float(v) for result in results for v in np.asarray(result).reshape(-1))


def competition_result(
    word: Word,
    violation: Violation | None,
    near: FloatPoint | None,
    question: Property | None = None,
) -> str:
    """The text of a result file: unsat, sat with a point, unknown or timeout.

    The values are those of `shown_values`.
    """
    if violation is None:
        return f"{word.competition}\n"
    inputs, outputs = shown_values(question, violation, near)
    lines = [f"(X_{k} {x!r})" for k, x in enumerate(inputs)]
    lines += [f"(Y_{k} {y!r})" for k, y in enumerate(outputs)]
    return f"{word.competition}\n({chr(10).join(lines)})\n"


def shown_values(
    question: Property | None, violation: Violation, near: FloatPoint | None
) -> tuple[list[float], list[float]]:
    """Floats for all declared inputs and outputs at a violation.

    The point is the float32 one where that is a violation, in real arithmetic or of onnxruntime;
    else the exact one, to 17 digits.
    """
    point: Sequence[float] = [_float64(x) for x in violation.point]
    outputs: Sequence[float] = [_float64(y) for y in violation.outputs]
    if near is not None and (near.exact or near.runtime):
        point = near.point
        exact = [_float64(y) for y in near.exact_outputs]
        outputs = exact if near.runtime_outputs is None else near.runtime_outputs
    columns = question.columns if question is not None else ()
    return [point[c] for c in columns] if columns else list(point), list(outputs)


def _float64(value: Fraction) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.copysign(1.7976931348623157e308, value)


# ------------------------------------------------------------------ proof files


def save_proofs(path: Path, found: Answer) -> list[Path]:
    """Writes the evidence of a settled answer: to `path` for one query, to `path` with -1, -2, ..
    before its suffix for several."""
    paths = proof_paths(path, len(found.queries))
    for target, query, outcome in zip(paths, found.queries, found.outcomes, strict=True):
        if not isinstance(outcome.verdict, Undecided):
            save_proof(target, query, outcome.verdict, semantics=found.semantics)
    return paths


def proof_paths(path: Path, count: int) -> list[Path]:
    """Where the evidence of `count` queries lies."""
    if count == 1:
        return [path]
    stem, dot, rest = path.name.partition(".")
    return [path.with_name(f"{stem}-{k}{dot}{rest}") for k in range(1, count + 1)]


def check_proofs(
    network: Network, question: Property, path: Path, semantics: Semantics = "real"
) -> Word:
    """What the stored evidence at `path`, a proof file or a .vipr certificate, shows about exactly
    this property.

    Raises RefusedError, naming the flaw, where it does not show what it claims or is about another
    question, UserError where a file is missing.
    """
    queries = question.queries(network)
    if path.suffix == ".vipr":
        if semantics != "real":
            raise RefusedError("semantics", f"{path}: a program is about reals, not {semantics}")
        return _proved(question, _check_vipr(queries, path))
    if path.exists():
        stated = load_proof(path, network=network, semantics=semantics).query
        asked = [q for q in queries if q.region == stated.region and q.goals == stated.goals]
        if not asked:
            raise RefusedError("another question", f"{path} is not about a box of the property")
        verdict = load_proof(path, query=asked[0], semantics=semantics).verdict
        _require(asked[0], verdict, semantics)
        if isinstance(verdict, Flip):
            return Word.VIOLATED
        if len(queries) == 1:
            return _proved(question, Word.HOLDS)
        raise RefusedError("goal missing", f"{path} proves one of {len(queries)} boxes")
    for target, query in zip(proof_paths(path, len(queries)), queries, strict=True):
        verdict = load_proof(target, query=query, semantics=semantics).verdict
        _require(query, verdict, semantics)
        if isinstance(verdict, Flip):
            return Word.VIOLATED
    return _proved(question, Word.HOLDS)


def _require(query: Query, verdict: Claim, semantics: Semantics) -> None:
    """Returns if the verdict is shown to be true; raises RefusedError."""
    if semantics == "real":
        check(query, verdict)
    else:
        check_executed(query, semantics, verdict)


def _proved(question: Property, word: Word) -> Word:
    if question.unbounded is not None:
        raise RefusedError("another question", f"{question.unbounded}, the proof is about a box")
    return word


def _check_vipr(queries: Sequence[Query], path: Path) -> Word:
    """Checks VIPR certificates of all goals, in `path` or in files -1, -2, .. beside it."""
    goals = [(query, number) for query in queries for number in range(len(query.goals))]
    for target, (query, number) in zip(proof_paths(path, len(goals)), goals, strict=True):
        text = read_text(target, MAX_BYTES)
        try:
            check_vipr_of(text, query, number)
        except RefusedError as error:
            raise RefusedError(error.flaw, f"{target}: {error.detail}") from None
    return Word.HOLDS


# ------------------------------------------------------------------ tables of answers


@dataclass(frozen=True, slots=True)
class Row:
    """The answer to one instance, as it stands in the table; `detail` is for errors."""

    network: str
    prop: str
    verdict: str
    seconds: str
    proof_bytes: str
    expected: str
    digest: str
    detail: str

    @property
    def key(self) -> tuple[str, str]:
        return self.network, self.prop

    @property
    def is_settled(self) -> bool:
        return self.verdict in (Word.HOLDS.value, Word.VIOLATED.value)

    @property
    def is_readable(self) -> bool:
        """Whether verdict and numbers are some."""
        words = {"error", *(word.value for word in Word)}
        numbers = self.seconds.replace(".", "", 1), self.proof_bytes
        return self.verdict in words and all(
            n.isascii() and n.isdigit() and len(n) <= _DIGITS for n in numbers
        )

    @property
    def differs(self) -> bool:
        """Whether it contradicts the verdict that the list expects."""
        return self.is_settled and self.expected not in ("", self.verdict)


_DIGITS = 20  # of seconds and bytes in a table
_FIELDS = [entry.name for entry in fields(Row)]
_COLUMNS = ["property" if name == "prop" else name for name in _FIELDS]


@dataclass(slots=True)
class Table:
    """The answers so far, in a CSV file that is rewritten, whole or not at all, after each."""

    path: Path
    rows: dict[tuple[str, str], Row] = field(default_factory=dict)

    @staticmethod
    def open(path: Path | str) -> Table:
        """The table at `path`, empty if there is none. Raises UserError if it is another file."""
        table = Table(Path(path))
        if not table.path.exists():
            return table
        with naming(path):
            text = read_text(table.path, 1 << 28)
            rows = list(csv.reader(io.StringIO(text)))
            if not rows or rows[0] != _COLUMNS or any(len(r) != len(_COLUMNS) for r in rows):
                raise UserError("not a table of answers; give another name by --table")
            for cells in rows[1:]:
                row = Row(*cells)
                if not row.is_readable:
                    raise UserError(f"not a table of answers: {shown(row.verdict)}")
                table.rows[row.key] = row
        return table

    def add(self, row: Row) -> None:
        """Keeps `row`, on the disk when this returns."""
        self.rows[row.key] = row
        file = io.StringIO()
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(_COLUMNS)
        for kept in self.rows.values():
            writer.writerow([getattr(kept, name) for name in _FIELDS])
        write_bytes(self.path, file.getvalue().encode())

    def has(self, instance: Instance, *, retry: bool) -> bool:
        """Whether the answer is here, about the same two files; with `retry`, a settled one."""
        row = self.rows.get(instance.key)
        if row is None or not row.digest or row.digest != files_digest(instance):
            return False
        return row.is_settled or not retry


def files_digest(instance: Instance) -> str:
    """Tells the contents of both files from others; empty if one cannot be read."""
    state = hashlib.sha256()
    try:
        for path in (*dict(instance.networks).values(), instance.prop_path):
            content = read_regular(path)
            state.update(len(content).to_bytes(8, "little") + content)
    except (OSError, RefusedError):
        return ""
    return state.hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Solved:
    """A row and, if it is settled, what was checked of its answer: a proof of every query, or one
    flip. From another process these are facts, see `admitted`."""

    row: Row
    evidence: tuple[Checked | Facts, ...] | None = None

    @property
    def is_shown(self) -> bool:
        """Whether the answer was checked in this process, or admitted to it."""
        found = self.evidence
        return found is not None and all(isinstance(one, Checked) for one in found)


def solve(instance: Instance, options: Options = Options(), proofs: Path | None = None) -> Solved:
    """The answer to one instance; input that cannot be used becomes the verdict "error".

    Reading the files counts towards the time limit.
    """
    started = monotonic()
    evidence: tuple[Checked, ...] | None = None
    expected = instance.expected.value if instance.expected else ""
    head = (instance.network, instance.prop)
    try:
        question = read_property(instance.prop_path)
        semantics = semantics_of(question)
        files = dict(instance.networks)
        joined = join_files(question, files, semantics)
        network, question = joined.network, joined.question
        if instance.timeout is not None:
            left = instance.timeout - (monotonic() - started)
            options = replace(options, timeout=max(left, 0.001))
        found = answer(network, question, options, semantics)
        seconds = monotonic() - started
        if proofs is not None and found.word in (Word.HOLDS, Word.VIOLATED):
            save_proofs(proofs / f"{_safe(instance)}.proof.gz", found)
        size = str(found.proof_bytes)
        detail = question.note or ""
        if found.word in (Word.UNKNOWN, Word.TIMEOUT):
            reasons = [o.verdict.reason for o in found.outcomes if isinstance(o.verdict, Undecided)]
            detail = reasons[0]
        if found.violation is not None and semantics == "real":
            model = next(iter(files.values())) if joined.plain else None
            near = float_point(network, question, found.violation, model)
            detail = describe(near)
        word = found.word.value
        if found.word in (Word.HOLDS, Word.VIOLATED):
            evidence = tuple(o.checked for o in found.outcomes if o.checked is not None)
    except UserError as error:
        word, size, detail, seconds = "error", "0", str(error), monotonic() - started
    digest = files_digest(instance)
    cells = (word, f"{seconds:.3f}", size, expected, digest, " ".join(detail.split()))
    return Solved(Row(*head, *cells), evidence)


def admitted(instance: Instance, solved: Solved) -> Solved:
    """What a process that this one has started says it has checked, about the queries that this one
    builds from the files: every one is robust, or one of them is a flip.

    Raises RefusedError, naming what differs.
    """
    row = solved.row
    if row.key != instance.key:
        raise RefusedError("another question", f"answer to {row.key}")
    if not row.is_settled:
        return Solved(row)
    claims = {one.asked: one for one in solved.evidence or () if isinstance(one, Facts)}
    network, queries, semantics = _queries(instance, row.verdict)
    due = list(dict.fromkeys(asked_of(query, semantics) for query in queries))
    verdict = "robust"
    if row.verdict == Word.VIOLATED.value:
        due, verdict = [asked for asked in due if asked in claims], "flip"
        if len(due) != 1:
            raise RefusedError("another question", f"flips of {len(due)} queries")
    shown = [of_local_process(claims.get(asked), asked, network.digest, None) for asked in due]
    for one in shown:
        if one.verdict != verdict:
            raise RefusedError("another verdict", f"{row.verdict} is said, checked {one.verdict}")
    return Solved(row, tuple(shown))


def _queries(instance: Instance, verdict: str) -> tuple[Network, list[Query], Semantics]:
    """The network of an instance as its files say, and the queries that are asked about it."""
    question = read_property(instance.prop_path)
    semantics = semantics_of(question)
    joined = join_files(question, dict(instance.networks), semantics)
    if joined.question.unbounded is not None and verdict == Word.HOLDS.value:
        raise RefusedError("another question", joined.question.unbounded)
    queries = list(joined.question.queries(joined.network))
    if semantics != "real":
        queries = [executed(query, semantics) for query in queries]
    return joined.network, queries, semantics


def is_shown(instance: Instance, row: Row, proofs: Path | None) -> bool:
    """Whether the answer in `row` was replayed: from its evidence in the folder `proofs`. A table
    is not believed; false where there is no evidence at hand.

    Raises RefusedError, naming the flaw, if the evidence does not show that answer.
    """
    if proofs is None or not row.is_settled:
        return False
    question = read_property(instance.prop_path)
    semantics = semantics_of(question)
    joined = join_files(question, dict(instance.networks), semantics)
    path = proofs / f"{_safe(instance)}.proof.gz"
    count = len(joined.question.queries(joined.network))
    if not path.exists() and not any(part.exists() for part in proof_paths(path, count)):
        return False
    word = check_proofs(joined.network, joined.question, path, semantics)
    if word.value != row.verdict:
        said = f"{row.network} {row.prop} is said to be {row.verdict}"
        raise RefusedError("another verdict", f"{said}, its evidence shows {word.value}")
    return True


def solve_all(
    instances: Sequence[Instance],
    options: Options,
    proofs: Path | None,
    jobs: int,
    keep: Callable[[Solved], None],
) -> None:
    """Gives the answer to every instance to `keep` as it is found, from `jobs` processes at once.

    With more than one, a process that dies, that says what it cannot have checked, or that is far
    beyond its time limit and is killed, costs its own instance alone: its row says "error" or
    "timeout".
    """
    if jobs <= 1 or len(instances) <= 1:
        for instance in instances:
            keep(solve(instance, options, proofs))
        return
    spawn = get_context("spawn")
    waiting = list(reversed(instances))
    busy: dict[Connection, _Worker] = {}
    idle: list[_Worker] = []
    try:
        while waiting or busy:
            while waiting and len(busy) < jobs:
                worker = idle.pop() if idle else _started(spawn, options, proofs)
                worker.give(waiting.pop())
                busy[worker.pipe] = worker
            for ready in wait(list(busy), 1.0):
                worker = busy.pop(ready)  # type: ignore[call-overload]
                solved = worker.take()
                if worker.process.is_alive():
                    idle.append(worker)
                keep(solved)
            for pipe, worker in list(busy.items()):
                if monotonic() > worker.patience:
                    del busy[pipe]
                    worker.end()
                    lost = _lost(worker.instance, "timeout", "killed far beyond its time limit")
                    keep(Solved(lost))
    finally:
        for worker in [*busy.values(), *idle]:
            worker.end()


@dataclass(slots=True, eq=False)
class _Worker:
    process: SpawnProcess
    pipe: Connection
    instance: Instance | None = None
    patience: float = math.inf

    def give(self, instance: Instance) -> None:
        self.instance = instance
        if instance.timeout is not None:
            self.patience = monotonic() + 2 * instance.timeout + 60
        with contextlib.suppress(OSError):  # it died meanwhile: `take` will see that
            self.pipe.send(instance)

    def take(self) -> Solved:
        self.patience = math.inf
        if self.instance is None:
            raise RuntimeError("a worker without an instance answered")
        try:
            solved: Solved = self.pipe.recv()
            return admitted(self.instance, solved)
        except (EOFError, OSError):
            self.process.join()
            reason = f"its process ended: {self.process.exitcode}"
        except UserError as error:
            reason = f"its process has not checked it: {error}"
        return Solved(_lost(self.instance, "error", reason))

    def end(self) -> None:
        self.process.kill()
        self.process.join()
        self.pipe.close()


def _started(spawn: SpawnContext, options: Options, proofs: Path | None) -> _Worker:
    ours, theirs = spawn.Pipe()
    process = spawn.Process(target=_work, args=(theirs, options, proofs), daemon=True)
    process.start()
    theirs.close()
    return _Worker(process, ours)


def _work(pipe: Connection, options: Options, proofs: Path | None) -> None:
    """The life of a worker process: solves what comes until nobody is there."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_with_parent()
    with contextlib.suppress(EOFError, OSError):
        while True:
            pipe.send(solve(pipe.recv(), options, proofs))


def _lost(instance: Instance | None, verdict: str, detail: str) -> Row:
    if instance is None:
        raise RuntimeError("a worker without an instance answered")
    expected = instance.expected.value if instance.expected else ""
    seconds = f"{instance.timeout or 0:.3f}"
    digest = files_digest(instance)
    return Row(*instance.key, verdict, seconds, "0", expected, digest, detail)


def evidence_files(instance: Instance, proofs: Path) -> list[Path]:
    """The files in the folder that hold the evidence of the instance's answer, in their order."""
    one = proofs / f"{_safe(instance)}.proof.gz"
    stem = one.name.removesuffix(".proof.gz")
    numbered = [proofs / f"{stem}-{k}.proof.gz" for k in range(1, 1 << 10)]
    found = [one] if one.exists() else []
    return found + list(itertools.takewhile(Path.exists, numbered))


def _safe(instance: Instance) -> str:
    names = "-".join(Path(name).name.split(".")[0] for name in instance.key)
    tag = hashlib.sha256("\0".join(instance.key).encode()).hexdigest()[:8]
    return "".join(c if c.isalnum() or c in "-_" else "_" for c in names)[:120] + f"-{tag}"


def describe(near: FloatPoint) -> str:
    """One line about the float32 point; empty where everything agrees."""
    if not near.differs:
        return ""
    parts = [
        "the nearest float32 point is a violation"
        if near.exact
        else "the nearest float32 point is no violation in real arithmetic"
    ]
    if near.runtime is not None and near.runtime_outputs is not None:
        outputs = ", ".join(f"{y:.9g}" for y in near.runtime_outputs[:10])
        verb = "a violation" if near.runtime else "no violation"
        parts.append(f"onnxruntime computes {outputs} there: {verb}")
    return "; ".join(parts)


__all__ = [
    "Answer",
    "FloatPoint",
    "Instance",
    "Row",
    "Solved",
    "Table",
    "Violation",
    "Word",
    "admitted",
    "answer",
    "check_proofs",
    "competition_result",
    "describe",
    "evidence_files",
    "float_point",
    "join_files",
    "read_instances",
    "save_proofs",
    "semantics_of",
    "shown_values",
    "solve",
    "solve_all",
]

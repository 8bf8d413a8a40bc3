"""Every family of networks on every data set: what its balls answer, and where the time goes.

    python benchmarks/families.py [--data iris wine ..] [--tables FOLDER] [--clusters 2 8 30]
        [--families linf l2 ..] [--balls 8 | --balls all] [--ratio 99/100] [--timeout 60]
        [--limit 600] [--append FILE.csv]
    python benchmarks/families.py --show FILE.csv [--page docs/times.md]

FOLDER holds tables (.csv) whose last column is the label; a table that no network can memorize is
left out, with its reason. `--clusters n` makes two classes of 100 points each, far apart, in n
inputs: all neighbours of a ball have its own label. A cell is a family and a data set, in a process
of its own: `--limit` bounds its CPU seconds, `--timeout` the seconds of a ball. Of `--balls` as
many are asked as are given, spread evenly over the data.

`--show` prints a table of such cells, and with `--page` puts it between the marks of a document.

A line a cell: how many balls are robust, flips, undecided (of how many); CPU seconds to build, for
the first ball (which derives what all share), a ball after that (search and check), and of the
slowest of these; the most memory; the function in which most samples of a profile by CPU time
fell. Exit code 1 if a ball of a family whose theorem promises every ball is not robust.
"""

from __future__ import annotations

import argparse
import csv
import json
import resource
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from fractions import Fraction
from pathlib import Path
from time import process_time
from types import FrameType

import numpy as np

from constructions.construction import Construction
from constructions.hypotheses import power_separation
from constructions.moderate_ratio import plan_of as moderate_plan
from constructions.registry import REGISTRY, build
from constructions.small_ratio import plan_of as small_plan
from verifier.checker.manifest import sample_query
from verifier.data.dataset import Dataset
from verifier.data.load import load
from verifier.evidence.certificate import Flip, Robust
from verifier.question.errors import UserError
from verifier.runs.run import points_of, question_of
from verifier.runs.work import Context, Job, hints_of
from verifier.search.options import Options
from verifier.tasks.verify import CheckedOutcome, verify_batch

MARKS = "<!-- families -->", "<!-- end of families -->"
NOT_REACHED = "not reached"  # in its seconds of CPU: a ball, or the first of a cell
TICK = 0.01  # seconds of CPU between two looks at what runs
A_CLASS = 100  # points of a cluster
GRID = 1000  # to which their coordinates are rounded
APART = 10  # standard deviations between the classes, in every input


@dataclass(frozen=True, slots=True)
class Cell:
    """What a family answered on a data set; `note` says why it was not asked, or not to the end."""

    data: str
    family: str
    robust: int = 0
    flips: int = 0
    undecided: int = 0
    asked: int = 0
    build: float = 0.0
    first: float = 0.0
    ball: float = 0.0
    slowest: float = 0.0
    megabytes: int = 0
    dominated: str = ""
    note: str = ""


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", nargs="*", default=[], help="bundled tables or files")
    parser.add_argument("--tables", type=Path, help="a folder of tables")
    parser.add_argument("--clusters", nargs="*", type=int, default=[], help="numbers of inputs")
    parser.add_argument("--families", nargs="+", default=list(REGISTRY), choices=list(REGISTRY))
    parser.add_argument("--balls", default="8", help="a number, or all")
    parser.add_argument("--ratio", default="99/100")
    parser.add_argument("--timeout", type=float, default=60.0, help="seconds a ball")
    parser.add_argument("--limit", type=int, default=600, help="CPU seconds a cell")
    parser.add_argument("--append", type=Path, help="a table to which cells are added")
    parser.add_argument("--show", type=Path, help="print such a table for a document")
    parser.add_argument("--page", type=Path, help="the document that the table of --show goes to")
    parser.add_argument("--cell", nargs=2, metavar=("FAMILY", "DATA"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.show is not None:
        if given.page is None:
            print(shown(given.show))
        else:
            given.page.write_text(with_table(given.page.read_text(), shown(given.show)))
        return 0
    count = None if given.balls == "all" else int(given.balls)
    if given.cell is not None:
        report(given.cell[0], given.cell[1], Fraction(given.ratio), count, given.timeout)
        return 0
    names = [*given.data, *(f"cluster:{n}" for n in given.clusters), *tables(given.tables)]
    broken = 0
    for name in names:
        for family in given.families:
            cell = run_cell(name, family, given)
            broken += REGISTRY[family].robust and cell.robust < cell.asked
            print(line(cell), flush=True)
            if given.append is not None:
                append(given.append, cell)
    return 1 if broken else 0


# ---------------------------------------------------------------------- data


def tables(folder: Path | None) -> Iterator[str]:
    """The tables of the folder that some network can memorize; why not, of the others."""
    for path in sorted(folder.glob("*.csv")) if folder is not None else ():
        try:
            power_separation(load(str(path)), "inf")
        except UserError as error:
            print(f"{path.name}: left out: {error}", flush=True)
        else:
            yield str(path)


def data_of(name: str) -> Dataset:
    """A data set by its name: `cluster:n`, or what `load` reads."""
    if not name.startswith("cluster:"):
        return load(name)
    inputs = int(name.removeprefix("cluster:"))
    random = np.random.default_rng(inputs)
    drawn = random.normal(size=(2 * A_CLASS, inputs))
    labels = np.repeat([0, 1], A_CLASS)
    drawn += APART * labels[:, None]
    rows = [[Fraction(round(x * GRID), GRID) for x in row] for row in drawn.tolist()]
    return Dataset.from_rows(name, rows, labels.tolist())


def made(family: str, data: Dataset, ratio: Fraction) -> Construction:
    """The network of the family. Two have a greatest budget of their own, which the ratio is of."""
    if family == "small-rho":
        return build(family, data, budget=ratio * small_plan(data, Fraction(0)).budget_below)
    if family == "moderate-rho":
        return build(family, data, budget=ratio / (4 * moderate_plan(data, Fraction(0)).scale))
    return build(family, data, ratio=ratio)


# ---------------------------------------------------------------------- one cell


def run_cell(name: str, family: str, given: argparse.Namespace) -> Cell:
    """The cell, from a process of its own."""
    command = [sys.executable, __file__, "--cell", family, name, "--ratio", given.ratio]
    command += ["--balls", given.balls, "--timeout", str(given.timeout)]

    def bounded() -> None:
        resource.setrlimit(resource.RLIMIT_CPU, (given.limit, given.limit + 30))

    ran = subprocess.run(command, capture_output=True, text=True, preexec_fn=bounded, check=False)
    data = Path(name).stem
    lines = ran.stdout.splitlines()
    if not lines and ran.returncode == -signal.SIGXCPU:
        return Cell(data, family, note=f"{NOT_REACHED} in {given.limit} s of CPU")
    if not lines:
        last = ran.stderr.strip().splitlines()[-1:] or [f"exit code {ran.returncode}"]
        return Cell(data, family, note=f"stopped: {last[0]}")
    cell = Cell(**json.loads(lines[-1]))
    if ran.returncode:
        return Cell(**asdict(cell) | {"note": f"stopped after {given.limit} s of CPU"})
    return cell


def report(family: str, name: str, ratio: Fraction, count: int | None, timeout: float) -> None:
    """Prints the cell as it is so far, after every ball."""
    short = Path(name).stem
    data = data_of(name)
    profile = Profile()
    started = process_time()
    try:
        construction = made(family, data, ratio)
        built = process_time() - started
        job = Job(question_of(construction), Options(timeout=timeout))
        context = Context(construction.network, points_of(data), job)
        numbers = chosen(data.size, count)
        queries = [sample_query(context.network, context.points, job.question, i) for i in numbers]
    except UserError as error:
        print(json.dumps(asdict(Cell(short, family, note=f"refused: {error}"))))
        return
    hints = [hints_of(context, i, q.region) for i, q in zip(numbers, queries, strict=True)]
    balls = Balls(short, family, built, len(queries), profile)
    with profile:
        verify_batch(context.network, queries, job.options, hints=hints, answered=balls.answered)
        print(json.dumps(asdict(balls.cell())), flush=True)


def chosen(size: int, count: int | None) -> list[int]:
    """About as many samples as asked for, spread evenly."""
    every = np.arange(size) if count is None else np.linspace(0, size - 1, min(count, size))
    numbers: list[int] = np.unique(every.astype(int)).tolist()
    return numbers


class Balls:
    """Counts what balls answer, and prints the cell after each."""

    def __init__(self, data: str, family: str, built: float, count: int, profile: Profile) -> None:
        self._data, self._family, self._built, self._count = data, family, built, count
        self._profile = profile
        self._seconds: list[float] = []
        self._verdicts: Counter[str] = Counter()
        self._before = process_time()

    def answered(self, number: int, outcome: CheckedOutcome) -> None:
        kinds = {Robust: "robust", Flip: "flips"}
        self._verdicts[kinds.get(type(outcome.verdict), "undecided")] += 1
        now = process_time()
        self._seconds.append(now - self._before)
        self._before = now
        print(json.dumps(asdict(self.cell())), flush=True)

    def cell(self) -> Cell:
        later = self._seconds[1:]
        return Cell(
            self._data,
            self._family,
            self._verdicts["robust"],
            self._verdicts["flips"],
            self._verdicts["undecided"],
            asked=self._count,
            build=round(self._built, 2),
            first=round(self._seconds[0], 3) if self._seconds else 0.0,
            ball=round(sum(later) / len(later), 4) if later else 0.0,
            slowest=round(max(later, default=0.0), 3),
            megabytes=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
            dominated=self._profile.most(),
        )


class Profile:
    """Counts, by CPU time, the innermost functions of this project that run."""

    def __init__(self) -> None:
        self._seen: Counter[str] = Counter()
        self._root = str(Path(__file__).resolve().parent.parent)

    def __enter__(self) -> Profile:
        signal.signal(signal.SIGPROF, self._look)
        signal.setitimer(signal.ITIMER_PROF, TICK, TICK)
        return self

    def __exit__(self, *_: object) -> None:
        signal.setitimer(signal.ITIMER_PROF, 0)

    def _look(self, _: int, frame: FrameType | None) -> None:
        while frame is not None:
            code = frame.f_code
            if code.co_filename.startswith(self._root):
                self._seen[f"{Path(code.co_filename).stem}.{code.co_qualname}"] += 1
                return
            frame = frame.f_back

    def most(self) -> str:
        """The most frequent function, with its share."""
        total = self._seen.total()
        if not total:
            return ""
        name, count = self._seen.most_common(1)[0]
        return f"{name} {round(100 * count / total)} %"


# ---------------------------------------------------------------------- tables of cells


def line(cell: Cell) -> str:
    answers = f"{cell.robust}/{cell.flips}/{cell.undecided} of {cell.asked}"
    figures = (
        f"{answers:20} build {cell.build:7.2f}  first {cell.first:7.2f}  ball {cell.ball:8.4f}  "
        f"slowest {cell.slowest:7.2f}  {cell.megabytes:5} MB  {cell.dominated}"
    )
    start = f"{cell.data[:22]:22} {cell.family:18} "
    return start + (cell.note if not cell.asked else figures + f"  {cell.note}".rstrip())


def append(path: Path, cell: Cell) -> None:
    new = not path.exists()
    with path.open("a", newline="") as file:
        writer = csv.DictWriter(file, [field.name for field in fields(Cell)])
        if new:
            writer.writeheader()
        writer.writerow(asdict(cell))


def shown(path: Path) -> str:
    """The table as Markdown: a row a family, a column a data set; the last cell of each counts."""
    with path.open(newline="") as file:
        cells = {(row["family"], row["data"]): row for row in csv.DictReader(file)}
    data = list(dict.fromkeys(name for _, name in cells))
    rows = [["family", *data], ["---"] * (len(data) + 1)]
    for family in dict.fromkeys(name for name, _ in cells):
        rows.append([f"`{family}`", *(text_of(cells.get((family, name))) for name in data)])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def with_table(page: str, table: str) -> str:
    """The document with this table between its marks."""
    before, _, rest = page.partition(f"{MARKS[0]}\n")
    _, found, after = rest.partition(MARKS[1])
    if not found:
        raise SystemExit(f"the page has no lines {MARKS[0]} and {MARKS[1]}")
    return f"{before}{MARKS[0]}\n{table}\n{MARKS[1]}{after}"


def text_of(cell: dict[str, str] | None) -> str:
    """Answers and seconds of a cell in a few words."""
    if cell is None:
        return ""
    if not int(cell["asked"]):
        words = ("refused", NOT_REACHED)
        return next((word for word in words if cell["note"].startswith(word)), "stopped")
    answers = [
        f"{cell[kind]} {word}"
        for kind, word in (("robust", "robust"), ("flips", "flips"), ("undecided", "open"))
        if int(cell[kind])
    ]
    missing = int(cell["asked"]) - sum(int(cell[k]) for k in ("robust", "flips", "undecided"))
    answers += [f"{missing} {NOT_REACHED}"] if missing else []
    return f"{', '.join(answers)}; {float(cell['ball']):.3g} s"


if __name__ == "__main__":
    raise SystemExit(main())

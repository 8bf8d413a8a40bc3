"""Engines side by side on the same questions, as a table and as rows of a CSV file.

    python benchmarks/engines.py [--label NAME] [--only WORDS ..] [--engines NAMES ..]
    python benchmarks/engines.py --show [--against NAME]

Questions: balls of constructed networks (iris and the first digits, L-infinity) and of trained ones
(MLPs 64-..-10 on the first 1,300 digits over 16, balls around the next). Engines: "exact";
"milp:highs", the solver first and the exact engine for the proof; and "plain", the interval-big-M
program of each goal in HiGHS, which proves nothing and stops at --limit seconds a goal. Times are
CPU seconds of this process, the check of proofs included.

A row of the file is a set and an engine under a label (default: the version): how many balls are
robust, flipped and undecided, how many of these claims checked verdicts of "exact" contradict, the
seconds, their ratio to "exact" in the same run, and how often each method worked or was refused. A
row of the same label, set and engine is replaced. `--show` prints the file; with `--against` also
the ratio of every row to that of another label, such as the last tag, measured from its checkout:

    PYTHONPATH=../robmem-0.1.0 python benchmarks/engines.py --label 0.1.0 --engines exact
"""

from __future__ import annotations

import argparse
import csv
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from time import process_time

from constructions.registry import build
from robmem import __version__
from verifier.checker.intervals import interval_bounds
from verifier.checker.scaled import scaled_for
from verifier.checker.tree import TreeChecker
from verifier.data.dataset import Dataset
from verifier.data.load import load
from verifier.evidence.certificate import Flip, Robust, Undecided
from verifier.question.build import chain_from_floats
from verifier.question.query import Query, label_goals
from verifier.question.region import ball
from verifier.search.bounds.claims import Claim
from verifier.search.bounds.solver import solve_mip
from verifier.search.options import Options
from verifier.tasks.verify import verify_batch

STORE = Path(__file__).with_name("results.csv")
TRAINED_ON = 1300
FIELDS = (
    "label", "set", "engine", "balls", "robust", "flips", "undecided", "wrong", "seconds", "ratio",
    "methods",
)  # fmt: skip


@dataclass(slots=True)
class Row:
    """What one engine said of the balls of one set: "robust", "flip" or "undecided"."""

    words: list[str] = field(default_factory=list)
    seconds: float = 0.0
    methods: Counter[str] = field(default_factory=Counter)

    def cells(self, label: str, name: str, engine: str, exact: Row) -> dict[str, str]:
        known = zip(self.words, exact.words, strict=True)
        wrong = sum(word != true and "undecided" not in (word, true) for word, true in known)
        methods = "; ".join(f"{count} {method}" for method, count in sorted(self.methods.items()))
        values = (
            label, name, engine, len(self.words), self.words.count("robust"),
            self.words.count("flip"), self.words.count("undecided"), wrong, f"{self.seconds:.2f}",
            f"{self.seconds / max(exact.seconds, 1e-3):.2f}", methods,
        )  # fmt: skip
        return dict(zip(FIELDS, map(str, values), strict=True))


def constructed(spec: str, size: int, balls: int) -> list[Query]:
    """Balls of the sequential network of Yu et al., Theorem 4.8, on the first samples."""
    whole = load(spec)
    rows = [list(whole.point(i)) for i in range(size)]
    data = Dataset.from_rows(spec, rows, whole.labels[:size].tolist())
    made = build("linf", data, ratio=Fraction(99, 100))
    return [
        Query(
            made.network,
            ball("inf", data.point(i), made.budget),
            made.goals(int(data.labels[i]), data.classes),
        )
        for i in range(0, size, size // balls)
    ]


def trained(hidden: tuple[int, ...], radius: str, balls: int) -> list[Query]:
    from sklearn.datasets import load_digits
    from sklearn.neural_network import MLPClassifier

    points, labels = load_digits(return_X_y=True)
    points = points / 16
    model = MLPClassifier(hidden, random_state=0, max_iter=300)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(points[:TRAINED_ON], labels[:TRAINED_ON])
    network = chain_from_floats([w.T for w in model.coefs_], model.intercepts_)
    return [
        Query(
            network,
            ball("inf", [Fraction(float(x)) for x in points[i]], Fraction(radius)),
            label_goals("argmax", int(labels[i]), range(10), 10),
        )
        for i in range(TRAINED_ON, TRAINED_ON + balls)
    ]


SETS: dict[str, Callable[[], list[Query]]] = {
    "constructed: iris, linf": lambda: constructed("iris", 150, 10),
    "constructed: 100 digits, linf": lambda: constructed("digits", 100, 10),
    "trained: 64-20-20-10, 0.05": lambda: trained((20, 20), "0.05", 10),
    "trained: 64-50-50-10, 0.05": lambda: trained((50, 50), "0.05", 10),
    "trained: 64-200-200-10, 0.05": lambda: trained((200, 200), "0.05", 10),
    "trained: 64-100x4-10, 0.05": lambda: trained((100,) * 4, "0.05", 10),
}


def by_engine(queries: list[Query], engine: str, timeout: float) -> Row:
    row, started = Row(), process_time()
    outcomes = verify_batch(queries[0].network, queries, Options(timeout=timeout, engine=engine))
    row.seconds = process_time() - started
    words = {Robust: "robust", Flip: "flip", Undecided: "undecided"}
    for outcome in outcomes:
        row.words.append(words[type(outcome.verdict)])
        row.methods.update(getattr(outcome, "methods", {}))  # older versions have none
    return row


def by_plain_program(queries: list[Query], limit: float) -> Row:
    """As HiGHS claims: a ball is robust if no goal has a margin that is not negative."""
    from verifier.program.reduced import margin_program

    row, started = Row(), process_time()
    scaled = scaled_for(queries[0].network, queries)
    for query in queries:
        root = interval_bounds(scaled, [query.region])[0]
        claims = list[str]()
        for goal in range(len(query.goals)):
            program = margin_program(TreeChecker(query, scaled, root), goal, eliminate=False)
            guess = solve_mip(program, "highs", limit)
            held = guess.columns is not None and guess.columns[-1] >= 0
            stopped = guess.claim is Claim.STOPPED
            claims.append("flip" if held else "open" if stopped else "refuted")
            row.methods[f"program {guess.claim.name.lower()}"] += 1
            if held:
                break
        order = ("flip", "open", "refuted")
        said = next(claim for claim in order if claim in claims)
        row.words.append({"flip": "flip", "open": "undecided", "refuted": "robust"}[said])
    row.seconds = process_time() - started
    return row


def measured(given: argparse.Namespace) -> Iterator[dict[str, str]]:
    for name, make in SETS.items():
        if given.only and not any(word in name for word in given.only):
            continue
        queries = make()
        exact = by_engine(queries, "exact", given.timeout)
        for engine in given.engines:
            if engine == "plain":
                row = by_plain_program(queries, given.limit)
            else:
                row = exact if engine == "exact" else by_engine(queries, engine, given.timeout)
            yield row.cells(given.label, name, engine, exact)


def stored(path: Path) -> list[dict[str, str]]:
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as handle:
        return list(csv.DictReader(handle))


def store(path: Path, rows: list[dict[str, str]]) -> None:
    kept = {tuple(row[key] for key in FIELDS[:3]): row for row in (*stored(path), *rows)}
    with path.open("w", newline="", encoding="utf-8") as handle:
        writer = csv.DictWriter(handle, FIELDS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(kept[key] for key in sorted(kept))


def line(row: dict[str, str], before: str = "") -> str:
    counts = f"{row['robust']:>6} {row['flips']:>5} {row['undecided']:>5} {row['wrong']:>5}"
    return (
        f"{row['label']:8} {row['set']:30} {row['engine']:11} {counts} "
        f"{row['seconds']:>9} {row['ratio']:>8} {before:>8}  {row['methods']}"
    )


HEAD = (
    f"{'label':8} {'set':30} {'engine':11} {'robust':>6} {'flips':>5} {'open':>5} {'wrong':>5} "
    f"{'seconds':>9} {'ratio':>8} {'before':>8}  methods"
)


def show(path: Path, against: str | None) -> None:
    rows = stored(path)
    known = {(row["set"], row["engine"]): row for row in rows if row["label"] == against}
    print(HEAD)
    for row in rows:
        other = known.get((row["set"], row["engine"]))
        before = ""
        if other is not None and row["label"] != against:
            before = f"{float(row['seconds']) / max(float(other['seconds']), 1e-3):.2f}"
        print(line(row, before))


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--label", default=__version__, help="of the rows  [default: the version]")
    parser.add_argument("--only", nargs="*", default=[], help="sets whose name has such a word")
    parser.add_argument("--engines", nargs="*", default=["exact", "milp:highs", "plain"])
    parser.add_argument("--timeout", type=float, default=60.0, help="seconds a ball")
    parser.add_argument("--limit", type=float, default=5.0, help="seconds a plain program")
    parser.add_argument("--store", type=Path, default=STORE, help="the CSV file of all rows")
    parser.add_argument("--show", action="store_true", help="print the file, measure nothing")
    parser.add_argument("--against", help="a label that the others are compared with")
    given = parser.parse_args()
    if given.show:
        show(given.store, given.against)
        return 0
    print(HEAD)
    rows = []
    for row in measured(given):
        rows.append(row)
        print(line(row), flush=True)
        store(given.store, rows)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

"""Set splitting decided through networks of width 2, both ways: time against the size of instances.

    python benchmarks/set_splitting.py [--variables 5 6 7 8] [--seeds 0 1] [--timeout 600]
        [--append FILE.csv]
    python benchmarks/set_splitting.py --show FILE.csv [--page docs/least.md]

An instance that cannot be split is made from all sets of three variables, one after another left
out, in an order drawn by the seed, as long as what remains cannot be split: each set of it is
needed. Without its last set it can be split, by few of the splittings. Of the first kind no network
is asked for with the budget 0, the strongest claim; of the second one with half of the budget that
the reduction allows. The answer is compared with all 2^V splittings, and of a network the splitting
is read off its weights; exit code 1 if one is wrong. CPU seconds are those of the search, the
checker's replay included.
"""

from __future__ import annotations

import argparse
import csv
import random
from dataclasses import asdict, dataclass, fields
from fractions import Fraction
from itertools import combinations
from pathlib import Path
from time import process_time

from constructions.least.find import Finder, UndecidedError
from constructions.least.questions import Impossible
from constructions.set_splitting import FANO, SetSplitting, gadget, splitting_of
from verifier.runs.run import points_of

MARKS = "<!-- set splitting -->", "<!-- end of set splitting -->"
WORDS = {"network": "a network, and a splitting", "none": "no network"}


@dataclass(frozen=True, slots=True)
class Row:
    """An instance, the size of its data, and how it was answered."""

    instance: str
    variables: int
    sets: int
    samples: int
    dimension: int
    budget: str
    answer: str
    proof_bytes: int
    seconds: float


def needed(variables: int, seed: int) -> SetSplitting:
    """An instance that cannot be split, and can without any one of its sets; at least 5 variables
    are needed, and not all of them need to be in a set."""
    sets = list(combinations(range(variables), 3))
    order = sets.copy()
    random.Random(seed).shuffle(order)
    for one in order:
        rest = [other for other in sets if other != one]
        if not can_split(SetSplitting(variables, tuple(rest))):
            sets = rest
    return SetSplitting(variables, tuple(sets))


def can_split(problem: SetSplitting) -> bool:
    """By trying all splittings."""
    return any(True for _ in problem.solutions())


def decided(name: str, problem: SetSplitting, seconds: float) -> Row:
    """The instance through networks of width 2; raises SystemExit at a wrong answer."""
    data, split = gadget(problem), can_split(problem)
    size = problem.variables + len(problem.clauses)
    budget = Fraction(1, 4 * (problem.variables + size)) if split else Fraction(0)
    started = process_time()
    try:
        found = Finder(points_of(data), "inf", seconds).decide(2, budget)
    except UndecidedError:
        found = None
    took = process_time() - started
    answer, length = "undecided", 0
    if found is not None:
        length = sum(map(len, found.certificates))
        answer = "none" if isinstance(found.claim, Impossible) else "network"
        if (answer == "network") != split:
            raise SystemExit(f"{name}: {answer}, and there is {'a' if split else 'no'} splitting")
        if not isinstance(found.claim, Impossible):
            splitting_of(problem, found.claim.network)  # raises UserError where it holds none
    return Row(name, problem.variables, len(problem.clauses), data.size, size, str(budget), answer,
               length, round(took, 2))  # fmt: skip


def shown(path: Path) -> str:
    """The rows of a file as a table in Markdown."""
    with path.open(newline="") as file:
        rows = [
            [
                row["instance"], f"{row['variables']}, {row['sets']}",
                f"{row['samples']}, {row['dimension']}", row["budget"],
                WORDS.get(row["answer"], row["answer"]),
                f"{int(row['proof_bytes']) / 1024:.3g} KiB", f"{float(row['seconds']):.2g}",
            ]
            for row in csv.DictReader(file)
        ]  # fmt: skip
    head = ["instance", "variables, sets", "samples, dimension", "budget", "answer", "proofs",
            "CPU seconds"]  # fmt: skip
    return "\n".join(f"| {' | '.join(row)} |" for row in [head, ["---"] * len(head), *rows])


def with_table(page: str, table: str) -> str:
    """The document with this table between its marks."""
    before, _, rest = page.partition(f"{MARKS[0]}\n")
    _, found, after = rest.partition(MARKS[1])
    if not found:
        raise SystemExit(f"the page has no lines {MARKS[0]} and {MARKS[1]}")
    return f"{before}{MARKS[0]}\n{table}\n{MARKS[1]}{after}"


def main() -> int:
    """Decides instances, or shows rows that are kept."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--variables", type=int, nargs="*", default=[5, 6, 7, 8])
    parser.add_argument("--seeds", type=int, nargs="*", default=[0])
    parser.add_argument("--timeout", type=float, default=600)
    parser.add_argument("--append", type=Path)
    parser.add_argument("--show", type=Path)
    parser.add_argument("--page", type=Path)
    given = parser.parse_args()
    if given.show:
        table = shown(given.show)
        print(table)
        if given.page:
            given.page.write_text(with_table(given.page.read_text(), table))
        return 0
    instances = [("Fano plane", FANO)]
    for variables in given.variables:
        instances += [(f"{variables}, seed {s}", needed(variables, s)) for s in given.seeds]
    for name, problem in instances:
        fewer = SetSplitting(problem.variables, problem.clauses[:-1])
        for label, one in ((f"{name}, one set less", fewer), (name, problem)):
            row = decided(label, one, given.timeout)
            print(", ".join(f"{k} {v}" for k, v in asdict(row).items()), flush=True)
            if given.append:
                _append(given.append, row)
    return 0


def _append(path: Path, row: Row) -> None:
    begun = path.exists()
    with path.open("a", newline="") as file:
        writer = csv.DictWriter(file, [f.name for f in fields(Row)], lineterminator="\n")
        if not begun:
            writer.writeheader()
        writer.writerow(asdict(row))


if __name__ == "__main__":
    raise SystemExit(main())

"""What the exact engine settles: published benchmarks, trained networks, and the MILP beside it.

    python benchmarks/engine.py --data FOLDER [--sets acasxu coav ..] [--timeout S]
    python benchmarks/engine.py --trained 50 100 [--samples 50] [--timeout 60]
    python benchmarks/engine.py --milp 3

With `--store LABEL` the lines are kept in results.csv as well (see engines.py). All seconds, limits
included, are CPU seconds of this process: what others compute beside it does not count.

FOLDER holds one folder a set, each with its networks, properties and a verdicts.csv (see docs,
"Lists of instances"), or with a folder an instance that holds model.onnx and spec.vnnlib, of which
nothing is expected; nothing of it comes with the project. A line a set or norm and radius: how
many hold, are violated, stay open, or differ from what the list expects; wall seconds in all and
the longest; the share of the time that exactness costs (rounding, exact leaves, checking, writing
the certificate; bounds of boxes, which the search itself computes in integers, are not in it);
bytes of evidence a leaf. `--trained H` trains a 64-H-H-10 MLP on the first 1,300 digits (over 16,
random_state 0) and asks about the next samples. `--milp N` gives the first N of these at L-infinity
0.05 to HiGHS as plain interval-big-M programs, and prints how many times longer that takes. Exit
code 1 if a verdict differs from a list's.
"""

from __future__ import annotations

import argparse
import csv
import sys
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from functools import wraps
from pathlib import Path
from time import process_time
from typing import Any

from engines import FIELDS, STORE, store
from sklearn.datasets import load_digits
from sklearn.neural_network import MLPClassifier

from verifier.checker.intervals import interval_bounds
from verifier.checker.scaled import scaled_for
from verifier.checker.tree import TreeChecker
from verifier.evidence.certificate import (
    Flip,
    Leaf,
    Robust,
    SymbolicLeaf,
    Undecided,
    certificate_bytes,
)
from verifier.evidence.proof_file import proof_bytes
from verifier.formats.load import load_any_network
from verifier.formats.nnet import read_nnet
from verifier.formats.vnnlib.property import Disjunct, Property
from verifier.formats.vnnlib.read import read_property
from verifier.program.reduced import margin_program
from verifier.question.build import chain_from_floats
from verifier.question.network import Network
from verifier.question.query import Atom, Query, label_goals
from verifier.question.region import Norm, ball
from verifier.search.bounds.float_leaf import FloatLeaf
from verifier.search.bounds.solver import solve_mip
from verifier.search.exact.leaves import ExactLeaves
from verifier.search.options import Options, Outcome
from verifier.search.trees.nodes import Nodes
from verifier.tasks.instances import Word, answer, read_instances
from verifier.tasks.verify import verify

TRAINED_ON = 1300
BALLS: tuple[tuple[Norm, str], ...] = (
    ("inf", "0.02"),
    ("inf", "0.05"),
    ("inf", "0.1"),
    ("2", "0.25"),
    ("2", "0.5"),
    ("1", "0.5"),
    ("1", "1"),
)
LIST, SPEC = "verdicts.csv", "*/spec.vnnlib"
COAV_LIMIT = 60.0
SAT_LIMIT = 100.0
MILP_LIMIT = 60.0  # a goal


class Exactness:
    """Seconds within these functions: what a search that believed its floats would not do."""

    METHODS = (
        (ExactLeaves, "closes"),
        (ExactLeaves, "of_program"),
        (ExactLeaves, "of_pattern"),
        (ExactLeaves, "fewest"),
        (Nodes, "preorder"),
        (FloatLeaf, "rounded"),
    )

    def __init__(self) -> None:
        self.seconds, self._depth = 0.0, 0
        for owner, name in self.METHODS:
            setattr(owner, name, self._timed(getattr(owner, name)))

    def _timed(self, function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def timed(*arguments: Any, **named: Any) -> Any:
            self._depth += 1
            started = process_time()
            try:
                return function(*arguments, **named)
            finally:
                self._depth -= 1
                if not self._depth:
                    self.seconds += process_time() - started

        return timed


EXACT = Exactness()


@dataclass(slots=True)
class Tally:
    """The figures of one line."""

    name: str
    words: Counter[str] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    exactness: float = field(default_factory=lambda: -EXACT.seconds)
    leaves: int = 0
    proof_bytes: int = 0
    differs: list[str] = field(default_factory=list)
    methods: Counter[str] = field(default_factory=Counter)

    def cells(self, label: str) -> dict[str, str]:
        """A row of the file that `engines.py` keeps."""
        methods = "; ".join(f"{count} {name}" for name, count in sorted(self.methods.items()))
        values = (
            label, self.name, "exact", len(self.seconds), self.words["holds"],
            self.words["violated"], self.words["unknown"] + self.words["timeout"],
            len(self.differs), f"{sum(self.seconds):.2f}", "1.00", methods,
        )  # fmt: skip
        return dict(zip(FIELDS, map(str, values), strict=True))

    def add(
        self,
        name: str,
        word: Word,
        answered: Iterable[tuple[Query, Outcome]],
        seconds: float,
        expected: Word | None = None,
    ) -> None:
        self.words[word.value] += 1
        self.seconds.append(seconds)
        for query, outcome in answered:
            self.exactness += outcome.seconds.get("check", 0.0)
            self.methods.update(outcome.methods)
            if isinstance(outcome.verdict, Robust):
                started = process_time()
                certificate_bytes(outcome.verdict, query.network.digest)
                written = process_time() - started
                self.exactness += written
                self.seconds[-1] += written
                self.leaves += sum(
                    isinstance(node.body, Leaf | SymbolicLeaf)
                    for tree in outcome.verdict.trees
                    for node in tree
                )
                self.proof_bytes += len(proof_bytes(query, outcome.verdict, with_network=False))
        if expected and word in (Word.HOLDS, Word.VIOLATED) and word is not expected:
            self.differs.append(f"{name}: {word.value}, the list says {expected.value}")

    def __str__(self) -> str:
        total = sum(self.seconds)
        return (
            f"{self.name:24} {self.words['holds']:5} {self.words['violated']:5} "
            f"{self.words['unknown'] + self.words['timeout']:5} {len(self.differs):5} "
            f"{total:9.1f} {max(self.seconds, default=0.0):8.1f} "
            f"{(self.exactness + EXACT.seconds) / max(total, 1e-9):7.0%} "
            f"{self.proof_bytes / max(self.leaves, 1):9.0f}"
        )


HEAD = (
    f"{'':24} {'holds':>5} {'viol.':>5} {'open':>5} {'diff.':>5} {'seconds':>9} {'longest':>8} "
    f"{'exact':>7} {'B a leaf':>9}"
)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--data", type=Path, help="folder of benchmark sets")
    parser.add_argument("--sets", nargs="*", help="some of its folders; default: all with a list")
    parser.add_argument("--timeout", type=float, help="seconds; default: the lists', else 60")
    parser.add_argument("--trained", type=int, nargs="*", default=[], help="hidden units H")
    parser.add_argument("--samples", type=int, default=50)
    parser.add_argument("--milp", type=int, default=0, help="samples for the plain MILP")
    parser.add_argument("--store", metavar="LABEL", help="keep the rows in results.csv as LABEL")
    given = parser.parse_args()
    if not (given.data or given.trained or given.milp):
        parser.error("nothing to do: give --data, --trained or --milp")
    count_processor_time()
    print(HEAD, flush=True)
    tallies = []
    if given.data:
        names = given.sets or sorted(path.parent.name for path in given.data.glob(f"*/{LIST}"))
        for name in names:
            if not any(any((given.data / name).glob(part)) for part in (LIST, SPEC)):
                parser.error(f"neither {given.data / name / LIST} nor any {SPEC} beside it")
            tallies.append(run_set(given.data / name, given.timeout))
            print(tallies[-1], flush=True)
    for hidden in given.trained:
        for norm, radius in BALLS:
            queries = trained_queries(hidden, norm, Fraction(radius), given.samples)
            name = f"MLP {hidden}-{hidden}, L{norm} {radius}"
            tallies.append(run_queries(name, queries, given.timeout or 60.0))
            print(tallies[-1], flush=True)
    if given.milp:
        compare_with_milp(trained_queries(50, "inf", Fraction("0.05"), given.milp))
    if given.store:
        store(STORE, [tally.cells(given.store) for tally in tallies])
    differing = [line for tally in tallies for line in tally.differs]
    print(*differing, sep="\n", end="\n" if differing else "")
    return 1 if differing else 0


def count_processor_time() -> None:
    """From here on the limits of queries are CPU seconds of this process."""
    time.monotonic = process_time  # of modules that are imported later
    for module in list(sys.modules.values()):
        if module.__name__.partition(".")[0] == "verifier" and hasattr(module, "monotonic"):
            vars(module)["monotonic"] = process_time


# ------------------------------------------------------------------ published sets


def run_set(folder: Path, timeout: float | None) -> Tally:
    """Every instance of the folder's list."""
    tally = Tally(folder.name)
    for name, network, question, limit, expected in questions(folder):
        started = process_time()
        found = answer(network, question, Options(timeout=timeout or limit))
        answered = zip(found.queries, found.outcomes, strict=True)
        tally.add(name, found.word, answered, process_time() - started, expected)
    return tally


def questions(folder: Path) -> Iterator[tuple[str, Network, Property, float, Word | None]]:
    """The list's instances; those about a .nnet file ask for Y_0 <= 0 in the file's own box. Where
    there is no list, those of the folders within, shorter names first."""
    path = folder / LIST
    if not path.is_file():
        for spec in sorted(folder.glob(SPEC), key=lambda spec: (len(spec.parent.name), str(spec))):
            network = load_any_network(spec.with_name("model.onnx"))
            yield spec.parent.name, network, read_property(spec), SAT_LIMIT, None
        return
    with path.open(newline="") as handle:
        rows = list(csv.DictReader(handle))
    if rows and rows[0]["network"].endswith(".nnet"):
        for row in rows:
            file = next(folder.rglob(row["network"]))
            expected = Word.HOLDS if row["expected"] == "holds" else Word.VIOLATED
            yield row["network"], load_any_network(file), reaches_zero(file), COAV_LIMIT, expected
        return
    for instance in read_instances(path, SAT_LIMIT):
        network = load_any_network(dict(instance.networks)[""])
        limit = instance.timeout or SAT_LIMIT
        name = f"{instance.network} {instance.prop}"
        yield name, network, read_property(instance.prop_path), limit, instance.expected


def reaches_zero(path: Path) -> Property:
    """The property that is violated where the only output is at most 0 in the file's box."""
    file = read_nnet(path)
    atom = Atom((), ((0, Fraction(-1)),), Fraction(0), False)
    return Property(len(file.lower), 1, (Disjunct(file.lower, file.upper, (atom,)),))


# ------------------------------------------------------------------ trained networks


def trained_queries(hidden: int, norm: Norm, radius: Fraction, samples: int) -> list[Query]:
    """Balls around the samples that follow those the network was trained on."""
    points, labels = load_digits(return_X_y=True)
    points = points / 16
    model = MLPClassifier((hidden, hidden), random_state=0, max_iter=300)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(points[:TRAINED_ON], labels[:TRAINED_ON])
    network = chain_from_floats([w.T for w in model.coefs_], model.intercepts_)
    return [
        Query(
            network,
            ball(norm, [Fraction(float(x)) for x in points[i]], radius),
            label_goals("argmax", int(labels[i]), range(10), 10),
        )
        for i in range(TRAINED_ON, TRAINED_ON + samples)
    ]


def run_queries(name: str, queries: Iterable[Query], timeout: float) -> Tally:
    tally = Tally(name)
    words = {Robust: Word.HOLDS, Flip: Word.VIOLATED, Undecided: Word.UNKNOWN}
    for number, query in enumerate(queries):
        started = process_time()
        outcome = verify(query, Options(timeout=timeout))
        seconds = process_time() - started
        tally.add(str(number), words[type(outcome.verdict)], [(query, outcome)], seconds)
    return tally


def compare_with_milp(queries: list[Query]) -> None:
    """Seconds of the engine and of HiGHS on plain interval-big-M programs, the same queries."""
    started = process_time()
    for query in queries:
        verify(query)
    ours = process_time() - started
    theirs, claims = 0.0, Counter[str]()
    for query in queries:
        scaled = scaled_for(query.network, [query])
        root = interval_bounds(scaled, [query.region])[0]
        for goal in range(len(query.goals)):
            program = margin_program(TreeChecker(query, scaled, root), goal, eliminate=False)
            started = process_time()
            claims[solve_mip(program, "highs", MILP_LIMIT).claim.name.lower()] += 1
            theirs += process_time() - started
    print(f"{len(queries)} queries: exact {ours:.2f} s, plain big-M in HiGHS {theirs:.2f} s")
    print(f"{dict(sorted(claims.items()))}; ratio {theirs / ours:.0f} (needed: 50)")


if __name__ == "__main__":
    raise SystemExit(main())

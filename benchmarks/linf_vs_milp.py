"""Seconds a ball of the exact engine against the interval-big-M program in HiGHS.

python benchmarks/linf_vs_milp.py [--size 200] [--balls 5] [--ratio 99/100] [--limit 60]

The network is the sequential one of Yu et al., Theorem 4.8, on the first digits. The engine's time
is that of all balls, proofs checked, over their number. The plain program has a column for every
unit and a binary for every one that intervals leave undecided; the reduced one has decided units
eliminated, which is already half of our engine. A ball's time is that of both goals.
"""

from __future__ import annotations

import argparse
from fractions import Fraction
from time import perf_counter

from constructions.registry import build
from verifier.checker.intervals import interval_bounds
from verifier.checker.scaled import scaled_for
from verifier.checker.tree import TreeChecker
from verifier.data.dataset import Dataset
from verifier.data.load import load
from verifier.evidence.certificate import Robust
from verifier.program.reduced import margin_program
from verifier.question.query import Query
from verifier.question.region import ball
from verifier.search.bounds.solver import solve_mip
from verifier.tasks.verify import verify_batch

NEEDED = 200


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--size", type=int, default=200, help="samples of digits")
    parser.add_argument("--balls", type=int, default=5, help="balls given to HiGHS")
    parser.add_argument("--ratio", type=Fraction, default=Fraction(99, 100))
    parser.add_argument("--limit", type=float, default=60.0, help="seconds a goal in HiGHS")
    given = parser.parse_args()
    digits = load("digits")
    rows = [list(digits.point(i)) for i in range(given.size)]
    data = Dataset.from_rows("digits", rows, digits.labels[: given.size].tolist())
    made = build("linf", data, ratio=given.ratio)
    queries = [
        Query(
            made.network,
            ball("inf", data.point(i), made.budget),
            made.goals(int(data.labels[i]), data.classes),
        )
        for i in range(data.size)
    ]
    started = perf_counter()
    outcomes = verify_batch(made.network, queries)
    ours = (perf_counter() - started) / len(queries)
    robust = sum(isinstance(outcome.verdict, Robust) for outcome in outcomes)
    print(f"exact engine      {ours:9.4f} s a ball, {robust} of {len(queries)} proved and checked")
    scaled = scaled_for(made.network, queries)
    chosen = range(0, data.size, max(1, data.size // given.balls))[: given.balls]
    seconds = {}
    for name, eliminate in (("plain", False), ("reduced", True)):
        total, claims = 0.0, list[str]()
        for i in chosen:
            root = interval_bounds(scaled, [queries[i].region])[0]
            for goal in range(len(queries[i].goals)):
                program = margin_program(
                    TreeChecker(queries[i], scaled, root), goal, eliminate=eliminate
                )
                started = perf_counter()
                claims.append(solve_mip(program, "highs", given.limit).claim.name.lower())
                total += perf_counter() - started
        seconds[name] = total / given.balls
        shown = ", ".join(f"{claims.count(claim)} {claim}" for claim in sorted(set(claims)))
        print(f"big-M {name:11} {seconds[name]:9.4f} s a ball on {given.balls} balls ({shown})")
    ratio = seconds["plain"] / ours
    print(f"plain / exact     {ratio:9.0f} times (needed: {NEEDED})")
    return 0 if ratio >= NEEDED else 1


if __name__ == "__main__":
    raise SystemExit(main())

"""Random conjunctions about all networks: how many are decided, in which time.

    python benchmarks/conjunctions.py [--timeout 40]

The question is whether a network of depth 2 with so many units of weight 1 and -1 gives some points
their labels (`constructions.least.questions`): drawn by the seed, either at random, or by a random
network of that shape. Prints a line a question, and the sum.
"""

from __future__ import annotations

import argparse
import random
from fractions import Fraction
from time import process_time

from constructions.least.questions import dual_question
from verifier.evidence.certificate import Robust, Undecided
from verifier.question.query import Query
from verifier.search.options import Options
from verifier.tasks.verify import verify

SHAPES = (  # inputs, units of weight 1, of weight -1, points, seeds
    (2, 1, 1, 20, 4),
    (2, 1, 2, 14, 4),
    (2, 1, 2, 28, 3),
    (2, 2, 1, 40, 2),
    (3, 1, 2, 32, 3),
)
PARTS = 64  # coordinates are multiples of 1 / PARTS from -1 to 1


def question(
    inputs: int, positive: int, negative: int, points: int, seed: int, *, planted: bool
) -> Query:
    """The question of these points; labels are those of a network if `planted`."""
    rng = random.Random(seed)
    places = [
        tuple(Fraction(rng.randint(-PARTS, PARTS), PARTS) for _ in range(inputs))
        for _ in range(points)
    ]
    labels = [rng.randint(0, 1) for _ in places]
    if planted:
        signs = [1] * positive + [-1] * negative
        units = [[rng.gauss(0, 1) for _ in range(inputs + 1)] for _ in signs]

        def value(place: tuple[Fraction, ...]) -> float:
            pre = [
                sum(w * float(q) for w, q in zip(unit, place, strict=False)) + unit[-1]
                for unit in units
            ]
            return sum(sign * max(a, 0.0) for sign, a in zip(signs, pre, strict=True))

        values = [value(place) for place in places]
        middle = sorted(values)[points // 2]
        labels = [int(one >= middle) for one in values]
    return dual_question(places, labels, 2, positive, negative)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--timeout", type=float, default=40.0, help="seconds a question")
    given = parser.parse_args()
    decided = asked = 0
    total = 0.0
    for *shape, seeds in SHAPES:
        for seed in range(seeds):
            for planted in (False, True):
                query = question(*shape, seed, planted=planted)
                start = process_time()
                verdict = verify(query, Options(timeout=given.timeout)).verdict
                seconds = process_time() - start
                asked, total = asked + 1, total + seconds
                decided += not isinstance(verdict, Undecided)
                nodes = sum(map(len, verdict.trees)) if isinstance(verdict, Robust) else ""
                print(
                    *shape, seed, "network" if planted else "random", query.network.inputs,
                    query.network.units.count, type(verdict).__name__, nodes, f"{seconds:.2f}",
                    sep="\t", flush=True,
                )  # fmt: skip
    print(f"{decided} of {asked} decided, {total:.1f} CPU seconds")


if __name__ == "__main__":
    main()

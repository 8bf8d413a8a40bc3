"""Why small robust memorizers are hard to find: set splitting as a memorization question.

Theorem 4.1 (Yu, Gao, Zhang, ICLR 2024): deciding whether a network of depth 2 and width 2 memorizes
given data robustly is NP-hard. The paper's reduction is not the one here; this one is a
reconstruction, with a proof, for nearest-label semantics (two labels, threshold halfway). With
*exact* outputs and a positive budget the question is in P: each ball must lie in a flat cell of
activation, so the network is a ramp and two labels need strictly separable unions of balls.

Reduction from set splitting with sets of three (not-all-equal satisfiability without negations).
Variables 1..V with unit vectors e_i and clauses 1..C with u_c, in R^(V + C):

    label 0:  0,  +-u_c,  +-(e_i + e_j + e_k + u_c)  for each clause c = {i, j, k}
    label 1:  +-e_i

N = 2V + 4C + 1 samples, integer, L-infinity separation 1. If chi in {-1, 1}^V is not constant on
any clause, w = 2 sum chi_i e_i - sum_c (chi_i + chi_j + chi_k) u_c has |w . p| <= 1 on label 0,
|w . q| = 2 on label 1 and ||w||_1 = 2V + C, so

    f(x) = 2 relu(w . x - 5/4) + 2 relu(-w . x - 5/4)

is nearer to the right label on all balls of budget below 1 / (2 (2V + C)). Conversely, from any
network of depth 2 and width 2 that is right at the samples such a chi is read off.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import product

from constructions.construction import Construction, Promises, Size
from verifier.data.dataset import Dataset
from verifier.question.build import Affine, NetworkBuilder
from verifier.question.errors import UserError
from verifier.question.network import Network
from verifier.question.rational import format_rational

SOURCE = "after Yu, Gao, Zhang, ICLR 2024, Theorem 4.1 (another reduction)"


@dataclass(frozen=True, slots=True)
class SetSplitting:
    """Variables 0..variables-1 and clauses of three different ones."""

    variables: int
    clauses: tuple[tuple[int, int, int], ...]

    def __post_init__(self) -> None:
        for clause in self.clauses:
            if len(clause) != 3 or len(set(clause)) != 3:
                raise UserError(f"set splitting: {clause} is not three different variables")
            if not all(0 <= i < self.variables for i in clause):
                raise UserError(
                    f"set splitting: {clause} names a variable outside 0..{self.variables - 1}"
                )

    def splits(self, signs: Sequence[int]) -> bool:
        """Whether no clause has three equal signs."""
        return all(len({signs[i] for i in clause}) == 2 for clause in self.clauses)

    def solutions(self) -> Iterable[tuple[int, ...]]:
        """All splittings, by trying all 2^V signs."""
        return (signs for signs in product((1, -1), repeat=self.variables) if self.splits(signs))


FANO = SetSplitting(
    7, ((0, 1, 2), (0, 3, 4), (0, 5, 6), (1, 3, 5), (1, 4, 6), (2, 3, 6), (2, 4, 5))
)
"""The seven lines of the Fano plane: every two-colouring has a line of one colour."""


def gadget(problem: SetSplitting) -> Dataset:
    """The data of the reduction: label 1 on +-e_i, label 0 on the rest; see the module."""
    size = problem.variables + len(problem.clauses)

    def vector(entries: Iterable[int]) -> list[int]:
        row = [0] * size
        for k in entries:
            row[k] = 1
        return row

    rows, labels = [[0] * size], [0]
    for c, clause in enumerate(problem.clauses):
        last = problem.variables + c
        for entries in ((last,), (*clause, last)):
            rows += [vector(entries), [-v for v in vector(entries)]]
            labels += [0, 0]
    for i in range(problem.variables):
        rows += [vector((i,)), [-v for v in vector((i,))]]
        labels += [1, 1]
    return Dataset.from_rows("set-splitting", rows, labels)


def splitting_of(problem: SetSplitting, network: Network) -> tuple[int, ...]:
    """The splitting that a network of depth 2 and width 2 holds which is right at all samples.

    By the proof of soundness one half-space {l(x) >= r}, r > 0, holds exactly one of e_i and -e_i
    for every i, and that one tells the sign of variable i. Its l is the linear part of a unit, or
    of the sum or difference of both, weighted as the output weights them.

    Raises UserError if the network is not one of two units, or holds no splitting.
    """
    if network.layers != (2,) or network.outputs.count != 1:
        raise UserError(f"set splitting: layers of {network.layers} units, one of 2 is needed")
    outputs, _ = network.outputs.fractions(0)
    units = []
    for unit in range(2):
        weights, _ = network.units.fractions(unit)
        size = abs(outputs.get(network.inputs + unit, Fraction(0)))
        units.append([size * weights.get(i, Fraction(0)) for i in range(problem.variables)])
    both = list(zip(*units, strict=True))
    forms = [*units, [a + b for a, b in both], [a - b for a, b in both]]
    for form in forms:
        signs = tuple(1 if value > 0 else -1 for value in form)
        if problem.splits(signs):
            return signs
    raise UserError("set splitting: the network holds no splitting; it is wrong at some sample")


def certificate_network(
    problem: SetSplitting, signs: Sequence[int], budget: Fraction
) -> Construction:
    """The depth-2 width-2 network of a splitting: nearest to the right label on every ball.

    Raises:
        UserError: The signs do not split every clause; the budget is negative or not below
            1 / (2 (2V + C)).
    """
    if len(signs) != problem.variables or any(sign not in (-1, 1) for sign in signs):
        raise UserError(f"set splitting: {problem.variables} signs are needed")
    for clause in problem.clauses:
        if len({signs[i] for i in clause}) == 1:
            raise UserError(f"set splitting: the clause {clause} has one sign only")
    below = Fraction(1, 2 * (2 * problem.variables + len(problem.clauses)))
    if not 0 <= budget < below:
        raise UserError(
            f"budget {format_rational(budget)} is not in [0, {format_rational(below)}), "
            "1 / (2 (2V + C))"
        )
    build = NetworkBuilder(problem.variables + len(problem.clauses))
    form = Affine.sum(
        [
            *(build.inputs[i] * (2 * sign) for i, sign in enumerate(signs)),
            *(
                build.inputs[problem.variables + c] * -sum(signs[i] for i in clause)
                for c, clause in enumerate(problem.clauses)
            ),
        ]
    )
    units = build.layer([form - Fraction(5, 4), -form - Fraction(5, 4)])
    return Construction(
        name="set-splitting",
        network=build.network([2 * units[0] + 2 * units[1]]),
        norm="inf",
        budget=budget,
        decoder="nearest",
        promises=Promises(
            source=SOURCE,
            width=Size(2, "2", exact=True),
            depth=Size(2, "2", exact=True),
            nonzero=Size(2 * (problem.variables + len(problem.clauses)) + 4, "2(V + C) + 4"),
            dense=Size(
                2 * (problem.variables + len(problem.clauses)) + 5, "2(V + C) + 5", exact=True
            ),
            bits=Size(6, "bits of 5/4", exact=True),
            budget_below=below,
        ),
    )

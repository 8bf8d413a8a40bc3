"""The reduction from set splitting to depth 2, width 2, and the exact decision of tiny cases."""

from __future__ import annotations

from fractions import Fraction
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from constructions.construction import check_promises
from constructions.hypotheses import power_separation
from constructions.least.find import Finder
from constructions.least.questions import Impossible, Possible
from constructions.sampled import sampled_flips
from constructions.set_splitting import (
    FANO,
    SetSplitting,
    certificate_network,
    gadget,
    splitting_of,
)
from constructions.two_units import feasible, half_space, separate
from verifier.checker.scaled import evaluate
from verifier.data.dataset import Dataset
from verifier.question.build import NetworkBuilder
from verifier.question.errors import UserError
from verifier.runs.run import points_of


@pytest.mark.parametrize(
    "problem",
    [
        SetSplitting(3, ((0, 1, 2),)),
        SetSplitting(5, ((0, 1, 2), (1, 2, 3), (2, 3, 4), (0, 3, 4))),
        SetSplitting(7, FANO.clauses[:6]),
    ],
)
def test_a_splitting_is_a_network_that_is_right_on_all_balls(problem: SetSplitting) -> None:
    dataset = gadget(problem)
    variables, clauses = problem.variables, len(problem.clauses)
    assert dataset.size == 2 * variables + 4 * clauses + 1
    assert power_separation(dataset, "inf") == 1
    signs = next(iter(problem.solutions()))
    below = Fraction(1, 2 * (2 * variables + clauses))
    construction = certificate_network(problem, signs, below * Fraction(999, 1000))
    check_promises(construction)
    assert sampled_flips(construction, dataset, count=20) == []
    # the worst corners: along the sign of w
    weights = construction.network.units.fractions(0)[0]
    corners = [
        [
            x + side * construction.budget * (1 if weights.get(k, 0) > 0 else -1)
            for k, x in enumerate(dataset.point(i))
        ]
        for i in range(dataset.size)
        for side in (1, -1)
    ]
    values = [v for (v,) in evaluate(construction.network, corners)]
    assert all((v > Fraction(1, 2)) == bool(dataset.labels[i // 2]) for i, v in enumerate(values))


def test_the_fano_plane_has_no_splitting_and_no_half_space() -> None:
    """Its 128 sign patterns: no half-space holds all chi_i e_i and misses all of label 0.

    The symmetries of the plane and the change of all signs map the data to themselves, so one
    pattern of each orbit is enough.
    """
    assert list(FANO.solutions()) == []
    lines = {frozenset(line) for line in FANO.clauses}
    symmetries = [
        turn
        for turn in permutations(range(7))
        if {frozenset(turn[i] for i in line) for line in lines} == lines
    ]
    assert len(symmetries) == 168
    left, tried = set(range(128)), []
    while left:
        code = min(left)
        tried.append(code)
        for turn in symmetries:
            turned = sum(1 << turn[i] for i in range(7) if code >> i & 1)
            left -= {turned, 127 - turned}
    assert len(tried) == 5
    dataset = gadget(FANO)
    assert (dataset.size, dataset.dimension) == (43, 14)
    label0 = [list(dataset.point(i)) for i in np.flatnonzero(dataset.labels == 0)]
    for code in tried:
        inside = []
        for i in range(7):
            row = [Fraction(0)] * 14
            row[i] = Fraction(1 if code >> i & 1 else -1)
            inside.append(row)
        assert half_space(label0, inside) is None


def test_bad_questions_are_refused() -> None:
    problem = SetSplitting(3, ((0, 1, 2),))
    with pytest.raises(UserError, match=r"the clause \(0, 1, 2\) has one sign only"):
        certificate_network(problem, (1, 1, 1), Fraction(0))
    with pytest.raises(UserError, match=r"budget 1/14 is not in \[0, 1/14\)"):
        certificate_network(problem, (1, 1, -1), Fraction(1, 14))
    with pytest.raises(UserError, match="three different variables"):
        SetSplitting(3, ((0, 0, 1),))
    with pytest.raises(UserError, match=r"outside 0\.\.2"):
        SetSplitting(3, ((0, 1, 3),))
    with pytest.raises(UserError, match="43 samples; the search over"):
        separate(gadget(FANO))


@settings(max_examples=60, deadline=None)
@given(
    data=st.lists(
        st.tuples(st.lists(st.integers(-4, 4), min_size=3, max_size=3), st.integers(-4, 4)),
        min_size=1,
        max_size=7,
    )
)
def test_the_exact_linear_programs_agree_with_a_solver(
    data: list[tuple[list[int], int]],
) -> None:
    rows = [[Fraction(v) for v in row] for row, _ in data]
    bounds = [Fraction(b) for _, b in data]
    found = feasible(rows, bounds)
    if found is not None:
        for row, bound in zip(rows, bounds, strict=True):
            assert sum(a * b for a, b in zip(row, found, strict=True)) >= bound
    result = linprog(
        [0.0] * 3,
        A_ub=[[-float(v) for v in row] for row in rows],
        b_ub=[-float(b) for b in bounds],
        bounds=[(None, None)] * 3,
    )
    assert (result.status == 0) == (found is not None)


@pytest.mark.parametrize(
    ("labels", "possible"),
    [
        ([0, 1, 0], True),
        ([0, 1, 0, 1], False),
        ([0, 1, 0, 1, 0], False),
        ([1, 0, 0, 1], True),
        ([1, 0, 1, 0, 1], False),
    ],
)
def test_points_on_a_line(labels: list[int], possible: bool) -> None:
    """On a line f has two bends, and is constant left of, between or right of them, or convex, or
    concave, or monotone: its sign changes at most twice."""
    dataset = Dataset.from_rows("line", [[k] for k in range(len(labels))], labels)
    answer = separate(dataset)
    assert (answer is not None) is possible
    if answer is not None:
        values = [
            v for (v,) in evaluate(answer.network(), [[Fraction(k)] for k in range(len(labels))])
        ]
        assert [int(v > Fraction(1, 2)) for v in values] == labels


def test_the_four_corners_of_exclusive_or_are_separated_by_two_units() -> None:
    dataset = Dataset.from_rows("xor", [[0, 0], [1, 1], [0, 1], [1, 0]], [0, 0, 1, 1])
    answer = separate(dataset)
    assert answer is not None
    network = answer.network()
    assert (network.depth, network.width) == (2, 2)
    values = [v for (v,) in evaluate(network, [dataset.point(i) for i in range(4)])]
    assert [int(v > Fraction(1, 2)) for v in values] == [0, 0, 1, 1]


@pytest.mark.parametrize(
    "problem",
    [SetSplitting(3, ((0, 1, 2),)), SetSplitting(5, ((0, 1, 2), (0, 3, 4), (1, 2, 3)))],
)
def test_a_splitting_is_read_off_from_the_network_that_the_search_finds(
    problem: SetSplitting,
) -> None:
    """Backwards: some network of width 2 is looked for, and certified on all balls."""
    below = Fraction(1, 2 * (2 * problem.variables + len(problem.clauses)))
    found = Finder(points_of(gadget(problem)), "inf").decide(2, below * Fraction(9, 10))
    assert isinstance(found.claim, Possible)
    assert problem.splits(splitting_of(problem, found.claim.network))
    given = certificate_network(problem, next(iter(problem.solutions())), Fraction(0))
    assert problem.splits(splitting_of(problem, given.network))


def test_a_network_that_holds_no_splitting_is_said_to() -> None:
    with pytest.raises(UserError, match="holds no splitting"):
        splitting_of(FANO, certificate_network(SetSplitting(14, ()), [1] * 14, Fraction(0)).network)
    build = NetworkBuilder(14)
    with pytest.raises(UserError, match="one of 2 is needed"):
        splitting_of(FANO, build.network([build.inputs[0]]))


@pytest.mark.slow
def test_for_the_fano_plane_every_network_of_width_2_is_excluded() -> None:
    found = Finder(points_of(gadget(FANO)), "inf").decide(2, Fraction(0))
    assert isinstance(found.claim, Impossible) and len(found.checked) == 3

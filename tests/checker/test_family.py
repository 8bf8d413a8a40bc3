"""Proofs about families: what is accepted holds for every parameter, and each rule is needed."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from constructions.families import WITHOUT_BUDGET, family_of, family_up_to
from constructions.hypotheses import budget_of_ratio, power_separation
from tests.oracles.oracle import find_flip
from tests.oracles.random_data import random_data
from tests.oracles.random_families import (
    cone_of,
    guessed,
    holds_at_slices,
    kink,
    label_families,
    lemmas,
    random_family,
)
from verifier.checker.family import FamilyChecker, family_roots, family_scaled
from verifier.checker.family_replay import replay_family
from verifier.checker.scaled import ScaledNetwork
from verifier.data.dataset import Dataset
from verifier.data.load import load
from verifier.evidence.certificate import (
    Conflict,
    InputSplit,
    Leaf,
    Lemma,
    Node,
    PairLemma,
    Robust,
    SeparableStep,
    SumsStep,
    SymbolicLeaf,
    SymbolicStep,
    UnitSplit,
    certificate_bytes,
    parse_certificate,
)
from verifier.question.build import NetworkBuilder
from verifier.question.errors import RefusedError, UserError
from verifier.question.family import FamilyQuery, check_denominator, family_goals
from verifier.question.query import Atom, Goal, label_goals
from verifier.search.deep.family import family_proofs
from verifier.search.deep.slices import slice_at

F, ZERO, ONE = Fraction, Fraction(0), Fraction(1)
LEAF = (Node((), Leaf()),)


def flaw_of(query, verdict):
    try:
        replay_family(query, verdict)
    except RefusedError as error:
        return error.flaw
    return "accepted"


def check_random(seeds):
    accepted = 0
    for seed in seeds:
        rng, query = random_family(seed)
        steps = lemmas(rng, query) if rng.random() < 0.5 else ()
        verdict = Robust(steps, (guessed(rng, query),))
        if flaw_of(query, verdict) == "accepted":
            accepted += 1
            assert holds_at_slices(query), seed
            data = certificate_bytes(verdict, query.network.digest)
            again = parse_certificate(data, query.network.digest)
            assert flaw_of(query, again) == "accepted"
    return accepted


def test_what_is_accepted_holds_for_every_parameter():
    assert check_random(range(250)) > 30


@pytest.mark.slow
def test_what_is_accepted_holds_for_every_parameter_of_many_families():
    assert check_random(range(1000, 9000)) > 900


def test_the_lower_bound_of_a_unit_is_zero_at_both_ends_unless_it_is_on_at_both():
    """relu(2 m - 1) is 0 and 1 at the ends and 0 in the middle, so it is not at least m."""
    query = kink(Goal((Atom(((1, ONE),), ((0, -ONE),), ZERO, True),), "below m"))
    assert flaw_of(query, Robust((), (LEAF,))) == "bound too weak"
    assert find_flip(query.at(F(1, 2))) is not None
    halves = (Node((), InputSplit(1, F(1, 2))), *LEAF, *LEAF)
    assert flaw_of(query, Robust((), (halves,))) == "bound too weak"


def test_its_upper_bound_is_the_chord():
    query = kink(Goal((Atom(((1, -ONE),), ((0, ONE),), ZERO, True),), "above m"))
    assert flaw_of(query, Robust((), (LEAF,))) == "accepted"


def test_an_open_end_alone_may_be_reached():
    """1 - m > 0 on [0, 1), not on [0, 1]."""
    build = NetworkBuilder(2)
    _, m = build.inputs
    goals = (Goal((Atom((), ((0, -ONE),), ZERO, False),), "not positive"),)
    for first, is_open, flaw in ((0, True, "accepted"), (0, False, "bound too weak")):
        cone = cone_of("inf", [0], first, 1, is_open=is_open)
        query = FamilyQuery(build.network([1 - m]), cone, goals)
        assert flaw_of(query, Robust((), (LEAF,))) == flaw
        split = (Node((), InputSplit(1, F(1, 2))), *LEAF, *LEAF)
        assert flaw_of(query, Robust((), (split,))) == flaw


def test_of_two_lemmas_neither_of_which_dominates_the_later_one_is_kept():
    """a = m: of two lower bounds that cross, both at once would prove more than either."""
    build = NetworkBuilder(2)
    _, m = build.inputs
    (z,) = build.layer([m])
    query = FamilyQuery(
        build.network([z]),
        cone_of("inf", [0], 0, 1),
        (Goal((Atom((), ((0, ONE),), ZERO, False),), "r"),),
    )
    scaled = family_scaled(query.network, [query])
    checker = FamilyChecker(query, scaled, family_roots(scaled, [query])[0])
    low = [end.lower(0) / scaled.scales[2] for end in checker.ends]
    assert low == [0, 1]
    for ends, kept in (((-1, 2), (-1, 2)), ((-2, 1), (-1, 2)), ((0, 0), (0, 0))):
        checker.assume(PairLemma(0, False, (F(ends[0]), F(ends[1])), ()))
        assert tuple(end.lower(0) / scaled.scales[2] for end in checker.ends) == kept


def test_tampered_proofs_are_refused_for_their_flaw():
    query = kink(Goal((Atom(((1, -ONE),), ((0, ONE),), ZERO, True),), "above m"))
    true = PairLemma(0, True, (F(-1), F(1)), LEAF)
    for steps, flaw in (
        ((true,), "accepted"),
        ((replace(true, ends=(F(-1), F(999, 1000))),), "bound too weak"),
        ((replace(true, ends=(F(-1001, 1000), F(1))),), "bound too weak"),
        ((replace(true, unit=1),), "index out of range"),
        ((replace(true, ends=(F(-1),)),), "malformed"),
        ((replace(true, ends=(-1.0, F(1))),), "not exact"),
        ((Lemma(0, True, ONE, LEAF),), "unsupported"),
        ((SymbolicStep(),), "unsupported"),
        ((SeparableStep((ONE,)),), "unsupported"),
        ((SumsStep((ONE,), ()),), "no ball"),
    ):
        assert flaw_of(query, Robust(steps, (LEAF,))) == flaw
    for tree, flaw in (
        ((Node((), SymbolicLeaf(0)),), "unsupported"),
        ((Node((), Conflict(0)),), "no conflict"),
        ((Node((), InputSplit(1, ONE)), *LEAF, *LEAF), "split outside"),
        ((Node((), InputSplit(1, ZERO)), *LEAF, *LEAF), "split outside"),
        ((Node((), InputSplit(2, ZERO)), *LEAF, *LEAF), "index out of range"),
        ((*LEAF, *LEAF), "malformed tree"),
        ((Node((), UnitSplit(0)), *LEAF), "malformed tree"),
        ((Node((), Leaf(ball=ZERO)),), "accepted"),
        ((Node((), Leaf(ball=ONE)),), "no ball"),
    ):
        assert flaw_of(query, Robust((), (tree,))) == flaw
    assert flaw_of(query, Robust((), ())) == "goal missing"


def test_a_pair_is_refused_outside_a_family():
    from verifier.checker.replay import replay

    query = kink(Goal((Atom(((1, -ONE),), ((0, ONE),), ZERO, True),), "above m"))
    step = PairLemma(0, True, (F(-1), F(1)), LEAF)
    with pytest.raises(RefusedError, match="pair outside a family"):
        replay(query.at(F(1, 2)), Robust((step,), (LEAF,)))


@pytest.mark.parametrize(
    ("denominator", "is_open", "words"),
    [
        ((0, 0), True, r"D\(0\) = 0 is not above 0"),
        ((-1, 1), True, r"D\(0\) = -1 is not above 0"),
        ((1, -2), True, r"D\(1\) = -1 is negative"),
        ((1, -1), False, r"D\(1\) = 0 is zero at a closed end"),
    ],
)
def test_a_denominator_that_is_not_positive_makes_every_claim_vacuous(denominator, is_open, words):
    cone = cone_of("inf", [0], 0, 1, is_open=is_open)
    with pytest.raises(UserError, match=words):
        check_denominator((F(denominator[0]), F(denominator[1])), cone)
    check_denominator((ONE, -ONE), cone_of("inf", [0], 0, 1, is_open=True))


def test_cones_are_refused_that_are_none():
    for first, last in ((1, 1), (2, 1), (-1, 1)):
        with pytest.raises(UserError, match="the first must be below the last"):
            cone_of("inf", [0], first, last)
    with pytest.raises(UserError, match="unit 0 is not positive"):
        cone_of("1", [0], 0, 1, unit=0)


PROVED = (
    "linf", "linf-parallel", "linf-halfspaces", "l1", "l1-parallel", "l1-serial", "l1-halfspaces",
    "l2-halfspaces",
)  # fmt: skip


@pytest.mark.parametrize("name", PROVED)
def test_constructions_are_proved_for_every_budget_and_not_beyond(name):
    dataset = random_data(3, 6, 2, 3)
    family = family_of(dataset, name)

    asked = label_families(dataset, family, family.end)
    proofs = family_proofs(asked)
    for query, proof in zip(asked, proofs, strict=True):
        assert proof is not None
        replay_family(query, proof)
    beyond = family_proofs(label_families(dataset, family, family.end * F(1001, 1000)))
    assert any(proof is None for proof in beyond)


@pytest.mark.parametrize("name", ["l1", "l1-parallel"])
def test_a_sample_of_its_own_label_may_be_nearer_than_the_rival_that_sets_the_limit(name):
    """Sums in fixed point leave the test of the rival below zero at the last m, where it is tight;
    that of the neighbour is below zero by far."""
    rows = [
        [8, 14, 8, 2, 6, 10, 9, 8], [8, 16, 6, 4, 4, 8, 9, 6], [7, 14, 9, 2, 7, 11, 10, 8],
        [8, 14, 8, 3, 7, 10, 9, 7], [0, 2, 12, 0, 15, 10, 7, 10], [2, 6, 7, 7, 4, 14, 2, 2],
        [10, 16, 15, 3, 9, 9, 3, 10],
    ]  # fmt: skip
    dataset = Dataset.from_rows("near", rows, [0, 1, 0, 0, 1, 2, 0])
    family = family_of(dataset, name)
    asked = label_families(dataset, family, family.end)
    for query, proof in zip(asked, family_proofs(asked), strict=True):
        assert proof is not None
        replay_family(query, proof)


@pytest.mark.parametrize("name", WITHOUT_BUDGET)
def test_networks_without_budget_are_proved_on_open_balls_and_not_beyond(name):
    """Of half the separation, where the closed ones of two labels meet; an open end that is a
    thousandth more has a point that is closer to another label."""
    dataset = random_data(3, 8, 3, 3 if name == "lipschitz-ovr" else 2)
    family = family_of(dataset, name)
    asked = label_families(dataset, family, family.end)
    assert all(query.cone.open for query in asked)
    closed = set()
    for query, proof in zip(asked, family_proofs(asked), strict=True):
        assert proof is not None
        replay_family(query, proof)
        closed.add(flaw_of(replace(query, cone=replace(query.cone, open=False)), proof))
    assert "bound too weak" in closed  # of a closest pair
    beyond = family_proofs(label_families(dataset, family, family.end * F(1001, 1000)))
    assert any(proof is None for proof in beyond)


def test_a_slice_asks_about_one_parameter():
    """What is exact at both ends lies between them in the slice, and m is a number there."""
    dataset = random_data(3, 6, 2, 3)
    for name in ("linf", "l1-halfspaces", "l2-halfspaces"):
        family = family_of(dataset, name)
        query = label_families(dataset, family, family.end)[0]
        scaled = family_scaled(query.network, [query])
        roots = family_roots(scaled, [query])[0]
        share = F(2, 3)
        wide = ScaledNetwork(query.network, scaled.denominator * share.denominator)
        found = slice_at(query, wide, roots, share)
        m = share * family.end
        assert found.query.region == query.cone.at(m)
        assert F(found.value_of(query.network.inputs - 1)) / wide.denominator == m
        for v in range(query.network.units.count):
            scales = scaled.scales[scaled.network.inputs + v], wide.scales[wide.network.inputs + v]
            for ends, bound in (
                ([root.lower_of(v) for root in roots], found.lower(v)),
                ([root.upper_of(v) for root in roots], found.upper(v)),
            ):
                low, high = (F(q) / scales[0] for q in ends)
                assert F(bound) / scales[1] == low + share * (high - low)


def test_rows_of_a_cone_hold_what_is_exact_as_a_function_of_m():
    """z = relu(3 - 2 m) is an affine function of m on [0, 1], though it reads x with a unit that is
    off; on [0, 2] it is none."""
    build = NetworkBuilder(2)
    x, m = build.inputs
    off, on = build.layer([x - m - 1, 3 - 2 * m])
    z, _ = build.layer([on - off, on + 2 * m + x])
    goals = (Goal((Atom((), ((0, ONE),), F(-10), True),), "r"),)
    for last, fixed in ((1, True), (2, False)):
        query = FamilyQuery(build.network([z]), cone_of("inf", [0], 0, last), goals)
        scaled = family_scaled(query.network, [query])
        first, other = family_roots(scaled, [query])[0]
        assert first.rows is other.rows
        variables, weights, constant = first.rows.row(2)
        assert (variables, constant) == (([1], 3) if fixed else ([3], 0))
        assert weights == ([-2] if fixed else [1])
        # Where m is read beside it, its weight is the sum of both, and none if that is zero.
        assert first.rows.row(3) == (([0], [1], 3) if fixed else ([0, 1, 3], [1, 2, 1], 0))
        assert first.rows.skips(1) is fixed and first.rows.skips(0)


def test_the_search_splits_on_m_where_chords_are_too_far():
    """relu(2 m - 1) >= relu(4 m - 3) on [0, 1]: not by chords on all of it, but on both halves."""
    build = NetworkBuilder(2)
    _, m = build.inputs
    first, second = build.layer([2 * m - 1, 4 * m - 3])
    goal = Goal((Atom((), ((0, -ONE),), ZERO, True),), "below")
    query = FamilyQuery(build.network([first - second]), cone_of("inf", [0], 0, 1), (goal,))
    assert flaw_of(query, Robust((), (LEAF,))) == "bound too weak"
    (proof,) = family_proofs([query])
    assert proof is not None
    assert proof.trees[0][0].body == InputSplit(1, F(1, 2))
    replay_family(query, proof)
    below = Goal((Atom((), ((0, -ONE),), F(1, 10**9), True),), "below")
    assert family_proofs([replace(query, goals=(below,))]) == [None]


def test_a_multiplier_of_the_ball_serves_both_ends():
    """Where nothing is to spare at either end, the multiplier of a slice is not that of both."""
    dataset = load("iris")
    budget = budget_of_ratio(F(9, 10), power_separation(dataset, "2"), "2")
    family = family_up_to(dataset, "l2", budget)
    cone = family.terms().cone("2", tuple(dataset.point(0)))
    goals = label_goals("value", int(dataset.labels[0]), range(3), 1)
    goals = family_goals(goals, family.denominator, dataset.dimension)
    query = FamilyQuery(family.network, cone, goals)
    (proof,) = family_proofs([query])
    assert proof is not None
    replay_family(query, proof)
    off = [s for s in proof.steps if isinstance(s, PairLemma) and s.tree[0].body.ball]
    assert off and off[0].ends == (0, 0)

"""Families by the proved kernel: the answers of the checker, and guards that are its own."""

from collections import Counter
from dataclasses import replace
from fractions import Fraction
from random import Random

import pytest

from constructions.families import family_of
from tests.oracles.checkers import answer
from tests.oracles.kernel import kernel_answer
from tests.oracles.proved_kernel import kernel_folder, proved_flaw, say
from tests.oracles.random_data import random_data
from tests.oracles.random_families import (
    cone_of,
    family_run,
    guessed,
    hat,
    holds_at_slices,
    kink,
    label_families,
    lemmas,
    random_family,
    random_sum_family,
)
from verifier.checker.elaborate import elaborate
from verifier.checker.family_replay import replay_family
from verifier.checker.proved import replay_proof, replay_run
from verifier.evidence.certificate import (
    Conflict,
    InputSplit,
    Leaf,
    MaximaStep,
    Node,
    PairLemma,
    Robust,
    UnitSplit,
)
from verifier.question.build import NetworkBuilder
from verifier.question.errors import RefusedError
from verifier.question.family import FamilyQuery
from verifier.question.query import Atom, Goal
from verifier.search.deep.family import family_proofs

F, ZERO, ONE = Fraction, Fraction(0), Fraction(1)
LEAF = (Node((), Leaf()),)


@pytest.fixture(autouse=True)
def program(monkeypatch):
    folder = kernel_folder()
    monkeypatch.setenv("ROBMEM_KERNEL", str(folder))
    return folder


def agree(query, verdict):
    """Whether both accept, and that they agree."""
    accepted = answer(replay_family, query, verdict) == "accepted"
    assert (proved_flaw(query, verdict) == "accepted") == accepted
    return accepted


def random_proofs(seeds):
    counts = Counter()
    for seed in seeds:
        rng, query = random_family(seed)
        steps = lemmas(rng, query) if rng.random() < 0.5 else ()
        steps += (MaximaStep(),) if rng.random() < 0.2 else ()
        accepted = agree(query, Robust(steps, (guessed(rng, query),)))
        counts[accepted] += 1
        assert not accepted or holds_at_slices(query), seed
    return counts


def test_random_families():
    assert min(random_proofs(range(100)).values()) > 20


@pytest.mark.slow
def test_many_random_families():
    assert min(random_proofs(range(30000, 33000)).values()) > 600


def random_sums(seeds):
    """Sums of ridge functions, as they are and altered in a number: both kernels agree."""
    counts = Counter()
    for seed in seeds:
        query, verdict = random_sum_family(seed)
        if not agree(query, verdict):
            continue
        rng, whole, (goal,) = Random(seed), elaborate(query, verdict), query.goals
        for _ in range(3):
            more = rng.choice((ZERO, F(1, 10**9), F(1, 4)))
            atom = replace(goal.atoms[0], constant=goal.atoms[0].constant + more)
            moved, steps = replace(query, goals=(replace(goal, atoms=(atom,)),)), list(whole.steps)
            if steps and rng.random() < 0.5:
                k = rng.randrange(len(steps))
                ends = list(steps[k].ends)
                ends[rng.randrange(2)] += rng.choice((1, -1)) * rng.choice((F(1, 10**6), F(1, 3)))
                steps[k] = replace(steps[k], ends=tuple(ends))
            changed = Robust(tuple(steps), whole.trees)
            accepted = kernel_answer(moved, changed) == "accepted"
            assert (proved_flaw(moved, changed) == "accepted") == accepted, seed
            assert not accepted or holds_at_slices(moved), seed
            counts[accepted] += 1
    return counts


def test_random_sums():
    assert min(random_sums(range(60)).values()) > 20


@pytest.mark.slow
def test_many_random_sums():
    assert min(random_sums(range(40000, 42000)).values()) > 800


def test_minima_are_those_of_the_largest_ball():
    """At every m the least is -min(m, 1/2): neither end's own ball shows that it is below m / 2."""
    assert not agree(hat(), Robust((), ((Node((), Leaf(ball=ZERO)),),)))
    (goal,) = hat().goals
    below = replace(goal.atoms[0], inputs=(), constant=-F(1, 2))
    query = replace(hat(), goals=(replace(goal, atoms=(below,)),))
    assert agree(query, Robust((), ((Node((), Leaf(ball=ZERO)),),)))


@pytest.mark.parametrize("norm", ["1", "2"])
def test_the_share_of_the_ball_grows_with_m(norm):
    """|x| is below m + 1/9 on the balls |x| <= m, and 2 |x| below 3 m - 1 + 1/9 for m from 1 to 2;
    by squares -2 |x| >= -1 - x^2, and -1 - m^2 is at least -3 m + 1 there, for it is so at both
    ends. Neither is below what is less by 2/9."""
    build = NetworkBuilder(2)
    x, _ = build.inputs
    right, left = build.layer([x, -x])
    network = build.network([right + left])
    tree = (Node((), Leaf(ball=ONE)),)
    for more in (F(1, 9), -F(1, 9)):
        if norm == "1":
            atom = Atom(((1, -ONE),), ((0, ONE),), -more, True)
        else:
            atom = Atom(((1, -F(3)),), ((0, F(2)),), F(2) - 1 - more, True)
        cone = cone_of(norm, [0], 1, 2)
        query = FamilyQuery(network, cone, (Goal((atom,), "beyond"),))
        assert agree(query, Robust((), (tree,))) == (more > 0)
        assert not agree(query, Robust((), ((Node((), Leaf(ball=F(1, 9))),),)))


@pytest.mark.parametrize("name", ["linf", "l1", "l1-parallel", "l1-halfspaces", "l2-halfspaces"])
def test_constructions(name):
    dataset = random_data(3, 6, 2, 3)
    family = family_of(dataset, name)
    asked = label_families(dataset, family, family.end)
    for query, proof in zip(asked, family_proofs(asked), strict=True):
        assert proof is not None
        shown = replay_proof(query, proof)
        assert (shown.facts.checker, shown.verdict) == ("proved kernel", "robust")


BELOW = Goal((Atom(((1, ONE),), ((0, -ONE),), ZERO, True),), "below m")
ABOVE = Goal((Atom(((1, -ONE),), ((0, ONE),), ZERO, True),), "above m")


def test_bounds_below_at_both_ends_at_once():
    """relu(2 m - 1) is 0 and 1 at the ends, but not above m between them."""
    assert not agree(kink(BELOW), Robust((), (LEAF,)))
    halves = (Node((), InputSplit(1, F(1, 2))), *LEAF, *LEAF)
    assert not agree(kink(BELOW), Robust((), (halves,)))
    assert agree(kink(ABOVE), Robust((), (LEAF,)))
    second = kink(Goal((Atom((), ((0, -ONE),), ONE, True),), "below 1"), second=True)
    assert not agree(second, Robust((), ((Node((), Leaf(slopes={1: ZERO})),),)))


def test_tampered_lemmas_and_trees():
    true = PairLemma(0, True, (F(-1), F(1)), LEAF)
    assert agree(kink(ABOVE), Robust((true,), (LEAF,)))
    for ends in ((F(-1), F(999, 1000)), (F(-1001, 1000), F(1)), (F(1), F(-1))):
        assert not agree(kink(ABOVE), Robust((replace(true, ends=ends),), (LEAF,)))
    for tree in (
        (Node((), Conflict(0)),),
        (Node((), UnitSplit(0)), Node((), Conflict(0)), *LEAF),
        (Node((), InputSplit(1, ONE)), *LEAF, *LEAF),
        (Node((), InputSplit(1, ZERO)), *LEAF, *LEAF),
    ):
        assert not agree(kink(ABOVE), Robust((), (tree,)))


def test_an_open_end():
    """1 - m > 0 holds on [0, 1), not on [0, 1]; and not where the branch ends before."""
    goal = Goal((Atom(((1, ONE),), (), -ONE, False),), "not below 1")
    split = (Node((), InputSplit(1, F(1, 2))), *LEAF, *LEAF)
    for last, is_open, holds in ((1, True, True), (1, False, False), (F(9, 8), True, False)):
        query = kink(goal)
        query = replace(query, cone=replace(query.cone, last=F(last), open=is_open))
        assert agree(query, Robust((), (LEAF,))) == agree(query, Robust((), (split,))) == holds
    early = Goal((Atom(((1, ONE),), (), -F(1, 2), False),), "not below 1/2")
    query = replace(kink(early), cone=replace(kink(early).cone, open=True))
    assert not agree(query, Robust((), (split,)))


ASKED = "family value 2 {cone} {d0} {d1}"
CONE = "{norm} {unit} {reach} {first} {last} {end}"
TRUE = {
    "norm": "inf", "unit": "1", "reach": "1", "first": "0", "last": "1", "end": "open",
    "d0": "1", "d1": "-1", "output": "1 1 -1 1 1", "label": "1", "center": "0",
}  # fmt: skip


def family_stream(**changes):
    """F_m = (1 - m) / (1 - m) is 1 on the balls of m around 0, for m in [0, 1)."""
    words = {**TRUE, **changes}
    network = "robmem-kernel 1 2 0 1 {output} ".format(**words)
    asked = ASKED.format(cone=CONE.format(**words), **words)
    sample = " sample 0 {label} {center} robust 0 goals 2 leaf . leaf . end".format(**words)
    return network + asked + sample


def test_what_guards_a_family(program):
    """What would make the statement empty or false is refused: G = D = 0 proves everything."""
    assert say(program, family_stream()) == ("sample 0 robust", 0)
    assert say(program, family_stream(norm="1")) == ("sample 0 robust", 0)
    assert say(program, family_stream(norm="2")) == ("sample 0 robust", 0)
    assert say(program, family_stream(end="closed", last="1/2"))[1] == 0
    nothing = {"output": "0 0 1", "d0": "0", "d1": "0"}
    for changes in (
        {"end": "closed"}, {"last": "2"}, {"first": "1"}, {"first": "-1"},
        {"first": "1/2", "last": "1/4"}, {"unit": "0", "reach": "0"}, {"unit": "-1"},
        {"reach": "1/2"}, {"label": "0"}, {"label": "2"}, {"d0": "-1", "d1": "1"},
        {"d1": "-2"}, nothing,
        {"output": "1 0 -1 1 1"},
        {"norm": "2", "reach": "-1"}, {"norm": "2", "unit": "4", "reach": "3/2"},
    ):  # fmt: skip
        assert say(program, family_stream(**changes)) == ("sample 0 refused", 4), changes
    for changes in ({"center": "0 0"}, {"center": ""}, {"end": "half"}, {"d0": "1/0"}):
        last, code = say(program, family_stream(**changes))
        assert code == 4 and last.startswith("refused"), changes
    flip = family_stream().replace("robust 0 goals 2 leaf . leaf .", "flip 0 0 0")
    assert say(program, flip)[1] == 4


def test_a_run_about_every_budget():
    network, points, question, results, texts = family_run()
    shown = replay_run(network, points, question, results, texts.__getitem__)
    assert sorted(shown) == [0, 1]
    for sample, one in shown.items():
        assert one.facts.checker == "proved kernel" and one.verdict == "robust"
        assert one.facts.asked.sample == sample and one.facts.asked.data == points.digest
    for changed in (replace(results[0], sample=2), replace(results[0], kind="flip")):
        with pytest.raises(RefusedError):
            replay_run(network, points, question, [changed], texts.__getitem__)
    closed = replace(question, family=replace(question.family, last=F(1, 2), open=False))
    assert replay_run(network, points, closed, results, texts.__getitem__)
    beyond = replace(question, family=replace(question.family, unit=F(3)))
    with pytest.raises(RefusedError, match="refused by the proved kernel"):
        replay_run(network, points, beyond, results, texts.__getitem__)

"""Families by the kernel: it accepts what the checker accepts, and the same with any flaw."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from fractions import Fraction
from random import Random

import pytest

from constructions.families import family_of
from tests.oracles.checkers import answer
from tests.oracles.kernel import head_of, kernel_answer, proof_flaw
from tests.oracles.maxima_networks import maxima_network
from tests.oracles.random_data import random_data
from tests.oracles.random_families import (
    clamped,
    cone_of,
    family_run,
    guessed,
    holds_at_slices,
    kink,
    label_families,
    lemmas,
    random_family,
)
from verifier.checker.elaborate import (
    elaborate,
    kernel_check,
    kernel_check_proof,
    kernel_check_result,
)
from verifier.checker.family_replay import replay_family
from verifier.checker.manifest import question_text
from verifier.evidence.certificate import (
    Conflict,
    Flip,
    InputSplit,
    Leaf,
    MaximaStep,
    Node,
    PairLemma,
    Robust,
    UnitSplit,
    certificate_bytes,
)
from verifier.evidence.data_file import data_bytes
from verifier.evidence.network_file import network_bytes
from verifier.evidence.proof_file import parse_claim
from verifier.kernel import rules, runs
from verifier.kernel.network import Network as KernelNetwork
from verifier.kernel.question import Questions, stated
from verifier.kernel.text import Refused
from verifier.question.build import NetworkBuilder
from verifier.question.errors import RefusedError, UserError
from verifier.question.family import FamilyQuery
from verifier.question.query import Atom, Goal
from verifier.search.deep.family import family_proofs
from verifier.search.options import Options
from verifier.tasks.verify import verify

F, ZERO, ONE = Fraction, Fraction(0), Fraction(1)
LEAF = (Node((), Leaf()),)


def agree(query, verdict):
    """The flaw that checker and kernel name, of the proof as it is and spelled out."""
    flaw = answer(replay_family, query, verdict)
    assert answer(kernel_check_proof, query, verdict) == flaw
    alone = kernel_answer(query, verdict)
    assert alone == flaw or (alone == "unsupported" and b'"maxima"' in text_of(query, verdict))
    return flaw


def text_of(query, verdict):
    return certificate_bytes(verdict, query.network.digest)


def random_proofs(seeds):
    counts = Counter()
    for seed in seeds:
        rng, query = random_family(seed)
        steps = lemmas(rng, query) if rng.random() < 0.5 else ()
        steps += (MaximaStep(),) if rng.random() < 0.2 else ()
        for _ in range(2):
            flaw = agree(query, Robust(steps, (guessed(rng, query),)))
            counts[flaw] += 1
            assert flaw != "accepted" or holds_at_slices(query), seed
    return counts


def test_random_families():
    counts = random_proofs(range(200))
    assert min(counts["accepted"], counts["bound too weak"]) > 40, counts


@pytest.mark.slow
def test_many_random_families():
    counts = random_proofs(range(20000, 24000))
    assert min(counts["accepted"], counts["bound too weak"]) > 800, counts


@pytest.mark.parametrize("name", ["linf", "l1-halfspaces", "l2-halfspaces"])
def test_constructions_whose_steps_are_spelled_out(name):
    """As a file in kernel form the proof needs nothing else."""
    dataset = random_data(3, 6, 2, 3)
    family = family_of(dataset, name)
    asked = label_families(dataset, family, family.end)
    spelled = 0
    for query, proof in zip(asked, family_proofs(asked), strict=True):
        assert proof is not None
        more = Robust((MaximaStep(), *proof.steps), proof.trees)
        wholes = [elaborate(query, each) for each in (proof, more)]
        spelled += len(wholes[1].steps) > len(wholes[0].steps)
        for each, whole in zip((proof, more), wholes, strict=True):
            assert agree(query, each) == "accepted"
            assert kernel_answer(query, whole) == "accepted"
            replay_family(query, whole)
    assert (spelled > 0) == (name != "linf")


def maxima_proofs(seeds):
    """Steps about maxima at the root, on parts of the interval and on sides of a unit are spelled
    out in lemmas that hold: the goal is far away, so nothing else can be refused."""
    lemmas_found = 0
    for seed in seeds:
        rng = Random(seed)
        inputs = rng.randint(1, 2)
        network = maxima_network(rng, inputs + 1)
        first = F(rng.choice((0, 1)), 2)
        cone = cone_of(
            rng.choice(("inf", "1", "2")), [rng.randint(-2, 2) for _ in range(inputs)], first,
            first + F(rng.randint(1, 4), 2), unit=rng.choice((1, F(1, 3))),
        )  # fmt: skip
        far = Goal((Atom((), ((0, ONE),), F(-(10**9)), False),), "far")
        query = FamilyQuery(network, cone, (far,))
        step = (MaximaStep(),)
        end = InputSplit(inputs, cone.first + (cone.last - cone.first) * F(rng.randint(1, 3), 4))
        unit = UnitSplit(rng.randrange(network.units.count))
        last = Node(step, Leaf())
        away = InputSplit(0, cone.center[0] + F(rng.randint(-6, 6), 2))  # beyond one end, or both
        for body in (end, unit, away):
            verdict = Robust(step, ((Node((), body), last, last),))
            assert agree(query, verdict) == "accepted"
            whole = elaborate(query, verdict)
            assert kernel_answer(query, whole) == "accepted"
            lemmas_found += text_of(query, whole).count(b'"tree"')
    return lemmas_found


def test_steps_about_maxima():
    assert maxima_proofs(range(40)) > 100
    # A branch without points, and a unit whose maxima have weights of both signs.
    assert maxima_proofs((1988, 2289, 2299)) > 10


@pytest.mark.parametrize("norm", ["inf", "1", "2"])
@pytest.mark.parametrize("threshold", [F(3, 2), F(3), F(-3)])
def test_maxima_beyond_one_end_or_both(norm, threshold):
    """Where an input's bounds contradict, sums of bounds may be better than any leaf: h - 2 l for
    max(x, y) - 2 x, which is -x where x is the larger one."""
    b = NetworkBuilder(3)
    x, y, _ = b.inputs
    (u,) = b.layer([x - y])
    (v,) = b.layer([u + y - 2 * x])
    (w,) = b.layer([3 - v])
    far = Goal((Atom((), ((0, ONE),), F(-999), False),), "far")
    cone = cone_of(norm, [1, 1], 1, F(7, 3), unit=F(1, 3))
    query = FamilyQuery(b.network([w]), cone, (far,))
    last = Node((MaximaStep(),), Leaf())
    proof = Robust((), ((Node((), InputSplit(0, threshold)), last, last),))
    assert agree(query, proof) == "accepted"


def test_maxima_of_a_unit_that_contradicts_at_one_end():
    """t = relu(m - 1) lies in [0, 0] and [4/3, 4/3]; where it is off, in [4/3, 0] at one end."""
    b = NetworkBuilder(2)
    y, m = b.inputs
    (t,) = b.layer([m - 1])
    (u,) = b.layer([t - y])
    (v,) = b.layer([u + y - 2 * t])
    far = Goal((Atom((), ((0, ONE),), F(-999), False),), "far")
    query = FamilyQuery(b.network([v]), cone_of("inf", [0], 1, F(7, 3), unit=F(1, 3)), (far,))
    last = Node((MaximaStep(),), Leaf())
    proof = Robust((), ((Node((), UnitSplit(0)), last, last),))
    assert agree(query, proof) == "accepted"


@pytest.mark.slow
def test_many_steps_about_maxima():
    assert maxima_proofs(range(1000, 2500)) > 4000


BELOW = Goal((Atom(((1, ONE),), ((0, -ONE),), ZERO, True),), "below m")
ABOVE = Goal((Atom(((1, -ONE),), ((0, ONE),), ZERO, True),), "above m")


def test_bounds_below_at_both_ends_at_once():
    """relu(2 m - 1) is 0 and 1 at the ends, but not above m between them: max(l, 0) at each end by
    itself would be a chord above it. The same for what reads it: relu(z - m + 1) is 1/2 at 1/2."""
    query = kink(BELOW)
    assert agree(query, Robust((), (LEAF,))) == "bound too weak"
    halves = (Node((), InputSplit(1, F(1, 2))), *LEAF, *LEAF)
    assert agree(query, Robust((), (halves,))) == "bound too weak"
    assert agree(kink(ABOVE), Robust((), (LEAF,))) == "accepted"
    second = kink(Goal((Atom((), ((0, -ONE),), ONE, True),), "below 1"), second=True)
    leaf = (Node((), Leaf(slopes={1: ZERO})),)
    assert agree(second, Robust((), (leaf,))) == "bound too weak"


def test_the_mutant_that_bounds_each_end_by_itself_is_caught(monkeypatch):
    """It would accept the false claim above."""

    def apart(c, s, low, high):
        pairs = zip(low, high, strict=True)
        return [(1 - s) * max(a, ZERO) + s * max(-b, ZERO) for a, b in pairs]

    query = kink(BELOW)
    monkeypatch.setattr(rules, "rests", apart)
    assert kernel_answer(query, Robust((), (LEAF,))) == "accepted"
    assert not holds_at_slices(query)


def test_tampered_lemmas_and_trees():
    true = PairLemma(0, True, (F(-1), F(1)), LEAF)
    for steps, flaw in (
        ((true,), "accepted"),
        ((replace(true, ends=(F(-1), F(999, 1000))),), "bound too weak"),
        ((replace(true, ends=(F(-1001, 1000), F(1))),), "bound too weak"),
        ((replace(true, ends=(F(1), F(-1))),), "bound too weak"),
        ((replace(true, unit=1),), "index out of range"),
    ):
        assert agree(kink(ABOVE), Robust(steps, (LEAF,))) == flaw
    for tree, flaw in (
        ((Node((), Conflict(0)),), "no conflict"),
        # On the low side l > h at m = 1, but not at m = 0.
        ((Node((), UnitSplit(0)), Node((), Conflict(0)), *LEAF), "no conflict"),
        ((Node((), InputSplit(1, ONE)), *LEAF, *LEAF), "split outside"),
        ((Node((), InputSplit(1, ZERO)), *LEAF, *LEAF), "split outside"),
        ((Node((), InputSplit(2, ZERO)), *LEAF, *LEAF), "index out of range"),
        ((*LEAF, *LEAF), "malformed tree"),
        ((Node((), UnitSplit(0)), *LEAF), "malformed tree"),
    ):
        assert agree(kink(ABOVE), Robust((), (tree,))) == flaw
    assert agree(kink(ABOVE), Robust((), ())) == "goal missing"


def test_the_clamp_form_is_answered_alike():
    """x_k = c_k + clamp(t_k, -m unit, m unit) makes an ordinary question on a box of (t, m) of a
    cone: where that is flipped no family proof is accepted, where it is proved no slice flips."""
    counts = Counter()
    for seed in range(400):
        rng, query = random_family(seed)
        if query.cone.norm != "inf":
            continue
        query = replace(query, cone=replace(query.cone, open=False))
        proofs = [Robust((), (guessed(rng, query),)) for _ in range(3)]
        flaws = {agree(query, proof) for proof in proofs}
        ordinary = verify(clamped(query), Options(nodes=300)).verdict
        if isinstance(ordinary, Flip):
            assert "accepted" not in flaws, seed
            counts["flip"] += 1
        elif isinstance(ordinary, Robust):
            assert holds_at_slices(query), seed
            counts["accepted" if "accepted" in flaws else "proved"] += 1
        if sum(counts.values()) == 45:
            break
    assert min(counts["flip"], counts["accepted"]) > 8, counts


def edited_file(change):
    """The flaws of parser or checker, and of the kernel, of an edited proof about `ABOVE`."""
    query = kink(ABOVE)
    head = json.loads(head_of(query))
    certificate = json.loads(certificate_bytes(Robust((), (LEAF,)), query.network.digest))
    third = change(head, certificate) or b""
    lines = (json.dumps(line, sort_keys=True).encode() for line in (head, certificate))
    data = b"\n".join(lines) + b"\n" + third
    try:
        claim = parse_claim(data)
        flaw = answer(replay_family, claim.query, claim.verdict)
    except UserError as error:
        flaw = error.flaw if isinstance(error, RefusedError) else "unreadable"
    return flaw, proof_flaw(data)


def region_with(**fields):
    return lambda head, _: head["region"].update(fields)


def test_tampered_proof_files():
    def without(name):
        return lambda head, _: head["region"].pop(name) and None

    def of_version_1(head, certificate):
        certificate["robmem"] = 1
        certificate["steps"] = [{"upper": [0, -1, 1], "tree": [{"leaf": {}}]}]

    def with_one_number(head, certificate):
        certificate["steps"] = [{"upper": [0, 1], "tree": [{"leaf": {}}]}]

    def a_flip(head, certificate):
        del certificate["goals"], certificate["steps"]
        certificate |= {"goal": 0, "point": [0, 0], "verdict": "flip"}

    def a_third_line(head, certificate):
        return json.dumps(certificate, sort_keys=True).encode() + b"\n"

    assert edited_file(lambda *_: None) == ("accepted", "accepted")
    for change in (
        region_with(first="1"), region_with(first="2"), region_with(first="-1"),
        region_with(last="0"), region_with(last=1), region_with(last="2/2"),
        region_with(unit="0"), region_with(unit="-1"), region_with(open=None),
        region_with(open=1), region_with(open="false"), region_with(norm="65"),
        region_with(norm=[]), region_with(center=[]), region_with(center=["0", "0"]),
        region_with(lower=["0"]), region_with(size="1"), without("unit"), without("open"),
        without("center"), without("last"), of_version_1, a_third_line,
    ):  # fmt: skip
        flaw, kernel = edited_file(change)
        assert flaw == kernel or {flaw, kernel} <= {"malformed", "missing field", "unknown field"}
        assert kernel != "accepted"

    def with_a_ball(share):
        return lambda _, certificate: certificate.update(goals=[[{"leaf": {"ball": share}}]])

    assert edited_file(with_a_ball(0)) == ("accepted", "accepted")
    assert edited_file(with_a_ball(1)) == ("no ball", "no ball")
    assert edited_file(a_flip) == ("another verdict", "another verdict")
    assert edited_file(with_one_number) == ("unsupported", "malformed")
    assert edited_file(region_with(last="2")) == ("bound too weak", "bound too weak")


def test_an_open_end():
    """1 - m > 0 holds on [0, 1), not on [0, 1]; and not where the branch ends before."""
    goal = Goal((Atom(((1, ONE),), (), -ONE, False),), "not below 1")
    split = (Node((), InputSplit(1, F(1, 2))), *LEAF, *LEAF)
    for first, last, is_open, flaw in (
        (0, 1, True, "accepted"),
        (0, 1, False, "bound too weak"),
        (0, F(9, 8), True, "bound too weak"),
    ):
        query = kink(goal)
        cone = replace(query.cone, first=F(first), last=F(last), open=is_open)
        query = replace(query, cone=cone)
        assert agree(query, Robust((), (LEAF,))) == agree(query, Robust((), (split,))) == flaw
    early = Goal((Atom(((1, ONE),), (), -F(1, 2), False),), "not below 1/2")
    query = replace(kink(early), cone=replace(kink(early).cone, open=True))
    above = (Node((), InputSplit(1, F(1, 2))), *LEAF, Node((), Leaf()))
    assert agree(query, Robust((), (above,))) == "bound too weak"


def test_a_run_about_every_budget():
    network, points, question, results, texts = family_run()
    for result in results[:2]:
        shown = kernel_check_result(network, points, question, result, texts.__getitem__)
        assert (shown.facts.checker, shown.verdict) == ("kernel", "robust")
        assert shown.facts.asked.sample == result.sample
    (text,) = texts.values()
    for sample, changes, flaw in (
        (2, {}, "bound too weak"),  # label 0, read as 1
        (0, {"unit": F(3)}, "bound too weak"),
        (0, {"last": F(1, 2), "open": False}, "accepted"),
        (0, {"denominator": (F(2), F(-2))}, "bound too weak"),
    ):
        asked = replace(question, family=replace(question.family, **changes))
        try:
            kernel_check(network, points, asked, sample, text)
        except RefusedError as refused:
            assert refused.flaw == flaw, changes
        else:
            assert flaw == "accepted", changes


def test_what_guards_a_run_about_every_budget():
    """Where D is not positive G = D = 0 would be read as any label."""
    network, points, question, _, _ = family_run()
    asked = json.loads(question_text(question))
    native = KernelNetwork(network_bytes(network))
    held = data_bytes(points.numerators, points.denominator, points.labels, points.label_names)

    def flaw(**changes):
        family = {**asked["family"], **changes}
        family = {name: value for name, value in family.items() if value is not None}
        try:
            Questions(native, runs.Points(held), {**asked, "family": family}).question(0)
        except Refused as refused:
            return refused.args[0]
        return "accepted"

    assert flaw() == "accepted" == flaw(open=False, last="1/2") == flaw(denominator=["1", "1"])
    for changes in (
        {"open": False}, {"last": "2"}, {"first": "1"}, {"first": "-1"}, {"first": "2"},
        {"denominator": ["0", "0"]}, {"denominator": ["0", "1"]}, {"denominator": ["-1", "2"]},
        {"denominator": ["1"]}, {"denominator": "1"}, {"denominator": [1, -1]}, {"unit": "0"},
        {"unit": "-1"}, {"unit": 1}, {"open": 1}, {"open": "true"}, {"last": "2/2"},
    ):  # fmt: skip
        assert flaw(**changes) == "malformed", changes
    for name in asked["family"]:
        assert flaw(**{name: None}) == "missing field", name
    assert flaw(radius="1") == "unknown field"


@pytest.mark.parametrize("is_open", [False, True])
def test_a_flip_of_a_member_is_seen_on_the_ball_of_its_m_alone(is_open: bool) -> None:
    """x - 1 is not below 0 at x = 1, which the ball of radius m around 0 reaches from m = 1 on, of
    m in [1/2, 2] or [1/2, 2). Another input lies between x and m."""
    build = NetworkBuilder(3)
    network = build.network([build.inputs[0] - 1])
    goal = Goal((Atom((), ((0, F(1)),), F(0), False),), "not below 0")
    query = FamilyQuery(network, cone_of("inf", [0, 0], F(1, 2), 2, is_open=is_open), (goal,))
    asked = stated(json.loads(head_of(query)), KernelNetwork(network_bytes(network)))

    def flaw(point: tuple[Fraction, ...], *, members: bool = True) -> str:
        point = point[:1] + (F(1, 4),) * (len(point) - 1) + point[1:]
        text = certificate_bytes(Flip(point, 0), network.digest)
        try:
            return str(rules.check(asked, text, members=members))
        except Refused as refusal:
            return str(refusal.args[0])

    assert flaw((F(1), F(1))) == "flip"
    assert flaw((F(3, 2), F(7, 4))) == "flip"
    assert flaw((F(1), F(2))) == ("outside" if is_open else "flip")
    assert flaw((F(1), F(99, 100))) == "outside"
    assert flaw((F(1, 3), F(1, 3))) == "outside"
    assert flaw((F(1), F(201, 100))) == "outside"
    assert flaw((F(1, 2), F(1))) == "no flip"
    assert flaw((F(1),)) == "dimension"
    assert flaw((F(1), F(1)), members=False) == "another verdict"
    assert flaw((F(1, 2), F(1, 2))) == "no flip"

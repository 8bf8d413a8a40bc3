"""A round of questions about families accepts what its replay accepts; a search is lent copies."""

from __future__ import annotations

import hashlib
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from tests.oracles.random_families import LEAF, cone_of
from verifier.checker.checked import (
    NO_EXECUTION,
    Asked,
    Checked,
    Checker,
    Round,
    asked_of,
    checked,
)
from verifier.evidence.certificate import (
    Flip,
    Leaf,
    Maximum,
    Node,
    Radius,
    Robust,
    certificate_bytes,
)
from verifier.question.build import NetworkBuilder
from verifier.question.errors import RefusedError, UserError
from verifier.question.executed import executable, executed
from verifier.question.family import FamilyQuery
from verifier.question.network import Network
from verifier.question.query import Atom, Goal, Query
from verifier.question.region import ball, box

F = Fraction
TREE = (Node((), Leaf()),)
PROOF = Robust((), (LEAF, LEAF))


def identity(inputs: int) -> Network:
    build = NetworkBuilder(inputs)
    return build.network([build.inputs[0]])


FAMILY, ONE = identity(2), identity(1)


def beyond(bound: Fraction) -> tuple[Goal, ...]:
    return tuple(Goal((Atom((), ((0, F(s)),), -bound, True),), str(s)) for s in (1, -1))


def family(bound: Fraction, center: int = 0) -> FamilyQuery:
    """x is neither above `bound` nor below -`bound` on the ball of m <= 2 around the center."""
    return FamilyQuery(FAMILY, cone_of("inf", [center], 1, 2), beyond(bound))


def test_a_round_of_families_replays_each_proof() -> None:
    checker = Checker(FAMILY, 1, family=True)
    queries = [family(F(2)), family(F(1)), family(F(3), 1)]
    asked = [Asked(str(k), "data", k) for k in range(3)]
    ((_, only),) = list(checker.family_rounds(queries, asked))
    shown = only.check(0, PROOF)
    assert isinstance(shown, Checked)
    assert (shown.verdict, shown.facts.asked, shown.facts.network) == (
        "robust",
        asked[0],
        FAMILY.digest,
    )
    assert only.check(2, PROOF).facts.asked == asked[2]
    with pytest.raises(RefusedError, match="bound too weak"):
        only.check(1, PROOF)
    found = dict(checker.families(queries, ["robust", "robust", "flip"], lambda _: PROOF, asked))
    flaws = [answer.flaw if isinstance(answer, RefusedError) else "" for _, answer in
             sorted(found.items())]  # fmt: skip
    assert flaws == ["", "bound too weak", "another verdict"]


def test_a_round_of_families_ends_with_the_next() -> None:
    checker, asked = Checker(FAMILY, 1, family=True), [Asked("q")]
    ((_, first),) = list(checker.family_rounds([family(F(2))], asked))
    ((_, second),) = list(checker.family_rounds([family(F(3), 1)], asked))
    with pytest.raises(RuntimeError, match="another one by now"):
        first.check(0, PROOF)
    assert second.check(0, PROOF).verdict == "robust"


def test_a_search_is_lent_copies_of_the_same_numbers() -> None:
    """Of families and of single balls, in rounds of one question and of more."""
    for count in (1, 2):
        checker = Checker(FAMILY, 1, family=True)
        queries = [family(F(2), k) for k in range(count)]
        ((_, these),) = list(checker.family_rounds(queries, [Asked("q")] * count))
        lent, scaled, roots = these.for_search()
        assert scaled.axes == checker.scaled.axes == 1
        assert [q.cone for q in lent] == [q.cone for q in queries]
        for own, copied in zip(these._roots, roots, strict=True):
            for mine, theirs in zip(own, copied, strict=True):
                same(mine, theirs, scaled)
    for count in (1, 2):
        plain = [Query(ONE, box([F(-k)], [F(1)]), beyond(F(2))) for k in range(count)]
        ((_, round_of),) = list(Checker.of(ONE, plain).rounds(plain))
        assert isinstance(round_of, Round)
        tables = set()
        for k, query in enumerate(plain):
            lent_query, scaled, root = round_of.for_search(k)
            assert scaled.axes == ONE.inputs
            assert (lent_query.region, lent_query.goals) == (query.region, query.goals)
            same(round_of._roots[k], root, scaled)
            tables.add(id(root.table))
        assert len(tables) == 1  # copied once a round


def same(own: Any, lent: Any, scaled: object) -> None:
    assert lent.scaled is scaled is not own.scaled
    assert not np.shares_memory(own.table, lent.table)
    assert (own.table == lent.table).all()
    assert own.lower.tolist() == lent.lower.tolist()
    assert own.upper.tolist() == lent.upper.tolist()


def test_a_checker_is_about_no_family_unless_told() -> None:
    assert Checker(FAMILY, 1).scaled.axes == 2
    assert Checker(FAMILY, 1, family=True).scaled.axes == 1


def test_a_pair_is_replayed_before_it_is_checked() -> None:
    """The radius of the nearest flip, and the largest value of a form of outputs."""
    one = F(1)
    for radius, flaw in ((F(1), ""), (F(1, 2), "outside"), (F(2), "inside")):
        query = Query(ONE, ball("inf", [F(0)], radius, open=True), (reach(one),))
        verdict = Radius(Robust((), (TREE,)), Flip((one,), 0))
        assert flaw_of(query, verdict) == flaw
    for top, flaw in ((F(1), ""), (F(1, 2), "outside"), (F(2), "bound too weak")):
        query = Query(ONE, box([F(0)], [top]), (beyond(one)[0],))
        assert flaw_of(query, Maximum(Robust((), (TREE,)), Flip((one,), 0))) == flaw


def reach(bound: Fraction) -> Goal:
    return Goal((Atom((), ((0, F(1)),), -bound, False),), "reached")


def flaw_of(query: Query, verdict: Radius | Maximum) -> str:
    try:
        shown = checked(query, verdict)
    except RefusedError as error:
        return error.flaw
    assert shown.verdict == type(verdict).__name__.lower()
    with pytest.raises(RefusedError, match="no certificate"):
        shown.written()
    return ""


def test_questions_differ_by_their_semantics() -> None:
    query = Query(ONE, box([F(0)], [F(1)]), beyond(F(2)))
    names = {asked_of(query), asked_of(query, "float32"), asked_of(query, "float64")}
    assert len(names) == 3
    assert asked_of(query) == asked_of(query, "real")


def test_questions_about_another_network_are_refused() -> None:
    """By rounds, flips and families alike; and regions that the checker's integers do not hold."""
    checker, other = Checker(ONE, 1), identity(1)
    about_other = Query(other, box([F(0)], [F(1)]), beyond(F(2)))
    for claim, evidence in (("robust", Robust((), (TREE, TREE))), ("flip", Flip((F(3),), 0))):
        with pytest.raises(RefusedError, match="another network"):
            list(checker.check([about_other], [claim], lambda _, found=evidence: found))
    families = Checker(identity(2), 1, family=True)
    with pytest.raises(RefusedError, match="another network"):
        list(families.family_rounds([family(F(2))], [Asked("q")]))
    third = Query(ONE, box([F(0)], [F(1, 3)]), beyond(F(2)))
    with pytest.raises(UserError, match="not a multiple of the common denominator"):
        list(checker.rounds([third]))


def test_every_question_has_one_answer() -> None:
    """Proofs and flips among each other, good ones and bad ones, as verdicts and as texts."""
    goals = (reach(F(1)),)
    holds, flips = (Query(ONE, box([F(0)], [top]), goals) for top in (F(1, 2), F(2)))
    proof, flip = Robust((), (TREE,)), Flip((F(2),), 0)
    text = certificate_bytes(flip, ONE.digest)
    cases: list[tuple[Query, Any, Any, str]] = [
        (holds, "robust", proof, ""),
        (flips, "flip", flip, ""),
        (flips, "flip", text, ""),
        (flips, "robust", proof, "bound too weak"),
        (holds, "flip", flip, "outside"),
        (holds, "robust", certificate_bytes(proof, ONE.digest), ""),
        (holds, "flip", proof, "another verdict"),
        (flips, "robust", flip, "another verdict"),
    ]
    checker = Checker.of(ONE, [case[0] for case in cases])
    answers = list(
        checker.check([c[0] for c in cases], [c[1] for c in cases], lambda k: cases[k][2])
    )
    assert sorted(k for k, _ in answers) == list(range(len(cases)))
    for k, answer in answers:
        _, claim, evidence, flaw = cases[k]
        if flaw:
            assert isinstance(answer, RefusedError) and answer.flaw == flaw
        else:
            assert isinstance(answer, Checked) and answer.verdict == claim
            of_text = isinstance(evidence, bytes)
            assert (answer.certificate is not None) is of_text
            if of_text:
                assert answer.certificate == hashlib.sha256(evidence).hexdigest()
    with pytest.raises(RefusedError, match="another verdict: a flip is claimed, this is none"):
        raise_flaw(checker.flips([flips], [proof])[0])


def raise_flaw(answer: object) -> None:
    assert isinstance(answer, RefusedError)
    raise answer


def test_a_flip_as_executed_is_an_execution() -> None:
    """Its rounding errors are those of the format; other points of the question show nothing."""
    build = NetworkBuilder(1)
    network = build.network([build.layer([build.inputs[0] * F(1, 4) + F(1, 2)])[0]])
    asked = Query(network, box([F(0)], [F(2)]), (reach(F(3, 4)),))
    query, form = executed(asked, "float32"), executable(network, "float32")
    checker = Checker.of(network, [query], "float32")
    query = Query(checker.network, query.region, query.goals)
    one, half = (tuple(form.point(form.run([start]))) for start in (F(1), F(1, 2)))
    moved = (*one[:-1], one[-1] + query.region.upper[-1] / 2)  # an error within its bounds
    for point, flaw in ((one, ""), (half, "no flip"), (moved, NO_EXECUTION)):
        (answer,) = checker.flips([query], [Flip(point, 0)])
        assert (answer.flaw if isinstance(answer, RefusedError) else "") == flaw

"""`Checked` says that the checker has accepted something: nothing else makes one."""

from __future__ import annotations

import ast
import copy
import dataclasses
import pickle
from fractions import Fraction
from pathlib import Path

import pytest

import constructions
import reports
import verifier
from verifier.checker import checked as module
from verifier.checker import elaborate, proved, theorems
from verifier.checker.checked import (
    Asked,
    Checked,
    Checker,
    Facts,
    check_batch,
    checked,
    of_local_process,
)
from verifier.evidence.certificate import Flip, Leaf, Node, Robust
from verifier.question.build import NetworkBuilder
from verifier.question.errors import RefusedError
from verifier.question.query import Atom, Goal, Query
from verifier.question.region import box

F = Fraction
PROOF = Robust((), ((Node((), Leaf()),),))


def question(top: Fraction) -> Query:
    """max(x, 0) >= 1 is reached on [-1, top] exactly where top >= 1."""
    build = NetworkBuilder(1)
    network = build.network(build.layer([build.inputs[0]]))
    goal = Goal((Atom((), ((0, F(1)),), F(-1), False),), "0")
    return Query(network, box([F(-1)], [top]), (goal,))


HOLDS, FLIPS = question(F(1, 2)), question(F(3))
GOOD = checked(HOLDS, PROOF)


def test_what_is_accepted_says_what_it_is_about() -> None:
    assert (GOOD.verdict, GOOD.facts.network) == ("robust", HOLDS.network.digest)
    assert (GOOD.facts.checker, GOOD.facts.process, GOOD.certificate) == ("checker", "here", None)
    assert GOOD.facts.asked == checked(question(F(1, 2)), PROOF).facts.asked
    assert GOOD.facts.asked != checked(question(F(1, 3)), PROOF).facts.asked
    flip = checked(FLIPS, Flip((F(2),), 0))
    assert (flip.verdict, flip.facts.goal) == ("flip", 0)
    with pytest.raises(RefusedError, match="bound too weak"):
        checked(FLIPS, PROOF)
    with pytest.raises(RefusedError, match="no flip"):
        checked(HOLDS, Flip((F(0),), 0))


def test_nobody_else_makes_one() -> None:
    with pytest.raises(TypeError, match="only the checker"):
        Checked(object(), GOOD.facts, PROOF)
    with pytest.raises(TypeError, match="only the checker"):
        Checked(None, GOOD.facts, None)
    with pytest.raises(TypeError):
        dataclasses.replace(GOOD, facts=GOOD.facts)  # type: ignore[type-var]
    with pytest.raises(TypeError, match="does not change"):
        GOOD.facts = GOOD.facts  # type: ignore[misc]
    with pytest.raises(TypeError):
        type("Mine", (Checked,), {})(None, GOOD.facts, None)
    for copied in (copy.copy(GOOD), copy.deepcopy(GOOD), pickle.loads(pickle.dumps(GOOD))):  # noqa: S301
        assert type(copied) is Facts


def test_no_other_module_has_the_key() -> None:
    """Nor goes around it: what guards the value is named in its own module alone, and facts of
    another process become checked where the process was started, and nowhere else."""
    roots = [Path(package.__file__ or "").parent for package in (verifier, constructions, reports)]
    rewrapping = set()
    for path in [path for root in roots for path in root.rglob("*.py")]:
        if str(path) in (m.__file__ for m in (module, elaborate, proved, theorems)):
            continue  # the checker, the two kernels, and what recognises networks
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = {getattr(node, "id", None), getattr(node, "attr", None)}
            if isinstance(node, ast.ImportFrom):
                names |= {alias.name for alias in node.names}
            assert "_KEY" not in names, path
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                assert node.func.id != "Checked", path
                if node.func.id == "of_local_process":
                    rewrapping.add(path.name)
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                around = node.func.attr in ("__new__", "__setattr__")
                named = any("Checked" in ast.dump(argument) for argument in node.args)
                assert not (around and named), path
    assert rewrapping == {"admission.py", "checking.py", "instances.py"}


@pytest.mark.parametrize(
    ("change", "flaw"),
    [
        ({"network": "0" * 64}, "another network"),
        ({"asked": Asked("0" * 64)}, "another question"),
        ({"asked": Asked(GOOD.facts.asked.question, "d", 3)}, "another question"),
        ({"certificate": "0" * 64}, "certificate altered"),
        ({"certificate": None}, "certificate altered"),
    ],
)
def test_facts_of_a_process_are_about_what_was_asked(change: dict[str, object], flaw: str) -> None:
    named, text = GOOD.written()
    facts = named.facts
    asked, network = facts.asked, facts.network
    taken = of_local_process(facts, asked, network, facts.certificate or "")
    assert (taken.verdict, taken.facts.process) == ("robust", "local")
    assert named.certificate and text
    with pytest.raises(RefusedError) as caught:
        changed = dataclasses.replace(facts, **change)  # type: ignore[arg-type]
        of_local_process(changed, asked, network, facts.certificate or "")
    assert caught.value.flaw == flaw
    for junk in (None, "robust", GOOD):
        with pytest.raises(RefusedError, match="not checked"):
            of_local_process(junk, asked, network, facts.certificate or "")


def test_a_flip_is_not_taken_for_a_proof_nor_a_proof_for_a_flip() -> None:
    checker = Checker.of(FLIPS.network, [FLIPS])
    found = dict(checker.check([FLIPS], ["robust"], lambda k: Flip((F(2),), 0)))
    assert isinstance(found[0], RefusedError) and found[0].flaw == "another verdict"
    found = dict(checker.check([FLIPS], ["flip"], lambda k: PROOF))
    assert isinstance(found[0], RefusedError) and found[0].flaw == "another verdict"


def test_a_round_takes_no_flip_for_a_proof() -> None:
    ((_, only),) = list(Checker.of(FLIPS.network, [FLIPS]).rounds([FLIPS]))
    with pytest.raises(RefusedError, match="another verdict"):
        only.check(0, Flip((F(2),), 0))  # type: ignore[arg-type]


def test_a_round_ends_with_the_next() -> None:
    """The bounds of two rounds stand in one place: the first is not checked with the second's."""
    checker = Checker.of(HOLDS.network, [HOLDS])
    wide = Query(HOLDS.network, FLIPS.region, HOLDS.goals)
    ((_, first),) = list(checker.rounds([wide]))
    ((_, second),) = list(checker.rounds([HOLDS]))
    with pytest.raises(RuntimeError, match="another one by now"):
        first.check(0, PROOF)
    assert second.check(0, PROOF).verdict == "robust"


def test_the_same_network_is_asked_about() -> None:
    checker = Checker.of(HOLDS.network, [HOLDS])
    for call in (
        lambda: list(checker.rounds([FLIPS])),
        lambda: checker.flips([FLIPS], [Flip((F(2),), 0)]),
        lambda: list(checker.check([FLIPS], ["robust"], lambda k: PROOF)),
    ):
        with pytest.raises(RefusedError, match="another network"):
            call()
    assert check_batch(HOLDS.network, [], []) == []

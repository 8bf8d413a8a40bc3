"""A search that writes into everything it can reach makes no verdict: what is checked is not what
the search holds."""

from __future__ import annotations

import contextlib
import functools
import gc
import importlib
import inspect
import pkgutil
import sys
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from random import Random
from types import FunctionType, MethodType
from typing import Any

import numpy as np
import pytest

import verifier.checker as checker_package
import verifier.evidence as evidence_package
import verifier.question as question_package
from tests.oracles.carrying import carried_query
from tests.oracles.random_queries import random_query
from verifier.checker.checked import Checker
from verifier.checker.fixed_point import fixed_network
from verifier.checker.intervals import Room
from verifier.checker.manifest import Question
from verifier.checker.maxima import MaximaRows, maxima_of
from verifier.checker.maxima_together import MaximaTogether
from verifier.checker.ridge import univariate_of
from verifier.checker.tree import TreeChecker
from verifier.data.dataset import Dataset
from verifier.evidence.certificate import Flip, Leaf, Node, Robust, SymbolicLeaf, SymbolicStep
from verifier.question.build import NetworkBuilder
from verifier.question.errors import RefusedError
from verifier.question.network import Network, Rows
from verifier.question.query import Atom, Goal, Query, label_goals
from verifier.question.region import box
from verifier.runs.run import begin, continue_run
from verifier.search.options import Outcome
from verifier.tasks import verify as task

F = Fraction
ATOMIC = (int, float, str, bytes, Fraction, type, type(None), np.dtype)


def reached(root: object) -> Iterator[object]:
    """Everything that is held by `root`, directly or not, but for values that do not change."""
    seen, waiting = set[int](), [root]
    while waiting:
        one = waiting.pop()
        if id(one) in seen or isinstance(one, ATOMIC):
            continue
        seen.add(id(one))
        yield one
        if isinstance(one, dict):
            waiting += [*one.keys(), *one.values()]
        elif isinstance(one, list | tuple | set | frozenset):
            waiting += list(one)
        elif isinstance(one, MethodType):
            waiting.append(one.__self__)
        elif isinstance(one, functools.partial):
            waiting += [one.func, one.args, one.keywords]
        elif isinstance(one, FunctionType):
            waiting += [one.__defaults__, one.__kwdefaults__]
            waiting += [cell.cell_contents for cell in one.__closure__ or ()]
        elif isinstance(one, np.ndarray):
            waiting.append(one.base)
            if one.dtype == object:
                waiting += one.ravel().tolist()
        else:
            waiting += vars_of(one)


def vars_of(one: object) -> list[object]:
    """The attributes of an object of this project."""
    if not type(one).__module__.startswith("verifier."):
        return []
    slots = [name for kind in type(one).__mro__ for name in getattr(kind, "__slots__", ())]
    return [
        *getattr(one, "__dict__", {}).values(),
        *(getattr(one, n) for n in slots if hasattr(one, n)),
    ]


def caches() -> list[object]:
    """What the caches of functions hold, of all modules of this project that are loaded."""
    held: list[object] = []
    for name, module in list(sys.modules.items()):
        if name.startswith("verifier."):
            for value in vars(module).values():
                if isinstance(value, functools._lru_cache_wrapper):
                    held += [one for one in gc.get_referents(value) if isinstance(one, dict | list)]
    return held


@pytest.fixture(autouse=True)
def fresh_caches() -> Iterator[None]:
    """What was written into caches is not there for other tests of the same process."""
    yield
    for name, module in list(sys.modules.items()):
        if name.startswith("verifier."):
            for value in vars(module).values():
                if isinstance(value, functools._lru_cache_wrapper):
                    value.cache_clear()


def can_be_written(array: np.ndarray) -> bool:
    """Whether the array can be opened for writing; it is then."""
    with contextlib.suppress(ValueError):
        array.flags.writeable = True
    return array.flags.writeable


def scribble(root: object, rng: Random) -> int:
    """Writes into every array, list and dictionary that can be written into, flags or not; how
    many there were."""
    count = 0
    for one in list(reached(root)):
        if isinstance(one, np.ndarray) and one.size and can_be_written(one):
            one[...] = (
                rng.choice([0, 1]) if one.dtype == object else one.dtype.type(rng.choice([0, 1]))
            )
            count += 1
        elif isinstance(one, list) and one and all(type(x) is int for x in one):
            one[:] = [rng.choice([0, 1, x]) for x in one]
            count += 1
        elif isinstance(one, dict) and one:
            for key, value in list(one.items()):
                if type(value) in (int, Fraction):
                    one[key] = rng.choice([0, value])
                    count += 1
    return count


WRITTEN: list[Any] = []
"""Scaled networks that were written into: rows derived from them may lead in circles for ever."""


def everything(query: Query, scaled: Any, root: Any) -> list[object]:
    """All that a search derives from what it is given, and all that functions keep."""
    held: list[object] = [query, scaled, root]
    if any(one is scaled for one in WRITTEN):
        return [*held, *caches()]
    WRITTEN.append(scaled)
    checker = TreeChecker(query, scaled, root)
    held.append(checker)
    for derive in (
        lambda: [
            scaled.tables,
            scaled.blocks,
            scaled.full_layers,
            root.rows,
            root.lower,
            root.upper,
        ],
        lambda: [root.rows.row(v) for v in range(query.network.units.count)],
        lambda: [univariate_of(scaled), univariate_of(scaled).crossing],
        lambda: [checker.symbolic(), fixed_network(query.network)],
    ):
        # What was written into caches before stands there still, and may lead nowhere.
        with contextlib.suppress(RefusedError, ArithmeticError, LookupError, ValueError, TypeError):
            held += derive()
    return [*held, *caches()]


def empty_proof(query: Query) -> Robust:
    return Robust((), tuple((Node((), Leaf()),) for _ in query.goals))


@pytest.mark.parametrize("asked", [random_query, carried_query])
def test_a_scribbled_state_proves_nothing(asked: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The search writes, then hands over a proof that only what it wrote would bear out; of what is
    true, proofs remain accepted. Of networks with many copies it holds what is left without."""
    rng, counts = Random(3), []
    found = {"robust": 0, "other": 0}

    def bad(query: Query, scaled: Any, root: Any, *rest: Any, **named: Any) -> Outcome:
        counts.append(scribble(everything(query, scaled, root), rng))
        return Outcome(empty_proof(query))

    monkeypatch.setattr(task, "search_one", bad)
    monkeypatch.setattr(task, "flips_at_hints", lambda *given: {})
    for seed in range(60):
        query = asked(seed)
        outcome = task.verify(query)
        fresh = Network(query.network.inputs, query.network.layers,
                        query.network.units, query.network.outputs)  # fmt: skip
        try:
            task.check(Query(fresh, query.region, query.goals), empty_proof(query))
            truth = True
        except RefusedError:
            truth = False
        assert isinstance(outcome.verdict, Robust) == truth, seed
        assert (outcome.checked is not None) == truth
        found["robust" if truth else "other"] += 1
    assert min(counts) > 5
    assert found["robust"] and found["other"]


def test_nor_in_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One batch, one state: what the search of a sample wrote is not there for the next either."""
    rng = Random(4)

    def bad(query: Query, scaled: Any, root: Any, *rest: Any, **named: Any) -> Outcome:
        scribble(everything(query, scaled, root), rng)
        return Outcome(empty_proof(query))

    monkeypatch.setattr(task, "search_one", bad)
    monkeypatch.setattr(task, "flips_at_hints", lambda *given: {})
    data = Dataset.from_rows("line", [(0,), (1,), (2,), (3,)], [0, 0, 1, 1])
    build = NetworkBuilder(1)
    (z,) = build.layer([build.inputs[0] - 1])
    network = build.network([F(1, 2) - z, z - F(1, 2)])  # label 1 from x = 3/2 on
    for radius, robust in ((F(1, 4), {0, 1, 2, 3}), (F(1), {0, 3})):
        run = begin(
            data, network, Question("inf", "argmax", radius), tmp_path / str(radius.denominator)
        )
        summary = continue_run(run)
        assert {s for s, one in summary.shown.items() if one.verdict == "robust"} <= robust
        assert summary.robust + summary.undecided == 4


def test_no_function_of_the_checker_keeps_what_it_was_given() -> None:
    """A search finds what functions keep, and through a key that is the checker's network all that
    was derived from it. What is kept is kept by the object that it belongs to."""
    for package in (checker_package, question_package, evidence_package):
        for found in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            module = importlib.import_module(found.name)
            for name, value in vars(module).items():
                if hasattr(value, "cache_info") and value.__module__ == found.name:
                    hints = inspect.signature(value).parameters.values()
                    assert not any("etwork" in str(h.annotation) for h in hints), (found, name)


def test_a_search_that_is_asked_again_finds_no_network_of_the_checkers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its first proof, by symbolic bounds, is replayed and refused; then it writes."""
    build = NetworkBuilder(1)
    network = build.network(build.layer([build.inputs[0]]))
    goal = Goal((Atom((), ((0, F(1)),), F(-1, 2), False),), "y >= 1/2, as at 1")
    asked = Query(network, box([F(0)], [F(1)]), (goal,))
    proof = Robust((), ((Node((SymbolicStep(),), SymbolicLeaf(0)),),))
    rng, times = Random(5), []

    def bad(query: Query, scaled: Any, root: Any, *rest: Any, **named: Any) -> Outcome:
        if times:
            scribble(caches(), rng)
        times.append(1)
        return Outcome(proof)

    monkeypatch.setattr(task, "search_one", bad)
    monkeypatch.setattr(task, "flips_at_hints", lambda *given: {})
    for _ in range(6):
        assert not isinstance(task.verify(asked).verdict, Robust)
    assert len(times) == 12


def test_nothing_that_is_lent_leads_to_the_checker() -> None:
    """Of questions whose maxima are found together, by no attribute, method or closure: the search
    reaches no object of the checker's own, and no array with memory of one."""
    build = NetworkBuilder(2)
    x, y = build.inputs
    rises = build.layer([x - y * k for k in range(1, 65)])
    network = build.network([*build.layer([rise + y * k for k, rise in enumerate(rises, 1)])])
    goals = label_goals("argmax", 1, range(64), 64)
    queries = [Query(network, box([F(0)] * 2, [F(side)] * 2), goals) for side in (1, 2)]
    checker = Checker.of(network, queries)
    ((_, these),) = checker.rounds(queries)
    for k in range(2):
        these.lend_maxima(k)
        TreeChecker(*these.for_search(k)).tighten_maxima()
    lent = list(reached([these.for_search(k) for k in range(2)]))
    assert any(isinstance(one, MaximaRows) for one in lent)
    assert any(isinstance(one, MaximaTogether) and one._found for one in lent)
    own = [checker, these, checker.scaled, checker.own, *these._roots, these._roots[0].together]
    own += [maxima_of(checker.scaled), these._roots[0].table]
    assert not {id(one) for one in own} & {id(one) for one in lent}
    these._lent = checker._lent = None
    checker.others = Room()
    mine = [one for one in reached(these) if isinstance(one, np.ndarray)]
    theirs = [one for one in lent if isinstance(one, np.ndarray) and can_be_written(one)]
    assert min(len(mine), len(theirs)) > 20
    assert not any(np.may_share_memory(a, b) for a in theirs for b in mine)


def test_nor_does_a_network_without_its_copies() -> None:
    """To the checker's own, or to the numbers that its units have elsewhere."""
    query = carried_query(2, "inf")
    checker = Checker.of(query.network, [query])
    ((_, these),) = checker.rounds([query])
    own = checker.contraction
    assert own is not None and own.network is checker.scaled.network
    asked, scaled, root = these.for_search(0)
    lent = list(reached([asked, scaled, root, TreeChecker(asked, scaled, root), asked.network]))
    assert asked.network.digest == own.network.digest
    kept = [own, own.network, own.names, own.expanded, own.names.numbers, own.expanded.numbers]
    assert not {id(one) for one in [*kept, query.network]} & {id(one) for one in lent}
    theirs = [one for one in lent if isinstance(one, np.ndarray) and can_be_written(one)]
    held = [own.names, own.expanded, own.network.units, own.network.outputs]
    mine = [one for one in reached(held) if isinstance(one, np.ndarray)]
    assert theirs and mine
    assert not any(np.may_share_memory(a, b) for a in theirs for b in mine)


def test_networks_cannot_be_written_into() -> None:
    build = NetworkBuilder(1)
    (z,) = build.layer([build.inputs[0] * 2**70 - 1])
    network = build.network([z - F(1, 2), 0 * build.inputs[0]])
    digest, mine = network.digest, np.array([0, 1], dtype=np.int64)
    for rows in (network.units, network.outputs):
        for name in ("starts", "indices", "numerators", "constants", "denominators"):
            array = getattr(rows, name)
            if array.size:
                with pytest.raises(ValueError, match="read-only"):
                    array[0] = 7
            with pytest.raises(ValueError, match="WRITEABLE"):
                array.flags.writeable = True
            with pytest.raises(ValueError, match=r"read-only|WRITEABLE"):
                np.asarray(array).setflags(write=True)
    one = np.array([1], dtype=np.int64)
    rows = Rows(mine, np.array([0], dtype=np.int64), one, one, one)
    mine[1] = one[0] = 9  # the caller's arrays stay the caller's
    assert rows.row(0) == ([0], [1], 1, 1)
    assert Network(1, (), Rows(*(a[:0] if k else a[:1] for k, a in enumerate(
        (rows.starts, rows.indices, rows.numerators, rows.constants, rows.denominators)))), rows
    ).digest != digest  # fmt: skip


def test_the_known_case() -> None:
    """label 1 <=> y1 > y0, with y0 - y1 = relu(x - 1) - 1/2, which is false from x = 3/2 on."""
    build = NetworkBuilder(1)
    (x,) = build.inputs
    (z,) = build.layer([x - 1])
    network = build.network([z - F(1, 2), 0 * x + 0])
    query = Query(network, box([F(1)], [F(2)]), label_goals("argmax", 1, [0, 1], 2))
    assert isinstance(task.verify(query).verdict, Flip)

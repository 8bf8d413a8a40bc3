"""Proof files about families: what they hold is given back, and nothing else is taken for one."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from tests.oracles.random_families import LEAF, cone_of
from verifier.evidence.certificate import Flip, PairLemma, Robust
from verifier.evidence.proof_file import (
    FamilyProof,
    Proof,
    load_claim,
    load_family_proof,
    load_proof,
    network_digest,
    parse_claim,
    parse_proof,
    proof_bytes,
    save_proof,
)
from verifier.question.build import NetworkBuilder
from verifier.question.errors import RefusedError, UserError
from verifier.question.family import FamilyQuery
from verifier.question.query import Atom, Goal, Query
from verifier.question.region import box

F = Fraction
GOALS = (Goal((Atom(((1, F(1)),), ((0, F(-1)),), F(0), True),), "m above"),)
PROOF = Robust((PairLemma(0, True, (F(0), F(1, 2)), LEAF),), (LEAF,))


def family(norm: str = "2", *, is_open: bool = False) -> FamilyQuery:
    """(x + m)+ - m around 1/3, from m = 1/2 to m = 2."""
    build = NetworkBuilder(2)
    x, m = build.inputs
    network = build.network([build.layer([x + m])[0] - m])
    cone = cone_of(norm, [F(1, 3)], F(1, 2), 2, is_open=is_open, unit=F(5, 7))
    return FamilyQuery(network, cone, GOALS)


def ordinary() -> Query:
    query = family()
    return Query(query.network, box([F(0), F(0)], [F(1), F(1)]), query.goals)


@pytest.mark.parametrize("norm", ["inf", "1", "2"])
@pytest.mark.parametrize("is_open", [False, True])
@pytest.mark.parametrize("name", ["f.json", "f.json.gz"])
def test_reads_what_was_written(tmp_path: Path, norm: str, is_open: bool, name: str) -> None:
    query, path = family(norm, is_open=is_open), tmp_path / name
    save_proof(path, query, PROOF)
    for found in (
        load_family_proof(path),
        load_family_proof(path, query=query),
        load_claim(path, network=query.network),
    ):
        assert isinstance(found, FamilyProof) and found.verdict == PROOF
        assert (found.query.cone, found.query.goals) == (query.cone, query.goals)
        assert found.query.network.digest == query.network.digest
    assert network_digest(path) == query.network.digest


def test_a_proof_of_one_question_is_none_of_a_family_nor_the_reverse(tmp_path: Path) -> None:
    query, path = family(), tmp_path / "f.json"
    save_proof(path, query, PROOF)
    with pytest.raises(UserError, match=f"^{path}: a proof about a family: robmem check"):
        load_proof(path)
    with pytest.raises(UserError, match="^a proof about a family"):
        parse_proof(path.read_bytes())
    with pytest.raises(RefusedError, match="another question"):
        load_proof(path, query=ordinary())
    save_proof(path, ordinary(), Robust((), (LEAF,)))
    assert isinstance(load_claim(path), Proof)
    with pytest.raises(UserError, match=f"^{path}: a proof of one question, not of a family"):
        load_family_proof(path)
    with pytest.raises(RefusedError, match="another question: .*the region"):
        load_family_proof(path, query=query)


def test_another_family_is_another_question(tmp_path: Path) -> None:
    query, path = family(), tmp_path / "f.json"
    save_proof(path, query, PROOF)
    for change in ({"last": F(3)}, {"open": True}, {"norm": "1"}, {"unit": F(1)}):
        other = replace(query, cone=replace(query.cone, **change))
        with pytest.raises(RefusedError, match="another question: .*the region"):
            load_family_proof(path, query=other)


def test_a_family_is_shown_by_one_proof_and_by_nothing_else() -> None:
    query, flip = family(), Flip((F(0), F(1)), 0)
    with pytest.raises(RefusedError, match="another verdict: a family is shown by a proof"):
        parse_claim(proof_bytes(query, flip))
    data = proof_bytes(query, PROOF)
    point = proof_bytes(query, flip).split(b"\n", 1)[1]
    for third in (point, data.split(b"\n", 1)[1]):
        with pytest.raises(RefusedError, match="malformed: three lines about a family"):
            parse_claim(data + third)
    with pytest.raises(RefusedError, match="semantics: families and exact extremes"):
        parse_claim(proof_bytes(query, PROOF, semantics="float32"), semantics=None)


GONE = object()


@pytest.mark.parametrize(
    ("field", "value", "flaw"),
    [
        ("norm", "65", "malformed"),
        ("norm", 2, "malformed"),
        ("norm", ["2"], "malformed"),
        ("norm", GONE, "missing field"),
        ("center", GONE, "missing field"),
        ("center", [], "malformed"),
        ("center", ["0", "0"], "malformed"),
        ("center", "0", "malformed"),
        ("center", [0], "malformed"),
        ("unit", "0", "malformed"),
        ("unit", 1, "malformed"),
        ("first", "2", "malformed"),
        ("first", "-1", "malformed"),
        ("last", GONE, "missing field"),
        ("last", "1/2", "malformed"),
        ("open", 1, "malformed"),
        ("open", "false", "malformed"),
        ("lower", ["0"], "unknown field"),
        ("more", 1, "unknown field"),
    ],
)
def test_every_field_of_a_cone(field: str, value: Any, flaw: str) -> None:
    first, second = proof_bytes(family(), PROOF).split(b"\n", 1)
    head = json.loads(first)
    head["region"][field] = value
    if value is GONE:
        del head["region"][field]
    with pytest.raises(RefusedError) as caught:
        parse_claim(json.dumps(head).encode() + b"\n" + second)
    assert caught.value.flaw == flaw


@pytest.mark.parametrize("head", [[], {}, {"network": 1}, {"network": ["0"]}, "network", 5])
def test_a_head_that_names_no_network(head: Any, tmp_path: Path) -> None:
    path = tmp_path / "f.json"
    path.write_text(json.dumps(head) + "\n{}\n")
    with pytest.raises(RefusedError, match=f"^malformed: {path}: a proof names its network"):
        network_digest(path)

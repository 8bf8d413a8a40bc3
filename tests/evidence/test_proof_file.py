"""A proof file gives back exactly the question and the answer it was given, or is refused."""

from __future__ import annotations

import base64
import dataclasses
import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from verifier.evidence.certificate import Flip, Leaf, Maximum, Node, Radius, Robust
from verifier.evidence.packed import pack, unpack
from verifier.evidence.proof_file import (
    load_proof,
    parse_claim,
    parse_proof,
    proof_bytes,
    save_proof,
    semantics_in,
)
from verifier.question.errors import RefusedError, UserError
from verifier.question.network import Network, Rows, integers
from verifier.question.query import Atom, Goal, Query, label_goals
from verifier.question.region import Region, ball, box
from verifier.tasks.verify import check

HALF = Fraction(1, 2)


def rows(*listed: tuple[dict[int, int], int, int]) -> Rows:
    starts, indices, numerators = [0], [], []
    for weights, _, _ in listed:
        indices += sorted(weights)
        numerators += [weights[k] for k in sorted(weights)]
        starts.append(len(indices))
    return Rows(
        integers(starts),
        integers(indices),
        integers(numerators),
        integers([constant for _, constant, _ in listed]),
        integers([below for _, _, below in listed]),
    )


def step_network() -> Network:
    """v = relu(2 x - 1) / 2 of one input."""
    return Network(1, (1,), rows(({0: 2}, -1, 1)), rows(({1: 1}, 0, 2)))


def proved() -> tuple[Query, Robust]:
    query = Query(
        step_network(), ball("inf", [Fraction(0)], HALF), label_goals("nearest", 0, [0, 1], 1)
    )
    return query, Robust((), ((Node((), Leaf()),),))


REGIONS = (
    box([Fraction(-1, 3)], [Fraction(1, 4)]),
    ball("1", [Fraction(0)], HALF),
    ball("2", [Fraction(0)], radius_squared=Fraction(1, 5)),
    ball("2", [Fraction(0)], HALF, clip=(Fraction(0), Fraction(1))),
)


@pytest.mark.parametrize("region", REGIONS, ids=lambda r: f"{r.norm}-{r.clipped}")
@pytest.mark.parametrize("name", ["one.json", "one.json.gz"])
def test_reads_what_was_written(tmp_path: Path, region: Region, name: str) -> None:
    query, verdict = proved()
    query = dataclasses.replace(query, region=region)
    save_proof(tmp_path / name, query, verdict)
    again = load_proof(tmp_path / name)
    assert again.verdict == verdict
    assert (again.query.region, again.query.goals) == (query.region, query.goals)
    assert again.query.network.digest == query.network.digest
    check(again.query, again.verdict)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_unsafe_conjunctions_and_flips_survive() -> None:
    query, _ = proved()
    atoms = (
        Atom(((0, Fraction(1)),), (), Fraction(-1, 3), True),
        Atom((), ((0, Fraction(-7, 2)),), Fraction(1), False),
    )
    query = dataclasses.replace(query, goals=(Goal(atoms, "0"),))
    flip = Flip((HALF,), 0)
    again = parse_proof(proof_bytes(query, flip))
    assert again.query.goals == query.goals
    assert again.verdict == flip
    check(again.query, again.verdict)


def test_same_proof_same_bytes() -> None:
    assert proof_bytes(*proved()) == proof_bytes(*proved())


def test_without_network_needs_it(tmp_path: Path) -> None:
    query, verdict = proved()
    save_proof(tmp_path / "p.json", query, verdict, with_network=False)
    with pytest.raises(UserError, match="give it as well"):
        load_proof(tmp_path / "p.json")
    assert load_proof(tmp_path / "p.json", network=query.network).verdict == verdict


def test_another_network_or_question_is_refused() -> None:
    query, verdict = proved()
    data = proof_bytes(query, verdict)
    other = Network(1, (1,), rows(({0: 3}, -1, 1)), rows(({1: 1}, 0, 2)))
    with pytest.raises(RefusedError, match="another network"):
        parse_proof(data, network=other)
    smaller = dataclasses.replace(query, region=ball("inf", [Fraction(0)], Fraction(1, 4)))
    with pytest.raises(RefusedError, match="another question: the region"):
        parse_proof(data, query=smaller)
    weaker = dataclasses.replace(query, goals=label_goals("nearest", 0, [0, 3], 1))
    with pytest.raises(RefusedError, match="another question: the goals"):
        parse_proof(data, query=weaker)
    assert parse_proof(data, query=query).verdict == verdict


@pytest.mark.parametrize(
    ("change", "flaw"),
    [
        ({"robmem_proof": 2}, "version"),
        ({"robmem_proof": True}, "version"),
        ({"extra": 1}, "unknown field"),
        ({"goals": []}, "malformed"),
        ({"region": {"norm": "inf", "lower": ["1"], "upper": ["0"]}}, "malformed"),
        ({"region": {"norm": "inf", "lower": ["0"]}}, "missing field"),
        ({"region": {"norm": "65", "lower": ["0"], "upper": ["1"], "center": ["0"], "size": "1",
                     "clipped": False}}, "malformed"),
        ({"content": "!"}, "malformed"),
        ({"content": ""}, "network altered"),
        ({"network": "0" * 64}, "another network"),
    ],
)  # fmt: skip
def test_tampered_heads_are_refused(change: dict[str, object], flaw: str) -> None:
    first, second = proof_bytes(*proved()).split(b"\n", 1)
    head = json.loads(first) | change
    with pytest.raises(RefusedError) as caught:
        parse_proof(json.dumps(head).encode() + b"\n" + second)
    assert caught.value.flaw == flaw


@pytest.mark.parametrize("semantics", ["float32", "float64"])
def test_a_proof_is_about_one_arithmetic(semantics: Any, tmp_path: Path) -> None:
    query, verdict = proved()
    path, other = tmp_path / "p.json", "float64" if semantics == "float32" else "float32"
    for claim in (verdict, Flip((HALF,), 0)):
        save_proof(path, query, claim, semantics=semantics)
        for accepted in (semantics, None):
            found = load_proof(path, semantics=accepted)
            assert (found.verdict, found.semantics) == (claim, semantics)
        assert semantics_in(path) == semantics
        for wanted, words in (("real", "real numbers"), (other, f"executed in {other}")):
            with pytest.raises(RefusedError, match=f"^semantics: .*in {semantics}, not .*{words}"):
                load_proof(path, semantics=wanted)  # type: ignore[arg-type]
    save_proof(path, query, verdict)
    assert load_proof(path, semantics=None).semantics == semantics_in(path) == "real"
    with pytest.raises(RefusedError, match=f"^semantics: .*about real numbers, not .*{semantics}"):
        load_proof(path, semantics=semantics)
    extremes = (Radius(verdict, Flip((HALF,), 0)), Maximum(verdict, Flip((HALF,), 0)))
    for extreme in extremes:
        with pytest.raises(RefusedError, match="^semantics: families and exact extremes"):
            parse_claim(proof_bytes(query, extreme, semantics=semantics), semantics=semantics)
        parse_claim(proof_bytes(query, extreme), semantics=None)


@pytest.mark.parametrize("named", ["real", "float16", "", None, 32, ["float32"]])
def test_another_arithmetic_is_none(named: Any, tmp_path: Path) -> None:
    first, second = proof_bytes(*proved()).split(b"\n", 1)
    path = tmp_path / "p.json"
    path.write_bytes(json.dumps(json.loads(first) | {"semantics": named}).encode() + b"\n" + second)
    for read in (load_proof, semantics_in, lambda place: load_proof(place, semantics=None)):
        with pytest.raises(RefusedError, match="^semantics: .* is neither float32 nor float64"):
            read(path)


BALL = ball("2", [Fraction(0)], HALF, clip=(Fraction(0), Fraction(1)))
GONE = object()
DEEP = base64.b64encode(
    b"robmem-network 1\n" + b"[" * 500 + b"]" * 500 + bytes([10, *bytes(99)])
).decode()


@pytest.mark.parametrize(
    ("path", "value", "flaw"),
    [
        (("region",), [], "malformed"),
        (("region", "norm"), GONE, "missing field"),
        (("region", "norm"), "inf", "unknown field"),
        (("region", "norm"), "1", "accepted"),
        (("region", "norm"), 2, "malformed"),
        (("region", "norm"), "p", "malformed"),
        (("region", "trust"), "me", "unknown field"),
        (("region", "lower"), "0", "malformed"),
        (("region", "lower"), [0], "malformed"),
        (("region", "lower"), ["x"], "malformed"),
        (("region", "lower"), ["0", "0"], "malformed"),
        (("region", "upper"), GONE, "missing field"),
        (("region", "center"), GONE, "missing field"),
        (("region", "center"), ["0", "0"], "malformed"),
        (("region", "center"), {}, "malformed"),
        (("region", "size"), GONE, "missing field"),
        (("region", "size"), "-1", "malformed"),
        (("region", "size"), 1, "malformed"),
        (("region", "clipped"), GONE, "missing field"),
        (("region", "clipped"), 1, "malformed"),
        (("region", "clipped"), False, "malformed"),
        (("region", "open"), True, "accepted"),
        (("region", "open"), False, "malformed"),
        (("region", "open"), 1, "malformed"),
        (("goals",), {}, "malformed"),
        (("goals", 0), [], "malformed"),
        (("goals", 0, "rival"), GONE, "missing field"),
        (("goals", 0, "rival"), 1, "malformed"),
        (("goals", 0, "name"), "x", "unknown field"),
        (("goals", 0, "atoms"), GONE, "missing field"),
        (("goals", 0, "atoms"), [], "malformed"),
        (("goals", 0, "atoms"), "x", "malformed"),
        (("goals", 0, "atoms", 0), 1, "malformed"),
        (("goals", 0, "atoms", 0, "strict"), GONE, "missing field"),
        (("goals", 0, "atoms", 0, "strict"), 0, "malformed"),
        (("goals", 0, "atoms", 0, "constant"), 0, "malformed"),
        (("goals", 0, "atoms", 0, "constant"), "1/0", "malformed"),
        (("goals", 0, "atoms", 0, "weight"), "1", "unknown field"),
        (("goals", 0, "atoms", 0, "inputs"), {}, "malformed"),
        (("goals", 0, "atoms", 0, "inputs"), [["0", "1"]], "malformed"),
        (("goals", 0, "atoms", 0, "inputs"), [[0, 1]], "malformed"),
        (("goals", 0, "atoms", 0, "inputs"), [[0]], "malformed"),
        (("goals", 0, "atoms", 0, "inputs"), [[0, "1", "1"]], "malformed"),
        (("goals", 0, "atoms", 0, "inputs"), ["01"], "malformed"),
        (("goals", 0, "atoms", 0, "inputs"), [[-1, "1"]], "malformed"),
        (("goals", 0, "atoms", 0, "inputs"), [[1, "1"]], "malformed"),
        (("goals", 0, "atoms", 0, "inputs"), [[0, "1"]], "accepted"),
        (("goals", 0, "atoms", 0, "outputs"), [[1, "1"]], "malformed"),
        (("goals", 0, "atoms", 0, "outputs"), [[0, "1"], [0, "1"]], "malformed"),
        (("network",), GONE, "missing field"),
        (("content",), 1, "malformed"),
        (("content",), "é", "malformed"),
        (("content",), DEEP, "too deep"),
        (("robmem_proof",), GONE, "version"),
        (("robmem_proof",), "1", "version"),
    ],
)
def test_every_field_of_a_head(path: tuple[str | int, ...], value: object, flaw: str) -> None:
    query, verdict = proved()
    query = dataclasses.replace(query, region=BALL)
    first, second = proof_bytes(query, verdict).split(b"\n", 1)
    head = json.loads(first)
    place: Any = head
    for step in path[:-1]:
        place = place[step]
    if value is GONE:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    data = json.dumps(head).encode() + b"\n" + second
    if flaw == "accepted":
        assert parse_proof(data).query.region.norm == head["region"]["norm"]
        return
    with pytest.raises(RefusedError) as caught:
        parse_proof(data)
    assert caught.value.flaw == flaw


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "two lines"),
        (b"{}", "two lines"),
        (b"[]\n{}", "begins with a JSON object"),
        (b'"robmem_proof"\n{}', "begins with a JSON object"),
        (b"{}\n", "version"),
        (b"\n\n", "not JSON"),
    ],
)
def test_what_is_no_proof_is_refused_with_its_file(data: bytes, words: str, tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match=words):
        parse_proof(data)
    path = tmp_path / "proof.json"
    path.write_bytes(data)
    with pytest.raises(RefusedError, match=f"{path}: .*") as caught:
        load_proof(path)
    assert words in str(caught.value)


def test_a_proof_is_packed_where_its_name_says_so(tmp_path: Path) -> None:
    query, verdict = proved()
    for name in ("proof.gz", "proof.json", "gz"):
        save_proof(tmp_path / name, query, verdict)
        packed = (tmp_path / name).read_bytes().startswith(b"\x1f\x8b")
        assert packed == name.endswith(".gz")
        save_proof(str(tmp_path / name), query, verdict)
        assert (tmp_path / name).read_bytes().startswith(b"\x1f\x8b") == packed


def test_unpack_refuses_what_pack_did_not_write() -> None:
    data = pack(b"certificate" * 50)
    assert unpack(data) == b"certificate" * 50
    for damaged, flaw in [
        (data[:-9], "truncated"),
        (data + b"x", "damaged"),
        (b"x" + data[1:], "not packed"),
        (data[:-1] + bytes([data[-1] ^ 1]), "damaged"),
    ]:
        with pytest.raises(RefusedError) as caught:
            unpack(damaged)
        assert caught.value.flaw == flaw
    with pytest.raises(RefusedError, match="too large"):
        unpack(pack(bytes(1000)), limit=999)

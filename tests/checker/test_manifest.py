"""A manifest is believed in nothing: every question is rebuilt, every proof replayed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest

from verifier.checker.manifest import (
    DistanceTerms,
    Manifest,
    MarginTerms,
    Question,
    Result,
    check_inputs,
    check_results,
    manifest_bytes,
    parse_manifest,
    run_checker,
    sample_query,
)
from verifier.data.dataset import Dataset
from verifier.evidence.certificate import (
    Flip,
    Leaf,
    Node,
    Robust,
    certificate_bytes,
)
from verifier.question.build import NetworkBuilder
from verifier.question.errors import RefusedError, UserError
from verifier.question.network import Network
from verifier.runs.run import points_of

POINTS = points_of(Dataset.from_rows("three", [(0,), (2,), (4,)], [0, 1, 2]))
QUESTION = Question("inf", "nearest", Fraction(1, 3))
EASY = Robust((), ((Node((), Leaf()),),))
BOTH = Robust((), ((Node((), Leaf()),), (Node((), Leaf()),)))


def line() -> Network:
    """v = relu(x) / 2: 0, 1, 2 at the samples."""
    build = NetworkBuilder(1)
    (unit,) = build.layer([build.inputs[0]])
    return build.network([unit / 2])


class Evidence:
    """A true manifest with its certificates, to be tampered with."""

    def __init__(self) -> None:
        self.network = line()
        self.texts: dict[str, bytes] = {}
        self.verdicts: list[Any] = [EASY, BOTH, EASY]
        results = tuple(
            Result(sample, "robust", self.add(verdict))
            for sample, verdict in enumerate(self.verdicts)
        )
        self.manifest = Manifest(self.network.digest, POINTS.digest, POINTS.size, QUESTION, results)

    def add(self, verdict: Robust | Flip) -> str:
        text = certificate_bytes(verdict, self.network.digest)
        digest = hashlib.sha256(text).hexdigest()
        self.texts[digest] = text
        return digest

    def fetch(self, digest: str) -> bytes:
        if digest not in self.texts:
            raise RefusedError("certificate missing", digest)
        return self.texts[digest]

    def flaws(self, question: Question = QUESTION) -> list[str]:
        checker = run_checker(self.network, POINTS, question)
        found = check_results(POINTS, question, self.manifest.results, self.fetch, checker)
        return [flaw.flaw for flaw in found if isinstance(flaw, RefusedError)]


def test_true_evidence_is_accepted() -> None:
    evidence = Evidence()
    again = parse_manifest(manifest_bytes(evidence.manifest))
    assert (again.results, again.question) == (evidence.manifest.results, QUESTION)
    assert again.root == evidence.manifest.root
    check_inputs(again, evidence.network, POINTS)
    assert evidence.flaws() == []
    assert again.complete
    assert again.claim.startswith("all 3 samples keep their label on Linf balls of radius 1/3")


def test_every_changed_byte_of_a_manifest_is_refused() -> None:
    data = manifest_bytes(Evidence().manifest)
    for position in range(len(data)):
        for flip in (1, 32):
            changed = data[:position] + bytes([data[position] ^ flip]) + data[position + 1 :]
            with pytest.raises(RefusedError):
                parse_manifest(changed)


QUESTIONS = (
    Question("1", "argmax", Fraction(7, 2)),
    Question("2", "sign", radius_squared=Fraction(2)),
    Question("2", "value", Fraction(0), clip=(Fraction(0), Fraction(16))),
)


@pytest.mark.parametrize("question", QUESTIONS, ids=str)
def test_questions_are_read_as_written(question: Question) -> None:
    manifest = replace(Evidence().manifest, question=question)
    assert parse_manifest(manifest_bytes(manifest)).question == question


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"radius": Fraction(-1)}, "radius is negative: -1"),
        ({"radius": None}, "exactly one of radius"),
        ({"radius_squared": Fraction(1)}, "exactly one of radius"),
        ({"radius": None, "radius_squared": Fraction(1)}, "radius_squared is for norm 2"),
        ({"norm": "65"}, "norm '65'"),
        ({"decoder": "best"}, "decoder 'best'"),
        ({"clip": (Fraction(2), Fraction(1))}, "clip: 2 is above 1"),
    ],
)
def test_questions_that_mean_nothing_are_refused(change: dict[str, Any], complaint: str) -> None:
    with pytest.raises(UserError, match=complaint):
        replace(QUESTION, **change)


def test_results_stand_once_in_order_and_within_the_data() -> None:
    manifest = Evidence().manifest
    first, second, third = manifest.results
    for results, complaint in [
        ((first, first), "after sample 0"),
        ((second, first), "after sample 1"),
        ((), "would hold of everything"),
        ((replace(third, sample=3),), "3..3 of 3"),
        ((replace(first, sample=-1),), "-1..-1 of 3"),
    ]:
        with pytest.raises(UserError, match=complaint):
            replace(manifest, results=results)
    with pytest.raises(UserError, match="do not go together"):
        replace(first, certificate=None)
    with pytest.raises(UserError, match="do not go together"):
        replace(first, kind="undecided")


@pytest.mark.parametrize(
    ("change", "flaw"),
    [
        (lambda m: m | {"extra": 1}, "unknown field"),
        (lambda m: {k: v for k, v in m.items() if k != "data"}, "missing field"),
        (lambda m: m | {"robmem_manifest": 2}, "version"),
        (lambda m: m | {"robmem_manifest": True}, "version"),
        (lambda m: m | {"size": 2}, "malformed"),
        (lambda m: m | {"size": "3"}, "malformed"),
        (lambda m: m | {"size": True}, "malformed"),
        (lambda m: m | {"results": {}}, "malformed"),
        (lambda m: m | {"results": m["results"][0]}, "malformed"),
        (lambda m: m | {"results": [m["results"][0][:2]]}, "malformed"),
        (lambda m: m | {"results": [m["results"][0] + [1]]}, "malformed"),
        (lambda m: m | {"question": []}, "malformed"),
        (lambda m: m | {"question": m["question"] | {"norm": 1}}, "malformed"),
        (lambda m: m | {"question": m["question"] | {"decoder": ["nearest"]}}, "malformed"),
        (lambda m: m | {"question": m["question"] | {"clip": "01"}}, "malformed"),
        (lambda m: m | {"question": m["question"] | {"clip": ["0", "1", "2"]}}, "malformed"),
        (lambda m: m | {"question": m["question"] | {"clip": [0, 1]}}, "malformed"),
        (lambda m: m | {"question": m["question"] | {"trust": "me"}}, "unknown field"),
        (lambda m: m | {"network": "0" * 63}, "malformed"),
        (lambda m: m | {"data": 0}, "malformed"),
        (lambda m: m | {"size": 4}, "root"),
        (lambda m: m | {"results": m["results"][:2]}, "root"),
        (lambda m: m | {"results": m["results"][::-1]}, "malformed"),
        (lambda m: m | {"results": [[0, "robust", None]]}, "malformed"),
        (lambda m: m | {"results": [[0, "proved", "0" * 64]]}, "malformed"),
        (lambda m: m | {"results": [[True, "robust", "0" * 64]]}, "malformed"),
        (lambda m: m | {"network": "A" * 64}, "malformed"),
        (lambda m: m | {"root": "0" * 64}, "root"),
        (lambda m: m | {"question": m["question"] | {"radius": 1}}, "malformed"),
        (lambda m: m | {"question": m["question"] | {"radius": "-1"}}, "malformed"),
        (lambda m: m | {"question": m["question"] | {"radius": "nan"}}, "malformed"),
        (lambda m: m | {"question": m["question"] | {"radius": "2/6"}}, "not canonical"),
        (lambda m: m | {"question": m["question"] | {"clip": ["0"]}}, "malformed"),
        (lambda m: m, "not canonical"),  # the same content, other spaces
    ],
)
def test_tampered_manifests_are_refused(
    change: Callable[[dict[str, Any]], dict[str, Any]], flaw: str
) -> None:
    text = json.loads(manifest_bytes(Evidence().manifest))
    with pytest.raises(RefusedError) as caught:
        parse_manifest(json.dumps(change(text)).encode())
    assert caught.value.flaw == flaw


@pytest.mark.parametrize("text", [b"[]", b'"robmem_manifest"', b"1"])
def test_what_is_no_object_is_refused(text: bytes) -> None:
    with pytest.raises(RefusedError) as caught:
        parse_manifest(text)
    assert caught.value.flaw == "malformed"


def test_a_point_may_be_all_of_a_clip_box() -> None:
    flat = replace(QUESTION, clip=(Fraction(2), Fraction(2)))
    assert flat.region((Fraction(2),)).lower == flat.region((Fraction(2),)).upper == (2,)
    assert parse_manifest(manifest_bytes(replace(Evidence().manifest, question=flat)))


def test_claims_in_words() -> None:
    manifest = Evidence().manifest
    counts = {"robust": 1, "flip": 1, "undecided": 1}
    kinds = [replace(r, kind=k, certificate=r.certificate if k != "undecided" else None)
             for r, k in zip(manifest.results, counts, strict=True)]  # fmt: skip
    mixed = replace(manifest, results=tuple(kinds))
    assert mixed.claim == (
        "1 of 3 samples keep their label on Linf balls of radius 1/3, decoder nearest, 1 do not, "
        "1 undecided"
    )
    two = replace(manifest, results=manifest.results[:2])
    assert two.claim.startswith("all 2 samples asked about, of 3, keep") and not two.complete


def test_another_network_or_other_data_are_refused() -> None:
    evidence = Evidence()
    for size in (4, 2**40):
        with pytest.raises(RefusedError, match=f"other data: {size} samples claimed, there are 3"):
            check_inputs(replace(evidence.manifest, size=size), evidence.network, POINTS)
    build = NetworkBuilder(1)
    other = build.network([build.inputs[0]])
    with pytest.raises(RefusedError, match="another network"):
        check_inputs(evidence.manifest, other, POINTS)
    moved = points_of(Dataset.from_rows("moved", [(0,), (2,), (5,)], [0, 1, 2]))
    with pytest.raises(RefusedError, match="other data"):
        check_inputs(evidence.manifest, evidence.network, moved)


def test_a_proof_of_a_smaller_ball_does_not_prove_a_larger_one() -> None:
    assert Evidence().flaws(replace(QUESTION, radius=Fraction(1))) != []


def test_a_proof_of_some_goals_does_not_prove_all() -> None:
    evidence = Evidence()
    first, second, third = evidence.manifest.results
    results = (first, replace(second, certificate=evidence.add(EASY)), third)
    evidence.manifest = replace(evidence.manifest, results=results)
    assert evidence.flaws() == ["goal missing"]


def test_missing_altered_and_exchanged_certificates_are_named() -> None:
    evidence = Evidence()
    digest = evidence.manifest.results[1].certificate or ""
    text = evidence.texts.pop(digest)
    assert evidence.flaws() == ["certificate missing"]
    evidence.texts[digest] = text + b" "
    assert evidence.flaws() == ["certificate altered"]
    evidence.texts[digest] = next(iter(evidence.texts.values()))
    assert evidence.flaws() == ["certificate altered"]


def test_a_flip_is_no_proof_and_a_proof_no_flip() -> None:
    evidence = Evidence()
    flip = evidence.add(Flip((Fraction(1),), 0))
    wide = replace(QUESTION, radius=Fraction(1))
    first, second, third = evidence.manifest.results
    evidence.manifest = replace(
        evidence.manifest, results=(replace(first, kind="flip", certificate=flip),)
    )
    assert evidence.flaws(wide) == []
    assert evidence.flaws() == ["outside"]
    for tampered, flaw in [
        (Flip((Fraction(-1),), 0), "no flip"),
        (Flip((Fraction(1),), 1), "index out of range"),
        (Flip((Fraction(1), Fraction(0)), 0), "dimension"),
        (Flip((Fraction(9, 8),), 0), "outside"),
    ]:
        digest = evidence.add(tampered)
        evidence.manifest = replace(evidence.manifest, results=(Result(0, "flip", digest),))
        assert evidence.flaws(wide) == [flaw]
    for result in (
        replace(first, certificate=flip),
        replace(first, kind="flip", certificate=first.certificate),
    ):
        evidence.manifest = replace(evidence.manifest, results=(result, second, third))
        assert evidence.flaws(wide)[0] == "another verdict"


def test_nothing_is_shown_of_an_undecided_sample() -> None:
    evidence = Evidence()
    evidence.manifest = replace(evidence.manifest, results=(Result(0, "undecided", None),))
    assert evidence.flaws() == []
    assert evidence.manifest.claim.startswith("0 of 1 samples asked about, of 3, keep")
    assert evidence.manifest.counts == {"robust": 0, "flip": 0, "undecided": 1}


def test_questions_are_about_the_label_set_of_the_whole_data() -> None:
    query = sample_query(line(), POINTS, QUESTION, 1)
    assert [goal.rival for goal in query.goals] == ["0", "2"]
    signs = points_of(Dataset.from_rows("signs", [(0,), (2,)], ["no", "yes"]))
    goals = sample_query(line(), signs, replace(QUESTION, decoder="sign"), 0).goals
    assert goals[0].atoms[0].outputs == ((0, Fraction(1)),)
    with pytest.raises(UserError, match="sign: the data have 3 classes, not 2"):
        sample_query(line(), POINTS, replace(QUESTION, decoder="sign"), 0)


def test_a_manifest_holds_what_its_question_asks() -> None:
    asked = {
        "label": Question("inf", "argmax", Fraction(1)),
        "distance": Question("inf", "argmax", None, distance=DistanceTerms(None, Fraction(1))),
        "margin": Question("inf", "argmax", Fraction(1), margin=MarginTerms(None)),
    }
    own = {"label": ("robust", "flip"), "distance": ("distance",), "margin": ("margin",)}
    for name, question in asked.items():
        for kind in ("robust", "flip", "distance", "margin"):
            results = (Result(0, kind, "0" * 64),)
            if kind in own[name]:
                made = Manifest("1" * 64, "2" * 64, 3, question, results)
                assert made.counts == {k: int(k == kind) for k in question.kinds}
                continue
            with pytest.raises(RefusedError, match=f"another verdict: sample 0: a {kind}, where"):
                Manifest("1" * 64, "2" * 64, 3, question, results)


def test_where_inputs_are_clipped_to_holds_its_ends_and_all_coordinates() -> None:
    clipped = replace(QUESTION, clip=(Fraction(-1), Fraction(2)))
    below, above = Fraction(-1) - Fraction(1, 9), Fraction(2) + Fraction(1, 9)
    for center in ((-1, 2), (2, -1), (0, 0), ()):
        assert clipped.within(tuple(map(Fraction, center)))
    for center in ((below, Fraction(0)), (Fraction(0), above), (above, below)):
        assert not clipped.within(center)
        assert QUESTION.within(center)

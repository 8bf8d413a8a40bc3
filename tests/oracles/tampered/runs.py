"""Random edits of sealed runs: network, data, manifest or certificates changed, hashes left or made
again; and the truth about what a run then says, read from its bytes a second time."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from random import Random
from typing import Any

import numpy as np

from tests.oracles.naive_prover import prove
from tests.oracles.oracle import find_flip
from tests.oracles.random_queries import outputs_at, random_network
from tests.oracles.tampered.mutator import edit_network, edit_number, edit_text
from verifier.checker.checked import Checked
from verifier.checker.manifest import (
    Manifest,
    Question,
    Result,
    check_inputs,
    check_results,
    manifest_bytes,
    parse_manifest,
    run_checker,
    sample_query,
)
from verifier.evidence.certificate import Flip, Robust, certificate_bytes
from verifier.evidence.data_file import Points, data_bytes, parse_data
from verifier.evidence.network_file import network_bytes, parse_network
from verifier.question.errors import RefusedError, UserError
from verifier.question.query import Atom, Goal, Query
from verifier.question.region import Region

F = Fraction


@dataclass(frozen=True)
class Sealed:
    """The files of a run: certificates by the hash that is their name."""

    network: bytes
    data: bytes
    manifest: bytes
    certificates: dict[str, bytes]

    def fetch(self, digest: str) -> bytes:
        if digest not in self.certificates:
            raise RefusedError("certificate missing", digest)
        return self.certificates[digest]


def true_run(seed: int) -> Sealed:
    """Three or four points and what is true of their balls, with proofs and flips."""
    rng = Random(seed)
    decoder = rng.choice(("argmax", "nearest", "nearest", "sign", "value"))
    classes = 2 if decoder == "sign" else rng.randint(2, 3)
    inputs, count = rng.randint(1, 2), rng.randint(3, 4)
    outputs = classes if decoder == "argmax" else 1
    network = random_network(rng, inputs, rng.randint(0, 4), outputs, "halves")
    below = rng.choice((1, 2, 10, 3**45))  # the last needs wider integers
    rows = [[rng.randint(-3 * below, 3 * below) for _ in range(inputs)] for _ in range(count)]
    labels = []
    for row in rows:
        values = outputs_at(network, tuple(F(x, below) for x in row))
        read = [read_label(decoder, classes, values)] if rng.random() < 0.8 else []
        labels.append(next((k for k in read if k is not None), rng.randrange(classes)))
    names = [str(k) for k in range(classes)]
    numerators: Any = np.array(rows, dtype=np.int64 if below < 2**40 else object)
    points = parse_data(data_bytes(numerators, below, np.array(labels), names))
    radius = F(rng.randint(0, 8), rng.choice((1, 4, 20)))
    squared = rng.random() < 0.3
    norm = "2" if squared else rng.choice(("inf", "1", "2"))
    clip = points.range if rng.random() < 0.3 else None
    question = Question(
        norm, decoder, None if squared else radius, radius if squared else None, clip
    )
    certificates, results = {}, []
    for sample in range(points.size):
        query = sample_query(network, points, question, sample)
        answer = answer_of(query, rng)
        text = b"" if answer is None else certificate_bytes(answer, network.digest)
        digest = None if answer is None else hashlib.sha256(text).hexdigest()
        if digest is not None:
            certificates[digest] = text
        kind = {Robust: "robust", Flip: "flip"}.get(type(answer), "undecided")
        results.append(Result(sample, kind, digest))
    manifest = Manifest(network.digest, points.digest, points.size, question, tuple(results))
    data = data_bytes(points.numerators, points.denominator, points.labels, names)
    return Sealed(network_bytes(network), data, manifest_bytes(manifest), certificates)


def answer_of(query: Query, rng: Random) -> Robust | Flip | None:
    if rng.random() < 0.1:
        return None
    found = find_flip(query)
    if found is not None:
        return Flip(found[1], found[0])
    return prove(query, rng, extras=5)


def read_label(decoder: str, classes: int, values: list[Fraction]) -> int | None:
    """The label that is read off the outputs, None for a tie and where none is."""
    if decoder == "argmax":
        best = [k for k in range(classes) if values[k] == max(values)]
        return best[0] if len(best) == 1 else None
    value = values[0]
    if decoder == "sign":
        return None if value == 0 else int(value > 0)
    if decoder == "value":
        return int(value) if value in range(classes) else None
    gaps = [abs(value - k) for k in range(classes)]
    return gaps.index(min(gaps)) if gaps.count(min(gaps)) == 1 else None


# ---- edits


def edited_run(rng: Random, run: Sealed) -> tuple[Sealed, bool]:
    """The run with one or two edits, and whether all hashes were made again."""
    reseal = rng.random() < 0.75
    for _ in range(rng.choice((1, 1, 2))):
        kind = rng.random()
        try:
            if kind < 0.25:
                network = edit_network(rng, parse_network(run.network))
                run = replace(run, network=network_bytes(network))
            elif kind < 0.5:
                run = replace(run, data=edited_data(rng, parse_data(run.data)))
            elif kind < 0.75:
                run = replace(run, manifest=edited_manifest(rng, run.manifest))
            elif run.certificates:
                digest = rng.choice(sorted(run.certificates))
                text = json.loads(run.certificates[digest])
                edit_text(rng, text)
                changed = json.dumps(text, separators=(",", ":")).encode() + b"\n"
                run = replace(run, certificates={**run.certificates, digest: changed})
        except UserError:
            continue  # no longer data, or no network
    return (resealed(run), True) if reseal else (run, False)


def resealed(run: Sealed) -> Sealed:
    """The run as an adversary leaves it: every hash is that of the content it names."""
    network, data = parse_network(run.network).digest, hashlib.sha256(run.data).hexdigest()
    manifest, certificates, renamed = json.loads(run.manifest), {}, {}
    for digest, text in run.certificates.items():
        content = json.loads(text)
        if isinstance(content, dict) and "network" in content:
            content["network"] = network
            text = json.dumps(content, separators=(",", ":")).encode() + b"\n"
        renamed[digest] = hashlib.sha256(text).hexdigest()
        certificates[renamed[digest]] = text
    for result in manifest["results"]:
        result[2] = renamed.get(result[2], result[2])
    manifest |= {"network": network, "data": data, "size": parse_data(run.data).size}
    return Sealed(run.network, run.data, written(manifest), certificates)


def written(manifest: dict[str, Any], root: str = "") -> bytes:
    """The text of a manifest, whatever it claims, with this root or the one that fits."""
    results = ",\n".join(json.dumps(result) for result in manifest["results"])
    start = (
        f'{{"robmem_manifest": {json.dumps(manifest["robmem_manifest"])},\n'
        f'"network": "{manifest["network"]}",\n"data": "{manifest["data"]}",\n'
        f'"size": {manifest["size"]},\n"question": {json.dumps(manifest["question"])},\n'
        f'"results": [\n{results}]'
    )
    root = root or hashlib.sha256(start.encode()).hexdigest()
    return f'{start},\n"root": "{root}"}}\n'.encode()


def edited_data(rng: Random, points: Points) -> bytes:
    """A coordinate, a label, the denominator or the label set changed, two samples exchanged, one
    left out or there twice."""
    numerators = [[int(n) for n in row] for row in points.numerators]
    labels, names = points.labels.tolist(), list(points.label_names)
    below, sample = points.denominator, rng.randrange(points.size)
    kind = rng.randrange(7)
    if kind == 0:
        k = rng.randrange(points.dimension)
        numerators[sample][k] += rng.choice((-1, 1, below, -below))
    elif kind == 1:
        labels[sample] = rng.randrange(points.classes)
    elif kind == 2:
        below = rng.choice((below + 1, 2 * below, max(1, below - 1)))
    elif kind == 3:
        names.append(f"new {len(names)}")
    elif kind == 4 and len(names) > 1 and max(labels) < len(names) - 1:
        names.pop()
    elif kind == 5:
        numerators[0], numerators[sample] = numerators[sample], numerators[0]
    elif rng.random() < 0.5 or points.size == 1:
        numerators.append(list(numerators[sample]))
        labels.append(labels[sample])
    else:
        del numerators[sample], labels[sample]
    entries: Any = np.empty((len(numerators), points.dimension), dtype=object)
    entries[:] = numerators
    if all(abs(n) < 2**62 for row in numerators for n in row):
        entries = entries.astype(np.int64)
    return data_bytes(entries, below, np.array(labels), names)


def edited_manifest(rng: Random, data: bytes) -> bytes:
    """The question or a result changed, results exchanged, left out or there twice."""
    manifest = json.loads(data)
    question, results = manifest["question"], manifest["results"]
    first, second = rng.randrange(len(results)), rng.randrange(len(results))
    size = "radius" if "radius" in question else "radius_squared"
    kind = rng.randrange(12)
    if kind < 3:
        question[size] = str(edit_number(rng, question[size]))
    elif kind == 3:
        question["norm"] = rng.choice(("inf", "1", "2"))
    elif kind == 4:
        question["decoder"] = rng.choice(("argmax", "nearest", "sign", "value"))
    elif kind == 5:
        question["clip"] = rng.choice((None, ["-5", "5"], ["0", "3"], ["5", "-5"]))
    elif kind == 6:
        other = "radius_squared" if size == "radius" else "radius"
        manifest["question"] = {other if key == size else key: v for key, v in question.items()}
    elif kind == 7:
        results[first][1] = rng.choice(("robust", "flip", "undecided"))
    elif kind == 8:
        results[first][1:], results[second][1:] = results[second][1:], results[first][1:]
    elif kind == 9:
        results[first][1:] = results[second][1:]
    elif kind == 10:
        results[first][0] += rng.choice((-1, 1))
    elif len(results) > 1 and rng.random() < 0.5:
        del results[first]
    else:
        results.insert(first, list(results[first]))
    return written(manifest, manifest["root"])


# ---- what the checker says, and the truth


def accepted_results(run: Sealed) -> list[Result] | None:
    """The results that the checker finds true; None if it refuses the run itself."""
    try:
        manifest = parse_manifest(run.manifest)
        network, points = parse_network(run.network), parse_data(run.data)
        check_inputs(manifest, network, points)
        question = manifest.question
        checker = run_checker(network, points, question)
        shown = list(check_results(points, question, manifest.results, run.fetch, checker))
    except UserError:
        return None
    found = []
    for result, one in zip(manifest.results, shown, strict=True):
        if isinstance(one, Checked):
            found.append(result)
    return found if found or None in shown else None


def is_true_of(run: Sealed, result: Result) -> bool:
    """Whether the sample's label is kept on all of its ball (or lost, for a flip), by the oracle,
    from the bytes of manifest and data."""
    query = stated_query(run, result.sample)
    flip = find_flip(query)
    return (flip is None) == (result.kind == "robust")


def stated_query(run: Sealed, sample: int) -> Query:
    question = json.loads(run.manifest)["question"]
    _, header, body = run.data.split(b"\n", 2)
    size, dimension, below, width, names = json.loads(header)
    label = int.from_bytes(body[8 * sample : 8 * sample + 8], "little")
    at = 8 * size + sample * dimension * width
    center = tuple(
        F(int.from_bytes(body[k : k + width], "little", signed=True), int(below))
        for k in range(at, at + dimension * width, width)
    )
    network = parse_network(run.network)
    goals = tuple(goals_of(question["decoder"], label, len(names), network.outputs.count))
    length = F(question.get("radius", question.get("radius_squared")))
    norm = question["norm"]
    reach = length if norm == "inf" else length + 1
    lower, upper = [c - reach for c in center], [c + reach for c in center]
    if question["clip"] is not None:
        low, high = map(F, question["clip"])
        lower, upper = [max(low, x) for x in lower], [min(high, x) for x in upper]
    if norm == "inf":
        return Query(network, Region("inf", tuple(lower), tuple(upper)), goals)
    size_ = length * length if norm == "2" and "radius" in question else length
    return Query(network, Region(norm, tuple(lower), tuple(upper), center, size_, True), goals)


def goals_of(decoder: str, label: int, classes: int, outputs: int) -> Iterator[Goal]:
    """The goals of every rival, from what the decoder means."""
    for rival in range(classes):
        if decoder == "argmax" and rival != label:
            terms = tuple(sorted([(rival, F(1)), (label, F(-1))]))
            yield Goal((Atom((), terms, F(0), False),), "")
        elif decoder == "nearest" and rival != label:  # |v - rival| <= |v - label|
            sign = 1 if rival > label else -1
            yield Goal((Atom((), ((0, F(sign)),), F(-sign * (rival + label), 2), False),), "")
        elif decoder == "sign" and rival != label:
            yield Goal((Atom((), ((0, F(1 - 2 * label)),), F(0), False),), "")
    if decoder == "value":
        for sign in (-1, 1):
            yield Goal((Atom((), ((0, F(sign)),), F(-sign * label), True),), "")


__all__ = ["accepted_results", "edited_run", "is_true_of", "true_run"]

"""Sealed runs to report about, with names that are markup."""

from __future__ import annotations

import hashlib
from fractions import Fraction
from pathlib import Path
from typing import Any

from constructions.registry import build
from tests.oracles.naive_prover import prove
from verifier.checker.manifest import Question, sample_query
from verifier.cli.main import main
from verifier.data.dataset import Dataset
from verifier.evidence.certificate import Flip, certificate_bytes
from verifier.evidence.network_file import save_network
from verifier.evidence.packed import pack
from verifier.question.build import NetworkBuilder
from verifier.runs.records import Record, failure
from verifier.runs.run import Run, begin, continue_run, points_of
from verifier.runs.store import Store

ROWS = [(0, 0), (3, 0), (0, 4), (9, 9), (5, 5), (9, 1)]


DATA = Dataset.from_rows("six", ROWS, ["a", "b", "c", "a", "b", "c"])


HOSTILE = Dataset.from_rows(
    "<script>alert('data')</script>",
    ROWS,
    [
        "=1+1",
        "<img src=x onerror=alert(1)>",
        "$\\input{x}$",
        "=1+1",
        "</style>&lt;",
        "$\\input{x}$",
    ],
    feature_names=("<b>bold</b>", "`x`|y"),
)


def started(folder: Path, dataset: Dataset = DATA, **changes: Any) -> Run:
    return begin(dataset, build("linf", dataset, ratio=Fraction(9, 10)), folder=folder,
                 about={"construction": "linf", "ratio": "9/10", "budget": "27/20",
                        "construction_norm": "inf", "seed": 0}, **changes)  # fmt: skip


def sealed(folder: Path, dataset: Dataset = DATA) -> Path:
    continue_run(started(folder, dataset))
    return folder


def with_flip(folder: Path, dataset: Dataset = DATA) -> Path:
    """A run of which sample 0 has a flip, sample 1 no answer and sample 2 an error."""
    made = build("linf", dataset, ratio=Fraction(9, 10))
    question = Question("inf", "nearest", Fraction(3))
    run = begin(dataset, made.network, question, folder)
    flip = Flip((Fraction(3), Fraction(0)), 0)
    text = certificate_bytes(flip, made.network.digest)
    record = Record(0, "flip", pack(text), hashlib.sha256(text).hexdigest(), len(text), "1")
    reason = "<i>the reason</i> | of \\many"
    records = [record, Record(1, "undecided", reason=reason, lower_bound="-3/7", nodes=5),
               failure(2, "worker lost")]  # fmt: skip
    with Store(run.place.database) as store:
        row = run.place.row(store)
        host = store.add_host(
            row.id,
            "2001-02-03",
            {
                "host": "secret-host",
                "system": "Secret 1",
                "cores": 2,
                "versions": {"numpy": "1.2.3"},
            },
        )
        run.folder.write_certificates(records)
        store.record(row.id, host, records)
    return folder


COLUMNS = 100


def many(folder: Path, count: int) -> Path:
    """A run about `count` samples on a grid in the plane, labelled by their half: robust but for
    the column that is closest to the other label, of flips, and one without an answer in 97."""
    rows = [(3 * (k % COLUMNS), 3 * (k // COLUMNS)) for k in range(count)]
    dataset = Dataset.from_rows("grid", rows, ["left" if x < 150 else "right" for x, _ in rows])
    builder = NetworkBuilder(2)
    before, beyond = builder.layer([builder.inputs[0] - 149, builder.inputs[0] - 150])
    network = builder.network([before - beyond])
    question = Question("inf", "nearest", Fraction(1))
    run = begin(dataset, network, question, folder)
    proofs: dict[str, bytes] = {}

    records = []
    for sample, (x, y) in enumerate(rows):
        label = dataset.label_names[int(dataset.labels[sample])]
        if x == 150:
            told, state = (
                certificate_bytes(Flip((Fraction(149), Fraction(y)), 0), network.digest),
                "flip",
            )
        elif sample % 97 == 0:
            records.append(Record(sample, "undecided", reason=f"reason {sample % 5}", nodes=sample,
                                  lower_bound=f"-{sample}/7"))  # fmt: skip
            continue
        else:
            if label not in proofs:  # the same for every sample of its half
                proof = prove(sample_query(network, points_of(dataset), question, sample))
                assert proof is not None
                proofs[label] = certificate_bytes(proof, network.digest)
            told, state = proofs[label], "robust"
        digest = hashlib.sha256(told).hexdigest()
        rival = "left" if state == "flip" else None
        records.append(Record(sample, state, pack(told), digest, len(told), rival, nodes=1))
    run.folder.write_certificates(records)
    with Store(run.place.database) as store:
        row = run.place.row(store)
        store.record(row.id, store.add_host(row.id, "", {}), records)
    return folder


LINE = "0,0\n1,0\n3,1\n4,1\n2.5,0\n4.5,1\n"
"""Of x / 4, read by the nearest of 0 and 1: labels change at x = 2, so sample 4 is misread."""


def kinds(folder: Path) -> Path:
    """A folder of runs about distances, `far`, least margins, `least`, and every budget, `every`;
    beside it what they are about."""
    builder = NetworkBuilder(1)
    save_network(builder.network([builder.inputs[0] * Fraction(1, 4)]), folder / "net.robmem")
    (folder / "line.csv").write_text(LINE)
    (folder / "two.csv").write_text("0,0\n1,1\n3,0\n")
    asked = [str(folder / "net.robmem"), "--data", str(folder / "line.csv"), "--quiet"]
    asked += ["--decoder", "nearest"]
    runs = folder / "runs"
    for words, code in (
        (["radius", *asked, "--out", str(runs / "far")], 0),
        (["worst", *asked, "--radius", "1/2", "--out", str(runs / "least")], 1),
        (["certify", "--data", str(folder / "two.csv"), "--every-budget", "--jobs", "0", "--quiet",
          "--out", str(runs / "every")], 0),
    ):  # fmt: skip
        if main(words) != code:
            raise RuntimeError(f"{words[0]} did not end with {code}")
    return runs

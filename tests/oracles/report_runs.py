"""Sealed runs to report about, with names that are markup."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

from constructions.registry import build
from verifier.checker.manifest import Question
from verifier.data.dataset import Dataset
from verifier.evidence.certificate import Flip, certificate_bytes
from verifier.evidence.packed import pack
from verifier.runs.records import Record, failure
from verifier.runs.run import Run, begin, continue_run
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
    import hashlib

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

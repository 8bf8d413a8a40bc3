"""The data file is the preimage of the data set's digest, and nothing else is read."""

from __future__ import annotations

import contextlib
import hashlib
from fractions import Fraction

import numpy as np
import pytest

from verifier.certify import points_of
from verifier.dataset import Dataset, load
from verifier.trusted.data_file import data_bytes, parse_data
from verifier.trusted.errors import RefusedError, UserError

SETS = {
    "small": Dataset.from_rows("small", [(0, 1), (2, 3), (4, Fraction(1, 3))], ["b", "a", "b"]),
    "negative": Dataset.from_rows("negative", [(-5,), (-7,)], [1, 2]),
    "wide": Dataset.from_rows("wide", [(2**70, -(2**64)), (Fraction(1, 3**50), 0)], [0, 1]),
    "common": Dataset("common", np.array([[2], [4]]), 6, np.array([0, 1]), ("x", "y")),
    "iris": load("iris"),
}


def content(dataset: Dataset) -> bytes:
    return data_bytes(dataset.numerators, dataset.denominator, dataset.labels, dataset.label_names)


@pytest.mark.parametrize("dataset", SETS.values(), ids=SETS)
def test_hash_of_the_file_is_the_digest_of_the_data(dataset: Dataset) -> None:
    assert hashlib.sha256(content(dataset)).hexdigest() == dataset.digest()


@pytest.mark.parametrize("dataset", SETS.values(), ids=SETS)
def test_reads_what_was_written(dataset: Dataset) -> None:
    points = points_of(dataset)
    assert points.digest == dataset.digest()
    assert [points.point(i) for i in range(points.size)] == [
        dataset.point(i) for i in range(dataset.size)
    ]
    assert points.labels.tolist() == dataset.labels.tolist()
    assert points.label_names == dataset.label_names
    assert points.dimension == dataset.dimension


def test_every_changed_byte_changes_the_digest_or_is_refused() -> None:
    data = content(SETS["small"])
    for position in range(len(data)):
        changed = data[:position] + bytes([data[position] ^ 1]) + data[position + 1 :]
        with contextlib.suppress(RefusedError):
            assert parse_data(changed).digest != SETS["small"].digest()


def header(text: str, body: bytes = bytes(8 * 2 + 8 * 2)) -> bytes:
    return b"robmem-dataset 1\n" + text.encode() + b"\n" + body


@pytest.mark.parametrize(
    ("data", "flaw"),
    [
        (b"robmem-dataset 2\n", "not a data file"),
        (b"robmem-dataset 1\n[2,1", "truncated"),
        (header('[2,1,"1",8]'), "malformed"),
        (header('[2,1,1,8,["a","b"]]'), "malformed"),
        (header('[0,1,"1",8,["a","b"]]', b""), "malformed"),
        (header('[2,1,"1",7,["a","b"]]'), "malformed"),
        (header('[2,1,"0",8,["a","b"]]'), "malformed"),
        (header('[2,1,"1",8,["a","a"]]'), "malformed"),
        (header('[2,1,"1",8,["a", "b"]]'), "not canonical"),
        (header('[2,1,"2",8,["a","b"]]'), "not canonical"),
        (header('[2,1,"1",8,["a","b"]]', bytes(31)), "truncated"),
        (header('[2,1,"1",8,["a","b"]]', bytes(33)), "truncated"),
        (header('[2,1,"1",16,["a","b"]]', bytes(48)), "not canonical"),
        (header('[2,1,"1",8,["a","b"]]', b"\x02" + bytes(31)), "index out of range"),
        (header('[2,1,"1",8,["a","b"]]', b"\xff" * 8 + bytes(24)), "index out of range"),
        (header('[99999999999,1,"1",8,["a","b"]]'), "truncated"),
        (header('[2,1,1.0,8,["a","b"]]'), "float"),
    ],
)
def test_what_is_not_a_data_file_is_refused(data: bytes, flaw: str) -> None:
    with pytest.raises(RefusedError) as caught:
        parse_data(data)
    assert caught.value.flaw == flaw


def test_there_is_no_sample_beyond() -> None:
    points = points_of(SETS["small"])
    for sample in (-1, 3):
        with pytest.raises(UserError, match=f"sample {sample} of 3"):
            points.point(sample)

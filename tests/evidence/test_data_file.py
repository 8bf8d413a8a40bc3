"""The data file is the preimage of the data set's digest, and nothing else is read."""

from __future__ import annotations

import contextlib
import hashlib
import json
from fractions import Fraction
from math import gcd
from typing import Any

import numpy as np
import pytest

from verifier.data.dataset import Dataset
from verifier.data.load import load
from verifier.evidence.data_file import data_bytes, parse_data
from verifier.question.errors import RefusedError, UserError
from verifier.runs.run import points_of

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


def documented(rows: list[list[int]], below: int, labels: list[int], names: list[str]) -> bytes:
    """The file as the docstring of `data_file` describes it, written a second time."""
    divisor = gcd(below, *(n for row in rows for n in row))
    rows, below = [[n // divisor for n in row] for row in rows], below // divisor
    width = 8
    while not all(-(2 ** (8 * width - 1)) <= n < 2 ** (8 * width - 1) for row in rows for n in row):
        width += 8
    listed = ",".join(f'"{name}"' for name in names)
    text = f'robmem-dataset 1\n[{len(rows)},{len(rows[0])},"{below}",{width},[{listed}]]\n'
    body = b"".join(label.to_bytes(8, "little") for label in labels)
    return (
        text.encode()
        + body
        + b"".join(n.to_bytes(width, "little", signed=True) for row in rows for n in row)
    )


@pytest.mark.parametrize("below", [1, 2, 6, 2**63, 2**64 - 1, 3**80])
@pytest.mark.parametrize(
    "edge", [0, 1, 2**62, 2**63 - 1, -(2**63), 2**63, -(2**63) - 1, 2**127 - 1, -(2**127), 2**127]
)
def test_files_are_written_and_read_as_documented(edge: int, below: int) -> None:
    for rows in ([[edge, 1], [2, 3], [-4, 6]], [[edge]], [[6 * edge], [12]]):
        numbers: Any = np.empty((len(rows), len(rows[0])), dtype=object)
        numbers[:] = rows
        if all(-(2**63) < n < 2**63 for row in rows for n in row):
            numbers = numbers.astype(np.int64)
        labels = [k % 2 for k in range(len(rows))]
        data = data_bytes(numbers, below, np.array(labels), ["a", "b"])
        assert data == documented(rows, below, labels, ["a", "b"])
        points = parse_data(data)
        assert [points.point(k) for k in range(points.size)] == [
            tuple(Fraction(n, below) for n in row) for row in rows
        ]
        entries = [Fraction(n, below) for row in rows for n in row]
        assert points.range == (min(entries), max(entries))
        assert (
            points.labels.tolist() == labels and points.digest == hashlib.sha256(data).hexdigest()
        )


def test_many_rows_are_written_in_parts() -> None:
    for size in (1023, 1024, 1025, 2049):
        rows = [[2 * k, 4 * (-k) ** 3] for k in range(size)]
        for wide in (0, 2**70):
            listed = [[a + wide, b] for a, b in rows]
            numbers: Any = np.empty((size, 2), dtype=object)
            numbers[:] = listed
            numbers = numbers if wide else numbers.astype(np.int64)
            data = data_bytes(numbers, 2, np.zeros(size, dtype=np.int64), ["a"])
            assert data == documented(listed, 2, [0] * size, ["a"])


def test_the_denominator_has_a_limit() -> None:
    one = np.array([[1]])
    below = 2**13_000 - 1
    assert parse_data(data_bytes(one, below, np.array([0]), ["a"])).denominator == below
    with pytest.raises(UserError, match="13001 bits; the limit of a data file is 13000"):
        data_bytes(one, 2**13_000, np.array([0]), ["a"])


@pytest.mark.parametrize(
    ("line", "flaw"),
    [
        ('{"size":1}', "malformed"),
        ('[1,1,"1",8,["a"],0]', "malformed"),
        ('[true,1,"1",8,["a"]]', "malformed"),
        ('["1",1,"1",8,["a"]]', "malformed"),
        ('[1,0,"1",8,["a"]]', "malformed"),
        ('[1,1,"1",0,["a"]]', "malformed"),
        ('[1,1,"1",-8,["a"]]', "malformed"),
        ('[1,1,"1",9,["a"]]', "malformed"),
        ('[1,1,null,8,["a"]]', "malformed"),
        ('[1,1,"1/2",8,["a"]]', "malformed"),
        ('[1,1,"-1",8,["a"]]', "malformed"),
        ('[1,1,"x",8,["a"]]', "malformed"),
        ('[1,1,"01",8,["a"]]', "malformed"),
        ('[1,1,"0x1",8,["a"]]', "malformed"),
        ('[1,1,"1",8,"a"]', "malformed"),
        ('[1,1,"1",8,[1]]', "malformed"),
        ('[1,1,"1",8,[]]', "index out of range"),
        ('[1,1,"1",8,["\u00e9"]]', "not canonical"),
        ('[1,1,"1",8,["a"]]', "accepted"),
        ('[1,1,"1",8,["\\u00e9"]]', "accepted"),
    ],
)
def test_headers(line: str, flaw: str) -> None:
    data = b"robmem-dataset 1\n" + line.encode() + b"\n" + bytes(16)
    if flaw == "accepted":
        assert parse_data(data).size == 1
        return
    with pytest.raises(RefusedError) as caught:
        parse_data(data)
    assert caught.value.flaw == flaw


def test_a_header_may_be_as_long_as_its_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    data = content(SETS["small"])
    length = len(data.split(b"\n", 2)[1])
    monkeypatch.setattr("verifier.evidence.data_file._MAX_HEADER", length + 1)
    assert parse_data(data).size == 3
    monkeypatch.setattr("verifier.evidence.data_file._MAX_HEADER", length)
    with pytest.raises(RefusedError, match="has no end"):
        parse_data(data)


def test_the_denominator_is_bounded_in_lowest_terms() -> None:
    most = 2**12_999  # of 13,000 bits
    labels, names = np.array([0, 1]), ("x", "y")

    def written(numerators: list[int], denominator: int) -> bytes:
        return data_bytes(np.array(numerators, dtype=object)[:, None], denominator, labels, names)

    assert parse_data(written([6, 2], 2 * most)).denominator == most
    for denominator in (2 * most, 4 * most):
        with pytest.raises(UserError, match="13,?00[12] bits"):
            written([2, 6 * denominator + 2], 2 * denominator)


@pytest.mark.parametrize("name", ["", "a\u0007", "\u202e", "a\nb", "\ud800"])
def test_a_label_without_a_printable_name(name: str) -> None:
    line = json.dumps([2, 1, "1", 8, ["a", name]], separators=(",", ":"))
    with pytest.raises(RefusedError) as caught:
        parse_data(header(line))
    assert caught.value.flaw == "malformed"

"""The two readers of JSON accept the same texts, and each limit holds to the byte."""

from __future__ import annotations

import json
import os
from fractions import Fraction
from pathlib import Path

import pytest

from verifier.evidence import strict_json
from verifier.evidence.packed import pack, read_bytes
from verifier.kernel import text as kernel
from verifier.question.errors import RefusedError, UserError
from verifier.question.rational import decimal_text, format_rational

READERS = (strict_json, kernel)


def flaw(reader, data: bytes) -> str:
    try:
        (strict_json.parse_json if reader is strict_json else kernel.parse)(data)
    except RefusedError as error:
        return error.flaw
    except kernel.Refused as error:
        return str(error.args[0])
    return ""


def flaws(data: bytes) -> set[str]:
    return {flaw(reader, data) for reader in READERS}


def file_flaw(path: Path, limit: int | None = None) -> set[str]:
    """Of both readers of files; a file that cannot be read is "not a file"."""
    found = set()
    try:
        read_bytes(path, limit or kernel.MAX_FILE)
        found.add("")
    except RefusedError as error:
        found.add(error.flaw)
    except UserError:
        found.add("not a file")
    try:
        kernel.read_file(path)
        found.add("")
    except kernel.Refused as error:
        found.add(str(error.args[0]))
    return found


def test_the_limits_are_those_of_the_document():
    assert kernel.MAX_FILE == 2**31
    assert kernel.MAX_NUMBER == 2**20
    assert kernel.MAX_JSON == strict_json.MAX_BYTES == 2**30
    assert kernel.MAX_DEPTH == strict_json.MAX_DEPTH == 400
    assert kernel.FREE_MEMORY == strict_json.FREE_MEMORY == 2**28
    assert kernel.MEMORY_FACTOR == strict_json.MEMORY_FACTOR == 24


@pytest.mark.parametrize("reader", READERS)
def test_a_text_of_the_largest_size_is_read_and_a_longer_one_is_not(reader, monkeypatch):
    name = "MAX_BYTES" if reader is strict_json else "MAX_JSON"
    monkeypatch.setattr(reader, name, 9)
    assert flaw(reader, b'"1234567"') == ""
    assert flaw(reader, b'"12345678"') == "too large"


@pytest.mark.parametrize(("character", "each"), [("[", 64), ("{", 240), (",", 40)])
def test_the_memory_that_values_take_is_bounded_exactly(character, each, monkeypatch):
    """`each` bytes a character, 30 a quote, against 24 times the size and what is free; what stands
    in a text counts as well, for it is not looked at."""
    for reader in READERS:
        for free, expected in (
            (0, ""),
            (-1, "too large"),
            (each - 25, ""),
            (24 - each, "too large"),
        ):
            free += 1000 * (each - 24) + 2 * 30 - 2 * 24
            monkeypatch.setattr(reader, "FREE_MEMORY", free)
            assert flaw(reader, b'"' + character.encode() * 1000 + b'"') == expected


def test_quotes_take_thirty_bytes(monkeypatch):
    """A list of empty texts costs 100 bytes an item of 3 characters."""
    for reader in READERS:
        for less, expected in ((0, ""), (1, "too large")):
            free = 1000 * (100 - 72) + 64 - 24 * 3
            monkeypatch.setattr(reader, "FREE_MEMORY", free - less)
            assert flaw(reader, b"[" + b'"",' * 1000 + b"0]") == expected


@pytest.mark.parametrize("opening", ["[", '{"a":'])
def test_brackets_nest_to_a_depth_of_400(opening):
    closing = "]" if opening == "[" else "}"
    for depth, expected in ((1, ""), (399, ""), (400, ""), (401, "too deep"), (500, "too deep")):
        text = opening * depth + "0" + closing * depth
        assert flaws(text.encode()) == {expected}
    beside = "[" + ",".join(["[]"] * 1000) + "]"
    assert flaws(beside.encode()) == {""}
    long = "[" + json.dumps("x" * (1 << 21)) + "," + "[" * 400 + "]" * 400 + "]"
    assert flaws(long.encode()) == {"too deep"}
    assert flaws(long.replace("[]", "").encode()) == {""}


@pytest.mark.parametrize("text", ["[" * 500, "]" * 500, '"' + "[" * 500, "\\" + "[" * 500, '\\"['])
def test_brackets_within_texts_do_not_nest(text):
    assert flaws(json.dumps([text, ["]"], {text: "{" * 999}]).encode()) == {""}
    deep = "[" * 399 + json.dumps([text]) + "]" * 399
    assert flaws(deep.encode()) == {""}
    assert flaws(f"[{deep}]".encode()) == {"too deep"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"a": 1, "a": 1}', "duplicate key"),
        ('[{"b": {"a": 1, "c": 2, "a": 3}}]', "duplicate key"),
        ("1.5", "float"),
        ("[1e3]", "float"),
        ("NaN", "float"),
        ("[-Infinity]", "float"),
    ],
)
def test_flaws_of_values_have_one_name(text, expected):
    assert flaws(text.encode()) == {expected}


def test_a_duplicate_key_is_named():
    with pytest.raises(RefusedError, match="'b'"):
        strict_json.parse_json(b'{"a": 1, "b": 1, "c": 1, "b": 2, "c": 3}')
    long = "k" * 60
    with pytest.raises(RefusedError) as caught:
        strict_json.parse_json(json.dumps({long: 1})[:-1].encode() + f', "{long}": 2}}'.encode())
    assert caught.value.detail == repr("k" * 40)


def test_the_first_key_that_is_out_of_order_is_told():
    read = strict_json.read_json
    assert read(b'{"": 1, "a": {"b": 1, "c": 2}, "b": 2}')[1] is None
    assert read(b'[{"a": 1, "c": 2, "b": 3, "a2": 4}, {"z": 1, "y": 2}]')[1] == "c"


@pytest.mark.parametrize("text", ["2/4", "0x1", "01", "+1", "1/0x2", "-0"])
def test_a_number_has_one_text(text):
    with pytest.raises(RefusedError) as caught:
        strict_json.canonical_rational(text)
    assert caught.value.flaw == "malformed"
    with pytest.raises(kernel.Refused, match="malformed"):
        kernel.rational(text)


def test_numbers_are_hexadecimal_above_4096_bits():
    for n in (2**4096 - 1, 2**4096, -(2**4096) + 1, -(2**4096)):
        text = kernel.written(Fraction(n))
        assert text == format_rational(Fraction(n))
        assert ("x" in text) == (abs(n) >= 2**4096)
        assert kernel.rational(text) == n


def test_the_longest_number():
    longest = "0x1" + "0" * (2**20 - 3)
    assert kernel.rational(longest) == 16 ** (2**20 - 3)
    with pytest.raises(kernel.Refused, match="malformed"):
        kernel.rational(longest + "0")


LARGE = (0, 7, -7, 2**10_000 - 1, 2**10_000, -(2**10_000), 10**9000, 3 * 10**3011 + 5, 7**20_000)


def test_decimal_digits_of_numbers_of_any_size():
    """Read back by a sum over blocks of digits, which no limit of the interpreter touches."""
    for q in (Fraction(n, d) for n in LARGE for d in (1, 3**7000)):
        for part, text in zip(
            (q.numerator, q.denominator), (decimal_text(q) + "/1").split("/"), strict=False
        ):
            digits = text.removeprefix("-")
            blocks = [digits[max(end - 1000, 0) : end] for end in range(len(digits), 0, -1000)]
            value = sum(int(block) * 10 ** (1000 * k) for k, block in enumerate(blocks))
            assert (-value if text.startswith("-") else value) == part
            assert digits == "0" or not digits.startswith("0")
        assert ("/" in decimal_text(q)) == (q.denominator != 1)


def test_files_are_regular_packed_whole_and_bounded(tmp_path, monkeypatch):
    path = tmp_path / "file"
    content = b"[" + b"1," * 400 + b"1]"
    packed = pack(content)
    for data in (content, packed, b"", b"\x1f"):
        path.write_bytes(data)
        assert file_flaw(path) == {""}
    assert kernel.read_file(path) == b"\x1f"
    path.write_bytes(packed)
    assert kernel.read_file(path) == read_bytes(path) == content
    for data in (packed[:-1], packed + b"0", packed + packed, packed[:-8] + b"\0" + packed[-7:],
                 packed[:4] + b"\1" + packed[5:], packed[:9] + b"\3" + packed[10:],
                 b"\x1f\x8b", packed[:14] + b"\xff" * 9 + packed[23:]):  # fmt: skip
        path.write_bytes(data)
        assert file_flaw(path) <= {"damaged", "truncated", "not packed"}, data
    monkeypatch.setattr(kernel, "MAX_FILE", len(content))
    path.write_bytes(content)
    assert file_flaw(path, len(content)) == {""}
    path.write_bytes(packed)
    assert file_flaw(path, len(content)) == {""}
    path.write_bytes(content + b" ")
    assert file_flaw(path, len(content)) == {"not a file", "too large"}
    path.write_bytes(pack(content + b" "))
    assert file_flaw(path, len(content)) == {"too large"}


def test_what_is_no_file_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path(os.devnull)):
        assert file_flaw(path) == {"not a file"}
    with pytest.raises(IsADirectoryError):
        kernel.read_file(tmp_path)

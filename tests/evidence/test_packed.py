"""Packed files: plain gzip of the same bytes every time, read within limits, written whole."""

import gzip
import os
import zlib

import pytest

from verifier.evidence.files import read_regular
from verifier.evidence.packed import pack, read_bytes, unpack
from verifier.question.errors import RefusedError, UserError

TEXT = b"evidence " * 1000
HEADER = bytes([31, 139, 8, 0, 0, 0, 0, 0, 0, 255])


def test_what_is_packed_is_gzip_without_name_and_time():
    data = pack(TEXT)
    assert gzip.decompress(data) == TEXT and unpack(data) == TEXT
    assert data[:10] == HEADER and pack(TEXT) == data
    assert data[-8:] == zlib.crc32(TEXT).to_bytes(4, "little") + len(TEXT).to_bytes(4, "little")
    assert len(data) < 100
    assert unpack(pack(b"")) == b""


@pytest.mark.parametrize(
    ("data", "flaw"),
    [
        (b"", "not packed"),
        (HEADER[:9], "not packed"),
        (b"\x1f\x8b\x08\x08" + pack(TEXT)[4:], "not packed"),
        (HEADER, "truncated"),
        (pack(TEXT)[:-9], "truncated"),
        (HEADER + b"\xff" * 20, "damaged"),
        (pack(TEXT)[:-8], "damaged"),
        (pack(TEXT)[:-1], "damaged"),
        (pack(TEXT) + b"\0", "damaged"),
        (pack(TEXT)[:-4] + (len(TEXT) + 1).to_bytes(4, "little"), "damaged"),
        (pack(TEXT)[:-8] + bytes(4) + pack(TEXT)[-4:], "damaged"),
    ],
)
def test_what_is_not_packed_is_refused(data, flaw, tmp_path):
    with pytest.raises(RefusedError) as caught:
        unpack(data)
    assert caught.value.flaw == flaw
    path = tmp_path / "file.gz"
    path.write_bytes(data)
    if data[:2] == b"\x1f\x8b":
        with pytest.raises(RefusedError, match=f"{path}: ") as caught:
            read_bytes(path)
        assert caught.value.flaw == flaw
    else:
        assert read_bytes(path) == data


def test_limits(tmp_path):
    path = tmp_path / "file"
    for content in (TEXT, pack(TEXT)):
        path.write_bytes(content)
        assert read_bytes(path, len(TEXT)) == TEXT
        with pytest.raises(RefusedError, match="too large"):
            read_bytes(path, len(TEXT) - 1)
    path.write_bytes(TEXT)
    assert read_regular(path, len(TEXT)) == TEXT
    with pytest.raises(RefusedError, match=f"{len(TEXT)} bytes, the limit is {len(TEXT) - 1}"):
        read_regular(path, len(TEXT) - 1)
    assert unpack(pack(TEXT), len(TEXT)) == TEXT
    with pytest.raises(RefusedError, match=f"more than {len(TEXT) - 1} bytes"):
        unpack(pack(TEXT), len(TEXT) - 1)


def test_a_file_that_is_longer_than_it_says(tmp_path, monkeypatch):
    """As a file that grows meanwhile; files of the system have the length 0."""
    path = tmp_path / "file"
    path.write_bytes(bytes(300_000))
    state = os.stat(path)
    shorter = os.stat_result((*state[:6], 100, *state[7:]))
    monkeypatch.setattr(os, "fstat", lambda handle: shorter)
    assert read_regular(path) == read_regular(path, 300_000) == bytes(300_000)
    for limit in (99, 100, 101, 299_999):
        with pytest.raises(RefusedError, match="too large"):
            read_regular(path, limit)


def test_what_cannot_be_read(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_regular(tmp_path / "none")
    with pytest.raises(IsADirectoryError):
        read_regular(tmp_path)
    for path in (tmp_path / "none", tmp_path):
        with pytest.raises(UserError, match=f"{path}: "):
            read_bytes(path)
    with pytest.raises(RefusedError, match="pipe or a device"):
        read_regular("/dev/null")

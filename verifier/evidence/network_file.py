"""The native network file: exact, deterministic bytes, versioned, never executed.

    robmem-network 1\\n            the magic line
    {"inputs": ..., ...}\\n        one line of JSON: inputs, layers, and the sections that follow
    section bytes                 in the order of the header
    sha256 of all bytes before    32 bytes

A section is an array of integers of one row set (`units` or `outputs`): `starts`, `indices`,
`numerators`, `constants`, `denominators`. Its kind is `i1`, `i2`, `i4`, `i8` (little endian, the
narrowest that holds all entries), or `big`: 4-byte little-endian lengths of all entries, then the
two's complement little-endian bytes of each, as few bytes w as give |entry| < 2^(8 w - 1).
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np

from verifier.evidence.files import read_regular, write_bytes
from verifier.evidence.strict_json import parse_json
from verifier.question.errors import UserError
from verifier.question.network import Integers, Network, Rows, integers

MAGIC = b"robmem-network "
VERSION = 1
MAX_HEADER = 1 << 26
_FIELDS = ("starts", "indices", "numerators", "constants", "denominators")
_KINDS = {"i1": 1, "i2": 2, "i4": 4, "i8": 8}


def save_network(network: Network, path: Path | str) -> None:
    """Writes `network` to `path`; the same network gives the same bytes. Never a partial file."""
    write_bytes(path, network_bytes(network))


def network_bytes(network: Network) -> bytes:
    """The content of the native file of `network`."""
    sections, parts = [], []
    for name, rows in (("units", network.units), ("outputs", network.outputs)):
        for field in _FIELDS:
            kind, data = _encode(getattr(rows, field))
            count = len(getattr(rows, field))
            sections.append(
                {"name": f"{name}.{field}", "kind": kind, "count": count, "bytes": len(data)}
            )
            parts.append(data)
    header = {"inputs": network.inputs, "layers": list(network.layers), "sections": sections}
    text = json.dumps(header, separators=(",", ":"), sort_keys=True).encode()
    content = b"".join([MAGIC, str(VERSION).encode(), b"\n", text, b"\n", *parts])
    return content + hashlib.sha256(content).digest()


def load_network(path: Path | str) -> Network:
    """The network that the native file at `path` holds.

    Raises UserError, naming the file, if it is missing, truncated, of another version, or if its
    hash differs from its content.
    """
    try:
        content = read_regular(path)
    except OSError as error:
        raise UserError(f"{path}: {error.strerror or error}") from None
    try:
        return parse_network(content)
    except UserError as error:
        raise UserError(f"{path}: {error}") from None


def parse_network(content: bytes) -> Network:
    """The network that these bytes of a native file hold; raises UserError as `load_network`."""
    header, layout, position = native_layout(content, len(content))
    if hashlib.sha256(content[:-32]).digest() != content[-32:]:
        raise UserError("network file altered: its hash differs from its content")
    arrays = []
    for kind, count, size in layout:
        arrays.append(_decode(content[position : position + size], kind, count))
        position += size
    rows = [_rows(arrays[:5]), _rows(arrays[5:])]
    layers = header["layers"]
    return Network(header["inputs"], tuple(layers), rows[0], rows[1])


def native_layout(
    content: bytes, length: int
) -> tuple[dict[str, Any], list[tuple[str, int, int]], int]:
    """The header of a native file of `length` bytes, kind, count and bytes of its ten sections, and
    where they begin; `content` is its beginning, MAX_HEADER + 64 bytes at least or all of it.

    Raises UserError unless the file is as long as its header says.
    """
    if not content.startswith(MAGIC):
        raise UserError("not a robmem network file (wrong first bytes)")
    line_end = content.find(b"\n", 0, 64)
    version = content[len(MAGIC) : line_end] if line_end > 0 else b"?"
    if version != str(VERSION).encode():
        raise UserError(f"network file version {version[:20]!r}, this program reads {VERSION}")
    if length < line_end + 34:
        raise UserError(f"network file truncated: {length} bytes")
    header_end = content.find(b"\n", line_end + 1, line_end + 1 + MAX_HEADER)
    if header_end < 0:
        raise UserError("network file truncated: its header has no end")
    header = parse_json(content[line_end + 1 : header_end])
    layout = _layout(header)
    expected = header_end + 1 + sum(size for _, _, size in layout) + 32
    if length != expected:
        raise UserError(
            f"network file truncated or too long: {length} bytes, header says {expected}"
        )
    return header, layout, header_end + 1


def _layout(header: Any) -> list[tuple[str, int, int]]:
    """Kind, count and bytes of the ten sections, from a header of exactly the known shape."""
    if not isinstance(header, dict) or set(header) != {"inputs", "layers", "sections"}:
        raise UserError("network file header: its fields are not inputs, layers, sections")
    sections, layers = header["sections"], header["layers"]
    names = [f"{rows}.{field}" for rows in ("units", "outputs") for field in _FIELDS]
    if (
        not _is_count(header["inputs"])
        or not isinstance(layers, list)
        or not all(map(_is_count, layers))
    ):
        raise UserError("network file header: inputs and layers must be counts")
    if not isinstance(sections, list) or len(sections) != len(names):
        raise UserError(f"network file header: not {len(names)} sections")
    layout = []
    for name, section in zip(names, sections, strict=True):
        if not isinstance(section, dict) or set(section) != {"name", "kind", "count", "bytes"}:
            raise UserError(f"network file header: section {name} is malformed")
        kind, count, size = section["kind"], section["count"], section["bytes"]
        if section["name"] != name or not _is_count(count) or not _is_count(size):
            raise UserError(f"network file header: section {name} is malformed")
        if type(kind) is not str or kind not in ("big", *_KINDS):
            raise UserError(f"network file header: section {name} has no known kind")
        if not (size >= 4 * count if kind == "big" else size == count * _KINDS[kind]):
            raise UserError(f"network file header: section {name} has a wrong size")
        layout.append((kind, count, size))
    return layout


def _is_count(value: Any) -> bool:
    return type(value) is int and 0 <= value < 2**40


def _rows(arrays: list[Integers]) -> Rows:
    starts, indices, numerators, constants, denominators = arrays
    if starts.dtype != np.int64 or indices.dtype != np.int64:
        raise UserError("network file: an index is beyond 64 bits")
    return Rows(
        starts.astype(np.int64), indices.astype(np.int64), numerators, constants, denominators
    )


def _encode(values: Integers) -> tuple[str, bytes]:
    if values.dtype == np.int64:
        low, high = (int(values.min()), int(values.max())) if len(values) else (0, 0)
        for kind, size in _KINDS.items():
            if -(2 ** (8 * size - 1)) <= low and high < 2 ** (8 * size - 1):
                return kind, values.astype(f"<{kind}").tobytes()
    entries = [int(v).to_bytes(int(v).bit_length() // 8 + 1, "little", signed=True) for v in values]
    lengths = np.array([len(entry) for entry in entries], dtype="<u4").tobytes()
    return "big", lengths + b"".join(entries)


def _decode(data: bytes, kind: str, count: int) -> Integers:
    if kind != "big":
        return integers(np.frombuffer(data, dtype=f"<{kind}").astype(np.int64))
    lengths = np.frombuffer(data[: 4 * count], dtype="<u4").astype(np.int64)
    ends = 4 * count + np.cumsum(lengths)
    if int(ends[-1]) != len(data) if count else len(data) != 0:
        raise UserError("network file: the lengths of a section do not add up")
    values = [
        int.from_bytes(data[end - length : end], "little", signed=True)
        for end, length in zip(ends.tolist(), lengths.tolist(), strict=True)
    ]
    return integers(values)

"""Compressed files with the same bytes on every run: gzip of a fixed level, without name or time.

Reading is bounded: what unpacks to more than a limit is refused before it fills the memory.
"""

from __future__ import annotations

import zlib
from pathlib import Path

from verifier.evidence.files import MAX_BYTES, read_regular
from verifier.question.errors import RefusedError, UserError

_LEVEL = 6
_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"


def pack(data: bytes) -> bytes:
    """`data` as one gzip member; the same data and zlib give the same bytes."""
    packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
    body = packer.compress(data) + packer.flush()
    tail = zlib.crc32(data).to_bytes(4, "little") + (len(data) % 2**32).to_bytes(4, "little")
    return _HEADER + body + tail


def unpack(data: bytes, limit: int = MAX_BYTES) -> bytes:
    """What `pack` was given. Raises RefusedError, naming the flaw, for anything else."""
    if data[: len(_HEADER)] != _HEADER:
        raise RefusedError("not packed", "the first bytes are not those of a packed file")
    unpacker = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        content = unpacker.decompress(data[len(_HEADER) :], limit + 1)
    except zlib.error as error:
        raise RefusedError("damaged", str(error)) from None
    if len(content) > limit:
        raise RefusedError("too large", f"it unpacks to more than {limit} bytes")
    if not unpacker.eof:
        raise RefusedError("truncated", f"{len(data)} bytes end within the packed data")
    tail = zlib.crc32(content).to_bytes(4, "little") + (len(content) % 2**32).to_bytes(4, "little")
    if unpacker.unused_data != tail:
        raise RefusedError("damaged", "the checksum at its end differs from its content")
    return content


def read_bytes(path: Path | str, limit: int = MAX_BYTES) -> bytes:
    """The bytes of the file at `path`, unpacked if they are packed.

    Raises UserError, naming the file, if it cannot be read, RefusedError if it is damaged.
    """
    try:
        data = read_regular(path, limit)
    except OSError as error:
        raise UserError(f"{path}: {error.strerror or error}") from None
    if not data.startswith(_HEADER[:2]):
        return data
    try:
        return unpack(data, limit)
    except RefusedError as error:
        raise RefusedError(error.flaw, f"{path}: {error.detail}") from None

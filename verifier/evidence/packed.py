"""Compressed files with the same bytes on every run: gzip of a fixed level, without name or time.

Reading is bounded: what unpacks to more than a limit is refused before it fills the memory.
"""

from __future__ import annotations

import errno
import os
import stat
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from verifier.question.errors import RefusedError, UserError

MAX_UNPACKED = 1 << 31
_LEVEL = 6
_PIECE = 1 << 16  # bytes
_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"


def pack(data: bytes) -> bytes:
    """`data` as one gzip member; the same data and zlib give the same bytes."""
    packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
    body = packer.compress(data) + packer.flush()
    tail = zlib.crc32(data).to_bytes(4, "little") + (len(data) % 2**32).to_bytes(4, "little")
    return _HEADER + body + tail


def unpack(data: bytes, limit: int = MAX_UNPACKED) -> bytes:
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


@contextmanager
def open_regular(path: Path | str) -> Iterator[BinaryIO]:
    """The file at `path`, to be read. Raises OSError if it cannot be opened, RefusedError if it is
    a pipe or a device, which might never end."""
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as stream:
        mode = os.fstat(stream.fileno()).st_mode
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        if not stat.S_ISREG(mode):
            raise RefusedError("not a file", f"{path} is a pipe or a device")
        yield stream


def read_regular(path: Path | str, limit: int = MAX_UNPACKED) -> bytes:
    """The bytes of the file at `path`. Raises as `open_regular`, and RefusedError if it is too
    large."""
    with open_regular(path) as stream:
        size = os.fstat(stream.fileno()).st_size
        # As much as it says to hold, for what is asked for is allocated; then what there is beyond.
        data = stream.read(size + 1) if size <= limit else b""
        while size < len(data) <= limit and (more := stream.read(_PIECE)):
            data += more
        if size > limit or len(data) > limit:
            raise RefusedError("too large", f"{path}: {size} bytes, the limit is {limit}")
        return data


def read_bytes(path: Path | str, limit: int = MAX_UNPACKED) -> bytes:
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


def write_bytes(path: Path | str, data: bytes, *, settle: bool = True) -> None:
    """Writes `data` to `path`, whole or not at all, and on the disk when this returns.

    Unless `settle`, the caller syncs the folder after the last of many files.

    Raises UserError, naming the file, if it cannot be written.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        try:
            with temporary.open("wb") as stream:
                stream.write(data)
                stream.flush()
                os.fsync(stream.fileno())
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)
        if settle:
            sync_folder(path.parent)
    except OSError as error:
        raise UserError(f"{path}: {error.strerror or error}") from None


def sync_folder(folder: Path) -> None:
    """The names in `folder` are on the disk when this returns."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

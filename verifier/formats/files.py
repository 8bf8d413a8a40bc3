"""Reading a file into bounded memory, and errors that name it."""

from __future__ import annotations

import codecs
import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from verifier.evidence.files import open_regular
from verifier.question.errors import RefusedError, UserError

MAX_BYTES = 1 << 30
_PIECE = 1 << 20


def read_bytes(path: Path | str, limit: int = MAX_BYTES) -> bytes:
    """The content of the file, unpacked if it is gzip.

    Raises UserError if it cannot be read, is damaged, or has more than `limit` bytes, unpacked.
    """
    path = Path(path)
    try:
        with open_regular(path) as file:
            content = _read(file, limit)
            if content.startswith(b"\x1f\x8b"):
                file.seek(0)
                content = _unpacked(path, file, limit)
    except RefusedError:
        raise UserError(f"{path}: not a regular file") from None
    except OSError as error:
        raise UserError(f"{path}: {error.strerror or error}") from None
    if len(content) > limit:
        raise UserError(f"{path}: more than {limit} bytes")
    return content


def _read(file: BinaryIO | gzip.GzipFile, limit: int) -> bytes:
    """What the file holds, or a little more than `limit` bytes of it. In pieces: what is asked for
    is allocated, also where there is less."""
    content = bytearray()
    while len(content) <= limit and (more := file.read(_PIECE)):
        content += more
    return bytes(content)


def _unpacked(path: Path, file: BinaryIO, limit: int) -> bytes:
    try:
        with gzip.open(file) as packed:
            return _read(packed, limit)
    except (OSError, EOFError, zlib.error) as error:
        raise UserError(f"{path}: damaged gzip: {error}") from None


def read_text(path: Path | str, limit: int = MAX_BYTES) -> str:
    """The content of a text file, unpacked if it is gzip; raises UserError."""
    content = read_bytes(path, limit)
    with naming(path):
        return decoded(content)


_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"),
          (codecs.BOM_UTF16_BE, "utf-16-be"))  # fmt: skip


def decoded(content: bytes) -> str:
    """The text that the bytes are, without a byte order mark: UTF-16 if it says so, else UTF-8.

    Raises UserError, naming the byte, for what is no such text.
    """
    mark, encoding = next(
        ((mark, name) for mark, name in _MARKS if content.startswith(mark)), (b"", "utf-8")
    )
    try:
        return content[len(mark) :].decode(encoding)
    except UnicodeDecodeError as error:
        raise UserError(
            f"not a text file: byte {error.start + len(mark)} is not {encoding.upper()}"
        ) from None


@contextmanager
def naming(place: Path | str) -> Iterator[None]:
    """Errors raised inside name `place` first, once."""
    try:
        yield
    except UserError as error:
        if type(error) is not UserError or str(error).startswith(f"{place}: "):
            raise
        raise UserError(f"{place}: {error}") from None


def shown(name: str, limit: int = 60) -> str:
    """`name` on one line, quoted and shortened."""
    return repr(name if len(name) <= limit else name[: limit - 3] + "...")

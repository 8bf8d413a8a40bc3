"""Files that are read in bounded pieces, and what a data set is called after its file."""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast
from unicodedata import combining, normalize

from verifier.evidence.files import open_regular
from verifier.question.errors import RefusedError, UserError

_ENDINGS = re.compile(r"\.(csv|tsv|txt|data|svm|libsvm|npz|npy)$")


def file_name(path: Path) -> str:
    """The name of the file without its endings, of characters safe in any file name; accents are
    left out."""
    stem = _ENDINGS.sub("", path.resolve().name.removesuffix(".gz"))
    stem = "".join(sign for sign in normalize("NFKD", stem) if not combining(sign))
    return re.sub(r"[^A-Za-z0-9._-]+", "-", stem).strip("-.") or "data"


@contextmanager
def unpacked(path: Path) -> Iterator[IO[bytes]]:
    """The bytes of the file, unpacked if it is called .gz; raises UserError if it is none."""
    try:
        with opened(path) as stream:
            if path.name.endswith(".gz"):
                with gzip.open(stream, "rb") as content:
                    yield cast(IO[bytes], content)
            else:
                yield stream
    except OSError as error:
        raise UserError(f"{path}: {error.strerror or error}") from error


@contextmanager
def opened(path: Path) -> Iterator[IO[bytes]]:
    """The bytes of the file; a pipe or a device is bad input, as a file that is missing."""
    try:
        with open_regular(path) as stream:
            yield stream
    except RefusedError as error:
        raise UserError(error.detail) from None
    except OSError as error:
        raise UserError(f"{path}: {error.strerror or error}") from error


def chunk(path: Path, stream: IO[bytes], size: int) -> bytes:
    """The next `size` bytes, fewer only at the end; memory grows with what is really there."""
    parts: list[bytes] = []
    missing = size
    try:
        while missing > 0 and (part := stream.read(min(missing, 2**20))):
            parts.append(part)
            missing -= len(part)
    except (OSError, EOFError, zlib.error) as error:
        raise UserError(f"{path}: damaged or unreadable: {error}") from error
    return b"".join(parts)

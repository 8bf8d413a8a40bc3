"""Files that are read in bounded pieces, and what a data set is called after its file."""

from __future__ import annotations

import gzip
import re
import zlib
from pathlib import Path
from typing import IO, cast

from verifier.question.errors import UserError


def file_name(path: Path) -> str:
    """The name of the file without its endings, of characters safe in any file name."""
    stem = re.sub(r"\.(gz|csv|npz)$", "", re.sub(r"\.gz$", "", path.resolve().name))
    return re.sub(r"[^A-Za-z0-9._-]+", "-", stem).strip("-.") or "data"


def unpacked(path: Path) -> IO[bytes]:
    try:
        if path.name.endswith(".gz"):
            return cast(IO[bytes], gzip.open(path, "rb"))
        return path.open("rb")
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

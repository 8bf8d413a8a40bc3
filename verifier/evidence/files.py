"""Files as the project reads and writes them: regular, in bounded memory, whole or not at all.

Reading refuses pipes and devices, which might never end. Writing goes to a temporary file beside
the target whose name nobody can foresee and which this process creates itself, so that no link is
written through; a link in the place of the target is replaced, not followed.
"""

from __future__ import annotations

import errno
import hashlib
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from verifier.question.errors import RefusedError, UserError

MAX_BYTES = 1 << 31  # of one file, where the caller knows no better bound
_PIECE = 1 << 16  # bytes


@contextmanager
def open_regular(path: Path | str) -> Iterator[BinaryIO]:
    """The file at `path`, to be read. Raises OSError if it cannot be opened, RefusedError if it is
    a pipe or a device, which might never end."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except ValueError as error:  # a NUL or half of a surrogate pair in the name
        raise OSError(errno.EINVAL, str(error), str(path)) from None
    with os.fdopen(handle, "rb") as stream:
        mode = os.fstat(stream.fileno()).st_mode
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        if not stat.S_ISREG(mode):
            raise RefusedError("not a file", f"{path} is a pipe or a device")
        yield stream


def read_regular(path: Path | str, limit: int = MAX_BYTES) -> bytes:
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


def file_digest(path: Path | str) -> str:
    """The SHA-256 of the bytes of the file. Raises UserError if they cannot be read."""
    state = hashlib.sha256()
    try:
        with open_regular(path) as stream:
            while block := stream.read(_PIECE << 4):
                state.update(block)
    except RefusedError as error:
        raise UserError(error.detail) from None
    except OSError as error:
        raise UserError(f"{path}: {error.strerror or error}") from None
    return state.hexdigest()


@contextmanager
def replacing(path: Path | str, *, settle: bool = True) -> Iterator[BinaryIO]:
    """A stream, to be written and read, whose content stands at `path` once the block has ended.

    It is then on the disk; if the block raises, `path` is as it was. Unless `settle`, the caller
    syncs the folder after the last of many files. Raises UserError, naming the file, if it cannot
    be written, or if `path` is a pipe or a device.
    """
    path = Path(path)
    temporary = path.with_name(f".{secrets.token_hex(16)}.tmp")
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        replaceable = _replaceable(path)
        handle = os.open(temporary, flags, 0o666) if replaceable else -1
    except (OSError, ValueError) as error:  # ValueError as above
        raise UserError(f"{path}: {getattr(error, 'strerror', None) or error}") from None
    if not replaceable:
        raise UserError(f"{path}: not a regular file, which alone is replaced")
    stream = os.fdopen(handle, "w+b")
    try:
        with stream, _naming(path):
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
            os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    if settle:
        with _naming(path):
            sync_folder(path.parent)


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """An error of the system is a UserError that names `path`."""
    try:
        yield
    except OSError as error:
        raise UserError(f"{path}: {error.strerror or error}") from None


def _replaceable(path: Path) -> bool:
    """Whether `path` is free, a file, or a link to one of these; a folder fails when replaced."""
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return True
    return stat.S_ISREG(mode) or stat.S_ISDIR(mode)


def write_bytes(path: Path | str, data: bytes, *, settle: bool = True) -> None:
    """`data` stands at `path`, whole or not at all; see `replacing`. Raises UserError."""
    with replacing(path, settle=settle) as stream:
        stream.write(data)


def make_folder(path: Path | str) -> Path:
    """The folder `path`, which exists when this returns and can be written to; raises UserError."""
    path = Path(path)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as error:  # ValueError as above
        raise UserError(f"{path}: {getattr(error, 'strerror', None) or error}") from None
    if not os.access(path, os.W_OK | os.X_OK, effective_ids=True):
        raise UserError(f"{path}: {os.strerror(errno.EACCES)}")
    return path


def write_within(folder: Path, name: str, data: bytes) -> None:
    """`data` stands at `folder`/`name`, whose own folders are made, below `folder` through no link.

    Raises UserError, naming the file, if it cannot be written, or if a link leads out of `folder`.
    """
    target = folder / name
    parent = make_folder(target.parent)
    if not parent.resolve().is_relative_to(folder.resolve()):
        raise UserError(f"{parent}: a link that leads out of {folder}")
    write_bytes(target, data, settle=False)


def sync_folder(folder: Path) -> None:
    """The names in `folder` are on the disk when this returns."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

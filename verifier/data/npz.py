"""Arrays `X` and `y` of an .npz file: a float is the dyadic fraction it is, nothing unpickled."""

from __future__ import annotations

import math
import zipfile
import zlib
from io import BytesIO
from pathlib import Path
from tokenize import TokenError
from typing import Any

import numpy as np
import numpy.typing as npt

from verifier.data.dataset import Dataset
from verifier.data.files import chunk, file_name
from verifier.data.labels import label_table
from verifier.data.storage import MAX_ENTRIES, as_stored, dyadics
from verifier.question.errors import UserError


def load_npz(path: Path) -> Dataset:
    points = _npz_array(path, "X")
    targets = _npz_array(path, "y")
    place = f"{path}: array X"
    if points.ndim < 2:
        raise UserError(f"{place}: shape {points.shape}, one row a sample is needed")
    if points.shape[0] == 0 or points.size == 0:
        raise UserError(f"{path}: no samples")
    shape = points.shape
    flat = points.reshape(shape[0], -1)
    if targets.ndim == 2 and targets.shape[1] == 1:
        targets = targets[:, 0]
    if targets.shape != shape[:1]:
        raise UserError(
            f"{path}: array y has shape {targets.shape}, array X has {shape[0]} samples"
        )
    label_names, indices = label_table(f"{path}: array y", _array_labels(path, targets))
    if flat.dtype.kind in "biu":
        wide = flat.astype(object if flat.dtype == np.uint64 else np.int64)
        numerators, denominator = as_stored(wide), 1
    else:
        numerators, denominator = dyadics(place, flat)
    return Dataset(
        file_name(path), numerators, denominator, indices, label_names,
        image_shape=(int(shape[1]), int(shape[2])) if len(shape) == 3 else None,
    )  # fmt: skip


def _npz_array(path: Path, name: str) -> npt.NDArray[Any]:
    """One array of an .npz file: numbers or strings, its size checked against its bytes."""
    place = f"{path}: array {name}"
    limit = 8 * MAX_ENTRIES
    try:
        with zipfile.ZipFile(path) as archive:
            members = [info for info in archive.infolist() if info.filename == f"{name}.npy"]
            if len(members) != 1:
                held = ", ".join(sorted(info.filename for info in archive.infolist())[:8])
                raise UserError(f"{path}: {len(members)} arrays called {name}; it holds: {held}")
            if members[0].file_size > limit:
                raise UserError(f"{place}: more than {limit} bytes")
            with archive.open(members[0]) as stream:
                content = chunk(path, stream, limit + 1)
    except OSError as error:
        raise UserError(f"{path}: {error.strerror or error}") from error
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        # RuntimeError is what zipfile raises for an encrypted member.
        raise UserError(f"{path}: not a readable .npz file: {error}") from error
    stream = BytesIO(content)
    try:
        version = np.lib.format.read_magic(stream)
        read_header = {
            (1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0,
        }[version]
        shape, fortran, dtype = read_header(stream)
    except KeyError as error:
        raise UserError(f"{place}: unknown .npy version {error}") from error
    except (ValueError, TypeError, SyntaxError, TokenError, RecursionError, MemoryError) as error:
        raise UserError(f"{place}: damaged header: {error}") from error
    if dtype.kind not in "biufUS" or dtype.itemsize == 0 or dtype in (np.longdouble,):
        raise UserError(f"{place}: entries of type {dtype}; integers, floats or strings are needed")
    body = content[stream.tell() :]
    entries = math.prod(shape)
    if min(shape, default=0) < 0 or entries * dtype.itemsize != len(body):
        raise UserError(
            f"{place}: {len(body)} bytes, shape {shape} of {dtype} needs {entries * dtype.itemsize}"
        )
    if entries > MAX_ENTRIES:
        raise UserError(f"{place}: {entries} entries, more than {MAX_ENTRIES}")
    array = np.frombuffer(body, dtype=dtype)
    return array.reshape(shape, order="F" if fortran else "C")


def _array_labels(path: Path, targets: npt.NDArray[Any]) -> list[str]:
    if targets.dtype.kind == "f":
        for index in np.flatnonzero(~np.isfinite(targets) | (targets != np.floor(targets))):
            raise UserError(f"{path}: array y: entry {index}, {targets[index]}, is not an integer")
        return [str(int(target)) for target in targets]
    if targets.dtype.kind == "S":
        return [bytes(target).decode("latin-1").strip() for target in targets]
    if targets.dtype.kind == "b":
        return [str(int(target)) for target in targets]
    return [str(target).strip() for target in targets]

"""Arrays of .npz and .npy files: a float is the dyadic fraction it is, and nothing is unpickled."""

from __future__ import annotations

import math
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from tokenize import TokenError
from typing import Any

import numpy as np
import numpy.typing as npt

from verifier.data.dataset import Dataset
from verifier.data.decimals import shown
from verifier.data.files import chunk, file_name, opened, unpacked
from verifier.data.labels import label_table
from verifier.data.layout import Layout
from verifier.data.storage import MAX_ENTRIES, as_stored, dyadics
from verifier.question.errors import UserError

PAIRS = {
    None: (("X", "y"), ("x", "y")),
    "train": (("x_train", "y_train"), ("X_train", "y_train")),
    "test": (("x_test", "y_test"), ("X_test", "y_test")),
}
"""Names of inputs and labels in an .npz file, for its whole and for its parts."""


def load_npz(path: Path, part: str | None) -> Dataset:
    """The arrays X and y, or x and y, or of a part x_train and y_train, x_test and y_test.

    Without a part, the training part of a file that has parts alone.

    Raises:
        UserError: If they are not there, there twice, or do not fit together.
    """
    held = _held(path)
    pairs = [pair for pair in PAIRS[part] if set(pair) <= held]
    if not pairs and part is None:
        pairs = [pair for pair in PAIRS["train"] if set(pair) <= held]
    if len(pairs) != 1:
        wanted = " nor ".join(f"{x} and {y}" for x, y in PAIRS[part])
        listed = ", ".join(sorted(held)[:8])
        which = "neither" if not pairs else "not one alone of"
        raise UserError(f"{path}: {which} {wanted}; it holds: {listed}")
    inputs, labels = (_npz_array(path, name) for name in pairs[0])
    places = [f"{path}: array {name}" for name in pairs[0]]
    name = file_name(path) if part is None else f"{file_name(path)}-{part}"
    return labelled_arrays(name, inputs, labels, places[0], places[1])


def load_npy_pair(points: Path, labels: Path) -> Dataset:
    """The samples of one .npy file with the labels of another; raises UserError."""
    inputs, targets = _npy(points), _npy(labels)
    return labelled_arrays(file_name(points), inputs, targets, str(points), str(labels))


def load_npy(path: Path, layout: Layout) -> Dataset:
    """The rows of one .npy file, their label in the last column, or in the first if so said.

    Raises:
        UserError: If it is no table of numbers, or of a label that is no integer.
    """
    replace(layout, label_column=None).refuse_for(f"arrays; {path} has columns without names")
    column = layout.label_column or "last"
    if column not in ("first", "last"):
        raise UserError(
            f"--label-column {column}: of {path} the first or the last column; labels of their "
            "own are given as POINTS.npy:LABELS.npy"
        )
    rows = _npy(path)
    if rows.ndim != 2 or rows.shape[1] < 2 or rows.dtype.kind in "US":
        raise UserError(
            f"{path}: shape {rows.shape} of {rows.dtype}; rows of inputs and a label are needed, "
            "or POINTS.npy:LABELS.npy"
        )
    at = 0 if column == "first" else rows.shape[1] - 1
    return labelled_arrays(
        file_name(path), np.delete(rows, at, axis=1), rows[:, at], str(path),
        f"{path}: column {at + 1}",
    )  # fmt: skip


def labelled_arrays(
    name: str, points: npt.NDArray[Any], targets: npt.NDArray[Any], place: str, label_place: str
) -> Dataset:
    """The samples points[i], a row or an image each, with the labels targets[i], exactly.

    Raises UserError, naming the place, for what is no array of numbers or does not fit together.
    """
    if points.dtype.kind in "US":
        raise UserError(f"{place}: entries of type {points.dtype}; numbers are needed")
    if points.ndim < 2:
        raise UserError(f"{place}: shape {points.shape}, one row a sample is needed")
    if points.size == 0:
        raise UserError(f"{place}: no samples")
    shape = points.shape
    flat = points.reshape(shape[0], -1)
    if targets.ndim == 2 and targets.shape[1] == 1:
        targets = targets[:, 0]
    elif targets.ndim == 2 and targets.shape[0] == shape[0]:
        targets = _hot(label_place, targets)
    if targets.shape != shape[:1]:
        raise UserError(
            f"{label_place} has shape {targets.shape}, {place.rpartition(': ')[2]} has "
            f"{shape[0]} samples"
        )
    label_names, indices = label_table(label_place, _array_labels(label_place, targets))
    if flat.dtype.kind in "biu":
        beyond = flat.dtype.kind == "u" and flat.dtype.itemsize == 8  # in either order of bytes
        wide = flat.astype(object if beyond else np.int64)
        numerators, denominator = as_stored(wide), 1
    else:
        numerators, denominator = dyadics(place, flat)
    return Dataset(
        name, numerators, denominator, indices, label_names,
        image_shape=(int(shape[1]), int(shape[2])) if len(shape) == 3 else None,
    )  # fmt: skip


def _hot(place: str, rows: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """The place of the one in every row of zeros and a one; raises UserError for another row."""
    if rows.dtype.kind in "US":
        raise UserError(f"{place}: shape {rows.shape}, one label a sample is needed")
    hot = ((rows == 0) | (rows == 1)).all(axis=1) & ((rows == 1).sum(axis=1) == 1)
    for row in np.flatnonzero(~hot):
        raise UserError(f"{place}: row {row} of shape {rows.shape} is not zeros and a single one")
    places: npt.NDArray[np.int64] = np.argmax(rows, axis=1).astype(np.int64)
    return places


def _held(path: Path) -> set[str]:
    with _reading(path), opened(path) as stream, zipfile.ZipFile(stream) as archive:
        names = [info.filename for info in archive.infolist()]
    for name in names:
        if names.count(name) > 1:
            raise UserError(f"{path}: {names.count(name)} arrays called {shown(name)}")
    return {name.removesuffix(".npy") for name in names}


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """What goes wrong inside is an error of an .npz file."""
    try:
        yield
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        # RuntimeError is what zipfile raises for an encrypted member.
        raise UserError(f"{path}: not a readable .npz file: {error}") from error


def _npz_array(path: Path, name: str) -> npt.NDArray[Any]:
    """One array of an .npz file: numbers or strings, its size checked against its bytes."""
    place = f"{path}: array {name}"
    limit = 8 * MAX_ENTRIES
    with _reading(path), opened(path) as stream, zipfile.ZipFile(stream) as archive:
        member = archive.getinfo(f"{name}.npy")
        if member.file_size > limit:
            raise UserError(f"{place}: more than {limit} bytes")
        with archive.open(member) as content:
            return _array(place, chunk(path, content, limit + 1))


def _npy(path: Path) -> npt.NDArray[Any]:
    limit = 8 * MAX_ENTRIES
    with unpacked(path) as stream:
        content = chunk(path, stream, limit + 1)
    if len(content) > limit:
        raise UserError(f"{path}: more than {limit} bytes")
    return _array(str(path), content)


def _array(place: str, content: bytes) -> npt.NDArray[Any]:
    """The array that the bytes of an .npy file are."""
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
    if dtype.kind not in "biufUS" or dtype.itemsize == 0 or _is_long(dtype):
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


def _is_long(dtype: np.dtype[Any]) -> bool:
    """Whether it is a float of more than 64 bits, in either order of bytes."""
    return dtype.kind == "f" and dtype.itemsize > 8


def _array_labels(place: str, targets: npt.NDArray[Any]) -> list[str]:
    if targets.dtype.kind == "f":
        for index in np.flatnonzero(~np.isfinite(targets) | (targets != np.floor(targets))):
            raise UserError(f"{place}: entry {index}, {targets[index]}, is not an integer")
        return [str(int(target)) for target in targets]
    if targets.dtype.kind == "S":
        return [bytes(target).decode("latin-1").strip() for target in targets]
    if targets.dtype.kind == "b":
        return [str(int(target)) for target in targets]
    return [str(target).strip() for target in targets]

"""Images in the idx format of MNIST: bytes are integers."""

from __future__ import annotations

import math
import struct
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from verifier.data.dataset import Dataset
from verifier.data.files import chunk, file_name, unpacked
from verifier.data.storage import MAX_ENTRIES
from verifier.question.errors import UserError

PARTS = ("train", "test")
_IMAGES = {
    "train": (
        "train-images-idx3-ubyte",
        "train-images.idx3-ubyte",
        "qmnist-train-images-idx3-ubyte",
    ),
    "test": ("t10k-images-idx3-ubyte", "t10k-images.idx3-ubyte", "qmnist-test-images-idx3-ubyte"),
}
_KINDS = {8: ">u1", 9: ">i1", 11: ">i2", 12: ">i4"}  # the numbers of the format
_QMNIST_COLUMNS = 8  # of its labels, the first of which is the class


def load_mnist(folder: Path, part: str) -> Dataset:
    """The training or test images of a folder that holds the files of MNIST or QMNIST.

    Raises UserError as `mnist_files`.
    """
    images, labels = mnist_files(folder, part)
    return load_idx(images, labels, f"{file_name(folder)}-{part}")


def mnist_files(folder: Path, part: str) -> tuple[Path, Path]:
    """The images and the labels of the part, "train" or "test".

    They may be compressed, and may lie in the folder itself, in raw/ or in one */raw/ below it.

    Raises:
        UserError: If they are missing, or there several times.
    """
    places = [folder, folder / "raw", *sorted(folder.glob("*/raw"))]
    found = [path for place in places for name in _IMAGES[part] for path in _packed(place / name)]
    if not found:
        names = ", ".join(_IMAGES[part])
        raise UserError(f"{folder}: no {part} images: none of {names}, nor below raw or */raw")
    for other in found[1:]:
        if other.name.removesuffix(".gz") != found[0].name or other.parent != found[0].parent:
            raise UserError(f"{folder}: holds {found[0]} and {other}; name the folder of one")
    name = found[0].name.removesuffix(".gz")
    label_name = name.replace("images", "labels").replace("idx3-ubyte", "idx1-ubyte")
    if name.startswith("qmnist"):
        label_name = name.replace("images-idx3-ubyte", "labels-idx2-int")
    labels = _packed(found[0].parent / label_name)
    if not labels:
        raise UserError(f"{found[0].parent}: no {part} labels: no {label_name}")
    return found[0], labels[0]


def _packed(path: Path) -> list[Path]:
    """The file, the same with .gz behind its name, or both, as far as they are there."""
    both = (path, path.with_name(path.name + ".gz"))
    return [one for one in both if one.is_file()]


def load_idx(images: Path, labels: Path, name: str) -> Dataset:
    """The images (or rows) of one file with the labels of another; raises UserError."""
    pixels = _idx_array(images)
    marks = _idx_array(labels)
    if pixels.ndim < 2:
        raise UserError(f"{images}: {pixels.ndim} dimension, images or rows are needed")
    if marks.ndim == 2 and marks.shape[1] == _QMNIST_COLUMNS:
        marks = marks[:, 0]
    if marks.shape != pixels.shape[:1]:
        raise UserError(
            f"{labels}: labels of shape {marks.shape}, {images} has {pixels.shape[0]} samples"
        )
    if pixels.size == 0:
        raise UserError(f"{images}: no samples")
    present, indices = np.unique(marks, return_inverse=True)
    shape = pixels.shape
    return Dataset(
        name, pixels.reshape(shape[0], -1).astype(np.int64), 1, indices.astype(np.int64),
        tuple(str(label) for label in present),
        pixel_range=(Fraction(0), Fraction(255)) if pixels.dtype == np.uint8 else None,
        image_shape=(shape[1], shape[2]) if len(shape) == 3 else None,
    )  # fmt: skip


def _idx_array(path: Path) -> npt.NDArray[Any]:
    """The integers of an idx file, of the shape its header says."""
    with unpacked(path) as stream:
        magic = chunk(path, stream, 4)
        if len(magic) < 4 or magic[:2] != b"\0\0":
            raise UserError(f"{path}: not an idx file: it begins with 0x{magic.hex()}")
        if magic[2] not in _KINDS:
            raise UserError(
                f"{path}: idx type 0x{magic[2]:02x}; integers (0x08 to 0x0c) are needed"
            )
        kind = np.dtype(_KINDS[magic[2]])
        if not 1 <= magic[3] <= 4:
            raise UserError(f"{path}: {magic[3]} dimensions, 1 to 4 are read")
        header = chunk(path, stream, 4 * magic[3])
        if len(header) < 4 * magic[3]:
            raise UserError(f"{path}: ends within its header")
        shape = struct.unpack(f">{magic[3]}I", header)
        entries = math.prod(shape)
        if entries > MAX_ENTRIES:
            raise UserError(f"{path}: {entries} entries, more than {MAX_ENTRIES}")
        body = chunk(path, stream, entries * kind.itemsize + 1)
    needed = entries * kind.itemsize
    if len(body) != needed:
        found = "more" if len(body) > needed else str(len(body))
        raise UserError(f"{path}: shape {shape} needs {needed} bytes, there are {found}")
    return np.frombuffer(body, dtype=kind).reshape(shape)

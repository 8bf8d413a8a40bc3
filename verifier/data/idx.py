"""Images in the idx format of MNIST: bytes are integers."""

from __future__ import annotations

import math
import struct
from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt

from verifier.data.dataset import Dataset
from verifier.data.files import chunk, file_name, unpacked
from verifier.data.storage import MAX_ENTRIES
from verifier.question.errors import UserError

MNIST_PARTS = {"train": "train", "test": "t10k"}


def load_mnist(folder: Path, part: str) -> Dataset:
    """The training or test images of a folder that holds MNIST's four files, compressed or not."""
    prefix = MNIST_PARTS[part]

    def find(kind: str, dimensions: int) -> Path:
        names = [
            f"{prefix}-{kind}{dash}idx{dimensions}-ubyte{end}"
            for end in ("", ".gz")
            for dash in "-."
        ]
        for name in names:
            if (folder / name).is_file():
                return folder / name
        raise UserError(f"{folder}: no {part} {kind}: none of {', '.join(names)}")

    return load_idx(find("images", 3), find("labels", 1), f"{file_name(folder)}-{part}")


def load_idx(images: Path, labels: Path, name: str) -> Dataset:
    pixels = _idx_array(images)
    marks = _idx_array(labels)
    if pixels.ndim < 2:
        raise UserError(f"{images}: {pixels.ndim} dimension, images or rows are needed")
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
        pixel_range=(Fraction(0), Fraction(255)),
        image_shape=(shape[1], shape[2]) if len(shape) == 3 else None,
    )  # fmt: skip


def _idx_array(path: Path) -> npt.NDArray[np.uint8]:
    """The unsigned bytes of an idx file, of the shape its header says."""
    with unpacked(path) as stream:
        magic = chunk(path, stream, 4)
        if len(magic) < 4 or magic[:2] != b"\0\0":
            raise UserError(f"{path}: not an idx file: it begins with 0x{magic.hex()}")
        if magic[2] != 8:
            raise UserError(f"{path}: idx type 0x{magic[2]:02x}; unsigned bytes (0x08) are needed")
        if not 1 <= magic[3] <= 4:
            raise UserError(f"{path}: {magic[3]} dimensions, 1 to 4 are read")
        header = chunk(path, stream, 4 * magic[3])
        if len(header) < 4 * magic[3]:
            raise UserError(f"{path}: ends within its header")
        shape = struct.unpack(f">{magic[3]}I", header)
        entries = math.prod(shape)
        if entries > MAX_ENTRIES:
            raise UserError(f"{path}: {entries} entries, more than {MAX_ENTRIES}")
        body = chunk(path, stream, entries + 1)
    if len(body) != entries:
        found = "more" if len(body) > entries else str(len(body))
        raise UserError(f"{path}: shape {shape} needs {entries} bytes, there are {found}")
    return np.frombuffer(body, dtype=np.uint8).reshape(shape)

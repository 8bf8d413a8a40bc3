"""Chains as numpy archives: W0, b0, W1, b1, ..., W of shape (out, in), ReLU between layers.

A float is the dyadic rational that it is, an integer that integer. Nothing is unpickled.
"""

from __future__ import annotations

import io
import lzma
import re
import struct
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from verifier.formats.affine_rows import check_entries, weighted
from verifier.formats.files import naming, read_bytes, shown
from verifier.formats.tensors import MAX_ELEMENTS
from verifier.question.build import concatenate_rows
from verifier.question.errors import UserError
from verifier.question.network import Network

# Whatever zipfile and its decompressors raise on damaged input.
_DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    OSError,
    ValueError,
    IndexError,
    OverflowError,
    RuntimeError,  # NotImplementedError is one
)
_DATA = re.compile(r"[XxYy](_train|_test)?\Z")  # arrays of a data set
_NAME = re.compile(r"([Wb])(0|[1-9][0-9]{0,5})\.npy\Z")


def load_npz(path: Path | str) -> Network:
    """The chain that the archive at `path` holds. Raises UserError, naming the array."""
    content = read_bytes(path)
    with naming(path):
        return parse_npz(content)


def parse_npz(content: bytes) -> Network:
    """The chain that the bytes of a .npz archive hold. Raises UserError, naming the array."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = archive.infolist()
            for entry in entries:
                if not _NAME.match(entry.filename):
                    name = entry.filename.removesuffix(".npy")
                    what = "; that is data, no network" if _DATA.match(name) else ""
                    raise UserError(f"array {shown(name)} is not W0, b0, W1, b1, ...{what}")
            arrays = {entry.filename[:-4]: _array(archive, entry) for entry in entries}
            if len(arrays) != len(entries):
                raise UserError("an array occurs twice")
    except UserError:
        raise
    except _DAMAGED as error:
        raise UserError(f"damaged archive: {' '.join(str(error).split())[:200]}") from None
    layers = (len(arrays) + 1) // 2
    for k in range(layers):
        for letter in "Wb":
            if f"{letter}{k}" not in arrays:
                raise UserError(f"array {letter}{k} is missing among {len(arrays)} arrays")
    if not layers:
        raise UserError("no arrays, not W0, b0, W1, b1, ...")
    return chain([arrays[f"W{k}"] for k in range(layers)], [arrays[f"b{k}"] for k in range(layers)])


def chain(weights: list[NDArray[Any]], biases: list[NDArray[Any]]) -> Network:
    """The chain of these layers, weights[l] of shape (out, in); floats and integers, exactly.

    Raises UserError, naming the layer, for shapes that do not fit, NaN and infinity.
    """
    if not weights or len(weights) != len(biases):
        raise UserError(f"{len(weights)} weight matrices, {len(biases)} bias vectors")
    offset, blocks, previous = 0, [], None
    for k, (matrix, bias) in enumerate(zip(weights, biases, strict=True)):
        if matrix.ndim != 2 or bias.shape != matrix.shape[:1] or not matrix.size:
            turned = matrix.ndim == 2 and bias.shape == matrix.shape[1:]
            raise UserError(
                f"layer {k}: weights {matrix.shape}, bias {bias.shape}; weights have shape "
                f"(outputs, inputs){': transposed?' if turned else ''}"
            )
        if previous is not None and matrix.shape[1] != previous:
            raise UserError(
                f"layer {k}: weights {matrix.shape}, the layer before has {previous} units"
            )
        previous, width = matrix.shape
        check_entries(matrix.size)
        columns = np.tile(np.arange(offset, offset + width, dtype=np.int64), previous)
        starts = np.arange(previous + 1, dtype=np.int64) * width
        with naming(f"layer {k}"):
            blocks.append(weighted(starts, columns, _exact(matrix).reshape(-1), _exact(bias)))
        offset += width
    sizes = tuple(matrix.shape[0] for matrix in weights[:-1])
    return Network(weights[0].shape[1], sizes, concatenate_rows(blocks[:-1]), blocks[-1])


def _exact(array: NDArray[Any]) -> NDArray[Any]:
    if array.dtype.kind == "f" and array.dtype.itemsize <= 8:
        return array.astype(np.float64)
    if array.dtype.kind in "iu":
        packed = np.empty(array.shape, dtype=object)
        packed[...] = array.astype(object)
        return packed
    raise UserError(f"type {array.dtype} is neither float16, float32, float64 nor an integer")


def _array(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> NDArray[Any]:
    name = entry.filename[:-4]
    with archive.open(entry) as file:
        try:
            version = np.lib.format.read_magic(file)
            if version == (1, 0):
                header = np.lib.format.read_array_header_1_0(file)
            elif version == (2, 0):
                header = np.lib.format.read_array_header_2_0(file)
            else:
                raise UserError(f"array {name}: version {version} of the format is not supported")
        except (ValueError, OSError) as error:
            if isinstance(error, UserError):
                raise
            raise UserError(f"array {name}: its header is damaged") from None
        shape, transposed, kind = header
        count = 1
        for extent in shape:
            count *= extent
        if kind.hasobject or kind.kind not in "fiu" or kind.itemsize > 8:
            raise UserError(f"array {name}: type {kind} is not a float or an integer")
        if count > MAX_ELEMENTS or min(shape, default=1) < 0:
            raise UserError(f"array {name}: shape {shape}; the limit is {MAX_ELEMENTS} entries")
        data = file.read(count * kind.itemsize + 1)
    if len(data) != count * kind.itemsize:
        raise UserError(f"array {name}: shape {shape} and {len(data)} bytes do not fit")
    flat = np.frombuffer(data, dtype=kind)
    return flat.reshape(shape, order="F" if transposed else "C")

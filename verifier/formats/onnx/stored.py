"""Tensors as ONNX files store them, in the file or beside it."""

from __future__ import annotations

import re
from math import prod
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper

from verifier.evidence.files import open_regular
from verifier.formats.files import shown
from verifier.formats.onnx.constants import BOOL, FLOATS, INTEGERS, Constant, kind_name, storage
from verifier.formats.tensors import MAX_ELEMENTS
from verifier.question.errors import RefusedError, UserError

# Bits of an element, where it lies if not in raw_data, and how many elements an entry there holds.
_STORED: dict[int, tuple[int, str, int]] = {
    1: (32, "float_data", 1),
    11: (64, "double_data", 1),
    10: (16, "int32_data", 1),
    16: (16, "int32_data", 1),
    17: (8, "int32_data", 1),
    18: (8, "int32_data", 1),
    19: (8, "int32_data", 1),
    20: (8, "int32_data", 1),
    23: (4, "int32_data", 2),
    2: (8, "int32_data", 1),
    3: (8, "int32_data", 1),
    4: (16, "int32_data", 1),
    5: (16, "int32_data", 1),
    6: (32, "int32_data", 1),
    7: (64, "int64_data", 1),
    9: (8, "int32_data", 1),
    12: (32, "uint64_data", 1),
    13: (64, "uint64_data", 1),
    21: (4, "int32_data", 2),
    22: (4, "int32_data", 2),
    25: (2, "int32_data", 4),
    26: (2, "int32_data", 4),
}
_PLACE = re.compile(r"[0-9]{1,18}")  # what files are addressed by has 63 bits


def read_tensor(tensor: onnx.TensorProto, folder: Path | None) -> Constant:
    """The entries of a stored tensor, exactly.

    Raises UserError for strings, complex numbers and segments, for more than MAX_ELEMENTS entries,
    for data that do not fit the shape, and for external data that are missing or outside `folder`.
    """
    shape = [int(extent) for extent in tensor.dims]
    count = prod(shape)
    if min(shape, default=1) < 0 or max(shape, default=1) > MAX_ELEMENTS or count > MAX_ELEMENTS:
        raise UserError(f"shape {shape[:8]}; the limit is {MAX_ELEMENTS} elements")
    if tensor.HasField("segment"):
        raise UserError("it is one of several segments of a tensor, which are not supported")
    kind = int(tensor.data_type)
    if kind not in _STORED:
        raise UserError(f"data of type {kind_name(kind)} are not supported")
    width, field, packed = _STORED[kind]
    size = -(-count * width // 8)
    if tensor.data_location == onnx.TensorProto.EXTERNAL:
        tensor = onnx.TensorProto(
            dims=tensor.dims,
            data_type=tensor.data_type,
            raw_data=_external(tensor, size, folder),
        )
    raw = tensor.HasField("raw_data")
    stored = len(tensor.raw_data) if raw else len(getattr(tensor, field))
    wanted = size if raw else -(-count // packed)
    if stored != wanted:
        held = stored * 8 / width if raw else stored * packed
        raise UserError(f"shape {shape} asks for {count} entries, the file holds {held:g}")
    array = numpy_helper.to_array(tensor)
    if kind in FLOATS:
        with np.errstate(invalid="ignore"):  # a signalling NaN is a NaN, which users refuse
            return Constant(kind, array.astype(np.float64))
    if kind == BOOL:
        return Constant(kind, array.astype(bool))
    if kind not in INTEGERS:
        raise UserError(f"data of type {kind_name(kind)} are not supported")
    return Constant(kind, array.astype(storage(kind)))


def location(tensor: onnx.TensorProto) -> str:
    """The file beside the model in which the tensor lies, "" where it lies in the model."""
    if tensor.data_location != onnx.TensorProto.EXTERNAL:
        return ""
    facts: dict[str, str] = {entry.key: entry.value for entry in tensor.external_data}
    return facts.get("location", "")


def _external(tensor: onnx.TensorProto, size: int, folder: Path | None) -> bytes:
    facts = {entry.key: entry.value for entry in tensor.external_data}
    place = location(tensor)
    if folder is None or not place or "\0" in place:
        raise UserError("its data lie in another file, which is not named")
    base = folder.resolve()
    target = (base / place).resolve()
    if Path(place).is_absolute() or not target.is_relative_to(base):
        raise UserError(f"its data lie in {shown(place)}, outside the folder of the file")
    for name in ("offset", "length"):
        if not _PLACE.fullmatch(facts.get(name, "0")):
            raise UserError(f"the {name} of its external data is not a number below 10^18")
    offset, length = int(facts.get("offset", "0")), int(facts.get("length", str(size)))
    if length != size:
        raise UserError(f"its external data have {length} bytes, its shape asks for {size}")
    try:
        with open_regular(target) as file:
            file.seek(offset)
            content: bytes = file.read(size)
    except (OSError, OverflowError, RefusedError) as error:
        raise UserError(f"external data {shown(place)}: {error}") from None
    if len(content) != size:
        raise UserError(f"external data {shown(place)}: {len(content)} of {size} bytes")
    return content

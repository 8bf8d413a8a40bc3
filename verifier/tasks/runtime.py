"""What onnxruntime, if it is installed, computes of an ONNX file at a point."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import prod
from pathlib import Path

import numpy as np

from verifier.formats.files import read_bytes
from verifier.formats.loaded import Port

_TYPES = {"float": "float32", "double": "float64", "float16": "float16"}


def runtime_values(
    path: Path | str, inputs: Sequence[Port], outputs: Sequence[str], point: Sequence[Fraction]
) -> list[float] | None:
    """The entries of these outputs at the inputs nearest to the point, one output after another.

    None without onnxruntime, and where it does not run the file.
    """
    try:
        import onnxruntime as runtime
    except ImportError:
        return None
    runtime.set_default_logger_severity(4)
    feed, first = {}, 0
    for port in inputs:
        if port.kind not in _TYPES:
            return None
        count = prod(port.shape)
        entries = [float(x) for x in point[first : first + count]]
        feed[port.name] = np.array(entries).astype(_TYPES[port.kind]).reshape(port.shape)
        first += count
    path = Path(path)
    source = read_bytes(path) if path.suffix == ".gz" else str(path)
    try:
        session = runtime.InferenceSession(source, providers=["CPUExecutionProvider"])
        results = session.run(list(outputs), feed)
    except Exception:  # noqa: BLE001 - its exceptions have no common class of their own
        return None
    values: list[float] = []
    for result in results:
        if not isinstance(result, np.ndarray) or result.dtype.kind != "f":
            return None
        values += [float(value) for value in result.reshape(-1)]
    return values

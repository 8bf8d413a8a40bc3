"""Networks as files that other tools read: ONNX and .npz."""

from __future__ import annotations

import io
import zipfile

import numpy as np

from verifier.formats.floats import FloatKind, Floats, Rounding, float_network
from verifier.question.errors import UserError
from verifier.question.network import Network, Rows

MAX_DENSE = 1 << 28
"""Most entries of the dense matrices of a file; ONNX files end at 2 GiB."""


def onnx_bytes(
    network: Network, kind: FloatKind | None = None, *, rounded: bool = False
) -> tuple[bytes, Rounding]:
    """An ONNX file of `network`: input `x` of shape (batch, inputs), output `y`.

    Every layer is Gemm and Relu; a layer that reads several earlier ones reads their Concat. The
    weights are float32 if all of them fit exactly, else float64; with `rounded` they may be
    rounded. Read back it is the same function exactly, if nothing was rounded. The same network
    gives the same bytes.
    """
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    floats = float_network(network, kind, rounded=rounded)
    element = TensorProto.FLOAT if floats.rounding.kind == "float32" else TensorProto.DOUBLE
    blocks = _blocks(network)
    nodes, initializers = [], []
    names = {0: "x"}
    for number, (first, last) in enumerate([*network.layer_ranges(), (-1, -1)], 1):
        is_output = first < 0
        rows = network.outputs if is_output else network.units
        values, constants = floats.outputs if is_output else floats.units
        begin, end = (0, rows.count) if is_output else (first, last)
        if begin == end:
            continue  # a layer without units
        read = _blocks_read(rows, begin, end, blocks) or [0]
        source = names[read[0]]
        if len(read) > 1:
            source = f"read{number}"
            nodes.append(helper.make_node("Concat", [names[b] for b in read], [source], axis=1))
        matrix = _dense(rows, values, begin, end, [blocks[b] for b in read])
        label = "y" if is_output else f"a{number}"
        initializers.append(numpy_helper.from_array(matrix, f"W{number}"))
        initializers.append(numpy_helper.from_array(constants[begin:end].copy(), f"b{number}"))
        nodes.append(
            helper.make_node("Gemm", [source, f"W{number}", f"b{number}"], [label], transB=1)
        )
        if not is_output:
            names[number] = f"z{number}"
            nodes.append(helper.make_node("Relu", [label], [names[number]]))
    graph = helper.make_graph(
        nodes,
        "network",
        [helper.make_tensor_value_info("x", element, ["batch", network.inputs])],
        [helper.make_tensor_value_info("y", element, ["batch", network.outputs.count])],
        initializers,
    )
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=7, producer_name="robmem"
    )
    if model.ByteSize() >= 2**31 - 1:
        raise UserError("the ONNX file would have 2 GiB or more")
    onnx.checker.check_model(model)
    return model.SerializeToString(deterministic=True), floats.rounding


def npz_bytes(
    network: Network, kind: FloatKind | None = None, *, rounded: bool = False
) -> tuple[bytes, Rounding]:
    """A .npz file of a chain: W0, b0, W1, b1, ..., W of shape (out, in).

    Floats as in `onnx_bytes`. Raises UserError for a network that is not a chain.
    """
    if not network.is_chain or 0 in network.layers:
        raise UserError("not a chain of layers: .npz holds chains only, ONNX any network")
    floats = float_network(network, kind, rounded=rounded)
    blocks = _blocks(network)
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, (first, last) in enumerate([*network.layer_ranges(), (-1, -1)]):
            is_output = first < 0
            rows = network.outputs if is_output else network.units
            values, constants = floats.outputs if is_output else floats.units
            begin, end = (0, rows.count) if is_output else (first, last)
            matrix = _dense(rows, values, begin, end, [blocks[number]])
            for name, array in ((f"W{number}", matrix), (f"b{number}", constants[begin:end])):
                content = io.BytesIO()
                np.lib.format.write_array(content, array, allow_pickle=False)
                entry = zipfile.ZipInfo(f"{name}.npy")  # dated 1980: the same bytes every time
                entry.compress_type = zipfile.ZIP_DEFLATED
                archive.writestr(entry, content.getvalue())
    return file.getvalue(), floats.rounding


def _blocks(network: Network) -> list[tuple[int, int]]:
    """First and one past the last variable of the inputs and of every layer."""
    ranges = [(0, network.inputs)]
    ranges += [(network.inputs + a, network.inputs + b) for a, b in network.layer_ranges()]
    return ranges


def _blocks_read(rows: Rows, begin: int, end: int, blocks: list[tuple[int, int]]) -> list[int]:
    used = rows.indices[int(rows.starts[begin]) : int(rows.starts[end])]
    found = np.searchsorted([last for _, last in blocks], np.unique(used), side="right")
    return [int(block) for block in np.unique(found)]


def _dense(rows: Rows, values: Floats, begin: int, end: int, read: list[tuple[int, int]]) -> Floats:
    """Rows begin..end as a matrix whose columns are the variables of the blocks in `read`."""
    width = sum(last - first for first, last in read)
    if (end - begin) * width > MAX_DENSE:
        raise UserError(f"a dense matrix of {end - begin} x {width} entries is too large for it")
    low, high = int(rows.starts[begin]), int(rows.starts[end])
    owner = np.repeat(np.arange(end - begin), np.diff(rows.starts[begin : end + 1]))
    columns = rows.indices[low:high].copy()
    offset = 0
    for first, last in read:
        inside = (rows.indices[low:high] >= first) & (rows.indices[low:high] < last)
        columns[inside] += offset - first
        offset += last - first
    matrix = np.zeros((end - begin, width), dtype=values.dtype)
    matrix[owner, columns] = values[low:high]
    return matrix

"""The official test data of ONNX, asked of the reader: which cases agree, which it refuses and why.

A case gives a model, inputs and outputs. Its model is read once for each input of a float type,
with the other inputs as constants, and once with all inputs as constants. Of a network, the exact
value at the exact input is compared with the output of the case: the difference must be within the
rounding of a float computation, bounded with the magnitudes of all terms. Constants of integers and
bools, and what a Cast makes, must be equal.

`python -m tests.oracles.conformance` writes the report.
"""

from __future__ import annotations

import re
import warnings
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper

from verifier.checker.scaled import evaluate
from verifier.formats.loaded import Loaded
from verifier.formats.onnx.constants import Constant
from verifier.formats.onnx.last_layers import LAST_LAYERS, LAST_ML_LAYERS
from verifier.formats.onnx.operators import OPERATORS
from verifier.formats.onnx.read import loaded_model
from verifier.formats.onnx.run import Interpreter, Scope, versions_of
from verifier.formats.onnx.stored import read_tensor
from verifier.formats.tensors import Graph
from verifier.question.errors import UserError
from verifier.question.network import Network, Rows

_FLOATS = {1: 2.0**-24, 10: 2.0**-11, 11: 2.0**-53, 16: 2.0**-8}
_SMALL = 1 << 11  # elements of an output; larger cases take minutes and say the same
_LAST = {*LAST_LAYERS, *LAST_ML_LAYERS} - {"ArgMax", "HardSigmoid"}


@dataclass(frozen=True)
class Case:
    """`inputs` and `outputs` in the order of the model's; None for what is no array."""

    group: str
    name: str
    model: onnx.ModelProto
    inputs: list[Any]
    outputs: list[Any]
    tolerance: float

    @property
    def operators(self) -> set[tuple[str, str]]:
        """Domain and name of every operator, those in subgraphs and functions included."""
        return {
            ("" if node.domain == "ai.onnx" else node.domain, node.op_type)
            for nodes in [self.model.graph.node, *(f.node for f in self.model.functions)]
            for node in _all(nodes)
        } - {(f.domain, f.name) for f in self.model.functions}


def _all(nodes: Any) -> Iterator[onnx.NodeProto]:
    for node in nodes:
        yield node
        for attribute in node.attribute:
            if attribute.HasField("g"):
                yield from _all(attribute.g.node)


@cache
def cases() -> tuple[Case, ...]:
    """Every node, converted, operator and simple case of the installed onnx."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from onnx.backend.test.case.node import collect_testcases

        made = collect_testcases(None)
    found = [
        Case(
            "node",
            case.name,
            case.model,
            list(map(_plain, ins)),
            list(map(_plain, outs)),
            float(case.rtol),
        )
        for case in made
        if case.model is not None
        for ins, outs in case.data_sets[:1]
    ]
    base = Path(onnx.__file__).parent / "backend" / "test" / "data"
    for group in ("pytorch-converted", "pytorch-operator", "simple"):
        found += [
            _stored(group, path.parent) for path in sorted((base / group).glob("*/model.onnx"))
        ]
    return tuple(found)


def _plain(value: Any) -> Any:
    """An array; types that numpy does not have come as they are stored."""
    if isinstance(value, onnx.TensorProto):
        return numpy_helper.to_array(value)
    return np.asarray(value) if isinstance(value, np.generic | int | float | bool) else value


def _stored(group: str, folder: Path) -> Case:
    model = onnx.load(folder / "model.onnx")
    data = folder / "test_data_set_0"

    def arrays(kind: str) -> list[Any]:
        files = sorted(data.glob(f"{kind}_*.pb"), key=lambda f: int(f.stem.split("_")[1]))
        return [_array(file) for file in files]

    return Case(group, folder.name, model, arrays("input"), arrays("output"), 1e-3)


def _array(file: Path) -> Any:
    try:
        return numpy_helper.to_array(onnx.load_tensor(str(file)))
    except Exception:  # noqa: BLE001 - a sequence or an optional value, in another message
        return None


def is_claimed(case: Case) -> bool:
    """Whether the reader knows all operators of the case."""
    return bool(case.operators) and case.operators <= set(OPERATORS)


@dataclass(frozen=True)
class Outcome:
    """`verdict` is agree, order, refused, none or wrong; `why` the reason or what differs."""

    verdict: str
    why: str = ""


def outcome(case: Case) -> Outcome:
    """What becomes of the case; wrong if any reading of it is."""
    results = [*_readings(case), _as_constants(case)]
    for verdict in ("wrong", "agree", "order", "refused"):
        for result in results:
            if result.verdict == verdict:
                return result
    return Outcome("none", "no input or output of a type that networks have")


def _readings(case: Case) -> Iterator[Outcome]:
    stored = {tensor.name for tensor in case.model.graph.initializer}
    infos = [info for info in case.model.graph.input if info.name not in stored]
    for number, info in enumerate(infos[: len(case.inputs)]):
        kind, array = info.type.tensor_type.elem_type, case.inputs[number]
        if kind not in _FLOATS or not isinstance(array, np.ndarray) or array.size == 0:
            continue
        if not np.isfinite(array.astype(np.float64)).all():
            continue
        model = onnx.ModelProto()
        model.CopyFrom(case.model)
        del model.graph.input[:]
        model.graph.input.append(info)
        others = [(o, v) for k, (o, v) in enumerate(zip(infos, case.inputs, strict=False))
                  if k != number]  # fmt: skip
        try:
            model.graph.initializer.extend(_tensor(o, v) for o, v in others)
            loaded = loaded_model(model, None, (), {info.name: array.shape})
        except UserError as error:
            yield Outcome("refused", str(error))
            continue
        yield _compared(case, loaded, array)


def _tensor(info: onnx.ValueInfoProto, array: Any) -> onnx.TensorProto:
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "fiubV":
        raise UserError("an input that is no tensor of numbers")
    tensor = numpy_helper.from_array(np.ascontiguousarray(array).reshape(array.shape), info.name)
    if tensor.data_type != info.type.tensor_type.elem_type:
        raise UserError("an input that is no tensor of its type")
    return tensor


def _compared(case: Case, loaded: Loaded, array: Any) -> Outcome:
    names = [port.name for port in loaded.outputs]
    asked = [info.name for info in case.model.graph.output]
    wanted = [np.asarray(case.outputs[asked.index(name)]) for name in names]
    expected = np.concatenate([value.astype(np.float64).reshape(-1) for value in wanted])
    if len(expected) > _SMALL:
        return Outcome("refused", f"left out here: {len(expected)} outputs")
    point = [Fraction(float(v)) for v in array.astype(np.float64).reshape(-1)]
    if loaded.tail is not None and loaded.tail.exact is None:
        scores = [float(v) for v in evaluate(loaded.scores, [point])[0]]
        return _same_order(scores, expected)
    network = loaded.network_for(None)
    got = np.array([float(v) for v in evaluate(network, [point])[0]])
    if got.shape != expected.shape:
        return Outcome("wrong", f"{got.shape} outputs, not {expected.shape}")
    unit = max(_FLOATS.get(_kind(case, name), 2.0**-24) for name in names)
    allowed = unit * rounding_scale(network, point)
    if bool(np.all(np.abs(got - expected) <= allowed)):
        return Outcome("agree")
    if np.allclose(got, expected, rtol=case.tolerance, atol=1e-7):
        return Outcome("agree", "within the tolerance of the case")
    return Outcome("wrong", f"{got[:4]}, not {expected[:4]}")


def _kind(case: Case, name: str) -> int:
    types = {info.name: info.type.tensor_type.elem_type for info in case.model.graph.output}
    return min(types[name], *(i.type.tensor_type.elem_type for i in case.model.graph.input
                              if i.type.tensor_type.elem_type in _FLOATS), key=_coarse)  # fmt: skip


def _coarse(kind: int) -> float:
    return -_FLOATS.get(kind, 0.0)


def _same_order(scores: list[float], expected: Any) -> Outcome:
    order = np.argsort(scores, kind="stable")
    steps = np.diff(expected[order])
    if bool(np.all(steps >= -1e-6)):
        return Outcome("order")
    return Outcome("wrong", "the values are not in the order of the scores")


def rounding_scale(network: Network, point: list[Fraction]) -> Any:
    """For every output, how often a float computation of it may round, times the largest that its
    terms can add up to: 8 roundings a term and layer."""
    size = [abs(float(x)) for x in point]

    def magnitudes(rows: Rows) -> list[float]:
        found = []
        for i in range(rows.count):
            weights, constant = rows.fractions(i)
            total = sum(abs(float(w)) * size[j] for j, w in weights.items())
            found.append((total + abs(float(constant))) * (1 + 1e-6 * len(weights)))
        return found

    for first, last in network.layer_ranges():
        block = _slice(network.units, first, last)
        size += magnitudes(block)
    terms = max(
        (int(np.diff(rows.starts).max(initial=1)) for rows in (network.units, network.outputs)),
        default=1,
    )
    return 8 * (terms + 2) * network.depth * np.array(magnitudes(network.outputs))


def _slice(rows: Rows, first: int, last: int) -> Rows:
    low, high = int(rows.starts[first]), int(rows.starts[last])
    return Rows(
        rows.starts[first : last + 1] - low,
        rows.indices[low:high],
        rows.numerators[low:high],
        rows.constants[first:last],
        rows.denominators[first:last],
    )


def _as_constants(case: Case) -> Outcome:
    stored = {tensor.name for tensor in case.model.graph.initializer}
    infos = [info for info in case.model.graph.input if info.name not in stored]
    names = [info.name for info in case.model.graph.output]
    try:
        values: dict[str, Any] = {
            info.name: read_tensor(_tensor(info, array), None)
            for info, array in zip(infos, case.inputs, strict=False)
        }
        model = case.model
        run = Interpreter(Graph(1), model.functions, None)
        scope = Scope(values, versions_of(model.opset_import))
        results = run.run(model.graph.node, model.graph.initializer, names, scope)
    except UserError as error:
        return Outcome("refused", str(error))
    exactly = {kind for _, kind in case.operators} <= {"Cast", "CastLike", "Identity"}
    for result, array in zip(results, case.outputs, strict=True):
        if not isinstance(result, Constant) or not isinstance(array, np.ndarray):
            return Outcome("refused", "a result that is no constant tensor")
        if array.size > _SMALL:
            return Outcome("refused", f"left out here: {array.size} outputs")
        if result.shape != array.shape:
            return Outcome("wrong", f"shape {result.shape}, not {array.shape}")
        if not _equal(result, array, exactly, case.tolerance):
            return Outcome("wrong", f"{result.values.reshape(-1)[:4]}, not {array.reshape(-1)[:4]}")
    return Outcome("agree")


def _equal(result: Constant, array: Any, exactly: bool, tolerance: float) -> bool:
    if not result.is_real:
        whole = array if array.dtype.kind in "iub" else array.astype(np.int64)
        return bool(np.array_equal(result.values.astype(object), whole.astype(object)))
    got = np.array([float(v) for v in result.values.reshape(-1).tolist()])
    wanted = array.astype(np.float64).reshape(-1)
    if exactly:
        return bool(np.array_equal(got, wanted, equal_nan=True))
    return bool(np.allclose(got, wanted, rtol=tolerance, atol=1e-5, equal_nan=True))


def reason(why: str) -> str:
    """A refusal without the names, numbers and shapes of its case."""
    short = re.sub(r"node '[^']*' \((\w+)\): ", r"\1: ", why)
    short = re.sub(r"node '[^']*' \((\w+)\)", r"\1", short)
    short = re.sub(r"\[[^\]]*\]", "[..]", short)
    short = re.sub(r"(?<![\w.])-?\d[\d.e+]*(?!-D)", "N", short)
    short = re.sub(r"(output|initializer) '[^']*'", r"\1", short)
    return short.partition(": ask for a label")[0]


def report() -> str:
    """The table of all cases, and the reasons of those that are refused."""
    table: dict[str, Counter[str]] = defaultdict(Counter)
    reasons: dict[str, list[str]] = defaultdict(list)
    unknown: Counter[str] = Counter()
    wrong: list[str] = []
    loose: list[str] = []
    for case in cases():
        if not is_claimed(case):
            table[case.group]["unknown"] += 1
            missing = sorted(name for domain, name in case.operators - set(OPERATORS))
            unknown.update(missing or ["no operator"])
            continue
        found = outcome(case)
        table[case.group][found.verdict] += 1
        if found.verdict in ("refused", "none"):
            reasons[reason(found.why)].append(case.name)
        elif found.verdict == "wrong":
            wrong.append(f"{case.name}: {found.why}")
        elif found.why:
            loose.append(case.name)
    return _text(table, reasons, unknown, wrong, loose)


_COLUMNS = ("agree", "order", "refused", "none", "wrong", "unknown")


def _text(
    table: dict[str, Counter[str]],
    reasons: dict[str, list[str]],
    unknown: Counter[str],
    wrong: list[str],
    loose: list[str],
) -> str:
    version = onnx.__version__
    lines = [
        "# ONNX: conformance",
        "",
        f"Every node, converted, operator and simple case of the test data of onnx {version}, by",
        "`tests/oracles/conformance.py`, which says what is compared and how exactly.",
        "",
        "| cases | agree | same order | refused | no network | wrong | operator unknown |",
        "|---|---|---|---|---|---|---|",
    ]
    for group in sorted(table):
        row = " | ".join(str(table[group][column]) for column in _COLUMNS)
        lines.append(f"| {group} | {row} |")
    total = " | ".join(str(sum(table[g][column] for g in table)) for column in _COLUMNS)
    lines += [
        f"| all | {total} |",
        "",
        "*Same order*: a last layer that is put aside where a label is asked. *No network*: no",
        "input of a float type. *Operator unknown*: the reader refuses it by name.",
        "",
        "Within the tolerance of the case alone, which gives its outputs in a few digits:",
        f"{', '.join(sorted(loose)) or 'none'}.",
        "",
        "## Wrong",
        "",
        *(f"- {entry}" for entry in sorted(wrong) or ["none"]),
        "",
        "## Refused, by reason",
        "",
        "| cases | reason | such as |",
        "|---|---|---|",
    ]
    for why, names in sorted(reasons.items(), key=lambda item: (-len(item[1]), item[0])):
        text = why.replace("|", "\\|")
        lines.append(f"| {len(names)} | {text} | {sorted(names)[0]} |")
    lines += ["", "## Operators that are unknown", ""]
    listed = [f"{name} {count}" for name, count in sorted(unknown.items())]
    while listed:
        row = ""
        while listed and len(row) + len(listed[0]) < 96:
            row += listed.pop(0) + (", " if listed else "")
        lines.append(row.rstrip())
    return "\n".join(lines) + "\n"


REPORT = Path(__file__).parents[2] / "docs" / "onnx-conformance.md"

if __name__ == "__main__":
    REPORT.write_text(report())

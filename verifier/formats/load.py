"""One door for every kind of network file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from verifier.evidence.network_file import MAGIC, parse_network
from verifier.formats.extras import needing
from verifier.formats.files import decoded, naming, read_bytes
from verifier.formats.loaded import Loaded, Port
from verifier.formats.merged import merged
from verifier.formats.nnet import parse_nnet
from verifier.formats.npz import parse_npz
from verifier.question.errors import UserError
from verifier.question.network import Network

_FROM_PYTHON = "or give the model itself to robmem.load_network in Python"
_TORCH = f"weights of PyTorch; torch.onnx.export(model, example, 'model.onnx'), {_FROM_PYTHON}"
_PICKLED = f"a pickled model is not opened; export it as .onnx, {_FROM_PYTHON}"
_EXPORTED = {
    **dict.fromkeys((".pt", ".pth"), _TORCH),
    **dict.fromkeys((".pkl", ".pickle", ".joblib"), _PICKLED),
    **dict.fromkeys((".h5", ".keras"), "a model of Keras; export it as .onnx"),
}
"""Files of models that are not read, by suffix, and what can be done instead."""
_ZIP = b"PK\x03\x04"


def load_any_network(path: Path | str, *, merge: bool = True) -> Network:
    """The exact network of the file at `path`: native, .onnx, .nnet or .npz, each also as .gz.

    Native files and archives are told by their first bytes, the rest by suffix. The weights of a
    .nnet file are taken as they are, without its normalisation. A native file holds its network
    unit by unit; of others, units with equal rows become one, unless `merge` is False: then each
    unit is one of the file, as it is executed. Raises UserError, naming the file, also for one
    whose last layer is not piecewise linear: `load_file` reads those.
    """
    loaded = load_file(path, merge=merge)
    with naming(path):
        return loaded.network_for(None)


def load_file(
    path: Path | str,
    outputs: Sequence[str] = (),
    shapes: Mapping[str, Sequence[int]] | None = None,
    *,
    merge: bool = True,
) -> Loaded:
    """What the file at `path` holds: its network, its names and shapes, and a last layer apart.

    Of an .onnx file `outputs` are those asked about, by default all, and `shapes` those of inputs
    with symbolic axes, by name, "" of the only one; other files have no names. `merge` as in
    `load_any_network`. Raises UserError.
    """
    path = Path(path)
    if _suffix(path) in _EXPORTED:
        raise UserError(f"{path}: {_EXPORTED[_suffix(path)]}")
    content = read_bytes(path)
    with naming(path):
        if _is_onnx(path, content):
            with needing():
                from verifier.formats.onnx.read import loaded_onnx  # takes half a second to import

            loaded = loaded_onnx(content, path.parent, outputs, shapes)
            return loaded.changed(merged) if merge else loaded
        if outputs or shapes:
            option = "--output" if outputs else "--input-shape"
            raise UserError(f"{option} is for .onnx files")
        network = _plain(path, content, merge=merge)
    inputs, made = network.inputs, network.outputs.count
    return Loaded(network, (Port("X", (inputs,), ""),), (Port("Y", (made,), ""),))


def require_executable(path: Path | str, semantics: str) -> None:
    """Raises UserError where the file, as executed, computes something else than one sum a unit."""
    if _suffix(Path(path)) == ".onnx":
        with needing():
            from verifier.formats.onnx.single_sums import require_single_sums

        require_single_sums(path, semantics)


def source_files(
    path: Path | str,
    outputs: Sequence[str] = (),
    shapes: Mapping[str, Sequence[int]] | None = None,
) -> list[Path]:
    """The file, and those beside an .onnx file of which weights are read, for which it is read
    again with these parts, see `load_file`; raises UserError."""
    path = Path(path)
    content = read_bytes(path)
    if _is_onnx(path, content) and b"location" in content:  # the key of such a weight
        loaded = load_file(path, outputs, shapes, merge=False)
        return [path, *(path.parent / name for name in loaded.files)]
    return [path]


def is_native(path: Path | str) -> bool:
    """Whether the file at `path` holds a network in this program's own format."""
    return read_bytes(path).startswith(MAGIC)


def _suffix(path: Path) -> str:
    return Path(path.stem if path.suffix == ".gz" else path.name).suffix.lower()


def _is_onnx(path: Path, content: bytes) -> bool:
    return _suffix(path) == ".onnx" and not content.startswith((MAGIC, _ZIP))


def _plain(path: Path, content: bytes, *, merge: bool) -> Network:
    if content.startswith(MAGIC):
        return parse_network(content)
    if content.startswith(_ZIP):
        network = parse_npz(content)
    elif _suffix(path) == ".nnet":
        network = parse_nnet(decoded(content)).network()
    else:
        raise UserError("neither a robmem network, nor .onnx, .nnet or .npz")
    return merged(network) if merge else network

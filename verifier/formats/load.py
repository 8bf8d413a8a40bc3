"""One door for every kind of network file."""

from __future__ import annotations

from pathlib import Path

from verifier.evidence.network_file import MAGIC, parse_network
from verifier.formats.files import decoded, naming, read_bytes
from verifier.formats.merged import merged
from verifier.formats.nnet import parse_nnet
from verifier.formats.npz import parse_npz
from verifier.question.errors import UserError
from verifier.question.network import Network

_ZIP = b"PK\x03\x04"


def load_any_network(path: Path | str, *, merge: bool = True) -> Network:
    """The exact network of the file at `path`: native, .onnx, .nnet or .npz, each also as .gz.

    Native files and archives are told by their first bytes, the rest by suffix. The weights of a
    .nnet file are taken as they are, without its normalisation. A native file holds its network
    unit by unit; of others, units with equal rows become one, unless `merge` is False: then each
    unit is one of the file, as it is executed. Raises UserError, naming the file.
    """
    path = Path(path)
    content = read_bytes(path)
    suffix = Path(path.stem if path.suffix == ".gz" else path.name).suffix.lower()
    with naming(path):
        if content.startswith(MAGIC):
            return parse_network(content)
        network = _foreign(content, suffix, path)
        return merged(network) if merge else network


def _foreign(content: bytes, suffix: str, path: Path) -> Network:
    if content.startswith(_ZIP):
        return parse_npz(content)
    if suffix == ".nnet":
        return parse_nnet(decoded(content)).network()
    if suffix == ".onnx":
        from verifier.formats.onnx.read import parse_onnx  # takes half a second to import

        return parse_onnx(content, path.parent)
    raise UserError("neither a robmem network, nor .onnx, .nnet or .npz")

"""Data sets by name or file, read exactly.

No rounding happens between a file and a claim about it.  What counts as exact
depends on the door:

* text (tables, the bundled ones too): a decimal is that decimal, ``0.1`` is 1/10;
* arrays (.npz, .npy): a float is the dyadic fraction it is, ``0.1`` is
  3602879701896397/36028797018963968;
* images (idx): bytes are integers.

Files are treated as hostile: sizes are checked before memory is taken, archives
are bounded while they unpack, pipes and devices are refused, and nothing is ever
unpickled or evaluated.
"""

from __future__ import annotations

import re
from pathlib import Path

from verifier.data.arrays import load_npy, load_npy_pair, load_npz
from verifier.data.bundled import BUNDLED, load_bundled
from verifier.data.dataset import Dataset
from verifier.data.files import file_name
from verifier.data.idx import PARTS, load_idx, load_mnist, mnist_files
from verifier.data.layout import Layout
from verifier.data.libsvm import load_libsvm
from verifier.data.table import load_table
from verifier.question.errors import UserError

TABLES = (".csv", ".tsv", ".txt", ".data")
"""Endings of tables of text, to which .gz may be added."""
_FRAMES = (".xlsx", ".xls", ".parquet", ".feather", ".arrow", ".json", ".mat", ".h5", ".hdf5")
LIBSVM = (".svm", ".libsvm")
"""Endings of sparse tables, likewise."""


def load(spec: str, layout: Layout = Layout(), *, inputs: int | None = None) -> Dataset:
    """The data set named by `spec`, exactly.

    ==========================================  ==========================================
    spec                                        what it is
    ==========================================  ==========================================
    ``digits iris wine breast_cancer``          the tables of scikit-learn, read as the
                                                decimals they print
    ``TABLE.csv .tsv .txt .data``, also ``.gz``  the label in the last column, or as
                                                `layout` says; a first line of words is a
                                                header
    ``SPARSE.svm .libsvm``, also ``.gz``        LIBSVM's ``label index:value ..``
    ``ARRAYS.npz``                              arrays ``X`` (one row, or image, a sample)
                                                and ``y``, or ``x`` and ``y``
    ``ARRAYS.npz:train``, ``ARRAYS.npz:test``   ``x_train`` and ``y_train``, ``x_test``
                                                and ``y_test``
    ``ROWS.npy``                                the label in the last column
    ``POINTS.npy:LABELS.npy``                   two arrays
    ``FOLDER``, ``FOLDER:train``                the train-images and train-labels of MNIST
                                                or QMNIST, perhaps in raw/ or */raw/
    ``FOLDER:test``                             their test images and labels
    ``IMAGES:LABELS``                           two idx files
    ==========================================  ==========================================

    idx files and .npy may be compressed (.gz).  Labels in rows of zeros and a
    single one are the place of the one.  A file called like a bundled table is
    reached as ``./digits``.  With `inputs`, only points are wanted: a table of
    that many columns has no labels.

    Raises:
        UserError: If the file is missing, or is not what its name says.
    """
    if layout.label_column == "none" and inputs is None:
        raise UserError(
            "--label-column none: without labels nothing is asked of the samples; "
            "robmem verify --center FILE:ROW --label LABEL asks about one of them"
        )
    if "://" in spec:
        _explain(spec)
    if spec.removesuffix(".gz").endswith(TABLES):
        return load_table(Path(spec), layout, inputs)
    if spec.endswith((".npy", ".npy.gz")) and not re.search(r"\.npy(\.gz)?:", spec):
        return load_npy(Path(spec), layout)
    layout.refuse_for(spec)
    if spec.removesuffix(".gz").endswith(LIBSVM):
        return load_libsvm(Path(spec))
    if spec in BUNDLED:
        return load_bundled(spec)
    if spec.endswith(".npz"):
        return load_npz(Path(spec), None)
    if spec and Path(spec).is_dir():
        return load_mnist(Path(spec), "train")
    found = _with_colon(spec)
    if found is None:
        _explain(spec)
        raise UserError(
            f"{spec!r} is no data set: neither one of {', '.join(BUNDLED)} "
            "nor an existing TABLE.csv, .tsv, .txt or .data[.gz], SPARSE.svm[.gz], "
            "ARRAYS.npz[:train|:test], ROWS.npy, FOLDER[:train|:test] with the MNIST files, "
            "or a pair IMAGES:LABELS of idx files or of .npy files"
        )
    return found


def _explain(spec: str) -> None:
    """Raises UserError where it can be said why this is no data set."""
    name, _, part = spec.partition(":")
    ending = Path(spec).suffix
    if name in BUNDLED:
        raise UserError(f"{spec}: {name} has no part {part!r}: it is one table")
    if spec.lower() in BUNDLED:
        raise UserError(f"no data set {spec!r}; it is called {spec.lower()}")
    if re.match(r"[a-z]{3,5}://", spec):
        raise UserError(
            f"{spec}: an address; download the file first, nothing here asks the network"
        )
    if Path(spec).is_file() and ending:
        how = ", or give the frame to robmem.Dataset.from_arrays" if ending in _FRAMES else ""
        raise UserError(f"{spec}: files {ending} are not read as data; save it as .csv{how}")


def source_files(spec: str) -> list[Path]:
    """The files that `load` reads for this spec; none for a bundled table."""
    if spec in BUNDLED:
        return []
    if Path(spec).is_file():
        return [Path(spec)]
    if Path(spec).is_dir():
        return list(mnist_files(Path(spec), "train"))
    found = _around_colon(spec)
    if found is None:
        return []
    left, right = found
    if left.is_dir():
        return list(mnist_files(left, right))
    return [left] if right in PARTS and left.suffix == ".npz" else [left, Path(right)]


def _with_colon(spec: str) -> Dataset | None:
    """What two names around a colon, or a name and a part, name; None if nothing."""
    found = _around_colon(spec)
    if found is None:
        return None
    left, right = found
    if left.is_dir():
        return load_mnist(left, right)
    if left.suffix == ".npz" and right in PARTS:
        return load_npz(left, right)
    if left.name.removesuffix(".gz").endswith(".npy"):
        return load_npy_pair(left, Path(right))
    return load_idx(left, Path(right), file_name(left))


def _around_colon(spec: str) -> tuple[Path, str] | None:
    """A folder or archive and its part, or two files; None if no colon is between such."""
    for colon in (match.start() for match in re.finditer(":", spec)):
        left, right = Path(spec[:colon]), spec[colon + 1 :]
        archive = left.is_dir() or (left.is_file() and left.suffix == ".npz")
        if (archive and right in PARTS) or (left.is_file() and Path(right).is_file()):
            return left, right
    return None

"""Data sets by name or file, read exactly.

No rounding happens between a file and a claim about it.  What counts as exact
depends on the door:

* text (CSV, the bundled tables): a decimal is that decimal, ``0.1`` is 1/10;
* arrays (.npz): a float is the dyadic fraction it is, ``0.1`` is
  3602879701896397/36028797018963968;
* images (idx): bytes are integers.

Files are treated as hostile: sizes are checked before memory is taken, archives
are bounded while they unpack, and nothing is ever unpickled or evaluated.
"""

from __future__ import annotations

import re
from pathlib import Path

from verifier.data.bundled import BUNDLED, load_bundled
from verifier.data.csv_table import load_csv
from verifier.data.dataset import Dataset
from verifier.data.files import file_name
from verifier.data.idx import MNIST_PARTS, load_idx, load_mnist
from verifier.data.npz import load_npz
from verifier.question.errors import UserError


def load(spec: str) -> Dataset:
    """The data set named by `spec`, exactly.

    ==========================================  ==========================================
    spec                                        what it is
    ==========================================  ==========================================
    ``digits iris wine breast_cancer``          the tables of scikit-learn, read as the
                                                decimals they print
    ``PATH.csv``, ``PATH.csv.gz``               the label in the last column; a header if
                                                no input of the first row is a number
    ``PATH.npz``                                arrays ``X`` (one row, or image, a sample)
                                                and ``y``
    ``FOLDER``, ``FOLDER:train``                MNIST's train-images and train-labels
    ``FOLDER:test``                             MNIST's t10k-images and t10k-labels
    ``IMAGES:LABELS``                           two idx files
    ==========================================  ==========================================

    idx files may be compressed (.gz).  A file called like a bundled table is
    reached as ``./digits``.

    Raises:
        UserError: If the file is missing, or is not what its name says.
    """
    if spec in BUNDLED:
        return load_bundled(spec)
    path = Path(spec)
    if spec.endswith((".csv", ".csv.gz")):
        return load_csv(path)
    if spec.endswith(".npz"):
        return load_npz(path)
    if spec and path.is_dir():
        return load_mnist(path, "train")
    for colon in (match.start() for match in re.finditer(":", spec)):
        left, right = Path(spec[:colon]), spec[colon + 1 :]
        if left.is_dir() and right in MNIST_PARTS:
            return load_mnist(left, right)
        if left.is_file() and Path(right).is_file():
            return load_idx(left, Path(right), file_name(left))
    raise UserError(
        f"{spec!r} is no data set: neither one of {', '.join(BUNDLED)} "
        "nor an existing FILE.csv[.gz], FILE.npz, FOLDER[:train|:test] with the MNIST files, "
        "or IMAGES:LABELS pair of idx files"
    )

"""Labelled samples with exact rational entries, and the loaders that read them.

Every entry is an integer over one common denominator, so no rounding happens
between a file and a claim about it.  What counts as exact depends on the door:

* text (CSV, the bundled tables): a decimal is that decimal, ``0.1`` is 1/10;
* arrays (.npz): a float is the dyadic fraction it is, ``0.1`` is
  3602879701896397/36028797018963968;
* images (idx): bytes are integers.

Files are treated as hostile: sizes are checked before memory is taken, archives
are bounded while they unpack, and nothing is ever unpickled or evaluated.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import json
import math
import re
import struct
import zipfile
import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from io import BytesIO
from itertools import combinations
from operator import index as index_of
from pathlib import Path
from tokenize import TokenError
from typing import IO, Any, cast

import numpy as np
import numpy.typing as npt

from verifier.question.errors import UserError

IntegerArray = npt.NDArray[Any]
"""Integers: int64 where the bound of the context allows, Python ints (dtype object) else."""

INT64_BOUND = 2**62
"""Entries are int64 exactly when all absolute values are below this: no difference overflows."""

BUNDLED = ("digits", "iris", "wine", "breast_cancer")
"""The tables that ship with scikit-learn."""

MAX_ENTRIES = 2**28
"""Most entries (samples times inputs) a file may hold; MNIST has 2^25.5."""
MAX_TEXT = 2**30
"""Most bytes of text read from one file, after decompression."""
MAX_LINE = 2**24
"""Most bytes of one line of text."""
MAX_DIGITS = 1200
"""Most digits, and largest exponent, of one number in a text; a float64 needs 1075."""
MAX_STORAGE_BITS = 2**34
"""Most bits all entries may take over their common denominator (2 GiB)."""


# ------------------------------------------------------------------ the type


@dataclass(frozen=True, slots=True, eq=False)
class Dataset:
    """Sample i is the point numerators[i] / denominator with label label_names[labels[i]].

    The arrays are given away: they are read-only from then on.  All conditions
    are checked once, here, and hold for every `Dataset`.

    Attributes:
        name: Short, fit for a file name.
        numerators: (size, dimension), not empty; int64 exactly when every
            absolute value is below 2^62, else Python ints (dtype object).
        denominator: Positive; common to all entries, not necessarily minimal.
        labels: (size,) int64 in 0..classes-1.
        label_names: Distinct; sorted by value if all are integers, else as strings.
            A selection keeps the names of classes it has no sample of.
        pixel_range: Least and greatest value an input can take, if the set has
            such bounds; all entries obey them.
        image_shape: (rows, columns) with rows * columns = dimension, if images.
        feature_names: One for each input, if known.

    Raises:
        UserError: If the data are empty.
        ValueError: If the parts do not fit together.
    """

    name: str
    numerators: IntegerArray
    denominator: int
    labels: npt.NDArray[np.int64]
    label_names: tuple[str, ...]
    pixel_range: tuple[Fraction, Fraction] | None = None
    image_shape: tuple[int, int] | None = None
    feature_names: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        numerators, labels = self.numerators, self.labels
        if numerators.ndim != 2 or labels.shape != numerators.shape[:1]:
            raise ValueError(
                f"{self.name}: entries of shape {numerators.shape} "
                f"do not go with labels of shape {labels.shape}"
            )
        if numerators.shape[0] == 0:
            raise UserError(f"{self.name}: no samples")
        if numerators.shape[1] == 0:
            raise UserError(f"{self.name}: samples without inputs")
        if type(self.denominator) is not int or self.denominator < 1:
            raise ValueError(f"{self.name}: denominator {self.denominator!r} is not positive")
        _check_storage(self.name, numerators)
        if labels.dtype != np.int64:
            raise ValueError(f"{self.name}: labels are {labels.dtype}, not int64")
        if int(labels.min()) < 0 or int(labels.max()) >= len(self.label_names):
            raise ValueError(
                f"{self.name}: labels {labels.min()}..{labels.max()} "
                f"are not among 0..{len(self.label_names) - 1}"
            )
        if list(self.label_names) != _sorted_labels(self.label_names):
            raise ValueError(f"{self.name}: label names are not sorted and distinct")
        if self.image_shape is not None and math.prod(self.image_shape) != self.dimension:
            raise ValueError(
                f"{self.name}: images of {self.image_shape} do not have {self.dimension} pixels"
            )
        if self.feature_names is not None and len(self.feature_names) != self.dimension:
            raise ValueError(
                f"{self.name}: {len(self.feature_names)} feature names for {self.dimension} inputs"
            )
        if self.pixel_range is not None:
            low, high = self.pixel_range
            least = Fraction(int(numerators.min()), self.denominator)
            greatest = Fraction(int(numerators.max()), self.denominator)
            if not low <= least <= greatest <= high:
                raise ValueError(
                    f"{self.name}: entries from {least} to {greatest} "
                    f"are not in the pixel range {low}..{high}"
                )
        for attribute in ("numerators", "labels"):
            view = np.ascontiguousarray(getattr(self, attribute)).view()
            view.flags.writeable = False
            object.__setattr__(self, attribute, view)

    @property
    def size(self) -> int:
        """The number of samples."""
        return int(self.numerators.shape[0])

    @property
    def dimension(self) -> int:
        """The number of inputs of each sample."""
        return int(self.numerators.shape[1])

    @property
    def classes(self) -> int:
        """The number of label names."""
        return len(self.label_names)

    @classmethod
    def from_rows(
        cls,
        name: str,
        rows: Iterable[Sequence[int | Fraction]],
        labels: Sequence[int | str],
        *,
        pixel_range: tuple[Fraction, Fraction] | None = None,
        image_shape: tuple[int, int] | None = None,
        feature_names: tuple[str, ...] | None = None,
    ) -> Dataset:
        """Sample i is rows[i], exactly, with the label labels[i], sorted to 0..C-1.

        Raises:
            UserError: If there are no samples or the rows differ in length.
        """
        table = _RationalTable(name)
        width = None
        for index, row in enumerate(rows):
            width = len(row) if width is None else width
            if len(row) != width:
                raise UserError(
                    f"{name}: sample {index} has {len(row)} inputs, sample 0 has {width}"
                )
            entries = [
                entry if isinstance(entry, Fraction) else Fraction(index_of(entry)) for entry in row
            ]
            common = math.lcm(*(entry.denominator for entry in entries))
            table.append(
                [entry.numerator * (common // entry.denominator) for entry in entries], common
            )
        numerators, denominator = table.settle()
        label_names, indices = _label_table(name, [str(label) for label in labels])
        return cls(
            name, numerators, denominator, indices, label_names,
            pixel_range, image_shape, feature_names,
        )  # fmt: skip

    def point(self, index: int) -> tuple[Fraction, ...]:
        """The exact coordinates of sample `index`, counted from 0.

        Raises:
            IndexError: If there is no such sample; negative indices are none.
        """
        if not 0 <= index < self.size:
            raise IndexError(f"{self.name}: no sample {index}, there are {self.size}")
        return tuple(Fraction(int(entry), self.denominator) for entry in self.numerators[index])

    def select(self, samples: slice | Sequence[int] | npt.NDArray[np.integer[Any]]) -> Dataset:
        """The given samples, in the given order, with unchanged label numbers and names.

        Raises:
            UserError: If no sample is selected, or one that does not exist.
        """
        if isinstance(samples, slice):
            indices = np.arange(self.size, dtype=np.int64)[samples]
        else:
            given = np.asarray(samples)
            if given.size and given.dtype.kind not in "iu":
                raise UserError(f"{self.name}: samples are chosen by integers, not {given.dtype}")
            indices = given.astype(np.int64).reshape(-1)
            for index in indices[(indices < 0) | (indices >= self.size)]:
                raise UserError(f"{self.name}: no sample {index}, there are {self.size}")
        if indices.size == 0:
            raise UserError(f"{self.name}: the selection is empty, there are {self.size} samples")
        numerators = _as_stored(self.numerators[indices])
        return replace(self, numerators=numerators, labels=self.labels[indices])

    def digest(self) -> str:
        """Two data sets have the same digest if and only if they are the same labelled points.

        That is: the same points in the same order, the same label names, and
        the same label for each sample; name, pixel range, image shape and
        feature names do not enter, nor does the file format.  The digest is the
        SHA-256, in hex, of these bytes:

        1. the ASCII line ``robmem-dataset 1``, a newline, then one line of ASCII
           JSON without spaces, ``[size,dimension,denominator,width,names]``, and a
           newline, with the denominator as a decimal string, the least common
           one of all entries, and ``names`` the list of label names;
        2. the labels as little-endian int64;
        3. the numerators over that denominator, row by row, each in two's
           complement, little-endian, of ``width`` bytes: the least multiple of 8
           that holds them all.
        """
        common = _common_divisor(self.numerators, self.denominator)
        greatest = max(-int(self.numerators.min()) - 1, int(self.numerators.max())) // common
        width = 8 * (greatest.bit_length() // 64 + 1)
        header = [
            self.size, self.dimension, as_text(self.denominator // common), width,
            self.label_names,
        ]  # fmt: skip
        state = hashlib.sha256(b"robmem-dataset 1\n")
        state.update(json.dumps(header, separators=(",", ":")).encode("ascii") + b"\n")
        state.update(self.labels.astype("<i8").tobytes())
        for start in range(0, self.size, 1024):  # chunks keep the copies small
            block = _divided(self.numerators[start : start + 1024], common)
            if width == 8:
                state.update(block.astype("<i8").tobytes())
            else:
                for entry in block.flat:
                    state.update(int(entry).to_bytes(width, "little", signed=True))
        return state.hexdigest()


def check_labelled(dataset: Dataset) -> None:
    """Returns only if the samples can be memorized: two classes, and no point with two labels.

    Raises:
        UserError: If all samples have one label, or if identical inputs carry
            different labels; all such pairs are counted and the first few named.
    """
    present = np.unique(dataset.labels)
    if present.size < 2:
        raise UserError(
            f"{dataset.name}: all {dataset.size} samples have the label "
            f"{dataset.label_names[present[0]]!r}; two classes are needed"
        )
    rows = _row_keys(dataset.numerators)
    groups: dict[object, list[int]] = defaultdict(list)
    for index, key in enumerate(rows):
        groups[key].append(index)
    labels = dataset.labels
    count = 0
    named: list[tuple[int, int]] = []
    for members in groups.values():
        if len(members) > 1:
            sizes = np.unique(labels[members], return_counts=True)[1]
            clashing = math.comb(len(members), 2) - sum(math.comb(int(k), 2) for k in sizes)
            if clashing and len(named) < _NAMED_PAIRS:
                named += _first_clashes(members, labels, _NAMED_PAIRS - len(named))
            count += clashing
    if count:
        names = dataset.label_names
        listed = "; ".join(
            f"samples {i} and {j} ({names[labels[i]]!r} and {names[labels[j]]!r})" for i, j in named
        )
        more = f"; and {count - len(named)} more" if count > len(named) else ""
        pairs = "pair of identical inputs has" if count == 1 else "pairs of identical inputs have"
        raise UserError(
            f"{dataset.name}: {count} {pairs} different labels, so no network "
            f"memorizes them (samples count from 0): {listed}{more}"
        )


_NAMED_PAIRS = 6


def _first_clashes(
    members: list[int], labels: npt.NDArray[np.int64], limit: int
) -> list[tuple[int, int]]:
    """The first `limit` pairs of `members`, in order, that differ in their label."""
    found: list[tuple[int, int]] = []
    for i, j in combinations(members, 2):
        if labels[i] != labels[j]:
            found.append((i, j))
            if len(found) == limit:
                break
    return found


def _row_keys(numerators: IntegerArray) -> Iterator[object]:
    """Keys that are equal exactly where rows are equal."""
    if numerators.dtype == object:
        yield from (tuple(row) for row in numerators)
        return
    # Narrow integers keep 60,000 images at a byte a pixel.
    least, greatest = int(numerators.min()), int(numerators.max())
    narrow = np.promote_types(np.min_scalar_type(least), np.min_scalar_type(greatest))
    if narrow.kind == "f":  # numpy has no integer type for int64 and uint64 together
        narrow = np.dtype(np.int64)
    for row in numerators:
        yield row.astype(narrow).tobytes()


# ----------------------------------------------------------- exact storage


def _largest(numerators: IntegerArray) -> int:
    """The largest absolute value; 0 for an empty array."""
    if numerators.size == 0:
        return 0
    return max(abs(int(numerators.min())), abs(int(numerators.max())))


def _as_stored(numerators: IntegerArray) -> IntegerArray:
    """The same integers, as int64 exactly when all absolute values are below 2^62."""
    fits = _largest(numerators) < INT64_BOUND
    return numerators.astype(np.int64 if fits else object, copy=False)


def _check_storage(name: str, numerators: IntegerArray) -> None:
    fits = _largest(numerators) < INT64_BOUND
    if numerators.dtype != (np.int64 if fits else object):
        raise ValueError(f"{name}: entries are {numerators.dtype}, not as `Dataset` stores them")
    if numerators.dtype == object and not all(type(entry) is int for entry in numerators.flat):
        raise ValueError(f"{name}: an entry is not an integer")


def _common_divisor(numerators: IntegerArray, denominator: int) -> int:
    """The greatest common divisor of the denominator and all numerators."""
    if denominator == 1:
        return 1
    if numerators.dtype != object:
        return math.gcd(int(np.gcd.reduce(numerators, axis=None)), denominator)
    common = denominator
    for entry in numerators.flat:
        common = math.gcd(common, entry)
        if common == 1:
            break
    return common


def _reduced(numerators: IntegerArray, denominator: int) -> tuple[IntegerArray, int]:
    """The same fractions over their least common denominator, as stored."""
    common = _common_divisor(numerators, denominator)
    return _as_stored(_divided(numerators, common)), denominator // common


def _divided(numerators: IntegerArray, common: int) -> IntegerArray:
    """The numerators divided by a number that divides them all."""
    if common == 1:
        return numerators
    if numerators.dtype != object and common > np.iinfo(np.int64).max:
        return np.zeros_like(numerators)  # only 0 is a multiple of so large a number
    return numerators // common


def as_text(number: int | Fraction) -> str:
    """The number as `str` writes it, of any length; `str` stops at 4,300 digits."""
    if isinstance(number, Fraction) and number.denominator > 1:
        return f"{as_text(number.numerator)}/{as_text(number.denominator)}"
    whole = int(number)
    if whole.bit_length() < 8192:
        return str(whole)
    if whole < 0:
        return "-" + as_text(-whole)
    digits = whole.bit_length() * 3 // 20
    high, low = divmod(whole, 10**digits)
    return as_text(high) + as_text(low).rjust(digits, "0")


class _RationalTable:
    """Rows of fractions, each over its own denominator until all are known."""

    def __init__(self, place: str) -> None:
        self._place = place
        self._rows: list[IntegerArray] = []
        self._denominators: list[int] = []
        self._common = 1
        self._bits = 1

    def append(self, numerators: list[int], denominator: int) -> None:
        """Adds the row numerators / denominator."""
        array = _as_stored(np.array(numerators, dtype=object))
        self._rows.append(array)
        self._denominators.append(denominator)
        self._common = math.lcm(self._common, denominator)
        self._bits = max(self._bits, _largest(array).bit_length())
        entries = len(numerators) * len(self._rows)
        if entries > MAX_ENTRIES:
            raise UserError(f"{self._place}: more than {MAX_ENTRIES} entries")
        # Before anything is expanded: one tiny decimal can widen every entry.
        bits = self._common.bit_length() + self._bits
        if bits > 64 and entries * bits > MAX_STORAGE_BITS:
            raise UserError(
                f"{self._place}: {entries} entries need up to {bits} bits each over their common "
                f"denominator, more than the {MAX_STORAGE_BITS} bits allowed in all"
            )

    def settle(self) -> tuple[IntegerArray, int]:
        """All rows over their least common denominator, as (numerators, denominator)."""
        if not self._rows:
            raise UserError(f"{self._place}: no samples")
        shape = (len(self._rows), len(self._rows[0]))
        factors = [self._common // denominator for denominator in self._denominators]
        fits = all(
            _largest(row) * factor < INT64_BOUND
            for row, factor in zip(self._rows, factors, strict=True)
        )
        numerators: IntegerArray = np.zeros(shape, dtype=np.int64 if fits else object)
        for index, (row, factor) in enumerate(zip(self._rows, factors, strict=True)):
            if not fits:
                numerators[index] = row.astype(object) * factor
            elif row.any():  # the factor of a row of zeros need not fit
                numerators[index] = row * factor
        return _reduced(numerators, self._common)


# -------------------------------------------------------------------- labels

_INTEGER_LABEL = re.compile(r"[+-]?[0-9]+(?:\.0*)?")


def _is_integer(name: str) -> bool:
    return _INTEGER_LABEL.fullmatch(name) is not None and len(name) <= MAX_DIGITS


def _sorted_labels(names: Iterable[str]) -> list[str]:
    """The distinct names, by value if all are integers, else as strings."""
    distinct = set(names)
    if all(_is_integer(name) for name in distinct):
        return sorted(distinct, key=lambda name: (int(name.partition(".")[0]), name))
    return sorted(distinct)


def _label_table(place: str, texts: Sequence[str]) -> tuple[tuple[str, ...], npt.NDArray[np.int64]]:
    """The sorted label names and the number of each label; 1, +1, 01 and 1.0 are one integer."""
    if all(_is_integer(text) for text in set(texts)):
        texts = [str(int(text.partition(".")[0])) for text in texts]
    names = _sorted_labels(texts)
    for name in names:
        if not name or not name.isprintable():
            raise UserError(f"{place}: {name!r} is not a label: empty or not printable")
    number = {name: index for index, name in enumerate(names)}
    return tuple(names), np.array([number[text] for text in texts], dtype=np.int64)


# ------------------------------------------------------------------- loading


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
        return _bundled(spec)
    path = Path(spec)
    if spec.endswith((".csv", ".csv.gz")):
        return _load_csv(path)
    if spec.endswith(".npz"):
        return _load_npz(path)
    if spec and path.is_dir():
        return _load_mnist(path, "train")
    for colon in (match.start() for match in re.finditer(":", spec)):
        left, right = Path(spec[:colon]), spec[colon + 1 :]
        if left.is_dir() and right in _MNIST_PARTS:
            return _load_mnist(left, right)
        if left.is_file() and Path(right).is_file():
            return _load_idx(left, Path(right), _file_name(left))
    raise UserError(
        f"{spec!r} is no data set: neither one of {', '.join(BUNDLED)} "
        "nor an existing FILE.csv[.gz], FILE.npz, FOLDER[:train|:test] with the MNIST files, "
        "or IMAGES:LABELS pair of idx files"
    )


def _file_name(path: Path) -> str:
    """The name of the file without its endings, of characters safe in any file name."""
    stem = re.sub(r"\.(gz|csv|npz)$", "", re.sub(r"\.gz$", "", path.resolve().name))
    return re.sub(r"[^A-Za-z0-9._-]+", "-", stem).strip("-.") or "data"


def _read(path: Path, limit: int) -> bytes:
    """The content of a file, unpacked if .gz, refused beyond `limit` bytes.

    Raises:
        UserError: If it cannot be read, is damaged or too long.
    """
    with _unpacked(path) as stream:
        content = _chunk(path, stream, limit + 1)
    if len(content) > limit:
        raise UserError(f"{path}: more than {limit} bytes")
    return content


def _unpacked(path: Path) -> IO[bytes]:
    try:
        if path.name.endswith(".gz"):
            return cast(IO[bytes], gzip.open(path, "rb"))
        return path.open("rb")
    except OSError as error:
        raise UserError(f"{path}: {error.strerror or error}") from error


def _chunk(path: Path, stream: IO[bytes], size: int) -> bytes:
    """The next `size` bytes, fewer only at the end; memory grows with what is really there."""
    parts: list[bytes] = []
    missing = size
    try:
        while missing > 0 and (part := stream.read(min(missing, 2**20))):
            parts.append(part)
            missing -= len(part)
    except (OSError, EOFError, zlib.error) as error:
        raise UserError(f"{path}: damaged or unreadable: {error}") from error
    return b"".join(parts)


# ----------------------------------------------------------------------- csv

_NUMBER = re.compile(r"([+-]?)([0-9]*)(?:\.([0-9]*))?(?:[eE]([+-]?)0*([0-9]+))?")


def _decimal(text: str) -> tuple[int, int] | None:
    """Integers (m, d) with d >= 0 and text = m / 10^d; None if `text` is not a number.

    Raises:
        ValueError: If it is one, but too long to be written out.
    """
    if text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS:
        return int(text), 0  # most cells of most tables
    match = _NUMBER.fullmatch(text)
    if match is None:
        return None
    sign, whole, part, exponent_sign, exponent = match.groups(default="")
    digits = whole + part
    if not digits:
        return None
    if len(digits) > MAX_DIGITS or len(exponent) > 5 or int(exponent or 0) > MAX_DIGITS:
        raise ValueError(f"has more than {MAX_DIGITS} digits or too large an exponent")
    mantissa = -int(digits) if sign == "-" else int(digits)
    decimals = len(part) - int(exponent_sign + (exponent or "0"))
    if decimals < 0:
        return mantissa * 10**-decimals, 0
    return mantissa, decimals


def _decimal_row(cells: Sequence[str], place: str) -> tuple[list[int], int]:
    """The cells as (numerators, common power of ten).

    Raises:
        UserError: If one is not a number, at `place` and its column, counted from 1.
    """
    mantissas: list[int] = []
    decimals: list[int] = []
    for column, cell in enumerate(cells, start=1):
        try:
            pair = _decimal(cell)
        except ValueError as error:
            raise UserError(f"{place}, column {column}: {_shown(cell)} {error}") from error
        if pair is None:
            raise UserError(f"{place}, column {column}: {_shown(cell)} is not a number")
        mantissas.append(pair[0])
        decimals.append(pair[1])
    most = max(decimals)
    if most == 0:
        return mantissas, 1
    scaled = [m * 10 ** (most - d) for m, d in zip(mantissas, decimals, strict=True)]
    return scaled, 10**most


def _shown(cell: str) -> str:
    return repr(cell) if len(cell) <= 40 else repr(cell[:40]) + "..."


def _csv_rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """The rows that are not blank, as (line where the row ends, stripped cells)."""

    def lines() -> Iterator[str]:
        total = 0
        with _unpacked(path) as stream:
            number = 0
            while True:
                number += 1
                try:
                    raw = stream.readline(MAX_LINE + 1)
                except (OSError, EOFError, zlib.error) as error:
                    raise UserError(
                        f"{path}: line {number}: damaged or unreadable: {error}"
                    ) from error
                if not raw:
                    return
                total += len(raw)
                if len(raw) > MAX_LINE or total > MAX_TEXT:
                    raise UserError(
                        f"{path}: line {number}: more than {MAX_LINE} bytes in a line "
                        f"or {MAX_TEXT} in the file"
                    )
                try:
                    text = raw.decode("utf-8-sig" if number == 1 else "utf-8")
                except UnicodeDecodeError as error:
                    raise UserError(
                        f"{path}: line {number}: byte {error.start + 1} is not UTF-8"
                    ) from error
                yield text

    reader = csv.reader(lines(), strict=True)
    while True:
        try:
            row = next(reader, None)
        except csv.Error as error:
            raise UserError(f"{path}: line {reader.line_num}: {error}") from error
        if row is None:
            return
        cells = [cell.strip() for cell in row]
        if any(cells):
            yield reader.line_num, cells


def _header(cells: list[str]) -> bool:
    """Whether a first row names columns: its input cells are distinct words, none a number."""
    inputs = cells[:-1]
    words = all(_NUMBER.fullmatch(cell) is None and cell.isprintable() for cell in inputs)
    values = {"nan", "inf", "infinity", "na", "null", "none", "?"}
    return (
        words
        and bool(inputs)
        and len(set(inputs)) == len(inputs)
        and not values & {cell.lower().lstrip("+-") for cell in inputs}
    )


def _load_csv(path: Path) -> Dataset:
    table = _RationalTable(str(path))
    names: tuple[str, ...] | None = None
    width = first_line = 0
    labels: list[str] = []
    for line, cells in _csv_rows(path):
        if width == 0:
            width, first_line = len(cells), line
            if width < 2:
                raise UserError(
                    f"{path}: line {line}: one column; inputs and then a label are needed"
                )
            if _header(cells):
                names = tuple(cells[:-1])
                continue
        if len(cells) != width:
            raise UserError(
                f"{path}: line {line}, column {min(len(cells), width) + 1}: "
                f"{len(cells)} columns, line {first_line} has {width}"
            )
        if not cells[-1] or not cells[-1].isprintable():
            raise UserError(
                f"{path}: line {line}, column {width}: {_shown(cells[-1])} is not a label"
            )
        table.append(*_decimal_row(cells[:-1], f"{path}: line {line}"))
        labels.append(cells[-1])
    numerators, denominator = table.settle()
    label_names, indices = _label_table(str(path), labels)
    return Dataset(
        _file_name(path), numerators, denominator, indices, label_names, feature_names=names
    )


# ----------------------------------------------------------------------- npz


def _load_npz(path: Path) -> Dataset:
    points = _npz_array(path, "X")
    targets = _npz_array(path, "y")
    place = f"{path}: array X"
    if points.ndim < 2:
        raise UserError(f"{place}: shape {points.shape}, one row a sample is needed")
    if points.shape[0] == 0 or points.size == 0:
        raise UserError(f"{path}: no samples")
    shape = points.shape
    flat = points.reshape(shape[0], -1)
    if targets.ndim == 2 and targets.shape[1] == 1:
        targets = targets[:, 0]
    if targets.shape != shape[:1]:
        raise UserError(
            f"{path}: array y has shape {targets.shape}, array X has {shape[0]} samples"
        )
    label_names, indices = _label_table(f"{path}: array y", _array_labels(path, targets))
    if flat.dtype.kind in "biu":
        wide = flat.astype(object if flat.dtype == np.uint64 else np.int64)
        numerators, denominator = _as_stored(wide), 1
    else:
        numerators, denominator = _dyadics(place, flat)
    return Dataset(
        _file_name(path), numerators, denominator, indices, label_names,
        image_shape=(int(shape[1]), int(shape[2])) if len(shape) == 3 else None,
    )  # fmt: skip


def _npz_array(path: Path, name: str) -> npt.NDArray[Any]:
    """One array of an .npz file: numbers or strings, its size checked against its bytes."""
    place = f"{path}: array {name}"
    limit = 8 * MAX_ENTRIES
    try:
        with zipfile.ZipFile(path) as archive:
            members = [info for info in archive.infolist() if info.filename == f"{name}.npy"]
            if len(members) != 1:
                held = ", ".join(sorted(info.filename for info in archive.infolist())[:8])
                raise UserError(f"{path}: {len(members)} arrays called {name}; it holds: {held}")
            if members[0].file_size > limit:
                raise UserError(f"{place}: more than {limit} bytes")
            with archive.open(members[0]) as stream:
                content = _chunk(path, stream, limit + 1)
    except OSError as error:
        raise UserError(f"{path}: {error.strerror or error}") from error
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        # RuntimeError is what zipfile raises for an encrypted member.
        raise UserError(f"{path}: not a readable .npz file: {error}") from error
    stream = BytesIO(content)
    try:
        version = np.lib.format.read_magic(stream)
        read_header = {
            (1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0,
        }[version]
        shape, fortran, dtype = read_header(stream)
    except KeyError as error:
        raise UserError(f"{place}: unknown .npy version {error}") from error
    except (ValueError, TypeError, SyntaxError, TokenError, RecursionError, MemoryError) as error:
        raise UserError(f"{place}: damaged header: {error}") from error
    if dtype.kind not in "biufUS" or dtype.itemsize == 0 or dtype in (np.longdouble,):
        raise UserError(f"{place}: entries of type {dtype}; integers, floats or strings are needed")
    body = content[stream.tell() :]
    entries = math.prod(shape)
    if min(shape, default=0) < 0 or entries * dtype.itemsize != len(body):
        raise UserError(
            f"{place}: {len(body)} bytes, shape {shape} of {dtype} needs {entries * dtype.itemsize}"
        )
    if entries > MAX_ENTRIES:
        raise UserError(f"{place}: {entries} entries, more than {MAX_ENTRIES}")
    array = np.frombuffer(body, dtype=dtype)
    return array.reshape(shape, order="F" if fortran else "C")


def _array_labels(path: Path, targets: npt.NDArray[Any]) -> list[str]:
    if targets.dtype.kind == "f":
        for index in np.flatnonzero(~np.isfinite(targets) | (targets != np.floor(targets))):
            raise UserError(f"{path}: array y: entry {index}, {targets[index]}, is not an integer")
        return [str(int(target)) for target in targets]
    if targets.dtype.kind == "S":
        return [bytes(target).decode("latin-1").strip() for target in targets]
    if targets.dtype.kind == "b":
        return [str(int(target)) for target in targets]
    return [str(target).strip() for target in targets]


def _dyadics(place: str, values: npt.NDArray[Any]) -> tuple[IntegerArray, int]:
    """The floats, each as the dyadic fraction it is, over their least common denominator.

    Raises:
        UserError: If one is not finite.
    """
    for row, column in np.argwhere(~np.isfinite(values)):
        raise UserError(f"{place}: row {row}, column {column}: {values[row, column]}")
    fractions, exponents = np.frexp(values.astype(np.float64))
    # A float64 is an integer of at most 53 bits times a power of two.
    mantissas = np.ldexp(fractions, 53).astype(np.int64)
    powers = exponents.astype(np.int64) - 53
    if not mantissas.any():
        return mantissas, 1
    lowest_set = mantissas & -mantissas
    zeros = np.where(mantissas == 0, 0, np.frexp(lowest_set.astype(np.float64))[1] - 1)
    mantissas >>= zeros
    powers = np.where(mantissas == 0, 0, powers + zeros)
    least = min(0, int(powers.min()))
    shifts = powers - least
    bits = int(shifts.max()) + 53
    if bits <= 62:
        return _as_stored(mantissas << shifts), 2**-least
    if mantissas.size * bits > MAX_STORAGE_BITS:
        raise UserError(
            f"{place}: {mantissas.size} entries need up to {bits} bits each over their common "
            f"denominator, more than the {MAX_STORAGE_BITS} bits allowed in all"
        )
    return _as_stored(mantissas.astype(object) << shifts.astype(object)), 2**-least


# ----------------------------------------------------------------- MNIST idx

_MNIST_PARTS = {"train": "train", "test": "t10k"}


def _load_mnist(folder: Path, part: str) -> Dataset:
    """The training or test images of a folder that holds MNIST's four files, compressed or not."""
    prefix = _MNIST_PARTS[part]

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

    return _load_idx(find("images", 3), find("labels", 1), f"{_file_name(folder)}-{part}")


def _load_idx(images: Path, labels: Path, name: str) -> Dataset:
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
    with _unpacked(path) as stream:
        magic = _chunk(path, stream, 4)
        if len(magic) < 4 or magic[:2] != b"\0\0":
            raise UserError(f"{path}: not an idx file: it begins with 0x{magic.hex()}")
        if magic[2] != 8:
            raise UserError(f"{path}: idx type 0x{magic[2]:02x}; unsigned bytes (0x08) are needed")
        if not 1 <= magic[3] <= 4:
            raise UserError(f"{path}: {magic[3]} dimensions, 1 to 4 are read")
        header = _chunk(path, stream, 4 * magic[3])
        if len(header) < 4 * magic[3]:
            raise UserError(f"{path}: ends within its header")
        shape = struct.unpack(f">{magic[3]}I", header)
        entries = math.prod(shape)
        if entries > MAX_ENTRIES:
            raise UserError(f"{path}: {entries} entries, more than {MAX_ENTRIES}")
        body = _chunk(path, stream, entries + 1)
    if len(body) != entries:
        found = "more" if len(body) > entries else str(len(body))
        raise UserError(f"{path}: shape {shape} needs {entries} bytes, there are {found}")
    return np.frombuffer(body, dtype=np.uint8).reshape(shape)


# ------------------------------------------------------------ bundled tables


def _bundled(name: str) -> Dataset:
    """A table of scikit-learn; a float stands for the decimal that it prints."""
    from sklearn import datasets  # takes a second, and only these tables need it

    bunch = getattr(datasets, f"load_{name}")()
    table = _RationalTable(name)
    for index, row in enumerate(bunch.data):
        cells = [repr(float(value)) for value in row]
        table.append(*_decimal_row(cells, f"{name}: sample {index}"))
    numerators, denominator = table.settle()
    names = [str(target) for target in bunch.target_names]
    label_names, labels = _label_table(name, [names[int(target)] for target in bunch.target])
    return Dataset(
        name, numerators, denominator, labels, label_names,
        pixel_range=(Fraction(0), Fraction(16)) if name == "digits" else None,
        image_shape=(8, 8) if name == "digits" else None,
        feature_names=tuple(str(feature) for feature in bunch.feature_names),
    )  # fmt: skip

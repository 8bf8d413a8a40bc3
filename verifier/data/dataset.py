"""Labelled samples with exact rational entries, over one common denominator."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt

from verifier.data.labels import label_table, numbered, output_names
from verifier.data.storage import (
    IntegerArray,
    RationalTable,
    as_stored,
    check_storage,
)
from verifier.evidence.data_file import data_digest
from verifier.question.errors import UserError
from verifier.question.labels import sorted_labels
from verifier.question.rational import exact
from verifier.question.shown import Shown, brief


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Dataset(Shown):
    """Sample i is the point numerators[i] / denominator with label label_names[labels[i]].

    The arrays are given away: they are read-only from then on.  All conditions
    are checked once, here, and hold for every `Dataset`.

    Attributes:
        name: Short, fit for a file name.
        numerators: (size, dimension), not empty; int64 exactly when every
            absolute value is below 2^62, else Python ints (dtype object).
        denominator: Positive; common to all entries, not necessarily minimal.
        labels: (size,) int64 in 0..classes-1.
        label_names: Distinct; sorted by value if all are integers, else naturally.
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
        check_storage(self.name, numerators)
        if labels.dtype != np.int64:
            raise ValueError(f"{self.name}: labels are {labels.dtype}, not int64")
        if int(labels.min()) < 0 or int(labels.max()) >= len(self.label_names):
            raise ValueError(
                f"{self.name}: labels {labels.min()}..{labels.max()} "
                f"are not among 0..{len(self.label_names) - 1}"
            )
        if list(self.label_names) != sorted_labels(self.label_names):
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
        table = RationalTable(name)
        width = None
        for index, row in enumerate(rows):
            width = len(row) if width is None else width
            if len(row) != width:
                raise UserError(
                    f"{name}: sample {index} has {len(row)} inputs, sample 0 has {width}"
                )
            entries = [Fraction(exact(entry)) for entry in row]
            common = math.lcm(*(entry.denominator for entry in entries))
            table.append(
                [entry.numerator * (common // entry.denominator) for entry in entries], common
            )
        numerators, denominator = table.settle()
        label_names, indices = label_table(name, [str(label) for label in labels])
        return cls(
            name, numerators, denominator, indices, label_names,
            pixel_range, image_shape, feature_names,
        )  # fmt: skip

    @classmethod
    def from_arrays(
        cls,
        points: Any,
        labels: Any,
        *,
        name: str = "data",
        decimals: bool = False,
        pixel_range: tuple[Any, Any] | None = None,
        image_shape: tuple[int, int] | None = None,
        feature_names: Sequence[str] | None = None,
    ) -> Dataset:
        """Sample i is points[i], exactly, with the label labels[i].

        Arrays, lists, frames of pandas or polars (columns name the inputs), tensors; an array of
        images says their shape. A float is the dyadic fraction it is, with `decimals` the decimal
        that it prints; texts and Fractions are exact.

        >>> Dataset.from_arrays([[0.1, 2]], ["a"], decimals=True).point(0)
        (Fraction(1, 10), Fraction(2, 1))

        Raises:
            UserError: If they do not fit together, or an entry is not a finite number.
        """
        from verifier.data.held import dataset_of

        return dataset_of(
            points, labels, name=name, decimals=decimals, pixel_range=pixel_range,
            image_shape=image_shape, feature_names=feature_names,
        )  # fmt: skip

    def _facts(self) -> list[tuple[str, str]]:
        return [
            ("name", repr(self.name)),
            ("samples", str(self.size)),
            ("inputs", str(self.dimension)),
            ("labels", brief(self.label_names)),
        ]

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
        numerators = as_stored(self.numerators[indices])
        return replace(self, numerators=numerators, labels=self.labels[indices])

    def for_outputs(
        self,
        decoder: str,
        outputs: int,
        labels: Sequence[str] | None = None,
        of_file: str | None = None,
    ) -> Dataset:
        """The same samples for a network with that many outputs: label number j is output j.

        The data need not have a sample of each label; see `output_names`, which raises UserError
        where they do not fit. Names in an order of their own stand behind their numbers. `of_file`
        is the file that names its outputs so, where no user does.
        """
        names = output_names(self.name, decoder, outputs, self.label_names, labels, of_file)
        if names == list(self.label_names):
            return self
        place = {name: number for number, name in enumerate(names)}
        moved = np.array([place[name] for name in self.label_names], dtype=np.int64)
        return replace(self, labels=moved[self.labels], label_names=tuple(numbered(names)))

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
        return data_digest(self.numerators, self.denominator, self.labels, self.label_names)


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

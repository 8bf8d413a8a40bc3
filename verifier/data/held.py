"""Numbers, points, data sets and choices of samples as a caller of the library holds them, exactly.

Integers, Fractions and Decimals are what they are, texts the numbers they print, floats the dyadic
fractions they are; with `decimals`, a float stands for the decimal that it prints, 0.1 for 1/10.
Frames of pandas and polars and tensors of PyTorch are told by what they have; none is imported.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from decimal import Decimal
from fractions import Fraction
from numbers import Integral, Rational
from typing import Any

import numpy as np
import numpy.typing as npt

from verifier.data.arrays import labelled_arrays
from verifier.data.dataset import Dataset
from verifier.question.errors import UserError
from verifier.question.rational import parse_rational

Number = int | float | str | Fraction | Decimal
"""What a single number may be given as; NumPy's numbers too."""

SHOWN = 40  # characters of a value in a message


def exact_number(value: Any, place: str = "number", *, decimals: bool = False) -> Fraction:
    """The number exactly; raises UserError, naming the place, for whatever is none.

    >>> exact_number("0.1"), exact_number(0.5), exact_number(0.1, decimals=True)
    (Fraction(1, 10), Fraction(1, 2), Fraction(1, 10))
    """
    if isinstance(value, str):
        try:
            return parse_rational(value)
        except UserError as error:
            raise UserError(f"{place}: {error}") from None
    if isinstance(value, bool | np.bool_):
        raise UserError(f"{place}: {value} is not a number")
    if isinstance(value, Rational | Integral):
        return Fraction(int(value.numerator), int(value.denominator))
    if hasattr(value, "item") and getattr(value, "ndim", 0) == 0 and not _is_real(value):
        value = value.item()  # a tensor or an array of a single number
    if _is_real(value):
        if not math.isfinite(value):
            raise UserError(f"{place}: {value} is not a finite number")
        if isinstance(value, Decimal) or not decimals:
            return Fraction(*value.as_integer_ratio())
        return parse_rational(str(value))  # of a NumPy float: the digits of its own precision
    shown = str(value)[:SHOWN]
    raise UserError(f"{place}: {shown!r} of type {type(value).__name__} is not a number")


def _is_real(value: Any) -> bool:
    return isinstance(value, float | Decimal | np.floating)


def exact_vector(values: Any, place: str, *, decimals: bool = False) -> tuple[Fraction, ...]:
    """The entries of a list, an array, a tensor or a row of a frame, images row after row.

    >>> exact_vector(np.array([[0.5, 1]]), "center")
    (Fraction(1, 2), Fraction(1, 1))
    """
    entries = _plain(values)
    if isinstance(entries, str) or not isinstance(entries, Iterable):
        raise UserError(f"{place}: {str(values)[:SHOWN]!r} is not a list of numbers")
    flat = entries.reshape(-1) if isinstance(entries, np.ndarray) else list(entries)
    return tuple(
        exact_number(entry, f"{place}: entry {k}", decimals=decimals)
        for k, entry in enumerate(flat)
    )


def dataset_of(
    points: Any,
    labels: Any,
    *,
    name: str = "data",
    decimals: bool = False,
    pixel_range: tuple[Any, Any] | None = None,
    image_shape: tuple[int, int] | None = None,
    feature_names: Sequence[str] | None = None,
) -> Dataset:
    """Sample i is points[i], exactly, with the label labels[i]; see `Dataset.from_arrays`."""
    names = feature_names
    if names is None and hasattr(points, "columns"):
        names = [str(column) for column in points.columns]
    rows, targets = _plain(points), np.asarray(_plain(labels))
    if targets.dtype == object:
        targets = np.array([_label(label, k) for k, label in enumerate(targets.reshape(-1))])
    if isinstance(rows, np.ndarray) and rows.dtype.kind in "biuf" and not decimals:
        made = labelled_arrays(name, rows, targets, f"{name}: X", f"{name}: y")
    else:
        listed = [
            exact_vector(row, f"{name}: sample {k}", decimals=decimals)
            for k, row in enumerate(_rows(name, rows))
        ]
        if not listed:
            raise UserError(f"{name}: no samples")
        # The labels are read as those of arrays are; the points beside them do not matter.
        read = labelled_arrays(
            name, np.zeros((len(listed), 1), np.int64), targets, f"{name}: X", f"{name}: y"
        )
        made = Dataset.from_rows(
            name, listed, [read.label_names[int(label)] for label in read.labels]
        )
    if image_shape is None:
        image_shape = made.image_shape or _images(rows)
    bounds = None
    if pixel_range is not None:
        low, high = (exact_number(end, "pixel_range", decimals=decimals) for end in pixel_range)
        bounds = (low, high)
    try:
        return Dataset(
            name, made.numerators, made.denominator, made.labels, made.label_names,
            bounds, image_shape, None if names is None else tuple(map(str, names)),
        )  # fmt: skip
    except ValueError as error:
        raise UserError(error) from None


def _images(rows: Any) -> tuple[int, int] | None:
    """Rows and columns of an image, of an array of images."""
    if isinstance(rows, np.ndarray) and rows.ndim == 3:
        return int(rows.shape[1]), int(rows.shape[2])
    return None


def _rows(name: str, rows: Any) -> Iterable[Any]:
    if isinstance(rows, str) or not isinstance(rows, Iterable):
        raise UserError(f"{name}: {type(rows).__name__} is not a list of samples")
    if isinstance(rows, np.ndarray) and rows.ndim < 2:
        raise UserError(f"{name}: X: shape {rows.shape}, one row a sample is needed")
    return rows


def _label(label: Any, index: int) -> str:
    missing = not isinstance(label, str) and str(label) in ("None", "nan", "NaT", "<NA>")
    if missing or isinstance(label, dict | list | set):
        raise UserError(f"y: entry {index}, {str(label)[:SHOWN]}, is not a label")
    if isinstance(label, float) and not label.is_integer():
        raise UserError(f"y: entry {index}, {label}, is not a label: not an integer")
    return str(int(label) if isinstance(label, bool | float) else label)


def _plain(values: Any) -> Any:
    """An array of what a frame, a series or a tensor holds; anything else as it is."""
    if hasattr(values, "detach"):  # PyTorch
        values = values.detach().cpu()
    kinds = getattr(values, "dtypes", ())  # of a frame: one a column
    if np.ndim(kinds) == 1 and len({str(kind) for kind in kinds}) > 1:
        # Column by column: as one array of floats, large integers of another column would round.
        rows = values.rows() if hasattr(values, "rows") else values.to_numpy(dtype=object)
        return np.array(rows, dtype=object)
    if hasattr(values, "to_numpy"):  # pandas, polars
        return np.asarray(values.to_numpy())
    if hasattr(values, "toarray"):  # scipy.sparse
        return np.asarray(values.toarray())
    if hasattr(values, "__array__"):
        return np.asarray(values)
    return values


def sample_list(samples: Any, size: int) -> list[int] | None:
    """The numbers of the chosen samples, as a slice, a mask or integers choose them; None for None.

    >>> sample_list(slice(-2, None), 5), sample_list(np.array([True, False]), 2), sample_list(3, 5)
    ([3, 4], [0], [3])
    """
    if samples is None:
        return None
    if isinstance(samples, slice):
        chosen = list(range(size)[samples])
        if not chosen:
            raise UserError(f"samples: {samples} holds none of the {size} samples")
        return chosen
    try:
        array: npt.NDArray[Any] = np.asarray(_plain(samples)).reshape(-1)
    except ValueError:  # lists of several lengths
        raise UserError(f"samples: {str(samples)[:SHOWN]!r} are no integers") from None
    if array.dtype == np.bool_:
        if len(array) != size:
            raise UserError(f"samples: a mask of {len(array)} entries for {size} samples")
        return [int(index) for index in np.flatnonzero(array)]
    if array.size and array.dtype.kind not in "iu":
        shown = str(samples)[:SHOWN]
        raise UserError(f"samples: {shown!r} is neither a slice, a mask nor integers")
    for index in array[(array < 0) | (array >= size)]:
        raise UserError(f"samples: no sample {index}, there are {size}, counted from 0")
    return [int(index) for index in array]

"""Label names: sorted by value where all are integers, and numbered in that order."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from verifier.data.decimals import MAX_DIGITS
from verifier.question.errors import UserError

_INTEGER_LABEL = re.compile(r"[+-]?[0-9]+(?:\.0*)?")


def is_integer(name: str) -> bool:
    return _INTEGER_LABEL.fullmatch(name) is not None and len(name) <= MAX_DIGITS


def sorted_labels(names: Iterable[str]) -> list[str]:
    """The distinct names, by value if all are integers, else as strings."""
    distinct = set(names)
    if all(is_integer(name) for name in distinct):
        return sorted(distinct, key=lambda name: (int(name.partition(".")[0]), name))
    return sorted(distinct)


def label_table(place: str, texts: Sequence[str]) -> tuple[tuple[str, ...], npt.NDArray[np.int64]]:
    """The sorted label names and the number of each label; 1, +1, 01 and 1.0 are one integer."""
    if all(is_integer(text) for text in set(texts)):
        texts = [str(int(text.partition(".")[0])) for text in texts]
    names = sorted_labels(texts)
    for name in names:
        if not name or not name.isprintable():
            raise UserError(f"{place}: {name!r} is not a label: empty or not printable")
    number = {name: index for index, name in enumerate(names)}
    return tuple(names), np.array([number[text] for text in texts], dtype=np.int64)

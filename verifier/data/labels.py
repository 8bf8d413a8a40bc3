"""Labels of samples as numbers: the places of their names, sorted."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from verifier.question.errors import UserError
from verifier.question.labels import is_integer, sorted_labels


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

"""What the name of a column says of it: that it holds the labels, or that it numbers the rows."""

from __future__ import annotations

import re
from collections.abc import Sequence

from verifier.data.decimals import shown

_LABELS = {
    "label", "labels", "lab", "class", "classes", "target", "targets", "species", "category",
    "categories", "outcome", "outcomes", "diagnosis", "response", "result",
}  # fmt: skip
_BESIDE = {"", "id", "name", "code", "true", "is", "y"}  # words that stand beside one of `_LABELS`
_INDICES = {"id", "ids", "index", "idx", "row", "rows", "no", "nr", "number", "num", "rownum"}


def names_labels(name: str) -> bool:
    """Whether the name is one of labels alone: class, or class_id, trueLabel, class 2.

    Capitals do not matter, and digits and punctuation part words.
    """
    words = _words(name)
    return bool(words & _LABELS) and words <= _LABELS | _BESIDE


def may_name_labels(name: str) -> bool:
    """Whether the name is one of labels, or y, which is also a coordinate."""
    return names_labels(name) or name.strip().lower() == "y"


def names_index(name: str) -> bool:
    """Whether a word of the name is one of columns that number the rows, as in sampleId."""
    return bool(_words(name) & _INDICES)


def rivals(names: Sequence[str]) -> list[int]:
    """The columns before the last that, going by their names, may hold the labels instead of it.

    These are the ones with names of labels.  If there are none, and the last
    is not called so either, it is a column y that is the first or has no x
    beside it; or, if the last is called y, every other y.
    """
    before, last = range(len(names) - 1), names[-1]
    if found := [k for k in before if names_labels(names[k])]:
        return found
    if names_labels(last):
        return []
    lower = [name.strip().lower() for name in names]
    plane = "x" in lower and lower[-1] != "y"
    return [k for k in before if lower[k] == "y" and not (plane and k > 0)]


def called(name: str) -> str:
    """The name as one writes it behind an option."""
    return name if re.fullmatch(r"[\w.][\w.-]*", name) else shown(name)


def _words(name: str) -> set[str]:
    parted = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    return set(re.split(r"[\W\d_]+", parted.lower()))

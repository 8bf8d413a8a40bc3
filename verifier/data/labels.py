"""Label names: sorted by value where all are integers, else naturally, and numbered in that order.

Where a network is given, label number j is what its output j stands for: `for_outputs`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from verifier.question.errors import UserError
from verifier.question.labels import is_integer, sorted_labels


def label_table(place: str, texts: Sequence[str]) -> tuple[tuple[str, ...], npt.NDArray[np.int64]]:
    """The sorted label names and the number of each label; 1, +1, 01 and 1.0 are one integer."""
    if all(is_integer(text) for text in set(texts)):
        texts = list(map(_integer, texts))
    names = sorted_labels(texts)
    for name in names:
        if not name or not name.isprintable():
            raise UserError(f"{place}: {name!r} is not a label: empty or not printable")
    number = {name: index for index, name in enumerate(names)}
    return tuple(names), np.array([number[text] for text in texts], dtype=np.int64)


def _integer(text: str) -> str:
    """An integer as it is written in decimal; another text is itself."""
    return str(int(text.partition(".")[0])) if is_integer(text) else text


def output_names(
    place: str,
    decoder: str,
    outputs: int,
    present: Sequence[str],
    given: Sequence[str] | None,
    of_file: str | None = None,
) -> list[str]:
    """names[j]: the label that a network's output j stands for, or the j-th of all labels where the
    decoder reads one output; `present` are the names in the data, which need not hold all of them.

    Those of `given`, in its order, if it is not None; `of_file` is the file that names them, where
    no user does. Else for `argmax`: j itself, if the names are integers among 0 .. outputs-1; else
    the names in their order, one for each output. Raises UserError where there are too few, and for
    a name that stands for nothing.
    """
    if given is not None:
        names = [name if "." in name else _integer(name) for name in given]
        strange = [name for name in present if name not in names]
        listed = ", ".join(map(repr, given[:5])) + (", .." if len(given) > 5 else "")
        # 1 and 1.0 are one label in data whose labels are all integers, see `label_table`.
        known = [_integer(name) for name in names] if all(map(is_integer, present)) else names
        twice = len(set(known)) < len(names)
        if twice and of_file is not None:
            raise UserError(
                f"{of_file} names its outputs {listed}, of which two are one label; "
                "--labels A,B,.. names one for each output, in their order"
            )
        if twice:
            raise UserError("--labels: a label stands there twice")
        if strange and of_file is not None:
            raise UserError(
                f"{of_file} names its outputs {listed}; {place} has the label {strange[0]!r}, "
                "which is none of them; --labels A,B,.. names one for each output, in their order"
            )
        if strange:
            raise UserError(f"--labels: {place} has the label {strange[0]!r}, which is not there")
        if decoder == "argmax" and len(names) != outputs:
            raise UserError(f"--labels: {len(names)} labels for {outputs} outputs")
        return names
    if decoder != "argmax":
        return list(present)
    if all(is_integer(name) and 0 <= int(name.partition(".")[0]) < outputs for name in present):
        return list(map(str, range(outputs)))
    if len(present) == outputs:
        return list(present)
    listed = ", ".join(map(repr, present[:5])) + (", .." if len(present) > 5 else "")
    raise UserError(
        f"argmax: {outputs} outputs, {len(present)} labels in {place} ({listed}); --labels A,B,.. "
        f"names one for each output, in their order"
    )


def numbered(names: Sequence[str]) -> list[str]:
    """The same names in a form that is sorted: as they are if they are sorted, else each behind its
    number, as in "0: cat", "1: bird"."""
    listed = list(names)
    return listed if listed == sorted_labels(listed) else [f"{j}: {n}" for j, n in enumerate(names)]

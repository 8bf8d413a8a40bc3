"""What the columns of the database of runs may hold: one that was edited is refused by name.

SQLite keeps any value in any column, and a file from elsewhere need not obey the constraints of
the tables, so every value is looked at when it is read.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Sequence
from math import isfinite
from typing import Any

from verifier.question.errors import RefusedError
from verifier.runs.records import STATES

_DIGEST = re.compile(r"[0-9a-f]{64}")
_EXACT = re.compile(r"-?(?:[0-9]+|0x[0-9a-f]+)(?:/(?:[0-9]+|0x[0-9a-f]+))?")


def _count(value: Any) -> bool:
    return type(value) is int and 0 <= value < 1 << 62


def _seconds(value: Any) -> bool:
    return type(value) in (int, float) and isfinite(value) and value >= 0


def _text(value: Any) -> bool:
    return type(value) is str


def _digest(value: Any) -> bool:
    return _text(value) and _DIGEST.fullmatch(value) is not None


def _exact(value: Any) -> bool:
    return _text(value) and _EXACT.fullmatch(value) is not None


_STORED = tuple(state for state in STATES if state not in ("misread", "measured"))
# These two are seen from columns of their own.


def _state(value: Any) -> bool:
    return _text(value) and value in _STORED


def _or_none(holds: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: value is None or holds(value)


_COLUMNS: dict[str, tuple[str, Callable[[Any], bool]]] = {
    **dict.fromkeys(("id", "run", "sample", "goal", "nodes"), ("a count", _count)),
    **dict.fromkeys(("attempts", "text_bytes", "packed_bytes"), ("a count", _count)),
    **dict.fromkeys(
        ("seconds", "bounds_seconds", "search_seconds", "check_seconds"), ("a time", _seconds)
    ),
    **dict.fromkeys(("name", "folder", "network", "data", "started"), ("a text", _text)),
    **dict.fromkeys(("question", "options", "about", "facts"), ("a text", _text)),
    **dict.fromkeys(("worker", "ended", "rival"), ("a text", _text)),
    "reason": ("a text or nothing", _or_none(_text)),
    "state": ("one of " + ", ".join(_STORED), _state),
    "misread": ("0 or 1", lambda value: type(value) is int and value in (0, 1)),
    "certificate": ("a digest or nothing", _or_none(_digest)),
    "root": ("a digest or nothing", _or_none(_digest)),
    "lower": ("an exact number or nothing", _or_none(_exact)),
    "upper": ("an exact number or nothing", _or_none(_exact)),
    "measured": ("0 or 1", lambda value: type(value) is int and value in (0, 1)),
    "lower_bound": ("an exact number or nothing", _or_none(_exact)),
    "lowest_seen": ("an exact number or nothing", _or_none(_exact)),
}


def checked_rows(
    place: str, columns: Sequence[str], rows: Iterable[tuple[Any, ...]], *optional: str
) -> list[tuple[Any, ...]]:
    """The rows, whose values are what their columns are for; nothing is one too in `optional`.

    Raises RefusedError, naming the first column and value that is something else.
    """
    kept = list(rows)
    kinds = [(column, *_COLUMNS[column], column in optional) for column in columns]
    for row in kept:
        for value, (column, what, holds, nothing) in zip(row, kinds, strict=True):
            if not holds(value) and not (nothing and value is None):
                shown = ascii(value if type(value) is not bytes else value[:20])[:40]
                raise RefusedError("database damaged", f"{place}: {column} {shown} is not {what}")
    return kept


def parse_object(place: str, text: str) -> dict[str, Any]:
    """The JSON object in `text`, whose texts can all be written as UTF-8; raises RefusedError."""
    try:
        value = json.loads(text)
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        detail = "it holds half of a surrogate pair, which is no text"
        raise RefusedError("database damaged", f"{place}: {detail}") from None
    except (ValueError, RecursionError) as error:
        detail = str(error).splitlines()[0][:80]
        raise RefusedError("database damaged", f"{place} is not JSON: {detail}") from None
    if not isinstance(value, dict):
        raise RefusedError("database damaged", f"{place} is no JSON object")
    return value

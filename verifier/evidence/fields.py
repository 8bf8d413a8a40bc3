"""Values of JSON that must be of one kind: each reader returns it or raises RefusedError."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from verifier.question.errors import RefusedError

_SHOWN = 40  # characters of a value, in a message


def check_fields(value: Any, required: Sequence[str], optional: Sequence[str] = ()) -> None:
    """Returns if `value` is an object of these fields and no others."""
    if not isinstance(value, dict):
        names = ", ".join(required) or "fields"
        raise RefusedError("malformed", f"expected an object with {names}")
    for name in required:
        if name not in value:
            raise RefusedError("missing field", name)
    for name in value:
        if name not in required and name not in optional:
            raise RefusedError("unknown field", repr(name))


def list_in(value: Any, name: str, length: int | None = None) -> list[Any]:
    """The list, of `length` entries; `name` says what it is."""
    if not isinstance(value, list) or (length is not None and len(value) != length):
        raise RefusedError(
            "malformed", f"{name} is not a list" + (f" of {length}" if length else "")
        )
    return value


def index_in(value: Any) -> int:
    """The integer from 0 on."""
    if type(value) is not int or value < 0:
        raise _wrong(value, "an index")
    return value


def text_in(value: Any, what: str = "a text") -> str:
    """The text."""
    if type(value) is not str:
        raise _wrong(value, what)
    return value


def truth_in(value: Any) -> bool:
    """The truth value; numbers are none."""
    if type(value) is not bool:
        raise RefusedError("malformed", f"{str(value)[:_SHOWN]!r} is neither true nor false")
    return value


def _wrong(value: Any, what: str) -> RefusedError:
    return RefusedError("malformed", f"{str(value)[:_SHOWN]!r} is not {what}")

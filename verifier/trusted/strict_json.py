"""JSON as evidence needs it: no duplicate keys, no floats, no NaN, bounded size and depth."""

from __future__ import annotations

import json
from typing import Any, NoReturn

from verifier.trusted.errors import RefusedError

MAX_BYTES = 1 << 30
MAX_DEPTH = 400  # Python's own parser recurses; a proof tree is stored flat and needs little


def parse_json(data: bytes) -> Any:
    """The value that `data` holds; integers stay exact. Raises RefusedError, naming the flaw."""
    if len(data) > MAX_BYTES:
        raise RefusedError("too large", f"{len(data)} bytes of JSON; the limit is {MAX_BYTES}")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise RefusedError("not UTF-8", f"byte {error.start}") from None
    _limit_depth(text)
    try:
        return json.loads(
            text,
            object_pairs_hook=_unique,
            parse_float=_no_float,
            parse_constant=_no_float,
            parse_int=_integer,
        )
    except json.JSONDecodeError as error:
        raise RefusedError("not JSON", f"line {error.lineno}, column {error.colno}") from None


def _limit_depth(text: str) -> None:
    # An upper bound of the depth that needs no parser: brackets inside strings count as well.
    if text.count("[") + text.count("{") <= MAX_DEPTH:
        return
    depth = deepest = 0
    in_string = escaped = False
    for character in text:
        if in_string:
            if escaped:
                escaped = False
            elif character == "\\":
                escaped = True
            elif character == '"':
                in_string = False
        elif character == '"':
            in_string = True
        elif character in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif character in "]}":
            depth -= 1
    if deepest > MAX_DEPTH:
        raise RefusedError("too deep", f"{deepest} nested brackets; the limit is {MAX_DEPTH}")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise RefusedError("duplicate key", repr(key))
            seen.add(key)
    return result


def _no_float(text: str) -> NoReturn:
    raise RefusedError("float", f"{text[:40]} where only integers and exact texts are allowed")


def _integer(text: str) -> int:
    if len(text) > 4000:
        raise RefusedError("too large", f"an integer of {len(text)} digits; write it as a text")
    return int(text)

"""JSON as evidence needs it: no duplicate keys, no floats, no NaN, one text of a rational number,
bounded depth, and read in memory of a small multiple of its size."""

from __future__ import annotations

import json
import re
from fractions import Fraction
from typing import Any, NoReturn

import numpy as np

from verifier.question.errors import RefusedError, UserError
from verifier.question.rational import format_rational, parse_rational

MAX_BYTES = 1 << 30
MAX_DEPTH = 400  # Python's own parser recurses; a proof tree is stored flat and needs little
# What a text would take when read: at most about so many bytes for each of these characters. More
# than FREE_MEMORY and MEMORY_FACTOR times its size is refused.
COSTS = {b"[": 64, b"{": 240, b",": 40, b'"': 30}
FREE_MEMORY, MEMORY_FACTOR = 1 << 28, 24
_ESCAPED = re.compile(rb"\\.", re.DOTALL)
_PIECE = 1 << 20
_STEPS = np.zeros(256, dtype=np.int8)
_STEPS[list(b"[{")], _STEPS[list(b"]}")] = 1, -1


def parse_json(data: bytes) -> Any:
    """The value that `data` holds; integers stay exact. Raises RefusedError, naming the flaw."""
    return read_json(data)[0]


def read_json(data: bytes) -> tuple[Any, str | None]:
    """The same, and a key that stands before a smaller one of its object, None if there is none."""
    if len(data) > MAX_BYTES:
        raise RefusedError("too large", f"{len(data)} bytes of JSON; the limit is {MAX_BYTES}")
    _limit(data)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise RefusedError("not UTF-8", f"byte {error.start}") from None
    unsorted: list[str] = []

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        result = dict(pairs)
        if len(result) != len(pairs):
            raise RefusedError("duplicate key", _first_duplicate(pairs))
        last = ""
        for key in result:
            if key < last and not unsorted:
                unsorted.append(last)
            last = key
        return result

    try:
        value = json.loads(
            text,
            object_pairs_hook=unique,
            parse_float=_no_float,
            parse_constant=_no_float,
            parse_int=_integer,
        )
    except json.JSONDecodeError as error:
        raise RefusedError("not JSON", f"line {error.lineno}, column {error.colno}") from None
    return value, unsorted[0] if unsorted else None


def canonical_rational(text: str) -> Fraction:
    """The number whose only text this is, see `format_rational`; RefusedError for any other."""
    try:
        number = parse_rational(text)
    except UserError as error:
        raise RefusedError("malformed", str(error)) from None
    if format_rational(number) != text:
        raise RefusedError("malformed", f"{text[:40]!r} is not the canonical text of its number")
    return number


def _limit(data: bytes) -> None:
    """Refuses what is nested too deeply or would fill the memory."""
    cost = sum(each * data.count(character) for character, each in COSTS.items())
    if cost > FREE_MEMORY + MEMORY_FACTOR * len(data):
        raise RefusedError("too large", f"{len(data)} bytes of JSON that hold too many values")
    if data.count(b"[") + data.count(b"{") <= MAX_DEPTH:
        return
    if b"\\" in data:
        data = _ESCAPED.sub(b"  ", data)
    bytes_of = np.frombuffer(data, dtype=np.uint8)
    depth = quotes = 0
    for begin in range(0, len(data), _PIECE):  # in pieces, for the sake of memory
        piece = bytes_of[begin : begin + _PIECE]
        is_quote = piece == ord('"')
        inside = ((quotes + np.cumsum(is_quote)) & 1).astype(bool)  # an opening quote as well
        quotes += int(is_quote.sum())
        outside = piece[~inside]
        if len(outside):
            depths = depth + np.cumsum(_STEPS[outside], dtype=np.int64)
            depth = int(depths[-1])
            if int(depths.max()) > MAX_DEPTH:
                raise RefusedError("too deep", f"more than {MAX_DEPTH} nested brackets")


def _first_duplicate(pairs: list[tuple[str, Any]]) -> str:
    seen: set[str] = set()
    for key, _ in pairs:
        if key in seen:
            return repr(key[:40])
        seen.add(key)
    return ""


def _no_float(text: str) -> NoReturn:
    raise RefusedError("float", f"{text[:40]} where only integers and exact texts are allowed")


def _integer(text: str) -> int:
    if len(text) > 4000:
        raise RefusedError("too large", f"an integer of {len(text)} digits; write it as a text")
    return int(text)

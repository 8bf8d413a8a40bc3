"""JSON as evidence needs it: no duplicate keys, no floats, no NaN, bounded size and depth."""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn

import numpy as np

from verifier.question.errors import RefusedError

MAX_BYTES = 1 << 30
MAX_DEPTH = 400  # Python's own parser recurses; a proof tree is stored flat and needs little
_ESCAPED = re.compile(rb"\\.", re.DOTALL)
_STEPS = bytes.maketrans(b"[{]}", b"\1\1\xff\xff")  # 1 and -1
_OTHERS = bytes(set(range(256)) - set(b"[{]}"))


def parse_json(data: bytes) -> Any:
    """The value that `data` holds; integers stay exact. Raises RefusedError, naming the flaw."""
    if len(data) > MAX_BYTES:
        raise RefusedError("too large", f"{len(data)} bytes of JSON; the limit is {MAX_BYTES}")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise RefusedError("not UTF-8", f"byte {error.start}") from None
    _limit_depth(data)
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


def _limit_depth(data: bytes) -> None:
    if data.count(b"[") + data.count(b"{") <= MAX_DEPTH:
        return
    if b"\\" in data:
        data = _ESCAPED.sub(b"", data)
    outside = b"".join(data.split(b'"')[::2])  # of strings, whose quotes now alternate
    steps = np.frombuffer(outside.translate(_STEPS, _OTHERS), dtype=np.int8)
    depth = 0
    for begin in range(0, len(steps), 1 << 20):  # in pieces, for the sake of memory
        depths = depth + np.cumsum(steps[begin : begin + (1 << 20)], dtype=np.int64)
        depth = int(depths[-1])
        if int(depths.max()) > MAX_DEPTH:
            raise RefusedError("too deep", f"more than {MAX_DEPTH} nested brackets")


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

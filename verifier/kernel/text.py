"""Files, JSON and numbers: one text each, bounded in size and depth, and nothing implicit."""

import json
import os
import re
import stat
import zlib
from fractions import Fraction
from itertools import accumulate, pairwise
from typing import Any

ZERO, ONE = Fraction(0), Fraction(1)
MAX_FILE, MAX_JSON, MAX_DEPTH, MAX_NUMBER = 1 << 31, 1 << 30, 400, 1 << 20
# What a JSON text takes when read: at most about so many bytes for each of these characters.
COSTS, FREE_MEMORY, MEMORY_FACTOR = {b"[": 64, b"{": 240, b",": 40, b'"': 30}, 1 << 28, 24
TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|[][{}]', re.DOTALL)
NUMBER = re.compile(r"-?(?:[0-9]{1,1300}|0x[0-9a-f]+)(?:/(?:[0-9]{1,1300}|0x[0-9a-f]+))?")
PACKED = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"  # of gzip, without time and name


class Refused(Exception):
    """The name of a flaw, and its place."""


def need(condition, flaw, place=""):
    if not condition:
        raise Refused(flaw, str(place)[:200])


def read_file(path):
    """The bytes of a regular file, unpacked if they are packed."""
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as stream:
        about = os.fstat(stream.fileno())
        need(stat.S_ISREG(about.st_mode) and about.st_size <= MAX_FILE, "not a file", path)
        data = stream.read(about.st_size)
    if not data.startswith(PACKED[:2]):
        return data
    unpacker = zlib.decompressobj(31)  # of gzip: it compares length and CRC
    try:
        content = unpacker.decompress(data, MAX_FILE + 1)
    except zlib.error as error:
        raise Refused("damaged", str(error)) from None
    need(len(content) <= MAX_FILE, "too large", "unpacked")
    need(data.startswith(PACKED) and unpacker.eof and not unpacker.unused_data, "damaged", path)
    return content


def parse(data):
    """The JSON value: no float, no key twice, no deep nesting, little memory; the keys of every
    object are sorted in version 2 of certificates."""
    need(len(data) <= MAX_JSON, "too large", f"{len(data)} bytes")
    cost = sum(each * data.count(character) for character, each in COSTS.items())
    need(cost <= FREE_MEMORY + MEMORY_FACTOR * len(data), "too large", "too many values")
    brackets = ((t[0] in b"[{") - (t[0] in b"]}") for t in TOKEN.finditer(data))  # texts are none
    need(max(accumulate(brackets, initial=0)) <= MAX_DEPTH, "too deep", "nested brackets")
    disorder: list[Any] = []

    def unique(pairs):
        names = [name for name, _ in pairs]
        need(len({*names}) == len(names), "duplicate key", names)
        disorder.extend([names] if names != sorted(names) else [])
        return dict(pairs)

    hooks: Any = dict.fromkeys(("parse_float", "parse_constant"), lambda t: need(False, "float", t))
    try:
        value = json.loads(data.decode("utf-8"), object_pairs_hook=unique, **hooks)
    except (ValueError, RecursionError) as error:  # of JSON, UTF-8, integers of many digits
        raise Refused("not JSON", str(error)) from None
    is_second = isinstance(value, dict) and value.get("robmem") == 2
    need(not (is_second and disorder), "unsorted keys", disorder[:1])
    return value


def fields(value, required, optional=()):
    """The values of the required fields, in their order; there is no field but these."""
    names = {*typed(value, dict)}
    need({*required} <= names, "missing field", sorted({*required} - names))
    need(names <= {*required, *optional}, "unknown field", sorted(names - {*required, *optional}))
    return [value[name] for name in required]


def typed(value, kind):
    need(type(value) is kind, "malformed", value)
    return value


def listed(value, length=None, read=lambda entry: entry):
    need(length in (None, len(typed(value, list))), "malformed", value)
    return [read(entry) for entry in value]


def index(value, count):
    need(typed(value, int) >= 0, "malformed", value)
    need(value < count, "index out of range", f"{value} of {count}")
    return value


def rational(text):
    """The number whose only text this is: lowest terms, hexadecimal above 4096 bits."""
    need(len(typed(text, str)) <= MAX_NUMBER and NUMBER.fullmatch(text), "malformed", text)
    top, bottom = (int(t, 16 if "x" in t else 10) for t in f"{text}/1".split("/")[:2])
    need(bottom and written(Fraction(top, bottom)) == text, "malformed", text)
    return Fraction(top, bottom)


def written(q):
    parts = (q.numerator,) if q.denominator == 1 else (q.numerator, q.denominator)
    return "/".join(str(n) if n.bit_length() <= 4096 else hex(n) for n in parts)


def number(value):
    """A number of a certificate: a JSON integer below 2^53 in size, else its text."""
    found = Fraction(value) if type(value) is int else rational(value)
    need((found.denominator == 1 and abs(found) < 2**53) == (type(value) is int), "malformed")
    return found


def table(pairs, count, read=number):
    """Numbers by index; the indices increase."""
    entries = [listed(pair, 2) for pair in listed(pairs)]
    keys = [index(k, count) for k, _ in entries]
    need(all(a < b for a, b in pairwise(keys)), "malformed", keys)
    return {k: read(value) for k, value in entries}

"""VNN-LIB files and texts to properties: every decimal is the decimal that the file prints.

A property describes its violations: it asks for an input x and the output y = f(x) that satisfy all
assertions. It is read as a disjunction of boxes with atoms.
"""

from __future__ import annotations

from itertools import chain
from pathlib import Path

from verifier.formats.files import naming, read_text
from verifier.formats.vnnlib.lexer import commands, head
from verifier.formats.vnnlib.property import Property
from verifier.formats.vnnlib.version_1 import parse_version_1
from verifier.formats.vnnlib.version_2 import parse_version_2

MAX_BYTES = 1 << 28


def read_property(path: Path | str) -> Property:
    """The property in the file at `path`, which may be .gz. Raises UserError, naming the line."""
    text = read_text(path, MAX_BYTES)
    with naming(path):
        return parse_property(text)


def parse_property(text: str) -> Property:
    """The property that `text` describes, in version 1.0 or 2. Raises UserError."""
    listed = commands(text.removeprefix("\ufeff"))
    for first in listed:
        parse = parse_version_2 if head(first) == "vnnlib-version" else parse_version_1
        return parse(chain([first], listed))
    return parse_version_1([])

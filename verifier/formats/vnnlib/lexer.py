"""VNN-LIB text as nested lists of words, each with its line; nothing here recurses."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from verifier.formats.files import shown
from verifier.question.errors import UserError

MAX_DEPTH = 200
"""Most parentheses open at once."""
MAX_TOKENS = 1 << 22
"""Most tokens of one command, and most that its definitions expand to."""


@dataclass(frozen=True, slots=True)
class Word:
    """A symbol or a number; `|a b|` is the symbol `a b`. `X[0, 1]` has the index 0, 1."""

    line: int
    text: str
    index: tuple[str, ...] | None = None

    def __str__(self) -> str:
        return self.text if self.index is None else f"{self.text}[{','.join(self.index)}]"


@dataclass(frozen=True, slots=True)
class Text:
    """A string in double quotes, without them."""

    line: int
    text: str


@dataclass(frozen=True, slots=True)
class Group:
    """What stands between two parentheses."""

    line: int
    items: list[Item]


Item = Group | Word | Text

# A comment ends with its line; strings and quoted symbols may hold any character and lines.
_TOKEN = re.compile(
    r'(?P<newline>\n)|(?P<comment>;[^\n]*)|"(?P<text>(?:[^"]|"")*)"|\|(?P<quoted>[^|]*)\|'
    r'|\[(?P<index>[^\[\]();"|]*)\]|(?P<mark>[()])|(?P<word>[^\s()\[\];"|]+)|(?P<other>[^\s])'
)


def commands(text: str) -> Iterator[Group]:
    """The top-level lists of `text`, one at a time.

    Raises UserError, naming the line, for what is not balanced or not closed, for more than
    MAX_DEPTH open parentheses and for a command of more than MAX_TOKENS tokens.
    """
    groups: list[Group] = []  # that are open
    line, tokens = 1, 0
    for match in _TOKEN.finditer(text):
        kind, token = match.lastgroup, match[0]
        if kind == "newline":
            line += 1
            continue
        if kind == "comment":
            continue
        tokens += 1
        if tokens > MAX_TOKENS:
            raise UserError(f"line {line}: a command of more than {MAX_TOKENS} words")
        if token == "(" and kind == "mark":
            if len(groups) >= MAX_DEPTH:
                raise UserError(f"line {line}: more than {MAX_DEPTH} open parentheses")
            inner = Group(line, [])
            if groups:
                groups[-1].items.append(inner)
            groups.append(inner)
        elif kind == "other":
            raise UserError(f"line {line}: {shown(token)} has no end, or no beginning")
        elif not groups:
            raise UserError(f"line {line}: {shown(token)} outside of parentheses")
        elif kind == "mark":
            closed = groups.pop()
            if not groups:
                yield closed
                tokens = 0
        elif kind == "index":
            last = groups[-1].items[-1] if groups[-1].items else None
            if not isinstance(last, Word) or last.index is not None:
                raise UserError(f"line {line}: {shown(token)} without a name before it")
            groups[-1].items[-1] = Word(last.line, last.text, _entries(match["index"]))
            line += token.count("\n")
        else:
            groups[-1].items.append(_item(line, match))
            line += token.count("\n")
    if groups:
        raise UserError(
            f"line {line}: the file ends inside the parenthesis of line {groups[0].line}"
        )


def _item(line: int, match: re.Match[str]) -> Item:
    if match["text"] is not None:
        return Text(line, match["text"].replace('""', '"'))
    return Word(line, match["word"] if match["quoted"] is None else match["quoted"])


def _entries(inside: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in inside.split(",")) if inside.strip() else ()


def head(command: Group) -> str:
    """The word that a list begins with; a parenthesis or nothing where it begins with none."""
    if not command.items:
        return ""
    first = command.items[0]
    return first.text if isinstance(first, Word) else "("


@contextmanager
def at_line(line: int) -> Iterator[None]:
    """Errors raised inside name a line: this one, if they name none."""
    try:
        yield
    except UserError as error:
        if str(error).startswith("line "):
            raise
        raise UserError(f"line {line}: {error}") from None

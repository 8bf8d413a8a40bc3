"""VNN-LIB 1.0: constants X_0, X_1, .. and Y_0, Y_1, .., then assertions in SMT-LIB's words."""

from __future__ import annotations

import re
from collections.abc import Iterable

from verifier.formats.files import shown
from verifier.formats.tensors import MAX_VARIABLES
from verifier.formats.vnnlib.expressions import Expressions, Macro
from verifier.formats.vnnlib.formulas import Term, variable
from verifier.formats.vnnlib.lexer import Group, Item, Word, at_line, head
from verifier.formats.vnnlib.normal_form import Conjoined
from verifier.formats.vnnlib.property import Property
from verifier.question.errors import UserError

_IGNORED = {
    "set-logic", "set-info", "set-option", "check-sat", "get-model", "get-value", "get-info",
    "echo", "exit",
}  # fmt: skip
_COUNT = {"assert", "declare-const", "declare-fun", "define-fun", "define-const"}
_VARIABLE = re.compile(r"([XY])_(0|[1-9][0-9]{0,8})\Z")


def parse_version_1(commands: Iterable[Group]) -> Property:
    """The property that the commands describe. Raises UserError, naming the line."""
    reader = _Reader()
    for command in commands:
        with at_line(command.line):
            reader.command(command)
    return reader.finish()


class _Reader:
    """Reads command by command."""

    def __init__(self) -> None:
        self._variables: dict[str, int] = {}
        self._counts = {"X": 0, "Y": 0}
        self._assertions = Conjoined()
        self._ended = ""
        self._expressions = Expressions(self._value)

    def command(self, command: Group) -> None:
        name, rest = head(command), command.items[1:]
        if self._ended and name in _COUNT:
            raise UserError(f"{name} after ({self._ended}), which ends the property")
        if name in ("check-sat", "exit"):
            self._ended = name
        if name == "assert" and len(rest) == 1:
            self._assertions.add(self._expressions.formula(rest[0]))
        elif name in ("declare-const", "declare-fun"):
            self._declare(name, rest)
        elif name in ("define-fun", "define-const"):
            self._define(name, rest)
        elif name not in _IGNORED:
            raise UserError(f"{shown(name)} is not a command of VNN-LIB, or not complete")

    def finish(self) -> Property:
        for letter, count in self._counts.items():
            for k in range(count):
                if f"{letter}_{k}" not in self._variables:
                    raise UserError(f"{letter}_{k} is not declared, {letter}_{count - 1} is")
        inputs, outputs = self._counts["X"], self._counts["Y"]
        if not inputs or not outputs:
            raise UserError(f"{inputs} inputs X and {outputs} outputs Y are declared")
        return self._assertions.property(inputs, outputs)

    def _value(self, name: Word) -> Term | None:
        index = self._variables.get(str(name))
        return None if index is None else variable(index)

    def _declare(self, name: str, rest: list[Item]) -> None:
        words = [str(item) if isinstance(item, Word) else "()" for item in rest]
        if name == "declare-fun" and len(words) == 3 and rest[1] == Group(rest[1].line, []):
            words.pop(1)
        if len(words) != 2 or words[1] != "Real":
            raise UserError(f"not a declaration of a Real constant: {shown(' '.join(words))}")
        match = _VARIABLE.match(words[0])
        if not match:
            raise UserError(f"variable {shown(words[0])} is neither X_i nor Y_j")
        if words[0] in self._variables:
            raise UserError(f"{words[0]} is declared twice")
        letter, index = match[1], int(match[2])
        if index >= MAX_VARIABLES:
            raise UserError(f"{words[0]}: more than {MAX_VARIABLES} variables")
        self._variables[words[0]] = index if letter == "X" else -1 - index
        self._counts[letter] = max(self._counts[letter], index + 1)

    def _define(self, name: str, rest: list[Item]) -> None:
        """`(define-fun f ((x Real)) Real body)`, `(define-const c Real body)`."""
        if name == "define-const":
            rest = [*rest[:1], Group(0, []), *rest[1:]]
        if len(rest) != 4:
            raise UserError(f"{name} with {len(rest)} arguments")
        called, parameters, sort, body = rest
        listed = parameters.items if isinstance(parameters, Group) else [sort]
        pairs = [_parameter(item) for item in listed]
        if not isinstance(called, Word) or not isinstance(sort, Word) or None in pairs:
            raise UserError(f"{name} is not followed by a name, parameters, a sort and a body")
        if pairs:
            macro = Macro(tuple(pair for pair in pairs if pair), str(sort), body)
            self._expressions.define(str(called), macro)
        else:
            self._expressions.define(str(called), self._expressions.value(body, str(sort)))


def _parameter(item: Item) -> tuple[str, str] | None:
    if not isinstance(item, Group) or len(item.items) != 2:
        return None
    name, sort = item.items
    return (str(name), str(sort)) if isinstance(name, Word) and isinstance(sort, Word) else None

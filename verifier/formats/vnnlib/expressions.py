"""Lists of words to formulas and terms: the operators of SMT-LIB that stay linear.

`and or not => xor ite`, `<= < >= > = == distinct !=`, `+ - * / abs`, `let`, names with and without
parameters (`define-fun`), and annotations `(! term :named name)`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations, pairwise

from verifier.formats.files import shown
from verifier.formats.vnnlib.formulas import (
    FALSE,
    TRUE,
    And,
    Comparison,
    Formula,
    Or,
    Term,
    choice,
    compared,
    constant,
    every,
    if_else,
    negated,
    product,
    some,
    times,
    total,
)
from verifier.formats.vnnlib.lexer import MAX_DEPTH, MAX_TOKENS, Group, Item, Word, at_line
from verifier.question.errors import UserError
from verifier.question.rational import parse_rational

MAX_DIGITS = 1 << 26
"""Most decimal digits of all numbers written out."""

MAX_CALLS = 1 << 16
"""Most uses of definitions with parameters in one command."""

Value = Formula | Term
_NUMBER = re.compile(r"[+-]?[0-9.]")
_SIGNS = ("<=", "<", ">=", ">", "=", "==")


@dataclass(frozen=True, slots=True)
class Macro:
    """A definition with parameters; its body is evaluated where it is used."""

    parameters: tuple[tuple[str, str], ...]  # name and sort
    sort: str
    body: Item


Scope = dict[str, Value]


class Expressions:
    """Evaluates terms and formulas; `variable` gives the value of a declared variable, else None.

    Raises UserError, naming the line, for what is no linear term and no formula.
    """

    def __init__(self, variable: Callable[[Word], Term | None]) -> None:
        self._variable = variable
        self._definitions: dict[str, Value | Macro] = {}
        self._digits = 0
        self._work = self._calls = 0

    def define(self, name: str, meaning: Value | Macro) -> None:
        """Gives a name its meaning; raises UserError if it has one."""
        if name in self._definitions or self._variable(Word(0, name)) is not None:
            raise UserError(f"{shown(name)} is declared twice")
        self._definitions[name] = meaning

    def formula(self, item: Item) -> Formula:
        """The formula that `item` is."""
        self._work = self._calls = 0
        return self._formula(item, {}, 0)

    def value(self, item: Item, sort: str) -> Value:
        """The formula (sort Bool) or term (sort Real or Int) that `item` is."""
        self._work = self._calls = 0
        return self._of_sort(self._value(item, {}, 0), sort, item.line)

    # -------------------------------------------------------------- by kind

    def _formula(self, item: Item, scope: Scope, depth: int) -> Formula:
        value = self._value(item, scope, depth)
        if isinstance(value, tuple):
            raise UserError(f"line {item.line}: {_text(item)} is not a formula")
        return value

    def _term(self, item: Item, scope: Scope, depth: int) -> Term:
        value = self._value(item, scope, depth)
        if not isinstance(value, tuple):
            raise UserError(f"line {item.line}: {_text(item)} is not a term")
        return value

    def _of_sort(self, value: Value, sort: str, line: int) -> Value:
        if sort not in ("Bool", "Real", "Int") or isinstance(value, tuple) == (sort == "Bool"):
            raise UserError(f"line {line}: a value that is not of the sort {shown(sort)}")
        return value

    def _value(self, item: Item, scope: Scope, depth: int) -> Value:
        self._work += 1
        if self._work > MAX_TOKENS or depth > MAX_DEPTH:
            raise UserError(
                f"line {item.line}: a command that expands to more than {MAX_TOKENS} words "
                f"or {MAX_DEPTH} levels"
            )
        if isinstance(item, Word):
            return self._word(item, scope)
        if not isinstance(item, Group):
            raise UserError(f"line {item.line}: {_text(item)} is neither a formula nor a term")
        if not item.items or not isinstance(item.items[0], Word):
            raise UserError(f"line {item.line}: a parenthesis without an operator")
        operator, rest = str(item.items[0]), item.items[1:]
        with at_line(item.line):
            value = self._operation(item.line, operator, rest, scope, depth + 1)
        if value is None:
            raise UserError(f"line {item.line}: {shown(operator)} with {len(rest)} arguments")
        return value

    def _word(self, item: Word, scope: Scope) -> Value:
        name = str(item)
        if name in scope:
            return scope[name]
        with at_line(item.line):
            if _NUMBER.match(name):
                return constant(self._number(name))
            if name in ("true", "false"):
                return TRUE if name == "true" else FALSE
            declared = self._variable(item)
            if declared is not None:
                return declared
            found = self._definitions.get(name)
            if found is None:
                raise UserError(f"unknown variable {shown(name)}")
            if isinstance(found, Macro):
                raise UserError(f"{shown(name)} needs {len(found.parameters)} arguments")
            return found

    def _number(self, text: str) -> Fraction:
        value = parse_rational(text)
        self._digits += (value.numerator.bit_length() + value.denominator.bit_length()) // 3
        if self._digits > MAX_DIGITS:
            raise UserError(f"more than {MAX_DIGITS} digits of numbers")
        return value

    # -------------------------------------------------------------- by operator

    def _operation(
        self, line: int, operator: str, rest: list[Item], scope: Scope, depth: int
    ) -> Value | None:
        """The value of an operation; None if it does not take that many arguments."""
        if operator in ("let", "!", "ite"):
            return self._special(operator, rest, scope, depth)
        macro = self._definitions.get(operator)
        if isinstance(macro, Macro):
            if len(rest) != len(macro.parameters):
                return None
            self._calls += 1
            if self._calls > MAX_CALLS:
                raise UserError(f"a command that expands to more than {MAX_CALLS} definitions")
            inner = {
                name: self._of_sort(self._value(part, scope, depth), sort, line)
                for (name, sort), part in zip(macro.parameters, rest, strict=True)
            }
            return self._of_sort(self._value(macro.body, inner, depth), macro.sort, line)
        if operator in _CONNECTIVES:
            formulas: list[Formula] = []
            for part in rest:  # no comprehension: a level of recursion less
                formulas.append(self._formula(part, scope, depth))
            return _CONNECTIVES[operator](formulas)
        if operator in ("=", "distinct", "!=") and rest:
            values = [self._value(part, scope, depth) for part in rest]
            if len(values) > 1 and not isinstance(values[0], tuple):
                return _alike(operator, values)
            return _comparisons(line, operator, values)
        if operator in _SIGNS and len(rest) >= 2:
            return _comparisons(line, operator, [self._value(part, scope, depth) for part in rest])
        if operator in _ARITHMETIC and rest:
            terms: list[Term] = []
            for part in rest:
                terms.append(self._term(part, scope, depth))
            return _ARITHMETIC[operator](line, terms)
        return None

    def _special(self, operator: str, rest: list[Item], scope: Scope, depth: int) -> Value | None:
        if operator == "ite" and len(rest) == 3:
            condition = self._formula(rest[0], scope, depth)
            then, otherwise = (self._value(part, scope, depth) for part in rest[1:])
            if isinstance(then, tuple) and isinstance(otherwise, tuple):
                return choice(condition, then, otherwise)
            if isinstance(then, tuple) or isinstance(otherwise, tuple):
                raise UserError("ite of a term and a formula")
            return if_else(condition, then, otherwise)
        if operator == "let" and len(rest) == 2 and isinstance(rest[0], Group):
            inner = dict(scope)
            for binding in rest[0].items:
                name, body = _binding(binding)
                inner[name] = self._value(body, scope, depth)  # all see the outer names
            return self._value(rest[1], inner, depth)
        if operator == "!" and rest:
            value = self._value(rest[0], scope, depth)
            for key, label in zip(rest[1::2], rest[2::2], strict=False):
                if isinstance(key, Word) and key.text == ":named" and isinstance(label, Word):
                    self.define(label.text, value)
            return value
        return None


def _binding(item: Item) -> tuple[str, Item]:
    if not isinstance(item, Group) or len(item.items) != 2 or not isinstance(item.items[0], Word):
        raise UserError("a binding of let that is not a name and its value")
    return item.items[0].text, item.items[1]


def _text(item: Item) -> str:
    if isinstance(item, Group):
        return "a parenthesis"
    return shown(str(item) if isinstance(item, Word) else item.text)


# ------------------------------------------------------------------ formulas of formulas


def _implied(parts: list[Formula]) -> Formula | None:
    if len(parts) < 2:
        return None
    return some([*(negated(part) for part in parts[:-1]), parts[-1]])  # to the right


def _exclusive(parts: list[Formula]) -> Formula | None:
    if len(parts) < 2:
        return None
    result = parts[0]
    for part in parts[1:]:
        result = if_else(result, negated(part), part)
    return result


_CONNECTIVES: dict[str, Callable[[list[Formula]], Formula | None]] = {
    "and": every,
    "or": some,
    "not": lambda parts: negated(parts[0]) if len(parts) == 1 else None,
    "=>": _implied,
    "xor": _exclusive,
}


def _alike(operator: str, values: Sequence[Value]) -> Formula:
    """Whether formulas are equal, or all different."""
    parts: list[Formula] = []
    for value in values:
        if not isinstance(value, And | Or | Comparison):
            raise UserError(f"{operator} of a term and a formula")
        parts.append(value)
    if operator == "=":
        return every([if_else(a, b, negated(b)) for a, b in pairwise(parts)])
    return every([if_else(a, negated(b), b) for a, b in combinations(parts, 2)])


def _comparisons(line: int, operator: str, values: Sequence[Value]) -> Formula | None:
    terms: list[Term] = []
    for value in values:
        if not isinstance(value, tuple):
            raise UserError(f"{operator} of a formula")
        terms.append(value)
    if operator in ("distinct", "!="):
        if len(terms) < 2:
            return None
        listed = [compared(line, "!=", a, b) for a, b in combinations(terms, 2)]
    elif len(terms) < 2:
        return None
    else:
        listed = [compared(line, operator, a, b) for a, b in pairwise(terms)]
    return listed[0] if len(listed) == 1 else every(listed)


# ------------------------------------------------------------------ terms of terms


def _minus(line: int, terms: list[Term]) -> Term:
    if len(terms) == 1:
        return times(Fraction(-1), terms[0])
    return total([terms[0], *(times(Fraction(-1), term) for term in terms[1:])])


def _quotient(line: int, terms: list[Term]) -> Term | None:
    result = terms[0]
    for term in terms[1:]:
        weights, divisor = term[0][1]
        if len(term) > 1 or weights or not divisor:
            return None
        result = times(1 / divisor, result)
    return result if len(terms) > 1 else None


def _absolute(line: int, terms: list[Term]) -> Term | None:
    if len(terms) != 1:
        return None
    positive = compared(line, ">=", terms[0], constant(Fraction(0)))
    return choice(positive, terms[0], times(Fraction(-1), terms[0]))


_ARITHMETIC: dict[str, Callable[[int, list[Term]], Term | None]] = {
    "+": lambda line, terms: total(terms),
    "-": _minus,
    "*": lambda line, terms: product(terms),
    "/": _quotient,
    "abs": _absolute,
}

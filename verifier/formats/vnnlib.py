"""VNN-LIB properties, read exactly: a box of inputs and atoms, disjunct by disjunct.

Versions 1.0 (all published benchmarks) by the reader below, 2.0 through the package `vnnlib`. A
property describes its violations: it asks for an input x and the output y = f(x) that satisfy all
assertions. `read_property` gives that set as a disjunction of `Disjunct`s, with every decimal the
decimal that the file prints.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from math import prod
from pathlib import Path
from typing import Any

from verifier.formats.files import naming, read_text, shown
from verifier.formats.tensors import MAX_VARIABLES
from verifier.question.errors import UserError
from verifier.question.network import Network
from verifier.question.query import Atom, Goal, Query
from verifier.question.rational import format_rational, parse_rational
from verifier.question.region import box

MAX_BYTES = 1 << 28
MAX_DEPTH = 200
"""Most parentheses open at once; the parser of version 2.0 would crash on many more."""
MAX_TOKENS = 1 << 22
"""Most tokens of one command."""
MAX_DISJUNCTS = 1 << 16
MAX_ATOMS = 1 << 22
"""Most atoms, and bounds of own boxes, of all disjuncts together."""
MAX_DIGITS = 1 << 26
"""Most decimal digits of all numbers written out."""

Vector = tuple[Fraction, ...]


@dataclass(frozen=True, slots=True)
class Disjunct:
    """{x, y : lower <= x <= upper, and all atoms hold of x and y}; the box is not empty."""

    lower: Vector
    upper: Vector
    atoms: tuple[Atom, ...]


@dataclass(frozen=True, slots=True)
class Property:
    """The violations are the union of `disjuncts`; there is at least one.

    `inputs` and `outputs` are the numbers of declared variables.
    """

    inputs: int
    outputs: int
    disjuncts: tuple[Disjunct, ...]

    def queries(self, network: Network) -> list[Query]:
        """One query for each box; the property holds of `network` exactly if all of them do.

        Raises UserError if the numbers of inputs or outputs differ.
        """
        if self.inputs != network.inputs or self.outputs != network.outputs.count:
            raise UserError(
                f"the property has {self.inputs} inputs and {self.outputs} outputs, "
                f"the network {network.inputs} and {network.outputs.count}"
            )
        goals: dict[tuple[Vector, Vector], list[Goal]] = {}
        always = Atom((), (), Fraction(0), False)  # 0 >= 0: any point of the box will do
        for number, disjunct in enumerate(self.disjuncts):
            goal = Goal(disjunct.atoms or (always,), str(number))
            goals.setdefault((disjunct.lower, disjunct.upper), []).append(goal)
        return [
            Query(network, box(lower, upper), tuple(listed))
            for (lower, upper), listed in goals.items()
        ]


def read_property(path: Path | str) -> Property:
    """The property in the file at `path`, which may be .gz. Raises UserError, naming the line."""
    text = read_text(path, MAX_BYTES)
    with naming(path):
        return parse_property(text)


def parse_property(text: str) -> Property:
    """The property that `text` describes, in version 1.0 or 2.0. Raises UserError."""
    reader = _Reader()
    for command in _commands(text):
        head = command.items[0] if command.items else command
        if isinstance(head, _Word) and head.text == "vnnlib-version":
            return _parse_version_2(text)
        reader.command(command)
    return reader.finish()


# ------------------------------------------------------------------ S-expressions


@dataclass(frozen=True, slots=True)
class _Word:
    line: int
    text: str


@dataclass(frozen=True, slots=True)
class _List:
    line: int
    items: list[_List | _Word]


_TOKEN = re.compile(r"[()]|[^\s()]+")


def _commands(text: str) -> Iterator[_List]:
    """The top-level lists of `text`, one at a time; nothing here recurses."""
    open_lists: list[_List] = []
    tokens = 0
    number = 0
    for number, line in enumerate(text.split("\n"), 1):
        content = line.partition(";")[0]
        for match in _TOKEN.finditer(content):
            token = match[0]
            tokens += 1
            if token == "(":
                if len(open_lists) >= MAX_DEPTH:
                    raise UserError(f"line {number}: more than {MAX_DEPTH} open parentheses")
                inner = _List(number, [])
                if open_lists:
                    open_lists[-1].items.append(inner)
                open_lists.append(inner)
            elif not open_lists:
                raise UserError(f"line {number}: {shown(token)} outside of parentheses")
            elif token == ")":
                closed = open_lists.pop()
                if not open_lists:
                    yield closed
                    tokens = 0
            else:
                open_lists[-1].items.append(_Word(number, token))
            if tokens > MAX_TOKENS:
                raise UserError(f"line {number}: a command of more than {MAX_TOKENS} words")
    if open_lists:
        raise UserError(
            f"line {number}: the file ends inside the parenthesis of line {open_lists[0].line}"
        )


# ------------------------------------------------------------------ formulas

# A variable is its index for an input, -1 - index for an output.
_Linear = tuple[dict[int, Fraction], Fraction]


@dataclass(frozen=True, slots=True)
class _Atom:
    """The linear term is >= 0, or > 0 if strict."""

    line: int
    weights: Mapping[int, Fraction]
    constant: Fraction
    strict: bool

    def negated(self) -> _Atom:
        weights = {variable: -weight for variable, weight in self.weights.items()}
        return _Atom(self.line, weights, -self.constant, not self.strict)


@dataclass(frozen=True, slots=True)
class _And:
    parts: Sequence[_Formula]


@dataclass(frozen=True, slots=True)
class _Or:
    parts: Sequence[_Formula]


_Formula = _Atom | _And | _Or
_Conjunction = list[_Atom]


def _comparison(line: int, sign: str, left: _Linear, right: _Linear) -> _Formula:
    """left <sign> right, the sign one of <= < >= > = ==."""
    if sign in (">=", ">"):
        left, right = right, left
    difference = _sum([right, _times(Fraction(-1), left)])
    atom = _Atom(line, difference[0], difference[1], sign in ("<", ">"))
    if sign in ("=", "=="):
        return _And([atom, _Atom(line, *_times(Fraction(-1), difference), False)])
    return atom


def _negated(formula: _Formula) -> _Formula:
    if isinstance(formula, _Atom):
        return formula.negated()
    parts = [_negated(part) for part in formula.parts]
    return _Or(parts) if isinstance(formula, _And) else _And(parts)


def _sum(terms: Sequence[_Linear]) -> _Linear:
    weights: dict[int, Fraction] = {}
    constant = Fraction(0)
    for term, shift in terms:
        constant += shift
        for variable, weight in term.items():
            weights[variable] = weights.get(variable, Fraction(0)) + weight
    return {variable: weight for variable, weight in weights.items() if weight}, constant


def _times(factor: Fraction, term: _Linear) -> _Linear:
    return {v: factor * w for v, w in term[0].items() if factor}, factor * term[1]


def _product(terms: Sequence[_Linear]) -> _Linear:
    result: _Linear = ({}, Fraction(1))
    for term in terms:
        if result[0] and term[0]:
            raise UserError("a product of two terms that are not constant")
        result = _times(term[1], result) if not term[0] else _times(result[1], term)
    return result


# ------------------------------------------------------------------ to disjunctive normal form


class _Conjoined:
    """Gathers assertions and ends in a `Property`."""

    def __init__(self) -> None:
        self._common: _Conjunction = []
        self._choices: list[list[_Conjunction]] = []

    def add(self, formula: _Formula) -> None:
        for part in _flattened(formula):
            if isinstance(part, _Atom):
                self._common.append(part)
            else:
                self._choices.append(_disjuncts(part))

    def property(self, inputs: int, outputs: int) -> Property:
        if not inputs or not outputs:
            raise UserError(f"{inputs} inputs X and {outputs} outputs Y are declared")
        shared = _Box(inputs)
        rest = shared.narrowed(self._common)
        if rest is None:
            raise UserError("no input satisfies the assertions")
        if shared.contradiction is not None:
            raise UserError(shared.contradiction)
        disjuncts: list[Disjunct] = []
        size = 0
        for conjunction in _combined(self._choices):
            own = _Box(inputs, shared)
            more = own.narrowed(conjunction)
            if more is None or own.contradiction is not None:
                continue
            size += len(rest) + len(more) + own.size
            _check_size(len(disjuncts) + 1, size)
            lower, upper = own.vectors()
            atoms = tuple(_query_atom(atom) for atom in [*rest, *more])
            disjuncts.append(Disjunct(lower, upper, atoms))
        if not disjuncts:
            raise UserError("every disjunct has an empty box or a false atom")
        return Property(inputs, outputs, tuple(disjuncts))


def _flattened(formula: _Formula) -> Iterator[_Formula]:
    if isinstance(formula, _And):
        for part in formula.parts:
            yield from _flattened(part)
    elif isinstance(formula, _Or) and len(formula.parts) == 1:
        yield from _flattened(formula.parts[0])
    else:
        yield formula


def _disjuncts(formula: _Formula) -> list[_Conjunction]:
    """Conjunctions whose disjunction is `formula`."""
    if isinstance(formula, _Atom):
        return [[formula]]
    parts = [_disjuncts(part) for part in formula.parts]
    if isinstance(formula, _Or):
        listed = [conjunction for part in parts for conjunction in part]
        _check_size(len(listed), sum(map(len, listed)))
        return listed
    return list(_combined(parts))


def _combined(parts: Sequence[list[_Conjunction]]) -> Iterator[_Conjunction]:
    """The conjunctions that take one from each part."""
    count, atoms = 1, 0
    for part in parts:
        atoms = atoms * len(part) + count * sum(map(len, part))
        count *= len(part)
        _check_size(count, atoms)
    for number in range(count):
        chosen: _Conjunction = []
        stride = count
        for part in parts:
            stride //= len(part)
            chosen.extend(part[number // stride % len(part)])
        yield chosen


def _check_size(count: int, atoms: int) -> None:
    if count > MAX_DISJUNCTS or atoms > MAX_ATOMS:
        raise UserError(
            f"{count} disjuncts with {atoms} atoms and bounds in disjunctive normal form; "
            f"the limits are {MAX_DISJUNCTS} and {MAX_ATOMS}"
        )


class _Box:
    """Bounds of single inputs, narrowed by atoms; what it does not bound, `base` does."""

    def __init__(self, inputs: int, base: _Box | None = None) -> None:
        self._inputs, self._base = inputs, base
        self._lower: dict[int, Fraction] = {}
        self._upper: dict[int, Fraction] = {}
        self._vectors: tuple[Vector, Vector] | None = None
        self.contradiction: str | None = None

    @property
    def size(self) -> int:
        """How many bounds `vectors` makes anew."""
        return (
            0
            if self._base is not None and not self._lower and not self._upper
            else (2 * self._inputs)
        )

    def bounds(self, variable: int) -> tuple[Fraction | None, Fraction | None]:
        low, high = self._base.bounds(variable) if self._base is not None else (None, None)
        return self._lower.get(variable, low), self._upper.get(variable, high)

    def narrowed(self, conjunction: _Conjunction) -> _Conjunction | None:
        """Takes the atoms that bound one input into the box and returns the others (strict bounds
        too); None if an atom without variables is false."""
        rest = []
        for atom in conjunction:
            if not atom.weights:
                if atom.constant < 0 or (atom.strict and atom.constant == 0):
                    return None
                continue
            variable, weight = next(iter(atom.weights.items()))
            if len(atom.weights) > 1 or variable < 0:
                rest.append(atom)
                continue
            if atom.strict:
                rest.append(atom)
            bound = -atom.constant / weight
            low, high = self.bounds(variable)
            if weight > 0 and (low is None or bound > low):
                low = self._lower[variable] = bound
            if weight < 0 and (high is None or bound < high):
                high = self._upper[variable] = bound
            if self.contradiction is None and low is not None and high is not None and low > high:
                self.contradiction = (
                    f"line {atom.line}: empty box: X_{variable} >= {_short(low)} "
                    f"and X_{variable} <= {_short(high)}"
                )
        return rest

    def vectors(self) -> tuple[Vector, Vector]:
        """Both bounds of all inputs; raises UserError where one is missing."""
        if self._base is not None and not self.size:
            return self._base.vectors()
        if self._vectors is None:
            lower, upper = [], []
            for k in range(self._inputs):
                low, high = self.bounds(k)
                if low is None or high is None:
                    side = "lower" if low is None else "upper"
                    raise UserError(f"X_{k} has no {side} bound")
                lower.append(low)
                upper.append(high)
            self._vectors = tuple(lower), tuple(upper)
        return self._vectors


def _short(value: Fraction) -> str:
    text = format_rational(value)
    return text if len(text) <= 40 else text[:37] + "..."


def _query_atom(atom: _Atom) -> Atom:
    inputs = sorted((v, w) for v, w in atom.weights.items() if v >= 0)
    outputs = sorted((-1 - v, w) for v, w in atom.weights.items() if v < 0)
    return Atom(tuple(inputs), tuple(outputs), atom.constant, atom.strict)


# ------------------------------------------------------------------ version 1.0

_IGNORED = {"set-logic", "set-info", "set-option", "check-sat", "get-model", "exit"}
_VARIABLE = re.compile(r"([XY])_(0|[1-9][0-9]{0,8})\Z")
_NUMBER = re.compile(r"[+-]?[0-9.]")


class _Digits:
    """Reads decimals; raises UserError when all of them together get too long."""

    def __init__(self) -> None:
        self._written = 0

    def number(self, text: str) -> Fraction:
        value = parse_rational(text)
        self._written += (value.numerator.bit_length() + value.denominator.bit_length()) // 3
        if self._written > MAX_DIGITS:
            raise UserError(f"more than {MAX_DIGITS} digits of numbers")
        return value


class _Reader:
    """Reads version 1.0 command by command."""

    def __init__(self) -> None:
        self._variables: dict[str, int] = {}
        self._counts = {"X": 0, "Y": 0}
        self._assertions = _Conjoined()
        self._digits = _Digits()

    def command(self, command: _List) -> None:
        head, *rest = command.items or [_Word(command.line, "")]
        name = head.text if isinstance(head, _Word) else "("
        if name == "assert" and len(rest) == 1:
            formula = self._formula(rest[0])
            with naming(f"line {command.line}"):
                self._assertions.add(formula)
        elif name in ("declare-const", "declare-fun"):
            with naming(f"line {command.line}"):
                self._declare(name, rest)
        elif name not in _IGNORED:
            raise UserError(
                f"line {command.line}: {shown(name)} is not a command of VNN-LIB, or not complete"
            )

    def finish(self) -> Property:
        for letter, count in self._counts.items():
            for k in range(count):
                if f"{letter}_{k}" not in self._variables:
                    raise UserError(f"{letter}_{k} is not declared, {letter}_{count - 1} is")
        return self._assertions.property(self._counts["X"], self._counts["Y"])

    def _declare(self, name: str, rest: list[_List | _Word]) -> None:
        words = [item.text if isinstance(item, _Word) else "()" for item in rest]
        if name == "declare-fun" and len(words) == 3 and rest[1] == _List(rest[1].line, []):
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

    def _formula(self, item: _List | _Word) -> _Formula:
        if isinstance(item, _Word):
            if item.text in ("true", "false"):
                return _And([]) if item.text == "true" else _Or([])
            raise UserError(f"line {item.line}: {shown(item.text)} is not a formula")
        operator, rest = self._head(item)
        if operator == "and":
            return _And([self._formula(part) for part in rest])
        if operator == "or":
            return _Or([self._formula(part) for part in rest])
        if operator == "not" and len(rest) == 1:
            return _negated(self._formula(rest[0]))
        if operator == "=>" and len(rest) == 2:
            return _Or([_negated(self._formula(rest[0])), self._formula(rest[1])])
        if operator in ("<=", "<", ">=", ">", "=") and len(rest) >= 2:
            terms = [self._term(part) for part in rest]
            pairs = [
                _comparison(item.line, operator, left, right) for left, right in pairwise(terms)
            ]
            return pairs[0] if len(pairs) == 1 else _And(pairs)
        raise UserError(f"line {item.line}: {shown(operator)} with {len(rest)} arguments")

    def _term(self, item: _List | _Word) -> _Linear:
        if isinstance(item, _Word):
            if _NUMBER.match(item.text):
                with naming(f"line {item.line}"):
                    return {}, self._digits.number(item.text)
            if item.text not in self._variables:
                raise UserError(f"line {item.line}: unknown variable {shown(item.text)}")
            return {self._variables[item.text]: Fraction(1)}, Fraction(0)
        operator, rest = self._head(item)
        terms = [self._term(part) for part in rest]
        if operator == "+" and terms:
            return _sum(terms)
        if operator == "-" and len(terms) == 1:
            return _times(Fraction(-1), terms[0])
        if operator == "-" and terms:
            return _sum([terms[0], *(_times(Fraction(-1), term) for term in terms[1:])])
        if operator == "*" and terms:
            with naming(f"line {item.line}"):
                return _product(terms)
        if operator == "/" and len(terms) == 2 and not terms[1][0] and terms[1][1]:
            return _times(1 / terms[1][1], terms[0])
        raise UserError(f"line {item.line}: {shown(operator)} with {len(rest)} arguments")

    @staticmethod
    def _head(item: _List) -> tuple[str, list[_List | _Word]]:
        if not item.items or not isinstance(item.items[0], _Word):
            raise UserError(f"line {item.line}: a parenthesis without an operator")
        return item.items[0].text, item.items[1:]


# ------------------------------------------------------------------ version 2.0

_SIGNS = {
    "LessEqual": "<=",
    "LessThan": "<",
    "GreaterEqual": ">=",
    "GreaterThan": ">",
    "Equal": "==",
}
_REAL_TYPES = ("Real", "F16", "F32", "F64", "BF16")


def _parse_version_2(text: str) -> Property:
    """The property of a text in version 2.0, of one network without hidden variables.

    Several inputs become one vector, in the order of their declaration; outputs likewise.
    """
    import vnnlib

    for _ in _commands(text):
        pass  # the package crashes on deep nesting, which this refuses
    try:
        query: Any = vnnlib.parse_query_string(text)
    except vnnlib.VNNLibException as error:
        raise UserError(_first_complaint(str(error))) from None
    if len(query.networks) != 1:
        raise UserError(f"{len(query.networks)} networks are declared; one is supported")
    network = query.networks[0]
    if network.hidden:
        raise UserError("variables of hidden layers are not supported")
    offsets: dict[str, Callable[[int], int]] = {}
    inputs = _declared(network.inputs, offsets, lambda k: k)
    outputs = _declared(network.outputs, offsets, lambda k: -1 - k)
    digits = _Digits()
    assertions = _Conjoined()
    for assertion in query.assertions:
        assertions.add(_formula_2(assertion.expr, offsets, digits))
    return assertions.property(inputs, outputs)


def _first_complaint(text: str) -> str:
    line, message, hint = (
        re.search(rf'"{key}": ("(?:[^"\\]|\\.)*"|[0-9]+)', text)
        for key in ("line", "message", "hint")
    )
    if not message:
        return " ".join(text.split())[:200]
    place = f"line {line[1]}: " if line else ""
    return f"{place}{message[1]} {hint[1] if hint else ''}".replace('"', "").strip()


def _declared(
    definitions: Sequence[Any],
    offsets: dict[str, Callable[[int], int]],
    variable: Callable[[int], int],
) -> int:
    """The number of entries of all definitions; `offsets` gets how each numbers its entries."""
    total = 0
    for definition in definitions:
        kind = definition.dtype.name
        if kind not in _REAL_TYPES:
            raise UserError(f"variable {definition.name} is of type {kind}, not real")
        if definition.onnx_name is not None and len(definitions) > 1:
            raise UserError(f"variable {definition.name}: names of ONNX values are not supported")
        size = prod(definition.shape)
        if size < 1 or total + size > MAX_VARIABLES:
            raise UserError(f"variable {definition.name} has shape {list(definition.shape)}")
        offsets[definition.name] = lambda k, first=total: variable(first + k)  # type: ignore[misc]
        total += size
    return total


def _formula_2(node: Any, offsets: Mapping[str, Callable[[int], int]], digits: _Digits) -> _Formula:
    kind = type(node).__name__
    if kind in ("And", "Or"):
        parts = [_formula_2(part, offsets, digits) for part in node.args]
        return _And(parts) if kind == "And" else _Or(parts)
    if kind not in _SIGNS and kind != "NotEqual":
        raise UserError(f"a formula of kind {kind} is not supported")
    left = _term_2(node.lhs, offsets, digits)
    right = _term_2(node.rhs, offsets, digits)
    line = _line(node)
    if kind == "NotEqual":
        return _Or([_comparison(line, sign, left, right) for sign in "<>"])
    return _comparison(line, _SIGNS[kind], left, right)


def _line(node: Any) -> int:
    """The line of the first variable or number in `node`; 0 if there is none."""
    while not hasattr(node, "line"):
        children = node.children()
        if not children:
            return 0
        node = children[0]
    return int(node.line)


def _term_2(node: Any, offsets: Mapping[str, Callable[[int], int]], digits: _Digits) -> _Linear:
    kind = type(node).__name__
    if hasattr(node, "lexeme"):
        with naming(f"line {_line(node)}"):
            return {}, digits.number(node.lexeme)
    if kind == "Var":
        position = 0
        for index, extent in zip(node.indices, node.shape, strict=True):
            position = position * extent + index
        return {offsets[node.name](position): Fraction(1)}, Fraction(0)
    if kind == "Negate":
        return _times(Fraction(-1), _term_2(node.expr, offsets, digits))
    if kind == "Plus":
        return _sum([_term_2(part, offsets, digits) for part in node.args])
    if kind == "Minus":
        rest = [_times(Fraction(-1), _term_2(part, offsets, digits)) for part in node.rest]
        return _sum([_term_2(node.head, offsets, digits), *rest])
    if kind == "Multiply":
        with naming(f"line {_line(node)}"):
            return _product([_term_2(part, offsets, digits) for part in node.args])
    raise UserError(f"a term of kind {kind} is not supported")

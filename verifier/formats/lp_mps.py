"""Linear programs as LP and MPS files: exact p/q coefficients, or decimals, marked as rounded.

The p/q form is what SCIP reads in its exact mode. The decimal form has 17 significant digits, which
determine a float64; a file that holds a rounded number says so in its first lines.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction

from verifier.program.rows import Program
from verifier.question.errors import UserError
from verifier.question.printable import printable
from verifier.question.rational import MAX_TEXT, decimal_text

_LP_SENSE = {"L": "<=", "G": ">=", "E": "="}
_WIDTH = 200  # readers of LP files have limits of a few hundred characters a line


class Numbers:
    """Writes rationals, exactly as p/q or rounded to decimals; `rounded` counts the latter."""

    def __init__(self, *, decimal: bool) -> None:
        self.decimal = decimal
        self.rounded = 0

    def text(self, value: Fraction) -> str:
        if value.denominator == 1 and abs(value) < 10**15:
            return str(value.numerator)
        if not self.decimal:
            return exact_text(value)
        try:
            number = float(value)
        except OverflowError:
            raise UserError("a coefficient is beyond float64: no decimal file") from None
        if Fraction(number) != value:
            self.rounded += 1
        return repr(number)


def exact_text(value: Fraction) -> str:
    """p or p/q in decimal digits, in lowest terms, however long."""
    if max(value.numerator.bit_length(), value.denominator.bit_length()) > 3 * MAX_TEXT:
        raise UserError("a coefficient has more than a million digits")
    return decimal_text(value)


def lp_text(program: Program, *, decimal: bool = False) -> str:
    """The program as an LP file (CPLEX format)."""
    numbers = Numbers(decimal=decimal)
    body: list[str] = ["Maximize"]
    body += _wrapped(" obj:", _expression(program, program.objective, numbers) or ["0 x0"])
    body.append("Subject To")
    for row in program.rows:
        terms = _expression(program, row.terms, numbers) or [f"0 {program.names[0]}"]
        right = numbers.text(row.right)
        body += _wrapped(f" {row.name}:", [*terms, _LP_SENSE[row.sense], right])
    body.append("Bounds")
    binaries = set(program.integers)
    for j, name in enumerate(program.names):
        low, high = program.lower[j], program.upper[j]
        if j in binaries and low == 0 and high == 1:
            continue
        if low is None and high is None:
            body.append(f" {name} free")
        elif low is not None and low == high:
            body.append(f" {name} = {numbers.text(low)}")
        else:
            left = "-inf" if low is None else numbers.text(low)
            right = "+inf" if high is None else numbers.text(high)
            body.append(f" {left} <= {name} <= {right}")
    if binaries:
        body.append("Binaries")
        body += _wrapped("", [program.names[j] for j in program.integers])
    body.append("End")
    head = [f"\\ {printable(line)}" for line in [*program.comments, _kind(numbers)]]
    return "\n".join([*head, *body]) + "\n"


def mps_text(program: Program, *, decimal: bool = False) -> str:
    """The program as a free MPS file; MPS minimises, so the objective is negated."""
    numbers = Numbers(decimal=decimal)
    body = ["NAME robmem", "ROWS", " N obj"]
    body += [f" {row.sense} {row.name}" for row in program.rows]
    columns: list[list[str]] = [[] for _ in program.names]
    for j, coefficient in sorted(program.objective.items()):
        columns[j].append(f" {program.names[j]} obj {numbers.text(-coefficient)}")
    for row in program.rows:
        for j, coefficient in row.terms.items():
            columns[j].append(f" {program.names[j]} {row.name} {numbers.text(coefficient)}")
    body.append("COLUMNS")
    binaries = set(program.integers)
    inside = False
    for j, column in enumerate(columns):
        if (j in binaries) != inside:
            inside = not inside
            body.append(f" MARKER 'MARKER' '{'INTORG' if inside else 'INTEND'}'")
        body += column or [f" {program.names[j]} obj 0"]
    if inside:
        body.append(" MARKER 'MARKER' 'INTEND'")
    body.append("RHS")
    body += [f" rhs {row.name} {numbers.text(row.right)}" for row in program.rows if row.right]
    body.append("BOUNDS")
    for j, name in enumerate(program.names):
        body += [f" {kind} bnd {name}{value}" for kind, value in _mps_bounds(program, j, numbers)]
    body.append("ENDATA")
    comments = [*program.comments, "minimises -m" if program.objective else "", _kind(numbers)]
    return "\n".join([*(f"* {printable(line)}" for line in comments if line), *body]) + "\n"


def _mps_bounds(program: Program, j: int, numbers: Numbers) -> Iterator[tuple[str, str]]:
    low, high = program.lower[j], program.upper[j]
    if low is None and high is None:
        yield "FR", ""
        return
    yield ("MI", "") if low is None else ("LO", f" {numbers.text(low)}")
    yield ("PL", "") if high is None else ("UP", f" {numbers.text(high)}")


def _kind(numbers: Numbers) -> str:
    if not numbers.decimal:
        return "all numbers are exact"
    if not numbers.rounded:
        return "decimal numbers; all are exact as float64"
    return f"ROUNDED: {numbers.rounded} numbers are the nearest float64, not exact"


def _expression(program: Program, terms: Mapping[int, Fraction], numbers: Numbers) -> list[str]:
    parts = []
    for j, coefficient in sorted(terms.items()):
        sign = "-" if coefficient < 0 else "+"
        parts.append(f"{sign} {numbers.text(abs(coefficient))} {program.names[j]}")
    return parts


def _wrapped(first: str, parts: list[str]) -> list[str]:
    lines, line = [], first
    for part in parts:
        if len(line) + len(part) >= _WIDTH and line.strip():
            lines.append(line)
            line = " "
        line = f"{line} {part}"
    return [*lines, line]

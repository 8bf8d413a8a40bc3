"""A strict checker of VIPR 1.0 certificates, in the subset that this project writes.

It believes nothing but the program in the file: bounds and rows in CON, integrality in INT. Then
every derivation must follow, and the last one must be what RTP asks, free of assumptions. Refused,
with the line: rounding (`rnd`), solutions, decimals and fractions not in lowest terms, a split that
is not on integer variables with integer coefficients and an integer threshold, an index that is out
of range or occurs twice, assumptions that stay open, `uns` that drops anything else than an
assumption, and whatever is not in the format.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from verifier.formats.files import read_text, shown
from verifier.question.errors import RefusedError, UserError

MAX_BYTES = 1 << 31
MAX_VARIABLES = 1 << 24
_INDEX = re.compile(r"(?:0|[1-9][0-9]{0,9})\Z")
_VALUE = re.compile(r"(-?)(0|[1-9][0-9]*)(?:/([1-9][0-9]*))?\Z")
_NAME = re.compile(r"[^\s{}]{1,255}\Z")

Terms = dict[int, Fraction]


@dataclass(frozen=True, slots=True)
class Summary:
    """What a certificate shows: "infeasible", or that the maximum (minimum) is within a bound."""

    claim: str
    variables: int
    integers: int
    constraints: int
    derivations: int


@dataclass(frozen=True, slots=True)
class _Constraint:
    """terms <sense> right, sense -1 for <=, 0 for =, 1 for >=; shown under `assumptions`."""

    terms: Terms
    sense: int
    right: Fraction
    assumptions: frozenset[int]
    assumed: bool

    @property
    def is_absurd(self) -> bool:
        if self.terms:
            return False
        if self.sense == 0:
            return self.right != 0
        return self.right > 0 if self.sense > 0 else self.right < 0

    def implies(self, terms: Terms, sense: int, right: Fraction) -> bool:
        """Whether this constraint dominates the other, as the format defines it."""
        if self.is_absurd:
            return True
        if self.terms != terms:
            return False
        if sense == 0:
            return self.sense == 0 and self.right == right
        if self.sense not in (0, sense):
            return False
        return self.right >= right if sense > 0 else self.right <= right


def check_vipr(path: Path | str) -> Summary:
    """Returns what the certificate at `path` shows, if it shows it.

    Raises RefusedError, naming the flaw and the line, otherwise; UserError if it cannot be read.
    """
    text = read_text(path, MAX_BYTES)
    try:
        return check_vipr_text(text)
    except RefusedError as error:
        raise RefusedError(error.flaw, f"{path}: {error.detail}") from None


def check_vipr_text(text: str) -> Summary:
    """As `check_vipr`, of the content of a file."""
    return Checker(text).run()


class Checker:
    """Reads and checks one certificate; afterwards it can tell the program."""

    def __init__(self, text: str) -> None:
        self._tokens = _tokens(text)
        self._line = 1
        self._integer: list[bool] = []
        self._objective: Terms = {}
        self._maximise = False
        self._constraints: list[_Constraint] = []
        self.names: list[str] = []
        self.rows: list[str] = []

    def program(self) -> dict[str, tuple[dict[str, Fraction], str, Fraction]]:
        """The rows of the program by name, their terms by the names of variables.

        Raises RefusedError where two rows have the same name.
        """
        if len(set(self.rows)) != len(self.rows):
            raise RefusedError("another program", "two rows have the same name")
        return {
            name: (
                {self.names[j]: q for j, q in row.terms.items()},
                "LEG"[row.sense + 1],
                row.right,
            )
            for name, row in zip(self.rows, self._constraints, strict=False)
        }

    def objective(self) -> tuple[str, dict[str, Fraction]]:
        terms = {self.names[j]: q for j, q in self._objective.items()}
        return ("max" if self._maximise else "min"), terms

    def integers(self) -> set[str]:
        return {name for name, flag in zip(self.names, self._integer, strict=True) if flag}

    # -------------------------------------------------------------- tokens

    def _refuse(self, flaw: str, detail: str) -> RefusedError:
        return RefusedError(flaw, f"line {self._line}: {detail}")

    def _next(self) -> str:
        self._line, token = next(self._tokens, (self._line, ""))
        if not token:
            raise self._refuse("truncated", "the file ends too early")
        return token

    def _expect(self, *words: str) -> None:
        for word in words:
            token = self._next()
            if token != word:
                raise self._refuse("malformed", f"{shown(token)} where {word} is expected")

    def _index(self, limit: int, what: str) -> int:
        token = self._next()
        if not _INDEX.match(token):
            raise self._refuse("malformed", f"{what} {shown(token)} is not an index")
        value = int(token)
        if value >= limit:
            raise self._refuse("index out of range", f"{what} {value} of {limit}")
        return value

    def _value(self) -> Fraction:
        token = self._next()
        match = _VALUE.match(token)
        if not match or token == "-0":
            raise self._refuse("malformed", f"{shown(token)} is not an integer or p/q")
        top, bottom = _integer(match[2]), _integer(match[3] or "1")
        value = Fraction(-top if match[1] else top, bottom)
        if value.denominator != bottom or match[3] == "1":
            raise self._refuse("malformed", f"{shown(token)} is not in lowest terms")
        return value

    # -------------------------------------------------------------- sections

    def run(self) -> Summary:
        self._expect("VER", "1.0", "VAR")
        count = self._index(MAX_VARIABLES, "number of variables")
        self.names = [self._name() for _ in range(count)]
        if len(set(self.names)) != count:
            raise self._refuse("malformed", "two variables have the same name")
        self._integer = [False] * count
        self._expect("INT")
        integers = self._index(count + 1, "number of integer variables")
        for _ in range(integers):
            at = self._index(count, "integer variable")
            if self._integer[at]:
                raise self._refuse("malformed", f"variable {at} is twice an integer")
            self._integer[at] = True
        self._expect("OBJ")
        sense = self._next()
        if sense not in ("min", "max"):
            raise self._refuse("malformed", f"{shown(sense)} is neither min nor max")
        self._maximise = sense == "max"
        self._objective = self._terms()
        self._expect("CON")
        constraints = self._index(10**10, "number of constraints")
        bounds = self._index(constraints + 1, "number of bounds")
        for number in range(constraints):
            self.rows.append(self._name())
            row, right, terms = self._constraint()
            if number < bounds and len(terms) != 1:
                raise self._refuse("malformed", f"bound {number} has {len(terms)} variables")
            self._constraints.append(_Constraint(terms, row, right, frozenset(), False))
        wanted, claim = self._relation()
        self._expect("SOL", "0", "DER")
        derivations = self._index(10**10, "number of derivations")
        for _ in range(derivations):
            self._derivation()
        extra = next(self._tokens, None)
        if extra is not None:
            self._line = extra[0]
            raise self._refuse("malformed", f"{shown(extra[1])} after the last derivation")
        self._conclude(wanted)
        return Summary(claim, count, integers, constraints, derivations)

    def _name(self) -> str:
        token = self._next()
        if not _NAME.match(token):
            raise self._refuse("malformed", f"{shown(token)} is not a name")
        return token

    def _relation(self) -> tuple[tuple[Terms, int, Fraction] | None, str]:
        """What the last derivation must imply; None for an absurdity."""
        self._expect("RTP")
        kind = self._next()
        if kind == "infeas":
            return None, "infeasible"
        if kind != "range":
            raise self._refuse("malformed", f"{shown(kind)} is neither infeas nor range")
        if self._maximise:
            self._expect("-inf")
            bound, side = self._value(), -1
        else:
            bound, side = self._value(), 1
            self._expect("inf")
        words = "the maximum is at most" if self._maximise else "the minimum is at least"
        return (self._objective, side, bound), f"{words} {bound}"

    def _conclude(self, wanted: tuple[Terms, int, Fraction] | None) -> None:
        if not self._constraints:
            raise self._refuse("not shown", "there is no constraint")
        last = self._constraints[-1]
        if last.assumptions:
            raise self._refuse(
                "open assumption", f"the last derivation assumes {min(last.assumptions)}"
            )
        if not (last.is_absurd if wanted is None else last.implies(*wanted)):
            raise self._refuse("not shown", "the last derivation does not show the claim")

    def _terms(self) -> Terms:
        count = self._index(len(self._integer) + 1, "number of terms")
        terms: Terms = {}
        for _ in range(count):
            at, value = self._index(len(self._integer), "variable"), self._value()
            if at in terms or not value:
                raise self._refuse("malformed", f"variable {at} occurs twice or with zero")
            terms[at] = value
        return terms

    def _constraint(self) -> tuple[int, Fraction, Terms]:
        token = self._next()
        if token not in ("L", "E", "G"):
            raise self._refuse("malformed", f"{shown(token)} is not L, E or G")
        return "LEG".index(token) - 1, self._value(), self._terms()

    def _derivation(self) -> None:
        self._name()
        sense, right, terms = self._constraint()
        self._expect("{")
        reason = self._next()
        here = len(self._constraints)
        if reason == "asm":
            assumptions = frozenset([here])
        elif reason == "lin":
            derived = self._combination(here)
            if not derived.implies(terms, sense, right):
                raise self._refuse("wrong combination", f"constraint {here} does not follow")
            assumptions = derived.assumptions
        elif reason == "uns":
            assumptions = self._unsplit(here, terms, sense, right)
        else:
            raise self._refuse("unsupported reason", shown(reason))
        self._expect("}", "-1")
        self._constraints.append(_Constraint(terms, sense, right, assumptions, reason == "asm"))

    def _combination(self, here: int) -> _Constraint:
        count = self._index(here + 1, "number of multipliers")
        terms: Terms = {}
        right, sense = Fraction(0), 0
        seen: set[int] = set()
        assumptions: set[int] = set()
        for _ in range(count):
            at, factor = self._index(here, "constraint"), self._value()
            if at in seen or not factor:
                raise self._refuse("malformed", f"constraint {at} occurs twice or with zero")
            seen.add(at)
            used = self._constraints[at]
            direction = used.sense if factor > 0 else -used.sense
            if direction and sense and direction != sense:
                raise self._refuse("wrong sign", f"multiplier of constraint {at}")
            sense = sense or direction
            right += factor * used.right
            for j, coefficient in used.terms.items():
                terms[j] = terms.get(j, Fraction(0)) + factor * coefficient
            assumptions |= used.assumptions
        kept = {j: q for j, q in terms.items() if q}
        return _Constraint(kept, sense, right, frozenset(assumptions), False)

    def _unsplit(self, here: int, terms: Terms, sense: int, right: Fraction) -> frozenset[int]:
        numbers = [self._index(here, "constraint") for _ in range(4)]
        first, low, second, high = (self._constraints[i] for i in numbers)
        for number, side in zip(numbers[::2], (first, second), strict=True):
            if not side.implies(terms, sense, right):
                raise self._refuse("wrong split", f"constraint {number} does not imply {here}")
        if not (low.assumed and high.assumed):
            raise self._refuse("wrong split", "it drops a constraint that is no assumption")
        if {low.sense, high.sense} != {-1, 1} or low.terms != high.terms:
            raise self._refuse("wrong split", "its assumptions are not two sides of one split")
        below, over = (low, high) if low.sense < 0 else (high, low)
        if below.right.denominator != 1 or over.right != below.right + 1:
            raise self._refuse(
                "non-integer split", f"{below.right} and {over.right} are not neighbours"
            )
        for j, coefficient in below.terms.items():
            if not self._integer[j] or coefficient.denominator != 1:
                raise self._refuse("non-integer split", f"on variable {j}")
        return (first.assumptions - {numbers[1]}) | (second.assumptions - {numbers[3]})


def _tokens(text: str) -> Iterator[tuple[int, str]]:
    """Words with their lines; comment lines may stand at the beginning only."""
    begun = False
    for number, line in enumerate(text.split("\n"), 1):
        if not begun and line.startswith("%"):
            continue
        for word in line.split():
            begun = True
            yield number, word


def _integer(digits: str) -> int:
    """`int(digits)` for any number of digits."""
    if len(digits) <= 4000:
        return int(digits)
    half = len(digits) // 2
    power = int(10 ** (len(digits) - half))
    return _integer(digits[:half]) * power + _integer(digits[half:])


__all__ = ["Checker", "Summary", "UserError", "check_vipr", "check_vipr_text"]

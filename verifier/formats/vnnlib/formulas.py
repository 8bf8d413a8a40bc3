"""Formulas over inputs and outputs: linear atoms, `and`, `or`; terms with cases.

A variable is its index for an input, -1 - index for an output.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from verifier.question.errors import UserError

MAX_ATOMS = 1 << 22
"""Most atoms, and bounds of own boxes, of all disjuncts together."""
MAX_CASES = 1 << 8
"""Most cases of one term."""
MAX_CONDITION = 1 << 12
"""Most comparisons of a condition of `ite` or `xor`, of which the negation is written out."""
MAX_NESTING = 300
"""Most levels of a formula: what walks it recurses."""
MAX_BITS = 1 << 16
"""Most bits of one number that a term computes."""

Linear = tuple[dict[int, Fraction], Fraction]


@dataclass(frozen=True, slots=True)
class Comparison:
    """The linear term is >= 0, or > 0 if strict."""

    line: int
    weights: Mapping[int, Fraction]
    constant: Fraction
    strict: bool

    @property
    def size(self) -> int:
        return 1

    @property
    def depth(self) -> int:
        return 1

    def negated(self) -> Comparison:
        weights = {variable: -weight for variable, weight in self.weights.items()}
        return Comparison(self.line, weights, -self.constant, not self.strict)


@dataclass(frozen=True, slots=True)
class And:
    """All parts hold. `size` counts atoms, `depth` what is nested; `every` builds one."""

    parts: Sequence[Formula]
    size: int
    depth: int


@dataclass(frozen=True, slots=True)
class Or:
    """Some part holds; `some` builds one.

    guarded: each part is an `And` of a guard and a formula, and exactly one guard holds.
    """

    parts: Sequence[Formula]
    size: int
    depth: int
    guarded: bool = False


Formula = Comparison | And | Or


def every(parts: Sequence[Formula]) -> And:
    """The conjunction; raises UserError beyond MAX_ATOMS atoms and MAX_NESTING levels."""
    return And(parts, *_extent(parts))


def some(parts: Sequence[Formula], *, guarded: bool = False) -> Or:
    """The disjunction; raises UserError beyond MAX_ATOMS atoms and MAX_NESTING levels."""
    return Or(parts, *_extent(parts), guarded)


TRUE, FALSE = And((), 0, 1), Or((), 0, 1)


def _extent(parts: Sequence[Formula]) -> tuple[int, int]:
    size = sum(part.size for part in parts)
    depth = 1 + max((part.depth for part in parts), default=0)
    if size > MAX_ATOMS or depth > MAX_NESTING:
        raise UserError(
            f"a formula of {size} comparisons, {depth} levels deep; "
            f"the limits are {MAX_ATOMS} and {MAX_NESTING}"
        )
    return size, depth


def negated(formula: Formula) -> Formula:
    """True exactly where `formula` is not."""
    if isinstance(formula, Comparison):
        return formula.negated()
    if isinstance(formula, Or) and formula.guarded:
        pairs = [part.parts for part in formula.parts if isinstance(part, And)]
        return cases((guard, negated(inner)) for guard, inner in pairs)
    parts = [negated(part) for part in formula.parts]
    return some(parts) if isinstance(formula, And) else every(parts)


def cases(guarded: Iterable[tuple[Formula, Formula]]) -> Formula:
    """The formula behind the guard that holds; exactly one of the guards does."""
    listed = list(guarded)
    if len(listed) == 1:
        return listed[0][1]
    return some([every([guard, inner]) for guard, inner in listed], guarded=True)


def if_else(condition: Formula, then: Formula, otherwise: Formula) -> Formula:
    if condition.size > MAX_CONDITION:
        raise UserError(
            f"a condition of {condition.size} comparisons; the limit is {MAX_CONDITION}"
        )
    return cases([(condition, then), (negated(condition), otherwise)])


# ------------------------------------------------------------------ terms

Term = tuple[tuple[Formula, Linear], ...]
"""Guards and linear terms; exactly one guard holds anywhere, and then its term is the value."""


def constant(value: Fraction) -> Term:
    return ((TRUE, ({}, value)),)


def variable(index: int) -> Term:
    return ((TRUE, ({index: Fraction(1)}, Fraction(0))),)


def choice(condition: Formula, then: Term, otherwise: Term) -> Term:
    """`then` where the condition holds, `otherwise` elsewhere."""
    other = negated(condition)
    return _limited(
        [
            *((every([condition, guard]), value) for guard, value in then),
            *((every([other, guard]), value) for guard, value in otherwise),
        ]
    )


def pairs(left: Term, right: Term) -> list[tuple[Formula, Linear, Linear]]:
    """Guards with a linear term of each side."""
    if len(left) * len(right) > MAX_CASES:
        raise UserError(f"a term of {len(left) * len(right)} cases; the limit is {MAX_CASES}")
    return [
        (first if second is TRUE else second if first is TRUE else every([first, second]), a, b)
        for first, a in left
        for second, b in right
    ]


def total(terms: Sequence[Term]) -> Term:
    """Their sum."""
    if all(len(term) == 1 for term in terms):
        return ((TRUE, _sum([term[0][1] for term in terms])),)
    result = terms[0]
    for term in terms[1:]:
        result = tuple((guard, _sum([a, b])) for guard, a, b in pairs(result, term))
    return result


def times(factor: Fraction, term: Term) -> Term:
    return tuple((guard, _times(factor, value)) for guard, value in term)


def product(terms: Sequence[Term]) -> Term:
    """Their product; raises UserError if two of them are not constant."""
    result = terms[0]
    for term in terms[1:]:
        result = tuple((guard, _product(a, b)) for guard, a, b in pairs(result, term))
    return result


def compared(line: int, sign: str, left: Term, right: Term) -> Formula:
    """left <sign> right, the sign one of <= < >= > = == !=."""
    return cases((guard, _compared(line, sign, a, b)) for guard, a, b in pairs(left, right))


def _compared(line: int, sign: str, left: Linear, right: Linear) -> Formula:
    if sign == "!=":
        return negated(_compared(line, "==", left, right))
    if sign in (">=", ">"):
        left, right = right, left
    difference = _sum([right, _times(Fraction(-1), left)])
    atom = Comparison(line, difference[0], difference[1], sign in ("<", ">"))
    if sign in ("=", "=="):
        return every([atom, Comparison(line, *_times(Fraction(-1), difference), False)])
    return atom


def _limited(term: Sequence[tuple[Formula, Linear]]) -> Term:
    if len(term) > MAX_CASES:
        raise UserError(f"a term of {len(term)} cases; the limit is {MAX_CASES}")
    return tuple(term)


def _sum(terms: Sequence[Linear]) -> Linear:
    weights: dict[int, Fraction] = {}
    shift = Fraction(0)
    for term, added in terms:
        shift += added
        for index, weight in term.items():
            weights[index] = weights.get(index, Fraction(0)) + weight
    return _short({index: weight for index, weight in weights.items() if weight}, shift)


def _short(weights: dict[int, Fraction], shift: Fraction) -> Linear:
    for value in (shift, *weights.values()):
        if value.numerator.bit_length() + value.denominator.bit_length() > MAX_BITS:
            raise UserError(f"a number of more than {MAX_BITS} bits")
    return weights, shift


def _times(factor: Fraction, term: Linear) -> Linear:
    return _short({v: factor * w for v, w in term[0].items() if factor}, factor * term[1])


def _product(left: Linear, right: Linear) -> Linear:
    if left[0] and right[0]:
        raise UserError("a product of two terms that are not constant")
    return _times(right[1], left) if not right[0] else _times(left[1], right)

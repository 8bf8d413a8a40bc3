"""Comparisons as people type them, `Y_0 <= 0` or `2 Y_0 - 3/2 Y_1 > X_0`, read exactly.

conjunction  comparison, then more after "and" or ","
comparison   sum (<= | >= | < | > | =) sum
sum          terms joined by + and -; a term is a number, a variable, or both (2 Y_0, 2*Y_0)
variable     X_k, the k-th input, or Y_j, the j-th output, counted from 0
number       an integer, p/q or a decimal, which is that decimal
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from fractions import Fraction

from verifier.formats.files import shown
from verifier.question.errors import UserError
from verifier.question.query import Atom
from verifier.question.rational import format_rational, parse_rational

_JOINT = re.compile(r"\band\b|,")
_SIGN = re.compile(r"<=|>=|==|<|>|=")
_TERM = re.compile(
    r"\s*([+-]?)\s*(?:([0-9.]+(?:[eE][+-]?[0-9]+)?(?:\s*/\s*[0-9]+)?))?"
    r"\s*(\*?)\s*(?:([XY])_([0-9]{1,9}))?\s*"
)
_MOST = 1 << 20  # characters

Sum = dict[tuple[str, int], Fraction]  # ("", 0) is the constant


def parse_conjunction(text: str) -> tuple[Atom, ...]:
    """The atoms that `text` says, in its order; an equation gives two. Raises UserError."""
    if len(text) > _MOST:
        raise UserError(f"a condition of {len(text)} characters; the limit is {_MOST}")
    atoms: list[Atom] = []
    for part in _JOINT.split(text):
        sides = _SIGN.split(part)
        if len(sides) != 2:
            raise UserError(f"{shown(part.strip())} is no comparison such as Y_0 <= 0")
        sign = (_SIGN.search(part) or [""])[0]
        left, right = (_sum(side, part) for side in sides)
        if sign.startswith(("<", "=")):
            atoms.append(_atom(right, left, strict=sign == "<"))
        if sign.startswith((">", "=")):
            atoms.append(_atom(left, right, strict=sign == ">"))
    return tuple(atoms)


def conjunction_text(atoms: Iterable[Atom], parameter: int | None = None) -> str:
    """The atoms as `parse_conjunction` reads them, each with its constant on the right; the input
    of this number, if any, is called m."""
    return " and ".join(
        f"{_terms_text(atom, parameter)} {'>' if atom.strict else '>='} "
        f"{format_rational(-atom.constant)}"
        for atom in atoms
    )


def _terms_text(atom: Atom, parameter: int | None) -> str:
    parts = [(c, f"Y_{j}") for j, c in atom.outputs]
    parts += [(c, "m" if k == parameter else f"X_{k}") for k, c in atom.inputs]
    terms = [
        ("- " if c < 0 else "+ ") + ("" if abs(c) == 1 else f"{format_rational(abs(c))} ") + name
        for c, name in parts
    ]
    text = " ".join(terms) or "0"
    return "-" + text[2:] if text.startswith("- ") else text.removeprefix("+ ")


def _sum(text: str, whole: str) -> Sum:
    total: Sum = defaultdict(Fraction)
    at = 0
    while at < len(text) or at == 0:
        match = _TERM.match(text, at)
        if match is None or (match[2] is None and match[4] is None):
            raise UserError(
                f"{shown(whole.strip())}: not a sum at {shown(text[at:].strip())}; "
                "outputs are Y_0, Y_1, .., inputs X_0, X_1, .."
            )
        sign, number, times, kind, index = match.groups()
        if (at and not sign) or (times and (number is None or kind is None)):
            raise UserError(f"{shown(whole.strip())}: not a sum at {shown(text[at:].strip())}")
        value = Fraction(1) if number is None else parse_rational(re.sub(r"\s", "", number))
        total[(kind or "", int(index or 0))] += -value if sign == "-" else value
        at = match.end()
    return total


def _atom(greater: Sum, less: Sum, *, strict: bool) -> Atom:
    """greater - less >= 0, or > 0 if strict."""
    terms: Sum = defaultdict(Fraction)
    for side, factor in ((greater, 1), (less, -1)):
        for key, value in side.items():
            terms[key] += factor * value
    constant = terms.pop(("", 0), Fraction(0))
    inputs, outputs = (
        tuple((k, terms[kind, k]) for kind_, k in sorted(terms) if kind_ == kind and terms[kind, k])
        for kind in ("X", "Y")
    )
    return Atom(inputs, outputs, constant, strict)

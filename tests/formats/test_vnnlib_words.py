"""Every word of VNN-LIB 1.0 means what SMT-LIB says: random terms and formulas of all operators,
written in many ways, hold at the points at which a direct evaluation says so."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise
from operator import eq, ge, gt, le, lt
from random import Random
from typing import Any

from verifier.formats.vnnlib.property import contains
from verifier.formats.vnnlib.read import parse_property
from verifier.question.errors import UserError

F = Fraction
Said = tuple[str, Callable[[dict[str, F]], Any]]  # a text, and its value given those of the names
SIGNS = {"<=": le, "<": lt, ">=": ge, ">": gt, "=": eq, "==": eq}
NAMES = ["X_0", "X_1", "Y_0"]


def number(rng: Random) -> Said:
    value = F(rng.randint(-4, 4), rng.choice((1, 2, 4)))
    size = abs(value)
    ways = [str(float(value)), f"{float(value):+e}", f"{float(value):E}", str(value)]
    ways.append(f"(/ {value.numerator} {value.denominator})" if value >= 0 else f"(- {size})")
    return rng.choice(ways), lambda at: value


def term(rng: Random, depth: int, names: list[str]) -> Said:
    """A linear term: whatever it multiplies or divides by is a number."""
    kind = rng.choice(("number", "name", "name", "+", "-", "*", "/", "abs", "ite", "let"))
    if kind == "number":
        return number(rng)
    if kind == "name" or depth == 0:
        name = rng.choice(names)
        return rng.choice((name, f"|{name}|")), lambda at: at[name]
    (a, f), (b, g) = term(rng, depth - 1, names), term(rng, depth - 1, names)
    match kind:
        case "+":
            return f"(+ {a} {b} {a})", lambda at: f(at) + g(at) + f(at)
        case "-":
            if rng.random() < 0.3:
                return f"(- {a})", lambda at: -f(at)
            return f"(- {a} {b} {b})", lambda at: f(at) - g(at) - g(at)
        case "*":
            c, h = number(rng)
            return rng.choice((f"(* {a} {c})", f"(* {c} {a})")), lambda at: f(at) * h(at)
        case "/":
            return f"(/ {a} 4 -0.5)", lambda at: f(at) / -2
        case "abs":
            return f"(abs {a})", lambda at: abs(f(at))
        case "ite":
            c, h = formula(rng, depth - 1, names)
            return f"(ite {c} {a} {b})", lambda at: f(at) if h(at) else g(at)
    name = rng.choice(("v", "X_0"))  # a name of its own, or one that hides another
    c, h = term(rng, depth - 1, [*names, name])
    return f"(let (({name} {a})) {c})", lambda at: h({**at, name: f(at)})


def formula(rng: Random, depth: int, names: list[str]) -> Said:
    words = (*SIGNS, "distinct", "!=", "and", "or", "not", "=>", "xor", "iff", "ite")
    kind = rng.choice(words if depth else words[:8])
    if kind in words[:8]:
        terms = [term(rng, max(depth - 1, 0), names) for _ in range(rng.choice((2, 2, 3)))]
        text = f"({kind} {' '.join(text for text, _ in terms)})"

        def compared(at: dict[str, F]) -> bool:
            values = [value(at) for _, value in terms]
            if kind in ("distinct", "!="):
                return len(set(values)) == len(values)
            return all(SIGNS[kind](a, b) for a, b in pairwise(values))

        return text, compared
    (a, f), (b, g), (c, h) = (formula(rng, depth - 1, names) for _ in range(3))
    match kind:
        case "and":
            return f"(and {a} {b} {c})", lambda at: f(at) and g(at) and h(at)
        case "or":
            return f"(or {a} {b} {c})", lambda at: f(at) or g(at) or h(at)
        case "not":
            return f"(not {a})", lambda at: not f(at)
        case "=>":  # to the right
            return f"(=> {a} {b} {c})", lambda at: not f(at) or not g(at) or h(at)
        case "xor":  # to the left
            return f"(xor {a} {b} {c})", lambda at: f(at) ^ g(at) ^ h(at)
        case "iff":
            return f"(= {a} {b} {c})", lambda at: f(at) == g(at) == h(at)
    return f"(ite {a} {b} {c})", lambda at: g(at) if f(at) else h(at)


def drawn(rng: Random) -> tuple[str, list[Callable[[dict[str, F]], Any]]]:
    """A property with a definition, a definition with parameters and some assertions."""
    text = "; (\n" + "".join(f"(declare-const {name} Real)" for name in rng.sample(NAMES, 3))
    constant, defined = term(rng, 1, NAMES)
    body, meaning = term(rng, 2, [*NAMES, "p"])
    a, argument = term(rng, 1, [*NAMES, "c"])
    text += f"(define-fun c () Real {constant})(define-fun f ((p Real)) Real {body})"
    text += f"(assert (<= (f {a}) 2)) ; |\n"

    def used(at: dict[str, F]) -> bool:
        return bool(meaning({**at, "p": argument({**at, "c": defined(at)})}) <= 2)

    held: list[Callable[[dict[str, F]], Any]] = [used]
    for _ in range(rng.randint(1, 2)):
        said, value = formula(rng, rng.randint(0, 2), NAMES)
        text += f"(assert\n{said})"
        held.append(value)
    return text, held


def test_random_properties_hold_where_they_say() -> None:
    seen, refused = {True: 0, False: 0}, 0
    for seed in range(250):
        rng = Random(seed)
        text, held = drawn(rng)
        try:
            read = parse_property(text)
        except UserError as error:  # nothing but too large a normal form
            assert "disjuncts" in str(error), (seed, error)
            refused += 1
            continue
        for _ in range(20):
            at = {name: F(rng.randint(-9, 9), rng.choice((1, 2, 4))) for name in NAMES}
            wanted = all(value(at) for value in held)
            x, y = [at["X_0"], at["X_1"]], [at["Y_0"]]
            got = any(contains(disjunct, x, y) for disjunct in read.disjuncts)
            assert got == wanted, (seed, at, text)
            seen[wanted] += 1
    assert min(seen.values()) >= 300 and refused <= 25, (seen, refused)

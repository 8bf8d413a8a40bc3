"""Formulas of sizes, which constructions write in plain text, as mathematics for LaTeX."""

from __future__ import annotations

import re

_TOKEN = re.compile(r"\s+|[A-Za-z]+[0-9]*|[0-9]+|.", re.DOTALL)
_GREEK = {"mu", "tau", "rho", "epsilon", "delta", "gamma"}
_FUNCTIONS = {"log2": r"\log_2 ", "log": r"\log ", "max": r"\max", "min": r"\min"}
_AROUND = {
    "ceil": (r"\lceil ", r"\rceil "),
    "floor": (r"\lfloor ", r"\rfloor "),
    "sqrt": (r"\sqrt{", "}"),
}
_PLAIN = set("0123456789+-=,/.()[]<>")


def mathematics(text: str) -> str | None:
    """The formula with its mathematics between dollars, None if this function does not read it.

    Known are sums, products, quotients, powers and indices of numbers and letters, `ceil`, `floor`,
    `sqrt`, `log2`, `max` and `min`; words of prose, and commas, stand outside of the dollars, so
    that a line may end there.
    """
    parts: list[tuple[bool, str]] = []  # whether it is mathematics, and what it is
    closing: list[str] = []  # what ends each open bracket
    tokens = _TOKEN.findall(text)
    k = 0
    while k < len(tokens):
        token = tokens[k]
        following = tokens[k + 1] if k + 1 < len(tokens) else ""
        flat = "}" not in closing  # here prose may leave the mathematics
        if token in _AROUND and following == "(":
            begin, end = _AROUND[token]
            parts.append((True, begin))
            closing.append(end)
            k += 1
        elif token in ("^", "_") and following == "(":
            parts.append((True, token + "{"))
            closing.append("}")
            k += 1
        elif token in ("^", "_") and re.fullmatch(r"[A-Za-z0-9]+", following):
            parts.append((True, f"{token}{{{_symbol(following, index=True) or following}}}"))
            k += 1
        elif token == "(":
            parts.append((True, "("))
            closing.append(")")
        elif token == ")":
            if not closing:
                return None
            parts.append((True, closing.pop()))
        elif token.isspace() or (token == "," and following.isspace()):
            parts.append((not flat, token))
        elif token == "-" and _prose(tokens, k - 1) and _prose(tokens, k + 1):
            parts.append((not flat, "-"))
        elif token == "*":
            parts.append((True, r"\cdot "))
        elif token[0].isalpha() and token.isascii():
            symbol = _symbol(token, index=False)
            upright = token if flat else rf"\text{{ {token} }}"
            parts.append((True, symbol) if symbol else (not flat, upright))
        elif token in _PLAIN or token.isdigit():
            parts.append((True, token))
        else:
            return None
        k += 1
    return None if closing or not parts else _joined(parts)


def _prose(tokens: list[str], k: int) -> bool:
    """Whether token k is a word."""
    inside = 0 <= k < len(tokens) and tokens[k].isalpha()
    return inside and _symbol(tokens[k], index=False) is None


def _symbol(word: str, *, index: bool) -> str | None:
    """A letter, a product of letters, or the name of a function; None for prose."""
    if word in _FUNCTIONS:
        return _FUNCTIONS[word]
    if word in _GREEK:
        return f"\\{word} "
    product = len(word) <= 3 and word != word.lower()
    if len(word) == 1 or word.isdigit() or product or (index and len(word) == 2):
        return word
    return None


def _joined(parts: list[tuple[bool, str]]) -> str:
    """Neighbours that are mathematics between the same dollars, with the spaces between them."""
    found, open_ = "", False
    for k, (inside, text) in enumerate(parts):
        between = text.isspace() and open_ and k + 1 < len(parts) and parts[k + 1][0]
        if (inside or between) != open_:
            open_ = not open_
            found += "$"
        found += text
    return found + ("$" if open_ else "")

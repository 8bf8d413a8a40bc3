"""Plain text in LaTeX: nothing in it is run, and dashes, quotes and papers are what they were."""

from __future__ import annotations

import re

from reports.references import NAMES, named

_LETTERS = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#",
    "%": r"\%", "_": r"\_", "^": r"\textasciicircum{}", "~": r"\textasciitilde{}",
    "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}", '"': r"\textquotedbl{}",
    "`": r"\textasciigrave{}", "'": r"\textquotesingle{}",
    "\N{ALMOST EQUAL TO}": r"$\approx$", "\N{LESS-THAN OR EQUAL TO}": r"$\leq$",
    "\N{GREATER-THAN OR EQUAL TO}": r"$\geq$", "\N{EN DASH}": r"\textendash{}",
    "\N{SQUARE ROOT}": r"$\surd$", "\N{HORIZONTAL ELLIPSIS}": r"\ldots{}",
    "\N{MULTIPLICATION SIGN}": r"$\times$", "\N{GREEK SMALL LETTER RHO}": r"$\rho$",
    "\N{MINUS SIGN}": r"$-$", "\N{MIDDLE DOT}": r"$\cdot$", "\N{NO-BREAK SPACE}": "~",
}  # fmt: skip
_LONG = 22  # letters of a word that may be broken


def escaped(text: str, *, cite: bool = True) -> str:
    """The text with nothing in it that LaTeX would run; letters that it lacks become their number.

    Two hyphens stay two. Papers that the text names are cited.
    """
    flat = re.sub(r"[^\S\N{NO-BREAK SPACE}]+", " ", text).strip(" ")
    whole = "".join(map(_word, re.split(r"( )", flat)))
    if not cite:
        return whole
    return NAMES.sub(lambda found: f"{found[0]}~\\cite{{{named(found[0]).key}}}", whole)


def typewriter(text: str) -> str:
    """A line to be typed, whose letters can be copied from the page as they are."""
    return rf"\texttt{{{escaped(text, cite=False)}}}"


def _word(word: str) -> str:
    """A word; a long one may be broken after signs, or every few letters if it has none."""
    pieces = [word]
    if len(word) > _LONG:
        pieces = [part for part in re.split(r"(?<=[,;:/._=-])", word) if part]
        pieces = [part[k : k + _LONG] for part in pieces for k in range(0, len(part), _LONG)]
    joined = r"\allowbreak{}".join("".join(map(_letter, piece)) for piece in pieces)
    return joined.replace("--", "-{}-").replace("--", "-{}-").replace("-\\allowbreak{}-", "-{}-")


def _letter(letter: str) -> str:
    code = ord(letter)
    if letter in _LETTERS:
        return _LETTERS[letter]
    if 32 <= code < 127 or 0xC0 <= code <= 0xFF:
        return letter
    return rf"\texttt{{U+{code:04X}}}"

"""How a table of text lays out its samples, where its name and its first line do not say it."""

from __future__ import annotations

from dataclasses import dataclass

from verifier.question.errors import UserError

SEPARATORS = {"comma": ",", "semicolon": ";", "tab": "\t", "space": " ", "\\t": "\t"}
"""Words for separators; every other one is a single character.  Space is any white space."""


@dataclass(frozen=True, slots=True)
class Layout:
    """What is said of a table; None leaves it to the file, and what is doubtful is then an error.

    Attributes:
        label_column: A name from the header, or first, last (the default) or
            none, counted without the index column.
        separator: One character or a word of `SEPARATORS`.
        index_column: The column that only numbers the rows and is left out: a
            name from the header, first, last or none (the default).
        header: Whether the first line names the columns.

    Raises:
        UserError: If the separator is neither a character nor such a word.
    """

    label_column: str | None = None
    separator: str | None = None
    index_column: str | None = None
    header: bool | None = None

    def __post_init__(self) -> None:
        text = self.separator
        if text is None:
            return
        mark = SEPARATORS.get(text, text)
        if len(mark) != 1 or mark.isalnum() or mark in "+-.\"'\r\n":
            raise UserError(
                f"--separator: {text!r} is neither one sign nor one of {', '.join(SEPARATORS)}"
            )
        object.__setattr__(self, "separator", mark)

    def refuse_for(self, what: str) -> None:
        """Returns if nothing is said; raises UserError that names what does not go with `what`."""
        for option, given in (
            ("--label-column", self.label_column),
            ("--separator", self.separator),
            ("--index-column", self.index_column),
            ("--header", self.header),
        ):
            if given is not None:
                raise UserError(f"{option} is for tables of text, not for {what}")

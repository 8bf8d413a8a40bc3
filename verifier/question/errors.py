"""The two ways in which something given to this project can be wrong.

A `UserError` says in one line what cannot be used and where, with both sides of what disagrees
("budget 4 is not below half the separation, 4"); the command line prints it and exits with 2.
A `RefusedError` is evidence that does not prove its claim, and exits with 4.
"""

from __future__ import annotations

from verifier.question.printable import printable


class UserError(ValueError):
    """The input is not usable; the message is one line that names the place and both sides.

    Names in it come from files of others, so it is kept as `printable` writes it.
    """

    def __init__(self, message: object = "") -> None:
        super().__init__(printable(str(message)))


class RefusedError(UserError):
    """The evidence does not prove the claim; `flaw` is the name of what is wrong with it."""

    def __init__(self, flaw: str, detail: str) -> None:
        super().__init__(f"{flaw}: {detail}")
        self.flaw = flaw
        self.detail = detail

    def __reduce__(self) -> tuple[object, ...]:
        """It crosses process boundaries whole."""
        return RefusedError, (self.flaw, self.detail)

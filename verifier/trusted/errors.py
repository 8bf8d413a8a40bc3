"""The two ways in which something given to this package can be wrong."""

from __future__ import annotations


class UserError(ValueError):
    """The input is not usable; the message is one line that names the place and both sides."""


class RefusedError(UserError):
    """The evidence does not prove the claim; `flaw` is the name of what is wrong with it."""

    def __init__(self, flaw: str, detail: str) -> None:
        super().__init__(f"{flaw}: {detail}")
        self.flaw = flaw
        self.detail = detail

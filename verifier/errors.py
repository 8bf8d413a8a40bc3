"""The one exception for input that cannot be used."""

from __future__ import annotations


class UserError(ValueError):
    """What the user gave cannot be used; the message is one line that says where and why.

    The message names the place (file, line, column, sample) and both sides of
    what disagrees, for example ``budget 7/2 is not below half the separation,
    7/2``.  The command line prints it after ``error:`` and exits with code 2;
    nothing else in the project catches it to go on as if nothing had happened.
    """

    def __init__(self, message: str) -> None:
        super().__init__(" ".join(message.split()))

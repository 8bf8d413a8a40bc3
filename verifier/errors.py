"""The errors a user can cause, under one name for the whole project.

They are defined in `verifier.trusted.errors`, which may import nothing of the
project.  A `UserError` says in one line what cannot be used and where, with
both sides of what disagrees ("budget 7/2 is not below half the separation,
7/2"); the command line prints it and exits with 2.  A `RefusedError` is
evidence that does not prove its claim, and exits with 4.
"""

from __future__ import annotations

from verifier.trusted.errors import RefusedError, UserError

__all__ = ["RefusedError", "UserError"]

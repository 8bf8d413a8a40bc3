"""The programs that are extracted from Coq: where they are."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from verifier.question.errors import UserError


@dataclass(frozen=True, slots=True)
class Program:
    """A program, the variable that may name its folder, the folder in which it is built."""

    name: str
    variable: str
    folder: str

    @property
    def how(self) -> str:
        return f"make -C {self.folder} program, then {self.variable}={self.folder}/program"

    def find(self) -> Path:
        """From the folder that the variable names, or from PATH; UserError if absent."""
        folder = os.environ.get(self.variable)
        if folder:
            path = Path(folder) / self.name
            if not os.access(path, os.X_OK):
                raise UserError(
                    f"{self.variable}: there is no program {path}; build it: {self.how}"
                )
            return path
        found = shutil.which(self.name)
        if found is None:
            raise UserError(f"{self.name} is not on PATH; build it: {self.how}")
        return Path(found)

    def is_there(self) -> bool:
        """Whether it is found; UserError if the variable names a folder without it."""
        return (bool(os.environ.get(self.variable)) and bool(self.find())) or bool(
            shutil.which(self.name)
        )

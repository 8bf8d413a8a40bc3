"""The program that recognises networks, compiled from its committed OCaml; else tests skip."""

import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "constructions" / "coq"
PROGRAM = SOURCE / "program"
WHOLE = Path(__file__).parents[2] / "verifier" / "kernel" / "coq" / "program" / "whole.ml"
FILES = ("whole.ml", "theorem.mli", "theorem.ml", "stream.ml", "robmem_theorem.ml")


@cache
def program_or_none():
    """A folder with the program, compiled once; None if OCaml or Zarith is absent."""
    if shutil.which("ocamlfind") is None:
        return None
    if subprocess.run(["ocamlfind", "query", "zarith"], capture_output=True).returncode:
        return None
    return compiled(PROGRAM, Path(tempfile.mkdtemp(prefix="robmem-theorem-")))


def compiled(source, folder):
    """`folder`, with the program of these sources."""
    shutil.copy(WHOLE, folder)
    for name in FILES[1:]:
        shutil.copy(source / name, folder)
    command = ["ocamlfind", "ocamlopt", "-w", "-a", "-package", "zarith", "-linkpkg", *FILES]
    subprocess.run([*command, "-o", "robmem-theorem"], cwd=folder, check=True)
    return folder


def theorem_folder():
    folder = program_or_none()
    if folder is None:
        pytest.skip("ocamlfind with zarith is not installed: no program that recognises networks")
    return folder

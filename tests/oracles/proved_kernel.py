"""The program of the proved kernel, compiled from its committed OCaml; else tests skip."""

import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

import pytest

from verifier.checker.proved import proof_parts, replay_proof
from verifier.question.errors import RefusedError, UserError

SOURCE = Path(__file__).parents[2] / "verifier" / "kernel" / "coq"
PROGRAM = SOURCE / "program"
FILES = (
    "whole.ml",
    "kernel.mli",
    "kernel.ml",
    "show.ml",
    "tokens.ml",
    "proofs.ml",
    "robmem_kernel.ml",
)


@cache
def _folder():
    """A folder with the program, compiled once; None if OCaml or Zarith is absent."""
    if shutil.which("ocamlfind") is None:
        return None
    if subprocess.run(["ocamlfind", "query", "zarith"], capture_output=True).returncode:
        return None
    folder = Path(tempfile.mkdtemp(prefix="robmem-kernel-"))
    return compiled(PROGRAM, folder)


def compiled(source, folder):
    """`folder`, with the program of these sources."""
    for name in FILES:
        shutil.copy(source / name, folder)
    command = ["ocamlfind", "ocamlopt", "-w", "-a", "-package", "zarith", "-linkpkg", *FILES]
    subprocess.run([*command, "-o", "robmem-kernel"], cwd=folder, check=True)
    return folder


def relinked(source, built, folder):
    """`folder`, with the program of these sources, whose proved part is the one in `built`."""
    for path in built.iterdir():
        if path.suffix in (".cmi", ".cmx", ".o") or path.name in FILES:
            shutil.copy(path, folder)
    for name in FILES[3:]:
        shutil.copy(source / name, folder)
    parts = ["whole.cmx", "kernel.cmx", *FILES[3:]]
    command = ["ocamlfind", "ocamlopt", "-w", "-a", "-package", "zarith", "-linkpkg", *parts]
    subprocess.run([*command, "-o", "robmem-kernel"], cwd=folder, check=True)
    return folder


def kernel_folder():
    folder = _folder()
    if folder is None:
        pytest.skip("ocamlfind with zarith is not installed: no proved kernel")
    return folder


def say(folder, text):
    """What the program of `folder` says of a stream: its last line, and its exit code."""
    command = [str(folder / "robmem-kernel"), "-"]
    done = subprocess.run(command, input=text.encode(), capture_output=True, timeout=60)
    return (done.stdout.decode().splitlines() or [""])[-1], done.returncode


def stream(query, verdict):
    return "".join(text for _, text in proof_parts(query, verdict))


def proved_flaw(query, verdict):
    """ "accepted", "short form", or the flaw."""
    try:
        replay_proof(query, verdict)
    except RefusedError as error:
        return error.flaw
    except UserError:
        return "short form"
    return "accepted"

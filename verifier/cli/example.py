"""`robmem example`: a trained network and two tables to try the commands on."""

from __future__ import annotations

from pathlib import Path

import click

_NEXT = """\
robmem verify {0}/digits.npz --center {0}/digits.csv:1 --radius 1/2 --label 7
robmem radius {0}/digits.npz --data {0}/digits.csv --samples 0:3
robmem certify --network {0}/digits.npz --data {0}/digits.csv --radius 0.25 --out runs/digits
robmem certify --data {0}/moons.csv --every-budget --out runs/moons
robmem least {0}/xor.csv"""


@click.command(
    name="example",
    epilog="Example: robmem example",
    short_help="Write a small network and tables to try things on.",
)
@click.argument("folder", default="examples", type=click.Path(file_okay=False), metavar="[FOLDER]")
def command(folder: str) -> int:
    """Write a trained network of digits, 30 digits, 14 points of the plane, and the four of XOR to
    FOLDER.

    A file that is there already stays as it is.
    """
    from importlib.resources import files

    from verifier.evidence.files import make_folder

    target = Path(folder)
    make_folder(target)
    for source in sorted(files("robmem").joinpath("examples").iterdir(), key=lambda one: one.name):
        if source.name.endswith((".npz", ".csv", ".txt")) and not (target / source.name).exists():
            (target / source.name).write_bytes(source.read_bytes())
    print(
        f"{target} holds digits.npz, digits.csv, moons.csv and xor.csv; try\n{_NEXT.format(target)}"
    )
    return 0

"""The gallery of reports: what is in it, and how it is made again.

python -m tests.oracles.gallery [NAME ..]     writes reports/gallery
"""

from __future__ import annotations

import contextlib
import io
import shlex
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from threadpoolctl import threadpool_info

FOLDER = Path(__file__).resolve().parents[2] / "reports" / "gallery"
FILES = ("plane.csv", "mlp.npz", "mlp-noise.npz")
"""What the commands find beside them."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A report: the commands that make it, of which the last ends in `-o NAME`."""

    name: str
    about: str
    commands: tuple[str, ...]
    quick: bool = True
    floats: bool = False
    """Whether points are shown that floats proposed: their last digits are those of the kernels
    that OpenBLAS has for a processor."""


ENTRIES = (
    Entry(
        "iris-linf",
        "Every sample robust: the running max over samples, L-infinity.",
        (
            "robmem certify --data iris --ratio 99/100 --out runs/iris-linf",
            "robmem report runs/iris-linf --kernel 3 -o iris-linf",
        ),
        quick=False,
    ),
    Entry(
        "plane-control",
        "A control that is right at the samples alone: every sample has a flip.",
        (
            "robmem certify --data plane.csv --construction vardi --ratio 1/2 --out runs/control",
            "robmem report runs/control -o plane-control",
        ),
    ),
    Entry(
        "plane-undecided",
        "Proofs of one node alone: what is seen at once, and samples without an answer.",
        (
            (
                "robmem certify --data plane.csv --construction vardi --ratio 1/2 "
                "--decoder nearest --nodes 1 --out runs/hasty"
            ),
            "robmem report runs/hasty -o plane-undecided",
        ),
        quick=False,
    ),
    Entry(
        "plane-radii",
        "How far each sample keeps its label, exactly: beyond its ball, before its rival.",
        (
            "robmem certify --data plane.csv --construction l2 --decoder nearest --out runs/plane",
            "robmem radius runs/plane/network.robmem --data plane.csv --norm 2 --proofs radii",
            "robmem report runs/plane --radii radii -o plane-radii",
        ),
        quick=False,
    ),
    Entry(
        "wine-ovr",
        "One output a class, and the largest one counts.",
        (
            "robmem certify --data wine --construction lipschitz-ovr --out runs/wine",
            "robmem report runs/wine -o wine-ovr",
        ),
        quick=False,
    ),
    Entry(
        "plane",
        "Two-dimensional data: the linear pieces of the network as exact polygons.",
        (
            "robmem certify --data plane.csv --construction l2 --ratio 9/10 --out runs/plane",
            "robmem report runs/plane -o plane",
        ),
    ),
    Entry(
        "plane-compared",
        "Two networks for the same data, side by side.",
        (
            "robmem certify --data plane.csv --construction linf --ratio 9/10 --out runs/linf",
            "robmem certify --data plane.csv --construction l2 --ratio 1/2 --out runs/l2",
            "robmem report runs/linf runs/l2 -o plane-compared",
        ),
        quick=False,
    ),
    Entry(
        "digits-linf",
        "All 1,797 images of scikit-learn's digits.",
        (
            "robmem certify --data digits --ratio 99/100 --out runs/digits",
            "robmem report runs/digits -o digits-linf",
        ),
        quick=False,
    ),
    Entry(
        "theory-iris",
        "All constructions for iris over the robustness ratio, beside the papers' bounds.",
        ("robmem report theory --data iris -o theory-iris",),
        quick=False,
    ),
    Entry(
        "mlp-linf",
        "A trained network, 64-50-50-10: which of eight digits keep their label on their ball, "
        "and how far each does.",
        (
            (
                "robmem certify --network mlp.npz --data digits --samples 1500:1508 --radius 1 "
                "--out runs/mlp"
            ),
            "robmem radius mlp.npz --data digits --samples 1500:1508 --within 1/8 --proofs radii",
            "robmem report runs/mlp --radii radii -o mlp-linf",
        ),
        quick=False,
        floats=True,
    ),
    Entry(
        "mlp-l2",
        "The same network and digits in norm 2: distances to the nearest flips, in a run.",
        (
            (
                "robmem radius mlp.npz --data digits --samples 1500:1506 --norm 2 --within 1/2 "
                "--out runs/mlp-l2"
            ),
            "robmem report runs/mlp-l2 -o mlp-l2",
        ),
        quick=False,
        floats=True,
    ),
    Entry(
        "mlp-compared",
        "What noise in training brings: two networks, the same digits, L-infinity.",
        (
            "robmem radius mlp.npz --data digits --samples 1500:1504 --within 1/4 --out runs/plain",
            (
                "robmem radius mlp-noise.npz --data digits --samples 1500:1504 --within 1/4 "
                "--out runs/noise"
            ),
            "robmem report runs/plain runs/noise --compare -o mlp-compared",
        ),
        quick=False,
        floats=True,
    ),
    Entry(
        "mlp-slices",
        "Planes through two digits, a flip of each and a rival: the exact pieces of the network.",
        (
            (
                "robmem slice mlp.npz --data digits --samples 1500:1502 --radius 1 --nodes 2000 "
                "-o mlp-slices"
            ),
        ),
        quick=False,
    ),
    Entry(
        "plane-every",
        "One network for every budget at once: proofs over a parameter, and their bounds.",
        (
            "robmem certify --data plane.csv --every-budget --out runs/every",
            "robmem report runs/every -o plane-every",
        ),
        quick=False,
    ),
)


def make(entry: Entry, folder: Path) -> Path:
    """The report of the entry, made in the empty folder `folder`."""
    from verifier.cli.main import main

    for file in FILES:
        shutil.copy(FOLDER / file, folder / file)
    with contextlib.chdir(folder), contextlib.redirect_stdout(io.StringIO()):
        for command in entry.commands:
            words = shlex.split(command)[1:]
            if words[0] in ("certify", "radius"):
                words += ["--quiet", *(["--jobs", "0"] if "--out" in words else [])]
            code = main(words)
            if code not in (0, 1, 3):
                raise RuntimeError(f"{command}: exit code {code}")
    return folder / entry.name


def kernels() -> str:
    """The processor for which OpenBLAS computes here."""
    found = {str(one.get("architecture")) for one in threadpool_info()}
    return ", ".join(sorted(found - {"None"})) or "no kind of processor"


def readme() -> str:
    """The text of reports/gallery/README.md."""
    import matplotlib

    parts = [
        "# Reports of bundled data",
        "Open `index.html` in any of these folders.",
        (
            "Each is made by the commands below it, beside [plane.csv](plane.csv) and two networks "
            "64-50-50-10 that were trained on the first 1,500 digits, [mlp.npz](mlp.npz) and, with "
            "noise, [mlp-noise.npz](mlp-noise.npz) (`tests/oracles/gallery_networks.py`)."
        ),
        "`python -m tests.oracles.gallery` makes all of them again, and a test compares.",
        (
            f"Figures: matplotlib {matplotlib.__version__}. Points that floats propose: OpenBLAS "
            f"for {kernels()}."
        ),
    ]
    for entry in ENTRIES:
        commands = "\n".join("    " + command for command in entry.commands)
        parts.append(f"## [{entry.name}]({entry.name}/report.md)\n\n{entry.about}\n\n{commands}")
    return "\n\n".join(parts) + "\n"


def main(names: list[str]) -> None:
    """Makes the named reports, or all."""
    for entry in ENTRIES:
        if names and entry.name not in names:
            continue
        with tempfile.TemporaryDirectory() as temporary:
            made = make(entry, Path(temporary))
            shutil.rmtree(FOLDER / entry.name, ignore_errors=True)
            shutil.copytree(made, FOLDER / entry.name)
        print(entry.name, file=sys.stderr)
    (FOLDER / "README.md").write_text(readme(), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])

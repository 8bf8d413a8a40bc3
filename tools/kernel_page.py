"""Writes the statement, the assumptions and the lines of the Coq development into docs/kernel.md.

python tools/kernel_page.py           writes the page
python tools/kernel_page.py --check   exits with 1 if the page is not up to date
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
COQ, PAGE = ROOT / "verifier" / "kernel" / "coq", ROOT / "docs" / "kernel.md"
MODULES = {
    "Statement": "networks, regions, goals, labels: what is claimed",
    "Examples": "the statement, tried out",
    "Numbers": "fractions equal to real numbers",
    "Tries": "maps from names, sums of coefficients",
    "Leaf": "forms, and what a leaf does to them",
    "Tree": "leaves, conflicts, splits, lemmas",
    "Root": "bounds unit after unit; what lemmas and trees prove",
    "Balls": "numbers as bounds: lines of units, boxes and balls",
    "Ridge": "functions of one direction",
    "Shares": "weights of directions, sums of ridge functions",
    "Verify": "questions about numbers: root intervals and verify_sound",
    "Flips": "exact evaluation, flips, exact radii",
    "Labels": "decoders, balls of samples, data sets",
    "Family": "affine functions of m as bounds",
    "Cones": "questions about every m: leaves, verify_cone_sound, labels",
    "Export": "networks with numbers for names, for exported theorems",
    "Mappings": "integers of the program (not proved)",
}


def blocks():
    """The text of each block of the page."""
    statement = (COQ / "Statement.v").read_text()
    first = (COQ / "assumptions.txt").read_text().split("Axioms:")[1]
    rows = [
        f"| `{name}.v` | {lines(COQ / f'{name}.v')} | {what} |" for name, what in MODULES.items()
    ]
    table = "\n".join(["| file | lines | |", "|---|---|---|", *rows])
    return {
        "statement": f"```coq\n{statement}```",
        "assumptions": f"```\nAxioms:{first.rstrip()}\n```",
        "lines": table,
    }


def lines(path):
    return len(path.read_text().splitlines())


def page():
    text = PAGE.read_text()
    for name, block in blocks().items():
        pattern = re.compile(rf"<!-- {name} -->\n.*?<!-- end -->", re.DOTALL)
        text, count = pattern.subn(
            lambda _, b=block, n=name: f"<!-- {n} -->\n{b}\n<!-- end -->", text
        )
        if count != 1:
            sys.exit(f"{PAGE}: {count} blocks {name}")
    return text


if __name__ == "__main__":
    if "--check" in sys.argv:
        sys.exit(page() != PAGE.read_text())
    PAGE.write_text(page())

"""What a report says of a folder certified by a theorem alone: there are no balls to show."""

from __future__ import annotations

from pathlib import Path

from reports.document import Document, Items, Section, Table, Text, Tiles
from verifier.checker.manifest import check_digests, every_claim
from verifier.checker.theorem_program import PROGRAM
from verifier.checker.theorem_task import theorem_of
from verifier.checker.theorems import by_theorem_text, recognise
from verifier.evidence.network_rows import open_rows
from verifier.question.errors import UserError
from verifier.question.rational import format_rational
from verifier.runs.by_theorem import certified_alone
from verifier.runs.checking import check_files
from verifier.runs.folder import NETWORK, RunFolder

_CHECKED = (
    "The theorem is about every data set that is separated; what is checked is that this one is, "
    "exactly, and that the network has the rows of the theorem's, one after another."
)
_TRUSTED = (
    "Trusted: Coq's kernel and the two axioms of its reals, extraction, the OCaml compiler, the "
    "driver of the program, and SHA-256. See docs/theorems.md."
)
_TWIN = (
    "Recognised by the twin in Python: that the theorem holds was not looked at here. The program "
    "extracted from Coq says both; robmem check --by-theorem --proved asks it."
)


def theorem_report(path: Path) -> Document:
    """The network of the folder is recognised for this report, by the program that is extracted
    from Coq if it is there, else by its twin.

    Raises UserError for another folder, RefusedError if anything is altered, or not as it is due.
    """
    manifest = certified_alone(path)
    if manifest is None or manifest.theorem is None:
        raise UserError(f"{path}: not certified by a theorem alone")
    folder, built = RunFolder(path), manifest.theorem
    check_files(folder, manifest)
    points = folder.points()
    with open_rows(path / NETWORK) as rows:
        check_digests(manifest, rows.digest, points)
        shown = recognise(rows, points, manifest.question, built, proved=PROGRAM.is_there(), jobs=1)
        sizes = (("inputs", rows.inputs), ("layers", len(rows.layers)), ("units", rows.units))
    phrase, claim = by_theorem_text(shown, built), every_claim(manifest.question, manifest.size)
    proved = shown.facts.checker == "proved theorem"
    power, parameter = map(format_rational, (built.power, built.parameter))
    by = "the program extracted from Coq" if proved else "its twin in Python"
    checked = Table(
        "checked",
        "What the sentences of this report rest on.",
        ("what", "which", "shown by"),
        (
            ("theorem", theorem_of(built.construction).source, "Coq" if proved else "nobody here"),
            ("separation of the data", power, f"checked for this report by {by}"),
            ("rows of the network", built.construction, f"compared for this report by {by}"),
            ("parameter", parameter, "the manifest; the rows are those for it"),
        ),
    )
    tiles = Tiles((("robust", manifest.size, "good"), *((k, v, "plain") for k, v in sizes)))
    trusted = Items((_CHECKED, _TRUSTED) if proved else (_CHECKED, _TWIN, _TRUSTED))
    names = (("network", manifest.network), ("data", manifest.data), ("root", manifest.root))
    digests = Table("digests", "What the claim is about.", ("what", "SHA-256"), names)
    return Document(
        path.name,
        f"certified {phrase}",
        f"{claim[0].upper()}{claim[1:]}, {phrase}.",
        "good",
        (),
        (
            Section("overview", "The claim", (Text(f"{claim}, {phrase}.", "good"), tiles)),
            Section("trust", "What was checked, and what is trusted", (checked, trusted)),
            Section("reproduce", "Check it again", (digests,)),
        ),
        {"claim": claim, "by_theorem": phrase, "proved": proved, **dict(names), **dict(sizes)},
    )

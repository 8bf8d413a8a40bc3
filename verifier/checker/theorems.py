"""A data set certified by recognising its network: it is the one that a proved theorem speaks of.

The theorems are proved in Coq for all data sets (`constructions/coq`). What is checked here of one
data set is their hypotheses and that the network is theirs, row by row: by `robmem-theorem`, the
program that is extracted from Coq, or by its twin in Python, which believes the theorem.
"""

from __future__ import annotations

from verifier.checker.checked import _KEY, Checked, CheckerName, Facts
from verifier.checker.manifest import Question
from verifier.checker.theorem_program import require_by_program
from verifier.checker.theorem_task import require_labels, task_of, theorem_of, vectors_of
from verifier.checker.theorem_twin import require_apart, require_rows
from verifier.evidence.data_file import Points
from verifier.evidence.network_rows import NetworkRows
from verifier.question.built import Built
from verifier.question.errors import RefusedError


def recognise(
    rows: NetworkRows,
    points: Points,
    question: Question,
    built: Built,
    *,
    proved: bool = False,
    jobs: int = 1,
) -> Checked:
    """Every ball keeps its label, by the theorem: its hypotheses hold of these data, and these are
    the rows of its network. With `proved` the program says so, `jobs` of them.

    Raises RefusedError: the pair that is too near, or the first row that differs, with both rows;
    UserError for a construction without a theorem, or without the program.
    """
    task = task_of(question, built)
    require_labels(task, points)
    vectors = vectors_of(rows, points, task.theorem)
    checker: CheckerName = "checker"
    if proved:
        require_by_program(task, rows, points, vectors, jobs)
        checker = "proved theorem"
    else:
        require_apart(task, points, vectors)
        require_rows(task, rows, points, vectors)
    facts = Facts(rows.digest, task.asked(points), "theorem", None, None, checker)
    return Checked(_KEY, facts, None)


def by_theorem_text(shown: Checked, built: Built) -> str:
    """What has been checked, in a phrase; needs the value that says so."""
    if shown.verdict != "theorem":
        raise RefusedError("another verdict", f"{shown.verdict}, not by a theorem")
    source = theorem_of(built.construction).source
    if shown.facts.checker == "proved theorem":
        return f"by {source}, proved in Coq; network and separation checked"
    return f"by {source} (the theorem itself not checked here); network and separation checked"

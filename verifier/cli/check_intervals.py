"""`robmem check` of a run of `robmem radius` or `robmem worst`: all proofs and points."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from time import monotonic
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from verifier.checker.checked import Checked, CheckerName
    from verifier.checker.manifest import Manifest, Question, Result
    from verifier.evidence.data_file import Points
    from verifier.question.network import Network
    from verifier.runs.folder import RunFolder
    from verifier.runs.sources import Source


def check_intervals(
    folder: RunFolder,
    manifest: Manifest,
    network: Network,
    points: Points,
    chosen: Sequence[Result],
    by: CheckerName,
    jobs: int,
    seed: int | None,
    sources: Sequence[tuple[Source, bool]],
    quiet: bool,
    as_json: bool,
) -> int:
    """Replays what is claimed of the chosen samples, prints it, and gives the exit code.

    The proved kernel replays both parts of each, and its word is shown; of what the other kernel
    has accepted the checker's. Raises RefusedError, naming the flaw.
    """
    from verifier.checker.manifest import claim_text
    from verifier.cli.options import table
    from verifier.runs.checking import check_ends

    started = monotonic()
    question = manifest.question
    shown = _replayed(folder, network, points, question, chosen, by, jobs, quiet)
    check_ends(folder, shown)
    measured = _distances if question.distance is not None else _margins
    own, reached = measured(folder, network, points, question, shown)
    undecided = manifest.counts["undecided"]
    text_bytes, packed_bytes = folder.sizes(result.certificate or "" for result in chosen)
    facts: dict[str, Any] = {
        "samples": len(manifest.results),
        "measured": len(shown),
        **own,
        "reached": reached,
        "undecided": undecided,
        "checked": len(shown),
        "checker": by,
        "recorded": len(manifest.results) - undecided - len(shown),
        "proof_bytes": text_bytes,
        "packed_bytes": packed_bytes,
        "seconds": {"check": round(monotonic() - started, 3)},
        "folder": str(folder.path),
        "root": manifest.root,
        "sources": [source.facts | {"checked": checked} for source, checked in sources],
    }
    claim = claim_text(
        question,
        manifest.size,
        {question.measured or "undecided": len(shown), "undecided": undecided},
        facts["recorded"],
    )
    facts = {"claim": claim, **facts}
    if seed is not None:
        facts["seed"] = seed
    print(json.dumps(facts) if as_json else table(_rows(manifest, facts, own, sources)))
    return 3 if undecided or reached < len(shown) else 0


def _replayed(
    folder: RunFolder,
    network: Network,
    points: Points,
    question: Question,
    chosen: Sequence[Result],
    by: CheckerName,
    jobs: int,
    quiet: bool,
) -> Mapping[int, Checked]:
    """By sample what was checked now, by the proved kernel or by the checker (and, where it was
    asked for, by the readable kernel as well)."""
    from verifier.checker.elaborate import kernel_check_proof
    from verifier.checker.manifest import replay_distance, replay_margin
    from verifier.checker.proved import replay_run
    from verifier.cli.progress import counted
    from verifier.runs.checking import check_run

    with counted(len(chosen), quiet=quiet) as show:
        if by == "proved kernel":
            return replay_run(network, points, question, chosen, folder.fetch, jobs)
        shown = check_run(folder, network, points, question, chosen, jobs, show).require()
        replay = replay_distance if question.distance is not None else replay_margin
        for result in chosen if by == "kernel" else ():
            replay(network, points, question, result, folder.fetch, kernel_check_proof)
        return shown


def _rows(
    manifest: Manifest,
    facts: Mapping[str, Any],
    own: Mapping[str, int],
    sources: Sequence[tuple[Source, bool]],
) -> list[tuple[str, object]]:
    from verifier.question.printable import size_text

    recorded = facts["recorded"]
    drawn = f", drawn with seed {facts['seed']}" if "seed" in facts and recorded else ""
    packed = size_text(facts["packed_bytes"])
    return [
        ("claim", facts["claim"]),
        ("network", manifest.network),
        ("data", manifest.data),
        *((source.title, source.digest if checked else f"{source.digest} as recorded")
          for source, checked in sources),
        ("samples", facts["samples"]),
        *own.items(),
        ("as close as asked", facts["reached"]),
        ("undecided", facts["undecided"]),
        ("evidence checked", f"of {facts['checked']} samples{drawn}, by the {facts['checker']}"),
        *([("recorded", f"{recorded}, not replayed here")] if recorded else []),
        ("size of the proofs", f"{size_text(facts['proof_bytes'])} ({packed} on disk)"),
        ("seconds", facts["seconds"]["check"]),
        ("root", manifest.root),
    ]  # fmt: skip


def _distances(
    folder: RunFolder,
    network: Network,
    points: Points,
    question: Question,
    shown: Mapping[int, Checked],
) -> tuple[dict[str, int], int]:
    """What the distances are, in numbers by name, and how many are as close as asked."""
    from verifier.runs.distances import intervals

    found = intervals(folder, network, points, question, {}, shown)
    own = {"exact": sum(one.exact for one in found), "misread": sum(one.misread for one in found)}
    return own, sum(one.reached for one in found)


def _margins(
    folder: RunFolder,
    network: Network,
    points: Points,
    question: Question,
    shown: Mapping[int, Checked],
) -> tuple[dict[str, int], int]:
    """The same of least margins."""
    from verifier.runs.margins import margins

    found = margins(folder, network, points, question, {}, shown)
    own = {
        "exact": sum(one.exact for one in found),
        "positive": sum(one.lower is not None and one.lower > 0 for one in found),
        "not positive": sum(one.upper <= 0 for one in found),
    }
    return own, sum(one.reached for one in found)

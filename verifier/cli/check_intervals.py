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
    from verifier.checker.elaborate import kernel_check_proof
    from verifier.checker.manifest import claim_text, replay_distance, replay_margin
    from verifier.checker.proved import replay_run
    from verifier.cli.options import table
    from verifier.cli.progress import counted
    from verifier.question.printable import size_text
    from verifier.runs.checking import check_ends, check_run

    started = monotonic()
    question = manifest.question
    with counted(len(chosen), quiet=quiet) as show:
        shown: dict[int, Checked]
        if by == "proved kernel":
            shown = replay_run(network, points, question, chosen, folder.fetch, jobs)
        else:
            shown = check_run(folder, network, points, question, chosen, jobs, show).require()
        for result in chosen if by == "kernel" else ():
            fetch = folder.fetch
            replay = replay_distance if question.distance is not None else replay_margin
            replay(network, points, question, result, fetch, kernel_check_proof)
    check_ends(folder, shown)
    measured = _distances if question.distance is not None else _margins
    own, reached = measured(folder, network, points, question, shown)
    undecided = manifest.counts["undecided"]
    recorded = len(manifest.results) - undecided - len(shown)
    claim = claim_text(
        question,
        manifest.size,
        {question.measured or "undecided": len(shown), "undecided": undecided},
        recorded,
    )
    text_bytes, packed_bytes = folder.sizes(result.certificate or "" for result in chosen)
    facts: dict[str, Any] = {
        "claim": claim,
        "samples": len(manifest.results),
        "measured": len(shown),
        **own,
        "reached": reached,
        "undecided": undecided,
        "checked": len(shown),
        "checker": by,
        "recorded": recorded,
        "proof_bytes": text_bytes,
        "packed_bytes": packed_bytes,
        "seconds": {"check": round(monotonic() - started, 3)},
        "folder": str(folder.path),
        "root": manifest.root,
        "sources": [source.facts | {"checked": checked} for source, checked in sources],
    }
    if seed is not None:
        facts["seed"] = seed
    if as_json:
        print(json.dumps(facts))
    else:
        partly = "" if seed is None or not recorded else f", drawn with seed {seed}"
        rows: list[tuple[str, object]] = [
            ("claim", claim),
            ("network", manifest.network),
            ("data", manifest.data),
            *((source.title, source.digest if checked else f"{source.digest} as recorded")
              for source, checked in sources),
            ("samples", facts["samples"]),
            *own.items(),
            ("as close as asked", reached),
            ("undecided", undecided),
            ("evidence checked", f"of {len(shown)} samples{partly}, by the {by}"),
            *([("recorded", f"{recorded}, not replayed here")] if recorded else []),
            ("size of the proofs", f"{size_text(text_bytes)} ({size_text(packed_bytes)} on disk)"),
            ("seconds", facts["seconds"]["check"]),
            ("root", manifest.root),
        ]  # fmt: skip
        print(table(rows))
    return 3 if undecided or reached < len(shown) else 0


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

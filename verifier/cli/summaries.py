"""What `robmem certify` prints of a run, and the commands that continue one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from verifier.cli.samples import radius_rows

if TYPE_CHECKING:
    from verifier.cli.theorem import Shown
    from verifier.runs.centers import Centers
    from verifier.runs.run import Run
    from verifier.runs.summary import ShownFlip, Summary


def summary_json(summary: Summary) -> dict[str, Any]:
    """The summary as the commands print it."""
    return {
        "claim": summary.claim,
        "samples": summary.samples,
        "robust": summary.robust,
        "flips": summary.flips,
        "undecided": summary.undecided,
        "checked": summary.checked,
        "recorded": summary.recorded,
        "kernel": summary.kernel.facts,
        "proved_kernel": len(summary.by_proved),
        "proof_bytes": summary.proof_bytes,
        "packed_bytes": summary.packed_bytes,
        "seconds": {phase: round(value, 3) for phase, value in summary.seconds.items()},
        "folder": str(summary.folder),
        "root": summary.root,
        "failed": summary.counts["failed"],
        "open": summary.counts["open"],
    }


def proved_rows(summary: Summary) -> list[tuple[str, object]]:
    """How many answers the proved kernel has accepted, if it was asked."""
    count = len(summary.by_proved)
    return [("by the proved kernel", f"{count} of {summary.checked}")] if count else []


def _by_kernel(summary: Summary) -> str:
    """How many of the answers the kernel has replayed at the end; if none, what replays all."""
    from verifier.runs.by_kernel import share_text

    if summary.kernel.count or not summary.kernel.of:
        return share_text(summary.kernel)
    return f"0 of {summary.kernel.of} in the time for it; robmem check --kernel replays all"


def flip_json(flip: ShownFlip) -> dict[str, Any]:
    """An exact flip in texts."""
    from verifier.question.rational import format_rational

    return {
        "sample": flip.sample,
        "label": flip.label,
        "rival": flip.rival,
        "distance": format_rational(flip.distance),
        "outputs": [format_rational(value) for value in flip.outputs],
        "point": [format_rational(value) for value in flip.point],
    }


def _labels(run: Run, about: dict[str, Any]) -> str:
    """Which output of a given network stands for which label."""
    from verifier.cli.samples import label_map

    if "network_file" not in about:
        return ""
    return label_map(run.job.question.decoder, run.points.label_names)


def shown_run(
    run: Run,
    summary: Summary,
    centers: Centers,
    flips: list[ShownFlip],
    about: dict[str, Any],
    theorem: Shown | None,
) -> str:
    """The summary and these flips for a person; `about`: what the run records of its making."""
    from verifier.cli.options import short, shorts, table
    from verifier.cli.samples import accuracy_rows
    from verifier.question.printable import size_text
    from verifier.question.region import distance_text

    seconds = summary.seconds
    phases = ", ".join(f"{phase} {seconds[phase]:.1f}" for phase in ("bounds", "search", "check"))
    undecided = str(summary.undecided)
    if summary.counts["failed"] or summary.counts["open"]:
        undecided += f" ({summary.counts['failed']} failed, {summary.counts['open']} not reached)"
    built = about.get("construction") or about.get("network_file")
    units, layers = run.network.units.count, len(run.network.layers)
    packed = size_text(summary.packed_bytes)
    rows: list[tuple[str, object]] = [
        ("claim", summary.claim),
        *([] if theorem is None else [("and all", theorem.phrase)]),
        *([("limit", about["limit"])] if "limit" in about else []),
        *radius_rows(summary.question),
        ("network", f"{built}: {units} units in {layers} layers"),
        *(("labels", text) for text in (_labels(run, about),) if text),
        ("samples", summary.samples),
        ("robust", summary.robust),
        *accuracy_rows({**centers.facts, "samples": centers.samples}),
        ("flips", centers.flips),
        ("undecided", undecided),
        ("proofs checked", summary.checked),
        *([("recorded", f"{summary.recorded}, not replayed here")] if summary.recorded else []),
        ("by the kernel too", _by_kernel(summary)),
        *proved_rows(summary),
        ("size of the proofs", f"{size_text(summary.proof_bytes)} ({packed} on disk)"),
        ("seconds", f"{phases}, in all {seconds['wall']:.1f}"),
        ("folder", summary.folder),
    ]
    if summary.root is not None:
        rows.append(("root", summary.root))
    lines = [table(rows)]
    for flip in flips:
        outputs = shorts(flip.outputs[:10])
        away = distance_text(summary.question.norm)
        lines.append(
            f"{'misread center' if flip.sample in centers.misread else 'flip'} of sample "
            f"{flip.sample}: label "
            f"{flip.label}, rival {flip.rival}, at {away} {short(flip.distance)}, "
            f"outputs {outputs}"
        )
    if summary.flips > len(flips):
        more = summary.flips - len(flips)
        lines.append(f"and {more} more flips, in the folder's certificates")
    return "\n".join(lines)

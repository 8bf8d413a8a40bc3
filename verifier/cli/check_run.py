"""Replay of a run from its folder: every proof and every flip, or a random part of them."""

from __future__ import annotations

import json
import random
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

from verifier.cli.samples import accuracy_rows, radius_rows
from verifier.question.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from verifier.checker.checked import Checked, CheckerName
    from verifier.checker.manifest import Manifest, Result
    from verifier.data.layout import Layout
    from verifier.evidence.data_file import Points
    from verifier.formats.loaded import Loaded
    from verifier.question.network import Network
    from verifier.runs.centers import Centers
    from verifier.runs.folder import RunFolder
    from verifier.runs.sources import Source

_NOT_RECOGNISED = "recorded, not checked here: --by-theorem"
_NOT_BY_PROVED = "recorded of all certificates, not replayed here: --proved"


@dataclass(frozen=True, slots=True)
class RunCheck:
    """What `robmem check FOLDER` is told: the network and data to believe instead of the folder's,
    how many certificates to replay, by which checker, in how many processes."""

    path: Path
    file: str | None
    spec: str | None
    layout: Layout
    labels: str | None
    part: int | None
    seed: int | None
    jobs: int | None
    by: CheckerName
    quiet: bool
    as_json: bool


def check_run_folder(asked: RunCheck) -> int:
    """Replays the run, prints what was shown and what is only recorded, and returns the exit code:
    3 if the run left samples undecided, else 0. Raises RefusedError, naming the flaw."""
    from verifier.cli.options import table
    from verifier.runs.centers import centers
    from verifier.runs.folder import RunFolder
    from verifier.runs.run import suggested_jobs

    started = monotonic()
    folder = RunFolder(asked.path)
    manifest = folder.manifest()
    network, points = _inputs(asked, folder, manifest)
    claimed = [result for result in manifest.results if result.certificate is not None]
    chosen, seed = _chosen(asked, claimed)
    jobs = max(1, suggested_jobs(network, len(chosen))) if asked.jobs is None else asked.jobs
    sources = _sources(folder, asked.file, asked.spec)
    if manifest.question.measured is not None:
        from verifier.cli.check_intervals import check_intervals

        return check_intervals(
            folder, manifest, network, points, chosen, asked.by, jobs, seed, sources,
            asked.quiet, asked.as_json,
        )  # fmt: skip
    shown = _replayed(asked, folder, manifest, network, points, chosen, jobs)
    looked_at = [r.sample for r in manifest.results if r.sample in shown or not r.certificate]
    read = centers(network, points, manifest.question, looked_at, shown)
    facts = _facts(folder, manifest, shown, chosen, asked.by, len(claimed) - len(shown), read)
    facts["seconds"] = {"check": round(monotonic() - started, 3)}
    facts |= {"folder": str(asked.path), "root": manifest.root}
    facts["sources"] = [source.facts | {"checked": checked} for source, checked in sources]
    if asked.part is not None:
        facts["seed"] = seed
    facts |= _ways(manifest, asked.by, facts["recorded"])
    if asked.as_json:
        print(json.dumps(facts))
    else:
        accuracy = accuracy_rows({**read.facts, "samples": read.samples})
        print(table(_rows(asked, manifest, facts, accuracy, sources, seed)))
    return 3 if facts["undecided"] else 0


def _inputs(asked: RunCheck, folder: RunFolder, manifest: Manifest) -> tuple[Network, Points]:
    """The network and the data that the manifest names, of the folder or as given, and every file
    of the folder compared with its seal. Raises RefusedError where they are others, and UserError
    for what does not go with the run."""
    from verifier.checker.manifest import check_inputs, require_real
    from verifier.cli.samples import label_list
    from verifier.data.load import load
    from verifier.formats.load import load_file, require_executable
    from verifier.runs.checking import check_files
    from verifier.runs.run import points_of

    question = manifest.question
    loaded = None if asked.file is None else load_file(asked.file)
    network = folder.network() if loaded is None else loaded.with_digest(manifest.network)
    points = folder.points()
    if asked.spec is not None:
        names: Sequence[str] | None = label_list(asked.labels)
        if loaded is not None:
            names = loaded.labels_for(question.decoder, names)
        data = load(asked.spec, asked.layout)
        points = points_of(data.for_outputs(question.decoder, network.outputs.count, names))
    else:
        _require_names(asked, loaded, question.decoder, points.label_names)
    check_inputs(manifest, network, points)
    check_files(folder, manifest)
    if asked.by != "checker":
        require_real(question, f"the {asked.by}")
    if asked.file is not None and question.semantics != "real":
        require_executable(asked.file, question.semantics)
    return network, points


def _chosen(asked: RunCheck, claimed: Sequence[Result]) -> tuple[Sequence[Result], int | None]:
    """Those to replay, and the seed by which they were drawn, if they are a part."""
    if asked.part is None:
        return claimed, None
    if asked.part >= len(claimed):
        return claimed, asked.seed
    seed = random.SystemRandom().randrange(2**32) if asked.seed is None else asked.seed
    return sorted(random.Random(seed).sample(claimed, asked.part), key=lambda r: r.sample), seed


def _replayed(
    asked: RunCheck,
    folder: RunFolder,
    manifest: Manifest,
    network: Network,
    points: Points,
    chosen: Sequence[Result],
    jobs: int,
) -> dict[int, Checked]:
    """What the checker that is asked for has just shown, by sample."""
    from verifier.checker.elaborate import kernel_check_result
    from verifier.checker.proved import replay_run
    from verifier.cli.progress import counted
    from verifier.runs.checking import check_run

    question, fetch = manifest.question, folder.fetch
    with counted(len(chosen), quiet=asked.quiet) as show:
        if asked.by == "proved kernel":
            return replay_run(network, points, question, chosen, fetch, jobs, progress=show)
        if asked.by == "checker":
            return check_run(folder, network, points, question, chosen, jobs, show).require()
        shown: dict[int, Checked] = {}
        for done, result in enumerate(chosen, start=1):
            shown[result.sample] = kernel_check_result(network, points, question, result, fetch)
            show(done)
        return shown


def _facts(
    folder: RunFolder,
    manifest: Manifest,
    shown: dict[int, Checked],
    chosen: Sequence[Result],
    by: CheckerName,
    recorded: int,
    read: Centers,
) -> dict[str, Any]:
    """What was shown here, and what of the run is recorded alone."""
    from verifier.checker.manifest import Kind, claim_text

    kinds = Counter(one.verdict for one in shown.values())
    counts: dict[Kind, int] = {
        "robust": kinds["robust"],
        "flip": kinds["flip"],
        "undecided": manifest.counts["undecided"],
    }
    text_bytes, packed_bytes = folder.sizes(result.certificate or "" for result in chosen)
    return {
        "claim": claim_text(manifest.question, manifest.size, counts, recorded),
        "samples": len(manifest.results),
        "robust": counts["robust"],
        **read.facts,
        "undecided": counts["undecided"],
        "checked": len(shown),
        "checker": by,
        "recorded": recorded,
        "proof_bytes": text_bytes,
        "packed_bytes": packed_bytes,
    }


def _ways(manifest: Manifest, by: CheckerName, recorded: int) -> dict[str, str]:
    """Of the other ways in which the manifest says that the run was shown: was it so here?"""
    ways = {} if manifest.theorem is None else {"by_theorem": "recorded"}
    if manifest.proved:
        here = by == "proved kernel" and not recorded
        ways["by_proved_kernel"] = "replayed" if here else "recorded"
    return ways


def _rows(
    asked: RunCheck,
    manifest: Manifest,
    facts: dict[str, Any],
    accuracy: Sequence[tuple[str, object]],
    sources: Sequence[tuple[Source, bool]],
    seed: int | None,
) -> list[tuple[str, object]]:
    """The same for a person."""
    from verifier.question.printable import size_text

    recorded, text, packed = (facts[k] for k in ("recorded", "proof_bytes", "packed_bytes"))
    partly = f" of {facts['checked'] + recorded}, seed {seed}" if recorded else ""
    by_theorem = facts.get("by_theorem") and ("by theorem", _NOT_RECOGNISED)
    by_proved = facts.get("by_proved_kernel") == "recorded" and (
        "by proved kernel",
        _NOT_BY_PROVED,
    )
    return [
        ("claim", facts["claim"]),
        *radius_rows(manifest.question),
        ("network", f"{manifest.network} ({'given' if asked.file else 'of the folder'})"),
        ("data", f"{manifest.data} ({'given' if asked.spec else 'of the folder'})"),
        *(
            (source.title, source.digest if checked else f"{source.digest} as recorded")
            for source, checked in sources
        ),
        ("samples", facts["samples"]),
        ("robust", facts["robust"]),
        *accuracy,
        ("flips", facts["flips"]),
        ("undecided", facts["undecided"]),
        ("proofs checked", f"{facts['checked']}{partly}, by the {facts['checker']}"),
        *(row for row in (by_theorem, by_proved) if row),
        *([("recorded", f"{recorded}, not replayed here")] if recorded else []),
        ("size of the proofs", f"{size_text(text)} ({size_text(packed)} on disk)"),
        ("seconds", facts["seconds"]["check"]),
        ("root", manifest.root),
    ]


def _require_names(
    asked: RunCheck, loaded: Loaded | None, decoder: str, labels: Sequence[str]
) -> None:
    """Raises UserError where the outputs are named otherwise, by --labels or by the file, than the
    labels of the run."""
    from verifier.cli.samples import label_list
    from verifier.data.labels import numbered

    given = label_list(asked.labels)
    names = given if given is not None or loaded is None else loaded.labels_for(decoder, None)
    if names is None or tuple(numbered(list(names))) == tuple(labels):
        return
    listed, known = (", ".join(map(ascii, some[:8])) for some in (names, labels))
    if given is not None:
        raise UserError(
            f"--labels names the outputs {listed}, the run its labels {known}; with --data, "
            "the run is checked about these data, their labels numbered so"
        )
    raise UserError(
        f"{asked.file} names its outputs {listed}, the run its labels {known}: "
        "--labels A,B,.. says which output is which label"
    )


def _sources(folder: RunFolder, file: str | None, spec: str | None) -> list[tuple[Source, bool]]:
    """The files that network and data were read from: those given here, else those that the run
    has recorded, and which of both."""
    from verifier.data.load import source_files as data_files
    from verifier.formats.load import source_files as network_files
    from verifier.runs.place import find_run
    from verifier.runs.sources import read_sources, sources_of
    from verifier.runs.store import Store

    given = [] if file is None else read_sources("network", network_files(file))
    given += [] if spec is None else read_sources("data", data_files(spec))
    try:
        place = find_run(folder.path)
    except UserError:
        recorded = []  # a run of a shared store, copied without it
    else:
        with Store(place.database, read_only=True) as store:
            recorded = sources_of(place.row(store).about)
    replaced = {"network": file is not None, "data": spec is not None}
    kept = [(source, False) for source in recorded if not replaced[source.kind]]
    return [*((source, True) for source in given), *kept]

"""`robmem check`: replay a run, or one proof, from its files alone."""

from __future__ import annotations

import json
import random
from collections import Counter
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

import click

from verifier.cli.options import table_options
from verifier.cli.samples import LABELS_HELP, radius_rows
from verifier.question.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from verifier.checker.checked import CheckerName
    from verifier.data.layout import Layout
    from verifier.evidence.proof_file import FamilyProof, Proof
    from verifier.formats.loaded import Loaded
    from verifier.runs.folder import RunFolder
    from verifier.runs.sources import Source


@click.command(
    name="check",
    epilog="Example: robmem check runs/digits-linf-0a1b2c3d --sample 100",
    short_help="Replay a run, or one proof, from its files.",
)
@click.argument("target", type=click.Path(), metavar="FOLDER|FILE")
@click.option("--network", "file", metavar="FILE", help="Believe this network, not the folder's.")
@click.option("--data", "spec", metavar="DATA", help="Believe these data, not the folder's.")
@click.option("--labels", metavar="A,B,..", help=f"Of these data: {LABELS_HELP.lower()}")
@table_options
@click.option(
    "--sample", "part", type=click.IntRange(min=1), metavar="K", help="A random part of the proofs."
)
@click.option("--seed", type=click.IntRange(min=0), help="Which random part.")
@click.option("--jobs", type=click.IntRange(min=1), help="Processes.  [default: one a core]")
@click.option("--proved", is_flag=True, help="Replay by the kernel that is proved in Coq.")
@click.option(
    "--by-theorem", is_flag=True, help="Recognise the network, of which a theorem is proved in Coq."
)
@click.option("--kernel", is_flag=True, help="Replay by the kernel in exact fractions: slow.")
@click.option("--quiet", is_flag=True, help="Show no progress.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(
    target: str,
    file: str | None,
    spec: str | None,
    layout: Layout,
    labels: str | None,
    part: int | None,
    seed: int | None,
    jobs: int | None,
    proved: bool,
    by_theorem: bool,
    kernel: bool,
    quiet: bool,
    as_json: bool,
) -> int:
    """Replay every proof and every flip of a run, or the one in a proof file.

    Every question is built again from the network, the data and the manifest; every
    byte of the folder is compared with its seal. Exit code 4, with the name of the
    flaw, if anything is missing, altered, or does not prove its claim; 3 if the run
    left samples undecided; 0 for true evidence, be it of proofs or of flips.

    With --proved the program extracted from the Coq development replays it, see
    docs/kernel.md; with --sample K a random part.

    With --kernel proofs are spelled out and replayed by `verifier.kernel`, which is small
    enough to be read, and slow; with --sample K a random part.

    With --by-theorem no proof is replayed: the network is recognised, row by row, as
    the one of the theorem that the manifest names, and the separation is checked; by
    the program extracted from Coq if it is there (with --proved, by no other), else by
    its twin. A folder that is certified by a theorem alone is checked so in any case.

    A file that ends in .vipr is a VIPR 1.0 certificate, checked in the strict subset that
    `robmem export` writes; its claim is about the mixed-integer program in the file.
    """
    from verifier.cli.theorem import check_by_theorem
    from verifier.runs.folder import RunFolder
    from verifier.runs.place import require_run

    path = Path(target)
    if by_theorem and (kernel or part is not None or not path.is_dir()):
        raise UserError("--by-theorem is about a whole run, without --kernel and --sample")
    if path.is_file():
        by = _checker(proved, kernel)
        if spec is not None or part is not None:
            raise UserError(f"{path}: one proof; --data and --sample are for a run")
        if path.suffix == ".vipr":
            if by != "checker":
                raise UserError(f"{path}: a kernel replays proof files and runs, not VIPR")
            if file is not None:
                raise UserError(
                    f"{path}: a VIPR file states its own program; --network is not read"
                )
            return _check_vipr(path, as_json)
        _require_evidence(path)
        return _check_proof(path, file, by, as_json)
    if not path.is_dir():
        raise UserError(f"{path}: no such file or folder")
    require_run(path)
    manifest = RunFolder(path).manifest()
    if by_theorem or not manifest.results:
        if kernel or part is not None:
            raise UserError(f"{path}: certified by a theorem alone; there are no proofs to replay")
        return check_by_theorem(path, file, spec, layout, proved=proved, jobs=jobs, as_json=as_json)
    by = _checker(proved, kernel)
    return _check_folder(path, file, spec, layout, labels, part, seed, jobs, by, quiet, as_json)


_NOT_RECOGNISED = "recorded, not checked here: --by-theorem"
_NOT_BY_PROVED = "recorded of all certificates, not replayed here: --proved"


def _checker(proved: bool, kernel: bool) -> CheckerName:
    """Who replays."""
    if proved and kernel:
        raise UserError("--proved and --kernel: one of them replays")
    if proved:
        from verifier.checker.proved import find_program

        find_program()  # or says at once how to build it
    return "proved kernel" if proved else "kernel" if kernel else "checker"


def _require_evidence(path: Path) -> None:
    """Raises UserError for a file that is called as networks and data are."""
    from verifier.question.errors import UserError

    name = path.name.removesuffix(".gz")
    if name.endswith((".onnx", ".nnet", ".npz", ".net", ".pt", ".pth")):
        raise UserError(
            f"{path}: a network, not evidence; check a run's folder, or a proof "
            f"with --network {path.name}"
        )
    if name.endswith((".csv", ".npy")):
        raise UserError(f"{path}: data, not evidence; check a run's folder or a proof file")


def _check_vipr(path: Path, as_json: bool) -> int:
    from verifier.cli.options import table
    from verifier.formats.vipr.check import check_vipr

    started = monotonic()
    summary = check_vipr(path)
    seconds = round(monotonic() - started, 3)
    if as_json:
        facts = {"claim": summary.claim, "checked": 1, "seconds": {"check": seconds}}
        print(json.dumps(facts))
    else:
        print(
            table([("claim", f"of the file's own program: {summary.claim}"), ("seconds", seconds)])
        )
    return 0


def _replay(by: CheckerName, proof: Proof | FamilyProof) -> None:
    """Returns if the claim holds by this checker; else RefusedError."""
    from verifier.ask import check
    from verifier.checker.elaborate import kernel_check_proof
    from verifier.checker.family_replay import replay_family
    from verifier.checker.proved import replay_proof
    from verifier.evidence.proof_file import FamilyProof

    query, claim = proof.query, proof.verdict
    if by != "checker" and not isinstance(proof, FamilyProof) and proof.semantics != "real":
        raise UserError(
            f"the {by} replays proofs about real numbers; this one is about the network as "
            f"executed in {proof.semantics}, which the checker replays"
        )
    if by == "proved kernel":
        replay_proof(query, claim)
    elif by == "kernel":
        kernel_check_proof(query, claim)
    elif isinstance(proof, FamilyProof):
        replay_family(proof.query, proof.verdict)
    else:
        check(proof.query, proof.verdict, proof.semantics)


def _check_proof(path: Path, file: str | None, by: CheckerName, as_json: bool) -> int:
    from verifier.ask import claim_about
    from verifier.cli.options import table
    from verifier.cli.question import question_facts, question_rows
    from verifier.evidence.certificate import Maximum, Radius, Robust
    from verifier.evidence.proof_file import FamilyProof
    from verifier.question.printable import size_text
    from verifier.question.rational import format_rational

    started = monotonic()
    proof = claim_about(path, file)
    if isinstance(proof, FamilyProof):
        return _check_family(path, proof, by, started, as_json)
    query = proof.query
    _replay(by, proof)
    exact = isinstance(proof.verdict, Radius | Maximum)
    robust = exact or isinstance(proof.verdict, Robust)
    region = query.region
    shape = f"a box of {region.dimension} inputs"
    of = "squared radius" if region.norm == "2" else "radius"
    if region.norm != "inf" or region.open:
        kind = f"open L{region.norm}" if region.open else f"L{region.norm}"
        within = f" within {shape}" if region.clipped else f" of {region.dimension} inputs"
        shape = f"an {kind} ball of {of} {format_rational(region.size)}{within}"
    count = len(query.goals)
    every, some = "the unsafe set", "the unsafe set"
    if count > 1:
        every, some = f"any of {count} unsafe sets", f"one of {count} unsafe sets"
    claim = f"no point of {shape} lies in {every}"
    if isinstance(proof.verdict, Maximum):
        claim += ", and one lies on the boundary of such a set: the bound is the exact extreme"
    elif exact:
        claim += ", and one on its sphere does: its radius is exact"
    elif not robust:
        claim = f"a point of {shape} lies in {some}"
    if proof.semantics != "real":
        claim = f"as executed in {proof.semantics}, {claim}"
    facts: dict[str, Any] = {
        "claim": claim,
        "samples": 1,
        "robust": int(robust),
        "flips": int(exact or not robust),
        "undecided": 0,
        "checked": 1,
        "checker": by,
        "proof_bytes": path.stat().st_size,
        "seconds": {"check": round(monotonic() - started, 3)},
        "network": query.network.digest,
        "semantics": proof.semantics,
        "question": question_facts(query),
    }
    if as_json:
        print(json.dumps(facts))
    else:
        size = size_text(facts["proof_bytes"])
        rows: list[tuple[str, object]] = [("claim", claim), *question_rows(query)]
        rows += [("checked by", f"the {facts['checker']}"), ("arithmetic", proof.semantics)]
        rows += [("network", facts["network"]), ("size of the proof", size)]
        print(table([*rows, ("seconds", facts["seconds"]["check"])]))
    return 0


def _check_family(
    path: Path, proof: FamilyProof, by: CheckerName, started: float, as_json: bool
) -> int:
    from verifier.cli.options import table
    from verifier.cli.question import family_claim, family_facts, family_rows
    from verifier.question.printable import size_text

    query = proof.query
    _replay(by, proof)
    facts: dict[str, Any] = {
        "claim": family_claim(query),
        "checked": 1,
        "checker": by,
        "proof_bytes": path.stat().st_size,
        "seconds": {"check": round(monotonic() - started, 3)},
        "network": query.network.digest,
        "question": family_facts(query),
    }
    if as_json:
        print(json.dumps(facts))
        return 0
    rows: list[tuple[str, object]] = [("claim", facts["claim"]), *family_rows(query)]
    rows += [("checked by", f"the {facts['checker']}"), ("network", facts["network"])]
    rows.append(("size of the proof", size_text(facts["proof_bytes"])))
    print(table([*rows, ("seconds", facts["seconds"]["check"])]))
    return 0


def _require_names(file: str, loaded: Loaded, decoder: str, labels: Sequence[str]) -> None:
    """Raises UserError where the file names its outputs otherwise than the run its labels."""
    from verifier.data.labels import numbered

    names = loaded.labels_for(decoder, None)
    if names is not None and tuple(numbered(list(names))) != tuple(labels):
        listed, known = (", ".join(map(ascii, some[:8])) for some in (names, labels))
        raise UserError(
            f"{file} names its outputs {listed}, the run its labels {known}: "
            "--labels A,B,.. says which output is which label"
        )


def _check_folder(
    path: Path,
    file: str | None,
    spec: str | None,
    layout: Layout,
    labels: str | None,
    part: int | None,
    seed: int | None,
    jobs: int | None,
    by: CheckerName,
    quiet: bool,
    as_json: bool,
) -> int:
    from verifier.checker.checked import Checked
    from verifier.checker.elaborate import kernel_check_result
    from verifier.checker.manifest import Kind, check_inputs, claim_text, require_real
    from verifier.checker.proved import replay_run
    from verifier.cli.options import table
    from verifier.cli.progress import counted
    from verifier.cli.samples import accuracy_rows, label_list
    from verifier.data.load import load
    from verifier.formats.load import load_file, require_executable
    from verifier.question.printable import size_text
    from verifier.runs.centers import centers
    from verifier.runs.checking import check_files, check_run
    from verifier.runs.folder import RunFolder
    from verifier.runs.run import points_of, suggested_jobs

    started = monotonic()
    folder = RunFolder(path)
    manifest = folder.manifest()
    loaded = None if file is None else load_file(file)
    network = folder.network() if loaded is None else loaded.with_digest(manifest.network)
    points = folder.points()
    if spec is not None:
        names: Sequence[str] | None = label_list(labels)
        decoder = manifest.question.decoder
        if loaded is not None:
            names = loaded.labels_for(decoder, names)
        points = points_of(load(spec, layout).for_outputs(decoder, network.outputs.count, names))
    elif loaded is not None and labels is None:
        _require_names(str(file), loaded, manifest.question.decoder, points.label_names)
    check_inputs(manifest, network, points)
    check_files(folder, manifest)
    if by != "checker":
        require_real(manifest.question, f"the {by}")
    if file is not None and manifest.question.semantics != "real":
        require_executable(file, manifest.question.semantics)
    claimed = [result for result in manifest.results if result.certificate is not None]
    chosen = claimed
    if part is not None and part < len(claimed):
        seed = random.SystemRandom().randrange(2**32) if seed is None else seed
        chosen = sorted(random.Random(seed).sample(claimed, part), key=lambda r: r.sample)
    if jobs is None:
        jobs = max(1, suggested_jobs(network, len(chosen)))
    if manifest.question.measured is not None:
        from verifier.cli.check_intervals import check_intervals

        sources = _sources(folder, file, spec)
        return check_intervals(
            folder, manifest, network, points, chosen, by, jobs, seed if part else None, sources,
            quiet, as_json,
        )  # fmt: skip
    with counted(len(chosen), quiet=quiet) as show:
        shown: dict[int, Checked] = {}
        if by == "proved kernel":
            shown = replay_run(
                network, points, manifest.question, chosen, folder.fetch, jobs, progress=show
            )
        elif by == "kernel":
            for done, result in enumerate(chosen, start=1):
                shown[result.sample] = kernel_check_result(
                    network, points, manifest.question, result, folder.fetch
                )
                show(done)
        else:
            replayed = check_run(folder, network, points, manifest.question, chosen, jobs, show)
            shown = replayed.require()
    kinds = Counter(one.verdict for one in shown.values())
    undecided, recorded = manifest.counts["undecided"], len(claimed) - len(shown)
    counts: dict[Kind, int] = {
        "robust": kinds["robust"],
        "flip": kinds["flip"],
        "undecided": undecided,
    }
    claim = claim_text(manifest.question, manifest.size, counts, recorded)
    text_bytes, packed_bytes = folder.sizes(result.certificate or "" for result in chosen)
    looked_at = [r.sample for r in manifest.results if r.sample in shown or not r.certificate]
    read = centers(network, points, manifest.question, looked_at, shown)
    sources = _sources(folder, file, spec)
    facts: dict[str, Any] = {
        "claim": claim,
        "samples": len(manifest.results),
        "robust": counts["robust"],
        **read.facts,
        "undecided": counts["undecided"],
        "checked": len(shown),
        "checker": by,
        "recorded": recorded,
        "proof_bytes": text_bytes,
        "packed_bytes": packed_bytes,
        "seconds": {"check": round(monotonic() - started, 3)},
        "folder": str(path),
        "root": manifest.root,
        "sources": [source.facts | {"checked": checked} for source, checked in sources],
    }
    if part is not None:
        facts["seed"] = seed
    if manifest.theorem is not None:
        facts["by_theorem"] = "recorded"
    here = by == "proved kernel" and not recorded
    if manifest.proved:
        facts["by_proved_kernel"] = "replayed" if here else "recorded"
    if as_json:
        print(json.dumps(facts))
    else:
        partly = f" of {len(claimed)}, seed {seed}" if recorded else ""
        rows: list[tuple[str, object]] = [
            ("claim", claim),
            *radius_rows(manifest.question),
            ("network", f"{manifest.network} ({'given' if file else 'of the folder'})"),
            ("data", f"{manifest.data} ({'given' if spec else 'of the folder'})"),
            *(
                (source.title, source.digest if checked else f"{source.digest} as recorded")
                for source, checked in sources
            ),
            ("samples", len(manifest.results)),
            ("robust", counts["robust"]),
            *accuracy_rows({**read.facts, "samples": read.samples}),
            ("flips", read.flips),
            ("undecided", counts["undecided"]),
            ("proofs checked", f"{len(shown)}{partly}, by the {facts['checker']}"),
            *([] if manifest.theorem is None else [("by theorem", _NOT_RECOGNISED)]),
            *([("by proved kernel", _NOT_BY_PROVED)] if manifest.proved and not here else []),
            *([("recorded", f"{recorded}, not replayed here")] if recorded else []),
            ("size of the proofs", f"{size_text(text_bytes)} ({size_text(packed_bytes)} on disk)"),
            ("seconds", facts["seconds"]["check"]),
            ("root", manifest.root),
        ]
        print(table(rows))
    return 3 if counts["undecided"] else 0


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

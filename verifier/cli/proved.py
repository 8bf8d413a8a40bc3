"""The proved kernel at the command line: `robmem check --proved`, `robmem export --to kernel`."""

from __future__ import annotations

import json
import random
from collections import Counter
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from verifier.checker.manifest import Manifest, Result
    from verifier.tasks.proved import Part


def check_proved(
    path: Path,
    file: str | None,
    part: int | None,
    seed: int | None,
    jobs: int | None,
    as_json: bool,
) -> int:
    """Has the proved kernel replay a proof file or a run, and says what it has proved."""
    from verifier.tasks.proved import find_program

    started = monotonic()
    program = find_program()
    run = path.is_dir()
    facts = _check_run(path, file, part, seed, jobs) if run else _check_file(path, file)
    facts |= {"kernel": str(program), "seconds": {"check": round(monotonic() - started, 3)}}
    if as_json:
        print(json.dumps(facts))
    else:
        from verifier.cli.options import table

        shown = {**facts, "seconds": facts["seconds"]["check"]}
        print(table([(name.replace("_", " "), shown[name]) for name in shown]))
    return 3 if facts["undecided"] else 0


def _check_file(path: Path, file: str | None) -> dict[str, Any]:
    from verifier.cli.question import question_facts
    from verifier.evidence.certificate import Flip, Radius
    from verifier.evidence.proof_file import load_proof
    from verifier.formats.load import load_any_network
    from verifier.tasks.proved import replay_proof

    network = None if file is None else load_any_network(file)
    proof = load_proof(path, network=network)
    replay_proof(proof.query, proof.verdict)
    flip = isinstance(proof.verdict, Flip)
    claim = "a point of the region is unsafe" if flip else "no point of the region is unsafe"
    if isinstance(proof.verdict, Radius):
        claim += ", and one on its sphere is: its radius is exact"
    return {
        "claim": claim,
        "samples": 1,
        "robust": int(not flip),
        "flips": int(flip),
        "undecided": 0,
        "proved": 1,
        "network": proof.query.network.digest,
        "question": question_facts(proof.query),
    }


def _check_run(
    path: Path, file: str | None, part: int | None, seed: int | None, jobs: int | None
) -> dict[str, Any]:
    from verifier.checker.manifest import Kind, check_inputs, claim_text
    from verifier.formats.load import load_any_network
    from verifier.runs.centers import misread_samples
    from verifier.runs.checking import check_files
    from verifier.runs.folder import RunFolder
    from verifier.tasks.proved import replay_run

    folder = RunFolder(path)
    manifest = folder.manifest()
    network = folder.network() if file is None else load_any_network(file)
    points = folder.points()
    check_inputs(manifest, network, points)
    check_files(folder, manifest)
    chosen, seed = _chosen(manifest, part, seed)
    replay_run(network, points, manifest.question, chosen, folder.fetch, jobs or 1)
    # What it has accepted is claimed; the centers are evaluated by the checker.
    kinds = Counter(result.kind for result in chosen)
    undecided = manifest.counts["undecided"]
    counts: dict[Kind, int] = {
        "robust": kinds["robust"], "flip": kinds["flip"], "undecided": undecided,
    }  # fmt: skip
    recorded = len(manifest.results) - undecided - len(chosen)
    flips = [result.sample for result in chosen if result.kind == "flip"]
    others = [*flips, *(r.sample for r in manifest.results if r.kind == "undecided")]
    misread = set(misread_samples(network, points, manifest.question, others))
    facts: dict[str, Any] = {
        "claim": claim_text(manifest.question, manifest.size, counts, recorded),
        "samples": len(manifest.results),
        "robust": counts["robust"],
        "misread": len(misread),
        "clean": counts["robust"] + len(others) - len(misread),
        "certified": counts["robust"],
        "flips": sum(sample not in misread for sample in flips),
        "undecided": undecided,
        "proved": len(chosen),
        "recorded": recorded,
        "network": manifest.network,
        "data": manifest.data,
        "root": manifest.root,
    }
    return facts if part is None else {**facts, "seed": seed}


def _chosen(
    manifest: Manifest, part: int | None, seed: int | None
) -> tuple[list[Result], int | None]:
    """The decided results, or a random part of them; and the seed."""
    decided = [result for result in manifest.results if result.certificate is not None]
    if part is None or part >= len(decided):
        return decided, seed
    seed = random.SystemRandom().randrange(2**32) if seed is None else seed
    return sorted(random.Random(seed).sample(decided, part), key=lambda r: r.sample), seed


def export_stream(source: str, target: Path, net: str | None) -> list[tuple[str, str]]:
    """Writes the stream of a proof file or of a sealed run, for `robmem-kernel`."""
    from verifier.evidence.certificate import Maximum
    from verifier.evidence.proof_file import load_proof
    from verifier.formats.load import load_any_network
    from verifier.question.errors import UserError
    from verifier.runs.folder import RunFolder
    from verifier.tasks.proved import proof_parts, run_parts

    network = None if net is None else load_any_network(net)
    if Path(source).is_dir():
        folder = RunFolder(Path(source))
        manifest = folder.manifest()
        network = folder.network() if network is None else network
        chosen, _ = _chosen(manifest, None, None)
        parts = run_parts(network, folder.points(), manifest.question, chosen, folder.fetch)
        what = f"{len(chosen)} samples"
    else:
        proof = load_proof(source, network=network)
        if isinstance(proof.verdict, Maximum):
            raise UserError(
                f"{source}: a maximum is two questions; robmem check --proved asks both"
            )
        parts, what = proof_parts(proof.query, proof.verdict), "one question"
    size = _write(target, parts)
    return [(str(target), f"{what} for the proved kernel, {size} bytes")]


def export_coq(source: str, target: Path, net: str | None) -> list[tuple[str, str]]:
    """Writes a proof file as a theorem for Coq."""
    from verifier.checker.elaborate import elaborate
    from verifier.evidence.certificate import Robust
    from verifier.evidence.proof_file import load_proof
    from verifier.formats.coq_file import coq_text
    from verifier.formats.load import load_any_network
    from verifier.question.errors import UserError

    proof = load_proof(source, network=None if net is None else load_any_network(net))
    if not isinstance(proof.verdict, Robust):
        raise UserError(f"{source} holds no proof that a question is robust")
    spelled = elaborate(proof.query, proof.verdict)
    size = _write(target, ((False, text) for text in coq_text(proof.query, spelled)))
    return [(str(target), f"a theorem for Coq, {size} bytes")]


def _write(target: Path, parts: Iterable[Part]) -> int:
    from verifier.question.errors import UserError

    partial, size = target.with_name(target.name + ".partial"), 0
    try:
        with partial.open("w", encoding="ascii") as stream:
            for _, text in parts:
                size += stream.write(text)
        partial.replace(target)
    except OSError as error:
        raise UserError(f"{target}: {error.strerror or error}") from None
    finally:
        partial.unlink(missing_ok=True)
    return size

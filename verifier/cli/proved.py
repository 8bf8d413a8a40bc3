"""Exports for Coq: the stream of the proved kernel, and theorems."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from verifier.checker.proved import Part


def export_stream(source: str, target: Path, net: str | None) -> list[tuple[str, str]]:
    """Writes the stream of a proof file or of a sealed run, for `robmem-kernel`."""
    from verifier.checker.proved import proof_parts, run_parts
    from verifier.evidence.certificate import Maximum
    from verifier.evidence.proof_file import load_claim
    from verifier.formats.load import load_any_network
    from verifier.question.errors import UserError
    from verifier.runs.folder import RunFolder

    network = None if net is None else load_any_network(net)
    if Path(source).is_dir():
        folder = RunFolder(Path(source))
        manifest = folder.manifest()
        network = folder.network() if network is None else network
        chosen = [result for result in manifest.results if result.certificate is not None]
        parts = run_parts(network, folder.points(), manifest.question, chosen, folder.fetch)
        what = f"{len(chosen)} samples"
    else:
        proof = load_claim(source, network=network)
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
    from verifier.evidence.proof_file import load_claim
    from verifier.formats.coq_file import coq_text
    from verifier.formats.load import load_any_network
    from verifier.question.errors import UserError

    proof = load_claim(source, network=None if net is None else load_any_network(net))
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

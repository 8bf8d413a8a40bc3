"""`robmem radius`: how far the samples of a data set keep their labels."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

import click

from verifier.cli.sampled import (
    Listing,
    about_facts,
    as_run,
    evidence_row,
    is_run,
    listed,
    proofs_option,
    run_rows,
    sampled,
)
from verifier.cli.working import stored_options

if TYPE_CHECKING:
    from verifier.cli.sampled import Given
    from verifier.cli.samples import Asked
    from verifier.question.distance import DistanceTerms
    from verifier.tasks.radius import RadiusInterval


@click.command(
    name="radius",
    epilog="Example: robmem radius net.onnx --data digits --norm 2 --samples 0:10",
    short_help="The exact distance to the nearest label flip.",
)
@click.option("--within", metavar="Q", help="An interval of this length is enough.")
@click.option("--max", "most", metavar="Q", help="Radius to stop at.  [default: farthest sample]")
@proofs_option
@sampled(stored_options)
def command(given: Given, within: str | None, most: str | None, proofs: str | None) -> int:
    """Find, for every sample, the exact distance to the nearest point that loses its label.

    It is shown by a pair: an exact flip at that distance, and a proof that the open ball
    of that radius has none. For norm 2 it is given as its square. With --within, an
    interval is enough: its lower end is a radius whose closed ball is proved to keep the
    label, its upper end the distance of an exact flip. Everything is checked.

    With --out or --store this is a run as of `robmem certify`: every answer is stored as soon
    as it is found, the same command continues, --jobs and --cluster share the work, and
    `robmem check FOLDER` replays it all. --retry undecided goes on with intervals that are
    not as close as asked.

    --proofs writes sample-N-radius.json.gz for `robmem check` (of an interval -robust
    and -flip; the flip alone where the sample itself is read wrong), each as soon as it is
    found. The same command again takes the exact radii from there, after a check of each;
    Ctrl-C shows what was found so far.

    Exit code 0 if every distance is as close as asked, or the ball of radius --max is
    proved; 3 if time or nodes ended before.
    """
    from verifier.cli.samples import positive
    from verifier.question.distance import DistanceTerms

    stored = is_run(given.stored, proofs)
    terms = DistanceTerms(positive("--within", within), positive("--max", most))
    facts = measure_as_run(given, terms) if stored else _measured(given, terms, proofs)
    return 3 if facts["undecided"] or facts.get("recorded") else 0


def measure_as_run(given: Given, terms: DistanceTerms) -> dict[str, Any]:
    """The distances as a run in a folder; prints and returns its facts."""
    from verifier.runs.distances import intervals

    asked = given.read()
    listing = Listing("radius", intervals, _facts, _shown)
    return as_run(given, asked, asked.question(distance=terms), listing)


def _measured(given: Given, terms: DistanceTerms, proofs: str | None) -> dict[str, Any]:
    """The distances, with their evidence in the folder `proofs`."""
    from verifier.tasks.radius import exact_radii, stored_radius

    started, asked = monotonic(), given.read()
    found: list[RadiusInterval] = []

    def known(sample: int) -> RadiusInterval | None:
        if proofs is None or terms.most is not None:
            return None
        return stored_radius(
            Path(proofs) / f"sample-{sample}-radius.json.gz", asked.network, asked.points, sample,
            norm=asked.norm, decoder=asked.decoder, clip=asked.clip,
        )  # fmt: skip

    def keep(entry: RadiusInterval) -> None:
        found.append(entry)
        if proofs is not None and (entry.pair is None or entry.queries):  # else it is there
            _save(Path(proofs), asked, entry)

    def told() -> dict[str, Any]:
        facts = _facts(asked, found, monotonic() - started)
        given.print(facts, _shown(facts, found))
        return facts

    kept = "; give --out to keep what is found"
    if proofs is not None:
        kept = f"; exact radii are in {proofs}, the same command continues"
    with given.looking("measuring", found, len(asked.samples), told, kept) as show:
        exact_radii(
            asked.network, asked.points, asked.samples, norm=asked.norm, decoder=asked.decoder,
            clip=asked.clip, within=terms.within, most=terms.most, options=given.options,
            progress=show, known=known, keep=keep,
        )  # fmt: skip
    return told()


def _save(folder: Path, asked: Asked, entry: RadiusInterval) -> None:
    """Pair, proof and flip as files for `robmem check FILE --network NET`."""
    from verifier.checker.manifest import sample_query
    from verifier.evidence.certificate import Flip
    from verifier.evidence.files import make_folder
    from verifier.evidence.proof_file import save_proof

    stem = make_folder(folder) / f"sample-{entry.sample}"
    if entry.pair is not None and entry.question is not None:
        save_proof(f"{stem}-radius.json.gz", entry.question, entry.pair, with_network=False)
        return
    if entry.proof is not None and entry.question is not None:
        save_proof(f"{stem}-robust.json.gz", entry.question, entry.proof, with_network=False)
    if entry.flip is not None and entry.upper is not None:
        squared = entry.upper if entry.norm == "2" else None
        question = asked.question(entry.upper if squared is None else None, radius_squared=squared)
        query = sample_query(asked.network, asked.points, question, entry.sample)
        flip = Flip(entry.flip.point, entry.flip.goal)
        save_proof(f"{stem}-flip.json.gz", query, flip, with_network=False)


def _facts(
    asked: Asked, found: Sequence[RadiusInterval], seconds: float, due: int | None = None
) -> dict[str, Any]:
    reached, exact = sum(entry.reached for entry in found), sum(entry.exact for entry in found)
    misread = sum(entry.misread for entry in found)
    flips = sum(entry.flip is not None for entry in found) - misread
    robust = sum(entry.proof is not None for entry in found)
    return {
        "claim": f"the distance to the nearest flip in norm {asked.norm} is exact for {exact} of "
        f"{due or len(found)} samples, and as close as asked for {reached}",
        "samples": len(found),
        "robust": robust,
        "misread": misread,
        "clean": sum(entry.reads_right for entry in found),
        "flips": flips,
        "exact": exact,
        "undecided": len(found) - reached,
        "checked": flips + misread + robust,
        "proof_bytes": sum(_evidence_bytes(entry, asked.network.digest) for entry in found),
        "seconds": {"wall": round(seconds, 3)},
        "norm": asked.norm,
        **about_facts(asked),
        "results": [_result(entry) for entry in found],
    }


def _evidence_bytes(entry: RadiusInterval, digest: str) -> int:
    """The size of the certificates."""
    from verifier.evidence.certificate import Flip, certificate_bytes

    size = 0 if entry.proof is None else len(certificate_bytes(entry.proof, digest))
    if entry.flip is not None:
        size += len(certificate_bytes(Flip(entry.flip.point, entry.flip.goal), digest))
    return size


def _result(entry: RadiusInterval) -> dict[str, Any]:
    """The interval in texts; of norm 2 the squares of its ends, which are exact, as well."""
    from verifier.cli.samples import found_json
    from verifier.question.rational import format_rational
    from verifier.runs.records import end_text

    result: dict[str, Any] = {
        "sample": entry.sample,
        "label": entry.label,
        "exact": entry.exact,
        "lower": format_rational(entry.lower),
        "proved": entry.proof is not None,
    }
    if entry.norm == "2":
        result["lower_squared"] = end_text(entry.lower_size)
        result["upper_squared"] = end_text(entry.upper)
    else:
        result["upper"] = end_text(entry.upper)
    result |= {
        "misread": entry.misread,
        "flip": None if entry.flip is None else found_json(entry.flip),
        "reached": entry.reached,
        "queries": entry.queries,
        "seconds": round(entry.seconds, 3),
    }
    if not entry.reached:
        result["reason"] = entry.reason
    return result | ({"solver": entry.solver} if entry.solver else {})


def _away(entry: RadiusInterval) -> list[str]:
    """How far the flip is; for norm 2 that, about, and its exact square."""
    from math import sqrt

    from verifier.cli.options import short

    if entry.upper is None:
        return ["none found", "none found"] if entry.norm == "2" else ["none found"]
    if entry.norm != "2":
        return [short(entry.upper)]
    return [short(entry.lower) if entry.exact and entry.lower**2 == entry.upper
            else f"about {sqrt(entry.upper):.6g}", short(entry.upper)]  # fmt: skip


def _shown(facts: dict[str, Any], found: Sequence[RadiusInterval]) -> str:
    from verifier.cli.options import short
    from verifier.cli.samples import accuracy_rows, label_map

    squares = ["its square"] if facts["norm"] == "2" else []
    rows: list[list[object]] = [["sample", "label", "distance", *squares, "no flip below", "rival",
                                 "balls", ""]]  # fmt: skip
    for entry in found:
        below = "exact" if entry.exact else short(entry.lower)
        rival = "" if entry.flip is None else entry.flip.rival
        last = "misread" if entry.misread else ""
        rows.append([entry.sample, entry.label, *_away(entry), below, rival, entry.queries,
                     last if entry.reached else f"not closer: {entry.reason}"])  # fmt: skip
    return listed(rows, [
        ("claim", facts["claim"]),
        *(("labels", text) for text in (label_map(facts["decoder"], facts["labels"]),) if text),
        *run_rows(facts),
        *(accuracy_rows(facts) if found else ()),
        evidence_row(facts),
        ("seconds", f"{facts['seconds']['wall']:.2f}"),
    ])  # fmt: skip

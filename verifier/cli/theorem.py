"""`robmem certify --by-theorem` and `robmem check RUN --by-theorem`: a network is recognised."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

from verifier.question.errors import UserError

if TYPE_CHECKING:
    from verifier.checker.checked import Checked
    from verifier.checker.manifest import Manifest, Question
    from verifier.data.dataset import Dataset
    from verifier.data.layout import Layout
    from verifier.evidence.data_file import Points
    from verifier.evidence.network_rows import NetworkRows
    from verifier.question.built import Built
    from verifier.question.network import Network
    from verifier.runs.run import Run

_MANY = 50_000_000  # coordinates of all pairs of samples, from which several programs pay


@dataclass(frozen=True, slots=True)
class Shown:
    """What was recognised: the `Checked` value that says so, and of which theorem."""

    checked: Checked
    built: Built

    @property
    def phrase(self) -> str:
        from verifier.checker.theorems import by_theorem_text

        return by_theorem_text(self.checked, self.built)

    @property
    def facts(self) -> dict[str, Any]:
        """For JSON."""
        from verifier.checker.manifest import built_text
        from verifier.checker.theorem_task import theorem_of

        proved = self.checked.facts.checker == "proved theorem"
        source = theorem_of(self.built.construction).source
        facts: dict[str, Any] = json.loads(built_text(self.built))
        return facts | {"source": source, "proved": proved}


def require_plain(options: Any) -> None:
    """Raises UserError for an option that a theorem does not go with."""
    given = {
        "clip": options.clip, "labels": options.labels, "samples": options.samples,
        "rank": options.rank, "kind": options.kind, "error": options.error,
    }  # fmt: skip
    if not options.by_ball:
        given |= {
            "store": options.store, "retry": options.retry, "timeout": options.timeout,
            "nodes": options.nodes, "budget-seconds": options.budget_seconds,
            "memory": options.memory, "cluster": options.cluster, "new": options.new,
            "no-replay": options.no_replay, "no-seal": options.no_seal,
        }  # fmt: skip
    for option, value in given.items():
        if value is not None and value is not False and value != ():
            raise UserError(f"--by-theorem does not go with --{option}")
    if options.semantics != "real":
        raise UserError(f"--by-theorem: the theorems are about real numbers, not "
                        f"{options.semantics}")  # fmt: skip
    if options.file is not None and options.name is None:
        raise UserError(
            f"--by-theorem: {options.file} may be the network of many constructions; say of which "
            f"with --construction"
        )
    if options.file is not None and options.from_budget is not None and not options.every_budget:
        raise UserError("--from is for --every-budget")


def construction_of(options: Any) -> str:
    """The construction whose theorem is asked for; UserError if there is none."""
    from verifier.checker.theorem_task import theorem_of

    if options.every_budget and options.norm is not None:
        raise UserError("--every-budget does not go with --norm")
    default = {None: "linf", "inf": "linf", "1": "l1", "2": "l2-halfspaces"}.get(options.norm)
    if options.name is None and default is None:
        raise UserError(f"--norm {options.norm}: no theorem is recognised there; inf, 1 and 2 are")
    theorem = theorem_of(options.name or default or "")
    if options.norm not in (None, theorem.norm):
        raise UserError(
            f"--norm {options.norm}: {theorem.source} is about balls of norm {theorem.norm}"
        )
    if options.decoder not in (None, theorem.decoder):
        raise UserError(
            f"--by-theorem: {theorem.source} is about {theorem.decoder}, not {options.decoder}"
        )
    return theorem.construction


def built_for(
    dataset: Dataset, construction: str, budget: Fraction | None, ratio: Fraction | None
) -> tuple[Built, Fraction]:
    """What has been built for this budget, or ratio, and the budget; for every budget, which are
    neither, the budget 0.

    Raises UserError for a budget at half the separation or beyond.
    """
    from constructions.halfspaces import parameter
    from constructions.hypotheses import budget_of_ratio, check_budget, power_separation
    from verifier.checker.theorem_task import theorem_of
    from verifier.question.built import Built

    norm = theorem_of(construction).norm
    power = power_separation(dataset, norm)
    if budget is None:
        budget = Fraction(0) if ratio is None else budget_of_ratio(ratio, power, norm)
    check_budget(dataset, norm, budget, power)
    of = parameter(budget, power, "2") if theorem_of(construction).squared else budget
    return Built(construction, power, of), budget


def recognised(
    rows: NetworkRows,
    points: Points,
    question: Question,
    built: Built,
    *,
    proved: bool,
    jobs: int | None,
) -> Shown:
    """By the program where it is there, else by its twin; with `proved` by the program alone."""
    from verifier.checker.theorem_program import PROGRAM
    from verifier.checker.theorems import recognise
    from verifier.search.options import cores

    by_program = proved or PROGRAM.is_there()
    if jobs is None:
        many = points.size**2 * points.dimension > _MANY
        jobs = cores() if many else 1
    shown = recognise(rows, points, question, built, proved=by_program, jobs=max(1, jobs))
    return Shown(shown, built)


@contextmanager
def network_rows(network: Network | Path) -> Iterator[NetworkRows]:
    """The rows of a network in memory, or of a native file that need not fit."""
    from verifier.evidence.network_rows import HeldRows, open_rows

    if isinstance(network, Path):
        with open_rows(network) as rows:
            yield rows
    else:
        yield HeldRows(network)


def _given_network(file: str) -> Network | Path:
    """The file if it is a native one, else its network: one unit a unit, as it is executed."""
    from verifier.evidence.files import open_regular
    from verifier.evidence.network_file import MAGIC
    from verifier.formats.load import load_any_network

    try:
        with open_regular(file) as stream:
            native = stream.read(len(MAGIC)) == MAGIC
    except OSError as error:
        raise UserError(f"{file}: {error.strerror or error}") from None
    return Path(file) if native else load_any_network(file, merge=False)


# ------------------------------------------------------------------------ certify


def certify_by_theorem(options: Any, dataset: Dataset, sizes: dict[str, Fraction | None]) -> int:
    """Builds or reads the network, recognises it, and writes the folder that says so."""
    from verifier.checker.manifest import Manifest
    from verifier.cli.every_budget import every_budget
    from verifier.data.dataset import check_labelled
    from verifier.runs.by_theorem import Subject, write_certified
    from verifier.runs.run import points_of

    started = monotonic()
    check_labelled(dataset)
    name: str = options.name
    ratio, budget = sizes["ratio"], sizes["budget"]
    if budget is None and ratio is None and not options.every_budget:
        ratio = Fraction(99, 100)
    built, of = built_for(dataset, name, budget, ratio)
    network: Network | Path
    if options.every_budget and options.file is None:
        network, question, _ = every_budget(options, dataset)
    elif options.file is None:
        from constructions.registry import build

        network = build(name, dataset, budget=of, separation=built.power).network
        question = _ball(name, of, sizes)
    else:
        network = _given_network(options.file)
        question = _family(options, built) if options.every_budget else _ball(name, of, sizes)
    points = points_of(dataset)
    with network_rows(network) as rows:
        shown = recognised(rows, points, question, built, proved=options.proved, jobs=options.jobs)
        digest = rows.digest
    manifest = Manifest(digest, points.digest, points.size, question, (), built)
    out = options.out or Path("runs") / f"{dataset.name}-{name}-theorem-{manifest.root[:8]}"
    write_certified(Path(out), Subject(network), points, manifest)
    seconds = {"wall": round(monotonic() - started, 3)}
    _print(Path(out), manifest, shown, 0, seconds, options.as_json)
    return 0


def _ball(name: str, budget: Fraction, sizes: dict[str, Fraction | None]) -> Question:
    """The balls of the budget, or of the radius that was given."""
    from verifier.checker.manifest import Question
    from verifier.checker.theorem_task import theorem_of

    radius, squared = sizes["radius"], sizes["radius-squared"]
    if radius is None and squared is None:
        radius = budget
    theorem = theorem_of(name)
    return Question(theorem.norm, theorem.decoder, radius, squared)


def _family(options: Any, built: Built) -> Question:
    """Every budget of a network from a file: what the theorem says of it."""
    from verifier.checker.manifest import Question
    from verifier.checker.theorem_task import theorem_of
    from verifier.cli.options import number
    from verifier.question.family import FamilyTerms

    theorem, power = theorem_of(built.construction), built.power
    stop = Fraction(1) if theorem.squared else power / 2
    unit = power / 4 if theorem.squared else Fraction(1)
    least = Fraction(0) if options.from_budget is None else number("--from", options.from_budget)
    slope = Fraction(0) if theorem.flat else -1 / stop
    terms = FamilyTerms((Fraction(1), slope), unit, least, stop, True)
    return Question(theorem.norm, theorem.decoder, family=terms)


def recognise_run(
    options: Any, dataset: Dataset, run: Run, sizes: dict[str, Fraction | None]
) -> Shown:
    """The network of a run that is proved ball by ball as well; its manifest says both."""
    from verifier.evidence.network_rows import HeldRows
    from verifier.runs.by_theorem import note_theorem

    name: str = options.name
    ratio, budget = sizes["ratio"], sizes["budget"]
    if budget is None and ratio is None and not options.every_budget:
        ratio = Fraction(99, 100)
    built, _ = built_for(dataset, name, budget, ratio)
    shown = recognised(
        HeldRows(run.network), run.points, run.job.question, built,
        proved=options.proved, jobs=options.jobs,
    )  # fmt: skip
    note_theorem(run, built)
    return shown


# -------------------------------------------------------------------------- check


def check_by_theorem(
    path: Path,
    file: str | None,
    spec: str | None,
    layout: Layout,
    *,
    proved: bool,
    jobs: int | None,
    as_json: bool,
) -> int:
    """Recognises the network of a sealed folder, or the one that is given in its place."""
    from verifier.checker.manifest import check_digests
    from verifier.data.load import load
    from verifier.runs.checking import check_files
    from verifier.runs.folder import NETWORK, RunFolder
    from verifier.runs.run import points_of

    started = monotonic()
    folder = RunFolder(path)
    manifest = folder.manifest()
    if manifest.theorem is None:
        raise UserError(
            f"{path}: its claim rests on proofs alone; check it without --by-theorem, or add the "
            f"theorem with certify --by-theorem --by-ball"
        )
    check_files(folder, manifest)
    points = folder.points() if spec is None else points_of(load(spec, layout))
    network = path / NETWORK if file is None else _given_network(file)
    with network_rows(network) as rows:
        check_digests(manifest, rows.digest, points)
        shown = recognised(
            rows, points, manifest.question, manifest.theorem, proved=proved, jobs=jobs
        )
    recorded = sum(result.certificate is not None for result in manifest.results)
    seconds = {"check": round(monotonic() - started, 3)}
    _print(path, manifest, shown, recorded, seconds, as_json)
    return 0


def _print(
    path: Path,
    manifest: Manifest,
    shown: Shown,
    recorded: int,
    seconds: dict[str, float],
    as_json: bool,
) -> None:
    from verifier.checker.manifest import every_claim
    from verifier.cli.options import table
    from verifier.question.rational import format_rational

    claim, size = every_claim(manifest.question, manifest.size), manifest.size
    if as_json:
        print(
            json.dumps(
                {
                    "claim": f"{claim}, {shown.phrase}",
                    "samples": size,
                    "robust": size,
                    "flips": 0,
                    "undecided": 0,
                    "checked": 0,
                    "recorded": recorded,
                    "proof_bytes": 0,
                    "ways": ways(manifest),
                    "theorem": shown.facts,
                    "network": manifest.network,
                    "data": manifest.data,
                    "seconds": seconds,
                    "folder": str(path),
                    "root": manifest.root,
                }
            )
        )
        return
    built = shown.built
    numbers = f"{format_rational(built.power)}, parameter {format_rational(built.parameter)}"
    rows: list[tuple[str, object]] = [
        ("claim", claim),
        ("", shown.phrase),
        ("built", f"{built.construction} for the separation {numbers}"),
        ("network", manifest.network),
        ("data", manifest.data),
        ("samples", size),
        ("ways", "; ".join(ways(manifest))),
        *([("recorded", f"{recorded} proofs, not replayed here")] if recorded else []),
        ("seconds", next(iter(seconds.values()))),
        ("folder", path),
        ("root", manifest.root),
    ]
    print(table(rows))


def ways(manifest: Manifest) -> list[str]:
    """Which ways the manifest says were taken."""
    found = [] if manifest.theorem is None else ["by theorem"]
    proofs = any(result.certificate is not None for result in manifest.results)
    return found + (["ball by ball"] if proofs else [])

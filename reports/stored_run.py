"""A run as it is stored, read once and read only.

Everything comes from the files of the run; its place on the disk, clock times and hosts do not
enter, so a copy of the folder reads the same. The database is not believed: an answer whose
certificate was not replayed here is `recorded`, whatever it is, and nothing of it is shown.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from random import Random
from typing import Any, Literal

from constructions.construction import Construction, actual_sizes
from constructions.registry import REGISTRY, build
from constructions.rows import at_most_weights
from constructions.separation import rival_distances
from reports.numbers import Distance, Root, square
from reports.radii import Known, NearestFlip, Radii, at_least, read_radii
from verifier.checker.checked import Checked
from verifier.checker.elaborate import kernel_check_proof, kernel_check_result
from verifier.checker.manifest import (
    Question,
    replay_distance,
    replay_margin,
    require_real,
    sample_goals,
)
from verifier.checker.scaled import evaluate
from verifier.data.bundled import BUNDLED
from verifier.data.dataset import Dataset
from verifier.data.load import load
from verifier.evidence.certificate import Flip, parse_certificate
from verifier.evidence.data_file import Points
from verifier.evidence.distance import parse_distance
from verifier.question.errors import RefusedError, UserError
from verifier.question.executed import executable
from verifier.question.network import Network
from verifier.question.rational import parse_rational, sqrt_upper
from verifier.question.region import Norm, power
from verifier.question.region import distance as exact_distance
from verifier.runs.by_kernel import KernelShare, noted_shares, replay_all
from verifier.runs.centers import Centers, centers
from verifier.runs.checking import check_run
from verifier.runs.folder import RunFolder
from verifier.runs.identity import question_from
from verifier.runs.margins import MarginInterval, margins
from verifier.runs.place import Place
from verifier.runs.records import ANSWERED, STATES, State
from verifier.runs.run import suggested_jobs
from verifier.runs.store import RunRow, SampleRow, Store
from verifier.runs.summary import result_of, shown_of

MOST_PAIRS = 2**36
"""Up to this many coordinate differences, the nearest rival of every sample is computed."""
MOST_WEIGHTS = 20_000_000
"""A construction of more weights is not built again to read its promises."""

About = Literal["labels", "distances", "margins", "every budget"]
"""What a run asks of every sample: its label on a ball, how far it keeps it, the least margin on a
ball, or its label on every ball of a family."""


@dataclass(frozen=True, slots=True)
class SeenFlip:
    """`point` lies at `distance` from the sample, in the norm of the run; `rival` is read there, by
    the name in the question."""

    point: tuple[Fraction, ...]
    distance: Distance
    rival: str


@dataclass(frozen=True, slots=True)
class Versions:
    """Versions of a program that worked on the run, all that were seen."""

    program: str
    versions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Timings:
    """What differs from one run to the next: seconds by phase, bytes on the disk, and hosts."""

    seconds: Mapping[str, float]
    packed_bytes: int
    hosts: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class StoredRun:
    """What is known of a run.

    `evidence` is what was replayed here; `samples` have the state that it shows, `recorded` where
    there is none. `replayed` is false if nothing was asked to be.

    Of a run about distances `known` and `flips` hold the intervals, and all answered samples are
    `measured`. Of one about least margins `margins` holds them, and a sample is robust, a flip, or
    undecided as its interval says. Of a family nothing is known of single balls.

    `problems` name what is missing or altered. `rivals` are the distances of all samples of the
    data set to their nearest differently labelled sample, None if they were not computed. `known`
    is what is shown of the robustness radius of each sample: by the run, and for `measured` samples
    by evidence of `robmem radius` as well. `centers` counts the samples that were looked at here,
    all but those `recorded`. `by_kernel` is what the kernel replayed here too, `by_proved` the
    proved kernel; `kernel` and `proved` what sessions have noted that they did there, `radii` the
    evidence for `measured`. `promised` is the construction built again, if it gives this very
    network.
    """

    name: str
    question: Question
    options: Mapping[str, Any]
    about: Mapping[str, Any]
    root: str | None
    network: Network
    dataset: Dataset
    data_digest: str
    samples: tuple[SampleRow, ...]
    flips: Mapping[int, SeenFlip]
    rivals: tuple[Distance, ...] | None
    known: Mapping[int, Known]
    measured: frozenset[int]
    promised: Construction | None
    promise_reason: str | None
    versions: tuple[Versions, ...]
    timings: Timings
    problems: tuple[str, ...]
    folder: RunFolder
    evidence: Mapping[int, Checked]
    replayed: bool
    centers: Centers
    kernel: tuple[KernelShare, ...]
    by_kernel: Mapping[int, Checked]
    proved: tuple[KernelShare, ...]
    by_proved: Mapping[int, Checked]
    radii: tuple[Checked, ...]
    margins: Mapping[int, MarginInterval]

    @property
    def asks(self) -> About:
        if self.question.family is not None:
            return "every budget"
        if self.question.distance is not None:
            return "distances"
        return "labels" if self.question.margin is None else "margins"

    def measured_evidence(self, verdict: str) -> int:
        """How many files about other radii were replayed here and say this."""
        return sum(one.verdict == verdict for one in self.radii)

    @property
    def checked(self) -> int:
        """How many answers were replayed here and hold."""
        return len(self.evidence)

    @property
    def counts(self) -> dict[State, int]:
        """Samples by state; every state is there."""
        counts: dict[State, int] = {
            **dict.fromkeys(STATES, 0), "recorded": 0,
        }  # fmt: skip
        for row in self.samples:
            counts[row.state] += 1
        return counts

    @property
    def finished(self) -> bool:
        """Whether every sample was reached and the run was sealed."""
        return not self.counts["open"] and self.root is not None

    @property
    def radius(self) -> Distance | None:
        """The radius of the balls; None of distances and of families, which have no single one."""
        return radius_of(self.question)

    @property
    def radius_upper(self) -> Fraction:
        """The radius, or a rational number just above it, or 0 where there is none; to be drawn."""
        return rational_above(self.radius or Fraction(0))

    @property
    def separation(self) -> Distance | None:
        """The least distance of differently labelled samples of the data set, if computed."""
        return None if self.rivals is None else min(self.rivals, key=square)

    @property
    def data_name(self) -> str:
        return self.dataset.name

    def label(self, sample: int) -> str:
        """The name of the sample's label."""
        return self.dataset.label_names[int(self.dataset.labels[sample])]

    def rival(self, rival: str | None) -> str | None:
        """Who wins at a flip, by the name of the label."""
        if rival is None or not rival.isdigit() or int(rival) >= self.dataset.classes:
            return None if rival is None else f"output {rival}"
        return self.dataset.label_names[int(rival)]

    def outputs(self, points: Sequence[Sequence[Fraction]]) -> list[list[Fraction]]:
        """What the network answers at these points: exactly, or by the plain execution in the
        format that the run is about, of which the points must be inputs."""
        if self.question.semantics == "real":
            return evaluate(self.network, points)
        form = executable(self.network, self.question.semantics)
        return [list(form.outputs(point)) for point in points]


def radius_of(question: Question) -> Distance | None:
    """The radius of the balls that are asked about, a root if its square was given; None where the
    question has no single one."""
    if question.family is not None or question.distance is not None:
        return None
    if question.radius is not None:
        return question.radius
    return Root(question.radius_squared or Fraction(0))


def rational_above(distance: Distance) -> Fraction:
    """The distance, or a rational number just above it."""
    return sqrt_upper(distance.square) if isinstance(distance, Root) else distance


def read_run(
    place: Place,
    *,
    image_shape: tuple[int, int] | None = None,
    all_distances: bool = False,
    radii: Path | None = None,
    replay: bool = True,
    kernel: int = 0,
    proved: int = 0,
    jobs: int | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> StoredRun:
    """The run stored at `place`; its certificates replayed if `replay`, by `jobs` processes, or by
    so many as pay; and `kernel` of them, or all if there are fewer, by the kernel as well, and
    `proved` by the proved kernel.

    `progress` is called with how many of how many are replayed.

    `image_shape` says how samples are shown, where the data do not. `radii` is a folder of evidence
    of `robmem radius --proofs`, which is replayed. Raises UserError for a database of another
    version or without the run, RefusedError if network, data or evidence are missing, altered or
    about something else, naming the file.
    """
    files = _files_of(place)
    problems = _missing(files.folder, files.samples)
    evidence: dict[int, Checked] = {}
    if replay:
        evidence, problems = _replayed(files, jobs, progress)
    if files.folder.sealed:
        problems += _broken_seal(files.folder, files.row.root)
    dataset = _dataset(
        files.points, str(files.row.about.get("data", "data")), files.row.about, image_shape
    )
    rivals = None
    if dataset.size**2 * dataset.dimension <= MOST_PAIRS or all_distances:
        rivals = _rivals(dataset, files.question)
    promised, reason = _promised(dataset, files.row.about, files.network)
    row, shown, found = files.row, _shown_radii(files, radii), _found(files, evidence)
    return StoredRun(
        row.name, files.question, row.options, row.about, row.root, files.network, dataset,
        row.data, found.samples, found.flips, rivals,
        _known(found, shown.known, files.question),
        frozenset(found.known or shown.known),
        promised, reason, _versions(files.hosts), _timings(files.samples, files.hosts),
        tuple(problems), files.folder, evidence, replay, found.centers,
        tuple(noted_shares(files.hosts)), _by_kernel(files, evidence, kernel),
        tuple(noted_shares(files.hosts, "proved kernel")), _by_proved(files, evidence, proved),
        tuple(shown.checked), found.margins,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Files:
    """What is stored of a run, as it is."""

    row: RunRow
    samples: tuple[SampleRow, ...]
    hosts: Sequence[Mapping[str, Any]]
    folder: RunFolder
    network: Network
    points: Points
    question: Question


def _files_of(place: Place) -> _Files:
    """The files, of which network and data are those that the database names. Raises UserError and
    RefusedError as `read_run`."""
    with Store(place.database, read_only=True) as store:
        row = place.row(store)
        samples = tuple(store.samples(row.id))
        hosts = store.hosts(row.id)
    if not samples:
        raise UserError(f"{row.name}: the run has no samples")
    folder = place.folder
    network, points = folder.network(), folder.points()
    for what, stored, found in (("network", row.network, network.digest),
                                ("data", row.data, points.digest)):  # fmt: skip
        if stored != found:
            raise RefusedError(f"{what} altered", f"{row.name}: {found}, the run is about {stored}")
    if samples[0].sample < 0 or samples[-1].sample >= points.size:
        raise RefusedError("database differs", f"{row.name}: samples beyond the data")
    question = question_from(row.question)
    if power(question.norm) > 2:
        raise UserError(
            f"{row.name}: about balls of norm {question.norm}; reports are of inf, 1 and 2, and "
            f"`robmem check` replays this run"
        )
    return _Files(row, samples, hosts, folder, network, points, question)


def _replayed(
    files: _Files, jobs: int | None, progress: Callable[[int, int], None]
) -> tuple[dict[int, Checked], list[str]]:
    """What the certificates of the run show, of those that hold, and the flaws of the others."""
    question = files.question
    results = [result_of(one, question) for one in files.samples if one.state in ANSWERED]
    replayed = check_run(
        files.folder, files.network, files.points, question, results,
        jobs or max(1, suggested_jobs(files.network, len(results))),
        lambda done: progress(done, len(results)),
    )  # fmt: skip
    shown = shown_of(files.row, files.samples, replayed.checked)
    return shown, [f"sample {sample}: {flaw.flaw}" for sample, flaw in replayed.flaws.items()]


@dataclass(frozen=True, slots=True)
class _Found:
    """What the evidence shows of the samples. `known` is there of a run about distances, `margins`
    of one about least margins."""

    samples: tuple[SampleRow, ...]
    centers: Centers
    flips: dict[int, SeenFlip]
    known: dict[int, Known]
    margins: dict[int, MarginInterval]


def _found(files: _Files, evidence: Mapping[int, Checked]) -> _Found:
    looked_at = [o.sample for o in files.samples if o.state not in ANSWERED or o.sample in evidence]
    read = centers(files.network, files.points, files.question, looked_at, evidence)
    least: dict[int, MarginInterval] = {}
    if files.question.margin is not None:
        rows = {row.sample: row for row in files.samples}
        listed = margins(files.folder, files.network, files.points, files.question, rows, evidence)
        least = {one.sample: one for one in listed}
        certified = sum(one.lower is not None and one.lower > 0 for one in listed)
        lost = sum(one.upper <= 0 and one.sample not in read.misread for one in listed)
        read = replace(read, certified=certified, flips=lost)
    samples = tuple(_as_shown(one, evidence, read.misread, least) for one in files.samples)
    known: dict[int, Known] = {}
    if files.question.distance is not None:
        known = _distances(files, evidence)
        flips = {sample: _seen(files, sample, one.flip) for sample, one in known.items()
                 if one.flip is not None}  # fmt: skip
    elif files.question.margin is not None:
        flips = {sample: _seen(files, sample, NearestFlip(one.point, _rival_of(files, one)))
                 for sample, one in least.items() if one.upper <= 0}  # fmt: skip
    else:
        flips = _flips(files, samples)
    return _Found(samples, read, flips, known, least)


def _rival_of(files: _Files, one: MarginInterval) -> str:
    """The rival by its number in the question."""
    names = files.points.label_names
    return str(names.index(one.rival)) if one.rival in names else one.rival


def _seen(files: _Files, sample: int, flip: NearestFlip) -> SeenFlip:
    away = distance(files.question.norm, files.points.point(sample), flip.point)
    return SeenFlip(flip.point, away, flip.rival)


def _distances(files: _Files, evidence: Mapping[int, Checked]) -> dict[int, Known]:
    """The intervals that were checked, of a run about distances, with their flips."""
    roots = files.question.norm == "2"

    def length(size: Fraction) -> Distance:
        return Root(size) if roots else size

    found = {}
    for sample, one in sorted(evidence.items()):
        lower, upper = one.facts.ends or (None, None)
        stored = parse_distance(files.folder.fetch(one.certificate or ""), files.network.digest)
        if lower is None or (stored.lower, stored.upper) != (lower, upper):
            raise RefusedError("certificate altered", f"sample {sample}: it was another one")
        flip = None
        if stored.flip is not None:
            goals = sample_goals(files.network, files.points, files.question, sample)
            flip = NearestFlip(stored.flip.point, goals[stored.flip.goal].rival)
        end = None if upper is None else length(upper)
        found[sample] = Known(length(lower), end, lower == upper, flip)
    return found


def _shown_radii(files: _Files, radii: Path | None) -> Radii:
    """What files of `robmem radius --proofs` show beside the run."""
    if radii is None:
        return Radii()
    name, question = files.row.name, files.question
    if question.semantics != "real":
        raise UserError(
            f"{name}: its answers are about the network as executed in {question.semantics}, "
            f"the radii in {radii} about exact arithmetic"
        )
    if question.family is not None or question.distance is not None:
        raise UserError(f"{name}: --radii is for a run about balls of one radius; this one asks "
                        f"about {'every budget' if question.family else 'distances'}")  # fmt: skip
    return read_radii(radii, files.network, files.points, question)


def _by_kernel(files: _Files, evidence: Mapping[int, Checked], count: int) -> dict[int, Checked]:
    """So many of what was replayed, drawn at random by seed 0, replayed by the kernel as well.

    Raises RefusedError, naming the flaw, if the kernel refuses what the checker has accepted, and
    UserError for a run about executions in floats, of which the kernel knows nothing.
    """
    if count:
        require_real(files.question, "the kernel")
    chosen = _drawn(evidence, count)
    network, points, question = files.network, files.points, files.question
    found: dict[int, Checked] = {}
    for row in files.samples:
        if row.sample not in chosen:
            continue
        result, fetch = result_of(row, question), files.folder.fetch
        if question.measured is None:
            found[row.sample] = kernel_check_result(network, points, question, result, fetch)
            continue
        replay = replay_distance if question.distance is not None else replay_margin
        replay(network, points, question, result, fetch, kernel_check_proof)
        found[row.sample] = evidence[row.sample]  # whose proof and flip the kernel has accepted
    return found


def _by_proved(files: _Files, evidence: Mapping[int, Checked], count: int) -> dict[int, Checked]:
    """The same by the proved kernel."""
    if not count:
        return {}
    chosen = {sample: evidence[sample] for sample in _drawn(evidence, count)}
    return replay_all(files.folder, files.network, files.points, files.question, chosen, 1)


def _drawn(evidence: Mapping[int, Checked], count: int) -> set[int]:
    return set(Random(0).sample(sorted(evidence), min(count, len(evidence))))


def _as_shown(
    row: SampleRow,
    evidence: Mapping[int, Checked],
    misread: Sequence[int],
    least: Mapping[int, MarginInterval],
) -> SampleRow:
    """The row with what was shown here of its sample, in place of what is stored."""
    if row.sample not in evidence:
        return replace(row, state="recorded") if row.state in ANSWERED else row
    lost: State = "misread" if row.sample in misread else "flip"
    if row.sample in least:
        one = least[row.sample]
        if one.upper <= 0:
            return replace(row, state=lost)
        if one.lower is not None and one.lower > 0:
            return replace(row, state="robust")
        return replace(row, state="undecided", reason=one.reason or "its least margin may be 0")
    if evidence[row.sample].verdict == "distance":
        return replace(row, state="misread" if row.sample in misread else "measured")
    return replace(row, state=lost if evidence[row.sample].verdict == "flip" else "robust")


def _known(found: _Found, shown: Mapping[int, Known], question: Question) -> dict[int, Known]:
    """What run and evidence show together."""
    radius = radius_of(question)
    nothing = Root(Fraction(0)) if question.norm == "2" and not isinstance(radius, Fraction) else (
        Fraction(0))  # fmt: skip
    if radius is None:
        return {row.sample: found.known.get(row.sample, Known(nothing, None))
                for row in found.samples}  # fmt: skip
    return {
        row.sample: at_least(
            shown.get(row.sample, Known(nothing, None)),
            radius if row.state == "robust" else nothing,
            *_end(found.flips.get(row.sample)),
        )
        for row in found.samples
    }


def _end(seen: SeenFlip | None) -> tuple[Distance | None, NearestFlip | None]:
    return (None, None) if seen is None else (seen.distance, NearestFlip(seen.point, seen.rival))


def _dataset(
    points: Points, name: str, about: Mapping[str, Any], image_shape: tuple[int, int] | None
) -> Dataset:
    """The points with what the run, or the bundled set of this name, knows of them.

    What is stored but does not fit the points is left out: it is for show alone.
    """
    features = _texts(about.get("feature_names"), points.dimension)
    bounds = _range(about.get("pixel_range"), points)
    shape = image_shape or _shape(about.get("image_shape"), points.dimension)
    if name in BUNDLED:
        known = load(name)
        if known.digest() == points.digest:
            shape = shape or known.image_shape
            features, bounds = features or known.feature_names, bounds or known.pixel_range
    if shape is None and points.dimension == 784:
        shape = (28, 28)
    if shape is not None and shape[0] * shape[1] != points.dimension:
        raise UserError(
            f"images of {shape[0]} x {shape[1]} pixels: the samples have {points.dimension} inputs"
        )
    return Dataset(
        name, points.numerators, points.denominator, points.labels, points.label_names,
        pixel_range=bounds, image_shape=shape, feature_names=features,
    )  # fmt: skip


def _shape(stored: Any, dimension: int) -> tuple[int, int] | None:
    match stored:
        case [int(rows), int(columns)] if rows > 0 and rows * columns == dimension:
            return rows, columns
    return None


def _range(stored: Any, points: Points) -> tuple[Fraction, Fraction] | None:
    match stored:
        case [str(low), str(high)]:
            least, most = int(points.numerators.min()), int(points.numerators.max())
            try:
                bounds = parse_rational(low), parse_rational(high)
            except UserError:
                return None
            low_end, high_end = (bound * points.denominator for bound in bounds)
            return bounds if low_end <= least <= most <= high_end else None
    return None


def _texts(stored: Any, count: int) -> tuple[str, ...] | None:
    fits = isinstance(stored, list) and len(stored) == count
    return tuple(map(str, stored)) if fits else None


def _flips(files: _Files, samples: Sequence[SampleRow]) -> dict[int, SeenFlip]:
    """The points of the flips that were shown."""
    found: dict[int, SeenFlip] = {}
    for row in samples:
        if row.state in ("misread", "flip") and row.certificate is not None:
            verdict = parse_certificate(files.folder.fetch(row.certificate), files.network.digest)
            if isinstance(verdict, Flip):
                point = verdict.point[
                    : files.points.dimension
                ]  # without rounding errors, without m
                goals = sample_goals(files.network, files.points, files.question, row.sample)
                flip = NearestFlip(point, goals[verdict.goal].rival)
                found[row.sample] = _seen(files, row.sample, flip)
    return found


def distance(norm: Norm, a: Sequence[Fraction], b: Sequence[Fraction]) -> Distance:
    """||a - b|| in the norm, exactly."""
    found = exact_distance(norm, a, b)
    return Root(found) if norm == "2" else found


def _missing(folder: RunFolder, samples: Sequence[SampleRow]) -> list[str]:
    """Which certificates are not there."""
    named = {row.certificate: row.sample for row in reversed(samples)}
    absent = sorted(
        sample
        for digest, sample in named.items()
        if digest is not None and not folder.certificate(digest).is_file()
    )
    return [f"sample {sample}: certificate missing" for sample in absent]


def _broken_seal(folder: RunFolder, root: str | None) -> list[str]:
    try:
        manifest = folder.manifest()
        folder.check_seal(manifest)
    except RefusedError as error:
        return [f"the seal is broken: {error.flaw}"]
    if manifest.root != root:
        return ["the seal is broken: the database names another manifest"]
    return []


def _rivals(dataset: Dataset, question: Question) -> tuple[Distance, ...] | None:
    try:
        values = rival_distances(dataset, question.norm)
    except UserError:
        return None
    return tuple(Root(value) if question.norm == "2" else value for value in values)


def _promised(
    dataset: Dataset, about: Mapping[str, Any], network: Network
) -> tuple[Construction | None, str | None]:
    """The construction built again, or why it is not there."""
    name, budget = about.get("construction"), about.get("budget")
    if not isinstance(name, str) or not isinstance(budget, str):
        return None, None
    if name not in REGISTRY:
        return None, f"this version has no construction {name}"
    try:
        with at_most_weights(MOST_WEIGHTS):
            built = build(
                name, dataset, budget=parse_rational(budget), seed=int(about.get("seed") or 0)
            )
    except UserError as error:
        return None, f"not built again: {error}"
    if built.network.digest != network.digest:
        return None, "this version of the construction gives another network"
    return built, None


def network_sizes(network: Network) -> dict[str, int]:
    """The sizes of a network by name, those first that theorems promise."""
    return {
        **actual_sizes(network),
        "units": network.units.count,
        "inputs": network.inputs,
        "outputs": network.outputs.count,
    }


def _versions(hosts: Sequence[Mapping[str, Any]]) -> tuple[Versions, ...]:
    seen: dict[str, dict[str, None]] = {}
    for host in hosts:
        for program, version in dict(host.get("versions", {})).items():
            seen.setdefault(str(program), {})[str(version)] = None
    return tuple(Versions(program, tuple(seen[program])) for program in sorted(seen))


def _timings(samples: Sequence[SampleRow], hosts: Sequence[Mapping[str, Any]]) -> Timings:
    return Timings(
        {
            "bounds": sum(row.bounds_seconds for row in samples),
            "search": sum(row.search_seconds for row in samples),
            "check": sum(row.check_seconds for row in samples),
        },
        sum({row.certificate: row.packed_bytes for row in samples}.values()),
        tuple(
            f"{host.get('started')} on {host.get('host')}, {host.get('system')}, "
            f"{host.get('cores')} cores"
            for host in hosts
        ),
    )

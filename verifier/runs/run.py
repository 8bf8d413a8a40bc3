"""Certify a whole data set: one ball a sample, every answer checked and stored.

    run = begin(dataset, network, question, folder)
    summary = continue_run(run, jobs=2)

A run is a folder from which everything can be replayed (`verifier.runs.folder`). Ended at any
moment, it continues where it was; the same question about the same data gives the same bytes.
What an earlier session has answered is replayed before it counts: a folder is not believed.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from fractions import Fraction
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from time import monotonic
from typing import Any, Protocol

from verifier.checker.checked import Checked
from verifier.checker.intervals import LARGEST_CHUNK
from verifier.checker.manifest import (
    Manifest,
    Question,
    require_real,
    sample_family,
    sample_goals,
    sample_query,
)
from verifier.checker.proved import find_program
from verifier.data.dataset import Dataset, check_labelled
from verifier.evidence.data_file import Points, data_bytes, parse_data
from verifier.question.errors import RefusedError, UserError
from verifier.question.executed import executable
from verifier.question.network import Network
from verifier.question.rational import format_rational, parse_rational
from verifier.runs.by_kernel import SHARE, KernelShare, replay_all, replay_some
from verifier.runs.checking import check_run
from verifier.runs.executor import Backend, Executor, InProcess
from verifier.runs.folder import CERTIFICATES, DATA, DATABASE, NETWORK, RunFolder
from verifier.runs.identity import (
    REPLAYED,
    identity_of,
    options_text,
    question_from,
    replayed_by_proved,
    require_same_run,
    short_hash,
    theorem_of,
)
from verifier.runs.place import Place, place_of
from verifier.runs.records import ANSWERED, STATES, Record, State
from verifier.runs.store import SampleRow, Store
from verifier.runs.summary import Summary, require_ends, result_of, shown_of, summarize
from verifier.runs.work import Context, Job
from verifier.search.options import Options, cores
from verifier.tasks.flips import Hint
from verifier.tasks.radius import VALUE_IS_OPEN

_SMALL = 4_000_000  # variables times samples, below which other processes do not pay
_PREPARED = 5_000  # variables, whose preparation for a task takes as long as a sample
_ENDING = 30.0  # seconds after the end of the budget, in which tasks that have begun may end
_GRACE = 300.0  # seconds beyond twice the time-out, after which a worker hangs


class Promising(Protocol):
    """A construction: a network with the balls and the decoder for which it was built."""

    @property
    def network(self) -> Network: ...
    @property
    def norm(self) -> Any: ...
    @property
    def budget(self) -> Fraction: ...
    @property
    def decoder(self) -> str: ...


def question_of(construction: Promising, clip: tuple[Fraction, Fraction] | None = None) -> Question:
    """The question that the construction promises to answer: the balls of its budget."""
    norm: Any = str(construction.norm)
    return Question(norm, construction.decoder, construction.budget, None, clip)


@dataclass(frozen=True, slots=True)
class Run:
    """A run that can be continued: where it is stored, and what its workers need."""

    place: Place
    network: Network
    points: Points
    job: Job
    samples: int  # that are asked about

    @property
    def folder(self) -> RunFolder:
        return self.place.folder


def points_of(dataset: Dataset) -> Points:
    """The same labelled points as the checker knows them."""
    return parse_data(_data_bytes(dataset))


def _data_bytes(dataset: Dataset) -> bytes:
    return data_bytes(dataset.numerators, dataset.denominator, dataset.labels, dataset.label_names)


def begin(
    dataset: Dataset,
    network: Network | Promising,
    question: Question | None = None,
    folder: Path | str | None = None,
    *,
    samples: Sequence[int] | None = None,
    options: Options = Options(),
    about: dict[str, Any] | None = None,
    name: str | None = None,
    store: Path | str | None = None,
    new: bool = False,
    change_limits: bool = False,
    hints: Mapping[int, Sequence[Hint]] | None = None,
) -> Run:
    """The run in `folder`, which is made if it does not exist.

    A construction brings its own question, and needs two classes and no point with two labels; of a
    network, label number j is output j: see `Dataset.for_outputs`. `samples` are those asked about,
    all if None. Without a folder it is `runs/<data>-<name>-<hash>`, and the hash is another where
    anything asked is another. `store` is a folder of many runs with one database; the run is a
    folder in it. With `new`, a folder beside it if there is one already. With `change_limits`, the
    time and node limits may differ from those of the run that is continued. `hints`: of a sample,
    points to be tried first where the options say thorough; nothing that they find goes unchecked.

    Raises UserError if the folder holds a run about something else, naming what differs, or cannot
    be written; RefusedError if its network or data are not those of the run.
    """
    if not isinstance(network, Network):
        check_labelled(dataset)
        question = question or question_of(network)
        network = network.network
    if question is None:
        raise UserError("a network comes without a question: give norm, radius and decoder")
    content = _data_bytes(dataset)
    points = parse_data(content)
    chosen = tuple(range(points.size)) if samples is None else tuple(sorted(set(samples)))
    if not chosen or chosen[0] < 0 or chosen[-1] >= points.size:
        raise UserError(f"samples: there are {points.size}, counted from 0; asked {chosen[:3]}")
    expected = points.dimension + (question.family is not None)  # a family reads m as well
    if network.inputs != expected:
        raise UserError(f"the data have {expected} inputs, the network {network.inputs}")
    _require_fit(network, points, question, chosen)
    identity = identity_of(network, points.digest, question, options, chosen)
    if folder is None:
        parent = Path("runs") if store is None else Path(store)
        folder = parent / f"{dataset.name}-{name or 'network'}-{short_hash(identity)}"
    elif store is not None:
        folder = Path(store) / folder
    place = place_of(_free(Path(folder)) if new else folder, shared=store is not None)
    files, path = place.folder, place.folder.path
    if path.exists() and not path.is_dir():
        raise UserError(f"{path}: exists and is not a run")
    if path.exists() and not place.database.exists() and _foreign(path):
        raise UserError(f"{path}: exists, is not empty and is not a run")
    files.make()
    with files.lock():
        if not place.exists():
            files.create(network, content)
            with Store(place.database, create=True) as database:
                facts = _described(dataset) | (about or {})
                database.add_run(place.name, path.name, identity, facts)
                database.settle(shared=place.shared)
        else:
            with Store(place.database, read_only=True) as database:
                row = place.row(database)
                known = database.pending(row.id, STATES)
            require_same_run(path, row, identity, known, change_limits)
            _require_same_files(files, network, points)
    return Run(place, network, points, Job(question, options, hints or {}), len(chosen))


def _require_fit(
    network: Network, points: Points, question: Question, samples: Sequence[int]
) -> None:
    """Returns unless something fits no sample: the decoder, or a clip that no ball meets."""
    sample_goals(network, points, question, samples[0])
    if question.distance is not None:
        if question.distance.within is None and question.decoder == "value":
            raise UserError(VALUE_IS_OPEN)
        return
    if question.family is not None:
        sample_family(network, points, question, samples[0])
        return
    if question.semantics != "real":
        executable(network, question.semantics)  # a weight that is no number of the format
    flaw: UserError | None = None
    for sample in samples:
        try:
            sample_query(network, points, question, sample)
        except UserError as error:
            flaw = flaw or UserError(f"no sample has a ball to ask about; {error}")
        else:
            return
    raise flaw or UserError("no samples")


def _require_same_files(files: RunFolder, network: Network, points: Points) -> None:
    """Returns if the folder holds this network and these data, from which the run is replayed and
    its workers begin; RefusedError if not."""
    for name, found, due in (
        (NETWORK, files.network().digest, network.digest),
        (DATA, files.points().digest, points.digest),
    ):
        if found != due:
            kind = name.split(".")[0]
            raise RefusedError(
                f"{kind} altered", f"{files.path / name} is {found}, the run is about {due}"
            )


def _described(dataset: Dataset) -> dict[str, Any]:
    """Display facts that the data file does not hold."""
    facts: dict[str, Any] = {
        "data": dataset.name,
        "label_names": list(dataset.label_names),
        "size": dataset.size,
    }
    if dataset.image_shape is not None:
        facts["image_shape"] = list(dataset.image_shape)
    if dataset.pixel_range is not None:
        facts["pixel_range"] = list(map(format_rational, dataset.pixel_range))
    if dataset.feature_names is not None:
        facts["feature_names"] = list(dataset.feature_names)
    return facts


def _foreign(path: Path) -> bool:
    """Whether the folder holds anything but the beginning of a run."""
    ours = (NETWORK, DATA, DATABASE, CERTIFICATES)
    return any(not entry.name.startswith((".", *ours)) for entry in path.iterdir())


def _free(path: Path) -> Path:
    number, found = 1, path
    while found.exists():
        number += 1
        found = path.with_name(f"{path.name}-{number}")
    return found


@dataclass(frozen=True, slots=True)
class Progress:
    """How a run stands while it is worked on; `counts` include what earlier sessions found."""

    total: int
    counts: dict[State, int]
    underway: int
    worst: Fraction | None
    seconds: float
    finished_now: int


def continue_run(
    run: Run,
    *,
    jobs: int = 0,
    cluster: str | None = None,
    retry: Sequence[State] = (),
    budget_seconds: float | None = None,
    memory: int | None = None,
    hard_limit: float | None = None,
    seal: bool = True,
    replay: bool = True,
    proved: bool = False,
    replayed: Callable[[int, int], None] = lambda done, total: None,
    observe: Callable[[Progress], None] = lambda progress: None,
    answered: Callable[[Mapping[int, Checked]], None] = lambda shown: None,
) -> Summary:
    """Works on all samples that are open or to be retried, then seals; how the run stands then.

    jobs: worker processes, 0 for none: all in this process. cluster: a Dask scheduler, or
    "local:N". budget_seconds: for this session; what has begun then may take as long again, 30
    seconds at most. memory: bytes for each worker. hard_limit: seconds after which a worker without
    an answer is killed; by default twice the time-out and five minutes. The answers do not depend
    on any of these, time-outs aside.

    At its end the kernel replays some of what this session answered, in a tenth of the time that it
    took, and the proved kernel, if `proved`, all that was checked in this call, see `by_kernel.py`;
    if that was every certificate, the manifest says so.

    What earlier sessions have answered is replayed first, outside of the budget; with `replay`
    false it is not, and the summary counts it as recorded alone. `replayed` is called with how many
    of how many are done, `answered` with what was checked, as soon as it is stored. Raises
    RefusedError, naming the flaw, if one of them does not hold.
    """
    started, folder = monotonic(), run.folder
    if proved:
        require_real(run.job.question, "the proved kernel")
        find_program()
    with folder.lock():
        waiting, held = _standing(run, retry)
        shown: dict[int, Checked] = {}
        if replay:
            shown = _replayed(run, held, max(1, jobs), replayed)
            answered(shown)
        kernel, hosts = KernelShare(0, 0, 0), list[int]()
        if waiting:
            deadline = None if budget_seconds is None else monotonic() + budget_seconds
            backend_of = _backend_of(run, len(waiting), jobs, cluster, memory, hard_limit)
            host, worked, kernel = _session(run, waiting, deadline, backend_of, observe, answered)
            hosts, shown = [host], shown | worked
        by_proved: dict[int, Checked] = {}
        is_new = False
        if proved:
            by_proved, is_new = _by_proved(run, shown, jobs, hosts)
        if waiting or is_new or (seal and not folder.sealed):
            _settle(run, seal or folder.sealed)
        summary = summarize(run.place, run.points.size, shown, monotonic() - started)
    return replace(summary, kernel=kernel, by_proved=by_proved)


def _standing(run: Run, retry: Sequence[State]) -> tuple[list[int], list[SampleRow]]:
    """The samples that are to be worked on, and what the database says of those with an answer."""
    with Store(run.place.database, read_only=True) as store:
        number = run.place.row(store).id
        waiting = store.pending(number, ("open", *retry))
        if "undecided" in retry:
            waiting = sorted({*waiting, *store.unsettled(number)})
        return waiting, store.samples(number, ANSWERED)


def _replayed(
    run: Run, held: Sequence[SampleRow], jobs: int, replayed: Callable[[int, int], None]
) -> dict[int, Checked]:
    """What the checker accepts of the answers that are held: all; raises RefusedError if not."""
    taken_over = [result_of(row, run.job.question) for row in held]
    shown = check_run(
        run.folder, run.network, run.points, run.job.question, taken_over, jobs,
        lambda done: replayed(done, len(taken_over)),
    ).require()  # fmt: skip
    require_ends(held, shown, str(run.place.database))
    return shown


def _session(
    run: Run,
    waiting: Sequence[int],
    deadline: float | None,
    backend_of: Callable[[Callable[[], None]], Backend],
    observe: Callable[[Progress], None],
    answered: Callable[[Mapping[int, Checked]], None],
) -> tuple[int, dict[int, Checked], KernelShare]:
    """The number of this session in the database; what was checked of the samples that were
    waiting, as far as the work came, and is stored; and what of it the kernel has replayed too."""
    begun = monotonic()
    run.folder.unseal()
    with Store(run.place.database) as store:
        host, worked = _work(run, store, waiting, deadline, backend_of, observe, answered)
        kept = store.certificates(run.place.row(store).id)
        kernel = _by_kernel(run, store, worked, SHARE * (monotonic() - begun))
        store.note_kernel(host, "kernel", kernel.facts)
    # an interval that is less close than one from before is not stored
    return host, {k: one for k, one in worked.items() if one.certificate in kept}, kernel


def _settle(run: Run, seal: bool) -> None:
    """The database is one file that changes no more, and the run is sealed, if `seal`."""
    run.folder.unseal()
    with Store(run.place.database) as store:
        if seal:
            seal_run(run.place, store)
        else:
            store.settle(shared=run.place.shared)


def _held(run: Run, store: Store, shown: Mapping[int, Checked]) -> dict[int, Checked]:
    """What was checked of the answers that are stored."""
    row = run.place.row(store)
    return shown_of(row, store.samples(row.id), shown)


def _by_proved(
    run: Run, shown: Mapping[int, Checked], jobs: int, hosts: Sequence[int]
) -> tuple[dict[int, Checked], bool]:
    """What the proved kernel has accepted of the answers that are stored, noted beside the session
    `hosts`, if there was one; and whether something was noted of it."""
    place, question = run.place, run.job.question
    with Store(place.database, read_only=True) as store:
        held = _held(run, store, shown)
        found = replay_all(run.folder, run.network, run.points, question, held, max(1, jobs))
        newly = _newly_proved(run, store, found)
    if newly is None and not hosts:
        return found, False
    with Store(place.database) as store:
        for host in hosts:
            count = KernelShare(len(found), len(found), 0)
            store.note_kernel(host, "proved kernel", count.facts)
        if newly is not None:
            store.note_about(place.row(store).id, REPLAYED, newly)
    return found, True


def _newly_proved(run: Run, store: Store, by_proved: Mapping[int, Checked]) -> str | None:
    """What to note if the proved kernel has replayed all certificates; None if it has not, or if
    that is noted."""
    plain, row = plain_manifest(store, run.place, run.points.size), run.place.row(store)
    due = {result.sample: result.certificate for result in plain.results if result.certificate}
    found = {sample: one.certificate for sample, one in by_proved.items()}
    noted = not due or found != due or replayed_by_proved(row.about, plain)
    return None if noted else plain.root


def _by_kernel(
    run: Run, store: Store, worked: Mapping[int, Checked], seconds: float
) -> KernelShare:
    """What the kernel replays of the answers of this session, drawn by the root of the manifest."""
    held = _held(run, store, worked)
    seed = int(manifest_of(store, run.place, run.points.size).root[:8], 16)
    question = run.job.question
    return replay_some(run.folder, run.network, run.points, question, held, seconds, seed)


def _backend_of(
    run: Run,
    count: int,
    jobs: int,
    cluster: str | None,
    memory: int | None,
    hard_limit: float | None,
) -> Callable[[Callable[[], None]], Backend]:
    timeout = run.job.options.timeout
    if hard_limit is None and timeout is not None:
        hard_limit = 2 * timeout + _GRACE
    context = Context(run.network, run.points, run.job)
    if cluster is not None:
        from verifier.runs.cluster import Cluster

        checkers = suggested_jobs(run.network, count) or 1
        return lambda tick: Cluster(context, cluster, run.folder, checkers, hard_limit)
    if jobs <= 0:
        return lambda tick: InProcess(context, tick)
    from verifier.runs.processes import Processes

    return lambda tick: Processes(run.folder.path, context, min(jobs, count), hard_limit, memory)


def _work(
    run: Run,
    store: Store,
    waiting: Sequence[int],
    deadline: float | None,
    backend_of: Callable[[Callable[[], None]], Backend],
    observe: Callable[[Progress], None],
    answered: Callable[[Mapping[int, Checked]], None],
) -> tuple[int, dict[int, Checked]]:
    """The number of this session in the database, and what was checked of the samples that were
    waiting, as far as the work came."""
    started = monotonic()
    row = run.place.row(store)
    if row.root is not None:
        store.set_root(row.id, None)
    store.set_options(row.id, options_text(run.job.options))
    host = store.add_host(row.id, datetime.now(UTC).isoformat(), host_facts())
    counts = dict(row.counts)
    before: dict[int, State] = dict.fromkeys(waiting, "open")
    for old in store.samples(row.id, ("undecided", "failed", "measured")):
        if old.sample in before:
            before[old.sample] = old.state
    worst: Fraction | None = None
    done = 0
    shown: dict[int, Checked] = {}

    def finished(records: Sequence[Record]) -> None:
        nonlocal worst, done
        for record in records:
            if record.state in ANSWERED:
                if not isinstance(record.checked, Checked):
                    raise RuntimeError(f"sample {record.sample}: recorded before it was checked")
                shown[record.sample] = record.checked
        run.folder.write_certificates(records)
        store.record(row.id, host, records)
        answered({r.sample: shown[r.sample] for r in records if r.sample in shown})
        for record in records:
            done += 1
            counts[before[record.sample]] -= 1
            counts[record.state] += 1
            if record.lower_bound is not None:
                bound = parse_rational(record.lower_bound)
                worst = bound if worst is None else min(worst, bound)

    def tick() -> None:
        observe(
            Progress(row.samples, counts, backend.underway(), worst, monotonic() - started, done)
        )

    backend = backend_of(tick)
    executor = Executor(
        backend,
        finished,
        lambda record: store.attempt(row.id, host, record),
        tick,
        first_size=max(1, min(256, run.network.variables // _PREPARED)),
        largest_size=LARGEST_CHUNK,
        deadline=deadline,
        grace=0.0 if deadline is None else min(_ENDING, max(0.0, deadline - monotonic())),
    )
    if run.job.question.measured is not None:  # many balls each: written as soon as it is found
        executor.first_size = executor.largest_size = 1
    tick()
    executor.run(waiting)
    return host, shown


def suggested_jobs(network: Network, samples: int, *, limited: bool = False) -> int:
    """Worker processes that pay for so many samples: one a core, none for small work.

    Work that is `limited` in time or memory is done by workers, which alone can be ended.
    """
    small = network.variables * samples < _SMALL or cores() == 1
    return 0 if small and not limited else min(cores(), samples)


def plain_manifest(store: Store, place: Place, size: int) -> Manifest:
    """What the run claims by now, without the ways that were taken; what is open or failed is
    undecided."""
    row = place.row(store)
    asked = question_from(row.question)
    results = tuple(result_of(one, asked) for one in store.samples(row.id))
    return Manifest(row.network, row.data, size, asked, results)


def manifest_of(store: Store, place: Place, size: int) -> Manifest:
    """What the run claims by now, and by which ways."""
    plain, about = plain_manifest(store, place, size), place.row(store).about
    theorem, proved = theorem_of(about), replayed_by_proved(about, plain)
    return replace(plain, theorem=theorem, proved=proved)


def seal_run(place: Place, store: Store) -> Manifest:
    """Writes manifest and seal of the run as it stands; the same results give the same manifest."""
    manifest = manifest_of(store, place, place.folder.points().size)
    place.folder.unseal()
    store.set_root(place.row(store).id, manifest.root)
    store.settle(shared=place.shared)
    place.folder.seal(manifest)
    return manifest


def host_facts() -> dict[str, Any]:
    """Facts about this machine and its programs, which no result depends on."""
    versions = {"python": platform.python_version()}
    for package in ("robmem", "numpy", "scipy", "highspy", "python-flint"):
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            versions[package] = "none"
    return {
        "host": platform.node(),
        "system": platform.platform(),
        "cores": os.cpu_count(),
        "versions": versions,
    }


def certify(
    dataset: Dataset,
    network: Network | Promising,
    question: Question | None = None,
    folder: Path | str | None = None,
    *,
    samples: Sequence[int] | None = None,
    options: Options = Options(),
    jobs: int = 0,
) -> Summary:
    """Every ball is answered, as far as the search can, every answer checked, stored and sealed.

    See `begin` and `continue_run`, of which this is the short form.
    """
    run = begin(dataset, network, question, folder, samples=samples, options=options)
    return continue_run(run, jobs=jobs)

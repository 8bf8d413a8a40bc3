"""Commands that ask the same of every sample of a data set: in one call, or as a run in a folder.

Both ways print one table at their end, and the same table of what there is where they are stopped.
"""

from __future__ import annotations

import functools
import json
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import click

from verifier.cli.networks import network_options
from verifier.cli.options import Command, columns, table, table_options
from verifier.cli.samples import About, limit_options, read_asked, sample_options
from verifier.question.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence, Sized

    from verifier.checker.checked import Checked
    from verifier.checker.manifest import Question
    from verifier.cli.samples import Asked
    from verifier.cli.working import Stored
    from verifier.data.layout import Layout
    from verifier.evidence.data_file import Points
    from verifier.formats.parts import Parts
    from verifier.question.network import Network
    from verifier.runs.folder import RunFolder
    from verifier.runs.run import Run
    from verifier.runs.store import SampleRow
    from verifier.search.options import Options
    from verifier.tasks.flips import Hint

_SHOWN = 40  # rows of a table

Entry = TypeVar("Entry")


@dataclass(frozen=True, slots=True)
class Given:
    """What each of these commands is given; of a command that is never a run `stored` is None."""

    net: str
    about: About
    layout: Layout
    parts: Parts
    options: Options
    stored: Stored | None
    quiet: bool
    as_json: bool

    def read(self, semantics: str = "real") -> Asked:
        """The network, the data and the samples; raises UserError where they do not fit."""
        return read_asked(self.net, self.parts, self.about, self.layout, semantics)

    def print(self, facts: dict[str, Any], text: str) -> None:
        print(json.dumps(facts) if self.as_json else text, flush=True)

    @contextmanager
    def looking(
        self, what: str, found: Sized, due: int, shown: Callable[[], object], kept: str
    ) -> Iterator[Callable[[int], None]]:
        """A function that shows how many of `due` samples are done; what is `found` is `shown` when
        somebody stops this, with what is `kept` of it."""
        from verifier.cli.progress import counted

        try:
            with counted(due, quiet=self.quiet, what=what) as show:
                yield show
        except KeyboardInterrupt:
            shown()
            print(f"stopped after {len(found)} of {due} samples{kept}", file=sys.stderr)
            raise


def sampled(stored: Callable[[Command], Command] | None = None) -> Callable[[Command], Command]:
    """A decorator that gives a command the network, the samples and all that each of these commands
    takes as one argument, `given`; with `stored`, the options of a run among it."""

    def decorate(command: Command) -> Command:
        @functools.wraps(command)
        def with_given(
            net: str, about: About, layout: Layout, parts: Parts, options: Options, quiet: bool,
            as_json: bool, stored: Stored | None = None, **own: Any,
        ) -> Any:  # fmt: skip
            given = Given(net, about, layout, parts, options, stored, quiet, as_json)
            return command(given, **own)

        wrapped: Command = with_given
        for option in reversed([*_SAMPLES, *([] if stored is None else [stored]), *_PRINTED]):
            wrapped = option(wrapped)
        return wrapped

    return decorate


_SAMPLES: list[Callable[[Command], Command]] = [
    click.argument("net", metavar="NET"),
    sample_options,
    network_options,
    table_options,
    limit_options,
]
_PRINTED: list[Callable[[Command], Command]] = [
    click.option("--quiet", is_flag=True, help="Show no progress."),
    click.option("--json", "as_json", is_flag=True, help="Print one JSON object."),
]
proofs_option = click.option(
    "--proofs", type=click.Path(file_okay=False), help="A folder for the evidence."
)
"""Of commands that may write their evidence as files."""


def is_run(stored: Stored | None, proofs: str | None = None) -> bool:
    """Whether a run is asked for; raises UserError for what does not go with it."""
    if stored is None or not stored.require_run():
        return False
    if proofs is not None:
        raise UserError("--proofs is for a command without --out: a run stores its evidence itself")
    return True


def begun(
    given: Given,
    stored: Stored,
    asked: Asked,
    question: Question,
    options: Options,
    kind: str,
    hints: Mapping[int, Sequence[Hint]] | None = None,
) -> Run:
    """The run about the samples that were read, in the folder that is asked for; by default named
    after network and `kind`. Options are looked at before a folder is made."""
    from verifier.cli.working import memory_bytes
    from verifier.data.load import source_files as data_files
    from verifier.formats.load import source_files as network_files
    from verifier.runs.run import begin
    from verifier.runs.sources import read_sources

    if stored.memory is not None:
        memory_bytes(stored.memory)
    file = Path(given.net).name
    facts: dict[str, Any] = {"network_file": file}
    if asked.notes:
        facts["notes"] = "; ".join(asked.notes)
    files = network_files(given.net, given.parts.outputs, given.parts.shapes)
    sources = read_sources("network", files)
    sources += read_sources("data", data_files(given.about.spec))
    return begin(
        asked.dataset,
        asked.network,
        question,
        stored.out,
        samples=asked.samples,
        options=options,
        about=facts | {"sources": [source.facts for source in sources]},
        name=f"{file.split('.')[0]}-{kind}",
        store=stored.store,
        new=stored.new,
        change_limits=bool(stored.retry),
        hints=hints,
    )


@dataclass(frozen=True, slots=True)
class Listing(Generic[Entry]):
    """How a run of `kind` is told.

    `entries` of what was checked, given folder, network, points, question, the rows of the database
    and what was checked, by sample; `facts` of the samples that were asked about, of entries, of
    the seconds and of how many samples the run has; the `text` of both; and what else is to be done
    with entries, as `keep`.
    """

    kind: str
    entries: Callable[
        [RunFolder, Network, Points, Question, Mapping[int, SampleRow], Mapping[int, Checked]],
        list[Entry],
    ]
    facts: Callable[[Asked, list[Entry], float, int], dict[str, Any]]
    text: Callable[[dict[str, Any], list[Entry]], str]
    keep: Callable[[list[Entry]], None] = field(default=lambda found: None)


def as_run(
    given: Given,
    asked: Asked,
    question: Question,
    listing: Listing[Entry],
    options: Options | None = None,
    hints: Mapping[int, Sequence[Hint]] | None = None,
) -> dict[str, Any]:
    """Begins the run or continues it, prints what of it was checked, also where it is interrupted,
    and returns the facts."""
    from verifier.cli.working import work_on
    from verifier.runs.records import ANSWERED
    from verifier.runs.store import Store

    started, stored = monotonic(), given.stored
    if stored is None:
        raise UserError("this command is no run")
    run = begun(given, stored, asked, question, options or given.options, listing.kind, hints)
    shown: dict[int, Checked] = {}

    def told(by_proved: int) -> dict[str, Any]:
        with Store(run.place.database, read_only=True) as store:
            rows = {row.sample: row for row in store.samples(run.place.row(store).id)}
        recorded = sum(row.state in ANSWERED and k not in shown for k, row in rows.items())
        found = listing.entries(run.folder, run.network, run.points, question, rows, shown)
        facts = listing.facts(asked, found, monotonic() - started, run.samples)
        facts = _of_run(facts, run, len(found), recorded) | {"proved_kernel": by_proved}
        listing.keep(found)
        given.print(facts, listing.text(facts, found))
        return facts

    try:
        summary = work_on(
            run, stored, timeout=given.options.timeout, quiet=given.quiet, as_json=given.as_json,
            answered=shown.update,
        )  # fmt: skip
    except KeyboardInterrupt:
        told(0)
        raise
    shown = dict(summary.shown)
    return told(len(summary.by_proved))


def _of_run(facts: dict[str, Any], run: Run, found: int, recorded: int) -> dict[str, Any]:
    """The facts about the `found` samples that were looked at in this call, made those of the run,
    of which `recorded` answers more were not replayed."""
    claim = facts["claim"]
    if recorded:
        claim += f"; {recorded} of {run.samples} recorded, not replayed here"
    return facts | {
        "claim": claim,
        "samples": run.samples,
        "undecided": facts["undecided"] + run.samples - found - recorded,
        "recorded": recorded,
        "folder": str(run.folder.path),
    }


def about_facts(asked: Asked) -> dict[str, Any]:
    """What was asked about, in texts."""
    return {
        "network": asked.network.digest,
        "data": asked.points.digest,
        "decoder": asked.decoder,
        "notes": list(asked.notes),
        "labels": list(asked.points.label_names),
    }


def run_rows(facts: Mapping[str, Any]) -> list[tuple[str, object]]:
    """Where a run is and what of it was not replayed, as rows for people; none of no run."""
    if "folder" not in facts:
        return []
    rows: list[tuple[str, object]] = [("folder", facts["folder"])]
    if facts["recorded"]:
        rows.append(("recorded", f"{facts['recorded']}, not replayed here"))
    return rows


def evidence_row(facts: Mapping[str, Any]) -> tuple[str, str]:
    """How much evidence there is, and who has replayed it."""
    from verifier.question.printable import size_text

    count = facts.get("proved_kernel", 0)
    by_proved = f", of {count} samples by the proved kernel too" if count else ""
    checked = f"checked{by_proved}" if facts["checked"] else "none replayed here"
    return "evidence", f"{size_text(facts['proof_bytes'])}, {checked}"


def first_rows(rows: Sequence[Sequence[object]], elsewhere: str = "--json") -> str:
    """The first rows below their head in columns, and how many more there are elsewhere."""
    more = len(rows) - 1 - _SHOWN
    cut = f"\nand {more} more rows ({elsewhere})" if more > 0 else ""
    return columns(rows[: _SHOWN + 1]) + cut


def listed(
    rows: Sequence[Sequence[object]],
    summary: Sequence[tuple[str, object]],
    elsewhere: str = "--json",
) -> str:
    """A row a sample, and below them what holds of all."""
    return f"{first_rows(rows, elsewhere)}\n\n{table(summary)}"

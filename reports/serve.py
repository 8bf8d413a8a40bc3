"""A folder of runs to browse, on this machine alone and read only.

    /                            the runs
    /run/NAME                    a run: its claim, and its samples, filtered and sorted
    /run/NAME/report             its report
    /run/NAME/tables/KEY.csv     a table of the report, whole
    /run/NAME/samples.csv        its samples as a table, as `robmem runs export --csv` writes it
    /run/NAME/sample/NUMBER      a sample: verdict, proof as a tree, flip
    /run/NAME/sample/NUMBER/evidence   the text of its certificate

Every name in an address is looked up among the runs that are there, every number must be a sample
of the run, every choice is one of a list; anything else is answered by 404. No file is ever opened
by a name from an address. Only GET and HEAD are known, and only requests that were sent to this
very machine by name (`Host`), so that no page of others can read through the browser.
"""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

from reports.claims import NORMS, STATE_TONES
from reports.document import Cards, Document, Notice, Section
from reports.html import environment, html
from reports.numbers import Hash
from reports.proof_tree import proof_section
from reports.run_report import run_report
from reports.samples import card
from reports.stored_run import StoredRun, read_run
from reports.write import csv_text as table_text
from verifier.checker.manifest import Kind, Question, claim_text, question_of
from verifier.evidence.certificate import Robust, parse_certificate
from verifier.question.errors import RefusedError, UserError
from verifier.question.rational import parse_rational
from verifier.question.shown import brief
from verifier.runs.export import csv_text, exported
from verifier.runs.folder import DATA, NETWORK
from verifier.runs.identity import question_from
from verifier.runs.place import Place, Refusal, all_runs
from verifier.runs.records import ANSWERED, STATES, State
from verifier.runs.store import RunRow, SampleRow, Store

PAGE = 100
_LONGEST = 2000  # characters of an address
_KEPT = 4  # runs read whole
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; "
    "script-src 'unsafe-inline'; img-src data:; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
_SORTS: dict[str, Any] = {
    "sample": lambda row: row.sample,
    "verdict": lambda row: (STATES.index(row.state), row.sample),
    "nodes": lambda row: (row.nodes, row.sample),
    "proof": lambda row: (row.text_bytes, row.sample),
    "seconds": lambda row: (row.bounds_seconds + row.search_seconds + row.check_seconds,
                            row.sample),
}  # fmt: skip
_SORTED_BY_END: dict[str, Any] = {  # of runs about distances or margins
    "at least": lambda row: (_end(row.lower), row.sample),
    "at most": lambda row: (_end(row.upper), row.sample),
}
_RUN_SORTS: dict[str, Any] = {
    "name": lambda item: item.name,
    "data": lambda item: (item.data, item.name),
    "samples": lambda item: (item.samples, item.name),
    "misread": lambda item: (item.counts["misread"], item.name),
    "flips": lambda item: (item.counts["flip"], item.name),
}


def _end(text: str | None) -> tuple[bool, Fraction]:
    """The end of an interval, those that are not there behind all others."""
    return text is None, Fraction(0) if text is None else parse_rational(text)


class NotFound(Exception):
    """The address names nothing that is there."""


@dataclass(frozen=True, slots=True)
class Heading:
    """A column of a table, and the address that sorts by it; `order` if it is sorted so."""

    text: str
    link: str | None = None
    order: str | None = None
    number: bool = False


@dataclass(frozen=True, slots=True)
class Listed:
    """A run of the list."""

    name: str
    address: str
    data: str
    network: str
    question: str
    samples: int
    counts: Mapping[State, int]
    sealed: bool
    missing: str


class Site:
    """The pages of the runs in the folder `root`; safe to be asked from several threads."""

    def __init__(self, root: Path, image_shape: tuple[int, int] | None = None) -> None:
        """`image_shape` says how samples are shown, where the data do not.

        Raises UserError if there is no such folder or no run in it.
        """
        self.root, self.image_shape = root, image_shape
        self._lock = threading.Lock()
        self._refused: list[Refusal] = []
        self._read: OrderedDict[tuple[str, str | None, str], StoredRun] = OrderedDict()
        if not self._runs():
            for _, error in self._refused:
                raise error
            raise UserError(f"{root}: no run is stored there")

    def page(self, address: str) -> str:
        """The page at the address; raises NotFound, and UserError for runs that cannot be read."""
        if len(address) > _LONGEST:
            raise NotFound
        parts = urlsplit(address)
        try:
            asked = {
                key: values[-1] for key, values in parse_qs(parts.query, max_num_fields=20).items()
            }
            steps = [unquote(step, errors="strict") for step in parts.path.split("/")[1:]]
        except ValueError:
            raise NotFound from None
        if asked.get("order", "") not in ("", "down"):
            raise NotFound
        with self._lock:  # matplotlib draws in one thread at a time
            match steps:
                case [""]:
                    return self._list(asked)
                case ["run", name]:
                    return self._run(name, asked)
                case ["run", name, "report"]:
                    return self._report(name)
                case ["run", name, "sample", number]:
                    return self._sample(name, number)
        raise NotFound

    def file(self, address: str) -> tuple[str, bytes] | None:
        """The type and content of what is no page: a table, or the text of a certificate; None at
        the address of a page. Raises as `page`."""
        try:
            steps = [unquote(step, errors="strict") for step in address.split("/")[1:]]
        except ValueError:
            raise NotFound from None
        match steps:
            case ["run", name, "tables", file]:
                with self._lock:
                    return self._table(name, file)
            case ["run", name, "samples.csv"]:
                place, row = self._place(name)
                with Store(place.database, read_only=True) as store:
                    rows = exported(place.folder, row, store.samples(row.id))
                return "text/csv; charset=utf-8", csv_text(rows).encode()
            case ["run", name, "sample", number, "evidence"]:
                place, row = self._place(name)
                chosen = _number(number, 0, 10**9)
                with Store(place.database, read_only=True) as store:
                    kept = {s.sample: s.certificate for s in store.samples(row.id, ANSWERED)}
                if kept.get(chosen) is None:
                    raise NotFound
                return "text/plain; charset=utf-8", place.folder.fetch(kept[chosen] or "")
        return None

    def _table(self, name: str, file: str) -> tuple[str, bytes]:
        """A table of the report of the run, looked up among those that are there."""
        for table in run_report(self._stored(name)).tables():
            if f"{table.key}.csv" == file:
                return "text/csv; charset=utf-8", table_text(table).encode()
        raise NotFound

    def _runs(self) -> dict[str, tuple[Place, RunRow]]:
        found: dict[str, tuple[Place, RunRow]] = {}
        self._refused = []
        for place, row in all_runs(self.root, self._refused):
            try:
                question_from(row.question)
            except UserError as error:
                self._refused.append((place.database, error))
                continue
            name, number = place.name, 1
            while name in found:
                number += 1
                name = f"{place.name}~{number}"
            found[name] = place, row
        return found

    def _place(self, name: str) -> tuple[Place, RunRow]:
        runs = self._runs()
        if name not in runs:
            raise NotFound
        return runs[name]

    def _stored(self, name: str) -> StoredRun:
        """The run, read once for as long as nothing changes."""
        place, row = self._place(name)
        key = (name, row.root, repr(sorted(row.counts.items())))
        if key not in self._read:
            shape = self.image_shape
            if shape is not None and shape[0] * shape[1] != place.folder.points().dimension:
                shape = None  # of another run's data
            self._read[key] = read_run(place, replay=False, image_shape=shape)
        self._read.move_to_end(key)
        while len(self._read) > _KEPT:
            self._read.popitem(last=False)
        return self._read[key]

    def _list(self, asked: Mapping[str, str]) -> str:
        listed = []
        for name, (place, row) in self._runs().items():
            about = row.about
            listed.append(
                Listed(
                    name, address(name), str(about.get("data", "")),
                    str(about.get("construction") or about.get("network_file") or ""),
                    str(question_from(row.question)), row.samples, row.counts,
                    row.root is not None, _missing(place),
                )
            )  # fmt: skip
        words = asked.get("words", "")[:200]
        chosen = [
            run for run in listed
            if all(word in f"{run.name} {run.data} {run.network} {run.question}".lower()
                   for word in words.lower().split())
        ]  # fmt: skip
        sort = _one_of(asked.get("sort"), _RUN_SORTS)
        chosen.sort(key=_RUN_SORTS[sort], reverse=asked.get("order") == "down")
        document = Document(
            "Runs", f"{len(chosen)} of {len(listed)} in {self.root.absolute().name}", "", "plain",
            tuple(Notice(f"Not shown: {error}", "bad") for _, error in self._refused), (),
        )  # fmt: skip
        return environment().get_template("runs.html.j2").render(
            document=document, runs=chosen, words=words, sort=sort, sorts=list(_RUN_SORTS),
            order=asked.get("order"), tones=STATE_TONES,
            headings=_headings(_RUN_COLUMNS, {"words": words}, sort, asked.get("order", "")),
        )  # fmt: skip

    def _run(self, name: str, asked: Mapping[str, str]) -> str:
        place, row = self._place(name)
        points = place.folder.points()
        with Store(place.database, read_only=True) as store:
            samples = store.samples(row.id)
        if samples and samples[-1].sample >= points.size:
            raise RefusedError("database differs", f"{name}: samples beyond the data")
        names = points.label_names
        state = asked.get("state", "")
        label = asked.get("label", "")
        if state and state not in STATES:
            raise NotFound
        if label and label not in names:
            raise NotFound
        chosen = [
            sample for sample in samples
            if (not state or sample.state == state)
            and (not label or names[int(points.labels[sample.sample])] == label)
        ]  # fmt: skip
        question = question_from(row.question)
        sorts = _SORTS if question.measured is None else _SORTS | _SORTED_BY_END
        sort = _one_of(asked.get("sort"), sorts)
        chosen.sort(key=sorts[sort], reverse=asked.get("order") == "down")
        pages = max(1, -(-len(chosen) // PAGE))
        page = _number(asked.get("page", "1"), 1, pages)
        begin = (page - 1) * PAGE
        part = chosen[begin : begin + PAGE]
        kept = {"state": state, "label": label, "sort": sort, "order": asked.get("order", "")}
        links = {
            shift: "?" + "&".join(f"{k}={quote(v)}" for k, v in
                                  {**kept, "page": str(page + shift)}.items() if v)
            for shift in (-1, 1)
            if 1 <= page + shift <= pages
        }  # fmt: skip
        recorded = sum(row.counts[state] for state in ANSWERED)  # pages of a browser replay nothing
        counts: dict[Kind, int] = {
            "robust": 0,
            "flip": 0,
            "undecided": row.samples - recorded,
        }
        said = claim_text(question_from(row.question), points.size, counts, recorded)
        left = row.counts.get("open", 0)
        found = (Notice(f"This run is not finished: {left} samples were not reached."),)
        about = row.about
        document = Document(
            name,
            f"{about.get('data', '')}: {about.get('construction') or about.get('network_file')}, "
            f"{question_from(row.question)}",
            f"{said[0].upper()}{said[1:]}.",
            "plain", found if left else (), (),
        )  # fmt: skip
        return environment().get_template("run.html.j2").render(
            document=document, run=name, address=address(name), counts=row.counts,
            total=row.samples, states=STATES, tones=STATE_TONES, label_names=names, kept=kept,
            sorts=list(sorts), samples=[_listed(sample, names, points) for sample in part],
            reasons=any(sample.reason for sample in part), matching=len(chosen), page=page,
            pages=pages, links=links, root=row.root, measured=question.measured is not None,
            headings=_headings(
                _columns(question.measured is not None, any(one.reason for one in part)), kept,
                sort, kept["order"],
            ),
        )  # fmt: skip

    def _report(self, name: str) -> str:
        return html(run_report(self._stored(name)))

    def _sample(self, name: str, number: str) -> str:
        place, row = self._place(name)
        with Store(place.database, read_only=True) as store:
            rows = {sample.sample: sample for sample in store.samples(row.id)}
        sample = _number(number, 0, 10**9)
        if sample not in rows:
            raise NotFound
        question = question_from(row.question)
        if question.measured is not None:
            return self._interval(name, question, rows, sample)
        run = self._stored(name)
        shown = card(run, next(row for row in run.samples if row.sample == sample))
        sections = [Section("sample", "Sample", (Cards((shown,)),))]
        problems: list[Notice] = []
        if rows[sample].state == "robust":
            try:
                text = run.folder.fetch(rows[sample].certificate or "")
                verdict = parse_certificate(text, run.network.digest)
            except RefusedError as error:
                problems.append(Notice(f"The certificate cannot be shown: {error.flaw}.", "bad"))
            else:
                if isinstance(verdict, Robust):
                    sections.append(proof_section(verdict, _rivals(run, sample)))
        document = Document(
            f"Sample {sample}",
            f"{run.data_name}, label {run.label(sample)}; {NORMS[run.question.norm]} ball",
            "", "plain", tuple(problems), tuple(sections),
        )  # fmt: skip
        return _sample_page(document, name, rows, sample)

    def _interval(
        self, name: str, question: Question, rows: Mapping[int, SampleRow], sample: int
    ) -> str:
        """A sample of a run about distances or margins: its interval as it is recorded."""
        points = self._place(name)[0].folder.points()
        if sample >= points.size:
            raise RefusedError("database differs", f"{name}: samples beyond the data")
        row = rows[sample]
        said = f"{row.state}; nothing is known of it"
        if row.certificate is not None:
            low, high = (_brief_end(end) or "unknown" for end in (row.lower, row.upper))
            what = f"the {question.measured} is at least {low} and at most {high}"
            if question.measured == "distance" and question.norm == "2":
                what = f"the squared distance is at least {low} and at most {high}"
            rival = "" if row.rival is None else f", to rival {_rival_name(row.rival, points)}"
            said = f"recorded, not replayed here: {what}{rival}"
        label = points.label_names[int(points.labels[sample])]
        document = Document(
            f"Sample {sample}", f"label {label}; {question}", f"Sample {sample}: {said}.", "plain",
            () if row.reason is None else (Notice(f"Not closer: {row.reason}", "warn"),), (),
        )  # fmt: skip
        return _sample_page(document, name, rows, sample)


def _missing(place: Place) -> str:
    """Which files of the run are not there, so that its pages cannot be shown."""
    names = [name for name in (NETWORK, DATA) if not (place.folder.path / name).is_file()]
    return " and ".join(names)


def _sample_page(document: Document, name: str, rows: Mapping[int, SampleRow], sample: int) -> str:
    order = sorted(rows)
    at = order.index(sample)
    around = [order[k] for k in (at - 1, at + 1) if 0 <= k < len(order)]
    return environment().get_template("sample.html.j2").render(
        document=document, run=name, address=address(name), around=around, sample=sample
    )  # fmt: skip


def _rival_name(rival: str, points: Any) -> str:
    known = rival.isdigit() and int(rival) < len(points.label_names)
    return str(points.label_names[int(rival)]) if known else rival


_RUN_COLUMNS = (
    ("run", "name", False), ("data", "data", False), ("network", None, False),
    ("question", None, False), ("samples", "samples", True), ("recorded verdicts", None, False),
    ("robust", None, True), ("measured", None, True), ("misread", "misread", True),
    ("flips", "flips", True), ("sealed", None, False),
)  # fmt: skip
"""The columns of the list: what they are called, what sorts by them, whether they are numbers."""


def _columns(measured: bool, reasons: bool) -> list[tuple[str, str | None, bool]]:
    """The same of the samples of a run; an interval has two ends."""
    ends = [("at least", "at least", True), ("at most", "at most", True)] if measured else []
    last = [("reason", None, False)] if reasons else []
    return [
        ("sample", "sample", True), ("label", None, False), ("recorded verdict", "verdict", False),
        *ends, ("nodes", "nodes", True), ("proof bytes", "proof", True),
        ("seconds", "seconds", True), ("certificate", None, False), *last,
    ]  # fmt: skip


def _headings(
    columns: Sequence[tuple[str, str | None, bool]], kept: Mapping[str, str], sort: str, order: str
) -> list[Heading]:
    """A heading sorts by its column, and once more the other way; choices are kept."""
    found = []
    for text, by, number in columns:
        if by is None:
            found.append(Heading(text, number=number))
            continue
        down = by == sort and order != "down"
        asked = {**kept, "sort": by, "order": "down" if down else ""}
        link = "?" + "&".join(f"{key}={quote(value)}" for key, value in asked.items() if value)
        shown = None
        if by == sort:
            shown = "descending" if order == "down" else "ascending"
        found.append(Heading(text, link, shown, number))
    return found


def _listed(sample: SampleRow, names: tuple[str, ...], points: Any) -> dict[str, Any]:
    seconds = sample.bounds_seconds + sample.search_seconds + sample.check_seconds
    return {
        "sample": sample.sample,
        "label": names[int(points.labels[sample.sample])],
        "state": sample.state,
        "nodes": sample.nodes,
        "bytes": sample.text_bytes,
        "seconds": seconds,
        "reason": sample.reason,
        "lower": _brief_end(sample.lower),
        "upper": _brief_end(sample.upper),
        "certificate": None if sample.certificate is None else Hash(sample.certificate),
    }


def _brief_end(text: str | None) -> str:
    return "" if text is None else brief(parse_rational(text))


def _rivals(run: StoredRun, sample: int) -> list[str]:
    points = run.folder.points()
    query = question_of(run.network, points, run.question, sample)
    return [
        points.label_names[int(goal.rival)] if goal.rival.isdigit() else goal.rival
        for goal in query.goals
    ]


def address(name: str) -> str:
    """The address of a run."""
    return f"/run/{quote(name, safe='')}"


def _one_of(text: str | None, known: Mapping[str, Any]) -> str:
    if text is None or text == "":
        return next(iter(known))
    if text not in known:
        raise NotFound
    return text


def _number(text: str, least: int, most: int) -> int:
    if not re.fullmatch(r"[0-9]{1,9}", text, flags=re.ASCII) or not least <= int(text) <= most:
        raise NotFound
    return int(text)


class _Handler(BaseHTTPRequestHandler):
    server_version = "robmem"
    sys_version = ""
    site: Site
    timeout = 30

    def do_GET(self) -> None:
        self._answer(body=True)

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def _answer(self, *, body: bool) -> None:
        status, kind, content = self._found()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        for name, value in _HEADERS.items():
            self.send_header(name, value)
        self.end_headers()
        if body:
            self.wfile.write(content)

    def _found(self) -> tuple[HTTPStatus, str, bytes]:
        host = (self.headers.get("Host") or "").rpartition(":")
        name = host[0] if host[1] else host[2]
        if name not in ("127.0.0.1", "localhost"):
            return _as_page(HTTPStatus.FORBIDDEN, _said("Only this machine is answered."))
        try:
            found = self.site.file(self.path)
            if found is not None:
                return HTTPStatus.OK, *found
            return _as_page(HTTPStatus.OK, self.site.page(self.path))
        except NotFound:
            return _as_page(HTTPStatus.NOT_FOUND, _said("Nothing is there."))
        except UserError as error:
            return _as_page(HTTPStatus.INTERNAL_SERVER_ERROR, _said(str(error)))

    def log_message(self, format: str, *arguments: Any) -> None:
        """Says nothing: addresses stand on the terminal of whoever browses."""


def _as_page(status: HTTPStatus, text: str) -> tuple[HTTPStatus, str, bytes]:
    return status, "text/html; charset=utf-8", text.encode("utf-8")


def _said(text: str) -> str:
    document = Document("robmem", "", text, "warn", (), ())
    return environment().get_template("said.html.j2").render(document=document)


def server(
    root: Path, port: int = 0, image_shape: tuple[int, int] | None = None
) -> ThreadingHTTPServer:
    """A server of the runs in `root` at 127.0.0.1; `serve_forever` starts it. Samples are shown as
    images of this shape where their data do not say.

    Raises UserError if there is no run or the port is taken.
    """
    handler = type("Handler", (_Handler,), {"site": Site(root, image_shape)})
    try:
        made = ThreadingHTTPServer(("127.0.0.1", port), handler)
    except OSError as error:
        raise UserError(f"port {port}: {error.strerror or error}") from None
    made.daemon_threads = True
    return made

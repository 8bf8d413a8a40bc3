"""What is taken from a worker: records of the right shape, and answers that were checked here.

A worker is a process that this one has started, whose own check counts, or a worker of a cluster,
of which nothing is believed: its certificates are replayed by processes of this machine.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

from verifier.checker.checked import Checked, of_local_process
from verifier.checker.manifest import Question, Result, asked_of_run, sample_goals
from verifier.evidence.certificate import Flip, parse_certificate
from verifier.evidence.packed import unpack
from verifier.question.errors import RefusedError, UserError
from verifier.question.rational import parse_rational
from verifier.runs.records import (
    ANSWERED,
    STATES,
    Record,
    Rival,
    end_text,
    interval_state,
    state_of,
)
from verifier.runs.work import Context


@dataclass(frozen=True, slots=True)
class Unbelievable(Exception):
    """The record at `place` of what a worker has handed over is not taken, for this reason."""

    place: int
    reason: str


def shaped(found: object, samples: Sequence[int]) -> list[Record]:
    """The records, one for each of these samples, with certificates that have the hash they name.

    Raises Unbelievable for anything else.
    """
    if not isinstance(found, list) or len(found) != len(samples):
        raise Unbelievable(0, f"not the records of {len(samples)} samples")
    for place, (record, sample) in enumerate(zip(found, samples, strict=True)):
        try:
            _require_shape(record, sample)
        except (RefusedError, UserError) as flaw:
            raise Unbelievable(place, f"sample {sample}: {flaw}") from None
    return found


def _require_shape(record: object, sample: int) -> None:
    if not isinstance(record, Record) or record.sample != sample or record.state not in STATES[1:]:
        raise RefusedError("malformed", "no record of this sample")
    texts = (record.worker, record.rival, record.reason, record.lower_bound, record.lowest_seen)
    if not all(text is None or (isinstance(text, str) and text.isprintable()) for text in texts):
        raise RefusedError("malformed", "a text is none, or not printable")
    for bound in (record.lower_bound, record.lowest_seen, *(record.ends or ())):
        if bound is not None:
            parse_rational(bound)
    for count in (record.nodes, record.text_bytes):
        if type(count) is not int or count < 0:
            raise RefusedError("malformed", "a count is none")
    if not all(isinstance(name, str) and isinstance(value, int | float)
               for name, value in dict(record.seconds).items()):  # fmt: skip
        raise RefusedError("malformed", "seconds are no numbers")
    if not all(isinstance(rival, Rival) and isinstance(rival.rival, str)
               and (rival.lower_bound is None or isinstance(rival.lower_bound, str))
               for rival in tuple(record.rivals)):  # fmt: skip
        raise RefusedError("malformed", "a rival is none")
    if record.state not in ANSWERED:
        if record.certificate is not None or record.digest is not None:
            raise RefusedError("malformed", "a certificate without an answer")
        return
    if not isinstance(record.certificate, bytes):
        raise RefusedError("certificate missing", f"{record.state} without a certificate")
    text = unpack(record.certificate)
    found = hashlib.sha256(text).hexdigest()
    if found != record.digest or record.text_bytes != len(text):
        raise RefusedError("certificate altered", f"its hash is {found}, not {record.digest}")


def result_of(record: Record, question: Question) -> Result:
    """What a record of an answered sample claims."""
    if record.ends is not None and question.measured is not None:
        return Result(record.sample, question.measured, record.digest)
    return Result(record.sample, "robust" if record.state == "robust" else "flip", record.digest)


def admitted(context: Context, records: Sequence[Record]) -> list[Record]:
    """The records of a process that this one has started, with what it has checked.

    Raises Unbelievable where it is not about this network, these data, or what the record says.
    """
    listed = []
    network, points, question = context.network, context.points, context.job.question
    asked = asked_of_run(points.digest, question, [record.sample for record in records])
    for place, (record, about) in enumerate(zip(records, asked, strict=True)):
        if record.state in ANSWERED:
            try:
                shown = of_local_process(record.checked, about, network.digest, record.digest or "")
                record = with_check(context, record, shown)
            except RefusedError as flaw:
                raise Unbelievable(place, f"sample {record.sample}: {flaw}") from None
        listed.append(record)
    return listed


def with_check(context: Context, record: Record, shown: Checked | None) -> Record:
    """The record with what was checked of it, if that is what it says; RefusedError if not."""
    claimed = result_of(record, context.job.question).kind
    if not isinstance(shown, Checked) or shown.verdict != claimed:
        raise RefusedError("another verdict", f"recorded is {record.state}, checked {shown}")
    if shown.facts.ends is not None:
        lower, upper = shown.facts.ends
        ends = end_text(lower), end_text(upper)
        state = interval_state(shown.facts)
        if (record.state, record.ends) != (state, ends):
            said = f"recorded is {record.state}, {record.ends}"
            raise RefusedError("another verdict", f"{said}, it is {state}, {ends}")
    elif shown.verdict == "flip":
        verdict = parse_certificate(unpack(record.certificate or b""), context.network.digest)
        if not isinstance(verdict, Flip):
            raise RefusedError("another verdict", "a flip is claimed, the certificate differs")
        center = context.job.question.center(context.points.point(record.sample))
        state = state_of(verdict, center)
        if state != record.state:
            raise RefusedError("another verdict", f"recorded is {record.state}, it is {state}")
    rival = None
    if shown.facts.goal is not None:
        goals = sample_goals(context.network, context.points, context.job.question, record.sample)
        rival = goals[shown.facts.goal].rival
    return replace(record, checked=shown, rival=rival)


__all__ = ["Unbelievable", "admitted", "result_of", "shaped", "with_check"]

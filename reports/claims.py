"""What a report claims of a run, in sentences, and the commands that ask the same again."""

from __future__ import annotations

import shlex
from collections.abc import Mapping

from reports.document import Notice, Tone
from reports.numbers import Share, counted, grouped, shown, with_decimal
from reports.stored_run import StoredRun
from verifier.data.bundled import BUNDLED
from verifier.question.printable import ranges_text
from verifier.runs.identity import question_text
from verifier.runs.records import ANSWERED, STATES, State

NORMS = {"inf": "L-infinity", "1": "L1", "2": "L2"}
STATE_TONES: dict[str, Tone] = {
    "robust": "good",
    "measured": "good",
    "misread": "bad",
    "flip": "bad",
    "undecided": "warn",
    "failed": "warn",
    "open": "warn",
    "recorded": "warn",
}
ORDER: tuple[State, ...] = (*STATES[1:], STATES[0], "recorded")
UNANSWERED = frozenset(STATES) - frozenset(ANSWERED)
USUAL: tuple[State, ...] = ("robust", "misread", "flip", "undecided")  # shown at any rate
PLURAL = {"robust": "robust", "misread": "misread", "flip": "flips", "undecided": "undecided",
           "failed": "failed", "open": "not reached",
           "recorded": "recorded, not replayed here"}  # fmt: skip


def claim(run: StoredRun) -> str:
    """What was shown, in a sentence with exact numbers."""
    counts, total = run.counts, len(run.samples)
    size = run.dataset.size
    ball = f"perturbation of {NORMS[run.question.norm]} norm at most {with_decimal(run.radius)}"
    if run.question.clip is not None:
        low, high = map(shown, run.question.clip)
        ball += f" within the input range {low} to {high}"
    ball += executed(run)
    of = f"samples of {run.data_name}"
    if total != size:
        of = f"samples asked about, of the {grouped(size)} of {run.data_name},"
    if counts["robust"] == total:
        keeps = "keeps its label" if total == 1 else "keep their label"
        return f"{'The' if total == 1 else 'All'} {grouped(total)} {of} {keeps} for every {ball}."
    robust = grouped(counts["robust"])
    parts = [f"{robust} of {grouped(total)} {of} keep their label for every {ball}"]
    if counts["misread"]:
        parts.append(f"{grouped(counts['misread'])} misread at the sample itself")
    if counts["flip"]:
        parts.append(f"{grouped(counts['flip'])} lose it to one that is shown")
    without = [state for state in ORDER if state in UNANSWERED]
    others = [f"{grouped(counts[s])} {PLURAL[s]}" for s in without if counts[s]]
    left = sum(counts[state] for state in without)
    if counts["recorded"]:
        parts.append(f"{grouped(counts['recorded'])} recorded, not replayed here")
    if left:
        detail = f" ({', '.join(others)})" if others else ""
        parts.append(f"of {grouped(left)} nothing is claimed{detail}")
    return "; ".join(parts) + "."


def accuracy(run: StoredRun) -> dict[str, Share | str]:
    """How many samples are read right themselves, and how many on all of their balls, of those
    that were looked at; exact counts."""
    read = run.centers
    if not read.samples:
        return dict.fromkeys(("clean accuracy", "certified accuracy"), "not looked at")
    return {
        "clean accuracy": Share(read.clean, read.samples),
        "certified accuracy": Share(read.certified, read.samples),
    }


def tone_of(counts: Mapping[State, int], root: str | None) -> Tone:
    """How the claim of a run with these verdicts and this seal reads at a glance."""
    if counts["flip"] or counts["misread"]:
        return "bad"
    return "good" if root is not None and counts["robust"] == sum(counts.values()) else "warn"


def tone(run: StoredRun) -> Tone:
    """The same, where the evidence was looked at."""
    found = tone_of(run.counts, run.root)
    return "warn" if run.problems and found == "good" else found


def notices(run: StoredRun) -> tuple[Notice, ...]:
    """What is unfinished, missing or altered."""
    found = []
    if not run.replayed:
        found.append(
            Notice(
                f"Nothing was replayed for this report: {counted(run.counts['recorded'], 'answer')}"
                " of the run's database claim nothing here. Without --no-replay they are replayed."
            )
        )
    left = run.counts["open"]
    if left:
        found.append(
            Notice(
                f"This run is not finished: {grouped(left)} of "
                f"{counted(len(run.samples), 'sample')} {'was' if left == 1 else 'were'} not "
                "reached. The command that began it continues it."
            )
        )
    elif run.root is None:
        found.append(Notice("This run is not sealed: robmem runs seal writes its manifest."))
    if run.problems:
        more = f"; and {len(run.problems) - 8} more" if len(run.problems) > 8 else ""
        found.append(
            Notice(f"The evidence is not whole: {'; '.join(run.problems[:8])}{more}.", "bad")
        )
    return tuple(found)


def executed(run: StoredRun) -> str:
    """In which floats the network was executed; nothing of real arithmetic."""
    semantics = run.question.semantics
    return "" if semantics == "real" else f", as executed in {semantics}"


def command(run: StoredRun) -> str:
    """The command that asks the same question, as far as the run knows it."""
    about, question, options = run.about, run.question, run.options
    known = run.data_name in BUNDLED
    words: list[str] = ["robmem", "certify", "--data", run.data_name if known else "DATA"]
    if "construction" in about:
        words += ["--construction", str(about["construction"])]
        if about.get("ratio") is not None:
            words += ["--ratio", str(about["ratio"])]
        else:
            words += ["--budget", str(about.get("budget"))]
    else:
        words += ["--network", str(about.get("network_file", "NETWORK"))]
    built_for = (about.get("construction_norm"), about.get("budget"))
    text = question_text(question)
    if built_for != (question.norm, text["radius"]):
        words += ["--norm", question.norm]
        if text["radius"] is not None:
            words += ["--radius", text["radius"]]
        else:
            words += ["--radius-squared", text["radius_squared"]]
    if text["clip"] is not None:
        words += ["--clip", ":".join(text["clip"])]
    decoder = question.decoder
    if run.promised is None or run.promised.decoder != decoder:
        words += ["--decoder", decoder]
    if question.semantics != "real":
        words += ["--semantics", question.semantics]
    if len(run.samples) != run.dataset.size:
        words += ["--samples", ranges_text([row.sample for row in run.samples])]
    for option in ("seed", "timeout", "nodes", "engine"):
        value = options.get(option)
        if value is not None and (option, value) != ("engine", "exact"):
            words += [f"--{option}", str(value)]
    return " ".join(map(shlex.quote, words))


def radius_command(run: StoredRun) -> str:
    """The command that finds the radii shown, as far as the run knows it."""
    name = run.data_name if run.data_name in BUNDLED else "DATA"
    words = ["robmem", "radius", "RUN/network.robmem", "--data", name]
    words += ["--norm", run.question.norm, "--decoder", run.question.decoder]
    clip = question_text(run.question)["clip"]
    words += ["--clip", ":".join(clip)] if clip is not None else []
    if len(run.measured) != run.dataset.size:
        words += ["--samples", ranges_text(sorted(run.measured))]
    return " ".join(map(shlex.quote, words))

"""What a report claims of a run, in sentences, and the commands that ask the same again."""

from __future__ import annotations

import math
import shlex
from collections.abc import Mapping
from fractions import Fraction

from reports.document import Notice, Tone
from reports.numbers import (
    Share,
    approximately,
    counted,
    exact_text,
    grouped,
    shown,
    with_decimal,
)
from reports.stored_run import StoredRun
from verifier.data.bundled import BUNDLED
from verifier.question.family import FamilyTerms
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
PLURAL = {"robust": "robust", "measured": "measured", "misread": "misread", "flip": "flips",
           "undecided": "undecided", "failed": "failed", "open": "not reached",
           "recorded": "recorded, not replayed here"}  # fmt: skip


def usual(run: StoredRun) -> tuple[State, ...]:
    """The states that are shown of any such run, whether a sample has them or not."""
    if run.asks == "distances":
        return ("measured", "misread", "undecided")
    return ("robust", "misread", "flip", "undecided")


def claim(run: StoredRun) -> str:
    """What was shown, in a sentence with exact numbers."""
    if run.asks == "distances":
        return _distance_claim(run)
    counts, total = run.counts, len(run.samples)
    size = run.dataset.size
    if run.radius is None:
        norm = run.question.norm
        family = str(run.question).partition(", decoder")[0]
        family = family.replace(f"the L{norm} ball", f"the {NORMS[norm]} ball", 1)
        ball = f"perturbation within {family}"
    else:
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


def _distance_claim(run: StoredRun) -> str:
    """The same of a run about distances."""
    total, right = len(run.samples), set(run.measured) - set(run.centers.misread)
    exact = sum(run.known[sample].exact for sample in right)
    of = f"{grouped(total)} samples of {run.data_name}"
    if total != run.dataset.size:
        of = f"{grouped(total)} samples asked about, of the {grouped(run.dataset.size)} of "
        of += run.data_name
    nearest = f"the {NORMS[run.question.norm]} distance to the nearest point that loses the label"
    parts = [f"Of {of}, {nearest} is known exactly for {grouped(exact)}"]
    if len(right) > exact:
        parts.append(f"within an interval for {grouped(len(right) - exact)}")
    if run.counts["misread"]:
        parts.append(f"{grouped(run.counts['misread'])} misread at the sample itself")
    others = [f"{grouped(run.counts[s])} {PLURAL[s]}" for s in ORDER
              if s in UNANSWERED and run.counts[s]]  # fmt: skip
    if others:
        parts.append(f"of the others nothing is claimed ({', '.join(others)})")
    return "; ".join(parts) + "."


def accuracy(run: StoredRun) -> dict[str, Share | str]:
    """How many samples are read right themselves, and how many on all of their balls, of those
    that were looked at; exact counts."""
    read = run.centers
    if not read.samples:
        return dict.fromkeys(("clean accuracy", "certified accuracy"), "not looked at")
    found: dict[str, Share | str] = {"clean accuracy": Share(read.clean, read.samples)}
    if run.asks != "distances":  # which are about every radius
        found["certified accuracy"] = Share(read.certified, read.samples)
    return found


def tone_of(counts: Mapping[State, int], root: str | None) -> Tone:
    """How the claim of a run with these verdicts and this seal reads at a glance."""
    if counts["flip"] or counts["misread"]:
        return "bad"
    return "good" if root is not None and counts["robust"] == sum(counts.values()) else "warn"


def tone(run: StoredRun) -> Tone:
    """The same, where the evidence was looked at."""
    counts = dict(run.counts)
    if run.asks == "distances":  # a misread sample is an answer, at distance 0
        counts["robust"], counts["misread"] = counts["misread"], 0
        counts["robust"], counts["measured"] = counts["robust"] + counts["measured"], 0
    found = tone_of(counts, run.root)
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
    about, question = run.about, run.question
    data = run.data_name if run.data_name in BUNDLED else "DATA"
    if run.question.measured is not None:
        return _measuring_command(run, data)
    words: list[str] = ["robmem", "certify", "--data", data]
    if question.family is not None:
        words += _family_words(run, question.family)
    elif "construction" in about:
        words += ["--construction", str(about["construction"])]
        if about.get("ratio") is not None:
            words += ["--ratio", str(about["ratio"])]
        else:
            words += ["--budget", str(about.get("budget"))]
    else:
        words += ["--network", str(about.get("network_file", "NETWORK"))]
    built_for = (about.get("construction_norm"), about.get("budget"))
    text = question_text(question)
    if question.family is None and built_for != (question.norm, text["radius"]):
        words += ["--norm", question.norm]
        if text["radius"] is not None:
            words += ["--radius", text["radius"]]
        else:
            words += ["--radius-squared", text["radius_squared"]]
    if text["clip"] is not None:
        words += ["--clip", ":".join(text["clip"])]
    decoder = question.decoder
    built = "construction" in about and question.family is not None
    if not built and (run.promised is None or run.promised.decoder != decoder):
        words += ["--decoder", decoder]
    if question.semantics != "real":
        words += ["--semantics", question.semantics]
    return " ".join(map(shlex.quote, [*words, *_last_words(run)]))


def _last_words(run: StoredRun) -> list[str]:
    """Which samples, and the options of the search."""
    words = []
    if len(run.samples) != run.dataset.size:
        words += ["--samples", ranges_text([row.sample for row in run.samples])]
    for option in ("seed", "timeout", "nodes", "engine"):
        value = run.options.get(option)
        if value is not None and (option, value) != ("engine", "exact"):
            words += [f"--{option}", str(value)]
    return words


def _family_words(run: StoredRun, family: FamilyTerms) -> list[str]:
    """What asks about every ball of the family."""
    if "construction" not in run.about:
        words = ["--network", str(run.about.get("network_file", "NETWORK"))]
        words += ["--norm", run.question.norm, "--open"]
        if family.unit != 1:  # m from 0 to 1, of the ball whose square is m^2 times this
            return [*words, "--radius-squared", exact_text(family.unit)]
        return [*words, "--radius", exact_text(family.last)]
    words = ["--construction", str(run.about["construction"]), "--every-budget"]
    if "largest_budget" in run.about:
        words += ["--budget", str(run.about["largest_budget"])]
    return words if family.first == 0 else [*words, "--from", exact_text(family.first)]


def _measuring_command(run: StoredRun, data: str) -> str:
    """The command of a run about distances or least margins."""
    question, text = run.question, question_text(run.question)
    network = str(run.about.get("network_file") or "NETWORK")
    curve = question.margin is not None and question.margin.curve
    asks = "radius" if run.asks == "distances" else "margin" if curve else "worst"
    words = ["robmem", asks, network, "--data", data]
    words += ["--norm", question.norm, "--decoder", question.decoder]
    if text["clip"] is not None:
        words += ["--clip", ":".join(text["clip"])]
    terms = text.get("distance") or text.get("margin") or {}
    given = {"radius": text["radius"], **terms}
    if curve:
        given = {"up-to": text["radius"]}
    for name, value in given.items():
        words += [f"--{name}", str(value)] if value is not None else []
    return " ".join(map(shlex.quote, [*words, *_last_words(run)]))


def radius_command(run: StoredRun) -> str:
    """The command that finds the radii shown, as far as the run knows it."""
    name = run.data_name if run.data_name in BUNDLED else "DATA"
    words = ["robmem", "radius", "RUN/network.robmem", "--data", name]
    words += ["--norm", run.question.norm, "--decoder", run.question.decoder]
    clip = question_text(run.question)["clip"]
    words += ["--clip", ":".join(clip)] if clip is not None else []
    length = _longest_interval(run)
    words += ["--within", exact_text(length)] if length else []
    if len(run.measured) != run.dataset.size:
        words += ["--samples", ranges_text(sorted(run.measured))]
    return " ".join(map(shlex.quote, words))


def _longest_interval(run: StoredRun) -> Fraction | None:
    """The length that no interval shown exceeds, in three digits; None if a radius is exact.

    What was asked is not in the evidence: this is as close as the radii that are on the page.
    """
    known = [run.known[sample] for sample in run.measured]
    if any(radius.exact for radius in known):
        return None
    longest = max(
        (
            approximately(radius.upper) - approximately(radius.lower)
            for radius in known
            if radius.upper is not None
        ),
        default=0.0,
    )
    if not 0 < longest < math.inf:
        return None
    digit = Fraction(10) ** (math.floor(math.log10(longest)) - 2)
    return digit * math.ceil(longest / digit * (1 - _ROUNDING))


_ROUNDING = 2**-30  # far more than floats lose, far less than three digits show

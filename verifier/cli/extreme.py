"""`robmem verify --worst` and `--maximise`: how small a margin becomes, or how large a form."""

from __future__ import annotations

import json
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from verifier.question.errors import UserError

if TYPE_CHECKING:
    from verifier.question.query import Goal, Query
    from verifier.search.options import Options


def form_goal(text: str) -> Goal:
    """That the form is at least zero; its margin is minus the form."""
    from verifier.formats.comparisons import parse_conjunction
    from verifier.question.query import Goal

    if any(sign in text for sign in "<>=,") or " and " in text:
        raise UserError(f"--maximise: {text!r} is no form such as Y_0 - Y_1")
    return Goal(parse_conjunction(f"{text} >= 0"), text)


def answer_extreme(
    query: Query,
    form: str | None,
    within: str | None,
    options: Options,
    proof: str | None,
    as_json: bool,
) -> int:
    """Prints the least margin, or the largest value of `form`; the exit code."""
    from verifier.cli.options import short, table
    from verifier.cli.samples import positive
    from verifier.cli.worst import evidence_bytes, margin_facts
    from verifier.evidence.proof_file import save_proof
    from verifier.question.printable import size_text
    from verifier.question.rational import format_rational
    from verifier.tasks.worst import worst

    found = worst(query, within=positive("--within", within), options=options)
    if proof is not None:
        if found.pair is not None and found.question is not None:
            save_proof(proof, found.question, found.pair)
        elif found.proof is not None and found.question is not None:
            save_proof(proof, found.question, found.proof)
        else:
            save_proof(proof, *found.witness)
    sign = 1 if form is None else -1
    ends: list[Fraction | None] = [found.lower, found.upper]
    if form is not None:
        ends = [-found.upper, None if found.lower is None else -found.lower]
    texts = ["unknown" if end is None else format_rational(end) for end in ends]
    what = "the least margin" if form is None else f"the largest value of {form}"
    exact = f"{what} is {texts[0]}"
    between = f"{what} lies in [{texts[0]}, {texts[1]}]"
    seen = sign * found.upper
    facts: dict[str, Any] = {
        "claim": exact if found.exact else between,
        "samples": 1,
        "robust": int(form is None and found.lower is not None and found.lower > 0),
        "flips": int(form is None and found.upper <= 0),
        "undecided": int(not found.reached),
        "checked": 1 + int(found.proof is not None),
        "proof_bytes": evidence_bytes(found),
        "network": query.network.digest,
        **margin_facts(found),
        "lower": None if ends[0] is None else texts[0],
        "upper": None if ends[1] is None else texts[1],
        "seconds": {"wall": round(found.seconds, 3)},
    }
    if as_json:
        print(json.dumps(facts))
    else:
        rows: list[tuple[str, object]] = [("claim", facts["claim"])]
        rows.append(("about", short(seen) if found.exact else f"{short(seen)} at a point"))
        rows.append(("evidence", f"{size_text(facts['proof_bytes'])}, checked"))
        if not found.reached:
            rows.append(("not closer", found.reason))
        print(table(rows))
    if facts["flips"]:
        return 1
    return 0 if found.reached else 3

"""One question from the command line: center, box, label and unsafe sets, read exactly."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

from verifier.cli.options import number
from verifier.data.layout import Layout
from verifier.formats.comparisons import conjunction_text, parse_conjunction
from verifier.formats.files import read_text, shown
from verifier.question.errors import UserError
from verifier.question.family import FamilyQuery
from verifier.question.labels import default_decoder, label_values
from verifier.question.query import Goal, Query, label_goals
from verifier.question.rational import format_rational
from verifier.question.region import Region, ball, box, power, root_text

MOST_ROWS, MOST_CHARACTERS = 12, 100  # of a question, as it is printed
_FILES = (".csv", ".txt", ".tsv", ".data", ".npz", ".npy", ".gz")
Vector = tuple[Fraction, ...]
Box = tuple[Vector, Vector]


def read_point(text: str, inputs: int, layout: Layout, option: str = "--center") -> Vector:
    """The point that `option` names, of that many inputs.

    VALUES, such as 0,1/2,0.25; or FILE[:ROW], a data set, rows counted from 0. A table may have
    points alone, without labels.
    """
    spec, row = _file_and_row(option, text)
    if spec is None:
        parts = text.split(",")
        if len(parts) == 1 and any(sign.isalpha() for sign in text.strip("eExX")):
            raise UserError(f"{option}: {shown(text)} is neither numbers nor an existing file")
        if any(sign in text.strip() for sign in "[](); "):
            raise UserError(
                f"{option}: {shown(text)}: write the numbers with commas, as 0,1/2,0.25"
            )
        values = tuple(number(option, part) for part in parts)
    else:
        from verifier.data.load import load

        dataset = load(spec, layout, inputs=inputs)
        if row >= dataset.size:
            raise UserError(
                f"{option}: {spec} has {dataset.size} rows, counted from 0; asked {row}"
            )
        values = dataset.point(row)
    if len(values) != inputs:
        raise UserError(f"{option} has {len(values)} inputs, the network {inputs}: see robmem show")
    return values


def _file_and_row(option: str, text: str) -> tuple[str | None, int]:
    """The file and the row; no file where `text` is values. Raises UserError for a row that is no
    number."""
    from verifier.data.bundled import BUNDLED

    spec, colon, row = text.rpartition(":")
    if not colon or not (row.isascii() and row.isdigit()):
        there = spec in BUNDLED or (row.removeprefix("-").isdigit() and Path(spec).exists())
        if colon and there:
            raise UserError(f"{option}: {spec} has rows 0, 1, ..; {shown(row)} is none")
        spec, row = text, "0"
    if spec in BUNDLED or Path(spec).exists() or spec.endswith(_FILES):
        return spec, int(row)
    return (spec, int(row)) if "/" in spec and ":" in spec else (None, 0)


def read_box(option: str, text: str, inputs: int, own: Box | None = None) -> Box:
    """The box that `text` names, of that many inputs; `own` is what the network's file holds.

    LO:HI for all inputs, LO:HI,LO:HI,.. for each, a FILE with a line LO:HI (or LO,HI) for each,
    or the word file for the box of the network's file.
    """
    if text == "file":
        if own is None:
            raise UserError(f"{option}: the network's file holds no box; a .nnet file does")
        return own
    if Path(text).is_file():
        lines = [line.strip() for line in read_text(text).splitlines()]
        sides = [_side(f"{option}: {text}", line.replace(",", ":")) for line in lines if line]
    else:
        sides = [_side(option, part) for part in text.split(",")]
        if len(sides) == 1:
            sides *= inputs
    if len(sides) != inputs:
        raise UserError(f"{option} has {len(sides)} inputs, the network {inputs}: see robmem show")
    for k, (low, high) in enumerate(sides):
        if low > high:
            a, b = format_rational(low), format_rational(high)
            raise UserError(f"{option}: lower bound {a} above upper bound {b} at input {k}")
    return tuple(low for low, _ in sides), tuple(high for _, high in sides)


def _side(option: str, text: str) -> tuple[Fraction, Fraction]:
    low, colon, high = text.partition(":")
    if not colon:
        raise UserError(f"{option}: {shown(text)} is not LO:HI, nor is there such a file")
    return number(option, low), number(option, high)


def read_region(
    norm: Any,
    center: Vector | None,
    radius: Fraction | None,
    squared: Fraction | None,
    boxes: Sequence[Box],
) -> Region:
    """The ball around `center` within all of `boxes`, or without a center the boxes alone."""
    meet = None
    if boxes:
        lower, upper = zip(*boxes, strict=True)
        meet = (
            tuple(map(max, zip(*lower, strict=True))),
            tuple(map(min, zip(*upper, strict=True))),
        )
    if center is not None:
        if radius is None and squared is None:
            raise UserError("--center needs --radius or --radius-squared")
        return ball(norm, center, radius, radius_squared=squared, clip=meet)
    if radius is not None or squared is not None:
        raise UserError("--radius and --radius-squared need --center")
    if meet is None:
        raise UserError("give --center and --radius, or --box")
    return box(*meet)


def read_goals(
    outputs: int,
    label: str | None,
    labels: str | None,
    decoder: str | None,
    unsafe: Sequence[str],
    names: Sequence[str] | None = None,
) -> tuple[tuple[Goal, ...], str, tuple[str, ...]]:
    """The goals, what it means that none is met, and of each goal what it means that it is.

    For argmax `names` are the labels that the outputs stand for; if None, 0, 1, ..
    """
    if unsafe:
        for option, given in (("--label", label), ("--labels", labels), ("--decoder", decoder)):
            if given is not None:
                raise UserError(f"give either {option} or --unsafe, not both")
        goals = tuple(
            Goal(parse_conjunction(text), str(position)) for position, text in enumerate(unsafe)
        )
        return goals, " or ".join(unsafe), tuple(unsafe)
    if label is None:
        raise UserError("give --label or --unsafe")
    decoder = decoder or default_decoder(outputs)
    if decoder == "argmax":
        return _argmax_goals(outputs, label, names, of_file=labels is None)
    own = _label(label)
    listed = None if labels is None else read_labels(labels)
    values = label_values(decoder, own, outputs, listed)
    goals = label_goals(decoder, values.index(own), values, outputs)
    rivals = tuple(
        f"label {format_rational(values[int(goal.rival)])}" if goal.rival.isdigit() else goal.rival
        for goal in goals
    )
    return goals, f"label {format_rational(own)} is read (decoder {decoder})", rivals


def _argmax_goals(
    outputs: int, label: str, names: Sequence[str] | None, *, of_file: bool
) -> tuple[tuple[Goal, ...], str, tuple[str, ...]]:
    """The same for argmax, where names need not be numbers; `of_file`: no user has given them."""
    known = [str(j) for j in range(outputs)] if names is None else list(names)
    if len({_value(name) for name in known}) < len(known):
        if of_file:
            listed = ", ".join(map(shown, known[:5])) + (", .." if outputs > 5 else "")
            raise UserError(
                f"the file names its outputs {listed}, of which two are one label; "
                "--labels A,B,.. names one for each output, in their order"
            )
        raise UserError("--labels: a label stands there twice")
    if len(known) != outputs:
        raise UserError(f"argmax: {outputs} outputs, {len(known)} labels")
    own_value = _value(label) if names is not None else _label(label)
    place = next((j for j, name in enumerate(known) if _value(name) == own_value), None)
    if place is None:
        listed = ", ".join(known[:10]) + (", .." if outputs > 10 else "")
        text = own_value if isinstance(own_value, str) else format_rational(own_value)
        raise UserError(f"--label: {shown(text)[1:-1]} is not one of the labels {listed}")
    goals = label_goals("argmax", place, range(outputs), outputs)
    own = known[place]
    which = "" if _value(own) == place else f", output {place}"
    rivals = tuple(f"label {known[int(goal.rival)]}" for goal in goals)
    return goals, f"label {own} is read (decoder argmax{which})", rivals


def _value(name: str) -> Fraction | str:
    """What two names of one label have in common: the number, if it is one."""
    try:
        return number("--label", name.strip())
    except UserError:
        return name.strip()


def _label(text: str) -> Fraction:
    try:
        return number("--label", text)
    except UserError:
        raise UserError(
            f"--label: {shown(text)} is not a number; a label called by a name is the number of "
            "its output, counted from 0, with decoder argmax, where --labels does not name it"
        ) from None


def read_labels(text: str) -> list[int | Fraction]:
    """The numbers of --labels, increasing."""
    values = [number("--labels", part) for part in text.split(",")]
    if len(set(values)) < len(values):
        raise UserError("--labels: a label stands there twice")
    return sorted(values)


def question_facts(query: Query) -> dict[str, Any]:
    """The region in numbers and the unsafe sets, as the options of `robmem verify` say them."""
    region, text = query.region, format_rational
    sides = zip(region.lower, region.upper, strict=True)
    facts: dict[str, Any] = {}
    if region.center:
        facts["center"] = [text(x) for x in region.center]
    if region.clipped or not region.center:
        facts["box"] = [f"{text(low)}:{text(high)}" for low, high in sides]
    facts["unsafe"] = [conjunction_text(goal.atoms) for goal in query.goals]
    return facts


def question_rows(query: Query) -> list[tuple[str, str]]:
    """The same to be read: long lists are cut."""
    facts = question_facts(query)
    listed = facts.pop("unsafe")
    return [(name, _shortened(values)) for name, values in facts.items()] + _unsafe_rows(listed)


def family_claim(query: FamilyQuery) -> str:
    """What a proof about the family shows, in a sentence."""
    cone, text = query.cone, format_rational
    interval = f"[{text(cone.first)}, {text(cone.last)}{')' if cone.open else ']'}"
    unit = "" if cone.unit == 1 else f"{text(cone.unit)} "
    growth = "m" if power(cone.norm) == 1 else f"m^{cone.norm}"
    size = f"{root_text(cone.norm)} {unit}{growth}"
    center = _cut(", ".join(map(text, cone.center)))
    many = len(query.goals) > 1
    goal = conjunction_text(query.goals[0].atoms, len(cone.center))
    what = f"any of {len(query.goals)} unsafe sets" if many else _cut(goal)
    return (
        f"for every real m in {interval} no point of the closed L{cone.norm} ball of {size} around "
        f"({center}) satisfies {what}"
    )


def family_facts(query: FamilyQuery) -> dict[str, Any]:
    """The cone in numbers and the unsafe sets; the last input is m."""
    cone, text = query.cone, format_rational
    return {
        "norm": cone.norm,
        "center": [text(x) for x in cone.center],
        "unit": text(cone.unit),
        "parameters": [text(cone.first), text(cone.last)],
        "open": cone.open,
        "unsafe": [conjunction_text(goal.atoms, len(cone.center)) for goal in query.goals],
    }


def family_rows(query: FamilyQuery) -> list[tuple[str, str]]:
    """The same to be read: long lists are cut."""
    facts = family_facts(query)
    return [("center", _shortened(facts["center"])), *_unsafe_rows(facts["unsafe"])]


def _unsafe_rows(listed: Sequence[str]) -> list[tuple[str, str]]:
    rows = [("unsafe", _cut(text)) for text in listed[:MOST_ROWS]]
    if len(listed) > MOST_ROWS:
        rows.append(("", f"and {len(listed) - MOST_ROWS} more"))
    return rows


def _shortened(values: Sequence[str]) -> str:
    text = ",".join(values)
    if len(text) <= MOST_CHARACTERS:
        return text
    return f"{_cut(text)} ({len(values)} inputs, all with --json)"


def _cut(text: str) -> str:
    return text if len(text) <= MOST_CHARACTERS else f"{text[:MOST_CHARACTERS]}.."

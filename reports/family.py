"""What a report says of a family: that labels are kept for every budget at once, and its pictures.

A proof bounds every output by affine functions of the budget m, kept as two end values (see
`verifier.checker.family`); the first picture draws these. The second is the plane of the way from a
sample to its nearest rival and the budget, cut into its linear pieces: a family is one network, of
which m is an input.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

from reports.claims import NORMS
from reports.document import Block, Figure, Section, Table, Text
from reports.numbers import (
    Cell,
    Distance,
    Root,
    approximately,
    counted,
    exact_text,
    grouped,
    ratio,
    square,
)
from reports.planes import View, labels_of, plane_blocks
from reports.robustness_plots import Band, Bands
from reports.sample_slices import MOST_ENTRIES
from reports.samples import nearest_rival
from reports.slices import Place, Slice, restricted
from reports.stored_run import StoredRun
from verifier.checker.family import FamilyChecker, family_roots, family_scaled
from verifier.checker.manifest import sample_family
from verifier.evidence.certificate import Robust, parse_certificate
from verifier.question.build import dense_rows
from verifier.question.family import FamilyTerms
from verifier.question.network import Network

_SAMPLES = 4  # whose bounds are drawn
_MARGIN = Fraction(1, 4)  # of the way, beyond both ends
Pair = tuple[Fraction, Fraction]


def family_section(run: StoredRun, prefix: str) -> Section:
    """The claim about every budget, its terms, and the pictures of a few samples."""
    terms = run.question.family
    if terms is None:
        raise TypeError(f"{run.name} asks about single balls")
    blocks: list[Block] = [Text(_claim(run, terms))]
    if run.rivals is not None:
        blocks.append(Text(_end(run, terms)))
    entries = len(run.network.units.indices) + len(run.network.outputs.indices)
    if entries <= MOST_ENTRIES:
        blocks += _bounds_figure(run, terms, prefix)
        blocks += _plane(run, terms, prefix)
    else:
        blocks.append(Text(f"Its pictures are not drawn for a network of {entries:,} weights."))
    return Section(f"{prefix}family", "Every budget", (*blocks, _table(run, terms, prefix)))


def _claim(run: StoredRun, terms: FamilyTerms) -> str:
    interval = f"every real budget m from {exact_text(terms.first)} "
    interval += f"{'to below' if terms.open else 'to'} {exact_text(terms.last)}"
    return (
        f"One network G reads a sample and a budget m; the network for m is {_member(terms)}. For "
        f"{interval}, {grouped(run.counts['robust'])} of "
        f"{counted(len(run.samples), 'sample')} keep their label on the closed "
        f"{NORMS[run.question.norm]} ball of radius {_radius(run, terms)}: by one proof a sample, "
        "not one for each budget."
    )


def _member(terms: FamilyTerms) -> str:
    """F_m over G."""
    zero, slope = terms.denominator
    if not slope:
        return "G(., m)" if zero == 1 else f"G(., m) / {exact_text(zero)}"
    sign = "-" if slope < 0 else "+"
    return f"G(., m) / ({exact_text(zero)} {sign} {exact_text(abs(slope))} m)"


def _radius(run: StoredRun, terms: FamilyTerms) -> str:
    if terms.unit == 1:
        return "m"
    unit = exact_text(terms.unit)
    return f"m sqrt({unit})" if run.question.norm == "2" else f"{unit} m"


def largest_radius(run: StoredRun, terms: FamilyTerms) -> Distance:
    """The radius at the last budget, which an open interval does not reach."""
    if run.question.norm == "2":
        return Root(terms.last**2 * terms.unit)
    return terms.last * terms.unit


def _end(run: StoredRun, terms: FamilyTerms) -> str:
    """Whether larger budgets would be possible, by the distances of the samples."""
    if run.separation is None:
        raise TypeError("the distances of this run were not computed")
    first, second = _closest(run)
    at_end, limit = square(largest_radius(run, terms)), square(run.separation) / 4
    names = f"samples {first} ({run.label(first)}) and {second} ({run.label(second)})"
    if at_end == limit:
        return (
            f"At {exact_text(terms.last)} the balls of {names} meet, so that no network keeps both "
            "labels there: no family reaches further."
        )
    share = ratio(largest_radius(run, terms), run.separation) * 2
    return (
        f"The largest balls have {100 * share:.4g} % of half the distance of {names}, the closest "
        "ones of different labels."
    )


def _closest(run: StoredRun) -> tuple[int, int]:
    """The two closest samples of different labels, the lowest numbers of several."""
    rivals = run.rivals or ()
    first = min(range(len(rivals)), key=lambda k: (square(rivals[k]), k))
    return first, nearest_rival(run, first)


def _table(run: StoredRun, terms: FamilyTerms, prefix: str) -> Table:
    rows: list[tuple[Cell, ...]] = [
        ("first budget", terms.first),
        ("last budget", terms.last),
        ("the last one is included", not terms.open),
        ("the network for m", _member(terms)),
        ("radius of the ball of m", _radius(run, terms)),
        ("radius at the last budget", largest_radius(run, terms)),
        ("proofs, one a sample, for all m", sum(one.verdict == "robust"
                                                for one in run.evidence.values())),
    ]  # fmt: skip
    if flips := sum(one.verdict == "flip" for one in run.evidence.values()):
        rows.append(("flips, each of the network of some m", flips))
    return Table(f"{prefix}family", "The family and its balls.", ("what", "value"), tuple(rows))


# ------------------------------------------------------------------ bounds over the budget


def _bounds_figure(run: StoredRun, terms: FamilyTerms, prefix: str) -> list[Block]:
    """Bounds of the output, or of the label's lead, of a few samples; a line each."""
    chosen = _chosen(run)
    if not chosen:
        return []
    scalar = run.network.outputs.count == 1
    ends = (terms.first, terms.last)
    xs = tuple(map(approximately, ends))
    bands: list[Band] = []
    rows: list[tuple[Cell, ...]] = []
    for sample in chosen:
        low, high, what = _bounds(run, sample)
        name = f"sample {sample} ({run.label(sample)})"
        bands.append(Band(name, xs, _floats(low), None if high is None else _floats(high)))
        rows.append((sample, run.label(sample), what, *low, *(high or (None, None))))
    zero, slope = terms.denominator
    lines: tuple[tuple[str, tuple[float, ...]], ...] = (("the label is lost", (0.0, 0.0)),)
    up = "lead of the label"
    caption = (
        "How far the label's output is ahead of its strongest rival, at least, on the whole ball "
        "of m: a line for all budgets between two ends. Above 0 the label is kept."
    )
    if scalar:
        up = "G on the ball of m"
        names = run.dataset.label_names
        lines = tuple(
            (names[k], _floats([k * (zero + slope * m) for m in ends]))
            for k in range(run.dataset.classes)
        )
        if run.question.decoder == "sign":
            lines = (("both labels", (0.0, 0.0)),)
        caption = (
            "What the lemmas of each proof say of the output on the whole ball of m: between two "
            "lines, for all budgets at once. Label k is where G(x, m) is k times the denominator, "
            "dashed."
        )
    plot = Bands(tuple(bands), lines, "budget m", up)
    columns: tuple[str, ...] = (
        "sample",
        "label",
        "least, first",
        "least, last",
        "most, first",
        "most, last",
    )
    of = rows[0][2]
    told: tuple[tuple[Cell, ...], ...] = tuple((*row[:2], *row[3:]) for row in rows)
    if not scalar:  # whose lead has no upper bound here
        columns, told = columns[:4], tuple(row[:4] for row in told)
    return [
        Figure(f"{prefix}bounds", caption, plot),
        Table(f"{prefix}bounds", f"The same bounds of {of}, at the first and the last budget.",
              columns, told),
    ]  # fmt: skip


def _floats(values: Sequence[Fraction]) -> tuple[float, ...]:
    return tuple(map(approximately, values))


def _chosen(run: StoredRun) -> list[int]:
    """Samples with a proof: the closest two, then the first of every other label."""
    proved = [sample for sample, one in sorted(run.evidence.items()) if one.verdict == "robust"]
    order = [sample for sample in (_closest(run) if run.rivals else ()) if sample in proved]
    seen = {run.label(sample) for sample in order}
    for sample in proved:
        if run.label(sample) not in seen:
            seen.add(run.label(sample))
            order.append(sample)
    return order[:_SAMPLES]


def _bounds(run: StoredRun, sample: int) -> tuple[Pair, Pair | None, str]:
    """At both ends bounds of the only output, or a lower one of the label's least lead."""
    query = sample_family(run.network, run.folder.points(), run.question, sample)
    text = run.folder.fetch(run.evidence[sample].certificate or "")
    verdict = parse_certificate(text, run.network.digest)
    if not isinstance(verdict, Robust):
        raise TypeError(f"sample {sample}: no proof")
    scaled = family_scaled(run.network, [query])
    checker = FamilyChecker(query, scaled, family_roots(scaled, [query])[0])
    for step in verdict.steps:
        checker.apply(step)
    outputs = run.network.outputs
    own, own_constant = outputs.fractions(0)
    if outputs.count == 1:
        return (*_of_form(checker, own, own_constant), "G")
    label = int(run.dataset.labels[sample])
    own, own_constant = outputs.fractions(label)
    leads = []
    for k in range(outputs.count):
        if k != label:
            other, constant = outputs.fractions(k)
            lead = {j: own.get(j, Fraction(0)) - other.get(j, Fraction(0)) for j in own | other}
            leads.append(_of_form(checker, lead, own_constant - constant)[0])
    return (min(a for a, _ in leads), min(b for _, b in leads)), None, "the label's lead"


def _of_form(
    checker: FamilyChecker, weights: dict[int, Fraction], constant: Fraction
) -> tuple[Pair, Pair]:
    """Lower and upper bounds of the form at both ends, variable by variable."""
    low, high = [constant] * 2, [constant] * 2
    scaled = checker.scaled
    for j, weight in weights.items():
        scale = scaled.denominator if j < checker.inputs else scaled.scales[j]
        below, above = checker.variable_bounds(j)
        for end in (0, 1):
            values = sorted(Fraction(weight * value) / scale for value in (below[end], above[end]))
            low[end] += values[0]
            high[end] += values[1]
    return (low[0], low[1]), (high[0], high[1])


# ------------------------------------------------------- the way to the nearest rival, and m


def _plane(run: StoredRun, terms: FamilyTerms, prefix: str) -> list[Block]:
    """The labels on the way between the closest samples, for all budgets."""
    if run.rivals is None:
        return []
    first, second = _closest(run)
    ends = [run.dataset.point(sample) for sample in (first, second)]
    across = tuple(b - a for a, b in zip(*ends, strict=True))
    zero = (Fraction(0),) * len(across)
    plane = Slice((*ends[0], Fraction(0)), (*across, Fraction(0)), (*zero, terms.last))
    reach = Fraction(ratio(largest_radius(run, terms), run.rivals[first]))  # to be drawn
    low, one = terms.first / terms.last, Fraction(1)
    edges: list[tuple[Place, Place]] = []
    for place in (Fraction(0), one):
        for side in (-1, 1):
            edges.append(((place + side * reach * low, low), (place + side * reach, one)))
    view = View(
        (-_MARGIN, low), (1 + _MARGIN, one), run.question.norm, Fraction(0), (),
        marks=[((Fraction(k), low), f"sample {sample} ({run.label(sample)})")
               for k, sample in enumerate((first, second))],
        names=(f"share of the way from sample {first} to sample {second}",
               f"budget, over {exact_text(terms.last)}"),
        edges=tuple(edges),
    )  # fmt: skip
    asked, decoder = _decoded(run, terms)
    found = labels_of(restricted(asked, plane), decoder, run.dataset.classes, view)
    caption = (
        "Labels between the closest samples for every budget at once, with the balls of both, "
        "which widen with the budget"
    )
    return plane_blocks(found, run.dataset.label_names, view, f"{prefix}budgets", caption)


def _decoded(run: StoredRun, terms: FamilyTerms) -> tuple[Network, str]:
    """G with outputs that are read by a decoder without division: label k is nearest to G / D
    where k G - k^2 D / 2 is largest, for D is positive."""
    if run.question.decoder not in ("value", "nearest"):
        return run.network, run.question.decoder
    network = run.network
    weights, constant = network.outputs.fractions(0)
    zero, slope = terms.denominator
    rows, constants = [], []
    for k in range(run.dataset.classes):
        row = [k * weights.get(j, Fraction(0)) for j in range(network.variables)]
        row[network.inputs - 1] -= Fraction(k * k, 2) * slope
        rows.append(row)
        constants.append(k * constant - Fraction(k * k, 2) * zero)
    return replace(network, outputs=dense_rows(rows, constants, 0)), "argmax"

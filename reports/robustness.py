"""What a report says of radii: certified accuracy over the radius, stability, rivals, classes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from fractions import Fraction

from reports.accuracy import Step, log_normal, mean, quantile, steps
from reports.claims import NORMS
from reports.document import Block, Figure, Section, Table, Text
from reports.numbers import (
    Cell,
    Distance,
    approximately,
    counted,
    grouped,
    half,
    ratio,
    square,
    with_decimal,
)
from reports.plots import Matrix
from reports.radii import Known
from reports.robustness_plots import Envelope, Envelopes, Strips
from reports.run_figures import radius_figures, radius_marks
from reports.stored_run import StoredRun

_SHARES = ("1/20", "1/4", "1/2", "3/4", "19/20")
_MOST_NAMES = 20  # of labels and rivals in a matrix
_FIT = 120  # points of a smooth curve


def read_right(run: StoredRun) -> dict[int, Known]:
    """What is known of the samples that were looked at and that the network reads right."""
    misread = set(run.centers.misread)
    return {
        row.sample: run.known[row.sample]
        for row in run.samples
        if row.state != "recorded" and row.sample not in misread
    }


# --------------------------------------------------------------- certified accuracy


def accuracy_section(run: StoredRun, prefix: str) -> Section:
    """Certified accuracy as a step function of the radius, where it is more than one number."""
    title = "Certified accuracy over the radius"
    known, total = list(read_right(run).values()), run.centers.samples
    flips = any(one.upper is not None for one in known)
    if not known or not (run.measured or flips):
        return Section(f"{prefix}accuracy", title, ())
    curve = steps(known)
    fit = fitted(run, known)
    text = (
        f"Of the {counted(total, 'sample')} that were looked at, {grouped(len(known))} are read "
        "right themselves. A sample is certified at a radius if it keeps its label on the closed "
        "ball: at least the proved ones are, at most those of which no flip is shown. Between "
        "its steps neither count changes."
    )
    plot = Envelopes(
        (envelope("", curve, total, fit),),
        f"radius, {NORMS[run.question.norm]}", "share of the samples", radius_marks(run)[:1],
    )  # fmt: skip
    caption = (
        "Certified accuracy over the radius: the share of samples whose closed ball is proved to "
        "keep the label"
    )
    if any(step.proved_beyond != step.possible_beyond for step in curve):
        caption += ", and above it, shaded, those of which nothing is known"
    figure = Figure(f"{prefix}accuracy", f"{caption}.", plot, wide=True)
    return Section(
        f"{prefix}accuracy", title, (Text(text), figure, curve_table(curve, total, prefix))
    )


def fitted(run: StoredRun, known: Sequence[Known]) -> tuple[tuple[float, float], ...]:
    """Certified accuracy if the exact radii were log-normal: a fit, in floats."""
    radii = [one.lower for one in known if one.exact]
    found = log_normal(radii)
    if found is None or len(radii) < len(known):
        return ()
    end = 1.05 * max(map(approximately, radii))
    share = len(known) / run.centers.samples
    xs = [end * k / _FIT for k in range(_FIT + 1)]
    return tuple((x, share * (1 - found.share(x))) for x in xs)


def envelope(
    name: str, curve: Sequence[Step], total: int, fit: tuple[tuple[float, float], ...] = ()
) -> Envelope:
    """The curve as it is drawn."""
    return Envelope(
        name, tuple(approximately(step.radius) for step in curve),
        tuple(step.proved_beyond for step in curve),
        tuple(step.possible_beyond for step in curve), total, fit,
    )  # fmt: skip


def curve_table(curve: Sequence[Step], total: int, prefix: str) -> Table:
    """Every step of the curve."""
    same = all(
        (step.proved, step.proved_beyond) == (step.possible, step.possible_beyond) for step in curve
    )
    columns: tuple[str, ...] = ("radius", "certified at it", "certified beyond it")
    rows: list[tuple[Cell, ...]] = [(s.radius, s.proved, s.proved_beyond) for s in curve]
    if not same:
        columns = ("radius", "proved at it", "at most", "proved beyond it", "at most, beyond it")
        rows = [(s.radius, s.proved, s.possible, s.proved_beyond, s.possible_beyond) for s in curve]
    return Table(
        f"{prefix}accuracy", f"Certified samples of {grouped(total)}, at every radius where the "
        "count changes and from there to the next.", columns, tuple(rows), most=12,
    )  # fmt: skip


# -------------------------------------------------------------------------- radii


def radii_section(run: StoredRun, prefix: str) -> Section:
    """Distances in the norm of the run: of balls, rivals, flips and radii; and what follows."""
    blocks: list[Block] = [Text(text) for text in _distance_texts(run)]
    blocks += radius_figures(run, prefix)
    blocks += _by_class(run, prefix)
    blocks.append(_distances(run, prefix))
    blocks += _stability(run, prefix)
    return Section(f"{prefix}radii", "Robustness radii", tuple(blocks))


def _distance_texts(run: StoredRun) -> list[str]:
    texts = []
    if run.rivals is None or run.separation is None:
        texts.append(
            "The distances between the samples were not computed: there are too many pairs "
            "(--all-distances computes them)."
        )
    else:
        text = (
            "The nearest rival of a sample is the nearest sample of another label. No network "
            "keeps the labels on balls of half the separation."
        )
        if run.radius is not None:
            shares = [ratio(run.radius, half(run.rivals[row.sample])) for row in run.samples]
            text += (
                f" A ball has on average {100 * sum(shares) / len(shares):.3g} % of half the "
                f"distance to the sample's own nearest rival{_reaching(shares)}."
            )
        texts.append(text)
    right = read_right(run)
    known = [right[sample] for sample in sorted(run.measured & right.keys())]
    if known:
        exact = sum(one.exact for one in known)
        texts.append(
            "The robustness radius of a sample is the distance to the nearest point that loses "
            f"its label. It is known of {counted(len(known), 'sample')} that are read right, of "
            f"{grouped(exact)} exactly; the checker replayed the evidence for this report."
        )
    elif run.radius is not None:
        texts.append(
            "Shown are certified radii: a robust sample keeps its label on its ball, and perhaps "
            "beyond it; robmem radius tells how far."
        )
    return texts


def _reaching(shares: Sequence[float]) -> str:
    count = sum(1 for share in shares if share >= 1)
    reach = "reaches" if count == 1 else "reach"
    return f"; {counted(count, 'ball')} {reach} half way or beyond" if count else ""


def _distances(run: StoredRun, prefix: str) -> Table:
    rows: list[tuple[Cell, ...]] = []
    if run.radius is not None:
        rows.append(("radius of the balls", run.radius))
    if run.rivals is not None and run.separation is not None:
        rows.append(("half the separation", half(run.separation)))
        asked = [half(run.rivals[row.sample]) for row in run.samples]
        rows += _three("half the distance to the nearest rival", asked)
    misread = set(run.centers.misread)
    found = [flip.distance for sample, flip in run.flips.items() if sample not in misread]
    if run.asks != "distances":  # where these are the ends of intervals
        rows += _three("distance of a flip that was found", found)
    known = [run.known[sample] for sample in sorted(run.measured - misread)]
    rows += _three("exact robustness radius", [k.lower for k in known if k.exact])
    rows += _three("robustness radius, at least", [k.lower for k in known if not k.exact])
    rows += _three("the same, at most", [k.upper for k in known if not k.exact])
    return Table(
        f"{prefix}radii",
        f"Distances in the {NORMS[run.question.norm]} norm, exactly.",
        ("distance", "exactly"),
        tuple(rows),
    )


def _three(name: str, values: Sequence[Distance | None]) -> list[tuple[Cell, ...]]:
    """Least, median and greatest of the values that there are."""
    order = sorted((value for value in values if value is not None), key=square)
    if not order:
        return []
    return [
        (f"{name}, least", order[0]),
        ("the same, median", order[len(order) // 2]),
        ("the same, greatest", order[-1]),
    ]


# ---------------------------------------------------- stability and its distribution


def stability_rows(run: StoredRun) -> list[tuple[Cell, ...]]:
    """(what, at least, at most): class stability, and the quantiles of the distribution."""
    known = list(read_right(run).values())
    if not known:
        return []
    found = mean(known)
    rows: list[tuple[Cell, ...]] = [("class stability: the mean", found.low, found.high)]
    uppers = [one.upper for one in known if one.upper is not None]
    for text in _SHARES:
        share = Fraction(text)
        low = quantile([one.lower for one in known], share)
        # Samples without a flip count as infinitely far: they are the last in the order.
        reached = -(-share * len(known) // 1) <= len(uppers)
        high = quantile(uppers, share * len(known) / len(uppers)) if reached and uppers else None
        rows.append((f"{text} of the samples are not above", low, high))
    return rows


def _stability(run: StoredRun, prefix: str) -> list[Block]:
    known = list(read_right(run).values())
    if not run.measured or not known:
        return []
    exact = sum(one.exact for one in known)
    text = (
        "Class stability is the mean distance of a sample to the nearest point that is read "
        "otherwise (von Berg et al., ICLR 2026), here in the norm of the run and over the "
        f"{counted(len(known), 'sample')} that are read right, of {exact} with an exact radius; "
        "the robustness distribution is that of these radii (Bosman et al., JAIR 2025). "
    )
    fit = log_normal([one.lower for one in known if one.exact])
    if fit is not None:
        text += (
            f"A log-normal distribution with mean {fit.centre:.3f} and deviation "
            f"{fit.deviation:.3f} of the logarithms, fitted in floats to the exact radii, is at "
            f"most {fit.largest_gap:.3f} away from theirs (Kolmogorov and Smirnov's distance)."
        )
    else:
        text += "No distribution is fitted: there are too few exact radii, or all are the same."
    table = Table(
        f"{prefix}stability",
        "Class stability and the certified robustness distribution: the true value lies between.",
        ("what", "at least", "at most"),
        tuple(stability_rows(run)),
    )
    return [Text(text), table]


# ------------------------------------------------------------------ classes, rivals


def _by_class(run: StoredRun, prefix: str) -> list[Block]:
    """The radii of each class."""
    if not run.measured or run.dataset.classes > _MOST_NAMES:
        return []
    groups: dict[int, list[Known]] = {}
    for sample, known in read_right(run).items():
        if sample in run.measured:
            groups.setdefault(int(run.dataset.labels[sample]), []).append(known)
    names = run.dataset.label_names
    strips = Strips(
        tuple(
            (names[label], tuple((approximately(k.lower), approximately(k.upper or k.lower))
                                 for k in own))
            for label, own in sorted(groups.items())
        ),
        "robustness radius", radius_marks(run)[:1],
    )  # fmt: skip
    rows: list[tuple[Cell, ...]] = []
    for label, own in sorted(groups.items()):
        lowers = [known.lower for known in own]
        found = mean(own)
        rows.append(
            (
                names[label], len(own), sum(known.exact for known in own),
                *(quantile(lowers, Fraction(share)) for share in ("0", "1/2", "1")), found.low,
            )
        )  # fmt: skip
    table = Table(
        f"{prefix}class-radii",
        "Radii by class; of intervals their lower ends.",
        ("label", "samples", "exact", "least", "median", "greatest", "mean"),
        tuple(rows),
    )
    figure = Figure(f"{prefix}class-radii", "Robustness radii by class, with medians.", strips)
    return [figure, table]


def rivals_section(run: StoredRun, prefix: str) -> Section:
    """Which label is lost to which: at the nearest flips that are shown, and at misread samples."""
    blocks: list[Block] = []
    misread = set(run.centers.misread)
    exact = all(run.known[s].exact for s in read_right(run) if run.known[s].flip is not None)
    kind = "nearest flip" if exact and run.measured else "flip that is shown"
    for key, what, chosen in (
        ("pairs", kind, read_right(run)),
        ("misread-pairs", "misread sample", {sample: run.known[sample] for sample in misread}),
    ):
        pairs: Counter[tuple[str, str]] = Counter()
        for sample, known in chosen.items():
            if known.flip is not None:
                pairs[run.label(sample), run.rival(known.flip.rival) or "?"] += 1
        if pairs:
            blocks += _pairs(run, pairs, f"{prefix}{key}", what)
    return Section(f"{prefix}rivals-of-labels", "Labels and rivals", tuple(blocks))


def _pairs(run: StoredRun, pairs: Counter[tuple[str, str]], key: str, what: str) -> list[Block]:
    order = {name: place for place, name in enumerate(run.dataset.label_names)}

    def place(name: str) -> tuple[int, str]:
        return order.get(name, len(order)), name

    labels = sorted({label for label, _ in pairs}, key=place)
    rivals = sorted({rival for _, rival in pairs}, key=place)
    rows = tuple(
        (label, sum(pairs[label, rival] for rival in rivals),
         *(pairs[label, rival] or None for rival in rivals))
        for label in labels
    )  # fmt: skip
    plural = "flips that are shown" if what == "flip that is shown" else f"{what}s"
    of = counted(sum(pairs.values()), what, plural)
    caption = f"Labels, a row each, and who is read instead, of {of}."
    if len(rivals) > _MOST_NAMES:
        listed = sorted(pairs.items(), key=lambda item: (-item[1], item[0]))
        return [
            Table(key, caption, ("label", "read instead", "samples"),
                  tuple((a, b, count) for (a, b), count in listed))
        ]  # fmt: skip
    blocks: list[Block] = []
    if len(labels) > 1 and len(rivals) > 1:
        values = tuple(
            tuple(float(pairs[a, b]) if pairs[a, b] else None for b in rivals) for a in labels
        )
        plot = Matrix(tuple(labels), values, "label (row), read instead (column)", tuple(rivals),
                      more_is_stronger=True)  # fmt: skip
        blocks.append(Figure(key, f"Labels and rivals of {of}.", plot))
    return [*blocks, Table(key, caption, ("label", "all", *rivals), rows)]


def mean_text(run: StoredRun) -> str:
    """Class stability as a phrase, for tables of several runs."""
    known = list(read_right(run).values())
    if not known:
        return "no sample is read right"
    found = mean(known)
    if found.exact:
        return with_decimal(found.low)
    low = f"{approximately(found.low):.6g}"
    if found.high is None:
        return f"at least {low}"
    high = f"{approximately(found.high):.6g}"
    return f"~{low}" if low == high else f"{low} to {high}"

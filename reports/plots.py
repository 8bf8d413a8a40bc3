"""Drawings as SVG and PDF whose bytes depend on their content alone.

Nothing here has a clock, a random number or a font of the machine: matplotlib brings its own. Texts
stay texts in an SVG. Within a page their colours become its variables, so that a drawing follows a
dark page.
"""

from __future__ import annotations

import io
import math
import re
import warnings
from collections.abc import Hashable
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any, Literal, cast

from reports.colours import INK, LINE, PAPER, SERIES, SOFT, VARIABLES
from reports.document import Figure, Plot

_STYLE: dict[str, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "robmem",
    "pdf.fonttype": 42,
    "pdf.compression": 6,
    "text.parse_math": False,
    "font.family": ["DejaVu Sans"],
    "font.size": 9.0,
    "axes.labelsize": 9.0,
    "axes.titlesize": 9.0,
    "xtick.labelsize": 8.0,
    "ytick.labelsize": 8.0,
    "legend.fontsize": 8.0,
    "legend.frameon": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": SOFT,
    "axes.labelcolor": SOFT,
    "axes.linewidth": 0.8,
    "axes.unicode_minus": False,
    "axes.formatter.useoffset": False,
    "axes.formatter.use_mathtext": False,
    "xtick.color": SOFT,
    "ytick.color": SOFT,
    "text.color": INK,
    "grid.color": LINE,
    "grid.linewidth": 0.6,
    "axes.axisbelow": True,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
    "savefig.bbox": "standard",
    "path.simplify": False,
}
_BINS = 30
_LABEL = 16  # letters of a name beside a matrix
_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


Frame = tuple[float, float, float, float]


def drawn(plot: Plot, form: Literal["svg", "pdf"]) -> tuple[bytes, Frame]:
    """The drawing in a file of that form, and where its axes stand there: left, top, right, bottom
    in units of 1/72 inch from the upper left."""
    import matplotlib
    from matplotlib.figure import Figure as Canvas

    stream = io.BytesIO()
    nothing: dict[str, Any] = (
        {"Date": None, "Creator": None}
        if form == "svg"
        else {"CreationDate": None, "Creator": None, "Producer": None}
    )
    settings: Any = matplotlib.rcParamsDefault | _STYLE
    settings.pop("backend", None)
    with (
        matplotlib.rc_context(settings),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")  # letters that the font lacks are drawn as boxes
        canvas = Canvas(figsize=plot.size, layout="constrained")
        plot.draw(canvas)
        canvas.savefig(stream, format=form, metadata=nothing)
        ends = canvas.axes[0].get_position()
    wide, tall = (72 * side for side in plot.size)
    frame = (ends.x0 * wide, (1 - ends.y1) * tall, ends.x1 * wide, (1 - ends.y0) * tall)
    return stream.getvalue(), frame


def svg_text(plot: Plot) -> str:
    """The drawing as a standalone SVG."""
    return _svg(cast(Hashable, plot))[0]


def frame_of(plot: Plot) -> Frame:
    """Where the axes stand in the SVG."""
    return _svg(cast(Hashable, plot))[1]


@lru_cache(maxsize=64)
def _svg(plot: Hashable) -> tuple[str, Frame]:
    data, frame = drawn(cast(Plot, plot), "svg")
    return data.decode("utf-8"), frame


def pdf_bytes(plot: Plot) -> bytes:
    """The drawing as a PDF."""
    return drawn(plot, "pdf")[0]


def inline_svg(figure: Figure) -> str:
    """The drawing as an element of a page, with identifiers of its own and the page's colours,
    named by its caption there."""
    text = svg_text(figure.plot)
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>\s*", "", text, flags=re.DOTALL)
    text = re.sub(r"<style.*?</style>", "", text, flags=re.DOTALL)  # the page has these rules
    text = re.sub(r"<!--.*?-->\s*", "", text, flags=re.DOTALL)
    text = re.sub(r' id="(?:figure|axes|patch|text|line2d|xtick|ytick|matplotlib\.axis|legend|'
                  r'[A-Za-z]*[Cc]ollection|FillBetween)[\w.]*"', "", text)  # fmt: skip
    own = re.sub(r"[^\w-]", "-", figure.key)
    text = re.sub(r'\bid="([^"]+)"', rf'id="{own}-\1"', text)
    text = re.sub(r'(xlink:href="#|url\(#)', rf"\1{own}-", text)
    for colour, variable in VARIABLES.items():
        text = text.replace(colour, f"var({variable})")
    text = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", text, count=1)
    text = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", text, count=1)
    named = f'<svg role="img" aria-labelledby="caption-{figure.key}"'
    return text.replace("<svg", named, 1).strip()


def _power(value: float, position: int | None = None) -> str:
    """A tick of a logarithmic axis on which some number is too long to be written out."""
    exponent = math.floor(math.log10(value) + 1e-9)
    if exponent in (0, 1):
        return f"{value:g}"
    lead = value / 10.0**exponent
    power = "10" + str(exponent).translate(_SUPERSCRIPT)
    return power if abs(lead - 1) < 1e-6 else f"{lead:g}\N{MIDDLE DOT}{power}"


def _logarithmic(axis: Any) -> None:
    """Ticks at powers of ten, and between them where there are few; all are written alike."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    low, high = axis.get_view_interval()
    if low > 0 and high / low < 100:
        axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    short = low > 1e-4 and high < 99_999  # as they are printed
    axis.set_major_formatter("{x:g}" if short else FuncFormatter(_power))
    axis.set_minor_formatter(NullFormatter())


@dataclass(frozen=True, slots=True)
class Mark:
    """A vertical line at `x` with its name."""

    name: str
    x: float
    colour: str = INK
    dashed: bool = False


@dataclass(frozen=True, slots=True)
class Histogram:
    """How often values fall into equal bins, stacked by group: (name, colour, values)."""

    groups: tuple[tuple[str, str, tuple[float, ...]], ...]
    across: str
    up: str
    marks: tuple[Mark, ...] = ()
    logarithmic: bool = False
    size: tuple[float, float] = (4.7, 2.9)

    def draw(self, figure: Any) -> None:
        import numpy as np

        axes = figure.add_subplot()
        axes.hist(
            [np.array(group) for _, _, group in self.groups],
            bins=self._edges(),
            stacked=True,
            color=[colour for _, colour, _ in self.groups],
            label=[name for name, _, _ in self.groups],
            linewidth=0.4,
            edgecolor=PAPER,
        )
        for mark in self.marks:
            axes.axvline(
                mark.x,
                color=mark.colour,
                linewidth=1.2,
                linestyle=(0, (4, 3)) if mark.dashed else "-",
                label=mark.name,
            )
        if self.logarithmic:
            axes.set_xscale("log")
        axes.set_xlabel(self.across)
        axes.set_ylabel(self.up)
        axes.yaxis.get_major_locator().set_params(integer=True)
        axes.grid(axis="y")
        if self.logarithmic:
            _logarithmic(axes.xaxis)
        if self.marks or len(self.groups) > 1:
            figure.legend(loc="outside upper left", ncols=3)

    def _edges(self) -> Any:
        """The ends of the bins, equal ones; around the values if these are on a coarse grid."""
        import numpy as np

        values = [v for _, _, group in self.groups for v in group]
        ends = values + [mark.x for mark in self.marks]
        low, high = min(ends), max(ends)
        if self.logarithmic:
            low = max(low, 1.0)
            return np.geomspace(low, max(high * 1.001, low * 1.5, 2.0), 25)
        distinct = sorted(set(values))
        step = min((b - a for a, b in pairwise(distinct)), default=0.0)
        if len(distinct) > 3 and 0 < high - low <= 2 * _BINS * step:
            places = (np.array(distinct) - distinct[0]) / step
            if np.allclose(places, np.rint(places), atol=1e-6):
                return distinct[0] + step * (np.arange(round(places[-1]) + 2) - 0.5)
        low = min(low, 0.0) if low < 0.35 * high else low
        return np.linspace(low, high if high > low else low + 1, _BINS + 1)


@dataclass(frozen=True, slots=True)
class Spans:
    """Intervals [low, high] over places x, a point where they are one number, with lines.

    groups: (name, colour, ((x, low, high), ..)); `levels` are horizontal. `diagonal` names the line
    on which y = x.
    """

    groups: tuple[tuple[str, str, tuple[tuple[float, float, float], ...]], ...]
    across: str
    up: str
    levels: tuple[Mark, ...] = ()
    diagonal: str | None = None
    size: tuple[float, float] = (4.7, 3.6)

    def draw(self, figure: Any) -> None:
        axes = figure.add_subplot()
        ends = [x for _, _, spans in self.groups for x, _, _ in spans]
        for name, colour, spans in self.groups:
            axes.vlines([x for x, _, _ in spans], [low for _, low, _ in spans],
                        [high for _, _, high in spans], color=colour, linewidth=1.1)  # fmt: skip
            axes.plot([x for x, _, _ in spans], [low for _, low, _ in spans], linestyle="none",
                      marker="o", markersize=3.4, color=colour, label=name)  # fmt: skip
        for level in self.levels:
            axes.axhline(level.x, color=level.colour, linewidth=1.2, label=level.name,
                         linestyle=(0, (4, 3)) if level.dashed else "-")  # fmt: skip
        if self.diagonal is not None:
            axes.plot([0, max(ends)], [0, max(ends)], color=SOFT, linewidth=0.9,
                      label=self.diagonal)  # fmt: skip
        axes.set_ylim(bottom=0)
        axes.set_xlim(left=max(0.0, min(ends) - 0.06 * max(ends)), right=1.04 * max(ends))
        axes.set_xlabel(self.across)
        axes.set_ylabel(self.up)
        axes.grid()
        figure.legend(loc="outside upper left", ncols=2)


@dataclass(frozen=True, slots=True)
class Stacked:
    """Horizontal bars, one a row, made of parts with the colours of `parts`."""

    parts: tuple[tuple[str, str], ...]
    rows: tuple[tuple[str, tuple[int, ...]], ...]
    across: str

    @property
    def size(self) -> tuple[float, float]:
        return 4.7, min(8.0, 1.1 + 0.26 * len(self.rows))

    def draw(self, figure: Any) -> None:
        axes = figure.add_subplot()
        places = list(range(len(self.rows)))
        left = [0] * len(self.rows)
        for k, (name, colour) in enumerate(self.parts):
            widths = [counts[k] for _, counts in self.rows]
            if any(widths):
                axes.barh(places, widths, left=left, color=colour, label=name, height=0.72)
            left = [a + b for a, b in zip(left, widths, strict=True)]
        axes.set_yticks(places, [brief(name) for name, _ in self.rows])
        axes.invert_yaxis()
        axes.set_xlabel(self.across)
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.grid(axis="x")
        axes.tick_params(axis="y", length=0)
        figure.legend(loc="outside upper left", ncols=4)


@dataclass(frozen=True, slots=True)
class Series:
    """Points (xs, ys) with a name: `style` is a line, points on a line, or a step up after each
    point. Without a name it is not in the legend."""

    name: str
    xs: tuple[float, ...]
    ys: tuple[float, ...]
    style: Literal["line", "dashed", "dashdot", "dotted", "marked", "step"] = "marked"
    colour: int | None = None


LINES: dict[str, dict[str, Any]] = {
    "line": {"linestyle": "-", "linewidth": 1.4},
    "dashed": {"linestyle": (0, (5, 3)), "linewidth": 1.1},
    "dotted": {"linestyle": (0, (1, 2)), "linewidth": 1.3},
    "step": {"linestyle": "-", "linewidth": 2.0, "drawstyle": "steps-post"},
    "dashdot": {"linestyle": (0, (6, 2, 1, 2)), "linewidth": 1.1},
    "marked": {"linestyle": "-", "linewidth": 1.0, "markersize": 4},
}
MARKERS = "osD^vP*X<>"


@dataclass(frozen=True, slots=True)
class Curves:
    """Series over one another, with logarithmic axes where asked."""

    series: tuple[Series, ...]
    across: str
    up: str
    log_x: bool = True
    log_y: bool = True
    size: tuple[float, float] = (4.7, 3.4)

    def draw(self, figure: Any) -> None:
        axes = figure.add_subplot()
        for k, one in enumerate(self.series):
            colour = one.colour if one.colour is not None else k
            style = dict(LINES[one.style])
            if one.style == "marked":
                style["marker"] = MARKERS[(colour // len(SERIES) + colour) % len(MARKERS)]
            axes.plot(one.xs, one.ys, color=SERIES[colour % len(SERIES)],
                      label=one.name or "_", **style)  # fmt: skip
        if self.log_x:
            axes.set_xscale("log")
            _logarithmic(axes.xaxis)
        if self.log_y:
            axes.set_yscale("log")
            _logarithmic(axes.yaxis)
        axes.set_xlabel(self.across)
        axes.set_ylabel(self.up)
        axes.grid()
        beside = len(self.series) > 6
        figure.legend(
            loc="outside right upper" if beside and self.size[0] > 6 else "outside lower left",
            ncols=1 if beside and self.size[0] > 6 else 2,
        )


@dataclass(frozen=True, slots=True)
class Matrix:
    """A number for each pair of names; None where there is none.

    Small numbers are strong, or large ones if `more_is_stronger`. `columns` are the names across,
    the same as those of the rows if there are none.
    """

    names: tuple[str, ...]
    values: tuple[tuple[float | None, ...], ...]
    title: str
    columns: tuple[str, ...] = ()
    more_is_stronger: bool = False

    @property
    def size(self) -> tuple[float, float]:
        across = self.columns or self.names
        side = max(0.32, min(0.42, 4.2 / max(len(across), len(self.names))))  # of a square
        left, below = (0.3 + 0.075 * max(len(brief(name, _LABEL)) for name in names)
                       for names in (self.names, across))  # fmt: skip
        left = max(left, 0.9 * below - side / 2)  # a slanted name reaches as far as it goes down
        return max(2.9, left + side * len(across)), 0.55 + side * len(self.names) + below

    def draw(self, figure: Any) -> None:
        axes = figure.add_subplot()
        across = self.columns or self.names
        known = [value for row in self.values for value in row if value is not None]
        low, high = min(known, default=0.0), max(known, default=1.0)
        for i, row in enumerate(self.values):
            for j, value in enumerate(row):
                if value is None:
                    continue
                share = (value - low) / (high - low) if high > low else 0.5
                strength = share if self.more_is_stronger else 1 - share
                axes.add_patch(_square(j, i, 0.08 + 0.6 * strength))
                axes.text(j, i, f"{value:.3g}", ha="center", va="center",
                          fontsize=6.5 if len(across) > 7 else 8)  # fmt: skip
        axes.set_xlim(-0.5, len(across) - 0.5)
        axes.set_ylim(len(self.names) - 0.5, -0.5)
        axes.set_aspect("equal")
        labels = [brief(name, _LABEL) for name in across]
        slanted: dict[str, Any] = {"rotation": 45, "ha": "right", "rotation_mode": "anchor"}
        axes.set_xticks(
            range(len(labels)), labels, **(slanted if max(map(len, labels)) > 3 else {})
        )
        axes.set_yticks(range(len(self.names)), [brief(name, _LABEL) for name in self.names])
        axes.tick_params(length=0)
        figure.suptitle(self.title, x=0.02, ha="left", fontsize=9, color=SOFT)
        for spine in axes.spines.values():
            spine.set_visible(False)


def _square(x: float, y: float, strength: float) -> Any:
    from matplotlib.patches import Rectangle

    return Rectangle(
        (x - 0.48, y - 0.48), 0.96, 0.96, facecolor=SERIES[0], alpha=strength, linewidth=0
    )


@dataclass(frozen=True, slots=True)
class Chords:
    """Samples on a circle, by class, and lines between those that conflict; thick is close.

    groups: (name, number of samples); edges: (first, second, closeness in [0, 1]) in places along
    the circle.
    """

    groups: tuple[tuple[str, int], ...]
    edges: tuple[tuple[int, int, float], ...]
    size: tuple[float, float] = (4.7, 4.0)

    def draw(self, figure: Any) -> None:
        axes = figure.add_subplot()
        total = sum(count for _, count in self.groups)
        gap = 0.06 * 2 * math.pi / max(1, len(self.groups))
        free = 2 * math.pi - gap * len(self.groups)
        angles: list[float] = []
        at = math.pi / 2
        for k, (name, count) in enumerate(self.groups):
            colour = SERIES[k % len(SERIES)]
            own = [at - free * (j + 0.5) / total for j in range(count)]
            ends = [at, at - free * count / total]
            steps = [ends[0] + (ends[1] - ends[0]) * t / 40 for t in range(41)]
            axes.plot([math.cos(a) for a in steps], [math.sin(a) for a in steps],
                      color=colour, linewidth=4, solid_capstyle="butt")  # fmt: skip
            middle = (ends[0] + ends[1]) / 2
            axes.text(1.1 * math.cos(middle), 1.1 * math.sin(middle), brief(name, 12),
                      ha="left" if math.cos(middle) > 0.1 else
                      "right" if math.cos(middle) < -0.1 else "center",
                      va="center")  # fmt: skip
            angles += own
            at = ends[1] - gap
        for first, second, closeness in self.edges:
            xs, ys = _bent(angles[first], angles[second])
            axes.plot(xs, ys, color=INK, alpha=0.25 + 0.6 * closeness,
                      linewidth=0.4 + 1.0 * closeness)  # fmt: skip
        axes.set_aspect("equal")
        axes.set_xlim(-1.4, 1.4)
        axes.set_ylim(-1.18, 1.18)
        axes.set_axis_off()


def _bent(first: float, second: float) -> tuple[list[float], list[float]]:
    """A chord between two angles, drawn towards the middle."""
    a, b = (0.96 * math.cos(first), 0.96 * math.sin(first)), (
        0.96 * math.cos(second), 0.96 * math.sin(second))  # fmt: skip
    middle = ((a[0] + b[0]) * 0.2, (a[1] + b[1]) * 0.2)
    steps = [k / 16 for k in range(17)]
    xs, ys = (
        [(1 - t) ** 2 * a[d] + 2 * t * (1 - t) * middle[d] + t * t * b[d] for t in steps]
        for d in (0, 1)
    )
    return xs, ys


def brief(name: str, most: int = 18) -> str:
    """The name on one line, cut where it is long."""
    flat = " ".join(name.split())
    return flat if len(flat) <= most else flat[: most - 1] + "\N{HORIZONTAL ELLIPSIS}"


@dataclass(frozen=True, slots=True)
class Tree:
    """Nodes at (x, depth), each of a kind, joined to their parents (None at the root)."""

    nodes: tuple[tuple[float, int, str, int | None], ...]
    kinds: tuple[tuple[str, str], ...]

    @property
    def size(self) -> tuple[float, float]:
        wide = max(x for x, _, _, _ in self.nodes)
        deep = max(depth for _, depth, _, _ in self.nodes)
        return min(10.0, max(3.6, 1.2 + 0.22 * wide)), min(8.0, 1.2 + 0.34 * deep)

    def draw(self, figure: Any) -> None:
        axes = figure.add_subplot()
        for x, depth, _, parent in self.nodes:
            if parent is not None:
                above = self.nodes[parent]
                axes.plot([above[0], x], [above[1], depth], color=SOFT, linewidth=0.7, zorder=1)
        for k, (kind, name) in enumerate(self.kinds):
            own = [node for node in self.nodes if node[2] == kind]
            if own:
                axes.plot([n[0] for n in own], [n[1] for n in own], linestyle="none",
                          marker=MARKERS[k], markersize=5, color=SERIES[k], label=name,
                          zorder=2)  # fmt: skip
        axes.invert_yaxis()
        axes.set_axis_off()
        axes.margins(0.06)
        figure.legend(loc="outside upper left", ncols=3)

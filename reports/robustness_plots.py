"""Drawings of radii: certified samples over the radius, and radii by class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from reports.colours import INK, SERIES, SOFT
from reports.plots import LINES, MARKERS, Mark, brief


@dataclass(frozen=True, slots=True)
class Envelope:
    """Two step functions of the radius, which at xs[k] take their values until xs[k + 1]: `low` and
    above it `high`, of `total` samples; and a smooth curve beside them, where there is one. Without
    a name it stands alone."""

    name: str
    xs: tuple[float, ...]
    low: tuple[int, ...]
    high: tuple[int, ...]
    total: int
    fit: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Envelopes:
    """Shares of samples over the radius: what is proved, above it what is possible."""

    curves: tuple[Envelope, ...]
    across: str
    up: str
    marks: tuple[Mark, ...] = ()
    size: tuple[float, float] = (5.0, 3.2)

    def draw(self, figure: Any) -> None:
        axes = figure.add_subplot()
        end = 1.06 * max([x for curve in self.curves for x in curve.xs]
                         + [mark.x for mark in self.marks] + [1e-9])  # fmt: skip
        for k, curve in enumerate(self.curves):
            colour = SERIES[k % len(SERIES)]
            xs = [*curve.xs, max(end, curve.xs[-1])]
            low, high = (
                [value / curve.total for value in (*side, side[-1])]
                for side in (curve.low, curve.high)
            )
            axes.step(
                xs, low, where="post", color=colour, linewidth=1.6, label=curve.name or "proved"
            )
            if low != high:
                axes.fill_between(xs, low, high, step="post", color=colour, alpha=0.16,
                                  linewidth=0)  # fmt: skip
                most = f"{curve.name}: at most".removeprefix(": ")
                axes.step(xs, high, where="post", color=colour, linewidth=0.8,
                          linestyle=(0, (4, 2)), label=most)  # fmt: skip
            if curve.fit:
                axes.plot([x for x, _ in curve.fit], [y for _, y in curve.fit], color=SOFT,
                          label="log-normal, a fit", **LINES["dotted"])  # fmt: skip
        for mark in self.marks:
            axes.axvline(mark.x, color=mark.colour, linewidth=1.1, label=mark.name,
                         linestyle=(0, (4, 3)) if mark.dashed else "-")  # fmt: skip
        axes.set_xlim(0, end)
        axes.set_ylim(0, 1.03)
        axes.set_xlabel(self.across)
        axes.set_ylabel(self.up)
        axes.grid()
        figure.legend(loc="outside upper left", ncols=2)


@dataclass(frozen=True, slots=True)
class Strips:
    """Values by group, a mark each, side by side; a bar at the median of each group.

    groups: (name, ((low, high), ..)), an interval where they differ.
    """

    groups: tuple[tuple[str, tuple[tuple[float, float], ...]], ...]
    up: str
    marks: tuple[Mark, ...] = ()

    @property
    def size(self) -> tuple[float, float]:
        return min(9.0, max(4.0, 1.4 + 0.45 * len(self.groups))), 3.2

    def draw(self, figure: Any) -> None:
        axes = figure.add_subplot()
        for k, (_, ends) in enumerate(self.groups):
            colour, count = SERIES[k % len(SERIES)], len(ends)
            order = sorted(ends)
            places = [k + (0.0 if count < 2 else 0.6 * (j / (count - 1) - 0.5))
                      for j in range(count)]  # fmt: skip
            axes.vlines(places, [low for low, _ in order], [high for _, high in order],
                        color=colour, linewidth=1.0)  # fmt: skip
            axes.plot(places, [low for low, _ in order], linestyle="none",
                      marker=MARKERS[k % len(MARKERS)], markersize=3.4, color=colour)  # fmt: skip
            if count:
                middle = order[(count - 1) // 2][0]
                axes.plot([k - 0.36, k + 0.36], [middle, middle], color=INK, linewidth=1.4)
        for mark in self.marks:
            axes.axhline(mark.x, color=mark.colour, linewidth=1.0, label=mark.name,
                         linestyle=(0, (4, 3)) if mark.dashed else "-")  # fmt: skip
        names = [brief(name, 10) for name, _ in self.groups]
        axes.set_xticks(range(len(names)), names, rotation=0 if len(names) <= 10 else 60)
        axes.set_xlim(-0.7, len(names) - 0.3)
        axes.set_ylim(bottom=0)
        axes.set_ylabel(self.up)
        axes.grid(axis="y")
        if self.marks:
            figure.legend(loc="outside upper left", ncols=2)


@dataclass(frozen=True, slots=True)
class Band:
    """Straight bounds between the places `xs`: `low`, and `high` where there is one above."""

    name: str
    xs: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...] | None


@dataclass(frozen=True, slots=True)
class Bands:
    """Bounds over a parameter, shaded between both, and lines (name, ys) to set them against."""

    bands: tuple[Band, ...]
    lines: tuple[tuple[str, tuple[float, ...]], ...]
    across: str
    up: str
    size: tuple[float, float] = (4.7, 3.4)

    def draw(self, figure: Any) -> None:
        axes = figure.add_subplot()
        xs = self.bands[0].xs
        for name, ys in self.lines:
            axes.plot(xs, ys, color=SOFT, linestyle=(0, (4, 3)), linewidth=0.9)
            axes.annotate(brief(name, 14), (xs[0], ys[0]), xytext=(4, 3), fontsize=7.5,
                          textcoords="offset points", color=SOFT)  # fmt: skip
        for k, band in enumerate(self.bands):
            colour = SERIES[k % len(SERIES)]
            axes.plot(band.xs, band.low, color=colour, linewidth=1.6, label=band.name,
                      marker=MARKERS[k % len(MARKERS)], markersize=3.4)  # fmt: skip
            if band.high is not None:
                axes.plot(band.xs, band.high, color=colour, linewidth=1.6)
                axes.fill_between(band.xs, band.low, band.high, color=colour, alpha=0.2,
                                  linewidth=0)  # fmt: skip
        axes.set_xlabel(self.across)
        axes.set_ylabel(self.up)
        axes.grid()
        figure.legend(loc="outside upper left", ncols=2)

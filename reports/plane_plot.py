"""A plane of labels as a drawing, and as data for the page's own hover and slider."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from reports.colours import BAD, EXACT_AREA, INK, OTHER_AREA, SERIES, SOFT
from reports.plots import MARKERS, brief

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Ball:
    """A sample at (x, y) with its label, around which the ball is drawn."""

    x: float
    y: float
    label: int


@dataclass(frozen=True, slots=True)
class Plane:
    """Areas by label with balls, samples and flips on top, in Euclidean coordinates.

    areas: (label, exact, outlines with the area to their left); kinks: segments. `outline` is the
    section of the ball of radius 1, None for a circle. flips: (x, y, x of its sample, y). marks:
    points with their names. `domain` is the outline of the inputs that count, none if all do.
    `symbols` are short for `names`. `places`: where the name of a label may be written, the best
    place first; it is written at the first that no other name covers.
    `edges`: segments, drawn as the outlines of balls are.
    """

    labels: tuple[str, ...]
    areas: tuple[tuple[int, bool, tuple[tuple[Point, ...], ...]], ...]
    kinks: tuple[tuple[Point, Point], ...]
    outline: tuple[Point, ...] | None
    radius: float
    balls: tuple[Ball, ...]
    flips: tuple[tuple[float, float, float, float], ...]
    marks: tuple[tuple[float, float, str], ...]
    domain: tuple[Point, ...]
    lower: Point
    upper: Point
    names: tuple[str, str]
    symbols: tuple[str, str]
    places: tuple[tuple[float, float, int], ...] = ()
    edges: tuple[tuple[Point, Point], ...] = ()

    @property
    def size(self) -> tuple[float, float]:
        tall = (self.upper[1] - self.lower[1]) / (self.upper[0] - self.lower[0])
        return 5.0, min(7.5, max(2.4, 0.6 + 4.4 * tall))

    def draw(self, figure: Any) -> None:
        axes = figure.add_subplot()
        self._draw_areas(axes)
        self._draw_points(axes)
        axes.set_xlim(self.lower[0], self.upper[0])
        axes.set_ylim(self.lower[1], self.upper[1])
        axes.set_aspect("equal")
        axes.set_xlabel(self.names[0])
        axes.set_ylabel(self.names[1])
        figure.legend(loc="outside upper left", ncols=5)
        self._name_areas(figure, axes)

    def _name_areas(self, figure: Any, axes: Any) -> None:
        """Once everything else has its place. A name without a free one is in the legend alone."""
        if not self.places:
            return
        figure.draw_without_rendering()
        covered = [mark.get_window_extent() for mark in axes.texts]
        named: set[int] = set()
        for x, y, label in self.places:
            if label in named:
                continue
            text = axes.text(x, y, brief(self.labels[label]), ha="center", va="center", color=SOFT)
            extent = text.get_window_extent()
            if any(extent.overlaps(other) for other in covered):
                text.remove()
            else:
                covered.append(extent)
                named.add(label)

    def _draw_areas(self, axes: Any) -> None:
        from matplotlib.patches import PathPatch

        named = {ball.label for ball in self.balls}
        for label, exact, outlines in sorted(self.areas, key=lambda area: area[:2]):
            name = brief(self.labels[label]) if label not in named else None
            axes.add_patch(
                PathPatch(joined(outlines), facecolor=SERIES[label % len(SERIES)],
                          alpha=EXACT_AREA if exact else OTHER_AREA, linewidth=0, label=name)
            )  # fmt: skip
            named.add(label)
        if self.kinks:
            patch = PathPatch(_segments(self.kinks), fill=False, edgecolor=SOFT, alpha=0.55,
                              linewidth=0.35)  # fmt: skip
            patch.set_gid("kinks")
            axes.add_patch(patch)
        borders = PathPatch(joined([o for _, _, outlines in self.areas for o in outlines]),
                            fill=False, edgecolor=INK, alpha=0.7, linewidth=0.5)  # fmt: skip
        axes.add_patch(borders)
        if self.domain:
            axes.add_patch(PathPatch(joined([self.domain]), fill=False, edgecolor=SOFT,
                                     linewidth=0.9, linestyle=(0, (4, 3))))  # fmt: skip

    def _draw_points(self, axes: Any) -> None:
        from matplotlib.patches import PathPatch
        from matplotlib.path import Path

        for label, name in enumerate(self.labels):
            own = [(ball.x, ball.y) for ball in self.balls if ball.label == label]
            if own:
                axes.plot([x for x, _ in own], [y for _, y in own], linestyle="none",
                          marker=MARKERS[label % len(MARKERS)], markersize=3.4,
                          color=SERIES[label % len(SERIES)], label=brief(name))  # fmt: skip
        if self.balls and self.radius > 0:
            outlines = [self._ball(ball) for ball in self.balls]
            patch = PathPatch(Path.make_compound_path(*outlines), fill=False, edgecolor=INK,
                              linewidth=0.9)  # fmt: skip
            patch.set_gid("balls")
            axes.add_patch(patch)
        if self.edges:
            axes.add_patch(
                PathPatch(_segments(self.edges), fill=False, edgecolor=INK, linewidth=0.9)
            )
        for x, y, of_x, of_y in self.flips:
            axes.plot([of_x, x], [of_y, y], color=BAD, linewidth=0.9)
        if self.flips:
            axes.plot([f[0] for f in self.flips], [f[1] for f in self.flips], linestyle="none",
                      marker="X", markersize=5, color=BAD, label="flip")  # fmt: skip
        middle = (self.lower[0] + self.upper[0]) / 2
        for x, y, name in self.marks:
            axes.plot([x], [y], linestyle="none", marker="+", markersize=6, color=INK)
            right = x <= middle
            flip = any((x, y) == end[:2] for end in self.flips)  # close to its sample: below it
            axes.annotate(name, (x, y), xytext=(5 if right else -5, -12 if flip else 4),
                          fontsize=8, textcoords="offset points",
                          ha="left" if right else "right")  # fmt: skip

    def _ball(self, ball: Ball) -> Any:
        from matplotlib.path import Path

        if self.outline is None:
            return Path.circle((ball.x, ball.y), self.radius)
        return joined([[(ball.x + self.radius * x, ball.y + self.radius * y)
                        for x, y in self.outline]])  # fmt: skip


def joined(shapes: Sequence[Sequence[Point]]) -> Any:
    """Closed polygons as one path."""
    from matplotlib.path import Path

    vertices: list[Point] = []
    codes: list[int] = []
    for shape in shapes:
        vertices += [*shape, shape[0]]
        codes += [int(Path.MOVETO), *[int(Path.LINETO)] * (len(shape) - 1), int(Path.CLOSEPOLY)]
    return Path(vertices, codes)


def _segments(segments: Sequence[tuple[Point, Point]]) -> Any:
    from matplotlib.path import Path

    codes = [int(Path.MOVETO), int(Path.LINETO)] * len(segments)
    return Path([end for segment in segments for end in segment], codes)


@dataclass(frozen=True, slots=True)
class Live:
    """What the page's script needs to tell of a point where it lies, and to draw other balls.

    pieces: (label, exact, vertices, outputs as a x + b y + c); none where they are too many. cells:
    they are cells of a raster, read at their middles. known: for each ball the radius that is
    proved, the distance of a flip or None, and whether they are the same. All in floats, to be
    drawn.
    """

    plot: Plane
    pieces: tuple[tuple[int, bool, tuple[Point, ...], tuple[tuple[float, ...], ...]], ...]
    known: tuple[tuple[float, float | None, bool], ...]
    cells: bool = False

    def data(self, frame: tuple[float, float, float, float]) -> dict[str, Any]:
        """The same for the script; `frame` is where `lower` and `upper` stand in the drawing."""
        plot = self.plot
        span = max(plot.upper[0] - plot.lower[0], plot.upper[1] - plot.lower[1])
        digits = max(0, 4 - math.floor(math.log10(span)))

        def short(values: Sequence[float]) -> list[float]:
            return [round(value, digits) for value in values]

        reach = [up for _, up, _ in self.known if up is not None]
        reach += [low for low, _, _ in self.known]
        most = max([2 * plot.radius, *reach, span / 50])
        return {
            "frame": [round(x, 2) for x in frame],
            "lower": plot.lower,
            "upper": plot.upper,
            "names": plot.names,
            "symbols": plot.symbols,
            "labels": plot.labels,
            "outline": None if plot.outline is None else [short(p) for p in plot.outline],
            "cells": self.cells,
            "radius": plot.radius,
            "most": float(f"{min(most, span):.3g}"),
            "balls": [[*short((ball.x, ball.y)), ball.label] for ball in plot.balls],
            "known": [[float(f"{low:.6g}"), None if up is None else float(f"{up:.6g}"), same]
                      for low, up, same in self.known],
            "pieces": [
                [label, exact, short([x for vertex in vertices for x in vertex]),
                 [[float(f"{value:.4g}") for value in form] for form in outputs]]
                for label, exact, vertices, outputs in self.pieces
            ],
        }  # fmt: skip

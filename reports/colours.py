"""The colours of everything that is drawn or written, and the variables of a page that they become.

The ten of a series stand for classes, verdicts and curves. Of each theme, any two of them differ by
nine or more of CIEDE2000 to readers with protanopia, deuteranopia and tritanopia too, those of
verdicts by fifteen, and each stands out against paper and cards by 3:1, text by 4.5:1; a test
computes it. Figures are drawn light; within a page they take the variables.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Theme:
    """Ink, its softer kind, lines, paper and cards; the series; and what lies below a verdict, of
    what is good, bad and doubtful."""

    ink: str
    soft: str
    line: str
    paper: str
    card: str
    series: tuple[str, ...]
    washes: tuple[str, str, str]


GOOD_AT, WARN_AT, BAD_AT = 2, 4, 5  # in a series
LIGHT = Theme(
    "#1d1d1b", "#62625c", "#dcdcd6", "#ffffff", "#f7f7f5",
    (
        "#1f3da4", "#d3770f", "#007a77", "#734dce", "#7e6c03",
        "#8d2036", "#008dd8", "#5a5958", "#ae6da0", "#829259",
    ),
    ("#e4f3f2", "#f9eaed", "#f7f2dc"),
)  # fmt: skip
DARK = Theme(
    "#e8e8e4", "#a3a39b", "#383b40", "#161719", "#1f2124",
    (
        "#43a6fe", "#fc9350", "#38f3d3", "#8865e8", "#ffd747",
        "#fc536f", "#0090a5", "#a6a29a", "#c03773", "#b4fea4",
    ),
    ("#12302c", "#36171d", "#332c13"),
)  # fmt: skip

INK, SOFT, LINE, PAPER, SERIES = LIGHT.ink, LIGHT.soft, LIGHT.line, LIGHT.paper, LIGHT.series
GOOD, WARN, BAD = SERIES[GOOD_AT], SERIES[WARN_AT], SERIES[BAD_AT]
UP, DOWN = SERIES[1], SERIES[0]  # a coordinate that rises, one that falls
EXACT_AREA, OTHER_AREA = 0.42, 0.2  # how much of its colour the area of a label has
VARIABLES: Mapping[str, str] = {
    INK: "--ink", SOFT: "--soft", LINE: "--line", PAPER: "--paper",
    **{colour: f"--c{k}" for k, colour in enumerate(SERIES)},
}  # fmt: skip


def declarations(theme: Theme) -> str:
    """The variables of a style sheet."""
    named = {"paper": theme.paper, "card": theme.card, "ink": theme.ink, "soft": theme.soft,
             "line": theme.line}  # fmt: skip
    named |= {f"c{k}": colour for k, colour in enumerate(theme.series)}
    roles = {"accent": 0, "good": GOOD_AT, "bad": BAD_AT, "warn": WARN_AT}
    named |= {role: f"var(--c{place})" for role, place in roles.items()}
    named |= {f"{role}-wash": wash for role, wash in zip(("good", "bad", "warn"), theme.washes,
                                                         strict=True)}  # fmt: skip
    return " ".join(f"--{name}: {value};" for name, value in named.items())

"""The colours of drawings, and the variables of a page's style sheet that they become there."""

from __future__ import annotations

from collections.abc import Mapping

INK, SOFT, LINE, PAPER = "#1d1d1b", "#62625c", "#dcdcd6", "#ffffff"
SERIES = (
    "#2b5f9e", "#c4622d", "#1a7f4b", "#8a4b9b", "#96660a",
    "#b8322a", "#26808f", "#6d6d66", "#ad3f76", "#5d7c1e",
)  # fmt: skip
GOOD, WARN, BAD = SERIES[2], SERIES[4], SERIES[5]
VARIABLES: Mapping[str, str] = {
    INK: "--ink", SOFT: "--soft", LINE: "--line", PAPER: "--paper",
    **{colour: f"--c{k}" for k, colour in enumerate(SERIES)},
}  # fmt: skip

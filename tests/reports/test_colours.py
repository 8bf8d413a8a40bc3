"""Colours that carry a meaning are told apart by every reader, stand out, and have one source."""

from __future__ import annotations

import re
from itertools import combinations
from pathlib import Path

import pytest

from reports import colours
from reports.colours import (
    BAD_AT,
    DARK,
    EXACT_AREA,
    GOOD_AT,
    LIGHT,
    SERIES,
    VARIABLES,
    WARN_AT,
    Theme,
)
from reports.html import environment
from reports.run_figures import STATES
from tests.oracles.colour_vision import SEEN, ciede2000, contrast, difference, over

ROOT = Path(__file__).parents[2]
THEMES = [pytest.param(LIGHT, id="light"), pytest.param(DARK, id="dark")]
VERDICTS = (GOOD_AT, WARN_AT, BAD_AT)


@pytest.mark.parametrize(
    ("first", "second", "published"),
    [
        ((50, 2.6772, -79.7751), (50, 0, -82.7485), 2.0425),
        ((50, 3.1571, -77.2803), (50, 0, -82.7485), 2.8615),
        ((50, 2.5, 0), (50, 0, -2.5), 4.3065),
        ((50, 2.5, 0), (73, 25, -18), 27.1492),
        ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
        ((63.0109, -31.0961, -5.8663), (62.8187, -29.7946, -4.0864), 1.2630),
        ((2.0776, 0.0795, -1.1350), (0.9033, -0.0636, -0.5514), 0.9082),
    ],
)  # fmt: skip
def test_differences_are_the_published_ones(first, second, published):
    """Table 1 of Sharma, Wu and Dalal, 2005."""
    assert ciede2000(first, second) == pytest.approx(published, abs=1e-4)
    assert ciede2000(second, first) == pytest.approx(published, abs=1e-4)


def test_red_beside_green_is_refused():
    """The measure tells what it is for: colours of equal lightness that only hue sets apart."""
    assert difference("#b8322a", "#5d7c1e", "all") > 40
    assert difference("#b8322a", "#5d7c1e", "deuteranopia") < 2


@pytest.mark.parametrize("seen", SEEN)
@pytest.mark.parametrize("theme", THEMES)
def test_every_pair_is_told_apart(theme: Theme, seen: str):
    for first, second in combinations(range(len(theme.series)), 2):
        one, other = theme.series[first], theme.series[second]
        least = 15 if {first, second} <= set(VERDICTS) else 9
        assert difference(one, other, seen) >= least, (first, second)


@pytest.mark.parametrize("seen", SEEN)
@pytest.mark.parametrize("theme", THEMES)
def test_areas_of_the_first_labels_are_told_apart(theme: Theme, seen: str):
    """An area has part of its colour alone; more labels than four have names and marks as well."""
    areas = [over(colour, theme.paper, EXACT_AREA) for colour in theme.series[:4]]
    for one, other in combinations(areas, 2):
        assert difference(one, other, seen) >= 3


@pytest.mark.parametrize("theme", THEMES)
def test_colours_stand_out(theme: Theme):
    for paper in (theme.paper, theme.card):
        for colour in theme.series:
            assert contrast(colour, paper) >= 3
        for text in (theme.ink, theme.soft, theme.series[0]):  # the first is that of links
            assert contrast(text, paper) >= 4.5
    for place, wash in zip((GOOD_AT, BAD_AT, WARN_AT), theme.washes, strict=True):
        for paper in (theme.paper, theme.card, wash):
            assert contrast(theme.series[place], paper) >= 4.5
        assert contrast(theme.ink, wash) >= 7


def test_verdicts_have_a_colour_each():
    shown = [colour for _, colour in STATES]
    assert len(set(shown)) == len(shown) and set(shown) <= set(SERIES)


def test_a_page_has_the_variables_of_both_themes():
    style = environment().get_template("style.css").render()
    for theme in (LIGHT, DARK):
        assert colours.declarations(theme) in style
    assert style.count("prefers-color-scheme") == 1
    assert "@media screen and (prefers-color-scheme: dark)" in style  # paper is white
    for variable in VARIABLES.values():
        assert f"{variable}: #" in style


def test_no_colour_has_a_second_source():
    places = [*ROOT.glob("reports/*.py"), *ROOT.glob("reports/templates/*"),
              *ROOT.glob("tools/*.py"), *ROOT.glob("verifier/**/*.py")]  # fmt: skip
    for place in places:
        if place.name != "colours.py":
            found = re.findall(r"#(?:[0-9a-fA-F]{3}){1,2}\b", place.read_text(encoding="utf-8"))
            assert set(found) <= {"#fff", "#000"}, place  # paper and ink of print
            assert "rgb(" not in place.read_text(encoding="utf-8"), place


def test_what_is_drawn_has_no_other_colour():
    known = {*VARIABLES, "#000000"}  # black is what an SVG has where nothing is said
    drawn = [*ROOT.glob("reports/gallery/*/figures/*.svg"), *ROOT.glob("docs/pictures/*.svg")]
    assert drawn
    for place in drawn:
        assert set(re.findall(r"#[0-9a-f]{6}\b", place.read_text())) <= known, place

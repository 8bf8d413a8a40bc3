"""What comes back is short on a line, and a small table in a notebook."""

from __future__ import annotations

from fractions import Fraction

import pytest

import robmem

POINT = [Fraction(k, 997) for k in range(64)]
NETWORK = robmem.load_network(([[POINT, [1] * 64]], [[0, -1]]))
DATA = robmem.Dataset.from_arrays([POINT, [0] * 64], ["a<b", "c"])
BALL = robmem.Ball(POINT, "0.01")


@pytest.fixture(scope="module")
def values(tmp_path_factory):
    found = robmem.radius(NETWORK, DATA, 0, within="1/8")
    summary = robmem.certify(DATA, NETWORK, "0.001", folder=tmp_path_factory.mktemp("s") / "run")
    query = robmem.question(NETWORK, BALL, 0)
    searched = robmem.search(NETWORK, DATA, 5)
    return [
        BALL, robmem.Box(POINT, POINT), NETWORK, DATA, query, found, found.flip, summary,
        *searched, robmem.verify(NETWORK, BALL, 0), robmem.verify(NETWORK, BALL, 1),
        robmem.margin(NETWORK, BALL, 0, within=1), robmem.Undecided("timeout"), BALL.region,
        robmem.construct("linf", DATA, ratio="1/2"),
    ]  # fmt: skip


def test_reprs_are_short_and_on_one_line(values):
    for value in values:
        assert 5 < len(repr(value)) < 700 and "\n" not in repr(value), value
        assert "=" in repr(value)
    assert len(repr(NETWORK)) < 120 and len(repr(DATA)) < 120


def test_tables_of_notebooks_escape_what_they_show(values):
    for value in values:
        if not isinstance(value, robmem.Ball | robmem.Box):
            shown = value._repr_html_()
            assert shown.startswith("<table>") and "a<b" not in shown
    assert "a&lt;b" in DATA._repr_html_()


def test_a_run_has_a_row_a_sample(values):
    summary = next(value for value in values if isinstance(value, robmem.Summary))
    rows = summary.rows()
    assert [row["sample"] for row in rows] == [0, 1]
    assert {row["label"] for row in rows} == {"a<b", "c"}
    assert all(row["state"] in ("robust", "misread", "flip") for row in rows)
    try:
        import pandas  # noqa: F401
    except ModuleNotFoundError:
        with pytest.raises(robmem.UserError, match="pip install pandas"):
            summary.to_frame()
    else:
        assert list(summary.to_frame()["sample"]) == [0, 1]

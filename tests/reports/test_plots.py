"""What a drawing says can be read: no text is cut off, no two names look the same."""

from __future__ import annotations

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

from reports.colours import INK
from reports.html import _tile_row
from reports.plots import Histogram, Matrix

OUTPUTS = ("output above 1", "output below 0", "output below 1", "output below 2")
TITLE = "label (row), read instead (column)"


@pytest.mark.parametrize(
    ("names", "columns"),
    [
        (("A", "B", "C"), OUTPUTS),
        (("7",), ("7", "8")),
        (("setosa", "versicolor", "virginica"), ()),
        (tuple(map(str, range(10))), ()),
        (tuple("a name of many letters, and a number: " + str(k) for k in range(20)), ()),
    ],
    ids=["outputs", "one", "words", "digits", "long"],
)
def test_names_of_a_matrix_stay_on_it(names: tuple[str, ...], columns: tuple[str, ...]) -> None:
    values = tuple((None, *(1.0,) * (len(columns or names) - 1)) for _ in names)
    plot = Matrix(names, values, TITLE, columns, more_is_stronger=True)
    figure = Figure(figsize=plot.size, layout="constrained", dpi=100)
    canvas = FigureCanvasAgg(figure)
    plot.draw(figure)
    canvas.draw()
    texts = [text for text in figure.findobj(Text) if text.get_text() and text.get_visible()]
    assert {TITLE} < {text.get_text() for text in texts}
    whole = figure.bbox
    for text in texts:
        box = text.get_window_extent()
        assert whole.x0 - 1 <= box.x0 and box.x1 <= whole.x1 + 1, text
        assert whole.y0 - 1 <= box.y0 and box.y1 <= whole.y1 + 1, text
    if columns == OUTPUTS:
        assert set(OUTPUTS) <= {text.get_text() for text in texts}


@pytest.mark.parametrize(
    ("values", "ticks"),
    [
        ((3.0, 5_000.0), ["10", "100", "1000"]),
        ((3.0, 500_000.0), ["10", "10²", "10³", "10⁴", "10⁵"]),
        ((40_000.0, 300_000.0), ["5·10⁴", "10⁵", "2·10⁵"]),
    ],
)
def test_numbers_at_a_logarithmic_axis_are_written_alike(
    values: tuple[float, ...], ticks: list[str]
) -> None:
    plot = Histogram((("samples", INK, values),), "bytes", "samples", logarithmic=True)
    figure = Figure(figsize=plot.size, layout="constrained", dpi=100)
    plot.draw(figure)
    FigureCanvasAgg(figure).draw()
    (axis,) = (axes.xaxis for axes in figure.axes)
    low, high = axis.get_view_interval()
    seen = [tick for tick in axis.get_major_ticks() if low <= tick.get_loc() <= high]
    assert [tick.label1.get_text() for tick in seen] == ticks


def test_tiles_are_as_wide_as_what_they_carry() -> None:
    assert [_tile_row(count) for count in (1, 5, 6, 7, 8, 11)] == [1, 5, 3, 4, 4, 4]

"""Pages in a browser, at two widths: what is visible, no errors, no request to anywhere else."""

from __future__ import annotations

import json
import os
import re
import shutil
import threading
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from reports.document import Document, Section, Table
from reports.run_report import run_report, runs_report
from reports.serve import server
from reports.stored_run import read_run
from reports.write import write_report
from tests.oracles.gallery import ENTRIES, FOLDER
from tests.oracles.report_runs import HOSTILE, kinds, sealed, started, with_flip
from verifier.runs.place import find_run

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]


FLAGS = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Callable[[], Any]]:
    """Starts a browser, each time another."""
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        pytest.skip("no chromium on this machine (apt-get install chromium)")
    try:
        playwright = import_module("playwright.sync_api")
    except ImportError:
        pytest.skip("no playwright (pip install '.[browser]')")
    with playwright.sync_playwright() as running:
        yield lambda: running.chromium.launch(executable_path=program, args=FLAGS)


@pytest.fixture(scope="module")
def browser(chromium: Callable[[], Any]) -> Iterator[Any]:
    started = chromium()
    yield started
    started.close()


class Opened:
    """A page with what it complained about and whom it asked."""

    def __init__(self, browser: Any, width: int, scheme: str = "light") -> None:
        self.context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme=scheme
        )
        self.page = self.context.new_page()
        self.page.set_default_timeout(120_000)  # a busy machine is not a broken page
        self.errors: list[str] = []
        self.foreign: list[str] = []
        self.page.on("console", lambda message: self.errors.append(message.text))
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("dialog", lambda dialog: (self.errors.append("dialog"), dialog.dismiss()))
        self.page.on("request", self._asked)

    def _asked(self, request: Any) -> None:
        if not request.url.startswith(("file:", "data:", "http://127.0.0.1:")):
            self.foreign.append(request.url)

    def fits(self) -> bool:
        """Whether nothing stands out to the right."""
        return bool(self.page.evaluate("document.documentElement.scrollWidth <= innerWidth"))


@pytest.fixture(params=[390, 1280])
def opened(browser: Any, request: pytest.FixtureRequest) -> Iterator[Opened]:
    made = Opened(browser, request.param)
    yield made
    made.context.close()
    assert made.errors == []
    assert made.foreign == []


@pytest.mark.parametrize("kind", ["robust", "flips", "hostile"])
def test_the_page_is_whole(opened: Opened, tmp_path: Path, kind: str) -> None:
    folder = tmp_path / "run"
    if kind == "robust":
        sealed(folder)
    else:
        with_flip(folder, *([HOSTILE] if kind == "hostile" else []))
    write_report(run_report(read_run(find_run(folder))), tmp_path / "report")
    page = opened.page
    page.goto((tmp_path / "report" / "index.html").as_uri())
    assert page.locator("#claim").is_visible()
    assert page.locator("#claim").text_content().startswith(("✓", "✕"))
    assert opened.fits()
    for key in ("verdicts", "radii", "network", "trust", "reproduce", "samples"):
        assert page.locator(f"section#{key}").is_visible()
    assert page.locator("figure svg").count() >= 3
    for svg in page.locator("figure svg").all():
        assert svg.bounding_box()["height"] > 60
    head = page.locator("table.sortable th").first
    cells = page.locator("table.sortable tbody tr td:first-child")
    before = cells.all_text_contents()
    head.click()
    head.click()
    assert cells.all_text_contents() == before[::-1]
    if kind == "hostile":
        assert "<script>alert('data')</script>" in page.locator(".subtitle").text_content()


def test_an_unfinished_run_and_a_comparison_are_whole(opened: Opened, tmp_path: Path) -> None:
    started(tmp_path / "empty")
    runs = [read_run(find_run(path)) for path in (tmp_path / "empty", sealed(tmp_path / "six"))]
    for name, some in (("empty", runs[:1]), ("compared", runs)):
        write_report(runs_report(some), tmp_path / name / "report")
        page = opened.page
        page.goto((tmp_path / name / "report" / "index.html").as_uri())
        notice = page.get_by_role("alert")
        assert "not finished: 6 of 6 samples were not reached" in notice.text_content()
        assert notice.bounding_box()["y"] < page.locator("#claim").bounding_box()["y"]
        assert opened.fits()
    assert page.locator("section#runs th", has_text="six").first.is_visible()


@pytest.mark.parametrize("name", [entry.name for entry in ENTRIES])
def test_the_gallery_is_whole(opened: Opened, name: str) -> None:
    page = opened.page
    page.goto((FOLDER / name / "index.html").as_uri())
    assert page.locator("#claim").is_visible()
    assert opened.fits()
    for figure in page.locator("figure svg, .pictures img").all():
        assert figure.bounding_box()["height"] > 20


def test_what_is_cut_off_is_told_and_scrolls(opened: Opened, tmp_path: Path) -> None:
    """A hint counts the rows and columns that are seen whole, and is empty where all are; a heading
    sorts by the keyboard and says which way. A cell without a number stands below numbers."""
    columns = ("sample", "label", *(f"a long heading, number {k}" for k in range(8)))
    rows = tuple((k, "abc"[k % 3], *(k * (k + j) for j in range(8))) for k in range(40))
    tables = (Table("many", "Many.", columns, rows, sortable=True),
              Table("few", "Few.", ("a", "b"), ((1, 2), (None, 3))))  # fmt: skip
    document = Document("t", "s", "c", "plain", (), (Section("one", "One", tables),), {})
    write_report(document, tmp_path / "report")
    page = opened.page
    page.goto((tmp_path / "report" / "index.html").as_uri())
    hints = page.locator(".table .hint")
    many, few = hints.nth(0), hints.nth(1)
    assert few.text_content() == "" and opened.fits()
    empty = page.locator("table.short tbody tr").nth(1).locator("td").first
    assert empty.evaluate("cell => getComputedStyle(cell).textAlign") == "right"
    seen, wide = re.fullmatch(
        r"(\d+) of 40 rows, scroll; (\d+) of 10 columns, scroll sideways", many.text_content()
    ).groups()
    assert 5 < int(seen) < 40 and 1 <= int(wide) < 10
    head = page.locator("table.sortable th").nth(1)
    head.locator("button").focus()
    page.keyboard.press("Enter")
    assert head.get_attribute("aria-sort") == "ascending"
    labels = page.locator("table.sortable tbody td:nth-child(2)").all_text_contents()
    assert labels == sorted(labels)
    page.keyboard.press("Enter")
    assert head.get_attribute("aria-sort") == "descending"


def plane_page(folder: Path) -> str:
    """The address of a report with a plane on which one may point at pieces."""
    write_report(run_report(read_run(find_run(with_flip(folder / "run")))), folder / "report")
    return (folder / "report" / "index.html").as_uri()


def test_a_piece_is_told_where_one_points(opened: Opened, tmp_path: Path) -> None:
    """By mouse, by touch and by keys; the label and the output are those of the network there."""
    page = opened.page
    page.goto(plane_page(tmp_path))
    figure = page.locator("figure.live").first
    told = figure.locator("output.told")
    idle = told.text_content()
    figure.scroll_into_view_if_needed()
    drawing = figure.locator("svg").first
    data = json.loads(figure.locator("script").text_content())
    box, view = drawing.bounding_box(), drawing.evaluate("s => s.viewBox.baseVal.width")
    scale = box["width"] / view
    left, top, right, bottom = (x * scale for x in data["frame"])
    x, y = data["balls"][0][:2]
    across = left + (x - data["lower"][0]) / (data["upper"][0] - data["lower"][0]) * (right - left)
    down = bottom - (y - data["lower"][1]) / (data["upper"][1] - data["lower"][1]) * (bottom - top)
    at = {"clientX": round(box["x"] + across), "clientY": round(box["y"] + down)}
    page.mouse.move(*at.values())
    run = read_run(find_run(tmp_path / "run"))
    lines = told.text_content().splitlines()
    assert lines[1].startswith(f"label {run.label(0)}")
    output = float(run.outputs([run.dataset.point(0)])[0][0])
    assert float(lines[2].split()[-1].replace("\N{MINUS SIGN}", "-")) == pytest.approx(
        output, abs=0.2
    )
    assert figure.locator("path.lit").get_attribute("d")
    page.mouse.move(0, 0)
    assert told.text_content() == idle and not figure.locator("path.lit").get_attribute("d")
    drawing.dispatch_event("pointerdown", {**at, "pointerType": "touch"})
    assert told.text_content().splitlines() == lines
    figure.locator(".area").focus()
    page.keyboard.press("ArrowRight")
    assert told.text_content().splitlines()[0] != lines[0]
    page.keyboard.press("Escape")
    assert told.text_content() == idle


def test_other_balls_are_drawn_and_kinks_go(opened: Opened, tmp_path: Path) -> None:
    page = opened.page
    page.goto(plane_page(tmp_path))
    figure = page.locator("figure.live").first
    data = json.loads(figure.locator("script").text_content())
    slider, size = figure.locator("input[type=range]"), figure.locator("output.radius")
    assert float(size.text_content()) == pytest.approx(data["radius"])
    assert not figure.locator("path.ball.lost").get_attribute("d")
    slider.focus()
    page.keyboard.press("End")
    text = size.text_content()
    assert float(text.split(":")[0]) == pytest.approx(data["most"], rel=0.01)
    lost = sum(up is not None and up <= data["most"] for _, up, _ in data["known"])
    assert lost == 1 and f"{lost} with a flip" in text
    assert figure.locator("path.ball.lost").get_attribute("d")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert float(size.text_content()) == pytest.approx(data["radius"])
    assert not figure.locator("path.ball.lost").get_attribute("d")
    kinks = figure.locator("[id$='-kinks']")
    assert kinks.is_visible()
    figure.get_by_label("kinks").click()
    assert not kinks.is_visible()
    page.emulate_media(media="print")
    assert not figure.locator(".controls").is_visible()
    assert figure.locator("svg").first.is_visible()


@pytest.fixture(scope="module")
def axe() -> str:
    """The program of axe-core, from the folder of modules named by NODE_PATH."""
    folders = os.environ.get("NODE_PATH", "").split(os.pathsep)
    found = [Path(f) / "axe-core/axe.min.js" for f in folders if f]
    program = next((path for path in found if path.is_file()), None)
    if program is None:
        pytest.skip("no axe-core in NODE_PATH (npm install axe-core)")
    return program.read_text(encoding="utf-8")


SERVED = ("", "run/run", "run/run/sample/0", "run/six/sample/0", "run/far", "run/least",
          "run/far/sample/1", "run/every", "run/six/report")  # fmt: skip
RULES = ["wcag2a", "wcag2aa", "wcag21aa", "best-practice"]


@pytest.fixture(scope="module")
def addresses(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """A page with everything, the gallery, and what is served: the list of runs, runs of every
    kind, and samples of theirs."""
    folder = tmp_path_factory.mktemp("pages")
    (folder / "store").mkdir()
    kinds(folder / "store")
    with_flip(folder / "store/runs/run")
    sealed(folder / "store/runs/six")
    write_report(run_report(read_run(find_run(folder / "store/runs/run"))), folder / "page")
    with server(folder / "store/runs") as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.05,))
        thread.start()
        here = f"http://127.0.0.1:{running.server_address[1]}"
        yield {
            "page": (folder / "page/index.html").as_uri(),
            **{entry.name: (FOLDER / entry.name / "index.html").as_uri() for entry in ENTRIES},
            **{f"/{place}": f"{here}/{place}" for place in SERVED},
        }
        running.shutdown()
        thread.join()


@pytest.mark.parametrize(
    "name", ["page", *(entry.name for entry in ENTRIES), *(f"/{place}" for place in SERVED)]
)
def test_nothing_keeps_anybody_from_reading(
    chromium: Callable[[], Any], axe: str, addresses: dict[str, str], name: str
) -> None:
    """Contrast, names, keyboard: axe finds nothing, at two widths; in the dark, where colours alone
    are others, it looks at contrast. One browser a page, so that none dies of the pages before."""
    running = chromium()
    try:
        for width, scheme, rules in (
            (390, "light", RULES),
            (1280, "light", RULES),
            (1280, "dark", ["color-contrast"]),
        ):
            view = {"width": width, "height": 900}
            context = running.new_context(viewport=view, color_scheme=scheme, bypass_csp=True)
            page = context.new_page()
            page.set_default_timeout(0)  # how fast a machine is decides no test
            assert page.goto(addresses[name]).ok
            page.evaluate(axe)
            found = page.evaluate(
                "rules => axe.run(document, {runOnly: rules, resultTypes: ['violations']})", rules
            )
            assert found["passes"], "it looked at nothing"
            said = [(one["id"], one["nodes"][0]["html"][:100]) for one in found["violations"]]
            assert said == [], (width, scheme)
            context.close()
    finally:
        running.close()


def test_a_dark_page_is_dark(browser: Any, tmp_path: Path) -> None:
    write_report(run_report(read_run(find_run(sealed(tmp_path / "run")))), tmp_path / "report")
    made = Opened(browser, 1280, "dark")
    made.page.goto((tmp_path / "report" / "index.html").as_uri())
    colour = "getComputedStyle(document.querySelector('{}')).{}"
    assert made.page.evaluate(colour.format("body", "backgroundColor")) == "rgb(22, 23, 25)"
    ink = made.page.evaluate(colour.format("figure svg text", "fill"))
    assert min(int(part) for part in ink[4:-1].split(",")) > 140
    made.context.close()


def test_the_server_is_browsed(opened: Opened, tmp_path: Path) -> None:
    sealed(tmp_path / "store" / "six")
    with_flip(tmp_path / "store" / "odd <b>", HOSTILE)
    with server(tmp_path / "store") as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.05,))
        thread.start()
        try:
            page = opened.page
            page.goto(f"http://127.0.0.1:{running.server_address[1]}/")
            assert page.locator("tbody tr").count() == 2
            assert opened.fits()
            page.get_by_role("link", name="odd <b>").click()
            page.locator("select[name=state]").select_option("flip")
            page.get_by_role("button", name="show").click()
            assert page.locator("tbody tr").count() == 1
            assert opened.fits()
            page.locator("tbody a").first.click()
            assert page.get_by_text("Sample 0: recorded").is_visible()  # nothing is replayed here
            assert opened.fits()
            page.get_by_role("link", name="all runs").click()
            page.get_by_role("link", name="six").click()
            page.locator("tbody a").first.click()
            assert page.get_by_role("heading", name="Proof").is_visible()
        finally:
            running.shutdown()
            thread.join()

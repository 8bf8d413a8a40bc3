"""The server shows runs, validates every address, and answers this machine alone."""

from __future__ import annotations

import csv
import hashlib
import http.client
import io
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from reports.serve import Site, server
from tests.oracles.report_runs import HOSTILE, sealed, with_flip
from verifier.question.errors import UserError


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("store")
    sealed(root / "six")
    with_flip(root / "flipped")
    with_flip(root / "<b>odd & name?</b>".replace("/", "%2F"), HOSTILE)
    return root


@pytest.fixture(scope="module")
def port(store: Path) -> Iterator[int]:
    with server(store) as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.05,))
        thread.start()
        yield running.server_address[1]
        running.shutdown()
        thread.join()


def asked(port: int, path: str, method: str = "GET", host: str | None = None) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request(method, path, headers={"Host": host or f"127.0.0.1:{port}"})
    response = connection.getresponse()
    text = response.read().decode()
    connection.close()
    if response.status != 501:
        assert "default-src 'none'" in response.headers["Content-Security-Policy"]
        assert "python" not in str(response.headers).lower()
    return response.status, text


def test_the_list_is_filtered_and_sorted(port: int) -> None:
    status, text = asked(port, "/?sort=flips&order=down")
    assert status == 200
    assert text.index(">flipped<") < text.index(">six<")
    assert "<b>odd" not in text
    assert "&lt;b&gt;odd &amp; name?" in text
    _, text = asked(port, "/?words=SIX+linf")
    assert ">six<" in text


def test_a_run_is_filtered_and_sorted(port: int) -> None:
    status, text = asked(port, "/run/flipped?state=flip")
    assert (status, text.count("/evidence")) == (200, 1)
    _, text = asked(port, "/run/flipped?sort=nodes&order=down")
    assert text.index("/sample/1") < text.index("/sample/0")
    assert "not finished: 3 samples" in text
    assert "0 of 6 samples keep their label on Linf balls of radius 3" in text
    _, text = asked(port, "/run/six?label=b&state=robust")
    assert text.count("/evidence") == 2


def test_samples_and_reports_are_shown(port: int) -> None:
    status, text = asked(port, "/run/six/sample/3")
    assert status == 200
    assert "Sample 3: recorded, not replayed here" in text
    assert "linear bounds" in text
    _, text = asked(port, "/run/flipped/sample/0")
    assert "Sample 0: recorded, not replayed here" in text and "Changed coordinates" not in text
    status, text = asked(port, "/run/six/report")
    assert "0 of 6 samples of six keep their label" in text
    assert "6 recorded, not replayed here" in text and "0 of 0" not in text


def test_headings_sort_and_keep_what_was_chosen(port: int) -> None:
    _, text = asked(port, "/run/flipped?state=robust&sort=nodes")
    assert 'aria-sort="ascending"><a href="?state=robust&amp;sort=nodes&amp;order=down">' in text
    _, text = asked(port, "/run/flipped?sort=nodes&order=down")
    assert 'aria-sort="descending"><a href="?sort=nodes">nodes</a>' in text
    assert '<a href="?sort=proof">proof bytes</a>' in text
    _, text = asked(port, "/?words=six")
    assert 'aria-sort="ascending"><a href="?words=six&amp;sort=name&amp;order=down">run</a>' in text


def test_tables_and_evidence_are_handed_over_as_text(store: Path, port: int) -> None:
    status, text = asked(port, "/run/flipped/samples.csv")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert status == 200 and [row["sample"] for row in rows] == list("012345")
    assert "flip" in {row["recorded"] for row in rows}
    _, page = asked(port, "/run/flipped")
    assert "/run/flipped/samples.csv" in page and "/run/flipped/sample/0/evidence" in page
    flip = next(row for row in rows if row["recorded"] == "flip")
    status, text = asked(port, f"/run/flipped/sample/{flip['sample']}/evidence")
    assert status == 200 and hashlib.sha256(text.encode()).hexdigest() == flip["certificate"]
    missing = next(row for row in rows if not row["certificate"])
    for path in (
        f"sample/{missing['sample']}/evidence",
        "sample/9/evidence",
        "sample/0/evidence/x",
    ):
        assert asked(port, f"/run/flipped/{path}")[0] == 404
    assert asked(port, "/run/none/samples.csv")[0] == 404


def test_a_damaged_run_does_not_break_its_neighbours(tmp_path: Path) -> None:
    for name in ("well", "ill"):
        sealed(tmp_path / "store" / name)
    database = tmp_path / "store/ill/run.sqlite"
    database.write_bytes(b"no database" + bytes(5000))
    site = Site(tmp_path / "store")
    text = site.page("/")
    assert ">well<" in text and "Not shown: " in text and ">ill<" not in text
    assert "Sample 0" in site.page("/run/well/sample/0")


def test_odd_names_are_reached_and_escaped(port: int) -> None:
    _, text = asked(port, "/")
    address = next(part.split('"')[0] for part in text.split('href="') if "odd" in part)
    for path in (address, f"{address}/sample/0", f"{address}/sample/1", f"{address}/report"):
        status, text = asked(port, path)
        assert status == 200
        for bad in ("<b>odd", "<script>alert", "<img src=x", "<i>the"):
            assert bad not in text


@pytest.mark.parametrize(
    "path",
    [
        "/x", "/run", "/run/", "/run/none", "/run/..", "/run/%2e%2e", "/run/six%00", "/run/%ff",
        "/run/six/", "/run/six/sample/", "/run/six/sample/6", "/run/six/sample/-1",
        "/run/six/sample/1e0", "/run/six/sample/%D9%A1", "/run/six/sample/0/..",
        "/run/six/../six", "/run/six?state=x", "/run/six?label=x", "/run/six?page=0",
        "/run/six?page=2", "/run/six?sort=x", "/?sort=__class__", "/?order=x",
        "/run/six/network.robmem", "/" + "x" * 3000, "/?" + "&".join(f"a{k}=1" for k in range(50)),
    ],
)  # fmt: skip
def test_everything_else_is_nothing(port: int, path: str) -> None:
    status, text = asked(port, path)
    assert (status, "Nothing is there." in text) == (404, True)


def test_only_this_machine_and_only_reading(port: int) -> None:
    assert asked(port, "/", host="evil.example")[0] == 403
    assert asked(port, "/", host=f"evil.example:{port}")[0] == 403
    assert asked(port, "/", host=f"localhost:{port}")[0] == 200
    for method in ("POST", "PUT", "DELETE"):
        assert asked(port, "/", method)[0] == 501
    assert asked(port, "/run/six", "HEAD") == (200, "")


def test_reading_changes_nothing(store: Path, port: int) -> None:
    before = {path: path.read_bytes() for path in store.rglob("*") if path.is_file()}
    for path in ("/", "/run/six", "/run/six/sample/0", "/run/six/report"):
        asked(port, path)
    assert {p: p.read_bytes() for p in store.rglob("*") if p.is_file()} == before


def test_a_run_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    sealed(tmp_path / "store" / "six")
    with server(tmp_path / "store") as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.05,))
        thread.start()
        (tmp_path / "store" / "six" / "network.robmem").unlink()
        status, text = asked(running.server_address[1], "/run/six/report")
        running.shutdown()
        thread.join()
    assert (status, "network missing" in text) == (500, True)


def test_no_runs_are_said(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no run is stored there"):
        server(tmp_path)
    with pytest.raises(UserError, match="no such folder"):
        server(tmp_path / "none")
    shutil.rmtree(tmp_path)

"""The server shows runs, validates every address, and answers this machine alone."""

from __future__ import annotations

import http.client
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from reports.serve import server
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
    assert (status, text.count("/sample/")) == (200, 1)
    _, text = asked(port, "/run/flipped?sort=nodes&order=down")
    assert text.index("/sample/1") < text.index("/sample/0")
    assert "not finished: 3 samples" in text
    assert "0 of 6 samples keep their label on Linf balls of radius 3" in text
    _, text = asked(port, "/run/six?label=b&state=robust")
    assert text.count("/sample/") == 2


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

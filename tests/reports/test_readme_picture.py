"""The picture of the README is what its commands draw, twice the same bytes."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from tests.oracles.commands import run

ROOT = Path(__file__).parents[2]
PICTURE = ROOT / "docs/pictures/moons.svg"


@pytest.mark.slow
def test_the_picture_is_drawn_again(tmp_path, monkeypatch, capsys):
    lines = re.findall(r"^robmem .*moons.*$", (ROOT / "README.md").read_text(), re.MULTILINE)
    certify, report = lines[:2]
    assert "--construction" in certify and "report" in report
    drawn = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        monkeypatch.chdir(tmp_path / name)
        for line in ("robmem example", certify, report):
            assert run(capsys, *shlex.split(line, comments=True)[1:])[0] == 0
        drawn.append(Path("moons/figures/regions.svg").read_bytes())
    assert drawn[0] == drawn[1]
    drawn_by = (ROOT / "reports/gallery/README.md").read_text()
    matplotlib = pytest.importorskip("matplotlib")
    if f"matplotlib {matplotlib.__version__}." in drawn_by:  # else its paths may differ
        assert drawn[0] == PICTURE.read_bytes(), f"copy moons/figures/regions.svg to {PICTURE}"

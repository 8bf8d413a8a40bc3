"""Exact radii by the proved kernel: true pairs of every norm, and none on another ball."""

import hashlib
import json
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from tests.oracles.commands import run
from tests.oracles.proved_kernel import kernel_folder, proved_flaw
from tests.oracles.radius_pairs import NORMS, PAIRS, at_distance
from verifier.checker.proved import replay_run
from verifier.evidence.certificate import Flip, Radius
from verifier.evidence.distance import distance_bytes, parse_distance
from verifier.question.errors import RefusedError
from verifier.runs.checking import check_run
from verifier.runs.folder import RunFolder

F = Fraction


@pytest.fixture(autouse=True)
def program(monkeypatch):
    monkeypatch.setenv("ROBMEM_KERNEL", str(kernel_folder()))


def test_true_pairs_of_every_norm():
    counts = dict.fromkeys(NORMS, 0)
    for query, radius in PAIRS:
        assert proved_flaw(query, radius) == "accepted"
        counts[query.region.norm] += 1
    assert min(counts.values()) >= 8, counts


@pytest.mark.parametrize("factor", [F(1001, 1000), F(1000, 1001)])
def test_no_pair_holds_on_another_ball(factor):
    for query, radius in PAIRS[::2]:
        other = at_distance(query, query.region.size * factor)
        assert proved_flaw(other, radius) == "refused by the proved kernel"


def test_a_point_inside_shows_no_radius():
    for query, radius in PAIRS[:6]:
        inside = Flip(query.region.center, radius.flip.goal)
        assert proved_flaw(query, Radius(radius.proof, inside)) == "refused by the proved kernel"


@pytest.mark.parametrize("norm", NORMS)
def test_a_run_of_distances(tmp_path, monkeypatch, capsys, norm):
    """Of (x, 1 - x) the nearest flip is at 1/2; ends that are moved inwards are refused."""
    monkeypatch.chdir(tmp_path)
    np.savez("net.npz", W0=np.array([[1.0], [-1.0]]), b0=np.array([0.0, 1.0]))
    (tmp_path / "t.csv").write_text("2,0\n0,1\n0.25,1\n0.75,1\n")
    asked = ["net.npz", "--data", "t.csv", "--no-header", "--out", "r", "--norm", norm]
    assert run(capsys, "radius", *asked, "--jobs", "0")[0] == 0
    code, printed, _ = run(capsys, "check", "r", "--proved", "--json", "--jobs", "2")
    facts = json.loads(printed)
    assert (code, facts["exact"], facts["checker"]) == (0, 4, "proved kernel")
    folder = RunFolder(tmp_path / "r")
    manifest, network, points = folder.manifest(), folder.network(), folder.points()
    about = network, points, manifest.question
    shown = replay_run(*about, manifest.results, folder.fetch)
    checked = check_run(folder, *about, manifest.results).require()
    for sample, one in shown.items():
        assert one.facts == replace(checked[sample].facts, checker="proved kernel")
    first = manifest.results[0]
    found = parse_distance(folder.fetch(first.certificate), network.digest)
    for change in (
        {"lower": found.lower * F(1001, 1000)}, {"lower": found.lower * 2},
        {"upper": found.upper * F(999, 1000)}, {"lower": F(0)}, {"upper": None},
        {"lower": found.lower * F(1001, 1000), "upper": found.upper * F(1001, 1000)},
    ):  # fmt: skip
        text = distance_bytes(replace(found, **change), network.digest)
        altered = replace(first, certificate=hashlib.sha256(text).hexdigest())
        with pytest.raises(RefusedError):
            replay_run(*about, [altered], lambda _, text=text: text)

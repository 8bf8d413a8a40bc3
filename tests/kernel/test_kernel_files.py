"""The kernel's own readers of networks, data and runs say what those of the evidence say."""

from __future__ import annotations

import contextlib
import gzip
import io
import json
from pathlib import Path
from random import Random

import pytest

from tests.oracles.random_queries import outputs_at, random_network, random_query
from tests.oracles.tampered.runs import accepted_results, edited_run, true_run
from verifier.evidence.data_file import parse_data
from verifier.evidence.network_file import network_bytes, parse_network
from verifier.evidence.packed import pack
from verifier.kernel.network import Network
from verifier.kernel.runs import Points, Run
from verifier.kernel.text import Refused
from verifier.question.errors import UserError


def test_networks_have_the_same_digest_rows_and_outputs():
    for seed in range(60):
        rng = Random(seed)
        query = random_query(seed)
        read = Network(network_bytes(query.network))
        assert read.digest == query.network.digest
        point = [low + (high - low) / 3 for low, high in
                 zip(query.region.lower, query.region.upper, strict=True)]  # fmt: skip
        assert read.outputs_at(point) == outputs_at(query.network, point)
        data = bytearray(network_bytes(random_network(rng, 2, 5, 1, "integers")))
        position = rng.randrange(len(data))
        data[position] ^= 1 << rng.randrange(8)
        with pytest.raises(Refused):
            Network(bytes(data))


def test_changed_networks_sealed_again_are_read_alike():
    """Bytes edited under a new hash: both readers refuse, or both read the same network."""
    import hashlib

    found = set()
    for seed in range(400):
        rng = Random(seed)
        data = bytearray(
            network_bytes(random_network(rng, 2, 4, 1, rng.choice(("integers", "halves"))))
        )
        del data[-32:]
        begin = data.index(b"\n", 20) if rng.random() < 0.7 else 0
        data[rng.randrange(begin, len(data))] = rng.choice(
            (0, 1, 2, 3, 255, 128, rng.randrange(256))
        )
        data += hashlib.sha256(data).digest()
        try:
            one = parse_network(bytes(data)).digest
        except UserError:
            one = "refused"
        try:
            other = Network(bytes(data)).digest
        except Refused:
            other = "refused"
        assert one == other, seed
        found.add(one == "refused")
    assert found == {True, False}


def folder_of(path: Path, run) -> Path:
    (path / "certificates").mkdir(parents=True)
    (path / "network.robmem").write_bytes(run.network)
    (path / "data.robmem.gz").write_bytes(pack(run.data))
    (path / "manifest.json").write_bytes(run.manifest)
    for name, text in run.certificates.items():
        (path / "certificates" / f"{name}.json.gz").write_bytes(pack(text))
    return path


def kernel_results(folder: Path):
    """The samples whose certificates the kernel accepts, and those with short forms; None if the
    run is refused as a whole."""
    try:
        run = Run(folder)
    except Refused:
        return None
    accepted, short = [], []
    for sample, _, name in run.results:
        if name is not None:
            try:
                accepted += [found for found, _ in run.check({sample})]
            except Refused as flaw:
                if flaw.args[0] == "unsupported":
                    short.append(sample)
    return accepted, short


def test_runs_and_edited_runs_are_answered_as_by_the_checker(tmp_path):
    kinds = set()
    for seed in range(30):
        run, rng = true_run(seed), Random(seed)
        for number in range(4):
            changed = run if number == 0 else edited_run(rng, run)[0]
            expected = accepted_results(changed)
            found = kernel_results(folder_of(tmp_path / f"{seed}-{number}", changed))
            if expected is None or found is None:
                assert (expected is None or not expected) and not (found and found[0]), seed
                kinds.add("refused")
                continue
            samples = {result.sample for result in expected}
            assert {*found[0]} <= samples <= {*found[0]} | {*found[1]}, seed
            kinds.add("same" if number == 0 else "edited")
    assert kinds == {"refused", "same", "edited"}


def test_points_are_those_of_the_data():
    for seed in range(20):
        data = true_run(seed).data
        points, read = parse_data(data), Points(data)
        assert (read.digest, read.size, read.dimension) == (
            points.digest,
            points.size,
            points.dimension,
        )
        for sample in range(points.size):
            assert tuple(read.point(sample)) == points.point(sample)
            assert read.labels[sample] == int(points.labels[sample])


def test_a_run_on_the_command_line(tmp_path):
    from verifier.kernel.__main__ import main

    run = true_run(0)
    folder = folder_of(tmp_path / "run", run)
    results = json.loads(run.manifest)["results"]
    try:
        with contextlib.redirect_stdout(io.StringIO()) as output:
            main([str(folder)])
        shown = output.getvalue().splitlines()
        robust = sum(kind == "robust" for _, kind, _ in results)
        assert shown[0].startswith("question: L") and shown[1].startswith(
            f"proved: {robust} robust"
        )
    except Refused as flaw:
        assert flaw.args[0] == "unsupported"
    with contextlib.redirect_stdout(io.StringIO()) as output:
        main([str(folder), "0"])
    assert output.getvalue().splitlines()[1].startswith("proved: 0 robust, 0 flips")
    (folder / "data.robmem.gz").write_bytes(gzip.compress(run.data))
    with pytest.raises(Refused):
        main([str(folder)])

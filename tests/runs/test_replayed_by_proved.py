"""What the proved kernel has replayed is recorded in the manifest, and stays a record."""

import json
from dataclasses import replace

import pytest

from tests.oracles.commands import run
from tests.oracles.proved_kernel import kernel_folder
from verifier.checker.manifest import Manifest, manifest_bytes, parse_manifest
from verifier.kernel.runs import Run
from verifier.question.errors import RefusedError, UserError
from verifier.runs.folder import RunFolder
from verifier.runs.identity import REPLAYED, replayed_by_proved

CERTIFY = ("certify", "--data", "data.csv", "--out", "run", "--quiet", "--json")


@pytest.fixture
def table(tmp_path, monkeypatch):
    """Five samples in two columns, three labels; with the program."""
    monkeypatch.setenv("ROBMEM_KERNEL", str(kernel_folder()))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data.csv").write_text("0,0,a\n4,0,b\n4,4,c\n0,4,a\n9,1,b\n")
    return tmp_path


def facts(capsys, *arguments):
    code, out, err = run(capsys, *arguments)
    assert (code, err) == (0, "")
    return json.loads(out)


def test_certify_proved_is_recorded_and_checked(capsys, table):
    plain = facts(capsys, *CERTIFY)
    folder = RunFolder(table / "run")
    assert not folder.manifest().proved
    assert "by_proved_kernel" not in facts(capsys, "check", "run", "--quiet", "--json")
    proved = facts(capsys, *CERTIFY, "--proved")
    manifest = folder.manifest()
    assert manifest.proved and proved["proved_kernel"] == 5
    assert manifest.root == proved["root"] != plain["root"]
    assert replace(manifest, proved=False).root == plain["root"]
    text = (table / "run" / "manifest.json").read_bytes()
    assert b'"replayed": ["proved kernel"],\n' in text
    for again in ((), ("--proved",)):  # what was noted stays, byte by byte
        assert facts(capsys, *CERTIFY, *again)["root"] == proved["root"]
        assert (table / "run" / "manifest.json").read_bytes() == text
    for ways, word in (((), "recorded"), (("--proved",), "replayed")):
        said = facts(capsys, "check", "run", *ways, "--quiet", "--json")
        assert said["by_proved_kernel"] == word and said["root"] == proved["root"]
    part = ("--proved", "--sample", "2", "--seed", "0")
    assert (
        facts(capsys, "check", "run", *part, "--quiet", "--json")["by_proved_kernel"] == "recorded"
    )
    assert "not replayed here: --proved" in run(capsys, "check", "run", "--quiet")[1]
    assert len(list(Run(table / "run").check())) == 5


def test_new_runs_are_sealed_with_it(capsys, table):
    assert facts(capsys, *CERTIFY, "--proved")["proved_kernel"] == 5
    assert RunFolder(table / "run").manifest().proved


def test_runs_of_distances_are_recorded_too(capsys, table):
    assert run(capsys, "construct", "linf", "--data", "data.csv", "-o", "net.robmem")[0] == 0
    command = ("radius", "net.robmem", "--data", "data.csv", "--decoder", "nearest")
    code, _, err = run(capsys, *command, "--out", "run", "--quiet", "--proved")
    assert (code, err) == (0, "")
    manifest = RunFolder(table / "run").manifest()
    assert manifest.proved and manifest.question.distance is not None


def test_other_answers_are_not_those_that_were_replayed(capsys, table):
    facts(capsys, *CERTIFY, "--proved")
    manifest = replace(RunFolder(table / "run").manifest(), proved=False)
    about = {REPLAYED: manifest.root}
    assert replayed_by_proved(about, manifest)
    assert not replayed_by_proved(about, replace(manifest, results=manifest.results[1:]))
    assert not replayed_by_proved({}, manifest)


def test_what_a_manifest_may_not_say(capsys, table):
    facts(capsys, *CERTIFY, "--proved")
    manifest = RunFolder(table / "run").manifest()
    assert parse_manifest(manifest_bytes(manifest)).proved
    text = manifest_bytes(manifest)
    for other in (b'["checker"]', b"[]", b"true", b'["proved kernel", "kernel"]', b"null"):
        changed = text.replace(b'["proved kernel"]', other)
        assert changed != text
        with pytest.raises(RefusedError):
            parse_manifest(changed)
    undecided = (replace(manifest.results[0], kind="undecided", certificate=None),)
    with pytest.raises(UserError, match="without certificates"):
        replace(manifest, results=undecided)
    assert isinstance(replace(manifest, results=undecided, proved=False), Manifest)

"""`certify --by-theorem` and `check --by-theorem`: folders without proofs, and runs that take both
ways; each way of being something else is refused in one line."""

import json
import shutil
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from constructions.families import family_of
from constructions.registry import build
from tests.oracles.commands import run
from tests.oracles.theorem_program import program_or_none, theorem_folder
from verifier.checker.manifest import parse_manifest
from verifier.checker.theorem_program import PROGRAM
from verifier.checker.theorem_task import THEOREMS
from verifier.data.load import load
from verifier.evidence.network_file import load_network, save_network
from verifier.evidence.packed import read_bytes
from verifier.formats.write import onnx_bytes
from verifier.runs.folder import RunFolder

TWIN = "the theorem itself not checked here"
PROVED = "proved in Coq"


@pytest.fixture
def table(tmp_path, monkeypatch):
    """A table of five samples in two columns, three labels; without the program."""
    program_or_none()
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(PROGRAM.variable, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "data.csv").write_text("0,0,a\n4,0,b\n4,4,c\n0,4,a\n9,1,b\n")
    return "data.csv"


@pytest.fixture
def program(table, monkeypatch):
    monkeypatch.setenv(PROGRAM.variable, str(theorem_folder()))


def facts(capsys, *arguments):
    code, out, err = run(capsys, *arguments, "--json")
    assert (code, err) == (0, "")
    return json.loads(out)


def refusal(capsys, *arguments, code=2):
    found, out, err = run(capsys, *arguments)
    assert (found, out, err.count("\n")) == (code, "", 1), err
    return err


@pytest.mark.parametrize("name", THEOREMS)
def test_every_theorem_by_both(capsys, table, monkeypatch, name):
    if THEOREMS[name].tests == "cones":
        Path(table).write_text("0,0,a\n4,0,b\n4,4,a\n0,4,a\n9,1,b\n")
    for budgets in ((), ("--every-budget",), ("--budget", "1/7")):
        command = ("certify", "--data", table, "--construction", name, "--by-theorem", *budgets)
        twin = facts(capsys, *command, "--out", "twin")
        assert TWIN in twin["claim"] and twin["theorem"]["proved"] is False
        assert (twin["samples"], twin["robust"], twin["ways"]) == (5, 5, ["by theorem"])
        files = contents("twin")
        monkeypatch.setenv(PROGRAM.variable, str(theorem_folder()))
        ways = ("--by-theorem", "--proved", f"--data={table}", "--jobs=3")
        for again in ((*command, "--out", "twin"), *(("check", "twin", way) for way in ways)):
            proved = facts(capsys, *again)
            assert PROVED in proved["claim"] and proved["theorem"]["proved"] is True
            assert proved["root"] == twin["root"] and proved["network"] == twin["network"]
        assert files == contents("twin")
        monkeypatch.delenv(PROGRAM.variable)
        shutil.rmtree("twin")


def contents(folder):
    return {path.name: path.read_bytes() for path in Path(folder).iterdir() if path.is_file()}


def test_what_is_printed(capsys, table):
    code, out, err = run(capsys, "certify", "--data", table, "--by-theorem", "--budget", "3/2")
    lines = [line.split(None, 1) for line in out.splitlines()]
    said = {line[0]: line[1] for line in lines}
    assert (code, err) == (0, "")
    assert said["claim"] == (
        "all 5 samples keep their label on Linf balls of radius 3/2, decoder value"
    )
    assert " ".join(lines[1]) == (
        "by theorem 4.8 (Yu, Gao, Zhang) (the theorem itself not checked here); "
        "network and separation checked"
    )
    assert said["built"] == "linf for the separation 4, parameter 3/2"
    assert said["ways"] == "by theorem"
    assert said["folder"].startswith("runs/data-linf-theorem-")
    assert run(capsys, "check", said["folder"])[0] == 0


def test_both_ways_in_one_manifest(capsys, program, table):
    """The two ways agree; each is checked by itself, and says of the other that it is recorded."""
    command = ("certify", "--data", table, "--out", "run", "--by-theorem", "--by-ball", "--quiet")
    both = facts(capsys, *command)
    assert both["theorem"]["proved"] and both["robust"] == both["checked"] == 5
    manifest = RunFolder(Path("run")).manifest()
    assert manifest.theorem is not None and len(manifest.results) == 5
    assert manifest.claim.endswith("; all do by the theorem about linf")
    by_theorem = facts(capsys, "check", "run", "--by-theorem")
    assert (by_theorem["recorded"], by_theorem["ways"]) == (5, ["by theorem", "ball by ball"])
    assert PROVED in by_theorem["claim"]
    by_ball = facts(capsys, "check", "run", "--quiet")
    assert (by_ball["checked"], by_ball["by_theorem"]) == (5, "recorded")
    assert "recorded, not checked here: --by-theorem" in run(capsys, "check", "run", "--quiet")[1]
    assert "by theorem 4.8" in run(capsys, *command)[1]
    again = facts(capsys, *command)
    assert again["root"] == both["root"]


def test_a_theorem_is_added_to_a_run(capsys, table):
    balls = ("certify", "--data", table, "--out", "run", "--decoder", "value", "--quiet")
    first = facts(capsys, *balls)
    assert "theorem" not in first
    assert "rests on proofs alone" in refusal(capsys, "check", "run", "--by-theorem")
    both = facts(capsys, *balls, "--by-theorem", "--by-ball")
    assert (
        both["root"] != first["root"]
        and TWIN in facts(capsys, "check", "run", "--by-theorem")["claim"]
    )
    assert facts(capsys, *balls)["root"] == both["root"]  # what was noted stays


@pytest.mark.parametrize("every", [False, True])
def test_networks_from_files(capsys, table, every):
    dataset = load(table)
    budgets = ("--every-budget",) if every else ("--budget", "7/4")
    for name in ("linf-parallel", "l2-halfspaces"):
        if every:
            network = family_of(dataset, name).network
        else:
            network = build(name, dataset, budget=Fraction(7, 4)).network
        save_network(network, "net.robmem")
        command = ("certify", "--data", table, "--by-theorem", "--network", "net.robmem", *budgets)
        found = facts(capsys, *command, "--construction", name, "--out", name)
        assert found["network"] == network.digest
        assert facts(capsys, "check", name, "--network", "net.robmem")["root"] == found["root"]
        assert "may be the network of many constructions" in refusal(capsys, *command)
        other = {"linf-parallel": "linf", "l2-halfspaces": "linf-halfspaces"}[name]
        said = refusal(capsys, *command, "--construction", other, code=4)
        assert said.startswith(("error: another network: ", "error: rival not covered: "))


def test_networks_of_onnx_are_recognised_row_by_row(capsys, table):
    """Weights that the format holds are the same rows; one that was rounded is named."""
    for budget, code in (("3/2", 0), ("1/3", 4)):  # K = 3 and 9/10
        network = build("linf-parallel", load(table), budget=Fraction(budget)).network
        Path("net.onnx").write_bytes(onnx_bytes(network, rounded=True)[0])
        found, _, err = run(
            capsys, "certify", "--data", table, "--by-theorem", "--network", "net.onnx",
            "--construction", "linf-parallel", "--budget", budget, "--out", f"of-{code}",
        )  # fmt: skip
        assert found == code, err
        assert code == 0 or err.startswith("error: another network: layer 0, unit 0: due is ")


def test_an_edited_network_is_named_with_both_rows(capsys, table):
    command = ("certify", "--data", table, "--by-theorem", "--budget", "3/2", "--out", "folder")
    facts(capsys, *command)
    network = load_network("folder/network.robmem")
    rows = network.units
    constants = rows.constants.copy()
    constants[2] += 1
    edited = type(rows)(rows.starts, rows.indices, rows.numerators, constants, rows.denominators)
    save_network(type(network)(network.inputs, network.layers, edited, network.outputs), "edited")
    for way in ((), ("--network", "edited")):
        if not way:
            shutil.copy("edited", "folder/network.robmem")
        said = refusal(capsys, "check", "folder", *way, code=4)
        assert said.startswith("error: network altered" if not way else "error: ")
        shutil.copytree("folder", f"kept{len(way)}")
        shutil.rmtree("folder")
        facts(capsys, *command)
    said = refusal(
        capsys, "certify", "--data", table, "--by-theorem", "--network", "edited",
        "--budget", "3/2", "--construction", "linf", "--out", "other", code=4,
    )  # fmt: skip
    assert said == (
        "error: another network: layer 0, unit 2: due is -1 x0 + -3/2; found is -1 x0 + -1\n"
    )


def resealed(path, change):
    """The folder with another manifest, whose seal fits."""
    folder = RunFolder(Path(path))
    manifest = parse_manifest(read_bytes(folder.path / "manifest.json"))
    folder.unseal()
    folder.seal(change(manifest))


def test_manifests_that_claim_another_theorem_are_refused(capsys, table):
    command = ("certify", "--data", table, "--by-theorem", "--budget", "3/2", "--out", "folder")

    def of(**other):
        return lambda manifest: replace(manifest, theorem=replace(manifest.theorem, **other))

    for change, text in (
        (of(construction="linf-pipelined"), "another network: layer 1, unit 0"),
        (of(construction="park"), "no theorem about 'park' is proved in Coq"),
        (of(power=Fraction(9, 2)), "not separated: samples 0 and 1 have different labels and are"),
        (of(power=Fraction(3)), "budget at the limit: budget 3/2 is not below half the separation"),
        (of(parameter=Fraction(1)), "another question: radius 3/2 is above that of the budget, 1"),
        (of(parameter=Fraction(7, 4)), "another network: layer 0, unit 0"),
        (lambda m: replace(m, question=replace(m.question, decoder="nearest")), "another question"),
        (lambda m: replace(m, question=replace(m.question, norm="1")), "another question"),
    ):  # fmt: skip
        facts(capsys, *command)
        resealed("folder", change)
        code = 2 if "no theorem" in text else 4
        assert text in refusal(capsys, "check", "folder", code=code)
        shutil.rmtree("folder")


def test_altered_folders_are_refused(capsys, table):
    command = ("certify", "--data", table, "--by-theorem", "--out", "folder")
    facts(capsys, *command)
    for name, flaw in (("data.robmem.gz", "data"), ("network.robmem", "network"),
                       ("manifest.json", "manifest"), ("seal.json", "seal")):  # fmt: skip
        content = bytearray(Path(f"folder/{name}").read_bytes())
        for change in (content[:-1], content[:40]):
            shutil.copytree("folder", "copy")
            Path(f"copy/{name}").write_bytes(change)
            assert flaw in refusal(capsys, "check", "copy", code=4)
            shutil.rmtree("copy")
    shutil.copytree("folder", "copy")
    Path("copy/network.robmem").unlink()
    refusal(capsys, "check", "copy", code=4)


def test_bad_input_is_one_line(capsys, table, tmp_path):
    base = ("certify", "--data", table, "--by-theorem")
    for arguments, text in (
        (("--budget", "2"), "budget 2 is not below half the separation, 2"),
        (("--ratio", "1"), "is not below half the separation"),
        (("--construction", "vardi"), "no theorem about 'vardi' is proved in Coq"),
        (("--construction", "l1", "--norm", "2"), "is about balls of norm 1"),
        (("--clip", "0:1"), "--by-theorem does not go with --clip"),
        (("--samples", "0:2"), "--by-theorem does not go with --samples"),
        (("--timeout", "3"), "--by-theorem does not go with --timeout"),
        (("--no-seal",), "--by-theorem does not go with --no-seal"),
        (("--decoder", "nearest"), "is about value, not nearest"),
        (("--semantics", "float32"), "the theorems are about real numbers"),
        (("--radius", "3", "--budget", "1"), "radius 3 is above that of the budget, 1"),
        (("--every-budget", "--norm", "1"), "--every-budget does not go with --norm"),
        (("--every-budget", "--ratio", "1/2"), "--every-budget does not go with --ratio"),
        (("--proved",), "robmem-theorem is not on PATH"),
    ):
        code = 4 if "above that" in text else 2
        assert text in refusal(capsys, *base, *arguments, code=code)
    assert "--by-ball is for --by-theorem" in refusal(
        capsys, "certify", "--data", table, "--by-ball"
    )
    (tmp_path / "same.csv").write_text("0,0,a\n0,0,b\n")
    assert "identical" in refusal(capsys, "certify", "--data", "same.csv", "--by-theorem")
    facts(capsys, *base, "--out", "folder")
    for arguments, text in (
        (("--kernel",), "certified by a theorem alone; there are no proofs to replay"),
        (("--sample", "2"), "certified by a theorem alone"),
        (("--by-theorem", "--kernel"), "--by-theorem is about a whole run"),
    ):
        assert text in refusal(capsys, "check", "folder", *arguments)
    assert "--by-theorem is about a whole run" in refusal(capsys, "check", table, "--by-theorem")
    assert "other data" in refusal(capsys, "check", "folder", "--data", "iris", code=4)
    facts(capsys, "certify", "--data", table, "--out", "run", "--quiet", "--ratio", "1/2")
    assert "holds run.sqlite" in refusal(capsys, *base, "--out", "run")
    assert "holds another claim" in refusal(capsys, *base, "--out", "folder", "--ratio", "1/5")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("mine")
    assert "holds notes.txt" in refusal(capsys, *base, "--out", "mine")


def test_other_commands_say_that_there_are_no_proofs(capsys, table):
    facts(capsys, "certify", "--data", table, "--by-theorem", "--out", "folder")
    for arguments in (
        ("report", "folder", "folder", "-o", "report"),
        ("runs", "export", "folder"),
        ("export", "folder", "--to", "kernel"),
    ):
        code, _, err = run(capsys, *arguments)
        assert code in (2, 4) and err.count("\n") == 1, (arguments, err)
    assert run(capsys, "runs", "list", ".")[0] == 0


def test_what_a_folder_records_is_no_claim_of_the_command_that_shows_it(capsys, table):
    assert run(capsys, "certify", "--data", table, "--by-theorem", "--out", "run")[0] == 0
    code, out, _ = run(capsys, "runs", "show", "run")
    assert code == 0 and "claim" not in out
    assert "by the theorem alone; not checked here" in out
    assert facts(capsys, "runs", "show", "run")["recorded"] == "by theorem"

"""The kernel is small, stands alone, and says what it proves or refuses, without a traceback."""

from __future__ import annotations

import ast
import json
import random
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import pytest

import verifier.kernel
from tests.oracles.kernel import head_of, proof_flaw
from tests.oracles.limits import Limits
from tests.oracles.radius_pairs import PAIRS
from tests.oracles.tampered.cases import CASES
from verifier.evidence.network_file import network_bytes
from verifier.evidence.packed import pack
from verifier.evidence.proof_file import proof_bytes
from verifier.evidence.strict_json import parse_json
from verifier.kernel import text as kernel_text
from verifier.kernel.text import rational, written
from verifier.question.errors import RefusedError
from verifier.question.rational import format_rational

FOLDER = Path(verifier.kernel.__file__).parent
LINES = 1000  # that are not blank: families, runs and sums of ridge functions included


def proof_of(name):
    query, certificate, _ = CASES[name]
    return head_of(query) + b"\n" + json.dumps(certificate, sort_keys=True).encode()


def run(*arguments):
    """Exit code and output; nothing is written to stderr."""
    found = subprocess.run(
        [sys.executable, "-m", "verifier.kernel", *map(str, arguments)],
        capture_output=True, text=True, check=False, cwd=FOLDER.parents[1],
    )  # fmt: skip
    assert found.stderr == "" and "Traceback" not in found.stdout
    return found.returncode, found.stdout


def test_it_is_read_in_an_evening():
    lines = [line for path in FOLDER.rglob("*.py") for line in path.read_text().splitlines()]
    assert 300 < sum(map(bool, map(str.strip, lines))) <= LINES


def test_it_imports_the_standard_library_alone():
    modules = {path.stem for path in FOLDER.glob("*.py")}
    for path in FOLDER.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
                assert {name.partition(".")[0] for name in names} <= sys.stdlib_module_names
            elif isinstance(node, ast.ImportFrom):
                package, _, name = node.module.rpartition(".")
                inside = package == "verifier.kernel" and name in modules
                assert inside or node.module.partition(".")[0] in sys.stdlib_module_names
                assert node.level == 0
    code = (
        "import sys, verifier.kernel.runs; "
        "print(*(name in sys.modules for name in ('numpy', 'verifier.question')))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.split() == ["False", "False"]


def test_a_proof_on_the_command_line(tmp_path):
    good, packed, wrong = tmp_path / "proof.json", tmp_path / "proof.json.gz", tmp_path / "wrong"
    good.write_bytes(proof_of("box: true"))
    packed.write_bytes(pack(proof_of("box: true")))
    for path in (good, packed):
        code, output = run(path)
        question, verdict, _ = output.split("\n")
        assert code == 0 and verdict == "proved: robust"
        assert json.loads(question.removeprefix("question: "))["region"]["norm"] == "inf"
    wrong.write_bytes(proof_of("flip: true"))
    assert run(wrong)[1].endswith("\nproved: flip\n")
    pair = tmp_path / "pair.json"
    pair.write_bytes(proof_bytes(*PAIRS[0]))
    assert run(pair)[1].endswith("\nproved: exact radius\n")
    folder = tmp_path / "folder"
    folder.mkdir()
    head = head_of(CASES["box: true"][0])
    texts = (b"", b"one line", b"\x1f\x8b damaged", head + b"\n[]", b"[" * 10**6)
    for content in (*texts, proof_of("box: true")[:-9], proof_of("bound 0 of a weak atom")):
        wrong.write_bytes(content)
        code, output = run(wrong)
        assert code == 4 and output.startswith("refused: ") and output.count("\n") == 1
    for path in (tmp_path / "none", folder, "/dev/zero"):
        code, output = run(path)
        assert code == 4 and output.startswith("refused: ") and output.count("\n") == 1


def test_a_network_beside_the_proof(tmp_path):
    query, certificate, _ = CASES["box: true"]
    head = json.loads(head_of(query))
    del head["content"]
    data = json.dumps(head).encode() + b"\n" + json.dumps(certificate, sort_keys=True).encode()
    (tmp_path / "proof.json").write_bytes(data)
    (tmp_path / "network").write_bytes(network_bytes(query.network))
    assert run(tmp_path / "proof.json")[0] == 4
    assert run(tmp_path / "proof.json", tmp_path / "network")[0] == 0
    other = CASES["lemma: of the hat: true"][0].network
    (tmp_path / "network").write_bytes(network_bytes(other))
    assert run(tmp_path / "proof.json", tmp_path / "network")[0] == 4


@pytest.mark.parametrize("center", [[], ["0", "0"]])
def test_a_ball_needs_a_center_of_its_dimension(center):
    for name in ("ball 2: true", "ball 1: true"):
        head, _, rest = proof_of(name).partition(b"\n")
        question = json.loads(head)
        assert len(question["region"]["center"]) == 1
        question["region"]["center"] = center
        assert proof_flaw(json.dumps(question).encode() + b"\n" + rest) == "malformed"


@pytest.mark.parametrize(
    "text", [b"[]," * 10**7, b"{}," * 10**7, b'"",' * 10**7, b"[[],[]]," * 10**7, b"[" * 10**7]
)
def test_values_in_great_number_are_refused_in_little_memory(text):
    """The same by both readers: 30 MB of empty lists would take 800 MB."""
    data = b"[" + text + b"0]"
    with Limits():
        with pytest.raises(RefusedError) as caught:
            parse_json(data)
        with pytest.raises(kernel_text.Refused) as refused:
            kernel_text.parse(data)
    assert caught.value.flaw == refused.value.args[0] == "too large"


def test_a_number_has_one_text():
    rng = random.Random(1)
    for bits in (1, 60, 4095, 4096, 4097, 9000):
        for _ in range(20):
            q = Fraction(rng.getrandbits(bits) * rng.choice((-1, 1)), rng.getrandbits(bits) + 1)
            assert written(q) == format_rational(q) and rational(written(q)) == q

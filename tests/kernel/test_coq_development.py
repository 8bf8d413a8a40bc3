"""The Coq development: its page is up to date, nothing is assumed, and mutants do not survive."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.oracles.proved_kernel import PROGRAM, SOURCE

ROOT = SOURCE.parents[2]


def test_the_page_holds_the_statement_as_it_is():
    command = [sys.executable, str(ROOT / "tools" / "kernel_page.py"), "--check"]
    assert subprocess.run(command).returncode == 0


def test_nothing_is_assumed():
    for path in SOURCE.glob("*.v"):
        words = re.findall(r"\b(Admitted|Axiom|Parameter|admit|Conjecture)\b", path.read_text())
        assert not words, path
    assumed = set(
        re.findall(r"^(\w+\.\w+)", (SOURCE / "assumptions.txt").read_text(), re.MULTILINE)
    )
    assert assumed == {
        "ClassicalDedekindReals.sig_forall_dec",
        "FunctionalExtensionality.functional_extensionality_dep",
    }


def test_the_program_reaches_no_arithmetic_that_is_not_mapped():
    text = (PROGRAM / "kernel.ml").read_text()
    reached = re.sub(r"^module .*?^ end$", "", text, flags=re.DOTALL | re.MULTILINE)
    assert not re.findall(r"\b(?:Pos|Coq_Pos|N|Z)\.\w+", reached)


STATEMENT = {
    "units that are min(a, 0)": ("Rmax 0 (value (snd u) z)", "Rmin 0 (value (snd u) z)"),
    "a network whose units read themselves": ("reads known (snd u)", "True"),
    "an L1 ball without its gaps": (
        "map (fun s => Rabs (gap x s)) ss",
        "map (fun s => gap x s) ss",
    ),
    "an open ball that is closed": ("if opened then a < b else", "if opened then a <= b else"),
    "a box without its upper sides": ("<= Q2R (high s)", "<= Q2R (high s) + 1"),
    "strict atoms that are weak": ("below (strict a) 0", "below false 0"),
    "ties that keep a label": ("Rabs (out O - INR label) <", "Rabs (out O - INR label) <="),
    "families of m up to a half": ("below (open_end k) m (Q2R (last k))", "m < Q2R (last k) / 2"),
    "open families that are closed": ("below (open_end k) m", "below false m"),
    "balls that do not grow": ("| _ => m * Q2R (rate k)", "| _ => Q2R (first k) * Q2R (rate k)"),
    "squares that grow like m": ("L2 => m * m * Q2R (rate k)", "L2 => m * Q2R (rate k)"),
    "higher norms of another power": ("Rabs (gap x s) ^ (n + 2)", "Rabs (gap x s) ^ (n + 3)"),
    "cubes with their signs": ("Rabs (gap x s) ^ (n + 2)", "gap x s ^ (n + 2)"),
    "cubes that grow like squares": ("m ^ (n + 2) * Q2R", "m ^ (n + 1) * Q2R"),
    "members that are not divided": ("output net x j / below_at f m", "output net x j"),
    "a denominator that is not asked about": ("0 < below_at f m", "0 <= below_at f m"),
    "a cone about another m": ("spans k m -> x p = m", "spans k m -> x p <= m"),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", STATEMENT)
def test_mutants_of_the_statement_fail_at_an_example(name, tmp_path):
    """They are definitions as good as others, of which a computed example is false."""
    if shutil.which("coqc") is None:
        pytest.skip("coqc is not installed")
    old, new = STATEMENT[name]
    for path in [*SOURCE.glob("*.v"), SOURCE / "Makefile"]:
        shutil.copy(path, tmp_path)
    statement = tmp_path / "Statement.v"
    assert old in statement.read_text()
    statement.write_text(statement.read_text().replace(old, new))
    subprocess.run(["make", "Statement.vo"], cwd=tmp_path, check=True, capture_output=True)
    done = subprocess.run(["make", "Examples.vo"], cwd=tmp_path, capture_output=True)
    assert done.returncode != 0


@pytest.mark.slow
def test_a_fresh_extraction_is_the_committed_program(tmp_path):
    if shutil.which("coqc") is None:
        pytest.skip("coqc is not installed")
    for path in [*SOURCE.glob("*.v"), SOURCE / "Makefile"]:
        shutil.copy(path, tmp_path)
    (tmp_path / "program").mkdir()
    subprocess.run(["make", "extract"], cwd=tmp_path, check=True, capture_output=True)
    for name in ("kernel.ml", "kernel.mli"):
        assert Path(tmp_path / "program" / name).read_bytes() == (PROGRAM / name).read_bytes()


def test_the_python_kernel_names_lemmas_that_are_proved():
    """Every rule of `verifier.kernel` says which lemma proves it: the names exist in Coq."""
    proved = set()
    for path in SOURCE.glob("*.v"):
        proved |= set(re.findall(r"^(?:Lemma|Theorem|Corollary) (\w+)", path.read_text(), re.M))
    named = set()
    for module in ("rules", "ridge", "question"):
        text = (SOURCE.parent / f"{module}.py").read_text()
        for names in re.findall(r"\bCoq: ([a-z]\w*(?:, [a-z]\w*)*)", text):
            named |= set(names.split(", "))
    assert named <= proved, named - proved
    assert named >= {
        "root_sound", "interval_sound", "relu_sound", "lemma_goal_met", "valid_tighten",
        "check_sound", "close_sound", "take_atoms_sound", "take_cuts_sound", "take_bounds_sound",
        "add_row_value", "clear_sound", "rest_at_ends_sound", "finish_sound", "finish_cone_sound",
        "finish_ridge_sound", "finish_sums_sound", "weights_sound", "range_sound", "walk_sound",
        "least_sound", "label_goals_mean", "verify_sound", "verify_cone_sound",
        "verify_sample_sound", "verify_family_sound", "flip_sound", "radius_sound",
    }  # fmt: skip

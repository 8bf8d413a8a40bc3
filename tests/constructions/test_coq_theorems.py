"""The theorems about constructions in Coq: nothing is assumed, and mutants of what they claim have
no proof, or not the examples that are computed."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from constructions.integer_memorizer import memorizer_network, table_of

ROOT = Path(__file__).parents[2]
KERNEL = Path("verifier") / "kernel" / "coq"
THEOREMS = Path("constructions") / "coq"
AXIOMS = {
    "ClassicalDedekindReals.sig_forall_dec",
    "FunctionalExtensionality.functional_extensionality_dep",
}


def test_nothing_is_assumed():
    files = list((ROOT / THEOREMS).glob("*.v"))
    assert len(files) > 10
    for path in files:
        words = re.findall(r"\b(Admitted|Axiom|Parameter|admit|Conjecture)\b", path.read_text())
        assert not words, path
    printed = (ROOT / THEOREMS / "assumptions.txt").read_text()
    assert set(re.findall(r"^(\w+\.\w+)", printed, re.MULTILINE)) == AXIOMS
    asked = (ROOT / THEOREMS / "Assumptions.v").read_text()
    with_axioms, without = (printed.count(head) for head in ("Axioms:", "Closed under the global"))
    assert with_axioms >= 10
    assert with_axioms + without == asked.count("Print Assumptions ")


def test_the_page_names_theorems_that_are_proved():
    proved = set()
    for path in (ROOT / THEOREMS).glob("*.v"):
        proved |= set(re.findall(r"^(?:Lemma|Theorem) (\w+)", path.read_text(), re.MULTILINE))
    page = (ROOT / "docs" / "theorems.md").read_text()
    named = {"theorem_4_8", "theorem_4_8_every", "theorem_B_2", "theorem_B_2_every", "half_spaces",
             "half_spaces_every", "half_the_separation_is_the_limit", "running_maximum",
             "recognised", "sizes_sequential", "sizes_pipelined", "sizes_l1", "sizes_parallel",
             "sizes_l1_parallel", "sizes_half_spaces", "sizes_lipschitz",
             "sizes_lipschitz_parallel", "sizes_one_against_rest", "theorem_5_2",
             "theorem_5_2_every", "lipschitz_values", "lipschitz_constant", "least_constant",
             "one_against_rest", "one_against_rest_every", "against_rest_constant", "lemma_B_10",
             "lemma_B_16", "theorem_4_2_i"}  # fmt: skip
    assert named <= proved
    assert all(f"`{name}`" in page for name in named)
    statement = re.search(r"```coq\n(Theorem theorem_4_8 .*?)```", page, re.DOTALL)
    assert (
        statement is not None and statement[1].strip() in (ROOT / THEOREMS / "Cubes.v").read_text()
    )


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A copy of both developments, compiled."""
    if shutil.which("coqc") is None:
        pytest.skip("coqc is not installed")
    folder = tmp_path_factory.mktemp("theorems")
    for part in (KERNEL, THEOREMS):
        (folder / part / "program").mkdir(parents=True)
        for path in [*(ROOT / part).glob("*.v"), ROOT / part / "Makefile"]:
            shutil.copy(path, folder / part)
    subprocess.run(["make", "-s", "all"], cwd=folder / THEOREMS, check=True, capture_output=True)
    return folder


CLAIMS = {
    "parameters without biases": ("Sizes", "(if bias l =? 0 then 0 else 1)", "0"),
    "twice as wide": ("Sizes", "size (lines l) <= width", "size (lines l) <= 2 * width"),
    "depths without the output": (
        "Sizes",
        "Z.of_nat (length (fst b)) + 1",
        "Z.of_nat (length (fst b))",
    ),
    "a tree of fewer layers": (
        "Parallel",
        "depth b = 3 + Z.log2_up N /\\ narrow (2 * n * N) (fst b)",
        "depth b = 3 + Z.log2 N /\\ narrow (2 * n * N) (fst b)",
    ),
    "every budget for nothing": (
        "Sizes",
        "(8 + 2 * e) * n * N + (5 + e) * N - 3 + e",
        "8 * n * N + 5 * N - 3",
    ),
    "signs at the samples alone": ("Lipschitz", "Task Sign 2 m size", "Task Sign 2 m (Qmake 0 1)"),
    "signs of values": ("Lipschitz", "(Family Sign 2 k", "(Family Value 2 k"),
    "signs on larger balls": (
        "Lipschitz",
        "Theorem theorem_5_2 mu : 0 <= Q2R mu -> 2 * Q2R mu < Q2R lambda ->",
        "Theorem theorem_5_2 mu : 0 <= Q2R mu -> Q2R mu < Q2R lambda ->",
    ),
    "a constant of 1 / lambda": (
        "Lipschitz",
        "<= 2 / Q2R lambda * reach (reading ns v) (reading ns w)",
        "<= 1 / Q2R lambda * reach (reading ns v) (reading ns w)",
    ),
    "a lesser constant is none": ("Lipschitz", "-> 2 / lambda <= K.", "-> 3 / lambda <= K."),
    "a tree over coordinates for nothing": (
        "ConeSizes",
        "<= (10 * n + 3 * Z.log2_up n + 3) * P - 4",
        "<= (10 * n + 3) * P - 4",
    ),
    "cones of one layer less": (
        "ConeSizes",
        "depth b = 3 + Z.log2_up n + Z.log2_up P",
        "depth b = 2 + Z.log2_up n + Z.log2_up P",
    ),
    "cones that carry nothing": (
        "ConeSizes",
        "<= (12 * n + Z.log2_up n * (n + 4) + 1) * P + n + 3",
        "<= (12 * n + Z.log2_up n * 4 + 1) * P + n + 3",
    ),
    "labels for nothing": (
        "ConeSizes",
        "(10 * n + 3 * Z.log2_up n + 3) * N + (Z.log2_up most_samples + 1) * C",
        "(10 * n + 3 * Z.log2_up n + 3) * N",
    ),
    "greatest outputs at the samples alone": (
        "Classes",
        "Task Argmax 0 m size",
        "Task Argmax 0 m (Qmake 0 1)",
    ),
    "greatest outputs that are values": ("Classes", "(Family Argmax 0 k", "(Family Value 0 k"),
    "greatest outputs on larger balls": (
        "Classes",
        "Theorem one_against_rest mu : 0 <= Q2R mu -> 2 * Q2R mu < Q2R lambda ->",
        "Theorem one_against_rest mu : 0 <= Q2R mu -> Q2R mu < Q2R lambda ->",
    ),
    "outputs of the constant 1 / lambda": (
        "Classes",
        "<= 2 / Q2R lambda * reach (reading ns v) (reading ns w)",
        "<= 1 / Q2R lambda * reach (reading ns v) (reading ns w)",
    ),
    "an output less": (
        "Classes",
        "labels_from (samples D) 0 (highest_label D)",
        "labels_from (samples D) 0 (highest_label D - 1)",
    ),
    "more labels than samples": (
        "Recognise",
        "ClassTests => Z.leb (highest_label D) (size (samples D))",
        "ClassTests => true",
    ),
    "distances of one coordinate": ("Cones", "highest (gaps Rabs x p).", "total (gaps Rabs x p)."),
    "tests of the label that is not rarer": (
        "Recognise",
        "(2 * size (chosen 1 D)) (size (samples D)) then 1 else 0",
        "(2 * size (chosen 1 D)) (size (samples D)) then 0 else 1",
    ),
    "labels off the keys": (
        "Integers",
        "if X =? k then l else label_of X keys",
        "if X <=? k then l else label_of X keys",
    ),
    "keys in any order": (
        "Integers",
        "b < k /\\ increasing k keys",
        "b <= k /\\ increasing b keys",
    ),
    "words of too few bits": (
        "Integers",
        "0 <= fst kl < power r /\\ 0 <= snd kl",
        "0 <= fst kl < power (S r) /\\ 0 <= snd kl",
    ),
    "a threshold that is one too high": (
        "Integers",
        "shift (rest rd) (1 - power e) :: shift",
        "shift (rest rd) (2 - power e) :: shift",
    ),
    "floors on a ramp": (
        "Floors",
        "IZR k + gamma <= x < IZR k + 1 -> floor_network",
        "IZR k <= x < IZR k + 1 -> floor_network",
    ),
    "balls that leave their cells": (
        "SmallRatio",
        "placed s a p + s * mu < IZR k + 1.",
        "placed s a p < IZR k + 1.",
    ),
    "half-spaces for nothing": ("Parallel", "<= (n + 2 + e) * W + (7 + e) * N", "<= (7 + e) * N"),
    "apart in every coordinate": ("Data", "Linf => Exists (fun t", "Linf => Forall (fun t"),
    "apart by the sum of squares in L1": (
        "Data",
        "L1 => distance <= total (gaps Rabs p q)",
        "L1 => distance <= total (gaps square p q)",
    ),
    "all samples apart": ("Data", "In t (samples D) -> snd s <> snd t ->", "In t (samples D) ->"),
    "no denominator": ("Data", "IZR c / IZR (Zpos (over D))", "IZR c"),
    "positive labels": ("Data", "(0 <= snd s)%Z) (samples D)", "(0 < snd s)%Z) (samples D)"),
    "balls of half the size": (
        "Data",
        "Linf => Forall (fun t => t <= size) (gaps Rabs x p)",
        "Linf => Forall (fun t => 2 * t <= size) (gaps Rabs x p)",
    ),
    "the samples alone": ("Memorizers", "0 m size None", "0 m (Qmake 0 1) None"),
    "half of the budgets": ("Memorizers", "(2 * Qden lambda)) true.", "(4 * Qden lambda)) true."),
    "a closed interval of budgets": (
        "Memorizers",
        "(2 * Qden lambda)) true.",
        "(2 * Qden lambda)) false.",
    ),
    "outputs that are not divided": (
        "Memorizers",
        "0 k (Qmake 1 1) slope)",
        "0 k (Qmake 1 1) (Qmake 0 1))",
    ),
    "budgets below a quarter": (
        "Cubes",
        "0 <= Q2R mu -> 2 * Q2R mu < Q2R lambda -> one_budget Linf mu D (cubes l D lambda mu)",
        "0 <= Q2R mu -> 4 * Q2R mu < Q2R lambda -> one_budget Linf mu D (cubes l D lambda mu)",
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", CLAIMS)
def test_mutants_of_the_claims_have_no_proof_or_no_examples(name, built, tmp_path):
    module, old, new = CLAIMS[name]
    shutil.copytree(built, tmp_path / "copy")
    path = tmp_path / "copy" / THEOREMS / f"{module}.v"
    assert path.read_text().count(old) == 1
    path.write_text(path.read_text().replace(old, new))
    done = subprocess.run(["make", "all"], cwd=path.parent, capture_output=True)
    assert done.returncode != 0


@pytest.mark.slow
def test_a_fresh_extraction_is_the_committed_program(built):
    subprocess.run(["make", "extract"], cwd=built / THEOREMS, check=True, capture_output=True)
    for name in ("theorem.ml", "theorem.mli"):
        fresh = (built / THEOREMS / "program" / name).read_bytes()
        assert fresh == (ROOT / THEOREMS / "program" / name).read_bytes()


def coq_line(row):
    indices, weights, bias, below = row
    assert below == 1
    terms = "; ".join(f"({j}, {w})" for j, w in zip(indices, weights, strict=True))
    return f"Line [{terms}] ({bias}) 1"


TABLES = [
    ({0: 1}, 1),
    ({3: 2, 5: 1, 6: 3}, 2),
    ({1: 1, 2: 2, 7: 1, 9: 3, 12: 1}, 2),
    ({0: 1, 4: 1, 5: 1}, 3),
]


@pytest.mark.slow
def test_integer_memorizers_that_are_built_are_those_of_the_theorem(built):
    """Row by row, in Coq: what `memorizer` lists is what the construction builds."""
    text = [
        "From Coq Require Import List ZArith.",
        "From Theorems Require Import Lines Forms Integers.",
        "Import ListNotations. Open Scope Z_scope.",
    ]
    for number, (labels, slots) in enumerate(TABLES):
        table, (network, _) = table_of(labels, slots), memorizer_network(labels, slots=slots)
        keys = "; ".join(f"({key}, {labels[key]})" for key in sorted(labels))
        rows = "; ".join(coq_line(network.units.row(i)) for i in range(network.units.count))
        numbers = f"{table.slots} {table.key_bits} {table.label_bits}"
        text.append(
            f"Example same{number} : let keys := [{keys}] in\n"
            f"  let m := memorizer {numbers} (groups_of keys {table.slots} keys) in\n"
            f"  (fst m, line_of (snd m)) = ([{rows}], {coq_line(network.outputs.row(0))}).\n"
            "Proof. vm_compute. reflexivity. Qed."
        )
    folder = built / THEOREMS
    (folder / "Same.v").write_text("\n".join(text))
    paths = ["-R", str(built / KERNEL), "Robmem", "-R", ".", "Theorems"]
    done = subprocess.run(["coqc", "-q", *paths, "Same.v"], cwd=folder, capture_output=True)
    (folder / "Same.v").unlink()
    assert done.returncode == 0, done.stderr.decode()[-2000:]

"""What `tools/mutation.py` runs on each mutant, in one process and without pytest's overhead.

`checks(module)` are the tests that belong to a module, the sharpest first.
"""

from __future__ import annotations

import importlib
import inspect
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from itertools import product
from pathlib import Path

import pytest

from tests.oracles.edits import every_changed_byte, try_edits, try_run_edits
from tests.oracles.mutation_checks import (
    PARTS,
    kernel_leaves,
    kernel_tampered,
    leaves,
    proofs,
    tampered,
)

LONG = {  # or made for the whole process
    "test_checking_needs_little_memory",
    "test_a_long_certificate_is_read_in_linear_time",
    "test_intervals_equal_plain_fractions_for_batches_of_mixed_sizes",
    "test_more_regions_than_one_chunk",
}
TYPES = ("test_types", "test_exact_inputs")
RIDGE = (
    "test_ball_weights",
    "test_ridge_nodes",
    "test_ridge",
    "test_ridge_functions",
    "test_ridge_steps",
)
MAXIMA = ("test_maxima",)
FAST = (
    "test_maxima",
    "test_fast_arithmetic",
    "test_verdicts_in_memory",
    "test_slopes_of_copies",
    "test_symbolic",
    "test_ridge",
    "test_ridge_functions",
    "test_ridge_steps",
    "test_symbolic_edges",
    "test_exact_radius",
)
FILES = {
    "certificate": (
        "test_certificates",
        "test_verdicts_in_memory",
        "test_hostile_files",
        "test_ridge",
    ),
    "data_file": ("test_data_bytes", "test_data_file", "test_hostile_files"),
    "branch": (
        "test_branch_steps",
        "test_put_off",
        "test_maxima_pass",
        "test_maxima_together",
        *FAST,
        "test_symbolic_ahead",
        "test_fixed_sums",
        "test_family_sums",
    ),
    "leaf": (*FAST, "test_leaf_edges", "test_family_sums", "test_powers"),
    "replay": ("test_contracted", *FAST, "test_symbolic_ahead", "test_put_off"),
    "tree": (*FAST, "test_symbolic_ahead", "test_fixed_sums", "test_put_off"),
    "executed": ("test_executed",),
    "family": ("test_family_ends", "test_family", "test_kernel_families", "test_family_sums"),
    "family_maxima": ("test_family_maxima", "test_family", "test_kernel_families"),
    "family_replay": ("test_family_replays", "test_member_answers", "test_family"),
    "intervals": (
        "test_interval_sizes",
        "test_family",
        "test_family_roots",
        "test_kernel_families",
        "test_maxima_pass",
        *TYPES,
    ),
    "live_rows": ("test_live_rows", "test_fast_arithmetic", "test_family", *TYPES),
    "manifest": (
        "test_manifest_questions",
        "test_data_bytes",
        "test_manifest",
        "test_distances",
        "test_margins",
        "test_curves",
    ),
    "network": ("test_integers", "test_network_values", *TYPES),
    "network_file": (
        "test_network_bytes",
        "test_native_network",
        "test_hostile_files",
        "test_exact_inputs",
    ),
    "packed": ("test_packed", "test_json_texts", "test_hostile_files"),
    "proof_file": (
        "test_kernel_question",
        "test_proof_file",
        "test_family_proofs",
        "test_hostile_files",
        "test_exact_radius",
    ),
    "query": TYPES,
    "rational": ("test_json_texts", "test_verdicts_in_memory", *TYPES),
    "distance": ("test_distances",),
    "distances": ("test_distances",),
    "margin": ("test_margin_texts", "test_margins"),
    "curve": ("test_curves",),
    "curves": ("test_curves", "test_margin"),
    "margins": ("test_margin_claims", "test_margins"),
    "contracted": ("test_contracted",),
    "equal_rows": ("test_equal_rows", "test_repeated_rows"),
    "exact_maximum": ("test_exact_maximum",),
    "exact_radius": ("test_exact_radius",),
    "fields": ("test_fields",),
    "fixed_point": (
        "test_fixed_point",
        "test_symbolic_edges",
        "test_symbolic",
        "test_symbolic_extremes",
    ),
    "enclosures": ("test_enclosures", "test_put_off"),
    "limbs": ("test_limbs",),
    "put_off": ("test_put_off", "test_enclosures"),
    "question_family": ("test_family_questions",),
    "sparse_block": ("test_sparse_block", "test_symbolic"),
    "region": ("test_regions", *TYPES, "test_exact_radius", "test_powers"),
    "checked": (
        "test_contracted",
        "test_maxima_together",
        "test_checked_families",
        "test_batch",
        "test_checked",
        "test_distances",
        "test_margins",
        "test_curves",
        "test_member_answers",
        "test_executed",
        "test_manifest",
        *TYPES,
    ),
    "scaled": (
        "test_contracted",
        "test_scaled_limits",
        "test_repeated_rows",
        "test_fast_arithmetic",
        "test_scaled_rows",
        "test_interval_sizes",
        "test_family_roots",
        *TYPES,
    ),
    "strict_json": ("test_json_texts", "test_hostile_files"),
    "symbolic": (
        "test_symbolic_edges",
        "test_symbolic",
        "test_symbolic_extremes",
        "test_powers",
    ),
    "ridge": (*RIDGE, "test_powers"),
    "ridge_tables": (
        "test_repeated_rows",
        "test_distinct_rows",
        "test_sum_limits",
        "test_fixed_sums",
        "test_family_sums",
    ),
    "ridge_minima": ("test_fixed_sums", "test_family_sums", "test_powers"),
    "maxima": ("test_maxima_pass", "test_maxima_together", *MAXIMA),
    "maxima_pass": ("test_maxima_pass", "test_maxima_together", "test_maxima"),
    "maxima_tables": ("test_maxima_pass", "test_maxima_together", "test_maxima"),
    "maxima_together": ("test_maxima_together", "test_maxima_pass"),
}
KERNEL = {  # in one process: what is run at the command line is not changed
    "kernel_network": ("test_network_bytes", "test_kernel_files"),
    "kernel_question": (
        "test_kernel_question",
        "test_kernel_rules",
        "test_kernel_files",
        "test_exact_radius",
        "test_kernel_families",
        "test_powers",
    ),
    "kernel_ridge": ("test_kernel_rules", "test_elaborate", "test_powers"),
    "kernel_rules": (
        "test_kernel_rules",
        "test_data_bytes",
        "test_exact_radius",
        "test_elaborate",
        "test_kernel_families",
        "test_family_sums",
        "test_powers",
    ),
    "kernel_runs": (
        "test_member_runs",
        "test_data_bytes",
        "test_kernel_question",
        "test_kernel_files",
        "test_exact_radius",
        "test_elaborate",
    ),
    "kernel_text": ("test_json_texts", "test_kernel_files", "test_any_value"),
}
FILES |= KERNEL
LONG_FOR = ("", "intervals", "scaled", "checked")
CHECKERS = (
    "branch", "certificate", "intervals", "leaf", "live_rows", "maxima", "network",
    "query", "rational", "region", "replay", "ridge", "ridge_minima",
    "ridge_tables", "scaled", "symbolic", "tree",
)  # fmt: skip
RUNS = ("", "data_file", "manifest")


def checks(module: str) -> dict[str, Callable[[], None]]:
    """By name, each raising if something is wrong; a module "" stands for all."""
    found: dict[str, Callable[[], None]] = {}
    if module in ("", *CHECKERS):
        for part in range(PARTS):
            found[f"tampered cases {part}"] = partial(tampered, part)
        for begin in range(0, 60, 15):
            for norm in ("inf", "1", "2"):
                seeds = range(begin, begin + 15)
                found[f"leaves {norm} {begin}"] = partial(leaves, norm, seeds)
        for begin in range(0, 30, 10):
            seeds = range(begin, begin + 10)
            found[f"random proofs {begin}"] = partial(proofs, seeds)
            found[f"random edits {begin}"] = partial(try_edits, seeds, 3)
    if module in ("", *KERNEL):
        for part in range(PARTS):
            found[f"kernel cases {part}"] = partial(kernel_tampered, part)
        for begin in range(0, 60, 15):
            for norm in ("inf", "1", "2"):
                seeds = range(begin, begin + 15)
                found[f"kernel leaves {norm} {begin}"] = partial(kernel_leaves, norm, seeds)
    names = FILES[module] if module else sorted({n for files in FILES.values() for n in files})
    for name in names:
        found |= tests_of(name)
    if module in RUNS:
        found["all edits of runs"] = partial(try_run_edits, range(25), 6)
        for seed in range(4):
            name = f"all bytes of run {seed}"
            found[name] = partial(every_changed_byte, seed)
    # The long ones come last, and only where they can show something.
    if module in LONG_FOR:
        return found
    return {name: check for name, check in found.items() if name.split()[1] not in LONG}


def module_of_tests(name: str) -> str:
    """The dotted name of the test module `name`, which is one name for all folders of tests."""
    (path,) = Path(__file__).parents[1].glob(f"*/{name}.py")
    return f"tests.{path.parent.name}.{name}"


def tests_of(name: str) -> dict[str, Callable[[], None]]:
    """All test functions of a test module with all their parameters."""
    module = importlib.import_module(module_of_tests(name))
    found: dict[str, Callable[[], None]] = {}
    for test, function in list(vars(module).items()):
        if not test.startswith("test_") or not inspect.isfunction(function):
            continue
        if function.__module__ != module.__name__:
            continue
        marks = getattr(function, "pytestmark", [])
        if any(mark.name in ("slow", "skipif") for mark in marks):
            continue
        axes = [axis(mark) for mark in marks if mark.name == "parametrize"]
        for number, values in enumerate(product(*axes)):
            arguments = {key: value for part in values for key, value in part.items()}
            found[f"{name} {test} {number}"] = partial(call, function, arguments)
    return found


def call(function: Callable[..., None], arguments: dict[str, object]) -> None:
    """The test with these arguments, and with the fixtures that it asks for; its module's
    `prepare` comes first."""
    wanted = inspect.signature(function).parameters
    prepare = vars(sys.modules[function.__module__]).get("prepare")
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        if prepare is not None:
            prepare(patch)
        fixtures = {"monkeypatch": patch, "tmp_path": Path(folder)}
        function(**arguments, **{key: fixtures[key] for key in fixtures if key in wanted})


def axis(mark) -> list[dict[str, object]]:
    """The arguments of one `parametrize`, without those that are slow."""
    names, values = mark.args[:2]
    names = [n.strip() for n in names.split(",")] if isinstance(names, str) else list(names)
    found = []
    for value in values:
        if type(value).__name__ != "ParameterSet":
            parts = tuple(value) if len(names) > 1 else (value,)
        elif any(given.name == "slow" for given in value.marks):
            continue
        else:
            parts = value.values
        found.append(dict(zip(names, parts, strict=True)))
    return found

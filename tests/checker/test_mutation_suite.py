"""Every module that must be believed has its tests in the mutation suite, which can call them."""

from __future__ import annotations

import importlib
import inspect

from tests.oracles.mutation_suite import FILES, axis, module_of_tests
from tools.mutation import DOTTED

FIXTURES = {"monkeypatch", "tmp_path"}


def test_every_trusted_module_has_tests_and_every_test_module_is_there() -> None:
    assert FILES.keys() == DOTTED.keys()
    for names in FILES.values():
        for name in names:
            module_of_tests(name)


def test_no_test_of_the_suite_asks_for_another_fixture() -> None:
    for name in sorted({name for names in FILES.values() for name in names}):
        for test, function in vars(importlib.import_module(module_of_tests(name))).items():
            if test.startswith("test_") and inspect.isfunction(function):
                marks = getattr(function, "pytestmark", [])
                if any(mark.name in ("slow", "skipif") for mark in marks):
                    continue
                given = [axis(mark)[0] for mark in marks if mark.name == "parametrize"]
                known = FIXTURES.union(*given)
                assert set(inspect.signature(function).parameters) <= known, f"{name}: {test}"

"""Every module that must be believed has its tests in the mutation suite."""

from __future__ import annotations

from tests.oracles.mutation_suite import FILES, module_of_tests
from tools.mutation import DOTTED


def test_every_trusted_module_has_tests_and_every_test_module_is_there() -> None:
    assert FILES.keys() == DOTTED.keys()
    for names in FILES.values():
        for name in names:
            module_of_tests(name)

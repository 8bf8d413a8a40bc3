"""Evidence that is wrong in one way is refused for that flaw by the kernel, by itself or after
elaboration, and what is true is accepted."""

from __future__ import annotations

import pytest

from tests.oracles.mutation_checks import PARTS, kernel_tampered


@pytest.mark.parametrize("part", range(PARTS))
def test_tampered_cases(part):
    kernel_tampered(part)

"""Integers are stored in 64 bits where all of them and their negatives fit, and as they are
elsewhere; one number has one form."""

import numpy as np
import pytest

from verifier.question.network import integers


@pytest.mark.parametrize(
    ("values", "wide"),
    [
        ([], False),
        ([0, -1, 1], False),
        ([2**63 - 1, 1 - 2**63], False),
        ([2**63], True),
        ([-(2**63)], True),
        ([1, -(2**63), 1], True),
        ([1, 2**63, 1], True),
        ([10**40, -(10**40)], True),
    ],
)
def test_the_form_depends_on_the_numbers_alone(values, wide):
    forms = [integers(values), integers(np.array(values, dtype=object))]
    if all(-(2**63) <= value < 2**63 for value in values):
        forms.append(integers(np.array(values, dtype=np.int64)))
    for found in forms:
        assert found.dtype == (object if wide else np.int64)
        assert found.tolist() == values
        assert all(type(value) is int for value in found.tolist())

"""What a leaf proves is exactly what the rules give: at its bound a strict goal closes, a weak one
does not, and a hair beyond it nothing does. A fourth evaluation of the rules, for boxes and norm 1,
and for norm 2 where the root is rational."""

import pytest

from tests.oracles.leaf_bounds import exact_leaves


@pytest.mark.parametrize("norm", ["inf", "1", "2"])
def test_a_leaf_proves_its_bound_and_no_more(norm):
    for seed in range(250):
        exact_leaves(seed, norm)

"""Root bounds at both ends of a cone: those of the rule in plain fractions, copies included."""

from __future__ import annotations

import json
from fractions import Fraction
from random import Random

import numpy as np
import pytest

from tests.oracles.kernel import head_of
from verifier.checker.family import family_roots, family_scaled
from verifier.evidence.network_file import network_bytes
from verifier.kernel import question as kernel_question
from verifier.kernel import rules
from verifier.kernel.network import Network as KernelNetwork
from verifier.question.build import NetworkBuilder
from verifier.question.family import Cone, FamilyQuery
from verifier.question.query import Atom, Goal

F = Fraction


def family_with_copies(seed: int, factor: int = 1) -> list[FamilyQuery]:
    """Units that read a point of the plane and m, relu(u) of each unit u twice over, and units that
    read both; about two cones. Weights of inputs are multiples of `factor`."""
    rng = Random(seed)
    build = NetworkBuilder(3)

    def mix(known):
        row = F(rng.randint(-3, 3), rng.choice((1, 2, 3)))
        for unit in known:
            row = row + unit * F(rng.randint(-3, 3), rng.choice((1, 2)))
        return row * (factor if known is build.inputs else 1)

    first = build.layer([mix(build.inputs) for _ in range(3)])
    second = build.layer([first[0], first[1], mix([*build.inputs, *first])])
    third = build.layer([*second, mix([*first, *second])])
    network = build.network([mix([*second, *third])])
    goal = Goal((Atom((), ((0, F(1)),), F(0), False),), "0")
    cones = []
    for _ in range(2):
        begin = F(rng.randint(0, 4), 3)
        center = tuple(F(rng.randint(-4, 4), 2) for _ in range(2))
        cones.append(Cone("inf", center, F(1), begin, begin + F(rng.randint(1, 6), 2), False))
    return [FamilyQuery(network, cone, (goal,)) for cone in cones]


@pytest.mark.parametrize("factor", [1, 2**70])
@pytest.mark.parametrize("seed", range(60))
def test_bounds_at_both_ends_are_those_of_the_kernel(seed: int, factor: int) -> None:
    """In 64 bits, and in Python's integers where these are too few."""
    queries = family_with_copies(seed, factor)
    network = queries[0].network
    scaled = family_scaled(network, queries)
    for query, ends in zip(queries, family_roots(scaled, queries), strict=True):
        head = json.loads(head_of(query))
        asked = kernel_question.stated(head, KernelNetwork(network_bytes(network)))
        sides = rules.Checker(asked).sides
        for v in range(network.units.count):
            scale = scaled.scales[network.inputs + v]
            for end, root in enumerate(ends):
                low, high = Fraction(root.lower_of(v), scale), Fraction(root.upper_of(v), scale)
                assert low == sides[0][network.inputs + v][end]
                assert high == sides[1][network.inputs + v][end]
                assert not root.table.flags.writeable
                assert (root.lower[v], root.upper[v]) == (root.lower_of(v), root.upper_of(v))


@pytest.mark.parametrize("seed", range(12))
def test_parts_of_a_block_hold_the_bounds_of_units_and_no_more_rows_than_that_needs(seed: int):
    scaled = family_scaled(family_with_copies(seed)[0].network, family_with_copies(seed))
    inputs, tables = scaled.network.inputs, scaled.tables
    lower = set(tables.lower_row[inputs:].tolist())
    empty = 0
    for block in scaled.blocks:
        picked = block.gather
        below = np.array([[row in lower for row in rows] for rows in picked.tolist()])
        of_units = picked >= 2 * inputs
        for part, wanted in ((block.of_units, of_units), (block.below_units, below & of_units)):
            assert not part.mask.flags.writeable and part.mask.base is None
            found = np.zeros_like(wanted)
            found[part.entries, part.rows] = part.mask[:, :, 0]
            assert (found == wanted).all()
            empty += not wanted.any()
            if wanted.any():
                assert part.mask[0].any() and part.mask[-1].any()
                assert part.mask[:, 0].any() and part.mask[:, -1].any()
            else:
                assert part.mask.size == 0
    assert empty  # the first layer reads inputs alone

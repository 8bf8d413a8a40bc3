"""A search is lent the checker's network: the same numbers, in arrays that it cannot write into."""

from dataclasses import fields
from fractions import Fraction

import numpy as np
import pytest

from constructions.registry import build
from verifier.checker.checked import Checker
from verifier.checker.scaled import Part, ScaledNetwork
from verifier.data.dataset import Dataset
from verifier.question.network import Network

ROWS = [[0, 3, 8], [5, 1, 4], [9, 9, 2], [4, 7, 7]]


CHECKERS = pytest.mark.parametrize(("denominator", "family"), [(1, False), (6, False), (1, True)])


def checker_of(denominator, family):
    data = Dataset.from_rows("rows", ROWS, [0, 1, 0, 1])
    network = build("linf", data, ratio=Fraction(3, 4)).network
    return Checker(network, denominator, family=family)


def arrays_of(one):
    for name in (field.name for field in fields(one)):
        value = getattr(one, name)
        if isinstance(value, np.ndarray):
            yield value
        elif isinstance(value, Part):
            yield from arrays_of(value)


@CHECKERS
def test_all_numbers_are_the_same(denominator, family):
    checker = checker_of(denominator, family)
    network, scaled = checker.lent()
    own, fresh = checker.scaled, ScaledNetwork(checker.network, checker.scaled.denominator)
    assert network is not checker.network
    assert network.digest == checker.network.digest
    assert scaled is not own
    assert scaled.network is network
    assert (scaled.denominator, scaled.axes) == (own.denominator, own.axes)
    for name in ("weights", "constants", "origins", "levels"):
        assert (getattr(scaled, name) == getattr(fresh, name)).all()
    assert (scaled.scales, scaled.output_scales) == (fresh.scales, fresh.output_scales)
    assert scaled.scales is not own.scales
    assert scaled.output_scales is not own.output_scales
    assert scaled.tables.height == fresh.tables.height
    parts = (scaled.layers, fresh.layers), (scaled.tables.blocks, fresh.tables.blocks)
    outer = ([scaled.output_layer], [fresh.output_layer]), ([scaled.tables], [fresh.tables])
    for mine, others in (*parts, *outer):
        assert len(mine) == len(others) > 0
        for one, other in zip(mine, others, strict=True):
            pairs = zip(arrays_of(one), arrays_of(other), strict=True)
            assert all((a == b).all() for a, b in pairs)


@CHECKERS
def test_nothing_that_is_shared_can_be_written_into(denominator, family):
    """By accident or by a flag; what can be is no array of the checker."""
    checker = checker_of(denominator, family)
    scaled = checker.lent()[1]
    shared = 0
    lent = [getattr(scaled, name) for name in ("weights", "constants", "origins", "levels")]
    for one in (*scaled.layers, scaled.output_layer, scaled.tables, *scaled.tables.blocks):
        lent += arrays_of(one)
    own = checker.scaled
    held = [getattr(own, name) for name in ("weights", "constants", "origins", "levels")]
    for one in (*own.layers, own.output_layer, own.tables, *own.tables.blocks):
        held += arrays_of(one)
    for array in lent:
        if any(np.shares_memory(array, other) for other in held if array.size):
            shared += 1
            assert not array.flags.writeable
            with pytest.raises(ValueError, match="WRITEABLE"):
                array.flags.writeable = True
    assert shared > 20


@CHECKERS
def test_what_is_derived_is_derived_by_each(denominator, family):
    checker = checker_of(denominator, family)

    def made(network: Network) -> list[int]:
        return [network.inputs]

    def found(scaled: ScaledNetwork) -> list[int]:
        return [scaled.denominator]

    checker.network.derived(made).append(0)
    checker.scaled.derived(found).append(0)
    checker.scaled.placed_row(1)
    network, scaled = checker.lent()
    assert network.derived(made) == [checker.network.inputs]
    assert scaled.derived(found) == [scaled.denominator]
    assert scaled._placed_rows == {}
    assert scaled._one.derived(found) is not checker.scaled._one.derived(found)
    assert scaled._one._placed_rows is not checker.scaled._one._placed_rows
    assert "full_layers" not in scaled._one.__dict__ or checker.scaled._one is not scaled._one


@CHECKERS
def test_another_checker_of_the_network_lends_the_same_copy(denominator, family):
    """What searches have derived from the copy is there for the next question."""
    checker = checker_of(denominator, family)
    network, scaled = checker.lent()
    assert checker.lent() == (network, scaled)
    other, second = Checker(checker.network, 12).lent()
    assert other is network
    if checker.scaled.denominator > 1:
        assert second._one is scaled._one


def test_what_is_kept_is_derived_unless_it_is_known():
    network = build("linf", Dataset.from_rows("rows", ROWS, [0, 1, 0, 1]), ratio=Fraction(1, 2))

    def made(network: Network) -> int:
        return network.inputs

    network = network.network
    network.keep(made, lambda found: 10 * found.inputs)
    assert network.derived(made) == 30
    network.keep(made, lambda found: 0)
    assert network.derived(made) == 30

"""Symbolic bounds at the ends of what they can hold: the longest coefficients, the finest weights,
the largest networks, branches that are nearly empty."""

from fractions import Fraction
from random import Random

import pytest

from tests.oracles.checkers import both
from tests.oracles.ridge_steps import bounds_of
from verifier.checker.fixed_point import precision
from verifier.evidence.certificate import Conflict, Node, Robust, SymbolicLeaf, SymbolicStep
from verifier.question.build import Affine, NetworkBuilder
from verifier.question.query import Atom, Goal, Query
from verifier.question.region import box

F = Fraction


@pytest.mark.parametrize("weight", [F(1), 1 - F(1, 2**24), F(-1), F(1, 2**24) - 1])
@pytest.mark.parametrize("sign", [-1, 1])
def test_a_unit_that_is_off_is_zero(weight, sign):
    """The output is 0 everywhere, so that it is never above and never below, and at least and at
    most 0 at every point."""
    build = NetworkBuilder(1)
    (off,) = build.layer([build.inputs[0] - 1])
    network = build.network([off * weight])
    for strict, flaw in ((True, "accepted"), (False, "bound too weak")):
        goal = Goal((Atom((), ((0, F(sign)),), F(0), strict),), "0")
        query = Query(network, box([F(-(10**6))], [F(0)]), (goal,))
        for steps in ((), (SymbolicStep(),)):
            assert both(query, Robust(steps, ((Node((), SymbolicLeaf(0)),),))) == flaw


@pytest.mark.parametrize(("layers", "inputs"), [(1, 254), (6, 126)])
def test_bounds_of_one_bit_less(layers, inputs):
    """With so many inputs, beside layers of one unit, bounds have 28 bits, with one more 27; a
    bound that lacks 2^-20 is proved with either, and one that is met is not."""
    for count, bits in ((inputs, 28), (inputs + 1, 27)):
        build = NetworkBuilder(count)
        unit = build.inputs[0]
        for _ in range(layers):
            (unit,) = build.layer([unit])
        network = build.network([unit])
        assert precision(network).bound == bits
        for least, flaw in ((1 + F(1, 2**20), "accepted"), (F(1), "bound too weak")):
            goal = Goal((Atom((), ((0, F(1)),), -least, False),), "0")
            query = Query(network, box([F(0)] * count, [F(1)] * count), (goal,))
            assert both(query, Robust((), ((Node((), SymbolicLeaf(0)),),))) == flaw


@pytest.mark.parametrize("seed", range(40))
def test_fine_weights_beside_coefficients_of_earlier_layers(seed):
    """All bounds are those of the reference, to the last bit."""
    rng = Random(seed)
    build = NetworkBuilder(2)
    known = list(build.inputs)
    for _ in range(3):
        fine = rng.choice((0, 12, 16, 17, 18, 20, 40))
        forms = []
        for _ in range(2):
            parts = [u * F(rng.randint(-(2**23), 2**23), 2 ** rng.choice((22, 22 + fine)))
                     for u in known]  # fmt: skip
            forms.append(Affine.sum(parts) + F(rng.randint(-9, 9), 8))
        known += build.layer(forms)
    network = build.network([Affine.sum(known)])
    goal = Goal((Atom((), ((0, F(1)),), F(0), False),), "0")
    query = Query(network, box([F(-1), F(-1)], [F(1), F(2)]), (goal,))
    fast, slow = bounds_of(query, (SymbolicStep(),))
    assert fast == slow


def test_a_branch_of_one_value_is_not_empty():
    """x - max(x, 0) is 0 on [0, 1], which symbolic bounds see."""
    build = NetworkBuilder(1)
    x = build.inputs[0]
    (same,) = build.layer([x])
    (none,) = build.layer([x - same])
    goal = Goal((Atom((), ((0, F(-1)),), F(0), False),), "0")  # output <= 0, which is true
    query = Query(build.network([none]), box([F(0)], [F(1)]), (goal,))
    for body in (SymbolicLeaf(0), Conflict(1)):
        flaw = "no conflict" if isinstance(body, Conflict) else "bound too weak"
        assert both(query, Robust((SymbolicStep(),), ((Node((), body),),))) == flaw


def test_the_least_bound_above_zero_closes():
    """x + 2^-k on [0, 1], down to the finest unit; what is below it counts as zero."""
    network = NetworkBuilder(1)
    network = network.network([network.inputs[0]])
    found = []
    for k in range(30, 70):
        goal = Goal((Atom(((0, F(-1)),), (), -F(1, 2**k), False),), "0")
        query = Query(network, box([F(0)], [F(1)]), (goal,))
        found.append(both(query, Robust((), ((Node((), SymbolicLeaf(0)),),))))
    closes = found.index("bound too weak")
    assert closes > 10 and set(found[:closes]) == {"accepted"}
    assert set(found[closes:]) == {"bound too weak"}

"""The arithmetic of the fast checker: layers as matrices or row by row, integers that no machine
number holds, minima on balls; always the reference's answer."""

from fractions import Fraction
from random import Random

import pytest

from tests.oracles.checkers import both, guess
from tests.oracles.leaf_bounds import exact_leaves
from tests.oracles.naive_prover import prove
from tests.oracles.oracle import find_flip
from tests.oracles.random_queries import random_query
from verifier.checker.intervals import interval_bounds
from verifier.checker.scaled import ScaledNetwork, common_denominator
from verifier.checker.tree import TreeChecker
from verifier.evidence.certificate import (
    Conflict,
    Leaf,
    Lemma,
    Node,
    Robust,
    SeparableStep,
    UnitSplit,
)
from verifier.question.build import NetworkBuilder
from verifier.question.query import Atom, Goal, Query
from verifier.question.region import ball, box

F = Fraction


def scaled_of(query):
    region = query.region
    return ScaledNetwork(query.network, common_denominator([region.lower, region.upper]))


def test_matrices_hold_the_rows_of_their_layers():
    full = 0
    for seed in range(200):
        scaled = scaled_of(random_query(seed))
        layers = scaled.full_layers
        entries = len(scaled.network.units.indices)
        cells = sum(
            (layer.last - layer.first) * len(set(layer.indices.tolist())) for layer in scaled.layers
        )
        few = entries < 2 * scaled.network.units.count
        assert (layers is None) == (cells > 2 * entries or few), seed
        if layers is None:
            continue
        full += 1
        ranges = list(scaled.network.layer_ranges())
        assert [(layer.first, layer.last) for layer in layers] == ranges
        for layer in layers:
            for v in range(layer.first, layer.last):
                variables, weights, constant = scaled.row(v)
                row = dict.fromkeys(layer.variables, 0) | dict(zip(variables, weights, strict=True))
                assert list(row) == layer.variables
                assert layer.weights[v - layer.first].tolist() == list(row.values())
                assert layer.constants[v - layer.first] == constant
                assert all(type(w) is int for w in layer.weights[v - layer.first].tolist())
    assert 50 < full < 150


def sum_of(inputs, rows):
    """The network whose output is the sum of these units, each a sum of inputs and 1."""
    build = NetworkBuilder(inputs)
    x = build.inputs
    return build.network([sum(build.layer([sum(x[k] for k in row) + 1 for row in rows]))])


def far(network, region):
    """Is the output of the network at least 100?"""
    return Query(network, region, (Goal((Atom((), ((0, F(1)),), F(-100), False),), "far"),))


def test_networks_that_are_mostly_empty_or_large_have_no_matrices(monkeypatch):
    region = ball("1", [F(0)] * 3, F(1))
    sparse = far(sum_of(3, [(0,), (1,), (2,)]), region)  # 3 entries of 9
    single = far(sum_of(3, [(0,), (0,), (0, 1)]), region)  # 4 entries of 6, for 3 units
    dense = far(sum_of(3, [(0, 1), (0, 1), (0, 1)]), region)
    assert scaled_of(sparse).full_layers is None
    assert scaled_of(single).full_layers is None
    assert scaled_of(dense).full_layers is not None
    monkeypatch.setattr("verifier.checker.scaled._CELLS", 6)
    assert scaled_of(dense).full_layers is not None
    monkeypatch.setattr("verifier.checker.scaled._CELLS", 5)
    assert scaled_of(dense).full_layers is None


@pytest.mark.parametrize("whole", [True, False])
def test_factors_beyond_64_bits_stay_integers(whole, monkeypatch):
    """Of one layer 2^63 and -1, which numpy would take for floats."""
    if not whole:
        monkeypatch.setattr(ScaledNetwork, "full_layers", None)
    build = NetworkBuilder(2)
    x, y = build.inputs
    p, r = build.layer([x + y + 2, x - y + 3])
    network = build.network([r - p * 2**63 + (x + y) * 2**63])  # x - y + 3 - 2^64 up to 5 - 2^64
    proof = Robust((), ((Node((), Leaf()),),))
    region = box([F(0), F(-1)], [F(1), F(1)])
    for above, strict, expected in (
        (2**64 - 5, True, "accepted"),
        (2**64 - 5, False, "bound too weak"),
        (2**64 - 5 - F(1, 9), False, "accepted"),
        (2**64 - 5 + F(1, 9), True, "bound too weak"),
    ):
        goal = Goal((Atom((), ((0, F(1)),), F(above), strict),), "high")
        query = Query(network, region, (goal,))
        assert (scaled_of(query).full_layers is None) != whole
        assert both(query, proof) == expected


@pytest.mark.parametrize("norm", ["1", "2"])
@pytest.mark.parametrize("open", [True, False])
def test_a_minimum_of_zero_on_a_ball(norm, open):
    """On the open ball it is attained where the form has no gradient, and nowhere else."""
    build = NetworkBuilder(1)
    (x,) = build.inputs
    network = build.network([x * 3, x * 0 + 0])
    region = ball(norm, [F(1, 7)], F(2, 3), open=open)
    proof = Robust((), ((Node((), Leaf()),),))
    edge = F(1, 7) + F(2, 3)
    for output, constant, strict, expected in (
        (0, -3 * edge, False, "accepted" if open else "bound too weak"),
        (0, -3 * edge, True, "accepted"),
        (0, -3 * edge + F(1, 10**20), True, "bound too weak"),
        (0, -3 * edge + F(1, 10**20), False, "bound too weak"),
        (1, F(0), False, "bound too weak"),
        (1, F(0), True, "accepted"),
    ):
        goal = Goal((Atom((), ((output, F(1)),), constant, strict),), "high")
        assert both(Query(network, region, (goal,)), proof) == expected


def test_bounds_that_contradict_are_summed_alike():
    """An empty branch: a unit that is on, on its off side; one that lies on no line reads it."""
    build = NetworkBuilder(2)
    x, y = build.inputs
    p, r = build.layer([x - F(1, 2), y - F(1, 2)])
    (u,) = build.layer([p + r + 1])
    (w,) = build.layer([2 * u - 1])
    query = far(build.network([w]), box([F(0)] * 2, [F(1)] * 2))
    off = (Node((), UnitSplit(2)), Node((SeparableStep((F(0),)),), Conflict(3)), Node((), Leaf()))
    assert both(query, Robust((), (off,))) == "no conflict"


@pytest.mark.parametrize("norm", ["inf", "1", "2"])
def test_row_by_row_leaves_prove_their_bound_and_nothing_beyond(norm, monkeypatch):
    monkeypatch.setattr(ScaledNetwork, "full_layers", None)
    for seed in range(60):
        exact_leaves(seed, norm)


@pytest.mark.parametrize("whole", [True, False])
def test_true_and_guessed_proofs_are_answered_as_by_the_reference(whole, monkeypatch):
    if not whole:
        monkeypatch.setattr(ScaledNetwork, "full_layers", None)
    for seed in range(60):
        query, rng = random_query(seed), Random(seed)
        flip, proof = find_flip(query), prove(query, Random(seed) if seed % 2 else None)
        assert (flip is None) == (proof is not None), seed
        if proof is not None:
            assert both(query, proof) == "accepted", seed
        for _ in range(2):
            assert both(query, guess(rng, query)) != "accepted" or flip is None, seed


@pytest.mark.parametrize("whole", [True, False])
def test_what_is_left_of_a_form_is_the_same(whole, monkeypatch):
    """Numerators, constant and denominator: forms are equal as numbers, not only in their sign."""
    found = []
    for full in (True, False):
        if not full:
            monkeypatch.setattr(ScaledNetwork, "full_layers", None)
        forms = []
        for seed in range(150):
            query, rng = random_query(seed), Random(seed)
            scaled = scaled_of(query)
            root = interval_bounds(scaled, [query.region])[0]
            checker = TreeChecker(query, scaled, root)
            for v in range(query.network.units.count):
                if rng.random() < 0.3:
                    checker.restrict(UnitSplit(v), high=rng.random() < 0.5)
            (node,) = guess(rng, query).trees[0]
            slopes = {v: s if s < 1 else F(0) for v, s in node.body.slopes.items()}
            leaf = Leaf({0: F(1)}, slopes if whole else {}, node.body.bounds, usual=seed % 2 == 0)
            form, _ = checker.start(leaf, query.goals[0])
            checker._eliminate(form, leaf)
            z = {j: F(c, form.denominator) for j, c in form.z.items() if c}
            forms.append((z, form.a, F(form.constant) / form.denominator))
        found.append(forms)
    assert found[0] == found[1]


def test_a_lemma_about_a_unit_of_a_full_layer():
    build = NetworkBuilder(2)
    x, y = build.inputs
    z = build.layer([x + y, x - y])
    last = build.layer([z[0] + z[1] - 1, z[0] - z[1]])
    network = build.network([last[0] + last[1]])
    query = far(network, ball("2", [F(0)] * 2, F(1)))
    assert scaled_of(query).full_layers is not None
    slopes = {0: F(1, 2), 1: F(1, 2)}
    for bound, expected in ((F(9, 4), "accepted"), (F(15, 8), "bound too weak")):
        lemma = Lemma(2, True, bound, (Node((), Leaf(slopes=slopes)),))
        assert both(query, Robust((lemma,), ((Node((), Leaf()),),))) == expected

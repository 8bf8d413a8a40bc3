"""Symbolic bounds: sound, the same in both implementations, independent of the batch."""

from __future__ import annotations

import random
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from tests.oracles.reference import forward
from tests.oracles.reference_symbolic import ReferenceSymbolic
from tests.oracles.reference_symbolic import precision as reference_precision
from tests.oracles.symbolic_rows import reference_of
from verifier.checker.fixed_point import precision, refusal, supports
from verifier.checker.intervals import interval_bounds
from verifier.checker.scaled import ScaledNetwork, common_denominator
from verifier.checker.symbolic import Branches, Root, SymbolicNetwork, minus
from verifier.checker.tree import TreeChecker
from verifier.evidence.certificate import InputSplit, Lemma, UnitSplit
from verifier.question.build import Affine, NetworkBuilder
from verifier.question.network import Network, Rows
from verifier.question.query import Atom, Goal, Query
from verifier.question.region import Region, ball, box


def random_number(rng: random.Random) -> Fraction:
    kind = rng.random()
    if kind < 0.5:
        return Fraction(rng.randint(-4, 4))
    if kind < 0.8:
        return Fraction(rng.gauss(0, 1))
    if kind < 0.9:
        return Fraction(rng.randint(-99, 99), rng.randint(1, 99))
    return Fraction(rng.randint(-9, 9)) * Fraction(2) ** rng.randint(-60, 30)


def random_network(rng: random.Random) -> Network:
    build = NetworkBuilder(rng.randint(1, 4))
    known = list(build.inputs)
    previous = known
    for _ in range(rng.randint(1, 4)):
        sources = previous if rng.random() < 0.6 else known
        forms = [
            Affine.sum([random_number(rng) * form for form in sources]) + random_number(rng)
            for _ in range(rng.randint(1, 5))
        ]
        previous = build.layer(forms)
        known = known + previous
    return build.network([Affine.sum([random_number(rng) * form for form in known])])


def random_region(rng: random.Random, inputs: int) -> Region:
    center = [random_number(rng) for _ in range(inputs)]
    radius = abs(random_number(rng)) + Fraction(1, 7)
    norm = rng.choice(["inf", "1", "2", "3", "7"])
    clip = (center[0] - radius / 2, center[0] + 3) if rng.random() < 0.3 else None
    if clip:
        center = [min(max(c, clip[0]), clip[1]) for c in center]
    return ball(norm, center, radius, clip=clip)  # type: ignore[arg-type]


def checker_of(seed: int) -> tuple[TreeChecker, Query, random.Random]:
    rng = random.Random(seed)
    network = random_network(rng)
    region = random_region(rng, network.inputs)
    goal = Goal((Atom((), ((0, Fraction(1)),), random_number(rng), False),), "0")
    query = Query(network, region, (goal,))
    scaled = ScaledNetwork(network, common_denominator([region.lower, region.upper]))
    return TreeChecker(query, scaled, interval_bounds(scaled, [region])[0]), query, rng


@pytest.mark.parametrize("seed", range(150))
def test_both_implementations_agree_to_the_last_bit(seed: int) -> None:
    checker, query, _ = checker_of(seed)
    reference = reference_of(checker, query)
    branches = checker.branches([checker.snapshot()] * 2)
    branches.tighten()
    assert [int(q) for low in branches.lower for q in low[0]] == reference.low
    assert [int(q) for high in branches.upper for q in high[0]] == reference.high
    both, first = np.arange(2), np.zeros(2, dtype=np.int64)
    values, shifts, _ = branches.minima(
        branches.symbolic.atom_targets(query.goals[0].atoms), both, first
    )
    outputs = query.network.outputs.fractions(0)
    atom = query.goals[0].atoms[0]
    bound = reference.lower_bound(
        {j: -w for j, w in outputs[0].items()}, -outputs[1] - atom.constant
    )
    assert Fraction(int(values[0])) / Fraction(2) ** int(shifts[0]) == bound


@pytest.mark.parametrize("seed", range(150))
def test_bounds_hold_at_points_of_the_region(seed: int) -> None:
    checker, query, rng = checker_of(seed)
    reference = reference_of(checker, query)
    outputs = query.network.outputs.fractions(0)
    bound = reference.lower_bound(*outputs)
    region = query.region
    for _ in range(20):
        point = tuple(
            low + (high - low) * Fraction(rng.choice([0, 8, 16, rng.randint(0, 16)]), 16)
            for low, high in zip(region.lower, region.upper, strict=True)
        )
        if not region.contains(point):
            continue
        values = list(point)
        for v in range(query.network.units.count):
            weights, constant = query.network.units.fractions(v)
            a = constant + sum((w * values[j] for j, w in weights.items()), Fraction(0))
            low, high = reference.bounds(v)
            assert low <= a <= high
            values.append(max(a, Fraction(0)))
        assert bound <= forward(query.network, point)[0]


def test_a_branch_does_not_depend_on_its_neighbours() -> None:
    for seed in range(40):
        checker, query, rng = checker_of(seed)
        region = query.region
        size = checker.scaled.denominator
        snapshots = []
        for _ in range(5):
            snapshot = checker.snapshot()
            k = rng.randrange(query.network.inputs)
            middle = (region.lower[k] + region.upper[k]) / 2 * size
            (snapshot.high if rng.random() < 0.5 else snapshot.low)[-1 - k] = middle
            snapshots.append(snapshot)
        together = checker.branches(snapshots)
        together.tighten()
        targets = together.symbolic.atom_targets(query.goals[0].atoms)
        values, shifts, _ = together.minima(targets, np.arange(5), np.zeros(5, dtype=np.int64))
        for number, snapshot in enumerate(snapshots):
            alone = checker.branches([snapshot])
            alone.tighten()
            for low, one in zip(together.lower, alone.lower, strict=True):
                assert np.array_equal(low[number], one[0])
            value, shift, _ = alone.minima(targets, np.arange(1), np.arange(1))
            assert (values[number], shifts[number]) == (value[0], shift[0])


def harsh_network(rng: random.Random, region: Region) -> Network:
    """Layers of very different scales, and units whose bounds are one-sided by as much."""
    build = NetworkBuilder(region.dimension)
    known = list(build.inputs)
    ranges = list(zip(region.lower, region.upper, strict=True))
    previous = list(range(len(known)))
    for _ in range(rng.randint(1, 4)):
        scale = Fraction(2) ** rng.choice([-70, -40, -20, 0, 0, 20, 40])
        reads = previous if rng.random() < 0.4 else list(range(len(known)))
        forms, found = [], []
        for _ in range(rng.randint(1, 4)):
            weights = {j: random_number(rng) * scale for j in reads if rng.random() < 0.8}
            if rng.random() < 0.3:  # far less of the inputs than of the units
                weights = {
                    j: w / (2**40 if j < region.dimension else 1) for j, w in weights.items()
                }
            ends = [sorted((w * ranges[j][0], w * ranges[j][1])) for j, w in weights.items()]
            low, high = (
                sum(side, Fraction(0)) for side in ([a for a, _ in ends], [b for _, b in ends])
            )
            part = (high - low + 1) * Fraction(2) ** rng.choice([-90, -70, -52, -50, -30, -2])
            bias = rng.choice([-high + part, -low - part, -(low + high) / 2, random_number(rng)])
            forms.append(Affine.sum([w * known[j] for j, w in weights.items()]) + bias)
            found.append((max(low + bias, Fraction(0)), max(high + bias, Fraction(0))))
        previous = list(range(len(known), len(known) + len(forms)))
        known += build.layer(forms)
        ranges += found
    sets = (known, known[: region.dimension + 1], known[-1:])
    return build.network(
        [Affine.sum([random_number(rng) * z for z in part]) + random_number(rng) for part in sets]
    )


def harsh_checker(seed: int) -> tuple[TreeChecker, Query, random.Random]:
    rng = random.Random(seed)
    region = random_region(rng, rng.randint(1, 3))
    network = harsh_network(rng, region)
    query = Query(network, region, (Goal((Atom((), (), Fraction(0), False),), "0"),))
    scaled = ScaledNetwork(network, common_denominator([region.lower, region.upper]))
    return TreeChecker(query, scaled, interval_bounds(scaled, [region])[0]), query, rng


def random_branch(checker: TreeChecker, query: Query, rng: random.Random) -> None:
    """Restricts inputs and units: a little, beyond all numbers, and to nothing."""
    network, region = query.network, query.region
    for _ in range(rng.randint(0, 2)):
        k = rng.randrange(network.inputs)
        share = Fraction(rng.choice([-1, 0, 1, 2, 3, 4, 5]), 4)
        threshold = region.lower[k] + share * (region.upper[k] - region.lower[k])
        checker.restrict(InputSplit(k, threshold), high=rng.random() < 0.5)
    for _ in range(rng.randint(0, 3)):
        v = rng.randrange(network.units.count)
        scale = checker.scaled.scales[network.inputs + v]
        low, high = Fraction(checker.lower(v)) / scale, Fraction(checker.upper(v)) / scale
        bound = low + Fraction(rng.randint(-1, 10), 9) * (high - low)
        if rng.random() < 0.1:
            bound = rng.choice([-1, 1]) * Fraction(2) ** 300
        if rng.random() < 0.3:
            checker.restrict(UnitSplit(v), high=rng.random() < 0.5)
        else:
            checker.assume(Lemma(v, rng.random() < 0.5, bound, ()))


@pytest.mark.parametrize("count", [1, 2, 5])
def test_rows_that_are_lowered_apart(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """How many rows are lowered together changes no bound."""
    checker, query, _ = checker_of(7)
    branches = checker.branches([checker.snapshot() for _ in range(count)])
    branches.tighten()
    targets = branches.symbolic.atom_targets(query.goals[0].atoms)
    asked = targets, np.arange(count), np.zeros(count, dtype=np.int64)
    together = branches.minima(*asked)
    monkeypatch.setattr("verifier.checker.symbolic.CELLS", 1)
    for one, other in zip(together, branches.minima(*asked), strict=True):
        assert len(one) == count and np.array_equal(one, other)


def reference_of_branch(checker: TreeChecker, query: Query) -> ReferenceSymbolic:
    units = range(query.network.units.count)
    scales = checker.scaled.scales[query.network.inputs :]
    root = tuple(
        [Fraction(int(side[v]), scales[v]) for v in units]
        for side in (checker.root.lower, checker.root.upper)
    )
    current = tuple(
        [Fraction(side(v)) / scales[v] for v in units] for side in (checker.lower, checker.upper)
    )
    found = ReferenceSymbolic(query.network, query.region, root, current, checker.box())
    found.tighten()
    return found


@pytest.mark.parametrize("maker", [checker_of, harsh_checker])
@pytest.mark.parametrize("seed", range(100))
def test_branches_together_agree_with_the_reference_of_each(seed: int, maker: Any) -> None:
    checker, query, rng = maker(seed)
    rows = query.network.outputs
    atoms = tuple(
        Atom(
            ((0, random_number(rng)),) if rng.random() < 0.5 else (),
            ((j, random_number(rng)),),
            random_number(rng),
            False,
        )
        for j in rng.choices(range(rows.count), k=3)
    )
    snapshots, references, numbers = [], [], []
    for _ in range(6):
        mark = checker.mark()
        random_branch(checker, query, rng)
        snapshots.append(checker.snapshot())
        references.append(reference_of_branch(checker, query))
        numbers.append(rng.randrange(3))
        checker.undo(mark)
    branches = checker.branches(snapshots)
    branches.tighten()
    targets = branches.symbolic.atom_targets(atoms)
    values, shifts, _ = branches.minima(targets, np.arange(6), np.array(numbers))
    for k, reference in enumerate(references):
        assert [int(q) for low in branches.lower for q in low[k]] == reference.low
        assert [int(q) for high in branches.upper for q in high[k]] == reference.high
        assert bool(branches.empty[k]) == reference.empty
        atom = atoms[numbers[k]]
        weights = {j: -c for j, c in atom.inputs}
        number, factor = atom.outputs[0]
        for j, w in rows.fractions(number)[0].items():
            weights[j] = weights.get(j, Fraction(0)) - factor * w
        constant = -atom.constant - factor * rows.fractions(number)[1]
        bound = reference.lower_bound(weights, constant)
        assert Fraction(int(values[k])) / Fraction(2) ** int(shifts[k]) == bound


@pytest.mark.parametrize("seed", range(40))
def test_minus_an_atom_is_that_form_in_variables(seed: int) -> None:
    """Of inputs and several outputs, whose common variables may cancel: then the weight is 0."""
    rng = random.Random(seed)
    build = NetworkBuilder(rng.randint(1, 4))
    first = build.layer([Affine.sum(build.inputs) - random_number(rng), build.inputs[0] * 1])
    read = [*build.inputs, *first]
    shared = Affine.sum([random_number(rng) * form for form in read])
    rows = [shared + 1, shared - random_number(rng), random_number(rng) * first[0]]
    network = build.network(rows)
    outputs = [(0, Fraction(1)), (1, Fraction(-1)), (2, random_number(rng))]
    given = tuple((k, c) for k, c in outputs if rng.random() < 0.8)
    inputs = ((0, random_number(rng)),) if rng.random() < 0.5 else ()
    atom = Atom(inputs, given, random_number(rng), False)
    weights, constant = {k: -c for k, c in inputs}, -atom.constant
    for j, c in given:
        row, offset = network.outputs.fractions(j)
        constant -= c * offset
        for k, w in row.items():
            weights[k] = weights.get(k, Fraction(0)) - c * w
    found = minus(network, atom)
    assert found.fractions() == weights
    assert Fraction(found.constant, found.denominator) == constant
    assert found.variables.tolist() == sorted(weights)
    read_inputs, numerators = found.of_inputs(network.inputs)
    assert read_inputs == sorted(k for k in weights if k < network.inputs)
    assert [Fraction(n, found.denominator) for n in numerators] == [weights[k] for k in read_inputs]


@pytest.mark.parametrize("norm", ["1", "2"])
@pytest.mark.parametrize("sign", [-1, 1])
def test_least_coefficients_on_a_ball(norm: Any, sign: int) -> None:
    """Coefficients of 1 in fixed point, around a center that is no multiple of the grid."""
    region = ball(norm, [Fraction(1, 3), Fraction(2, 7)], Fraction(5, 11))
    build = NetworkBuilder(2)
    x, y = build.inputs
    network = build.network([(2**21 + 1) * x + sign * y])
    goal = Goal((Atom((), ((0, Fraction(-1)),), Fraction(0), False),), "0")
    symbolic = SymbolicNetwork(network, region)
    targets = symbolic.atom_targets(goal.atoms)
    assert targets.coefficients[0].tolist() == [[2**21 + 1, sign]]
    sides = (region.lower, region.upper)
    branches = Branches(symbolic, Root((), (), ()), [sides])
    one = np.zeros(1, dtype=np.int64)
    values, shifts, _ = branches.minima(targets, one, one)
    reference = ReferenceSymbolic(network, region, ((), ()), ((), ()), sides)
    bound = reference.lower_bound({0: Fraction(2**21 + 1), 1: Fraction(sign)}, Fraction(0))
    assert Fraction(int(values[0])) / Fraction(2) ** int(shifts[0]) == bound


def one_sided(kind: str) -> tuple[Network, Region]:
    """A unit whose bounds, or a layer whose weights, are beyond the grid of the others."""
    build = NetworkBuilder(2)
    x, y = build.inputs
    half, huge = Fraction(1, 2), Fraction(2) ** 70
    if kind == "weights of the inputs below those of the units":
        (unit,) = build.layer([y - half])
        (last,) = build.layer([unit + x / 2**40 - Fraction(1, 4)])
    elif kind == "a range of -2^70 .. 1":
        (unit,) = build.layer([huge * x + 1 - huge])
        (last,) = build.layer([half - unit])
    else:  # -2^70 .. 2^-20
        unit, other = build.layer([huge * x + Fraction(1, 2**20) - huge, y - half])
        (last,) = build.layer([other - unit])
    return build.network([-last]), box([Fraction(0)] * 2, [Fraction(1)] * 2)


@pytest.mark.parametrize(
    "kind",
    ["weights of the inputs below those of the units", "a range of -2^70 .. 1", "one grid unit"],
)
def test_beyond_the_grid(kind: str) -> None:
    network, region = one_sided(kind)
    goal = Goal((Atom((), ((0, Fraction(1)),), Fraction(0), False),), "0")
    query = Query(network, region, (goal,))
    scaled = ScaledNetwork(network, common_denominator([region.lower, region.upper]))
    checker = TreeChecker(query, scaled, interval_bounds(scaled, [region])[0])
    reference, branches = reference_of(checker, query), checker.branches([checker.snapshot()])
    branches.tighten()
    assert [int(q) for low in branches.lower for q in low[0]] == reference.low
    assert [int(q) for high in branches.upper for q in high[0]] == reference.high
    one = np.zeros(1, dtype=np.int64)
    for sign in (-1, 1):
        weights, constant = network.outputs.fractions(0)
        atom = Atom((), ((0, Fraction(-sign)),), sign * constant, False)
        values, shifts, _ = branches.minima(branches.symbolic.atom_targets([atom]), one, one)
        bound = Fraction(int(values[0])) / Fraction(2) ** int(shifts[0])
        weights = {j: sign * w for j, w in weights.items()}
        assert bound == reference.lower_bound(weights, Fraction(0))
        for x in (0, Fraction(1, 3), 1):
            for y in (0, Fraction(3, 4), 1):
                assert bound <= sign * forward(network, (Fraction(x), Fraction(y)))[0]


def wide(inputs: int, *layers: int) -> Network:
    """A network of these sizes, each unit reading one variable of the layer before."""
    build = NetworkBuilder(inputs)
    known = list(build.inputs)
    for size in layers:
        known = build.layer([known[k % len(known)] - 1 for k in range(size)])
    return build.network(known[:1])


@pytest.mark.parametrize(
    ("inputs", "layers", "bits"),
    [
        (1, [], (22, 23, 28)),
        (510, [], (22, 23, 28)),
        (511, [], (22, 23, 27)),
        (1024, [], (22, 23, 26)),
        (1, [127], (22, 23, 28)),
        (1, [128], (22, 23, 28)),
        (784, [255], (22, 23, 25)),
        (784, [256], (21, 23, 26)),
        (784, [256] * 4, (21, 23, 25)),
        (3072, [32], (22, 23, 24)),
        (3072, [257, 257], (21, 23, 25)),
        (1, [1024], (19, 23, 28)),
        (3072, [4096], (17, 23, 28)),
        (1, [8191], (17, 23, 27)),
        (1, [8192], (16, 23, 28)),
        (1, [16384], (19, 19, 24)),
        (1, [1] * 254, (22, 23, 28)),
        (1, [1] * 1023, (22, 23, 25)),
        (1, [1] * 4095, (22, 23, 23)),
    ],
)
def test_precision(inputs: int, layers: list[int], bits: tuple[int, int, int]) -> None:
    """What both implementations take, and that it leaves every sum its room."""
    network = wide(inputs, *layers)
    found = precision(network)
    assert (found.coefficient, found.weight, found.bound) == bits == reference_precision(network)
    widest = max([1, *layers])
    assert found.coefficient <= found.bound
    assert widest << (found.coefficient + found.weight) <= 1 << 53
    sums = 2 * len(layers) + 1
    assert (sums * (inputs + widest) << (found.coefficient + found.bound)) + (1 << 50) < 1 << 62
    assert (inputs + widest) << 2 * found.coefficient < 1 << 61
    assert supports(network)


def test_too_large() -> None:
    """Refused for its size in memory, and for nothing else."""
    build = NetworkBuilder(1)
    known = build.layer([build.inputs[0]] * 8193)
    row = Affine.sum(known)
    network = build.network([row])
    assert refusal(network) is None
    indices = np.tile(np.arange(1, 8194), 2049)
    units = Rows(
        np.concatenate([np.arange(8194), 8193 + 8193 * np.arange(1, 2050)]),
        np.concatenate([np.zeros(8193, dtype=np.int64), indices]),
        np.ones(8193 + len(indices), dtype=np.int64),
        np.zeros(8193 + 2049, dtype=np.int64),
        np.ones(8193 + 2049, dtype=np.int64),
    )
    reason = refusal(Network(1, (8193, 2049), units, network.outputs))
    assert reason == f"{8193 + 8193 * 2049} weights, more than {2**24}"
    assert refusal(wide(1, 8193, 8193)) is None  # more units, but few weights: kept sparse


def test_plain_box() -> None:
    build = NetworkBuilder(2)
    x = build.inputs
    a, b = build.layer([x[0] - x[1], x[1] - x[0]])
    network = build.network([a + b])
    region = box([Fraction(0)] * 2, [Fraction(1)] * 2)
    query = Query(
        network, region, (Goal((Atom((), ((0, Fraction(1)),), Fraction(-2), True),), "0"),)
    )
    scaled = ScaledNetwork(network, 1)
    checker = TreeChecker(query, scaled, interval_bounds(scaled, [region])[0])
    assert checker.closed_symbolically([(checker.snapshot(), query.goals[0], 0)]).all()

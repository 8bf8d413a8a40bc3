"""What is found about a network: its directions, the units on them, and sums of their functions,
are those of the reference and of evaluation."""

from fractions import Fraction
from random import Random

import pytest

from tests.oracles.random_queries import number
from tests.oracles.reference_ridge import ReferenceUnivariate, ball_weights
from tests.oracles.ridge_networks import separable_network
from tests.oracles.ridge_steps import with_units_above
from tests.oracles.ridge_values import value
from verifier.checker.branch import Branch
from verifier.checker.intervals import interval_bounds
from verifier.checker.ridge import Minima, univariate_of
from verifier.checker.scaled import ScaledNetwork
from verifier.evidence.certificate import SeparableStep
from verifier.question.build import Affine, NetworkBuilder
from verifier.question.query import Atom, Goal, Query
from verifier.question.region import ball

F = Fraction


def tower(rng, inputs):
    """Layers of units on two directions: copies, doubles, constants and sums of earlier ones, with
    and without their input; and units that mix the directions."""
    build = NetworkBuilder(inputs)
    x = build.inputs
    slanted = x[0] * 2 - x[-1] * 3 if inputs > 1 else x[0] * 2
    sides = [[x[0]], build.layer([slanted, slanted * -1 + 1])]
    for _ in range(rng.randint(1, 3)):
        forms = []
        for side in sides:
            for _ in range(2):
                kind = rng.random()
                if kind < 0.3:
                    form = rng.choice(side) * rng.choice((1, 1, 2, F(1, 2)))
                else:
                    form = Affine.sum([u * number(rng, "halves") for u in side[-3:]])
                forms.append(form + (rng.choice((-1, 0, 1)) if kind > 0.2 else 0))
        units = build.layer([*forms, x[0] * 0 + 1])
        sides = [sides[0] + units[:2], sides[1] + units[2:4]]
    mixed = build.layer([sides[0][-1] + sides[1][-1], sides[0][-2] * 2 - sides[1][-1] + units[4]])
    return build.network([Affine.sum(mixed)])


def network_of(seed):
    rng = Random(seed)
    inputs = rng.randint(1, 3)
    if seed % 2:
        return tower(rng, inputs), rng
    return with_units_above(separable_network(rng, inputs), rng), rng


def values_of(network, point):
    values = list(point)
    for v in range(network.units.count):
        weights, constant = network.units.fractions(v)
        a = constant + sum((w * values[j] for j, w in weights.items()), F(0))
        values.append(max(a, F(0)))
    return values


@pytest.mark.parametrize("seed", range(80))
def test_directions_and_functions(seed):
    network, rng = network_of(seed)
    scaled = ScaledNetwork(network, rng.choice((1, 6)))
    univariate, inputs = univariate_of(scaled), network.inputs
    reference = ReferenceUnivariate(network, ball("1", [F(0)] * inputs, F(1)))
    found = [None if line < 0 else univariate.directions[line] for line in univariate.lines]
    assert found == reference.directions
    assert univariate.summands == reference.summands
    crossing = {unit.unit: unit for unit in univariate.crossing}
    assert sorted(crossing) == [v for v in range(network.units.count) if found[inputs + v] is None]
    for v, unit in crossing.items():
        variables, weights, constant = scaled.row(v)
        row = dict(zip(variables, weights, strict=True))
        assert unit.constant == constant
        assert dict(unit.own) == {j: w for j, w in row.items() if found[j] is not None}
        assert dict(unit.others) == {j - inputs: w for j, w in row.items() if found[j] is None}
    parts, waiting = set(), [v for v, unit in crossing.items() if unit.own]
    while waiting:
        parts.add(v := waiting.pop())
        waiting += [u for u, _ in crossing[v].others]
    assert univariate.parts == parts
    on_lines = [j for j, direction in enumerate(found) if direction is not None]
    chosen = rng.sample(on_lines, min(len(on_lines), 4))
    factors = [(j, rng.choice((-3, -1, 0, 1, 2))) for j in chosen]
    profiles = univariate.profiles_of(factors)
    assert len({univariate.line_of_profile[p] for p, _ in profiles}) == len(profiles)
    for _ in range(6):
        point = [F(rng.randint(-12, 12), rng.choice((1, 2, 5))) for _ in range(inputs)]
        values = values_of(network, point)
        along = [sum((g * point[k] for k, g in d), F(0)) for d in univariate.directions]
        for j in on_lines:
            node = univariate._node(j)
            line = univariate.lines.item(j)
            assert univariate.line_of_node[node] == line
            here = value(univariate.functions[node], along[line])
            assert here == values[j] * scaled.scales[j]
        expected = sum((c * values[j] * scaled.scales[j] for j, c in factors), F(0))
        assert expected == sum(
            factor * value(univariate.profiles[p], along[univariate.line_of_profile[p]])
            for p, factor in profiles
        )


@pytest.mark.parametrize("seed", range(80))
def test_sums_of_units_that_are_on_or_off(seed):
    """The sum of a unit is its value wherever the units that it reads are as is said."""
    network, rng = network_of(seed)
    scaled = ScaledNetwork(network, 1)
    univariate, inputs = univariate_of(scaled), network.inputs
    for _ in range(4):
        point = [F(rng.randint(-9, 9), rng.choice((1, 2))) for _ in range(inputs)]
        values = values_of(network, point)
        along = [sum((g * point[k] for k, g in d), F(0)) for d in univariate.directions]
        on, off = {}, set()
        for unit in univariate.crossing:
            total = univariate.sum_of(unit, on, off)
            unknown = [u for u, _ in unit.others if u not in on and u not in off]
            assert (total is None) == bool(unknown)
            if total is None:
                continue
            weights, constant = network.units.fractions(unit.unit)
            a = constant + sum((w * values[j] for j, w in weights.items()), F(0))
            profiles = sum(
                factor * value(univariate.profiles[p], along[univariate.line_of_profile[p]])
                for p, factor in total.profiles
            )
            assert total.constant + profiles == a * scaled.scales[inputs + unit.unit]
            if a <= 0:
                off.add(unit.unit)
            elif rng.random() < 0.9:
                on[unit.unit] = total


def test_sums_that_bound_nothing_are_not_added_up():
    """Of units that read sums alone a step asks for intervals; what they add up to, nobody."""
    build = NetworkBuilder(2)
    x, y = build.inputs
    (mixed,) = build.layer([build.layer([x + y])[0] + x + 4])
    network = build.network([Affine.sum(build.layer([mixed - k for k in range(3)]))])
    goal = Goal((Atom((), ((0, F(1)),), F(0), False),), "0")
    query = Query(network, ball("1", [F(0), F(0)], F(1)), (goal,))
    scaled = ScaledNetwork(network, 1)
    branch = Branch(query, scaled, interval_bounds(scaled, [query.region])[0])
    univariate = univariate_of(scaled)
    assert list(branch.tighten_separably(SeparableStep((F(0),)))) == [1] == list(univariate.parts)
    assert [branch.lower(v) for v in range(1, 5)] == [3, 3, 2, 1]  # all on
    assert [unit for unit, _ in univariate._sums] == [1]


@pytest.mark.parametrize("added", [1, 3])
def test_a_unit_that_adds_its_input_is_no_copy(added):
    """max(max(x, 0) + k x + k, 0), with the weight 1 of the unit below and equal numbers beside."""
    build = NetworkBuilder(1)
    x = build.inputs[0]
    (below,) = build.layer([x])
    network = build.network(build.layer([below + x * added + added]))
    scaled = ScaledNetwork(network, 1)
    for u in (F(-3), F(-1), F(-1, 2), F(0), F(2)):
        for j, z in enumerate(values_of(network, [u])):
            node = univariate_of(scaled)._node(j)
            assert value(univariate_of(scaled).functions[node], u) == z * scaled.scales[j]


@pytest.mark.parametrize("seed", range(30))
def test_ball_weights(seed):
    """Those of the reference, for every few directions; 1 for inputs alone."""
    rng = Random(seed)
    build = NetworkBuilder(3)
    rows = [
        Affine.sum([x * number(rng, "decimals") for x in build.inputs if rng.random() < 0.8])
        + build.inputs[k % 3] * F(1, 7)
        for k in range(4)
    ]
    univariate = univariate_of(ScaledNetwork(build.network(build.layer(rows)), 1))
    several = range(3, len(univariate.directions))
    for norm in ("1", "2"):
        choices = [(line,) for line in (0, *several)]
        choices += [(0, 2), (1, *several), tuple(several), (0, 1, 2, *several)]
        for lines in choices:
            directions = [univariate.directions[line] for line in lines]
            expected = ball_weights(directions, norm)
            assert univariate.ball_weights(lines, norm) == [expected[d] for d in directions]
            if max(lines, default=0) < 3:
                assert set(expected.values()) == {1}


def test_functions_of_units_that_read_units():
    """Once, twice, beside the input, with a constant: what is a copy and what is not."""
    build = NetworkBuilder(1)
    x = build.inputs[0]
    (u,) = build.layer([x])
    forms = [u, u * 2, u + x, u + 1, u * -1 + 2, u * 3 - x * 2]
    units = build.layer(forms)
    rows = build.layer([units[1] * 1, units[1] * 2, units[2] + x, units[0] + units[0]])
    network = build.network([Affine.sum(rows)])
    scaled = ScaledNetwork(network, 1)
    univariate = univariate_of(scaled)
    for place in (F(-3), F(-1), F(0), F(1, 2), F(1), F(5, 2)):
        values = values_of(network, [place])
        for j in range(1, network.variables):
            function = univariate.functions[univariate._node(j)]
            assert value(function, place) == values[j] * scaled.scales[j], (j, place)


def test_the_parameter_of_a_family_lies_on_no_direction():
    """Nor does a unit that reads it, beside an input or alone."""
    build = NetworkBuilder(3)
    x, y, m = build.inputs
    units = build.layer([x + m, m, x, y - x, x + y + m])
    network = build.network([Affine.sum(units)])
    lines = univariate_of(ScaledNetwork(network, 1, family=True)).lines.tolist()
    assert lines[:2] == [0, 1] and lines[2] == -1
    assert lines[3:] == [-1, -1, 0, 3, -1]
    lines = univariate_of(ScaledNetwork(network, 1)).lines.tolist()
    assert -1 not in lines


@pytest.mark.parametrize("norm", ["1", "2"])
def test_a_direction_without_a_weight_has_no_share_of_the_ball(norm):
    """Its function is bounded on its interval alone."""
    build = NetworkBuilder(2)
    x, y = build.inputs
    units = build.layer([x - 1, y * 2 + 1])
    (total,) = build.layer([units[0] * 3 + units[1] * 2])
    network = build.network([total])
    univariate = univariate_of(ScaledNetwork(network, 1))
    region = ball(norm, [F(2), F(1)], F(1))
    profiles = univariate.profiles_of([(2, 3), (3, 2)])
    minima = Minima(univariate, region, ([F(1), F(0)], [F(3), F(2)]), [])
    ends = 3 * F(0) + 2 * F(1), 3 * F(2) + 2 * F(5)
    t = F(1, 7)
    for sign, least in ((1, ends[0]), (-1, -ends[1])):
        assert minima.lower_bound(profiles, sign, F(5), 2, F(0)) == least / 2 + 5
        assert minima.lower_bound(profiles, sign, F(5), 2, t, {}) == least / 2 + 5 - t
    (once,) = univariate.profiles_of([(2, 1)])
    for sign, least in ((1, F(0)), (-1, F(-2))):
        assert minima.lower_bound([once], sign, F(0), 1, t, {}) == least - t

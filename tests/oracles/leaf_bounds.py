"""What a leaf proves, evaluated once more by its definition."""

from dataclasses import dataclass, replace
from fractions import Fraction
from math import floor, isqrt
from random import Random

from tests.oracles.checkers import both
from tests.oracles.naive_prover import Prover, restrict
from tests.oracles.oracle import fraction
from tests.oracles.random_queries import number, random_network, random_region
from verifier.evidence.certificate import (
    InputSplit,
    Leaf,
    Lemma,
    Node,
    PlaneSplit,
    Robust,
    UnitSplit,
)
from verifier.question.query import Atom, Goal, Query
from verifier.question.region import ball

F = Fraction


@dataclass
class Bounds:
    """Of inputs, units and cuts, in one branch."""

    state: object
    inputs: int

    def z_line(self, v, coefficient, slope, usual):
        """(factor of a_v, constant) below coefficient * z_v: by the values of z - slope * a at the
        ends of a's interval and at 0, which is where a line meets a convex function."""
        low, high = self.state.lower[v], self.state.upper[v]
        if slope is None and low >= 0:
            slope = F(1)
        elif slope is None and (high <= 0 or not usual):
            slope = F(0)
        elif slope is None:
            nearer = F(int(high >= -low))
            slope = nearer if coefficient > 0 else F(floor(2**24 * high / (high - low)), 2**24)
        kept = coefficient * slope
        if low > high:  # an empty branch, where the rule adds up what either end says
            ends = (1 - slope) * max(low, F(0)) + slope * max(-high, F(0))
            if coefficient < 0:
                ends = max((1 - slope) * max(high, F(0)), slope * max(-low, F(0)))
            return kept, coefficient * ends
        places = [low, high, *([F(0)] if low < 0 < high else [])]
        return kept, min(coefficient * (max(a, F(0)) - slope * a) for a in places)


def lowest(query, bounds, leaf, weights, constant):
    """The bound of weights . (x, z, a) + constant that the leaf gives; a has keys ("a", v)."""
    network, inputs = query.network, query.network.inputs
    form = dict(weights)

    def add(key, value):
        form[key] = form.get(key, F(0)) + value

    state = bounds.state
    for v, y in leaf.bounds.items():
        add(("a", v), -y)
        constant += y * state.lower[v] if y > 0 else y * state.upper[v]
    for k, y in leaf.cuts.items():
        normal, t = state.cuts[k]
        for j, g in enumerate(normal):
            add(j, -y * fraction(g))
        constant += y * fraction(t)
    for v in range(network.units.count - 1, -1, -1):
        coefficient = form.pop(inputs + v, F(0))
        factor, more = bounds.z_line(v, coefficient, leaf.slopes.get(v), leaf.usual)
        factor += form.pop(("a", v), F(0))
        constant += more
        row, offset = network.units.fractions(v)
        constant += factor * offset
        for j, w in row.items():
            add(j, factor * w)
    gradient = [form.get(k, F(0)) for k in range(inputs)]
    share = gradient
    if query.region.norm != "inf":
        share = [leaf.box.get(k, F(0)) for k in range(inputs)]
    for g, low, high in zip(share, state.box_lower, state.box_upper, strict=True):
        constant += g * low if g > 0 else g * high
    rest = [g - s for g, s in zip(gradient, share, strict=True)]
    if query.region.norm == "inf":
        return constant
    constant += sum(g * c for g, c in zip(rest, query.region.center, strict=True))
    if query.region.norm == "1":
        return constant - query.region.size * max(map(abs, rest))
    square = query.region.size * sum(g * g for g in rest)
    root = F(isqrt(square.numerator), isqrt(square.denominator))
    return constant - root if root * root == square else None


def random_leaf(rng, query, state, cuts):
    slopes, chance = {}, rng.choice((0, 0.2, 0.7))
    for v in range(query.network.units.count):
        low, high = state.lower[v], state.upper[v]
        if rng.random() < chance:
            chord = high / (high - low) if low < 0 < high and rng.random() < 0.7 else F(1)
            slopes[v] = chord * F(rng.choice((0, 1, 1, 2, 3, 4)), 4)
    draw = lambda: number(rng, "halves")  # noqa: E731
    return Leaf(
        {},
        slopes,
        {v: draw() for v in range(query.network.units.count) if rng.random() < 0.2},
        {k: abs(draw()) for k in range(cuts) if rng.random() < 0.7},
        {k: draw() for k in range(query.network.inputs) if rng.random() < 0.3},
        usual=rng.random() < 0.5,
    )


def random_split(rng, query):
    kind, k = rng.random(), rng.randrange(query.network.inputs)
    if kind < 0.4 and query.network.units.count:
        return UnitSplit(rng.randrange(query.network.units.count))
    if kind < 0.7:
        return InputSplit(k, number(rng, "halves"))
    normal = tuple((j, number(rng, "integers")) for j in range(query.network.inputs))
    return PlaneSplit(normal, number(rng, "halves"))


def one_goal(query, threshold, strict):
    """output 0 + 2 x_0 - threshold >= 0"""
    atom = Atom(((0, F(2)),), ((0, F(1)),), -threshold, strict)
    return Query(query.network, query.region, (Goal((atom,), "0"),))


def exact_leaves(seed, norm, answer=both):
    rng = Random(seed)
    inputs = 1 if norm == "2" else rng.randint(1, 2)  # in one dimension every root is rational
    network = random_network(rng, inputs, rng.randint(0, 7), 1, rng.choice(("integers", "halves")))
    region = random_region(rng, inputs, norm)
    if norm == "2":
        region = ball("2", region.center, F(rng.randint(0, 5), 2))
    query = one_goal(Query(network, region, (Goal((Atom((), (), F(1), False),), ""),)), F(0), True)
    state = Prover(query).root()
    steps = []
    if network.units.count and rng.random() < 0.5:
        v, upper = rng.randrange(network.units.count), rng.random() < 0.5
        leaf = random_leaf(rng, query, state, 0)
        sign = F(-1) if upper else F(1)
        bound = sign * lowest(query, Bounds(state, inputs), leaf, {("a", v): sign}, F(0))
        lemma = Lemma(v, upper, bound, (Node((), leaf),))
        wrong = replace(lemma, bound=bound + sign * F(1, 10**9))
        assert answer(query, Robust((wrong,), ((Node((), leaf),),))) == "bound too weak"
        steps.append(lemma)
        side = state.upper if upper else state.lower
        side[v] = min(side[v], bound) if upper else max(side[v], bound)
    output, offset = network.outputs.fractions(0)
    weights = {j: -w for j, w in output.items()}
    weights[0] = weights.get(0, F(0)) - 2
    nodes, found = [], []
    todo = [(state, rng.choice((0, 1, 1, 2)))]
    while todo:
        here, depth = todo.pop()
        if depth:
            split = random_split(rng, query)
            nodes.append(Node((), split))
            for high in (True, False):
                side = here.copy()
                restrict(side, split, high, inputs)
                todo.append((side, depth - 1))
            continue
        leaf = random_leaf(rng, query, here, len(here.cuts))
        value = lowest(query, Bounds(here, inputs), leaf, weights, -offset)
        nodes.append(Node((), leaf))
        found.append(value)
    threshold = -min(found)  # output + 2 x_0 <= threshold is what the worst leaf shows
    proof = Robust(tuple(steps), (tuple(nodes),))
    assert answer(one_goal(query, threshold, True), proof) == "accepted", seed
    assert answer(one_goal(query, threshold, False), proof) == "bound too weak", seed
    tiny = F(1, 10**12)
    assert answer(one_goal(query, threshold + tiny, False), proof) == "accepted", seed
    assert answer(one_goal(query, threshold - tiny, True), proof) == "bound too weak", seed

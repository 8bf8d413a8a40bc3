"""Random families, guessed proofs about them, and what brute force says at some parameters."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from fractions import Fraction
from random import Random

import numpy as np

from tests.oracles.oracle import find_flip
from tests.oracles.random_queries import number, random_network
from verifier.checker.family import FamilyChecker, family_roots, family_scaled
from verifier.checker.manifest import Question, Result
from verifier.evidence.certificate import (
    InputSplit,
    Leaf,
    Lemma,
    MaximaStep,
    Node,
    PairLemma,
    PlaneSplit,
    Robust,
    SumsStep,
    UnitSplit,
    certificate_bytes,
)
from verifier.evidence.data_file import data_bytes, parse_data
from verifier.question.build import Affine, NetworkBuilder
from verifier.question.family import Cone, FamilyQuery, FamilyTerms, family_goals
from verifier.question.query import Atom, Goal, Query, label_goals
from verifier.question.region import box
from verifier.search.deep.lifting import lowest

F, ZERO, ONE = Fraction, Fraction(0), Fraction(1)
LEAF = (Node((), Leaf()),)


def cone_of(norm, center, first, last, *, is_open=False, unit=ONE):
    return Cone(norm, tuple(map(F, center)), F(unit), F(first), F(last), is_open)


def random_family(seed):
    """A random network of x and m on a cone, and a goal at or beside what its ends reach."""
    rng = Random(seed)
    inputs = rng.randint(1, 2)
    network = random_network(rng, inputs + 1, rng.randint(1, 4), 1)
    first = F(rng.choice((0, 0, 1)), 2)
    cone = cone_of(
        rng.choice(("inf", "1", "2")),
        [rng.randint(-2, 2) for _ in range(inputs)],
        first,
        first + F(rng.randint(1, 4), 2),
        is_open=rng.random() < 0.3,
        unit=rng.choice((1, 2, F(1, 3))),
    )
    goal = Goal((Atom((), ((0, F(rng.choice((-1, 1)))),), ZERO, rng.random() < 0.5),), "r")
    query = FamilyQuery(network, cone, (goal,))
    scaled = family_scaled(network, [query])
    checker = FamilyChecker(query, scaled, family_roots(scaled, [query])[0])
    least = min(lowest(end, Leaf(), goal) for end in checker.ends)
    shift = rng.choice((ZERO, ZERO, F(1, 10**9), -F(1, 10**9), abs(number(rng, "halves")) / 2))
    atom = goal.atoms[0]
    moved = replace(atom, constant=atom.constant + least - shift)
    return rng, FamilyQuery(network, cone, (Goal((moved,), "r"),))


def guessed(rng, query, depth=0):
    """A tree of splits and leaves that may or may not hold."""
    count = query.network.units.count
    kind = rng.random()
    if depth >= 3 or kind < 0.4:
        units = rng.sample(range(count), rng.randint(0, min(2, count)))
        slopes = {v: F(rng.randint(0, 4), 4) for v in sorted(units)}
        return (Node((), Leaf(slopes=slopes, usual=rng.random() < 0.4)),)
    steps = (MaximaStep(),) if rng.random() < 0.2 else ()
    if kind < 0.7:
        split = UnitSplit(rng.randrange(count))
    elif kind < 0.85:
        share = F(rng.randint(1, 3), 4)
        first, last = query.cone.first, query.cone.last
        split = InputSplit(query.network.inputs - 1, first + share * (last - first))
    elif kind < 0.95:
        split = InputSplit(0, query.cone.center[0] + F(rng.randint(-2, 2), 2))
    else:
        split = PlaneSplit(((0, ONE),), query.cone.center[0])
    low, high = guessed(rng, query, depth + 1), guessed(rng, query, depth + 1)
    return (Node(steps, split), *low, *high)


def lemmas(rng, query):
    """Lemmas at what their leaves reach, or a hair beyond."""
    scaled = family_scaled(query.network, [query])
    checker = FamilyChecker(query, scaled, family_roots(scaled, [query])[0])
    found = []
    for v in rng.sample(range(query.network.units.count), min(2, query.network.units.count)):
        upper = rng.random() < 0.5
        target = Lemma(v, upper, ZERO, ())
        leaf = Leaf(usual=rng.random() < 0.5)
        least = [lowest(end, leaf, target) for end in checker.ends]
        if rng.random() < 0.2:
            least[rng.randrange(2)] += F(1, 10**6)
        sign = -1 if upper else 1
        lemma = PairLemma(v, upper, (sign * least[0], sign * least[1]), (Node((), leaf),))
        checker.assume(lemma)
        found.append(lemma)
    return tuple(found)


def random_sum_family(seed, norms=("1", "1", "2", "inf")):
    """A family of a sum of functions of one direction each, what reads it and m, and a proof that
    may or may not hold: by leaves with a multiplier of the ball, at what they reach or beside."""
    rng = Random(seed)
    n = rng.randint(1, 3)
    build = NetworkBuilder(n + 1)
    *xs, m = build.inputs
    lines = [*xs] if rng.random() < 0.7 else [*xs, xs[0] - xs[-1] * 2 if n > 1 else 2 * xs[0]]
    bends = build.layer([line * rng.choice((-1, 1)) + rng.randint(-2, 2) for line in lines * 2])
    mixed = [m * rng.randint(-2, 2) + rng.randint(-3, 3) for _ in range(2)]
    if rng.random() < 0.2:
        mixed[0] = mixed[0] + xs[0]
    signs = [F(rng.choice((-2, -1, 1, 1))) for _ in bends]
    total = Affine.sum([z * sign for z, sign in zip(bends, signs, strict=True)])
    (first, second) = build.layer([total + mixed[0], xs[0] * rng.randint(0, 1) + mixed[1]])
    (third,) = build.layer([first * rng.choice((-1, 1)) + second + rng.randint(-1, 2)])
    outputs = [total + mixed[0] * rng.randint(0, 1), first - second, third]
    network = build.network([rng.choice(outputs)])
    start = F(rng.choice((0, 0, 1)), 2)
    cone = cone_of(
        rng.choice(norms), [rng.randint(-2, 2) for _ in range(n)], start,
        start + F(rng.randint(1, 4), 2), is_open=rng.random() < 0.3, unit=rng.choice((1, F(1, 3))),
    )  # fmt: skip
    shares = (ZERO,) if cone.norm == "inf" else (ZERO, F(1, 2), ONE, ONE, F(2), F(3))
    leaf = Leaf(ball=rng.choice(shares), usual=rng.random() < 0.5)
    goal = Goal((Atom((), ((0, F(rng.choice((-1, 1)))),), ZERO, rng.random() < 0.5),), "r")
    query = FamilyQuery(network, cone, (goal,))
    scaled = family_scaled(network, [query])
    checker = FamilyChecker(query, scaled, family_roots(scaled, [query])[0])
    steps = []
    for _ in range(rng.randint(0, 2)):
        if cone.norm != "inf" and rng.random() < 0.5:
            step = SumsStep((rng.choice(shares),), (rng.choice(shares),))
            checker.apply(step)
        else:
            v, upper = rng.randrange(network.units.count), rng.random() < 0.5
            shown = Leaf(ball=rng.choice(shares), usual=rng.random() < 0.5)
            least = [lowest(end, shown, Lemma(v, upper, ZERO, ())) for end in checker.ends]
            if rng.random() < 0.1:
                least[rng.randrange(2)] += F(1, 10**6)
            sign = -1 if upper else 1
            step = PairLemma(v, upper, (sign * least[0], sign * least[1]), (Node((), shown),))
            checker.assume(step)
        steps.append(step)
    least = min(lowest(end, leaf, goal) for end in checker.ends)
    shift = rng.choice((ZERO, ZERO, F(1, 10**9), -F(1, 10**9), F(1, 2)))
    moved = replace(goal.atoms[0], constant=goal.atoms[0].constant + least - shift)
    tree = (Node((), leaf),)
    if rng.random() < 0.3:
        share = F(rng.randint(1, 3), 4)
        split = rng.choice((
            InputSplit(n, cone.first + share * (cone.last - cone.first)),
            InputSplit(0, cone.center[0] + F(rng.randint(-1, 1), 2)),
            PlaneSplit(((0, ONE),), cone.center[0]), UnitSplit(rng.randrange(3)),
        ))  # fmt: skip
        tree = (Node((), split), *tree, *tree)
    return FamilyQuery(network, cone, (Goal((moved,), "r"),)), Robust(tuple(steps), (tree,))


def holds_at_slices(query):
    """Whether the oracle finds no flip at seven parameters."""
    cone = query.cone
    shares = [ZERO, F(1, 7), F(1, 3), F(1, 2), F(2, 3), F(99, 100)]
    shares += [F(999999, 10**6) if cone.open else ONE]
    return all(
        find_flip(query.at(cone.first + share * (cone.last - cone.first))) is None
        for share in shares
    )


def kink(goal, *, second=False):
    """z = relu(2 m - 1), or relu(z - m + 1) of it, on a cone around 0, which does not read x."""
    build = NetworkBuilder(2)
    _, m = build.inputs
    (z,) = build.layer([2 * m - 1])
    if second:
        (z,) = build.layer([z - m + 1])
    return FamilyQuery(build.network([z]), cone_of("inf", [0], 0, 1), (goal,))


def hat():
    """-min(|x|, 1/2) on the balls |x| <= m, m <= 1: at m it is -min(m, 1/2), which no bound at the
    two ends alone shows."""
    build = NetworkBuilder(2)
    x, _ = build.inputs
    right, left, far, beyond = build.layer([x, -x, x - F(1, 2), -x - F(1, 2)])
    network = build.network([far + beyond - right - left])
    goal = Goal((Atom(((1, -F(1, 2)),), ((0, -ONE),), ZERO, True),), "below")
    return FamilyQuery(network, cone_of("1", [0], 0, 1), (goal,))


def label_families(dataset, family, end):
    """Of each sample, whether its label is the output on every ball up to `end`, which is open."""
    found = []
    for i in range(dataset.size):
        cone = Cone(family.norm, tuple(dataset.point(i)), family.unit, ZERO, end, True)
        goals = label_goals(
            family.decoder,
            int(dataset.labels[i]),
            (-1, 1) if family.decoder == "sign" else range(dataset.classes),
            family.network.outputs.count,
        )
        goals = family_goals(goals, family.denominator, dataset.dimension)
        found.append(FamilyQuery(family.network, cone, goals))
    return found


def clamped(query):
    """The same question about a closed cone of norm inf as one on a box of (t, m): in place of x_k
    stands c_k - m unit + relu(t_k + m unit) - relu(t_k - m unit), a clamp of t_k."""
    cone, network = query.cone, query.network
    build = NetworkBuilder(network.inputs)
    *moved, m = build.inputs
    reach = cone.unit * m
    zs = build.layer([side for t in moved for side in (t + reach, t - reach)])
    values = [c - reach + zs[2 * k] - zs[2 * k + 1] for k, c in enumerate(cone.center)] + [m]

    def sums(rows, first, last):
        found = []
        for i in range(first, last):
            indices, numerators, constant, denominator = rows.row(i)
            terms = (
                F(n, denominator) * values[j] for j, n in zip(indices, numerators, strict=True)
            )
            found.append(sum(terms, 0 * m + F(constant, denominator)))
        return found

    first = 0
    for size in network.layers:
        values += build.layer(sums(network.units, first, first + size))
        first += size
    lower = (*(-cone.last * cone.unit for _ in moved), cone.first)
    upper = (*(cone.last * cone.unit for _ in moved), cone.last)
    whole = build.network(sums(network.outputs, 0, network.outputs.count))
    return Query(whole, box(lower, upper), query.goals)


def family_run():
    """A run about the balls of every m in [0, 1) around -2, 0 and 3, read from G(., m) / (1 - m):
    G is 1 - m where x <= 2 - m, so two proofs, of one text; and one sample undecided."""
    build = NetworkBuilder(2)
    x, m = build.inputs
    (z,) = build.layer([2 - x - m])
    network = build.network([1 - m - z + (2 - x - m)])
    points = parse_data(data_bytes(np.array([[0], [-2], [3]]), 1, np.array([1, 1, 0]), ("a", "b")))
    terms = FamilyTerms((ONE, -ONE), ONE, ZERO, ONE, True)
    text = certificate_bytes(Robust((), (LEAF, LEAF)), network.digest)
    digest = hashlib.sha256(text).hexdigest()
    results = [
        Result(0, "robust", digest),
        Result(1, "robust", digest),
        Result(2, "undecided", None),
    ]
    return network, points, Question("inf", "value", family=terms), results, {digest: text}

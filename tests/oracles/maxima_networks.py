"""Random networks with maxima: chains, trees, those of ONNX, and what only looks like one."""

from tests.oracles.random_queries import number
from verifier.checker.intervals import interval_bounds
from verifier.checker.maxima_trees import MaximaTrees
from verifier.checker.scaled import ScaledNetwork, common_denominator
from verifier.checker.tree import TreeChecker
from verifier.evidence.certificate import MaximaStep, Robust
from verifier.question.build import Affine, NetworkBuilder


def checker_of(query):
    """The fast checker at the root of the query."""
    region = query.region
    scaled = ScaledNetwork(query.network, common_denominator([region.lower, region.upper]))
    return TreeChecker(query, scaled, interval_bounds(scaled, [region])[0])


def proof_by_maxima(query):
    """A proof of goals of one atom by the bounds of maxima; None if these are not enough."""
    checker = checker_of(query)
    checker.apply(MaximaStep())
    trees = MaximaTrees(checker)
    found = [trees.of_goal(goal) for goal in query.goals]
    for (value, _), goal in zip(found, query.goals, strict=True):
        if value < 0 or (value == 0 and not goal.atoms[0].strict):
            return None
    return Robust((MaximaStep(),), tuple(tree for _, tree in found))


def maxima_network(rng, inputs):
    """Some affine tests, laid out as a maximum in one of several ways, and units above."""
    build = NetworkBuilder(inputs)
    scale = rng.choice(("integers", "halves", "decimals"))
    draw = lambda: number(rng, scale)  # noqa: E731
    layout = rng.choice((chain, tree, pipelined, of_forms))
    tests = [Affine.sum([x * draw() for x in build.inputs]) + draw()
             for _ in range(rng.randint(2, 5))]  # fmt: skip
    if layout is not of_forms or rng.random() < 0.5:
        tests = build.layer(tests)
    largest = layout(rng, build, tests)
    other = rng.choice(tests)
    weight = rng.choice((1, 1, 2, -1, -3)) if rng.random() < 0.5 else draw()
    last = build.layer([largest * weight + draw(), other - largest, largest * 2 + other * draw()])
    return build.network([Affine.sum([u * draw() for u in last]) + largest * draw() + draw()])


def copied(rng, build, forms):
    """The forms, or units that copy them if they are units."""
    whole = all(len(f.weights) == 1 and not f.constant for f in forms)
    return build.layer([f * 1 for f in forms]) if whole and rng.random() < 0.4 else forms


def chain(rng, build, tests):
    largest = tests[0]
    for test in tests[1:]:
        (rise,) = build.layer([test - largest])
        largest = largest + rise
        if rng.random() < 0.5:
            (largest,) = build.layer([largest])
    return largest


def tree(rng, build, tests):
    terms = list(tests)
    while len(terms) > 1:
        pairs = list(zip(terms[::2], terms[1::2], strict=False))
        rest = terms[2 * len(pairs) :]
        layer = build.layer([form for a, b in pairs for form in (a - b, b)] + rest)
        terms = [layer[2 * k] + layer[2 * k + 1] for k in range(len(pairs))] + layer[-1:] * len(
            rest
        )
    return terms[0]


def pipelined(rng, build, tests):
    rise, below = copied(rng, build, tests[:1])[0], Affine()
    for test in tests[1:]:
        largest = rise + below
        rise, below = build.layer([test - largest, largest])
    return rise + below


def of_forms(rng, build, tests):
    """max(a, b) as b + relu(a - b), as the maximum of ONNX is read; a minimum now and then."""
    largest = tests[0]
    for test in tests[1:]:
        if rng.random() < 0.2:
            (fall,) = build.layer([largest - test])
            largest = largest - fall
        else:
            (rise,) = build.layer([test - largest])
            largest = largest + rise
    return largest

"""A maximum has the bounds of its terms: the larger lower one and the larger upper one."""

from dataclasses import replace
from fractions import Fraction

import pytest

from tests.oracles.checkers import both
from tests.oracles.maxima_networks import checker_of, proof_by_maxima
from tests.oracles.maxima_queries import query_of
from tests.oracles.random_queries import points_of, random_query
from tests.oracles.reference import _Checker, check_reference
from verifier.checker import maxima
from verifier.checker.maxima import MaximaRows
from verifier.checker.maxima_trees import MaximaTrees, spelled_out
from verifier.checker.replay import replay
from verifier.checker.scaled import ScaledNetwork
from verifier.checker.tree import TreeChecker
from verifier.evidence.certificate import InputSplit, MaximaStep, Robust, SeparableStep, UnitSplit
from verifier.question.build import Affine, NetworkBuilder
from verifier.question.errors import RefusedError
from verifier.question.query import Atom, Goal, Query
from verifier.question.region import ball, box

F = Fraction


def bounds_of_all(fast):
    scales = fast.scaled.scales[fast.inputs :]
    return [(F(fast.lower(v)) / s, F(fast.upper(v)) / s) for v, s in enumerate(scales)]


@pytest.mark.parametrize("block", range(10))
def test_both_checkers_find_the_same_bounds_and_they_are_true(block):
    for seed in range(20 * block, 20 * block + 20):
        query, rng = query_of(seed)
        if seed % 3 == 0:
            query = random_query(seed)
        fast, slow = checker_of(query), _Checker(query)
        splits = [
            (UnitSplit(rng.randrange(query.network.units.count)), rng.random() < 0.5)
            for _ in range(rng.randint(0, 2) if query.network.units.count else 0)
        ]
        if rng.random() < 0.3:
            middle = F(query.region.lower[0] + query.region.upper[0]) / 2
            splits.append((InputSplit(0, middle), rng.random() < 0.5))
        for split, high in splits:
            fast.restrict(split, high=high)
            slow._restrict(split, high=high)
        steps = [MaximaStep()]
        if query.region.norm != "inf" and rng.random() < 0.3:
            steps.insert(0, SeparableStep((F(rng.randint(0, 9), 3 ** rng.choice((1, 60))),)))
        for step in steps:
            fast.apply(step)
            slow.apply(step)
        found = bounds_of_all(fast)
        assert found == list(zip(slow.lower, slow.upper, strict=True)), seed
        if splits:
            continue
        for point in points_of(rng, query.region, 4):
            values = list(point)
            for v, (low, high) in enumerate(found):
                weights, constant = query.network.units.fractions(v)
                a = constant + sum((w * values[j] for j, w in weights.items()), F(0))
                assert low <= a <= high, seed
                values.append(max(a, F(0)))


@pytest.mark.parametrize("block", range(6))
def test_lemmas_spell_the_step_out(block):
    """With splits and leaves alone both checkers reach the bounds of the step."""
    for seed in range(1000 + 20 * block, 1020 + 20 * block):
        query, _ = query_of(seed)
        short, long = checker_of(query), checker_of(query)
        short.apply(MaximaStep())
        lemmas = spelled_out(long)
        replayed = checker_of(query)
        slow = _Checker(query)
        for lemma in lemmas:
            replayed.apply(lemma)
            slow.apply(lemma)
        assert bounds_of_all(replayed) == bounds_of_all(short) == bounds_of_all(long), seed


def spelled_out_below(query, *splits):
    """Whether lemmas say what the step says on these sides of splits."""
    short, long, replayed, slow = (*(checker_of(query) for _ in range(3)), _Checker(query))
    for split, high in splits:
        for checker in (short, long, replayed):
            checker.restrict(split, high=high)
        slow._restrict(split, high=high)
    short.apply(MaximaStep())
    for lemma in spelled_out(long):
        replayed.apply(lemma)
        slow.apply(lemma)
    return bounds_of_all(replayed) == bounds_of_all(short) == bounds_of_all(long)


@pytest.mark.parametrize("block", range(4))
def test_lemmas_spell_the_step_out_on_any_side_of_a_split(block):
    for seed in range(4000 + 40 * block, 4040 + 40 * block):
        query, rng = query_of(seed)
        units, lower, upper = query.network.units.count, query.region.lower, query.region.upper
        splits = []
        for _ in range(rng.randint(1, 3)):
            k = rng.randrange(query.network.inputs)
            beyond = lower[k] + (upper[k] - lower[k]) * F(rng.randint(-4, 8), 4)
            split = UnitSplit(rng.randrange(units)) if rng.random() < 0.7 else InputSplit(k, beyond)
            splits.append((split, rng.random() < 0.5))
        assert spelled_out_below(query, *splits), seed


@pytest.mark.parametrize("first", [5, -6])
def test_sides_without_points(first):
    """Bounds that contradict may add up to more than a leaf shows: g lies above all else."""
    b = NetworkBuilder(3)
    g, h, c = b.inputs
    (v,) = b.layer([h - c])
    (u,) = b.layer([g - v - c])
    (m,) = b.layer([u + v + c])
    (w,) = b.layer([m - 2 * g])
    lower, far = [F(first), F(0), F(0)], Goal((Atom((), ((0, F(1)),), F(-999), True),), "far")
    query = Query(b.network([w]), box(lower, [q + 1 for q in lower]), (far,))
    for high in (False, True):
        assert spelled_out_below(query, (UnitSplit(1), high))
        for k, threshold in ((0, F(9)), (0, F(-9)), (1, F(3)), (2, F(3)), (2, F(-3))):
            assert spelled_out_below(query, (InputSplit(k, threshold), high))


def test_a_unit_that_is_zero():
    """Its bounds say that it is on and off: maxima take it as off, leaves else as on."""
    b = NetworkBuilder(1)
    (x,) = b.inputs
    one, z = b.layer([Affine({}, F(1)), x])
    (u,) = b.layer([one - z])
    (v,) = b.layer([-1 * z - u])
    (w,) = b.layer([z + u + v])
    far = Goal((Atom((), ((0, F(1)),), F(-999), True),), "far")
    query = Query(b.network([w]), box([F(-2)], [F(2)]), (far,))
    for high in (False, True):
        assert spelled_out_below(query, (UnitSplit(3), high))


@pytest.mark.parametrize("threshold", [F(3), F(-3), F(10**9, 7)])
def test_an_input_without_values(threshold):
    """max(x, y) - 2 x has the upper bound h - 2 l, but is -x where x is the larger one."""
    b = NetworkBuilder(2)
    x, y = b.inputs
    (u,) = b.layer([x - y])
    (v,) = b.layer([u + y - 2 * x])
    far = Goal((Atom((), ((0, F(1)),), F(-999), True),), "far")
    query = Query(b.network([v]), box([F(0), F(0)], [F(1), F(1)]), (far,))
    for high in (False, True):
        assert spelled_out_below(query, (InputSplit(0, threshold), high))


@pytest.mark.parametrize("norm", ["inf", "1", "2", "3"])
@pytest.mark.parametrize("high", [False, True])
def test_a_unit_of_two_maxima(norm, high):
    """max(x, y) has a negative weight twice, and what is split once is not split again."""
    b = NetworkBuilder(3)
    x, y, z = b.inputs
    (u,) = b.layer([x - y])
    (v,) = b.layer([2 * z - y - u])
    (w,) = b.layer([v - y - 2 * z - u])
    far = Goal((Atom((), ((0, F(1)),), F(-999), True),), "far")
    query = Query(b.network([w]), ball(norm, [F(0)] * 3, F(1, 4)), (far,))
    assert spelled_out_below(query, (UnitSplit(1), high))


def test_trees_show_the_bounds_of_goals():
    closed = 0
    for seed in range(2000, 2200):
        query, _ = query_of(seed)
        if all(len(goal.atoms) == 1 for goal in query.goals):
            proof = proof_by_maxima(query)
            if proof is not None:
                closed += 1
                replay(query, proof)
                check_reference(query, proof)
    assert closed > 20


def outputs_between(network, region, low, high):
    """Whether the step shows that the output lies in [low, high], and nothing more."""
    holds = []
    for shift in (F(0), F(1, 10**9)):
        goals = (
            Goal((Atom((), ((0, F(1)),), -high + shift, True),), "above"),
            Goal((Atom((), ((0, F(-1)),), low + shift, True),), "below"),
        )
        query = Query(network, region, goals)
        fast = checker_of(query)
        fast.apply(MaximaStep())
        trees = tuple(MaximaTrees(fast).of_goal(goal) for goal in goals)
        holds.append([value >= 0 for value, _ in trees])
        if not shift:
            replay(query, Robust((MaximaStep(),), tuple(tree for _, tree in trees)))
    return holds == [[True, True], [False, False]]


def hats(build):
    """Four functions of the first two inputs: in [-2, 1], [-3, 2], [-1, 3], [-5, -4] on the box."""
    x, y = build.inputs[:2]
    return [x - y / 2 - F(1, 2), x * F(3, 2) + y - F(1, 2), x - y + 1, x / 4 + y / 4 - F(9, 2)]


REGION = box([F(-1), F(-1)], [F(1), F(1)])


@pytest.mark.parametrize("layout", ["chain", "carried", "pipelined", "tree", "forms"])
def test_a_maximum_in_any_layout(layout):
    build = NetworkBuilder(2)
    tests = [h + 5 for h in hats(build)] if layout != "forms" else hats(build)
    shift = F(5) if layout != "forms" else F(0)
    if layout == "forms":  # as ONNX is read: b + relu(a - b), the b a form of any sign
        largest = tests[0]
        for test in tests[1:]:
            largest = largest + build.layer([test - largest])[0]
    elif layout in ("chain", "carried"):
        units = build.layer(tests)
        largest = units[0]
        for unit in units[1:]:
            if layout == "carried":
                rise, below = build.layer([unit - largest, largest])
            else:
                (rise,), below = build.layer([unit - largest]), largest
            (largest,) = build.layer([rise + below])
    elif layout == "pipelined":
        units = build.layer(tests)
        rise, below = build.layer([units[0], Affine()])
        for unit in units[1:]:
            rise, below = build.layer([unit - rise - below, rise + below])
        largest = rise + below
    else:
        a, b, c, d = build.layer(tests)
        up, b, over, d = build.layer([a - b, b, c - d, d])
        top, rest = build.layer([up + b - over - d, over + d])
        largest = top + rest
    assert outputs_between(build.network([largest]), REGION, shift - 1, shift + 3)


def test_what_is_a_copy():
    """u = (x + y) / 2 has scale 2: 2 u, u, 2 u / 3 and v / 3 of v = 2 u are copies, 3 u is none."""
    build = NetworkBuilder(2)
    x, y = build.inputs
    (u,) = build.layer([x / 2 + y / 2])
    (v,) = build.layer([u * 2])
    third, share, three = build.layer([v / 3, u * F(2, 3), u * 3])
    differences = build.layer([2 * u - v, 3 * third - v, share - third, 3 * share - 2 * u])
    (other,) = build.layer([three - 3 * u])
    network = build.network([*differences, other])
    goal = Goal((Atom((), ((0, F(1)),), F(-3), True),), "above")
    query = Query(network, box([F(-1)] * 2, [F(1)] * 2), (goal,))
    fast, slow = checker_of(query), _Checker(query)
    for checker in (fast, slow):
        checker.apply(MaximaStep())
    found = bounds_of_all(fast)
    assert found == list(zip(slow.lower, slow.upper, strict=True))
    assert found[5:] == [*[(0, 0)] * 4, (-3, 3)]


def test_a_minimum():
    """min(a, b) = b - relu(b - a): the smaller of both bounds."""
    build = NetworkBuilder(2)
    a, b, *_ = hats(build)
    (fall,) = build.layer([b - a])
    assert outputs_between(build.network([b - fall]), REGION, F(-3), F(1))


def test_a_sum_that_shares_a_direction_is_no_maximum():
    """relu(x) + relu(-x) is |x|: sums of functions of one direction have rules of their own."""
    build = NetworkBuilder(1)
    (x,) = build.inputs
    up, down = build.layer([x, -x])
    query = Query(
        build.network([up + down]),
        box([F(-1)], [F(1)]),
        (Goal((Atom((), ((0, F(1)),), F(-3), True),), "above"),),
    )
    fast = checker_of(query)
    value, _ = MaximaTrees(fast).of_goal(query.goals[0])
    assert value == 1  # 3 - (1 + 1)


def test_a_proof_that_needs_the_step_is_refused_without_it():
    build = NetworkBuilder(2)
    largest, *tests = build.layer([h + 5 for h in hats(build)])
    for test in tests:
        (rise,) = build.layer([test - largest])
        (largest,) = build.layer([rise + largest])
    goal = Goal((Atom((), ((0, F(1)),), F(-8), True),), "above")
    query = Query(build.network([largest]), REGION, (goal,))
    proof = proof_by_maxima(query)
    assert both(query, proof) == "accepted"
    assert both(query, Robust((), proof.trees)) == "bound too weak"


def test_lemmas_that_claim_more_are_mostly_refused():
    """Terms that cancel in a leaf may show a little more than the step."""
    refused = claims = 0
    for seed in range(3000, 3060):
        query, _ = query_of(seed)
        fast, slow = checker_of(query), _Checker(query)
        for lemma in spelled_out(checker_of(query)):
            shift = F(-1 if lemma.upper else 1, 10**9)
            flaws = [flaw(c, replace(lemma, bound=lemma.bound + shift)) for c in (fast, slow)]
            assert flaws[0] == flaws[1]
            claims += 1
            refused += flaws[0] == "bound too weak"
            for checker in (fast, slow):
                checker.apply(lemma)
    assert claims > 50 and 3 * refused > 2 * claims


def flaw(checker, lemma):
    """Why the lemma is refused in the current branch, which stays as it is."""
    fast = isinstance(checker, TreeChecker)
    mark = checker.mark() if fast else (len(checker.trail), len(checker.cuts))
    try:
        checker.refute(lemma.tree, lemma)
    except RefusedError as error:
        if fast:
            checker.undo(mark)
        else:
            checker._undo(*mark)
        return error.flaw
    return None


def test_forms_that_were_asked_for_before_change_nothing(monkeypatch):
    """Whatever goals were looked at, no other one has too many maxima; of one form there is a
    most."""
    build = NetworkBuilder(2)
    x, y = build.inputs
    (u,) = build.layer([x - y])
    rows = MaximaRows(ScaledNetwork(build.network([u]), 1))
    monkeypatch.setattr(maxima, "MAXIMA", 1)  # 3 in all, one a variable
    for k in range(2, 9):
        ((weight, maximum),) = rows.form({0: k, 1: 2, 2: 1}, 0).maxima
        assert (weight, maximum.unit, maximum.low.weights) == (1, 0, ((0, k), (1, 2)))
    assert rows._maxima == {}
    monkeypatch.setattr(maxima, "MAXIMA", 0)
    with pytest.raises(RefusedError, match="too many maxima"):
        rows.form({0: 2, 1: 2, 2: 1}, 0)

"""The verifier against the oracle, and against itself on equivalent networks: no disagreement."""

from collections import Counter
from dataclasses import replace
from fractions import Fraction
from random import Random

import pytest

from tests.oracles.oracle import distance_squared, find_flip
from tests.oracles.random_queries import (
    outputs_at,
    random_goals,
    random_network,
    random_query,
    random_region,
)
from tests.oracles.reference import check_reference
from tests.oracles.ridge_networks import separable_network
from tests.oracles.tampered.runs import goals_of, read_label
from verifier.data.dataset import Dataset
from verifier.evidence.certificate import Flip, Robust, Undecided
from verifier.question.build import Affine, NetworkBuilder
from verifier.question.query import Query
from verifier.question.region import Region
from verifier.runs.run import points_of
from verifier.search.options import Options
from verifier.tasks.radius import exact_radius
from verifier.tasks.verify import verify

# The search computes in floats, and numbers like 10^300 overflow there; nobody believes it.
pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")

F = Fraction
OPTIONS = Options(nodes=200)


def compared(query, outcome=None):
    """The kind of the verifier's answer, after comparing it with the oracle's."""
    verdict = (outcome or verify(query, OPTIONS)).verdict
    if isinstance(verdict, Undecided):
        return "undecided"
    check_reference(query, verdict)
    if isinstance(verdict, Flip):
        outputs = outputs_at(query.network, verdict.point)
        atoms = query.goals[verdict.goal].atoms
        assert all(atom.holds(verdict.point, outputs) for atom in atoms)
        assert query.region.contains(verdict.point)
        return "flip"
    assert find_flip(query) is None
    return "robust"


def random_sum(seed):
    """A question about sums of functions of one direction each."""
    rng = Random(seed)
    inputs = rng.randint(1, 3)
    network = separable_network(rng, inputs)
    region = random_region(rng, inputs)
    return Query(network, region, random_goals(rng, network, region))


def compare_all(seeds, make=random_query, **options):
    counts = Counter()
    for seed in seeds:
        query = make(seed, **options)
        try:
            counts[query.region.norm, compared(query)] += 1
        except AssertionError as error:
            raise AssertionError(f"seed {seed}, {options}: {error}") from error
        except RuntimeError as error:  # the search gave up in a way it should not: counted
            counts[query.region.norm, f"crashed: {error}"] += 1
    return counts


def test_a_few_queries_of_each_kind():
    counts = compare_all(range(5000, 5120)) + compare_all(range(40), random_sum)
    kinds = Counter(kind for (_, kind), n in counts.items() for _ in range(n))
    assert kinds["robust"] >= 20 and kinds["flip"] >= 20, counts


def scaled(network, rng):
    """Each unit times a positive number of its own, which what reads it divides by."""
    factors = [F(1)] * network.inputs
    build = NetworkBuilder(network.inputs)
    known = list(build.inputs)
    for first, last in network.layer_ranges():
        forms = []
        for v in range(first, last):
            weights, constant = network.units.fractions(v)
            form = Affine.sum([known[j] * (w / factors[j]) for j, w in weights.items()]) + constant
            factor = F(rng.randint(1, 9), rng.randint(1, 9))
            factors.append(factor)
            forms.append(form * factor)
        known += build.layer(forms)
    return build.network(read(network.outputs, known, factors))


def read(rows, known, factors=None):
    """The rows as forms over these variables."""
    found = []
    for i in range(rows.count):
        weights, constant = rows.fractions(i)
        parts = [known[j] * (w / factors[j] if factors else w) for j, w in weights.items()]
        found.append(Affine.sum(parts) + constant)
    return found


def permuted(network, rng):
    """The units of each layer in another order."""
    build = NetworkBuilder(network.inputs)
    known = list(build.inputs)
    for first, last in network.layer_ranges():
        order = list(range(first, last))
        rng.shuffle(order)
        forms = {}
        for v in order:
            weights, constant = network.units.fractions(v)
            forms[v] = Affine.sum([known[j] * w for j, w in weights.items()]) + constant
        units = dict(zip(order, build.layer(list(forms.values())), strict=True))
        known += [units[v] for v in range(first, last)]
    return build.network(read(network.outputs, known))


def doubled(network, rng):
    """Each unit twice, read half and half; and a dead unit in each layer."""
    build = NetworkBuilder(network.inputs)
    known = list(build.inputs)
    for first, last in network.layer_ranges():
        forms = []
        for v in range(first, last):
            weights, constant = network.units.fractions(v)
            forms += [Affine.sum([known[j] * w for j, w in weights.items()]) + constant] * 2
        units = build.layer([*forms, build.inputs[0] * 0 - 1])
        pairs = zip(units[:-1:2], units[1::2], strict=True)
        known += [a * F(1, 3) + b * F(2, 3) for a, b in pairs]
    return build.network(read(network.outputs, known))


def split_layers(network, rng):
    """Each layer in two: a copy of every unit first, then an identity layer on top of it."""
    build = NetworkBuilder(network.inputs)
    known = list(build.inputs)
    for first, last in network.layer_ranges():
        forms = []
        for v in range(first, last):
            weights, constant = network.units.fractions(v)
            forms.append(Affine.sum([known[j] * w for j, w in weights.items()]) + constant)
        known += build.layer(build.layer(forms))
    return build.network(read(network.outputs, known))


def random_shift(rng, inputs):
    return [F(rng.randint(-4, 4), rng.randint(1, 3)) for _ in range(inputs)]


def moved(network, shift):
    """The network that computes at x + shift what this one does at x."""
    build = NetworkBuilder(network.inputs)
    known = [x - s for x, s in zip(build.inputs, shift, strict=True)]
    for first, last in network.layer_ranges():
        forms = []
        for v in range(first, last):
            weights, constant = network.units.fractions(v)
            forms.append(Affine.sum([known[j] * w for j, w in weights.items()]) + constant)
        known = known + build.layer(forms)
    return build.network(read(network.outputs, known))


def translated(query, rng):
    """The question moved: x' = x + shift."""
    network, region = query.network, query.region
    shift = random_shift(rng, network.inputs)

    def plus(vector):
        return tuple(x + s for x, s in zip(vector, shift, strict=True))

    where = Region(
        region.norm,
        plus(region.lower),
        plus(region.upper),
        plus(region.center) if region.center else (),
        region.size,
        region.clipped,
    )
    goals = tuple(
        replace(
            goal,
            atoms=tuple(
                replace(
                    atom, constant=atom.constant - sum((c * shift[k] for k, c in atom.inputs), F(0))
                )
                for atom in goal.atoms
            ),
        )
        for goal in query.goals
    )
    return Query(moved(network, shift), where, goals)


CHANGES = {"scaled": scaled, "permuted": permuted, "doubled": doubled, "split": split_layers}


def same_verdict(seed):
    query, rng = random_query(seed, max_units=4, max_inputs=2), Random(seed)
    verdicts = {"as it is": verify(query, OPTIONS).verdict}
    truth = find_flip(query) is None
    for name, change in CHANGES.items():
        other = Query(change(query.network, rng), query.region, query.goals)
        assert (find_flip(other) is None) == truth, (seed, name)
        verdicts[name] = verify(other, OPTIONS).verdict
    other = translated(query, rng)
    assert (find_flip(other) is None) == truth, (seed, "translated")
    verdicts["translated"] = verify(other, OPTIONS).verdict
    kinds = {type(v) for v in verdicts.values()} - {Undecided}
    assert len(kinds) <= 1, (seed, verdicts)
    if kinds:
        assert kinds == ({Robust} if truth else {Flip}), seed


def test_equivalent_networks_have_the_same_verdict():
    for seed in range(7000, 7025):
        same_verdict(seed)


def radius_of(network, rows, labels, norm, decoder):
    """The exact radius of the first sample, "none" up to 8, or None if that stays open."""
    points = points_of(Dataset.from_rows("few", rows, labels))
    found = exact_radius(
        network, points, 0, norm=norm, decoder=decoder, most=F(8), options=Options(nodes=300)
    )
    if found.exact:
        return found.upper
    return "none" if found.upper is None and found.reached else None


def same_radius(seed):
    """The kind of answer, after comparing it with those about equivalent networks."""
    rng = Random(seed)
    inputs, decoder = rng.randint(1, 2), rng.choice(("argmax", "nearest", "sign"))
    norm = rng.choice(("inf", "1", "2"))
    network = random_network(
        rng, inputs, rng.randint(0, 4), 2 if decoder == "argmax" else 1, "halves"
    )
    center = [F(rng.randint(-6, 6), 2) for _ in range(inputs)]
    read_there = read_label(decoder, 2, outputs_at(network, tuple(center)))
    own = read_there if read_there is not None and rng.random() < 0.9 else 0
    rows, labels = [center, [c + 1 for c in center]], [own, 1 - own]
    answers = {"as it is": radius_of(network, rows, labels, norm, decoder)}
    for name, change in CHANGES.items():
        answers[name] = radius_of(change(network, rng), rows, labels, norm, decoder)
    shift = random_shift(rng, inputs)
    there = [[x + s for x, s in zip(row, shift, strict=True)] for row in rows]
    answers["translated"] = radius_of(moved(network, shift), there, labels, norm, decoder)
    known = {answer for answer in answers.values() if answer is not None}
    assert len(known) <= 1, (seed, norm, decoder, answers)
    if norm == "2" and known and "none" not in known:
        goals = [goal.atoms for goal in goals_of(decoder, own, 2, network.outputs.count)]
        assert known == {distance_squared(network, goals, center)}, seed
    if None in answers.values():
        return "open"
    return "none" if "none" in known else "zero" if known == {0} else "exact"


def test_equivalent_networks_have_the_same_radius():
    counts = Counter(same_radius(seed) for seed in range(30))
    assert counts["exact"] >= 8 and counts["none"] >= 1


@pytest.mark.slow
def test_five_hundred_equivalent_networks_have_the_same_radius():
    counts = Counter(same_radius(seed) for seed in range(1000, 1500))
    print(dict(counts))
    assert counts["exact"] >= 150 and counts["open"] <= 5


@pytest.mark.slow
@pytest.mark.parametrize("block", range(10))
def test_twenty_thousand_queries(block):
    begin = 100_000 + 2000 * block
    counts = compare_all(range(begin, begin + 1980))
    counts += compare_all(range(begin + 1980, begin + 2000), max_units=10, max_inputs=4)
    undecided = sum(n for (_, kind), n in counts.items() if kind == "undecided")
    print(f"block {block}: {dict(counts)}, undecided {undecided / 20:.1f} %")
    assert sum(counts.values()) == 2000
    assert not [kind for _, kind in counts if kind.startswith("crashed")]


@pytest.mark.slow
def test_two_thousand_sums():
    counts = compare_all(range(1000, 3000), random_sum)
    print(dict(counts))
    assert not [kind for _, kind in counts if kind.startswith("crashed")]


@pytest.mark.slow
def test_five_hundred_equivalent_networks():
    for seed in range(8000, 8500):
        same_verdict(seed)

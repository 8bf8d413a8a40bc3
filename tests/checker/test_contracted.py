"""A network without its copies is the same function, and proofs of one are proofs of the other."""

from fractions import Fraction
from itertools import pairwise
from random import Random

import numpy as np
import pytest

from tests.oracles.carrying import carried_query, carrying
from tests.oracles.checkers import answer, guess, symbolic_guess
from tests.oracles.naive_prover import prove
from tests.oracles.oracle import find_flip
from tests.oracles.random_queries import outputs_at
from tests.oracles.reference import check_reference
from verifier.checker import replay as replay_module
from verifier.checker.checked import Checker, check_batch
from verifier.checker.contracted import Names, contracted, contraction_of, place_type
from verifier.checker.elaborate import elaborate, kernel_check_proof
from verifier.checker.replay import replay, replay_as_given, shortened
from verifier.checker.scaled import ScaledNetwork, evaluate
from verifier.evidence.certificate import (
    Conflict,
    InputSplit,
    Leaf,
    Lemma,
    MaximaStep,
    Node,
    PairLemma,
    Robust,
    SeparableStep,
    SymbolicLeaf,
    UnitSplit,
)
from verifier.question.build import Affine, NetworkBuilder
from verifier.question.errors import RefusedError
from verifier.question.query import Atom, Goal, Query
from verifier.question.region import box
from verifier.tasks.verify import verify

F = Fraction
SEEDS = range(40)


def has_flip(query):
    """Exact, in time that doubles with every unit: so without those that are copies, and of few."""
    less = contracted(query.network)
    few = less.units.count < 14
    return few and find_flip(Query(less, query.region, query.goals)) is not None


def fractions(network):
    """The rows of all units, then of the outputs."""
    return [rows.fractions(i) for rows in (network.units, network.outputs)
            for i in range(rows.count)]  # fmt: skip


def values_at(network, point):
    """What the units put out, and the outputs, one after another."""
    values = list(point)
    for v in range(network.units.count):
        weights, constant = network.units.fractions(v)
        values.append(max(constant + sum((w * values[j] for j, w in weights.items()), F(0)), F(0)))
    return values[network.inputs :]


def test_every_unit_that_is_kept_has_the_value_that_it_had():
    fewer = 0
    for seed in SEEDS:
        network, rng = carrying(seed), Random(seed)
        found = contraction_of(network)
        if found is None:
            continue
        less, kept, places = found.network, found.expanded.numbers, found.names.numbers
        fewer += less.units.count < network.units.count / 2
        assert sorted(np.flatnonzero(places >= 0).tolist()) == sorted(kept.tolist())
        assert places[kept].tolist() == list(range(less.units.count))
        assert not kept.flags.writeable and not places.flags.writeable
        for _ in range(5):
            point = tuple(F(rng.randint(-9, 9), rng.randint(1, 4)) for _ in "xy")
            values = values_at(network, point)
            assert values_at(less, point) == [values[v] for v in kept]
            assert outputs_at(less, point) == outputs_at(network, point)
            assert evaluate(network, [point]) == [outputs_at(network, point)]
    assert fewer > 20


def test_layers_are_as_few_as_may_be_and_units_keep_their_order_in_each():
    for seed in SEEDS:
        found = contraction_of(carrying(seed))
        if found is None:
            continue
        less, kept = found.network, found.expanded.numbers
        levels = []
        for v in range(less.units.count):
            read = [j - 2 for j in less.units.fractions(v)[0] if j >= 2]
            levels.append(1 + max((levels[u] for u in read), default=-1))
        ends = np.cumsum([0, *less.layers])
        for level, (first, last) in enumerate(pairwise(ends)):
            assert set(levels[first:last]) == {level}
            assert sorted(kept[first:last]) == kept[first:last].tolist()


def test_what_is_a_copy():
    """Weight 1 of one unit, and nothing else: all but that is kept."""
    build = NetworkBuilder(1)
    (x,) = build.inputs
    unit, carried = build.layer([x - 1, x * 1])
    rows = [unit * 1, unit * 2, unit + 1, unit * F(1, 2), unit * -1, unit + x, Affine({}, 0), x * 1]
    second = build.layer([*rows, carried * 1])
    third = build.layer([*[one * 1 for one in second], second[0] * 1])
    fourth = build.layer([*[one * 1 for one in third], third[0] * 1])
    network = build.network([Affine.sum(fourth[:8]) * F(1, 7) + fourth[8]])
    found = contraction_of(network)
    assert found.expanded.numbers.tolist() == [0, 1, 8, 9, 3, 4, 5, 6, 7]
    assert found.network.layers == (4, 5)
    copies = [v for v, place in enumerate(found.names.numbers.tolist()) if place < 0]
    assert copies == [2, 10, *range(11, network.units.count)]
    assert contracted(network) is contracted(network) is not network
    assert network.derived(contraction_of).network is contracted(network)


@pytest.mark.parametrize("scale", [F(1), F(1, 3), F(2**70), F(2**70 + 1, 3)])
def test_rows_are_those_that_they_were(scale):
    """Whatever numbers they hold: only what they read has another number."""
    build = NetworkBuilder(1)
    (x,) = build.inputs
    one, two = build.layer([x * scale + 1, x - scale])
    for _ in range(3):
        one, two = build.layer([one, two])
    (top,) = build.layer([two * scale - one - x * F(1, 5) + F(2, 7)])
    less = contraction_of(build.network([top * scale, one + scale])).network
    assert less.layers == (2, 1)
    assert fractions(less) == [
        ({0: scale}, 1),
        ({0: 1}, -scale),
        ({0: F(-1, 5), 1: -1, 2: scale}, F(2, 7)),
        ({3: scale}, 0),
        ({1: 1}, scale),
    ]


def test_copies_beside_each_other_are_kept():
    """A row that reads a unit and a copy of it, or two copies, still does, so that its interval is
    what a kernel finds it to be; and so does an output."""
    build = NetworkBuilder(1)
    one, other = build.layer([build.inputs[0] + 1, build.inputs[0] - 3])
    more = build.layer([one, one, other])
    late = build.layer([one, *more])
    both, mixed = build.layer([late[0] - late[1], late[2] + late[3]])
    (end,) = build.layer([more[1]])
    tail = [both]
    for _ in range(6):
        tail = build.layer([tail[0], mixed, end])
    network = build.network([end - one, tail[0]])
    found = contraction_of(network)
    kept = found.expanded.numbers.tolist()
    assert sorted(kept) == [0, 1, 5, 6, 9, 10, 11]  # late[0], late[1]; of the outputs, end
    place = {v: 1 + k for k, v in enumerate(kept)}
    weights = [found.network.units.fractions(kept.index(9))[0],
               found.network.units.fractions(kept.index(10))[0],
               found.network.outputs.fractions(0)[0]]  # fmt: skip
    assert weights == [{place[5]: 1, place[6]: -1}, {place[0]: 1, place[1]: 1},
                       {place[11]: 1, place[0]: -1}]  # fmt: skip


def test_networks_with_few_copies_stay_as_they_are():
    """Fewer than there are other units."""
    for others, copies in ((2, 1), (2, 2), (2, 3), (3, 2), (3, 3)):
        build, contracts = NetworkBuilder(1), copies >= others
        units = build.layer([build.inputs[0] + k for k in range(others)])
        carried = build.layer([units[0]] * copies)
        network = build.network([carried[0] - units[1]])
        assert (contraction_of(network) is not None) == contracts
        assert (contracted(network) is not network) == contracts
    build = NetworkBuilder(1)
    assert contraction_of(build.network([build.inputs[0]])) is None


def test_places_are_narrow_where_that_holds_them():
    assert place_type(2**31 - 1) == np.int32 and place_type(2**31) == np.int64
    found = contraction_of(carrying(0))
    assert found.names.numbers.dtype == found.expanded.numbers.dtype == np.int32


# ---------------------------------------------------------------------- proofs


def test_names_are_changed_wherever_a_unit_is_named():
    """And nowhere else: inputs, atoms and numbers of goals stay."""
    names = Names(np.array([2, -1, 0, 1]))
    leaf = Leaf({0: F(1)}, {2: F(1, 2), 0: F(1, 3)}, {3: F(-1)}, {0: F(1)}, {2: F(5)}, usual=True)
    tree = (Node((MaximaStep(),), UnitSplit(0)), Node((), Conflict(3)), Node((), leaf))
    lemmas = Lemma(2, True, F(7), tree), PairLemma(3, False, (F(1), F(2)), tree)
    splits = (Node(lemmas, InputSplit(2, F(1))), Node((), SymbolicLeaf(2)), Node((), leaf))
    proof = Robust((SeparableStep((F(1),)), *lemmas), (tree, splits))
    changed = Leaf({0: F(1)}, {0: F(1, 2), 2: F(1, 3)}, {1: F(-1)}, {0: F(1)}, {2: F(5)},
                   usual=True)  # fmt: skip
    tree = (Node((MaximaStep(),), UnitSplit(2)), Node((), Conflict(1)), Node((), changed))
    lemmas = Lemma(0, True, F(7), tree), PairLemma(1, False, (F(1), F(2)), tree)
    splits = (Node(lemmas, InputSplit(2, F(1))), Node((), SymbolicLeaf(2)), Node((), changed))
    assert names.proof(proof) == Robust((SeparableStep((F(1),)), *lemmas), (tree, splits))
    assert names.proof(Robust((), ())) == Robust((), ())


@pytest.mark.parametrize("unit", [1, 4, 2**70])
def test_a_copy_and_what_is_no_unit_have_no_other_name(unit):
    names = Names(np.array([2, -1, 0, 1]))
    for node in (
        Node((), Leaf(slopes={unit: F(1)})),
        Node((), Leaf(bounds={unit: F(1)})),
        Node((), Conflict(unit)),
        Node((), UnitSplit(unit)),
        Node((Lemma(unit, True, F(1), ()),), Leaf()),
        Node((PairLemma(unit, True, (F(1), F(1)), ()),), Leaf()),
    ):
        with pytest.raises(RefusedError) as refused:
            names.proof(Robust((), ((node,),)))
        assert refused.value.flaw == "index out of range"


@pytest.mark.parametrize("norm", ["inf", "2", "1"])
def test_what_a_search_finds_is_accepted_by_all(norm):
    """Found without copies, and named with them: replayed without and with them, read by the
    reference, and spelled out for the kernel."""
    proved = 0
    for seed in SEEDS:
        query = carried_query(seed, norm)
        outcome = verify(query)
        if not isinstance(outcome.verdict, Robust) or contraction_of(query.network) is None:
            continue
        proof, contraction = outcome.verdict, query.network.derived(contraction_of)
        assert outcome.checked.evidence is proof
        short = contraction.names.proof(proof)
        assert contraction.expanded.proof(short) == proof
        found = shortened(query, proof)
        assert (found.proof, found.query.network) == (short, contraction.network)
        assert not has_flip(query)
        whole = elaborate(query, proof)
        for check in (replay, replay_as_given, kernel_check_proof, check_reference):
            assert answer(check, query, whole) == "accepted"
        assert answer(replay, query, proof) == answer(kernel_check_proof, query, proof)
        proved += 1
    assert proved > 5


def test_no_wrong_proof_is_accepted_and_none_that_names_copies_is_lost():
    """Whatever is accepted with all units is accepted, by the kernel as well; no more is true."""
    counts = {"accepted": 0, "wrong": 0, "copies": 0}
    for seed in range(60):
        query, rng = carried_query(seed), Random(seed)
        if contraction_of(query.network) is None:
            continue
        proofs = [guess(rng, query), symbolic_guess(rng, query, 1), prove(query, rng)]
        for proof in filter(None, proofs):
            plain, found = answer(replay_as_given, query, proof), answer(replay, query, proof)
            assert found == plain or (found == "accepted" and shortened(query, proof) is not None)
            if found != "accepted":
                counts["wrong"] += 1
                continue
            assert not has_flip(query)
            assert answer(kernel_check_proof, query, proof) == "accepted"
            counts["accepted"] += 1
            counts["copies"] += shortened(query, proof) is None
    assert min(counts.values()) > 10, counts


def copies_named():
    """A question about x + 1 on [0, 1], carried along, with a proof that names a copy, one that
    does not, and one that is wrong because of the copy that it names."""
    build = NetworkBuilder(1)
    x = build.inputs[0]
    layer = build.layer([x + 1])
    for _ in range(3):
        layer = build.layer(layer)
    network = build.network([layer[0] - x])
    goal = Goal((Atom((), ((0, F(-1)),), F(3, 4), False),), "0")
    query = Query(network, box([F(0)], [F(1)]), (goal,))
    slopes = {2: F(1)}, {0: F(1)}, {2: F(0)}
    return query, *(Robust((), ((Node((), Leaf(slopes=named)),),)) for named in slopes)


def test_proofs_that_name_copies():
    """Are replayed with all units: by a round as well, but not where they were found without."""
    query, named, plain, wrong = copies_named()
    assert [shortened(query, proof) is None for proof in (named, plain, wrong)] == [
        True,
        False,
        True,
    ]
    assert [answer(replay, query, proof) for proof in (named, plain, wrong)] == [
        "accepted", "accepted", "bound too weak"]  # fmt: skip
    for proof in (named, plain):
        assert answer(kernel_check_proof, query, proof) == "accepted"
    found = check_batch(query.network, [query] * 3, [named, plain, wrong])
    assert [found[0].evidence, found[1].evidence] == [named, plain]
    assert found[2].flaw == "bound too weak"
    checker = Checker.of(query.network, [query])
    ((_, these),) = checker.rounds([query])
    assert these.check(0, plain, found=True).evidence is plain
    for proof, flaw in ((named, "index out of range"), (wrong, "index out of range")):
        with pytest.raises(RefusedError) as refused:
            these.check(0, proof, found=True)
        assert refused.value.flaw == flaw
    assert these.named(Robust((), ((Node((), Conflict(0)),),))).trees[0][0].body == Conflict(0)


def test_a_proof_that_needs_the_layers_as_they_are_is_accepted(monkeypatch):
    """One that is refused without the copies is replayed with them, by whoever checks it."""
    query, _, plain, _ = copies_named()
    checker = Checker.of(query.network, [query])
    ((_, these),) = checker.rounds([query])
    strict = replay_as_given

    def refuses(asked, *rest):
        if asked.network is not query.network:
            raise RefusedError("bound too weak", "without the copies")
        strict(asked, *rest)

    monkeypatch.setattr(replay_module, "replay_as_given", refuses)
    assert shortened(query, plain) is None
    assert answer(replay, query, plain) == "accepted"
    assert these.check(0, plain).evidence is plain
    with pytest.raises(RefusedError):
        these.check(0, plain, found=True)
    assert answer(kernel_check_proof, query, plain) == "accepted"


@pytest.mark.parametrize("check", [replay, kernel_check_proof])
def test_flaws_are_those_of_the_proof_as_given(check):
    query, _, plain, _ = copies_named()
    ((node,),) = plain.trees
    for trees, flaw in (
        ((), "goal missing"),
        ((*plain.trees, *plain.trees), "goal missing"),
        (((Node((), Leaf(slopes={9: F(1)})),),), "index out of range"),
        (((Node((), Leaf(slopes={0: F(0)})),),), "bound too weak"),
        (((node, node),), "malformed tree"),
        (((Node((), Leaf(slopes={0: 1.0})),),), "not exact"),
        (((Node((), Leaf(slopes={-1: F(1)})),),), "malformed"),
    ):
        assert answer(check, query, Robust((), trees)) == flaw, trees


def test_a_network_in_integers_serves_if_it_is_the_right_one():
    """That of the checker, without copies; of another, or with them, one is made."""
    query, named, plain, _ = copies_named()
    less, checker = contracted(query.network), Checker.of(query.network, [query])
    assert checker.scaled.network is less and checker.network is query.network
    assert shortened(query, plain, checker.scaled).scaled is checker.scaled
    whole = ScaledNetwork(query.network, 1)
    assert shortened(query, plain, whole).scaled.network is less
    for scaled in (None, checker.scaled, whole):
        for proof in (named, plain):
            assert replay(query, elaborate(query, proof, scaled)) is None


def test_a_checker_lends_copies():
    """Of the network without its copies, and of the whole one."""
    query = copies_named()[0]
    checker = Checker.of(query.network, [query])
    network, scaled = checker.lent()
    assert network is scaled.network and network.digest == contracted(query.network).digest
    assert network is not contracted(query.network)
    whole = checker.lent_whole()
    assert whole.digest == query.network.digest and whole is not query.network
    assert checker.lent_whole() is whole
    assert Checker(query.network, 1, family=True).scaled.network is query.network
    assert Checker(contracted(query.network), 1).contraction is None


def test_numbers_from_behind_name_no_unit_of_either_network():
    """-1 would be the last unit of a table of numbers."""
    build = NetworkBuilder(1)
    (kept,) = build.layer(build.inputs)
    for _ in range(3):
        (kept,) = build.layer([kept])
    network = build.network([kept])
    goal = Goal((Atom((), ((0, F(1)),), F(-2), False),), "never")
    query = Query(network, box([F(0)], [F(1)]), (goal,))
    checker = Checker.of(network, [query])
    ((_, these),) = checker.rounds([query])
    assert checker.contraction is not None
    for unit, flaw in ((0, None), (-1, "malformed")):
        proof = Robust((), ((Node((), Leaf(slopes={unit: F(1)})),),))
        for show in (lambda proof: these.check(0, proof), these.named):
            if flaw is None:
                show(proof)
            else:
                with pytest.raises(RefusedError, match=flaw):
                    show(proof)

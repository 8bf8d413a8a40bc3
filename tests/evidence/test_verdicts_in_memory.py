"""A verdict that never was a file is refused for what the parser would have refused."""

from fractions import Fraction

import numpy as np
import pytest

from tests.oracles.checkers import both
from verifier.evidence.certificate import (
    Conflict,
    Flip,
    InputSplit,
    Leaf,
    Lemma,
    Node,
    PairLemma,
    PlaneSplit,
    Robust,
    SeparableStep,
    SumsStep,
    SymbolicLeaf,
    UnitSplit,
    Weight,
    check_numbers,
)
from verifier.question.build import NetworkBuilder
from verifier.question.errors import RefusedError
from verifier.question.query import Atom, Goal, Query
from verifier.question.region import box

F = Fraction
NEVER = (Node((), Leaf()),)  # refuted by nothing


def query():
    """max(x, 0) >= 0 on [-1, 1]: no goal of this query can be refuted."""
    build = NetworkBuilder(1)
    network = build.network(build.layer([build.inputs[0]]))
    atoms = (Atom((), ((0, F(1)),), F(0), False), Atom((), ((0, F(1)),), F(1), False))
    return Query(network, box([F(-1)], [F(1)]), (Goal(atoms, "0"),))


def parts(top, bottom):
    """A Fraction that arithmetic does not make."""
    made = F(1)
    made._numerator, made._denominator = top, bottom
    return made


def robust(*nodes, steps=()):
    return Robust(tuple(steps), (tuple(nodes),))


WRONG = {
    "an atom taken away": (Leaf(atoms={0: F(-1)}), "negative multiplier"),
    "a slope below 0": (Leaf(slopes={0: F(-9)}, atoms={0: F(1)}), "negative multiplier"),
    "a slope above 1": (Leaf(slopes={0: F(9)}, atoms={0: F(1)}), "slope above 1"),
    "a slope in floats": (Leaf(slopes={0: 0.5}), "not exact"),
    "a bound in floats": (Leaf(bounds={0: 0.5}), "not exact"),
    "a bound in integers": (Leaf(bounds={0: 1}), "not exact"),
    "a box share in integers": (Leaf(box={0: 1}), "not exact"),
    "a cut in floats": (Leaf(cuts={0: 0.5}), "not exact"),
    "NaN": (Leaf(atoms={0: float("nan")}), "not exact"),
    "int64": (Leaf(atoms={0: np.int64(1)}), "not exact"),
    "a fraction of int64": (Leaf(atoms={0: F(np.int64(1))}), "not exact"),
    "a fraction over int64": (Leaf(atoms={0: F(1) / F(np.int64(2))}), "not exact"),
    "a denominator below 0": (Leaf(atoms={0: parts(1, -1)}), "not exact"),
    "a denominator 0": (Leaf(atoms={0: parts(1, 0)}), "not exact"),
    "terms that are not the lowest": (Leaf(atoms={0: parts(2, 2)}), "not exact"),
    "zero over 2": (Leaf(atoms={0: parts(0, 2)}), "not exact"),
    "an index from behind": (Leaf(slopes={-1: F(1)}), "malformed"),
    "an atom from behind": (Leaf(atoms={-1: F(1)}), "malformed"),
    "a boolean index": (Leaf(slopes={True: F(1)}), "malformed"),
    "a conflict from behind": (Conflict(-1), "malformed"),
    "a symbolic atom from behind": (SymbolicLeaf(-1), "malformed"),
}


@pytest.mark.parametrize("name", WRONG)
def test_leaves(name):
    body, flaw = WRONG[name]
    assert both(query(), robust(Node((), body))) == flaw
    inside = Lemma(0, False, F(-5), (Node((), body),))
    assert both(query(), robust(*NEVER, steps=[inside])) == flaw
    assert both(query(), robust(Node((inside,), Leaf()))) == flaw


DIRECTION = ((0, F(1)),)


@pytest.mark.parametrize(
    ("part", "flaw"),
    [
        (SumsStep((0.5,), ()), "not exact"),
        (SumsStep((), (1,)), "not exact"),
        (SumsStep((F(-1),), ()), "negative multiplier"),
        (SumsStep((F(1),), (F(0), F(-1))), "negative multiplier"),
        (SumsStep((F(0),), (F(0),)), None),
        (SeparableStep((F(1), 0.5)), "not exact"),
        (SeparableStep((F(1), F(-1))), "negative multiplier"),
        (PairLemma(-1, False, (F(0), F(0)), NEVER), "malformed"),
        (PairLemma(0, False, (F(0), 0.5), NEVER), "not exact"),
        (PairLemma(0, False, (F(0),), NEVER), "malformed"),
        (PairLemma(0, False, (F(0),) * 3, NEVER), "malformed"),
        (PairLemma(0, False, (F(0), F(0)), (Node((), Conflict(-1)),)), "malformed"),
        (PairLemma(0, False, (F(0), F(0)), NEVER), None),
        (Leaf(usual=1), "malformed"),
        (Leaf(usual=None), "malformed"),
        (Leaf(usual=True), None),
        (Leaf(ball=0.5), "not exact"),
        (Leaf(ball=F(0), weights=(Weight(DIRECTION, 0.5),)), "not exact"),
        (Leaf(ball=F(0), weights=(Weight(DIRECTION, F(1), 2),)), "not exact"),
        (Leaf(ball=F(0), weights=(Weight(((0, 1),), F(1)),)), "not exact"),
        (Leaf(ball=F(0), weights=(Weight(((False, F(1)),), F(1)),)), "malformed"),
        (Leaf(ball=F(0), weights=(Weight(DIRECTION, F(1), F(0)),)), "negative multiplier"),
        (Leaf(ball=F(0), weights=(Weight(DIRECTION, F(0), F(1)),)), None),
    ],
)
def test_numbers_of_steps_and_weights(part, flaw):
    """The checkers refuse some of these for other reasons first: here it is the numbers alone."""
    verdict = robust(Node((), part)) if isinstance(part, Leaf) else robust(*NEVER, steps=[part])
    if flaw is None:
        check_numbers(verdict)
        return
    with pytest.raises(RefusedError) as caught:
        check_numbers(verdict)
    assert caught.value.flaw == flaw


@pytest.mark.parametrize(
    ("split", "flaw"),
    [
        (UnitSplit(-1), "malformed"),
        (InputSplit(-1, F(0)), "malformed"),
        (InputSplit(0, 0.5), "not exact"),
        (InputSplit(0, 0), "not exact"),
        (PlaneSplit(((0, 0.5),), F(0)), "not exact"),
        (PlaneSplit(((0, F(1)),), 0.5), "not exact"),
        (PlaneSplit(((-1, F(1)),), F(0)), "malformed"),
        (PlaneSplit(((0, F(1)), (0, F(-1))), F(1)), "malformed"),
    ],
)
def test_splits(split, flaw):
    assert both(query(), robust(Node((), split), *NEVER, *NEVER)) == flaw


def test_negative_cut_multipliers_prove_nothing():
    """x <= 0 and x >= 0, each used backwards, would contradict every point."""
    cut = Node((), PlaneSplit(((0, F(1)),), F(5)))
    wrong = Node((), Leaf(atoms={0: F(0)}, cuts={0: F(-1)}))
    assert both(query(), robust(cut, wrong, wrong)) == "negative multiplier"


@pytest.mark.parametrize("bound", [0.5, 1, float("inf"), np.float64(1)])
def test_lemmas(bound):
    lemma = Lemma(0, True, bound, NEVER)
    assert both(query(), robust(*NEVER, steps=[lemma])) == "not exact"


@pytest.mark.parametrize(
    ("flip", "flaw"),
    [
        (Flip((0.5,), 0), "not exact"),
        (Flip((1,), 0), "not exact"),
        (Flip((float("nan"),), 0), "not exact"),
        (Flip((F(1),), -1), "malformed"),
        (Flip((F(1),), False), "malformed"),
        (Flip((F(1),), 1), "index out of range"),
        (Flip((F(1), F(1)), 0), "dimension"),
        (Flip((), 0), "dimension"),
        (Flip((F(2),), 0), "outside"),
        (Flip((F(1),), 0), "accepted"),
    ],
)
def test_flips(flip, flaw):
    assert both(query(), flip) == flaw


LEAF, SPLIT = Node((), Leaf()), Node((), UnitSplit(0))


@pytest.mark.parametrize(
    "tree",
    [
        (),
        (SPLIT,),
        (SPLIT, LEAF),
        (SPLIT, SPLIT, LEAF, LEAF),
        (LEAF, LEAF),
        (SPLIT, LEAF, LEAF, LEAF),
        (LEAF, SPLIT),
    ],
)
def test_trees_that_are_none(tree):
    """The parser refuses them before; these never were a file. The goal is easy to refute."""
    atom = Atom((), ((0, F(1)),), F(-9), False)
    easy = Query(query().network, query().region, (Goal((atom,), "0"),))
    assert both(easy, Robust((), (tree,))) == "malformed tree"
    lemma = Lemma(0, False, F(-5), tree)
    assert both(easy, Robust((lemma,), ((LEAF,),))) == "malformed tree"
    whole = (SPLIT, LEAF, LEAF)
    assert both(easy, Robust((), (whole,))) == "accepted"


def other(kind):
    """A subclass: what a check reads in it once need not be what is read the next time."""
    return type("Other", (kind,), {})


ONE, DIRECTION = F(1), ((0, F(1)),)
TUPLE, TABLE = other(tuple), other(dict)
OTHERS = {
    "verdict": other(Robust)((), (NEVER,)),
    "flip": other(Flip)((ONE,), 0),
    "point": Flip(TUPLE((ONE,)), 0),
    "steps": Robust(TUPLE(), (NEVER,)),
    "trees": Robust((), TUPLE((NEVER,))),
    "tree": Robust((), (TUPLE(NEVER),)),
    "node": robust(other(Node)((), Leaf())),
    "a lemma in the place of a node": robust(Lemma(0, True, ONE, NEVER)),
    "steps of a node": robust(Node(TUPLE(), Leaf())),
    "leaf": robust(Node((), other(Leaf)())),
    "atoms": robust(Node((), Leaf(atoms=TABLE()))),
    "slopes": robust(Node((), Leaf(slopes=TABLE()))),
    "bounds": robust(Node((), Leaf(bounds=TABLE()))),
    "cuts": robust(Node((), Leaf(cuts=TABLE()))),
    "box": robust(Node((), Leaf(box=TABLE()))),
    "weights": robust(Node((), Leaf(ball=ONE, weights=TUPLE()))),
    "weight": robust(Node((), Leaf(ball=ONE, weights=(other(Weight)(DIRECTION, ONE),)))),
    "direction": robust(Node((), Leaf(ball=ONE, weights=(Weight(TUPLE(DIRECTION), ONE),)))),
    "entry": robust(Node((), Leaf(ball=ONE, weights=(Weight((TUPLE((0, ONE)),), ONE),)))),
    "plane": robust(Node((), PlaneSplit(TUPLE(DIRECTION), ONE)), *NEVER, *NEVER),
    "pair": robust(Node((), PlaneSplit((TUPLE((0, ONE)),), ONE)), *NEVER, *NEVER),
    "lemma": robust(*NEVER, steps=(other(Lemma)(0, True, ONE, NEVER),)),
    "side": robust(*NEVER, steps=(Lemma(0, 1, ONE, NEVER),)),
    "tree of a lemma": robust(*NEVER, steps=(Lemma(0, True, ONE, TUPLE(NEVER)),)),
    "side of a pair": robust(*NEVER, steps=(PairLemma(0, 1, (ONE, ONE), NEVER),)),
    "ends": robust(*NEVER, steps=(PairLemma(0, True, TUPLE((ONE, ONE)), NEVER),)),
    "tree of a pair": robust(*NEVER, steps=(PairLemma(0, True, (ONE, ONE), TUPLE(NEVER)),)),
    "multipliers": robust(*NEVER, steps=(SeparableStep(TUPLE()),)),
    "lower": robust(*NEVER, steps=(SumsStep(TUPLE(), ()),)),
    "upper": robust(*NEVER, steps=(SumsStep((), TUPLE()),)),
}


@pytest.mark.parametrize("name", OTHERS)
def test_no_kind_but_its_own_holds_a_verdict(name):
    with pytest.raises(RefusedError, match="malformed: an? .*, not a"):
        check_numbers(OTHERS[name])

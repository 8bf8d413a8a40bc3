"""One true statement of every kind, and every way in which its evidence can be wrong, by name.

`CASES` maps a name to (question, certificate as a JSON value, flaw). The statement is true in each
case that is marked "accepted", and so is its evidence; the evidence of every other case is not.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from verifier.question.build import NetworkBuilder
from verifier.question.network import Network
from verifier.question.query import Atom, Goal, Query, label_goals
from verifier.question.region import ball, box

F = Fraction
Text = dict[str, Any]


def hat() -> Network:
    """Units: x0, -x0, x1, -x1 positive parts, then 1 - their sum; output the last, 1 at 0."""
    build = NetworkBuilder(2)
    x = build.inputs
    parts = build.layer([x[0], -x[0], x[1], -x[1]])
    (top,) = build.layer([1 - parts[0] - parts[1] - parts[2] - parts[3]])
    return build.network([top])


def identity() -> Network:
    """One input, unit 0: x + 2, which is on from -2 on; unit 1: x - 9, off up to 9; output x."""
    build = NetworkBuilder(1)
    on, off = build.layer([build.inputs[0] + 2, build.inputs[0] - 9])
    return build.network([on + off - 2])


def above(value: Fraction, strict: bool = False, inputs: int = 0) -> Goal:
    """output 0 (+ inputs) >= value"""
    terms = tuple((k, F(1)) for k in range(inputs))
    return Goal((Atom(terms, ((0, F(1)),), -value, strict),), "0")


def below(value: Fraction, strict: bool = False) -> Goal:
    """output 0 <= value"""
    return Goal((Atom((), ((0, F(-1)),), value, strict),), "0")


def robust(network: Network, *trees: Any, steps: Any = ()) -> Text:
    return {
        "goals": [list(tree) for tree in trees],
        "network": network.digest,
        "robmem": 2,
        "steps": list(steps),
        "verdict": "robust",
    }


def flip(network: Network, goal: Any, point: Any) -> Text:
    return {
        "goal": goal,
        "network": network.digest,
        "point": point,
        "robmem": 2,
        "verdict": "flip",
    }


HAT, LINE = hat(), identity()
PLAIN: list[Any] = [{"leaf": {}}]


def hat_proof() -> Any:
    """Splits units 0..3 of the hat; unit 4 is undecided in the box and bounded from below by 0."""
    leaf = {"leaf": {"slopes": [[4, 1]]}}

    def tree(v: int) -> list[Any]:
        return [leaf] if v == 4 else [{"unit": v}, *tree(v + 1), *tree(v + 1)]

    return tree(0)


def lemma(v: int, side: str, bound: Any, tree: Any) -> Text:
    return {side: [v, bound], "tree": tree}


# output <= 1 on the line for x in [-1, 1]; the goals state what must not happen
BOX = Query(LINE, box([F(-1)], [F(1)]), (above(F(3, 2)), below(F(-3, 2))))
BOX_STRICT = Query(LINE, box([F(-1)], [F(1)]), (above(F(1), True),))
BOX_WEAK = Query(LINE, box([F(-1)], [F(1)]), (above(F(1)),))  # false: 1 is reached
ONE = Query(LINE, ball("1", [F(0)], F(1)), (above(F(3, 2)),))
TWO = Query(LINE, ball("2", [F(0)], F(1)), (above(F(3, 2)),))
TWO_STRICT = Query(LINE, ball("2", [F(0)], F(1)), (above(F(1), True),))
TWO_WEAK = Query(LINE, ball("2", [F(0)], F(1)), (above(F(1)),))  # false
TWO_DIAGONAL = Query(HAT, ball("2", [F(0)] * 2, F(1, 2)), (below(F(1, 8)),))
CLIPPED = Query(LINE, ball("2", [F(0)], F(1), clip=(F(-1, 2), F(1, 2))), (above(F(3, 4)),))
UNSAFE = Query(  # output >= 0 and output <= -1/2 at once
    LINE,
    box([F(-1)], [F(1)]),
    (Goal((above(F(0)).atoms[0], below(F(-1, 2)).atoms[0]), "unsafe"),),
)
NEAREST = Query(LINE, box([F(-1, 4)], [F(1, 4)]), label_goals("nearest", 1, [-1, 0, 1], 1))
SIGN = Query(LINE, box([F(1, 4)], [F(1)]), label_goals("sign", 1, [-1, 1], 1))
VALUE = Query(LINE, box([F(1, 4)], [F(1, 4)]), label_goals("value", 1, [F(0), F(1, 4)], 1))
SUM_BOX = box([F(-1), F(-1)], [F(1), F(1)])
# x0 + x1 + output >= 11/4 nowhere in the box: the hat is 0 at the corners
SUM = Query(HAT, SUM_BOX, (above(F(11, 4), inputs=2),))
ON_PLANE = Query(HAT, SUM_BOX, (above(F(13, 4), inputs=2),))


def argmax() -> Query:
    build = NetworkBuilder(1)
    x = build.inputs[0]
    network = build.network([x * 1, x * -1, x * 0 - 2])
    return Query(network, box([F(1, 4)], [F(1)]), label_goals("argmax", 0, [0, 1, 2], 3))


ARGMAX = argmax()
CASES: dict[str, tuple[Query, Any, str]] = {}


def case(name: str, query: Query, certificate: Any, flaw: str = "accepted") -> None:
    if name in CASES:
        raise ValueError(f"two cases are called {name}")
    CASES[name] = (query, certificate, flaw)


def changed(value: Any, change: Callable[[Any], Any]) -> Any:
    """A deep copy on which `change` has worked; it may return another value."""
    result = copy.deepcopy(value)
    returned = change(result)
    return result if returned is None else returned


def put(path: tuple[Any, ...], value: Any) -> Callable[[Any], None]:
    def change(text: Any) -> None:
        for step in path[:-1]:
            text = text[step]
        text[path[-1]] = value

    return change


def drop(path: tuple[Any, ...]) -> Callable[[Any], None]:
    def change(text: Any) -> None:
        for step in path[:-1]:
            text = text[step]
        del text[path[-1]]

    return change


def add_cases() -> None:
    line = robust(LINE, PLAIN, PLAIN)
    case("box: true", BOX, line)
    case("ball 1: true", ONE, robust(LINE, PLAIN))
    case("ball 2: true", TWO, robust(LINE, PLAIN))
    case("bound 0 of a strict atom: true", BOX_STRICT, robust(LINE, PLAIN))
    case("bound 0 of a strict atom, ball 2: true", TWO_STRICT, robust(LINE, PLAIN))
    case("bound 0 of a weak atom", BOX_WEAK, robust(LINE, PLAIN), "bound too weak")
    case("bound 0 of a weak atom, ball 2", TWO_WEAK, robust(LINE, PLAIN), "bound too weak")
    case("decoder nearest: true", NEAREST, robust(LINE, PLAIN, PLAIN))
    case("decoder sign: true", SIGN, robust(LINE, PLAIN))
    case("decoder value: true", VALUE, robust(LINE, PLAIN, PLAIN))
    case("decoder argmax: true", ARGMAX, robust(ARGMAX.network, PLAIN, PLAIN))
    heads_and_goals(line)
    rows()
    lemmas()
    splits()
    leaves_on_balls()
    decoders()
    flips()
    open_balls()
    sums()
    forms_of_json(line)


def heads_and_goals(line: Text) -> None:
    case("head: another network", BOX, line | {"network": "0" * 64}, "another network")
    case(
        "head: the network of another case", BOX, line | {"network": HAT.digest}, "another network"
    )
    case("head: version 3", BOX, line | {"robmem": 3}, "version")
    case("head: version true", BOX, line | {"robmem": True}, "version")
    case("head: no version", BOX, changed(line, drop(("robmem",))), "version")
    case("head: verdict undecided", BOX, line | {"verdict": "undecided"}, "malformed")
    case("head: unknown field", BOX, line | {"trust": "me"}, "unknown field")
    case("head: no steps", BOX, changed(line, drop(("steps",))), "missing field")
    case("head: no goals", BOX, changed(line, drop(("goals",))), "missing field")
    case("head: no network", BOX, changed(line, drop(("network",))), "missing field")
    case("head: a list", BOX, [line], "malformed")
    case("goal: one missing", BOX, robust(LINE, PLAIN), "goal missing")
    case("goal: one too many", BOX, robust(LINE, PLAIN, PLAIN, PLAIN), "goal missing")
    case("goal: none", BOX, robust(LINE), "goal missing")
    case("goal: no tree", BOX, robust(LINE, PLAIN, []), "malformed tree")


def rows() -> None:
    """Rows of a leaf: atoms, slopes, bounds of units, cuts."""
    unsafe = [{"leaf": {"atoms": [[0, 1], [1, 1]]}}]

    def leaf(query: Query, **parts: Any) -> Text:
        return robust(query.network, *([[{"leaf": parts}]] * len(query.goals)))

    case("atoms: true", UNSAFE, robust(LINE, unsafe))
    case("atoms: none of two", UNSAFE, leaf(UNSAFE), "bound too weak")
    case("atoms: one of two", UNSAFE, leaf(UNSAFE, atoms=[[0, 1]]), "bound too weak")
    case("atoms: unequal", UNSAFE, leaf(UNSAFE, atoms=[[0, 1], [1, 3]]), "bound too weak")
    case("atoms: negative", UNSAFE, leaf(UNSAFE, atoms=[[0, -1], [1, 1]]), "negative multiplier")
    case("atoms: out of range", UNSAFE, leaf(UNSAFE, atoms=[[2, 1]]), "index out of range")
    case("atoms: twice", UNSAFE, leaf(UNSAFE, atoms=[[0, 1], [0, 1]]), "malformed")
    case("atoms: in disorder", UNSAFE, leaf(UNSAFE, atoms=[[1, 1], [0, 1]]), "malformed")
    case("atoms: all zero", UNSAFE, leaf(UNSAFE, atoms=[[0, 0], [1, 0]]), "bound too weak")
    case(
        "atoms: weight 0 on a strict one",
        BOX_STRICT,
        leaf(BOX_STRICT, atoms=[[0, 0]]),
        "bound too weak",
    )
    case("slopes: on at 1: true", BOX, leaf(BOX, slopes=[[0, 1]]))
    case("slopes: on at 1/2: true", BOX, leaf(BOX, slopes=[[0, "1/2"]]))
    case("slopes: on at 0, where x is lost: true", BOX, leaf(BOX, slopes=[[0, 0]]))
    case("slopes: off at 1", BOX, leaf(BOX, slopes=[[1, 1]]), "bound too weak")
    case("slopes: negative", BOX, leaf(BOX, slopes=[[0, -1]]), "negative multiplier")
    case("slopes: above 1", BOX, leaf(BOX, slopes=[[0, "3/2"]]), "slope above 1")
    case("slopes: out of range", BOX, leaf(BOX, slopes=[[2, 1]]), "index out of range")
    case("slopes: negative index", BOX, leaf(BOX, slopes=[[-1, 1]]), "malformed")
    case("slopes: twice", BOX, leaf(BOX, slopes=[[0, 1], [0, 1]]), "malformed")
    case("slopes: chord: true", ON_PLANE, leaf(ON_PLANE, slopes=[[0, 0], [4, 0]]))
    # the hat's unit 0 in [-1, 1]: a chord of slope 1/2, not more, where its sign is negative
    wide = Query(HAT, SUM_BOX, (Goal((Atom((), ((0, F(1)),), F(-9), False),), "0"),))
    case("slopes: at the chord: true", wide, leaf(wide, slopes=[[4, "1/4"]]))
    case("slopes: beyond the chord: true", wide, leaf(wide, slopes=[[4, "1/3"]]))
    case("bounds: true", ONE, leaf(ONE, bounds=[[1, -1]]))
    case("bounds: out of range", BOX, leaf(BOX, bounds=[[2, 1]]), "index out of range")
    case("bounds: that cost too much", BOX, leaf(BOX, bounds=[[1, 9]]), "bound too weak")
    case("bounds: negative index", BOX, leaf(BOX, bounds=[[-1, 1]]), "malformed")
    case("cuts: without a plane", BOX, leaf(BOX, cuts=[[0, 1]]), "index out of range")
    case("box: out of range", BOX, leaf(BOX, box=[[1, 1]]), "index out of range")
    case("leaf: unknown field", BOX, leaf(BOX, trust=[]), "unknown field")
    case("leaf: a list", BOX, robust(LINE, [{"leaf": []}], PLAIN), "malformed")
    case("leaf: a table that is no list", BOX, leaf(BOX, slopes={"0": 1}), "malformed")
    case("leaf: a pair of three", BOX, leaf(BOX, slopes=[[0, 1, 1]]), "malformed")
    weaker = Query(LINE, BOX.region, (above(F(1, 2)),))  # false
    case("a false statement", weaker, leaf(weaker), "bound too weak")
    case("a false statement by bounds", weaker, leaf(weaker, bounds=[[0, 1]]), "bound too weak")


def lemmas() -> None:
    upper = lemma(4, "upper", 1, [{"leaf": {"slopes": [[v, 0] for v in range(4)]}}])
    lower = lemma(0, "lower", 1, [{"leaf": {}}])  # x + 2 >= 1, exactly

    def proof(*steps: Any, query: Query = BOX) -> Text:
        return robust(query.network, *([PLAIN] * len(query.goals)), steps=steps)

    case("lemma: true", BOX, proof(lower))
    case("lemma: in a node: true", BOX, robust(LINE, [{"steps": [lower], "leaf": {}}], PLAIN))
    inner = lemma(0, "lower", 1, [{"steps": [lower], "leaf": {}}])
    case("lemma: in a lemma: true", BOX, proof(inner))
    too_high = lemma(0, "lower", "1000001/1000000", [{"leaf": {}}])
    case("lemma: lower bound too high", BOX, proof(too_high), "bound too weak")
    too_low = lemma(0, "upper", "2999999/1000000", [{"leaf": {}}])
    case("lemma: upper bound too low", BOX, proof(too_low), "bound too weak")
    case("lemma: upper: true", BOX, proof(lemma(0, "upper", 3, [{"leaf": {}}])))
    case("lemma: wrong side", BOX, proof(lemma(0, "upper", 1, [{"leaf": {}}])), "bound too weak")
    case(
        "lemma: false in a node",
        BOX,
        robust(LINE, [{"steps": [too_high], "leaf": {}}], PLAIN),
        "bound too weak",
    )
    false_inside = lemma(0, "lower", 1, [{"steps": [too_high], "leaf": {}}])
    case("lemma: false in a lemma", BOX, proof(false_inside), "bound too weak")
    case("lemma: no tree", BOX, proof(lemma(0, "lower", 1, [])), "malformed tree")
    case("lemma: no unit", BOX, proof(lemma(2, "lower", 1, [{"leaf": {}}])), "index out of range")
    case("lemma: negative unit", BOX, proof(lemma(-1, "lower", 1, [{"leaf": {}}])), "malformed")
    case(
        "lemma: with atoms",
        BOX,
        proof(lemma(0, "lower", 1, [{"leaf": {"atoms": [[0, 1]]}}])),
        "atoms in a lemma",
    )
    case("lemma: both sides", BOX, proof(lower | {"upper": [0, 9]}), "unknown field")
    case("lemma: no side", BOX, proof({"tree": [{"leaf": {}}]}), "missing field")
    case("lemma: missing tree", BOX, proof({"lower": [0, 1]}), "missing field")
    case("lemma: a text", BOX, proof("trust me"), "malformed")
    case("lemma: a bound in floats", BOX, proof(lemma(0, "lower", 1.0, [{"leaf": {}}])), "float")
    case(
        "lemma: closed by another unit's conflict",
        BOX,
        proof(lemma(0, "lower", 2, [{"conflict": 1}])),
        "no conflict",
    )
    # a lemma of one branch is gone in the other: x >= 1/2 makes unit 0 at least 5/2 there alone
    split_at_half: list[Any] = [
        {"input": [0, "1/2"]},
        {"leaf": {"bounds": [[0, "1"]]}},
        {"steps": [lemma(0, "lower", "5/2", [{"leaf": {}}])], "leaf": {}},
    ]
    case(
        "lemma: in its branch: true",
        BOX,
        robust(LINE, split_at_half[0:1] + PLAIN + split_at_half[2:], PLAIN),
    )
    leaked = Query(LINE, box([F(-1)], [F(1)]), (below(F(1, 4)),))  # false
    out_of = [
        {"input": [0, "1/2"]},
        {"steps": [lemma(0, "lower", "5/2", [{"leaf": {}}])], "leaf": {}},
        {"leaf": {}},
    ]
    case("lemma: on the wrong side of a split", leaked, robust(LINE, out_of), "bound too weak")
    swapped = [out_of[0], {"leaf": {"slopes": [[0, 0]]}}, out_of[1]]
    case("lemma: leaks into the low side", leaked, robust(LINE, swapped), "bound too weak")
    high_first = [
        {"unit": 0},
        {"steps": [lemma(0, "upper", 0, [{"leaf": {"bounds": [[0, -1]]}}])], "leaf": {}},
        {"leaf": {}},
    ]
    case(
        "lemma: an upper bound of the low side kept on the high side",
        leaked,
        robust(LINE, high_first),
        "bound too weak",
    )
    goal_steps = robust(
        LINE, [{"steps": [lemma(1, "lower", 9, [{"conflict": 1}])], "leaf": {}}], PLAIN
    )
    case("lemma: about a unit without conflict", BOX, goal_steps, "no conflict")
    # the output of the hat is unit 4, whose own upper bound in the square is 1
    capped = Query(HAT, SUM_BOX, (above(F(1), True),))
    wide = Query(HAT, box([F(-1)] * 2, [F(1)] * 2), (above(F(1)),))
    half = [{"leaf": {"slopes": [[v, 0] for v in range(4)]}}]
    case("lemma: needless: true", capped, robust(HAT, PLAIN, steps=[lemma(4, "upper", 1, half)]))
    case("lemma: weak atom at the bound", wide, robust(HAT, PLAIN), "bound too weak")
    tightened()
    case("lemma: of the hat: true", SUM, robust(HAT, sum_proof(), steps=[upper]))


def tightened() -> None:
    """Proofs that fail without their lemma or symbolic step: with x in [0, 1], y = max(x, 0),
    u = max(x - y, 0) and w = max(y - x + 1/2, 0), intervals give u <= 1 and w >= 0 where lemmas
    give u <= 0 and w >= 1/2. The output is u - w = -1/2."""
    build = NetworkBuilder(1)
    x = build.inputs[0]
    (y,) = build.layer([x])
    u, w = build.layer([x - y, y - x + F(1, 2)])
    network = build.network([u - w])
    region = box([F(0)], [F(1)])
    query = Query(network, region, (above(F(-1, 4)),))  # it is -1/2
    flat = [{"leaf": {"slopes": [[1, 0], [2, 0]]}}]
    upper, lower = lemma(1, "upper", 0, PLAIN), lemma(2, "lower", "1/2", PLAIN)
    case("lemma: needed from above", query, robust(network, flat, steps=[lower]), "bound too weak")
    case("lemma: needed from below", query, robust(network, flat, steps=[upper]), "bound too weak")
    case("lemma: both there: true", query, robust(network, flat, steps=[lower, upper]))
    looser = [lemma(1, "upper", "1/8", PLAIN), lemma(2, "lower", "3/8", PLAIN)]
    exactly = Query(network, region, (above(F(-1, 4), True),))
    case(
        "lemma: bounds of the lemma, not better",
        query,
        robust(network, flat, steps=looser),
        "bound too weak",
    )
    case("lemma: bounds of the lemma: true", exactly, robust(network, flat, steps=looser))
    again = [*looser, lemma(1, "upper", 9, PLAIN), lemma(2, "lower", -9, PLAIN)]
    case("lemma: a weaker one changes nothing: true", exactly, robust(network, flat, steps=again))
    case("symbolic: a step that is needed: true", query, robust(network, flat, steps=["symbolic"]))
    in_node = [{"steps": ["symbolic"], **flat[0]}]
    case("symbolic: a step in a node: true", query, robust(network, in_node))
    inside = lemma(1, "upper", 0, [{"steps": ["symbolic"], "leaf": {"slopes": [[0, 1]]}}])
    case("symbolic: a step in a lemma: true", query, robust(network, flat, steps=[lower, inside]))
    leaks = [{"input": [0, "1/2"]}, {"steps": ["symbolic"], "leaf": {}}, flat[0]]
    case(
        "symbolic: a step leaks into the high side", query, robust(network, leaks), "bound too weak"
    )
    closed = Query(network, region, (above(F(-1, 2), True),))
    case("symbolic: bound 0 of a strict atom: true", closed, robust(network, [{"symbolic": 0}]))
    touched = Query(network, region, (above(F(-1, 2)),))  # false
    case(
        "symbolic: bound 0 of a weak atom",
        touched,
        robust(network, [{"symbolic": 0}]),
        "bound too weak",
    )
    two = Query(network, region, (Goal((above(F(-2)).atoms[0], above(F(0)).atoms[0]), "0"),))
    case("symbolic: the second atom: true", two, robust(network, [{"symbolic": 1}]))
    case("symbolic: the wrong atom", two, robust(network, [{"symbolic": 0}]), "bound too weak")
    case("symbolic: the third atom", two, robust(network, [{"symbolic": 2}]), "index out of range")
    symbolic_at_scales()
    symbolic_elsewhere()
    # both sides of a plane need their cut: x <= 1/2 gives x - 1/2 <= 0, x >= 1/2 gives 1/2 - x <= 0
    tent = NetworkBuilder(1)
    t = tent.inputs[0]
    a, b = tent.layer([t * 2 - 1, 1 - t * 2])
    vee = tent.network([a + b])  # |2 x - 1|
    small = Query(vee, box([F(0)], [F(1)]), (above(F(3, 2)),))
    plane = {"plane": [[[0, 1]], "1/2"]}
    left = {"leaf": {"slopes": [[0, 0], [1, "1/2"]], "cuts": [[0, 1]]}}
    case("cuts: a weight that costs", small, robust(vee, [plane, left, left]), "bound too weak")
    both = Query(vee, box([F(0)], [F(1)]), (Goal((Atom(((0, F(2)),), (), F(-2), True),), "0"),))
    case("cuts: not needed: true", both, robust(vee, [plane, {"leaf": {}}, {"leaf": {}}]))
    ends = (
        Goal(
            (Atom(((0, F(1)),), (), F(-3, 4), False), Atom(((0, F(-1)),), (), F(1, 4), False)), "0"
        ),
    )
    apart = Query(vee, box([F(0)], [F(1)]), ends)  # x >= 3/4 and x <= 1/4
    low = {"leaf": {"atoms": [[0, 1]], "cuts": [[0, 1]]}}
    high = {"leaf": {"atoms": [[1, 1]], "cuts": [[0, 1]]}}
    case("cuts: needed on both sides: true", apart, robust(vee, [plane, low, high]))
    case("cuts: sides exchanged", apart, robust(vee, [plane, high, low]), "bound too weak")
    without = [{"leaf": {"atoms": [[0, 1]]}}, {"leaf": {"atoms": [[1, 1]]}}]
    case("cuts: left out", apart, robust(vee, [plane, *without]), "bound too weak")
    cut = {"input": [0, "1/2"]}
    case("split: input needed on both sides: true", apart, robust(vee, [cut, *without]))
    case(
        "split: input sides exchanged",
        apart,
        robust(vee, [cut, *reversed(without)]),
        "bound too weak",
    )
    nested = [cut, {"input": [0, "1/4"]}, without[0], without[0], without[1]]
    case("split: low side first: true", apart, robust(vee, nested))
    nested = [cut, without[0], {"input": [0, "1/4"]}, without[1], without[1]]
    case("split: high side split again: true", apart, robust(vee, nested))
    late = [cut, {"input": [0, "3/4"]}, without[0], without[0], without[0]]
    case("split: the inner high side undone", apart, robust(vee, late), "bound too weak")


def symbolic_elsewhere() -> None:
    """Wide networks, and bounds of the branch that symbolic bounds must use."""
    many = NetworkBuilder(2000)
    wide = many.network([many.layer([many.inputs[0]])[0]])
    region = box([F(0)] * 2000, [F(1)] * 2000)
    query = Query(wide, region, (above(F(2)),))
    case("symbolic: wide: true", query, robust(wide, [{"symbolic": 0}]))
    case("symbolic: a step, wide: true", query, robust(wide, PLAIN, steps=["symbolic"]))
    case("symbolic: not asked for: true", query, robust(wide, PLAIN))
    build = NetworkBuilder(1)
    network = build.network(build.layer([build.inputs[0]]))  # max(x, 0)
    atoms = (above(F(1, 4)).atoms[0], Atom(((0, F(-1)),), (), F(-1, 8), False))  # and x <= -1/8
    both = Query(network, box([F(-1)], [F(1)]), (Goal(atoms, "0"),))
    high = {"leaf": {"atoms": [[1, 1]], "bounds": [[0, 1]]}}
    low = {"symbolic": 0}
    case("symbolic: bounds of the branch: true", both, robust(network, [{"unit": 0}, low, high]))
    case(
        "symbolic: of the other side",
        both,
        robust(network, [{"unit": 0}, high, low]),
        "bound too weak",
    )
    fixed = lemma(0, "upper", "1/8", [{"leaf": {"bounds": [[0, -1]]}}])
    case(
        "symbolic: a lemma it cannot use",
        both,
        robust(network, [low], steps=[fixed]),
        "bound too weak",
    )


def symbolic_at_scales() -> None:
    """The bounds that a symbolic step leaves, used by a leaf that says nothing itself: at any scale
    they are u <= s/4 and w >= s/2, which intervals do not see, and not a hair better."""
    flat = [{"leaf": {"slopes": [[1, 0], [2, 0]]}}]
    for name, s in (("1", F(1)), ("2^60", F(2**60)), ("2^-60", F(1, 2**60)), ("2^-9", F(1, 512))):
        build = NetworkBuilder(1)
        x = build.inputs[0]
        (y,) = build.layer([x])
        u, w, _ = build.layer([x - y + s / 4, y - x + s / 2, x * 3 + s])
        region = box([F(0)], [s])
        network = build.network([u - w])
        at, beyond = (above(-s / 4, True),), (above(-s / 4),)
        step = robust(network, flat, steps=["symbolic"])
        case(f"symbolic: at scale {name}: true", Query(network, region, at), step)
        case(
            f"symbolic: at scale {name}, weak",
            Query(network, region, beyond),
            step,
            "bound too weak",
        )
        up, down = build.network([u * 1]), build.network([w * -1])
        for side, other, bound in (("above", up, s / 4), ("below", down, -s / 2)):
            one = {"leaf": {"slopes": [[1, 0], [2, 0]]}}
            proof = robust(other, [{"steps": ["symbolic"], **one}])
            asked = f"symbolic: {side} at scale {name}"
            case(f"{asked}: true", Query(other, region, (above(bound, True),)), proof)
            case(f"{asked}, weak", Query(other, region, (above(bound),)), proof, "bound too weak")


def sum_proof() -> list[Any]:
    """x0 + x1 + hat < 11/4 on the square: where x0 <= 0 or x1 <= 0 at once, else by the units."""
    low = {"leaf": {"slopes": [[4, 0]], "bounds": []}}
    return [
        {"input": [0, 0]},
        low,
        {"input": [1, 0]},
        low,
        {"leaf": {"slopes": [[0, 1], [2, 1], [4, "1/4"]]}},
    ]


def splits() -> None:
    def tree(*nodes: Any, query: Query = BOX) -> Text:
        return robust(query.network, list(nodes), *([PLAIN] * (len(query.goals) - 1)))

    leaf = {"leaf": {}}
    case("split: unit: true", BOX, tree({"unit": 0}, leaf, leaf))
    case("split: input: true", BOX, tree({"input": [0, "1/3"]}, leaf, leaf))
    case("split: plane: true", BOX, tree({"plane": [[[0, 2]], "1/3"]}, leaf, leaf))
    case("split: low side missing", BOX, tree({"unit": 0}, leaf), "malformed tree")
    case("split: both sides missing", BOX, tree({"unit": 0}), "malformed tree")
    case("split: a third side", BOX, tree({"unit": 0}, leaf, leaf, leaf), "malformed tree")
    case("split: a leaf too many", BOX, tree(leaf, leaf), "malformed tree")
    case(
        "split: nested side missing",
        BOX,
        tree({"unit": 0}, {"unit": 1}, leaf, leaf),
        "malformed tree",
    )
    case("split: no unit", BOX, tree({"unit": 2}, leaf, leaf), "index out of range")
    case("split: negative unit", BOX, tree({"unit": -1}, leaf, leaf), "malformed")
    case("split: unit true", BOX, tree({"unit": True}, leaf, leaf), "malformed")
    case("split: no input", BOX, tree({"input": [1, 0]}, leaf, leaf), "index out of range")
    case(
        "split: plane of no input",
        BOX,
        tree({"plane": [[[1, 1]], 0]}, leaf, leaf),
        "index out of range",
    )
    case(
        "split: plane in disorder",
        SUM,
        tree({"plane": [[[1, 1], [0, 1]], 0]}, leaf, leaf, query=SUM),
        "malformed",
    )
    case("split: threshold in floats", BOX, tree({"input": [0, 0.5]}, leaf, leaf), "float")
    case("split: threshold NaN", BOX, tree({"input": [0, "nan"]}, leaf, leaf), "malformed")
    case("split: threshold 1/0", BOX, tree({"input": [0, "1/0"]}, leaf, leaf), "malformed")
    case("split: two bodies", BOX, tree({"unit": 0, "leaf": {}}, leaf, leaf), "malformed")
    case("split: no body", BOX, tree({"steps": []}), "malformed")
    case("split: unknown body", BOX, tree({"trust": 0}), "malformed")
    case("split: unknown field beside a body", BOX, tree({"leaf": {}, "trust": 0}), "unknown field")
    case("conflict: none", BOX, tree({"conflict": 0}), "no conflict")
    case("conflict: equal bounds", VALUE, tree({"conflict": 0}, query=VALUE), "no conflict")
    case("conflict: true", BOX, tree({"unit": 0}, {"conflict": 0}, leaf))
    case(
        "conflict: on the wrong side", BOX, tree({"unit": 0}, leaf, {"conflict": 0}), "no conflict"
    )
    case("conflict: no unit", BOX, tree({"conflict": 7}), "index out of range")
    half = Query(LINE, box([F(-1)], [F(1)]), (above(F(1, 2)),))  # false: holds for x < 1/2 alone
    case(
        "split: one side true, the other not",
        half,
        tree({"input": [0, "1/3"]}, leaf, leaf, query=half),
        "bound too weak",
    )
    case(
        "split: the other side not, by unit",
        half,
        tree({"unit": 0}, leaf, leaf, query=half),
        "bound too weak",
    )
    cut = {"leaf": {"cuts": [[0, "1/2"]]}}
    case(
        "split: plane, one side not",
        half,
        tree({"plane": [[[0, 2]], "1/3"]}, cut, cut, query=half),
        "bound too weak",
    )
    # 2x <= 4/3 used with weight 1/2 is what the low side needs; a weight of 1 costs
    below_it = Query(LINE, box([F(-1)], [F(1)]), (above(F(3, 4)),))  # false
    plane = {"plane": [[[0, 2]], "4/3"]}
    case(
        "cuts: sign of the high side",
        below_it,
        tree(plane, cut, cut, query=below_it),
        "bound too weak",
    )
    never = {"plane": [[[0, 1]], 2]}  # x >= 2 is empty
    empty = {"leaf": {"atoms": [[0, 0]], "cuts": [[0, 1]]}}
    case("cuts: an empty side: true", BOX, tree(never, leaf, empty))
    case("cuts: a side that is not empty", BOX, tree(never, empty, empty), "bound too weak")
    case(
        "cuts: a negative multiplier",
        BOX,
        tree(never, {"leaf": {"atoms": [[0, 0]], "cuts": [[0, -1]]}}, empty),
        "negative multiplier",
    )
    case(
        "cuts: of the sibling",
        BOX,
        tree({"unit": 0}, never, leaf, empty, {"leaf": {"cuts": [[0, 1]]}}),
        "index out of range",
    )
    case("symbolic: true", BOX, tree({"symbolic": 0}))
    case("symbolic: step: true", BOX, robust(LINE, PLAIN, PLAIN, steps=["symbolic"]))
    case("symbolic: no atom", BOX, tree({"symbolic": 1}), "index out of range")
    case("symbolic: false", half, tree({"symbolic": 0}, query=half), "bound too weak")
    case(
        "symbolic: weak atom at 0",
        BOX_WEAK,
        tree({"symbolic": 0}, query=BOX_WEAK),
        "bound too weak",
    )
    case("symbolic: a true", BOX, tree({"symbolic": True}), "malformed")
    in_lemma = lemma(0, "lower", 1, [{"symbolic": 0}])
    case(
        "symbolic: in a lemma",
        BOX,
        robust(LINE, PLAIN, PLAIN, steps=[in_lemma]),
        "symbolic leaf in a lemma",
    )
    for name, t in (("far right", 10**40), ("far left", -(10**40)), ("tiny", "1/0x" + "f" * 1500)):
        split = {"input": [0, str(t)]}
        case(
            f"symbolic: after a split {name}: true",
            BOX,
            tree(split, {"symbolic": 0}, {"symbolic": 0}),
        )
        stepped = {"steps": ["symbolic"], "leaf": {}}
        case(f"symbolic: a step after a split {name}: true", BOX, tree(split, stepped, stepped))
        far = lemma(0, "lower", f"-{10**60}", PLAIN)
        case(
            f"symbolic: after a lemma {name}: true",
            BOX,
            robust(LINE, [{"symbolic": 0}], PLAIN, steps=[far]),
        )
    case("symbolic: unknown step", BOX, robust(LINE, PLAIN, PLAIN, steps=["symbols"]), "malformed")


def leaves_on_balls() -> None:
    def leaf(query: Query, **parts: Any) -> Text:
        return robust(query.network, [{"leaf": parts}])

    case("ball 1: on the box: true", ONE, leaf(ONE, box=[[0, -1]]))
    case("ball 1: box share of the wrong sign", ONE, leaf(ONE, box=[[0, 1]]), "bound too weak")
    case("ball 2: on the box: true", TWO, leaf(TWO, box=[[0, -1]]))
    case("ball 2: half on the box: true", TWO, leaf(TWO, box=[[0, "-1/2"]]))
    case("ball 2: box share too large", TWO, leaf(TWO, box=[[0, 3]]), "bound too weak")
    case("ball 2: box out of range", TWO, leaf(TWO, box=[[1, 1]]), "index out of range")
    case("ball 2: clipped, on the box: true", CLIPPED, leaf(CLIPPED, box=[[0, -1]]))
    case("ball 2: clipped, on the ball", CLIPPED, leaf(CLIPPED), "bound too weak")
    # hat at the edge of the L2 ball of radius 1/2: 1 - sqrt(2)/2 = 0.29 along the diagonal
    case("ball 2: diagonal: true", TWO_DIAGONAL, robust(HAT, hat_proof()))
    beyond = Query(HAT, TWO_DIAGONAL.region, (below(F(3, 10)),))  # false
    case("ball 2: diagonal, beyond", beyond, robust(HAT, hat_proof()), "bound too weak")
    on_one = Query(HAT, ball("1", [F(0)] * 2, F(3, 4)), (below(F(1, 8)),))
    case("ball 1: hat: true", on_one, robust(HAT, hat_proof()))
    on_inf = Query(HAT, ball("inf", [F(0)] * 2, F(3, 4)), (below(F(1, 8)),))  # false
    case("ball inf: hat", on_inf, robust(HAT, hat_proof()), "bound too weak")
    on_two = Query(HAT, ball("2", [F(0)] * 2, F(3, 4)), (below(F(1, 8)),))  # false
    case("ball 2: hat", on_two, robust(HAT, hat_proof()), "bound too weak")
    touching = Query(HAT, ball("2", [F(0)] * 2, radius_squared=F(1, 2)), (below(F(0)),))  # false
    case("ball 2: touching", touching, robust(HAT, hat_proof()), "bound too weak")
    apart = ball("2", [F(0)] * 2, radius_squared=F(1, 2) - F(1, 10**15))
    apart_query = Query(HAT, apart, (below(F(0)),))
    case("ball 2: a hair apart: true", apart_query, robust(HAT, hat_proof()))
    point = Query(LINE, ball("2", [F(1)], F(0)), (above(F(1)),))  # false
    case("ball 2: a point at the threshold", point, robust(LINE, PLAIN), "bound too weak")
    point_strict = Query(LINE, ball("2", [F(1)], F(0)), (above(F(1), True),))
    case("ball 2: a point, strict: true", point_strict, robust(LINE, PLAIN))


def decoders() -> None:
    """The same proofs under a decoder whose claim is false, a tie included."""
    tie = Query(LINE, box([F(-1, 2)], [F(1, 4)]), label_goals("nearest", 1, [-1, 0, 1], 1))
    case("decoder nearest: a tie is a flip", tie, robust(LINE, PLAIN, PLAIN), "bound too weak")
    other = Query(LINE, NEAREST.region, label_goals("nearest", 0, [-1, 0, 1], 1))
    case("decoder nearest: another label", other, robust(LINE, PLAIN), "bound too weak")
    end = Query(LINE, NEAREST.region, label_goals("nearest", 2, [-2, -1, 0], 1))
    case("decoder nearest: the last label: true", end, robust(LINE, PLAIN))
    case("decoder nearest: the proof of an end label", NEAREST, robust(LINE, PLAIN), "goal missing")
    zero = Query(LINE, box([F(0)], [F(1)]), label_goals("sign", 1, [-1, 1], 1))
    case("decoder sign: zero is a flip", zero, robust(LINE, PLAIN), "bound too weak")
    minus = Query(LINE, SIGN.region, label_goals("sign", 0, [-1, 1], 1))
    case("decoder sign: the other sign", minus, robust(LINE, PLAIN), "bound too weak")
    equal = Query(ARGMAX.network, box([F(0)], [F(1)]), ARGMAX.goals)
    case(
        "decoder argmax: a tie is a flip",
        equal,
        robust(ARGMAX.network, PLAIN, PLAIN),
        "bound too weak",
    )
    rival = Query(ARGMAX.network, ARGMAX.region, label_goals("argmax", 1, [0, 1, 2], 3))
    case(
        "decoder argmax: another label",
        rival,
        robust(ARGMAX.network, PLAIN, PLAIN),
        "bound too weak",
    )
    case("decoder argmax: one rival missing", ARGMAX, robust(ARGMAX.network, PLAIN), "goal missing")
    interval = Query(LINE, box([F(1, 4)], [F(1, 2)]), VALUE.goals)
    case("decoder value: more than a point", interval, robust(LINE, PLAIN, PLAIN), "bound too weak")
    lower = Query(LINE, box([F(0)], [F(1, 4)]), VALUE.goals)
    case("decoder value: below", lower, robust(LINE, PLAIN, PLAIN), "bound too weak")


def flips() -> None:
    reached = BOX_WEAK
    case("flip: true", reached, flip(LINE, 0, [1]))
    case("flip: not in lowest terms", reached, flip(LINE, 0, ["2/2"]), "malformed")
    case("flip: an integer as a text", reached, flip(LINE, 0, ["1"]), "malformed")
    case("flip: with a sign", reached, flip(LINE, 0, ["+1/2"]), "malformed")
    case("flip: with a blank", reached, flip(LINE, 0, [" 1/2"]), "malformed")
    case("flip: a decimal", reached, flip(LINE, 0, ["0.5"]), "malformed")
    case("flip: with a leading zero", reached, flip(LINE, 0, ["01/2"]), "malformed")
    case("flip: minus zero", reached, flip(LINE, 0, ["-0"]), "malformed")
    case("flip: hexadecimal and short", reached, flip(LINE, 0, ["0x1/2"]), "malformed")
    case("flip: a long integer", reached, flip(LINE, 0, [2**53]), "malformed")
    case("flip: a long integer as a text", reached, flip(LINE, 0, [str(2**53)]), "outside")
    case("flip: no flip", reached, flip(LINE, 0, ["999999/1000000"]), "no flip")
    case("flip: a tie with a strict atom", BOX_STRICT, flip(LINE, 0, [1]), "no flip")
    case("flip: outside", reached, flip(LINE, 0, ["1000001/1000000"]), "outside")
    case("flip: another goal", reached, flip(LINE, 1, [1]), "index out of range")
    case("flip: negative goal", reached, flip(LINE, -1, [1]), "malformed")
    case("flip: goal true", reached, flip(LINE, False, [1]), "malformed")
    case("flip: no coordinate", reached, flip(LINE, 0, []), "dimension")
    case("flip: two coordinates", reached, flip(LINE, 0, [1, 1]), "dimension")
    case("flip: a float", reached, flip(LINE, 0, [1.0]), "float")
    case("flip: a text that is no number", reached, flip(LINE, 0, ["one"]), "malformed")
    case("flip: null", reached, flip(LINE, 0, [None]), "malformed")
    case("flip: with steps", reached, flip(LINE, 0, [1]) | {"steps": []}, "unknown field")
    case("flip: no goal", reached, changed(flip(LINE, 0, [1]), drop(("goal",))), "missing field")
    both = UNSAFE
    case("flip: one atom of two", both, flip(LINE, 0, [1]), "no flip")
    corner = ball("2", [F(0)] * 2, F(1, 2))
    outside = Query(HAT, corner, (below(F(0)),))
    case("flip: in the box of the ball alone", outside, flip(HAT, 0, ["1/2", "1/2"]), "outside")
    diamond = Query(HAT, ball("1", [F(0)] * 2, F(3, 4)), (below(F(0)),))
    case("flip: in the box of the diamond alone", diamond, flip(HAT, 0, ["1/2", "1/2"]), "outside")
    rim = Query(HAT, ball("1", [F(0)] * 2, F(1)), (below(F(0)),))
    case("flip: on the rim: true", rim, flip(HAT, 0, ["1/2", "1/2"]))
    clip = Query(LINE, ball("2", [F(0)], F(1), clip=(F(-1), F(1, 2))), (above(F(3, 4)),))
    case("flip: outside of the clip", clip, flip(LINE, 0, ["3/4"]), "outside")


def open_balls() -> None:
    """Bounds of zero: accepted where only the sphere attains them, refused elsewhere."""

    def line(norm: Any, radius: Fraction, goal: Goal, clip: Any = None) -> Query:
        return Query(LINE, ball(norm, [F(0)], radius, clip=clip, open=True), (goal,))

    one = F(1)
    proof = robust(LINE, PLAIN)
    for norm in ("inf", "1", "2"):
        exact = line(norm, one, above(one))
        case(f"open {norm}: true", exact, proof)
        case(f"open {norm}: a little larger", line(norm, F(1001, 1000), above(one)), proof,
             "bound too weak")  # fmt: skip
        case(f"open {norm}: no share at all", exact, robust(LINE, [{"leaf": {"atoms": [[0, 0]]}}]),
             "bound too weak")  # fmt: skip
        case(f"open {norm}: its sphere", exact, flip(LINE, 0, [1]), "outside")
        case(f"open {norm}: inside", exact, flip(LINE, 0, ["1/2"]), "no flip")
        case(f"open {norm}: flip: true", line(norm, F(2), above(one)), flip(LINE, 0, [1]))
        case(f"open {norm}: strict: true", line(norm, one, above(one, True)), proof)
        clipped = line(norm, one, above(F(1, 2)), (F(-1), F(1, 2)))
        box_share = robust(LINE, [{"leaf": {"box": [[0, -1]]}}])
        case(f"open {norm}: a side of the clip", clipped, box_share, "bound too weak")
        split = robust(LINE, [{"input": [0, "1/2"]}, *(box_share["goals"][0] * 2)])
        case(f"open {norm}: a side of a split", line(norm, one, above(F(1, 2))), split,
             "bound too weak")  # fmt: skip
        # a_0 = x + 2 <= 3 holds on the closed ball; that the bound is not attained is forgotten
        bounded = robust(
            LINE, [{"leaf": {"bounds": [[0, -1]]}}], steps=[lemma(0, "upper", 3, PLAIN)]
        )
        case(f"open {norm}: a bound bears it", exact, bounded, "bound too weak")
        plane = robust(LINE, [{"plane": [[[0, 1]], 1]}, {"leaf": {"cuts": [[0, 1]]}}, {"leaf": {}}])
        case(f"open {norm}: a cut bears it", exact, plane, "bound too weak")
        conflict = [{"unit": 0}, {"conflict": 0}, {"leaf": {}}]
        case(f"open {norm}: an empty side at the sphere", line(norm, F(2), above(F(2))),
             robust(LINE, conflict), "no conflict")  # fmt: skip
        empty = [{"unit": 0}, {"leaf": {"atoms": [[0, 0]], "bounds": [[0, -1]]}}, {"leaf": {}}]
        case(f"open {norm}: an empty side: true", line(norm, F(2), above(F(2))),
             robust(LINE, empty))  # fmt: skip
    for norm, share in (("1", 1), ("2", "1/2")):
        for text, name, flaw in (
            ({"ball": share}, f"{share}: true", "accepted"),
            ({"ball": 0}, "zero", "bound too weak"),
            ({"ball": "1/3"}, "1/3: true", "accepted"),
            ({"ball": 2}, "too large", "bound too weak"),
        ):
            case(f"open {norm}: sum, the ball's multiplier is {name}", line(norm, one, above(one)),
                 robust(LINE, [{"leaf": text}]), flaw)  # fmt: skip
        closed = Query(LINE, ball(norm, [F(0)], one), (above(one),))
        case(f"open {norm}: sum, on the closed ball", closed,
             robust(LINE, [{"leaf": {"ball": share}}]), "bound too weak")  # fmt: skip
    case("open 2: its box bears it", line("2", one, above(one)), box_share, "bound too weak")
    case("open inf: clipped at the sphere: true", line("inf", one, above(one), (-one, one)), proof)
    # sigma(1 - |x|_1) vanishes from distance 1 on and is never below: radius 1, and no more
    for radius, flaw in ((one, "accepted"), (F(5, 4), "bound too weak")):
        hats = Query(HAT, ball("1", [F(0)] * 2, radius, open=True), (below(F(0)),))
        name = "true" if flaw == "accepted" else "too large"
        case(f"open 1: down to zero: {name}", hats, robust(HAT, hat_proof()), flaw)
    flat = changed(
        robust(HAT, hat_proof()),
        lambda text: [node["leaf"].clear() for node in text["goals"][0] if "leaf" in node] and None,
    )
    case("open 1: a unit's box bears it", Query(HAT, ball("1", [F(0)] * 2, one, open=True),
         (below(F(0)),)), flat, "bound too weak")  # fmt: skip


def sums() -> None:
    """Leaves with a multiplier of the ball and separable steps: 1 - |x0| - |x1| on balls."""

    def hat(norm: Any, size: Fraction, strict: bool = False) -> Query:
        where = (
            ball("1", [F(0)] * 2, size)
            if norm == "1"
            else ball("2", [F(0)] * 2, radius_squared=size)
        )
        return Query(HAT, where, (below(F(0), strict),))

    def leaf(**fields: Any) -> Any:
        return robust(HAT, [{"leaf": {"slopes": [[4, 1]], **fields}}])

    half, one = hat("1", F(1, 2)), hat("1", F(1))
    case("sum 1: true", half, leaf(ball=1))
    case("sum 1: no multiplier", half, leaf(), "bound too weak")
    case("sum 1: multiplier 0", half, leaf(ball=0), "bound too weak")
    case("sum 1: small multiplier: true", half, leaf(ball="1/3"))
    case("sum 1: multiplier too large", half, leaf(ball=2), "bound too weak")
    case("sum 1: ball too large", one, leaf(ball=1), "bound too weak")
    case("sum 1: bound 0 of a strict atom: true", hat("1", F(1), True), leaf(ball=1))
    case("sum 2: true", hat("2", F(1, 8)), leaf(ball=2))
    case("sum 2: multiplier 0", hat("2", F(4, 9)), leaf(ball=0), "bound too weak")
    case("sum 2: multiplier too large", hat("2", F(4, 9)), leaf(ball=3), "bound too weak")
    case("sum 2: nearly the largest ball: true", hat("2", F(4, 9)), leaf(ball=1))
    case("sum 2: ball too large", hat("2", F(1, 2)), leaf(ball=1), "bound too weak")
    case("sum 2: bound 0 of a strict atom: true", hat("2", F(1, 2), True), leaf(ball=1))
    around = Query(HAT, box([F(0)] * 2, [F(1, 4)] * 2), (below(F(0)),))
    case("sum inf: true", around, leaf(ball=0))
    case("sum inf: it has no ball", around, leaf(ball=1), "no ball")
    wide = Query(HAT, box([F(0)] * 2, [F(1, 2)] * 2), (below(F(0)),))
    case("sum inf: box too large", wide, leaf(ball=0), "bound too weak")
    case("sum: negative multiplier", half, leaf(ball=-1), "negative multiplier")
    case("sum: box beside ball", half, leaf(ball=1, box=[[0, 1]]), "box beside ball")
    case("sum: an atom of weight 0", half, leaf(ball=1, atoms=[[0, 0]]), "bound too weak")
    case("sum: without the slope of the unit above", half,
         robust(HAT, [{"leaf": {"ball": 1}}]), "bound too weak")  # fmt: skip
    for name, value in (("text", "x"), ("list", [1]), ("null", None), ("true", True)):
        case(f"sum: multiplier {name}", half, leaf(ball=value), "malformed")
    case("sum: multiplier a float", half, leaf(ball=1.0), "float")

    plain = {"leaf": {"slopes": [[4, 0]]}}  # its output is at least the bound of unit 4

    def stepped(step: Any) -> Text:
        return robust(HAT, [plain], steps=[step])

    case("separable: true", half, stepped({"separable": [1]}))
    case("separable 2: true", hat("2", F(1, 8)), stepped({"separable": [2]}))
    case("separable: the best of several: true", half, stepped({"separable": [0, 1, 5]}))
    case("separable: in a node: true", half,
         robust(HAT, [{"steps": [{"separable": [1]}], **plain}]))  # fmt: skip
    case("separable: before a split: true", half,
         robust(HAT, [{"steps": [{"separable": [1]}], "unit": 0}, plain, plain]))  # fmt: skip
    case("separable: in the low side alone", half,
         robust(HAT, [{"unit": 0}, {"steps": [{"separable": [1]}], **plain}, plain]),
         "bound too weak")  # fmt: skip
    case("separable: in the high side alone", half,
         robust(HAT, [{"unit": 0}, plain, {"steps": [{"separable": [1]}], **plain}]),
         "bound too weak")  # fmt: skip
    case("separable: no multiplier", half, stepped({"separable": []}), "bound too weak")
    case("separable: multiplier 0", half, stepped({"separable": [0]}), "bound too weak")
    case("separable: ball too large", one, stepped({"separable": [1]}), "bound too weak")
    case("separable: a box has no ball", around, stepped({"separable": [1]}), "no ball")
    case("separable: negative", half, stepped({"separable": [1, -1]}), "negative multiplier")
    case("separable: not a list", half, stepped({"separable": 1}), "malformed")
    case("separable: a text", half, stepped({"separable": ["x"]}), "malformed")
    case("separable: a float", half, stepped({"separable": [0.5]}), "float")
    case("separable: and a tree", half, stepped({"separable": [1], "tree": PLAIN}), "unknown field")


def forms_of_json(line: Text) -> None:
    """Values of the wrong type at every place of a true proof."""
    deep = robust(
        LINE,
        [
            {"steps": [lemma(0, "lower", 1, [{"leaf": {}}])], "input": [0, "1/3"]},
            {"leaf": {"slopes": [[0, 1]]}},
            {"plane": [[[0, 1]], "2/3"]},
            {"leaf": {}},
            {"leaf": {}},
        ],
        PLAIN,
    )
    case("json: true", BOX, deep)
    places = {
        "network": ("network",),
        "verdict": ("verdict",),
        "steps": ("steps",),
        "goals": ("goals",),
        "tree": ("goals", 0),
        "node": ("goals", 0, 0),
        "inner steps": ("goals", 0, 0, "steps"),
        "lemma": ("goals", 0, 0, "steps", 0),
        "lemma bound": ("goals", 0, 0, "steps", 0, "lower"),
        "lemma unit": ("goals", 0, 0, "steps", 0, "lower", 0),
        "lemma number": ("goals", 0, 0, "steps", 0, "lower", 1),
        "lemma tree": ("goals", 0, 0, "steps", 0, "tree"),
        "input": ("goals", 0, 0, "input"),
        "input index": ("goals", 0, 0, "input", 0),
        "threshold": ("goals", 0, 0, "input", 1),
        "leaf": ("goals", 0, 1, "leaf"),
        "slopes": ("goals", 0, 1, "leaf", "slopes"),
        "slope": ("goals", 0, 1, "leaf", "slopes", 0),
        "slope index": ("goals", 0, 1, "leaf", "slopes", 0, 0),
        "slope number": ("goals", 0, 1, "leaf", "slopes", 0, 1),
        "plane": ("goals", 0, 2, "plane"),
        "normal": ("goals", 0, 2, "plane", 0),
        "normal entry": ("goals", 0, 2, "plane", 0, 0),
        "offset": ("goals", 0, 2, "plane", 1),
    }
    for name, path in places.items():
        flaw = "another network" if name == "network" else "malformed"
        for label, wrong in (("null", None), ("true", True), ("a text", "x"), ("nothing", {})):
            if label == "nothing" and name == "leaf":
                continue  # an empty leaf is a leaf
            missing = label == "nothing" and name == "lemma"
            case(
                f"json: {name} is {label}",
                BOX,
                changed(deep, put(path, wrong)),
                "missing field" if missing else flaw,
            )


add_cases()

"""What a verdict carries: a proof of every goal, or an exact point; and their text, strictly read.

A proof refutes: it shows that the region, the network and a goal's atoms have no common point. It
is a list of steps and, for every goal of the query, a tree. A tree is stored flat, each split
followed by its low side and then its high side, so that depth costs no recursion.

The text is version 2 of `docs/certificates.md`, which states grammar, numbers and rules. Version 1,
which has no "usual", "maxima" and "weights" and whose keys come in any order, is read as well.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from typing import Any

from verifier.evidence.fields import check_fields, index_in, list_in
from verifier.evidence.strict_json import canonical_rational, read_json
from verifier.question.errors import RefusedError
from verifier.question.rational import format_rational, is_exact
from verifier.question.shown import Shown

VERSION = 2
READABLE = (1, 2)
USUAL_BITS = 24  # of the usual slope from above


@dataclass(frozen=True, slots=True)
class Weight:
    """The share of a direction in a sum of ridge functions: sum over d of share |d . y|^p is at
    most ||y||_p^p. `scale` > 0, for p = 2 alone, shows it; `direction` begins with entry 1."""

    direction: Terms
    share: Fraction
    scale: Fraction | None = None


@dataclass(frozen=True, slots=True)
class Leaf:
    """A lower bound of a linear form, by substituting units backwards; see `docs/certificates.md`.

    atoms   multiplier >= 0 of each atom of the goal (a goal of one atom: {0: 1} if absent)
    slopes  of unit v in [0, 1]: how much of z_v is replaced by a line in a_v. 1 if absent for a
            unit that is on, 0 for one that is off, `usual` says what for an undecided one; what is
            not replaced is absorbed by the unit's bounds.
    bounds  multiplier of unit v's current bound, of a_v >= lower if positive, a_v <= upper if not
    cuts    multiplier >= 0 of the k-th hyperplane split above this leaf
    box     the part of the final gradient of input k that is bounded over the box and not the ball
    ball    None, or the multiplier t >= 0 of the ball: units that lie on a direction are then kept,
            and what is left, a sum of functions of one direction each, is bounded as such. `box`
            must be empty, and t zero where there is no ball.
    usual   whether undecided units that are not named have the usual slope, else they have 0
    weights beside `ball`: the shares of the directions, sorted; derived by the checker if empty
    """

    atoms: Mapping[int, Fraction] = field(default_factory=dict)
    slopes: Mapping[int, Fraction] = field(default_factory=dict)
    bounds: Mapping[int, Fraction] = field(default_factory=dict)
    cuts: Mapping[int, Fraction] = field(default_factory=dict)
    box: Mapping[int, Fraction] = field(default_factory=dict)
    ball: Fraction | None = None
    usual: bool = False
    weights: tuple[Weight, ...] = ()


@dataclass(frozen=True, slots=True)
class Conflict:
    """The current bounds of unit `unit` contradict each other, so the branch is empty."""

    unit: int


@dataclass(frozen=True, slots=True)
class SymbolicLeaf:
    """The goal's atom number `atom` is refuted by the bounds of `symbolic.py`, which the checker
    computes itself."""

    atom: int


@dataclass(frozen=True, slots=True)
class SymbolicStep:
    """From here on, in this branch, the bounds of `symbolic.py` hold as well."""


@dataclass(frozen=True, slots=True)
class SeparableStep:
    """From here on, in this branch, units that lie on no direction are bounded again, one after
    another: sums of functions of one direction each, with each of
    these multipliers of the ball (the positive ones for sums that no other such sum reads), and
    units that read no direction by interval arithmetic. All multipliers are >= 0, and 0 where there
    is no ball."""

    multipliers: tuple[Fraction, ...]


@dataclass(frozen=True, slots=True)
class MaximaStep:
    """From here on, in this branch, units that are maxima, and what reads them, are bounded as the
    checker recognises them."""


@dataclass(frozen=True, slots=True)
class SumsStep:
    """From here on, in this branch, the final sums of ridge functions have the lower bounds of
    `ridge_minima.py` with each of the multipliers in `lower`, and the upper ones with those in
    `upper`. The region must be a ball of a norm below infinity; all multipliers are >= 0."""

    lower: tuple[Fraction, ...]
    upper: tuple[Fraction, ...]


@dataclass(frozen=True, slots=True)
class UnitSplit:
    """Low: a_unit <= 0; high: a_unit >= 0."""

    unit: int


@dataclass(frozen=True, slots=True)
class InputSplit:
    """Low: x_input <= threshold; high: x_input >= threshold."""

    input: int
    threshold: Fraction


@dataclass(frozen=True, slots=True)
class PlaneSplit:
    """Low: normal . x <= threshold; high: normal . x >= threshold."""

    normal: tuple[tuple[int, Fraction], ...]
    threshold: Fraction


@dataclass(frozen=True, slots=True)
class Lemma:
    """a_unit >= bound (`upper` False) or a_unit <= bound, proved by `tree`."""

    unit: int
    upper: bool
    bound: Fraction
    tree: Tree


@dataclass(frozen=True, slots=True)
class PairLemma:
    """Of a family: a_unit >= the affine function of m with these values at the ends of the interval
    of the branch (`upper` False), or <= it; proved by `tree`."""

    unit: int
    upper: bool
    ends: tuple[Fraction, Fraction]
    tree: Tree


@dataclass(frozen=True, slots=True)
class Node:
    """Steps that hold below this node, then what closes or splits it."""

    steps: tuple[Step, ...]
    body: Leaf | SymbolicLeaf | Conflict | Split


Terms = tuple[tuple[int, Fraction], ...]
"""Indices and coefficients, increasing."""
Split = UnitSplit | InputSplit | PlaneSplit
Step = Lemma | PairLemma | SymbolicStep | SeparableStep | SumsStep | MaximaStep
Tree = tuple[Node, ...]
"""Nodes in preorder: a split, its low side, its high side."""


@dataclass(frozen=True, slots=True, repr=False)
class Robust(Shown):
    """No point of the region satisfies any goal; `steps` and `trees` prove it."""

    steps: tuple[Step, ...]
    trees: tuple[Tree, ...]

    def _facts(self) -> list[tuple[str, str]]:
        nodes = sum(len(tree) for tree in self.trees)
        return [("steps", str(len(self.steps))), ("trees", f"{len(self.trees)} of {nodes} nodes")]


@dataclass(frozen=True, slots=True, repr=False)
class Flip(Shown):
    """`point` lies in the region and satisfies all atoms of goal number `goal`."""

    point: tuple[Fraction, ...]
    goal: int


@dataclass(frozen=True, slots=True, repr=False)
class Undecided(Shown):
    """Nothing is claimed. `reason` says why the search stopped."""

    reason: str
    lower_bound: Fraction | None = None
    lowest_seen: Fraction | None = None


@dataclass(frozen=True, slots=True, repr=False)
class Radius(Shown):
    """Of a query on an open ball: `proof` shows that no goal is satisfied there, `flip` is a point
    of the sphere that satisfies one. So the distance from the center to the nearest such point (of
    the region's box) is the radius of the ball."""

    proof: Robust
    flip: Flip


@dataclass(frozen=True, slots=True, repr=False)
class Maximum(Shown):
    """Of a query with strict atoms on a closed region: `proof` shows that no goal is satisfied
    there, `point` is one at which all atoms of a goal are at least zero. So zero is the largest
    value, over the region and the goals, of a goal's least atom."""

    proof: Robust
    point: Flip


Verdict = Robust | Flip | Undecided
_LARGEST_INTEGER = 2**53  # that readers with floats alone do not round
_BODIES = ("leaf", "symbolic", "conflict", "unit", "input", "plane")
_LEAF_FIELDS = ("atoms", "bounds", "box", "cuts", "slopes")  # tables of numbers
_TUPLE = (tuple,)
_PART_KINDS = (Node, Lemma, PairLemma, SymbolicStep, SeparableStep, SumsStep, MaximaStep)
_BODY_KINDS = (Leaf, SymbolicLeaf, Conflict, UnitSplit, InputSplit, PlaneSplit)
_SHORT_STEPS: dict[str, Step] = {"maxima": MaximaStep(), "symbolic": SymbolicStep()}


def certificate_bytes(verdict: Robust | Flip, network_digest: str) -> bytes:
    """The text of the certificate; the same verdict gives the same bytes."""
    head: dict[str, Any] = {"robmem": VERSION, "network": network_digest}
    if isinstance(verdict, Flip):
        point = [rational_out(x) for x in verdict.point]
        head |= {"verdict": "flip", "goal": verdict.goal, "point": point}
        return _json(head).encode() + b"\n"
    head |= {"verdict": "robust"}
    parts = {name: _json(value) for name, value in head.items()}
    parts["steps"] = _list(map(_step_text, verdict.steps))
    parts["goals"] = _list(map(_tree_text, verdict.trees))
    return _object(parts).encode() + b"\n"


# Trees are written node by node: the lists of all of them together, which Python's collector looks
# through again and again, take longer than all else.
def _tree_text(tree: Tree) -> str:
    return _list(_json(node_out(node)) for node in tree)


def _step_text(step: Step) -> str:
    if not isinstance(step, Lemma | PairLemma):
        return _json(step_out(step))
    side, bound = _bound_out(step)
    return _object({side: _json(bound), "tree": _tree_text(step.tree)})


_json = json.JSONEncoder(separators=(",", ":"), sort_keys=True).encode


def _list(parts: Iterable[str]) -> str:
    return f"[{','.join(parts)}]"


def _object(parts: Mapping[str, str]) -> str:
    return f"{{{','.join(f'{_json(name)}:{parts[name]}' for name in sorted(parts))}}}"


def parse_certificate(data: bytes, network_digest: str) -> Robust | Flip:
    """The verdict that `data` claims for the network with this digest.

    Raises RefusedError, naming the flaw, for anything that is not exactly the format above.
    """
    value, unsorted = read_json(data)
    if not isinstance(value, dict):
        raise RefusedError("malformed", "a certificate is a JSON object")
    version = value.get("robmem")
    if type(version) is not int or version not in READABLE:
        raise RefusedError("version", f"certificate version {str(version)[:40]!r}, not 1 or 2")
    if version > 1 and unsorted is not None:
        raise RefusedError("unsorted keys", f"at {unsorted[:40]!r}")
    kind = value.get("verdict")
    if kind == "flip":
        check_fields(value, ("robmem", "network", "verdict", "goal", "point"))
    elif kind == "robust":
        check_fields(value, ("robmem", "network", "verdict", "steps", "goals"))
    else:
        raise RefusedError("malformed", f"verdict {kind!r} is neither robust nor flip")
    if value["network"] != network_digest:
        raise RefusedError(
            "another network", f"certificate for {value['network']}, network is {network_digest}"
        )
    if kind == "flip":
        point = tuple(_rational_in(x) for x in list_in(value["point"], "point"))
        return Flip(point, index_in(value["goal"]))
    read = _Reader(version)
    steps = tuple(read.step(step) for step in list_in(value["steps"], "steps"))
    return Robust(steps, tuple(read.tree(tree) for tree in list_in(value["goals"], "goals")))


def check_numbers(verdict: Robust | Flip) -> None:
    """Returns if every number in `verdict` is exact, every multiplier has its sign, and all that
    holds them is what this module defines, a tuple or a dict: of another kind, even a subclass, it
    might say something else when asked again.

    What `parse_certificate` gives always passes; a verdict built in memory may hold a float, which
    would round, or a negative multiplier, which would prove anything. Raises RefusedError.
    """
    _check_kind(verdict, (Robust, Flip))
    if isinstance(verdict, Flip):
        _check_kind(verdict.point, _TUPLE)
        _check_exact("point", (verdict.goal,), verdict.point)
        return
    _check_kind(verdict.steps, _TUPLE)
    _check_kind(verdict.trees, _TUPLE)
    waiting: list[Step | Node] = [*verdict.steps, *_nodes(*verdict.trees)]
    while waiting:
        part = waiting.pop()
        _check_kind(part, _PART_KINDS)
        match part:
            case SumsStep(lower, upper):
                _check_kind(lower, _TUPLE)
                _check_kind(upper, _TUPLE)
                _check_exact("sums", (), (*lower, *upper))
                for t in (*lower, *upper):
                    _check_ball(t)
            case SeparableStep(multipliers):
                _check_kind(multipliers, _TUPLE)
                _check_exact("separable", (), multipliers)
                for t in multipliers:
                    _check_ball(t)
            case Lemma(unit, upper, bound, tree):
                _check_kind(upper, (bool,))
                _check_exact("lemma", (unit,), (bound,))
                waiting.extend(_nodes(tree))
            case PairLemma(unit, upper, ends, tree):
                _check_kind(upper, (bool,))
                _check_kind(ends, _TUPLE)
                _check_exact("lemma", (unit,), ends)
                if len(ends) != 2:
                    raise RefusedError("malformed", f"lemma about unit {unit}: {len(ends)} ends")
                waiting.extend(_nodes(tree))
            case Node(steps, body):
                _check_kind(steps, _TUPLE)
                _check_kind(body, _BODY_KINDS)
                waiting.extend(steps)
                match body:
                    case Leaf():
                        _check_leaf(body)
                    case Conflict(index) | UnitSplit(index) | SymbolicLeaf(index):
                        _check_exact("node", (index,), ())
                    case InputSplit(k, threshold):
                        _check_exact("input", (k,), (threshold,))
                    case PlaneSplit(normal, threshold):
                        _check_pairs(normal)
                        indices, coefficients = [k for k, _ in normal], [g for _, g in normal]
                        _check_exact("plane", indices, (*coefficients, threshold))
                        if sorted(set(indices)) != indices:
                            raise RefusedError("malformed", f"plane: indices {indices[:8]}")


def _nodes(*trees: Tree) -> Iterator[Node]:
    """The nodes of these trees."""
    for tree in trees:
        _check_kind(tree, _TUPLE)
        for node in tree:
            _check_kind(node, (Node,))
            yield node


def _check_kind(value: object, kinds: tuple[type, ...]) -> None:
    if type(value) not in kinds:
        raise RefusedError("malformed", f"a {type(value).__name__}, not a {kinds[0].__name__}")


def _check_pairs(pairs: object) -> None:
    """Whether it is a tuple of pairs."""
    _check_kind(pairs, _TUPLE)
    if isinstance(pairs, tuple):
        for pair in pairs:
            _check_kind(pair, _TUPLE)


def _check_leaf(leaf: Leaf) -> None:
    _check_kind(leaf.weights, _TUPLE)
    for name in _LEAF_FIELDS:
        table: Mapping[int, Fraction] = getattr(leaf, name)
        _check_kind(table, (dict,))
        _check_exact(name, table, table.values())
        if name in ("atoms", "cuts", "slopes"):
            for k, q in table.items():
                if q.numerator < 0:
                    raise RefusedError("negative multiplier", f"{name} {k}: {format_rational(q)}")
    for k, q in leaf.slopes.items():
        if q.numerator > q.denominator:
            raise RefusedError("slope above 1", f"unit {k}: {format_rational(q)}")
    if type(leaf.usual) is not bool:
        raise RefusedError("malformed", f"usual is {str(leaf.usual)[:40]!r}")
    if leaf.ball is not None:
        _check_exact("ball", (), (leaf.ball,))
        _check_ball(leaf.ball)
        if leaf.box:
            raise RefusedError("box beside ball", f"inputs {sorted(leaf.box)[:8]}")
    elif leaf.weights:
        raise RefusedError("malformed", "weights without a multiplier of the ball")
    for weight in leaf.weights:
        _check_weight(weight)
    directions = [weight.direction for weight in leaf.weights]
    if any(a >= b for a, b in pairwise(directions)):
        raise RefusedError("malformed", "weights: directions do not increase")


def _check_weight(weight: Weight) -> None:
    _check_kind(weight, (Weight,))
    _check_pairs(weight.direction)
    indices, entries = [k for k, _ in weight.direction], [g for _, g in weight.direction]
    scales = () if weight.scale is None else (weight.scale,)
    _check_exact("weights", indices, (*entries, weight.share, *scales))
    if sorted(set(indices)) != indices or entries[:1] != [1] or 0 in entries:
        raise RefusedError("malformed", f"weights: direction of inputs {indices[:8]}")
    if weight.share < 0 or (weight.scale is not None and weight.scale <= 0):
        raise RefusedError("negative multiplier", f"weights: direction of inputs {indices[:8]}")


def _check_ball(multiplier: Fraction) -> None:
    if multiplier < 0:
        raise RefusedError("negative multiplier", f"ball: {format_rational(multiplier)}")


def _check_exact(place: str, indices: Iterable[int], numbers: Iterable[Fraction]) -> None:
    for index in indices:
        if type(index) is not int or index < 0:
            raise RefusedError("malformed", f"{place}: {str(index)[:40]!r} is not an index")
    for number in numbers:
        if not is_exact(number):
            raise RefusedError(
                "not exact", f"{place}: {str(number)[:40]!r} is no Fraction of Python's integers"
            )


def rational_out(value: Fraction) -> int | str:
    """The one JSON value that stands for this number in a certificate."""
    if value.denominator == 1 and abs(value.numerator) < _LARGEST_INTEGER:
        return value.numerator
    return format_rational(value)


def _pairs_out(pairs: Mapping[int, Fraction]) -> list[list[int | str]]:
    return _terms_out(tuple(sorted(pairs.items())))


def step_out(lemma: Step) -> dict[str, Any] | str:
    if isinstance(lemma, SymbolicStep):
        return "symbolic"
    if isinstance(lemma, MaximaStep):
        return "maxima"
    if isinstance(lemma, SumsStep):
        sides = (lemma.lower, lemma.upper)
        return {"sums": [[rational_out(t) for t in side] for side in sides]}
    if isinstance(lemma, SeparableStep):
        return {"separable": [rational_out(t) for t in lemma.multipliers]}
    side, bound = _bound_out(lemma)
    return {side: bound, "tree": [node_out(node) for node in lemma.tree]}


def _bound_out(lemma: Lemma | PairLemma) -> tuple[str, list[int | str]]:
    """The side that the lemma bounds, and the unit with the bounds there."""
    ends = lemma.ends if isinstance(lemma, PairLemma) else (lemma.bound,)
    return "upper" if lemma.upper else "lower", [lemma.unit, *map(rational_out, ends)]


def node_out(node: Node) -> dict[str, Any]:
    text: dict[str, Any] = {}
    if node.steps:
        text["steps"] = [step_out(step) for step in node.steps]
    match node.body:
        case Leaf() as leaf:
            text["leaf"] = {
                name: _pairs_out(getattr(leaf, name))
                for name in _LEAF_FIELDS
                if getattr(leaf, name)
            }
            if leaf.ball is not None:
                text["leaf"]["ball"] = rational_out(leaf.ball)
            if leaf.usual:
                text["leaf"]["usual"] = True
            if leaf.weights:
                text["leaf"]["weights"] = [_weight_out(weight) for weight in leaf.weights]
        case SymbolicLeaf(atom):
            text["symbolic"] = atom
        case Conflict(unit):
            text["conflict"] = unit
        case UnitSplit(unit):
            text["unit"] = unit
        case InputSplit(k, threshold):
            text["input"] = [k, rational_out(threshold)]
        case PlaneSplit(normal, threshold):
            text["plane"] = [_terms_out(normal), rational_out(threshold)]
    return text


def _terms_out(terms: Terms) -> list[list[int | str]]:
    return [[k, rational_out(g)] for k, g in terms]


def _weight_out(weight: Weight) -> list[Any]:
    shown = [] if weight.scale is None else [rational_out(weight.scale)]
    return [_terms_out(weight.direction), rational_out(weight.share), *shown]


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads steps and trees of one version of the text."""

    version: int

    def step(self, value: Any) -> Step:
        if isinstance(value, str) and value in _SHORT_STEPS:
            if value == "maxima" and self.version < 2:
                raise RefusedError("malformed", "a step of version 2 in version 1")
            return _SHORT_STEPS[value]
        if isinstance(value, dict) and "sums" in value and self.version > 1:
            check_fields(value, ("sums",))
            sides = [
                tuple(_rational_in(t) for t in list_in(side, "sums"))
                for side in list_in(value["sums"], "sums", 2)
            ]
            for t in (*sides[0], *sides[1]):
                _check_ball(t)
            return SumsStep(sides[0], sides[1])
        if isinstance(value, dict) and "separable" in value:
            check_fields(value, ("separable",))
            multipliers = tuple(_rational_in(t) for t in list_in(value["separable"], "separable"))
            for t in multipliers:
                _check_ball(t)
            return SeparableStep(multipliers)
        upper = isinstance(value, dict) and "upper" in value
        side = "upper" if upper else "lower"
        check_fields(value, (side, "tree"))
        listed = list_in(value[side], side)
        if len(listed) not in (2, 3) or (len(listed) == 3 and self.version < 2):
            raise RefusedError("malformed", f"{side} is not a list of 2")
        unit, tree = index_in(listed[0]), self.tree(value["tree"])
        bounds = [_rational_in(bound) for bound in listed[1:]]
        if len(bounds) == 1:
            return Lemma(unit, upper, bounds[0], tree)
        return PairLemma(unit, upper, (bounds[0], bounds[1]), tree)

    def tree(self, value: Any) -> Tree:
        nodes = tuple(self.node(node) for node in list_in(value, "tree"))
        open_sides = 1  # a split closes one and opens two, anything else closes one
        for number, node in enumerate(nodes):
            if open_sides == 0:
                raise RefusedError("malformed tree", f"node {number} belongs to no split")
            open_sides += 1 if isinstance(node.body, Split) else -1
        if open_sides:
            raise RefusedError("malformed tree", f"{open_sides} sides are missing")
        return nodes

    def node(self, value: Any) -> Node:
        if not isinstance(value, dict):
            raise RefusedError("malformed", "a node is a JSON object")
        kinds = [kind for kind in _BODIES if kind in value]
        if len(kinds) != 1:
            raise RefusedError("malformed", f"a node has one body, not {kinds}")
        kind = kinds[0]
        check_fields(value, (kind,), ("steps",))
        steps = tuple(self.step(step) for step in list_in(value.get("steps", []), "steps"))
        body: Leaf | SymbolicLeaf | Conflict | Split
        content = value[kind]
        if kind == "leaf":
            body = self.leaf(content)
        elif kind == "symbolic":
            body = SymbolicLeaf(index_in(content))
        elif kind == "conflict":
            body = Conflict(index_in(content))
        elif kind == "unit":
            body = UnitSplit(index_in(content))
        elif kind == "input":
            k, threshold = list_in(content, "input", 2)
            body = InputSplit(index_in(k), _rational_in(threshold))
        else:
            pairs, threshold = list_in(content, "plane", 2)
            body = PlaneSplit(tuple(_pairs_in(pairs, "plane").items()), _rational_in(threshold))
        return Node(steps, body)

    def leaf(self, value: Any) -> Leaf:
        check_fields(
            value, (), (*_LEAF_FIELDS, "ball", *(("usual", "weights")[: 2 * self.version - 2]))
        )
        tables = {name: _pairs_in(value[name], name) for name in _LEAF_FIELDS if name in value}
        if value.get("usual", True) is not True:
            raise RefusedError("malformed", f"usual is {str(value['usual'])[:40]!r}, not true")
        if value.get("weights") == []:
            raise RefusedError("malformed", "weights of no direction")
        leaf = Leaf(
            **tables,
            ball=_rational_in(value["ball"]) if "ball" in value else None,
            usual="usual" in value,
            weights=tuple(map(_weight_in, list_in(value.get("weights", []), "weights"))),
        )
        _check_leaf(leaf)
        return leaf


def _weight_in(value: Any) -> Weight:
    length = 3 if isinstance(value, list) and len(value) == 3 else 2
    direction, share, *scale = list_in(value, "a weight", length)
    pairs = tuple(_pairs_in(direction, "a direction").items())
    return Weight(pairs, _rational_in(share), _rational_in(scale[0]) if scale else None)


def _rational_in(value: Any) -> Fraction:
    """The number, whose text must be the one that `rational_out` writes."""
    if type(value) is int and abs(value) < _LARGEST_INTEGER:
        return Fraction(value)
    if type(value) is not str:
        raise RefusedError("malformed", f"{str(value)[:40]!r} is not a rational number")
    number = canonical_rational(value)
    if number.denominator == 1 and abs(number.numerator) < _LARGEST_INTEGER:
        raise RefusedError(
            "malformed", f"{value[:40]!r} is a text, and short enough for an integer"
        )
    return number


def _pairs_in(value: Any, name: str) -> dict[int, Fraction]:
    pairs: dict[int, Fraction] = {}
    last = -1
    for pair in list_in(value, name):
        k, q = list_in(pair, name, 2)
        index = index_in(k)
        if index <= last:
            raise RefusedError("malformed", f"{name}: indices do not increase at {index}")
        last = index
        pairs[index] = _rational_in(q)
    return pairs

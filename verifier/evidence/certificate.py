"""What a verdict carries: a proof of every goal, or an exact point; and their text, strictly read.

A proof refutes: it shows that the region, the network and a goal's atoms have no common point. It
is a list of lemmas and, for every goal of the query, a tree. A tree is stored flat, each split
followed by its low side and then its high side, so that depth costs no recursion.

    certificate  {"robmem": 1, "network": sha256, "verdict": "robust", "steps": [step ..],
                  "goals": [[node ..] ..]}
              or {"robmem": 1, "network": sha256, "verdict": "flip", "goal": k, "point": [q ..]}
    step         {"lower": [v, q], "tree": [node ..]}    lemma: a_v >= q from here on; or "upper"
              or "symbolic"                              all bounds tightened as in `symbolic.py`
              or {"separable": [t ..]}                   bounds of sums, see `SeparableStep`
    node         {"steps": [step ..]?, and one of
                  "leaf": {..}                           a linear bound, see `Leaf`
                  "symbolic": k                          `symbolic.py` refutes the goal's atom k
                  "conflict": v                          the current bounds of a_v contradict
                  "unit": v                              low: a_v <= 0, high: a_v >= 0
                  "input": [k, t]                        low: x_k <= t, high: x_k >= t
                  "plane": [[[k, g] ..], t]}             low: g . x <= t, high: g . x >= t

q, t, g are rational numbers: JSON integers or texts "p/q". Anything else is refused.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from verifier.evidence.strict_json import parse_json
from verifier.question.errors import RefusedError, UserError
from verifier.question.rational import format_rational, parse_rational

VERSION = 1


@dataclass(frozen=True, slots=True)
class Leaf:
    """A lower bound of a linear form, by substituting units backwards; see `reference.py`.

    atoms   multiplier >= 0 of each atom of the goal (a goal of one atom: {0: 1} if absent)
    slopes  of unit v in [0, 1]: how much of z_v is replaced by a line in a_v. 1 if absent for a
            unit that is on, 0 for an undecided one; what is not replaced is absorbed by its box.
    bounds  multiplier of unit v's current bound, of a_v >= lower if positive, a_v <= upper if not
    cuts    multiplier >= 0 of the k-th hyperplane split above this leaf
    box     the part of the final gradient of input k that is bounded over the box and not the ball
    ball    None, or the multiplier t >= 0 of the ball: units that lie on a direction are then kept,
            and what is left, a sum of functions of one direction each, is bounded as in
            `reference_univariate.py`. `box` must be empty, and t zero where there is no ball.
    """

    atoms: Mapping[int, Fraction] = field(default_factory=dict)
    slopes: Mapping[int, Fraction] = field(default_factory=dict)
    bounds: Mapping[int, Fraction] = field(default_factory=dict)
    cuts: Mapping[int, Fraction] = field(default_factory=dict)
    box: Mapping[int, Fraction] = field(default_factory=dict)
    ball: Fraction | None = None


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
    another: sums of functions of one direction each as in `reference_univariate.py`, with each of
    these multipliers of the ball (the positive ones for sums that no other such sum reads), and
    units that read no direction by interval arithmetic. All multipliers are >= 0, and 0 where there
    is no ball."""

    multipliers: tuple[Fraction, ...]


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
class Node:
    """Steps that hold below this node, then what closes or splits it."""

    steps: tuple[Step, ...]
    body: Leaf | SymbolicLeaf | Conflict | Split


Split = UnitSplit | InputSplit | PlaneSplit
Step = Lemma | SymbolicStep | SeparableStep
Tree = tuple[Node, ...]
"""Nodes in preorder: a split, its low side, its high side."""


@dataclass(frozen=True, slots=True)
class Robust:
    """No point of the region satisfies any goal; `steps` and `trees` prove it."""

    steps: tuple[Step, ...]
    trees: tuple[Tree, ...]


@dataclass(frozen=True, slots=True)
class Flip:
    """`point` lies in the region and satisfies all atoms of goal number `goal`."""

    point: tuple[Fraction, ...]
    goal: int


@dataclass(frozen=True, slots=True)
class Undecided:
    """Nothing is claimed. `reason` says why the search stopped."""

    reason: str
    lower_bound: Fraction | None = None
    lowest_seen: Fraction | None = None


@dataclass(frozen=True, slots=True)
class Radius:
    """Of a query on an open ball: `proof` shows that no goal is satisfied there, `flip` is a point
    of the sphere that satisfies one. So the distance from the center to the nearest such point (of
    the region's box) is the radius of the ball."""

    proof: Robust
    flip: Flip


Verdict = Robust | Flip | Undecided
_BODIES = ("leaf", "symbolic", "conflict", "unit", "input", "plane")
_LEAF_FIELDS = ("atoms", "slopes", "bounds", "cuts", "box")


def certificate_bytes(verdict: Robust | Flip, network_digest: str) -> bytes:
    """The text of the certificate; the same verdict gives the same bytes."""
    head: dict[str, Any] = {"robmem": VERSION, "network": network_digest}
    if isinstance(verdict, Flip):
        head |= {
            "verdict": "flip",
            "goal": verdict.goal,
            "point": [_rational_out(x) for x in verdict.point],
        }
    else:
        head |= {
            "verdict": "robust",
            "steps": [_step_out(step) for step in verdict.steps],
            "goals": [_tree_out(tree) for tree in verdict.trees],
        }
    return json.dumps(head, separators=(",", ":")).encode() + b"\n"


def parse_certificate(data: bytes, network_digest: str) -> Robust | Flip:
    """The verdict that `data` claims for the network with this digest.

    Raises RefusedError, naming the flaw, for anything that is not exactly the format above.
    """
    value = parse_json(data)
    if not isinstance(value, dict):
        raise RefusedError("malformed", "a certificate is a JSON object")
    if value.get("robmem") != VERSION or type(value.get("robmem")) is not int:
        raise RefusedError("version", f"certificate version {value.get('robmem')!r}, not {VERSION}")
    kind = value.get("verdict")
    if kind == "flip":
        _fields(value, ("robmem", "network", "verdict", "goal", "point"), ())
    elif kind == "robust":
        _fields(value, ("robmem", "network", "verdict", "steps", "goals"), ())
    else:
        raise RefusedError("malformed", f"verdict {kind!r} is neither robust nor flip")
    if value["network"] != network_digest:
        raise RefusedError(
            "another network", f"certificate for {value['network']}, network is {network_digest}"
        )
    if kind == "flip":
        point = tuple(_rational_in(x) for x in _list(value["point"], "point"))
        return Flip(point, _index(value["goal"]))
    steps = tuple(_step_in(step) for step in _list(value["steps"], "steps"))
    return Robust(steps, tuple(_tree_in(tree) for tree in _list(value["goals"], "goals")))


def check_numbers(verdict: Robust | Flip) -> None:
    """Returns if every number in `verdict` is exact and every multiplier has its sign.

    What `parse_certificate` gives always passes; a verdict built in memory may hold a float, which
    would round, or a negative multiplier, which would prove anything. Raises RefusedError.
    """
    if isinstance(verdict, Flip):
        _check_exact("point", (verdict.goal,), verdict.point)
        return
    waiting: list[Step | Node] = [
        *verdict.steps,
        *(node for tree in verdict.trees for node in tree),
    ]
    while waiting:
        match waiting.pop():
            case SeparableStep(multipliers):
                _check_exact("separable", (), multipliers)
                for t in multipliers:
                    _check_ball(t)
            case Lemma(unit, _, bound, tree):
                _check_exact("lemma", (unit,), (bound,))
                waiting.extend(tree)
            case Node(steps, body):
                waiting.extend(steps)
                match body:
                    case Leaf():
                        _check_leaf(body)
                    case Conflict(index) | UnitSplit(index) | SymbolicLeaf(index):
                        _check_exact("node", (index,), ())
                    case InputSplit(k, threshold):
                        _check_exact("input", (k,), (threshold,))
                    case PlaneSplit(normal, threshold):
                        indices, coefficients = [k for k, _ in normal], [g for _, g in normal]
                        _check_exact("plane", indices, (*coefficients, threshold))
                        if sorted(set(indices)) != indices:
                            raise RefusedError("malformed", f"plane: indices {indices[:8]}")


def _check_leaf(leaf: Leaf) -> None:
    for name in _LEAF_FIELDS:
        table: Mapping[int, Fraction] = getattr(leaf, name)
        _check_exact(name, table, table.values())
        if name in ("atoms", "cuts", "slopes"):
            for k, q in table.items():
                if q < 0:
                    raise RefusedError("negative multiplier", f"{name} {k}: {format_rational(q)}")
    for k, q in leaf.slopes.items():
        if q > 1:
            raise RefusedError("slope above 1", f"unit {k}: {format_rational(q)}")
    if leaf.ball is not None:
        _check_exact("ball", (), (leaf.ball,))
        _check_ball(leaf.ball)
        if leaf.box:
            raise RefusedError("box beside ball", f"inputs {sorted(leaf.box)[:8]}")


def _check_ball(multiplier: Fraction) -> None:
    if multiplier < 0:
        raise RefusedError("negative multiplier", f"ball: {format_rational(multiplier)}")


def _check_exact(place: str, indices: Iterable[int], numbers: Iterable[Fraction]) -> None:
    for index in indices:
        if type(index) is not int or index < 0:
            raise RefusedError("malformed", f"{place}: {str(index)[:40]!r} is not an index")
    for number in numbers:
        if type(number) is not Fraction:
            raise RefusedError("not exact", f"{place}: {str(number)[:40]!r} is no Fraction")


def _rational_out(value: Fraction) -> int | str:
    if value.denominator == 1 and abs(value.numerator) < 2**53:
        return value.numerator
    return format_rational(value)


def _pairs_out(pairs: Mapping[int, Fraction]) -> list[list[int | str]]:
    return [[k, _rational_out(pairs[k])] for k in sorted(pairs)]


def _step_out(lemma: Step) -> dict[str, Any] | str:
    if isinstance(lemma, SymbolicStep):
        return "symbolic"
    if isinstance(lemma, SeparableStep):
        return {"separable": [_rational_out(t) for t in lemma.multipliers]}
    side = "upper" if lemma.upper else "lower"
    return {side: [lemma.unit, _rational_out(lemma.bound)], "tree": _tree_out(lemma.tree)}


def _tree_out(tree: Tree) -> list[dict[str, Any]]:
    return [_node_out(node) for node in tree]


def _node_out(node: Node) -> dict[str, Any]:
    text: dict[str, Any] = {}
    if node.steps:
        text["steps"] = [_step_out(step) for step in node.steps]
    match node.body:
        case Leaf() as leaf:
            text["leaf"] = {
                name: _pairs_out(getattr(leaf, name))
                for name in _LEAF_FIELDS
                if getattr(leaf, name)
            }
            if leaf.ball is not None:
                text["leaf"]["ball"] = _rational_out(leaf.ball)
        case SymbolicLeaf(atom):
            text["symbolic"] = atom
        case Conflict(unit):
            text["conflict"] = unit
        case UnitSplit(unit):
            text["unit"] = unit
        case InputSplit(k, threshold):
            text["input"] = [k, _rational_out(threshold)]
        case PlaneSplit(normal, threshold):
            text["plane"] = [[[k, _rational_out(g)] for k, g in normal], _rational_out(threshold)]
    return text


def _step_in(value: Any) -> Step:
    if value == "symbolic":
        return SymbolicStep()
    if isinstance(value, dict) and "separable" in value:
        _fields(value, ("separable",), ())
        multipliers = tuple(_rational_in(t) for t in _list(value["separable"], "separable"))
        for t in multipliers:
            _check_ball(t)
        return SeparableStep(multipliers)
    upper = isinstance(value, dict) and "upper" in value
    side = "upper" if upper else "lower"
    _fields(value, (side, "tree"), ())
    unit, bound = _list(value[side], side, 2)
    return Lemma(_index(unit), upper, _rational_in(bound), _tree_in(value["tree"]))


def _tree_in(value: Any) -> Tree:
    nodes = tuple(_node_in(node) for node in _list(value, "tree"))
    open_sides = 1  # a split closes one and opens two, anything else closes one
    for number, node in enumerate(nodes):
        if open_sides == 0:
            raise RefusedError("malformed tree", f"node {number} belongs to no split")
        open_sides += 1 if isinstance(node.body, Split) else -1
    if open_sides:
        raise RefusedError("malformed tree", f"{open_sides} sides are missing")
    return nodes


def _node_in(value: Any) -> Node:
    if not isinstance(value, dict):
        raise RefusedError("malformed", "a node is a JSON object")
    kinds = [kind for kind in _BODIES if kind in value]
    if len(kinds) != 1:
        raise RefusedError("malformed", f"a node has one body, not {kinds}")
    kind = kinds[0]
    _fields(value, (kind,), ("steps",))
    steps = tuple(_step_in(step) for step in _list(value.get("steps", []), "steps"))
    body: Leaf | SymbolicLeaf | Conflict | Split
    content = value[kind]
    if kind == "leaf":
        body = _leaf_in(content)
    elif kind == "symbolic":
        body = SymbolicLeaf(_index(content))
    elif kind == "conflict":
        body = Conflict(_index(content))
    elif kind == "unit":
        body = UnitSplit(_index(content))
    elif kind == "input":
        k, threshold = _list(content, "input", 2)
        body = InputSplit(_index(k), _rational_in(threshold))
    else:
        pairs, threshold = _list(content, "plane", 2)
        body = PlaneSplit(tuple(_pairs_in(pairs, "plane").items()), _rational_in(threshold))
    return Node(steps, body)


def _leaf_in(value: Any) -> Leaf:
    _fields(value, (), (*_LEAF_FIELDS, "ball"))
    tables = {name: _pairs_in(value[name], name) for name in value if name != "ball"}
    leaf = Leaf(**tables, ball=_rational_in(value["ball"]) if "ball" in value else None)
    _check_leaf(leaf)
    return leaf


def _fields(value: Any, required: Sequence[str], optional: Sequence[str]) -> None:
    if not isinstance(value, dict):
        raise RefusedError(
            "malformed", f"expected an object with {', '.join(required) or 'fields'}"
        )
    for name in required:
        if name not in value:
            raise RefusedError("missing field", name)
    for name in value:
        if name not in required and name not in optional:
            raise RefusedError("unknown field", repr(name))


def _list(value: Any, name: str, length: int | None = None) -> list[Any]:
    if not isinstance(value, list) or (length is not None and len(value) != length):
        raise RefusedError(
            "malformed", f"{name} is not a list" + (f" of {length}" if length else "")
        )
    return value


def _index(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise RefusedError("malformed", f"{str(value)[:40]!r} is not an index")
    return value


def _rational_in(value: Any) -> Fraction:
    if type(value) is int:
        return Fraction(value)
    if type(value) is not str:
        raise RefusedError("malformed", f"{str(value)[:40]!r} is not a rational number")
    try:
        return parse_rational(value)
    except UserError as error:
        raise RefusedError("malformed", str(error)) from None


def _pairs_in(value: Any, name: str) -> dict[int, Fraction]:
    pairs: dict[int, Fraction] = {}
    last = -1
    for pair in _list(value, name):
        k, q = _list(pair, name, 2)
        index = _index(k)
        if index <= last:
            raise RefusedError("malformed", f"{name}: indices do not increase at {index}")
        last = index
        pairs[index] = _rational_in(q)
    return pairs

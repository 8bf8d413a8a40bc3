"""The rules: how branches, trees and leaves show that no point of a region satisfies a goal.

A branch is what is known of a point: bounds of inputs and of every pre-activation a_v, and cuts.
At the root they are the region's box and interval arithmetic, which hold of all points. A tree
shows that no point of its branch satisfies the target; its steps are lemmas. A target is a goal, or
of a lemma (v, upper, value): a_v < value, or a_v > value if `upper`.
"""

from dataclasses import dataclass
from fractions import Fraction
from heapq import heapify, heappop, heappush
from typing import Any

from verifier.kernel.ridge import Ridges
from verifier.kernel.text import ONE, ZERO, fields, index, listed, need, number, parse, table

BODIES = ("leaf", "symbolic", "conflict", "unit", "input", "plane")
TABLES = ("atoms", "bounds", "box", "cuts", "slopes")
SHORT = "a short form, which has to be elaborated"


@dataclass
class Branch:
    """Boxes of the inputs, bounds of a_v where they differ from the root's, cuts (g, t) with
    g . x + t >= 0."""

    low: list[Fraction]
    high: list[Fraction]
    lower: dict[int, Fraction]
    upper: dict[int, Fraction]
    cuts: list[tuple[dict[int, Fraction], Fraction]]

    def copy(self):
        return Branch([*self.low], [*self.high], {**self.lower}, {**self.upper}, [*self.cuts])


class Form:
    """constant + sum of z[j] * variable j + sum of a[v] * a_v."""

    def __init__(self):
        self.constant, self.z, self.a = ZERO, {}, {}

    def add(self, factor, terms, constant):
        self.constant += factor * constant
        for j, weight in terms:
            self.z[j] = self.z.get(j, ZERO) + factor * weight


class Checker:
    """Replays steps and trees of one question."""

    def __init__(self, question, version=2):
        self.network, self.region, self.goals = question.network, question.region, question.goals
        self.inputs, self.units = self.network.inputs, self.network.units.count
        self.leaf_fields = ("ball", "usual", "weights") if version > 1 else ("ball",)
        self.ridges = Ridges(self.network, self.region)
        self.root = Branch([*self.region.low], [*self.region.high], {}, {}, [])
        self.lower, self.upper = [], []
        low, high = [*self.region.low], [*self.region.high]
        for v in range(self.units):
            below, above = self.interval(v, low, high)
            self.lower.append(below)
            self.upper.append(above)
            low.append(max(below, ZERO))
            high.append(max(above, ZERO))

    def interval(self, v, low, high):
        """a_v is linear in what it reads: each weight takes the end that its sign asks for."""
        pairs, constant, denominator = self.network.units.row(v)
        below, above = Fraction(constant), Fraction(constant)
        for j, weight in pairs:
            below += weight * (low[j] if weight > 0 else high[j])
            above += weight * (high[j] if weight > 0 else low[j])
        return below / denominator, above / denominator

    def bounds(self, branch, v):
        return branch.lower.get(v, self.lower[v]), branch.upper.get(v, self.upper[v])

    def step(self, step, branch):
        """A lemma holds of all points of the branch, for its tree shows that none violates it."""
        sums = isinstance(step, dict) and ("separable" in step or "sums" in step)
        need(step not in ("symbolic", "maxima") and not sums, "unsupported", SHORT)
        upper = isinstance(step, dict) and "upper" in step
        pair, tree = fields(step, ("upper" if upper else "lower", "tree"))
        v, value = index(listed(pair, 2)[0], self.units), number(pair[1])
        self.tree(listed(tree), branch, (v, upper, value))
        self.tighten(branch, v, upper, value)

    def tighten(self, branch, v, upper, value):
        low, high = self.bounds(branch, v)
        side = branch.upper if upper else branch.lower
        side[v] = min(high, value) if upper else max(low, value)

    def tree(self, nodes, branch, target):
        """Nodes in preorder: what closes a branch, or splits it in two that cover it."""
        waiting = [branch.copy()]
        for node in nodes:
            need(waiting, "malformed tree", "a node belongs to no split")
            here = waiting.pop()
            need(isinstance(node, dict), "malformed", node)
            kinds = [kind for kind in BODIES if kind in node]
            need(len(kinds) == 1, "malformed", f"a node has one body, not {kinds}")
            (body,) = fields(node, kinds, ("steps",))
            for step in listed(node.get("steps", [])):
                self.step(step, here)
            if kinds == ["leaf"]:
                self.leaf(body, here, target)
            elif kinds == ["conflict"]:
                # No number is at least `low` and at most `high`: the branch has no point.
                low, high = self.bounds(here, index(body, self.units))
                need(low > high, "no conflict", body)
            else:
                need(kinds != ["symbolic"], "unsupported", SHORT)
                below = here.copy()
                self.split(kinds[0], body, below, here)
                waiting += here, below
        need(not waiting, "malformed tree", "a side of a split is not proved")

    def split(self, kind, body, below, above):
        """Every point lies on one of the two closed sides, or on both."""
        if kind == "unit":
            v = index(body, self.units)
            self.tighten(below, v, True, ZERO)
            self.tighten(above, v, False, ZERO)
            return
        what, threshold = listed(body, 2)
        if kind == "input":
            k, t = index(what, self.inputs), number(threshold)
            below.high[k], above.low[k] = min(below.high[k], t), max(above.low[k], t)
            return
        g, t = table(what, self.inputs), number(threshold)
        below.cuts.append(({k: -q for k, q in g.items()}, t))
        above.cuts.append((g, -t))

    def leaf(self, text, branch, target):
        """A form that is <= 0 (< 0 if a strict atom has weight) at every point of the branch that
        satisfies the target, and positive (>= 0) there: so there is no such point."""
        fields(text, (), (*TABLES, *self.leaf_fields))
        is_goal = isinstance(target, list)
        counts = (len(target) if is_goal else 1, self.units, self.inputs, len(branch.cuts))
        atoms, bounds, box, cuts, slopes = (
            table(text.get(name, []), count)
            for name, count in zip(TABLES, (*counts, self.units), strict=True)
        )
        signed = [ZERO, *atoms.values(), *cuts.values(), *slopes.values()]
        need(min(signed) >= 0, "negative multiplier", "atoms, cuts or slopes")
        need(max(slopes.values(), default=0) <= 1, "slope above 1")
        need(text.get("usual", True) is True, "malformed", "usual")
        need("ball" in text or "weights" not in text, "malformed", "weights without ball")
        need("ball" not in text or not box, "box beside ball", [*box])
        need(is_goal or not atoms, "atoms in a lemma")
        if is_goal and len(target) == 1:
            atoms = atoms or {0: ONE}
        form, strict = self.start(target, atoms)
        # Rows that are >= 0 in the branch, taken away y >= 0 times, only lower the form.
        for k, y in cuts.items():
            g, t = branch.cuts[k]
            form.add(-y, g.items(), t)
        for v, y in bounds.items():  # a_v - low >= 0 for y > 0, high - a_v >= 0 times -y else
            form.a[v] = form.a.get(v, ZERO) - y
            form.constant += y * self.bounds(branch, v)[y < 0]
        self.eliminate(form, branch, slopes, "usual" in text, kept="ball" in text)
        if "ball" in text:
            t = number(text["ball"])
            strict = strict and not (self.region.open and t > 0)  # t (size - |x - c|^p) > 0
            least = self.ridges.least(form, t, text.get("weights"), branch)
            holds = least is None or (least > 0 if strict else least >= 0)
        else:
            holds = self.positive(form, branch, box, strict)
        need(holds, "bound too weak", "a leaf does not close")

    def start(self, target, atoms):
        """Minus the sum of the atoms, each times y >= 0, and whether it must be > 0: it is < 0
        where they hold if a strict one has weight. A lemma is a strict goal: value - a_v > 0."""
        form = Form()
        if isinstance(target, tuple):
            v, upper, value = target
            form.a[v], form.constant = (-ONE, value) if upper else (ONE, -value)
            return form, False
        for i, y in atoms.items():
            inputs, outputs, constant, _ = target[i]
            form.add(-y, inputs.items(), constant)
            for j, g in outputs.items():
                pairs, offset, denominator = self.network.outputs.row(j)
                form.add(-y * g / denominator, pairs, offset)
        return form, not any(target[i][3] and y > 0 for i, y in atoms.items())

    def eliminate(self, form, branch, slopes, usual, kept):
        """Replaces every unit by what bounds it from below, the last first; if `kept`, all but
        those that lie on a direction."""
        waiting = [-v for v in {*form.a, *(j - self.inputs for j in form.z if j >= self.inputs)}]
        heapify(waiting)
        known = {*waiting}
        while waiting:
            v = -heappop(waiting)
            j = self.inputs + v
            factor = form.a.pop(v, ZERO)
            if not (kept and self.ridges.direction(j) is not None):
                c, (low, high) = form.z.pop(j, ZERO), self.bounds(branch, v)
                if c:
                    s = slopes[v] if v in slopes else default_slope(c, low, high, usual)
                    factor += c * s
                    form.constant += c * rest(c, s, low, high)
            if factor:
                pairs, constant, denominator = self.network.units.row(v)
                form.add(factor / denominator, pairs, constant)
                for u in {self.inputs - u for u, _ in pairs if u >= self.inputs} - known:
                    known.add(u)
                    heappush(waiting, u)

    def positive(self, form, branch, box, strict):
        """Whether the form, affine in x, is positive (>= 0 if not `strict`) on the box, or as a
        share there and the rest on the ball: g . (x - c) >= -radius ||g||_q, 1/p + 1/q = 1."""
        region, constant, rest = self.region, form.constant, {}
        for k in {*form.z, *box}:
            g = form.z.get(k, ZERO)
            share = g if region.norm == "inf" else box.get(k, ZERO)
            side = branch.low[k] if share > 0 else branch.high[k]
            constant += share * side
            # No point of an open ball of norm inf comes as near to its sphere as that.
            far = share and region.open and region.norm == "inf"
            strict = strict and not (far and abs(side - region.center[k]) >= region.size)
            if g != share:
                rest[k] = g - share
        if region.norm == "inf":
            return constant > 0 if strict else constant >= 0
        strict = strict and not (region.open and rest)  # only the sphere attains that minimum
        constant += sum(g * region.center[k] for k, g in rest.items())
        if region.norm == "1":
            constant -= region.size * max(map(abs, rest.values()), default=0)
            return constant > 0 if strict else constant >= 0
        loss = region.size * sum(g * g for g in rest.values())  # by squares: size is radius^2
        gain = constant * abs(constant)
        return constant >= 0 and (gain > loss if strict else gain >= loss)


def rest(c, s, low, high):
    """A bound of relu(a) - s a = (1 - s) max(a, 0) + s max(-a, 0), of which one term is 0, for a in
    [low, high] and s in [0, 1]: from below for c > 0, from above for c < 0."""
    if c > 0:
        return (1 - s) * max(low, ZERO) + s * max(-high, ZERO)
    return max((1 - s) * max(high, ZERO), s * max(-low, ZERO))


def default_slope(c, low, high, usual):
    """The slope of a unit that is not named; any in [0, 1] is sound."""
    if low >= 0 or high <= 0 or not usual:
        return ONE if low >= 0 else ZERO
    nearer = ONE if high >= -low else ZERO
    return nearer if c > 0 else Fraction(high * 2**24 // (high - low), 2**24)


def check(question, data):
    """Returns "robust" or "flip" and its point if the certificate shows it; Refused if not."""
    text = parse(data)
    need(isinstance(text, dict), "malformed", "a certificate is an object")
    version, verdict = text.get("robmem"), text.get("verdict")
    need(type(version) is int and version in (1, 2), "version", version)
    need(verdict in ("robust", "flip"), "malformed", "a verdict that is neither robust nor flip")
    names = ("goal", "point") if verdict == "flip" else ("steps", "goals")
    digest, first, second, *_ = fields(text, ("network", *names, "robmem", "verdict"))
    need(digest == question.network.digest, "another network", digest)
    if verdict == "flip":
        point = [number(q) for q in listed(second)]
        check_flip(question, index(first, len(question.goals)), point)
        return verdict, point
    trees = [listed(tree) for tree in listed(second)]
    check_proof(question, listed(first), trees, version)
    return verdict, None


def check_proof(question: Any, steps: Any, trees: Any, version: int = 2) -> None:
    """Returns if no point of the region satisfies a goal: the trees, one a goal, and the steps that
    hold in all of them may come one at a time."""
    checker = Checker(question, version)
    for step in steps:
        checker.step(step, checker.root)
    waiting = [*question.goals]
    for tree in trees:
        need(waiting, "goal missing", "more trees than goals")
        checker.tree(tree, checker.root, waiting.pop(0))
    need(not waiting, "goal missing", f"{len(waiting)} of {len(question.goals)}")


def check_flip(question: Any, goal: int, point: Any) -> None:
    """Returns if the point lies in the region and satisfies all atoms of the goal, evaluated."""
    need(len(point) == question.network.inputs, "dimension", len(point))
    need(question.region.contains(point), "outside", "the point is not in the region")
    y = question.network.outputs_at(point)
    for inputs, outputs, constant, strict in question.goals[goal]:
        value = constant + sum(g * point[k] for k, g in inputs.items())
        value += sum(g * y[j] for j, g in outputs.items())
        need(value > 0 if strict else value >= 0, "no flip", "an atom does not hold there")


def check_exact(question: Any, flip: bytes) -> None:
    """Returns if the flip lies on the sphere of an open ball: then, if a proof shows that the ball
    has none, its radius is the distance from the center to the nearest flip."""
    region = question.region
    need(region.open, "closed region", "an exact radius is proved on an open ball")
    closed = type(question)(question.network, region.closed(), question.goals)
    verdict, point = check(closed, flip)
    need(verdict == "flip", "malformed", "three lines are a proof and then a flip")
    need(region.distance(point) == region.size, "inside", "the flip is not on the sphere")

"""The rules: how branches, trees and leaves show that no point of a region satisfies a goal.

A branch is what is known of a point: bounds of inputs and of every pre-activation a_v, and cuts.
At the root they are the region's box and interval arithmetic, which hold of all points. A tree
shows that no point of its branch satisfies the target; its steps are lemmas. A target is a goal, or
of a lemma (v, upper, values): a_v < value, or a_v > value if `upper`.

In a family all this is about every m of an interval. A bound is an affine function of m, kept as
its values at the ends of the interval; so there are two values of each, and one in an ordinary
question. A form that a leaf bounds has constants alone that depend on m, and affinely.
"""

from dataclasses import dataclass
from fractions import Fraction
from heapq import heapify, heappop, heappush
from typing import Any

from verifier.kernel.ridge import Ridges
from verifier.kernel.text import ONE, ZERO, fields, index, listed, need, number, parse, table

BODIES = ("leaf", "symbolic", "conflict", "unit", "input", "plane")
TABLES = ("atoms", "bounds", "box", "cuts", "slopes")
OTHERS = ("ball", "usual", "weights")  # of a leaf; but the first since version 2
SHORT = "a short form, which has to be elaborated"


@dataclass
class Branch:
    """The regions at the ends, and how far along the question's interval these are; bounds of
    inputs and of a_v, by variable, where they differ from the root's; cuts (g, t): g . x + t >= 0.
    """

    regions: tuple[Any, ...]
    shares: tuple[Any, ...]
    lower: dict[int, tuple[Fraction, ...]]
    upper: dict[int, tuple[Fraction, ...]]
    cuts: list[tuple[dict[int, Fraction], Fraction]]

    def copy(self):
        lower, upper = {**self.lower}, {**self.upper}
        return Branch(self.regions, self.shares, lower, upper, [*self.cuts])


class Form:
    """A constant for each end + sum of z[j] * variable j + sum of a[v] * a_v."""

    def __init__(self, constants):
        self.constants, self.z, self.a = [*constants], {}, {}

    def add(self, factor, terms, constant):
        self.add_constants([factor * constant] * len(self.constants))
        for j, weight in terms:
            self.z[j] = self.z.get(j, ZERO) + factor * weight

    def add_constants(self, values):
        self.constants = [a + b for a, b in zip(self.constants, values, strict=True)]


class Checker:
    """Replays steps and trees of one question."""

    def __init__(self, question, version=2):
        self.network, self.region, self.goals = question.network, question.region, question.goals
        self.inputs, self.units = self.network.inputs, self.network.units.count
        self.version = version
        regions = self.region.ends()
        self.family = len(regions) == 2
        self.ridges = Ridges(self.network, self.inputs - self.family)
        self.root = Branch(regions, (0, 1)[: len(regions)], {}, {}, [])
        self.zeros = (ZERO,) * len(regions)
        self.lower = [*zip(*(region.low for region in regions), strict=True)]
        self.upper = [*zip(*(region.high for region in regions), strict=True)]
        low, high = [*self.lower], [*self.upper]  # of the variables
        for v in range(self.units):
            self.lower.append(self.least(v, low, high))
            self.upper.append(self.least(v, high, low))
            # max(a, 0) is convex in m: below the chord of its values at the ends, but not above it.
            low.append(self.lower[-1] if min(self.lower[-1]) >= 0 else self.zeros)
            high.append(tuple(max(q, ZERO) for q in self.upper[-1]))

    def least(self, v, low, high):
        """a_v is linear in what it reads: each weight takes the end that its sign asks for."""
        pairs, constant, denominator = self.network.units.row(v)
        return tuple(
            Fraction(constant + sum(w * (low if w > 0 else high)[j][end] for j, w in pairs))
            / denominator
            for end in range(len(self.zeros))
        )

    def bounds(self, branch, j):
        """Of input j or, with j = inputs + v, of a_v."""
        low = branch.lower.get(j) or between(self.lower[j], branch.shares)
        return low, branch.upper.get(j) or between(self.upper[j], branch.shares)

    def step(self, step, branch):
        """A lemma holds of all points of the branch, for its tree shows that none violates it."""
        sums = isinstance(step, dict) and ("separable" in step or "sums" in step)
        need(step not in ("symbolic", "maxima") and not sums, "unsupported", SHORT)
        upper = isinstance(step, dict) and "upper" in step
        bound, tree = fields(step, ("upper" if upper else "lower", "tree"))
        need(self.version > 1 or not self.family, "malformed", "two numbers in version 1")
        v, *texts = listed(bound, 1 + len(self.zeros))
        values = tuple(map(number, texts))
        self.tree(listed(tree), branch, (index(v, self.units), upper, values))
        self.tighten(branch, self.inputs + v, upper, values)

    def tighten(self, branch, j, upper, values):
        """A bound replaces another one that is not as tight at all ends: two affine functions have
        in general no common one between them and what they bound."""
        side, old = branch.upper if upper else branch.lower, self.bounds(branch, j)[upper]
        if any(b < a if upper else b > a for a, b in zip(old, values, strict=True)):
            side[j] = values

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
                sides = zip(*self.bounds(here, self.inputs + index(body, self.units)), strict=True)
                need(all(low > high for low, high in sides), "no conflict", body)
            else:
                need(kinds != ["symbolic"], "unsupported", SHORT)
                below = here.copy()
                self.split(kinds[0], body, below, here)
                waiting += here, below
        need(not waiting, "malformed tree", "a side of a split is not proved")

    def split(self, kind, body, below, above):
        """Every point lies on one of the two closed sides, or on both."""
        if kind == "plane":
            g, t = table(listed(body, 2)[0], self.inputs), number(body[1])
            below.cuts.append(({k: -q for k, q in g.items()}, t))
            above.cuts.append((g, -t))
            return
        if kind == "unit":
            j, values = self.inputs + index(body, self.units), self.zeros
        else:
            j, t = index(listed(body, 2)[0], self.inputs), number(body[1])
            values = (t,) * len(self.zeros)
            if self.family and j == self.inputs - 1:
                self.move(below, above, t)
                return
        self.tighten(below, j, True, values)
        self.tighten(above, j, False, values)

    def move(self, below, above, parameter):
        """Halves the interval: below and above m = `parameter`, where all bounds are between."""
        first, last = self.bounds(below, self.inputs - 1)[0]
        need(first < parameter < last, "split outside", parameter)
        share = (parameter - first) / (last - first)
        for branch, part in ((below, (ZERO, share)), (above, (share, ONE))):
            branch.regions = tuple(map(self.region.at, between((first, last), part)))
            branch.shares = between(branch.shares, part)
            branch.lower = {j: between(q, part) for j, q in branch.lower.items()}
            branch.upper = {j: between(q, part) for j, q in branch.upper.items()}

    def leaf(self, text, branch, target):
        """A form that is <= 0 (< 0 if a strict atom has weight) at every point of the branch that
        satisfies the target, and positive (>= 0) there: so there is no such point."""
        fields(text, (), (*TABLES, *OTHERS[: 1 if self.version == 1 else 3]))
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
            form.add_constants(y * q for q in self.bounds(branch, self.inputs + v)[y < 0])
        self.eliminate(form, branch, slopes, "usual" in text, kept="ball" in text)
        if self.family:  # at an end m is a number
            share, m = form.z.pop(self.inputs - 1, ZERO), self.bounds(branch, self.inputs - 1)[0]
            form.add_constants(share * q for q in m)
        if "ball" in text:
            t = number(text["ball"])
            strict = strict and not (branch.regions[0].open and t > 0)  # t (size - |x - c|^p) > 0
            least = self.ridges.least(form, t, text.get("weights"), branch, self.bounds)
            if least is None:  # the branch has no point
                return
            pairs = zip(least, branch.regions, strict=True)
            holds = [q > 0 if strict and not region.loose else q >= 0 for q, region in pairs]
        else:
            ends = range(len(self.zeros))
            holds = [self.positive(end, form, branch, box, strict) for end in ends]
        need(all(holds), "bound too weak", "a leaf does not close")

    def start(self, target, atoms):
        """Minus the sum of the atoms, each times y >= 0, and whether it must be > 0: it is < 0
        where they hold if a strict one has weight. A lemma is a strict goal: value - a_v > 0."""
        form = Form(self.zeros)
        if isinstance(target, tuple):
            v, upper, values = target
            form.a[v] = -ONE if upper else ONE
            form.add_constants(q if upper else -q for q in values)
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
                c, (low, high) = form.z.pop(j, ZERO), self.bounds(branch, j)
                if c:
                    s = slopes[v] if v in slopes else default_slope(c, low, high, usual)
                    factor += c * s
                    form.add_constants(c * q for q in rests(c, s, low, high))
            if factor:
                pairs, constant, denominator = self.network.units.row(v)
                form.add(factor / denominator, pairs, constant)
                for u in {self.inputs - u for u, _ in pairs if u >= self.inputs} - known:
                    known.add(u)
                    heappush(waiting, u)

    def positive(self, end, form, branch, box, strict):
        """Whether the form, affine in x, is positive (>= 0 if not `strict`) on the box, or as a
        share there and the rest on the ball: g . (x - c) >= -radius ||g||_q, 1/p + 1/q = 1. In a
        family that bound is affine in m: positive at one end and >= 0 at an open one is enough."""
        region, constant, rest = branch.regions[end], form.constants[end], {}
        strict = strict and not region.loose
        for k in {*form.z, *box}:
            g = form.z.get(k, ZERO)
            share = g if region.norm == "inf" else box.get(k, ZERO)
            side = self.bounds(branch, k)[share <= 0][end]
            constant += share * side
            # No point of an open ball of norm inf comes as near to its sphere as that.
            far = share and region.open and region.norm == "inf"
            strict = strict and not (far and abs(side - region.center[k]) >= region.size)
            if g != share:
                rest[k] = g - share
        strict = strict and not (region.open and rest)  # only the sphere attains that minimum
        constant += sum(g * region.center[k] for k, g in rest.items())
        loss = region.size * max(map(abs, rest.values()), default=ZERO)
        if region.norm == "2":  # by squares: size is radius^2
            loss = region.size * sum(g * g for g in rest.values())
            constant *= abs(constant)
        return constant > loss if strict else constant >= loss


def between(values, shares):
    """An affine function at other places, from its values at the ends."""
    return tuple(values[0] + share * (values[-1] - values[0]) for share in shares)


def rests(c, s, low, high):
    """Bounds of relu(a) - s a = (1 - s) max(a, 0) + s max(-a, 0), of which one term is 0, for a in
    [low, high] and s in [0, 1]: from below for c > 0, from above for c < 0, there convex in m."""
    if c > 0:
        on, off = min(low) >= 0, max(high) <= 0  # at all ends, else the term may be 0 inside
        return [(1 - s) * a * on - s * b * off for a, b in zip(low, high, strict=True)]
    ends = zip(low, high, strict=True)
    return [max((1 - s) * max(b, ZERO), s * max(-a, ZERO)) for a, b in ends]


def default_slope(c, low, high, usual):
    """The slope of a unit that is not named; any in [0, 1] is sound. The usual one is that in the
    middle of the interval."""
    for below, above in ((min(low), max(high)), (sum(low), sum(high))):
        if below >= 0 or above <= 0 or not usual:
            return ONE if below >= 0 else ZERO
    nearer = ONE if above >= -below else ZERO
    return nearer if c > 0 else Fraction(above * 2**24 // (above - below), 2**24)


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
        need(len(question.region.ends()) == 1, "another verdict", "a family is shown by a proof")
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

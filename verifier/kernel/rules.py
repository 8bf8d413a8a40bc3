"""The rules: how branches, trees and leaves show that no point of a region satisfies a goal. Each
says in a sentence why it is sound, and `Coq:` the lemma in verifier/kernel/coq that proves it. A
branch is what is known of a point: bounds of inputs and of every pre-activation a_v, and cuts. A
tree shows that no point of its branch satisfies the target; its steps are lemmas. A target is a
goal, or of a lemma (v, upper, values): a_v < value, or a_v > value if `upper`. In a family bounds
and constants of forms are affine in m, kept as values at both ends (else there is one)."""

from fractions import Fraction
from heapq import heappop, heappush
from itertools import zip_longest
from typing import Any

from verifier.kernel.ridge import Ridges
from verifier.kernel.text import ONE, ZERO, fields, index, listed, need, number, parse, table, typed

BODIES = ("leaf", "symbolic", "conflict", "unit", "input", "plane")
TABLES = ("atoms", "bounds", "box", "cuts", "slopes")
OTHERS = ("ball", "usual", "weights")  # of a leaf; but the first since version 2
SHORT, SHORT_STEPS = "a short form, to be elaborated", ("symbolic", "separable", "sums", "maxima")


class Branch:
    """Regions at the ends, and how far along the question's interval these are; lower and upper
    bounds, by variable, where they differ from the root's; cuts (g, t): g . x + t >= 0."""

    def __init__(self, regions, shares, sides=({}, {}), cuts=()):
        self.regions, self.shares, self.cuts = regions, shares, [*cuts]
        self.sides = {**sides[0]}, {**sides[1]}


class Form:
    """A constant for each end + sum of z[j] * variable j."""

    def __init__(self, constants):
        self.constants, self.z = constants, {}

    def add(self, factor, terms, constants):
        """Takes also what is constant at an end, alone (terms empty). Coq: add_row_value."""
        self.constants = [a + factor * b for a, b in zip(self.constants, constants, strict=True)]
        for j, weight in terms:
            self.z[j] = self.z.get(j, ZERO) + factor * weight


class Checker:
    """Replays steps and trees of one question; at the root bounds hold, Coq: root_sound."""

    def __init__(self, question, version=2):
        self.network, self.region, self.goals = question.network, question.region, question.goals
        self.inputs, self.units = self.network.inputs, self.network.units.count
        self.version, regions = version, self.region.ends()
        self.parameter = self.inputs - 1 if len(regions) == 2 else None  # input m of a family
        self.ridges = Ridges(self.network, self.inputs - (self.parameter is not None))
        self.root, self.zeros = Branch(regions, (0, 1)[: len(regions)]), (ZERO,) * len(regions)
        boxes = zip(*((region.low, region.high) for region in regions), strict=True)
        self.sides = [[*zip(*side, strict=True)] for side in boxes]
        z = [*map(list, self.sides)]
        for v in range(self.units):
            low, high = self.least(v, *z), self.least(v, *z[::-1])
            # max(a, 0) is convex in m: below its chord, but not above it. Coq: relu_sound.
            z[0].append(low if min(low) >= 0 else self.zeros)
            z[1].append(tuple(max(q, ZERO) for q in high))
            self.sides[0].append(low)
            self.sides[1].append(high)

    def least(self, v, low, high):
        """Linear in what a_v reads: each weight takes the end of its sign. Coq: interval_sound."""
        pairs, constant, denominator = self.network.units.row(v)
        ends = [[w * q for q in (low if w > 0 else high)[j]] for j, w in pairs]
        totals = map(sum, zip(self.zeros, *ends, strict=True))
        return tuple((constant + total) / denominator for total in totals)

    def bound(self, branch, j, upper):
        """Of input j or, with j = inputs + v, of a_v."""
        return branch.sides[upper].get(j) or between(self.sides[upper][j], branch.shares)

    def step(self, step, branch):
        """Its tree shows that no point of the branch violates the lemma. Coq: lemma_goal_met."""
        names = [*step] if isinstance(step, dict) else [step]
        need(not any(name in SHORT_STEPS for name in names), "unsupported", SHORT)
        upper = "upper" in names
        bound, tree = fields(step, ("upper" if upper else "lower", "tree"))
        v, *numbers = listed(bound, 1 + len(self.zeros))
        need(self.version > 1 or len(numbers) == 1, "malformed", "two numbers in version 1")
        v, values = index(v, self.units), tuple(map(number, numbers))
        self.tree(listed(tree), branch, (v, upper, values))
        self.tighten(branch, self.inputs + v, upper, values)

    def tighten(self, branch, j, upper, values):
        """Of two bounds one is kept, for no affine function may lie between them and what they
        bound: the new one, unless the old is as tight at all ends. Coq: valid_tighten."""
        old = zip(self.bound(branch, j, upper), values, strict=True)
        if any(b < a if upper else b > a for a, b in old):
            branch.sides[upper][j] = values

    def tree(self, nodes, branch, target):
        """Nodes in preorder: each closes a branch, or splits it in two. Coq: check_sound."""
        waiting = [Branch(**vars(branch))]
        for node in nodes:
            need(waiting, "malformed tree", "a node belongs to no split")
            here = waiting.pop()
            kinds = [kind for kind in BODIES if kind in typed(node, dict)]
            need(len(kinds) == 1, "malformed", f"a node has one body, not {kinds}")
            (body,), kind = fields(node, kinds, ("steps",)), kinds[0]
            for step in listed(node.get("steps", [])):
                self.step(step, here)
            need(kind != "symbolic", "unsupported", SHORT)
            if kind == "leaf":
                self.leaf(body, here, target)
            elif kind == "conflict":
                # No number is at least `low` and at most `high`: the branch has no point.
                j = self.inputs + index(body, self.units)
                ends = zip(self.bound(here, j, False), self.bound(here, j, True), strict=True)
                need(all(low > high for low, high in ends), "no conflict", body)
            else:
                waiting += here, Branch(**vars(here))
                self.split(kind, body, waiting[-1], here)
        need(not waiting, "malformed tree", "a side of a split is not proved")

    def split(self, kind, body, below, above):
        """Every point lies on one of the two closed sides, or on both. Coq: check_sound."""
        what, threshold = (body, 0) if kind == "unit" else listed(body, 2)
        t = number(threshold)
        if kind == "plane":
            g = table(what, self.inputs)
            below.cuts.append(({k: -q for k, q in g.items()}, t))
            above.cuts.append((g, -t))
            return
        j = self.inputs + index(what, self.units) if kind == "unit" else index(what, self.inputs)
        if j != self.parameter:
            self.tighten(below, j, True, (t,) * len(self.zeros))
            self.tighten(above, j, False, (t,) * len(self.zeros))
            return
        first, last = self.bound(below, j, False)
        need(first < t < last, "split outside", t)
        share = (t - first) / (last - first)
        for branch, part in ((below, (ZERO, share)), (above, (share, ONE))):
            branch.regions = tuple(map(self.region.at, between((first, last), part)))
            branch.shares = between(branch.shares, part)
            for side in branch.sides:
                side.update({j: between(q, part) for j, q in side.items()})

    def leaf(self, text, branch, target):
        """A form that is <= 0 (< 0 if a strict atom has weight) at every point of the branch that
        satisfies the target, and positive (>= 0) there: so there is none. Coq: close_sound."""
        fields(text, (), (*TABLES, *OTHERS[: 1 if self.version == 1 else 3]))
        is_goal = isinstance(target, list)
        counts = (len(target) if is_goal else 1, self.units, self.inputs, len(branch.cuts))
        tables = (text.get(name, []) for name in TABLES)
        atoms, bounds, box, cuts, slopes = map(table, tables, (*counts, self.units))
        signed = [ZERO, *atoms.values(), *cuts.values(), *slopes.values()]
        need(min(signed) >= 0, "negative multiplier", "atoms, cuts or slopes")
        need(max(slopes.values(), default=0) <= 1, "slope above 1")
        need(text.get("usual", True) is True, "malformed", "usual")
        need("ball" in text or "weights" not in text, "malformed", "weights without ball")
        need("ball" not in text or not box, "box beside ball", [*box])
        need(is_goal or not atoms, "atoms in a lemma")
        atoms = atoms or ({0: ONE} if is_goal and len(target) == 1 else {})
        form, strict = self.start(target, atoms)
        # Rows >= 0 in the branch only lower the form. Coq: take_cuts_sound, take_bounds_sound.
        for k, y in cuts.items():
            g, t = branch.cuts[k]
            form.add(-y, g.items(), [t] * len(self.zeros))
        for v, y in bounds.items():  # a_v - low >= 0 for y > 0, high - a_v >= 0 times -y else
            self.put(form, self.network.units, v, -y)
            form.add(y, (), self.bound(branch, self.inputs + v, y < 0))
        self.eliminate(form, branch, slopes, "usual" in text, kept="ball" in text)
        if self.parameter in form.z:  # at an end m is a number
            form.add(form.z.pop(self.parameter), (), self.bound(branch, self.parameter, False))
        if "ball" in text:
            t, weights = number(text["ball"]), text.get("weights", ())
            # Minima of the largest ball for all m: affine or concave in m. Coq: finish_sums_sound.
            ends = [[self.bound(branch, k, u) for k in range(self.ridges.axes)] for u in (0, 1)]
            region, sides = branch.regions[-1], ([*map(min, ends[0])], [*map(max, ends[1])])
            least = self.ridges.least(form.z, t, weights, region, sides, branch.cuts)
            if least is None:
                return
            form.z, strict = {}, strict and not (region.open and t > 0)  # t (size - |x - c|^p) > 0
            form.add(ONE, (), [least - t * end.size for end in branch.regions])
        holds = all(self.positive(e, form, branch, box, strict) for e in range(len(self.zeros)))
        need(holds, "bound too weak", "a leaf does not close")

    def start(self, target, atoms):
        """Minus the sum of the atoms, each times y >= 0, and whether it must be > 0: < 0 where they
        hold if a strict one has weight, as of a lemma value - a_v > 0. Coq: take_atoms_sound."""
        form = Form(self.zeros)
        if isinstance(target, tuple):
            v, upper, values = target
            self.put(form, self.network.units, v, -ONE if upper else ONE)
            form.add(ONE if upper else -ONE, (), values)
            return form, False
        for i, y in atoms.items():
            inputs, outputs, constant, _ = target[i]
            form.add(-y, inputs.items(), [constant] * len(self.zeros))
            for j, g in outputs.items():
                self.put(form, self.network.outputs, j, -y * g)
        return form, not any(target[i][3] and y > 0 for i, y in atoms.items())

    def put(self, form, rows, i, factor):
        pairs, constant, denominator = rows.row(i)
        form.add(factor / denominator, pairs, [constant] * len(self.zeros))
        return pairs

    def eliminate(self, form, branch, slopes, usual, kept):
        """Replaces every unit by what bounds it from below, the last first; if `kept`, all but
        those that lie on a direction. The form only gets lower. Coq: clear_sound."""
        waiting = sorted(-j for j in form.z)  # a heap, in which a variable may stand twice
        while waiting and (j := -heappop(waiting)) >= self.inputs:
            if j in form.z and not (kept and self.ridges.directions[j] is not None):
                c, v = form.z.pop(j), j - self.inputs
                low, high = self.bound(branch, j, False), self.bound(branch, j, True)
                s = slopes[v] if v in slopes else default_slope(c, low, high, usual)
                form.add(c, (), rests(c, s, low, high))
                for read, _ in self.put(form, self.network.units, v, c * s) if c * s else ():
                    heappush(waiting, -read)

    def positive(self, end, form, branch, box, strict):
        """Whether the form, affine in x, is positive (>= 0 if not `strict`) on the box, or as a
        share there and the rest on the ball: g . (x - c) >= -radius ||g||_q, 1/p + 1/q = 1. That is
        affine in m: > 0 at one end, >= 0 at an open one. Coq: finish_sound, finish_cone_sound."""
        region, constant, rest = branch.regions[end], form.constants[end], dict[Any, Any]()
        strict = strict and not region.loose
        for k in {*form.z, *box}:
            g = form.z.get(k, ZERO)
            share = g if region.norm == "inf" else box.get(k, ZERO)
            side = self.bound(branch, k, share <= 0)[end]
            constant += share * side
            # No point of an open ball of norm inf comes as near to its sphere as that.
            far = share and region.open and region.norm == "inf"
            strict = strict and not (far and abs(side - region.center[k]) >= region.size)
            rest |= {k: g - share} if g != share else {}
        strict = strict and not (region.open and rest)  # only the sphere attains that minimum
        constant += sum(g * region.center[k] for k, g in rest.items())
        loss = region.loss(rest.values())  # by p-th powers: size is radius ** p
        constant *= abs(constant) ** (region.power - 1)
        return constant > loss if strict else constant >= loss


def between(values, shares):
    """An affine function at other places, from its end values. Coq: affine_nonneg."""
    return tuple(values[0] + share * (values[-1] - values[0]) for share in shares)


def rests(c, s, low, high):
    """Bounds of relu(a) - s a = (1 - s) max(a, 0) + s max(-a, 0), of which one term is 0, for a in
    [low, high] and s in [0, 1]: from below for c > 0, else from above. Coq: rest_at_ends_sound."""
    if c > 0:
        on, off = min(low) >= 0, max(high) <= 0  # at all ends, else the term may be 0 inside
        return [(1 - s) * a * on - s * b * off for a, b in zip(low, high, strict=True)]
    ends = zip(low, high, strict=True)
    return [max((1 - s) * max(b, ZERO), s * max(-a, ZERO)) for a, b in ends]


def default_slope(c, low, high, usual):
    """Of a unit that is not named; any in [0, 1] is sound. Usual: of the middle of the interval."""
    for below, above in ((min(low), max(high)), (sum(low), sum(high))):
        if below >= 0 or above <= 0 or not usual:
            return ONE if below >= 0 else ZERO
    nearer = ONE if above >= -below else ZERO
    return nearer if c > 0 else Fraction(above * 2**24 // (above - below), 2**24)


def check(question: Any, data: bytes, sphere: bool = False, members: bool = False) -> Any:
    """Returns "robust" or "flip" if the certificate shows it; Refused if not. With `sphere` a flip
    on that of an open ball: if a proof shows that the ball has none, its radius is the distance
    from center to nearest flip. Coq: radius_sound. With `members` a family's is one for some m."""
    text = typed(parse(data), dict)
    version, verdict = text.get("robmem"), text.get("verdict")
    need(type(version) is int and version in (1, 2), "version", version)
    need(verdict in ("robust", "flip")[sphere:], "malformed", f"the verdict {verdict}")
    names = ("goal", "point") if verdict == "flip" else ("steps", "goals")
    digest, first, second, *_ = fields(text, ("network", *names, "robmem", "verdict"))
    need(digest == question.network.digest, "another network", digest)
    if verdict == "flip":
        need(members or len(question.region.ends()) < 2, "another verdict", "flip of a family")
        point = listed(second, read=number)
        check_flip(question, index(first, len(question.goals)), point, sphere)
    else:
        check_proof(question, listed(first), listed(second, read=listed), version)
    return verdict


def check_proof(question: Any, steps: Any, trees: Any, version: int = 2) -> None:
    """Returns if no point of the region satisfies a goal: the trees, one a goal, and the steps that
    hold in all of them may come one at a time. Coq: verify_sound, verify_cone_sound."""
    checker = Checker(question, version)
    for step in steps:
        checker.step(step, checker.root)
    for goal, tree in zip_longest(question.goals, trees):
        need(goal and tree is not None, "goal missing", "a tree for each goal")
        checker.tree(tree, checker.root, goal)


def check_flip(question: Any, goal: int, point: Any, sphere: bool = False) -> None:
    """Returns if the point lies in the region and satisfies the goal's atoms: in a family, in the
    ball of its last entry, m. Coq: flip_sound."""
    need(len(point) == question.network.inputs, "dimension", len(point))
    region = question.region
    if len(region.ends()) > 1:
        need(region.first <= point[-1] <= region.last, "outside", "no m of the interval")
        region = region.at(point[-1])
    need(region.open or not sphere, "closed region", "an exact radius is proved on an open ball")
    need(region.contains(point, sphere) and not region.loose, "outside", "not in the region")
    y = question.network.outputs_at(point)
    for inputs, outputs, constant, strict in question.goals[goal]:
        value = constant + sum(g * point[k] for k, g in inputs.items())
        value += sum(g * y[j] for j, g in outputs.items())
        need(value > 0 if strict else value >= 0, "no flip", "an atom does not hold there")
    need(not sphere or region.distance(point) == region.size, "inside", "it is not on the sphere")

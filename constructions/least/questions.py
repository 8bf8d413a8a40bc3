"""What has to be proved of a claim about least networks: this file, and the checker, is believed.

Networks. f(x) = a_0 + sum over l < w of a_l relu(v_l . x + b_l) with real numbers a, v, b: depth 2,
width w. Label number k of 0 .. C-1 is read where f is nearer to k than to any other, a tie is read
as none. f memorizes data with a budget if on every sample's closed ball of that radius its label is
read. Three claims are made of data, a norm and a size of balls (the radius, of norm 2 its square):

Possible(width, size, open, network): this network of that width memorizes the data with the budget;
    if `open`, on the open balls of that radius, so with every smaller budget. Shown by one question
    a sample, about its ball.

Below(width, size, scaled, network): for every budget mu with 0 <= mu < s one network of that
    width does, another for each; s is the size, of norm 2 its root, which must be rational. With
    e = s - mu > 0 they are f(x) = network(z, e), z_j = e x_j for the axes j in `scaled` and
    z_j = x_j for the others, where `network` has one hidden layer and its output may read e
    besides: for any one mu a network of depth 2 and that width in x. If x is in the closed ball of
    radius mu about c, of whichever norm, then |x_j - c_j| <= s - e, so |z_j - c_j| <= s - e for j
    not in `scaled`, and e (c_j - s) < z_j < e (c_j + s) for those in it, because e^2 > 0: linear in
    (z, e). Of norm 1 moreover the sum of |x_j - c_j| over any axes is at most s - e: over those
    that are not scaled the sum of +-(z_j - c_j) is so, whatever the signs, and over those that are
    the sum of +-(z_j - e c_j) is at most e (s - e) < e s. Shown by one question a sample: at all
    (z, e) with these inequalities and 0 < e <= s its label is read. Of norm 2 that is asked of
    more than the ball, the cube around it, and what is right there is right on the ball.

Impossible(width, size, points): no network of this width (so none that is narrower) does, for this
    budget (so for none that is larger). Shown by width + 1 questions about *all* networks with p
    units of positive weight, p = 0 .. width: their weights are the inputs, and the question is
    whether some of them read the right labels at the finitely many `points[p]`, each of which lies
    in the closed ball of the sample it names.

Collapsed(width, size, pairs): the same of the norm inf and the width n - 1, n >= 2 being the number
    of inputs; in fact of any depth, where the first layer has no more units. Their n - 1 weight
    vectors leave a direction v != 0 in which f is constant; let |v_j| be its largest entry, scaled
    to v_j = 1. `pairs[j]` are samples a and b of different labels and a number t such that
    t v - (b - a) has no entry beyond 2 size, whatever the other entries of v in [-1, 1]. Then with
    r = (t v - (b - a)) / 2, which has none beyond the size, a - r and b + r lie in the closed balls
    of a and b, and b + r = a - r + t v: f is the same at both, wrong at one. Shown by one question
    for each j about the other entries: whether an entry of t v - (b - a) is beyond 2 size.

Why these questions cover all networks. Let f be right at all points; then so is a network with
a_l in {-1, 1}, for a_l relu(h) = sign(a_l) relu(|a_l| h), and where a_l = 0 the unit relu(0) with
any sign will do. Units may be renamed: the first p have sign +1, the others -1, and among units of
one sign the pre-activation at the first point does not increase. Let theta be all v_l and b_l with
- for two labels c = a_0 - 1/2: label 1 is read at x exactly if o(x) = c + sum +-relu(..) > 0, label
  0 exactly if -o(x) > 0;
- for more labels a_0 and a scale t = 1: label k is read exactly if o(x) - (k - 1/2) t > 0 (unless
  k = 0) and (k + 1/2) t - o(x) > 0 (unless k = C - 1), with o(x) = a_0 + sum +-relu(..).
All of these and the order of units are homogeneous in (theta, c) or (theta, a_0, t), so they hold
of a positive multiple of it that lies in the box [-1, 1] as well. So if for no p in 0 .. w a point
of the box satisfies all of them for the points[p], no f is right on all balls.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import product
from math import isqrt

from verifier.checker.manifest import Question, sample_goals, sample_query
from verifier.evidence.data_file import Points
from verifier.question.build import Affine, NetworkBuilder
from verifier.question.errors import RefusedError
from verifier.question.network import Network, Rows
from verifier.question.query import Atom, Goal, Query
from verifier.question.region import Norm, ball, box, distance

ONE, HALF, ZERO = Fraction(1), Fraction(1, 2), Fraction(0)
NORMS = ("inf", "1", "2")
Vector = tuple[Fraction, ...]
Place = tuple[int, Vector]
"""The number of a sample, and a point."""
MOST_SUMMED = 4  # axes of a family of norm 1, whose 2^n facts about sums are stated


@dataclass(frozen=True, slots=True)
class Impossible:
    """No network of depth 2 and this width has the right labels on closed balls of this size; shown
    at `points`: for each number of units of weight 1, numbers of samples and points of their
    balls."""

    width: int
    size: Fraction
    points: tuple[tuple[Place, ...], ...]


@dataclass(frozen=True, slots=True)
class Collapsed(Impossible):
    """The same of the norm inf and width n - 1, by directions that n - 1 units do not see: for each
    axis two samples and a number t, see the module. There are no `points`."""

    pairs: tuple[tuple[int, int, Fraction], ...]


@dataclass(frozen=True, slots=True)
class Possible:
    """This network of depth 2 and at most this width has the right labels on balls of this size,
    closed or open."""

    width: int
    size: Fraction
    open: bool
    network: Network


@dataclass(frozen=True, slots=True)
class Below:
    """For every radius mu < s, the size or of norm 2 its root, these networks of depth 2 and at
    most this width have the right labels on closed balls: f(x) = network(z, s - mu), where z_j =
    (s - mu) x_j for j in `scaled`, and z_j = x_j for the others."""

    width: int
    size: Fraction
    scaled: tuple[int, ...]
    network: Network

    @property
    def open(self) -> bool:
        """Nothing is claimed of closed balls of the size itself."""
        return True

    def member(self, budget: Fraction, norm: Norm = "inf") -> Network:
        """The network for this budget, a radius."""
        left, n = end_of(norm, self.size) - budget, self.network.inputs - 1
        build = NetworkBuilder(n)
        z = [x * left if j in self.scaled else x for j, x in enumerate(build.inputs)]
        inputs = [*z, Affine({}, left)]

        def at(rows: Rows, number: int, variables: Sequence[Affine]) -> Affine:
            weights, constant = rows.fractions(number)
            return Affine.sum(variables[j] * w for j, w in weights.items()) + constant

        net = self.network
        units = build.layer([at(net.units, v, inputs) for v in range(net.units.count)])
        return build.network([at(net.outputs, 0, [*inputs, *units])])


def questions_of(claim: Impossible | Possible | Below, points: Points, norm: Norm) -> list[Query]:
    """The questions all of which must be answered by a proof for the claim to hold of these data.

    Raises RefusedError, naming the flaw, for a claim that is not about networks of its width, or
    about points that are in no ball of the right sample.
    """
    if norm not in NORMS:
        raise RefusedError("malformed", f"norm {norm}: {', '.join(NORMS)} are meant")
    if isinstance(claim, Possible):
        return ball_questions(claim, points, norm)
    if isinstance(claim, Below):
        return below_questions(claim, points, norm)
    if isinstance(claim, Collapsed):
        return collapse_questions(claim, points, norm)
    if claim.width < 0 or claim.size < 0 or points.classes < 2:
        raise RefusedError("malformed", "a width, a size, or data without two labels")
    if len(claim.points) != claim.width + 1:
        raise RefusedError("malformed", f"{len(claim.points)} sets of points, not one a pattern")
    return [
        _dual_question_at(places, claim, positive, points, norm)
        for positive, places in enumerate(claim.points)
    ]


def collapse_questions(claim: Collapsed, points: Points, norm: Norm) -> list[Query]:
    """Whether a direction whose largest entry is that of an axis leads out of the balls that this
    axis names: one question an axis, about the other entries of the direction."""
    n = points.dimension
    if norm != "inf" or n < 2 or claim.width != n - 1 or claim.points or len(claim.pairs) != n:
        raise RefusedError(
            "malformed", f"norm {norm}, width {claim.width}, {len(claim.pairs)} pairs of {n} axes"
        )
    queries = []
    for axis, (first, second, step) in enumerate(claim.pairs):
        if max(first, second) >= points.size:
            raise RefusedError("no sample", f"{max(first, second)} of {points.size}")
        if points.labels[first] == points.labels[second]:
            raise RefusedError("one label", f"samples {first} and {second} have the same label")
        apart = [y - x for x, y in zip(points.point(first), points.point(second), strict=True)]
        if abs(step - apart[axis]) > 2 * claim.size:
            raise RefusedError("pair apart", f"axis {axis} leads out of the balls of its pair")
        others = [apart[k] for k in range(n) if k != axis]
        build = NetworkBuilder(n - 1)
        network = build.network([v * step - z for v, z in zip(build.inputs, others, strict=True)])
        goals = tuple(
            Goal((Atom((), ((k, sign),), -2 * claim.size, strict=True),), f"entry {k} {sign}")
            for k in range(n - 1)
            for sign in (ONE, -ONE)
        )
        queries.append(Query(network, box([-ONE] * (n - 1), [ONE] * (n - 1)), goals))
    return queries


def _dual_question_at(
    places: Sequence[Place], claim: Impossible, positive: int, points: Points, norm: Norm
) -> Query:
    if not places:
        raise RefusedError("no points", "at no point every network is right")
    for sample, point in places:
        if sample >= points.size:
            raise RefusedError("no sample", f"{sample} of {points.size}")
        center = points.point(sample)
        if len(point) != len(center) or distance(norm, center, point) > claim.size:
            raise RefusedError("point outside", f"a point is not in the ball of sample {sample}")
    return dual_question(
        [point for _, point in places],
        [int(points.labels[sample]) for sample, _ in places],
        points.classes,
        positive,
        claim.width - positive,
    )


def ball_questions(claim: Possible, points: Points, norm: Norm) -> list[Query]:
    """Whether this network, nearest label, flips on a sample's ball: one question a sample."""
    network = claim.network
    if len(network.layers) != 1 or not network.is_chain or network.width > claim.width:
        raise RefusedError(
            "another width",
            f"layers of {network.layers} units, the outputs reading these alone, are not one layer "
            f"of at most {claim.width}",
        )
    if network.inputs != points.dimension or network.outputs.count != 1:
        raise RefusedError(
            "another network",
            f"{network.inputs} inputs and {network.outputs.count} outputs, not {points.dimension} "
            "and 1",
        )
    if claim.size < 0:
        raise RefusedError("no ball", f"size {claim.size}")
    squared = norm == "2"
    question = Question(
        norm,
        "nearest",
        None if squared else claim.size,
        claim.size if squared else None,
    )
    queries = [sample_query(network, points, question, k) for k in range(points.size)]
    if not claim.open:
        return queries
    radius, square = (None, claim.size) if squared else (claim.size, None)
    return [
        replace(query, region=ball(norm, points.point(k), radius, radius_squared=square, open=True))
        for k, query in enumerate(queries)
    ]


def below_questions(claim: Below, points: Points, norm: Norm) -> list[Query]:
    """Whether a network of the family flips on the ball of a sample, for a radius below the size:
    one question a sample, about (z, e)."""
    network, n = claim.network, points.dimension
    if network.inputs != n + 1 or network.outputs.count != 1:
        raise RefusedError(
            "another network",
            f"{network.inputs} inputs and {network.outputs.count} outputs, not {n} and what is "
            "left of the size, and 1",
        )
    read, _ = network.outputs.fractions(0)
    if len(network.layers) != 1 or network.width > claim.width or any(j < n for j in read):
        raise RefusedError(
            "another width",
            f"layers of {network.layers} units, the output reading these and the last input alone, "
            f"are not one layer of at most {claim.width}",
        )
    if claim.size <= 0 or len(set(claim.scaled)) != len(claim.scaled) or any(
        not 0 <= j < n for j in claim.scaled
    ):  # fmt: skip
        raise RefusedError("malformed", f"size {claim.size}, scaled axes {claim.scaled}")
    end = end_of(norm, claim.size)
    question = Question("inf", "nearest", end, None)
    queries = []
    for sample in range(points.size):
        center = points.point(sample)
        low, high, facts = _family_region(center, claim.scaled, end)
        if norm == "1":
            facts += _family_sums(center, claim.scaled, end)
        goals = tuple(
            replace(goal, atoms=(*goal.atoms, *facts))
            for goal in sample_goals(network, points, question, sample)
        )
        queries.append(Query(network, box(low, high), goals))
    return queries


def _family_region(
    center: Vector, scaled: Sequence[int], end: Fraction
) -> tuple[list[Fraction], list[Fraction], list[Atom]]:
    """A box of (z, e), and the facts of each axis: where cubes around this center go."""
    n = len(center)
    facts = [Atom(((n, ONE),), (), ZERO, strict=True)]
    low, high = [ZERO] * (n + 1), [end] * (n + 1)
    for j, c in enumerate(center):
        if j in scaled:
            facts += [_input_atom({j: ONE, n: end - c}, ZERO, strict=True),
                      _input_atom({j: -ONE, n: end + c}, ZERO, strict=True)]  # fmt: skip
            low[j], high[j] = min(ZERO, end * (c - end)), max(ZERO, end * (c + end))
        else:
            facts += [_input_atom({j: ONE, n: -ONE}, end - c, strict=False),
                      _input_atom({j: -ONE, n: -ONE}, end + c, strict=False)]  # fmt: skip
            low[j], high[j] = c - end, c + end
    return low, high, facts


def _family_sums(center: Vector, scaled: Sequence[int], end: Fraction) -> list[Atom]:
    """The facts about sums of a ball of norm 1; of many axes none, for there are 2^n."""
    n, facts = len(center), list[Atom]()
    for axes in ([j for j in range(n) if j not in scaled], sorted(scaled)):
        if not 1 < len(axes) <= MOST_SUMMED:
            continue
        for signs in product((ONE, -ONE), repeat=len(axes)):
            weights = {j: -sign for j, sign in zip(axes, signs, strict=True)}
            at_center = sum((sign * center[j] for j, sign in zip(axes, signs, strict=True)), ZERO)
            if axes[0] in scaled:
                facts.append(_input_atom({**weights, n: end + at_center}, ZERO, strict=True))
            else:
                facts.append(_input_atom({**weights, n: -ONE}, end + at_center, strict=False))
    return facts


def end_of(norm: Norm, size: Fraction) -> Fraction:
    """The radius of balls of this size; raises RefusedError where it is not rational."""
    found = rational_root(size) if norm == "2" else size
    if found is None:
        raise RefusedError("malformed", f"the root of {size} is not rational")
    return found


def rational_root(square: Fraction) -> Fraction | None:
    """The square root where it is rational."""
    top, bottom = isqrt(square.numerator), isqrt(square.denominator)
    if top * top == square.numerator and bottom * bottom == square.denominator:
        return Fraction(top, bottom)
    return None


def _input_atom(weights: dict[int, Fraction], constant: Fraction, *, strict: bool) -> Atom:
    """A form of inputs is > 0, or >= 0."""
    used = tuple((k, w) for k, w in sorted(weights.items()) if w)
    return Atom(used, (), constant, strict=strict)


def dual_question(
    places: Sequence[Vector], labels: Sequence[int], classes: int, positive: int, negative: int
) -> Query:
    """Whether units, so many of weight 1 and so many of weight -1, give all of these labels.

    Inputs: of each unit its weights, then its bias, the `positive` ones first; the constant; and
    with more than two labels the scale. Output k is o(places[k]).
    """
    n, width = len(places[0]), positive + negative
    build = NetworkBuilder(width * (n + 1) + (1 if classes == 2 else 2))
    units = [build.inputs[k * (n + 1) : (k + 1) * (n + 1)] for k in range(width)]
    constant = build.inputs[width * (n + 1)]
    at = [
        [Affine.sum([unit[n], *(w * x for w, x in zip(unit, place, strict=False))])
         for unit in units]
        for place in places
    ]  # fmt: skip
    on = build.layer([form for forms in at for form in forms])
    outputs = [
        Affine.sum([
            constant,
            *on[k * width : k * width + positive],
            *(-unit for unit in on[k * width + positive : (k + 1) * width]),
        ])
        for k in range(len(places))
    ]  # fmt: skip
    atoms = [_at_least(at[0][k] - at[0][k + 1]) for k in range(width - 1) if k + 1 != positive]
    scale = len(build.inputs) - 1
    for k, label in enumerate(labels):
        if classes == 2:
            atoms.append(_positive(k, ONE if label else -ONE, scale, ZERO))
            continue
        if label > 0:
            atoms.append(_positive(k, ONE, scale, HALF - label))
        if label < classes - 1:
            atoms.append(_positive(k, -ONE, scale, label + HALF))
    sides = [ONE] * len(build.inputs)
    region = box([-side for side in sides], sides)
    return Query(build.network(outputs), region, (Goal(tuple(atoms), "right"),))


def _positive(output: int, sign: Fraction, scale: int, multiple: Fraction) -> Atom:
    """sign * output + multiple * input number `scale` > 0."""
    inputs = ((scale, multiple),) if multiple else ()
    return Atom(inputs, ((output, sign),), ZERO, strict=True)


def _at_least(form: Affine) -> Atom:
    """A form of inputs is >= 0."""
    weights = tuple((k, Fraction(w)) for k, w in sorted(form.weights.items()) if w)
    return Atom(weights, (), ZERO, strict=False)

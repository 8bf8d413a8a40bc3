"""The question: no point of a region satisfies all atoms of a goal. And the text that states it."""

from fractions import Fraction
from typing import Any

from verifier.kernel.text import ONE, ZERO, fields, listed, need, rational, table, typed

POWERS: Any = {"inf": 1, **{str(p): p for p in range(1, 65)}}  # p of a norm
TERMS = ("unit", "first", "last", "open")  # of a family


class Region:
    """{x : low <= x <= high, ||x - center||_norm <= radius} (open: <). `size` is radius ** p, of
    norm inf the radius. A closed ball of norm inf is a box, without center. Never empty."""

    def __init__(self, norm, low, high, center=None, size=ZERO, clipped=False, is_open=False):
        self.norm, self.low, self.high, self.center, self.size = norm, low, high, center, size
        self.open, self.has_ball, self.loose = is_open, norm != "inf" or is_open, False
        self.power = POWERS.get(typed(norm, str), 0)
        need(self.power and 0 < len(low) == len(high), "malformed", "a region")
        need(all(a <= b for a, b in zip(low, high, strict=True)), "malformed", "an empty box")
        if self.has_ball:
            need(center and len(center) == len(low) and size >= 0, "malformed", "the ball")
            box = [*zip(center, low, high, strict=True)]
            need(self.contains([min(max(c, a), b) for c, a, b in box]), "malformed", "no points")
            gap = min(min(c - a, b - c) for c, a, b in box)
            need(clipped or (gap >= 0 and gap**self.power >= size), "malformed", "ball and box")

    def ends(self):
        return (self,)

    def distance(self, x):
        gaps = (abs(a - c) ** self.power for a, c in zip(x, self.center, strict=True))
        return max(gaps) if self.norm == "inf" else sum(gaps)

    def loss(self, entries):
        """At least (radius ||g||_q) ** p with 1/p + 1/q = 1, the p-th power of how far g . x falls
        on the ball below its value at the center (Hoelder): |g| ** q = |g| |g| ** (1 / (p - 1))."""
        entries, p = [*map(abs, entries)], self.power
        if p == 1:
            return self.size * max(entries, default=ZERO)
        return self.size * sum(g * root_upper(g, p - 1) for g in entries) ** (p - 1)

    def contains(self, x, closed=False):
        inside = all(a <= t <= b for a, t, b in zip(self.low, x, self.high, strict=True))
        away = self.distance(x) if self.has_ball else self.size
        return inside and (away < self.size or (away == self.size and (closed or not self.open)))


class Cone:
    """The points x, m with ||x - center||_norm ** p <= m ** p unit (norm inf: <= m unit) and
    first <= m <= last (open: < last): a family is a question about every m."""

    def __init__(self, norm, center, terms):
        self.norm, self.center, self.open = norm, center, typed(terms[3], bool)
        self.unit, self.first, self.last = map(rational, terms[:3])
        self.power, positive = POWERS.get(typed(norm, str)), self.unit > 0 <= self.first < self.last
        need(self.power and center and positive, "malformed", "a cone")

    def at(self, m):
        """Where m is this number; at the open end, `loose`, goals are not asked about."""
        reach, size = m * root_upper(self.unit, self.power), m**self.power * self.unit
        found = ball(self.norm, self.center, reach, size, fixed=(m,))
        found.loose = self.open and m == self.last
        return found

    def ends(self):
        return self.at(self.first), self.at(self.last)


class Question:
    """Goals are lists of atoms (inputs, outputs, constant, strict): inputs . x + outputs . y +
    constant >= 0 (> 0), by index."""

    def __init__(self, network, region, goals):
        self.network, self.region, self.goals = network, region, goals
        need(len(region.ends()[0].low) == network.inputs, "malformed", "the region's inputs")
        need(goals and all(goals), "malformed", "no goal, or one without atoms")


def stated(head: Any, network: Any) -> Question:
    """The question in the first line of a proof file."""
    goals: list[Any] = []
    for rival, atoms in (fields(goal, ("rival", "atoms")) for goal in listed(head["goals"])):
        need(type(rival) is str, "malformed", "a rival")
        goals.append([])
        for atom in listed(atoms):
            x, y, constant, strict = fields(atom, ("inputs", "outputs", "constant", "strict"))
            x, y = table(x, network.inputs, rational), table(y, network.outputs.count, rational)
            goals[-1].append((x, y, rational(constant), typed(strict, bool)))
    return Question(network, region_of(head["region"]), goals)


def region_of(text):
    if "unit" in typed(text, dict):
        norm, center, *terms = fields(text, ("norm", "center", *TERMS))
        return Cone(norm, listed(center, read=rational), terms)
    need(text.get("open", True) is True, "malformed", "open")
    ball = ("center", "size", "clipped") if "open" in text or text.get("norm") != "inf" else ()
    norm, *terms = fields(text, ("norm", "lower", "upper", *ball), ("open",))
    more = (rational(terms[3]), typed(terms[4], bool), "open" in text) if ball else ()
    return Region(norm, *(listed(term, read=rational) for term in terms[:3]), *more)


def label_goals(decoder, label, labels, outputs):
    """Goals whose refutation means that the decoder reads the label-th of all labels; a tie is a
    flip. nearest: it is strictly nearest to the output; sign: the output's sign; argmax: output
    `label` is strictly the largest; value: the output is it. Coq: label_goals_mean."""
    need(len(labels) > 1, "malformed", "one label only: nothing can flip")
    if decoder == "argmax":
        need(outputs == len(labels), "malformed", f"{outputs} outputs, {len(labels)} labels")
        return [[({}, {j: ONE, label: -ONE}, ZERO, False)] for j in range(outputs) if j != label]
    need(outputs == 1, "malformed", f"{outputs} outputs, not 1")
    need(decoder in ("sign", "value", "nearest"), "malformed", decoder)
    own = Fraction(labels[label])
    if decoder == "sign":
        return [[({}, {0: -own}, ZERO, False)]]
    if decoder == "value":
        return [[({}, {0: -ONE}, own, True)], [({}, {0: ONE}, -own, True)]]
    nearest = [(-ONE, q) for q in labels[:label][-1:]] + [(ONE, q) for q in labels[label + 1 :][:1]]
    return [[({}, {0: side}, -side * (own + q) / 2, False)] for side, q in nearest]


def root_upper(value, k=2, bits=24):
    """A rational number not below the k-th root, of about so many bits, itself if k is 1."""
    if k < 2:
        return value
    exponent = (value.numerator.bit_length() - value.denominator.bit_length()) // k
    scale = Fraction(2) ** (bits - exponent)
    scaled, root = value * scale**k, 0
    for bit in range(bits + 1, -1, -1):
        root += 2**bit * ((root + 2**bit) ** k <= scaled)
    return (root + (root**k < scaled)) / scale


def ball(norm, center, reach, size, clip=None, fixed=()):
    """The closed ball as a region, within the box clip[0] <= x_k <= clip[1] if that is given; its
    box reaches that far. The last inputs are `fixed`."""
    low, high, clipped = [c - reach for c in center], [c + reach for c in center], bool(fixed)
    if clip is not None:
        clipped = min(low) < clip[0] or max(high) > clip[1]
        low, high = [max(a, clip[0]) for a in low], [min(b, clip[1]) for b in high]
    low, high, center = ([*x, *fixed] for x in (low, high, center))
    return Region(norm, low, high, center, size, clipped)


class Questions:
    """Of every sample: is its label read on its ball (Coq: verify_sample_sound)? In a family: is it
    read from G(., m) / D(m) on the ball of m, for every m (Coq: verify_family_sound)?"""

    def __init__(self, network: Any, points: Any, asked: Any) -> None:
        self.network, self.points, self.asked = network, points, asked
        self.over: Any = None
        of = "radius_squared" if "radius_squared" in typed(asked, dict) else "radius"
        need("semantics" not in asked, "semantics", "not of executions in floats: of real numbers")
        if "family" in asked:
            self.norm, family, self.decoder = fields(asked, ("norm", "family", "decoder"))
            over, *terms = fields(family, ("denominator", *TERMS))
            zero, slope = self.over = listed(over, 2, rational)
            self.region: Any = lambda center: Cone(self.norm, center, terms)
            cone = self.region([ZERO])
            low, high = (zero + slope * m for m in (cone.first, cone.last))
            need(low > 0 and (high > 0 or (high == 0 and cone.open)), "malformed", "sign of D")
        else:
            self.norm, radius, clip, self.decoder = fields(asked, ("norm", of, "clip", "decoder"))
            size, clip = rational(radius), None if clip is None else listed(clip, 2, rational)
            need(size >= 0 and (of == "radius" or self.norm == "2"), "malformed", of)
            reach = size if of == "radius" else root_upper(size, 2)
            size **= POWERS.get(typed(self.norm, str), 1) if of == "radius" else 1
            self.region = lambda center: ball(self.norm, center, reach, size, clip)
        self.labels = (-1, 1) if self.decoder == "sign" else range(len(points.names))
        need(len(self.labels) == len(points.names), "malformed", "sign of other labels")

    def question(self, sample: int) -> Question:
        label, outputs = self.points.labels[sample], self.network.outputs.count
        goals = label_goals(self.decoder, label, self.labels, outputs)
        point = self.points.point(sample)
        for goal in goals if self.over else ():  # times D(m) > 0: it is about G
            zero, slope = self.over
            goal[:] = [({len(point): slope * c}, y, zero * c, strict) for _, y, c, strict in goal]
        return Question(self.network, self.region(point), goals)

"""What a question of a kernel stream says, read by itself and tried at some points: an oracle that
shares nothing with the program or its driver."""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from math import isqrt

F = Fraction
SHARES = (F(0), F(1, 3), F(-1, 2), F(1), F(-1))


class Reader:
    """Tokens of what was printed back, one after another."""

    def __init__(self, text):
        self.tokens = iter(text.split())
        magic, version, inputs, units, outputs = (self.word() for _ in range(5))
        assert (magic, version) == ("robmem-kernel", "1")
        self.inputs = int(inputs)
        self.units = [self.row() for _ in range(int(units))]
        self.outputs = [self.row() for _ in range(int(outputs))]

    def word(self):
        return next(self.tokens, "end")

    def q(self):
        return F(self.word())

    def listed(self, read):
        return [read() for _ in range(int(self.word()))]

    def pair(self):
        return int(self.word()), self.q()

    def row(self):
        return self.listed(self.pair), self.q(), self.q()

    def atom(self):
        return self.listed(self.pair), self.listed(self.pair), self.q(), self.word() == "strict"

    def goals(self):
        return self.listed(lambda: self.listed(self.atom))

    def values(self, x):
        """Of the outputs."""
        known = [*x]

        def value(row):
            terms, constant, below = row
            return (sum(w * known[j] for j, w in terms) + constant) / below

        for unit in self.units:
            known.append(max(F(0), value(unit)))
        return list(map(value, self.outputs))

    def claims(self):
        """Of each question the function that says whether it fails at some tried point."""
        task = None
        while (word := self.word()) != "end":
            if word == "task":
                decoder, classes, norm = self.word(), int(self.word()), self.word()
                size, _ = self.q(), self.q()
                clip = (self.q(), self.q()) if self.word() == "clip" else None
                task = decoder, classes, norm, size, clip
            elif word == "family":
                task = self.word(), int(self.word()), self.cone(), self.q(), self.q()
            elif word == "sample":
                self.word()
                label, many = int(self.word()), self.inputs - isinstance(task[2], tuple)
                yield self.loses(task, label, [self.q() for _ in range(many)])
            elif word == "cone":
                cone = self.cone()
                center = [self.q() for _ in range(self.inputs - 1)]
                points = [[*x, m] for m in ends(cone) for x in in_cone(cone, center, m)]
                yield self.refuted(points, self.goals())
            else:
                assert word == "question"
                yield self.asked()

    def cone(self):
        norm, unit, _, first, last = self.word(), *(self.q() for _ in range(4))
        return norm, unit, first, last, self.word() == "open"

    def asked(self):
        norm, size, is_open = "box", F(0), False
        if self.word() == "ball":
            norm, size, is_open = self.word(), self.q(), self.word() == "open"
        sides = [(self.q(), self.q(), self.q()) for _ in range(self.inputs)]
        low, high, center = zip(*sides, strict=True)
        if norm == "box":
            shares = (F(0), F(1, 3), F(1))
            points = [[a + t * (b - a) for (a, b), t in zip(zip(low, high), ts)]  # noqa: B905
                      for ts in product(shares, repeat=len(low))]  # fmt: skip
            points = [x for x in points if all(a <= b for a, b in zip(low, high, strict=True))]
        else:
            points = around(norm, center, size, is_open)
        inside = [
            x for x in points if all(a <= t <= b for t, (a, b, _) in zip(x, sides, strict=True))
        ]
        return self.refuted(inside, self.goals())

    def refuted(self, points, goals):
        def meets(x, atom):
            xs, ys, constant, strict = atom
            out = self.values(x)
            total = sum(w * x[k] for k, w in xs) + sum(w * out[j] for j, w in ys) + constant
            return total > 0 if strict else total >= 0

        return any(all(meets(x, atom) for atom in goal) for x in points for goal in goals)

    def loses(self, task, label, center):
        decoder, classes, about, *rest = task
        if isinstance(about, tuple):
            zero, slope = rest
            for m in ends(about):
                below = zero + slope * m
                for x in in_cone(about, center, m):
                    out = self.values([*x, m])
                    if below <= 0 or not keeps(decoder, classes, [y / below for y in out], label):
                        return True
            return False
        size, clip = rest
        points = around(about, center, size, False)
        if clip is not None:
            points = [x for x in points if all(clip[0] <= t <= clip[1] for t in x)]
        return any(not keeps(decoder, classes, self.values(x), label) for x in points)


def keeps(decoder, classes, out, label):
    if decoder == "argmax":
        return all(out[j] < out[label] for j in range(len(out)) if j != label)
    if decoder == "sign":
        return out[0] > 0 if label else out[0] < 0
    if decoder == "value":
        return out[0] == label
    return all(abs(out[0] - label) < abs(out[0] - j) for j in range(classes) if j != label)


def ends(cone):
    """Some m of the family."""
    _, _, first, last, is_open = cone
    shares = [F(0), F(1, 5), F(1, 2), F(999, 1000), *([] if is_open else [F(1)])]
    return [first + t * (last - first) for t in shares]


def in_cone(cone, center, m):
    norm, unit, *_ = cone
    return around(norm, center, unit * m ** max(1, power(norm)), False)


def power(norm):
    """p, for the sizes of balls are p-th powers of radii; 0 of "inf"."""
    return 0 if norm == "inf" else int(norm)


def around(norm, center, size, is_open):
    """Points of the ball; of norm p `size` is the p-th power of the radius."""
    if size < 0:
        return []
    radius, p = size, power(norm)
    if p > 1:
        radius = F(isqrt(size.numerator * size.denominator * 10**12), size.denominator * 10**6)
    if p > 2:  # what is outside is left out below
        radius = F(int(float(size) ** (1 / p) * 10**6), 10**6)
    steps = set(product(SHARES, repeat=len(center)))
    found = []
    for step in steps:
        x = [c + t * radius for c, t in zip(center, step, strict=True)]
        gaps = [abs(a - b) for a, b in zip(x, center, strict=True)]
        away = sum(gap**p for gap in gaps) if p else max(gaps)
        if away < size or (away == size and not is_open):
            found.append(x)
    return found

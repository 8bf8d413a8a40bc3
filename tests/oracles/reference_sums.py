"""Lower bounds of final sums of ridge functions in fixed point, from `docs/certificates.md`, one
number after another."""

from fractions import Fraction
from itertools import pairwise
from math import ceil, floor

from tests.oracles.reference_ridge import ReferenceUnivariate, ball_weights, interval, product
from verifier.checker.scaled import ScaledNetwork, common_denominator
from verifier.question.region import root_upper

ZERO, TWO = Fraction(0), Fraction(2)


class Curve:
    """A continuous piecewise linear function: places where it bends, or 0 if it does not, its
    values there, and the slopes before, between and after."""

    def __init__(self, places, values, slopes):
        bends = [k for k in range(len(places)) if slopes[k] != slopes[k + 1]]
        if bends:
            self.places = [places[k] for k in bends]
            self.values = [values[k] for k in bends]
            self.slopes = [slopes[0], *(slopes[k + 1] for k in bends)]
        else:
            self.places = [ZERO]
            self.values = [values[0] - slopes[0] * places[0]]
            self.slopes = [slopes[0], slopes[0]]

    def __call__(self, u):
        below = [k for k, place in enumerate(self.places) if place <= u]
        k = below[-1] if below else 0
        return self.values[k] + self.slopes[k + 1 if below else 0] * (u - self.places[k])


def curve(places, function):
    """The function that bends at these places at most."""
    places = sorted(set(places)) or [ZERO]
    edges = [places[0] - 1, *places, places[-1] + 1]
    slopes = [(function(b) - function(a)) / (b - a) for a, b in pairwise(edges)]
    return Curve(places, [function(u) for u in places], slopes)


def positive(given):
    """max(given, 0)."""
    last, zeros = len(given.places) - 1, []
    for k, slope in enumerate(given.slopes):
        if slope:
            known = min(k, last)
            zero = given.places[known] - given.values[known] / slope
            after = k == 0 or zero > given.places[k - 1]
            zeros += [zero] if after and (k > last or zero < given.places[k]) else []
    places = sorted({*given.places, *zeros})
    edges = [places[0] - 1, *places, places[-1] + 1]
    slopes = [
        (given(b) - given(a)) / (b - a) if given((a + b) / 2) > 0 else ZERO
        for a, b in pairwise(edges)
    ]
    return Curve(places, [max(given(u), ZERO) for u in places], slopes)


class ReferenceSums:
    def __init__(self, network, region):
        self.network, self.region, self.inputs = network, region, network.inputs
        self.directions = ReferenceUnivariate(network, region).directions
        scaled = ScaledNetwork(network, common_denominator([region.lower, region.upper]))
        self.scales = scaled.scales[self.inputs :]
        curves = [curve([], lambda u: u) for _ in range(self.inputs)]
        sums, usable, read = {}, set(), set()
        for v in range(network.units.count):
            weights, constant = network.units.fractions(v)
            direction = self.directions[self.inputs + v]
            curves.append(None)
            if direction is not None:
                first = direction[0][0]
                read_here = [j for j in weights if j == first or j >= self.inputs]
                parts = [(weights[j], curves[j]) for j in read_here]
                curves[-1] = positive(_added(constant, parts))
                continue
            own = [j for j in weights if self.directions[j] is not None]
            others = [j - self.inputs for j in weights if self.directions[j] is None]
            if not own:
                continue
            read.update(others)
            if not usable.issuperset(others):
                continue
            parts = {}
            for j in own:
                parts.setdefault(self.directions[j], []).append((weights[j], curves[j]))
            for u in others:
                weight = weights[self.inputs + u]
                constant += weight * sums[u][0]
                for d, function in sums[u][1].items():
                    parts.setdefault(d, []).append((weight, function))
            added = {d: _added(ZERO, part) for d, part in parts.items()}
            sums[v] = constant, {d: f for d, f in added.items() if any(f.values) or any(f.slopes)}
            if self._never_negative(v, *sums[v]):
                usable.add(v)
        self.final = {v: total for v, total in sums.items() if v not in read and total[1]}

    def _never_negative(self, v, constant, functions):
        total = self.scales[v] * constant * 2**40
        for f in functions.values():
            if f.slopes[0] > 0 or f.slopes[-1] < 0:
                return False
            total += floor(self.scales[v] * min(f.values) * 2**40)
        return total >= 0

    def bounds(self, multiplier, box, cuts, *, upper):
        """Of each final sum a bound, as far as there is one."""
        region, sign = self.region, -1 if upper else 1
        p, directions = int(region.norm), {d for _, fs in self.final.values() for d in fs}
        ends = {d: interval(d, region, box, cuts) for d in directions}
        if not directions or any(low > high for low, high in ends.values()):
            return {}
        shares = ball_weights(list(directions), region.norm)
        reach = max(_reach(region, d) for d in directions)
        steepest = max(
            abs(s) for _, fs in self.final.values() for f in fs.values() for s in f.slopes
        )
        fine = 29 - _exponent(reach)
        unit = 29 - _exponent(steepest) + fine
        found = {}
        for v, (constant, functions) in self.final.items():
            total = floor(sign * constant * TWO ** (unit - 12))
            total -= ceil(multiplier * region.size * TWO ** (unit - 12))
            for d, f in functions.items():
                center = product(dict(d), dict(enumerate(region.center)))
                rate = floor(multiplier * shares[d] * TWO ** (unit - p * fine + 30 * (p - 1)))
                low, high = (end - center for end in ends[d])
                least = _least(
                    f, sign, p, min(rate, 2**31 - 1), fine, unit,
                    (floor(center * TWO**fine), floor(low * TWO**fine), ceil(high * TWO**fine)),
                )  # fmt: skip
                if least is None:
                    break
                total += least // 2**12
            else:
                scale = self.scales[v] * 2 ** max(0, 24 - self.scales[v].bit_length())
                whole = floor(Fraction(total) * scale / TWO ** (unit - 12))
                found[v] = sign * Fraction(whole, scale)
        return found


def _added(constant, parts):
    places = [u for _, f in parts for u in f.places]
    return curve(places, lambda u: constant + sum((w * f(u) for w, f in parts), ZERO))


def _reach(region, direction):
    entries = [abs(g) for _, g in direction]
    if region.norm == "1":
        return region.size * max(entries)
    if region.norm == "2":
        return root_upper(region.size * sum(g * g for g in entries))
    p = int(region.norm)
    dual = sum(g * root_upper(g, p - 1) for g in entries) ** (p - 1)
    return root_upper(region.size * dual, p)


def _exponent(value):
    k = 0
    while value and value > TWO**k:
        k += 1
    while value and value <= TWO ** (k - 1):
        k -= 1
    return k


def _least(f, sign, p, rate, fine, unit, ends):
    """The least of the minima of the pieces; None if there is no bound."""
    middle, first, last = ends
    found, count = [], len(f.places)
    for k, slope in enumerate(f.slopes):
        sides = [max(k - 1, 0), min(k, count - 1)]
        at = min(sides, key=lambda i: abs(f.values[i]))
        places = [floor(f.places[i] * TWO**fine) for i in (*sides, at)]
        left = first if k == 0 else max(first, places[0] - middle - 2)
        right = last if k == count else min(last, places[1] - middle + 2)
        if left > right:
            continue
        value = min(floor(sign * f.values[at] * TWO**unit), 2**60)
        if value < -(2**60):
            return None
        b, away = floor(sign * slope * TWO ** (unit - fine)), places[2] - middle
        base = value - b * away - abs(b) - abs(away) - 2**30 - 3
        found.append(base + _on_piece(p, b, rate, left, right))
    return min(found)


def _power(p, x):
    found = abs(x)
    for _ in range(p - 1):
        found = found * abs(x) // 2**30
    return found


def _on_piece(p, b, rate, left, right):
    if p == 1:
        inside = [0] if left <= 0 <= right else []
        return min([b * x + rate * abs(x) for x in (left, right)] + inside)
    if b > 0:
        b, left, right = -b, -right, -left
    turn = 0
    if b:
        low, turn = 0, 2**31
        while turn - low > 1:
            half = (low + turn) // 2
            enough = p * rate * half ** (p - 1) >= -b * 2 ** (30 * (p - 1))
            low, turn = (low, half) if enough else (half, turn)
    if right <= turn - 1:
        return b * right + rate * _power(p, right)
    if turn <= left:
        return b * left + rate * _power(p, left)
    return -(p - 1) * rate * (_power(p, turn) + p)

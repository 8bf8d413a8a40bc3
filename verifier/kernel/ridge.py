"""Sums of ridge functions: a bound on an Lp ball that holds in any number of directions.

Input k lies on the direction e_k. A unit lies on the one direction of all that it reads, or, if it
reads several inputs and nothing else, on its row divided by the first entry. Units on d, and their
sums, are functions of u = d . x. On none lie m, the input behind the `axes`, and what reads it."""

from fractions import Fraction
from functools import cached_property
from typing import Any

from verifier.kernel.question import POWERS, root_upper
from verifier.kernel.text import ONE, ZERO, listed, need, number, table

MOST_POINTS = 1 << 12  # of one function


class Ridges:
    def __init__(self, network, axes):
        self.network, self.inputs, self.axes = network, network.inputs, axes

    @cached_property
    def directions(self):
        """By variable, pairs of input and entry, the first entry 1; None if it lies on none."""
        found: Any = [((k, ONE),) if k < self.axes else None for k in range(self.inputs)]
        for v in range(self.network.units.count):
            pairs, _, _ = self.network.units.row(v)
            read = {found[i] for i, _ in pairs}
            of_inputs = pairs and pairs[-1][0] < self.axes
            own = tuple((k, Fraction(n, pairs[0][1])) for k, n in pairs) if of_inputs else None
            found.append(own if len(read) != 1 else read.pop())
        return found

    def least(self, z, t, weights, region, sides, cuts):
        """A lower bound of z . variables + t ||x - c||_p^p in the branch; None if that is empty.
        ||x - c||_p^p is at most the size of the ball, and at least the sum of s_d |u_d - d . c|^p:
        what is left is a sum over directions, each bounded by itself. Coq: finish_ridge_sound."""
        need(t >= 0, "negative multiplier", "ball")
        need(t == 0 or region.norm != "inf", "no ball", "a multiplier of the ball of a box")
        shares = {} if weights == () else self.shares(weights, region.norm)
        sums: dict[Any, dict[int, Fraction]] = {}
        for j, c in z.items():
            sums.setdefault(self.directions[j], {})[j] = c
        need(not (t and sums) or weights != (), "unsupported", "no weights: a short form")
        total = ZERO
        for d, terms in sums.items():
            center = sum(g * region.center[k] for k, g in d) if region.has_ball else ZERO
            low, high = self.interval(d, center, region, sides, cuts)
            if low > high:
                return None
            points, values = self.function(d, terms, low, high)
            total += self.minimum(points, values, t * shares.get(d, ZERO), center, region.power)
        return total

    def shares(self, weights, norm):
        """s by direction, with sum of s_d |d . y|^p <= ||y||_p^p for all y: by columns, |d . y|^p
        <= ||d||_1^(p-1) sum of |d_k| |y_k|^p (Jensen), or, p = 2, by Selberg's condition, Schur's
        test for the sqrt(s_d s_e) d . e. Coq: weights_sound."""
        two = norm == "2"
        need(norm != "inf" and listed(weights), "malformed", "weights of no direction")
        found, columns = dict[Any, Any](), dict[Any, Any]()  # by direction; by input and direction
        for weight in weights:
            pairs, s, *w = listed(weight, 3 if two else 2)
            entries, s = table(pairs, self.axes), number(s)
            d, w = tuple(entries.items()), number(w[0]) if two else ONE
            need(d and d[0][1] == 1 and 0 not in entries.values(), "malformed", "a direction")
            need(d > next(reversed(found), ()), "malformed", "directions do not increase")
            need(s >= 0 and w > 0, "negative multiplier", "weights")
            found[d] = s, w
            for k, g in d:
                columns.setdefault(k, {})[d] = g
        for column in [] if two else columns.values():
            sizes = {d: sum(abs(g) for _, g in d) ** (POWERS[norm] - 1) for d in column}
            large = sum(found[d][0] * sizes[d] * abs(g) for d, g in column.items())
            need(large <= 1, "weights too large", large)
        for d, (s, w) in found.items() if two else ():
            products: dict[Any, Fraction] = {}
            for k, g in d:
                for e, h in columns[k].items():
                    products[e] = products.get(e, ZERO) + g * h
            large = s * sum(abs(q) * found[e][1] for e, q in products.items())
            need(large <= w, "weights too large", large)
        return {d: s for d, (s, _) in found.items()}

    def interval(self, d, center, region, sides, cuts):
        """Where d . x lies: on the box, on the ball (|d . (x - c)| <= radius ||d||_q) and by the
        cuts that are about d alone. Coq: range_sound."""
        low, high = (sum(g * sides[(g > 0) == upper][k] for k, g in d) for upper in (False, True))
        if region.norm != "inf":
            reach = root_upper(region.loss(g for _, g in d), region.power)
            low, high = max(low, center - reach), min(high, center + reach)
        for normal, t in cuts:  # normal . x + t >= 0, where normal = f d
            f = normal.get(d[0][0], ZERO)
            if f and {k: f * g for k, g in d} == {k: g for k, g in normal.items() if g}:
                low, high = (max(low, -t / f), high) if f > 0 else (low, min(high, -t / f))
        return low, high

    def function(self, d, terms, low, high):
        """The ends of the pieces of the sum of c * variable j on [low, high], and its values there:
        each unit is evaluated at all ends, its zeros between two become ends. Coq: walk_sound."""
        needed, waiting = set[int](), [*terms]
        while waiting:
            j = waiting.pop()
            if j >= self.inputs and j not in needed:
                needed.add(j)
                waiting += [i for i, _ in self.network.units.row(j - self.inputs)[0]]
        points = [low, high] if low < high else [low]
        values = {d[0][0]: points}  # u has the coefficient of this input, whose entry is 1

        def row(pairs, constant):
            known = ([weight * z for z in values[j]] for j, weight in pairs if j in values)
            return [*map(sum, zip([constant] * len(points), *known, strict=True))]

        for j in sorted(needed):
            pairs, constant, denominator = self.network.units.row(j - self.inputs)
            a = [Fraction(q, denominator) for q in row(pairs, constant)]
            for k in range(len(points) - 1, 0, -1):
                if a[k - 1] * a[k] < 0:
                    share = a[k - 1] / (a[k - 1] - a[k])
                    for column in values.values():
                        column.insert(k, column[k - 1] + share * (column[k] - column[k - 1]))
                    a.insert(k, ZERO)
            need(len(points) <= MOST_POINTS, "too many pieces", f"unit {j - self.inputs}")
            values[j] = [max(q, ZERO) for q in a]
        return points, row(terms.items(), ZERO)

    def minimum(self, points, values, t, center, p):
        """At most all values + t |x|^p, x = u - center. It is least at an end of a piece or inside,
        where p t |x|^(p-1) = |slope|: slope x + t |x|^p is -(p - 1) t |x|^p there, less for larger
        |x|. Coq: least_sound."""
        found = [q + t * abs(u - center) ** p for u, q in zip(points, values, strict=True)]
        for k in range(1, len(points) if t else 0):
            sides = [u - center for u in points[k - 1 : k + 1]]
            slope = (values[k] - values[k - 1]) / (sides[1] - sides[0])
            left, right = (slope + p * t * abs(x) ** (p - 1) * ((x > 0) - (x < 0)) for x in sides)
            if left < 0 < right:
                far = root_upper(abs(slope) / (p * t), p - 1, bits=80)
                found.append(values[k - 1] - slope * sides[0] - (p - 1) * t * far**p)
        return min(found)

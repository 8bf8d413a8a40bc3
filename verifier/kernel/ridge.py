"""Sums of ridge functions: a bound on an L1 or L2 ball that holds in any number of directions.

Input k lies on the direction e_k. A unit lies on the one direction of all that it reads, or, if it
reads inputs alone and several of them, on its row divided by the first entry. All units on d are
functions of u = d . x, and so is a sum of them, phi_d: piecewise linear, found exactly.
"""

from fractions import Fraction
from typing import Any

from verifier.kernel.question import root_upper
from verifier.kernel.text import ONE, ZERO, listed, need, number, table

MOST_POINTS = 1 << 12  # of one function


class Ridges:
    def __init__(self, network, space):
        """`space` is the number of inputs; of a family without m, and what reads m lies on no
        direction."""
        self.network, self.space, self.inputs = network, space, network.inputs
        self.directions = None

    def direction(self, j):
        """Pairs of input and entry, the first entry 1; None if variable j lies on no direction."""
        if self.directions is None:
            self.directions = [((k, ONE),) for k in range(self.space)]
            self.directions += [None] * (self.inputs - self.space)
            for v in range(self.network.units.count):
                pairs, _, _ = self.network.units.row(v)
                read = {self.directions[i] for i, _ in pairs}
                of_inputs = pairs and pairs[-1][0] < self.space
                own = tuple((k, Fraction(n, pairs[0][1])) for k, n in pairs) if of_inputs else None
                self.directions.append(own if len(read) != 1 else read.pop())
        return self.directions[j]

    def least(self, form, t, weights, branch, bounds):
        """A lower bound of the form, all of whose variables lie on directions, at each end of the
        branch; None if it has no point. For t >= 0, size - ||x - c||_p^p >= 0 is taken away t
        times, and ||x - c||_p^p >= sum of s_d |u_d - d . c|^p: what is left is a sum over
        directions, each bounded by itself. In a family no direction depends on m, and the size is
        affine in m for p = 1."""
        region, *others = branch.regions
        need(t >= 0, "negative multiplier", "ball")
        need(t == 0 or region.norm != "inf", "no ball", "a multiplier of the ball of a box")
        need(t == 0 or region.norm == "1" or not others, "unsupported", "a share of an L2 cone")
        shares = {} if weights is None else self.shares(weights, region.norm)
        sums: dict[Any, dict[int, Fraction]] = {}
        for j, c in form.z.items():
            sums.setdefault(self.direction(j), {})[j] = c
        need(not (t and sums) or weights is not None, "unsupported", "no weights: a short form")
        total = ZERO
        for d, terms in sums.items():
            low, high = self.interval(d, branch, bounds)
            if low > high:
                return None
            center = dot(d, region.center) if region.has_ball else ZERO
            points, values = self.function(d, terms, low, high)
            one, share = region.norm == "1", t * shares.get(d, ZERO)
            total += self.minimum(points, values, share, center, one)
        ends = zip(form.constants, branch.regions, strict=True)
        return [constant - t * end.size + total for constant, end in ends]

    def shares(self, weights, norm):
        """s by direction, with sum of s_d |d . y|^p <= ||y||_p^p for all y.

        p = 1: sum of s_d |d . y| <= sum over k of |y_k| sum of s_d |d_k|. p = 2: the matrix of the
        sqrt(s_d s_e) d . e has norm <= 1, for its absolute values times the vector w / sqrt(s) stay
        below that vector (Schur's test); so has then the map y -> (sqrt(s_d) d . y)."""
        two = norm == "2"
        need(norm != "inf", "malformed", "weights without a ball")
        need(listed(weights), "malformed", "weights of no direction")
        found: Any = {}
        columns: Any = {}
        last: Any = ()
        for weight in weights:
            pairs, s, *w = listed(weight, 3 if two else 2)
            entries, s = table(pairs, self.space), number(s)
            d, w = tuple(entries.items()), number(w[0]) if two else ONE
            need(d and d[0][1] == 1 and 0 not in entries.values(), "malformed", "a direction")
            need(d > last, "malformed", "directions do not increase")
            need(s >= 0 and w > 0, "negative multiplier", "weights")
            found[d], last = (s, w), d
            for k, g in d:
                columns.setdefault(k, []).append((d, g))
        if not two:
            for column in columns.values():
                large = sum(found[d][0] * abs(g) for d, g in column)
                need(large <= 1, "weights too large", large)
            return {d: s for d, (s, _) in found.items()}
        for d, (s, w) in found.items():
            products: dict[Any, Fraction] = {}
            for k, g in d:
                for e, h in columns[k]:
                    products[e] = products.get(e, ZERO) + g * h
            large = s * sum(abs(q) * found[e][1] for e, q in products.items())
            need(large <= w, "weights too large", large)
        return {d: s for d, (s, _) in found.items()}

    def interval(self, d, branch, bounds):
        """Where d . x lies, at all ends: on the box, on the ball (|d . (x - c)| <= radius ||d||_q)
        and by the cuts that are about d alone."""
        box, ends = {k: bounds(branch, k) for k, _ in d}, range(len(branch.regions))
        low = min(sum(g * box[k][g < 0][end] for k, g in d) for end in ends)
        high = max(sum(g * box[k][g > 0][end] for k, g in d) for end in ends)
        region = branch.regions[-1]  # the largest ball
        if region.norm != "inf":
            reach = region.size * max(abs(g) for _, g in d)
            if region.norm == "2":
                reach = root_upper(region.size * sum(g * g for _, g in d))
            center = dot(d, region.center)
            low, high = max(low, center - reach), min(high, center + reach)
        for normal, t in branch.cuts:  # normal . x + t >= 0
            entries = sorted((k, g) for k, g in normal.items() if g)
            if entries and tuple((k, g / entries[0][1]) for k, g in entries) == d:
                side = -t / entries[0][1]
                low, high = (max(low, side), high) if entries[0][1] > 0 else (low, min(high, side))
        return low, high

    def function(self, d, terms, low, high):
        """The ends of the pieces of the sum of c * variable j on [low, high], and its values there:
        every unit is evaluated at all ends so far, and its zeros between two ends become ends."""
        waiting, needed = [j for j in terms if j >= self.inputs], set()
        while waiting:
            j = waiting.pop()
            if j not in needed:
                needed.add(j)
                read, _, _ = self.network.units.row(j - self.inputs)
                waiting += [i for i, _ in read if i >= self.inputs]
        values: dict[int, list[Fraction]] = {}
        points = [low, high] if low < high else [low]
        first = d[0][0]  # u has the coefficient of this input, whose entry is 1

        def row(pairs, constant):
            found = [constant] * len(points)
            for j, weight in pairs:
                column = points if j == first else values.get(j)
                if column is not None:  # else another input of the row
                    found = [a + weight * z for a, z in zip(found, column, strict=True)]
            return found

        for j in sorted(needed):
            pairs, constant, denominator = self.network.units.row(j - self.inputs)
            a = [q / denominator for q in row(pairs, Fraction(constant))]
            for k in range(len(points) - 1, 0, -1):
                if a[k - 1] * a[k] < 0:
                    share = a[k - 1] / (a[k - 1] - a[k])
                    for column in (points, *values.values()):
                        column.insert(k, column[k - 1] + share * (column[k] - column[k - 1]))
                    a.insert(k, ZERO)
            need(len(points) <= MOST_POINTS, "too many pieces", f"unit {j - self.inputs}")
            values[j] = [max(q, ZERO) for q in a]
        return points, row(terms.items(), ZERO)

    def minimum(self, points, values, t, center, one):
        """The least value + t |u - center|^p: at an end of a piece, at the center (p = 1), or at
        the vertex of a parabola (p = 2)."""

        def at(u, value):
            return value + t * (abs(u - center) if one else (u - center) ** 2)

        found = [at(u, value) for u, value in zip(points, values, strict=True)]
        for k in range(1, len(points) if t else 0):
            left, right = points[k - 1], points[k]
            slope = (values[k] - values[k - 1]) / (right - left)
            turn = center if one else center - slope / (2 * t)
            if left < turn < right:
                found.append(at(turn, values[k - 1] + slope * (turn - left)))
        return min(found)


def dot(d, x):
    return sum(g * x[k] for k, g in d)

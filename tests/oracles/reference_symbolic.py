"""`symbolic.py` for one branch and one row at a time, in Python integers, for a reader to audit.

The results are the same to the last bit. A row stands for a lower bound
sum of coefficients[j] / 2^shift * variable j + constant / 2^constant_shift, where inputs are
measured from the lower corner of the region's box: every variable is >= 0, rounding down is safe.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import isqrt

from verifier.question.errors import RefusedError
from verifier.question.network import Network
from verifier.question.region import Region, root_upper

GRID, SLOPE = 50, 22
FREE = 1 << 16  # shift of constants that are 0, so fine that they coarsen no sum
LARGEST = 1 << 61
Weights = dict[int, Fraction]


@dataclass(slots=True)
class Row:
    """A form that is being lowered."""

    coefficients: dict[int, int]
    shift: int
    constant: int
    constant_shift: int

    def add(self, term: int, shift: int) -> None:
        """Adds term / 2^shift to the constant; both are floored to the coarser unit."""
        coarser = min(self.constant_shift, shift)
        self.constant = (self.constant >> (self.constant_shift - coarser)) + (
            term >> (shift - coarser)
        )
        self.constant_shift = coarser


class ReferenceSymbolic:
    """Symbolic bounds of one branch: `tighten`, then `lower` and `upper`, and `refutes`."""

    def __init__(
        self,
        network: Network,
        region: Region,
        root: tuple[Sequence[Fraction], Sequence[Fraction]],
        current: tuple[Sequence[Fraction], Sequence[Fraction]],
        box: tuple[Sequence[Fraction], Sequence[Fraction]],
    ) -> None:
        """`root` and `current` are bounds of the units, at the root and in the branch."""
        self.network, self.region, self.inputs = network, region, network.inputs
        self.bits, self.weight, self.bound = bits = precision(network)
        if min(bits) < 16:
            raise RefusedError("unsupported", "the network is too large for symbolic bounds")
        self.layers = list(network.layer_ranges())
        self.base = region.lower
        self._inputs(box)
        self.grids = []
        self.low: list[int] = []
        self.high: list[int] = []
        for first, last in self.layers:
            grid = shift_of(GRID, (*root[0][first:last], *root[1][first:last]))
            self.grids.append(grid)
            for v in range(first, last):
                below = max(floor(root[0][v], grid), min(LARGEST, floor(current[0][v], grid)))
                above = min(-floor(-root[1][v], grid), max(-LARGEST, -floor(-current[1][v], grid)))
                self.low.append(below)
                self.high.append(above)
        self.empty = False

    def _inputs(self, box: tuple[Sequence[Fraction], Sequence[Fraction]]) -> None:
        region = self.region
        widths = [high - low for low, high in zip(region.lower, region.upper, strict=True)]
        offsets = [c - b for c, b in zip(region.center, self.base, strict=False)]
        reach, p = region.size, region.power
        if region.norm == "2":
            reach = Fraction(_root_above(region.size * 4**64), 2**64)
        elif region.norm not in ("inf", "1"):  # ||g||_q <= n^(1/2 - 1/p) ||g||_2
            factor = region.size**2 * region.dimension ** (p - 2)
            reach = root_upper(factor, 2 * p) * (1 + Fraction(1, 2**20))
        self.input_grid = grid = shift_of(self.bound, (*widths, *offsets, reach))
        self.box = [
            (floor(min(low, top) - b, grid), -floor(b - max(high, b), grid))  # never beyond it
            for b, top, low, high in zip(self.base, region.upper, *box, strict=True)
        ]
        self.center = [(floor(q, grid), -floor(-q, grid)) for q in offsets]
        if region.norm == "2":
            self.radius = _root_above(region.size * Fraction(4) ** grid)
        else:
            self.radius = -floor(-reach, grid)

    def row(self, weights: Weights, constant: Fraction) -> Row:
        """A row below the form weights . (x, z) + constant."""
        moved = sum((w * self.base[j] for j, w in weights.items() if j < self.inputs), constant)
        shift = shift_of(self.bits, weights.values())
        constant_shift = shift_of(GRID, [moved]) if moved else FREE
        coefficients = {j: floor(w, shift) for j, w in weights.items()}
        return Row(coefficients, shift, floor(moved, constant_shift), constant_shift)

    def tighten(self) -> None:
        """Tightens the bounds of all undecided units, first layer to last."""
        for number, (first, last) in enumerate(self.layers):
            found = []
            for v in range(first, last):
                if self.low[v] < 0 < self.high[v]:
                    weights, bias = self.network.units.fractions(v)
                    below = self._value(self.row(weights, bias), number)
                    negated = {j: -w for j, w in weights.items()}
                    above = -self._value(self.row(negated, -bias), number)
                    found.append((v, below, above))
            for v, below, above in found:
                self.low[v] = max(self.low[v], below)
                self.high[v] = min(self.high[v], above)
                self.empty = self.empty or self.low[v] > self.high[v]

    def bounds(self, v: int) -> tuple[Fraction, Fraction]:
        """The bounds of a_v now."""
        number = next(i for i, (first, last) in enumerate(self.layers) if first <= v < last)
        unit = Fraction(2) ** -self.grids[number]
        return self.low[v] * unit, self.high[v] * unit

    def lower_bound(self, weights: Weights, constant: Fraction) -> Fraction:
        """A lower bound of the form weights . (x, z) + constant in the branch."""
        row = self.row(weights, constant)
        self._lower(row, len(self.layers))
        return row.constant * Fraction(2) ** -row.constant_shift

    def _value(self, row: Row, number: int) -> int:
        """The lower bound in units of layer `number`, cut off at +-2^61."""
        self._lower(row, number)
        by = self.grids[number] - row.constant_shift
        if by < 0:
            return row.constant >> -by
        by = min(by, 61)
        return max(-(LARGEST >> by), min(LARGEST >> by, row.constant)) << by

    def _lower(self, row: Row, height: int) -> None:
        """Substitutes the layers below `height` backwards, then takes the minimum over inputs."""
        for number in range(height - 1, -1, -1):
            first, last = self.layers[number]
            units = range(first, last)
            taken = {v: row.coefficients.pop(self.inputs + v, 0) for v in units}
            if any(taken.values()):
                self._substitute(row, number, taken)
        self._on_inputs(row)

    def _substitute(self, row: Row, number: int, taken: dict[int, int]) -> None:
        """Replaces the units of one layer by lines in their pre-activations."""
        grid, lines = self._lines(number)
        rising, falling, loss = {}, {}, 0
        for v, c in taken.items():
            line, chord, high = lines[v]
            rising[v] = max(c, 0) * line
            falling[v] = -((-min(c, 0) * chord) >> SLOPE)
            loss += high * (min(c, 0) - falling[v])
        row.add(loss, row.shift + grid)
        rows = {v: self.network.units.fractions(v) for v in taken}
        moved = {
            v: bias
            + sum((w * self.base[j] for j, w in weights.items() if j < self.inputs), Fraction(0))
            for v, (weights, bias) in rows.items()
        }
        bias_shift = shift_of(self.bound, moved.values()) if any(moved.values()) else FREE
        bias = sum(
            rising[v] * floor(q, bias_shift) - falling[v] * floor(-q, bias_shift)
            for v, q in moved.items()
        )
        row.add(bias, row.shift + bias_shift)
        shift = shift_of(self.weight, (w for weights, _ in rows.values() for w in weights.values()))
        products: dict[int, int] = {}
        for v, (weights, _) in rows.items():
            for j, w in weights.items():
                product = rising[v] * floor(w, shift) - falling[v] * floor(-w, shift)
                products[j] = products.get(j, 0) + product
        self._replace(row, products, shift)

    def _replace(self, row: Row, products: dict[int, int], shift: int) -> None:
        """Adds products / 2^shift to the coefficients and floors them to `bits` bits."""
        skips = any(row.coefficients.values())
        room = min(shift, 38) if skips else shift
        total = {
            j: (c << room if room >= 0 else c >> -room) for j, c in row.coefficients.items() if c
        }
        for j, product in products.items():
            total[j] = total.get(j, 0) + (product >> (shift - room))
        largest = max((abs(c) for c in total.values()), default=0)
        excess = max(largest.bit_length() - self.bits, 0)
        row.coefficients = {j: c >> excess for j, c in total.items()}
        row.shift += room - excess

    def _lines(self, number: int) -> tuple[int, dict[int, tuple[int, int, int]]]:
        """Of each unit the slope of the line below it, that of the chord above over 2^SLOPE, and
        its upper bound over 2^grid (0 where it is decided)."""
        first, last = self.layers[number]
        undecided = [v for v in range(first, last) if self.low[v] < 0 < self.high[v]]
        largest = max((max(self.high[v], -self.low[v]) for v in undecided), default=1)
        excess = max(largest.bit_length() - self.bound, 0)
        lines = {}
        for v in range(first, last):
            if v in undecided:
                low, high = self.low[v] >> excess, -((-self.high[v]) >> excess)
                lines[v] = (int(high >= -low), (high << SLOPE) // (high - low), high)
            else:
                on = self.low[v] >= 0
                lines[v] = (int(on), int(on) << SLOPE, 0)
        return self.grids[number] - excess, lines

    def _on_inputs(self, row: Row) -> None:
        g = [row.coefficients.get(k, 0) for k in range(self.inputs)]
        least = sum(
            c * (low if c > 0 else high) for c, (low, high) in zip(g, self.box, strict=True)
        )
        if self.region.norm != "inf":
            center = sum(
                c * (low if c > 0 else high) for c, (low, high) in zip(g, self.center, strict=True)
            )
            if self.region.norm == "1":
                length = max(abs(c) for c in g)
            else:
                length = _root_above(Fraction(sum(c * c for c in g)))
            least = max(least, center - self.radius * length)
        row.add(least, row.shift + self.input_grid)


def precision(network: Network) -> tuple[int, int, int]:
    """The most bits of coefficients, weights and bounds: 22, 23, 28 if products of the first two,
    summed over the largest layer, fit into 53, and those of the first and last, summed over inputs
    and the largest layer and twice a layer, into 62.

    Else the weights keep 23 as long as 16 are left for coefficients, and the bounds what these
    leave as long as it is not less than theirs; beyond that the two share alike."""
    largest = max((1, *network.layers))
    both = 53 - largest.bit_length()
    coefficient, weight = min(22, both - 23), 23
    if coefficient < 16:
        coefficient, weight = both // 2, both - both // 2
    room = 62 - (network.inputs + largest).bit_length() - (4 * network.depth).bit_length()
    if room < 2 * coefficient:
        coefficient = room // 2
    return coefficient, weight, min(28, room - coefficient)


def shift_of(bits: int, values: Iterable[Fraction]) -> int:
    """The largest s, as far as bit lengths tell, with |value| 2^s < 2^bits for all; 0 for zeros."""
    shifts = [
        bits - 1 - abs(q.numerator).bit_length() + q.denominator.bit_length() for q in values if q
    ]
    return min(shifts, default=0)


def floor(value: Fraction, shift: int) -> int:
    """floor(value * 2^shift)."""
    scaled = value * Fraction(2) ** shift
    return scaled.numerator // scaled.denominator


def _root_above(square: Fraction) -> int:
    """The least integer whose square is at least `square`."""
    ceiling = -(-square.numerator // square.denominator)
    root = isqrt(ceiling)
    return root if root * root == ceiling else root + 1

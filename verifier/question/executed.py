"""The network as floating point executes it, for any order of summation, as an exact question.

A verdict of the rest of this package is about real numbers. A runtime computes each affine form
with rounding, in an order of its own, fused or not. What it computes for unit v is

    a_v = w_v . (x, z) + b_v + e_v,   |e_v| <= E_v,

and E_v follows from exact bounds of the region. So a statement about every execution is one in real
numbers about a network with one more input e_v for each unit and output, in a box: `executed`
builds that question, and its answer carries the usual certificate, checked as any other.

The bound (Higham, Accuracy and Stability of Numerical Algorithms, section 3.1 and theorem 4.2 for
any order; Jeannerod and Rump 2013 for its form): a sum of m products and a bias meets each term
with at most m + 1 roundings, so that with unit roundoff u, g = (m + 1) u / (1 - (m + 1) u) and t
the smallest normal number

    E = g (sum |w_j| |z_j| + |b|) + (1 + g) t (sum (|w_j| + |z_j|) + 4 (m + 1)),

where the terms with t are what may be lost if subnormal operands and results are flushed to zero.
The |z_j| are bounded by interval arithmetic over all executions, rounded outward to a fine grid.
Overflow must be impossible, else the question is refused.

What is assumed: every affine form of the network is one sum, in any order, of the products and the
bias, each operation rounded to nearest in the format or not at all (fused operations, sums kept in
a wider format and rounded once); weights and inputs are numbers of the format; max(a, 0) is exact;
a label is read off the outputs as they are, compared as numbers. Reduced-precision modes (TF32,
bf16 accumulation) and rewrites that are no sums of these products (Winograd, folded layers) are not
covered. A network whose file computes something else than one sum a unit must not be asked about:
`formats.onnx.single_sums` looks at that.

One execution is the plain one: every product is rounded, and added to the sum of those before it,
in the order of the variables, the bias last, each sum rounded (ties to even). A flip of a network
as executed is an input of the format at which the plain execution satisfies a goal.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from operator import mul
from typing import Literal

from verifier.question.build import Affine, NetworkBuilder
from verifier.question.errors import UserError
from verifier.question.network import Network, Rows
from verifier.question.query import Query
from verifier.question.region import Region

Format = Literal["float32", "float64"]
Semantics = Literal["real", "float32", "float64"]
Vector = tuple[Fraction, ...]
_PRECISION = {"float32": 24, "float64": 53}
_SMALLEST = {"float32": -126, "float64": -1022}  # exponent of the smallest normal number
_LARGEST = {"float32": 127, "float64": 1023}  # exponent of a half of what is too large
_BITS = 20  # of an error bound
_SLACK = 64  # bits of the grid below the smallest normal number, where nothing is lost that counts


def unit_roundoff(semantics: Format) -> Fraction:
    """Half the distance from 1 to the next number of the format."""
    return Fraction(1, 2 ** _PRECISION[semantics])


def denominator_of_errors(semantics: Format) -> int:
    """A number of which all error bounds are multiples: none is below 4 times the smallest normal
    number, and each has 20 bits."""
    return 1 << (_BITS - _SMALLEST[semantics])


def is_number(value: Fraction, semantics: Format) -> bool:
    """Whether `value` is a finite number of the format, subnormal ones included."""
    return abs(value) < 2 << _LARGEST[semantics] and rounded(value, semantics) == value


def rounded(value: Fraction, semantics: Format) -> Fraction:
    """The number of the format nearest to `value`, ties to even, if exponents had no upper end."""
    if not value:
        return value
    top, bottom = abs(value.numerator), value.denominator
    exponent = top.bit_length() - bottom.bit_length()
    if top << max(-exponent, 0) < bottom << max(exponent, 0):
        exponent -= 1  # now 2^exponent <= |value| < 2^(exponent + 1)
    last = max(exponent, _SMALLEST[semantics]) - _PRECISION[semantics] + 1
    return round(value * Fraction(2) ** -last) * Fraction(2) ** last  # halves to the even one


def executed(query: Query, semantics: Format) -> Query:
    """The question whose Robust answer holds of every execution in the format on the region.

    Its network has one more input for each unit and each output, its rounding error. A ball is
    replaced by one of the inputs and errors together, larger by the errors alone. Raises UserError
    for a weight that is no number of the format and where overflow cannot be excluded.
    """
    form = executable(query.network, semantics)
    return Query(form.network, form.region(query.region), query.goals)


def executable(network: Network, semantics: Format) -> Executable:
    """The network prepared for the format, once; raises UserError for weights that are no numbers
    of it."""
    return network.derived(_float32 if semantics == "float32" else _float64)


def _float32(network: Network) -> Executable:
    return Executable(network, "float32")


def _float64(network: Network) -> Executable:
    return Executable(network, "float64")


class Executable:
    """A network whose weights are numbers of a format: its executions there.

    `network` is the one of the question: with an input more for each unit and output, its error.
    """

    def __init__(self, network: Network, semantics: Format) -> None:
        self._own, self._semantics = network, semantics
        self._rows = [
            rows.row(i) for rows in (network.units, network.outputs) for i in range(rows.count)
        ]
        _require_numbers(network, semantics)
        self.network = _with_error_inputs(network)

    @property
    def inputs(self) -> int:
        """How many inputs the network itself has."""
        return self._own.inputs

    def region(self, region: Region) -> Region:
        """A region that holds (x, e) for every x of `region` and every |e_v| <= E_v.

        Raises UserError where overflow cannot be excluded.
        """
        errors = self._error_bounds(region)
        lower = (*region.lower, *(-e for e in errors))
        upper = (*region.upper, *errors)
        if region.norm == "inf" and not region.open:
            return Region("inf", lower, upper)
        if region.open:
            raise UserError(f"{self._semantics}: of an open ball nothing is known as executed")
        center = (*region.center, *(Fraction(0) for _ in errors))
        more = sum((e**region.power for e in errors), Fraction(0))
        return Region(region.norm, lower, upper, center, region.size + more, clipped=True)

    def _error_bounds(self, region: Region) -> list[Fraction]:
        """E_v of every unit and output on the region."""
        semantics = self._semantics
        shift = _SLACK - _SMALLEST[semantics]
        one, too_large = 1 << shift, Fraction(2) ** _LARGEST[semantics]
        low = [x.numerator * one // x.denominator for x in region.lower]  # of inputs and outputs
        high = [-(-x.numerator * one // x.denominator) for x in region.upper]  # of units, in 1/one
        size = [max(-a, b) for a, b in zip(low, high, strict=True)]
        if max(size) >= too_large * one:
            raise UserError(f"{semantics}: the region reaches beyond the numbers of the format")
        errors: list[Fraction] = []
        for indices, numerators, constant, denominator in self._rows:
            weights, terms = [*map(abs, numerators)], len(indices) + 1
            read = [size[j] for j in indices]
            scaled = sum(map(mul, weights, read), abs(constant) * one)
            magnitude = Fraction(scaled, denominator * one)
            lost = Fraction(sum(weights), denominator) + Fraction(sum(read), one)
            error = error_of_sum(terms - 1, magnitude, lost, semantics)
            if magnitude + error >= too_large:
                raise UserError(f"{semantics}: overflow is possible in a sum of {terms - 1} terms")
            errors.append(error)
            away = -(-error.numerator * one // error.denominator)
            sides = [(low[j], high[j]) if n > 0 else (high[j], low[j])
                     for j, n in zip(indices, numerators, strict=True)]  # fmt: skip
            below = sum(map(mul, numerators, (a for a, _ in sides)), constant * one)
            above = sum(map(mul, numerators, (b for _, b in sides)), constant * one)
            low.append(max(below // denominator - away, 0))
            high.append(max(-(-above // denominator) + away, 0))
            size.append(high[-1])  # of outputs too, which nothing reads
        return errors

    def run(self, point: Sequence[Fraction]) -> Vector:
        """The plain execution at numbers of the format: the inputs, all units, the outputs."""
        values = list(point)
        for number in range(len(self._rows)):
            form = self._form(number)
            total = Fraction(0)
            for j, weight in form[0].items():
                product = rounded(weight * values[j], self._semantics)
                total = rounded(total + product, self._semantics)
            total = rounded(total + form[1], self._semantics)
            hidden = number < self._own.units.count
            values.append(max(total, Fraction(0)) if hidden else total)
        return tuple(values)

    def outputs(self, point: Sequence[Fraction]) -> Vector:
        """The outputs of the plain execution at numbers of the format."""
        return self.run(point)[self._own.variables :]

    def point(self, values: Sequence[Fraction]) -> Vector:
        """The point of the question at which its network has these values, of an execution: the
        inputs, then the errors, what was computed minus the exact form of what it reads.

        Of a unit that is 0 the pre-activation was rounded away; an error that makes it at most 0
        and is nearest to 0 does as well.
        """
        units = self._own.units.count
        errors = []
        for number in range(len(self._rows)):
            weights, constant = self._form(number)
            exact = sum((w * values[j] for j, w in weights.items()), constant)
            found = values[self.inputs + number]
            gone = number < units and found == 0
            errors.append(min(-exact, Fraction(0)) if gone else found - exact)
        return (*values[: self.inputs], *errors)

    def is_execution(self, point: Sequence[Fraction]) -> bool:
        """Whether a point of the question is the plain execution at numbers of the format."""
        start = point[: self.inputs]
        if not all(is_number(x, self._semantics) for x in start):
            return False
        return tuple(point) == self.point(self.run(start))

    def _form(self, number: int) -> tuple[dict[int, Fraction], Fraction]:
        indices, numerators, constant, denominator = self._rows[number]
        weights = {j: Fraction(n, denominator) for j, n in zip(indices, numerators, strict=True)}
        return weights, Fraction(constant, denominator)


def _with_error_inputs(network: Network) -> Network:
    """The same with an input more for each unit and output, which is added to its form."""
    inputs, units = network.inputs, network.units.count
    more = units + network.outputs.count
    build = NetworkBuilder(inputs + more)

    def form(rows: Rows, i: int, number: int) -> Affine:
        weights, constant = rows.fractions(i)
        moved = {j if j < inputs else j + more: w for j, w in weights.items()}
        return Affine({**moved, inputs + number: 1}, constant)

    for first, last in network.layer_ranges():
        build.layer([form(network.units, v, v) for v in range(first, last)])
    return build.network(
        [form(network.outputs, j, units + j) for j in range(network.outputs.count)]
    )


def error_of_sum(products: int, magnitude: Fraction, lost: Fraction, semantics: Format) -> Fraction:
    """How far a sum of so many products and a bias can be from its exact value: `magnitude` is that
    of its terms added up, `lost` that of all factors."""
    terms, below = products + 1, 1 << _PRECISION[semantics]
    if terms >= below:
        raise UserError(f"{semantics}: no error bound for a sum of {products} terms")
    relative = Fraction(terms, below - terms)
    tiny = Fraction(2) ** _SMALLEST[semantics] * (lost + 4 * terms)
    return _short(relative * magnitude + (1 + relative) * tiny)


def _short(value: Fraction) -> Fraction:
    """A number of 20 bits, or one more, that is at least `value` > 0: bounds need no more."""
    shift = _BITS - (value.numerator.bit_length() - value.denominator.bit_length())
    scaled = value * Fraction(2) ** shift
    return Fraction(-(-scaled.numerator // scaled.denominator)) / Fraction(2) ** shift


def _require_numbers(network: Network, semantics: Format) -> None:
    for name, rows in (("unit", network.units), ("output", network.outputs)):
        for i in range(rows.count):
            weights, constant = rows.fractions(i)
            for value in (*weights.values(), constant):
                if not is_number(value, semantics):
                    raise UserError(f"{name} {i}: a weight is no {semantics} number")

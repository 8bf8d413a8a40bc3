"""The linear pieces of a network on a rectangle of the plane, exactly.

Units are taken in order. On a convex polygon on which all earlier units are linear, a
pre-activation is an affine form with integer coefficients; where it has both signs the polygon is
cut along its zero line. Vertices are integers X : Y : W for the point (X/W, Y/W), W > 0, so nothing
is rounded anywhere. Pieces are closed and overlap in their edges.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import gcd

from verifier.checker.scaled import ScaledNetwork
from verifier.question.errors import UserError
from verifier.question.network import Network, Rows

MOST_WORK = 12_000_000
"""Most evaluations of a form at a vertex: about one a microsecond."""

Form = tuple[int, int, int]  # a x + b y + c
Vertex = tuple[int, int, int]
Polygon = tuple[Vertex, ...]
_ZERO: Form = (0, 0, 0)


@dataclass(frozen=True, slots=True)
class Piece:
    """A convex polygon, counterclockwise, where the decoder reads `label` inside.

    `exact` says that the output is constant there and equals the label (one output, decoder
    `value` or `nearest`). `forms` over `scales` are the outputs there; none where only points were
    evaluated.
    """

    corners: Polygon
    label: int
    exact: bool
    forms: tuple[Form, ...] = ()
    scales: tuple[int, ...] = ()

    @property
    def vertices(self) -> tuple[tuple[Fraction, Fraction], ...]:
        return tuple((Fraction(x, w), Fraction(y, w)) for x, y, w in self.corners)

    @property
    def outputs(self) -> tuple[tuple[Fraction, Fraction, Fraction], ...]:
        """(a, b, c) for each output a x + b y + c."""
        return tuple(
            (Fraction(a, scale), Fraction(b, scale), Fraction(c, scale))
            for (a, b, c), scale in zip(self.forms, self.scales, strict=True)
        )


@dataclass(frozen=True, slots=True)
class Regions:
    """The rectangle lower .. upper, cut into pieces; `linear` of them before labels were read."""

    lower: tuple[Fraction, Fraction]
    upper: tuple[Fraction, Fraction]
    pieces: tuple[Piece, ...]
    linear: int


class TooMany(UserError):
    """The pieces are more than somebody wants to wait for."""


@dataclass(slots=True)
class _Work:
    most: int
    done: int = 0

    def spend(self, amount: int) -> None:
        self.done += amount
        if self.done > self.most:
            raise TooMany(f"its linear pieces take more than {self.most:,} evaluations of a form")


def decision_regions(
    network: Network,
    decoder: str,
    classes: int,
    lower: tuple[Fraction, Fraction],
    upper: tuple[Fraction, Fraction],
    most: int = MOST_WORK,
) -> Regions:
    """The pieces of the rectangle, each with the label that `decoder` reads inside it.

    Labels are 0 .. classes-1; for `sign` label 0 is a negative output. Raises UserError for a
    network with other than two inputs, and TooMany after `most` evaluations of a form at a vertex.
    """
    if network.inputs != 2:
        raise UserError(f"regions of a plane: the network has {network.inputs} inputs, not 2")
    work = _Work(most)
    corners = rectangle(lower, upper)
    scaled = ScaledNetwork(network, 1)
    linear = _linear_pieces(network, scaled, corners, work)
    found = []
    for polygon, outputs in linear:
        scales = scaled.output_scales
        if decoder == "argmax":
            parts = _largest(polygon, outputs, scales, work)
        else:
            forms = _thresholds(decoder, classes, outputs, scales)
            parts = [
                (part, *_label(decoder, classes, part, outputs, scales))
                for part in _cut_all(polygon, forms, work)
            ]
        for part, label, exact in parts:
            found.append(Piece(part, label, exact, tuple(outputs), tuple(scales)))
    return Regions(lower, upper, tuple(found), len(linear))


def rectangle(lower: tuple[Fraction, Fraction], upper: tuple[Fraction, Fraction]) -> Polygon:
    """Its corners, counterclockwise."""
    return (
        vertex(lower[0], lower[1]), vertex(upper[0], lower[1]),
        vertex(upper[0], upper[1]), vertex(lower[0], upper[1]),
    )  # fmt: skip


def vertex(x: Fraction, y: Fraction) -> Vertex:
    """The point as integers."""
    w = x.denominator * y.denominator // gcd(x.denominator, y.denominator)
    return int(x * w), int(y * w), w


def _linear_pieces(
    network: Network, scaled: ScaledNetwork, corners: Polygon, work: _Work
) -> list[tuple[Polygon, list[Form]]]:
    """The polygons on which the network is affine, with the integer forms of its outputs."""
    last_use = _last_uses(network)
    start: dict[int, Form] = {0: (1, 0, 0), 1: (0, 1, 0)}
    pieces = [(corners, start)]
    for layer, (first, last) in enumerate(network.layer_ranges()):
        following: list[tuple[Polygon, dict[int, Form]]] = []
        for polygon, forms in pieces:
            kept = {v: form for v, form in forms.items() if last_use.get(v, -1) > layer}
            units = [
                (2 + unit, _form(network.units, *scaled.row(unit)[1:], unit, forms))
                for unit in range(first, last)
            ]
            following += _through(polygon, units, kept, work)
        pieces = following
    results = []
    layer_rows = scaled.output_layer
    weights = layer_rows.weights.tolist()
    constants = layer_rows.constants.tolist()
    rows = network.outputs
    for polygon, forms in pieces:
        outputs = []
        for j in range(rows.count):
            low, high = int(rows.starts[j]), int(rows.starts[j + 1])
            outputs.append(_form(rows, weights[low:high], constants[j], j, forms))
        results.append((polygon, outputs))
    return results


def _last_uses(network: Network) -> dict[int, int]:
    """The last hidden layer that reads each variable; one past the end for outputs."""
    uses: dict[int, int] = {}
    for layer, (first, last) in enumerate(network.layer_ranges()):
        begin, end = int(network.units.starts[first]), int(network.units.starts[last])
        for variable in set(network.units.indices[begin:end].tolist()):
            uses[variable] = layer
    for variable in set(network.outputs.indices.tolist()):
        uses[variable] = len(network.layers)
    return uses


def _form(
    rows: Rows, weights: Sequence[int], constant: int, row: int, forms: dict[int, Form]
) -> Form:
    a, b, c = 0, 0, constant
    low, high = int(rows.starts[row]), int(rows.starts[row + 1])
    for variable, weight in zip(rows.indices[low:high].tolist(), weights, strict=True):
        form = forms[variable]
        if form is not _ZERO:
            a += weight * form[0]
            b += weight * form[1]
            c += weight * form[2]
    return a, b, c


def _through(
    polygon: Polygon, units: list[tuple[int, Form]], forms: dict[int, Form], work: _Work
) -> Iterator[tuple[Polygon, dict[int, Form]]]:
    """The polygon cut by the zero lines of a layer's units, with the forms on each part."""
    waiting = [(polygon, forms, 0)]
    while waiting:
        part, known, at = waiting.pop()
        known = dict(known)
        while at < len(units):
            variable, form = units[at]
            at += 1
            work.spend(len(part))
            low, high = halved(part, form)
            if low is not None and high is not None:
                waiting.append((low, {**known, variable: _ZERO}, at))
                part = high
            known[variable] = form if high is not None else _ZERO
        yield part, known


def halved(part: Polygon, form: Form) -> tuple[Polygon | None, Polygon | None]:
    """The parts where the form is <= 0 and >= 0; None for one without inner points.

    A form that is zero on all of the polygon leaves it in the first.
    """
    a, b, c = form
    values = [a * x + b * y + c * w for x, y, w in part]
    if max(values) <= 0:
        return part, None
    if min(values) >= 0:
        return None, part
    low: list[Vertex] = []
    high: list[Vertex] = []
    for k, (here, value) in enumerate(zip(part, values, strict=True)):
        after, value_after = part[k - len(part) + 1], values[k - len(part) + 1]
        if value <= 0:
            low.append(here)
        if value >= 0:
            high.append(here)
        if (value < 0 < value_after) or (value_after < 0 < value):
            s, t = abs(value_after), abs(value)
            crossing = tuple(s * p + t * q for p, q in zip(here, after, strict=True))
            common = gcd(*crossing)
            x, y, w = (entry // common for entry in crossing)
            low.append((x, y, w))
            high.append((x, y, w))
    return tuple(low), tuple(high)


def _cut_all(polygon: Polygon, forms: list[Form], work: _Work) -> list[Polygon]:
    parts = [polygon]
    for form in forms:
        following: list[Polygon] = []
        for part in parts:
            work.spend(len(part))
            low, high = halved(part, form)
            following += [side for side in (low, high) if side is not None]
        parts = following
    return parts


def _largest(
    polygon: Polygon, outputs: list[Form], scales: list[int], work: _Work
) -> list[tuple[Polygon, int, bool]]:
    """The part of the polygon where each output is the largest, the first of equal ones."""
    found = []
    for i, output in enumerate(outputs):
        part: Polygon | None = polygon
        for j, other in enumerate(outputs):
            if part is None or i == j:
                continue
            work.spend(len(part))
            if j < i:
                part = halved(part, _minus(output, scales[i], other, scales[j]))[1]
            else:
                part = halved(part, _minus(other, scales[j], output, scales[i]))[0]
        if part is not None:
            found.append((part, i, False))
    return found


def _thresholds(decoder: str, classes: int, outputs: list[Form], scales: list[int]) -> list[Form]:
    """The forms at whose zero lines the decoder changes its answer, of a single output."""
    a, b, c = outputs[0]
    if decoder == "sign":
        return [(a, b, c)]
    return [(2 * a, 2 * b, 2 * c - (2 * k + 1) * scales[0]) for k in range(classes - 1)]


def _minus(first: Form, first_scale: int, second: Form, second_scale: int) -> Form:
    """first / first_scale - second / second_scale, times both scales."""
    a, b, c = (p * second_scale - q * first_scale for p, q in zip(first, second, strict=True))
    return a, b, c


def _label(
    decoder: str, classes: int, part: Polygon, outputs: list[Form], scales: list[int]
) -> tuple[int, bool]:
    """What the decoder reads of a single output in the middle of the part."""
    x = sum((Fraction(vertex[0], vertex[2]) for vertex in part), Fraction(0)) / len(part)
    y = sum((Fraction(vertex[1], vertex[2]) for vertex in part), Fraction(0)) / len(part)
    a, b, c = outputs[0]
    value = (a * x + b * y + c) / scales[0]
    if decoder == "sign":
        return int(value > 0), False
    label = min(range(classes), key=lambda k: (abs(value - k), k))
    return label, a == b == 0 and value == label

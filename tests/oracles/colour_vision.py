"""How colours differ, to readers who see all of them and to readers who do not.

Simulations in linear RGB: Machado, Oliveira, Fernandes, A Physiologically-based Model for
Simulation of Color Vision Deficiency, IEEE TVCG 15(6), 2009, the matrices of severity 1; and for
tritanopia, which that model fits least, also Brettel, Viénot, Mollon, Computerized simulation of
color appearance for dichromats, JOSA A 14(10), 1997, with the matrices that libDaltonLens computed
of it for sRGB. Differences: CIEDE2000 as in Sharma, Wu, Dalal, The CIEDE2000 Color-Difference
Formula, Color Research and Application 30(1), 2005. Contrast: WCAG 2.2.
"""

from __future__ import annotations

from collections.abc import Callable
from math import atan2, cos, degrees, exp, hypot, radians, sin, sqrt

Triple = tuple[float, float, float]
Matrix = tuple[Triple, Triple, Triple]

_PROTAN: Matrix = (
    (0.152286, 1.052583, -0.204868),
    (0.114503, 0.786281, 0.099216),
    (-0.003882, -0.048116, 1.051998),
)
_DEUTAN: Matrix = (
    (0.367322, 0.860646, -0.227968),
    (0.280085, 0.672501, 0.047413),
    (-0.011820, 0.042940, 0.968881),
)
_TRITAN: Matrix = (
    (1.255528, -0.076749, -0.178779),
    (-0.078411, 0.930809, 0.147602),
    (0.004733, 0.691367, 0.303900),
)
_BRETTEL: tuple[Matrix, Matrix, Triple] = (  # on either side of a plane, which has this normal
    ((1.01277, 0.13548, -0.14826), (-0.01243, 0.86812, 0.14431), (0.07589, 0.80500, 0.11911)),
    ((0.93678, 0.18979, -0.12657), (0.06154, 0.81526, 0.12320), (-0.37562, 1.12767, 0.24796)),
    (0.03901, -0.02788, -0.01113),
)
_XYZ: Matrix = (
    (0.4124564, 0.3575761, 0.1804375),
    (0.2126729, 0.7151522, 0.0721750),
    (0.0193339, 0.1191920, 0.9503041),
)


def linear(colour: str) -> Triple:
    """The colour `#rrggbb` in linear RGB."""

    def channel(value: int) -> float:
        share = value / 255
        return share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4

    red, green, blue = bytes.fromhex(colour[1:])
    return channel(red), channel(green), channel(blue)


def _times(matrix: Matrix, values: Triple) -> Triple:
    x, y, z = (sum(a * b for a, b in zip(row, values, strict=True)) for row in matrix)
    return x, y, z


def _shown(values: Triple) -> Triple:
    red, green, blue = (min(1.0, max(0.0, value)) for value in values)
    return red, green, blue


def _brettel(values: Triple) -> Triple:
    one, other, normal = _BRETTEL
    side = sum(a * b for a, b in zip(normal, values, strict=True))
    return _shown(_times(one if side >= 0 else other, values))


SEEN: dict[str, Callable[[Triple], Triple]] = {
    "all": lambda values: values,
    "protanopia": lambda values: _shown(_times(_PROTAN, values)),
    "deuteranopia": lambda values: _shown(_times(_DEUTAN, values)),
    "tritanopia": lambda values: _shown(_times(_TRITAN, values)),
    "tritanopia (Brettel)": _brettel,
}


def over(colour: str, paper: str, alpha: float) -> str:
    """The colour that `alpha` of it over the paper makes."""
    pairs = zip(bytes.fromhex(colour[1:]), bytes.fromhex(paper[1:]), strict=True)
    return "#" + bytes(round(alpha * a + (1 - alpha) * b) for a, b in pairs).hex()


def lab(values: Triple) -> Triple:
    """CIELAB of linear RGB, against the white of sRGB."""
    white = _times(_XYZ, (1.0, 1.0, 1.0))

    def f(share: float) -> float:
        return share ** (1 / 3) if share > 216 / 24389 else (24389 / 27 * share + 16) / 116

    x, y, z = (f(a / b) for a, b in zip(_times(_XYZ, values), white, strict=True))
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def ciede2000(first: Triple, second: Triple) -> float:
    """The difference of two colours of CIELAB; about one is the least that is seen."""
    (l1, a1, b1), (l2, a2, b2) = first, second
    chroma = (hypot(a1, b1) + hypot(a2, b2)) / 2
    stretch = 1.5 - 0.5 * sqrt(chroma**7 / (chroma**7 + 25.0**7))
    a1, a2 = stretch * a1, stretch * a2
    c1, c2 = hypot(a1, b1), hypot(a2, b2)
    h1, h2 = degrees(atan2(b1, a1)) % 360, degrees(atan2(b2, a2)) % 360
    turn, middle = h2 - h1, h1 + h2
    if c1 * c2 == 0:
        turn = 0.0
    elif abs(turn) > 180:
        turn -= 360 if turn > 0 else -360
        middle = (middle + (360 if middle < 360 else -360)) / 2
    else:
        middle /= 2
    dl, dc, dh = l2 - l1, c2 - c1, 2 * sqrt(c1 * c2) * sin(radians(turn / 2))
    light, c = (l1 + l2) / 2, (c1 + c2) / 2
    t = (1 - 0.17 * cos(radians(middle - 30)) + 0.24 * cos(radians(2 * middle))
         + 0.32 * cos(radians(3 * middle + 6)) - 0.20 * cos(radians(4 * middle - 63)))  # fmt: skip
    sl = 1 + 0.015 * (light - 50) ** 2 / sqrt(20 + (light - 50) ** 2)
    sc, sh = 1 + 0.045 * c, 1 + 0.015 * c * t
    rotation = (
        -sin(radians(60 * exp(-(((middle - 275) / 25) ** 2)))) * 2 * sqrt(c**7 / (c**7 + 25.0**7))
    )
    return sqrt((dl / sl) ** 2 + (dc / sc) ** 2 + (dh / sh) ** 2 + rotation * dc / sc * dh / sh)


def difference(first: str, second: str, seen: str) -> float:
    """CIEDE2000 of two colours as they are seen."""
    view = SEEN[seen]
    return ciede2000(lab(view(linear(first))), lab(view(linear(second))))


def contrast(first: str, second: str) -> float:
    """The ratio of WCAG, from 1 to 21."""
    light, dark = sorted(
        (sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), linear(colour), strict=True))
         for colour in (first, second)), reverse=True,
    )  # fmt: skip
    return (light + 0.05) / (dark + 0.05)

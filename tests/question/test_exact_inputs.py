"""Nothing that rounds, truncates or wraps around gets into the trusted types."""

import json
from fractions import Fraction

import numpy as np
import pytest

from tests.oracles.random_queries import random_query
from verifier.checker.intervals import interval_bounds
from verifier.checker.scaled import ScaledNetwork, common_denominator, evaluate
from verifier.data.dataset import Dataset
from verifier.evidence.network_file import network_bytes, parse_network
from verifier.question.build import Affine, NetworkBuilder
from verifier.question.errors import UserError
from verifier.question.network import Rows, integers
from verifier.question.query import Atom
from verifier.question.region import Region, ball, box

F = Fraction


@pytest.mark.parametrize(
    "wrong", [0.5, float("nan"), 1, np.int64(1), np.float64(1), "1", True, F(np.int64(1))]
)
def test_regions_and_atoms_hold_fractions_alone(wrong):
    for build in (
        lambda: Region("inf", (wrong,), (F(2),)),
        lambda: Region("inf", (F(0),), (wrong,)),
        lambda: Region("2", (F(-1),), (F(1),), (F(0),), wrong),
        lambda: Region("1", (F(-1),), (F(1),), (wrong,), F(1)),
        lambda: Atom((), (), wrong, False),
        lambda: Atom(((0, wrong),), (), F(0), False),
        lambda: Atom((), ((0, wrong),), F(0), False),
    ):
        with pytest.raises(UserError, match="not an exact number"):
            build()


@pytest.mark.parametrize("wrong", [0, 1, None, "false"])
def test_an_atom_is_strict_or_not(wrong):
    with pytest.raises(UserError, match="neither True nor False"):
        Atom((), (), F(0), wrong)


def test_region_bounds_are_not_truncated_to_a_foreign_denominator():
    """With denominator 1 the box [-3/2, 3/2] would become [-1, 1], its interval bounds wrong."""
    build = NetworkBuilder(1)
    network = build.network(build.layer([build.inputs[0]]))
    scaled = ScaledNetwork(network, 1)
    for region in (box([F(-3, 2)], [F(1)]), box([F(0)], [F(3, 2)])):
        with pytest.raises(UserError, match="an input of denominator 2, not of 1"):
            interval_bounds(scaled, [box([F(0)], [F(1)]), region])


@pytest.mark.parametrize("field", ["numerators", "constants", "denominators"])
@pytest.mark.parametrize(
    "wrong",
    [
        np.array([0.5]),
        np.array([1], dtype=np.int32),
        np.array([True]),
        np.array([np.int64(1)], dtype=object),
        np.array([0.5], dtype=object),
        np.array([Fraction(1)], dtype=object),
        np.array([0.5, 1], dtype=object),
    ],
)
def test_rows_hold_int64_or_python_integers(field, wrong):
    whole = np.array([1])
    parts = {"numerators": whole, "constants": whole, "denominators": whole, field: wrong}
    if wrong.dtype == object:  # as numpy would keep it: an object array of one entry
        assert type(wrong[0]) is not int
    with pytest.raises(UserError, match="not int64 or Python integers"):
        Rows(np.array([0, 1]), np.array([0]), **parts)


def test_rows_index_in_int64():
    whole = np.array([1])
    for starts, indices in ((np.array([0.0, 1.0]), np.array([0])), (np.array([0, 1]), whole > 0)):
        with pytest.raises(UserError, match="not int64"):
            Rows(starts, indices, whole, whole, whole)


EDGES = [
    2**30 - 1,
    2**30,
    2**31 - 1,
    2**31,
    2**53,
    2**61 - 1,
    2**61,
    2**62 - 1,
    2**62,
    2**63 - 1,
    2**63,
    2**64 + 1,
]


@pytest.mark.parametrize("edge", EDGES)
@pytest.mark.parametrize("sign", [1, -1])
def test_sums_beside_the_limits_of_int64_are_exact(edge, sign):
    """Weights, constants, inputs and sums beside the limits of int32 and int64, against ints."""
    for weight, constant, x, times in (
        (edge, 0, 1, 1),
        (1, edge, 1, 1),
        (1, 0, edge, 1),
        (1, 1, edge - 1, 1),
        (edge // 4, edge // 2, 2, 3),
        (1, -edge, edge, 2),
        (2**31, edge, 2**31, 4),
        (-edge, -1, -1, 2),
        (edge << 70, 0, 0, 1),
        (1, edge << 70, 0, 2),
    ):
        build = NetworkBuilder(times)
        form = sum((v * (sign * weight) for v in build.inputs), start=build.inputs[0] * 0)
        unit = build.layer([form + constant, -form])
        network = build.network([unit[0], unit[1], unit[0] + unit[1] + constant])
        value = times * sign * weight * x + constant
        out = evaluate(network, [[F(x)] * times])[0]
        first, second = max(value, 0), max(constant - value, 0)
        assert out == [first, second, first + second + constant]
        ends = sorted((x, -x))
        region = box([F(ends[0])] * times, [F(ends[1])] * times)
        bounds = interval_bounds(ScaledNetwork(network, 1), [region])[0]
        reach = times * abs(weight * x)
        assert [int(v) for v in bounds.lower] == [constant - reach, -reach]
        assert [int(v) for v in bounds.upper] == [constant + reach, reach]


def test_intervals_equal_plain_fractions_for_batches_of_mixed_sizes():
    for seed in range(150):
        query = random_query(seed, max_units=8)
        network, inputs = query.network, query.network.inputs
        huge = [F(10) ** 30] * inputs
        regions = [
            query.region,
            box([F(0)] * inputs, [F(1, 3)] * inputs),
            box([-h for h in huge], huge),
        ]
        scaled = ScaledNetwork(
            network, common_denominator([v for r in regions for v in (r.lower, r.upper)])
        )
        for batch in ([regions[0]], regions[:2], regions):
            for region, found in zip(batch, interval_bounds(scaled, batch), strict=True):
                low, high = list(region.lower), list(region.upper)
                for v in range(network.units.count):
                    weights, constant = network.units.fractions(v)
                    least = constant + sum(
                        w * (low[j] if w > 0 else high[j]) for j, w in weights.items()
                    )
                    most = constant + sum(
                        w * (high[j] if w > 0 else low[j]) for j, w in weights.items()
                    )
                    scale = scaled.scales[inputs + v]
                    assert (int(found.lower[v]), int(found.upper[v])) == (
                        least * scale,
                        most * scale,
                    ), seed
                    low.append(max(least, F(0)))
                    high.append(max(most, F(0)))


def altered_header(content, change):
    """The file with its header changed and its own hash made right again."""
    import hashlib

    magic, header, rest = content.split(b"\n", 2)
    value = json.loads(header)
    change(value)
    body = b"\n".join([magic, json.dumps(value).encode(), rest[:-32]])
    return body + hashlib.sha256(body).digest()


@pytest.mark.parametrize("kind", [["i1"], {}, None, 1, "zz", "f8", "O", "i16", ""])
def test_unknown_kinds_of_sections_are_refused(kind):
    content = network_bytes(NetworkBuilder(1).network([NetworkBuilder(1).inputs[0]]))
    parse_network(content)
    for position in range(10):

        def change(header, position=position):
            header["sections"][position]["kind"] = kind

        with pytest.raises(UserError):
            parse_network(altered_header(content, change))


@pytest.mark.parametrize("kind", [np.int64, np.int8, lambda v: F(np.int64(v)), int, F])
def test_weights_and_data_are_exact_whatever_integers_they_are_made_of(kind):
    """int64 would wrap around: 100 times 2^60."""
    build = NetworkBuilder(1)
    (x,) = build.inputs
    large, small = 1 << 60, kind(100)
    network = build.network([x * large * small + small, Affine.sum([x * small, small])])
    assert network.outputs.fractions(0) == ({0: F(100 * large)}, F(100))
    assert network.outputs.fractions(1) == ({0: F(100)}, F(100))
    assert (x / kind(4)).weights == {0: F(1, 4)}
    form = Affine({0: small}, small) * large
    assert (form.weights, form.constant) == ({0: 100 * large}, 100 * large)
    data = Dataset.from_rows("rows", [[kind(100)], [F(1, 1 << 60)]], [0, 1])
    assert data.point(0) == (F(100),)
    for wrong in (0.5, "1", None):
        with pytest.raises(UserError, match="is not an exact number"):
            x * wrong
        with pytest.raises(UserError, match="is not an exact number"):
            Dataset.from_rows("rows", [[wrong], [1]], [0, 1])


def test_integers_keep_what_they_are_given():
    for values in ([2**63 - 1], [-(2**63) + 1], [2**63], [-(2**63)], [True, 2]):
        assert integers(values).tolist() == values
    assert integers([2**63 - 1]).dtype == np.int64
    assert integers([2**63]).dtype == object
    assert integers([-(2**63)]).dtype == object


def test_radius_and_clip_are_checked():
    for bad in (
        {"radius": F(-1)},
        {"radius": F(1), "radius_squared": F(1)},
        {},
        {"radius_squared": F(-1)},
        {"radius": F(1), "clip": (F(3), F(2))},
        {"radius": F(1), "clip": (F(2), F(3))},
        {"radius": F(1), "clip": ([F(0)] * 2, [F(1)] * 2)},
    ):
        for norm in ("inf", "1", "2"):
            with pytest.raises(UserError):
                ball(norm, [F(0)], **bad)

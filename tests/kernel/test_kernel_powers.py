"""Balls of norms above 2 in the kernel: sizes, distances, cones and reaches are those of the
checker, and exact where roots are whole."""

from fractions import Fraction
from random import Random

import pytest

from tests.oracles.kernel import kernel_answer
from verifier.data.dataset import Dataset
from verifier.evidence.certificate import Flip, Leaf, Node, Robust
from verifier.evidence.data_file import Points
from verifier.kernel.question import Cone, Questions, Region, root_upper
from verifier.kernel.ridge import Ridges
from verifier.kernel.text import Refused
from verifier.question import region as fast
from verifier.question.build import NetworkBuilder
from verifier.question.errors import UserError
from verifier.question.executed import executable
from verifier.question.family import Cone as FastCone
from verifier.question.query import Atom, Goal, Query
from verifier.question.region import ball
from verifier.runs.run import points_of

F = Fraction
NORMS = ("3", "4", "7")


def network():
    build = NetworkBuilder(2)
    units = build.layer(build.inputs)
    return build.network([units[0] + units[1]])


@pytest.mark.parametrize("norm", NORMS)
def test_regions_have_the_sizes_of_the_checker(norm):
    p, rng = int(norm), Random(int(norm))
    for _ in range(60):
        center = [F(rng.randint(-4, 4), 2) for _ in range(2)]
        radius = F(rng.randint(1, 9), 4)
        known = ball(norm, center, radius)
        own = Region(norm, known.lower, known.upper, known.center, radius**p)
        x = [c + F(rng.randint(-9, 9), 4) for c in center]
        assert own.distance(x) == fast.distance(norm, x, center)
        assert own.contains(x) == known.contains(x)
        g = [F(rng.randint(-9, 9), rng.randint(1, 5)) for _ in range(2)]
        assert own.loss(g) == known.loss(g)
        # The box holds the ball, and one a little smaller does not, unless it may cut it.
        for name, low in (("cuts", known.lower[0] + F(1, 1000)), ("empty", known.upper[0] + 1)):
            given = [[low, known.lower[1]], known.upper, known.center, radius**p]
            with pytest.raises(Refused):
                Region(norm, *given, name == "empty")
            with pytest.raises(UserError):
                fast.Region(
                    norm, tuple(given[0]), known.upper, known.center, radius**p, name == "empty"
                )


@pytest.mark.parametrize("norm", NORMS)
def test_cones_have_the_balls_of_the_checker(norm):
    own = Cone(norm, [F(1), F(2)], ["4", "0", "3", True])
    known = FastCone(norm, (F(1), F(2)), F(4), F(0), F(3), True)
    for m in (F(0), F(1, 3), F(2), F(3)):
        here, there = own.at(m), known.at(m)
        assert (here.size, tuple(here.low), tuple(here.high)) == (
            there.size, there.lower, there.upper,
        )  # fmt: skip
        assert here.size == 4 * m ** int(norm)


@pytest.mark.parametrize("norm", ["inf", "1", "2", *NORMS])
def test_the_ball_of_a_run_has_the_power_of_its_radius(norm):
    points = points_of(Dataset.from_rows("two", [[0, 0], [3, 1]], ["a", "b"]))
    assert isinstance(points, Points)
    asked = {"norm": norm, "radius": "3/2", "clip": None, "decoder": "nearest"}

    class Named:
        names, labels = ["a", "b"], [0, 1]

    questions = Questions(network(), Named(), asked)
    region, known = questions.region([F(1), F(2)]), ball(norm, (F(1), F(2)), F(3, 2))
    assert (tuple(region.low), tuple(region.high)) == (known.lower, known.upper)
    assert norm == "inf" or region.size == known.size == F(3, 2) ** int(norm)


def test_reaches_of_directions_are_whole_where_their_roots_are():
    """||d||_(3/2) of (1, 4, 4): (1 + 8 + 8)^(2/3); of (1, 1/4) / 1: the cube of 9/8 is a square."""
    for entries, radius, power in (([1, 4, 4], F(2), 17**2), ([1, F(1, 4)], F(1), F(81, 64))):
        d = tuple((k, F(g)) for k, g in enumerate(entries))
        count = len(entries)
        region = Region("3", [F(-99)] * count, [F(99)] * count, [F(0)] * count, radius**3, True)
        assert region.loss(g for _, g in d) == radius**3 * power
        low, high = Ridges(network(), count).interval(
            d, F(0), region, ([F(-99)] * count, [F(99)] * count), ()
        )
        assert -low == high == root_upper(radius**3 * power, 3)
        assert high**3 >= radius**3 * power > (high * (1 - F(1, 2**22))) ** 3


def test_a_flip_on_the_sphere_of_an_open_ball_and_beside_it():
    """|(2, 2, 3)| to the third power is 43, and no rational is the radius of that ball."""
    build = NetworkBuilder(3)
    (unit,) = build.layer([sum(build.inputs[1:], build.inputs[0])])
    always = Goal((Atom((), ((0, F(1)),), F(-7), False),), "r")
    for size, verdict in ((F(43), "accepted"), (F(43) - F(1, 10**9), "outside")):
        region = fast.ball_of_size("3", [F(0)] * 3, size)
        query = Query(build.network([unit]), region, (always,))
        assert kernel_answer(query, Flip((F(2), F(2), F(3)), 0)) == verdict


def test_leaves_compare_powers():
    """x + y <= 2^(2/3) r on the L3 ball: r = 4 gives 6.3496, whose cube is 256."""
    region = ball("3", [F(0), F(0)], F(4))
    for bound, flaw in ((F(63497, 10000), "accepted"), (F(63495, 10000), "bound too weak"),
                        (F(-7), "bound too weak")):  # fmt: skip
        goal = Goal((Atom(((0, F(1)), (1, F(1))), (), -bound, True),), "above")
        proof = Robust((), ((Node((), Leaf()),),))
        assert kernel_answer(Query(network(), region, (goal,)), proof) == flaw


def test_errors_of_executions_add_up_to_the_power_of_the_norm():
    region = ball("3", [F(0), F(0)], F(1))
    wider = executable(network(), "float32").region(region)
    errors = wider.upper[2:]
    assert wider.size == 1 + sum(e**3 for e in errors) and all(e > 0 for e in errors)

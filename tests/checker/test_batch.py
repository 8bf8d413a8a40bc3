"""A batch with flips that are none: each is refused, and its neighbours are not."""

from fractions import Fraction

import pytest

from verifier.checker.checked import Checked, check_batch
from verifier.evidence.certificate import Flip
from verifier.question.build import NetworkBuilder
from verifier.question.query import Atom, Goal, Query
from verifier.question.region import box

F = Fraction
GOOD = Flip((F(1), F(1, 2)), 0)
WRONG = {
    "half a float": (Flip((F(1), 0.5), 0), "not exact"),
    "a float": (Flip((1.0, F(1, 2)), 0), "not exact"),
    "another dimension": (Flip((F(1),), 0), "dimension"),
    "no flip": (Flip((F(-1), F(0)), 0), "no flip"),
}


def question():
    """max(x, 0) + y >= 3/2 is reached on [-1, 1]^2."""
    build = NetworkBuilder(2)
    x, y = build.inputs
    network = build.network([build.layer([x])[0] + y])
    goal = Goal((Atom((), ((0, F(1)),), F(-3, 2), False),), "0")
    return Query(network, box([F(-1)] * 2, [F(1)] * 2), (goal,))


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_flip_is_refused_alone(name):
    query, (wrong, expected) = question(), WRONG[name]
    for listed in ([wrong, GOOD], [GOOD, wrong], [wrong, wrong, GOOD, wrong], [wrong]):
        flaws = check_batch(query.network, [query] * len(listed), listed)
        assert [None if isinstance(f, Checked) else f.flaw for f in flaws] == [
            None if flip is GOOD else expected for flip in listed
        ]


def test_outputs_belong_to_their_points():
    """Each flip is evaluated at its own point, however many are no points at all."""
    query, other = question(), Flip((F(-1), F(1, 3)), 0)
    wrong = [flip for flip, _ in WRONG.values()][:3]
    found = check_batch(query.network, [query] * 6, [wrong[0], GOOD, *wrong, other])
    assert [k for k, one in enumerate(found) if isinstance(one, Checked)] == [1]
    assert found[5].flaw == "no flip"

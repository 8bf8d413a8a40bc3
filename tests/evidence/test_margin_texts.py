"""Evidence about a margin: its text gives it back, and it says whether both numbers meet."""

from fractions import Fraction

import pytest

from verifier.evidence.certificate import Flip, Leaf, Node, Robust
from verifier.evidence.margin import Margin, margin_bytes, parse_margin
from verifier.question.errors import RefusedError

F = Fraction
PROOF, POINT = Robust((), ((Node((), Leaf()),),)), Flip((F(1, 2),), 0)


@pytest.mark.parametrize(
    ("lower", "upper", "exact"),
    [(F(1, 3), F(1, 3), True), (F(0), F(1), False), (None, F(1), False)],
)
def test_what_was_written_is_read(lower, upper, exact):
    margin = Margin(lower, upper, None if lower is None else PROOF, POINT)
    assert margin.exact is exact
    data = margin_bytes(margin, "abc")
    assert parse_margin(data, "abc") == margin
    with pytest.raises(RefusedError, match="another network"):
        parse_margin(data, "abd")
    with pytest.raises(RefusedError):
        parse_margin(data.replace(b'margin":1', b'margin":2'), "abc")

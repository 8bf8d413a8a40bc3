"""The text of a certificate: everything that a proof can hold, as documented, and back."""

import json
from fractions import Fraction

import pytest

from verifier.evidence.certificate import (
    Conflict,
    Flip,
    InputSplit,
    Leaf,
    Lemma,
    Node,
    PlaneSplit,
    Robust,
    SeparableStep,
    SymbolicLeaf,
    SymbolicStep,
    UnitSplit,
    certificate_bytes,
    parse_certificate,
)

F = Fraction
LEAF = Node((), Leaf())
LOWER = Lemma(3, False, F(1, 3), (LEAF,))
UPPER = Lemma(0, True, F(-7), (Node((), UnitSplit(2)), LEAF, Node((), Conflict(1))))
FULL = Leaf(
    atoms={0: F(1), 2: F(1, 2)},
    slopes={1: F(0), 4: F(2, 3)},
    bounds={0: F(-5), 7: F(5)},
    cuts={1: F(3)},
    box={0: F(-1, 9)},
)
TREE = (
    Node((SymbolicStep(), LOWER), InputSplit(1, F(3, 4))),
    Node((SeparableStep((F(0), F(5, 2))),), PlaneSplit(((0, F(1)), (3, F(-2, 5))), F(-1))),
    Node((), FULL),
    Node((UPPER,), SymbolicLeaf(1)),
    Node((), Leaf(slopes={0: F(1)}, ball=F(0))),
)
PROOF = Robust((UPPER, SymbolicStep()), (TREE, (LEAF,)))
TEXT = {
    "robmem": 1,
    "network": "abc",
    "verdict": "robust",
    "steps": [
        {"upper": [0, -7], "tree": [{"unit": 2}, {"leaf": {}}, {"conflict": 1}]},
        "symbolic",
    ],
    "goals": [
        [
            {
                "steps": ["symbolic", {"lower": [3, "1/3"], "tree": [{"leaf": {}}]}],
                "input": [1, "3/4"],
            },
            {"steps": [{"separable": [0, "5/2"]}], "plane": [[[0, 1], [3, "-2/5"]], -1]},
            {
                "leaf": {
                    "atoms": [[0, 1], [2, "1/2"]],
                    "slopes": [[1, 0], [4, "2/3"]],
                    "bounds": [[0, -5], [7, 5]],
                    "cuts": [[1, 3]],
                    "box": [[0, "-1/9"]],
                }
            },
            {
                "steps": [{"upper": [0, -7], "tree": [{"unit": 2}, {"leaf": {}}, {"conflict": 1}]}],
                "symbolic": 1,
            },
            {"leaf": {"slopes": [[0, 1]], "ball": 0}},
        ],
        [{"leaf": {}}],
    ],
}


def test_a_proof_with_everything():
    data = certificate_bytes(PROOF, "abc")
    assert json.loads(data) == TEXT and data.endswith(b"}\n") and b" " not in data
    assert parse_certificate(data, "abc") == PROOF
    assert parse_certificate(json.dumps(TEXT).encode(), "abc") == PROOF


@pytest.mark.parametrize("number", [F(0), F(-3), F(2**53 - 1), F(2**53), F(-(2**53)), F(2**70, 3)])
def test_a_flip_and_numbers_of_any_length(number):
    flip = Flip((number, F(1, 2)), 3)
    data = certificate_bytes(flip, "abc")
    assert parse_certificate(data, "abc") == flip
    assert json.loads(data)["point"][1] == "1/2" and json.loads(data)["goal"] == 3
    written = json.loads(data)["point"][0]  # a reader with floats alone must not round it
    assert isinstance(written, int) == (number.denominator == 1 and abs(number) < 2**53)

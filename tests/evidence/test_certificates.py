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
    MaximaStep,
    Node,
    PairLemma,
    PlaneSplit,
    Robust,
    SeparableStep,
    SumsStep,
    SymbolicLeaf,
    SymbolicStep,
    UnitSplit,
    Weight,
    certificate_bytes,
    parse_certificate,
)
from verifier.question.errors import RefusedError

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
WEIGHTS = (
    Weight(((0, F(1)),), F(1, 2)),
    Weight(((0, F(1)), (2, F(-1, 3))), F(0), F(3)),
)
TREE = (
    Node((SymbolicStep(), LOWER), InputSplit(1, F(3, 4))),
    Node((SeparableStep((F(0), F(5, 2))),), PlaneSplit(((0, F(1)), (3, F(-2, 5))), F(-1))),
    Node((), FULL),
    Node((UPPER,), SymbolicLeaf(1)),
    Node((), Leaf(slopes={0: F(1)}, ball=F(0), usual=True, weights=WEIGHTS)),
)
PROOF = Robust((UPPER, SymbolicStep(), MaximaStep()), (TREE, (LEAF,)))
TEXT = {
    "robmem": 2,
    "network": "abc",
    "verdict": "robust",
    "steps": [
        {"upper": [0, -7], "tree": [{"unit": 2}, {"leaf": {}}, {"conflict": 1}]},
        "symbolic",
        "maxima",
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
            {
                "leaf": {
                    "slopes": [[0, 1]],
                    "ball": 0,
                    "usual": True,
                    "weights": [[[[0, 1]], "1/2"], [[[0, 1], [2, "-1/3"]], 0, 3]],
                }
            },
        ],
        [{"leaf": {}}],
    ],
}


def test_a_proof_with_everything():
    data = certificate_bytes(PROOF, "abc")
    assert json.loads(data) == TEXT and data.endswith(b"}\n") and b" " not in data
    assert parse_certificate(data, "abc") == PROOF
    assert data == json.dumps(TEXT, separators=(",", ":"), sort_keys=True).encode() + b"\n"
    assert parse_certificate(json.dumps(TEXT, sort_keys=True).encode(), "abc") == PROOF


def flaw_of(text, sort_keys=True):
    with pytest.raises(RefusedError) as caught:
        parse_certificate(json.dumps(text, sort_keys=sort_keys).encode(), "abc")
    return caught.value.flaw


def test_keys_of_version_2_are_sorted_everywhere():
    assert flaw_of(TEXT, sort_keys=False) == "unsorted keys"
    ordered = json.loads(json.dumps(TEXT, sort_keys=True))
    inner = ordered["goals"][0][0]["steps"][1]
    ordered["goals"][0][0]["steps"][1] = {"tree": inner["tree"], "lower": inner["lower"]}
    assert flaw_of(ordered, sort_keys=False) == "unsorted keys"


def test_a_step_about_final_sums_is_read_as_it_is_written():
    proof = Robust((SumsStep((F(1), F(2, 7)), ()), SumsStep((), (F(0),))), ((LEAF,),))
    assert parse_certificate(certificate_bytes(proof, "0"), "0") == proof
    for sides in ([["1"], []], [[1]], [[1], [], []], [[-1], []], [[1], 2], {"lower": [1]}):
        text = TEXT | {"steps": [{"sums": sides}]}
        assert flaw_of(text) in ("malformed", "negative multiplier"), sides
    assert flaw_of(TEXT | {"steps": [{"sums": [[], []], "more": 1}]}) == "unknown field"


def test_a_lemma_about_a_family_has_a_bound_at_each_end():
    ends = PairLemma(2, False, (F(1, 3), F(-2)), (LEAF,))
    proof = Robust((ends, PairLemma(0, True, (F(0), F(0)), (LEAF,))), ((LEAF,),))
    data = certificate_bytes(proof, "0")
    assert json.loads(data)["steps"][0]["lower"] == [2, "1/3", -2]
    assert parse_certificate(data, "0") == proof
    for listed in ([], [2], [2, 0, 0, 0], [2, 0, 0, 0, 0], [2, 0, "x"], [-1, 0, 0], 2):
        step = {"lower": listed, "tree": [{"leaf": {}}]}
        assert flaw_of(TEXT | {"steps": [step]}) == "malformed", listed


@pytest.mark.parametrize(
    "tree", [[], [{"unit": 0}], [{"unit": 0}, {"leaf": {}}], [{"leaf": {}}] * 2,
             [{"unit": 0}, *[{"leaf": {}}] * 3], [{"leaf": {}}, {"unit": 0}, {"leaf": {}}]],
)  # fmt: skip
def test_a_list_of_nodes_that_is_no_tree_is_refused_as_a_text(tree):
    assert flaw_of(TEXT | {"goals": [tree]}) == "malformed tree"
    step = {"lower": [3, 0], "tree": tree}
    assert flaw_of(TEXT | {"steps": [step]}) == "malformed tree"


def test_version_1_has_its_own_fields_in_any_order():
    old = json.loads(json.dumps(TEXT))
    old["robmem"] = 1
    assert flaw_of(old) == "malformed"  # a step about maxima
    old["steps"].remove("maxima")
    for step, flaw in (
        ({"sums": [[], []]}, "missing field"),  # of a lemma, which it would have to be
        ({"lower": [0, 0, 1], "tree": [{"leaf": {}}]}, "malformed"),
    ):
        assert flaw_of(old | {"steps": [step]}) == flaw
        again = json.dumps(old | {"robmem": 2, "steps": [step]}, sort_keys=True).encode()
        assert len(parse_certificate(again, "abc").steps) == 1
    leaf = old["goals"][0][-1]["leaf"]
    new = {name: leaf.pop(name) for name in ("usual", "weights")}
    for name, value in new.items():
        leaf[name] = value
        assert flaw_of(old) == "unknown field"
        del leaf[name]
    tree = (*TREE[:-1], Node((), Leaf(slopes={0: F(1)}, ball=F(0))))
    proof = Robust((UPPER, SymbolicStep()), (tree, (LEAF,)))
    assert parse_certificate(json.dumps(old).encode(), "abc") == proof
    old["robmem"] = 3
    assert flaw_of(old) == "version"


@pytest.mark.parametrize(
    ("wrong", "flaw"),
    [
        ({"usual": False}, "malformed"),
        ({"usual": 1}, "malformed"),
        ({"weights": [[[[0, 1]], 1]]}, "malformed"),  # without a multiplier of the ball
        ({"ball": 1, "weights": []}, "malformed"),
        ({"ball": 1, "weights": [[[], 1]]}, "malformed"),
        ({"ball": 1, "weights": [[[[0, 2]], 1]]}, "malformed"),  # the first entry is not 1
        ({"ball": 1, "weights": [[[[0, 1], [1, 0]], 1]]}, "malformed"),
        ({"ball": 1, "weights": [[[[1, 1]], 1], [[[0, 1]], 1]]}, "malformed"),  # in disorder
        ({"ball": 1, "weights": [[[[0, 1]], 1], [[[0, 1]], 1]]}, "malformed"),  # twice
        ({"ball": 1, "weights": [[[[0, 1]], -1]]}, "negative multiplier"),
        ({"ball": 1, "weights": [[[[0, 1]], 1, 0]]}, "negative multiplier"),
        ({"ball": 1, "weights": [[[[0, 1]], 1, 1, 1]]}, "malformed"),
        ({"ball": 1, "weights": [[[[0, 1]]]]}, "malformed"),
        ({"ball": 1, "weights": [{}]}, "malformed"),
        ({"ball": 1, "weights": {}}, "malformed"),
    ],
)
def test_fields_of_version_2_that_are_wrong(wrong, flaw):
    assert flaw_of(TEXT | {"goals": [[{"leaf": wrong}]]}) == flaw


@pytest.mark.parametrize("number", [F(0), F(-3), F(2**53 - 1), F(2**53), F(-(2**53)), F(2**70, 3)])
def test_a_flip_and_numbers_of_any_length(number):
    flip = Flip((number, F(1, 2)), 3)
    data = certificate_bytes(flip, "abc")
    assert parse_certificate(data, "abc") == flip
    assert json.loads(data)["point"][1] == "1/2" and json.loads(data)["goal"] == 3
    written = json.loads(data)["point"][0]  # a reader with floats alone must not round it
    assert isinstance(written, int) == (number.denominator == 1 and abs(number) < 2**53)

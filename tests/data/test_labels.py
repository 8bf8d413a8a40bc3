"""Names of outputs are told apart as the data tell their labels apart."""

from __future__ import annotations

import pytest

from verifier.data.labels import label_table, output_names
from verifier.question.errors import UserError


@pytest.mark.parametrize("other", ["1.0", "1.", "+1", "01", "+01.00"])
def test_two_names_of_one_integer_are_one_label(other):
    """Data have them as one, so that a sample of either would be one of both outputs."""
    present, numbers = label_table("data", ["1", other, "2"])
    assert present == ("1", "2") and numbers.tolist() == [0, 0, 1]
    for names in (["1", other, "2"], [other, "2", "1"]):
        with pytest.raises(UserError, match=r"m\.onnx names its outputs .* two are one label"):
            output_names("data", "argmax", 3, present, names, "m.onnx")
        with pytest.raises(UserError, match="--labels: a label stands there twice"):
            output_names("data", "argmax", 3, present, names)


def test_beside_a_text_they_are_two_labels():
    texts = ["1", "1.0", "a"]
    present, numbers = label_table("data", texts)
    assert present == ("1", "1.0", "a") and numbers.tolist() == [0, 1, 2]
    assert output_names("data", "argmax", 3, present, texts, "m.onnx") == texts

"""LIBSVM's sparse tables are the dense ones that they stand for."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifier.data.dataset import Dataset
from verifier.data.load import load
from verifier.question.errors import UserError

ENTRIES = st.sampled_from(["0", "1", "-2.5", "1e-3", "7"])


@given(st.lists(st.tuples(ENTRIES, ENTRIES, st.just("3")), min_size=1, max_size=6))
def test_zeros_may_be_left_out(rows):
    from fractions import Fraction
    from tempfile import TemporaryDirectory

    lines = [
        f"{k % 2} " + " ".join(f"{j}:{x}" for j, x in enumerate(row, 1) if x != "0") + " # note"
        for k, row in enumerate(rows)
    ]
    with TemporaryDirectory() as folder:
        path = Path(folder) / "t.svm"
        path.write_text("\n".join(lines) + "\n")
        found = load(str(path))
    dense = [[Fraction(x) for x in row] for row in rows]
    assert (
        found.digest() == Dataset.from_rows("t", dense, [k % 2 for k in range(len(rows))]).digest()
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1 0:5\n", "line 1: its indices do not increase from 1"),
        ("1 1:2\n-1 2:1 2:3\n", "line 2: its indices do not increase"),
        ("1 qid:3 1:2\n", "line 1: 'qid:3' is not INDEX:VALUE"),
        ("1 1\n", "line 1: '1' is not INDEX:VALUE"),
        ("1 3:x\n", "line 1, column 3: 'x' is not a number"),
        ("1 1:2\n1 9999999999:2\n", "2 samples of 9999999999 inputs, too many"),
        ("1\n", "samples without inputs"),
        ("# nothing\n", "no samples"),
    ],
)
def test_what_is_none_is_refused(text, message, tmp_path):
    (tmp_path / "t.libsvm").write_text(text)
    with pytest.raises(UserError, match=message):
        load(str(tmp_path / "t.libsvm"))

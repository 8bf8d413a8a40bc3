"""A table is read as it is meant or refused with the option that says what is meant."""

from __future__ import annotations

import os
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from verifier.data.dataset import Dataset
from verifier.data.decimals import decimal_row
from verifier.data.layout import Layout
from verifier.data.load import load
from verifier.question.errors import UserError

WINE_FIRST = "".join(f"{k % 3 + 1},{k}.5,{1000 + k}\n" for k in range(24))
"""Labels first and a column of many values last, as the file of UCI has them."""


def table(folder: Path, text: str, name: str = "t.csv", **layout: object) -> Dataset:
    path = folder / name
    path.write_bytes(text.encode())
    return load(str(path), Layout(**layout))


def rows(dataset: Dataset) -> list[list[Fraction]]:
    return [list(dataset.point(k)) for k in range(dataset.size)]


def labels(dataset: Dataset) -> list[str]:
    return [dataset.label_names[k] for k in dataset.labels]


# ------------------------------------------------------------------- headers


@pytest.mark.parametrize(
    "text",
    [
        "0,1,2\n5.1,3.5,1\n4.9,3.0,0\n",
        "0,1,2\n5.1,3.5,2\n4.9,3.0,0\n",  # the last name is a label too
        "0,1\n5,1\n4,0\n",
        "1,2,3\n5.1,3.5,1\n4.9,3.0,0\n",
        "2019,2020,label\n5.1,3.5,1\n4.9,3.0,0\n",
        "2019,2020,2021\n5.1,3.5,1\n4.9,3.0,0\n",
        "400,450,500\n1,2,1\n2,1,1\n1,1,0\n2,2,0\n",
        "2019,2020,class\n5.1,3.5,1.0\n4.9,3.0,0.0\n",
    ],
)
def test_numbers_that_may_be_names_are_no_sample(text, tmp_path):
    with pytest.raises(UserError, match=r"t\.csv: line 1: .* give --header or --no-header"):
        table(tmp_path, text)
    named = table(tmp_path, text, header=True)
    assert named.size == text.count("\n") - 1
    assert named.feature_names == tuple(text.split("\n")[0].split(",")[:-1])
    if "l" not in text:
        assert table(tmp_path, text, header=False).size == text.count("\n")


@settings(max_examples=200)
@given(st.data())
def test_names_that_count_never_become_a_sample(data):
    """Whatever is below them, a first row 0, 1, .. is no sample, and of one row more no class."""
    width = data.draw(st.integers(2, 5))
    cells = st.integers(-3, 3).map(str) | st.sampled_from(["0.5", "1e2", "7"])
    body = data.draw(
        st.lists(st.lists(cells, min_size=width, max_size=width), min_size=1, max_size=6)
    )
    first = ",".join(map(str, range(width)))
    text = "\n".join([first, *map(",".join, body)]) + "\n"
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as folder, pytest.raises(UserError, match="give --header or"):
        table(Path(folder), text)


@pytest.mark.parametrize(
    "text",
    [
        "5.1,3.5,1\n4.9,3.0,0\n",
        "5,3,1\n4,3,0\n",
        "0,0,1\n4,3,0\n",
        "1,2,a\n3,4,b\n",
        "4,4,a\n1,1,b\n2,2,c\n",  # names are distinct
        "0,1,5\n2,1,5\n1,1,3\n",
        "1,2\n0,2\n3,1\n",
    ],
)
def test_samples_first_stay_samples(text, tmp_path):
    dataset = table(tmp_path, text)
    assert dataset.feature_names is None
    assert dataset.size == text.count("\n")


def test_a_header_can_be_said_to_be_none_or_one(tmp_path):
    mixed = "id7,2019,label\n1,2,1\n3,4,0\n"
    with pytest.raises(UserError, match="'id7' is not a number; if .* columns, give --header$"):
        table(tmp_path, mixed)
    assert table(tmp_path, mixed, header=True).feature_names == ("id7", "2019")
    with pytest.raises(UserError, match="'a' is not a number"):
        table(tmp_path, "a,b,c\n1,2,1\n", header=False)
    with pytest.raises(UserError, match="--no-header says there is none"):
        table(tmp_path, "a,b\n1,2\n", header=False, label_column="a")


# ------------------------------------------------------------------- columns


def test_label_columns(tmp_path):
    text = "kind,a,b\nx,1,2\ny,3,4\n"
    with pytest.raises(UserError, match=r"'kind' is not|line 2, column 1: 'x' is not a number"):
        table(tmp_path, text)
    for column in ("first", "kind"):
        dataset = table(tmp_path, text, label_column=column)
        assert (rows(dataset), labels(dataset)) == ([[1, 2], [3, 4]], ["x", "y"])
        assert dataset.feature_names == ("a", "b")
    middle = table(tmp_path, "a,kind,b\n1,x,2\n3,y,4\n", label_column="kind")
    assert (rows(middle), labels(middle)) == ([[1, 2], [3, 4]], ["x", "y"])
    for column, count in (("none such", 0), ("a", 2)):
        message = rf"line 1: --label-column: {count} columns are called '{column}'"
        with pytest.raises(UserError, match=message):
            table(tmp_path, "a,a,b\n1,2,3\n", label_column=column)


@pytest.mark.parametrize("word", ["label", "Class", "target", "species", "y"])
def test_a_header_that_names_the_labels_first(word, tmp_path):
    text = f"{word},p0,p1\n7,0,255\n2,1,254\n"
    with pytest.raises(UserError, match=rf"column 1 is called '{word}', the last 'p1': give"):
        table(tmp_path, text)
    assert labels(table(tmp_path, text, label_column="first")) == ["7", "2"]
    assert labels(table(tmp_path, text, label_column="last")) == ["255", "254"]


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ("label,x,y", "column 1 is called 'label', the last 'y': give --label-column first, or"),
        ("Class,x,y", "column 1 is called 'Class', the last 'y': give --label-column first, or"),
        ("x,Target,y", "column 2 is called 'Target', the last 'y': give --label-column Target,"),
        ("a,label,b", "column 2 is called 'label', the last 'b': give --label-column label, or"),
        ("a,true class,b", "column 2 .*: give --label-column 'true class', or last"),
        ("a,species,label", "column 2 is called 'species', the last 'label': give --label-c"),
        ("class_0,class_1,class_2", "column 1 is .*, column 2 is .*: give --label-column first, "),
        ("x,labelId,id", "column 2 is called 'labelId', the last 'id'"),
        ("a,y,b", "column 2 is called 'y', the last 'b': give --label-column y, or last"),
        ("y,x,b", "column 1 is called 'y', the last 'b': give --label-column first, or last"),
        ("y,a,y", "column 1 is called 'y', the last 'y': give --label-column first, or last"),
    ],
)
def test_a_column_called_like_labels_is_no_input_unasked(names, message, tmp_path):
    """A word for labels before the last column is not overruled by a last column y."""
    text = f"{names}\n" + "".join(f"{k * 7 % 2},{k % 5},{k * k % 4}\n" for k in range(40))
    with pytest.raises(UserError, match=f"line 1: {message}"):
        table(tmp_path, text)
    first = names.partition(",")[0]
    assert labels(table(tmp_path, text, label_column="first"))[:2] == ["0", "1"]
    assert table(tmp_path, text, label_column="last").feature_names[0] == first


def test_two_columns_of_one_name_of_labels(tmp_path):
    with pytest.raises(UserError, match="give --label-column last, or rename the columns"):
        table(tmp_path, "a,label,label\n1,0,3\n2,1,3\n")


@pytest.mark.parametrize(
    "names", ["x,y,moon", "x,y,class", "y,x,label", "a,b,y", "subclass,labelled,kind", "a,y,class"]
)
def test_names_that_leave_no_doubt(names, tmp_path):
    text = f"{names}\n1,0,u\n2,1,v\n3,1,u\n"
    assert table(tmp_path, text).feature_names == tuple(names.split(",")[:2])


@pytest.mark.parametrize("name", ["id", "Index", "sampleId", "row number"])
@pytest.mark.parametrize("start", [0, 1, 500])
def test_an_index_is_seen_in_any_column(name, start, tmp_path):
    body = "".join(f"{k % 5}.5,{start + k},{k * k % 4}\n" for k in range(40))
    text = f"x,{name},label\n{body}"
    remedy = f"give --index-column '?{name}'? to leave it out, or none to keep it"
    with pytest.raises(UserError, match=f"column 2 counts the samples from {start}: {remedy}"):
        table(tmp_path, text)
    assert table(tmp_path, text, index_column=name).feature_names == ("x",)
    assert table(tmp_path, text, index_column="none").feature_names == ("x", name)
    assert table(tmp_path, text.replace(f",{name}", ",width")).dimension == 2
    assert table(tmp_path, text.replace(f",{start + 7},", ",9999,")).dimension == 2


def test_an_index_behind_labels_is_never_taken_for_them(tmp_path):
    """Without names an index in the middle cannot be left out, and none is promised."""
    text = "".join(f"{k % 2},{k},{k * k % 7}\n" for k in range(30))
    with pytest.raises(
        UserError, match="column 2 counts .*: delete it, or give --index-column none"
    ):
        table(tmp_path, text, label_column="first")


def test_labels_first_without_a_header(tmp_path):
    with pytest.raises(UserError, match="last column has 24 values in 24 samples, the first 3: "):
        table(tmp_path, WINE_FIRST)
    assert table(tmp_path, WINE_FIRST, label_column="first").label_names == ("1", "2", "3")
    assert table(tmp_path, WINE_FIRST, label_column="last").classes == 24
    text = "T,2,8\nI,5,12\n"
    with pytest.raises(UserError, match="'T' is not a number; if the labels stand first, give"):
        table(tmp_path, text)
    assert labels(table(tmp_path, text, label_column="first")) == ["T", "I"]


def test_one_label_a_row(tmp_path):
    """Values that no two samples share are inputs or measurements, unless said to be labels."""
    text = "1,2,0.25\n3,4,0.75\n5,6,1.5\n"
    with pytest.raises(UserError, match="last column has 3 values in 3 samples"):
        table(tmp_path, text)
    assert table(tmp_path, text, label_column="last").classes == 3
    names = "".join(f"{k * k},{-k},name{k}\n" for k in range(30))
    with pytest.raises(UserError, match="last column has 30 values in 30 samples"):
        table(tmp_path, names)
    numbered = "".join(f"{k * k},{-k},{k}\n" for k in range(30))
    assert table(tmp_path, numbered).classes == 30  # a memorizer may well have a label a sample


def test_an_index_is_left_out_where_it_is_said_and_never_taken_silently(tmp_path):
    pandas = ",sepal,petal,species\n0,5.1,3.5,setosa\n1,6.3,3.3,virginica\n"
    with pytest.raises(UserError, match="line 1: the first column has no name.*--index-column"):
        table(tmp_path, pandas)
    dataset = table(tmp_path, pandas, index_column="first")
    assert rows(dataset)[1] == [Fraction("6.3"), Fraction("3.3")]
    assert dataset.feature_names == ("sepal", "petal")
    assert table(tmp_path, pandas, index_column="none").dimension == 3
    with pytest.raises(UserError, match="the first column has no name"):
        table(tmp_path, pandas.replace(",sepal", "Unnamed: 0,sepal", 1))
    named = "Id,a,b,y\n1,5,7,x\n2,6,9,z\n3,1,1,x\n"
    with pytest.raises(UserError, match="column 1 counts the samples from 1: give --index-col"):
        table(tmp_path, named)
    assert table(tmp_path, named, index_column="Id").feature_names == ("a", "b")
    long = "".join(f"{k},{k * k % 7},{k % 2}\n" for k in range(1, 30))
    with pytest.raises(UserError, match="column 1 counts the samples from 1"):
        table(tmp_path, long)
    assert table(tmp_path, long, index_column="first").dimension == 1
    behind = table(tmp_path, "y,a,no\nu,5,1\nv,6,2\n", index_column="last", label_column="first")
    assert (rows(behind), labels(behind)) == ([[5], [6]], ["u", "v"])


def test_points_without_labels(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("1,2\n3,4\n")
    with pytest.raises(UserError, match="--label-column none: without labels nothing is asked"):
        load(str(path), Layout(label_column="none"))
    for layout in (Layout(), Layout(label_column="none")):
        assert rows(load(str(path), layout, inputs=2)) == [[1, 2], [3, 4]]
    assert rows(load(str(path), inputs=1)) == [[1], [3]]
    path.write_text("0,1\n5,7\n")
    with pytest.raises(UserError, match="give --header or --no-header"):
        load(str(path), inputs=2)
    path.write_text("a,class\n5,7\n")
    with pytest.raises(UserError, match="'class', no column is left .*--label-column class, or no"):
        load(str(path), inputs=2)
    assert rows(load(str(path), Layout(label_column="none"), inputs=2)) == [[5, 7]]


@settings(max_examples=100)
@given(st.lists(st.fractions(max_denominator=999), min_size=1, max_size=4))
def test_fractions_are_the_fractions_they_print(values):
    numerators, denominator = decimal_row([str(value) for value in values], "here")
    assert [Fraction(entry, denominator) for entry in numerators] == values


@pytest.mark.parametrize("cell", ["1/0", "1/", "/2", "1/2/3", "1/-2", "1.5/2", "a/b", "1 /2"])
def test_what_is_no_fraction(cell):
    with pytest.raises(UserError, match=f"here, column 2: '{cell}' is not a number"):
        decimal_row(["1/2", cell], "here")


# ---------------------------------------------------------------- separators


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("t.csv", "a,b,y\n1,2.5,u\n-3,4,v\n"),
        ("t.tsv", "a\tb\ty\n1\t2.5\tu\n-3\t4\tv\n"),
        ("t.txt", "a b  y\n 1  2.5 u\n-3\t4 v\n"),
        ("t.txt", "a,b,y\n1,2.5,u\n-3,4,v\n"),
        ("t.txt", "\n\na\tb\ty\n1\t2.5\tu\n-3\t4\tv\n"),
        ("t.data", "a;b;y\n1;2.5;u\n-3;4;v\n"),
        ("t.data", "\ufeff1,2.5,u\n-3,4,v\n"),
        ("t.txt", "\ufeff1 2.5 u\r\n-3 4 v\r\n"),
    ],
)
def test_files_of_text(name, text, tmp_path):
    dataset = table(tmp_path, text, name)
    assert (rows(dataset), labels(dataset)) == ([[1, Fraction(5, 2)], [-3, 4]], ["u", "v"])
    assert dataset.name == "t"


@pytest.mark.parametrize(
    ("sign", "words"),
    [(";", (";", "semicolon")), ("\t", ("tab", "\\t")), ("|", ("|",)), (" ", ("space", " "))],
)
def test_separators_are_named_where_one_is_missed(sign, words, tmp_path):
    text = "1,2,u\n-3,4,v\n".replace(",", sign)
    for word in words:
        assert labels(table(tmp_path, text, separator=word)) == ["u", "v"]
    remedy = {";": "semicolon", "\t": "tab", " ": "space"}.get(sign)
    with pytest.raises(UserError, match=f"give --separator {remedy}" if remedy else "one column"):
        table(tmp_path, text)


@pytest.mark.parametrize(
    ("name", "text", "place"),
    [
        ("t.csv", "1,2,u\n,,\n3,4,v\n", "line 2: all 3 fields are empty"),
        ("t.csv", "1,2,u\n3,4,v\n , ,\n", "line 3: all 3 fields"),
        ("t.csv", ",\n1,2,u\n", "line 1: all 2 fields"),
        ("t.csv", '1,2,u\n"","",""\n', "line 2: all 3 fields"),
        ("t.tsv", "1\t2\tu\n\t\t\n", "line 2: all 3 fields"),
        ("t.data", "1;2;u\n;;\n", "line 2: all 3 fields"),
    ],
)
def test_a_row_of_empty_fields_is_no_blank_line(name, text, place, tmp_path):
    with pytest.raises(UserError, match=f"{place}.*delete the line, or its separators"):
        table(tmp_path, text, name)


def test_blank_lines_are_none(tmp_path):
    assert rows(table(tmp_path, "\n1,2,u\n\n   \n3,4,v\n\n")) == [[1, 2], [3, 4]]


@pytest.mark.parametrize(
    ("text", "layout", "message"),
    [
        ("1,5;2,5;u\n", {}, "if semicolons separate the columns, give --separator semicolon"),
        ("1,5;u\n2,5;v\n", {}, "line 1, column 2: '5;u' is not a label; if semicolons separate"),
        ("1,5;2;u\n", {"separator": ";"}, "'1,5' is not a number; write decimal points instead"),
        ("1,5\t2\tu\n", {"separator": "tab"}, "write decimal points instead of decimal commas"),
    ],
)
def test_decimal_commas(text, layout, message, tmp_path):
    with pytest.raises(UserError, match=message):
        table(tmp_path, text, **layout)


@pytest.mark.parametrize("sign", ["", "ab", "1", ".", "-", '"', "\n"])
def test_what_is_no_separator(sign):
    with pytest.raises(UserError, match="--separator"):
        Layout(separator=sign)


def test_text_that_is_not_utf_8(tmp_path):
    (tmp_path / "t.csv").write_bytes("1,2,a\n".encode("utf-16"))
    with pytest.raises(UserError, match=r"UTF-16; save it as UTF-8$"):
        load(str(tmp_path / "t.csv"))


def test_what_is_no_table_takes_no_options(tmp_path):
    np.savez(tmp_path / "t.npz", X=np.eye(2), y=[0, 1])
    for spec in ("digits", str(tmp_path / "t.npz")):
        with pytest.raises(UserError, match=f"--separator is for tables of text, not for {spec}"):
            load(spec, Layout(separator=";"))
        with pytest.raises(UserError, match=f"--header is for tables of text, not for {spec}"):
            load(spec, Layout(header=False))


@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz", "t.npz", "t.npy", "t.txt"])
def test_a_pipe_is_refused_at_once(name, tmp_path):
    os.mkfifo(tmp_path / name)
    with pytest.raises(UserError, match="is a pipe or a device"):
        load(str(tmp_path / name))


def test_devices_are_refused():
    for spec in ("/dev/zero:/dev/zero", "/dev/zero"):
        with pytest.raises(UserError):
            load(spec)


# -------------------------------------------------------------------- arrays


@pytest.mark.parametrize("names", [("X", "y"), ("x", "y"), ("x_train", "y_train")])
def test_names_of_arrays(names, tmp_path):
    path = tmp_path / "t.npz"
    np.savez(path, **dict(zip(names, ([[1, 2], [3, 4]], [1, 0]), strict=True)))
    assert rows(load(str(path))) == [[1, 2], [3, 4]]


def test_parts_of_an_array_file(tmp_path):
    path = tmp_path / "mnist.npz"
    np.savez(path, x_train=[[1], [2]], y_train=[0, 1], x_test=[[3]], y_test=[1])
    assert rows(load(f"{path}:train")) == rows(load(str(path))) == [[1], [2]]
    assert rows(load(f"{path}:test")) == [[3]]
    assert load(f"{path}:test").name == "mnist-test"
    with pytest.raises(UserError, match="not one alone of X and y nor x and y; it holds: X, x, y"):
        np.savez(path, X=[[1]], x=[[2]], y=[0])
        load(str(path))


def test_rows_with_a_single_one_are_labels(tmp_path):
    path = tmp_path / "t.npz"
    for hot in (np.eye(3)[[2, 0, 1, 2]], np.eye(3, dtype=bool)[[2, 0, 1, 2]]):
        np.savez(path, X=np.arange(8).reshape(4, 2), y=hot)
        assert labels(load(str(path))) == ["2", "0", "1", "2"]
    for wrong in ([0.5, 0.5, 0], [1, 1, 0], [0, 0, 0], [2, 0, 0]):
        np.savez(path, X=[[1]] * 2, y=[[0, 1, 0], wrong])
        with pytest.raises(UserError, match="array y: row 1 of shape .* not zeros and a single"):
            load(str(path))


def test_single_arrays(tmp_path):
    values = np.array([[0.5, 2, 1], [3, 4, 0]])
    np.save(tmp_path / "t.npy", values)
    path = str(tmp_path / "t.npy")
    assert rows(load(path)) == [[Fraction(1, 2), 2], [3, 4]]
    assert labels(load(path)) == ["1", "0"]
    with pytest.raises(UserError, match=r"column 1: entry 0, 0.5, is not an integer"):
        load(path, Layout(label_column="first"))
    np.save(tmp_path / "y.npy", np.array([4, 7]))
    assert labels(load(f"{path}:{tmp_path / 'y.npy'}")) == ["4", "7"]
    assert load(f"{path}:{tmp_path / 'y.npy'}").dimension == 3
    with pytest.raises(UserError, match="rows of inputs and a label are needed"):
        load(str(tmp_path / "y.npy"))
    with pytest.raises(UserError, match=r"POINTS\.npy:LABELS\.npy"):
        load(path, Layout(label_column="name"))


# ------------------------------------------------------------------- folders


def idx(path: Path, array: np.ndarray, kind: int) -> None:
    form = {8: ">u1", 12: ">i4"}[kind]
    header = bytes([0, 0, kind, array.ndim]) + np.array(array.shape, ">u4").tobytes()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(header + array.astype(form).tobytes())


@pytest.mark.parametrize("below", ["", "raw", "MNIST/raw", "FashionMNIST/raw"])
def test_images_below_a_folder(below, tmp_path):
    place = tmp_path / "root" / below
    idx(place / "train-images-idx3-ubyte", np.arange(8).reshape(2, 2, 2), 8)
    idx(place / "train-labels-idx1-ubyte", np.array([5, 3]), 8)
    dataset = load(str(tmp_path / "root"))
    assert (rows(dataset)[1], labels(dataset)) == ([4, 5, 6, 7], ["5", "3"])
    assert dataset.image_shape == (2, 2)
    with pytest.raises(UserError, match="no test images: none of t10k-images-idx3-ubyte"):
        load(f"{tmp_path / 'root'}:test")


def test_two_sets_below_a_folder(tmp_path):
    for name in ("MNIST", "KMNIST"):
        idx(tmp_path / name / "raw" / "train-images-idx3-ubyte", np.zeros((1, 2, 2)), 8)
        idx(tmp_path / name / "raw" / "train-labels-idx1-ubyte", np.zeros(1), 8)
    with pytest.raises(UserError, match="name the folder of one"):
        load(str(tmp_path))
    assert load(str(tmp_path / "MNIST")).size == 1


def test_qmnist(tmp_path):
    wide = np.array([[7, 0, 5, 2, 1, 2, 3, 4], [1, 9, 9, 9, 9, 9, 9, 90000]])
    for part in ("train", "test"):
        idx(tmp_path / f"qmnist-{part}-images-idx3-ubyte", np.arange(8).reshape(2, 2, 2), 8)
        idx(tmp_path / f"qmnist-{part}-labels-idx2-int", wide, 12)
        assert labels(load(f"{tmp_path}:{part}")) == ["7", "1"]
    (tmp_path / "qmnist-test-labels-idx2-int").unlink()
    with pytest.raises(UserError, match="no test labels: no qmnist-test-labels-idx2-int"):
        load(f"{tmp_path}:test")


@pytest.mark.parametrize(
    "text",
    [
        "0,1,species\n1.5,2,cat\n3,4,dog\n5,5.5,cat\n",
        "2019,2020,label\n1,2,cat\n3,4,dog\n5,6,cat\n",
        "1,2,animal\n1,2,cat\n3,4,dog\n5,6,cat\n",
        "400.5,401.5,label\n1,2,0\n3,4,1\n5,5.5,1\n",
        "400.5,401.5,Class\n1,2,cat\n3,4,dog\n5,5.5,cat\n",
        "2018,2020,outcome\n1,2,win\n3,4,loss\n2,2,win\n",
        "2018,2020,verdict\n1,2,win\n3,4,loss\n2,2,draw\n",
        "0.5,1.5,lab\n1,2,u\n3,4,v\n2,2,u\n",
        "0.5,1.5,kind\n1,2,0\n3,4,1\n2,2,1\n",
        "0.5,1.5,2.5\n1,2,u\n3,4,v\n2,2,u\n",
        "0.5,1.5,2.5\n1,2,1\n3,4,0\n2,2,1\n",
        "2020,2020,outcome\n1,2,win\n3,4,loss\n2,2,win\n",
    ],
)
def test_a_header_of_numbers_and_a_word_is_never_a_sample(text, tmp_path):
    """As pandas writes columns that are called by integers, and spectra by wavelengths."""
    path = tmp_path / "table.csv"
    path.write_text(text)
    with pytest.raises(UserError, match="--header"):
        load(str(path))
    assert load(str(path), Layout(header=True)).size == 3
    assert load(str(path), Layout(header=False)).size == 4


def test_words_as_labels_need_no_header(tmp_path):
    text = "5.5,3,cat\n4.9,3,cat\n3,4,dog\n5,5.5,cat\n"
    assert table(tmp_path, text).size == 4
    assert table(tmp_path, "0,0,one\n0,1,two\n1,1,three\n").size == 3
    rare = text.replace("cat", "rare", 1)  # as a name of the column would be
    with pytest.raises(UserError, match="'5.5,3,rare' may be the names of the columns"):
        table(tmp_path, rare)
    assert table(tmp_path, rare, header=False).size == 4


@pytest.mark.parametrize(
    "text",
    [
        "2019,2030\n1,class 2\n5,class 2\n3,class 1\n",
        "2019,2030\n4/9,0.0\n5/4,0.0\n1,1.0\n2,1.0\n",
        "3,label7\n1,0\n5,0\n4,1\n2,1\n",
    ],
)
def test_a_header_of_numbers_over_one_input_is_never_a_sample(text, tmp_path):
    with pytest.raises(UserError, match="give --header or --no-header"):
        table(tmp_path, text)
    assert table(tmp_path, text, header=True).feature_names == (text.partition(",")[0],)


@pytest.mark.parametrize("first", ["", "id", "Index"])
def test_the_first_cell_of_an_index_tells_a_header_of_numbers(first, tmp_path):
    text = f"{first},2019,2020,2030\n0,1,7,1\n1,5,9,2\n"
    dataset = table(tmp_path, text, index_column="first")
    assert dataset.feature_names == ("2019", "2020") and dataset.size == 2


def test_an_index_beside_decimals_is_seen(tmp_path):
    """What the inputs have in common is a denominator, also of the column that counts."""
    long = "".join(f"{k},{k * k % 7}.25,{k % 2}\n" for k in range(30))
    with pytest.raises(UserError, match="column 1 counts the samples from 0"):
        table(tmp_path, long)
    with pytest.raises(UserError, match="column 1 counts the samples from 1"):
        table(tmp_path, "Id,a,y\n1,5.5,x\n2,1/3,z\n")
    assert table(tmp_path, long, index_column="first").dimension == 1
    halves = "".join(f"{k / 2},{k % 7},{k % 2}\n" for k in range(30))
    assert table(tmp_path, halves).dimension == 2


def test_labels_that_number_the_samples_are_no_labels(tmp_path):
    text = "id,kind,a\n0,1,5\n1,0,7\n2,1,2\n"
    with pytest.raises(UserError, match="the labels, column 1 called 'id', count the samples"):
        table(tmp_path, text, label_column="first")
    assert table(tmp_path, text, label_column="first", index_column="none").classes == 3
    assert table(tmp_path, text, label_column="first", index_column="id").classes == 2


@pytest.mark.parametrize("separator", ["space", ",", ";", None])
@pytest.mark.parametrize("name", ["t.csv", "t.txt"])
def test_carriage_returns_alone_end_no_line(separator, name, tmp_path):
    sign = {"space": " ", None: ","}.get(separator, separator)
    text = "\r".join(sign.join(row) for row in (("1.5", "2", "a"), ("3", "4", "b")))
    with pytest.raises(UserError, match="line 1: a carriage return within a line"):
        table(tmp_path, text, name, separator=separator)
    assert table(tmp_path, text.replace("\r", "\r\n"), name, separator=separator).size == 2


def test_quotes_between_blanks(tmp_path):
    """As R writes tables."""
    text = '"x 1" "x2"   "label"\n0.5  2 "class 10"\n1.5\t3 "say ""a"""\n2 4 plain\n'
    dataset = table(tmp_path, text, "t.txt", separator="space")
    assert dataset.feature_names == ("x 1", "x2")
    assert sorted(set(labels(dataset))) == ["class 10", "plain", 'say "a"']
    with pytest.raises(UserError, match=r"t\.txt: line 1: "):
        table(tmp_path, '1 2 "a\n3 4 b\n', "t.txt", separator="space")

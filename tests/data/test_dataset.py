"""Data sets are read exactly, whatever the format, and bad files end in one line."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import struct
import zipfile
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.oracles.shared_data import DATA
from verifier.data import arrays, storage, table
from verifier.data.bundled import BUNDLED
from verifier.data.dataset import Dataset, check_labelled
from verifier.data.decimals import decimal
from verifier.data.load import load
from verifier.question.errors import UserError

needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="no folder of measurement data")

rationals = st.fractions(min_value=-100, max_value=100, max_denominator=1000)


def write(path: Path, text: str) -> str:
    path.write_text(text, encoding="utf-8")
    return str(path)


def write_idx(path: Path, array: np.ndarray, kind: int = 8) -> Path:
    header = bytes([0, 0, kind, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    path.write_bytes(header + array.astype(np.uint8).tobytes())
    return path


def rows_of(dataset: Dataset) -> list[tuple[Fraction, ...]]:
    return [dataset.point(index) for index in range(dataset.size)]


# ------------------------------------------------------------------ the type


@given(
    st.integers(1, 4).flatmap(
        lambda n: st.lists(
            st.tuples(*[rationals] * n) | st.tuples(*[st.integers(-(2**70), 2**70)] * n),
            min_size=1,
            max_size=6,
        )
    )
)
def test_rows_come_back_exactly(rows):
    dataset = Dataset.from_rows("d", rows, [index % 2 for index in range(len(rows))])
    assert rows_of(dataset) == [tuple(map(Fraction, row)) for row in rows]
    assert (dataset.size, dataset.dimension) == (len(rows), len(rows[0]))


@pytest.mark.parametrize(
    ("entry", "dtype"),
    [(2**62 - 1, np.int64), (1 - 2**62, np.int64), (2**62, object), (-(2**62), object)],
)
def test_storage_changes_exactly_at_the_bound(entry, dtype):
    dataset = Dataset.from_rows("d", [(entry,), (0,)], [0, 1])
    assert dataset.numerators.dtype == dtype
    assert dataset.point(0) == (entry,)


def test_arrays_are_read_only():
    dataset = Dataset.from_rows("d", [(1,), (2,)], [0, 1])
    with pytest.raises(ValueError, match="read-only"):
        dataset.numerators[0, 0] = 5
    with pytest.raises(ValueError, match="read-only"):
        dataset.labels[0] = 1


def parts(**changes):
    given_parts = {
        "name": "d",
        "numerators": np.array([[1, 2], [3, 4]], dtype=np.int64),
        "denominator": 1,
        "labels": np.array([0, 1], dtype=np.int64),
        "label_names": ("a", "b"),
    }
    return given_parts | changes


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"numerators": np.zeros((0, 2), np.int64), "labels": np.zeros(0, np.int64)}, "no samples"),
        ({"numerators": np.zeros((2, 0), np.int64)}, "without inputs"),
        ({"numerators": np.zeros(2, np.int64)}, "shape"),
        ({"numerators": np.array([[0.5, 1], [2, 3]])}, "not as `Dataset` stores"),
        ({"numerators": np.array([[2**63, 1], [0.5, 3]], dtype=object)}, "not an integer"),
        ({"denominator": 0}, "denominator 0"),
        ({"denominator": -1}, "denominator -1"),
        ({"labels": np.array([0, 2], np.int64)}, r"not among 0\.\.1"),
        ({"labels": np.array([-1, 1], np.int64)}, r"not among 0\.\.1"),
        ({"labels": np.array([0, 1, 1], np.int64)}, "shape"),
        ({"label_names": ("b", "a")}, "not sorted"),
        ({"label_names": ("a", "a")}, "not sorted"),
        ({"label_names": ("10", "9")}, "not sorted"),
        ({"image_shape": (1, 3)}, "pixels"),
        ({"feature_names": ("x",)}, "feature names"),
        ({"pixel_range": (Fraction(2), Fraction(9))}, "from 1 to 4 are not in the pixel range"),
    ],
)
def test_what_does_not_fit_together_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        Dataset(**parts(**changes))


def test_selection_keeps_label_numbers():
    dataset = Dataset.from_rows("d", [(i,) for i in range(6)], ["c", "a", "b", "c", "a", "b"])
    for samples in (slice(2, 4), [2, 3], np.array([2, 3])):
        chosen = dataset.select(samples)
        assert rows_of(chosen) == [(2,), (3,)]
        assert chosen.labels.tolist() == [1, 2]
        assert chosen.label_names == ("a", "b", "c")
    assert dataset.select(slice(None)).digest() == dataset.digest()


@pytest.mark.parametrize("samples", [[], slice(9, 12), [6], [-1], [0.5], [True, False]])
def test_empty_or_wrong_selection_is_an_error(samples):
    dataset = Dataset.from_rows("d", [(i,) for i in range(6)], [0, 1] * 3)
    with pytest.raises(UserError):
        dataset.select(samples)


def test_no_negative_sample():
    dataset = Dataset.from_rows("d", [(1,), (2,)], [0, 1])
    for index in (-1, 2):
        with pytest.raises(IndexError):
            dataset.point(index)


# -------------------------------------------------------------------- digest


@settings(max_examples=50)
@given(st.lists(st.tuples(rationals, rationals), min_size=1, max_size=5), st.integers(1, 10**30))
def test_digest_does_not_see_the_common_denominator(rows, factor):
    dataset = Dataset.from_rows("d", rows, range(len(rows)))
    entries = dataset.numerators.astype(object) * factor
    fits = max(abs(entry) for entry in entries.flat) < 2**62
    scaled = Dataset(
        "other",
        entries.astype(np.int64 if fits else object),
        dataset.denominator * factor,
        dataset.labels,
        dataset.label_names,
    )
    assert scaled.digest() == dataset.digest()


def test_digest_is_of_the_documented_bytes():
    dataset = Dataset.from_rows("d", [(Fraction(1, 2), -3), (0, 7)], ["no", "yé"])
    content = b'robmem-dataset 1\n[2,2,"2",8,["no","y\\u00e9"]]\n'
    content += struct.pack("<2q", 0, 1) + struct.pack("<4q", 1, -6, 0, 14)
    assert dataset.digest() == hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize(
    ("entry", "width"),
    [(2**63 - 1, 8), (-(2**63), 8), (2**63, 16), (-(2**63) - 1, 16), (2**127, 24)],
)
def test_digest_uses_the_least_width(entry, width):
    dataset = Dataset.from_rows("d", [(entry,), (0,)], [0, 1])
    content = f'robmem-dataset 1\n[2,1,"1",{width},["0","1"]]\n'.encode() + struct.pack("<2q", 0, 1)
    content += entry.to_bytes(width, "little", signed=True) + bytes(width)
    assert dataset.digest() == hashlib.sha256(content).hexdigest()


def test_digest_tells_points_labels_names_and_order_apart():
    points = [(1,), (2,), (3,)]
    variants = [
        Dataset.from_rows("d", points, [0, 1, 1]),
        Dataset.from_rows("d", points, [0, 0, 1]),
        Dataset.from_rows("d", points, [0, 2, 2]),
        Dataset.from_rows("d", [(1,), (3,), (2,)], [0, 1, 1]),
        Dataset.from_rows("d", [(1,), (2,), (Fraction(7, 2),)], [0, 1, 1]),
    ]
    assert len({dataset.digest() for dataset in variants}) == len(variants)


def test_huge_denominators_have_a_digest():
    dataset = Dataset.from_rows("d", [(Fraction(1, 3**12000),), (0,)], [0, 1])
    assert len(dataset.digest()) == 64


# -------------------------------------------------------------------- labels


@pytest.mark.parametrize(
    ("labels", "names"),
    [
        (["10", "9", "-1"], ("-1", "9", "10")),
        (["+1", "01", "2.0"], ("1", "2")),
        (["10", "9", "a"], ("9", "10", "a")),
        (["1.5", "1.25", "-2"], ("-2", "1.25", "1.5")),
        (["class 10", "class 2", "class 02", "b"], ("b", "class 02", "class 2", "class 10")),
        (["v1.10", "v1.9", "V2"], ("V2", "v1.9", "v1.10")),
        ([True, False], ("False", "True")),
    ],
)
def test_labels_are_sorted_by_value_if_all_are_numbers_else_naturally(labels, names):
    dataset = Dataset.from_rows("d", [(i,) for i in range(len(labels))], labels)
    assert dataset.label_names == names


def test_one_class_is_an_error():
    dataset = Dataset.from_rows("d", [(1,), (2,), (3,)], ["a", "a", "b"])
    check_labelled(dataset)
    with pytest.raises(UserError, match="all 2 samples have the label 'a'"):
        check_labelled(dataset.select([0, 1]))


@pytest.mark.parametrize("scale", [1, 2**70])
def test_all_clashing_pairs_are_counted_and_the_first_named(scale):
    rows = [(scale,)] * 4 + [(-scale,)] * 2 + [(3 * scale,)]
    dataset = Dataset.from_rows("d", rows, [0, 1, 0, 1, 2, 2, 0])
    with pytest.raises(UserError, match=r"d: 4 pairs .*samples 0 and 1 \('0' and '1'\)") as error:
        check_labelled(dataset)
    assert "samples 2 and 3" in str(error.value)
    assert "4 and 5" not in str(error.value)


@needs_data
def test_haberman_cannot_be_memorized():
    with pytest.raises(UserError, match=r"6 pairs .* samples 44 and 49 \('2' and '1'\)"):
        check_labelled(load(str(DATA / "uci" / "haberman.csv")))


# ------------------------------------------------------------ bundled tables


@pytest.mark.parametrize(
    ("name", "shape", "classes"),
    [
        ("digits", (1797, 64), 10),
        ("iris", (150, 4), 3),
        ("wine", (178, 13), 3),
        ("breast_cancer", (569, 30), 2),
    ],
)
def test_bundled_tables_are_the_decimals_they_print(name, shape, classes):
    datasets = pytest.importorskip("sklearn.datasets")
    dataset = load(name)
    assert (dataset.numerators.shape, dataset.classes) == (shape, classes)
    check_labelled(dataset)
    bunch = getattr(datasets, f"load_{name}")()
    assert list(dataset.feature_names) == [str(feature) for feature in bunch.feature_names]
    assert dataset.size == len(bunch.data)
    for index in range(dataset.size):
        printed = tuple(Fraction(repr(float(value))) for value in bunch.data[index])
        assert dataset.point(index) == printed
        label = str(bunch.target_names[bunch.target[index]])
        assert dataset.label_names[dataset.labels[index]] == label


def test_digits_have_pixels_and_iris_has_features():
    digits = load("digits")
    assert digits.pixel_range == (0, 16)
    assert digits.image_shape == (8, 8)
    assert digits.denominator == 1
    assert load("iris").feature_names[0] == "sepal length (cm)"
    assert load("breast_cancer").label_names == ("benign", "malignant")
    assert set(BUNDLED) == {"digits", "iris", "wine", "breast_cancer"}


# ----------------------------------------------------------------------- csv


@settings(max_examples=300)
@given(
    st.from_regex(
        r"[+-]?([0-9]{1,9}(\.[0-9]{0,9})?|\.[0-9]{1,9})([eE][+-]?[0-9]{1,3})?", fullmatch=True
    )
)
def test_a_decimal_is_that_decimal(text):
    if not text.isascii():
        return
    mantissa, decimals = decimal(text)
    assert Fraction(mantissa, 10**decimals) == Fraction(text)


@pytest.mark.parametrize(
    "text", ["", ".", "-", "e5", "1e", "0x10", "1_0", "nan", "inf", "1 2", "½", "٣"]
)
def test_what_is_no_decimal(text):
    assert decimal(text) is None


@pytest.mark.parametrize(
    "text", ["1e1201", "1e-99999999999999999999", "9" * 1201, "0." + "1" * 5000]
)
def test_numbers_too_long_to_write_out(text, tmp_path):
    path = write(tmp_path / "t.csv", f"1,2,a\n3,{text},b\n")
    with pytest.raises(UserError, match=r"line 2, column 2: .* more than 1200 digits"):
        load(path)


def test_csv_with_header_quotes_blank_lines_exponents_and_gzip(tmp_path):
    text = '\ufeffwidth,"height, m",kind\n 0.1 ,-.5e1,big\n\n"1e-05",+7.,small\n'
    plain = load(write(tmp_path / "my table.csv", text))
    assert plain.feature_names == ("width", "height, m")
    assert plain.name == "my-table"
    assert rows_of(plain) == [(Fraction(1, 10), -5), (Fraction(1, 100000), 7)]
    assert plain.labels.tolist() == [0, 1]
    (tmp_path / "z.csv.gz").write_bytes(gzip.compress(text.encode()))
    packed = load(str(tmp_path / "z.csv.gz"))
    assert packed.digest() == plain.digest()
    assert packed.name == "z"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no samples"),
        ("a,b,label\n", "no samples"),
        ("1\n2\n", "line 1: one column"),
        ("1,2,a\n3,b\n", "line 2, column 3: 2 columns, line 1 has 3"),
        ("1,2,a\n\n3,4,5,b\n", "line 3, column 4: 4 columns, line 1 has 3"),
        ("1,2,a\n3,x,b\n", "line 2, column 2: 'x' is not a number"),
        ("1,2,a\n3,,b\n", "line 2, column 2: '' is not a number"),
        ("M,2,a\n3,4,b\n", "line 1, column 1: 'M' is not a number"),
        ("nan,nan,a\n3,4,b\n", "line 1, column 1: 'nan' is not a number"),
        ("?,?,a\n3,4,b\n", "line 1, column 1: '\\?' is not a number"),
        ("1,2,a\n3,inf,b\n", "line 2, column 2: 'inf' is not a number"),
        ("1,2,a\n3,4,\n", "line 2, column 3: '' is not a label"),
        ("1,2,a\n3,4,\x1b[31m\n", "line 2, column 3: .* is not a label"),
        ('1,2,a\n3,"4,b\n', "line 2: unexpected end of data"),
        ("1,2,a\n3," + "7" * 200_000 + ",b\n", "line 2: field larger than field limit"),
    ],
)
def test_bad_csv_ends_with_its_place(text, message, tmp_path):
    path = write(tmp_path / "t.csv", text)
    with pytest.raises(UserError, match=message) as error:
        load(path)
    assert str(error.value).startswith(path)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 300


def test_bytes_that_are_no_text(tmp_path):
    path = tmp_path / "t.csv"
    path.write_bytes(b"1,2,a\n3,4,\xff\n")
    with pytest.raises(UserError, match="line 2: byte 5 is not UTF-8"):
        load(str(path))


def test_one_tiny_decimal_does_not_blow_up_all_entries(tmp_path, monkeypatch):
    monkeypatch.setattr(storage, "MAX_STORAGE_BITS", 10**6)
    path = write(tmp_path / "t.csv", "1,1,a\n" * 500 + "1e-1000,1,b\n")
    with pytest.raises(UserError, match="1002 entries need up to 66.. bits each"):
        load(path)


def test_text_is_bounded(tmp_path, monkeypatch):
    bomb = tmp_path / "bomb.csv.gz"
    bomb.write_bytes(gzip.compress(b"0" * 2**25))
    with pytest.raises(UserError, match="line 1: more than"):
        load(str(bomb))
    monkeypatch.setattr(table, "MAX_TEXT", 1000)
    path = write(tmp_path / "t.csv", "1,2,a\n" * 500)
    with pytest.raises(UserError, match="line 167: more than"):
        load(path)
    monkeypatch.setattr(table, "MAX_TEXT", 2**30)
    monkeypatch.setattr(storage, "MAX_ENTRIES", 100)
    with pytest.raises(UserError, match="more than 100 entries"):
        load(path)


def test_damaged_gzip(tmp_path):
    path = tmp_path / "t.csv.gz"
    content = gzip.compress(b"1,2,a\n" * 1000, mtime=0)
    for damaged in (b"no gzip", content[:-9], content[:12] + b"\xff\xff" + content[14:]):
        path.write_bytes(damaged)
        with pytest.raises(UserError, match="damaged or unreadable"):
            load(str(path))


# ----------------------------------------------------------------------- npz


def write_npz(path: Path, **arrays) -> str:
    np.savez_compressed(path, **arrays)
    return str(path)


@settings(max_examples=200)
@given(
    st.lists(
        st.floats(allow_nan=False, allow_infinity=False)
        | st.sampled_from([0.1, -0.0, 5e-324, -5e-324, 1.7976931348623157e308, 2.0**-1074, 0.5]),
        min_size=1,
        max_size=6,
    )
)
def test_a_float_is_the_dyadic_it_is(values):
    numerators, denominator = storage.dyadics("X", np.array([values]))
    assert [Fraction(int(entry), denominator) for entry in numerators[0]] == [
        Fraction(value) for value in values
    ]


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, ">f8"])
def test_npz_of_floats(dtype, tmp_path):
    values = np.array([[0.1, -2.5], [3, 1e-5]], dtype=dtype)
    dataset = load(write_npz(tmp_path / "t.npz", X=values, y=np.array([3.0, -1.0])))
    assert rows_of(dataset) == [tuple(Fraction(float(v)) for v in row) for row in values]
    assert dataset.label_names == ("-1", "3")
    assert dataset.labels.tolist() == [1, 0]


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.int16, np.int64, np.uint64, ">u8", ">i8"])
def test_npz_of_integers(dtype, tmp_path):
    top = 1 if dtype is bool else np.iinfo(dtype).max
    values = np.array([[[0, 1], [1, 0]], [[top, 0], [0, 0]]], dtype=dtype)
    dataset = load(write_npz(tmp_path / "t.npz", X=np.asfortranarray(values), y=["b", "a"]))
    assert rows_of(dataset) == [(0, 1, 1, 0), (int(top), 0, 0, 0)]
    assert dataset.image_shape == (2, 2)
    assert dataset.label_names == ("a", "b")


def test_the_same_data_has_the_same_digest_in_every_format(tmp_path):
    pixels = np.arange(24, dtype=np.uint8).reshape(4, 2, 3)
    labels = np.array([7, 0, 7, 3], dtype=np.uint8)
    flat = pixels.reshape(4, 6)
    text = "".join(
        ",".join(f"{v}.0" for v in row) + f",{y}\n" for row, y in zip(flat, labels, strict=True)
    )
    images = write_idx(tmp_path / "i", pixels)
    marks = write_idx(tmp_path / "l", labels)
    digests = {
        load(write(tmp_path / "t.csv", text)).digest(),
        load(write_npz(tmp_path / "a.npz", X=flat, y=labels)).digest(),
        load(write_npz(tmp_path / "b.npz", X=flat / 1.0, y=[str(y) for y in labels])).digest(),
        load(f"{images}:{marks}").digest(),
        Dataset.from_rows("d", flat.tolist(), labels.tolist()).digest(),
    }
    assert len(digests) == 1


def npz_with(path: Path, member: bytes) -> str:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("X.npy", member)
        labels = io.BytesIO()
        np.save(labels, np.array([0, 1]))
        archive.writestr("y.npy", labels.getvalue())
    return str(path)


def npy(shape: object, descr: str = "<f8", body: bytes = b"") -> bytes:
    header = f"{{'descr': {descr!r}, 'fortran_order': False, 'shape': {shape}}}".encode()
    header += b" " * (64 - (len(header) + 11) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + body


@pytest.mark.parametrize(
    ("member", "message"),
    [
        (b"", "damaged header"),
        (b"\x93NUMPY\x09\x00", r"unknown .npy version \(9, 0\)"),
        (b"\x93NUMPY\x01\x00\xff\xff{", "damaged header"),
        (npy("(2,"), "damaged header"),
        (npy("__import__('os')"), "damaged header"),
        (npy("(1000000000000, 2)"), "0 bytes, shape .* needs 16000000000000"),
        (npy("(-1, -2)", body=bytes(16)), "16 bytes, shape"),
        (npy("(2, 1)", body=bytes(17)), "17 bytes, shape"),
        (npy("(2, 1)", "|O", b"cos\nsystem\n"), "entries of type object"),
        (npy("(2, 1)", "<c16", bytes(32)), "entries of type complex128"),
        (npy("(2, 1)", ">f16", bytes(32)), "entries of type|damaged header"),
        (npy("(2, 1)", "<f16", bytes(32)), "entries of type|damaged header"),
        (npy("(2,)", body=bytes(16)), r"shape \(2,\), one row a sample is needed"),
        (npy("(0, 2)"), "no samples"),
        (npy("(3, 1)", body=bytes(24)), r"array y has shape \(2,\), array X has 3 samples"),
        (npy("(2, 1)", body=struct.pack("<2d", 1, float("nan"))), "row 1, column 0: nan"),
        (npy("(2, 1)", body=struct.pack("<2d", float("-inf"), 1)), "row 0, column 0: -inf"),
    ],
)
def test_bad_npz_is_refused_before_it_costs_anything(member, message, tmp_path):
    path = npz_with(tmp_path / "t.npz", member)
    with pytest.raises(UserError, match=message) as error:
        load(path)
    assert str(error.value).startswith(path)


def test_npz_that_is_no_archive_or_lacks_an_array(tmp_path):
    path = tmp_path / "t.npz"
    path.write_bytes(b"PK no")
    with pytest.raises(UserError, match="not a readable .npz"):
        load(str(path))
    with pytest.raises(UserError, match="neither X and y nor x and y; it holds: X$"):
        load(write_npz(path, X=np.eye(2)))
    with pytest.raises(UserError, match="array y: entry 1, 0.5, is not an integer"):
        load(write_npz(path, X=np.eye(2), y=np.array([1, 0.5])))


def test_npz_bomb_is_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr(arrays, "MAX_ENTRIES", 1000)
    path = write_npz(tmp_path / "t.npz", X=np.zeros((2, 600)), y=[0, 1])
    with pytest.raises(UserError, match="array X: more than 8000 bytes"):
        load(path)


# ----------------------------------------------------------------- MNIST idx


def mnist_folder(folder: Path, *, packed: bool) -> Path:
    folder.mkdir()
    generator = np.random.default_rng(5)
    for prefix, size in (("train", 6), ("t10k", 4)):
        write_idx(folder / f"{prefix}-images-idx3-ubyte", generator.integers(0, 256, (size, 3, 2)))
        write_idx(folder / f"{prefix}-labels-idx1-ubyte", np.arange(size) % 3)
    if packed:
        for path in list(folder.iterdir()):
            path.with_name(path.name + ".gz").write_bytes(gzip.compress(path.read_bytes()))
            path.unlink()
    return folder


@pytest.mark.parametrize("packed", [False, True])
def test_mnist_folder_and_pair(packed, tmp_path):
    folder = mnist_folder(tmp_path / "mnist", packed=packed)
    train, test = load(str(folder)), load(f"{folder}:test")
    assert (train.name, train.size) == ("mnist-train", 6)
    assert (test.name, test.size) == ("mnist-test", 4)
    assert train.image_shape == (3, 2)
    assert train.pixel_range == (0, 255)
    assert train.label_names == ("0", "1", "2")
    assert load(f"{folder}:train").digest() == train.digest()
    end = ".gz" if packed else ""
    pair = f"{folder}/t10k-images-idx3-ubyte{end}:{folder}/t10k-labels-idx1-ubyte{end}"
    assert load(pair).digest() == test.digest()


def test_bad_idx_files(tmp_path):
    labels = write_idx(tmp_path / "l", np.arange(4))
    images = tmp_path / "i"

    def fails(content: bytes, message: str) -> None:
        images.write_bytes(content)
        with pytest.raises(UserError, match=message):
            load(f"{images}:{labels}")

    fails(b"", "not an idx file")
    fails(b"GIF89a", "not an idx file: it begins with 0x47494638")
    fails(bytes([0, 0, 13, 3]), "idx type 0x0d")
    fails(bytes([0, 0, 8, 9]), "9 dimensions")
    fails(bytes([0, 0, 8, 3, 0, 0]), "ends within its header")
    size = struct.pack(">3I", 4, 1, 2)
    fails(bytes([0, 0, 8, 3]) + size + bytes(7), r"shape \(4, 1, 2\) needs 8 bytes, there are 7")
    fails(bytes([0, 0, 8, 3]) + size + bytes(9), "needs 8 bytes, there are more")
    fails(bytes([0, 0, 8, 3]) + struct.pack(">3I", *[2**32 - 1] * 3), "entries, more than")
    fails(bytes([0, 0, 8, 3]) + struct.pack(">3I", 5, 1, 1) + bytes(5), "has 5 samples")
    fails(bytes([0, 0, 8, 1]) + struct.pack(">I", 4) + bytes(4), "1 dimension, images")
    fails(bytes([0, 0, 8, 3]) + struct.pack(">3I", 4, 0, 2), "no samples")


def test_idx_bomb_stops_at_the_size_of_its_header(tmp_path):
    header = bytes([0, 0, 8, 3]) + struct.pack(">3I", 4, 1, 2)
    bomb = tmp_path / "i.gz"
    bomb.write_bytes(gzip.compress(header + bytes(2**26)))
    labels = write_idx(tmp_path / "l", np.arange(4))
    with pytest.raises(UserError, match="needs 8 bytes, there are more"):
        load(f"{bomb}:{labels}")


def test_folder_without_images(tmp_path):
    with pytest.raises(UserError, match="no train images: none of train-images-idx3-ubyte"):
        load(str(tmp_path))


@pytest.mark.parametrize("spec", ["", "nope", "nope.doc", "a:b", ":", "~"])
def test_unknown_specs_say_what_is_known(spec):
    with pytest.raises(UserError, match=r"is no data set: neither one of digits, iris"):
        load(spec)


def test_a_part_of_a_bundled_table_is_said_to_be_none():
    with pytest.raises(UserError, match="digits has no part 'test': it is one table"):
        load("digits:test")


@pytest.mark.parametrize("spec", ["nope.csv", "nope.csv.gz", "nope.npz", "nope.txt", "nope.npy"])
def test_missing_files(spec):
    with pytest.raises(UserError, match=f"^{spec}: No such file"):
        load(spec)


@needs_data
@pytest.mark.slow
def test_mnist():
    train = load(str(DATA / "mnist"))
    assert (train.size, train.dimension, train.classes) == (60000, 784, 10)
    check_labelled(train)
    assert json.loads(json.dumps(train.digest())) == train.digest()
    assert load(f"{DATA / 'mnist'}:test").size == 10000


@needs_data
@pytest.mark.parametrize("name", ["sonar", "iris", "ecoli", "glass", "wine", "ionosphere"])
def test_public_tables_load(name):
    dataset = load(str(DATA / "uci" / f"{name}.csv"))
    lines = (DATA / "uci" / f"{name}.csv").read_text().split()
    assert dataset.size == len(lines)
    cells = lines[-1].split(",")
    assert dataset.point(dataset.size - 1) == tuple(Fraction(cell) for cell in cells[:-1])
    assert dataset.label_names[dataset.labels[-1]] == cells[-1]

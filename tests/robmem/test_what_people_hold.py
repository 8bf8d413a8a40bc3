"""Numbers, norms, samples, data and fitted models go in as they are held, and exactly."""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

import robmem
from robmem import UserError
from verifier.data.held import exact_number, sample_list
from verifier.question.region import read_norm

F = Fraction
HAT = robmem.load_network(([[[1], [-1]]], [[0, 1]]))
LINE = robmem.Dataset.from_arrays([[2], [0]], [0, 1], name="line")


@pytest.mark.parametrize(
    ("value", "decimals", "exact"),
    [
        (3, False, F(3)),
        (np.int64(3), False, F(3)),
        (np.uint8(200), False, F(200)),
        (0.1, False, F(0.1)),
        (0.1, True, F(1, 10)),
        (np.float32(0.1), False, F(float(np.float32(0.1)))),
        (np.float32(0.1), True, F(1, 10)),
        (np.array(0.5), False, F(1, 2)),
        ("0.1", False, F(1, 10)),
        (Decimal("0.1"), False, F(1, 10)),
        (F(1, 3), True, F(1, 3)),
    ],
)
def test_numbers_are_exact(value, decimals, exact):
    assert exact_number(value, decimals=decimals) == exact


@pytest.mark.parametrize("value", [True, math.nan, math.inf, None, "five", [1], object()])
def test_what_is_no_number_is_refused_by_its_place(value):
    with pytest.raises(UserError, match="^radius: "):
        exact_number(value, "radius")


@pytest.mark.parametrize(
    ("norm", "read"),
    [(2, "2"), (2.0, "2"), ("l2", "2"), ("L2", "2"), (np.int64(2), "2"), (1, "1"), ("L1", "1"),
     (np.inf, "inf"), (math.inf, "inf"), ("linf", "inf"), ("Linf", "inf"), ("inf", "inf")],
)  # fmt: skip
def test_norms_by_any_name(norm, read):
    assert read_norm(norm) == read
    assert robmem.Ball([0], 1, norm).region.contains([F(1)])


@pytest.mark.parametrize("norm", [65, 0, "l70", None, ""])
def test_other_norms_are_refused(norm):
    with pytest.raises(UserError, match="is not inf, or an integer"):
        robmem.Ball([0], 1, norm)


def test_samples_are_chosen_by_numbers_slices_and_masks():
    assert sample_list(np.int64(2), 5) == [2]
    assert sample_list(range(1, 3), 5) == sample_list(np.array([1, 2]), 5) == [1, 2]
    assert sample_list(slice(None, None, 2), 5) == [0, 2, 4]
    assert sample_list(np.arange(5) > 2, 5) == [3, 4]
    for wrong, words in (
        ([7], "no sample 7"), ([-1], "no sample -1"), ([True], "a mask of 1 entries"),
        ("0:5", "neither a slice"), ([0.5], "neither a slice"),
    ):  # fmt: skip
        with pytest.raises(UserError, match=words):
            sample_list(wrong, 5)


class Frame:
    """As much of a frame of pandas or polars as is read."""

    columns = ("length", "width")

    def __init__(self, rows):
        self._rows = rows

    def to_numpy(self):
        return np.array(self._rows)


def test_arrays_lists_and_frames_are_the_same_data():
    rows, labels = [[0.1, 2.0], [3.0, 0.25]], ["b", "a"]
    made = [
        robmem.Dataset.from_arrays(points, labels)
        for points in (rows, np.array(rows), np.array(rows, dtype=object), Frame(rows))
    ]
    assert {data.digest() for data in made} == {made[0].digest()}
    assert made[0].point(0) == (F(0.1), F(2))
    assert made[-1].feature_names == ("length", "width")
    exact = robmem.Dataset.from_arrays(np.array(rows), np.array(labels), decimals=True)
    assert exact.point(0) == (F(1, 10), F(2))
    text = robmem.Dataset.from_arrays([["1/3", "0.1"], [1, 2]], [1.0, 0.0])
    assert text.point(0) == (F(1, 3), F(1, 10)) and text.label_names == ("0", "1")


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_frames_of_the_libraries_are_read_exactly(library, tmp_path):
    frames = pytest.importorskip(library)
    columns = {"a": [0.1, 3.0, 2.0], "b": [2, 5, 7]}
    frame, labels = frames.DataFrame(columns), frames.Series(["low", "high", "low"])
    data = robmem.Dataset.from_arrays(frame, labels, name="frame")
    assert (data.size, data.feature_names, data.label_names) == (3, ("a", "b"), ("high", "low"))
    assert data.point(0) == (F(0.1), F(2)) and data.label_names[int(data.labels[1])] == "high"
    tenth = robmem.Dataset.from_arrays(frame, labels, decimals=True)
    assert tenth.point(0) == (F(1, 10), F(2))
    rows = robmem.Dataset.from_arrays([[0.1, 2], [3.0, 5], [2.0, 7]], ["low", "high", "low"])
    assert rows.digest() == data.digest()
    large = frames.DataFrame({"a": [2**60 + 1, 0], "b": [0.5, 1.0]})
    assert robmem.Dataset.from_arrays(large, [0, 1]).point(0) == (F(2**60 + 1), F(1, 2))
    network = robmem.load_network(([[[1, 0], [-1, 1]]], [[0, 0]]))
    assert network(frame).tolist() == network([[0.1, 2], [3.0, 5], [2.0, 7]]).tolist()
    found = robmem.verify(network, robmem.Ball(frames.Series([3.0, 5.0]), "1/8"), label=0)
    assert isinstance(found, robmem.Robust | robmem.Flip)
    missing = frames.DataFrame({"a": [0.1, None, 1.0], "b": [1.0, 2.0, 3.0]})
    with pytest.raises(UserError, match="row 1, column 0: nan"):
        robmem.Dataset.from_arrays(missing, labels)
    with pytest.raises(UserError, match="column|number|float"):
        robmem.Dataset.from_arrays(frames.DataFrame({"a": ["x", "y", "z"]}), labels)
    if library == "pandas":
        shuffled = frame.iloc[[2, 0, 1]]  # whose index is not 0, 1, 2
        assert robmem.Dataset.from_arrays(shuffled, labels).point(0) == (F(2), F(7))
        summary = robmem.certify(data, network, "1/8", folder=tmp_path / "run")
        table = summary.to_frame()
        assert list(table["label"]) == ["low", "high", "low"] and len(table) == summary.samples


def test_large_integers_of_lists_do_not_round():
    data = robmem.Dataset.from_arrays([[2**60 + 1, 0.5], [1, 1]], [0, 1])
    assert data.point(0) == (F(2**60 + 1), F(1, 2))


def test_images_keep_their_shape():
    data = robmem.Dataset.from_arrays(
        np.arange(12).reshape(2, 2, 3), [0, 1], pixel_range=(0, 255), name="small"
    )
    assert (data.image_shape, data.dimension, data.pixel_range) == ((2, 3), 6, (0, 255))


@pytest.mark.parametrize(
    ("points", "labels", "words"),
    [
        ([[1, 2], [3]], [0, 1], "sample 1 has 1 inputs, sample 0 has 2"),
        ([[1, math.nan]], [0], "data"),
        ([1, 2], [0, 1], "sample 0"),
        (np.array([1, 2]), [0, 1], "one row a sample is needed"),
        ([[1], [2]], [0, 1, 2], "has shape"),
        ([[1], [2]], [0.5, 1], "is not an integer"),
        ([], [], "no samples"),
        (7, [0], "is not a list of samples"),
        ([["five"]], [0], "not a rational number"),
        ([[1], [2]], ["a", None], "entry 1, None, is not a label"),
        ([[1], [2]], np.array(["a", math.nan], dtype=object), "entry 1, nan, is not a label"),
        ([[1], [2]], [{"a": 1}, {"b": 2}], "is not a label"),
    ],
)
def test_data_that_do_not_fit_are_refused_in_words(points, labels, words):
    with pytest.raises(UserError, match=words):
        robmem.Dataset.from_arrays(points, labels)


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (lambda: robmem.Options(timeout=-1), "timeout: -1 is no positive number of seconds"),
        (lambda: robmem.Options(timeout=math.nan), "timeout: nan"),
        (lambda: robmem.Options(nodes=0), "nodes: 0 is not at least 1"),
        (lambda: robmem.Options(seed=-1), "seed: -1 is negative"),
        (lambda: robmem.verify(HAT, [0], 0), "give a Ball or a Box"),
        (lambda: robmem.verify(HAT, robmem.Ball([0, 1], 1), 0), "2 inputs, the network 1"),
        (lambda: robmem.verify(object(), robmem.Ball([0], 1), 0), "neither of scikit-learn"),
        (lambda: robmem.Ball([0]), "exactly one of radius and radius_squared"),
        (lambda: robmem.Ball([0], -1), "radius is negative"),
        (lambda: robmem.Ball(["x"], 1), "center: entry 0"),
        (lambda: robmem.load_data(np.zeros((2, 2))), "Dataset.from_arrays"),
        (lambda: robmem.load_network("none.npz"), "none.npz"),
        (lambda: robmem.construct("l9", "iris"), "no construction 'l9'"),
        (lambda: robmem.construct(["linf"], "iris"), "no construction"),
        (lambda: robmem.report(3, "out"), "a run of type int: give a folder"),
        (lambda: robmem.report([[1]], "out"), "a run of type list: give a folder"),
        (lambda: robmem.load_network((1, 0)), "weights: 1 is not a list"),
        (lambda: robmem.load_network(([[[1], [1, 2]]], [[0]])), "rows have several lengths"),
        (lambda: robmem.verify(HAT, robmem.Ball([0], 1), 0, labels=3), "labels: 3 is not a list"),
        (lambda: robmem.verify(HAT, robmem.Ball([0], 1), 0, labels="0,1"), "is not a list"),
        (lambda: robmem.verify(HAT, robmem.Ball([0], 1), 0, np.eye(2)), "is not one of nearest"),
        (lambda: robmem.Ball([0], 1, clip=3), "clip: 3 is not a list"),
        (lambda: robmem.Ball([0], 1, clip=[1]), "is not a pair of numbers"),
        (lambda: robmem.Ball([0], 1, clip=np.array(1)), "is not a list"),
        (lambda: robmem.verify(HAT, robmem.Ball([0], 1), 0, semantics=np.eye(2)), "one of real"),
        (lambda: robmem.check(None, None), "a query is made by question"),
        (lambda: robmem.check(robmem.question(HAT, robmem.Ball([0], 1), 0), 3), "no evidence"),
        (lambda: robmem.search(HAT, LINE, 1, limit=0), "limit: 0 is not a number of samples"),
        (lambda: robmem.search(HAT, LINE, 1, samples=[[1], [2, 3]]), "are no integers"),
        (lambda: robmem.check_file(3), "is not the path of a proof file"),
        (lambda: robmem.Options(timeout="10s"), "timeout: '10s' is not a number of seconds"),
        (lambda: robmem.Options(nodes=2.5), "nodes: 2.5 is not an integer"),
        (lambda: robmem.Options(engine=None), "engine: None is not the name of an engine"),
        (lambda: robmem.verify(HAT, [0], 0.1, 0), "give a Ball or a Box"),
        (lambda: robmem.verify(HAT, robmem.Ball([0], 1), "cat"), "is the number of its output"),
        (lambda: robmem.verify(HAT, robmem.Ball([0], 1), 0, options={"timeout": 3}), "give robmem"),
        (lambda: robmem.verify(HAT, robmem.Ball([0], 1), 0, options=10), "options: 10: give"),
        (lambda: robmem.verify(np.eye(2), robmem.Ball([0], 1), 0), "nor a pair"),
        (lambda: robmem.verify(Frame, robmem.Ball([0], 1), 0), "the class Frame .* instance of it"),
        (lambda: robmem.load_network({"0.weight": np.eye(2)}), "give the module itself"),
        (lambda: robmem.load_network(([[[1], [1]]], [[1]])), r"shape \(outputs, inputs"),
        (lambda: robmem.certify(HAT, LINE, 1), "certify takes the data first, then the network"),
        (lambda: robmem.certify(LINE, HAT, 1, jobs=-1), "jobs: -1 is not a number of processes"),
        (lambda: robmem.certify(LINE, HAT, 1, jobs="all"), "jobs: 'all' is not a number"),
        (lambda: robmem.search(HAT, LINE, 1, samples=slice(50, 60)), "holds none of the"),
        (lambda: robmem.construct("LINF", "iris"), "it is called linf"),
        (lambda: robmem.margin(HAT, robmem.Ball([0], 1, 2), 0), "irrational: give within"),
        (lambda: robmem.construct(LINE, "linf"), "no construction of type Dataset"),
        (lambda: HAT([1, 2]), "the network has 1 inputs"),
        (lambda: HAT(["x"]), "points"),
    ],
)  # fmt: skip
def test_mistakes_are_said_in_words(ask, words):
    with pytest.raises(UserError, match=words):
        ask()


# ------------------------------------------------------------------ networks on arrays


def test_weights_may_be_fractions_and_texts():
    network = robmem.load_network(([[["1/3", F(1, 7)]], [[2]]], [["0.1"], [0]]))
    assert network([1, 1]).tolist() == [2 * (F(1, 3) + F(1, 7) + F(1, 10))]
    with pytest.raises(UserError, match="weight: not a rational number"):
        robmem.load_network(([[["x"]]], [[0]]))
    with pytest.raises(UserError, match="layer 1: weights"):
        robmem.load_network(([[["1/3"]], [[1, 2]]], [[0], [0]]))


def test_a_network_computes_exactly_and_by_floats():
    generator = np.random.default_rng(3)
    layers = [generator.integers(-4, 5, size=shape) for shape in ((5, 3), (4, 5), (2, 4))]
    network = robmem.load_network((layers, [np.arange(len(layer)) for layer in layers]))
    points = generator.integers(-8, 9, size=(6, 3)) / 8
    values = points
    for number, layer in enumerate(layers):
        values = values @ layer.T + np.arange(len(layer))
        values = np.maximum(values, 0) if number < 2 else values
    made = network(points)
    assert made.shape == (6, 2) and all(type(entry) is Fraction for entry in made.flat)
    assert made.astype(float).tolist() == values.tolist()
    assert network(points, dtype=float).tolist() == values.tolist()
    assert network(points[0]).tolist() == made[0].tolist()


# ------------------------------------------------------------------ fitted models


def test_a_fitted_classifier_brings_its_classes():
    pytest.importorskip("sklearn")
    from sklearn.neural_network import MLPClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    generator = np.random.default_rng(0)
    points = generator.normal(size=(60, 4))
    labels = np.where(points[:, 0] > points[:, 1], "left", "right")
    made = make_pipeline(StandardScaler(), MLPClassifier((3,), max_iter=2000, random_state=0))
    model = made.fit(points, labels)
    data = robmem.Dataset.from_arrays(points[:5], labels[:5])
    for found in robmem.search(model, data, "0"):
        right = model.predict(points[[found.sample]])[0] == labels[found.sample]
        assert found.reads_right == right
    label = model.predict(points[:1])[0]
    assert isinstance(robmem.verify(model, robmem.Ball(points[0], 0), label), robmem.Robust)
    with pytest.raises(UserError, match="is not one of the classes left, right"):
        robmem.verify(model, robmem.Ball(points[0], 0), "middle")


def test_a_module_of_torch_is_a_network():
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.ReLU(), torch.nn.Linear(3, 2))
    point = [0.5, -1.0]
    made = robmem.load_network(model)(point, dtype=float)
    assert made == pytest.approx(model(torch.tensor([point])).detach().numpy()[0], abs=1e-5)
    label = int(made.argmax())
    assert isinstance(robmem.verify(model, robmem.Ball(point, 0), label), robmem.Robust)


@pytest.mark.parametrize(
    ("decoder", "words"),
    [
        ("argmax", "^label: 5 is not one of the labels 0, 1$"),
        ("nearest", "^decoder nearest needs labels, the labels"),
    ],
)
def test_errors_from_python_name_arguments(decoder, words):
    network = robmem.load_network(([[[1], [-1]]], [[0, 1]]))
    with pytest.raises(UserError, match=words):
        robmem.verify(network, robmem.Ball([0], 1), 5, decoder=decoder)

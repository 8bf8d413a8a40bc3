"""Fitted models become the networks that they compute, or are refused; class names say nothing."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import robmem
from verifier.checker.scaled import evaluate
from verifier.formats.fitted import classifier_of, network_of
from verifier.formats.same_function import require_same
from verifier.question.build import NetworkBuilder
from verifier.question.errors import UserError

RNG = np.random.default_rng(0)
POINTS = RNG.normal(size=(60, 3)) * [1, 5, 0.1] + [0, 2, 0]
CLASSES = (POINTS[:, 0] > 0).astype(int) + (POINTS[:, 1] > 2.5)


def outputs(network: Any, points: Any = POINTS) -> Any:
    rows = evaluate(network, [[Fraction(float(v)) for v in point] for point in points])
    return np.array([[float(v) for v in row] for row in rows])


# ------------------------------------------------------------------ scikit-learn


def mlp(kind: str = "MLPClassifier", **more: Any) -> Any:
    networks = pytest.importorskip("sklearn.neural_network")
    options = {"hidden_layer_sizes": (6, 5), "random_state": 1, "max_iter": 30, "solver": "lbfgs"}
    return getattr(networks, kind)(**options | more)


@pytest.mark.filterwarnings("ignore:lbfgs failed to converge")
def test_perceptrons_are_their_scores() -> None:
    three, two = mlp().fit(POINTS, CLASSES), mlp().fit(POINTS, CLASSES > 0)
    assert (outputs(network_of(three)).argmax(axis=1) == three.predict(POINTS)).all()
    assert ((outputs(network_of(two))[:, 0] > 0) == two.predict(POINTS)).all()
    number = mlp("MLPRegressor").fit(POINTS, POINTS[:, 0] ** 2)
    np.testing.assert_allclose(outputs(network_of(number))[:, 0], number.predict(POINTS), atol=1e-9)
    with pytest.raises(UserError, match="'tanh' is not relu"):
        network_of(mlp("MLPRegressor", activation="tanh").fit(POINTS, POINTS[:, 0]))
    with pytest.raises(UserError, match="is not fitted"):
        network_of(mlp())


@pytest.mark.filterwarnings("ignore:lbfgs failed to converge", "ignore:.*ConvergenceWarning")
@pytest.mark.parametrize("last", ["MLP", "LinearSVC", "LogisticRegression", "RidgeClassifier"])
@pytest.mark.parametrize(
    "steps", [["StandardScaler"], ["MinMaxScaler", "PCA"], ["RobustScaler", "SelectKBest"],
              ["MaxAbsScaler"], ["passthrough"]],
)  # fmt: skip
def test_pipelines_are_their_scores(steps: list[str], last: str) -> None:
    pipeline = pytest.importorskip("sklearn.pipeline")
    from sklearn import decomposition, feature_selection, linear_model, preprocessing, svm

    made: dict[str, Any] = {
        "PCA": lambda: decomposition.PCA(2),
        "SelectKBest": lambda: feature_selection.SelectKBest(k=2),
        "passthrough": lambda: "passthrough",
        "MLP": lambda: mlp(),
        "LinearSVC": lambda: svm.LinearSVC(),
        "LogisticRegression": lambda: linear_model.LogisticRegression(),
        "RidgeClassifier": lambda: linear_model.RidgeClassifier(),
    }
    chosen = [made[n]() if n in made else getattr(preprocessing, n)() for n in [*steps, last]]
    model = pipeline.make_pipeline(*chosen).fit(POINTS, CLASSES)
    network = network_of(model)
    assert network.inputs == 3
    assert (outputs(network).argmax(axis=1) == model.predict(POINTS)).all()


def test_a_scaler_divides_exactly() -> None:
    pipeline = pytest.importorskip("sklearn.pipeline")
    from sklearn import linear_model, preprocessing

    model = pipeline.make_pipeline(preprocessing.StandardScaler(), linear_model.LinearRegression())
    model.fit(POINTS, POINTS[:, 0])
    scaler, last = model[0], model[1]
    weights, _ = network_of(model).outputs.fractions(0)
    assert weights[1] == Fraction(float(last.coef_[1])) / Fraction(float(scaler.scale_[1]))


def test_own_classes_of_known_names_are_not_known() -> None:
    svm = pytest.importorskip("sklearn.svm")

    class LinearSVC(svm.LinearSVC):  # type: ignore[misc]
        def decision_function(self, points: Any) -> Any:
            return -super().decision_function(points)

    with pytest.raises(UserError, match="a model that is not supported"):
        network_of(LinearSVC().fit(POINTS, CLASSES))
    from sklearn import pipeline, preprocessing

    with pytest.raises(UserError, match=r"step 0 \(Normalizer\)"):
        network_of(
            pipeline.make_pipeline(preprocessing.Normalizer(), svm.LinearSVC()).fit(POINTS, CLASSES)
        )
    with pytest.raises(UserError, match="neither of scikit-learn nor a PyTorch module"):
        network_of(3)


def test_a_network_that_is_not_the_model_is_an_error() -> None:
    svm = pytest.importorskip("sklearn.svm")
    model = svm.LinearSVC().fit(POINTS, CLASSES)
    model.decision_function = lambda points: np.zeros((len(points), 3))
    with pytest.raises(UserError, match="the network is not the model: at a random point output"):
        network_of(model)


def test_the_tolerance_is_of_the_format() -> None:
    build = NetworkBuilder(1)
    network = build.network([build.inputs[0] * 3])
    point = np.array([[0.1]])
    exact = np.array([[3 * 0.1]])
    require_same(network, point, exact, 2.0**-53)
    with pytest.raises(UserError, match="is not the model"):
        require_same(network, point, exact * (1 + 1e-6), 2.0**-53)
    require_same(network, point, exact * (1 + 1e-6), 2.0**-24)
    with pytest.raises(UserError, match="is not the model"):
        require_same(network, point, exact + 0.01, 2.0**-24)


def _columns() -> Any:
    from sklearn import compose, decomposition, pipeline, preprocessing

    inner = pipeline.make_pipeline(preprocessing.StandardScaler(), decomposition.PCA(1))
    parts = [("a", inner, [2, 0]), ("b", "passthrough", slice(1, 2)), ("c", "drop", [2])]
    return compose.ColumnTransformer(
        [*parts, ("d", preprocessing.MinMaxScaler(), [False, True, True])]
    )


def _transformer(name: str) -> Any:
    from sklearn import compose, decomposition, pipeline, preprocessing, random_projection

    scaler = [("a", preprocessing.StandardScaler(), [1])]
    made: dict[str, Callable[[], Any]] = {
        "columns": _columns,
        "one column": lambda: compose.ColumnTransformer(scaler, remainder="drop"),
        "remainder": lambda: compose.ColumnTransformer(
            scaler, remainder=preprocessing.MaxAbsScaler()
        ),
        "union": lambda: pipeline.make_union(
            decomposition.PCA(2), preprocessing.RobustScaler(), "passthrough"
        ),
        "IncrementalPCA": lambda: decomposition.IncrementalPCA(2),
        "Gaussian": lambda: random_projection.GaussianRandomProjection(2, random_state=1),
        "sparse": lambda: random_projection.SparseRandomProjection(2, random_state=1),
        "nothing": preprocessing.FunctionTransformer,
        "clip": lambda: preprocessing.MinMaxScaler(feature_range=(-1, 2), clip=True),
        "weighed": lambda: compose.ColumnTransformer(scaler, transformer_weights={"a": 2}),
    }
    return made[name]()


@pytest.mark.parametrize("name", ["columns", "one column", "remainder", "union", "IncrementalPCA",
                                  "Gaussian", "sparse", "nothing", "clip"])  # fmt: skip
def test_transformers_side_by_side_and_projections(name: str) -> None:
    pipeline = pytest.importorskip("sklearn.pipeline")
    from sklearn import linear_model

    model = pipeline.make_pipeline(_transformer(name), linear_model.Ridge())
    model.fit(POINTS, POINTS[:, 0] - POINTS[:, 1])
    beyond = np.concatenate([POINTS, 3 * POINTS - 1])
    np.testing.assert_allclose(
        outputs(network_of(model), beyond)[:, 0], model.predict(beyond), atol=1e-8
    )


def test_weights_of_transformers_are_refused() -> None:
    pipeline = pytest.importorskip("sklearn.pipeline")
    from sklearn import linear_model

    model = pipeline.make_pipeline(_transformer("weighed"), linear_model.Ridge())
    with pytest.raises(UserError, match="transformer_weights are not supported"):
        network_of(model.fit(POINTS, CLASSES))


@pytest.mark.parametrize("columns", ["names", "selector"])
def test_columns_are_chosen_by_name(columns: str) -> None:
    pandas, pipeline = pytest.importorskip("pandas"), pytest.importorskip("sklearn.pipeline")
    from sklearn import compose, linear_model, preprocessing

    chosen = ["d", "a"] if columns == "names" else compose.make_column_selector(pattern="[ad]")
    by_name = compose.ColumnTransformer([("a", preprocessing.StandardScaler(), chosen)])
    model = pipeline.make_pipeline(by_name, linear_model.LogisticRegression())
    table = pandas.DataFrame(POINTS, columns=["a", "c", "d"])
    model.fit(table, CLASSES > 0)
    network, names = classifier_of(model)
    got = [names[k] for k in outputs(network).argmax(axis=1)] if names else []
    assert got == [str(label) for label in model.predict(table)]


def test_what_a_model_does_not_run_on_is_said_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    pandas, pipeline = pytest.importorskip("pandas"), pytest.importorskip("sklearn.pipeline")
    from sklearn import compose, linear_model

    by_name = compose.ColumnTransformer([("a", "passthrough", ["d", "a"])])
    model = pipeline.make_pipeline(by_name, linear_model.LogisticRegression())
    model.fit(pandas.DataFrame(POINTS, columns=["a", "c", "d"]), CLASSES > 0)
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(UserError, match=r"Pipeline does not run on numbers: .*may need pandas"):
        network_of(model)


@pytest.mark.parametrize("name", ["SVC", "NuSVC"])
def test_kernel_machines_against_the_rest(name: str) -> None:
    svm = pytest.importorskip("sklearn.svm")
    from sklearn import multiclass

    options = {"C": 1000} if name == "SVC" else {"nu": 0.1}
    for labels in (CLASSES, CLASSES > 0):
        machine = getattr(svm, name)(kernel="linear", **options)
        model = multiclass.OneVsRestClassifier(machine).fit(POINTS, labels)
        network, names = classifier_of(model)
        assert names is not None
        got = [names[k] for k in outputs(network).argmax(axis=1)]
        assert got == [str(label) for label in model.predict(POINTS)]


@pytest.mark.parametrize("name", ["GridSearchCV", "OneVsRestClassifier", "SVC", "NuSVC"])
def test_models_around_linear_ones(name: str) -> None:
    pytest.importorskip("sklearn")
    from sklearn import linear_model, model_selection, multiclass, svm

    inner = linear_model.RidgeClassifier()
    made: dict[str, Callable[[], Any]] = {
        "GridSearchCV": lambda: model_selection.GridSearchCV(inner, {"alpha": [1, 2]}, cv=2),
        "OneVsRestClassifier": lambda: multiclass.OneVsRestClassifier(inner),
        "SVC": lambda: svm.SVC(kernel="linear"),
        "NuSVC": lambda: svm.NuSVC(kernel="linear", nu=0.1),
    }
    two = made[name]().fit(POINTS, np.where(CLASSES > 0, "yes", "no"))
    network, names = classifier_of(two)
    assert [names[k] for k in outputs(network).argmax(axis=1)] == two.predict(POINTS).tolist()
    three = made[name]().fit(POINTS, CLASSES)
    if name in ("GridSearchCV", "OneVsRestClassifier"):
        assert classifier_of(three)[0].outputs.count == 3
        return
    for other in (three, svm.SVC().fit(POINTS, CLASSES > 0)):
        with pytest.raises(UserError, match="those with a linear kernel are supported"):
            classifier_of(other)


def test_what_does_not_predict_the_largest_score_is_refused() -> None:
    linear_model = pytest.importorskip("sklearn.linear_model")
    several = np.stack([POINTS[:, 0] > 0, POINTS[:, 1] > 2], axis=1).astype(int)
    with pytest.raises(UserError, match=r"predicts \(2,\) labels of a sample"):
        classifier_of(linear_model.RidgeClassifier().fit(POINTS, several))
    model = linear_model.LogisticRegression().fit(POINTS, CLASSES)
    model.predict = lambda points: np.full(len(points), 7)
    with pytest.raises(UserError, match="predicts 7 where '[012]' has the largest score"):
        classifier_of(model)


# ------------------------------------------------------------------ PyTorch


@pytest.fixture
def torch() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = pytest.importorskip("torch")
    found.manual_seed(3)
    return found


def same(torch: Any, model: Any, size: tuple[int, ...], **more: Any) -> Any:
    """The network of the model, which computes what the model does at a point not used before."""
    network = network_of(model, **more)
    given = torch.randn(1, *size)
    with torch.no_grad():
        wanted = model(given).double().numpy().reshape(-1)
    got = outputs(network, [given.double().numpy().reshape(-1)])[0]
    np.testing.assert_allclose(got, wanted, atol=1e-4 * (1 + np.abs(wanted).max()))
    return network


def test_a_chain_has_the_very_weights(torch: Any) -> None:
    nn = torch.nn
    model = nn.Sequential(
        nn.Linear(4, 3), nn.ReLU(), nn.Sequential(nn.Linear(3, 2), nn.LeakyReLU())
    )
    network = same(torch, model, (4,))
    weight = model[0].weight[0, 1].item()
    assert network.units.fractions(0)[0][1] == Fraction(weight)
    half = nn.Sequential(nn.Linear(4, 2)).to(torch.float64)
    assert network_of(half).outputs.fractions(0)[1] == Fraction(half[0].bias[0].item())


def test_normalised_and_pruned_weights_are_the_current_ones(torch: Any) -> None:
    nn, prune = torch.nn, torch.nn.utils.prune
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        old = nn.Sequential(torch.nn.utils.weight_norm(nn.Linear(4, 2))).eval()
    spectral = nn.Sequential(torch.nn.utils.spectral_norm(nn.Linear(4, 2))).eval()
    new = nn.Sequential(torch.nn.utils.parametrizations.weight_norm(nn.Linear(4, 2))).eval()
    for model in (old, spectral, new):
        model.load_state_dict({key: value * 2 for key, value in model.state_dict().items()})
        same(torch, model, (4,))
    layer = nn.Linear(4, 2)
    prune.l1_unstructured(layer, "weight", 0.5)
    pruned = nn.Sequential(layer).eval()
    with torch.no_grad():
        layer.weight_orig.mul_(3)
    network = same(torch, pruned, (4,))
    assert len(network.outputs.indices) == 4


def test_hooks_and_own_forwards_are_run_or_refused(torch: Any) -> None:
    nn = torch.nn

    class ReLU(nn.Module):  # type: ignore[misc]
        def forward(self, x: Any) -> Any:
            return torch.relu(x) * 2

    same(torch, nn.Sequential(nn.Linear(4, 3), ReLU(), nn.Linear(3, 2)).eval(), (4,))
    hooked = nn.Sequential(nn.Linear(4, 3), nn.ReLU()).eval()
    hooked[0].register_forward_hook(lambda module, inputs, output: -output)
    same(torch, hooked, (4,))
    before = nn.Sequential(nn.Linear(4, 3)).eval()
    before[0].register_forward_pre_hook(lambda module, inputs: (inputs[0] + 1,))
    same(torch, before, (4,))
    replaced = nn.Sequential(nn.Linear(4, 3)).eval()
    replaced[0].forward = lambda x: x[:, :3] * 2
    same(torch, replaced, (4,), shape=(4,))


def test_training_mode_is_refused_where_it_matters(torch: Any) -> None:
    nn = torch.nn
    with pytest.raises(UserError, match=r"module 1 \(Dropout\) is in training mode; call eval"):
        network_of(nn.Sequential(nn.Linear(4, 3), nn.Dropout()))
    with pytest.raises(UserError, match=r"\(BatchNorm1d\) is in training mode"):
        network_of(nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3)))
    same(torch, nn.Sequential(nn.Linear(4, 3), nn.Dropout(), nn.BatchNorm1d(3)).eval(), (4,))


def test_convolutions_and_own_modules(torch: Any) -> None:
    nn = torch.nn

    class Residual(nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.inner = nn.Conv2d(2, 2, 3, padding=1)

        def forward(self, x: Any) -> Any:
            return torch.clamp(x + self.inner(x), -1, 2)

    model = nn.Sequential(
        nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU(), Residual(), nn.AvgPool2d(2), nn.Flatten(),
        nn.Linear(8, 3),
    ).eval()  # fmt: skip
    same(torch, model, (1, 6, 6), shape=(1, 6, 6))
    with pytest.raises(UserError, match=r"what one input is: load_network\(model, shape="):
        network_of(model)
    read = robmem.load_network(model, shape=(1, 6, 6))
    assert read.digest == network_of(model, shape=(1, 6, 6)).digest
    with pytest.raises(UserError, match="read for real numbers"):
        robmem.verify(read, robmem.Box([0] * 36, [1] * 36), 0, semantics="float32")
    with pytest.raises(UserError, match="does not run on an input of shape"):
        network_of(model, shape=(3, 6, 6))


def test_what_depends_on_the_input_in_python_is_refused(torch: Any) -> None:
    class Branching(torch.nn.Module):  # type: ignore[misc]
        def forward(self, x: Any) -> Any:
            return x * 2 if x.sum() > 1000 else x

    with pytest.raises(UserError, match="reads values that depend on its input in Python"):
        network_of(Branching().eval(), shape=(3,))


def _caught(torch: Any, x: Any) -> bool:
    try:
        return bool(torch.equal(x, x.clamp(max=50)))
    except Exception:  # noqa: BLE001 - a model may do so
        return True


READINGS: dict[str, Callable[[Any, Any], Any]] = {
    "equal": lambda torch, x: torch.equal(x, x.clamp(max=50)),
    "allclose": lambda torch, x: torch.allclose(x, x.clamp(max=50)),
    "isclose": lambda torch, x: torch.isclose(x, x.clamp(max=50)).all(),
    "is_nonzero": lambda torch, x: not torch.is_nonzero((x > 50).any()),
    "numpy": lambda torch, x: abs(x.detach().numpy()).max() < 50,
    "array": lambda torch, x: np.asarray(x).max() < 50,
    "dlpack": lambda torch, x: np.from_dlpack(x).max() < 50,
    "tolist": lambda torch, x: max(x.tolist()[0]) < 50,
    "item": lambda torch, x: (x * 1).sum().item() < 50,
    "int": lambda torch, x: int(x.max()) < 50,
    "text": lambda torch, x: "e+" not in f"{x}",
    "selection": lambda torch, x: len(x[x > 50]) == 0,
    "nonzero": lambda torch, x: torch.nonzero(x > 50).shape[0] == 0,
    "kept": lambda torch, x: torch.zeros(1).copy_(x[0, :1]).item() < 50,
    "capsule": lambda torch, x: torch.from_dlpack(torch.utils.dlpack.to_dlpack(x)).max() < 50,
    "sparse": lambda torch, x: (x > 50).to_sparse()._nnz() == 0,
    "caught": _caught,
}


@pytest.mark.parametrize("reading", READINGS)
@pytest.mark.parametrize("hook", [False, True])
def test_no_value_of_the_input_is_read_in_python(torch: Any, reading: str, hook: bool) -> None:
    def either(x: Any, y: Any) -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return y if READINGS[reading](torch, x) else -y

    class Branching(torch.nn.Module):  # type: ignore[misc,name-defined]
        def forward(self, x: Any) -> Any:
            return either(x, x + 1)

    model: Any = Branching()
    if hook:
        model = torch.nn.Sequential(torch.nn.Linear(1, 1))
        model.register_forward_hook(lambda module, inputs, output: either(inputs[0], output))
    with pytest.raises(UserError, match="reads values that depend on its input in Python"):
        network_of(model.eval(), shape=(1,))


def test_values_that_do_not_depend_on_the_input_are_read(torch: Any) -> None:
    class Scaled(torch.nn.Module):  # type: ignore[misc,name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("scale", torch.tensor(3.0))
            self.register_buffer("chosen", torch.tensor([True, False, True, True]))

        def forward(self, x: Any) -> Any:
            y = x * 3 if torch.equal(self.scale, self.scale.clamp(max=5)) else x
            return y.reshape(x.shape[0], -1)[:, self.chosen]

    same(torch, Scaled().eval(), (4,), shape=(4,))


def test_a_traced_module_is_compared_at_all_magnitudes(torch: Any) -> None:
    class Otherwise(torch.nn.Module):  # type: ignore[misc,name-defined]
        def forward(self, x: Any) -> Any:
            return x if torch.jit.is_tracing() else torch.clamp(x, max=3000)

    with pytest.raises(UserError, match="the network is not the model"):
        network_of(Otherwise().eval(), shape=(2,))


@pytest.mark.parametrize("kind", ["float32", "float64"])
def test_the_slope_is_what_pytorch_multiplies_by(torch: Any, kind: str) -> None:
    linear = torch.nn.Linear(1, 1)
    with torch.no_grad():
        linear.weight.fill_(1)
        linear.bias.fill_(0)
    model = torch.nn.Sequential(linear, torch.nn.LeakyReLU(0.01)).to(getattr(torch, kind))
    network = network_of(model)
    for value in (-1, -(2**24)):  # products by powers of two are exact
        wanted = model(torch.tensor([[value]], dtype=getattr(torch, kind))).item()
        assert evaluate(network, [[Fraction(value)]])[0][0] == Fraction(wanted)


def test_a_slope_that_the_exporter_rounds_is_refused(torch: Any) -> None:
    nn = torch.nn
    for slope in (0.01, 0.25):
        model = nn.Sequential(nn.Linear(2, 2), nn.LeakyReLU(slope), nn.Hardtanh()).eval()
        same(torch, model, (2,))
        double = model.to(torch.float64)
        if slope == 0.25:
            assert network_of(double).inputs == 2
            continue
        with pytest.raises(UserError, match="a slope of 0.01 of LeakyReLU in float64"):
            network_of(double)


def test_what_is_not_piecewise_linear_is_refused_by_name(torch: Any) -> None:
    nn = torch.nn
    with pytest.raises(UserError, match=r"\(Sigmoid\)"):
        network_of(nn.Sequential(nn.Linear(4, 3), nn.Sigmoid(), nn.Linear(3, 2)).eval())


def test_normalised_weights_of_other_modules_are_the_current_ones(torch: Any) -> None:
    from torch.nn.utils import parametrizations

    nn = torch.nn
    inner = nn.Sequential(parametrizations.weight_norm(nn.Linear(8, 8)), nn.PReLU())
    model = nn.Sequential(
        parametrizations.spectral_norm(nn.Conv2d(1, 2, 2)), nn.ReLU(), nn.Flatten(), inner
    ).eval()
    with torch.no_grad():
        model[0].parametrizations.weight.original.mul_(3)
    kinds = [type(module) for module in model.modules()]
    same(torch, model, (1, 3, 3), shape=(1, 3, 3))
    assert [type(module) for module in model.modules()] == kinds  # the model itself is left alone
    assert model[0].weight.shape == (2, 1, 2, 2)


def test_what_the_exporter_refuses_is_said_in_one_line(
    torch: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    class Dot(torch.nn.Module):  # type: ignore[misc,name-defined]
        def forward(self, x: Any) -> Any:
            return x * torch.vdot(x[0], x[0])

    with pytest.raises(UserError, match="exporter refuses it: .*vdot") as caught:
        network_of(Dot().eval(), shape=(2,))
    assert "\n" not in str(caught.value)
    assert capfd.readouterr() == ("", "")

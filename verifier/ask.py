"""The questions that `robmem` asks from Python: `verify`, `radius`, `margin`, `search`, `certify`.

A network is a `Network`, the path of a file that `robmem` reads, a fitted model of scikit-learn or
a Sequential of PyTorch; data are a `Dataset` or what `--data` takes, such as "digits" or
"table.csv". All numbers are exact: "0.1" is one tenth, 0.1 the float nearest to it, and one tenth
again with decimals=True. Every answer has been checked before it is returned.

With semantics="float32" or "float64" an answer is about the network as executed in that format, in
any order of summation, for inputs of the format (`question.executed` says what is assumed): of a
file that computes one sum a unit, of a `Network` or a pair of weights, whose units then are these
sums. Fitted models are read exactly and refused: export them to ONNX and give the file.

The examples are about the network (x, 1 - x) of one input x, of which argmax reads label 0 where
x > 1/2, label 1 where x < 1/2, and a tie between them.

>>> import robmem
>>> from fractions import Fraction
>>> network = robmem.load_network(([[[1], [-1]]], [[0, 1]]))
>>> data = robmem.Dataset.from_arrays([[2], [0]], ["high", "low"], name="two")
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import wraps
from inspect import signature
from os import PathLike, fspath
from pathlib import Path
from re import Match
from typing import Any, ParamSpec, TypeVar, get_args
from weakref import WeakSet

import numpy as np

from verifier.checker.manifest import Question, sample_query
from verifier.data.dataset import Dataset
from verifier.data.held import Number, exact_number, exact_vector, sample_list
from verifier.data.load import load
from verifier.evidence.certificate import Flip, Maximum, Radius, Robust, Undecided, Verdict
from verifier.evidence.proof_file import (
    FamilyProof,
    Proof,
    load_claim,
    load_proof,
    network_digest,
    semantics_in,
)
from verifier.formats.files import naming
from verifier.formats.load import load_file, require_executable
from verifier.formats.npz import chain
from verifier.question.build import concatenate_rows, dense_rows
from verifier.question.errors import UserError
from verifier.question.executed import Semantics, rounded
from verifier.question.labels import default_decoder, is_integer, label_values, sorted_labels
from verifier.question.network import Network
from verifier.question.query import DECODERS, Goal, Query, label_goals
from verifier.question.rational import format_rational, parse_rational
from verifier.question.region import Region, ball, box, read_norm
from verifier.runs import run as runs
from verifier.runs.run import Progress, Promising
from verifier.runs.summary import Summary
from verifier.search.options import Options
from verifier.tasks import flips
from verifier.tasks import radius as distances
from verifier.tasks import verify as api
from verifier.tasks import worst as worst_case
from verifier.tasks.around import FoundFlip
from verifier.tasks.executed_flips import search_executed
from verifier.tasks.flips import SearchedSample
from verifier.tasks.margin import Curve
from verifier.tasks.margin import margin_curve as curve_of
from verifier.tasks.radius import RadiusInterval
from verifier.tasks.semantics import check_executed, verify_executed
from verifier.tasks.worst import Worst

_P = ParamSpec("_P")
_R = TypeVar("_R")
Clip = tuple[Number, Number]
_OPTIONS = Options()
_SHOWN = 40  # characters of a value, in an error


class Ball:
    """The closed ball ||x - center||_norm <= radius, within the box `clip` if that is given.

    norm: 1, 2, "inf", "l2", math.inf, ..; for norm 2 `radius_squared` may be given instead of a
    radius. Images are taken row after row. Raises UserError for a negative radius, an empty region.

    >>> robmem.Ball([0.5, 1], "0.1", "l2")
    Ball(center=(1/2 (0.5), 1), radius=1/10 (0.1), norm='2')
    """

    __slots__ = ("_text", "region")

    def __init__(
        self,
        center: Any,
        radius: Number | None = None,
        norm: object = "inf",
        *,
        radius_squared: Number | None = None,
        clip: Clip | None = None,
        decimals: bool = False,
    ) -> None:
        from verifier.question.shown import brief

        middle = exact_vector(center, "center", decimals=decimals)
        size, squared = (
            None if given is None else exact_number(given, "radius", decimals=decimals)
            for given in (radius, radius_squared)
        )
        of = read_norm(norm)
        self.region = ball(
            of, middle, size, radius_squared=squared, clip=_clip(clip, decimals=decimals)
        )
        shown = f"radius={brief(size)}" if squared is None else f"radius_squared={brief(squared)}"
        self._text = f"Ball(center={brief(middle)}, {shown}, norm={of!r})"

    def __repr__(self) -> str:
        return self._text


class Box:
    """The box lower <= x <= upper; raises UserError where a lower bound is above its upper bound.

    >>> robmem.Box([0, 0], [1, "1/2"])
    Box(lower=(0, 0), upper=(1, 1/2 (0.5)))
    """

    __slots__ = ("region",)

    def __init__(self, lower: Any, upper: Any, *, decimals: bool = False) -> None:
        self.region = box(
            exact_vector(lower, "lower", decimals=decimals),
            exact_vector(upper, "upper", decimals=decimals),
        )

    def __repr__(self) -> str:
        from verifier.question.shown import brief

        return f"Box(lower={brief(self.region.lower)}, upper={brief(self.region.upper)})"


_READ_EXACTLY: WeakSet[Network] = WeakSet()
"""Networks of files and models in which layers were multiplied out or units merged: the same
function of real numbers, and another one as executed in floats."""


def _by_arguments(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """The function; its errors about options of the command line name its own arguments."""
    own = signature(function).parameters

    def argument(option: Match[str]) -> str:
        name = option[1].replace("-", "_")
        return name if name in own else option[0]

    @wraps(function)
    def named(*given: _P.args, **more: _P.kwargs) -> _R:
        if not isinstance(more.get("options", _OPTIONS), Options):
            raise UserError(f"options: {_shown(more['options'])}: give robmem.Options(timeout=..)")
        try:
            return function(*given, **more)
        except UserError as error:
            text = re.sub(r"--([a-z][a-z-]*)", argument, str(error))
            if type(error) is not UserError or text == str(error):
                raise
            raise UserError(text) from None

    return named


def load_network(
    network: Any, *, semantics: Semantics = "real", shape: Sequence[int] | None = None
) -> Network:
    """The exact network of a file (.onnx, .nnet, .npz, robmem's own), of a fitted model, or of a
    pair: weights of shape (out, in) and biases, a layer each, with ReLU between layers.

    A fitted classifier of two classes with a single score gets an output a class. Raises UserError,
    also for an .onnx file that names its outputs by class in an order of its own: a network has no
    names, so the file itself is to be given to what asks about labels.

    semantics: if "float32" or "float64", the network of a file is read as it is executed, a sum a
    unit. One that was read for real numbers may compute something else in floats: questions about
    executions refuse it.

    shape: of one input of a PyTorch module without the batch, as (1, 28, 28), where its first layer
    does not say it, as convolutions do not.

    >>> robmem.load_network(network) is network
    True
    """
    if shape is None:
        read, _, classes = _read(network, None, semantics=semantics)
    else:
        from verifier.formats.fitted import network_of

        read, classes = network_of(network, shape), None
    if semantics == "real" and not isinstance(network, Network | tuple) and not _promises(network):
        _READ_EXACTLY.add(read)
    if classes is not None and isinstance(network, str | PathLike):
        numbers = all(map(is_integer, classes))
        if numbers or list(classes) != sorted_labels(classes):
            raise UserError(
                f"{fspath(network)} names its outputs {', '.join(map(repr, classes[:5]))}, which a "
                "network does not keep: give the path itself to what asks about labels"
            )
    return read


def load_data(data: Dataset | str | PathLike[str]) -> Dataset:
    """The data set of a name or file, as `--data` of the commands takes it; raises UserError.

    >>> robmem.load_data("iris")
    Dataset(name='iris', samples=150, inputs=4, labels=('setosa', 'versicolor', 'virginica'))
    """
    if isinstance(data, Dataset):
        return data
    if isinstance(data, str | PathLike):
        return load(fspath(data))
    raise UserError(
        f"data of type {type(data).__name__}: give a name, a path, or "
        f"Dataset.from_arrays(X, y){_order(data)}"
    )


def _order(data: object) -> str:
    """What is said where a network stands in the place of data."""
    return "; certify takes the data first, then the network" if isinstance(data, Network) else ""


@_by_arguments
def verify(
    network: Any,
    region: Region | Ball | Box,
    label: Number,
    decoder: str | None = None,
    *,
    labels: Sequence[Number] | None = None,
    semantics: Semantics = "real",
    options: Options = Options(),
) -> Verdict:
    """Whether the decoder reads `label` on all of the region, a `Ball` or a `Box`.

    A tie is a flip. `labels` are those of the whole data set, see `goals_of`; the decoder is argmax
    for several outputs, else nearest. Of a fitted classifier the label is one of its classes.
    Raises UserError for what does not fit together. As executed in floats, the point of a flip has
    the inputs first, then the rounding error of each unit and output.

    >>> robmem.verify(network, robmem.Ball([2], 1), 0)
    Robust(steps=0, trees=1 of 1 nodes)
    >>> verdict = robmem.verify(network, robmem.Ball([2], 2), 0)
    >>> isinstance(verdict, robmem.Flip), verdict.point[0] <= 0.5
    (True, True)
    """
    query = question(network, region, label, decoder, labels=labels, semantics=semantics)
    if semantics == "real":
        return api.verify(query, options).verdict
    center = query.region.center
    first = [tuple(rounded(x, semantics) for x in center)] if center else []
    return verify_executed(query, semantics, options, first).verdict


@_by_arguments
def question(
    network: Any,
    region: Region | Ball | Box,
    label: Number,
    decoder: str | None = None,
    *,
    labels: Sequence[Number] | None = None,
    semantics: Semantics = "real",
) -> Query:
    """The query of `verify` and `margin`, for `check`: does a point of the region lose the label?

    semantics: if not real, the network of a file is read as it is executed; see `check`.

    >>> query = robmem.question(network, robmem.Ball([2], 1), 0)
    >>> robmem.check(query, robmem.verify(network, robmem.Ball([2], 1), 0))
    """
    if not isinstance(region, Region | Ball | Box):
        raise UserError(f"region of type {type(region).__name__}: give a Ball or a Box")
    listed = _listed(labels, "labels")
    values = None if listed is None else [exact_number(value, "labels") for value in listed]
    named = None if values is None else list(map(format_rational, values))
    read, decoder, classes = _read(network, decoder, values, named, semantics)
    if classes is not None and values is None:
        if str(label) not in classes:
            raise UserError(f"label: {label!r} is not one of the classes {', '.join(classes)}")
        own = Fraction(classes.index(str(label)))
    else:
        own = _own_label(label)
    asked = region if isinstance(region, Region) else region.region
    return Query(read, asked, goals_of(read, own, decoder, values))


def _own_label(label: Any) -> Fraction:
    """The label as a number; raises UserError, for a name too, which a network does not know."""
    try:
        return exact_number(label, "label")
    except UserError as error:
        if not isinstance(label, str):
            raise
        raise UserError(
            f"{error}; a label called by a name is the number of its output, counted from 0"
        ) from None


def goals_of(
    network: Network,
    label: int | Fraction,
    decoder: str | None = None,
    labels: Sequence[int | Fraction] | None = None,
) -> tuple[Goal, ...]:
    """The goals whose refutation means that `label` is read; one of them holds at every flip.

    `labels` are those of the whole data set; what they are by default, and what is raised for a
    label that is not among them, says `label_values`.
    """
    decoder = decoder or default_decoder(network.outputs.count)
    values = label_values(decoder, Fraction(label), network.outputs.count, labels)
    return label_goals(decoder, values.index(Fraction(label)), values, network.outputs.count)


@_by_arguments
def margin(
    network: Any,
    region: Region | Ball | Box,
    label: Number,
    decoder: str | None = None,
    *,
    labels: Sequence[Number] | None = None,
    within: Number | None = None,
    options: Options = Options(),
) -> Worst:
    """The least margin of the label on the region, exactly, or an interval of length `within`.

    >>> found = robmem.margin(network, robmem.Ball([2], 1), 0)
    >>> found.reached, found.upper, found.point
    (True, Fraction(1, 1), (Fraction(1, 1),))
    """
    query = question(network, region, label, decoder, labels=labels)
    gap = None if within is None else exact_number(within, "within")
    return worst_case.worst(query, within=gap, options=options)


@_by_arguments
def radius(
    network: Any,
    data: Dataset | str | PathLike[str],
    sample: int,
    *,
    norm: object = "inf",
    decoder: str | None = None,
    labels: Sequence[str] | None = None,
    clip: Clip | None = None,
    within: Number | None = None,
    most: Number | None = None,
    options: Options = Options(),
) -> RadiusInterval:
    """The distance from the sample to the nearest flip, exactly; see `verifier.tasks.radius`.

    For norm 2 its square. With `within` an interval of that length is enough. `labels` name one
    label for each output, see `Dataset.for_outputs`.

    >>> found = robmem.radius(network, data, 0)
    >>> found.exact, found.upper, found.flip.point, found.flip.rival
    (True, Fraction(3, 2), (Fraction(1, 2),), 'low')
    >>> robmem.check(found.question, found.pair)
    """
    read, decoder, dataset = _about(network, data, decoder, labels)
    chosen = sample_list(sample, dataset.size)
    if chosen is None or len(chosen) != 1:
        raise UserError(f"sample: {sample!r} is not the number of one sample")
    return distances.exact_radius(
        read,
        runs.points_of(dataset),
        chosen[0],
        norm=read_norm(norm),
        decoder=decoder,
        clip=_clip(clip),
        within=None if within is None else exact_number(within, "within"),
        most=None if most is None else exact_number(most, "most"),
        options=options,
    )


@_by_arguments
def margin_curve(
    network: Any,
    data: Dataset | str | PathLike[str],
    sample: int,
    up_to: Number,
    *,
    norm: object = "inf",
    decoder: str | None = None,
    labels: Sequence[str] | None = None,
    options: Options = Options(),
) -> Curve:
    """The least margin on the closed ball of every radius from 0 to `up_to`, exactly, with a proof
    for each piece; for norms inf and 1, see `verifier.tasks.margin`.

    >>> found = robmem.margin_curve(network, data, 0, 2)
    >>> found.exact, found.zero
    (True, (Fraction(3, 2), Fraction(3, 2)))
    >>> found.pieces[0].last, found.pieces[0].lower
    (Fraction(2, 1), (Fraction(3, 1), Fraction(-1, 1)))
    """
    read, decoder, dataset = _about(network, data, decoder, labels)
    chosen = sample_list(sample, dataset.size)
    if chosen is None or len(chosen) != 1:
        raise UserError(f"sample: {sample!r} is not the number of one sample")
    if decoder == "value":
        raise UserError("decoder value: an output that equals its label has no margin")
    points, of, number = runs.points_of(dataset), read_norm(norm), chosen[0]

    def query_of(radius: Fraction) -> Query:
        return sample_query(read, points, Question(of, decoder, radius), number)

    return curve_of(query_of, exact_number(up_to, "up_to"), options)


@_by_arguments
def search(
    network: Any,
    data: Dataset | str | PathLike[str],
    radius: Number,
    *,
    norm: object = "inf",
    decoder: str | None = None,
    labels: Sequence[str] | None = None,
    clip: Clip | None = None,
    samples: Any = None,
    limit: int | None = None,
    all_rivals: bool = False,
    nearest: bool = False,
    semantics: Semantics = "real",
    options: Options = Options(),
    progress: Callable[[int], None] = lambda done: None,
) -> list[SearchedSample]:
    """What is found in the closed balls of this radius around these samples, all if None.

    The attack comes first, then the exact search, which ends with a checked proof where there is no
    flip; see `verifier.tasks.flips`. `samples`: numbers, a slice or a mask. `progress` is called
    with the number of samples that are done.

    >>> one, other = robmem.search(network, data, 1)
    >>> one.verdict, other.verdict, other.flips[0].rival
    ('robust', 'flip', 'high')
    """
    read, decoder, dataset = _about(network, data, decoder, labels, semantics)
    size = exact_number(radius, "radius")
    asked = Question(read_norm(norm), decoder, size, None, _clip(clip), semantics=semantics)
    if limit is not None and (not isinstance(limit, int | np.integer) or limit < 1):
        raise UserError(f"limit: {_shown(limit)} is not a number of samples")
    if semantics != "real":
        if all_rivals or nearest:
            raise UserError("all_rivals and nearest go with semantics='real' alone")
        return search_executed(
            read,
            runs.points_of(dataset),
            asked,
            samples=sample_list(samples, dataset.size),
            limit=limit,
            options=options,
            progress=progress,
        )
    return flips.search_flips(
        read,
        runs.points_of(dataset),
        asked,
        samples=sample_list(samples, dataset.size),
        limit=limit,
        all_rivals=all_rivals,
        nearest=nearest,
        options=options,
        progress=progress,
    )


@_by_arguments
def certify(
    data: Dataset | str | PathLike[str],
    network: Any,
    radius: Number | None = None,
    *,
    norm: object = "inf",
    decoder: str | None = None,
    labels: Sequence[str] | None = None,
    clip: Clip | None = None,
    folder: Path | str | None = None,
    samples: Any = None,
    semantics: Semantics = "real",
    options: Options = Options(),
    jobs: int = 0,
    progress: Callable[[Progress], None] = lambda progress: None,
) -> Summary:
    """Answers, checks and stores the balls of this radius of all samples, in a folder.

    The folder is replayed by `robmem check FOLDER`, and by default `runs/<data>-network-<hash>`;
    interrupted at any time, the same call continues. A construction brings its own radius, norm
    and decoder. jobs: worker processes, 0 for none. `progress` is told how the run stands.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     summary = robmem.certify(data, network, "1/4", folder=folder)
    >>> summary.claim
    'all 2 samples keep their label on Linf balls of radius 1/4, decoder argmax'
    """
    if _promises(network):
        _known(semantics)
        dataset, asked, read = load_data(data), runs.question_of(network), network
        asked = replace(asked, semantics=semantics)
    else:
        if radius is None:
            raise UserError("a network comes without a radius: give radius")
        read, decoder, dataset = _about(network, data, decoder, labels, semantics)
        size = exact_number(radius, "radius")
        asked = Question(read_norm(norm), decoder, size, None, _clip(clip), semantics=semantics)
    if not isinstance(jobs, int | np.integer) or jobs < 0:
        raise UserError(f"jobs: {_shown(jobs)} is not a number of processes, 0 for none")
    chosen = sample_list(samples, dataset.size)
    run = runs.begin(dataset, read, asked, folder, samples=chosen, options=options)
    return runs.continue_run(run, jobs=jobs, observe=progress)


def check(
    query: Query, verdict: Robust | Flip | Radius | Maximum, semantics: Semantics = "real"
) -> None:
    """Returns if the verdict is shown to be true of the query; RefusedError, naming the flaw.

    With semantics "float32" or "float64", of every execution of its network in that format.

    >>> query = robmem.question(network, robmem.Box([1], [2]), 0)
    >>> robmem.check(query, robmem.Flip((Fraction(1),), 0))
    Traceback (most recent call last):
    verifier.question.errors.RefusedError: no flip: atom 0 of goal 0 does not hold there
    """
    _known(semantics)
    if not isinstance(query, Query):
        raise UserError(f"a query is made by question; {_shown(query)} is none")
    _require_as_executed(query.network, semantics)
    if not isinstance(verdict, Robust | Flip | Radius | Maximum):
        raise UserError(f"{_shown(verdict)} carries no evidence to be checked")
    if semantics == "real":
        api.check(query, verdict)
    else:
        check_executed(query, semantics, verdict)


def check_file(path: Path | str, network: Network | Path | str | None = None) -> Proof:
    """The question and the verdict in a proof file, after a check; read the question, and of which
    arithmetic (`semantics`) it is.

    The network is needed if the file does not hold it. Raises as `check`, and UserError for a file
    that cannot be read.

    >>> from tempfile import TemporaryDirectory
    >>> from verifier.evidence.proof_file import save_proof
    >>> found = robmem.radius(network, data, 0)
    >>> with TemporaryDirectory() as folder:
    ...     save_proof(f"{folder}/radius.json", found.question, found.pair)
    ...     robmem.check_file(f"{folder}/radius.json").query.region.size
    Fraction(3, 2)
    """
    if not isinstance(path, str | PathLike):
        raise UserError(f"path: {_shown(path)} is not the path of a proof file")
    proof = claim_about(path, network)
    if isinstance(proof, FamilyProof):
        raise UserError(f"{path}: a proof about a family: robmem check FILE reads it")
    check(proof.query, proof.verdict, proof.semantics)
    return proof


def claim_about(path: Path | str, network: Network | Path | str | None) -> Proof | FamilyProof:
    """The claim of a proof file, not checked, of any arithmetic or about a family; of a file with
    a last layer that is not piecewise linear, about the one before it that the proof names."""
    if network is None or isinstance(network, Network):
        return load_claim(path, network=network, semantics=None)
    digest, semantics = network_digest(path), semantics_in(path)
    if semantics != "real":
        require_executable(network, semantics)
    read = load_file(network, merge=semantics == "real").with_digest(digest)
    return load_claim(path, network=read, semantics=None)


def proof_about(path: Path | str, network: Network | Path | str | None) -> Proof:
    """The question and the verdict in a proof file, not checked, about this network: of a file with
    a last layer that is not piecewise linear, the one before it that the proof names."""
    if network is None or isinstance(network, Network):
        return load_proof(path, network=network)
    return load_proof(path, network=load_file(network).with_digest(network_digest(path)))


def _promises(network: Any) -> bool:
    """Whether it is a construction, which brings its balls and its decoder."""
    return all(hasattr(network, name) for name in ("network", "budget", "norm", "decoder"))


def _read(
    network: Any,
    decoder: str | None,
    labels: Sequence[int | Fraction] | None = None,
    named: Sequence[str] | None = None,
    semantics: Semantics = "real",
) -> tuple[Network, str, list[str] | None]:
    """The network of a question about labels, the decoder that reads them, and the classes that a
    fitted model or a file names; `labels` are those of the data as numbers, `named` what a user
    calls the outputs."""
    _known(semantics)
    if not (decoder is None or (isinstance(decoder, str) and decoder in DECODERS)):
        raise UserError(f"decoder {_shown(decoder)} is not one of {', '.join(DECODERS)}")
    if _promises(network):
        return network.network, decoder or network.decoder, None
    if isinstance(network, Network):
        _require_as_executed(network, semantics)
        return network, decoder or default_decoder(network.outputs.count), None
    if isinstance(network, str | PathLike):
        path = fspath(network)
        if semantics != "real":
            require_executable(path, semantics)
        with naming(path):
            numbers = [Fraction(label) for label in labels or ()]
            loaded = load_file(path, merge=semantics == "real")
            read, decoder = loaded.reading(decoder, numbers)
            names = loaded.labels_for(decoder, named)
            return read, decoder, None if names is None or named is not None else list(names)
    if isinstance(network, tuple) and len(network) == 2:
        made = _chain(*network)
        return made, decoder or default_decoder(made.outputs.count), None
    from verifier.formats.fitted import classifier_of

    if semantics != "real":
        raise UserError(
            f"a model of type {type(network).__name__} is read exactly; as executed in {semantics} "
            "nothing is known of it: export it to ONNX and give the file"
        )
    made, classes = classifier_of(network)
    return made, decoder or default_decoder(made.outputs.count), classes


def _chain(weights: Any, biases: Any) -> Network:
    """The network of these layers, whose entries may be of any exact kind."""
    sides = [_listed(side, what) for side, what in ((weights, "weights"), (biases, "biases"))]
    try:
        layers = [[np.asarray(array) for array in side or ()] for side in sides]
    except (TypeError, ValueError):
        raise UserError("a layer is no array: its rows have several lengths") from None
    if any(array.dtype.kind not in "iuf" for side in layers for array in side):
        exact = np.frompyfunc(lambda entry: exact_number(entry, "weight"), 1, 1)
        shapes = [[np.zeros(array.shape) for array in side] for side in layers]
        chain(shapes[0], shapes[1])  # whatever does not fit is said here
        offset, blocks = 0, []
        for matrix, bias in zip(*layers, strict=True):
            blocks.append(dense_rows(exact(matrix).tolist(), exact(bias).tolist(), offset))
            offset += matrix.shape[1]
        sizes = tuple(len(bias) for bias in layers[1][:-1])
        inputs = int(layers[0][0].shape[1])
        return Network(inputs, sizes, concatenate_rows(blocks[:-1]), blocks[-1])
    return chain(layers[0], layers[1])


def _about(
    network: Any,
    data: Dataset | str | PathLike[str],
    decoder: str | None,
    labels: Sequence[str] | None,
    semantics: Semantics = "real",
) -> tuple[Network, str, Dataset]:
    """The network, its decoder, and the data with the labels that its outputs stand for."""
    labels = _listed(labels, "labels")
    dataset = load_data(data)
    read, decoder, classes = _read(network, decoder, _labels(dataset), labels, semantics)
    if read.inputs != dataset.dimension:
        raise UserError(
            f"the network has {read.inputs} inputs, {dataset.name} has {dataset.dimension}"
        )
    names = classes if labels is None else [str(label) for label in labels]
    return read, decoder, dataset.for_outputs(decoder, read.outputs.count, names)


def _require_as_executed(network: Network, semantics: Semantics) -> None:
    """Raises UserError where `load_network` has read a file or model for real numbers."""
    if semantics != "real" and network in _READ_EXACTLY:
        raise UserError(
            f"this network was read for real numbers, and may compute something else in "
            f"{semantics}: give the file itself, or load_network(file, semantics={semantics!r})"
        )


def _known(semantics: Semantics) -> Semantics:
    """The same; raises UserError for any other word."""
    if not isinstance(semantics, str) or semantics not in get_args(Semantics):
        raise UserError(f"semantics: {_shown(semantics)} is not one of real, float32, float64")
    return semantics


def _shown(value: object) -> str:
    """A value in an error, cut and on one line."""
    text = " ".join(repr(value).split())
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}.."


def _clip(clip: Clip | None, *, decimals: bool = False) -> tuple[Fraction, Fraction] | None:
    if clip is None:
        return None
    ends = _listed(clip, "clip")
    if ends is None or len(ends) != 2:
        raise UserError(f"clip: {_shown(clip)} is not a pair of numbers, the least and the largest")
    low, high = (exact_number(end, "clip", decimals=decimals) for end in ends)
    return low, high


def _listed(values: Any, what: str) -> list[Any] | None:
    """The entries of a sequence; raises UserError for what is none, such as a single text."""
    if values is None:
        return None
    if isinstance(values, str | bytes | Mapping | Dataset) or not hasattr(values, "__iter__"):
        raise UserError(f"{what}: {_shown(values)} is not a list")
    try:
        return list(values)
    except TypeError:  # an array without axes
        raise UserError(f"{what}: {_shown(values)} is not a list") from None


def _labels(dataset: Dataset) -> list[int | Fraction] | None:
    """The labels of the data as numbers, None where one is not a number."""
    try:
        return [parse_rational(name) for name in dataset.label_names]
    except UserError:
        return None


__all__ = [
    "Ball",
    "Box",
    "Dataset",
    "Flip",
    "FoundFlip",
    "Maximum",
    "Network",
    "Options",
    "Progress",
    "Promising",
    "Query",
    "Radius",
    "RadiusInterval",
    "Robust",
    "SearchedSample",
    "Summary",
    "Undecided",
    "UserError",
    "Verdict",
    "Worst",
    "certify",
    "check",
    "check_file",
    "load_data",
    "load_network",
    "margin",
    "question",
    "radius",
    "search",
    "verify",
]

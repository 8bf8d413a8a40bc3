"""The Python API: `verify` a label, `exact_radius`, `search_flips`, `certify` a data set, `check`.

A network is a `Network` or the path of a file that `robmem` reads; data are a `Dataset` or what
`--data` takes, such as "digits" or "table.csv". All numbers are exact: Fraction("0.1") is one
tenth, Fraction(0.1) the float nearest to it. Every answer has been checked before it is returned.

The examples are about the network (x, 1 - x) of one input x, of which argmax reads label 0 where
x > 1/2, label 1 where x < 1/2, and a tie between them.

>>> from fractions import Fraction
>>> from verifier import ask
>>> from verifier.question.build import NetworkBuilder
>>> from verifier.data.dataset import Dataset
>>> build = NetworkBuilder(1)
>>> (x,) = build.inputs
>>> network = build.network([x, 1 - x])
>>> data = Dataset.from_rows("two", [[2], [0]], ["high", "low"])
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

from verifier.checker.manifest import Question
from verifier.data.dataset import Dataset
from verifier.data.load import load
from verifier.evidence.certificate import Flip, Maximum, Radius, Robust, Undecided, Verdict
from verifier.evidence.proof_file import (
    FamilyProof,
    Proof,
    load_claim,
    load_proof,
    network_digest,
)
from verifier.formats.files import naming
from verifier.formats.load import load_file
from verifier.question.errors import UserError
from verifier.question.labels import default_decoder, label_values
from verifier.question.network import Network
from verifier.question.query import Goal, Query, label_goals
from verifier.question.rational import parse_rational
from verifier.question.region import Norm, Region, ball, box
from verifier.runs import run as runs
from verifier.runs.run import Promising
from verifier.runs.summary import Summary
from verifier.search.options import Options
from verifier.tasks import flips, radius
from verifier.tasks import verify as api
from verifier.tasks.around import FoundFlip
from verifier.tasks.flips import SearchedSample
from verifier.tasks.radius import RadiusInterval

Clip = tuple[Fraction, Fraction]


def verify(
    network: Network | Path | str,
    region: Region,
    label: int | Fraction,
    decoder: str | None = None,
    *,
    labels: Sequence[int | Fraction] | None = None,
    options: Options = Options(),
) -> Verdict:
    """Whether the decoder reads `label` on all of the region, which `ball` or `box` gives.

    A tie is a flip. `labels` are those of the whole data set, see `goals_of`; the decoder is argmax
    for several outputs, else nearest. Raises UserError for what does not fit together.

    >>> ask.verify(network, ask.ball("inf", [Fraction(2)], Fraction(1)), 0)
    Robust(steps=(...), trees=(...))
    >>> verdict = ask.verify(network, ask.ball("inf", [Fraction(2)], Fraction(2)), 0)
    >>> isinstance(verdict, ask.Flip), verdict.point[0] <= Fraction(1, 2)
    (True, True)
    """
    read, decoder = _read(network, decoder, labels)
    return api.verify(Query(read, region, goals_of(read, label, decoder, labels)), options).verdict


def goals_of(
    network: Network,
    label: int | Fraction,
    decoder: str | None = None,
    labels: Sequence[int | Fraction] | None = None,
) -> tuple[Goal, ...]:
    """The goals whose refutation means that `label` is read; one of them holds at every flip.

    `labels` are those of the whole data set; what they are by default, and what is raised for a
    label that is not among them, says `label_values`.

    >>> [goal.rival for goal in ask.goals_of(network, 0)]
    ['1']
    """
    decoder = decoder or default_decoder(network.outputs.count)
    values = label_values(decoder, Fraction(label), network.outputs.count, labels)
    return label_goals(decoder, values.index(Fraction(label)), values, network.outputs.count)


def exact_radius(
    network: Network | Path | str,
    data: Dataset | str,
    sample: int,
    *,
    norm: Norm = "inf",
    decoder: str | None = None,
    labels: Sequence[str] | None = None,
    clip: Clip | None = None,
    within: Fraction | None = None,
    most: Fraction | None = None,
    options: Options = Options(),
) -> RadiusInterval:
    """The distance from the sample to the nearest flip, exactly; see `verifier.tasks.radius`.

    For norm 2 its square. With `within` an interval of that length is enough. `labels` name one
    label for each output, see `Dataset.for_outputs`.

    >>> found = ask.exact_radius(network, data, 0)
    >>> found.exact, found.upper, found.flip.point, found.flip.rival
    (True, Fraction(3, 2), (Fraction(1, 2),), 'low')
    >>> ask.check(found.question, found.pair)
    """
    dataset = _data(data)
    read, decoder = _read(network, decoder, _labels(dataset))
    return radius.exact_radius(
        read,
        runs.points_of(dataset.for_outputs(decoder, read.outputs.count, labels)),
        sample,
        norm=norm,
        decoder=decoder,
        clip=clip,
        within=within,
        most=most,
        options=options,
    )


def search_flips(
    network: Network | Path | str,
    data: Dataset | str,
    size: Fraction,
    *,
    norm: Norm = "inf",
    decoder: str | None = None,
    labels: Sequence[str] | None = None,
    clip: Clip | None = None,
    samples: Sequence[int] | None = None,
    limit: int | None = None,
    all_rivals: bool = False,
    nearest: bool = False,
    options: Options = Options(),
) -> list[SearchedSample]:
    """What is found in the closed balls of radius `size` around these samples, all if None.

    The attack comes first, then the exact search, which ends with a checked proof where there is no
    flip; see `verifier.tasks.flips`.

    >>> one, other = ask.search_flips(network, data, Fraction(1))
    >>> one.verdict, other.verdict, other.flips[0].rival
    ('robust', 'flip', 'high')
    """
    dataset = _data(data)
    read, decoder = _read(network, decoder, _labels(dataset))
    question = Question(norm, decoder, size, None, clip)
    return flips.search_flips(
        read,
        runs.points_of(dataset.for_outputs(decoder, read.outputs.count, labels)),
        question,
        samples=samples,
        limit=limit,
        all_rivals=all_rivals,
        nearest=nearest,
        options=options,
    )


def certify(
    data: Dataset | str,
    network: Network | Promising | Path | str,
    size: Fraction | None = None,
    *,
    norm: Norm = "inf",
    decoder: str | None = None,
    labels: Sequence[str] | None = None,
    clip: Clip | None = None,
    folder: Path | str | None = None,
    samples: Sequence[int] | None = None,
    options: Options = Options(),
    jobs: int = 0,
) -> Summary:
    """Answers, checks and stores the balls of radius `size` of all samples, in a folder.

    The folder is replayed by `robmem check FOLDER`, and by default `runs/<data>-network-<hash>`. A
    construction brings its own radius, norm and decoder. jobs: worker processes, 0 for none.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     summary = ask.certify(data, network, Fraction(1, 4), folder=folder)
    >>> summary.claim
    'all 2 samples keep their label on Linf balls of radius 1/4, decoder argmax'
    """
    dataset, question, read = _data(data), None, network
    if isinstance(network, Network | Path | str):
        if size is None:
            raise UserError("a network comes without a radius: give size")
        read, decoder = _read(network, decoder, _labels(dataset))
        question = Question(norm, decoder, size, None, clip)
        dataset = dataset.for_outputs(decoder, read.outputs.count, labels)
    if isinstance(read, Path | str):
        raise UserError(f"{read}: not a network")
    return runs.certify(
        dataset, read, question, folder, samples=samples, options=options, jobs=jobs
    )


def check(query: Query, verdict: Robust | Flip | Radius | Maximum) -> None:
    """Returns if the verdict is shown to be true of the query; RefusedError, naming the flaw.

    >>> from verifier.question.query import Query
    >>> query = Query(network, ask.box([Fraction(1)], [Fraction(2)]), ask.goals_of(network, 0))
    >>> ask.check(query, ask.Flip((Fraction(1),), 0))
    Traceback (most recent call last):
    verifier.question.errors.RefusedError: no flip: atom 0 of goal 0 does not hold there
    """
    api.check(query, verdict)


def check_file(path: Path | str, network: Network | Path | str | None = None) -> Proof:
    """The question and the verdict in a proof file, after a check; read the question.

    The network is needed if the file does not hold it. Raises as `check`, and UserError for a file
    that cannot be read.

    >>> from tempfile import TemporaryDirectory
    >>> from verifier.evidence.proof_file import save_proof
    >>> found = ask.exact_radius(network, data, 0)
    >>> with TemporaryDirectory() as folder:
    ...     save_proof(f"{folder}/radius.json", found.question, found.pair)
    ...     ask.check_file(f"{folder}/radius.json").query.region.size
    Fraction(3, 2)
    """
    proof = proof_about(path, network)
    api.check(proof.query, proof.verdict)
    return proof


def claim_about(path: Path | str, network: Network | Path | str | None) -> Proof | FamilyProof:
    """The same, or the proof about a family that the file holds."""
    if network is None or isinstance(network, Network):
        return load_claim(path, network=network)
    return load_claim(path, network=load_file(network).with_digest(network_digest(path)))


def proof_about(path: Path | str, network: Network | Path | str | None) -> Proof:
    """The question and the verdict in a proof file, not checked, about this network: of a file with
    a last layer that is not piecewise linear, the one before it that the proof names."""
    if network is None or isinstance(network, Network):
        return load_proof(path, network=network)
    return load_proof(path, network=load_file(network).with_digest(network_digest(path)))


def _read(
    network: Network | Path | str,
    decoder: str | None,
    labels: Sequence[int | Fraction] | None = None,
) -> tuple[Network, str]:
    """The network of a question about labels, and the decoder that reads them."""
    if isinstance(network, Network):
        return network, decoder or default_decoder(network.outputs.count)
    with naming(network):
        return load_file(network).reading(decoder, [Fraction(label) for label in labels or ()])


def _labels(dataset: Dataset) -> list[int | Fraction] | None:
    """The labels of the data as numbers, None where one is not a number."""
    try:
        return [parse_rational(name) for name in dataset.label_names]
    except UserError:
        return None


def _data(data: Dataset | str) -> Dataset:
    return load(data) if isinstance(data, str) else data


__all__ = [
    "Flip",
    "FoundFlip",
    "Options",
    "RadiusInterval",
    "Robust",
    "SearchedSample",
    "Summary",
    "Undecided",
    "ball",
    "box",
    "certify",
    "check",
    "check_file",
    "exact_radius",
    "goals_of",
    "search_flips",
    "verify",
]

"""Networks that a proved theorem speaks of, for random data; and random edits of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from random import Random
from typing import Any

import numpy as np

from constructions.families import family_of
from constructions.halfspaces import parameter
from constructions.hypotheses import power_separation
from constructions.registry import build
from verifier.checker.manifest import Question
from verifier.checker.theorem_task import THEOREMS
from verifier.data.dataset import Dataset
from verifier.evidence.data_file import Points, data_bytes, parse_data
from verifier.question.built import Built
from verifier.question.errors import UserError
from verifier.question.network import Network, Rows, integers
from verifier.runs.run import points_of, question_of

NAMES = tuple(THEOREMS)


@dataclass(frozen=True)
class Case:
    """A network, and what is claimed of it."""

    network: Network
    points: Points
    question: Question
    built: Built


def case(dataset: Dataset, name: str, ratio: Fraction | None) -> Case:
    """The network of the construction for this ratio; None is every budget."""
    power, points = power_separation(dataset, THEOREMS[name].norm), points_of(dataset)
    if ratio is None:
        family = family_of(dataset, name)
        norm: Any = family.norm
        question = Question(norm, THEOREMS[name].decoder, family=family.terms())
        return Case(family.network, points, question, Built(name, power, Fraction(0)))
    made = build(name, dataset, ratio=ratio)
    of = parameter(made.budget, power, "2") if THEOREMS[name].squared else made.budget
    return Case(made.network, points, question_of(made), Built(name, power, of))


def edited_network(case: Case, random: Random) -> Case:
    """One number of one row is another, or a row is gone, doubled, or stands elsewhere."""
    while True:
        try:
            return _edited(case, random)
        except UserError:
            continue  # no network: a layer would read itself


def _edited(case: Case, random: Random) -> Case:
    network = case.network
    kind = random.choice(
        ("weight", "bias", "below", "variable", "drop", "double", "swap", "output")
    )
    rows = network.outputs if kind == "output" else network.units
    listed = [rows.row(i) for i in range(rows.count)]
    layers = list(network.layers)
    place = random.randrange(len(listed))
    indices, weights, bias, below = listed[place]
    change = random.choice((-2, -1, 1, 2))
    if kind in ("weight", "output") and weights:
        k = random.randrange(len(weights))
        weights[k] += change if weights[k] + change else 2 * change
    elif kind == "variable" and indices:
        k = random.randrange(len(indices))
        first = network.inputs + sum(layers[: _layer_of(layers, place)])
        others = sorted(set(range(first)) - set(indices))
        if others:
            indices[k] = random.choice(others)
        indices, weights = _sorted(indices, weights)
    elif kind == "below":
        below += abs(change)
    elif kind in ("drop", "double") and len(listed) > 1:
        layers[_layer_of(layers, place)] += 1 if kind == "double" else -1
        if kind == "double":
            listed.insert(place, listed[place])
        else:
            del listed[place]
        return _rebuilt(case, listed, layers, place, 1 if kind == "double" else -1)
    elif kind == "swap" and _layer_of([*layers, 1], place + 1) == _layer_of(layers, place):
        listed[place], listed[place + 1] = listed[place + 1], listed[place]
        return _made(case, layers, listed, network.outputs)
    else:
        bias += change
    listed[place] = (indices, weights, bias, below)
    if kind == "output":
        return _made(case, layers, None, _rows(listed))
    return _made(case, layers, listed, network.outputs)


def _layer_of(layers: list[int], place: int) -> int:
    for layer, size in enumerate(layers):
        if place < size:
            return layer
        place -= size
    return len(layers) - 1


def _sorted(indices: list[int], weights: list[int]) -> tuple[list[int], list[int]]:
    pairs = sorted(zip(indices, weights, strict=True))
    return [j for j, _ in pairs], [w for _, w in pairs]


def _rebuilt(case: Case, listed: list[Any], layers: list[int], place: int, shift: int) -> Case:
    """Units behind `place` have other numbers now; what read a unit that is gone reads the next."""
    border = case.network.inputs + place
    outputs = [case.network.outputs.row(0)]
    last = case.network.inputs + len(listed) - 1

    def moved(row: Any) -> Any:
        indices, weights, bias, below = row
        total: dict[int, int] = {}
        for j, w in zip(indices, weights, strict=True):
            to = min(j + shift * (j > border or (shift > 0 and j == border)), last)
            total[to] = total.get(to, 0) + w
        kept = sorted((j, w) for j, w in total.items() if w)
        return [j for j, _ in kept], [w for _, w in kept], bias, below

    return _made(case, layers, [moved(row) for row in listed], _rows([moved(outputs[0])]))


def _made(case: Case, layers: list[int], listed: list[Any] | None, outputs: Rows) -> Case:
    units = case.network.units if listed is None else _rows(listed)
    return replace(case, network=Network(case.network.inputs, tuple(layers), units, outputs))


def _rows(listed: list[Any]) -> Rows:
    starts = np.cumsum([0, *(len(row[0]) for row in listed)])
    return Rows(
        starts.astype(np.int64),
        np.array([j for row in listed for j in row[0]], dtype=np.int64),
        integers([w for row in listed for w in row[1]]),
        integers([row[2] for row in listed]),
        integers([row[3] for row in listed]),
    )


def with_labels(points: Points, labels: list[int]) -> Points:
    """The same points with other labels."""
    content = data_bytes(
        points.numerators, points.denominator, np.array(labels, dtype=np.int64), points.label_names
    )
    return parse_data(content)


def moved_sample(points: Points, sample: int, coordinate: int, by: Fraction) -> Points:
    """One coordinate of one sample is another."""
    times = by.denominator
    numerators = points.numerators.astype(object) * times
    numerators[sample, coordinate] += int(by * points.denominator * times)
    flat = integers(numerators.ravel().tolist()).reshape(numerators.shape)
    return parse_data(
        data_bytes(flat, points.denominator * times, points.labels, points.label_names)
    )

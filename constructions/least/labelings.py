"""All ways to give points two labels, up to the symmetry of the points: what `least` is asked of.

A symmetry is an isometry of the norm that maps the set of points onto itself: networks of one shape
go over into networks of that shape under any affine map, and balls into balls under these. Of L-inf
and L1 they are changes of the signs and the order of the coordinates, and translations; of L2 all
bijections of the points that keep distances, each of which extends to the space. Exchanging the two
labels, f to 1 - f, is the last one.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import permutations, product
from pathlib import Path

import numpy as np

from constructions.least.answer import Least, least
from verifier.data.dataset import Dataset
from verifier.evidence.fields import check_fields, index_in, list_in, text_in
from verifier.evidence.files import write_bytes
from verifier.evidence.packed import read_bytes
from verifier.evidence.strict_json import parse_json
from verifier.question.errors import RefusedError, UserError
from verifier.question.region import Norm, distance

MOST_POINTS = 12  # whose labelings are listed
MOST_DIMENSIONS = 5  # 3,840 signed permutations
TABLE = "labelings.json"


@dataclass(frozen=True, slots=True)
class Labeling:
    """Labels 0 and 1 of the points in their order, the first of its class in the order of texts;
    `alike` labelings of the 2^N are its images under symmetries, itself among them."""

    labels: tuple[int, ...]
    alike: int

    @property
    def text(self) -> str:
        return "".join(map(str, self.labels))


def labelings(dataset: Dataset, norm: Norm) -> list[Labeling]:
    """One labeling of each class, those with one label alone left out; sorted by their texts.

    Raises UserError for too many points or coordinates, and for equal points.
    """
    if dataset.size > MOST_POINTS:
        raise UserError(
            f"{dataset.name}: {dataset.size} points have 2^{dataset.size} labelings; they are "
            f"listed of at most {MOST_POINTS}, take some by --samples"
        )
    if norm != "2" and dataset.dimension > MOST_DIMENSIONS:
        raise UserError(
            f"{dataset.name}: {dataset.dimension} inputs; symmetries are looked for in at most "
            f"{MOST_DIMENSIONS} dimensions"
        )
    points = [dataset.point(k) for k in range(dataset.size)]
    if len(set(points)) < len(points):
        raise UserError(f"{dataset.name}: equal points, which no labels can tell apart")
    group = list(symmetries(points, norm))
    seen: set[tuple[int, ...]] = set()
    found = []
    for labels in product((0, 1), repeat=len(points)):
        if labels in seen:
            continue
        images = {tuple(labels[k] for k in moved) for moved in group}
        images |= {tuple(1 - label for label in image) for image in images}
        seen |= images
        if len(set(labels)) == 2:
            found.append(Labeling(labels, len(images)))
    return found


def symmetries(points: Sequence[tuple[Fraction, ...]], norm: Norm) -> Iterator[tuple[int, ...]]:
    """The permutations of the points by isometries: number k goes to the place of number p[k]."""
    if norm == "2":
        yield from _keeping_distances(points)
        return
    count, n = len(points), len(points[0])
    middle = [sum(p[j] for p in points) / count for j in range(n)]
    offsets = [tuple(x - m for x, m in zip(p, middle, strict=True)) for p in points]
    places = {offset: k for k, offset in enumerate(offsets)}
    known = set()
    for order in permutations(range(n)):
        for signs in product((1, -1), repeat=n):
            moved = tuple(
                places.get(tuple(s * p[j] for s, j in zip(signs, order, strict=True)), -1)
                for p in offsets
            )
            if -1 not in moved and moved not in known:
                known.add(moved)
                yield moved


def _keeping_distances(points: Sequence[tuple[Fraction, ...]]) -> Iterator[tuple[int, ...]]:
    count = len(points)
    apart = [[distance("2", p, q) for q in points] for p in points]

    def extended(begun: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
        if len(begun) == count:
            yield begun
            return
        k = len(begun)
        for image in range(count):
            if image not in begun and all(apart[k][j] == apart[image][begun[j]] for j in range(k)):
                yield from extended((*begun, image))

    yield from extended(())


def labelled(dataset: Dataset, labeling: Labeling) -> Dataset:
    """The points with these labels."""
    labels = np.array(labeling.labels, dtype=np.int64)
    name = f"{dataset.name}-{labeling.text}"
    return replace(dataset, name=name, labels=labels, label_names=("0", "1"))


def least_of_all(
    dataset: Dataset,
    norm: Norm = "inf",
    sizes: Sequence[Fraction] | None = None,
    most: int = 4,
    folder: Path | None = None,
    *,
    seconds: float | None = None,
    progress: Callable[[str], None] = lambda text: None,
) -> list[tuple[Labeling, Least]]:
    """The least width for each labeling of the points up to symmetry, as `least`; the labels that
    the data have do not count.

    With a folder each labeling has its own in it, called like its text, and `labelings.json` says
    which there are; the same call continues. Raises as `labelings` and `least`.
    """
    found = []
    for number, labeling in enumerate(classes := labelings(dataset, norm)):

        def say(text: str, number: int = number, labels: str = labeling.text) -> None:
            progress(f"labels {labels}, {number + 1} of {len(classes)}: {text}")

        own = None if folder is None else folder / labeling.text
        answer = least(
            labelled(dataset, labeling), norm, sizes, most, own, seconds=seconds, progress=say
        )
        found.append((labeling, answer))
        if folder is not None:
            write_table(folder, [one for one, _ in found], len(classes))
    return found


def read_table(folder: Path) -> tuple[list[Labeling], int]:
    """The labelings that have folders, and how many classes there are; raises RefusedError."""
    value = parse_json(read_bytes(folder / TABLE))
    if not isinstance(value, dict) or value.get("robmem_labelings") != 1:
        raise RefusedError("version", f"{folder / TABLE}: not version 1")
    check_fields(value, ("robmem_labelings", "classes", "labelings"))
    found = []
    for entry in list_in(value["labelings"], "labelings"):
        check_fields(entry, ("labels", "alike"))
        text = text_in(entry["labels"], "labels")
        if not 2 <= len(text) <= MOST_POINTS or set(text) != {"0", "1"}:
            raise RefusedError("malformed", f"labels {text[:40]!r}")
        found.append(Labeling(tuple(map(int, text)), index_in(entry["alike"])))
    return found, index_in(value["classes"])


def write_table(folder: Path, done: Sequence[Labeling], classes: int) -> None:
    """Says which labelings have folders, and of how many classes."""
    content = {
        "robmem_labelings": 1,
        "classes": classes,
        "labelings": [{"labels": one.text, "alike": one.alike} for one in done],
    }
    text = json.dumps(content, indent=1, sort_keys=True)
    write_bytes(folder / TABLE, text.encode() + b"\n")

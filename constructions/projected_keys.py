"""Memorizers that are not robust: controls, whose flips have a closed form.

Both project the samples to integers p_i = u . x_i (over the common denominator of the data, moved
to start at 0) with a random integer u that keeps differently labelled samples apart, and memorize
the integers. So they are right at the samples, and the hypothesis is just that; no budget above 0
is promised. A budget says on which balls robustness is to be refuted; it must be below half the
separation, for beyond it every network has a flip and the control shows nothing.

* `square_root` (Vardi, Yehudai, Shamir, On the Optimal Memorization Power of ReLU Neural Networks,
  ICLR 2022, Theorem 3.1): width 12, depth about sqrt(N log N), by the integer memorizer of
  `integer_memorizer` with one group a layer.
* `two_thirds` (Park, Lee, Yun, Shin, Provable Memorization via Deep Neural Networks using
  Sub-linear Parameters, COLT 2021): about N^(2/3) parameters, and n + 1 for the projection. The
  keys are first taken modulo the least q >= N^2 that keeps labels apart, one layer of three units
  for each bit of the quotient (ours, in place of Lemmas 5 and 14, which halve the range as often).
  The range is then shortened to T of about N^(4/3) by moving blocks of keys (after Lemmas 6 and
  15), and the key v is split into
  a = floor(v / B) and c = v mod B; a selects the word of the labels of its B places, of which the
  c-th is read (Lemmas 16, 19 and 20, with relu for the paper's STEP). The blocks are ours: keys
  that lie in one interval [qT, (q + 1)T), at most N^(1/3) of them, shifted modulo T by the first
  amount for which none of them meets another label.

Closed-form flip (`nearest_flip`). Let j be the differently labelled sample whose projection is
nearest to p_i. x' = x_i + ((p_j - p_i) / ||u||^2) u has u . x' = p_j, so the network answers y_j at
x', exactly, at distance |p_j - p_i| / ||u||. In one dimension N projections are crowded: that
distance is of the order diam / N.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import ceil

import numpy as np

from constructions.bits import READERS, BitReader, carry, check_reader, read_numbers
from constructions.construction import Construction, Entries, Promises, Size, entry_bits
from constructions.hypotheses import check_budget
from constructions.integer_memorizer import (
    add_memorizer,
    memorizer_bits,
    memorizer_dense,
    memorizer_depth,
    memorizer_nonzero,
    memorizer_width,
    table_of,
)
from verifier.data.dataset import Dataset, check_labelled
from verifier.question.build import Affine, NetworkBuilder
from verifier.question.errors import UserError

VARDI = "Vardi, Yehudai, Shamir, ICLR 2022, Theorem 3.1"
PARK = "Park, Lee, Yun, Shin, COLT 2021, Theorem 1 (reconstructed)"
TRIES = 256


@dataclass(frozen=True, slots=True)
class Keys:
    """u, and the keys u . numerators - least, one for each sample; both integers."""

    direction: tuple[int, ...]
    least: int
    values: tuple[int, ...]

    def labels(self, dataset: Dataset) -> dict[int, int]:
        """The label + 1 of each key."""
        return {
            key: int(label) + 1
            for key, label in zip(self.values, dataset.labels.tolist(), strict=True)
        }


def project(dataset: Dataset, seed: int = 0, tries: int = TRIES) -> Keys:
    """Keys that differ wherever labels do, by a u with entries as small as the tries allow.

    Raises:
        UserError: The samples cannot be memorized; no u was found in the allowed tries.
    """
    check_labelled(dataset)
    rng = np.random.default_rng(seed)
    points = dataset.numerators.astype(object)
    bound = 2
    for attempt in range(tries):
        direction = rng.integers(-bound, bound + 1, dataset.dimension)
        values = (points @ direction.astype(object)).tolist()
        seen: dict[int, int] = {}
        if all(
            seen.setdefault(value, label) == label
            for value, label in zip(values, dataset.labels.tolist(), strict=True)
        ):
            least = min(values)
            return Keys(
                tuple(int(entry) for entry in direction),
                least,
                tuple(value - least for value in values),
            )
        bound = bound * 2 if attempt % 4 == 3 else bound
    raise UserError(
        f"{dataset.name}: none of {tries} projections keeps differently labelled samples apart; "
        "the memorizers need distinct projected keys"
    )


@dataclass(frozen=True, slots=True)
class ProjectedFlip:
    """`point` has the projection of sample `rival`, at `squared_distance` from the sample."""

    point: tuple[Fraction, ...]
    rival: int
    squared_distance: Fraction


def nearest_flip(dataset: Dataset, keys: Keys, sample: int) -> ProjectedFlip:
    """The closed-form flip of the sample; exact in all its numbers."""
    own = keys.values[sample]
    rival = min(
        (abs(key - own), j)
        for j, key in enumerate(keys.values)
        if dataset.labels[j] != dataset.labels[sample]
    )[1]
    square = sum(entry * entry for entry in keys.direction)
    step = Fraction(keys.values[rival] - own, dataset.denominator * square)
    point = tuple(
        x + step * entry for x, entry in zip(dataset.point(sample), keys.direction, strict=True)
    )
    return ProjectedFlip(point, rival, step * step * square)


def _key_form(build: NetworkBuilder, dataset: Dataset, keys: Keys) -> Affine:
    weights = {k: entry * dataset.denominator for k, entry in enumerate(keys.direction) if entry}
    return Affine(weights, -keys.least)


def flips_within(dataset: Dataset, keys: Keys, budget: Fraction) -> int:
    """The number of samples whose closed-form flip is at most the budget away."""
    square = sum(entry * entry for entry in keys.direction)
    order = sorted(range(dataset.size), key=lambda i: keys.values[i])
    labels = dataset.labels.tolist()
    near = set[int]()
    for walk in (order, order[::-1]):
        # The last key of another label than that of the last sample, and that sample.
        other: int | None = None
        last = walk[0]
        for i in walk[1:]:
            if labels[i] != labels[last]:
                other = last
            last = i
            if other is not None:
                gap = keys.values[i] - keys.values[other]
                if gap * gap <= budget**2 * dataset.denominator**2 * square:
                    near.add(i)
    return len(near)


def _flips_note(dataset: Dataset, keys: Keys, budget: Fraction) -> str:
    within = flips_within(dataset, keys, budget)
    return (
        f"right at the samples alone: the closed-form flips of {within} of {dataset.size} samples "
        "are within the budget"
    )


def _key_entries(dataset: Dataset, keys: Keys) -> list[Entries]:
    """Of the rows that read the inputs, without the thresholds of the keys."""
    longest = max(map(abs, keys.direction)) * dataset.denominator
    return [(1, longest), (1, abs(keys.least) + max(keys.values))]


def square_root(
    dataset: Dataset,
    budget: Fraction,
    *,
    seed: int = 0,
    separation: Fraction | None = None,
    slots: int | None = None,
    reader: str = "threshold",
) -> Construction:
    """Equals y_i at x_i, and nothing is promised around it. Width at most 12.

    The budget is recorded as what is to be refuted.

    Raises:
        UserError: The budget is negative or not below half the L2 separation; the samples cannot
            be memorized; no distinct keys.
    """
    check_budget(dataset, "2", budget, separation)
    keys = project(dataset, seed)
    table = table_of(keys.labels(dataset), slots)
    build = NetworkBuilder(dataset.dimension)
    form = _key_form(build, dataset, keys)
    value, _ = add_memorizer(build, form, table, [], reader=reader, serial=True)
    n = dataset.dimension
    nonzero = memorizer_nonzero(table, reader=reader, serial=True)
    dense = memorizer_dense(table, reader=reader, serial=True)
    bits = memorizer_bits(table, reader=reader)
    bits_of_keys = entry_bits(*_key_entries(dataset, keys), (1, 1 << table.key_bits))
    return Construction(
        name="vardi",
        network=build.network([value - 1]),
        norm="2",
        budget=budget,
        decoder="value",
        promises=Promises(
            source=VARDI,
            width=Size(memorizer_width(table, reader=reader, serial=True), "10 or 12"),
            depth=Size(
                memorizer_depth(table, reader=reader, serial=True) + 1,
                "G + n(max(r, c) + 3) + 1",
                exact=True,
            ),
            nonzero=Size(3 * (n + 1) + nonzero.value, f"3(d + 1) + {nonzero.formula}"),
            dense=Size(3 * (n + 1) + dense.value, f"3(d + 1) + {dense.formula}"),
            bits=Size(max(bits.value, bits_of_keys), f"longest of u, least key, {bits.formula}"),
            budget_below=Fraction(0),
        ),
        robust=False,
        seed=seed,
        notes=(
            f"{len(table.firsts)} groups of {table.slots} keys of {table.key_bits} bits",
            _flips_note(dataset, keys, budget),
        ),
    )


@dataclass(frozen=True, slots=True)
class Blocks:
    """x + sum_j changes[j] [x >= starts[j]] is in [0, 2T), and modulo T the key in [0, T)."""

    modulus: int
    starts: tuple[int, ...]
    changes: tuple[int, ...]
    labels: dict[int, int]


def shorten(labels: Mapping[int, int], modulus: int, most: int) -> Blocks:
    """The keys moved into [0, modulus), in blocks of at most `most` keys.

    Raises UserError if some block cannot be placed, which a modulus of at least N * most excludes.
    """
    blocks: list[list[int]] = []
    for key in sorted(labels):
        if not blocks or len(blocks[-1]) == most or blocks[-1][0] // modulus != key // modulus:
            blocks.append([])
        blocks[-1].append(key)
    placed: dict[int, int] = {}
    starts, changes, before = [], [], 0
    for block in blocks:
        base = block[0] // modulus * modulus
        for move in range(modulus):
            if all(
                placed.get((key - base + move) % modulus, labels[key]) == labels[key]
                for key in block
            ):
                break
        else:
            raise UserError(
                f"a block of {len(block)} keys has no free place modulo {modulus} (Lemma 15)"
            )
        placed |= {(key - base + move) % modulus: labels[key] for key in block}
        starts.append(block[0])
        changes.append(move - base - before)
        before = move - base
    return Blocks(modulus, tuple(starts), tuple(changes), placed)


def modulus_of(labels: Mapping[int, int]) -> int:
    """The least q >= N^2 modulo which no two keys of different labels meet.

    At most N^2 / 2 differences must not be multiples of q, and each has few divisors of that size.
    """
    modulus = len(labels) ** 2
    while True:
        seen: dict[int, int] = {}
        if all(seen.setdefault(key % modulus, y) == y for key, y in labels.items()):
            return modulus
        modulus += 1


def two_thirds(
    dataset: Dataset,
    budget: Fraction,
    *,
    seed: int = 0,
    separation: Fraction | None = None,
    reader: str = "threshold",
) -> Construction:
    """Equals y_i at x_i with about N^(2/3) parameters; nothing is promised around it.

    Raises as `square_root`.
    """
    check_budget(dataset, "2", budget, separation)
    check_reader(reader)
    keys = project(dataset, seed)
    labels = keys.labels(dataset)
    modulus = modulus_of(labels)
    quotient_bits = (max(labels) // modulus).bit_length()
    labels = {key % modulus: label for key, label in labels.items()}
    most = max(1, round(len(labels) ** (1 / 3)))
    blocks = shorten(labels, len(labels) * most, most)
    places = max(1, ceil((blocks.modulus / 16) ** 0.5))
    build = NetworkBuilder(dataset.dimension)
    key = _remainder(build, _key_form(build, dataset, keys), modulus, quotient_bits)
    value = _two_level(build, key, blocks, places, reader)
    label_bits = max(labels.values()).bit_length()
    rows = -(-blocks.modulus // places)
    layers = places * (label_bits * READERS[reader].layers_per_bit + 3)
    n, jumps = dataset.dimension, len(blocks.starts)
    word = places * label_bits * (1 if reader == "threshold" else 2) + 3
    kinds: list[Entries] = [
        *_key_entries(dataset, keys),
        (1, modulus << quotient_bits),
        (1, 2 * blocks.modulus + max(map(abs, blocks.changes))),
    ]
    return Construction(
        name="park",
        network=build.network([value - 1]),
        norm="2",
        budget=budget,
        decoder="value",
        promises=Promises(
            source=PARK,
            width=Size(max(2 * jumps, 2 * (rows - 1)) + 10, "max(2J, 2(A - 1)) + 10"),
            depth=Size(
                5 + quotient_bits + layers, "5 + E + B(D + 3), 3D for sawtooth bits", exact=True
            ),
            nonzero=Size(
                n + 1 + 11 * quotient_bits + 14 * jumps + 18 * rows + 31 * layers + 22,
                "d + 1 + 11E + 14J + 18A + 31B(D + 3) + 22, 3D for sawtooth bits",
            ),
            dense=Size(
                n + 1 + 12 * quotient_bits + 14 * jumps + 18 * rows + 110 * layers + 21,
                "d + 1 + 12E + 14J + 18A + 110B(D + 3) + 21, 3D for sawtooth bits",
            ),
            bits=Size(max(word, entry_bits(*kinds)), "longest of u, keys, q 2^E, words of BD"),
            budget_below=Fraction(0),
        ),
        robust=False,
        seed=seed,
        notes=(
            f"{jumps} blocks, range {blocks.modulus} = {rows} rows of {places} places",
            _flips_note(dataset, keys, budget),
        ),
    )


def _remainder(build: NetworkBuilder, key: Affine, modulus: int, bits: int) -> Affine:
    """A unit of the key and `bits` layers behind which the form is the key modulo `modulus`.

    For an integer key in [0, modulus * 2^bits).
    """
    (rest,) = build.layer([key])
    for bit in reversed(range(bits)):
        multiple = modulus << bit
        units = build.layer([rest - (multiple - 1), rest - multiple, rest])
        rest = units[2] - _step(units, 0) * multiple
    return rest


def _step(build_units: list[Affine], number: int) -> Affine:
    return build_units[2 * number] - build_units[2 * number + 1]


def _two_level(
    build: NetworkBuilder, key: Affine, blocks: Blocks, places: int, reader: str
) -> Affine:
    """Layers behind which the form is the label of the key."""
    units = build.layer([*(key - (low - s) for low in blocks.starts for s in (1, 0)), key])
    moved = units[-1] + Affine.sum(
        _step(units, j) * change for j, change in enumerate(blocks.changes)
    )
    modulus = blocks.modulus
    units = build.layer([moved - (modulus - 1), moved - modulus, moved])
    short = units[2] - _step(units, 0) * modulus
    # Row a holds the labels of the places a B, ..., a B + B - 1, the first leading.
    label_bits = max(blocks.labels.values()).bit_length()
    rows = -(-modulus // places)
    words = []
    for row in range(rows):
        word = 0
        for place in range(places):
            word = word << label_bits | blocks.labels.get(row * places + place, 0)
        words.append(word)
    units = build.layer(
        [*(short - (row * places - s) for row in range(1, rows) for s in (1, 0)), short]
    )
    steps = [_step(units, row) for row in range(rows - 1)]
    column = units[-1] - Affine.sum(steps) * places
    word_form = words[0] + Affine.sum(
        step * (after - before)
        for step, before, after in zip(steps, words, words[1:], strict=False)
    )
    readers: list[BitReader] = [READERS[reader](word_form, places * label_bits)]
    limit = 1 << label_bits
    total: list[Affine] = []
    for place in range(places):
        kept = read_numbers(build, readers, [label_bits], [column, *total])
        waiting = [] if place == places - 1 else readers
        column, label = kept[0], readers[0].pop()
        units, kept = carry(build, waiting, kept, [column - place, place - column, label])
        units, kept = carry(build, waiting, kept, [1 - units[0] - units[1], units[2]])
        units, kept = carry(build, waiting, kept, [units[1] - (1 - units[0]) * limit])
        column = kept[0]
        total = [kept[1] + units[0]] if total else [units[0]]
    return total[0]

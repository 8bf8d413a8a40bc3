"""Units that compute the same number, made one.

Two units whose pre-activations are the same affine form are equal at every input, so each reader of
one may read the other. Layer by layer, that shows equal units behind equal units: of a network
beside its copy on the same inputs, the copy disappears, and their difference is the constant 0.
Exact, and for real arithmetic alone: a runtime may sum the same terms of two units in two orders.
"""

from __future__ import annotations

import numpy as np

from verifier.formats.affine_rows import (
    Index,
    compose,
    lowest_terms,
    narrow,
    renumbered,
    stack,
    take,
)
from verifier.question.network import Integers, Network, Rows

_SEED = 20260101  # of the hashes of rows, which only choose what is compared
_WORD = (1 << 64) - 1


def merged(network: Network) -> Network:
    """The same function with one unit for all units of a layer that have equal rows.

    Units on which no output depends then are left out. `network` itself where no two rows of a
    layer are equal. Rows of a network that changes are in lowest terms.
    """
    inputs = network.inputs
    number = np.arange(network.variables, dtype=np.int64)  # of the unit that stands for each
    kept: list[Index] = []
    blocks: list[Rows] = []
    changed = False
    for first, last in network.layer_ranges():
        rows = take(network.units, np.arange(first, last, dtype=np.int64))
        if changed:
            rows = _read_through(rows, number)
        chief = _chiefs(rows)
        own = np.arange(last - first, dtype=np.int64)
        changed = changed or not np.array_equal(chief, own)
        number[inputs + first : inputs + last] = inputs + first + chief
        kept.append(first + own[chief == own])
        blocks.append(take(rows, own[chief == own]))
    if not changed:
        return network
    outputs = _read_through(network.outputs, number)
    return _without_dead(inputs, kept, stack(blocks), outputs, network.variables)


def _read_through(rows: Rows, number: Index) -> Rows:
    """The rows with variable j called number[j]; weights of one variable are added up."""
    count = len(number)
    ones = np.ones(count, dtype=np.int64)
    names = Rows(
        np.arange(count + 1, dtype=np.int64), number, ones, np.zeros(count, dtype=np.int64), ones
    )
    return lowest_terms(compose(rows, names))


def _chiefs(rows: Rows) -> Index:
    """Of each row, the first row that is equal to it."""
    chief = np.arange(rows.count, dtype=np.int64)
    hashes = _hashes(rows)
    _, places, counts = np.unique(hashes, return_inverse=True, return_counts=True)
    seen: dict[object, int] = {}
    for i in np.flatnonzero(counts[places] > 1).tolist():
        indices, numerators, constant, denominator = rows.row(i)
        key = (tuple(indices), tuple(numerators), constant, denominator)
        chief[i] = seen.setdefault(key, i)
    return chief


def _hashes(rows: Rows) -> np.ndarray[tuple[int], np.dtype[np.uint64]]:
    """Equal for equal rows; of rows in lowest terms hardly ever for others."""
    rng = np.random.default_rng(_SEED)
    width = int(rows.indices.max(initial=0)) + 1
    factors = rng.integers(0, _WORD, size=width + 2, dtype=np.uint64, endpoint=True)
    terms = _words(rows.numerators) * factors[rows.indices]
    sums = np.concatenate([np.zeros(1, dtype=np.uint64), np.cumsum(terms, dtype=np.uint64)])
    hashes: np.ndarray[tuple[int], np.dtype[np.uint64]] = (
        sums[rows.starts[1:]]
        - sums[rows.starts[:-1]]
        + _words(rows.constants) * factors[width]
        + _words(rows.denominators) * factors[width + 1]
    )
    return hashes


def _words(values: Integers) -> np.ndarray[tuple[int], np.dtype[np.uint64]]:
    """The lowest 64 bits of each."""
    if values.dtype == np.int64:
        return values.astype(np.uint64)
    return np.array([int(value) & _WORD for value in values], dtype=np.uint64)


def _without_dead(
    inputs: int, kept: list[Index], units: Rows, outputs: Rows, variables: int
) -> Network:
    """The network of these units, named as before, without those that no output depends on."""
    names = inputs + np.concatenate(kept)
    alive = np.zeros(variables, dtype=bool)
    alive[outputs.indices] = True
    ends = np.cumsum([len(block) for block in kept]).tolist()
    for first, last in reversed(list(zip([0, *ends], ends, strict=False))):
        own = first + np.flatnonzero(alive[names[first:last]])
        alive[take(units, own).indices] = True
    chosen = np.flatnonzero(alive[names])
    number = np.full(variables, -1, dtype=np.int64)
    number[:inputs] = np.arange(inputs)
    number[names[chosen]] = inputs + np.arange(len(chosen))
    layers = tuple(int(np.count_nonzero(alive[inputs + block])) for block in kept)
    return Network(
        inputs,
        tuple(size for size in layers if size),
        _narrowed(renumbered(take(units, chosen), number)),
        _narrowed(renumbered(outputs, number)),
    )


def _narrowed(rows: Rows) -> Rows:
    return Rows(
        rows.starts,
        rows.indices,
        narrow(rows.numerators),
        narrow(rows.constants),
        narrow(rows.denominators),
    )

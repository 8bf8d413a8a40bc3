"""The network without its copies: units that put out what another one does, at every input.

Networks that were constructed carry values from layer to layer, so that most of their units are
copies: rows that read one unit alone, with the weight 1 and the constant 0. What is not negative
passes a ReLU unchanged, so z_v = max(z_u, 0) = z_u. Leaving copies out, and reading what they copy
instead, gives a network of the same function with fewer units, and with fewer layers, since a unit
need not wait for the copies of what it reads. Rows keep their weights: nothing is computed here but
numbers of units. So every unit that is kept has the pre-activation that it had, everywhere.

A proof about one of the two networks is one about the other, with other numbers for units: see
`docs/certificates.md`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from verifier.checker.equal_rows import ranges
from verifier.evidence.certificate import (
    Conflict,
    Leaf,
    Lemma,
    Node,
    PairLemma,
    Robust,
    Step,
    Tree,
    UnitSplit,
)
from verifier.question.errors import RefusedError
from verifier.question.network import Network, Rows

Int = NDArray[np.int64]
Places = NDArray[Any]
"""Numbers of variables, rows or levels, of 32 bits where these hold them all, else of 64."""


@dataclass(frozen=True, slots=True, eq=False)
class Names:
    """Other numbers for the units that a proof names: `numbers` by unit, negative of one that has
    no other number."""

    numbers: Places

    def proof(self, proof: Robust) -> Robust:
        """The same proof; its numbers must be indices, see `check_numbers`. Raises RefusedError
        where it names a unit that has no other number, or what is no unit."""
        return Robust(self.steps(proof.steps), tuple(map(self.tree, proof.trees)))

    def steps(self, steps: tuple[Step, ...]) -> tuple[Step, ...]:
        """The same steps."""
        return tuple(map(self.step, steps))

    def step(self, step: Step) -> Step:
        """The same step."""
        if isinstance(step, Lemma | PairLemma):
            return replace(step, unit=self._of(step.unit), tree=self.tree(step.tree))
        return step

    def tree(self, tree: Tree) -> Tree:
        """The same tree."""
        return tuple(map(self.node, tree))

    def node(self, node: Node) -> Node:
        """The same node."""
        body = node.body
        if isinstance(body, Conflict | UnitSplit):
            body = replace(body, unit=self._of(body.unit))
        elif isinstance(body, Leaf) and (body.slopes or body.bounds):
            slopes = {self._of(v): slope for v, slope in sorted(body.slopes.items())}
            bounds = {self._of(v): factor for v, factor in sorted(body.bounds.items())}
            body = replace(body, slopes=slopes, bounds=bounds)
        return Node(self.steps(node.steps), body)

    def _of(self, unit: int) -> int:
        found: int = self.numbers.item(unit) if unit < len(self.numbers) else -1
        if found < 0:
            raise RefusedError("index out of range", f"unit {unit}, or it is a copy")
        return found


@dataclass(frozen=True, slots=True, eq=False)
class Contraction:
    """`network` is another one without its copies; `names` are the numbers in it of the units of
    that other one, `expanded` the other way round."""

    network: Network
    names: Names
    expanded: Names


def contraction_of(network: Network) -> Contraction | None:
    """What is left of the network without its copies; None if fewer than half of its units are
    copies, for then it is hardly smaller."""
    inputs, units = network.inputs, network.units
    origins = _origins(network)
    kept = np.flatnonzero(origins[inputs:] == np.arange(inputs, network.variables))
    if 2 * len(kept) > units.count or not units.count:
        return None
    levels = _levels(network, origins, kept)
    kept = kept[np.argsort(levels, kind="stable")]
    numbers = _inverse(kept, units.count)
    variables = np.arange(network.variables, dtype=origins.dtype)
    variables[inputs:] = inputs + numbers
    variables = variables[origins]
    every = np.arange(network.outputs.count)
    rows, outputs = _rows(units, kept, variables), _rows(network.outputs, every, variables)
    less = Network(inputs, tuple(np.bincount(levels).tolist()), rows, outputs)
    return Contraction(less, Names(_closed(numbers)), Names(_closed(kept.astype(numbers.dtype))))


def place_type(count: int) -> Any:
    """The narrower integers, of 32 or 64 bits, that hold all numbers up to `count`."""
    return np.int32 if count < 2**31 else np.int64


def contracted(network: Network) -> Network:
    """What is left of the network without its copies, or the network itself: of the same
    function."""
    found = network.derived(contraction_of)
    return network if found is None else found.network


def _origins(network: Network) -> Places:
    """For every variable the one that it copies, at last; itself, if it is no copy or is kept.

    Copies of one unit that are read by one row are kept: the row would read that unit twice, and
    with both entries in one, bounds would be better than a kernel finds them in the network.
    """
    inputs, units = network.inputs, network.units
    copying = np.flatnonzero((np.diff(units.starts) == 1) & (units.constants == 0))
    entries = units.starts[copying]
    copied = units.indices[entries]
    equal = (units.numerators[entries] == units.denominators[copying]) & (copied >= inputs)
    copying, copied = inputs + copying[equal], copied[equal]
    origins = _followed(network.variables, copying, copied)
    twice = np.concatenate([_read_twice(rows, origins) for rows in (units, network.outputs)])
    if len(twice):
        others = ~np.isin(copying, twice)
        origins = _followed(network.variables, copying[others], copied[others])
    return origins


def _followed(count: int, copying: Int, copied: Int) -> Places:
    """For every variable the end of the way from what is copying to what it copies."""
    origins = np.arange(count, dtype=place_type(count))
    origins[copying] = copied
    while len(copying):  # the way that is left becomes half as long
        further = origins[origins[copying]]
        moved = further != origins[copying]
        copying = copying[moved]
        origins[copying] = further[moved]
    return origins


def _read_twice(rows: Rows, origins: Places) -> Int:
    """The variables that are read by a row which reads another one of the same origin."""
    wide = np.flatnonzero(np.diff(rows.starts) > 1)
    counts = np.diff(rows.starts)[wide]
    read = rows.indices[ranges(rows.starts[wide], counts)]
    owner = np.repeat(np.arange(len(wide)), counts)
    order = np.lexsort((origins[read], owner))
    same = (np.diff(owner[order]) == 0) & (np.diff(origins[read[order]]) == 0)
    again = np.zeros(len(order), dtype=bool)
    again[:-1] |= same
    again[1:] |= same
    found: Int = read[order[again]]
    return found


def _levels(network: Network, origins: Places, kept: Int) -> Int:
    """Of each unit that is kept the most units on a way to it from the inputs."""
    inputs, units = network.inputs, network.units
    counts = np.diff(units.starts)[kept]
    read = origins[units.indices[ranges(units.starts[kept], counts)]]
    readers = np.repeat(np.arange(len(kept)), counts)[read >= inputs]
    read = _inverse(kept, units.count)[read[read >= inputs] - inputs]
    waiting = np.bincount(readers, minlength=len(kept))
    readers = readers[np.argsort(read, kind="stable")]
    times = np.bincount(read, minlength=len(kept))
    firsts = np.cumsum(times) - times
    levels, level, ready = np.zeros(len(kept), dtype=np.int64), 0, np.flatnonzero(waiting == 0)
    while len(ready):
        levels[ready] = level
        level += 1
        seen, often = np.unique(readers[ranges(firsts[ready], times[ready])], return_counts=True)
        waiting[seen] -= often
        ready = seen[waiting[seen] == 0]
    return levels


def _rows(rows: Rows, kept: Int, variables: Places) -> Rows:
    """The rows `kept`, with these numbers of the variables that they read."""
    counts = np.diff(rows.starts)[kept]
    entries = ranges(rows.starts[kept], counts)
    read = variables[rows.indices[entries]].astype(np.int64)
    order = np.lexsort((read, np.repeat(np.arange(len(kept)), counts)))
    starts, numerators = np.append(0, np.cumsum(counts)), rows.numerators[entries[order]]
    return Rows(starts, read[order], numerators, rows.constants[kept], rows.denominators[kept])


def _inverse(kept: Int, count: int) -> Places:
    """Of each of `count` units its place in `kept`, or -1."""
    places = np.full(count, -1, dtype=place_type(count))
    places[kept] = np.arange(len(kept))
    return places


def _closed(array: Places) -> Places:
    """The array, into which nobody writes by mistake from now on."""
    array.flags.writeable = False
    return array

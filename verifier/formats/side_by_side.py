"""Several networks as one, which computes each of them on its own part of the input."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from verifier.formats.affine_rows import Index, renumbered, stack, take
from verifier.question.errors import UserError
from verifier.question.network import Network


def side_by_side(parts: Sequence[tuple[Network, Sequence[int]]], inputs: int) -> Network:
    """The network whose outputs are those of all parts, one part after another.

    Input k of a part is input columns[k] of the whole, parts = [(network, columns), ..]; parts may
    share inputs. Layer l holds the units of layer l of every part. Each row is the row it was.
    Raises UserError where two inputs of one part are the same.
    """
    depth = max(len(part.layers) for part, _ in parts)
    sizes = [
        [part.layers[layer] if layer < len(part.layers) else 0 for layer in range(depth)]
        for part, _ in parts
    ]
    layers = tuple(map(sum, zip(*sizes, strict=True)))
    starts = np.concatenate([[0], np.cumsum(layers)]).astype(np.int64)
    numbers = []
    for number, (part, columns) in enumerate(parts):
        if len(set(columns)) < part.inputs or len(columns) != part.inputs:
            raise UserError(f"{len(set(columns))} inputs for a network of {part.inputs}")
        blocks: list[Index] = [np.array(columns, dtype=np.int64)]
        for layer in range(depth):
            before = sum(size[layer] for size in sizes[:number])
            first = inputs + int(starts[layer]) + before
            blocks.append(np.arange(first, first + sizes[number][layer], dtype=np.int64))
        numbers.append(np.concatenate(blocks))
    units = stack([renumbered(part.units, n) for (part, _), n in zip(parts, numbers, strict=True)])
    outputs = [renumbered(part.outputs, n) for (part, _), n in zip(parts, numbers, strict=True)]
    places = np.concatenate(
        [n[part.inputs :] - inputs for (part, _), n in zip(parts, numbers, strict=True)]
    )
    return Network(inputs, layers, take(units, np.argsort(places)), stack(outputs))

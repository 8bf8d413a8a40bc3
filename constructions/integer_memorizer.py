"""A function on the integers with N chosen values, in about sqrt(N) parameters.

Kim, Moon, Yun (The Cost of Robustness, NeurIPS 2025), Lemmas B.6 to B.10, after Vardi, Yehudai,
Shamir (ICLR 2022), Lemmas A.4, A.5 and A.7. Keys k_1 < ... < k_N' below 2^r with labels of c bits
are cut into G groups of n consecutive keys. For group g let U_g be its n keys of r bits each in one
integer, and W_g its labels of c bits each, the first key leading. The network

1. selects the words: u(x) = sum_g (U_g - U_{g-1}) (relu(x - lo_g + 1) - relu(x - lo_g)) with lo_g
   the first key of group g, and w(x) likewise with the same units (ours; cheaper on integers than
   the interval indicators of Lemma B.7);
2. for each of the n slots reads r bits of u, the slot's key, and c bits of w, its label
   (`bits`, either reader), and
3. adds the label if the key is x: ind = relu(1 - relu(x - key) - relu(key - x)), then
   y <- y + relu(label - 2^c (1 - ind)).

The result is the label on every key and *0 on every other integer in [0, 2^r)*: a short group is
filled up with a key of its own and the label 0. Labels are positive.

A fix of the paper: it counts log2 C and log2 R bits for labels up to C and keys up to R, which do
not hold the values C and R themselves; r and c here are the bit lengths of the greatest of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isqrt

from constructions.bits import READERS, BitReader, carry, check_reader, read_numbers
from constructions.construction import Promises, Size
from verifier.question.build import Affine, NetworkBuilder
from verifier.question.errors import UserError
from verifier.question.network import Network

SOURCE = "Kim, Moon, Yun, NeurIPS 2025, Lemma B.10"


@dataclass(frozen=True, slots=True)
class Table:
    """Keys in groups of `slots`, with their words; see the module.

    `firsts[g]` is lo_g, `key_words[g]` U_g, `label_words[g]` W_g.
    """

    key_bits: int
    label_bits: int
    slots: int
    firsts: tuple[int, ...]
    key_words: tuple[int, ...]
    label_words: tuple[int, ...]


def default_slots(keys: int, key_bits: int) -> int:
    """n of about sqrt(N / (5r)), where group selection and bit reading cost the same."""
    return max(1, isqrt(keys // (5 * max(1, key_bits))))


def table_of(labels: Mapping[int, int], slots: int | None = None) -> Table:
    """The words of these keys and labels.

    Raises:
        UserError: No keys; a negative key; a label below 1; fewer than one key a group.
    """
    if slots is not None and slots < 1:
        raise UserError(f"{slots} keys a group; an integer memorizer (Lemma B.10) needs n >= 1")
    keys = sorted(labels)
    if not keys:
        raise UserError("an integer memorizer (Lemma B.10) needs at least one key")
    if keys[0] < 0 or min(labels.values()) < 1:
        raise UserError(
            f"an integer memorizer (Lemma B.10) needs keys >= 0 and labels >= 1: "
            f"least key {keys[0]}, least label {min(labels.values())}"
        )
    key_bits = max(1, keys[-1].bit_length())
    label_bits = max(labels.values()).bit_length()
    slots = slots or default_slots(len(keys), key_bits)
    firsts, key_words, label_words = [], [], []
    for start in range(0, len(keys), slots):
        group = keys[start : start + slots]
        padding = slots - len(group)
        key_word = label_word = 0
        for key in [*group, *([group[-1]] * padding)]:
            key_word = key_word << key_bits | key
        for label in [*(labels[key] for key in group), *([0] * padding)]:
            label_word = label_word << label_bits | label
        firsts.append(group[0])
        key_words.append(key_word)
        label_words.append(label_word)
    return Table(key_bits, label_bits, slots, tuple(firsts), tuple(key_words), tuple(label_words))


def _differences(words: tuple[int, ...]) -> list[int]:
    return [b - a for a, b in zip((0, *words), words, strict=False)]


def _select(
    build: NetworkBuilder, key: Affine, table: Table, carried: list[Affine], *, serial: bool
) -> tuple[Affine, Affine, Affine, list[Affine]]:
    """The forms of x, u(x), w(x) and the carried forms after the selection of the group.

    One layer of 2G + 1 units, or with `serial` one layer of 5 units for each group.
    """
    changes = list(
        zip(
            table.firsts,
            _differences(table.key_words),
            _differences(table.label_words),
            strict=True,
        )
    )
    if not serial:
        steps = [key - (low - shift) for low in table.firsts for shift in (1, 0)]
        units = build.layer([*steps, key, *carried])
        rises = [units[2 * g] - units[2 * g + 1] for g in range(len(changes))]
        u = Affine.sum(rise * du for rise, (_, du, _) in zip(rises, changes, strict=True))
        w = Affine.sum(rise * dw for rise, (_, _, dw) in zip(rises, changes, strict=True))
        rest = units[len(steps) :]
        return rest[0], u, w, rest[1:]
    x, u, w = key, Affine(), Affine()
    for low, du, dw in changes:
        kept = [u, w] if u.weights else []
        units = build.layer([x - (low - 1), x - low, x, *kept, *carried])
        rise, x = units[0] - units[1], units[2]
        u = rise * du + (units[3] if kept else 0)
        w = rise * dw + (units[4] if kept else 0)
        carried = units[3 + len(kept) :]
    return x, u, w, carried


def add_memorizer(
    build: NetworkBuilder,
    key: Affine,
    table: Table,
    carried: list[Affine],
    *,
    reader: str = "threshold",
    serial: bool = False,
) -> tuple[Affine, list[Affine]]:
    """Layers behind which the first form is the label of the integer `key`, 0 if it has none.

    The carried forms, all at least 0, come out beside it.
    """
    check_reader(reader)
    x, u, w, carried = _select(build, key, table, carried, serial=serial)
    readers: list[BitReader] = [
        READERS[reader](u, table.slots * table.key_bits),
        READERS[reader](w, table.slots * table.label_bits),
    ]
    total: list[Affine] = []
    limit = 1 << table.label_bits
    for slot in range(table.slots):
        last = slot == table.slots - 1
        kept = read_numbers(
            build, readers, [table.key_bits, table.label_bits], [x, *total, *carried]
        )
        x = kept[0]
        kept = kept[1:] if last else kept
        slot_key, label = readers[0].pop(), readers[1].pop()
        waiting = [] if last else readers
        units, kept = carry(build, waiting, kept, [x - slot_key, slot_key - x, label])
        units, kept = carry(build, waiting, kept, [1 - units[0] - units[1], units[2]])
        units, kept = carry(build, waiting, kept, [units[1] - (1 - units[0]) * limit])
        if not last:
            x, kept = kept[0], kept[1:]
        total, carried = ([kept[0] + units[0]], kept[1:]) if total else ([units[0]], kept)
    return total[0], carried


def memorizer_network(
    labels: Mapping[int, int],
    *,
    slots: int | None = None,
    reader: str = "threshold",
    serial: bool = False,
) -> tuple[Network, Promises]:
    """One input x: the label on every key, 0 on every other integer in [0, 2^r).

    Width max(2G + 1, 10), or 12 with the sawtooth reader; depth n(max(r, c) + 3) + 2, or
    n(3 max(r, c) + 3) + 2. With `serial` G layers of at most 5 units take the place of the first.
    Raises UserError as `table_of`.
    """
    table = table_of(labels, slots)
    build = NetworkBuilder(1)
    value, _ = add_memorizer(build, build.inputs[0], table, [], reader=reader, serial=serial)
    return build.network([value]), memorizer_promises(table, reader=reader, serial=serial)


def memorizer_depth(table: Table, *, reader: str, serial: bool) -> int:
    """The number of hidden layers of the memorizer."""
    bits = max(table.key_bits, table.label_bits) * READERS[reader].layers_per_bit
    return (len(table.firsts) if serial else 1) + table.slots * (bits + 3)


def memorizer_width(table: Table, *, reader: str, serial: bool) -> int:
    """A bound of the width of the memorizer."""
    return max(5 if serial else 2 * len(table.firsts) + 1, 10 if reader == "threshold" else 12)


def _reading_layers(table: Table, reader: str) -> int:
    """L: the number of layers after the selection."""
    return memorizer_depth(table, reader=reader, serial=False) - 1


def memorizer_nonzero(table: Table, *, reader: str, serial: bool) -> Size:
    """A bound of the weights and biases that are not zero, behind a key that is one unit."""
    first = 11 if serial else 16 if reader == "threshold" else 20
    value = first * len(table.firsts) + 31 * _reading_layers(table, reader) + 12
    return Size(value, f"{first}G + 31L + 12, {_LAYERS[reader]}")


def memorizer_dense(table: Table, *, reader: str, serial: bool) -> Size:
    """A bound of the dense parameters, behind a key that is one unit."""
    first = 30 if serial else 18 if reader == "threshold" else 22
    layer = 110 if reader == "threshold" else 156
    value = first * len(table.firsts) + layer * _reading_layers(table, reader)
    return Size(value, f"{first}G + {layer}L, {_LAYERS[reader]}")


def memorizer_bits(table: Table, *, reader: str) -> Size:
    """A bound of the bits of a weight or bias."""
    times = 1 if reader == "threshold" else 2
    word = table.slots * max(table.key_bits, table.label_bits)
    return Size(times * word + 2, f"{'' if times == 1 else 2}n max(r, c) + 2")


_LAYERS = {
    "threshold": "L = n(max(r, c) + 3)",
    "sawtooth": "L = n(3 max(r, c) + 3)",
}


def memorizer_promises(table: Table, *, reader: str, serial: bool) -> Promises:
    """What `memorizer_network` promises."""
    return Promises(
        source=SOURCE,
        width=Size(
            memorizer_width(table, reader=reader, serial=serial),
            "max(5, 10 or 12)" if serial else "max(2G + 1, 10 or 12)",
        ),
        depth=Size(
            memorizer_depth(table, reader=reader, serial=serial) + 1,
            ("G" if serial else "1") + " + n(max(r, c) or 3 max(r, c), + 3) + 1",
            exact=True,
        ),
        nonzero=memorizer_nonzero(table, reader=reader, serial=serial),
        dense=memorizer_dense(table, reader=reader, serial=serial),
        bits=memorizer_bits(table, reader=reader),
    )

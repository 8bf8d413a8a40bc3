"""Both readers of native networks accept the same bytes, field by field, and name them alike."""

from __future__ import annotations

import hashlib
import json
from struct import pack

import pytest

from verifier.evidence.network_file import parse_network
from verifier.kernel.network import Network
from verifier.kernel.text import Refused
from verifier.question.errors import RefusedError, UserError

NAMES = ("starts", "indices", "numerators", "constants", "denominators")
CODES = {"i1": "b", "i2": "h", "i4": "i", "i8": "q"}
# Two inputs, a layer of two units, one output: z2 = max(x0 - x1, 0), z3 = max((3 x1 - 4) / 2, 0).
UNITS = ([0, 2, 3], [0, 1, 1], [1, -1, 3], [0, -4], [1, 2])
CONSTANT = ([0, 0], [], [], [1], [1])
OUTPUTS = ([0, 2], [2, 3], [5, -7], [1], [1])


def big(values):
    """The bytes of a section of kind `big`."""
    entries = [n.to_bytes(n.bit_length() // 8 + 1, "little", signed=True) for n in values]
    return pack(f"<{len(entries)}I", *map(len, entries)) + b"".join(entries)


def section(values, kind=None):
    if kind is None:
        kind = "i8" if all(-(2**63) <= n < 2**63 for n in values) else "big"
    if kind == "big":
        return kind, len(values), big(values)
    return kind, len(values), pack(f"<{len(values)}{CODES[kind]}", *values)


def file_of(units=UNITS, outputs=OUTPUTS, inputs=2, layers=(2,), edit=None, tail=b""):
    """A sealed file; `edit` changes its ten sections, each [name, kind, count, bytes, data]."""
    sections = [
        [f"{name}.{field}", *section(values)[:2], len(section(values)[2]), section(values)[2]]
        for name, rows in (("units", units), ("outputs", outputs))
        for field, values in zip(NAMES, rows, strict=True)
    ]
    if edit is not None:
        edit(sections)
    keys = ("name", "kind", "count", "bytes")
    header = {"inputs": inputs, "layers": list(layers)} | {
        "sections": [dict(zip(keys, parts, strict=False)) for parts in sections]
    }
    text = json.dumps(header).encode()
    content = b"robmem-network 1\n" + text + b"\n" + b"".join(parts[4] for parts in sections) + tail
    return content + hashlib.sha256(content).digest()


def answers(content):
    """What the two readers say: the digest, or None."""
    try:
        ours = Network(content).digest
    except Refused:
        ours = None
    try:
        theirs = parse_network(content).digest
    except (UserError, RefusedError):
        theirs = None
    return ours, theirs


def refused(content):
    return answers(content) == (None, None)


def changed(rows, field, values):
    """The rows with another array."""
    return tuple(values if name == field else old for name, old in zip(NAMES, rows, strict=True))


def test_the_network_as_it_is():
    ours, theirs = answers(file_of())
    assert ours == theirs is not None
    assert Network(file_of()).outputs_at([7, 3]) == [1 + 5 * 4 - 7 * 2.5]
    for kinds in ("i1", "i2", "i4", "big"):

        def encode(sections, kinds=kinds):
            for parts, rows in zip(sections, (*UNITS, *OUTPUTS), strict=True):
                parts[1], parts[2], parts[4] = section(rows, kinds)
                parts[3] = len(parts[4])

        assert answers(file_of(edit=encode)) == (ours, theirs)


@pytest.mark.parametrize("number", [2**63 - 1, 2**63, -(2**63) + 1, -(2**63), -(2**63) - 1, 2**200])
def test_the_digest_does_not_depend_on_where_64_bits_end(number):
    for field in ("numerators", "constants"):
        values = [number, *UNITS[NAMES.index(field)][1:]]
        ours, theirs = answers(file_of(units=changed(UNITS, field, values)))
        assert ours == theirs is not None


@pytest.mark.parametrize(
    "given",
    [
        {"inputs": 0, "units": ([0, 0, 0], [], [], [0, 1], [1, 1]), "outputs": OUTPUTS},
        {"inputs": 0, "layers": (), "units": ([0], [], [], [], []), "outputs": CONSTANT},
        {"inputs": -1},
        {"inputs": True},
        {"inputs": "2"},
        {"layers": (1,)},
        {"layers": (3,)},
        {"layers": (-1, 3)},
        {"layers": (3, -1)},
        {"layers": (2, "")},
        {"outputs": ([0], [], [], [], [])},
        {"outputs": changed(OUTPUTS, "indices", [2, 4])},
        {"outputs": changed(OUTPUTS, "indices", [3, 2])},
        {"outputs": changed(OUTPUTS, "indices", [2, 2])},
        {"outputs": changed(OUTPUTS, "denominators", [0])},
        {"outputs": changed(OUTPUTS, "denominators", [-1])},
        {"outputs": changed(OUTPUTS, "denominators", [2**63, 1])},
        {"outputs": changed(OUTPUTS, "constants", [1, 1])},
        {"outputs": changed(OUTPUTS, "constants", [])},
        {"outputs": changed(OUTPUTS, "numerators", [5, 0])},
        {"outputs": changed(OUTPUTS, "numerators", [5])},
        {"outputs": changed(OUTPUTS, "numerators", [5, 1, 1])},
        {"outputs": changed(OUTPUTS, "starts", [0, 1])},
        {"outputs": changed(OUTPUTS, "starts", [0, 3])},
        {"outputs": changed(OUTPUTS, "starts", [1, 2])},
        {"outputs": changed(OUTPUTS, "starts", [0, 2, 2])},
        {"outputs": changed(OUTPUTS, "starts", [2])},
        {"outputs": changed(OUTPUTS, "starts", [])},
        {"units": changed(UNITS, "starts", [0, 3, 3]), "layers": (2,)},
        {"units": changed(UNITS, "starts", [0, 4, 3])},
        {"units": changed(UNITS, "starts", [-1, 2, 3])},
        {"units": changed(UNITS, "starts", [0, 2, 2**64])},
        {"units": changed(UNITS, "indices", [0, 1, 2**64])},
        {"units": changed(UNITS, "indices", [-1, 1, 1])},
        {"units": changed(UNITS, "indices", [0, 1, 2])},
        {"units": changed(UNITS, "indices", [0, 1, 3])},
        {"units": changed(UNITS, "indices", [0, 1, 2]), "layers": (2, 0)},
    ],
)  # fmt: skip
def test_rows_are_refused_alike(given):
    assert refused(file_of(**given))


def test_a_later_layer_reads_an_earlier_one():
    units = changed(UNITS, "indices", [0, 1, 2])
    for layers, read in (((1, 1), True), ((0, 1, 1), True), ((1, 1, 0), True), ((2,), False)):
        ours, theirs = answers(file_of(units=units, layers=layers))
        assert ours == theirs and (ours is not None) == read


def test_counts_are_below_two_to_the_forty():
    def flaw(**given):
        with pytest.raises(Refused) as caught:
            Network(file_of(**given))
        return caught.value.args

    assert flaw(layers=(2**40,))[0] == "index out of range"
    assert flaw(layers=(2**40 - 1,)) == ("malformed", "layers")


def part(number, **given):
    """An edit of one section: of what its header says, or of its bytes."""

    def edit(sections):
        for place, name in enumerate(("name", "kind", "count", "size", "data")):
            if name in given:
                sections[number][place] = given[name]

    return edit


@pytest.mark.parametrize(
    "edit",
    [
        part(0, name="outputs.starts"),
        part(0, kind="f8"),
        part(0, kind=["i8"]),
        part(0, count=2),
        part(0, count=4),
        part(0, count=-3),
        part(0, size=23),
        part(0, size=25),
        part(0, size=16, data=pack("<2q", 0, 2)),
        part(0, size=-24),
        part(9, size=9, data=pack("<q", 1) + b"0"),
        part(9, size=8 + 31, data=pack("<q", 1) + b"0" * 31),
        part(9, size=8 + 32),
        part(2, kind="big", size=3, count=0, data=b"000"),
        part(2, kind="big", size=2, count=1, data=b"\0\0"),
        part(2, kind="big", size=16, count=3, data=big([1, -1, 3]) + b"0"),
        part(2, kind="big", size=14, count=3, data=big([1, -1, 3])[:-1]),
        part(2, kind="big", size=15, count=4, data=big([1, -1, 3])),
        part(2, kind="big", size=15, count=2, data=big([1, -1, 3])),
        lambda sections: sections.pop(),
        lambda sections: sections.append(sections[0]),
    ],
)
def test_sections_are_refused_alike(edit):
    assert refused(file_of(edit=edit))


def test_empty_sections_and_entries_without_bytes():
    """A zero may be written in no byte at all, though no program of ours does."""

    def no_bytes(sections):
        sections[3][1], sections[3][3] = "big", 9
        sections[3][4] = pack("<2I", 0, 1) + b"\xfc"

    assert answers(file_of(edit=no_bytes)) == answers(file_of())
    empty = {"units": ([0], [], [], [], []), "layers": (), "outputs": ([0, 1], [1], [4], [1], [3])}

    def all_big(sections):
        for parts in sections[1:5]:
            parts[1] = "big"

    ours, theirs = answers(file_of(**empty, edit=all_big))
    assert ours == theirs == answers(file_of(**empty))[0] is not None


def test_bytes_that_no_section_names():
    assert refused(file_of(tail=b"0"))
    assert refused(file_of(tail=b"\n"))
    content = file_of()
    assert refused(content[:-1]) and refused(content + b"0") and refused(content[:-32])
    assert refused(b"") and refused(b"robmem-network 1\n") and refused(content[:40])
    for short in (b"robmem-network 1\n", b"robmem-network 1\n\n", b"robmem-network 1\n{}\n"):
        assert refused(short + hashlib.sha256(short).digest())

"""The native network file, byte for byte as its documentation says, and every way to be none."""

import json
from hashlib import sha256

import numpy as np
import pytest

from verifier.evidence.network_file import load_network, network_bytes, parse_network, save_network
from verifier.question.errors import UserError
from verifier.question.network import Network, Rows, integers

EDGES = [
    *(
        sign * 2**bits + more
        for bits in (7, 8, 15, 31, 62)
        for sign in (1, -1)
        for more in (-1, 0, 1)
    ),
]
BIG = [2**63, -(2**63), 2**63 - 1, -(2**63) - 1, 2**64, -(2**71), 2**71 - 1, 255, 256, -256, -1, 1]


def network_of(*numbers):
    """One unit and one output an entry of `numbers`, which is a weight, a constant and, if it is
    positive, a denominator."""
    count = len(numbers)
    starts = np.arange(count + 1, dtype=np.int64)
    below = integers([max(n, 1) for n in numbers])
    units = Rows(starts, np.zeros(count, np.int64), integers(numbers), integers(numbers), below)
    outputs = Rows(starts, np.arange(1, count + 1, dtype=np.int64), *[integers(numbers)] * 2, below)
    return Network(1, (count,), units, outputs)


def documented(network):
    """The file as the docstring of `network_file` describes it, written a second time."""
    sections, body = [], b""
    for name, rows in (("units", network.units), ("outputs", network.outputs)):
        for field in ("starts", "indices", "numerators", "constants", "denominators"):
            values = [int(v) for v in getattr(rows, field)]
            for kind, width in (("i1", 1), ("i2", 2), ("i4", 4), ("i8", 8), ("big", 0)):
                try:
                    if getattr(rows, field).dtype == np.int64:
                        data = b"".join(v.to_bytes(width, "little", signed=True) for v in values)
                    else:
                        kind = "big"
                        entries = [two_complement(v) for v in values]
                        data = b"".join(len(e).to_bytes(4, "little") for e in entries)
                        data += b"".join(entries)
                    break
                except OverflowError:
                    continue
            body += data
            sections.append({"bytes": len(data), "count": len(values), "kind": kind,
                             "name": f"{name}.{field}"})  # fmt: skip
    header = {"inputs": network.inputs, "layers": list(network.layers), "sections": sections}
    text = json.dumps(header, separators=(",", ":"), sort_keys=True).encode()
    content = b"robmem-network 1\n" + text + b"\n" + body
    return content + sha256(content).digest()


def two_complement(value):
    """Little-endian, in the fewest bytes w with |value| < 2^(8 w - 1)."""
    width = 1
    while abs(value) >= 2 ** (8 * width - 1):
        width += 1
    return value.to_bytes(width, "little", signed=True)


@pytest.mark.parametrize("number", EDGES)
def test_widths(number):
    network = network_of(number, 1)
    content = network_bytes(network)
    assert content == documented(network)
    found = parse_network(content)
    assert found.digest == network.digest and found.layers == network.layers
    assert found.units.numerators.tolist() == [number, 1]
    assert found.outputs.constants.tolist() == [number, 1]


def test_numbers_of_any_length():
    network = network_of(*BIG)
    content = network_bytes(network)
    assert content == documented(network)
    found = parse_network(content)
    assert found.units.numerators.tolist() == BIG and found.digest == network.digest
    assert all(type(v) is int for v in found.units.numerators.tolist())


def test_empty_sections():
    nothing = Rows(np.zeros(1, np.int64), *[np.zeros(0, np.int64)] * 4)
    empty = integers([])
    constant = Rows(np.zeros(2, np.int64), empty, empty, integers([2**70]), integers([1]))
    network = Network(3, (), nothing, constant)
    assert network_bytes(network) == documented(network)
    assert parse_network(network_bytes(network)).digest == network.digest


def test_longest_narrow_and_other_kinds_of_a_section_are_read():
    """A section of `big` numbers that are small, and one that is wider than need be, is a file of
    the same network, though not the one that this program writes."""
    network = network_of(5, -3)
    for number, field in ((2, "numerators"), (3, "constants")):
        values = [5, -3]
        wide = b"".join(v.to_bytes(8, "little", signed=True) for v in values)
        big = b"".join(len(two_complement(v)).to_bytes(4, "little") for v in values)
        big += b"".join(map(two_complement, values))
        for kind, data in (("i8", wide), ("big", big)):
            found = parse_network(replaced(network, number, kind, data))
            assert getattr(found.units, field).tolist() == values
            assert found.digest == network.digest


def test_one_network_has_one_digest():
    """-2^63 in eight bytes, which this program would not write so."""
    network = network_of(-(2**63), 1)
    words = b"".join(v.to_bytes(8, "little", signed=True) for v in (-(2**63), 1))
    for number in (2, 3):
        assert parse_network(replaced(network, number, "i8", words)).digest == network.digest


def parts(network):
    """The header of the network's file, and its sections."""
    content = network_bytes(network)[:-32]
    _, text, body = content.split(b"\n", 2)
    header, sections = json.loads(text), []
    for section in header["sections"]:
        sections.append(body[: section["bytes"]])
        body = body[section["bytes"] :]
    return header, sections


def joined(header, sections, magic=b"robmem-network 1"):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    content = b"\n".join([magic, text, b"".join(sections)])
    return content + sha256(content).digest()


def replaced(network, number, kind, data, count=None):
    header, sections = parts(network)
    sections[number] = data
    header["sections"][number].update(kind=kind, bytes=len(data))
    if count is not None:
        header["sections"][number]["count"] = count
    return joined(header, sections)


SMALL = network_of(5, -3)
WHOLE = network_bytes(SMALL)


def lengths(*values):
    return b"".join(v.to_bytes(4, "little") for v in values)


DAMAGED = {
    "other first bytes": (b"R" + WHOLE[1:], "wrong first bytes"),
    "the magic without its end": (b"robmem-network 1" + b" " * 80, "version"),
    "a version line of 65 bytes": (b"robmem-network " + b" " * 49 + b"\n" + WHOLE, "version"),
    "version 2": (joined(*parts(SMALL), b"robmem-network 2"), "version b'2'"),
    "no version": (joined(*parts(SMALL), b"robmem-network "), "version b''"),
    "shorter than a hash": (b"robmem-network 1\n" + b"{}\n" + b"x" * 29, "truncated: "),
    "a header without end": (b"robmem-network 1\n" + b" " * 100, "its header has no end"),
    "a byte more": (WHOLE[:-32] + b"\0" + WHOLE[-32:], "truncated or too long"),
    "a byte less": (WHOLE[:-33] + WHOLE[-32:], "truncated or too long"),
    "another hash": (WHOLE[:-1] + bytes([WHOLE[-1] ^ 1]), "its hash differs"),
    "lengths that say less": (replaced(SMALL, 2, "big", lengths(1, 1) + b"\5\xfd\0"), "add up"),
    "lengths that say more": (replaced(SMALL, 2, "big", lengths(1, 2) + b"\5\xfd"), "add up"),
    "nothing, with bytes": (replaced(SMALL, 2, "big", b"\0\0\0\0", count=0), "add up"),
    "less than its lengths": (replaced(SMALL, 2, "big", lengths(0)), "a wrong size"),
    "an index of 2^70": (
        replaced(SMALL, 1, "big", lengths(1, 9) + b"\0" + (2**70).to_bytes(9, "little")),
        "beyond 64 bits",
    ),
    "a start of 2^70": (
        replaced(SMALL, 0, "big", lengths(1, 1, 9) + b"\0\1" + (2**70).to_bytes(9, "little")),
        "beyond 64 bits",
    ),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_damaged(name, tmp_path):
    content, words = DAMAGED[name]
    with pytest.raises(UserError, match=words):
        parse_network(content)
    path = tmp_path / "net.bin"
    path.write_bytes(content)
    with pytest.raises(UserError, match=words) as caught:
        load_network(path)
    assert str(caught.value).startswith(f"{path}: ")


def test_a_header_may_be_as_long_as_its_limit(monkeypatch):
    header, sections = parts(SMALL)
    text = json.dumps(header).encode()
    monkeypatch.setattr("verifier.evidence.network_file.MAX_HEADER", len(text) + 1)
    assert parse_network(joined(text, sections)).digest == SMALL.digest
    with pytest.raises(UserError, match="its header has no end"):
        parse_network(joined(text + b" ", sections))


def test_saving(tmp_path):
    path = tmp_path / "net.bin"
    path.write_bytes(b"old")
    save_network(SMALL, path)
    assert path.read_bytes() == WHOLE and load_network(path).digest == SMALL.digest
    assert [entry.name for entry in tmp_path.iterdir()] == ["net.bin"]
    with pytest.raises(UserError, match="No such file"):
        load_network(tmp_path / "none.bin")
    (tmp_path / "folder").mkdir()
    with pytest.raises(UserError, match="directory"):
        save_network(SMALL, tmp_path / "folder")
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["folder", "net.bin"]

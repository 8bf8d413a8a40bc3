"""Networks read some rows at a time: the same rows, the same digest, the same refusals."""

import json
import tracemalloc

import numpy as np
import pytest

from verifier.evidence import network_rows
from verifier.evidence.network_file import load_network, network_bytes, save_network
from verifier.evidence.network_rows import FileRows, HeldRows, open_rows
from verifier.question.errors import RefusedError, UserError
from verifier.question.network import Network, Rows, integers


def random_network(seed, wide=False):
    """Layers of random sizes whose rows read some of what stands before them; some are long."""
    rng = np.random.default_rng(seed)
    inputs, layers = int(rng.integers(1, 5)), tuple(rng.integers(0, 9, 4).tolist())
    scale = 2**70 if wide else int(rng.choice([3, 300, 70_000, 2**40]))

    def rows(count, known):
        starts, indices = [0], []
        for _ in range(count):
            indices += sorted(rng.choice(known, int(rng.integers(0, known + 1)), False).tolist())
            starts.append(len(indices))
        number = [int(v) * scale + 1 for v in rng.integers(-9, 9, len(indices))]
        constants = [int(v) * scale for v in rng.integers(-9, 9, count)]
        return Rows(
            np.array(starts, np.int64), np.array(indices, np.int64), integers(number),
            integers(constants), integers([1 + abs(c) for c in constants]),
        )  # fmt: skip

    units, known = [], inputs
    for size in layers:
        units.append(rows(size, known))
        known += size
    listed = [block.row(i) for block in units for i in range(block.count)]
    starts = np.cumsum([0, *(len(row[0]) for row in listed)])
    whole = Rows(
        starts.astype(np.int64),
        np.array([j for row in listed for j in row[0]], np.int64),
        integers([w for row in listed for w in row[1]]),
        integers([row[2] for row in listed]),
        integers([row[3] for row in listed]),
    )
    return Network(inputs, layers, whole, rows(2, known))


def listed(rows):
    return [part.row(i) for part in rows.parts() for i in range(part.count)]


@pytest.mark.parametrize("entries", [1, 7, 1 << 19])
def test_parts_are_all_rows_in_order(tmp_path, monkeypatch, entries):
    monkeypatch.setattr(network_rows, "_ENTRIES", entries)
    monkeypatch.setattr(network_rows, "_BLOCK", 5)
    for seed in range(12):
        network = random_network(seed, wide=seed % 4 == 3)
        path = tmp_path / "net.robmem"
        save_network(network, path)
        due = [network.units.row(i) for i in range(network.units.count)]
        with open_rows(path) as rows:
            assert isinstance(rows, HeldRows if seed % 4 == 3 else FileRows)
            for own in (rows, HeldRows(network)):
                assert listed(own) == due
                assert own.digest == network.digest
                assert (own.inputs, own.layers, own.units) == (
                    network.inputs, network.layers, network.units.count,
                )  # fmt: skip
                assert [own.outputs.row(i) for i in range(2)] == [
                    network.outputs.row(i) for i in range(2)
                ]
            for part in rows.parts():
                assert part.count == 1 or len(part.indices) <= entries


def test_files_that_are_none_are_refused_by_name(tmp_path):
    network = random_network(2)
    content = network_bytes(network)
    path = tmp_path / "net.robmem"
    for data, text in (
        (b"", "wrong first bytes"),
        (content[:-1], "truncated or too long"),
        (content + b"0", "truncated or too long"),
        (content[:40], "truncated"),
        (content[:-40] + bytes([content[-40] ^ 1]) + content[-39:], "altered: its hash differs"),
        (content[:-1] + bytes([content[-1] ^ 1]), "altered: its hash differs"),
    ):
        path.write_bytes(data)
        with pytest.raises(UserError, match=f"net.robmem: .*{text}"), open_rows(path):
            pass
    with pytest.raises(UserError, match="No such file"), open_rows(tmp_path / "absent"):
        pass
    with pytest.raises(RefusedError, match="pipe or a device"), open_rows("/dev/null"):
        pass
    with pytest.raises(UserError, match="directory"), open_rows(tmp_path):
        pass


def resealed(content, change):
    """The file with another header, whose hash fits."""
    import hashlib

    magic, header, sections = content.split(b"\n", 2)
    value = json.loads(header)
    change(value)
    text = json.dumps(value, separators=(",", ":"), sort_keys=True).encode()
    body = b"\n".join([magic, text, sections[:-32]])
    return body + hashlib.sha256(body).digest()


def test_sections_that_do_not_fit_are_refused(tmp_path):
    path = tmp_path / "net.robmem"
    content = network_bytes(random_network(2))

    def layers(value):
        value["layers"][0] += 1

    def nobody(value):
        value["inputs"] = 0

    def moved(value):
        """One denominator less, one constant more: of one byte each."""
        sections = value["sections"]
        a, b = sections[3], sections[4]
        width = a["bytes"] // a["count"]
        assert width == b["bytes"] // b["count"]
        a["count"], a["bytes"] = a["count"] + 1, a["bytes"] + width
        b["count"], b["bytes"] = b["count"] - 1, b["bytes"] - width

    for change, text in (
        (layers, "layers add up to"),
        (nobody, "layers add up to"),
        (moved, "sections of one row set have different lengths"),
    ):
        path.write_bytes(resealed(content, change))
        with pytest.raises(UserError, match=text), open_rows(path):
            pass


@pytest.mark.parametrize("entries", [1, 7, 1 << 20])
def test_a_layer_that_reads_itself_or_a_later_one_is_refused(tmp_path, monkeypatch, entries):
    """Whatever part of the rows is read at once; `load_network` refuses the same files."""
    monkeypatch.setattr(network_rows, "_ENTRIES", entries)
    refused = 0
    for seed in range(40):
        network = random_network(seed)
        content = network_bytes(network)
        first, *rest = network.layers
        for layers in ([sum(network.layers)], [first + rest[0], 0, *rest[1:]]):

            def change(header, layers=layers):
                header["layers"] = layers

            path = tmp_path / "net.robmem"
            path.write_bytes(resealed(content, change))
            try:
                load_network(path)
                wrong = ""
            except UserError as error:
                wrong = str(error).split(": ", 1)[1]
            with open_rows(path) as rows:
                if isinstance(rows, FileRows) and wrong:
                    refused += 1
                    with pytest.raises(UserError, match="refers to itself") as caught:
                        list(rows.parts())
                    assert str(caught.value) == wrong
                else:
                    list(rows.parts())
    assert refused > 10


def test_starts_that_decrease_are_refused(tmp_path, monkeypatch):
    """Only where rows are read: the file may be larger than memory."""
    rows = Rows(*(np.array(v, np.int64) for v in ([0, 1, 2], [0, 0], [1, 1], [0, 0], [1, 1])))
    network = Network(1, (2,), rows, rows)
    content = bytearray(network_bytes(network))
    place = content.index(b"\0\1\2")
    content[place : place + 3] = b"\0\3\2"
    path = tmp_path / "net.robmem"
    path.write_bytes(resealed(bytes(content), lambda value: None))
    with open_rows(path) as opened, pytest.raises(UserError, match="do not increase"):
        listed(opened)


def test_an_error_of_the_reader_keeps_its_words(tmp_path):
    """What is raised while a file is open is not said to be about the file."""
    path = tmp_path / "net.robmem"
    save_network(random_network(1), path)
    with pytest.raises(UserError, match="^mine$"), open_rows(path):
        raise UserError("mine")


def test_a_file_is_never_held_whole(tmp_path, monkeypatch):
    count = 1 << 18
    monkeypatch.setattr(network_rows, "_ENTRIES", 1 << 12)
    monkeypatch.setattr(network_rows, "_BLOCK", 1 << 12)
    ones = np.ones(count, np.int64)
    rows = Rows(np.arange(count + 1), 0 * ones, 100_000 * ones, 0 * ones, ones)
    output = Rows(*(np.array(v, np.int64) for v in ([0, 1], [0], [1], [0], [1])))
    path = tmp_path / "net.robmem"
    network = Network(1, (count,), rows, output)
    save_network(network, path)
    digest = network.digest
    del rows, network, ones
    tracemalloc.start()
    with open_rows(path) as opened:
        assert sum(part.count for part in opened.parts()) == count
        assert opened.digest == digest
    assert tracemalloc.get_traced_memory()[1] < path.stat().st_size / 2
    tracemalloc.stop()

"""Files made to hurt: refused, quickly, within bounded memory, and with one line of explanation."""

import json
import os
import random
import resource
import struct
import subprocess
import sys
import zlib
from hashlib import sha256
from pathlib import Path

import pytest

from tests.oracles.limits import Limits
from tests.oracles.tampered.cases import BOX, LINE, PLAIN, robust
from verifier.checker.manifest import parse_manifest
from verifier.checker.replay import replay
from verifier.evidence.certificate import certificate_bytes, parse_certificate
from verifier.evidence.data_file import parse_data
from verifier.evidence.network_file import load_network, network_bytes, parse_network
from verifier.evidence.packed import pack, read_bytes, unpack
from verifier.evidence.proof_file import load_proof, parse_proof, proof_bytes
from verifier.evidence.strict_json import MAX_DEPTH, parse_json
from verifier.question.errors import RefusedError, UserError


def nested(depth, opening=b"[", closing=b"]"):
    return opening * depth + closing * depth


TEXTS = {
    "empty": (b"", "not JSON"),
    "spaces": (b"   ", "not JSON"),
    "not UTF-8": (b'{"a": "\xff"}', "not UTF-8"),
    "overlong UTF-8": (b'"\xc0\x80"', "not UTF-8"),
    "surrogate in UTF-8": (b'"\xed\xa0\x80"', "not UTF-8"),
    "UTF-16": ("{}".encode("utf-16"), "not UTF-8"),
    "byte order mark": (b"\xef\xbb\xbf{}", "not JSON"),
    "truncated": (b'{"robmem": 1, "ver', "not JSON"),
    "two values": (b"{} {}", "not JSON"),
    "a comment": (b"{} // fine", "not JSON"),
    "single quotes": (b"{'a': 1}", "not JSON"),
    "trailing comma": (b"[1,]", "not JSON"),
    "control character": (b'"a\x01b"', "not JSON"),
    "duplicate key": (b'{"a": 1, "a": 1}', "duplicate key"),
    "duplicate key by escape": (b'{"a": 1, "\\u0061": 2}', "duplicate key"),
    "duplicate key inside": (b'[{"b": {"a": 1, "c": 2, "a": 3}}]', "duplicate key"),
    "NaN": (b"[NaN]", "float"),
    "Infinity": (b"[Infinity]", "float"),
    "-Infinity": (b"[-Infinity]", "float"),
    "1.0": (b"[1.0]", "float"),
    "1e5": (b"[1e5]", "float"),
    "1E400": (b"[1E400]", "float"),
    "an integer of 4001 digits": (b"1" * 4001, "too large"),
    "an integer of 10^7 digits": (b"[" + b"7" * 10**7 + b"]", "too large"),
    "a negative one": (b"[-" + b"7" * 10**7 + b"]", "too large"),
    "deep lists": (nested(401), "too deep"),
    "very deep lists": (nested(10**6), "too deep"),
    "deep objects": (b'{"a":' * 10**5 + b"1" + b"}" * 10**5, "too deep"),
    "lists that never close": (b"[" * 10**6, "too deep"),
    "deep after a string of brackets": (
        b'["' + b"]" * 500 + b'",' + nested(400) + b"]",
        "too deep",
    ),
    "deep after an escaped quote": (b'["\\"' + b"]" * 500 + b'",' + nested(400) + b"]", "too deep"),
    "deep after escaped backslashes": (b'["\\\\",' + nested(400) + b"]", "too deep"),
}


@pytest.mark.parametrize("name", TEXTS)
def test_json(name):
    data, flaw = TEXTS[name]
    with Limits(), pytest.raises(RefusedError) as caught:
        parse_json(data)
    assert caught.value.flaw == flaw
    assert len(str(caught.value)) < 300
    for parse in (lambda d: parse_certificate(d, "0" * 64), parse_manifest):
        with Limits(), pytest.raises(RefusedError):
            parse(data)


def test_json_that_is_deep_enough_is_read():
    assert parse_json(nested(MAX_DEPTH)) is not None
    assert parse_json(b"[" + b"[]," * 1000 + b"[]]") == [[]] * 1001
    assert parse_json(b'["' + b"[" * 10**6 + b'"]') == ["[" * 10**6]
    assert parse_json(b'["\\"' + b"[" * 1000 + b'"]') == ['"' + "[" * 1000]
    assert parse_json(b"-0") == 0 and parse_json(b"9" * 4000) == 10**4000 - 1


def test_depth_is_carried_across_the_pieces_of_a_long_text():
    flat = b"[" + b"[]," * ((1 << 19) - 150)
    for depth, flaw in ((398, "not JSON"), (400, "too deep")):
        with pytest.raises(RefusedError) as caught:
            parse_json(flat + b"[" * depth)
        assert caught.value.flaw == flaw


def test_long_texts(monkeypatch):
    monkeypatch.setattr("verifier.evidence.strict_json.MAX_BYTES", 9)
    assert parse_json(b"[1, 2, 3]") == [1, 2, 3]
    with pytest.raises(RefusedError, match="too large"):
        parse_json(b"[1, 2, 34]")


def test_the_depth_of_random_texts():
    rng = random.Random(1)
    for _ in range(300):
        depth = rng.randint(395, 405)
        value = rng.choice(['a"]', "\\", '[{"', "x\\\\"])
        text = json.dumps([value, "]" * rng.randint(0, 9)])
        for _ in range(depth - 1):
            text = f"[{text}]" if rng.random() < 0.5 else '{"k\\"[": ' + text + "}"
        try:
            parse_json(text.encode())
            accepted = True
        except RefusedError as error:
            assert error.flaw == "too deep"
            accepted = False
        assert accepted == (depth <= MAX_DEPTH)


def test_a_certificate_nested_as_deep_as_the_text_may_be():
    """Lemmas in lemmas: refused or checked, without a crash of the interpreter's stack."""
    for levels in (10, 60, 95, 99, 100, 200):
        tree = PLAIN
        for _ in range(levels):
            tree = [{"steps": [{"lower": [0, 1], "tree": tree}], "leaf": {}}]
        data = json.dumps(robust(LINE, tree, PLAIN), sort_keys=True).encode()
        try:
            replay(BOX, parse_certificate(data, LINE.digest))
            assert levels < 100
        except RefusedError as error:
            assert error.flaw == "too deep" and levels > 95


def test_a_long_certificate_is_read_in_linear_time():
    leaves = 4_000
    tree = [{"unit": 0}] * (leaves - 1) + PLAIN * leaves
    data = json.dumps(robust(LINE, tree, PLAIN), sort_keys=True).encode()
    with Limits():
        replay(BOX, parse_certificate(data, LINE.digest))


def test_long_numbers_in_a_certificate():
    for number in ("9" * 10**7, "0x" + "f" * 10**7, "1/" + "3" * 5000, "1e" + "9" * 6, "1e5001"):
        data = json.dumps(robust(LINE, [{"input": [0, number]}], PLAIN)).encode()
        with Limits(), pytest.raises(RefusedError) as caught:
            parse_certificate(data, LINE.digest)
        assert caught.value.flaw == "malformed" and len(str(caught.value)) < 300


# ---- networks


def with_hash(body):
    return body + sha256(body).digest()


def network_with(header=None, body=None, magic=b"robmem-network 1"):
    content = network_bytes(LINE)[:-32]
    first, old, rest = content.split(b"\n", 2)
    value = json.loads(old)
    if header:
        header(value)
    text = json.dumps(value).encode() if not isinstance(value, bytes) else value
    return with_hash(b"\n".join([magic or first, text, rest if body is None else body]))


def section(number, **changes):
    return lambda header: header["sections"][number].update(changes)


NETWORKS = {
    "nothing": b"",
    "the magic alone": b"robmem-network 1\n",
    "no version": b"robmem-network " + b"1" * 100,
    "version 2": network_with(magic=b"robmem-network 2"),
    "version 1.0": network_with(magic=b"robmem-network 1.0"),
    "half of it": network_bytes(LINE)[: len(network_bytes(LINE)) // 2],
    "a byte more": network_bytes(LINE) + b"\0",
    "a byte less": network_bytes(LINE)[:-1],
    "a header without end": b"robmem-network 1\n" + b"[" * 10**6,
    "a header of brackets": with_hash(b"robmem-network 1\n" + nested(10**5) + b"\n"),
    "a header that is a list": with_hash(b"robmem-network 1\n[]\n"),
    "2^39 entries": network_with(section(2, count=2**39, bytes=2**39)),
    "2^41 entries": network_with(section(2, count=2**41, bytes=2**41)),
    "negative count": network_with(section(2, count=-1, bytes=-1)),
    "a count that is true": network_with(section(2, count=True, bytes=1)),
    "a count that is a text": network_with(section(2, count="1")),
    "no inputs": network_with(lambda h: h.update(inputs=0)),
    "negative inputs": network_with(lambda h: h.update(inputs=-1)),
    "inputs in floats": network_with(lambda h: h.update(inputs=1.0)),
    "layers that are a number": network_with(lambda h: h.update(layers=2)),
    "a negative layer": network_with(lambda h: h.update(layers=[3, -1])),
    "2^39 units": network_with(lambda h: h.update(layers=[2**39])),
    "an unknown field": network_with(lambda h: h.update(trust="me")),
    "a missing field": network_with(lambda h: h.pop("layers")),
    "a section missing": network_with(lambda h: h["sections"].pop()),
    "sections exchanged": network_with(lambda h: h["sections"].reverse()),
    "a section of another name": network_with(section(0, name="units.begins")),
    "lengths of 2^32": network_with(section(2, kind="big", count=2, bytes=8), b"\xff" * 99),
    "big without room for lengths": network_with(section(2, kind="big", count=9)),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_networks(name):
    with Limits(), pytest.raises(UserError) as caught:
        parse_network(NETWORKS[name])
    assert len(str(caught.value)) < 300


def test_every_changed_byte_of_a_network_is_noticed():
    content = network_bytes(LINE)
    for position in range(len(content)):
        for change in (1, 128):
            altered = bytearray(content)
            altered[position] ^= change
            with pytest.raises(UserError):
                parse_network(bytes(altered))


def test_random_networks_with_a_right_hash():
    """Random bytes in the place of sections and header, their hash made right: refused, or another
    network, but nothing else."""
    rng = random.Random(5)
    content = network_bytes(LINE)[:-32]
    for _ in range(500):
        altered = bytearray(content)
        for _ in range(rng.randint(1, 3)):
            altered[rng.randrange(17, len(altered))] = rng.randrange(256)
        try:
            network = parse_network(with_hash(bytes(altered)))
        except UserError:
            continue
        assert network.digest != LINE.digest or network_bytes(network) == network_bytes(LINE)


def test_random_certificates_of_bytes():
    rng = random.Random(6)
    good = json.dumps(robust(LINE, PLAIN, PLAIN)).encode()
    for _ in range(1500):
        altered = bytearray(good)
        for _ in range(rng.randint(1, 3)):
            altered[rng.randrange(len(altered))] = rng.choice(b'{}[]",:0123456789-/xe \\\xff')
        try:
            replay(BOX, parse_certificate(bytes(altered), LINE.digest))
        except RefusedError:
            continue


# ---- proof files, packed files, data


def good_proof():
    certificate = json.dumps(robust(LINE, PLAIN, PLAIN)).encode()
    return proof_bytes(BOX, parse_certificate(certificate, LINE.digest))


@pytest.mark.parametrize(
    "change",
    [
        lambda h: h.update(content="A" * 10**6),
        lambda h: h.update(content="*"),
        lambda h: h.update(content=None),
        lambda h: h.update(content=h["content"][:-4]),
        lambda h: h.pop("content"),
        lambda h: h.update(network="0" * 64),
        lambda h: h.update(robmem_proof=True),
        lambda h: h.update(robmem_proof=2),
        lambda h: h.update(region=[]),
        lambda h: h.update(goals=[]),
        lambda h: h.update(goals={}),
        lambda h: h["region"].update(norm=["1"]),
        lambda h: h["region"].update(norm="2"),
        lambda h: h["region"].update(lower=[]),
        lambda h: h["region"].update(lower=["2"]),
        lambda h: h["region"].update(lower=["0", "0"], upper=["1", "1"]),
        lambda h: h["region"].update(lower=[0]),
        lambda h: h["goals"][0].update(atoms=[]),
        lambda h: h["goals"][0].update(rival=0),
        lambda h: h["goals"][0]["atoms"][0].update(strict=1),
        lambda h: h["goals"][0]["atoms"][0].update(constant="x"),
        lambda h: h["goals"][0]["atoms"][0].update(outputs=[[1, "1"]]),
        lambda h: h["goals"][0]["atoms"][0].update(outputs=[[0, "1"], [0, "1"]]),
        lambda h: h["goals"][0]["atoms"][0].update(inputs=[[True, "1"]]),
        lambda h: h.update(trust="me"),
    ],
)
def test_proof_files(change):
    first, second = good_proof().split(b"\n", 1)
    head = json.loads(first)
    change(head)
    with Limits(), pytest.raises(UserError):
        parse_proof(json.dumps(head).encode() + b"\n" + second)


def test_packed_files(tmp_path):
    packed = pack(b"evidence")
    assert unpack(packed) == b"evidence"
    bomb = pack(b"\0" * (100 << 20))
    assert len(bomb) < 1 << 20
    wrong = {
        "too large": (bomb, 1 << 20),
        "not packed": (b"\x1f\x8b\x08\x01" + packed[4:], 99),
        "truncated": (packed[:-9], 99),
        "damaged": (packed[:-1] + b"\1", 99),
    }
    for flaw, (data, limit) in wrong.items():
        with Limits(), pytest.raises(RefusedError) as caught:
            unpack(data, limit)
        assert caught.value.flaw == flaw
    for data in (packed + b"\0", packed + packed, packed[:-4] + struct.pack("<I", 7)):
        with pytest.raises(RefusedError, match="damaged"):
            unpack(data, 99)
    assert unpack(packed, 8) == b"evidence"
    with pytest.raises(RefusedError, match="too large"):
        unpack(packed, 7)
    zipped = zlib.compress(b"x" * 100)
    (tmp_path / "z").write_bytes(b"\x1f\x8b" + zipped)
    with pytest.raises(RefusedError, match="not packed"):
        read_bytes(tmp_path / "z")
    (tmp_path / "plain").write_bytes(b"plain")
    assert read_bytes(tmp_path / "plain", 5) == b"plain"
    with pytest.raises(RefusedError, match="too large"):
        read_bytes(tmp_path / "plain", 4)


def test_files_that_are_none(tmp_path):
    """Devices never end, pipes wait for ever, and a link may lead to either."""
    pipe, folder = tmp_path / "pipe", tmp_path / "folder"
    os.mkfifo(pipe)
    folder.mkdir()
    (tmp_path / "zero").symlink_to("/dev/zero")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    for path in (
        pipe,
        folder,
        tmp_path / "zero",
        tmp_path / "loop",
        tmp_path / "none",
        "/dev/zero",
    ):
        for load in (read_bytes, load_network, load_proof):
            with Limits(), pytest.raises(UserError):
                load(path)


def test_sparse_files_of_a_terabyte(tmp_path):
    path = tmp_path / "sparse"
    with path.open("wb") as stream:
        stream.write(b"robmem-network 1\n")
        stream.truncate(1 << 40)
    for load in (read_bytes, load_network, load_proof):
        with Limits(), pytest.raises(RefusedError, match="too large"):
            load(path)


DATA_HEADERS = [
    b"[]", b"{}", b"[1,1,1,8,[]]", b'[1,1,"1",8]', b'[1,1,"0",8,["0"]]', b'[1,1,"-1",8,["0"]]',
    b'[1,1,"1/2",8,["0"]]', b'[0,1,"1",8,["0"]]', b'[1,0,"1",8,["0"]]', b'[-1,1,"1",8,["0"]]',
    b'[1,1,"1",7,["0"]]', b'[1,1,"1",0,["0"]]', b'[true,1,"1",8,["0"]]', b'[1,1,"1",8,["0","0"]]',
    b'[1,1,"1",8,[0]]', b'[1,1,"1",8,"0"]', b'[1000000000000,1,"1",8,["0"]]',
    b'[1,1000000000000,"1",8,["0"]]', b'[1,1,"1",8000000000000,["0"]]', b'[1, 1,"1",8,["0"]]',
    b'[1,1,"1e3",8,["0"]]', b'[1,1,"01",8,["0"]]', b"[" * 10**5,
]  # fmt: skip


def test_data_files():
    body = bytes(8) + (1).to_bytes(8, "little")
    good = b'robmem-dataset 1\n[1,1,"1",8,["0"]]\n' + body
    assert parse_data(good).size == 1
    for header in DATA_HEADERS:
        with Limits(), pytest.raises(UserError):
            parse_data(b"robmem-dataset 1\n" + header + b"\n" + body)
    for content in (b"", b"robmem-dataset 1\n", good[:-1], good + b"\0", b"x" + good):
        with Limits(), pytest.raises(UserError):
            parse_data(content)


def test_names_in_a_manifest_are_hashes():
    """A certificate is named by its hash, so no name leads out of the folder."""
    start = {"robmem_manifest": 1, "network": "0" * 64, "data": "0" * 64, "size": 1}
    question = {"norm": "inf", "radius": "1", "clip": None, "decoder": "argmax"}
    for name in (
        "../../etc/passwd",
        "/etc/passwd",
        "0" * 63 + "/",
        "0" * 65,
        "A" * 64,
        "",
        "..",
        0,
    ):
        results = [[0, "robust", name]]
        value = {**start, "question": question, "results": results, "root": "0" * 64}
        with pytest.raises(RefusedError) as caught:
            parse_manifest(json.dumps(value).encode())
        assert caught.value.flaw == "malformed"


def test_reading_writes_nothing(tmp_path):
    proof = tmp_path / "proof.json"
    proof.write_bytes(good_proof())
    before = sorted(tmp_path.iterdir())
    load_proof(proof)
    assert sorted(tmp_path.iterdir()) == before


def test_checking_needs_little_memory():
    """A process with 1 GB of address space refuses the worst of these files and lives."""
    root = Path(__file__).parents[2]
    script = (
        "import json,sys; sys.path.insert(0, '.')\n"
        "from verifier.evidence.certificate import parse_certificate\n"
        "from verifier.question.errors import UserError\n"
        "from verifier.evidence.network_file import parse_network\n"
        "from verifier.evidence.packed import pack, unpack\n"
        "n = 0\n"
        "for attack in (lambda: parse_certificate(b'[' * 10**7, ''),\n"
        "               lambda: parse_certificate(b'1' * 10**7, ''),\n"
        "               lambda: parse_network(b'robmem-network 1\\n' + b'9' * 10**7),\n"
        "               lambda: unpack(pack(bytes(10**8)), 10**7)):\n"
        "    try: attack()\n"
        "    except UserError: n += 1\n"
        "sys.exit(0 if n == 4 else 1)\n"
    )

    def limit():
        resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))

    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=root, preexec_fn=limit, env=environment, check=False
    )
    assert done.returncode == 0


def test_a_robust_certificate_survives_its_text():
    data = certificate_bytes(
        parse_certificate(json.dumps(robust(LINE, PLAIN, PLAIN)).encode(), LINE.digest), LINE.digest
    )
    again = certificate_bytes(parse_certificate(data, LINE.digest), LINE.digest)
    assert again == data

"""Data files, proof files and manifests, byte by byte: what the kernel refuses, and that the fast
readers say the same."""

from __future__ import annotations

import hashlib
import json
from fractions import Fraction

import pytest

from tests.oracles.kernel import head_of, proof_flaw
from tests.oracles.radius_pairs import PAIRS
from tests.oracles.tampered.cases import CASES
from tests.oracles.tampered.runs import true_run
from verifier.checker.manifest import parse_manifest
from verifier.evidence.certificate import Flip, Leaf, Node, Robust, certificate_bytes
from verifier.evidence.data_file import parse_data
from verifier.evidence.packed import pack
from verifier.evidence.proof_file import parse_claim, proof_bytes
from verifier.kernel.network import Network
from verifier.kernel.runs import Points, Run, check_proof_file
from verifier.kernel.text import Refused
from verifier.question.build import NetworkBuilder
from verifier.question.errors import RefusedError, UserError
from verifier.question.query import Atom, Goal, Query
from verifier.question.region import ball

F = Fraction
MAGIC = b"robmem-dataset 1\n"


def data(entries=(2, -3, 5, 0), labels=(0, 1), head=None, width=8, below="3", **more):
    """A data file of two points of the plane, or one whose header is `head`."""
    names = more.get("names", ["a", "b"])
    head = [2, 2, below, width, names] if head is None else head
    line = json.dumps(head, separators=more.get("separators", (",", ":"))).encode()
    return (
        MAGIC + line + b"\n"
        + b"".join(label.to_bytes(8, "little", signed=True) for label in labels)
        + b"".join(entry.to_bytes(width, "little", signed=True) for entry in entries)
    )  # fmt: skip


def read(content):
    """The points that both readers see, or the flaw that the kernel names."""
    try:
        points = Points(content)
        ours = [points.point(i) for i in range(points.size)], [*points.labels], points.digest
    except Refused as flaw:
        ours = flaw.args[0]
    try:
        theirs = parse_data(content)
    except RefusedError:
        assert type(ours) is str
        return ours
    assert type(ours) is tuple
    assert ours[0] == [list(theirs.point(i)) for i in range(theirs.size)]
    assert ours[1] == theirs.labels.tolist() and ours[2] == theirs.digest
    return ours


def test_points_over_a_common_denominator():
    points, labels, digest = read(data())
    assert points == [[F(2, 3), F(-1)], [F(5, 3), F(0)]] and labels == [0, 1]
    assert digest == hashlib.sha256(data()).hexdigest()
    assert read(data(below="1", entries=(4, 2, 6, 8)))[0] == [[4, 2], [6, 8]]
    assert read(data(entries=(0,) * 4, below="1"))[0] == [[0, 0], [0, 0]]


@pytest.mark.parametrize("entry", [2**63 - 1, -(2**63), 2**63, -(2**63) - 1, 2**127 - 1, -(2**127)])
def test_entries_are_as_wide_as_the_largest_needs(entry):
    needed = 8 if -(2**63) <= entry < 2**63 else 16
    for width in (8, 16, 24):
        if width >= needed:
            found = read(data((entry, 1, 0, 0), width=width))
            assert (found == "not canonical") == (width > needed)


@pytest.mark.parametrize(
    ("given", "flaw"),
    [
        ({"entries": (3, -3, 6, 0)}, "not canonical"),  # thirds of multiples of three
        ({"entries": (0, 0, 0, 0)}, "not canonical"),
        ({"below": "0"}, "malformed"),
        ({"below": "-3"}, "malformed"),
        ({"below": "3/2"}, "malformed"),
        ({"below": "1/2"}, "malformed"),
        ({"below": "03"}, "malformed"),
        ({"labels": (0, 2)}, "index out of range"),
        ({"labels": (-1, 1)}, "index out of range"),
        ({"labels": (0,)}, "index out of range"),
        ({"entries": (2, -3, 5)}, "malformed"),
        ({"entries": (2, -3, 5, 0, 0)}, "malformed"),
        ({"names": ["a", "a"]}, "malformed"),
        ({"names": ["a", 1]}, "malformed"),
        ({"names": ["", "b"]}, "malformed"),
        ({"names": ["a", "b\n"]}, "malformed"),
        ({"names": "ab"}, "malformed"),
        ({"names": []}, "index out of range"),
        ({"head": [2, 2, "3", 8]}, "malformed"),
        ({"head": [2, 2, "3", 8, ["a", "b"], 1]}, "malformed"),
        ({"head": {"2": 2}}, "malformed"),
        ({"head": [2, 2, 3, 8, ["a", "b"]]}, "malformed"),
        ({"head": [2, 2, "3", 4, ["a", "b"]]}, "malformed"),
        ({"head": [2, 2, "3", 0, ["a", "b"]], "entries": ()}, "malformed"),
        ({"head": [2, 2, "3", -8, ["a", "b"]]}, "malformed"),
        ({"head": [2, 0, "3", 8, ["a", "b"]], "entries": ()}, "malformed"),
        ({"head": [2, -2, "3", 8, ["a", "b"]]}, "malformed"),
        ({"head": [0, 2, "3", 8, ["a", "b"]], "entries": (), "labels": ()}, "malformed"),
        ({"head": [-2, 2, "3", 8, ["a", "b"]]}, "malformed"),
        ({"head": [2, True, "3", 8, ["a", "b"]], "entries": (1, 2)}, "malformed"),
        ({"head": [2, 2, "3", 12, ["a", "b"]], "width": 12}, "malformed"),
        ({"separators": (", ", ":")}, "not canonical"),
    ],
)
def test_data_are_refused(given, flaw):
    assert read(data(**given)) == flaw


def test_the_first_lines_of_data():
    good = data()
    for content in (b"", MAGIC, b"robmem-dataset 2" + good[16:], good[1:], MAGIC + good, good[:40],
                    good.replace(b"\n", b" "), MAGIC[:-1] + b" " + good[len(MAGIC):]):  # fmt: skip
        assert type(read(content)) is str
    assert read(MAGIC + b"\n" + good[len(MAGIC) :]) == "not JSON"
    assert read(b"robmem-dataset 2" + good[16:]) == "data altered"


def test_lines_of_a_proof_file():
    query, certificate, _ = CASES["box: true"]
    head, proof = head_of(query), json.dumps(certificate, sort_keys=True).encode()
    assert proof_flaw(head + b"\n" + proof) == "accepted"
    assert proof_flaw(head) == proof_flaw(b"") == "malformed"
    assert proof_flaw(head + b"\n") == "not JSON"
    without = json.loads(head)
    content = without.pop("content")
    data = json.dumps(without).encode() + b"\n" + proof
    assert proof_flaw(data) == "malformed"
    with pytest.raises(Refused, match="does not hold its network"):
        check_proof_file(data)
    for wrong in ("%", "A" + content, content[:8] + "\n" + content[8:]):
        line = json.dumps({**without, "content": wrong}).encode()
        with pytest.raises(Refused, match="malformed"):
            check_proof_file(line + b"\n" + proof)
    other = CASES["lemma: of the hat: true"][0].network
    from verifier.evidence.network_file import network_bytes

    with pytest.raises(Refused, match="another network"):
        check_proof_file(data, Network(network_bytes(other)))


def test_three_lines_are_a_proof_and_then_a_flip():
    first, proof, flip = proof_bytes(*PAIRS[0]).split(b"\n")[:3]
    assert check_proof_file(b"\n".join((first, proof, flip)))[0] == "exact radius"
    assert check_proof_file(b"\n".join((first, proof)))[0] == "robust"
    head = json.loads(first)
    assert check_proof_file(b"\n".join((first, proof)))[1] == {
        name: head[name] for name in ("network", "region", "goals")
    }
    for lines in ((first, proof, proof), (first, flip, flip), (first, flip, proof)):
        with pytest.raises(Refused):
            check_proof_file(b"\n".join(lines))
    with pytest.raises(Refused, match="not JSON"):
        check_proof_file(b"\n".join((first, proof, flip, flip)))


def test_a_flip_inside_of_the_open_ball_is_no_proof_that_it_has_none():
    """relu(x) >= 1/2 holds at 3/4, in the open unit ball, and at 1, on its sphere."""
    build = NetworkBuilder(1)
    network = build.network(build.layer([build.inputs[0]]))
    goal = Goal((Atom((), ((0, F(1)),), F(-1, 2), False),), "a half")
    query = Query(network, ball("1", [F(0)], F(1), open=True), (goal,))
    inside, on = (certificate_bytes(Flip((F(k, 4),), 0), network.digest) for k in (3, 4))
    assert proof_flaw(head_of(query) + b"\n" + inside) == "accepted"
    data = b"\n".join((head_of(query), inside, on))
    assert proof_flaw(data) == "malformed"
    with pytest.raises((RefusedError, UserError)):
        parse_claim(data)


def test_what_is_no_exact_radius_is_named():
    """y = relu(x) is never below -2; a third line is a flip, and its ball is open."""
    build = NetworkBuilder(1)
    network = build.network(build.layer([build.inputs[0]]))
    never = Goal((Atom((), ((0, F(-1)),), F(-2), False),), "below")
    above = Goal((Atom((), ((0, F(1)),), F(-1), False),), "above")
    proof = certificate_bytes(Robust((), ((Node((), Leaf(usual=True)),),)), network.digest)
    on = certificate_bytes(Flip((F(1),), 0), network.digest)
    for goal, third, is_open, flaw in (
        (never, proof, True, "malformed"),
        (never, proof, False, "malformed"),
        (above, on, False, "closed region"),
        (above, on, True, "accepted"),
    ):
        query = Query(network, ball("1", [F(0)], F(1), open=is_open), (goal,))
        found = proof_flaw(b"\n".join((head_of(query), proof, third)))
        assert found == flaw, (goal.rival, is_open, found)


def run_folder(path, manifest):
    """A run as the kernel reads it, of the manifest that `manifest` makes of the true one."""
    run = true_run(1)
    (path / "certificates").mkdir(exist_ok=True)
    (path / "network.robmem").write_bytes(run.network)
    (path / "data.robmem.gz").write_bytes(pack(run.data))
    for name, text in run.certificates.items():
        (path / "certificates" / f"{name}.json.gz").write_bytes(pack(text))
    content = manifest(run.manifest)
    (path / "manifest.json").write_bytes(content)
    return path, content


def sealed(**changes):
    """The manifest with other fields, sealed again as the program does."""

    def edit(content):
        fields = json.loads(content)
        del fields["root"]
        for name, change in changes.items():
            fields[name] = change(fields[name]) if callable(change) else change
        begin, _, _ = content.partition(b',\n"root": ')
        shape = json.loads(begin + b"}")
        text = begin
        for name, value in fields.items():
            old = f'"{name}": {json.dumps(shape[name])}'.encode()
            new = f'"{name}": {json.dumps(value)}'.encode()
            if name not in shape:
                raise KeyError(name)
            if old != new and old in text:
                text = text.replace(old, new)
            elif old != new:  # the list of results has a line each
                start = text.index(f'"{name}": '.encode())
                lines = ",\n".join(json.dumps(each, separators=(", ", ": ")) for each in value)
                text = text[:start] + f'"{name}": [\n{lines}\n]'.encode()
        root = hashlib.sha256(text).hexdigest()
        return text + f',\n"root": "{root}"}}\n'.encode()

    return edit


def kernel_reads(path, edit):
    folder, content = run_folder(path, edit)
    try:
        run = Run(folder)
    except Refused as flaw:
        return flaw.args[0], content
    return run, content


def test_a_manifest_as_it_is(tmp_path):
    run, content = kernel_reads(tmp_path, lambda text: text)
    assert parse_manifest(content).network == run.network.digest
    assert len(run.results) == run.points.size
    same, again = kernel_reads(tmp_path, sealed())
    assert again == content and same.results == run.results


@pytest.mark.parametrize(
    "changes",
    [
        {"robmem_manifest": 2},
        {"robmem_manifest": True},
        {"robmem_manifest": "1"},
        {"network": "0" * 64},
        {"data": "0" * 64},
        {"size": lambda size: size + 1},
        {"size": lambda size: size - 1},
        {"results": []},
        {"results": lambda rows: rows[::-1]},
        {"results": lambda rows: [rows[0], *rows]},
        {"results": lambda rows: [*rows[:-1], [99, *rows[-1][1:]]]},
        {"results": lambda rows: [[-1, *rows[0][1:]], *rows[1:]]},
        {"results": lambda rows: [["0", *rows[0][1:]], *rows[1:]]},
        {"results": lambda rows: [[rows[0][0], "proved", rows[0][2]], *rows[1:]]},
        {"results": lambda rows: [[rows[0][0], "robust", None], *rows[1:]]},
        {"results": lambda rows: [[rows[0][0], "flip", None], *rows[1:]]},
        {"results": lambda rows: [[rows[0][0], "undecided", "0" * 64], *rows[1:]]},
        {"results": lambda rows: [[rows[0][0], "robust", "0" * 63], *rows[1:]]},
        {"results": lambda rows: [[rows[0][0], "robust", "0" * 65], *rows[1:]]},
        {"results": lambda rows: [[rows[0][0], "robust", "G" + "0" * 63], *rows[1:]]},
        {"results": lambda rows: [[rows[0][0], "robust", "../" + "0" * 61], *rows[1:]]},
        {"results": lambda rows: [rows[0][:2], *rows[1:]]},
        {"results": lambda rows: [[*rows[0], 1], *rows[1:]]},
    ],
)
def test_manifests_are_refused(tmp_path, changes):
    flaw, content = kernel_reads(tmp_path, sealed(**changes))
    assert type(flaw) is str
    if not {"network", "data", "size"} & {*changes}:  # these need the files beside it
        with pytest.raises((RefusedError, UserError)):
            parse_manifest(content)


def test_a_manifest_has_one_text(tmp_path):
    for edit in (
        lambda text: text.replace(b'"root": "', b'"root":  "'),
        lambda text: text[:-1],
        lambda text: text + b"\n",
        lambda text: text.replace(b',\n"root"', b', "root"'),
        lambda text: text[:-4] + (b"0" if text[-4:-3] != b"0" else b"1") + text[-3:],
        lambda text: text.replace(b'"size": ', b'"size":  '),
        lambda text: text.replace(b'"robmem_manifest": 1', b'"robmem_manifest": 1, "more": 1'),
    ):
        flaw, content = kernel_reads(tmp_path, edit)
        assert type(flaw) is str
        with pytest.raises(RefusedError):
            parse_manifest(content)


def test_certificates_of_a_run_are_those_that_it_names(tmp_path):
    run, _ = kernel_reads(tmp_path, lambda text: text)
    sample, verdict, name = next(row for row in run.results if row[2] is not None)
    path = tmp_path / "certificates" / f"{name}.json.gz"
    content = path.read_bytes()
    path.write_bytes(pack(b"{}"))
    with pytest.raises(Refused, match="certificate altered"):
        list(run.check({sample}))
    path.write_bytes(content)
    other = "flip" if verdict == "robust" else "robust"

    def renamed(rows):
        return [[row[0], other, row[2]] if row[0] == sample else row for row in rows]

    changed, _ = kernel_reads(tmp_path, sealed(results=renamed))
    with pytest.raises(Refused) as caught:
        list(changed.check({sample}))
    assert caught.value.args[0] in ("another verdict", "unsupported")
    assert list(run.check(set())) == []

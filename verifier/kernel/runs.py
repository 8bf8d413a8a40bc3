"""Proof files and run folders: which question a certificate answers, and whether it does. In a run
the question of every sample is rebuilt from manifest, network and data; a certificate brings its
proof alone."""

import base64
import hashlib
import json
import re
from itertools import pairwise
from math import gcd
from pathlib import Path

from verifier.kernel.network import MOST, Network, integers
from verifier.kernel.question import Questions, stated
from verifier.kernel.rules import check
from verifier.kernel.text import fields, index, listed, need, parse, rational, read_file, typed

DATA_MAGIC, HASH = b"robmem-dataset 1", re.compile("[0-9a-f]{64}")


def check_proof_file(data, network=None):
    """What the file shows, "robust", "flip" or "exact radius", and its question as it states it."""
    need(b"\n" in data, "malformed", "a proof file has two lines")
    first, second, third = [*data.split(b"\n", 2), b""][:3]
    head = typed(parse(first), dict)
    version = head.get("robmem_proof")
    need(type(version) is int and version == 1, "version", version)
    names = ("network", "region", "goals")
    digest, *_ = fields(head, (*names, "robmem_proof"), ("content",))
    if network is None:
        need("content" in head, "malformed", f"it does not hold its network, {digest}")
        try:
            content = base64.b64decode(typed(head["content"], str), validate=True)
        except ValueError:
            need(False, "malformed", "the network is not base64")
        network = Network(content)
    need(digest == network.digest, "another network", digest)
    question = stated(head, network)
    if third:
        check(question, third, sphere=True)
    verdict = check(question, second)
    need(not third or verdict == "robust", "malformed", "three lines are a proof and then a flip")
    return "exact radius" if third else verdict, {name: head[name] for name in names}


class Points:
    """The data file: sample i is `dimension` entries over a common denominator, and a label."""

    def __init__(self, content: bytes) -> None:
        magic, line, body = [*content.split(b"\n", 2), b"", b""][:3]
        need(magic == DATA_MAGIC, "data altered", "first bytes")
        header = self.size, self.dimension, denominator, width, self.names = listed(parse(line), 5)
        need(json.dumps(header, separators=(",", ":")).encode() == line, "not canonical", "header")
        sizes = [index(n, MOST) for n in (self.size, self.dimension, width)]
        need(0 not in sizes and width % 8 == 0, "malformed", "sizes of the data")
        self.denominator = rational(denominator)
        need(self.denominator.denominator == 1 <= self.denominator, "malformed", denominator)
        names = [name for name in listed(self.names) if typed(name, str).isprintable() and name]
        need(len({*names}) == len(self.names), "malformed", "label names")
        self.labels = integers(body[: 8 * self.size], self.size, 8)
        need(all(0 <= label < len(names) for label in self.labels), "index out of range", "labels")
        # Entries are in lowest terms together, and no wider than the largest needs.
        self.numerators = integers(body[8 * self.size :], self.size * self.dimension, width)
        bits = max(max(n, -n - 1).bit_length() for n in self.numerators)
        common = gcd(int(self.denominator), *self.numerators)
        need(common == 1 and width == 8 * (bits // 64 + 1), "not canonical", "entries of the data")
        self.digest = hashlib.sha256(content).hexdigest()

    def point(self, i):
        numerators = self.numerators[i * self.dimension : (i + 1) * self.dimension]
        return [n / self.denominator for n in numerators]


class Run(Questions):
    """A sealed run, read from the manifest, network and data of its folder."""

    def __init__(self, folder):
        self.folder = Path(folder)
        text = read_file(self.folder / "manifest.json")
        names = ("network", "data", "size", "question", "results", "root", "robmem_manifest")
        ways = ("theorem", "replayed")  # which are checked elsewhere
        network, data, size, asked, results, root, version = fields(parse(text), names, ways)
        need(type(version) is int and version == 1, "version", version)
        head, _, last = text.partition(b',\n"root": ')
        need(hashlib.sha256(head).hexdigest() == root, "root", root)
        need(last == f'"{root}"}}\n'.encode(), "not canonical", "the manifest")
        about = Network(read_file(self.folder / "network.robmem"))
        points = Points(read_file(self.folder / "data.robmem.gz"))
        need(network == about.digest, "another network", network)
        need(data == points.digest and size == points.size, "other data", data)
        super().__init__(about, points, asked)
        self.results = listed(results, read=lambda result: listed(result, 3))
        need(self.results, "no proofs", "it is claimed by a theorem, checked elsewhere, or empty")
        samples = [index(sample, size) for sample, _, _ in self.results]
        need(all(a < b for a, b in pairwise(samples)), "malformed", "samples")
        for _, verdict, name in self.results:
            is_hash = verdict in ("robust", "flip") and HASH.fullmatch(typed(name, str))
            need(is_hash or (verdict, name) == ("undecided", None), "malformed", verdict)

    def check(self, samples=None):
        """Replays the certificates of these samples (all if None); yields sample and verdict."""
        for sample, verdict, name in self.results:
            if name is not None and (samples is None or sample in samples):
                content = read_file(self.folder / "certificates" / f"{name}.json.gz")
                need(hashlib.sha256(content).hexdigest() == name, "certificate altered", name)
                found = check(self.question(sample), content, members=True)
                need(found == verdict, "another verdict", f"sample {sample}: {found}")
                yield sample, verdict

"""Proof files and run folders: which question a certificate answers, and whether it does.

A run's manifest states network, data, region and decoder; the question of every sample is rebuilt
from these here, and a certificate brings its proof alone.
"""

import base64
import hashlib
import json
import re
from itertools import pairwise
from math import gcd
from pathlib import Path

from verifier.kernel.network import Network
from verifier.kernel.question import Questions, stated
from verifier.kernel.rules import check, check_exact
from verifier.kernel.text import fields, index, listed, need, parse, rational, read_file, typed

DATA_MAGIC, HASH = b"robmem-dataset 1\n", re.compile("[0-9a-f]{64}")


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
        check_exact(question, third)
    verdict, _ = check(question, second)
    need(not third or verdict == "robust", "malformed", "three lines are a proof and then a flip")
    return "exact radius" if third else verdict, {name: head[name] for name in names}


class Points:
    """The data file: sample i is `dimension` entries over a common denominator, and a label."""

    def __init__(self, content: bytes) -> None:
        end = content.find(b"\n", len(DATA_MAGIC))
        need(content.startswith(DATA_MAGIC) and end > 0, "data altered", "first bytes")
        line = content[len(DATA_MAGIC) : end]
        header = listed(parse(line), 5)
        need(json.dumps(header, separators=(",", ":")).encode() == line, "not canonical", "header")
        self.size, self.dimension, denominator, width, self.names = header
        positive = all(typed(n, int) > 0 for n in (self.size, self.dimension, width))
        need(positive and width % 8 == 0, "malformed", "sizes of the data")
        self.denominator = rational(denominator)
        need(self.denominator >= 1 and self.denominator.denominator == 1, "malformed", denominator)
        count = len({typed(name, str) for name in listed(self.names)})
        shown = all(name and name.isprintable() for name in self.names)
        need(shown and count == len(self.names), "malformed", "label names")
        entries = end + 1 + 8 * self.size
        length = entries + self.size * self.dimension * width
        need(len(content) == length, "truncated", "the data")
        self.labels = integers(content[end + 1 : entries], 8)
        need(all(0 <= label < count for label in self.labels), "index out of range", "labels")
        # Entries are in lowest terms together, and no wider than the largest needs.
        self.numerators = integers(content[entries:], width)
        bits = max(max(n, -n - 1).bit_length() for n in self.numerators)
        common = gcd(int(self.denominator), *self.numerators)
        need(common == 1 and width == 8 * (bits // 64 + 1), "not canonical", "entries of the data")
        self.digest = hashlib.sha256(content).hexdigest()

    def point(self, i):
        numerators = self.numerators[i * self.dimension : (i + 1) * self.dimension]
        return [n / self.denominator for n in numerators]


def integers(data, width):
    parts = (data[k : k + width] for k in range(0, len(data), width))
    return [int.from_bytes(part, "little", signed=True) for part in parts]


class Run(Questions):
    """A sealed run, read from the manifest, network and data of its folder."""

    def __init__(self, folder):
        self.folder = Path(folder)
        text = read_file(self.folder / "manifest.json")
        names = ("network", "data", "size", "question", "results", "root", "robmem_manifest")
        read = fields(parse(text), names, ("theorem", "replayed"))  # which are checked elsewhere
        network, data, size, asked, results, root, version = read
        need(type(version) is int and version == 1, "version", version)
        head, _, last = text.partition(b',\n"root": ')
        need(hashlib.sha256(head).hexdigest() == root, "root", root)
        need(last == f'"{root}"}}\n'.encode(), "not canonical", "the manifest")
        about = Network(read_file(self.folder / "network.robmem"))
        points = Points(read_file(self.folder / "data.robmem.gz"))
        need(network == about.digest, "another network", network)
        need(data == points.digest and size == points.size, "other data", data)
        super().__init__(about, points, asked)
        self.results = [listed(result, 3) for result in listed(results)]
        need(self.results, "no proofs", "it is claimed by a theorem, or holds nothing")
        samples = [index(sample, size) for sample, _, _ in self.results]
        need(all(a < b for a, b in pairwise(samples)), "malformed", "samples")
        for _, verdict, name in self.results:
            need(verdict in ("robust", "flip", "undecided"), "malformed", verdict)
            is_hash = name is not None and HASH.fullmatch(typed(name, str))
            need(name is None if verdict == "undecided" else is_hash, "malformed", name)

    def check(self, samples=None):
        """Replays the certificates of these samples (all if None); yields sample and verdict."""
        for sample, verdict, name in self.results:
            if name is not None and (samples is None or sample in samples):
                content = read_file(self.folder / "certificates" / f"{name}.json.gz")
                need(hashlib.sha256(content).hexdigest() == name, "certificate altered", name)
                found, _ = check(self.question(sample), content)
                need(found == verdict, "another verdict", f"sample {sample}: {found}")
                yield sample, verdict

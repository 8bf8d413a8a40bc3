"""Proof files and run folders: which question a certificate answers, and whether it does.

A run's manifest states network, data, region and decoder; the question of every sample is rebuilt
from these here, and a certificate brings its proof alone.
"""

import base64
import hashlib
import json
from fractions import Fraction
from itertools import pairwise
from math import gcd
from pathlib import Path
from typing import Any

from verifier.kernel.network import Network
from verifier.kernel.question import DECODERS, Question, ball, label_goals, root_upper, stated
from verifier.kernel.rules import check, check_exact
from verifier.kernel.text import Refused, fields, listed, need, parse, rational, read_file, typed

DATA_MAGIC = b"robmem-dataset 1\n"
HEXADECIMAL = {*"0123456789abcdef"}


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
            raise Refused("malformed", "the network is not base64") from None
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
        self.size, self.dimension, denominator, self.width, self.names = header
        sizes = (self.size, self.dimension, self.width)
        need(all(typed(n, int) > 0 for n in sizes), "malformed", "sizes of the data")
        need(self.width % 8 == 0, "malformed", "width of the data")
        self.denominator = rational(denominator)
        need(self.denominator >= 1 and self.denominator.denominator == 1, "malformed", denominator)
        names = {typed(name, str) for name in listed(self.names)}
        need(len(names) == len(self.names), "malformed", "label names")
        self.content, self.labels, self.entries = content, end + 1, end + 1 + 8 * self.size
        length = self.entries + self.size * self.dimension * self.width
        need(len(content) == length, "truncated", "the data")
        labels = [self.label(i) for i in range(self.size)]
        need(0 <= min(labels) <= max(labels) < len(names), "index out of range", "labels")
        # Entries are in lowest terms together, and no wider than the largest needs.
        common, greatest = int(self.denominator), 0
        for at in range(self.entries, length, self.width):
            n = self.integer(at, self.width)
            common, greatest = gcd(common, n), max(greatest, -n - 1, n)
        width = 8 * (greatest.bit_length() // 64 + 1)
        need(common == 1 and width == self.width, "not canonical", "entries of the data")
        self.digest = hashlib.sha256(content).hexdigest()

    def integer(self, at, width):
        return int.from_bytes(self.content[at : at + width], "little", signed=True)

    def label(self, i):
        return self.integer(self.labels + 8 * i, 8)

    def point(self, i):
        begin, step = self.entries + i * self.dimension * self.width, self.width
        places = range(begin, begin + self.dimension * step, step)
        return [self.integer(at, step) / self.denominator for at in places]


class Questions:
    """The question of every sample: does the decoder read its label, among all labels of the data,
    on the ball around it?"""

    def __init__(self, network: Any, points: Any, asked: Any) -> None:
        self.network, self.points, self.asked = network, points, asked
        self.of = "radius_squared" if "radius_squared" in typed(asked, dict) else "radius"
        names = ("norm", self.of, "clip", "decoder")
        self.norm, radius, clip, self.decoder = fields(asked, names)
        need(self.norm in ("inf", "1", "2") and self.decoder in DECODERS, "malformed", self.norm)
        need(self.of == "radius" or self.norm == "2", "malformed", "a squared radius")
        self.radius = rational(radius)
        need(self.radius >= 0, "malformed", "a negative radius")
        self.clip = None if clip is None else [rational(q) for q in listed(clip, 2)]
        need(self.clip is None or self.clip[0] <= self.clip[1], "malformed", "clip")

    def question(self, sample: int) -> Question:
        points, reach, size = self.points, self.radius, self.radius
        if self.of != "radius":
            reach = root_upper(size)
        elif self.norm == "2":
            size = size * size
        need(self.decoder != "sign" or len(points.names) == 2, "malformed", "sign of other labels")
        labels = (-1, 1) if self.decoder == "sign" else range(len(points.names))
        outputs = self.network.outputs.count
        goals = label_goals(self.decoder, points.label(sample), [*map(Fraction, labels)], outputs)
        region = ball(self.norm, points.point(sample), reach, size, self.clip)
        return Question(self.network, region, goals)

    def __str__(self):
        return f"L{self.norm} balls, {json.dumps(self.asked)}"


class Run(Questions):
    """A sealed run, read from the manifest, network and data of its folder."""

    def __init__(self, folder):
        self.folder = Path(folder)
        text = read_file(self.folder / "manifest.json")
        names = ("network", "data", "size", "question", "results", "root", "robmem_manifest")
        network, data, size, asked, results, root, version = fields(parse(text), names)
        need(type(version) is int and version == 1, "version", version)
        head, _, _ = text.partition(b',\n"root": ')
        need(hashlib.sha256(head).hexdigest() == root, "root", root)
        written_so = json.dumps({"root": root}, separators=(", ", ": "))[1:].encode()
        need(text == head + b",\n" + written_so + b"\n", "not canonical", "the manifest")
        about = Network(read_file(self.folder / "network.robmem"))
        points = Points(read_file(self.folder / "data.robmem.gz"))
        need(network == about.digest, "another network", network)
        need(data == points.digest and size == points.size, "other data", data)
        super().__init__(about, points, asked)
        self.results = [listed(result, 3) for result in listed(results)]
        samples = [typed(sample, int) for sample, _, _ in self.results]
        need(samples and all(a < b for a, b in pairwise(samples)), "malformed", "samples")
        need(samples[0] >= 0 and samples[-1] < size, "malformed", "samples beyond the data")
        for _, verdict, name in self.results:
            need(verdict in ("robust", "flip", "undecided"), "malformed", verdict)
            is_hash = type(name) is str and len(name) == 64 and {*name} <= HEXADECIMAL
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

"""Claims about least networks on the disk, from which everything can be replayed.

    data.robmem.gz                  the data set, exact
    networks/<digest>.robmem        the networks of claims
    certificates/<sha256>.json.gz   proofs, under the hash of their text
    least.json                      what is asked and what is claimed, see `_claim_out`
    seal.json                       the hashes of all these files, once the search has ended

`read` believes none of it: it takes data and claims, makes their questions itself, and replays all
certificates. A folder that is continued is replayed first.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from constructions.least.evidence import Claim, Shown, shown
from constructions.least.questions import NORMS, Below, Collapsed, Impossible, Possible
from verifier.checker.checked import CheckerName
from verifier.evidence.data_file import Points
from verifier.evidence.fields import check_fields, index_in, list_in, text_in, truth_in
from verifier.evidence.files import open_regular, write_bytes
from verifier.evidence.network_file import load_network, network_bytes
from verifier.evidence.packed import pack, read_bytes
from verifier.evidence.strict_json import canonical_rational, parse_json
from verifier.question.errors import RefusedError, UserError
from verifier.question.printable import printable
from verifier.question.rational import format_rational
from verifier.question.region import Norm
from verifier.runs.folder import CERTIFICATES, DATA, SEAL, RunFolder

VERSION = 1
CLAIMS = "least.json"
DEPTHS = (2, 3)
NETWORKS = "networks"
_FIELDS = {
    "possible": ("network", "open"),
    "below": ("network", "scaled"),
    "impossible": ("points",),
    "collapsed": ("pairs",),
}
_BEGUN = {".lock", CERTIFICATES, NETWORKS, DATA}  # what there is before the first claims


@dataclass(frozen=True, slots=True)
class Asked:
    """What is looked for: the least width for these sizes of balls, of all if None, up to the
    width `most`, of networks of this depth. All claims are about depth 2, whatever the depth; of
    depth 3 they say what `answer.deeper` has."""

    norm: Norm
    sizes: tuple[Fraction, ...] | None
    most: int
    depth: int = 2


def is_least(path: Path) -> bool:
    """Whether the folder holds claims about least networks."""
    return (path / CLAIMS).is_file()


class LeastFolder:
    """One search on the disk."""

    def __init__(self, path: Path) -> None:
        self.path, self._files = path, RunFolder(path)

    @contextmanager
    def taken(self, data: bytes, asked: Asked) -> Iterator[None]:
        """The folder is made, or the one that is there taken up, and nobody else writes to it
        meanwhile. Raises UserError if somebody does, or if it holds something else, or claims
        about other data or another norm; then nothing of it was changed."""
        if self.path.exists() and not self.path.is_dir():
            raise UserError(f"{self.path}: exists and is no folder")
        if not is_least(self.path) and self.path.exists():
            others = {entry.name for entry in self.path.iterdir()} - _BEGUN
            if others:
                raise UserError(
                    f"{self.path}: exists, is not empty and holds no least networks, but "
                    f"{printable(min(others))}"
                )
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(f"{self.path}: {error.strerror or error}") from None
        with self._files.lock():
            self._begin(data, asked)
            yield

    def _begin(self, data: bytes, asked: Asked) -> None:
        if not is_least(self.path):
            self._files.make()
            (self.path / NETWORKS).mkdir(exist_ok=True)
            write_bytes(self.path / DATA, pack(data))
            self._write(asked, [])
            return
        before, points = self.asked(), self._files.points()
        for what, known, given in (
            ("the norm", before.norm, asked.norm),
            ("the depth", before.depth, asked.depth),
            ("the digest of the data", points.digest, hashlib.sha256(data).hexdigest()),
        ):
            if known != given:
                raise UserError(f"{self.path}: {what} there is {known}, asked is {given}")

    def points(self) -> Points:
        return self._files.points()

    def asked(self) -> Asked:
        """What was looked for; raises RefusedError if the claims are malformed."""
        return _asked_in(self._content())

    def save(self, asked: Asked, claims: Sequence[Shown]) -> None:
        """All that belongs to these claims is on the disk when this returns; the seal is open."""
        (self.path / SEAL).unlink(missing_ok=True)
        for one in claims:
            for text in one.certificates:
                path = self._files.certificate(hashlib.sha256(text).hexdigest())
                if not path.exists():
                    write_bytes(path, pack(text))
            if not isinstance(one.claim, Impossible):
                path = self._network(one.claim.network.digest)
                if not path.exists():
                    write_bytes(path, network_bytes(one.claim.network))
        self._write(asked, claims)

    def seal(self) -> None:
        """Writes the hashes of all files that the claims name."""
        write_bytes(self.path / SEAL, _seal_bytes(self._hashes()))

    def check_seal(self) -> None:
        """Returns if every byte is as it was sealed; raises RefusedError, naming the file."""
        if not (self.path / SEAL).is_file():
            raise RefusedError("seal missing", f"{self.path / SEAL}: the search has not ended")
        stated = parse_json(read_bytes(self.path / SEAL))
        if not isinstance(stated, dict) or not isinstance(stated.get("files"), dict):
            raise RefusedError("seal altered", f"{self.path / SEAL}: it is no list of files")
        found = self._hashes()
        for name in sorted({*found, *stated["files"]}):
            if found.get(name) != stated["files"].get(name):
                raise RefusedError(f"{Path(name).parts[0]} altered", f"{self.path / name}")
        if _seal_bytes(found) != read_bytes(self.path / SEAL):
            raise RefusedError("seal altered", f"{self.path / SEAL}: written otherwise")

    def read(
        self,
        points: Points,
        by: CheckerName = "checker",
        progress: Callable[[int, int], None] = lambda done, total: None,
    ) -> list[Shown]:
        """The claims, each of them shown for these data; raises RefusedError, naming the flaw."""
        content = self._content()
        asked = _asked_in(content)
        if content["data"] != points.digest:
            raise RefusedError("other data", f"claims about {content['data']}, not {points.digest}")
        entries, found = list_in(content["claims"], "claims"), list[Shown]()
        for number, entry in enumerate(entries):
            claim, names = self._claim_in(entry)
            texts = [self._files.fetch(name) for name in names]
            for name, text in zip(names, texts, strict=True):
                if hashlib.sha256(text).hexdigest() != name:
                    raise RefusedError("certificate altered", f"it is not the one called {name}")
            found.append(shown(claim, points, asked.norm, texts, by))
            progress(number + 1, len(entries))
        return found

    # -- the text --------------------------------------------------------------------------------

    def _network(self, digest: str) -> Path:
        return self.path / NETWORKS / f"{digest}.robmem"

    def _content(self) -> dict[str, Any]:
        value = parse_json(read_bytes(self.path / CLAIMS))
        if not isinstance(value, dict) or value.get("robmem_least") != VERSION:
            raise RefusedError("version", f"{self.path / CLAIMS}: not version {VERSION}")
        check_fields(value, ("robmem_least", "data", "norm", "depth", "sizes", "most", "claims"))
        return value

    def _write(self, asked: Asked, claims: Sequence[Shown]) -> None:
        sizes = None if asked.sizes is None else list(map(format_rational, asked.sizes))
        content = {
            "robmem_least": VERSION,
            "data": self._files.points().digest,
            "norm": asked.norm,
            "depth": asked.depth,
            "sizes": sizes,
            "most": asked.most,
            "claims": [_claim_out(one) for one in claims],
        }
        text = json.dumps(content, indent=1, sort_keys=True)
        write_bytes(self.path / CLAIMS, text.encode() + b"\n")

    def _claim_in(self, entry: Any) -> tuple[Claim, list[str]]:
        if not isinstance(entry, dict):
            raise RefusedError("malformed", "a claim is a JSON object")
        kind = entry.get("claim")
        own = _FIELDS.get(str(kind))
        if own is None:
            raise RefusedError("malformed", f"claim {str(kind)[:40]!r}")
        check_fields(entry, ("claim", "width", "size", "proofs", *own))
        names = [_hash_in(name) for name in list_in(entry["proofs"], "proofs")]
        width, size = index_in(entry["width"]), _rational(entry["size"])
        if kind == "collapsed":
            pairs = tuple(_pair_in(pair) for pair in list_in(entry["pairs"], "pairs"))
            return Collapsed(width, size, (), pairs), names
        if kind == "impossible":
            points = tuple(
                tuple(_place_in(place) for place in list_in(part, "points"))
                for part in list_in(entry["points"], "points")
            )
            return Impossible(width, size, points), names
        path = self._network(_hash_in(entry["network"]))
        if not path.is_file():
            raise RefusedError("network missing", str(path))
        try:
            network = load_network(path)
        except RefusedError:
            raise
        except UserError as error:
            raise RefusedError("network altered", str(error)) from None
        if network.digest != entry["network"]:
            raise RefusedError("network altered", f"{path} is {network.digest}")
        if kind == "below":
            scaled = tuple(index_in(axis) for axis in list_in(entry["scaled"], "scaled axes"))
            return Below(width, size, scaled, network), names
        return Possible(width, size, truth_in(entry["open"]), network), names

    def _hashes(self) -> dict[str, str]:
        names = [DATA, CLAIMS]
        for entry in list_in(self._content()["claims"], "claims"):
            _, proofs = self._claim_in(entry)
            names += [f"{CERTIFICATES}/{digest}.json.gz" for digest in proofs]
            if "network" in entry:
                names.append(f"{NETWORKS}/{entry['network']}.robmem")
        found = {}
        for name in sorted(set(names)):
            try:
                with open_regular(self.path / name) as stream:
                    found[name] = hashlib.sha256(stream.read()).hexdigest()
            except OSError as error:
                raise RefusedError(
                    f"{Path(name).parts[0]} missing", f"{self.path / name}: {error.strerror}"
                ) from None
        return found


def _claim_out(one: Shown) -> dict[str, Any]:
    claim = one.claim
    entry: dict[str, Any] = {
        "width": claim.width,
        "size": format_rational(claim.size),
        "proofs": [hashlib.sha256(text).hexdigest() for text in one.certificates],
    }
    if isinstance(claim, Possible):
        return entry | {
            "claim": "possible", "open": claim.open, "network": claim.network.digest,
        }  # fmt: skip
    if isinstance(claim, Below):
        return entry | {
            "claim": "below", "scaled": list(claim.scaled), "network": claim.network.digest,
        }  # fmt: skip
    if isinstance(claim, Collapsed):
        pairs = [[first, second, format_rational(step)] for first, second, step in claim.pairs]
        return entry | {"claim": "collapsed", "pairs": pairs}
    places = [
        [[sample, list(map(format_rational, point))] for sample, point in part]
        for part in claim.points
    ]
    return entry | {"claim": "impossible", "points": places}


def _asked_in(content: dict[str, Any]) -> Asked:
    norm, sizes = content["norm"], content["sizes"]
    if norm not in NORMS or content["depth"] not in DEPTHS:
        raise RefusedError("malformed", f"norm {str(norm)[:9]!r}, depth {content['depth']!r}")
    asked = None if sizes is None else tuple(map(_rational, list_in(sizes, "sizes")))
    return Asked(norm, asked, index_in(content["most"]), index_in(content["depth"]))


def _pair_in(value: Any) -> tuple[int, int, Fraction]:
    parts = list_in(value, "pair")
    if len(parts) != 3:
        raise RefusedError("malformed", "a pair is two samples and a number")
    return index_in(parts[0]), index_in(parts[1]), _rational(parts[2])


def _place_in(value: Any) -> tuple[int, tuple[Fraction, ...]]:
    pair = list_in(value, "point")
    if len(pair) != 2:
        raise RefusedError("malformed", "a point stands with the number of its sample")
    return index_in(pair[0]), tuple(_rational(q) for q in list_in(pair[1], "point"))


def _rational(value: Any) -> Fraction:
    return canonical_rational(text_in(value, "number"))


def _hash_in(value: Any) -> str:
    text = text_in(value, "hash")
    if len(text) != 64 or not set(text) <= set("0123456789abcdef"):
        raise RefusedError("malformed", f"{text[:40]!r} is no hash")
    return text


def _seal_bytes(files: dict[str, str]) -> bytes:
    content = {"robmem_seal": VERSION, "files": files}
    return json.dumps(content, indent=1, sort_keys=True).encode() + b"\n"

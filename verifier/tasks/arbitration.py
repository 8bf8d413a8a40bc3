"""Published verdicts of tools against exact answers: who is contradicted, by what evidence.

A list of results names instances, tools and their verdicts. Each instance is settled exactly, see
`instances.py`; a verdict that says the opposite of what was checked is contradicted, by a proof or
by a point.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from verifier.formats.files import naming, read_text, shown
from verifier.question.errors import UserError
from verifier.tasks.instance_lists import Instance, Word, found_file, instance_of, rows_of

MAX_RESULTS = 1 << 20
NETWORKS = (".onnx", ".nnet", ".npz", ".onnx.gz", ".nnet.gz")
PROPERTIES = (".vnnlib", ".vnnlib.gz")
_SAID: dict[str, Word | None] = {
    **dict.fromkeys(("holds", "unsat", "verified", "safe", "robust"), Word.HOLDS),
    **dict.fromkeys(("violated", "sat", "falsified", "unsafe", "flip"), Word.VIOLATED),
    **dict.fromkeys(("unknown", "timeout", "error", "memout", "no_result", ""), None),
}


@dataclass(frozen=True, slots=True)
class Published:
    """`tool` says `word` of the instance, in its own words `text`; None where that is no answer."""

    instance: Instance
    tool: str
    text: str
    word: Word | None


@dataclass(frozen=True, slots=True)
class Standing:
    """How often a tool's verdicts are what was checked, are contradicted, are about instances that
    are not settled here, and how often it says nothing."""

    tool: str
    right: int
    wrong: int
    open: int
    silent: int


@dataclass(frozen=True, slots=True)
class Arbitration:
    """`contradicted` are the verdicts that say the opposite of what was checked; `disputed` the
    instances, not settled here, of which tools say both."""

    standings: tuple[Standing, ...]
    contradicted: tuple[Published, ...]
    disputed: tuple[Instance, ...]


def read_published(path: Path | str, timeout: float | None = None) -> list[Published]:
    """The verdicts in a CSV file with a header: tool and verdict, and either network and property
    or an instance, a folder beside the list with one network and one property.

    Verdicts are unsat, holds, verified, safe; sat, violated, falsified, unsafe; unknown, timeout,
    error. `timeout` is the limit in seconds for settling an instance; other columns are left out.
    Raises UserError, naming the line.
    """
    path = Path(path)
    text = read_text(path, 1 << 28)
    with naming(path):
        rows = list(rows_of(text))
        if len(rows) < 2 or len(rows) > MAX_RESULTS:
            raise UserError(f"{max(0, len(rows) - 1)} results; the limits are 1 and {MAX_RESULTS}")
        columns = rows.pop(0)[1]
        for needed in ("tool", "verdict"):
            if needed not in columns:
                raise UserError(f"line 1: no column {needed} among {', '.join(columns)}")
        if "instance" not in columns and not {"network", "property"} <= set(columns):
            raise UserError("line 1: neither a column instance nor network and property")
        instances: dict[str, Instance] = {}
        listed, seen = [], set()
        for number, row in rows:
            with naming(f"line {number}"):
                if len(row) != len(columns):
                    raise UserError(f"{len(row)} cells, not {len(columns)}")
                one = _published(dict(zip(columns, row, strict=True)), path.parent, timeout,
                                 instances)  # fmt: skip
                if (one.instance.key, one.tool) in seen:
                    raise UserError(f"{one.tool} stands there twice of this instance")
                seen.add((one.instance.key, one.tool))
                listed.append(one)
        return listed


def _published(
    cells: Mapping[str, str],
    folder: Path,
    timeout: float | None,
    instances: dict[str, Instance],
) -> Published:
    word = cells["verdict"].lower()
    if word not in _SAID:
        raise UserError(f"the verdict {shown(word)} is not one of {', '.join(filter(None, _SAID))}")
    name = cells.get("instance") or f"{cells.get('network', '')}\0{cells.get('property', '')}"
    if name not in instances:
        if cells.get("instance"):
            instances[name] = _of_folder(folder, cells["instance"], timeout)
        else:
            given = {"network": cells["network"], "property": cells["property"]}
            instances[name] = instance_of(given, folder, timeout)
    return Published(instances[name], cells["tool"], cells["verdict"], _SAID[word])


def _of_folder(folder: Path, name: str, timeout: float | None) -> Instance:
    """The instance in the folder of that name, which has one network and one property."""
    if "\0" in name or Path(name).is_absolute() or ".." in Path(name).parts:
        raise UserError(f"{shown(name)} is not the name of a folder beside the list")
    inside = folder / name
    if not inside.is_dir():
        raise UserError(f"{inside} is no folder")
    parts = [_only(inside, NETWORKS, "network"), _only(inside, PROPERTIES, "property")]
    network, prop = (f"{name}/{part}" for part in parts)
    files = (("", found_file(folder, network, "onnx")),)
    return Instance(network, prop, files, found_file(folder, prop, "vnnlib"), timeout, None)


def _only(folder: Path, endings: Sequence[str], what: str) -> str:
    found = sorted(p.name for p in folder.iterdir() if p.name.lower().endswith(tuple(endings)))
    if len(found) != 1:
        raise UserError(f"{folder} has {len(found)} files that may be its {what}, not one")
    return found[0]


def arbitrate(
    published: Iterable[Published], settled: Mapping[tuple[str, str], Word]
) -> Arbitration:
    """Each verdict against what was checked of its instance, by its key; what is not among
    `settled` is open."""
    listed = list(published)
    counts: dict[str, Counter[str]] = {}
    contradicted, said = [], dict[tuple[str, str], set[Word]]()
    for one in listed:
        truth = settled.get(one.instance.key)
        kind = "silent" if one.word is None else "open" if truth is None else "right"
        if one.word is not None and truth is not None and one.word is not truth:
            kind = "wrong"
            contradicted.append(one)
        if kind == "open" and one.word is not None:
            said.setdefault(one.instance.key, set()).add(one.word)
        counts.setdefault(one.tool, Counter())[kind] += 1
    both = {key for key, words in said.items() if len(words) > 1}
    disputed = {one.instance.key: one.instance for one in listed if one.instance.key in both}
    standings = tuple(
        Standing(tool, c["right"], c["wrong"], c["open"], c["silent"])
        for tool, c in sorted(counts.items())
    )
    return Arbitration(standings, tuple(contradicted), tuple(disputed.values()))

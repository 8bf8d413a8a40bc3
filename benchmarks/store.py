"""What the store of runs costs: milliseconds a sample to record, seconds to list and to resume.

python benchmarks/store.py [--samples 2000] [--listed 100000] [--rivals 9] [--folder DIR]

Recorded are proofs of 2,000 random bytes, all different, in tasks of 64 samples: packed, written,
synced, renamed, then the rows of samples, rivals and attempts. Listed and resumed is a run of which
half the samples are proved. Wall and CPU time; exits with 1 if the CPU time of a recorded sample
is not below 2 ms, or that of listing or resuming not below 2 s.
"""

from __future__ import annotations

import argparse
import hashlib
import random
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter, process_time

from verifier.evidence.packed import pack
from verifier.runs.folder import RunFolder
from verifier.runs.records import Record, Rival
from verifier.runs.store import Identity, Store

TASK = 64


@contextmanager
def measured(found: dict[str, tuple[float, float]], name: str) -> Iterator[None]:
    """Notes the wall and CPU seconds of the block under this name."""
    wall, cpu = perf_counter(), process_time()
    yield
    found[name] = perf_counter() - wall, process_time() - cpu


def record(folder: Path, count: int, rivals: int) -> tuple[float, float]:
    """Wall and CPU seconds in which `count` samples are recorded."""
    noise, found = random.Random(0), dict[str, tuple[float, float]]()
    texts = [noise.randbytes(2000) for _ in range(count)]
    records = [
        Record(
            sample, "robust", pack(text), hashlib.sha256(text).hexdigest(), len(text),
            seconds={"bounds": 0.1, "search": 0.2, "check": 0.1},
            rivals=tuple(Rival(k, str(k), "robust", "1/3", 1) for k in range(rivals)),
        )
        for sample, text in enumerate(texts)
    ]  # fmt: skip
    files = RunFolder(folder / "recorded")
    files.make()
    with Store(files.database, create=True) as store:
        store.add_run("r", ".", Identity("n", "d", {}, {}, tuple(range(count))), {})
        host = store.add_host(1, "now", {})
        with measured(found, "all"):
            for begin in range(0, count, TASK):
                files.write_certificates(records[begin : begin + TASK])
                store.record(1, host, records[begin : begin + TASK])
    return found["all"]


def look(folder: Path, count: int, rivals: int) -> dict[str, tuple[float, float]]:
    """Wall and CPU seconds of what commands do at a run of `count` samples, half of them done."""
    path, found = folder / "listed.sqlite", dict[str, tuple[float, float]]()
    half = range(0, count, 2)
    with Store(path, create=True) as store:
        store.add_run("r", ".", Identity("n", "d", {}, {}, tuple(range(count))), {})
        host = store.add_host(1, "now", {})
        against = tuple(Rival(k, str(k), "robust", "1/3", 1) for k in range(rivals))
        store.record(
            1,
            host,
            (Record(s, "robust", b"x", f"{s:064x}", 1, rivals=against) for s in half),
        )
    with measured(found, "list"), Store(path, read_only=True) as store:
        store.runs()
    with measured(found, "resume"), Store(path, read_only=True) as store:
        store.pending(store.run().id, ("open", "undecided"))
    with measured(found, "every sample"), Store(path, read_only=True) as store:
        store.samples(1)
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description="What the store of runs costs.")
    parser.add_argument("--samples", type=int, default=2000)
    parser.add_argument("--listed", type=int, default=100_000)
    parser.add_argument("--rivals", type=int, default=9)
    parser.add_argument("--folder", type=Path, help="a disk to measure  [default: a temporary one]")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        wall, cpu = (1000 * s / given.samples for s in record(Path(folder), given.samples,
                                                              given.rivals))  # fmt: skip
        print(f"recorded {given.samples} samples: {wall:.3f} ms a sample, {cpu:.3f} ms of CPU")
        looks = look(Path(folder), given.listed, given.rivals)
    for name, (seconds, busy) in looks.items():
        print(f"{given.listed} samples, {name}: {seconds:.2f} s, {busy:.2f} s of CPU")
    return int(cpu >= 2 or any(busy >= 2 for _, busy in looks.values()))


if __name__ == "__main__":
    sys.exit(main())

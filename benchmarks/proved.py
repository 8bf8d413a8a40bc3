"""What the proved kernel costs: sizes of proofs spelled out, CPU seconds of that and of replaying.

python benchmarks/proved.py [RUN|PROOF ..] [--sample K] [--seed N] [--most RATIO]

Each run or proof file is replayed by the checker, in this process; spelled out into a stream, which
is written to a temporary file; and replayed by `robmem-kernel` (on PATH or in ROBMEM_KERNEL), one
process. A row says how many answers it has, the bytes of their certificates and of the stream
without the network, CPU seconds of the three, the memory of the program, and how often the time of
the checker the program takes, without and with spelling out. With nothing named, four small runs
are made first: iris with `linf`, `l2-parallel` and every budget of `linf`, and wine with `linf`.

Exits with 1 if the program refuses anything, or if one takes more than RATIO times the checker.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread
from time import process_time

from verifier.checker.family_replay import replay_family
from verifier.checker.proved import Told, find_program, proof_parts, run_parts
from verifier.cli.options import columns
from verifier.evidence.certificate import Maximum
from verifier.evidence.proof_file import FamilyProof, load_claim
from verifier.runs.checking import check_run
from verifier.runs.folder import RunFolder
from verifier.tasks.verify import check

SMALL = {
    "iris linf": ("iris", "--construction", "linf"),
    "iris l2-parallel": ("iris", "--construction", "l2-parallel"),
    "iris linf, every budget": ("iris", "--construction", "linf", "--every-budget"),
    "wine linf": ("wine", "--construction", "linf"),
}


@dataclass
class Row:
    """Of one run or proof; seconds are CPU seconds."""

    name: str
    answers: int = 0
    certificates: int = 0
    stream: int = 0
    checker: float = 0.0
    spelled_out: float = 0.0
    program: float = 0.0
    megabytes: float = 0.0
    holds: bool = False

    @property
    def ratios(self) -> tuple[float, float]:
        """Of the program to the checker, without and with spelling out."""
        checker = max(self.checker, 1e-9)
        return self.program / checker, (self.program + self.spelled_out) / checker

    @property
    def cells(self) -> tuple[object, ...]:
        """Of the table."""
        alone, whole = self.ratios
        return (
            self.name, self.answers, self.certificates, self.stream, f"{self.checker:.2f}",
            f"{self.spelled_out:.2f}", f"{self.program:.2f}", f"{self.megabytes:.0f}",
            f"{alone:.1f}", f"{whole:.1f}", "yes" if self.holds else "REFUSED",
        )  # fmt: skip


HEAD = (
    "evidence", "answers", "certificate bytes", "stream bytes", "checker s", "spelling out s",
    "program s", "program MB", "program/checker", "both/checker", "accepted",
)  # fmt: skip


def of_run(path: Path, name: str, part: int | None, seed: int) -> Row:
    """A sealed run, or a random part of it."""
    folder = RunFolder(path)
    manifest, network, points = folder.manifest(), folder.network(), folder.points()
    results = [result for result in manifest.results if result.certificate is not None]
    if part is not None and part < len(results):
        results = sorted(random.Random(seed).sample(results, part), key=lambda one: one.sample)
    row = Row(name, len(results), folder.sizes(one.certificate or "" for one in results)[0])
    begun = process_time()
    check_run(folder, network, points, manifest.question, results, 1).require()
    row.checker = process_time() - begun
    told = Told()
    parts = run_parts(network, points, manifest.question, results, folder.fetch, told)
    return replayed(row, parts, told.due, network.units.count + network.outputs.count)


def of_proof(path: Path, name: str) -> Row:
    """A proof file of one question."""
    proof = load_claim(path)
    query, verdict = proof.query, proof.verdict
    if isinstance(verdict, Maximum):
        raise SystemExit(f"{path}: a maximum is two questions")
    row = Row(name, 1, path.stat().st_size)
    begun = process_time()
    if isinstance(proof, FamilyProof):
        replay_family(proof.query, proof.verdict)
    else:
        check(proof.query, verdict)
    row.checker = process_time() - begun
    lines = query.network.units.count + query.network.outputs.count
    return replayed(row, proof_parts(query, verdict), None, lines)


def replayed(
    row: Row, parts: Iterable[tuple[bool, str]], due: Sequence[str] | None, rows: int
) -> Row:
    """Spelled out and replayed by the program; the network, some `rows` lines, is read there too,
    and stands in the stream once."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "stream"
        begun = process_time()
        with path.open("w") as stream:
            for number, (_, text) in enumerate(parts):
                stream.write(text)
                row.stream += len(text) if number > rows else 0
        row.spelled_out = process_time() - begun
        program = subprocess.Popen([find_program(), path], stdout=subprocess.PIPE, text=True)
        ended = Event()

        def watch() -> None:
            while not ended.wait(0.02):
                row.megabytes = max(row.megabytes, memory(program.pid))

        watcher = Thread(target=watch)
        watcher.start()
        lines = [line.rstrip("\n") for line in program.stdout or ()]
        ended.set()
        watcher.join()
        _, status, usage = os.wait4(program.pid, 0)
        program.returncode = os.waitstatus_to_exitcode(status)
    row.program = usage.ru_utime + usage.ru_stime
    row.holds = program.returncode == 0 and (due is None or lines == list(due))
    return row


def memory(process: int) -> float:
    """The most megabytes that a process has held; 0 once it has ended."""
    try:
        facts = Path(f"/proc/{process}/status").read_text()
    except OSError:
        return 0.0
    found = re.search(r"^VmHWM:\s*(\d+) kB$", facts, re.MULTILINE)
    return 0.0 if found is None else int(found[1]) / 1024


def made(folder: Path) -> Iterator[tuple[str, Path]]:
    """The small runs, by name."""
    for number, (name, (data, *options)) in enumerate(SMALL.items()):
        out = folder / str(number)
        command = [
            sys.executable,
            "-m",
            "robmem",
            "certify",
            "--data",
            data,
            *options,
            "--jobs",
            "0",
        ]
        subprocess.run([*command, "--quiet", "--out", str(out)], check=True, capture_output=True)
        yield name, out


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("evidence", nargs="*", type=Path)
    parser.add_argument("--sample", type=int, help="a random part of each run")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--most", type=float, help="times the time of the checker")
    options = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        named = [(path.name, path) for path in options.evidence]
        for name, path in named or made(Path(folder)):
            if path.is_dir():
                rows.append(of_run(path, name, options.sample, options.seed))
            else:
                rows.append(of_proof(path, name))
    print(columns([HEAD, *(row.cells for row in rows)]))
    slow = options.most is not None and any(row.ratios[0] > options.most for row in rows)
    return int(slow or not all(row.holds for row in rows))


if __name__ == "__main__":
    raise SystemExit(main())

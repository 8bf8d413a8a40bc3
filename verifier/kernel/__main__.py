"""`python -m verifier.kernel PROOF [NETWORK]`, or `RUN [K]`: what the evidence proves."""

import argparse
import json
import random
import sys
from pathlib import Path

from verifier.kernel.network import Network
from verifier.kernel.runs import Run, check_proof_file
from verifier.kernel.text import read_file


def main(arguments):
    parser = argparse.ArgumentParser(prog="python -m verifier.kernel", description=__doc__)
    parser.add_argument("target", type=Path, help="a proof file or the folder of a run")
    parser.add_argument("more", nargs="?", help="network of the proof; K certificates, at random")
    given = parser.parse_args(arguments)
    if not given.target.is_dir():
        network = given.more and Network(read_file(given.more))
        verdict, question = check_proof_file(read_file(given.target), network)
        return print(f"question: {json.dumps(question)}\nproved: {verdict}")
    run = Run(given.target)
    names = f"network {run.network.digest}, data {run.points.digest}"
    print(f"question: L{run.norm} balls, {json.dumps(run.asked)}, {names}")
    samples = [sample for sample, _, name in run.results if name is not None]
    if given.more:
        samples = random.SystemRandom().sample(samples, min(int(given.more), len(samples)))
    robust, flips = map([found for _, found in run.check(samples)].count, ("robust", "flip"))
    print(f"proved: {robust} robust, {flips} flips, of {run.points.size} samples in the data")


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except Exception as flaw:  # noqa: BLE001  whatever it is, nothing is proved
        print("refused:", *map(ascii, map(str, flaw.args or (type(flaw).__name__,))))
        sys.exit(4)

"""Small runs with proofs and flips as they are, for the proved kernel."""

from __future__ import annotations

import hashlib
from fractions import Fraction
from random import Random

import numpy as np

from tests.oracles.naive_prover import prove
from tests.oracles.oracle import find_flip
from tests.oracles.random_queries import random_network
from verifier.checker.manifest import Question, Result, sample_query
from verifier.evidence.certificate import Flip, certificate_bytes
from verifier.evidence.data_file import data_bytes, parse_data

F = Fraction
SIZES = {"inf": {"radius": F(1, 3)}, "1": {"radius": F(1, 2)}, "2": {"radius_squared": F(1, 5)}}


def small_run(seed, norm, decoder, clip):
    """Network, points, question, results and certificates by hash: proofs and flips as they are."""
    rng = Random(seed)
    classes = 2 if decoder == "sign" else 3
    outputs = classes if decoder == "argmax" else 1
    network = random_network(rng, 2, rng.randint(2, 4), outputs)
    points = some_points(rng, classes)
    question = Question(norm, decoder, **SIZES[norm], clip=clip)
    results, texts = [], {}
    for sample in range(points.size):
        query = sample_query(network, points, question, sample)
        flip = find_flip(query)
        verdict = prove(query) if flip is None else Flip(flip[1], flip[0])
        if verdict is None:
            continue  # the naive prover knows nothing of touching balls
        text = certificate_bytes(verdict, network.digest)
        digest = hashlib.sha256(text).hexdigest()
        texts[digest] = text
        results.append(Result(sample, "flip" if flip else "robust", digest))
    return network, points, question, results, texts


def some_points(rng, classes):
    numerators = np.array([[rng.randint(-4, 4) for _ in range(2)] for _ in range(6)])
    labels = np.array([k % classes for k in range(6)])
    return parse_data(data_bytes(numerators, 2, labels, tuple(map(str, range(classes)))))

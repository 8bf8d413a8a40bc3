"""Streams for the program of the proved kernel, true ones and false ones, with what is due: every
part of the grammar that the driver reads."""

from __future__ import annotations

import hashlib
import subprocess
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache
from random import Random

from tests.oracles.checkers import answer, guess
from tests.oracles.naive_prover import prove
from tests.oracles.oracle import find_flip
from tests.oracles.proved_runs import SIZES, small_run
from tests.oracles.radius_pairs import PAIRS, at_distance
from tests.oracles.random_families import (
    family_run,
    guessed,
    kink,
    random_family,
    random_sum_family,
)
from tests.oracles.random_queries import (
    opened,
    points_of,
    random_goals,
    random_network,
    random_query,
    random_region,
)
from verifier.checker.checked import Checked
from verifier.checker.elaborate import elaborate
from verifier.checker.exact_radius import check_radius
from verifier.checker.family_replay import replay_family
from verifier.checker.manifest import Result, check_results, run_checker, sample_query
from verifier.checker.proved import Told, proof_parts, run_parts
from verifier.checker.replay import replay
from verifier.evidence.certificate import Flip, Leaf, Node, Radius, Robust, certificate_bytes
from verifier.evidence.data_file import data_bytes, parse_data
from verifier.evidence.kernel_stream import answer_text, is_spelled_out, network_text, question_text
from verifier.question.family import FamilyQuery
from verifier.question.query import Atom, Goal, Query

F = Fraction
LEAF = (Node((), Leaf()),)


@dataclass(frozen=True)
class Stream:
    """What is written, with what of it is a question, and the answers that are due."""

    parts: tuple[tuple[bool, str], ...]
    due: tuple[str, ...]

    @property
    def text(self):
        return "".join(text for _, text in self.parts)

    @property
    def asked(self):
        return "".join(text for question, text in self.parts if question)

    @property
    def true(self):
        return not any(line.endswith("refused") for line in self.due)


def said(folder, stream, text=None):
    """The lines that the program prints, its exit code, and what it says that it was asked."""
    shown = folder / "shown"
    shown.unlink(missing_ok=True)
    command = [str(folder / "robmem-kernel"), "-", "--print", str(shown)]
    data = (stream.text if text is None else text).encode()
    done = subprocess.run(command, input=data, capture_output=True, timeout=60)
    back = shown.read_text() if shown.exists() else ""
    return tuple(done.stdout.decode().splitlines()), done.returncode, back


def as_due(folder, stream):
    """Whether the program answers what is due, to the question that was asked."""
    lines, code, back = said(folder, stream)
    return (lines, code, back) == (stream.due, 0 if stream.true else 4, stream.asked)


def of_query(query, verdict):
    word = {Robust: "robust", Flip: "flip", Radius: "exact radius"}[type(verdict)]
    check = replay_family if isinstance(query, FamilyQuery) else replay
    check = check_radius if isinstance(verdict, Radius) else check
    if answer(check, query, verdict) != "accepted":
        word = "refused"
    return Stream(tuple(proof_parts(query, verdict)), (f"question {word}",))


def queries():
    """Proofs, flips, wrong proofs and points that are no flips: in boxes, balls, open balls."""
    for seed in range(12):
        query = random_query(seed)
        yield from about(query)
        if query.region.norm != "inf" and query.region.size:
            yield from about(Query(query.network, replace(query.region, open=True), query.goals))


def about(query):
    region = query.region
    center, corner = region.center or region.lower, region.upper
    for goal in range(len(query.goals)):
        yield of_query(query, Flip(center, goal))
        yield of_query(query, Flip(corner, goal))
    yield of_query(query, Robust((), tuple(LEAF for _ in query.goals)))
    flip = find_flip(query)
    if flip is not None:
        yield of_query(query, Flip(flip[1], flip[0]))
    elif not region.open and (proof := prove(query)) is not None:
        yield of_query(query, proof)


def radii():
    for query, radius in PAIRS[::3]:
        yield of_query(query, radius)
        yield of_query(query, replace(radius, flip=Flip(query.region.center, radius.flip.goal)))
        yield of_query(at_distance(query, query.region.size * F(1001, 1000)), radius)


def cones():
    for seed in range(40):
        rng, query = random_family(seed)
        proof = Robust((), (guessed(rng, query),))
        if is_spelled_out(proof):
            yield of_query(query, proof)
    for seed in range(60):
        query, proof = random_sum_family(seed)
        if answer(replay_family, query, proof) == "accepted":
            whole, (goal,) = elaborate(query, proof), query.goals
            yield of_query(query, whole)
            nearer = replace(goal.atoms[0], constant=goal.atoms[0].constant + F(1, 5))
            yield of_query(replace(query, goals=(replace(goal, atoms=(nearer,)),)), whole)
    above = Goal((Atom(((1, -F(1)),), ((0, F(1)),), F(0), True),), "above m")
    yield of_query(kink(above), Robust((), (LEAF,)))
    never = Goal((Atom((), (), -F(1), False),), "never")
    both = replace(kink(above), goals=(above, never))
    yield of_query(both, Robust((), (LEAF, LEAF)))
    yield of_query(replace(both, goals=(Goal((Atom((), (), F(1), False),), "always"), never)),
                   Robust((), (LEAF, LEAF)))  # fmt: skip


def runs():
    """Samples in every norm, by every decoder, clipped or not; their proofs, those of the samples
    beside them, flips of the balls that are not clipped, and leaves alone."""
    for norm in SIZES:
        for decoder in ("nearest", "sign", "argmax", "value"):
            for seed in range(2):
                clip = (F(-2), F(17, 8)) if seed else None
                network, points, question, results, texts = small_run(seed, norm, decoder, clip)
                yield of_run(network, points, question, results, texts)
                if clip is not None:
                    whole = small_run(seed, norm, decoder, None)
                    flips = [r for r in whole[3] if r.kind == "flip"]
                    yield of_run(network, points, question, flips, whole[4])
                else:
                    larger = replace(question, **{k: 4 * v for k, v in SIZES[norm].items()})
                    yield of_run(network, points, larger, results, texts)
                    yield of_run(
                        network, points, question, *leaves_alone(network, points, question)
                    )


def leaves_alone(network, points, question):
    """Of every sample a leaf for each goal, which shows little: its interval at most."""
    results, texts = [], {}
    for sample in range(points.size):
        goals = sample_query(network, points, question, sample).goals
        text = certificate_bytes(Robust((), tuple(LEAF for _ in goals)), network.digest)
        digest = hashlib.sha256(text).hexdigest()
        results.append(Result(sample, "robust", digest))
        texts[digest] = text
    return results, texts


def families():
    network, points, question, results, texts = family_run()
    due = [result for result in results if result.certificate]
    yield of_run(network, points, question, due, texts)
    closed = replace(question, family=replace(question.family, last=F(1, 2), open=False))
    yield of_run(network, points, closed, due, texts)
    beyond = replace(question, family=replace(question.family, unit=F(3)))
    yield of_run(network, points, beyond, due, texts)
    halved = replace(question, family=replace(question.family, denominator=(F(2), -F(1))))
    yield of_run(network, points, halved, due, texts)
    for labels in ((0, 1, 1), (1, 0, 1)):
        other = parse_data(data_bytes(points.numerators, 1, labels, points.label_names))
        yield of_run(network, other, question, due, texts)


def of_run(network, points, question, results, texts):
    told = Told()
    parts = tuple(run_parts(network, points, question, results, texts.__getitem__, told))
    checker, due = run_checker(network, points, question), []
    for line, result in zip(told.due, results, strict=True):
        (shown,) = check_results(points, question, [result], texts.__getitem__, checker)
        due.append(line if isinstance(shown, Checked) else f"sample {result.sample} refused")
    return Stream(parts, tuple(due))


def distances():
    """Two questions about one network, as of a distance: a flip on one ball, a proof of another."""
    for query, radius in PAIRS[::4]:
        flipped = Query(query.network, query.region.closed(), query.goals)
        parts = [(True, text) for text in network_text(query.network)]
        for one, verdict in ((flipped, radius.flip), (query, radius.proof)):
            parts.append((True, question_text(one)))
            parts += [(False, text) for text in answer_text(verdict)]
        yield Stream((*parts, (False, "end\n")), ("question flip", "question robust"))


def powers():
    """Norms above 2: leaves and points, open and closed, families, and a run."""
    for seed in range(16):
        rng = Random(seed)
        network = random_network(rng, 2, rng.randint(1, 4), 1)
        region = random_region(rng, 2, rng.choice("345"))
        for one in (region, *opened(region)):
            query = Query(network, one, random_goals(rng, network, region))
            yield of_query(query, guess(rng, query))
            for point in (*points_of(rng, one, 2), one.upper):
                yield of_query(query, Flip(tuple(point), 0))
    for seed in range(30):
        query, proof = random_sum_family(seed, ("3", "4"))
        if answer(replay_family, query, proof) == "accepted":
            yield of_query(query, elaborate(query, proof))
    for seed, norm in enumerate("34"):
        network, points, question, *_ = small_run(seed, "1", "nearest", None)
        for radius in (F(1, 9), F(4)):
            asked = replace(question, norm=norm, radius=radius)
            yield of_run(network, points, asked, *leaves_alone(network, points, asked))


KINDS = {
    "powers": powers, "questions": queries, "radii": radii, "cones": cones, "runs": runs,
    "families": families, "distances": distances,
}  # fmt: skip


@cache
def streams(kind):
    return list(KINDS[kind]())


def changed_tokens(rng: Random, text, count):
    """The text with one token changed, dropped, doubled or exchanged with its neighbour."""
    words = text.split()
    for _ in range(count):
        k, kind = rng.randrange(len(words)), rng.random()
        if kind < 0.6:
            new = [rng.choice(TOKENS)]
        elif kind < 0.7:
            new = []
        elif kind < 0.8:
            new = [words[k]] * 2
        else:
            new = [words[rng.randrange(len(words))]]
        yield " ".join([*words[:k], *new, *words[k + 1 :]])


WORDS = (
    "0 1 2 3 -1 1/2 -3/4 7/3 1/0 x 999 99999999999999999999 0x1f . end open closed inf box ball "
    "leaf usual conflict lower goals strict weak sample cone family question flip robust"
)
TOKENS = (*WORDS.split(" "), "")

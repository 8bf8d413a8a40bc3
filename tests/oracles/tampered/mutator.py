"""Random edits of true certificates, networks and questions; the same seed, the same edits."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from fractions import Fraction
from random import Random
from typing import Any

from tests.oracles.maxima_networks import maxima_network, proof_by_maxima
from tests.oracles.naive_prover import prove
from tests.oracles.oracle import find_flip
from tests.oracles.random_queries import random_goals, random_query, random_region
from tests.oracles.ridge_networks import separable_network
from verifier.checker.maxima_trees import without_maxima
from verifier.evidence.certificate import (
    Flip,
    Leaf,
    Node,
    Robust,
    SeparableStep,
    SumsStep,
    SymbolicStep,
    certificate_bytes,
)
from verifier.question.errors import UserError
from verifier.question.network import Network, Rows, integers
from verifier.question.query import Query
from verifier.question.rational import format_rational, parse_rational
from verifier.search.options import Options
from verifier.tasks.verify import verify

F = Fraction
Place = tuple[Any, Any]  # a container and the key of one of its values


def true_evidence(seed: int) -> tuple[Query, bytes]:
    """A small question with its true answer; a tenth of the proofs begin with a symbolic step, a
    tenth are about sums of functions of one direction, found by the search, a tenth about maxima.
    """
    rng = Random(seed)
    if rng.random() < 0.1:
        return sum_evidence(rng)
    if rng.random() < 0.1:
        return maxima_evidence(rng)
    query = random_query(rng, max_units=4, max_inputs=2)
    proof = prove(query, rng if rng.random() < 0.7 else None, extras=5)
    if proof is None:
        found = find_flip(query)
        if found is None:  # beyond the naive prover
            return true_evidence(seed + 10**9)
        answer: Robust | Flip = Flip(found[1], found[0])
    else:
        steps = (SymbolicStep(), *proof.steps) if rng.random() < 0.1 else proof.steps
        answer = Robust(steps, proof.trees)
        if rng.random() < 0.2:  # short proofs are the easiest to bend
            leaf = Node((), Leaf())
            answer = Robust((), tuple((leaf,) for _ in query.goals))
    return query, certificate_bytes(answer, query.network.digest)


def sum_evidence(rng: Random) -> tuple[Query, bytes]:
    """A proof with multipliers of the ball, as the search finds it or with a step that helps."""
    while True:
        inputs = rng.randint(1, 2)
        network = separable_network(rng, inputs)
        region = random_region(rng, inputs, rng.choice(("1", "2")))
        query = Query(network, region, random_goals(rng, network, region))
        found = verify(query, Options(nodes=20)).verdict
        if isinstance(found, Robust) and found.steps == ():
            multipliers = tuple(F(rng.randint(0, 6), 2) for _ in range(rng.randint(1, 3)))
            step = SeparableStep(multipliers) if rng.random() < 0.5 else SumsStep((), multipliers)
            found = Robust((step,), found.trees)
            return query, certificate_bytes(found, network.digest)


def maxima_evidence(rng: Random) -> tuple[Query, bytes]:
    """A proof by a step about maxima and the trees that spell its bounds out, or by the lemmas."""
    while True:
        inputs = rng.randint(1, 2)
        network = maxima_network(rng, inputs)
        region = random_region(rng, inputs)
        query = Query(network, region, random_goals(rng, network, region))
        if all(len(goal.atoms) == 1 for goal in query.goals):
            proof = proof_by_maxima(query)
            if proof is not None:
                if rng.random() < 0.5:
                    proof = Robust(without_maxima(query, proof.steps), proof.trees)
                return query, certificate_bytes(proof, network.digest)


def edited(rng: Random, query: Query, data: bytes) -> tuple[Query, bytes]:
    """One to three edits of the certificate, the network or the question."""
    text = json.loads(data)
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        kind = rng.random()
        try:
            if kind < 0.6:
                edit_text(rng, text)
            elif kind < 0.75:
                query = Query(edit_network(rng, query.network), query.region, query.goals)
            else:
                query = edit_question(rng, query)
        except UserError:
            continue  # not even a question
        if rng.random() < 0.97:
            text["network"] = query.network.digest
    return query, json.dumps(text, sort_keys=True).encode()


def places(value: Any) -> list[Place]:
    found: list[Place] = []
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in items:
        found.append((value, key))
        if isinstance(inner, dict | list):
            found += places(inner)
    return found


def edit_text(rng: Random, text: Any) -> None:
    everywhere = [place for place in places(text) if place[1] not in ("robmem", "network")]
    if not everywhere:
        return
    numbers = [p for p in everywhere if isinstance(p[0][p[1]], int | str) and p[1] != "verdict"]
    kind = rng.random()
    if kind < 0.6 and numbers:
        container, key = rng.choice(numbers)
        container[key] = edit_number(rng, container[key])
        return
    container, key = rng.choice(everywhere)
    if kind < 0.7:
        del container[key]
    elif kind < 0.8 and isinstance(container, list):
        container.insert(key, copy.deepcopy(container[key]))
    elif kind < 0.9 and isinstance(container, list):
        other = rng.randrange(len(container))
        container[key], container[other] = container[other], container[key]
    else:
        source, name = rng.choice(everywhere)
        container[key] = copy.deepcopy(source[name])


def edit_number(rng: Random, value: int | str) -> int | str:
    try:
        number = parse_rational(str(value))
    except UserError:
        return value
    kind = rng.randrange(9)
    tiny = F(1, 10 ** rng.randint(1, 15))
    changed = (
        -number,
        number + 1,
        number - 1,
        number * 2,
        number / 2,
        F(0),
        number + tiny,
        number - tiny,
        F(rng.randint(-3, 3)),
    )[kind]
    return int(changed) if changed.denominator == 1 else format_rational(changed)


def edit_network(rng: Random, network: Network) -> Network:
    """One weight, constant or denominator changed, or two units of a layer swapped."""
    units, outputs = network.units, network.outputs
    rows = outputs if not units.count or rng.random() < 0.4 else units
    name = rng.choice(("numerators", "constants", "denominators"))
    values = getattr(rows, name).tolist()
    if values:
        k = rng.randrange(len(values))
        values[k] = rng.choice((-values[k], values[k] + 1, values[k] - 1, 2 * values[k]))
    parts = {field: getattr(rows, field) for field in Rows.__slots__} | {name: integers(values)}
    changed = Rows(**parts)
    if rows is units:
        return Network(network.inputs, network.layers, changed, outputs)
    return Network(network.inputs, network.layers, units, changed)


def edit_question(rng: Random, query: Query) -> Query:
    """The region a little larger or smaller, in another norm, open, or a goal's atom changed."""
    region, goals = query.region, list(query.goals)
    kind, tiny = rng.random(), F(1, 10 ** rng.randint(0, 15)) * rng.choice((-1, 1))
    if kind < 0.25:
        k = rng.randrange(region.dimension)
        upper = [*region.upper]
        upper[k] += tiny
        clipped = region.norm != "inf"
        region = replace(region, upper=tuple(upper), clipped=clipped)
        return Query(query.network, region, query.goals)
    if kind < 0.5 and region.norm != "inf":
        changes = (
            {"size": region.size + tiny},
            {"norm": "1" if region.norm == "2" else "2"},
            {"open": not region.open},
        )
        region = replace(region, clipped=rng.random() < 0.9, **rng.choice(changes))
        return Query(query.network, region, query.goals)
    number = rng.randrange(len(goals))
    atoms = list(goals[number].atoms)
    k = rng.randrange(len(atoms))
    if rng.random() < 0.3:
        atoms[k] = replace(atoms[k], strict=not atoms[k].strict)
    elif rng.random() < 0.2 and len(atoms) > 1:
        del atoms[k]
    else:
        atoms[k] = replace(atoms[k], constant=atoms[k].constant + tiny)
    goals[number] = replace(goals[number], atoms=tuple(atoms))
    return Query(query.network, region, tuple(goals))


__all__ = ["edited", "true_evidence"]

"""Symbolic bounds of one branch by the slow implementation."""

from __future__ import annotations

from fractions import Fraction

from tests.oracles.reference_symbolic import ReferenceSymbolic
from verifier.checker.tree import TreeChecker
from verifier.question.query import Query


def reference_of(checker: TreeChecker, query: Query) -> ReferenceSymbolic:
    units = range(query.network.units.count)
    scales = checker.scaled.scales[query.network.inputs :]
    root = (
        [Fraction(int(checker.root.lower[v]), scales[v]) for v in units],
        [Fraction(int(checker.root.upper[v]), scales[v]) for v in units],
    )
    result = ReferenceSymbolic(
        query.network, query.region, root, root, (query.region.lower, query.region.upper)
    )
    result.tighten()
    return result

"""A family at one parameter, as an ordinary question of the same network, where m is a number."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from verifier.checker.branch import Number
from verifier.checker.intervals import FamilyRoots, RootBounds
from verifier.checker.leaf import Form
from verifier.checker.scaled import ScaledNetwork
from verifier.checker.tree import TreeChecker
from verifier.evidence.certificate import Leaf
from verifier.question.family import FamilyQuery
from verifier.question.query import Query

_SAFE = 1 << 62


class Slice(TreeChecker):
    """The question about one parameter; what it accepts is a hint for a proof about all."""

    def __init__(self, query: Query, scaled: ScaledNetwork, root: RootBounds) -> None:
        super().__init__(query, scaled, root)
        self._parameter = self.inputs - 1

    def value_of(self, k: int) -> Number | None:
        return self._low[-1 - k] if k == self._parameter else None

    def _nonnegative(self, form: Form, leaf: Leaf, strict: bool) -> bool:
        m = self._parameter
        form.add(form.z.pop(m, 0), self._low[-1 - m])
        return super()._nonnegative(form, leaf, strict)


def slice_at(
    query: FamilyQuery, scaled: ScaledNetwork, roots: FamilyRoots, share: Fraction
) -> Slice:
    """The slice that lies so far on the way from the first to the last parameter, with bounds
    between those of the ends. `scaled` is the network of the roots for inputs of a denominator that
    is the share's times as large."""
    cone = query.cone
    asked = query.at(cone.first + share * (cone.last - cone.first))
    ends = roots[0].table[:, [root.column for root in roots]]
    if share.denominator * _largest(ends) >= _SAFE:
        ends = ends.astype(object)
    elif ends.dtype != object:
        ends = ends.astype(np.int64)
    table = ends @ [[share.denominator - share.numerator], [share.numerator]]
    return Slice(asked, scaled, RootBounds(scaled, table, 0, True))


def _largest(values: Any) -> int:
    return max(-int(values.min()), int(values.max()))

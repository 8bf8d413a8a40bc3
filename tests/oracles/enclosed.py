"""Leaves as they wait to be enclosed, and what their rule computes in fractions."""

from __future__ import annotations

from fractions import Fraction

from verifier.checker.enclosures import Rows
from verifier.question.rational import sqrt_lower

F = Fraction


def waiting_leaf(put_off, leaf, target):
    """The leaf in the current branch of the checker, as it would be put off."""
    assert put_off.put(leaf, target)
    return put_off.waiting.pop().enclosed


def rows_of(put_off, leaves):
    """Their forms over the inputs."""
    enclosure = put_off.enclosure
    state = Rows(enclosure.network, leaves)
    for number in range(len(enclosure.network.layers) - 1, -1, -1):
        state.lower(number, enclosure.grids[number])
    return state


def exact_form(checker, leaf, target):
    """Coefficients of the inputs, constant, and least value on the box of the current branch; on a
    ball these are without what the leaf bounds on the box, and the value is above the least one by
    at most 2^-200."""
    form, region = checker.form(leaf, target), checker.region
    size, below = checker.scaled.denominator, form.denominator
    coefficients = [F(form.z.get(k, 0) * size, below) for k in range(checker.inputs)]
    constant = F(form.constant) / below
    ends = list(zip(*checker.box(), strict=True))
    if region.norm == "inf":
        least = (g * (a if g > 0 else b) for g, (a, b) in zip(coefficients, ends, strict=True))
        return coefficients, constant, constant + sum(least)
    for k, share in leaf.box.items():
        coefficients[k] -= share
        constant += share * ends[k][share < 0]
    middle = sum(g * x for g, x in zip(coefficients, region.center, strict=True))
    loss = region.loss(coefficients)
    fall = loss if region.norm == "1" else sqrt_lower(loss, 200)
    return coefficients, constant, constant + middle - fall

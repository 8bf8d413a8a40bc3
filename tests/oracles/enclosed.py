"""Leaves as they wait to be enclosed, and what their rule computes in fractions."""

from __future__ import annotations

from fractions import Fraction

from verifier.checker.enclosures import Rows

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
    """Coefficients of the inputs, constant, and least value on the box of the current branch."""
    form = checker.form(leaf, target)
    size, below = checker.scaled.denominator, form.denominator
    coefficients = [F(form.z.get(k, 0) * size, below) for k in range(checker.inputs)]
    constant = F(form.constant) / below
    low, high = checker.box()
    ends = zip(coefficients, low, high, strict=True)
    return coefficients, constant, constant + sum(g * (a if g > 0 else b) for g, a, b in ends)

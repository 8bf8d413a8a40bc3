"""The rows of a unit, in exact numbers: the only points are those of its ReLU."""

from __future__ import annotations

from fractions import Fraction

import pytest

from verifier.program.rows import Program, ProgramRow, add_l1_ball, add_unit

HALF = Fraction(1, 2)


def holds(row: ProgramRow, values: list[Fraction]) -> bool:
    left = sum((q * values[j] for j, q in row.terms.items()), Fraction(0))
    return {"L": left <= row.right, "G": left >= row.right, "E": left == row.right}[row.sense]


def outputs(bounds: tuple[int, int], x: Fraction, *, binary: bool) -> set[Fraction]:
    """The values of z that the rows allow at x, of a unit with the pre-activation 2 x - 1."""
    program = Program()
    program.variable("x", None, None)
    z = program.variable("z", Fraction(0), None)
    d = program.variable("d", Fraction(0), Fraction(1), integer=True) if binary else None
    pre = ({0: Fraction(2)}, Fraction(-1))
    add_unit(program, 0, pre, z, (Fraction(bounds[0]), Fraction(bounds[1])), binary=d)
    tried = [Fraction(k, 4) for k in range(40)]
    return {
        value
        for value in tried
        for phase in (0, 1)
        if all(holds(row, [x, value, Fraction(phase)]) for row in program.rows)
    }


@pytest.mark.parametrize(
    ("bounds", "binary"), [((-3, 5), True), ((1, 5), False), ((-3, 0), False), ((-1, 1), True)]
)
def test_the_rows_of_a_unit_say_what_it_does(bounds, binary):
    for k in range(-4, 13):
        x = Fraction(k, 4)
        a = 2 * x - 1
        expected = {max(a, Fraction(0))} if bounds[0] <= a <= bounds[1] else set()
        found = outputs(bounds, x, binary=binary)
        if expected:
            assert found == expected
        else:  # beyond the bounds nothing is promised, but never another value
            assert found <= {max(a, Fraction(0))}


def test_the_rows_of_a_ball_of_norm_one_hold_what_lies_in_it():
    program = Program()
    for k in range(2):
        program.variable(f"x{k}", None, None)
    add_l1_ball(program, range(2), [Fraction(1), Fraction(-1)], HALF)
    for x in (Fraction(1), Fraction(5, 4), Fraction(3, 2)):
        for y in (Fraction(-1), Fraction(-5, 4), Fraction(-3, 2)):
            away = [abs(x - 1), abs(y + 1)]
            inside = all(holds(row, [x, y, *away]) for row in program.rows)
            assert inside == (sum(away) <= HALF)

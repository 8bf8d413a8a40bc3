"""Whether the program in a VIPR certificate is the big-M program of a question.

The certificate proves something about its own program. Here that program is built again from the
query: variables, bounds and rows must be the same, exactly. Beyond them only three kinds of rows
are allowed, and each is checked: those of the binaries d_v of decided units, of fresh binaries e_n
(low_n and high_n, which every input of the box can satisfy), and cuts that hold on the whole ball.
"""

from __future__ import annotations

import re
from fractions import Fraction

from verifier.formats.vipr.check import Checker, Summary
from verifier.program.big_m import big_m, root_bounds
from verifier.program.rows import Program
from verifier.question.errors import RefusedError
from verifier.question.query import Query
from verifier.question.region import linear_minimum_holds

Row = tuple[dict[str, Fraction], str, Fraction]
_ONE = {"lb": ("G", Fraction(0)), "ub": ("L", Fraction(1))}


def check_vipr_of(text: str, query: Query, goal: int) -> Summary:
    """Returns what the certificate shows, which is that goal number `goal` of `query` is refuted.

    Raises RefusedError, naming the flaw, if it does not show that.
    """
    checker = Checker(text)
    summary = checker.run()
    rows = checker.program()
    integers = checker.integers()
    branched = [int(name[1:]) for name in integers if re.fullmatch(r"d[0-9]{1,9}", name)]
    if max(branched, default=0) >= max(query.network.units.count, 1):
        raise _another("a binary of a unit that does not exist")
    model = big_m(
        query,
        query.goals[goal],
        root_bounds(query),
        margin=False,
        branched=sorted(branched),
        box_of_ball=True,
    )
    program = model.program
    expected = _rows(program)
    for name, row in expected.items():
        if rows.pop(name, None) != row:
            raise _another(f"row {name} is missing or differs")
    own = {program.names[j] for j in program.integers}
    fresh = sorted(integers - own)
    extra = set(checker.names) - set(program.names)
    if not own <= integers or extra != set(fresh):
        raise _another("its variables differ")
    for name in fresh:
        _check_fresh(name, rows, query)
    inputs = {name: k for k, name in enumerate(program.names[: query.network.inputs])}
    for name, (terms, sense, right) in rows.items():
        gradient = {inputs[j]: q for j, q in terms.items() if j in inputs}
        if len(gradient) != len(terms) or sense != "G" or query.region.norm == "inf":
            raise _another(f"row {name} is not part of it")
        if not linear_minimum_holds(query.region, gradient, -right, False):
            raise RefusedError("wrong cut", f"row {name} does not hold on the whole ball")
    strict = model.margin is not None
    if summary.claim != ("the maximum is at most 0" if strict else "infeasible"):
        raise RefusedError("another claim", f"it shows: {summary.claim}")
    if strict and checker.objective() != ("max", {program.names[model.margin or 0]: Fraction(1)}):
        raise _another("its objective is not to maximise m")
    return summary


def _another(detail: str) -> RefusedError:
    return RefusedError("another program", detail)


def _rows(program: Program) -> dict[str, Row]:
    """The rows and bounds of a program under the names that a certificate gives them."""
    named: dict[str, Row] = {}
    for j, name in enumerate(program.names):
        for side, sense, bound in (("lb", "G", program.lower[j]), ("ub", "L", program.upper[j])):
            if bound is not None:
                named[f"{side}_{name}"] = ({name: Fraction(1)}, sense, bound)
    for row in program.rows:
        terms = {program.names[j]: q for j, q in row.terms.items()}
        named[row.name] = (terms, row.sense, row.right)
    return named


def _check_fresh(name: str, rows: dict[str, Row], query: Query) -> None:
    """Takes the rows of a fresh binary out of `rows`; every point of the box satisfies them for one
    value of the binary."""
    if not re.fullmatch(r"e[0-9]{1,9}", name):
        raise _another(f"binary {name} is not part of it")
    for side, (sense, bound) in _ONE.items():
        if rows.pop(f"{side}_{name}", None) != ({name: Fraction(1)}, sense, bound):
            raise _another(f"the bounds of {name} are not 0 and 1")
    low, high = (rows.pop(f"{side}{name[1:]}", None) for side in ("low", "high"))
    if low is None or high is None or (low[1], high[1]) != ("L", "G"):
        raise _another(f"the rows of binary {name}")
    reach_low, reach_high = -low[0].pop(name, Fraction(0)), -high[0].pop(name, Fraction(0))
    threshold = low[2]
    least = most = Fraction(0)
    region = query.region
    for variable, g in low[0].items():
        match = re.fullmatch(r"x([0-9]{1,9})", variable)
        if not match or int(match[1]) >= region.dimension:
            raise _another(f"binary {name} splits on {variable}")
        ends = (g * region.lower[int(match[1])], g * region.upper[int(match[1])])
        least, most = least + min(ends), most + max(ends)
    # e = 0: g x <= threshold and g x >= high[2]; e = 1: g x <= low + reach and g x >= threshold.
    if low[0] != high[0] or high[2] + reach_high != threshold:
        raise _another(f"the rows of binary {name} are not two sides of one split")
    if most > threshold + reach_low or least < high[2]:
        raise RefusedError("wrong split", f"the rows of binary {name} cut off points of the box")

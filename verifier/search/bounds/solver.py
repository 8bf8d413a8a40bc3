"""The only file that runs a solver and reads its status. What it says is a hint, never a fact."""

from __future__ import annotations

import contextlib
import ctypes
import math
import os
import sys
import warnings
from dataclasses import dataclass
from functools import cache
from typing import Any

import highspy
import numpy as np
import pulp
from highspy import HighsModelStatus
from numpy.typing import NDArray
from scipy import sparse

from verifier.program.rows import Program
from verifier.question.errors import UserError
from verifier.search.bounds.claims import Claim, Guess, SolverError
from verifier.search.bounds.floats import to_float
from verifier.search.bounds.models import to_highs, to_pulp
from verifier.search.clock import LateError, seconds_left
from verifier.search.options import MIP_SOLVERS, PULP_NAMES

Float = NDArray[np.float64]
ENDLESS = 2**31 - 1  # iterations: the solver's own limit
DROPPED = 1e-9  # HiGHS drops matrix entries up to this; they are dropped here, in the open


@cache
def _greeted() -> None:
    """Makes the first HiGHS of the process with file descriptor 1 redirected: since 1.16 the
    constructor prints a banner, whatever its options, and commands write JSON there."""
    sys.stdout.flush()
    with contextlib.suppress(OSError):  # no standard output to keep clean
        kept = os.dup(1)
        silent = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silent, 1)
        try:
            highspy.Highs()  # type: ignore[no-untyped-call]
            with contextlib.suppress(OSError, TypeError, AttributeError):
                ctypes.CDLL(None).fflush(None)
        finally:
            os.dup2(kept, 1)
            os.close(kept)
            os.close(silent)


def highs() -> Any:
    """A silent solver in one thread."""
    _greeted()
    made: Any = highspy.Highs()  # type: ignore[no-untyped-call]
    for option, value in (("output_flag", False), ("threads", 1), ("random_seed", 0)):
        made.setOptionValue(option, value)
    return made


@dataclass(frozen=True, slots=True)
class Answer:
    """columns: an optimum, None if the program seems infeasible. rows, reduced: duals of rows and
    reduced costs of columns, those of a Farkas ray if infeasible."""

    columns: Float | None
    rows: Float
    reduced: Float


_SOLVED = {HighsModelStatus.kOptimal: True, HighsModelStatus.kInfeasible: False}


class LinearProgram:
    """minimise cost . x with lower <= x <= upper and rows in between."""

    def __init__(self, lower: Float, upper: Float, cost: Float) -> None:
        self._lower, self._upper, self._cost = lower, upper, cost
        self._blocks: list[tuple[Any, Float, Float]] = []
        self._appended: list[tuple[NDArray[np.intp], Float]] = []
        self._highs = highs()
        self._highs.setOptionValue("presolve", "off")
        self._highs.setOptionValue("solver", "simplex")

    @property
    def width(self) -> int:
        return len(self._cost)

    def add_rows(self, matrix: Any, lower: Float, upper: Float) -> None:
        """Rows lower <= matrix . x <= upper, dense or sparse; narrower than the program means zeros
        to the right."""
        block: Any = sparse.csr_array(matrix)
        block.data[np.abs(block.data) <= DROPPED] = 0
        block.eliminate_zeros()
        self._blocks.append((block, lower, upper))

    def add_columns(self, lower: Float, upper: Float) -> None:
        """Columns of cost 0 at the right."""
        self._lower = np.concatenate([self._lower, lower])
        self._upper = np.concatenate([self._upper, upper])
        self._cost = np.concatenate([self._cost, np.zeros(len(lower))])

    def start(self) -> None:
        """Hands the program to the solver; from here on bounds change, rows are appended."""
        width = self.width
        for block, _, _ in self._blocks:
            block.resize((block.shape[0], width))
        blocks: list[Any] = [block for block, _, _ in self._blocks]
        joined = _stack(blocks)
        self._matrix = sparse.csr_array(joined)
        self._matrix.sort_indices()
        program = highspy.HighsLp()
        program.num_col_, program.num_row_ = width, self._matrix.shape[0]
        program.col_cost_, program.col_lower_, program.col_upper_ = (
            self._cost,
            self._lower,
            self._upper,
        )
        program.row_lower_ = np.concatenate([low for _, low, _ in self._blocks])
        program.row_upper_ = np.concatenate([high for _, _, high in self._blocks])
        program.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
        program.a_matrix_.start_ = self._matrix.indptr
        program.a_matrix_.index_ = self._matrix.indices
        program.a_matrix_.value_ = self._matrix.data
        self._highs.passModel(program)

    def append_row(self, row: Float, lower: float, upper: float) -> None:
        """One more row, after `start`."""
        columns = np.flatnonzero(np.abs(row) > DROPPED)
        self._highs.addRow(lower, upper, len(columns), columns.astype(np.int32), row[columns])
        self._appended.append((columns, row[columns]))

    def delete_rows(self, rows: list[int]) -> None:
        """Without these rows, after `start`; those behind them move up."""
        self._highs.deleteRows(len(rows), np.array(rows, dtype=np.int32))
        matrix = self._rows()
        kept = np.ones(matrix.shape[0], dtype=bool)
        kept[rows] = False
        self._matrix = matrix[kept]

    def _rows(self) -> Any:
        """The matrix with all rows; those that were appended are joined where it is needed."""
        if self._appended:
            columns = np.concatenate([where for where, _ in self._appended])
            values = np.concatenate([some for _, some in self._appended])
            ends = np.cumsum([0, *(len(where) for where, _ in self._appended)])
            shape = len(self._appended), self.width
            new = sparse.csr_array((values, columns, ends), shape=shape)
            self._matrix, self._appended = sparse.csr_array(_stack([self._matrix, new])), []
        return self._matrix

    def set_column(self, column: int, lower: float, upper: float) -> None:
        self._highs.changeColBounds(column, lower, upper)

    def set_row(self, row: int, lower: float, upper: float) -> None:
        self._highs.changeRowBounds(row, lower, upper)

    @property
    def entries(self) -> int:
        """How many coefficients are not zero, after `start`."""
        return int(self._rows().nnz)

    @property
    def iterations(self) -> int:
        """How many the last run took."""
        return int(self._highs.getInfo().simplex_iteration_count)

    def ends_within(self, iterations: int) -> bool:
        """Whether a run of so many iterations at most, from the last basis, comes to an answer."""
        self._highs.setOptionValue("simplex_iteration_limit", min(iterations, ENDLESS))
        try:
            return self._run() in _SOLVED
        finally:
            self._highs.setOptionValue("simplex_iteration_limit", ENDLESS)

    def solve(self) -> Answer:
        """The answer from the last basis; raises SolverError for an unexpected status, LateError
        where the time of the query ends before there is one."""
        status = self._run()
        if status not in _SOLVED:  # once more from scratch, and then with presolve
            for presolve in ("off", "on"):
                self._highs.clearSolver()
                self._highs.setOptionValue("presolve", presolve)
                status = self._run()
                self._highs.setOptionValue("presolve", "off")
                if status in _SOLVED:
                    break
        if status not in _SOLVED:
            raise SolverError(f"linear program: {self._highs.modelStatusToString(status)}")
        if _SOLVED[status]:
            solution = self._highs.getSolution()
            return Answer(
                np.array(solution.col_value),
                np.array(solution.row_dual),
                np.array(solution.col_dual),
            )
        ray = self._ray()
        return Answer(None, ray, -(self._rows().T @ ray))

    def _run(self) -> Any:
        """The status after a run in the time that is left."""
        left = seconds_left()
        # The limit of HiGHS is about all runs of one solver together.
        self._highs.setOptionValue(
            "time_limit", math.inf if left is None else self._highs.getRunTime() + left
        )
        self._highs.run()
        status = self._highs.getModelStatus()
        if status == HighsModelStatus.kTimeLimit:
            raise LateError
        return status

    def _ray(self) -> Float:
        """A Farkas ray scaled to size one, zeros where the solver has none."""
        _, exists, ray = self._highs.getDualRay()
        values = np.array(ray) if exists else np.zeros(self._rows().shape[0])
        largest = np.abs(values).max(initial=0.0)
        result: Float = values / largest if largest > 0 else values
        return result


_stack: Any = sparse.vstack


def vertex(objective: Float, rows: Float, offsets: Float) -> list[int] | None:
    """About the vertex at which objective . v is greatest subject to rows . v >= offsets: the rows
    that are active there, as many as there are columns; None if the solver finds no such vertex."""
    solver = highs()
    solver.setOptionValue("solver", "simplex")
    count, width = rows.shape
    matrix = np.where(np.abs(rows) <= DROPPED, 0, rows)
    at, columns = np.nonzero(matrix)
    program = highspy.HighsLp()
    program.num_col_, program.num_row_ = width, count
    program.col_cost_ = -objective
    program.col_lower_, program.col_upper_ = np.full(width, -np.inf), np.full(width, np.inf)
    program.row_lower_, program.row_upper_ = offsets, np.full(count, np.inf)
    program.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    program.a_matrix_.start_ = np.searchsorted(at, np.arange(count + 1))
    program.a_matrix_.index_, program.a_matrix_.value_ = columns, matrix[at, columns]
    solver.passModel(program)
    left = seconds_left()
    if left is not None:
        solver.setOptionValue("time_limit", left)
    solver.run()
    if solver.getModelStatus() != HighsModelStatus.kOptimal:
        return None
    statuses = solver.getBasis().row_status
    active = [i for i, s in enumerate(statuses) if s == highspy.HighsBasisStatus.kLower]
    return active if len(active) == width else None


_HIGHS_CLAIMS = {
    HighsModelStatus.kOptimal: Claim.OPTIMAL,
    HighsModelStatus.kObjectiveTarget: Claim.OPTIMAL,  # as good as one
    HighsModelStatus.kInfeasible: Claim.INFEASIBLE,
    HighsModelStatus.kTimeLimit: Claim.STOPPED,
    HighsModelStatus.kIterationLimit: Claim.STOPPED,
    HighsModelStatus.kSolutionLimit: Claim.STOPPED,
    HighsModelStatus.kInterrupt: Claim.STOPPED,
    HighsModelStatus.kUnknown: Claim.STOPPED,
}
# By PuLP's status and solution status; not for HiGHS, whose time-outs PuLP calls optimal.
_PULP_CLAIMS = {
    ("Optimal", "Optimal Solution Found"): Claim.OPTIMAL,
    ("Optimal", "Solution Found"): Claim.STOPPED,
    ("Infeasible", "No Solution Exists"): Claim.INFEASIBLE,
    ("Infeasible", "No Solution Found"): Claim.INFEASIBLE,
    ("Not Solved", "Solution Found"): Claim.STOPPED,
    ("Not Solved", "No Solution Found"): Claim.STOPPED,
}
# The same of PuLP 4, by why the solver stopped and whether it has a point.
_PULP_4_CLAIMS = {
    ("Optimal", True): Claim.OPTIMAL,
    ("Infeasible", False): Claim.INFEASIBLE,
    ("GapLimit", True): Claim.OPTIMAL,  # within its tolerance, as CBC says of most optima
    ("GapLimit", False): Claim.STOPPED,
    **{
        (stopped, has_point): Claim.STOPPED
        for stopped in ("NotSolved", "TimeLimit", "NodeLimit", "MemoryLimit", "IterationLimit",
                        "SolutionLimit", "Interrupted", "Stopped")
        for has_point in (False, True)
    },
}  # fmt: skip


def _claim_of(model: Any, status: Any) -> Claim:
    """What PuLP's `solve` returned, which is a number before PuLP 4, means; SolverError if no rule
    expects it."""
    if hasattr(status, "has_solution"):
        stopped = status.status.name, bool(status.has_solution)
        if stopped in _PULP_4_CLAIMS:
            return _PULP_4_CLAIMS[stopped]
        raise SolverError(f"status {stopped[0]}, {'a' if stopped[1] else 'no'} solution")
    words = (
        pulp.LpStatus.get(status, status),
        pulp.LpSolution.get(model.sol_status, model.sol_status),
    )
    if words not in _PULP_CLAIMS:
        raise SolverError(f"status {words[0]}, {words[1]}")
    return _PULP_CLAIMS[words]


def solve_mip(
    program: Program, solver: str, seconds: float | None = None, *, target: float | None = None
) -> Guess:
    """What `solver`, one of MIP_SOLVERS, says about the program. A point whose objective is at
    least `target` is as good as an optimum; HiGHS then stops.

    Raises UserError for a solver that is not known or not installed, SolverError for one that fails
    or has a status that no rule expects.
    """
    if solver == "highs":
        return _solve_with_highs(program, seconds, target)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of names that PuLP 4 will change
        found = _of_pulp(solver, seconds)
        model = to_pulp(program)
        try:
            status = model.solve(found)
        except (pulp.PulpError, OSError, ValueError) as error:
            text = str(error).strip().split("\n")[-1][:200]
            raise SolverError(text or type(error).__name__) from error
    claim = _claim_of(model, status)
    found = {variable.name: variable.varValue for variable in model.variables()}
    values = {name: value for name, value in found.items() if value is not None}
    # PuLP leaves out columns that no row reads, or their values; any place within their bounds
    # will do.
    columns = [
        values.get(name, min(max(0.0, -math.inf if low is None else to_float(low)),
                             math.inf if high is None else to_float(high)))
        for name, low, high in zip(program.names, program.lower, program.upper, strict=True)
    ]  # fmt: skip
    known = claim is not Claim.INFEASIBLE and bool(values)
    bound = pulp.value(model.objective) if known and claim is Claim.OPTIMAL else None
    return Guess(claim, np.array(columns, dtype=float) if known else None, bound)


def require_solver(solver: str) -> None:
    """Raises UserError if this one of MIP_SOLVERS is not there."""
    if solver != "highs":
        _of_pulp(solver, None)


def _of_pulp(solver: str, seconds: float | None) -> Any:
    """The solver by its first class of PuLP that is available."""
    if solver not in PULP_NAMES:
        raise UserError(f"MILP solver {solver!r} is not one of {', '.join(MIP_SOLVERS)}")
    there = set(pulp.listSolvers())  # which classes there are depends on the version
    for name in PULP_NAMES[solver]:
        if name not in there:
            continue
        found = pulp.getSolver(name, msg=False, timeLimit=seconds)
        if found.available():
            return found
    raise UserError(f"MILP solver {solver!r} is not installed: PuLP does not find it")


def _solve_with_highs(program: Program, seconds: float | None, target: float | None) -> Guess:
    model = highs()
    model.setOptionValue("mip_rel_gap", 0.0)
    if seconds is not None:
        model.setOptionValue("time_limit", seconds)
    if target is not None:
        model.setOptionValue("objective_target", -target)
    if model.passModel(to_highs(program)) == highspy.HighsStatus.kError:
        raise SolverError("it does not take the program: its numbers are too large")
    model.run()
    status = model.getModelStatus()
    if status not in _HIGHS_CLAIMS:
        raise SolverError(f"status {model.modelStatusToString(status)}")
    solution, info = model.getSolution(), model.getInfo()
    feasible = info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible
    bound = -info.mip_dual_bound if program.integers else -info.objective_function_value
    known = _HIGHS_CLAIMS[status] is not Claim.INFEASIBLE and math.isfinite(bound)
    if not program.integers and _HIGHS_CLAIMS[status] is not Claim.OPTIMAL:
        known = False
    return Guess(
        _HIGHS_CLAIMS[status],
        np.array(solution.col_value) if feasible else None,
        bound if known else None,
    )

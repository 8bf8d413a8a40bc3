"""The only file that runs a solver and reads its status. What it says is a hint, never a fact."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import highspy
import numpy as np
from highspy import HighsModelStatus
from numpy.typing import NDArray

Float = NDArray[np.float64]
DROPPED = 1e-9  # HiGHS drops matrix entries up to this; they are dropped here, in the open


class SolverError(RuntimeError):
    """The solver answered with a status that no rule expects."""


@dataclass(frozen=True, slots=True)
class Answer:
    """columns: an optimum, None if the program seems infeasible. rows, reduced: duals of rows and
    reduced costs of columns, those of a Farkas ray if infeasible."""

    columns: Float | None
    rows: Float
    reduced: Float


_SOLVED = {HighsModelStatus.kOptimal: True, HighsModelStatus.kInfeasible: False}


class LinearProgram:
    """minimise cost . x with lower <= x <= upper and rows in between; dense while it is built."""

    def __init__(self, lower: Float, upper: Float, cost: Float) -> None:
        self._lower, self._upper, self._cost = lower, upper, cost
        self._blocks: list[tuple[Float, Float, Float]] = []
        self._highs: Any = highspy.Highs()  # type: ignore[no-untyped-call]
        for option, value in (
            ("output_flag", False),
            ("threads", 1),
            ("presolve", "off"),
            ("solver", "simplex"),
            ("random_seed", 0),
        ):
            self._highs.setOptionValue(option, value)

    @property
    def width(self) -> int:
        return len(self._cost)

    def add_rows(self, matrix: Float, lower: Float, upper: Float) -> None:
        """Rows lower <= matrix . x <= upper; narrower than the program means zeros to the right."""
        self._blocks.append((matrix, lower, upper))

    def add_columns(self, lower: Float, upper: Float) -> None:
        """Columns of cost 0 at the right."""
        self._lower = np.concatenate([self._lower, lower])
        self._upper = np.concatenate([self._upper, upper])
        self._cost = np.concatenate([self._cost, np.zeros(len(lower))])

    def start(self) -> None:
        """Hands the program to the solver; from here on bounds change, rows are appended."""
        width = self.width
        matrix = np.vstack(
            [np.pad(block, ((0, 0), (0, width - block.shape[1]))) for block, _, _ in self._blocks]
        )
        matrix[np.abs(matrix) <= DROPPED] = 0
        self._matrix = matrix
        rows, columns = np.nonzero(matrix)
        program = highspy.HighsLp()
        program.num_col_, program.num_row_ = width, len(matrix)
        program.col_cost_, program.col_lower_, program.col_upper_ = (
            self._cost,
            self._lower,
            self._upper,
        )
        program.row_lower_ = np.concatenate([low for _, low, _ in self._blocks])
        program.row_upper_ = np.concatenate([high for _, _, high in self._blocks])
        program.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
        program.a_matrix_.start_ = np.searchsorted(rows, np.arange(len(matrix) + 1))
        program.a_matrix_.index_ = columns
        program.a_matrix_.value_ = matrix[rows, columns]
        self._highs.passModel(program)

    def append_row(self, row: Float, lower: float, upper: float) -> None:
        """One more row, after `start`."""
        columns = np.flatnonzero(np.abs(row) > DROPPED)
        self._highs.addRow(lower, upper, len(columns), columns.astype(np.int32), row[columns])
        kept = np.zeros(self.width)
        kept[columns] = row[columns]
        self._matrix = np.vstack([self._matrix, kept])

    def set_column(self, column: int, lower: float, upper: float) -> None:
        self._highs.changeColBounds(column, lower, upper)

    def set_row(self, row: int, lower: float, upper: float) -> None:
        self._highs.changeRowBounds(row, lower, upper)

    def solve(self) -> Answer:
        """The answer from the last basis; raises SolverError for an unexpected status."""
        self._highs.run()
        status = self._highs.getModelStatus()
        if status not in _SOLVED:  # once more from scratch, and then with presolve
            for presolve in ("off", "on"):
                self._highs.clearSolver()
                self._highs.setOptionValue("presolve", presolve)
                self._highs.run()
                self._highs.setOptionValue("presolve", "off")
                status = self._highs.getModelStatus()
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
        return Answer(None, ray, -(ray @ self._matrix))

    def _ray(self) -> Float:
        """A Farkas ray scaled to size one, zeros where the solver has none."""
        _, exists, ray = self._highs.getDualRay()
        values = np.array(ray) if exists else np.zeros(len(self._matrix))
        largest = np.abs(values).max(initial=0.0)
        result: Float = values / largest if largest > 0 else values
        return result

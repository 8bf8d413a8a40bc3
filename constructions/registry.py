"""All constructions by name, with one signature."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol

from constructions import cubes
from constructions.construction import Construction, Norm
from constructions.hypotheses import budget_of_ratio, power_separation
from verifier.dataset import Dataset
from verifier.errors import UserError


class Builder(Protocol):
    """Builds a construction, or raises UserError that names the violated hypothesis.

    `separation` is what `power_separation` says for the construction's norm, if the caller has it.
    """

    def __call__(
        self,
        dataset: Dataset,
        budget: Fraction,
        *,
        seed: int = 0,
        separation: Fraction | None = None,
    ) -> Construction: ...


@dataclass(frozen=True, slots=True)
class Entry:
    """A construction that can be asked for by name.

    `robust` is false for the controls, which answer the samples alone.
    """

    name: str
    norm: Norm
    summary: str
    source: str
    builder: Builder
    robust: bool = True


_ENTRIES = (
    Entry("linf", "inf", "running max over samples", cubes.SOURCE, cubes.sequential),
    Entry("linf-pipelined", "inf", "the same, a layer a sample", cubes.SOURCE, cubes.pipelined),
    Entry("linf-parallel", "inf", "the same, all samples at once", cubes.SOURCE, cubes.parallel),
)
REGISTRY: dict[str, Entry] = {entry.name: entry for entry in _ENTRIES}


def entry_of(name: str) -> Entry:
    """The construction of that name; raises UserError that lists the known names."""
    if name not in REGISTRY:
        raise UserError(f"no construction {name!r}; there are {', '.join(REGISTRY)}")
    return REGISTRY[name]


def build(
    name: str,
    dataset: Dataset,
    *,
    ratio: Fraction | None = None,
    budget: Fraction | None = None,
    seed: int = 0,
    separation: Fraction | None = None,
) -> Construction:
    """The named construction for a budget, or for ratio = budget / (separation / 2).

    Raises UserError for an unknown name, unless exactly one of ratio and budget is given, and
    whatever the construction raises.
    """
    entry = entry_of(name)
    if (ratio is None) == (budget is None):
        raise UserError("give either a ratio or a budget")
    if budget is None and ratio is not None:
        if separation is None:
            separation = power_separation(dataset, entry.norm)
        budget = budget_of_ratio(ratio, separation, entry.norm)
    if budget is None:
        raise UserError("give either a ratio or a budget")
    return entry.builder(dataset, budget, seed=seed, separation=separation)

"""All constructions by name, with one signature."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from typing import Any

from constructions import (
    cones,
    cross_polytopes,
    cubes,
    halfspaces,
    large_ratio,
    moderate_ratio,
    power_interpolant,
    power_products,
    projected_keys,
    projection,
    sawtooth,
    serial,
    small_ratio,
)
from constructions.construction import Construction
from constructions.hypotheses import budget_of_ratio, power_separation
from verifier.data.dataset import Dataset
from verifier.question.errors import UserError
from verifier.question.region import Norm

Builder = Callable[..., Construction]
"""builder(dataset, budget, *, seed=0, separation=None, **options) -> Construction.

It raises UserError that names the violated hypothesis. `separation` is what `power_separation` says
for the construction's norm, if the caller has it.
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """A construction that can be asked for by name.

    `robust` is false for the controls, which answer the samples alone, and for networks that may
    err on a share of each ball. `options` are the names of further arguments of the builder.
    """

    name: str
    norm: Norm
    summary: str
    source: str
    builder: Builder
    robust: bool = True
    options: tuple[str, ...] = ()


_SERIAL_NORMS: tuple[Norm, ...] = ("inf", "1", "2")
_ENTRIES = (
    Entry("linf", "inf", "running max over samples", cubes.SOURCE, cubes.sequential),
    Entry("linf-pipelined", "inf", "linf, one layer a sample", cubes.SOURCE, cubes.pipelined),
    Entry("linf-parallel", "inf", "linf, all samples at once", cubes.SOURCE, cubes.parallel),
    Entry("lipschitz", "inf", "least Lipschitz constant", cones.SOURCE, cones.sequential),
    Entry("lipschitz-parallel", "inf", "the same, all at once", cones.SOURCE, cones.parallel),
    Entry("lipschitz-ovr", "inf", "one output a class", cones.SOURCE, cones.one_against_rest),
    Entry("l1", "1", "running max", cross_polytopes.SOURCE, cross_polytopes.sequential),
    Entry(
        "l1-parallel", "1", "all samples at once", cross_polytopes.SOURCE, cross_polytopes.parallel
    ),
    Entry("l2", "2", "running max, sawtooth squares", sawtooth.SOURCE, sawtooth.sequential),
    Entry("l2-parallel", "2", "l2, all samples at once", sawtooth.SOURCE, sawtooth.parallel),
    *(
        Entry(
            f"l{norm}-halfspaces",
            norm,
            "one half-space for several rivals, all samples at once",
            halfspaces.SOURCE,
            partial(halfspaces.halfspaces, norm=norm),
        )
        for norm in halfspaces.NORMS
    ),
    *(
        Entry(
            f"l{p}-shallow",
            str(p),
            "piecewise linear powers, all samples at once",
            power_interpolant.SOURCE,
            partial(power_interpolant.shallow, exponent=p),
        )
        for p in (2, 3, 4)
    ),
    *(
        Entry(
            f"l{p}-deep",
            str(p),
            "powers by products",
            power_products.SOURCE,
            partial(power_products.deep, exponent=p),
        )
        for p in (3, 4)
    ),
    *(
        Entry(
            f"l{norm}-serial",
            norm,
            "width n + 4, a coordinate at a time",
            serial.SOURCE,
            partial(serial.serial, norm=norm),
        )
        for norm in _SERIAL_NORMS
    ),
    Entry(
        "narrow-l2",
        "2",
        "width k + 4 behind a projection",
        projection.SOURCE,
        partial(projection.narrow, norm="2"),
        options=("rank", "kind", "tries"),
    ),
    Entry(
        "narrow-linf",
        "inf",
        "width k + 4 behind a projection",
        projection.SOURCE,
        partial(projection.narrow, norm="inf"),
        options=("rank", "kind", "tries"),
    ),
    Entry(
        "small-rho",
        "2",
        "about sqrt(N) parameters",
        small_ratio.SOURCE,
        small_ratio.small,
        options=("rank", "kind", "slots", "flatten", "floor", "reader", "serial"),
    ),
    Entry(
        "moderate-rho",
        "2",
        "right but for a share of each ball",
        moderate_ratio.SOURCE,
        moderate_ratio.moderate,
        robust=False,
        options=("error", "rank", "kind", "slots"),
    ),
    Entry(
        "large-rho",
        "2",
        "l2 behind a projection where that pays",
        large_ratio.SOURCE,
        large_ratio.large,
        options=("rank", "kind"),
    ),
    Entry(
        "vardi",
        "2",
        "control: right at the samples alone, about sqrt(N) parameters",
        projected_keys.VARDI,
        projected_keys.square_root,
        robust=False,
        options=("slots", "reader"),
    ),
    Entry(
        "park",
        "2",
        "control: right at the samples alone, about N^(2/3) parameters",
        projected_keys.PARK,
        projected_keys.two_thirds,
        robust=False,
        options=("reader",),
    ),
)
REGISTRY: dict[str, Entry] = {entry.name: entry for entry in _ENTRIES}


def entry_of(name: str) -> Entry:
    """The construction of that name; raises UserError that lists the known names."""
    if not isinstance(name, str) or name not in REGISTRY:
        shown = repr(name) if isinstance(name, str) else f"of type {type(name).__name__}"
        near = name.lower() if isinstance(name, str) else ""
        if near in REGISTRY:
            raise UserError(f"no construction {shown}; it is called {near}")
        raise UserError(f"no construction {shown}; there are {', '.join(REGISTRY)}")
    return REGISTRY[name]


def build(
    name: str,
    dataset: Dataset,
    *,
    ratio: Fraction | None = None,
    budget: Fraction | None = None,
    seed: int = 0,
    separation: Fraction | None = None,
    options: Mapping[str, Any] | None = None,
) -> Construction:
    """The named construction for a budget, or for ratio = budget / (separation / 2).

    `separation` is what `power_separation` says for the construction's norm, if the caller has it.

    Raises UserError for an unknown name or option, unless exactly one of ratio and budget is
    given, and whatever the construction raises.
    """
    entry = entry_of(name)
    for option in options or {}:
        if option not in entry.options:
            known = f"; its options are {', '.join(entry.options)}" if entry.options else ""
            raise UserError(f"construction {name} has no option {option!r}{known}")
    if (ratio is None) == (budget is None):
        raise UserError("give either a ratio or a budget")
    if budget is None and ratio is not None:
        if separation is None:
            separation = power_separation(dataset, entry.norm)
        budget = budget_of_ratio(ratio, separation, entry.norm)
    if budget is None:
        raise UserError("give either a ratio or a budget")
    return entry.builder(dataset, budget, seed=seed, separation=separation, **(options or {}))

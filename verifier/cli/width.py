"""`robmem width`: how large a robust memorizer must be, beside how large the constructions are."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from verifier.cli.options import BASIC_NORM, columns, number, table_options

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from fractions import Fraction

    from constructions.lower_bounds import Bound
    from verifier.data.dataset import Dataset
    from verifier.data.layout import Layout


@click.command(
    name="width",
    epilog="Example: robmem width digits --norm 2 --ratio 99/100",
    short_help="Show proved lower bounds on robust memorizers of a data set.",
)
@click.argument("spec", default="digits", metavar="[DATA]")
@table_options
@click.option(
    "--norm",
    type=BASIC_NORM,
    default="2",
    show_default=True,
    help="Of the balls.",
)
@click.option("--ratio", metavar="Q", help="budget / (separation / 2).  [default: 99/100]")
@click.option("--budget", metavar="Q", help="The radius of the balls, instead of --ratio.")
@click.option("--samples", metavar="A:B", help="Take the samples A..B-1 alone.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=2_000_000,
    show_default=True,
    help="Most weights of a construction that is built for the comparison.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(
    spec: str,
    layout: Layout,
    norm: Any,
    ratio: str | None,
    budget: str | None,
    samples: str | None,
    seed: int,
    limit: int,
    as_json: bool,
) -> int:
    """Show what every robust memorizer of DATA needs, and what each construction uses.

    A bound is for the data at hand, or for the worst data of the same size and ratio, as
    it says; the latter need not hold of DATA.
    """
    from constructions.hypotheses import budget_of_ratio, check_budget, power_separation
    from constructions.lower_bounds import lower_bounds
    from verifier.cli.construct import load_samples
    from verifier.question.errors import UserError
    from verifier.question.rational import format_rational

    if ratio is not None and budget is not None:
        raise UserError("give either --ratio or --budget, not both")
    dataset = load_samples(spec, layout, samples)
    power = power_separation(dataset, norm)
    if budget is not None:
        exact = number("--budget", budget)
    else:
        exact = budget_of_ratio(number("--ratio", ratio or "99/100"), power, norm)
    check_budget(dataset, norm, exact, power)
    bounds = lower_bounds(dataset, norm, exact, power)
    used = _used(dataset, norm, exact, seed, limit)
    if as_json:
        facts = {"data": dataset.name, "norm": norm, "budget": format_rational(exact)}
        print(json.dumps(facts | {"bounds": [*map(_entry, bounds)], "constructions": used}))
    else:
        print(f"{dataset.name}: L{norm} balls of radius {format_rational(exact)}\n")
        print(_bounds(bounds) + "\n\n" + _sizes(used))
    return 0


def _used(
    dataset: Dataset, norm: Any, budget: Fraction, seed: int, limit: int
) -> list[dict[str, Any]]:
    """What each construction for this norm needs, or the reason why it does not apply."""
    from constructions.collisions import first_layer_rank
    from constructions.comparison import compare

    used = []
    for compared in compare(dataset, budget=budget, seed=seed, limit=limit, norm=norm):
        facts: dict[str, Any] = {"construction": compared.entry.name, "reason": compared.reason}
        if compared.construction is not None:
            network = compared.construction.network
            facts |= {
                "first_layer": network.layers[0],
                "first_layer_rank": first_layer_rank(network),
                "width": network.width,
                "depth": network.depth,
                "nonzero": network.nonzero_parameters,
            }
        used.append(facts)
    return used


def _entry(bound: Bound) -> dict[str, Any]:
    return {
        "quantity": bound.quantity,
        "at_least": bound.value,
        "scope": bound.scope,
        "statement": bound.statement,
        "source": bound.source,
    }


def _bounds(bounds: Sequence[Bound]) -> str:
    if not bounds:
        return "no lower bound is known for this norm and budget"
    rows: list[tuple[str, ...]] = [("lower bound on", "at least", "for", "statement", "source")]
    for bound in bounds:
        value = "-" if bound.value is None else str(bound.value)
        rows.append((bound.quantity, value, bound.scope, bound.statement, bound.source))
    return columns(rows)


def _sizes(used: Sequence[Mapping[str, Any]]) -> str:
    names = ("construction", "first_layer", "first_layer_rank", "width", "depth", "nonzero")
    rows: list[tuple[str, ...]] = [
        ("construction", "first layer", "its rank", "width", "depth", "nonzero")
    ]
    rows += [tuple(str(facts[name]) for name in names) for facts in used if not facts["reason"]]
    reasons = [f"{facts['construction']}: {facts['reason']}" for facts in used if facts["reason"]]
    return "\n".join([columns(rows), *reasons])

"""All constructions of one data set side by side: what they promise, what they have."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from constructions.construction import Construction, actual_sizes, broken_promises
from constructions.hypotheses import power_separation
from constructions.registry import REGISTRY, Entry, build
from constructions.rows import at_most_weights
from verifier.data.dataset import Dataset
from verifier.question.errors import UserError
from verifier.question.rational import format_rational
from verifier.question.region import Norm


@dataclass(frozen=True, slots=True)
class Compared:
    """A construction that was built, or the reason why it was not."""

    entry: Entry
    construction: Construction | None
    reason: str | None


def compare(
    dataset: Dataset,
    *,
    ratio: Fraction | None = None,
    budget: Fraction | None = None,
    seed: int = 0,
    limit: int = 10_000_000,
    norm: Norm | None = None,
) -> Iterator[Compared]:
    """Every construction of the registry, or of one norm, for this data set, in its order.

    With a ratio, each norm has its own budget. A network of more than `limit` weights is not
    built, and a UserError of a construction is its reason for not applying.
    """
    separations: dict[Norm, Fraction] = {}
    for entry in REGISTRY.values():
        if norm is not None and entry.norm != norm:
            continue
        try:
            if entry.norm not in separations:
                separations[entry.norm] = power_separation(dataset, entry.norm)
            with at_most_weights(limit):
                construction = build(
                    entry.name,
                    dataset,
                    ratio=ratio,
                    budget=budget,
                    seed=seed,
                    separation=separations[entry.norm],
                )
        except UserError as error:
            yield Compared(entry, None, str(error))
        else:
            yield Compared(entry, construction, None)


def described(construction: Construction) -> dict[str, Any]:
    """The construction as JSON values: exact numbers as text, promised and actual sizes."""
    promises = construction.promises
    actual = actual_sizes(construction.network)
    promised = promises.sizes()
    return {
        "construction": construction.name,
        "source": promises.source,
        "norm": str(construction.norm),
        "budget": format_rational(construction.budget),
        "budget_below": None
        if promises.budget_below is None
        else format_rational(promises.budget_below),
        "decoder": construction.decoder,
        "robust": construction.robust,
        "lipschitz": None if promises.lipschitz is None else format_rational(promises.lipschitz),
        "sizes": {
            name: {
                "actual": value,
                "promised": promised[name].value if name in promised else None,
                "relation": None if name not in promised else "=" if promised[name].exact else "<=",
                "formula": promised[name].formula if name in promised else None,
            }
            for name, value in actual.items()
        },
        "broken_promises": list(broken_promises(construction)),
        "notes": list(construction.notes),
        "network": construction.network.digest,
    }

"""Questions of `robmem certify` about every ball of an interval of radii."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from verifier.question.errors import UserError

if TYPE_CHECKING:
    from constructions.family import Family
    from verifier.checker.manifest import Question
    from verifier.cli.certify import _Options
    from verifier.data.dataset import Dataset
    from verifier.question.network import Network

Asked = tuple["Network", "Question", dict[str, Any]]


def every_budget(options: _Options, dataset: Dataset) -> Asked:
    """The family of a construction, the question about all of its budgets, and why they end."""
    from constructions.families import UP_TO, family_of
    from verifier.cli.options import number

    if not options.every_budget:
        raise UserError("--from is for --every-budget")
    if options.open:
        raise UserError("give either --every-budget or --open, not both")
    name, least = options.name or "linf", Fraction(0)
    if options.from_budget is not None:
        least = number("--from", options.from_budget)
    if name in UP_TO:
        return _up_to(options, dataset, name, least)
    given = {"network": options.file, "radius": options.radius}
    unprojected = name == "narrow-linf" and options.rank == dataset.dimension
    if name == "narrow-linf" and options.rank is not None and not unprojected:
        raise UserError(
            f"--every-budget: the family of narrow-linf is that with --rank {dataset.dimension}, "
            f"which projects nothing; a projected test depends on mu otherwise"
        )
    _refuse("--every-budget", options, {**given, "kind": options.kind}, projected=unprojected)
    return _asked(dataset, name, family_of(dataset, name), least)


def _up_to(options: _Options, dataset: Dataset, name: str, least: Fraction) -> Asked:
    """The same for a construction whose family ends at a largest budget, which it is built for."""
    from constructions.families import family_up_to
    from constructions.hypotheses import budget_of_ratio, power_separation
    from constructions.registry import entry_of
    from verifier.checker.manifest import Question
    from verifier.cli.options import number
    from verifier.question.rational import format_rational

    given = {"network": options.file, "radius": options.radius}
    projected = name == "narrow-l2"
    _refuse("--every-budget", options, given, sized=True, projected=projected)
    if options.budget is None and options.ratio is None:
        raise UserError(
            f"--every-budget: the family of {name} ends at a largest budget, which its weights are "
            f"chosen for: give --budget or --ratio"
        )
    norm = entry_of(name).norm
    power = power_separation(dataset, norm)
    if options.budget is not None:
        budget = number("--budget", options.budget)
    else:
        budget = budget_of_ratio(number("--ratio", options.ratio or ""), power, norm)
    family = family_up_to(
        dataset, name, budget, seed=options.seed, separation=power, rank=options.rank,
        kind=options.kind or "rounded",
    )  # fmt: skip
    about = {"construction": name, "source": entry_of(name).source}
    about["largest_budget"] = format_rational(budget)
    return family.network, Question(norm, "value", family=family.terms(least)), about


def open_balls_of_construction(options: _Options, dataset: Dataset) -> Asked:
    """The open balls of half the separation, about a construction that does not depend on mu."""
    from constructions.families import WITHOUT_BUDGET, family_of

    _refuse("--open", options, {"radius": options.radius})
    name = options.name or "lipschitz-ovr"
    if name not in WITHOUT_BUDGET:
        raise UserError(
            f"--open: the network of {name} depends on the budget; --open is for "
            f"{', '.join(WITHOUT_BUDGET)} or a --network, --every-budget for the others"
        )
    return _asked(dataset, name, family_of(dataset, name), Fraction(0))


def _refuse(
    option: str,
    options: _Options,
    more: dict[str, Any],
    *,
    sized: bool = False,
    projected: bool = False,
) -> None:
    """Raises UserError for what does not go with the option; `sized`: a budget does, `projected`: a
    projection does."""
    given = {
        **more,
        "radius-squared": options.radius_squared,
        "norm": options.norm, "clip": options.clip, "decoder": options.decoder,
        "error": options.error,
    }  # fmt: skip
    if not sized:
        given |= {"ratio": options.ratio, "budget": options.budget}
    elif options.ratio is not None and options.budget is not None:
        raise UserError("give either --ratio or --budget, not both")
    if not projected:
        given |= {"rank": options.rank, "kind": options.kind}
    for other, value in given.items():
        if value is not None:
            raise UserError(f"{option} does not go with --{other}")
    if options.engine != "exact":
        raise UserError(f"{option} is answered by the engine exact, not {options.engine}")
    if options.semantics != "real":
        raise UserError(f"{option} is about exact arithmetic, not {options.semantics}")


def _asked(dataset: Dataset, name: str, family: Family, least: Fraction) -> Asked:
    from constructions.families import limit_of
    from constructions.registry import entry_of
    from verifier.checker.manifest import Question
    from verifier.question.rational import format_rational

    limit = limit_of(dataset, family)
    norm: Any = str(family.norm)
    question = Question(norm, family.decoder, family=family.terms(least))
    about = {
        "construction": name,
        "source": entry_of(name).source,
        "limit": f"at {format_rational(family.end)} the balls of samples {limit.first} and "
        f"{limit.second} meet, so no network can",
    }
    return family.network, question, about


def opened(network: Network, asked: Question) -> tuple[Network, Question]:
    """The same about open balls: closed ones of every smaller radius."""
    from constructions.open_balls import open_balls

    if asked.clip is not None:
        raise UserError("--open does not go with --clip")
    if asked.semantics != "real":
        raise UserError(f"--open is about exact arithmetic, not {asked.semantics}")
    radius, unit = asked.radius, Fraction(1)
    if radius is None:  # m from 0 to 1, of the ball whose square is m^2 times this
        radius, unit = Fraction(1), asked.radius_squared or Fraction(0)
    if not radius or not unit:
        raise UserError("--open: a ball of radius 0 has no points")
    family = open_balls("network", network, asked.norm, radius, asked.decoder, unit=unit)
    question = replace(asked, radius=None, radius_squared=None, family=family.terms())
    return family.network, question

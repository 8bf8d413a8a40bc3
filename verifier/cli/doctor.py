"""`robmem doctor`: what is installed, and what is missing for which part."""

from __future__ import annotations

import json
import os
import platform
from importlib.metadata import PackageNotFoundError, version

import click

from verifier.cli.options import table

_NEEDED = ("numpy", "scipy", "highspy", "pulp", "networkx", "python-flint", "click", "rich")


@click.command(
    name="doctor",
    epilog="Example: robmem doctor",
    short_help="Show versions, solvers, cores, and optional parts that are missing.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(as_json: bool) -> int:
    """Show what a report of a problem should name; exit code 2 if something needed is missing."""
    import pulp

    from verifier.formats.extras import EXTRAS

    optional = {name.replace("sklearn", "scikit-learn"): extra for name, extra in EXTRAS.items()}
    libraries = {name: _version(name) for name in (*_NEEDED, *optional)}
    solvers = sorted(pulp.listSolvers(onlyAvailable=True))
    missing = [name for name in _NEEDED if libraries[name] is None]
    facts = {
        "robmem": _version("robmem"),
        "python": platform.python_version(),
        "system": platform.platform(),
        "cores": os.cpu_count(),
        "solvers": solvers,
        "libraries": libraries,
        "missing": missing,
    }
    if as_json:
        print(json.dumps(facts))
        return 2 if missing else 0
    rows: list[tuple[str, object]] = [
        (name, facts[name] or "a checkout") for name in ("robmem", "python", "system", "cores")
    ]
    rows.append(("solvers", ", ".join(solvers)))
    for name, found in libraries.items():
        remedy = f"pip install 'robmem[{optional[name]}]'" if name in optional else "needed"
        rows.append((name, found or f"missing: {remedy}"))
    print(table(rows))
    return 2 if missing else 0


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None

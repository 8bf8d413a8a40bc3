"""Exact certificates for robust memorization with ReLU networks.

    import robmem

    verdict = robmem.verify("net.onnx", robmem.Ball(x, "0.1"), label=7)
    found = robmem.radius(model, robmem.Dataset.from_arrays(X, y), sample=0, norm=2)
    summary = robmem.certify("digits", robmem.construct("linf", "digits"), folder="runs/digits")

A name is imported when it is first used. What is named here is all that is public.
"""

from __future__ import annotations

from importlib import import_module, util
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from constructions.construction import Construction as Construction
    from constructions.least.answer import Least as Least
    from robmem._version import version as __version__
    from robmem._wholes import construct as construct
    from robmem._wholes import least as least
    from robmem._wholes import report as report
    from verifier.ask import Ball as Ball
    from verifier.ask import Box as Box
    from verifier.ask import certify as certify
    from verifier.ask import check as check
    from verifier.ask import check_file as check_file
    from verifier.ask import load_data as load_data
    from verifier.ask import load_network as load_network
    from verifier.ask import margin as margin
    from verifier.ask import margin_curve as margin_curve
    from verifier.ask import question as question
    from verifier.ask import radius as radius
    from verifier.ask import search as search
    from verifier.ask import verify as verify
    from verifier.data.dataset import Dataset as Dataset
    from verifier.evidence.certificate import Flip as Flip
    from verifier.evidence.certificate import Maximum as Maximum
    from verifier.evidence.certificate import Radius as Radius
    from verifier.evidence.certificate import Robust as Robust
    from verifier.evidence.certificate import Undecided as Undecided
    from verifier.evidence.certificate import Verdict as Verdict
    from verifier.question.errors import RefusedError as RefusedError
    from verifier.question.errors import UserError as UserError
    from verifier.question.network import Network as Network
    from verifier.question.query import Query as Query
    from verifier.runs.run import Progress as Progress
    from verifier.runs.summary import Summary as Summary
    from verifier.search.options import Options as Options
    from verifier.tasks.around import FoundFlip as FoundFlip
    from verifier.tasks.flips import SearchedSample as SearchedSample
    from verifier.tasks.margin import Curve as Curve
    from verifier.tasks.margin import Piece as Piece
    from verifier.tasks.radius import RadiusInterval as RadiusInterval
    from verifier.tasks.worst import Worst as Worst

_HOMES = {
    "constructions.construction": ("Construction",),
    "constructions.least.answer": ("Least",),
    "robmem._wholes": ("construct", "least", "report"),
    "verifier.ask": (
        "Ball", "Box", "certify", "check", "check_file", "load_data", "load_network", "margin",
        "margin_curve", "question", "radius", "search", "verify",
    ),
    "verifier.data.dataset": ("Dataset",),
    "verifier.evidence.certificate": (
        "Flip", "Maximum", "Radius", "Robust", "Undecided", "Verdict",
    ),
    "verifier.question.errors": ("RefusedError", "UserError"),
    "verifier.question.network": ("Network",),
    "verifier.question.query": ("Query",),
    "verifier.runs.run": ("Progress",),
    "verifier.runs.summary": ("Summary",),
    "verifier.search.options": ("Options",),
    "verifier.tasks.around": ("FoundFlip",),
    "verifier.tasks.flips": ("SearchedSample",),
    "verifier.tasks.margin": ("Curve", "Piece"),
    "verifier.tasks.radius": ("RadiusInterval",),
    "verifier.tasks.worst": ("Worst",),
}  # fmt: skip
_HOME = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "Ball", "Box", "Construction", "Curve", "Dataset", "Flip", "FoundFlip", "Least", "Maximum",
    "Network", "Options", "Piece", "Progress", "Query", "Radius", "RadiusInterval", "RefusedError",
    "Robust", "SearchedSample", "Summary", "Undecided", "UserError", "Verdict", "Worst",
    "__version__", "certify", "check", "check_file", "construct", "least", "load_data",
    "load_network", "margin", "margin_curve", "question", "radius", "report", "search", "verify",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from robmem._version import version as value
    elif name in _HOME:
        value = getattr(import_module(_HOME[name]), name)
    else:
        raise AttributeError(f"module 'robmem' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)


def _refuse_shadows() -> None:
    """Raises ImportError, naming the file, if another module stands where one of ours belongs."""
    home = Path(__file__).resolve().parent.parent
    for name in ("verifier", "constructions", "reports"):
        found = util.find_spec(name)
        origin = None if found is None else found.origin
        if origin is not None and Path(origin).resolve().parent.parent != home:
            raise ImportError(
                f"{origin} stands in the place of robmem's package {name!r}: rename that file, or "
                "start Python from another folder"
            )


_refuse_shadows()

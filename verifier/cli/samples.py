"""A network with a data set, as `robmem search` and `robmem radius` take them."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import isfinite
from typing import TYPE_CHECKING, Any

import click

from verifier.cli.networks import read_network, require_inputs
from verifier.cli.options import NORM, SECONDS, engine_option, gathered
from verifier.formats.parts import Parts
from verifier.question.errors import UserError
from verifier.question.region import Norm, power

if TYPE_CHECKING:
    from collections.abc import Sequence

    from verifier.checker.manifest import Question
    from verifier.data.dataset import Dataset
    from verifier.data.layout import Layout
    from verifier.evidence.data_file import Points
    from verifier.question.network import Network
    from verifier.search.options import Options
    from verifier.tasks.around import FoundFlip


LABELS_HELP = (
    "One label for each output.  [default: those that the file names, else 0, 1, .. or those of "
    "the data]"
)


@dataclass(frozen=True, slots=True)
class Asked:
    """Which samples are asked about, and how their labels are read."""

    network: Network
    dataset: Dataset
    points: Points
    samples: tuple[int, ...]
    norm: Norm
    decoder: str
    clip: tuple[Fraction, Fraction] | None
    notes: tuple[str, ...] = ()

    def question(self, radius: Fraction | None = None, **more: Any) -> Question:
        """What is asked of every sample; `more` as `Question` names it."""
        from verifier.checker.manifest import Question

        return Question(self.norm, self.decoder, radius, clip=self.clip, **more)

    def require_margins(self) -> None:
        """Returns if the decoder has margins; raises UserError."""
        if self.decoder == "value":
            raise UserError("--decoder value: an output that equals its label has no margin")


@dataclass(frozen=True, slots=True)
class About:
    """Which samples of which data, and how they are read, as the command line says it."""

    spec: str
    norm: Norm
    clip: str | None
    decoder: str | None
    labels: str | None
    samples: str | None


sample_options = gathered(
    "about",
    About,
    {
        "spec": click.option("--data", "spec", required=True, metavar="DATA", help="The samples."),
        "norm": click.option("--norm", type=NORM, default="inf", show_default=True),
        "clip": click.option(
            "--clip",
            is_flag=False,
            flag_value="range",
            metavar="LO:HI",
            help="Only inputs in this range; without a value, in the pixel range of the data.",
        ),
        "decoder": click.option(
            "--decoder",
            type=click.Choice(["nearest", "sign", "argmax", "value"]),
            help="[default: argmax for several outputs, else nearest]",
        ),
        "labels": click.option("--labels", metavar="A,B,..", help=LABELS_HELP),
        "samples": click.option(
            "--samples", metavar="A:B", help="Ask about these alone, such as 0:100 or 3,10:20."
        ),
    },
)
"""Of commands that ask about samples: which, and how they are read, as the argument `about`."""


def limits(timeout: float | None, nodes: int | None, engine: str, seed: int) -> Options:
    """The options of the search; raises UserError for a time-out that is not finite."""
    from verifier.search.options import Options

    if timeout is not None and not isfinite(timeout):
        raise UserError(f"--timeout: {timeout} is no number of seconds")
    return Options(timeout, nodes, engine, seed)


limit_options = gathered(
    "options",
    limits,
    {
        "timeout": click.option("--timeout", type=SECONDS, help="Seconds a sample."),
        "nodes": click.option(
            "--nodes", type=click.IntRange(min=1), help="Most branches of a proof."
        ),
        "engine": engine_option,
        "seed": click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True),
    },
)
"""Of commands that search: how long and how, as the argument `options`."""


def read_asked(
    net: str, parts: Parts, about: About, layout: Layout, semantics: str = "real"
) -> Asked:
    """The network, the data and the samples; raises UserError where they do not fit."""
    from verifier.cli.options import read_clip, sample_numbers
    from verifier.data.load import load
    from verifier.formats.load import require_executable
    from verifier.runs.run import points_of

    dataset = load(about.spec, layout)
    exact = semantics == "real"
    if not exact:
        require_executable(net, semantics)
    numbers, names = label_numbers(dataset), label_list(about.labels)
    read = read_network(net, parts, about.decoder, numbers, names, merge=exact)
    require_inputs(net, read.network, dataset.dimension, dataset.name)
    dataset = read.relabelled(dataset)
    chosen = sample_numbers(about.samples, dataset.size)
    return Asked(
        read.network,
        dataset,
        points_of(dataset),
        tuple(range(dataset.size) if chosen is None else chosen),
        about.norm,
        read.decoder,
        None if about.clip is None else read_clip(about.clip, dataset),
        read.notes,
    )


def label_numbers(dataset: Dataset) -> list[Fraction]:
    """The labels as numbers, none where one is not a number."""
    from verifier.question.rational import parse_rational

    try:
        return [parse_rational(name) for name in dataset.label_names]
    except UserError:
        return []


def accuracy_rows(facts: dict[str, Any]) -> list[tuple[str, str]]:
    """How many samples are read right themselves, and how many on all of their balls."""
    if not facts["samples"]:
        return []  # none was looked at
    names = {"misread": "misread", "clean": "clean accuracy", "certified": "certified accuracy"}
    texts = {key: str(facts[key]) for key in names if key in facts}
    if "misread" in texts and "clean" in texts:  # outside of the clip a misread sample is no flip
        texts["misread"] = str(facts["samples"] - facts["clean"])
    return [(names[key], text if key == "misread" else f"{text} of {facts['samples']}")
            for key, text in texts.items()]  # fmt: skip


def radius_rows(question: Question) -> list[tuple[str, str]]:
    """The size of the balls, with a decimal where it is none; for norm 2 with its square."""
    from verifier.cli.options import short

    radius, squared = question.radius, question.radius_squared
    rows = [] if radius is None else [("radius", short(radius))]
    if radius is not None and power(question.norm) > 2:
        return [*rows, (f"its power {question.norm}", short(radius ** power(question.norm)))]
    if radius is not None and question.norm == "2":
        squared = radius**2
    return rows if squared is None else [*rows, ("its square" if rows else "squared radius",
                                                 short(squared))]  # fmt: skip


def label_list(text: str | None) -> list[str] | None:
    """The names that `--labels` lists, one for each output; None for None."""
    if text is None:
        return None
    names = [name.strip() for name in text.split(",")]
    if not all(name and name.isprintable() for name in names):
        raise UserError(f"--labels: {text!r} has a label that is empty or not printable")
    return names


_MAP_CHARACTERS = 100  # of the line that says which output stands for which label


def label_map(decoder: str, names: Sequence[str]) -> str:
    """Which output stands for which label, for people; empty for decoders of one output."""
    if decoder != "argmax":
        return ""
    if list(names) == [str(j) for j in range(len(names))]:
        return f"output j is label j, of {len(names)}"
    text = ", ".join(
        name if name.startswith(f"{j}: ") else f"{j}: {name}" for j, name in enumerate(names)
    )
    return text if len(text) <= _MAP_CHARACTERS else f"{text[:_MAP_CHARACTERS]}.. ({len(names)})"


def positive(option: str, text: str | None) -> Fraction | None:
    """The exact positive number given to `option`, None for None."""
    from verifier.cli.options import number

    if text is None:
        return None
    value = number(option, text)
    if value <= 0:
        raise UserError(f"{option}: {text} is not positive")
    return value


def found_json(flip: FoundFlip) -> dict[str, Any]:
    """An exact flip in texts."""
    from verifier.question.rational import format_rational

    return {
        "rival": flip.rival,
        "distance": format_rational(flip.distance),
        "outputs": [format_rational(value) for value in flip.outputs],
        "point": [format_rational(value) for value in flip.point],
        "method": flip.method,
    }

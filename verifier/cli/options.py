"""What several commands read from their options, and how they print."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction
from math import isfinite
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem

from verifier.data.layout import Layout
from verifier.question.errors import UserError
from verifier.question.printable import printable
from verifier.question.rational import format_rational, parse_rational
from verifier.question.region import LARGEST_NORM, Norm, read_norm
from verifier.question.shown import brief

if TYPE_CHECKING:
    from verifier.data.dataset import Dataset

Command = Callable[..., Any]


def gathered(
    argument: str, make: Command, options: Mapping[str, Callable[[Command], Command]]
) -> Callable[[Command], Command]:
    """A decorator that gives a command these options, by the names of their values, as one
    argument: what `make` makes of the values, by name."""

    def decorate(command: Command) -> Command:
        @functools.wraps(command)
        def with_argument(*arguments: Any, **given: Any) -> Any:
            own = {name: given.pop(name) for name in options}
            return command(*arguments, **{argument: make(**own)}, **given)

        wrapped: Command = with_argument
        for option in reversed(list(options.values())):
            wrapped = option(wrapped)
        return wrapped

    return decorate


table_options = gathered(
    "layout",
    Layout,
    {
        "label_column": click.option(
            "--label-column",
            metavar="NAME",
            help="Of a table: a name of its header, first, last or none.  [default: last]",
        ),
        "index_column": click.option(
            "--index-column",
            metavar="NAME",
            help="Of a table: what numbers its rows and is left out; likewise.  [default: none]",
        ),
        "separator": click.option(
            "--separator",
            metavar="SIGN",
            help="Of a table: a sign, or comma, semicolon, tab or space.  [default: by its name]",
        ),
        "header": click.option(
            "--header/--no-header",
            default=None,
            help="Of a table: whether its first line names the columns.  [default: if words do]",
        ),
    },
)
"""Of commands that take data: how a table is laid out, as the argument `layout`."""


class _NormType(click.ParamType[Norm]):
    name = "norm"

    def __init__(self, most: int) -> None:
        self._most = most

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Norm:
        try:
            return read_norm(value, self._most)
        except UserError as error:
            self.fail(str(error), param, ctx)

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        return "[inf|1|2]" if self._most == 2 else "[inf|1|2|3|..]"

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        return [CompletionItem(norm) for norm in ("inf", "1", "2") if norm.startswith(incomplete)]


NORM = _NormType(LARGEST_NORM)
"""A norm by any of its names: inf, linf, 1, l1, 2, L2, 3, .."""
BASIC_NORM = _NormType(2)
"""The same, of inf, 1 and 2 alone."""


class _SecondsType(click.ParamType[float]):
    name = "seconds"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        try:
            seconds = float(value)
        except ValueError:
            self.fail(f"{value!r} is not a number of seconds, such as 10 or 0.5", param, ctx)
        if not (isfinite(seconds) and seconds > 0):
            self.fail(f"{value!r} is not a positive number of seconds", param, ctx)
        return seconds

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        return "SECONDS"


SECONDS = _SecondsType()
"""A positive number of seconds."""


def _image(context: click.Context, option: click.Parameter, text: str | None) -> Any:
    if text is None:
        return None
    rows, x, columns = text.partition("x")
    if not (x and rows.isascii() and rows.isdigit() and columns.isascii() and columns.isdigit()):
        raise click.BadParameter(f"{text!r} is not ROWSxCOLUMNS, such as 28x28")
    return int(rows), int(columns)


image_option = click.option(
    "--image", "shape", callback=_image, metavar="RxC", help="Samples are such images."
)


def _engine(context: click.Context, option: click.Parameter, text: str) -> str:
    """The engine, known and installed; UserError else."""
    from verifier.search.options import solver_of

    try:
        solver = solver_of(text)
    except UserError as error:
        raise UserError(f"--engine: {error}") from None
    if solver is not None:
        from verifier.search.bounds.solver import require_solver

        require_solver(solver)
    return text


engine_option = click.option(
    "--engine",
    default="exact",
    show_default=True,
    callback=_engine,
    metavar="ENGINE",
    help="exact, or milp:highs, milp:cbc, ..: a MILP solver finds, the exact engine proves.",
)
"""Of commands that search: which engine, by its name."""


query_jobs = click.option(
    "--jobs",
    type=click.IntRange(min=1),
    help="Processes that share one question about few inputs.  [default: one a core]",
)
"""Of commands that ask one question. The answer is the same for any number."""


def number(option: str, text: str) -> Fraction:
    """The exact number given to `option`; raises UserError that names the option."""
    try:
        return parse_rational(text)
    except UserError as error:
        raise UserError(f"{option}: {error}{_hint(text)}") from None


def _hint(text: str) -> str:
    """How a share or a number with a decimal comma is written, if the text is one."""
    meant = text.strip().removesuffix("%").replace(",", ".", 1)
    if meant == text.strip():
        return ""
    try:
        value = parse_rational(meant) / (100 if "%" in text else 1)
    except UserError:
        return ""
    return f"; write {float(value):g} or {format_rational(value)}"


def sample_numbers(text: str | None, size: int) -> list[int] | None:
    """The samples that `text` names, such as 0:100, 7, or 3,10:20; None for None.

    Raises UserError for anything else, and for samples that do not exist.
    """
    if text is None:
        return None
    chosen: set[int] = set()
    for part in text.split(","):
        first, colon, last = part.strip().partition(":")
        if not all(end.isascii() and end.isdigit() for end in (first, last) if end) or not part:
            raise UserError(f"--samples: {part!r} is neither a number nor A:B")
        if not colon and not first:
            raise UserError(f"--samples: {part!r} is neither a number nor A:B")
        low = int(first or 0)
        high = int(last or size) if colon else low + 1
        if high > size or low >= high:
            raise UserError(f"--samples: {part} is not within 0:{size}")
        chosen.update(range(low, high))
    return sorted(chosen)


def read_clip(text: str, dataset: Dataset) -> tuple[Fraction, Fraction]:
    """The range that --clip names: LO:HI, or the word range for the pixels of the data."""
    if text == "range":
        if dataset.pixel_range is None:
            raise UserError(f"--clip: {dataset.name} has no pixel range; give LO:HI")
        return dataset.pixel_range
    low, colon, high = text.partition(":")
    if not colon:
        raise UserError(f"--clip: {text!r} is neither LO:HI nor range")
    return number("--clip", low), number("--clip", high)


def table(rows: Iterable[tuple[str, object]]) -> str:
    """Names and values in two columns."""
    listed = [(printable(name), printable(str(value))) for name, value in rows]
    width = max(len(name) for name, _ in listed)
    return "\n".join(f"{name:<{width}}  {value}" for name, value in listed)


def columns(rows: Sequence[Sequence[object]]) -> str:
    """Aligned columns; the first row is the head."""
    texts = [[printable(str(cell)) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
    return "\n".join(
        "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in texts
    )


def short(value: Fraction) -> str:
    """The number exactly, with about how much it is, or that alone where it is long."""
    return brief(value)


def shorts(values: Iterable[Fraction]) -> str:
    """The same of several numbers; where all of them are long, "about" stands once.

    >>> shorts([Fraction(1, 2), Fraction(3)]), shorts([Fraction(1, 3**50), Fraction(2, 3**50)])
    ('1/2 (0.5), 3', 'about 1.39296e-24, 2.78592e-24')
    """
    texts, about = [short(value) for value in values], "about "
    if all(text.startswith(about) for text in texts):
        texts[1:] = [text.removeprefix(about) for text in texts[1:]]
    return ", ".join(texts)

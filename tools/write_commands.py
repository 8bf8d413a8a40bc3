"""Writes docs/commands.md: what `robmem COMMAND --help` says of every command.

python tools/write_commands.py
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from verifier.cli.main import group

PAGE = Path(__file__).parents[1] / "docs" / "commands.md"


def page() -> str:
    """The page, the same for the same commands."""
    parts = ["# Commands\n", "What `--help` says of each command.\n"]
    for words, command in _commands(group, ("robmem",)):
        settings: dict[str, Any] = {**group.context_settings, "terminal_width": 88}
        with click.Context(command, info_name=" ".join(words), **settings) as context:
            text = command.get_help(context)
        level = "#" * len(words)
        parts.append(f"{level} {' '.join(words)}\n\n```text\n{text}\n```\n")
    return "\n".join(parts)


def _commands(
    command: click.Command, words: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    if words != ("robmem",):
        yield words, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in sorted(command.list_commands(context)):
            inner = command.get_command(context, name)
            if inner is not None:
                yield from _commands(inner, (*words, name))


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")

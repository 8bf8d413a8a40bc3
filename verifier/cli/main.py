"""The command `robmem`.

A command is a file in this folder with one `click` command; it becomes known by
being listed in `COMMANDS` below, in the order in which `robmem --help` shows it.

* It returns its exit code, or None for 0; `ExitCode` names the codes.
* It raises `UserError` for input that cannot be used: printed as one line, exit
  2; a `RefusedError` likewise with exit 4.
* It imports what takes long (the search, scikit-learn, ...) inside its function,
  so that `--help` stays quick, and prints results to stdout, all else to stderr.
"""

from __future__ import annotations

import os
import re
import sys
import traceback
from collections.abc import Sequence
from enum import IntEnum
from importlib import import_module

import click
from click.shell_completion import shell_complete

from verifier.formats.extras import missing_extra
from verifier.question.errors import RefusedError, UserError
from verifier.question.printable import printable

COMMANDS = (
    "certify",
    "check",
    "runs",
    "data",
    "show",
    "construct",
    "width",
    "least",
    "verify",
    "search",
    "radius",
    "worst",
    "margin",
    "slice",
    "vnnlib",
    "arbitrate",
    "export",
    "report",
    "example",
    "doctor",
)


class Commands(click.Group):
    """The group of COMMANDS, each imported when it is asked for: a start takes half the time."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order of COMMANDS."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """`command` of the module of that name, if it is one of COMMANDS."""
        if cmd_name not in COMMANDS:
            return super().get_command(ctx, cmd_name)
        found: click.Command = import_module(f"verifier.cli.{cmd_name}").command
        return found


class ExitCode(IntEnum):
    """What the exit code of `robmem` says; the last three say nothing about any claim."""

    HOLDS = 0
    FLIP = 1
    USAGE = 2
    UNDECIDED = 3
    REFUSED = 4
    CRASH = 70
    INTERRUPTED = 130
    CLOSED_PIPE = 141


@click.group(
    name="robmem",
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"]},
    no_args_is_help=True,
)
@click.version_option(package_name="robmem", message="%(package)s %(version)s")
def group() -> None:
    """Exact certificates for robust memorization with ReLU networks.

    Exit codes: 0 the claim holds or the evidence is true, 1 a flip was found,
    2 bad usage or input, 3 something is undecided, 4 evidence was refused.
    """


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code of `robmem ARGUMENTS`; no exception gets out.

    An error of the program itself ends with its traceback and 70: Python's own
    exit code for it, 1, would read as "a flip was found".
    """
    completion = os.environ.get("_ROBMEM_COMPLETE")
    if completion and arguments is None:
        return shell_complete(group, {}, "robmem", "_ROBMEM_COMPLETE", completion)
    try:
        with group.make_context(
            "robmem", list(sys.argv[1:] if arguments is None else arguments)
        ) as context:
            code = group.invoke(context)
            sys.stdout.flush()
            return int(code or ExitCode.HOLDS)
    except click.exceptions.Exit as exit_:
        return exit_.exit_code
    except click.exceptions.NoArgsIsHelpError as help_:
        help_.show()
        return ExitCode.USAGE
    except click.ClickException as error:
        context_of = getattr(error, "ctx", None)
        hint = f" (see {context_of.command_path} --help)" if context_of else ""
        return _say(f"{_meant(error) or error.format_message()}{hint}", ExitCode.USAGE)
    except RefusedError as error:
        return _say(error, ExitCode.REFUSED)
    except UserError as error:
        return _say(error, ExitCode.USAGE)
    except (KeyboardInterrupt, click.Abort):
        print("interrupted", file=sys.stderr)
        return ExitCode.INTERRUPTED
    except BrokenPipeError:
        # The reader went away; keep the interpreter from flushing into the pipe again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.CLOSED_PIPE
    except ModuleNotFoundError as error:
        missing = missing_extra(error)
        if missing is None:
            traceback.print_exc()
            return ExitCode.CRASH
        return _say(missing, ExitCode.USAGE)
    except OSError as error:
        if error.filename is None:
            traceback.print_exc()
            return ExitCode.CRASH
        return _say(f"{os.fsdecode(error.filename)}: {error.strerror}", ExitCode.USAGE)
    except Exception:  # noqa: BLE001 - whatever it is, it must not end with code 1
        traceback.print_exc()
        return ExitCode.CRASH


_CALLED = {
    "--eps": "--radius", "--epsilon": "--radius", "--delta": "--radius", "--model": "--network",
    "--net": "--network", "--dataset": "--data", "--solver": "--engine",
    "--time-limit": "--timeout", "--output": "--out", "--p": "--norm", "--workers": "--jobs",
    "--threads": "--jobs",
}  # fmt: skip
"""Options of other programs, by the names that they have here."""


def _meant(error: click.ClickException) -> str | None:
    """What is to be typed instead, where a mistake is a known one; None where it is not."""
    if not isinstance(error, click.UsageError) or error.ctx is None:
        return None
    options = {name for one in error.ctx.command.params for name in one.opts}
    takes_network = any(one.name == "net" for one in error.ctx.command.params)
    if isinstance(error, click.NoSuchOption):
        asked = error.option_name
        if asked in ("--network", "--net", "--model") and takes_network:
            return f"No such option '{asked}': the network's file stands without an option"
        here = _CALLED.get(asked)
        return f"No such option '{asked}': it is {here} here" if here in options else None
    extra = re.match(r"Got unexpected extra arguments? \(([^ )]+)", error.message)
    if extra is None:
        return None
    named = [name for name in ("--network", "--data") if name in options]
    return f"{error.message}: what it is about stands after {' or '.join(named)}" if named else None


def _say(error: UserError | str, code: ExitCode) -> ExitCode:
    print("error:", printable(" ".join(str(error).split())), file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())

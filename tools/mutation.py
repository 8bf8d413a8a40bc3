"""Mutation testing of the trusted code: every mutant must be caught by a test.

    python tools/mutation.py [--only MODULE ..] [--sample N] [--report FILE]

A mutant is one module of `verifier/trusted` with one change: a `raise` or a call statement deleted,
a comparison, a sign, an `and`, a `not`, a `min`, an integer or a truth value replaced. On each, the
tests of `tests/mutation_suite.py` run in a forked process. A mutant that makes no verdict wrong is
listed in `tools/mutation_equivalent.json` with its reason; other survivors make the exit code 1.
"""

from __future__ import annotations

import argparse
import ast
import copy
import importlib.abc
import importlib.util
import json
import os
import resource
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parents[1]
TRUSTED = ROOT / "verifier" / "trusted"
EQUIVALENT = ROOT / "tools" / "mutation_equivalent.json"
SECONDS = 100  # of a mutant; then it counts as caught (it loops)
MEMORY = 4 << 30
MODULES = (
    "certificate", "data_file", "fast", "intervals", "live_rows", "manifest", "network",
    "network_file", "packed", "proof_file", "query", "rational", "reference", "reference_symbolic",
    "region", "replay", "scaled", "strict_json", "symbolic",
)  # fmt: skip
COMPARISONS = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}
ARITHMETIC = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Add,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
}
NAMES = {
    "min": "max",
    "max": "min",
    "any": "all",
    "all": "any",
    "minimum": "maximum",
    "maximum": "minimum",
    "ZERO": "ONE",
    "ONE": "ZERO",
}


@dataclass(frozen=True)
class Mutant:
    """A changed module; `key` names the change by function, kind and source, not by line."""

    module: str
    line: int
    key: str
    tree: ast.Module


def mutants(module: str, source: str) -> Iterator[Mutant]:
    """All mutants of a module, in the order of the source."""
    count = sum(1 for _ in _places(ast.parse(source)))
    seen: Counter[str] = Counter()
    for number in range(count):
        tree = ast.parse(source)
        for k, (function, node, kind, change) in enumerate(_places(tree)):
            if k == number:
                line = node.lineno
                shown = " ".join(ast.unparse(node).split())[:100]
                change()
                key = f"{module}.{function}: {kind}: {shown}"
                seen[key] += 1
                if seen[key] > 1:
                    key += f" #{seen[key]}"
                yield Mutant(module, line, key, ast.fix_missing_locations(tree))
                break


def _places(tree):  # yields (function, node, kind, change)
    yield from _visit(tree, tree, "module")


def _visit(parent, node, function):
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        function = node.name if function == "module" else f"{function}.{node.name}"
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "decorator_list", "type_params"):
            continue
        if isinstance(value, list):
            for k, item in enumerate(value):
                if isinstance(item, ast.AST):
                    yield from _changes(value, k, item, function)
                    if not _message(item):
                        yield from _visit(node, item, function)
        elif isinstance(value, ast.AST):
            yield from _changes(node, name, value, function)
            if not _message(value):
                yield from _visit(node, value, function)


def _message(node) -> bool:
    """Text for people, types, and `strict=True` of zip, which only repeats checks made before."""

    if isinstance(node, ast.keyword) and node.arg == "strict":
        return isinstance(node.value, ast.Constant)
    return isinstance(node, ast.Raise | ast.JoinedStr | ast.Import | ast.ImportFrom)


def _put(container, key, value):
    def change():
        if isinstance(container, list):
            container[key] = value
        else:
            setattr(container, key, value)

    return change


def _changes(container, key, node, function):
    """The changes of one node, put back in place of it."""
    put = lambda value: _put(container, key, value)  # noqa: E731
    if isinstance(node, ast.Raise):
        yield function, node, "raise deleted", put(ast.Pass())
    elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        yield function, node, "call deleted", put(ast.Pass())
    elif isinstance(node, ast.Continue | ast.Break):
        yield function, node, "jump deleted", put(ast.Pass())
    elif isinstance(node, ast.Compare):
        for k, op in enumerate(node.ops):
            other = COMPARISONS.get(type(op))
            if other is not None:
                changed = copy.deepcopy(node)
                changed.ops[k] = other()
                yield function, node, f"{type(op).__name__} -> {other.__name__}", put(changed)
    elif isinstance(node, ast.BoolOp):
        changed = copy.deepcopy(node)
        changed.op = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        yield function, node, "and <-> or", put(changed)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not | ast.USub | ast.Invert):
        yield function, node, f"{type(node.op).__name__} deleted", put(node.operand)
    elif isinstance(node, ast.BinOp | ast.AugAssign) and type(node.op) in ARITHMETIC:
        changed = copy.deepcopy(node)
        changed.op = ARITHMETIC[type(node.op)]()
        yield function, node, f"{type(node.op).__name__} changed", put(changed)
    elif isinstance(node, ast.Name) and node.id in NAMES and isinstance(node.ctx, ast.Load):
        yield function, node, "name changed", put(ast.Name(NAMES[node.id], ast.Load()))
    elif isinstance(node, ast.Attribute) and node.attr in NAMES:
        changed = copy.deepcopy(node)
        changed.attr = NAMES[node.attr]
        yield function, node, "name changed", put(changed)
    elif isinstance(node, ast.Constant) and type(node.value) is int:
        yield function, node, "integer + 1", put(ast.Constant(node.value + 1))
    elif isinstance(node, ast.Constant) and type(node.value) is bool:
        yield function, node, "truth value", put(ast.Constant(not node.value))
    elif isinstance(node, ast.IfExp):
        changed = ast.IfExp(node.test, node.orelse, node.body)
        yield function, node, "sides swapped", put(changed)


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Gives the mutated module in place of the one on the disk."""

    def __init__(self, mutant: Mutant) -> None:
        self.name, self.tree = f"verifier.trusted.{mutant.module}", mutant.tree
        self.path = TRUSTED / f"{mutant.module}.py"

    def find_spec(self, fullname, path=None, target=None):
        if fullname == self.name:
            return importlib.util.spec_from_loader(fullname, self, origin=str(self.path))
        return None

    def exec_module(self, module: ModuleType) -> None:
        module.__file__ = str(self.path)
        exec(compile(self.tree, str(self.path), "exec"), module.__dict__)  # noqa: S102


def outcome_of(mutant: Mutant | None, seconds: int) -> str:
    """What happens to the mutant: "survived", or how it was caught."""
    child = os.fork()
    if child == 0:
        try:
            signal.alarm(seconds)
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
            quiet = os.open(os.devnull, os.O_WRONLY)
            os.dup2(quiet, 1)
            if mutant is not None:
                os.dup2(quiet, 2)
                sys.meta_path.insert(0, _Finder(mutant))
            from tests.mutation_suite import run

            run(mutant.module if mutant else "")
            os._exit(0)
        except BaseException:  # noqa: BLE001 whatever happens in a mutant, it is caught
            if mutant is None:
                traceback.print_exc()
            os._exit(1)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return "timeout" if os.WTERMSIG(status) == signal.SIGALRM else "crash"
    return "survived" if os.WEXITSTATUS(status) == 0 else "caught"


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", nargs="*", default=MODULES)
    parser.add_argument("--sample", type=int, default=1, help="every N-th mutant alone")
    parser.add_argument("--report", type=Path, help="write the score as Markdown")
    parser.add_argument("--state", type=Path, help="a JSON file of outcomes, reused and extended")
    options = parser.parse_args()
    os.chdir(ROOT)
    sys.path.insert(0, str(ROOT))
    # Loaded once, before the forks; nothing of this project is.
    import flint  # noqa: F401
    import numpy  # noqa: F401
    import pytest  # noqa: F401

    if outcome_of(None, 600) != "survived":
        print("the tests fail without any mutation")
        return 2
    reasons: dict[str, str] = json.loads(EQUIVALENT.read_text()) if EQUIVALENT.exists() else {}
    state: dict[str, str] = {}
    if options.state and options.state.exists():
        state = json.loads(options.state.read_text())
    table: dict[str, Counter[str]] = {}
    alive: list[tuple[str, int, str]] = []
    start = time.monotonic()
    for module in options.only:
        counts = table.setdefault(module, Counter())
        source = (TRUSTED / f"{module}.py").read_text()
        for number, mutant in enumerate(mutants(module, source)):
            if number % options.sample:
                continue
            outcome = state.get(mutant.key)
            if outcome is None or (outcome == "survived" and mutant.key not in reasons):
                outcome = outcome_of(mutant, SECONDS)
            state[mutant.key] = outcome
            if options.state and number % 20 == 0:
                options.state.write_text(json.dumps(state, indent=0, sort_keys=True))
            if outcome == "survived":
                outcome = "equivalent" if mutant.key in reasons else "survived"
            counts[outcome] += 1
            if outcome == "survived":
                alive.append((module, mutant.line, mutant.key))
                print(f"SURVIVED {module}:{mutant.line} {mutant.key}", flush=True)
        print(module, dict(counts), f"{time.monotonic() - start:.0f} s", flush=True)
        if options.state:
            options.state.write_text(json.dumps(state, indent=0, sort_keys=True))
    print(score(table))
    if options.report:
        options.report.write_text(report(table, alive, reasons))
    return 1 if alive else 0


def score(table: dict[str, Counter[str]]) -> str:
    total = sum(table.values(), Counter())
    caught = total["caught"] + total["timeout"] + total["crash"]
    return (
        f"{caught} of {sum(total.values())} mutants caught, {total['equivalent']} equivalent, "
        f"{total['survived']} survived"
    )


def report(
    table: dict[str, Counter[str]], alive: list[tuple[str, int, str]], reasons: dict[str, str]
) -> str:
    lines = ["# Mutation testing of the trusted code", "", score(table) + ".", ""]
    lines += ["| module | mutants | caught | equivalent | survived |", "|---|---|---|---|---|"]
    for module, counts in table.items():
        caught = counts["caught"] + counts["timeout"] + counts["crash"]
        lines.append(
            f"| {module} | {sum(counts.values())} | {caught} | {counts['equivalent']} "
            f"| {counts['survived']} |"
        )
    lines += ["", "`caught` includes mutants that crash or run for too long.", ""]
    if alive:
        lines += ["## Survivors", "", *(f"- `{key}` (line {line})" for _, line, key in alive), ""]
    used = [key for key in reasons if key.split(".")[0] in table]
    lines += ["## Equivalent mutants", "", "They change no verdict:", ""]
    lines += [f"- `{key}`: {reasons[key]}" for key in used]
    lines += ["", "Made by `python tools/mutation.py --report reports/trust/mutation.md`.", ""]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())

"""Mutation testing of the trusted code: every mutant must be caught by a test.

    python tools/mutation.py [--only MODULE ..] [--all] [--state FILE] [--report FILE]

A mutant is one module of `verifier/trusted` with one change: a `raise` or a call statement deleted,
a comparison, a sign, an `and`, a `not`, a `min`, an integer or a truth value replaced. On each, the
tests of `tests/mutation_suite.py` run in a forked process. A mutant that makes no verdict wrong is
listed in `tools/mutation_equivalent.json` with its reason, and runs with --all alone; survivors
make the exit code 1.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import copy
import hashlib
import importlib
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
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parents[1]
TRUSTED = ROOT / "verifier" / "trusted"
EQUIVALENT = ROOT / "tools" / "mutation_equivalent.json"
CPU_SECONDS = 60  # of a mutant; then it counts as caught (it loops)
WALL_SECONDS = 100  # the same, for one that waits
LAST = 10**6
HELPERS = ("tests.naive_prover", "tests.oracle", "tests.random_queries")
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef)
MEMORY = 4 << 30
MODULES = (
    "certificate", "data_file", "fast", "intervals", "live_rows", "manifest", "network",
    "network_file", "packed", "proof_file", "query", "radius", "rational", "reference",
    "reference_symbolic",
    "reference_univariate", "region", "replay", "scaled", "strict_json", "symbolic", "univariate",
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
    tree: ast.Module  # changed as long as the iteration stands at this mutant


def mutants(module: str, source: str) -> Iterator[Mutant]:
    """All mutants of a module, in the order of the source."""
    tree = ast.parse(source)
    seen: Counter[str] = Counter()
    for function, container, name, kind, changed in _visit(tree, "module"):
        node = _get(container, name)
        key = f"{module}.{function}: {kind}: {' '.join(ast.unparse(node).split())[:100]}"
        seen[key] += 1
        if seen[key] > 1:
            key += f" #{seen[key]}"
        _put(container, name, ast.fix_missing_locations(ast.copy_location(changed, node)))
        yield Mutant(module, node.lineno, key, tree)
        _put(container, name, node)


def _visit(node, function):  # yields (function, container, key, kind, changed node)
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        function = node.name if function == "module" else f"{function}.{node.name}"
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "decorator_list", "type_params"):
            continue
        listed = isinstance(value, list)
        for key, item in enumerate(value) if listed else [(name, value)]:
            if isinstance(item, ast.AST):
                for kind, changed in _changes(item):
                    yield function, value if listed else node, key, kind, changed
                if not _message(item):
                    yield from _visit(item, function)


def _message(node) -> bool:
    """Text for people, types, and `strict=True` of zip, which only repeats checks made before."""

    if isinstance(node, ast.keyword) and node.arg == "strict":
        return isinstance(node.value, ast.Constant)
    return isinstance(node, ast.Raise | ast.JoinedStr | ast.Import | ast.ImportFrom)


def _get(container, key):
    return container[key] if isinstance(container, list) else getattr(container, key)


def _put(container, key, value):
    if isinstance(container, list):
        container[key] = value
    else:
        setattr(container, key, value)


def _changes(node):
    """Kind and result of each change of one node."""
    if isinstance(node, ast.Raise):
        yield "raise deleted", ast.Pass()
    elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        yield "call deleted", ast.Pass()
    elif isinstance(node, ast.Continue | ast.Break):
        yield "jump deleted", ast.Pass()
    elif isinstance(node, ast.Compare):
        for k, op in enumerate(node.ops):
            other = COMPARISONS.get(type(op))
            if other is not None:
                changed = copy.deepcopy(node)
                changed.ops[k] = other()
                yield f"{type(op).__name__} -> {other.__name__}", changed
    elif isinstance(node, ast.BoolOp):
        changed = copy.deepcopy(node)
        changed.op = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        yield "and <-> or", changed
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not | ast.USub | ast.Invert):
        yield f"{type(node.op).__name__} deleted", node.operand
    elif isinstance(node, ast.BinOp | ast.AugAssign) and type(node.op) in ARITHMETIC:
        changed = copy.deepcopy(node)
        changed.op = ARITHMETIC[type(node.op)]()
        yield f"{type(node.op).__name__} changed", changed
    elif isinstance(node, ast.Name) and node.id in NAMES and isinstance(node.ctx, ast.Load):
        yield "name changed", ast.Name(NAMES[node.id], ast.Load())
    elif isinstance(node, ast.Attribute) and node.attr in NAMES:
        changed = copy.deepcopy(node)
        changed.attr = NAMES[node.attr]
        yield "name changed", changed
    elif isinstance(node, ast.Constant) and type(node.value) is int:
        yield "integer + 1", ast.Constant(node.value + 1)
    elif isinstance(node, ast.Constant) and type(node.value) is bool:
        yield "truth value", ast.Constant(not node.value)
    elif isinstance(node, ast.IfExp):
        yield "sides swapped", ast.IfExp(node.test, node.orelse, node.body)


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


def in_child(work: Callable[[int], None], times: int = 1) -> tuple[int, str]:
    """The wait status of a forked process that did `work`, and what `work` wrote to its pipe; the
    limits of a mutant so many times."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            signal.alarm(times * WALL_SECONDS)
            resource.setrlimit(resource.RLIMIT_CPU, (times * CPU_SECONDS, times * CPU_SECONDS))
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            work(write)
            os._exit(0)
        except BaseException:  # noqa: BLE001 whatever happens in a mutant, it is caught
            traceback.print_exc()
            os._exit(1)
    os.close(write)
    with os.fdopen(read, "rb") as stream:
        written = stream.read().decode()
    return os.waitpid(child, 0)[1], written


def outcome_of(mutant: Mutant | str, order: Sequence[str]) -> tuple[str, str]:
    """How the mutant ends, "survived", "caught", "timeout" or "crash", and the check that was
    running then. Checks named in `order` come first. A text is a module without a change."""

    def work(pipe: int) -> None:
        if isinstance(mutant, Mutant):
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
            sys.meta_path.insert(0, _Finder(mutant))
        from tests.mutation_suite import checks

        found = checks(mutant.module if isinstance(mutant, Mutant) else mutant)
        for name in sorted(found, key=lambda name: order.index(name) if name in order else LAST):
            os.write(pipe, f"{name}\n".encode())
            found[name]()

    status, written = in_child(work, 1 if isinstance(mutant, Mutant) else 10)
    running = written.splitlines()[-1] if written else "import"
    if os.WIFSIGNALED(status):
        slow = os.WTERMSIG(status) in (signal.SIGALRM, signal.SIGXCPU, signal.SIGKILL)
        return "timeout" if slow else "crash", running
    return ("caught", running) if os.WEXITSTATUS(status) else ("survived", "")


def load_libraries() -> None:
    """Loads what the tests load, once and before the forks, but nothing of this project."""

    def work(pipe: int) -> None:
        from tests.mutation_suite import checks

        checks("")
        os.write(pipe, "\n".join(sys.modules).encode())

    for name in in_child(work)[1].splitlines():
        if name.split(".")[0] not in ("__main__", "constructions", "reports", "tests", "verifier"):
            with contextlib.suppress(ImportError):
                importlib.import_module(name)


def sources_of(module: str) -> str:
    """A name for what an outcome depends on: the module, and the names and files of the tests that
    run on it, without comments and docstrings. (Other trusted modules run as well, unnamed.)"""

    def work(pipe: int) -> None:
        from tests.mutation_suite import checks

        state = hashlib.sha256(repr(sorted(checks(module))).encode())
        files = [TRUSTED / f"{module}.py"]
        files += [
            Path(found.__file__) for name, found in sorted(sys.modules.items())
            if name.startswith(("tests.test_", "tests.tampered.")) or name in HELPERS
        ]  # fmt: skip
        for path in files:
            tree = ast.parse(path.read_text())
            for node in ast.walk(tree):
                if isinstance(node, DOCUMENTED) and ast.get_docstring(node) is not None:
                    del node.body[0]
            state.update(f"{path.name} {ast.dump(tree)}\n".encode())
        os.write(pipe, state.hexdigest()[:12].encode())

    return in_child(work)[1]


def run(
    module: str, state: dict[str, list[str]], skip: Collection[str], save: Callable[[], None]
) -> None:
    """Runs the mutants of a module that `state` does not know for the sources of today. Raises
    SystemExit if the tests fail without any change."""
    start, sources = time.monotonic(), sources_of(module)
    if outcome_of(module, [])[0] != "survived":
        sys.exit(f"{module}: the tests fail without any mutation")
    kills: Counter[str] = Counter()
    for number, mutant in enumerate(mutants(module, (TRUSTED / f"{module}.py").read_text())):
        _, check, of = state.get(mutant.key, ["", "", ""])
        if of != sources and mutant.key not in skip:
            order = [check, *(name for name, _ in kills.most_common())]
            outcome, check = outcome_of(mutant, order)
            state[mutant.key] = [outcome, check, sources]
            if number % 20 == 19:
                save()
        kills[check] += check != ""
    save()
    print(f"{module}: {time.monotonic() - start:.0f} s", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", nargs="*", default=MODULES)
    parser.add_argument("--all", action="store_true", help="those with a reason as well")
    parser.add_argument("--report", type=Path, help="write the score as Markdown")
    parser.add_argument(
        "--state", type=Path, help="a JSON file of outcomes: what is known of the same sources is "
        "not run again, and what caught a mutant before runs first"
    )  # fmt: skip
    options = parser.parse_args()
    os.chdir(ROOT)
    sys.path.insert(0, str(ROOT))
    load_libraries()
    reasons: dict[str, str] = json.loads(EQUIVALENT.read_text())
    state: dict[str, list[str]] = {}
    if options.state and options.state.exists():
        state = json.loads(options.state.read_text())

    def save() -> None:
        if options.state:
            options.state.write_text(json.dumps(state, indent=0, sort_keys=True))

    for module in options.only:
        run(module, state, {} if options.all else reasons, save)
    rows = {module: outcomes(module, state, reasons) for module in MODULES}
    print(score(rows))
    alive = [key for row in rows.values() for key, outcome in row.items() if outcome == "survived"]
    for key in alive:
        print(f"SURVIVED {key}")
    known = {key for row in rows.values() for key, outcome in row.items() if outcome != "caught"}
    for key in sorted(reasons.keys() - known):
        print(f"caught, or no mutant: {key}")
    if options.report:
        options.report.write_text(report(rows, reasons))
    return 1 if alive else 0


def outcomes(module: str, state: dict[str, list[str]], reasons: dict[str, str]) -> dict[str, str]:
    """By mutant "caught", "equivalent", "survived" or "not run"."""
    sources, found = sources_of(module), {}
    for mutant in mutants(module, (TRUSTED / f"{module}.py").read_text()):
        outcome, _, of = state.get(mutant.key, ["", "", ""])
        if of == sources and outcome != "survived":
            found[mutant.key] = "caught"
        elif mutant.key in reasons:
            found[mutant.key] = "equivalent"
        else:
            found[mutant.key] = "survived" if of == sources else "not run"
    return found


def score(rows: dict[str, dict[str, str]]) -> str:
    counts = Counter(outcome for row in rows.values() for outcome in row.values())
    return (
        f"{counts['caught']} of {counts.total()} mutants caught, {counts['equivalent']} "
        f"equivalent, {counts['survived']} survived, {counts['not run']} not run"
    )


def report(rows: dict[str, dict[str, str]], reasons: dict[str, str]) -> str:
    lines = ["# Mutation testing of the trusted code", "", score(rows) + ".", ""]
    lines += ["| module | mutants | caught | equivalent | survived | not run | sources |"]
    lines += ["|---|---|---|---|---|---|---|"]
    for module, row in rows.items():
        counts = Counter(row.values())
        cells = [len(row), *(counts[k] for k in ("caught", "equivalent", "survived", "not run"))]
        lines.append(f"| {module} | {' | '.join(map(str, cells))} | `{sources_of(module)}` |")
    lines += [
        "",
        "`caught` includes mutants that crash or run for too long. `sources` is a hash of",
    ]
    lines += [
        "the module and of the tests that run on it, without comments: a row is of that tree."
    ]
    for title, wanted in (("Survivors", "survived"), ("Equivalent mutants", "equivalent")):
        keys = sorted(key for row in rows.values() for key, found in row.items() if found == wanted)
        lines += ["", f"## {title}", ""]
        lines += [f"- `{key}`" + (f": {reasons[key]}" if key in reasons else "") for key in keys]
        lines += [] if keys else ["None."]
    lines += ["", "Made by `python tools/mutation.py --report reports/trust/mutation.md`.", ""]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())

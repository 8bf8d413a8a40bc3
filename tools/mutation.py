"""Mutation testing of the trusted code: every mutant must be caught by a test.

    python tools/mutation.py [--only MODULE ..] [--all] [--state FILE] [--report FILE]

A mutant is one module of what must be believed with one change: a `raise` or a call statement
deleted, a comparison, a sign, an `and`, a `not`, a `min`, an integer or a truth value replaced. On
each, the tests of `tests/oracles/mutation_suite.py` run in a forked process. A mutant that makes no
verdict wrong is listed in `tools/mutation_equivalent.json` with its reason, and runs with --all
alone; survivors make the exit code 1.

Of the tests those run that reach the mutant's function, as one run of them all has shown; all, if
none does. A mutant of a function that nothing calls while the tests are loaded is put in place by
its code alone, after the fork; for others, all that imports the module is loaded again. --state
keeps what is known, so that a run may be interrupted, and modules be run side by side with a file
each.
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
import select
import signal
import sys
import time
import traceback
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from math import ceil, inf
from pathlib import Path
from types import CodeType, FrameType, ModuleType
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
EQUIVALENT = ROOT / "tools" / "mutation_equivalent.json"
PROJECT = ("constructions", "reports", "tests", "verifier")
CPU_SECONDS = 90  # of a mutant, and of a check as below; then it counts as caught (it loops)
SLEEP_SECONDS = 60  # the same, for one that waits and does nothing
LAST = 10**6
IMPORT = "import"  # the check of a mutant that ends before the first one
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef)
MEMORY = 4 << 30
PACKAGES = {
    "question": ("executed", "family", "network", "query", "rational", "region"),
    "evidence": (
        "certificate", "curve", "data_file", "distance", "fields", "margin", "network_file",
        "packed", "proof_file", "strict_json",
    ),
    "checker": (
        "branch", "checked", "contracted", "curves", "distances", "enclosures", "equal_rows",
        "exact_maximum", "exact_radius", "family", "family_maxima", "family_replay", "fixed_point",
        "intervals", "leaf", "limbs", "live_rows", "manifest", "margins", "maxima", "maxima_pass",
        "maxima_tables", "maxima_together", "put_off", "replay", "ridge", "ridge_minima",
        "ridge_tables", "scaled",
        "sparse_block", "symbolic", "tree",
    ),
    "kernel": ("network", "question", "ridge", "rules", "runs", "text"),
}  # fmt: skip
DOTTED = {
    f"{package}_{module}"
    if package == "kernel" or (package, module) == ("question", "family")
    else module: f"verifier.{package}.{module}"
    for package, names in PACKAGES.items()
    for module in names
}
MODULES = tuple(sorted(DOTTED))
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
    function: str  # or method, with those around it; "module" outside of all
    line: int
    key: str
    tree: ast.Module  # changed as long as the iteration stands at this mutant


def path_of(module: str) -> Path:
    return ROOT / (DOTTED[module].replace(".", "/") + ".py")


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
        yield Mutant(module, function, node.lineno, key, tree)
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
        self.name, self.tree = DOTTED[mutant.module], mutant.tree
        self.path = path_of(mutant.module)

    def find_spec(self, fullname, path=None, target=None):
        if fullname == self.name:
            return importlib.util.spec_from_loader(fullname, self, origin=str(self.path))
        return None

    def exec_module(self, module: ModuleType) -> None:
        module.__file__ = str(self.path)
        exec(compile(self.tree, str(self.path), "exec"), module.__dict__)  # noqa: S102


def in_child(work: Callable[[int], None], seconds: int = 10 * CPU_SECONDS) -> tuple[str, str]:
    """How a forked process ends that does `work`, "done", "failed", "crash", "timeout" or "killed",
    and what `work` wrote to its pipe. A timeout is CPU time spent, or a process that sleeps: that a
    machine is busy makes no mutant caught."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 10))
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            work(write)
            os._exit(0)
        except BaseException:  # noqa: BLE001 whatever happens in a mutant, it is caught
            traceback.print_exc()
            os._exit(1)
    os.close(write)
    written, asleep, before = b"", 0, ""
    while asleep < SLEEP_SECONDS:
        if select.select([read], [], [], 1)[0]:
            chunk = os.read(read, 1 << 16)
            if not chunk:
                break
            written, asleep = written + chunk, 0
        else:
            now = Path(f"/proc/{child}/stat").read_text().rsplit(")", 1)[1]
            asleep = asleep + 1 if now == before and now.split()[0] == "S" else 0
            before = now
    else:
        os.kill(child, signal.SIGTERM)
    os.close(read)
    status = os.waitpid(child, 0)[1]
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        late = number in (signal.SIGXCPU, signal.SIGTERM)
        ending = "timeout" if late else "killed" if number == signal.SIGKILL else "crash"
    else:
        ending = "failed" if os.WEXITSTATUS(status) else "done"
    return ending, written.decode()


def outcome_of(
    mutant: Mutant, suite: Suite, order: Sequence[str], budget: float
) -> tuple[str, str]:
    """How the mutant ends, "survived", "caught", "timeout" or "crash", and the check that was
    running then; "open" if checks are left after `budget` seconds. Checks named in `order` come
    first, then the quickest."""

    def work(pipe: int) -> None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        found = suite.checks if suite.put(mutant) else suite.loaded_with(mutant)
        rank = {name: number for number, name in enumerate(order)}
        cost = suite.seconds

        def place(name: str) -> tuple[int, float]:
            return rank.get(name, LAST), cost.get(name, 0)

        last = time.process_time() + budget
        for name in sorted(suite.reaching(mutant.function, found), key=place):
            if time.process_time() > last:
                os.write(pipe, b"open\n")
                return
            os.write(pipe, f"{name}\n".encode())
            most = time.process_time() + 5 + 20 * suite.seconds.get(name, CPU_SECONDS)
            most = min(ceil(most), CPU_SECONDS)
            resource.setrlimit(resource.RLIMIT_CPU, (most, CPU_SECONDS + 10))
            found[name]()

    ending, written = in_child(work, CPU_SECONDS)
    if ending in ("done", "killed"):  # by the system, of which nothing follows
        return "open" if written.endswith("open\n") else "survived", ""
    return (
        "caught" if ending == "failed" else ending,
        written.splitlines()[-1] if written else IMPORT,
    )


def passes(suite: Suite, module: str) -> bool:
    """Whether the checks pass without any change, as they are loaded, and the first of each kind
    with the module loaded again; notes how long each takes, and which functions it calls."""
    source = path_of(module).read_text()

    def plainly(pipe: int) -> None:
        for name, check in suite.checks.items():
            start = time.process_time()
            called = suite.called_in(check)
            seconds = round(time.process_time() - start, 2)
            os.write(pipe, f"{json.dumps([name, seconds, sorted(called)])}\n".encode())

    def again(_: int) -> None:
        found = suite.loaded_with(Mutant(module, "module", 0, "", ast.parse(source)))
        for name in {name.rpartition(" ")[0]: name for name in reversed(found)}.values():
            found[name]()

    ending, written = in_child(plainly)
    suite.know([json.loads(line) for line in written.splitlines()])
    return ending == "done" and in_child(again)[0] == "done"


class Suite:
    """The checks of a module, all that they need loaded; a mutant is put in place after a fork."""

    def __init__(self, module: str) -> None:
        self.module, self.name, self.path = module, DOTTED[module], str(path_of(module))
        _forget(name for name in sys.modules if name.split(".")[0] in PROJECT)
        self.checks: dict[str, Callable[[], None]] = {}
        self.called = self.called_in(self._load)  # functions that run while things are loaded
        self.known: list[tuple[str, float, list[str]]] = []
        self.plain = compile(path_of(module).read_text(), self.path, "exec")
        for name in list(sys.modules):
            if name.split(".")[0] in PROJECT:
                closure(name)  # known in every fork

    def _load(self) -> None:
        from tests.oracles.mutation_suite import checks

        self.checks = checks(self.module)

    def called_in(self, work: Callable[[], None]) -> set[str]:
        """Does it, and gives the functions of the module that it calls."""
        called: set[str] = set()

        def note(frame: FrameType, event: str, _: object) -> None:
            if event == "call" and frame.f_code.co_filename == self.path:
                called.add(frame.f_code.co_qualname)

        sys.setprofile(note)
        try:
            work()
        finally:
            sys.setprofile(None)
        return called

    def know(self, known: list[tuple[str, float, list[str]]]) -> None:
        """Of each check its name, how long it takes, and the functions that it calls."""
        self.known = known
        self.seconds = {name: seconds for name, seconds, _ in known}
        self.reached = {
            name: [function.replace(".<locals>", "") for function in called]
            for name, _, called in known
        }

    def reaching(self, function: str, names: Iterable[str]) -> list[str]:
        """The checks that call this function or one in it, or a method of this class; all, if none
        does. What an earlier check has computed is not computed again, so that a check may be
        missed: then a mutant survives that it would catch."""
        found = [
            name
            for name in names
            if any(f"{called}.".startswith(f"{function}.") for called in self.reached.get(name, ()))
        ]
        return found or list(names)

    def put(self, mutant: Mutant) -> bool:
        """Gives a function the code that it has in the mutant, and says whether that is all: no
        other code differs, and the function has not been called, so that nothing that is loaded
        can differ either."""
        function: Any = sys.modules[self.name]
        for part in mutant.function.split("."):
            if not isinstance(function, ModuleType | type):
                break  # a function in a function
            function = vars(function).get(part)
        for attribute in ("__func__", "fget", "func", "__wrapped__"):
            function = getattr(function, attribute, function)
        code = getattr(function, "__code__", None)
        if not isinstance(code, CodeType) or code.co_filename != self.path:
            return False
        same = _codes(compile(mutant.tree, self.path, "exec"), code.co_qualname)
        plain = _codes(self.plain, code.co_qualname)  # code that has run is equal to none
        if len(same) != 1 or same == plain or code.co_freevars != same[0].co_freevars:
            return False
        if any(name == code.co_qualname or name.startswith(f"{code.co_qualname}.")
               for name in self.called):  # fmt: skip
            return False
        function.__code__ = same[0]
        return True

    def loaded_with(self, mutant: Mutant) -> dict[str, Callable[[], None]]:
        """The checks, with all that imports the module loaded again, upon the mutant."""
        _forget(name for name in sys.modules if self.name in closure(name))
        _forget({"tests.oracles.mutation_suite"} & sys.modules.keys())
        sys.meta_path.insert(0, _Finder(mutant))
        from tests.oracles.mutation_suite import checks

        return checks(mutant.module)


def _codes(module: CodeType, name: str) -> list[CodeType]:
    """The code of all functions of this qualified name."""
    waiting, same = [module], []
    while waiting:
        found = waiting.pop()
        same += [found] if found.co_qualname == name else []
        waiting += [part for part in found.co_consts if isinstance(part, CodeType)]
    return same


def _forget(names: Iterable[str]) -> None:
    """Unloads modules."""
    for name in list(names):
        around, _, last = name.rpartition(".")
        del sys.modules[name]
        if around in sys.modules and hasattr(sys.modules[around], last):
            delattr(sys.modules[around], last)


def load_libraries() -> None:
    """Loads what the tests load, once and before the forks, but nothing of this project."""

    def work(pipe: int) -> None:
        from tests.oracles.mutation_suite import checks

        checks("")
        os.write(pipe, "\n".join(sys.modules).encode())

    for name in in_child(work)[1].splitlines():
        if name.split(".")[0] not in ("__main__", *PROJECT):
            with contextlib.suppress(ImportError):
                importlib.import_module(name)


@cache
def closure(name: str) -> frozenset[str]:
    """The modules of this project that a module imports, at any place and by way of others, with
    itself and the packages around them."""
    found: set[str] = set()
    waiting = [name]
    while waiting:
        name = waiting.pop()
        if name not in found and _path(name) is not None:
            found.add(name)
            waiting += _imports(name)
    return frozenset(found)


@cache
def _imports(name: str) -> list[str]:
    """The package around a module of this project, and every name that may be a module that it
    imports."""
    names = [name.rpartition(".")[0]]
    for node in ast.walk(ast.parse(_path(name).read_text())):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return names


@cache
def _path(name: str) -> Path | None:
    """The file of a module of this project, if `name` is one."""
    path = ROOT.joinpath(*name.split("."))
    path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    return path if name.split(".")[0] in PROJECT and path.exists() else None


@cache
def _checks() -> dict[str, list[str]]:
    """The names of the checks of every module."""

    def work(pipe: int) -> None:
        from tests.oracles.mutation_suite import checks

        os.write(pipe, json.dumps({module: sorted(checks(module)) for module in MODULES}).encode())

    found: dict[str, list[str]] = json.loads(in_child(work)[1])
    return found


class Sources:
    """Names for what the outcomes of a module depend on, without comments and docstrings: of one
    that a check caught, the module and the files of tests that this check imports, for more tests
    cannot revive it; of a survivor, the module and the names and files of all tests that run on
    it. (Other trusted modules run as well, unnamed.)"""

    def __init__(self, module: str) -> None:
        self.module, self.checks = module, _checks()[module]

    @cache  # noqa: B019 there are few
    def of(self, outcome: str, check: str) -> str:
        if outcome == "open":
            return "not to the end"
        if outcome == "survived" or check == IMPORT:
            return self.all
        if check not in self.checks:
            return "gone"
        return self._name((_file_of(check),), check)

    @cached_property
    def all(self) -> str:
        return self._name({_file_of(check) for check in self.checks}, *self.checks)

    def _name(self, files: Iterable[str], *checks: str) -> str:
        state = hashlib.sha256(repr(checks).encode())
        names = {name for file in files for name in closure(file)}
        names = {name for name in names if name.split(".")[0] == "tests"}
        for name in [DOTTED[self.module], *sorted(names)]:
            state.update(_digest(name))
        return state.hexdigest()[:12]


def _file_of(check: str) -> str:
    """The module of tests that a check is of, by its name."""
    first = check.split()[0]
    from tests.oracles.mutation_suite import module_of_tests

    return module_of_tests(first) if first.startswith("test_") else "tests.oracles.mutation_checks"


@cache
def _digest(name: str) -> bytes:
    tree = ast.parse(_path(name).read_text())
    for node in ast.walk(tree):
        if isinstance(node, DOCUMENTED) and ast.get_docstring(node) is not None:
            del node.body[0]
    return hashlib.sha256(f"{name} {ast.dump(tree)}".encode()).digest()


def run(
    module: str,
    state: dict[str, list[str]],
    skip: Collection[str],
    budget: float,
    save: Callable[[], None],
) -> None:
    """Runs the mutants of a module that `state` does not know for the sources of today. Raises
    SystemExit if the tests fail without any change."""
    start, sources, suite = time.monotonic(), Sources(module), Suite(module)
    _, known, of = state.get(module, ["", "", ""])  # that it passes, and how long each takes
    if of == sources.all:
        suite.know(json.loads(known))
    elif not passes(suite, module):
        sys.exit(f"{module}: the tests fail without any mutation")
    state[module] = ["passes", json.dumps(suite.known), sources.all]
    kills: dict[str, Counter[str]] = defaultdict(Counter)  # by function, "" for all
    for mutant in mutants(module, path_of(module).read_text()):
        outcome, check, of = state.get(mutant.key, ["", "", ""])
        known = outcome != "open" and of == sources.of(outcome, check)
        if not known and mutant.key not in skip:
            places = (kills[mutant.function], kills[""])
            killers = [name for place in places for name in _cheapest(place, suite.seconds)]
            order = [check, *dict.fromkeys(killers)]
            outcome, check = outcome_of(mutant, suite, order, budget)
            state[mutant.key] = [outcome, check, sources.of(outcome, check)]
            save()
        for place in (mutant.function, "") if check else ():
            kills[place][check] += 1
    print(f"{module}: {time.monotonic() - start:.0f} s", flush=True)


def _cheapest(kills: Counter[str], seconds: dict[str, float]) -> list[str]:
    """The checks in the order of mutants caught a second of their time."""
    return sorted(kills, key=lambda name: -kills[name] / (0.02 + seconds.get(name, 1)))


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", nargs="*", default=MODULES)
    parser.add_argument("--all", action="store_true", help="those with a reason as well")
    parser.add_argument(
        "--report", type=Path, help="write the score as Markdown; what the report before says of "
        "the same sources stays"
    )  # fmt: skip
    parser.add_argument(
        "--state", type=Path, help="a JSON file of outcomes: what is known of the same sources is "
        "not run again, and what caught a mutant before runs first"
    )  # fmt: skip
    parser.add_argument(
        "--budget", type=float, default=inf, help="CPU seconds of a mutant that is not caught; "
        "then it counts as not run"
    )  # fmt: skip
    options = parser.parse_args()
    os.chdir(ROOT)
    sys.path.insert(0, str(ROOT))
    load_libraries()
    state: dict[str, list[str]] = {}
    if options.state and options.state.exists():
        state = json.loads(options.state.read_text())

    def save() -> None:
        if options.state:
            written = options.state.with_suffix(".new")
            written.write_text(json.dumps(state, indent=0, sort_keys=True))
            written.replace(options.state)

    for module in options.only:
        reasons: dict[str, str] = json.loads(EQUIVALENT.read_text())  # anew, for a run takes long
        run(module, state, {} if options.all else reasons, options.budget, save)
    reasons = json.loads(EQUIVALENT.read_text())
    rows = {module: outcomes(module, state, reasons) for module in MODULES}
    if options.report and options.report.exists():
        rows |= kept(rows, complete_rows(options.report.read_text()))
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
    sources, found = Sources(module), {}
    for mutant in mutants(module, path_of(module).read_text()):
        outcome, check, of = state.get(mutant.key, ["", "", ""])
        known = outcome != "open" and of == sources.of(outcome, check)
        if known and outcome != "survived":
            found[mutant.key] = "caught"
        elif mutant.key in reasons:
            found[mutant.key] = "equivalent"
        else:
            found[mutant.key] = "survived" if known else "not run"
    return found


def complete_rows(text: str) -> dict[str, tuple[str, int]]:
    """Of a report the modules of which nothing survived or was not run: the name of their sources,
    and how many of their mutants were caught."""
    found = {}
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.split("|")]
        if len(cells) == 9 and cells[1] in DOTTED and cells[5:7] == ["0", "0"]:
            found[cells[1]] = cells[7].strip("`"), int(cells[3])
    return found


def kept(
    rows: dict[str, dict[str, str]], before: dict[str, tuple[str, int]]
) -> dict[str, dict[str, str]]:
    """Of the report before, what it says of modules that were not run to the end since: if their
    sources are the same, and all but the equivalent mutants were caught then."""
    found = {}
    for module, row in rows.items():
        sources, caught = before.get(module, ("", 0))
        open_ = [key for key, outcome in row.items() if outcome == "not run"]
        plain = [key for key, outcome in row.items() if outcome != "equivalent"]
        if open_ and sources == Sources(module).all and len(plain) == caught:
            found[module] = row | dict.fromkeys(plain, "caught")
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
        lines.append(f"| {module} | {' | '.join(map(str, cells))} | `{Sources(module).all}` |")
    lines += [
        "",
        "`caught` includes mutants that crash or run for too long. `sources` is a hash of",
    ]
    lines += [
        "the module and of the tests that run on it, without comments: a row is of that tree."
    ]
    for title, wanted in (
        ("Survivors", "survived"),
        ("Not run", "not run"),
        ("Equivalent mutants", "equivalent"),
    ):
        keys = sorted(key for row in rows.values() for key, found in row.items() if found == wanted)
        lines += ["", f"## {title}", ""]
        lines += [f"- `{key}`" + (f": {reasons[key]}" if key in reasons else "") for key in keys]
        lines += [] if keys else ["None."]
    lines += ["", "Made by `python tools/mutation.py --report reports/trust/mutation.md`.", ""]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())

"""Assertions to disjunctive normal form: a `Property`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction

from verifier.formats.vnnlib.formulas import MAX_ATOMS, And, Comparison, Formula, Or
from verifier.formats.vnnlib.property import Bounds, Declared, Disjunct, Property, nowhere
from verifier.question.errors import UserError
from verifier.question.query import Atom
from verifier.question.rational import format_rational

MAX_DISJUNCTS = 1 << 16

_Conjunction = list[Comparison]


class Conjoined:
    """Gathers assertions and ends in a `Property`."""

    def __init__(self) -> None:
        self._common: _Conjunction = []
        self._choices: list[list[_Conjunction]] = []

    def add(self, formula: Formula) -> None:
        for part in _flattened(formula):
            if isinstance(part, Comparison):
                self._common.append(part)
            else:
                self._choices.append(_disjuncts(part))

    def property(self, inputs: int, outputs: int, networks: tuple[Declared, ...] = ()) -> Property:
        """What the assertions say of that many variables.

        Disjuncts that no input satisfies, by its bounds alone, are left out. If that is each of
        them, the property holds of every network: one is kept, with a note.
        """
        columns = shared_inputs(self._common, networks) if len(networks) > 1 else ()
        if columns:
            inputs = max(columns) + 1
            self._common = _renamed(self._common, columns)
            self._choices = [[_renamed(c, columns) for c in part] for part in self._choices]
        blank = Property(inputs, outputs, (), networks, columns)
        shared = _Box(inputs, blank.input_name)
        rest = shared.narrowed(self._common)
        if shared.contradiction is not None:
            nothing = (nowhere(*shared.vectors()),)
            return replace(blank, disjuncts=nothing, note=shared.contradiction)
        disjuncts: list[Disjunct] = []
        size, empty = 0, shared
        for conjunction in _combined(self._choices):
            own = _Box(inputs, blank.input_name, shared)
            more = own.narrowed(conjunction)
            if own.contradiction is not None:
                empty = own
                continue
            size += len(rest) + len(more) + own.size
            _check_size(len(disjuncts) + 1, size)
            lower, upper = own.vectors()
            atoms = tuple(_query_atom(atom) for atom in [*rest, *more])
            disjuncts.append(Disjunct(lower, upper, atoms))
        if disjuncts:
            return replace(blank, disjuncts=tuple(disjuncts))
        why = empty.contradiction or "a disjunction of nothing is false"
        note = f"no input satisfies a disjunct; of the last, {why}"
        return replace(blank, disjuncts=(nowhere(*empty.vectors()),), note=note)


def shared_inputs(common: Sequence[Comparison], networks: Sequence[Declared]) -> tuple[int, ...]:
    """columns[k] of each declared input k: inputs of different networks that the comparisons hold
    equal have one column. Empty if there are none.

    Two inputs of the same network keep their columns, so that each row of a network stays the sum
    that it is, term by term.
    """
    above = set()  # (a, b): input a >= input b
    for atom in common:
        listed = sorted(atom.weights.items(), key=lambda entry: -entry[1])
        if len(listed) == 2 and not atom.constant and min(atom.weights) >= 0:
            (a, up), (b, down) = listed
            if up == -down:
                above.add((a, b))
    owner = [n for n, network in enumerate(networks) for t in network.of("input")
             for _ in range(t.size)]  # fmt: skip
    groups = [{k} for k in range(len(owner))]  # of each input
    for a, b in sorted(above):
        if (b, a) in above and groups[a] is not groups[b]:
            union = groups[a] | groups[b]
            if len({owner[k] for k in union}) == len(union):
                for k in union:
                    groups[k] = union
    if all(len(group) == 1 for group in groups):
        return ()
    firsts = sorted({min(group) for group in groups})
    number = {first: column for column, first in enumerate(firsts)}
    return tuple(number[min(group)] for group in groups)


def _renamed(atoms: _Conjunction, columns: Sequence[int]) -> _Conjunction:
    renamed = []
    for atom in atoms:
        weights: dict[int, Fraction] = {}
        for variable, weight in atom.weights.items():
            new = columns[variable] if variable >= 0 else variable
            weights[new] = weights.get(new, Fraction(0)) + weight
        kept = {variable: weight for variable, weight in weights.items() if weight}
        renamed.append(Comparison(atom.line, kept, atom.constant, atom.strict))
    return renamed


def _flattened(formula: Formula) -> Iterator[Formula]:
    if isinstance(formula, And):
        for part in formula.parts:
            yield from _flattened(part)
    elif isinstance(formula, Or) and len(formula.parts) == 1:
        yield from _flattened(formula.parts[0])
    else:
        yield formula


def _disjuncts(formula: Formula) -> list[_Conjunction]:
    """Conjunctions whose disjunction is `formula`."""
    if isinstance(formula, Comparison):
        return [[formula]]
    parts = [_disjuncts(part) for part in formula.parts]
    if isinstance(formula, Or):
        listed = [conjunction for part in parts for conjunction in part]
        _check_size(len(listed), sum(map(len, listed)))
        return listed
    return list(_combined(parts))


def _combined(parts: Sequence[list[_Conjunction]]) -> Iterator[_Conjunction]:
    """The conjunctions that take one from each part."""
    count, atoms = 1, 0
    for part in parts:
        atoms = atoms * len(part) + count * sum(map(len, part))
        count *= len(part)
        _check_size(count, atoms)
    for number in range(count):
        chosen: _Conjunction = []
        stride = count
        for part in parts:
            stride //= len(part)
            chosen.extend(part[number // stride % len(part)])
        yield chosen


def _check_size(count: int, atoms: int) -> None:
    if count > MAX_DISJUNCTS or atoms > MAX_ATOMS:
        raise UserError(
            f"{count} disjuncts with {atoms} atoms and bounds in disjunctive normal form; "
            f"the limits are {MAX_DISJUNCTS} and {MAX_ATOMS}"
        )


class _Box:
    """Bounds of single inputs, narrowed by atoms; what it does not bound, `base` does."""

    def __init__(self, inputs: int, name: Callable[[int], str], base: _Box | None = None) -> None:
        self._inputs, self._name, self._base = inputs, name, base
        self._lower: dict[int, tuple[Fraction, bool]] = {}  # with whether it is strict
        self._upper: dict[int, tuple[Fraction, bool]] = {}
        self._vectors: tuple[Bounds, Bounds] | None = None
        self.contradiction: str | None = None

    @property
    def size(self) -> int:
        """How many bounds `vectors` makes anew."""
        return 0 if self._base is not None and not self._lower and not self._upper else (
            2 * self._inputs
        )  # fmt: skip

    def bounds(
        self, variable: int
    ) -> tuple[tuple[Fraction, bool] | None, tuple[Fraction, bool] | None]:
        low, high = self._base.bounds(variable) if self._base is not None else (None, None)
        return self._lower.get(variable, low), self._upper.get(variable, high)

    def narrowed(self, conjunction: _Conjunction) -> _Conjunction:
        """Takes the atoms that bound one input into the box and returns the others, strict bounds
        too, which the closed box does not hold. `contradiction` says where nothing is left."""
        rest = []
        for atom in conjunction:
            if not atom.weights:
                if atom.constant < 0 or (atom.strict and atom.constant == 0):
                    self._contradicted(f"line {atom.line}: a comparison of numbers is false")
                continue
            variable, weight = next(iter(atom.weights.items()))
            if len(atom.weights) > 1 or variable < 0:
                rest.append(atom)
                continue
            if atom.strict:
                rest.append(atom)
            bound = (-atom.constant / weight, atom.strict)
            low, high = self.bounds(variable)
            if weight > 0 and (low is None or bound > low):
                low = self._lower[variable] = bound
            if weight < 0 and (high is None or (-bound[0], bound[1]) > (-high[0], high[1])):
                high = self._upper[variable] = bound
            if low is not None and high is not None and _is_empty(low, high):
                name = self._name(variable)
                self._contradicted(
                    f"line {atom.line}: empty box: {name} {'>' if low[1] else '>='} "
                    f"{_short(low[0])} and {name} {'<' if high[1] else '<='} {_short(high[0])}",
                )
        return rest

    def _contradicted(self, why: str) -> None:
        self.contradiction = self.contradiction or why

    def vectors(self) -> tuple[Bounds, Bounds]:
        """Both bounds of all inputs, as far as there are."""
        if self._base is not None and not self.size:
            return self._base.vectors()
        if self._vectors is None:
            both = [self.bounds(k) for k in range(self._inputs)]
            self._vectors = (
                tuple(None if low is None else low[0] for low, _ in both),
                tuple(None if high is None else high[0] for _, high in both),
            )
        return self._vectors


def _is_empty(low: tuple[Fraction, bool], high: tuple[Fraction, bool]) -> bool:
    return low[0] > high[0] or (low[0] == high[0] and (low[1] or high[1]))


def _short(value: Fraction) -> str:
    text = format_rational(value)
    return text if len(text) <= 40 else text[:37] + "..."


def _query_atom(atom: Comparison) -> Atom:
    inputs = sorted((v, w) for v, w in atom.weights.items() if v >= 0)
    outputs = sorted((-1 - v, w) for v, w in atom.weights.items() if v < 0)
    return Atom(tuple(inputs), tuple(outputs), atom.constant, atom.strict)

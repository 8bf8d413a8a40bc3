"""The stream that the proved kernel reads: a network once, then questions with their proofs.

Tokens, separated by blanks or line ends, for the program in verifier/kernel/coq. Counts and indices
are decimal, a rational is p or p/q. Variables are numbered as in `Network`: the inputs, then the
units; in answers a unit has its own number, as in a certificate. n* means a count and then as many
of what follows.

    stream    robmem-kernel 1 INPUTS UNITS OUTPUTS row.. (units, then outputs) part.. end
    row       n*(variable integer) constant denominator
    part      task DECODER CLASSES norm size reach (clip low high | whole)
            | sample NUMBER label center.. answer              of the task before it
            | question shape (low high center).. n*goal answer
    shape     box | ball norm size (open | closed)             size: of norm 2 the square
    goal      n*atom
    atom      n*(input q) n*(output q) constant (strict | weak)
    answer    robust proof | flip GOAL point.. | radius proof GOAL point..
    proof     step.. goals n*tree
    step      (lower | upper) unit q tree
    tree      step.. then one of  leaf section.. .  |  conflict unit  |  unit v tree tree
              |  input k t tree tree  |  plane n*(input g) t tree tree
    section   atoms n*(index y) | slopes n*(unit s) | bounds n*(unit y) | cuts n*(index y)
              | box n*(input g) | usual

`reach` is a number r with r >= the radius: the box of a ball is its center +- r.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction

from verifier.evidence.certificate import (
    Conflict,
    Flip,
    InputSplit,
    Leaf,
    Lemma,
    Node,
    PlaneSplit,
    Radius,
    Robust,
    Step,
    Tree,
    UnitSplit,
)
from verifier.question.errors import UserError
from verifier.question.network import Network, Rows
from verifier.question.query import Query

SECTIONS = ("atoms", "slopes", "bounds", "cuts", "box")


def network_text(network: Network) -> Iterator[str]:
    """The head of a stream, line after line."""
    yield f"robmem-kernel 1 {network.inputs} {network.units.count} {network.outputs.count}\n"
    yield from _rows(network.units)
    yield from _rows(network.outputs)


def _rows(rows: Rows) -> Iterator[str]:
    starts, indices = rows.starts.tolist(), rows.indices.tolist()
    numerators, constants = rows.numerators.tolist(), rows.constants.tolist()
    denominators = rows.denominators.tolist()
    for i, constant in enumerate(constants):
        low, high = starts[i], starts[i + 1]
        terms = "".join(f" {indices[k]} {numerators[k]}" for k in range(low, high))
        yield f"{high - low}{terms} {constant} {denominators[i]}\n"


def question_text(query: Query) -> str:
    """The line that asks `query`."""
    region = query.region
    ball = region.norm != "inf" or region.open
    words = ["question", "box"]
    if ball:
        size = _number(region.size)
        words = ["question", "ball", region.norm, size, "open" if region.open else "closed"]
    centers = region.center if ball else (Fraction(0),) * region.dimension
    for low, high, center in zip(region.lower, region.upper, centers, strict=True):
        words += [_number(low), _number(high), _number(center)]
    words.append(str(len(query.goals)))
    for goal in query.goals:
        words.append(str(len(goal.atoms)))
        for atom in goal.atoms:
            words += [*_pairs(atom.inputs), *_pairs(atom.outputs), _number(atom.constant)]
            words.append("strict" if atom.strict else "weak")
    return " ".join(words) + "\n"


def answer_text(verdict: Robust | Flip | Radius) -> Iterator[str]:
    """The answer in kernel form, line after line; UserError where `verdict` has short forms."""
    if isinstance(verdict, Flip):
        yield "flip " + _flip(verdict)
        return
    proof = verdict.proof if isinstance(verdict, Radius) else verdict
    yield "radius 0\n" if isinstance(verdict, Radius) else "robust 0\n"
    yield from _steps(proof.steps)
    yield f"goals {len(proof.trees)}\n"
    for tree in proof.trees:
        yield from _tree(tree)
    if isinstance(verdict, Radius):
        yield _flip(verdict.flip)


def _flip(flip: Flip) -> str:
    return " ".join([str(flip.goal), *map(_number, flip.point)]) + "\n"


def _steps(steps: Iterable[Step]) -> Iterator[str]:
    for step in steps:
        if not isinstance(step, Lemma):
            raise UserError("a proof with short forms; the kernel reads elaborated ones")
        side = "upper" if step.upper else "lower"
        yield f"{side} {step.unit} {_number(step.bound)} "
        yield from _tree(step.tree)


def _tree(tree: Tree) -> Iterator[str]:
    for node in tree:  # in preorder, as the stream has it
        yield from _steps(node.steps)
        yield _body(node) + "\n"


def _body(node: Node) -> str:
    match node.body:
        case Leaf() as leaf:
            return _leaf(leaf)
        case Conflict(unit):
            return f"conflict {unit}"
        case UnitSplit(unit):
            return f"unit {unit}"
        case InputSplit(k, threshold):
            return f"input {k} {_number(threshold)}"
        case PlaneSplit(normal, threshold):
            return " ".join(["plane", *_pairs(normal), _number(threshold)])
    raise UserError("a proof with short forms; the kernel reads elaborated ones")


def _leaf(leaf: Leaf) -> str:
    if leaf.ball is not None:
        raise UserError("a leaf with sums of ridge functions; the proved kernel has no such rule")
    words = ["leaf"]
    for name in SECTIONS:
        table: Mapping[int, Fraction] = getattr(leaf, name)
        if table:
            words += [name, *_pairs((k, table[k]) for k in sorted(table))]
    return " ".join([*words, "."])


def _pairs(pairs: Iterable[tuple[int, Fraction]]) -> list[str]:
    listed = [word for k, q in pairs for word in (str(k), _number(q))]
    return [str(len(listed) // 2), *listed]


def _number(value: Fraction) -> str:
    """p or p/q in decimal digits, however long."""
    if value.denominator == 1:
        return _integer(value.numerator)
    return f"{_integer(value.numerator)}/{_integer(value.denominator)}"


def _integer(value: int) -> str:
    return str(value) if value.bit_length() < 10_000 else hex(value)

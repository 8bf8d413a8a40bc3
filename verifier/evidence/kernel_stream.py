"""The stream that the proved kernel reads: a network once, then questions with their proofs.

Tokens, separated by blanks or line ends, for the program in verifier/kernel/coq. Counts and indices
are decimal, a rational is p or p/q. Variables are numbered as in `Network`: the inputs, then the
units; in answers a unit has its own number, as in a certificate. n* means a count and then as many
of what follows.

    stream    robmem-kernel 1 INPUTS UNITS OUTPUTS row.. (units, then outputs) part.. end
    row       n*(variable integer) constant denominator
    part      task DECODER CLASSES norm size reach (clip low high | whole)
            | family DECODER CLASSES growth d0 d1              D(m) = d0 + d1 m
            | sample NUMBER label center.. answer              of the task or family before it
            | question shape (low high center).. n*goal answer
            | cone growth center.. n*goal answer               over x, m and the outputs
    shape     box | ball norm size (open | closed)             size: of norm p >= 2 its p-th power
    growth    norm unit reach first last (open | closed)       the balls of radius m unit, see below
    goal      n*atom
    atom      n*(input q) n*(output q) constant (strict | weak)
    answer    robust proof | flip GOAL point.. | radius proof GOAL point..
    proof     n*table step.. goals n*tree
    table     n*(n*(input q) s w)                              weights of directions, see below
    step      (lower | upper) unit q tree                      of a family: unit q q tree
    tree      step.. then one of  leaf section.. .  |  conflict unit  |  unit v tree tree
              |  input k t tree tree  |  plane n*(input g) t tree tree
    section   atoms n*(index y) | slopes n*(unit s) | bounds n*(unit y) | cuts n*(index y)
              | box n*(input g) | usual | ball t (TABLE | -)

`reach` is a number r with r >= the radius: the box of a ball is its center +- r. A table holds the
weights of a leaf with sums of ridge functions, with w = 1 but for norm 2; leaves name it by its
number. Of a family the last input is m, the ball of m has radius m unit (norm p >= 2: its p-th
power is m^p unit), its box is center +- m reach; centers are without m, answers are proofs, and
bounds have two numbers, their values at the ends of the branch's interval of m.
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
    PairLemma,
    PlaneSplit,
    Radius,
    Robust,
    SeparableStep,
    Step,
    SumsStep,
    UnitSplit,
    Weight,
)
from verifier.question.errors import UserError
from verifier.question.family import Cone, FamilyQuery
from verifier.question.network import Network, Rows
from verifier.question.query import Goal, Query
from verifier.question.region import power, root_upper

SECTIONS = ("atoms", "slopes", "bounds", "cuts", "box")
SHORT = "a proof with short forms, which the kernel does not read: it has to be elaborated first"
Tables = dict[tuple[Weight, ...], int]


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
        side = "open" if region.open else "closed"
        words = ["question", "ball", region.norm, number_text(region.size), side]
    centers = region.center if ball else (Fraction(0),) * region.dimension
    for low, high, center in zip(region.lower, region.upper, centers, strict=True):
        words += [number_text(low), number_text(high), number_text(center)]
    return " ".join([*words, *_goals(query.goals)]) + "\n"


def cone_text(query: FamilyQuery) -> str:
    """The line that asks `query`, a question about a family."""
    center = map(number_text, query.cone.center)
    return " ".join(["cone", growth_text(query.cone), *center, *_goals(query.goals)]) + "\n"


def growth_text(cone: Cone) -> str:
    """How the balls of a cone grow, see `growth` above."""
    reach = root_upper(cone.unit, power(cone.norm))
    numbers = map(number_text, (cone.unit, reach, cone.first, cone.last))
    return " ".join([cone.norm, *numbers, "open" if cone.open else "closed"])


def _goals(goals: tuple[Goal, ...]) -> list[str]:
    words = [str(len(goals))]
    for goal in goals:
        words.append(str(len(goal.atoms)))
        for atom in goal.atoms:
            words += [*_pairs(atom.inputs), *_pairs(atom.outputs), number_text(atom.constant)]
            words.append("strict" if atom.strict else "weak")
    return words


def answer_text(verdict: Robust | Flip | Radius) -> Iterator[str]:
    """The answer in kernel form, line after line; UserError where `verdict` has short forms."""
    if isinstance(verdict, Flip):
        yield "flip " + _flip(verdict)
        return
    proof = verdict.proof if isinstance(verdict, Radius) else verdict
    tables = weight_tables(proof)
    yield f"{'radius' if isinstance(verdict, Radius) else 'robust'} {len(tables)}\n"
    yield from map(_table, tables)
    yield from _steps(proof.steps, tables)
    yield f"goals {len(proof.trees)}\n"
    for tree in proof.trees:
        yield from _tree(tree, tables)
    if isinstance(verdict, Radius):
        yield _flip(verdict.flip)


def streamed_text(
    steps: Iterable[Step], trees: Iterable[Iterable[Node]], count: int
) -> Iterator[str]:
    """The same of a proof with that many trees that is spelled out while it is read, and has no
    weights."""
    yield "robust 0\n"
    yield from _steps(steps, {})
    yield f"goals {count}\n"
    for tree in trees:
        yield from _tree(tree, {})


def is_spelled_out(proof: Robust) -> bool:
    """Whether the proof has no short forms."""
    for part in _parts(proof):
        match part:
            case (
                Lemma()
                | PairLemma()
                | Node(_, Conflict() | UnitSplit() | InputSplit() | PlaneSplit())
            ):
                pass
            case Node(_, Leaf() as leaf) if not leaf.ball or leaf.weights:
                pass
            case _:
                return False
    return True


def has_balls(proof: Robust) -> bool:
    """Whether a leaf, or one that a step stands for, may have a multiplier of the ball."""
    return any(
        isinstance(part, SeparableStep | SumsStep)
        or (isinstance(part, Node) and isinstance(part.body, Leaf) and part.body.ball is not None)
        for part in _parts(proof)
    )


def weight_tables(proof: Robust) -> Tables:
    """The number of each tuple of weights in the proof; the same proof gives the same numbers."""
    found: Tables = {}
    for part in _parts(proof):
        if isinstance(part, Node) and isinstance(part.body, Leaf) and part.body.weights:
            found.setdefault(part.body.weights, len(found))
    return found


def _parts(proof: Robust) -> Iterator[Step | Node]:
    """All steps and nodes of the proof."""
    waiting: list[Step | Node] = [*proof.steps, *(node for tree in proof.trees for node in tree)]
    while waiting:
        part = waiting.pop()
        yield part
        if isinstance(part, Lemma | PairLemma):
            waiting.extend(part.tree)
        elif isinstance(part, Node):
            waiting.extend(part.steps)


def _table(weights: tuple[Weight, ...]) -> str:
    words = [str(len(weights))]
    for weight in weights:
        scale = Fraction(1) if weight.scale is None else weight.scale
        words += [*_pairs(weight.direction), number_text(weight.share), number_text(scale)]
    return " ".join(words) + "\n"


def _flip(flip: Flip) -> str:
    return " ".join([str(flip.goal), *map(number_text, flip.point)]) + "\n"


def _steps(steps: Iterable[Step], tables: Tables) -> Iterator[str]:
    for step in steps:
        if not isinstance(step, Lemma | PairLemma):
            raise UserError(SHORT)
        numbers = (step.bound,) if isinstance(step, Lemma) else step.ends
        bound = " ".join(map(number_text, numbers))
        yield f"{'upper' if step.upper else 'lower'} {step.unit} {bound} "
        yield from _tree(step.tree, tables)


def _tree(tree: Iterable[Node], tables: Tables) -> Iterator[str]:
    for node in tree:  # in preorder, as the stream has it
        yield from _steps(node.steps, tables)
        yield _body(node, tables) + "\n"


def _body(node: Node, tables: Tables) -> str:
    match node.body:
        case Leaf() as leaf:
            return _leaf(leaf, tables)
        case Conflict(unit):
            return f"conflict {unit}"
        case UnitSplit(unit):
            return f"unit {unit}"
        case InputSplit(k, threshold):
            return f"input {k} {number_text(threshold)}"
        case PlaneSplit(normal, threshold):
            return " ".join(["plane", *_pairs(normal), number_text(threshold)])
    raise UserError(SHORT)


def _leaf(leaf: Leaf, tables: Tables) -> str:
    words = ["leaf"]
    for name in SECTIONS:
        table: Mapping[int, Fraction] = getattr(leaf, name)
        if table:
            words += [name, *_pairs((k, table[k]) for k in sorted(table))]
    if leaf.usual:
        words.append("usual")
    if leaf.ball is not None:
        number = str(tables[leaf.weights]) if leaf.weights else "-"
        words += ["ball", number_text(leaf.ball), number]
    return " ".join([*words, "."])


def _pairs(pairs: Iterable[tuple[int, Fraction]]) -> list[str]:
    listed = [word for k, q in pairs for word in (str(k), number_text(q))]
    return [str(len(listed) // 2), *listed]


def number_text(value: Fraction) -> str:
    """p or p/q in decimal digits, however long."""
    if value.denominator == 1:
        return _integer(value.numerator)
    return f"{_integer(value.numerator)}/{_integer(value.denominator)}"


def _integer(value: int) -> str:
    return str(value) if value.bit_length() < 10_000 else hex(value)

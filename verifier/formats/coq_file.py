"""A proof as a Coq file: its theorem speaks about the network, the region and the goals in it.

Of a family it speaks about the balls of every m: `never_in_cone` in place of `never`.

Compiled with the development (`coqc -R verifier/kernel/coq Robmem FILE`), Coq
itself runs the proved checker and accepts the theorem. Rows are terms, constant and denominator;
variables are numbered, the inputs first. For small networks: parsing is the limit.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction

from verifier.evidence.certificate import (
    Conflict,
    InputSplit,
    Leaf,
    Lemma,
    Node,
    PairLemma,
    PlaneSplit,
    Robust,
    Step,
    Tree,
    UnitSplit,
    Weight,
)
from verifier.evidence.kernel_stream import SHORT, Tables, weight_tables
from verifier.question.errors import UserError
from verifier.question.family import Cone, FamilyQuery
from verifier.question.network import Network, Rows
from verifier.question.query import Atom, Query
from verifier.question.region import Norm, Region, power, root_upper

LARGEST = 20_000  # entries of rows; parsing takes Coq seconds for each ten thousand
HEAD = """\
From Coq Require Import List ZArith QArith.
From Robmem Require Import Statement Leaf Tree Root Verify Cones Export.
Import ListNotations.
Open Scope Z_scope.
"""
PLAIN = """\
(** No point of the region satisfies all atoms of a goal. *)
Theorem proved : asked_well net around asked /\\ never net around asked.
Proof. apply (proves_sound net around asked evidence). vm_compute. reflexivity. Qed.
"""
FAMILY = """\
(** In no ball of the family a point satisfies all atoms of a goal. *)
Theorem proved : never_in_cone net around center_ asked.
Proof.
  apply (proves_cone_sound net around reach center_ asked evidence). vm_compute. reflexivity.
Qed.
"""
NORMS = {"inf": "Linf", "1": "L1", "2": "L2"}  # and [Power n] for p = n + 2


def coq_text(query: Query | FamilyQuery, proof: Robust) -> Iterator[str]:
    """The file, line after line; UserError for large networks and proofs with short forms."""
    network = query.network
    entries = len(network.units.indices) + len(network.outputs.indices)
    if entries > LARGEST:
        raise UserError(f"{entries} weights; a Coq file is for up to {LARGEST}: use --to kernel")
    tables = weight_tables(proof)
    yield HEAD
    yield from _network(network)
    yield f"Definition x k := name_of {_depth(network)} k.\n"
    yield f"Definition unit_ v := name_of {_depth(network)} ({network.inputs} + v).\n"
    yield _cone(query.cone) if isinstance(query, FamilyQuery) else _region(query.region)
    goals = (_list(map(_atom, goal.atoms)) for goal in query.goals)
    yield f"Definition asked : list (list atom) :=\n  {_list(goals)}.\n"
    bounds = "(Q * Q)" if isinstance(query, FamilyQuery) else "Q"
    yield f"Definition evidence : proof {bounds} := Proof_\n"
    yield f"  {_list(map(_table, tables))}\n  [\n"
    for place, step in enumerate(proof.steps):
        lemma = _lemma(step)
        tree = "".join(_tree(lemma.tree, tables))
        text = f"({_unit(lemma)}, {_side(lemma)}, {_bound(lemma)}, {tree})"
        yield f"   {text}{';' if place + 1 < len(proof.steps) else ''}\n"
    yield "  ]\n  [\n"
    for place, tree_ in enumerate(proof.trees):
        end = ";" if place + 1 < len(proof.trees) else ""
        yield f"   {''.join(_tree(tree_, tables))}{end}\n"
    yield "  ].\n\n"
    yield FAMILY if isinstance(query, FamilyQuery) else PLAIN
    yield "Print Assumptions proved.\n"


def _depth(network: Network) -> int:
    depth = 1
    while 4**depth < network.variables:
        depth += 1
    return depth


def _network(network: Network) -> Iterator[str]:
    yield f"Definition net : network := network_of {_depth(network)} {network.inputs}\n  [\n"
    yield from _rows(network.units)
    yield "  ]\n  [\n"
    yield from _rows(network.outputs)
    yield "  ].\n"


def _rows(rows: Rows) -> Iterator[str]:
    for i in range(rows.count):
        indices, numerators, constant, denominator = rows.row(i)
        terms = _list(f"({j}, {_z(n)})" for j, n in zip(indices, numerators, strict=True))
        end = ";" if i + 1 < rows.count else ""
        yield f"   ({terms}, {_z(constant)}, {denominator}%positive){end}\n"


def _region(region: Region) -> str:
    shape = "Box"
    centers = (Fraction(0),) * region.dimension
    if region.norm != "inf" or region.open:
        shape = f"(Ball {_norm(region.norm)} {_q(region.size)} {str(region.open).lower()})"
        centers = region.center
    sides = zip(region.lower, region.upper, centers, strict=True)
    listed = _list(f"Side (x {k}) {' '.join(map(_q, side))}" for k, side in enumerate(sides))
    return f"Definition around : region := Region\n  {listed}\n  {shape}.\n"


def _cone(cone: Cone) -> str:
    reach = root_upper(cone.unit, power(cone.norm))
    numbers = " ".join(map(_q, (cone.unit, cone.first, cone.last)))
    return (
        f"Definition around : cone := Cone {_norm(cone.norm)} {numbers} {str(cone.open).lower()}.\n"
        f"Definition reach : Q := {_q(reach)}.\n"
        f"Definition center_ : list Q := {_list(map(_q, cone.center))}.\n"
    )


def _norm(norm: Norm) -> str:
    return NORMS.get(norm) or f"(Power {power(norm) - 2})"


def _lemma(step: Step) -> Lemma | PairLemma:
    if not isinstance(step, Lemma | PairLemma):
        raise UserError(SHORT)
    return step


def _unit(lemma: Lemma | PairLemma) -> str:
    return f"unit_ {_z(lemma.unit)}"


def _side(lemma: Lemma | PairLemma) -> str:
    return str(lemma.upper).lower()


def _bound(lemma: Lemma | PairLemma) -> str:
    """A number, of a family its two ends."""
    if isinstance(lemma, Lemma):
        return _q(lemma.bound)
    return f"({', '.join(map(_q, lemma.ends))})"


def _atom(atom: Atom) -> str:
    outputs = _list(f"({j}%nat, {_q(c)})" for j, c in atom.outputs)
    strict = str(atom.strict).lower()
    return f"Atom {_inputs(atom.inputs)} {outputs} {_q(atom.constant)} {strict}"


def _inputs(terms: Iterable[tuple[int, Fraction]]) -> str:
    return _list(f"(x {k}, {_q(c)})" for k, c in terms)


def _table(weights: tuple[Weight, ...]) -> str:
    one = Fraction(1)
    return _list(
        f"Weighted {_inputs(w.direction)} {_q(w.share)} {_q(one if w.scale is None else w.scale)}"
        for w in weights
    )


def _tree(tree: Tree, tables: Tables) -> Iterator[str]:
    """The nodes in prefix form; a bracket closes where the last of its parts ends."""
    due: list[int] = []  # parts that are missing, of each open bracket
    for node in tree:
        for step in node.steps:
            lemma = _lemma(step)
            yield f"(Lemma_ ({_unit(lemma)}) {_side(lemma)} {_bound(lemma)} "
            yield from _tree(lemma.tree, tables)
            yield " "
            due.append(1)
        body, parts = _body(node, tables)
        yield body
        if parts:
            due.append(parts)
            yield " "
            continue
        while due:
            due[-1] -= 1
            if due[-1]:
                yield " "
                break
            due.pop()
            yield ")"


def _body(node: Node, tables: Tables) -> tuple[str, int]:
    """The text of a node, with an open bracket if parts follow; and how many do."""
    match node.body:
        case Leaf() as leaf:
            return f"(Close {_leaf(leaf, tables)})", 0
        case Conflict(unit):
            return f"(Conflict (unit_ {unit}))", 0
        case UnitSplit(unit):
            return f"(SplitUnit (unit_ {unit})", 2
        case InputSplit(k, threshold):
            return f"(SplitInput (x {k}) {_q(threshold)}", 2
        case PlaneSplit(normal, threshold):
            return f"(SplitPlane {_inputs(normal)} {_q(threshold)}", 2
    raise UserError(SHORT)


def _leaf(leaf: Leaf, tables: Tables) -> str:
    def units(table: Mapping[int, Fraction]) -> str:
        return _list(f"(unit_ {v}, {_q(table[v])})" for v in sorted(table))

    def indices(table: Mapping[int, Fraction]) -> str:
        return _list(f"({i}%nat, {_q(table[i])})" for i in sorted(table))

    ridge = "None"
    if leaf.ball is not None:
        number = f"(Some {tables[leaf.weights]}%nat)" if leaf.weights else "None"
        ridge = f"(Some ({_q(leaf.ball)}, {number}))"
    box = _inputs((k, leaf.box[k]) for k in sorted(leaf.box))
    parts = [indices(leaf.atoms), units(leaf.slopes), units(leaf.bounds), indices(leaf.cuts), box]
    return " ".join(["(LeafOf", *parts, str(leaf.usual).lower(), f"{ridge})"])


def _list(items: Iterable[str]) -> str:
    return "[" + "; ".join(items) + "]"


def _z(value: int) -> str:
    return str(value) if value >= 0 else f"({value})"


def _q(value: Fraction) -> str:
    return f"({value.numerator} # {value.denominator})"

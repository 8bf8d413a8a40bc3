"""A checker in one file: the standard library, Fractions, nothing else of this project.

python checker_minimal.py PROOF [NETWORK] checks a proof file (NETWORK if it does not hold it) and
prints its question, or names a flaw and exits with 4. Imported by nothing; no symbolic bounds.
"""

import base64
import hashlib
import json
import re
import sys
import zlib
from fractions import Fraction
from itertools import accumulate, pairwise
from pathlib import Path

ZERO, ONE = Fraction(0), Fraction(1)
LENGTH = {"inf": max, "1": sum, "2": lambda x: sum(t * t for t in x)}  # squared
NUMBER = re.compile(r"[+-]?(?:[0-9]{1,4000}|0x[0-9a-f]+)(?:/(?:[0-9]{1,4000}|0x[0-9a-f]+))?")


class Refused(Exception):
    """The name of a flaw, and its place."""


def need(condition, flaw, place=""):
    if not condition:
        raise Refused(flaw, str(place)[:200])


def parse(data):
    hooks = dict.fromkeys(["parse_float", "parse_constant"], lambda t: need(False, "float", t))
    hooks["object_pairs_hook"] = lambda p: need(len(dict(p)) == len(p), "duplicate key") or dict(p)
    try:
        return json.loads(data.decode("utf-8"), **hooks)
    except (ValueError, RecursionError) as error:  # of json, UTF-8, and integers of many digits
        raise Refused("not JSON", error) from None


def fields(value, required, optional=()):
    need(isinstance(value, dict), "malformed", value)
    need({*required} <= {*value} <= {*required, *optional}, "missing or unknown field", [*value])
    return [value[name] for name in required]


def listed(value, length=None):
    need(isinstance(value, list) and length in (None, len(value)), "malformed", value)
    return value


def index(value, count):
    need(type(value) is int and 0 <= value < count, "index out of range", f"{value} of {count}")
    return value


def number(value):
    need(type(value) in (int, str) and NUMBER.fullmatch(f"{value}"), "malformed", value)
    top, bottom = (int(t, 16 if "x" in t else 10) for t in f"{value}/1".split("/")[:2])
    need(bottom, "malformed", "denominator zero")
    return Fraction(top, bottom)


def table(pairs, count):
    found = [(index(listed(pair, 2)[0], count), number(pair[1])) for pair in listed(pairs)]
    need([*dict(found)] == sorted(k for k, _ in found), "malformed", "order")
    return dict(found)


def integers(data, lengths):
    ends = list(accumulate(lengths, initial=0))
    need(ends == sorted(ends) and len(data) >= ends[-1], "malformed", "a section")
    return [int.from_bytes(data[a:b], "little", signed=True) for a, b in pairwise(ends)]


def at(row, values):
    return row[1] + sum(w * values[j] for j, w in row[0].items())


class Network:
    """units[v] and outputs[j] are (weights by variable, constant); x comes first, then the z."""

    def __init__(self, content):
        magic, header, body = content[:-32].split(b"\n", 2)
        need(magic == b"robmem-network 1", "version", magic)
        self.inputs, layers, sections = fields(parse(header), ("inputs", "layers", "sections"))
        digest = hashlib.sha256(b"robmem-network-1\n" + repr((self.inputs, tuple(layers))).encode())
        arrays, start = [], 0
        for section in listed(sections, 10):
            _, kind, count, size = fields(section, ("name", "kind", "count", "bytes"))
            need(kind in ("i1", "i2", "i4", "i8", "big"), "malformed", kind)
            piece, start, big = body[start : start + size], start + size, kind == "big"
            lengths = integers(piece, [4] * count) if big else [int(kind[1])] * count
            arrays.append(values := integers(piece[4 * count * big :], lengths))
            if big and any(abs(n) >= 2**63 for n in values):
                digest.update(b"big" + ",".join(map(hex, values)).encode())
            else:
                words = (n.to_bytes(8, "little", signed=True) for n in values)
                digest.update(b"int64 %d\n" % count + b"".join(words))
        self.digest = digest.hexdigest()
        self.units, self.outputs = self.rows(*arrays[:5]), self.rows(*arrays[5:])
        ends = [self.inputs + sum(layers[:k]) for k, size in enumerate(layers) for _ in range(size)]
        need(len(ends) == len(self.units) and self.outputs, "malformed", "layers")
        ends += [self.inputs + len(self.units)] * len(self.outputs)
        for end, (weights, _) in zip(ends, self.units + self.outputs, strict=True):
            need(all(0 <= j < end for j in weights), "malformed", "a row reads a later layer")

    def rows(self, starts, indices, numerators, constants, below):
        need(min(below, default=1) > 0 and starts == sorted(starts), "malformed", "rows")
        need(len(indices) == starts[-1] and starts[0] == 0, "malformed", "rows")
        found = []
        for (a, b), constant, d in zip(pairwise(starts), constants, below, strict=True):
            row = zip(indices[a:b], numerators[a:b], strict=True)
            found.append(({j: Fraction(n, d) for j, n in row}, Fraction(constant, d)))
            need([*found[-1][0]] == sorted(indices[a:b]), "malformed", "indices of a row")
        return found


class Checker:
    """Goals are lists of atoms (inputs, outputs, constant, strict). The region is a box, within a
    ball ||x - center||_norm <= radius (open: <), whose square is `size` for norm 2. A branch is
    [low, high, lower bounds of every a_v, upper ones, cuts (g, t)] with g . x + t >= 0."""

    def __init__(self, network, goals, *region):
        self.norm, self.low, self.high, self.center, self.size, self.open, clipped = region
        self.network, self.goals, self.n, self.m = network, goals, len(self.low), len(network.units)
        known = self.norm in LENGTH and self.size >= 0 and type(clipped) is bool
        need(goals and all(goals) and known and self.n == network.inputs, "malformed")
        box = [*zip(self.center or self.low, self.low, self.high, strict=True)]
        need(self.contains([min(max(c, a), b) for c, a, b in box]), "malformed", "an empty region")
        gaps = [gap for c, a, b in box for gap in (c - a, b - c)]
        around = all(gap >= 0 and LENGTH[self.norm]([gap]) >= self.size for gap in gaps)
        need(clipped or around, "malformed", "the box cuts the ball, unclipped")

    def contains(self, x):
        need(len(x) == self.n, "dimension", len(x))
        inside = all(a <= t <= b for a, t, b in zip(self.low, x, self.high, strict=True))
        away = [abs(a - c) for a, c in zip(x, self.center or x, strict=True)]
        self.length = LENGTH[self.norm](away)
        return inside and (self.length < self.size if self.open else self.length <= self.size)

    def check(self, data):
        text = parse(data)
        flip = isinstance(text, dict) and text.get("verdict") == "flip"
        names = "robmem verdict network " + ("goal point" if flip else "steps goals")
        version, verdict, digest, first, second = fields(text, names.split())
        need(type(version) is int and version == 1 and (flip or verdict == "robust"), "version")
        need(digest == self.network.digest, "another network", digest)
        if flip:
            goal, point = index(first, len(self.goals)), [number(q) for q in listed(second)]
            need(self.contains(point), "outside")
            values = point[:]
            for row in self.network.units:
                values.append(max(ZERO, at(row, values)))
            y = [at(row, values) for row in self.network.outputs]
            for inputs, outputs, constant, strict in self.goals[goal]:
                reached = at((inputs, constant), point) + at((outputs, 0), y)
                need(reached > 0 if strict else reached >= 0, "no flip")
            return verdict
        need(len(listed(second)) == len(self.goals), "goal missing", len(second))
        low, high, a_low, a_high = [*self.low], [*self.high], [], []
        for weights, constant in self.network.units:
            ends = [(w * low[j], w * high[j]) for j, w in weights.items()]
            for side, z, end in ((a_low, low, min), (a_high, high, max)):
                side.append(constant + sum(map(end, ends)))
                z.append(max(side[-1], ZERO))
        self.steps(first, root := [[*self.low], [*self.high], a_low, a_high, []])
        for goal, tree in zip(self.goals, second, strict=True):
            self.tree(tree, [*map(list, root)], goal)
        return verdict

    def steps(self, steps, branch):
        """Proves lemmas, one after another, and tightens the branch."""
        for step in listed(steps):
            upper = isinstance(step, dict) and "upper" in step
            (pair, tree) = fields(step, ("upper" if upper else "lower", "tree"))
            v, bound = index(listed(pair, 2)[0], self.m), number(pair[1])
            self.tree(tree, [*map(list, branch)], (v, upper, bound))
            tight, side = (min, branch[3]) if upper else (max, branch[2])
            side[v] = tight(side[v], bound)

    def tree(self, nodes, branch, target):
        """No point of `branch` satisfies all atoms of a goal, or violates a lemma (v, upper, q)."""
        waiting = [branch]
        for node in listed(nodes):
            need(waiting, "malformed tree", "a node belongs to no split")
            here = waiting.pop()
            fields(node, (), ("steps", "leaf", "conflict", "unit", "input", "plane"))
            kind, *more = {*node} - {"steps"} or {""}
            need(kind and not more, "malformed", "a node has one body")
            self.steps(node.get("steps", []), here)
            if kind == "leaf":
                self.leaf(node["leaf"], here, target)
            elif kind == "conflict":
                v = index(node["conflict"], self.m)
                need(here[2][v] > here[3][v], "no conflict", v)
            else:  # a split: the low side is proved first
                low, body = [*map(list, here)], node[kind]
                waiting += here, low
                first, t = (body, 0) if kind == "unit" else (listed(body, 2)[0], number(body[1]))
                if kind == "plane":
                    g = table(first, self.n)
                    here[4].append((g, -t))
                    low[4].append(({k: -q for k, q in g.items()}, t))
                    continue
                count, below, above = (self.m, 2, 3) if kind == "unit" else (self.n, 0, 1)
                k = index(first, count)
                here[below][k], low[above][k] = max(here[below][k], t), min(low[above][k], t)
        need(not waiting, "malformed tree", "a side of a split is not proved")

    def leaf(self, text, branch, target):
        """Shows that constant + c . (x, z) + a . (a_v) is positive in the branch."""
        names, goal = ("atoms", "slopes", "bounds", "cuts", "box"), isinstance(target, list)
        fields(text, (), names)
        need(goal or not text.get("atoms"), "atoms in a lemma")
        (x_low, x_high, a_low, a_high, all_cuts), read = branch, self.network.outputs
        counts = zip(names, (len(target), self.m, self.m, len(all_cuts), self.n), strict=True)
        atoms, slopes, bounds, cuts, box = (table(text.get(k, []), count) for k, count in counts)
        signed = min([ZERO, *atoms.values(), *cuts.values(), *slopes.values()])
        need(signed >= 0 and max(slopes.values(), default=0) <= 1, "multiplier out of range")
        c, a, constant, strict = [ZERO] * (self.n + self.m), [ZERO] * self.m, ZERO, goal
        if not goal:
            a[target[0]], constant = (-ONE, target[2]) if target[1] else (ONE, -target[2])
        elif not atoms and len(target) == 1:
            atoms = {0: ONE}
        rows = [(y, all_cuts[k]) for k, y in cuts.items()]  # rows >= 0, taken away y times
        for i, y in atoms.items():
            inputs, outputs, offset, atom_strict = target[i]
            rows += [(y, (inputs, offset))] + [(y * q, read[j]) for j, q in outputs.items()]
            strict = strict and not (atom_strict and y > 0)
        for y, row in rows:
            constant -= y * row[1]
            for j, w in row[0].items():
                c[j] -= y * w
        for v, y in bounds.items():
            a[v] -= y
            constant += y * (a_low[v] if y > 0 else a_high[v])
        for v in reversed(range(self.m)):  # c z_v >= kept a_v + something
            z, low, high = c[self.n + v], a_low[v], a_high[v]
            slope = slopes.get(v, ONE if low >= 0 else ZERO) if high > 0 or low >= 0 else ZERO
            if low >= 0 and z > 0:
                constant += (1 - slope) * z * low
            elif z < 0 and (low >= 0 or high > 0):  # z_v <= slope a_v + (1 - slope) high
                need(low >= 0 or slope * (high - low) <= high, "slope too steep", v)
                constant += (1 - slope) * z * high
            a[v] += slope * z
            constant += a[v] * self.network.units[v][1]
            for j, w in self.network.units[v][0].items():
                c[j] += a[v] * w
        share = c[: self.n] if self.norm == "inf" else [box.get(k, ZERO) for k in range(self.n)]
        sides = [low if s > 0 else high for s, low, high in zip(share, x_low, x_high, strict=True)]
        constant += sum(s * side for s, side in zip(share, sides, strict=True))
        rest = [g - s for g, s in zip(c[: self.n], share, strict=True)]
        constant += sum(g * x for g, x in zip(rest, self.center or rest, strict=True))
        if self.open:  # what only the sphere attains is above its bound
            borne = zip(share, sides, self.center, strict=True)
            far = [s and abs(t - x) >= self.size for s, t, x in borne]
            strict = strict and not any(far if self.norm == "inf" else rest)
        loss = self.size * max(map(abs, rest))
        if self.norm == "2":  # constant > radius * |rest|, by squares
            loss, constant = self.size * sum(g * g for g in rest), constant * abs(constant)
        need(constant > loss if strict else constant >= loss, "bound too weak")


def check_proof(data, network=b""):
    data = zlib.decompressobj(31).decompress(data, 1 << 30) if data[:1] == b"\x1f" else data
    first, second, *third = data.removesuffix(b"\n").split(b"\n")
    names = ("robmem_proof", "network", "region", "goals")
    version, digest, region, goals = fields(head := parse(first), names, ("content",))
    need(type(version) is int and version == 1 and isinstance(region, dict), "version", version)
    about = Network(network or base64.b64decode(head.get("content", ""), validate=True))
    need(digest == about.digest, "another network", digest)
    norm, open_ = region.get("norm"), region.get("open", False)
    on_box = norm == "inf" and not open_
    names = ("norm", "lower", "upper", *(() if on_box else ("center", "size", "clipped")))
    fields(region, names, () if on_box else ("open",))
    need(open_ is ("open" in region), "malformed", "open")
    region = {"center": [], "size": 0, "clipped": True, **region}
    where = [[number(q) for q in listed(region[name])] for name in ("lower", "upper", "center")]
    asked = []
    for goal in listed(goals):
        asked.append([])
        for atom in listed(fields(goal, ("rival", "atoms"))[1]):
            x, y, t, strict = fields(atom, ("inputs", "outputs", "constant", "strict"))
            need(type(strict) is bool, "malformed", strict)
            terms = table(x, about.inputs), table(y, len(about.outputs))
            asked[-1].append((*terms, number(t), strict))
    where += number(region["size"]), open_, region["clipped"]
    verdict = (checker := Checker(about, asked, norm, *where)).check(second)
    if third:  # an exact radius: the proof on the open ball, then a flip on its sphere
        checker.open = False
        found = [open_, verdict, *map(checker.check, third), checker.length == checker.size]
        need(found == [True, "robust", "flip", True], "malformed", "no flip on the sphere")
    return "exact radius" if third else verdict, [region, goals]


if __name__ == "__main__":
    try:
        print("proved:", json.dumps(check_proof(*(Path(p).read_bytes() for p in sys.argv[1:]))))
    except Exception as flaw:  # noqa: BLE001 whatever cannot be read is refused
        sys.exit(print("refused:", *flaw.args) or 4)

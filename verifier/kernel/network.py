"""The native network file: a header of JSON, ten arrays of integers, and a hash of all that."""

import hashlib
from array import array
from fractions import Fraction
from itertools import accumulate, pairwise
from struct import pack, unpack
from typing import Any

from verifier.kernel.text import fields, index, listed, need, parse, typed

MAGIC = b"robmem-network 1\n"
NAMES = ("starts", "indices", "numerators", "constants", "denominators")
WIDTHS = {"i1": 1, "i2": 2, "i4": 4, "i8": 8, "big": None}
MOST = 2**40


class Rows:
    """Row i is (sum of numerators[k] * variable indices[k] + constants[i]) / denominators[i], k
    from starts[i] to starts[i + 1]; indices of a row increase and no numerator is 0."""

    def __init__(self, starts, indices, numerators, constants, denominators):
        self.starts, self.indices, self.numerators = starts, indices, numerators
        self.constants, self.denominators, self.count = constants, denominators, len(constants)
        need(len(starts) == self.count + 1 == len(denominators) + 1, "malformed", "rows")
        entries = len(indices) == len(numerators) == starts[-1] and starts[0] == 0
        need(entries and 0 not in numerators, "malformed", "entries")
        need(min(denominators, default=1) > 0, "malformed", "a denominator")
        for a, b in pairwise(starts):
            increase = a <= b and all(i < j for i, j in pairwise([-1, *indices[a:b]]))
            need(increase, "malformed", "indices of a row")

    def row(self, i):
        """Pairs of variable and integer, an integer constant, the denominator of all these."""
        a, b = self.starts[i], self.starts[i + 1]
        pairs = [*zip(self.indices[a:b], self.numerators[a:b], strict=True)]
        return pairs, self.constants[i], self.denominators[i]

    def value(self, i, values):
        """Row i at `values` of its variables, exactly."""
        pairs, constant, denominator = self.row(i)
        return Fraction(constant + sum(n * values[j] for j, n in pairs)) / denominator


class Network:
    """Variables are the inputs, then z_v = max(a_v, 0) of each unit; units and outputs are rows of
    variables, units of those of earlier layers alone."""

    def __init__(self, content: bytes) -> None:
        need(content.startswith(MAGIC), "network altered", "first bytes")
        need(hashlib.sha256(content[:-32]).digest() == content[-32:], "network altered", "its hash")
        header, _, data = content[len(MAGIC) : -32].partition(b"\n")
        self.inputs, layers, sections = fields(parse(header), ("inputs", "layers", "sections"))
        need(all(index(n, MOST) >= 0 for n in [self.inputs, *listed(layers)]), "malformed", layers)
        names = [f"{rows}.{name}" for rows in ("units", "outputs") for name in NAMES]
        at, arrays = 0, []
        for name, section in zip(names, listed(sections, 10), strict=True):
            stated, kind, count, size = fields(section, ("name", "kind", "count", "bytes"))
            need(stated == name and typed(kind, str) in WIDTHS, "malformed", name)
            end = at + index(size, MOST)
            arrays.append(integers(data[at:end], index(count, MOST), WIDTHS[kind]))
            at = end
        need(at == len(data), "malformed", "it goes on after the last section")
        self.units, self.outputs = Rows(*arrays[:5]), Rows(*arrays[5:])
        need(sum(layers) == self.units.count and self.outputs.count, "malformed", "layers")
        starts = self.units.starts
        for first, last in pairwise(accumulate(layers, initial=0)):
            read = max(self.units.indices[starts[first] : starts[last]], default=0)
            need(read < first + self.inputs, "malformed", "a unit reads its own or a later layer")
        read = max(self.outputs.indices, default=0)
        need(read < self.inputs + self.units.count, "malformed", "an output")
        self.digest = digest(self.inputs, layers, arrays)

    def outputs_at(self, point):
        values = [*point]
        for v in range(self.units.count):
            values.append(max(self.units.value(v, values), Fraction(0)))
        return [self.outputs.value(j, values) for j in range(self.outputs.count)]


def integers(data, count, width=None):
    """So many integers of `width` bytes each, or of the widths before them, 4 bytes each: an array
    of 64 bits where that holds them all, else a list."""
    ends: Any = range(0, (count + 1) * (width or 4), width or 4)
    if width is None:
        need(len(data) >= ends[-1], "malformed", "a section's size")
        ends = [*accumulate(unpack(f"<{count}I", data[: ends[-1]]), initial=ends[-1])]
    need(len(data) == ends[-1], "malformed", "a section's size")
    found = [int.from_bytes(data[a:b], "little", signed=True) for a, b in pairwise(ends)]
    return array("q", found) if all(-(2**63) < n < 2**63 for n in found) else found


def digest(inputs, layers, arrays):
    """SHA-256 of the exact weights: the name of the network."""
    state = hashlib.sha256(b"robmem-network-1\n" + repr((inputs, tuple(layers))).encode())
    for values in arrays:
        if isinstance(values, array):
            state.update(b"int64 %d\n" % len(values) + pack(f"<{len(values)}q", *values))
        else:
            state.update(b"big" + ",".join(map(hex, values)).encode())
    return state.hexdigest()

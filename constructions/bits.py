"""Reading the bits of an integer, most significant first, with ReLU layers.

Two ways, behind one interface:

* `ThresholdBits`: b_e = relu(u - 2^e + 1) - relu(u - 2^e) is bit e of an integer u < 2^(e+1), and
  u - 2^e b_e is what remains. One layer a bit; exact on integers.
* `SawtoothBits` (Telgarsky; Vardi, Yehudai, Shamir, ICLR 2022, Lemma A.5; Kim, Moon, Yun, NeurIPS
  2025, Lemma B.8): with phi(z) = relu(relu(2z) - relu(4z - 2)), z = u / 2^T + 2^-(T+1) and
  z' = u / 2^T + 2^-(T+2), bit i (from 1, of T) is relu(2^(T+2-i) (phi^i(z') - phi^i(z))). The
  multiplier is ours. z and z' lie in one linear piece, of length 2^-i, of phi^i, whose slope is
  +-2^i; it falls exactly where the i-th bit is 1, and there the difference is 2^(i-T-2). Three
  layers a bit.

A reader lives beside other readers and carried units: in every layer it says what units it needs
(`forms`), and is then given them (`take`).
"""

from __future__ import annotations

from fractions import Fraction
from typing import Protocol

from verifier.question.build import Affine, NetworkBuilder
from verifier.question.errors import UserError


class BitReader(Protocol):
    """Reads numbers from the leading bits of a word, `layers_per_bit` layers for each bit."""

    layers_per_bit: int

    def forms(self, phase: int) -> list[Affine]:
        """The pre-activations of the reader in layer `phase` of the next bit."""

    def take(self, phase: int, units: list[Affine]) -> None:
        """The units of those forms; after the last phase one more bit has been read."""

    def state(self) -> list[Affine]:
        """What must be carried through layers in which nothing is read."""

    def put(self, units: list[Affine]) -> None:
        """The carried state."""

    def pop(self) -> Affine:
        """The number that the bits since the last `pop` make."""


class ThresholdBits:
    """The bits of an integer word below 2^`bits`, by thresholds."""

    layers_per_bit = 1

    def __init__(self, word: Affine, bits: int) -> None:
        self._rest, self._left = word, bits
        self._number: Affine | None = None

    def forms(self, phase: int) -> list[Affine]:
        power = 1 << (self._left - 1)
        return [self._rest - (power - 1), self._rest - power, *self.state()]

    def take(self, phase: int, units: list[Affine]) -> None:
        bit = units[0] - units[1]
        self.put(units[2:])
        self._left -= 1
        self._rest = self._rest - bit * (1 << self._left)
        self._number = bit if self._number is None else self._number * 2 + bit

    def state(self) -> list[Affine]:
        return [self._rest, *([] if self._number is None else [self._number])]

    def put(self, units: list[Affine]) -> None:
        self._rest = units[0]
        if self._number is not None:
            self._number = units[1]

    def pop(self) -> Affine:
        number = Affine() if self._number is None else self._number
        self._number = None
        return number


class SawtoothBits:
    """The bits of an integer word below 2^`bits`, by iterated triangle waves."""

    layers_per_bit = 3

    def __init__(self, word: Affine, bits: int) -> None:
        share = word * Fraction(1, 1 << bits)
        self._waves = [share + Fraction(1, 1 << (bits + k)) for k in (1, 2)]
        self._bits, self._read = bits, 0
        self._bit: Affine | None = None
        self._number: Affine | None = None

    def forms(self, phase: int) -> list[Affine]:
        later = [] if self._number is None else [self._number]
        if phase == 0:
            return [f for z in self._waves for f in (2 * z, 4 * z - 2)] + later
        if phase == 1:
            return [*self._waves, *later]
        far, near = self._waves
        factor = 1 << (self._bits + 2 - (self._read + 1))
        return [(near - far) * factor, *self._waves, *later]

    def take(self, phase: int, units: list[Affine]) -> None:
        if phase == 0:
            self._waves = [units[0] - units[1], units[2] - units[3]]
            later = units[4:]
        elif phase == 1:
            self._waves, later = units[:2], units[2:]
        else:
            self._bit, self._waves, later = units[0], units[1:3], units[3:]
        self._number = later[0] if later else None
        if phase == 2 and self._bit is not None:
            self._number = self._bit if self._number is None else self._number * 2 + self._bit
            self._read += 1

    def state(self) -> list[Affine]:
        return [*self._waves, *([] if self._number is None else [self._number])]

    def put(self, units: list[Affine]) -> None:
        self._waves = units[:2]
        if self._number is not None:
            self._number = units[2]

    def pop(self) -> Affine:
        number = Affine() if self._number is None else self._number
        self._number = None
        return number


READERS: dict[str, type[ThresholdBits] | type[SawtoothBits]] = {
    "threshold": ThresholdBits,
    "sawtooth": SawtoothBits,
}


def check_reader(reader: str) -> None:
    """Raises UserError if there is no such reader."""
    if reader not in READERS:
        raise UserError(f"no bit reader {reader!r}; there are {', '.join(READERS)}")


def read_numbers(
    build: NetworkBuilder, readers: list[BitReader], lengths: list[int], carried: list[Affine]
) -> list[Affine]:
    """Layers in which reader k reads its next lengths[k] bits; returns the carried forms.

    All readers have the same number of layers a bit. The numbers are then there for `pop`.
    """
    phases = readers[0].layers_per_bit
    for step in range(max(lengths)):
        for phase in range(phases):
            parts = [
                reader.forms(phase) if step < length else reader.state()
                for reader, length in zip(readers, lengths, strict=True)
            ]
            units = build.layer([form for part in [*parts, carried] for form in part])
            for reader, part, length in zip(readers, parts, lengths, strict=True):
                own, units = units[: len(part)], units[len(part) :]
                if step < length:
                    reader.take(phase, own)
                else:
                    reader.put(own)
            carried = units
    return carried


def carry(
    build: NetworkBuilder, readers: list[BitReader], forms: list[Affine], first: list[Affine]
) -> tuple[list[Affine], list[Affine]]:
    """One layer of the units `first`, the readers' states and the carried `forms`."""
    states = [reader.state() for reader in readers]
    units = build.layer([*first, *(form for state in states for form in state), *forms])
    head, units = units[: len(first)], units[len(first) :]
    for reader, state in zip(readers, states, strict=True):
        reader.put(units[: len(state)])
        units = units[len(state) :]
    return head, units

"""A network as its file has it: names and shapes, and what was done to it while it was read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction

from verifier.question.errors import UserError
from verifier.question.labels import default_decoder
from verifier.question.network import Network


@dataclass(frozen=True, slots=True)
class Port:
    """An input or output of a file; `kind` is its element type where the file says one."""

    name: str
    shape: tuple[int, ...]
    kind: str


@dataclass(frozen=True, slots=True)
class Tail:
    """A last layer that is not piecewise linear; the network ends before it, in scores.

    The layer keeps the order of the scores. A single value is above `threshold` exactly where its
    score is above 0, that is where the output of `shifted`, the score plus threshold, is above it.
    `exact` is the network with the layer, where it is piecewise linear after all.
    """

    by: tuple[str, ...]
    threshold: Fraction | None = None
    shifted: Network | None = None
    exact: Network | None = None

    def is_between(self, labels: Sequence[Fraction]) -> bool:
        """Whether there are two labels and the threshold is half way between them."""
        return len(labels) == 2 and self.threshold == (labels[0] + labels[1]) / 2

    @property
    def layers(self) -> str:
        """The nodes that were put aside, in words."""
        return ", ".join(self.by[:3]) + (", .." if len(self.by) > 3 else "")


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a file holds: a network that ends in scores, and what comes after them, if anything.

    `classes` are the names that the file gives to the scores, None where it gives none but 0, 1, ..
    in order; `astray` names in the file of which it is not known to which scores they belong;
    `files` those beside it of which weights were read.
    """

    scores: Network
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    tail: Tail | None = None
    notes: tuple[str, ...] = ()
    kinds: Mapping[str, int] = field(default_factory=dict)
    classes: tuple[str, ...] | None = None
    astray: tuple[str, ...] | None = None
    files: tuple[str, ...] = ()

    def changed(self, change: Callable[[Network], Network]) -> Loaded:
        """The same with networks changed to equal functions."""
        tail = self.tail
        if tail is not None:
            shifted = None if tail.shifted is None else change(tail.shifted)
            exact = None if tail.exact is None else change(tail.exact)
            tail = replace(tail, shifted=shifted, exact=exact)
        return replace(self, scores=change(self.scores), tail=tail)

    def network_for(self, decoder: str | None, labels: Sequence[Fraction] = ()) -> Network:
        """The network whose outputs this decoder reads as it reads those of the file.

        None stands for any use of the numbers themselves. Raises UserError where the last layer
        matters.
        """
        tail = self.tail
        if tail is None:
            return self.scores
        if decoder == "sign" and tail.threshold is not None:
            return self.scores
        if tail.exact is not None:
            return tail.exact
        if decoder == "argmax" and self.scores.outputs.count > 1:
            return self.scores
        if decoder == "nearest" and tail.is_between(labels) and tail.shifted is not None:
            return tail.shifted
        raise UserError(f"{tail.layers} is not piecewise linear{self._remedy()}")

    def _remedy(self) -> str:
        tail = self.tail
        if tail is not None and tail.threshold is not None:
            return (
                f": ask for a label with decoder sign, -1 below {tail.threshold} and 1 above, "
                "which does not need it"
            )
        if self.scores.outputs.count > 1:
            return ": ask for a label with decoder argmax, which does not need it"
        return ", and its threshold is unknown"

    def reading(self, decoder: str | None, labels: Sequence[Fraction] = ()) -> tuple[Network, str]:
        """The network for a question about labels and the decoder that reads them.

        By default argmax for several outputs, for a single sigmoid sign (nearest, where its
        threshold is half way between two labels), else nearest. Raises as `network_for`.
        """
        if decoder is None:
            tail = self.tail
            if tail is None or tail.threshold is None:
                decoder = default_decoder(self.scores.outputs.count)
            else:
                decoder = "nearest" if tail.is_between(labels) else "sign"
        return self.network_for(decoder, labels), decoder

    def labels_for(self, decoder: str, given: Sequence[str] | None) -> Sequence[str] | None:
        """The label that each output stands for, where `given` are those that a user names: if None
        those of the file, if it names any. Raises UserError where the file names classes and does
        not say which score is which."""
        if given is not None or decoder != "argmax":
            return given
        if self.astray is not None:
            listed = ", ".join(map(repr, self.astray[:5]))
            raise UserError(
                f"the file names classes ({listed}), but not which output is which: "
                "--labels A,B,.. names one for each output, in their order"
            )
        return self.classes

    def with_digest(self, digest: str) -> Network:
        """The network of this digest, of those that a question about the file may be about; the
        scores where there is none."""
        tail = self.tail
        others = [] if tail is None else [tail.exact, tail.shifted]
        return next((n for n in others if n is not None and n.digest == digest), self.scores)

    def said(self, decoder: str | None) -> tuple[str, ...]:
        """What a reader should know of the network that `decoder` reads."""
        tail, notes = self.tail, self.notes
        if self.classes is not None and decoder == "argmax":
            listed = ", ".join(f"{j} is {name!r}" for j, name in enumerate(self.classes[:5]))
            more = "" if len(self.classes) <= 5 else ", .."
            notes = (*notes, f"the file names its outputs by class: {listed}{more}")
        if tail is None or (tail.exact is not None and decoder != "sign"):
            return notes
        if self.scores.outputs.count > 1:
            why = "argmax reads the same label without it"
        else:
            why = f"its value is above {tail.threshold} exactly where what it reads is above 0"
        return (*notes, f"{tail.layers} is left out: {why}")

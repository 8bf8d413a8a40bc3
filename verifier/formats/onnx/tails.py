"""Last layers that are not piecewise linear and that a label does not need.

A strictly increasing function of each score keeps their order, and so does softmax: the label that
argmax reads is the same without it, in real numbers. Of one score, its sign says on which side of
its value at 0 the function is. So such a layer is put aside while it is read (`Squashed`), and a
question about a label is one about the scores before it. Whatever else reads its values is refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from verifier.formats.tensors import Tensor
from verifier.question.errors import UserError


@dataclass(frozen=True, slots=True)
class Squashed:
    """A value in the order of `scores`, element by element or (`whole`) as a softmax of all.

    `by` names the nodes, the last one last; `function` what they compute of each element alone.

    Of a single element, it is above `threshold` exactly where the score is above 0; None where no
    such number is known. `exact` is the value itself where it is piecewise linear after all.
    `symmetric`: 1 minus the value at s is the value at -s.
    """

    scores: Tensor
    by: tuple[str, ...]
    function: str = ""
    whole: bool = False
    positive: bool = False
    symmetric: bool = False
    threshold: Fraction | None = None
    exact: Tensor | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        return self.scores.shape


ClassNames = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Chosen:
    """The number of the largest of `scores`, or, where there are names, its name."""

    scores: Tensor
    by: tuple[str, ...]
    names: ClassNames | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        return ()


@dataclass(frozen=True, slots=True)
class Names:
    """Texts that the file stores, in C order: names of classes, with which nothing computes."""

    texts: ClassNames
    shape: tuple[int, ...]


def one_group(shape: tuple[int, ...], axes: tuple[int, ...]) -> bool:
    """Whether these axes hold all elements: the others have length 1."""
    return all(extent == 1 for axis, extent in enumerate(shape) if axis not in axes)


def not_linear(value: Squashed | Chosen) -> UserError:
    """What is said where something computes with the value."""
    return UserError(f"it computes with {value.by[-1]}, which is not piecewise linear")

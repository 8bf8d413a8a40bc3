"""Which parts of a network file are meant, where it has several outputs or symbolic axes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Parts:
    """Which outputs of an .onnx file are asked about, all if none is named, and the shapes of
    inputs with symbolic axes, by name, "" of the only one."""

    outputs: tuple[str, ...] = ()
    shapes: Mapping[str, Sequence[int]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.outputs or self.shapes)

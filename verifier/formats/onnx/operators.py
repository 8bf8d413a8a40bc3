"""Which function stands for which ONNX operator; one file a subject."""

from __future__ import annotations

from verifier.formats.onnx import (
    control,
    elementwise,
    last_layers,
    linear,
    ml,
    pooling,
    resize,
    shapes,
)
from verifier.formats.onnx.node import Operator

ML_DOMAIN = "ai.onnx.ml"

OPERATORS: dict[tuple[str, str], Operator] = {
    **{
        ("", name): operator
        for subject in (control, elementwise, linear, pooling, resize, shapes)
        for name, operator in subject.OPERATORS.items()
    },
    **{("", name): operator for name, operator in last_layers.LAST_LAYERS.items()},
    **{(ML_DOMAIN, name): operator for name, operator in ml.ML_OPERATORS.items()},
    **{(ML_DOMAIN, name): operator for name, operator in last_layers.LAST_ML_LAYERS.items()},
}
"""By domain and name; the default domain is empty."""

"""Exact evaluation of a network at rational points."""

from verifier.trusted.scaled import evaluate

__all__ = ["evaluate"]

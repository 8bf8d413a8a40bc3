"""Trains a small network that memorizes the digits robustly: reports/least/digits-mlp.npz.

    python benchmarks/robust_mlp.py -o FILE.npz [--units 128] [--radius 0.75] [--epochs 400]

Adversarial training (projected gradients of the cross entropy, Adam) in numpy, on pixels 0..16; the
weights are numbers of float32. It prints how many samples are misread, and how many an attack of 20
steps flips: whether none can be is for `robmem certify` to say. Other versions of numpy may train
other weights from the same seed.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from verifier.data.load import load

Float = NDArray[np.float64]
PIXELS = 16.0  # the largest
BATCHES = 18
DECAY = 1e-5


class Mlp:
    """One hidden layer; `weights` are W0 (inputs, units), b0, W1 (units, labels), b1."""

    def __init__(self, inputs: int, units: int, labels: int, rng: np.random.Generator) -> None:
        self.weights: list[Float] = [
            rng.normal(0, (2 / inputs) ** 0.5, (inputs, units)),
            np.zeros(units),
            rng.normal(0, (2 / units) ** 0.5, (units, labels)),
            np.zeros(labels),
        ]
        self._first = [np.zeros_like(w) for w in self.weights]
        self._second = [np.zeros_like(w) for w in self.weights]
        self._steps = 0

    def outputs(self, x: Float) -> Float:
        """Of each row."""
        out: Float = np.maximum(x @ self.weights[0] + self.weights[1], 0) @ self.weights[2]
        return out + self.weights[3]

    def gradients(self, x: Float, one_hot: Float) -> tuple[list[Float], Float]:
        """Of the mean cross entropy, by the weights and by the inputs."""
        before = x @ self.weights[0] + self.weights[1]
        hidden = np.maximum(before, 0)
        scores = hidden @ self.weights[2] + self.weights[3]
        shares = np.exp(scores - scores.max(1, keepdims=True))
        shares /= shares.sum(1, keepdims=True)
        back = (shares - one_hot) / len(x)
        inner = back @ self.weights[2].T * (before > 0)
        own = [x.T @ inner, inner.sum(0), hidden.T @ back, back.sum(0)]
        return own, inner @ self.weights[0].T

    def attacked(self, x: Float, one_hot: Float, near: Float, radius: float, steps: int,
                 step: float) -> Float:  # fmt: skip
        """Points within `radius` of x, from `near` on along signs of gradients."""
        for _ in range(steps):
            _, slope = self.gradients(near, one_hot)
            near = np.clip(near + np.sign(slope) * radius * step, x - radius, x + radius)
        return near

    def learn(self, x: Float, one_hot: Float, rate: float) -> None:
        """One step of Adam."""
        self._steps += 1
        slopes, _ = self.gradients(x, one_hot)
        for k, weight in enumerate(self.weights):
            slope = slopes[k] + DECAY * weight
            self._first[k] = 0.9 * self._first[k] + 0.1 * slope
            self._second[k] = 0.999 * self._second[k] + 0.001 * slope**2
            mean = self._first[k] / (1 - 0.9**self._steps)
            size = np.sqrt(self._second[k] / (1 - 0.999**self._steps)) + 1e-8
            self.weights[k] = weight - rate * mean / size


def trained(units: int, radius: float, epochs: int) -> tuple[Mlp, int, int]:
    """A network, how many digits it misreads, and how many an attack flips; `radius` in pixels."""
    digits, rng = load("digits"), np.random.default_rng(0)
    x = digits.numerators.astype(float) / digits.denominator / PIXELS
    one_hot = np.eye(digits.classes)[digits.labels]
    net, reach = Mlp(x.shape[1], units, digits.classes, rng), radius / PIXELS
    for epoch in range(epochs):
        rate = 3e-3 * (1 - epoch / epochs) + 1e-5
        for batch in np.array_split(rng.permutation(len(x)), BATCHES):
            start = x[batch] + rng.uniform(-reach, reach, x[batch].shape)
            moved = net.attacked(x[batch], one_hot[batch], start, reach, 3, 0.6)
            net.learn(moved, one_hot[batch], rate)
    worst = net.attacked(x, one_hot, x.copy(), reach, 20, 0.2)
    wrong = [int((net.outputs(p).argmax(1) != digits.labels).sum()) for p in (x, worst)]
    return net, wrong[0], wrong[1]


def main() -> int:
    """Trains, stores and says what the attack found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-o", type=Path, required=True)
    parser.add_argument("--units", type=int, default=128)
    parser.add_argument("--radius", type=float, default=0.75)
    parser.add_argument("--epochs", type=int, default=400)
    given = parser.parse_args()
    net, misread, flipped = trained(given.units, given.radius, given.epochs)
    w0, b0, w1, b1 = net.weights
    kept = {"W0": (w0 / PIXELS).T, "b0": b0, "W1": w1.T, "b1": b1}
    np.savez(given.o, **{name: value.astype(np.float32) for name, value in kept.items()})
    print(f"misread {misread}, flipped within {given.radius} by the attack {flipped}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

"""The two networks of the gallery that are trained: how they came about, and their files again.

python -m tests.oracles.gallery_networks     writes reports/gallery/*.npz

Training is not the same on every machine, so the files are kept; the gallery is made of them.
"""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

import numpy as np

FOLDER = Path(__file__).resolve().parents[2] / "reports" / "gallery"
TRAINED = 1500  # of the 1,797 digits
NETWORKS = {"mlp": 0.0, "mlp-noise": 0.25}
"""By name, the deviation of the noise that is added to brightness in [0, 1] while training."""
_STEP = 64  # weights are multiples of 1 / _STEP, for brightness in [0, 1]
_COPIES, _EPOCHS = 12, 60  # with noise; without it 1 copy and 300


def train(noise: float) -> dict[str, np.ndarray]:
    """A network 64-50-50-10 as arrays W0, b0, .. that reads digits of 0 to 16."""
    from sklearn.datasets import load_digits
    from sklearn.neural_network import MLPClassifier

    x, y = load_digits(return_X_y=True)
    x, y = x[:TRAINED] / 16, y[:TRAINED]
    epochs = 300
    if noise:
        random = np.random.default_rng(0)
        shaken = [x + noise * random.normal(size=x.shape) for _ in range(_COPIES)]
        x, y, epochs = np.clip(np.concatenate(shaken), 0, 1), np.tile(y, _COPIES), _EPOCHS
    model = MLPClassifier((50, 50), random_state=0, max_iter=epochs)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it could go on
        model.fit(x, y)
    arrays = {}
    for k, (weights, biases) in enumerate(zip(model.coefs_, model.intercepts_, strict=True)):
        scale = _STEP * (16 if k == 0 else 1)
        arrays[f"W{k}"] = (np.rint(weights.T * _STEP) / scale).astype(np.float16)
        arrays[f"b{k}"] = (np.rint(biases * _STEP) / _STEP).astype(np.float16)
    return arrays


def main() -> None:
    """Trains and writes both."""
    for name, noise in NETWORKS.items():
        arrays = train(noise)
        exact = [(np.asarray(a, np.float64) * 16 * _STEP) % 1 == 0 for a in arrays.values()]
        if not all(each.all() for each in exact):
            raise RuntimeError(f"{name}: a weight is too large for float16")
        np.savez_compressed(FOLDER / f"{name}.npz", **arrays)
        print(name, file=sys.stderr)


if __name__ == "__main__":
    main()

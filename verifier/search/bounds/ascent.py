"""Bounds without a linear program: the slopes and multipliers of many leaves, improved at once.

The bound of a leaf is concave in its multipliers, and what it gains from each is known exactly: the
relaxed values of the units where the final form is least. Projected steps along that gradient reach
nearly what the linear program of the branch would, and more on an L2 ball, which no linear program
holds; a step of a whole batch of branches costs less than one program.

Source: beta-CROWN (Wang et al., NeurIPS 2021) optimises the same bound in float32; Adam is by
Kingma and Ba (ICLR 2015).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from verifier.search.bounds.float_leaf import Float, LeafBounds, Parts, Phases

RATE, DECAY = 0.3, 0.95  # of a step, in slopes; of the multipliers, in units of z's coefficient
FIRST, SECOND = 0.9, 0.999  # how long gradients and their squares are remembered
SMALL = 1e-12


@dataclass(frozen=True, slots=True)
class Bounded:
    """The best leaves found, a row a branch.

    values: their bounds. points: inputs where the final forms are least; corners: where the shares
    are that are bounded over the box. a, z: the relaxed values of the undecided units at `points`.
    coefficients: of z.
    """

    values: Float
    parts: Parts
    points: Float
    corners: Float
    a: Float
    z: Float
    coefficients: Float


class Ascent:
    """Improves leaves of one region; deterministic."""

    def __init__(self, bounds: LeafBounds) -> None:
        self.bounds = bounds
        self._shared = bounds.region.norm != "inf" and bounds.region.clipped

    def start(self, atoms: Float) -> Parts:
        """For mixes of atoms, a row a branch: the steeper lines above, the nearer ones below."""
        given, count = self.bounds, len(atoms)
        rising = (given.high > -given.low).astype(float)
        units, inputs = len(given.undecided), given.inputs
        return Parts(
            atoms,
            np.tile(rising, (count, 1)),
            np.tile(given.chord, (count, 1)),
            np.zeros((count, units)),
            np.zeros((count, inputs)),
        )

    def improve(self, parts: Parts, phases: Phases, steps: int, enough: float) -> Bounded:
        """The best leaves of `steps` steps from `parts`, or the first that are all > enough.

        A unit's bound has a multiplier only where its phase is fixed, which makes that bound 0.
        """
        # A unit that is on is what it is; its line below stands in where its phase is given up.
        parts = replace(parts, rising=np.where(phases > 0, 1, parts.rising))
        best = self._evaluate(parts, phases)
        here, scale = best, np.abs(best.coefficients).max(axis=0, initial=0) + SMALL
        reach = np.abs(best.coefficients).max(initial=0) + SMALL
        memory = [np.zeros_like(parts.rising) for _ in range(4)]
        if self._shared:
            memory += [np.zeros_like(parts.box) for _ in range(2)]
        for step in range(1, steps + 1):
            if (best.values > enough).all():
                break
            gradients = self._gradients(here, phases, scale)
            moves = []
            for number, gradient in enumerate(gradients):
                mean, square = memory[2 * number : 2 * number + 2]
                mean *= FIRST
                mean += (1 - FIRST) * gradient
                square *= SECOND
                square += (1 - SECOND) * gradient * gradient
                length = np.sqrt(square / (1 - SECOND**step)) + SMALL
                moves.append(RATE * DECAY**step / (1 - FIRST**step) * mean / length)
            here = self._evaluate(self._moved(here, phases, moves, scale, reach), phases)
            best = _better(best, here)
        return best

    def _gradients(self, here: Bounded, phases: Phases, scale: Float) -> list[Float]:
        """What the bounds gain from slopes, from multipliers in units of `scale`, and from shares
        of the box where there is one."""
        c = here.coefficients
        slopes = np.where(c > 0, c * here.a, c * (here.a - self.bounds.high))
        gradients = [np.where(phases == 0, slopes, 0), np.where(phases == 0, 0, -here.a * scale)]
        if self._shared:
            gradients.append(here.corners - here.points)
        return gradients

    def _moved(
        self, here: Bounded, phases: Phases, moves: list[Float], scale: Float, reach: float
    ) -> Parts:
        """The parts after the moves, on the admissible side."""
        parts, rises = here.parts, here.coefficients > 0
        rising = np.clip(parts.rising + np.where(rises & (phases == 0), moves[0], 0), 0, 1)
        falling = np.clip(parts.falling + np.where(rises, 0, moves[0]), 0, self.bounds.chord)
        bounds = parts.bounds + moves[1] * scale
        bounds = np.where(phases > 0, np.maximum(bounds, 0), np.minimum(bounds, 0))
        bounds[phases == 0] = 0
        box = parts.box + moves[2] * reach if len(moves) > 2 else parts.box
        return replace(parts, rising=rising, falling=falling, bounds=bounds, box=box)

    def _evaluate(self, parts: Parts, phases: Phases) -> Bounded:
        """Backwards for the bound, as `LeafBounds.values` does, and forwards again for the relaxed
        values, which are its derivatives."""
        given, n, count = self.bounds, self.bounds.inputs, len(phases)
        form, value = -parts.atoms @ given.atom_forms, -parts.atoms @ given.atom_constants
        units = len(given.undecided)
        coefficients, slopes = np.zeros((count, units)), np.zeros((count, units))
        opened, on = phases == 0, (phases > 0).astype(float)
        for layer in given.layers:
            part = layer.part
            d = coefficients[:, part] = form[:, layer.undecided]
            line = np.where(d > 0, parts.rising[:, part], parts.falling[:, part])
            slope = slopes[:, part] = np.where(opened[:, part], line, on[:, part])
            factors = np.hstack([form[:, layer.on], d * slope - parts.bounds[:, part]])
            value += factors @ layer.bias
            form[:, layer.columns] += factors @ layer.weights
        falls = opened & (coefficients < 0)
        lift = np.where(falls, (1 - slopes) * given.high, 0)
        value += (coefficients * lift).sum(axis=1)
        least, places, corners = given.least(form[:, :n], parts.box)
        a, z = np.zeros((count, units)), np.zeros((count, units))
        variables = np.zeros((count, given.variables))
        variables[:, :n] = places
        for layer in reversed(given.layers):
            part, count_on = layer.part, len(layer.on)
            pre = variables[:, layer.columns] @ layer.weights.T + layer.bias
            variables[:, layer.on] = pre[:, :count_on]
            a[:, part] = pre[:, count_on:]
            z[:, part] = slopes[:, part] * a[:, part] + lift[:, part]
            variables[:, layer.undecided] = z[:, part]
        return Bounded(value + least, parts, places, corners, a, z, coefficients)


def _better(best: Bounded, here: Bounded) -> Bounded:
    """Row by row the better of two."""
    rises = here.values > best.values
    rows = rises[:, None]
    parts = Parts(
        best.parts.atoms,
        np.where(rows, here.parts.rising, best.parts.rising),
        np.where(rows, here.parts.falling, best.parts.falling),
        np.where(rows, here.parts.bounds, best.parts.bounds),
        np.where(rows, here.parts.box, best.parts.box),
    )
    return Bounded(
        np.where(rises, here.values, best.values),
        parts,
        np.where(rows, here.points, best.points),
        np.where(rows, here.corners, best.corners),
        np.where(rows, here.a, best.a),
        np.where(rows, here.z, best.z),
        np.where(rows, here.coefficients, best.coefficients),
    )

"""Random networks with sums of ridge functions."""

from tests.oracles.random_queries import number
from verifier.question.build import Affine, NetworkBuilder


def separable_network(rng, inputs, outputs=1):
    """Units on a few directions, units on those, sums of them, and a unit over the sums."""
    build = NetworkBuilder(inputs)
    scale = rng.choice(("integers", "halves", "decimals"))
    draw = lambda: number(rng, scale)  # noqa: E731
    x = build.inputs
    directions = [x[k] for k in range(inputs)]
    if inputs > 1 and rng.random() < 0.4:  # nearly orthogonal rows, or anything
        directions = [
            x[0] * draw() + x[1] * draw() + (x[2] * draw() if inputs > 2 else 0) for _ in range(2)
        ]
    lines = [[d * draw() + draw() for _ in range(rng.randint(1, 2))] for d in directions]
    first = build.layer([row for line in lines for row in line])
    towers, at = [], 0
    for line in lines:
        towers.append(first[at : at + len(line)])
        at += len(line)
    second = build.layer([Affine.sum([u * draw() for u in t]) + draw() for t in towers])
    total = [
        Affine.sum([u * draw() for u in [*first, *second] if rng.random() < 0.8]) + draw()
        for _ in range(rng.randint(1, 2))
    ]
    sums = build.layer(total)
    if rng.random() < 0.4:  # sums that go on, as those of sawtooth levels do
        sums = build.layer(
            [Affine.sum([s * draw() for s in sums]) + rng.choice(second) * draw() + draw()]
        )
    last = [*sums, *(second if rng.random() < 0.5 else [])]
    return build.network([Affine.sum([u * draw() for u in last]) + draw() for _ in range(outputs)])

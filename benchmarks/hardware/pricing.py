"""What it costs to price the candidates of a proposal before training: design by design, and at once.

Every candidate is a network on three accelerators (1, 4 and 16 lanes), with spikes sampled from a model.
Design by design, resources, area, cycles and energy are computed anew; at once (``hardware.expected_cost``),
what spikes do not decide is counted once per design and remembered. In the first proposal no design is known,
in the second and third, which have other spikes, all are; a search is in between (about half in the first
dozen proposals of ``examples/digits.toml``).
"""

import sys
import time
from collections.abc import Callable, Sequence

import numpy as np

from benchmarks.common import Outcome, Row, run_benchmark
from hardware.area import area
from hardware.assumed import assumed_resources
from hardware.energy import Activity, energy
from hardware.expected import expected, expected_scan, expected_taps
from hardware.expected_cost import Design, expected_costs
from hardware.network import AcceleratorConfig, Convolution, FloatArray
from hardware.shape import LayerShape, NetworkShape, fully_connected

CANDIDATES, QUICK = 640, 80
LANES = (1, 4, 16)
DRAWS = 64
GOAL = 4.0
SEED = 0


def dense(rng: np.random.Generator) -> NetworkShape:
    """A network of the digits example's space."""
    return fully_connected((64, int(rng.integers(8, 129)), 10), int(rng.integers(2, 21)), "rate")


def convolved(rng: np.random.Generator) -> NetworkShape:
    """Two pooled convolutions of 8 to 32 channels and two fully connected layers, on 28x28."""
    channels = [8 * int(n) for n in rng.integers(1, 5, 2)]
    layers, frame = [], (1, 28, 28)
    for count in channels:
        geometry = Convolution(frame, 3, padding=1, pool=2)
        layers.append(LayerShape(geometry.n_in, count, geometry))
        frame = (count, *geometry.out_frame)
    width = 32 * int(rng.integers(1, 9))
    layers += [LayerShape(layers[-1].n_out, width), LayerShape(width, 10)]
    return NetworkShape(tuple(layers), int(rng.integers(4, 17)), "rate")


def looped(rng: np.random.Generator) -> NetworkShape:
    """A recurrent layer and a feed-forward one."""
    width = int(rng.integers(50, 251))
    layers = (LayerShape(700, width, recurrent=True), LayerShape(width, 20))
    return NetworkShape(layers, 10 * int(rng.integers(3, 11)), "rate")


Pricing = Callable[[Sequence[Design], FloatArray], FloatArray]
SPACES: dict[str, Callable[[np.random.Generator], NetworkShape]] = {
    "64-n-10": dense,
    "nc3-p2-nc3-p2-n-10": convolved,
    "700-nr-20": looped,
}


def body(quick: bool) -> Outcome:
    """Price three proposals of every space, design by design and at once."""
    count = QUICK if quick else CANDIDATES
    rows = [row for name, draw in SPACES.items() for row in _rows(name, draw, count)]
    known = min(row["ratio"] for row in rows if row["proposal"] > 1)
    first = min(row["ratio"] for row in rows if row["proposal"] == 1)
    extra = {"candidates": count, "lanes": LANES, "draws": DRAWS, "seed": SEED, "least ratio at first": first}
    return rows, known >= GOAL and first >= 1, extra


def _rows(name: str, draw: Callable[[np.random.Generator], NetworkShape], count: int) -> list[Row]:
    rng = np.random.default_rng(SEED)
    nets = [draw(rng) for _ in range(count)]
    rows = []
    for proposal in (1, 2, 3):
        designs = [
            (net, AcceleratorConfig(lanes=(lanes,) * len(net.layers))) for net in nets for lanes in LANES
        ]
        most = np.array([[n * net.time_steps for n in net.sizes[:-1]] for net, _ in designs])
        spikes = rng.random((DRAWS, *most.shape)) * 0.2 * most
        together, at_once = _timed(_at_once, designs, spikes)
        alone, one_by_one = _timed(_one_by_one, designs, spikes)
        rows.append(
            {
                "networks": name,
                "proposal": proposal,
                "design by design, ms per candidate": round(alone / count * 1e3, 4),
                "at once, ms per candidate": round(together / count * 1e3, 4),
                "ratio": round(alone / together, 2),
                "greatest difference": float(f"{np.abs(at_once / one_by_one - 1).max():.1e}"),
            }
        )
    return rows


def _one_by_one(designs: Sequence[Design], spikes: FloatArray) -> FloatArray:
    found = []
    for k, (net, config) in enumerate(designs):
        own = spikes[:, k]
        built, cycles = assumed_resources(net, config), expected(net, own, config)
        area(built)
        activity = Activity(expected_taps(net, own, config), expected_scan(net, own, config), cycles)
        found.append(energy(built, activity).total_uj)
    return np.stack(found, axis=1)


def _at_once(designs: Sequence[Design], spikes: FloatArray) -> FloatArray:
    return expected_costs(designs, spikes).energy_uj


def _timed(price: Pricing, designs: Sequence[Design], spikes: FloatArray) -> tuple[float, FloatArray]:
    start = time.process_time()
    found = price(designs, spikes)
    return time.process_time() - start, found


if __name__ == "__main__":
    goal = f"at once at least {GOAL:g} times as fast where designs are known, and never slower"
    sys.exit(run_benchmark("hardware.pricing", goal, body))

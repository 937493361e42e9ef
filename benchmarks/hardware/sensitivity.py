"""Does the order of designs hang on the energy model's assumed coefficients?

Networks of MNIST's size (784-128-10, 25 steps; 6, 12 or 24 % of the inputs and half as many of the hidden
neurons spike in a step), weights of 4 or 8 bits, stand on designs of both families that differ in lanes and
chunk width. Every coefficient without a published source is multiplied by 0.3 and by 3; then the pairs of
designs whose energies change order are counted, and the designs that enter or leave their network's front of
latency, energy and LUTs. Run it with ``python -m benchmarks.hardware.sensitivity [--quick] [--json PATH]``.
"""

import sys
from dataclasses import dataclass
from itertools import combinations, product

import numpy as np

from benchmarks.common import Outcome, Row, run_benchmark
from hardware.area import area
from hardware.assumed import assumed_resources
from hardware.energy import Activity, energy
from hardware.expected import expected, expected_scan
from hardware.network import AcceleratorConfig, Family
from hardware.shape import fully_connected

SIZES, STEPS = (784, 128, 10), 25
RATES = (0.06, 0.12, 0.24)
BITS = (4, 8)
LANES = (4, 8, 16, 32, 64, 128)
FAMILIES: tuple[Family, ...] = ("event_driven", "clock_driven")
CHUNKS = (8, 16, 32)
FACTORS = (0.3, 1.0, 3.0)
GOAL = 0.05


@dataclass(frozen=True)
class Design:
    """A design's latency and area, and its energy from published and from assumed coefficients."""

    latency_us: float
    luts: int
    published_uj: float
    assumed_uj: float

    def energy_uj(self, factor: float) -> float:
        """Return the energy with assumed coefficients times ``factor``."""
        return self.published_uj + factor * self.assumed_uj


def body(quick: bool) -> Outcome:
    """Scale the assumed terms of all designs."""
    del quick  # a second either way
    networks = [[_design(config, rate) for config in _configs(bits)] for bits, rate in product(BITS, RATES)]
    rows = [_row(factor, networks) for factor in FACTORS]
    swapped = max(row["pairs swapped"] / row["pairs"] for row in rows)
    return rows, swapped <= GOAL, {"sizes": SIZES, "time_steps": STEPS, "rates": RATES, "weight_bits": BITS}


def _row(factor: float, networks: list[list[Design]]) -> Row:
    designs = [design for network in networks for design in network]
    pairs = list(combinations(designs, 2))
    shares = [factor * d.assumed_uj / d.energy_uj(factor) for d in designs]
    fronts = [(_front(network, 1.0), _front(network, factor)) for network in networks]
    return {
        "factor": factor,
        "designs": len(designs),
        "least assumed share": round(min(shares), 3),
        "greatest assumed share": round(max(shares), 3),
        "pairs": len(pairs),
        "pairs swapped": sum(_before(a, b, factor) != _before(a, b, 1.0) for a, b in pairs),
        "on a front": sum(len(found) for _, found in fronts),
        "left a front": sum(len(before - found) for before, found in fronts),
        "entered a front": sum(len(found - before) for before, found in fronts),
    }


def _before(a: Design, b: Design, factor: float) -> bool:
    return a.energy_uj(factor) < b.energy_uj(factor)


def _front(designs: list[Design], factor: float) -> set[int]:
    """Return the designs, by index, that no other one equals or beats in latency, energy and LUTs."""
    costs = np.array([(d.latency_us, d.energy_uj(factor), d.luts) for d in designs])
    better = (costs[:, None] <= costs[None]).all(axis=2) & (costs[:, None] < costs[None]).any(axis=2)
    return {k for k in range(len(designs)) if not better[:, k].any()}


def _configs(bits: int) -> list[AcceleratorConfig]:
    return [
        AcceleratorConfig(
            lanes=(lanes, min(lanes, 10)),
            weight_bits=bits,
            membrane_bits=2 * bits,
            leak="shift",
            chunk_bits=chunk_bits,
            family=family,
        )
        for family, lanes, chunk_bits in product(FAMILIES, LANES, CHUNKS)
    ]


def _design(config: AcceleratorConfig, rate: float) -> Design:
    spikes = np.array([rate * SIZES[0], rate / 2 * SIZES[1]]) * STEPS
    net = fully_connected(SIZES, STEPS, "rate")
    cycles, scan = expected(net, spikes, config), expected_scan(net, spikes, config)
    built = assumed_resources(net, config)
    spent = energy(built, Activity(spikes, scan, cycles))
    total, assumed = float(spent.total_uj), float(spent.assumed_uj)
    return Design(float(cycles) / config.clock_mhz, area(built).luts, total - assumed, assumed)


if __name__ == "__main__":
    sys.exit(run_benchmark("hardware.sensitivity", "at most 5 % of the pairs of designs change order", body))

"""The area of clock-driven designs: the estimate against Yosys 0.23 (synth_xilinx -family xc7 -flatten)."""

import itertools

import numpy as np
import pytest

from hardware.area import area
from hardware.network import AcceleratorConfig, TrainedLayer, TrainedNetwork
from hardware.quantize import quantize
from hardware.resources import resources

SYNTHESISED = [
    # sizes, lanes, steps, encoding, weight and membrane bits, leak, LUTs, FFs, block RAM of 36 kbit, DSPs
    ((64, 32, 10), (32, 10), 16, "rate", (8, 16), "shift", 4032, 1852, 4.0, 0),
    ((64, 40, 10), (8, 5), 16, "rate", (8, 16), "shift", 1971, 650, 1.0, 0),
    ((100, 50, 10), (50, 10), 25, "rate", (8, 16), "multiply", 4427, 1675, 6.5, 60),
    ((64, 32, 10), (32, 10), 16, "direct", (6, 12), "shift", 4268, 2043, 3.0, 0),
    ((256, 64, 32, 10), (64, 16, 10), 25, "rate", (6, 8), "shift", 5112, 2595, 7.5, 0),
    ((784, 128, 10), (128, 10), 100, "rate", (4, 6), "shift", 6897, 4469, 19.5, 0),
    ((700, 200, 20), (200, 20), 100, "rate", (6, 8), "shift", 12644, 6852, 39.5, 0),
]


@pytest.mark.parametrize("design", SYNTHESISED, ids=lambda d: "-".join(map(str, d[0])) + " " + d[3])
def test_estimates_are_near_what_yosys_found(design):
    sizes, lanes, steps, encoding, (bits, membrane_bits), leak, luts, ffs, bram36, dsps = design
    rng = np.random.default_rng(0)
    layers = tuple(
        TrainedLayer(rng.normal(0.05, 0.3, (n_out, n_in)), 0.9, 1.0, "subtract")
        for n_in, n_out in itertools.pairwise(sizes)
    )
    config = AcceleratorConfig(
        lanes, weight_bits=bits, membrane_bits=membrane_bits, leak=leak, family="clock_driven"
    )
    found = area(resources(quantize(TrainedNetwork(layers, steps, encoding), config)))
    assert found.luts == pytest.approx(luts, rel=0.18 if max(lanes) < 16 else 0.06)
    assert found.ffs == pytest.approx(ffs, rel=0.08)
    assert found.bram36 == pytest.approx(bram36, abs=1.5)
    assert found.dsps == dsps

"""Yosys, nextpnr and icetime against our area estimate, on exported designs.

Every design is exported as Verilog and synthesised for Xilinx 7-series (``synth_xilinx``) or for iCE40
(``synth_ice40``, then placed and routed for HX8K for its clock). Weights are random: the estimate knows
shapes, and synthesis must not profit from trained zeros. Tools that are absent skip their rows, with a line.
Run it with ``python -m benchmarks.hardware.synthesis [--quick] [--json PATH]``; the full run takes minutes.
"""

import shutil
import sys
import tempfile
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common import Outcome, Row, run_benchmark
from benchmarks.hardware.yosys import Counts, clock_of, run_yosys
from hardware.area import rom_in_blocks
from hardware.devices import area_on, device
from hardware.integer import IntegerNetwork
from hardware.network import AcceleratorConfig, Convolution, Encoding, Reset, TrainedLayer, TrainedNetwork
from hardware.quantize import quantize
from hardware.resources import resources
from hardware.verilog import verilog

GOAL = 0.25
RESOURCES = ("luts", "ffs", "bram36", "dsps")
DEVICES = {"xc7": "pynq-z2", "ice40": "ice40-hx8k"}


@dataclass(frozen=True)
class Case:
    """One design to synthesise; ``convolutions``, (channels, geometry), come before the fully connected
    layers, whose ``sizes`` begin with the last frame."""

    sizes: tuple[int, ...]
    fabric: str = "xc7"
    time_steps: int = 25
    encoding: Encoding = "rate"
    reset: Reset = "subtract"
    config: dict[str, Any] = field(default_factory=dict)
    convolutions: tuple[tuple[int, Convolution], ...] = ()

    @property
    def name(self) -> str:
        """Shape and settings in a word."""
        words = [f"{key}={value}" for key, value in self.config.items()]
        shape = "-".join(map(str, self.sizes))
        if self.convolutions:
            frame = "x".join(map(str, self.convolutions[0][1].in_shape))
            shape = "-".join([frame, *(_word(*pair) for pair in self.convolutions), shape])
        return " ".join([shape, f"T={self.time_steps}", self.encoding, *words])


def _word(channels: int, geometry: Convolution) -> str:
    """Write a convolution: channels, kernel, and what differs from the plainest of stride, padding, pool."""
    plain = {"s": (geometry.stride, 1), "p": (geometry.padding, 0), "pool": (geometry.pool, 1)}
    return f"{channels}c{geometry.kernel}" + "".join(
        f"{key}{value}" for key, (value, usual) in plain.items() if value != usual
    )


SMALL = Case((64, 32, 10), config={"lanes": (8, 8)})
MNIST = Case((784, 128, 10), config={"lanes": (16, 10)})
SHIFT: dict[str, Any] = {"leak": "shift"}
SLIM: dict[str, Any] = {"weight_bits": 4, "membrane_bits": 10}
ICE40 = (
    Case((64, 32, 10), "ice40", config={"lanes": (8, 8), **SHIFT}),
    Case((64, 32, 10), "ice40", config={"lanes": (4, 2), **SHIFT, "chunk_bits": 16}),
    Case((64, 16, 10), "ice40", config={"lanes": (4, 2), **SLIM}),
    Case((128, 24, 10), "ice40", config={"lanes": (8, 5), "weight_bits": 4, "membrane_bits": 8}),
    Case((196, 32, 10), "ice40", config={"lanes": (8, 2), **SLIM, **SHIFT}),
    Case((64, 24, 10), "ice40", 16, "direct", config={"lanes": (4, 2), **SLIM, **SHIFT, "input_bits": 4}),
    Case((144, 40, 10), "ice40", 12, "rate", "zero", config={"lanes": (5, 2), **SHIFT, "weight_bits": 6}),
)
QUICK = (SMALL, ICE40[1])
FULL = (
    SMALL,
    MNIST,
    Case((784, 128, 10), config={"lanes": (64, 10), "weight_bits": 4, "membrane_bits": 8}),
    Case((784, 128, 10), config={"lanes": (32, 5), "leak": "shift"}),
    Case((64, 64, 10), time_steps=16, encoding="direct", config={"lanes": (16, 10)}),
    Case((196, 64, 32, 10), reset="zero", config={"lanes": (16, 8, 5), "weight_bits": 6}),
    Case((64, 96, 10), time_steps=8, config={"lanes": (4, 1), "chunk_bits": 16}),
    Case(
        (784, 128, 10),
        config={"lanes": (128, 10), "weight_bits": 4, "membrane_bits": 6, "family": "clock_driven", **SHIFT},
    ),
    *ICE40,
)


def network(case: Case) -> IntegerNetwork:
    """Return the case's network with random weights."""
    rng = np.random.default_rng(1)
    shapes: list[tuple[tuple[int, ...], Convolution | None]] = [
        ((channels, geometry.in_shape[0], geometry.kernel, geometry.kernel), geometry)
        for channels, geometry in case.convolutions
    ]
    shapes += [((n_out, n_in), None) for n_in, n_out in pairwise(case.sizes)]
    layers = tuple(
        TrainedLayer(rng.normal(0.02, 0.25, shape), 0.9, 1.0, case.reset, convolution=geometry)
        for shape, geometry in shapes
    )
    config = AcceleratorConfig(**case.config)
    return quantize(TrainedNetwork(layers, case.time_steps, case.encoding), config)


def body(quick: bool) -> Outcome:
    """Synthesise every case, one after another."""
    if not shutil.which("yosys"):
        print("yosys is not installed (Debian: yosys): nothing to compare with")
        return [], False, {}
    rows = [compared(case) for case in (QUICK if quick else FULL)]
    errors = {name: worst_error(rows, name) for name in RESOURCES}
    passed = all(row["weights in block RAM"] for row in rows)
    passed = passed and all(error is None or error <= GOAL for error in errors.values())
    return rows, passed, {"worst error": errors, "weights": "normal, seed 1"}


def compared(case: Case) -> Row:
    """Synthesise a case and set what Yosys counts beside the estimate."""
    net = network(case)
    folder = Path(tempfile.mkdtemp(prefix="spikefront-synthesis-"))
    try:
        design = verilog(net, "mini")
        for file, text in {"mini.v": design.module, **design.memories}.items():
            (folder / file).write_text(text, encoding="utf-8")
        found = run_yosys(folder, "mini", case.fabric)
        clock = clock_of(folder, "mini") if case.fabric == "ice40" else {}
    finally:
        shutil.rmtree(folder)
    row: Row = {"fabric": case.fabric, "design": case.name}
    estimate = area_on(device(DEVICES[case.fabric]), resources(net))
    for name in RESOURCES:
        counted, estimated = getattr(found, name), round(getattr(estimate, name), 3)
        if name == "luts" and case.fabric == "ice40":
            counted = clock.pop("logic cells", None)  # what such a device is made of
        row |= {name: counted, f"{name} est.": estimated, f"{name} error": _error(counted, estimated)}
    return row | {"weights in block RAM": _in_blocks(net, found), "yosys s": found.seconds} | clock


def _error(counted: float | None, estimated: float) -> float | None:
    if counted is None or not (counted or estimated):
        return None
    return round(estimated / counted - 1, 3) if counted else float("inf")


def _in_blocks(net: IntegerNetwork, found: Counts) -> bool:
    """Whether every weight memory that is large enough became block RAM."""
    large = [k for k, layer in enumerate(resources(net).layers) if rom_in_blocks(layer.weights)]
    return all(any(f"layer{k}_weights" in cell for cell in found.blocks) for k in large)


def worst_error(rows: list[Row], name: str) -> float | None:
    """Return the greatest error of a resource, either way; None where no row has any of it."""
    errors = [abs(row[f"{name} error"]) for row in rows if row[f"{name} error"] is not None]
    return max(errors, default=None)


if __name__ == "__main__":
    goal = "LUT, FF, BRAM, DSP within 25 % of Yosys; weights in block RAM"
    sys.exit(run_benchmark("hardware.synthesis", goal, body))

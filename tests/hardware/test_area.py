import re
import shutil
import subprocess

import numpy as np
import pytest

from hardware.area import area
from hardware.assumed import assumed_resources
from hardware.network import AcceleratorConfig, TrainedLayer, TrainedNetwork
from hardware.quantize import quantize
from hardware.resources import resources
from hardware.shape import fully_connected
from hardware.verilog import verilog


def estimate(sizes=(784, 128, 10), time_steps=25, encoding="rate", **config):
    return area(
        assumed_resources(
            fully_connected(sizes, time_steps, encoding), AcceleratorConfig(**{"lanes": (16, 10), **config})
        )
    )


def test_block_ram_by_hand():
    """6,272 words of 128 bits: 13 x 2 blocks of 512 x 72; 128 of 80 bits: 3 halves; 625 of 32 bits: 1."""
    assert estimate().bram36 == 26 + 1.5 + 1


def test_dsps_are_the_lanes_that_multiply():
    assert estimate().dsps == 26
    assert estimate(leak="shift").dsps == 0


def test_area_grows_with_lanes_and_widths():
    base = estimate(lanes=(8, 5))
    assert estimate(lanes=(16, 10)).luts > base.luts
    assert estimate(lanes=(8, 5), membrane_bits=24).luts > base.luts
    assert estimate(lanes=(8, 5), weight_bits=4).bram36 < base.bram36
    assert estimate(lanes=(8, 5)).luts == sum(base.layer_luts) + base.shared_luts


@pytest.mark.skipif(shutil.which("yosys") is None, reason="yosys is not installed")
@pytest.mark.slow
def test_the_estimate_is_near_a_synthesis_and_weights_map_to_block_ram(tmp_path):
    rng = np.random.default_rng(0)
    layers = tuple(
        TrainedLayer(rng.normal(0.05, 0.3, (n_out, n_in)), 0.9, 1.0, "subtract")
        for n_in, n_out in ((48, 24), (24, 10))
    )
    config = AcceleratorConfig(lanes=(6, 5), leak="shift", membrane_bits=12)
    net = quantize(TrainedNetwork(layers, 8, "rate"), config)
    design = verilog(net, "chip")
    (tmp_path / "chip.v").write_text(design.module)
    for name, text in design.memories.items():
        (tmp_path / name).write_text(text)
    script = "read_verilog chip.v; synth_xilinx -family xc7 -flatten -top chip; tee -o stat.txt stat"
    subprocess.run(["yosys", "-q", "-p", script], cwd=tmp_path, check=True, capture_output=True, timeout=200)
    stat = (tmp_path / "stat.txt").read_text()
    cells = {name: int(number) for name, number in re.findall(r"^\s+([A-Z]\w+)\s+(\d+)$", stat, re.MULTILINE)}
    luts = sum(cells.get(f"LUT{i}", 0) for i in range(1, 7)) + 4 * (
        cells.get("RAM32M", 0) + cells.get("RAM64M", 0)
    )
    bram = cells.get("RAMB36E1", 0) + cells.get("RAMB18E1", 0) / 2
    found = area(resources(net))
    assert bram == found.bram36 > 0
    assert cells.get("DSP48E1", 0) == found.dsps == 0
    assert found.luts == pytest.approx(luts, rel=0.15)
    assert found.ffs == pytest.approx(cells["FDRE"] + cells.get("FDSE", 0), rel=0.1)

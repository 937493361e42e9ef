"""The iCE40 estimate against synthesis results that are recorded, and its laws."""

import json
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.hardware.synthesis import ICE40, RESOURCES, Case, network
from benchmarks.hardware.yosys import run_yosys
from hardware.area import area
from hardware.area_ice40 import ice40_area
from hardware.devices import DEVICES, area_on
from hardware.resources import resources
from hardware.verilog import verilog

RECORD = Path(__file__).parents[2] / "benchmarks" / "hardware" / "synthesis.json"
ROWS = [row for row in json.loads(RECORD.read_text())["rows"] if row["fabric"] == "ice40"]


def test_the_record_is_of_the_cases_that_the_benchmark_has():
    assert [row["design"] for row in ROWS] == [case.name for case in ICE40]


@pytest.mark.parametrize(
    ("case", "row"), list(zip(ICE40, ROWS, strict=True)), ids=lambda v: getattr(v, "name", "")
)
def test_estimates_are_as_close_to_synthesis_as_stated(case, row):
    found = area_on(DEVICES["ice40-hx8k"], resources(network(case)))
    assert found.luts == pytest.approx(row["luts"], rel=0.15)
    assert found.ffs == pytest.approx(row["ffs"], rel=0.10)
    assert found.bram36 == pytest.approx(row["bram36"], abs=0.001)
    assert found.dsps == 0


@pytest.mark.skipif(shutil.which("yosys") is None, reason="Yosys is not installed")
def test_block_ram_and_flip_flops_of_a_fresh_synthesis(tmp_path):
    net = network(Case((48, 12, 6), "ice40", 6, config={"lanes": (2, 2), "leak": "shift", "chunk_bits": 8}))
    design = verilog(net, "fresh")
    for file, text in {"fresh.v": design.module, **design.memories}.items():
        (tmp_path / file).write_text(text)
    counted = run_yosys(tmp_path, "fresh", "ice40")
    found = ice40_area(resources(net))
    assert found.bram36 == pytest.approx(counted.bram36, abs=0.001)
    assert found.ffs == pytest.approx(counted.ffs, rel=0.15)
    assert any("layer0_weights" in name for name in counted.blocks)


def test_more_lanes_and_wider_potentials_cost_cells():
    case = ICE40[0]
    narrow = ice40_area(resources(network(case)))
    for change in ({"lanes": (16, 10)}, {"membrane_bits": 20}, {"leak": "multiply"}):
        wide = ice40_area(resources(network(replace(case, config=case.config | change))))
        assert wide.luts > narrow.luts, change


def test_there_are_no_multipliers_to_use():
    built = resources(network(replace(ICE40[0], config={"lanes": (8, 8), "leak": "multiply"})))
    assert area(built).dsps == 16
    assert ice40_area(built).dsps == 0
    assert all(getattr(ice40_area(built), name) >= 0 for name in RESOURCES)


def test_yosys_refuses_what_is_no_verilog(tmp_path):
    (tmp_path / "bad.v").write_text("module bad(; endmodule")
    if shutil.which("yosys") is None:
        pytest.skip("Yosys is not installed")
    with pytest.raises(subprocess.CalledProcessError):
        run_yosys(tmp_path, "bad", "ice40")

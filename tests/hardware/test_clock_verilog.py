"""Exported Verilog of clock-driven designs, run by simulators that are not ours."""

import numpy as np
import pytest

from benchmarks.hardware.cases import clock_cases
from hardware.cost import price_net
from hardware.export import export
from hardware.testbench import testbench as make_bench
from hardware.verilog import verilog
from hardware.verilog_run import installed, run_bench


def _written(case, folder):
    design, bench = verilog(case.net, "chip"), make_bench(case.net, "chip", case.inputs)
    files = {"chip.v": design.module, "tb_chip.v": bench.text, **design.memories, **bench.files}
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")


@pytest.mark.skipif(not installed("icarus"), reason="iverilog is not installed")
@pytest.mark.parametrize("case", clock_cases(10, seed=21), ids=lambda case: case.name.split(":")[0])
def test_icarus_agrees_in_spikes_classes_and_cycles(case, tmp_path):
    _written(case, tmp_path)
    run_bench("icarus", tmp_path, "chip", len(case.inputs))


def test_an_exported_design_names_its_family(tmp_path):
    case = clock_cases(1, seed=22)[0]
    labels = np.zeros(len(case.inputs), dtype=np.int64)
    cost = price_net(case.net, case.inputs, labels)
    export(tmp_path / "design", case.net, "chip", case.inputs, labels, cost=cost)
    assert "\nA clock-driven accelerator" in (tmp_path / "design" / "README.md").read_text(encoding="utf-8")
    assert '"family": "clock_driven"' in (tmp_path / "design" / "manifest.json").read_text(encoding="utf-8")

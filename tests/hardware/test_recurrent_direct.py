"""A recurrent first layer on a constant current: its inputs are added up once, its own spikes every step."""

import sys
import types
from pathlib import Path

import numpy as np
import pyrtl
import pytest

from benchmarks.hardware.cases import cases, clock_cases
from hardware import cycles
from hardware.area import area
from hardware.energy import activity, energy
from hardware.network import AcceleratorConfig, TrainedLayer, TrainedNetwork
from hardware.quantize import quantize
from hardware.reference import run
from hardware.resources import resources
from hardware.rtl.accelerator import build
from hardware.simulate import check, simulate
from hardware.testbench import testbench as make_bench
from hardware.verilog import verilog
from hardware.verilog_run import installed, run_bench

FAMILIES = {"event_driven": cases, "clock_driven": clock_cases}


def chosen(family, number):
    """The first ``number`` random networks of that kind."""
    found = FAMILIES[family](60 * number, seed=41)
    return [c for c in found if c.net.direct and c.net.layers[0].recurrent is not None][:number]


@pytest.fixture(scope="module")
def simulated():
    return [(case, simulate(case.net, case.inputs)) for case in chosen("event_driven", 30)]


def network(family="event_driven", schedule="pipelined", classes=2):
    """Three neurons on two lanes, in a ring; two inputs of two bits in chunks of one."""
    layer = TrainedLayer(
        np.array([[1.0, 0.0], [0.0, 0.5], [0.0, 0.0]]), 0.0, 0.4, "none", recurrent=np.roll(np.eye(3), 1, 0)
    )
    behind = TrainedLayer(np.ones((classes, 3)), 0.0, 0.5, "none")
    config = AcceleratorConfig(
        lanes=(2, classes), input_bits=2, chunk_bits=1, family=family, schedule=schedule
    )
    return quantize(TrainedNetwork((layer, behind), 3, "direct"), config)


CURRENTS = np.array([[0, 3]], dtype=np.uint16)
"""The current of neuron 1 is 3/8, just below its threshold; then none of neuron 0."""


def test_spikes_by_hand():
    """Neuron 1 is driven by half an LSB short of its current; neuron 0 starts the ring."""
    net = network()
    found = run(net, np.array([[3, 0]], dtype=np.uint16))
    # 0.75 a step keeps neuron 0 firing, neuron 1 fires on its echo a step later, neuron 2 on that
    assert found.spikes[0][0].tolist() == [[1, 0, 0], [1, 1, 0], [1, 1, 1]]
    assert run(net, CURRENTS).spikes[0].sum() == 0


def test_cycles_by_hand():
    net = network()
    inputs = np.array([[3, 0]], dtype=np.uint16)
    found = cycles.count(net, run(net, inputs), inputs)
    # two planes of chunks with one spike and none: 2 * (2 + 1); own spikes 0, then 1, then 2 of two groups
    assert found.spikes[0].tolist() == [2, 6]
    assert found.echoes[0].tolist() == [3, 0]
    assert found.scan[0, 0] == 2 * (2 + 1) + 3 + (2 + 1 + 1) + (2 + 2 + 1)
    # taken at 2, planes to 8, no own spikes to 11, fired 12 and 13; the vector at 15 is fetched at 16 and
    # taken at 17, scanned to 21, fired 22 and 23; again taken at 27, scanned to 32, fired 33 and 34
    behind = 34 + 2 + 1 + 1  # valid, accepted, fetched and taken
    assert found.total.tolist() == [behind + 3 + 1 + 2 + 2 + 1]
    assert simulate(net, inputs).cycles.tolist() == found.total.tolist()


@pytest.mark.parametrize("family", FAMILIES)
def test_random_networks_agree_and_their_registers_are_counted(family, simulated):
    done = chosen(family, 30)
    assert len(done) == 30
    assert any(len(case.net.layers) == 1 for case in done)
    assert any(case.net.chunks[0] > 1 and case.net.echo_chunks[0] > 1 for case in done)
    assert any(case.net.layers[0].synapse_leak is not None for case in done)
    for case in done:
        check(case.net, case.inputs)
        registers = sum(len(w) for w in build(case.net).wirevector_subset(pyrtl.Register))
        assert resources(case.net).total_flip_flops == registers, case.name
    spikes = [rtl.spikes[0].mean() for _, rtl in simulated]
    assert np.mean([0 < rate < 1 for rate in spikes]) > 0.5


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("xp.maximum(taken, last + 2 + 1)", "xp.maximum(taken, last + 2)"),
        ("else finished + 1", "else finished"),
        ("else finished + 1", "else finished + 2"),
        ("if step == 0 else", "if True else"),
        ("begin + layer.own.cycles(*vector), begin", "begin, begin"),
        ("_scan_own(layer, vector, free, before)", "_scan_own(layer, (0, vector[1]), free, before)"),
    ],
)
def test_a_wrong_formula_is_found(simulated, monkeypatch, old, new):
    source = Path(cycles.__file__).read_text(encoding="utf-8")
    assert source.count(old) == 1, f"the mutation no longer finds {old!r}"
    module = types.ModuleType("mutant")
    monkeypatch.setitem(sys.modules, "mutant", module)  # where dataclasses look up their module
    exec(compile(source.replace(old, new), "mutant", "exec"), module.__dict__)
    found = [module.count(case.net, run(case.net, case.inputs), case.inputs).total for case, _ in simulated]
    assert any((total != rtl.cycles).any() for total, (_, rtl) in zip(found, simulated, strict=True))


def test_own_spikes_touch_the_state_and_inputs_the_current():
    net = network()
    inputs = np.array([[3, 0]], dtype=np.uint16)
    found = cycles.count(net, run(net, inputs), inputs)
    built, loud = resources(net), activity(found)
    silent = type(loud)(loud.spikes, loud.scan, loud.cycles)
    one, other = (energy(built, spent).parts_uj["state memory"] for spent in (loud, silent))
    layer = built.layers[0]
    assert layer.current.bits == 2 * net.layers[0].accumulator_bits
    assert layer.state.bits == 2 * net.layers[0].state_bits
    pj = 2 * 3 * 2 * (layer.state.bits - layer.current.bits) * 10 / 64 * np.sqrt(1 / 8)
    assert one - other == pytest.approx(pj * 1e-6)


@pytest.mark.skipif(not installed("icarus"), reason="iverilog is not installed")
@pytest.mark.parametrize("family", FAMILIES)
def test_exported_verilog_agrees(family, tmp_path):
    case = max(chosen(family, 8), key=lambda case: len(case.net.layers))
    design, bench = verilog(case.net, "chip"), make_bench(case.net, "chip", case.inputs)
    files = {"chip.v": design.module, "tb_chip.v": bench.text, **design.memories, **bench.files}
    for name, text in files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    run_bench("icarus", tmp_path, "chip", len(case.inputs))


def test_own_spikes_beside_a_current_need_adders_of_their_own():
    """Yosys 0.23 finds 2,847 LUTs for 64-32-10 on currents with 8 and 10 lanes, and 3,280 when recurrent."""
    rng = np.random.default_rng(0)

    def luts(recurrent):
        own = rng.normal(0.0, 0.2, (32, 32)) if recurrent else None
        layers = (
            TrainedLayer(rng.normal(0.0, 0.2, (32, 64)), 0.875, 1.0, "subtract", recurrent=own),
            TrainedLayer(rng.normal(0.0, 0.2, (10, 32)), 0.875, 1.0, "subtract"),
        )
        config = AcceleratorConfig(lanes=(8, 10), leak="shift")
        return area(resources(quantize(TrainedNetwork(layers, 10, "direct"), config))).luts

    assert luts(recurrent=False) == pytest.approx(2847, rel=0.05)
    assert luts(recurrent=True) == pytest.approx(3280, rel=0.05)

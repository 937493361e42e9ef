import dataclasses

import numpy as np
import pyrtl
import pytest

from benchmarks.hardware.cases import cases
from hardware.assumed import assumed_resources
from hardware.coefficients import ASIC_45NM, FPGA_7SERIES, TABLES, energy_table
from hardware.cycles import count
from hardware.energy import Activity, activity, energy
from hardware.network import AcceleratorConfig
from hardware.reference import run
from hardware.resources import resources
from hardware.rtl.accelerator import build
from hardware.shape import fully_connected
from hardware.simulate import IDLE, input_words
from spikefront.errors import InputError

NET = fully_connected((100, 40, 10), 10, "rate")
BUILT = assumed_resources(NET, AcceleratorConfig(lanes=(8, 10)))


def spent(spikes, cycles=1000.0, model="asic_45nm", built=BUILT):
    spikes = np.asarray(spikes, dtype=float)
    return energy(built, Activity(spikes, spikes * 2, np.asarray(cycles)), model)


@pytest.mark.parametrize("model", sorted(TABLES))
def test_parts_and_places_add_up_to_the_total(model):
    for case in cases(10, seed=3):
        report = count(case.net, run(case.net, case.inputs), case.inputs)
        found = energy(resources(case.net), activity(report), model)
        assert found.model == model
        assert found.total_uj.shape == (len(case.inputs),)
        assert (found.total_uj > 0).all()
        assert sum(found.parts_uj.values()) == pytest.approx(found.total_uj)
        assert sum(found.places_uj.values()) == pytest.approx(found.total_uj)
        assert 0 <= found.assumed_share < 1
        assert all(f"layer{k}" in found.places_uj for k in range(len(case.net.layers)))


def test_weight_reads_by_hand():
    """100 spikes times 5 groups read 64-bit words of 500: 3.9 kB costs 10 pJ * sqrt(3.9 / 8)."""
    found = spent([100, 0])
    assert found.parts_uj["weight memory"] == pytest.approx(
        100 * 5 * 10 * np.sqrt(500 * 64 / 8192 / 8) * 1e-6
    )


def test_leakage_by_hand():
    """1,000 cycles at 100 MHz: 10 us, of 5 uW per kB and 5 nW per flip-flop."""
    found = spent([0, 0])
    kilobytes = sum(memory.words * memory.bits for memory in BUILT.memories) / 8192
    assert found.parts_uj["leakage"] == pytest.approx((5 * kilobytes + 0.005 * BUILT.total_flip_flops) * 1e-5)


def test_a_spike_costs_energy_and_a_slower_clock_costs_leakage_alone():
    quiet, busy = spent([0, 0]), spent([50, 20])
    for part in ("weight memory", "state memory", "adders", "scanner"):
        assert busy.parts_uj[part] > quiet.parts_uj[part]
    slow = dataclasses.replace(BUILT, config=dataclasses.replace(BUILT.config, clock_mhz=50.0))
    slower = spent([50, 20], built=slow)
    for part, uj in slower.parts_uj.items():
        assert uj == pytest.approx(busy.parts_uj[part] * (2 if part == "leakage" else 1))


def test_the_shift_leak_needs_no_multiplier():
    shift = AcceleratorConfig(lanes=(8, 10), leak="shift")
    assert "leak" in spent([1, 1]).parts_uj
    assert "leak" not in spent([1, 1], built=assumed_resources(NET, shift)).parts_uj


def test_the_fpga_preset_is_its_stated_line():
    """66 mW over 10 us and 0.198 pJ per cell and cycle."""
    found = spent([50, 20], model="fpga_7series")
    assert found.parts_uj["constant power"] == pytest.approx(0.66)
    assert spent([0, 0], model="fpga_7series").total_uj == found.total_uj
    assert found.assumed_share == 0


def test_leading_dimensions_are_kept():
    spikes = np.random.default_rng(0).random((3, 4, 2)) * 50
    cycles = np.full((3, 4), 700.0)
    found = spent(spikes, cycles)
    assert found.total_uj.shape == (3, 4)
    assert found.total_uj[1, 2] == pytest.approx(float(spent(spikes[1, 2], 700.0).total_uj))


def test_every_coefficient_says_where_it_comes_from():
    for table in TABLES.values():
        assert table.scope
        assert table.uncertainty
        for coefficient in table.coefficients.values():
            assert coefficient.value > 0
            assert coefficient.unit
            assert (coefficient.kind == "assumed") == (coefficient.source == "no source")
    assert {ASIC_45NM.name, FPGA_7SERIES.name} == set(TABLES)


def test_an_unknown_model_is_refused():
    with pytest.raises(InputError, match="'asic_7nm' is unknown; use one of asic_45nm, fpga_7series"):
        energy_table("asic_7nm")


def test_a_convolution_reads_the_weights_that_are_counted_and_no_others():
    """Outside the frame, and where nothing is added, the weight memory's address stays as it was."""
    seen = 0
    for case in cases(40, seed=5):
        net = case.net
        if net.config.family != "event_driven" or net.layers[0].convolution is None:
            continue
        counted = activity(count(net, run(net, case.inputs[:1]), case.inputs[:1])).spikes[0, 0]
        rows, adds = _weight_rows(net, case.inputs[:1])
        moved = np.flatnonzero(np.diff(rows)) + 1
        assert adds.sum() == counted * net.groups[0], case.name
        assert adds[moved].all(), case.name
        seen += len(moved) > 0
    assert seen > 3


def _weight_rows(net, inputs):
    """The first layer's weight address, and whether weights are added, in every cycle of an inference."""
    simulation = pyrtl.FastSimulation(tracer=None, block=build(net))
    simulation.step(IDLE)
    while not simulation.inspect("ready"):
        simulation.step(IDLE)
    for address, word in enumerate(input_words(net, inputs)[0]):
        simulation.step({**IDLE, "load": 1, "load_address": address, "load_data": word})
    simulation.step({**IDLE, "start": 1})
    found = []
    while not simulation.inspect("done"):
        simulation.step(IDLE)
        found.append([simulation.inspect(f"layer0_{name}") for name in ("weight_row", "adding_tap")])
    return np.array(found).T

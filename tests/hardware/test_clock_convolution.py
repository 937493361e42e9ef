"""Convolutional layers of the clock-driven family: every tap of every input is walked."""

import dataclasses

import numpy as np
import pytest

from benchmarks.hardware.cases import clock_cases
from hardware.cost import on_config
from hardware.cycles import count
from hardware.energy import activity, energy
from hardware.network import AcceleratorConfig, Convolution, TrainedLayer, TrainedNetwork
from hardware.quantize import quantize
from hardware.reference import run
from hardware.resources import resources
from hardware.simulate import check, simulate
from hardware.testbench import testbench as make_bench
from hardware.verilog import verilog
from hardware.verilog_run import installed, run_bench


def network(time_steps=1, encoding="rate", pool=1, **config):
    """A frame of 2x3 under 2x2 kernels without padding: 1x2 pixels, three channels on two lanes."""
    rng = np.random.default_rng(0)
    layer = TrainedLayer(
        rng.normal(0.4, 0.4, (3, 1, 2, 2)), 0.9, 1.0, "subtract", convolution=Convolution((1, 2, 3), 2)
    )
    behind = TrainedLayer(rng.normal(0.2, 0.4, (3, 6)), 0.9, 1.0, "subtract")
    settings = AcceleratorConfig(lanes=(2, 3), family="clock_driven", **config)
    return quantize(TrainedNetwork((layer, behind), time_steps, encoding), settings)


def report(net, inputs):
    return count(net, run(net, inputs), inputs)


def test_a_step_by_hand():
    net = network()
    inputs = np.array([[[0, 0, 1, 0, 0, 0]], [[1, 1, 1, 1, 1, 1]], [[0, 0, 0, 0, 0, 0]]], dtype=np.uint8)
    found = report(net, inputs)
    # six inputs of four taps and two groups, spike or not; two pixels of two groups to fire, and a stage
    assert found.scan[:, 0].tolist() == [48, 48, 0]
    assert found.fire[:, 0].tolist() == [4, 4, 4]
    spiking = run(net, inputs).spikes[0].any(axis=(1, 2))
    # fetched at 1, start and count 2; each step one to begin; six inputs behind, if any; three classes
    expected = 1 + 2 + (1 + found.scan[:, 0] + 4 + 1) + (1 + 6 * spiking + 1) + 3
    assert found.total.tolist() == expected.tolist()
    assert simulate(net, inputs).cycles.tolist() == expected.tolist()
    assert spiking.tolist() == [False, True, False]


def test_planes_of_a_constant_current_are_walked_without_a_stage_behind():
    net = network(time_steps=2, encoding="direct", input_bits=2)
    inputs = np.array([[0, 0, 1, 0, 0, 0]], dtype=np.uint16)
    # plane 0 is walked, plane 1 is empty
    planes = (1 + 48) + (1 + 0)
    found = report(net, inputs)
    silent = not run(net, inputs).spikes[0].any()
    assert silent
    assert found.total.tolist() == [1 + 2 + planes + 2 * (1 + 4 + 1) + (1 + 1) + 3]
    assert simulate(net, inputs).cycles.tolist() == found.total.tolist()


def test_spikes_do_not_depend_on_the_family():
    clock = network(time_steps=4)
    event = on_config(clock, dataclasses.replace(clock.config, family="event_driven"))
    inputs = (np.random.default_rng(1).random((3, 4, 6)) < 0.4).astype(np.uint8)
    for a, b in zip(simulate(event, inputs).spikes, simulate(clock, inputs).spikes, strict=True):
        assert np.array_equal(a, b)


def test_a_weight_is_read_for_every_tap_but_added_for_spikes_that_land():
    """One spike in a corner or all: the same reads of the weights, but fewer additions."""
    net = network(time_steps=3)
    few, many = np.zeros((1, 3, 6), np.uint8), np.ones((1, 3, 6), np.uint8)
    few[:, :, 0] = 1
    quiet, busy = (energy(resources(net), activity(report(net, inputs))) for inputs in (few, many))
    weights = 3 * 48 * 2 * 8 / 64 * np.sqrt(1 / 8) * 10e-6  # words of two weights, 10 pJ per 64 bits
    assert quiet.parts_uj["address tables"] == pytest.approx(busy.parts_uj["address tables"])
    assert quiet.parts_uj["adders"] < busy.parts_uj["adders"]
    behind = report(net, few).scan[0, 1] * 3 * 8 / 64 * np.sqrt(1 / 8) * 10e-6
    assert quiet.parts_uj["weight memory"] == pytest.approx(weights + behind)


def chosen(number, seed):
    found = [case for case in clock_cases(8 * number, seed) if any(x.convolution for x in case.net.layers)]
    assert len(found) >= number
    return found[:number]


def test_random_networks_agree():
    done = chosen(40, seed=51)
    shapes = [layer.convolution for case in done for layer in case.net.layers if layer.convolution]
    assert {shape.pool for shape in shapes} == {1, 2}
    assert {shape.stride for shape in shapes} == {1, 2, 3}
    assert any(case.net.direct for case in done)
    assert any(case.net.layers[-1].convolution for case in done)
    assert any(layer.recurrent is not None for case in done for layer in case.net.layers)
    for case in done:
        check(case.net, case.inputs)


@pytest.mark.skipif(not installed("icarus"), reason="iverilog is not installed")
@pytest.mark.parametrize("last", [False, True])
def test_exported_verilog_agrees(last, tmp_path):
    case = next(case for case in chosen(40, seed=51) if bool(case.net.layers[-1].convolution) == last)
    design, bench = verilog(case.net, "chip"), make_bench(case.net, "chip", case.inputs)
    files = {"chip.v": design.module, "tb_chip.v": bench.text, **design.memories, **bench.files}
    for name, text in files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    run_bench("icarus", tmp_path, "chip", len(case.inputs))

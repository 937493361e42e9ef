from dataclasses import replace

import pyrtl
import pytest

from benchmarks.hardware.cases import cases
from benchmarks.hardware.row_cases import on_dense, row_cases
from hardware.assumed import assumed_resources
from hardware.network import AcceleratorConfig, Convolution
from hardware.resources import resources
from hardware.rtl.accelerator import build
from hardware.shape import LayerShape, NetworkShape, fully_connected, shape_of


def test_counts_equal_the_registers_and_memories_of_the_rtl():
    for case in cases(60, seed=11):
        block, counted = build(case.net), resources(case.net)
        registers = sum(len(wire) for wire in block.wirevector_subset(pyrtl.Register))
        assert counted.total_flip_flops == registers, case.name
        memories = {net.op_param[1] for net in block.logic if net.op in "m@"}
        assert sorted(m.bitwidth for m in memories) == sorted(m.bits for m in counted.memories), case.name


def test_assumed_resources_are_the_exact_ones_but_for_widths():
    for case in cases(120, seed=12):
        exact = resources(case.net)
        assumed = assumed_resources(shape_of(case.net), case.net.config)
        assert assumed.input_memory == exact.input_memory
        assert assumed.flip_flops == exact.flip_flops
        for a, e in zip(assumed.layers, exact.layers, strict=True):
            assert (a.lanes, a.groups, a.weights, a.tables) == (e.lanes, e.groups, e.weights, e.tables)
            assert (a.multiplies, a.subtracts) == (e.multiplies, e.subtracts)
            assert a.sum_bits >= e.sum_bits
            for one, other in ((a.state, e.state), (a.current, e.current), (a.bias, e.bias)):
                assert (one and one.words) == (other and other.words)
            if not a.state.registers:
                assert a.flip_flops == e.flip_flops, case.name


def test_more_lanes_than_neurons_are_not_built():
    config = AcceleratorConfig(lanes=(64, 3))
    layers = assumed_resources(fully_connected((20, 8, 5), 4, "rate"), config).layers
    assert [(layer.lanes, layer.groups) for layer in layers] == [(8, 1), (3, 2)]
    assert layers[0].state.registers
    assert not layers[1].state.registers


def test_spikes_are_assumed_to_be_watched_where_they_are():
    """Resets that do not subtract are not known before training."""
    watched = 0
    for case in row_cases(60, seed=11):
        assumed = assumed_resources(shape_of(case.net), case.net.config)
        for layer, a, e in zip(case.net.layers, assumed.layers, resources(case.net).layers, strict=True):
            assert a.watched == (e.watched if layer.reset == "subtract" else 0), case.name
            watched += a.watched > 0
    assert watched > 5


@pytest.mark.parametrize(("leak", "beta"), [("multiply", 0.999), ("shift", 0.99999)])
def test_a_decay_that_rounds_to_none_is_assumed_to_be_none(leak, beta):
    layer = LayerShape(36, 2, Convolution((1, 6, 6), 3), leaks=(beta,))
    net = NetworkShape((layer, LayerShape(32, 3)), 4, "rate")
    config = AcceleratorConfig((1, 1), leak=leak, leak_bits=8, sweep="touched_rows")
    assert assumed_resources(net, config).layers[0].watched == 32
    leaks = replace(net, layers=(replace(layer, leaks=(0.9,)), net.layers[1]))
    assert assumed_resources(leaks, config).layers[0].watched == 0


def test_counts_of_touched_rows_equal_the_registers_and_memories_of_the_rtl():
    for case in row_cases(40, seed=11):
        for one in (case, on_dense(case)):
            block, counted = build(one.net), resources(one.net)
            registers = sum(len(wire) for wire in block.wirevector_subset(pyrtl.Register))
            assert counted.total_flip_flops == registers, one.name
            memories = {net.op_param[1] for net in block.logic if net.op in "m@"}
            assert sorted(m.bitwidth for m in memories) == sorted(m.bits for m in counted.memories), one.name

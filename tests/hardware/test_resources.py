import pyrtl

from benchmarks.hardware.cases import cases
from benchmarks.hardware.row_cases import on_dense, row_cases
from hardware.assumed import assumed_resources
from hardware.network import AcceleratorConfig
from hardware.resources import resources
from hardware.rtl.accelerator import build
from hardware.shape import fully_connected, shape_of


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


def test_counts_of_touched_rows_equal_the_registers_and_memories_of_the_rtl():
    for case in row_cases(40, seed=11):
        for one in (case, on_dense(case)):
            block, counted = build(one.net), resources(one.net)
            registers = sum(len(wire) for wire in block.wirevector_subset(pyrtl.Register))
            assert counted.total_flip_flops == registers, one.name
            memories = {net.op_param[1] for net in block.logic if net.op in "m@"}
            assert sorted(m.bitwidth for m in memories) == sorted(m.bits for m in counted.memories), one.name

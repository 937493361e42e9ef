"""The clock-driven family: reference == RTL == closed form on random small networks, and figures by hand."""

import dataclasses
import itertools

import numpy as np
import pyrtl
import pytest

import hardware.cycles_clock as formula
from benchmarks.hardware.cases import clock_cases
from hardware.assumed import assumed_resources
from hardware.chunks import layer_chunks
from hardware.cycles import count
from hardware.energy import activity, energy
from hardware.network import AcceleratorConfig, TrainedLayer, TrainedNetwork
from hardware.quantize import quantize
from hardware.reference import run
from hardware.resources import resources
from hardware.rtl.accelerator import build
from hardware.shape import shape_of
from hardware.simulate import simulate
from tests.hardware.mutants import mutant

NETWORKS = 160


@pytest.fixture(scope="module")
def walked():
    """Random networks with what their RTL did; several samples in a row, no reset in between."""
    return [(case, case.net, simulate(case.net, case.inputs)) for case in clock_cases(NETWORKS, seed=5)]


def make(sizes, lanes, time_steps=5, encoding="rate", **config):
    rng = np.random.default_rng(0)
    layers = tuple(
        TrainedLayer(rng.normal(0.05, 0.4, (n_out, n_in)), 0.9, 1.0, "subtract")
        for n_in, n_out in itertools.pairwise(sizes)
    )
    settings = AcceleratorConfig(lanes=lanes, family="clock_driven", **config)
    return quantize(TrainedNetwork(layers, time_steps, encoding), settings)


def spikes(net, rate, samples=20, seed=1):
    shape = (samples, net.time_steps, net.sizes[0])
    return (np.random.default_rng(seed).random(shape) < rate).astype(np.uint8)


def report(net, inputs):
    return count(net, run(net, inputs), inputs)


def _differences(module, walked):
    wrong = 0
    for case, net, rtl in walked:
        layers = layer_chunks(net, run(net, case.inputs), case.inputs)
        wrong += int((module.total_cycles([net], layers)[0] != rtl.cycles).sum())
    return wrong


def test_spikes_of_every_layer_equal_the_reference(walked):
    for case, net, rtl in walked:
        reference = run(net, case.inputs)
        for layer, (expected_spikes, found) in enumerate(zip(reference.spikes, rtl.spikes, strict=True)):
            assert np.array_equal(expected_spikes, found), f"layer {layer} of {case.name}"
        assert np.array_equal(reference.predicted, rtl.predicted), case.name


def test_cycles_equal_the_formula(walked):
    assert _differences(formula, walked) == 0
    for case, net, rtl in walked:
        assert np.array_equal(report(net, case.inputs).total, rtl.cycles)


def test_the_random_networks_are_worth_comparing(walked):
    assert len(walked) >= 150
    nets = [net for _, net, _ in walked]
    assert {case.kind for case, _, _ in walked} >= {"empty", "full", "sparse", "burst"}
    assert {net.direct for net in nets} == {True, False}
    assert {len(net.layers) for net in nets} == {1, 2, 3}
    assert any(1 in net.sizes[1:] for net in nets)
    assert any(net.sizes[0] == 1 for net in nets)
    assert sum(layer.recurrent is not None for net in nets for layer in net.layers) > 20
    assert any(max(net.groups) > 1 for net in nets)
    assert any(set(net.groups) == {1} for net in nets)
    rates = [float(found.mean()) for _, _, rtl in walked for found in rtl.spikes]
    assert np.mean([0 < rate < 1 for rate in rates]) > 0.5


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("(chunks.whole.spikes > 0) * taps", "(chunks.whole.spikes >= 0) * taps"),
        ("layer.n_in * layer.taps", "layer.n_in"),
        ("(chunks.own.spikes > 0) * layer.n_out", "(chunks.own.spikes < 0)"),
        ("(chunks.own.spikes > 0) * layer.n_out", "(chunks.own.spikes > 0) * layer.n_in"),
        ("else inputs + fires", "else inputs + own * (inputs > 0) + 1"),
        ("planes + net.time_steps + len(work) - 1", "planes + net.time_steps + len(work)"),
        ("net.chunks[0] if step + 1 < net.input_vectors else 0", "0"),
        ("step + 1 < net.input_vectors", "step < net.input_vectors"),
        ("own + net.layers[k].pixels", "own + 1"),
        ("+ int(late)", ""),
        ("is not None and own >= len(cycles) - net.time_steps", "is not None"),
        ("[inputs, fires]", "[inputs, 0 * own + 1]"),
        ("xp.maximum(longest, groups[k] * cycles[own] + int(late))", "longest + groups[k] * cycles[own]"),
        ("groups[k] * cycles[own]", "cycles[own]"),
        ("0 if net.direct and k == 0 else planes + k", "0 if net.direct and k == 0 else planes"),
        ("total + 1 + longest", "total + 2 + longest"),
        ("net.chunks[0] + 2 +", "net.chunks[0] + 1 +"),
        (" + net.ranked]", "]"),
    ],
)
def test_a_wrong_formula_is_found(walked, old, new):
    assert _differences(mutant(formula, old, new), walked) > 0


def test_two_layers_by_hand():
    """Six inputs in chunks of 4, three neurons on two lanes, two outputs, steps with and without spikes."""
    net = make((6, 3, 2), (2, 2), time_steps=2, chunk_bits=4)
    silent = np.zeros((1, 2, 6), dtype=np.uint8)
    found = report(net, silent)
    assert found.scan.tolist() == [[0, 0]]
    # start 0, two chunks fetched, step 0 at 3: both groups fire; step 1 at 6, in which layer 1 fires too;
    # step 2 at 9: layer 1 fires, its vector is there at 11 and counted, two classes ranked, done at 14
    assert found.total.tolist() == [14]
    spiking = silent.copy()
    spiking[0, 0, 5] = 1
    assert report(net, spiking).scan[0, 0] == 12
    assert int(report(net, spiking).total[0]) >= 14 + 12
    assert simulate(net, np.concatenate([silent, spiking])).cycles.tolist() == [
        14,
        int(report(net, spiking).total[0]),
    ]


def test_spiker_plus_on_mnist():
    """784-128-10, 100 steps with a spike in each: 784 * 100 = 78,400 cycles; published 780 us at 100 MHz."""
    net = make((784, 128, 10), (128, 10), 100, weight_bits=4, membrane_bits=6, leak="shift")
    inputs = spikes(net, 0.1, samples=3)
    assert inputs.any(axis=2).all()
    found = report(net, inputs)
    assert found.scan[:, 0].tolist() == [78_400] * 3
    # per step 1 to begin and 1 to fire; the last step for layer 1 alone; fetch, start, readout
    overhead = 100 * 2 + (1 + 128 + 1) + 25 + 2 + 10
    layer_1_spikes_last = run(net, inputs).spikes[0][:, -1].any(axis=1)
    assert found.total.tolist() == [78_400 + overhead - 128 * (not busy) for busy in layer_1_spikes_last]
    assert float(found.total.mean()) / net.config.clock_mhz == pytest.approx(780, rel=0.015)


def test_spikes_do_not_depend_on_the_family():
    clock = make((20, 12, 5), (3, 5))
    event = dataclasses.replace(clock, config=dataclasses.replace(clock.config, family="event_driven"))
    inputs = spikes(event, 0.3, samples=2)
    for a, b in zip(simulate(event, inputs).spikes, simulate(clock, inputs).spikes, strict=True):
        assert np.array_equal(a, b)


def test_counts_equal_the_registers_and_memories_of_the_rtl(walked):
    for case, net, _ in walked[:60]:
        block, counted = build(net), resources(net)
        registers = sum(len(wire) for wire in block.wirevector_subset(pyrtl.Register))
        assert counted.total_flip_flops == registers, case.name
        memories = {found.op_param[1] for found in block.logic if found.op in "m@"}
        assert sorted(m.bitwidth for m in memories) == sorted(m.bits for m in counted.memories), case.name


def test_weights_are_read_for_every_walked_input():
    """One spike or all: the same reads of the weight memory, but fewer additions."""
    net = make((40, 10), (10,), 6)
    few, many = np.zeros((1, 6, 40), np.uint8), np.ones((1, 6, 40), np.uint8)
    few[:, :, 7] = 1
    quiet, busy = (energy(resources(net), activity(report(net, inputs))) for inputs in (few, many))
    assert quiet.parts_uj["weight memory"] == pytest.approx(busy.parts_uj["weight memory"])
    assert quiet.parts_uj["adders"] < busy.parts_uj["adders"]
    words = 6 * 40 * 10 * 80 / 64 * np.sqrt(1 / 8)  # 80-bit words of a memory under 1 kB, 10 pJ per 64 bits
    assert quiet.parts_uj["weight memory"] == pytest.approx(words * 1e-6)


def test_assumed_flip_flops_outside_the_layers_are_exact():
    net = make((70, 12, 5), (4, 5), 7)
    assumed = assumed_resources(shape_of(net), net.config)
    assert assumed.flip_flops == resources(net).flip_flops

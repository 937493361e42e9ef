"""The ladder of proof on random small networks: reference == RTL == cycle formula, without tolerance."""

import numpy as np
import pytest

import hardware.chunks as sums
import hardware.cycles as formula
from hardware.reference import run
from tests.hardware.mutants import mutant


def _cycle_differences(module, simulated):
    """Return how many samples' cycles ``module.count`` gets wrong."""
    wrong = 0
    for case, rtl in simulated:
        report = module.count(case.net, run(case.net, case.inputs), case.inputs)
        wrong += int((report.total != rtl.cycles).sum())
    return wrong


def test_spikes_of_every_layer_equal_the_reference(simulated):
    for case, rtl in simulated:
        reference = run(case.net, case.inputs)
        for layer, (expected, found) in enumerate(zip(reference.spikes, rtl.spikes, strict=True)):
            assert np.array_equal(expected, found), f"layer {layer} of {case.name}"
        assert np.array_equal(reference.predicted, rtl.predicted), case.name


def test_cycles_equal_the_formula(simulated):
    assert _cycle_differences(formula, simulated) == 0


def test_the_random_networks_are_worth_comparing(simulated):
    """Without spikes, saturation, every reset, leak and shape the comparison would prove little."""
    assert len(simulated) >= 200
    nets = [case.net for case, _ in simulated]
    layers = [layer for net in nets for layer in net.layers]
    assert {layer.reset for layer in layers} == {"subtract", "zero", "fixed", "none"}
    assert {layer.refractory_steps for layer in layers} == set(range(6))
    assert {layer.synapse_leak is None for layer in layers} == {True, False}
    assert {layer.bias is None for layer in layers} == {True, False}
    assert {net.config.leak for net in nets} == {"multiply", "shift"}
    assert {len(net.layers) for net in nets} == {1, 2, 3}
    shapes = [layer.convolution for layer in layers if layer.convolution]
    assert {shape.kernel for shape in shapes} == {1, 2, 3}
    assert {shape.stride for shape in shapes} == {1, 2, 3}
    assert {shape.padding for shape in shapes} == {0, 1, 2}
    assert {shape.pool for shape in shapes} == {1, 2}
    assert any(net.direct and net.layers[0].convolution for net in nets)
    assert {net.readout for net in nets if net.layers[-1].convolution} == {
        "count",
        "first_spike",
        "max_membrane",
    }
    assert {layer.recurrent is None for layer in layers} == {True, False}
    assert {net.config.schedule for net in nets} == {"pipelined", "sequential"}
    assert {net.readout for net in nets} == {"count", "first_spike", "max_membrane"}
    assert {net.population > 1 for net in nets} == {True, False}
    assert {net.direct for net in nets} == {True, False}
    assert any(p > n for net in nets for p, n in zip(net.config.lanes, net.sizes[1:], strict=True))
    rates = [float(spikes.mean()) for _, rtl in simulated for spikes in rtl.spikes]
    assert np.mean([0 < rate < 1 for rate in rates]) > 0.5
    assert sum(_saturates(net) for net in nets) > 20


def _saturates(net) -> bool:
    return any(layer.accumulator_bits > net.config.membrane_bits + 1 for layer in net.layers[1:])


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("xp.maximum(scan.end + 1, accepted[k + 1] + 1)", "scan.end + 1"),
        ("xp.maximum(scan.end + 1, accepted[k + 1] + 1)", "xp.maximum(scan.end + 1, accepted[k + 1])"),
        ("xp.maximum(free, last + 1)", "xp.maximum(free, last + 3)"),
        ("else finished + 1", "else finished"),
        ("accepted[k] = finished if", "accepted[k] = finished + 1 if"),
        ("            finished = valid", "            pass"),
        ("xp.maximum(taken, last + 2 + 1)", "taken"),
        ("xp.maximum(taken, last + 2 + 1)", "xp.maximum(taken, last + 2)"),
        ("xp.maximum(fetch + 1, free)", "free"),
        ("begin + layer.own_but_one.cycles(*vector)", "taken"),
        ("xp.maximum(valid, drained[k] + 1)", "valid"),
        ("xp.maximum(valid, drained[k] + 1)", "xp.maximum(valid, drained[k])"),
        ("xp.maximum(accept + 1, taken)", "accept + 1"),
        ("xp.maximum(fetch + 1, last + 1)", "xp.maximum(fetch, last) + 2"),
        ("(2 if layer.convolution is None else 3)", "(1 if layer.convolution is None else 3)"),
        ("(2 if layer.convolution is None else 3)", "2"),
        ("layer.but_two.cycles(*vector)", "layer.but_one.cycles(*vector)"),
        ("valid + net.ranked + 1", "valid + net.ranked"),
    ],
)
def test_a_wrong_formula_is_found(simulated, old, new):
    assert _cycle_differences(mutant(formula, old, new), simulated) > 0


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("self.spikes[vector] * beats + self.empty[vector]", "self.spikes[vector] * beats"),
        ("self.spikes.sum(axis=0) * beats + self.empty.sum(axis=0)", "self.spikes.sum(axis=0) * beats"),
        ("(counts == 0)", "(counts >= 0)"),
        ("own[:, 0] = 0", "pass"),
        ("own[:, :, :-1]", "own"),
        ("inputs[:, :, :-1]", "inputs"),
        ("inputs[:, :, :-2]", "inputs"),
    ],
)
def test_a_wrong_sum_of_chunks_is_found(simulated, old, new):
    whole = mutant(formula, "NEVER =", "NEVER =")
    whole.layer_chunks = mutant(sums, old, new).layer_chunks
    assert _cycle_differences(whole, simulated) > 0

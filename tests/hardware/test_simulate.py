import dataclasses

import numpy as np
import pyrtl
import pytest

from benchmarks.hardware.cases import cases
from hardware import simulate as simulation
from hardware.network import AcceleratorConfig, TrainedLayer, TrainedNetwork
from hardware.quantize import quantize
from hardware.reference import run
from hardware.rtl.accelerator import build
from hardware.simulate import check, input_words, simulate
from spikefront.errors import InputError, MismatchError


@pytest.fixture
def net():
    rng = np.random.default_rng(5)
    layers = (
        TrainedLayer(rng.normal(0.2, 0.5, (9, 14)), 0.9, 1.0, "subtract"),
        TrainedLayer(rng.normal(0.2, 0.5, (4, 9)), 0.9, 1.0, "zero"),
    )
    return quantize(TrainedNetwork(layers, 5, "rate"), AcceleratorConfig(lanes=(2, 4), chunk_bits=8))


@pytest.fixture
def inputs():
    return (np.random.default_rng(6).random((4, 5, 14)) < 0.3).astype(np.uint8)


def test_a_check_says_how_much_it_compared(net, inputs):
    report = check(net, inputs)
    assert report.samples == 4
    assert report.spike_bits == 4 * 5 * (9 + 4)
    assert report.cycles == simulate(net, inputs).cycles.sum()


def test_inferences_do_not_depend_on_those_before(net, inputs):
    together = simulate(net, inputs)
    for i in range(len(inputs)):
        alone = simulate(net, inputs[i : i + 1])
        assert alone.cycles[0] == together.cycles[i]
        assert all(np.array_equal(a[0], b[i]) for a, b in zip(alone.spikes, together.spikes, strict=True))


def test_a_wrong_weight_is_found_and_named(net, inputs, monkeypatch):
    """The RTL of another network stands in for a broken one."""
    first = net.layers[0]
    broken = dataclasses.replace(first, weight=first.weight * np.where(np.arange(9) == 3, -1, 1)[:, None])
    other = dataclasses.replace(net, layers=(broken, net.layers[1]))
    monkeypatch.setattr(simulation, "build", lambda _: build(other))
    expected, found = run(net, inputs).spikes[0], run(other, inputs).spikes[0]
    sample, step, neuron = np.argwhere(expected != found)[0]
    with pytest.raises(MismatchError, match=f"Sample {sample}, layer 0, step {step}, neuron {neuron}:"):
        check(net, inputs)


def test_a_wrong_cycle_count_is_found_and_named(net, inputs, monkeypatch):
    slower = dataclasses.replace(net, config=dataclasses.replace(net.config, lanes=(1, 4)))
    monkeypatch.setattr(simulation, "build", lambda _: build(slower))
    with pytest.raises(MismatchError, match="Sample 0: the cycle count is"):
        check(net, inputs)


def test_inputs_that_do_not_fit_are_refused(net):
    with pytest.raises(InputError, match="shape"):
        simulate(net, np.zeros((1, 4, 14), dtype=np.uint8))


def test_input_words_put_the_first_input_in_bit_zero(net):
    inputs = np.zeros((1, 5, 14), dtype=np.uint8)
    inputs[0, 0, [0, 9]] = 1
    inputs[0, 4, 13] = 1
    assert input_words(net, inputs) == [[1, 2, 0, 0, 0, 0, 0, 0, 0, 32]]


def test_start_and_load_are_ignored_while_busy_or_not_ready(net, inputs):
    """A start in the first cycle (booting) and starts during an inference change nothing."""
    rtl = pyrtl.FastSimulation(tracer=None, block=build(net))
    idle = dict.fromkeys(("start", "load", "load_address", "load_data"), 0)
    rtl.step({**idle, "start": 1})
    assert rtl.inspect("ready") == 0
    while not rtl.inspect("ready"):
        rtl.step(idle)
    for address, word in enumerate(input_words(net, inputs[:1])[0]):
        rtl.step({**idle, "load": 1, "load_address": address, "load_data": word})
    rtl.step({**idle, "start": 1})
    for _ in range(2000):
        rtl.step({**idle, "start": 1 - rtl.inspect("done")})
        if rtl.inspect("done"):
            break
    reference = simulate(net, inputs[:1])
    assert rtl.inspect("cycles") == reference.cycles[0]
    assert rtl.inspect("class_out") == reference.predicted[0]


def test_building_leaves_the_working_block_alone(net):
    before = pyrtl.working_block()
    build(net)
    assert pyrtl.working_block() is before


def test_cases_are_the_same_however_many_are_asked_for():
    few, many = cases(3, seed=4), cases(5, seed=4)
    for a, b in zip(few, many, strict=False):
        assert a.name == b.name
        assert np.array_equal(a.inputs, b.inputs)


@pytest.mark.parametrize("encoding", ["rate", "direct"])
def test_weights_may_be_written_in_more_bits_than_their_sums_need(encoding):
    """Few bits of potential coarsen the scale, so that 12-bit weights hold values of four bits."""
    layer = TrainedLayer(np.array([[0.1, -0.1, 0.1]]), 0.9, 1.0, "subtract")
    config = AcceleratorConfig(lanes=(1,), weight_bits=12, membrane_bits=6, input_bits=2)
    net = quantize(TrainedNetwork((layer,), 5, encoding), config)
    assert net.layers[0].accumulator_bits < config.weight_bits
    rng = np.random.default_rng(0)
    spikes = rng.integers(0, 2, (3, 5, 3)).astype(np.uint8)
    currents = rng.integers(0, 4, (3, 3)).astype(np.uint16)
    assert check(net, currents if encoding == "direct" else spikes).samples == 3

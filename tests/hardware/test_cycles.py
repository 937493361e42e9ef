import dataclasses
import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.hardware.cases import cases
from hardware import chunks, cycles
from hardware.network import AcceleratorConfig, Convolution, TrainedLayer, TrainedNetwork
from hardware.quantize import quantize
from hardware.reference import run


def make(sizes, lanes, time_steps=5, encoding="rate", **config):
    rng = np.random.default_rng(0)
    layers = tuple(
        TrainedLayer(rng.normal(0.05, 0.4, (n_out, n_in)), 0.9, 1.0, "subtract")
        for n_in, n_out in itertools.pairwise(sizes)
    )
    return quantize(TrainedNetwork(layers, time_steps, encoding), AcceleratorConfig(lanes=lanes, **config))


def spikes(net, rate, samples=50, seed=1):
    shape = (samples, net.time_steps, net.sizes[0])
    return (np.random.default_rng(seed).random(shape) < rate).astype(np.uint8)


def report(net, inputs):
    return cycles.count(net, run(net, inputs), inputs)


def test_one_layer_by_hand():
    """Five inputs in chunks of 4, three neurons on two lanes (G = 2), one step with spikes 0, 2 and 4."""
    net = make((5, 3), (2,), time_steps=1, chunk_bits=4)
    inputs = np.array([[[1, 0, 1, 0, 1]]], dtype=np.uint8)
    found = report(net, inputs)
    assert found.scan.tolist() == [[6]]
    assert found.fire.tolist() == [[2]]
    # start 0, fetch 1, take 2, scan 3..8, fire 9..10, vector at 12, counted at 13, three classes, done at 16
    assert found.total.tolist() == [16]
    assert found.load == 2


def convolutional(shape, channels, lanes, time_steps, classes=3):
    rng = np.random.default_rng(0)
    size = channels * shape.out_frame[0] * shape.out_frame[1]
    weight = rng.normal(0.0, 0.2, (channels, shape.in_shape[0], shape.kernel, shape.kernel))
    layers = (
        TrainedLayer(weight, 0.9, 1.0, "subtract", convolution=shape),
        TrainedLayer(rng.normal(0.0, 0.1, (classes, size)), 0.9, 1.0, "subtract"),
    )
    return quantize(TrainedNetwork(layers, time_steps, "rate"), AcceleratorConfig(lanes=(lanes, classes)))


def test_a_convolution_by_hand():
    """A frame of 2x3 under 2x2 kernels without padding: 1x2 pixels, three channels on two lanes."""
    net = convolutional(Convolution((1, 2, 3), 2), channels=3, lanes=2, time_steps=1)
    inputs = np.array([[[1, 0, 1, 0, 1, 0]]], dtype=np.uint8)
    found = report(net, inputs)
    # three spikes of four taps and two groups; corners reach one pixel, the middle column both
    assert found.scan[0, 0] == 3 * 4 * 2
    assert found.fire[0, 0] == 2 * 2
    assert found.taps[0, 0] == 1 + 1 + 2
    # take at 2, scan 3..26, fire 27..30, frame at 33; one chunk of six bits behind it
    behind = max(1, int(run(net, inputs).spikes[0].sum()))
    assert found.total.tolist() == [33 + 3 + behind + 2 + 1 + 3]


@pytest.mark.parametrize("rate", [0.1, 0.3])
def test_convolution_cycles_are_near_the_published_formula_of_the_sparsity_aware_design(rate):
    """arXiv 2402.06211, a layer of 32 3x3 kernels on 32 channels: ceil(OC/E) * (9 * S_in + T * OF) cycles.

    Both count taps that fall outside the frame, and a cycle per pixel to fire. Ours adds one cycle per empty
    chunk of 32 inputs, where that design hides its compression behind the accumulation (at 2 % of inputs
    spiking this alone is 8 %), a few cycles of pipeline per step, and once the layer behind.
    """
    net = convolutional(Convolution((32, 15, 15), 3), channels=32, lanes=32, time_steps=18)
    inputs = spikes(net, rate, samples=2)
    found = report(net, inputs)
    published = 9 * inputs.sum(axis=(1, 2)) + 18 * 13 * 13
    assert found.total == pytest.approx(published, rel=0.06)
    empty = (chunks.chunk_counts(net, run(net, inputs), inputs)[0][0] == 0).sum(axis=(1, 2))
    assert (found.scan[:, 0] + found.fire[:, 0] == published + empty).all()


def test_an_empty_input_costs_a_cycle_per_chunk():
    net = make((70, 4), (4,), time_steps=3)
    found = report(net, spikes(net, 0.0, samples=1))
    assert found.scan.tolist() == [[9]]
    assert found.spikes.tolist() == [[0]]


@given(st.integers(1, 80), st.integers(1, 32), st.integers(0, 2**20))
def test_chunks_hold_every_spike_once(n_in, chunk_bits, seed):
    net = make((n_in, 2), (1,), time_steps=2, chunk_bits=chunk_bits)
    inputs = spikes(net, 0.3, samples=3, seed=seed)
    counts, own = chunks.chunk_counts(net, run(net, inputs), inputs)[0]
    assert own.shape == (3, 2, 0)
    expected = [
        [[int(step[c : c + chunk_bits].sum()) for c in range(0, n_in, chunk_bits)] for step in sample]
        for sample in inputs
    ]
    assert counts.tolist() == expected


@given(st.integers(1, 16), st.lists(st.integers(0, 2**16 - 1), min_size=1, max_size=5))
def test_bit_planes_add_up_to_the_currents(bits, values):
    inputs = np.array([values], dtype=np.uint16) & (2**bits - 1)
    planes = chunks.bit_planes(inputs, bits)
    assert planes.shape == (1, bits, len(values))
    weights = 2 ** np.arange(bits).reshape(1, -1, 1)
    assert (planes.astype(np.int64) * weights).sum(axis=1).tolist() == inputs.tolist()


def test_lanes_cost_nothing_but_cycles():
    """More lanes: never slower, and the same spikes enter every layer."""
    net = make((60, 30, 10), (1, 1))
    inputs = spikes(net, 0.2)
    previous = None
    for lanes in ((1, 1), (2, 1), (4, 2), (8, 5), (30, 10)):
        found = report(dataclasses.replace(net, config=dataclasses.replace(net.config, lanes=lanes)), inputs)
        if previous is not None:
            assert (found.total <= previous.total).all()
            assert np.array_equal(found.spikes, previous.spikes)
        previous = found


def assert_equal_reports(expected, found):
    for field in dataclasses.fields(cycles.CycleReport):
        a, b = getattr(expected, field.name), getattr(found, field.name)
        assert np.array_equal(a, b), field.name


@pytest.mark.parametrize("block", [1, 200, 2**20])
@pytest.mark.parametrize("encoding", ["rate", "direct"])
def test_many_designs_at_once_are_the_single_ones(monkeypatch, encoding, block):
    """Blocks of one design, of a few, and of all that are alike."""
    monkeypatch.setattr(cycles, "BLOCK", block)
    net = make((60, 30, 10), (1, 1), encoding=encoding)
    rng = np.random.default_rng(4)
    inputs = spikes(net, 0.3) if encoding == "rate" else rng.integers(0, 256, (50, 60)).astype(np.uint8)
    configs = [
        dataclasses.replace(net.config, lanes=lanes, chunk_bits=width, family=family, schedule=schedule)
        for family, schedule in (
            ("event_driven", "pipelined"),
            ("clock_driven", "pipelined"),
            ("event_driven", "sequential"),
        )
        for width in (7, 32)
        for lanes in ((1, 1), (30, 10), (4, 1), (64, 64))
    ]
    rng.shuffle(configs)
    seen = run(net, inputs)
    many = cycles.count_many(net, configs, seen, inputs)
    assert cycles.count_many(net, [], seen, inputs) == []
    for config, found in zip(configs, many, strict=True):
        one = dataclasses.replace(net, config=config)
        assert_equal_reports(cycles.count(one, seen, inputs), found)
    assert len({int(found.total.sum()) for found in many}) > len(configs) / 2


def test_many_random_designs_at_once_are_the_single_ones():
    """Every kind of layer, on its own lanes, on more and on one."""
    for case in cases(60, seed=9):
        seen = run(case.net, case.inputs)
        depth = len(case.net.layers)
        lanes = (case.net.config.lanes, (2,) * depth, (1,) * depth)
        configs = [dataclasses.replace(case.net.config, lanes=of) for of in lanes]
        for config, found in zip(
            configs, cycles.count_many(case.net, configs, seen, case.inputs), strict=True
        ):
            one = dataclasses.replace(case.net, config=config)
            assert_equal_reports(cycles.count(one, seen, case.inputs), found)

"""Cycles expected from mean spikes, beside the exact counts of random networks."""

import itertools

import numpy as np
import pytest

from hardware.cycles import count
from hardware.expected import expected, expected_scan
from hardware.network import AcceleratorConfig, TrainedLayer, TrainedNetwork
from hardware.quantize import quantize
from hardware.reference import run
from hardware.shape import shape_of


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
    return count(net, run(net, inputs), inputs)


@pytest.mark.parametrize(
    ("sizes", "lanes", "rate", "encoding"),
    [
        ((200, 60, 10), (8, 5), 0.1, "rate"),
        ((200, 60, 10), (60, 10), 0.02, "rate"),
        ((100, 80, 40, 10), (4, 8, 2), 0.3, "rate"),
        ((33, 7), (7,), 0.5, "rate"),
        ((64, 40, 10), (8, 5), 0.4, "direct"),
        ((64, 40, 10), (40, 1), 0.4, "direct"),
    ],
)
def test_expected_cycles_are_near_the_mean_of_exact_ones(sizes, lanes, rate, encoding):
    """Stationary random inputs: what is left out (bursts, waiting) stays below 6 % here."""
    net = make(sizes, lanes, time_steps=20, encoding=encoding)
    inputs = spikes(net, rate, samples=200)
    if encoding == "direct":
        inputs = np.random.default_rng(2).integers(0, 256, (200, sizes[0])).astype(np.uint8)
    found = report(net, inputs)
    mean = found.spikes.mean(axis=0)
    total = expected(shape_of(net), mean, net.config)
    assert total.shape == ()
    assert total == pytest.approx(found.total.mean(), rel=0.06)
    scan = expected_scan(shape_of(net), mean, net.config)
    assert scan == pytest.approx(found.scan.mean(axis=0), rel=0.06)


def test_expected_cycles_are_exact_without_chance():
    """Full inputs into silent neurons: every bit has probability 1 or 0."""
    layer = TrainedLayer(-np.ones((6, 20)), 0.5, 1.0, "zero")
    after = TrainedLayer(np.ones((3, 6)), 0.5, 1.0, "zero")
    net = quantize(TrainedNetwork((layer, after), 7, "rate"), AcceleratorConfig(lanes=(2, 3), chunk_bits=8))
    inputs = np.ones((1, 7, 20), dtype=np.uint8)
    found = report(net, inputs)
    total = expected(shape_of(net), found.spikes.mean(axis=0), net.config)
    # the closed form charges the first fetch to every layer, and the formula hides none of it here
    assert total == pytest.approx(float(found.total[0]), abs=2)


def test_expected_cycles_take_leading_dimensions():
    net = make((30, 20, 10), (4, 2))
    mean = np.random.default_rng(0).random((3, 5, 2)) * [30, 20]
    found = expected(shape_of(net), mean, net.config)
    assert found.shape == (3, 5)
    one = expected(shape_of(net), mean[1, 2], net.config)
    assert found[1, 2] == one


@pytest.mark.parametrize("encoding", ["rate", "direct"])
@pytest.mark.parametrize("lanes", [(60, 10), (16, 4)])
def test_clock_driven_cycles_are_near_the_mean(encoding, lanes):
    net = make((200, 60, 10), lanes, 12, encoding, family="clock_driven")
    inputs = spikes(net, 0.1, samples=20)
    if encoding == "direct":
        inputs = np.random.default_rng(3).integers(0, 256, (20, 200)).astype(np.uint16)
    found = report(net, inputs)
    shape = shape_of(net)
    mean = found.spikes.mean(axis=0)
    assert expected_scan(shape, mean, net.config) == pytest.approx(found.scan.mean(axis=0), rel=0.05)
    assert expected(shape, mean, net.config) == pytest.approx(found.total.mean(), rel=0.02)


def test_clock_driven_cycles_of_empty_inputs_wait_for_the_fetch_alone():
    """Without a spike a step takes a cycle and its groups, or the fetch of the next vector."""
    net = make((64, 8), (8,), 10, chunk_bits=32, family="clock_driven")
    found = report(net, spikes(net, 0.0, samples=1))
    assert found.total.tolist() == [2 + 2 + 9 * (1 + 2) + (1 + 1) + 8]
    assert expected(shape_of(net), np.zeros(1), net.config) == pytest.approx(found.total[0], abs=10)

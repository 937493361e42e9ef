"""Cycles and energy expected of convolutional and recurrent layers, beside the exact ones.

The inputs are random and stationary, the layers behind them are not: they begin in silence. What is left out
is that steps and images differ: busy and quiet ones make layers wait or set the pace in turns (3 % of the
cycles here, 4 % in clock-driven networks; 0.4 % in the sequential schedule, where only empty chunks and the
last step's own spikes are estimated), empty chunks cluster (5 % of a small layer's scan), and pixels at the
edge of a frame of 4 x 4, where fewer taps land, fire less often than others (14 % of the weights read).
Direct encoding adds up to 4 % of energy, for kept currents are assumed wider than these weights make them.
"""

from dataclasses import replace

import numpy as np
import pytest

from hardware.cost import price_net
from hardware.cycles import count
from hardware.expected import expected, expected_parts, expected_scan, expected_taps
from hardware.expected_cost import expected_cost
from hardware.network import AcceleratorConfig, Convolution, TrainedLayer, TrainedNetwork
from hardware.quantize import quantize
from hardware.reference import run
from hardware.shape import shape_of
from spikefront.errors import InputError

STEPS = 20
WITHIN = {
    ("event_driven", "pipelined"): 0.03,
    ("event_driven", "sequential"): 0.004,
    ("clock_driven", "pipelined"): 0.04,
}


def layer(rng, shape, mean=0.05, **neuron):
    return TrainedLayer(rng.normal(mean, 0.3, shape), 0.9, 1.0, "subtract", **neuron)


def convolutional(encoding="rate", stride=1, **config):
    """Two convolutions, the first pooled, and a fully connected layer with biases."""
    rng = np.random.default_rng(0)
    first = Convolution((2, 9, 9), 3, stride, padding=1, pool=3 - stride)
    second = Convolution((5, *first.out_frame), 2)
    layers = (
        layer(rng, (5, 2, 3, 3), convolution=first),
        layer(rng, (8, 5, 2, 2), convolution=second, alpha=0.3),
        layer(rng, (10, 8 * second.frame[0] * second.frame[1]), 0.0, bias=rng.normal(0, 0.1, 10)),
    )
    return quantize(TrainedNetwork(layers, STEPS, encoding), AcceleratorConfig(**config))


def looped(encoding="rate", **config):
    """Three recurrent layers; under direct encoding the first scans nothing but its own spikes in a step."""
    rng = np.random.default_rng(0)
    layers = (
        layer(rng, (40, 60), recurrent=rng.normal(-0.05, 0.2, (40, 40))),
        layer(rng, (30, 40), recurrent=rng.normal(-0.05, 0.2, (30, 30))),
        layer(rng, (10, 30), recurrent=rng.normal(-0.05, 0.2, (10, 10)), refractory_steps=2),
    )
    return quantize(TrainedNetwork(layers, STEPS, encoding, "max_membrane"), AcceleratorConfig(**config))


def inputs_of(net, rate=0.15, samples=60):
    rng = np.random.default_rng(1)
    if net.direct:
        return rng.integers(0, 256, (samples, net.sizes[0])).astype(np.uint16)
    return (rng.random((samples, net.time_steps, net.sizes[0])) < rate).astype(np.uint8)


NETWORKS = [
    *(
        (build, {"encoding": encoding, "lanes": lanes, "schedule": schedule})
        for build, choices in ((convolutional, ((5, 8, 10), (2, 3, 4))), (looped, ((40, 30, 10), (9, 7, 1))))
        for encoding in ("rate", "direct")
        for lanes in choices
        for schedule in ("pipelined", "sequential")
    ),
    (convolutional, {"lanes": (3, 3, 3), "stride": 2, "chunk_bits": 7}),
    *((looped, {"encoding": e, "lanes": (9, 30, 1), "family": "clock_driven"}) for e in ("rate", "direct")),
]


@pytest.mark.parametrize(("build", "options"), NETWORKS)
def test_what_is_expected_is_near_the_mean_of_what_is_counted(build, options):
    net = build(**options)
    inputs = inputs_of(net)
    found, cost = count(net, run(net, inputs), inputs), price_net(net, inputs, np.zeros(len(inputs), int))
    shape, mean = shape_of(net), np.array(cost.spikes_per_layer)
    assert min(mean) > 5
    within = WITHIN[net.config.family, net.config.schedule]
    assert expected(shape, mean, net.config) == pytest.approx(cost.cycles, rel=within)
    assert expected_scan(shape, mean, net.config) == pytest.approx(found.scan.mean(axis=0), rel=0.06)
    assert expected_taps(shape, mean, net.config) == pytest.approx(found.taps.mean(axis=0), rel=0.15)
    guess = expected_cost(shape, mean, net.config)
    assert guess.energy_uj == pytest.approx(cost.energy_uj, rel=0.05)
    assert (guess.luts, guess.ffs) == pytest.approx((cost.luts, cost.ffs), rel=0.06)
    assert (guess.bram36, guess.dsps) == (cost.bram36, cost.dsps)


@pytest.mark.parametrize("encoding", ["rate", "direct"])
def test_what_lanes_change_in_the_sequential_schedule_is_exact(encoding):
    """Only empty chunks are estimated, and lanes do not change their number."""
    base = convolutional(encoding, lanes=(1, 1, 1), schedule="sequential")
    inputs = inputs_of(base, rate=0.02, samples=8)
    found = run(base, inputs)
    off = []
    for lanes in ((1, 1, 1), (5, 1, 10), (2, 3, 4), (1, 8, 10)):
        net = replace(base, config=replace(base.config, lanes=lanes))
        report = count(net, found, inputs)
        total = expected(shape_of(net), report.spikes.mean(axis=0), net.config)
        off.append(total - report.total.mean())
    assert off == pytest.approx([off[0]] * 4, abs=1e-6)


def test_a_layer_s_share_is_its_own():
    """Other layers' lanes change no share, and shares add up to the total."""
    net = looped(lanes=(9, 7, 1))
    shape, mean = shape_of(net), np.array([90.0, 60.0, 50.0, 20.0])
    once, pace = expected_parts(shape, mean, net.config)
    total = once.sum() + (STEPS - 1) * pace.max() + 10 + 1
    assert expected(shape, mean, net.config) == pytest.approx(total)
    other = expected_parts(shape, mean, replace(net.config, lanes=(40, 7, 10)))
    assert (once[1], pace[1]) == (other[0][1], other[1][1])


def test_spikes_that_leave_a_recurrent_last_layer_must_be_given():
    net = looped(lanes=(9, 7, 1))
    with pytest.raises(InputError, match="the last of 3 layers is recurrent"):
        expected(shape_of(net), np.ones(3), net.config)
    with pytest.raises(InputError, match=r"shape \(2, 5\) for 3 layers"):
        expected(shape_of(net), np.ones((2, 5)), net.config)


def test_one_step_hears_no_echo():
    net = quantize(
        TrainedNetwork((layer(np.random.default_rng(0), (6, 20), recurrent=np.eye(6)),), 1, "rate"),
        AcceleratorConfig(lanes=(6,)),
    )
    inputs = inputs_of(net, samples=200)
    cost = price_net(net, inputs, np.zeros(200, int))
    found = expected(shape_of(net), np.array(cost.spikes_per_layer), net.config)
    assert found == pytest.approx(cost.cycles, rel=0.01)

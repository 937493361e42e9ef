import dataclasses

import numpy as np
import pytest

from benchmarks.hardware.cases import cases
from hardware.network import AcceleratorConfig, Convolution, TrainedLayer, TrainedNetwork
from hardware.quantize import quantize
from hardware.shape import LayerShape, NetworkShape, fully_connected, shape_of
from spikefront.errors import DesignError

FRAME = Convolution((1, 8, 8), 3, padding=1, pool=2)


def test_the_shape_of_a_network_is_that_of_its_integers():
    for case in cases(60, seed=3):
        found, net = shape_of(case.net), case.net
        assert found.sizes == net.sizes, case.name
        assert found.lanes(net.config) == net.lanes
        assert found.groups(net.config) == net.groups
        assert (found.classes, found.ranked) == (net.classes, net.ranked)
        assert [x.taps * g for x, g in zip(found.layers, net.groups, strict=True)] == list(net.beats)
        assert [x.pixels * g for x, g in zip(found.layers, net.groups, strict=True)] == list(net.sweeps)
        assert [x.fan_in for x in found.layers] == [layer.rows.shape[1] for layer in net.layers]


def test_quantising_changes_no_shape_but_decays():
    kernels = TrainedLayer(np.ones((4, 1, 3, 3)), 0.9, 1.0, "zero", convolution=FRAME, blank_after_spike=True)
    loop = TrainedLayer(np.ones((6, 64)), 0.8, 1.0, "subtract", alpha=0.5, recurrent=np.eye(6))
    last = TrainedLayer(np.ones((4, 6)), 0.7, 1.0, "none", bias=np.ones(4))
    network = TrainedNetwork((kernels, loop, last), 5, "rate", "first_spike", 2)
    trained = shape_of(network)
    assert [layer.leaks for layer in trained.layers] == [(0.9,), (0.8, 0.5), (0.7,)]
    assert [layer.refractory_steps for layer in trained.layers] == [1, 0, 0]
    for leak in ("multiply", "shift"):
        integer = shape_of(quantize(network, AcceleratorConfig(lanes=(1, 1, 1), leak=leak, leak_bits=12)))
        for a, b in zip(trained.layers, integer.layers, strict=True):
            assert a.leaks == pytest.approx(b.leaks, abs=1e-3 if leak == "multiply" else 0.1)
            assert dataclasses.replace(a, leaks=b.leaks) == b


def test_layers_may_be_given_without_weights():
    conv, last = LayerShape(64, 5, FRAME), LayerShape(80, 10, recurrent=True)
    net = NetworkShape((conv, last), 4, "rate", population=2)
    assert net.sizes == (64, 80, 10)
    assert net.classes == 5
    assert (conv.pixels, conv.taps, conv.fan_in, last.fan_in) == (64, 9, 9, 90)
    assert net.groups(AcceleratorConfig(lanes=(2, 99))) == (3, 1)
    assert fully_connected((3, 2), 1, "rate").layers == (LayerShape(3, 2),)


@pytest.mark.parametrize(
    ("layers", "population", "words"),
    [
        ((), 1, "no layers"),
        ((LayerShape(4, 3), LayerShape(2, 3)), 1, "3 outputs but layer 1 has 2 inputs"),
        ((LayerShape(65, 3, FRAME),), 1, "65 inputs but a frame"),
        ((LayerShape(4, 3),), 2, "population = 2 does not divide the 3"),
        ((LayerShape(4, 0),), 1, "Layer 0 has 4 inputs and 0 channels"),
        ((LayerShape(0, 4),), 1, "Layer 0 has 0 inputs and 4 channels"),
    ],
)
def test_shapes_that_do_not_fit_are_refused(layers, population, words):
    with pytest.raises(DesignError, match=words):
        NetworkShape(layers, 4, "rate", population=population)


def test_a_network_without_time_steps_is_refused():
    with pytest.raises(DesignError, match="time_steps = 0"):
        fully_connected((4, 3), 0, "rate")

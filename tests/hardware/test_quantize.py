import dataclasses

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from hardware.network import AcceleratorConfig, TrainedLayer, TrainedNetwork
from hardware.quantize import quantize, quantize_inputs
from spikefront.errors import DesignError, InputError

CONFIG = AcceleratorConfig(lanes=(2,))


def network(weight, *, encoding="rate", **layer):
    fields = {"beta": 0.9, "threshold": 1.0, "reset": "subtract"} | layer
    return TrainedNetwork((TrainedLayer(np.array(weight), **fields),), 4, encoding)


@given(
    st.lists(st.floats(-3, 3), min_size=4, max_size=4).filter(lambda w: max(map(abs, w)) > 0.01),
    st.floats(0.05, 20),
    st.integers(2, 12),
    st.integers(4, 20),
)
@settings(max_examples=200, deadline=None)
def test_integers_are_the_floats_to_half_an_lsb(weights, threshold, weight_bits, membrane_bits):
    config = AcceleratorConfig(lanes=(1,), weight_bits=weight_bits, membrane_bits=membrane_bits)
    trained = network(np.array(weights).reshape(2, 2), threshold=threshold)
    thresholds_per_lsb = threshold * (2 ** (weight_bits - 1) - 1) / max(map(abs, weights))
    assume(abs(thresholds_per_lsb - 0.5) > 1e-9)
    if thresholds_per_lsb < 0.5:
        with pytest.raises(DesignError, match="rounds to zero"):
            quantize(trained, config)
        return
    layer = quantize(trained, config).layers[0]
    assert np.abs(layer.weight * layer.scale - trained.layers[0].weight).max() <= 0.5001 * layer.scale
    assert abs(layer.threshold * layer.scale - threshold) <= 0.5001 * layer.scale
    assert np.abs(layer.weight).max() <= 2 ** (weight_bits - 1) - 1
    assert 1 <= layer.threshold <= 2 ** (membrane_bits - 1) - 2


def test_the_scale_is_that_of_the_weights_when_the_threshold_fits():
    layer = quantize(network([[1.27, -0.5]]), CONFIG).layers[0]
    assert layer.scale == pytest.approx(0.01)
    assert layer.weight.tolist() == [[127, -50]]
    assert layer.threshold == 100


def test_tiny_weights_coarsen_the_scale_until_the_threshold_fits():
    config = dataclasses.replace(CONFIG, membrane_bits=8)
    layer = quantize(network([[0.1, -0.1]]), config).layers[0]
    assert layer.threshold == 126
    assert layer.weight.tolist() == [[13, -13]]


@pytest.mark.parametrize(
    ("beta", "leak", "bits", "parameter", "effective"),
    [
        (0.9, "multiply", 8, 230, 230 / 256),
        (1.0, "multiply", 8, 256, 1.0),
        (0.0, "multiply", 4, 0, 0.0),
        (0.9, "shift", 8, 3, 0.875),
        (0.95, "shift", 8, 4, 0.9375),
        (0.0, "shift", 8, 1, 0.5),
        (1.0, "shift", 8, 0, 1.0),
        (0.9999, "shift", 8, 13, 1 - 2**-13),
    ],
)
def test_the_leak_parameter_and_the_beta_it_gives(beta, leak, bits, parameter, effective):
    config = dataclasses.replace(CONFIG, leak=leak, leak_bits=bits)
    layer = quantize(network([[1.0, 0.5]], beta=beta), config).layers[0]
    assert (layer.leak, layer.beta) == (parameter, effective)


@given(st.lists(st.integers(-127, 127), min_size=1, max_size=9), st.integers(4, 12))
def test_no_sum_overflows_the_accumulator_and_no_bit_is_wasted(weights, membrane_bits):
    config = AcceleratorConfig(lanes=(1,), membrane_bits=membrane_bits)
    trained = network([[*map(float, weights), 127.0]], threshold=40.0)
    layer = quantize(trained, config).layers[0]
    top = 2 ** (membrane_bits - 1)
    highest = top - 1 + sum(w for w in layer.weight[0].tolist() if w > 0)
    lowest = -top + sum(w for w in layer.weight[0].tolist() if w < 0)
    fits = -(2 ** (layer.accumulator_bits - 1)) <= lowest and highest < 2 ** (layer.accumulator_bits - 1)
    assert fits
    smaller = 2 ** (layer.accumulator_bits - 2)
    assert lowest < -smaller or highest >= smaller


@given(st.floats(0, 1), st.integers(1, 16))
def test_currents_round_to_the_nearest_level(value, bits):
    level = int(quantize_inputs(np.array([value]), bits)[0])
    assert 0 <= level < 2**bits
    assert abs(level / 2**bits - value) <= (0.5 if level < 2**bits - 1 else 1) / 2**bits


@pytest.mark.parametrize("value", [-0.01, 1.01, float("nan")])
def test_currents_out_of_range_are_refused(value):
    with pytest.raises(InputError, match="0 to 1"):
        quantize_inputs(np.array([0.5, value]), 8)

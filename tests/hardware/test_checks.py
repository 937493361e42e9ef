import dataclasses

import numpy as np
import pytest

from hardware.network import AcceleratorConfig, Convolution, TrainedLayer, TrainedNetwork
from hardware.quantize import quantize
from spikefront.errors import DesignError

CONFIG = AcceleratorConfig(lanes=(2,))


def network(weight, *, encoding="rate", **layer):
    fields = {"beta": 0.9, "threshold": 1.0, "reset": "subtract"} | layer
    return TrainedNetwork((TrainedLayer(np.array(weight), **fields),), 4, encoding)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"weight": [[np.nan, 1.0]]}, "not finite"),
        ({"weight": [[np.inf, 1.0]]}, "not finite"),
        ({"weight": np.zeros((0, 3))}, "shape"),
        ({"weight": np.zeros(3)}, "shape"),
        ({"weight": [["a", "b"]]}, "real numbers"),
        ({"threshold": 0.0}, "above zero"),
        ({"threshold": float("nan")}, "above zero"),
        ({"beta": 1.1}, "0..1"),
        ({"beta": float("nan")}, "0..1"),
        ({"reset": "hard"}, "unknown"),
        ({"blank_after_spike": True}, "reset 'zero'"),
        ({"alpha": -0.1}, "alpha is -0.1"),
        ({"bias": np.zeros(2)}, "one real number per neuron"),
        ({"bias": np.array([np.nan])}, "biases are not finite"),
        ({"recurrent": np.zeros((2, 2))}, "give real numbers (1, 1)"),
        ({"recurrent": np.full((1, 1), np.inf)}, "recurrent weights are not finite"),
        ({"refractory_steps": -1}, "refractory_steps = -1"),
        ({"refractory_steps": 1.5}, "refractory_steps = 1.5"),
        ({"reset": "fixed", "reset_value": 1.0}, "below the threshold"),
        ({"reset_value": 0.5}, "needs reset 'fixed'"),
    ],
)
def test_a_layer_that_cannot_be_built_is_named(change, words):
    with pytest.raises(DesignError, match="Layer 0: ") as caught:
        quantize(network(**{"weight": [[1.0, 0.5]], **change}), CONFIG)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"lanes": (2, 2)}, "for 1 layers"),
        ({"lanes": (0,)}, "at least 1"),
        ({"weight_bits": 1}, "weight_bits = 1"),
        ({"membrane_bits": 33}, "membrane_bits = 33"),
        ({"chunk_bits": 0}, "chunk_bits = 0"),
        ({"chunk_bits": 33}, "chunk_bits = 33"),
        ({"input_bits": 2.5}, "input_bits = 2.5"),
        ({"leak": "divide"}, "leak = 'divide'"),
        ({"schedule": "parallel"}, "schedule = 'parallel'"),
        ({"clock_mhz": 0.0}, "clock_mhz = 0.0"),
        ({"family": "analogue"}, "family = 'analogue'"),
        ({"family": "clock_driven", "schedule": "sequential"}, "schedule = 'sequential' needs family"),
    ],
)
def test_a_setting_that_cannot_be_built_is_named(change, words):
    with pytest.raises(DesignError) as caught:
        quantize(network([[1.0, 0.5]]), dataclasses.replace(CONFIG, **change))
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("shape", "weight", "words"),
    [
        (Convolution((1, 4, 4), 3, stride=0), (2, 1, 3, 3), "no whole number of at least 1"),
        (Convolution((1, 4, 4), 3, padding=3), (2, 1, 3, 3), "padding = 3 is outside 0..2"),
        (Convolution((1, 4, 4), 3, pool=3), (2, 1, 3, 3), "pool = 3 is unknown"),
        (Convolution((1, 2, 9), 3), (2, 1, 3, 3), "leave nothing of the frame"),
        (Convolution((1, 3, 3), 3, pool=2), (2, 1, 3, 3), "leave nothing of the frame"),
        (Convolution((2, 4, 4), 3), (2, 1, 3, 3), "give (channels, 2, 3, 3)"),
    ],
)
def test_a_convolution_that_cannot_be_built_is_named(shape, weight, words):
    with pytest.raises(DesignError, match="Layer 0: ") as caught:
        quantize(network(np.ones(weight), convolution=shape), CONFIG)
    assert words in str(caught.value)


def test_readouts_that_cannot_be_built_are_named():
    layers = (TrainedLayer(np.ones((6, 2)), 0.9, 1.0, "zero"),)
    for population in (0, 4, 7, 1.5):
        with pytest.raises(DesignError, match=f"population = {population} does not divide the 6 output"):
            quantize(TrainedNetwork(layers, 4, "rate", population=population), CONFIG)
    with pytest.raises(DesignError, match="readout = 'mean' is unknown"):
        quantize(TrainedNetwork(layers, 4, "rate", "mean"), CONFIG)


def test_layers_that_do_not_fit_each_other_are_named():
    first, second = network(np.ones((3, 2))).layers[0], network(np.ones((2, 4))).layers[0]
    with pytest.raises(DesignError, match="Layer 0 has 3 neurons but layer 1 has 4 inputs"):
        quantize(TrainedNetwork((first, second), 4, "rate"), AcceleratorConfig(lanes=(1, 1)))
    with pytest.raises(DesignError, match="no layers"):
        quantize(TrainedNetwork((), 4, "rate"), AcceleratorConfig(lanes=()))
    for time_steps in (0, 2.5, True, 70000):
        with pytest.raises(DesignError, match=f"time_steps = {time_steps}"):
            quantize(TrainedNetwork((first,), time_steps, "rate"), CONFIG)

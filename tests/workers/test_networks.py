import pytest

from hardware.checks import check_network
from hardware.network import AcceleratorConfig, Convolution
from hardware.quantize import quantize
from models.dynamics import Adaptation
from models.parameters import initial_network
from models.specification import NetworkSpec, NeuronSpec
from models.trained import trained_weights
from spikefront.errors import DesignError
from workers.networks import trained_network


def record(layout="6-4", shape=(3, 4), neuron=None, **changes):
    spec = NetworkSpec(layout, shape, 5, neuron=NeuronSpec(**(neuron or {})), **changes)
    return trained_network(trained_weights(initial_network(spec, 0)))


def test_everything_that_can_be_built_arrives():
    neuron = {"model": "synaptic", "alpha": 0.7, "refractory_steps": 2, "learn_threshold": "neuron"}
    network = record("3c3-p2-6r-4", (1, 4, 6), neuron, bias=True, population=2, readout="first_spike")
    check_network(network)
    first, second, third = network.layers
    assert first.convolution == Convolution((1, 4, 6), kernel=3, stride=1, padding=1, pool=2)
    assert (first.alpha, first.refractory_steps, first.reset) == (0.7, 2, "subtract")
    assert second.recurrent.shape == (6, 6)
    assert third.bias.tolist() == [0.0] * 8
    assert (network.sizes, network.population, network.readout) == ((24, 18, 6, 8), 2, "first_spike")
    assert quantize(network, AcceleratorConfig((1, 1, 1))).classes == 4


@pytest.mark.parametrize("model", ["leaky", "lapicque", "synaptic"])
@pytest.mark.parametrize("reset", ["subtract", "zero", "none"])
@pytest.mark.parametrize("layout", ["6-4", "6r-4"])
def test_every_neuron_and_reset_is_a_whole_record(model, reset, layout):
    check_network(record(layout, neuron={"model": model, "reset": reset, "beta": 0.8, "learn_beta": "layer"}))


@pytest.mark.parametrize(
    ("neuron", "sentence"),
    [
        ({"model": "alpha", "beta": 0.5}, "Layer 0 has alpha neurons"),
        ({"adaptation": Adaptation(0.9, 0.1)}, "Layer 0 has an adaptive threshold"),
        ({"learn_beta": "neuron"}, "Layer 0 has a beta for each of its 6 neurons"),
    ],
)
def test_what_no_accelerator_builds_is_said(neuron, sentence):
    with pytest.raises(DesignError, match=sentence):
        record(neuron=neuron)


def test_whole_numbers_are_a_beta_too():
    assert record(neuron={"beta": 1}).layers[0].beta == 1

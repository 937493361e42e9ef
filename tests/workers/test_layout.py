import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardware.shape import shape_of
from models.parameters import initial_network
from models.trained import trained_weights
from workers.layout import depth, fill, variables
from workers.networks import trained_network
from workers.parameters import TrialParameters
from workers.settings import network_spec

TEMPLATE = "{channels}c{kernel}-p2-{width}r-10"


def test_variables_are_put_into_the_text_and_taken_out_of_the_values():
    values = {"network": TEMPLATE, "channels": 8, "kernel": 3, "width": 32, "beta": 0.5}
    assert fill(values) == {"network": "8c3-p2-32r-10", "beta": 0.5}


@given(st.lists(st.sampled_from(["a", "b", "width"]), max_size=6))
def test_every_variable_is_named_once(names):
    text = "-".join(f"{{{name}}}" for name in names)
    assert sorted(variables(text)) == sorted(set(names))
    assert "{" not in str(fill({"network": text, "a": 1, "b": 2, "width": 3})["network"])


@pytest.mark.parametrize("value", [None, 0, -3, 2.5, True, "8"])
def test_a_variable_that_is_no_whole_number_is_refused(value):
    with pytest.raises(ValueError, match="names the variable width"):
        fill({"network": "{width}-10", "width": value})


def test_pools_are_no_layers_of_neurons():
    assert [depth(text) for text in ("10", "64-10", TEMPLATE, "8c3-p2-8c3-p2-10")] == [1, 2, 3, 3]


@pytest.mark.parametrize(
    "changes",
    [
        {"hidden_width": 12, "hidden_layers": 2},
        {"network": "4c3-p2-12r-10", "bias": True},
        {"network": "4c3s2-10", "batch_norm": True, "population": 3},
        {"network": "3c3v-5c3-p2-10", "neuron": "synaptic", "refractory_steps": 2, "readout": "first_spike"},
        {"network": "9-10", "neuron": "lapicque", "reset": "zero", "encoding": "direct"},
        {"network": "9-10", "neuron": "lapicque_exact", "reset": "zero"},
        {"network": "9r-10", "neuron": "synaptic", "reset": "zero", "beta": [0.5, 0.75]},
        {"network": "9-10", "learn_beta": "layer"},
        {"network": "9-10", "neuron": "lif", "reset": "zero", "learn_threshold": "neuron"},
    ],
)
def test_the_shape_before_training_is_that_of_the_trained_network(changes):
    parameters = TrialParameters.model_validate(changes)
    network = initial_network(network_spec(parameters, (8, 8), 10), 0, "cpu")
    found = shape_of(trained_network(trained_weights(network)))
    expected = parameters.shape((8, 8), 10)
    assert expected.sizes == found.sizes
    assert (expected.readout, expected.population, expected.encoding) == (
        found.readout,
        found.population,
        found.encoding,
    )
    for before, after in zip(expected.layers, found.layers, strict=True):
        assert before.convolution == after.convolution
        assert (before.recurrent, before.bias, before.subtracts, before.refractory_steps) == (
            after.recurrent,
            after.bias,
            after.subtracts,
            after.refractory_steps,
        )
        learned = parameters.learn_beta != "fixed"
        assert before.leaks[0] == (None if learned else pytest.approx(after.leaks[0]))
        assert before.leaks[1:] == after.leaks[1:]

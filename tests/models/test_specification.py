import pytest

from models.dynamics import Adaptation
from models.specification import NetworkSpec, NeuronSpec, Quantisation
from spikefront.errors import SpecError


def spec_of(neuron=None, **changes):
    values = {"layout": "9-4", "input_shape": (12,), "time_steps": 6, **changes}
    return NetworkSpec(**values, neuron=NeuronSpec(**(neuron or {})))


def test_one_value_is_that_of_every_layer():
    spec = spec_of({"beta": 0.7, "threshold": (0.5, 2.0)})
    assert spec.betas == (0.7, 0.7)
    assert spec.thresholds == (0.5, 2.0)
    assert (spec.classes, spec.code.time_steps) == (4, 6)


def test_classes_are_counted_without_their_populations():
    assert spec_of(population=5).classes == 4


def test_every_layer_but_the_last_is_normalised():
    assert [spec_of(batch_norm=True).normalised(layer) for layer in (0, 1)] == [True, False]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"layout": "9-x"}, "has the layer 'x'"),
        ({"input_shape": ()}, r"input shape is \(\)"),
        ({"encoding": "phase"}, "encoding 'phase' is unknown"),
        ({"time_steps": 0}, "time_steps is 0"),
        ({"init_scale": -1.0}, "init_scale is -1.0"),
        ({"initial": "zeros"}, "initial 'zeros' is unknown"),
        ({"dropout": 1.0}, "dropout is 1.0"),
        ({"readout": "vote"}, "readout 'vote' is unknown"),
        ({"population": 0}, "population is 0"),
        ({"neuron": {"beta": (0.5, 0.6, 0.7)}}, "beta has 3 values and network '9-4' 2 layers"),
        ({"neuron": {"threshold": (0.5,)}}, "threshold has 1 values and network '9-4' 2 layers"),
        ({"layout": "9r-4", "neuron": {"model": "alpha", "beta": 0.5}}, "no recurrent form"),
    ],
)
def test_impossible_networks(changes, sentence):
    with pytest.raises(SpecError, match=sentence):
        spec_of(**changes)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"threshold": 0.0}, "threshold is 0.0"),
        ({"threshold": (1.0, float("nan"))}, "threshold is nan"),
        ({"reset": "hard"}, "reset 'hard' is unknown"),
        ({"model": "izhikevich"}, "neuron 'izhikevich' is unknown"),
        ({"model": "lapicque", "beta": 0.2}, "beta of a lapicque neuron is 0.2"),
        ({"model": "alpha", "beta": 0.9}, "give an alpha above beta"),
        ({"beta": 1.2}, "beta of a leaky neuron is 1.2"),
        ({"beta": (0.5, 1.2)}, "beta of a leaky neuron is 1.2"),
        ({"surrogate": "relu"}, "surrogate 'relu' is unknown"),
        ({"slope": 0.0}, "slope of fast_sigmoid is 0.0"),
        ({"learn_beta": "all"}, "learn_beta is 'all'"),
        ({"learn_threshold": True}, "learn_threshold is True"),
        ({"refractory_steps": -1}, "refractory_steps is -1"),
        ({"model": "alpha", "beta": 0.5, "adaptation": Adaptation(0.9, 0.1)}, "adaptive threshold"),
    ],
)
def test_impossible_neurons(changes, sentence):
    with pytest.raises(SpecError, match=sentence):
        NeuronSpec(**changes)


@pytest.mark.parametrize(
    ("bits", "sentence"), [((1, 16), "weight_bits of the training is 1"), ((8, 40), "membrane_bits .* is 40")]
)
def test_impossible_widths(bits, sentence):
    with pytest.raises(SpecError, match=sentence):
        Quantisation(*bits)

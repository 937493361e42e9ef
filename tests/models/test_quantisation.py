"""Training's rounding is the hardware's."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hardware.network import AcceleratorConfig
from hardware.quantize import quantize
from models.folding import plain_stages, training_stages
from models.network import Pass, run
from models.parameters import initial_network
from models.specification import NetworkSpec, NeuronSpec, Quantisation
from models.trained import in_double, trained_weights
from workers.networks import trained_network

LAYOUTS = {"9-4": (12,), "9r-4": (12,), "3c3-p2-4": (3, 4)}


def network_of(layout, bits, seed, **neuron):
    spec = NetworkSpec(
        layout,
        LAYOUTS[layout],
        5,
        neuron=NeuronSpec(**neuron),
        bias=True,
        batch_norm="r" in layout,
        quantisation=Quantisation(*bits),
    )
    network = in_double(initial_network(spec, seed))
    generator = torch.Generator().manual_seed(seed)
    for layer in network.layers:
        for name, tensor in layer.tensors().items():
            noise = torch.rand(tensor.shape, generator=generator, dtype=torch.float64)
            tensor.add_(0.3 * noise if name in ("variance", "threshold") else 0.3 * (noise - 0.5))
    return network


@settings(max_examples=40, deadline=None)
@given(
    layout=st.sampled_from(sorted(LAYOUTS)),
    bits=st.tuples(st.integers(3, 8), st.sampled_from([6, 8, 16])),
    seed=st.integers(0, 10**6),
    learn=st.sampled_from(["fixed", "layer", "neuron"]),
)
def test_rounded_values_are_the_integers_of_the_hardware(layout, bits, seed, learn):
    network = network_of(layout, bits, seed, learn_threshold=learn)
    config = AcceleratorConfig((1,) * len(network.layers), weight_bits=bits[0], membrane_bits=bits[1])
    integers = quantize(trained_network(trained_weights(network)), config)
    for stage, layer in zip(plain_stages(network), integers.layers, strict=True):
        np.testing.assert_array_equal(stage.weight.detach(), layer.weight)
        np.testing.assert_array_equal(stage.bias.detach(), layer.bias)
        assert stage.dynamics.threshold == layer.threshold
        if layer.recurrent is not None:
            np.testing.assert_array_equal(stage.recurrent.detach(), layer.recurrent)


@pytest.mark.parametrize("learn", ["fixed", "neuron"])
def test_training_sees_the_rounded_network(learn):
    """Without normalisation, the forward pass of training computes the spikes of the rounded network.

    But for ties: on a grid a membrane potential often meets the threshold exactly, and only whole numbers
    tell.
    """
    network = network_of("3c3-p2-4", (4, 16), 2, learn_threshold=learn, threshold=0.3)
    inputs = (torch.rand(5, 8, 12, generator=torch.Generator().manual_seed(1)) < 0.5).double()
    plain, learned = (run(each(network), inputs, Pass(5)) for each in (plain_stages, training_stages))
    differing = sum((a != b).sum() for a, b in zip(plain.spikes, learned.spikes, strict=True))
    assert learned.layer_spikes.sum() > 50
    assert differing <= 0.02 * learned.layer_spikes.sum()


def test_the_gradient_passes_straight_through():
    network = network_of("9-4", (3, 16), 0, threshold=0.3)
    rough = training_stages(network)[0].weight
    weight = network.layers[0].weight.requires_grad_()
    stage = training_stages(network)[0]
    assert torch.equal(stage.weight, rough)
    assert len(stage.weight.unique()) <= 2**3
    stage.weight.square().sum().backward()
    torch.testing.assert_close(weight.grad, 2 * rough)


def test_a_normalisation_of_gain_zero_stays_finite():
    network = network_of("9r-4", (4, 16), 0)
    network.layers[0].norm.gain.zero_()
    inputs = torch.ones(5, 8, 12, dtype=torch.float64)
    activity = run(training_stages(network), inputs, Pass(5))
    assert torch.isfinite(activity.output.counts).all()

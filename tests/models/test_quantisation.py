"""Training's rounding is the hardware's."""

import numpy as np
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from hardware.network import AcceleratorConfig
from hardware.quantize import quantize, quantize_inputs
from hardware.reference import run as run_integers
from models.folding import plain_stages, training_stages
from models.network import Pass, run
from models.parameters import initial_network
from models.specification import NetworkSpec, NeuronSpec, Quantisation
from models.trained import in_double, trained_weights
from spikefront.errors import DesignError
from workers.networks import trained_network

LAYOUTS = {"9-4": (12,), "9r-4": (12,), "3c3-p2-4": (3, 4)}


def network_of(layout, bits, seed, encoding="rate", **neuron):
    spec = NetworkSpec(
        layout,
        LAYOUTS[layout],
        5,
        encoding,
        NeuronSpec(**neuron),
        bias=True,
        batch_norm="r" in layout,
        quantisation=bits,
    )
    network = in_double(initial_network(spec, seed))
    generator = torch.Generator().manual_seed(seed)
    for layer in network.layers:
        for name, tensor in layer.tensors().items():
            noise = torch.rand(tensor.shape, generator=generator, dtype=torch.float64)
            tensor.add_(0.3 * noise if name in ("variance", "threshold") else 0.3 * (noise - 0.5))
    return network


def flat(spikes):
    """(T, B, ...) as (B, T, n), frames in the order (channel, row, column)."""
    moved = spikes if spikes.ndim == 3 else spikes.permute(0, 1, 4, 2, 3).flatten(2)
    return moved.detach().transpose(0, 1).numpy()


@settings(max_examples=40, deadline=None)
@given(
    layout=st.sampled_from(sorted(LAYOUTS)),
    bits=st.builds(Quantisation, st.integers(3, 8), st.sampled_from([6, 8, 16])),
    seed=st.integers(0, 10**6),
    learn=st.sampled_from(["fixed", "layer", "neuron"]),
)
def test_rounded_values_are_the_integers_of_the_hardware(layout, bits, seed, learn):
    network = network_of(layout, bits, seed, learn_threshold=learn)
    config = AcceleratorConfig(
        (1,) * len(network.layers), weight_bits=bits.weight_bits, membrane_bits=bits.membrane_bits
    )
    integers = quantize(trained_network(trained_weights(network)), config)
    for stage, layer in zip(plain_stages(network), integers.layers, strict=True):
        np.testing.assert_array_equal(stage.weight.detach(), layer.weight)
        np.testing.assert_array_equal(stage.bias.detach(), layer.bias)
        assert stage.dynamics.threshold == layer.threshold
        if layer.recurrent is not None:
            np.testing.assert_array_equal(stage.recurrent.detach(), layer.recurrent)


NEURONS = {
    "leaky": {},
    "lapicque": {"model": "lapicque", "reset": "zero"},
    "synaptic": {"model": "synaptic", "alpha": 0.6, "reset": "zero"},
    "refractory": {"refractory_steps": 2, "reset": "none"},
    "if": {"beta": 1.0},
}


@settings(max_examples=60, deadline=None)
@given(
    layout=st.sampled_from(sorted(LAYOUTS)),
    bits=st.builds(
        Quantisation,
        st.integers(3, 8),
        st.sampled_from([12, 16]),
        st.sampled_from(["multiply", "shift"]),
        st.integers(2, 10),
        st.integers(2, 8),
    ),
    neuron=st.sampled_from(sorted(NEURONS)),
    direct=st.booleans(),
    learn=st.sampled_from(["fixed", "layer", "neuron"]),
    seed=st.integers(0, 10**6),
)
def test_the_rounded_network_is_the_hardwares_bit_for_bit(layout, bits, neuron, direct, learn, seed):
    """Its spikes are those of the integer reference; training sees them too, but for what floats mistake."""
    if direct and "r" in layout:
        layout = "9-4"
    constants = {"threshold": 0.4, "learn_threshold": learn, "learn_beta": "layer"} | NEURONS[neuron]
    network = network_of(layout, bits, seed, encoding="direct" if direct else "rate", **constants)
    config = AcceleratorConfig(
        (1,) * len(network.layers), **{name: getattr(bits, name) for name in bits.__dataclass_fields__}
    )
    generator = torch.Generator().manual_seed(seed)
    inputs = torch.rand((8, 12) if direct else (5, 8, 12), generator=generator, dtype=torch.float64)
    if direct:
        samples = quantize_inputs(inputs.numpy(), bits.input_bits)
    else:
        inputs = (inputs < 0.5).double()
        samples = inputs.numpy().transpose(1, 0, 2).astype(np.uint8)
    try:
        integers = quantize(trained_network(trained_weights(network)), config)
    except DesignError:
        assume(False)
    expected = run_integers(integers, samples).spikes
    plain = run(plain_stages(network), inputs, Pass(5))
    for ours, theirs in zip(plain.spikes, expected, strict=True):
        assert np.array_equal(flat(ours), theirs)
    if not network.spec.batch_norm:
        learned = run(training_stages(network), inputs, Pass(5))
        for ours, theirs in zip(learned.spikes, expected, strict=True):
            assert (flat(ours) != theirs).mean() <= 0.01


def test_the_gradient_passes_straight_through():
    network = network_of("9-4", Quantisation(3), 0, threshold=0.3)
    rough = training_stages(network)[0].weight
    weight = network.layers[0].weight.requires_grad_()
    stage = training_stages(network)[0]
    assert torch.equal(stage.weight, rough)
    assert len(stage.weight.unique()) <= 2**3
    stage.weight.square().sum().backward()
    torch.testing.assert_close(weight.grad, 2 * rough)


def test_a_normalisation_of_gain_zero_stays_finite():
    network = network_of("9r-4", Quantisation(4), 0)
    network.layers[0].norm.gain.zero_()
    inputs = torch.ones(5, 8, 12, dtype=torch.float64)
    activity = run(training_stages(network), inputs, Pass(5))
    assert torch.isfinite(activity.output.counts).all()

"""Whole networks against snnTorch's neurons and torch's layers, run step by step by autograd."""

import pytest
import torch
from snntorch_runs import Case, snntorch_run
from torch.nn import functional

from models.folding import training_stages
from models.losses import LossSpec, Output
from models.network import Pass, run
from models.parameters import initial_network
from models.specification import NetworkSpec, NeuronSpec
from models.trained import in_double

STEPS, SAMPLES = 6, 5


def step_by_step(network, inputs):
    """Output spikes and membrane potentials (T, B, n): every layer over all steps, one node per operation."""
    signal = inputs if inputs.ndim == 3 else inputs.expand(STEPS, -1, -1)
    for index, (layer, parameters) in enumerate(zip(network.spec.layers, network.layers, strict=True)):
        frames = signal.reshape(STEPS * SAMPLES, *layer.in_shape)
        if layer.convolutional:
            currents = functional.conv2d(
                frames, parameters.weight, parameters.bias, layer.stride, layer.padding
            )
        else:
            currents = functional.linear(frames, parameters.weight, parameters.bias)
        norm = parameters.norm
        if norm is not None:
            currents = functional.batch_norm(currents, None, None, norm.gain, norm.shift, training=True)
        signal, membrane = fire(network, index, currents.view(STEPS, SAMPLES, *layer.neurons_shape))
        if layer.pool == 2:
            signal = functional.max_pool2d(signal.flatten(0, 1), 2).unflatten(0, (STEPS, SAMPLES))
    return signal, membrane


def fire(network, index, currents):
    """Spikes and membrane potentials of snnTorch's neurons."""
    spec, recurrent = network.spec, network.layers[index].recurrent
    constants = (spec.betas[index], spec.neuron.alpha, spec.thresholds[index])
    case = Case(
        f"recurrent {spec.neuron.model}" if spec.layers[index].recurrent else spec.neuron.model,
        spec.neuron.reset,
        spec.neuron.surrogate,
        *(torch.tensor(each, dtype=torch.float64) for each in constants),
        recurrent,
    )
    return snntorch_run(case, currents)


def spec_of(layout, neuron=None, **changes):
    values = {"input_shape": (6, 8), "time_steps": STEPS, **changes}
    return NetworkSpec(layout, **values, neuron=NeuronSpec(**({"threshold": 0.4} | (neuron or {}))))


@pytest.mark.parametrize(
    "spec",
    [
        spec_of("12-4"),
        spec_of("12-4", {"model": "lapicque", "reset": "zero", "threshold": 0.1}, bias=True),
        spec_of(
            "12-4", {"model": "synaptic", "reset": "none", "threshold": 1.0}, encoding="direct", bias=True
        ),
        spec_of("12-8-4", {"beta": (0.5, 0.6, 0.7), "threshold": (0.3, 0.4, 0.5)}, batch_norm=True),
        spec_of("12r-4"),
        spec_of("12r-4", {"model": "synaptic", "alpha": 0.5}, batch_norm=True),
        spec_of("6c3-p2-5c3s2-12-4", bias=True),
        spec_of("6c3-p2-5c2v-p2-4", batch_norm=True, encoding="direct"),
        spec_of("6c5-p2-12r-4", {"reset": "zero"}, batch_norm=True),
    ],
    ids=lambda spec: f"{spec.layout}-{spec.neuron.model}-{spec.encoding}",
)
@pytest.mark.parametrize("loss", ["ce_count", "ce_max_membrane"])
def test_losses_and_gradients_equal_a_step_by_step_run(spec, loss):
    network = in_double(initial_network(spec, 1))
    learned = [
        tensor.requires_grad_()
        for layer in network.layers
        for name, tensor in layer.tensors().items()
        if name in ("weight", "bias", "recurrent", "gain", "shift")
    ]
    generator = torch.Generator().manual_seed(0)
    shape = (SAMPLES, 48) if spec.encoding == "direct" else (STEPS, SAMPLES, 48)
    inputs = torch.rand(shape, generator=generator, dtype=torch.float64)
    if spec.encoding != "direct":
        inputs = (inputs < 0.4).double()
    labels = torch.arange(SAMPLES) % 4
    expected = LossSpec(loss)(Output(*step_by_step(network, inputs)), labels)
    gradients = torch.autograd.grad(expected, learned)
    ours = LossSpec(loss)(
        run(training_stages(network), inputs, Pass(STEPS, membrane_gradient=True)).output, labels
    )
    torch.testing.assert_close(ours, expected, rtol=1e-9, atol=1e-9)
    found = torch.autograd.grad(ours, learned)
    assert all(float(gradient.abs().sum()) > 0 for gradient in gradients)
    for mine, theirs in zip(found, gradients, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-9, atol=1e-9)

import pytest
import torch
from torch.nn import functional

from models.folding import plain_stages, training_stages
from models.network import Pass, run
from models.parameters import initial_network
from models.specification import NetworkSpec, NeuronSpec
from models.trained import in_double


def spec_of(neuron=None, **changes):
    values = {"layout": "9-4", "input_shape": (12,), "time_steps": 5, **changes}
    return NetworkSpec(**values, neuron=NeuronSpec(**({"threshold": 0.3} | (neuron or {}))))


def moved(spec, seed=0):
    """A float64 network whose every parameter has left where it starts; variances stay above zero."""
    network = in_double(initial_network(spec, seed))
    generator = torch.Generator().manual_seed(seed)
    for layer in network.layers:
        for name, tensor in layer.tensors().items():
            noise = torch.rand(tensor.shape, generator=generator, dtype=torch.float64)
            tensor.add_(0.5 * noise if name in ("variance", "threshold") else noise - 0.4)
    return network


@pytest.mark.parametrize("layout", ["9-4", "3c3-4", "9r-4"])
def test_normalisation_is_torchs_with_running_statistics(layout):
    network = moved(spec_of(layout=layout, input_shape=(3, 4), batch_norm=True))
    parameters, stage = network.layers[0], plain_stages(network)[0]
    frames = torch.rand(20, 12, dtype=torch.float64)
    if stage.layer.convolutional:
        frames = frames.view(20, 1, 3, 4)
        product = lambda weight, bias: functional.conv2d(frames, weight, bias, padding=1)  # noqa: E731
    else:
        product = lambda weight, bias: functional.linear(frames, weight, bias)  # noqa: E731
    norm = parameters.norm
    expected = functional.batch_norm(
        product(parameters.weight, None), norm.mean, norm.variance, norm.gain, norm.shift, training=False
    )
    torch.testing.assert_close(product(stage.weight, stage.bias), expected, rtol=1e-12, atol=1e-12)


def test_training_normalises_over_samples_steps_and_pixels():
    network = initial_network(spec_of(layout="3c3-4", input_shape=(3, 4), batch_norm=True), 0)
    inputs = (torch.rand(5, 7, 12, generator=torch.Generator().manual_seed(0)) < 0.4).float()
    run(training_stages(network), inputs, Pass(5))
    currents = functional.conv2d(inputs.view(35, 1, 3, 4), network.layers[0].weight, padding=1)
    norm = network.layers[0].norm
    torch.testing.assert_close(norm.mean, 0.1 * currents.mean((0, 2, 3)).detach())
    torch.testing.assert_close(norm.variance, 0.9 + 0.1 * currents.var((0, 2, 3)).detach())


def test_a_batch_of_one_value_is_normalised_by_running_statistics():
    network = initial_network(spec_of(batch_norm=True, encoding="direct"), 0)
    activity = run(training_stages(network), torch.rand(1, 12), Pass(5))
    assert torch.isfinite(activity.output.counts).all()
    assert network.layers[0].norm.variance.tolist() == [1.0] * 9


@pytest.mark.parametrize("model", ["leaky", "lapicque", "synaptic", "alpha"])
@pytest.mark.parametrize("reset", ["subtract", "zero", "none"])
def test_thresholds_of_single_neurons_become_one(model, reset):
    recurrent = "" if model == "alpha" else "r"
    neuron = {"model": model, "reset": reset, "learn_threshold": "neuron", "beta": 0.6, "alpha": 0.8}
    network = moved(spec_of(neuron, layout=f"9{recurrent}-4", bias=True), 3)
    inputs = (torch.rand(5, 6, 12, generator=torch.Generator().manual_seed(1)) < 0.5).double()
    plain = plain_stages(network)
    learned, folded = (run(stages, inputs, Pass(5)) for stages in (training_stages(network), plain))
    assert isinstance(plain[0].dynamics.threshold, float)
    assert learned.layer_spikes.sum() > 20
    for ours, theirs in zip(folded.spikes, learned.spikes, strict=True):
        assert torch.equal(ours, theirs)

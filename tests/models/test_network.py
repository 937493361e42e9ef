import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from models.evaluation import predictions
from models.folding import training_stages
from models.losses import Output
from models.network import Dropout, Pass, run
from models.parameters import Network, initial_network
from models.specification import NetworkSpec, NeuronSpec

NEURON = {"threshold": 0.3}


def spec_of(neuron=None, **changes):
    values = {"layout": "9-4", "input_shape": (12,), "time_steps": 6, **changes}
    return NetworkSpec(**values, neuron=NeuronSpec(**(NEURON | (neuron or {}))))


def on_a_grid(spec, seed):
    """A network whose weights add up exactly, so that the order of a sum cannot matter."""
    generator = torch.Generator().manual_seed(seed)
    network = initial_network(spec, seed)
    network.restore([torch.randint(-32, 40, v.shape, generator=generator) / 64 for v in network.values()])
    return network


def run_network(network, inputs, columns=None, **options):
    return run(training_stages(network), inputs, Pass(network.spec.time_steps, **options), columns)


def gradients_of(network, activity):
    tensors = [each.tensor for each in network.learned(0.0)]
    return torch.autograd.grad(activity.output.counts.square().sum(), tensors)


def inputs_of(seed, shape):
    return (torch.rand(shape, generator=torch.Generator().manual_seed(seed)) < 0.4).float()


def close(ours, expected, tolerance=1e-4):
    for mine, theirs in zip(ours, expected, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize(("layout", "shape"), [("9-4", (12,)), ("3c3-p2-9-4", (2, 4, 6)), ("9r-4", (12,))])
@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10**6), neuron=st.sampled_from(["leaky", "lapicque"]), bias=st.booleans())
def test_a_constant_current_equals_repeating_it(layout, shape, seed, neuron, bias):
    spec = spec_of({"model": neuron}, layout=layout, input_shape=shape, encoding="direct", bias=bias)
    generator = torch.Generator().manual_seed(seed)
    values = torch.randint(0, 17, (5, spec.layers[0].n_in), generator=generator) / 16
    network = on_a_grid(spec, seed)
    once = run_network(network, values)
    repeated = run_network(network, values.expand(spec.time_steps, -1, -1).contiguous())
    assert torch.equal(once.output.counts, repeated.output.counts)
    assert torch.equal(once.layer_spikes, repeated.layer_spikes)
    close(gradients_of(network, once), gradients_of(network, repeated))


@pytest.mark.parametrize(("layout", "shape"), [("9-4", (12,)), ("3c3-4", (3, 4)), ("9r-4", (12,))])
def test_leaving_out_inputs_that_are_zero_changes_nothing(layout, shape):
    network = on_a_grid(spec_of(layout=layout, input_shape=shape), 1)
    inputs = inputs_of(0, (6, 5, 12))
    inputs[..., [0, 4, 11]] = 0
    columns = torch.tensor([1, 2, 3, 5, 6, 7, 8, 9, 10])
    whole = run_network(network, inputs)
    part = run_network(network, inputs[..., columns], columns)
    assert whole.layer_spikes.sum(0).min() > 0
    assert torch.equal(whole.output.counts, part.output.counts)
    close(gradients_of(network, part), gradients_of(network, whole))


def test_output_counts_are_the_last_layers_spikes():
    activity = run_network(initial_network(spec_of(), 0), inputs_of(0, (6, 5, 12)))
    assert activity.output.counts.shape == (5, 4)
    assert activity.layer_spikes.shape == (5, 2)
    assert activity.output.counts.sum(1).tolist() == activity.layer_spikes[:, -1].tolist()


def test_spikes_of_a_layer_are_counted_behind_its_pooling():
    spec = spec_of(layout="3c3-p2-4", input_shape=(4, 6))
    activity = run_network(initial_network(spec, 0), inputs_of(0, (6, 5, 24)))
    assert activity.spikes[0].shape == (6, 5, 2, 3, 3)
    assert activity.layer_spikes[:, 0].tolist() == activity.spikes[0].sum((0, 2, 3, 4)).tolist()


def test_a_population_adds_up_to_classes():
    spec = spec_of(population=3)
    activity = run_network(initial_network(spec, 0), inputs_of(0, (6, 5, 12)), population=3)
    assert activity.output.spikes.shape == (6, 5, 12)
    expected = activity.output.spikes.sum(0).view(5, 4, 3).sum(-1)
    assert torch.equal(activity.output.counts, expected)


def test_membranes_carry_a_gradient_when_asked_to():
    network = initial_network(spec_of(), 0)
    inputs = inputs_of(0, (6, 5, 12))
    assert not run_network(network, inputs).output.membrane.requires_grad
    run_network(network, inputs, membrane_gradient=True).output.membrane.sum().backward()
    assert all(float(each.tensor.grad.abs().sum()) > 0 for each in network.learned(0.0))


class TestDropout:
    def test_keeps_a_sample_s_choice_through_time(self):
        spikes = torch.ones(4, 50, 40)
        dropped = Dropout(0.25, torch.Generator().manual_seed(0))(spikes)
        assert torch.equal(dropped[0].expand_as(dropped), dropped)
        assert sorted(set(dropped.unique().tolist())) == pytest.approx([0, 4 / 3])
        assert float((dropped == 0).float().mean()) == pytest.approx(0.25, abs=0.03)

    def test_the_output_layer_is_left_alone(self):
        network = initial_network(spec_of(layout="4"), 0)
        inputs = inputs_of(0, (6, 5, 12))
        dropout = Dropout(0.9, torch.Generator().manual_seed(0))
        plain, dropped = (
            run_network(network, inputs, dropout=each).output.spikes for each in (None, dropout)
        )
        assert torch.equal(plain, dropped)

    def test_changes_what_the_next_layer_receives_only(self):
        network = initial_network(spec_of(), 0)
        inputs = inputs_of(0, (6, 5, 12))
        dropout = Dropout(0.9, torch.Generator().manual_seed(0))
        plain, dropped = (run_network(network, inputs, dropout=each) for each in (None, dropout))
        assert torch.equal(plain.layer_spikes[:, 0], dropped.layer_spikes[:, 0])
        assert not torch.equal(plain.output.spikes, dropped.output.spikes)


def test_mixed_precision_leaves_neurons_in_single_precision():
    """On a CPU it is refused in training for its slowness, but the arithmetic can be looked at here."""
    network = initial_network(spec_of(layout="3c3-p2-9r-4", input_shape=(4, 6)), 0)
    inputs = inputs_of(0, (6, 5, 24))
    with torch.autocast("cpu", torch.bfloat16):
        mixed = run_network(network, inputs, membrane_gradient=True)
    assert mixed.output.membrane.dtype == mixed.output.spikes.dtype == torch.float32
    plain = run_network(network, inputs, membrane_gradient=True)
    assert mixed.layer_spikes.sum().item() == pytest.approx(plain.layer_spikes.sum().item(), rel=0.1)
    mixed.output.membrane.sum().backward()
    assert all(torch.isfinite(each.tensor.grad).all() for each in network.learned(0.0))


class TestReadout:
    """Two steps; four neurons, two for each of two classes."""

    def output(self, spikes, membrane=None):
        as_tensor = torch.tensor(spikes, dtype=torch.float32).view(-1, 1, 4)
        held = torch.zeros_like(as_tensor) if membrane is None else torch.tensor(membrane).view(-1, 1, 4)
        return Output(as_tensor, held, 2)

    @pytest.mark.parametrize(
        ("spikes", "count", "first"),
        [
            ([[0, 1, 0, 0], [0, 0, 1, 1]], 1, 0),
            ([[0, 0, 0, 0], [0, 1, 1, 0]], 0, 0),
            ([[0, 0, 0, 0], [0, 0, 0, 1]], 1, 1),
            ([[0, 0, 0, 0], [0, 0, 0, 0]], 0, 0),
            ([[1, 0, 0, 1], [0, 0, 0, 1]], 1, 0),
        ],
    )
    def test_of_spikes(self, spikes, count, first):
        output = self.output(spikes)
        assert predictions(output, "count").tolist() == [count]
        assert predictions(output, "first_spike").tolist() == [first]

    @pytest.mark.parametrize(
        ("membrane", "highest"),
        [
            ([[0.0, 0.5, 0.3, 0.3], [0.0, 0.1, 0.4, 0.0]], 0),
            ([[0.5, 0.0, 0.5, 0.1], [0.1, 0.0, 0.1, 0.6]], 1),
        ],
    )
    def test_of_membranes(self, membrane, highest):
        output = self.output([[0] * 4] * 2, membrane)
        assert predictions(output, "max_membrane").tolist() == [highest]


def test_values_are_copies_that_can_be_put_back():
    network = initial_network(spec_of(batch_norm=True, bias=True), 0)
    before = network.values()
    with torch.no_grad():
        for each in network.learned(0.0):
            each.tensor.add_(1.0)
    assert not any(torch.equal(a, b) for a, b in zip(before[:1], network.values()[:1], strict=True))
    network.restore(before)
    assert all(torch.equal(a, b) for a, b in zip(before, network.values(), strict=True))
    assert isinstance(network, Network)

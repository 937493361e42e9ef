import pytest
import snntorch.functional as theirs
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from snntorch import spikegen
from snntorch.functional import loss as their_module

from models.losses import LOSSES, LossSpec, Output
from spikefront.errors import SpecError

CLASSES = 4
AIMS = {"correct_rate": 0.7, "incorrect_rate": 0.1, "correct_membrane": 1.5, "incorrect_membrane": 0.25}
ORIGINALS = {
    "ce_count": theirs.ce_count_loss(),
    "ce_rate": theirs.ce_rate_loss(),
    "ce_max_membrane": theirs.ce_max_membrane_loss(),
    "ce_temporal": theirs.ce_temporal_loss(),
    "mse_count": theirs.mse_count_loss(correct_rate=0.7, incorrect_rate=0.1),
    "mse_membrane": theirs.mse_membrane_loss(on_target=1.5, off_target=0.25),
    "mse_temporal": theirs.mse_temporal_loss(on_target=1, off_target=2),
}


def random_output(seed, time_steps, neurons=CLASSES, population=1):
    """Random spikes and membrane potentials, unrelated, and labels."""
    generator = torch.Generator().manual_seed(seed)
    shape = (time_steps, 6, neurons)
    spikes = (torch.rand(shape, generator=generator, dtype=torch.float64) < 0.3).double().requires_grad_()
    membrane = torch.randn(shape, generator=generator, dtype=torch.float64).requires_grad_()
    labels = torch.randint(0, neurons // population, (6,), generator=generator)
    return Output(spikes, membrane, population), labels


@pytest.fixture
def double_precision(monkeypatch):
    """Some of snnTorch's losses add up, and all its targets are, in float32 whatever they are given."""
    monkeypatch.setattr(their_module, "dtype", torch.float64)
    monkeypatch.setattr(spikegen, "dtype", torch.float64)


@pytest.mark.usefixtures("double_precision")
@pytest.mark.parametrize("name", sorted(ORIGINALS))
@pytest.mark.parametrize("time_steps", [3, 11, 30])
def test_equals_snntorch_in_value_and_gradient(name, time_steps):
    for seed in range(5):
        output, labels = random_output(seed, time_steps)
        spec = LossSpec(name, correct_step=1, incorrect_step=2, **AIMS)
        over = output.membrane if spec.needs_membrane else output.spikes
        ours = spec(output, labels)
        expected = ORIGINALS[name](over, labels)
        torch.testing.assert_close(ours, expected.reshape(()), rtol=1e-9, atol=1e-9)
        (gradient,) = torch.autograd.grad(ours, over)
        torch.testing.assert_close(gradient, torch.autograd.grad(expected, over)[0], rtol=1e-9, atol=1e-9)


@pytest.mark.usefixtures("double_precision")
@pytest.mark.parametrize("tolerance", [1, 2, 5])
def test_a_tolerance_forgives_as_snntorchs(tolerance):
    output, labels = random_output(3, 9)
    ours = LossSpec("mse_temporal", correct_step=2, incorrect_step=8, tolerance=tolerance)(output, labels)
    expected = theirs.mse_temporal_loss(on_target=2, off_target=8, tolerance=tolerance)(output.spikes, labels)
    torch.testing.assert_close(ours, expected, rtol=1e-9, atol=1e-9)


def test_negative_steps_count_from_the_end():
    """snnTorch 1.0 documents the same but aims at step 0 instead: its one-hot code drops negative values."""
    output, labels = random_output(4, 9)
    from_the_end = LossSpec("mse_temporal", correct_step=-9, incorrect_step=-1)(output, labels)
    from_the_start = LossSpec("mse_temporal", correct_step=0, incorrect_step=8)(output, labels)
    assert torch.equal(from_the_end, from_the_start)


@pytest.mark.parametrize(
    ("name", "original"),
    [
        ("ce_count", theirs.ce_count_loss(population_code=True, num_classes=CLASSES)),
        (
            "mse_count",
            theirs.mse_count_loss(
                correct_rate=0.7, incorrect_rate=0.1, population_code=True, num_classes=CLASSES
            ),
        ),
    ],
)
def test_populations_are_counted_as_snntorch_does(name, original):
    output, labels = random_output(1, 12, neurons=3 * CLASSES, population=3)
    ours, expected = LossSpec(name, **AIMS)(output, labels), original(output.spikes, labels)
    torch.testing.assert_close(ours.float(), expected.float(), rtol=1e-6, atol=1e-6)
    gradients = [torch.autograd.grad(each, output.spikes)[0] for each in (ours, expected)]
    torch.testing.assert_close(*gradients, rtol=1e-6, atol=1e-6)


@settings(max_examples=25, deadline=None)
@given(name=st.sampled_from(sorted(LOSSES)), seed=st.integers(0, 1000), copies=st.integers(1, 3))
def test_a_population_of_equal_neurons_ranks_classes_as_one_does(name, seed, copies):
    """Where a class's neurons do the same, first spikes and highest potentials are those of one neuron."""
    output, labels = random_output(seed, 7)
    many = Output(
        *(each.repeat_interleave(copies, dim=-1) for each in (output.spikes, output.membrane)), copies
    )
    assert torch.equal(many.first_spike, output.first_spike)
    assert torch.equal(many.highest_membrane, output.highest_membrane)
    assert torch.equal(many.counts, output.counts * copies)
    assert torch.isfinite(LossSpec(name)(many, labels))


def test_the_membrane_cross_entropy_is_the_mean_over_steps():
    output, labels = random_output(5, 6)
    each = [torch.nn.functional.cross_entropy(step, labels) for step in output.membrane]
    torch.testing.assert_close(LossSpec("ce_membrane")(output, labels), torch.stack(each).mean())


@pytest.mark.parametrize("name", sorted(LOSSES))
def test_single_precision_gives_finite_gradients(name):
    output, labels = random_output(0, 5)
    single = Output(output.spikes.detach().float(), output.membrane.detach().float())
    over = single.membrane if LossSpec(name).needs_membrane else single.spikes
    over.requires_grad_()
    LossSpec(name)(single, labels).backward()
    assert over.grad.dtype == torch.float32
    assert float(over.grad.abs().sum()) > 0


def test_a_membrane_loss_without_membranes():
    output, labels = random_output(0, 5)
    with pytest.raises(ValueError, match="without its membrane potentials"):
        LossSpec("ce_membrane")(Output(output.spikes), labels)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"name": "hinge"}, "loss 'hinge' is unknown; choose one of ce_count, ce_max_membrane"),
        ({"correct_rate": 1.5}, "correct_rate of the loss is 1.5"),
        ({"incorrect_rate": -0.1}, "incorrect_rate of the loss is -0.1"),
        ({"tolerance": -1}, "tolerance of the loss is -1"),
    ],
)
def test_impossible_losses(changes, sentence):
    with pytest.raises(SpecError, match=sentence):
        LossSpec(**changes)

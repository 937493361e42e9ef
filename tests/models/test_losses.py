import pytest
import snntorch.functional as theirs
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from models.losses import LOSSES, loss_named
from spikefront.errors import SpecError

ORIGINALS = {
    "ce_count": theirs.ce_count_loss(),
    "mse_count": theirs.mse_count_loss(correct_rate=0.8, incorrect_rate=0.2),
}


@pytest.mark.parametrize("name", sorted(LOSSES))
@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6), time_steps=st.integers(1, 30))
def test_equals_snntorch_in_value_and_gradient(name, seed, time_steps):
    generator = torch.Generator().manual_seed(seed)
    spikes = (torch.rand(time_steps, 6, 4, generator=generator) < 0.4).float().requires_grad_()
    labels = torch.randint(0, 4, (6,), generator=generator)
    ours = LOSSES[name](spikes.sum(0), labels, time_steps)
    expected = ORIGINALS[name](spikes, labels)
    torch.testing.assert_close(ours, expected)
    torch.testing.assert_close(
        torch.autograd.grad(ours, spikes)[0], torch.autograd.grad(expected, spikes)[0], atol=1e-7, rtol=1e-5
    )


def test_unknown_loss():
    with pytest.raises(SpecError, match="loss 'hinge' is unknown; choose one of ce_count, mse_count"):
        loss_named("hinge")

import pytest
import torch

from models.adam import Adam


@pytest.mark.parametrize("weight_decay", [0.0, 0.01])
def test_follows_torch(weight_decay):
    generator = torch.Generator().manual_seed(0)
    start = [torch.randn(shape, generator=generator) for shape in ((4, 3), (2, 4))]
    ours = [weight.clone().requires_grad_() for weight in start]
    theirs = [weight.clone().requires_grad_() for weight in start]
    adam = Adam(ours, weight_decay)
    reference = torch.optim.Adam(theirs, weight_decay=weight_decay)
    for step in range(1, 40):
        reference.param_groups[0]["lr"] = 0.1 / step
        for weight, other in zip(ours, theirs, strict=True):
            gradient = torch.randn(weight.shape, generator=generator)
            weight.grad, other.grad = gradient.clone(), gradient.clone()
        adam.step(0.1 / step)
        reference.step()
    for weight, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(weight, other, rtol=1e-5, atol=1e-6)


def test_clears_gradients_and_skips_weights_without_one():
    weights = [torch.ones(2, requires_grad=True), torch.ones(2, requires_grad=True)]
    weights[0].grad = torch.ones(2)
    Adam(weights, 0.0).step(0.1)
    assert weights[0].grad is None
    assert weights[0].tolist() == pytest.approx([0.9, 0.9])
    assert weights[1].tolist() == [1.0, 1.0]

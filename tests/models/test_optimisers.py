import pytest
import torch

from models.optimisers import Learned, Sgd, clip_gradients, optimiser_named

MOMENTUM = 0.9
REFERENCES = {
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "sgd": lambda groups: torch.optim.SGD(groups, momentum=MOMENTUM),
}


@pytest.mark.parametrize("name", sorted(REFERENCES))
@pytest.mark.parametrize("weight_decay", [0.0, 0.01])
def test_follows_torch(name, weight_decay):
    generator = torch.Generator().manual_seed(0)
    start = [torch.randn(shape, generator=generator, dtype=torch.float64) for shape in ((4, 3), (2, 4))]
    ours = [tensor.clone().requires_grad_() for tensor in start]
    theirs = [tensor.clone().requires_grad_() for tensor in start]
    optimiser = optimiser_named(name, [Learned(ours[0], weight_decay), Learned(ours[1], 0.0)], MOMENTUM)
    groups = [
        {"params": [theirs[0]], "weight_decay": weight_decay},
        {"params": [theirs[1]], "weight_decay": 0.0},
    ]
    reference = REFERENCES[name](groups)
    for step in range(1, 40):
        for group in reference.param_groups:
            group["lr"] = 0.1 / step
        for tensor, other in zip(ours, theirs, strict=True):
            gradient = torch.randn(tensor.shape, generator=generator, dtype=torch.float64)
            tensor.grad, other.grad = gradient.clone(), gradient.clone()
        optimiser.step(0.1 / step)
        reference.step()
    for tensor, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(tensor, other, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("name", sorted(REFERENCES))
def test_clears_gradients_and_skips_tensors_without_one(name):
    tensors = [torch.ones(2, requires_grad=True), torch.ones(2, requires_grad=True)]
    tensors[0].grad = torch.ones(2)
    optimiser_named(name, [Learned(each, 0.0) for each in tensors], MOMENTUM).step(0.1)
    assert tensors[0].grad is None
    assert tensors[0].tolist() == pytest.approx([0.9, 0.9])
    assert tensors[1].tolist() == [1.0, 1.0]


def test_no_momentum_is_plain_descent():
    tensor = torch.ones(3, requires_grad=True)
    sgd = Sgd([Learned(tensor, 0.0)], 0.0)
    for _ in range(4):
        tensor.grad = torch.tensor([1.0, 0.0, -2.0])
        sgd.step(0.25)
    assert tensor.tolist() == pytest.approx([0.0, 1.0, 3.0])


@pytest.mark.parametrize("limit", [0.5, 1e3])
def test_clipping_follows_torch(limit):
    generator = torch.Generator().manual_seed(1)
    tensors = [torch.zeros(shape, requires_grad=True) for shape in ((4, 3), (7,))]
    others = [torch.zeros(shape, requires_grad=True) for shape in ((4, 3), (7,))]
    for tensor, other in zip(tensors, others, strict=True):
        tensor.grad = torch.randn(tensor.shape, generator=generator)
        other.grad = tensor.grad.clone()
    untouched = torch.zeros(2, requires_grad=True)
    norm = clip_gradients([Learned(each, 0.0) for each in (*tensors, untouched)], limit)
    expected = torch.nn.utils.clip_grad_norm_(others, limit)
    torch.testing.assert_close(norm, expected)
    for tensor, other in zip(tensors, others, strict=True):
        torch.testing.assert_close(tensor.grad, other.grad)

"""2x2 max-pooling of spikes, an OR, of frames (T, B, rows, columns, channels)."""

import torch
from torch import Tensor
from torch.nn import functional


def pooled(spikes: Tensor) -> Tensor:
    """(T, B, rows // 2, columns // 2, channels); gradients go to a window's first spike, or first neuron."""
    frames = functional.max_pool2d(spikes.flatten(0, 1).permute(0, 3, 1, 2), 2).permute(0, 2, 3, 1)
    return frames.view(*spikes.shape[:2], *frames.shape[1:])


def unpooled(spikes: Tensor, grad: Tensor) -> Tensor:
    """The gradient for spikes, given that for their pooling."""
    with torch.enable_grad():
        leaf = spikes.detach().requires_grad_()
        return torch.autograd.grad(pooled(leaf), leaf, grad)[0]


def empty_pooled(frames: Tensor) -> Tensor:
    """An empty tensor of the shape of pooled frames."""
    steps, samples, rows, columns, channels = frames.shape
    return frames.new_empty(steps, samples, rows // 2, columns // 2, channels)

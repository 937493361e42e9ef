"""What a network learns: weights, biases, normalisation, and neuron constants where those are learned."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from models.architecture import Layer
from models.normalisation import BatchNorm
from models.optimisers import Learned
from models.specification import Learn, NetworkSpec

LEAST_THRESHOLD = 0.01
"""A learned threshold stays above this share of where it started."""
DECAYING = ("weight", "recurrent")
"""Names of the tensors that weight decay acts on."""


@dataclass(frozen=True, eq=False)
class LayerParameters:
    """The parameters of one layer; float32, those that are learned require a gradient.

    Attributes:
        weight: (n, n_in), or (channels, input channels, kernel, kernel).
        bias: (n,) or (channels,), or None.
        recurrent: (n, n), from neuron (column) to neuron (row), or None.
        norm: batch normalisation of the currents, or None.
        beta, threshold: a number where it is fixed, else a tensor: () for the layer, or (n,) or (channels,).
    """

    weight: Tensor
    bias: Tensor | None
    recurrent: Tensor | None
    norm: BatchNorm | None
    beta: float | Tensor
    threshold: float | Tensor

    def tensors(self) -> dict[str, Tensor]:
        """All tensors by name, running statistics of the normalisation included."""
        named = {name: value for name, value in self.__dict__.items() if isinstance(value, Tensor)}
        return named if self.norm is None else named | self.norm.tensors()


@dataclass(frozen=True, eq=False)
class Network:
    """A specification with its parameters."""

    spec: NetworkSpec
    layers: tuple[LayerParameters, ...]

    def learned(self, weight_decay: float) -> list[Learned]:
        """Every tensor that is learned; only weights decay."""
        return [
            Learned(tensor, weight_decay if name in DECAYING else 0.0)
            for name, tensor in self._tensors()
            if tensor.requires_grad
        ]

    def values(self) -> list[Tensor]:
        """Copies of all tensors, in an order of their own."""
        return [tensor.detach().clone() for _, tensor in self._tensors()]

    @torch.no_grad()
    def restore(self, values: list[Tensor]) -> None:
        """Take on values that ``values`` gave."""
        for (_, tensor), value in zip(self._tensors(), values, strict=True):
            tensor.copy_(value)

    @torch.no_grad()
    def confine(self) -> None:
        """Bring learned neuron constants back into their range, after a move of the optimiser."""
        for parameters, threshold in zip(self.layers, self.spec.thresholds, strict=True):
            if isinstance(parameters.beta, Tensor):
                parameters.beta.clamp_(0.0, 1.0)
            if isinstance(parameters.threshold, Tensor):
                parameters.threshold.clamp_(min=LEAST_THRESHOLD * threshold)

    def finite(self) -> bool:
        """Whether every parameter is a number."""
        return all(bool(torch.isfinite(tensor.detach().sum())) for _, tensor in self._tensors())

    def _tensors(self) -> Iterator[tuple[str, Tensor]]:
        for layer in self.layers:
            yield from layer.tensors().items()


def initial_network(spec: NetworkSpec, seed: int, device: str = "cpu") -> Network:
    """A network with drawn weights; the values depend on the specification and the seed alone."""
    generator = torch.Generator().manual_seed(seed)
    draw = _INITIALS[spec.initial]
    layers = []
    for index, layer in enumerate(spec.layers):
        weight = draw(layer.weight_shape, generator) * spec.init_scale
        recurrent = draw((layer.channels,) * 2, generator) * spec.init_scale if layer.recurrent else None
        layers.append(
            _parameters(spec, index, weight.to(device), None if recurrent is None else recurrent.to(device))
        )
    return Network(spec, tuple(layers))


def _parameters(spec: NetworkSpec, index: int, weight: Tensor, recurrent: Tensor | None) -> LayerParameters:
    layer, neuron = spec.layers[index], spec.neuron
    if layer.convolutional:
        weight = weight.contiguous(memory_format=torch.channels_last)
    normalised = spec.normalised(index)
    bias = weight.new_zeros(layer.channels).requires_grad_() if spec.bias and not normalised else None
    norm = BatchNorm.start(layer.channels, spec.thresholds[index], weight.device) if normalised else None
    return LayerParameters(
        weight=weight.requires_grad_(),
        bias=bias,
        recurrent=None if recurrent is None else recurrent.requires_grad_(),
        norm=norm,
        beta=_constant(spec.betas[index], neuron.learn_beta, layer, weight),
        threshold=_constant(spec.thresholds[index], neuron.learn_threshold, layer, weight),
    )


def _constant(value: float, learn: Learn, layer: Layer, like: Tensor) -> float | Tensor:
    if learn == "fixed":
        return value
    shape = () if learn == "layer" else (layer.channels,)
    return like.new_full(shape, value).requires_grad_()


def _uniform(shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    """Over +-1 / sqrt(n_in): PyTorch's default."""
    return _within(1.0 / math.sqrt(_fan_in(shape)), shape, generator)


def _kaiming(shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    """Normal with variance 2 / n_in (He et al., arXiv 1502.01852)."""
    return torch.randn(shape, generator=generator) * math.sqrt(2.0 / _fan_in(shape))


def _xavier(shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    """Over +-sqrt(6 / (n_in + n_out)) (Glorot and Bengio 2010)."""
    fan_out = shape[0] * math.prod(shape[2:])
    return _within(math.sqrt(6.0 / (_fan_in(shape) + fan_out)), shape, generator)


def _orthogonal(shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    """Rows, or columns where those are fewer, orthonormal (Saxe et al., arXiv 1312.6120)."""
    rows, columns = shape[0], _fan_in(shape)
    normal = torch.randn(max(rows, columns), min(rows, columns), generator=generator, dtype=torch.float64)
    basis, triangle = torch.linalg.qr(normal)
    basis = basis * torch.sgn(triangle.diagonal())  # makes the draw uniform over all orthogonal matrices
    oriented: Tensor = basis.T if rows < columns else basis
    return oriented.to(torch.get_default_dtype()).reshape(shape)


def _within(bound: float, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    return (torch.rand(shape, generator=generator) * 2.0 - 1.0) * bound


def _fan_in(shape: tuple[int, ...]) -> int:
    return math.prod(shape[1:])


_INITIALS: dict[str, Callable[[tuple[int, ...], torch.Generator], Tensor]] = {
    "uniform": _uniform,
    "kaiming": _kaiming,
    "xavier": _xavier,
    "orthogonal": _orthogonal,
}

"""Several networks of one shape as one: every parameter has the networks as its first dimension."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields

import torch
from torch import Tensor

from models.dynamics import Dynamics
from models.neurons import neuron_constants
from models.normalisation import BatchNorm
from models.parameters import DECAYING, LEAST_THRESHOLD, LayerParameters, Network
from models.specification import NetworkSpec
from models.stacked_optimisers import StackedLearned
from models.surrogates import surrogate_named


@dataclass(frozen=True, eq=False)
class Stack:
    """K networks of one layout.

    Attributes:
        specs: of each network.
        layers: as those of a ``Network``, with K as the first dimension of every tensor. beta and threshold
            are tensors also where they are fixed: (K,), or (K, n) where neurons learn their own.
    """

    specs: tuple[NetworkSpec, ...]
    layers: tuple[LayerParameters, ...]

    @classmethod
    def of(cls, networks: Sequence[Network]) -> "Stack":
        """Copies of the networks' parameters, one behind the other."""
        per_layer = zip(*(network.layers for network in networks), strict=True)
        return cls(tuple(network.spec for network in networks), tuple(map(_joined, per_layer)))

    def __len__(self) -> int:
        return len(self.specs)

    def network(self, place: int) -> Network:
        """One of the networks; its tensors are parts of the stack's, and change with them."""
        return Network(self.specs[place], tuple(_part(layer, place) for layer in self.layers))

    def kept(self, places: Sequence[int]) -> "Stack":
        """A stack of some of the networks, in a memory of its own."""

        def some(value: Tensor) -> Tensor:
            return value.detach()[list(places)].requires_grad_(value.requires_grad)

        return Stack(
            tuple(self.specs[place] for place in places),
            tuple(_with_tensors(layer, some) for layer in self.layers),
        )

    def learned(self, weight_decays: Sequence[float]) -> list[StackedLearned]:
        """Every tensor that is learned; only weights decay."""
        none = [0.0] * len(self)
        return [
            StackedLearned(tensor, tuple(weight_decays if name in DECAYING else none))
            for name, tensor in self._tensors()
            if tensor.requires_grad
        ]

    @torch.no_grad()
    def confine(self) -> None:
        """Bring learned neuron constants back into their range, after a move of the optimiser."""
        for index, parameters in enumerate(self.layers):
            beta, threshold = _tensor(parameters.beta), _tensor(parameters.threshold)
            if beta.requires_grad:
                beta.clamp_(0.0, 1.0)
            if threshold.requires_grad:
                least = threshold.new_tensor(
                    [LEAST_THRESHOLD * spec.thresholds[index] for spec in self.specs]
                )
                torch.maximum(threshold, least.view(-1, *[1] * (threshold.ndim - 1)), out=threshold)

    def finite(self) -> list[bool]:
        """Per network, whether every parameter is a number."""
        sums = [tensor.detach().reshape(len(self), -1).sum(1) for _, tensor in self._tensors()]
        found: list[bool] = torch.isfinite(torch.stack(sums).sum(0)).tolist()
        return found

    def dynamics(self, index: int) -> Dynamics:
        """Constants of a layer's recurrence for signals (K, n, T, B): (K, 1, 1), or (K, n, 1)."""
        neuron, parameters = self.specs[0].neuron, self.layers[index]
        beta, threshold = (
            _tensor(each).view(len(self), -1, 1) for each in (parameters.beta, parameters.threshold)
        )
        alphas, slopes = (
            beta.new_tensor([getattr(spec.neuron, name) for spec in self.specs], dtype=torch.float64).view(
                -1, 1, 1
            )
            for name in ("alpha", "slope")
        )
        recurrent = self.specs[0].layers[index].recurrent
        constants = neuron_constants(neuron.model, beta, alphas, recurrent=recurrent)
        decay, gain, firing, alpha = (
            each.to(parameters.weight.dtype) if isinstance(each, Tensor) else each
            for each in (constants.decay, constants.gain, threshold, constants.alpha)
        )
        return Dynamics(
            decay=decay,
            gain=gain,
            threshold=firing,
            reset=neuron.reset,
            blank_after_spike=constants.blank_after_spike,
            derivative=surrogate_named(neuron.surrogate).derivative(slopes),
            alpha=alpha,
            refractory_steps=neuron.refractory_steps,
            adaptation=neuron.adaptation,
            kind=constants.kind,
        )

    def _tensors(self) -> Iterator[tuple[str, Tensor]]:
        for layer in self.layers:
            yield from layer.tensors().items()


def _joined(layers: Sequence[LayerParameters]) -> LayerParameters:
    """The parameters of one layer of all networks."""
    first = layers[0]
    values = {field.name: [getattr(layer, field.name) for layer in layers] for field in fields(first)}
    norm = first.norm
    if norm is not None:
        parts = [layer.norm.tensors() for layer in layers if layer.norm is not None]
        norm = BatchNorm(**{name: _stacked([part[name] for part in parts]) for name in norm.tensors()})
    joined = {name: _stacked(each) for name, each in values.items() if isinstance(each[0], Tensor)}
    for name in ("beta", "threshold"):
        numbers = values[name]
        joined.setdefault(name, first.weight.new_tensor(numbers, dtype=torch.float64))
    return LayerParameters(**{name: joined.get(name) for name in values} | {"norm": norm})


def _stacked(tensors: Sequence[Tensor]) -> Tensor:
    return torch.stack([tensor.detach() for tensor in tensors]).requires_grad_(tensors[0].requires_grad)


def _part(layer: LayerParameters, place: int) -> LayerParameters:
    part = _with_tensors(layer, lambda value: value.detach()[place])
    numbers = {
        name: float(value[place])
        for name, value in (("beta", _tensor(layer.beta)), ("threshold", _tensor(layer.threshold)))
        if not value.requires_grad
    }
    return LayerParameters(**{**vars(part), **numbers})


def _with_tensors(layer: LayerParameters, function: Callable[[Tensor], Tensor]) -> LayerParameters:
    """The layer with every tensor replaced by what the function gives for it."""
    values = {
        name: function(value) if isinstance(value, Tensor) else value for name, value in vars(layer).items()
    }
    if layer.norm is not None:
        values["norm"] = BatchNorm(**{name: function(value) for name, value in layer.norm.tensors().items()})
    return LayerParameters(**values)


def _tensor(value: float | Tensor) -> Tensor:
    """A stack's constants are tensors always."""
    if not isinstance(value, Tensor):
        raise TypeError(value)
    return value

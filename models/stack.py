"""Several networks of one shape as one: every parameter has the networks as its first dimension."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from models.dynamics import Constant, Dynamics
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
    _fixed: dict[int, Dynamics] = field(default_factory=dict)

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
        """Constants of a layer's recurrence for signals (K, T, B, n): (K, 1, 1), or (K, 1, n)."""
        if index in self._fixed:
            return self._fixed[index]
        found = self._dynamics(index)
        layer = self.layers[index]
        if not (_tensor(layer.beta).requires_grad or _tensor(layer.threshold).requires_grad):
            self._fixed[index] = found
        return found

    def _dynamics(self, index: int) -> Dynamics:
        neuron, parameters = self.specs[0].neuron, self.layers[index]
        beta, threshold = (
            _tensor(each).view(len(self), 1, -1) for each in (parameters.beta, parameters.threshold)
        )
        alphas, slopes = (
            beta.new_tensor([getattr(spec.neuron, name) for spec in self.specs], dtype=torch.float64).view(
                -1, 1, 1
            )
            for name in ("alpha", "slope")
        )
        recurrent = self.specs[0].layers[index].recurrent
        found = neuron_constants(neuron.model, beta, alphas, recurrent=recurrent)
        dtype = parameters.weight.dtype
        return Dynamics(
            decay=_cast(found.decay, dtype),
            gain=_cast(found.gain, dtype),
            threshold=threshold.to(dtype),
            reset=neuron.reset,
            blank_after_spike=found.blank_after_spike,
            derivative=surrogate_named(neuron.surrogate).derivative(slopes),
            alpha=None if found.alpha is None else _cast(found.alpha, dtype),
            refractory_steps=neuron.refractory_steps,
            adaptation=neuron.adaptation,
            kind=found.kind,
        )

    def _tensors(self) -> Iterator[tuple[str, Tensor]]:
        for layer in self.layers:
            yield from layer.tensors().items()


def _joined(layers: Sequence[LayerParameters]) -> LayerParameters:
    """The parameters of one layer of all networks."""
    parts = [layer.tensors() for layer in layers]
    tensors = {name: torch.stack([part[name].detach() for part in parts]) for name in parts[0]}
    for name, first in parts[0].items():
        tensors[name].requires_grad_(first.requires_grad)
    for name in {"beta", "threshold"} - set(tensors):
        tensors[name] = _numbers([getattr(layer, name) for layer in layers], tensors["weight"])
    norm = layers[0].norm
    return LayerParameters(
        weight=tensors["weight"],
        bias=tensors.get("bias"),
        recurrent=tensors.get("recurrent"),
        norm=None if norm is None else BatchNorm(**{name: tensors[name] for name in norm.tensors()}),
        beta=tensors["beta"],
        threshold=tensors["threshold"],
    )


def _part(layer: LayerParameters, place: int) -> LayerParameters:
    part = _with_tensors(layer, lambda value: value.detach()[place])
    return replace(part, beta=_own(layer.beta, place), threshold=_own(layer.threshold, place))


def _own(constants: float | Tensor, place: int) -> float | Tensor:
    """One network's constant: a number where it is fixed."""
    values = _tensor(constants)
    return values.detach()[place] if values.requires_grad else float(values[place])


def _with_tensors(layer: LayerParameters, function: Callable[[Tensor], Tensor]) -> LayerParameters:
    """The layer with every tensor replaced by what the function gives for it."""
    own = {name: function(value) for name, value in vars(layer).items() if isinstance(value, Tensor)}
    norm = layer.norm
    if norm is not None:
        norm = BatchNorm(**{name: function(value) for name, value in norm.tensors().items()})
    return replace(layer, **own, norm=norm)


def _cast(value: Constant, dtype: torch.dtype) -> Constant:
    return value.to(dtype) if isinstance(value, Tensor) else value


def _numbers(values: Sequence[float], like: Tensor) -> Tensor:
    """Numbers that are not learned, in double precision until they are used."""
    return torch.tensor(values, dtype=torch.float64, device=like.device)


def _tensor(value: float | Tensor) -> Tensor:
    """A stack's constants are tensors always."""
    if not isinstance(value, Tensor):
        raise TypeError(value)
    return value

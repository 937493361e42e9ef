"""The forward pass of several networks at once: one matrix product for the first layer.

Signals are (K, n, T, B): network, neuron, time step, sample (``models.stacked_scan``).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from models.losses import Output
from models.network import Dropout
from models.normalisation import EPSILON, MOMENTUM, BatchNorm
from models.parameters import LayerParameters
from models.sparse import listed_spikes
from models.stack import Stack
from models.stacked_scan import stacked_scan


@dataclass(frozen=True, eq=False)
class StackedPass:
    """How a stack is run.

    Attributes:
        training: whether currents are normalised by the batch's own statistics.
        membrane: whether the output's membrane potentials are wanted.
        membrane_gradient: whether they carry a gradient.
        dropouts: of hidden layers, one per network; empty for none.
    """

    training: bool
    membrane: bool = False
    membrane_gradient: bool = False
    dropouts: Sequence[Dropout] = ()


@dataclass(frozen=True, eq=False)
class StackedActivity:
    """What a batch did.

    Attributes:
        output: of the last layer, the networks' samples one behind the other: (T, K * B, n).
        spikes: of every layer, first to last, (K, n, T, B), differentiable.
    """

    output: Output
    spikes: tuple[Tensor, ...]

    def layer_spikes(self) -> Tensor:
        """Spikes of each layer per sample, int64 (K, B, layers)."""
        counts = []
        for each in self.spikes:
            per_step = each.detach().flatten(2).sum(1)
            counts.append(per_step.view(len(each), *each.shape[2:]).sum(1))
        return torch.stack(counts, dim=2).to(torch.int64)

    def rates(self) -> list[Tensor]:
        """Firing rate of every neuron, mean over samples and steps, per layer (K, n)."""
        return [each.mean((2, 3)) for each in self.spikes]


def run_stack(
    stack: Stack, inputs: Tensor, how: StackedPass, columns: Tensor | None = None
) -> StackedActivity:
    """Run a batch through every network.

    Args:
        stack: the networks, fully connected throughout.
        inputs: spikes of every step, uint8 (T, B, n_in), or a constant current (B, n_in).
        how: everything else.
        columns: when given, ``inputs`` holds only these of the n_in inputs, the others being zero.
    """
    spec = stack.specs[0]
    spikes: list[Tensor] = []
    membrane = None
    for index, parameters in enumerate(stack.layers):
        last = index == len(stack.layers) - 1
        if index == 0:
            currents = _from_shared(parameters.weight, inputs, columns)
        else:
            currents = _from_own(parameters.weight, _dropped(spikes[-1], how.dropouts))
        signal, membrane = stacked_scan(
            _adjusted(currents, parameters, how.training),
            stack.dynamics(index),
            parameters.recurrent,
            time_steps=spec.time_steps,
            membrane_gradient=last and how.membrane_gradient,
        )
        spikes.append(signal)
    output = Output(
        _samples(spikes[-1]),
        _samples(membrane) if how.membrane and membrane is not None else None,
        spec.population,
    )
    return StackedActivity(output, tuple(spikes))


def _from_shared(weight: Tensor, inputs: Tensor, columns: Tensor | None) -> Tensor:
    """Currents (K, n, T, B) or (K, n, B) of inputs that all networks see: one product."""
    if columns is not None:
        weight = weight.index_select(2, columns)
    shape = *weight.shape[:2], *inputs.shape[:-1]
    listed = listed_spikes(inputs, weight[0]) if inputs.dtype == torch.uint8 else None
    if listed is not None:  # one network after the other, whose weights then stay in the cache
        return torch.stack([listed.times(own).flatten(0, 1).mT for own in weight.unbind()]).view(shape)
    return (weight.flatten(0, 1) @ inputs.to(weight.dtype).flatten(0, -2).mT).view(shape)


def _from_own(weight: Tensor, spikes: Tensor) -> Tensor:
    """Currents (K, n, T, B) of each network's own spikes."""
    return torch.bmm(weight, spikes.flatten(2)).view(*weight.shape[:2], *spikes.shape[2:])


def _dropped(spikes: Tensor, dropouts: Sequence[Dropout]) -> Tensor:
    if not dropouts:
        return spikes
    shape = spikes.shape[3], spikes.shape[1]
    factors = torch.stack([dropout.factors(shape, spikes).mT for dropout in dropouts])
    return spikes * factors.unsqueeze(2)


def _adjusted(currents: Tensor, parameters: LayerParameters, training: bool) -> Tensor:
    """Currents with their bias, or normalised."""
    flat = currents.flatten(2)
    if parameters.bias is not None:
        flat = flat + parameters.bias.unsqueeze(2)
    if parameters.norm is not None:
        flat = _normalised(flat, parameters.norm) if training else _folded(flat, parameters.norm)
    return flat.view(currents.shape)


def _normalised(flat: Tensor, norm: BatchNorm) -> Tensor:
    """Every neuron of every network as a channel of its own."""
    channels = flat.reshape(1, -1, flat.shape[2])
    mean, variance, gain, shift = (
        each.flatten() for each in (norm.mean, norm.variance, norm.gain, norm.shift)
    )
    several = flat.shape[2] > 1
    normalised = functional.batch_norm(channels, mean, variance, gain, shift, several, MOMENTUM, EPSILON)
    return normalised.view(flat.shape)


def _folded(flat: Tensor, norm: BatchNorm) -> Tensor:
    return flat * norm.factor().unsqueeze(2) + norm.offset().unsqueeze(2)


def _samples(signal: Tensor) -> Tensor:
    """(K, n, T, B) as (T, K * B, n)."""
    return signal.permute(2, 0, 3, 1).flatten(1, 2)

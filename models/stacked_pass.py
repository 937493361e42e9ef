"""The forward pass of several networks at once.

Signals are (K, T, B, n): network, time step, sample, neuron. What one network computes lies together, as
if it were alone, and stays in the processor's cache while it is worked on.
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
        spikes: of every layer, first to last, (K, T, B, n), differentiable.
    """

    output: Output
    spikes: tuple[Tensor, ...]

    def layer_spikes(self) -> Tensor:
        """Spikes of each layer per sample, int64 (K, B, layers)."""
        counts = [each.detach().sum(3).sum(1) for each in self.spikes]
        return torch.stack(counts, dim=2).to(torch.int64)

    def rates(self) -> list[Tensor]:
        """Firing rate of every neuron, mean over samples and steps, per layer (K, n)."""
        return [each.mean((1, 2)) for each in self.spikes]


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
    """Currents (K, T, B, n) or (K, B, n) of inputs that all networks see."""
    if columns is not None:
        weight = weight.index_select(2, columns)
    listed = listed_spikes(inputs, weight) if inputs.dtype == torch.uint8 else None
    if listed is not None:
        return listed.times(weight)
    currents = inputs.to(weight.dtype).flatten(0, -2) @ weight.mT
    return currents.view(len(weight), *inputs.shape[:-1], weight.shape[1])


def _from_own(weight: Tensor, spikes: Tensor) -> Tensor:
    """Currents (K, T, B, n) of each network's own spikes."""
    return torch.bmm(spikes.flatten(1, 2), weight.mT).view(*spikes.shape[:3], weight.shape[1])


def _dropped(spikes: Tensor, dropouts: Sequence[Dropout]) -> Tensor:
    if not dropouts:
        return spikes
    factors = torch.stack([dropout.factors(spikes.shape[2:], spikes) for dropout in dropouts])
    return spikes * factors.unsqueeze(1)


def _adjusted(currents: Tensor, parameters: LayerParameters, training: bool) -> Tensor:
    """Currents with their bias, or normalised."""
    flat = currents.flatten(1, -2)
    if parameters.bias is not None:
        flat = flat + parameters.bias.unsqueeze(1)
    if parameters.norm is not None:
        flat = _normalised(flat, parameters.norm) if training else _folded(flat, parameters.norm)
    return flat.view(currents.shape)


def _normalised(flat: Tensor, norm: BatchNorm) -> Tensor:
    """(K, rows, n), every neuron of every network as a channel of its own."""
    rows = flat.transpose(0, 1).flatten(1)
    mean, variance, gain, shift = (
        each.flatten() for each in (norm.mean, norm.variance, norm.gain, norm.shift)
    )
    several = len(rows) > 1
    normalised = functional.batch_norm(rows, mean, variance, gain, shift, several, MOMENTUM, EPSILON)
    return normalised.view(len(rows), len(flat), -1).transpose(0, 1).contiguous()


def _folded(flat: Tensor, norm: BatchNorm) -> Tensor:
    return flat * norm.factor().unsqueeze(1) + norm.offset().unsqueeze(1)


def _samples(signal: Tensor) -> Tensor:
    """(K, T, B, n) as (T, K * B, n)."""
    return signal.transpose(0, 1).flatten(1, 2)

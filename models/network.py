"""The forward pass of a spiking network, layer by layer over all time steps.

Frames travel between layers as (T, B, rows, columns, channels): torch's channels_last memory order, in which
convolutions and pooling are faster, and in which a channel's constants broadcast.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn import functional

from models.architecture import Layer
from models.dynamics import Dynamics
from models.losses import Output
from models.normalisation import BatchNorm
from models.quantisation import Intake
from models.scan import Options, scan_layer
from models.sparse import ListedSpikes, listed_spikes


@dataclass(frozen=True, eq=False)
class Stage:
    """One layer as the forward pass takes it.

    Attributes:
        layer: its shapes.
        weight: as ``models.parameters.LayerParameters``.
        bias: added to the currents, (n,) or (channels,), or None.
        recurrent: (n, n), or None.
        dynamics: constants of its neurons' recurrence.
        norm: batch normalisation by the batch's own statistics, or None.
        intake: rounding of a constant input, or None.
    """

    layer: Layer
    weight: Tensor
    bias: Tensor | None
    recurrent: Tensor | None
    dynamics: Dynamics
    norm: BatchNorm | None = None
    intake: Intake | None = None


@dataclass(frozen=True, eq=False)
class Dropout:
    """Share of a hidden layer's outputs to leave out, and where the random numbers come from."""

    share: float
    generator: torch.Generator

    def __call__(self, spikes: Tensor) -> Tensor:
        """Leave out outputs of (T, B, ...), the same in every step, and scale the others up."""
        return spikes * self.factors(spikes.shape[1:], spikes)

    def factors(self, shape: Sequence[int], like: Tensor) -> Tensor:
        """Zeros and, for what stays, the scale, drawn anew; of the dtype and on the device of ``like``."""
        kept = torch.rand(shape, generator=self.generator, device=like.device) >= self.share
        return kept.to(like.dtype).div_(1.0 - self.share)


@dataclass(frozen=True, eq=False)
class Activity:
    """What a batch did.

    Attributes:
        output: of the last layer.
        layer_spikes: spikes that left each layer, behind its pooling, per sample: int64 (B, L).
        spikes: the same as tensors (T, B, ...), differentiable, first layer first.
    """

    output: Output
    layer_spikes: Tensor
    spikes: tuple[Tensor, ...]


@dataclass(frozen=True, eq=False)
class Pass:
    """How the network is run.

    Attributes:
        time_steps: T.
        population: output neurons per class.
        dropout: of hidden layers; None for none.
        membrane_gradient: whether the last layer's membrane potentials carry a gradient.
    """

    time_steps: int
    population: int = 1
    dropout: Dropout | None = None
    membrane_gradient: bool = False


def run(stages: Sequence[Stage], inputs: Tensor, how: Pass, columns: Tensor | None = None) -> Activity:
    """Run a batch through the network.

    Args:
        stages: the layers, first to last.
        inputs: spikes of every step, uint8 (T, B, n_in), or as floats; or a constant current (B, n_in), whose
            product with the first layer's weights is taken once.
        how: everything else.
        columns: when given, ``inputs`` holds only these of the n_in inputs, the others being zero.
    """
    signal, first = _entry(inputs, stages[0], columns)
    spikes: list[Tensor] = []
    membrane = None
    for stage in (first, *stages[1:]):
        last = len(spikes) == len(stages) - 1
        if how.dropout is not None and spikes and isinstance(signal, Tensor):
            signal = how.dropout(signal)
        currents = _currents(stage, signal).to(stage.weight.dtype)  # mixed precision ends here
        options = Options(
            time_steps=how.time_steps if currents.ndim == len(stage.layer.neurons_shape) + 1 else None,
            membrane_gradient=last and how.membrane_gradient,
            pool=stage.layer.pool,
            overwrite=True,
        )
        signal, membrane = scan_layer(currents, stage.dynamics, stage.recurrent, options)
        spikes.append(signal)
    layer_spikes = [each.detach().flatten(2).sum(2).sum(0) for each in spikes]
    return Activity(
        Output(spikes[-1], membrane, how.population),
        torch.stack(layer_spikes, dim=1).to(torch.int64),
        tuple(spikes),
    )


def _entry(inputs: Tensor, stage: Stage, columns: Tensor | None) -> tuple[Tensor | ListedSpikes, Stage]:
    """The inputs and the first layer, brought to the same columns; few spikes as a list."""
    if columns is not None and stage.layer.convolutional:
        whole = inputs.new_zeros(*inputs.shape[:-1], stage.layer.n_in)
        inputs = whole.index_copy_(-1, columns, inputs)
    elif columns is not None:
        stage = replace(stage, weight=stage.weight.index_select(1, columns))
    if inputs.dtype != torch.uint8:
        return inputs.to(stage.weight.dtype), stage
    listed = None if stage.layer.convolutional else listed_spikes(inputs, stage.weight)
    return inputs.to(stage.weight.dtype) if listed is None else listed, stage


def _currents(stage: Stage, signal: Tensor | ListedSpikes) -> Tensor:
    """Input currents (T, B, n), (T, B, rows, columns, channels), or the same without T."""
    if stage.intake is None or isinstance(signal, ListedSpikes):
        return _summed(stage, signal)
    return stage.intake.currents(_summed(stage, stage.intake.inputs(signal)))


def _summed(stage: Stage, signal: Tensor | ListedSpikes) -> Tensor:
    if isinstance(signal, ListedSpikes):
        currents = signal.times(stage.weight)
        currents = currents if stage.bias is None else currents + stage.bias
    elif stage.layer.convolutional:
        return _convolved(stage, signal)
    else:
        currents = functional.linear(_flat(signal, stage.layer), stage.weight, stage.bias)
    if stage.norm is None:
        return currents
    return stage.norm(currents.flatten(0, -2)).view(currents.shape)


def _convolved(stage: Stage, signal: Tensor) -> Tensor:
    layer = stage.layer
    frames, leading = _frames(signal, layer)
    currents = functional.conv2d(frames, stage.weight, stage.bias, layer.stride, layer.padding)
    if stage.norm is not None:
        currents = stage.norm(currents)
    return _channels_behind(currents.contiguous(memory_format=torch.channels_last), leading)


def _frames(signal: Tensor, layer: Layer) -> tuple[Tensor, tuple[int, ...]]:
    """Frames (samples, channels, rows, columns) in channels_last order, and the sizes of T and B."""
    if signal.shape[-1] == layer.n_in and signal.ndim <= 3:
        channels, rows, columns = layer.in_shape
        if channels == 1:  # written so that the strides say channels_last, which one channel leaves open
            return signal.reshape(-1, rows, columns, 1).permute(0, 3, 1, 2), signal.shape[:-1]
        frames = signal.reshape(-1, channels, rows, columns)
        return frames.contiguous(memory_format=torch.channels_last), signal.shape[:-1]
    return signal.flatten(0, 1).permute(0, 3, 1, 2), signal.shape[:2]


def _flat(signal: Tensor, layer: Layer) -> Tensor:
    """(T, B, n_in) or (B, n_in), frames flattened as (channel, row, column)."""
    return (
        signal if signal.ndim <= 3 else signal.permute(0, 1, 4, 2, 3).reshape(*signal.shape[:2], layer.n_in)
    )


def _channels_behind(frames: Tensor, leading: tuple[int, ...]) -> Tensor:
    """Frames (samples, channels, rows, columns) as (T, B, rows, columns, channels), or without T."""
    moved = frames.permute(0, 2, 3, 1)
    return moved.view(*leading, *moved.shape[1:])

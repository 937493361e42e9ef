"""From what is learned to what runs: batch-norm, input gains and thresholds become weights and biases.

A layer's neurons compute the same spikes when a row of weights, its bias and its threshold are multiplied by
one factor, so thresholds of their own become rows of another size, exactly, for every reset.
"""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from models.dynamics import Dynamics
from models.network import Stage
from models.parameters import Network
from models.quantisation import Intake, rounding_of, scale_of, with_leak
from models.specification import Quantisation


@dataclass(frozen=True, eq=False)
class _Factors:
    """What a layer's numbers are multiplied by to be folded.

    Attributes:
        weight: rows of weights.
        current: rows of recurrent weights, and biases.
        own: membrane potentials: what makes a neuron's own threshold the common one.
        threshold: the one threshold that the layer then has.
    """

    weight: Tensor | float
    current: Tensor | float
    own: Tensor | float
    threshold: float


def training_stages(network: Network, generator: torch.Generator | None = None) -> list[Stage]:
    """The layers as they are learned, for ``models.network.run``; the generator is random surrogates'."""
    stages = []
    for index, (layer, parameters) in enumerate(zip(network.spec.layers, network.layers, strict=True)):
        stage = Stage(
            layer,
            parameters.weight,
            parameters.bias,
            parameters.recurrent,
            _dynamics(network, index, generator),
            parameters.norm,
        )
        stages.append(stage if network.spec.quantisation is None else _quantised(network, index, stage))
    return stages


@torch.no_grad()
def plain_stages(network: Network, *, quantised: bool = True) -> list[Stage]:
    """The layers without normalisation and gains, one threshold a layer: what the network computes when used.

    Where the network was trained to be rounded, ``quantised`` gives weights, biases and thresholds as the
    whole numbers of the hardware: spikes do not depend on the unit, and sums of whole numbers meet a
    threshold exactly.
    """
    stages = [_folded(network, index) for index in range(len(network.layers))]
    bits = network.spec.quantisation
    if bits is None or not quantised:
        return stages
    return [
        _whole_numbers(stage, bits, network.spec.direct and not index) for index, stage in enumerate(stages)
    ]


def _whole_numbers(stage: Stage, bits: Quantisation, direct: bool) -> Stage:
    """A folded layer in the hardware's integers; ``direct`` where its input is a constant current."""
    dynamics = stage.dynamics
    threshold = float(dynamics.threshold)
    scale = scale_of(stage.weight, stage.recurrent, threshold, bits)
    return replace(
        stage,
        weight=torch.round(stage.weight / scale),
        bias=None if stage.bias is None else torch.round(stage.bias / scale),
        recurrent=None if stage.recurrent is None else torch.round(stage.recurrent / scale),
        dynamics=with_leak(
            replace(dynamics, threshold=_whole(threshold, scale)), rounding_of(1.0, bits), bits
        ),
        intake=Intake(bits.input_bits, 1.0) if direct else None,
    )


def _dynamics(network: Network, index: int, generator: torch.Generator | None = None) -> Dynamics:
    layer, parameters = network.spec.layers[index], network.layers[index]
    return network.spec.neuron.dynamics(
        parameters.beta, parameters.threshold, recurrent=layer.recurrent, generator=generator
    )


def _folded(network: Network, index: int) -> Stage:
    layer, parameters = network.spec.layers[index], network.layers[index]
    dynamics, factors = _dynamics(network, index), _factors(network, index)
    bias = parameters.bias if parameters.norm is None else parameters.norm.offset()
    gain = dynamics.gain if dynamics.kind == "alpha" else 1.0
    return Stage(
        layer,
        _scaled(parameters.weight, factors.weight),
        None if bias is None else _scaled(bias, factors.current),
        None if parameters.recurrent is None else _scaled(parameters.recurrent, factors.current),
        replace(dynamics, gain=gain, threshold=factors.threshold),
    )


def _factors(network: Network, index: int) -> _Factors:
    parameters, dynamics = network.layers[index], _dynamics(network, index)
    threshold = parameters.threshold
    reference = float(threshold.mean()) if isinstance(threshold, Tensor) else threshold
    own = reference / threshold.detach() if isinstance(threshold, Tensor) and threshold.ndim else 1.0
    # the gain of an alpha neuron stands behind its reset, where no weight can take it over
    gain = 1.0 if dynamics.kind == "alpha" else dynamics.gain
    current = gain * own
    weight = current if parameters.norm is None else current * parameters.norm.factor()
    return _Factors(weight, current, own, reference)


def _quantised(network: Network, index: int, stage: Stage) -> Stage:
    """Round forwards what the hardware will round, in its unit; backwards the rounding is not there."""
    bits = network.spec.quantisation
    if bits is None:
        return stage
    with torch.no_grad():
        folded, factors = _folded(network, index), _factors(network, index)
        threshold = factors.threshold
        scale = scale_of(folded.weight, folded.recurrent, threshold, bits)
    ratio = _whole(threshold, scale) * scale / threshold
    unit, recurrent = scale / factors.own, stage.recurrent
    rounding = rounding_of(unit, bits)
    # whole multiples often meet the threshold exactly; a little more keeps floating point from firing there
    held = stage.dynamics.threshold * ratio + unit * (rounding.fraction / 4)
    if recurrent is not None:
        recurrent = _straight_through(recurrent, factors.current, scale)
    return replace(
        stage,
        weight=_straight_through(stage.weight, factors.weight, scale),
        bias=None if stage.bias is None else _straight_through(stage.bias, factors.current, scale),
        recurrent=recurrent,
        dynamics=with_leak(replace(stage.dynamics, threshold=held), rounding, bits),
        intake=Intake(bits.input_bits, scale / factors.current)
        if network.spec.direct and not index
        else None,
    )


def _straight_through(value: Tensor, factor: Tensor | float, scale: float) -> Tensor:
    """``value`` moved to where it is rounded once folded; a factor of zero leaves it where it is."""
    with torch.no_grad():
        moved = _scaled(torch.round(_scaled(value, factor) / scale) * scale, 1.0 / factor)
        change = torch.where(torch.isfinite(moved), moved - value, torch.zeros_like(value))
    return value + change


def _whole(threshold: float, scale: float) -> float:
    """How many times the threshold holds the scale, rounded, and at least once."""
    return float(max(1, round(threshold / scale)))


def _scaled(values: Tensor, factor: Tensor | float) -> Tensor:
    """Every row of ``values`` (rows, ...) times its factor."""
    if isinstance(factor, Tensor) and factor.ndim:
        factor = factor.view(-1, *[1] * (values.ndim - 1))
    return values * factor

"""What a network that learns by spike-timing-dependent plasticity is asked to be, and what became of it."""

import math
from dataclasses import dataclass, field
from typing import Literal

from models.encoders import Code
from models.silence import SilenceSettings
from spikefront.errors import SpecError

DecoderName = Literal["all", "vote", "2gram", "3gram"]
DECODERS: tuple[DecoderName, ...] = ("all", "vote", "2gram", "3gram")


@dataclass(frozen=True)
class StdpRule:
    """How weights and thresholds move (``models.plasticity`` has the equations).

    Attributes:
        nu_post: weight gained per output spike and unit of the input's trace.
        nu_pre: weight lost per input spike and unit of the neuron's trace.
        trace_decay: decay of both traces per time step.
        norm: sum that every neuron's weights are scaled to behind each batch; a tenth of the number of inputs
            is usual.
        theta_plus: what a spike adds to the threshold of its neuron.
        theta_decay: decay of that addition per time step.
    """

    nu_post: float = 0.015
    nu_pre: float = 0.0
    trace_decay: float = 0.95
    norm: float = 78.4
    theta_plus: float = 0.0225
    theta_decay: float = 0.99999

    def __post_init__(self) -> None:
        for name in ("nu_post", "nu_pre", "theta_plus"):
            _check(name, getattr(self, name), least=0.0)
        for name in ("trace_decay", "theta_decay"):
            _check(name, getattr(self, name), least=0.0, most=1.0)
        _check("norm", self.norm, above=0.0)


@dataclass(frozen=True)
class StdpSpec:
    """A layer of competing neurons and how its spikes are read (Diehl and Cook 2015).

    The constants given here learn MNIST at a ``peak_rate`` of 0.05. Thresholds and inhibition follow the
    number of input spikes that make a neuron fire: the fewer, the smaller is the inhibition beside the
    weights, and the fewer weight bits are enough on the hardware.

    Attributes:
        inputs: inputs per time step.
        classes: that the decoder tells apart.
        code: how samples become input spikes; "direct" has none.
        neurons: of the layer.
        beta: decay of the membrane potential per time step.
        threshold: firing threshold of a neuron that never fired while learning.
        inhibition: what a spike takes from the membrane potential of every other neuron, one step later.
        inhibition_cap: where nothing is learnt, inhibition is at most this many thresholds of the neuron that
            receives it; None for no bound. About 1 leaves more of a weight's bits for what was learnt.
        refractory_steps: steps behind a spike in which a neuron neither takes its current nor fires.
        rule: how weights and thresholds move.
        decoder: "all" (all-activity), "vote", "2gram" or "3gram" (``models.decoders``).
    """

    inputs: int
    classes: int
    code: Code
    neurons: int = 100
    beta: float = 0.99
    threshold: float = 3.4
    inhibition: float = 27.0
    inhibition_cap: float | None = None
    refractory_steps: int = 2
    rule: StdpRule = field(default_factory=StdpRule)
    decoder: DecoderName = "vote"

    def __post_init__(self) -> None:
        for name, low in (("inputs", 1), ("classes", 1), ("neurons", 1), ("refractory_steps", 0)):
            if getattr(self, name) < low:
                raise SpecError(f"{name} is {getattr(self, name)}; give a whole number of at least {low}")
        _check("beta", self.beta, least=0.0, most=1.0)
        _check("threshold", self.threshold, above=0.0)
        _check("inhibition", self.inhibition, least=0.0)
        if self.inhibition_cap is not None:
            _check("inhibition_cap", self.inhibition_cap, above=0.0)
        if self.decoder not in DECODERS:
            raise SpecError(f"decoder {self.decoder!r} is unknown; choose one of {', '.join(DECODERS)}")
        if self.code.encoding == "direct":
            raise SpecError("plasticity needs input spikes and the encoding 'direct' has none; choose 'rate'")


@dataclass(frozen=True)
class StdpSettings:
    """How such a network is trained.

    Attributes:
        batch_size: samples presented with the same weights, before one update.
        epochs: passes over the training split.
        assignment_samples: training samples, drawn anew for every epoch, whose responses tell at its end what
            each neuron stands for; rounded up to whole batches of inference, all where there are fewer.
        seed: of weights, order and noise.
        silence: when training is stopped; without gradients, the run of silent steps alone decides.
    """

    batch_size: int = 16
    epochs: int = 1
    assignment_samples: int = 4000
    seed: int = 0
    silence: SilenceSettings = field(default_factory=lambda: SilenceSettings(warmup_epochs=0))

    def __post_init__(self) -> None:
        for name, least in (("batch_size", 1), ("epochs", 1), ("assignment_samples", 1), ("seed", 0)):
            if getattr(self, name) < least:
                raise SpecError(f"{name} is {getattr(self, name)}; give a whole number of at least {least}")
        if self.silence.warmup_epochs >= self.epochs:
            raise SpecError(
                f"silence warmup_epochs is {self.silence.warmup_epochs} of {self.epochs} epochs, so that none"
                " would be judged; lower it or train longer"
            )
        if not {-1, 0}.issuperset(self.silence.monitored_layers):
            raise SpecError(
                f"silence monitors layers {self.silence.monitored_layers} and the network has one; use -1"
            )


def _check(
    name: str, value: float, *, least: float = -math.inf, most: float = math.inf, above: float = -math.inf
) -> None:
    if math.isfinite(value) and least <= value <= most and value > above:
        return
    bounds = f"above {above:g}" if above > -math.inf else f"of at least {least:g}"
    top = f" and at most {most:g}" if most < math.inf else ""
    raise SpecError(f"{name} is {value}; give a finite number {bounds}{top}")

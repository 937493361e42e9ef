"""Every hyperparameter a campaign file may name: its meaning, its bounds, its default.

A parameter stands in exactly one table of a campaign file: ``[space]`` (searched), ``[fixed]`` (one value) or
``[designs]`` (several values, each priced on every trained network; accelerator parameters only).
"""

import math
from collections.abc import Mapping
from dataclasses import fields
from itertools import product
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from hardware.allocate import allocate
from hardware.devices import Device
from hardware.network import AcceleratorConfig, Family, FloatArray, Sweep
from hardware.shape import LayerShape, NetworkShape
from models.architecture import dense_text, parse
from spikefront.errors import SpecError
from workers.layout import depth, fill, layer_shape

Neuron = Literal["lif", "lapicque", "lapicque_exact", "synaptic"]
Surrogate = Literal[
    "fast_sigmoid",
    "arctangent",
    "sigmoid",
    "triangular",
    "triangular_snntorch",
    "straight_through",
    "spike_rate_escape",
    "spike_rate_escape_centred",
    "leaky_spike_operator",
    "stochastic_spike_operator",
]
Loss = Literal[
    "ce_count",
    "ce_rate",
    "ce_membrane",
    "ce_max_membrane",
    "ce_temporal",
    "mse_count",
    "mse_membrane",
    "mse_temporal",
]
Lanes = Annotated[int, Field(ge=1, le=1024)]
Share = Annotated[float, Field(ge=0.0, le=1.0)]

LAPICQUE_BETA_MIN = math.exp(-1)
"""Below 1/e snnTorch's Lapicque decay, 1 + ln(beta), is negative: the membrane potential oscillates."""


class TrialParameters(BaseModel):
    """One complete configuration: how to train a network, and the accelerator it runs on."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    learning: Literal["bptt", "stdp"] = Field(
        "bptt", description="surrogate gradients, or spike-timing-dependent plasticity of one competing layer"
    )
    network: str | None = Field(
        None,
        max_length=200,
        description="layers in text form, such as `32c3-p2-64-10`; replaces the next two",
    )
    hidden_layers: int = Field(1, ge=1, le=4, description="hidden layers, all of one width")
    hidden_width: int = Field(64, ge=1, le=4096, description="neurons in each hidden layer")
    neuron: Neuron = Field("lif", description="neuron model")
    beta: Share | tuple[Share, ...] = Field(
        0.9,
        description="membrane decay per time step, as snnTorch's beta; one, or one per layer",
    )
    alpha: float = Field(0.8, ge=0.0, le=1.0, description="decay of the synaptic current (neuron `synaptic`)")
    threshold: float = Field(1.0, gt=0.0, le=100.0, description="firing threshold")
    reset: Literal["subtract", "zero", "none"] = Field("subtract", description="reset mechanism")
    refractory_steps: int = Field(0, ge=0, le=15, description="steps behind a spike without current or spike")
    learn_beta: Literal["fixed", "layer"] = Field("fixed", description="whether beta is learned")
    learn_threshold: Literal["fixed", "layer", "neuron"] = Field(
        "fixed", description="whether the threshold is learned"
    )
    surrogate: Surrogate = Field("fast_sigmoid", description="surrogate gradient")
    surrogate_slope: float = Field(10.0, gt=0.0, le=1000.0, description="slope of the surrogate gradient")
    encoding: Literal["rate", "latency", "direct", "delta", "events"] = Field(
        "rate", description="how inputs become spikes"
    )
    peak_rate: float = Field(
        1.0, gt=0.0, le=1.0, description="chance per step that a pixel of value 1 spikes under rate encoding"
    )
    delta_threshold: float = Field(
        0.05, gt=0.0, le=1.0, description="change of a value that makes a spike under delta encoding"
    )
    time_steps: int = Field(16, ge=1, le=1024, description="time steps per inference")
    bias: bool = Field(False, description="whether neurons have a constant current of their own")
    batch_norm: bool = Field(False, description="batch normalisation of hidden layers, folded into weights")
    dropout: float = Field(0.0, ge=0.0, lt=1.0, description="share of hidden outputs left out in training")
    weight_init: Literal["uniform", "kaiming", "xavier", "orthogonal"] = Field(
        "uniform", description="how weights start"
    )
    init_scale: float = Field(1.0, gt=0.0, le=100.0, description="factor on the starting weights")
    population: int = Field(1, ge=1, le=100, description="output neurons per class")
    readout: Literal["count", "first_spike", "max_membrane"] = Field(
        "count", description="what decides the class"
    )
    quantization_aware: bool = Field(False, description="train with weights rounded as the hardware's")
    loss: Loss = Field("ce_count", description="loss, on counts, rates, membrane potentials or first spikes")
    correct_rate: Share = Field(0.8, description="firing rate aimed at for the right class (`mse_count`)")
    incorrect_rate: Share = Field(0.2, description="the same for the other classes")
    rate_lower: Share = Field(0.0, description="firing rate below which a layer is penalised")
    rate_lower_strength: float = Field(0.0, ge=0.0, le=1e6, description="factor of that penalty")
    rate_upper: Share = Field(1.0, description="firing rate above which a layer is penalised")
    rate_upper_strength: float = Field(0.0, ge=0.0, le=1e6, description="factor of that penalty")
    optimizer: Literal["adam", "adamw", "sgd"] = Field("adam", description="what moves the weights")
    learning_rate: float = Field(2e-3, gt=0.0, le=10.0, description="learning rate at the start")
    learning_schedule: Literal["constant", "cosine", "step", "exponential"] = Field(
        "cosine", description="how the learning rate changes"
    )
    learning_warmup_epochs: float = Field(0.0, ge=0.0, le=100.0, description="epochs of its first climb")
    momentum: float = Field(0.9, ge=0.0, lt=1.0, description="momentum of `sgd`")
    weight_decay: float = Field(0.0, ge=0.0, le=1.0, description="weight decay")
    clip_norm: float = Field(0.0, ge=0.0, le=1e6, description="bound on the gradients' norm, 0 for none")
    batch_size: int = Field(64, ge=1, le=8192, description="samples per training step")
    epochs: int = Field(10, ge=1, le=1000, description="passes over the training split")
    patience: int = Field(
        0, ge=0, le=1000, description="epochs without a better validation accuracy before the end, 0 for none"
    )
    decoder: Literal["all", "vote"] = Field("vote", description="what the competing layer stands for")
    inhibition: float = Field(27.0, ge=0.0, le=1e4, description="what a spike takes from all other neurons")
    inhibition_cap: float | None = Field(
        None,
        gt=0.0,
        le=100.0,
        description="bound on inhibition on the accelerator, in thresholds of who receives it",
    )
    nu_post: float = Field(0.015, ge=0.0, le=1.0, description="weight gained per output spike")
    nu_pre: float = Field(0.0, ge=0.0, le=1.0, description="weight lost per input spike")
    trace_decay: Share = Field(0.95, description="decay of both traces per time step")
    weight_sum: float = Field(78.4, gt=0.0, le=1e5, description="sum that a neuron's weights are scaled to")
    theta_plus: float = Field(0.0225, ge=0.0, le=100.0, description="rise of a neuron's threshold per spike")
    theta_decay: Share = Field(0.99999, description="decay of that rise per time step")
    weight_bits: int = Field(8, ge=2, le=16, description="signed weight width")
    membrane_bits: int = Field(16, ge=4, le=32, description="stored membrane potential width")
    leak: Literal["multiply", "shift"] = Field("multiply", description="how the hardware decays a membrane")
    leak_bits: int = Field(8, ge=1, le=16, description="fraction bits of the multiply leak")
    input_bits: int = Field(8, ge=1, le=16, description="width of one input value under direct encoding")
    chunk_bits: int = Field(32, ge=2, le=32, description="inputs the spike scanner looks at in one cycle")
    lanes: Lanes | tuple[Lanes, ...] | Literal["auto"] = Field(
        16, description="neuron cores per layer: one number for all, one per layer, or `auto` within a device"
    )
    clock_mhz: float = Field(100.0, gt=0.0, le=2000.0, description="nominal clock")
    family: Family = Field("event_driven", description="accelerator: `event_driven` or `clock_driven`")
    sweep: Sweep = Field(
        "dense", description="neurons of a convolutional layer that fire in a step: `dense` or `touched_rows`"
    )

    @model_validator(mode="before")
    @classmethod
    def _filled(cls, values: Any) -> Any:
        return fill(values) if isinstance(values, Mapping) else values

    @model_validator(mode="after")
    def _possible(self) -> "TrialParameters":
        betas = self.beta if isinstance(self.beta, tuple) else (self.beta,)
        if self.neuron == "lapicque" and min(betas) < LAPICQUE_BETA_MIN:
            raise ValueError(
                f"beta {min(betas):g} with neuron lapicque gives a negative decay (1 + ln beta): "
                f"keep beta at or above {LAPICQUE_BETA_MIN:.3f}"
            )
        if self.family == "clock_driven" and self.sweep != "dense":
            raise ValueError(
                f"sweep {self.sweep} needs family event_driven, for clock-driven layers do not see where "
                "spikes land: use dense"
            )
        for name in ("lanes", "beta"):
            value = getattr(self, name)
            if isinstance(value, tuple) and len(value) != self.depth:
                raise ValueError(
                    f"{name} has {len(value)} entries but the network has {self.depth} layers of neurons: "
                    "give one number, or one per layer"
                )
        if self.learning == "stdp":
            _check_plastic(self)
        if self.rate_lower > self.rate_upper:
            raise ValueError(
                f"rate_lower {self.rate_lower:g} is above rate_upper {self.rate_upper:g}: swap the two"
            )
        return self

    @property
    def depth(self) -> int:
        """Layers of neurons."""
        return self.hidden_layers + 1 if self.network is None else depth(self.network)

    def accelerator(self) -> AcceleratorConfig:
        """The accelerator part, ``lanes`` spelled out for every layer; 1 where ``allocated`` is to choose."""
        each = 1 if self.lanes == "auto" else self.lanes
        lanes = each if isinstance(each, tuple) else (each,) * self.depth
        return AcceleratorConfig(
            lanes=lanes, **{name: getattr(self, name) for name in ACCELERATOR_NAMES if name != "lanes"}
        )

    def allocated(self, net: NetworkShape, spikes: FloatArray, target: Device) -> "TrialParameters":
        """Itself, with "auto" lanes replaced by the fastest that fit ``target``, or that exceed it least.

        Args:
            net: the network's shape.
            spikes: mean spikes per inference that enter each layer, and may be those that leave the last.
            target: the campaign's device.
        """
        if self.lanes != "auto":
            return self
        return self.model_copy(update={"lanes": allocate(net, spikes, self.accelerator(), target).lanes})

    def layer_beta(self, layer: int) -> float:
        """beta of one layer, counted from 0."""
        return self.beta[layer] if isinstance(self.beta, tuple) else self.beta

    def layout(self, classes: int) -> str:
        """The layers in text form, input left out.

        Raises:
            SpecError: ``network`` ends with another number of classes.
        """
        if self.network is None:
            return dense_text((*(self.hidden_width,) * self.hidden_layers, classes))
        if self.network.rsplit("-", 1)[-1].rstrip("r") != str(classes):
            raise SpecError(
                f"network {self.network!r} does not end with the data set's {classes} classes: write"
                f" -{classes} at its end (population multiplies it)"
            )
        return self.network

    def shape(self, input_shape: tuple[int, ...], classes: int) -> NetworkShape:
        """What of the network decides its area and, with its spikes, its cycles.

        Args:
            input_shape: of one sample in one time step.
            classes: of the data set.

        Raises:
            SpecError: the layers do not fit the input or each other.
        """
        if self.learning == "stdp":
            return self._competing(math.prod(input_shape), classes)
        layers = parse(self.layout(classes), input_shape, self.population)
        last = len(layers) - 1
        # all neurons but the leaky one discard the input of the step behind a spike under reset "zero"
        blank = int(self.reset == "zero" and self.neuron != "lif")
        shapes = tuple(
            layer_shape(
                layer,
                self._leaks(index),
                bias=self.bias or (self.batch_norm and index < last),
                subtracts=self.reset == "subtract",
                refractory_steps=max(self.refractory_steps, blank),
            )
            for index, layer in enumerate(layers)
        )
        return NetworkShape(shapes, self.time_steps, self.encoding, self.readout, self.population)

    def _competing(self, n_in: int, classes: int) -> NetworkShape:
        """The layer that learns by plasticity, and the one that adds up what its spikes stand for."""
        layers = (
            LayerShape(
                n_in,
                self.hidden_width,
                recurrent=True,
                leaks=(self.layer_beta(0),),
                subtracts=False,
                refractory_steps=self.refractory_steps,
            ),
            LayerShape(self.hidden_width, classes, leaks=(1.0,)),
        )
        return NetworkShape(layers, self.time_steps, self.encoding)

    def _leaks(self, layer: int) -> tuple[float | None, ...]:
        """Decays of a layer as ``LayerShape`` wants them; None for one that is learned."""
        beta = self.layer_beta(layer)
        decay = 1.0 + math.log(beta) if self.neuron == "lapicque" else beta
        known = decay if self.learn_beta == "fixed" else None
        return (known, self.alpha) if self.neuron == "synaptic" else (known,)


def _check_plastic(parameters: TrialParameters) -> None:
    """Refuse what a layer that learns by plasticity does not have."""
    fixed = {"network": None, "hidden_layers": 1, "neuron": "lif", "readout": "count", "population": 1}
    for name, only in fixed.items():
        if getattr(parameters, name) != only:
            raise ValueError(
                f"{name} is {getattr(parameters, name)!r} with learning stdp, which trains one layer of "
                f"hidden_width lif neurons: leave {name} out"
            )
    if parameters.encoding == "direct":
        raise ValueError("encoding is 'direct' with learning stdp, which needs input spikes: choose 'rate'")


ACCELERATOR_NAMES: tuple[str, ...] = tuple(
    field.name for field in fields(AcceleratorConfig) if field.name in TrialParameters.model_fields
)
"""Parameters that no training depends on: those ``[designs]`` may list."""

FREE_IN_PROGRAM: frozenset[str] = frozenset(
    (
        *("beta", "alpha", "threshold", "surrogate_slope", "dropout", "weight_init", "init_scale"),
        *("learning_rate", "learning_schedule", "learning_warmup_epochs", "momentum", "weight_decay"),
        *("clip_norm", "epochs", "patience", *ACCELERATOR_NAMES),
    )
)
"""Parameters in which networks that train in one program may differ (``workers.many.program_key``)."""


def design_grid(config: Mapping[str, Any], designs: Mapping[str, Any]) -> list[TrialParameters]:
    """Every complete configuration that one trained network is priced at.

    Args:
        config: a trial's values, searched and fixed.
        designs: per accelerator parameter, the values to try; their product is taken.

    Raises:
        pydantic.ValidationError: when a combination is impossible.
    """
    names = list(designs)
    return [
        TrialParameters.model_validate({**config, **dict(zip(names, values, strict=True))})
        for values in product(*designs.values())
    ]

"""Every hyperparameter a campaign file may name: its meaning, its bounds, its default.

A parameter stands in exactly one table of a campaign file: ``[space]`` (searched), ``[fixed]`` (one value) or
``[designs]`` (several values, each priced on every trained network; accelerator parameters only).
"""

from collections.abc import Mapping
from dataclasses import fields
from itertools import product
from math import exp
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from hardware.allocate import allocate
from hardware.devices import Device
from hardware.network import AcceleratorConfig, Family, FloatArray
from hardware.shape import NetworkShape, fully_connected

Neuron = Literal["lif", "lapicque"]
Surrogate = Literal["fast_sigmoid", "arctangent", "spike_rate_escape", "spike_rate_escape_centred"]
Lanes = Annotated[int, Field(ge=1, le=1024)]

LAPICQUE_BETA_MIN = exp(-1)
"""Below 1/e snnTorch's Lapicque decay, 1 + ln(beta), is negative: the membrane potential oscillates."""


class TrialParameters(BaseModel):
    """One complete configuration: how to train a network, and the accelerator it runs on."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    hidden_layers: int = Field(1, ge=1, le=4, description="hidden layers, all of one width")
    hidden_width: int = Field(64, ge=1, le=4096, description="neurons in each hidden layer")
    neuron: Neuron = Field("lif", description="neuron model")
    beta: float = Field(0.9, ge=0.0, le=1.0, description="membrane decay per time step, as snnTorch's beta")
    threshold: float = Field(1.0, gt=0.0, le=100.0, description="firing threshold")
    reset: Literal["subtract", "zero", "none"] = Field("subtract", description="reset mechanism")
    surrogate: Surrogate = Field("fast_sigmoid", description="surrogate gradient")
    surrogate_slope: float = Field(10.0, gt=0.0, le=1000.0, description="slope of the surrogate gradient")
    encoding: Literal["rate", "latency", "direct", "delta", "events"] = Field(
        "rate", description="how inputs become spikes"
    )
    delta_threshold: float = Field(
        0.05, gt=0.0, le=1.0, description="change of a value that makes a spike under delta encoding"
    )
    time_steps: int = Field(16, ge=1, le=1024, description="time steps per inference")
    loss: Literal["ce_count", "mse_count"] = Field("ce_count", description="loss on output spike counts")
    learning_rate: float = Field(2e-3, gt=0.0, le=1.0, description="Adam's learning rate")
    weight_decay: float = Field(0.0, ge=0.0, le=1.0, description="Adam's weight decay")
    batch_size: int = Field(64, ge=1, le=8192, description="samples per training step")
    epochs: int = Field(10, ge=1, le=1000, description="passes over the training split")
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

    @model_validator(mode="after")
    def _possible(self) -> "TrialParameters":
        if self.neuron == "lapicque" and self.beta < LAPICQUE_BETA_MIN:
            raise ValueError(
                f"beta {self.beta:g} with neuron lapicque gives a negative decay (1 + ln beta): "
                f"keep beta at or above {LAPICQUE_BETA_MIN:.3f}"
            )
        if isinstance(self.lanes, tuple) and len(self.lanes) != self.hidden_layers + 1:
            raise ValueError(
                f"lanes has {len(self.lanes)} entries but the network has {self.hidden_layers + 1} layers of "
                "neurons: give one number, or one per layer"
            )
        return self

    def accelerator(self) -> AcceleratorConfig:
        """The accelerator part, ``lanes`` spelled out for every layer; 1 where ``allocated`` is to choose."""
        each = 1 if self.lanes == "auto" else self.lanes
        lanes = each if isinstance(each, tuple) else (each,) * (self.hidden_layers + 1)
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

    def sizes(self, n_inputs: int, classes: int) -> tuple[int, ...]:
        """Neurons per layer, inputs first."""
        return (n_inputs, *(self.hidden_width,) * self.hidden_layers, classes)

    def shape(self, n_inputs: int, classes: int) -> NetworkShape:
        """What of the network decides its area and, with its spikes, its cycles."""
        return fully_connected(self.sizes(n_inputs, classes), self.time_steps, self.encoding)


ACCELERATOR_NAMES: tuple[str, ...] = tuple(
    field.name for field in fields(AcceleratorConfig) if field.name in TrialParameters.model_fields
)
"""Parameters that no training depends on: those ``[designs]`` may list."""


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

"""From a trial's parameters to what ``models`` is asked to train."""

from collections.abc import Mapping
from typing import Any

from models.encoders import Code
from models.losses import LossSpec
from models.records import TrainingSettings
from models.regularisers import RateBounds
from models.schedules import Schedule
from models.silence import SilenceSettings
from models.specification import NetworkSpec, NeuronSpec, Quantisation
from models.stdp import StdpRule, StdpSettings, StdpSpec
from workers.parameters import TrialParameters

NEURONS = {"lif": "leaky"}
"""Neuron models that campaign files call by another name than ``models``."""


def network_spec(parameters: TrialParameters, input_shape: tuple[int, ...], classes: int) -> NetworkSpec:
    """The network to train.

    Args:
        parameters: of the trial.
        input_shape: of one sample in one time step.
        classes: of the data set.

    Raises:
        SpecError: the layers do not fit the data, or a value is impossible.
    """
    quantisation = Quantisation(
        parameters.weight_bits,
        parameters.membrane_bits,
        parameters.leak,
        parameters.leak_bits,
        parameters.input_bits,
    )
    return NetworkSpec(
        layout=parameters.layout(classes),
        input_shape=input_shape,
        time_steps=parameters.time_steps,
        encoding=parameters.encoding,
        neuron=_neuron(parameters),
        bias=parameters.bias,
        batch_norm=parameters.batch_norm,
        dropout=parameters.dropout,
        initial=parameters.weight_init,
        init_scale=parameters.init_scale,
        population=parameters.population,
        readout=parameters.readout,
        quantisation=quantisation if parameters.quantization_aware else None,
    )


def training_settings(
    parameters: TrialParameters, seed: int, silence: Mapping[str, Any], data_seed: int
) -> TrainingSettings:
    """How to train it.

    Args:
        parameters: of the trial.
        seed: the trial's own.
        silence: fields of ``SilenceSettings``.
        data_seed: of the training samples' order and noise, one for the whole campaign.
    """
    return TrainingSettings(
        learning_rate=parameters.learning_rate,
        batch_size=parameters.batch_size,
        epochs=parameters.epochs,
        loss=LossSpec(
            parameters.loss,
            correct_rate=parameters.correct_rate,
            incorrect_rate=parameters.incorrect_rate,
        ),
        rate_bounds=RateBounds(
            parameters.rate_lower,
            parameters.rate_lower_strength,
            parameters.rate_upper,
            parameters.rate_upper_strength,
        ),
        optimiser=parameters.optimizer,
        momentum=parameters.momentum,
        weight_decay=parameters.weight_decay,
        schedule=Schedule(parameters.learning_schedule, warmup_epochs=parameters.learning_warmup_epochs),
        clip_norm=parameters.clip_norm,
        patience=parameters.patience,
        seed=seed,
        data_seed=data_seed,
        silence=SilenceSettings(**silence),
    )


def stdp_spec(parameters: TrialParameters, inputs: int, classes: int) -> StdpSpec:
    """The competing layer to train by plasticity; ``inputs`` per time step."""
    rule = StdpRule(
        nu_post=parameters.nu_post,
        nu_pre=parameters.nu_pre,
        trace_decay=parameters.trace_decay,
        norm=parameters.weight_sum,
        theta_plus=parameters.theta_plus,
        theta_decay=parameters.theta_decay,
    )
    return StdpSpec(
        inputs=inputs,
        classes=classes,
        code=code(parameters),
        neurons=parameters.hidden_width,
        beta=parameters.layer_beta(0),
        threshold=parameters.threshold,
        inhibition=parameters.inhibition,
        inhibition_cap=parameters.inhibition_cap,
        refractory_steps=parameters.refractory_steps,
        rule=rule,
        decoder=parameters.decoder,
    )


def stdp_settings(parameters: TrialParameters, seed: int, silence: Mapping[str, Any]) -> StdpSettings:
    """How to train it; ``silence`` holds fields of ``SilenceSettings``."""
    return StdpSettings(
        batch_size=parameters.batch_size,
        epochs=parameters.epochs,
        seed=seed,
        silence=SilenceSettings(**silence),
    )


def code(parameters: TrialParameters) -> Code:
    """Equal for parameters that encode alike, so that their data are encoded once."""
    if parameters.encoding == "delta":
        return Code("delta", parameters.time_steps, parameters.delta_threshold)
    if parameters.encoding == "rate":
        return Code("rate", parameters.time_steps, peak_rate=parameters.peak_rate)
    return Code(parameters.encoding, parameters.time_steps)


def _neuron(parameters: TrialParameters) -> NeuronSpec:
    return NeuronSpec(
        model=NEURONS.get(parameters.neuron, parameters.neuron),
        beta=parameters.beta,
        threshold=parameters.threshold,
        alpha=parameters.alpha,
        reset=parameters.reset,
        refractory_steps=parameters.refractory_steps,
        surrogate=parameters.surrogate,
        slope=parameters.surrogate_slope,
        learn_beta=parameters.learn_beta,
        learn_threshold=parameters.learn_threshold,
    )

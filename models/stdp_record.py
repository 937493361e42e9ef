"""The record for the hardware of a network that learnt by plasticity."""

import numpy as np

from models.architecture import Layer
from models.decoders import Decoder, SpikeDecoder
from models.plasticity import PlasticNetwork
from models.trained import FloatArray, LayerWeights, TrainedWeights
from spikefront.errors import SpecError


def deployed(network: PlasticNetwork, decoder: Decoder) -> TrainedWeights:
    """Two layers of plain neurons that find the decoder's class by counting spikes.

    The first layer has the learnt neurons and their inhibition as lateral weights. Each neuron's weights are
    divided by its threshold, so that all thresholds are 1 and spikes stay the same. The second has one
    integrate-and-fire neuron per class, reset "subtract", whose weights are the decoder's votes times a gain:
    it fires once per threshold of evidence and at most once per step. The gain lets the highest score of any
    training response just fit into the time steps, the finest count that is not cut short. Evidence of the
    last steps that was not yet fired is lost, so that counts differ from the decoder where classes are close.

    Raises:
        SpecError: the decoder reads the order of spikes, or no neuron ever fired.
    """
    if not isinstance(decoder, SpikeDecoder):
        raise SpecError(
            f"the decoder '{decoder.length}gram' needs a memory of which neurons fired last, which no"
            " accelerator here has; choose 'all' or 'vote'"
        )
    if not decoder.top > 0:
        raise SpecError(
            "no neuron fired on the training samples, so that a readout has nothing to count; lower the"
            " threshold or raise the inputs' peak_rate"
        )
    spec = network.spec
    gain = spec.code.time_steps / decoder.top
    return TrainedWeights(
        (_competing(network), _readout(decoder.votes * gain)),
        spec.code.time_steps,
        spec.code.encoding,
        "count",
        1,
    )


def _competing(network: PlasticNetwork) -> LayerWeights:
    spec = network.spec
    network = PlasticNetwork(spec, network.weight.double(), network.theta.double())
    limit, inhibition = (
        values.numpy(force=True)[:, None] for values in (network.limits(), network.inhibition())
    )
    lateral = np.eye(spec.neurons) - 1.0
    return LayerWeights(
        layer=Layer((spec.inputs,), spec.neurons, recurrent=True),
        weight=network.weight.numpy(force=True) / limit,
        bias=None,
        recurrent=inhibition / limit * lateral,
        beta=spec.beta,
        threshold=1.0,
        reset="zero",
        blank_after_spike=False,
        refractory_steps=spec.refractory_steps,
    )


def _readout(weight: FloatArray) -> LayerWeights:
    return LayerWeights(
        layer=Layer((weight.shape[1],), len(weight)),
        weight=weight,
        bias=None,
        recurrent=None,
        beta=1.0,
        threshold=1.0,
        reset="subtract",
        blank_after_spike=False,
    )

"""From a trained network as ``models`` tells it to the record that ``hardware`` builds from."""

import numpy as np

from hardware.network import TrainedLayer, TrainedNetwork
from models.trained import LayerWeights, TrainedWeights
from spikefront.errors import DesignError
from workers.layout import geometry


def trained_network(weights: TrainedWeights) -> TrainedNetwork:
    """The plain record that ``hardware`` reads.

    Raises:
        DesignError: a layer's neurons are none that an accelerator here has.
    """
    layers = tuple(_trained_layer(index, layer) for index, layer in enumerate(weights.layers))
    return TrainedNetwork(layers, weights.time_steps, weights.encoding, weights.readout, weights.population)


def _trained_layer(index: int, layer: LayerWeights) -> TrainedLayer:
    if layer.kind == "alpha":
        raise DesignError(
            f"Layer {index} has alpha neurons, which no accelerator builds; train leaky or synaptic ones."
        )
    if layer.adaptive:
        raise DesignError(
            f"Layer {index} has an adaptive threshold, which no accelerator builds; train a fixed or a "
            "learned one."
        )
    if isinstance(layer.beta, np.ndarray):
        raise DesignError(
            f"Layer {index} has a beta for each of its {layer.beta.size} neurons, and an accelerator one for "
            "all; learn beta per layer."
        )
    return TrainedLayer(
        layer.weight,
        layer.beta,
        layer.threshold,
        layer.reset,
        layer.blank_after_spike,
        alpha=layer.alpha,
        bias=layer.bias,
        refractory_steps=layer.refractory_steps,
        recurrent=layer.recurrent,
        convolution=geometry(layer.layer),
    )

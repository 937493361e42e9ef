"""How many clock cycles the clock-driven family is expected to take, from mean spikes alone."""

import numpy as np

from hardware.integer import built_lanes
from hardware.network import AcceleratorConfig, Encoding, FloatArray


def expected_walks(
    sizes: tuple[int, ...],
    time_steps: int,
    encoding: Encoding,
    spikes_per_layer: FloatArray,
    config: AcceleratorConfig,
) -> FloatArray:
    """Return the cycles (..., L) that each layer is to be expected to walk per inference.

    Every input is taken as Bernoulli with the layer's mean rate p: a vector holds a spike with probability
    ``1 - (1 - p)^n_in``. Arguments as for ``hardware.expected.expected``.
    """
    spikes = np.asarray(spikes_per_layer, dtype=np.float64)
    walks = []
    for k, (n_in, lanes) in enumerate(zip(sizes, built_lanes(sizes, config), strict=False)):
        vectors = config.input_bits if encoding == "direct" and k == 0 else time_steps
        rate = np.clip(spikes[..., k] / (vectors * n_in), 0.0, 1.0)
        walks.append(vectors * (1 - (1 - rate) ** n_in) * n_in * -(-sizes[k + 1] // lanes))
    return np.stack(walks, axis=-1)


def expected_parts(
    sizes: tuple[int, ...],
    time_steps: int,
    encoding: Encoding,
    spikes_per_layer: FloatArray,
    config: AcceleratorConfig,
) -> tuple[FloatArray, FloatArray]:
    """Return each layer's share of the cycles to expect, as ``hardware.expected.expected_parts`` does.

    The slowest layer sets the pace of all network steps but L - 1, in which one layer more or less works. Too
    low by what it costs that now this, now that layer is the slowest; exact for two layers with spikes in
    every step.
    """
    walk = expected_walks(sizes, time_steps, encoding, spikes_per_layer, config)
    groups = np.array([-(-n // p) for n, p in zip(sizes[1:], built_lanes(sizes, config), strict=True)])
    direct = np.array([encoding == "direct" and k == 0 for k in range(len(groups))])
    pace = np.where(direct, 0.0, walk / time_steps) + groups + 1
    chunks = -(-sizes[0] // config.chunk_bits)
    once = pace + np.where(direct, walk + config.input_bits, 0.0)
    once[..., 0] += chunks + 1
    return once, pace

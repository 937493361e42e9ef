"""How many clock cycles an inference is expected to take, from mean spikes alone, before any training."""

import numpy as np

from hardware import expected_clock
from hardware.integer import built_lanes
from hardware.network import AcceleratorConfig, Encoding, FloatArray


def expected(
    sizes: tuple[int, ...],
    time_steps: int,
    encoding: Encoding,
    spikes_per_layer: FloatArray,
    config: AcceleratorConfig,
) -> FloatArray:
    """Return about how many cycles an inference takes, from mean spikes alone.

    Every bit of a chunk of w inputs is taken as Bernoulli with the layer's mean rate p, so that a chunk takes
    ``E[max(1, s * G)] = G * w * p + (1 - p)^w`` cycles; then the slowest layer sets the pace and
    every layer adds its latency once. It ignores that steps and images differ, so it lies below the mean of
    ``hardware.cycles.count`` where bursts make layers wait for one another.

    Args:
        sizes: neurons per layer, inputs first.
        time_steps: steps per inference.
        encoding: how the input is fed.
        spikes_per_layer: (..., L) mean spikes per inference that enter each layer; for the first layer under
            direct encoding, set bits over all planes.
        config: the accelerator.
    """
    once, pace = expected_parts(sizes, time_steps, encoding, spikes_per_layer, config)
    if config.schedule == "sequential":
        return np.asarray(once.sum(axis=-1) + (time_steps - 1) * (pace + 3).sum(axis=-1) + sizes[-1] + 1)
    return np.asarray(once.sum(axis=-1) + (time_steps - 1) * pace.max(axis=-1) + sizes[-1] + 1)


def expected_parts(
    sizes: tuple[int, ...],
    time_steps: int,
    encoding: Encoding,
    spikes_per_layer: FloatArray,
    config: AcceleratorConfig,
) -> tuple[FloatArray, FloatArray]:
    """Return each layer's share of ``expected``: the cycles it adds once, and those per further step that it
    needs where it is the slowest, both (..., L); a layer's share depends on no other layer's lanes.
    """
    if config.family == "clock_driven":
        return expected_clock.expected_parts(sizes, time_steps, encoding, spikes_per_layer, config)
    scan = expected_scan(sizes, time_steps, encoding, spikes_per_layer, config)
    lanes = built_lanes(sizes, config)
    groups = np.array([-(-n // p) for n, p in zip(sizes[1:], lanes, strict=True)])
    direct = np.array([encoding == "direct" and k == 0 for k in range(len(groups))])
    per_step = scan / np.where(direct, 1, time_steps)
    return per_step + groups + 4, np.where(direct, groups + 2, per_step + groups + 1)


def expected_scan(
    sizes: tuple[int, ...],
    time_steps: int,
    encoding: Encoding,
    spikes_per_layer: FloatArray,
    config: AcceleratorConfig,
) -> FloatArray:
    """Return the scan cycles (..., L) to expect per inference and layer; arguments as for ``expected``."""
    if config.family == "clock_driven":
        return expected_clock.expected_walks(sizes, time_steps, encoding, spikes_per_layer, config)
    spikes = np.asarray(spikes_per_layer, dtype=np.float64)
    scans = []
    for k, (n_in, lanes) in enumerate(zip(sizes, built_lanes(sizes, config), strict=False)):
        vectors = config.input_bits if encoding == "direct" and k == 0 else time_steps
        rate = np.clip(spikes[..., k] / (vectors * n_in), 0.0, 1.0)
        scans.append(vectors * _expected_scan(rate, n_in, -(-sizes[k + 1] // lanes), config.chunk_bits))
    return np.stack(scans, axis=-1)


def _expected_scan(rate: FloatArray, n_in: int, groups: int, chunk_bits: int) -> FloatArray:
    """Return the expected scan cycles of one vector of ``n_in`` bits, each set with probability ``rate``."""
    full, rest = divmod(n_in, chunk_bits)
    empty = full * (1 - rate) ** chunk_bits + ((1 - rate) ** rest if rest else 0.0)
    return np.asarray(groups * n_in * rate + empty)

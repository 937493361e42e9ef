"""How many clock cycles an inference is expected to take, from mean spikes alone, before any training.

Every bit of a vector of n inputs is taken as Bernoulli with the layer's mean rate p. With B beats per spike
(G groups of lanes, times K * K taps of a convolution) and S words to fire (G, times Ho * Wo pixels), a chunk
of w inputs takes ``E[max(1, s * B)] = B * w * p + (1 - p)^w`` cycles, and a layer's step in the event-driven
family (``hardware.cycles``)::

    scan     = n * B * p + sum over chunks of (1 - p)^w      likewise for the own spikes of a recurrent layer
    latency  = scan + S + 4                                  one more in a convolutional layer
    period   = scan + S + 1                                  of a layer that never waits

    cycles   = sum of latencies + (T - 1) * greatest period + R + 1                    pipelined
    cycles   = T * sum of latencies + R + 1                                            sequential

In the sequential schedule no layer waits for another, so that with exact spikes only the number of empty
chunks is estimated. In the pipelined one the slowest layer on average sets the pace and every layer adds its
latency once; steps and images differ, so that this lies below the mean of ``hardware.cycles.count`` where
bursts make layers wait for one another. A sweep of touched rows (``hardware.rows``) is taken as dense: an
upper bound, but for the cycle a step that such a sweep adds.

In the clock-driven family (``hardware.cycles_clock``) a vector takes n * B cycles if it holds a spike, as
``1 - (1 - p)^n`` of them do, and none otherwise; a step takes S + 1 more; the slowest layer sets the pace of
all network steps but L - 1, in which one layer more or less works. That is too low by what it costs that now
this, now that layer is the slowest, and exact for two layers with spikes in every step.
"""

import numpy as np

from hardware.expected_terms import CycleTerms, Stream, Timing, cycle_terms
from hardware.network import AcceleratorConfig, FloatArray
from hardware.shape import NetworkShape
from spikefront.errors import InputError


def expected(net: NetworkShape, spikes_per_layer: FloatArray, config: AcceleratorConfig) -> FloatArray:
    """Return about how many cycles (...) an inference takes, from mean spikes alone.

    Args:
        net: the network's shape.
        spikes_per_layer: (..., L) mean spikes per inference that enter each layer, own spikes of recurrent
            ones apart; for the first layer under direct encoding, set bits over all planes. Or (..., L + 1),
            with those that leave the last layer, which a recurrent last layer needs.
        config: the accelerator.

    Raises:
        InputError: where there are other numbers of spikes than that, or one is no number or below zero.
    """
    terms = cycle_terms(net, config)
    return expected_total(terms, *entering_and_own(terms, spikes_per_layer))


def expected_parts(
    net: NetworkShape, spikes_per_layer: FloatArray, config: AcceleratorConfig
) -> tuple[FloatArray, FloatArray]:
    """Return each layer's share of ``expected``, both (..., L): the cycles it adds once, and those of every
    further step, of which those of the slowest layer count, or all when layers work one after the other. A
    layer's share depends on no other layer's lanes; arguments as for ``expected``.
    """
    terms = cycle_terms(net, config)
    return layer_parts(terms, *entering_and_own(terms, spikes_per_layer))


def expected_scan(net: NetworkShape, spikes_per_layer: FloatArray, config: AcceleratorConfig) -> FloatArray:
    """Return the scan cycles (..., L) to expect per inference and layer; arguments as for ``expected``."""
    terms = cycle_terms(net, config)
    return scan_cycles(terms, *entering_and_own(terms, spikes_per_layer))


def expected_taps(net: NetworkShape, spikes_per_layer: FloatArray, config: AcceleratorConfig) -> FloatArray:
    """Return the weights (..., L) that spikes are to be expected to meet per output channel, as
    ``hardware.cycles.CycleReport.taps`` counts them; arguments as for ``expected``.
    """
    terms = cycle_terms(net, config)
    entering, own = entering_and_own(terms, spikes_per_layer)
    return entering * terms.landing + own


def entering_and_own(terms: CycleTerms, spikes_per_layer: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the spikes that enter each layer and its own that come back to it, both (..., L).

    Those of a layer's last step do not come back: of T steps, T - 1 do.

    Raises:
        InputError: where there is not one number per layer, a recurrent last layer's spikes are missing, or
            one is no number or below zero.
    """
    spikes, layers = np.asarray(spikes_per_layer, dtype=np.float64), terms.inputs.shape[-2]
    given = spikes.shape[-1] if spikes.ndim else 0
    if given not in (layers, layers + 1):
        raise InputError(
            f"spikes has shape {spikes.shape} for {layers} layers; give one mean per layer, or one more for "
            "the spikes that leave the last."
        )
    if given == layers and terms.echoed[..., -1].any():
        raise InputError(
            f"spikes has {given} values, and the last of {layers} layers is recurrent; give the spikes that "
            "leave it too."
        )
    if not (spikes >= 0).all():
        strange = spikes[~(spikes >= 0)][0]
        raise InputError(f"spikes holds {strange:g}; give means that are numbers of at least 0.")
    entering, leaving = spikes[..., :layers], np.zeros_like(spikes[..., :layers])
    leaving[..., : given - 1] = spikes[..., 1:]
    return entering, leaving * terms.echoed


def expected_total(terms: CycleTerms, entering: FloatArray, own: FloatArray) -> FloatArray:
    """Return the cycles (...) to expect of spikes (..., L); ``terms`` may be stacked likewise."""
    once, pace = layer_parts(terms, entering, own)
    step = np.where(terms.summed, pace.sum(axis=-1), pace.max(axis=-1))
    return np.asarray(once.sum(axis=-1) + terms.further * step + terms.end)


def scan_cycles(terms: CycleTerms, entering: FloatArray, own: FloatArray) -> FloatArray:
    """Return the scan cycles (..., L) to expect of spikes (..., L); ``terms`` may be stacked likewise."""
    return _worked(terms.inputs, entering) + _worked(terms.own, own)


def layer_parts(terms: CycleTerms, entering: FloatArray, own: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return each layer's cycles once and per further step (..., L); ``terms`` may be stacked likewise."""
    timing = Timing(*np.moveaxis(terms.timing, -1, 0))
    inputs, echoes = _worked(terms.inputs, entering), _worked(terms.own, own) * timing.own_share
    once = timing.once + inputs * timing.once_share + echoes
    return once, timing.pace + inputs * timing.pace_share + echoes


def _worked(streams: FloatArray, spikes: FloatArray) -> FloatArray:
    """Return the cycles (..., L) that ``streams`` (..., L, 7) take with ``spikes`` (..., L)."""
    if not streams.any():
        return np.zeros_like(spikes)
    found = Stream(*np.moveaxis(streams, -1, 0))
    rate = np.clip(spikes / np.maximum(found.bits, 1), 0.0, 1.0)
    empty = 1 - rate
    chunks = found.many * empty**found.many_bits + found.few * empty**found.few_bits
    return np.asarray(found.per_spike * found.bits * rate + chunks + found.fixed)

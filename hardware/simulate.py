"""Run a network's RTL in PyRTL's simulator; compare it with the integer reference and the cycle formula."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyrtl
from numpy.typing import NDArray

from hardware.chunks import bit_planes
from hardware.cycles import count
from hardware.integer import IntegerNetwork
from hardware.network import IntArray, SpikeArray
from hardware.reference import check_inputs, run
from hardware.rtl.accelerator import build
from spikefront.errors import MismatchError


@dataclass(frozen=True, eq=False)
class Simulated:
    """What the RTL did on N samples: per layer uint8 (N, T, n_out), classes (N,), clock cycles (N,)."""

    spikes: tuple[SpikeArray, ...]
    predicted: IntArray
    cycles: IntArray


@dataclass(frozen=True)
class CheckReport:
    """A check that found no difference: how much was compared."""

    samples: int
    spike_bits: int
    cycles: int


def simulate(net: IntegerNetwork, inputs: NDArray[np.unsignedinteger]) -> Simulated:
    """Run ``inputs`` one after another through the RTL of ``net``, without a reset in between.

    Args:
        net: the network on its accelerator.
        inputs: as ``hardware.reference.run`` takes them.

    Raises:
        InputError: where ``inputs`` does not fit.
        MismatchError: where the RTL does not finish.
    """
    words = input_words(net, check_inputs(net, inputs))
    simulation = pyrtl.FastSimulation(tracer=None, block=build(net))
    _step(simulation)
    while not simulation.inspect("ready"):
        _step(simulation)
    samples = [_infer(net, simulation, row) for row in words]
    spikes = [np.stack([_unpack(sample[0][k], n) for sample in samples]) for k, n in enumerate(net.sizes[1:])]
    return Simulated(
        tuple(spikes),
        np.array([sample[1] for sample in samples]),
        np.array([sample[2] for sample in samples]),
    )


def check(net: IntegerNetwork, inputs: NDArray[np.unsignedinteger]) -> CheckReport:
    """Simulate the RTL of ``net`` on ``inputs`` and compare all spikes, classes and cycles with the
    reference.

    Raises:
        InputError: where ``inputs`` does not fit.
        MismatchError: naming the first sample, layer, step and neuron, or the cycle counts, that differ.
    """
    reference = run(net, inputs)
    report = count(net, reference, inputs)
    rtl = simulate(net, inputs)
    for layer, (expected, found) in enumerate(zip(reference.spikes, rtl.spikes, strict=True)):
        _compare_spikes(layer, expected, found)
    _compare(f"class of a {net.time_steps}-step inference", reference.predicted, rtl.predicted)
    _compare("cycle count", report.total, rtl.cycles)
    bits = sum(spikes.size for spikes in rtl.spikes)
    return CheckReport(len(inputs), bits, int(rtl.cycles.sum()))


def input_words(net: IntegerNetwork, inputs: NDArray[np.unsignedinteger]) -> list[list[int]]:
    """Return, per sample, the words that the host writes into the input memory, first address first."""
    vectors = bit_planes(inputs, net.config.input_bits) if net.direct else inputs
    width, chunks = net.config.chunk_bits, net.chunks[0]
    padded = np.zeros((*vectors.shape[:2], chunks * width), dtype=np.int64)
    padded[:, :, : vectors.shape[2]] = vectors
    words = padded.reshape(len(inputs), -1, width) @ (1 << np.arange(width, dtype=np.int64))
    return [[int(word) for word in row] for row in words]


IDLE = {"start": 0, "load": 0, "load_address": 0, "load_data": 0}

Inference = tuple[list[list[int]], int, int]


def _infer(net: IntegerNetwork, simulation: Any, words: list[int]) -> Inference:
    """Return the spike vectors per layer and step, the class and the cycles of one sample."""
    for address, word in enumerate(words):
        _step(simulation, load=1, load_address=address, load_data=word)
    _step(simulation, start=1)
    names = [(f"layer{k}_strobe", f"layer{k}_spikes") for k in range(len(net.layers))]
    vectors: list[list[int]] = [[] for _ in names]
    for _ in range(_cycle_limit(net)):
        _step(simulation)
        for found, (strobe, spikes) in zip(vectors, names, strict=True):
            if simulation.inspect(strobe):
                found.append(simulation.inspect(spikes))
        if simulation.inspect("done"):
            return _complete(net, vectors), simulation.inspect("class_out"), simulation.inspect("cycles")
    raise MismatchError(
        f"The RTL was not done after {_cycle_limit(net)} cycles, more than any input can take; report this."
    )


def _complete(net: IntegerNetwork, vectors: list[list[int]]) -> list[list[int]]:
    for layer, found in enumerate(vectors):
        if len(found) != net.time_steps:
            raise MismatchError(
                f"Layer {layer} published {len(found)} spike vectors in {net.time_steps} steps; report this."
            )
    return vectors


def _cycle_limit(net: IntegerNetwork) -> int:
    """Return more cycles than full inputs and full layers, one after another, would take."""
    vectors = [net.input_vectors, *[net.time_steps] * (len(net.layers) - 1)]
    scan = sum(
        v * ((n + c) * b + 4) for v, n, c, b in zip(vectors, net.sizes, net.chunks, net.beats, strict=False)
    )
    pairs = list(zip(net.groups, net.sizes[1:], net.echo_chunks, strict=True))
    scan += net.time_steps * sum((n + e) * g for g, n, e in pairs if e)
    return scan + net.time_steps * sum(g + 10 for g in net.sweeps) + net.sizes[-1] + 8


def _step(simulation: Any, **inputs: int) -> None:
    simulation.step({**IDLE, **inputs})


def _unpack(vectors: list[int], n: int) -> SpikeArray:
    """Return spike vectors, neuron 0 in bit 0, as uint8 (T, n)."""
    return np.array([[vector >> i & 1 for i in range(n)] for vector in vectors], dtype=np.uint8)


def _compare_spikes(layer: int, expected: SpikeArray, found: SpikeArray) -> None:
    different = np.argwhere(expected != found)
    if len(different):
        sample, step, neuron = (int(i) for i in different[0])
        raise MismatchError(
            f"Sample {sample}, layer {layer}, step {step}, neuron {neuron}: the reference says "
            f"{expected[sample, step, neuron]} and the RTL {found[sample, step, neuron]} "
            f"({len(different)} spikes of this layer differ); report this."
        )


def _compare(what: str, expected: IntArray, found: IntArray) -> None:
    different = np.flatnonzero(expected != found)
    if len(different):
        sample = int(different[0])
        raise MismatchError(
            f"Sample {sample}: the {what} is {expected[sample]} by the reference and {found[sample]} in RTL "
            f"({len(different)} of {len(expected)} samples differ); report this."
        )

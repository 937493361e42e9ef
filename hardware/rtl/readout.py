"""From the last layer's spikes, or its membrane potentials, to a class.

Counters of spikes, or the highest membrane potentials, stand in a chain of registers; after the last step it
shifts out one candidate per cycle, in the order of classes, and the first of the greatest wins. The first
spike needs no comparison. Everything is cleared where an inference begins.
"""

from dataclasses import dataclass
from typing import Any

import pyrtl

from hardware.integer import IntegerNetwork
from hardware.rtl.control import count_up, make_counter
from hardware.rtl.convolution import window
from hardware.rtl.scanner import encode, isolate
from hardware.rtl.shape import bits_for

Wire = Any


@dataclass(frozen=True)
class Readout:
    """The class found, and the strobe of the cycle before it is valid."""

    winner: Wire
    finish: Wire


@dataclass(frozen=True)
class Tap:
    """A core's membrane potentials before the reset: those of ``group``'s lanes while ``valid``."""

    valid: Wire
    group: Wire
    membranes: list[Wire]


def readout(net: IntegerNetwork, vector: Wire, full: Wire, begin: Wire, tap: Tap) -> Readout:
    """Take ``vector`` in every cycle of ``full``, or what ``tap`` shows; ``begin`` starts an inference."""
    step = pyrtl.Register(bits_for(net.time_steps - 1), "readout_step")
    last = full & (step == net.time_steps - 1)
    count_up(step, full, last)
    if net.readout == "first_spike":
        return Readout(_first_spike(net, vector, full, begin), last)
    ranking = pyrtl.Register(1, "readout_ranking")
    index = make_counter(net.classes, "readout_index")
    member = make_counter(net.ranked // net.classes, "readout_member")
    next_class = member == net.ranked // net.classes - 1
    finish = ranking & next_class & (index == net.classes - 1)
    ranking.next <<= last | (ranking & ~finish)
    count_up(member, ranking, next_class)
    count_up(index, ranking & next_class, finish)
    if net.readout == "count":
        head = _counters(net, vector, full, begin, ranking)
    else:
        head = _peaks(net, tap, begin, ranking)
    return Readout(_best(head, index, ranking, ranking & (index == 0) & (member == 0)), finish)


def _members(net: IntegerNetwork, vector: Wire) -> list[Wire]:
    """Return the bits of ``vector`` that belong to each class."""
    size = net.population
    return [vector[c * size : (c + 1) * size] for c in range(net.classes)]


def _first_spike(net: IntegerNetwork, vector: Wire, full: Wire, begin: Wire) -> Wire:
    """Return the lowest class of the first ``vector`` with any spike; class 0 if there is none."""
    fired = pyrtl.concat_list([pyrtl.rtl_any(*bits) for bits in _members(net, vector)])
    found = pyrtl.Register(1, "readout_found")
    winner = pyrtl.Register(bits_for(net.classes - 1), "readout_winner")
    hit = full & ~found & (fired != 0)
    found.next <<= ~begin & (found | hit)
    first = encode(isolate(fired)[0]) if net.classes > 1 else pyrtl.Const(0, 1)
    kept = pyrtl.select(hit, first, winner)
    winner.next <<= pyrtl.select(begin, pyrtl.Const(0, len(winner)), kept)
    return winner


def _counters(net: IntegerNetwork, vector: Wire, full: Wire, begin: Wire, ranking: Wire) -> Wire:
    """Return the first counter of a chain that counts while ``full`` and shifts down while ``ranking``."""
    width = bits_for(net.time_steps * net.population)
    counters = [pyrtl.Register(width, f"readout_count{i}") for i in range(net.classes)]
    counted = []
    for counter, bits in zip(counters, _members(net, vector), strict=True):
        total = (counter + _ones(list(bits))).truncate(width)
        counted.append(pyrtl.select(full, total, counter))
    return _chain(counters, counted, begin, ranking)


def _ones(bits: list[Wire]) -> Wire:
    """Count the set ``bits`` in a tree of adders: a class may be a whole frame."""
    while len(bits) > 1:
        sums = [a + b for a, b in zip(bits[::2], bits[1::2], strict=False)]
        bits = sums + bits[len(sums) * 2 :]
    return bits[0]


def _peaks(net: IntegerNetwork, tap: Tap, begin: Wire, ranking: Wire) -> Wire:
    """Return the first of a chain of highest membrane potentials, as offset binary: the least one is zero."""
    lanes, width = len(tap.membranes), net.config.membrane_bits
    peaks = [pyrtl.Register(width, f"readout_peak{i}") for i in range(net.sizes[-1])]
    raised = []
    for neuron, peak in enumerate(peaks):
        lane, words = _source(net, neuron, lanes)
        membrane = tap.membranes[lane]
        value = pyrtl.concat(~membrane[-1], membrane[:-1])
        here = pyrtl.rtl_any(*(tap.group == word for word in words))
        raised.append(pyrtl.select(tap.valid & here & (value > peak), value, peak))
    return _chain(peaks, raised, begin, ranking)


def _source(net: IntegerNetwork, neuron: int, lanes: int) -> tuple[int, list[int]]:
    """Return the lane and the state words that output ``neuron`` is: a window's words of a pooled pixel."""
    geometry = net.layers[-1].convolution
    if geometry is None:
        return neuron % lanes, [neuron // lanes]
    rows, columns = geometry.out_frame
    channel, pixel = divmod(neuron, rows * columns)
    return channel % lanes, window(geometry, net.groups[-1], (*divmod(pixel, columns), channel // lanes))


def _chain(registers: list[Wire], updated: list[Wire], begin: Wire, ranking: Wire) -> Wire:
    """Let ``registers`` take what is ``updated``, shift down while ``ranking``, and clear at ``begin``."""
    zero = pyrtl.Const(0, len(registers[0]))
    for register, above, value in zip(registers, [*registers[1:], zero], updated, strict=True):
        register.next <<= pyrtl.select(begin, zero, pyrtl.select(ranking, above, value))
    return registers[0]


def _best(head: Wire, index: Wire, ranking: Wire, first: Wire) -> Wire:
    """Return the index of the greatest ``head`` seen since the ``first``."""
    best = pyrtl.Register(len(head), "readout_best")
    winner = pyrtl.Register(len(index), "readout_winner")
    better = ranking & (first | (head > best))
    best.next <<= pyrtl.select(better, head, best)
    winner.next <<= pyrtl.select(better, index, winner)
    return winner

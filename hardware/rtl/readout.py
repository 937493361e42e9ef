"""Count the output spikes of every class, then find the class with most of them."""

from dataclasses import dataclass
from typing import Any

import pyrtl

from hardware.rtl.shape import bits_for

Wire = Any


@dataclass(frozen=True)
class Readout:
    """The class found, and the strobe of the cycle before it is valid."""

    winner: Wire
    finish: Wire


def readout(vector: Wire, full: Wire, time_steps: int) -> Readout:
    """Count ``vector`` in every cycle of ``full``; after ``time_steps`` of them rank the classes, one per
    cycle.

    Ranking shifts the counters out one by one and zeros in, so they are clear for the next inference. The
    lowest class wins a tie.
    """
    classes = len(vector)
    step = pyrtl.Register(bits_for(time_steps - 1), "readout_step")
    last = full & (step == time_steps - 1)
    counted = pyrtl.select(full, (step + 1).truncate(len(step)), step)
    step.next <<= pyrtl.select(last, pyrtl.Const(0, len(step)), counted)
    ranking = pyrtl.Register(1, "readout_ranking")
    index = pyrtl.Register(bits_for(classes - 1), "readout_index")
    finish = ranking & (index == classes - 1)
    ranking.next <<= last | (ranking & ~finish)
    following = pyrtl.select(finish, pyrtl.Const(0, len(index)), (index + 1).truncate(len(index)))
    index.next <<= pyrtl.select(ranking, following, index)
    head = _counters(vector, full, ranking, bits_for(time_steps))
    return Readout(_best(head, index, ranking), finish)


def _counters(vector: Wire, full: Wire, ranking: Wire, width: int) -> Wire:
    """Return the first counter of a chain that counts while ``full`` and shifts down while ``ranking``."""
    counters = [pyrtl.Register(width, f"readout_count{i}") for i in range(len(vector))]
    for counter, above, spike in zip(counters, [*counters[1:], pyrtl.Const(0, width)], vector, strict=True):
        counted = pyrtl.select(full, (counter + spike).truncate(width), counter)
        counter.next <<= pyrtl.select(ranking, above, counted)
    return counters[0]


def _best(head: Wire, index: Wire, ranking: Wire) -> Wire:
    """Return the index of the greatest ``head`` seen since index 0."""
    best = pyrtl.Register(len(head), "readout_best")
    winner = pyrtl.Register(len(index), "readout_winner")
    better = ranking & ((index == 0) | (head > best))
    best.next <<= pyrtl.select(better, head, best)
    winner.next <<= pyrtl.select(better, index, winner)
    return winner

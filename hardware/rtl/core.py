"""One layer's core: control, stages, lanes, spike buffer.

Pipeline behind the issue of ``hardware.rtl.control``, one cycle per stage::

    event   read weights and accumulators, add, write
    fire    read the accumulators, clip, compare, publish spikes  |  leak, reset, write
"""

from dataclasses import dataclass
from typing import Any

import pyrtl

from hardware.rtl.control import control
from hardware.rtl.convolution import Fired, frame_vector
from hardware.rtl.lanes import accumulate_and_fire
from hardware.rtl.readout import Tap
from hardware.rtl.rows import RowWires, fired_rows, row_wires
from hardware.rtl.scanner import Permission, Prefetched
from hardware.rtl.shape import CoreShape
from hardware.rtl.stage import Stage, delayed, issue_stage, tap_stage

Wire = Any


@dataclass(frozen=True)
class CorePorts:
    """What a core shows: its spike vector, ``full`` until ``accept``, a strobe per step, whether it boots.

    It boots until its last word is about to be written, so that nothing of it meets an inference.
    ``ended`` says in the strobe's cycle that the step was the inference's last; only recurrent cores have it.
    """

    vector: Wire
    full: Wire
    accept: Wire
    strobe: Wire
    booting: Wire
    ended: Wire | None
    tap: Tap


def core(shape: CoreShape, fetched: Prefetched, go: Permission | None) -> CorePorts:
    """Build the core that consumes ``fetched``; the reader of the vector drives ``accept``.

    ``go`` is the first core's.
    """
    accept = pyrtl.WireVector(1, f"{shape.name}_accept")
    full = pyrtl.Register(1, f"{shape.name}_full")
    strobe = pyrtl.Register(1, f"{shape.name}_published")
    busy = pyrtl.WireVector(1, f"{shape.name}_busy")
    rows = row_wires(shape) if shape.by_rows else None
    issue = control(shape, fetched, busy, go, rows)
    stage = issue_stage(shape, issue)
    booting = issue.booting | stage.fire
    if shape.layer.convolution is None:
        busy <<= full
    else:
        # a vector is complete one stage later than elsewhere, and must not be overwritten meanwhile
        stage = tap_stage(shape, shape.layer.convolution, stage, rows)
        busy <<= full | stage.publish
        booting = booting | stage.fire
    spikes, tap = accumulate_and_fire(shape, stage)
    full.next <<= stage.publish | (full & ~accept)
    strobe.next <<= stage.publish
    ended = delayed(stage.publish & stage.clear, f"{shape.name}_ended") if shape.echoes else None
    vector = spike_vector(shape, stage, spikes, rows)
    return CorePorts(vector, full, accept, strobe, booting, ended, tap)


def spike_vector(shape: CoreShape, stage: Stage, spikes: list[Wire], rows: RowWires | None = None) -> Wire:
    """Gather the groups' spikes; the vector is complete when ``publish`` has passed the read stage."""
    if shape.layer.convolution is not None:
        opens = None if rows is None else rows.opens
        vector = frame_vector(shape, shape.layer.convolution, Fired(stage.fire, stage.group, spikes, opens))
        if rows is not None:
            fired = rows.fired
            fired <<= fired_rows(shape, shape.layer.convolution, vector)
        return vector
    slices = []
    for group in range(shape.groups):
        size = min(shape.lanes, shape.layer.n_out - group * shape.lanes)
        register = pyrtl.Register(size, f"{shape.name}_spikes{group}")
        here = stage.fire & (stage.group == group)
        register.next <<= pyrtl.select(here, pyrtl.concat_list(spikes[:size]), register)
        slices.append(register)
    return pyrtl.concat_list(slices)

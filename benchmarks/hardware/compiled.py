"""A design in PyRTL's CompiledSimulation: the fastest simulation of the RTL that PyRTL has.

It turns the block into C for gcc. Its own ``run`` returns the first step's outputs for every step (PyRTL
1.0.3), and ``step`` costs more in Python than in C; so the compiled entry is called with arrays laid out as
PyRTL's private metadata say, and every image's class and clock cycles are compared with the reference and the
formula: a simulation that ran something else would be found out.
"""

import ctypes
import time
from typing import Any

import numpy as np
import pyrtl
from numpy.typing import NDArray

from hardware import cycles, reference
from hardware.integer import IntegerNetwork
from hardware.network import SpikeArray
from hardware.rtl.accelerator import build
from hardware.simulate import input_words

BOOT_CYCLES = 4096  # more than any memory of the designs here has words to clear


def seconds_per_image(net: IntegerNetwork, inputs: SpikeArray) -> float:
    """Return CPU seconds per image that the compiled design of ``net`` takes, loading included.

    Left out are building and compiling it, and laying out its inputs.

    Raises:
        RuntimeError: where a class or a cycle count is not the expected one.
    """
    simulation = _compile(net)
    run = reference.run(net, inputs)
    total = cycles.count(net, run, inputs).total
    _call(simulation, _steps(simulation, [], BOOT_CYCLES))
    seconds = 0.0
    for words, label, taken in zip(input_words(net, inputs), run.predicted, total, strict=True):
        steps = _steps(simulation, words, int(taken) + 1)
        start = time.process_time()
        outputs = _call(simulation, steps)
        seconds += time.process_time() - start
        found = {name: int(outputs[-1, at.start]) for name, at in simulation._outputs_metadata.items()}
        if (found["done"], found["class_out"], found["cycles"]) != (1, int(label), int(taken)):
            raise RuntimeError(f"Expected class {label} after {taken} cycles, but the RTL says {found}.")
    return seconds / len(inputs)


def _compile(net: IntegerNetwork) -> Any:
    """Return the compiled design; its trace, which must name some wire, is not used."""
    block = build(net)
    trace = pyrtl.SimulationTrace([block.get_wirevector_by_name("done")], block=block)
    return pyrtl.CompiledSimulation(tracer=trace, block=block)


def _steps(simulation: Any, words: list[int], idle: int) -> NDArray[np.uint64]:
    """Return the inputs of steps that load ``words``, start, and wait; without words of steps that wait."""
    steps = np.zeros((len(words) + (len(words) > 0) + idle, simulation._inputs_array_length), dtype=np.uint64)
    column = {name: at.start for name, at in simulation._inputs_metadata.items()}
    if words:
        loading = steps[: len(words)]
        loading[:, column["load"]] = 1
        loading[:, column["load_address"]] = np.arange(len(words))
        loading[:, column["load_data"]] = words
        steps[len(words), column["start"]] = 1
    return steps


def _call(simulation: Any, steps: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Run ``steps`` in C and return the outputs of every step."""
    outputs = np.zeros((len(steps), simulation._outputs_array_length), dtype=np.uint64)
    entry = simulation._sim_run_all
    entry.argtypes = [ctypes.c_uint64, ctypes.c_void_p, ctypes.c_void_p]
    entry(len(steps), steps.ctypes.data, outputs.ctypes.data)
    return outputs

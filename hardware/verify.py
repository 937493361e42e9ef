"""One design, several descriptions: the integer reference against PyRTL, Icarus Verilog and Verilator.

Compared without tolerance on every sample: the spikes of every layer, the class, the clock cycles.
"""

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hardware.integer import IntegerNetwork
from hardware.manifest import digest, read_manifest
from hardware.simulate import check
from hardware.testbench import testbench
from hardware.verilog import VerilogDesign, module_name, verilog
from hardware.verilog_run import SIMULATORS, installed, require, run_bench
from spikefront.errors import InputError

TOOLS = ("pyrtl", *SIMULATORS)


@dataclass(frozen=True)
class Verdict:
    """What one tool said: ``compared`` says how much was equal, None where the tool is not installed."""

    tool: str
    compared: str | None

    def __str__(self) -> str:
        """One line for people."""
        return f"{self.tool}: {self.compared or 'skipped, not installed'}"


def verify(
    net: IntegerNetwork,
    name: str,
    inputs: NDArray[np.unsignedinteger],
    *,
    tools: Sequence[str] = (),
    folder: Path | None = None,
) -> Iterator[Verdict]:
    """Yield a verdict per tool, as soon as it is known.

    Args:
        net: the network on its accelerator.
        name: module name.
        inputs: samples, as ``hardware.reference.run`` takes them.
        tools: names of ``TOOLS``; where none is named, all that are installed, the others as skipped.
        folder: an exported folder to check first: it must be unchanged and hold the Verilog that is run.

    Raises:
        InputError: a tool is unknown, or ``folder`` is not what was exported.
        ToolMissingError: a tool was named that is not installed.
        MismatchError: at the first difference, with its sample, layer, step and neuron.
    """
    name = module_name(name)
    for tool in tools:
        _check_tool(tool)
    if folder is not None:
        _check_folder(folder, verilog(net, name))
    bits = len(inputs) * net.time_steps * sum(net.sizes[1:])
    equal = f"{len(inputs)} samples, {bits} spikes and all cycle counts equal the integer reference"
    for tool in tools or TOOLS:
        if tool == "pyrtl":
            check(net, inputs)
        elif not installed(tool):
            yield Verdict(tool, None)
            continue
        else:
            _run_verilog(tool, net, name, inputs)
        yield Verdict(tool, equal)


def _check_tool(tool: str) -> None:
    if tool not in TOOLS:
        raise InputError(f"The tool {tool!r} is unknown; use one of {', '.join(TOOLS)}.")
    if tool != "pyrtl":
        require(tool)


def _check_folder(folder: Path, design: VerilogDesign) -> None:
    """An exported folder holds, unchanged, the Verilog and the weights that this design has."""
    stored = read_manifest(folder)["sha256"]
    for file, text in {f"{design.name}.v": design.module, **design.memories}.items():
        if stored.get(file) != digest(text):
            raise InputError(
                f"{folder} holds another design than {design.name}: {file} differs; export it again."
            )


def _run_verilog(tool: str, net: IntegerNetwork, name: str, inputs: NDArray[np.unsignedinteger]) -> None:
    design, bench = verilog(net, name), testbench(net, name, inputs)
    files = {f"{name}.v": design.module, f"tb_{name}.v": bench.text, **design.memories, **bench.files}
    folder = Path(tempfile.mkdtemp(prefix="spikefront-verify-"))
    try:
        for file, text in files.items():
            (folder / file).write_text(text, encoding="utf-8")
        run_bench(tool, folder, name, len(inputs))
    finally:
        shutil.rmtree(folder, ignore_errors=True)

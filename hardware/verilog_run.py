"""Run exported Verilog in Icarus Verilog or Verilator, and read what its self-checking bench says."""

import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from spikefront.errors import MismatchError, SpikefrontError, ToolMissingError

Command = tuple[str, ...]

SIMULATORS: Mapping[str, tuple[Command, ...]] = MappingProxyType(
    {
        "icarus": (
            ("iverilog", "-g2005", "-o", "{name}.vvp", "tb_{name}.v", "{name}.v"),
            ("vvp", "-n", "{name}.vvp"),
        ),
        "verilator": (
            ("verilator", "--binary", "-Wno-fatal", "--top-module", "tb_{name}", "tb_{name}.v", "{name}.v"),
            ("obj_dir/Vtb_{name}",),
        ),
    }
)
"""Per simulator, the commands that build and run the bench of a module ``name`` in its folder."""

SPIKES = re.compile(r"sample (\d+) layer (\d+) step (\d+): spikes ([0-9a-fxz]+), golden ([0-9a-f]+)", re.I)
FAILED = re.compile(
    r"sample (\d+) FAIL: class (\w+) \(golden (\d+)\), (\w+) cycles \(golden (\d+)\), (\w+) diff", re.I
)
PASSED = re.compile(r"RESULT PASS: (\d+) samples")


def commands(simulator: str, name: str) -> list[list[str]]:
    """Return the command lines that run the bench of module ``name`` in its folder."""
    return [[word.format(name=name) for word in command] for command in SIMULATORS[simulator]]


def installed(simulator: str) -> bool:
    """Return whether every program of a simulator is on the path."""
    return all(shutil.which(command[0]) or "/" in command[0] for command in SIMULATORS[simulator])


def require(simulator: str) -> None:
    """Check that a simulator is installed.

    Raises:
        ToolMissingError: where it is not.
    """
    if not installed(simulator):
        program = SIMULATORS[simulator][0][0]
        raise ToolMissingError(
            f"{simulator} was asked for, but there is no program {program} on the path; install it (Debian: "
            f"{program}) or leave it out."
        )


def run_bench(simulator: str, folder: Path, name: str, samples: int) -> None:
    """Build and run the bench of module ``name`` in ``folder``.

    Raises:
        ToolMissingError: the simulator is not installed.
        SpikefrontError: it refuses the Verilog or ends without a verdict.
        MismatchError: naming the first sample, layer, step and neuron, or the class or cycle count, that
            differ from the reference.
    """
    require(simulator)
    output = ""
    for command in commands(simulator, name):
        program = str((folder / command[0]).resolve()) if "/" in command[0] else command[0]
        output = _run([program, *command[1:]], folder, simulator)
    passed = PASSED.search(output)
    if passed is None or int(passed[1]) != samples:
        raise difference(simulator, output)


def difference(simulator: str, output: str) -> SpikefrontError:
    """Return the error that says what differed first by the ``output`` of a bench."""
    spikes, failed = SPIKES.search(output), FAILED.search(output)
    if spikes and (not failed or spikes.start() < failed.start()):
        sample, layer, step = spikes[1], spikes[2], spikes[3]
        neuron, expected, found = _first_neuron(spikes[5], spikes[4])
        return MismatchError(
            f"Sample {sample}, layer {layer}, step {step}, neuron {neuron}: the reference says {expected} "
            f"and {simulator} {found}; report this."
        )
    if failed:
        return MismatchError(
            f"Sample {failed[1]}: the reference says class {failed[3]} after {failed[5]} cycles and "
            f"{simulator} class {failed[2]} after {failed[4]}; report this."
        )
    return MismatchError(f"The bench did not pass in {simulator}: {_last_line(output)!r}; report this.")


def _first_neuron(golden: str, found: str) -> tuple[int, str, str]:
    """Return the lowest neuron whose spike differs, and its spike by the reference and by the simulator."""
    known = int(golden, 16)
    if set(found.lower()) & set("xz"):
        place = next(i for i, digit in enumerate(reversed(found.lower())) if digit in "xz")
        return 4 * place, str(known >> 4 * place & 1), "x"
    other = int(found, 16)
    neuron = ((known ^ other) & -(known ^ other)).bit_length() - 1
    return neuron, str(known >> neuron & 1), str(other >> neuron & 1)


def _run(command: Sequence[str], folder: Path, simulator: str) -> str:
    done = subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True)  # noqa: S603
    if done.returncode:
        raise SpikefrontError(
            f"{simulator} failed on the exported Verilog ({_last_line(done.stderr or done.stdout)!r}); "
            "report this with the design's folder."
        )
    return done.stdout


def _last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1][:200] if lines else "no output"

"""Constraints of an exported design for a board: its clock, and what only the user can fill in."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from hardware.devices import Device
from hardware.integer import IntegerNetwork


@dataclass(frozen=True)
class BoardClock:
    """A single-ended oscillator of a board: the pin it drives, and its frequency."""

    pin: str
    mhz: float
    source: str


CLOCKS: Mapping[str, BoardClock] = MappingProxyType(
    {
        "pynq-z2": BoardClock("H16", 125.0, "TUL PYNQ-Z2 reference manual, sysclk"),
        "arty-a7-35t": BoardClock("E3", 100.0, "Digilent Arty A7 reference manual, CLK100MHZ"),
        "ice40-hx8k": BoardClock(
            "J3", 12.0, "Lattice iCE40-HX8K breakout board guide (EB85), 12 MHz oscillator"
        ),
    }
)
"""Boards whose clock pin is known here; the VCU118's clocks are differential and need a buffer."""


def constraints(target: Device, net: IntegerNetwork, name: str) -> dict[str, str]:
    """Return the constraint file of module ``name`` for ``target``'s board, by file name."""
    suffix, text = (".pcf", _pcf) if target.fabric == "ice40" else (".xdc", _xdc)
    return {f"{name}_{target.name}{suffix}": text(target, net)}


def _xdc(target: Device, net: IntegerNetwork) -> str:
    mhz = net.config.clock_mhz
    lines = [*_head(target, mhz), f"create_clock -name clk -period {1000 / mhz:.3f} [get_ports clk]"]
    clock = CLOCKS.get(target.name)
    if clock:
        pin = f"set_property -dict {{PACKAGE_PIN {clock.pin} IOSTANDARD LVCMOS33}} [get_ports clk]"
        lines += [f"# Board clock: {clock.source}.", pin if clock.mhz == mhz else f"# {pin}"]
    return "\n".join([*lines, *_ports(net)]) + "\n"


def _pcf(target: Device, net: IntegerNetwork) -> str:
    mhz, clock = net.config.clock_mhz, CLOCKS[target.name]
    pin = f"set_io clk {clock.pin}"
    lines = [*_head(target, mhz), f"# Board clock: {clock.source}.", pin if clock.mhz == mhz else f"# {pin}"]
    return "\n".join([*lines, f"# The clock goes to nextpnr: --freq {mhz:g}", *_ports(net)]) + "\n"


def _head(target: Device, mhz: float) -> list[str]:
    clock = CLOCKS.get(target.name)
    lines = [f"# {target.board}, {target.part}. The latency was computed at {mhz:g} MHz."]
    if clock is None:
        return [*lines, "# TO FILL IN: the clock's pins; this board's clocks are differential (IBUFDS)."]
    if clock.mhz != mhz:
        lines.append(
            f"# TO FILL IN: a PLL from the board's {clock.mhz:g} MHz to {mhz:g} MHz, fed by the pin below."
        )
    return lines


def _ports(net: IntegerNetwork) -> list[str]:
    return [
        "# TO FILL IN: where rst, load, load_address, load_data, start, ready, done, class_out, cycles go:",
        f"# a bus or a UART inside the FPGA feeds them, {net.config.chunk_bits} bits of input per cycle.",
        "# The layer ports are for observation: leave them unconnected, or they cost pins.",
    ]

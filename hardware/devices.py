"""FPGA devices: what they offer, with sources, and whether an accelerator fits."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from hardware.area import Area, area
from hardware.area_ice40 import ice40_area
from hardware.resources import Resources
from spikefront.errors import DesignError, InputError

Fabric = Literal["xc7", "ice40"]
RESOURCES = ("luts", "ffs", "bram36", "dsps")
"""Fields of ``hardware.area.Area`` that a device bounds."""
WORDS = MappingProxyType(
    {"luts": "LUTs", "ffs": "flip-flops", "bram36": "block RAMs of 36 kbit", "dsps": "DSPs"}
)


@dataclass(frozen=True)
class Device:
    """An FPGA on a board.

    Attributes:
        name: how campaign files and commands call it.
        part: the chip, as its maker names it.
        board: the board.
        fabric: which area estimate holds: "xc7" counts LUTs of 6 inputs, "ice40" LUTs of 4.
        luts, ffs, dsps: budgets.
        bram36: block RAM in units of 36 kbit.
        clock_mhz: clock that the estimate of latency assumes unless told otherwise; not a timing result.
        source: where the budgets are published.
    """

    name: str
    part: str
    board: str
    fabric: Fabric
    luts: int
    ffs: int
    bram36: float
    dsps: int
    clock_mhz: float
    source: str


@dataclass(frozen=True)
class Shortfall:
    """A resource that does not suffice."""

    resource: str
    needed: float
    available: float

    @property
    def excess(self) -> float:
        """The share that is missing; of what is not there at all, the amount."""
        return self.needed / self.available - 1 if self.available else self.needed

    def __str__(self) -> str:
        """In words, with the amount missing."""
        missing = self.needed - self.available
        return f"{self.needed:g} {WORDS[self.resource]} of {self.available:g} ({missing:g} too many)"


DEVICES: Mapping[str, Device] = MappingProxyType(
    {
        found.name: found
        for found in (
            Device(
                name="pynq-z2",
                part="xc7z020clg400-1",
                board="PYNQ-Z2",
                fabric="xc7",
                luts=53_200,
                ffs=106_400,
                bram36=140,
                dsps=220,
                clock_mhz=100.0,
                source="AMD DS190, Zynq-7000 overview, Z-7020",
            ),
            Device(
                name="arty-a7-35t",
                part="xc7a35ticsg324-1L",
                board="Arty A7-35T",
                fabric="xc7",
                luts=20_800,
                ffs=41_600,
                bram36=50,
                dsps=90,
                clock_mhz=100.0,
                source="AMD DS180, 7 series overview, XC7A35T",
            ),
            Device(
                name="vcu118",
                part="xcvu9p-flga2104-2L-e",
                board="VCU118",
                fabric="xc7",
                luts=1_182_240,
                ffs=2_364_480,
                bram36=2_160,
                dsps=6_840,
                clock_mhz=200.0,
                source="AMD DS890, UltraScale overview, VU9P; estimated as 7-series LUTs and block RAM",
            ),
            Device(
                name="ice40-hx8k",
                part="ice40hx8k-ct256",
                board="iCE40-HX8K breakout board",
                fabric="ice40",
                luts=7_680,
                ffs=7_680,
                bram36=32 * 4 / 36,
                dsps=0,
                clock_mhz=50.0,
                source="Lattice FPGA-DS-02029, iCE40 LP/HX family: 7,680 logic cells, 32 blocks of 4 kbit",
            ),
        )
    }
)


def device(name: str) -> Device:
    """Return the device called ``name``.

    Raises:
        InputError: where there is none.
    """
    if name not in DEVICES:
        raise InputError(f"The device {name!r} is unknown; use one of {', '.join(DEVICES)}.")
    return DEVICES[name]


def area_on(target: Device | None, built: Resources) -> Area:
    """Return the estimated area of ``built`` in the cells of ``target``'s fabric; 7-series without one."""
    return ice40_area(built) if target and target.fabric == "ice40" else area(built)


def shortfalls(target: Device, used: Area) -> tuple[Shortfall, ...]:
    """Return the resources of ``target`` that ``used`` exceeds, the worst share first."""
    found = [
        Shortfall(name, getattr(used, name), getattr(target, name))
        for name in RESOURCES
        if getattr(used, name) > getattr(target, name)
    ]
    return tuple(sorted(found, key=lambda s: -s.excess))


def violation(target: Device, used: Area) -> float:
    """Return by what share ``used`` exceeds the resource it exceeds most: 0 where it fits, 0.5 for half more.

    Of a resource that ``target`` does not have at all, the amount needed itself.
    """
    return max((s.excess for s in shortfalls(target, used)), default=0.0)


def require_fit(target: Device, used: Area) -> None:
    """Check that ``used`` fits ``target``.

    Raises:
        DesignError: naming every resource that does not suffice, and by how much.
    """
    found = shortfalls(target, used)
    if found:
        raise DesignError(
            f"The network does not fit {target.name}: it needs {' and '.join(map(str, found))}; use fewer "
            "lanes, bits or neurons, or a larger device."
        )

"""Area of an accelerator on a Lattice iCE40, estimated from counted resources."""

from hardware.area import Area, area
from hardware.resources import Resources


def ice40_area(built: Resources) -> Area:
    """Return the estimated area of ``built``: an estimate, not a synthesis result."""
    found = area(built)
    return Area(found.luts, found.ffs, found.bram36, 0, found.layer_luts, found.shared_luts)

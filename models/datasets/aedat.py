"""AEDAT files of event cameras: version 2 (jAER) and polarity events of version 3.1 (cAER).

Both begin with text lines that start with "#". Version 2 goes on with pairs of big-endian 32-bit numbers,
address and time in microseconds; a DVS128 address holds the polarity in bit 0 (0 for ON), x in bits 1 to 7
and y in bits 8 to 14. Version 3.1 goes on with little-endian packets: a header of 28 bytes (type, source,
size, offset, overflow, capacity, number, valid), then ``number`` events of ``size`` bytes; a polarity event
(type 1) is a data word with valid in bit 0, polarity in bit 1, y in bits 2 to 16 and x in bits 17 to 31, and
a time. (docs.inivation.com, AEDAT file formats.)
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_POLARITY = 1
_HEADER = struct.Struct("<hhiiiiii")
_END = b"#!END-HEADER\r\n"


@dataclass(frozen=True, eq=False)
class CameraEvents:
    """Events of one file: int64 arrays (E,); polarity is 1 for ON."""

    time_us: NDArray[np.int64]
    x: NDArray[np.int64]
    y: NDArray[np.int64]
    polarity: NDArray[np.int64]


def parse_aedat2(content: bytes) -> CameraEvents:
    """Events of a DVS128 in version 2; special events (bit 15) are left out.

    Raises:
        ValueError: with the reason as a phrase that fits behind "the file".
    """
    if not content.startswith(b"#!AER-DAT2"):
        raise ValueError("does not start with #!AER-DAT2")
    start = _behind_text(content)
    if (len(content) - start) % 8:
        raise ValueError(f"has {len(content) - start} bytes of events, which is no multiple of 8")
    words = np.frombuffer(content, dtype=">u4", offset=start).reshape(-1, 2).astype(np.int64)
    words = words[(words[:, 0] & 0x8000) == 0]
    address = words[:, 0]
    return CameraEvents(words[:, 1], address >> 1 & 0x7F, address >> 8 & 0x7F, 1 - (address & 1))


def parse_aedat31(content: bytes) -> CameraEvents:
    """Valid polarity events in version 3.1.

    Raises:
        ValueError: with the reason as a phrase that fits behind "the file".
    """
    end = content.find(_END)
    if not content.startswith(b"#!AER-DAT3.1") or end < 0:
        raise ValueError("does not start with the text lines of AEDAT 3.1")
    packets = list(_packets(content, end + len(_END)))
    words = np.concatenate(packets) if packets else np.zeros((0, 2), np.int64)
    words = words[(words[:, 0] & 1) == 1]
    data = words[:, 0]
    return CameraEvents(words[:, 1], data >> 17 & 0x7FFF, data >> 2 & 0x7FFF, data >> 1 & 1)


def _packets(content: bytes, start: int) -> Iterator[NDArray[np.int64]]:
    """Data word and time of the polarity events, packet by packet."""
    while start < len(content):
        if len(content) - start < _HEADER.size:
            raise ValueError("ends within the header of a packet")
        kind, _, size, _, overflow, _, number, _ = _HEADER.unpack_from(content, start)
        start += _HEADER.size
        if size <= 0 or number < 0 or start + size * number > len(content):
            raise ValueError(f"ends within a packet of {number} events of {size} bytes")
        if kind == _POLARITY:
            words = np.frombuffer(content, dtype="<u4", offset=start, count=2 * number).reshape(-1, 2)
            yield words.astype(np.int64) + np.array([0, overflow << 31])
        start += size * number


def _behind_text(content: bytes) -> int:
    """Where the lines that start with "#" end."""
    start = 0
    while content.startswith(b"#", start):
        end = content.find(b"\n", start)
        if end < 0:
            raise ValueError("ends within its text lines")
        start = end + 1
    return start

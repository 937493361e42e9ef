"""Values on their way into the store: plain, finite, and of text that every database accepts."""

import math
import re
from collections.abc import Mapping
from numbers import Integral, Real
from typing import Any

from spikefront.errors import InputError

MAX_SEED = 2**63 - 1
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def plain(value: Any, where: str) -> Any:
    """Return ``value`` as plain JSON values; NumPy scalars and arrays become numbers and lists.

    NaN and infinity are refused, not stored as null: a measure that is not a number would sit in the front
    unseen. ``where`` names the value in the message.

    Raises:
        InputError: a number that is not finite, a key that is no string, a type JSON does not know.
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):
        return _finite(float(value), where)
    return _plain_collection(value, where)


def plain_dict(value: Mapping[str, Any], where: str) -> dict[str, Any]:
    """``plain`` for a mapping at the top."""
    return {_key(key, where): plain(item, f"{where}.{key}") for key, item in value.items()}


def floats(value: Mapping[str, Any], where: str) -> dict[str, float]:
    """``value`` as finite floats by name; raises InputError for anything else."""
    return {_key(key, where): number(item, f"{where}.{key}") for key, item in value.items()}


def number(value: Any, where: str) -> float:
    """``value`` as a finite float; raises InputError for anything else."""
    if isinstance(value, bool) or not isinstance(value, Real):
        raise InputError(f"{where} is {value!r}, which is no number; store numbers there.")
    return _finite(float(value), where)


def clean_text(text: str) -> str:
    """Escape what a database cannot hold as text: NUL (PostgreSQL) and lone surrogates (UTF-8)."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8").replace("\0", "\\x00")


def check_name(name: str) -> str:
    """Return the campaign name, or raise InputError when it could not be a folder and a URL part as it is."""
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        msg = (
            f"{name!r:.80} cannot name a campaign; use 1 to 64 letters, digits, '.', '_' or '-', "
            "beginning with a letter or digit."
        )
        raise InputError(msg)
    return name


def check_seed(seed: int) -> int:
    """Return the seed, or raise InputError when it is outside 0 .. 2^63 - 1."""
    if isinstance(seed, bool) or not isinstance(seed, Integral) or not 0 <= seed <= MAX_SEED:
        raise InputError(f"The seed is {seed!r}; use a whole number from 0 to {MAX_SEED}.")
    return int(seed)


def _finite(value: float, where: str) -> float:
    if not math.isfinite(value):
        raise InputError(
            f"{where} is {value}, which the store refuses; leave it out or give a finite number."
        )
    return value


def _key(key: Any, where: str) -> str:
    if not isinstance(key, str):
        raise InputError(f"{where} has the key {key!r}; use strings as keys.")
    return clean_text(key)


def _plain_collection(value: Any, where: str) -> Any:
    if isinstance(value, Mapping):
        return plain_dict(value, where)
    if isinstance(value, list | tuple):
        return [plain(item, f"{where}[{index}]") for index, item in enumerate(value)]
    if hasattr(value, "tolist"):  # NumPy arrays, booleans and the like, without importing NumPy
        return plain(value.tolist(), where)
    kind = type(value).__name__
    raise InputError(f"{where} is of type {kind}, which JSON does not know; convert it to plain values.")

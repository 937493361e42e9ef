"""Arrays of numpy or of torch, on any device: the few operations in which the two differ.

Torch is not imported here: whoever has a tensor has loaded it, and ``hardware`` needs numpy alone. Code for
both takes its functions from ``namespace`` and keeps to names and arguments that numpy and torch share.
"""

import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = Any
"""A numpy array, or a torch tensor on any device."""


def is_tensor(x: Array) -> bool:
    """Return whether ``x`` is a torch tensor."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(x, torch.Tensor)


def namespace(x: Array) -> Any:
    """Return the module whose functions take ``x``: torch for a tensor, else numpy."""
    return sys.modules["torch"] if is_tensor(x) else np


def cast(x: Array, dtype: Any) -> Array:
    """Return ``x`` in a type of its own namespace; ``x`` itself where it has that type."""
    return x.to(dtype) if is_tensor(x) else x.astype(dtype, copy=False)


def like(values: NDArray[Any], x: Array) -> Array:
    """Return a copy of numpy ``values`` as an array of the kind of ``x``, on its device."""
    return namespace(x).asarray(np.array(values), device=x.device)


def column(values: Sequence[int], x: Array) -> Array:
    """Return ``values`` as an int64 array (len(values), 1) of the kind of ``x``, on its device."""
    return like(np.array(values, dtype=np.int64)[:, None], x)


def host(x: Array) -> NDArray[Any]:
    """Return ``x`` as a numpy array, copied from its device where need be."""
    return np.asarray(x.cpu() if is_tensor(x) else x)


def countable(x: Array) -> Array:
    """Return whole numbers ``x`` in a type that can be compared, shifted and summed up.

    Booleans become uint8. Of torch's unsigned types only uint8 knows arithmetic: wider ones become int64.
    """
    if not is_tensor(x):
        return x.astype(np.uint8) if x.dtype == np.bool_ else x
    xp = namespace(x)
    return cast(x, xp.uint8 if x.dtype in {xp.uint8, xp.bool} else xp.int64)


def exact_type(weight: NDArray[np.int64], top: int, x: Array) -> Any:
    """Return a type in which ``x @ weight.T`` is exact for whole numbers in ``x`` up to ``top``.

    No partial sum leaves the whole numbers that the type holds: below 2^24 in float32, 2^53 in float64. A
    tensor never takes float32: torch may round its products to TF32 or bfloat16, on a GPU or a CPU, as the
    caller has set; no setting, autocast included, touches float64.
    """
    xp, bound = namespace(x), int(np.abs(weight).sum(axis=1).max()) * top
    if bound >= 2**53:
        return xp.int64
    return xp.float64 if bound >= 2**24 or is_tensor(x) else xp.float32

"""A trial's layers: templates of the text form, and what the hardware needs to know of them before training.

In a campaign file ``network`` may name variables in braces, as ``"{channels}c{kernel}-p2-{width}-10"``; each
stands under [space] or [fixed] like any other parameter.
"""

import re
from collections.abc import Mapping
from typing import Any

from hardware.network import Convolution
from hardware.shape import LayerShape
from models.architecture import Layer

_VARIABLE = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")


def variables(template: str) -> tuple[str, ...]:
    """The names in braces, each once, in the order of the text."""
    return tuple(dict.fromkeys(_VARIABLE.findall(template)))


def fill(values: Mapping[str, Any]) -> dict[str, Any]:
    """``values`` with the variables of ``values["network"]`` put into it, and taken out of the mapping.

    Raises:
        ValueError: a variable has no value, or none that a layer can be written with.
    """
    template = values.get("network")
    if not isinstance(template, str):
        return dict(values)
    names = variables(template)
    for name in names:
        value = values.get(name)
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise ValueError(
                f"network {template!r} names the variable {name}, which is {value!r}: give it whole"
                " numbers of at least 1 under [space] or [fixed]"
            )
    text = _VARIABLE.sub(lambda match: str(values[match[1]]), template)
    return {name: value for name, value in values.items() if name not in names} | {"network": text}


def depth(text: str) -> int:
    """Layers of neurons in a text form, variables filled in or not."""
    return sum(word != "p2" for word in text.split("-"))


def layer_shape(layer: Layer, leaks: tuple[float | None, ...], **facts: Any) -> LayerShape:
    """A layer as the hardware knows it before training; ``facts`` are further fields of ``LayerShape``."""
    return LayerShape(
        layer.n_in,
        layer.channels,
        convolution=geometry(layer),
        recurrent=layer.recurrent,
        leaks=leaks,
        **facts,
    )


def geometry(layer: Layer) -> Convolution | None:
    """A convolutional layer's geometry as the hardware knows it; None for a fully connected one."""
    if not layer.convolutional:
        return None
    channels, rows, columns = layer.in_shape
    return Convolution((channels, rows, columns), layer.kernel, layer.stride, layer.padding, layer.pool)

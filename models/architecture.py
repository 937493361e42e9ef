"""The compact text form of a network, and the shapes that follow from it; no torch here.

``"32c3-p2-32c3-p2-256-10"`` names the layers from input to output, joined by ``-``:

* ``256``: fully connected, 256 neurons; the last one is the number of classes;
* ``200r``: fully connected with recurrent weights from each of its neurons to each;
* ``32c3``: convolution with 32 channels and 3x3 kernels, stride 1, padded so that an odd kernel keeps the
  frame's size (by 1 for a 3x3 kernel); ``32c5s2`` has stride 2, ``32c3v`` no padding ("valid");
* ``p2``: 2x2 max-pool of the spikes of the convolution before it, an OR on the hardware.

A frame is flattened in the order (channel, row, column) where a fully connected layer follows.
"""

import math
import re
from dataclasses import dataclass, replace

from spikefront.errors import SpecError

_DENSE = re.compile(r"(\d+)(r?)")
_CONVOLUTION = re.compile(r"(\d+)c(\d+)(?:s(\d+))?(v?)")
_FORM = "write layers as 256, 200r, 32c3, 32c5s2, 32c3v or p2, joined by '-'"


@dataclass(frozen=True)
class Layer:
    """One spiking layer with its shapes; pooling belongs to the convolution before it.

    Attributes:
        in_shape: (n,) of a fully connected layer, (channels, rows, columns) of a convolution.
        channels: neurons of a fully connected layer, output channels of a convolution.
        kernel: rows and columns of the kernel; 0 for a fully connected layer.
        stride, padding: of the convolution.
        pool: 2 with a 2x2 max-pool behind the neurons, else 1.
        recurrent: whether the layer's own spikes of the step before are inputs too.
    """

    in_shape: tuple[int, ...]
    channels: int
    kernel: int = 0
    stride: int = 1
    padding: int = 0
    pool: int = 1
    recurrent: bool = False

    @property
    def convolutional(self) -> bool:
        """Whether it is a convolution."""
        return self.kernel > 0

    @property
    def neurons_shape(self) -> tuple[int, ...]:
        """(n,), or channels, rows and columns of neurons, before any pooling."""
        if not self.convolutional:
            return (self.channels,)
        rows, columns = (
            (size + 2 * self.padding - self.kernel) // self.stride + 1 for size in self.in_shape[1:]
        )
        return self.channels, rows, columns

    @property
    def out_shape(self) -> tuple[int, ...]:
        """Shape of the spikes that leave it."""
        channels, *frame = self.neurons_shape
        return channels, *(size // self.pool for size in frame)

    @property
    def n_in(self) -> int:
        """Inputs."""
        return math.prod(self.in_shape)

    @property
    def n_out(self) -> int:
        """Outputs, behind any pooling."""
        return math.prod(self.out_shape)

    @property
    def weight_shape(self) -> tuple[int, ...]:
        """(n, n_in), or (channels, input channels, kernel, kernel)."""
        if not self.convolutional:
            return self.channels, self.n_in
        return self.channels, self.in_shape[0], self.kernel, self.kernel

    @property
    def fan_in(self) -> int:
        """Weights that one neuron sums over, recurrent ones aside."""
        return math.prod(self.weight_shape[1:])


def parse(text: str, input_shape: tuple[int, ...], population: int = 1) -> tuple[Layer, ...]:
    """The layers that ``text`` names, first to last, for one kind of input.

    Args:
        text: the compact form.
        input_shape: (n,), (rows, columns), or (channels, rows, columns) of one sample in one time step.
        population: output neurons per class: the last layer gets that many times the number written.

    Raises:
        SpecError: the text is not of that form, or a layer does not fit what comes before it.
    """
    if population < 1:
        raise SpecError(f"population is {population}; give at least 1 output neuron per class")
    shape = _frame(input_shape)
    layers: list[Layer] = []
    words = text.split("-")
    for place, word in enumerate(words):
        if word == "p2":
            layers[-1:] = [_pooled(text, place, layers[-1:])]
        else:
            layers.append(_layer(text, word, shape))
        shape = layers[-1].out_shape
    last = layers[-1]
    if last.convolutional:
        raise SpecError(
            f"network {text!r} ends with a convolution; end with the number of classes, as in '32c3-p2-10'"
        )
    return *layers[:-1], replace(last, channels=last.channels * population)


def dense_text(sizes: tuple[int, ...]) -> str:
    """The compact form of a fully connected network of these layer sizes, inputs left out."""
    return "-".join(str(size) for size in sizes)


def _frame(shape: tuple[int, ...]) -> tuple[int, ...]:
    """An input shape with the channel that a plain image leaves unsaid."""
    if not 1 <= len(shape) <= 3 or min(shape) < 1:
        raise SpecError(
            f"input shape is {shape}; give (n,), (rows, columns) or (channels, rows, columns), each 1 or more"
        )
    return (1, *shape) if len(shape) == 2 else shape


def _layer(text: str, word: str, shape: tuple[int, ...]) -> Layer:
    if match := _DENSE.fullmatch(word):
        layer = Layer((math.prod(shape),), int(match[1]), recurrent=bool(match[2]))
    elif match := _CONVOLUTION.fullmatch(word):
        layer = _convolution(text, word, match, shape)
    else:
        raise SpecError(f"network {text!r} has the layer {word!r}; {_FORM}")
    if layer.channels < 1:
        raise SpecError(f"layer {word!r} of network {text!r} has no neurons; give at least 1")
    return layer


def _convolution(text: str, word: str, match: re.Match[str], shape: tuple[int, ...]) -> Layer:
    kernel, stride = int(match[2]), int(match[3] or 1)
    if kernel < 1 or stride < 1:
        raise SpecError(f"layer {word!r} of network {text!r} has kernel or stride 0; give at least 1")
    if len(shape) != 3:
        raise SpecError(
            f"layer {word!r} of network {text!r} would convolve {shape[0]} values that are no frame; put it"
            " before every fully connected layer, on data with rows and columns"
        )
    layer = Layer(shape, int(match[1]), kernel, stride, 0 if match[4] else (kernel - 1) // 2)
    if min(size + 2 * layer.padding for size in shape[1:]) < kernel:
        raise SpecError(
            f"layer {word!r} of network {text!r} has a kernel larger than its frame of {shape[1]}x{shape[2]};"
            " use a smaller kernel or pool less before it"
        )
    return layer


def _pooled(text: str, place: int, before: list[Layer]) -> Layer:
    if not before or not before[0].convolutional or before[0].pool > 1:
        raise SpecError(
            f"p2 at place {place + 1} of network {text!r} is not directly behind a convolution; put it"
            " behind one, as in '32c3-p2-10'"
        )
    rows, columns = before[0].neurons_shape[1:]
    if min(rows, columns) < 2:
        raise SpecError(
            f"p2 at place {place + 1} of network {text!r} pools a frame of {rows}x{columns}; leave it out"
        )
    return replace(before[0], pool=2)

"""Shapes and widths of one layer's core, as its circuit needs them."""

from dataclasses import dataclass

from hardware.integer import IntegerLayer, IntegerNetwork
from hardware.network import AcceleratorConfig
from hardware.rows import by_rows

CYCLE_BITS = 32


@dataclass(frozen=True, eq=False)
class CoreShape:
    """One layer's core.

    Attributes:
        name: prefix of its wires.
        layer: the integer layer it computes.
        config: widths.
        lanes: neuron cores P.
        groups: groups of P neurons G.
        chunks: chunks per input vector C.
        time_steps: steps per inference.
        planes: bit planes to scan before step 0; 0 for a layer that is fed with spikes.
        echoes: chunks of the layer's own spikes of the step before; 0 unless it is recurrent. Beside
            ``planes`` they are scanned before every step, and add to the state instead of the kept current.
        rows: weight words per group: inputs, and own spikes behind them; or the taps of all input channels.
        words: state words: groups, or groups of every pixel; a dense sweep takes a cycle for each.
        by_rows: whether only touched rows of the frame fire (``hardware.rows``).
        beats: cycles per spike: groups, or groups of every tap.
    """

    name: str
    layer: IntegerLayer
    config: AcceleratorConfig
    lanes: int
    groups: int
    chunks: int
    time_steps: int
    planes: int
    echoes: int
    rows: int
    words: int
    beats: int
    by_rows: bool = False

    @property
    def frame_rows(self) -> int:
        """Rows of neurons; 1 in a fully connected layer."""
        return 1 if self.layer.convolution is None else self.layer.convolution.frame[0]

    @property
    def row_words(self) -> int:
        """State words of a row of neurons."""
        return self.words // self.frame_rows

    @property
    def span(self) -> int:
        """Words that fire one behind the other: a row's where only some rows fire, or all."""
        return self.row_words if self.by_rows else self.words

    @property
    def phases(self) -> int:
        """Bit planes, and where own spikes come behind them those as one more; 0 without planes."""
        return self.planes + (self.planes > 0 and self.echoes > 0)

    @property
    def steps_rows(self) -> bool:
        """Whether the weight address steps on by group: a convolution looks it up instead."""
        return self.groups > 1 and self.layer.convolution is None

    @property
    def sequential(self) -> bool:
        """Whether one time step is in flight at a time."""
        return self.config.schedule == "sequential"


def core_shapes(net: IntegerNetwork) -> list[CoreShape]:
    """Return the shapes of every core of ``net``, first layer first."""
    return [
        CoreShape(
            name=f"layer{k}",
            layer=layer,
            config=net.config,
            lanes=net.lanes[k],
            groups=net.groups[k],
            chunks=net.chunks[k],
            time_steps=net.time_steps,
            planes=net.config.input_bits if net.direct and k == 0 else 0,
            echoes=net.echo_chunks[k],
            rows=layer.rows.shape[1],
            words=net.sweeps[k],
            beats=net.beats[k],
            by_rows=by_rows(net, net.config, k),
        )
        for k, layer in enumerate(net.layers)
    ]


def bits_for(greatest: int) -> int:
    """Return the width of an unsigned number up to ``greatest``, at least 1."""
    return max(greatest.bit_length(), 1)


def counter_bits(count: int) -> int:
    """Return the width of a counter of ``count`` values; 0 for a single one."""
    return bits_for(count - 1) if count > 1 else 0


def rest_bits(layer: IntegerLayer) -> int:
    """Return the width of the counter of refractory steps; 0 without any."""
    return layer.refractory_steps.bit_length()


def word_bits(layer: IntegerLayer, config: AcceleratorConfig) -> int:
    """Return the width of what a neuron keeps between steps.

    From the lowest bit: what its inputs add to (``state_bits``: the potential, or the synaptic current of an
    order II neuron), that neuron's potential (``membrane_bits``), and the refractory steps left.
    """
    potential = 0 if layer.synapse_leak is None else config.membrane_bits
    return layer.state_bits + potential + rest_bits(layer)


def decided_bits(layer: IntegerLayer, config: AcceleratorConfig) -> int:
    """Return the width of what a lane holds between deciding and settling."""
    synapse = 0 if layer.synapse_leak is None else config.membrane_bits
    return config.membrane_bits + 1 + synapse + rest_bits(layer)

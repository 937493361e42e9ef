"""Networks that end with a convolution: what a class is, what the RTL makes of it, and when it is done."""

import numpy as np
import pytest

from benchmarks.hardware.cases import cases
from hardware.cycles import count
from hardware.network import AcceleratorConfig, Convolution, TrainedLayer, TrainedNetwork
from hardware.quantize import quantize
from hardware.reference import run
from hardware.simulate import check, simulate
from hardware.testbench import testbench as make_bench
from hardware.verilog import verilog
from hardware.verilog_run import installed, run_bench


def classifier(readout, population, pool=2, **config):
    """Two channels on a frame of 2x4 pixels, the second half as sensitive, without memory."""
    layer = TrainedLayer(
        np.array([1.0, 0.5]).reshape(2, 1, 1, 1),
        0.0,
        0.4,
        "none",
        convolution=Convolution((1, 2, 4), 1, pool=pool),
    )
    return quantize(
        TrainedNetwork((layer,), 3, "rate", readout, population), AcceleratorConfig(lanes=(1,), **config)
    )


def frames(*spikes):
    """One sample of three steps with spikes at (step, row, column)."""
    inputs = np.zeros((1, 3, 2, 4), dtype=np.uint8)
    for place in spikes:
        inputs[0][place] = 1
    return inputs.reshape(1, 3, 8)


def test_a_frame_of_neurons_per_class_pools_a_channel():
    net = classifier("count", population=2)
    result = run(net, frames((0, 0, 0), (0, 1, 1), (1, 1, 2)))
    # both pixels of step 0 lie in the left window: one spike there, one in the right window of step 1
    assert result.spikes[0][0].tolist() == [[1, 0, 1, 0], [0, 1, 0, 1], [0, 0, 0, 0]]
    assert result.counts.tolist() == [[2, 2]]


@pytest.mark.parametrize("readout", ["count", "first_spike", "max_membrane"])
def test_a_neuron_per_class_is_a_pixel_behind_the_pooling(readout):
    """A row of five pixels makes two windows; the last column fills none and does not count."""
    layer = TrainedLayer(
        np.array([0.3, 1.0]).reshape(2, 1, 1, 1),
        0.0,
        0.5,
        "none",
        convolution=Convolution((1, 2, 5), 1, pool=2),
    )
    net = quantize(TrainedNetwork((layer,), 3, "rate", readout), AcceleratorConfig(lanes=(2,)))
    inputs = np.zeros((1, 3, 2, 5), dtype=np.uint8)
    inputs[0, :, :, 4] = 1
    inputs[0, 1, 1, 3] = 1
    inputs = inputs.reshape(1, 3, 10)
    assert net.classes == 4
    assert run(net, inputs).predicted.tolist() == [3]
    assert simulate(net, inputs).predicted.tolist() == [3]


def test_a_potential_below_the_threshold_decides_by_the_highest_of_its_window():
    """Channel 1 is driven negative but in one pixel of the window; the class is that pixel's."""
    weight = np.array([[-1.0, 0.1], [-1.0, 0.2]]).reshape(2, 2, 1, 1)
    layer = TrainedLayer(weight, 0.0, 1.0, "none", convolution=Convolution((2, 2, 2), 1, pool=2))
    net = quantize(TrainedNetwork((layer,), 1, "rate", "max_membrane"), AcceleratorConfig(lanes=(2,)))
    inputs = np.array([[[1, 1, 1, 0, 0, 0, 0, 1]]], dtype=np.uint8)
    assert run(net, inputs).predicted.tolist() == [1]
    assert run(net, inputs).counts.tolist() == [[0, 0]]
    assert simulate(net, inputs).predicted.tolist() == [1]


@pytest.mark.parametrize(("readout", "compared"), [("count", 2), ("first_spike", 0), ("max_membrane", 4)])
def test_cycles_by_hand(readout, compared):
    """One step, one chunk of eight inputs, three spikes of one tap and two groups, 2x4 pixels to fire."""
    net = classifier(readout, population=2, chunk_bits=8)
    inputs = frames((0, 0, 0), (0, 1, 1), (0, 1, 2))
    found = count(net, run(net, inputs), inputs)
    assert found.scan.tolist() == [[3 * 2 + 1 + 1]]
    assert found.fire.tolist() == [[3 * 16]]
    # taken at 2, scanned to 8, fired 9..24, frame at 27; the empty steps wait for the frame before, then fire
    # 28..43 and 47..62 (frames at 46 and 65); the readout compares
    assert found.total.tolist() == [65 + compared + 1]
    assert simulate(net, inputs).cycles.tolist() == found.total.tolist()


def ends(number, seed):
    found = [case for case in cases(number, seed) if case.net.layers[-1].convolution]
    kinds = {(case.net.readout, case.net.layers[-1].convolution.pool) for case in found}
    assert kinds == {(r, p) for r in ("count", "first_spike", "max_membrane") for p in (1, 2)}
    return found


def test_random_networks_agree():
    for case in ends(700, seed=31):
        check(case.net, case.inputs)


@pytest.mark.skipif(not installed("icarus"), reason="iverilog is not installed")
@pytest.mark.parametrize("readout", ["count", "first_spike", "max_membrane"])
def test_exported_verilog_agrees(readout, tmp_path):
    case = next(case for case in ends(700, seed=31) if case.net.readout == readout)
    design, bench = verilog(case.net, "chip"), make_bench(case.net, "chip", case.inputs)
    files = {"chip.v": design.module, "tb_chip.v": bench.text, **design.memories, **bench.files}
    for name, text in files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    run_bench("icarus", tmp_path, "chip", len(case.inputs))

import numpy as np
import pytest
import snntorch
import torch

from benchmarks.hardware.cases import cases
from hardware.network import AcceleratorConfig, TrainedLayer, TrainedNetwork
from hardware.quantize import quantize
from hardware.reference import run
from spikefront.errors import InputError


def _neuron(layer, config, drive):
    """One neuron's spikes and saturated steps, with Python's own integers, from the docstring's formula."""
    low, high = -(2 ** (config.membrane_bits - 1)), 2 ** (config.membrane_bits - 1) - 1
    v, fired, spikes, saturated = 0, False, [], 0
    for current in drive:
        m = min(max(v + current, low), high)
        saturated += m != v + current
        if layer.blank_after_spike and fired:
            m = 0
        fired = m > layer.threshold
        leaked = (m * layer.leak) >> config.leak_bits if config.leak == "multiply" else m - (m >> layer.leak)
        v = {"subtract": leaked - fired * layer.threshold, "zero": 0 if fired else leaked, "none": leaked}[
            layer.reset
        ]
        assert low <= v <= high
        spikes.append(int(fired))
    return spikes, saturated


def _sample(net, sample):
    """One sample's spikes per layer (T, n), neuron by neuron, and how many steps saturated."""
    signal, out, saturated = sample.astype(int).tolist(), [], 0
    for k, layer in enumerate(net.layers):
        spikes = []
        for row in layer.weight.tolist():
            if net.direct and k == 0:
                total = 2 ** (net.config.input_bits - 1) + sum(
                    w * x for w, x in zip(row, signal, strict=True)
                )
                drive = [total >> net.config.input_bits] * net.time_steps
            else:
                drive = [sum(w * x for w, x in zip(row, step, strict=True)) for step in signal]
            fired, clipped = _neuron(layer, net.config, drive)
            spikes.append(fired)
            saturated += clipped
        signal = np.array(spikes).T.tolist()
        out.append(np.array(signal))
    return out, saturated


def test_spikes_equal_a_neuron_by_neuron_calculation():
    fired, saturated = 0, 0
    for case in cases(40, seed=7):
        result = run(case.net, case.inputs)
        for i, sample in enumerate(case.inputs):
            layers, clipped = _sample(case.net, sample)
            saturated += clipped
            for layer, expected in zip(result.spikes, layers, strict=True):
                assert np.array_equal(layer[i], expected), case.name
                fired += int(expected.sum())
    assert fired > 1000
    assert saturated > 100


@pytest.mark.parametrize("reset", ["subtract", "zero", "none"])
@pytest.mark.parametrize("beta", [1.0, 0.0])
def test_spikes_equal_snntorch_where_no_rounding_happens(reset, beta):
    """Integer weights, beta 0 or 1: floats are exact, so only the order of operations is compared."""
    rng = np.random.default_rng(3)
    weight = rng.integers(-60, 90, (6, 20)).astype(float)
    weight[0, 0] = 127
    trained = TrainedNetwork((TrainedLayer(weight, beta, 100.0, reset),), 30, "rate")
    net = quantize(trained, AcceleratorConfig(lanes=(4,), membrane_bits=24))
    inputs = (rng.random((4, 30, 20)) < 0.2).astype(np.uint8)
    neuron = snntorch.Leaky(beta=beta, threshold=100.0, reset_mechanism=reset)
    membrane, expected = neuron.init_leaky(), []
    for t in range(30):
        current = torch.from_numpy(inputs[:, t] @ weight.T).float()
        spikes, membrane = neuron(current, membrane)
        expected.append(spikes.detach().numpy())
    found = run(net, inputs).spikes[0]
    assert 0 < found.mean() < 1
    assert np.array_equal(found, np.stack(expected, axis=1))


def test_the_lowest_class_wins_a_tie_and_silence_is_class_zero():
    layer = TrainedLayer(np.array([[0.1, 0.1], [1.0, 0.0], [1.0, 0.0]]), 0.0, 0.5, "zero")
    net = quantize(TrainedNetwork((layer,), 3, "rate"), AcceleratorConfig(lanes=(3,)))
    inputs = np.zeros((2, 3, 2), dtype=np.uint8)
    inputs[0, :, 0] = 1
    result = run(net, inputs)
    assert result.counts.tolist() == [[0, 3, 3], [0, 0, 0]]
    assert result.predicted.tolist() == [1, 0]


@pytest.mark.parametrize("batch", [1, 2, 100])
def test_batches_do_not_change_the_result(batch):
    for case in cases(10, seed=1):
        expected = run(case.net, case.inputs)
        found = run(case.net, case.inputs, batch=batch)
        assert all(np.array_equal(a, b) for a, b in zip(expected.spikes, found.spikes, strict=True))


def test_sums_beyond_single_precision_stay_exact():
    """Direct 16-bit currents need more than the 24 bits of a float32."""
    layer = TrainedLayer(np.array([[1.0, 1.0, -1.0]]), 0.0, 0.5, "none")
    config = AcceleratorConfig(lanes=(1,), weight_bits=16, membrane_bits=24, input_bits=16)
    net = quantize(TrainedNetwork((layer,), 1, "direct"), config)
    threshold = net.layers[0].threshold
    exact = (
        threshold * 2**16 // 32767
    )  # the least current at which 32767 * x >> 16 exceeds the threshold, about
    inputs = np.array([[x, 65535, 65535] for x in range(exact - 3, exact + 6)], dtype=np.uint16)
    expected = [int((32767 * int(x) + 32768) >> 16 > threshold) for x in inputs[:, 0]]
    assert run(net, inputs).spikes[0][:, 0, 0].tolist() == expected
    assert len(set(expected)) == 2


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        (np.zeros((2, 3, 3), dtype=np.uint8), "shape"),
        (np.zeros((2, 2), dtype=np.uint8), "shape"),
        (np.zeros((0, 3, 2), dtype=np.uint8), "shape"),
        (np.full((1, 3, 2), 2, dtype=np.uint8), "reach 2"),
        (np.zeros((1, 3, 2)), "dtype"),
    ],
)
def test_inputs_that_do_not_fit_are_refused(inputs, words):
    layer = TrainedLayer(np.ones((2, 2)), 0.5, 1.0, "zero")
    net = quantize(TrainedNetwork((layer,), 3, "rate"), AcceleratorConfig(lanes=(1,)))
    with pytest.raises(InputError, match=words):
        run(net, inputs)

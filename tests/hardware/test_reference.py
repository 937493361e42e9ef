import numpy as np
import pytest
import snntorch
import torch

from benchmarks.hardware.cases import cases
from hardware.network import AcceleratorConfig, TrainedLayer, TrainedNetwork
from hardware.quantize import quantize
from hardware.reference import membranes, run
from spikefront.errors import InputError


def _neuron(layer, config, drive):
    """One neuron's spikes and saturated steps, with Python's own integers, from the docstring's formula."""
    low, high = -(2 ** (config.membrane_bits - 1)), 2 ** (config.membrane_bits - 1) - 1
    v, synapse, resting, spikes, saturated = 0, 0, 0, [], 0
    for given in drive:
        current = given
        if layer.synapse_leak is not None:
            total = _leaked(synapse, layer.synapse_leak, config) + current
            synapse = current = min(max(total, low), high)
            saturated += synapse != total
        total = v + (0 if resting else current)
        m = min(max(total, low), high)
        saturated += m != total
        fired = m > layer.threshold and not resting
        resting = layer.refractory_steps if fired else max(resting - 1, 0)
        leaked = _leaked(m, layer.leak, config)
        after = {"subtract": leaked - layer.threshold, "zero": 0, "fixed": layer.reset_value, "none": leaked}
        v = after[layer.reset] if fired else leaked
        assert low <= v <= high
        spikes.append(int(fired))
    return spikes, saturated


def _leaked(value, parameter, config):
    if config.leak == "multiply":
        return (value * parameter) >> config.leak_bits
    return value - (value >> parameter) if parameter else value


def _recurrent(layer, config, drives):
    """Spikes of a recurrent layer: step t is run anew on all steps up to t, with the spikes found so far."""
    fired = [[] for _ in range(layer.n_out)]
    for t in range(len(drives[0])):
        before = [[row[s] for row in fired] for s in range(t)]
        found = []
        for i, drive in enumerate(drives):
            back = [0, *(sum(int(layer.recurrent[i, j]) * s for j, s in enumerate(step)) for step in before)]
            found.append(_neuron(layer, config, [drive[s] + back[s] for s in range(t + 1)]))
        for row, (spikes, _) in zip(fired, found, strict=True):
            row.append(spikes[-1])
    return fired, sum(clipped for _, clipped in found)


def _convolved(net, index, signal):
    """Spikes (n_out, T) of a convolutional layer by torch's Conv2d and MaxPool2d, neuron by neuron."""
    layer, config = net.layers[index], net.config
    shape = layer.convolution
    frames = torch.tensor(signal).reshape(-1, *shape.in_shape).double()
    sums = torch.nn.functional.conv2d(
        frames, torch.tensor(layer.weight).double(), stride=shape.stride, padding=shape.padding
    ).long()
    if net.direct and index == 0:
        sums = ((sums + 2 ** (config.input_bits - 1)) >> config.input_bits).expand(net.time_steps, -1, -1, -1)
    if layer.bias is not None:
        sums = sums + torch.tensor(layer.bias)[:, None, None]
    found = [_neuron(layer, config, drive) for drive in sums.reshape(net.time_steps, -1).T.tolist()]
    spikes = torch.tensor([s for s, _ in found]).T.reshape(sums.shape).float()
    if shape.pool > 1:
        spikes = torch.nn.functional.max_pool2d(spikes, shape.pool)
    return spikes.reshape(net.time_steps, -1).T.int().numpy(), sum(clipped for _, clipped in found)


def _sample(net, sample):
    """One sample's spikes per layer (T, n), neuron by neuron, and how many steps saturated."""
    signal, out, saturated = sample.astype(int).tolist(), [], 0
    for k, layer in enumerate(net.layers):
        drives = []
        if layer.convolution is not None:
            spikes, clipped = _convolved(net, k, signal)
            saturated += clipped
            signal = spikes.T.tolist()
            out.append(spikes.T)
            continue
        for i, row in enumerate(layer.weight.tolist()):
            if net.direct and k == 0:
                total = 2 ** (net.config.input_bits - 1) + sum(
                    w * x for w, x in zip(row, signal, strict=True)
                )
                drive = [total >> net.config.input_bits] * net.time_steps
            else:
                drive = [sum(w * x for w, x in zip(row, step, strict=True)) for step in signal]
            if layer.bias is not None:
                drive = [current + int(layer.bias[i]) for current in drive]
            drives.append(drive)
        if layer.recurrent is None:
            found = [_neuron(layer, net.config, drive) for drive in drives]
            spikes, clipped = [fired for fired, _ in found], sum(clips for _, clips in found)
        else:
            spikes, clipped = _recurrent(layer, net.config, drives)
        saturated += clipped
        signal = np.array(spikes).T.tolist()
        out.append(np.array(signal))
    return out, saturated


def test_spikes_equal_a_neuron_by_neuron_calculation():
    fired, saturated = 0, 0
    chosen = cases(60, seed=7)
    assert any(case.net.direct and case.net.layers[0].recurrent is not None for case in chosen)
    for case in chosen:
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


@pytest.mark.parametrize("reset", ["subtract", "zero", "none"])
@pytest.mark.parametrize(("alpha", "beta"), [(1.0, 0.0), (0.0, 1.0), (1.0, 1.0)])
def test_order_two_spikes_equal_snntorch_where_no_rounding_happens(reset, alpha, beta):
    """snnTorch's Synaptic discards the current of the step after a spike under reset "zero"."""
    rng = np.random.default_rng(4)
    weight = rng.integers(-70, 70, (6, 20)).astype(float)
    weight[0, 0] = 127
    layer = TrainedLayer(weight, beta, 300.0, reset, alpha=alpha, refractory_steps=int(reset == "zero"))
    net = quantize(TrainedNetwork((layer,), 12, "rate"), AcceleratorConfig(lanes=(4,), membrane_bits=24))
    inputs = (rng.random((4, 12, 20)) < 0.2).astype(np.uint8)
    neuron = snntorch.Synaptic(alpha=alpha, beta=beta, threshold=300.0, reset_mechanism=reset)
    synapse, membrane = neuron.init_synaptic()
    expected = []
    for t in range(12):
        current = torch.from_numpy(inputs[:, t] @ weight.T).float()
        spikes, synapse, membrane = neuron(current, synapse, membrane)
        expected.append(spikes.detach().numpy())
    found = run(net, inputs).spikes[0]
    if beta or alpha:
        assert found.mean() < 1
    assert np.array_equal(found, np.stack(expected, axis=1))


def test_an_integrate_and_fire_neuron_forgets_nothing_under_either_leak():
    """Negative potentials too: ``m - (m >> k)`` would creep towards zero at any k."""
    layer = TrainedLayer(np.array([[-1.0, 1.0]]), 1.0, 3.0, "zero")
    inputs = np.zeros((1, 60, 2), dtype=np.uint8)
    inputs[0, 0, 0] = 1
    inputs[0, 55:, 1] = 1
    for leak in ("multiply", "shift"):
        net = quantize(TrainedNetwork((layer,), 60, "rate"), AcceleratorConfig(lanes=(1,), leak=leak))
        assert run(net, inputs).spikes[0][0, :, 0].nonzero()[0].tolist() == [59]


def test_refractory_neurons_take_no_input_and_do_not_fire():
    layer = TrainedLayer(np.array([[1.0]]), 1.0, 1.6, "subtract", refractory_steps=3)
    net = quantize(TrainedNetwork((layer,), 12, "rate"), AcceleratorConfig(lanes=(1,)))
    found = run(net, np.ones((1, 12, 1), dtype=np.uint8)).spikes[0][0, :, 0]
    # 1, 2 (fires, 0.4 left), three steps of rest, 1.4, 2.4 (fires, 0.8 left), rest, 1.8 (fires)
    assert found.nonzero()[0].tolist() == [1, 6, 10]


def test_the_lowest_class_wins_a_tie_and_silence_is_class_zero():
    layer = TrainedLayer(np.array([[0.1, 0.1], [1.0, 0.0], [1.0, 0.0]]), 0.0, 0.5, "zero")
    net = quantize(TrainedNetwork((layer,), 3, "rate"), AcceleratorConfig(lanes=(3,)))
    inputs = np.zeros((2, 3, 2), dtype=np.uint8)
    inputs[0, :, 0] = 1
    result = run(net, inputs)
    assert result.counts.tolist() == [[0, 3, 3], [0, 0, 0]]
    assert result.predicted.tolist() == [1, 0]


def test_every_readout_by_hand():
    """Four neurons of two classes; neuron i fires in the steps in which input i does."""
    layer = TrainedLayer(np.diag([1.0, 0.5, 0.5, 0.8]), 0.0, 0.4, "none")
    inputs = np.zeros((3, 4, 4), dtype=np.uint8)
    inputs[0, [1, 2], 1] = 1
    inputs[0, 3, 0] = 1
    inputs[0, 2, 3] = 1  # three spikes against one; first class 0; highest potential in neuron 0
    inputs[1, 1, 3] = inputs[1, 2, 0] = inputs[1, 3, 2] = (
        1  # one against two; first class 1; highest neuron 0
    )
    found = {}
    for readout in ("count", "first_spike", "max_membrane"):
        trained = TrainedNetwork((layer,), 4, "rate", readout, population=2)
        result = run(quantize(trained, AcceleratorConfig(lanes=(3,))), inputs)
        found[readout] = result.predicted.tolist()
        assert result.counts.tolist() == [[3, 1], [1, 2], [0, 0]]
    assert found == {"count": [0, 1, 0], "first_spike": [0, 1, 0], "max_membrane": [0, 0, 0]}


def test_a_membrane_below_zero_is_lower_than_one_at_zero():
    layer = TrainedLayer(np.array([[-1.0], [-0.5], [-0.7]]), 0.0, 1.0, "none")
    net = quantize(TrainedNetwork((layer,), 2, "rate", "max_membrane"), AcceleratorConfig(lanes=(3,)))
    assert run(net, np.ones((1, 2, 1), dtype=np.uint8)).predicted.tolist() == [1]


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


@pytest.mark.parametrize("index", [-1, 1])
def test_membranes_of_no_layer_are_refused(index):
    layer = TrainedLayer(np.ones((2, 2)), 0.5, 1.0, "zero")
    net = quantize(TrainedNetwork((layer,), 3, "rate"), AcceleratorConfig(lanes=(1,)))
    with pytest.raises(InputError, match=f"no layer {index}; choose one of 0..0"):
        membranes(net, np.zeros((1, 3, 2), dtype=np.uint8), index)


def test_membranes_are_what_the_spikes_were_decided_on():
    for case in cases(12, seed=3):
        found = run(case.net, case.inputs)
        for index, layer in enumerate(case.net.layers):
            if layer.refractory_steps or layer.convolution is not None:
                continue
            above = membranes(case.net, case.inputs, index) > layer.threshold
            assert np.array_equal(above, found.spikes[index])

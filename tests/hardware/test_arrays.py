import subprocess
import sys

import numpy as np
import pytest
import torch

from benchmarks.hardware import throughput
from benchmarks.hardware.cases import cases, clock_cases
from benchmarks.hardware.row_cases import row_cases
from hardware.arrays import countable, exact_type, host, is_tensor, like
from hardware.cycles import count
from hardware.network import AcceleratorConfig
from hardware.quantize import quantize
from hardware.reference import ReferenceRun, _run_batch, run
from spikefront.errors import InputError


def assert_same(expected, found, name=""):
    assert is_tensor(found), name
    assert str(found.dtype) == f"torch.{expected.dtype}", name
    assert np.array_equal(expected, host(found)), name


@pytest.fixture(scope="module")
def chosen():
    return cases(150, seed=11)


def test_the_random_networks_have_every_kind_of_layer_and_readout(chosen):
    nets = [case.net for case in chosen]
    layers = [layer for net in nets for layer in net.layers]
    assert {net.readout for net in nets} == {"count", "first_spike", "max_membrane"}
    assert {net.population > 1 for net in nets} == {net.direct for net in nets} == {True, False}
    assert {layer.reset for layer in layers} == {"subtract", "zero", "fixed", "none"}
    assert {layer.convolution.pool for layer in layers if layer.convolution} == {1, 2}
    assert any(net.direct and net.layers[0].convolution for net in nets)
    for field in ("recurrent", "synapse_leak", "bias", "convolution"):
        assert {getattr(layer, field) is None for layer in layers} == {True, False}, field
    assert {layer.refractory_steps > 0 for layer in layers} == {True, False}


def test_tensors_give_the_same_run_as_arrays(chosen):
    for case in chosen:
        expected, found = run(case.net, case.inputs), run(case.net, torch.from_numpy(case.inputs), batch=2)
        for one, other in zip(expected.spikes, found.spikes, strict=True):
            assert_same(one, other, case.name)
        assert_same(expected.counts, found.counts, case.name)
        assert_same(expected.predicted, found.predicted, case.name)


@pytest.mark.parametrize("find", [cases, clock_cases])
def test_tensors_give_the_same_cycles_as_arrays(find):
    for case in find(80, seed=12):
        inputs = torch.from_numpy(case.inputs)
        expected = count(case.net, run(case.net, case.inputs), case.inputs)
        found = count(case.net, run(case.net, inputs), inputs)
        for name in ("total", "scan", "fire", "spikes", "echoes", "taps", "busy"):
            assert_same(getattr(expected, name), getattr(found, name), f"{name} of {case.name}")
        assert expected.load == found.load
        assert isinstance(found.on_host().total, np.ndarray)


def test_boolean_spikes_are_spikes(chosen):
    case = next(case for case in chosen if not case.net.direct and case.kind == "uniform")
    expected = run(case.net, case.inputs)
    for inputs in (case.inputs.astype(bool), torch.from_numpy(case.inputs).bool()):
        found = run(case.net, inputs)
        assert all(np.array_equal(a, host(b)) for a, b in zip(expected.spikes, found.spikes, strict=True))
        total = host(count(case.net, found, inputs).total)
        assert np.array_equal(total, count(case.net, expected, case.inputs).total)


def test_products_stay_exact_whatever_precision_the_caller_asks_of_torch():
    """Autocast turns a product of float32 into one of bfloat16, which has eight bits for sums of sixteen."""
    net = quantize(throughput.network(np.random.default_rng(1)), AcceleratorConfig(lanes=(16, 10)))
    inputs, _, _ = throughput.random_samples(10)
    expected, ones = run(net, inputs), torch.ones(1, 300)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert int((ones @ (127 * ones).T).to(torch.int64)) != 300 * 127
        found = run(net, torch.from_numpy(inputs))
    assert 0 < expected.spikes[0].mean() < 1
    assert all(np.array_equal(a, host(b)) for a, b in zip(expected.spikes, found.spikes, strict=True))


def test_a_product_is_exact_in_the_type_chosen_for_it():
    """At each bound the sum is the greatest that the narrower type would hold, or one above it."""
    for top, wanted in ((2**24 - 1, "float32"), (2**24, "float64"), (2**53 - 1, "float64"), (2**53, "int64")):
        weight = np.array([[top - 1, 1]])
        x = np.ones((1, 2), dtype=np.uint8)
        real = exact_type(weight, 1, x)
        assert np.dtype(real).name == wanted
        assert int((x.astype(real) @ weight.T.astype(real))[0, 0]) == top
    assert exact_type(np.ones((1, 1)), 1, torch.ones(1)) == torch.float64


def test_a_copy_of_read_only_values_is_made_for_torch():
    values = np.arange(3)
    values.flags.writeable = False
    tensor = like(values, torch.zeros(1))
    tensor += 1
    assert values.tolist() == [0, 1, 2]


def test_tensors_that_do_not_fit_are_refused(chosen):
    net = chosen[0].net
    shape = (2, net.sizes[0]) if net.direct else (2, net.time_steps, net.sizes[0])
    for dtype in (torch.float32, torch.int64):
        with pytest.raises(InputError, match=f"dtype {dtype}"):
            run(net, torch.zeros(shape, dtype=dtype))
    with pytest.raises(InputError, match="reach 60000"):
        run(net, torch.full(shape, 60_000, dtype=torch.uint16))
    with pytest.raises(InputError, match=r"shape \(3,\)"):
        run(net, torch.zeros(3, dtype=torch.uint8))


def test_everything_is_computed_on_the_device_of_the_inputs(chosen):
    """Torch's meta device has shapes and no values: it shows what would meet an array of another device."""
    for case in [*chosen[:60], *clock_cases(20, seed=11), *row_cases(20, seed=11)]:
        inputs = torch.from_numpy(case.inputs).to("meta")
        spikes, peak = _run_batch(case.net, countable(inputs))
        report = count(case.net, ReferenceRun(tuple(spikes), peak, peak), inputs)
        found = [*spikes, peak, report.total, report.scan, report.fire, report.spikes, report.taps]
        assert {x.device.type for x in found} == {"meta"}, case.name


def test_numpy_alone_needs_no_torch():
    code = (
        "import sys; from benchmarks.hardware.cases import cases; from hardware import cycles, reference;"
        "[cycles.count(c.net, reference.run(c.net, c.inputs), c.inputs) for c in cases(3)];"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU here")
def test_a_gpu_gives_the_same_run_and_cycles(chosen):
    for case in [*chosen[:60], *clock_cases(20, seed=11), *row_cases(20, seed=11)]:
        expected, inputs = run(case.net, case.inputs), torch.from_numpy(case.inputs).cuda()
        found = run(case.net, inputs)
        assert found.predicted.is_cuda
        for one, other in zip(expected.spikes, found.spikes, strict=True):
            assert_same(one, other, case.name)
        assert_same(expected.predicted, found.predicted, case.name)
        total = count(case.net, expected, case.inputs).total
        assert_same(total, count(case.net, found, inputs).total, case.name)

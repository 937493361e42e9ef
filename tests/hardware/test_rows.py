from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from benchmarks.hardware.row_cases import INPUTS, on_dense, row_cases
from hardware import cycles, neuron, rows
from hardware.convolution import drive
from hardware.integer import membrane_range
from hardware.network import AcceleratorConfig, Convolution, TrainedLayer, TrainedNetwork
from hardware.quantize import quantize
from hardware.reference import run
from hardware.rows import by_rows, due_counts, due_rows, holds_still, landed_rows
from hardware.simulate import check, simulate
from hardware.verify import verify
from spikefront.errors import DesignError
from tests.hardware.mutants import mutant

CASES = 70


@pytest.fixture(scope="module")
def swept():
    """Random convolutional networks, their reference and what their RTL did."""
    return [(case, run(case.net, case.inputs), simulate(case.net, case.inputs)) for case in row_cases(CASES)]


def make(shape, *, beta=1.0, reset="subtract", channels=1, lanes=1, time_steps=3, gain=0.4, **config):
    """One convolution of equal weights, and a neuron behind it that looks at all of it."""
    kernel = TrainedLayer(
        np.full((channels, shape.in_shape[0], shape.kernel, shape.kernel), gain),
        beta,
        1.0,
        reset,
        convolution=shape,
    )
    behind = TrainedLayer(np.ones((1, kernel.n_out)), 0.5, 1.0, "zero")
    config = AcceleratorConfig(**{"lanes": (lanes, 1), "sweep": "touched_rows", **config})
    return quantize(TrainedNetwork((kernel, behind), time_steps, "rate"), config)


def events(net, *spikes):
    """One sample with spikes at (step, input)."""
    inputs = np.zeros((1, net.time_steps, net.sizes[0]), dtype=np.uint8)
    for step, index in spikes:
        inputs[0, step, index] = 1
    return inputs


def words(net, inputs):
    """State words that the first layer fires in every step, sample by sample."""
    rows = due_counts(net, run(net, inputs).spikes, inputs)[0]
    return (rows.T * (net.sweeps[0] // net.layers[0].convolution.frame[0])).tolist()


def test_cycles_by_hand():
    """A frame of 5x4 under 3x3 kernels: 3x2 pixels, three channels on two lanes, so a row is 4 words."""
    net = make(Convolution((1, 5, 4), 3), channels=3, lanes=2, time_steps=2)
    inputs = events(net, (1, 0))
    # nothing lands in step 0; in step 1 the corner reaches row 0 alone, by one tap of nine
    assert words(net, inputs) == [[0, 4]]
    found = cycles.count(net, run(net, inputs), inputs)
    assert found.words[0, 0] == 4
    assert found.fire[0, 0] == (1 + 1) + (1 + 4)
    # step 0: fetch 1, take 2, scan 3, fire 4..5; step 1: take 6, scan 18 cycles 7..24, fire 25..29, frame at
    # 32; one chunk of six bits behind it, empty: take 34, scan 35, fire 36, vector at 38; one class
    assert found.total.tolist() == [32 + 6 + 1 + 1]
    assert check(net, inputs).cycles == 40


def test_which_rows_are_due_by_hand():
    """4x4 inputs, padded 3x3 kernels: an input of row y reaches rows y - 1 to y + 1, of 4 words each."""
    shape = Convolution((1, 4, 4), 3, padding=1)
    inputs = (0, 0), (2, 15)  # row 0 in step 0, row 3 in step 2
    still = make(shape, time_steps=5)
    assert words(still, events(still, *inputs)) == [[2 * 4, 0, 2 * 4, 0, 4 * 4]]
    leaking = make(shape, time_steps=5, beta=0.5)
    assert words(leaking, events(leaking, *inputs)) == [[2 * 4, 2 * 4, 4 * 4, 4 * 4, 4 * 4]]


@pytest.mark.parametrize(("reset", "second"), [("subtract", 3), ("none", 3), ("zero", 0), ("fixed", 0)])
def test_rows_that_fired_are_due_again_where_they_may_be_above_the_threshold(reset, second):
    """One spike lifts 3x3 neurons to 3 thresholds: subtracting ones fire twice more, in steps 1 and 2."""
    net = make(Convolution((1, 6, 3), 3, padding=1), reset=reset, gain=3.0, time_steps=6)
    inputs = events(net, (0, 7))
    assert words(net, inputs)[0][:2] == [3 * 3, second * 3]
    assert words(net, inputs)[0][-1] == 3 * 3
    check(net, inputs)


def test_a_pooled_spike_counts_for_all_rows_of_its_window():
    """Row 3 alone is reached and fires; the window of rows 2 and 3 is due, and the odd row 4 never again."""
    net = make(Convolution((1, 5, 4), 1, pool=2), gain=3.0, time_steps=3)
    assert words(net, events(net, (0, 12))) == [[4, 2 * 4, 4]]
    assert words(net, events(net, (0, 16))) == [[4, 0, 4]]
    check(net, np.concatenate([events(net, (0, 12)), events(net, (0, 16))]))


@st.composite
def geometries(draw):
    kernel = draw(st.integers(1, 5))
    padding = draw(st.integers(0, kernel - 1))
    size = st.integers(max(1, kernel - 2 * padding), 9)
    frame = (draw(st.integers(1, 2)), draw(size), draw(size))
    shape = Convolution(frame, kernel, draw(st.integers(1, 4)), padding, draw(st.sampled_from((1, 2))))
    assume(min(shape.out_frame) >= 1)
    return shape


@given(geometries(), st.floats(0, 0.3), st.integers(0, 2**16))
@settings(deadline=None)
def test_taps_land_where_a_kernel_of_ones_sums_to_more_than_zero(shape, rate, seed):
    vectors = (np.random.default_rng(seed).random((2, 3, shape.n_in)) < rate).astype(np.uint8)
    ones = np.ones((1, shape.in_shape[0], shape.kernel, shape.kernel), dtype=np.int64)
    sums = drive(vectors, ones, shape, np.int64).reshape(2, 3, *shape.frame)
    assert np.array_equal(landed_rows(vectors, shape), sums.any(axis=3))


@given(geometries(), st.integers(0, 2**16), st.floats(0, 0.2), st.integers(1, 6))
@settings(deadline=None, max_examples=60)
def test_skipping_rows_that_are_not_due_changes_no_spike(shape, seed, rate, time_steps):
    """Neurons stepped only in due rows, and left alone elsewhere, fire as those stepped always."""
    rng = np.random.default_rng(seed)
    reset = str(rng.choice(["subtract", "zero", "none", "fixed"]))
    beta = float(rng.choice([1.0, 0.8]))
    net = make(
        shape, beta=beta, reset=reset, channels=2, gain=float(rng.uniform(0.3, 2.5)), time_steps=time_steps
    )
    layer, config = net.layers[0], net.config
    inputs = (rng.random((2, time_steps, shape.n_in)) < rate).astype(np.uint8)
    reference = run(net, inputs)
    due = due_rows(layer, config, inputs, reference.spikes[0])
    sums = drive(inputs, layer.weight, shape, np.int64)
    state = neuron.initial_state(layer, sums[:, 0].shape, sums)
    frame, pooled = (2, 2, *shape.frame), [n * shape.pool for n in shape.out_frame]
    for t in range(time_steps):
        done = neuron.step(layer, config, state, sums[:, t])
        fires = np.broadcast_to(due[:, t, None, :, None], frame)
        spikes = done.spikes.reshape(frame) & fires
        windows = spikes[..., : pooled[0], : pooled[1]].reshape(
            2, 2, shape.out_frame[0], shape.pool, -1, shape.pool
        )
        assert np.array_equal(windows.any(axis=(3, 5)).reshape(2, -1), reference.spikes[0][:, t])
        kept = np.where(fires.reshape(2, -1), done.state.potential, state.potential)
        state = replace(done.state, potential=kept)
    assert (state.potential == state.potential.clip(*membrane_range(config))).all()


def test_spikes_and_cycles_of_the_rtl_are_those_of_reference_and_formula(swept):
    for case, reference, rtl in swept:
        for expected, found in zip(reference.spikes, rtl.spikes, strict=True):
            assert np.array_equal(expected, found), case.name
        assert np.array_equal(reference.predicted, rtl.predicted), case.name
    assert _cycle_differences(cycles, swept) == 0


def test_the_random_networks_are_worth_comparing(swept):
    nets = [case.net for case, _, _ in swept]
    found = [
        (layer, holds_still(layer, net.config))
        for net in nets
        for k, layer in enumerate(net.layers)
        if by_rows(net, net.config, k)
    ]
    layers, held = [layer for layer, _ in found], [still for _, still in found]
    assert min(held.count(True), held.count(False)) > 20
    shapes = [layer.convolution for layer in layers]
    assert {shape.kernel for shape in shapes} == {1, 2, 3, 4, 5}
    assert {shape.stride for shape in shapes} == {1, 2, 3}
    assert {shape.pool for shape in shapes} == {1, 2}
    assert {shape.frame[0] % shape.pool for shape in shapes} == {0, 1}
    assert {layer.reset for layer in layers} == {"subtract", "zero", "fixed", "none"}
    assert {case.kind for case, _, _ in swept} == set(INPUTS)
    assert {net.config.schedule for net in nets} == {"pipelined", "sequential"}
    assert any(net.direct for net in nets)
    ends = {net.readout for net in nets if net.layers[-1].convolution}
    assert ends == {"count", "first_spike", "max_membrane"}
    assert any(layer.bias is not None for net in nets for layer in net.layers if layer.convolution)
    assert any(layer.refractory_steps for layer in layers)
    assert any(layer.synapse_leak is not None for layer in layers)
    totals = [
        [cycles.count(one.net, reference, case.inputs).total.sum() for one in (case, on_dense(case))]
        for case, reference, _ in swept
    ]
    assert sum(touched < dense for touched, dense in totals) > 10


def _cycle_differences(module, simulated):
    return sum(
        int((module.count(case.net, reference, case.inputs).total != rtl.cycles).sum())
        for case, reference, rtl in simulated
    )


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("1 + namespace(words).clip(words, 1, None)", "namespace(words).clip(words, 1, None)"),
        ("1 + namespace(words).clip(words, 1, None)", "1 + words"),
        ("landed.cumsum(axis=1) > 0", "landed.copy()"),
        ("    landed[:, -1] = touched[:, -1]\n", ""),
        ("_fired_rows(spikes, shape)[:, :-1]", "_fired_rows(spikes, shape)[:, 1:]"),
        ("    if not rests_after_spike(layer):", "    if False:"),
        ("    if not rests_after_spike(layer):", "    if True:"),
        (" and layer.refractory_steps == 0", ""),
        (" and layer.synapse_leak is None", ""),
        ("(frames & like(live, frames))", "frames"),
        ("and not biased", ""),
        ("return sweeps and resting and not", "return sweeps and not"),
        ("np.arange(shape.frame[0]) // shape.pool", "np.arange(shape.frame[0])"),
        ("first < shape.kernel", "first <= shape.kernel"),
    ],
)
def test_a_wrong_formula_is_found(swept, monkeypatch, old, new):
    wrong = mutant(rows, old, new)
    monkeypatch.setattr(cycles, "due_counts", wrong.due_counts)
    monkeypatch.setattr(cycles, "firings", wrong.firings)
    assert _cycle_differences(cycles, swept) > 0


def test_the_exported_verilog_agrees():
    """In Icarus; memories start undefined, and so does what they publish before the first sweep."""
    shape = Convolution((2, 7, 5), 3, padding=1, pool=2)
    for beta in (1.0, 0.75):
        net = make(shape, beta=beta, channels=3, lanes=2, time_steps=4)
        inputs = np.concatenate([events(net, (1, 3), (1, 4), (3, 20)), events(net), events(net, (0, 60))])
        verdicts = list(verify(net, "rows", inputs, tools=("icarus",)))
        assert [verdict.tool for verdict in verdicts] == ["icarus"]


def test_a_firing_never_takes_more_than_a_cycle_beyond_the_dense_one():
    for case in row_cases(60, seed=2):
        reference = run(case.net, case.inputs)
        touched, dense = (cycles.count(one.net, reference, case.inputs) for one in (case, on_dense(case)))
        assert (touched.fire <= dense.fire + case.net.time_steps).all()
        assert (touched.words <= dense.words).all()
        assert np.array_equal(touched.scan, dense.scan)
        assert np.array_equal(dense.words, dense.fire)


def test_designs_counted_together_and_on_tensors_are_those_counted_alone():
    for case in row_cases(20, seed=3):
        reference = run(case.net, case.inputs)
        configs = [
            replace(case.net.config, sweep=sweep, lanes=(lanes,) * len(case.net.layers))
            for sweep in ("touched_rows", "dense")
            for lanes in (1, 2)
        ]
        together = cycles.count_many(case.net, configs, reference, case.inputs)
        tensors = torch.as_tensor(case.inputs.astype(np.uint8))
        on_torch = cycles.count_many(case.net, configs, run(case.net, tensors), tensors)
        for config, found, other in zip(configs, together, on_torch, strict=True):
            alone = cycles.count(replace(case.net, config=config), reference, case.inputs)
            for name in ("total", "fire", "words"):
                assert np.array_equal(getattr(alone, name), getattr(found, name)), case.name
                assert np.array_equal(getattr(alone, name), getattr(other.on_host(), name)), case.name


def test_layers_that_are_never_at_rest_fire_everything():
    shape = Convolution((1, 4, 4), 3)
    net = make(shape)
    biased = replace(net.layers[0], bias=np.ones(1, dtype=np.int64))
    assert by_rows(net, net.config, 0)
    assert not by_rows(net, net.config, 1)
    assert not by_rows(replace(net, layers=(biased, net.layers[1])), net.config, 0)
    assert not by_rows(replace(net, encoding="direct"), net.config, 0)
    assert not by_rows(replace(net, layers=net.layers[:1], readout="max_membrane"), net.config, 0)


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"sweep": "sparse"}, "sweep = 'sparse' is unknown"),
        ({"family": "clock_driven"}, "sweep = 'touched_rows' needs family 'event_driven'"),
    ],
)
def test_what_cannot_be_built_is_named(config, words):
    with pytest.raises(DesignError, match=words):
        make(Convolution((1, 4, 4), 3), **config)

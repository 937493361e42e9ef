import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hardware.allocate import allocate, lane_choices, require_allocation
from hardware.area import Area, area
from hardware.assumed import assumed_resources
from hardware.cost import price_net
from hardware.cycles import count
from hardware.devices import DEVICES, RESOURCES, area_on, device, shortfalls, violation
from hardware.expected import expected
from hardware.network import AcceleratorConfig, Convolution
from hardware.reference import run
from hardware.shape import LayerShape, NetworkShape, fully_connected, shape_of
from spikefront.errors import DesignError, InputError
from tests.hardware.test_expected_layers import convolutional, inputs_of
from tests.hardware.test_export import make

ARTY = device("arty-a7-35t")


@st.composite
def frames(draw):
    """A convolution of a small frame, pooled or not."""
    size = draw(st.integers(2, 9))
    kernel = draw(st.integers(1, min(3, size)))
    padding = draw(st.integers(0, kernel - 1))
    found = Convolution((draw(st.integers(1, 3)), size, size), kernel, draw(st.integers(1, 2)), padding)
    return replace(found, pool=2) if min(found.frame) > 1 and draw(st.booleans()) else found


@st.composite
def layer_shapes(draw):
    """One to three layers: a convolution or not, then fully connected ones, some recurrent."""
    layers = []
    if draw(st.booleans()):
        frame = draw(frames())
        layers.append(LayerShape(frame.n_in, draw(st.integers(1, 12)), frame, bias=draw(st.booleans())))
    inputs = layers[0].n_out if layers else draw(st.integers(1, 40))
    for _ in range(draw(st.integers(1, 2 if layers else 3))):
        layers.append(LayerShape(inputs, draw(st.integers(1, 40)), recurrent=draw(st.booleans())))
        inputs = layers[-1].n_out
    return tuple(layers)


@st.composite
def problems(draw):
    """A small network with spikes, and a device that is too small for some of its allocations."""
    layers = draw(layer_shapes())
    encoding = draw(st.sampled_from(["rate", "latency", "direct"]))
    shape = NetworkShape(layers, draw(st.integers(1, 20)), encoding)
    shares = draw(st.lists(st.floats(0, 1), min_size=len(shape.sizes), max_size=len(shape.sizes)))
    vectors = [shape.vectors(k, 8) for k in range(len(shape.sizes))]
    spikes = np.array([s * n * v for s, n, v in zip(shares, shape.sizes, vectors, strict=True)])
    config = AcceleratorConfig(
        lanes=(1,) * len(layers),
        weight_bits=draw(st.integers(2, 12)),
        leak=draw(st.sampled_from(["multiply", "shift"])),
        chunk_bits=draw(st.sampled_from([4, 8, 32])),
        family=draw(st.sampled_from(["event_driven", "clock_driven"])),
        schedule="pipelined",
    )
    if config.family == "event_driven":
        config = replace(config, schedule=draw(st.sampled_from(["pipelined", "sequential"])))
    small = replace(
        ARTY,
        luts=draw(st.integers(100, 6000)),
        ffs=draw(st.integers(100, 6000)),
        bram36=draw(st.sampled_from([0.5, 2, 4, 50])),
        dsps=draw(st.integers(0, 60)),
        fabric=draw(st.sampled_from(["xc7", "ice40"])),
    )
    return shape, spikes, config, small


def every_allocation(shape, spikes, config, target):
    """Cycles and violation of each of all possible lanes, one by one."""
    found = []
    for lanes in itertools.product(*(range(1, x.channels + 1) for x in shape.layers)):
        one = replace(config, lanes=lanes)
        used = area_on(target, assumed_resources(shape, one))
        total = expected(shape, spikes, one)
        found.append((float(total), violation(target, used)))
    return found


@settings(max_examples=100, deadline=None)
@given(problems())
def test_no_other_lanes_are_faster_and_fit(problem):
    shape, spikes, config, target = problem
    while np.prod([layer.channels for layer in shape.layers]) > 800:
        shape, spikes = replace(shape, layers=shape.layers[:-1]), spikes[:-1]
        config = replace(config, lanes=config.lanes[:-1])
    found = allocate(shape, spikes, config, target)
    every = every_allocation(shape, spikes, config, target)
    fitting = [total for total, excess in every if excess == 0]
    assert (found.violation == 0) == bool(fitting)
    if fitting:
        assert found.cycles == pytest.approx(min(fitting), rel=1e-12)
    else:
        assert found.violation == pytest.approx(min(excess for _, excess in every), rel=1e-12)


@given(st.integers(65, 5000))
def test_lane_choices_of_large_layers_have_every_number_of_groups_once(neurons):
    choices = lane_choices(neurons)
    groups = [-(-neurons // lanes) for lanes in choices]
    assert len(set(groups)) == len(groups)
    assert {groups[0], groups[-1]} == {neurons, 1}
    assert all(lanes == 1 or -(-neurons // (lanes - 1)) > g for lanes, g in zip(choices, groups, strict=True))


def test_lanes_of_a_convolution_are_shared_out_among_channels():
    """More lanes than channels would stand idle, whatever the frame's size."""
    frame = Convolution((1, 28, 28), 3, padding=1, pool=2)
    shape = NetworkShape((LayerShape(784, 32, frame), LayerShape(32 * 14 * 14, 10)), 10, "rate")
    found = allocate(shape, np.array([800.0, 5000.0]), AcceleratorConfig((1, 1)), device("vcu118"))
    assert found.lanes == (32, 10)


def test_a_convolution_that_cannot_fit_says_what_is_missing_and_by_how_much():
    frame = Convolution((64, 16, 16), 3, padding=1)
    shape = NetworkShape((LayerShape(64 * 256, 512, frame), LayerShape(512 * 256, 10)), 4, "rate")
    spikes = np.array([9000.0, 20000.0])
    found = allocate(shape, spikes, AcceleratorConfig((1, 1)), ARTY)
    worst, second, *_ = shortfalls(ARTY, found.area)
    assert found.violation == worst.excess > second.excess > 0
    with pytest.raises(DesignError) as caught:
        require_allocation(shape, spikes, AcceleratorConfig((1, 1)), ARTY)
    message = str(caught.value)
    assert "does not fit arty-a7-35t" in message
    for short, words in ((worst, "block RAMs of 36 kbit of 50"), (second, "LUTs of 20800")):
        assert f"{short.needed:g} {words} ({short.needed - short.available:g} too many)" in message


@pytest.mark.parametrize("luts", [2000, 2300, 2600])
def test_in_the_sequential_schedule_no_other_lanes_that_fit_are_measured_faster(luts):
    """Not expected but counted cycles, of bursts that make layers of the pipelined schedule wait."""
    net = convolutional(lanes=(1, 1, 1), schedule="sequential")
    inputs = inputs_of(net, samples=6)
    inputs[:, ::2] &= inputs[:, 1::2]
    found = run(net, inputs)
    shape, spikes = shape_of(net), count(net, found, inputs).spikes.mean(axis=0)
    target = replace(ARTY, luts=luts)
    chosen = require_allocation(shape, spikes, net.config, target)
    measured = {}
    for lanes in itertools.product(*(range(1, layer.channels + 1) for layer in shape.layers)):
        config = replace(net.config, lanes=lanes)
        if violation(target, area(assumed_resources(shape, config))) == 0:
            measured[lanes] = count(replace(net, config=config), found, inputs).total.mean()
    assert 5 < len(measured) < 5 * 8 * 10
    assert measured[chosen.lanes] == min(measured.values())


def test_a_larger_device_is_never_slower():
    shape, spikes = fully_connected((784, 128, 10), 25, "rate"), np.array([2000.0, 300.0])
    config = AcceleratorConfig((1, 1))
    totals = []
    for luts in (2500, 4000, 8000, 20000):
        found = require_allocation(shape, spikes, config, replace(ARTY, luts=luts))
        assert found.area.luts <= luts
        totals.append(found.cycles)
    assert totals == sorted(totals, reverse=True)
    assert totals[0] > 2 * totals[-1]


def test_a_network_that_cannot_fit_says_what_is_missing_and_by_how_much():
    shape, spikes = fully_connected((784, 2048, 10), 25, "rate"), np.array([2000.0, 300.0])
    config = AcceleratorConfig((1, 1), weight_bits=8, leak="shift")
    found = allocate(shape, spikes, config, ARTY)
    assert found.area.bram36 > 300
    assert found.violation == pytest.approx(found.area.bram36 / 50 - 1)
    missing = found.area.bram36 - 50
    with pytest.raises(DesignError, match=rf"block RAMs of 36 kbit of 50 \({missing:g} too many\)") as caught:
        require_allocation(shape, spikes, config, ARTY)
    assert caught.value.exit_code == 2


def test_the_violation_grows_with_the_network():
    sizes = [fully_connected((784, width, 10), 25, "rate") for width in (1024, 1536, 2048, 4096)]
    config = AcceleratorConfig((1, 1))
    excess = [allocate(shape, np.array([500.0, 100.0]), config, ARTY).violation for shape in sizes]
    assert excess == sorted(excess)
    assert len(set(excess)) == 4
    assert excess[0] > 0


def test_spikes_of_another_network_are_refused():
    with pytest.raises(InputError, match=r"shape \(4,\) for 2 layers"):
        allocate(fully_connected((8, 4, 2), 5, "rate"), np.ones(4), AcceleratorConfig((1, 1)), ARTY)
    with pytest.raises(InputError, match="spikes holds nan"):
        allocate(
            fully_connected((8, 4, 2), 5, "rate"), np.array([1.0, np.nan]), AcceleratorConfig((1, 1)), ARTY
        )


def test_an_accelerator_that_cannot_be_built_is_refused():
    with pytest.raises(DesignError, match="chunk_bits = 0"):
        allocate(
            fully_connected((8, 4, 2), 5, "rate"), np.ones(2), AcceleratorConfig((1, 1), chunk_bits=0), ARTY
        )


def test_the_chosen_lanes_are_the_fastest_measured_ones_too():
    """Expected cycles order allocations as measured ones do, on real spike trains of a random network."""
    net, inputs, labels = make()
    spikes = np.array(price_net(net, inputs, labels).spikes_per_layer[:-1])
    target = replace(ARTY, luts=900, dsps=8)
    found = allocate(shape_of(net), spikes, net.config, target)
    chosen = _measured(net, found.lanes, inputs, labels)
    others = []
    for lanes in itertools.product(lane_choices(14), lane_choices(5)):
        built = assumed_resources(shape_of(net), replace(net.config, lanes=lanes))
        if violation(target, area(built)) == 0:
            others.append(_measured(net, lanes, inputs, labels))
    assert len(others) > 5
    assert chosen <= min(others) * 1.1


def _measured(net, lanes, inputs, labels):
    return price_net(replace(net, config=replace(net.config, lanes=lanes)), inputs, labels).cycles


@pytest.mark.parametrize(
    ("budget", "used", "excess"),
    [
        ((100, 100, 2, 4), (100, 100, 2, 4), 0),
        ((100, 100, 2, 4), (150, 110, 2, 4), 0.5),
        ((100, 100, 0.5, 0), (1, 1, 1.0, 0), 1.0),
        ((100, 100, 0.5, 0), (1, 1, 0, 1), 1.0),
    ],
)
def test_the_violation_is_the_share_missing_of_the_worst_resource(budget, used, excess):
    target = replace(ARTY, **dict(zip(RESOURCES, budget, strict=True)))
    found = Area(**dict(zip(RESOURCES, used, strict=True)), layer_luts=(), shared_luts=0)
    assert violation(target, found) == pytest.approx(excess)
    assert (violation(target, found) > 0) == bool(shortfalls(target, found))


@pytest.mark.parametrize("name", DEVICES)
def test_every_device_has_budgets_and_a_source(name):
    found = device(name)
    assert found.source
    assert all(getattr(found, resource) >= 0 for resource in RESOURCES)
    assert found.luts > 0
    assert found.clock_mhz > 0


def test_unknown_devices_are_refused():
    with pytest.raises(InputError, match="'pynq' is unknown"):
        device("pynq")

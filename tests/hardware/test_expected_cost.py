import numpy as np
import pytest

from benchmarks.hardware.cases import cases, clock_cases
from hardware.assumed import assumed_resources
from hardware.devices import area_on, device
from hardware.energy import Activity, energy
from hardware.expected import entering_and_own, expected, expected_scan, expected_taps
from hardware.expected_cost import expected_cost, expected_costs
from hardware.expected_terms import cycle_terms
from hardware.network import AcceleratorConfig
from hardware.shape import fully_connected, shape_of
from spikefront.errors import DesignError, InputError

MEASURES = ("cycles", "latency_us", "energy_uj")
RESOURCES = ("luts", "ffs", "bram36", "dsps")
CASES = [*cases(48, seed=21), *clock_cases(16, seed=22)]


def spikes_of(net, *shape, seed=0):
    """Mean spikes that enter each layer, and leave the last, anywhere between none and all."""
    most = np.array([n * net.time_steps for n in net.sizes], dtype=np.float64)
    return np.random.default_rng(seed).random((*shape, len(most))) * most


@pytest.mark.parametrize("model", ["asic_45nm", "fpga_7series"])
@pytest.mark.parametrize("name", [None, "ice40-hx8k"])
def test_costs_are_energy_and_area_of_what_is_expected(model, name):
    """The remembered rates give what the energy model gives of the same activity."""
    target = device(name) if name else None
    for case in CASES:
        net, config = shape_of(case.net), case.net.config
        spikes = spikes_of(net, 3)
        built, total = assumed_resources(net, config), expected(net, spikes, config)
        scan, taps = expected_scan(net, spikes, config), expected_taps(net, spikes, config)
        own = entering_and_own(cycle_terms(net, config), spikes)[1]
        spent = energy(built, Activity(taps, scan, total, echoes=own), model).total_uj
        found = expected_cost(net, spikes, config, energy_model=model, target=target)
        assert found.cycles == pytest.approx(total)
        assert found.latency_us == pytest.approx(total / config.clock_mhz)
        assert found.energy_uj == pytest.approx(spent, rel=1e-9), case.name
        used = area_on(target, built)
        assert [getattr(found, r) for r in RESOURCES] == [getattr(used, r) for r in RESOURCES]


@pytest.mark.parametrize("layers", [1, 2, 3])
def test_many_designs_cost_what_each_costs_alone(layers):
    """Families, schedules, encodings, recurrent and convolutional networks side by side."""
    some = [case.net for case in CASES if len(case.net.layers) == layers]
    assert len(some) > 8
    designs = [(shape_of(net), net.config) for net in some]
    spikes = np.stack([spikes_of(net, 2, 3, seed=k) for k, (net, _) in enumerate(designs)], axis=2)
    many = expected_costs(designs, spikes)
    for k, (net, config) in enumerate(designs):
        one = expected_cost(net, spikes[:, :, k], config)
        for name in MEASURES:
            assert getattr(many, name)[:, :, k] == pytest.approx(getattr(one, name), rel=1e-12)
            assert getattr(one, name).shape == (2, 3)
        assert [getattr(many, name)[k] for name in RESOURCES] == [getattr(one, name) for name in RESOURCES]


def test_designs_may_share_spikes():
    net = fully_connected((40, 24, 10), 6, "rate")
    configs = [AcceleratorConfig(lanes=lanes) for lanes in ((1, 1), (4, 2), (24, 10))]
    found = expected_costs([(net, config) for config in configs], np.array([[50.0, 30.0]]))
    assert found.latency_us.shape == found.luts.shape == (3,)
    assert list(found.latency_us) == sorted(found.latency_us, reverse=True)
    assert list(found.luts) == sorted(found.luts)


def test_designs_of_different_depth_are_refused():
    nets = [fully_connected(sizes, 6, "rate") for sizes in ((8, 4), (8, 6, 4))]
    designs = [(net, AcceleratorConfig(lanes=(1,) * len(net.layers))) for net in nets]
    with pytest.raises(InputError, match=r"2 designs have \[1, 2\] layers"):
        expected_costs(designs, np.ones((2, 2)))
    with pytest.raises(InputError, match="0 designs"):
        expected_costs([], np.ones((0, 2)))


def test_what_cannot_be_built_or_priced_is_refused():
    net = fully_connected((8, 6, 4), 6, "rate")
    with pytest.raises(DesignError, match="weight_bits = 99"):
        expected_cost(net, np.ones(2), AcceleratorConfig(lanes=(1, 1), weight_bits=99))
    with pytest.raises(InputError, match="unknown"):
        expected_cost(net, np.ones(2), AcceleratorConfig(lanes=(1, 1)), energy_model="none")
    with pytest.raises(InputError, match=r"shape \(1, 4\) for 2 layers"):
        expected_cost(net, np.ones(4), AcceleratorConfig(lanes=(1, 1)))


@pytest.mark.parametrize("strange", [float("nan"), -1.0])
def test_spikes_that_cannot_be_are_refused(strange):
    net = fully_connected((8, 6, 4), 6, "rate")
    with pytest.raises(InputError, match=f"spikes holds {strange:g}"):
        expected_cost(net, np.array([[1.0, 2.0], [strange, 2.0]]), AcceleratorConfig(lanes=(1, 1)))

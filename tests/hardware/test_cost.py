import dataclasses
import json

import numpy as np
import pytest

from hardware.cost import expected_cost, price, price_many, price_net
from hardware.cycles import count
from hardware.network import AcceleratorConfig, TrainedLayer, TrainedNetwork
from hardware.quantize import quantize
from hardware.reference import run
from spikefront.errors import DesignError, InputError

CONFIG = AcceleratorConfig(lanes=(4, 5))


@pytest.fixture(scope="module")
def trained():
    rng = np.random.default_rng(2)
    layers = tuple(
        TrainedLayer(rng.normal(0.1, 0.4, (n_out, n_in)), 0.9, 1.0, "subtract")
        for n_in, n_out in ((40, 24), (24, 10))
    )
    return TrainedNetwork(layers, 6, "rate")


@pytest.fixture(scope="module")
def samples():
    rng = np.random.default_rng(3)
    inputs = (rng.random((60, 6, 40)) < 0.2).astype(np.uint8)
    inputs[:6] = 0
    return inputs, rng.integers(0, 10, 60)


def test_a_price_states_what_was_measured(trained, samples):
    inputs, labels = samples
    cost = price(trained, CONFIG, inputs, labels)
    net = quantize(trained, CONFIG)
    reference = run(net, inputs)
    report = count(net, reference, inputs)
    assert cost.samples == 60
    assert cost.accuracy == np.mean(reference.predicted == labels)
    assert cost.latency_us == pytest.approx(report.total.mean() / 100)
    assert cost.latency_us_p99 == pytest.approx(np.percentile(report.total, 99) / 100)
    assert cost.latency_us_p99 > cost.latency_us
    assert cost.silent_fraction == np.mean(reference.spikes[-1].sum(axis=(1, 2)) == 0) >= 0.1
    assert cost.spikes_per_layer[0] == pytest.approx(inputs.sum() / 60)
    assert cost.spikes_per_layer[1:] == pytest.approx([s.sum() / 60 for s in reference.spikes])
    assert cost.load_cycles == 6 * 2
    assert sum(cost.energy_by_part_uj.values()) == pytest.approx(cost.energy_uj)
    assert sum(cost.energy_by_place_uj.values()) == pytest.approx(cost.energy_uj)


def test_a_price_is_plain_json(trained, samples):
    cost = price(trained, CONFIG, *samples)
    plain = cost.as_dict()
    assert json.loads(json.dumps(plain)) == plain
    assert plain["config"]["lanes"] == [4, 5]
    assert plain["energy_model"] == "asic_45nm"


def test_many_prices_are_the_single_ones(trained, samples):
    configs = [
        dataclasses.replace(CONFIG, lanes=lanes, chunk_bits=chunk, clock_mhz=clock)
        for lanes, chunk, clock in (((1, 1), 32, 100.0), ((24, 10), 16, 100.0), ((8, 2), 7, 250.0))
    ]
    assert price_many(trained, configs, *samples) == [price(trained, config, *samples) for config in configs]
    assert price_many(trained, [], *samples) == []


def test_configurations_with_other_spikes_do_not_share_a_run(trained, samples):
    narrow = dataclasses.replace(CONFIG, weight_bits=4)
    with pytest.raises(DesignError, match="price them one by one"):
        price_many(trained, [CONFIG, narrow], *samples)


def test_what_is_expected_from_mean_spikes_is_near_the_price(trained, samples):
    inputs, labels = samples
    cost = price(trained, CONFIG, inputs[6:], labels[6:])
    mean = np.array(cost.spikes_per_layer[:-1])
    found = expected_cost((40, 24, 10), 6, "rate", np.stack([mean, mean * 0.5]), CONFIG)
    assert found.latency_us[0] == pytest.approx(cost.latency_us, rel=0.05)
    assert found.energy_uj[0] == pytest.approx(cost.energy_uj, rel=0.1)
    assert found.luts == pytest.approx(cost.luts, rel=0.15)
    assert found.bram36 == cost.bram36
    assert found.latency_us[1] < found.latency_us[0]
    assert found.energy_uj[1] < found.energy_uj[0]


def test_the_energy_model_is_named_and_refused_when_unknown(trained, samples):
    assert price(trained, CONFIG, *samples, energy_model="fpga_7series").energy_model == "fpga_7series"
    with pytest.raises(InputError, match="unknown"):
        price(trained, CONFIG, *samples, energy_model="none")


@pytest.mark.parametrize("labels", [np.zeros(59, dtype=int), np.zeros((60, 1), dtype=int), np.zeros(60)])
def test_labels_that_do_not_fit_are_refused(trained, samples, labels):
    with pytest.raises(InputError, match="one integer class per sample"):
        price(trained, CONFIG, samples[0], labels)
    with pytest.raises(InputError, match="one integer class per sample"):
        price_net(quantize(trained, CONFIG), samples[0], labels)


def test_a_configuration_that_cannot_be_built_is_refused(trained, samples):
    with pytest.raises(DesignError, match="for 2 layers"):
        expected_cost((40, 24, 10), 6, "rate", np.ones(2), AcceleratorConfig(lanes=(4,)))
    with pytest.raises(DesignError, match="at least 1"):
        price_many(trained, [CONFIG, dataclasses.replace(CONFIG, lanes=(0, 5))], *samples)

import dataclasses
import json

import numpy as np
import pytest
import torch

from hardware.cost import price, price_many, price_net
from hardware.cycles import count
from hardware.expected_cost import expected_cost
from hardware.network import AcceleratorConfig, TrainedLayer, TrainedNetwork
from hardware.quantize import quantize
from hardware.reference import run
from hardware.shape import fully_connected
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


def test_tensors_are_priced_as_arrays_are(trained, samples):
    tensors = [torch.from_numpy(part) for part in samples]
    for family in ("event_driven", "clock_driven"):
        config = dataclasses.replace(CONFIG, family=family)
        assert price(trained, config, *tensors) == price(trained, config, *samples)


def test_configurations_with_other_spikes_do_not_share_a_run(trained, samples):
    narrow = dataclasses.replace(CONFIG, weight_bits=4)
    with pytest.raises(DesignError, match="price them one by one"):
        price_many(trained, [CONFIG, narrow], *samples)


def test_what_is_expected_from_mean_spikes_is_near_the_price(trained, samples):
    inputs, labels = samples
    cost = price(trained, CONFIG, inputs[6:], labels[6:])
    mean = np.array(cost.spikes_per_layer[:-1])
    found = expected_cost(fully_connected((40, 24, 10), 6, "rate"), np.stack([mean, mean * 0.5]), CONFIG)
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


@pytest.mark.parametrize("strange", [-1, 10**9])
def test_labels_that_number_no_class_are_refused(trained, samples, strange):
    labels = samples[1].copy()
    labels[7] = strange
    with pytest.raises(InputError, match=f"A label is {strange}, outside 0..65535"):
        price(trained, CONFIG, samples[0], labels)


def test_a_configuration_that_cannot_be_built_is_refused(trained, samples):
    with pytest.raises(DesignError, match="for 2 layers"):
        expected_cost(fully_connected((40, 24, 10), 6, "rate"), np.ones(2), AcceleratorConfig(lanes=(4,)))
    with pytest.raises(DesignError, match="at least 1"):
        price_many(trained, [CONFIG, dataclasses.replace(CONFIG, lanes=(0, 5))], *samples)


KEPT = [
    ((784, 128, 10), 25, "rate", {"lanes": (16, 10)}, (15962.172, 1.780235, 3040, 957, 28.5, 26)),
    (
        (784, 128, 10),
        25,
        "rate",
        {"lanes": (32, 5), "schedule": "sequential", "leak": "shift"},
        (8869.668, 1.728855, 4875, 1377, 30.0, 0),
    ),
    ((64, 64, 10), 16, "direct", {"lanes": (16, 10)}, (567.111, 0.02854731, 3749, 806, 3.5, 26)),
    (
        (196, 64, 32, 10),
        25,
        "latency",
        {"lanes": (64, 8, 3), "weight_bits": 6, "chunk_bits": 16},
        (846.181, 0.06840228, 6228, 1874, 7.0, 75),
    ),
    (
        (784, 128, 10),
        100,
        "rate",
        {"lanes": (128, 10), "family": "clock_driven", "weight_bits": 4, "membrane_bits": 6, "leak": "shift"},
        (78767.0, 16.984229, 8962, 5043, 18.0, 0),
    ),
    (
        (64, 40, 20, 10),
        8,
        "direct",
        {"lanes": (7, 20, 1), "family": "clock_driven", "input_bits": 5},
        (3480.859, 0.02940291, 2565, 831, 3.5, 28),
    ),
    ((20, 8), 1, "rate", {"lanes": (99,)}, (16.1215766, 4.0000778e-05, 815, 358, 0, 8)),
]


@pytest.mark.parametrize(("sizes", "steps", "encoding", "config", "kept"), KEPT)
def test_expected_costs_of_fully_connected_networks_are_kept(sizes, steps, encoding, config, kept):
    """Recorded before convolutional and recurrent layers had expected costs; one input in ten spikes."""
    spikes = 0.1 * steps * np.array(sizes[:-1])
    found = expected_cost(fully_connected(sizes, steps, encoding), spikes, AcceleratorConfig(**config))
    costs = (found.cycles, found.energy_uj, found.luts, found.ffs, found.bram36, found.dsps)
    assert costs == pytest.approx(kept, rel=1e-6)

import dataclasses

import numpy as np
import pytest
import torch
from trained_simulation import simulate

from hardware import reference
from hardware.network import AcceleratorConfig
from hardware.quantize import check_network, quantize
from models.batches import encode_splits
from models.datasets import load
from models.decoders import Responses, SpikeDecoder, fit, predict
from models.encoders import Code
from models.plasticity import PlasticNetwork
from models.stdp import StdpRule, StdpSettings, StdpSpec
from models.stdp_record import deployed
from models.stdp_training import responses, train_stdp
from spikefront.errors import SpecError
from workers.networks import trained_network

CODE = Code("rate", 40, peak_rate=0.2)
RULE = StdpRule(nu_post=0.02, trace_decay=0.9, norm=10.0, theta_plus=0.04)
SPEC = StdpSpec(64, 10, CODE, neurons=50, threshold=4.0, inhibition=12.0, rule=RULE)


@pytest.fixture(scope="module")
def data():
    digits = load("digits", seed=0)
    train, validation = digits.train, digits.validation
    return encode_splits((train.inputs, train.labels), (validation.inputs, validation.labels), CODE, 1)


@pytest.fixture(scope="module")
def result(data):
    return train_stdp(SPEC, StdpSettings(epochs=2, batch_size=8), data)


@pytest.fixture(scope="module")
def doubled(result):
    network = result.network
    return PlasticNetwork(network.spec, network.weight.double(), network.theta.double())


@pytest.mark.parametrize("cap", [None, 0.7])
def test_plain_neurons_fire_as_those_that_learnt(data, doubled, result, cap):
    network = dataclasses.replace(doubled, spec=dataclasses.replace(SPEC, inhibition_cap=cap))
    record = deployed(network, result.decoder)
    assert cap is None or record.layers[0].recurrent.min() == pytest.approx(-cap)
    spikes, _ = simulate(record, data.validation.samples())
    seen = Responses.of(torch.from_numpy(spikes[0].transpose(1, 0, 2)))
    expected = responses(network, data.validation)
    assert np.array_equal(seen.sample, expected.sample)
    assert np.array_equal(seen.neuron, expected.neuron)
    assert expected.sample.size > 2 * expected.samples


@pytest.mark.parametrize("name", ["all", "vote"])
def test_the_readout_counts_what_the_decoder_adds_up(data, doubled, name):
    answers = responses(doubled, data.validation)
    labels = data.validation.labels
    decoder = fit(name, answers, labels, 10)
    record = deployed(doubled, decoder)
    counts = simulate(record, data.validation.samples())[0][-1].sum(axis=1)
    evidence = decoder.scores(answers) * (CODE.time_steps / decoder.top)
    assert evidence.max() == pytest.approx(CODE.time_steps)
    assert (counts <= np.ceil(evidence)).all()
    assert (counts >= evidence - 2 * record.layers[-1].weight.max() - 1).mean() > 0.95
    right, exact = counts.argmax(axis=1) == labels, predict(decoder, answers) == labels
    assert right.mean() >= exact.mean() - 0.02


@pytest.mark.parametrize("bits", [8, 12, 16])
def test_the_integer_network_is_about_as_good(data, result, bits):
    network = trained_network(result.weights)
    check_network(network)
    config = AcceleratorConfig((1, 1), weight_bits=bits, membrane_bits=20, leak_bits=12)
    run = reference.run(quantize(network, config), data.validation.samples())
    accuracy = (run.predicted == data.validation.labels).mean()
    assert accuracy >= result.validation_accuracy - (0.06 if bits == 8 else 0.02)


def test_orders_of_spikes_cannot_be_built(result, data):
    decoder = fit("2gram", responses(result.network, data.validation), data.validation.labels, 10)
    with pytest.raises(SpecError, match="'2gram' needs a memory of which neurons fired last"):
        _ = dataclasses.replace(result, decoder=decoder).weights


def test_a_readout_without_evidence_is_refused(result):
    none = SpikeDecoder(np.zeros((10, 50)), 0.0)
    with pytest.raises(SpecError, match="nothing to count"):
        deployed(result.network, none)

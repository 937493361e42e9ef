import dataclasses

import numpy as np
import pytest
import torch

from models.batches import Batch
from models.encoders import Code
from models.plasticity import PlasticNetwork, traces, weight_change
from models.stdp import StdpRule, StdpSpec

STEPS, INPUTS, NEURONS = 40, 9, 5
RULE = StdpRule(nu_post=0.05, nu_pre=0.01, trace_decay=0.8, norm=2.0, theta_plus=0.1, theta_decay=0.97)


def spec_of(**changes):
    values = {"neurons": NEURONS, "beta": 0.9, "threshold": 0.8, "inhibition": 0.6, "refractory_steps": 2}
    return StdpSpec(INPUTS, 3, Code("rate", STEPS), **({"rule": RULE} | values | changes))


def network_of(spec, seed=0):
    network = PlasticNetwork.start(spec, seed)
    network.weight, network.theta = network.weight.double(), network.theta.double()
    return network


def batch_of(samples, seed=0, density=0.25):
    spikes = np.random.default_rng(seed).random((STEPS, samples, INPUTS)) < density
    return Batch(torch.from_numpy(spikes.astype(np.float32)), None, torch.zeros(samples, dtype=torch.int64))


class StepByStep:
    """The published rule in plain loops: a neuron, a sample and a step at a time."""

    def __init__(self, network):
        self.spec, self.rule = network.spec, network.spec.rule
        self.w = network.weight.numpy().copy()
        self.theta = network.theta.numpy().copy()

    def present(self, batch, learning):
        samples = batch.inputs.shape[1]
        states = [Sample() for _ in range(samples)]
        raised = self.theta.copy()
        change = np.zeros_like(self.w)
        for step in range(STEPS):
            fired = np.zeros(NEURONS)
            for state, x in zip(states, batch.inputs[step].numpy(), strict=True):
                s = self.step(state, x, raised if learning else self.theta, learning)
                fired += s
                change += self.change(state, x, s)
            raised = raised * self.rule.theta_decay + self.rule.theta_plus * fired
        if learning:
            self.theta = raised
            self.w = np.minimum(np.maximum(self.w + change, 0), 1)
            self.w *= self.rule.norm / self.w.sum(axis=1, keepdims=True)
        return np.array([state.spikes for state in states])

    def step(self, state, x, theta, learning):
        spec, s = self.spec, np.zeros(NEURONS)
        able = {}
        for i in range(NEURONS):
            drive = sum(self.w[i, j] for j in range(INPUTS) if x[j])
            inhibition = spec.inhibition
            if spec.inhibition_cap is not None and not learning:
                inhibition = min(inhibition, spec.inhibition_cap * (spec.threshold + theta[i]))
            drive -= inhibition * sum(state.last[k] for k in range(NEURONS) if k != i)
            resting = state.rest[i] > 0
            state.m[i] = (0 if state.last[i] else spec.beta * state.m[i]) + (0 if resting else drive)
            if state.m[i] > spec.threshold + theta[i] and not resting:
                able[i] = state.m[i] - spec.threshold - theta[i]
        winners = sorted(able, key=lambda i: (-able[i], i))[:1] if learning else able
        for i in range(NEURONS):
            s[i] = i in winners
            state.rest[i] = spec.refractory_steps if s[i] else max(state.rest[i] - 1, 0)
        state.last = s
        state.spikes.append(s)
        return s

    def change(self, state, x, s):
        decay = self.rule.trace_decay
        state.a = np.where(x > 0, 1.0, decay * state.a)
        state.b = np.where(s > 0, 1.0, decay * state.b)
        return self.rule.nu_post * np.outer(s, state.a) - self.rule.nu_pre * np.outer(state.b, x)


class Sample:
    def __init__(self):
        self.m, self.rest, self.last, self.b = (np.zeros(NEURONS) for _ in range(4))
        self.a = np.zeros(INPUTS)
        self.spikes = []


@pytest.mark.parametrize("samples", [1, 4])
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"refractory_steps": 0},
        {"inhibition": 0.0},
        {"inhibition_cap": 0.3},
        {"beta": 1.0, "threshold": 2.0},
    ],
)
def test_equals_the_rule_step_by_step(samples, changes):
    network = network_of(spec_of(**changes))
    slow = StepByStep(network)
    fired = 0
    for seed in range(6):
        batch = batch_of(samples, seed)
        expected = slow.present(batch, learning=True)
        spikes = network.learn(batch).numpy().transpose(1, 0, 2)
        assert np.array_equal(spikes, expected)
        np.testing.assert_allclose(network.weight.numpy(), slow.w, rtol=0, atol=1e-12)
        np.testing.assert_allclose(network.theta.numpy(), slow.theta, rtol=0, atol=1e-12)
        fired += spikes.sum()
    assert fired > 20 * samples
    batch = batch_of(samples, seed=99)
    answers = network.respond(batch).numpy().transpose(1, 0, 2)
    assert np.array_equal(answers, slow.present(batch, learning=False))
    if changes.get("inhibition") == 0.0:
        assert answers.sum(axis=2).max() > 1  # where nothing is learnt, several may fire at once


def test_one_neuron_at_most_fires_per_step_while_learning():
    spikes = network_of(spec_of(inhibition=0.0)).learn(batch_of(8))
    assert spikes.sum(dim=2).max() == 1


def test_answering_moves_nothing():
    network = network_of(spec_of())
    before = network.weight.clone(), network.theta.clone()
    network.respond(batch_of(4))
    assert torch.equal(network.weight, before[0])
    assert torch.equal(network.theta, before[1])


def test_inputs_that_are_left_out_change_nothing():
    batch = batch_of(4)
    columns = torch.tensor([0, 2, 3, 7])
    mask = torch.zeros(INPUTS).index_fill(0, columns, 1.0)
    whole, part = network_of(spec_of()), network_of(spec_of())
    spikes = whole.learn(Batch(batch.inputs * mask, None, batch.labels))
    assert torch.equal(part.learn(Batch(batch.inputs[..., columns], columns, batch.labels)), spikes)
    torch.testing.assert_close(part.weight, whole.weight, rtol=0, atol=1e-12)
    assert spikes.sum() > 0


def test_weights_stay_at_their_sum_and_bounds():
    harsh = dataclasses.replace(RULE, nu_post=5.0, nu_pre=2.0)
    network = network_of(spec_of(rule=harsh))
    for seed in range(5):
        network.learn(batch_of(4, seed))
        assert (network.weight >= 0).all()
        np.testing.assert_allclose(network.weight.sum(dim=1).numpy(), harsh.norm)
    assert network.finite()


def test_a_neuron_that_lost_all_its_weights_stays_without():
    network = network_of(spec_of(rule=dataclasses.replace(RULE, nu_post=0.0, nu_pre=100.0)))
    network.learn(batch_of(4))
    assert (network.weight.sum(dim=1) == 0).any()
    assert network.finite()


def test_traces_and_changes_by_hand():
    inputs, spikes = torch.zeros(4, 1, 2), torch.zeros(4, 1, 1)
    inputs[0, 0, 0] = inputs[2, 0, 0] = inputs[3, 0, 1] = 1
    spikes[1, 0, 0] = spikes[2, 0, 0] = 1
    assert traces(inputs, 0.5)[:, 0, 0].tolist() == [1.0, 0.5, 1.0, 0.5]
    rule = StdpRule(nu_post=1.0, nu_pre=0.1, trace_decay=0.5)
    gained = [0.5 + 1.0, 0.0]  # at the output spikes of steps 1 and 2
    lost = [0.0 + 1.0, 0.5]  # at the input spikes of steps 0 and 2, and of step 3
    expected = [g - 0.1 * one for g, one in zip(gained, lost, strict=True)]
    assert weight_change(inputs, spikes, rule)[0].tolist() == pytest.approx(expected)


def test_a_seed_gives_one_start():
    first, second, other = (PlasticNetwork.start(spec_of(), seed) for seed in (3, 3, 4))
    assert torch.equal(first.weight, second.weight)
    assert not torch.equal(first.weight, other.weight)

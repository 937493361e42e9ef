"""Spike-timing-dependent plasticity of one layer of competing neurons, for batches of samples.

The network of Diehl and Cook ("Unsupervised learning of digit recognition using spike-timing-dependent
plasticity", Frontiers in Computational Neuroscience 9:99, 2015), with current-based neurons and with its
one-to-one inhibitory layer folded into lateral weights: a spike inhibits all other neurons one step later.
Per time step t, with r[t] = s[t-1], input spikes x[t] and neuron i::

    m_i[t] = (1 - r_i[t]) beta m_i[t-1] + sum_j w_ij x_j[t] - inhibition * sum_{k != i} r_k[t]
    s_i[t] = m_i[t] > threshold + theta_i

A neuron neither takes its current nor fires in the refractory steps behind its spike. These are the equations
of the accelerators (``hardware.network.TrainedLayer``), reset "zero"; where nothing is learnt, inhibition is
``min(inhibition, inhibition_cap * (threshold + theta_i))``. Only while learning does theta move, and only the
neuron that is furthest above its threshold fires in a step (the lowest on ties)::

    theta_i[t+1] = theta_decay theta_i[t] + theta_plus * (spikes of i in step t, over the batch)

Weights move with traces of the spikes (Morrison, Diesmann and Gerstner 2008, Biological Cybernetics 98:459,
all pairs of nearest neighbours): a trace is 1 at a spike and decays by trace_decay per step otherwise, so an
input's trace a_j and a neuron's trace b_i see the spikes of their own step. Behind a batch, which is
presented with fixed weights::

    w_ij <- w_ij + nu_post sum_t s_i[t] a_j[t] - nu_pre sum_t b_i[t] x_j[t]       summed over samples too
    w_ij <- min(max(w_ij, 0), 1), then every neuron's weights are scaled to the sum ``norm``

A batch of one sample is the published online rule, with its changes applied behind the sample.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from models.batches import Batch
from models.stdp import StdpRule, StdpSpec


@dataclass
class PlasticNetwork:
    """The layer and what it learnt.

    Attributes:
        spec: its constants.
        weight: from input (column) to neuron (row), (N, n), 0..1 before normalisation.
        theta: what each neuron's threshold has risen by (N,).
    """

    spec: StdpSpec
    weight: Tensor
    theta: Tensor

    @classmethod
    def start(cls, spec: StdpSpec, seed: int) -> "PlasticNetwork":
        """Weights uniform over 0..1, scaled to ``norm``."""
        generator = torch.Generator().manual_seed(seed)
        weight = torch.rand(spec.neurons, spec.inputs, generator=generator)
        network = cls(spec, weight, torch.zeros(spec.neurons))
        network.normalise()
        return network

    def learn(self, batch: Batch) -> Tensor:
        """Present a batch and move weights and thresholds; spikes (T, B, N)."""
        inputs, columns = batch.inputs.to(self.weight), batch.columns
        spikes, self.theta = present(self, inputs, columns, learning=True)
        seen = self.weight if columns is None else self.weight[:, columns]
        moved = (seen + weight_change(inputs, spikes, self.spec.rule)).clamp_(0.0, 1.0)
        if columns is None:
            self.weight = moved
        else:
            self.weight[:, columns] = moved
        self.normalise()
        return spikes

    def respond(self, batch: Batch) -> Tensor:
        """Spikes (T, B, N) of the network as it is deployed: nothing moves, any neuron may fire."""
        return present(self, batch.inputs.to(self.weight), batch.columns, learning=False)[0]

    def limits(self) -> Tensor:
        """Thresholds as they have become (N,)."""
        return self.spec.threshold + self.theta

    def inhibition(self) -> Tensor:
        """What each neuron is inhibited by per spike where nothing is learnt (N,)."""
        most, cap = torch.full_like(self.theta, self.spec.inhibition), self.spec.inhibition_cap
        return most if cap is None else torch.minimum(most, cap * self.limits())

    def normalise(self) -> None:
        """Scale every neuron's weights to their sum; a neuron without any keeps none."""
        total = self.weight.sum(dim=1, keepdim=True).clamp_min_(torch.finfo(self.weight.dtype).tiny)
        self.weight *= self.spec.rule.norm / total

    def finite(self) -> bool:
        """Whether every weight and threshold is a finite number."""
        return bool(torch.isfinite(self.weight).all() & torch.isfinite(self.theta).all())


def present(
    network: PlasticNetwork, inputs: Tensor, columns: Tensor | None, *, learning: bool
) -> tuple[Tensor, Tensor]:
    """Run a batch with fixed weights.

    Args:
        network: not changed.
        inputs: spikes (T, B, k), of the weights' type.
        columns: which inputs those are (k,); None for all.
        learning: whether thresholds rise, and one neuron at most fires per sample and step.

    Returns:
        spikes (T, B, N) and the thresholds' rise afterwards (N,).
    """
    spec, weight = network.spec, network.weight
    weight = weight if columns is None else weight[:, columns]
    drive = inputs @ weight.T
    spikes = torch.zeros_like(drive)
    membrane, fired, rest = (torch.zeros_like(drive[0]) for _ in range(3))
    theta, limit = network.theta, network.limits()
    inhibition = spec.inhibition if learning else network.inhibition()
    for arriving, out in zip(drive, spikes, strict=True):
        current = arriving - inhibition * (fired.sum(dim=1, keepdim=True) - fired)
        current *= rest <= 0
        membrane = current.add_(membrane * (1.0 - fired), alpha=spec.beta)
        excess = membrane - limit
        able = (excess > 0) & (rest <= 0)
        fired = _winner(excess, able) if learning else able.to(drive)
        rest = torch.where(fired > 0, float(spec.refractory_steps), rest - 1.0)
        out.copy_(fired)
        if learning:
            theta = theta * spec.rule.theta_decay + spec.rule.theta_plus * fired.sum(dim=0)
            limit = theta + spec.threshold
    return spikes, theta


def weight_change(inputs: Tensor, spikes: Tensor, rule: StdpRule) -> Tensor:
    """What a batch adds to the weights (N, k), from input spikes (T, B, k) and the neurons' (T, B, N)."""
    step, sample, neuron = torch.nonzero(spikes, as_tuple=True)
    # few neurons fire, so adding their rows of traces is cheaper than a matrix product
    causes = traces(inputs, rule.trace_decay)[step, sample]
    change = torch.zeros(spikes.shape[2], inputs.shape[2], dtype=inputs.dtype, device=inputs.device)
    change.index_add_(0, neuron, causes, alpha=rule.nu_post)
    if rule.nu_pre:
        after = traces(spikes, rule.trace_decay).flatten(0, 1)
        change -= rule.nu_pre * (after.T @ inputs.flatten(0, 1))
    return change


def traces(spikes: Tensor, decay: float) -> Tensor:
    """The trace of every spike train (T, ...): 1 at a spike, decaying behind it."""
    out = torch.empty_like(spikes)
    trace = torch.zeros_like(spikes[0])
    for now, kept in zip(spikes, out, strict=True):
        trace = torch.maximum(now, trace * decay, out=kept)
    return out


def _winner(excess: Tensor, able: Tensor) -> Tensor:
    """The one neuron of those able to fire (B, N) that is furthest above its threshold, lowest on ties."""
    best = torch.where(able, excess, -torch.inf).argmax(dim=1, keepdim=True)
    return torch.zeros_like(excess).scatter_(1, best, 1.0) * able

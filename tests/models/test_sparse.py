import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from models.folding import training_stages
from models.network import Pass, run
from models.parameters import initial_network
from models.sparse import DENSEST, SparseSpikes
from models.specification import NetworkSpec, NeuronSpec
from models.trained import in_double


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    shape=st.tuples(st.integers(1, 6), st.integers(1, 5), st.integers(1, 70)),
    n_out=st.integers(1, 9),
)
def test_equals_the_dense_product_and_its_gradient(seed, shape, n_out):
    generator = torch.Generator().manual_seed(seed)
    spikes = torch.rand(shape, generator=generator) < DENSEST / 3
    listed = SparseSpikes.of(spikes.to(torch.uint8))
    if listed is None:
        assert spikes.double().mean() > DENSEST
        return
    weight = torch.randn(n_out, shape[2], generator=generator, dtype=torch.float64).requires_grad_()
    found, expected = listed.times(weight), torch.nn.functional.linear(spikes.double(), weight)
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)
    arriving = torch.randn(expected.shape, generator=generator, dtype=torch.float64)
    gradients = [torch.autograd.grad(each, weight, arriving)[0] for each in (found, expected)]
    torch.testing.assert_close(*gradients, rtol=1e-12, atol=1e-12)


def test_no_spike_at_all():
    weight = torch.randn(3, 4, requires_grad=True)
    product = SparseSpikes.of(torch.zeros(2, 5, 4, dtype=torch.uint8)).times(weight)
    assert torch.equal(product, torch.zeros(2, 5, 3))
    product.sum().backward()
    assert torch.equal(weight.grad, torch.zeros(3, 4))


def test_many_spikes_are_not_listed():
    assert SparseSpikes.of(torch.ones(2, 5, 4, dtype=torch.uint8)) is None


@pytest.mark.parametrize("changes", [{}, {"bias": True}, {"batch_norm": True}], ids=str)
@pytest.mark.parametrize("layout", ["9-4", "9r-4"])
@pytest.mark.parametrize("columns", [None, torch.arange(0, 60, 2)])
def test_a_network_computes_the_same_of_listed_spikes(layout, columns, changes):
    spec = NetworkSpec(layout, (60,), 6, neuron=NeuronSpec(threshold=0.05), **changes)
    network = in_double(initial_network(spec, 0))
    weights = [tensor.requires_grad_() for layer in network.layers for tensor in (layer.weight,)]
    generator = torch.Generator().manual_seed(0)
    spikes = torch.rand(6, 40, 60 if columns is None else 30, generator=generator) < 0.03
    assert SparseSpikes.of(spikes.to(torch.uint8)) is not None
    outcomes = []
    for inputs in (spikes.to(torch.uint8), spikes.double()):
        counts = run(training_stages(network), inputs, Pass(6), columns).output.counts
        outcomes.append((counts, *torch.autograd.grad(counts.square().sum(), weights)))
    assert outcomes[0][0].sum() > 20
    for listed, dense in zip(*outcomes, strict=True):
        torch.testing.assert_close(listed, dense, rtol=1e-9, atol=1e-9)

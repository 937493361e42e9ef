import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from models.kernel_choice import chosen
from models.packed import DENSEST, PackedSpikes
from models.sparse import SparseSpikes, listed_spikes

pytestmark = pytest.mark.skipif(chosen().kernel is None, reason="there is no compiled product")


def spikes_of(shape, share, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return (torch.rand(shape, generator=generator) < share).to(torch.uint8)


@settings(max_examples=80, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    shape=st.tuples(
        st.integers(1, 6), st.sampled_from([1, 5, 128, 130]), st.sampled_from([1, 7, 8, 9, 128, 129, 300])
    ),
    n_out=st.sampled_from([1, 9, 15, 16, 17, 63, 64, 65, 128, 130, 200]),
    share=st.floats(0.0, DENSEST / 2),
    dtype=st.sampled_from([torch.float32, torch.float64]),
)
def test_equals_the_dense_product_and_its_gradient(seed, shape, n_out, share, dtype):
    spikes = spikes_of(shape, share, seed)
    listed = PackedSpikes.of(spikes, chosen().kernel)
    if listed is None:
        assert spikes.double().mean() > DENSEST
        return
    generator = torch.Generator().manual_seed(seed)
    weight = torch.randn(n_out, shape[2], generator=generator, dtype=torch.float64).requires_grad_()
    expected = torch.nn.functional.linear(spikes.double(), weight)
    arriving = torch.randn(expected.shape, generator=generator, dtype=torch.float64)
    expected_gradient = torch.autograd.grad(expected, weight, arriving)[0]
    given_weight = weight.detach().to(dtype).requires_grad_()
    found = listed.times(given_weight)
    found_gradient = torch.autograd.grad(found, given_weight, arriving.to(dtype))[0]
    tolerance = 1e-12 if dtype == torch.float64 else 1e-4
    torch.testing.assert_close(found.double(), expected, rtol=tolerance, atol=tolerance)
    torch.testing.assert_close(found_gradient.double(), expected_gradient, rtol=tolerance, atol=tolerance)


def unlisted(listed, rows, inputs):
    """The spikes (rows, inputs) that a list tells of; in every word, rows with fewer spikes come first."""
    spikes = np.zeros((rows, inputs), dtype=np.uint8)
    counts, order, places = (each.tolist() for each in (listed.counts, listed.order, listed.places))
    for chunk in range(0, rows, 256):
        for word in range(0, inputs, 64):
            last = min(256, rows - chunk)
            found, counts = counts[:last], counts[last:]
            assert found == sorted(found)
            for row, count in zip(order[:last], found, strict=True):
                spikes[chunk + row, [word + place for place in places[:count]]] = 1
                places = places[count:]
            order = order[last:]
    assert counts == places == []
    return spikes


@pytest.mark.parametrize("shape", [(1, 40, 300), (9, 31, 64), (2, 300, 65), (5, 64, 7)])
def test_lists_what_spikes_and_where(shape):
    spikes = spikes_of(shape, 0.2)
    listed = PackedSpikes.of(spikes, chosen().kernel)
    rows, flat = shape[0] * shape[1], spikes.flatten(0, 1).numpy()
    assert np.array_equal(unlisted(listed.by_row, rows, shape[2]), flat)
    assert np.array_equal(unlisted(listed.by_input, shape[2], rows), flat.T)


@pytest.mark.parametrize("n_out", [5, 64, 130])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_weights_of_several_networks_give_what_each_would(n_out, dtype):
    listed = PackedSpikes.of(spikes_of((3, 90, 100), 0.1), chosen().kernel)
    weights = torch.randn(4, n_out, 100, dtype=dtype).requires_grad_()
    arriving = torch.randn(4, 3, 90, n_out, dtype=dtype)
    found = listed.times(weights)
    found.backward(arriving)
    for place in range(4):
        own = weights[place].detach().requires_grad_()
        alone = listed.times(own)
        alone.backward(arriving[place])
        assert torch.equal(found[place], alone)
        assert torch.equal(weights.grad[place], own.grad)


def test_takes_any_memory_order():
    spikes, weight = spikes_of((6, 5, 40), 0.1), torch.randn(7, 40)
    turned, kernel = spikes.transpose(0, 1), chosen().kernel
    expected = PackedSpikes.of(turned.contiguous(), kernel).times(weight)
    assert torch.equal(PackedSpikes.of(turned, kernel).times(weight.T.contiguous().T), expected)


def test_many_spikes_and_none():
    kernel = chosen().kernel
    assert PackedSpikes.of(torch.ones(2, 5, 4, dtype=torch.uint8), kernel) is None
    silent = PackedSpikes.of(torch.zeros(2, 5, 4, dtype=torch.uint8), kernel)
    weight = torch.randn(3, 4, requires_grad=True)
    silent.times(weight).sum().backward()
    assert torch.equal(silent.times(weight), torch.zeros(2, 5, 3))
    assert torch.equal(weight.grad, torch.zeros(3, 4))


def test_is_used_where_it_can_be(monkeypatch):
    spikes = spikes_of((4, 5, 60), 0.02)
    assert isinstance(listed_spikes(spikes, torch.zeros(1)), PackedSpikes)
    assert isinstance(listed_spikes(spikes, torch.zeros(1, dtype=torch.bfloat16)), SparseSpikes)
    monkeypatch.setenv("SPIKEFRONT_SCAN", "torch")
    assert isinstance(listed_spikes(spikes, torch.zeros(1)), SparseSpikes)

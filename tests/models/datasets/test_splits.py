import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.datasets.samples import Part
from models.datasets.splits import hold_out, per_class_counts, stratified_rows, subset_rows
from spikefront.errors import DataError


def part_of(labels):
    labels = np.asarray(labels, dtype=np.int64)
    return Part(np.arange(len(labels), dtype=np.float32)[:, None], labels)


label_lists = st.lists(st.integers(0, 4), min_size=2, max_size=200)


@settings(max_examples=100, deadline=None)
@given(labels=label_lists, share=st.floats(0, 1), seed=st.integers(0, 1000))
def test_a_stratified_subset_keeps_every_class_share_to_within_one(labels, share, seed):
    labels = np.array(labels)
    total = round(len(labels) * share)
    rows = stratified_rows(labels, total, seed)
    assert len(rows) == len(set(rows)) == total
    for label, size in zip(*np.unique(labels, return_counts=True), strict=True):
        assert abs((labels[rows] == label).sum() - size * total / len(labels)) < 1


@settings(max_examples=50, deadline=None)
@given(labels=label_lists, fraction=st.floats(0.01, 0.99), seed=st.integers(0, 1000))
def test_holding_out_loses_and_doubles_no_sample(labels, fraction, seed):
    part = part_of(labels)
    if not 0 < round(len(part) * fraction) < len(part):
        with pytest.raises(DataError, match="leaves one side empty"):
            hold_out(part, fraction, seed)
        return
    kept, held = hold_out(part, fraction, seed)
    together = np.concatenate([kept.images, held.images]).ravel()
    assert sorted(together) == list(range(len(part)))
    assert np.array_equal(kept.labels, part.labels[kept.images.ravel().astype(int)])


def test_the_seed_alone_decides():
    part = part_of(np.arange(100) % 5)
    first, again, other = (hold_out(part, 0.2, seed)[1].images for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("fraction", [0.0, 1.0, -0.5, float("nan")])
def test_impossible_fractions(fraction):
    with pytest.raises(DataError, match="give a fraction between 0 and 1"):
        hold_out(part_of(np.zeros(10)), fraction, 0)


def test_subsets():
    labels = np.arange(100) % 5
    assert np.array_equal(subset_rows(labels, None, 0), np.arange(100))
    assert np.array_equal(subset_rows(labels, 500, 0), np.arange(100))
    assert np.bincount(labels[subset_rows(labels, 25, 0)]).tolist() == [5] * 5
    with pytest.raises(DataError, match="max_train is 0"):
        subset_rows(labels, 0, 0)


def test_remainders_go_to_the_largest_first():
    assert per_class_counts(np.array([0] * 5 + [1] * 3 + [2] * 2), 5) == {0: 3, 1: 1, 2: 1}

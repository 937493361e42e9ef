import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from snntorch import spikegen

from models.datasets.events import join
from models.encoders import Code, changes_of, encode, resampled, spikes_of
from spikefront.errors import SpecError

LABELS = np.arange(6, dtype=np.int64)


def images_of(values):
    return np.array(values, dtype=np.float32)


def random_images(count=6, width=13, seed=0):
    return np.random.default_rng(seed).random((count, width), dtype=np.float32)


class TestRate:
    def test_zero_never_and_one_always_spikes(self):
        images = images_of([[0.0, 1.0]] * 50)
        spikes = spikes_of(images, Code("rate", 400), np.random.SFC64(1))
        assert not spikes[:, :, 0].any()
        assert spikes[:, :, 1].all()

    @pytest.mark.parametrize("value", [1 / 255, 0.1, 0.5, 254 / 255])
    def test_probability_equals_the_value(self, value):
        draws = 400_000
        spikes = spikes_of(
            np.full((1000, 4), value, np.float32), Code("rate", draws // 4000), np.random.SFC64(2)
        )
        deviation = np.sqrt(value * (1 - value) / draws)
        assert abs(spikes.mean() - value) < 5 * deviation

    def test_a_peak_rate_scales_every_probability(self):
        images = images_of([[0.0, 0.5, 1.0]] * 2000)
        rates = spikes_of(images, Code("rate", 50, peak_rate=0.2), np.random.SFC64(4)).mean(axis=(0, 1))
        assert rates == pytest.approx([0.0, 0.1, 0.2], abs=5 * np.sqrt(0.2 * 0.8 / 1e5))

    def test_steps_pixels_and_samples_are_independent(self):
        spikes = spikes_of(np.full((200, 20), 0.5, np.float32), Code("rate", 100), np.random.SFC64(3)) - 0.5
        bound = 5 * 0.25 / np.sqrt(spikes.size)
        assert abs((spikes[1:] * spikes[:-1]).mean()) < bound
        assert abs((spikes[:, :, 1:] * spikes[:, :, :-1]).mean()) < bound
        assert abs((spikes[:, 1:] * spikes[:, :-1]).mean()) < bound


class TestLatency:
    @settings(max_examples=40, deadline=None)
    @given(
        images=hnp.arrays(np.float32, (3, 7), elements=st.floats(np.float32(1e-6), 1.0, width=32)),
        time_steps=st.integers(2, 60),
    )
    def test_equals_snntorch_where_no_pixel_is_zero(self, images, time_steps):
        ours = spikes_of(images, Code("latency", time_steps), np.random.SFC64(0))
        theirs = spikegen.latency(torch.from_numpy(images), num_steps=time_steps, normalize=True, linear=True)
        assert np.array_equal(ours, theirs.numpy())

    def test_a_zero_pixel_gives_no_spike(self):
        spikes = spikes_of(images_of([[0.0, 1.0, 0.5]]), Code("latency", 5), np.random.SFC64(0))
        assert spikes.sum(axis=0).tolist() == [[0, 1, 1]]
        assert spikes.argmax(axis=0).tolist() == [[0, 0, 2]]

    def test_one_time_step(self):
        spikes = spikes_of(images_of([[0.0, 0.2, 1.0]]), Code("latency", 1), np.random.SFC64(0))
        assert spikes.tolist() == [[[0, 1, 1]]]


@pytest.mark.parametrize("encoding", ["rate", "latency"])
class TestEncodedSpikes:
    def test_packing_keeps_every_spike(self, encoding):
        images = random_images()
        encoded = encode(images, LABELS, Code(encoding, 9), seed=4)
        expected = spikes_of(images, Code(encoding, 9), np.random.SFC64(4))
        assert np.array_equal(encoded.batch(slice(None)), expected)
        assert np.array_equal(encoded.samples(), expected.transpose(1, 0, 2))

    def test_rows_are_those_of_the_whole(self, encoding):
        encoded = encode(random_images(), LABELS, Code(encoding, 5), seed=4)
        rows = np.array([4, 0, 4])
        assert np.array_equal(encoded.batch(rows), encoded.batch(slice(None))[:, rows])
        assert np.array_equal(encoded.samples(slice(2, 4)), encoded.samples()[2:4])

    def test_equal_arguments_give_equal_bits(self, encoding):
        first = encode(random_images(), LABELS, Code(encoding, 5), seed=4)
        second = encode(random_images(), LABELS, Code(encoding, 5), seed=4)
        assert np.array_equal(first.data, second.data)
        assert first.data.dtype == np.uint8


class TestDelta:
    @settings(max_examples=60, deadline=None)
    @given(
        steps=hnp.arrays(np.float32, (2, 12, 3), elements=st.floats(0, 1, width=32)),
        threshold=st.sampled_from([0.05, 0.1, 0.25]),
    )
    def test_equals_step_forward_encoding_written_out(self, steps, threshold):
        spikes = changes_of(steps, Code("delta", 12, threshold))
        for sample, channel in np.ndindex(2, 3):
            reference = steps[sample, 0, channel]
            for time in range(12):
                change = steps[sample, time, channel] - reference
                up, down = change >= threshold, change <= -threshold
                assert spikes[time, sample, channel] == up
                assert spikes[time, sample, 3 + channel] == down
                reference += np.float32(threshold) * np.float32(int(up) - int(down))

    @settings(max_examples=40, deadline=None)
    @given(slopes=st.lists(st.floats(-0.1, 0.1), min_size=2, max_size=30))
    def test_a_slow_series_is_followed_to_within_the_threshold(self, slopes):
        series = np.clip(0.5 + np.cumsum([0, *slopes]), 0, 1).astype(np.float32)[None, :, None]
        spikes = changes_of(series, Code("delta", series.shape[1], 0.1)).astype(int)
        followed = series[0, 0, 0] + 0.1 * np.cumsum(spikes[:, 0, 0] - spikes[:, 0, 1])
        assert np.abs(followed - series[0, :, 0]).max() < 0.1 + 1e-5

    def test_resampling_is_linear_and_keeps_the_ends(self):
        series = np.linspace(0, 1, 5, dtype=np.float32)[None, :, None]
        for time_steps in (1, 2, 5, 17):
            expected = np.linspace(0, 1, time_steps) if time_steps > 1 else [0]
            assert np.allclose(resampled(series, time_steps)[0, :, 0], expected, atol=1e-6)

    def test_a_series_of_one_step_never_changes(self):
        assert not changes_of(np.ones((1, 1, 2), np.float32), Code("delta", 4)).any()

    def test_packing_keeps_every_spike(self):
        series = np.random.default_rng(0).integers(0, 256, (6, 20, 5)).astype(np.uint8)
        encoded = encode(series, LABELS, Code("delta", 9), seed=0)
        assert encoded.width == 10
        assert np.array_equal(encoded.batch(slice(None)), changes_of(series, Code("delta", 9)))


@pytest.mark.parametrize(
    ("encoding", "inputs", "word"),
    [
        ("delta", random_images(), "is not for images; choose rate or latency or direct"),
        ("rate", np.zeros((6, 3, 4), np.uint8), "is not for series; choose delta"),
        ("direct", join([(np.zeros(1), np.zeros(1))] * 6, 4, 10), "is not for events; choose events"),
    ],
)
def test_encodings_of_another_kind_are_refused(encoding, inputs, word):
    with pytest.raises(SpecError, match=word):
        encode(inputs, LABELS, Code(encoding, 3), seed=0)


def test_another_seed_draws_other_spikes():
    one, two = (encode(random_images(), LABELS, Code("rate", 5), seed=seed) for seed in (0, 1))
    assert not np.array_equal(one.data, two.data)


def test_many_blocks_of_samples_continue_one_stream():
    width, time_steps = 4096, 64  # 16 MiB of noise hold 32 samples, so 70 samples take three blocks
    images = random_images(70, width)
    labels = np.zeros(70, dtype=np.int64)
    encoded = encode(images, labels, Code("rate", time_steps), seed=5)
    spikes = encoded.batch(slice(None))
    assert len(np.unique(spikes[:, :, 0].T, axis=0)) == 70  # no block repeats another
    assert abs(spikes.mean() - images.mean()) < 1e-3


def test_direct_leaves_values_unchanged():
    images = random_images()
    encoded = encode(images, LABELS, Code("direct", 5), seed=0)
    assert np.array_equal(encoded.samples(), images)
    assert encoded.batch(np.array([1])).shape == (1, 13)


@pytest.mark.parametrize("bad", [-0.1, 1.5, float("nan")])
def test_values_outside_the_range_are_refused(bad):
    images = random_images()
    images[2, 3] = bad
    with pytest.raises(SpecError, match=r"scale them to 0\.\.1"):
        encode(images, LABELS, Code("rate", 3), seed=0)


def test_impossible_codes():
    with pytest.raises(SpecError, match="encoding 'sigma' is unknown"):
        Code("sigma", 3)
    with pytest.raises(SpecError, match="delta_threshold is 0; give a change above 0"):
        Code("delta", 3, 0)
    for rate in (0.0, 1.5, float("nan")):
        with pytest.raises(SpecError, match="peak_rate"):
            Code("rate", 3, peak_rate=rate)
    with pytest.raises(SpecError, match="time_steps is 0"):
        Code("rate", 0)
    with pytest.raises(SpecError, match="'direct' has no spikes"):
        spikes_of(random_images(), Code("direct", 3), np.random.SFC64(0))

import io
import os
import tarfile
import wave
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from models.datasets import load
from models.datasets.filterbank import HOP_US, crossings, log_energies, mel_filters
from spikefront.errors import DataError

RATE = 8000


def tone(hertz, seconds=0.3):
    time = np.arange(int(RATE * seconds)) / RATE
    return (8000 * np.sin(2 * np.pi * hertz * time)).astype(np.int16)


def wav_bytes(sound, rate=RATE, width=2):
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(width)
        writer.setframerate(rate)
        writer.writeframes(sound.tobytes())
    return file.getvalue()


class TestFilterBank:
    @pytest.mark.parametrize("bands", [4, 32, 64, 128])
    def test_every_filter_sums_to_one(self, bands):
        filters = mel_filters(bands)
        assert filters.shape == (bands, 129)
        assert np.allclose(filters.sum(axis=1), 1.0)
        assert (np.diff(filters.argmax(axis=1)) >= 0).all()

    def test_centres_are_equally_spaced_in_mel(self):
        filters = mel_filters(16)
        hertz = (filters * np.arange(129) * RATE / 256).sum(axis=1)
        mel = 2595 * np.log10(1 + hertz / 700)
        step = (2595 * np.log10(1 + 4000 / 700) - 2595 * np.log10(1 + 100 / 700)) / 17
        assert np.allclose(np.diff(mel), step, rtol=0.25)

    @pytest.mark.parametrize("hertz", [300, 1000, 3000])
    def test_a_tone_is_loudest_in_its_band(self, hertz):
        energies = log_energies(tone(hertz), 32)
        assert len(energies) == (0.3 * RATE - 200) // 40 + 1
        assert (energies.argmax(axis=1) == mel_filters(32)[:, round(hertz / RATE * 256)].argmax()).all()
        assert energies.max() == 1.0

    def test_loudness_does_not_matter(self):
        assert np.allclose(log_energies(tone(700), 16), log_energies(tone(700) // 4, 16), atol=0.02)

    def test_sound_shorter_than_a_frame_has_no_frames(self):
        assert log_energies(np.zeros(199, np.int16), 8).shape == (0, 8)


class TestCrossings:
    def test_a_ramp_crosses_every_level_at_its_time(self):
        ramp = np.linspace(0, 1, 11, dtype=np.float32)[:, None]  # 5 dB a frame
        times, bands, rises = crossings(ramp)
        assert np.abs(times - HOP_US * np.array([2, 4, 6, 8, 10])).max() <= 1
        assert bands.tolist() == [0] * 5
        assert rises.tolist() == [1] * 5

    def test_a_jump_crosses_several_levels_in_one_frame(self):
        times, _, rises = crossings(np.array([[0.0], [0.4], [0.0]], np.float32))
        assert np.abs(times - np.array([0.5, 1.0, 1.5, 2.0]) * HOP_US).max() <= 1
        assert rises.tolist() == [1, 1, 0, 0]

    def test_noise_around_a_level_makes_no_spikes(self):
        wobble = np.array([0.0, 0.21, 0.19, 0.21, 0.19, 0.21], np.float32)[:, None]
        assert crossings(wobble)[2].tolist() == [1]

    @settings(max_examples=60, deadline=None)
    @given(energies=hnp.arrays(np.float32, (15, 3), elements=st.floats(0, 1, width=32)))
    def test_the_spikes_follow_the_energy_to_within_a_level(self, energies):
        times, bands, rises = crossings(energies)
        assert (np.diff(times) >= 0).all()
        level = np.zeros(3)
        np.add.at(level, bands, 2 * rises - 1)
        assert np.abs(level - energies[-1].astype(float) * 5).max() < 1 + 1e-6


def write_fsdd(folder, indices=8):
    folder.mkdir(parents=True)
    for digit in range(10):
        for index in range(indices):
            sound = tone(200 + 300 * digit, 0.2 + 0.02 * index)
            (folder / f"{digit}_anna_{index}.wav").write_bytes(wav_bytes(sound))


@pytest.mark.parametrize("packed", [False, True])
def test_the_published_layout(tmp_path, packed):
    write_fsdd(tmp_path / "FSDD" / "recordings")
    if packed:
        with tarfile.open(tmp_path / "recordings.tar.gz", "w:gz") as archive:
            archive.add(tmp_path / "FSDD" / "recordings", "recordings")
        (tmp_path / "FSDD").rename(tmp_path / "elsewhere")
    splits = load("fsdd", tmp_path, options={"bands": 12})
    assert splits.shape == (2, 12)
    assert (len(splits.train) + len(splits.validation), len(splits.test)) == (30, 50)
    loudest = []
    for row in range(len(splits.test)):
        addresses = splits.test.inputs[np.array([row])].address.astype(int)
        loudest.append(np.bincount(addresses[addresses >= 12] - 12, minlength=12).argmax())
    order = np.argsort(splits.test.labels, kind="stable")
    assert (np.diff(np.array(loudest)[order]) >= 0).all()  # higher tones, higher bands


def test_spikes_do_not_depend_on_the_other_recordings(tmp_path):
    write_fsdd(tmp_path / "many" / "recordings")
    write_fsdd(tmp_path / "few" / "recordings", indices=7)
    many, few = (load("fsdd", tmp_path / name) for name in ("many", "few"))
    assert np.array_equal(many.test.inputs.time_us, few.test.inputs.time_us)
    assert np.array_equal(many.test.inputs.address, few.test.inputs.address)


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("3_anna_0.wav", b"RIFF", r"3_anna_0\.wav is no wav file"),
        ("3_anna_0.wav", wav_bytes(tone(500), rate=16000), "1 channels of 16 bits at 16000 Hz"),
        ("three.wav", wav_bytes(tone(500)), "is not named DIGIT_SPEAKER_INDEX"),
    ],
)
def test_unfit_recordings_are_named(tmp_path, name, content, reason):
    write_fsdd(tmp_path / "recordings")
    (tmp_path / "recordings" / name).write_bytes(content)
    with pytest.raises(DataError, match=reason):
        load("fsdd", tmp_path)


def test_the_real_recordings():
    root = os.environ.get("SPIKEFRONT_DATA")
    if not root or not (Path(root) / "FSDD").is_dir():
        pytest.skip("SPIKEFRONT_DATA names no folder with FSDD")
    splits = load("fsdd", root)
    assert set(np.bincount(splits.test.labels)) == {30}
    assert set(np.bincount(splits.train.labels) + np.bincount(splits.validation.labels)) == {270}
    spikes = np.diff(splits.train.inputs.offsets)
    assert 50 < np.median(spikes) < 500

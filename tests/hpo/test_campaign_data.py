"""[data] of a campaign: options and encodings that fit the set, and data that must not change."""

import numpy as np
import pytest

from hpo import runs
from hpo.campaign import CampaignSpec
from hpo.home import Home
from spikefront.errors import DataError, SpecError
from tests.models.datasets.small_sets import write_nmnist


def campaign(data, **tables):
    return {
        "name": "events",
        "data": data,
        "space": {"beta": {"type": "float", "low": 0.5, "high": 0.9}},
        "objectives": {"accuracy": {"reference": 0.5}},
        "budget": {"trials": 3},
    } | tables


EVENTS = {"fixed": {"encoding": "events"}}


def test_options_are_part_of_the_campaign():
    data = {"set": "nmnist", "downsample": 2, "denoise_us": 5000, "polarity": "merge", "duration_ms": 100}
    spec = CampaignSpec.from_mapping(campaign(data, **EVENTS))
    assert CampaignSpec.from_mapping(spec.as_json()) == spec
    options = dict(spec.campaign_data("folder").options)
    assert options == {key: value for key, value in data.items() if key != "set"}


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ({"set": "mnist", "downsample": 2}, "'mnist' has no option 'downsample': it takes no option; leave"),
        (
            {"set": "nmnist", "bands": 8},
            "no option 'bands': it takes downsample, denoise_us, polarity, durat",
        ),
        ({"set": "nmnist", "polarity": "on"}, "data.polarity"),
        ({"set": "nmnist", "downsample": 0}, "data.downsample"),
    ],
)
def test_options_that_do_not_fit_are_refused(data, reason):
    with pytest.raises(SpecError, match=reason):
        CampaignSpec.from_mapping(campaign(data, **EVENTS))


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        (campaign({"set": "nmnist"}), "fixed.encoding: .* 'nmnist' holds events, .* give 'events'"),
        (campaign({"set": "digits"}, **EVENTS), "holds images, .* give 'rate' or 'latency' or 'direct'"),
        (
            campaign(
                {"set": "braille"},
                space={"encoding": {"type": "categorical", "choices": ["delta", "rate"]}},
            ),
            "space.encoding: the data set 'braille' holds series, which 'rate' does not encode: give 'delta'",
        ),
    ],
)
def test_encodings_of_another_kind_are_refused(values, reason):
    with pytest.raises(SpecError, match=reason):
        CampaignSpec.from_mapping(values)


def test_a_campaign_is_not_resumed_on_other_data(tmp_path):
    folder = tmp_path / "NMNIST"
    write_nmnist(folder)
    home = Home(tmp_path / "home")
    store = home.open()
    spec = CampaignSpec.from_mapping(campaign({"set": "nmnist"}, **EVENTS))
    runs.create(store, spec, str(tmp_path))
    assert runs.open_campaign(store, home, "events", str(tmp_path)).spec == spec
    changed = folder / "Train" / "3" / "00001.bin"
    content = np.frombuffer(changed.read_bytes(), np.uint8).copy()
    content[1] = 30
    changed.write_bytes(content.tobytes())
    with pytest.raises(
        DataError, match=r"has changed since this campaign began .* put the former files back"
    ):
        runs.open_campaign(store, home, "events", str(tmp_path))
    store.close()

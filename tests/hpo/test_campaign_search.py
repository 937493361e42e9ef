"""Starting points, stop rules and warm starts in the campaign file: each fault is told by its key."""

import pytest

from hpo.campaign import CampaignSpec
from spikefront.errors import SpecError
from tests.hpo.toy import SPEC

FIXED = {"fixed": {"hidden_width": 8}, "designs": {"weight_bits": [4, 8]}}


def load(**changes):
    return CampaignSpec.from_mapping(SPEC | changes)


def test_what_is_given_is_kept_as_written():
    text = """
    name = "toy"
    data = { set = "digits" }
    objectives = { accuracy = { reference = 0.1 } }
    budget = { trials = 14 }
    [space.beta]
    type = "float"
    low = 0.4
    high = 0.98
    [space.threshold]
    type = "float"
    low = 0.3
    high = 3.0
    [[start]]
    beta = 0.9
    [[start]]
    beta = 0.8
    threshold = 1.0
    [stop_when]
    hours = 2
    growth = 0.01
    [warm_start]
    campaign = "earlier"
    """
    spec = CampaignSpec.from_text(text, "toml")
    assert spec.start == ({"beta": 0.9}, {"beta": 0.8, "threshold": 1.0})
    assert (spec.stop_when.hours, spec.stop_when.growth, spec.stop_when.within) == (2.0, 0.01, 20)
    assert (spec.warm_start.campaign, spec.warm_start.share) == ("earlier", 0.5)
    assert CampaignSpec.from_mapping(spec.as_json()) == spec


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"start": [{}, {"bta": 0.9}]}, r"start.1: unknown variable 'bta': the space has beta, threshold"),
        ({"start": [{"beta": 1.2}]}, r"start.0: beta = 1.2 is outside 0.4..0.98"),
        ({"start": [{"reset": "never"}]}, r"start.0: reset = 'never' is not a choice"),
        ({"start": [{"hidden_width": 8}], **FIXED}, r"start.0.hidden_width: .* under \[fixed\] already"),
        ({"start": [{"weight_bits": 8}], **FIXED}, r"start.0.weight_bits: .* under \[designs\] already"),
        ({"start": [{}] * 15}, r"start: 15 starting points are more than the 14 trials"),
        ({"stop_when": {}}, r"stop_when: no rule is given: give hours, worker_hours or growth"),
        ({"stop_when": {"hours": 0}}, r"stop_when.hours"),
        ({"stop_when": {"growth": 1.5}}, r"stop_when.growth"),
        ({"stop_when": {"gpu_hours": 1}}, r"stop_when.gpu_hours: unknown key"),
        ({"stop_when": {"growth": 0.1}, "search": "random"}, r"stop_when.growth: a random search expects"),
        ({"warm_start": {"campaign": "toy"}}, r"warm_start.campaign: 'toy' is this campaign itself"),
        ({"warm_start": {"campaign": "x", "share": 2}}, r"warm_start.share"),
    ],
)
def test_a_fault_is_told_by_its_key(changes, words):
    with pytest.raises(SpecError, match=words):
        load(**changes)

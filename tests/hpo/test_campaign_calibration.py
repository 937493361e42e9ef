"""Calibration: right and wrong predictions are told apart, with due care where trials are few."""

import json

import numpy as np
import pytest

from hpo.calibration import EXPECTED, QUANTILES, Share, _feasibility, _of_objective, calibration, lines
from hpo.calibration_plot import calibration_picture, draw_calibration
from hpo.optimizer import forecast
from hpo.why import Held, Why
from tests.hpo.toy import open_toy

NORMAL = dict(zip(QUANTILES, (-1.645, -0.674, 0.0, 0.674, 1.645), strict=True))


def trial(number, measured, factor=1.0, feasible=0.8, held=True):
    """A trial whose outcome was predicted as a standard normal, ``factor`` times as wide."""
    predicted = {"mean": 0.0, **{name: factor * value for name, value in NORMAL.items()}}
    return Why(
        number, "complete", "global", "", feasible, held, "0-0", 0.0, (Held("accuracy", predicted, measured),)
    )


def drawn(count, factor=1.0):
    values = np.random.default_rng(0).standard_normal(count)
    return _of_objective("accuracy", [trial(k, float(v), factor) for k, v in enumerate(values)])


def test_the_quantiles_are_those_that_proposals_store():
    assert QUANTILES == forecast.QUANTILES
    assert sum(EXPECTED) == pytest.approx(1.0)


def test_right_predictions_hold_what_they_say():
    found = drawn(4000)
    assert found.half.value == pytest.approx(0.5, abs=0.03)
    assert found.ninety.value == pytest.approx(0.9, abs=0.02)
    np.testing.assert_allclose(np.array(found.bins) / 4000, EXPECTED, atol=0.03)


@pytest.mark.parametrize(("factor", "words"), [(0.4, "too narrow"), (3.0, "too wide"), (1.0, "as stated")])
def test_the_verdict_follows_the_interval_of_the_share(factor, words):
    (line,) = [text for text in lines(_whole(drawn(200, factor))) if text.startswith("accuracy")]
    assert words in line


def test_few_trials_are_not_judged():
    (line,) = [text for text in lines(_whole(drawn(19, 0.1))) if text.startswith("accuracy")]
    assert line.endswith("over 19 trials: too few to judge")
    assert "no outcome of a prediction yet" in lines(_whole(drawn(0)))[0]


def _whole(objective):
    from hpo.calibration import Calibration

    return Calibration((objective,), (), None)


def test_the_interval_of_a_share_is_wilsons():
    # Of 81 hits in 263 trials: Newcombe, Statistics in Medicine 17, 1998, table I, method 3.
    assert Share(81, 263).interval == pytest.approx((0.2553, 0.3662), abs=1e-3)
    low, high = Share(20, 20).interval
    assert (round(low, 4), high) == (0.8389, 1.0)
    assert Share(0, 0).interval == (0.0, 1.0)


def test_stated_chances_are_held_against_what_held():
    rng = np.random.default_rng(1)
    chances = rng.random(3000)
    trials = [trial(k, 0.0, feasible=float(p), held=bool(rng.random() < p)) for k, p in enumerate(chances)]
    bands, brier = _feasibility([*trials, trial(9999, 0.0, feasible=None), trial(9999, 0.0, held=None)])
    assert [band.stated for band in bands] == pytest.approx([0.1, 0.3, 0.5, 0.7, 0.9], abs=0.02)
    assert all(abs(band.held.value - band.stated) < 0.06 for band in bands)
    assert sum(band.held.count for band in bands) == 3000
    assert brier == pytest.approx(1 / 6, abs=0.01)  # the mean of p (1 - p)


def test_a_campaign_with_known_noise_is_well_calibrated(foretold):
    """32 predictions each: the share inside lies where 32 draws of a right model do in 999 of 1000 cases."""
    found = calibration(foretold.store, "toy")
    assert [one.objective for one in found.objectives] == ["accuracy", "latency_us"]
    for one in found.objectives:
        assert one.ninety.count > 15
        low, high = np.quantile(
            np.random.default_rng(0).binomial(one.ninety.count, 0.9, 20000), [5e-4, 0.9995]
        )
        assert low <= one.ninety.hits <= high
        assert sum(one.bins) == len(one.pairs) == one.ninety.count == one.half.count
    ended = [t for t in foretold.store.trials("toy") if t.proposal["feasible"] is not None]
    assert sum(band.held.count for band in found.bands) == len(ended)
    assert json.loads(json.dumps(found.as_dict()))["objectives"]["accuracy"]["inside_90"]["count"] > 15
    assert "feasibility: " in lines(found)[-1]


def test_it_can_be_drawn(foretold, tmp_path):
    found = calibration(foretold.store, "toy")
    draw_calibration(found, "toy", tmp_path / "new" / "calibration.png")
    assert (tmp_path / "new" / "calibration.png").read_bytes().startswith(b"\x89PNG")
    assert b"<svg" in calibration_picture(found, "toy", "svg")


def test_a_campaign_without_trials_has_nothing_to_hold_against(tmp_path):
    found = calibration(open_toy(tmp_path).store, "toy")
    assert (found.bands, found.brier) == ((), None)
    assert lines(found)[-1].startswith("no trial that a model proposed has ended")
    assert calibration_picture(found, "toy", "png").startswith(b"\x89PNG")

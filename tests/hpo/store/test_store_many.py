"""Questions whose answers stay small where trials are many."""

import pytest
from store_samples import DESIGN, FULL, add

from hpo.paging import each_trial, trial_pages
from hpo.store import DesignResult, Store, TrialResult
from spikefront.errors import NotFoundError


@pytest.fixture
def many(digits: Store) -> Store:
    """Seven trials: three complete with one design that is feasible and one that is not, two silent."""
    for number in range(7):
        add(digits)
        if number < 3:
            digits.finish_trial("digits", number, FULL)
        elif number < 5:
            digits.finish_trial("digits", number, TrialResult("silent"))
    return digits


def test_trials_are_counted_in_any_state(many: Store) -> None:
    many.start_trial("digits", 5)
    many.cancel_queued("digits")
    assert many.trial_count("digits") == 7
    many.create_campaign("empty", {}, 1, {}, {})
    assert many.trial_count("empty") == 0


def test_trials_come_by_their_numbers(many: Store) -> None:
    assert [trial.number for trial in many.trials_numbered("digits", {5, 1, 99, 3})] == [1, 3, 5]
    assert many.trials_numbered("digits", []) == []
    everything = many.trials_numbered("digits", range(-1, 2000))
    assert everything == many.trials("digits")


def test_pages_hold_every_trial_once(many: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hpo.paging.PAGE", 3)
    assert [len(page) for page in trial_pages(many, "digits")] == [3, 3, 1]
    assert list(each_trial(many, "digits")) == many.trials("digits")
    assert [trial.number for trial in each_trial(many, "digits", {"silent"})] == [3, 4]


def test_designs_of_a_range_of_trials(many: Store) -> None:
    assert [design.name for design in many.designs("digits", between=(1, 2))] == ["1-0", "1-1", "2-0", "2-1"]
    assert [d.name for d in many.designs("digits", feasible_only=True, between=(1, 5))] == ["1-0", "2-0"]


def test_points_are_the_measures_of_feasible_designs(many: Store) -> None:
    points = many.points("digits")
    assert [point.name for point in points] == ["0-0", "1-0", "2-0"]
    assert points[0].measures == DESIGN.measures
    assert [point.name for point in many.points("digits", newest=2)] == ["1-0", "2-0"]
    assert [point.name for point in many.points("digits", between=(0, 1))] == ["0-0", "1-0"]
    assert many.feasible_count("digits") == 3


def test_states_of_many_campaigns_are_counted_at_once(many: Store) -> None:
    many.create_campaign("empty", {}, 1, {}, {})
    counts = many.counts_of(["digits", "empty"])
    assert counts == {name: many.counts(name) for name in ("digits", "empty")}
    assert counts["digits"]["complete"] == 3
    assert counts["digits"]["queued"] == 2
    assert set(counts["empty"].values()) == {0}
    assert many.counts_of([]) == {}


def test_campaigns_come_by_the_page(store: Store) -> None:
    names = [f"c{number}" for number in range(5)]
    for name in names:
        store.create_campaign(name, {}, 1, {}, {})
    assert store.campaign_count() == 5
    assert [record.name for record in store.campaigns()] == names[::-1]
    assert [record.name for record in store.campaigns(2, 1)] == ["c3", "c2"]
    assert store.campaigns(2, 5) == []


def test_a_missing_campaign_is_named(digits: Store) -> None:
    for ask in (digits.trial_count, digits.unbeaten, digits.points, digits.feasible_count):
        with pytest.raises(NotFoundError, match="did you mean digits"):
            ask("digit")
    with pytest.raises(NotFoundError, match="did you mean digits"):
        digits.trials_numbered("digit", [1])


def test_a_design_may_have_any_number_of_sisters(digits: Store) -> None:
    designs = [DesignResult({}, {"accuracy": 0.5}, {}, True)] * 48
    digits.finish_trial("digits", add(digits), TrialResult("complete", designs=designs))
    assert digits.feasible_count("digits") == 48


def test_a_metric_is_found_among_all_trials(many: Store) -> None:
    told = {"steps": 3, "recovered": True}
    many.finish_trial("digits", 5, TrialResult("silent", metrics={"audit": told}))
    many.finish_trial("digits", 6, TrialResult("silent", metrics={"note": '"audit"'}))
    assert many.metric("digits", "audit") == [told]
    assert len(many.metric("digits", "accuracy_float")) == 3
    assert many.metric("digits", "%") == []

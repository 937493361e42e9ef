"""Designs that are known to be dominated are left out, and never one of the front."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import text
from store_samples import add

from hpo.pareto import non_dominated
from hpo.store import DesignResult, Store, TrialResult, open_store
from hpo.store.connect import connect_existing, writing
from hpo.store.dominance import mark_all

REFERENCE = {"accuracy": 0.1, "latency_us": 100.0, "energy_uj": 1.0}


def finish(store: Store, measures: Sequence[dict[str, float]], feasible: Sequence[bool]) -> None:
    designs = [DesignResult({}, m, {}, f) for m, f in zip(measures, feasible, strict=True)]
    store.finish_trial("digits", add(store), TrialResult("complete", designs=designs))


def fill(store: Store, seed: int, trials: int = 12) -> None:
    """Trials with up to four designs on a coarse grid, so that many are equal; some break a constraint."""
    rng = np.random.default_rng(seed)
    for _ in range(trials):
        count = int(rng.integers(0, 5))
        drawn = rng.integers(1, 5, (count, 3))
        measures = [
            {"accuracy": a / 8, "latency_us": float(b), "energy_uj": float(c), "luts": 1.0}
            for a, b, c in drawn
        ]
        finish(store, measures, [bool(rng.random() < 0.8) for _ in measures])


def sought(store: Store) -> list[str]:
    """The front, among all designs."""
    feasible = store.designs("digits", feasible_only=True)
    signed = [[-m["accuracy"], m["latency_us"], m["energy_uj"]] for m in (d.measures for d in feasible)]
    keep = non_dominated(np.array(signed).reshape(len(feasible), 3))
    return [design.name for design, kept in zip(feasible, keep, strict=True) if kept]


@pytest.mark.parametrize("seed", range(4))
def test_what_is_left_is_the_front(store: Store, seed: int) -> None:
    store.create_campaign("digits", {}, 7, REFERENCE, {})
    for part in range(3):
        fill(store, 10 * seed + part, 4)
        assert [design.name for design in store.unbeaten("digits")] == sought(store)
        assert [point.name for point in store.points("digits", unbeaten_only=True)] == sought(store)


def test_a_design_of_the_same_trial_counts_and_equal_ones_stay(store: Store) -> None:
    store.create_campaign("digits", {}, 7, {"accuracy": 0.1}, {})
    finish(store, [{"accuracy": value} for value in (0.5, 0.7, 0.7)], [True] * 3)
    finish(store, [{"accuracy": 0.7}, {"accuracy": 0.9}], [True, False])
    assert [design.name for design in store.unbeaten("digits")] == ["0-1", "0-2", "1-0"]


@pytest.mark.parametrize("reference", [{}, {"accuracy": 0.1, "beauty": 1.0}])
def test_without_known_objectives_all_that_are_feasible_stay(
    store: Store, reference: dict[str, float]
) -> None:
    store.create_campaign("digits", {}, 7, reference, {})
    finish(store, [{"accuracy": 0.5}, {"accuracy": 0.7}, {"accuracy": 0.9}], [True, True, False])
    assert [design.name for design in store.unbeaten("digits")] == ["0-0", "0-1"]


def test_a_design_without_a_measure_neither_beats_nor_falls(store: Store) -> None:
    store.create_campaign("digits", {}, 7, REFERENCE, {})
    whole = {"accuracy": 0.5, "latency_us": 2.0, "energy_uj": 2.0}
    finish(store, [whole, {"accuracy": 0.4}], [True, True])
    finish(store, [{"accuracy": 0.9}, {**whole, "latency_us": 1.0}], [True, True])
    assert [design.name for design in store.unbeaten("digits")] == ["0-1", "1-0", "1-1"]


def test_all_designs_of_a_campaign_are_marked_at_once(store: Store, store_url: str) -> None:
    """As after an upgrade from a version that knew no marks."""
    for name in ("digits", "other"):
        store.create_campaign(name, {}, 7, REFERENCE, {})
    fill(store, 3, 30)
    number = store.add_trial("other", {}, 1, {}).number
    designs = [DesignResult({}, dict.fromkeys(REFERENCE, value), {}, True) for value in (1.0, 2.0)]
    store.finish_trial("other", number, TrialResult("complete", designs=designs))
    engine = connect_existing(store_url)
    with writing(engine).begin() as connection:
        connection.execute(text("UPDATE designs SET dominated = false"))
        mark_all(connection, "digits", REFERENCE)
    engine.dispose()
    assert [design.name for design in store.unbeaten("digits")] == sought(store)
    assert len(store.unbeaten("other")) == 2


def test_two_drivers_writes_cannot_hide_a_front(tmp_path: Path) -> None:
    """Marks are compared within the transaction that adds the designs, so no order of writers matters."""
    url = f"sqlite:///{tmp_path / 'store.db'}"
    one, two = open_store(url), open_store(url)
    one.create_campaign("digits", {}, 7, REFERENCE, {})
    for seed in range(6):
        fill((one, two)[seed % 2], seed, 3)
    assert [design.name for design in one.unbeaten("digits")] == sought(two)
    one.close()
    two.close()

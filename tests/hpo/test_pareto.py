import itertools
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hpo.pareto import GrowingFront, HypervolumeScale, Objective, dominates, hypervolume, non_dominated
from spikefront.errors import SpecError


def by_inclusion_exclusion(points, reference):
    """Volume of a union of boxes, summed over every subset of them."""
    total = 0.0
    for size in range(1, len(points) + 1):
        for subset in itertools.combinations(points, size):
            edges = np.clip(reference - np.max(subset, axis=0), 0, None)
            total += (-1) ** (size + 1) * np.prod(edges)
    return total


def clouds(most=6):
    coordinate = st.integers(0, 8).map(lambda k: k / 8) | st.floats(0, 1.2)
    return st.integers(1, 4).flatmap(
        lambda m: st.lists(st.lists(coordinate, min_size=m, max_size=m), min_size=1, max_size=most)
    )


@given(clouds())
def test_hypervolume_equals_inclusion_exclusion(points):
    table = np.array(points)
    reference = np.ones(table.shape[1])
    assert hypervolume(table, reference) == pytest.approx(by_inclusion_exclusion(table, reference), abs=1e-9)


@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")  # on importing gpytorch
@pytest.mark.parametrize("m", [2, 3, 4])
def test_hypervolume_equals_botorch(m):
    torch = pytest.importorskip("torch")
    from botorch.utils.multi_objective.hypervolume import Hypervolume

    rng = np.random.default_rng(m)
    values = rng.normal(size=(40, m))
    reference = np.full(m, 0.7)
    peer = Hypervolume(ref_point=torch.tensor(-reference))
    front = torch.tensor(-values[non_dominated(values)])
    assert hypervolume(values, reference) == pytest.approx(peer.compute(front), rel=1e-9)


@given(clouds(), st.randoms())
def test_hypervolume_ignores_order_and_copies(points, random):
    table = np.array(points)
    reference = np.full(table.shape[1], 1.1)
    shuffled = points * 2
    random.shuffle(shuffled)
    assert hypervolume(np.array(shuffled), reference) == pytest.approx(
        hypervolume(table, reference), abs=1e-12
    )


@given(clouds(), st.data())
def test_hypervolume_never_shrinks_and_dominated_points_add_nothing(points, data):
    table = np.array(points)
    m = table.shape[1]
    reference = np.full(m, 1.1)
    before = hypervolume(table, reference)
    new = np.array([data.draw(st.lists(st.floats(0, 1.2), min_size=m, max_size=m))])
    after = hypervolume(np.vstack([table, new]), reference)
    assert after >= before - 1e-12
    if any(np.all(old <= new[0]) for old in table):
        assert after == pytest.approx(before, abs=1e-12)


@given(clouds(12))
def test_front_is_what_nothing_dominates(points):
    table = np.array(points)
    expected = [not any(dominates(other, point) for other in table) for point in table]
    assert non_dominated(table).tolist() == expected


def test_equal_points_all_stay_on_the_front():
    assert non_dominated(np.array([[1.0, 2.0], [1.0, 2.0], [2.0, 2.0]])).tolist() == [True, True, False]


def test_points_at_the_reference_add_nothing():
    reference = np.array([1.0, 1.0])
    assert hypervolume(np.array([[1.0, -5.0], [-5.0, 1.0]]), reference) == 0.0
    assert hypervolume(np.empty((0, 2)), reference) == 0.0


@pytest.mark.parametrize("values", [np.array([[np.nan, 0.0]]), np.array([[0.0, -np.inf]]), np.zeros((2, 3))])
def test_hypervolume_refuses_what_it_cannot_measure(values):
    with pytest.raises(SpecError):
        hypervolume(values, np.ones(2))


SCALE = HypervolumeScale(
    (
        Objective("accuracy", "max", "linear", 0.5),
        Objective("latency_us", "min", "log", 1000.0),
        Objective("energy_uj", "min", "log", 10.0),
    )
)


def test_scale_counts_accuracy_times_decades():
    one = {"accuracy": 0.9, "latency_us": 10.0, "energy_uj": 1.0}
    assert SCALE.hypervolume([one]) == pytest.approx(0.4 * 2 * 1)
    assert SCALE.hypervolume([one, {**one, "latency_us": 2000.0, "accuracy": 1.0}]) == pytest.approx(0.8)
    assert SCALE.hypervolume([]) == 0.0


def test_scale_finds_the_front():
    points = [
        {"accuracy": 0.9, "latency_us": 10.0, "energy_uj": 1.0},
        {"accuracy": 0.8, "latency_us": 10.0, "energy_uj": 2.0},
        {"accuracy": 0.8, "latency_us": 1.0, "energy_uj": 2.0},
    ]
    assert SCALE.front(points) == [0, 2]
    assert SCALE.front([]) == []


@pytest.mark.parametrize("change", [{"latency_us": 0.0}, {"accuracy": float("nan")}])
def test_scale_refuses_unmeasurable_points(change):
    with pytest.raises(SpecError, match=next(iter(change))):
        SCALE.hypervolume([{"accuracy": 0.9, "latency_us": 10.0, "energy_uj": 1.0, **change}])
    with pytest.raises(SpecError, match="no 'energy_uj'"):
        SCALE.transform([{"accuracy": 0.9, "latency_us": 10.0}])


def test_objective_refuses_an_impossible_reference():
    with pytest.raises(SpecError, match=r"reference 0\.0 must be positive"):
        Objective("latency_us", "min", "log", 0.0)
    with pytest.raises(SpecError, match="each once"):
        HypervolumeScale((Objective("a", "min", "linear", 0.0), Objective("a", "max", "linear", 0.0)))


@settings(max_examples=20)
@given(st.floats(0.01, 100.0), st.floats(0.01, 100.0))
def test_log_volume_depends_on_ratios_alone(latency, factor):
    scales = [HypervolumeScale((Objective("t", "min", "log", 1000.0 * f),)) for f in (1.0, factor)]
    volumes = [
        scale.hypervolume([{"t": latency * f}]) for scale, f in zip(scales, (1.0, factor), strict=True)
    ]
    assert volumes[0] == pytest.approx(volumes[1], abs=1e-9)


@pytest.mark.parametrize("module", ["hpo.space", "hpo.pareto"])
def test_space_and_pareto_start_without_torch(module):
    code = f"import sys, {module}; sys.exit('torch' in sys.modules or 'botorch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@given(clouds(12), st.integers(1, 4))
def test_a_growing_front_has_the_hypervolume_of_all_its_points(points, step):
    table = np.array(points)
    growing = GrowingFront(np.full(table.shape[1], 1.1))
    assert growing.add(None) == 0.0
    for first in range(0, len(table), step):
        volume = growing.add(table[first : first + step])
        expected = hypervolume(table[: first + step], np.full(table.shape[1], 1.1))
        assert volume == pytest.approx(expected, abs=1e-12)


@given(st.integers(0, 10**6), st.integers(1, 60))
def test_hypervolume_of_three_objectives_is_a_sum_of_two_dimensional_slices(seed, n):
    rng = np.random.default_rng(seed)
    table = rng.integers(0, 9, (n, 3)) / 8
    corner = np.array([1.0, 1.0, 1.0])
    depths = np.unique(np.append(table[:, 2], 1.0))
    slices = [
        hypervolume(table[table[:, 2] <= low][:, :2], corner[:2]) * (high - low)
        for low, high in itertools.pairwise(depths)
        if high <= 1.0
    ]
    assert hypervolume(table, corner) == pytest.approx(sum(slices), abs=1e-12)

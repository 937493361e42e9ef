import numpy as np
import pytest

from benchmarks.optimizer import ablations, summary
from benchmarks.optimizer.methods import METHODS, is_installed, make_method
from benchmarks.optimizer.methods.protocol import finished
from benchmarks.optimizer.problems import BOXES, make
from benchmarks.optimizer.simulate import WORKERS, simulate
from benchmarks.optimizer.work import Key, fill, read
from hpo.optimizer.propose import random_proposal

CHEAP = ("ours", "random", "sobol", "tpe", "nsga2", "pymoo")


class Watched:
    """A method that counts what the harness does to another."""

    def __init__(self, inner):
        self.inner, self.running, self.most, self.told = inner, set(), 0, []

    def ask(self, index):
        config = self.inner.ask(index)
        if config is not None:
            self.running.add(index)
            self.most = max(self.most, len(self.running))
        return config

    def tell(self, done):
        self.running.remove(done.index)
        self.told.append(done)
        self.inner.tell(done)


def run(name, box_name, evaluations, seed=0, **options):
    if not is_installed(name):
        pytest.skip(f"{METHODS[name][2]} is not installed")
    box = make(box_name, seed)
    watched = Watched(make_method(name, box.problem))
    return watched, simulate(box, watched, evaluations, **options)


@pytest.mark.parametrize("name", CHEAP)
@pytest.mark.parametrize("box_name", ["snn60", "osy"])
def test_every_cheap_method_fills_four_workers_and_repeats_itself(name, box_name):
    evaluations = 17 if name == "ours" else 44
    watched, one = run(name, box_name, evaluations)
    assert watched.most == WORKERS
    assert len(one.volumes) == len(one.times) == len(one.feasible) == len(one.seconds) == evaluations
    assert one.volumes == sorted(one.volumes)
    assert one.times == sorted(one.times)
    _, other = run(name, box_name, evaluations)
    assert other.volumes == one.volumes


def test_a_method_that_waits_for_its_generation_takes_longer_in_simulated_time():
    _, waiting = run("pymoo", "osy", 60)
    _, never = run("sobol", "osy", 60)
    assert waiting.times[-1] > never.times[-1]


def test_trials_end_out_of_order_but_with_the_same_durations_for_all():
    first, one = run("random", "osy", 30)
    second, other = run("sobol", "osy", 30)
    numbers = [done.index for done in first.told]
    assert numbers != sorted(numbers)
    assert numbers == [done.index for done in second.told]
    assert one.times == other.times


def test_a_run_over_its_processor_limit_says_where_it_was_cut():
    _, cut = run("ours", "osy", 60, cpu_limit=1e-3)
    assert cut.cut_at == len(cut.volumes) < 60


def test_what_libraries_are_told_of_silent_and_of_good_trials():
    box = make("spiking", 0)
    rng = np.random.default_rng(0)
    trials = [box.evaluate(random_proposal(box.problem, k, []), rng) for k in range(60)]
    silent = finished(box.problem, next(t for t in trials if t.status == "silent"))
    np.testing.assert_array_equal(silent.values, box.problem.scale.reference)
    assert silent.constraints[0] > 0
    good = next(t for t in trials if t.is_feasible)
    volumes = [box.problem.scale.hypervolume([point]) for point in good.points]
    told = box.problem.scale.transform([good.points[int(np.argmax(volumes))]])[0]
    np.testing.assert_array_equal(finished(box.problem, good).values, told)


def campaign(method, seed, volumes, cut_at=None, evaluations=100):
    feasible, seconds = "1" * len(volumes), [0.1] * len(volumes)
    return {
        "problem": "p",
        "method": method,
        "seed": seed,
        "evaluations": evaluations,
        "volumes": volumes,
        "feasible": feasible,
        "seconds": seconds,
        "cut_at": cut_at,
    }


def test_the_summary_compares_medians_with_the_best_peer_and_carries_cut_runs_forward():
    ours = [campaign("ours", seed, [0.02 * n for n in range(100)]) for seed in range(3)]
    slow = [campaign("ax", seed, [1.0] * 60, cut_at=60) for seed in range(3)]
    weak = [campaign("tpe", seed, [0.0] * 100) for seed in range(3)]
    rows = {row["method"]: row for row in summary.table([*ours, *slow, *weak])}
    assert rows["ax"]["hv_100"] == 1.0
    assert rows["ax"]["cut_at"] == [60, 60, 60]
    assert rows["tpe"]["cut_at"] is None
    assert rows["ours"]["to_best_peer_50"] == pytest.approx(0.98)
    assert rows["ours"]["to_best_peer_100"] == pytest.approx(1.98)
    assert rows["ours"]["evaluations_to_best_peer"] == 51
    judged = summary.verdict(list(rows.values()))
    assert (judged["wins"], judged["pairs"], judged["met"]) == (1, 2, False)
    assert judged["lost"] == ["p at 50"]
    assert judged["carried_forward"] == ["ax on p"]


def test_the_page_marks_the_best_and_what_was_carried_forward():
    runs = [campaign("tpe", 0, [0.5] * 100), campaign("ax", 0, [1.0] * 60, cut_at=60)]
    rows = summary.table(runs)
    assert summary.markdown(rows, 100).splitlines()[2] == "| `p` | **1* (1)** | 0.5 (1) |"
    assert summary.markdown(rows, 50).splitlines()[2] == "| `p` | **1 (1)** | 0.5 (1) |"


def test_finding_something_where_no_peer_does_is_a_win():
    rows = summary.table([campaign("ours", 0, [0.1] * 100), campaign("tpe", 0, [0.0] * 100)])
    judged = summary.verdict(rows)
    assert (judged["wins"], judged["pairs"], judged["met"]) == (2, 2, True)
    assert judged["worst_ratio"] is None


def test_ours_at_half_the_evaluations_of_a_cheap_peer():
    ours, peer = [0.02 * n for n in range(100)], [0.01 * n for n in range(200)]
    rows = summary.table([campaign("ours", 0, ours), campaign("tpe", 0, peer, evaluations=200)])
    best = next(row for row in rows if row["method"] == "ours")
    assert best["50_to_best_peer_100"] == pytest.approx(0.98 / 0.99)
    assert best["100_to_best_peer_200"] == pytest.approx(1.98 / 1.99)


def test_what_the_work_file_has_is_not_run_again(tmp_path, capsys):
    work, keys = tmp_path / "work.jsonl", [Key("osy", "sobol", seed, 12) for seed in range(2)]
    fill(work, keys[:1])
    fill(work, keys)
    assert len(capsys.readouterr().out.splitlines()) == 2
    first, second = read(work)
    assert (first["seed"], second["seed"]) == (0, 1)
    assert len(first["volumes"]) == len(first["feasible"]) == 12
    fill(work, keys[:1], again=True)
    assert len(work.read_text().splitlines()) == 3
    assert len(read(work)) == 2


def test_every_ablation_names_a_box():
    for box, method in ablations.VARIANTS.values():
        assert box in BOXES
        assert method in METHODS


def test_a_shorter_comparison_claims_nothing_about_later_evaluations():
    rows = summary.table([campaign("ours", 0, [1.0] * 50, evaluations=50)])
    assert rows[0]["hv_50"] == 1.0
    assert rows[0]["hv_75"] is rows[0]["hv_100"] is None

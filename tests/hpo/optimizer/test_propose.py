import dataclasses
import json
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hpo.optimizer import Exhausted, Limit, Observation, Problem, Proposal, observe
from hpo.optimizer.candidates import Taken
from hpo.optimizer.propose import middles, propose, random_proposal
from hpo.optimizer.regions import fold
from hpo.pareto import Objective
from hpo.space import Categorical, Float, Integer, Ordinal, Space
from spikefront.errors import SpecError
from tests.hpo.optimizer.toys import MIXED, grey, history, problem, run

ROOT = Path(__file__).parents[3]


def test_same_history_in_any_order_gives_the_same_proposal():
    task = problem()
    trials = history(task, 14)
    pending = [MIXED.from_cube(np.full(6, 0.4)), MIXED.from_cube(np.full(6, 0.6))]
    first = propose(task, trials, pending, 20)
    shuffled = random.Random(1).sample(trials, len(trials))
    assert propose(task, shuffled, pending[::-1], 20) == first
    assert propose(task, trials, pending, 21) != first
    assert propose(problem(seed=1), trials, pending, 20) != first


def test_a_fresh_process_gives_the_same_proposal():
    code = (
        "import json; from tests.hpo.optimizer.toys import history, problem;"
        "from hpo.optimizer.propose import propose; task = problem();"
        "p = propose(task, history(task, 14), [], 20); print(json.dumps([p.config, p.explanation]))"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    task = problem()
    here = propose(task, history(task, 14), [], 20)
    assert json.loads(answer.stdout) == [here.config, here.explanation]
    assert answer.stderr == ""


def test_history_survives_json():
    task = problem()
    trials = history(task, 12)
    again = [Observation(**json.loads(json.dumps(vars(trial)))) for trial in trials]
    assert propose(task, again, [], 12) == propose(task, trials, [], 12)


def test_running_trials_are_never_proposed_again():
    task = problem()
    trials, pending = history(task, 12), []
    for index in range(12, 18):
        answer = propose(task, trials, pending, index)
        rows = [task.space.to_unit(c) for c in [*pending, *(t.config for t in trials)]]
        gaps = np.abs(np.array(rows) - task.space.to_unit(answer.config)).max(axis=1)
        assert gaps.min() > 1e-9
        pending.append(answer.config)


def test_running_trials_move_the_next_proposal_away():
    task = problem()
    trials = history(task, 14)
    first = propose(task, trials, [], 14)
    second = propose(task, trials, [first.config], 14)
    gap = np.abs(task.space.to_unit(first.config) - task.space.to_unit(second.config)).max()
    assert gap > 0.01


def test_the_start_is_a_sobol_sequence_without_models():
    task = problem(n_initial=16)
    answers = [propose(task, [], [], index) for index in range(16)]
    assert {a.explanation["source"] for a in answers} == {"sobol"}
    betas = [task.space.to_unit(a.config)[0] for a in answers]
    assert np.histogram(betas, bins=16, range=(0, 1))[0].tolist() == [1] * 16


def test_without_any_finished_trial_the_start_goes_on():
    task = problem(n_initial=2)
    pending = [propose(task, [], [], index).config for index in range(2)]
    assert propose(task, [], pending, 2).explanation["source"] == "sobol"


@pytest.mark.parametrize("m", [1, 2, 3])
def test_models_explain_what_they_expect(m):
    task = problem(m)
    text = propose(task, history(task, 20), [], 20).explanation
    assert json.loads(json.dumps(text, allow_nan=False)) == text
    assert text["source"] in ("global", "region")
    assert 0 <= text["feasible"] <= 1
    assert list(text["predicted"]) == [o.name for o in task.objectives]
    for interval in text["predicted"].values():
        assert interval["low"] <= interval["mean"] <= interval["high"]


@settings(max_examples=12, deadline=None)
@given(st.integers(1, 3), st.integers(0, 9), st.integers(0, 2), st.integers(0, 1000))
def test_every_proposal_is_valid(m, count, running, seed):
    task = problem(m, seed=seed, n_initial=4)
    pending = [MIXED.from_cube(np.full(6, (k + 0.5) / 3)) for k in range(running)]
    answer = propose(task, history(task, count), pending, count + running)
    task.space.validate_config(answer.config)
    assert list(answer.config) == list(task.space.active(answer.config))


@pytest.mark.parametrize("status", ["silent", "failed", "pruned"])
def test_a_history_of_nothing_but_trouble_still_gives_proposals(status):
    task = problem()
    trials = [Observation(o.index, o.config, status) for o in history(task, 10)]
    task.space.validate_config(propose(task, trials, [], 10).config)


def test_crashing_places_are_avoided():
    space = Space({name: Float(low=0.0, high=1.0) for name in "xyzw"})
    task = Problem(space, (Objective("loss", "min", "linear", 2.0),), n_initial=6)
    trials = []
    for index in range(24):
        answer = propose(task, trials, [], index)
        if answer.config["x"] < 0.5:
            trials.append(Observation(index, answer.config, "failed"))
        else:
            loss = (answer.config["x"] - 0.6) ** 2 + sum((answer.config[name] - 0.3) ** 2 for name in "yzw")
            trials.append(observe(task, answer, {"loss": loss}))
    # Half of the space crashes.
    assert sum(trial.status == "failed" for trial in trials[12:]) <= 3
    assert min(point["loss"] for trial in trials for point in trial.points) < 0.02


def test_after_an_all_silent_start_feasible_ground_is_found_sooner_than_at_random():
    space = Space({f"x{k}": Float(low=0.0, high=1.0) for k in range(6)})

    def first_feasible(seed, ask):
        # 0.2 % of the volume is feasible.
        task = Problem(space, (Objective("loss", "min", "linear", 9.0),), constraints=("silence",), seed=seed)
        trials = []
        for index in range(60):
            answer = ask(task, trials, index)
            silence = sum(abs(v - 0.85) for v in answer.config.values()) / 6 - 0.1
            if silence <= 0:
                return index
            trials.append(Observation(index, answer.config, "silent", None, {"silence": silence}))
        return 60

    ours = [first_feasible(s, lambda task, trials, index: propose(task, trials, [], index)) for s in range(3)]
    blind = [
        first_feasible(
            s, lambda task, trials, index: random_proposal(task, index, [t.config for t in trials])
        )
        for s in range(9)
    ]
    assert min(ours) >= 8
    assert max(ours) < 30
    assert sorted(blind)[4] > max(ours)


def test_limits_on_known_measures_are_kept():
    space = Space({"x": Float(low=0.0, high=1.0), "lanes": Integer(low=1, high=64)})

    def compose(configs, outcomes):
        lanes = np.array([float(c["lanes"]) for c in configs])[None, :, None]
        shape = outcomes[..., :1].shape
        return {"latency": outcomes[..., :1] / lanes, "luts": np.broadcast_to(100 * lanes, shape)}

    task = Problem(
        space,
        (Objective("latency", "min", "log", 1000.0),),
        Problem(space, (Objective("work", "min", "log", 1.0),)).learned,
        limits=(Limit("luts", at_most=3000.0),),
        compose=compose,
        n_initial=4,
    )
    trials = []
    for index in range(16):
        answer = propose(task, trials, [], index)
        trials.append(observe(task, answer, {"work": 100 + 300 * (answer.config["x"] - 0.3) ** 2}))
    assert all(t.config["lanes"] <= 30 for t in trials[8:])
    assert max(t.config["lanes"] for t in trials if t.is_feasible) >= 28


def test_a_finite_space_is_used_up_once():
    space = Space(
        {
            "kind": Categorical(choices=("a", "b")),
            "bits": Ordinal(values=(2, 4, 8)),
            "depth": Integer(low=1, high=2, when={"kind": ("b",)}),
        }
    )
    task = Problem(space, (Objective("loss", "min", "linear", 20.0),), n_initial=4)
    trials = []
    for index in range(9):
        answer = propose(task, trials, [], index)
        trials.append(observe(task, answer, {"loss": float(answer.config["bits"])}))
    assert len({str(sorted(t.config.items())) for t in trials}) == 9
    assert propose(task, trials, [], 9) == Exhausted(9)
    assert propose(task, trials[:5], [t.config for t in trials[5:]], 9) == Exhausted(9)
    assert random_proposal(task, 9, [t.config for t in trials]) == Exhausted(9)
    last = random_proposal(task, 9, [t.config for t in trials[:-1]])
    assert isinstance(last, Proposal)
    assert last.config == trials[-1].config


def test_one_huge_integer_space_is_not_listed():
    space = Space({"n": Integer(low=1, high=10**9, log=True)})
    task = Problem(space, (Objective("loss", "min", "linear", 100.0),), n_initial=3)
    trials = []
    for index in range(6):
        answer = propose(task, trials, [], index)
        trials.append(observe(task, answer, {"loss": abs(np.log10(answer.config["n"]) - 4)}))
    assert len({t.config["n"] for t in trials}) == 6


def test_compose_is_asked_about_a_bounded_number_of_configurations():
    asked = []

    def counting(configs, outcomes):
        asked.append(len(configs))
        return grey(configs, outcomes)

    trials = history(problem(), 20)
    propose(dataclasses.replace(problem(priced=100), compose=counting), trials, [], 20)
    assert max(asked) == 100
    assert sum(asked) < 160


def test_random_search_is_replayable_and_new():
    task = problem()
    first = random_proposal(task, 3, [])
    assert random_proposal(task, 3, []) == first
    assert random_proposal(task, 3, [first.config]).config != first.config


def test_a_configuration_of_another_space_is_refused():
    task = problem()
    with pytest.raises(SpecError, match="unknown variable 'speed'"):
        propose(task, [Observation(0, {"speed": 3}, "pruned")], [], 1)


def test_after_a_restart_places_not_yet_visited_are_searched_too():
    space = Space({"x": Float(low=0.0, high=1.0), "y": Float(low=0.0, high=1.0)})
    task = Problem(space, (Objective("loss", "min", "linear", 9.0),), n_initial=2)
    spots = [(0.1 + 0.002 * k, 0.1 + 0.1 * (k % 7) / 7) for k in range(32)]
    trials = [
        observe(task, Proposal(k, {"x": x, "y": y}, {}), {"loss": 0.5 + 0.1 * k})
        for k, (x, y) in enumerate(spots)
    ]
    state = fold(task, trials)
    assert state.restarts == 1
    taken = Taken(space, [trial.config for trial in trials])
    known, new = middles(task, trials, taken, state)
    assert known.index == 0
    assert new.index is None
    assert np.abs(taken.rows - new.row).mean(axis=1).min() > 0.6
    assert len(middles(task, trials[:4], taken, fold(task, trials[:4]))) == 1


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"seed": -1}, "seed -1 is negative"),
        ({"n_initial": 0}, "n_initial 0 is below 1"),
        ({"priced": 5}, "priced 5 is below 20"),
        ({"objectives": ()}, "0 objectives: give one to four"),
        ({"limits": (Limit("luts", at_most=3),)}, "measure 'luts' is no outcome"),
    ],
)
def test_an_impossible_problem_is_refused(change, words):
    given = {"space": MIXED, "objectives": (Objective("loss", "min", "linear", 1.0),)}
    with pytest.raises(SpecError, match=words):
        Problem(**given | change)
    with pytest.raises(SpecError, match="at_least 2 is above at_most 1"):
        Limit("luts", at_least=2, at_most=1)


@pytest.mark.slow
def test_search_beats_random_on_the_mixed_problem():
    def volume(ask):
        task = problem(seed=3)
        trials = []
        for index in range(24):
            trials.append(run(task, ask(task, trials, index)))
        return task.scale.hypervolume([p for t in trials if t.is_feasible for p in t.points])

    ours = volume(lambda task, trials, index: propose(task, trials, [], index))
    blind = volume(lambda task, trials, index: random_proposal(task, index, [t.config for t in trials]))
    assert ours > blind

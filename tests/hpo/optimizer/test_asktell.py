import json
import subprocess
import sys
import textwrap

import pytest

from hpo.optimizer import Exhausted, Observation, Problem, Proposal, asktell
from hpo.optimizer.asktell import AskTell
from hpo.pareto import Objective
from hpo.space import Float, Ordinal, Space
from spikefront.errors import SpecError
from tests.hpo.optimizer.toys import problem, run


def test_the_example_in_the_documentation_finds_the_minimum(capsys):
    example = textwrap.dedent(asktell.__doc__.split("::", 1)[1])
    names = {"Problem": Problem, "Space": Space, "Float": Float, "Objective": Objective, "AskTell": AskTell}
    exec(compile(example, "example", "exec"), names | {"Exhausted": Exhausted})
    front = eval(capsys.readouterr().out)
    assert len(front) == 1
    assert front[0]["config"]["x"] == pytest.approx(0.3, abs=0.01)


def step(search):
    proposal = search.ask()
    trial = run(search.problem, proposal)
    if trial.status == "silent":
        return search.tell_silent(proposal, trial.constraints)
    return search.tell(proposal, trial.outcomes, trial.constraints)


def test_a_search_continues_from_its_record():
    search = AskTell(problem(n_initial=4))
    for _ in range(7):
        step(search)
    running = search.ask()
    record = json.loads(json.dumps(search.history()))
    again = AskTell(search.problem, [Observation(**row) for row in record], [running])
    assert again.ask() == search.ask()


def test_asking_twice_gives_two_places():
    search = AskTell(problem(n_initial=4))
    asked = [search.ask() for _ in range(6)]
    assert [p.index for p in asked] == list(range(6))
    assert len({str(p.config) for p in asked}) == 6


def test_front_holds_feasible_points_alone():
    search = AskTell(problem(n_initial=4))
    trials = [step(search) for _ in range(10)]
    feasible = {t.index for t in trials if t.is_feasible}
    assert feasible
    assert {row["index"] for row in search.front()} <= feasible


def test_failures_and_exhaustion_are_told_apart():
    space = Space({"bits": Ordinal(values=(1, 2, 3))})
    search = AskTell(Problem(space, (Objective("loss", "min", "linear", 9.0),)))
    for _ in range(3):
        proposal = search.ask()
        assert isinstance(proposal, Proposal)
        search.tell_failed(proposal)
    assert search.ask() == Exhausted(3)
    assert search.front() == []


def test_missing_outcome_is_named():
    search = AskTell(problem())
    proposal = search.ask()
    with pytest.raises(SpecError, match="trial 0 has spikes = None: tell a finite number"):
        search.tell(proposal, {"accuracy": 0.5}, {"silence": -1.0})
    with pytest.raises(SpecError, match="silence = None"):
        search.tell(proposal, {"accuracy": 0.5, "spikes": 3.0})


def test_records_load_without_torch():
    code = "import sys, hpo.optimizer; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

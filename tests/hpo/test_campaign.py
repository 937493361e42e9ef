"""Campaign files: what is accepted, and the one sentence for everything that is not."""

import copy
import json
import tomllib
from pathlib import Path

import pytest
import yaml

from hpo.campaign import CampaignSpec
from spikefront.errors import SpecError

EXAMPLES = Path(__file__).parents[2] / "examples"
DIGITS = tomllib.loads((EXAMPLES / "digits.toml").read_text())


def changed(*path, **values):
    """The digits campaign with keys changed in the table at ``path``; a value of None removes the key."""
    spec = copy.deepcopy(DIGITS)
    table = spec
    for step in path:
        table = table.setdefault(step, {})
    for key, value in values.items():
        if value is None:
            del table[key]
        else:
            table[key] = value
    return spec


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.toml")), ids=lambda p: p.name)
def test_examples_are_valid(path):
    assert CampaignSpec.load(path).space


def test_toml_yaml_and_json_say_the_same(tmp_path):
    (tmp_path / "c.yaml").write_text(yaml.safe_dump(DIGITS))
    (tmp_path / "c.json").write_text(json.dumps(DIGITS))
    specs = [
        CampaignSpec.load(p) for p in (EXAMPLES / "digits.toml", tmp_path / "c.yaml", tmp_path / "c.json")
    ]
    assert specs[0] == specs[1] == specs[2]


def test_json_values_read_back():
    spec = CampaignSpec.from_mapping(DIGITS)
    assert CampaignSpec.from_mapping(json.loads(json.dumps(spec.as_json()))) == spec


def test_spec_is_frozen():
    spec = CampaignSpec.from_mapping(DIGITS)
    with pytest.raises(ValueError, match="frozen"):
        spec.seed = 2


@pytest.mark.parametrize(
    ("values", "parts"),
    [
        (changed(nmae="x"), ["nmae", "did you mean 'name'"]),
        (changed("objectives", "accuracy", refrence=1), ["objectives.accuracy.refrence", "'reference'"]),
        (changed("space", betta={"type": "float", "low": 0, "high": 1}), ["space.betta", "'beta'"]),
        (changed("space", "beta", hihg=1), ["space.beta.hihg", "'high'"]),
        (changed("space", "beta", low=0.99), ["space.beta", "low 0.99", "high 0.98", "swap"]),
        (changed("space", "beta", type="flot"), ["space.beta", '"float"']),
        (changed("space", "reset", choices=[]), ["space.reset", "empty", "at least one"]),
        (changed("space", "learning_rate", low=0), ["space.learning_rate", "log", "raise low"]),
        (changed("space", "hidden_width", low=0, log=False), ["space.hidden_width", "not 0"]),
        (changed("space", "beta", low=0.1), ["beta 0.1", "lapicque", "0.368"]),
        (changed("fixed", epochs=3), ["warmup_epochs", "3", "fixed.epochs"]),
        (changed("fixed", encoding="morse"), ["fixed.encoding", "'rate'", "'morse'"]),
        (changed("fixed", beta=0.5), ["fixed.beta", "also in [space]"]),
        (changed("designs", lanes=[]), ["designs.lanes", "empty"]),
        (changed("designs", lanes=[[1, 2, 3]]), ["lanes has 3", "2 layers"]),
        (changed("designs", threshold=[1.0]), ["designs.threshold", "also in [space]"]),
        (changed("designs", epochs=[1]), ["designs.epochs"]),
        (changed("designs", lanes=list(range(1, 100))), ["designs", "64"]),
        (changed("objectives", acuracy={"reference": 1}), ["'acuracy'", "'accuracy'"]),
        (changed("objectives", accuracy={}), ["objectives.accuracy.reference", "missing"]),
        (changed("objectives", latency_us={"reference": -1}), ["latency_us.reference", "above zero"]),
        (changed("objectives", latency_us={"reference": float("nan")}), ["latency_us", "not a number"]),
        (changed("constraints", luts={}), ["constraints.luts", "min or max"]),
        (changed("budget", trials=None), ["budget.trials", "missing"]),
        (changed("budget", trials="many"), ["budget.trials", "'many'"]),
        (changed("silence", alpha=0), ["silence.alpha", "not 0"]),
        (changed(name="../escape"), ["name", "'../escape'"]),
        (changed(name="store.db"), ["name", "'store.db'", "choose another"]),
        (changed(objectives={"dsps": {"reference": 9, "scale": "log"}}), ["dsps", "log", "leave scale out"]),
        (changed("workers", gpu=1.0), ["workers.gpu", "unknown key"]),
        (changed(space={}), ["space"]),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)  # fmt: skip
def test_what_is_wrong_is_one_sentence(values, parts):
    with pytest.raises(SpecError) as caught:
        CampaignSpec.from_mapping(values)
    message = str(caught.value)
    assert "\n" not in message
    assert all(part in message for part in parts), message


@pytest.mark.parametrize(
    ("file", "text", "part"),
    [
        ("c.toml", "name = ", "not valid TOML"),
        ("c.yaml", "a: [1,", "not valid YAML"),
        ("c.yaml", "!!python/object/apply:os.system ['true']", "not valid YAML"),
        ("c.json", "[" * 100_000, "not valid JSON"),
        ("c.ini", "", "name it .toml"),
        ("c.toml", "x = '" + "a" * 1_000_001 + "'", "larger than"),
        ("c.yaml", "- 1", "holds a list"),
    ],
)
def test_unreadable_files_are_one_sentence(tmp_path, file, text, part):
    (tmp_path / file).write_text(text)
    with pytest.raises(SpecError, match=part) as caught:
        CampaignSpec.load(tmp_path / file)
    assert "\n" not in str(caught.value)


def test_a_missing_file_says_where_it_was_looked_for(tmp_path):
    with pytest.raises(SpecError, match=r"nowhere\.toml"):
        CampaignSpec.load(tmp_path / "nowhere.toml")


def test_inactive_variables_cannot_make_a_space_impossible():
    """A beta that only LIF neurons have may be below what Lapicque neurons allow."""
    beta = {"type": "float", "low": 0.1, "high": 0.9, "when": {"neuron": ["lif"]}}
    assert CampaignSpec.from_mapping(changed("space", beta=beta))


def test_long_lists_of_values_are_checked_at_their_ends_in_no_time():
    values = {"type": "ordinal", "values": list(range(1, 1000))}
    space = dict.fromkeys(("batch_size", "hidden_width", "epochs", "time_steps"), values)
    assert CampaignSpec.from_mapping(changed(space=space, fixed={}, silence={"warmup_epochs": 0}))
    space["batch_size"] = {"type": "ordinal", "values": list(range(0, 1000))}
    with pytest.raises(SpecError, match=r"space\.batch_size"):
        CampaignSpec.from_mapping(changed(space=space, fixed={}, silence={"warmup_epochs": 0}))


def test_errors_show_a_bounded_part_of_a_huge_value():
    bomb: list = []
    for _ in range(40):
        bomb = [bomb] * 10
    with pytest.raises(SpecError) as caught:
        CampaignSpec.from_mapping(changed(name=bomb))
    assert len(str(caught.value)) < 300

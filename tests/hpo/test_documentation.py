"""The documentation says what the code does."""

import re
import tomllib
from pathlib import Path
from typing import Literal, get_args, get_origin

from typer.main import get_command

from hpo.campaign import MEASURES, CampaignSpec
from hpo.cli import app
from hpo.runs import LIBRARIES
from models.datasets import DATASETS
from workers.parameters import TrialParameters

ROOT = Path(__file__).parents[2]
CAMPAIGN = (ROOT / "docs" / "campaign.md").read_text()
README = (ROOT / "README.md").read_text()


def test_every_parameter_is_documented_with_its_default():
    for name, field in TrialParameters.model_fields.items():
        assert f"| `{name}` | {field.default} | {field.description}" in CAMPAIGN
        row = next(line for line in CAMPAIGN.splitlines() if line.startswith(f"| `{name}` |"))
        choices = get_args(field.annotation) if get_origin(field.annotation) is Literal else ()
        assert all(f"`{choice}`" in row for choice in choices), row


def test_every_table_measure_and_data_set_is_documented():
    for name in (*CampaignSpec.model_fields, *MEASURES, *DATASETS):
        assert f"`{name}`" in CAMPAIGN or f"`[{name}]`" in CAMPAIGN, name


def test_every_command_is_in_the_readme():
    for name in get_command(app).commands:
        assert f"spikefront {name}" in README, name


def test_recorded_versions_are_of_libraries_that_every_installation_has():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    declared = {re.split(r"[<>=\[]", dependency)[0] for dependency in project["dependencies"]}
    assert set(LIBRARIES) <= declared


def test_the_readme_shows_the_whole_example():
    assert f"```toml\n{(ROOT / 'examples' / 'digits.toml').read_text()}```" in README

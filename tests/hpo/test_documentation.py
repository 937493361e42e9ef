"""The documentation says what the code does."""

import re
import tomllib
from pathlib import Path
from typing import Literal, get_args, get_origin

from typer.main import get_command

from hpo.campaign import CampaignSpec
from hpo.cli import app
from hpo.measures import MEASURES
from hpo.runs import LIBRARIES
from models.datasets import DATASETS
from models.datasets.download import REMOTES
from models.datasets.options import NAMES
from models.encoders import KIND_ENCODINGS
from workers.parameters import TrialParameters

ROOT = Path(__file__).parents[2]
CAMPAIGN = (ROOT / "docs" / "campaign.md").read_text()
SETS = (ROOT / "docs" / "datasets.md").read_text()
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


def test_every_data_set_has_a_row_with_its_kind_and_options():
    camera = ("downsample", "denoise_us", "polarity", "duration_ms")
    for name, dataset in DATASETS.items():
        row = next(line for line in SETS.splitlines() if line.startswith(f"| `{name}` |"))
        assert f"| {dataset.kind or 'any'} |" in row
        stated = set(re.findall(r"`(\w+)`", row.split("|")[-2].split("without")[0]))
        stated |= set(camera) if "camera" in row else set()
        stated -= set(re.findall(r"without `(\w+)`", row))
        assert stated == set(dataset.options), name


def test_every_option_and_encoding_of_data_is_documented():
    for name in NAMES:
        assert f"| `{name}` |" in SETS
    for kind, encodings in KIND_ENCODINGS.items():
        row = next(line for line in SETS.splitlines() if line.startswith(f"| {kind} |"))
        assert re.findall(r"`(\w+)`", row) == list(encodings)


def test_every_set_that_can_be_fetched_is_marked():
    marked = re.findall(r"^\| `([\w-]+)` \|.*\(D\)", SETS, re.MULTILINE)
    assert set(marked) == set(REMOTES)


def test_every_command_is_in_the_readme():
    for name in get_command(app).commands:
        assert f"spikefront {name}" in README, name


def test_recorded_versions_are_of_libraries_that_every_installation_has():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    declared = {re.split(r"[<>=\[]", dependency)[0] for dependency in project["dependencies"]}
    assert set(LIBRARIES) <= declared


def test_the_readme_shows_the_whole_example():
    assert f"```toml\n{(ROOT / 'examples' / 'digits.toml').read_text()}```" in README

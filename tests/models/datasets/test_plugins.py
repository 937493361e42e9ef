import re
import sys
from pathlib import Path

import numpy as np
import pytest

from hpo.campaign import CampaignSpec
from models.datasets import load, names
from spikefront.errors import DataError, SpecError

MODULE = """
import numpy as np

from models.datasets import Part, Raw


class Stripes:
    name = "stripes"
    kind = "images"
    options = ("downsample",)

    def read(self, root, options):
        labels = np.arange(40) % 2
        images = np.zeros((40, 6), np.float32)
        images[labels == 1, ::2] = 1.0
        whole = Part(images[:, :: options.downsample], labels)
        return Raw(whole, whole, (6 // options.downsample,), 2)


STRIPES = Stripes()
NOTHING = object()
"""


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Install a package with entry points, as pip would leave it."""
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "stripes_module.py").write_text(MODULE)

    def with_entries(*entries, package="stripes-data"):
        info = tmp_path / f"{package.replace('-', '_')}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text("[spikefront.datasets]\n" + "\n".join(entries) + "\n")

    yield with_entries
    sys.modules.pop("stripes_module", None)


def test_an_installed_data_set_is_found_by_its_name(install):
    install("stripes = stripes_module:STRIPES")
    assert "stripes" in names()
    assert "stripes_module" not in sys.modules  # its code runs only when it is asked for
    splits = load("stripes", options={"downsample": 2})
    assert splits.shape == (3,)
    assert np.array_equal(splits.test.images[:2], [[0, 0, 0], [1, 1, 1]])


def test_a_campaign_may_name_it(install):
    install("stripes = stripes_module:STRIPES")
    values = {
        "name": "s",
        "data": {"set": "stripes"},
        "space": {"beta": {"type": "float", "low": 0.5, "high": 0.9}},
        "objectives": {"accuracy": {"reference": 0.5}},
        "budget": {"trials": 3},
    }
    assert CampaignSpec.from_mapping(values).data.set == "stripes"
    with pytest.raises(SpecError, match="the data set 'stripes' has no option 'bands': it takes downsample"):
        CampaignSpec.from_mapping({**values, "data": {"set": "stripes", "bands": 8}})


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ("stripes = stripes_module:NOTHING", "is no data set: give it name, kind, options and read"),
        ("stripes = stripes_module:MISSING", "cannot be imported"),
        ("other = stripes_module:STRIPES", "offers 'stripes' under the entry point 'other'"),
    ],
)
def test_what_is_no_data_set_is_refused(install, entry, reason):
    install(entry)
    with pytest.raises(DataError, match=reason):
        load(entry.split()[0])


def test_names_that_clash_are_refused(install):
    install("digits = stripes_module:STRIPES")
    with pytest.raises(DataError, match="package stripes-data offers a data set 'digits', which is Spikefr"):
        names()


def test_two_packages_may_not_offer_one_name(install):
    install("stripes = stripes_module:STRIPES")
    install("stripes = stripes_module:STRIPES", package="zebra-data")
    with pytest.raises(DataError, match="stripes-data and zebra-data both offer a data set 'stripes'"):
        load("stripes")


def test_the_documented_example_is_a_data_set(install, tmp_path):
    page = (Path(__file__).parents[3] / "docs" / "datasets.md").read_text()
    (code,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    (tmp_path / "stripes_module.py").write_text(code)
    install("stripes = stripes_module:STRIPES")
    assert len(load("stripes").train) == 160

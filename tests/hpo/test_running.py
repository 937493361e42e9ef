"""Which stored campaign a file continues."""

import pytest
from rich.console import Console

from hpo.campaign import CampaignSpec
from hpo.home import Home
from hpo.running import Options, run
from spikefront.errors import ConflictError
from tests.hpo.toy import SPEC


@pytest.fixture
def home(tmp_path):
    """A home with the toy campaign, cancelled, as it was stored before files knew starting points."""
    where = Home(tmp_path)
    spec = CampaignSpec.from_mapping(SPEC).as_json()
    del spec["start"]
    store = where.open()
    store.create_campaign("toy", spec, 3, {}, {})
    store.ask("toy", "cancel")
    return where


def test_a_campaign_of_an_older_version_is_the_same_as_its_file(home):
    with pytest.raises(ConflictError, match="cancelled for good"):
        run(CampaignSpec.from_mapping(SPEC), Options(home, None, serial=True), Console())


def test_a_file_that_says_something_else_is_refused(home):
    other = CampaignSpec.from_mapping(SPEC | {"start": [{"beta": 0.9}]})
    with pytest.raises(ConflictError, match="another specification"):
        run(other, Options(home, None, serial=True), Console())

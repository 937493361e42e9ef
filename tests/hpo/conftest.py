"""A campaign with noise, long enough that its predictions can be held against what came out."""

import pytest

from hpo.driver import Campaign, Hooks, drive
from tests.hpo.toy import noisy, open_toy
from workers.pool import SerialPool


@pytest.fixture(scope="session")
def foretold(tmp_path_factory: pytest.TempPathFactory) -> Campaign:
    """The toy campaign with noise: 8 trials of the start and 32 that models proposed."""
    campaign = open_toy(tmp_path_factory.mktemp("foretold"), budget={"trials": 40, "initial": 8})
    assert drive(campaign, SerialPool(noisy), Hooks()) == "finished"
    return campaign

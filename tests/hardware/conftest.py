import pytest

from benchmarks.hardware.cases import Case, cases
from hardware.simulate import Simulated, simulate

RANDOM_NETWORKS = 220


@pytest.fixture(scope="session")
def simulated() -> list[tuple[Case, Simulated]]:
    """Random small networks with what their RTL did; simulated once for every test that compares with it."""
    return [(case, simulate(case.net, case.inputs)) for case in cases(RANDOM_NETWORKS)]

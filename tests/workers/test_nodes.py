"""What trials get from a cluster's nodes: shares of GPUs, memory, and data that no node has."""

import dataclasses
import time
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch

from spikefront.errors import InputError
from tests.workers.cluster import by_value, cluster
from workers.cluster import lacking
from workers.data import Brought, CampaignData
from workers.outcome import TrialOutcome, TrialRequest
from workers.pool import Resources
from workers.ray_pool import RayPool


def request(number, **config):
    return TrialRequest(
        number=number, seed=number, config=config, designs={}, data={}, silence={}, split_seed=0,
        data_root=None, energy_model="asic_45nm",
    )  # fmt: skip


def drain(pool, requests):
    waiting, ended, deadline = list(requests), {}, time.monotonic() + 120
    while len(ended) < len(requests):
        assert time.monotonic() < deadline
        while waiting and pool.free:
            pool.submit(waiting.pop(0))
        ended.update(pool.collect(0.2))
    return ended


def work(asked, _report):
    """Notes its share of the GPU; needs more memory than half of one, more than one, or ever more."""
    import ray

    share = ray.get_runtime_context().get_assigned_resources().get("GPU", 0.0)
    if log := asked.config.get("log"):
        with Path(log).open("a") as out:
            out.write(f"{asked.number} {share}\n")
    if share < asked.config.get("needs", 0.0):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
    kept = [np.ones(2**24, np.uint8) for _ in range(asked.config.get("leak_mib", 0) // 16)]
    return TrialOutcome(state="complete", metrics={"share": share, "kept": len(kept)})


def split(asked, _report):
    """What the data look like from here; a read-only array must not warn where it becomes a tensor."""
    warnings.simplefilter("error")
    splits = CampaignData.of(asked.data, asked.data_root, asked.split_seed).read()
    from workers.trial import evaluate

    accuracies = {}
    for encoding in ("direct", "rate", "latency"):
        config = {"epochs": 2, "time_steps": 3, "hidden_width": 8, "encoding": encoding}
        done = evaluate(dataclasses.replace(asked, config=config, designs={"lanes": [1]}))
        accuracies[encoding] = (done.state, done.reason)
    return TrialOutcome(state="complete", metrics={"print": splits.fingerprint, "outcomes": accuracies})


@pytest.fixture(scope="module", autouse=True)
def _by_value():
    with by_value(__name__):
        yield


@pytest.fixture(scope="module")
def node():
    with cluster() as made:
        made.add_node(num_cpus=4, num_gpus=1)
        yield made


def test_a_trial_that_lacks_gpu_memory_runs_again_alone_and_packing_is_lowered(node, tmp_path):
    log = tmp_path / "log"
    pool = RayPool(work, Resources(workers=4, gpus=0.25), node.address)
    try:
        asked = [request(n, log=str(log), needs=0.4 if n == 1 else 0.0) for n in range(6)]
        ended = drain(pool, asked)
        assert {outcome.state for outcome in ended.values()} == {"complete"}
        assert ended[1].metrics["share"] == 1.0
        assert pool.gpu_share == 0.5
        assert drain(pool, [request(7)])[7].metrics["share"] == 0.5
        assert [line.split()[0] for line in log.read_text().splitlines()].count("1") == 2
    finally:
        pool.close()


def test_a_trial_that_no_gpu_can_hold_fails_once_it_was_alone(node, tmp_path):
    pool = RayPool(work, Resources(workers=2, gpus=0.5), node.address)
    try:
        ended = drain(pool, [request(0, needs=2.0), request(1)])
        assert (ended[0].state, ended[0].out_of_memory) == ("failed", True)
        assert "CUDA out of memory" in ended[0].reason
        assert ended[1].state == "complete"
    finally:
        pool.close()


def test_a_trial_that_leaks_is_ended_by_its_memory_bound_and_the_worker_lives_on(node):
    pool = RayPool(work, Resources(workers=1, memory_gb=0.5), node.address)
    try:
        ended = drain(pool, [request(0, leak_mib=4096), request(1, leak_mib=128), request(2, leak_mib=128)])
        assert ended[0].state == "failed"
        assert "MemoryError" in ended[0].reason
        assert [ended[n].metrics["kept"] for n in (1, 2)] == [8, 8]
    finally:
        pool.close()


def test_data_reach_nodes_that_have_none(node, tmp_path):
    """The worker's data root is empty, and so is the driver's once the campaign has read its data."""
    values = {"set": "npz", "file": "own.npz", "max_train": 60, "validation_fraction": 0.2}
    rng = np.random.default_rng(0)
    own = tmp_path / "own.npz"
    np.savez(own, images=rng.integers(0, 256, (120, 8, 8), dtype=np.uint8), labels=np.arange(120) % 3)
    data = CampaignData.of(values, str(tmp_path), 5)
    splits = data.read()
    own.unlink()
    asked = dataclasses.replace(request(0), data=values, data_root=str(tmp_path), split_seed=5)
    pool = RayPool(split, Resources(workers=1), node.address, Brought(data, splits))
    try:
        outcome = drain(pool, [asked])[0]
        assert outcome.state == "complete", outcome.reason
        assert outcome.metrics["print"] == splits.fingerprint
        assert {state for state, _ in outcome.metrics["outcomes"].values()} <= {"complete", "silent"}
    finally:
        pool.close()


@pytest.mark.parametrize(
    ("resources", "key"),
    [
        (Resources(threads=8), "threads"),
        (Resources(gpus=0.5), "gpus"),
        (Resources(memory_gb=3.0), "memory_gb"),
    ],
)
def test_what_no_node_has_is_told_before_anything_runs(resources, key):
    nodes = [{"CPU": 4.0, "memory": 2.0 * 2**30}, {"CPU": 2.0}]
    assert lacking(Resources(threads=4, memory_gb=2.0), nodes) is None
    assert f"lower workers.{key}" in lacking(resources, nodes)


def test_a_private_cluster_without_gpu_refuses_trials_that_want_one():
    if torch.cuda.is_available():
        pytest.skip("there is one")
    with pytest.raises(InputError, match=r"wants 0\.5 of a GPU and the largest node has 0: lower"):
        RayPool(work, Resources(workers=1, gpus=0.5))

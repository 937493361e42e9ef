import torch

from models.best import Best
from models.parameters import initial_network
from models.specification import NetworkSpec


def follow(patience, accuracies):
    """Feed accuracies epoch by epoch while a weight counts epochs; where it ended, and the weight kept."""
    network = initial_network(NetworkSpec("3", (2,), 4), 0)
    best = Best(patience)
    for epoch, accuracy in enumerate(accuracies, start=1):
        with torch.no_grad():
            network.layers[0].weight.fill_(float(epoch))
        if best.see(epoch, accuracy, network):
            break
    best.restore(network)
    return epoch, best.epoch, network.layers[0].weight.unique().tolist()


def test_ends_after_patience_without_a_better_epoch():
    assert follow(2, [0.5, 0.7, 0.6, 0.7, 0.9]) == (4, 2, [2.0])


def test_the_best_epoch_is_kept_when_all_are_run():
    assert follow(5, [0.5, 0.9, 0.6]) == (3, 2, [2.0])


def test_without_patience_the_last_epoch_is_kept():
    assert follow(0, [0.5, 0.9, 0.6]) == (3, 3, [3.0])


def test_nothing_is_restored_before_the_first_epoch():
    network = initial_network(NetworkSpec("3", (2,), 4), 0)
    before = network.values()
    Best(3).restore(network)
    assert all(torch.equal(a, b) for a, b in zip(before, network.values(), strict=True))

"""Trials that one worker trains in one program: what they have in common, and how many they are.

Networks of one shape train together several times as fast as one after the other (``models.batched``). The
first trial of a batch is proposed as any other; the others keep its values of all variables that decide the
shape of the program, and are free in the rest.
"""

from typing import Any

from hpo.campaign import CampaignSpec
from hpo.space import Config, Space
from hpo.variables import Float, Integer
from workers.parameters import FREE_IN_PROGRAM


def held(space: Space, config: Config) -> dict[str, dict[str, Any]]:
    """What a trial's mates keep (``hpo.narrowing``): its values of variables that decide the program."""
    found: dict[str, dict[str, Any]] = {}
    for name, value in config.items():
        if name in FREE_IN_PROGRAM or name not in space.variables:
            continue
        number = isinstance(space.variables[name], Float | Integer)
        found[name] = {"low": value, "high": value} if number else {"values": [value]}
    return found


def batch_size(spec: CampaignSpec, left: int) -> int:
    """Trials of the next batch when ``left`` are left to start: the last ones are shared by all workers."""
    each = -(-left // spec.workers.count)
    return max(1, min(spec.workers.batch, each))

"""Very many campaigns at a glance: what ``status`` says of each, read for all of them together."""

from hpo.queries import CampaignStatus, stated_scale
from hpo.store import CampaignRecord, Store, TrialState


def statuses(store: Store, limit: int | None = None) -> list[CampaignStatus]:
    """The status of every campaign, newest first, without its best designs; quick for very many."""
    records = store.campaigns(limit)
    counts = store.counts_of([record.name for record in records])
    return [_overview(store, record, counts[record.name]) for record in records]


def _overview(store: Store, record: CampaignRecord, counts: dict[TrialState, int]) -> CampaignStatus:
    """From the specification as it is stored: checking it again would take longer than all else."""
    objectives = record.spec["objectives"].items()
    scale = stated_scale({name: (given["reference"], given.get("scale")) for name, given in objectives})
    points = [point.measures for point in store.points(record.name, unbeaten_only=True)]
    chosen = [points[k] for k in scale.front(points)]
    return CampaignStatus(
        name=record.name,
        state=record.state,
        driver=store.lease_holder(record.name) if record.state == "running" else None,
        request=record.request,
        counts=dict(counts.items()),
        trials_total=record.spec["budget"]["trials"] + record.extra_trials,
        hypervolume=scale.hypervolume(chosen),
        best={},
        front_size=len(chosen),
        running=[],
        stop_reason=record.stop_reason,
        narrowed=record.narrowed,
        created_at=record.created_at,
        updated_at=record.updated_at,
    )

"""A campaign's history as lines: when, what, and who."""

import json
from typing import Any

from hpo.narrowing import shown
from hpo.store import EventRecord

_SENTENCES = {
    "campaign_created": "created",
    "campaign_state": "{from} -> {to}{because}",
    "campaign_narrowed": "from trial {from} on {narrowed}, asked by {by}",
    "warm_started": "{starts} starting points taken from campaign {campaign}",
    "campaign_extended": "{trials} trials more, {extra} beyond the specification, asked by {by}",
    "campaign_imported": "taken from a file, where it was {name}, by {by}",
    "reference_set": "reference point {reference}",
    "requested": "asked to {what}{urgently} by {by}",
    "lease_taken": "driven by {holder}, lease {token}",
    "lease_dropped": "given back by {holder}, lease {token}",
    "trial_queued": "queued",
    "trial_started": "started{again}",
    "trial_requeued": "queued again, its run was lost",
    "trial_cancelled": "cancelled",
    "trial_finished": "{state}{because}, {designs} designs",
    "design_tested": "design {design} measured on the test data",
}


def line(event: EventRecord) -> str:
    """One event: time (UTC), trial, what happened, and under which lease where a driver did it."""
    moment = event.at.isoformat(sep=" ", timespec="milliseconds").removesuffix("+00:00")
    subject = "campaign" if event.trial is None else f"trial {event.trial}"
    lease = f" [lease {event.detail['lease']}]" if "lease" in event.detail else ""
    return f"{moment}  {subject:<10}  {_said(event)}{lease}"


def as_dict(event: EventRecord) -> dict[str, Any]:
    """Plain JSON values."""
    return {"at": event.at.isoformat(), "trial": event.trial, "kind": event.kind, "detail": event.detail}


def _said(event: EventRecord) -> str:
    known = {
        "by": "an unknown process",  # some stores of version 2 do not say
        "token": "without a number",  # those of version 1 had none
        "urgently": " at once" if event.detail.get("now") else "",
        "again": " again" if event.detail.get("attempts") else "",
        "because": f" ({event.detail['reason']})" if event.detail.get("reason") else "",
        "narrowed": shown(event.detail.get("space", {})) or "the whole space",
        **event.detail,
    }
    sentence = _SENTENCES.get(event.kind)
    return sentence.format(**known) if sentence else f"{event.kind} {json.dumps(event.detail)}"

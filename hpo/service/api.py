"""The JSON interface under /api/v1."""

from dataclasses import asdict, dataclass
from http import HTTPStatus
from typing import Annotated, Any, cast

from fastapi import APIRouter, Depends, Query
from starlette.requests import Request
from starlette.responses import JSONResponse

from hpo import control, queries
from hpo.calibration import calibration
from hpo.service.launch import Launcher
from hpo.service.specification import FORMS, read_specification
from hpo.store import DesignRecord, Store, TrialRecord, TrialState
from hpo.why import lines, why
from spikefront.errors import SpecError

MAX_DESIGN_POINTS = 5000

router = APIRouter(prefix="/api/v1")


@dataclass(frozen=True)
class Service:
    """What routes work with."""

    store: Store
    launcher: Launcher
    data_root: str | None


def service_of(request: Request) -> Service:
    """The application's service."""
    return cast("Service", request.app.state.service)


async def body_text(request: Request) -> str:
    """The request's body as text; SpecError when it is not UTF-8."""
    try:
        return (await request.body()).decode("utf-8")
    except UnicodeDecodeError as error:
        raise SpecError("The specification is not UTF-8 text; save it as UTF-8.") from error


ServiceDep = Annotated[Service, Depends(service_of)]
BodyDep = Annotated[str, Depends(body_text)]
LimitQuery = Annotated[int, Query(ge=1, le=1000)]

_BODY = {
    "requestBody": {
        "required": True,
        "description": "A campaign specification, with the tables of a campaign file.",
        "content": {
            form: {"schema": {"type": "object" if form == "application/json" else "string"}} for form in FORMS
        },
    }
}


@router.post("/campaigns", status_code=HTTPStatus.CREATED, openapi_extra=_BODY)
def create_campaign(request: Request, text: BodyDep, service: ServiceDep, start: bool = True) -> JSONResponse:
    """Record a campaign and, unless ``start=false``, start its driver."""
    from hpo import runs

    spec = read_specification(text, request.headers.get("content-type", ""))
    runs.create(service.store, spec, service.data_root)
    if start:
        service.launcher(spec.name)
    content = {"name": spec.name, "state": service.store.campaign(spec.name).state, "started": start}
    location = {"location": f"/api/v1/campaigns/{spec.name}"}
    return JSONResponse(content, HTTPStatus.CREATED, location)


@router.get("/campaigns")
def campaigns(
    service: ServiceDep, limit: LimitQuery = 100, offset: Annotated[int, Query(ge=0, le=10**9)] = 0
) -> dict[str, Any]:
    """Campaigns, newest first, with their trials counted by state."""
    records = service.store.campaigns(limit, offset)
    counts = service.store.counts_of([record.name for record in records])
    found = [
        {
            "name": record.name,
            "state": record.state,
            "counts": counts[record.name],
            "created_at": record.created_at,
            "updated_at": record.updated_at,
        }
        for record in records
    ]
    return {"campaigns": found, "total": service.store.campaign_count()}


@router.get("/campaigns/{name}")
def campaign(name: str, service: ServiceDep) -> dict[str, Any]:
    """State, trials by state and those that run, hypervolume, and the best design for each objective."""
    return queries.status(service.store, name).as_dict()


@router.post("/campaigns/{name}/pause", status_code=HTTPStatus.ACCEPTED)
def pause(name: str, service: ServiceDep, now: bool = False) -> dict[str, Any]:
    """Pause a running campaign; ``now`` stops running trials instead of letting them end."""
    return _done(service, name, control.ask(service.store, name, "pause", now))


@router.post("/campaigns/{name}/cancel", status_code=HTTPStatus.ACCEPTED)
def cancel(name: str, service: ServiceDep, now: bool = False) -> dict[str, Any]:
    """End a campaign for good; what its trials found stays."""
    return _done(service, name, control.ask(service.store, name, "cancel", now))


@router.post("/campaigns/{name}/extend", status_code=HTTPStatus.ACCEPTED)
def extend(name: str, service: ServiceDep, trials: Annotated[int, Query(ge=1, le=10**6)]) -> dict[str, Any]:
    """Give a campaign more trials; a finished one can then be resumed."""
    return _done(service, name, control.extend(service.store, name, trials))


@router.post("/campaigns/{name}/narrow", status_code=HTTPStatus.ACCEPTED)
def narrow(
    name: str,
    service: ServiceDep,
    keep: Annotated[list[str] | None, Query(max_length=40)] = None,
    reset: bool = False,
) -> dict[str, Any]:
    """Keep variables to part of their values from the next proposal on, as in ``keep=beta=0.8..0.95``."""
    return _done(service, name, control.narrow(service.store, name, keep or (), reset))


@router.post("/campaigns/{name}/resume", status_code=HTTPStatus.ACCEPTED)
def resume(name: str, service: ServiceDep) -> dict[str, Any]:
    """Start a driver for a campaign that was paused, interrupted or extended."""
    control.check_resumable(service.store, name)
    service.launcher(name)
    return _done(service, name, f"started a driver for campaign {name}")


@router.get("/campaigns/{name}/trials")
def trials(
    name: str,
    service: ServiceDep,
    state: Annotated[list[TrialState] | None, Query()] = None,
    after: Annotated[int, Query(ge=-1, le=2**31 - 1)] = -1,
    limit: LimitQuery = 100,
) -> dict[str, Any]:
    """Trials by number; ``next`` is the ``after`` of the next page, null on the last."""
    found = service.store.trials(name, state, after, limit + 1)
    page = found[:limit]
    return {
        "trials": [asdict(trial) for trial in page],
        "next": page[-1].number if len(found) > limit else None,
    }


@router.get("/campaigns/{name}/trials/{number}")
def trial(name: str, number: int, service: ServiceDep) -> dict[str, Any]:
    """One trial with its designs, and its progress while it runs."""
    record: TrialRecord = service.store.trial(name, number)
    designs = service.store.designs(name, trial=number)
    noted = next((asdict(found) for found in service.store.progress(name) if found.trial == number), None)
    return {**asdict(record), "designs": [_design(design) for design in designs], "progress": noted}


@router.get("/campaigns/{name}/trials/{number}/why")
def explanation(name: str, number: int, service: ServiceDep) -> dict[str, Any]:
    """Why a trial was tried, and its predictions beside what came out."""
    found = why(service.store, name, number)
    return {**found.as_dict(), "text": lines(found)}


@router.get("/campaigns/{name}/calibration")
def predictions(name: str, service: ServiceDep) -> dict[str, Any]:
    """Predictions against outcomes over the campaign."""
    return calibration(service.store, name).as_dict()


@router.get("/campaigns/{name}/front")
def front(name: str, service: ServiceDep) -> dict[str, Any]:
    """The designs that no other feasible design dominates, best first in the first objective."""
    return {"designs": [design.as_dict() for design in queries.front(service.store, name)]}


@router.get("/campaigns/{name}/designs")
def designs(name: str, service: ServiceDep) -> dict[str, Any]:
    """Names and measures of the feasible designs, of the newest where there are very many."""
    found = service.store.points(name, newest=MAX_DESIGN_POINTS)
    points = [{"name": point.name, "measures": point.measures} for point in found]
    return {"designs": points, "total": service.store.feasible_count(name)}


def _done(service: Service, name: str, message: str) -> dict[str, Any]:
    record = service.store.campaign(name)
    return {"name": name, "state": record.state, "request": record.request, "message": message}


def _design(design: DesignRecord) -> dict[str, Any]:
    return {"name": design.name, **asdict(design)}

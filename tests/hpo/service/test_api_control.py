"""Pausing, cancelling, extending and resuming over HTTP."""

from service_samples import BASE, Recorder
from starlette.testclient import TestClient

from hpo.service import Settings, create_app
from hpo.store import Store

API = "/api/v1/campaigns/digits"


def test_a_driver_is_asked_to_pause(client: TestClient, store: Store) -> None:
    store.take_lease("digits", "elsewhere:1:x", 60)
    answer = client.post(f"{API}/pause", params={"now": "true"})
    assert answer.status_code == 202
    said = "asked the driver elsewhere:1:x to pause campaign digits: it stops its running trials first"
    assert answer.json() == {"name": "digits", "state": "running", "request": "pause", "message": said}
    assert store.campaign("digits").request_now
    assert client.get(API).json()["request"] == "pause"


def test_a_campaign_is_paused_extended_resumed_and_cancelled(
    client: TestClient, store: Store, launcher: Recorder
) -> None:
    assert client.post(f"{API}/pause").json()["state"] == "paused"
    assert "17 trials now" in client.post(f"{API}/extend", params={"trials": 5}).json()["message"]
    assert client.get(API).json()["trials_total"] == 17
    assert client.post(f"{API}/resume").status_code == 202
    assert launcher.started == ["digits"]
    assert client.post(f"{API}/cancel").json()["state"] == "cancelled"
    for verb in ("pause", "cancel", "resume", "extend?trials=1", "narrow?reset=true"):
        refused = client.post(f"{API}/{verb}")
        assert (refused.status_code, refused.json()["error"]["kind"]) == (409, "ConflictError"), verb
    assert launcher.started == ["digits"]


def test_a_campaign_that_is_driven_is_not_driven_twice(
    client: TestClient, store: Store, launcher: Recorder
) -> None:
    store.take_lease("digits", "elsewhere:1:x", 60)
    refused = client.post(f"{API}/resume")
    assert refused.status_code == 409
    assert "driven by elsewhere:1:x" in refused.json()["error"]["message"]
    assert launcher.started == []


def test_requests_need_a_campaign_a_number_and_the_right_method(client: TestClient) -> None:
    for verb in ("pause", "cancel", "resume", "extend?trials=1", "narrow?reset=true"):
        assert client.post(f"/api/v1/campaigns/nobody/{verb}").status_code == 404
        assert client.get(f"{API}/{verb}").status_code == 405
    for trials in ("", "?trials=0", "?trials=many", "?trials=99999999"):
        assert client.post(f"{API}/extend{trials}").status_code == 422


def test_the_guard_stands_before_these_verbs_too(store: Store, store_url: str, launcher: Recorder) -> None:
    app = create_app(Settings(store_url, token="t" * 20), launcher)
    with TestClient(app, base_url=BASE, follow_redirects=False) as caller:
        known = {"authorization": f"Bearer {'t' * 20}"}
        for verb in ("pause", "cancel", "resume", "extend?trials=1", "narrow?reset=true"):
            assert caller.post(f"{API}/{verb}").status_code == 401
            foreign = {**known, "origin": "http://evil.example"}
            assert caller.post(f"{API}/{verb}", headers=foreign).status_code == 403
        assert store.campaign("digits").state == "running"
        assert caller.post(f"{API}/pause", headers=known).status_code == 202


def test_a_space_is_narrowed_and_let_go(client: TestClient, store: Store) -> None:
    answer = client.post(f"{API}/narrow", params={"keep": ["beta=0.8..0.9"]})
    assert answer.status_code == 202
    assert answer.json()["message"] == "campaign digits searches only beta=0.8..0.9 from trial 11 on"
    assert client.get(API).json()["narrowed"] == {"beta": {"low": 0.8, "high": 0.9}}
    refused = client.post(f"{API}/narrow", params={"keep": ["bta=0.8"]})
    assert (refused.status_code, refused.json()["error"]["kind"]) == (422, "SpecError")
    assert client.post(f"{API}/narrow", params={"reset": "true"}).status_code == 202
    assert store.campaign("digits").narrowed == {}

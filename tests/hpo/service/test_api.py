"""The JSON interface: what it answers, and how it refuses."""

import json
from typing import Any

import pytest
import yaml
from service_samples import BASE, Recorder, specification
from starlette.testclient import TestClient

from hpo.service import Settings, create_app
from hpo.store import Store

API = "/api/v1/campaigns"


def error_of(answer: Any) -> tuple[int, str, str]:
    assert list(answer.json()) == ["error"]
    assert set(answer.json()["error"]) == {"kind", "message"}
    return answer.status_code, answer.json()["error"]["kind"], answer.json()["error"]["message"]


def as_toml(spec: dict[str, Any]) -> str:
    scalars = [f"{key} = {json.dumps(value)}" for key, value in spec.items() if not isinstance(value, dict)]
    tables = [
        "\n".join([f"[{key}]", *(f"{name} = {inline(inner)}" for name, inner in value.items())])
        for key, value in spec.items()
        if isinstance(value, dict)
    ]
    return "\n".join(scalars + tables)


def inline(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {inline(inner)}" for key, inner in value.items()) + " }"
    return json.dumps(value)


@pytest.mark.parametrize(
    ("content_type", "write"),
    [
        ("application/json", json.dumps),
        ("application/json; charset=utf-8", json.dumps),
        ("application/toml", as_toml),
        ("application/yaml", yaml.safe_dump),
        ("text/yaml", yaml.safe_dump),
    ],
)
def test_a_posted_campaign_is_recorded_and_started(
    client: TestClient, store: Store, launcher: Recorder, content_type: str, write: Any
) -> None:
    answer = client.post(API, content=write(specification("new")), headers={"content-type": content_type})
    assert answer.status_code == 201, answer.text
    assert answer.json() == {"name": "new", "state": "created", "started": True}
    assert answer.headers["location"] == f"{API}/new"
    assert launcher.started == ["new"]
    record = store.campaign("new")
    assert record.spec["space"]["beta"]["high"] == 0.95
    assert record.reference == {"accuracy": 0.5, "latency_us": 200.0, "energy_uj": 1.0}
    assert "torch" in record.versions


def test_a_campaign_can_be_recorded_without_starting_it(client: TestClient, launcher: Recorder) -> None:
    answer = client.post(API, params={"start": "false"}, json=specification("new"))
    assert (answer.status_code, answer.json()["started"]) == (201, False)
    assert launcher.started == []
    assert client.get(f"{API}/new").json()["state"] == "created"


def test_a_taken_name_is_a_conflict_and_starts_nothing(client: TestClient, launcher: Recorder) -> None:
    status, kind, message = error_of(client.post(API, json=specification("digits")))
    assert (status, kind) == (409, "ConflictError")
    assert "exists already" in message
    assert launcher.started == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"colour": "red"}, "colour"),
        ({"name": "../etc"}, "name"),
        ({"budget": {"trials": 0}}, "budget.trials"),
        ({"objectives": {}}, "objectives"),
        ({"data": {"set": "no-such-set"}}, "no-such-set"),
        ({"space": {"beta": {"type": "float", "low": 0.9, "high": 0.1}}}, "beta"),
    ],
)
def test_a_wrong_specification_is_named_and_nothing_is_created(
    client: TestClient, store: Store, launcher: Recorder, change: dict[str, Any], words: str
) -> None:
    status, kind, message = error_of(client.post(API, json={**specification("new"), **change}))
    assert (status, kind) == (422, "SpecError")
    assert words in message
    assert [record.name for record in store.campaigns()] == ["digits"]
    assert launcher.started == []


@pytest.mark.parametrize("content_type", ["text/plain", "", "application/x-www-form-urlencoded", "text/html"])
def test_other_content_types_are_refused(client: TestClient, content_type: str) -> None:
    body = json.dumps(specification("new"))
    status, kind, message = error_of(client.post(API, content=body, headers={"content-type": content_type}))
    assert (status, kind) == (415, "UnsupportedMediaType")
    assert "application/toml" in message


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", b"{"),
        ("application/json", b"[]"),
        ("application/json", b"null"),
        ("application/json", b"[" * 100_000),
        ("application/json", b'{"seed": NaN}'),
        ("application/json", b'{"seed": ' + b"9" * 10_000 + b"}"),
        ("application/json", b"\xff\xfe"),
        ("application/toml", b"= 1"),
        ("application/yaml", b"!!python/object/apply:os.system ['true']"),
        ("application/yaml", b"a: &a [1]\nb: *a\n"),
        ("application/yaml", b"[" * 60_000),
        ("application/yaml", b"- " * 30_000),
        ("application/yaml", b"{a: " * 15_000),
        ("application/toml", b"a." * 30_000 + b"a = 1"),
        ("application/toml", b"a = " + b"[" * 60_000),
        ("application/json", b" " * 70_000),
        ("application/yaml", b"a: [unclosed"),
    ],
)
def test_a_body_that_is_no_specification_is_a_spec_error(
    client: TestClient, content_type: str, body: bytes
) -> None:
    status, kind, _ = error_of(client.post(API, content=body, headers={"content-type": content_type}))
    assert (status, kind) == (422, "SpecError")


def test_a_yaml_bomb_is_refused_before_it_grows(client: TestClient) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{k}: &a{k} [{', '.join([f'*a{k - 1}'] * 10)}]" for k in range(1, 12)]
    lines += ["fixed: {beta: *a11}"]
    answer = client.post(API, content="\n".join(lines), headers={"content-type": "application/yaml"})
    assert error_of(answer)[:2] == (422, "SpecError")
    assert "alias" in answer.json()["error"]["message"]


def test_a_launcher_that_fails_leaves_the_campaign_recorded(store: Store, store_url: str) -> None:
    from spikefront.errors import SpikefrontError

    def failing(name: str) -> None:
        raise SpikefrontError(f"Campaign {name!r} is recorded but its driver did not start.")

    with TestClient(create_app(Settings(store_url), failing), base_url=BASE) as client:
        answer = client.post(API, json=specification("new"))
    assert error_of(answer)[:2] == (500, "SpikefrontError")
    assert store.campaign("new").state == "created"


def test_campaigns_are_listed_newest_first_and_paged(client: TestClient) -> None:
    client.post(API, params={"start": "false"}, json=specification("second"))
    listed = client.get(API).json()
    assert listed["total"] == 2
    assert [item["name"] for item in listed["campaigns"]] == ["second", "digits"]
    assert listed["campaigns"][1]["counts"]["silent"] == 2
    assert [c["name"] for c in client.get(API, params={"limit": 1, "offset": 1}).json()["campaigns"]] == [
        "digits"
    ]


def test_a_campaigns_status_counts_trials_and_names_the_best(client: TestClient) -> None:
    status = client.get(f"{API}/digits").json()
    assert (status["state"], status["trials_total"], status["front_size"]) == ("running", 12, 6)
    expected = {
        "complete": 6,
        "silent": 2,
        "failed": 1,
        "running": 1,
        "queued": 1,
        "pruned": 0,
        "cancelled": 0,
    }
    assert status["counts"] == expected
    assert status["best"]["accuracy"] == {"name": "5-0", "value": pytest.approx(0.95)}
    assert status["best"]["latency_us"] == {"name": "0-0", "value": 8.0}
    assert status["hypervolume"] > 0
    [running] = status["running"]
    assert (running["trial"], running["epoch"], running["epochs"]) == (9, 2, 10)
    assert (running["loss"], running["firing_rates"]) == (0.75, [0.125, 0.0625])


def test_a_running_trial_shows_its_progress_and_one_that_ended_does_not(client: TestClient) -> None:
    progress = client.get(f"{API}/digits/trials/9").json()["progress"]
    assert progress["detail"]["curve"]["validation_accuracy"] == [0.5, 0.8125]
    assert client.get(f"{API}/digits/trials/0").json()["progress"] is None


def test_the_front_holds_what_no_feasible_design_dominates(client: TestClient) -> None:
    designs = client.get(f"{API}/digits/front").json()["designs"]
    assert [design["name"] for design in designs] == ["5-0", "4-0", "3-0", "2-0", "1-0", "0-0"]
    assert designs[0]["config"] == {"beta": 0.7}
    assert designs[0]["accelerator"]["lanes"] == [4, 4]
    assert designs[0]["details"] == {"cycles_per_layer": [70, 50]}


def test_designs_are_the_feasible_ones(client: TestClient) -> None:
    found = client.get(f"{API}/digits/designs").json()
    assert found["total"] == 12
    assert [design["name"] for design in found["designs"]][:3] == ["0-0", "0-1", "1-0"]


def test_trials_are_paged_to_the_end(client: TestClient) -> None:
    after, numbers = -1, []
    while after is not None:
        page = client.get(f"{API}/digits/trials", params={"limit": 4, "after": after}).json()
        numbers += [trial["number"] for trial in page["trials"]]
        after = page["next"]
    assert numbers == list(range(11))


def test_trials_are_filtered_by_state(client: TestClient) -> None:
    page = client.get(f"{API}/digits/trials", params={"state": ["silent", "failed"]}).json()
    assert [(trial["number"], trial["state"]) for trial in page["trials"]] == [
        (6, "silent"),
        (7, "silent"),
        (8, "failed"),
    ]
    assert page["next"] is None


def test_a_trial_comes_with_its_designs(client: TestClient) -> None:
    trial = client.get(f"{API}/digits/trials/2").json()
    assert (trial["number"], trial["state"], trial["spikes_per_layer"]) == (2, "complete", [90.0, 40.5])
    assert [design["name"] for design in trial["designs"]] == ["2-0", "2-1", "2-2"]
    assert [design["feasible"] for design in trial["designs"]] == [True, True, False]
    assert trial["queued_at"].endswith(("Z", "+00:00"))


@pytest.mark.parametrize(
    "path", ["digit", "digit/trials", "digit/trials/0", "digit/front", "digits/trials/99"]
)
def test_what_is_not_there_is_not_found(client: TestClient, path: str) -> None:
    assert error_of(client.get(f"{API}/{path}"))[:2] == (404, "NotFoundError")


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=1001", "limit=x", "after=-2", "after=1e9", f"after={2**31}", "state=done", "state="],
)
def test_limits_and_filters_outside_their_bounds_are_refused(client: TestClient, query: str) -> None:
    status, kind, message = error_of(client.get(f"{API}/digits/trials?{query}"))
    assert (status, kind) == (422, "InputError")
    assert query.partition("=")[0] in message


@pytest.mark.parametrize("number", ["x", "1.5", "0x1", "9" * 30, "-1", "%00"])
def test_a_trial_number_that_is_none_is_refused(client: TestClient, number: str) -> None:
    assert error_of(client.get(f"{API}/digits/trials/{number}"))[0] in {404, 422}


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS"])
def test_other_methods_are_refused_in_the_same_shape(client: TestClient, method: str) -> None:
    assert error_of(client.request(method, API))[:2] == (405, "MethodNotAllowed")


@pytest.mark.parametrize(
    "path", ["/nothing", "/api/v1", "/api/v2/campaigns", "/docs", "/redoc", "/static/x.js"]
)
def test_an_unknown_path_is_refused_in_the_same_shape(client: TestClient, path: str) -> None:
    assert error_of(client.get(path))[:2] == (404, "NotFound")


def test_an_unforeseen_error_tells_nothing_of_the_inside(store: Store, store_url: str) -> None:
    def broken(name: str) -> None:
        raise RuntimeError("/secret/path")

    app = create_app(Settings(store_url), broken)
    with TestClient(app, base_url=BASE, raise_server_exceptions=False) as client:
        answer = client.post(API, json=specification("new"))
    assert error_of(answer)[:2] == (500, "InternalError")
    assert "secret" not in answer.text
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_a_store_that_fails_is_said_without_its_password(client: TestClient, store_url: str) -> None:
    import sqlite3

    with sqlite3.connect(store_url.removeprefix("sqlite:///")) as raw:
        raw.execute("PRAGMA foreign_keys = OFF")
        raw.execute("DROP TABLE designs")
    raw.close()
    status, kind, message = error_of(client.get(f"{API}/digits/front"))
    assert (status, kind) == (500, "SpikefrontError")
    assert "no such table: designs" in message


def test_the_interface_describes_itself(client: TestClient) -> None:
    described = client.get("/api/v1/openapi.json").json()
    assert set(described["paths"]) == {
        API,
        API + "/{name}",
        *(API + "/{name}/" + verb for verb in ("pause", "cancel", "extend", "narrow", "resume")),
        API + "/{name}/trials",
        API + "/{name}/trials/{number}",
        API + "/{name}/trials/{number}/why",
        API + "/{name}/calibration",
        API + "/{name}/front",
        API + "/{name}/designs",
    }
    content = described["paths"][API]["post"]["requestBody"]["content"]
    assert {"application/json", "application/toml", "application/yaml"} <= set(content)


def test_a_trial_is_explained_and_predictions_are_compared(client: TestClient) -> None:
    found = client.get(f"{API}/digits/trials/0/why").json()
    assert found["trial"] == 0
    assert found["text"][0].startswith("trial 0: ")
    assert client.get(f"{API}/digits/trials/99/why").status_code == 404
    assert set(client.get(f"{API}/digits/calibration").json()["objectives"]) == {
        "accuracy",
        "latency_us",
        "energy_uj",
    }

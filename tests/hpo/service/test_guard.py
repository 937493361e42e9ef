"""What every request passes: host, origin, token, size; and the headers of every answer."""

import http.client
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import pytest
from fastapi.routing import APIRoute
from service_samples import BASE, Recorder, specification
from starlette.testclient import TestClient

from hpo.service import Settings, api, create_app, pages
from hpo.service.access import LOOPBACK_HOSTS, SESSION_COOKIE
from hpo.store import Store

TOKEN = "correct-horse-battery"
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"]
ROUTES = [
    route for router in (api.router, pages.router) for route in router.routes if isinstance(route, APIRoute)
]
PATHS = sorted(
    {route.path.format(name="digits", number=0) for route in ROUTES} | {"/api/v1/openapi.json", "/x"}
)


@pytest.fixture
def locked(store: Store, store_url: str, launcher: Recorder) -> Iterator[TestClient]:
    """A caller of a service with a token, who does not present it."""
    app = create_app(Settings(store_url, TOKEN, LOOPBACK_HOSTS | {"lab.example"}), launcher)
    with TestClient(app, base_url=BASE, raise_server_exceptions=False, follow_redirects=False) as caller:
        yield caller


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "", "localhost@evil.example", "0.0.0.0"]
)
def test_a_foreign_host_is_refused_on_every_method(client: TestClient, method: str, host: str) -> None:
    for path in ("/", "/api/v1/campaigns", "/static/style.css", "/healthz", "/nothing"):
        answer = client.request(method, path, headers={"host": host})
        assert answer.status_code == HTTPStatus.BAD_REQUEST


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost:8000", "LOCALHOST", "[::1]:8000"])
def test_every_loopback_name_is_answered(client: TestClient, host: str) -> None:
    assert client.get("/api/v1/campaigns", headers={"host": host}).status_code == HTTPStatus.OK


def test_a_listed_host_is_answered(locked: TestClient) -> None:
    headers = {"host": "lab.example:8000", "authorization": f"Bearer {TOKEN}"}
    assert locked.get("/api/v1/campaigns", headers=headers).status_code == HTTPStatus.OK


def test_two_hosts_are_refused(live: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", live, timeout=10)
    connection.putrequest("GET", "/api/v1/campaigns", skip_host=True)
    connection.putheader("Host", "127.0.0.1")
    connection.putheader("Host", "evil.example")
    connection.endheaders()
    assert connection.getresponse().status == HTTPStatus.BAD_REQUEST
    connection.close()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "null",
        "http://127.0.0.1:9999",
        "http://127.0.0.1",
        "",
        "http://127.0.0.1:8000.evil.x",
    ],
)
def test_a_foreign_origin_is_refused_on_every_method(client: TestClient, method: str, origin: str) -> None:
    answer = client.request(method, "/api/v1/campaigns", headers={"origin": origin})
    assert answer.status_code == HTTPStatus.FORBIDDEN


@pytest.mark.parametrize("origin", [BASE, "https://127.0.0.1:8000"])
def test_the_own_origin_is_answered(client: TestClient, launcher: Recorder, origin: str) -> None:
    answer = client.post("/api/v1/campaigns", json=specification("new"), headers={"origin": origin})
    assert answer.status_code == HTTPStatus.CREATED


def test_no_answer_allows_other_sites(client: TestClient) -> None:
    preflight = {"origin": "https://evil.example", "access-control-request-method": "POST"}
    for answer in (client.get("/api/v1/campaigns"), client.options("/api/v1/campaigns", headers=preflight)):
        assert not [name for name in answer.headers if name.startswith("access-control-")]


@pytest.mark.parametrize("path", sorted(set(PATHS) - {"/login", "/healthz", "/static/style.css"}))
@pytest.mark.parametrize("method", METHODS)
def test_without_the_token_no_path_answers(locked: TestClient, method: str, path: str) -> None:
    answer = locked.request(method, path)
    if method in {"GET", "HEAD"} and not path.startswith("/api/"):
        assert (answer.status_code, answer.headers["location"]) == (HTTPStatus.SEE_OTHER, "/login")
    else:
        assert answer.status_code == HTTPStatus.UNAUTHORIZED
        assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        "Bearer ",
        f"Bearer {TOKEN}x",
        f"Bearer {TOKEN[:-1]}",
        f"Basic {TOKEN}",
        TOKEN,
        "Bearer \xff",
    ],
)
def test_a_wrong_token_does_not_open(locked: TestClient, header: str) -> None:
    headers: Any = {"authorization": header.encode("latin-1")}
    assert locked.get("/api/v1/campaigns", headers=headers).status_code == HTTPStatus.UNAUTHORIZED


def test_the_token_in_an_address_does_not_open(locked: TestClient) -> None:
    assert locked.get(f"/api/v1/campaigns?token={TOKEN}").status_code == HTTPStatus.UNAUTHORIZED


@pytest.mark.parametrize("scheme", ["Bearer", "bearer"])
def test_the_token_opens(locked: TestClient, launcher: Recorder, scheme: str) -> None:
    headers = {"authorization": f"{scheme} {TOKEN}"}
    assert locked.get("/", headers=headers).status_code == HTTPStatus.OK
    assert locked.post("/api/v1/campaigns", json=specification("new"), headers=headers).status_code == 201
    assert launcher.started == ["new"]


def test_the_login_form_exchanges_the_token_for_a_cookie(locked: TestClient) -> None:
    assert locked.get("/login").status_code == HTTPStatus.OK
    answer = locked.post("/login", data={"token": TOKEN}, headers={"origin": BASE})
    assert (answer.status_code, answer.headers["location"]) == (HTTPStatus.SEE_OTHER, "/")
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith(SESSION_COOKIE)
    assert {"HttpOnly", "SameSite=strict", "Path=/"} <= set(cookie.split("; "))
    assert TOKEN not in cookie
    assert locked.get("/campaigns/digits").status_code == HTTPStatus.OK
    assert locked.get("/api/v1/campaigns/digits").status_code == HTTPStatus.OK


def test_over_tls_the_cookie_is_secure(store: Store, store_url: str, launcher: Recorder) -> None:
    app = create_app(Settings(store_url, TOKEN), launcher)
    with TestClient(app, base_url="https://localhost", follow_redirects=False) as caller:
        assert "Secure" in caller.post("/login", data={"token": TOKEN}).headers["set-cookie"].split("; ")


@pytest.mark.parametrize(
    "body", ["", "token=", "token=wrong", "other=1", "token", "a=1&b=2&c=3&d=4&e=5", "%ff=%ff"]
)
def test_a_wrong_login_gets_no_cookie(locked: TestClient, body: str) -> None:
    answer = locked.post("/login", content=body)
    assert answer.status_code in {HTTPStatus.UNAUTHORIZED, HTTPStatus.UNPROCESSABLE_ENTITY}
    assert "set-cookie" not in answer.headers


def test_a_login_from_another_site_is_refused(locked: TestClient) -> None:
    answer = locked.post("/login", data={"token": TOKEN}, headers={"origin": "https://evil.example"})
    assert answer.status_code == HTTPStatus.FORBIDDEN
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("cookie", ["", "x", "9999999999.", "9999999999." + "0" * 64, ".", "\udcff"])
def test_a_made_up_cookie_does_not_open(locked: TestClient, cookie: str) -> None:
    headers: Any = {"cookie": f"{SESSION_COOKIE}={cookie}".encode("utf-8", "surrogateescape")}
    assert locked.get("/api/v1/campaigns", headers=headers).status_code == HTTPStatus.UNAUTHORIZED


def test_without_a_token_the_login_form_leads_on(client: TestClient) -> None:
    assert client.get("/login").headers["location"] == "/"
    answer = client.post("/login", data={"token": "x"})
    assert (answer.status_code, "set-cookie" in answer.headers) == (HTTPStatus.SEE_OTHER, False)


@pytest.mark.parametrize("path", PATHS)
def test_every_answer_carries_the_headers(client: TestClient, path: str) -> None:
    for answer in (client.get(path), client.get(path, headers={"host": "evil.example"}), client.put(path)):
        policy = answer.headers["content-security-policy"]
        scripts = next(part for part in policy.split("; ") if part.startswith("script-src"))
        assert scripts == "script-src 'self'"
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["x-frame-options"] == "DENY"
        assert answer.headers["cache-control"] in {"no-store", "no-cache", "private, max-age=604800"}


def test_a_declared_large_body_is_refused(client: TestClient) -> None:
    for path in PATHS:
        answer = client.post(path, content=b"x" * 1_000_001)
        assert answer.status_code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE
        assert answer.json()["error"]["kind"] == "RequestEntityTooLarge"


def test_an_undeclared_large_body_is_refused(client: TestClient, launcher: Recorder) -> None:
    def chunks() -> Iterator[bytes]:
        for _ in range(11):
            yield b" " * 100_000

    for path in ("/api/v1/campaigns", "/login"):
        answer = client.post(path, content=chunks(), headers={"content-type": "application/json"})
        assert answer.status_code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    assert launcher.started == []


def test_a_body_at_the_limit_is_read(client: TestClient) -> None:
    answer = client.post(
        "/api/v1/campaigns", content=b" " * 1_000_000, headers={"content-type": "application/json"}
    )
    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY


HOSTILE = [
    "..",
    ".",
    "../../../etc/passwd",
    "%2e%2e",
    "%2e%2e%2f%2e%2e%2fetc%2fpasswd",
    "%252e%252e%252fetc%252fpasswd",
    "..%5c..%5cwindows",
    "/etc/passwd",
    "%2fetc%2fpasswd",
    "digits%00",
    "%00",
    "%0d%0aSet-Cookie:%20a=b",
    "digits%0a",
    "digits/../digits",
    "digits;x",
    "digits.",
    "DIGITS",
    "%ff%fe",
    "%ed%a0%80",
    "%E2%80%AE",
    quote("<script>alert(1)</script>"),
    quote("'; DROP TABLE campaigns; --"),
    quote("{{7*7}}"),
    quote("${7*7}"),
    "x" * 5000,
    "-home",
    "--data",
    "%2d%2dhelp",
]
NAMED = sorted((min(route.methods), route.path) for route in ROUTES if "{name}" in route.path)


@pytest.mark.parametrize(("method", "path"), NAMED)
@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_not_found_on_any_route(live: int, method: str, path: str, name: str) -> None:
    # Sent as raw bytes: clients would tidy some of these paths away.
    connection = http.client.HTTPConnection("127.0.0.1", live, timeout=10)
    connection.putrequest(method, path.replace("{name}", name).replace("{number}", "0") + "?trials=1")
    connection.endheaders()
    answer = connection.getresponse()
    body = answer.read().decode("utf-8", "replace")
    connection.close()
    assert answer.status == HTTPStatus.NOT_FOUND
    assert answer.getheader("set-cookie") is None
    if answer.getheader("content-type") != "application/json":
        assert "<script>alert" not in body
    assert "root:" not in body
    assert "49" not in body


def test_the_store_is_whole_after_all_of_that(live: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", live, timeout=10)
    connection.request("GET", "/api/v1/campaigns/digits")
    assert connection.getresponse().status == HTTPStatus.OK
    connection.close()

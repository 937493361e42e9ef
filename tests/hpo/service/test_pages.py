"""The pages as HTML: what they show, and that nothing from outside becomes markup."""

import re
from pathlib import Path

import pytest
from service_samples import fill
from starlette.testclient import TestClient

import hpo.service
from hpo.store import Store

PACKAGE = Path(hpo.service.__file__).parent


def test_the_index_lists_campaigns_with_silent_trials_counted(client: TestClient, store: Store) -> None:
    fill(store, "Second_one.v2")
    page = client.get("/").text
    assert re.search(r'<a href="/campaigns/digits">digits</a>', page)
    assert page.index("Second_one.v2") < page.index(">digits<")
    cells = re.findall(r'<td class="number">(\d+)</td>', page)
    assert cells == ["1", "6", "2", "1"] * 2


def test_an_empty_index_says_how_to_start(client: TestClient, store_url: str, tmp_path: Path) -> None:
    from service_samples import BASE, Recorder

    from hpo.service import Settings, create_app

    app = create_app(Settings(f"sqlite:///{tmp_path / 'other.db'}"), Recorder())
    with TestClient(app, base_url=BASE) as caller:
        assert "spikefront run FILE" in caller.get("/").text


def test_the_campaign_page_names_its_campaign(client: TestClient) -> None:
    page = client.get("/campaigns/digits")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert 'data-name="digits"' in page.text
    assert "accuracy, latency_us, energy_uj" in page.text


def test_a_missing_campaign_has_a_page_that_says_so(client: TestClient) -> None:
    page = client.get("/campaigns/%3Cscript%3Ealert(1)%3C%2Fscript%3E")
    assert page.status_code == 404
    page = client.get("/campaigns/%3Cimg src=x onerror=alert(1)%3E")
    assert page.status_code == 404
    assert "<img" not in page.text
    assert "&lt;img" in page.text


def test_pages_hold_no_inline_script_and_load_nothing_from_elsewhere() -> None:
    for path in [*PACKAGE.glob("templates/*.html"), *PACKAGE.glob("static/*")]:
        text = path.read_text("utf-8")
        assert not re.search(r"<script(?![^>]*\bsrc=)", text), path.name
        assert not re.search(r"\son\w+=|\sstyle=|javascript:", text), path.name
        assert not re.search(r"https?://|//[a-z]+\.", text), path.name


@pytest.mark.parametrize("name", ["campaign.js", "actions.js"])
def test_the_scripts_write_text_and_never_markup(name: str) -> None:
    script = (PACKAGE / "static" / name).read_text("utf-8")
    for sink in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "Function("):
        assert sink not in script


@pytest.mark.parametrize(
    ("name", "media"),
    [
        ("style.css", "text/css"),
        ("campaign.js", "text/javascript"),
        ("actions.js", "text/javascript"),
        ("plotly.min.js", "text/javascript"),
    ],
)
def test_static_files_have_their_types(client: TestClient, name: str, media: str) -> None:
    answer = client.get(f"/static/{name}")
    assert answer.headers["content-type"] == f"{media}; charset=utf-8"
    assert len(answer.content) > 1000


def test_health_needs_a_store_that_answers(client: TestClient, store_url: str) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}
    import sqlite3

    with sqlite3.connect(store_url.removeprefix("sqlite:///")) as raw:
        raw.execute("ALTER TABLE campaigns RENAME TO elsewhere")
    raw.close()
    assert client.get("/healthz").status_code == 500

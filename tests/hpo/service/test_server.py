"""Starting the service: which address needs a token, which hosts it answers to."""

import pytest

from hpo.home import Home
from hpo.service import serve
from hpo.service.server import allowed_hosts, checked_token
from spikefront.errors import InputError

GOOD = "0123456789abcdef"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
@pytest.mark.parametrize("token", [None, "", "  "])
def test_loopback_needs_no_token(host: str, token: str | None) -> None:
    assert checked_token(host, token) is None


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "lab.example"])
@pytest.mark.parametrize("token", [None, "", " \n"])
def test_any_other_address_needs_one(host: str, token: str | None) -> None:
    with pytest.raises(
        InputError, match=f"Others can reach {host}, so a token is needed; set SPIKEFRONT_TOKEN"
    ):
        checked_token(host, token)


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
@pytest.mark.parametrize("token", ["short", "0123456789abcde", "ü" * 20, "a\tb" * 10])
def test_a_weak_token_is_refused_everywhere(host: str, token: str) -> None:
    with pytest.raises(InputError, match="use at least 16") as caught:
        checked_token(host, token)
    assert token not in str(caught.value)


def test_a_good_token_is_taken_without_the_space_around_it() -> None:
    assert checked_token("0.0.0.0", f" {GOOD}\n") == GOOD


def test_serve_refuses_before_it_makes_anything(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    from pathlib import Path

    home = Home(Path(str(tmp_path)) / "home")
    monkeypatch.delenv("SPIKEFRONT_TOKEN", raising=False)
    with pytest.raises(InputError, match="token is needed"):
        serve(home, "0.0.0.0", 0, None)
    assert not home.path.exists()


def test_hosts_are_loopback_the_own_address_and_those_listed() -> None:
    loopback = {"127.0.0.1", "localhost", "[::1]"}
    assert allowed_hosts("127.0.0.1", "") == loopback
    assert allowed_hosts("192.168.1.5", " Lab.Example , other ") == loopback | {
        "192.168.1.5",
        "lab.example",
        "other",
    }
    assert allowed_hosts("fe80::1", ",") == loopback | {"[fe80::1]"}

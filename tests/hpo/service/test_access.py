"""Tokens, session cookies and host names."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpo.service.access import Gate, host_name, is_loopback

TOKEN = "0123456789abcdef-token"


def test_only_the_token_opens() -> None:
    gate = Gate.of(TOKEN)
    assert gate.opens(TOKEN)
    for wrong in ("", TOKEN[:-1], TOKEN + "x", TOKEN.upper(), "\udcff", "ü" * 20):
        assert not gate.opens(wrong)


def test_neither_gate_nor_cookie_holds_the_token() -> None:
    gate = Gate.of(TOKEN)
    for kept in (
        repr(gate),
        gate.session(),
        gate.digest.decode("latin-1"),
        gate.session_key.decode("latin-1"),
    ):
        assert TOKEN not in kept


def test_a_session_is_known_to_its_own_gate_until_it_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    gate = Gate.of(TOKEN)
    session = gate.session()
    assert gate.knows(session)
    assert Gate.of(TOKEN).knows(session), "a restarted service with the same token"
    assert not Gate.of(TOKEN + "2").knows(session)
    ends = int(session.partition(".")[0])
    monkeypatch.setattr("hpo.service.access.time.time", lambda: ends - 1)
    assert gate.knows(session)
    monkeypatch.setattr("hpo.service.access.time.time", lambda: ends + 1)
    assert not gate.knows(session)


@given(text=st.text() | st.from_regex(r"[0-9]{1,12}\.[0-9a-f]{64}", fullmatch=True))
def test_no_made_up_session_is_known(text: str) -> None:
    assert not Gate.of(TOKEN).knows(text)


def test_a_prolonged_session_is_not_known() -> None:
    gate = Gate.of(TOKEN)
    ends, _, proof = gate.session().partition(".")
    assert not gate.knows(f"{int(ends) + 1}.{proof}")


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.1", "::1", "localhost"])
def test_loopback_addresses(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host", ["0.0.0.0", "::", "192.168.0.2", "", "localhost.evil.org", "127.0.0.1.nip.io", "2130706433"]
)
def test_addresses_that_others_reach(host: str) -> None:
    assert not is_loopback(host)


@pytest.mark.parametrize(
    ("authority", "host"),
    [
        ("localhost", "localhost"),
        ("LocalHost:8000", "localhost"),
        ("127.0.0.1:80", "127.0.0.1"),
        ("[::1]:8000", "[::1]"),
        ("[::1]", "[::1]"),
        ("localhost:8000@evil.org", ""),
        ("evil.org/localhost", ""),
        ("localhost#", ""),
        ("localhost:port", ""),
        ("localhost:99999", ""),
        ("[::1", ""),
        ("", ""),
        (":8000", ""),
    ],
)
def test_the_host_of_an_authority(authority: str, host: str) -> None:
    assert host_name(authority) == host

"""Who may talk to the service: the token, the session cookie of the page, the names of this host."""

import hashlib
import hmac
import ipaddress
import time
from dataclasses import dataclass, field
from urllib.parse import urlsplit

SESSION_COOKIE = "spikefront_session"
SESSION_S = 12 * 3600
LOOPBACK_HOSTS = frozenset({"127.0.0.1", "localhost", "[::1]"})


@dataclass(frozen=True)
class Gate:
    """Checks bearer tokens and session cookies against a token of which only hashes are kept."""

    digest: bytes = field(repr=False)
    session_key: bytes = field(repr=False)

    @classmethod
    def of(cls, token: str) -> "Gate":
        """The gate that ``token`` opens."""
        secret = token.encode()
        key = hmac.digest(secret, b"spikefront session cookie", "sha256")
        return cls(hashlib.sha256(secret).digest(), key)

    def opens(self, token: str) -> bool:
        """Whether ``token`` is the token; takes equally long for every wrong one."""
        given = hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
        return hmac.compare_digest(given, self.digest)

    def session(self) -> str:
        """A new cookie value: when it ends, and the proof that this gate wrote that."""
        ends = str(int(time.time()) + SESSION_S)
        return f"{ends}.{self._proof(ends)}"

    def knows(self, session: str) -> bool:
        """Whether a cookie value was written by this gate and has not ended."""
        ends, _, proof = session.partition(".")
        if not hmac.compare_digest(proof.encode("utf-8", "replace"), self._proof(ends).encode()):
            return False
        return time.time() < int(ends)

    def _proof(self, ends: str) -> str:
        return hmac.new(self.session_key, ends.encode("utf-8", "replace"), "sha256").hexdigest()


def is_loopback(host: str) -> bool:
    """Whether listening on ``host`` can be reached from this machine alone."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def host_name(authority: str) -> str:
    """The host of ``HOST[:PORT]`` in lower case, IPv6 in brackets; empty when it is no such thing."""
    if any(character in authority for character in "/?#@\\ \t"):
        return ""
    try:
        parts = urlsplit(f"//{authority}")
        _ = parts.port
    except ValueError:
        return ""
    host = parts.hostname or ""
    return f"[{host}]" if ":" in host else host

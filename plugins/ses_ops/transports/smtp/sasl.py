"""The mechanisms of SMTP AUTH: the client's responses, without a socket (RFC 4954).

client                                           server
AUTH XOAUTH2 dXNlcj1hbm5A... -->
                                                 <-- 334 eyJzdGF0dXMiOiI0MDEi... (an error, in base64)
(an empty line) -->
                                                 <-- 535 5.7.3 Authentication unsuccessful
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
from dataclasses import dataclass, field
from typing import ClassVar

from ses_ops.transports.smtp.replies import printable


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """The login, with a password or an OAuth 2 access token, at one host and port."""

    login: str
    password: str = field(default="", repr=False)
    token: str | None = field(default=None, repr=False)
    host: str = ""
    port: int = 25


class Exchange:
    """One attempt with one mechanism. All bytes in and out are those of the mechanism, before base64."""

    name: ClassVar[str]

    def __init__(self, credentials: Credentials) -> None:
        self._is = credentials
        #: The reason that the server gave in a challenge; empty when it gave none.
        self.complaint = ""

    def first(self) -> bytes | None:
        """The initial response (RFC 4954 4); None for a mechanism in which the server speaks first."""
        return None

    def answer(self, challenge: bytes) -> bytes | None:  # noqa: ARG002
        """The response to a challenge after the initial response; None when the mechanism has no further response."""
        return None


class Plain(Exchange):
    """The mechanism PLAIN (RFC 4616)."""

    name = "PLAIN"

    def first(self) -> bytes:
        """NUL, login, NUL, password: no authorisation identity other than the login."""
        return b"\0" + self._is.login.encode() + b"\0" + self._is.password.encode()


class Login(Exchange):
    """The mechanism LOGIN (draft-murchison-sasl-login): the server prompts twice, in words that no standard fixes."""

    name = "LOGIN"

    def __init__(self, credentials: Credentials) -> None:
        super().__init__(credentials)
        self._left = {"login": credentials.login.encode(), "password": credentials.password.encode()}

    def answer(self, challenge: bytes) -> bytes | None:
        """Login and password, each once: the value that the prompt names, else the next."""
        prompt = challenge.lower()
        wanted = "password" if b"pass" in prompt else "login" if b"user" in prompt or b"login" in prompt else None
        if wanted is None:
            wanted = next(iter(self._left), "")
        return self._left.pop(wanted, None)


class CramMd5(Exchange):
    """The mechanism CRAM-MD5 (RFC 2195), for servers that offer no other."""

    name = "CRAM-MD5"

    def __init__(self, credentials: Credentials) -> None:
        super().__init__(credentials)
        self._answered = False

    def answer(self, challenge: bytes) -> bytes | None:
        """The login and the HMAC-MD5 of the challenge, keyed by the password, in hexadecimal."""
        if self._answered or not challenge:
            return None
        self._answered = True
        digest = hmac.new(self._is.password.encode(), challenge, "md5").hexdigest()
        return f"{self._is.login} {digest}".encode()


class XOAuth2(Exchange):
    """The mechanism XOAUTH2 of Google and Microsoft."""

    name = "XOAUTH2"
    #: The response that ends the exchange after an error.
    _FAREWELL: ClassVar[bytes] = b""

    def first(self) -> bytes:
        """The mailbox and the token."""
        return f"user={self._is.login}\x01auth=Bearer {self._is.token}\x01\x01".encode()

    def answer(self, challenge: bytes) -> bytes | None:
        """The response to an error in JSON, which the server waits for before it sends 535."""
        if self.complaint:
            return None
        self.complaint = _error_words(challenge)
        return self._FAREWELL


class OAuthBearer(XOAuth2):
    """The mechanism OAUTHBEARER (RFC 7628)."""

    name = "OAUTHBEARER"
    _FAREWELL = b"\x01"

    def first(self) -> bytes:
        """The mailbox and the token in a GS2 header (RFC 5801), where comma and equals sign of a name are escaped."""
        name = self._is.login.replace("=", "=3D").replace(",", "=2C")
        where = f"host={self._is.host}\x01port={self._is.port}\x01"
        return f"n,a={name},\x01{where}auth=Bearer {self._is.token}\x01\x01".encode()


#: Mechanisms in the order in which a login tries them. Under TLS a password is as safe in PLAIN as in LOGIN, and
#: servers that refuse PLAIN often want LOGIN; CRAM-MD5 is old, and needs the password in clear on the server.
WITH_PASSWORD: tuple[type[Exchange], ...] = (Plain, Login, CramMd5)
WITH_TOKEN: tuple[type[Exchange], ...] = (XOAuth2, OAuthBearer)


def of_base64(raw: bytes) -> bytes:
    """The bytes of the challenge behind 334; the challenge unchanged where it is no base64, as some servers write."""
    try:
        return base64.b64decode(raw.strip(), validate=True)
    except binascii.Error:
        return raw.strip()


def _error_words(challenge: bytes) -> str:
    """`{"status":"401","schemes":"bearer","scope":"..."}` as `status 401, schemes bearer, scope ...`."""
    try:
        said = json.loads(challenge)
    except ValueError:
        return printable(challenge) or "no reason"
    if not isinstance(said, dict):
        return printable(challenge) or "no reason"
    return printable(", ".join(f"{name} {value}" for name, value in said.items())) or "no reason"

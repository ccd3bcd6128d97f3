"""The mechanisms of SMTP AUTH: what a client says in each, without a socket (RFC 4954 and each mechanism's own).

AUTH XOAUTH2 dXNlcj1hbm5A...        the initial response, in base64
334 eyJzdGF0dXMiOiI0MDEi...         an error, which is to be answered
                                    ... by an empty line
535 5.7.3 Authentication unsuccessful
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
    """Who logs in, and by what: a password, or an OAuth 2 access token."""

    login: str
    password: str = field(default="", repr=False)
    token: str | None = field(default=None, repr=False)
    host: str = ""
    port: int = 25


class Exchange:
    """One try of one mechanism. Bytes in and out are those of the mechanism, before base64."""

    name: ClassVar[str]

    def __init__(self, credentials: Credentials) -> None:
        self._is = credentials
        #: What the server gave as its reason in a challenge, if it did.
        self.complaint = ""

    def first(self) -> bytes | None:
        """The initial response (RFC 4954 4); None for a mechanism in which the server speaks first."""
        return None

    def answer(self, challenge: bytes) -> bytes | None:  # noqa: ARG002
        """The answer to a challenge behind the initial response; None when there is nothing more to say."""
        return None


class Plain(Exchange):
    """RFC 4616."""

    name = "PLAIN"

    def first(self) -> bytes:
        """No other identity than the login's."""
        return b"\0" + self._is.login.encode() + b"\0" + self._is.password.encode()


class Login(Exchange):
    """draft-murchison-sasl-login: the server asks for two things, by prompts that nobody has fixed."""

    name = "LOGIN"

    def __init__(self, credentials: Credentials) -> None:
        super().__init__(credentials)
        self._left = {"login": credentials.login.encode(), "password": credentials.password.encode()}

    def answer(self, challenge: bytes) -> bytes | None:
        """Each thing once: the one that the prompt names, else the next."""
        prompt = challenge.lower()
        wanted = "password" if b"pass" in prompt else "login" if b"user" in prompt or b"login" in prompt else None
        if wanted is None:
            wanted = next(iter(self._left), "")
        return self._left.pop(wanted, None)


class CramMd5(Exchange):
    """RFC 2195: for servers that offer nothing else."""

    name = "CRAM-MD5"

    def __init__(self, credentials: Credentials) -> None:
        super().__init__(credentials)
        self._answered = False

    def answer(self, challenge: bytes) -> bytes | None:
        """The challenge, keyed by the password."""
        if self._answered or not challenge:
            return None
        self._answered = True
        digest = hmac.new(self._is.password.encode(), challenge, "md5").hexdigest()
        return f"{self._is.login} {digest}".encode()


class XOAuth2(Exchange):
    """Google's and Microsoft's own."""

    name = "XOAUTH2"
    #: What ends the exchange after an error.
    _FAREWELL: ClassVar[bytes] = b""

    def first(self) -> bytes:
        """The mailbox and the token."""
        return f"user={self._is.login}\x01auth=Bearer {self._is.token}\x01\x01".encode()

    def answer(self, challenge: bytes) -> bytes | None:
        """The challenge is an error in JSON. It must be answered before the server says its 535."""
        if self.complaint:
            return None
        self.complaint = _error_words(challenge)
        return self._FAREWELL


class OAuthBearer(XOAuth2):
    """RFC 7628."""

    name = "OAUTHBEARER"
    _FAREWELL = b"\x01"

    def first(self) -> bytes:
        """As XOAUTH2, in a frame of GS2 (RFC 5801), in which a name may have no comma and no equals sign."""
        name = self._is.login.replace("=", "=3D").replace(",", "=2C")
        where = f"host={self._is.host}\x01port={self._is.port}\x01"
        return f"n,a={name},\x01{where}auth=Bearer {self._is.token}\x01\x01".encode()


#: In the order in which they are tried. A password is as safe in each of the first two (TLS), and servers that refuse
#: PLAIN often want LOGIN; CRAM-MD5 is old, and needs the password in clear on the server.
WITH_PASSWORD: tuple[type[Exchange], ...] = (Plain, Login, CramMd5)
WITH_TOKEN: tuple[type[Exchange], ...] = (XOAuth2, OAuthBearer)


def of_base64(raw: bytes) -> bytes:
    """A challenge as it came behind 334; as it is where it is no base64, which some servers write."""
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

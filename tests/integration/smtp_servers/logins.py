"""A scripted server with all mechanisms of AUTH, of which it takes the ones that a test says, in the way it says."""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.integration.smtp_servers.script import Act, Script
from tests.integration.smtp_servers.scripted import ScriptedServer

CHALLENGE = b"<1896.697170952@scripted>"
#: Google's and Microsoft's way to say that a token is no good.
BAD_TOKEN = {"status": "401", "schemes": "bearer", "scope": "https://mail.example.com/"}


def refusal(code: int, *, close: bool = False) -> Act:
    return Act(f"{code}", f"{code} 5.7.{code % 10} no\r\n".encode(), "close" if close else "go on")


@dataclass(frozen=True, kw_only=True)
class Rules:
    """Who may log in, and how."""

    passwords: Mapping[str, str] = field(default_factory=dict)
    #: Access tokens that are good; a test may change them while the server runs.
    tokens: set[str] = field(default_factory=set)
    #: What is done in place of an answer to `AUTH mechanism`.
    in_place_of: Mapping[str, Act] = field(default_factory=dict)
    #: An initial response gets this reply, whatever it says; None: it is read.
    to_initial: bytes | None = None
    #: The prompts of LOGIN, as they stand behind 334.
    prompts: tuple[bytes, ...] = (b"VXNlcm5hbWU6", b"UGFzc3dvcmQ6")
    #: After a wrong password or token.
    close_after_refusal: bool = False


class _Cancelled(Exception):
    """The client gave the exchange up."""


class LoginServer(ScriptedServer):
    """Keeps in `tried` the mechanism of every AUTH, and in `logged_in` that of every success."""

    def __init__(self, rules: Rules, mechanisms: tuple[str, ...] = ("PLAIN", "LOGIN"), **script: Any) -> None:
        super().__init__(Script(logins={}, mechanisms=mechanisms, **script))
        self.rules = rules
        self.tried: list[str] = []
        self.logged_in: list[str] = []
        #: What ended a refused exchange of OAuth.
        self.farewells: list[bytes] = []

    async def _do_auth(self, session: Any, rest: str) -> None:
        mechanism, _, initial = rest.partition(" ")
        self.tried.append(mechanism)
        act = self.rules.in_place_of.get(mechanism)
        if act is not None:
            await self._do(session, act)
            return
        if initial and self.rules.to_initial is not None:
            await self._say(session, self.rules.to_initial)
            if not self.rules.to_initial.startswith(b"334"):
                return
            initial = (await self._line(session)).decode()
        exchange = getattr(self, f"_{mechanism.lower().replace('-', '_')}")
        try:
            login = await exchange(session, initial)
        except _Cancelled:
            await self._say(session, b"501 5.0.0 cancelled\r\n")
            return
        if login is None:
            await self._do(session, refusal(535, close=self.rules.close_after_refusal))
            return
        self.logins.append(login)
        self.logged_in.append(mechanism)
        session.login = login
        await self._say(session, b"235 2.7.0 welcome\r\n")

    async def _line(self, session: Any) -> bytes:
        line: bytes = (await session.reader.readuntil(b"\n")).rstrip(b"\r\n")
        return line

    async def _ask(self, session: Any, challenge: bytes) -> bytes:
        await self._say(session, b"334 " + challenge + b"\r\n")
        line = await self._line(session)
        if line == b"*":
            raise _Cancelled
        return base64.b64decode(line)

    def _who(self, login: str, password: str) -> str | None:
        return login if self.rules.passwords.get(login) == password else None

    async def _plain(self, session: Any, initial: str) -> str | None:
        said = base64.b64decode(initial) if initial else await self._ask(session, b"")
        _, login, password = said.decode().split("\0")
        return self._who(login, password)

    async def _login(self, session: Any, initial: str) -> str | None:
        answers = {}
        for prompt in self.rules.prompts:
            text = base64.b64decode(prompt).lower() if prompt.startswith((b"V", b"U")) else prompt.lower()
            what = "password" if b"pass" in text or (answers and b"user" not in text) else "login"
            answers[what] = (await self._ask(session, prompt)).decode()
        return self._who(answers["login"], answers["password"])

    async def _cram_md5(self, session: Any, initial: str) -> str | None:
        login, _, digest = (await self._ask(session, base64.b64encode(CHALLENGE))).decode().rpartition(" ")
        right = hmac.new(self.rules.passwords.get(login, "").encode(), CHALLENGE, "md5").hexdigest()
        return login if digest == right else None

    async def _xoauth2(self, session: Any, initial: str) -> str | None:
        said = base64.b64decode(initial) if initial else await self._ask(session, b"")
        user, auth, *rest = said.decode().split("\x01")
        assert rest == ["", ""], said
        assert user.startswith("user=")
        return await self._bearer(session, user.removeprefix("user="), auth)

    async def _oauthbearer(self, session: Any, initial: str) -> str | None:
        said = base64.b64decode(initial) if initial else await self._ask(session, b"")
        header, host, port, auth, *rest = said.decode().split("\x01")
        assert rest == ["", ""], said
        assert (host, port) == (f"host={self.host}", f"port={self.port}")
        assert header.startswith("n,a="), said
        assert header.endswith(","), said
        name = header.removeprefix("n,a=").removesuffix(",").replace("=2C", ",").replace("=3D", "=")
        return await self._bearer(session, name, auth)

    async def _bearer(self, session: Any, login: str, auth: str) -> str | None:
        kind, _, token = auth.partition(" ")
        assert kind == "auth=Bearer"
        if token in self.rules.tokens:
            return login
        self.farewells.append(await self._ask(session, base64.b64encode(json.dumps(BAD_TOKEN).encode())))
        return None

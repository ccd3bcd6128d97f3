"""The login of a session: each mechanism that server and settings share, one after the other (RFC 4954 4, 6)."""

from __future__ import annotations

import base64
import ipaddress
import logging
from collections import Counter

from ses_ops.transports.errors import ConnectionFailed, SetupRefused
from ses_ops.transports.smtp.capabilities import Capabilities
from ses_ops.transports.smtp.replies import Reply
from ses_ops.transports.smtp.sasl import WITH_PASSWORD, WITH_TOKEN, Credentials, Exchange, of_base64
from ses_ops.transports.smtp.settings import SmtpSettings
from ses_ops.transports.smtp.stream import SmtpStream

_log = logging.getLogger(__name__)

#: Octets of a command without its CRLF (RFC 5321 4.5.3.1.4).
_MOST_COMMAND = 510
#: Challenges of one exchange; no mechanism here has more than three.
_MOST_CHALLENGES = 4
#: "A password transition is needed" (RFC 4954 6): 4xx, and yet this mechanism will not do, while PLAIN may.
_ANOTHER_MECHANISM = 432


class AnotherConnection(Exception):
    """This one is of no use after a refusal, and the login has not been refused in every way that is left."""


class Login:
    """Logs the sessions of one transport in. What the first has found out, the others do not try again.

    A refused mechanism is a failed login, and many servers lock an account after a few: each mechanism is tried once,
    and once one has worked, only that.
    """

    def __init__(self, settings: SmtpSettings) -> None:
        self._settings = settings
        self._worked: str | None = None
        #: What each mechanism was refused with since the last success.
        self._refused: dict[str, str] = {}
        #: Connections that were lost in the middle of an exchange, by mechanism: such a one comes last.
        self._lost: Counter[str] = Counter()

    async def log_in(
        self, stream: SmtpStream, capabilities: Capabilities, *, encrypted: bool, token: str | None
    ) -> None:
        """Raises SetupRefused when all are refused, AnotherConnection when the server closed after a refusal."""
        settings = self._settings
        if not (encrypted or settings.allow_plaintext_auth or is_this_machine(stream)):
            raise SetupRefused("login_unencrypted", server=stream.address)
        credentials = Credentials(
            login=settings.login or "",
            password=settings.password or "",
            token=token,
            host=settings.host,
            port=settings.port,
        )
        stream.secrets = [secret.encode() for secret in (settings.password, token) if secret]
        refused_here = False
        for mechanism in self._to_try(stream.address, capabilities):
            try:
                if stream.lost is not None:
                    raise ConnectionFailed("connection_lost", server=stream.address, why=stream.lost)
                accepted = await self._try(stream, mechanism(credentials))
            except ConnectionFailed as error:
                if refused_here:
                    raise AnotherConnection from error
                self._lost[mechanism.name] += 1
                raise
            if accepted:
                self._remember(stream.address, mechanism.name)
                return
            refused_here = True
        tried = ", ".join(f"{name}: {words}" for name, words in self._refused.items())
        self._refused.clear()
        code = "login_with_token_refused" if token is not None else "login_refused"
        raise SetupRefused(code, server=stream.address, login=credentials.login, reply=tried)

    def _to_try(self, address: str, capabilities: Capabilities) -> list[type[Exchange]]:
        """In the order of the settings, of what was learnt, and of preference."""
        can = WITH_TOKEN if self._settings.oauth2 is not None else WITH_PASSWORD
        only = self._worked or self._settings.auth_mechanism
        if only is not None:
            return [one for one in can if one.name == only]
        shared = [one for one in can if one.name in capabilities.auth]
        if not shared:
            names = [one.name for one in can]
            if not capabilities.auth:
                raise SetupRefused("login_not_offered", server=address, can=names)
            raise SetupRefused("no_mechanism_shared", server=address, offered=sorted(capabilities.auth), can=names)
        left = [one for one in shared if one.name not in self._refused]
        return sorted(left, key=lambda one: self._lost[one.name])

    async def _try(self, stream: SmtpStream, exchange: Exchange) -> bool:
        """Whether the server took it. Raises ConnectionFailed when it could not say so for now (4xx)."""
        reply = await _exchange(stream, exchange, timeout=self._settings.timeout)
        if reply.code == 235:
            return True
        said = f"{reply.code} {stream.said(reply)}" + (f" ({exchange.complaint})" if exchange.complaint else "")
        if 400 <= reply.code <= 499 and reply.code != _ANOTHER_MECHANISM:
            login = self._settings.login
            raise ConnectionFailed(
                "login_deferred", server=stream.address, login=login, reply=f"{exchange.name}: {said}"
            )
        self._refused[exchange.name] = said
        return False

    def _remember(self, address: str, name: str) -> None:
        for other, words in self._refused.items():
            _log.warning(
                "%s: AUTH %s was refused (%s), and %s works: set auth_mechanism to %s to save the failed try",
                *(address, other, words, name, name),
            )
        self._worked = name
        self._refused.clear()


async def _exchange(stream: SmtpStream, exchange: Exchange, *, timeout: float) -> Reply:
    """One mechanism from AUTH to the server's verdict, which may be anything but 334."""

    async def say(line: bytes) -> Reply:
        return await stream.command(line, during="login", timeout=timeout)

    def encoded(raw: bytes) -> bytes:
        line = base64.b64encode(raw)
        stream.secrets += [line] if line else []
        return line

    command = b"AUTH " + exchange.name.encode()
    first = exchange.first()
    unsaid = None if first is None else encoded(first)
    # A longer answer waits until it is asked for (RFC 4954 4).
    if unsaid is None or len(command) + 1 + len(unsaid) > _MOST_COMMAND:
        reply = await say(command)
    else:
        reply = await say(command + b" " + unsaid)
        # 501 is about the command's form: there are servers that take no initial response. An empty challenge: that one
        # does not read it, and asks.
        if reply.code == 501:
            reply = await say(command)
        elif reply.code != 334 or reply.raw.strip():
            unsaid = None
    for _ in range(_MOST_CHALLENGES):
        if reply.code != 334:
            return reply
        if unsaid is not None:
            answer, unsaid = unsaid, None
        else:
            raw = exchange.answer(of_base64(reply.raw))
            if raw is None:
                break
            answer = encoded(raw)
        reply = await say(answer)
    if reply.code == 334:
        reply = await say(b"*")  # cancelled (RFC 4954 4)
    return reply


def is_this_machine(stream: SmtpStream) -> bool:
    """Whether the server is at a loopback address: what is said to it crosses no network."""
    peer = (stream.transport.get_extra_info("peername") or ("",))[0]
    try:
        return ipaddress.ip_address(peer.split("%")[0]).is_loopback
    except ValueError:
        return False

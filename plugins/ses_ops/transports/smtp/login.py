"""The login of a session (SMTP AUTH, RFC 4954 4, 6).

The mechanisms that server and settings share are tried one after the other.
"""

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

#: Octets of the longest command, without its CRLF (RFC 5321 4.5.3.1.4).
_MAX_COMMAND = 510
#: Largest number of challenges in one exchange; no mechanism here has more than three.
_MAX_CHALLENGES = 4
#: "A password transition is needed" (RFC 4954 6): although 4xx, this mechanism stays refused, while PLAIN may work.
_ANOTHER_MECHANISM = 432


class AnotherConnection(Exception):
    """The login can go on over another connection: the server closed this one after it refused one mechanism."""


class Authenticator:
    """Logs in the sessions of one transport; the later sessions use what the first has found out.

    A refused mechanism is a failed login, and many servers lock an account after a few failed logins: each mechanism is
    tried once, and after a success only the mechanism that succeeded.
    """

    def __init__(self, settings: SmtpSettings) -> None:
        self._settings = settings
        self._worked: str | None = None
        #: The server's reply to each mechanism that it refused since the last success.
        self._refused: dict[str, str] = {}
        #: Number of connections lost in the middle of an exchange, by mechanism: those with losses are tried last.
        self._lost: Counter[str] = Counter()

    async def log_in(
        self, stream: SmtpStream, capabilities: Capabilities, *, encrypted: bool, token: str | None
    ) -> None:
        """Log one session in, by password or by `token`.

        Raises SetupRefused when every mechanism was refused, AnotherConnection when the server closed the connection
        after a refusal, ConnectionFailed when the connection broke or the server deferred the login (4xx).
        """
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
        """The mechanisms to try, in order: only that of the settings, or that which succeeded, else all by preference.

        Raises SetupRefused when server and settings share none.
        """
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
        """Whether the server accepted the login by this mechanism. Raises ConnectionFailed when deferred (4xx)."""
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
    """Run one mechanism from AUTH to the server's final reply, which has any code but 334."""

    async def say(line: bytes) -> Reply:
        return await stream.command(line, during="login", timeout=timeout)

    def encoded(raw: bytes) -> bytes:
        line = base64.b64encode(raw)
        stream.secrets += [line] if line else []
        return line

    command = b"AUTH " + exchange.name.encode()
    first = exchange.first()
    unsaid = None if first is None else encoded(first)
    # An initial response that is too long for the command is sent when the server asks for it (RFC 4954 4).
    if unsaid is None or len(command) + 1 + len(unsaid) > _MAX_COMMAND:
        reply = await say(command)
    else:
        reply = await say(command + b" " + unsaid)
        # 501 is about the command's form: some servers take no initial response. With an empty challenge a server asks
        # for the response that it ignored behind AUTH.
        if reply.code == 501:
            reply = await say(command)
        elif reply.code != 334 or reply.raw.strip():
            unsaid = None
    for _ in range(_MAX_CHALLENGES):
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
        reply = await say(b"*")  # "*" cancels the exchange (RFC 4954 4)
    return reply


def is_this_machine(stream: SmtpStream) -> bool:
    """Whether the server is at a loopback address, so that a login crosses no network."""
    peer = (stream.transport.get_extra_info("peername") or ("",))[0]
    try:
        return ipaddress.ip_address(peer.split("%")[0]).is_loopback
    except ValueError:
        return False

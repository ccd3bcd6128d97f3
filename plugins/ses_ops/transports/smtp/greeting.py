"""The greeting of a session: the server's banner and EHLO (RFC 5321 3.1, 4.1.1.1)."""

from __future__ import annotations

import socket

from ses_ops.transports.errors import ConnectionFailed, SetupRefused
from ses_ops.transports.smtp.capabilities import Capabilities
from ses_ops.transports.smtp.replies import Reply
from ses_ops.transports.smtp.settings import SmtpSettings
from ses_ops.transports.smtp.stream import NoReply, SmtpStream


class GreetingRefused(SetupRefused):
    """This address of the host refused the session (5xx); another address may serve."""


async def greeting(stream: SmtpStream, *, timeout: float) -> None:
    """Wait for 220 for `timeout` seconds.

    Raises GreetingRefused for 5xx, NoReply when no reply came in time, ConnectionFailed for any other reply.
    """
    reply = await stream.reply(during="waiting for the banner", timeout=timeout)
    if reply.code != 220:
        kind = GreetingRefused if reply.code >= 500 else ConnectionFailed
        raise kind("greeting_refused", server=stream.address, code=reply.code, text=reply.text)


async def hello(stream: SmtpStream, settings: SmtpSettings, *, after_tls: bool) -> Capabilities:
    """Send EHLO. Raises GreetingRefused when the server refuses EHLO for good (5xx), ConnectionFailed when for now."""
    name = settings.local_hostname or own_name(stream)
    try:
        reply = await stream.command(f"EHLO {name}".encode("ascii"), during="EHLO", timeout=settings.timeout)
        if reply.code in (500, 502) and not after_tls:
            # A server older than 1995 has no extensions (RFC 5321, 3.2). Other refusals are not about the command.
            reply = await stream.command(f"HELO {name}".encode("ascii"), during="HELO", timeout=settings.timeout)
            if reply.code == 250:
                return Capabilities()
    except NoReply:
        raise  # the server is slow; it did not refuse the name
    except ConnectionFailed as error:
        if not name.startswith("["):
            raise
        # The reply was 421, or the server closed without a reply. Many servers refuse an address literal as a name.
        raise ConnectionFailed("our_name_not_liked", problem=error, name=name) from error
    if reply.code == 250:
        return Capabilities.of_ehlo(reply)
    raise _refused(stream, name, reply)


def _refused(stream: SmtpStream, name: str, reply: Reply) -> ConnectionFailed | GreetingRefused:
    kind = GreetingRefused if reply.code >= 500 else ConnectionFailed
    return kind("our_greeting_refused", server=stream.address, name=name, code=reply.code, text=reply.text)


def own_name(stream: SmtpStream) -> str:
    """The full host name of this machine, else the socket's own address as a literal (RFC 5321 4.1.3)."""
    name = socket.gethostname()
    if "." in name and name.isascii() and all(one.isalnum() or one in "-." for one in name):
        return name
    own = (stream.transport.get_extra_info("sockname") or ("127.0.0.1",))[0].split("%")[0]
    return f"[IPv6:{own}]" if ":" in own else f"[{own}]"

"""The first words of a session: the server's greeting and our EHLO (RFC 5321 3.1, 4.1.1.1)."""

from __future__ import annotations

import socket

from ses_ops.transports.errors import ConnectionFailed, SetupRefused
from ses_ops.transports.smtp.capabilities import Capabilities
from ses_ops.transports.smtp.replies import Reply
from ses_ops.transports.smtp.settings import SmtpSettings
from ses_ops.transports.smtp.stream import NoReply, SmtpStream


class Unwelcome(SetupRefused):
    """This address of the host takes no mail of ours; another may."""


async def greeting(stream: SmtpStream, *, timeout: float) -> None:
    """Wait for 220. Raises Unwelcome for 5xx, NoReply when nothing came in time, ConnectionFailed for all else."""
    reply = await stream.reply(during="waiting for the banner", timeout=timeout)
    if reply.code != 220:
        kind = Unwelcome if reply.code >= 500 else ConnectionFailed
        raise kind("greeting_refused", server=stream.address, code=reply.code, text=reply.text)


async def hello(stream: SmtpStream, settings: SmtpSettings, *, after_tls: bool) -> Capabilities:
    """Greet the server. Raises Unwelcome when it refuses that (5xx), ConnectionFailed when it does so for now."""
    name = settings.local_hostname or own_name(stream)
    try:
        reply = await stream.command(f"EHLO {name}".encode("ascii"), during="EHLO", timeout=settings.timeout)
        if reply.code in (500, 502) and not after_tls:
            # A server older than 1995 (RFC 5321, 3.2); no extensions then. Other refusals are not about the command.
            reply = await stream.command(f"HELO {name}".encode("ascii"), during="HELO", timeout=settings.timeout)
            if reply.code == 250:
                return Capabilities()
    except NoReply:
        raise  # slow, not unwilling
    except ConnectionFailed as error:
        if not name.startswith("["):
            raise
        # 421, or closed without a word. Many servers take no client that has only an address for a name.
        raise ConnectionFailed("our_name_not_liked", problem=error, name=name) from error
    if reply.code == 250:
        return Capabilities.of_ehlo(reply)
    raise _refused(stream, name, reply)


def _refused(stream: SmtpStream, name: str, reply: Reply) -> ConnectionFailed | Unwelcome:
    kind = Unwelcome if reply.code >= 500 else ConnectionFailed
    return kind("our_greeting_refused", server=stream.address, name=name, code=reply.code, text=reply.text)


def own_name(stream: SmtpStream) -> str:
    """This machine's full name, else the address that the server sees (RFC 5321 4.1.3)."""
    name = socket.gethostname()
    if "." in name and name.isascii() and all(one.isalnum() or one in "-." for one in name):
        return name
    own = (stream.transport.get_extra_info("sockname") or ("127.0.0.1",))[0].split("%")[0]
    return f"[IPv6:{own}]" if ":" in own else f"[{own}]"

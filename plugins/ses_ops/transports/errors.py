"""Why a connection could not be opened, or was lost: the two kinds that the transport treats differently."""

from __future__ import annotations

from typing import Any

from ses_ops.errors import TransportUnavailable


class ConnectionFailed(TransportUnavailable):
    """This connection failed; another attempt may succeed."""


class PutOff(TransportUnavailable):
    """The server takes no mail of ours for now (4xx to message after message)."""


class SetupRefused(TransportUnavailable):
    """The server and the settings do not fit each other (login, certificate, TLS): trying again is of no use."""


class MailRefused(SetupRefused):
    """The server refuses message after message, so it would refuse all of them: the rest is not offered to it.

    `taken_back` are the numbers (Envelope.seq) of those that it refused for good although the reason is not in them; it
    grows while those under way come to their end.
    """

    def __init__(self, code: str, /, *, taken_back: list[int], **facts: Any) -> None:
        self.taken_back = taken_back
        super().__init__(code, **facts)

"""The errors of a transport.

A `ConnectionFailed` is retried by the transport itself; a `SetupRefused` or a `MailDeferred` ends its run.
"""

from __future__ import annotations

from typing import Any

from ses_ops.errors import TransportUnavailable


class ConnectionFailed(TransportUnavailable, ConnectionError):
    """A connection could not be opened, or broke; another attempt may succeed."""


class MailDeferred(TransportUnavailable):
    """The server defers message after message (4xx): it takes no mail of this sender for now."""


class SetupRefused(TransportUnavailable):
    """The server and the settings do not fit each other (login, certificate, TLS): a retry is of no use."""


class MailRefused(SetupRefused):
    """The server refuses message after message, so it would refuse all of them: the other messages are not offered.

    `to_requeue` has the numbers (Envelope.seq) of the messages that the server refused for good although the reason is
    not in the messages. The list grows until every message under way has its outcome.
    """

    def __init__(self, code: str, /, *, to_requeue: list[int], **facts: Any) -> None:
        self.to_requeue = to_requeue
        super().__init__(code, **facts)

"""Why a connection could not be opened, or was lost: the two kinds that the transport treats differently."""

from __future__ import annotations

from ses_ops.errors import TransportUnavailable


class ConnectionFailed(TransportUnavailable):
    """This connection failed; another attempt may succeed."""


class PutOff(TransportUnavailable):
    """The server takes no mail of ours for now (4xx to message after message)."""


class SetupRefused(TransportUnavailable):
    """The server and the settings do not fit each other (login, certificate, TLS): trying again is of no use."""

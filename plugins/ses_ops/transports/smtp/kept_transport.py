"""An SMTP transport that keeps connections open without mail, so that the next message need not wait for one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ses_ops.transports.smtp.transport import SmtpTransport

if TYPE_CHECKING:
    from ses_ops.transports.smtp.settings import SmtpSettings

#: Codes of a connection that the server closed before it let us in.
_TURNED_AWAY = frozenset({"connection_closed_by_server", "connection_lost"})


class KeptTransport(SmtpTransport):
    """Opens `kept` connections at once, and again after a server has closed them."""

    def __init__(self, settings: SmtpSettings, *, kept: int) -> None:
        super().__init__(settings)
        self._kept = kept

    def _stage(self) -> bool:
        missing = not self._draining and len(self._connections) + len(self._opening) < self._kept
        return super()._stage() or missing

    @property
    def connected(self) -> bool:
        """Whether a connection is open."""
        return bool(self._connections)

    @property
    def turned_away(self) -> bool:
        """Whether the server lets no connection in, as one does that has given all that it gives."""
        last = self._backoff.last
        return not self._connections and last is not None and last.code in _TURNED_AWAY

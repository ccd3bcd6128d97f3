"""The process of the public listener: uvicorn, with a limit for clients that do not finish their request."""

from __future__ import annotations

import asyncio
import os
import sys
from urllib.parse import urlsplit

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from ses_ops import settings
from ses_ops.public.app import make_app
from ses_ops.public.front import Front
from ses_ops.public.services import Services
from ses_ops.web.fault_log import log_to_stderr
from ses_ops.web.worker_processes import end_with_parent, patience_with_processes

#: Seconds in which the head of a request has to arrive. The body has limits of its own (bodies.py).
HEAD_WITHIN = 10.0
#: Octets of the head of a request.
MOST_OF_A_HEAD = 16 << 10
#: Connections of one process at once.
MOST_CONNECTIONS = 1_000
#: Seconds for which a connection without a request is kept: strangers can open as many as there may be. A proxy must
#: give one up before, or it sends a request on a connection that is just being closed (deploy/nginx.conf,
#: haproxy.cfg, Caddyfile).
KEPT_ALIVE = 5
#: Seconds after which a thread that computes makes room, so that an answer does not wait for what is being recorded.
#: (Python's own 5 ms are waited for several times an answer.)
_SWITCHED_AFTER = 0.0005


class PatientOnlySoLong(H11Protocol):
    """HTTP/1.1, ending a connection whose client takes too long with the head of its request.

    uvicorn itself has a time limit between requests only: a client that sends an octet now and then holds a connection.
    """

    _head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._expect_head()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.cycle is not None and not self.cycle.response_complete:
            self._stop_waiting()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def _expect_head(self) -> None:
        self._stop_waiting()
        if not self.transport.is_closing():
            self._head_timer = self.loop.call_later(HEAD_WITHIN, self._too_slow)

    def _stop_waiting(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _too_slow(self) -> None:
        if self.cycle is None or self.cycle.response_complete:
            self.transport.close()


def serve(*, dsn: str, host: str, port: int, workers: int = 1) -> None:
    """Serve until SIGINT or SIGTERM; what was answered by then is kept."""
    os.environ[settings.SES_DB] = dsn  # further processes read it from there
    uvicorn.run(
        "ses_ops.public.server:listener",
        factory=True,
        host=host,
        port=port,
        workers=workers,
        # By its name: a further process then says that it lives before it loads all of this.
        http="ses_ops.public.server:PatientOnlySoLong",
        **patience_with_processes(),
        ws="none",
        h11_max_incomplete_event_size=MOST_OF_A_HEAD,
        limit_concurrency=MOST_CONNECTIONS,
        timeout_keep_alive=KEPT_ALIVE,
        timeout_graceful_shutdown=5,
        server_header=False,
        access_log=False,
        log_level="warning",
    )


def listener() -> Front:
    """The app of one process, from the environment."""
    end_with_parent()
    log_to_stderr()
    sys.setswitchinterval(_SWITCHED_AFTER)
    prefix = urlsplit(settings.public_url() or "").path.rstrip("/")
    return make_app(Services.of(settings.db_dsn(), settings.spool_folder(), prefix=prefix))

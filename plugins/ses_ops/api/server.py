"""The process of the API: uvicorn on uvloop and httptools, with limits for clients that do not finish their request."""

from __future__ import annotations

import asyncio
import gc
import os
import resource
import sys
from contextlib import suppress

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from ses_ops import settings
from ses_ops.api.app import make_app
from ses_ops.api.front import ApiFront
from ses_ops.api.services import ApiServices
from ses_ops.web.fault_log import log_to_stderr
from ses_ops.web.worker_processes import end_with_parent, patience_with_processes

#: Seconds in which the head of a request has to arrive. The body has limits of its own (bodies.py).
HEAD_WITHIN = 10.0
#: Octets of the head of a request.
MOST_OF_A_HEAD = 32 << 10
#: Connections of one process at once; more are answered 503.
MOST_CONNECTIONS = 12_000
#: Seconds for which a connection without a request is kept: longer than the pools of common clients keep theirs.
KEPT_ALIVE = 75
#: Seconds after SIGTERM for requests that have begun.
GRACE = 10
#: Seconds after which a thread that computes makes room for the event loop; Python's own 5 ms are felt in each answer.
_SWITCHED_AFTER = 0.0005
_TOO_LARGE = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\nContent-Type: text/plain\r\nContent-Length: 0\r\n"
    b"Connection: close\r\n\r\n"
)


class PatientHttpTools(HttpToolsProtocol):
    """HTTP/1.1, ending a connection whose client takes too long with the head of its request, or makes it too large.

    uvicorn has a time limit between requests only, and httptools none for the size of a head.
    """

    _head_timer: asyncio.TimerHandle | None = None
    _head_octets = 0
    _in_head = True

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._head_timer = self.loop.call_later(HEAD_WITHIN, self._too_slow)

    def data_received(self, data: bytes) -> None:
        if self._in_head:
            if self._head_octets == 0 and self._head_timer is None:
                self._head_timer = self.loop.call_later(HEAD_WITHIN, self._too_slow)
            self._head_octets += len(data)
        super().data_received(data)
        # A body may stand behind the head in the same block, so only a head that has not ended is too large.
        if self._in_head and self._head_octets > MOST_OF_A_HEAD and not self.transport.is_closing():
            self.transport.write(_TOO_LARGE)
            self.transport.close()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_head = True

    def on_headers_complete(self) -> None:
        self._in_head, self._head_octets = False, 0
        self._stop_waiting()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._in_head = True

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def _stop_waiting(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _too_slow(self) -> None:
        self._head_timer = None
        if not self.transport.is_closing() and (self.cycle is None or self.cycle.response_complete):
            self.transport.close()


def serve(*, dsn: str, host: str, port: int, workers: int = 1) -> None:
    """Serve until SIGINT or SIGTERM; what was answered by then is kept."""
    os.environ[settings.SES_DB] = dsn  # further processes read it from there
    _allow_connections()
    uvicorn.run(
        "ses_ops.api.server:api",
        factory=True,
        host=host,
        port=port,
        workers=workers,
        loop="uvloop",
        # By its name: a further process then says that it lives before it loads all of this.
        http="ses_ops.api.server:PatientHttpTools",
        **patience_with_processes(),
        ws="none",
        backlog=4096,
        limit_concurrency=MOST_CONNECTIONS,
        timeout_keep_alive=KEPT_ALIVE,
        timeout_graceful_shutdown=GRACE,
        server_header=False,
        access_log=False,
        log_level="warning",
    )


def api() -> ApiFront:
    """The app of one process, from the environment."""
    end_with_parent()
    log_to_stderr()
    sys.setswitchinterval(_SWITCHED_AFTER)
    app = make_app(ApiServices.of(settings.db_dsn()))
    # What is loaded by now stays: no collection need look at it again, nor after each few hundred objects of a request.
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
    gc.enable()
    return app


def _allow_connections() -> None:
    """Let this process have as many files as the system allows it, up to what its connections need."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_CONNECTIONS + 1_000
    if soft < wanted:
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted if hard < 0 else min(wanted, hard), hard))

"""Further processes of a listener, as uvicorn starts and watches them."""

from __future__ import annotations

import inspect
import multiprocessing
import os
import signal
import threading
from multiprocessing.connection import wait
from typing import Any

import uvicorn


def patience_with_processes() -> dict[str, Any]:
    """Seconds for which a further process may be silent: with uvicorn's 5 a busy machine never gets one started.

    Arguments of `uvicorn.run`. The uvicorn of an older Airflow has no such parameter.
    """
    name = "timeout_worker_healthcheck"
    return {name: 60} if name in inspect.signature(uvicorn.run).parameters else {}


def end_with_parent() -> None:
    """Have this process, if it is a further one, stop as by SIGTERM when the process ends that started it.

    One that was killed cannot tell its children: they would go on for ever, and hold the port.
    """
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def watch() -> None:
        wait([parent.sentinel])
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="parent", daemon=True).start()

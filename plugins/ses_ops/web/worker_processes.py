"""Further processes of a listener, as uvicorn starts and watches them."""

from __future__ import annotations

import inspect
from typing import Any

import uvicorn


def patience_with_processes() -> dict[str, Any]:
    """Seconds for which a further process may be silent: with uvicorn's 5 a busy machine never gets one started.

    Arguments of `uvicorn.run`. The uvicorn of an older Airflow has no such parameter.
    """
    name = "timeout_worker_healthcheck"
    return {name: 60} if name in inspect.signature(uvicorn.run).parameters else {}

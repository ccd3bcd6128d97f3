"""A copy of the API for a measure, its key, and what its clients see."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from bench.mailing import QUOTA
from bench.message_load import DOMAIN
from bench.messages import DOMAIN as BULK_DOMAIN
from ses_ops.application.secret_box import VARIABLE
from tests.acceptance.stack_process import free_port
from tests.integration.api.api_process import FERNET_KEY, ApiProcess, new_key

PATH = "/v1/messages"


@dataclass(kw_only=True)
class Copy:
    """A running copy of the API."""

    process: psutil.Process
    port: int
    authorization: str
    #: From the start of the program to its first answer.
    start_seconds: float

    def load(self, *, rate: float, connections: int, first: int, count: int, keys: str = "") -> dict[str, Any]:
        """Requests by a process of its own; see message_load.py. Raises RuntimeError unless each was answered 202."""
        return load(self.port, PATH, rate, connections, first, count, self.authorization, keys)

    @property
    def memory(self) -> float:
        """Resident size in MB."""
        return float(self.process.memory_info().rss) / 2**20


@contextmanager
def running(dsn: str, smtp_port: int) -> Iterator[Copy]:
    """A copy of the API whose mail goes to a server on this machine."""
    os.environ[VARIABLE] = FERNET_KEY
    quota = {DOMAIN: QUOTA[BULK_DOMAIN], **QUOTA}
    with tempfile.TemporaryDirectory(prefix="ses-api-") as folder:
        api = ApiProcess(dsn=dsn, spool=Path(folder) / "home")
        api.settings |= {
            "AIRFLOW_CONN_SES_SMTP": f"smtp://127.0.0.1:{smtp_port}/?tls=none",
            "AIRFLOW_VAR_SES_WARMUP_QUOTA": json.dumps(quota),
        }
        try:
            began = time.perf_counter()
            api.start()
            seconds = time.perf_counter() - began
            made = new_key(dsn, f"bench-{api.port}", domains=(DOMAIN,), per_second=100_000)
            assert api.process is not None
            yield Copy(
                process=psutil.Process(api.process.pid),
                port=api.port,
                authorization=f"Bearer {made.key.id}:{made.secret}",
                start_seconds=seconds,
            )
        finally:
            api.kill()


def load(port: int, path: str, rate: float, connections: int, first: int, count: int, *more: str) -> dict[str, Any]:
    """See `Copy.load`."""
    command = [sys.executable, "-m", "bench.message_load", str(port), path, str(rate), str(connections)]
    done = subprocess.run([*command, str(first), str(count), *more], capture_output=True, text=True, check=True)
    found = dict(json.loads(done.stdout))
    if found["wrong"]:
        raise RuntimeError(f"not every request was answered 202: {found['wrong']}")
    return found


class Arrivals:
    """The mail server of arrivals.py."""

    def __init__(self, port: int, process: subprocess.Popen[str]) -> None:
        self.port = port
        self._process = process

    def moments(self) -> dict[int, float]:
        """End it; the moment of each arrival by the message's number."""
        out, _ = self._process.communicate(timeout=60)
        return {int(number): moment for number, moment in json.loads(out).items()}


@contextmanager
def arrivals() -> Iterator[Arrivals]:
    """A mail server that notes when it took each message."""
    port = free_port()
    command = [sys.executable, "-m", "bench.arrivals", str(port)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            process.stdout.readline()
            yield Arrivals(port, process)
        finally:
            process.kill()

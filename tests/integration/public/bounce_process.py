"""The listener for bounces as it is started on a machine: `ses listen bounces` in a process of its own."""

from __future__ import annotations

import smtplib
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field

from tests.integration.public.listener_process import ListenerProcess


@dataclass
class BounceProcess(ListenerProcess):
    """One listener, which may be killed and started again."""

    kind: str = "bounces"
    arguments: list[str] = field(default_factory=list)

    def wait(self) -> None:
        """Until it greets."""
        end = time.monotonic() + 60
        while time.monotonic() < end:
            with suppress(OSError, smtplib.SMTPException), self.client():
                return
            assert self.process is not None
            assert self.process.poll() is None, self.log
            time.sleep(0.05)
        raise AssertionError(f"the listener does not greet\n{self.log}")

    def client(self) -> smtplib.SMTP:
        """A connection; the class that speaks LMTP where the listener does."""
        make = smtplib.LMTP if "--lmtp" in self.arguments else smtplib.SMTP
        client = make(host="127.0.0.1", port=self.port)
        client.ehlo_or_helo_if_needed()
        return client

    def deliver(self, recipient: str, mail: bytes, sender: str = "") -> tuple[int, bytes]:
        """Deliver a mail, and return the answer to its content, or to its recipient."""
        with self.client() as client:
            client.mail(sender)
            code, words = client.rcpt(recipient)
            return client.data(mail) if code == 250 else (code, words)


def pipe(dsn: str, arguments: list[str], mail: bytes, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """`ses events ...` with a mail on its standard input."""
    command = [sys.executable, "-m", "ses_ops.cli.main", "events", *arguments]
    env = {"AIRFLOW_CONN_SES_DB": dsn, "PATH": "/usr/bin:/bin", **environment}
    return subprocess.run(command, input=mail, env=env, capture_output=True, timeout=120, check=False)

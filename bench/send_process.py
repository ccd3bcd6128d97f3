"""`python -m bench.send_process DSN RUN SMTP CHUNK [wait]`: sends a chunk, measured.

The whole of `send_chunk` is measured: connections, claim of the chunk, template, every outcome written, release. With
`wait` the process reports that it is ready and begins at a line on stdin, so that several can begin at once.
"""

from __future__ import annotations

import sys
import threading

from bench import messages
from bench.sent import WAIT, measured, say
from ses_ops.sending.send import send_chunk
from ses_ops.transports.smtp.settings import smtp_settings_from_connection_uri


def main(dsn: str, run_id: str, smtp: str, chunk: str, when: str = "") -> None:
    settings = smtp_settings_from_connection_uri(smtp)
    if when == WAIT:
        print("ready", flush=True)
        sys.stdin.readline()
    with measured(0) as result:
        report = send_chunk(
            dsn, int(chunk), run_id, smtp=settings, templates_root=messages.TEMPLATES, stop=threading.Event()
        )
    result.messages = report.sent
    say(result)


if __name__ == "__main__":
    main(*sys.argv[1:])

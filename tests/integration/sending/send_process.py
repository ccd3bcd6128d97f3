"""`python -m tests.integration.sending.send_process DSN CHUNK RUN SMTP TEMPLATES`: a sender that a test may kill."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

from ses_ops.sending.chunk import journal
from ses_ops.sending.send import send_chunk
from ses_ops.transports.smtp.settings import smtp_settings_from_connection_uri

if __name__ == "__main__":
    if os.environ.get("JOURNAL") == "off":
        journal.FOLDER = Path("/nonexistent")
    dsn, chunk, run, smtp, templates = sys.argv[1:]
    print(
        send_chunk(
            dsn,
            int(chunk),
            run,
            smtp=smtp_settings_from_connection_uri(smtp),
            templates_root=Path(templates),
            stop=threading.Event(),
        )
    )

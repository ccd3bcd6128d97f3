"""Airflow's SmtpHook with one kept connection, as a loop in a task uses it.

`python -m bench.peers.smtp_hook PORT COUNT` sends and prints the measurement.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from email.mime.text import MIMEText
from typing import Any

from bench import messages
from bench.sent import SenderResult, measured, run_sender, say

NAME = "Airflow SmtpHook"
PLACEHOLDERS = {"name": "VARname", "customer_id": "VARid", "coupon": "VARcoupon"}
#: The connection for the hook; the hook's own retries and logging are not changed.
_CONNECTION = {"disable_ssl": True, "disable_tls": True, "from_email": f"news@{messages.DOMAIN}"}


def send(port: int, count: int) -> SenderResult:
    """Send in a process of its own, with an Airflow home of its own."""
    with tempfile.TemporaryDirectory(prefix="ses-bench-") as home:
        connection = {"conn_type": "smtp", "host": "127.0.0.1", "port": port, "extra": _CONNECTION}
        env = {**os.environ, "AIRFLOW_HOME": home, "AIRFLOW_CONN_BENCH_SMTP": json.dumps(connection)}
        return run_sender([sys.executable, "-m", "bench.peers.smtp_hook", str(count)], env=env)


def main(count: int) -> None:
    from airflow.providers.smtp.hooks.smtp import SmtpHook

    class TextAndHtmlHook(SmtpHook):
        """The hook, which builds HTML only, with the text part before the HTML, as RFC 2046 5.1.4 requires."""

        text = ""

        def _build_mime_message(self, *args: Any, **kwargs: Any) -> Any:
            message, recipients = super()._build_mime_message(*args, **kwargs)
            message.get_payload().insert(0, MIMEText(self.text, "plain", "utf-8"))
            return message, recipients

    letter = messages.parts(PLACEHOLDERS)
    with TextAndHtmlHook(smtp_conn_id="bench_smtp") as hook, measured(count) as result:
        for number in range(1, count + 1):
            values = messages.values(number)
            hook.text = _fill(letter.text, values)
            hook.send_email_smtp(
                to=messages.address(number),
                subject=_fill(letter.subject, values),
                html_content=_fill(letter.html or "", values),
                from_email=messages.SENDER,
                mime_subtype="alternative",
            )
    say(result)


def _fill(text: str, values: dict[str, str]) -> str:
    for variable, placeholder in PLACEHOLDERS.items():
        text = text.replace(placeholder, values[variable])
    return text


if __name__ == "__main__":
    main(int(sys.argv[1]))

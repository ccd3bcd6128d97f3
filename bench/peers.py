"""The others: Postfix's smtp-source, nodemailer's pool, Airflow's SmtpHook, to the same sink."""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import tempfile
from pathlib import Path

from bench.measured import Measured, measured
from bench.sink import program
from ses_ops.domain.address import parse_sender
from ses_ops.rendering.message import MessageRenderer
from ses_ops.rendering.template import load_template

NODEMAILER = Path(__file__).parent / "nodemailer"
TEMPLATES = Path(__file__).parents[1] / "include" / "templates"
VALUES = {"name": "Person 1", "customer_id": "1", "coupon": "SPRING1"}


def sample_message() -> bytes:
    """The message that the engine sends to customer 1; the peers' messages have its size or its parts."""
    renderer = MessageRenderer(
        load_template(TEMPLATES, "newsletter"),
        sender=parse_sender("Example Shop <news@mail.example.com>"),
        reply_to=None,
        subject=None,
        unsubscribe_url=None,
        advertisement="none",
        message_id_domain="mail.example.com",
        installation_id="bench",
    )
    return renderer.render(occurrence_id=1, seq=1, address="customer-1@customers.example", values=VALUES)


def bench_smtp_source(port: int, messages: int) -> Measured:
    """C, no rendering, no record: a message of the same size, 20 sessions, connections kept (-d)."""
    size = str(len(sample_message()))
    command = [program("smtp-source"), "-d", "-s", "20", "-l", size, "-m", str(messages), f"127.0.0.1:{port}"]
    with measured(
        "smtp-source -d (C)", messages, who=resource.RUSAGE_CHILDREN, note="no rendering, no ledger"
    ) as result:
        subprocess.run(command, check=True)
    return result


def bench_nodemailer(port: int, messages: int) -> Measured | None:
    """nodemailer's pool with 20 connections; None where there is no Node.js."""
    if shutil.which("npm") is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        for name in ("package.json", "package-lock.json", "send.js"):
            shutil.copy(NODEMAILER / name, folder)
        subprocess.run(["npm", "ci", "--silent", "--no-audit", "--no-fund"], cwd=folder, check=True)
        parts = load_template(TEMPLATES, "newsletter").preview(VALUES)
        for name, text in (("body.html", parts.html), ("body.txt", parts.text)):
            Path(folder, name).write_text(text or "", encoding="utf-8")
        output = subprocess.run(
            ["node", "send.js", str(port), str(messages), "body.html", "body.txt"],
            cwd=folder,
            check=True,
            capture_output=True,
            text=True,
        ).stdout
    part = json.loads(output)
    return Measured(name="nodemailer pool (Node.js)", messages=messages, note="no ledger", **part)


def bench_smtp_hook(port: int, messages: int) -> Measured:
    """Airflow's SmtpHook with one kept connection, as a loop over a recipient list in a task would use it."""
    os.environ["AIRFLOW_CONN_BENCH_SMTP"] = json.dumps(
        {
            "conn_type": "smtp",
            "host": "127.0.0.1",
            "port": port,
            "extra": {"disable_ssl": True, "disable_tls": True, "from_email": "news@mail.example.com"},
        }
    )
    from airflow.providers.smtp.hooks.smtp import SmtpHook

    html = load_template(TEMPLATES, "newsletter").preview(VALUES).html
    with (
        SmtpHook(smtp_conn_id="bench_smtp") as hook,
        measured("Airflow SmtpHook", messages, note="one connection kept, no ledger") as result,
    ):
        for number in range(messages):
            hook.send_email_smtp(
                to=f"customer-{number}@customers.example",
                subject=f"The news of the week, Person {number}",
                html_content=html.replace("Person 1", f"Person {number}"),
                from_email="news@mail.example.com",
            )
    return result

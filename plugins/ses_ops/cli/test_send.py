"""`ses test-send`: a template to a few addresses, from this process."""

from __future__ import annotations

import secrets
import signal
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from ses_ops import settings
from ses_ops.cli.actor import shell_actor
from ses_ops.cli.lazy_group import examples
from ses_ops.cli.output import json_option, print_json
from ses_ops.cli.session import db_dsn, quota_plans, smtp_settings
from ses_ops.domain.unsubscribe_language import LANGUAGES
from ses_ops.errors import SesError

if TYPE_CHECKING:
    from ses_ops.sending.send import ChunkReport


_LANGUAGES = click.Choice([one.value for one in LANGUAGES])


@click.command(
    "test-send",
    epilog=examples(
        "ses test-send --template newsletter --sender 'Shop <news@mail.example.com>' --to me@example.com",
        'ses test-send --template notice --sender a@mail.example.com --to b@x.example --values \'{"name": "Ann"}\'',
    ),
)
@click.option("--template", required=True, help="Which template.")
@click.option("--sender", required=True, help='"Name <address>"; its domain\'s quota is used.')
@click.option("--to", "recipients", required=True, multiple=True, help="A recipient; repeat for up to 20.")
@click.option("--values", help="The variables' values as a JSON object (default: the template's sample.json).")
@click.option("--subject", help="In place of the template's.")
@click.option("--unsubscribe", type=_LANGUAGES, default="none", help="Language of the own unsubscribe page, or none.")
@click.option("--track", help="Such as 'opens: true, clicks: true'; default: as the sender domain says.")
@json_option
def test_send_command(
    template: str,
    sender: str,
    recipients: tuple[str, ...],
    values: str | None,
    subject: str | None,
    unsubscribe: str,
    track: str | None,
    as_json: bool,
) -> None:
    """Send one message to each address now. Never cached: over the day's quota it fails, and nothing is sent."""
    from ses_ops.application.test_sends import TestSend, order_test_send, test_send
    from ses_ops.cli import template_places
    from ses_ops.cli.templates import read_values
    from ses_ops.rendering.template import load_template
    from ses_ops.rendering.template_facts import template_facts
    from ses_ops.storage.tasks.test_sends import NAME_PREFIX

    root, place = settings.templates_root(), template_places.place(template)
    chosen = read_values(values) if values is not None else load_template(place, template).sample_values
    for warning in template_facts(place, template).warnings:
        click.echo(f"ses: warning: {warning}", err=True)
    run_id = f"cli__{datetime.now(UTC):%Y-%m-%dT%H:%M:%S}_{secrets.token_hex(3)}"
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    order = TestSend(
        template=template,
        sender=sender,
        recipients=list(recipients),
        values=chosen,
        subject=subject,
        unsubscribe=unsubscribe,
        track=track,
    )

    def start() -> ChunkReport:
        return test_send(
            db_dsn(),
            order,
            run_id=run_id,
            plans=quota_plans(),
            smtp=smtp_settings(),
            templates_root=root,
            stop=stop,
        )

    report = order_test_send(shell_actor(), order, run_id=run_id, start=start)
    name = NAME_PREFIX + run_id
    counts = {word: getattr(report, word) for word in ("sent", "failed", "suppressed", "unknown")}
    if as_json:
        print_json({"name": name, **counts})
    else:
        click.echo(", ".join(f"{word} {count}" for word, count in counts.items() if count) or "nothing was sent")
    if report.failed or report.unknown or report.left:
        raise SesError(f"not everything was sent; `ses task messages '{name}'` has the reasons")

"""`ses events ...`: what comes back of messages that have left."""

from __future__ import annotations

import click

from ses_ops.cli.lazy_group import LazyGroup

COMMANDS = {
    "read": ("event_mails:read", "Read bounces and complaints from files, folders, or a pipe."),
    "reread": (
        "event_mails:reread",
        "Read again, after an update, the mails that were not understood or found no message.",
    ),
}


@click.group(cls=LazyGroup, commands=COMMANDS)
def events() -> None:
    """What comes back: bounces, complaints, unsubscribing."""

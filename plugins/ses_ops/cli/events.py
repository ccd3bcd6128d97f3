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
    "recount": ("event_recount:recount", "Compare the counts of what became of messages with the events."),
    "reclassify": ("event_verdicts:reclassify", "Judge anew whether people or machines opened and clicked."),
    "feeds": ("event_feeds:feeds", "List the feeds: when each was heard last, what it brought and refused."),
    "unmatched": ("event_feeds:unmatched", "List the events that found no message."),
    "show": ("event_feeds:show", "Show an event that found no message, with its source."),
    "close": ("event_feeds:close", "Note that you are done with events that found no message."),
}


@click.group(cls=LazyGroup, commands=COMMANDS)
def events() -> None:
    """What comes back: bounces, complaints, unsubscribing, opens and clicks."""

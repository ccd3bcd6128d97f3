"""`ses message ...`: one message, all messages to one address, and single messages of the API."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ses_ops.cli.lazy_group import LazyGroup, examples
from ses_ops.cli.output import cell, json_option, note, print_facts, print_json, print_table
from ses_ops.cli.session import database
from ses_ops.errors import InvalidInput

if TYPE_CHECKING:
    from uuid import UUID

    from ses_ops.storage.events.timeline import StoredEvent


@click.group(
    cls=LazyGroup,
    commands={
        "show": ("messages:show", "Show what happened to a message, from the queue to the last event."),
        "list": ("single_messages:list_messages", "List single messages, which programs asked for by the API."),
        "resend": ("single_messages:resend_command", "Send a single message again, as a new one."),
        "cancel": ("single_messages:cancel_command", "Cancel a single message whose time has not come."),
        "find": ("messages:find", "Find all messages to an address, of all tasks."),
    },
)
def message() -> None:
    """Messages: what happened to one, and what one person got."""


@click.command(
    epilog=examples(
        "ses message show 12.345",
        "ses message show 12.345 --json",
        "ses message show 0193a000-0000-7000-8000-000000000000",
    )
)
@click.argument("key", metavar="OCCURRENCE.SEQ|ID")
@json_option
def show(key: str, as_json: bool) -> None:
    """Show a message and its events.

    A mail of a send task is OCCURRENCE.SEQ: it is in the lists of messages with --json, and in its Message-ID. A single
    message has the ID that the API answered.
    """
    from ses_ops.application.single_messages.find import message_id
    from ses_ops.cli.single_messages import show_message
    from ses_ops.errors import NotFound
    from ses_ops.storage.events import task_feedback, timeline

    if single := message_id(key):
        if not show_message(single, as_json=as_json):
            raise NotFound("message", key)
        return
    occurrence_id, seq = _read_key(key)
    with database() as conn:
        found = timeline.message(conn, occurrence_id, seq)
        events = timeline.events(conn, occurrence_id, seq, with_raw=as_json)
        outcome = task_feedback.outcomes(conn, [(occurrence_id, seq)]).get((occurrence_id, seq))
    feedback = outcome.feedback if outcome else []
    if as_json:
        print_json({"message": found, "feedback": feedback, "events": events})
        return
    said = f"{found.smtp_code or ''} {found.smtp_text or ''}".strip()
    print_facts(
        {
            **{name: getattr(found, name) for name in ("task", "start", "address", "sender", "status", "tries")},
            "queued_at": found.queued_at,
            "changed_at": found.changed_at,
            "server's answer": said or found.chunk_reason or None,
            "what came back": list(feedback) or None,
        }
    )
    if events:
        click.echo()
    print_table(
        ["when", "event", "feed", "reason", "status", "server's words"],
        [_line(event) for event in events],
        empty="Nobody has told what became of it after that.",
    )


def _line(event: StoredEvent) -> list[object]:
    kind = f"{'hard' if event.hard else 'soft'} bounce" if event.kind == "bounced" else event.kind
    why = f"{event.verdict} ({event.rule})" if event.verdict else event.reason
    return [event.occurred_at, kind, event.source, why, event.status, event.diagnostic[:200]]


@click.command(epilog=examples("ses message find ann@example.com", "ses message find ann@example.com --json"))
@click.argument("address")
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1), help="Messages at most.")
@json_option
def find(address: str, limit: int, as_json: bool) -> None:
    """Find what ADDRESS got from all tasks, the newest first, and what became of it. Also of an erased person."""
    from ses_ops.cli.output import plain
    from ses_ops.domain.address import parse_address
    from ses_ops.domain.schedule import TaskType
    from ses_ops.storage.events import task_feedback, timeline
    from ses_ops.storage.single_messages import finding

    parsed = parse_address(address, dotless=True)
    with database() as conn:
        keys = timeline.keys_of_person(conn, parsed.key)
        rows = timeline.messages_to(conn, keys, limit=limit + 1)
        outcomes = task_feedback.outcomes(conn, [row.key for row in rows])
        single = finding.ids_at(conn, [row.key for row in rows if row.task_type == TaskType.API])
    feedback = {key: one.feedback for key, one in outcomes.items()}
    if as_json:
        print_json(
            [
                {**plain(row), "feedback": feedback.get(row.key, []), "single_message": _text(single.get(row.key))}
                for row in rows[:limit]
            ]
        )
    else:
        print_table(
            ["message", "task", "start", "status", "changed", "what came back"],
            [
                [
                    *(single.get(row.key) or f"{row.occurrence_id}.{row.seq}", row.task, row.start, row.status),
                    *(row.changed_at or row.queued_at, cell(list(feedback.get(row.key, [])))),
                ]
                for row in rows[:limit]
            ],
            empty="No message to this address is in the ledger.",
        )
    if len(rows) > limit:
        note(f"there are more than {limit:,}; --limit shows more")


def _text(message_id: UUID | None) -> str | None:
    return None if message_id is None else str(message_id)


def _read_key(key: str) -> tuple[int, int]:
    occurrence, _, seq = key.partition(".")
    if not all(part.isascii() and part.isdecimal() and len(part) < 19 for part in (occurrence, seq)):
        raise InvalidInput(f"{key!r} is no key of a message, such as 12.345", field="OCCURRENCE.SEQ")
    if int(seq) >= 2**31:
        raise InvalidInput(f"{key!r} is no key of a message, such as 12.345", field="OCCURRENCE.SEQ")
    return int(occurrence), int(seq)

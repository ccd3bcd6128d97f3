"""`ses message list` and what concerns one single message: mail that a program asked for by the API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from ses_ops.cli.actor import signing_actor
from ses_ops.cli.lazy_group import examples
from ses_ops.cli.output import cell, json_option, note, print_facts, print_json, print_table, warn
from ses_ops.cli.session import database
from ses_ops.domain.feedback import Feedback
from ses_ops.domain.single_message_status import SingleMessageStatus

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from ses_ops.application.single_messages.message_view import MessageView, TimelineEntry

_STATUSES = [*(one.value for one in SingleMessageStatus), *(one.value for one in Feedback)]


@click.command(
    "list",
    epilog=examples(
        "ses message list",
        "ses message list --status failed --domain mail.example.com",
        "ses message list --address ann@example.com --json",
        "ses message list --reference order-1234",
    ),
)
@click.option("--address", help="Only messages with this recipient.")
@click.option("--tag", help="Only messages with this tag.")
@click.option("--reference", help="Only messages that a program gave this reference.")
@click.option("--status", type=click.Choice(_STATUSES), metavar="STATUS", help=f"One of {', '.join(_STATUSES)}.")
@click.option("--domain", help="Only messages of this sender domain.")
@click.option("--key", help="Only messages that came with the key of this id.")
@click.option("--from", "since", help="Messages that were accepted from this time on (UTC).")
@click.option("--to", "until", help="Messages that were accepted before this time (UTC).")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1), help="Messages at most.")
@json_option
def list_messages(
    address: str | None,
    tag: str | None,
    reference: str | None,
    status: str | None,
    domain: str | None,
    key: str | None,
    since: str | None,
    until: str | None,
    limit: int,
    as_json: bool,
) -> None:
    """List single messages that programs asked for by the API, the newest first."""
    from ses_ops.application.single_messages.find import search
    from ses_ops.domain.address import domain_key

    found: list[MessageView] = []
    asked: dict[str, Any] = {"address": address, "tag": tag, "reference": reference, "key_id": key}
    asked |= {"domains": [domain_key(domain)] if domain else None, "status": _status(status)}
    asked |= {"since": _moment(since, "--from"), "until": _moment(until, "--to")}
    cursor: str | None = None
    with database() as conn:
        while len(found) < limit:
            page = search(conn, **asked, cursor=cursor, limit=limit - len(found))
            found += page.messages
            cursor = page.next
            if cursor is None:
                break
    if as_json:
        print_json([facts_of(view) for view in found])
    else:
        columns = ["message", "accepted", "to", "status", "subject", "reference", "server's answer"]
        print_table(columns, [_line(view) for view in found], empty="No single message fits.")
    if cursor is not None:
        note(f"there are more than {limit:,}; --limit shows more")


def show_message(message_id: UUID, *, as_json: bool) -> bool:
    """Print one message with its timeline; False: there is none."""
    from ses_ops.application.single_messages.find import find

    with database() as conn:
        view = find(conn, message_id, with_raw=as_json)
    if view is None:
        return False
    if as_json:
        print_json({**facts_of(view), "timeline": [_moment_of(entry) for entry in view.timeline]})
        return True
    facts = facts_of(view)
    recipients = facts.pop("recipients")
    print_facts({name: value for name, value in facts.items() if value not in (None, [])})
    click.echo()
    print_table(
        ["address", "as", "status", "tries", "server's answer", "what came back"],
        [
            [one["address"], one["kind"], one["status"], one["tries"], _answer(one), cell(one["feedback"])]
            for one in recipients
        ],
        empty="Nobody.",
    )
    click.echo()
    print_table(
        ["when", "what", "whose", "words"],
        [[entry.at, entry.kind, entry.address, _words(entry)] for entry in view.timeline],
        empty="",
    )
    return True


def facts_of(view: MessageView) -> dict[str, Any]:
    """A message as facts with the names that JSON has."""
    row = view.row
    return {
        "id": str(row.id),
        "status": view.status.value,
        "from": row.sender,
        "subject": row.subject,
        "reference": row.reference,
        "tags": list(row.tags),
        "template": row.template,
        "template_version": row.template_version,
        "sender_domain": row.sender_domain,
        "key": row.key_name or row.key_id or None,
        "source": row.source,
        "accepted_at": row.accepted_at,
        "send_at": row.send_at,
        "cancelled_at": row.cancelled_at,
        "refused": str(view.refused) if view.refused else None,
        "repeats": str(row.repeats) if row.repeats else None,
        "recipients": [
            {
                "address": one.address,
                "kind": one.kind,
                "status": one.status,
                "tries": one.tries,
                "code": one.code,
                "words": one.words or str(one.waits_for) or None,
                "changed_at": one.changed_at,
                "next_try_at": one.next_try_at,
                "feedback": list(one.feedback),
            }
            for one in view.recipients
        ],
    }


def _line(view: MessageView) -> list[object]:
    shown = view.shown_recipient
    more = len(view.recipients) - 1
    to = view.recipients[0].address + (f" +{more}" if more else "")
    came_back = ", ".join(shown.feedback)
    status = f"{view.status} ({came_back})" if came_back else view.status
    answer = _answer({"code": shown.code, "words": shown.words or str(shown.waits_for or view.refused or "")})
    return [str(view.id), view.row.accepted_at, to, status, view.row.subject[:60], view.row.reference, answer[:80]]


def _answer(one: dict[str, Any]) -> str:
    return f"{one['code'] or ''} {one['words'] or ''}".strip()


def _words(entry: TimelineEntry) -> str:
    event = entry.event
    of_event = [event.source, event.reason, event.status] if event else []
    return " ".join(str(one) for one in [*of_event, entry.code, entry.words[:200]] if one)


def _moment_of(entry: TimelineEntry) -> dict[str, Any]:
    return {
        "at": entry.at,
        "kind": entry.kind,
        "address": entry.address,
        "code": entry.code,
        "words": entry.words,
        "event": entry.event,
    }


def _status(given: str | None) -> SingleMessageStatus | Feedback | None:
    if given is None:
        return None
    return SingleMessageStatus(given) if given in set(SingleMessageStatus) else Feedback(given)


def _moment(text: str | None, option: str) -> datetime | None:
    from ses_ops.domain.clock import read_moment, zone

    return read_moment(text, zone("UTC"), where=option) if text else None


@click.command(
    "resend",
    epilog=examples(
        "ses message resend 0193a000-0000-7000-8000-000000000000",
        "ses message resend 0193a000-0000-7000-8000-000000000000 --json",
    ),
)
@click.argument("message", metavar="ID")
@json_option
def resend_command(message: str, as_json: bool) -> None:
    """Send a single message again, as a new message to the same recipients.

    It leaves within a second or so while a copy of the API runs (`ses listen api`). Who got the first gets it twice.
    """
    from ses_ops.application.single_messages.resend import resend

    wanted = _id_of(message)
    with database() as conn:
        made = resend(conn, signing_actor(), wanted)
    if as_json:
        print_json({"id": str(made.id), "repeats": str(wanted), "copies_alive": made.copies})
        return
    click.echo(f"Sent again as {made.id}.")
    if not made.copies:
        warn("no copy of the API runs, so it waits until `ses listen api` does")


@click.command("cancel", epilog=examples("ses message cancel 0193a000-0000-7000-8000-000000000000"))
@click.argument("message", metavar="ID")
@json_option
def cancel_command(message: str, as_json: bool) -> None:
    """Never send a single message whose time (`send_at`) is still to come."""
    from ses_ops.application.single_messages.cancel import cancel_message

    wanted = _id_of(message)
    with database() as conn:
        done = cancel_message(conn, signing_actor(), wanted)
    if as_json:
        print_json({"id": str(wanted), "changed": done.changed})
    else:
        click.echo("Cancelled." if done.changed else "It was cancelled already.")


def _id_of(message: str) -> UUID:
    from ses_ops.application.single_messages.find import message_id
    from ses_ops.errors import InvalidInput

    found = message_id(message)
    if found is None:
        raise InvalidInput(f"{message!r} is no id of a single message, which the API answers", field="ID")
    return found

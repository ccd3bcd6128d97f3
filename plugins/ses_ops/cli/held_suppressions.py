"""`ses suppression held|approve|discard|undo`: many entries at once."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from ses_ops.cli.actor import signing_actor
from ses_ops.cli.lazy_group import examples
from ses_ops.cli.output import json_option, print_json, print_table
from ses_ops.cli.session import database
from ses_ops.errors import InvalidInput

_REASONS = ("hard_bounce", "complaint", "unsubscribe", "manual")
_why = click.option("--why", default="", help="The reason, for the audit log.")


@click.command(epilog=examples("ses suppression held", "ses suppression held --json"))
@json_option
def held(as_json: bool) -> None:
    """List what the storm guard holds back: many new hard bounces of one mailbox provider at once wait for a person."""
    from ses_ops.storage.suppression import held as storage

    with database() as conn:
        found = storage.by_provider(conn)
    if as_json:
        print_json(found)
        return
    print_table(
        ["mailbox provider", "addresses", "since", "newest", "such as", "server's words"],
        [[one.mailbox_provider, one.count, one.first_at, one.last_at, one.addresses, one.note] for one in found],
        empty="Nothing is held back.",
    )


@click.command(epilog=examples("ses suppression approve google"))
@click.argument("provider")
@_why
def approve(provider: str, why: str) -> None:
    """Suppress the held addresses of the mailbox provider PROVIDER."""
    from ses_ops.application import held_suppressions

    with database() as conn:
        done = held_suppressions.approve(conn, signing_actor(), provider, until=datetime.now(UTC), why=why)
    click.echo(f"{done.count:,} addresses of {provider} get no mail")


@click.command(epilog=examples("ses suppression discard google --why 'they had an outage'"))
@click.argument("provider")
@_why
def discard(provider: str, why: str) -> None:
    """Forget what is held of the mailbox provider PROVIDER: its addresses go on getting mail."""
    from ses_ops.application import held_suppressions

    with database() as conn:
        done = held_suppressions.discard(conn, signing_actor(), provider, until=datetime.now(UTC), why=why)
    click.echo(f"{done.count:,} addresses of {provider} go on getting mail")


@click.command(
    epilog=examples(
        "ses suppression undo --from 2026-11-29T10:00Z --to 2026-11-29T11:00Z --provider google --why 'an outage'",
    )
)
@click.option("--from", "since", required=True, help="Entries that were made from this time on (UTC).")
@click.option("--to", "until", required=True, help="Entries that were made before this time (UTC).")
@click.option("--reason", type=click.Choice(_REASONS), default="hard_bounce", show_default=True)
@click.option("--provider", help="Only addresses of this mailbox provider, or of this domain.")
@click.option("--words", help="Only entries with these words in the server's answer.")
@click.option("--why", required=True, help="The reason, for the audit log.")
@click.option("--dry-run", is_flag=True, help="Only say how many it would be.")
def undo(since: str, until: str, reason: str, provider: str | None, words: str | None, why: str, dry_run: bool) -> None:
    """Take all entries of a time span off the list, in one step."""
    from ses_ops.application import held_suppressions
    from ses_ops.domain.suppression import SuppressionReason
    from ses_ops.storage.suppression import lifting

    span = lifting.Span(
        since=_moment(since, "--from"),
        until=_moment(until, "--to"),
        reason=SuppressionReason(reason),
        provider=provider and provider.lower(),
        words=words,
    )
    if span.since >= span.until:
        raise InvalidInput("the end is not after the beginning", field="--to")
    with database() as conn:
        if dry_run:
            click.echo(f"{lifting.count(conn, span):,} addresses would get mail again")
            return
        done = held_suppressions.lift(conn, signing_actor(), span, why=why)
    click.echo(f"{done.count:,} addresses get mail again")


def _moment(text: str, option: str) -> datetime:
    from ses_ops.domain.clock import read_moment, zone

    found = read_moment(text, zone("UTC"), where=option)
    if found is None:
        raise InvalidInput(f"{text!r} is no time, such as 2026-11-29T10:00Z", field=option)
    return found

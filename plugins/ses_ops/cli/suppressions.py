"""`ses suppression ...`: addresses that get no mail."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from ses_ops.cli.actor import signing_actor
from ses_ops.cli.group_import import column_option, delimiter_option, encoding_option
from ses_ops.cli.lazy_group import LazyGroup, examples
from ses_ops.cli.output import json_option, note, print_json, print_table
from ses_ops.cli.session import database

_REASONS = ("manual", "unsubscribe", "complaint", "hard_bounce")


@click.group(
    cls=LazyGroup,
    commands={
        "add": ("suppressions:add", "Put an address on the list."),
        "remove": ("suppressions:remove", "Take an address off the list."),
        "list": ("suppressions:list_command", "List the suppressed addresses."),
        "import": ("suppressions:import_command", "Add the addresses of a file."),
        "held": ("held_suppressions:held", "List what the storm guard holds back."),
        "approve": ("held_suppressions:approve", "Suppress the held addresses of a mailbox provider."),
        "discard": ("held_suppressions:discard", "Let the held addresses of a mailbox provider get mail."),
        "undo": ("held_suppressions:undo", "Take all entries of a time span off the list."),
    },
)
def suppression() -> None:
    """Addresses that get no mail. Looked at when a mail leaves, not only when a list is made."""


@click.command(
    epilog=examples(
        "ses suppression add ann@example.com --note 'asked by phone'",
        "ses suppression add ann@example.com --expires 2027-01-31",
    )
)
@click.argument("address")
@click.option("--reason", type=click.Choice(_REASONS), default="manual", show_default=True)
@click.option("--note", "remark", default="", help="A remark for whoever looks later.")
@click.option("--expires", help="From this day or time (UTC) on the address gets mail again; only for manual.")
def add(address: str, reason: str, remark: str, expires: str | None) -> None:
    """Put ADDRESS on the list. An entry is never shortened: what lasts for ever stays."""
    from ses_ops.application import suppressions
    from ses_ops.domain.address import parse_address
    from ses_ops.domain.suppression import SuppressionReason, read_expiry
    from ses_ops.storage.suppression import entries as storage

    parsed = parse_address(address)
    chosen = SuppressionReason(reason)
    expires_at = read_expiry(expires, reason, now=datetime.now(UTC), where="--expires")
    with database() as conn:
        done = suppressions.add(conn, signing_actor(), [parsed], reason=chosen, note=remark, expires_at=expires_at)
        found = storage.find(conn, parsed.key)
    if done.changed:
        click.echo(
            f"{parsed.address}: gets no mail" + (f" until {expires_at:%Y-%m-%d %H:%M} UTC" if expires_at else "")
        )
    elif found:
        since = f"{found[0].created_at:%Y-%m-%d}"
        click.echo(f"{parsed.address}: was on the list already ({found[0].reason}, since {since})")


@click.command(epilog=examples("ses suppression remove ann@example.com"))
@click.argument("address")
@click.option("--scope", help="Only its entry for the bulk mail of this sender domain.")
@click.option("--why", help="The reason, for the audit log.")
def remove(address: str, scope: str | None, why: str | None) -> None:
    """Take ADDRESS off the list: it gets mail again."""
    from ses_ops.application import suppressions
    from ses_ops.domain.address import parse_address

    parsed = parse_address(address, dotless=True)
    with database() as conn:
        suppressions.remove(conn, signing_actor(), parsed, scope=scope, why=why)
    click.echo(f"{parsed.address}: gets mail again")


@click.command(
    "list",
    epilog=examples("ses suppression list --search example.com", "ses suppression list --source bounce_mail --json"),
)
@click.option("--search", help="Only addresses with this text in them.")
@click.option("--reason", type=click.Choice(_REASONS), help="Only entries for this reason.")
@click.option("--source", help="Only entries that this feed made, such as bounce_mail.")
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1), help="Entries at most.")
@json_option
def list_command(search: str | None, reason: str | None, source: str | None, limit: int, as_json: bool) -> None:
    """List the suppressed addresses, newest first."""
    from dataclasses import asdict

    from ses_ops.storage.suppression import entries as storage

    with database() as conn:
        found = storage.entries(conn, search=search, reason=reason, source=source, limit=limit + 1)
    rows = [asdict(entry) for entry in found]
    more = len(rows) > limit
    rows = rows[:limit]
    if as_json:
        print_json(rows)
    else:
        names = ("address", "scope", "reason", "note", "source", "added_by", "created_at", "expires_at", "expired")
        print_table(names, [[row[name] for name in names] for row in rows], empty="No address is suppressed.")
    if more:
        note(f"there are more than {limit:,}; --limit shows more")


@click.command("import", epilog=examples("ses suppression import unsubscribed.csv --reason unsubscribe"))
@click.argument("file", type=click.Path(path_type=Path))
@column_option
@delimiter_option
@encoding_option
@click.option("--reason", type=click.Choice(_REASONS), default="manual", show_default=True, help="Where FILE has none.")
@click.option("--report", type=click.Path(path_type=Path), help="Where rejected rows go (default: FILE.rejected.csv).")
def import_command(
    file: Path,
    address_column: str | None,
    delimiter: str | None,
    encoding: str | None,
    reason: str,
    report: Path | None,
) -> None:
    """Add the addresses of FILE, a CSV file with a header row: all of them in one transaction.

    Columns: the address, and if wanted reason, note, expires and scope: the sender domain whose bulk mail a manual or
    unsubscribe entry is about (empty: all mail). So an exported list comes back as it was.
    """
    from ses_ops.application import suppressions
    from ses_ops.cli.rejected_report import RejectedReport, reading

    rejected = RejectedReport(report or file.with_name(file.name + ".rejected.csv"), of=file)
    try:
        with database() as conn, reading(file, what=f"importing {file.name}") as blocks:
            done = suppressions.import_file(
                conn,
                signing_actor(),
                blocks,
                where=str(file),
                delimiter=delimiter,
                address_column=address_column,
                encoding=encoding,
                reason=reason,
                now=datetime.now(UTC),
                report=rejected.add,
                file_columns=rejected.name_columns,
            )
    finally:
        rejected.close()
    click.echo(
        f"{done.read:,} addresses read: {done.added:,} added or made to last longer, the others were on the list "
        "already"
    )
    if rejected.count:
        click.echo(f"{rejected.count:,} rows were left out: {rejected.path}")

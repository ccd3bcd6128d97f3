"""`ses person ...`: what is stored of a person, and to forget it."""

from __future__ import annotations

import click

from ses_ops.cli.actor import signing_actor
from ses_ops.cli.lazy_group import LazyGroup, examples
from ses_ops.cli.output import json_option, note, print_facts, print_json, print_table
from ses_ops.cli.session import database


@click.group(
    cls=LazyGroup,
    commands={
        "show": ("people:show", "Show what is stored of a person."),
        "erase": ("people:erase_command", "Forget a person: groups, values, messages."),
    },
)
def person() -> None:
    """A person, by the address: what is stored, and to forget it."""


@click.command(epilog=examples("ses person show ann@example.com"))
@click.argument("address")
@json_option
def show(address: str, as_json: bool) -> None:
    """Show in which groups ADDRESS is, how many messages name it and what came back, and whether it is suppressed."""
    from ses_ops.domain.address import parse_address
    from ses_ops.storage.audience import erasure

    with database() as conn:
        found = erasure.look(conn, parse_address(address, dotless=True))
    if as_json:
        print_json(found)
        return
    groups = [f"{name} ({count:,})" for name, count in found.groups.items()]
    print_facts({"groups": groups, "messages": found.messages, "suppressed": found.suppressed})
    names = ("occurred_at", "task", "kind", "hard", "source", "diagnostic")
    if found.events:
        print_table(names, [[getattr(event, name) for name in names] for event in found.events], empty="")


@click.command(epilog=examples("ses person erase ann@example.com"))
@click.argument("address")
@json_option
def erase_command(address: str, as_json: bool) -> None:
    """Forget the person with ADDRESS. It cannot be undone.

    They leave all groups; in messages a keyed hash stands in the place of the address, and the values go. What was
    counted stays, and who is suppressed stays suppressed. Logs, backups and the runs of test sends are not touched.
    """
    from ses_ops.application.erasure import erase
    from ses_ops.domain.address import parse_address

    with database() as conn:
        done = erase(conn, signing_actor(), parse_address(address, dotless=True))
    if as_json:
        print_json(done)
    else:
        groups = ", ".join(done.groups) or "no group"
        click.echo(f"erased from {groups}, {done.messages:,} messages, {done.reports:,} reports of imports")
        click.echo(f"stands for the address now: {done.person}")
        click.echo(f"on the suppression list: {'yes, and stays there' if done.suppressed else 'no'}")
    if done.being_sent:
        note(f"{done.being_sent:,} messages are being sent at this moment; repeat this command in a few minutes")

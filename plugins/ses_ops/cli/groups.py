"""`ses group ...`: recipient groups."""

from __future__ import annotations

import sys

import click

from ses_ops.cli.actor import shell_actor
from ses_ops.cli.lazy_group import LazyGroup, examples
from ses_ops.cli.output import json_option, print_facts, print_json, print_table
from ses_ops.cli.session import database
from ses_ops.errors import InvalidInput


@click.group(
    cls=LazyGroup,
    commands={
        "import": ("group_import:import_command", "Replace a group's recipients with those of a file, or add them."),
        "list": ("groups:list_command", "List all groups."),
        "show": ("groups:show", "Show a group, its variables and its first recipients."),
        "sample-csv": ("groups:sample_csv", "Print a CSV file to begin with."),
        "export": ("groups:export", "Write a group's recipients as a CSV file."),
        "delete": ("groups:delete", "Delete a group that no unfinished task uses."),
    },
)
def group() -> None:
    """Recipient groups: who gets a mail, with the values of the template's variables."""


@click.command("list", epilog=examples("ses group list --json"))
@json_option
def list_command(as_json: bool) -> None:
    """List all recipient groups."""
    from ses_ops.storage.audience import recipients

    with database() as conn:
        groups = recipients.list_groups(conn)
    if as_json:
        print_json(groups)
        return
    print_table(
        ["name", "recipients", "variables", "updated", "description"],
        [[one.name, one.recipient_count, one.variables, one.updated_at, one.description] for one in groups],
        empty="There is no recipient group yet; `ses group import NAME FILE.csv` makes one.",
    )


@click.command(epilog=examples("ses group show customers", "ses group show customers --limit 20 --json"))
@click.argument("name")
@click.option("--limit", default=5, show_default=True, type=click.IntRange(0, 10_000), help="Recipients to show.")
@json_option
def show(name: str, limit: int, as_json: bool) -> None:
    """Show a group, the tasks that use it, and its first recipients."""
    from ses_ops.storage.audience import recipients

    with database() as conn:
        found = recipients.find_group(conn, name)
        facts = {
            "name": found.name,
            "description": found.description,
            "variables": found.variables,
            "recipient_count": found.recipient_count,
            "empty_is_missing": found.empty_is_missing,
            "suppressed_now": recipients.suppressed_count(conn, found.id),
            "tasks": [task.name for task in recipients.tasks_of_group(conn, found.id)],
            "created_at": found.created_at,
            "updated_at": found.updated_at,
        }
        first = recipients.sample(conn, found.id, limit=limit)
    if as_json:
        print_json({**facts, "recipients": [{"address": address, "values": values} for address, values in first]})
        return
    print_facts(facts)
    click.echo()
    rows = [[address, *(values.get(name, "") for name in found.variables)] for address, values in first]
    print_table(["address", *found.variables], rows, empty="(no recipients shown)")


@click.command(
    "sample-csv",
    epilog=examples("ses group sample-csv --template newsletter > customers.csv", "ses group sample-csv customers"),
)
@click.argument("name", required=False)
@click.option("--template", help="Make the columns that this template needs, with its sample values.")
def sample_csv(name: str | None, template: str | None) -> None:
    """Print a CSV file to begin with: the columns of group NAME, or those that a template needs."""
    if (name is None) == (template is None):
        raise click.UsageError("name a group or --template, one of the two")
    from ses_ops.application.sample_csv import sample_of_group, sample_of_place
    from ses_ops.cli import template_places

    if template is not None:
        click.echo(sample_of_place(template_places.place(template), template), nl=False)
        return
    with database() as conn:
        click.echo(sample_of_group(conn, str(name)), nl=False)


@click.command(epilog=examples("ses group export customers > customers.csv"))
@click.argument("name")
def export(name: str) -> None:
    """Print the recipients of group NAME as a CSV file, which a spreadsheet opens safely and an import reads again."""
    from ses_ops.application.exports import export_group
    from ses_ops.application.group_export import group_csv

    with database() as conn:
        for block in group_csv(conn, export_group(conn, shell_actor(), name)):
            sys.stdout.buffer.write(block)


@click.command(epilog=examples("ses group delete customers"))
@click.argument("name")
def delete(name: str) -> None:
    """Delete a recipient group; refused while a task that is neither finished nor cancelled uses it."""
    from ses_ops.application import groups

    if not name.strip():
        raise InvalidInput("the name of a group is needed")
    with database() as conn:
        done = groups.delete(conn, shell_actor(), name)
    click.echo(f"deleted {name}: {done.group.recipient_count:,} recipients")

"""`ses template ...`: the mail templates of `include/templates`, and those of the database."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from ses_ops import settings
from ses_ops.cli import stored_templates, template_places
from ses_ops.cli.lazy_group import examples
from ses_ops.cli.output import json_option, print_json, print_table
from ses_ops.cli.session import database
from ses_ops.errors import InvalidInput, NotFound, SesError, TemplateError


@click.group()
def template() -> None:
    """Mail templates: subject, HTML and text with {{ variables }}."""


template.add_command(stored_templates.write)
template.add_command(stored_templates.versions)
template.add_command(stored_templates.delete)


@template.command("list", epilog=examples("ses template list --json"))
@json_option
def list_command(as_json: bool) -> None:
    """List all templates with their variables."""
    rows = [template_facts(name) for name in _names(None)]
    if as_json:
        print_json(rows)
        return
    print_table(
        ["name", "variables", "parts", "error"],
        [[row["name"], row["variables"], row["parts"], row["error"]] for row in rows],
        empty=f"{settings.no_templates()}.".replace("there is", "There is", 1),
    )


@template.command(epilog=examples("ses template check", "ses template check newsletter"))
@click.argument("name", required=False)
@json_option
@click.pass_context
def check(ctx: click.Context, name: str | None, as_json: bool) -> None:
    """Load, compile and render templates with their sample values; exit code 1 if one cannot be used."""
    rows = [template_facts(one) for one in _names(name)]
    if as_json:
        print_json(rows)
    else:
        for row in rows:
            click.echo(f"FAIL  {row['error']}" if row["error"] else f"ok    {row['name']}")
            for warning in row["warnings"]:
                click.echo(f"warn  {warning}")
    if any(row["error"] for row in rows):
        ctx.exit(1)


@template.command(
    epilog=examples(
        "ses template preview newsletter",
        "ses template preview newsletter --group customers --address ann@example.com --html /tmp/mail.html",
        'ses template preview newsletter --values \'{"name": "Ann"}\'',
    )
)
@click.argument("name")
@click.option("--values", help="The variables' values as a JSON object (default: the template's sample.json).")
@click.option("--group", help="Take the values of a recipient of this group.")
@click.option("--address", help="Which recipient of --group (default: the first).")
@click.option("--html", type=click.Path(path_type=Path), help="Write the HTML part to this file.")
@json_option
def preview(
    name: str, values: str | None, group: str | None, address: str | None, html: Path | None, as_json: bool
) -> None:
    """Show a mail as its recipient would see it."""
    from ses_ops.rendering.template import load_template
    from ses_ops.rendering.template_facts import EXAMPLE_UNSUBSCRIBE_URL

    if values is not None and group is not None:
        raise click.UsageError("give --values or --group, not both")
    if address is not None and group is None:
        raise click.UsageError("--address needs --group")
    chosen = read_values(values) if values is not None else None
    if group is not None:
        chosen = _values_of(group, address)
    mail = load_template(template_places.place(name), name).preview(chosen, unsubscribe_url=EXAMPLE_UNSUBSCRIBE_URL)
    if html is not None:
        if mail.html is None:
            raise TemplateError("it has no HTML part", template=name)
        html.write_text(mail.html, encoding="utf-8")
    if as_json:
        print_json({"subject": mail.subject, "text": mail.text, "html": mail.html})
        return
    click.echo(f"Subject: {mail.subject}\n\n{mail.text}")
    if html is not None:
        click.echo(f"HTML part: {html}", err=True)


def read_values(text: str) -> dict[str, str]:
    """The values of a JSON object on the command line; numbers become texts."""
    try:
        given = json.loads(text)
    except ValueError as cause:
        raise InvalidInput(f"is not JSON ({cause})", where="--values") from cause
    if not isinstance(given, dict):
        raise InvalidInput('must be a JSON object such as {"name": "Ann"}', where="--values")
    for name, value in given.items():
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise InvalidInput("must be a text or a number", where="--values", field=name)
    return {name: str(value) for name, value in given.items()}


def _values_of(group: str, address: str | None) -> dict[str, str]:
    from ses_ops.domain.address import parse_address
    from ses_ops.storage.audience import recipients

    key = parse_address(address, dotless=True).key if address is not None else None
    with database() as conn:
        found = recipients.sample(conn, recipients.find_group(conn, group).id, address_key=key)
    if not found:
        raise NotFound("recipient", address or "(first)", code="recipient_not_in_group", group=group)
    return found[0][1]


def _names(name: str | None) -> list[str]:
    return [name] if name is not None else template_places.names()


def template_facts(name: str) -> dict[str, Any]:
    """The line of a template: its variables and parts, or the reason for which it cannot be used."""
    from ses_ops.rendering import template_facts as facts

    try:
        place = template_places.place(name)
        found = facts.template_facts(place, name)
    except SesError as problem:  # there is no such template
        return {"name": name, "variables": [], "parts": [], "warnings": [], **_error(problem)}
    return {
        "name": name,
        # None for one of the folder.
        "version": getattr(place, "version", None),
        "variables": list(found.variables),
        "parts": list(found.parts),
        **_error(found.error),
        "warnings": [str(one) for one in found.warnings],
    }


def _error(problem: SesError | None) -> dict[str, Any]:
    """An error as a program reads it: its sentence, its code and its facts; nothing of these without an error."""
    if problem is None:
        return {"error": None}
    return {"error": str(problem), "code": problem.code, "facts": problem.explanation.stored}

"""`ses template write|versions|delete`: templates that are kept in the database, as the API makes them."""

from __future__ import annotations

from pathlib import Path

import click

from ses_ops.cli.actor import signing_actor
from ses_ops.cli.lazy_group import examples
from ses_ops.cli.output import json_option, print_json, print_table
from ses_ops.cli.session import database
from ses_ops.errors import NotFound, TemplateError

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command(
    epilog=examples("ses template write welcome --subject 'Welcome, {{ name }}' --html body.html --text body.txt")
)
@click.argument("name")
@click.option("--title", help="What people call it (default: as it is, or the name).")
@click.option("--subject", help="Its subject, with variables; without one each mail brings its own.")
@click.option("--html", type=_FILE, help="The file of its HTML part.")
@click.option("--text", type=_FILE, help="The file of its text part (default: made of the HTML).")
@json_option
def write(
    name: str, title: str | None, subject: str | None, html: Path | None, text: Path | None, as_json: bool
) -> None:
    """Make the template NAME in the database, or give it a new version.

    Mail that leaves from then on has it. A template of the folder of the same name would win, so it is refused.
    """
    from ses_ops.application import stored_templates
    from ses_ops.storage.templates.stored import TemplateTexts

    texts = TemplateTexts(subject, _read(text) if text else None, _read(html) if html else None)
    with database() as conn:
        try:
            stored_templates.get(conn, name)
        except NotFound:
            done = stored_templates.create(conn, signing_actor(), name=name, title=title, texts=texts)
        else:
            done = stored_templates.new_version(conn, signing_actor(), name, title=title, texts=texts)
    made = done.template
    if as_json:
        print_json({"id": made.id, "name": made.name, "version": made.version, "changed": done.changed})
        return
    click.echo(f"{name}: version {made.version}" if done.changed else f"{name}: version {made.version}, as it was")


@click.command(epilog=examples("ses template versions welcome --json"))
@click.argument("name")
@json_option
def versions(name: str, as_json: bool) -> None:
    """List the versions of a template of the database, the newest first."""
    from ses_ops.application import stored_templates

    with database() as conn:
        found = stored_templates.versions(conn, name)
    if as_json:
        print_json(found)
        return
    print_table(
        ["version", "subject", "parts", "written", "by"],
        [
            [
                one.version,
                one.subject or "",
                [part for part, text in (("html", one.html), ("text", one.text)) if text is not None],
                one.written_at,
                one.written_by,
            ]
            for one in found
        ],
        empty="",
    )


@click.command(epilog=examples("ses template delete welcome"))
@click.argument("name")
def delete(name: str) -> None:
    """Delete a template of the database; refused while a task that is neither finished nor cancelled uses it."""
    from ses_ops.application import stored_templates

    with database() as conn:
        done = stored_templates.delete(conn, signing_actor(), name)
    click.echo(f"deleted {done.template.name}")


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as problem:
        raise TemplateError("file_not_utf8", byte=problem.start, template=file.name) from problem

"""`ses group import`: a CSV file becomes the content of a recipient group."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ses_ops import settings
from ses_ops.cli.lazy_group import examples
from ses_ops.cli.output import json_option, note, print_json, warn
from ses_ops.cli.session import database

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection

    from ses_ops.storage.group_import import GroupImport


def read_delimiter(ctx: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    """One character; `tab` and `\\t` are understood. None: found out from the first line."""
    del ctx, parameter
    if value is None:
        return None
    character = {"tab": "\t", "\\t": "\t"}.get(value.lower(), value)
    if len(character) != 1 or character in '"\r\n' or character.isalnum():
        raise click.BadParameter(f"{value!r} is not one character such as , ; | or tab")
    return character


delimiter_option = click.option(
    "--delimiter", callback=read_delimiter, help="What stands between columns, or tab; default: found out."
)
column_option = click.option(
    "--address-column", help="The column with the address (default: address, email, e-mail, mail)."
)
encoding_option = click.option(
    "--encoding", help="How FILE is written, such as cp1252 or shift_jis; default: UTF-8, or what leaves no doubt."
)


@click.command(
    "import",
    epilog=examples(
        "ses group import customers customers.csv",
        "ses group import customers export.csv --address-column contact --delimiter ';'",
    ),
)
@click.argument("name")
@click.argument("file", type=click.Path(path_type=Path))
@column_option
@delimiter_option
@encoding_option
@click.option("--description", help="What the group is; default: unchanged.")
@click.option(
    "--empty-is-missing/--empty-is-text",
    default=None,
    help="Whether default() of a template fills empty cells in; default: unchanged, at first text.",
)
@click.option("--strict", is_flag=True, help="Import nothing if any row is rejected.")
@click.option("--report", type=click.Path(path_type=Path), help="Where rejected rows go (default: FILE.rejected.csv).")
@json_option
def import_command(
    name: str,
    file: Path,
    address_column: str | None,
    delimiter: str | None,
    encoding: str | None,
    description: str | None,
    empty_is_missing: bool | None,
    strict: bool,
    report: Path | None,
    as_json: bool,
) -> None:
    """Replace the recipients of group NAME with those of FILE, a CSV file with a header row.

    A file that is not UTF-8 is refused, with how it reads in the likely encoding; name that with --encoding.

    One column is the address, the others are the template's variables. All of the file is imported in one
    transaction, or nothing. Rows that cannot be used and repeated addresses are left out and listed in a file.
    """
    from ses_ops.cli.rejected_report import RejectedReport, reading
    from ses_ops.storage.group_import import import_group

    rejected = RejectedReport(report or file.with_name(file.name + ".rejected.csv"))
    with database() as conn:
        try:
            with reading(file, what=f"importing {file.name}") as blocks:
                done = import_group(
                    conn,
                    name,
                    blocks,
                    where=str(file),
                    delimiter=delimiter,
                    address_column=address_column,
                    encoding=encoding,
                    description=description,
                    empty_is_missing=empty_is_missing,
                    strict=strict,
                    report=rejected.add,
                )
        except BaseException:
            rejected.close()
            note(f"group {name!r} is as it was before" + (f"; see {rejected.path}" if rejected.count else ""))
            raise
        rejected.close()
        _show(done, rejected.path, as_json)
        _warn_of_tasks(conn, name)


def _show(done: GroupImport, report: Path, as_json: bool) -> None:
    path = str(report) if done.rejected_count else None
    if as_json:
        facts: dict[str, Any] = {
            "group": done.group,
            "created": done.created,
            "recipient_count": done.recipients,
            "variables": done.variables,
            "rejected_count": done.rejected_count,
            "rejected": done.rejected,
            "report": path,
        }
        print_json(facts)
        return
    variables = f" with {', '.join(done.variables)}" if done.variables else ""
    click.echo(f"{done.group}: {done.recipients:,} recipients{variables} ({'new' if done.created else 'replaced'})")
    if path:
        from ses_ops.storage.group_import import by_kind

        click.echo(f"{done.rejected_count:,} rows were left out ({by_kind(done.rejected)}): {path}")


def _warn_of_tasks(conn: Connection, name: str) -> None:
    """The variables may have changed: name the tasks whose template no longer fits."""
    from ses_ops.sending.group_tasks import doubtful, misfits

    for one in misfits(conn, name, settings.templates_root()):
        warn(f"send task {one.task!r} cannot send to this group any more: {one.problem}")
    for task, sentence in doubtful(conn, name, settings.templates_root()):
        warn(f"send task {task!r}: {sentence}")

"""`ses group import`: a file replaces or extends a recipient group."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ses_ops import settings
from ses_ops.cli.actor import shell_actor
from ses_ops.cli.lazy_group import examples
from ses_ops.cli.output import json_option, note, print_json, print_table, warn
from ses_ops.cli.session import database

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection

    from ses_ops.application.file_preview import FileLook
    from ses_ops.audience.import_outcome import ImportOutcome

#: Most addresses with a possible typing error that are listed; all are counted.
_NAMED = 10


def read_delimiter(ctx: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    """The delimiter, one character; `tab` and `\\t` are understood. None: found from the first line."""
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
sheet_option = click.option("--sheet", help="The sheet of an .xlsx file (default: the one that it shows when opened).")


@click.command(
    "import",
    epilog=examples(
        "ses group import customers customers.csv",
        "ses group import customers export.xlsx --map 'First Name=first_name' --check",
        "ses group import customers customers.csv.rejected.csv --append",
    ),
)
@click.argument("name")
@click.argument("file", type=click.Path(path_type=Path))
@column_option
@delimiter_option
@encoding_option
@sheet_option
@click.option("--map", "mapping", multiple=True, metavar="COLUMN=NAME", help="The variable's name for a column.")
@click.option("--append", is_flag=True, help="Add the rows to those of the group, instead of replacing them.")
@click.option("--check", is_flag=True, help="Show how FILE would be read; store nothing.")
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
    mapping: tuple[str, ...],
    check: bool,
    report: Path | None,
    as_json: bool,
    **options: Any,
) -> None:
    """Replace the recipients of group NAME with those of FILE, a CSV or .xlsx file with a header row.

    One column is the address, the others are variables of templates. A column such as "First Name" becomes first_name;
    --map chooses another name. All of the file is imported in one transaction, or nothing. Rows that cannot be used and
    repeated addresses are left out and listed in a file, which can be corrected and imported with --append.

    A CSV file that is not UTF-8 is shown as it reads in the likely encoding, and imported once --encoding names it or
    you say yes.
    """
    from ses_ops.audience.column_names import read_mapping
    from ses_ops.storage.audience.recipients import check_group_name

    check_group_name(name)
    options["names"] = read_mapping(mapping)
    file_options = {key: options[key] for key in ("delimiter", "address_column", "encoding", "sheet", "names")}
    if check:
        _show_look(_look(file, file_options), as_json)
        return
    if not options["encoding"] and sys.stdin.isatty():
        options["encoding"] = _encoding_agreed(file, file_options)
    _import(name, file, report or file.with_name(file.name + ".rejected.csv"), as_json, options)


def _import(name: str, file: Path, report: Path, as_json: bool, options: dict[str, Any]) -> None:
    from ses_ops.application.groups import import_file
    from ses_ops.cli.rejected_report import RejectedReport, reading

    rejected = RejectedReport(report, of=file)
    with database() as conn:
        try:
            with reading(file, what=f"importing {file.name}") as blocks:
                told: dict[str, Any] = {"report": rejected.add, "columns": rejected.name_columns}
                done = import_file(conn, shell_actor(), name, blocks, where=str(file), **told, **options)
        except BaseException:
            rejected.close()
            note(f"group {name!r} is as it was before" + (f"; see {rejected.path}" if rejected.count else ""))
            raise
        rejected.close()
        _show(done, rejected.path, as_json)
        _warn_of_addresses(done)
        _warn_of_tasks(conn, name)


def _look(file: Path, options: dict[str, Any]) -> FileLook:
    from ses_ops.application.file_preview import beginning, look_at
    from ses_ops.cli.rejected_report import reading

    with reading(file, what=f"reading {file.name}") as blocks:
        found = beginning(blocks)
    return look_at(lambda: found, where=str(file), **options)


def _encoding_agreed(file: Path, options: dict[str, Any]) -> str | None:
    """None when the encoding is certain; else the likely one, once the person at the terminal has confirmed it."""
    found = _look(file, options)
    if found.sure:
        return None
    _show_look(found, False)
    if not click.confirm(f"Is this read rightly as {found.encoding}?", err=True):
        raise click.UsageError("name the right encoding with --encoding")
    return found.encoding


def _show_look(found: FileLook, as_json: bool) -> None:
    header = found.header
    if as_json:
        names = dict(zip(header.written, header.columns, strict=True))
        facts = {"encoding": found.encoding, "sure": found.sure, "delimiter": found.delimiter, "sheet": found.sheet}
        address = header.columns[header.address]
        shown = [{"line": row.line, "cells": row.cells, "problem": row.problem} for row in found.rows]
        print_json({**facts, "address_column": address, "columns": names, "rows": shown})
        return
    how = "" if found.sure else " (likely; name it with --encoding if the rows below are right)"
    click.echo(f"encoding: {found.encoding}{how}")
    if found.sheet:
        click.echo(f"sheet: {found.sheet} (of {', '.join(found.sheets)})")
    for written, variable in header.renamed.items():
        click.echo(f"column {written!r} is the variable {variable}")
    width = len(header.own)
    rows = []
    for row in found.rows:
        cells = row.cells[:width]
        rows.append([row.line, *cells, *[""] * (width - len(cells)), row.problem or ""])
    print_table(["line", *header.own, "left out because"], rows, empty="(no rows)")


def _show(done: ImportOutcome, report: Path, as_json: bool) -> None:
    path = str(report) if done.rejected_count else None
    if as_json:
        facts: dict[str, Any] = {
            "group": done.group,
            "created": done.created,
            "appended": done.appended,
            "recipient_count": done.recipients,
            "added_count": done.added,
            "variables": done.variables,
            "renamed": done.renamed,
            "encoding": done.encoding,
            "rejected_count": done.rejected_count,
            "rejected": done.rejected,
            "report": path,
            "doubtful_count": done.doubtful_count,
            "doubtful": [one._asdict() for one in done.doubtful],
        }
        print_json(facts)
        return
    variables = f" with {', '.join(done.variables)}" if done.variables else ""
    what = f"{done.added:,} added" if done.appended else "new" if done.created else "replaced"
    click.echo(f"{done.group}: {done.recipients:,} recipients{variables} ({what}); read as {done.encoding}")
    for written, name in done.renamed.items():
        click.echo(f"column {written!r} is the variable {name}; --map chooses another name")
    if path:
        from ses_ops.audience.import_outcome import by_kind

        click.echo(f"{done.rejected_count:,} rows were left out ({by_kind(done.rejected)}): {path}")


def _warn_of_addresses(done: ImportOutcome) -> None:
    for one in done.doubtful[:_NAMED]:
        warn(f"line {one.line}: {one.address} was taken; is {one.meant} meant?")
    if done.doubtful_count > _NAMED:
        warn(f"{done.doubtful_count:,} addresses may be mistyped like these")


def _warn_of_tasks(conn: Connection, name: str) -> None:
    """Name the tasks whose template no longer fits, since an import may change the variables."""
    from ses_ops.application.group_fit import group_warnings, misfits

    for one in misfits(conn, name, settings.templates_root()):
        warn(f"send task {one.task!r} cannot send to this group any more: {one.problem}")
    for task, warning in group_warnings(conn, name, settings.templates_root()):
        warn(f"send task {task!r}: {warning}")

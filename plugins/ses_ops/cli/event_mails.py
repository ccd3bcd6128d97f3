"""`ses events read` and `reread`: mails that came back, from files and pipes."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import click

from ses_ops.cli.lazy_group import examples
from ses_ops.cli.output import json_option, print_json
from ses_ops.cli.session import database
from ses_ops.errors import InvalidInput, SesError

#: The exit code by which a mail server keeps a mail and tries again (sysexits.h).
EX_TEMPFAIL = 75
#: The path that means the standard input.
PIPE = Path("-")


@click.command(
    epilog=examples(
        "ses events read bounce.eml",
        "ses events read /var/mail/bounces/",
        'ses events read --to "$ORIGINAL_RECIPIENT" -',
    )
)
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path, allow_dash=True))
@click.option("--to", "came_to", multiple=True, metavar="ADDRESS", help="The envelope recipient, which a pipe knows.")
@json_option
def read(paths: tuple[Path, ...], came_to: tuple[str, ...], as_json: bool) -> int:
    """Read mails from PATHS: a file (.eml or mbox), a folder (Maildir, or of .eml files), or - for the standard input.

    Each mail counts once, however often it is read, so the command may be repeated. What is not understood is kept with
    its source. In a pipe, the exit code is 0 when the mail is kept, and 75 when the mail server should try again.
    """
    if PIPE not in paths:
        return _read(paths, came_to, as_json=as_json)
    try:
        return _read(paths, came_to, as_json=as_json)
    except Exception as problem:  # any other exit code would make the mail server return the mail, or drop it
        click.echo(f"ses: error: {problem}", err=True)
        return EX_TEMPFAIL


def _read(paths: tuple[Path, ...], came_to: tuple[str, ...], *, as_json: bool) -> int:
    from ses_ops.application.report_mails import read_mails
    from ses_ops.cli.actor import signing_actor
    from ses_ops.events.mail_files import mails_in, mails_of

    def mails() -> Iterator[bytes]:
        for path in paths:
            yield from mails_of(sys.stdin.buffer) if path == PIPE else mails_in(path)

    try:
        with database() as conn:
            count = read_mails(conn, mails(), came_to=came_to, actor=None if PIPE in paths else signing_actor())
    except InvalidInput:
        raise
    except SesError as problem:
        click.echo(f"ses: error: {problem}", err=True)
        return EX_TEMPFAIL
    if as_json:
        print_json(count)
    else:
        click.echo(count.sentence)
    return 0


@click.command(epilog=examples("ses events reread"))
@json_option
def reread(as_json: bool) -> None:
    """Read again the mails that were not understood or found no message, after an update or a restored backup."""
    from ses_ops.application.report_mails import reread_mails
    from ses_ops.cli.actor import signing_actor

    with database() as conn:
        done = reread_mails(conn, signing_actor())
    if as_json:
        print_json(done)
    else:
        click.echo(f"{done.read:,} mails read again, {done.understood:,} of them understood now")

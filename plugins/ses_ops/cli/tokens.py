"""`ses tokens ...`: the secrets of the tokens in links and bounce addresses."""

from __future__ import annotations

import click

from ses_ops.cli.actor import signing_actor
from ses_ops.cli.lazy_group import LazyGroup, examples
from ses_ops.cli.output import json_option, print_json, print_table
from ses_ops.cli.session import database


@click.group(
    cls=LazyGroup,
    commands={
        "list": ("tokens:list_command", "The secrets by number and age; never the secrets themselves."),
        "rotate": ("tokens:rotate", "Make tokens with a new secret; old tokens stay valid."),
    },
)
def tokens() -> None:
    """Secrets of the tokens in unsubscribe links, bounce addresses and providers' metadata.

    They stand in the database, so that a backup of the ledger has them: without them nobody could unsubscribe by the
    link of an old mail.
    """


@click.command("list", epilog=examples("ses tokens list"))
@json_option
def list_command(as_json: bool) -> None:
    """List the secrets, newest first, without the secrets themselves."""
    from ses_ops.storage.connection import transaction
    from ses_ops.storage.events.token_secrets import secrets_in_use

    with database() as conn, transaction(conn):
        found = secrets_in_use(conn)
    if as_json:
        print_json(found)
        return
    uses = {True: "makes and opens tokens", False: "opens old tokens"}
    print_table(
        ["number", "made", "use"],
        [[str(one.id), one.created_at, uses[one.makes_tokens]] for one in found],
        empty="no secret: run `ses migrate`",
    )


@click.command(epilog=examples("ses tokens rotate"))
@json_option
def rotate(as_json: bool) -> None:
    """Make a secret for the tokens of all mail from now on.

    Links and bounce addresses in mail that has left stay valid, for ever: the old secrets are kept. Rotate when
    somebody may have read the database who must not forge events.
    """
    from ses_ops.application.token_rotation import rotate_token_secret

    with database() as conn:
        added = rotate_token_secret(conn, signing_actor())
    if as_json:
        print_json(added)
    else:
        click.echo(f"secret {added.id} makes all tokens from now on; older tokens stay valid")

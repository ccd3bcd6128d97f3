"""`ses key ...`: keys by which programs use the API."""

from __future__ import annotations

import click

from ses_ops.cli.actor import signing_actor
from ses_ops.cli.lazy_group import LazyGroup, examples
from ses_ops.cli.output import json_option, note, print_json, print_table
from ses_ops.cli.session import database
from ses_ops.domain.api_key import ANY_DOMAIN, MOST_PER_SECOND, Scope


@click.group(
    cls=LazyGroup,
    commands={
        "create": ("keys:create", "Make a key; its secret is shown once."),
        "list": ("keys:list_command", "The keys: scopes, sender domains, last use."),
        "revoke": ("keys:revoke", "Revoke a key, at once."),
    },
)
def key() -> None:
    """Keys by which programs use the API (`ses listen api`): id and secret, scopes, sender domains.

    docs/api.md tells how a program shows its key.
    """


@click.command(
    epilog=examples(
        "ses key create shop --scope send --domain codes.example.com",
        "ses key create reports --scope read --domain '*' --json",
    )
)
@click.argument("name")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    required=True,
    type=click.Choice([one.value for one in Scope]),
    help="What it is for; may be repeated. `manage` holds the other two.",
)
@click.option(
    "--domain", "domains", multiple=True, help=f"A sender domain; may be repeated. [default: {ANY_DOMAIN}, every one]"
)
@click.option(
    "--per-second", type=click.IntRange(1, MOST_PER_SECOND), help="Requests a second. [default: SES_API_PER_SECOND]"
)
@json_option
def create(name: str, scopes: tuple[str, ...], domains: tuple[str, ...], per_second: int | None, as_json: bool) -> None:
    """Make the key NAME. Its secret is shown once, here."""
    from ses_ops.application.api_keys import create_key

    with database() as conn:
        made = create_key(conn, signing_actor(), name, scopes, domains or (ANY_DOMAIN,), per_second)
    if as_json:
        print_json({"id": made.key.id, "secret": made.secret})
        return
    click.echo(f"id      {made.key.id}")
    click.echo(f"secret  {made.secret}")
    note("the secret is not shown again")


@click.command("list", epilog=examples("ses key list", "ses key list --json"))
@click.option("--revoked", is_flag=True, help="Also keys that are revoked.")
@json_option
def list_command(revoked: bool, as_json: bool) -> None:
    """List the keys, without their secrets."""
    from ses_ops.application.api_keys import list_keys

    with database() as conn:
        found = list_keys(conn, revoked_too=revoked)
    if as_json:
        print_json(found)
        return
    rows = [
        [
            one.name,
            one.id,
            ", ".join(one.scopes),
            "all" if one.domains == [ANY_DOMAIN] else ", ".join(one.domains),
            one.last_used_at,
            one.revoked_at,
        ]
        for one in found
    ]
    print_table(("name", "id", "scopes", "domains", "last used", "revoked"), rows, empty="There is no key yet.")


@click.command(epilog=examples("ses key revoke shop"))
@click.argument("key")
def revoke(key: str) -> None:
    """Revoke KEY, an id or a name: no request that comes after this is answered."""
    from ses_ops.application.api_keys import revoke_key

    with database() as conn:
        done = revoke_key(conn, signing_actor(), key)
    click.echo(f"{key} is revoked" if done.changed else f"{key} was revoked already")

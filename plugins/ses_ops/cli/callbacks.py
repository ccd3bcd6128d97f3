"""`ses callback ...`: addresses of the user's own that events are posted to."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from ses_ops.cli.actor import signing_actor
from ses_ops.cli.lazy_group import LazyGroup, examples
from ses_ops.cli.output import json_option, note, print_facts, print_json, print_table, warn
from ses_ops.cli.session import database
from ses_ops.domain.callback import TEST, CallbackFormat, CallbackKind

if TYPE_CHECKING:
    from datetime import datetime

    from psycopg2.extensions import connection as Connection

    from ses_ops.storage.callbacks.endpoints import Endpoint

#: Seconds that `ses callback test` waits for the answer.
_PATIENCE = 30.0


@click.group(
    cls=LazyGroup,
    commands={
        "add": ("callbacks:add", "Post events to an address."),
        "list": ("callbacks:list_command", "The endpoints, and how they are."),
        "show": ("callbacks:show", "One endpoint with its last posts."),
        "test": ("callbacks:test", "Post a test event now, and show the answer."),
        "rotate": ("callbacks:rotate", "Sign with a new secret; for a day with the present one too."),
        "pause": ("callbacks:pause", "Post nothing more; events wait."),
        "resume": ("callbacks:resume", "Post again, also to an endpoint that was stopped for its failures."),
        "remove": ("callbacks:remove", "Remove an endpoint with what waits for it."),
        "deliveries": ("callback_posts:deliveries", "The last posts with status and answer."),
        "replay": ("callback_posts:replay", "Post events again: one, a time span, or what was given up."),
    },
)
def callback() -> None:
    """Addresses of yours (endpoints) that events are posted to, by the process `ses deliver callbacks`.

    docs/callbacks.md has both formats, field by field, and an example of a receiver.
    """


@click.command(
    epilog=examples(
        "ses callback add crm https://crm.example.com/ses-events",
        "ses callback add old https://example.com/cb?token=SECRET --format tencent --domain mail.example.com",
        "ses callback add bounces https://example.com/b --kind bounced --kind refused --kind complained",
    )
)
@click.argument("name")
@click.argument("url")
@click.option("--format", "made_as", type=click.Choice([one.value for one in CallbackFormat]), default="native")
@click.option("--domain", help="Only events of this sender domain.")
@click.option("--kind", "kinds", multiple=True, type=click.Choice([one.value for one in CallbackKind]), help="[all]")
@click.option("--concurrency", type=click.IntRange(1, 100), default=16, show_default=True, help="Posts at once.")
@click.option("--per-second", type=click.IntRange(1, 10_000), default=1_000, show_default=True, help="Most posts.")
@json_option
def add(
    name: str,
    url: str,
    made_as: str,
    domain: str | None,
    kinds: tuple[str, ...],
    concurrency: int,
    per_second: int,
    as_json: bool,
) -> None:
    """Post events to URL from now on, as the endpoint NAME. Its secret is shown once, here."""
    from ses_ops.application.callbacks import endpoint_decisions as decisions
    from ses_ops.web.allowed_networks import allowed_networks

    new = decisions.NewEndpoint(
        name=name,
        url=url,
        made_as=CallbackFormat(made_as),
        sender_domain=domain,
        kinds=kinds,
        concurrency=concurrency,
        per_second=per_second,
    )
    with database() as conn:
        made = decisions.add(conn, signing_actor(), new, allowed=allowed_networks())
        _note_deliverer(conn)
    if as_json:
        print_json({"name": made.name, "secret": made.secret})
    else:
        click.echo(f"events are posted to {made.name} from now on")
        if made.secret:
            click.echo(f"secret  {made.secret}")
            note("the secret is not shown again; `ses callback rotate` makes another one")
    if url.strip().startswith("http:"):
        warn("the address is not https: addresses of recipients can be read on the way")


@click.command("list", epilog=examples("ses callback list", "ses callback list --json"))
@json_option
def list_command(as_json: bool) -> None:
    """List the endpoints and how they are."""
    from ses_ops.application.callbacks.endpoint_decisions import shown_endpoints

    with database() as conn:
        found = shown_endpoints(conn)
        if found:
            _note_deliverer(conn)
    if as_json:
        print_json(found)
        return
    rows = [
        [
            one.name,
            one.url,
            one.format,
            one.sender_domain or "all",
            ", ".join(one.kinds) or "all",
            state_of(one),
            one.waiting,
        ]
        for one in found
    ]
    print_table(
        ("name", "address", "format", "domain", "events", "state", "waiting"), rows, empty="There is no endpoint yet."
    )


@click.command(epilog=examples("ses callback show crm", "ses callback show crm --json"))
@click.argument("name")
@json_option
def show(name: str, as_json: bool) -> None:
    """Show the endpoint NAME, without its secret and the rest of its address."""
    from ses_ops.application.callbacks.endpoint_decisions import shown_endpoints

    with database() as conn:
        (one,) = shown_endpoints(conn, name=name)
    if as_json:
        print_json(one)
        return
    print_facts(
        {
            "name": one.name,
            "address": one.url,
            "format": one.format,
            "domain": one.sender_domain or "all",
            "events": ", ".join(one.kinds) or "all",
            "state": state_of(one),
            "why": one.stopped_why or "",
            "waiting": one.waiting,
            "waiting since": one.oldest_at,
            "last success": one.last_success_at,
            "two secrets until": one.former_until,
            "pace": f"{one.concurrency} at once, {one.per_second} a second",
            "added": f"{one.created_at:%Y-%m-%d %H:%M} UTC by {one.created_by or 'nobody known'}",
        }
    )


@click.command(epilog=examples("ses callback test crm"))
@click.argument("name")
@json_option
def test(name: str, as_json: bool) -> None:
    """Have a test event posted to the endpoint NAME, and show the answer. Status 1: it was not taken."""
    from ses_ops.application.callbacks import endpoint_decisions as decisions
    from ses_ops.storage.callbacks.deliveries import outcome_of
    from ses_ops.storage.connection import transaction

    with database() as conn:
        sent = decisions.send_test(conn, signing_actor(), name)
        end, found = time.monotonic() + _PATIENCE, None
        while found is None and time.monotonic() < end:
            time.sleep(0.2)
            with transaction(conn):
                found = outcome_of(conn, endpoint_id=sent.endpoint_id, event_key=sent.event_key)
        if found is None:
            _note_deliverer(conn)
            raise click.ClickException(f"there is no answer within {_PATIENCE:.0f} seconds; the {TEST} event waits")
    if as_json:
        print_json(found)
    else:
        click.echo(f"{found.outcome}: {found.status or 'no status'} after {found.took_ms} ms  {found.answer}".rstrip())
    if found.outcome != "delivered":
        raise click.exceptions.Exit(1)


@click.command(epilog=examples("ses callback rotate crm"))
@click.argument("name")
@json_option
def rotate(name: str, as_json: bool) -> None:
    """Sign posts to NAME with a new secret, shown once, here; for 24 hours with the present one too."""
    from ses_ops.application.callbacks import endpoint_decisions as decisions

    with database() as conn:
        made = decisions.rotate(conn, signing_actor(), name)
    if as_json:
        print_json({"name": made.name, "secret": made.secret})
        return
    click.echo(f"secret  {made.secret}")
    note("the secret is not shown again; the one before signs too for 24 hours")


@click.command(epilog=examples("ses callback pause crm"))
@click.argument("name")
def pause(name: str) -> None:
    """Post nothing more to NAME. Events wait for it, for seven days."""
    from ses_ops.application.callbacks import endpoint_decisions as decisions

    with database() as conn:
        done = decisions.pause(conn, signing_actor(), name)
    click.echo(f"{name} is paused" if done.changed else f"{name} was paused already")


@click.command(epilog=examples("ses callback resume crm"))
@click.argument("name")
def resume(name: str) -> None:
    """Post to NAME again: events that wait, slowly at first, then those that come."""
    from ses_ops.application.callbacks import endpoint_decisions as decisions

    with database() as conn:
        done = decisions.resume(conn, signing_actor(), name)
        _note_deliverer(conn)
    click.echo(f"{name} is resumed" if done.changed else f"{name} was neither paused nor stopped")


@click.command(epilog=examples("ses callback remove crm --yes"))
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
def remove(name: str, yes: bool) -> None:
    """Remove the endpoint NAME, its secrets, and the events that wait for it."""
    from ses_ops.application.callbacks import endpoint_decisions as decisions

    if not yes:
        click.confirm(f"remove {name} and what waits for it?", abort=True, err=True)
    with database() as conn:
        decisions.remove(conn, signing_actor(), name)
    click.echo(f"{name} is removed")


def state_of(one: Endpoint) -> str:
    """How an endpoint is, in a few words."""
    if one.stopped_at is not None:
        return "stopped"
    if one.paused_at is not None:
        return "paused"
    return f"failing since {_minute(one.failing_since)}" if one.failing_since is not None else "posting"


def _minute(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def _note_deliverer(conn: Connection) -> None:
    """Say that nothing is posted, where that is so."""
    from ses_ops.storage.callbacks.endpoints import deliverers_alive
    from ses_ops.storage.connection import transaction

    with transaction(conn):
        alive = deliverers_alive(conn)
    if not alive:
        note("no deliverer is alive: start `ses deliver callbacks` (`make run` and docker-compose.yaml have one)")

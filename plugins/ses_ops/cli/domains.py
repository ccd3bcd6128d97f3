"""`ses domain list|set`: the sender domains, where their bounces go, and what is tracked of their mail."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from ses_ops.cli.actor import shell_actor
from ses_ops.cli.lazy_group import LazyGroup, examples
from ses_ops.cli.output import json_option, note, print_json, print_table
from ses_ops.cli.session import database, quota_plans
from ses_ops.domain.mail_tracking import UNTRACKED, Tracking
from ses_ops.errors import NotFound

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection

COMMANDS = {
    "list": ("domains:list_command", "List the sender domains."),
    "show": ("domain_show:show", "Show a domain: its level, its figures, its decisions, where its bounces go."),
    "set": ("domains:set_command", "Change where the bounces of a domain go, or what is tracked of its mail."),
    "pin": ("domain_decisions:pin", "Hold a domain at a level, whatever its figures say."),
    "unpin": ("domain_decisions:unpin", "Let the figures lead the level again."),
    "cap": ("domain_decisions:cap", "Set the highest level of a domain, or take it away."),
    "block": ("domain_decisions:block", "Let nothing leave from a domain."),
    "release": ("domain_decisions:release", "End the block of a domain."),
    "reset": ("domain_decisions:reset", "Begin the reputation of a domain anew."),
    "replay": ("domain_replay:replay", "Work out the decisions about a domain again, and compare."),
}


@click.group(cls=LazyGroup, commands=COMMANDS)
def domain() -> None:
    """Sender domains: their reputation, and where their bounces go. `ses quota show` has their warm-up quota."""


@click.command("list", epilog=examples("ses domain list", "ses domain list --json"))
@json_option
def list_command(as_json: bool) -> None:
    """List the sender domains that a task uses, that have sent, or that have a warm-up plan."""
    with database() as conn:
        rows = _rows(conn)
    if as_json:
        print_json(rows)
        return
    cells = [[row["domain"], row["bounce_domain"]] for row in rows]
    print_table(("domain", "bounce_domain"), cells, empty="There is no sender domain yet.")


@click.command(
    "set",
    epilog=examples(
        "ses domain set mail.example.com --bounce-domain bounces.mail.example.com",
        "ses domain set mail.example.com --no-bounce-domain",
        "ses domain set mail.example.com --track-opens --no-track-clicks",
    ),
)
@click.argument("name")
@click.option("--bounce-domain", help="Each mail has an envelope sender of its own in this domain.")
@click.option("--no-bounce-domain", "clear", is_flag=True, help="Bounces go to the sender's address.")
@click.option("--even-sender-domain", is_flag=True, help="Take a bounce domain although mail is sent from it.")
@click.option("--track-opens/--no-track-opens", default=None, help="Opens of mail whose task says nothing of them.")
@click.option("--track-clicks/--no-track-clicks", default=None, help="Clicks of mail whose task says nothing of them.")
@json_option
def set_command(
    name: str,
    bounce_domain: str | None,
    clear: bool,
    even_sender_domain: bool,
    track_opens: bool | None,
    track_clicks: bool | None,
    as_json: bool,
) -> None:
    """Change where the bounces of the sender domain NAME go, or what is tracked of its mail.

    It holds for mail that leaves from the next chunk on.
    """
    chosen = Tracking(track_opens, track_clicks)
    of_bounces = bounce_domain is not None or clear
    if (bounce_domain is not None and clear) or of_bounces == (chosen != Tracking()):
        raise click.UsageError("give --bounce-domain or --no-bounce-domain, or what is tracked (--track-opens, ...)")
    if of_bounces:
        _set_bounces(name, bounce_domain, even_sender_domain=even_sender_domain, as_json=as_json)
    else:
        _set_tracking(name, chosen, as_json=as_json)


def _set_tracking(name: str, chosen: Tracking, *, as_json: bool) -> None:
    from ses_ops.application import sender_domains

    with database() as conn:
        key = row_of(conn, name)["domain"]
        done = sender_domains.set_tracking(conn, shell_actor(), key, chosen)
        row = row_of(conn, name)
    if as_json:
        print_json(row)
    else:
        click.echo(f"{key}: {tracked(done.tracking)}, where a task says nothing else")


def tracked(tracking: Tracking) -> str:
    """What is tracked of a domain's mail, as a sentence."""
    named = [name for name, value in tracking._asdict().items() if value]
    return f"{' and '.join(named)} are tracked" if named else "neither opens nor clicks are tracked"


def _set_bounces(name: str, bounce_domain: str | None, *, even_sender_domain: bool, as_json: bool) -> None:
    from ses_ops.application import sender_domains

    with database() as conn:
        key = row_of(conn, name)["domain"]
        if bounce_domain is None:
            done = sender_domains.clear_bounce_domain(conn, shell_actor(), key)
        else:
            more = {"even_sender_domain": even_sender_domain}
            done = sender_domains.set_bounce_domain(conn, shell_actor(), key, bounce_domain, **more)
        row = row_of(conn, name)
    if as_json:
        print_json(row)
    elif done.bounce_domain is None:
        click.echo(f"{key}: bounces go to the sender's address")
    else:
        click.echo(f"{key}: bounces go to {done.bounce_domain}; `ses domain show {key}` has its DNS records")
    if done.before and done.changed:
        note(f"mail that has left is still returned to {done.before}: keep its MX record for some days")


def _rows(conn: Connection) -> list[dict[str, Any]]:
    from ses_ops.application.quota_status import known_domains
    from ses_ops.domain.bounce_domain import dns_records
    from ses_ops.storage.quota.sender_domains import bounce_domains, trackings

    chosen, track = bounce_domains(conn), trackings(conn)
    return [
        {
            "domain": one,
            "bounce_domain": chosen.get(one),
            "dns": dns_records(chosen[one]) if one in chosen else [],
            "track": track.get(one, UNTRACKED)._asdict(),
        }
        for one in known_domains(conn, quota_plans())
    ]


def row_of(conn: Connection, name: str) -> dict[str, Any]:
    """The settings of a sender domain, in any spelling. Raises NotFound."""
    from ses_ops.domain.address import domain_key

    rows = {row["domain"]: row for row in _rows(conn)}
    found = rows.get(domain_key(name))
    if found is None:
        raise NotFound("sender domain", name, code="sender_domain_not_known", known=list(rows))
    return found

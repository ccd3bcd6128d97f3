"""`ses domain pin|unpin|cap|block|release|reset`: a person's decisions about the reputation of a sender domain."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from ses_ops.cli.actor import signing_actor
from ses_ops.cli.lazy_group import examples
from ses_ops.cli.output import json_option, note, print_json
from ses_ops.cli.session import database, quota_plans
from ses_ops.cli.tell_airflow import tell
from ses_ops.errors import NotFound

if TYPE_CHECKING:
    from collections.abc import Iterator

    from psycopg2.extensions import connection as Connection

    from ses_ops.application.ports import Actor
    from ses_ops.application.reputation_decisions import ReputationDecided
    from ses_ops.domain.warmup import QuotaPlans

_name = click.argument("name")
_level = click.argument("level", type=click.IntRange(1, 20))
_reason = click.option(
    "--reason", required=True, help="The reason: it stands beside the decision, and in the audit log."
)


@click.command(epilog=examples("ses domain pin mail.example.com 5 --reason 'a known list'"))
@_name
@_level
@_reason
@json_option
def pin(name: str, level: int, reason: str, as_json: bool) -> None:
    """Hold the sender domain NAME at LEVEL (1 to 20), whatever its figures say."""
    from ses_ops.application import reputation_decisions as decisions

    with _deciding(name) as (conn, actor, plans, key):
        done = decisions.pin(conn, actor, plans, key, level, reason=reason)
    _say(key, done, f"pinned at level {level}", as_json)


@click.command(epilog=examples("ses domain unpin mail.example.com --reason 'the list is proven'"))
@_name
@_reason
@json_option
def unpin(name: str, reason: str, as_json: bool) -> None:
    """Let the figures of the sender domain NAME lead its level again."""
    from ses_ops.application import reputation_decisions as decisions

    with _deciding(name) as (conn, actor, plans, key):
        done = decisions.unpin(conn, actor, plans, key, reason=reason)
    _say(key, done, f"its figures lead its level again, from level {done.level_after}", as_json)


@click.command(
    epilog=examples(
        "ses domain cap mail.example.com 8 --reason 'the server takes no more'",
        "ses domain cap mail.example.com --none --reason 'a new server'",
    )
)
@_name
@click.argument("level", type=click.IntRange(1, 20), required=False)
@click.option("--none", "take_away", is_flag=True, help="Take the highest level away.")
@_reason
@json_option
def cap(name: str, level: int | None, take_away: bool, reason: str, as_json: bool) -> None:
    """Let the sender domain NAME rise no higher than LEVEL; a higher level comes down to it at once."""
    from ses_ops.application import reputation_decisions as decisions

    if (level is None) != take_away:
        raise click.UsageError("give LEVEL or --none")
    with _deciding(name) as (conn, actor, plans, key):
        done = decisions.cap(conn, actor, plans, key, level, reason=reason)
    words = "rises as far as its plan allows" if level is None else f"rises no higher than level {level}"
    _say(key, done, words, as_json)


@click.command(
    epilog=examples(
        "ses domain block mail.example.com --reason 'a wrong list was imported'",
        "ses domain block mail.example.com --today --reason 'complaints'",
    )
)
@_name
@click.option("--today", is_flag=True, help="Only until the quota day ends.")
@_reason
@json_option
def block(name: str, today: bool, reason: str, as_json: bool) -> None:
    """Let nothing leave from the sender domain NAME until somebody releases it. Its mail waits in the cache."""
    from ses_ops.application import reputation_decisions as decisions

    with _deciding(name) as (conn, actor, plans, key):
        done = decisions.block(conn, actor, plans, key, reason=reason, today=today)
    words = "blocked until its quota day ends" if today else f"blocked; `ses domain release {key}` ends that"
    _say(key, done, words, as_json)


@click.command(
    epilog=examples(
        "ses domain release mail.example.com --reason 'the list was cleaned'",
        "ses domain release mail.example.com --give-up-mail --reason 'a wrong list'",
    )
)
@_name
@click.option("--give-up-mail", is_flag=True, help="First give up the mail that waits: it counts as failed.")
@_reason
@json_option
def release(name: str, give_up_mail: bool, reason: str, as_json: bool) -> None:
    """End the block of the sender domain NAME; the mail that waits for it leaves as the quota allows."""
    from ses_ops.application import blocked_mail

    given_up = 0
    with _deciding(name) as (conn, actor, plans, key):
        if give_up_mail:
            given_up = blocked_mail.give_up_blocked(conn, actor, key, note=reason).count
        done = blocked_mail.release_blocked(conn, actor, plans, key, note=reason)
    tell(done, name_runs=not as_json)
    if as_json:
        print_json({"domain": key, "given_up": given_up, "tasks": done.tasks})
        return
    click.echo(f"{key}: released" + (f"; {given_up:,} messages given up" if give_up_mail else ""))


@click.command(epilog=examples("ses domain reset mail.example.com --reason 'a new address list'"))
@_name
@_reason
@json_option
def reset(name: str, reason: str, as_json: bool) -> None:
    """Begin the reputation of the sender domain NAME anew; earlier days count no more, decisions stay on record."""
    from ses_ops.application import reputation_decisions as decisions

    with _deciding(name) as (conn, actor, plans, key):
        done = decisions.reset(conn, actor, plans, key, reason=reason)
    _say(key, done, f"its reputation begins anew, at level {done.level_after}", as_json)


@contextmanager
def _deciding(name: str) -> Iterator[tuple[Connection, Actor, QuotaPlans, str]]:
    plans = quota_plans()
    with database() as conn:
        yield conn, signing_actor(), plans, known_domain(conn, plans, name)


def _say(key: str, done: ReputationDecided, words: str, as_json: bool) -> None:
    tell(done, name_runs=not as_json)
    if as_json:
        print_json({"domain": key, "level_before": done.level_before, "level_after": done.level_after})
        return
    click.echo(f"{key}: {words}")
    note(f"`ses domain show {key}` has its level and its decisions")


def known_domain(conn: Connection, plans: QuotaPlans, name: str) -> str:
    """The key of a sender domain that has tasks, mail or a plan. Raises NotFound."""
    from ses_ops.application.quota_status import known_domains
    from ses_ops.domain.address import domain_key

    key, known = domain_key(name), known_domains(conn, plans)
    if key not in known:
        raise NotFound("sender domain", name, code="sender_domain_not_known", known=known)
    return key

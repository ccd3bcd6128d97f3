"""The checks of `ses doctor`."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from ses_ops import airflow_configuration, settings
from ses_ops.cli.api_checks import api_checks
from ses_ops.cli.console_checks import console_checks
from ses_ops.cli.feedback_checks import bounce_checks, feed_checks, public_checks
from ses_ops.cli.hints import with_hint
from ses_ops.cli.session import (
    airflow_is_configured,
    ask_airflow,
    database,
    db_dsn,
    quota_plans,
    quota_source,
    ses_db,
    ses_smtp,
    smtp_settings,
)
from ses_ops.errors import DatabaseUnavailable, SesError, WarmupNotBegun

#: Text for a start that has passed without a run.
MISSED = (
    "its start at {start} UTC has passed and Airflow made no run for it: look in Airflow whether its DAG is switched "
    "on, whether it has many queued runs, and whether the scheduler runs"
)

State = Literal["ok", "warn", "FAIL"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Check:
    """One line of the report: the object of the check, its result, and what to do."""

    name: str
    state: State
    text: str


def run_checks() -> Iterator[Check]:
    """Every check, in the order of repair; a failed check does not stop the others."""
    for name, check in _CHECKS:
        try:
            for state, text in check():
                yield Check(name=name, state=state, text=text)
        except SesError as problem:
            yield Check(name=name, state="FAIL", text=with_hint(problem))
        except Exception as problem:
            yield Check(name=name, state="FAIL", text=f"{type(problem).__name__}: {problem}")


Findings = Iterator[tuple[State, str]]


def _settings() -> Findings:
    settings.web_port(), settings.smtp_port(), settings.mailbox_port(), settings.web_host()
    settings.public_port(), settings.public_host(), settings.public_url()
    if airflow_configuration.names_the_stack() and (stack := settings.running_stack()):
        yield "ok", f"SES_HOME is {settings.ses_home()}; the stack there says it is at {stack.web_url}"
    elif airflow_is_configured():
        file = airflow_configuration.config_file()
        backend = "a secrets backend is asked first" if airflow_configuration.has_secrets_backend() else ""
        place = f"{file}" if file.is_file() else f"the environment ({file} does not exist)"
        yield "ok", "; ".join(filter(None, (f"Airflow is the one of {place}", backend)))
    elif settings.make_run_is_here():
        yield "ok", f"SES_HOME is {settings.ses_home()}; no stack runs there, and no other Airflow was found"
    else:
        yield "ok", f"no Airflow was found; its configuration would be {airflow_configuration.config_file()}"


def _database() -> Findings:
    from ses_ops.storage.session_check import check_session, server

    source = ses_db().source
    try:
        with database() as conn:
            found = server(conn)
        check_session(db_dsn())
    except DatabaseUnavailable as problem:
        yield "FAIL", f"{with_hint(problem)} (the connection is from {source})"
        return
    yield "ok", f"PostgreSQL {found.version}, database {found.name} ({found.size / 1e6:,.0f} MB), from {source}"


def _schema() -> Findings:
    from ses_ops.storage.migrate import current_version, newest_version

    current, newest = current_version(db_dsn()), newest_version()
    if current == newest:
        yield "ok", f"version {current}"
    else:
        yield "FAIL", f"version {current or 'none'}, this code needs {newest}: run `ses migrate`"


def _home() -> Findings:
    """Whether the ledger is where it sent last, or was restored from a backup."""
    from ses_ops.sending.home import restored
    from ses_ops.storage.restore import home, restores

    with database() as conn:
        found, before = home.look(conn), restores.listed(conn)
    if found is not None and not found.here:
        raise restored(found)
    last = f"; restored last at {before[0].restored_at:%Y-%m-%d %H:%M} UTC (`ses restore --list`)" if before else ""
    yield "ok", f"this ledger {'has sent nothing yet' if found is None else 'is where it sent last'}{last}"
    if found is not None and not found.identity_known:
        yield (
            "warn",
            "the server does not say who it is (pg_control_system), so a backup that is restored on another server may "
            "go unnoticed: run `ses restore --same-server` yourself then",
        )
    if found is not None and found.timeline_changed:
        yield (
            "warn",
            "the server was promoted, or recovered to a point in time, since the ledger claimed this place; after a "
            "recovery run `ses restore --same-server` before anything is sent",
        )


def _smtp() -> Findings:
    from ses_ops.transports.smtp.probe import probe

    server = smtp_settings()
    yield from (("warn", words) for words in server.unused)
    # The line is shown at once: a server may take minutes for its greeting.
    source = ses_smtp().source
    try:
        found = asyncio.run(probe(server, tell=lambda words: print(words, file=sys.stderr, flush=True)))
    except SesError as problem:
        yield "FAIL", f"{with_hint(problem)} (the connection is from {source})"
        return
    yield "ok", f"{found}; from {source}"


def _quota() -> Findings:
    from ses_ops.storage.quota import sender_domains

    plans = quota_plans()
    if plans.problem is not None:
        raise plans.problem
    with database() as conn:
        used = sender_domains.domains(conn)
        for domain in sorted({*used, *plans.entries}):
            try:
                today = sender_domains.today(conn, plans[domain])
                number, allotment = today.day.number, today.day.allotment
                yield "ok", f"{domain}: day {number}, {today.left:,} of {allotment:,} left"
            except SesError as problem:
                waits = domain not in used or isinstance(problem, WarmupNotBegun)
                yield "warn" if waits else "FAIL", with_hint(problem)
    if not plans.entries:
        yield "warn", "the Variable ses_warmup_quota names no sender domain"
    else:
        yield "ok", f"the plans are from {quota_source()}"


def _templates() -> Findings:
    from ses_ops.cli import template_places
    from ses_ops.cli.templates import template_facts

    root = settings.templates_root()
    names = template_places.names()
    broken = [facts["error"] for facts in map(template_facts, names) if facts["error"]]
    for error in broken:
        yield "FAIL", error
    if not names:
        yield "warn", settings.no_templates()
    elif not broken:
        yield "ok", f"{', '.join(names)} in {root}"


def _tasks() -> Findings:
    from ses_ops.domain.task_status import TaskStatus
    from ses_ops.sending.task_renderer import check_template
    from ses_ops.sending.template_place import template_place
    from ses_ops.sending.unsubscribe_page import with_page
    from ses_ops.storage.tasks.overview import list_tasks
    from ses_ops.storage.tasks.send_tasks import lock_row

    with database() as conn:
        tasks = list_tasks(conn)
        healthy = True
        for one in tasks:
            if one.status in (TaskStatus.CANCELLED, TaskStatus.FINISHED):
                continue
            try:
                row = lock_row(conn, one.name)
                root, content = settings.templates_root(), with_page(conn, row.content)
                place = template_place(conn, root, content.template)
                check_template(content, place, group=row.group, variables=row.group_variables)
                problem = one.error
            except SesError as error:
                problem = str(error)
            conn.rollback()
            if problem:
                healthy = False
                yield "FAIL", f"{one.name}: {problem}"
            if missed := one.missed_start(datetime.now(UTC)):
                healthy = False
                yield "warn", f"{one.name}: {MISSED.format(start=f'{missed:%Y-%m-%d %H:%M}')}"
            if one.unknown_count:
                healthy = False
                yield (
                    "warn",
                    f"{one.name}: {one.unknown_count:,} messages in doubt; see `ses task resolve-unknown --help`",
                )
    if healthy:
        yield "ok", f"{len(tasks)} send tasks, none with an error"


def _airflow() -> Findings:
    if not airflow_is_configured():
        yield "warn", str(settings.no_airflow())
        return

    def look(_: Any) -> list[tuple[State, str]]:
        from ses_ops.orchestration.airflow_state import findings

        return list(findings())

    yield from ask_airflow(look)


def _hooks() -> Findings:
    """Which providers may post events, in this environment; it is the public listener's that counts."""
    from ses_ops.events.provider_hooks import hooks_set_up

    hooks = hooks_set_up()
    named = [f"{source} ({words})" if (words := hook.describe()) else source for source, hook in hooks.items()]
    if hooks and not settings.public_url():
        yield "warn", f"{', '.join(named)}: SES_PUBLIC_URL is not set, the address that the providers are given"
    else:
        yield (
            "ok",
            f"events are taken from {', '.join(named)}" if hooks else "no provider is set up here to post events",
        )


_CHECKS: tuple[tuple[str, Callable[[], Any]], ...] = (
    ("settings", _settings),
    ("database", _database),
    ("schema", _schema),
    ("restore", _home),
    ("smtp", _smtp),
    ("quota", _quota),
    ("templates", _templates),
    ("hooks", _hooks),
    ("tasks", _tasks),
    ("public", public_checks),
    ("bounces", bounce_checks),
    ("feeds", feed_checks),
    ("api", api_checks),
    ("console", console_checks),
    ("airflow", _airflow),
)

"""What a process without Airflow asks of it: kept in PostgreSQL, and done by one that has Airflow.

Each request is done once: within seconds by a child of `ses listen api` where that machine has Airflow's settings, else
within a minute by `ses_maintenance`, as far as a task may (docs/decisions/0053).
"""

from __future__ import annotations

import logging
from contextlib import contextmanager
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from ses_ops.domain.occurrence import RunKind
from ses_ops.domain.quota_text import entry_mark
from ses_ops.domain.warmup import parse_plan
from ses_ops.errors import Conflict, DatabaseUnavailable, LookUpFailed, NotFound, NotSetUp, SesError
from ses_ops.storage.access import airflow_requests
from ses_ops.storage.connection import StatementFailed, database_now, transaction

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from psycopg2.extensions import connection as Connection

    from ses_ops.application.ports import PlanStore, Scheduler
    from ses_ops.storage.access.airflow_requests import RequestRow

log = logging.getLogger(__name__)


class AirflowAsk(StrEnum):
    """What may be asked for."""

    PAUSE_DAG = "pause_dag"
    UNPAUSE_DAG = "unpause_dag"
    START_RUN = "start_run"
    TRIGGER_RUN = "trigger_run"
    UPDATE_DAGS = "update_dags"
    FORGET_TASK = "forget_task"
    QUOTA_ENTRY = "quota_entry"
    #: An entry of the audit log; its facts are added to until the action has ended.
    AUDIT_ENTRY = "audit_entry"


#: Requests that one process takes at once.
_BATCH = 100
#: Time in which the DAG processor reads the DAG of a new task.
_READ_WITHIN = timedelta(minutes=10)
#: Number of requests that fail because Airflow cannot be reached, after which the others wait. Airflow's database says
#: the same of a value that it does not take, so one is not enough.
_MOST_AWAY = 3
#: Days for which a request that was done is kept.
KEPT_DAYS = 7


class AskedScheduler:
    """The port `Scheduler` of a process without Airflow."""

    def __init__(self, conn: Connection, asked_by: str, *, noticed: Callable[[], object] | None = None) -> None:
        """`noticed` is called after each request, so that somebody can see to it."""
        self._conn = conn
        self._by = asked_by
        self._noticed = noticed or (lambda: None)

    def pause_dag(self, task_name: str, /) -> bool:
        return self._ask(AirflowAsk.PAUSE_DAG, task_name)

    def unpause_dag(self, task_name: str, /) -> bool:
        return self._ask(AirflowAsk.UNPAUSE_DAG, task_name)

    def start_run(self, task_name: str, kind: RunKind | None = None, /) -> str | None:
        """None: the id of the run is not known yet."""
        self._ask(AirflowAsk.START_RUN, task_name, kind=None if kind is None else kind.value)
        return None

    def trigger_run(self, task_name: str, run_id: str, conf: dict[str, Any] | None = None, /) -> bool:
        return self._ask(AirflowAsk.TRIGGER_RUN, task_name, run_id=run_id, conf=conf or {})

    def update_dags(self, *, created: Sequence[str], changed: Sequence[str]) -> bool:
        first = next(iter([*created, *changed]), "")
        return self._ask(AirflowAsk.UPDATE_DAGS, first, created=list(created), changed=list(changed))

    def forget_task(self, task_name: str, /) -> None:
        self._ask(AirflowAsk.FORGET_TASK, task_name)

    def _ask(self, asked: AirflowAsk, subject: str, /, **facts: Any) -> bool:
        with transaction(self._conn):
            airflow_requests.ask(self._conn, kind=asked, subject=subject, facts=facts, asked_by=self._by)
        self._noticed()
        return True


class AskedPlanStore:
    """The port `PlanStore` of a process without Airflow: an entry is checked now, and written by a process with it."""

    def __init__(
        self, conn: Connection, asked_by: str, *, text: str | None, noticed: Callable[[], object] | None = None
    ) -> None:
        """`text` is the Variable as it is known here."""
        self._conn = conn
        self._by = asked_by
        self._text = text
        self._noticed = noticed or (lambda: None)

    def write_quota_entry(self, domain: str, entry: Mapping[str, Any], /, *, seen: str) -> None:
        """Ask for it. Raises QuotaError for an invalid entry, Conflict for one that was changed meanwhile."""
        parse_plan(domain, entry)
        if entry_mark(self._text, domain) != seen:
            raise Conflict("quota_entry_changed_meanwhile", domain=domain)
        facts = {"entry": dict(entry), "seen": seen}
        with transaction(self._conn):
            airflow_requests.ask(
                self._conn, kind=AirflowAsk.QUOTA_ENTRY, subject=domain, facts=facts, asked_by=self._by
            )
        self._noticed()


class AskedAuditLog:
    """The port `AuditLog` of a process without Airflow: an entry is written before the change, and amended after it."""

    def __init__(self, conn: Connection) -> None:
        self._conn = conn

    @contextmanager
    def recorded(self, who: str, action: str, *, task: str | None = None, **details: Any) -> Iterator[dict[str, Any]]:
        """See `AuditLog.recorded`. Raises DatabaseUnavailable before anything is done."""
        facts: dict[str, Any] = {**({"task": task} if task else {}), **details}
        with transaction(self._conn):
            id = airflow_requests.ask(
                self._conn, kind=AirflowAsk.AUDIT_ENTRY, subject=task or "", facts=_entry(action, facts), asked_by=who
            )
        before = dict(facts)
        try:
            yield facts
        except SesError as problem:
            facts["refused"] = str(problem)
            raise
        except BaseException as problem:
            facts["failed"] = type(problem).__name__
            raise
        finally:
            if facts != before:
                with transaction(self._conn):
                    airflow_requests.amend(self._conn, id, _entry(action, facts))


def do_requests(
    conn: Connection,
    *,
    scheduler: Scheduler,
    plans: PlanStore,
    write_entries: Callable[[list[tuple[str, str, dict[str, Any]]]], object] | None,
    kinds: Iterable[AirflowAsk] = tuple(AirflowAsk),
) -> list[str]:
    """Do what is asked for, of these kinds, and return the problems. Without `write_entries` no entry is taken.

    What fails because Airflow cannot be reached is left for the next time. What meets an unforeseen error, or is of a
    DAG that Airflow has not read yet, is left for ten minutes.
    """
    wanted = sorted(set(kinds) - {AirflowAsk.AUDIT_ENTRY})
    with transaction(conn):
        asked = airflow_requests.take(conn, wanted, limit=_BATCH)
        problems = _each(conn, asked, lambda row: _do(row, scheduler, plans))
    return problems if write_entries is None else problems + _write_entries(conn, write_entries)


def _write_entries(conn: Connection, write: Callable[[list[tuple[str, str, dict[str, Any]]]], object]) -> list[str]:
    with transaction(conn):
        entries = airflow_requests.take(conn, [AirflowAsk.AUDIT_ENTRY], limit=_BATCH * 10)
        try:
            if entries:
                write([_written(one) for one in entries])
        except Exception:  # one of them must not keep the others from the audit log
            return _each(conn, entries, lambda row: write([_written(row)]))
        for one in entries:
            airflow_requests.done(conn, one.id)
    return []


def _each(conn: Connection, asked: Sequence[RequestRow], do: Callable[[RequestRow], object]) -> list[str]:
    """Do requests one by one, and return the problems. What goes wrong with one holds up no other."""
    problems: list[str] = []
    away = 0
    for row in asked:
        try:
            do(row)
            airflow_requests.done(conn, row.id)
        except StatementFailed:  # of our own database
            raise
        except Exception as problem:
            if not isinstance(problem, SesError):
                log.exception("an unforeseen error of a request to Airflow: %s %s", row.kind, row.subject)
            why = problem.sentence if isinstance(problem, SesError) else f"unforeseen error: {type(problem).__name__}"
            problems.append(f"{row.kind} {row.subject}: {why}")
            if isinstance(problem, DatabaseUnavailable | LookUpFailed | NotSetUp):
                away += 1
                if away == _MOST_AWAY:
                    break
            elif not (_may_pass(problem) and database_now(conn) - row.asked_at < _READ_WITHIN):
                airflow_requests.done(conn, row.id, problem=why)
    return problems


def _may_pass(problem: Exception) -> bool:
    """Whether the same request may do well a little later."""
    return isinstance(problem, NotFound) or not isinstance(problem, SesError)


def my_turn(conn: Connection) -> bool:
    """Wait until no other process asks Airflow; False when by then nothing is left to do."""
    with transaction(conn):
        began = database_now(conn)
        airflow_requests.be_alone(conn)
        return airflow_requests.to_do(conn, since=began)


def forget_old_requests(conn: Connection) -> int:
    """Delete requests that were done a week ago; their number."""
    with transaction(conn):
        return airflow_requests.forget(conn, days=KEPT_DAYS)


def _do(row: RequestRow, scheduler: Scheduler, plans: PlanStore) -> None:
    facts = row.facts
    if row.kind == AirflowAsk.QUOTA_ENTRY:
        plans.write_quota_entry(row.subject, facts["entry"], seen=facts["seen"])
        return
    match row.kind:
        case AirflowAsk.PAUSE_DAG:
            scheduler.pause_dag(row.subject)
        case AirflowAsk.UNPAUSE_DAG:
            scheduler.unpause_dag(row.subject)
        case AirflowAsk.START_RUN:
            scheduler.start_run(row.subject, None if facts.get("kind") is None else RunKind(facts["kind"]))
        case AirflowAsk.TRIGGER_RUN:
            scheduler.trigger_run(row.subject, facts["run_id"], facts["conf"])
        case AirflowAsk.UPDATE_DAGS:
            scheduler.update_dags(created=facts["created"], changed=facts["changed"])
        case AirflowAsk.FORGET_TASK:
            scheduler.forget_task(row.subject)


def _written(row: RequestRow) -> tuple[str, str, dict[str, Any]]:
    return row.asked_by, row.facts["action"], row.facts["facts"]


def _entry(action: str, facts: Mapping[str, Any]) -> dict[str, Any]:
    return {"action": action, "facts": dict(facts)}

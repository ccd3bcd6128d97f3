"""A send task's page, and the same as a tab of its DAG and of its DAG runs in Airflow."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

from airflow.api_fastapi.core_api.security import GetUserDep
from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from ses_ops.console import feedback_labels, labels, spans
from ses_ops.console.access import Right, reads_task, rights
from ses_ops.console.charts.progress_bar import parts_of, sent_share, start_of, words_of
from ses_ops.console.charts.sending_gaps import WORDS
from ses_ops.console.database import reading
from ses_ops.console.earlier_tasks import check_may_see, hidden_tasks
from ses_ops.console.feedback_rates import lines_of
from ses_ops.console.language import language_of
from ses_ops.console.page import fragment, render
from ses_ops.console.task_sections import missed_start_of
from ses_ops.console.tasks.facts import ADVERTISEMENT, TRACKED
from ses_ops.console.tasks.forecast import OVER, leaving_days_of
from ses_ops.console.tasks.list import line_of
from ses_ops.console.tasks.messages import list_messages
from ses_ops.console.tasks.query import Tab, TaskView
from ses_ops.console.tasks.roles import who_sees_it
from ses_ops.console.tasks.snapshot import TaskSeen, task_seen
from ses_ops.console.tasks.subjects import subjects_of
from ses_ops.domain.clock import to_wall_clock
from ses_ops.domain.send_task import DAG_ID_PREFIX, dag_id
from ses_ops.errors import NotFound
from ses_ops.storage.tasks import editions, send_tasks

if TYPE_CHECKING:
    from airflow.api_fastapi.auth.managers.models.base_user import BaseUser

router = APIRouter()

#: DAGs of ses-ops without a send task.
_OWN_DAGS = ("ses_test_send", "ses_maintenance", "ses_bounce_mailbox")


@router.get("/tasks/{name}", dependencies=[Depends(reads_task)])
def task(request: Request, name: str, user: GetUserDep) -> Response:
    """The page in the console."""
    return _page(request, user, TaskView.read(request.query_params, name))


@router.get("/dag/{dag_id}", dependencies=[Depends(reads_task)])
def dag_tab(request: Request, dag_id: str, user: GetUserDep) -> Response:
    """The tab of a DAG. Airflow shows it at every DAG, most of which send no mail."""
    return _tab(request, user, dag_id, Tab.DAG)


@router.get("/run/{dag_id}/{run_id}", dependencies=[Depends(reads_task)])
def run_tab(request: Request, dag_id: str, run_id: str, user: GetUserDep) -> Response:
    """The tab of a DAG run: the mail that this run started and sent."""
    return _tab(request, user, dag_id, Tab.RUN, run_id)


@router.get("/live/task/{name}", dependencies=[Depends(reads_task)])
def task_live(request: Request, name: str, user: GetUserDep) -> Response:
    """The part of the page that is polled."""
    given = request.query_params.get("tab", "")
    run_id = request.query_params.get("run")
    tab = Tab.RUN if run_id is not None else Tab(given) if given in set(Tab) else Tab.CONSOLE
    view = TaskView.read(request.query_params, name, tab=tab, run_id=run_id)
    check_may_see(user, name, view.task_id)
    seen = task_seen(view)
    return fragment(request, "tasks/live.html", every=seen.every, **_context(request, user, view, seen))


def _tab(request: Request, user: BaseUser, dag: str, tab: Tab, run_id: str | None = None) -> Response:
    if not dag.startswith(DAG_ID_PREFIX):
        return render(request, "tasks/none.html", dag_id=dag, run_id=run_id, own=dag in _OWN_DAGS, deleted=False)
    view = TaskView.read(request.query_params, dag.removeprefix(DAG_ID_PREFIX), tab=tab, run_id=run_id)
    try:
        return _page(request, user, view)
    except NotFound:
        # Airflow keeps the pages of a DAG after its task was deleted.
        return render(request, "tasks/none.html", dag_id=dag, run_id=run_id, own=False, deleted=True)


def _page(request: Request, user: BaseUser, view: TaskView) -> Response:
    """The task of the name; without one the last deleted task of the name, whose ledger stays readable."""
    check_may_see(user, view.name, view.task_id)
    with reading() as conn:
        deleted = send_tasks.deleted_tasks_of(conn, view.name)
        exists = send_tasks.id_of(conn, view.name) is not None
    if view.task_id is None and deleted and not exists:
        view = replace(view, task_id=deleted[0].id)
    seen = task_seen(view, fresh=True)
    with reading() as conn:
        messages = list_messages(conn, seen.scope, view)
        changed = editions.editions(conn, seen.row.id) if seen.row.edition > 1 else []
    hidden = hidden_tasks(user, view.name) if deleted else ()
    return render(
        request,
        "tasks/page.html",
        **_context(request, user, view, seen),
        messages=messages,
        message_labels=labels.MESSAGE,
        outcome_labels=feedback_labels.OF_MESSAGE,
        outcome_badges=feedback_labels.BADGES,
        feedback_labels=feedback_labels.FEEDBACK,
        failure_reasons=feedback_labels.REASONS,
        editions=changed,
        advertisement=ADVERTISEMENT,
        tracked=TRACKED,
        languages=labels.LANGUAGE,
        who_sees_it=None if seen.overview.deleted_at else who_sees_it(language_of(request), seen.row.roles),
        starts=_starts(seen),
        others=[one for one in deleted if one.id != seen.overview.id and one.id not in hidden],
        exists=exists,
        subject=subjects_of([seen.overview], fresh=True)[seen.overview.id],
    )


def _context(request: Request, user: BaseUser, view: TaskView, seen: TaskSeen) -> dict[str, Any]:
    words = language_of(request)
    held = frozenset[Right]() if seen.overview.deleted_at else rights(user, view.name)
    line = line_of(seen.overview, held)
    progress = start_of(seen.overview) if seen.scope.is_whole else seen.counts
    return {
        "view": view,
        "seen": seen,
        "task": seen.overview,
        "line": line,
        "progress": progress,
        "gap_words": WORDS,
        "progress_start": getattr(progress, "number", None),
        "parts": parts_of(progress),
        "share": sent_share(progress),
        "count_words": words_of(seen.counts),
        "feedback": lines_of(seen.feedback, seen.counts.sent_count) if seen.feedback else [],
        "missed": missed_start_of(seen.overview),
        "status_labels": labels.STATUS,
        "type_labels": labels.TYPE,
        "dag": f"/dags/{dag_id(view.name)}",
        "run": lambda run_id: f"/dags/{dag_id(view.name)}/runs/{quote(run_id, safe='')}",
        "may_edit": Right.EDIT in line.rights,
        "may_start": Right.START in line.rights,
        "leaving": leaving_days_of(view.name) if _is_whole(view, seen) else None,
        "span": lambda length: spans.span(words, length),
        "rate": lambda a_second: spans.rate(words, a_second),
    }


def _is_whole(view: TaskView, seen: TaskSeen) -> bool:
    """Whether the page shows the whole of a task that has not ended: only then it has the mail to come."""
    over = seen.overview.status in OVER or seen.overview.deleted_at is not None
    return view.tab is not Tab.RUN and view.occurrence_id is None and not over


def _starts(seen: TaskSeen) -> list[tuple[datetime, str]]:
    """The next starts: each as a time, and as the wall clock of the task's zone."""
    tz = ZoneInfo(seen.overview.schedule.time_zone)
    if seen.row.cancelled_at is not None:
        return []
    return [(one, f"{to_wall_clock(one, tz):%Y-%m-%d %H:%M}") for one in seen.overview.next_starts(datetime.now(UTC))]

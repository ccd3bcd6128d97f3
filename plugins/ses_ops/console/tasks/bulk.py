"""Bulk actions on selected tasks: pause, resume, cancel, delete."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from airflow.api_fastapi.auth.managers.models.base_user import BaseUser
from airflow.api_fastapi.core_api.security import GetUserDep
from fastapi import APIRouter, Depends, HTTPException, Request
from starlette.responses import Response

from ses_ops.application import task_decisions
from ses_ops.console import labels
from ses_ops.console.access import enters_console
from ses_ops.console.change_made import UNKNOWN
from ses_ops.console.door import change
from ses_ops.console.errors import worded
from ses_ops.console.flash import Flash
from ses_ops.console.forms import Form, PostedDep, see_other
from ses_ops.console.language import N_, Language, language_of
from ses_ops.console.page import render
from ses_ops.console.quota_snapshot import has_quota_now
from ses_ops.console.tasks.actions import LONGEST_REASON
from ses_ops.console.tasks.bulk_choice import MOST, SelectedTask, chosen_tasks, list_of
from ses_ops.errors import SesError

router = APIRouter()
log = logging.getLogger(__name__)

#: By action: the question, its consequence, the button's label.
_QUESTIONS = {
    "pause": (
        N_("Pause these send tasks?"),
        N_("Mail that is leaving now stops within a moment, and waits until somebody resumes it."),
        N_("Pause %(count)s"),
    ),
    "resume": (
        N_("Resume these send tasks?"),
        N_("What waits is sent as the quota allows, at once."),
        N_("Resume %(count)s"),
    ),
    "cancel": (
        N_("Cancel these send tasks?"),
        N_("Mail that is leaving now stops within a moment. What has not left is never sent; the ledger stays."),
        N_("Cancel %(count)s"),
    ),
    "delete": (
        N_("Delete these send tasks?"),
        N_("The tasks and their DAGs are taken away. The ledger of what was sent stays in the database."),
        N_("Delete %(count)s"),
    ),
}
_GONE = N_("It is gone: it was deleted meanwhile.")


@dataclass(frozen=True, kw_only=True)
class Result:
    """The result of the action for one task."""

    name: str
    done: bool
    text: str


@router.post("/bulk-tasks", dependencies=[Depends(enters_console)])
def bulk_tasks(request: Request, user: GetUserDep, form: PostedDep) -> Response:
    """The review, or when `confirmed` the change: each task by the person's rights on it; 403 where there are none."""
    action, words = form.text("action"), language_of(request)
    if action not in _QUESTIONS:
        raise HTTPException(400)
    chosen, gone = chosen_tasks(user, form, action, words)
    if not chosen:
        flash = Flash(kind="problem", text=words.gettext(N_("Select at least one send task first.")))
        return see_other(request, "/tasks" + list_of(form).query(), flash)
    able = [one for one in chosen if one.left_out is None]
    forbidden = not able and any(one.forbidden for one in chosen)
    results = None
    if form.checked("confirmed") and not forbidden:
        results = [_result(one, action, user, form, words) for one in chosen]
        results += [Result(name=name, done=False, text=words.gettext(_GONE)) for name in gone]
    question, consequence, label = _QUESTIONS[action]
    return render(
        request,
        "tasks/bulk.html",
        status=403 if forbidden else 200,
        action=action,
        question=question,
        consequence=consequence,
        label=label,
        chosen=chosen,
        able=[one.task.name for one in able],
        results=results,
        done=sum(one.done for one in results or ()),
        most=MOST,
        back="/tasks" + list_of(form).query(),
        list_query=form.text("list"),
        status_labels=labels.STATUS,
    )


def _result(one: SelectedTask, action: str, user: BaseUser, form: Form, words: Language) -> Result:
    name = one.task.name
    if one.left_out is not None:
        return Result(name=name, done=False, text=one.left_out)
    try:
        text = _ACTS[action](user, name, form, words)
    except SesError as problem:
        return Result(name=name, done=False, text=worded(words, problem))
    except Exception:  # the other tasks are changed all the same, and their results are shown
        log.exception("%s of %r failed", action, name)
        return Result(name=name, done=False, text=words.gettext(UNKNOWN))
    return Result(name=name, done=True, text=text)


def _pause(user: BaseUser, name: str, form: Form, words: Language) -> str:
    done, _ = change(user, task_decisions.pause, name, reason=form.text("reason")[:LONGEST_REASON])
    return words.gettext(N_("paused") if done.changed else N_("it was paused already"))


def _resume(user: BaseUser, name: str, _: Form, words: Language) -> str:
    done, untold = change(user, task_decisions.resume, name, quota_left=has_quota_now)
    if done.goes_on_at is not None:
        when = words.utc(done.goes_on_at)
        return words.gettext(N_("it waits for quota, and goes on by itself at %(when)s"), when=when)
    text = words.gettext(N_("goes on"))
    return f"{text}. {words.gettext(untold)}" if untold else text


def _cancel(user: BaseUser, name: str, _: Form, words: Language) -> str:
    done = change(user, task_decisions.cancel, name)[0]
    return words.gettext(N_("cancelled") if done.changed else N_("it was cancelled already"))


def _delete(user: BaseUser, name: str, _: Form, words: Language) -> str:
    change(user, task_decisions.delete, name)
    return words.gettext(N_("deleted"))


_ACTS: dict[str, Callable[[BaseUser, str, Form, Language], str]] = {
    "pause": _pause,
    "resume": _resume,
    "cancel": _cancel,
    "delete": _delete,
}

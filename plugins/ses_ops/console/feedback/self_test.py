"""The self-test of a feed: a test send to a chosen address, and the events that come back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.api_fastapi.core_api.security import GetUserDep
from fastapi import APIRouter, Depends, HTTPException, Request
from starlette.responses import Response

from ses_ops.console import feedback_labels, labels
from ses_ops.console.access import changes_console, may_change_console, reads_shared
from ses_ops.console.choices import choices, empty_form
from ses_ops.console.database import reading
from ses_ops.console.forms import Form, PostedDep, see_other
from ses_ops.console.language import N_, language_of
from ses_ops.console.page import fragment, render
from ses_ops.console.poll_interval import MOVING
from ses_ops.console.template_catalogue import loaded_template
from ses_ops.console.template_preview import FIELD, PreviewQuery, preview_values
from ses_ops.console.test_send_form import read_order, start_test
from ses_ops.orchestration import test_send_runs
from ses_ops.storage.events import timeline

if TYPE_CHECKING:
    from airflow.api_fastapi.auth.managers.models.base_user import BaseUser

router = APIRouter()

#: Final states of a run.
_OVER = ("success", "failed")


@router.get("/feedback/self-test", dependencies=[Depends(changes_console)])
def self_test_form(request: Request, user: GetUserDep) -> Response:
    """The form."""
    given = empty_form(choices(user))
    templates = choices(user).templates
    template = given.text("template") or next(iter(templates), "")
    return _form_page(request, user, Form.of(recipients="", sender=given.text("sender"), template=template))


@router.post("/feedback/self-test", dependencies=[Depends(changes_console)])
def self_test(request: Request, user: GetUserDep, form: PostedDep) -> Response:
    """Start the test send; the template's variables have their sample values."""
    words = language_of(request)
    if form.text("template") not in choices(user).templates:
        form.problem("template", words.gettext(N_("Choose a template.")))
        return _form_page(request, user, form, status=422)
    template = loaded_template(form.text("template"))
    values = preview_values(template, PreviewQuery(), words).values
    filled = form.with_values(subject="", **{FIELD + name: value for name, value in values.items()})
    order = read_order(filled, template, words)
    run_id = order and start_test(filled, user, order, words)
    if run_id is None:
        return _form_page(request, user, filled, status=422)
    return see_other(request, f"/feedback/self-test/{run_id}")


@router.get("/feedback/self-test/{run_id}", dependencies=[Depends(reads_shared)])
def self_test_result(request: Request, run_id: str, user: GetUserDep) -> Response:
    """The page that waits for the events."""
    return render(request, "feedback/self_test_result.html", **_result(user, run_id))


@router.get("/live/feedback/self-test/{run_id}", dependencies=[Depends(reads_shared)])
def self_test_live(request: Request, run_id: str, user: GetUserDep) -> Response:
    """The polled part of the page: messages and their events."""
    return fragment(request, "feedback/self_test_events.html", every=MOVING, **_result(user, run_id))


def _form_page(request: Request, user: BaseUser, form: Form, *, status: int = 200) -> Response:
    return render(request, "feedback/self_test.html", status=status, form=form, given=choices(user))


def _result(user: BaseUser, run_id: str) -> dict[str, Any]:
    with_raw = may_change_console(user)
    with reading() as conn:
        messages = [
            (one, timeline.events(conn, one.occurrence_id, one.seq, with_raw=with_raw))
            for one in timeline.messages_of_test(conn, run_id)
        ]
    state = test_send_runs.run_state(run_id)
    if not messages and state is None:
        raise HTTPException(404)
    return {
        "run_id": run_id,
        "messages": messages,
        "over": state is None or state in _OVER,
        "with_raw": with_raw,
        "status_label": labels.MESSAGE,
        "event_badge": feedback_labels.event_badge,
        "feed_name": feedback_labels.feed_name,
        "reasons": feedback_labels.REASONS,
    }

"""Pages of test sends: the form and the results."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.api_fastapi.core_api.security import GetUserDep
from fastapi import APIRouter, Depends, HTTPException, Request
from starlette.responses import Response

from ses_ops.application.test_sends import MOST_RECIPIENTS
from ses_ops.console.access import SEND_DAG, changes_console, reads_shared
from ses_ops.console.choices import choices, empty_form
from ses_ops.console.database import reading
from ses_ops.console.forms import Form, PostedDep, see_other
from ses_ops.console.language import N_, language_of
from ses_ops.console.page import fragment, render
from ses_ops.console.poll_interval import STILL
from ses_ops.console.template_catalogue import loaded_template
from ses_ops.console.template_preview import FIELD, PreviewQuery, preview_values
from ses_ops.console.templates.list import facts_of
from ses_ops.console.test_send_form import read_order, start_test
from ses_ops.domain.message_state import MessageStatus
from ses_ops.orchestration import test_send_runs
from ses_ops.rendering.worker_template import WorkerTemplate
from ses_ops.storage.tasks import test_sends

if TYPE_CHECKING:
    from airflow.api_fastapi.auth.managers.models.base_user import BaseUser

router = APIRouter()

#: Badge of a message by its status: a class of the style sheet, and the word.
MESSAGE_BADGES: dict[MessageStatus, tuple[str, str]] = {
    MessageStatus.QUEUED: ("waiting", N_("waiting")),
    MessageStatus.SENDING: ("sending", N_("sending")),
    MessageStatus.SENT: ("finished", N_("sent")),
    MessageStatus.FAILED: ("error", N_("failed")),
    MessageStatus.SUPPRESSED: ("waiting", N_("suppressed")),
    MessageStatus.CACHED: ("waiting", N_("waiting")),
    MessageStatus.RETRYING: ("retrying", N_("retrying")),
    MessageStatus.CANCELLED: ("waiting", N_("not sent")),
    MessageStatus.UNKNOWN: ("paused", N_("in doubt")),
}
#: Final states of a run.
_OVER = ("success", "failed")


@router.get("/templates/{template}/test", dependencies=[Depends(changes_console)])
def test_send_form(request: Request, template: str, user: GetUserDep) -> Response:
    """The form, with the values of the preview that the person came from."""
    loaded = loaded_template(facts_of(template).name)
    values = preview_values(loaded, PreviewQuery.read(request.query_params), language_of(request)).values
    given = empty_form(choices(user))
    fields = {FIELD + name: values.get(name, "") for name in loaded.variables_for()}
    form = Form.of(sender=given.text("sender"), recipients="", subject="", **fields)
    return _form_page(request, user, loaded, form)


@router.post("/templates/{template}/test", dependencies=[Depends(changes_console)])
def test_send(request: Request, template: str, user: GetUserDep, form: PostedDep) -> Response:
    """Check everything that can be checked, then start the run that sends."""
    loaded = loaded_template(facts_of(template).name)
    order = read_order(form, loaded, language_of(request))
    run_id = order and start_test(form, user, order, language_of(request))
    if run_id is None:
        return _form_page(request, user, loaded, form, status=422)
    return see_other(request, f"/test-sends/{run_id}")


@router.get("/test-sends/{run_id}", dependencies=[Depends(reads_shared)])
def test_send_result(request: Request, run_id: str) -> Response:
    """The page with the result of each message."""
    return render(request, "templates/test_send.html", **_outcome(run_id))


@router.get("/live/test-sends/{run_id}", dependencies=[Depends(reads_shared)])
def test_send_live(request: Request, run_id: str) -> Response:
    """The polled part of the page: the results."""
    outcome = _outcome(run_id)
    return fragment(request, "templates/test_send_outcome.html", every=STILL if outcome["over"] else 1, **outcome)


def _form_page(
    request: Request, user: BaseUser, template: WorkerTemplate, form: Form, *, status: int = 200
) -> Response:
    return render(
        request,
        "templates/test_send_form.html",
        status=status,
        form=form,
        facts=facts_of(template.name),
        variables=sorted(template.variables_for()),
        given=choices(user),
        most=MOST_RECIPIENTS,
    )


def _outcome(run_id: str) -> dict[str, Any]:
    """The run by Airflow or by the ledger: Airflow deletes old runs when a person cleans up its database."""
    with reading() as conn:
        outcome = test_sends.find(conn, run_id)
    state = test_send_runs.run_state(run_id)
    if outcome is None and state is None:
        raise HTTPException(404)
    over = state in _OVER or state is None or (outcome is not None and outcome.decided)
    return {
        "run_id": run_id,
        "outcome": outcome,
        "state": state,
        "over": over,
        "badges": MESSAGE_BADGES,
        "sent": outcome.count(MessageStatus.SENT) if outcome else 0,
        "dag": SEND_DAG,
    }

"""Test send of a task that is still in the form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ses_ops.application.test_sends import MOST_RECIPIENTS, TestSend
from ses_ops.console.address_field import read_addresses
from ses_ops.console.forms import Form
from ses_ops.console.template_catalogue import loaded_template
from ses_ops.console.test_send_form import check_sender, start_test
from ses_ops.domain.mail_tracking import Tracking, tracking_text
from ses_ops.domain.template_variables import recipient_values
from ses_ops.storage.audience import recipients
from ses_ops.storage.tasks import editions, send_tasks

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow.api_fastapi.auth.managers.models.base_user import BaseUser
    from psycopg2.extensions import connection as Connection

    from ses_ops.console.language import Language
    from ses_ops.domain.send_task import SendTask

#: Name of the field of the test send in the review's page.
RECIPIENTS = "test_recipients"


@dataclass(frozen=True, kw_only=True)
class TestOfTask:
    """The result: a run, or the reason without one; both empty before a person asked."""

    __test__ = False  # not a test class, whatever its name

    problem: str | None = None
    run_id: str | None = None


def own_address(user: object) -> str:
    """The mail address of the person by Airflow's data; empty when Airflow has none."""
    names = (getattr(user, "email", None), getattr(user, "username", None))
    return next((name for name in names if isinstance(name, str) and "@" in name), "")


def first_values(conn: Connection, task: SendTask, *, of_ledger: bool) -> Mapping[str, str]:
    """The values of the first recipient who would get the mail; the template's samples without one."""
    if of_ledger:
        left = editions.first_left(conn, send_tasks.find_row(conn, task.name).id)
        if left:
            return dict(recipient_values(left[0].values))
    else:
        for _, values in recipients.sample(conn, recipients.find_group(conn, task.group).id):
            return values
    return loaded_template(task.template).sample_values


def send_test(user: BaseUser, form: Form, task: SendTask, words: Language, values: Mapping[str, str]) -> TestOfTask:
    """Start a test send of a task to the addresses in a form; the run's id, or the reason without one."""
    addresses, problem = read_addresses(form.raw(RECIPIENTS), words, most=MOST_RECIPIENTS)
    if problem:
        return TestOfTask(problem=problem)
    sender = Form.of(sender=task.sender)
    check_sender(sender, len(addresses), words)
    if sender.errors:
        return TestOfTask(problem=next(iter(sender.errors.values())))
    order = TestSend(
        template=task.template,
        sender=task.sender,
        recipients=[address.address for address in addresses],
        values=values,
        subject=task.subject,
        reply_to=task.reply_to,
        unsubscribe_url=task.unsubscribe_url,
        unsubscribe=task.unsubscribe.value,
        advertisement=task.advertisement.value,
        track=tracking_text(Tracking(task.track_opens, task.track_clicks)),
    )
    asked = Form()
    run_id = start_test(asked, user, order, words, of_task=task.name)
    return TestOfTask(run_id=run_id, problem=next(iter(asked.errors.values()), None))

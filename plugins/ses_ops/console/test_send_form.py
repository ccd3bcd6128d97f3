"""The form of a test send, checked before a run is started."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ses_ops.application.quota_status import domain_quota
from ses_ops.application.test_sends import MOST_RECIPIENTS, TestSend, order_test_send
from ses_ops.console.access import SEND_DAG
from ses_ops.console.actor import actor_of
from ses_ops.console.address_field import read_addresses
from ses_ops.console.change_made import note_change
from ses_ops.console.database import reading
from ses_ops.console.errors import worded
from ses_ops.console.language import N_
from ses_ops.console.quota_errors import wrong_with_entry, wrong_with_variable
from ses_ops.console.template_preview import FIELD
from ses_ops.domain.address import Sender, parse_sender
from ses_ops.errors import InvalidInput, SesError, TemplateError
from ses_ops.orchestration import test_send_runs
from ses_ops.orchestration.connections import quota_plans
from ses_ops.orchestration.test_send_runs import DagState
from ses_ops.rendering.header import MAX_SUBJECT

if TYPE_CHECKING:
    from airflow.api_fastapi.auth.managers.models.base_user import BaseUser

    from ses_ops.console.forms import Form
    from ses_ops.console.language import Language
    from ses_ops.rendering.worker_template import WorkerTemplate

_NOT_NOW = {
    DagState.NOT_READ: N_("Airflow has not read the DAG %(dag)s yet. Try again in a minute."),
    DagState.PAUSED: N_("The DAG %(dag)s is paused in Airflow. Unpause it there, then try again."),
}


def read_order(form: Form, template: WorkerTemplate, words: Language) -> TestSend | None:
    """The test send of the form; None when the form has errors, which are noted in it."""
    addresses, problem = read_addresses(form.raw("recipients"), words, most=MOST_RECIPIENTS)
    if problem:
        form.problem("recipients", problem)
    sender = check_sender(form, len(addresses), words)
    subject = form.text("subject") or None
    values = {name: form.raw(FIELD + name) for name in _variables(form, template, subject, words)}
    if form.errors or sender is None:
        return None
    order = TestSend(
        template=template.name,
        sender=form.text("sender"),
        recipients=[address.address for address in addresses],
        values=values,
        subject=subject,
    )
    try:
        template.check_message(values, sender=sender, subject=subject, address=order.recipients[0])
    except InvalidInput as error:
        form.problem_of(words, error)
        return None
    except TemplateError as error:
        form.problem("subject" if error.part == "subject" else "", worded(words, error))
        return None
    return order


def _variables(form: Form, template: WorkerTemplate, subject: str | None, words: Language) -> list[str]:
    """The names that need a value. A name in the subject for which the form has no field is an error of the subject."""
    if subject is not None and len(subject) > MAX_SUBJECT:
        form.problem("subject", words.gettext("At most %(most)s characters.", most=words.number(MAX_SUBJECT)))
        return []
    try:
        names = sorted(template.variables_for(subject=subject))
    except TemplateError as error:
        form.problem("subject", worded(words, error))
        return []
    unknown = [name for name in names if name not in template.variables_for()]
    if unknown:
        text = N_("The template has no variable %(names)s; take it out of the subject.")
        form.problem("subject", words.gettext(text, names=", ".join(unknown)))
    return names


def check_sender(form: Form, count: int, words: Language) -> Sender | None:
    """The sender, if the sender domain has quota for all recipients today; else None, with an error in the form."""
    if not form.text("sender"):
        form.problem("sender", words.gettext("Write who the mail is from, for example: Shop <news@mail.example.com>."))
        return None
    try:
        sender = parse_sender(form.text("sender"))
    except InvalidInput as error:
        form.problem_of(words, error, fields={"": "sender"})
        return None
    try:
        plans = quota_plans()
    except SesError as error:
        form.problem("", worded(words, error))
        return None
    with reading() as conn:
        quota = domain_quota(conn, plans, sender.domain)
    if wrong := wrong_with_variable(plans) or wrong_with_entry(plans, quota):
        place = f"{sender.domain} · {wrong.field}" if wrong.field else sender.domain
        form.problem("sender", f"{place}: {words.gettext(wrong.text, **wrong.values)}")
    elif quota.problem is not None:
        form.problem("sender", worded(words, quota.problem))
    elif quota.today is not None and quota.today.left < count:
        text = words.gettext(
            "Today's quota of %(domain)s has room for %(left)s more messages. A test send is never cached: "
            "take fewer recipients, or try again tomorrow.",
            domain=sender.domain,
            left=words.number(quota.today.left),
        )
        form.problem("sender", text)
    return sender


def start_test(
    form: Form, user: BaseUser, order: TestSend, words: Language, *, of_task: str | None = None
) -> str | None:
    """Have Airflow make a test send; the id of its run, or None when it cannot now, which then stands in the form."""
    state = test_send_runs.dag_state()
    if state in _NOT_NOW:
        form.problem("", words.gettext(_NOT_NOW[state], dag=SEND_DAG))
        return None
    run_id, actor = test_send_runs.new_run_id(), actor_of(user)

    def start() -> None:
        test_send_runs.start(order, run_id=run_id, by=actor.name)

    try:
        order_test_send(actor, order, run_id=run_id, start=start, of_task=of_task)
    except InvalidInput as refused:
        form.problem_of(words, refused)
        return None
    note_change()
    return run_id

"""The form of a test send: read, and checked as far as it can be before a run is started for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ses_ops.application.quota_status import domain_quota
from ses_ops.application.test_sends import MOST_RECIPIENTS, TestSend
from ses_ops.console.address_field import read_addresses
from ses_ops.console.database import reading
from ses_ops.console.errors import worded
from ses_ops.console.language import N_
from ses_ops.console.quota_words import wrong_with_entry, wrong_with_variable
from ses_ops.console.template_preview import FIELD
from ses_ops.domain.address import Sender, parse_sender
from ses_ops.errors import InvalidInput, SesError, TemplateError
from ses_ops.orchestration.connections import quota_plans
from ses_ops.rendering.header import MAX_SUBJECT

if TYPE_CHECKING:
    from ses_ops.console.forms import Form
    from ses_ops.console.language import Language
    from ses_ops.rendering.template_apart import TemplateApart


def read_order(form: Form, template: TemplateApart, words: Language) -> TestSend | None:
    """What the form asks for; None when something in it cannot be used, which then stands at the form's fields."""
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


def _variables(form: Form, template: TemplateApart, subject: str | None, words: Language) -> list[str]:
    """The names that need a value; one that the subject brings along and the form has no field for is said there."""
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
    """Who it is from, if the sender domain may send that much today."""
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

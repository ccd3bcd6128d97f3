"""What the mail of BatchSendEmail says: a template, or one that is made of it for the task."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ses_ops.api.tencent.action_error import ActionError, wrong_value
from ses_ops.api.tencent.filled_template import filled, filled_subject, is_name
from ses_ops.api.tencent.values import decoded, template_data
from ses_ops.application.reference import batches as use_cases
from ses_ops.domain.template_variables import RESERVED_VARIABLES
from ses_ops.storage.audience import recipients
from ses_ops.storage.templates import stored
from ses_ops.storage.templates.stored import TemplateTexts

if TYPE_CHECKING:
    from ses_ops.api.tencent.call import Call
    from ses_ops.storage.reference.receivers import Receiver


@dataclass(frozen=True, kw_only=True, slots=True)
class Content:
    """What a send task says."""

    #: The name of the template here, and the number and values that the client gave.
    template: str
    subject: str
    template_id: int | None
    data: str
    #: The number of a template that this request has made for its task alone.
    own_template: int | None = None


def content_of(call: Call, group: Receiver, task: str) -> Content:
    """The content of a request to a group, for a task of that name. Raises ActionError."""
    subject = call.params["Subject"].strip()
    given = call.get("Template")
    if given:
        return _of_template(call, group, given, task)
    simple = call.get("Simple") or {}
    parts = {
        name: decoded(simple[name], code="InvalidParameterValue.EmailContentIsWrong", name=f"Simple.{name}")
        for name in ("Text", "Html")
        if simple.get(name)
    }
    if not parts:
        code = "MissingParameter.SendParamNecessary"
        raise ActionError(code, "There is no content: `Template` or `Simple` must be given.")
    texts = TemplateTexts(None, _verbatim(parts.get("Text")), _verbatim(parts.get("Html")))
    made, new = use_cases.template_of_one_task(call.conn, call.actor, name=task, title=_title(subject), texts=texts)
    own = made.id if new else None
    return Content(template=made.name, subject=subject, template_id=None, data="", own_template=own)


def _of_template(call: Call, group: Receiver, given: dict[str, Any], task: str) -> Content:
    subject = call.params["Subject"].strip()
    found = stored.newest(call.conn, number=given["TemplateID"])
    if found is None:
        raise ActionError("OperationDenied.TemplateStatusError", "The template does not exist.")
    data = template_data(
        given["TemplateData"], code="InvalidParameterValue.TemplateDataError", name="Template.TemplateData"
    )
    values = _values(data)
    columns = recipients.find_group(call.conn, group.name).variables
    common = {name: one for name, one in values.items() if name not in columns and name not in RESERVED_VARIABLES}
    content: dict[str, Any] = {"template_id": found.id, "data": given["TemplateData"]}
    if not common:
        return Content(template=found.name, subject=subject, **content)
    texts = TemplateTexts(found.subject, filled(found.text, common), filled(found.html, common))
    made, new = use_cases.template_of_one_task(call.conn, call.actor, name=task, title=found.title, texts=texts)
    content["own_template"] = made.id if new else None
    return Content(template=made.name, subject=filled_subject(subject, common), **content)


def _values(data: dict[str, Any]) -> dict[str, str]:
    """The values as texts. Raises ActionError for lists and objects, which recipients cannot have either."""
    for name, value in data.items():
        if isinstance(value, list | dict) or not is_name(name):
            code = "InvalidParameterValue.TemplateDataError"
            raise wrong_value("Template.TemplateData", "must be texts and numbers by the name of a variable", code)
    return {name: "" if value is None else str(value) for name, value in data.items()}


def _title(subject: str) -> str:
    return subject if subject.isprintable() else "BatchSendEmail"


def _verbatim(text: str | None) -> str | None:
    """A text as a template in which nothing is filled in."""
    if text is None:
        return None
    return text.replace("{", "{{ '{' }}") if "{" in text else text

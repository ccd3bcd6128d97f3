"""CreateEmailTemplate, GetEmailTemplate, ListEmailTemplates, UpdateEmailTemplate, DeleteEmailTemplate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ses_ops.api.tencent.action_error import ActionError, wrong_value
from ses_ops.api.tencent.values import decoded, encoded
from ses_ops.application import stored_templates
from ses_ops.errors import InvalidInput, NotFound, TemplateError
from ses_ops.storage.reference import batches
from ses_ops.storage.templates import stored
from ses_ops.storage.templates.stored import TemplateTexts

if TYPE_CHECKING:
    from ses_ops.api.tencent.call import Call
    from ses_ops.storage.templates.stored import StoredTemplate

#: Characters of the longest name; octets of both parts together.
LONGEST_NAME, MOST_OCTETS = 100, 4 << 20
#: TemplateStatus: nobody reviews a template here.
APPROVED = 0
_WRONG = "InvalidParameterValue.TemplateContentIsWrong"
_ILLEGAL = "InvalidParameterValue.TemplateNameIllegal"


def create_email_template(call: Call) -> dict[str, Any]:
    """Store a template; its name may be any text of one line, also one that another has."""
    title = _title(call, _ILLEGAL)
    texts = _texts(call)
    try:
        made = stored_templates.create(call.conn, call.actor, title=title, texts=texts).template
    except (TemplateError, InvalidInput) as cause:
        raise _wrong(cause) from cause
    return {"TemplateID": made.id}


def get_email_template(call: Call) -> dict[str, Any]:
    """A template's newest version."""
    found = _existing(call)
    return {
        "TemplateContent": {"Html": encoded(found.html), "Text": encoded(found.text)},
        "TemplateStatus": APPROVED,
        "TemplateName": found.title,
    }


def list_email_templates(call: Call) -> dict[str, Any]:
    """The stored templates, the newest first; those of the folder have no number."""
    offset, limit = call.page()
    found, total = batches.templates(call.conn, offset=offset, limit=limit)
    shown = [
        {
            "TemplateID": one.id,
            "TemplateName": one.title,
            "CreatedTimestamp": int(one.created_at.timestamp()),
            "TemplateStatus": APPROVED,
            "ReviewReason": "",
        }
        for one in found
    ]
    return {"TemplatesMetadata": shown, "TotalCount": total}


def update_email_template(call: Call) -> dict[str, Any]:
    """Write a new version of a template; mail that has not left is sent with it."""
    title = _title(call, "InvalidParameterValue.TemplateNameIsNULL")
    texts = _texts(call)
    found = _existing(call)
    try:
        stored_templates.new_version(call.conn, call.actor, found.id, title=title, texts=texts)
    except NotFound as cause:
        raise _not_there() from cause
    except (TemplateError, InvalidInput) as cause:
        raise _wrong(cause) from cause
    return {}


def delete_email_template(call: Call) -> dict[str, Any]:
    """Delete a template."""
    found = _existing(call)
    try:
        stored_templates.delete(call.conn, call.actor, found.id)
    except NotFound as cause:
        raise _not_there() from cause
    return {}


def _existing(call: Call) -> StoredTemplate:
    found = stored.newest(call.conn, number=call.params["TemplateID"])
    if found is None:
        raise _not_there()
    return found


def _title(call: Call, code_of_empty: str) -> str:
    title: str = call.params["TemplateName"].strip()
    if not title:
        raise wrong_value("TemplateName", "is empty", code_of_empty)
    if len(title) > LONGEST_NAME or not title.isprintable():
        raise wrong_value("TemplateName", f"must be a text of one line of at most {LONGEST_NAME} characters", _ILLEGAL)
    return title


def _texts(call: Call) -> TemplateTexts:
    """The parts, one at least."""
    given = call.params["TemplateContent"]
    parts = {
        ours: decoded(given[name], code=_WRONG, name=f"TemplateContent.{name}") if given.get(name) else None
        for ours, name in (("text", "Text"), ("html", "Html"))
    }
    if not any(parts.values()):
        code = "InvalidParameterValue.TemplateContentIsNULL"
        raise ActionError(code, "`TemplateContent.Html` or `TemplateContent.Text` must be given.")
    if sum(len((one or "").encode()) for one in parts.values()) > MOST_OCTETS:
        code = "FailedOperation.TemplateContentToolarge"
        raise ActionError(code, f"The template has more than {MOST_OCTETS} bytes.")
    return TemplateTexts(None, parts["text"], parts["html"])


def _wrong(problem: TemplateError | InvalidInput) -> ActionError:
    too_large = problem.code == "text_too_long"
    return ActionError("FailedOperation.TemplateContentToolarge" if too_large else _WRONG, f"{problem}.")


def _not_there() -> ActionError:
    return ActionError("InvalidParameterValue.TemplateNotExist", "The template does not exist.")

"""The renderer of a send task: made once a chunk, and once before an audience is frozen to see that it can be made."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ses_ops.domain.address import parse_sender
from ses_ops.domain.bulk_headers import bulk_headers
from ses_ops.domain.schedule import TaskType
from ses_ops.errors import TemplateError
from ses_ops.rendering.message import MessageRenderer
from ses_ops.rendering.template import MailTemplate, load_template


def task_renderer(
    task: Mapping[str, Any], templates_root: Path, *, installation_id: str, template: MailTemplate | None = None
) -> MessageRenderer:
    """From a task's row, and its template if that is loaded already.

    Raises TemplateError or InvalidInput when its template, subject or link cannot be used, or when all its mail would
    show an empty link. A test send may: whoever sends it is to see what the template is like.
    """
    template = template or load_template(templates_root, task["template"])
    if not task["unsubscribe_url"] and task["type"] != TaskType.TEST:
        _refuse_empty_link(template, task["subject"])
    return MessageRenderer(
        template,
        sender=parse_sender(task["sender"]),
        reply_to=task["reply_to"],
        subject=task["subject"],
        unsubscribe_url=task["unsubscribe_url"],
        advertisement=task["advertisement"],
        message_id_domain=task["sender_domain"],
        installation_id=installation_id,
        headers=bulk_headers(TaskType(task["type"])),
    )


def _refuse_empty_link(template: MailTemplate, subject: str | None) -> None:
    use = template.bare_link(subject)
    if use is not None:
        raise TemplateError(
            "unsubscribe_url_empty",
            line=use.line,
            file=use.file,
            template=template.name,
            part="unsubscribe_url",
        )

"""The subject of a task as its first recipient sees it, for lists and searches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ses_ops.domain.mail_content import MailContent
from ses_ops.domain.schedule import TaskType
from ses_ops.errors import SesError
from ses_ops.rendering.template import load_template
from ses_ops.rendering.template_place import Place
from ses_ops.sending.task_renderer import content_renderer, task_renderer
from ses_ops.sending.template_place import template_place
from ses_ops.storage.tasks import mail_subjects

if TYPE_CHECKING:
    from pathlib import Path

    from psycopg2.extensions import connection as Connection

    from ses_ops.rendering.template import MailTemplate
    from ses_ops.storage.tasks.mail_subjects import MailSubject

#: A sender for rendering: the subject does not depend on the sender.
_ANYBODY = "anybody@example.com"


def keep_first_subject(
    conn: Connection, task_id: int, content: MailContent, occurrence_id: int, templates_root: Path
) -> None:
    """Store the subject of the first message of an audience that is being frozen."""
    values = mail_subjects.first_values(conn, occurrence_id)
    subject = None
    if values is not None:
        try:
            place = template_place(conn, templates_root, content.template)
            subject = task_renderer(content, place, installation_id="check").subject(values)
        except SesError:
            # That message will fail in its turn, with the reason; the list shows the source of the subject.
            subject = None
    mail_subjects.keep_first_subject(conn, task_id, subject)


def rendered_subjects(place: Place, template: str, tasks: Sequence[MailSubject]) -> list[str | None]:
    """The subject that the first recipient of each task would see, for tasks of one template.

    None where there is no recipient yet, or the subject cannot be rendered.
    """
    try:
        found = load_template(place, template)
    except (SesError, OSError):
        return [None] * len(tasks)
    return [_rendered_subject(found, task) for task in tasks]


def _rendered_subject(template: MailTemplate, facts: MailSubject) -> str | None:
    if facts.values is None:
        return None
    try:
        content = MailContent(
            type=TaskType.TEST,
            template=facts.template,
            sender=_ANYBODY,
            sender_domain="example.com",
            subject=facts.subject,
            unsubscribe_url=facts.unsubscribe_url,
            advertisement=facts.advertisement,
        )
        return content_renderer(content, template, installation_id="check").subject(facts.values)
    except SesError:
        return None

"""A task's subject as its first recipient sees it: for lists, which a person reads and searches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ses_ops.domain.mail_content import MailContent
from ses_ops.domain.schedule import TaskType
from ses_ops.errors import SesError
from ses_ops.rendering.template import load_template
from ses_ops.sending.task_renderer import content_renderer, task_renderer
from ses_ops.storage.tasks import mail_subjects

if TYPE_CHECKING:
    from pathlib import Path

    from psycopg2.extensions import connection as Connection

    from ses_ops.rendering.template import MailTemplate
    from ses_ops.storage.tasks.mail_subjects import MailSubject

#: A subject does not depend on who sends it.
_ANYBODY = "anybody@example.com"


def keep_first_subject(
    conn: Connection, task_id: int, content: MailContent, occurrence_id: int, templates_root: Path
) -> None:
    """Remember, with an audience that is being frozen, the subject of its first message."""
    values = mail_subjects.first_values(conn, occurrence_id)
    subject = None
    if values is not None:
        try:
            subject = task_renderer(content, templates_root, installation_id="check").subject(values)
        except SesError:
            # That one message fails when its turn comes, and says why; the list shows the subject's source.
            subject = None
    mail_subjects.keep_first_subject(conn, task_id, subject)


def rendered_subjects(templates_root: Path, template: str, tasks: Sequence[MailSubject]) -> list[str | None]:
    """For each task of a template the subject that its first recipient would see.

    None where there is nobody yet, or it cannot be made.
    """
    try:
        found = load_template(templates_root, template)
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

"""Whether a task could send: its template fits its group, and the message to the first recipient can be made."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ses_ops.sending.freeze_audience import check_template
from ses_ops.sending.task_renderer import task_renderer
from ses_ops.storage import recipients

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection

    from ses_ops.domain.send_task import SendTask

_FACTS = ("template", "subject", "sender", "sender_domain", "reply_to", "unsubscribe_url", "advertisement", "group")


def check_content(conn: Connection, task: SendTask, templates_root: Path) -> None:
    """Check what only a real message shows (size, link, subject). Raises NotFound, TemplateError or InvalidInput."""
    group = recipients.find_group(conn, task.group)
    facts = {**{name: getattr(task, name) for name in _FACTS}, "group_variables": group.variables}
    check_template(facts, templates_root)
    renderer = task_renderer(facts, templates_root, installation_id="check")
    for address, values in recipients.sample(conn, group.id):
        renderer.render(occurrence_id=1, seq=1, address=address, values=values)

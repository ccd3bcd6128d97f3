"""Whether a task could send: its template fits its group, and the message to the first recipient can be made."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ses_ops.rendering import apart
from ses_ops.rendering.template import load_template
from ses_ops.sending.freeze_audience import check_template
from ses_ops.sending.task_renderer import task_renderer
from ses_ops.storage import recipients

if TYPE_CHECKING:
    from collections.abc import Sequence

    from psycopg2.extensions import connection as Connection

    from ses_ops.domain.send_task import SendTask
    from ses_ops.rendering.template import Preview

_FACTS = (
    *("type", "template", "subject", "sender", "sender_domain", "reply_to", "unsubscribe_url", "advertisement"),
    "group",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class FirstMessage:
    """What the first recipient of a task would see."""

    #: None when the group is empty; the values are the template's sample then.
    address: str | None
    preview: Preview


def check_content(conn: Connection, task: SendTask, templates_root: Path) -> None:
    """Check what only a real message shows (size, link, subject). Raises NotFound, TemplateError or InvalidInput."""
    group = recipients.find_group(conn, task.group)
    facts = {**_facts(task), "group_variables": group.variables}
    apart.call(task.template, _check, facts, templates_root, recipients.sample(conn, group.id))


def first_message(conn: Connection, task: SendTask, templates_root: Path) -> FirstMessage:
    """The message to the first recipient, which need not be one of a task that is stored. Raises as the check does."""
    group = recipients.find_group(conn, task.group)
    found = recipients.sample(conn, group.id)
    return apart.call(task.template, _first, _facts(task), templates_root, found)


def _check(facts: dict[str, Any], templates_root: Path, found: Sequence[tuple[str, dict[str, str]]]) -> None:
    renderer = check_template(facts, templates_root)
    for address, values in found:
        renderer.render(occurrence_id=1, seq=1, address=address, values=values)


def _first(facts: dict[str, Any], templates_root: Path, found: Sequence[tuple[str, dict[str, str]]]) -> FirstMessage:
    template = load_template(templates_root, facts["template"])
    renderer = task_renderer(facts, templates_root, installation_id="check", template=template)
    for address, values in found:
        return FirstMessage(address=address, preview=renderer.preview(values))
    return FirstMessage(address=None, preview=renderer.preview(template.sample_values))


def _facts(task: SendTask) -> dict[str, Any]:
    return {name: getattr(task, name) for name in _FACTS}

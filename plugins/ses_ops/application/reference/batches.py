"""Send tasks that BatchSendEmail makes: with a template of their own when values are filled into it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ses_ops.application import stored_templates, task_definitions
from ses_ops.application.changed import Changed
from ses_ops.storage.connection import transaction
from ses_ops.storage.reference import batches
from ses_ops.storage.templates import stored

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from psycopg2.extensions import connection as Connection

    from ses_ops.application.ports import Actor
    from ses_ops.domain.send_task import SendTask
    from ses_ops.storage.templates.stored import StoredTemplate, TemplateTexts


@dataclass(frozen=True, kw_only=True, slots=True)
class BatchMade(Changed):
    """A new send task, or the one that an equal request made before."""

    id: int


def create(
    conn: Connection,
    actor: Actor,
    task: SendTask,
    *,
    template_id: int | None,
    template_data: str,
    now: datetime,
    templates_root: Path,
) -> BatchMade:
    """Make a task; the same definition again changes nothing. Raises what `task_definitions.create` raises."""
    done = task_definitions.create(conn, actor, task, now=now, templates_root=templates_root)
    with transaction(conn):
        batches.note_task(conn, task.name, template_id=template_id, template_data=template_data)
        id = batches.task_id(conn, task.name)
    assert id is not None
    return BatchMade(changed=done.changed, scheduler=done.scheduler, id=id)


def template_of_one_task(
    conn: Connection, actor: Actor, *, name: str, title: str, texts: TemplateTexts
) -> tuple[StoredTemplate, bool]:
    """Store a template that is for one task alone, and has its name; False: an equal request has stored it before.

    Raises what `stored_templates.create` raises.
    """
    before = stored.newest(conn, name=name)
    if before is not None and before.texts == texts:
        return before, False
    made = stored_templates.create(conn, actor, name=name, title=title, texts=texts).template
    with transaction(conn):
        batches.note_filled(conn, made.id)
    return made, True


def forget_template(conn: Connection, actor: Actor, number: int | None) -> None:
    """Delete such a template again, when its task could not be made."""
    if number is not None:
        stored_templates.delete(conn, actor, number)

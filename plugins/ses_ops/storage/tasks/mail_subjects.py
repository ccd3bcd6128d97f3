"""The subjects of tasks' mail: their sources, and the stored first subjects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ses_ops.storage.named_sql import execute, fetch_all, fetch_one, statements

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection

_SQL = statements(__file__)


@dataclass(frozen=True, kw_only=True, slots=True)
class MailSubject:
    """The subject of one task's mail."""

    task_id: int
    template: str
    #: The subject of the task, in place of the template's; None without one.
    subject: str | None
    advertisement: str
    unsubscribe_url: str | None
    #: The subject for the first recipient of the newest audience.
    first_subject: str | None
    #: Values of the group's first recipient; None where `first_subject` is known, and for an empty group.
    values: Mapping[str, str] | None


def mail_subjects(conn: Connection) -> list[MailSubject]:
    """The subject of every send task."""
    rows = fetch_all(conn, _SQL["mail_subjects"])
    return [MailSubject(task_id=row.pop("id"), values=_texts(row.pop("values")), **row) for row in rows]


def first_values(conn: Connection, occurrence_id: int) -> Mapping[str, str] | None:
    """The values of the first message of an occurrence; None when it has none."""
    row = fetch_one(conn, _SQL["first_values"], occurrence_id=occurrence_id)
    return None if row is None else _texts(row["values"])


def _texts(values: object) -> Mapping[str, str] | None:
    """Values in the form of present imports; None for any other stored form."""
    if not isinstance(values, dict) or not all(one is None or isinstance(one, str) for one in values.values()):
        return None
    return values


def keep_first_subject(conn: Connection, task_id: int, subject: str | None) -> None:
    """Store the subject for the first recipient."""
    execute(conn, _SQL["keep_first_subject"], task_id=task_id, first_subject=subject)

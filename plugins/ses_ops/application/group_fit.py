"""The fit of send tasks to their recipient group."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from ses_ops.application.value_warnings import ValueWarning, value_warnings
from ses_ops.errors import SesError
from ses_ops.rendering import worker
from ses_ops.rendering.template_place import Place
from ses_ops.sending.task_renderer import check_template
from ses_ops.sending.template_place import template_place
from ses_ops.sending.unsubscribe_page import with_page
from ses_ops.storage.audience import recipients

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from psycopg2.extensions import connection as Connection

    from ses_ops.domain.mail_content import MailContent
    from ses_ops.storage.audience.recipients import RecipientGroup

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, slots=True)
class Misfit:
    """A task that cannot send to its group, and the reason."""

    task: str
    problem: str


def misfits(conn: Connection, group_name: str, templates_root: Path) -> list[Misfit]:
    """The tasks that have not ended and whose template needs variables that the group has no more, after an import."""
    group = recipients.find_group(conn, group_name)
    found = _by_task(conn, group, lambda content: _problem(conn, content, templates_root, group))
    return [Misfit(task=task, problem=problem) for task, problem in found if problem is not None]


def group_warnings(conn: Connection, group_name: str, templates_root: Path) -> list[tuple[str, ValueWarning]]:
    """The tasks that have not ended, each with the warnings about its template (`value_warnings`)."""

    def warnings_of(content: MailContent) -> list[ValueWarning]:
        try:
            return value_warnings(conn, content, group=group_name, templates_root=templates_root)
        except SesError:  # `misfits` has the task
            return []

    found = _by_task(conn, recipients.find_group(conn, group_name), warnings_of)
    return [(task, warning) for task, of_task in found for warning in of_task]


def _by_task(conn: Connection, group: RecipientGroup, judge: Callable[[MailContent], T]) -> list[tuple[str, T]]:
    """What `judge` says of the mail of each task that has not ended; asked once for tasks with the same mail."""
    judged: dict[MailContent, T] = {}
    found = []
    for task in recipients.tasks_of_group(conn, group.id):
        if task.is_over:
            continue
        content = task.content
        if content not in judged:
            judged[content] = judge(content)
        found.append((task.name, judged[content]))
    return found


def _problem(conn: Connection, content: MailContent, templates_root: Path, group: RecipientGroup) -> str | None:
    try:
        place = template_place(conn, templates_root, content.template)
        worker.call(content.template, _check, with_page(conn, content), place, group.name, group.variables)
    except SesError as problem:
        return str(problem)
    return None


def _check(content: MailContent, place: Place, group: str, variables: Sequence[str]) -> None:
    check_template(content, place, group=group, variables=variables)

"""The right to change a recipient group's content.

A person needs the right to edit every task that will send to the group. The audience of a task is frozen when it
starts, so new rows in a group are new recipients of each of its tasks that has not ended, also of tasks that the person
does not know.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import TYPE_CHECKING

from fastapi import HTTPException

from ses_ops.console.access import editable, visible
from ses_ops.console.language import N_
from ses_ops.storage.audience import recipients

if TYPE_CHECKING:
    from airflow.api_fastapi.auth.managers.models.base_user import BaseUser
    from psycopg2.extensions import connection as Connection

    from ses_ops.console.language import Language

#: Most tasks that a refusal names.
_NAMED = 10


def tasks_in_the_way(conn: Connection, user: BaseUser, groups: Iterable[str]) -> dict[str, list[str]]:
    """The unfinished tasks by group that the person may not edit; groups without such tasks are left out."""
    rows = recipients.unfinished_tasks(conn, groups)
    allowed = editable(user, (task for _, task in rows))
    found: dict[str, list[str]] = defaultdict(list)
    for group, task in rows:
        if task not in allowed:
            found[group].append(task)
    return dict(found)


def check_may_fill(conn: Connection, user: BaseUser, group: str, words: Language) -> None:
    """Refuse with 403, with the tasks that are the reason."""
    tasks = tasks_in_the_way(conn, user, [group]).get(group)
    if tasks:
        raise HTTPException(403, refusal(user, tasks, words))


def refusal(user: BaseUser, tasks: list[str], words: Language) -> str:
    """The reason for which a person may not change a group. It counts tasks that the person may not see."""
    seen = visible(user, tasks)
    named = [task for task in tasks if task in seen]
    parts = [words.gettext(N_("You may not edit every unfinished send task that sends to this group."))]
    if named:
        shown = ", ".join(named[:_NAMED]) + (" …" if len(named) > _NAMED else "")
        parts.append(words.gettext(N_("In the way: %(tasks)s."), tasks=shown))
    if hidden := len(tasks) - len(named):
        parts.append(words.ngettext("%(num)s of them you may not see.", "%(num)s of them you may not see.", hidden))
    return " ".join(parts)

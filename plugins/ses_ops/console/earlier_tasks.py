"""Deleted tasks whose name, and so whose DAG, belongs to another task now.

Rights belong to the DAG of a name. A person who may see the DAG may see the mail of its last task; the mail of earlier
tasks may be seen by persons who see every DAG, and by the roles that those tasks had. Where the auth manager has no
roles for DAGs, a right to a DAG is a right to all tasks that ever had its name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import HTTPException

from ses_ops.console.database import reading
from ses_ops.orchestration.fab import roles as fab_roles
from ses_ops.storage.tasks import send_tasks

if TYPE_CHECKING:
    from airflow.api_fastapi.auth.managers.models.base_user import BaseUser


def hidden_tasks(user: BaseUser, name: str | None = None) -> frozenset[int]:
    """The ids of the earlier tasks, of one name or of all, that a person may not see."""
    if not fab_roles.uses_roles():
        return frozenset()
    own = fab_roles.roles(of=user)
    if any(role.may("can_read", "DAGs") for role in own):
        return frozenset()
    names = {role.name for role in own}
    with reading() as conn:
        earlier = send_tasks.earlier_tasks(conn, name)
    return frozenset(id for id, roles in earlier.items() if names.isdisjoint(roles))


def check_may_see(user: BaseUser, name: str, task_id: int | None) -> None:
    """Refuse with 403 one of a name's tasks that a person may not see."""
    if task_id is not None and task_id in hidden_tasks(user, name):
        raise HTTPException(403)

"""Who asks, of a login: the person's name, rights by Airflow's auth manager, entries in Airflow's audit log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ses_ops.application.ports import Actor
from ses_ops.console.access import Right, may
from ses_ops.orchestration.audit import AirflowAuditLog
from ses_ops.orchestration.fab.roles import write_rights

if TYPE_CHECKING:
    from airflow.api_fastapi.auth.managers.models.base_user import BaseUser


def actor_of(user: BaseUser) -> Actor:
    """The actor that a person is. Roles get a task's DAG before the task is there."""
    return Actor(
        name=str(user.get_name()),
        audit=AirflowAuditLog(),
        may_start=lambda task: may(user, Right.START, task),
        give_roles=write_rights,
    )

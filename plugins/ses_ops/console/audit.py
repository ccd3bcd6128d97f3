"""Entries of the audit log that pages still ask for by themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ses_ops.orchestration.audit import AirflowAuditLog

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from airflow.api_fastapi.auth.managers.models.base_user import BaseUser


def recorded(
    user: BaseUser, action: str, *, task: str | None = None, **details: Any
) -> AbstractContextManager[dict[str, Any]]:
    """See `AirflowAuditLog.recorded`."""
    return AirflowAuditLog().recorded(user.get_name(), action, task=task, **details)

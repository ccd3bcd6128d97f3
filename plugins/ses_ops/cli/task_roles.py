"""Roles of Airflow in definitions: checks, and rights on the DAGs.

It is best effort, like all changes of Airflow by the command line; `ses airflow-rights` makes up for what failed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ses_ops.cli.meant import meant
from ses_ops.cli.output import warn
from ses_ops.cli.session import airflow_is_configured, ask_airflow
from ses_ops.errors import InvalidInput, SesError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

#: Message when rights could not be written.
CATCH_UP = "`ses airflow-rights` writes the rights of all tasks' roles"


def unknown_roles(named: Iterable[str], *, where: str = "") -> list[InvalidInput]:
    """The problems of roles: names that Airflow does not have. Empty when Airflow cannot be asked."""
    wanted = sorted(set(named))
    if not wanted or not airflow_is_configured():
        return []
    try:
        known = ask_airflow(lambda _: _role_names())
    except SesError as problem:
        warn(f"the roles could not be compared with Airflow's: {problem}")
        return []
    if known is None:
        warn("roles have no effect: this Airflow's auth manager is not FAB's, which alone gives DAGs to roles")
        return []
    return [
        InvalidInput(f"Airflow has no role {role!r}{meant(role, known)}", where=where, field="roles")
        for role in wanted
        if role not in known
    ]


def write_roles(roles_by_task: Mapping[str, tuple[str, ...]]) -> None:
    """Give tasks' DAGs to their roles, and print what failed."""
    if not roles_by_task or not airflow_is_configured():
        return
    try:
        missing = ask_airflow(lambda _: _write(roles_by_task))
    except SesError as problem:
        warn(f"the rights of the roles could not be written ({problem}); {CATCH_UP}")
        return
    for task, roles in missing.items():
        warn(f"send task {task!r}: Airflow has no role {', '.join(map(repr, roles))}; {CATCH_UP} once there is")


def _role_names() -> list[str] | None:
    from ses_ops.orchestration.fab import roles as fab_roles

    return fab_roles.role_names() if fab_roles.uses_roles() else None


def _write(roles_by_task: Mapping[str, tuple[str, ...]]) -> dict[str, list[str]]:
    from ses_ops.orchestration.fab import roles as fab_roles

    return fab_roles.write_rights(roles_by_task)

"""Grants of rights to roles of FAB, for the administrator's command.

FAB shows pages of plugins, and so *Mail* in the navigation and *Progress* on DAGs, to roles that may read "Plugins": of
FAB's own roles these are Op and Admin. A team's role may make mailings and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ses_ops.errors import SesError
from ses_ops.orchestration.control import metadata_session
from ses_ops.orchestration.fab.roles import SEND_DAG, Permission, security_manager, uses_roles

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

NO_ROLES = "this Airflow's auth manager has no roles that could be given rights: only that of the FAB provider has"
#: The right that shows pages of plugins in Airflow's UI.
PLUGINS: Permission = ("can_read", "Plugins")
#: FAB's own roles that see DAGs.
SEES_DAGS = ("Viewer", "User", "Op", "Admin")
#: The rights that a team needs: to log in to Airflow, to make mailings (SEND_DAG), and to see runs and logs of its own
#: DAGs. A right to "DAG Runs" or "Task Instances" counts only together with a right to the DAG.
TEAM: tuple[Permission, ...] = (
    ("can_read", "Website"),
    ("menu_access", "DAGs"),
    ("can_read", "My Profile"),
    ("can_read", "My Password"),
    ("can_edit", "My Password"),
    PLUGINS,
    ("can_read", f"DAG:{SEND_DAG}"),
    ("can_edit", f"DAG:{SEND_DAG}"),
    ("can_read", f"DAG Run:{SEND_DAG}"),
    ("can_create", f"DAG Run:{SEND_DAG}"),
    ("can_read", "DAG Runs"),
    ("can_read", "DAG Versions"),
    ("can_read", "DAG Warnings"),
    ("can_read", "Task Instances"),
    ("can_read", "Task Logs"),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Grants:
    """The roles and rights that are missing."""

    new_roles: tuple[str, ...]
    #: Each right as (role, action, resource).
    rights: tuple[tuple[str, str, str], ...]


def missing_grants(teams: Iterable[str]) -> Grants:
    """The grants that `give` would make: PLUGINS for FAB's own roles, and all rights of TEAM for the roles of teams.

    Without FAB there are none; then a name of a team raises SesError.
    """
    teams = tuple(teams)
    if not uses_roles():
        if teams:
            raise SesError("roles_not_supported")
        return Grants(new_roles=(), rights=())
    wanted = dict.fromkeys(SEES_DAGS, (PLUGINS,)) | dict.fromkeys(teams, TEAM)
    with metadata_session() as session:
        held = {name: _held(session, name) for name in wanted}
    named = set(teams)
    return Grants(
        new_roles=tuple(name for name in wanted if held[name] is None and name in named),
        rights=tuple(
            (name, *right)
            for name, rights in wanted.items()
            for right in rights
            if (held[name] is not None or name in named) and right not in (held[name] or ())
        ),
    )


def give(grants: Grants) -> None:
    """Make the roles and give them the rights."""
    if not (grants.new_roles or grants.rights):
        return
    with metadata_session() as session:
        manager = security_manager(session)
        for name in grants.new_roles:
            manager.add_role(name)
        for name, action, resource in grants.rights:
            manager.add_permission_to_role(manager.find_role(name), manager.create_permission(action, resource))


def _held(session: Session, name: str) -> set[Permission] | None:
    """The rights of a role; None when there is no such role."""
    found: Any = security_manager(session).find_role(name)
    return None if found is None else {(one.action.name, one.resource.name) for one in found.permissions}

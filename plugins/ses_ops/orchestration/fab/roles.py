"""Rights of roles to a send task's DAG, in an Airflow with FAB.

With any other auth manager nothing is done. The rights are those that `access_control` of the DAG would give, and FAB's
own code writes them; but that is done here, when the task is made or its roles change, and not by the DAG file: there a
role that does not exist any more is an error of the file, for which Airflow takes the DAGs of all send tasks away
(docs/decisions/0027-rights-by-role.md).
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ses_ops.domain.send_task import dag_id
from ses_ops.orchestration.control import metadata_session

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

log = logging.getLogger(__name__)

#: All rights to a DAG: FAB's resources, and the actions on each.
EVERYTHING: dict[str, frozenset[str]] = {
    "DAGs": frozenset({"can_read", "can_edit", "can_delete"}),
    "DAG Runs": frozenset({"can_read", "can_create", "can_delete"}),
}
#: A right as FAB stores it: an action on a resource.
Permission = tuple[str, str]
#: The prefixes that FAB puts before a DAG's id, for the DAG and for its runs.
_OF_DAG, _OF_RUNS = "DAG:", "DAG Run:"
#: The DAG of test sends: whoever may start this DAG may make tasks.
SEND_DAG = "ses_test_send"
_TOLD = ("DAGs", "DAG Runs", "Roles", _OF_DAG + SEND_DAG, _OF_RUNS + SEND_DAG)


@dataclass(frozen=True, kw_only=True, slots=True)
class Role:
    """A role of Airflow, with its rights to the resources of `_TOLD`."""

    name: str
    permissions: frozenset[Permission] = field(repr=False)

    def may(self, action: str, *resources: str) -> bool:
        """Whether the role has the right to this action on at least one of the resources."""
        return any((action, resource) in self.permissions for resource in resources)

    @property
    def of_all_dags(self) -> bool:
        """Whether the role may see and edit every DAG: to be named in a task would give it no further right."""
        return self.may("can_read", "DAGs") and self.may("can_edit", "DAGs")

    @property
    def makes_tasks(self) -> bool:
        """Whether the role may see SEND_DAG, edit it and start it."""
        dags, runs = ("DAGs", _OF_DAG + SEND_DAG), ("DAG Runs", _OF_RUNS + SEND_DAG)
        return self.may("can_read", *dags) and self.may("can_edit", *dags) and self.may("can_create", *runs)

    @property
    def helps(self) -> bool:
        """Whether the role has any right to SEND_DAG."""
        return any(resource in (_OF_DAG + SEND_DAG, _OF_RUNS + SEND_DAG) for _, resource in self.permissions)

    @property
    def knows_roles(self) -> bool:
        """Whether the role may see the list of roles."""
        return self.may("can_read", "Roles")


def uses_roles() -> bool:
    """Whether Airflow's auth manager is that of FAB, or a subclass."""
    from airflow.api_fastapi.app import get_auth_manager_cls

    return any(base.__name__ == "FabAuthManager" for base in get_auth_manager_cls().__mro__)


def roles(*, of: Any = None) -> list[Role]:
    """All roles by name, or the roles of one user (`of`), as Airflow has them now. Empty without FAB."""
    if not uses_roles():
        return []
    with metadata_session() as session:
        names = _names(session, of)
        found: dict[str, set[Permission]] = {name: set() for name in names}
        for name, action, resource in session.execute(_rights_of(session, names)):
            found[name].add((action, resource))
    return [Role(name=name, permissions=frozenset(found[name])) for name in names]


def role_names() -> list[str]:
    """The names of all roles. Empty without FAB."""
    if not uses_roles():
        return []
    with metadata_session() as session:
        return _names(session)


def write_rights(roles_by_task: Mapping[str, Collection[str]]) -> dict[str, list[str]]:
    """Give the roles of each task all rights to its DAG, and take those of every other role away.

    Returns, by task, the named roles that Airflow does not have. Without FAB nothing is done. The DAG need not exist
    yet.
    """
    if not roles_by_task or not uses_roles():
        return {}
    missing: dict[str, list[str]] = {}
    with metadata_session() as session:
        manager = security_manager(session)
        known = set(_names(session))
        for task, wanted in roles_by_task.items():
            access = {name: {kind: set(acts) for kind, acts in EVERYTHING.items()} for name in wanted if name in known}
            manager.sync_perm_for_dag(dag_id(task), access)
            if gone := sorted(set(wanted) - known):
                missing[task] = gone
                log.warning("send task %r names roles that Airflow does not have: %s", task, ", ".join(gone))
    _forget_people()
    return missing


def read_rights_again(user: Any) -> bool:
    """Read the rights of a logged-in user again; False where the auth manager does not cache rights.

    FAB caches a user's rights for `[fab] cache_ttl` seconds (30) in each process of the API server.
    """
    from airflow.api_fastapi.app import get_auth_manager

    manager: Any = get_auth_manager()
    if getattr(user, "id", None) is None or not uses_roles():
        return False
    try:
        manager.cache.pop(int(user.id), None)
        user._perms = set(manager.deserialize_user({"sub": str(user.id)}).perms)
    except Exception as problem:  # another version of FAB may cache differently: the rights are then 30 s old at most
        log.debug("the rights of a person cannot be read again: %s", problem)
        return False
    return True


def _forget_people() -> None:
    """Clear the cache of rights of this process, if it has one."""
    from airflow.api_fastapi.app import get_auth_manager_cls

    cache = getattr(get_auth_manager_cls(), "cache", None)
    if cache is not None:
        cache.clear()


def _names(session: Session, user: Any = None) -> list[str]:
    from sqlalchemy import select

    role = security_manager(session).role_model
    wanted = select(role.name)
    if user is not None:
        wanted = wanted.where(role.user.any(id=getattr(user, "id", None)))
    return sorted(session.scalars(wanted))


def _rights_of(session: Session, names: list[str]) -> Any:
    """A query of the rights to the resources of `_TOLD`: a role may have thousands of rights to single DAGs."""
    from sqlalchemy import select

    manager = security_manager(session)
    role, action, resource = manager.role_model, manager.action_model, manager.resource_model
    return (
        select(role.name, action.name, resource.name)
        .join(role.permissions)
        .join(manager.permission_model.action)
        .join(manager.permission_model.resource)
        .where(role.name.in_(names), resource.name.in_(_TOLD))
    )


def security_manager(session: Session) -> Any:
    """The security manager of FAB without its web application, as Airflow's DAG processor uses it."""
    from airflow.providers.fab.www.security_appless import ApplessAirflowSecurityManager

    return ApplessAirflowSecurityManager(session=session)

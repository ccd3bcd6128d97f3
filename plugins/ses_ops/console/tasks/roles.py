"""The Airflow roles of a send task's form, offered and checked.

Only FAB's auth manager has roles to which a DAG can be given; with any other the form has no roles.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ses_ops.console.language import N_
from ses_ops.orchestration.fab import roles as fab_roles
from ses_ops.orchestration.fab.roles import Permission, Role

if TYPE_CHECKING:
    from collections.abc import Collection

    from airflow.api_fastapi.auth.managers.models.base_user import BaseUser

    from ses_ops.console.forms import Form
    from ses_ops.console.language import Language
    from ses_ops.domain.send_task import SendTask

#: Name of FAB's role for everybody, logged in or not.
_PUBLIC = "Public"
_UNKNOWN = N_("Airflow has no role %(role)s.")
_NOT_YOURS = N_("You may name roles that you have: %(roles)s. Not %(role)s.")
_LOCKED_OUT = N_("You could neither see nor stop this task yourself: name one of your roles, such as %(role)s.")
_ALL = N_("everybody with rights to all DAGs")
_SOME = N_("role %(roles)s, and everybody with rights to all DAGs")


@dataclass(frozen=True, kw_only=True)
class RoleChoices:
    """The roles that a person may write into the field."""

    #: Whether Airflow has roles to which a DAG can be given.
    offered: bool
    #: Roles that the person may give to a task.
    names: tuple[str, ...] = ()
    #: Roles by which the person may create tasks, without those that have rights to all DAGs.
    own: tuple[str, ...] = ()
    #: All roles of Airflow.
    known: frozenset[str] = frozenset()
    #: Whether the person sees and edits every DAG, whichever roles a task has.
    sees_all: bool = True


def role_choices(user: BaseUser) -> RoleChoices:
    """Read a person's rights and the roles from Airflow."""
    if not fab_roles.uses_roles():
        return RoleChoices(offered=False)
    every, own = fab_roles.roles(), fab_roles.roles(of=user)
    together = Role(name="", permissions=frozenset[Permission]().union(*(role.permissions for role in own)))
    useful = [role for role in (every if any(one.knows_roles for one in own) else own) if not role.of_all_dags]
    return RoleChoices(
        offered=True,
        names=tuple(role.name for role in useful if role.name != _PUBLIC),
        own=_makers(own),
        known=frozenset(role.name for role in every),
        sees_all=together.of_all_dags,
    )


def _makers(own: list[Role]) -> tuple[str, ...]:
    """The roles by which somebody may create tasks; when none gives all rights for that, those that give some."""
    some = [role for role in own if not role.of_all_dags]
    return tuple(role.name for role in [one for one in some if one.makes_tasks] or [one for one in some if one.helps])


def with_own_roles(form: Form, given: RoleChoices) -> Form:
    """Fill a form without roles with the person's own: nobody creates a task that they cannot see."""
    if not given.offered or form.text("roles") or ("roles" in form and given.sees_all):
        return form
    return form.with_values(roles=", ".join(given.own))


def only_nameable(roles: Collection[str], given: RoleChoices) -> str:
    """The text of the field for a clone: the roles of the cloned task that the person may give."""
    return ", ".join(role for role in roles if role in given.names)


def check_roles(
    form: Form, words: Language, task: SendTask, given: RoleChoices, *, before: Collection[str] = ()
) -> bool:
    """Whether the person may give a task its new roles; if not, the form has the error. `before`: its roles now."""
    if not given.offered or set(task.roles) == set(before):
        return True
    for role in task.roles:
        if role in before or role in given.names:
            continue
        text = _NOT_YOURS if role in given.known else _UNKNOWN
        form.problem("roles", words.gettext(text, role=role, roles=", ".join(given.names)))
        return False
    if not given.sees_all and given.own and set(task.roles).isdisjoint(given.own):
        form.problem("roles", words.gettext(_LOCKED_OUT, role=given.own[0]))
        return False
    return True


def who_sees_it(words: Language, roles: Collection[str]) -> str | None:
    """The text that names who can see and stop a task; None where Airflow's auth manager has no roles."""
    if not fab_roles.uses_roles():
        return None
    return words.gettext(_SOME, roles=", ".join(roles)) if roles else words.gettext(_ALL)

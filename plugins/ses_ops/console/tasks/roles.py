"""Which roles of Airflow a send task's form offers, and whether those that were typed will do.

Only FAB's auth manager has roles that a DAG can be given to; with any other nothing of this is shown.
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

#: Everybody has this role of FAB's, logged in or not, where it has any rights.
_PUBLIC = "Public"
_UNKNOWN = N_("Airflow has no role %(role)s.")
_NOT_YOURS = N_("You may name roles that you have: %(roles)s. Not %(role)s.")
_LOCKED_OUT = N_("You could neither see nor stop this task yourself: name one of your roles, such as %(role)s.")
_ALL = N_("everybody with rights to all DAGs")
_SOME = N_("role %(roles)s, and everybody with rights to all DAGs")


@dataclass(frozen=True, kw_only=True)
class RoleChoices:
    """What a person may write into the field."""

    #: Whether Airflow has roles at all that a DAG can be given to.
    offered: bool
    #: Roles that the person may name.
    names: tuple[str, ...] = ()
    #: Those through which the person may make tasks, and which have no rights to all DAGs anyway.
    own: tuple[str, ...] = ()
    #: Every role there is.
    known: frozenset[str] = frozenset()
    #: Whether the person sees and edits every DAG, whatever a task says.
    sees_all: bool = True


def role_choices(user: BaseUser) -> RoleChoices:
    """Read what Airflow knows of a person and of roles."""
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
    """The roles through which somebody makes tasks; those that give a part of it where no one gives all of it."""
    some = [role for role in own if not role.of_all_dags]
    return tuple(role.name for role in [one for one in some if one.makes_tasks] or [one for one in some if one.helps])


def with_own_roles(form: Form, given: RoleChoices) -> Form:
    """A form that names no role gets those of the person: nobody makes a task that they cannot see."""
    if not given.offered or form.text("roles") or ("roles" in form and given.sees_all):
        return form
    return form.with_values(roles=", ".join(given.own))


def only_nameable(roles: Collection[str], given: RoleChoices) -> str:
    """Those of a cloned task's roles that the person may name, as the field has them."""
    return ", ".join(role for role in roles if role in given.names)


def check_roles(
    form: Form, words: Language, task: SendTask, given: RoleChoices, *, before: Collection[str] = ()
) -> bool:
    """Whether a task may have its roles; False when it may not, which is noted in the form. `before`: those it has."""
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
    """Who can see and stop a task, in words; None where Airflow's auth manager has no roles."""
    if not fab_roles.uses_roles():
        return None
    return words.gettext(_SOME, roles=", ".join(roles)) if roles else words.gettext(_ALL)

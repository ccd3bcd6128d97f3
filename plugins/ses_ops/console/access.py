"""Rights in the console: those on a task are Airflow's rights on its DAG.

| right | asked of Airflow | for |
| --- | --- | --- |
| READ | GET on the DAG | seeing a task, its counts and its messages |
| EDIT | PUT on the DAG | pause, cancel; resume and change if no mail leaves by it; a group of an unfinished task |
| START | POST on the DAG's runs | send now, send again, retry what failed, resume or change when mail leaves by it |
| DELETE | DELETE on the DAG | delete |

Groups, templates, suppression, sender domains and test sends are shared by all tasks and have no DAG of their own. The
rights to them are those to SEND_DAG, the DAG of test sends: a person who may read SEND_DAG may see them, a person who
may also start it may change them and make tasks (that is the right to send mail at all). A right to other DAGs shows
nothing of them. A person who may read one send task and not SEND_DAG has the overview and the list, with that task
alone. A sender domain's warm-up plan is part of an Airflow Variable: a person who may write that Variable may change
the plan, and the domain's bounce domain.

Every route declares one rule of this module in its `dependencies`; tests/console holds each route to it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import Any

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.models.base_user import BaseUser
from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity, DagDetails, VariableDetails
from airflow.api_fastapi.core_api.security import GetUserDep
from airflow.configuration import conf
from airflow.models.dag import DagModel
from fastapi import HTTPException, Request

from ses_ops.console.language import N_
from ses_ops.console.task_snapshots import names_of_tasks
from ses_ops.domain.send_task import DAG_ID_PREFIX, dag_id
from ses_ops.domain.warmup import VARIABLE
from ses_ops.orchestration.fab.roles import SEND_DAG, read_rights_again

Rule = Callable[..., None]

#: Sentences that say why a person is refused.
_NOTHING = N_(
    "The mail console has nothing for your role: it may read neither the DAG ses_test_send nor that of any send task. "
    "Ask an administrator."
)
_SHARED = N_(
    "Recipient groups, templates, sender domains, the suppression list and test sends are for who may read the DAG "
    "ses_test_send. Ask an administrator."
)
_SENDS = N_("This is for who may trigger the DAG ses_test_send, which is the right to send mail. Ask an administrator.")


class Right(StrEnum):
    """The rights of a person to a task."""

    READ = "read"
    EDIT = "edit"
    START = "start"
    DELETE = "delete"


_ASKED: dict[Right, tuple[Any, DagAccessEntity | None]] = {
    Right.READ: ("GET", None),
    Right.EDIT: ("PUT", None),
    Right.START: ("POST", DagAccessEntity.RUN),
    Right.DELETE: ("DELETE", None),
}


def may(user: BaseUser, right: Right, task_name: str) -> bool:
    """Whether a person has a right to a task. The task need not exist: a refusal does not tell whether it does."""
    return _may_dag(user, right, dag_id(task_name))


def may_by_now(user: BaseUser, right: Right, task_name: str) -> bool:
    """As `may`, for a task whose rights may have been written a moment ago."""
    return may(user, right, task_name) or (read_rights_again(user) and may(user, right, task_name))


def visible(user: BaseUser, task_names: Iterable[str]) -> set[str]:
    """The names of the tasks that a person may see."""
    return _those_with(user, Right.READ, task_names)


def editable(user: BaseUser, task_names: Iterable[str]) -> set[str]:
    """The names of the tasks that a person may edit."""
    return _those_with(user, Right.EDIT, task_names)


def rights(user: BaseUser, task_name: str) -> frozenset[Right]:
    """All rights of a person to a task, by which a page offers its buttons."""
    return frozenset(right for right in Right if may(user, right, task_name))


def may_see_shared(user: BaseUser) -> bool:
    """Whether a person may see groups, suppression, templates, sender domains and test sends, which have no DAG."""
    return _may_dag(user, Right.READ, SEND_DAG)


def may_change_console(user: BaseUser) -> bool:
    """Whether a person may make tasks, and change groups, templates and suppression."""
    return may_see_shared(user) and _may_dag(user, Right.START, SEND_DAG)


def may_enter(user: BaseUser, task_names: Callable[[], Iterable[str]]) -> bool:
    """Whether a person may see anything in the console: what all tasks share, or at least one task."""
    return may_see_shared(user) or bool(visible(user, task_names()))


def signed_in(request: Request, user: GetUserDep) -> None:
    """Admit everybody who is logged in. The whole application has this rule; static files have no other."""
    request.state.ses_user = user


def enters_console(user: GetUserDep) -> None:
    """Admit persons who may see SEND_DAG or at least one send task: to the overview and the list."""
    _allow(user, lambda: may_enter(user, names_of_tasks), _NOTHING)


def reads_shared(user: GetUserDep) -> None:
    """Admit persons who may see SEND_DAG: see `may_see_shared`."""
    _allow(user, lambda: may_see_shared(user), _SHARED)


def changes_console(user: GetUserDep) -> None:
    """Admit persons who may send mail: see `may_change_console`."""
    _allow(user, lambda: may_change_console(user), _SENDS)


def may_write_quota(user: BaseUser) -> bool:
    """Whether a person may write the Airflow Variable with the warm-up plans."""
    details = VariableDetails(key=VARIABLE)
    return bool(get_auth_manager().is_authorized_variable(method="PUT", details=details, user=user))


def may_make_quota(user: BaseUser) -> bool:
    """Whether a person may make the Variable with the warm-up plans where there is none."""
    details = VariableDetails(key=VARIABLE)
    return bool(get_auth_manager().is_authorized_variable(method="POST", details=details, user=user))


def writes_quota(user: GetUserDep) -> None:
    """Admit persons who may write the Airflow Variable with the warm-up plans: to a sender domain's settings."""
    if not may_write_quota(user):
        raise HTTPException(403)


def _of_task(right: Right) -> Rule:
    """A rule for routes whose path has `{name}` of a task, or `{dag_id}`."""

    def rule(request: Request, user: GetUserDep) -> None:
        given = request.path_params.get("dag_id") or dag_id(request.path_params["name"])
        _allow(user, lambda: _may_dag(user, right, given))

    rule.__name__ = f"{right}s_task"
    return rule


reads_task = _of_task(Right.READ)
edits_task = _of_task(Right.EDIT)
starts_task = _of_task(Right.START)
deletes_task = _of_task(Right.DELETE)


def changes_task(request: Request, user: GetUserDep) -> None:
    """Admit persons who may edit the task and see SEND_DAG: the form shows groups, templates and a recipient."""
    edits_task(request, user)
    reads_shared(user)


#: The rules of which a route names one in its `dependencies`.
RULES: tuple[Rule, ...] = (
    signed_in,
    enters_console,
    reads_shared,
    changes_console,
    writes_quota,
    reads_task,
    edits_task,
    changes_task,
    starts_task,
    deletes_task,
)


def _allow(user: BaseUser, asked: Callable[[], bool], why: str | None = None) -> None:
    """Refuse with 403, but read the rights again before: an auth manager may cache a person's rights for 30 s."""
    if not asked() and not (read_rights_again(user) and asked()):
        raise HTTPException(403, why)


def _those_with(user: BaseUser, right: Right, task_names: Iterable[str]) -> set[str]:
    method, _ = _ASKED[right]
    wanted = {dag_id(name) for name in task_names}
    found: set[str] = set()
    for team, dag_ids in _by_team(wanted).items():
        found |= get_auth_manager().filter_authorized_dag_ids(dag_ids=dag_ids, user=user, method=method, team_name=team)
    return {one.removeprefix(DAG_ID_PREFIX) for one in found}


def _may_dag(user: BaseUser, right: Right, dag: str) -> bool:
    method, entity = _ASKED[right]
    (team,) = _by_team({dag})
    details = DagDetails(id=dag, team_name=team)
    return bool(get_auth_manager().is_authorized_dag(method=method, access_entity=entity, details=details, user=user))


def _by_team(dag_ids: set[str]) -> dict[str | None, set[str]]:
    """The DAGs by the team that owns them; without multi-team mode all by None, without a query."""
    if not conf.getboolean("core", "multi_team", fallback=False):
        return {None: dag_ids}
    teams = DagModel.get_dag_id_to_team_name_mapping(list(dag_ids))
    found: dict[str | None, set[str]] = {}
    for one in dag_ids:
        found.setdefault(teams.get(one), set()).add(one)
    return found

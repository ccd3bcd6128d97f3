"""`ses airflow-rights`: the rights of Airflow's roles (FAB) for the console."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from ses_ops.cli.lazy_group import examples
from ses_ops.cli.output import json_option, print_json
from ses_ops.cli.session import ask_airflow, database

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ses_ops.orchestration.fab.grants import Grants


@click.command(
    name="airflow-rights",
    epilog=examples(
        "ses airflow-rights --dry-run", "ses airflow-rights --team Mail", "ses airflow-rights --team Mail --team Sales"
    ),
)
@click.option("--team", "teams", multiple=True, metavar="ROLE", help="A role that may make mailings; made if missing.")
@click.option("--dry-run", is_flag=True, help="Show what would be done, and change nothing.")
@json_option
def airflow_rights(teams: tuple[str, ...], dry_run: bool, as_json: bool) -> None:
    """Let roles of Airflow see the console: for an administrator, once after the installation.

    Viewer and User get the right to pages of plugins (Op and Admin have it): without it Airflow shows no "Mail" in its
    navigation. A team's role may make mailings, and see and stop those that name it; nothing else of Airflow. The
    rights of the roles that send tasks name are written anew. What is there already is left alone: to call it again
    does nothing. Airflow's other auth managers have no such roles: with them nothing is done.
    """
    from ses_ops.storage.tasks.send_tasks import roles_of_tasks

    for team in teams:
        _check_name(team)
    with database() as conn:
        tasks = roles_of_tasks(conn)
    grants = ask_airflow(lambda _: _missing(teams))
    missing: Mapping[str, list[str]] = {}
    if not dry_run:
        missing = ask_airflow(lambda _: _give(grants, tasks))
    if as_json:
        print_json(_facts(grants, tasks, missing, done=not dry_run))
        return
    would = "would be " if dry_run else ""
    for name in grants.new_roles:
        click.echo(f"role {name}: {would}made")
    for name, action, resource in grants.rights:
        click.echo(f"role {name}: {would}given {action} on {resource}")
    if not (grants.new_roles or grants.rights):
        click.echo("every role has what it needs already")
    if tasks:
        click.echo(
            f"{len(tasks):,} send tasks name roles: their rights {'would be' if dry_run else 'are'} written anew"
        )
    for task, roles in missing.items():
        click.echo(f"send task {task}: Airflow has no role {', '.join(roles)}")


def _check_name(team: str) -> None:
    from ses_ops.domain.send_task import parse_send_task

    whole = {"name": "x", "type": "triggered", "template": "x", "sender": "x@example.com", "group": "x"}
    if parse_send_task({**whole, "roles": team}, where="").roles != (team,):
        raise click.UsageError(f"--team {team}: write one role's name, without a comma in it")


def _facts(
    grants: Grants, tasks: Mapping[str, tuple[str, ...]], missing: Mapping[str, list[str]], *, done: bool
) -> dict[str, Any]:
    return {
        "done": done,
        "new_roles": list(grants.new_roles),
        "rights": [{"role": role, "action": act, "resource": what} for role, act, what in grants.rights],
        "tasks": {name: list(roles) for name, roles in tasks.items()},
        "unknown_roles": dict(missing),
    }


def _missing(teams: tuple[str, ...]) -> Grants:
    from ses_ops.orchestration.fab.grants import missing_grants

    return missing_grants(teams)


def _give(grants: Grants, tasks: Mapping[str, tuple[str, ...]]) -> dict[str, list[str]]:
    from ses_ops.orchestration.fab.grants import give
    from ses_ops.orchestration.fab.roles import write_rights

    give(grants)
    return write_rights(tasks)

"""`ses airflow-sync`: what the API needs of Airflow, and asks of it."""

from __future__ import annotations

import click

from ses_ops.cli.lazy_group import examples
from ses_ops.cli.output import json_option, print_facts, print_json, warn
from ses_ops.cli.session import ask_airflow, database, db_dsn


@click.command("airflow-sync", epilog=examples("ses airflow-sync", "ses airflow-sync --json"))
@click.option("--print-database", is_flag=True, hidden=True, help="Only print the libpq URI of the ses database.")
@click.option("--in-turn", is_flag=True, hidden=True, help="Wait for other processes, and do what they left.")
@json_option
def airflow_sync(print_database: bool, in_turn: bool, as_json: bool) -> None:
    """Copy the quota and the mail server's connection for the API, and do what it asks of Airflow.

    The API (`ses listen api`) has no Airflow in its process. It runs this command as a child where it finds Airflow's
    settings; the DAG ses_maintenance copies every minute. So a person needs it only where neither is so.
    """
    if print_database:
        click.echo(db_dsn())
        return
    with database() as conn:
        if in_turn:
            from ses_ops.application.airflow_requests import my_turn

            if not my_turn(conn):
                return
        from ses_ops.orchestration.airflow_sync import sync

        done = ask_airflow(lambda _: sync(conn))
    if as_json:
        print_json(done)
    else:
        print_facts({"quota": _said(done.quota), "mail server": _said(done.mail_server)})
    for problem in done.problems:
        warn(problem)


def _said(there: bool) -> str:
    return "copied" if there else "not set in Airflow"

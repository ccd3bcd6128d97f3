"""`ses doctor`: one line a check, ok, warn or FAIL, and what to do."""

from __future__ import annotations

import click

from ses_ops.cli.lazy_group import examples
from ses_ops.cli.output import json_option, print_json

_COLOURS = {"ok": "green", "warn": "yellow", "FAIL": "red"}


@click.command(epilog=examples("ses doctor", "ses doctor --json"))
@json_option
@click.pass_context
def doctor(ctx: click.Context, as_json: bool) -> None:
    """Check settings, database, schema, mail server, quota, templates and Airflow. Exit code 1 if anything fails."""
    from ses_ops.cli.checks import run_checks

    found = []
    for check in run_checks():
        found.append(check)
        if not as_json:
            state = click.style(f"{check.state:4}", fg=_COLOURS[check.state])
            click.echo(f"{state}  {check.name:10}  {' '.join(check.text.split())}")
    if as_json:
        print_json(found)
    if any(check.state == "FAIL" for check in found):
        ctx.exit(1)

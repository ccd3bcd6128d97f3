"""`ses events reclassify`: judges opens and clicks anew, after the rules have changed."""

from __future__ import annotations

import click

from ses_ops.cli.actor import signing_actor
from ses_ops.cli.lazy_group import examples
from ses_ops.cli.output import json_option, print_json
from ses_ops.cli.session import database


@click.command(epilog=examples("ses events reclassify", "ses events reclassify --days 3 --json"))
@click.option("--days", default=7, show_default=True, type=click.IntRange(1, 365), help="Days to go back.")
@json_option
def reclassify(days: int, as_json: bool) -> None:
    """Judge anew, by the rules of this version, who opened and clicked in the last days: a person or a machine.

    Only what still has its address and user agent (SES_DEVICE_DATA_DAYS) can change. All counts follow.
    """
    from ses_ops.application.reclassify_engagement import reclassify as judge

    with database() as conn:
        done = judge(conn, signing_actor(), days=days)
    if as_json:
        print_json(done)
        return
    click.echo(
        f"{done.events:,} opens and clicks judged by the rules of {done.rules_of}: {done.changed:,} have another"
        " verdict now"
    )

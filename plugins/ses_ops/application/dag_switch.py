"""The pause of a send task follows its DAG's switch in Airflow.

Airflow writes its own entry for the switch in its audit log, so this module writes none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ses_ops.application.changed import Changed
from ses_ops.application.task_decisions import starts_mail
from ses_ops.errors import Explanation
from ses_ops.storage.connection import transaction
from ses_ops.storage.tasks import send_tasks

if TYPE_CHECKING:
    from collections.abc import Callable

    from psycopg2.extensions import connection as Connection

    from ses_ops.application.ports import Actor

#: First words of the reason of every pause that came from the switch.
PAUSED_IN_AIRFLOW = "paused in Airflow"


def follow_switch(conn: Connection, actor: Actor, name: str, *, paused: bool) -> Changed:
    """Pause or resume a send task as its DAG's switch was turned; the actor's name is empty when Airflow names nobody.

    In Airflow everybody who may edit a DAG can turn its switch. Pending mail does not leave by that alone: when
    the person who turned the switch on may not start mail of the task, it stays paused, with a reason that says so.
    """
    if not paused and starts_mail(conn, name) and not actor.may_start(name):
        why = Explanation("turned_on_by_somebody")
        if actor.name:
            why = Explanation("turned_on_by", user=actor.name)
        with transaction(conn):
            send_tasks.keep_paused(conn, name, reason=why.sentence)
        return Changed(changed=False)
    with transaction(conn):
        if paused:
            why = (
                Explanation("paused_in_airflow_by", who=actor.name) if actor.name else Explanation("paused_in_airflow")
            )
            return Changed(changed=send_tasks.pause(conn, name, reason=why.sentence))
        return Changed(changed=send_tasks.resume(conn, name))


def resume_if_switched_on(conn: Connection, name: str, is_on: Callable[[], bool]) -> Changed:
    """Resume a send task that was paused by the switch, if the switch is on again.

    The switch is read after the row of the send task: a pause is written to the row after the switch, so a pause of
    this moment stays.
    """
    with transaction(conn):
        row = send_tasks.find_row(conn, name)
    if row.paused_at is None or not (row.paused_reason or "").startswith(PAUSED_IN_AIRFLOW) or not is_on():
        return Changed(changed=False)
    with transaction(conn):
        return Changed(changed=send_tasks.resume(conn, name))

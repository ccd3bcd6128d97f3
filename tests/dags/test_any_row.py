"""Whatever a row of a send task holds, the DAGs of the others are made, stored and run."""

from __future__ import annotations

from contextlib import suppress

from ses_ops.errors import SesError
from ses_ops.orchestration import control
from tests.console.test_any_row import TEXTS, broken_tasks


def test_one_row_takes_no_dag_away_but_its_own(world, synced, dag_bag):
    names = {"fine", *broken_tasks(world)}
    bag = dag_bag()
    assert bag.import_errors == {}
    made = {dag.removeprefix("send_task__") for dag in bag.dags} - {
        "ses_test_send",
        "ses_maintenance",
        "ses_bounce_mailbox",
    }
    # A DAG cannot have such a name, which no task that is made has.
    assert names - made <= set(TEXTS)
    synced()
    assert set(control.dag_switches()) == made


def test_one_row_is_an_error_of_its_own_runs_only(world):
    names = broken_tasks(world)
    for name in names:
        run = world.run(name, "triggered")
        with suppress(SesError):  # what is wrong is said at the task
            world.freeze(run)
            world.reserve(run)
    assert world.freeze(world.run("fine")).request_count == 3

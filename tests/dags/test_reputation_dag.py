"""The DAGs judge the reputation: a raise lets cached mail of all tasks of the domain go on, a block holds it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from ses_ops.domain.reputation_state import ReputationState
from ses_ops.errors import Explanation
from ses_ops.storage.connection import transaction
from ses_ops.storage.reputation import states
from tests.dags.test_send_task_dag import runs_of
from tests.integration.sending_world import DOMAIN, MORNING

DAG = "send_task__hello"


@pytest.fixture
def led(world, set_quota):
    """A domain at level 1 whose bounces would be told."""
    entry = {"plan": "reputation", "started_on": "2026-01-01", "time_zone": MORNING}
    world.quota_variable = set_quota({DOMAIN: entry})
    world.execute(
        "INSERT INTO sender_domain (domain, bounce_domain) VALUES (%s, 'bounces.example.com')"
        " ON CONFLICT (domain) DO UPDATE SET bounce_domain = excluded.bounce_domain",
        DOMAIN,
    )
    world.execute("INSERT INTO event_feed (source, events) VALUES ('bounce_mail', 1)")
    world.group("customers", 600)
    world.task("hello", group="customers")
    return world


def test_a_raise_starts_runs_of_all_tasks_of_the_domain_now(led, mail_server, run_dag, synced):
    led.group("others", 600)
    led.task("other", group="others")
    led.whole_run(led.run("other"))
    assert led.overview("other").cached_count == 100
    synced()
    assert run_dag(DAG).state == "success"
    assert mail_server.total == 500, "hello found no quota, and its run judged the domain"
    for name in ("hello", "other"):
        (resume,) = [one for one in runs_of(f"send_task__{name}") if one.run_id.startswith("resume__")]
        assert resume.run_after <= datetime.now(UTC)
        assert resume.conf == {"resume": True}
        assert "has risen to 1,000" in led.overview(name).reason


def test_a_chunk_of_a_blocked_domain_is_not_sent_and_the_run_ends_well(led, mail_server, run_dag):
    with transaction(led.conn):
        why = Explanation("reputation_blocked_by_person")
        until = datetime.max.replace(tzinfo=UTC)
        states.write(led.conn, ReputationState(sender_domain=DOMAIN, level=3, blocked_until=until, blocked_why=why))
    outcome = run_dag(DAG)
    assert (outcome.state, outcome.task("send_chunk")) == ("success", "skipped")
    assert mail_server.total == 0
    assert led.overview("hello").cached_count == 600
    (resume,) = [one for one in runs_of(DAG) if one.run_id.startswith("resume__")]
    assert resume.run_after > datetime.now(UTC)


def test_a_domain_that_cannot_be_judged_stops_no_mail(led, mail_server, run_dag):
    led.execute("ALTER TABLE reputation_decision RENAME TO away")
    assert run_dag(DAG).state == "success"
    assert mail_server.total == 500
    led.execute("ALTER TABLE away RENAME TO reputation_decision")
    assert run_dag("ses_maintenance").state == "success"
    assert led.overview("hello").is_due, "the maintenance makes it up"

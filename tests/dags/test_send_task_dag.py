"""A send task's DAG, run by Airflow from beginning to end against a real database and a real mail server."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from ses_ops.domain.occurrence import SEND_AGAIN
from ses_ops.domain.task_status import TaskStatus
from tests.integration.sending_world import DOMAIN, quota

DAG = "send_task__hello"


def test_a_run_mails_every_recipient_once_and_ends_green(world, mail_server, run_dag):
    world.group("customers", 25)
    world.task("hello", group="customers")
    outcome = run_dag(DAG)
    assert outcome.state == "success"
    assert {outcome.task(name) for name in ("freeze_audience", "reserve_quota", "send_chunk", "settle")} == {"success"}
    assert len(mail_server.accepted) == 25
    assert set(mail_server.accepted.values()) == {1}
    assert world.overview("hello").status is TaskStatus.FINISHED


def test_mail_over_the_quota_waits_for_a_queued_run_of_the_next_day(world, mail_server, run_dag, set_quota):
    set_quota(quota(10))
    world.group("customers", 25)
    world.task("hello", group="customers")
    first = run_dag(DAG)
    (resume,) = [run for run in runs_of(DAG) if run.run_id.startswith("resume__")]
    assert (first.state, resume.state, resume.conf) == ("success", "queued", {"resume": True})
    assert timedelta(hours=23, minutes=58) < resume.run_after - datetime.now(UTC) <= timedelta(hours=25)
    overview = world.overview("hello")
    assert (overview.status, overview.sent_count, overview.cached_count) == (TaskStatus.PAUSED, 10, 15)
    assert overview.next_run_at == resume.run_after
    assert mail_server.total == 10


def test_a_resume_that_comes_early_sends_nothing_and_triggers_no_second_run(world, mail_server, run_dag, set_quota):
    set_quota(quota(10))
    world.group("customers", 25)
    world.task("hello", group="customers")
    run_dag(DAG)
    early = run_dag(DAG, conf={"resume": True})
    assert (early.state, early.task("send_chunk")) == ("success", "skipped")
    assert mail_server.total == 10
    assert len([run for run in runs_of(DAG) if run.run_id.startswith("resume__")]) == 1


def test_triggering_by_hand_again_mails_nobody_twice(world, mail_server, run_dag):
    world.group("customers", 12)
    world.task("hello", group="customers")
    run_dag(DAG)
    assert run_dag(DAG).state == "success"
    assert set(mail_server.accepted.values()) == {1}


def test_the_switch_in_the_trigger_form_mails_the_whole_group_again(world, mail_server, run_dag):
    world.group("customers", 12)
    world.task("hello", group="customers")
    run_dag(DAG)
    run_dag(DAG, conf={SEND_AGAIN: True})
    assert set(mail_server.accepted.values()) == {2}


def test_every_trigger_of_a_triggered_task_is_an_occurrence_of_its_own(world, mail_server, run_dag):
    world.group("customers", 5)
    world.task("hello", group="customers", type="triggered")
    run_dag(DAG)
    run_dag(DAG)
    assert set(mail_server.accepted.values()) == {2}


def test_a_quota_that_is_missing_fails_the_run_shows_the_error_and_loses_nothing(
    world, mail_server, run_dag, set_quota
):
    set_quota(quota(100, domain="other.example.com"))
    world.group("customers", 5)
    world.task("hello", group="customers")
    failed = run_dag(DAG)
    assert (failed.state, failed.task("reserve_quota"), failed.task("settle")) == ("failed", "failed", "failed")
    assert DOMAIN in world.overview("hello").error
    assert mail_server.total == 0
    set_quota(quota(100))
    assert run_dag(DAG).state == "success"
    assert (mail_server.total, world.overview("hello").error) == (5, None)


def test_a_template_that_does_not_match_the_group_fails_the_run_before_a_mail_leaves(world, mail_server, run_dag):
    (world.templates / "hello" / "subject.txt").write_text("Hello {{ first_name }}")
    world.group("customers", 5)
    world.task("hello", group="customers")
    failed = run_dag(DAG)
    assert (failed.state, failed.task("freeze_audience")) == ("failed", "failed")
    assert "first_name" in world.overview("hello").error
    assert mail_server.total == 0


def test_a_paused_task_sends_nothing(world, mail_server, run_dag):
    from ses_ops.orchestration.pause import follow_switch

    world.group("customers", 5)
    world.task("hello", group="customers")
    world.execute("UPDATE send_task SET paused_at = now(), paused_reason = 'a person'")
    outcome = run_dag(DAG)
    assert (outcome.state, outcome.task("send_chunk")) == ("success", "skipped")
    assert mail_server.total == 0
    follow_switch("hello", paused=False)
    run_dag(DAG)
    assert mail_server.total == 5


def test_a_pause_that_airflow_made_ends_when_the_dag_runs_again(world, mail_server, run_dag):
    from ses_ops.orchestration.pause import follow_switch

    world.group("customers", 5)
    world.task("hello", group="customers")
    follow_switch("hello", paused=True, user="ann")
    assert world.overview("hello").reason == "paused in Airflow by ann"
    run_dag(DAG)
    assert mail_server.total == 5


def runs_of(dag_id):
    from airflow.models.dagrun import DagRun
    from airflow.utils.session import create_session
    from sqlalchemy import select

    with create_session() as session:
        return list(session.scalars(select(DagRun).where(DagRun.dag_id == dag_id).order_by(DagRun.id)))

"""Airflow's audit log knows what the command line changed, where there is an Airflow."""

from __future__ import annotations

import pytest

from ses_ops.cli import session
from ses_ops.cli.actor import signature
from ses_ops.errors import DatabaseUnavailable


def test_what_a_command_changed_is_in_the_audit_log_with_who_did_it(ses, world, sale, airflow):
    world.group("customers", 3)
    path = sale(type="triggered")
    assert ses("task", "apply", path).code == 0
    assert ses("task", "pause", "sale", "--reason", "wrong price").code == 0
    assert ses("task", "cancel", "sale").code == 0
    assert ses("suppression", "add", "ann@example.com").code == 0
    assert {who for who, _, _ in airflow.audited} == {signature()}
    facts = {action: facts for _, action, facts in airflow.audited}
    assert list(facts) == ["create_task", "pause_task", "cancel_task", "suppress"]
    assert facts["create_task"]["template"] == "hello"
    assert facts["pause_task"] == {"task": "sale", "reason": "wrong price"}
    assert facts["suppress"] == {"addresses": ["ann@example.com"], "reason": "manual", "note": "", "changed": 1}


def test_what_a_command_was_refused_or_only_looked_at_is_in_no_log(ses, world, sale, airflow):
    world.group("customers", 3)
    path = sale(type="triggered")
    assert ses("task", "apply", "--check", path).code == 0
    assert ses("task", "apply", path).code == 0
    airflow.audited.clear()
    assert ses("task", "apply", path).code == 0, "nothing has changed"
    assert ses("task", "cancel", "other").code == 1
    assert ses("task", "edit", "sale", "--subject", "Other", "--check").code == 0
    assert ses("task", "list").code == 0
    assert airflow.audited == []


@pytest.mark.parametrize("configured", [True, False])
def test_a_change_holds_when_the_audit_log_cannot_be_written(ses, world, airflow, monkeypatch, configured):
    def away(entries):
        raise DatabaseUnavailable("cannot use Airflow's database: gone")

    monkeypatch.setattr("ses_ops.orchestration.audit.write_rows", away)
    monkeypatch.setattr(session, "airflow_is_configured", lambda: configured)
    world.group("customers", 3)
    done = ses("group", "delete", "customers")
    assert (done.code, done.out) == (0, "deleted customers: 3 recipients\n")
    told = "Airflow's audit log could not be told of it: cannot use Airflow's database: gone"
    assert (told in done.err) == configured
    assert world.rows("SELECT count(*) FROM recipient_group") == [(0,)]
